"""Projection by cohort change ratios, where two counts are all there is (Hamilton and Perry 1962).

A ratio holds survival and net migration of a cohort together, so no deaths or migrants can be told apart: it is a rival
to be beaten and a way for areas without vital rates, not an account of flows. Constant ratios multiply whatever made
a place grow between the counts; limits on them (Swanson, Schlottmann and Schmidt 2010) keep small cells in bounds.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, SEX, YEAR, in_order
from forecast.basics.variables import label
from forecast.population.rates.residual import expected_survivors

MOTHERS = (15, 49)
"""First and last age of the women to whom children are set in ratio."""


def cohort_change_ratios(
    before: xr.DataArray,
    after: xr.DataArray,
    years: int,
    minimum: float = 0.0,
    standard: xr.DataArray | None = None,
    limits: tuple[float, float] | None = None,
) -> xr.DataArray:
    """Persons at the second count per person of the same cohort at the first, by age at the second.

    before, after: (..., sex, age) persons, single ages or groups of equal width, the last open; years: between the
    counts, a multiple of the width. Cohorts of `minimum` persons or fewer at the first count take the ratio of
    `standard` (sex, age, from `years` on; for instance of the whole); limits: lowest and highest ratio let stand.
    Returns (..., sex, age from `years` on).
    Raises ValueError where a cohort was empty (or too small) and there is no standard.

    >>> import xarray as xr
    >>> first = xr.DataArray([[10.0, 20.0, 40.0]], dims=("sex", "age"), coords={"sex": ["male"], "age": [0, 5, 10]})
    >>> cohort_change_ratios(first, 2 * first, 5).values.tolist()
    [[4.0, 1.3333333333333333]]
    """
    entering = expected_survivors(before, xr.ones_like(before), years)
    with xr.set_options(arithmetic_join="exact"):
        ratios = after.sel({AGE: entering[AGE].values}) / entering.where(entering > 0)
        small = (entering <= minimum) | ratios.isnull()
        if standard is not None:
            ratios = xr.where(small, standard, ratios)
        elif bool(small.any()):
            cells = int(small.sum())
            raise ValueError(f"{cells} cohorts have {minimum:g} persons or fewer at the first count; give a standard")
    if limits is not None:
        ratios = ratios.clip(*limits)
    return label(in_order(ratios.rename("ratio")), "ratios.cohort_change", f"two counts {years} years apart")


def child_woman_ratios(after: xr.DataArray, years: int, mothers: tuple[int, int] = MOTHERS) -> xr.DataArray:
    """Children by sex and age per woman of an age to be their mother, at one count: (..., sex, age below `years`).

    after: (..., sex, age) persons; years: ages below it were born since the count before; mothers: ages of the women.
    Raises ValueError where there are no such women.
    """
    with xr.set_options(arithmetic_join="exact"):
        women = _mothers(after, mothers)
        if bool((women <= 0).any()):
            raise ValueError(f"there are no women aged {mothers[0]} to {mothers[1]} in some area")
        ratios = after.sel({AGE: after[AGE] < years}) / women
    return label(in_order(ratios.rename("ratio")), "ratios.child_woman", f"count, women aged {mothers}")


def project_hamilton_perry(
    launch: xr.DataArray,
    cohort_ratios: xr.DataArray,
    child_ratios: xr.DataArray,
    launch_year: int,
    horizon: int,
    mothers: tuple[int, int] = MOTHERS,
) -> xr.Dataset:
    """People stepped on by constant ratios: `population` (..., year, sex, age), no flows.

    launch: (..., sex, age) persons at 31 December of launch_year; cohort_ratios and child_ratios: as from
    `cohort_change_ratios` and `child_woman_ratios`, whose ages say the step; the years returned are launch_year and
    every step until the horizon, which must be one. Ratios and people may have areas or lack them.
    Raises ValueError where the ages of the ratios are not those of the people, or the horizon is between two steps.

    >>> import xarray as xr
    >>> people = xr.DataArray(
    ...     [[10.0, 10.0], [10.0, 10.0]], dims=("sex", "age"), coords={"sex": ["female", "male"], "age": [0, 15]}
    ... )
    >>> ratios = cohort_change_ratios(people, people, 15)
    >>> born = child_woman_ratios(people, 15)
    >>> project_hamilton_perry(people, ratios, born, 2020, 2050).population.sel(year=2050).values.tolist()
    [[10.0, 10.0], [10.0, 10.0]]
    """
    ages = launch[AGE].values.tolist()
    young, old = child_ratios[AGE].values.tolist(), cohort_ratios[AGE].values.tolist()
    if young + old != ages or not young or not old:
        raise ValueError(f"the ratios are for ages {young} and {old}; the people have {ages}")
    step = int(old[0])
    years = list(range(launch_year, horizon + 1, step))
    if years[-1:] != [horizon]:
        raise ValueError(f"the horizon {horizon} is not {launch_year} and a whole number of steps of {step} years")
    with xr.set_options(arithmetic_join="exact"):
        people = [launch + 0.0 * cohort_ratios.isel({AGE: 0}, drop=True) + 0.0 * child_ratios.isel({AGE: 0}, drop=True)]
        for _ in years[1:]:
            entering = expected_survivors(people[-1], xr.ones_like(people[-1]), step)
            older = entering * cohort_ratios
            nobody = xr.zeros_like(people[-1].sel({AGE: young}))
            adults = xr.concat([in_order(nobody), in_order(older)], AGE)
            children = child_ratios * _mothers(adults, mothers)
            people.append(in_order(xr.concat([in_order(children), in_order(older)], AGE)))
    joined = in_order(xr.concat(people, YEAR).assign_coords({YEAR: np.array(years)}))
    source = f"cohort change ratios of {step} years (Hamilton and Perry)"
    named = label(joined.rename("population"), "projection.population", source)
    return named.to_dataset().assign_attrs(jump_off_year=launch_year, method="hamilton-perry")


def _mothers(people: xr.DataArray, ages: tuple[int, int]) -> xr.DataArray:
    return people.sel({SEX: "female"}, drop=True).sel({AGE: slice(*ages)}).sum(AGE)
