"""A ratio by year from the years in which it was observed, and what a county has of its own beside the whole.

Observed years keep their own value, years between two of them lie on a straight line, years before the first have the
first. After the last the last value is carried on, unless the years themselves show that a trend goes on: the last
step, each year `DAMPING` times the year before's (Gardner and McKenzie 1985), is taken where rolling origins inside
the last unbroken years foresee them better by more than one standard error. docs/schools.md has the scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

import numpy as np

Known = Mapping[int, float]
"""Year -> value observed."""

DAMPING = 0.7
"""What is left of a ratio's last step a year later, where a trend is carried on. Chosen from 0.3, 0.5, 0.7 and 0.85 by
rolling origins on national participation of 2015 to 2023."""

LEADS = 5
LEAST_ORIGINS = 3
"""Rolling origins look so many years ahead at most; a standard error needs so many origins."""

NEWEST = 0.4
"""Weight of the newest year where a level is smoothed (exponential; NCES, Projections of Education Statistics)."""

PRIOR = 100.0
"""Expected pupils at which a county's own ratio and that of the whole count alike: counting scatters by 1 / n, and the
true ratios of counties by some 10 % (1 / 0.1^2). Assumed; regions of New Zealand scatter by 1 to 5 % around the whole."""

FORGETTING = 0.7
"""Weight of what was counted a year earlier beside what was counted last. Chosen from 0, 0.3, 0.5, 0.7 and 0.9 on regions of
New Zealand, whole and thinned to a fiftieth (docs/schools.md): more forgets too little where pupils are many."""

BELIEVABLE = 3.0
"""A count that is more than so many times the usual of its place, or less than the same part of it, is taken for a gap
or a slip when ratios are carried on. Assumed."""


def ratio_path(known: Known, years: Sequence[int]) -> np.ndarray:
    """(year,) the ratio in all `years`; observed years may lie outside of them. Raises ValueError where none is known.

    >>> ratio_path({2020: 1.0, 2022: 1.2}, [2019, 2020, 2021, 2022, 2023]).round(3).tolist()
    [1.0, 1.0, 1.1, 1.2, 1.2]
    """
    dates = sorted(known)
    if not dates:
        raise ValueError("no year is known")
    path = np.interp(years, dates, [known[year] for year in dates])
    ahead = max(0, max(years) - dates[-1])
    if ahead:
        later = carry_ratio(_unbroken(known), ahead)
        beyond = np.asarray(years) > dates[-1]
        path[beyond] = [later[year - dates[-1] - 1] for year in years if year > dates[-1]]
    return path


def carry_ratio(observed: np.ndarray, ahead: int) -> np.ndarray:
    """(lead,) of the next `ahead` years: the last value, or the damped trend where the years bear it out.

    >>> carry_ratio(np.array([0.8, 0.9]), 2).tolist()
    [0.9, 0.9]
    """
    return _damped(observed, ahead) if trend_goes_on(observed) else _last(observed, ahead)


def trend_goes_on(observed: np.ndarray) -> bool:
    """True where the damped trend foresaw the observed years better than the last value by more than a standard error."""
    count = observed.size
    if count - 2 < LEAST_ORIGINS or (observed <= 0).any():
        return False
    gains = []
    for origin in range(2, count):
        came = observed[origin : origin + LEADS]
        missed = [np.abs(np.log(way(observed[:origin], came.size) / came)).mean() for way in (_last, _damped)]
        gains.append(missed[0] - missed[1])
    doubt = np.std(gains, ddof=1) / np.sqrt(len(gains))
    return bool(np.mean(gains) > doubt)


def _last(observed: np.ndarray, ahead: int) -> np.ndarray:
    return np.full(ahead, observed[-1])


def _damped(observed: np.ndarray, ahead: int) -> np.ndarray:
    step = np.log(observed[-1] / observed[-2])
    ahead_of_last: np.ndarray = observed[-1] * np.exp(step * np.cumsum(DAMPING ** np.arange(1, ahead + 1)))
    return ahead_of_last


def _unbroken(known: Known) -> np.ndarray:
    """Values of the last years that follow one another."""
    last = max(known)
    first = last
    while first - 1 in known:
        first -= 1
    return np.array([known[year] for year in range(first, last + 1)])


def level_path(known: Known, years: Sequence[int]) -> np.ndarray:
    """(year,) as `ratio_path`, but after the last observed year the level of all of them, smoothed: for a ratio that
    scatters from year to year, as that of entrants to the children of one age does."""
    dates = sorted(known)
    weights = (1 - NEWEST) ** np.arange(len(dates))[::-1]
    level = float(np.dot(weights, [known[year] for year in dates]) / weights.sum())
    path = np.interp(years, dates, [known[year] for year in dates])
    return np.where(np.asarray(years) > dates[-1], level, path)


def believable(observed: Known, whole: float) -> dict[int, float]:
    """The years in which the ratio of a place is neither a gap nor a slip: within `BELIEVABLE` times of the median of all
    its years and of the whole's.

    >>> believable({2020: 1.1, 2021: 1.0, 2022: 0.0}, 1.0), believable({2022: 0.001}, 1.0)
    ({2020: 1.1, 2021: 1.0}, {})
    >>> believable({2021: 0.0, 2022: 0.0}, 1.0)
    {2021: 0.0, 2022: 0.0}
    """
    usual = median([*observed.values(), whole])
    return {year: value for year, value in observed.items() if usual / BELIEVABLE <= value <= usual * BELIEVABLE}


def own_level(counted: Known, expected: Known, years: Iterable[int]) -> float:
    """What a place has of its own after the years in which it was counted: pupils over those expected by the ratio of
    the whole, both summed with `FORGETTING`, from `PRIOR` pupils as expected (gamma-Poisson, discounted).

    A roll that is what was expected leaves the level as it was.

    >>> own_level({2022: 0.0}, {2022: 70.0}, [2022])
    0.5
    >>> own_level({}, {}, [])
    1.0
    """
    pupils = should = PRIOR
    for year in sorted(years):
        pupils, should = FORGETTING * pupils + counted[year], FORGETTING * should + expected[year]
    return pupils / should
