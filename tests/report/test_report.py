"""The report: what its sentences say, that nothing in a name can run, and that the page draws without a network."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from altair.utils.schemapi import validate_jsonschema

from forecast import read_region, run_forecast
from forecast.basics.catalogue import catalogue
from forecast.basics.dims import AGES, SEXES
from forecast.basics.quantiles import KEPT
from forecast.basics.text import Text, count, joined, same
from forecast.basics.units import amount
from forecast.blocks.summary import odds, quantiles
from forecast.demand import DemandModel, read_models
from forecast.findings.flags import Flags, find_flags, paths_of
from forecast.findings.read import read_rules
from forecast.findings.schools import find_schools
from forecast.findings.sharing import find_sharing
from forecast.region import Region
from forecast.report import headline, measured, render_html
from forecast.report.chances import SCALE, chance, likelihood
from forecast.report.chapters import write_chapters
from forecast.report.chapters.certainty import RISKS, certainty
from forecast.report.chapters.waves import waves
from forecast.report.charts import CHARTS, charts_of, definition
from forecast.report.charts.people import GROUPS
from forecast.report.charts.tiles import grid
from forecast.report.csv_tables import tables
from forecast.report.view import View
from forecast.run.run import Run
from forecast.scenario import read_scenario
from forecast.supply.gap import capacity_for_risk
from forecast.waves import find_waves

YEARS = np.arange(2010, 2051)
EVIL = "</script><img src=x onerror=window.bad=1>\"'&\u2028⟦甲⟧"
LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"


NOW = 2026
RULES = read_rules()
"""Year of the decision of all made-up runs."""


def made_flags(data: xr.Dataset, region: Region, models: dict[str, DemandModel]) -> Flags:
    return find_flags(paths_of(data, 2023, region.areas, models), models, region.areas.names, NOW, RULES.warning)


def made_region(names: list[tuple[str, str]], grid: bool = True) -> Region:
    codes = [f"{k + 1:06d}" for k in range(len(names))]
    counties = pd.DataFrame({"name_zh": [n[0] for n in names], "name_en": [n[1] for n in names]}, index=codes)
    counties = counties.assign(parent="000000")
    if grid:
        counties = counties.assign(grid_row=1, grid_col=range(1, len(names) + 1))
    line = ["supply", "", EVIL, "p. 3", "assumed", "none", EVIL, 2, "sources.csv"]
    fields = ["table", "filter", "source", "locator", "basis", "verification", "note", "row", "file"]
    return Region(
        id="made",
        name=Text("示例市", "Sample"),
        area="000000",
        parent=None,
        parents={},
        jump_off_year=2023,
        pattern=None,
        counties=counties,
        tables={"sources": pd.DataFrame([line], columns=fields)},
        settings={"notes": [{"zh": EVIL, "en": EVIL}]},
        folder=Path(),
        encodings={},
        hashes={},
        warnings=(),
    )


def made_run(
    capacity: float = 1.0, names: list[tuple[str, str]] | None = None, grid: bool = True, view: str = "behaviour"
) -> Run:
    """A wave with its crest in 2024 (kindergarten) to 2035 (senior); supply is `capacity` times demand of 2022."""
    region = made_region(names or [("甲县", "Alpha"), ("乙县", "Beta"), ("丙县", "Gamma")], grid)
    models = read_models()
    services, counties = list(models), list(region.counties.index)
    crest = {
        "nursery": 2018,
        "kindergarten": 2019,
        "primary_school": 2025,
        "junior_school": 2028,
        "senior_school": 2031,
    }
    size = np.arange(1, len(counties) + 1) * 10_000.0
    shape = {s: 1 + 1.5 * np.exp(-(((YEARS - crest.get(s, 2070)) / 6) ** 2)) for s in services}
    demand = np.stack([size[:, None] * shape[s] for s in services], axis=-1)
    supply = np.where(YEARS[None, :, None] >= 2022, capacity * demand[:, YEARS == 2022], np.nan)
    dims = ("county", "year", "service")
    cubes = {"demand": demand, "demand_norm": demand * 1.05, "supply": supply, "gap": supply - demand}
    cubes |= {"demand_low": demand * 0.9, "demand_high": demand * 1.1}
    if view == "norm":
        cubes["gap"] = supply - 1.05 * demand
    enrolment = np.full((len(services), len(YEARS)), np.nan)
    enrolment[1, 8:13] = demand.sum(0)[8:13, 1] * [1.04, 1.03, 1.02, 1.01, 1.0]
    people = np.full((len(counties), len(YEARS), len(SEXES), len(AGES)), 50.0)
    born = [model.ages[0] + 2023 if model.domain in ("education", "childcare") else -1 for model in models.values()]
    data = xr.Dataset(
        {name: (dims, values) for name, values in cubes.items()},
        coords={
            "county": counties,
            "year": YEARS,
            "service": services,
            "age": list(AGES),
            "born_until": ("service", born),
        },
        attrs={"jump_off_year": 2023},
    ).assign(
        population=(("county", "year", "sex", "age"), people),
        births=(("county", "year", "sex"), people[..., 0]),
        deaths=(("county", "year", "sex", "age"), people),
        enrolment=(("service", "year"), enrolment),
        supply_basis=("service", np.asarray(["assumed"] * len(services), dtype=object)),
    )
    whole = data.demand.sum("county").expand_dims(county=[region.area])
    waves = find_waves(xr.concat([data.demand, whole], "county", join="exact"))
    scenario = read_scenario("baseline", {"demand.view": view})
    manifest = {"time": "2026-01-02T03:04:05", "forecast": "0", "seed": 0}
    flags = made_flags(data, region, models)
    sharing = find_sharing(flags, models, region, RULES.sharing)
    return Run(region, scenario, models, RULES, data, waves, pd.DataFrame(), manifest, flags, sharing)


def with_schools(run: Run) -> Run:
    """The same run with what it says of schools; the last quarter of the senior places is planned for 2026."""
    form = ["stage" if model.domain == "education" else "" for model in run.models.values()]
    planned = xr.zeros_like(run.data.supply)
    planned.loc[{"service": "senior_school", "year": slice(2026, None)}] = 1.0
    data = run.data.assign(
        pupils=run.data.demand.where(xr.DataArray([bool(one) for one in form], dims="service")),
        form=("service", form),
        planned=0.25 * run.data.supply * planned,
    )
    held = find_schools(data, run.models, run.region, run.waves, run.flags.classes["lasting"], RULES.standards)
    return replace(run, data=data, schools=held)


MANY = 150


def with_trajectories(run: Run, seed: int = 1) -> tuple[Run, np.ndarray]:
    """The same run with made-up trajectories around it, reduced as `run_blocks` reduces them, and beside it the demand
    of every trajectory: (the whole and the counties, year, service, trajectory), NaN up to the jump-off year."""
    rng = np.random.default_rng(seed)
    ahead = YEARS > 2023
    drift = np.cumsum(rng.normal(scale=0.03, size=(len(run.models), len(YEARS), MANY)) * ahead[:, None], axis=1)
    own = rng.normal(scale=0.02, size=(run.data.sizes["county"], 1, 1, MANY))
    factor = np.where(ahead[:, None, None], np.exp(drift.transpose(1, 0, 2) + own), np.nan)
    demand = run.data.demand.values[..., None] * factor
    demand = np.concatenate([demand.sum(axis=0, keepdims=True), demand])
    supply = np.concatenate([run.data.supply.values.sum(axis=0, keepdims=True), run.data.supply.values])
    areas = [run.region.area, *run.data.county.values.tolist()]
    by_service = ("area", "year", "service")
    told = odds(demand.transpose(0, 2, 1, 3)[:, :, ahead], supply.transpose(0, 2, 1)[:, :, ahead])
    found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for name, values in told._asdict().items():
        full = np.full((len(areas), len(YEARS), len(run.models)), np.nan)
        full[:, ahead] = values.transpose(0, 2, 1)
        found[name] = by_service, full
    ends = quantiles(demand)
    found["demand_quantile"] = ("quantile", *by_service), ends
    found["gap_quantile"] = ("quantile", *by_service), supply - ends[::-1]
    found["p_norm_met"] = by_service, np.where(ahead[:, None], (1.05 * demand < supply[..., None]).mean(-1), np.nan)
    spread = np.linspace(0.8, 1.2, len(KEPT))
    people = run.data.population.sum("sex").values
    sizes = np.stack([people[..., first : last + 1].sum(-1) for first, last in GROUPS.values()], axis=-1)
    sizes = np.concatenate([sizes.sum(axis=0, keepdims=True), sizes])
    blank = np.where(ahead, 1.0, np.nan)[:, None]
    found["population_quantile"] = (
        ("quantile", "area", "year", "age_group"),
        spread[:, None, None, None] * sizes * blank,
    )
    found["births_quantile"] = ("quantile", "area", "year"), spread[:, None, None] * sizes[..., 0] * blank[:, 0]
    shares = np.array([0.5, 0.0, 0.2, 0.3, 0.0])[:, None, None, None] * np.ones(
        (len(areas), len(YEARS), len(run.models))
    )
    parts = ["births", "mortality", "migration", "participation", "together"]
    coords = {"area": areas, "quantile": list(KEPT), "age_group": list(GROUPS)}
    data = run.data.assign_coords(coords).assign(found).assign_attrs(trajectories=MANY)
    chosen = np.where(np.isnan(demand), 0.0, demand)[..., :49].transpose(0, 3, 1, 2)
    data["demand_chosen"] = ("area", "trajectory", "year", "service"), chosen
    held = {"component": parts, **{name: data[name].values for name in by_service}}
    causes: Any = SimpleNamespace(variance_share=xr.DataArray(shares, held, ("component", *by_service)))
    return replace(run, data=data, causes=causes, flags=made_flags(data, run.region, run.models)), demand


@cache
def many_run() -> tuple[Run, np.ndarray]:
    run, demand = with_trajectories(made_run())
    return with_schools(run), demand


@cache
def many_page() -> str:
    return render_html(many_run()[0])


@cache
def plain_page() -> str:
    """The report of the made-up run, rendered once for all tests that only look at it."""
    return render_html(with_schools(made_run()))


def told(run: Run) -> dict[str, str]:
    return {lang: "\n".join(sentences) for lang, sentences in headline(run).items()}


# ---- words -------------------------------------------------------------------------------------------------------


def test_numbers_read_as_a_planner_writes_them() -> None:
    assert count(190_812).zh == "19.1万"
    assert count(260_000).zh == "26万"
    assert count(4_263).pair() == ["4263", "4,263"]
    assert count(1_234_567).pair() == ["123.5万", "1.23 million"]
    assert count(123_456_789).zh == "1.23亿"
    assert amount(182_000, "places").pair() == ["18.2万个", "182,000 places"]
    assert joined([same("A"), same("B"), same("C")]).pair() == ["A、B、C", "A, B and C"]


def test_every_sentence_named_in_the_code_is_in_the_catalogue(root: Path) -> None:
    source = "\n".join(path.read_text("utf-8") for path in sorted((root / "forecast" / "report").rglob("*.py")))
    template = (root / "forecast" / "report" / "html" / "page.html.j2").read_text("utf-8")
    named = set(re.findall(r'\bboth\(\s*"([a-z_0-9.]+)"', source)) | set(
        re.findall(r"words\(.([a-z_0-9.]+).\)", template)
    )
    assert len(named) > 100
    assert {key for key in named if f"report.{key}" not in catalogue()} == set()


# ---- waves and warnings ------------------------------------------------------------------------------------------


def test_the_board_says_what_the_flags_say() -> None:
    run = many_run()[0]
    lines = waves(View(run)).board
    for service, line in zip(run.models, lines, strict=True):
        flag = run.flags.facts[run.region.area, service]
        assert line.kind.zh == catalogue()[f"report.class.{flag.category}"]["zh"]
        due = re.findall(r"\d{4}", line.decide.en)
        assert due == ([] if flag.act_from is None else [str(max(flag.act_from, NOW))])
        assert all(int(year) >= NOW for year in due)
        if flag.gap is not None:
            gap = run.data.supply.sel(service=service, year=flag.gap_year).sum()
            gap = float(gap - run.data.demand_chosen.sel(area="000000", service=service, year=flag.gap_year).median())
            assert flag.gap == pytest.approx(gap)
            assert ("short" if gap < 0 else "to spare") in line.gap.en


def test_tables_of_who_could_help_are_those_of_the_gaps() -> None:
    """Two counties, near: in the kindergarten one is short of 300 and the other has 200 to spare, year after year."""
    run = made_run()
    roads = pd.DataFrame({"county_a": ["000001"], "county_b": ["000002"], "seat_km": [12.0]})
    far = pd.DataFrame({"county_a": ["000001"], "county_b": ["000003"], "seat_km": [120.0]})
    region = replace(run.region, tables=run.region.tables | {"neighbours": pd.concat([roads, far])})
    gap = xr.zeros_like(run.flags.gap)
    gap.loc[{"county": "000001", "service": "kindergarten", "year": [2030, 2031]}] = -300.0
    gap.loc[{"county": ["000002", "000003"], "service": "kindergarten", "year": [2030, 2031]}] = 200.0
    gap.loc[{"county": "000002", "service": "primary_school", "year": 2033}] = 1000.0
    gap.loc[{"county": "000002", "service": "care_beds", "year": 2033}] = -100.0
    flags = replace(run.flags, gap=gap)
    run = replace(run, region=region, flags=flags, sharing=find_sharing(flags, run.models, region, RULES.sharing))
    told = {table.id: table for table in waves(View(run)).tables}
    pairs, cross = told["table_pairs"], told["table_cross"]
    assert [(row[1].en, row[2].en, row[3], row[4].en, row[5]) for row in pairs.rows] == [
        ("Alpha", "Beta", 12.0, "in 2030–2031", 400)
    ]
    assert "没有车程数据" in pairs.note.zh
    floors = [run.models[name].standard("floor_area").value[-1][1] for name in ("primary_school", "care_beds")]
    assert [(row[0].en, row[3].en, row[4]) for row in cross.rows] == [
        ("Beta", "2033", round(min(1000 * floors[0], 100 * floors[1])))
    ]
    shares = [sum(row[1:]) for row in told["table_synchrony"].rows]
    assert shares == pytest.approx([1.0] * len(run.models))


# ---- the headline ------------------------------------------------------------------------------------------------


def test_headline_tells_shortage_fall_and_crest() -> None:
    found = told(made_run())
    first = headline(made_run())["zh"][0]
    assert first.startswith("示例市：")
    assert "小学学位2023—2028年短缺" not in first  # the jump-off year itself is past
    assert re.search(r"高中阶段学位20\d\d—20\d\d年短缺", first)
    assert "幼儿园学位富余" in first
    assert re.search(r"在园幼儿2022年实际有.*预计2026年降到.*在2023年末都已出生", found["zh"])
    assert "小学在校生2025年前后达峰" in found["zh"]
    assert "primary pupils crest about 2025" in found["en"]
    assert "3个县（市、区）中有3个短缺，缺得最多的是丙县" in found["zh"]
    assert "假定值" in found["zh"]


def test_headline_names_the_size_of_a_gap_as_the_data_have_it() -> None:
    run = made_run()
    spell = View(run).meaning.spells("000000", "senior_school")[0]
    gap = float(run.data.gap.sel(service="senior_school", year=spell.worst).sum())
    assert f"{spell.worst}年高中阶段学位共缺{count(-gap).zh}个" in told(run)["zh"]


def test_headline_of_a_region_without_shortage() -> None:
    found = headline(made_run(capacity=3.0))
    assert found["zh"][0].startswith("示例市：到2031年没有一项服务短缺；到2030年，")
    assert found["en"][0].startswith("Sample: nothing falls short by 2031; ")
    assert "短缺在哪里" not in "".join(found["zh"])


def test_headline_without_any_supply() -> None:
    run = made_run()
    blank = run.data.assign(supply=run.data.supply * np.nan, gap=run.data.gap * np.nan)
    found = headline(replace(run, data=blank))
    assert "没有供给数据" in found["zh"][0]
    assert "no supply is given" in found["en"][0]
    page = render_html(replace(run, data=blank))
    assert "没有供给数据，不算缺口" in page


def test_headline_names_services_whose_supply_is_not_given() -> None:
    run = made_run()
    known = run.data.service != "care_beds"
    found = told(replace(run, data=run.data.assign(supply=run.data.supply.where(known), gap=run.data.gap.where(known))))
    assert "没有供给数据、因而未算缺口的有：养老机构床位。" in found["zh"]


def test_headline_says_where_the_standard_judges_otherwise() -> None:
    run = made_run(capacity=1.0)
    harder = run.data.assign(demand_norm=run.data.demand * 5)
    assert "改按配置标准算" in told(replace(run, data=harder))["zh"]


def test_view_of_the_standard_is_told_and_a_missing_standard_too() -> None:
    run = made_run(view="norm")
    known = run.data.service != "hospital_beds"
    data = run.data.assign(demand_norm=run.data.demand_norm.where(known), gap=run.data.gap.where(known))
    found = told(replace(run, data=data))
    assert "缺口按标准配置的需求计算。" in found["zh"]
    assert "没有供给数据或没有配置标准、因而未算缺口的有：医疗机构床位。" in found["zh"]


def test_one_county_is_not_compared_with_others() -> None:
    assert "只有一个县（市、区）" in told(made_run(names=[("甲县", "Alpha")]))["zh"]


@pytest.mark.parametrize("capacity", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("view", ["behaviour", "norm"])
def test_no_sentence_has_a_hole(capacity: float, view: str) -> None:
    run = made_run(capacity=capacity, view=view)
    sentences = headline(run)
    assert len(sentences["zh"]) == len(sentences["en"])
    for chapter in write_chapters(View(run)):
        texts = [chapter.title, *chapter.sentences, *(text for part in chapter.by_service.values() for text in part)]
        sentences["zh"] += [text.zh for text in texts]
        sentences["en"] += [text.en for text in texts]
    for sentence in [*sentences["zh"], *sentences["en"]]:
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b|[{}]", sentence), sentence


def test_calibration_and_assumed_supply_are_told() -> None:
    run = made_run()
    controls = pd.DataFrame({"area": ["000000"], "year": [2023], "component": ["population"], "value": [3 * 10_100.0]})
    region = replace(run.region, tables={**run.region.tables, "controls": controls})
    page = render_html(replace(run, region=region))
    assert "本次推算按构造与之相符，不能作为准确性的证据" in page
    assert "2023年公布的人口总数以及出生、死亡数用于校准" in page
    assert 'class="badge b-assumed"' in page


def test_a_ratio_is_never_called_a_rate_of_enrolment() -> None:
    said = "".join(entry["zh"] for key, entry in catalogue().items() if key.startswith("report."))
    assert "入学率" not in said.replace("不是入学率", "")
    assert "不是入学率" in said


# ---- how sure ----------------------------------------------------------------------------------------------------


def test_probabilities_and_bands_are_those_of_the_trajectories() -> None:
    run, demand = many_run()
    view = View(run)
    supply = view.curves.table("supply", "senior_school")
    service, year = view.services.index("senior_school"), view.years.index(2033)
    for row, place in enumerate(view.places):
        one = demand[row, :, service]
        assert view.odds.chance("p_short", place, "senior_school", 2033) == pytest.approx(
            np.mean(one[year] > supply.at[place, 2033])
        )
        ever = (one[view.years.index(2024) : year + 1] > supply.loc[place, 2024:2033].to_numpy()[:, None]).any(axis=0)
        assert view.odds.chance("p_short_by", place, "senior_school", 2033) == pytest.approx(ever.mean())
        band = view.odds.band("demand_quantile", place, "senior_school", 2033)
        assert band == pytest.approx(np.quantile(one[year], [0.1, 0.9]))
        assert view.odds.band("gap_quantile", place, "senior_school", 2033) == pytest.approx(
            np.quantile(supply.at[place, 2033] - one[year], [0.1, 0.9])
        )


@pytest.mark.parametrize("risk", RISKS)
def test_capacity_for_a_risk_holds_among_the_trajectories(risk: float) -> None:
    run, demand = many_run()
    view = View(run)
    at = view.years.index(2033)
    for row, place in enumerate(view.places):
        for column, service in enumerate(view.services):
            needed = view.odds.needed(place, service, 2033, risk)
            ordered = np.sort(demand[row, at, column])
            assert np.mean(ordered > needed) <= risk + 1 / MANY
            assert np.mean(ordered >= needed) >= risk - 1 / MANY  # and no more than that asks for


def test_capacity_between_and_beyond_the_levels_kept() -> None:
    levels = xr.DataArray([[10.0, 20.0, 40.0]], dims=("area", "quantile"), coords={"quantile": [0.1, 0.5, 0.9]})
    assert capacity_for_risk(levels, 0.5).values.tolist() == [20.0]
    assert capacity_for_risk(levels, 0.3).values.tolist() == pytest.approx([30.0])
    assert capacity_for_risk(levels, 0.9).values.tolist() == [10.0]
    for risk in (0.05, 0.95, 1.5):
        with pytest.raises(ValueError, match="the levels that were kept"):
            capacity_for_risk(levels, risk)


def test_words_follow_the_number_that_is_printed() -> None:
    assert [likelihood(p).zh for p in (0.997, 0.93, 0.7, 0.5, 0.2, 0.05, 0.001)] == [
        "几乎肯定", "很可能", "较可能", "约有一半可能", "不大可能", "很不可能", "几乎不可能",
    ]  # fmt: skip
    assert likelihood(0.895).en == likelihood(0.9).en  # both are printed as 90 %
    assert [least for least, _ in SCALE] == sorted((least for least, _ in SCALE), reverse=True)
    assert chance(0.0, 1000).pair() == ["不到1%", "under 1%"]
    assert chance(1.0, 40).pair() == ["超过97%", "over 97%"]
    assert chance(0.99, 1000).en == "99%"


def test_headline_says_how_sure_in_both_languages() -> None:
    run, _ = many_run()
    view, found = View(run), headline(run)
    spell = view.meaning.spells("000000", "senior_school")[0]
    odds_then = view.odds.chance("p_short", "000000", "senior_school", spell.worst)
    ever = view.odds.chance("p_short_by", "000000", "senior_school", spell.last)
    wanted = f"高中阶段学位{spell.worst}年{likelihood(odds_then).zh}短缺（概率{chance(odds_then, MANY).zh}）"
    assert wanted in found["zh"][1]
    assert f"2024—{spell.last}年至少有一年短缺的概率{chance(ever, MANY).zh}" in found["zh"][1]
    assert f"senior school places are {likelihood(odds_then).en} to be short in {spell.worst}" in found["en"][1]
    low, high = view.odds.band("gap_quantile", "000000", "kindergarten", view.outlook_year)
    assert f"80%区间为富余{count(low).zh}—{count(high).zh}个" in found["zh"][2]
    assert f"80% range: {count(low).en} to {count(high).en} places to spare" in found["en"][2]
    assert "概率都以它为前提" in found["zh"][-1]
    assert "probabilities are conditional on it" in found["en"][-1]


def test_one_path_says_that_it_is_one() -> None:
    run = made_run()
    found = told(run)
    assert "只推算了情景本身这一条路径" in found["zh"]
    assert "one path only" in found["en"]
    assert "概率" not in found["zh"].replace("没有概率和区间", "")
    assert [sentence.en for sentence in certainty(View(run)).sentences] == [found["en"].splitlines()[-1]]
    assert set(CHARTS) - set(charts_of(View(run))) == {"odds", "people", "causes", "posts", "changes", "planned"}
    assert 'data-chart="odds"' not in plain_page()


def test_no_sentence_of_many_trajectories_has_a_hole() -> None:
    for capacity, unknown in ((0.5, "care_beds"), (1.0, "nursery"), (3.0, "kindergarten")):
        made = made_run(capacity=capacity)
        known = made.data.service != unknown
        data = made.data.assign(supply=made.data.supply.where(known), gap=made.data.gap.where(known))
        run, _ = with_trajectories(replace(made, data=data))
        chapters = write_chapters(View(run))
        texts = [text for chapter in chapters for text in (chapter.title, *chapter.sentences)]
        texts += [text for chapter in chapters for part in chapter.by_service.values() for text in part]
        for sentence in [part for text in texts for part in text.pair()]:
            assert not re.search(r"\bnan\b|\bNone\b|\binf\b|[{}]", sentence), sentence
        assert certainty(View(run)).by_service[unknown][0].zh == "没有供给数据，不算短缺概率。"


def test_accuracy_is_read_and_never_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "不能说预测误差有多大" in plain_page() or (Path(measured.folder("data")) / measured.FILE).is_file()
    (tmp_path / measured.FILE).write_text(
        "place,place_zh,n,horizon,age_group,measure,value,source\n"
        "Somewhere,某地,25,5,all,mdape,0.0123,rolls\n"
        "Somewhere,某地,25,10,all,mdape,0.0456,rolls\n"
        "Somewhere,某地,25,10,all,coverage80,0.79,rolls\n"
        "Somewhere,某地,25,10,65+,mdape,0.02,rolls\n"
        "Somewhere,某地,25,10,65+,secret,0.02,rolls\n",
        "utf-8",
    )
    monkeypatch.setattr(measured, "folder", lambda name: tmp_path)
    chapter = next(one for one in write_chapters(View(made_run())) if one.id == "accuracy")
    assert "某地（25个地区），10年后总人口误差中位数4.6%，80%区间覆盖了79%的实际数" in chapter.sentences[0].zh
    assert "not how far off this area will be" in chapter.sentences[1].en
    table = chapter.tables[0]
    assert [row[2:] for row in table.rows] == [
        (5, table.rows[0][3], 0.0123, None),
        (10, table.rows[0][3], 0.0456, 0.79),
    ]
    assert [row[2:] for row in chapter.tables[1].rows] == [(10, same("65+"), 0.02)]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    return run_forecast(read_region("wenzhou"), read_scenario("baseline", {"horizon": 2034}), 24, out=folder)


def test_tables_carry_the_odds(real: Run) -> None:
    assert real.folder is not None
    table = pd.read_csv(real.folder / "tables" / "demand_supply_gap.csv", dtype={"county": str}, encoding="utf-8-sig")
    row = table[(table.county == "330302") & (table.service == "senior_school") & (table.year == 2030)].iloc[0]
    here = real.data.sel(area="330302", service="senior_school", year=2030)
    assert row.p_short == pytest.approx(float(here.p_short))
    assert [row.demand_p10, row.demand_p975] == pytest.approx(here.demand_quantile.sel(quantile=[0.1, 0.975]).values)
    assert row.gap_p025 == pytest.approx(float(here.gap_quantile.sel(quantile=0.025)))
    every = tables(real)["uncertainty"]
    whole = every[(every.area == "330300") & (every.service == "primary_school") & (every.year == 2033)].iloc[0]
    assert whole.name_en == "Wenzhou"
    assert whole.p_short_by == pytest.approx(
        float(real.data.p_short_by.sel(area="330300", service="primary_school", year=2033))
    )
    shares = whole[[f"variance_{one}" for one in ("births", "mortality", "migration", "participation", "together")]]
    assert float(shares.sum()) == pytest.approx(1.0)
    assert every.year.min() == 2024
    people = tables(real)["population"].set_index(["county", "year"])
    assert people.at[("330302", 2030), "population_p10"] < people.at[("330302", 2030), "population_p90"]
    assert np.isnan(people.at[("330302", 2020), "births_p10"])


def test_report_names_what_the_spread_rests_on(real: Run) -> None:
    assert real.folder is not None
    assert real.task is not None
    page = (real.folder / "report.html").read_text("utf-8")
    assert "不确定性从哪里来" in page
    for _, _, source, _ in real.task.uncertainty.parts:
        assert source.replace("&", "&amp;").replace("'", "&#39;") in page
    assert sum(View(real).odds.shares("nursery", 2033).values()) == pytest.approx(1.0)


# ---- the page ----------------------------------------------------------------------------------------------------


def test_names_with_markup_stay_text() -> None:
    page = render_html(made_run(names=[(EVIL, EVIL), ("乙" * 60, LONG)]))
    body = page.replace(View(made_run()).names.whole.zh, "")
    assert "<img src=x" not in body
    assert "\u2028" not in re.search(r'id="pack">(.*?)</script>', body, re.S)[1]  # type: ignore[index]
    pack = json.loads(re.search(r'id="pack">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    assert pack["names"]["000001"] == [EVIL, EVIL]


def test_page_is_closed_to_the_network_and_small() -> None:
    page = plain_page()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy[1].startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe" not in policy[1]
    assert not re.search(r'(?:src|href)="(?!#)', page.split('<script type="module">')[0])
    assert len(page.encode()) < 2.5e6
    assert page == render_html(with_schools(made_run()))


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


def test_page_opens_in_the_language_asked_for() -> None:
    assert '<html lang="en">' in render_html(made_run(), "en")
    assert "<title>示例市公共服务供需展望</title>" in plain_page()


# ---- in a browser ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: the page is not looked at")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync"]
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=quiet)
        yield opened
        opened.close()


@dataclass
class Seen:
    """A page with what it asked for and what it complained of."""

    page: Any
    requests: list[str]
    complaints: list[str]


@pytest.fixture
def look(browser: Any, tmp_path: Path) -> Iterator[Any]:
    """look(width) opens the made-up run's report, or another page, and waits until every chart is drawn."""
    opened = []

    def open_report(width: int = 1280, html: str | None = None) -> Seen:
        file = tmp_path / "report.html"
        file.write_text(html or plain_page(), "utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900})
        seen = Seen(page, [], [])
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on(
            "console", lambda line: seen.complaints.append(line.text) if line.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.goto(file.as_uri())
        page.wait_for_selector("html[data-drawn=all]", state="attached", timeout=60_000)
        opened.append(page)
        return seen

    yield open_report
    for page in opened:
        page.close()


PLAIN = 14 + 3 + 7 + 4 + 3
"""Charts of the page of one path: the chapter of waves has three, and one for each of seven services; that of schools
one for each of four stages, and posts, changes and planned places."""


def test_page_draws_in_both_languages_without_a_request(look: Any) -> None:
    seen = look()
    page = seen.page
    assert page.locator("[data-chart] svg").count() == page.locator("[data-chart]").count() == PLAIN
    assert page.locator("h1 .zh").first.is_visible()
    page.click("button[data-value=en]")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.title() == "Places and beds in Sample"
    assert not page.locator("h1 .zh").first.is_visible()
    page.wait_for_selector("#heat svg >> text=Alpha")
    assert len(seen.requests) == 1
    assert seen.complaints == []
    assert page.evaluate("report.errors") == []


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_waves_of_the_whole_fit_one_screen_and_every_county_has_its_page(look: Any, lang: str) -> None:
    page, flags = look(html=many_page()).page, many_run()[0].flags
    page.set_viewport_size({"width": 1280, "height": 900})
    page.click(f"button[data-value={lang}]")
    heights = page.evaluate("[...document.querySelector('#waves').children].slice(0, 2).map(x => x.offsetHeight)")
    assert sum(heights) < 900 - 60
    long = "2026: 18,000 places short, 2041: 130,000 places to spare"  # a crest, and the surplus after it
    page.evaluate("words => document.querySelector('.board td:nth-child(5)').textContent = words", long)
    widths = page.evaluate("['.board', '.boardcard'].map(x => document.querySelector(x).offsetWidth)")
    assert widths[0] <= widths[1] - 2 * 18  # nothing is cut off at the right
    board = page.locator("#waves .boardcard").inner_text()
    assert all(flags.sentences["000000", service][lang] in board for service in read_models())
    page.evaluate("report.ready()")
    for county in ("000001", "000003", "000000"):
        page.locator("#county select").select_option(county)
        for service in read_models():
            assert page.locator(f"#county [data-said={service}]").inner_text() == flags.sentences[county, service][lang]
    assert page.evaluate("report.errors") == []


def test_page_of_many_trajectories_draws_fans_odds_and_causes(look: Any) -> None:
    seen = look(html=many_page())
    page = seen.page
    view = View(many_run()[0])
    assert page.locator("[data-chart] svg").count() == page.locator("[data-chart]").count() == PLAIN + 1 + 7 + 10
    shades = "document.querySelectorAll('#curve svg .mark-area path').length"
    assert page.evaluate(shades) == 2
    page.click("#odds button[data-value=senior_school]")
    cells = page.locator("#odds svg .mark-rect path").count()
    assert cells == len(view.places) * sum(year > view.jump_off for year in view.years)
    shown = page.locator("#odds svg .mark-text.role-mark text").all_text_contents()
    per_cent = 100 * view.odds.by_year("p_short", "senior_school")[:, np.array(view.years) > view.jump_off].ravel()
    assert sorted(shown) == sorted("<1" if p < 1 else ">99" if p > 99 else f"{round(p, 1):.0f}" for p in per_cent)
    assert len(set(shown)) > 3
    page.hover("#odds svg .mark-rect path >> nth=0")  # under its number
    page.wait_for_selector("#vg-tooltip-element.visible >> text=短缺概率")
    page.click("button[data-value=en]")
    page.wait_for_selector("#odds svg >> text=Alpha")
    assert page.locator("#causes svg >> text=50%").count() >= 7
    assert len(seen.requests) == 1
    assert seen.complaints == []
    assert page.evaluate("report.errors") == []
    assert len(many_page().encode()) < 2.5e6


def test_choices_change_map_curves_and_badges(look: Any) -> None:
    seen = look()
    page = seen.page
    dashes = "[...document.querySelectorAll('#curve svg path')].map(p => p.getAttribute('stroke-dasharray'))"
    assert "5,4" in page.evaluate(dashes)  # children not yet born
    points = "document.querySelectorAll('#curve svg .mark-symbol path').length"
    assert page.evaluate(points) == 5  # pupils counted, for the whole only
    page.click("#map svg .mark-rect path >> nth=1")
    assert page.locator("#curve [data-name=place]").inner_text() == "乙县"
    page.wait_for_selector("#curve svg .mark-symbol path", state="detached")
    page.click("#map button[data-value=senior_school]")
    assert page.locator("#heat [data-name=service]").inner_text() == "高中阶段学位"
    page.locator("#map input").fill("2035")
    assert page.locator("#map h3 [data-show]").inner_text() == "2035年"
    assert page.locator("#map .b-assumed").is_visible()
    assert seen.complaints == []


def test_markup_in_names_does_not_run(look: Any) -> None:
    run = made_run(names=[(EVIL, EVIL), ("乙" * 60, LONG), ("丙县", "Gamma")])
    seen = look(390, render_html(run))
    page = seen.page
    page.click("button[data-value=en]")
    page.hover("#map svg .mark-rect path >> nth=0")
    assert page.evaluate("window.bad === undefined")
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert seen.complaints == []


def test_table_is_copied_as_a_spreadsheet_reads_it(look: Any) -> None:
    run = made_run()
    page = look().page
    page.click("#table_kindergarten summary")
    page.click("[data-copy=table_kindergarten]")
    lines = [line.split("\t") for line in page.evaluate("report.copied").split("\r\n")]
    assert {len(line) for line in lines} == {len(lines[0])}
    alpha = next(line for line in lines if line[0] == "甲县")
    assert float(alpha[1]) == pytest.approx(
        float(run.data.demand.sel(county="000001", year=2023, service="kindergarten"))
    )
    page.click("[data-copy-all=kindergarten]")
    assert len(page.evaluate("report.copied").split("\r\n")) == 1 + 4 * len(YEARS)


def test_every_id_of_a_page_is_its_own() -> None:
    ids = re.findall(r'\bid="([^"]+)"', many_page())
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("many", [False, True])
def test_phone_is_wide_enough(look: Any, many: bool) -> None:
    page = look(390, many_page() if many else plain_page()).page
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    for lang in ("zh", "en"):
        page.click(f"button[data-value={lang}]")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("many", [False, True])
def test_page_prints_on_a4(look: Any, tmp_path: Path, many: bool) -> None:
    page = look(html=many_page() if many else plain_page()).page
    pdf = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)
    assert pdf.startswith(b"%PDF")
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 20
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
