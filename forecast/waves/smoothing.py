"""Noise of observed series, the smooth course under it, and how far noise alone can stand out.

The course f of y is the penalised least-squares smoother of Whittaker, with the third difference as its roughness:
sum w (y - f)^2 + lambda sum (diff3 f)^2, lambda by restricted maximum likelihood on a fixed grid (the mixed-model form:
f is a parabola plus a walk of third order, y is f plus noise). The same likelihood gives the sd of the noise. The
usual formula, sd(second differences) / sqrt(6), takes the bend of a steep crest for noise (a crest of half the
base and sd 2 years reads as 2 % noise), and 3 sd let a crest be found in a quarter of flat series at 5 % noise.

Noise of a count grows with the count, so series that are positive throughout are smoothed in logarithms.

How far the time of a peak may be off is another question than where it is best put. The penalty that is best for the
whole course bends a lopsided crest towards its slower side, by half a year at 5 % noise, and no resampling of the
residuals can show a shift that every resampled course has as well. So the range is that of courses smoothed less
(`UNDERSMOOTHED`), whose shift is small beside their spread: undersmoothing rather than an estimate of the bias (Hall
1992, Annals of Statistics 20, 675-694, for the like problem of densities).

How long a crest lasts is a third question. One penalty for the whole series makes a crest of five years in a level series
as long as nine, and what is passing reads as lasting. Classes are judged by a course whose penalty is weighed anew for
every year, by how well each penalty foretells the years around from all others (cross-validation): flat where the series
is flat, close where it turns.
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

DRAWN = 1000
"""Courses by which the range of a peak is found; the same noise for all series, so they must be many."""

LEAST = 0.001
"""Noise below 0.1 % moves no peak by more than a few weeks: it is not asked how far."""

SHORTEST = 8
"""Years from which noise is judged: with fewer, five or less are left to tell noise from course."""

ALONE = 20
"""Years from which noise is judged without a history: in fewer, a step or a sharp crest reads as noise."""

SURE = 1e4
"""Weight of a forecast year against a year of noisy history: a forecast is not displaced by smoothing the past."""

UNDERSMOOTHED = 3
"""Steps of half a power of ten by which the penalty is lower for the range of a peak. Chosen among 0 to 4 on bells and on
gamma-shaped births passing through three ages (docs/waves.md); 4 makes longer ranges that are no better."""

AROUND = 4.0
"""Years (sd of a bell) around a year by which its penalty is weighed for classes. 2 to 8 do alike (docs/waves.md)."""

FALSE_CRESTS = 0.03
"""Share of flat series in which noise of the same sd may pass for a crest."""

FLAT_SERIES = 1000

UNSEEN = 3.0
"""Times the noise of the history that a turn of a smooth forecast must stand out; an assumption of this project."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Spread:
    """Other courses that one series might have had, for the range of its peaks; in logarithms where `in_logs`."""

    smoother: Values  # (year, year), smooths less than that of the course
    moves: Values  # (drawn, year), what noise of sd 1 does to the course
    noise: float
    in_logs: bool
    noisy: Flags  # (year,)

    def courses(self, path: Values, first: int, last: int) -> Values:
        """The years first to last (drawn, year) of the courses that path (year,) would have had with other noise.

        Noise is added to the path itself: smoothing the course once more would flatten its crests.
        """
        scaled, years = np.log(path) if self.in_logs else path, slice(first, last + 1)
        varied = self.smoother[years] @ scaled + self.noise * self.moves[:, years]
        return np.where(self.noisy[years], varied, scaled[years])


@dataclass(frozen=True)
class Course:
    """Smoother and noise of one series: `apply` frees its paths of noise."""

    smoother: Values | None  # (year, year); None where there is no noise to speak of
    in_logs: bool
    noise: float  # sd; a share of the level where `in_logs`
    multiple: float  # prominence, in units of `noise`, from which a turn is more than noise
    noisy: Flags  # (year,)
    spread: Spread | None = None  # None where noise does not move a peak, and over trajectories
    near: Values | None = None  # (year, year) smoother whose penalty differs by year; where a single path is all noisy

    def apply(self, paths: Values) -> Values:
        """The smooth course of paths (..., year); without noise the paths themselves."""
        if self.smoother is None:
            return paths
        smooth = self._smoothed(paths, self.smoother)
        return smooth if self.noisy.all() else np.where(self.noisy, smooth, paths)

    def follow(self, paths: Values) -> Values:
        """The course by which classes are judged: nearer to paths (..., year) where they turn than `apply`."""
        return self.apply(paths) if self.near is None else self._smoothed(paths, self.near)

    def _smoothed(self, paths: Values, smoother: Values) -> Values:
        smooth = (np.log(paths) if self.in_logs else paths) @ smoother.T
        return np.exp(smooth) if self.in_logs else smooth


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
    alike = ahead >= past / 2
    everywhere = alike & (ahead >= FLOOR)
    if history >= SHORTEST:
        everywhere &= past >= FLOOR
    if trajectories == 1 and years - history < SHORTEST <= years:  # mostly history
        everywhere |= past >= FLOOR
    courses = []
    for cell in range(cells):
        smoothed = years if everywhere[cell] else history if past[cell] >= FLOOR else 0
        unsure = smoothed
        if trajectories > 1:
            unsure = 0
        elif smoothed < years and max(past[cell], ahead[cell]) >= LEAST:
            unsure = years if alike[cell] else history
        courses.append(_course(paths[cell], smoothed, unsure, float(scale[cell]), bool(positive[cell])))
    return courses


