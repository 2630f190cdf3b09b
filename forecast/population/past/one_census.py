"""What one census alone says of migration: who is missing or too many among its ages, and who is registered elsewhere.

A county that young people leave has few of them beside its children, one they come to has many: the cross-section shows
the pattern that lasts. How ages and registration of one census go with the growth of its cohorts over the next ten years,
beyond survival, was learnt from counties that were counted twice and is kept with the pattern (`one_census.toml`). All is
relative to the nation of the same census, and the nation as a whole is closed: what counties gain, others lose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, AGES, COUNTY, SEX
from forecast.population.past.migration import moves_inside, standard_schedule
from forecast.population.past.read import Nation, OneCensus, Row, file_of, read_one_census
from forecast.region import Region

YEARS = 10
"""Years over which the growth was learnt."""

FEW_PERSONS, FEW_SHARE = 20.0, 0.02
"""Added to persons of a band, and to shares registered elsewhere, so that none gives a finite sign (assumed)."""


@dataclass(frozen=True)
class Signs:
    """(county, sign) of a region's counties; `registered`: whether they hold registration too."""

    values: np.ndarray
    registered: bool


def kept_with_pattern(region: Region) -> OneCensus | None:
    """What the region's pattern knows of one census; None where it knows nothing."""
    known = region.pattern is not None and file_of(region.pattern).is_file()
    return read_one_census(str(region.pattern)) if known else None


def form_of_one_census(region: Region, year: int) -> str:
    """ "cold" where ages and registration tell of migration, "cold_ages" where ages alone do, else "closed"."""
    known = kept_with_pattern(region)
    if known is None:
        return "closed"
    return "cold_ages" if registered_elsewhere(region, known, year) is None else "cold"


def growth_of(region: Region, known: OneCensus | None, people: xr.DataArray, year: int) -> xr.DataArray:
    """(county, age) log growth in the next ten years, beyond survival, of the cohort that has the age; zero where nothing
    is known. Of a closed whole, what counties gain of a cohort others lose. people: (county, sex, age) single ages of the
    census of the year."""
    persons = people.sum(SEX).transpose(COUNTY, AGE)
    if known is None:
        return xr.zeros_like(persons)
    signs = signs_of(known, persons.values, registered_elsewhere(region, known, year), year)
    growth = learnt_growth(known, signs, year)[:, cohort_of(known, persons[AGE].values)]
    if region.settings.get("derivation", {}).get("closed"):
        gained = moves_inside(persons.copy(data=np.expm1(growth)), persons)
        growth = np.log1p(gained.transpose(COUNTY, AGE).values)
    return persons.copy(data=growth)


def missed_by_age(region: Region, known: OneCensus | None, year: int) -> xr.DataArray:
    """(age,) log growth a year by which a cohort that has the age may be off; the standard schedule of moves where
    nothing is known."""
    ages = np.array(AGES)
    if known is None:
        return xr.DataArray(standard_schedule(ages + 0.5), {AGE: ages}, (AGE,))
    alone = registered_elsewhere(region, known, year) is None
    missed = np.array((known.ages if alone else known.registered).missed)
    return xr.DataArray(missed[cohort_of(known, ages)] / YEARS, {AGE: ages}, (AGE,))


def cohort_of(known: OneCensus, ages: np.ndarray) -> np.ndarray:
    """(age,) number of the cohort that holds each age."""
    return np.searchsorted(known.cohorts, ages, side="right") - 1


def signs_of(known: OneCensus, persons: np.ndarray, elsewhere: np.ndarray | None, year: int) -> Signs:
    """Signs of counties. persons: (county, age) single ages from 0; elsewhere: (county, origin) persons, or None."""
    nation = known.nation[nearest(known.nation, year)]
    residents, whole = persons.sum(-1, keepdims=True), sum(nation.persons)
    bands = np.add.reduceat(persons, known.bands, axis=-1)
    by_age = np.log((bands + FEW_PERSONS) / (residents + FEW_PERSONS)) - np.log(np.array(nation.persons) / whole)
    if elsewhere is None:
        return Signs(by_age, False)
    share, common = elsewhere / np.maximum(residents, 1.0), np.array(nation.elsewhere) / whole
    return Signs(np.hstack([by_age, np.log((share + FEW_SHARE) / (common + FEW_SHARE))]), True)


def learnt_growth(known: OneCensus, signs: Signs, year: int) -> np.ndarray:
    """(county, cohort) log growth in ten years."""
    learnt = known.registered if signs.registered else known.ages
    within = np.clip(signs.values, learnt.low, learnt.high)
    return np.asarray(within @ np.array(learnt.weights) + learnt.level[nearest(learnt.level, year)])


def nearest(years: dict[int, object] | dict[int, Nation] | dict[int, Row], year: int) -> int:
    """The known census nearest to a year."""
    return min(years, key=lambda known: abs(known - year))


def registered_elsewhere(region: Region, known: OneCensus, year: int) -> np.ndarray | None:
    """(county, origin) residents registered elsewhere in the year, counties in the order of their codes; None where a
    county or an origin is missing."""
    if not region.has("registered_elsewhere"):
        return None
    table = region.table("registered_elsewhere")
    cells = table[table.year == year].pivot_table(index="county", columns="origin", values="persons", aggfunc="sum")
    found = cells.reindex(index=sorted(region.counties.index), columns=list(known.origins))
    return None if bool(found.isna().any(axis=None)) else found.to_numpy(float)
