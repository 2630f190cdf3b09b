"""Crests of all trajectories of a county and service in one pass; imports numpy, numba and the leaves beside it only.

The trajectories lie innermost, side by side, so that a year of all of them is one row, and what is asked of a year is
asked of the whole row without a branch. What is found goes at once into heaps of crest years, so that nothing but the
turns of a wave outlives its county and service. Serial and free of the interpreter lock, as the leaves of `kernel`.
"""

from __future__ import annotations

import numpy as np

from forecast.basics.folders import compiled
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


@compiled()
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


@compiled()
def measure_turns(heights, turns, signs, most, stands):  # type: ignore[no-untyped-def]
    """Prominence of each turn (`kernel.prominence_of`) of a lane that has only these turns, negative for troughs.

    heights, stands: (turn, lane), which go up and down by turns; turns: (lane,) how many a lane has, `most` at most;
    signs: (lane,) 1 where the first is a crest, -1 where a trough. Of the first and the last only the other side counts.
    """
    before, after = np.empty_like(signs), np.empty_like(signs)
    there, stops = np.empty_like(signs), np.empty_like(signs)
    none, one = heights.dtype.type(0), heights.dtype.type(1)
    for turn in range(most):
        way = one if turn % 2 == 0 else -one
        for lane in range(heights.shape[1]):
            there[lane] = after[lane] = before[lane] = way * signs[lane] * heights[turn, lane]
            stops[lane] = none
        for other in range(turn - 1, -1, -1):
            for lane in range(heights.shape[1]):
                height = way * signs[lane] * heights[other, lane]
                stop = (stops[lane] > none) | (height > there[lane])
                stops[lane] = one if stop else none
                lower = height if height < before[lane] else before[lane]
                before[lane] = before[lane] if stop else lower
        for lane in range(heights.shape[1]):
            stops[lane] = none
        for other in range(turn + 1, most):
            for lane in range(heights.shape[1]):
                height = way * signs[lane] * heights[other, lane]
                stop = (stops[lane] > none) | (height > there[lane]) | (other >= turns[lane])
                stops[lane] = one if stop else none
                lower = height if height < after[lane] else after[lane]
                after[lane] = after[lane] if stop else lower
        for lane in range(heights.shape[1]):
            higher = before[lane] if before[lane] > after[lane] else after[lane]
            base = before[lane] if turn == turns[lane] - 1 else higher
            base = after[lane] if turn == 0 else base
            stands[turn, lane] = way * signs[lane] * (there[lane] - base)


