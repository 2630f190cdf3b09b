"""A region that counts its people every year, as registers do: its tables as a history by labelled arrays."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SEX, SEXES, YEAR
from forecast.region import Region

LEAST_YEARS = 3
YEAR_END = "12-31"


def counted_history(region: Region) -> xr.Dataset | None:
    """The history that `complete_history` takes, where every county is counted at 31 December of at least three years in a row.

    population (county, year, [sex,] age): the last run of such years, ages as printed (first ages of groups; the same
    in all years). births (county, year, [sex]) and deaths (county, year, sex, age: completed years), where the tables
    hold every county of these years (deaths: by single ages); NaN in other years. None where there is no such run.
    """
    table = region.table("population")
    ends = table[table["date"] == YEAR_END]
    cells = _by_sex(ends)
    years = _last_run(cells, set(region.counties.index))
    if len(years) < LEAST_YEARS:
        return None
    found = {"population": _array(cells[cells["year"].isin(years)], region, [SEX, AGE] if _sexed(cells) else [AGE])}
    if region.has("births"):
        births = _by_sex(region.table("births"))
        found["births"] = _array(births, region, [SEX] if _sexed(births) else [], years)
    if region.has("deaths"):
        deaths = _by_sex(region.table("deaths"))
        single = _sexed(deaths) and (deaths["age_from"].nunique() > 80)
        if single:
            found["deaths"] = _array(deaths, region, [SEX, AGE], years)
    complete = {
        name: value for name, value in found.items() if bool(value.isel({YEAR: slice(1, None)}).notnull().all())
    }
    return xr.Dataset(complete, attrs={"jump_off_year": years[-1]})


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
    keys = {COUNTY: "county", YEAR: "year", SEX: "sex", AGE: "age_from"}
    order = [COUNTY, YEAR, *dims]
    long = table.rename(columns={"age_from": AGE}).groupby([*order])["persons"].sum()
    found = long.to_xarray().astype(float)
    wanted = {COUNTY: list(region.counties.index), YEAR: years or sorted(set(table[keys[YEAR]]))}
    if SEX in dims:
        wanted[SEX] = list(SEXES)
    return found.reindex({dim: np.asarray(labels) for dim, labels in wanted.items()})
