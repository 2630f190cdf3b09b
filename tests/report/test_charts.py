"""Every chart compiles, and its rows stand behind it."""

from __future__ import annotations

import json
import re
import zlib

import altair as alt
import pytest
from altair.utils.schemapi import validate_jsonschema

from forecast.report import render_html
from forecast.report.charts import CHARTS, capacity, chart, charts_of, definition
from forecast.report.charts.tiles import grid
from forecast.report.view import View
from tests.report.made import (
    made_run,
    many_run,
    with_kind,
    with_schools,
)


@pytest.mark.parametrize("many", [False, True])
def test_every_chart_compiles(many: bool) -> None:
    import vl_convert

    view, schema = View(many_run()[0] if many else with_schools(made_run())), alt.load_schema()
    for name, kind in charts_of(view).items():
        spec = definition(view, kind)
        validate_jsonschema(json.loads(json.dumps(spec)), {"$ref": "#/definitions/TopLevelLayerSpec"}, schema)
        compiled = vl_convert.vegalite_to_vega({"$schema": "https://vega.github.io/schema/vega-lite/v6.json", **spec})
        assert any(data["name"] == "rows" for data in compiled["data"]), name


def test_map_without_a_drawing_says_so() -> None:
    page = render_html(made_run(grid=False))
    assert "按表中次序排列，不表示位置" in page
    assert grid(View(made_run(grid=False))) == {"000001": (0, 0), "000002": (1, 0), "000003": (0, 1)}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", list(CHARTS))
def test_every_chart_becomes_a_picture(name: str, lang: str) -> None:
    import vl_convert

    run = many_run()[0]
    if name == "capacity":
        run = with_kind(run, "rolls")
    spec = chart(run, name, place="000002", service="senior_school" if name == "planned" else None, lang=lang)
    assert spec["datasets"]["rows"] or name == "train"  # no train may be likely enough
    picture = vl_convert.vegalite_to_png(spec)
    assert picture.startswith(b"\x89PNG")
    points = zlib.decompress(b"".join(re.findall(rb"IDAT(.*?).{4}(?:\0\0.{2}IDAT|\0\0\0\0IEND)", picture, re.S)))
    assert len(set(points)) > 20 or name == "train"


def test_a_chart_that_a_run_has_not_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="this run has the charts tiles, heat, wave"):
        chart(made_run(), "odds")


@pytest.mark.parametrize("name", list(CHARTS))
def test_rows_hold_one_line_for_each_choice(name: str) -> None:
    """Keys come first and tell the rows apart; what is drawn has a column; a page finds rows for all it may ask."""
    run = many_run()[0]
    view, kind = View(with_kind(run, "rolls") if name == "capacity" else run), CHARTS[name]
    rows = kind.rows(view)
    assert set(kind.by) <= set(rows.columns)
    keys = [key for key in ("place", "service", "stage", "group", "year", "cause", "step", "use", "at") if key in rows]
    assert not rows.duplicated(keys).any()
    drawn = set(re.findall(r"datum\.([a-z_0-9]+)", json.dumps(definition(view, kind))))
    own = {"value", "share", "tone", "top", "total", "high", "low", "at"}  # of an axis, or worked out in the definition
    assert drawn - own <= set(rows.columns)


def test_a_curve_over_capacity_falls_and_stands_at_one_half_at_the_median() -> None:
    run = with_kind(many_run()[0], "rolls")
    view = View(run)
    assert capacity.services(View(many_run()[0])) == []
    for service, here in capacity.rows(view).groupby("service"):
        year = capacity.highest(view, service)
        assert year >= run.flags.now
        need = view.curves.table("demand", service).loc[view.area]
        assert need[year] == need.loc[run.flags.now : run.flags.now + capacity.SPAN].max()
        assert here["capacity"].is_monotonic_increasing
        assert (here["chance"].diff().dropna() < 0).all()
        ahead = run.flags.demand.sel(county=view.area, service=service, year=slice(run.flags.now, None))
        at_half = float(ahead.isel(year=slice(capacity.SPAN + 1)).max("year").median())
        assert here.loc[here["chance"] == 50, "capacity"].tolist() == [round(at_half)]


def test_what_is_drawn_of_a_service_is_what_the_run_says() -> None:
    run = many_run()[0]
    courses = View(run).courses.set_index(["place", "service", "year"])
    for place, year in (("000002", 2030), ("000003", 2041)):
        here = courses.loc[(place, "kindergarten", year)]
        cube = run.data.sel(county=place, service="kindergarten", year=year)
        assert here["gap"] == round(float(cube.gap))
        assert here["relative_gap"] == pytest.approx(
            float(cube.gap) / float(cube.supply if cube.gap > 0 else cube.demand), abs=1e-4
        )
        assert here["low"] == round(float(cube.demand_low))
        assert here["chance"] == round(
            100 * float(run.data.p_short.sel(area=place, service="kindergarten", year=year)), 1
        )
