"""Meaning of the numbers: children born already, stages that a cohort passes through, shortages, crests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from forecast.basics.dims import AREA, COUNTY, SERVICE, YEAR
from forecast.basics.tolerance import TOLERANCE
from forecast.findings.crests import Crest, by_place
from forecast.report.view.axes import Axes
from forecast.report.view.curves import Curves

SPAN = 15
"""Years from the decision on in which the most that is needed is looked for, as in the flags."""


@dataclass(frozen=True)
class Spell:
    """Years in a row in which more than `TOLERANCE` of the supply is missing; `worst` is the year with most missing."""

    first: int
    last: int
    worst: int


@dataclass(frozen=True)
class Meaning:
    axes: Axes
    curves: Curves

    # ---- cohorts ------------------------------------------------------------------------------------------------

    def born_until(self, service: str) -> int:
        """Last year in which all whom the service counts were born at the jump-off date; -1 where that has no meaning."""
        return int(self.curves.by_service("born_until")[service])

    def is_stage(self, service: str) -> bool:
        """True if a birth cohort passes through the service as one stage among others."""
        return self.axes.run.models[service].service.cohort and self.born_until(service) >= 0

    @cached_property
    def stages(self) -> list[str]:
        return [service for service in self.axes.services if self.is_stage(service)]

    @cached_property
    def school_stages(self) -> list[str]:
        return [service for service in self.stages if self.axes.run.models[service].domain == "education"]

    # ---- shortages ----------------------------------------------------------------------------------------------

    def lacks(self, place: str, service: str, year: int) -> bool:
        """True if more is missing, gross, than the tolerance; False where nothing is known."""
        return self._beyond("missing", place, service, year)

    def spares(self, place: str, service: str, year: int) -> bool:
        """True if more stands idle, gross, than the tolerance; False where nothing is known."""
        return self._beyond("idle", place, service, year)

    def balanced(self, place: str, service: str, year: int) -> bool:
        """True if neither the place nor, of the whole, any county lacks or spares more than the tolerance; False where
        one is not known."""
        inside = self.axes.counties if place == self.axes.area and self.parts_known(service) else []
        off = [code for code in (place, *inside) if self.lacks(code, service, year) or self.spares(code, service, year)]
        return not off and math.isfinite(self.curves.at("gap", place, service, year))

    def _beyond(self, what: str, place: str, service: str, year: int) -> bool:
        return self.curves.at(what, place, service, year) > TOLERANCE * self.curves.at("supply", place, service, year)

    def parts_known(self, service: str) -> bool:
        """True if what is missing and idle in the whole are sums over its counties."""
        return bool(self.axes.run.data["parts_known"].sel({AREA: self.axes.area, SERVICE: service}))

    def spells(self, place: str, service: str) -> list[Spell]:
        """Spells of shortage from the decision on, in order."""
        missing = dict(
            zip(self.axes.years, self.curves.values("missing", service)[self.axes.row_of[place]], strict=True)
        )
        spells: list[Spell] = []
        run: list[int] = []
        for year in [*(year for year in self.axes.years if year >= self.axes.now), None]:
            if year is not None and self.lacks(place, service, year):
                run.append(year)
            elif run:
                spells.append(Spell(run[0], run[-1], max(run, key=missing.__getitem__)))
                run = []
        return spells

    def short_counties(self, service: str, year: int) -> list[str]:
        """Counties that lack more than the tolerance in the year, the one that lacks most first."""
        missing = self.curves.table("missing", service)[year]
        short = [code for code in self.axes.counties if self.lacks(code, service, year)]
        return sorted(short, key=lambda code: -float(missing[code]))

    def spare_counties(self, service: str, year: int) -> list[str]:
        """Counties in which more than the tolerance stands idle in the year, the one with most first."""
        idle = self.curves.table("idle", service)[year]
        spare = [code for code in self.axes.counties if self.spares(code, service, year)]
        return sorted(spare, key=lambda code: -float(idle[code]))

    # ---- need ---------------------------------------------------------------------------------------------------

    def most_needed(self, place: str, service: str) -> tuple[int, float]:
        """Year and amount of the highest need from the decision on, within `SPAN` years."""
        need = self.curves.table("demand", service).loc[place].loc[self.axes.now : self.axes.now + SPAN]
        return int(need.idxmax()), float(need.max())

    def change(self, place: str, service: str, first: int, last: int) -> float:
        """Share by which need changes between two years; NaN where there is none in the first."""
        before, after = (self.curves.at("demand", place, service, year) for year in (first, last))
        return after / before - 1 if before > 0 else math.nan

    # ---- crests -------------------------------------------------------------------------------------------------

    def crest(self, place: str, service: str) -> Crest | None:
        """The crest that matters; None where there is none."""
        return self.crests.get((place, service))

    @cached_property
    def crests(self) -> dict[tuple[str, str], Crest]:
        """The crests that matter, by place and service."""
        return by_place(self.axes.run.flags.crests)

    # ---- flags --------------------------------------------------------------------------------------------------

    def flagged(self, variable: str) -> np.ndarray[Any, Any]:
        """(place, service, year, ...) of a variable of the classes; its years begin later than those of the curves."""
        held = self.axes.run.flags.classes[variable].sel({COUNTY: self.axes.places, SERVICE: self.axes.services})
        values: np.ndarray[Any, Any] = held.transpose(COUNTY, SERVICE, YEAR, ...).to_numpy()
        return values

    @cached_property
    def raised(self) -> dict[tuple[str, str], str]:
        """(place, service) -> red, amber, undetermined or unknown as the warning of the likeliest class says; left out
        where nothing need be decided yet."""
        flags = self.axes.run.flags
        levels: dict[tuple[str, str], str] = {}
        for row in flags.warnings.itertuples():
            if flags.facts[row.county, row.service].category == row.category:
                levels.setdefault((row.county, row.service), str(row.level))
        return levels
