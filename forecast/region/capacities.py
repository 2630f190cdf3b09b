"""Rules on supply: how a figure is known, what closes, and whether the pupils counted fit into the places on record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from forecast.basics.tolerance import TOLERANCE
from forecast.region.check import Places, figure
from forecast.region.faults import Faults
from forecast.region.parse import Parsed
from forecast.region.tables import SUPPLY_KINDS
from forecast.services import Service

RECORDED = next(iter(SUPPLY_KINDS))
KEY = ["county", "year", "service", "capacity"]


def check_kinds(supply: Parsed, findings: Faults) -> None:
    """Says once that figures without a kind are taken as recorded."""
    without = len(supply.frame) if "kind" not in supply.frame else int(supply.frame["kind"].eq("").sum())
    if without:
        findings.add("W116", supply.file, None, supply.header("kind"), count=without)


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
            left = float(last["capacity"] + _opened(changes, closing.service, inside, last["year"], closing.year))
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


def _opened(changes: pd.DataFrame, service: object, inside: set[str], since: float, until: float) -> float:
    """Sum of the projects of a service in these places that opened after one year and by another."""
    chosen = changes["county"].isin(inside) & (changes["service"] == service)
    return float(changes.loc[chosen & (changes["year"] > since) & (changes["year"] <= until), "capacity"].sum())


def check_rolls_fit(
    tables: Mapping[str, Parsed], services: Mapping[str, Service], places: Places, findings: Faults
) -> None:
    """Warns where more pupils were counted than there are places on record, beyond the tolerance: then the places are
    not those of the time, or the figure is no record. Told once for each place and service, of its fullest year."""
    if not {"supply", "enrolment"} <= set(tables):
        return
    supply, frame = tables["supply"], tables["supply"].frame.dropna(subset=KEY).sort_values("year")
    changes = tables["projects"].frame.dropna(subset=KEY) if "projects" in tables else frame.iloc[:0]
    rolls = _rolls(tables["enrolment"].frame, services.items())
    for (place, service), figures in frame.groupby(["county", "service"], sort=False):
        counted = rolls[(rolls["county"] == place) & (rolls["service"] == service)]
        fullest = (TOLERANCE, 0, None)
        for year, pupils in counted[["year", "pupils"]].itertuples(index=False):
            before = figures[figures["year"] <= year]
            if before.empty or ("kind" in before and before["kind"].iloc[-1] not in ("", RECORDED)):
                continue
            inside = {str(place), *places.members.get(str(place), ())}
            stood = before["capacity"].iloc[-1] + _opened(changes, service, inside, before["year"].iloc[-1], year)
            over = pupils / stood - 1 if stood > 0 else float("inf")
            if over > fullest[0] and pupils > 0:
                told = {"year": int(year), "pupils": figure(pupils), "places": figure(stood)}
                fullest = over, int(before["row"].iloc[-1]), told
        if fullest[2] is not None:
            values = {"whose": places.name(str(place)), "service": service, **fullest[2]}
            findings.add("W148", supply.file, fullest[1], supply.header("capacity"), **values)


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
