"""Causes of a roll's change between two years, in steps that add up exactly, and what moves with what.

A roll is (cohorts in the stage) x children still here per child born x pupils per child x pupils kept x pupils
served here per pupil living here x policy. What the cohorts change by is of two kinds: children already born in the
first year grow into the stage and out of it (ageing), others were born since (births).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import factorial, prod

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, LAG, STEP, YEAR, in_order
from forecast.basics.school_date import share_born_before

ROLL_FACTORS = ("migration", "participation", "retention", "flows", "policy")
ROLL_STEPS = ("ageing", "births", *ROLL_FACTORS)

EARLIER = 20
"""Years before the first in which cohorts are known by their survivors; no pupil is older."""


def step_effects(base: xr.DataArray, factors: Mapping[str, xr.DataArray | float]) -> xr.DataArray:
    """Effects (step, ...) of factors on a base: each alone, base x (f - 1), and their interaction (as nhp_model).
    Asked alone.

    >>> found = step_effects(xr.DataArray(100.0), {"births": 0.8, "participation": 1.1})
    >>> [round(x, 9) for x in found.values.tolist()]
    [-20.0, 10.0, -2.0]
    """
    single = {name: base * (factor - 1) for name, factor in factors.items()}
    product = base
    for factor in factors.values():
        product = product * factor
    alone = sum(single.values(), start=xr.zeros_like(product))
    single["interaction"] = (product - base) - alone
    parts = xr.broadcast(*single.values())
    return xr.concat(parts, xr.IndexVariable(STEP, list(single)))


def shapley_effects(value: Callable[[frozenset[str]], xr.DataArray], steps: tuple[str, ...]) -> xr.DataArray:
    """Effects (step, ...) of steps that act on each other: the mean over all orders in which they can be taken.

    value: what comes out where these steps are taken and the others are not. The effects add up to value(all) -
    value(none).
    """
    count = len(steps)
    chosen = [frozenset(step for bit, step in enumerate(steps) if taken >> bit & 1) for taken in range(2**count)]
    known = xr.broadcast(*map(value, chosen))
    values = np.stack([outcome.values for outcome in known])
    effects = np.zeros((count, *values.shape[1:]))
    for bit in range(count):
        for taken in range(2**count):
            if not taken >> bit & 1:
                size = taken.bit_count()
                weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                effects[bit] += weight * (values[taken | 1 << bit] - values[taken])
    labelled = known[0].expand_dims({STEP: list(steps)}).copy(data=effects)
    return labelled.drop_attrs()


def birth_cohorts(people: xr.DataArray) -> xr.DataArray:
    """Children (county, year) by year of birth, from residents (county, year, age) at 31 December: those alive at the
    end of their first year, and the cohorts born before the first year as they were counted then."""
    first = int(people[YEAR][0])
    older = people.sel({YEAR: first}, drop=True).isel({AGE: slice(1, EARLIER + 1)}).isel({AGE: slice(None, None, -1)})
    older = older.rename({AGE: YEAR}).assign_coords({YEAR: first - older[AGE].values})
    return in_order(xr.concat([older, people.sel({AGE: 0}, drop=True)], YEAR, join="exact"))


def cohort_change(
    births: xr.DataArray,
    ages: tuple[int, int],
    first: int | xr.DataArray,
    last: int | xr.DataArray,
    cutoff_month: int,
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Children born for a stage's ages in year `first`; what they change by until `last` through ageing; through
    births since.

    births: (..., year) of calendar years; first, last: years, or years by place (county, ...). Ageing is what would
    come if as many children as in year `first` were born every year after it: the cohorts known by then grow into the
    stage and out of it. Births are what those born since then are more, or fewer, than that.
    """
    earlier = share_born_before(cutoff_month)
    lag = xr.DataArray(np.arange(ages[0], ages[1] + 2), dims=LAG)
    weight = xr.DataArray([1 - earlier, *[1.0] * (ages[1] - ages[0]), earlier], dims=LAG)
    before, after, level = (_born_in(births, year) for year in (first - lag, last - lag, first))
    more = (after - level).where(last - lag > first, 0.0)
    start, ageing, born = ((weight * part).sum(LAG) for part in (before, after - before - more, more))
    return start, ageing, born


def _born_in(births: xr.DataArray, year: int | xr.DataArray) -> xr.DataArray:
    return births.sel({YEAR: year}).drop_vars(YEAR)


def attribute_roll(
    cohorts: tuple[xr.DataArray, xr.DataArray, xr.DataArray],
    before: Mapping[str, xr.DataArray | float],
    after: Mapping[str, xr.DataArray | float],
) -> xr.DataArray:
    """Effects (step, ...) on a roll between two years: ageing, births, and the five of `ROLL_FACTORS`; they add up
    to the change.

    cohorts: as `cohort_change` gives them; before, after: each factor in the first and in the last year, 1 where none
    is given; the roll of a year is its cohorts times its factors. Shapley values, so that no order is favoured; a
    factor that stays as it is (to 1e-12) has no effect and need not be looked at.
    """
    start, ageing, born = cohorts
    names = [name for name in ROLL_FACTORS if name in before or name in after]
    pairs = {name: (before.get(name, 1.0), after.get(name, 1.0)) for name in names}
    moving = {name: pair for name, pair in pairs.items() if not np.allclose(*pair, rtol=1e-12, atol=0, equal_nan=True)}
    still = prod((pairs[name][0] for name in names if name not in moving), start=1.0)

    def roll(taken: frozenset[str]) -> xr.DataArray:
        people = (start + ageing * ("ageing" in taken) + born * ("births" in taken)) * still
        for name, pair in moving.items():
            people = people * pair[name in taken]
        return people

    effects = shapley_effects(roll, ("ageing", "births", *moving))
    return effects.reindex({STEP: list(ROLL_STEPS)}, fill_value=0.0)


def elasticity(of: xr.DataArray, to: xr.DataArray, base: tuple[xr.DataArray, xr.DataArray]) -> xr.DataArray:
    """Per cent that `of` changes by for one per cent of `to`, between a base pair and a changed pair (mid-point
    formula)."""
    of0, to0 = base
    with np.errstate(divide="ignore", invalid="ignore"):
        change = ((of - of0) / ((of + of0) / 2)) / ((to - to0) / ((to + to0) / 2))
    return change.rename("elasticity")
