"""A central forecast from a single count, where no earlier year is known: levels from the year's births and deaths, and
migration from what the count itself says of those who have moved. Asked alone: no run calls it.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.population.fit.account import Account, Central, account_of
from forecast.population.fit.fitted import Settings, labelled_rates
from forecast.population.fit.migration import standard_movers
from forecast.population.past.history import Standard, entering_of

_OWN_BIRTHS, _OWN_DEATHS = 300.0, 300.0  # at which a county's own level counts one half (assumed)


def rates_from_one_count(
    counted: xr.Dataset,
    births: xr.DataArray,
    deaths: xr.DataArray,
    horizon: int,
    standard: Standard,
    net: xr.DataArray | None = None,
    settings: Settings | None = None,
) -> xr.Dataset:
    """Rates of the years after a count, as `project_population` takes them, and `mobility`.

    counted: complete (`complete_history`) of one year; births, deaths: (county,) of that year; net: (county,) net
    migrants a year, laid on ages by mobility (`net_from_stocks`; none: closed).
    """
    settings = settings or Settings()
    past = account_of(counted)
    year = int(counted.population.year[-1])
    central = Central(
        _hazards(past, births.values, deaths.values, horizon, standard, settings),
        _fertility(past, births.values, horizon, standard),
        np.zeros((past.people.shape[0], horizon, *past.people.shape[2:])),
        standard_movers(past.people.shape[-1]) * past.people[:, -1],
    )
    rates = labelled_rates(past, central, counted, year)
    rates["srb"] = xr.full_like(rates.srb, standard.srb)
    if net is None:
        return rates
    moved = rates.mobility / rates.mobility.sum(["sex", "age"]) * net
    rates["net_migration"] = (
        (rates.net_migration + moved).transpose(*rates.net_migration.dims).assign_attrs(rates.net_migration.attrs)
    )
    return rates


def net_from_stocks(
    arrived: xr.DataArray, absent: xr.DataArray, young: xr.DataArray, growth: float, at_risk: float
) -> xr.DataArray:
    """(county,) net migrants a year from the stocks that a count shows.

    arrived: residents who are registered elsewhere; absent: registered who live elsewhere; young: local residents of
    the ages that leave. Stocks of arrivals grow by the share `growth` a year; those who arrive leave from the counties
    in proportion to the absent, or to the young who could still go: `at_risk` is the share of the second.
    """
    leaving = (1 - at_risk) * absent / absent.sum() + at_risk * young / young.sum()
    return growth * (arrived - arrived.sum() * leaving)


def _hazards(
    past: Account, births: np.ndarray, deaths: np.ndarray, horizon: int, standard: Standard, settings: Settings
) -> np.ndarray:
    """(county, horizon, sex, age): the standard's hazards at the level at which the deaths would be those of a year that
    begins with the people counted."""
    newborn = births[:, None] * np.array([1.0, standard.srb]) / (1 + standard.srb)
    year = entering_of(np.repeat(past.people[:, -1:], 2, axis=1), np.repeat(newborn[:, None], 2, axis=1))[:, 1]
    hazard = -np.log(standard.sx)
    due = (year * (1 - np.exp(-hazard))).sum((1, 2))
    whole = deaths.sum() / due.sum()
    relative = (deaths + _OWN_DEATHS) / (due * whole + _OWN_DEATHS)
    ahead = np.exp(settings.assumed_slope * np.arange(1, horizon + 1))
    return (whole * relative)[:, None, None, None] * ahead[:, None, None] * hazard


def _fertility(past: Account, births: np.ndarray, horizon: int, standard: Standard) -> np.ndarray:
    expected = (past.people[:, -1, 0] * standard.fertility.values).sum(-1)
    whole = births.sum() / expected.sum()
    relative = (births + _OWN_BIRTHS) / (expected * whole + _OWN_BIRTHS)
    return np.repeat((whole * relative)[:, None, None] * standard.fertility.values, horizon, axis=1)
