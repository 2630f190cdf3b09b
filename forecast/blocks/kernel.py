"""One county through its years in many trajectories: people age on and become need while they are in the cache.

The loop only composes the leaves of `forecast.population.projection.kernel` and `forecast.demand.kernel`; it is compiled because
a Python call a year would cost more than the year. `forecast.blocks.rows` is its only caller.
"""

from __future__ import annotations

from forecast.basics.folders import compiled
from forecast.demand.kernel import weigh_ages
from forecast.population.projection.kernel import one_year_lanes


@compiled()
def county_rows(  # type: ignore[no-untyped-def]
    baseline, newborn, sx, asfr, first_age, younger, fertility, girls, level, band, moves, in_exposure, weights, first,
    stop, start, end, births, need, out,
):  # fmt: skip
    """baseline: (sex, age); newborn: (young age, lane) multiplier of the baseline; sx: (year, sex, age, lane); asfr: (year, fertile age); fertility: (year, lane); girls:
    (year,); level: (year, band, lane); band: (age,); moves: (year, 6, sex, age); weights: (year, row, sex, age), the
    ages `first` to `stop` - 1 of a row; start, end: (sex, age, lane), births: (lane,) and need: (row, lane) are buffers.
    Fills out (row + 1, year, lane): the rows, and last the births. Returns the persons clipped.
    """
    for sex in range(baseline.shape[0]):
        for age in range(baseline.shape[1]):
            for lane in range(start.shape[2]):
                start[sex, age, lane] = baseline[sex, age] * (newborn[age, lane] if age < newborn.shape[0] else 1)
    clipped = 0.0
    for year in range(sx.shape[0]):
        clipped += one_year_lanes(
            start, sx[year], asfr[year], first_age, younger, fertility[year], girls[year], level[year], band,
            moves[year], in_exposure, births, end,
        )  # fmt: skip
        weigh_ages(end, weights[year], first, stop, need)
        for lane in range(births.shape[0]):
            for row in range(need.shape[0]):
                out[row, year, lane] = need[row, lane]
            out[need.shape[0], year, lane] = births[lane]
        start, end = end, start
    return clipped
