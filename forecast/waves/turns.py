"""Crests and troughs of many series at once, on bare arrays: where they are, how high and how wide."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from forecast.waves import kernel

Values = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Turns:
    """Crests (`sign` 1) and troughs (-1) of many series; every field is (turn,), and years are positions.

    low, high: the years of the plateau; onset, end: where the path crosses half the prominence (between two years);
    at_edge: the plateau touches the first or the last year, and the prominence is the fall on the known side.
    """

    series: Whole
    sign: Whole
    peak: Whole
    low: Whole
    high: Whole
    onset: Values
    end: Values
    height: Values
    prominence: Values
    at_edge: NDArray[np.bool_]

    def take(self, which: NDArray[np.bool_] | Whole) -> Turns:
        return Turns(*(getattr(self, field.name)[which] for field in fields(self)))


def find_turns(values: Values, least: Values) -> Turns:
    """All turns of `values` (series, year) whose prominence is `least` (series,) or more, in order of the series,
    crests before troughs, then of years. Series with least <= 0 have none.
    """
    paths = np.ascontiguousarray(values)
    marks = np.empty_like(paths)
    kernel.mark_turns(paths, least, marks)
    series, peak = np.nonzero(marks * (least > 0)[:, None])
    prominence = marks[series, peak]
    spread = np.empty((len(peak), 4))
    kernel.spread_turns(paths, series, peak, prominence, spread)
    low, high = spread[:, 0].astype(np.int64), spread[:, 1].astype(np.int64)
    turns = Turns(
        series=series,
        sign=np.where(prominence > 0, 1, -1),
        peak=peak,
        low=low,
        high=high,
        onset=spread[:, 2],
        end=spread[:, 3],
        height=values[series, peak],
        prominence=np.abs(prominence),
        at_edge=(low == 0) | (high == values.shape[1] - 1),
    )
    return turns.take(np.lexsort((peak, -turns.sign, series)))
