"""What a wave costs in places: missing while demand crests, idle while it is down."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, TRAJECTORY, YEAR


def with_place_years(waves: pd.DataFrame, demand: xr.DataArray, supply: xr.DataArray) -> pd.DataFrame:
    """The waves with `missing` and `idle`: place-years short and empty from onset to end, means over trajectories.

    waves as `find_waves` gives them; demand (trajectory?, county, year, service?) and supply (county, year, service?)
    in one unit. Years before those of supply do not count, since what stood then is not asked; NaN where supply or
    demand is not known in any of the years, or none of them has a supply.
    """
    rows = []
    for county, service, onset, end in zip(
        waves["county"], waves["service"], waves["onset_year"], waves["end_year"], strict=True
    ):
        place = {COUNTY: county} | ({SERVICE: service} if SERVICE in demand.dims else {})
        have = supply.sel(place).sel({YEAR: slice(int(onset), int(end))})
        need = demand.sel(place).reindex({YEAR: have[YEAR]})
        paths = need.transpose(..., YEAR).to_numpy() if TRAJECTORY in need.dims else need.to_numpy()[None]
        lacking = paths - have.to_numpy()
        known = lacking.size > 0 and bool(np.isfinite(lacking).all())
        sums = [np.maximum(side * lacking, 0).sum(axis=1).mean() if known else np.nan for side in (1, -1)]
        rows.append(sums)
    missing, idle = np.array(rows, dtype=float).reshape(-1, 2).T
    return waves.assign(missing=missing, idle=idle)
