"""Ages in completed years: a group of ages is its first and its last age, both counted."""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, OPEN_AGE
from forecast.basics.issues import InputRefused, Issue

Ages = tuple[int, int]
"""First and last completed age, both counted."""

_LABEL = re.compile(r"(\d{1,3})(?:-(\d{1,3})|(\+))?")

MIGRATION_BANDS = (0, 5, 10, 15, 20, 25, 30, 40, 55, 65, 80)
"""First ages of the bands in which migration may differ from what mobility says, where a file gives no bands."""

FITTED_BANDS = (0, 5, 15, 20, 25, 30, 40, 55, 65, 80)
"""First ages of the bands in which migration of a history is pooled and may differ from what mobility says. Children of
5 to 14 are one: the errors of 5 to 9 and of 10 to 14 go together (correlation 0.6 in Sweden), and two bands that err
independently would make pupils too certain."""


def age_bounds(label: str) -> Ages:
    """First and last age of a label; an open group ends at the open age. Raises ValueError for what is no label.

    >>> age_bounds("1-4"), age_bounds("85+"), age_bounds("7")
    ((1, 4), (85, 100), (7, 7))
    """
    match = _LABEL.fullmatch(label)
    first, last = (int(match[1]), OPEN_AGE if match[3] else int(match[2] or match[1])) if match else (1, 0)
    if not first <= last <= OPEN_AGE:
        raise ValueError(f"age group {label!r} is not of the form 0, 1-4 or 85+, up to {OPEN_AGE}")
    return first, last


def age_groups(everybody: str, *labels: str) -> dict[str, Ages]:
    """First and last age by name of a group: `everybody` is the name of all ages, the others are labels.

    >>> age_groups("all", "0-2", "80+")
    {'all': (0, 100), '0-2': (0, 2), '80+': (80, 100)}
    """
    return {everybody: (0, OPEN_AGE), **{label: age_bounds(label) for label in labels}}


def in_ages(population: xr.DataArray, ages: Ages) -> xr.DataArray:
    """Persons of the ages (...); raises InputRefused where the population stops before the last age."""
    first, last = ages
    if last > int(population[AGE][-1]):
        raise InputRefused(Issue("E414", values={"dim": AGE, "labels": f"{int(population[AGE][-1]) + 1}-{last}"}))
    return population.sel({AGE: slice(first, last)}).sum(AGE, skipna=False)


def entering_ages(before: np.ndarray, births: np.ndarray) -> np.ndarray:
    """Persons who would be of an age at the year's end if nobody died or moved: (..., sex, age).

    before: (..., sex, age) at the start; births: (..., sex). The open group takes the last two.
    """
    entering = np.empty_like(before)
    entering[..., 0] = births
    entering[..., 1:] = before[..., :-1]
    entering[..., -1] += before[..., -1]
    return entering
