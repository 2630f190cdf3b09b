"""Cohorts by year of birth, and what moves with what: effects of single steps, elasticities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, STEP, YEAR, in_order

EARLIER = 20
"""Years before the first in which cohorts are known by their survivors; no pupil is older."""


def step_effects(base: xr.DataArray, factors: Mapping[str, xr.DataArray | float]) -> xr.DataArray:
    """Effects (step, ...) of factors on a base: each alone, base x (f - 1), and their interaction (as nhp_model).
    Asked alone.

    >>> found = step_effects(xr.DataArray(100.0), {"births": 0.8, "participation": 1.1})
    >>> [round(x, 9) for x in found.values.tolist()]
    [-20.0, 10.0, -2.0]
    """
    single = {name: base * (factor - 1) for name, factor in factors.items()}
    product = base
    for factor in factors.values():
        product = product * factor
    alone = sum(single.values(), start=xr.zeros_like(product))
    single["interaction"] = (product - base) - alone
    parts = xr.broadcast(*single.values())
    return xr.concat(parts, xr.IndexVariable(STEP, list(single)))


def birth_cohorts(people: xr.DataArray) -> xr.DataArray:
    """Children (county, year) by year of birth, from residents (county, year, age) at 31 December: those alive at the
    end of their first year, and the cohorts born before the first year as they were counted then."""
    first = int(people[YEAR][0])
    older = people.sel({YEAR: first}, drop=True).isel({AGE: slice(1, EARLIER + 1)}).isel({AGE: slice(None, None, -1)})
    older = older.rename({AGE: YEAR}).assign_coords({YEAR: first - older[AGE].values})
    return in_order(xr.concat([older, people.sel({AGE: 0}, drop=True)], YEAR, join="exact"))


def elasticity(of: xr.DataArray, to: xr.DataArray, base: tuple[xr.DataArray, xr.DataArray]) -> xr.DataArray:
    """Per cent that `of` changes by for one per cent of `to`, between a base pair and a changed pair (mid-point
    formula)."""
    of0, to0 = base
    with np.errstate(divide="ignore", invalid="ignore"):
        change = ((of - of0) / ((of + of0) / 2)) / ((to - to0) / ((to + to0) / 2))
    return change.rename("elasticity")
