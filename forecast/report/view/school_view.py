"""The schools of a run: series by place and stage, the years that are told, ranges, the audit of planned places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from forecast.basics.basis import BASES, weakest
from forecast.basics.dims import COUNTY, LIMIT, SERVICE, YEAR
from forecast.basics.text import Text, count
from forecast.findings.causes import CAUSES
from forecast.findings.schools import Schools
from forecast.report.words import both

if TYPE_CHECKING:
    from forecast.demand.schools.standards import SchoolStandards
    from forecast.report.view import View

SPAN = 15
"""Years from the decision on in which the tightest year is looked for, as in the flags."""

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class SchoolView:
    """`held` are the schools of the run of which `view` is the rest."""

    view: View
    held: Schools

    @cached_property
    def stages(self) -> list[str]:
        return [str(name) for name in self.held.table[SERVICE].values]

    @property
    def standards(self) -> SchoolStandards:
        """Standards that hold for all schools of the run, by name."""
        return self.view.run.rules.standards

    # ---- the years told -----------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """The year of the decision."""
        return self.view.run.flags.now

    @cached_property
    def marks(self) -> list[int]:
        """The year of the decision and, where they come after it, the outlook year, five and ten years on."""
        ahead = (self.view.outlook_year + step for step in (0, 5, 10))
        return [self.now, *(year for year in ahead if self.now < year <= self.view.horizon)]

    @property
    def far(self) -> int:
        """The year that every sentence tells."""
        return self.marks[min(2, len(self.marks) - 1)]

    @property
    def last(self) -> int:
        """The last year in which the tightest one is looked for."""
        return min(self.now + SPAN, self.view.horizon)

    # ---- numbers ------------------------------------------------------------------------------------------------

    @cached_property
    def acting(self) -> list[str]:
        """Steps that change a roll."""
        changes = self.held.changes
        told = changes[changes[COUNTY].isin(self.view.places)]
        return [step for step in CAUSES if (told[step].abs() >= 0.5).any()]

    @cached_property
    def _cube(self) -> Callable[[str, str], Values]:
        """(..., stage, place, year) bare, of `held.table`, `held.bands` or `held.smaller`."""

        def cube(source: str, name: str) -> Values:
            labelled = getattr(self.held, source)[name].sel({COUNTY: self.view.places})
            bare: Values = labelled.transpose(..., SERVICE, COUNTY, YEAR).to_numpy()
            return bare

        return cache(cube)

    def series(self, name: str, place: str, stage: str) -> Values:
        """A column of the school table by year."""
        values: Values = self._cube("table", name)[self.stages.index(stage), self.view.row_of[place]]
        return values

    def at(self, name: str, place: str, stage: str, year: int) -> float:
        return float(self.series(name, place, stage)[self.view.column_of[year]])

    def whole(self, name: str, stage: str, year: int) -> float:
        return self.at(name, self.view.area, stage, year)

    def ends(self, name: str, stage: str, year: int) -> tuple[float, float] | None:
        """The 80 % range of the whole; None in a run of one path, for what is past, and for what has none."""
        if self.held.bands is None or name not in self.held.bands or year <= self.view.jump_off:
            return None
        low, high = (float(level[self._of_whole(stage, year)]) for level in self._cube("bands", name))
        return low, high

    def within(self, name: str, stage: str, year: int) -> Text:
        ends = self.ends(name, stage, year)
        return Text("", "") if ends is None else both("sure.within", low=count(ends[0]), high=count(ends[1]))

    def freed(self, stage: str, year: int) -> float:
        """Posts fewer than in the year of the decision."""
        return self.whole("posts", stage, self.now) - self.whole("posts", stage, year)

    def smaller(self, name: str, stage: str, limit: int, year: int) -> float:
        """One number (posts, yuan, rooms) asked for by classes of the whole that are `limit` steps smaller."""
        return float(self._cube("smaller", name)[limit, *self._of_whole(stage, year)])

    def _of_whole(self, stage: str, year: int) -> tuple[int, int, int]:
        return self.stages.index(stage), self.view.row_of[self.view.area], self.view.column_of[year]

    def class_size(self, stage: str, limit: int) -> float:
        """Pupils of a full class in the far year."""
        return float(self.held.smaller["class_size"].sel({SERVICE: stage, YEAR: self.far, LIMIT: limit}))

    # ---- gaps ---------------------------------------------------------------------------------------------------

    @cached_property
    def compared(self) -> list[str]:
        """Stages of which the whole may be called short or to have places to spare."""
        return [
            stage
            for stage in self.stages
            if self.view.kinds.words(self.view.area, stage) == "gap" and self.view.curves.has_gap(stage)
        ]

    def gap(self, stage: str, year: int) -> float:
        """Supply minus demand of the whole."""
        return self.view.curves.at("gap", self.view.area, stage, year)

    def chance_short(self, stage: str, year: int) -> float | None:
        """Probability that the whole is short; None in a run of one path."""
        return self.view.odds.chance("p_short", self.view.area, stage, year) if self.view.many else None

    def tightest(self, place: str, stage: str) -> int | None:
        """The year with the smallest gap from the decision on; None where a gap is not known."""
        first, last = self.view.column_of[self.now], self.view.column_of[self.last]
        gap = self.view.curves.values("gap", stage)[self.view.row_of[place], first : last + 1]
        return None if np.isnan(gap).any() else self.now + int(gap.argmin())

    # ---- what it rests on, and planned places -------------------------------------------------------------------

    @property
    def gap_basis(self) -> str:
        return weakest(*(self.view.bases.gap(stage) for stage in self.stages))

    def basis_of(self, column: str) -> str:
        """The weakest basis of a column over the stages."""
        return weakest(*(basis for basis in self.held.basis[column].values() if basis in BASES))

    @cached_property
    def audits(self) -> dict[str, xr.Dataset]:
        """Stage with planned places -> the audit of the whole (year)."""
        held = self.held.audit
        if held is None:
            return {}
        of_whole = held.sel({COUNTY: self.view.area}, drop=True)
        return {str(stage): of_whole.sel({SERVICE: stage}, drop=True) for stage in held[SERVICE].values}
