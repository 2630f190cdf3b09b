"""Groups of (county, service) series with the same known years; history is prepended and noise smoothed away.

Crests, classes and trains are asked of the same smooth paths, so these are found once and handed to all three.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from forecast.waves.series import joined, stacked
from forecast.waves.smoothing import Course, find_courses
from forecast.waves.turns import Values, Whole

NOISY = 2.0
"""Sd of its noise within which nothing stands out clearly from a single noisy path. A course that follows short crests keeps
much of the noise: with 1.5, or with its own sd, a tenth to two fifths of level series at 5 % noise were not balanced."""


@dataclass(frozen=True)
class Cells:
    """Counties and services whose known years are the same."""

    places: list[tuple[str, str]]
    rows: list[int]  # their numbers among all counties and services, in the order of `stacked`
    first_year: int
    history: int  # so many of the first years were observed
    values: Values  # (cell, trajectory, year)
    courses: list[Course]
    smooth: Values  # (cell, trajectory, year)

    @property
    def judged(self) -> Values:
        """The paths (cell, trajectory, year) by which classes are judged; `smooth` but for single noisy paths."""
        if all(course.near is None for course in self.courses):
            return self.smooth
        return np.stack([course.follow(paths) for course, paths in zip(self.courses, self.values, strict=True)])

    @property
    def doubt(self) -> Values:
        """(cell,) `NOISY` sd of the noise of a single noisy path, in the unit of demand; 0 where none was smoothed away."""
        doubts = np.zeros(len(self.courses))
        for cell, course in enumerate(self.courses):
            if course.near is not None:
                doubts[cell] = NOISY * course.noise * (np.abs(self.values[cell]).mean() if course.in_logs else 1.0)
        return doubts

    def take(self, which: Whole | slice) -> Cells:
        """Some of the cells, by position; a slice copies nothing."""
        numbers = np.arange(len(self.rows))[which]
        return Cells(
            [self.places[cell] for cell in numbers],
            [self.rows[cell] for cell in numbers],
            self.first_year,
            self.history,
            self.values[which],
            [self.courses[cell] for cell in numbers],
            self.smooth[which],
        )

    def move(self, change: Values) -> Cells:
        """The same cells with `change` (cell, year) added to every path after the observed years, and smooth again."""
        years = np.arange(self.values.shape[2])
        values = self.values + np.where(years < self.history, 0.0, change)[:, None]
        in_logs = [course.in_logs for course in self.courses]
        if values.shape[1] > 1 and ((values > 0).all(axis=(1, 2)) == in_logs).all():
            courses = self.courses  # over trajectories they rest on the observed years alone
        else:
            courses = find_courses(values, self.history)
        smooth = _smoothed(courses, values)
        return Cells(self.places, self.rows, self.first_year, self.history, values, courses, smooth)


def smooth_cells(demand: xr.DataArray, history: xr.DataArray | None = None) -> list[Cells]:
    """Groups of counties and services that know the same years, as different services often do not.

    demand (trajectory?, county, year, service?), history (county, year, service?); the years of the history that
    `demand` does not have stand before it, unknown years at the ends are left out, and so is a series that is nowhere
    known. Raises InputRefused for a gap or an unknown value between known years.
    """
    years, paths, places = stacked(demand)
    before: dict[tuple[str, str], tuple[Whole, Values]] = {}
    if history is not None:
        earlier, observed, known = stacked(history)
        before = {place: (earlier, row[0]) for place, row in zip(known, observed, strict=True)}
    groups: dict[tuple[int, int, int], list[tuple[int, Values]]] = {}
    for row, place in enumerate(places):
        known_years, values, past = joined(years, paths[row], before.get(place), " ".join(place).strip())
        if len(known_years):
            groups.setdefault((int(known_years[0]), len(known_years), past), []).append((row, values))
    smoothed = []
    for (first, _, past), members in groups.items():
        rows = [row for row, _ in members]
        together = np.stack([values for _, values in members])
        courses = find_courses(together, past)
        smooth = _smoothed(courses, together)
        smoothed.append(Cells([places[row] for row in rows], rows, first, past, together, courses, smooth))
    return smoothed


def _smoothed(courses: list[Course], values: Values) -> Values:
    if not courses:
        return values
    return np.stack([course.apply(paths) for course, paths in zip(courses, values, strict=True)])
