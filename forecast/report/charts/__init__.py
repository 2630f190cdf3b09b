"""One function for each chart. Data come by name: the page, or vl-convert, supplies the rows.

`usermeta.rows` says which rows a chart reads (`series` of one place and service, `year` of all places, ...), `params` what
the page sets. Each definition stands once in the page, however often it is drawn.

Not used, because they failed: facets (a cell cannot follow its container's width), own format functions (unknown to
vl-convert), Vega's legends (they overlap after a change of language; the page draws its own).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from altair.utils.schemapi import debug_mode

from forecast.report.charts.drawing import Drawing
from forecast.report.charts.overview import BIRTHS, causes, heat, odds, panel, panel_large, people, tiles, wave
from forecast.report.charts.schools import changes, planned, posts
from forecast.report.charts.waves import begun, classes, lasting, train
from forecast.report.view import View

__all__ = ["BIRTHS", "CHARTS", "definitions"]

CHARTS: dict[str, Callable[[View], Drawing]] = {
    "tiles": tiles,
    "heat": heat,
    "wave": wave,
    "panel": panel,
    "panel_large": panel_large,
    "classes": classes,
    "begun": begun,
    "lasting": lasting,
    "train": train,
}

OF_MANY: dict[str, Callable[[View], Drawing]] = {"odds": odds, "people": people, "causes": causes}
"""Charts that only a run of many trajectories has."""

OF_SCHOOLS: dict[str, Callable[[View], Drawing]] = {"posts": posts, "changes": changes}
"""Charts that only a run with schools has; `planned` besides needs planned places."""

OF_STAGES = ("wave", "train")
"""Charts that a region without stages has not."""


def definitions(view: View) -> dict[str, dict[str, Any]]:
    """Every chart's definition by name, without configuration and rows."""
    found = {}
    held = view.run.schools
    more = {**(OF_MANY if view.many else {}), **(OF_SCHOOLS if held else {})}
    if held and held.audit:
        more["planned"] = planned
    for name, draw in {**CHARTS, **more}.items():
        if name in OF_STAGES and not view.meaning.stages:
            continue
        with debug_mode(False):  # the tests validate every chart; here it would cost a second
            found[name] = draw(view)
    return found
