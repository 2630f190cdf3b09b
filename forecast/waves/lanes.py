"""Crests and classes of all trajectories of a county and service in one pass; imports numpy and the leaves beside it only.

The trajectories lie innermost, side by side, so that a year of all of them is one row, and what is asked of a year is
asked of the whole row without a branch. What is found goes at once into heaps of crest years, so that nothing but the
turns of a wave outlives its county and service. Serial and free of the interpreter lock, as the leaves of `kernel`.
"""

from __future__ import annotations

import numpy as np

from forecast.basics.folders import compiled
from forecast.waves.kernel import NEVER, mark_path

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


LANES = 128
"""Paths that `judge_cells` takes side by side."""

UNDETERMINED, CREST_THEN_SURPLUS, SHORTAGE, CREST, SURPLUS, TROUGH, BALANCED = range(7)
"""Numbers of the classes (`classes.CATEGORIES`)."""


@compiled()
def judge_cells(paths, stands, bars, begin, windows, counts, lasts, above):  # type: ignore[no-untyped-def]
    """How many paths have each class and since when, at every window, and what of each path lasts at the middle one.

    paths: (cell, path, year) demand, all finite; stands, bars: (cell, judged) supply and tolerance of the years from `begin`
    on, the first and last of which hold before and after; windows: (cell, shift) break-even years, ascending.
    counts: (cell, shift, class, judged + 1) paths whose class began at this judged year, in the last column those of
    which nothing is dated; lasts, above: (cell, judged, path) the opening of demand as if the last year went on, and
    demand less it. All but paths and windows are of one type, in which all is reckoned.

    `LANES` paths lie side by side. The leaves that follow write few rows in one loop: with more than three LLVM no longer
    asks whether they overlap, and takes one lane after the other.
    """
    trajectories, years, judged = paths.shape[1], paths.shape[2], stands.shape[1]
    need, lacks, tail = rows_like(lasts, years), rows_like(lasts, years), rows_like(lasts, years)
    least, spread = rows_like(lasts, years), rows_like(lasts, years)
    one, two = rows_like(lasts, judged + years), rows_like(lasts, judged + years)
    later, since, idle, shut = row_like(lasts), row_like(lasts), row_like(lasts), row_like(lasts)
    spare, low = row_like(lasts), row_like(lasts)
    ends, stays, begins = row_like(lasts), row_like(lasts), row_like(lasts)
    need[:] = 0
    counts[:] = 0
    for cell in range(paths.shape[0]):
        stand, bar, middle = stands[cell], bars[cell], windows[cell, windows.shape[1] // 2]
        for start in range(0, trajectories, LANES):
            lanes = min(LANES, trajectories - start)
            for lane in range(lanes):
                for year in range(years):
                    need[year, lane] = paths[cell, start + lane, year]
            least[:] = need
            least, spread = least_lanes(least, spread, 1, min(middle, years))
            opened = open_lanes(least, min(middle, years), begin, judged, one, two)
            tail_lanes(need, tail)
            reach_past(opened, tail, begin, judged, middle)
            for at in range(judged):
                for lane in range(lanes):
                    lasts[cell, at, start + lane] = opened[at, lane]
                    above[cell, at, start + lane] = need[begin + at, lane] - opened[at, lane]
            lack_lanes(need, stand, bar, begin, lacks, low)
            tail_lanes(lacks, tail)
            idle_lanes(need, stand, bar, begin, later, since, idle, shut)
            least[:] = lacks
            held = 1
            for shift in range(windows.shape[1]):
                window, size = windows[cell, shift], min(windows[cell, shift], years)
                least, spread = least_lanes(least, spread, held, size)
                held = size
                opened = open_lanes(least, size, begin, judged, one, two)
                spare_lanes(since, idle, shut, window, False, spare)
                name_lanes(lacks, opened, bar, begin, spare, ends, begins)
                reach_past(opened, tail, begin, judged, window)
                spare_lanes(since, idle, shut, window, True, spare)
                name_lanes(lacks, opened, bar, begin, spare, stays, begins)
                count_lanes(need, stand, bar, begin, window, lanes, low, ends, stays, begins, counts[cell, shift])


@compiled()
def rows_like(values, rows):  # type: ignore[no-untyped-def]
    """So many rows of `LANES` places, of the type of `values`."""
    return np.empty((rows, LANES), dtype=values.dtype)


@compiled()
def row_like(values):  # type: ignore[no-untyped-def]
    """A row of `LANES` places, of the type of `values`."""
    return np.empty(LANES, dtype=values.dtype)


@compiled()
def lack_lanes(need, stands, bars, begin, lacks, low):  # type: ignore[no-untyped-def]
    """What is lacking of need (year, lane), by what stands (judged,): lacks (year, lane); low: (lane,) 1 where in a judged
    year more is to spare than the tolerance."""
    judged, one = stands.shape[0], need.dtype.type(1)
    low[:] = 0
    for year in range(need.shape[0]):
        at = min(max(year - begin, 0), judged - 1)
        stand, bar = stands[at], bars[at] if at == year - begin else need.dtype.type(np.inf)
        for lane in range(LANES):
            lacks[year, lane] = need[year, lane] - stand
            low[lane] = one if stand - need[year, lane] > bar else low[lane]


@compiled()
def tail_lanes(rows, tail):  # type: ignore[no-untyped-def]
    """The least from each year on: rows, tail (year, lane)."""
    years = rows.shape[0]
    tail[years - 1] = rows[years - 1]
    for back in range(1, years):
        year = years - 1 - back
        for lane in range(LANES):
            here, after = rows[year, lane], tail[year + 1, lane]
            tail[year, lane] = here if here < after else after


@compiled()
def idle_lanes(need, stands, bars, begin, later, since, idle, shut):  # type: ignore[no-untyped-def]
    """Years from which on less than what stands is ever needed again, beyond the tolerance: since (lane,) the first of
    them, NEVER where none is judged, idle how many, shut 1 where the last year is one. later: (lane,) room."""
    years, judged, one, none = need.shape[0], stands.shape[0], need.dtype.type(1), need.dtype.type(0)
    never = need.dtype.type(NEVER)
    later[:] = need[years - 1]
    idle[:] = 0
    since[:] = never
    for back in range(years - begin):
        year = years - 1 - back
        at = min(year - begin, judged - 1)
        stand, bar, when = stands[at], bars[at], need.dtype.type(year - begin)
        for lane in range(LANES):
            now = need[year, lane] if need[year, lane] > later[lane] else later[lane]
            later[lane] = now
            idle[lane] += one if stand - now > bar else none
            since[lane] = when if stand - now > bar else since[lane]
        if back == 0:
            shut[:] = idle
    for lane in range(LANES):
        since[lane] = since[lane] if since[lane] < judged else never


@compiled()
def spare_lanes(since, idle, shut, window, goes_on, spare):  # type: ignore[no-untyped-def]
    """spare: (lane,) the year since which places lie idle, if they do in as many years as the window, else NEVER."""
    never, none, enough = spare.dtype.type(NEVER), spare.dtype.type(0), spare.dtype.type(window)
    for lane in range(LANES):
        lasts = (idle[lane] >= enough) | (goes_on & (shut[lane] > none))
        spare[lane] = since[lane] if lasts else never


@compiled()
def least_lanes(least, spread, held, size):  # type: ignore[no-untyped-def]
    """The least of every window of `size` years, at its first year, from that of `held` years, by doubling: two windows of
    4 years make those of up to 8. least, spread: (year, lane); returns the one that holds it, and the other."""
    count = least.shape[0] - held + 1
    while held < size:
        step = min(held, size - held)
        count -= step
        for year in range(count):
            for lane in range(LANES):
                one, two = least[year, lane], least[year + step, lane]
                spread[year, lane] = one if one < two else two
        least, spread = spread, least
        held += step
    return least, spread


@compiled()
def open_lanes(least, size, begin, judged, one, two):  # type: ignore[no-untyped-def]
    """The most that is needed in `size` years running that hold the year, for the years judged; none reaches past the end.

    least: (year, lane) as `least_lanes` leaves it; one, two: room for `judged` + `size` rows. Returns the one that holds it.
    """
    last, count = least.shape[0] - size, judged + size - 1
    for row in range(count):  # the window that began size - 1 years before; there is none before the first
        one[row] = least[min(max(begin + row - size + 1, 0), last)]
    held = 1
    while held < size:
        step = min(held, size - held)
        count -= step
        for row in range(count):
            for lane in range(LANES):
                here, next_one = one[row, lane], one[row + step, lane]
                two[row, lane] = here if here > next_one else next_one
        one, two = two, one
        held += step
    return one


@compiled()
def reach_past(opened, tail, begin, judged, window):  # type: ignore[no-untyped-def]
    """Lets the openings (judged, lane) go on after the last year: a window that reaches past the end holds what is left,
    and of these the shortest, that begins with the year itself, has the greatest least (`tail`)."""
    for at in range(max(0, tail.shape[0] - window - begin + 1), judged):
        for lane in range(LANES):
            end, on = opened[at, lane], tail[begin + at, lane]
            opened[at, lane] = on if on > end else end


@compiled()
def name_lanes(lacks, opened, bars, begin, spare, names, begins):  # type: ignore[no-untyped-def]
    """The first class that holds, but for troughs, and its first judged year: names, begins (lane,).

    opened: (judged, lane) opening of lacks (year, lane); spare: (lane,) as `spare_lanes` leaves it.
    """
    judged, real = bars.shape[0], lacks.dtype.type
    never, balanced, surplus = real(NEVER), real(BALANCED), real(SURPLUS)
    passing, shortage, both = real(CREST), real(SHORTAGE), real(CREST_THEN_SURPLUS)
    most, short, crest = np.zeros_like(spare), np.full_like(spare, never), np.full_like(spare, never)
    for back in range(judged):
        at = judged - 1 - back
        bar, when = bars[at], real(at)
        for lane in range(LANES):
            most[lane] = opened[at, lane] if opened[at, lane] > most[lane] else most[lane]
            short[lane] = when if opened[at, lane] > bar else short[lane]
    for back in range(judged):
        at = judged - 1 - back
        bar, when = bars[at], real(at)
        for lane in range(LANES):
            crest[lane] = when if lacks[begin + at, lane] - most[lane] > bar else crest[lane]
    for lane in range(LANES):
        name = surplus if spare[lane] < never else balanced
        name = passing if crest[lane] < never else name
        name = shortage if short[lane] < never else name
        names[lane] = both if (crest[lane] < spare[lane]) & (spare[lane] < never) else name
    for lane in range(LANES):
        first = crest[lane] if crest[lane] < never else spare[lane]
        begins[lane] = short[lane] if names[lane] == shortage else first


@compiled()
def count_lanes(need, stands, bars, begin, window, lanes, low, ends, stays, begins, counts):  # type: ignore[no-untyped-def]
    """Adds the first `lanes` lanes to counts (class, judged + 1), with troughs looked for where nothing else holds."""
    dateless = counts.shape[1] - 1
    for lane in range(lanes):
        end, stay, when = int(ends[lane]), int(stays[lane]), int(begins[lane])
        if low[lane] > 0 and (end == BALANCED or stay == BALANCED):
            if end == BALANCED and trough_of(need, lane, stands, bars, begin, window, False) < NEVER:
                end = TROUGH
            if stay == BALANCED:
                when = trough_of(need, lane, stands, bars, begin, window, True)
                stay = TROUGH if when < NEVER else BALANCED
        if end == stay:
            counts[end, when if end != BALANCED else dateless] += 1
        else:
            counts[UNDETERMINED, dateless] += 1


@compiled()
def trough_of(need, lane, stands, bars, begin, window, goes_on):  # type: ignore[no-untyped-def]
    """First year judged whose need lies below what stands and below what it comes back to on both sides, in less than the
    window; NEVER where there is none. The closing exceeds a level if the years around that do not are fewer than it."""
    years, size = need.shape[0], min(window, need.shape[0])
    for at in range(stands.shape[0]):
        now, bar = need[begin + at, lane], bars[at]
        if stands[at] - now > bar:
            first = last = begin + at
            while first > 0 and last - first < size and need[first - 1, lane] - now <= bar:
                first -= 1
            while last < years - 1 and last - first < size and need[last + 1, lane] - now <= bar:
                last += 1
            if last - first + 1 < size and not (goes_on and last == years - 1):
                return at
    return NEVER
