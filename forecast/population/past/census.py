"""Census tables as single-year people on 31 December, within the boundaries of their year.

A *unit* is a county, or counties joined by + where the boundary of a census year does not allow less
("330303+330305": part of the one went to the other between the censuses).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.ages import age_bounds
from forecast.basics.dims import AGE, AGES, COUNTY, OPEN_AGE, SEX, SEXES, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.population.past.institutions import institutions_in
from forecast.population.rates.graduation import by_birthday, census_weights, graduate
from forecast.population.rates.lifetable import life_table
from forecast.population.rates.pattern import mortality_pattern, national_births
from forecast.region import Region

STAY = 0.75
"""Where those of 15 to 17 stand between the children of 10 to 14 (1) and all of 15 to 19 (0), relative
to births (assumed; the junior rolls of Wenzhou in 2018 to 2022 fit best)."""

WORKING_AGE = 15
"""Below it children follow their parents; the curve drawn through the age groups is cut here."""

SPLITS = ("births", "spline")


class Count(NamedTuple):
    """One count of everybody, by single age."""

    year: int
    on_the_day: xr.DataArray  # (unit, sex, age) as counted
    institutions: xr.DataArray  # (unit, sex, age) of them, those in institutions, who have no birthday
    kept: xr.DataArray  # (unit, sex, age) of the others, those without a birthday before 31 December
    reached: xr.DataArray  # (unit, sex, age) the rest, by the age that they then reach
    newborn: (
        xr.DataArray
    )  # (unit, sex) born between the day and 31 December, by the children under one that were counted
    rest: xr.DataArray  # (unit,) share of the year that lies after the day


def count_years(region: Region) -> list[int]:
    """Years up to the jump-off year in which everybody was counted, in order. Raises InputRefused where there is none."""
    years = sorted({int(year) for year in region.table("population").year if year <= region.jump_off_year})
    if not years:
        values = {"what": "population", "year": region.jump_off_year, "expected": "a census by age and sex"}
        raise InputRefused(Issue("E608", values=values))
    return years


def count_of(region: Region, year: int, split: str = "births", campuses: Collection[str] | None = None) -> Count:
    """The count of a year at single ages. The ages of every printed group sum to the printed figure.

    split: "births" (weights are national births that survived, the two birth years of an age in their parts) or
    "spline" (weights are the survivors of a constant stream of births). Units may have been counted on days, and
    printed in age groups, of their own; what is printed by single years is not reshaped by national births. campuses:
    counties in which institutions may be recognised; by default everywhere.
    """
    table = region.table("population")
    table = table[table.year == year]
    starts = {group: age_bounds(group)[0] for group in table.age_group.unique()}
    units = table.county.map(printed_units(region, year))
    table = table.assign(unit=units, start=table.age_group.map(starts))
    layout = table.groupby(["unit", "date"]).start.transform(lambda start: str(sorted(set(start))))
    names = sorted(units.unique())
    whole = np.zeros((5, len(names), len(SEXES), len(AGES)))
    rest = np.zeros((2, len(names)))  # persons and persons times the share of the year after their day
    for (day, _), printed in table.groupby(["date", layout]):
        late = rest_of_year(str(day))
        index, forms = _single_years(region, year, split, late, printed, names, campuses)
        whole[:, index] += forms
        persons = forms[0].sum((-1, -2)) + 1e-9
        rest[:, index] += persons, persons * late
    coords = {"unit": names, SEX: list(SEXES), AGE: list(AGES)}
    on_the_day, institutions, kept, reached, newborn = (xr.DataArray(form, coords, tuple(coords)) for form in whole)
    lates = xr.DataArray(rest[1] / rest[0], dims="unit", coords={"unit": names})
    return Count(year, on_the_day, institutions, kept, reached, newborn.isel({AGE: 0}, drop=True), lates)


def rest_of_year(day: str) -> float:
    """Share of the year that lies after a count on the day MM-DD: the first of a month is its beginning (a census at
    0 h of 1 November leaves a sixth), any other day its own end (31 December leaves nothing).

    >>> rest_of_year("11-01"), rest_of_year("12-31"), rest_of_year("06-30")
    (0.16666666666666666, 0.0, 0.5)
    """
    month, of_month = map(int, day.split("-"))
    gone = 0.0 if of_month == 1 else of_month / monthrange(2023, month)[1]
    return max(0.0, (13 - month - gone) / 12)


def _single_years(
    region: Region,
    year: int,
    split: str,
    late: float,
    printed: pd.DataFrame,
    names: list[str],
    campuses: Collection[str] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions (unit,) in `names` of the units printed in one set of age groups, and (form, unit, sex, age) of them:
    the five arrays of `Count`, the newborn at age 0."""
    cube = printed.groupby(["unit", "sex", "start"]).persons.sum().unstack()
    own, first_ages = sorted(printed.unit.unique()), cube.columns.to_numpy(int)
    counts = cube.loc[pd.MultiIndex.from_product([own, SEXES])].to_numpy(float).reshape(len(own), len(SEXES), -1)
    alive = _weights(region, year, "births", late).sum(axis=0)
    institutions = institutions_in(region, year, own, counts, first_ages, alive, campuses)
    others = np.maximum(counts - np.add.reduceat(institutions, first_ages, axis=-1), 0.0)
    weights = _weights(region, year, split, late)
    others, starts, breaks = _leavers_apart(others, first_ages, weights)
    single = graduate(others, starts, weights, breaks)
    in_single_years = bool((np.diff(first_ages) == 1).all())
    born = None if in_single_years else _births_before(region, year)
    this_year, year_before = (1.0, 1.0) if born is None else (born[0], born[1])
    newborn = np.zeros_like(single)
    newborn[..., 0] = single[..., 0] * late * this_year / ((1 - late) * this_year + late * year_before)
    forms = [single + institutions, institutions, *by_birthday(single, late, born), newborn]
    return np.array([names.index(unit) for unit in own]), np.stack(forms)


