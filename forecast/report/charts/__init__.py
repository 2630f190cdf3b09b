"""The charts of a report, by name. Each is a module: `rows` is its table in long form, `draw` its definition.

`rows(view)` gives the rows of every place, service and year; `by` names the columns by which a reader chooses. The page
takes all rows and chooses as its reader does; `chart` and a workbook take those chosen. A definition reads its rows by
name and has parameters (language, names, unit, ...) that `settings` gives; each stands once in the page, however often
it is drawn.

Not used, because they failed: facets (a cell cannot follow its container's width), own format functions (unknown to
vl-convert), Vega's legends (they overlap after a change of language; the page draws its own).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from altair.utils.schemapi import debug_mode

from forecast.report import theme
from forecast.report.charts import (
    begun,
    capacity,
    causes,
    changes,
    classes,
    heat,
    lasting,
    panel,
    people,
    planned,
    posts,
    tiles,
    train,
    wave,
)
from forecast.report.charts.drawing import Drawing, Swatch, colour_limit
from forecast.report.view import View
from forecast.report.words import both
from forecast.run.run import Run

__all__ = ["CHARTS", "ChartKind", "chart", "charts_of", "names", "settings"]

WIDTH = 680
"""Pixels of a chart that stands alone."""


@dataclass(frozen=True)
class ChartKind:
    """A chart: its rows, its definition, the columns of the rows by which a reader chooses, what it needs to exist,
    its legend (swatches, or a scale of colours), and its size on paper (px; A4 is about 695 wide)."""

    rows: Callable[[View], pd.DataFrame]
    draw: Callable[[View], Drawing]
    by: tuple[str, ...]
    paper: tuple[int, int]
    legend: Callable[[View], tuple[Swatch, ...]] = lambda view: ()
    scale: Literal["gap", "odds"] | None = None
    exists: Callable[[View], bool] = lambda view: True


def _has_stages(view: View) -> bool:
    return bool(view.meaning.stages)


def _has_many(view: View) -> bool:
    return view.many


def _has_gaps(view: View) -> bool:
    """True if a gap, and with many trajectories the chance of a shortage, may be told of some county."""
    return any(view.kinds.by_county(service) for service in view.services)


def _has_odds(view: View) -> bool:
    return view.many and _has_gaps(view)


def _has_most_held(view: View) -> bool:
    return view.many and bool(capacity.services(view))


def _has_classes(view: View) -> bool:
    return any(view.kinds.claim(county, service).flag for county in view.counties for service in view.services)


def _has_schools(view: View) -> bool:
    return view.schools is not None


def _has_plans(view: View) -> bool:
    return view.schools is not None and bool(view.schools.audits)


CHARTS: dict[str, ChartKind] = {
    "tiles": ChartKind(tiles.rows, tiles.draw, ("service", "year"), (300, 310), scale="gap"),
    "heat": ChartKind(heat.rows, heat.draw, ("service",), (690, 290), scale="gap"),
    "wave": ChartKind(wave.rows, wave.draw, ("place",), (690, 420), wave.legend, exists=_has_stages),
    "panel": ChartKind(panel.rows, panel.draw, ("place", "service"), (212, 104), panel.legend),
    "panel_large": ChartKind(panel.rows, panel.draw_large, ("place", "service"), (355, 290), panel.legend),
    "classes": ChartKind(classes.rows, classes.draw, (), (690, 330), classes.legend, exists=_has_classes),
    "begun": ChartKind(begun.rows, begun.draw, ("service",), (690, 290), begun.legend, exists=_has_classes),
    "lasting": ChartKind(lasting.rows, lasting.draw, ("place", "service"), (212, 104), lasting.legend),
    "train": ChartKind(train.rows, train.draw, ("place",), (690, 170), exists=_has_stages),
    "odds": ChartKind(heat.rows, heat.draw_odds, ("service",), (690, 290), scale="odds", exists=_has_odds),
    "people": ChartKind(people.rows, people.draw, ("place", "group"), (212, 104), people.legend, exists=_has_many),
    "causes": ChartKind(causes.rows, causes.draw, ("service",), (212, 70), causes.legend, exists=_has_many),
    "capacity": ChartKind(
        capacity.rows, capacity.draw, ("service",), (212, 96), capacity.legend, exists=_has_most_held
    ),
    "posts": ChartKind(posts.rows, posts.draw, ("place",), (690, 170), posts.legend, exists=_has_schools),
    "changes": ChartKind(changes.rows, changes.draw, ("place",), (690, 210), changes.legend, exists=_has_schools),
    "planned": ChartKind(planned.rows, planned.draw, ("service",), (330, 120), planned.legend, exists=_has_plans),
}


def charts_of(view: View) -> dict[str, ChartKind]:
    """The charts that a run has something for."""
    return {name: kind for name, kind in CHARTS.items() if kind.exists(view)}


def definition(view: View, kind: ChartKind) -> Drawing:
    """A chart without configuration and rows."""
    with debug_mode(False):  # the tests validate every chart; here it would cost a second
        return kind.draw(view)


def names(view: View) -> dict[str, list[str]]:
    """Names in Chinese and English of all that stands in the rows: places, services, causes, steps, uses."""
    return {
        wave.BIRTHS: both("age_0").pair(),
        **{name: both(f"step.{name}").pair() for name in theme.STEPS},
        **{name: both(f"school.{name}").pair() for name in theme.USES},
        **{name: both(f"cause.{name}").pair() for name in theme.CAUSES},
        **{service: view.names.short(service).pair() for service in view.services},
        **{place: name.pair() for place, name in view.names.places.items()},
    }


def units(view: View) -> dict[str, list[str]]:
    """Units in both languages of the stages, and of births."""
    return {wave.BIRTHS: both("script.persons").pair()} | {
        stage: view.names.unit_name(stage).pair() for stage in view.meaning.stages
    }


def born_until(view: View, service: str) -> int:
    """The year up to which a curve is drawn solid, as all whom it counts were born at the start."""
    return view.meaning.born_until(service) if view.meaning.is_stage(service) else view.jump_off


def settings(view: View, lang: str, place: str, service: str, of_people: bool = False) -> dict[str, Any]:
    """Parameters of a definition -> their values."""
    return {
        "lang": lang,
        "names": names(view),
        "units": units(view),
        "measure": both("script.persons").pair() if of_people else view.names.unit_name(service).pair(),
        "limit": colour_limit(view, service),
        "gapped": view.kinds.by_county(service),
        "born": born_until(view, service),
        "place": place,
    }


def chart(
    run: Run,
    name: str,
    place: str | None = None,
    service: str | None = None,
    year: int | None = None,
    lang: str = "zh",
    group: str = "all",
) -> dict[str, Any]:
    """A Vega-Lite chart that holds its own rows, as vl-convert turns it into PNG or SVG.

    place, service, year, group (of ages): what is shown where the chart can show one of several; by default the whole,
    the first service, the outlook year and all ages. Raises ValueError where the run has no such chart.
    """
    view = View(run)
    kinds = charts_of(view)
    if name not in kinds:
        raise ValueError(f"this run has the charts {', '.join(kinds)}")
    kind = kinds[name]
    chosen = {
        "place": place or view.area,
        "service": service or view.services[0],
        "year": year or view.outlook_year,
        "group": group,
    }
    rows = kind.rows(view)
    for column in kind.by:
        rows = rows[rows[column] == chosen[column]]
    values = settings(view, lang, str(chosen["place"]), str(chosen["service"]), "group" in kind.by)
    spec = definition(view, kind)
    spec["params"] = [
        param | {"value": values.get(param["name"], param.get("value"))} if "value" in param else param
        for param in spec["params"]
    ]
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return spec | {"width": WIDTH, "config": theme.config(), "datasets": {"rows": records}}
