"""Places, services and years of a report, in the order of the run, with the positions of each in bare arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.findings.flags.facts import outlook_year
from forecast.run.run import Run


@dataclass(frozen=True)
class Axes:
    """A run and the lists along which its numbers are told. `places` are the whole, then the counties of the region."""

    run: Run

    @cached_property
    def area(self) -> str:
        return self.run.region.area

    @cached_property
    def counties(self) -> list[str]:
        return [str(code) for code in self.run.data[COUNTY].values]

    @cached_property
    def places(self) -> list[str]:
        return [self.area, *self.counties]

    @cached_property
    def services(self) -> list[str]:
        return [str(service) for service in self.run.data[SERVICE].values]

    @cached_property
    def years(self) -> list[int]:
        return [int(year) for year in self.run.data[YEAR].values]

    @cached_property
    def jump_off(self) -> int:
        return int(self.run.data.attrs["jump_off_year"])

    @property
    def horizon(self) -> int:
        return self.years[-1]

    @property
    def now(self) -> int:
        """The year of the decision, at which all that is told begins."""
        return self.run.flags.now

    @cached_property
    def outlook_year(self) -> int:
        """The next round year (2030, 2035, ...) at least four years after the decision, at most the horizon."""
        return outlook_year(self.now, self.horizon)

    def milestones(self) -> list[int]:
        """The year of the decision and every fifth year after it."""
        return [self.now, *(year for year in self.years if year % 5 == 0 and year > self.now)]

    @property
    def many(self) -> bool:
        """True if the run has many trajectories; without them there is one path and no probability is known."""
        return "demand_quantile" in self.run.data

    @property
    def trajectories(self) -> int:
        return int(self.run.data.attrs.get("trajectories", 1))

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Position of each place in an array by place."""
        return {place: row for row, place in enumerate(self.places)}

    @cached_property
    def column_of(self) -> dict[int, int]:
        """Position of each year in an array by year."""
        return {year: column for column, year in enumerate(self.years)}

    def frame(self, values: np.ndarray[Any, Any]) -> pd.DataFrame:
        """A bare array (place, year) with its labels."""
        return pd.DataFrame(values, index=self.places, columns=self.years)
