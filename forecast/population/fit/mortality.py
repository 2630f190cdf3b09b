"""Mortality to come: the whole's death rates by age, improving as they have, and each county's own level.

The whole's log hazards by sex and age move along their own straight lines of the last years (Lee and Carter 1992 with
one step of the singular value decomposition left out: over fifteen years the first component is a line), the slopes
pooled over neighbouring ages. Counties share the improvement and keep a level of their own (coherent as Li and Lee
2005), drawn towards the whole's where they have few deaths.
"""

from __future__ import annotations

import numpy as np

from forecast.population.fit.account import Account, smoothed

_LEVEL_AGES = (0, 65, 80)  # first ages of the groups in which a county's level is its own
_SLOPES = (-0.05, 0.01)  # yearly change of a log hazard let stand
_WIDTH = 4.0  # years of age over which slopes are pooled


def forecast_hazards(
    past: Account, horizon: int, improvement_years: int, level_years: int, own_deaths: float, assumed_slope: float
) -> np.ndarray:
    """(county, horizon, sex, age) hazards of the years after the origin: deaths are 1 - exp(-hazard) of who enters.

    improvement_years: over which the slopes are found; level_years: whose mean the lines start from; own_deaths: deaths
    at which a county's own level counts one half; assumed_slope: yearly change of the log hazards where fewer than five
    years of flows are known.
    """
    span = min(improvement_years, past.steps)
    deaths, entering = past.deaths[:, -span:].sum(0), past.entering[:, -span:].sum(0)
    slope = _slopes(deaths, entering) if span >= 5 else np.full(deaths.shape[1:], assumed_slope)
    recent = min(level_years, past.steps)
    level = _hazard(past.deaths[:, -recent:].sum((0, 1)), past.entering[:, -recent:].sum((0, 1)))
    relative = county_levels(past, level * np.exp(-slope * 2.0), min(10, past.steps), own_deaths)
    ahead = (recent - 1) / 2 + np.arange(1, horizon + 1)
    return relative[:, None, None, :] * level * np.exp(slope * ahead[:, None, None])


def county_levels(past: Account, hazard: np.ndarray, years: int, own_deaths: float) -> np.ndarray:
    """(county, age) hazards relative to the whole's over the last years, drawn towards 1 by deaths / (deaths + k)."""
    deaths = past.deaths[:, -years:].sum((1, 2))
    expected = (past.entering[:, -years:] * (1 - np.exp(-hazard))).sum((1, 2))
    relative = np.ones((deaths.shape[0], deaths.shape[1]))
    for first, stop in zip(_LEVEL_AGES, [*_LEVEL_AGES[1:], deaths.shape[1]], strict=True):
        seen, due = deaths[:, first:stop].sum(1), np.maximum(expected[:, first:stop].sum(1), 1e-9)
        ratio = seen / due / max(seen.sum() / due.sum(), 1e-9)
        relative[:, first:stop] = (1 + (ratio - 1) * seen / (seen + own_deaths))[:, None]
    return relative


def _slopes(deaths: np.ndarray, entering: np.ndarray) -> np.ndarray:
    """(sex, age) yearly change of the log hazard, by least squares, pooled over neighbouring ages by deaths."""
    years = np.arange(deaths.shape[0]) - (deaths.shape[0] - 1) / 2
    logs = np.log(_hazard(deaths, entering))
    slope = np.tensordot(years, logs, (0, 0)) / (years**2).sum()
    return np.clip(smoothed(slope, deaths.sum(0) + 1.0, _WIDTH), *_SLOPES)


def _hazard(deaths: np.ndarray, entering: np.ndarray) -> np.ndarray:
    share = np.clip((deaths + 0.3) / (np.maximum(entering, 0.0) + 1.0), 1e-7, 0.95)
    return -np.log(1 - share)
