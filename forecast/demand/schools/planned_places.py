"""Planned places held against lasting need: what new seats add up to, whom they are for, how likely they stay empty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, YEAR

GRADES = 3


def seats_by_year(published: Mapping[int, float]) -> xr.DataArray:
    """New first-year seats (year); a year between two published ones is interpolated, `assumed` (year) says which.
    Asked alone.

    >>> found = seats_by_year({2025: 2800.0, 2027: 2500.0})
    >>> found.values.tolist(), found.assumed.values.tolist()
    ([2800.0, 2650.0, 2500.0], [False, True, False])
    """
    years = np.arange(min(published), max(published) + 1)
    dates = sorted(published)
    values = np.interp(years, dates, [published[year] for year in dates])
    return xr.DataArray(values, {YEAR: years, "assumed": (YEAR, ~np.isin(years, dates))}, (YEAR,), "new_seats")


def standing_places(seats: xr.DataArray, years: Sequence[int], grades: int = GRADES) -> xr.DataArray:
    """Places (year) that new first-year seats add: each is followed by one in the second and one in the third year.
    Asked alone.

    In the end seats x grades; a seat of 2024 is one place in 2024, two in 2025 and three from 2026 on.

    >>> standing_places(seats_by_year({2024: 10.0}), [2023, 2024, 2025, 2026, 2027]).values.tolist()
    [0.0, 10.0, 20.0, 30.0, 30.0]
    """
    every = range(min(int(seats[YEAR].min()), min(years)), max(int(seats[YEAR].max()), max(years)) + 1)
    so_far = seats.drop_vars("assumed", errors="ignore").reindex({YEAR: every}, fill_value=0.0).cumsum(YEAR)
    so_far = so_far.assign_coords({YEAR: list(every)})
    added = so_far
    for grade in range(1, grades):
        added = added + so_far.shift({YEAR: grade}, fill_value=0.0)
    return added.sel({YEAR: list(years)})


def audit_places(
    need: xr.DataArray, lasting: xr.DataArray, existing: xr.DataArray | float, added: xr.DataArray
) -> xr.Dataset:
    """New places (..., year), split into those for a lasting need and those for the crest.

    need, lasting: (..., year) places needed, and the part of it that lasts (`forecast.waves.lasting`); existing:
    places without the new ones; added: (..., year) new places that stand, as `standing_places` gives them of first-year
    seats. Returned: standing = existing + added, of which short of the need, empty, and above_lasting; and of the new
    places for_lasting, for_crest and idle, which add up to them, those needed longest being filled first.
    """
    with xr.set_options(arithmetic_join="exact"):
        standing = existing + added
        used = (need - existing).clip(min=0)
        used = used.where(used <= added, added)
        lasts = (lasting - existing).clip(min=0)
        lasts = lasts.where(lasts <= used, used)
        return xr.Dataset(
            {
                "standing": standing + 0 * need,
                "short": (need - standing).clip(min=0),
                "empty": (standing - need).clip(min=0),
                "above_lasting": (standing - lasting).clip(min=0),
                "for_lasting": lasts,
                "for_crest": used - lasts,
                "idle": added - used,
            }
        )


def probability_below(level: xr.DataArray, quantiles: xr.DataArray) -> xr.DataArray:
    """Probability (county, year, service) that the need is at most `level`, read between the quantiles kept.

    quantiles: (quantile, county, year, service) the need at each share of the trajectories.
    """
    order = (COUNTY, YEAR, SERVICE)
    ends, at = quantiles.transpose(*order, "quantile").to_numpy(), level.transpose(*order)
    shares = quantiles["quantile"].values
    odds = [
        np.interp(x, q, shares, left=0.0, right=1.0)
        for x, q in zip(at.to_numpy().ravel(), ends.reshape(-1, len(shares)), strict=True)
    ]
    return at.copy(data=np.reshape(odds, at.shape))
