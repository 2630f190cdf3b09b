"""Students, soldiers and others in institutions: the institution keeps its ages while people pass through it.

Aged on like everybody else, the students of a university district would become its parents and its old people. They are
given by the table `special_population`, or recognised in a count: a county that has far more people of 15 to 24 than its
children and its people of 25 to 29 let expect (`recognised`). They are taken out before cohorts are followed, and come
back as a stock whose turnover, arrivals of the young ages and departures of the old, is part of net migration.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import numpy as np
import xarray as xr

from forecast.basics.ages import age_bounds
from forecast.basics.dims import AGE, AGES, COUNTY, OPEN_AGE, SEX, SEXES, YEAR, at_years, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.region import Region

USUAL = {15: (0.0, 0.37), 20: (-0.08, 0.94)}
"""First age of a group of five -> constant and slope of the log of its usual size, given that of 25 to 29, all sizes being
relative to the births of their years that are alive and to those of 10 to 14. Derived: least absolute deviations over the
counties of China in the censuses of 2010 and 2020, which give slopes of 0.40 and 0.35, 0.96 and 0.92; half of all
counties lie within 15 % of it."""

MANY, ALSO_OLDER, LEAST = 1.4, 1.15, 1000.0
"""An institution is recognised where those of 15 to 19 are this many times the usual, those of 20 to 24 as many times, and
the two together this many persons more (assumed: a boarding school has the first but not the second, a town of factories
the second but not the first)."""

STUDENTS = {15: {17: 0.06, 18: 0.42, 19: 0.52}, 20: {20: 0.42, 21: 0.36, 22: 0.16, 23: 0.06}}
"""Single ages of students within the groups 15-19 and 20-24 (assumed: courses of three and of four years, entered at 18)."""


def institutions_in(
    region: Region,
    year: int,
    units: list[str],
    counts: np.ndarray,
    first_ages: np.ndarray,
    alive: np.ndarray,
    campuses: Collection[str] | None = None,
) -> np.ndarray:
    """(unit, sex, age) persons in institutions at a count: as given, and elsewhere as recognised.

    counts: (unit, sex, group) persons counted, groups beginning at `first_ages`; alive: (age,) births that are alive;
    campuses: counties in which institutions may be recognised, by default all.
    Raises InputRefused E661 where more are given than were counted.
    """
    found = recognised(counts, first_ages, alive)
    for number, unit in enumerate(units):
        own = [given for county in unit.split("+") if (given := _given(region, county, [year])) is not None]
        if campuses is not None and not set(unit.split("+")) & set(campuses):
            found[number] = 0.0
        if own:
            found[number] = np.sum(own, axis=0)[0]
    groups = np.add.reduceat(found, first_ages, axis=-1)
    if (groups > counts + 1e-6).any():
        worst = np.unravel_index(np.argmax(groups - counts), counts.shape)
        where = f"{units[worst[0]]}, {year}, {SEXES[worst[1]]}, {first_ages[worst[2]]}"
        raise InputRefused(Issue("E661", values={"count": int((groups > counts + 1e-6).sum()), "where": where}))
    return found


def recognised(counts: np.ndarray, first_ages: np.ndarray, alive: np.ndarray) -> np.ndarray:
    """(unit, sex, age) persons of 17 to 23 beyond the usual; none where the groups cannot tell them."""
    found = np.zeros((*counts.shape[:2], OPEN_AGE + 1))
    starts = first_ages.tolist()
    if not set(range(10, 31, 5)) <= set(starts):
        return found
    persons = {age: counts[..., starts.index(age) : starts.index(age + 5)].sum(-1) for age in range(10, 30, 5)}
    size = {age: persons[age].sum(-1) / alive[age : age + 5].sum() for age in persons}
    with np.errstate(divide="ignore", invalid="ignore"):
        older = np.log(size[25] / size[10])
        usual = {age: np.exp(constant + slope * older) * size[10] for age, (constant, slope) in USUAL.items()}
        times = {age: size[age] / usual[age] for age in USUAL}
        beyond = {age: persons[age] * np.maximum(1 - 1 / times[age], 0.0)[:, None] for age in USUAL}
    several = sum(beyond.values()).sum(-1) >= LEAST
    there = (times[15] >= MANY) & (times[20] >= ALSO_OLDER) & several & (size[10] > 0) & (size[25] > 0)
    for group, shares in STUDENTS.items():
        for age, share in shares.items():
            found[..., age] = np.where(there[:, None], beyond[group] * share, 0.0)
    for (start, stop), column in zip(pairwise([*starts, OPEN_AGE + 1]), np.moveaxis(counts, -1, 0), strict=True):
        if stop - start == 1:  # single ages: a few are of the place itself
            found[..., start] = np.minimum(found[..., start], 0.95 * column)
    return found


def turnover(stock: xr.DataArray, sx: xr.DataArray) -> xr.DataArray:
    """(county, year, sex, age) net persons who arrive in a year at an age, so that the stock is what it is at its end.

    stock: (county, year, sex, age) persons in institutions, of the years of `sx` (year, sex, age: survivorship ratios to
    the age) and the year before.
    """
    stock = stock.transpose(COUNTY, YEAR, SEX, AGE)
    older = stock.shift({AGE: 1}, fill_value=0.0)
    older = older + stock.where(stock[AGE] == OPEN_AGE, 0.0)  # the open age group stays where it is
    left = older.shift({YEAR: 1}).sel({YEAR: sx[YEAR]}) * sx
    return in_order(stock.sel({YEAR: sx[YEAR]}) - left)


def institutions_ahead(region: Region, known: xr.DataArray, years: np.ndarray) -> xr.DataArray:
    """(county, year, sex, age) persons in institutions from the last known year on: as given, else as they are then.
    known: (county, year, sex, age); years: those that follow."""
    last = int(known[YEAR][-1])
    return stock_over_years(region, {last: known.sel({YEAR: last}, drop=True)}, [last, *years.tolist()])


def stock_over_years(region: Region, at_counts: dict[int, xr.DataArray], years: list[int]) -> xr.DataArray:
    """(county, year, sex, age) persons in institutions: straight between counts, as at the last after it; or as given."""
    counts = sorted(at_counts)
    weights = np.stack([at_years([(other, float(other == year)) for other in counts], years) for year in counts])
    values = np.stack([at_counts[year].transpose(COUNTY, SEX, AGE).values for year in counts])
    stock = np.einsum("ny,ncsa->cysa", weights, values)
    counties = at_counts[counts[0]][COUNTY].values.tolist()
    for number, county in enumerate(counties):
        given = _given(region, county, years)
        stock[number] = stock[number] if given is None else given
    coords = {COUNTY: counties, YEAR: years, SEX: list(SEXES), AGE: list(AGES)}
    return xr.DataArray(stock, coords, tuple(coords))


def _given(region: Region, county: str, years: list[int]) -> np.ndarray | None:
    """(year, sex, age) persons by the table, all kinds, each straight between its years; None without a row."""
    if not region.has("special_population"):
        return None
    table = region.table("special_population")
    table = table[table["county"] == county]
    if table.empty:
        return None
    found = np.zeros((len(years), len(SEXES), OPEN_AGE + 1))
    for (_, sex, group), rows in table.groupby(["kind", "sex", "age_group"]):
        first, last = age_bounds(str(group))
        dated = list(rows.sort_values("year")[["year", "persons"]].itertuples(index=False, name=None))
        ages = slice(first, min(last, OPEN_AGE) + 1)
        persons = np.asarray(at_years(dated, years)) / (min(last, OPEN_AGE) + 1 - first)
        found[:, SEXES.index(str(sex)), ages] += persons[:, None]
    return found
