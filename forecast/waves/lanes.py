"""Crests of all trajectories of a county and service in one pass; imports numpy, numba and the leaves beside it only.

The trajectories lie innermost, side by side, so that a year of all of them is one row, and what is asked of a year is
asked of the whole row without a branch. What is found goes at once into heaps of crest years, so that nothing but the
turns of a wave outlives its county and service. Serial and free of the interpreter lock, as the leaves of `kernel`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from forecast.waves.kernel import mark_path

NEIGHBOURS = np.array([1.0, 2.0, 3.0, 2.0, 1.0])
"""Weights (over their sum) by which counts of crest years are smoothed before heaps are told apart."""

DIP = 0.25
"""Two heaps are two waves if the count between them falls by so much of the smaller one."""

CHANCE = 3.0
"""Times the sd of a difference of two counts that the dip must have as well, or few trajectories would make it."""

EARLIER = 1e-9
"""Part of a lane that breaks ties between counts."""

RAREST = 0.05
"""A wave that fewer trajectories have is not reported."""


@njit(nogil=True, cache=True)
def follow_lanes(values, least, events, way, high, low, top, bottom, twice):  # type: ignore[no-untyped-def]
    """Follows each lane up until it has fallen by `least` from its highest year, then down until it has risen as much.

    values: (year, lane); least: (lane,); events: (year, lane) in a year in which a crest is known to be passed 1 + the
    year of the crest, minus that for a trough, else 0. way, high, low, top, bottom, twice: (lane,) as the lane ends: whether it goes up,
    down or neither (1, -1, 0), its highest and lowest since the last turn, their years, and 1 where a highest or lowest
    came twice. All are of one type, and none is a part of another, so that the rows vectorise (tried: six rows of one
    array, six times as slow).
    """
    none, one = values.dtype.type(0), values.dtype.type(1)
    for lane in range(values.shape[1]):
        high[lane] = low[lane] = values[0, lane]
        way[lane] = top[lane] = bottom[lane] = twice[lane] = events[0, lane] = none
    for year in range(1, values.shape[0]):
        when = values.dtype.type(year)
        for lane in range(values.shape[1]):
            now, up, down = values[year, lane], way[lane] >= none, way[lane] <= none
            highest, lowest = high[lane], low[lane]
            fell = up & (now < highest) & (highest - now >= least[lane])
            down = down & (not fell)
            rose = down & (now > lowest) & (now - lowest >= least[lane])
            again = (up & (now == highest)) | (down & (now == lowest))
            twice[lane] = one if again else twice[lane]
            crest = top[lane] + one if fell else none
            events[year, lane] = -(bottom[lane] + one) if rose else crest
            turned = -one if fell else way[lane]
            way[lane] = one if rose else turned
            higher, lower = rose | (up & (now > highest)), fell | (down & (now < lowest))
            high[lane] = now if higher else highest
            top[lane] = when if higher else top[lane]
            low[lane] = now if lower else lowest
            bottom[lane] = when if lower else bottom[lane]


@njit(nogil=True, cache=True)
def prominence_among(heights, path, turn, turns, sign):  # type: ignore[no-untyped-def]
    """How far a turn stands out (`kernel.prominence_of`) of a path that has only these turns.

    heights: (path, turn) of the paths' turns, which go up and down by turns, of which `path` has so many; sign: 1 for a
    crest. The first and the last one are at an edge: only the other side counts.
    """
    top = sign * heights[path, turn]
    before, after, other = top, top, turn - 1
    while other >= 0 and sign * heights[path, other] <= top:
        before = min(before, sign * heights[path, other])
        other -= 1
    other = turn + 1
    while other < turns and sign * heights[path, other] <= top:
        after = min(after, sign * heights[path, other])
        other += 1
    if turn == 0:
        return top - after
    return top - before if turn == turns - 1 else top - max(before, after)


@njit(nogil=True, cache=True)
def mark_lanes(values, least, marks):  # type: ignore[no-untyped-def]
    """What `mark_path` marks, of many paths side by side: values, marks (year, lane); least (lane,) above 0."""
    years, lanes = values.shape
    events, turns = np.empty_like(values), np.zeros(lanes, dtype=np.int64)
    way, high, low = np.empty_like(least), np.empty_like(least), np.empty_like(least)
    top, bottom, twice = np.empty_like(least), np.empty_like(least), np.empty_like(least)
    follow_lanes(values, least, events, way, high, low, top, bottom, twice)
    when = np.empty((lanes, years), dtype=np.int64)
    heights = np.empty((lanes, years), dtype=values.dtype)
    for year in range(years):
        for lane in range(lanes):
            marks[year, lane] = 0
            event = events[year, lane]
            if event != 0:
                turn = turns[lane]
                when[lane, turn] = np.int64(abs(event)) - 1
                heights[lane, turn] = values[when[lane, turn], lane]
                turns[lane] = turn + 1
    path, mark = np.empty(years, dtype=values.dtype), np.empty(years, dtype=values.dtype)
    for lane in range(lanes):
        if twice[lane] != 0:  # plateaus, and crests of one height: seldom
            for year in range(years):
                path[year] = values[year, lane]
            mark_path(path, least[lane], mark)
            for year in range(years):
                marks[year, lane] = mark[year]
        elif turns[lane] > 0:
            last = turns[lane]
            when[lane, last] = np.int64(top[lane] if way[lane] > 0 else bottom[lane])
            heights[lane, last] = values[when[lane, last], lane]
            sign = 1 if heights[lane, 0] > heights[lane, 1] else -1
            for turn in range(last + 1):
                year = when[lane, turn]
                # outside the first and the last turn the path goes less far than asked: they are turns only at an edge
                if 0 < turn < last or (turn == 0 and year == 0) or (turn == last and year == years - 1):
                    marks[year, lane] = sign * prominence_among(heights, lane, turn, last + 1, sign)
                sign = -sign


@njit(nogil=True, cache=True)
def hide_noise(values, noise, in_logs, marks):  # type: ignore[no-untyped-def]
    """Takes off the marks that stand out less than `noise`, which where `in_logs` goes with the turn's upper end.

    values, marks: (year, lane); noise: one prominence, or a share.
    """
    for year in range(values.shape[0]):
        for lane in range(values.shape[1]):
            mark = marks[year, lane]
            upper = values[year, lane] + max(-mark, 0) if in_logs else 1
            if abs(mark) < noise * upper:
                marks[year, lane] = 0


@njit(nogil=True, cache=True)
def part_edges(values, marks, prominences, peaks):  # type: ignore[no-untyped-def]
    """Takes off the marks whose plateau touches the first or the last year.

    values, marks: (year, lane). prominences, peaks: (2, lane) their marks and years, 0 where a lane has none.
    """
    years, lanes = values.shape
    for lane in range(lanes):
        for end in range(2):
            edge, step = (0, 1) if end == 0 else (years - 1, -1)
            prominences[end, lane], peaks[end, lane] = 0, 0
            year = edge
            while 0 <= year < years and values[year, lane] == values[edge, lane]:
                if marks[year, lane] != 0:
                    prominences[end, lane], peaks[end, lane] = marks[year, lane], year
                    marks[year, lane] = 0
                year += step


@njit(nogil=True, cache=True)
def count_turns(marks, sign, counts):  # type: ignore[no-untyped-def]
    """How many lanes crest (sign 1) or trough (-1) in each year: marks (year, lane), counts (year,)."""
    for year in range(marks.shape[0]):
        count = 0
        for lane in range(marks.shape[1]):
            count += 1 if sign * marks[year, lane] > 0 else 0
        counts[year] = count


@njit(nogil=True, cache=True)
def part_heaps(counts, lanes, begins):  # type: ignore[no-untyped-def]
    """Where one heap of crest years ends and the next begins: at the lowest count between two tops.

    counts: (year,) how many of so many lanes crest in the year; begins: (year,) 1 where a heap but the first begins.
    """
    years, half = counts.shape[0], NEIGHBOURS.shape[0] // 2
    smooth, marks = np.zeros(years), np.empty(years)
    for year in range(years):
        begins[year] = 0
        smooth[year] = EARLIER * year  # of two equal counts the later is higher: a dip between them must part them
        for step in range(-half, half + 1):
            if 0 <= year + step < years:
                smooth[year] += NEIGHBOURS[half + step] * counts[year + step]
    mark_path(smooth, 0.0, marks)
    before = -1
    for year in range(years):
        chance = CHANCE * np.sqrt(2 * (NEIGHBOURS**2).sum() * smooth[year] / NEIGHBOURS.sum())  # of two counts of lanes
        if marks[year] > 0 and marks[year] >= DIP * smooth[year] and marks[year] >= chance:
            if before >= 0:
                lowest = before
                for between in range(before, year + 1):
                    if smooth[between] < smooth[lowest]:
                        lowest = between
                begins[lowest] = 1
            before = year


@njit(nogil=True, cache=True)
def choose_turns(marks, sign, first, last, prominences, peaks):  # type: ignore[no-untyped-def]
    """The turn of each lane that stands out most in the years from first to last.

    marks: (year, lane); sign: 1 for crests, -1 for troughs. prominences, peaks: (lane,) the mark times the sign and the
    year; not above 0 where the lane has none.
    """
    for lane in range(marks.shape[1]):
        prominences[lane] = peaks[lane] = 0
    for year in range(first, last + 1):
        when = marks.dtype.type(year)
        for lane in range(marks.shape[1]):
            mark = sign * marks[year, lane]
            more = mark > prominences[lane]
            prominences[lane] = mark if more else prominences[lane]
            peaks[lane] = when if more else peaks[lane]


@njit(nogil=True, cache=True)
def scan_cells(values, share, noise, in_logs):  # type: ignore[no-untyped-def]
    """Waves of every cell: heaps of crest years, and the turn of every lane in them.

    values: (cell, year, lane); share: least prominence as a share of a lane's mean; noise, in_logs: (cell,) as in
    `hide_noise`. Returns waves (wave, 5), whole numbers: cell, sign, 1 for an edge, first turn, turns; and turns
    (turn, 3): lane, year and prominence, those of a wave beside each other. A lane is in a wave once, with the turn
    that stands out most; waves that fewer than `RAREST` of the lanes have are left out.
    """
    cells, years, lanes = values.shape
    marks, least = np.empty_like(values[0]), np.empty_like(values[0, 0])
    edges, when = np.empty((2, lanes), dtype=values.dtype), np.empty((2, lanes), dtype=values.dtype)
    best, peaks = np.empty_like(least), np.empty_like(least)
    counts, begins = np.empty(years), np.empty(years, dtype=np.int64)
    waves, turns = np.empty((64, 5), dtype=np.int64), np.empty((8 * lanes, 3), dtype=values.dtype)
    found = stored = 0
    for cell in range(cells):
        mean_sizes(values[cell], share, least)
        mark_lanes(values[cell], least, marks)
        if noise[cell] > 0:
            hide_noise(values[cell], noise[cell], in_logs[cell], marks)
        part_edges(values[cell], marks, edges, when)
        for sign in (1, -1):
            count_turns(marks, sign, counts)
            part_heaps(counts, lanes, begins)
            first = 0
            for last in range(years + 2):  # the last years of the heaps, then the two edges
                edge = last >= years
                if not edge and last < years - 1 and begins[last + 1] == 0:
                    continue
                if edge:
                    choose_turns(edges[last - years : last - years + 1], sign, 0, 0, best, peaks)
                    peaks[:] = when[last - years]
                else:
                    choose_turns(marks, sign, first, last, best, peaks)
                    first = last + 1
                own = (best > 0).sum()
                if own == 0 or own < RAREST * lanes:
                    continue
                if found == waves.shape[0]:
                    waves = longer(waves)
                while stored + own > turns.shape[0]:
                    turns = longer(turns)
                waves[found] = np.array([cell, sign, edge, stored, own])
                found += 1
                for lane in range(lanes):
                    if best[lane] > 0:
                        turns[stored, 0], turns[stored, 1], turns[stored, 2] = lane, peaks[lane], best[lane]
                        stored += 1
    return waves[:found], turns[:stored]


@njit(nogil=True, cache=True)
def mean_sizes(values, share, out):  # type: ignore[no-untyped-def]
    """`share` of the size of the mean of each lane: values (year, lane), out (lane,); for a mean of 0 no turn reaches it."""
    years, lanes = values.shape
    for lane in range(lanes):
        out[lane] = values[0, lane]
    for year in range(1, years):
        for lane in range(lanes):
            out[lane] += values[year, lane]
    for lane in range(lanes):
        least = abs(out[lane]) * share / years
        out[lane] = least if least > 0 else np.inf


@njit(nogil=True, cache=True)
def longer(rows):  # type: ignore[no-untyped-def]
    """The rows (row, column) and as many more behind them."""
    out = np.empty((2 * rows.shape[0], rows.shape[1]), dtype=rows.dtype)
    out[: rows.shape[0]] = rows
    return out
