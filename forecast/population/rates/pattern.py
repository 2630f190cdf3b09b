"""Published rates by age that carry the shape of a region's mortality and fertility; its level is calibrated.

The tables `mortality`, `fertility` and `levels` are the region's own or those of its shipped pattern (WPP 2024).
Five-year periods run from 1 July to 30 June, so a period's rate stands at its middle, 1 January; a calendar year is
read at its own middle, between two periods, linearly in the logarithm.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.ages import age_bounds
from forecast.basics.dims import AGE, AGES, OPEN_AGE, SEX, SEXES, YEAR
from forecast.basics.issues import InputRefused, Issue
from forecast.population.rates.fertility import single_year_shares
from forecast.population.rates.lifetable import single_year_rates
from forecast.population.rates.single_years import between_periods

NOBODY = 1e-9
"""Rate that stands for a printed 0 deaths per person-year, which has no logarithm: fewer than one death in any county."""


class HasTables(Protocol):
    """Tables by name: a region, or a shipped pattern alone."""

    def table(self, name: str) -> pd.DataFrame: ...


def mortality_pattern(region: HasTables, years: np.ndarray) -> xr.DataArray:
    """mx (year, sex, age 0..100) deaths per person-year of the pattern in calendar years."""
    table = region.table("mortality")
    table = table.assign(start=[age_bounds(group)[0] for group in table.age_group])
    cube = table.pivot(index=["year_start", "sex"], columns="start", values="mx")
    periods = np.array(sorted(table.year_start.unique()), float)
    abridged = xr.DataArray(
        cube.loc[pd.MultiIndex.from_product([periods, SEXES])].to_numpy().reshape(len(periods), len(SEXES), -1),
        dims=("period", SEX, AGE),
        coords={"period": periods, SEX: list(SEXES), AGE: cube.columns.to_numpy(int)},
    )
    single = single_year_rates(abridged.clip(min=NOBODY), OPEN_AGE)
    logarithm = single.copy(data=np.log(single.values))
    by_year = _at_calendar_years(logarithm, _middles(table), years)
    return by_year.copy(data=np.exp(by_year.values)).rename("mx")


def fertility_pattern(region: HasTables, years: np.ndarray) -> xr.Dataset:
    """`share` (year, age) of total fertility, and `tfr`, `srb` (year), of the pattern in calendar years."""
    table = region.table("fertility")
    bounds = [age_bounds(group) for group in table.age_group]
    table = table.assign(start=[first for first, _ in bounds], share=_shares(table, bounds))
    cube = table.pivot(index="year_start", columns="start", values="share").sort_index()
    after = 1 + max(last for _, last in bounds if last < OPEN_AGE)
    shares = single_year_shares(cube.to_numpy(), cube.columns.to_numpy(int), after)
    periods = xr.DataArray(shares, dims=("period", AGE), coords={"period": cube.index.to_numpy(float), AGE: list(AGES)})
    share = _at_calendar_years(periods, _middles(table), years)
    levels = _levels(region, years)
    return xr.Dataset(
        {
            "share": share / share.sum(AGE),
            "tfr": (YEAR, levels.tfr.to_numpy(float)),
            "srb": (YEAR, levels.srb.to_numpy(float)),
        },
        coords={YEAR: years},
    )


def _shares(table: pd.DataFrame, bounds: list[tuple[int, int]]) -> pd.Series:
    """Share of total fertility of each line: as given, or its asfr times the years of its group over their sum in the
    period."""
    if "share" in table and bool(table.share.notna().all()):
        return table.share
    births = table.asfr * [last - first + 1 for first, last in bounds]
    return births / births.groupby(table.year_start).transform("sum")


def _levels(region: HasTables, years: np.ndarray) -> pd.DataFrame:
    """Lines of `levels` for the years; raises InputRefused that names those that are missing."""
    levels = region.table("levels").set_index("year")
    missing = [int(year) for year in years if year not in levels.index]
    if missing:
        labels = f"{missing[0]}-{missing[-1]}" if len(missing) > 1 else str(missing[0])
        raise InputRefused(Issue("E602", "levels.csv", values={"variable": "levels", "dim": YEAR, "labels": labels}))
    return levels.loc[list(years)]


def national_births(region: HasTables, years: np.ndarray) -> np.ndarray:
    """Births of the pattern's area by year, (year,) persons; before the first year the first value stands (assumed:
    it only shapes ages above 70 inside their age group)."""
    births = region.table("levels").set_index("year").births.astype(float).sort_index()
    return np.interp(years, births.index.to_numpy(float), births.to_numpy())


def _middles(table: pd.DataFrame) -> np.ndarray:
    spans = table[["year_start", "year_end"]].drop_duplicates().sort_values("year_start")
    middles: np.ndarray = (spans.year_start.to_numpy(float) + spans.year_end.to_numpy(float)) / 2 + 0.5
    return middles


def _at_calendar_years(periods: xr.DataArray, middles: np.ndarray, years: np.ndarray) -> xr.DataArray:
    """(period, ...) read at the middle of calendar years, linearly, constant before the first and after the last."""
    calendar = np.asarray(years, int)
    return between_periods(periods.assign_coords(period=middles), xr.DataArray(calendar, dims=YEAR))
