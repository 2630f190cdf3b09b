"""Past and projection of a region as one."""

from __future__ import annotations

import xarray as xr

from forecast.basics.dims import AGE, SEX, YEAR, in_order
from forecast.basics.variables import label
from forecast.population.projection.project import check_balance, project_population


def people_over_time(past: xr.Dataset, rates: xr.Dataset) -> xr.Dataset:
    """Population and flows by (county, year, sex, age) from the first known year to the horizon, balanced; flows are
    NaN where no year was calibrated; and where the past knows them `institutions` (county,), residents at the jump-off
    date who are in one. past: of `estimate_past`; rates: of `vital_rates`, from the year after it on."""
    projection = project_population(rates)
    check_balance(projection)
    known = past[list(projection.data_vars)]
    joined = xr.concat([known, projection.isel({YEAR: slice(1, None)})], YEAR, join="exact")
    joined = joined.assign({key: in_order(joined[key]).assign_attrs(projection[key].attrs) for key in joined.data_vars})
    if "institutions" in past:
        inside = past.institutions.isel({YEAR: -1}, drop=True).sum([SEX, AGE])
        joined = joined.assign(institutions=label(inside, "projection.institutions"))
    return joined.assign_attrs(projection.attrs)
