"""Simple forecasts that a better one must beat.

Those of age groups take counts (county, year, age_group) up to the origin; those by age take a complete history.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SEX, YEAR
from forecast.population.fit.account import account_of
from forecast.population.fit.fitted import Settings, central_forecast, labelled_rates
from forecast.population.measures.hamilton_perry import child_woman_ratios, cohort_change_ratios, project_hamilton_perry
from forecast.population.projection.project import project_population

BASE_YEARS = 5
"""Years before the origin whose change or mean is carried on, by all rivals that carry something on (assumed)."""

_RATIOS = (0.5, 2.0)  # yearly cohort change ratios let stand
_SMALL = 20.0  # persons in a cohort over the base years below which the whole's ratio is taken


def constant(counts: np.ndarray, horizon: int) -> np.ndarray:
    """The last count: (county, horizon, age_group) from (county, year, age_group)."""
    return np.repeat(counts[:, -1:], horizon, axis=1)


def constant_share(counts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """The last share of the whole times a forecast of the whole, (horizon, age_group)."""
    total = counts[:, -1].sum(0)
    share = counts[:, -1] / np.where(total > 0, total, 1.0)
    return share[:, None] * whole


def linear(counts: np.ndarray, horizon: int) -> np.ndarray:
    """The yearly change of the last years carried on, never below zero."""
    back = min(BASE_YEARS, counts.shape[1] - 1)
    slope = (counts[:, -1] - counts[:, -1 - back]) / max(back, 1)
    return np.maximum(counts[:, -1:] + slope[:, None] * np.arange(1, horizon + 1)[:, None], 0.0)


def exponential(counts: np.ndarray, horizon: int) -> np.ndarray:
    """The yearly factor of the last years carried on; 1 where a count is zero."""
    back = min(BASE_YEARS, counts.shape[1] - 1)
    first, last = counts[:, -1 - back], counts[:, -1]
    growth = np.where((first > 0) & (last > 0), last / np.where(first > 0, first, 1.0), 1.0) ** (1 / max(back, 1))
    return last[:, None] * growth[:, None] ** np.arange(1, horizon + 1)[:, None]


def straight_line(counts: np.ndarray, horizon: int) -> np.ndarray:
    """The line of least squares through the counts of the base years, never below zero."""
    span = min(BASE_YEARS, counts.shape[1] - 1) + 1
    years = np.arange(span) - (span - 1) / 2
    base = counts[:, -span:]
    slope = np.einsum("y,cyg->cg", years, base) / max((years**2).sum(), 1.0)
    ahead = years[-1] + np.arange(1, horizon + 1)
    return np.maximum(base.mean(1)[:, None] + slope[:, None] * ahead[:, None], 0.0)


def variable_share_of_growth(counts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Growth carried on, along a line where a place grows and by a factor where it shrinks, all moved by plus and minus to
    the forecast of the whole, (horizon, age_group).

    Plus and minus: places that grow are scaled by 1 + d, those that shrink by 1 - d, d being what the whole lacks over
    the sum of all changes without their sign.
    """
    horizon, last = len(whole), counts[:, -1:]
    grows = linear(counts, horizon) >= last
    change = np.where(grows, linear(counts, horizon), exponential(counts, horizon)) - last
    lacking = whole - last.sum(0) - change.sum(0)
    turnover = abs(change).sum(0)
    along = np.divide(lacking, turnover, out=np.zeros_like(lacking), where=turnover > 0)
    return np.maximum(last + change * (1 + np.where(grows, along, -along)), 0.0)


def csp_vsg(counts: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Mean of the constant share of population and the variable share of growth (Wilson 2015, Population Research and
    Policy Review 34; found the best of the simple models for small areas)."""
    return (constant_share(counts, whole) + variable_share_of_growth(counts, whole)) / 2


def hamilton_perry(known: xr.Dataset, horizon: int) -> xr.DataArray:
    """Yearly cohort change ratios and child-woman ratios of the last years: (county, year, sex, age)."""
    people = known.population.drop_attrs()
    back = min(BASE_YEARS, people.sizes[YEAR] - 1)
    before = people.isel({YEAR: slice(-1 - back, -1)}).sum(YEAR)
    after = people.isel({YEAR: slice(-back, None)}).sum(YEAR)
    of_all = xr.ones_like(after.sum(COUNTY)).isel({AGE: slice(1, None)})  # a cohort that is empty everywhere stays so
    whole = cohort_change_ratios(before.sum(COUNTY), after.sum(COUNTY), 1, standard=of_all)
    ratios = cohort_change_ratios(before, after, 1, _SMALL, whole.drop_attrs(), _RATIOS)
    origin = int(people[YEAR][-1])
    launch = people.isel({YEAR: -1}, drop=True)
    projection = project_hamilton_perry(launch, ratios, child_woman_ratios(after, 1), origin, origin + horizon)
    return projection.population.isel({YEAR: slice(1, None)})


def without_migration(rates: xr.Dataset) -> xr.DataArray:
    """The same births and deaths in closed places: (county, year, sex, age)."""
    return _people(rates.assign(net_migration=xr.zeros_like(rates.net_migration)))


def five_year_means(known: xr.Dataset, horizon: int) -> xr.DataArray:
    """Own fertility rates and net counts and the whole's mortality of the last five years, frozen."""
    past = account_of(known)
    span = min(BASE_YEARS, past.steps)
    origin = int(known[YEAR][-1])
    frozen = labelled_rates(past, central_forecast(past, horizon, Settings()), known, origin)
    births, women = past.mothers[:, -span:].sum(1), past.women[:, -span:].sum(1)
    deaths, entering = past.deaths[:, -span:].sum((0, 1)), past.entering[:, -span:].sum((0, 1))
    recent = {
        "asfr": births / np.maximum(women, 1.0),
        "net_migration": past.net[:, -span:].mean(1),
        "sx": (1 - deaths / np.maximum(entering, 1.0))[None],
    }
    for name, values in recent.items():
        wide = frozen[name]
        frozen[name] = wide.copy(data=np.broadcast_to(np.expand_dims(values, 1), wide.shape))
    return _people(frozen)


def _people(rates: xr.Dataset) -> xr.DataArray:
    people = project_population(rates.drop_vars("mobility"), flows=()).population
    return people.isel({YEAR: slice(1, None)}).transpose(COUNTY, YEAR, SEX, AGE)
