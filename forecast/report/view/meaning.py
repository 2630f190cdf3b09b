"""Meaning of the numbers: children born already, stages that a cohort passes through, shortages, crests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.basics.tolerance import TOLERANCE
from forecast.findings.crests import Crest, by_place
from forecast.report.view.axes import Axes
from forecast.report.view.curves import Curves


@dataclass(frozen=True)
class Spell:
    """Years in a row in which supply is short by more than `TOLERANCE`; `worst` is the year of the largest gap."""

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

    def balanced(self, place: str, service: str, year: int) -> bool:
        """True if supply and demand differ by no more than the tolerance."""
        return abs(float(self.curves.relative_gap(service).at[place, year])) <= TOLERANCE

    def spells(self, place: str, service: str) -> list[Spell]:
        """Spells of shortage after the jump-off year, in order."""
        row, years = self.axes.row_of[place], self.axes.years
        short = dict(zip(years, self.curves.relative_gap(service).to_numpy()[row] < -TOLERANCE, strict=True))
        gap = dict(zip(years, self.curves.values("gap", service)[row].tolist(), strict=True))
        spells: list[Spell] = []
        run: list[int] = []
        for year in [*(year for year in years if year > self.axes.jump_off), None]:
            if year is not None and short[year]:
                run.append(year)
            elif run:
                spells.append(Spell(run[0], run[-1], min(run, key=gap.__getitem__)))
                run = []
        return spells

    def short_counties(self, service: str, year: int) -> list[str]:
        """Counties that are short in the year by more than the tolerance, the largest gap first."""
        relative, gap = self.curves.relative_gap(service)[year], self.curves.table("gap", service)[year]
        short = [code for code in self.axes.counties if relative[code] < -TOLERANCE]
        return sorted(short, key=lambda code: float(gap[code]))

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
