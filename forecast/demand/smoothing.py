"""What a ratio of the past is expected to be: smoothed along the years, chosen by rolling origins, shrunk to the
whole.

Series are logarithms, so that a ratio and its inverse are treated alike and a constant error is a constant
percentage. Choices made: one smoothing serves all places and grades (of a stage), because a choice per grade follows
noise; it is chosen for each lead by the mean error over the leads up to it, because a short memory is better next
year and a long one in five; a trend is a candidate only from `TREND_FROM` values on, since it has two more numbers
to learn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Series = np.ndarray
"""(..., year), logarithms of ratios, no gaps."""

ALPHAS = tuple(step / 10 for step in range(1, 10))
"""Weights of the newest value that exponential smoothing may take (SPECS 1.3: 0.1 to 0.9)."""

PHI = 0.85
"""By how much a trend is damped in each further year (GLA pupil projections)."""

TREND_FROM = 4
LEADS = 5
"""A trend needs so many values, and as many again to be tested; rolling origins look so many years ahead at most."""


@dataclass(frozen=True)
class Smoother:
    """A way to carry a series on: `carry(series, horizon)` gives (..., lead); `noise(count)` is the variance of its
    first value per unit of variance of one year's noise, from `count` years."""

    carry: Callable[[Series, int], np.ndarray]
    noise: Callable[[int], float]
    least: int = 1


def _level(values: np.ndarray, horizon: int) -> np.ndarray:
    return np.repeat(values[..., None], horizon, axis=-1)


def last_value(series: Series, horizon: int) -> np.ndarray:
    """The newest value."""
    return _level(series[..., -1], horizon)


def mean_of_three(series: Series, horizon: int) -> np.ndarray:
    """The mean of the last three values, or of as many as there are."""
    return _level(series[..., -3:].mean(-1), horizon)


def three_two_one(series: Series, horizon: int) -> np.ndarray:
    """Weights 3:2:1 on the last three values, the newest first; 3:2 on two.

    >>> three_two_one(np.array([6.0, 0.0, 0.0]), 1).item()
    1.0
    """
    count = min(3, series.shape[-1])
    weights = np.arange(4 - count, 4, dtype=float)
    return _level((series[..., -count:] * weights).sum(-1) / weights.sum(), horizon)


def median_of_five(series: Series, horizon: int) -> np.ndarray:
    """The median of the last five values, or of as many as there are."""
    return _level(np.median(series[..., -5:], axis=-1), horizon)


def _weights(count: int, alpha: float) -> np.ndarray:
    """(year,) weights (1 - alpha)^k of values k years old, adding up to 1: alpha 0 would be the plain mean."""
    raw: np.ndarray = (1 - alpha) ** np.arange(count - 1, -1, -1)
    shares: np.ndarray = raw / raw.sum()
    return shares


def fit_alpha(series: Series) -> float:
    """The weight of the newest value with the least squared error one year ahead, over all series together.

    From two values there is no error to tell weights apart: then 0.4 (NCES).
    """
    count = series.shape[-1]
    if count < 3:
        return 0.4
    squares = [
        sum(
            float(((series[..., year] - series[..., :year] @ _weights(year, alpha)) ** 2).sum())
            for year in range(2, count)
        )
        for alpha in ALPHAS
    ]
    return ALPHAS[int(np.argmin(squares))]


def exponential(series: Series, horizon: int, alpha: float | None = None) -> np.ndarray:
    """Single exponential smoothing, weights alpha (1 - alpha)^k made to add up to 1; alpha fitted if not given.

    >>> round(exponential(np.array([0.0, 1.0]), 1, alpha=0.4).item(), 9)
    0.625
    """
    weight = fit_alpha(series) if alpha is None else alpha
    return _level(series @ _weights(series.shape[-1], weight), horizon)


def damped_trend(series: Series, horizon: int, alpha: float = 0.6, beta: float = 0.3) -> np.ndarray:
    """Level and slope, both smoothed, the slope damped by `PHI` each year."""
    level, slope = series[..., 0], np.zeros(series.shape[:-1])
    for year in range(1, series.shape[-1]):
        expected = level + PHI * slope
        new = alpha * series[..., year] + (1 - alpha) * expected
        slope = beta * (new - level) + (1 - beta) * PHI * slope
        level = new
    steps = np.cumsum(PHI ** np.arange(1, horizon + 1))
    found: np.ndarray = level[..., None] + slope[..., None] * steps
    return found


SMOOTHERS: Mapping[str, Smoother] = {
    "last": Smoother(last_value, lambda count: 1.0),
    "3:2:1": Smoother(three_two_one, lambda count: {1: 1.0, 2: 13 / 25}.get(count, 14 / 36)),
    "mean_3": Smoother(mean_of_three, lambda count: 1 / min(3, count)),
    "median_5": Smoother(median_of_five, lambda count: 1.0 if count == 1 else np.pi / 2 / min(5, count)),
    "exponential": Smoother(exponential, lambda count: 0.5 if count > 1 else 1.0),
    "damped_trend": Smoother(damped_trend, lambda count: 0.7, least=TREND_FROM),
}
"""Name -> way of smoothing. The first is taken where the years cannot tell them apart: with two values nothing has
been learnt about how the series moves."""


