"""Levels of migration or births from which another class would be the likeliest one.

A lever moves the demand of every path alike: by as much as it moves the scenario's. Levels are tried outwards from the
baseline in steps, on both sides, and the first step in which the class is another is halved until the level is known
to a hundredth of the range. What turns twice within one step is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.waves.classes import CATEGORIES, UNDETERMINED, Supply, class_of_paths, class_shares, judged_cells
from forecast.waves.stacks import Cells
from forecast.waves.turns import Values, Whole

STEPS = 6
"""Steps from the lowest to the highest level of a lever."""

HALVINGS = 6
"""Halvings of the step in which the class turns, so that its level is known to a 384th of the range."""


@dataclass(frozen=True)
class Lever:
    """A change to the baseline: at `level` demand is higher by linear x level + bend x level^2.

    linear, bend: (cell, year), cells in the order of `series.stacked`, years from `first_year` on, known wherever demand
    is; persons: (cell,) a year at level 1; lowest, highest: levels that are tried, the baseline being 0.
    """

    driver: str
    linear: Values
    bend: Values
    first_year: int
    persons: Values
    lowest: float
    highest: float

    def change(self, cells: Cells, level: Values) -> Values:
        """(cell, year) demand that the levels (cell,) add to the cells; 0 in years that the lever does not know."""
        out = np.zeros((len(cells.rows), cells.values.shape[2]))
        positions = cells.first_year + np.arange(out.shape[1]) - self.first_year
        moved = (positions >= 0) & (positions < self.linear.shape[1])
        where = np.ix_(cells.rows, positions[moved])
        out[:, moved] = self.linear[where] * level[:, None] + self.bend[where] * level[:, None] ** 2
        return out


@dataclass(frozen=True)
class TippingLevel:
    """The class is `category` from where the driver is `persons` a year (`level` of its lever) off the baseline."""

    driver: str
    level: float
    persons: float
    category: str


def find_tipping(
    cells: Sequence[Cells], supply: Supply, levers: Sequence[Lever]
) -> Mapping[tuple[str, str], TippingLevel | None]:
    """For every place that has a class, the level nearest to the baseline at which another one is the likeliest.

    The first lever that turns it counts; None where none does within its range. To turn into `undetermined` is not to
    have another class. cells: `smooth_cells` of the baseline's demand.
    """
    levels: dict[tuple[str, str], TippingLevel | None] = {}
    for group in cells:
        judged = judged_cells(group, supply)
        base = _likeliest(judged, supply)
        left = np.arange(len(judged.rows))
        levels |= dict.fromkeys(judged.places)
        for lever in levers:
            some = judged.take(left)
            level, category = _turning(some, base[left], supply, lever)
            for cell in np.flatnonzero(np.isfinite(level)):
                persons = float(level[cell] * lever.persons[some.rows[cell]])
                name = CATEGORIES[category[cell]]
                levels[some.places[cell]] = TippingLevel(lever.driver, float(level[cell]), persons, name)
            left = left[np.isnan(level)]
    return levels


def _likeliest(cells: Cells, supply: Supply) -> Whole:
    return np.asarray(class_shares(class_of_paths(cells, supply)).argmax(axis=1), dtype=np.int64)


def _turning(cells: Cells, base: Whole, supply: Supply, lever: Lever) -> tuple[Values, Whole]:
    """(cell,) the level nearest to 0 from which the class is not `base`, NaN where there is none, and that class."""
    level, category = np.full(len(base), np.nan), base.copy()
    step = (lever.highest - lever.lowest) / STEPS
    for near in step * np.arange(STEPS):
        left = np.flatnonzero(np.isnan(level))
        for side in (-1, 1):
            if not len(left) or not lever.lowest - step / 2 < side * (near + step) < lever.highest + step / 2:
                continue
            turned, there = _class_at(cells, base, supply, lever, left, np.full(len(left), side * (near + step)))
            changed, there = left[turned], there[turned]
            if len(changed):
                reached, there = _halved(cells, base, supply, lever, changed, side * near, side * (near + step), there)
                nearer = ~(np.abs(level[changed]) <= np.abs(reached))
                level[changed[nearer]], category[changed[nearer]] = reached[nearer], there[nearer]
    return level, category


def _class_at(
    cells: Cells, base: Whole, supply: Supply, lever: Lever, which: Whole, level: Values
) -> tuple[NDArray[np.bool_], Whole]:
    """(which,) true where the class of these cells is another at their levels, and that class."""
    some = cells.take(which)
    there = _likeliest(some.move(lever.change(some, level)), supply)
    return (there != base[which]) & (there != UNDETERMINED), there


def _halved(
    cells: Cells, base: Whole, supply: Supply, lever: Lever, which: Whole, near: float, far: float, category: Whole
) -> tuple[Values, Whole]:
    """(which,) the level between `near`, where the class is the base, and `far`, where it is `category`."""
    inner, outer, beyond = np.full(len(which), near), np.full(len(which), far), category.copy()
    for _ in range(HALVINGS):
        middle = (inner + outer) / 2
        turned, there = _class_at(cells, base, supply, lever, which, middle)
        inner, outer = np.where(turned, inner, middle), np.where(turned, middle, outer)
        beyond = np.where(turned, there, beyond)
    return outer, beyond
