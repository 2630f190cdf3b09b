"""Numbers of the middle path by place, service and year.

The whole is the simple sum of its counties; where one county is not known, the whole is not (NaN).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.areas import with_whole
from forecast.basics.dims import AGE, AREA, COUNTY, SERVICE, SEX, YEAR
from forecast.report.view.axes import Axes

Values = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Curves:
    """Variables of the run's cube, bare or labelled; what is asked for often is worked out once and kept. Supply and
    gap of the whole are its own, which need not be sums (`supply_of_area`)."""

    axes: Axes

    @cached_property
    def values(self) -> Callable[[str, str], Values]:
        """values(variable, service): (place, year), a variable of the run's cube."""
        return cache(lambda variable, service: self._cube(variable)[self.axes.services.index(service)])

    @cached_property
    def table(self) -> Callable[[str, str], pd.DataFrame]:
        """table(variable, service): the same with its labels."""
        return cache(lambda variable, service: self.axes.frame(self.values(variable, service)))

    @cached_property
    def _cube(self) -> Callable[[str], Values]:
        """(service, place, year) of a variable."""

        def cube(variable: str) -> Values:
            data, of_area = self.axes.run.data, f"{variable}_of_area"
            values = data[of_area].rename({AREA: COUNTY}) if of_area in data else self._by_place(data[variable])
            values = values.sel({COUNTY: self.axes.places})
            return values.transpose(SERVICE, COUNTY, YEAR).to_numpy().astype(float)

        return cache(cube)

    def _by_place(self, counties: xr.DataArray) -> xr.DataArray:
        """The whole, then the counties."""
        return with_whole(counties, self.axes.run.region.areas).sel({COUNTY: self.axes.places})

    def at(self, variable: str, place: str, service: str, year: int) -> float:
        return float(self.values(variable, service)[self.axes.row_of[place], self.axes.column_of[year]])

    @cached_property
    def relative_gap(self) -> Callable[[str], pd.DataFrame]:
        """relative_gap(service): gap by (place, year) between -1 and 1, a shortage as a share of demand, a surplus as
        a share of supply."""

        def relative(service: str) -> pd.DataFrame:
            return self.axes.frame(share_of_larger(self.values("gap", service), self.values("supply", service)))

        return cache(relative)

    def range_at(self, place: str, service: str, year: int) -> tuple[float, float]:
        """Demand at zero and at double net migration, the smaller first."""
        ends = [self.at(name, place, service, year) for name in ("demand_low", "demand_high")]
        return min(ends), max(ends)

    def has_supply(self, service: str) -> bool:
        return bool(np.isfinite(self.values("supply", service)).any())

    def has_gap(self, service: str) -> bool:
        """True if there is a supply, and in the view chosen a demand, to reckon a gap from."""
        return bool(np.isfinite(self.values("gap", service)).any())

    def observed(self, service: str) -> pd.Series[float]:
        """Pupils counted in the whole area, by year; empty where none are."""
        data = self.axes.run.data
        if "enrolment" not in data:
            return pd.Series(dtype=float)
        values = data["enrolment"].sel({SERVICE: service}).to_numpy().astype(float)
        return pd.Series(values, index=self.axes.years).dropna()

    def persons(self, first: int, last: int) -> pd.DataFrame:
        """Residents aged first..last at 31 December, by (place, year)."""
        people = self._by_age.sel({AGE: slice(first, last)}).sum(AGE, skipna=False)
        return self.axes.frame(self._by_place(people).transpose(COUNTY, YEAR).to_numpy())

    @cached_property
    def _by_age(self) -> xr.DataArray:
        return self.axes.run.data["population"].sum(SEX, skipna=False)

    def births(self) -> pd.DataFrame:
        """Births of both sexes by (place, year); NaN where a year was not reckoned."""
        both_sexes = self.axes.run.data["births"].sum(SEX, skipna=False)
        return self.axes.frame(self._by_place(both_sexes).transpose(COUNTY, YEAR).to_numpy())

    def flow(self, name: str, year: int) -> float:
        """Births or deaths of the whole in the year; NaN where the year was not reckoned."""
        in_year = self.axes.run.data[name].sel({YEAR: year})
        return float(in_year.sum(list(in_year.dims), skipna=False))

    def ratio(self, service: str) -> tuple[float, int] | None:
        """Pupils per resident child that the region's own enrolment gives, and its school year; None where the counties
        differ or the model's own number is used."""
        data = self.axes.run.data
        if "participation_ratio" not in data or "ratio_year" not in data:
            return None
        ratios = data["participation_ratio"].sel({SERVICE: service, YEAR: self.axes.outlook_year})
        values = ratios.to_numpy().astype(float)
        years = data["ratio_year"].sel({SERVICE: service, YEAR: self.axes.outlook_year}).to_numpy().astype(float)
        if not (np.isfinite(values).all() and np.isfinite(years).all()):
            return None
        if np.ptp(values) > 1e-9 or np.ptp(years) > 0:
            return None
        return float(values[0]), int(years[0])

    @cached_property
    def by_service(self) -> Callable[[str], dict[str, Any]]:
        """by_service(variable): service -> what a variable says of it; empty where the run has no such variable."""

        def by_service(variable: str) -> dict[str, Any]:
            known = variable in self.axes.run.data.variables
            values = self.axes.run.data[variable].values.tolist() if known else []
            return dict(zip(self.axes.services, values, strict=known))

        return cache(by_service)


def share_of_larger(gap: Values, supply: Values) -> Values:
    """Gap as a share of supply or of demand, whichever is larger; NaN where that is nothing."""
    larger = np.where(gap > 0, supply, supply - gap)
    share: Values = gap / np.where(larger > 0, larger, np.nan)
    return share
