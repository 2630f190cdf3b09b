"""Stages by the cohorts that entered them.

Where entrants are counted for as many years as a stage has grades, every age of a stage is a cohort of entrants of its
own, instead of one ratio for all of them: pupils[y] = f sum over cohorts of entrants, f the pupils found per entrant
(repeaters, leavers, those who come later). A cohort that has entered is held against its own children in the year of
the last roll, one that enters later in the year of entry, so that whoever moves in or away after that is counted once,
by the people. The next stage is entered by passage: its entrants over the cohort that leaves, as observed; where leavers
are counted, passage is those who complete the stage times those of them who go on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from forecast.demand.schools.enrolments import Series
from forecast.demand.schools.ratio_paths import believable, level_path, ratio_path

Children = Callable[[int, int], float]
"""(age at the cut-off date, year) -> residents of the area, of any year: the nearest that is known where it is not."""


@dataclass(frozen=True)
class Stage:
    """What an area counts of one stage: pupils, entrants and leavers by year; ages: its first and last."""

    ages: tuple[int, int]
    pupils: Series
    entrants: Series
    leavers: Series

    @property
    def grades(self) -> int:
        return self.ages[1] - self.ages[0] + 1

    @property
    def by_cohorts(self) -> bool:
        """True where entrants are counted for as many years up to the last roll as the stage has grades."""
        last = max(self.pupils, default=0)
        return bool(self.pupils) and all(year in self.entrants for year in range(last - self.grades + 1, last + 1))


@dataclass(frozen=True)
class Intake:
    """A stage by cohorts of entrants: pupils per child (year, age), and who completes it, by calendar year.

    entrants: by year; found: pupils per entrant, by year; first and last of `years` bound all of them.
    """

    stage: Stage
    years: Sequence[int]
    children: Children
    entrants: Series
    found: Series

    def by_age(self) -> np.ndarray:
        """(year, age) pupils per child."""
        first, last = self.stage.ages
        return np.array([[self.per_child(year, age) for age in range(first, last + 1)] for year in self.years])

    def per_child(self, year: int, age: int) -> float:
        return self.found[year] * _held(self.stage, self.entrants, self.children, year, age)

    def leaving(self, year: int) -> float:
        """Pupils of the last grade of the year before, as many as are there a year older."""
        before = max(year - 1, self.years[0])
        return self.per_child(before, self.stage.ages[1]) * self.children(self.stage.ages[1] + 1, year)


def intake_of(stage: Stage, years: Sequence[int], children: Children, before: Intake | None = None) -> Intake:
    """The intake of a stage that is `by_cohorts`, for unbroken years; before: that of the stage it is entered from.
    Without one, entrants per child of the age of entry keep their smoothed level."""
    first = stage.ages[0]
    known = {year: persons / children(first, year) for year, persons in stage.entrants.items() if children(first, year)}
    known = believable(known, median(known.values()))  # a zero among usual years is a gap
    every = list(range(min(years) - stage.grades + 1, max(years) + 1))
    of_children = dict(zip(every, level_path(known, every).tolist(), strict=True))
    passage = _passage(stage, before, every) if before else {}
    entrants = {}
    for year in every:
        by_passage = before.leaving(year) * passage[year] if before and passage else 0.0
        expected = by_passage if passage and year > max(known) else of_children[year] * children(first, year)
        entrants[year] = stage.entrants[year] if year in known else expected
    size = {y: _size(stage, entrants, children, y) for y in stage.pupils if y > min(stage.entrants) + stage.grades - 2}
    observed = {year: stage.pupils[year] / persons for year, persons in size.items() if persons > 0}
    found = dict(zip(years, ratio_path(observed, years).tolist(), strict=True))
    return Intake(stage, years, children, entrants, found)


def _passage(stage: Stage, before: Intake, years: Sequence[int]) -> dict[int, float]:
    """Entrants over those who leave the stage before, by year; empty where no year shows it."""
    counted = [year for year in before.stage.entrants if before.years[0] < year + before.stage.grades <= max(years)]
    leaving = {year + before.stage.grades: before.leaving(year + before.stage.grades) for year in counted}
    completed, goes_on = _ratios(before.stage.leavers, leaving), _ratios(stage.entrants, before.stage.leavers)
    if completed and goes_on:
        path = ratio_path(completed, years) * ratio_path(goes_on, years)
    elif passed := _ratios(stage.entrants, leaving):
        path = ratio_path(passed, years)
    else:
        return {}
    return dict(zip(years, path.tolist(), strict=True))


def _ratios(of: Series, to: Series) -> dict[int, float]:
    return {year: of[year] / to[year] for year in sorted(set(of) & set(to)) if to[year] > 0}


def _size(stage: Stage, entrants: Series, children: Children, year: int) -> float:
    """Pupils of a year, were all entrants found in their stage."""
    ages = range(stage.ages[0], stage.ages[1] + 1)
    return sum(_held(stage, entrants, children, year, age) * children(age, year) for age in ages)


def _held(stage: Stage, entrants: Series, children: Children, year: int, age: int) -> float:
    """Entrants per child of the cohort of an age, held against its children of the year, at the latest of the last roll,
    or of the year of entry."""
    entry = year - (age - stage.ages[0])
    held = min(year, max(entry, max(stage.pupils)))
    persons = children(stage.ages[0] + held - entry, held)
    return entrants[entry] / persons if persons > 0 else 0.0