def _course(path: Values, smoothed: int, unsure: int, scale: float, in_logs: bool) -> Course:
    """Course of one path (year,) in logarithms, or as a share of `scale`; its first `smoothed` years are smoothed, and
    the first `unsure` carry noise that moves a peak."""
    years, unit = len(path), 1.0 if in_logs else scale
    spread = _spread(path, unsure, unit, in_logs) if unsure else None
    if smoothed == 0:
        return Course(None, in_logs, 0.0, 0.0, np.zeros(years, dtype=bool), spread)
    penalty, noise = _fitting(path, smoothed)
    if noise < FLOOR:
        return Course(None, in_logs, noise, 0.0, np.zeros(years, dtype=bool), spread)
    multiple = _multiple(years, smoothed, penalty)
    if smoothed < years:  # a forecast does not show the noise that is to come, so the bar of the specification stays
        multiple = max(multiple, UNSEEN)
    which = np.arange(years) < smoothed
    near = _near(path, noise) if unsure and smoothed == years else None
    return Course(_smoother(years, smoothed, penalty), in_logs, noise * unit, multiple, which, spread, near)


def _spread(path: Values, noisy: int, unit: float, in_logs: bool) -> Spread:
    years = len(path)
    penalty, noise = _fitting(path, noisy)
    freer, moves = _moves(years, noisy, penalty)
    return Spread(freer, moves, noise * unit, in_logs, np.arange(years) < noisy)


def _fitting(path: Values, noisy: int) -> tuple[int, float]:
    """Number of the penalty for the first `noisy` years of path (year,), and the sd of their noise.

    Both are the likeliest of those years alone (smooth forecast years would make the past look smoother). A stiff
    course that must join a steep forecast can leave the years that were counted, so the penalty is lowered until the
    course misses them by no more than their noise.
    """
    penalties, noises = _likeliest(path[None, :noisy])
    penalty, noise = int(penalties[0]), float(noises[0])
    while penalty > 0 and _missed(path, noisy, penalty) > noise:
        penalty -= 1
    return penalty, noise


def _missed(path: Values, noisy: int, penalty: int) -> float:
    """Root mean square of path (year,) less its course, over the first `noisy` years."""
    left = (path - _smoother(len(path), noisy, penalty) @ path)[:noisy]
    return float(np.sqrt(np.mean(left**2)))


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
def _moves(years: int, noisy: int, penalty: int) -> tuple[Values, Values]:
    """The smoother with a lower penalty (year, year), and what it makes of drawn noise of sd 1 (drawn, year).

    The sd of the noise is itself only known as well as the years allow that the course leaves free (Student's law).
    """
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((DRAWN, years))
    noise[:, noisy:] = 0.0
    freedom = max(noisy - float(np.trace(_smoother(years, noisy, penalty)[:noisy, :noisy])), 1.0)
    noise *= np.sqrt(freedom / rng.chisquare(freedom, (DRAWN, 1)))
    freer = _smoother(years, noisy, max(penalty - UNDERSMOOTHED, 0))
    return freer, noise @ freer.T


@cache
def _smoothers(years: int) -> Values:
    """Smoothers (penalty, year, year) of so many years, one for each penalty of the grid."""
    return np.stack([_smoother(years, years, penalty) for penalty in range(1, len(PENALTIES))])


def _near(path: Values, noise: float) -> Values:
    """Smoother (year, year) of a path (year,) whose penalty is weighed by year: each by exp(-errors / 2 noise^2), errors
    being the squares of what it foretells of the years around, each from all others, less what came."""
    smoothers, years = _smoothers(len(path)), np.arange(len(path))
    alone = np.maximum(1 - np.diagonal(smoothers, axis1=1, axis2=2), 1e-3)  # what a year does not say of itself
    errors = ((path - smoothers @ path) / alone) ** 2
    around = errors @ np.exp(-(((years[:, None] - years) / AROUND) ** 2) / 2)
    weight = np.exp(-(around - around.min(axis=0)) / (2 * noise**2))
    return np.einsum("py,pyz->yz", weight / weight.sum(axis=0), smoothers)


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