def _leavers_apart(
    counts: np.ndarray, first_ages: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Counts (unit, sex, group) and first ages with the group 15-19 parted at 18, and the ages at which the curve
    through the groups is cut.

    Most who leave home for study or work before 20 do so at 18; those of 15 to 17 stand between the children of 10 to
    14 and their own group (`STAY`). Where the groups are others the curve is cut at 15 (`WORKING_AGE`).
    """
    starts = first_ages.tolist()
    if not {10, 15, 20} <= set(starts) or any(age in starts for age in (11, 12, 13, 14, 16, 17, 18, 19)):
        return counts, first_ages, (WORKING_AGE,) if WORKING_AGE in starts else ()
    at = starts.index(15)
    usual = {age: weights[:, age:stop].sum(-1) for age, stop in ((10, 15), (15, 18), (18, 20))}
    group, children = counts[..., at], counts[..., at - 1]
    level = group / (usual[15] + usual[18])
    stayed = np.clip(children / usual[10], 0.5 * level, 1.5 * level) ** STAY * level ** (1 - STAY) * usual[15]
    stayed = np.minimum(stayed, 0.9 * group)
    parted = np.concatenate(
        [counts[..., :at], stayed[..., None], (group - stayed)[..., None], counts[..., at + 1 :]], -1
    )
    return parted, np.insert(first_ages, at + 1, 18), (18,)


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


def _weights(region: Region, year: int, split: str, late: float) -> np.ndarray:
    """(sex, age) weights that shape ages inside their group."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; there are: {', '.join(SPLITS)}")
    alive = _alive(region, year)
    if split == "spline":
        return alive
    born = _births_before(region, year)
    return np.stack([census_weights(born, one_sex, late) for one_sex in alive])


def _alive(region: Region, year: int) -> np.ndarray:
    """(sex, age) share of births alive at each age by the year's pattern of mortality (L/l0)."""
    return np.asarray(life_table(mortality_pattern(region, np.array([year])).isel({YEAR: 0})).Lx.values)
