"""The projection's inner loops: one formula each, on bare [age, lane] arrays, imports numpy and numba only.

A lane is one county of one trajectory; lanes lie innermost, so that the loops vectorise. Inputs come first, `out`
last, and nothing is changed in place: stepping into a second buffer was 4 times faster than ageing in place (the
overlap of read and written rows kept the loop scalar). The loops stand apart from the labelled face because numba
cannot see xarray; `forecast.population.project` is their only caller and says what the arrays mean.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def age_on(start, sx, migrants, start_share, survived_share, end_share, out):  # type: ignore[no-untyped-def]
    """One sex, one year: people at the end of the year by age, ages 1 and over; never below zero.

    start: (age, lane) persons at the start; sx: (age, lane) survivorship ratio to the age;
    migrants: (age, lane) net persons; the shares say when they count: `start_share` of those one age younger is
    added before survival, `survived_share` bears the survival of the age, `end_share` is added after it.
    """
    last = start.shape[0] - 1
    for age in range(1, last):
        for lane in range(start.shape[1]):
            exposed = start[age - 1, lane] + start_share * migrants[age - 1, lane]
            value = sx[age, lane] * (exposed + survived_share * migrants[age, lane])
            out[age, lane] = max(value + end_share * migrants[age, lane], 0.0)
    for lane in range(start.shape[1]):
        exposed = start[last - 1, lane] + start[last, lane]
        exposed += start_share * (migrants[last - 1, lane] + migrants[last, lane])
        value = sx[last, lane] * (exposed + survived_share * migrants[last, lane])
        out[last, lane] = max(value + end_share * migrants[last, lane], 0.0)


@njit(nogil=True, cache=True)
def births_of(start, end, sx, migrants, asfr, first_age, shares, out):  # type: ignore[no-untyped-def]
    """Births of the year by lane: asfr times the mean of the women exposed at its start and at its end.

    start, end, sx, migrants: (age, lane) of women; asfr: (fertile age, lane), its first row is `first_age`;
    shares: (start_share, survived_share, in_exposure): the last is the part of the arrivals of the year's end
    that stands in the exposure. out: (lane,) births.
    """
    start_share, survived_share, in_exposure = shares
    for lane in range(out.shape[0]):
        out[lane] = 0.0
    for row in range(asfr.shape[0]):
        age = first_age + row
        for lane in range(out.shape[0]):
            arrived = start_share * migrants[age - 1, lane] + survived_share * migrants[age, lane]
            survivors = sx[age, lane] * (start[age - 1, lane] + arrived)
            at_end = survivors + in_exposure * (end[age, lane] - survivors)
            at_start = start[age, lane] + start_share * migrants[age, lane]
            out[lane] += asfr[row, lane] * 0.5 * (at_start + at_end)


@njit(nogil=True, cache=True)
def newborn(births, sx, migrants, survived_share, end_share, out):  # type: ignore[no-untyped-def]
    """Children of the year alive at its end, by lane; never below zero. births: (lane,) of one sex; sx: (lane,)."""
    for lane in range(births.shape[0]):
        value = sx[lane] * (births[lane] + survived_share * migrants[lane]) + end_share * migrants[lane]
        out[lane] = max(value, 0.0)


@njit(nogil=True, cache=True)
def project_lanes(baseline, sx, asfr, first_age, srb, migrants, shares, population, births):  # type: ignore[no-untyped-def]
    """Years in their order: age on, count births, add the newborn.

    baseline: (sex, age, lane) persons; sx, migrants: (year, sex, age, lane); asfr: (year, fertile age, lane);
    srb: (year, lane) boys per girl; shares: (start, survived, end, newborn survived, newborn end, in exposure);
    out: population (year + 1, sex, age, lane) with the baseline first, births (year, sex, lane). Sex 0 is female.
    """
    start_share, survived_share, end_share, infant_survived, infant_end, in_exposure = shares
    total = np.empty(baseline.shape[2])
    population[0] = baseline
    for year in range(sx.shape[0]):
        before, after = population[year], population[year + 1]
        for sex in range(2):
            age_on(
                before[sex],
                sx[year, sex],
                migrants[year, sex],
                start_share,
                survived_share,
                end_share,
                after[sex],
            )
        births_of(
            before[0],
            after[0],
            sx[year, 0],
            migrants[year, 0],
            asfr[year],
            first_age,
            (start_share, survived_share, in_exposure),
            total,
        )
        for lane in range(total.shape[0]):
            births[year, 0, lane] = total[lane] / (1.0 + srb[year, lane])
            births[year, 1, lane] = total[lane] - births[year, 0, lane]
        for sex in range(2):
            newborn(
                births[year, sex],
                sx[year, sex, 0],
                migrants[year, sex, 0],
                infant_survived,
                infant_end,
                after[sex, 0],
            )
