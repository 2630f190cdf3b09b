"""Census tables as single-year people on 31 December, within the boundaries of their year.

A *unit* is a county, or counties joined by + where the boundary of a census year does not allow less
("330303+330305": part of the one went to the other between the censuses).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.ages import age_bounds
from forecast.basics.dims import AGE, AGES, COUNTY, OPEN_AGE, SEX, SEXES, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.population.rates.graduation import census_weights, graduate, to_year_end
from forecast.population.rates.lifetable import life_table
from forecast.population.rates.pattern import mortality_pattern, national_births
from forecast.region import Region

WORKING_AGE = 15
"""Below it children follow their parents; the curve drawn through the age groups is cut here."""

SPLITS = ("births", "spline")


def census_years(region: Region) -> tuple[int, int]:
    """First and last census year of the region's population table. Raises InputRefused where there is one only."""
    years = sorted(int(year) for year in region.table("population").year.unique())
    if len(years) < 2:
        values = {
            "what": "population",
            "year": region.jump_off_year,
            "expected": "two censuses by age and sex",
        }
        raise InputRefused(Issue("E608", values=values))
    return years[0], years[-1]


def census_by_age(region: Region, year: int, split: str = "births") -> xr.DataArray:
    """Census persons by single age, (unit, sex, age). The ages of every printed group sum to the printed figure.

    split: "births" (weights are national births that survived, the two birth years of a census age in their parts)
    or "spline" (weights are the survivors of a constant stream of births).
    """
    table = region.table("population")
    table = table[table.year == year]
    units = table.county.map(printed_units(region, year))
    starts = {group: age_bounds(group)[0] for group in table.age_group.unique()}
    by_group = table.assign(unit=units, start=table.age_group.map(starts)).groupby(["unit", "sex", "start"]).persons
    cube = by_group.sum().unstack()
    names = sorted(units.unique())
    rows = cube.loc[pd.MultiIndex.from_product([names, SEXES])]
    counts = rows.to_numpy(float).reshape(len(names), len(SEXES), -1)
    first_ages = cube.columns.to_numpy(int)
    breaks = (WORKING_AGE,) if WORKING_AGE in first_ages else ()
    single = graduate(counts, first_ages, _weights(region, year, split), breaks)
    return xr.DataArray(single, dims=("unit", SEX, AGE), coords={"unit": names, SEX: list(SEXES), AGE: list(AGES)})


def to_31_december(region: Region, census: xr.DataArray, year: int) -> xr.DataArray:
    """The census re-counted by age at 31 December: birthdays only, nobody dies, moves or is born."""
    return census.copy(data=to_year_end(census.values, census_month(region, year), _births_before(region, year)))


def census_month(region: Region, year: int) -> int:
    """Month on whose first day the census counts."""
    table = region.table("population")
    return int(str(table[table.year == year].date.iloc[0]).split("-")[0])


def printed_units(region: Region, year: int) -> pd.Series:
    """Unit of every code printed in the census of the year (Series indexed by printed code)."""
    table = region.table("population")
    codes = table[table.year == year].county.unique()
    units = pd.Series(codes, index=codes)
    if region.has("boundaries"):
        changed = region.table("boundaries")
        changed = changed[changed.year == year].set_index("code").counties
        units.update(changed)
    return units


def unit_of_county(region: Region, year: int) -> dict[str, str]:
    """Unit of the census year in which each present county lies."""
    return {county: unit for unit in printed_units(region, year).unique() for county in unit.split("+")}


def whole_units(people: xr.DataArray, units: dict[str, str]) -> xr.DataArray:
    """(county, ...) summed to units, still under the name `county`."""
    names, index = np.unique([units[county] for county in people[COUNTY].values], return_inverse=True)
    people = people.transpose(COUNTY, ...)
    coords = {**{dim: people[dim] for dim in people.dims[1:]}, COUNTY: names.tolist()}
    return in_order(xr.DataArray(_summed(people.values, index), dims=people.dims, coords=coords))


def counties_of_units(rates: xr.DataArray, units: dict[str, str]) -> xr.DataArray:
    """Every county takes the rate of its unit."""
    counties = sorted(units)
    return rates.sel({COUNTY: [units[county] for county in counties]}).assign_coords({COUNTY: counties})


def split_units(people: xr.DataArray, later: xr.DataArray, years: int) -> xr.DataArray:
    """Units split to counties by the counties' shares of the same cohort `years` later (of the open group for cohorts
    that have reached it). people: (unit, sex, age); later: (county, sex, age)."""
    later = later.transpose(COUNTY, SEX, AGE)
    cohorts = later.values[..., np.minimum(np.arange(later.sizes[AGE]) + years, later.sizes[AGE] - 1)]
    units = {county: str(unit) for unit in people["unit"].values for county in str(unit).split("+")}
    own = [units[county] for county in later[COUNTY].values]
    index = people.indexes["unit"].get_indexer(own)
    shares = cohorts / np.maximum(_summed(cohorts, index), 1e-9)[index]
    return later.copy(data=people.transpose("unit", SEX, AGE).values[index] * shares)


def _summed(people: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """(county, ...) summed to (unit, ...), where unit: (county,) is the position of each county's unit."""
    sums = np.zeros((unit.max() + 1, *people.shape[1:]))
    np.add.at(sums, unit, people)
    return sums


def _births_before(region: Region, year: int) -> np.ndarray:
    """National births of the year and the years before it, newest first, one more than there are ages."""
    return national_births(region, np.arange(year, year - OPEN_AGE - 2, -1))


def _weights(region: Region, year: int, split: str) -> np.ndarray:
    """(sex, age) weights that shape ages inside their group."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; there are: {', '.join(SPLITS)}")
    alive = life_table(mortality_pattern(region, np.array([year])).isel({YEAR: 0})).Lx.values
    if split == "spline":
        return np.asarray(alive)
    born, month = _births_before(region, year), census_month(region, year)
    return np.stack([census_weights(born, one_sex, month) for one_sex in alive])