@compiled()
def list_turns(values, least, turns, when, stands, edges):  # type: ignore[no-untyped-def]
    """Turns that `mark_path` marks, of many paths side by side.

    values: (year, lane); least: (lane,) above 0. turns: (lane,) how many a lane has; when, stands, edges: (turn, lane)
    their years, in order, their prominences, negative for troughs and 0 for what is no turn, and 1 at the first edge, 2
    at the last, else 0.
    """
    years, lanes = values.shape
    events, heights = np.empty_like(values), np.empty((years + 1, lanes), dtype=values.dtype)
    way, high, low = np.empty_like(least), np.empty_like(least), np.empty_like(least)
    top, bottom, twice = np.empty_like(least), np.empty_like(least), np.empty_like(least)
    follow_lanes(values, least, events, way, high, low, top, bottom, twice)
    turns[:] = 0
    passed = np.empty(lanes, dtype=np.int64)
    for year in range(years):
        count = 0
        for lane in range(lanes):  # without a branch: which lanes pass a turn cannot be guessed
            passed[count] = lane
            count += events[year, lane] != 0
        for lane in passed[:count]:
            turn, peak = turns[lane], np.int64(abs(events[year, lane])) - 1
            when[turn, lane], heights[turn, lane] = peak, values[peak, lane]
            turns[lane] = turn + 1
    most, signs, sizes = 0, np.empty_like(least), np.empty_like(least)
    for lane in range(lanes):
        last = turns[lane]
        if last > 0:
            when[last, lane] = np.int64(top[lane] if way[lane] > 0 else bottom[lane])
            heights[last, lane] = values[when[last, lane], lane]
            turns[lane] = last + 1
        most, sizes[lane] = max(most, turns[lane]), turns[lane]
        signs[lane] = 1 if last > 0 and heights[0, lane] > heights[1, lane] else -1
    measure_turns(heights, sizes, signs, most, stands)
    edges[:most] = 0
    path, mark = np.empty(years, dtype=values.dtype), np.empty(years, dtype=values.dtype)
    for lane in range(lanes):
        last = turns[lane] - 1
        if twice[lane] != 0:  # plateaus, and crests of one height: seldom
            for year in range(years):
                path[year] = values[year, lane]
            mark_path(path, least[lane], mark)
            turns[lane] = 0
            for year in range(years):
                if mark[year] != 0:
                    turn = turns[lane]
                    when[turn, lane], stands[turn, lane], edges[turn, lane] = year, mark[year], edge_at(path, year)
                    turns[lane] = turn + 1
        elif last > 0:
            # outside the first and the last turn the path goes less far than asked: they are turns only at an edge
            first_out, last_out = when[0, lane] > 0, when[last, lane] < years - 1
            edges[0, lane], edges[last, lane] = 0 if first_out else 1, 0 if last_out else 2
            stands[0, lane] = 0 if first_out else stands[0, lane]
            stands[last, lane] = 0 if last_out else stands[last, lane]


@compiled()
def edge_at(path, year):  # type: ignore[no-untyped-def]
    """1 where the plateau of this year of path (year,) touches the first year, 2 where the last, else 0."""
    first = last = year
    while first > 0 and path[first - 1] == path[year]:
        first -= 1
    while last < path.shape[0] - 1 and path[last + 1] == path[year]:
        last += 1
    return 1 if first == 0 else 2 if last == path.shape[0] - 1 else 0


@compiled()
def hide_noise(values, noise, in_logs, turns, when, stands):  # type: ignore[no-untyped-def]
    """Takes off the turns that stand out less than `noise`, which where `in_logs` goes with the turn's upper end.

    values: (year, lane); noise: one prominence, or a share; the others as in `list_turns`.
    """
    for lane in range(values.shape[1]):
        for turn in range(turns[lane]):
            stand = stands[turn, lane]
            upper = values[when[turn, lane], lane] + max(-stand, 0) if in_logs else 1
            stands[turn, lane] = stand if abs(stand) >= noise * upper else 0


@compiled()
def count_turns(turns, when, stands, edges, counts):  # type: ignore[no-untyped-def]
    """counts: (2, year) how many lanes crest and how many trough in each year; turns at an edge do not count."""
    counts[:] = 0
    for lane in range(turns.shape[0]):
        for turn in range(turns[lane]):
            if edges[turn, lane] == 0 and stands[turn, lane] != 0:
                counts[0 if stands[turn, lane] > 0 else 1, when[turn, lane]] += 1


