"""Noise of observed series, the smooth course under it, and how far noise alone can stand out.

The course f of y is the penalised least-squares smoother of Whittaker, with the third difference as its roughness:
sum w (y - f)^2 + lambda sum (diff3 f)^2, lambda by restricted maximum likelihood on a fixed grid (the mixed-model form:
f is a parabola plus a walk of third order, y is f plus noise). The same likelihood gives the sd of the noise. The
formula of SPECS 8.1, sd(second differences) / sqrt(6), takes the bend of a steep crest for noise (a crest of half the
base and sd 2 years reads as 2 % noise), and 3 sd let a crest be found in a quarter of flat series at 5 % noise.

Noise of a count grows with the count, so series that are positive throughout are smoothed in logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from forecast.waves import kernel
from forecast.waves.turns import Values

ORDER = 3
PENALTIES = np.concatenate([[1e-6], 10.0 ** np.arange(-3, 6, 0.5)])

FLOOR = 0.005
"""Noise below 0.5 % cannot heap up to the 5 % of the mean that a crest needs: it is left as it is."""

SHORTEST = 8
"""Years from which noise is judged: with fewer, five or less are left to tell noise from course."""

ALONE = 20
"""Years from which noise is judged without a history: in fewer, a step or a sharp crest reads as noise."""

SURE = 1e4
"""Weight of a forecast year against a year of noisy history: a forecast is not displaced by smoothing the past."""

FALSE_CRESTS = 0.03
"""Share of flat series in which noise of the same sd may pass for a crest."""

FLAT_SERIES = 1000

UNSEEN = 3.0
"""Times the noise of the history that a turn of a smooth forecast must stand out (SPECS 8.1)."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Course:
    """How one series is freed of its noise: `apply` for its paths, `least` for what noise can do."""

    smoother: Values | None  # (year, year); None where there is no noise to speak of
    in_logs: bool
    noise: float  # sd; a share of the level where `in_logs`
    multiple: float  # prominence, in units of `noise`, from which a turn is more than noise
    residuals: Values  # (noisy year,), as large as the noise was before the course followed it
    noisy: Flags  # (year,)

    def apply(self, paths: Values) -> Values:
        """The smooth course of paths (..., year); without noise the paths themselves."""
        if self.smoother is None:
            return paths
        smooth = (np.log(paths) if self.in_logs else paths) @ self.smoother.T
        smooth = np.exp(smooth) if self.in_logs else smooth
        return smooth if self.noisy.all() else np.where(self.noisy, smooth, paths)

    def again(self, path: Values, times: int, rng: np.random.Generator) -> Values:
        """Courses (times, year) as they would have come out with the residuals in another order (bootstrap)."""
        if self.smoother is None:
            return np.tile(path, (times, 1))
        drawn = np.zeros((times, len(path)))
        drawn[:, self.noisy] = rng.choice(self.residuals, (times, int(self.noisy.sum())))
        # what the noise does to the course is added to it; smoothing the course once more would flatten its crests
        course, moved = self.apply(path), drawn @ self.smoother.T
        moved[:, ~self.noisy] = 0.0
        return course * np.exp(moved) if self.in_logs else course + moved


def find_courses(values: Values, history: int) -> list[Course]:
    """The course of each cell of `values` (cell, trajectory, year), of which the first `history` years were observed.

    A single path is judged as a whole where its forecast years are as noisy as its history, or where there is too little
    history to tell; else, and always where there are trajectories, only its history is smoothed: the ups and downs of
    a trajectory are what may come, not noise, and so are the bends of a forecast that follows a smooth history.
    """
    cells, trajectories, years = values.shape
    positive = np.asarray((values > 0).all(axis=(1, 2)))
    paths = np.median(values, axis=1)
    scale = np.where(np.abs(paths).mean(axis=1) > 0, np.abs(paths).mean(axis=1), 1.0)
    paths = np.where(positive[:, None], np.log(np.where(paths > 0, paths, 1.0)), paths / scale[:, None])
    past, ahead = np.zeros(cells), np.zeros(cells)
    if history >= SHORTEST:
        past = _likeliest(paths[:, :history])[1]
    if trajectories == 1 and years - history >= SHORTEST and (history >= SHORTEST or years >= ALONE):
        ahead = _likeliest(paths[:, history:])[1]
    everywhere = (ahead >= FLOOR) & (ahead >= past / 2)
    if history >= SHORTEST:
        everywhere &= past >= FLOOR
    if trajectories == 1 and years - history < SHORTEST <= years:  # mostly history
        everywhere |= past >= FLOOR
    found = []
    for cell in range(cells):
        share = years if everywhere[cell] else history if past[cell] >= FLOOR else 0
        found.append(_course(paths[cell], share, float(scale[cell]), bool(positive[cell])))
    return found


