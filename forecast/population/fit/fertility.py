"""Fertility to come: the whole's level on a trend that fades out and goes to what other countries have, each county's
own schedule.

A five-year mean lags behind every turn, so the level starts at the last year: most of the error of ages 0
to 5 is an error of fertility. The trend of the last years fades out, and the level goes slowly to that of other countries
of low fertility (`abroad`); a return to its own mean of 25 years foresaw a rise where there was none.
"""

from __future__ import annotations

import numpy as np

from forecast.population.fit.abroad import level_abroad
from forecast.population.fit.account import Account


def forecast_asfr(
    past: Account,
    horizon: int,
    slope_years: int,
    damping: float,
    reversion: float,
    shape_years: int,
    own_births: float,
) -> np.ndarray:
    """(county, horizon, age) births per woman-year of the years after the origin.

    slope_years: whose change is the trend; damping: of what is left of the trend each year; reversion: share of the
    distance to other countries gone each year; shape_years: that tell a county's schedule and relative level;
    own_births: births (and, for single ages, woman-years) at which its own counts one half, the whole's the other.
    """
    span = min(shape_years, past.steps)
    whole, schedule = schedules(past, span, own_births)
    abroad = level_abroad(past.origin) - float(np.log(whole.sum()))
    path = np.exp(level_path(log_levels(past, whole), horizon, slope_years, damping, reversion, abroad))
    return schedule[:, None, :] * path[None, :, None]


def schedules(past: Account, span: int, own_births: float) -> tuple[np.ndarray, np.ndarray]:
    """The whole's asfr (age,) over the last years, and the counties' (county, age) drawn towards it."""
    births, women = past.mothers[:, -span:].sum(1), past.women[:, -span:].sum(1)
    whole = births.sum(0) / np.maximum(women.sum(0), 1.0)
    expected = (women * whole).sum(-1)
    relative = (births.sum(-1) + own_births) / (expected + own_births)
    by_county = (births + own_births * relative[:, None] * whole * 10) / (women + own_births * 10)
    return whole, by_county * (relative * expected / np.maximum((by_county * women).sum(-1), 1e-9))[:, None]


def log_levels(past: Account, whole: np.ndarray) -> np.ndarray:
    """(year,) log of the whole's births over those at the schedule `whole` (age,), of all years with flows."""
    births = past.mothers[:, 1:].sum((0, 2))
    expected = (past.women[:, 1:].sum(0) * whole).sum(-1)
    return np.log(np.maximum(births, 0.5) / np.maximum(expected, 0.5))


def level_path(
    levels: np.ndarray, horizon: int, slope_years: int, damping: float, reversion: float, abroad: float
) -> np.ndarray:
    """(horizon,) log levels: last value, damped trend, return to the level `abroad`, told on the same scale."""
    back = min(slope_years, levels.size - 1)
    slope = (levels[-1] - levels[-1 - back]) / back if back else 0.0
    ahead = np.arange(1, horizon + 1)
    trend = levels[-1] + slope * np.cumsum(damping**ahead)
    return abroad + (trend - abroad) * (1 - reversion) ** ahead
