"""Children at the school's cut-off date, the 1st of the month that a model names (`cutoff_month`).

Those aged a on the 1st of month m of year y were born in the twelve months before the date on which they turned a:
a share of (13 - m) / 12 of them in year y-a-1, the others in year y-a, if births are even over the year. For September
that is a third and two thirds.
"""

from __future__ import annotations

import xarray as xr

from forecast.basics.ages import Ages, in_ages
from forecast.basics.dims import AGE, YEAR
from forecast.basics.issues import InputRefused, Issue

SEPTEMBER = 9
"""Month of the cut-off date in the law on compulsory education."""

YEAR_END = 13
"""The 1st of the month after December: ages are those of 31 December, or births those of twelve months up to the date."""


def share_born_before(month: int) -> float:
    """Share of the children of an age at the cut-off date who were born in the earlier of their two calendar years.

    >>> [share_born_before(month) for month in (1, 7, YEAR_END)]
    [1.0, 0.5, 0.0]
    """
    return (13 - month) / 12


def september_population(population: xr.DataArray, month: int) -> xr.DataArray:
    """Residents by completed age at the cut-off date (..., year, age), from those at 31 December.

    Of the calendar cohort that is a+1 at 31 December the share `share_born_before`, of the one that is a the rest. The
    open age group and the age below it are left out, because the open group is not one cohort.

    >>> constant = xr.DataArray([[9.0, 9.0, 9.0, 9.0]], dims=("year", "age"), coords={"year": [2030], "age": range(4)})
    >>> september_population(constant, SEPTEMBER).values.tolist()
    [[9.0, 9.0]]
    """
    earlier = share_born_before(month)
    older = population.isel({AGE: slice(1, -1)}).assign_coords({AGE: population[AGE].values[:-2]})
    same = population.isel({AGE: slice(0, -2)})
    with xr.set_options(arithmetic_join="exact"):
        return earlier * older + (1 - earlier) * same


def children(population: xr.DataArray, ages: Ages, month: int) -> xr.DataArray:
    """Residents (..., year) of the ages at the cut-off date.

    Raises InputRefused where the population stops before the two ages after the last (the open group is no cohort).
    """
    have = int(population[AGE][-1])
    if ages[1] + 2 > have:
        raise InputRefused(Issue("E414", values={"dim": AGE, "labels": f"{have + 1}-{ages[1] + 2}"}))
    near = population.sel({AGE: slice(ages[0], ages[1] + 2)})  # the others add nothing
    return in_ages(september_population(near, month), ages)


def entry_cohorts(births: xr.DataArray, age: int, month: int) -> xr.DataArray:
    """Children (..., year) who are of an age at the cut-off date, were nobody to die or move, from births (..., year)
    of calendar years (of the twelve months up to the cut-off date with month `YEAR_END`).

    School years whose births are all known are returned.

    >>> births = xr.DataArray([900.0, 600.0], coords={"year": [2010, 2011]})
    >>> cohort = entry_cohorts(births, 6, SEPTEMBER)
    >>> cohort.year.values.tolist(), cohort.values.tolist()
    ([2017], [700.0])
    """
    earlier = share_born_before(month)
    born = births.assign_coords({YEAR: births[YEAR] + age})
    if not earlier:
        return born
    return (earlier * born.shift({YEAR: 1}) + (1 - earlier) * born).isel({YEAR: slice(1, None)})


def stage_cohort(births: xr.DataArray, ages: Ages, month: int) -> xr.DataArray:
    """`entry_cohorts` of all ages together, in the school years that all of them know."""
    cohorts = [entry_cohorts(births, age, month) for age in range(ages[0], ages[1] + 1)]
    years = sorted(set.intersection(*(set(cohort[YEAR].values.tolist()) for cohort in cohorts)))
    total = cohorts[0].sel({YEAR: years})
    for cohort in cohorts[1:]:
        total = total + cohort.sel({YEAR: years})
    return total


def born_until(age: int, year: int, month: int) -> int:
    """Last school year in which all children of at least this age at the cut-off date were born by the end of `year`.

    >>> born_until(6, 2024, SEPTEMBER), born_until(6, 2024, 1)
    (2030, 2031)
    """
    return year + age + (share_born_before(month) == 1)
