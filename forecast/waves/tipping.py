"""At which level of migration or births another class would be the likeliest one.

A lever moves the demand of every path alike: by as much as it moves the scenario's. Levels are tried outwards from the
baseline in steps, on both sides, and the first step in which the class is another is halved until the level is known
to a hundredth of the range. What turns twice within one step is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.waves.classes import CATEGORIES, UNDETERMINED, Held, class_of_paths, class_shares, judged_cells
from forecast.waves.stacks import Cells
from forecast.waves.turns import Values, Whole

STEPS = 6
"""Steps from the lowest to the highest level of a lever."""

HALVINGS = 6
"""Halvings of the step in which the class turns, so that its level is known to a 384th of the range."""


@dataclass(frozen=True)
class Lever:
    """What may be otherwise than in the baseline: at `level` demand is higher by linear x level + bend x level^2.

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
        """(cell, year) what the levels (cell,) add to the cells' demand; nothing in years that the lever does not know."""
        out = np.zeros((len(cells.rows), cells.values.shape[2]))
        own = cells.first_year + np.arange(out.shape[1]) - self.first_year
        moved = (own >= 0) & (own < self.linear.shape[1])
        at = np.ix_(cells.rows, own[moved])
        out[:, moved] = self.linear[at] * level[:, None] + self.bend[at] * level[:, None] ** 2
        return out


@dataclass(frozen=True)
class TippingLevel:
    """The class is `category` from where the driver is `persons` a year (`level` of its lever) off the baseline."""

    driver: str
    level: float
    persons: float
    category: str


def find_tipping(
    cells: Sequence[Cells], held: Held, levers: Sequence[Lever]
) -> Mapping[tuple[str, str], TippingLevel | None]:
    """For every place that has a class, the level nearest to the baseline at which another one is the likeliest.

    The first lever that turns it counts; None where none does within its range. To turn into `undetermined` is not to
    have another class. cells: `smooth_cells` of the baseline's demand.
    """
    found: dict[tuple[str, str], TippingLevel | None] = {}
    for group in cells:
        own = judged_cells(group, held)
        base = _likeliest(own, held)
        left = np.arange(len(own.rows))
        found |= dict.fromkeys(own.places)
        for lever in levers:
            some = own.take(left)
            level, category = _turning(some, base[left], held, lever)
            for cell in np.flatnonzero(np.isfinite(level)):
                persons = float(level[cell] * lever.persons[some.rows[cell]])
                name = CATEGORIES[category[cell]]
                found[some.places[cell]] = TippingLevel(lever.driver, float(level[cell]), persons, name)
            left = left[np.isnan(level)]
    return found


def _likeliest(cells: Cells, held: Held) -> Whole:
    return np.asarray(class_shares(class_of_paths(cells, held)).argmax(axis=1), dtype=np.int64)


def _turning(cells: Cells, base: Whole, held: Held, lever: Lever) -> tuple[Values, Whole]:
    """(cell,) the level nearest to 0 from which the class is not `base`, NaN where there is none, and that class."""
    level, category = np.full(len(base), np.nan), base.copy()
    step = (lever.highest - lever.lowest) / STEPS
    for near in step * np.arange(STEPS):
        left = np.flatnonzero(np.isnan(level))
        for side in (-1, 1):
            if not len(left) or not lever.lowest - step / 2 < side * (near + step) < lever.highest + step / 2:
                continue
            turned, there = _class_at(cells, base, held, lever, left, np.full(len(left), side * (near + step)))
            own, there = left[turned], there[turned]
            if len(own):
                found, there = _halved(cells, base, held, lever, own, side * near, side * (near + step), there)
                nearer = ~(np.abs(level[own]) <= np.abs(found))
                level[own[nearer]], category[own[nearer]] = found[nearer], there[nearer]
    return level, category


def _class_at(
    cells: Cells, base: Whole, held: Held, lever: Lever, which: Whole, level: Values
) -> tuple[NDArray[np.bool_], Whole]:
    """(which,) whether the class of these cells is another at their levels, and the class."""
    some = cells.take(which)
    there = _likeliest(some.move(lever.change(some, level)), held)
    return (there != base[which]) & (there != UNDETERMINED), there


def _halved(
    cells: Cells, base: Whole, held: Held, lever: Lever, which: Whole, near: float, far: float, category: Whole
) -> tuple[Values, Whole]:
    """(which,) the level between `near`, where the class is the base, and `far`, where it is `category`."""
    inner, outer, found = np.full(len(which), near), np.full(len(which), far), category.copy()
    for _ in range(HALVINGS):
        middle = (inner + outer) / 2
        turned, there = _class_at(cells, base, held, lever, which, middle)
        inner, outer = np.where(turned, inner, middle), np.where(turned, middle, outer)
        found = np.where(turned, there, found)
    return outer, found