@compiled()
def part_heaps(counts, lanes, begins):  # type: ignore[no-untyped-def]
    """Marks of the years in which a heap of crest years begins: at the lowest count between two tops.

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


@compiled()
def number_waves(counts, lanes, numbers):  # type: ignore[no-untyped-def]
    """Numbers of the waves: the heaps of crest years in order, the first edge, the last edge, and so for troughs.

    counts: (2, year) as in `count_turns`. numbers: (2, year + 2) the wave of a crest or trough of that year; behind the
    years those of the edges. Returns how many there are.
    """
    years, wave = counts.shape[1], 0
    begins = np.empty(years, dtype=np.int64)
    for side in range(2):
        part_heaps(counts[side], lanes, begins)
        for year in range(years):
            wave += begins[year]
            numbers[side, year] = wave
        numbers[side, years], numbers[side, years + 1] = wave + 1, wave + 2
        wave += 3
    return wave


@compiled()
def choose_turns(turns, when, stands, edges, numbers, chosen):  # type: ignore[no-untyped-def]
    """The turn of each lane in each wave: where it stands out most. chosen: (wave, lane) 1 + its number, 0 for none."""
    years = numbers.shape[1] - 2
    chosen[:] = 0
    for lane in range(turns.shape[0]):
        for turn in range(turns[lane]):
            edge = edges[turn, lane]
            if stands[turn, lane] == 0:
                continue
            wave = numbers[0 if stands[turn, lane] > 0 else 1, years + edge - 1 if edge > 0 else when[turn, lane]]
            best = chosen[wave, lane]
            if best == 0 or abs(stands[turn, lane]) > abs(stands[best - 1, lane]):
                chosen[wave, lane] = turn + 1


@compiled()
def scan_cells(values, share, noise, in_logs):  # type: ignore[no-untyped-def]
    """Waves of every cell: heaps of crest years, and the turn of every lane in them.

    values: (cell, year, lane); share: least prominence as a share of a lane's mean; noise, in_logs: (cell,) as in
    `hide_noise`. Returns waves (4, wave), whole numbers: cell, sign, 1 for an edge, turns; and turns (4, turn): lane,
    year, height and prominence, those of a wave beside each other. A lane is in a wave once, with the turn that stands
    out most; waves that fewer than `RAREST` of the lanes have are left out.
    """
    cells, years, lanes = values.shape
    least, turns = np.empty(lanes, dtype=values.dtype), np.empty(lanes, dtype=np.int64)
    when, edges = np.empty((years + 1, lanes), dtype=np.int16), np.empty((years + 1, lanes), dtype=np.int8)
    stands = np.empty((years + 1, lanes), dtype=values.dtype)
    counts, numbers = np.empty((2, years)), np.empty((2, years + 2), dtype=np.int64)
    waves, found = np.empty((4, 64), dtype=np.int64), np.empty((4, 8 * lanes), dtype=values.dtype)
    chosen = np.empty((2 * years + 6, lanes), dtype=np.int8)
    kept = stored = 0
    for cell in range(cells):
        mean_sizes(values[cell], share, least)
        list_turns(values[cell], least, turns, when, stands, edges)
        if noise[cell] > 0:
            hide_noise(values[cell], noise[cell], in_logs[cell], turns, when, stands)
        count_turns(turns, when, stands, edges, counts)
        number = number_waves(counts, lanes, numbers)
        choose_turns(turns, when, stands, edges, numbers, chosen[:number])
        for wave in range(number):
            own = 0
            for lane in range(lanes):
                own += chosen[wave, lane] > 0
            if own == 0 or own < RAREST * lanes:
                continue
            crest = wave <= numbers[0, years + 1]
            waves = waves if kept < waves.shape[1] else longer(waves)
            waves[0, kept], waves[1, kept], waves[3, kept] = cell, 1 if crest else -1, own
            waves[2, kept] = wave >= numbers[0 if crest else 1, years]
            kept += 1
            while stored + own > found.shape[1]:
                found = longer(found)
            for lane in range(lanes):
                if chosen[wave, lane] > 0:
                    turn = chosen[wave, lane] - 1
                    year = when[turn, lane]
                    found[0, stored], found[1, stored] = lane, year
                    found[2, stored], found[3, stored] = values[cell, year, lane], abs(stands[turn, lane])
                    stored += 1
    return waves[:, :kept], found[:, :stored]


@compiled()
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


@compiled()
def longer(rows):  # type: ignore[no-untyped-def]
    """The rows (row, place) with room for twice as many places."""
    out = np.empty((rows.shape[0], 2 * rows.shape[1]), dtype=rows.dtype)
    out[:, : rows.shape[1]] = rows
    return out
