"""Demand against supply: what is short, what stands empty, how heavily the supply is used."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import TRAJECTORY, in_order, same_coords
from forecast.basics.issues import Issue, UsageError
from forecast.basics.quantiles import MIDDLE_AND_ENDS
from forecast.basics.variables import label

VIEWS = {"behaviour": "demand", "norm": "demand_norm"}
"""View of demand -> the variable that holds it."""


def compare_supply(demand: xr.Dataset, supply: xr.Dataset, view: str = "behaviour") -> xr.Dataset:
    """gap = supply - demand (positive: surplus) and load = demand / supply, by (trajectory?, county, year, service).

    `view` says which demand counts: `behaviour` (what people will use) or `norm` (what the standard asks). Where
    supply or demand is not known (NaN), gap, load and p_short are NaN: nothing is taken for zero. Where supply is 0
    the gap is minus demand, and load is inf; where both are 0 load is NaN, because nothing is used and nothing stands.

    With `trajectory` also p_short, the share of trajectories with gap < 0, and gap_quantile (quantile, county, year,
    service).
    Raises UsageError for an unknown view, ValueError where counties, years or services differ.
    """
    if view not in VIEWS:
        raise UsageError(Issue("E431", values={"found": view, "expected": ", ".join(VIEWS)}))
    need, have = demand[VIEWS[view]], supply["supply"]
    same_coords(need, have)
    units, asked = have.attrs.get("units", "1"), VIEWS[view]
    with xr.set_options(arithmetic_join="exact"):
        gap = in_order(have - need)
        load = in_order((need / have).where((have != 0) | (need != 0)))
    compared = xr.Dataset(
        {
            "supply": have,
            "gap": label(gap, "gap.gap", units=units, demand=asked),
            "load": label(load, "gap.load", demand=asked),
        }
    )
    if TRAJECTORY in gap.dims:
        short = (gap < 0).mean(TRAJECTORY).where(gap.notnull().all(TRAJECTORY))
        quantiles = gap.quantile(list(MIDDLE_AND_ENDS), TRAJECTORY, keep_attrs=False, skipna=False)
        compared["p_short"] = label(short, "gap.p_short", demand=asked)
        compared["gap_quantile"] = label(in_order(quantiles), "gap.gap_quantile", units=units, demand=asked)
    return compared.assign_attrs(view=view)


def capacity_for_risk(demand_quantile: xr.DataArray, risk: float) -> xr.DataArray:
    """Places or beds needed so that a shortage is at most so likely: the quantile of demand at 1 - risk.

    demand_quantile: (quantile, ...), demand at rising levels; between two levels the line is straight.
    risk: 0 to 1. A planner who knows costs has it from the critical ratio of the newsvendor (Arrow, Harris and
    Marschak 1951): risk = o / (u + o), with u the cost of a missing place for a year and o that of an empty one.

    Raises ValueError where 1 - risk lies beyond the levels that were kept.

    >>> level = xr.DataArray([80.0, 100.0, 120.0], dims="quantile", coords={"quantile": [0.1, 0.5, 0.9]})
    >>> float(capacity_for_risk(level, 0.1)), float(capacity_for_risk(level, 0.4))
    (120.0, 105.0)
    """
    levels = demand_quantile["quantile"].values
    wanted = 1 - risk
    if not levels[0] - 1e-9 <= wanted <= levels[-1] + 1e-9:
        raise ValueError(f"risk {risk:g} is outside {1 - levels[-1]:g} to {1 - levels[0]:g}, the levels that were kept")
    above = max(1, int(np.searchsorted(levels, wanted - 1e-9)))
    share = (wanted - levels[above - 1]) / (levels[above] - levels[above - 1])
    low, high = (demand_quantile.isel(quantile=at, drop=True) for at in (above - 1, above))
    return low + share * (high - low)
