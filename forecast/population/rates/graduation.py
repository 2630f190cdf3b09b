"""Age groups to single years of age, every group reproduced exactly.

The cumulated count is interpolated by a monotone cubic (Fritsch-Carlson), so no age is negative. The abscissa is not
age but the cumulated *weight* of the ages: with weights in proportion to births that survived, a group of equal
weights gives the classic spline on age, and a known trough of births (1960, 2003, 2021 in China) is not smoothed
away. Only the share of a group inside itself depends on the weights.

`graduate_pclm` is the penalised composite link model, for counts of one smooth force such as deaths.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from forecast.basics.dims import OPEN_AGE
from forecast.population.rates.interpolation import monotone_cubic


def graduate(
    counts: np.ndarray, starts: np.ndarray, weights: np.ndarray | None = None, breaks: tuple[int, ...] = ()
) -> np.ndarray:
    """Persons by single year of age from persons by age group.

    counts: (..., group) persons, not negative; starts: (group,) first age of each group, rising from 0, the last
    group is open; weights: (..., age 0..100) positive, by default all 1 (the spline on age); breaks: first ages of
    groups across which the curve is not drawn through (15, where migration for work begins and children's does not).
    Returns (..., age 0..100) persons; the sum over the ages of a group is the group to rounding (1e-12 relative).
    The open group is spread in proportion to the weights up to age 100, so give weights that fall with age.
    Raises ValueError on counts that are negative or missing, or starts that do not rise from 0.

    >>> graduate(np.array([5.0, 20.0]), np.array([0, 5])).sum().round(9).item()
    25.0
    """
    counts, starts = np.asarray(counts, float), np.asarray(starts, int)
    _check_groups(counts, starts)
    if weights is None:
        weights = np.ones(OPEN_AGE + 1)
    lead = counts.shape[:-1]
    weights = np.broadcast_to(weights, (*lead, OPEN_AGE + 1))
    if not (weights > 0).all():
        raise ValueError("weights must be positive")
    missing = sorted(set(breaks) - set(starts.tolist()))
    if missing:
        raise ValueError(f"breaks {missing} are not the first age of a group: {starts.tolist()}")
    nodes = np.append(starts, OPEN_AGE + 1)
    pieces = np.array([0, *sorted(breaks), OPEN_AGE + 1])
    single = np.empty((*lead, OPEN_AGE + 1))
    for first, end in pairwise(pieces):
        inside = (starts >= first) & (starts < end)
        bounds = nodes[(nodes >= first) & (nodes <= end)] - first
        single[..., first:end] = _through_groups(counts[..., inside], bounds, weights[..., first:end])
    open_start = starts[-1]
    tail = weights[..., open_start:]
    single[..., open_start:] = counts[..., -1:] * tail / tail.sum(-1, keepdims=True)
    return single


def _through_groups(counts: np.ndarray, bounds: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Counts by single age of one piece: monotone cubic of the cumulated counts over the cumulated weights."""
    if counts.shape[-1] == 1:
        return counts * weights / weights.sum(-1, keepdims=True)
    position, cumulated = _from_zero(weights), _from_zero(counts)
    return np.maximum(np.diff(monotone_cubic(position[..., bounds], cumulated, position)), 0.0)


def _from_zero(parts: np.ndarray) -> np.ndarray:
    """Cumulated along the last axis, with a zero in front."""
    return np.concatenate([np.zeros_like(parts[..., :1]), np.cumsum(parts, axis=-1)], axis=-1)


def graduate_pclm(
    counts: np.ndarray,
    starts: np.ndarray,
    weights: np.ndarray | None = None,
    smoothing: float | None = None,
    criterion: str = "aic",
) -> np.ndarray:
    """Persons (or deaths) by single year of age by the penalised composite link model.

    The counts of groups are Poisson with means that are sums of a smooth curve, weights times exp(b), by single age;
    second differences of b are penalised (Eilers 2007; Rizzi, Gampe and Eilers 2015, American Journal of
    Epidemiology 182). The fit alone does not give the groups back, so a last proportional step in every group does.
    Smoother than `graduate` inside groups and at their edges, for deaths and other counts of one smooth force; for
    populations with births that rose and fell give the weights, or use `graduate`.

    counts, starts, weights: as in `graduate` (the last group open, spread to age 100); smoothing: lambda, the weight
    of the penalty; by default the one of 10^-2, 10^-1.5, ... 10^6 at which the fit converges and that has the least
    `criterion`, "aic" or "bic".
    Returns (..., age 0..100), never negative, groups exact to rounding.
    Raises ValueError as `graduate`, with fewer than 3 groups, and where the fit converges nowhere.

    >>> graduate_pclm(np.array([10.0, 40.0, 30.0, 2.0]), np.array([0, 20, 40, 60]))[20:40].sum().round(9).item()
    40.0
    """
    counts, starts = np.asarray(counts, float), np.asarray(starts, int)
    _check_groups(counts, starts)
    if criterion not in ("aic", "bic"):
        raise ValueError(f"unknown criterion {criterion!r}; there are: aic, bic")
    weights = np.broadcast_to(1.0 if weights is None else weights, (*counts.shape[:-1], OPEN_AGE + 1))
    if not (weights > 0).all():
        raise ValueError("weights must be positive")
    if starts.size < 3:
        raise ValueError(f"a smooth curve needs at least 3 age groups, not {starts.size}")
    group = np.searchsorted(starts, np.arange(OPEN_AGE + 1), side="right") - 1
    belongs = (group == np.arange(starts.size)[:, None]).astype(float)
    cost = 2.0 if criterion == "aic" else float(np.log(starts.size))
    single = np.zeros((*counts.shape[:-1], OPEN_AGE + 1))
    for index in np.ndindex(*counts.shape[:-1]):
        if counts[index].sum() > 0:
            fitted = _smoothest(counts[index], belongs * weights[index], smoothing, cost)
            curve = weights[index] * np.exp(fitted)
            single[index] = curve * (counts[index] / (belongs @ curve))[group]
    return single


_LAMBDAS = 10.0 ** np.arange(-2, 6.5, 0.5)


def _smoothest(counts: np.ndarray, composition: np.ndarray, smoothing: float | None, cost: float) -> np.ndarray:
    """b by age at the given lambda, or at the one with the least deviance + cost x effective dimension."""
    flat = np.full(composition.shape[1], np.log(counts.sum() / composition.sum()))
    if smoothing is not None:
        return _composite_link(counts, composition, smoothing, flat)[0]
    best, least, start, failed = flat, np.inf, flat, None
    for penalty in _LAMBDAS[::-1]:  # from the stiffest curve on, each the start of the next
        try:
            start, deviance, dimension = _composite_link(counts, composition, float(penalty), start)
        except ValueError as error:
            failed = error
            continue
        if deviance + cost * dimension < least:
            best, least = start, deviance + cost * dimension
    if failed is not None and not np.isfinite(least):
        raise failed
    return best


def _composite_link(
    counts: np.ndarray, composition: np.ndarray, penalty: float, start: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """b, deviance and effective dimension by iterated weighted least squares."""
    roughness = np.diff(np.eye(start.size), 2, axis=0)
    stiff = penalty * roughness.T @ roughness

    def unlikely(b: np.ndarray) -> float:
        means = composition @ np.exp(b)
        return float((means - counts * np.log(means)).sum() + b @ stiff @ b / 2)

    b, now = start, unlikely(start)
    for _ in range(_MOST_ROUNDS):
        means = composition @ np.exp(b)
        design = composition * np.exp(b)
        inner = design.T @ (design / means[:, None])
        step = np.linalg.solve(inner + stiff, design.T @ ((counts - means + design @ b) / means)) - b
        size = float(np.abs(step).max())
        if size > _LONGEST_STEP:
            step *= _LONGEST_STEP / size
        while (then := unlikely(b + step)) > now and np.abs(step).max() > 1e-12:
            step /= 2
        b, gained, now = b + step, now - then, then
        b = np.maximum(b, b.max() - _DEEPEST)  # towards ages without anybody b would fall for ever
        if gained < 1e-9 * (1 + abs(now) * 1e-6):
            seen = counts > 0
            deviance = 2 * float((counts[seen] * np.log(counts[seen] / means[seen])).sum() + (means - counts).sum())
            return b, deviance, float(np.trace(np.linalg.solve(inner + stiff, inner)))
    raise ValueError(f"the composite link model did not converge at lambda {penalty:g}; give another smoothing")


_MOST_ROUNDS, _LONGEST_STEP, _DEEPEST = 500, 5.0, 40.0


def _check_groups(counts: np.ndarray, starts: np.ndarray) -> None:
    if starts[0] != 0 or (np.diff(starts) <= 0).any() or starts[-1] > OPEN_AGE:
        raise ValueError(f"age groups must rise from 0 to at most {OPEN_AGE}: {starts.tolist()}")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError("counts must be finite and not negative")


def by_birthday(counts: np.ndarray, late: float, born: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Persons of a count parted by whether they have a birthday before the year ends, both (..., age) by the age they
    have at 31 December: those who keep their age, and those who reach it. Nobody dies, moves or is born.

    counts: (..., age) by completed age at the count; late: share of the year after it. Of those aged a on 1 November,
    the share born in November or December turns a + 1: one sixth, or with `born` (births by year, newest first: this
    year, last year, ... of length age + 1) the share of those months in the two birth years that make up the age.
    """
    if born is None:
        turning = np.full(counts.shape[-1], late)
    else:
        this_year, year_before = born[..., :-1], born[..., 1:]
        turning = late * year_before / ((1 - late) * this_year + late * year_before)
    turning[..., -1] = late
    moving = counts * turning
    reached = np.zeros_like(moving)
    reached[..., 1:] = moving[..., :-1]
    reached[..., -1] += moving[..., -1]
    return counts - moving, reached


def census_weights(born: np.ndarray, alive: np.ndarray, late: float) -> np.ndarray:
    """Weights for `graduate` at a census: births of the two years that make up an age, alive.

    born: (age + 1,) births by year, newest first; alive: (age,) share of births alive at each age (L/l0); late: share
    of the year after the census.
    """
    weights: np.ndarray = ((1 - late) * born[:-1] + late * born[1:]) * alive
    return weights
