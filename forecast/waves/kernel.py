"""Inner loops of the wave statistics on (series, year) arrays; imports numpy and what compiles only.

Each leaf is one formula. Inputs come first, what is filled comes last, nothing is changed in place. They are serial
and free of the interpreter lock, so a pool of threads over counties is the only parallelism. The labelled faces
beside them are the only callers. Values are finite: the faces have looked.
"""

from __future__ import annotations

import numpy as np

from forecast.basics.folders import compiled


@compiled()
def prominence_of(path, first, last, sign):  # type: ignore[no-untyped-def]
    """Prominence of the maximum (sign 1) or minimum (-1) at the years first to last of path (year,).

    It is as high above its surroundings as it takes to climb from it to anything higher; 0 where it is no maximum.
    Before the first year and after the last nothing is known, so there only the other side counts.
    """
    years, top = path.shape[0], sign * path[first]
    before, after = top, top
    year = first - 1
    while year >= 0 and sign * path[year] <= top:
        before = min(before, sign * path[year])
        year -= 1
    year = last + 1
    while year < years and sign * path[year] <= top:
        after = min(after, sign * path[year])
        year += 1
    if first == 0:
        return top - after
    return top - before if last == years - 1 else top - max(before, after)


@compiled()
def mark_plateaus(path, first, last, sign, least, out):  # type: ignore[no-untyped-def]
    """Marks every plateau as high (low, with sign -1) as the one at `first`, up to the year `last`, at its middle.

    path, out: (year,). The mark is sign times the prominence; those below `least` are not marked.
    """
    year = first
    while year <= last:
        end = year
        while end < last and path[end + 1] == path[year]:
            end += 1
        if path[year] == path[first]:
            stands_out = prominence_of(path, year, end, sign)
            if stands_out > 0 and stands_out >= least:
                out[(year + end) // 2] = sign * stands_out
        year = end + 1


@compiled()
def mark_path(path, least, marks):  # type: ignore[no-untyped-def]
    """Prominence of every crest, and minus that of every trough, that stands out by `least` or more, at its year.

    path, marks: (year,), 0 where there is no turn, at the middle year of a plateau. One pass follows the path up until
    it has fallen by `least` from its highest year, which is then a crest, and down until it has risen as much from its
    lowest, which is then a trough; only these few are measured.
    """
    marks[:] = 0
    rising, falling = True, True  # at the start both may be
    high = low = path[0]
    top = highest = bottom = lowest = 0  # first and last year of the highest and of the lowest since the last turn
    for year in range(1, path.shape[0]):
        now = path[year]
        if rising:
            if now > high:
                high, top, highest = now, year, year
            elif now == high:
                highest = year
            elif high - now >= least:
                mark_plateaus(path, top, highest, 1, least, marks)
                rising, falling = False, True
                low, bottom, lowest = now, year, year
                continue
        if falling:
            if now < low:
                low, bottom, lowest = now, year, year
            elif now == low:
                lowest = year
            elif now - low >= least:
                mark_plateaus(path, bottom, lowest, -1, least, marks)
                rising, falling = True, False
                high, top, highest = now, year, year
    if rising:
        mark_plateaus(path, top, highest, 1, least, marks)
    if falling:
        mark_plateaus(path, bottom, lowest, -1, least, marks)


@compiled()
def mark_turns(values, least, out):  # type: ignore[no-untyped-def]
    """`mark_path` of many series: values, out (series, year); least (series,)."""
    for series in range(values.shape[0]):
        mark_path(values[series], least[series], out[series])


@compiled()
def spread_turns(values, series, peaks, prominences, out):  # type: ignore[no-untyped-def]
    """First and last year of the plateau, and where the path crosses half the prominence before and after it.

    values: (series, year); series, peaks, prominences: (turn,) as `mark_turns` marked them, negative for troughs;
    out: (turn, 4) positions, the crossings between two years by straight lines and at the edge where there is none.
    """
    years = values.shape[1]
    for turn in range(peaks.shape[0]):
        path, peak = values[series[turn]], peaks[turn]
        sign = 1 if prominences[turn] > 0 else -1
        half = sign * path[peak] - 0.5 * abs(prominences[turn])
        first, last = peak, peak
        while first > 0 and path[first - 1] == path[peak]:
            first -= 1
        while last < years - 1 and path[last + 1] == path[peak]:
            last += 1
        onset, end = first, last
        while onset > 0 and sign * path[onset] > half:
            onset -= 1
        while end < years - 1 and sign * path[end] > half:
            end += 1
        out[turn, 0], out[turn, 1] = first, last
        out[turn, 2], out[turn, 3] = onset, end
        if sign * path[onset] < half:
            out[turn, 2] += (half - sign * path[onset]) / (sign * path[onset + 1] - sign * path[onset])
        if sign * path[end] < half:
            out[turn, 3] -= (half - sign * path[end]) / (sign * path[end - 1] - sign * path[end])


LANES = 64
"""Series that `open_paths` takes side by side, so that its minima vectorise in the first-level cache."""


@compiled()
def open_paths(values, window, beyond, out):  # type: ignore[no-untyped-def]
    """Grey-scale opening with a flat window: the most that is needed in `window` years running that hold the year.

    values, out: (series, year). `beyond` repeats the last year for so long after the end, as if it went on; 0 lets no
    window reach past the end. A window longer than the path is cut to it. The least of every window is found by
    doubling (two windows of 4 years make those of up to 8), and so is the most of the leasts that hold a year.
    """
    years = values.shape[1]
    length = years + beyond
    size = min(window, length)
    a = np.empty((length + size, LANES), dtype=values.dtype)
    b = np.empty((length + size, LANES), dtype=values.dtype)
    for start in range(0, values.shape[0], LANES):
        lanes = min(LANES, values.shape[0] - start)
        for lane in range(lanes):
            for year in range(years):
                a[year, lane] = values[start + lane, year]
        for year in range(years, length):
            a[year] = a[years - 1]
        held, count = 1, length  # a[year]: the least of `held` years from year on
        while held < size:
            step = min(held, size - held)
            count -= step
            for year in range(count):
                for lane in range(LANES):
                    one, two = a[year, lane], a[year + step, lane]
                    b[year, lane] = one if one < two else two
            a, b = b, a
            held += step
        for year in range(count):  # b[year]: the least of the window that began size - 1 years before
            b[year + size - 1] = a[year]
        for year in range(size - 1):
            b[year] = a[0]
            b[year + size - 1 + count] = a[count - 1]
        held, count = 1, length + size - 1
        while held < size:
            step = min(held, size - held)
            count -= step
            for year in range(count):
                for lane in range(LANES):
                    one, two = b[year, lane], b[year + step, lane]
                    a[year, lane] = one if one > two else two
            a, b = b, a
            held += step
        for lane in range(lanes):
            for year in range(years):
                out[start + lane, year] = b[year, lane]


@compiled()
def transient_shares(values, windows, series, peaks, signs, out):  # type: ignore[no-untyped-def]
    """Of the level at each turn, the share that does not last: demand above its opening, or below its closing.

    values: (cell, trajectory, year); windows: (cell,) break-even years, the last year going on for so long, 0 where
    they are not known; series (through the cells, in order), peaks, signs: (turn,). out: (turn,), NaN where demand is
    nothing, as it was where the window is not known.
    """
    trajectories, turn = values.shape[1], 0
    lasts, falls = np.empty_like(values[0]), np.empty_like(values[0])
    for cell in range(values.shape[0]):
        if windows[cell] == 0:
            while turn < series.shape[0] and series[turn] // trajectories == cell:
                turn += 1
        if turn == series.shape[0] or series[turn] // trajectories > cell:
            continue
        open_paths(values[cell], windows[cell], windows[cell], lasts)
        open_paths(-values[cell], windows[cell], windows[cell], falls)  # minus what demand comes back to
        while turn < series.shape[0] and series[turn] // trajectories == cell:
            row, year = series[turn] % trajectories, peaks[turn]
            there = values[cell, row, year]
            need = lasts[row, year] if signs[turn] > 0 else -falls[row, year]
            upper = max(there, need)
            out[turn] = abs(there - need) / upper if upper > 0 else np.nan
            turn += 1


@compiled()
def even_range(counts, middle, share):  # type: ignore[no-untyped-def]
    """First and last of the positions around `middle` that hold a share of `counts` (position,) nearest to `share`.

    Of ranges equally long the one with the evenest tails is meant, and of two equally near the shorter.
    """
    total = counts.sum()
    first, last, nearest = middle, middle, np.inf
    for width in range(1, counts.shape[0] + 1):
        begin, stop = max(0, middle - width + 1), min(middle, counts.shape[0] - width)
        before, held = counts[:begin].sum(), counts[begin : begin + width].sum()
        low, outside, odd = begin, 0, total + 1
        for start in range(begin, stop + 1):
            after = total - before - held
            if abs(before - after) < odd:
                low, outside, odd = start, before + after, abs(before - after)
            if start < stop:
                before += counts[start]
                held += counts[start + width] - counts[start]
        distance = abs((1 - share) * total - outside)
        if distance < nearest - 1e-9:
            first, last, nearest = low, low + width - 1, distance
    return first, last


@compiled()
def peak_ranges(peaks, counts, share, out):  # type: ignore[no-untyped-def]
    """Median and `even_range` of the peaks (turn,) of each wave, of which it has so many (wave,): out (wave, 3).

    A median between two years is the even one of them.
    """
    begin = 0
    for wave in range(counts.shape[0]):
        count = counts[wave]
        own = peaks[begin : begin + count]
        first = own.min()
        held = np.zeros(own.max() - first + 1, dtype=np.int64)
        for turn in range(count):
            held[own[turn] - first] += 1
        upto, lower, upper = 0, -1, -1  # the two in the middle
        for year in range(held.shape[0]):
            upto += held[year]
            lower = year if lower < 0 and upto > (count - 1) // 2 else lower
            upper = year if upper < 0 and upto > count // 2 else upper
        middle = first + (lower + upper) // 2
        middle += (lower + upper) % 2 * (middle % 2)
        low, high = even_range(held, middle - first, share)
        out[wave, 0], out[wave, 1], out[wave, 2] = middle, first + low, first + high
        begin += count


BINS = 256
"""Bins in which `wave_quantiles` counts, so that few values are left to sort."""


@compiled(fastmath={"nnan", "nsz"})
def span_of(values):  # type: ignore[no-untyped-def]
    """Least and greatest of known values (turn,)."""
    low = high = values[0]
    for value in values:
        low, high = min(low, value), max(high, value)
    return low, high


@compiled()
def wave_quantiles(values, counts, levels, out):  # type: ignore[no-untyped-def]
    """Quantiles of the values (turn,) of each wave, of which it has so many (wave,): linear between two of them.

    levels: (level,); out: (level, wave), NaN where a value is unknown. Values are counted in bins, and only those of the
    bin in which the quantile lies are sorted; each loop does one thing, so that most of them vectorise.
    """
    most, begin = counts.max() if counts.shape[0] else 0, 0
    bins, few = np.empty(most, dtype=np.int32), np.empty(most, dtype=values.dtype)
    held = np.empty(BINS, dtype=np.int64)
    for wave in range(counts.shape[0]):
        count = counts[wave]
        own = values[begin : begin + count]
        begin += count
        unknown = 0
        for turn in range(count):
            unknown += own[turn] - own[turn] != 0
        if unknown > 0:
            out[:, wave] = np.nan
            continue
        low, high = span_of(own)
        scale = min((BINS - 1) / (high - low), 1e300) if high > low else 0.0
        for turn in range(count):
            bins[turn] = np.int32((own[turn] - low) * scale)
        held[:] = 0
        for turn in range(count):
            held[bins[turn]] += 1
        for level in range(levels.shape[0]):
            position = levels[level] * (count - 1)
            below, here, before, size = int(position), 0, 0, 0
            while before + held[here] <= below:
                before += held[here]
                here += 1
            for turn in range(count):
                few[size] = own[turn]
                size += bins[turn] == here
            few[:size].sort()
            found, above = few[below - before], high
            if below - before + 1 < size:
                above = few[below - before + 1]
            else:  # the next value lies in another bin
                for turn in range(count):
                    above = min(above, own[turn] if bins[turn] > here else high)
            out[level, wave] = found + (position - below) * (above - found)


NEVER = 9999
"""Year of something that does not begin."""