def _course(path: Values, noisy: int, scale: float, in_logs: bool) -> Course:
    """Course of one path (year,) in logarithms, or as a share of `scale`; its first `noisy` years carry noise."""
    years = len(path)
    which = np.arange(years) < noisy
    if noisy == 0:
        return Course(None, in_logs, 0.0, 0.0, np.zeros(0), which)
    penalties, noises = _likeliest(path[None, :noisy])  # smooth forecast years would make the past look smoother
    penalty, noise = int(penalties[0]), float(noises[0])
    if noise < FLOOR:
        return Course(None, in_logs, noise, 0.0, np.zeros(0), np.zeros(years, dtype=bool))
    smoother = _smoother(years, noisy, penalty)
    rest = (path - smoother @ path)[which]
    freedom = max(noisy - float(np.trace(smoother[:noisy, :noisy])), 1.0)
    rest = (rest - rest.mean()) * np.sqrt(noisy / freedom)
    unit = 1.0 if in_logs else scale
    multiple = _multiple(years, noisy, penalty)
    if noisy < years:  # a forecast does not show the noise that is to come, so the bar of the specification stays
        multiple = max(multiple, UNSEEN)
    return Course(smoother, in_logs, noise * unit, multiple, rest * unit, which)


@cache
def _basis(years: int, noisy: int) -> tuple[Values, Values, Values]:
    """Roots of the weights (year,), roughness (component,) and components (year, component) of the weighted penalty."""
    roots = np.where(np.arange(years) < noisy, 1.0, np.sqrt(SURE))
    differences = np.diff(np.eye(years), ORDER, axis=0) / roots
    roughness, components = np.linalg.eigh(differences.T @ differences)
    roughness[:ORDER] = 0.0  # the parabola is not rough at all
    return roots, roughness, components


def _likeliest(paths: Values) -> tuple[NDArray[np.int64], Values]:
    """Number of the likeliest penalty and sd of the noise of paths (path, year); REML on the grid of penalties."""
    years = paths.shape[1]
    _, roughness, components = _basis(years, years)
    strength = (paths @ components)[:, ORDER:] ** 2
    share = PENALTIES[:, None] * roughness[ORDER:] / (1 + PENALTIES[:, None] * roughness[ORDER:])
    variance = strength @ share.T / (years - ORDER)
    criterion = (years - ORDER) * np.log(variance + 1e-300) - np.log(share).sum(axis=1)
    best = np.asarray(np.argmin(criterion, axis=1), dtype=np.int64)
    return best, np.sqrt(variance[np.arange(len(paths)), best])


@cache
def _smoother(years: int, noisy: int, penalty: int) -> Values:
    roots, roughness, components = _basis(years, noisy)
    return (components / (1 + PENALTIES[penalty] * roughness)) @ components.T * roots / roots[:, None]


@cache
def _multiple(years: int, noisy: int, penalty: int) -> float:
    """Prominence, in sd of the noise, that the highest crest of a smoothed flat series has in 3 % of such series."""
    noise = np.random.default_rng(0).standard_normal((FLAT_SERIES, years))
    noise[:, noisy:] = 0.0
    marks = np.empty_like(noise)
    smooth = np.ascontiguousarray(noise @ _smoother(years, noisy, penalty).T)
    kernel.mark_turns(smooth, np.zeros(FLAT_SERIES), marks)
    inner = marks[:, 1:-1].max(axis=1)
    return float(np.quantile(inner, 1 - FALSE_CRESTS))
