"""A region that counts its people every year, as registers do: its tables as a history by labelled arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, MOTHER_AGE, SEX, SEXES, YEAR
from forecast.region import Region

LEAST_YEARS = 3
YEAR_END = "12-31"


def counted_history(region: Region) -> xr.Dataset | None:
    """The history that `complete_history` takes, where every county is counted at 31 December of at least three years in a row.

    population (county, year, [sex,] age): the last run of such years up to the jump-off year, ages as printed (first
    ages of groups; the same in all years). births (county, year, [sex,] [mother_age]) and deaths (county, year, [sex,]
    [age: completed years]) in the finest form in which the tables hold every county of these years but the first. None
    where there is no such run.
    """
    table = region.table("population")
    ends = table[(table["date"] == YEAR_END) & (table["year"] <= region.jump_off_year)]
    cells = _by_sex(ends.assign(**{AGE: ends["age_from"]}))
    years = _last_run(cells, set(region.counties.index))
    if len(years) < LEAST_YEARS:
        return None
    found = {"population": _array(cells[cells["year"].isin(years)], region, [SEX, AGE] if _sexed(cells) else [AGE])}
    for name, age in (("births", MOTHER_AGE), ("deaths", AGE)):
        flow = _finest(region.table(name), region, age, years) if region.has(name) else None
        if flow is not None:
            found[name] = flow
    return xr.Dataset(found, attrs={"jump_off_year": years[-1]})


def _finest(table: pd.DataFrame, region: Region, age: str, years: list[int]) -> xr.DataArray | None:
    """A flow by as much of sex and age as is complete; None where not even its totals are."""
    by_sex = table["sex"].isin(SEXES) if "sex" in table else pd.Series(False, table.index)
    by_age = table["age_from"].notna() if "age_from" in table else pd.Series(False, table.index)
    forms: tuple[tuple[list[str], pd.Series], ...] = (
        ([SEX, age], by_sex & by_age),
        ([age], ~by_sex & by_age),
        ([SEX], by_sex & ~by_age),
        ([], ~by_sex & ~by_age),
    )
    for dims, rows in forms:
        known = table[rows & table["year"].isin(years)]
        if len(known) == 0:
            continue
        found = _array(
            known.assign(**{age: known["age_from"].astype(int)}) if age in dims else known, region, dims, years
        )
        if bool(found.isel({YEAR: slice(1, None)}).notnull().all()):
            return found
    return None


def _by_sex(table: pd.DataFrame) -> pd.DataFrame:
    """The rows by sex where both are given, else the totals."""
    sexed = table[table["sex"].isin(SEXES)]
    return sexed if len(sexed) else table


def _sexed(table: pd.DataFrame) -> bool:
    return bool(table["sex"].isin(SEXES).all())


def _last_run(cells: pd.DataFrame, counties: set[str]) -> list[int]:
    """The last years in a row in which every county has the age groups of the last year."""
    have = {
        int(year): (set(rows["county"]) >= counties, frozenset(rows["age_from"]))
        for year, rows in cells.groupby("year")
    }
    years: list[int] = []
    year = max(have, default=0)
    while year in have and have[year][0] and (not years or have[year][1] == have[years[0]][1]):
        years.insert(0, year)
        year -= 1
    return years


def _array(table: pd.DataFrame, region: Region, dims: list[str], years: list[int] | None = None) -> xr.DataArray:
    """(county, year, ...) persons; NaN where a cell is missing."""
    found = table.groupby([COUNTY, YEAR, *dims])["persons"].sum().to_xarray().astype(float)
    wanted = {COUNTY: list(region.counties.index), YEAR: years or sorted(set(table["year"]))}
    if SEX in dims:
        wanted[SEX] = list(SEXES)
    return found.reindex({dim: np.asarray(labels) for dim, labels in wanted.items()})
