"""Probabilities, ranges and what uncertainty comes from, as the trajectories of a run give them.

Asked only of runs with many trajectories, but for `within`, which then has nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from forecast.basics.dims import AGE_GROUP, AREA, QUANTILE, SERVICE, YEAR
from forecast.basics.quantiles import BANDS
from forecast.basics.text import Text, count
from forecast.report.view.axes import Axes
from forecast.report.view.curves import Curves
from forecast.report.words import both
from forecast.supply.gap import capacity_for_risk

Values = np.ndarray[Any, Any]

BIRTHS_ITEM = "births"
"""Name under which births stand beside the age groups."""


@dataclass(frozen=True)
class Odds:
    axes: Axes
    curves: Curves

    def by_year(self, variable: str, service: str) -> Values:
        """(place, year): a variable that the trajectories gave each area, as p_short; NaN where nothing is known."""
        return self._cube(variable)[self.axes.services.index(service)]

    @cached_property
    def _cube(self) -> Callable[[str], Values]:
        """(service, place, year) of a variable."""
        places = {AREA: self.axes.places}
        data = self.axes.run.data
        return cache(
            lambda variable: data[variable].sel(places).transpose(SERVICE, AREA, YEAR).to_numpy().astype(float)
        )

    def chance(self, variable: str, place: str, service: str, year: int) -> float:
        return float(self.by_year(variable, service)[self.axes.row_of[place], self.axes.column_of[year]])

    # ---- ranges -------------------------------------------------------------------------------------------------

    def level(self, variable: str, item: str, quantile: float) -> Values:
        """(place, year) at one of the levels kept, of a service, or of an age group where `variable` is
        population_quantile."""
        items, levels = self._levels(variable)
        values: Values = levels[items.index(item), self._kept.index(round(quantile, 6))]
        return values

    @cached_property
    def _levels(self) -> Callable[[str], tuple[list[str], Values]]:
        """Names of the items and (item, quantile, place, year) of a variable."""

        def levels(variable: str) -> tuple[list[str], Values]:
            data = self.axes.run.data[variable]
            items = next((dim for dim in (SERVICE, AGE_GROUP) if dim in data.dims), None)
            wide = data.expand_dims(item=[BIRTHS_ITEM]) if items is None else data.rename({items: "item"})
            cube = wide.sel({AREA: self.axes.places}).transpose("item", QUANTILE, AREA, YEAR)
            return [str(name) for name in wide["item"].values], cube.to_numpy().astype(float)

        return cache(levels)

    @cached_property
    def _kept(self) -> list[float]:
        return [round(float(level), 6) for level in self.axes.run.data[QUANTILE].values]

    def band(self, variable: str, place: str, item: str, year: int, share: int = 80) -> tuple[float, float]:
        """The ends of a band in one place and year."""
        cell = self.axes.row_of[place], self.axes.column_of[year]
        low, high = (float(self.level(variable, item, quantile)[cell]) for quantile in BANDS[share])
        return low, high

    def within(self, variable: str, place: str, item: str, year: int) -> Text:
        """The band of 80 % in words, in brackets; nothing where the run is one path or the year is past."""
        if not self.axes.many or year <= self.axes.jump_off:
            return Text("", "")
        low, high = self.band(variable, place, item, year)
        return both("sure.within", low=count(low), high=count(high))

    # ---- what would be safe, and what it hangs on ---------------------------------------------------------------

    @cached_property
    def _capacities(self) -> Callable[[float], Values]:
        """(service, place, year): places or beds with which a shortage is at most so likely."""
        asked = "demand_norm_quantile" if self.axes.run.scenario.demand.view == "norm" else "demand_quantile"

        def capacities(risk: float) -> Values:
            quantiles = self.axes.run.data[asked].sel({AREA: self.axes.places})
            return capacity_for_risk(quantiles, risk).transpose(SERVICE, AREA, YEAR).to_numpy()

        return cache(capacities)

    def needed(self, place: str, service: str, year: int, risk: float) -> float:
        """Places or beds with which a shortage is at most so likely."""
        item, row, column = self.axes.services.index(service), self.axes.row_of[place], self.axes.column_of[year]
        return float(self._capacities(risk)[item, row, column])

    def shares(self, service: str, year: int) -> dict[str, float]:
        """Component -> its share of the variance of the whole's demand; empty where that was not worked out.

        Sampling leaves small negative shares, and what components do together; the shares are of their sum.
        """
        variance = self.axes.run.variance_share
        if variance is None:
            return {}
        parts = variance.sel({AREA: self.axes.area, SERVICE: service, YEAR: year}).to_series()
        sizes = {str(name): max(float(size), 0.0) for name, size in parts.items()}
        total = sum(sizes.values())
        return {name: size / total for name, size in sizes.items()} if total > 0 else {}
