"""Net migration from two counts of the same cohorts: what survival does not explain.

The residual or survival-ratio method (Siegel and Hamilton 1952; United Nations 1970, Manual VI). Forward, survivors of
the first count are taken from the second, as if everybody had moved on the last day; reverse, the second count is
brought back to the first, as if on the first day, and what is missing there is laid out at the second date; the
average stands in between and is the default. What the two counts miss of people is in the result, by age.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, YEAR, in_order
from forecast.basics.variables import label

METHODS = ("average", "forward", "reverse")


def expected_survivors(before: xr.DataArray, survival: xr.DataArray, years: int) -> xr.DataArray:
    """Those of a first count who live at the second, by age at the second: (..., sex, age from `years` on).

    before: (..., sex, age) persons by single age or by groups of equal width, the last open; survival: (..., sex, age)
    share of those of the age at the first count who live to the second; years: between the counts, a multiple of the
    width. The last group collects all cohorts that have come into it.
    Raises ValueError where ages or years do not fit.
    """
    ages, steps = before[AGE].values, years // _width(before, years)
    with xr.set_options(arithmetic_join="exact"):
        alive = (before * survival).transpose(..., AGE)
    values = alive.values
    older = values[..., : len(ages) - steps].copy()
    older[..., -1] += values[..., len(ages) - steps :].sum(-1)
    coords = {name: value for name, value in alive.coords.items() if AGE not in value.dims}
    return in_order(xr.DataArray(older, dims=alive.dims, coords={**coords, AGE: ages[steps:]}))


def cohort_survival(sx: xr.DataArray, years: int) -> xr.DataArray:
    """Share of those of an age who live for so many years: (..., sex, age), by age at the start.

    sx: (..., [year,] sex, age) survivorship ratios to the age over one step (one year for single ages, the width for
    groups); with `year`, its first `years` steps are passed through one after another, else the same ratios again.
    Raises ValueError where there are fewer years than that.
    """
    steps = years // _width(sx, years)
    if YEAR in sx.dims and sx.sizes[YEAR] < steps:
        raise ValueError(f"{steps} years of survivorship ratios are needed, there are {sx.sizes[YEAR]}")
    ages = np.arange(sx.sizes[AGE])
    alive: xr.DataArray | None = None
    for step in range(steps):
        ratio = (sx.isel({YEAR: step}, drop=True) if YEAR in sx.dims else sx).transpose(..., AGE)
        reached = ratio.copy(data=ratio.values[..., np.minimum(ages + step + 1, ages[-1])])
        alive = reached if alive is None else alive * reached
    if alive is None:
        raise ValueError("survival takes at least one step")
    return in_order(alive.rename("survival").drop_attrs())


def residual_migration(
    before: xr.DataArray,
    after: xr.DataArray,
    survival: xr.DataArray,
    years: int,
    births: xr.DataArray | None = None,
    birth_survival: xr.DataArray | None = None,
    method: str = "average",
) -> xr.Dataset:
    """Net migrants between two counts, by age at the second, and their rate a year.

    before, after: (..., sex, age) persons, single ages or groups of equal width, the last open; survival: as in
    `expected_survivors`, for instance of `cohort_survival`; years: between the counts, a multiple of the width.
    births: (..., sex, age) children born between the counts, by the age (below `years`) they have at the second;
    birth_survival: (..., sex, age) share of them who live then. method: one of `METHODS`.
    Returns `net_migration` (..., sex, age) persons over the whole interval: forward M = P2 - S P1, reverse
    M / S, average M (1 + 1/S) / 2; and `rate` per person-year, M / years over the mean of the cohort at both counts.
    Without births the ages begin at `years`: younger ones are not guessed.
    Raises ValueError where ages, years or methods do not fit, or nobody of a cohort that was there survives.

    >>> import xarray as xr
    >>> coords = {"sex": ["female"], "age": [0, 5, 10]}
    >>> first = xr.DataArray([[100.0, 100.0, 100.0]], dims=("sex", "age"), coords=coords)
    >>> second = xr.DataArray([[90.0, 98.0, 120.0]], dims=("sex", "age"), coords=coords)
    >>> survival = xr.DataArray([[0.9, 0.9, 0.5]], dims=("sex", "age"), coords=coords)
    >>> residual_migration(first, second, survival, 5, method="forward").net_migration.values.tolist()
    [[8.0, -20.0]]
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; there are: {', '.join(METHODS)}")
    at_first = expected_survivors(before, xr.ones_like(survival), years)
    expected = expected_survivors(before, survival, years)
    if (births is None) != (birth_survival is None):
        raise ValueError("births and birth_survival belong together")
    if births is not None and birth_survival is not None:
        young = after[AGE].values[after[AGE].values < years]
        if births[AGE].values.tolist() != young.tolist():
            raise ValueError(f"births must be given for the ages {young.tolist()} that they have at the second count")
        with xr.set_options(arithmetic_join="exact"):
            alive = births * birth_survival
        expected = xr.concat([in_order(alive), expected], AGE)
        at_first = xr.concat([in_order(births.broadcast_like(alive)), at_first], AGE)
    with xr.set_options(arithmetic_join="exact"):
        forward = after.sel({AGE: expected[AGE].values}) - expected
        share = expected / at_first.where(at_first > 0)
        if method != "forward" and bool((share <= 0).any()):
            raise ValueError("nobody of some cohort survives to the second count, so it cannot be brought back")
        backward = forward / share.fillna(1.0)  # a cohort that was empty has nobody who could have died
        net = {"forward": forward, "reverse": backward, "average": (forward + backward) / 2}[method]
        mean = (at_first + after.sel({AGE: expected[AGE].values})) / 2
        rate = (net / years / mean.where(mean > 0)).fillna(0.0)
    migrants = xr.Dataset(
        {"net_migration": in_order(net), "rate": in_order(rate)}, attrs={"years": years, "method": method}
    )
    return label(migrants, "residual", source=f"residual of two counts {years} years apart, {method}")


def _width(by_age: xr.DataArray, years: int) -> int:
    widths = np.unique(np.diff(by_age[AGE].values))
    if widths.size != 1 or by_age[AGE].values[0] != 0:
        raise ValueError(f"ages must be single or in groups of equal width from 0: {by_age[AGE].values.tolist()}")
    width = int(widths[0])
    if years <= 0 or years % width or years // width >= by_age.sizes[AGE]:
        raise ValueError(f"{years} years are not a whole number of steps of {width} within the ages there are")
    return width
