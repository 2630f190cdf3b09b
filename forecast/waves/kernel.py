"""Inner loops of the wave statistics on (series, year) arrays; imports numpy and numba only.

Each leaf is one formula. Inputs come first, what is filled comes last, nothing is changed in place. They are serial
and free of the interpreter lock, so a pool of threads over counties is the only parallelism. The labelled faces
beside them are the only callers. Values are finite: the faces have looked.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def mark_crests(values, out):  # type: ignore[no-untyped-def]
    """Prominence of every local maximum at its year (the middle one of a plateau), 0 at every other year.

    values, out: (series, year). A maximum stands as high above its surroundings as it takes to climb from it to
    anything higher; before the first year and after the last nothing is known, so there only the other side counts,
    and a series that never changes has no maximum.
    """
    years = values.shape[1]
    for series in range(values.shape[0]):
        path = values[series]
        left = 0
        while left < years:
            top = path[left]
            right = left
            while right + 1 < years and path[right + 1] == top:
                right += 1
            for year in range(left, right + 1):
                out[series, year] = 0.0
            starts, ends = left == 0, right == years - 1
            if (starts or path[left - 1] < top) and (ends or path[right + 1] < top) and not (starts and ends):
                before, after = top, top
                year = left - 1
                while year >= 0 and path[year] <= top:
                    before = min(before, path[year])
                    year -= 1
                year = right + 1
                while year < years and path[year] <= top:
                    after = min(after, path[year])
                    year += 1
                base = after if starts else before if ends else max(before, after)
                out[series, (left + right) // 2] = top - base
            left = right + 1


@njit(nogil=True, cache=True)
def spread_crests(values, series, peaks, prominences, out):  # type: ignore[no-untyped-def]
    """First and last year of the plateau, and where the path crosses half the prominence before and after it.

    values: (series, year); series, peaks, prominences: (crest,), as `mark_crests` marked them; out: (crest, 4)
    positions, the crossings between two years by straight lines and at the edge where there is none.
    """
    years = values.shape[1]
    for crest in range(peaks.shape[0]):
        path, peak = values[series[crest]], peaks[crest]
        half = path[peak] - 0.5 * prominences[crest]
        first, last = peak, peak
        while first > 0 and path[first - 1] == path[peak]:
            first -= 1
        while last < years - 1 and path[last + 1] == path[peak]:
            last += 1
        onset, end = first, last
        while onset > 0 and path[onset] > half:
            onset -= 1
        while end < years - 1 and path[end] > half:
            end += 1
        out[crest, 0], out[crest, 1] = first, last
        out[crest, 2], out[crest, 3] = onset, end
        if path[onset] < half:
            out[crest, 2] += (half - path[onset]) / (path[onset + 1] - path[onset])
        if path[end] < half:
            out[crest, 3] -= (half - path[end]) / (path[end - 1] - path[end])


@njit(nogil=True, cache=True)
def open_paths(values, window, beyond, out):  # type: ignore[no-untyped-def]
    """Grey-scale opening with a flat window: the most that is needed in `window` years running that hold the year.

    values, out: (series, year). `beyond` repeats the last year for so long after the end, as if it went on; 0 lets no
    window reach past the end. A window longer than the path is cut to it. Minima of every window, then maxima of the
    minima, each by going through the window (it is some ten years long, and the loop is one that vectorises).
    """
    years = values.shape[1]
    size = min(window, years + beyond)
    starts = years + beyond - size + 1
    least = np.empty(starts, dtype=values.dtype)
    for series in range(values.shape[0]):
        for start in range(starts):
            low = values[series, min(start, years - 1)]
            for year in range(start + 1, start + size):
                low = min(low, values[series, min(year, years - 1)])
            least[start] = low
        for year in range(years):
            high = least[max(0, year - size + 1)]
            for start in range(max(0, year - size + 1) + 1, min(year, starts - 1) + 1):
                high = max(high, least[start])
            out[series, year] = high
