"""What of a demand lasts and what is a crest above it: break-even years, opening and closing, build or rent.

A place that is needed in W years running is worth building, one that is needed for less is worth renting, W being the
break-even years of the service (SPECS 8.3). What is needed W years running is the grey-scale opening of demand with a
flat window of W years (8.4); the W-th largest yearly demand is the optimum of the small build-or-rent programme (8.5),
and equals the highest opening where the years of need lie together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import xarray as xr

from forecast.basics.dims import SERVICE, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.demand import DemandModel, read_models
from forecast.waves import kernel
from forecast.waves.turns import Values

Windows = int | Mapping[str, int]


@dataclass(frozen=True)
class Costs:
    """What a place costs, as shares of its building cost: rent and upkeep a year, salvage once; life in years.

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


def costs_of(model: DemandModel) -> Costs:
    """The costs of a demand model as shares of its building cost. Raises InputRefused where it has none."""
    if model.costs is None:
        raise InputRefused(Issue("E438", values={"service": model.id}))
    given = {name: float(quantity.value) for name, quantity in model.costs.given().items()}
    shares = {name: given[name] / given["building"] for name in ("rent", "upkeep", "salvage")}
    return Costs(**shares, life=int(given["life"]), discount=given["discount"])


def break_even_years(costs: Costs) -> int:
    """The fewest years of rent that cost as much as building (SPECS 8.3).

    Raises InputRefused where rent never comes to as much, so that nothing would ever be built.

    >>> [break_even_years(Costs(rent, 0.0, 50, 0.0, 0.04)) for rent in (0.12, 0.18, 0.25)]
    [10, 7, 5]
    >>> [break_even_years(Costs(rent, 0.03, 50, 0.0, 0.04)) for rent in (0.12, 0.18, 0.25)]
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


def window_for(window: Windows, service: str) -> int:
    """The break-even years of one service. Raises InputRefused where there are none or they are less than a year."""
    years = window if isinstance(window, int) else window.get(service)
    if years is None or years < 1:
        raise InputRefused(Issue("E434", values={"service": service, "found": years}))
    return years


def lasting_need(demand: xr.DataArray, window: Windows, goes_on: bool = True) -> xr.DataArray:
    """The grey-scale opening of demand: the most that is needed in `window` years running that hold the year.

    `demand` (..., year, service?); history before the years that count belongs in front, and years beyond them behind.
    `goes_on`: the last year stands for those after it; else no run of years may reach beyond the last one.
    Demand minus it is the crest. NaN where any year of the series is unknown.
    """
    return _by_service(demand, window, goes_on, sign=1).assign_attrs(long_name="need that lasts the break-even years")


def lasting_room(demand: xr.DataArray, window: Windows, goes_on: bool = True) -> xr.DataArray:
    """The grey-scale closing of demand: what it comes back to within `window` years. It minus demand is the trough."""
    return _by_service(demand, window, goes_on, sign=-1).assign_attrs(long_name="need that comes back in time")


def _by_service(demand: xr.DataArray, window: Windows, goes_on: bool, sign: int) -> xr.DataArray:
    own = in_order(demand)
    services = [str(name) for name in own[SERVICE].values] if SERVICE in own.dims else [""]
    parts = []
    for service in services:
        part = (own.sel({SERVICE: service}) if service else own).transpose(..., YEAR)
        years = window_for(window, service)
        opened = sign * opening(sign * part.to_numpy().astype(float), years, years if goes_on else 0)
        parts.append(part.copy(data=opened))
    joined = xr.concat(parts, own[SERVICE]) if SERVICE in own.dims else parts[0]
    return in_order(joined.transpose(*own.dims)).assign_attrs(demand.attrs)


def opening(values: Values, window: int, beyond: int = 0) -> Values:
    """Opening along the last axis of values (..., year), `beyond` years after the last being like it."""
    flat = np.ascontiguousarray(values.reshape(-1, values.shape[-1]), dtype=np.float64)
    out = np.empty_like(flat)
    kernel.open_paths(flat, window, beyond, out)
    out[~np.isfinite(flat).all(axis=1)] = np.nan
    return out.reshape(values.shape)


def screening_level(demand: xr.DataArray, window: Windows) -> xr.DataArray:
    """Places worth building for good: the W-th largest yearly demand (SPECS 8.5), no more than the years there are.

    The optimum of building K once and renting what is above it, undiscounted and without salvage, W = price of a
    place over a year's rent. Years above it need not follow each other, so it is never below the highest opening.
    """
    services = [str(name) for name in demand[SERVICE].values] if SERVICE in demand.dims else [""]
    parts = []
    for service in services:
        part = (demand.sel({SERVICE: service}) if service else demand).transpose(..., YEAR)
        ordered = np.sort(part.to_numpy().astype(float), axis=-1)  # NaN last, so an unknown year makes it unknown
        level = ordered[..., -min(window_for(window, service), ordered.shape[-1])]
        unknown = np.isnan(ordered[..., -1])
        parts.append(part.isel({YEAR: 0}, drop=True).copy(data=np.where(unknown, np.nan, level)))
    found = xr.concat(parts, demand[SERVICE]) if SERVICE in demand.dims else parts[0]
    return in_order(found).assign_attrs(demand.attrs, long_name="places worth building for good")


@dataclass(frozen=True)
class BuildOrRent:
    """`built`, `rented`: (year,) places built in the year and rented in it; `cost`: present value in building costs."""

    built: Values
    rented: Values
    cost: float


def build_or_rent(path: Values, costs: Costs) -> BuildOrRent:
    """The cheapest way to meet `path` (year,) from nothing, discounted: slice by slice of demand (SPECS 8.5).

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
