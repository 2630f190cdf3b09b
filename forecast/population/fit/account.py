"""A history as bare arrays up to an origin: what the fits of mortality, fertility and migration read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from forecast.basics.ages import FITTED_BANDS
from forecast.basics.dims import AGE, COUNTY, SEX, YEAR
from forecast.population.past.history import entering_of


@dataclass(frozen=True)
class Account:
    """Arrays (county, year, sex, age) unless said otherwise; flows of the first year NaN. The last year is the origin."""

    people: np.ndarray
    births: np.ndarray  # (county, year, sex)
    mothers: np.ndarray  # (county, year, age) births by age of mother
    deaths: np.ndarray
    net: np.ndarray
    entering: np.ndarray
    women: (
        np.ndarray
    )  # (county, year, age) woman-years: start and end of the year without the year's migrants, averaged
    origin: int  # the last year

    def until(self, last: int) -> Account:
        """The same with the year at position `last` as origin; nothing after it is left to be seen."""
        names = [name for name in self.__dataclass_fields__ if name != "origin"]
        cut = {name: getattr(self, name)[:, : last + 1] for name in names}
        return replace(self, **cut, origin=self.origin - self.steps + last)

    @property
    def steps(self) -> int:
        """Years with flows."""
        return self.people.shape[1] - 1


@dataclass(frozen=True)
class Central:
    """The central forecast as bare arrays, (county, horizon, ...)."""

    hazard: np.ndarray  # (county, horizon, sex, age)
    asfr: np.ndarray  # (county, horizon, age)
    net: np.ndarray  # (county, horizon, sex, age)
    mobility: np.ndarray  # (county, sex, age)


def account_of(history: xr.Dataset) -> Account:
    """Bare arrays of a complete history (`complete_history`)."""
    cell = (COUNTY, YEAR, SEX, AGE)
    people = history.population.transpose(*cell).values
    births = history.births.transpose(*cell[:3]).values
    net = history.net_migration.transpose(*cell).values
    mothers = history.births_by_mother.transpose(COUNTY, YEAR, AGE).values
    women = np.full_like(mothers, np.nan)
    women[:, 1:] = np.maximum((people[:, :-1, 0] + people[:, 1:, 0] - net[:, 1:, 0]) / 2, 0.0)
    deaths = history.deaths.transpose(*cell).values
    return Account(
        people, births, mothers, deaths, net, entering_of(people, births), women, int(history[YEAR].values[-1])
    )


def band_of(ages: int) -> np.ndarray:
    """(age,) number of the band each age is in."""
    return np.searchsorted(FITTED_BANDS, np.arange(ages), side="right") - 1


def by_band(values: np.ndarray) -> np.ndarray:
    """(..., sex, age) summed to (..., band)."""
    members = (band_of(values.shape[-1]) == np.arange(len(FITTED_BANDS))[:, None]).astype(float)
    return values.sum(axis=-2) @ members.T


def smoothed(values: np.ndarray, weights: np.ndarray, width: float) -> np.ndarray:
    """Weighted mean over neighbouring ages (last axis), a normal kernel of so many years."""
    ages = np.arange(values.shape[-1])
    kernel = np.exp(-0.5 * ((ages[:, None] - ages) / width) ** 2)
    return ((values * weights) @ kernel) / np.maximum(weights @ kernel, 1e-12)
