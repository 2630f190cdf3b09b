"""Errors of earlier forecasts of the same history, component by component.

At each inner origin the central forecast is fitted anew on what was known then, and set against what happened: the
level of fertility of the whole and of each county beside it, mortality of the old, net migration in all and by band of
age. These are the errors of rates, people taken as they were, so that the errors of one component are not another's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecast.basics.ages import FITTED_BANDS
from forecast.population.fit.account import Account, Central, by_band
from forecast.population.fit.migration import movers_per_person

_OLD = 50  # age from which deaths tell the level of mortality


@dataclass(frozen=True)
class Errors:
    """Errors by inner origin and lead (the year after the origin is lead 1), NaN where the lead is not known yet, and
    beside them the variance that counting alone gives."""

    fertility: np.ndarray  # (origin, lead) log births of the whole over expected
    fertility_own: np.ndarray  # (origin, lead, county) the county's beyond the whole's
    births: np.ndarray  # (origin, lead, county) expected births: their error has variance 1 / births by counting
    mortality: np.ndarray  # (origin, lead) log deaths from 50 of the whole over expected
    migration: np.ndarray  # (origin, lead) net migrants of the whole beyond expected, per resident
    migration_own: np.ndarray  # (origin, lead, county)
    migration_noise: np.ndarray  # (origin, lead, county) variance by counting
    bands: np.ndarray  # (origin, lead, county, band) per resident of the band, beyond what the county's total brings
    bands_noise: np.ndarray


def inner_origins(steps: int, least: int, count: int) -> list[int]:
    """Positions of at most so many inner origins, evenly from the `least`-th year with flows to the one before last."""
    last = steps - 1
    if last < least:
        return []
    return sorted({round(position) for position in np.linspace(least, last, min(count, last - least + 1))})


def rolling_errors(
    past: Account, forecast: Callable[[Account, int], Central], origins: list[int], leads: int
) -> Errors:
    """Errors of `forecast(account, horizon)`, a `Central`, at the inner origins, up to so many leads."""
    counties, bands = past.people.shape[0], len(FITTED_BANDS)
    shape = (len(origins), leads)
    errors = Errors(
        *(
            np.full((*shape, *more), np.nan)
            for more in ((), (counties,), (counties,), (), (), (counties,), (counties,))
        ),
        *(np.full((*shape, counties, bands), np.nan) for _ in range(2)),
    )
    for row, origin in enumerate(origins):
        known = past.until(origin)
        reach = min(leads, past.steps - origin)
        central = forecast(known, reach)
        movers = movers_per_person(known)
        for step in range(reach):
            _compare(past, origin + 1 + step, central, step, movers, errors, (row, step))
    return errors


def _compare(
    past: Account, year: int, central: Central, step: int, movers: np.ndarray, errors: Errors, cell: tuple[int, int]
) -> None:
    """Fills the errors of one inner origin and lead; `year` is the position of the year forecast."""
    expected = (central.asfr[:, step] * past.women[:, year]).sum(-1)
    seen = past.births[:, year].sum(-1)
    whole = np.log(max(seen.sum(), 0.5) / max(expected.sum(), 0.5))
    errors.fertility[cell] = whole
    errors.fertility_own[cell] = 2 * (np.sqrt((seen + 0.25) / (expected + 0.25) / np.exp(whole)) - 1)
    errors.births[cell] = expected

    due = past.entering[:, year] * (1 - np.exp(-central.hazard[:, step]))
    dying = due[..., _OLD:].sum()
    errors.mortality[cell] = np.log(max(past.deaths[:, year, :, _OLD:].sum(), 0.5) / max(dying, 0.5))

    people = np.maximum(past.entering[:, year], 0.0)
    residents = people.sum((1, 2))
    surplus = past.net[:, year] - central.net[:, step]
    share = surplus.sum((1, 2)) / residents
    errors.migration[cell] = surplus.sum() / residents.sum()
    errors.migration_own[cell] = share - errors.migration[cell]
    moving = by_band(movers * people)
    counted = moving + by_band(due)
    errors.migration_noise[cell] = counted.sum(-1) / residents**2
    size = np.maximum(by_band(people), 1.0)
    brought = share[:, None] * residents[:, None] * moving / moving.sum(-1, keepdims=True)
    errors.bands[cell] = (by_band(surplus) - brought) / size
    errors.bands_noise[cell] = counted / size**2
