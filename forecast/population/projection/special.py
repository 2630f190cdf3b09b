"""Special populations: people who do not age with the others. Asked alone: no run calls it.

A hall of students, a barracks, a prison or a care home keeps its ages: those who grow older leave and others of the
old age take their place. Projected with the others they would grow old as one cohort, and whole towns would have
forty-year-old students. They are taken out before the projection and added back to every year after it.
"""

from __future__ import annotations

import xarray as xr

from forecast.basics.dims import in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.variables import label
from forecast.population.projection.check_rates import largest


def without_special(population: xr.DataArray, special: xr.DataArray) -> xr.DataArray:
    """Population less those in special places: (..., sex, age) persons, the baseline of a projection.

    population: (..., sex, age) persons; special: (..., sex, age) persons, for every area, sex and age (0 where none).
    Raises InputRefused E661 naming the worst cell where more are special than there are, ValueError where labels
    differ.

    >>> import xarray as xr
    >>> people = xr.DataArray([[5.0, 9.0]], dims=("sex", "age"), coords={"sex": ["male"], "age": [18, 19]})
    >>> without_special(people, 0.0 * people + 4.0).values.tolist()
    [[1.0, 5.0]]
    """
    with xr.set_options(arithmetic_join="exact"):
        others = in_order(population - special)
    bad = ~((others >= 0) & (special >= 0))  # so written that a missing number is a fault too
    if bool(bad.any()):
        where, _ = largest(in_order((-others).where(bad, 0.0).fillna(float("inf"))))
        raise InputRefused(Issue("E661", values={"count": int(bad.sum()), "where": where}))
    return label(others, "projection.others").rename("population")


def with_special(projection: xr.Dataset, special: xr.DataArray) -> xr.Dataset:
    """The projection with special populations added to every year's people; they have no flows.

    projection: as from `project_population` of the others; special: (..., [year,] sex, age) persons, constant or by
    year, for every year of the projection then.
    Returns the projection with `population` of both and `special` (..., year, sex, age) beside it: `population` less
    `special` is what balances. Raises ValueError where labels differ.
    """
    with xr.set_options(arithmetic_join="exact"):
        alone = (special + 0.0 * projection.population).transpose(*projection.population.dims)
        both = projection.population + alone
    return projection.assign(
        population=both.assign_attrs(projection.population.attrs),
        special=label(alone, "projection.special", source="given, not projected"),
    )


def special_of(share: xr.DataArray, projection: xr.Dataset) -> xr.DataArray:
    """Special populations that keep pace with the others: (..., year, sex, age) persons.

    share: (..., sex, age) special persons per person of the others at the jump-off year, not negative (care homes
    grow with the old; a barracks does not: give that one as a constant). projection: of the others.
    """
    if bool((share < 0).any()):
        raise ValueError("shares of special populations must not be negative")
    with xr.set_options(arithmetic_join="exact"):
        special = in_order(share * projection.population)
    return label(special.rename("special"), "projection.special", source="share of the others")
