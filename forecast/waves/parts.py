"""Shares of births, migration, ageing and participation in a change of demand, which add up exactly.

Demand is a product (births x people per birth x demand per person), and the change of each factor gets its part by the
logarithmic mean, so that the parts sum to the change.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import DRIVER, YEAR

Year = int | xr.DataArray
"""One year for all, or a year by county."""


def attribute_chain(levels: Mapping[str, xr.DataArray], since: Year, until: Year) -> xr.DataArray:
    """Parts of the change of the last level from `since` to `until`, by driver.

    levels: driver -> a level with `year`, each the one before times the driver's factor, the first being its own:
    {"births": implied_by_births, "migration": people of the ages, "participation": demand}. Returns (driver, ...) in
    the unit of the last level; NaN where a level is not positive in both years.

    part_i = (D1 - D0) / ln(D1 / D0) x ln(factor_i1 / factor_i0), the logarithmic mean (Ang 2005, LMDI-I), whose parts
    leave no rest and do not depend on an order. Where D1 = D0 the mean is D0.
    """
    logs, before = [], None
    for level in levels.values():
        first, last = (level.sel({YEAR: year}, drop=True) for year in (since, until))
        ratio = _log_ratio(first, last)
        logs.append(ratio if before is None else ratio - before)
        before = ratio
    *_, demand = levels.values()
    start, end = (demand.sel({YEAR: year}, drop=True) for year in (since, until))
    total = _log_ratio(start, end)
    mean = xr.where(np.abs(total) > 1e-12, (end - start) / total.where(total != 0), start)
    return xr.concat([mean * log for log in logs], pd.Index(list(levels), name=DRIVER))


def _log_ratio(first: xr.DataArray, last: xr.DataArray) -> xr.DataArray:
    ratio = (last / first).where((first > 0) & (last > 0))
    return ratio.copy(data=np.log(ratio.to_numpy()))
