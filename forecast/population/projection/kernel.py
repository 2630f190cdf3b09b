"""The projection's inner loops: one formula each, on bare arrays; imports numpy and what compiles only.

Three drivers share the formulas. `county_years` takes one county with given net migrants through its years, ages
contiguous, so that the loop over ages vectorises (deterministic runs are bound by memory, and this reads every rate
once). `system_years` takes the units of one migration system (counties, groups, or both) through their years
together, because who leaves one arrives in another. `lane_years` takes one county through its years for many
trajectories at once, the lane of trajectories innermost.

Inputs come first, what is filled comes last, and nothing is changed in place: stepping into a second buffer was four
times faster than ageing in place. The loops stand apart from the labelled face because numba cannot see xarray;
`forecast.population.projection.drivers` is their only caller and says what the arrays mean. All are serial and free of the
interpreter lock: a pool of threads over counties or systems is the only parallelism, so bits cannot depend on it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from forecast.basics.folders import compiled

FAST = {"nsz", "arcp", "contract", "reassoc", "nnan", "ninf"}  # inputs are finite: `project` has checked them


@compiled(fastmath=FAST)
def ages_on(start, sx, migrants, start_share, survived_share, end_share, out):  # type: ignore[no-untyped-def]
    """One sex, one year, ages 1 and over: people at the year's end, never below zero.

    start, sx, migrants, out: (age,) persons at the start, survivorship ratio to the age, net persons, people at the
    end. The shares say when migrants count: `start_share` of those one age younger is added before survival,
    `survived_share` bears the survival of the age, `end_share` is added after it.
    """
    last = start.shape[0] - 1
    zero = start.dtype.type(0)
    for age in range(1, last):
        exposed = start[age - 1] + start_share * migrants[age - 1] + survived_share * migrants[age]
        value = sx[age] * exposed + end_share * migrants[age]
        out[age] = value if value > zero else zero
    exposed = start[last - 1] + start[last] + start_share * (migrants[last - 1] + migrants[last])
    value = sx[last] * (exposed + survived_share * migrants[last]) + end_share * migrants[last]
    out[last] = value if value > zero else zero


@compiled(fastmath=FAST)
def births_of(start, end, sx, migrants, asfr, first_age, younger, start_share, survived_share, in_exposure):  # type: ignore[no-untyped-def]
    """Births of the year: asfr times the mean of the women exposed at its start and at its end.

    start, end, sx, migrants: (age,) of women; asfr: (fertile age,), its first row is `first_age`. `younger` is how
    much younger those exposed at the start are: 0 where asfr is by completed age, 1 where it is by the age reached at
    the year's end. `in_exposure` is the part of the arrivals of the year's end that stands in the exposure.
    Returns births of both sexes.
    """
    total = start.dtype.type(0)
    half = start.dtype.type(0.5)
    for row in range(asfr.shape[0]):
        age = first_age + row
        early = start_share * migrants[age - 1] + survived_share * migrants[age]
        survivors = sx[age] * (start[age - 1] + early)
        at_end = survivors + in_exposure * (end[age] - survivors)
        at_start = start[age - younger] + start_share * migrants[age - younger]
        total += asfr[row] * half * (at_start + at_end)
    return total


@compiled(fastmath=FAST)
def newborn(births, sx, migrants, survived_share, end_share):  # type: ignore[no-untyped-def]
    """Children of the year alive at its end, never below zero. All arguments are numbers of one sex."""
    value = sx * (births + survived_share * migrants) + end_share * migrants
    return value if value > births * 0 else births * 0


@compiled(fastmath=FAST)
def county_years(  # type: ignore[no-untyped-def]
    begin, stop, rows, baseline, sx, asfr, first_age, younger, srb, migrants, shares, population, births
):
    """Counties `begin` to `stop`, one after another, through all years: age on, count births, add the newborn.

    rows: (5, county) which row of baseline, sx, asfr, srb and migrants a county reads, so that shared rates lie in
    memory once; baseline: (row, sex, age) persons, sex 0 female; sx, migrants: (row, year, sex, age); asfr: (row, year,
    fertile age); srb: (row, year) boys per girl; first_age, younger: see `births_of`; shares: (start, survived, end,
    infant survived, infant end, in exposure), see `conventions.Timing`. Fills population (county, year + 1, sex, age)
    and births (county, year, sex).

    Where all migrants come at the year's end, the formulas of `ages_on` and `births_of` are written out with indices,
    without the terms that are zero: four times as fast in the cache and twice as fast from memory, because numba counts
    the references of each slice. The state stands in two buffers; `population` is written once and never read.
    """
    start_share, survived_share, end_share, infant_survived, infant_end, in_exposure = shares
    late = start_share == 0.0 and survived_share == 0.0 and in_exposure == 0.0 and first_age > 0
    last = baseline.shape[2] - 1
    before, after = np.empty((2, last + 1)), np.empty((2, last + 1))
    for county in range(begin, stop):
        b, s, f, g, m = rows[0, county], rows[1, county], rows[2, county], rows[3, county], rows[4, county]
        for sex in range(2):
            for age in range(last + 1):
                before[sex, age] = population[county, 0, sex, age] = baseline[b, sex, age]
        for year in range(sx.shape[1]):
            total = 0.0
            if late:
                for sex in range(2):
                    for age in range(1, last):
                        value = sx[s, year, sex, age] * before[sex, age - 1] + end_share * migrants[m, year, sex, age]
                        after[sex, age] = population[county, year + 1, sex, age] = value if value > 0.0 else 0.0
                    survivors = sx[s, year, sex, last] * (before[sex, last - 1] + before[sex, last])
                    value = survivors + end_share * migrants[m, year, sex, last]
                    after[sex, last] = population[county, year + 1, sex, last] = value if value > 0.0 else 0.0
                at_start, below = before[0, first_age - younger :], before[0, first_age - 1 :]
                ratio = sx[s, year, 0, first_age:]
                for row in range(asfr.shape[2]):
                    total += asfr[f, year, row] * 0.5 * (at_start[row] + ratio[row] * below[row])
            else:
                for sex in range(2):
                    ages_on(
                        before[sex], sx[s, year, sex], migrants[m, year, sex], start_share, survived_share, end_share,
                        after[sex],
                    )  # fmt: skip
                    for age in range(1, last + 1):
                        population[county, year + 1, sex, age] = after[sex, age]
                total = births_of(
                    before[0], after[0], sx[s, year, 0], migrants[m, year, 0], asfr[f, year], first_age, younger,
                    start_share, survived_share, in_exposure,
                )  # fmt: skip
            births[county, year, 0] = total / (1 + srb[g, year])
            births[county, year, 1] = total - births[county, year, 0]
            for sex in range(2):
                after[sex, 0] = population[county, year + 1, sex, 0] = newborn(
                    births[county, year, sex],
                    sx[s, year, sex, 0],
                    migrants[m, year, sex, 0],
                    infant_survived,
                    infant_end,
                )
            before, after = after, before


@compiled(fastmath=FAST)
def leavers(start, births, out_rate, out):  # type: ignore[no-untyped-def]
    """Persons of one sex who leave their unit in the year, by age at its end: rate times those who enter the age.

    start: (age,); births: number; out_rate: (age,); out: (age,).
    """
    last = start.shape[0] - 1
    out[0] = births * out_rate[0]
    for age in range(1, last):
        out[age] = start[age - 1] * out_rate[age]
    out[last] = (start[last - 1] + start[last]) * out_rate[last]


@compiled(fastmath=FAST)
def arrive(leaving, share, first_age, stop_age, migrants):  # type: ignore[no-untyped-def]
    """Adds to the net migrants of every unit the leavers of the others who go there.

    leaving: (unit, sex, age); share: (from, to, sex, age) of the leavers; migrants: (unit, sex, age), added to.
    """
    for origin in range(leaving.shape[0]):
        for target in range(leaving.shape[0]):
            for sex in range(2):
                for age in range(first_age, stop_age):
                    migrants[target, sex, age] += leaving[origin, sex, age] * share[origin, target, sex, age]


@compiled(fastmath=FAST)
def system_years(  # type: ignore[no-untyped-def]
    baseline, sx, asfr, first_age, younger, srb, arrivals, out_rate, share, newborn_share, shares, population, births
):
    """The units of one migration system through all years together.

    baseline: (unit, sex, age); sx, arrivals, out_rate: (unit, year, sex, age); asfr: (unit, year, fertile age);
    srb: (unit, year); share: (year or 1, from, to, sex, age) of the leavers of a unit who go to another (the rest go
    outside); newborn_share: (year or 1, unit of mother, unit of child), rows sum to one. Fills population
    (unit, year + 1, sex, age) and births (unit, year, sex), by unit of the child. Nobody gives birth below age 2.
    """
    start_share, survived_share, end_share, infant_survived, infant_end, in_exposure = shares
    units, ages = baseline.shape[0], baseline.shape[2]
    leaving = np.empty_like(baseline)
    migrants = np.empty_like(baseline)
    population[:, 0] = baseline
    for year in range(sx.shape[1]):
        to = share[min(year, share.shape[0] - 1)]
        belongs = newborn_share[min(year, newborn_share.shape[0] - 1)]
        for unit in range(units):
            for sex in range(2):
                leavers(population[unit, year, sex], 0.0, out_rate[unit, year, sex], leaving[unit, sex])
                for age in range(ages):
                    migrants[unit, sex, age] = arrivals[unit, year, sex, age] - leaving[unit, sex, age]
        arrive(leaving, to, 1, ages, migrants)
        births[:, year] = 0.0
        for unit in range(units):
            start, end = population[unit, year], population[unit, year + 1]
            for sex in range(2):
                ages_on(
                    start[sex], sx[unit, year, sex], migrants[unit, sex], start_share, survived_share, end_share,
                    end[sex],
                )  # fmt: skip
            total = births_of(
                start[0], end[0], sx[unit, year, 0], migrants[unit, 0], asfr[unit, year], first_age, younger,
                start_share, survived_share, in_exposure,
            )  # fmt: skip
            girls = total / (1 + srb[unit, year])
            for child in range(units):
                births[child, year, 0] += belongs[unit, child] * girls
                births[child, year, 1] += belongs[unit, child] * (total - girls)
        for unit in range(units):
            for sex in range(2):
                leaving[unit, sex, 0] = births[unit, year, sex] * out_rate[unit, year, sex, 0]
                migrants[unit, sex, 0] = arrivals[unit, year, sex, 0] - leaving[unit, sex, 0]
        arrive(leaving, to, 0, 1, migrants)
        for unit in range(units):
            for sex in range(2):
                end = population[unit, year + 1, sex]
                if start_share > 0:  # half of the migrants aged 0 count at age 1, and their number needed the births
                    ages_on(
                        population[unit, year, sex], sx[unit, year, sex], migrants[unit, sex], start_share,
                        survived_share, end_share, end,
                    )  # fmt: skip
                end[0] = newborn(
                    births[unit, year, sex], sx[unit, year, sex, 0], migrants[unit, sex, 0], infant_survived,
                    infant_end,
                )  # fmt: skip


def lane_array(shape: tuple[int, ...], kind: type[np.generic]) -> np.ndarray:
    """Array to be filled whose rows begin on a cache line where the lanes of a row fill whole lines.

    numpy begins its own at 16 bytes past one; then every second read of a vector takes two lines (a sixth of the time).
    """
    size = int(np.prod(shape))
    line = 64 // np.dtype(kind).itemsize
    room = np.empty(size + line, kind)
    skip = -room.ctypes.data % 64 // room.itemsize
    return room[skip : skip + size].reshape(shape)


def moves_of(fixed, slope, shares):  # type: ignore[no-untyped-def]
    """Moves that `one_year_lanes` takes, of net migrants that are fixed + level x slope persons by sex and age.

    fixed, slope: (sex, age); shares: see `county_years`. Returns (6, sex, age) persons: early, early slope, late, late
    slope, at start, at start slope. Early counts before survival, by the age it reaches, late after it. The early
    slope leaves out who arrived at the start: they are one age younger, maybe of another band, and stand in the last.
    """
    start_share, survived_share, end_share, infant_survived, infant_end, _ = shares
    moves = np.zeros((6, *fixed.shape))
    for row, persons in ((0, fixed), (1, slope)):
        moves[row] = survived_share * persons
        moves[row, :, 0] = infant_survived * persons[:, 0]
        moves[row + 2] = end_share * persons
        moves[row + 2, :, 0] = infant_end * persons[:, 0]
        moves[row + 4] = start_share * persons
    moves[0, :, 1:] += moves[4, :, :-1]
    moves[0, :, -1] += moves[4, :, -1]
    return moves


@compiled(fastmath=FAST)
def ages_on_lanes(start, sx, level, band, early, early_slope, late, late_slope, start_slope, out):  # type: ignore[no-untyped-def]
    """`ages_on` of one county and one sex for many trajectories; migrants of age a are fixed + level[band[a]] x slope.

    start, sx, out: (age, lane); level: (band, lane) how far migration is moved; band: (age,) row of `level`; the
    others: (age,) persons, see `moves_of`. Returns the persons clipped, summed row by row: one sum carried through all
    lanes would make each row wait for the one before.
    """
    last = start.shape[0] - 1
    zero = start.dtype.type(0)
    clipped = zero
    for age in range(1, last):
        own, below, lost = band[age], band[age - 1], zero
        e, es, m, ms, bs = early[age], early_slope[age], late[age], late_slope[age], start_slope[age - 1]
        for lane in range(start.shape[1]):
            exposed = start[age - 1, lane] + (e + level[own, lane] * es + level[below, lane] * bs)
            value = sx[age, lane] * exposed + (m + level[own, lane] * ms)
            kept = value if value > zero else zero
            lost += kept - value
            out[age, lane] = kept
        clipped += lost
    own, below, lost = band[last], band[last - 1], zero
    e, es, m, ms = early[last], early_slope[last] + start_slope[last], late[last], late_slope[last]
    bs = start_slope[last - 1]
    for lane in range(start.shape[1]):
        exposed = start[last - 1, lane] + start[last, lane] + (e + level[own, lane] * es + level[below, lane] * bs)
        value = sx[last, lane] * exposed + (m + level[own, lane] * ms)
        kept = value if value > zero else zero
        lost += kept - value
        out[last, lane] = kept
    return clipped + lost


@compiled(fastmath=FAST)
def ages_on_late_lanes(start, sx, level, band, late, late_slope, out):  # type: ignore[no-untyped-def]
    """`ages_on_lanes` where nobody arrives before survival, which is much quicker and the usual case."""
    last = start.shape[0] - 1
    zero = start.dtype.type(0)
    clipped = zero
    for age in range(1, last):
        own, m, ms, lost = band[age], late[age], late_slope[age], zero
        for lane in range(start.shape[1]):
            value = sx[age, lane] * start[age - 1, lane] + (m + level[own, lane] * ms)
            kept = value if value > zero else zero
            lost += kept - value
            out[age, lane] = kept
        clipped += lost
    own, m, ms, lost = band[last], late[last], late_slope[last], zero
    for lane in range(start.shape[1]):
        value = sx[last, lane] * (start[last - 1, lane] + start[last, lane]) + (m + level[own, lane] * ms)
        kept = value if value > zero else zero
        lost += kept - value
        out[last, lane] = kept
    return clipped + lost


@compiled(fastmath=FAST)
def births_of_lanes(  # type: ignore[no-untyped-def]
    start, end, sx, asfr, first_age, younger, fertility, level, band, moves, in_exposure, out
):
    """`births_of` for many trajectories. start, end, sx: (age, lane) of women; asfr: (fertile age,) at fertility 1;
    fertility: (lane,); level, band, moves: see `ages_on_lanes`. out: (lane,) births of both sexes, persons."""
    zero, half = start.dtype.type(0), start.dtype.type(0.5)
    for lane in range(out.shape[0]):
        out[lane] = zero
    for row in range(asfr.shape[0]):
        age = first_age + row
        early = age - younger
        rate = asfr[row] * half
        e, es, bs = moves[0, age], moves[1, age], moves[5, age - 1]
        b, bbs = moves[4, early], moves[5, early]
        if in_exposure == zero and e == zero and es == zero and bs == zero and b == zero and bbs == zero:
            for lane in range(out.shape[0]):  # all arrivals come too late to count: half of the arithmetic less
                out[lane] += rate * (start[early, lane] + sx[age, lane] * start[age - 1, lane])
        else:
            own, below, before = band[age], band[age - 1], band[early]
            for lane in range(out.shape[0]):
                exposed = start[age - 1, lane] + (e + level[own, lane] * es + level[below, lane] * bs)
                survivors = sx[age, lane] * exposed
                at_end = survivors + in_exposure * (end[age, lane] - survivors)
                out[lane] += rate * (start[early, lane] + (b + level[before, lane] * bbs) + at_end)
    for lane in range(out.shape[0]):
        out[lane] *= fertility[lane]


@compiled(fastmath=FAST)
def newborn_lanes(births, sex_share, sx, level, band, moves, out):  # type: ignore[no-untyped-def]
    """`newborn` for many trajectories. births, sx, out: (lane,); sex_share: of the births; level, band, moves: see
    `ages_on_lanes`. Returns the persons clipped."""
    zero = births.dtype.type(0)
    clipped = zero
    own = band[0]
    early, early_slope, late, late_slope = moves[0, 0], moves[1, 0], moves[2, 0], moves[3, 0]
    for lane in range(births.shape[0]):
        born = births[lane] * sex_share + (early + level[own, lane] * early_slope)
        value = sx[lane] * born + (late + level[own, lane] * late_slope)
        kept = value if value > zero else zero
        clipped += kept - value
        out[lane] = kept
    return clipped


@compiled(fastmath=FAST)
def one_year_lanes(  # type: ignore[no-untyped-def]
    start, sx, asfr, first_age, younger, fertility, girls, level, band, moves, in_exposure, births, end
):
    """One year of one county for many trajectories: age on, count births, add the newborn.

    start, sx, end: (sex, age, lane), fastest as `lane_array` with 64 to 128 lanes, a multiple of 32, so that no lane is
    left over from the vectors; asfr: (fertile age,) of the year at fertility 1; fertility: (lane,); girls: share of
    girls at birth; level: (band, lane) how far migration is moved; band: (age,) int64, the band of each age; moves:
    (6, sex, age) of the year, see `moves_of`; births: (lane,) of both sexes, persons. Fills births and end. Returns
    the persons clipped.
    """
    zero = start.dtype.type(0)
    clipped = zero
    for sex in range(2):
        early, early_slope, late, late_slope = moves[0, sex], moves[1, sex], moves[2, sex], moves[3, sex]
        start_slope = moves[5, sex]
        before = zero  # whether anybody arrives before survival
        for age in range(1, early.size):
            before += abs(early[age]) + abs(early_slope[age]) + abs(start_slope[age - 1]) + abs(start_slope[age])
        if before == zero:
            clipped += ages_on_late_lanes(start[sex], sx[sex], level, band, late, late_slope, end[sex])
        else:
            clipped += ages_on_lanes(
                start[sex], sx[sex], level, band, early, early_slope, late, late_slope, start_slope, end[sex]
            )
    births_of_lanes(
        start[0], end[0], sx[0], asfr, first_age, younger, fertility, level, band, moves[:, 0], in_exposure, births
    )
    boys = start.dtype.type(1) - girls
    for sex in range(2):
        share = girls if sex == 0 else boys
        clipped += newborn_lanes(births, share, sx[sex, 0], level, band, moves[:, sex], end[sex, 0])
    return clipped


def keeps_code() -> bool:
    """True where machine code can be kept for the next start (`folders.compiled`)."""
    return getattr(getattr(county_years, "_cache", None), "cache_path", None) is not None


def compiled_before() -> bool:
    """True where machine code of an earlier start lies in the cache, so that the first projection need not compile.

    numba offers no public way to ask; where it changes, this says False, and a user reads one message too many.
    """
    cache = getattr(getattr(county_years, "_cache", None), "cache_path", None)
    return cache is not None and any(Path(cache).glob("kernel.county_years*.nbi"))
