"""Schools that must stay although they are small, sites that follow thresholds, and private places that go when
rolls fall. Asked alone: no run calls it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from forecast.basics.dims import SCHOOL, YEAR
from forecast.basics.issues import InputRefused, Issue


def must_stay(pupils: xr.DataArray, km: xr.DataArray, radius: float, minimum: float) -> xr.Dataset:
    """Schools that stay: all with at least `minimum` pupils, and of the small ones those without another within
    `radius` km.

    pupils: (school,); km: (school, other) one way along the road, may differ there and back. Small schools are
    looked at from the smallest on (ties by place): one may close if a school that stays lies within the radius of
    it, a large one if there is one; that school then has to stay for it, so that near schools do not close one for
    the other. A school without pupils may close. Returns stays, small (school,).
    """
    names = pupils[SCHOOL].values
    count = pupils.values.astype(float)
    apart = km.transpose(SCHOOL, "other").sel({SCHOOL: names, "other": names}).values
    stays, relied_on = count > 0, np.zeros(count.size, dtype=bool)
    for row in np.lexsort((np.arange(names.size), count)):
        near = np.flatnonzero((apart[row] <= radius) & stays & (np.arange(names.size) != row))
        if stays[row] and count[row] < minimum and near.size and not relied_on[row]:
            order = np.lexsort((apart[row, near], count[near] < minimum))
            stays[row] = False
            relied_on[near[order[0]]] = True
    small = (count > 0) & (count < minimum)
    return xr.Dataset({"stays": (SCHOOL, stays), "small": (SCHOOL, small)}, {SCHOOL: names})


def cost_of_keeping(pupils: xr.DataArray, stays: xr.DataArray, small: xr.DataArray, fixed_yuan: float) -> xr.DataArray:
    """Yuan a year and pupil that each small school kept costs beyond a large one: its fixed cost over its pupils; 0
    elsewhere."""
    kept = stays & small
    return (fixed_yuan / pupils.where(kept & (pupils > 0))).fillna(0.0).rename("yuan_per_pupil")


def sites_by_threshold(
    people: xr.DataArray, per_site: float, hysteresis: float, start: xr.DataArray | None = None
) -> xr.DataArray:
    """Sites (..., year) at one for each `per_site` people, opened and closed once, not with every small change.

    A further site opens when people reach the next multiple of per_site; it closes when they fall below that
    multiple by more than `hysteresis` x per_site. start: sites before the first year, by default what its people ask
    for. 每万名常住人口1所幼儿园; villages of 4,000: per_site 4,000 for each village, at most one (clip).
    """
    if not 0 <= hysteresis < 1:
        raise InputRefused(Issue("E451", values={"found": f"{hysteresis:g}"}))
    years = people[YEAR].values
    sites = np.floor(people.isel({YEAR: 0}, drop=True) / per_site) if start is None else start
    by_year: list[xr.DataArray] = []
    for year in years:
        now = people.sel({YEAR: year}, drop=True)
        asked, kept = (np.floor(now / per_site + extra + 1e-9) for extra in (0.0, hysteresis))
        sites = xr.where(asked > sites, asked, xr.where(kept < sites, kept, sites))
        by_year.append(sites)
    joined: xr.DataArray = xr.concat(by_year, xr.IndexVariable(YEAR, years))
    return joined.rename("sites")


def share_met(public: xr.DataArray, inclusive: xr.DataArray, pupils: xr.DataArray, target: float) -> xr.Dataset:
    """Share of children in public and inclusive private kindergartens (公办和普惠), and the children short of the
    target."""
    share = (public + inclusive) / pupils
    return xr.Dataset({"share": share, "short": (target * pupils - public - inclusive).clip(min=0)})


def private_places(
    pupils: xr.DataArray, public: xr.DataArray, private: xr.DataArray, least_filled: float
) -> xr.DataArray:
    """Private places (..., year) that remain: what public places leave over fills them, and below `least_filled`
    some close.

    private: (...) places before the first year. Closed places do not come back: an owner who has given up has given
    up.
    """
    if not 0 < least_filled <= 1:
        raise InputRefused(Issue("E451", values={"found": f"{least_filled:g}"}))
    left, by_year = private, []
    for year in pupils[YEAR].values:
        over = (pupils.sel({YEAR: year}, drop=True) - public.sel({YEAR: year}, drop=True)).clip(min=0)
        most = over / least_filled
        left = left.where(left <= most, most)
        by_year.append(left)
    return xr.concat(by_year, xr.IndexVariable(YEAR, pupils[YEAR].values)).rename("private_places")


def villages_with_kindergarten(
    residents: xr.DataArray, threshold: float, hysteresis: float, years: Sequence[int] | None = None
) -> xr.DataArray:
    """1 where a village (..., village, year) should have a kindergarten: from `threshold` residents on, until it
    falls well below."""
    chosen = residents if years is None else residents.sel({YEAR: list(years)})
    return sites_by_threshold(chosen, threshold, hysteresis).clip(max=1)
