"""Costs of building and of renting a place, and the years of need from which on it is worth building.

Only proportions count: all amounts are shares of the building cost. The W-th largest yearly demand, W being the
break-even years, is the optimum of the small build-or-rent programme, and equals the highest opening of demand
(`waves.lasting`) where the years of need lie together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from forecast.basics.issues import InputRefused, Issue
from forecast.demand.model import DemandModel
from forecast.demand.read import read_models

Values = NDArray[np.float64]


@dataclass(frozen=True)
class CostShares:
    """Costs of a place as shares of its building cost: rent and upkeep a year, salvage once; life in years.

    Upkeep is paid over the whole life, as a building that stands is kept; `salvage` is the present value of what the
    building is worth to another service.
    """

    rent: float
    upkeep: float
    life: int
    salvage: float
    discount: float

    @property
    def built(self) -> float:
        """Present value of building a place and keeping it, at the time of building."""
        return 1 + self.upkeep * sum((1 + self.discount) ** -k for k in range(self.life)) - self.salvage


def costs_of(model: DemandModel) -> CostShares:
    """The costs of a demand model as shares of its building cost. Raises InputRefused where it has none."""
    if model.costs is None:
        raise InputRefused(Issue("E438", values={"service": model.id}))
    given = {name: float(quantity.value) for name, quantity in model.costs.given().items()}
    shares = {name: given[name] / given["building"] for name in ("rent", "upkeep", "salvage")}
    return CostShares(**shares, life=int(given["life"]), discount=given["discount"])


def break_even_years(costs: CostShares) -> int:
    """The fewest years of rent that cost as much as building.

    Raises InputRefused where rent never comes to as much, so that nothing would ever be built.

    >>> [break_even_years(CostShares(rent, 0.0, 50, 0.0, 0.04)) for rent in (0.12, 0.18, 0.25)]
    [10, 7, 5]
    >>> [break_even_years(CostShares(rent, 0.03, 50, 0.0, 0.04)) for rent in (0.12, 0.18, 0.25)]
    [20, 12, 8]
    """
    paid = 0.0
    for year in range(costs.life):
        paid += costs.rent * (1 + costs.discount) ** -year
        if paid >= costs.built:
            return year + 1
    raise InputRefused(Issue("E433", values={"rent": f"{costs.rent:g}", "life": costs.life}))


def windows_of(models: Mapping[str, DemandModel]) -> dict[str, int]:
    """Break-even years of each service, from the costs of its model. Raises InputRefused where a model has none."""
    return {service: break_even_years(costs_of(model)) for service, model in models.items()}


@cache
def shipped_windows() -> Mapping[str, int]:
    """Break-even years of the shipped services, by their models' own costs."""
    return windows_of(read_models())


@dataclass(frozen=True)
class BuildOrRent:
    """`built`, `rented`: (year,) places built in the year and rented in it; `cost`: present value in building costs."""

    built: Values
    rented: Values
    cost: float


def build_or_rent(path: Values, costs: CostShares) -> BuildOrRent:
    """The cheapest way to meet `path` (year,) from nothing, discounted: slice by slice of demand.

    A slice of demand is needed in the years T in which demand reaches it. It is rented in the years of T before s and
    built at s, for the s in T that is cheapest, or never built. Slices do not touch each other, so their sum is the
    optimum of the linear programme.
    """
    levels = np.unique(np.concatenate([[0.0], path]))
    factor = (1 + costs.discount) ** -np.arange(len(path), dtype=float)
    built, rented, cost = np.zeros(len(path)), np.zeros(len(path)), 0.0
    for low, high in pairwise(levels):
        needed = np.flatnonzero(path > low)
        rents = np.concatenate([[0.0], np.cumsum(costs.rent * factor[needed])])
        prices = np.append(rents[:-1] + costs.built * factor[needed], rents[-1])
        best = int(np.argmin(prices))
        rented[needed[:best]] += high - low
        if best < len(needed):
            built[needed[best]] += high - low
        cost += (high - low) * float(prices[best])
    return BuildOrRent(built, rented, cost)
