"""The central forecast and its uncertainty, fitted on what was known at an origin.

`fit_rates` gives the rates that `project_population` takes; `fit_uncertainty` the processes around them, from how far
the same fit, made at earlier origins of the same history, was off. Neither sees a year after the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, AGES, COUNTY, SEX, SEXES, YEAR
from forecast.basics.variables import label
from forecast.population.chance.processes import Uncertainty
from forecast.population.fit.account import Account, Central, account_of
from forecast.population.fit.fertility import forecast_asfr
from forecast.population.fit.migration import forecast_net
from forecast.population.fit.mortality import forecast_hazards
from forecast.population.fit.prior import SWEDEN_1990
from forecast.population.fit.uncertainty import Prior, fit_processes
from forecast.population.fit.yearly_errors import inner_origins, rolling_errors
from forecast.population.past.migration import FADING


@dataclass(frozen=True)
class Settings:
    """Choices of the fit, each explained where it is used; `least_years` of history before the first inner origin, and
    the `inflation` of all standard deviations. The defaults were chosen on Swedish counties and Iceland before 1990 and
    US states before 2010 (docs/accuracy/settings.md has what else was tried)."""

    improvement_years: int = 15
    level_years: int = 3
    own_deaths: float = 300.0
    assumed_slope: float = -0.015
    slope_years: int = 3
    fertility_damping: float = 0.5
    fertility_reversion: float = 0.03
    shape_years: int = 5
    own_births: float = 30.0
    long_years: int = 30
    memory: float = 0.3
    migration_damping: float = FADING
    own_migration: float = 1.0
    least_years: int = 5
    inflation: float = 1.3


def central_forecast(past: Account, horizon: int, settings: Settings) -> Central:
    """Expected hazards, asfr, net migrants and mobility of the years after the account's last."""
    s = settings
    return Central(
        forecast_hazards(past, horizon, s.improvement_years, s.level_years, s.own_deaths, s.assumed_slope),
        forecast_asfr(
            past, horizon, s.slope_years, s.fertility_damping, s.fertility_reversion, s.shape_years, s.own_births
        ),
        *forecast_net(past, horizon, s.long_years, s.memory, s.migration_damping, s.own_migration),
    )


def fit_rates(history: xr.Dataset, origin: int, horizon: int, settings: Settings | None = None) -> xr.Dataset:
    """Rates of the years after the origin, as `project_population` takes them, and `mobility` (county, sex, age).

    history: complete (`complete_history`); years after the origin are not looked at. horizon: number of years.
    """
    known = history.sel({YEAR: slice(None, origin)})
    past = account_of(known)
    return labelled_rates(past, central_forecast(past, horizon, settings or Settings()), known, origin)


def labelled_rates(past: Account, central: Central, known: xr.Dataset, origin: int) -> xr.Dataset:
    """Rates of the years after the origin, labelled, as `project_population` takes them."""
    horizon = central.asfr.shape[1]
    coords = {
        COUNTY: known[COUNTY].values,
        YEAR: np.arange(origin + 1, origin + horizon + 1),
        SEX: list(SEXES),
        AGE: list(AGES),
    }
    recent = past.births[:, -min(10, past.steps) :].sum((0, 1)) if past.steps else np.array([1.0, 1.06])
    cell = (COUNTY, YEAR, SEX, AGE)
    rows = {
        "baseline": ((COUNTY, SEX, AGE), past.people[:, -1]),
        "sx": (cell, np.exp(-central.hazard)),
        "asfr": ((COUNTY, YEAR, AGE), central.asfr),
        "srb": ((YEAR,), np.full(horizon, recent[1] / recent[0])),
        "net_migration": (cell, central.net),
        "mobility": ((COUNTY, SEX, AGE), central.mobility),
    }
    rates = xr.Dataset(rows, coords, {"jump_off_year": origin, "migration_timing": "end"})
    return label(rates, "rates", source=f"fitted on {int(known[YEAR][0])} to {origin}")


def fit_uncertainty(
    history: xr.Dataset,
    origin: int,
    horizon: int,
    settings: Settings | None = None,
    prior: Prior | None = SWEDEN_1990,
    inner: int = 16,
) -> Uncertainty:
    """Processes around `fit_rates` of the same history, origin and settings, from errors made at inner origins.

    inner: at most so many of them; prior: what a short history is averaged with (None: nothing).
    """
    settings = settings or Settings()
    past = account_of(history.sel({YEAR: slice(None, origin)}))
    least = min(settings.least_years, max(2, past.steps // 2))
    origins = inner_origins(past.steps, least, inner)
    errors = rolling_errors(past, lambda known, leads: central_forecast(known, leads, settings), origins, horizon)
    counties = tuple(str(code) for code in history[COUNTY].values)
    span = past.steps - origins[0] if origins else 0
    return fit_processes(errors, span, counties, prior, settings.inflation)
