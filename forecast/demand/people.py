"""Who is how old when: residents at 31 December, children at the school's cut-off date."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, GROUP, SEX, TRAJECTORY, YEAR, in_order, require_dims
from forecast.basics.issues import InputRefused, Issue


def residents(people: xr.Dataset) -> xr.DataArray:
    """`population` (trajectory?, county, year, age): residents of both sexes at 31 December.

    Raises InputRefused where the variable, a dimension, an age, a group or a year in between is missing.
    """
    return counted(people, "resident")


def denominator(people: xr.Dataset, concept: str) -> str:
    """Whom `counted` counts for a model of that concept: without groups residents stand in for the registered.

    >>> denominator(xr.Dataset({"population": ("age", [1.0])}), "registered")
    'resident for registered'
    """
    known = concept == "resident" or GROUP in people["population"].dims
    return concept if known else f"resident for {concept}"


def counted(people: xr.Dataset, concept: str) -> xr.DataArray:
    """`population` (trajectory?, county, year, age) of the concept, "resident" or "registered", as `denominator` says.

    With the dimension `group` resident is local + migrant and registered is local + absent: everyone once. Raises
    InputRefused as `residents`.
    """
    if "population" not in people:
        raise InputRefused(Issue("E414", values={"dim": "population", "labels": ", ".join(map(str, people)) or "-"}))
    population = people["population"]
    if GROUP in population.dims:
        from forecast.population.projection import groups  # late: it brings the compiler, and few people have groups

        sums = {"resident": groups.resident, "registered": groups.registered}
        population = sums[concept](people[["population"]])["population"]
    require_dims(population, (COUNTY, YEAR, AGE), (SEX, TRAJECTORY))
    for dim, first in ((AGE, 0), (YEAR, int(population[YEAR][0]))):
        have = [int(label) for label in population[dim].values]
        missing = sorted(set(range(first, max(have) + 1)) - set(have))
        if missing or have != sorted(have):
            raise InputRefused(Issue("E414", values={"dim": dim, "labels": ", ".join(map(str, missing or have[:5]))}))
    both = population.sum(SEX, skipna=False) if SEX in population.dims else population
    return in_order(both)


def september_population(population: xr.DataArray, cutoff_month: int = 9) -> xr.DataArray:
    """Residents by completed age at the 1st of the cut-off month (…, year, age), from those at 31 December.

    Children aged a on 1 September y were born from September y-a-1 to August y-a: a third of the calendar cohort that
    is a+1 at 31 December y, and two thirds of the one that is a (births even over the year; SPECS: date shift).
    The open age group and the age below it are left out, because the open group is not one cohort.

    >>> constant = xr.DataArray([[9.0, 9.0, 9.0, 9.0]], dims=("year", "age"), coords={"year": [2030], "age": range(4)})
    >>> september_population(constant).values.tolist()
    [[9.0, 9.0]]
    """
    born_before = (13 - cutoff_month) / 12
    older = population.isel({AGE: slice(1, -1)}).assign_coords({AGE: population[AGE].values[:-2]})
    same = population.isel({AGE: slice(0, -2)})
    with xr.set_options(arithmetic_join="exact"):
        return born_before * older + (1 - born_before) * same


def children(population: xr.DataArray, ages: tuple[int, int], cutoff_month: int = 9) -> xr.DataArray:
    """Residents aged first..last at the 1st of the cut-off month (…, year).

    Raises InputRefused where the population stops before the two ages after the last (the open group is no cohort).
    """
    have = int(population[AGE][-1])
    if ages[1] + 2 > have:
        raise InputRefused(Issue("E414", values={"dim": AGE, "labels": f"{have + 1}-{ages[1] + 2}"}))
    near = population.sel({AGE: slice(ages[0], ages[1] + 2)})  # the others add nothing
    return in_ages(september_population(near, cutoff_month), ages)


def in_ages(population: xr.DataArray, ages: tuple[int, int]) -> xr.DataArray:
    """Persons aged first..last, both counted; raises InputRefused where the population stops before the last age."""
    first, last = ages
    if last > int(population[AGE][-1]):
        raise InputRefused(Issue("E414", values={"dim": AGE, "labels": f"{int(population[AGE][-1]) + 1}-{last}"}))
    return population.sel({AGE: slice(first, last)}).sum(AGE, skipna=False)


def weighted(population: xr.DataArray, by_age: Sequence[float]) -> xr.DataArray:
    """Sum over the ages of persons times a value by age (0..100); raises InputRefused where ages are missing."""
    in_ages(population, (0, len(by_age) - 1))
    values = xr.DataArray(np.asarray(by_age), dims=AGE, coords={AGE: np.arange(len(by_age))})
    with xr.set_options(arithmetic_join="exact"):
        return (population * values).sum(AGE, skipna=False)
