"""Births per woman to come: where they stand, from several calibrated years, and the path that a scenario chooses.

A single year says little: the births of a prefecture between censuses come from a sample (262 births in it for Wenzhou in
2023, so 6 %), and years of the dragon are unlike others. The level is therefore a weighted mean of all calibrated years,
each relative to the national births per woman of its year.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import YEAR
from forecast.population.rates.pattern import HasTables, fertility_pattern
from forecast.scenario import Fertility

MEMORY = 0.6
"""Weight of a year's level over that of the next (assumed: the optimum where a year is off by 6 % from sampling and the
level itself moves by 3 % a year)."""

SLOPE_YEARS, DAMPING = 3, 0.7
"""Years whose change goes on, and what is left of it each year, in the path "falling" (derived: the best of fifteen rules for
the births per woman of low-fertility countries at origins before 2008, docs/accuracy/fertility.md)."""

SINCE = 2000
"""First dragon year that is evidence: before it births followed the family planning of the time (assumed)."""

DRAGON = 8
"""Remainder of a calendar year by 12 in the years of the dragon (2000, 2012, 2024), in which more children are born."""


def births_per_woman(region: HasTables, past: xr.Dataset, fertility: Fertility, years: np.ndarray) -> xr.DataArray:
    """(year,) total fertility of the whole before the scenario's own level: births per woman.

    past: of `reconstruct`; years: those after its last, one after another. fertility.path: "constant", as at the jump-off
    date; "pattern", in step with the pattern's national path from there; "falling", the trend of the last calibrated
    years, fading. With fertility.zodiac years of the dragon have as many more births as those before had
    (`dragon_excess`), and count as that much less where the level is found.
    """
    known = past.fertility_level.dropna(YEAR)
    jump_off = int(years[0]) - 1
    national = fertility_pattern(region, np.arange(min(int(known[YEAR][0]), jump_off), int(years[-1]) + 1)).tfr
    excess = dragon_excess(region, jump_off) if fertility.zodiac else 0.0
    ages = jump_off - known[YEAR].values
    weights = MEMORY**ages
    usual = known.values / _dragon(region, known[YEAR].values, excess)
    level = np.exp((np.log(usual) * weights).sum() / weights.sum())
    if fertility.path == "pattern":
        path = level * national.sel({YEAR: years}).values
    else:
        path = np.full(years.size, level * float(national.sel({YEAR: jump_off})))
    if fertility.path == "falling":
        of_year = np.log(known.values * national.sel({YEAR: known[YEAR]}).values)
        back = min(SLOPE_YEARS, of_year.size - 1)
        slope = (of_year[-1] - of_year[-1 - back]) / back if back else 0.0
        path = path * np.exp(slope * np.cumsum(DAMPING ** np.arange(1, years.size + 1)))
    if excess:
        path = path * (1 + excess * (years % 12 == DRAGON))
    return xr.DataArray(path, {YEAR: years}, (YEAR,))


def dragon_excess(region: HasTables, until: int) -> float:
    """Share by which national births of a year of the dragon lie above the mean of the years beside it, in the mean of
    those whose neighbours are known; 0 where there is none. China 2000 and 2012, WPP 2024: 5 % and 7 %."""
    births = _births(region)
    dragons = [year for year in births.index if year % 12 == DRAGON and {year - 1, year + 1} <= set(births.index)]
    seen = [_bump(births, year) for year in dragons if year + 1 <= until and year >= SINCE]
    return float(np.mean(seen)) if seen else 0.0


def _dragon(region: HasTables, years: np.ndarray, excess: float) -> np.ndarray:
    """(year,) factor by which the births of these years are above the usual and the pattern does not say so."""
    births = _births(region)
    own = np.array([_bump(births, year) if {year - 1, year + 1} <= set(births.index) else 0.0 for year in years])
    factor: np.ndarray = (
        np.where(years % 12 == DRAGON, (1 + excess) / (1 + own), 1.0) if excess else np.ones(years.size)
    )
    return factor


def _births(region: HasTables) -> pd.Series:
    return region.table("levels").set_index("year").births.astype(float).sort_index()


def _bump(births: pd.Series, year: int) -> float:
    return float(births[year] / ((births[year - 1] + births[year + 1]) / 2) - 1)
