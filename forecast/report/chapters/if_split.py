"""County gaps if the supply of the whole lay as one rule or another has it: no findings, but how little is known."""

from __future__ import annotations

import math

from forecast.basics.dims import COUNTY, RULE, SERVICE, YEAR
from forecast.basics.text import Text
from forecast.report.chapter import Cell, Column, Table
from forecast.report.view import View
from forecast.report.words import both


def if_split(view: View) -> list[Table]:
    """A table for each service of which only a larger area's supply is known: the gap of each county by every rule in
    the outlook year, and the sign on which all rules agree."""
    if "gap_if_split" not in view.run.data:
        return []
    tables = (_table(view, service) for service in view.services)
    return [table for table in tables if table]


def _table(view: View, service: str) -> Table | None:
    here = {SERVICE: service, YEAR: view.outlook_year}
    gaps = view.run.data["gap_if_split"].sel(here).dropna(RULE, how="all")
    words = "held" if view.kinds.words(view.area, service) == "held" else "gap"
    signs = view.run.data["sign_if_split"].sel(here).to_series()
    rows: list[tuple[Cell, ...]] = [
        (
            view.names.places[county],
            *(float(gap) for gap in gaps.sel({COUNTY: county}).values),
            _sign(float(signs[county]), words),
        )
        for county in view.counties
        if math.isfinite(signs[county])
    ]
    if not rows:
        return None
    columns = [Column(both("table.place")), *(Column(both(f"split.{rule}"), "moved") for rule in gaps[RULE].values)]
    columns.append(Column(both("split.agreed")))
    title = both(
        f"split.title_{words}",
        thing=view.names.thing(service),
        year=view.outlook_year,
        n=int((signs.abs() == 1).sum()),
        of=len(rows),
    )
    return Table(
        f"if_split_{service}",
        title,
        tuple(columns),
        tuple(rows),
        both(f"split.note_{words}"),
        "assumed",
        on_paper=False,
    )


def _sign(sign: float, words: str) -> Text:
    return both({1.0: f"split.more_{words}", -1.0: f"split.less_{words}"}.get(sign, "split.open"))
