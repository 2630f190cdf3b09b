"""Households from people, by headship rates (United Nations 1973, Manual VII). Asked alone: no run calls it.

Every household has one head, so heads by sex and age per person are all that is needed; where fewer people live
together the rates rise. People in halls, barracks, prisons and homes have no household and are left out first.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, SEX, in_order
from forecast.basics.variables import label


def headship_rates(heads: xr.DataArray, population: xr.DataArray) -> xr.DataArray:
    """Heads of household per person: (..., sex, age), at the ages of the heads' table.

    heads: (..., sex, age) persons who head a household, `age` the first ages of the groups, the last open;
    population: (..., sex, age) persons in households, by the same ages or by single years, which are then summed.
    Raises ValueError where the ages do not fit, or there are more heads than persons.

    >>> import xarray as xr
    >>> heads = xr.DataArray([[0.0, 30.0]], dims=("sex", "age"), coords={"sex": ["female"], "age": [0, 20]})
    >>> people = xr.DataArray([[50.0, 100.0]], dims=("sex", "age"), coords={"sex": ["female"], "age": [0, 20]})
    >>> headship_rates(heads, people).values.tolist()
    [[0.0, 0.3]]
    """
    grouped = _grouped(population, heads[AGE].values)
    with xr.set_options(arithmetic_join="exact"):
        if bool((heads > grouped).any()) or bool((heads < 0).any()):
            raise ValueError("there are more heads of household than persons, or fewer than none, at some age")
        rates = (heads / grouped.where(grouped > 0)).fillna(0.0)
    return label(in_order(rates.rename("headship")), "households.headship")


def estimate_households(
    population: xr.DataArray, headship: xr.DataArray, special: xr.DataArray | None = None
) -> xr.Dataset:
    """Households, the persons who live in them and how many to a household.

    population: (..., sex, age) persons by single year of age; headship: (..., sex, age) heads per person, 0 to 1, by
    the same ages or by groups (`age` their first ages, the last open; every age takes the rate of its group);
    special: (..., sex, age) persons who live in no household.
    Returns `households` (...), `persons_in_households` (...) = population - special, and `average_size` (...) persons:
    households x average size are the persons. Raises ValueError where rates are not from 0 to 1, ages do not fit,
    more are special than there are, or nobody heads a household.

    >>> import xarray as xr
    >>> coords = {"sex": ["female"], "age": [0, 1, 2]}
    >>> people = xr.DataArray([[10.0, 20.0, 30.0]], dims=("sex", "age"), coords=coords)
    >>> rates = xr.DataArray([[0.0, 0.4]], dims=("sex", "age"), coords={"sex": ["female"], "age": [0, 1]})
    >>> found = estimate_households(people, rates)
    >>> found.households.item(), found.average_size.item()
    (20.0, 3.0)
    """
    if not bool(((headship >= 0) & (headship <= 1)).all()):
        raise ValueError("headship rates must be from 0 to 1")
    with xr.set_options(arithmetic_join="exact"):
        private = population if special is None else population - special
        if bool((private < 0).any()):
            raise ValueError("more people live in special places than there are at some sex and age")
        households = (private * _at_ages(headship, population[AGE].values)).sum([SEX, AGE])
        persons = private.sum([SEX, AGE]).broadcast_like(households)
        if bool(((households <= 0) & (persons > 0)).any()):
            raise ValueError("nobody heads a household in some area or year")
        size = persons / households.where(households > 0)
    variables = {"households": households, "persons_in_households": persons, "average_size": size}
    return label(xr.Dataset({name: in_order(variable) for name, variable in variables.items()}), "households")


def _at_ages(rates: xr.DataArray, ages: np.ndarray) -> xr.DataArray:
    """Rates of groups laid on the single ages inside them."""
    starts = rates[AGE].values
    if starts[0] > ages[0] or starts[-1] > ages[-1] or (np.diff(starts) <= 0).any():
        raise ValueError(f"age groups {starts.tolist()} do not cover the ages {ages[0]} to {ages[-1]}")
    group = np.searchsorted(starts, ages, side="right") - 1
    return rates.isel({AGE: group}).assign_coords({AGE: ages})


def _grouped(people: xr.DataArray, starts: np.ndarray) -> xr.DataArray:
    ages = people[AGE].values
    if not set(starts.tolist()) <= set(ages.tolist()) or starts[0] != ages[0]:
        raise ValueError(f"the population has no ages {sorted(set(starts.tolist()) - set(ages.tolist()))}")
    sums = np.add.reduceat(people.transpose(..., AGE).values, np.searchsorted(ages, starts), axis=-1)
    lead = people.transpose(..., AGE)
    coords = {name: value for name, value in lead.coords.items() if AGE not in value.dims}
    return xr.DataArray(sums, dims=lead.dims, coords={**coords, AGE: starts})
