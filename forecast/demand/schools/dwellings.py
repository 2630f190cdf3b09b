"""Pupils that new dwellings bring: yield by type and age of the dwelling, less those who already lived in the city
(pupil yield, as the Department for Education in England estimates it). Asked alone: no run calls it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import DWELLING_AGE, DWELLING_TYPE, YEAR, in_order


def yield_curve(
    years: int, at_completion: float, peak: float, peak_age: int, mature: float, mature_age: int
) -> xr.DataArray:
    """Pupils of a stage per dwelling (dwelling_age), straight from completion to the peak and from there to
    maturity."""
    ages = np.arange(years)
    values = np.interp(ages, [0, peak_age, mature_age], [at_completion, peak, mature])
    return xr.DataArray(values, {DWELLING_AGE: ages}, (DWELLING_AGE,), "pupils_per_dwelling")


def dwelling_pupils(units: xr.DataArray, per_unit: xr.DataArray) -> xr.DataArray:
    """Pupils (..., year) who live in the new dwellings: sum over completions of units x yield at the dwelling's age.

    units: (..., year[, dwelling_type]) dwellings completed; per_unit: (dwelling_age[, dwelling_type], ...) pupils
    per dwelling; dwellings older than the last age keep its yield.
    """
    total = xr.zeros_like(units * per_unit.isel({DWELLING_AGE: 0}, drop=True))
    for step in range(units.sizes[YEAR]):
        age = per_unit.isel({DWELLING_AGE: min(step, per_unit.sizes[DWELLING_AGE] - 1)}, drop=True)
        total = total + units.shift({YEAR: step}, fill_value=0.0) * age
    return in_order(total.sum(DWELLING_TYPE) if DWELLING_TYPE in total.dims else total)


def net_gain(living_there: xr.DataArray, displacement: xr.DataArray | float) -> xr.DataArray:
    """Pupils new to the city: those of the new dwellings less the share that moved inside it.

    Of the county's own new dwellings `displacement` came from elsewhere in the city and left a place empty there:
    the city gains (1 - displacement), not the whole.
    """
    with xr.set_options(arithmetic_join="exact"):
        return living_there * (1 - displacement)
