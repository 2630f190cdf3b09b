"""Figures printed under a code that is no present county: of an earlier boundary, or of an area around the region.

A unit of an earlier boundary is the union of present counties that boundaries.csv gives for its year. Where it is one
county, its figure is that county's. Where it is several, a figure that can be shared out (places, pupils) becomes one of
the union, as a figure of the whole region is; any other is told and not used.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from forecast.basics.text import Text, same, strung
from forecast.region.check import Places
from forecast.region.faults import Faults
from forecast.region.parse import Parsed
from forecast.region.region import JOIN, SHARED
from forecast.region.tables import SUPPLY_KINDS

WHOLE = ("supply", "enrolment")
"""Those of them whose figure of a union is the sum of all units that were printed for it."""
COMPARED = ("controls", "births", "deaths", "schools", "staff")
"""Tables whose figures of an area are used for a present county or the whole only."""


def at_present(tables: Mapping[str, Parsed], places: Places, findings: Faults) -> dict[str, Parsed]:
    """The tables with present codes: a county's, an area's, or a union's as its counties joined by +.

    The code as printed stays in `code_printed` where it was another. Tells a union of which only a part is given, and
    figures that no county of the region can take.
    """
    found = dict(tables)
    last = tables["population"].frame["year"].max() if "population" in tables else 0
    for name in (*SHARED, *COMPARED):
        if name in tables:
            _tell_beyond(tables[name], places, findings)
            found[name] = _at_present(tables[name], places, last, findings)
    return found


def _tell_beyond(parsed: Parsed, places: Places, findings: Faults) -> None:
    """Rows of an area that is no sum of the region's counties."""
    column = parsed.table.areas[0]
    frame = parsed.frame[parsed.frame[column].isin([code for code in places.parents if code not in places.members])]
    codes = frame[column].tolist()
    findings.rows(
        "E134" if parsed.table.name in SHARED else "W113",
        parsed.file,
        frame["row"].tolist(),
        parsed.header(column),
        lambda i: {"found": places.name(codes[i])},
    )


def _at_present(parsed: Parsed, places: Places, last: float, findings: Faults) -> Parsed:
    """One table. last: year of the last count of the population; figures before it tell nothing of what comes."""
    column = parsed.table.areas[0]
    frame = parsed.frame
    pairs = list(zip(frame["year"], frame[column], strict=True))
    units = pd.Series([places.boundaries.get(pair) for pair in pairs], index=frame.index, dtype=object)
    former = units.notna()
    if not former.any():
        return parsed
    several = former & units.map(lambda unit: unit is not None and len(unit) > 1)
    if parsed.table.name in COMPARED:
        _tell_unused(parsed.with_frame(frame[several & (frame["year"] >= last)]), places, findings)
        former &= ~several
    present = frame[column].where(~former, units.map(lambda unit: _joined(unit, places)))
    changed = parsed.with_frame(frame.assign(**{column: present, "code_printed": frame[column]}))
    if parsed.table.name not in SHARED:
        return changed
    if parsed.table.name in WHOLE:
        _tell_parts(changed, places, findings)
    return _summed(changed)


def _joined(unit: frozenset[str] | None, places: Places) -> str:
    """The code of a union: a county's or an area's own, where the union is one."""
    if unit is None:
        return ""
    if len(unit) == 1:
        return next(iter(unit))
    areas = [area for area, members in places.members.items() if members == unit]
    return areas[0] if areas else JOIN.join(sorted(unit))


def _tell_unused(parsed: Parsed, places: Places, findings: Faults) -> None:
    codes = parsed.frame[parsed.table.areas[0]].tolist()
    findings.rows(
        "W113",
        parsed.file,
        parsed.frame["row"].tolist(),
        parsed.header(parsed.table.areas[0]),
        lambda i: {"found": places.name(codes[i])},
    )


def _tell_parts(parsed: Parsed, places: Places, findings: Faults) -> None:
    """A union of which some units that were printed for it have a figure and others none."""
    column = parsed.table.areas[0]
    for _, rows in parsed.frame.groupby(_key(parsed), sort=False, dropna=False):
        unit, year = str(rows[column].iloc[0]), rows["year"].iloc[0]
        printed = {
            code for (when, code), one in places.boundaries.items() if when == year and _joined(one, places) == unit
        }
        given = set(rows["code_printed"])
        lacking = sorted(printed - given) if len(printed) > 1 and given & printed else []
        if lacking:
            findings.add(
                "E135",
                parsed.file,
                int(rows["row"].iloc[0]),
                parsed.header(column),
                year=int(year),
                found=_names(sorted(given), places),
                missing=_names(lacking, places),
                union=_names(unit.split(JOIN), places),
            )


def _names(codes: list[str], places: Places) -> Text:
    return strung([places.name(code) if places.knows(code) else same(code) for code in codes], "、")


def _key(parsed: Parsed) -> list[str]:
    return [name for name in parsed.table.key if name in parsed.frame]


def _summed(parsed: Parsed) -> Parsed:
    """Rows that have come to one key added, on the line of the first."""
    key, quantity = _key(parsed), parsed.table.quantity
    groups = parsed.frame.groupby(key, sort=False, dropna=False)[quantity]
    first = ~parsed.frame.duplicated(key)
    sums = parsed.frame.assign(**{quantity: groups.transform(lambda values: values.sum(skipna=False))})
    if "kind" in sums:  # a sum is known as its weakest part is
        order = ["", *SUPPLY_KINDS]
        rank = sums["kind"].map(order.index)
        weakest = rank.groupby([sums[name] for name in key], sort=False, dropna=False).transform("max")
        sums = sums.assign(kind=weakest.map(order.__getitem__).astype("str"))
    return parsed.with_frame(sums[first])