@dataclass(frozen=True)
class Chosen:
    """Which smoothing serves each lead, and the errors of all that were tried (smoother, lead), mean |log error|."""

    names: tuple[str, ...]
    errors: np.ndarray
    tried: tuple[str, ...]


def choose_smoothing(series: Series, size: np.ndarray, horizon: int, leads: int = LEADS) -> Chosen:
    """The smoothing of each lead by rolling origins inside the series.

    series: (place, grade, year); size: (place, grade, year) pupils behind each value, which weigh the errors. At every
    origin each smoother is fitted and shrunk on the years up to it, and scored on the years after; lead h takes the
    one with the least mean error over the leads 1..h. All are scored on the same origins.
    """
    count = series.shape[-1]
    tried = tuple(name for name, smoother in SMOOTHERS.items() if smoother.least <= max(1, count // 2))
    first = max(SMOOTHERS[name].least for name in tried)
    leads = min(leads, count - first)
    if leads < 1:
        return Chosen(("last",) * horizon, np.full((len(tried), 0), np.nan), tried)
    errors = np.stack([_errors_by_lead(series, size, name, first, leads) for name in tried])
    up_to = np.cumsum(errors, axis=1)
    names = tuple(tried[int(np.argmin(up_to[:, min(lead, leads - 1)]))] for lead in range(horizon))
    return Chosen(names, errors, tried)


def _errors_by_lead(series: Series, size: np.ndarray, name: str, first: int, leads: int) -> np.ndarray:
    """(lead,) mean |log error| weighted by pupils, over all origins from `first` values on."""
    count = series.shape[-1]
    sums, weights = np.zeros(leads), np.zeros(leads)
    for origin in range(first, count):
        ahead = min(leads, count - origin)
        carried = carry(series[..., :origin], size[..., :origin], name, ahead)
        weight = size[..., origin : origin + ahead]
        sums[:ahead] += (abs(carried - series[..., origin : origin + ahead]) * weight).sum((0, 1))
        weights[:ahead] += weight.sum((0, 1))
    return sums / np.where(weights > 0, weights, 1.0)


def carry(series: Series, size: np.ndarray, name: str, horizon: int, shrink: bool = True) -> np.ndarray:
    """(place, grade, lead): each place's own course and the whole's, smoothed alike, own weight n / (n + k).

    SPECS 0.2, with k of each grade estimated (`shrinkage_constant`). Cells without pupils in any year take the
    whole's. Without `shrink` the place's own course alone.
    """
    smoother = SMOOTHERS[name]
    own = smoother.carry(series, horizon)
    if series.shape[0] == 1 or not shrink:
        return own
    whole = smoother.carry(_whole(series, size), horizon)
    weight = own_weight(series, size, smoother.noise(series.shape[-1]))[..., None]
    found: np.ndarray = weight * own + (1 - weight) * whole
    return found


def _whole(series: Series, size: np.ndarray) -> np.ndarray:
    """(1, grade, year) logarithm of the ratio of sums."""
    total = size.sum(0)
    found: np.ndarray = np.log((np.exp(series) * size).sum(0) / np.where(total > 0, total, 1.0))[None]
    filled: np.ndarray = np.where(total > 0, found, series.mean(0))
    return filled


def own_weight(series: Series, size: np.ndarray, noise: float) -> np.ndarray:
    """(place, grade) weight of the place's own course, n / (n + k); 0 where it has no pupils.

    n: mean pupils a year. One year cannot part noise from difference: own weight 1 where there are pupils.
    """
    pupils = size.mean(-1)
    if series.shape[-1] < 2:
        present: np.ndarray = (pupils > 0).astype(float)
        return present
    constant = shrinkage_constant(series, size) * noise
    with np.errstate(invalid="ignore"):
        weight = np.where(np.isinf(constant), 0.0, pupils / (pupils + constant))
    found: np.ndarray = np.where(pupils > 0, weight, 0.0)
    return found


def shrinkage_constant(series: Series, size: np.ndarray) -> np.ndarray:
    """(grade,) k per unit of noise: the pupils at which noise is as wide as the true difference between places.

    Empirical Bayes by moments on d = own - whole: the variance of one year per pupil is v = mean of n (change of
    d)^2 / 2, what remains of the variance of the places' means after v / n / years is the true difference tau^2, k =
    v / tau^2. Infinite where the places differ no more than noise.
    """
    apart = series - _whole(series, size)
    pupils = size.mean(-1)
    there = pupils > 0
    years = series.shape[-1]
    noise = _mean(pupils[..., None] * np.diff(apart, axis=-1) ** 2 / 2, there[..., None])
    means = apart.mean(-1)
    centre = _mean(means, there)
    seen = _mean((means - centre) ** 2, there) * there.sum(0) / np.maximum(there.sum(0) - 1, 1)
    by_noise = _mean(noise / np.where(there, pupils, 1.0), there) / years
    true = seen - by_noise
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = np.where(noise > 0, np.where(true > 0, noise / np.where(true > 0, true, 1.0), np.inf), 0.0)
    return found


def _mean(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(grade,) mean over places (and years) that are there."""
    mask = np.broadcast_to(there, values.shape)
    axes = (0,) if values.ndim == 2 else (0, 2)
    found: np.ndarray = np.where(mask, values, 0.0).sum(axes) / np.maximum(mask.sum(axes), 1)
    return found
