"""Rules on supply: how a figure is known, what closes, and whether the pupils counted fit into the places on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from forecast.basics.tolerance import TOLERANCE
from forecast.region.check import Places, figure, without_repeats
from forecast.region.faults import Faults
from forecast.region.parse import Parsed
from forecast.region.region import JOIN
from forecast.region.tables import SUPPLY_KINDS
from forecast.services import Service

RECORDED = next(iter(SUPPLY_KINDS))
KEY = ["county", "year", "service", "capacity"]
CLOSE = 1e-6
"""Places or beds: sums in binary differ so far from what was printed."""


def check_kinds(supply: Parsed, findings: Faults) -> None:
    """Says once that figures without a kind are taken as recorded."""
    without = len(supply.frame) if "kind" not in supply.frame else int(supply.frame["kind"].eq("").sum())
    if without:
        findings.add("W116", supply.file, None, supply.header("kind"), count=without)


def check_sums(supply: Parsed, places: Places, findings: Faults) -> None:
    """An area's figure is the sum of its parts where all of them have one of the same year, and no less than those that
    have: nobody can tell which of two contradicting figures stands. Codes are those of today (`former_codes`)."""
    frame = without_repeats(supply).frame.dropna(subset=KEY)
    frame = frame.assign(slack=supply.rounding.reindex(frame.index))
    for (service, year), rows in frame.groupby(["service", "year"], sort=False):
        given = {str(row.county): row for row in rows.itertuples()}
        inside = {code: _inside(code, places) for code in given}
        for area in (code for code in given if code in places.members):
            within = [code for code in inside if code != area and inside[code] <= inside[area]]
            left, parts = set(inside[area]), []
            for code in sorted(within, key=lambda code: -len(inside[code])):
                if inside[code] <= left:
                    left -= inside[code]
                    parts.append(given[code])
            total, known = given[area].capacity, sum(part.capacity for part in parts)
            beyond = given[area].slack + sum(part.slack for part in parts) + CLOSE
            place = supply.file, int(given[area].row), supply.header("capacity")
            if parts and not left and abs(total - known) > beyond:
                whose, apart = places.name(area), figure(total - known, sign=True)
                values = {"whose": whose, "year": int(year), "found": figure(total), "sum": figure(known)}
                findings.add("E425", *place, **values, difference=apart)
            elif left and known > total + beyond:
                values = {"year": int(year), "service": service, "known": figure(known), "total": figure(total)}
                findings.add("E421", *place, **values)


def _inside(code: str, places: Places) -> frozenset[str]:
    """Counties of an area, of a union of counties, or the county itself."""
    return places.members.get(code) or frozenset(code.split(JOIN))


def check_closings(supply: Parsed, projects: Parsed, places: Places, findings: Faults) -> None:
    """No more closes in a county, or in all of an area, than stands there; a figure holds until the next one, which
    counts what opened and closed before."""
    stands = supply.frame.dropna(subset=KEY).sort_values("year")
    changes = projects.frame.dropna(subset=KEY)
    for closing in changes[changes["capacity"] < 0].itertuples():
        around = [area for area, members in places.members.items() if closing.county in members]
        for place in [closing.county, *around]:
            inside = {place, *places.members.get(place, ())}
            figure_of = stands[
                (stands["county"] == place) & (stands["service"] == closing.service) & (stands["year"] <= closing.year)
            ]
            if figure_of.empty:
                continue
            last = figure_of.iloc[-1]
            new = changes[changes["county"].isin(inside)]
            left = float(last["capacity"]) + _opened(new, str(closing.service), last["year"], int(closing.year))
            if left < 0:
                findings.add(
                    "E424",
                    projects.file,
                    int(closing.row),
                    projects.header("capacity"),
                    service=closing.service,
                    county=closing.county,
                    year=int(closing.year),
                    left=figure(left),
                )
                break


def _opened(changes: pd.DataFrame, service: str, since: float, until: float) -> float:
    """Sum of the projects of a service that opened after one year and by another."""
    chosen = (changes["service"] == service) & (changes["year"] > since) & (changes["year"] <= until)
    return float(changes.loc[chosen, "capacity"].sum())


def check_rolls_fit(
    tables: Mapping[str, Parsed], services: Mapping[str, Service], places: Places, findings: Faults
) -> None:
    """Warns where more pupils were counted than there are places on record, beyond the tolerance: then the places are
    not those of the time, or the figure is no record. Told once for each place and service, of its fullest year."""
    if not {"supply", "enrolment"} <= set(tables):
        return
    supply = tables["supply"]
    frame = supply.frame.dropna(subset=KEY).sort_values("year")
    changes = tables["projects"].frame.dropna(subset=KEY) if "projects" in tables else frame.iloc[:0]
    rolls = _rolls(tables["enrolment"].frame, services.items())
    for (place, service), figures in frame.groupby(["county", "service"], sort=False):
        inside = {str(place), *places.members.get(str(place), ())}
        new = changes[changes["county"].isin(inside)]
        counted = rolls[(rolls["county"] == place) & (rolls["service"] == service)]
        years = zip(counted["year"].tolist(), counted["pupils"].tolist(), strict=True)
        cases = [case for year, pupils in years if (case := _overfull(figures, new, str(service), year, pupils))]
        if cases:
            worst = max(cases, key=lambda case: case.pupils / case.places if case.places > 0 else float("inf"))
            told = {"year": worst.year, "pupils": figure(worst.pupils), "places": figure(worst.places)}
            whose = places.name(str(place))
            findings.add(
                "W148", supply.file, worst.row, supply.header("capacity"), whose=whose, service=service, **told
            )


class _Overfull(NamedTuple):
    """More pupils in a year than places on record; row: line of the figure."""

    year: int
    pupils: float
    places: float
    row: int


def _overfull(figures: pd.DataFrame, changes: pd.DataFrame, service: str, year: int, pupils: float) -> _Overfull | None:
    """Whether a roll is beyond the places that one place has by the figure in force, where that is recorded."""
    before = figures[figures["year"] <= year]
    if before.empty:
        return None
    last = before.iloc[-1]
    stood = float(last["capacity"]) + _opened(changes, service, last["year"], year)
    recorded = last.get("kind", "") in ("", RECORDED)
    return (
        _Overfull(int(year), pupils, stood, int(last["row"])) if recorded and pupils > (1 + TOLERANCE) * stood else None
    )


def _rolls(enrolment: pd.DataFrame, services: Iterable[tuple[str, Service]]) -> pd.DataFrame:
    """county, service, year, pupils: at least so many were counted, where some grades or parts of a stage were not."""
    pupils = enrolment.dropna(subset=["county", "year", "stage", "value"])
    if "item" in pupils:
        pupils = pupils[pupils["item"] == "pupils"]
    by_grade = pupils["grade"].ne("all") if "grade" in pupils else pd.Series(False, pupils.index)
    keys = ["county", "stage", "year"]
    ways = pupils.assign(by_grade=by_grade).groupby([*keys, "by_grade"])["value"].sum()
    stages = ways.groupby(keys).max().rename("pupils").reset_index()
    counted = []
    for name, service in services:
        for of in ({service.stage}, set(service.parts)):
            told = stages[stages["stage"].isin(of)].groupby(["county", "year"])["pupils"].sum().reset_index()
            counted.append(told.assign(service=name))
    every = pd.concat(counted) if counted else pd.DataFrame(columns=["county", "year", "pupils", "service"])
    return every.groupby(["county", "service", "year"])["pupils"].max().reset_index()
