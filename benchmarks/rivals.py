"""The projection written in other ways, to be timed in the same run: plain loops, and numpy over all counties."""

from __future__ import annotations

import numpy as np

Arrays = np.ndarray


def plain_loops(baseline: Arrays, sx: Arrays, asfr: Arrays, first_age: int, srb: Arrays, migrants: Arrays) -> Arrays:
    """One county in plain Python, migrants at the year's end. baseline: (sex, age); returns (year + 1, sex, age)."""
    years, _, ages = sx.shape
    people = [baseline.tolist()]
    ratio, fertility, moves = sx.tolist(), asfr.tolist(), migrants.tolist()
    for year in range(years):
        before, after = people[-1], [[0.0] * ages, [0.0] * ages]
        births = 0.0
        for sex in range(2):
            for age in range(1, ages):
                alone = before[sex][age - 1] + (before[sex][age] if age == ages - 1 else 0.0)
                survivors = alone * ratio[year][sex][age]
                if sex == 0 and 0 <= age - first_age < len(fertility[year]):
                    births += fertility[year][age - first_age] * 0.5 * (before[0][age] + survivors)
                after[sex][age] = max(survivors + moves[year][sex][age], 0.0)
        girls = births / (1 + srb[year])
        for sex, born in enumerate((girls, births - girls)):
            after[sex][0] = max(born * ratio[year][sex][0] + moves[year][sex][0], 0.0)
        people.append(after)
    return np.array(people)


def numpy_over_counties(
    baseline: Arrays, sx: Arrays, asfr: Arrays, first_age: int, srb: Arrays, migrants: Arrays
) -> Arrays:
    """All counties at once, year by year. baseline: (county, sex, age); returns (county, year + 1, sex, age)."""
    counties, years, _, ages = sx.shape
    people = np.empty((counties, years + 1, 2, ages))
    people[:, 0] = baseline
    fertile = slice(first_age, first_age + asfr.shape[2])
    for year in range(years):
        before = people[:, year]
        survivors = np.empty_like(before)
        survivors[:, :, 1:] = before[:, :, :-1]
        survivors[:, :, -1] += before[:, :, -1]
        survivors[:, :, 1:] *= sx[:, year, :, 1:]
        exposed = 0.5 * (before[:, 0, fertile] + survivors[:, 0, fertile])
        births = (asfr[:, year] * exposed).sum(axis=1)
        girls = births / (1 + srb[:, year])
        survivors[:, 0, 0] = girls * sx[:, year, 0, 0]
        survivors[:, 1, 0] = (births - girls) * sx[:, year, 1, 0]
        np.maximum(survivors + migrants[:, year], 0.0, out=people[:, year + 1])
    return people
