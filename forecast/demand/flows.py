"""Who goes to school in which county: shares by residence, fitted to rolls, applied to pupils.

D_served = F' D, F with rows that add up to one (SPECS 1.5): pupils are moved, none made or lost. Schools that belong
to no county (the city's own senior schools, boarding schools) are destinations of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from forecast.dims import COUNTY, in_order
from forecast.errors import InputRefused, Issue

ORIGIN, DESTINATION = "origin", "destination"
CLOSE = 1e-10
MOST_ROUNDS = 10_000


def require_shares(shares: xr.DataArray) -> None:
    """Raises InputRefused where a row of (origin, destination, ...) does not add up to 1 or a share is negative."""
    off = abs(shares.sum(DESTINATION) - 1)
    if float(shares.min()) < 0 or float(off.max()) > 1e-9:
        worst = str(off.max([dim for dim in off.dims if dim != ORIGIN]).idxmax(ORIGIN).item())
        raise InputRefused(Issue("E447", values={"county": worst, "found": f"{1 + float(off.max()):.6f}"}))


def served(pupils: xr.DataArray, shares: xr.DataArray) -> xr.DataArray:
    """Pupils by the county of their school (..., county) from pupils by residence (..., county).

    shares: (origin, destination, [stage, year]) of each county's pupils; destinations may be more than the counties.
    """
    require_shares(shares)
    with xr.set_options(arithmetic_join="exact"):
        moved = (pupils.rename({COUNTY: ORIGIN}) * shares).sum(ORIGIN, skipna=False)
    return in_order(moved.rename({DESTINATION: COUNTY}).rename("served"))


def calibrate_flows(seed: xr.DataArray, pupils: xr.DataArray, rolls: xr.DataArray, rtol: float = 1e-6) -> xr.DataArray:
    """Shares (origin, destination) nearest to the seed's pattern that carry pupils by residence to the observed rolls.

    seed: (origin, destination) not negative, a zero stays zero (who cannot go there does not); pupils: (county) by
    residence; rolls: (county) by school, the destinations. Iterative proportional fitting (RAS). Raises InputRefused
    where the two sums differ by more than rtol, or where the zeros of the seed leave no way.
    """
    rows = pupils.sel({COUNTY: seed[ORIGIN].values}).values.astype(float)
    columns = rolls.sel({COUNTY: seed[DESTINATION].values}).values.astype(float)
    if abs(rows.sum() - columns.sum()) > rtol * rows.sum():
        values = {"pupils": f"{rows.sum():,.0f}", "rolls": f"{columns.sum():,.0f}"}
        raise InputRefused(Issue("E448", values=values))
    columns = columns * rows.sum() / columns.sum()
    persons = seed.transpose(ORIGIN, DESTINATION).values * rows[:, None]
    for _ in range(MOST_ROUNDS):
        persons = persons * _factor(columns, persons.sum(0))[None, :]
        persons = persons * _factor(rows, persons.sum(1))[:, None]
        off = abs(persons.sum(0) - columns)
        if off.max() <= CLOSE * rows.sum():
            break
    else:
        worst = str(seed[DESTINATION].values[int(off.argmax())])
        raise InputRefused(Issue("E449", values={"county": worst, "found": f"{off.max():,.1f}"}))
    own = np.eye(rows.size, columns.size)  # a county without pupils sends nobody: any row will do, this one is harmless
    shares = np.where(rows[:, None] > 0, persons / np.where(rows > 0, rows, 1.0)[:, None], own)
    return xr.DataArray(shares, seed.transpose(ORIGIN, DESTINATION).coords, (ORIGIN, DESTINATION), "share")


def _factor(wanted: np.ndarray, have: np.ndarray) -> np.ndarray:
    factor: np.ndarray = np.where(have > 0, wanted / np.where(have > 0, have, 1.0), 1.0)
    return factor


def flow_path(start: xr.DataArray, target: xr.DataArray, years: Sequence[int], reached: int) -> xr.DataArray:
    """Shares (origin, destination, year) that move evenly from `start` in the first year to `target` in `reached`.

    Between two row-stochastic matrices every mixture is one. A fixed matrix is a target equal to the start.
    """
    require_shares(start)
    require_shares(target)
    first = years[0]
    part = np.clip((np.asarray(years) - first) / max(reached - first, 1), 0, 1)
    weight = xr.DataArray(part, {"year": list(years)}, ("year",))
    with xr.set_options(arithmetic_join="exact"):
        return start * (1 - weight) + target * weight
