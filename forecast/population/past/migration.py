"""Net migration: a profile by age from two censuses, and how it is moved to a level.

A net profile has ages that gain and ages that lose, so a factor would turn it upside down where the total changes
sign (Wenzhou: the censuses imply +0.9 thousand a year for 2010-2020, the year-end totals +34 to +92 thousand). Levels
are therefore reached additively, each age moved in proportion to how many people move at it in either direction
(`mobility`): where as many come as go the net is nothing, but it is there that a change of the total falls.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SEX, YEAR, in_order
from forecast.population.rates.residual import expected_survivors
from forecast.population.rates.schedules import STANDARD, rogers_castro

SHRINK_PERSONS = 100_000
"""Persons at which a county's own migration profile counts one half, the city's the other (assumed)."""

MAX_YEARLY_RATE = 0.010
"""Largest lasting net migration of a county, per resident and year (assumed; Dongtou's 2023 would be 5 %)."""

FADING = 0.7
"""Share of the distance of recent net migration from its long mean that is left a year later (derived: the choice on
counties of Sweden, Iceland and US states in years that are not scored, docs/accuracy/settings.md)."""

_WIDTH = 5  # years of age pooled: single-year residuals carry the noise of graduation
_OLDEST = 75  # first age of the oldest cohort whose residual is migration rather than an error of mortality


def standard_schedule(ages: np.ndarray) -> np.ndarray:
    """Migration intensity by age of the model schedule with the rounded mean parameters of Rogers and Castro (1981,
    Model Migration Schedules, IIASA RR-81-30): childhood, labour force peaking in the early twenties, constant.

    ages: exact ages in years. The level is of no meaning; it only says at which ages a cohort moves.
    """
    return rogers_castro(ages, STANDARD)


def census_rates(before: xr.DataArray, after: xr.DataArray, survival: xr.DataArray, years: int) -> xr.DataArray:
    """Yearly net migration rate by age from the residual of two populations `years` apart.

    before, after: (county, sex, age) persons by single age; survival: (sex, age) share of those aged `age` at the
    first date who live to the second. A cohort's growth beyond survival, ln(found / expected), pooled over five years
    of age, is laid on the ages it passed through in proportion to the standard schedule (laid on evenly, the arrivals
    of the early twenties would swell the schools); an age takes the mean of the cohorts that passed it. Children born
    between the dates take the rate of the youngest observed cohort; past the oldest cohort the rate is zero.
    Returns (county, sex, age) per person-year.
    """
    starts = np.arange(0, _OLDEST + 1, _WIDTH)
    expected = _pooled(expected_survivors(before, survival, years), starts)
    found = _pooled(after.isel({AGE: slice(years, None)}), starts)
    growth = np.log(np.maximum(found, 0.5) / np.maximum(expected, 0.5))
    ages = before[AGE].values
    intensity = standard_schedule(ages + 0.5)
    total = np.zeros(before.transpose(..., AGE).shape)
    passed = np.zeros(ages.size)
    for cohort, start in enumerate(starts):
        for first in range(start, start + _WIDTH):
            window = slice(first + 1, min(first + years, ages.size - 1) + 1)
            share = intensity[window] / intensity[window].sum()
            total[..., window] += growth[..., cohort, None] * share
            passed[window] += 1
    rate = total / np.maximum(passed, 1)
    rate[..., 0] = rate[..., 1]
    return before.copy(data=rate).rename("net_migration_rate")


def _pooled(persons: xr.DataArray, starts: np.ndarray) -> np.ndarray:
    values = persons.transpose(..., AGE).values
    return np.stack([values[..., start : start + _WIDTH].sum(-1) for start in starts], axis=-1)


def shrink_to_whole(rate: xr.DataArray, population: xr.DataArray) -> xr.DataArray:
    """County rates drawn towards the rate of the whole by n / (n + SHRINK_PERSONS), an assumption of this project.

    rate, population: (county, sex, age); the whole's rate is the population-weighted mean of the counties'.
    """
    whole = (rate * population).sum(COUNTY) / population.sum(COUNTY).clip(min=1e-9)
    residents = population.sum([SEX, AGE])
    own = residents / (residents + SHRINK_PERSONS)
    return own * rate + (1 - own) * whole


def moves_inside(rate: xr.DataArray, population: xr.DataArray) -> xr.DataArray:
    """County rates of a whole that nobody enters or leaves: less the rate of the whole at each sex and age, which is
    then no migration but how well the two counts found people (a nation's children are missed more often than adults).

    rate, population: (county, sex, age); the persons that the returned rates move sum to 0 over the counties.
    """
    return rate - (rate * population).sum(COUNTY) / population.sum(COUNTY).clip(min=1e-9)


def mobility(people: xr.DataArray) -> xr.DataArray:
    """Persons who move in a year in either direction, in the shape of `people` (..., sex, age): `standard_schedule`.

    The same schedule everywhere and not the county's net rates: net is not gross, and a county's profile is full of
    moves inside the whole, while a change of the whole's total comes across its border.
    """
    schedule = standard_schedule(people[AGE].values + 0.5)
    return people * xr.DataArray(schedule, dims=AGE, coords={AGE: people[AGE]})


def move_to_total(profile: xr.DataArray, mobility: xr.DataArray, total: xr.DataArray) -> xr.DataArray:
    """The profile moved additively, in proportion to mobility, so that it sums to the total.

    profile, mobility: (..., sex, age) persons, mobility not negative and not zero everywhere; total: (...) persons.
    """
    missing = total - profile.sum([SEX, AGE])
    return profile + missing * mobility / mobility.sum([SEX, AGE])


def lasting_level(yearly: xr.DataArray, residents: xr.DataArray) -> xr.DataArray:
    """Net migration of each county, made fit to be carried on for decades.

    yearly, residents: (county,) persons a year and persons. A county's rate is drawn towards the whole's as the
    profiles are and capped at `MAX_YEARLY_RATE`; what this takes away or adds goes to the counties in proportion to
    residents, so that the whole keeps its total.
    """
    whole = yearly.sum() / residents.sum()
    own = residents / (residents + SHRINK_PERSONS)
    rate = (own * yearly / residents + (1 - own) * whole).clip(-MAX_YEARLY_RATE, MAX_YEARLY_RATE)
    level = rate * residents
    return level + (yearly.sum() - level.sum()) * residents / residents.sum()


def long_mean(between_counts: xr.DataArray, years: int, seen: list[xr.DataArray]) -> xr.DataArray:
    """(county,) mean net migration a year over the years between two counts and the years `seen` after, each alike."""
    total: xr.DataArray = years * between_counts + sum(seen)
    return total / (years + len(seen))


def faded(recent: xr.DataArray, lasting: xr.DataArray, gone: xr.DataArray | int) -> xr.DataArray:
    """Net migration so many years after the last that was observed: from the recent level back to the lasting one."""
    return lasting + (recent - lasting) * FADING**gone


def expected_net(past: xr.Dataset, years: np.ndarray) -> xr.DataArray:
    """(county, year, sex, age) net persons of the years after the jump-off year if migration goes on as it does: each
    county's profile moved to a total that goes from the recent one back to the long mean (`FADING`).

    past: of `estimate_past`; its attr `migration_year` is the last year whose residents were published.
    """
    known = int(past.attrs.get("migration_year", past.population[YEAR][-1]))
    gone = xr.DataArray(years - known, dims=YEAR, coords={YEAR: years})
    total = faded(past.migration_recent, past.migration_lasting, gone)
    return in_order(move_to_total(past.migration_profile, past.migration_mobility, total))
