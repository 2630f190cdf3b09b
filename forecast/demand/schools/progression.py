"""From grade to grade: what of a grade comes to the next, and what of that is the schools' own doing.

r[g,t] = E[g,t] / E[g-1,t-1], pupils of a grade over those of the grade below a year before, contains who moved in or
away. The cohort ratio C[g,t] = P[a,t] / P[a-1,t-1] of resident children contains the same movers, so that the school
effect s[g] = r / C is free of them, and E[g,t] = E[g-1,t-1] s[g] C[g,t] lets a migration scenario move the rolls,
once. With the cohort ratios of the fitting years both forms are the same.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import GRADE, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue


def progression_ratios(rolls: xr.DataArray, open_last: bool = False) -> xr.DataArray:
    """r[g,t] (..., year, grade) from rolls (..., year, grade); NaN in the first year and the first grade.

    Years must follow one another, grades too, in the order of school life. `open_last`: the last grade also holds
    those who stay (19 and older), its ratio is over the sum of itself and the grade below. Raises InputRefused
    naming missing years.

    >>> rolls = xr.DataArray([[100.0, 90.0], [110.0, 95.0]], coords={"year": [2020, 2021], "grade": [1, 2]})
    >>> progression_ratios(rolls).sel(year=2021, grade=2).item()
    0.95
    """
    require_unbroken(rolls)
    before = rolls.shift({YEAR: 1, GRADE: 1})
    if open_last:
        stayed = rolls.shift({YEAR: 1}).isel({GRADE: [-1]})
        before = xr.concat([before.isel({GRADE: slice(0, -1)}), before.isel({GRADE: [-1]}) + stayed], GRADE)
    with xr.set_options(arithmetic_join="exact"):
        return in_order((rolls / before.where(before > 0)).rename("ratio"))


def require_unbroken(rolls: xr.DataArray) -> None:
    """Raises InputRefused where a school year or a grade is missing between the first and the last."""
    for dim, code, key in ((YEAR, "E441", "years"), (GRADE, "E457", "grades")):
        if dim in rolls.dims:
            there = [int(position) for position in rolls[dim].values]
            missing = sorted(set(range(min(there), max(there) + 1)) - set(there))
            if missing or there != sorted(there):
                raise InputRefused(Issue(code, values={key: ", ".join(map(str, missing or there))}))


def cohort_ratios(children: xr.DataArray) -> xr.DataArray:
    """C[g,t] = P[a,t] / P[a-1,t-1] (..., year, grade), children of the age of each grade at the cut-off date."""
    return progression_ratios(children).rename("cohort_ratio")


def school_effects(rolls: xr.DataArray, children: xr.DataArray) -> xr.DataArray:
    """s[g,t] = r / C (..., year, grade): promotion, repeating and moves between schools, without those of families.
    Asked alone."""
    with xr.set_options(arithmetic_join="exact"):
        return (progression_ratios(rolls) / cohort_ratios(children)).rename("school_effect")


def ratios_of(effects: xr.DataArray, children: xr.DataArray) -> xr.DataArray:
    """Ratios (..., year, grade) that school effects (..., grade, [year]) give with the children of a projection.
    Asked alone."""
    with xr.set_options(arithmetic_join="exact"):
        return in_order((cohort_ratios(children) * effects).rename("ratio"))


def progress(last: xr.DataArray, ratios: xr.DataArray, entrants: xr.DataArray, open_last: bool = False) -> xr.DataArray:
    """Rolls (..., year, grade) of the years of `ratios`: E[g,t] = r[g,t] E[g-1,t-1], the entry grades as given.

    last: (..., grade) pupils in the year before the first; ratios: (..., year, grade), read above the entry grades;
    entrants: (..., year, grade) pupils of the entry grades, the first of `last`. Other dimensions (trajectory, county)
    may stand on any of the three.
    """
    outer = xr.broadcast(
        last.isel({GRADE: 0}, drop=True),
        *(part.isel({GRADE: 0, YEAR: 0}, drop=True) for part in (ratios, entrants)),
    )[0]
    dims = outer.dims
    before = last.broadcast_like(outer).transpose(*dims, GRADE).values.astype(float)
    steps = ratios.broadcast_like(outer).transpose(*dims, YEAR, GRADE).values
    new = entrants.broadcast_like(outer).transpose(*dims, YEAR, GRADE).values
    first = new.shape[-1]
    rolls = np.empty(steps.shape)
    for year in range(steps.shape[-2]):
        below = before[..., first - 1 : -1].copy()
        if open_last:
            below[..., -1] += before[..., -1]
        rolls[..., year, :first] = new[..., year, :]
        rolls[..., year, first:] = below * steps[..., year, first:]
        before = rolls[..., year, :]
    coords = {**outer.coords, YEAR: ratios[YEAR], GRADE: last[GRADE]}
    return in_order(xr.DataArray(rolls, coords, (*dims, YEAR, GRADE), "pupils"))


def progress_with_repeaters(
    last: xr.DataArray, promotion: xr.DataArray, repeat: xr.DataArray, entrants: xr.DataArray
) -> xr.DataArray:
    """Rolls (..., year, grade) where those who repeat are known apart: E[g,t] = pi[g-1] E[g-1,t-1] + rho[g] E[g,t-1].
    Asked alone.

    promotion pi, repeat rho: (grade,) shares of last year's pupils, 1 - pi - rho left; entrants: (..., year) new
    pupils of the first grade, without repeaters. Raises ValueError where more than all are promoted and kept.
    """
    if float((promotion + repeat).max()) > 1:
        raise ValueError(f"promotion and repeat add up to more than 1: {(promotion + repeat).values.tolist()}")
    rolls, before = [], last
    for year in entrants[YEAR].values:
        up = (before * promotion).shift({GRADE: 1}, fill_value=0.0)
        new = entrants.sel({YEAR: year}, drop=True) * xr.zeros_like(last).where(last[GRADE] != last[GRADE][0], 1.0)
        before = up + before * repeat + new
        rolls.append(before)
    return in_order(xr.concat(rolls, xr.IndexVariable(YEAR, entrants[YEAR].values)).rename("pupils"))


def retention(rolls: xr.DataArray) -> xr.DataArray:
    """Share (..., year) of those in the first grade who are in the last grade that many years later, e.g. nine-year
    compulsory school. Asked alone.

    rolls: (..., year, grade). Labelled by the year of the last grade. Official rates are corrected for moves between
    areas; so is this one where `rolls` are of a closed area, else it holds the moves.
    """
    require_unbroken(rolls)
    steps = rolls.sizes[GRADE] - 1
    first = rolls.isel({GRADE: 0}, drop=True).shift({YEAR: steps})
    with xr.set_options(arithmetic_join="exact"):
        return (rolls.isel({GRADE: -1}, drop=True) / first).dropna(YEAR, how="all").rename("retention")
