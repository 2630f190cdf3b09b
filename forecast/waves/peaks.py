"""Times at which a path peaks, between the years, and ranges of its possible peaks in fractions and whole years."""

from __future__ import annotations

import numpy as np

from forecast.basics.quantiles import HIGH, LOW, MEDIAN
from forecast.waves import kernel
from forecast.waves.turns import Values, Whole

LEVELS = (LOW, MEDIAN, HIGH)
"""Levels of a peak time: lower end of its range, middle, upper end."""

RANGE = HIGH - LOW


def peak_times(paths: Values, rows: Whole, peaks: Whole, sign: Whole | int = 1) -> Values:
    """Position of the maximum (sign 1) or minimum (-1) of the curve through rows (peak,) of paths (path, year), of which
    the years peaks (peak,) are highest or lowest.

    The curve is the quartic through the five years around the peak; next to an end, the parabola through three. A
    parabola alone puts the peak of a short lopsided crest a twentieth of a year off. At the first and the last year, and
    where the curve has no maximum within half a year, it is the nearest there is.
    """
    years = paths.shape[1]
    inner = (peaks > 0) & (peaks < years - 1)
    far = (peaks > 1) & (peaks < years - 2)
    at = {step: sign * paths[rows, np.clip(peaks + step, 0, years - 1)] for step in range(-2, 3)}
    slope, bend = (at[1] - at[-1]) / 2, at[-1] - 2 * at[0] + at[1]
    time = _step(slope, bend, np.zeros(len(peaks)))
    # derivatives of the quartic at the peak, from central differences
    fourth = np.where(far, at[-2] - 4 * at[-1] + 6 * at[0] - 4 * at[1] + at[2], 0.0)
    third = np.where(far, (at[2] - 2 * at[1] + 2 * at[-1] - at[-2]) / 2, 0.0)
    second, first = bend - fourth / 12, slope - third / 6
    for _ in range(2):  # Newton's
        rise = first + second * time + third * time**2 / 2 + fourth * time**3 / 6
        time = _step(rise, second + third * time + fourth * time**2 / 2, time)
    return peaks.astype(float) + np.where(inner, time, 0.0)


def _step(slope: Values, bend: Values, time: Values) -> Values:
    """A step from `time` to where the slope is nought, half a year from the peak at most; none where it does not bend down."""
    down = np.where(bend < 0, bend, -np.inf)
    return np.clip(time - slope / down, -0.5, 0.5)


def peak_range(peaks: Whole, middle: int) -> tuple[int, int]:
    """First and last of the years around `middle` that hold a share of `peaks` nearest to 80 %.

    Of ranges equally long the one with the evenest tails is meant, and of two equally near 80 % the shorter. Not the one
    that holds most: with few trajectories it would be the one that chance has favoured, and hold less of what comes.
    """
    first, last = min(int(peaks.min()), middle), max(int(peaks.max()), middle)
    counts = np.bincount(peaks - first, minlength=last - first + 1)
    low, high = kernel.even_range(counts, middle - first, RANGE)
    return first + int(low), first + int(high)
