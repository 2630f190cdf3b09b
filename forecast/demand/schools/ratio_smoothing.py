"""Ratios carried ahead from those of the past: taken apart, smoothed along the years, chosen by rolling origins,
shrunk to the whole.

Series are logarithms, so that a ratio and its inverse are treated alike and a constant error is a constant
percentage. The ratios of a school system are one movement of all grades in a year (families come and go, private
schools open), a pattern of grades (repeaters, leavers), and what a place has of its own. Choices made: pattern and
places last, so that they are smoothed and stay; the movement comes and goes, so that it fades to its long mean, as net
migration does (autoregressive with a mean, Azose and Raftery 2015), and a total is never carried off by one year's
growth (damped trend, Gardner and McKenzie 1985). One smoothing serves all places and grades, because a choice per
grade follows noise: exponential (NCES), unless rolling origins show another to be better by more than one standard
error of the difference (Breiman et al. 1984, the rule for choices on few data). A trend is a candidate only from
`TREND_FROM` values on, since it has two more numbers to learn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Series = np.ndarray
"""(..., year), logarithms of ratios, no gaps."""

ALPHAS = tuple(step / 10 for step in range(1, 10))
"""Weights of the newest value that exponential smoothing may take; NCES takes 0.4 (Projections of Education Statistics,
appendix A)."""

PHI = 0.85
"""By how much a trend is damped in each further year (GLA pupil projections)."""

TREND_FROM = 4
LEADS = 5
LEAST_ORIGINS = 3
"""A trend needs so many values, and as many again to be tested; rolling origins look so many years ahead at most; a
standard error needs so many origins."""

FADE = 0.5
"""What is left a year later of the distance of the common movement from its long mean. Assumed: from 0 to 0.9 all do
better than 1 on real rolls of three countries (docs/accuracy/rolls.md); the middle is taken, not the best of them."""

MEAN_YEARS = 5
"""The long mean of the movement is expected to be nothing, with the weight of so many years. Assumed."""

MOVEMENT_FROM = 3
"""Below so many grades the movement of all cannot be told from the pattern of each."""

DEFAULT = "exponential"
"""The smoothing where the years do not show another to be better."""


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
    return ALPHAS[int(np.argmin([_squares(series, alpha) for alpha in ALPHAS]))]


def _squares(series: Series, alpha: float) -> float:
    """Sum of squared errors one year ahead, from two values on."""
    count = series.shape[-1]
    weights = np.zeros((count, count - 2))
    for year in range(2, count):
        weights[:year, year - 2] = _weights(year, alpha)
    return float(((series[..., 2:] - series @ weights) ** 2).sum())


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
    ahead: np.ndarray = level[..., None] + slope[..., None] * steps
    return ahead


SMOOTHERS: Mapping[str, Smoother] = {
    "last": Smoother(last_value, lambda count: 1.0),
    "3:2:1": Smoother(three_two_one, lambda count: {1: 1.0, 2: 13 / 25}.get(count, 14 / 36)),
    "mean_3": Smoother(mean_of_three, lambda count: 1 / min(3, count)),
    "median_5": Smoother(median_of_five, lambda count: 1.0 if count == 1 else np.pi / 2 / min(5, count)),
    "exponential": Smoother(exponential, lambda count: 0.5 if count > 1 else 1.0),
    "damped_trend": Smoother(damped_trend, lambda count: 0.7, least=TREND_FROM),
}
"""Name -> way of smoothing."""


@dataclass(frozen=True)
class Chosen:
    """Smoothing that serves each lead, and the errors of all that were tried (smoother, origin, lead), mean |log
    error|; NaN where the years end."""

    names: tuple[str, ...]
    errors: np.ndarray
    tried: tuple[str, ...]


def choose_smoothing(
    series: Series, size: np.ndarray, horizon: int, leads: int = LEADS, fades: bool = False, trends: bool = True
) -> Chosen:
    """The smoothing of each lead by rolling origins inside the series.

    series: (place, grade, year); size: (place, grade, year) pupils behind each value, which weigh the errors; fades:
    as for `carry`; trends: whether a trend is a candidate. At every origin each smoother is fitted and shrunk on the
    years up to it, and scored on the years after; lead h looks at the mean error over the leads 1..h. All are scored
    on the same origins.
    """
    count = series.shape[-1]
    tried = tuple(
        name
        for name, smoother in SMOOTHERS.items()
        if smoother.least <= max(1, count // 2) and (trends or name != "damped_trend")
    )
    first = max(SMOOTHERS[name].least for name in tried)
    leads = min(leads, horizon, count - first)
    if leads < 1:
        return Chosen((DEFAULT,) * horizon, np.full((len(tried), 0, 0), np.nan), tried)
    errors = np.stack([_errors(series, size, name, first, leads, fades) for name in tried])
    names = [tried[_better(errors[..., : lead + 1], tried.index(DEFAULT))] for lead in range(leads)]
    return Chosen((*names, *(names[-1:] * (horizon - leads))), errors, tried)


def _better(errors: np.ndarray, default: int) -> int:
    """The smoother with the least mean error, if it beats the default by more than one standard error over origins."""
    counted = np.isfinite(errors[0]).sum(-1)
    apart = np.nansum(errors - errors[default], axis=-1) / counted
    if apart.shape[1] < LEAST_ORIGINS:
        return default
    doubt = apart.std(axis=1, ddof=1) / np.sqrt(apart.shape[1])
    gain = np.where(apart.mean(1) < -doubt, apart.mean(1), 0.0)
    return int(np.argmin(gain)) if gain.min() < 0 else default


def _errors(series: Series, size: np.ndarray, name: str, first: int, leads: int, fades: bool) -> np.ndarray:
    """(origin, lead) mean |log error| weighted by pupils, origins from `first` values on."""
    count = series.shape[-1]
    errors = np.full((count - first, leads), np.nan)
    for row, origin in enumerate(range(first, count)):
        ahead = min(leads, count - origin)
        carried = carry(series[..., :origin], size[..., :origin], name, ahead, fades=fades)
        weight = size[..., origin : origin + ahead]
        missed = (abs(carried - series[..., origin : origin + ahead]) * weight).sum((0, 1))
        errors[row, :ahead] = missed / np.maximum(weight.sum((0, 1)), 1e-9)
    return errors


def carry(
    series: Series, size: np.ndarray, name: str, horizon: int, shrink: bool = True, fades: bool = False
) -> np.ndarray:
    """(place, grade, lead): the whole's course and of what each place has of its own the share n / (n + k).

    Shrinkage with k of each grade estimated by empirical Bayes (`shrinkage_constant`). Cells without pupils in any year take the
    whole's. fades: the movement of all grades fades to its long mean (`faded`), the pattern of grades is carried on by
    the smoothing named; only from `MOVEMENT_FROM` grades on. Without `shrink` the place's own course alone, whole as
    it is.
    """
    smoother = SMOOTHERS[name]
    if not shrink:
        return smoother.carry(series, horizon)
    whole = _whole(series, size)
    if fades and series.shape[1] >= MOVEMENT_FROM:
        movement = np.median(whole, axis=1, keepdims=True)
        course = faded(movement, horizon) + smoother.carry(whole - movement, horizon)
    else:
        course = smoother.carry(whole, horizon)
    if series.shape[0] == 1:
        return course
    weight = own_weight(series, size, smoother.noise(series.shape[-1]))[..., None]
    carried: np.ndarray = course + weight * smoother.carry(series - whole, horizon)
    return carried


def faded(movement: Series, horizon: int) -> np.ndarray:
    """(..., lead) a movement that is smoothed and returns to its long mean, by half of the distance a year.

    The long mean is that of the years seen, as far as they outweigh `MEAN_YEARS` years without any.

    >>> faded(np.full(10, 0.04), 3).round(4).tolist()
    [0.0333, 0.03, 0.0283]
    """
    years = movement.shape[-1]
    mean = movement.mean(-1, keepdims=True) * (years / (years + MEAN_YEARS))
    now = exponential(movement, 1)
    path: np.ndarray = mean + (now - mean) * FADE ** np.arange(1, horizon + 1)
    return path


def _whole(series: Series, size: np.ndarray) -> np.ndarray:
    """(1, grade, year) logarithm of the ratio of sums."""
    total = size.sum(0)
    sums = np.where(total > 0, (np.exp(series) * size).sum(0), 1.0)
    logs: np.ndarray = np.where(total > 0, np.log(sums / np.where(total > 0, total, 1.0)), series.mean(0))[None]
    return logs


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
    weights: np.ndarray = np.where(pupils > 0, weight, 0.0)
    return weights


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
        k: np.ndarray = np.where(noise > 0, np.where(true > 0, noise / np.where(true > 0, true, 1.0), np.inf), 0.0)
    return k


def _mean(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """(grade,) mean over places (and years) that are there."""
    mask = np.broadcast_to(there, values.shape)
    axes = (0,) if values.ndim == 2 else (0, 2)
    means: np.ndarray = np.where(mask, values, 0.0).sum(axes) / np.maximum(mask.sum(axes), 1)
    return means
