"""Whom a model counts: residents or registered persons by age at 31 December."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from forecast.basics.ages import in_ages
from forecast.basics.dims import AGE, COUNTY, GROUP, SEX, TRAJECTORY, YEAR, in_order, require_dims
from forecast.basics.issues import InputRefused, Issue


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
    InputRefused where the variable, a dimension, an age, a group or a year in between is missing.
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


def weighted(population: xr.DataArray, by_age: Sequence[float]) -> xr.DataArray:
    """Sum over the ages of persons times a value by age (0..100); raises InputRefused where ages are missing."""
    in_ages(population, (0, len(by_age) - 1))
    values = xr.DataArray(np.asarray(by_age), dims=AGE, coords={AGE: np.arange(len(by_age))})
    with xr.set_options(arithmetic_join="exact"):
        return (population * values).sum(AGE, skipna=False)
