"""A run seen from its report: one object, made once, that chapters and charts read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from forecast.report.view.axes import Axes
from forecast.report.view.bases import Bases
from forecast.report.view.courses import courses
from forecast.report.view.curves import Curves
from forecast.report.view.kinds import Kinds
from forecast.report.view.meaning import Meaning
from forecast.report.view.names import Names
from forecast.report.view.odds import Odds
from forecast.report.view.school_view import SchoolView

__all__ = ["View"]


@dataclass(frozen=True)
class View(Axes):
    """The axes of a run, and by notion what a report says along them."""

    @cached_property
    def names(self) -> Names:
        return Names(self)

    @cached_property
    def curves(self) -> Curves:
        return Curves(self)

    @cached_property
    def kinds(self) -> Kinds:
        return Kinds(self)

    @cached_property
    def odds(self) -> Odds:
        return Odds(self, self.curves)

    @cached_property
    def meaning(self) -> Meaning:
        return Meaning(self, self.curves)

    @cached_property
    def bases(self) -> Bases:
        return Bases(self, self.curves)

    @cached_property
    def courses(self) -> pd.DataFrame:
        """Demand, supply and gap as they are drawn, a row for each place, service and year."""
        return courses(self)

    @cached_property
    def schools(self) -> SchoolView | None:
        """The schools of the run; None where it has none."""
        held = self.run.schools
        return None if held is None else SchoolView(self, held)
