"""Why demand changes: shares of births, migration, ageing and participation that add up exactly.

Three ways, by what is at hand. `attribute_chain` needs one run: demand is a product (births x people per birth x
demand per person), and the change of each factor gets its part by the logarithmic mean. `attribute_runs` needs the
demand of runs in which some drivers are as forecast and the others as at the start, and gives each driver its mean
effect over all orders of switching them on (Shapley). `attribute_factors` is the form of the NHP model: each factor
alone, and what is left as interaction. In all three the parts sum to the change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import YEAR
from forecast.demand.schools.changes import STEP, shapley_effects, step_effects

DRIVER = "driver"
INTERACTION = "interaction"


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


def attribute_runs(runs: Mapping[frozenset[str], xr.DataArray], drivers: Sequence[str]) -> xr.DataArray:
    """Shapley values of the drivers: (driver, ...), which sum to the run with all of them less the run with none.

    runs: for every subset of the drivers the demand with just these as forecast and the others as at the start.
    Raises KeyError naming a subset that is not there.
    """
    return shapley_effects(lambda chosen: runs[chosen], tuple(drivers)).rename({STEP: DRIVER})


def attribute_factors(baseline: xr.DataArray, factors: Mapping[str, xr.DataArray]) -> xr.DataArray:
    """effect_i = b (f_i - 1) of each factor alone, and the interaction b (prod f - 1) - sum of effects."""
    return step_effects(baseline, factors).rename({STEP: DRIVER})
