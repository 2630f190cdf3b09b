"""Crests and troughs of many series at once, on bare arrays: where they are, how high and how wide.

`find_turns` takes every turn of every series, `find_shared_turns` those by which the trajectories of a cell have a wave
in common.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from forecast.waves import kernel, lanes

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
    turns = _spread(paths, series, peak, prominence)
    return turns.take(np.lexsort((peak, -turns.sign, series)))


def find_shared_turns(values: Values, share: float, noise: Values, in_logs: NDArray[np.bool_]) -> tuple[Turns, Whole]:
    """Waves that the trajectories of each cell share, and the turn of every trajectory in them.

    values: (cell, trajectory, year); share: least prominence as a share of the mean of a path; noise: (cell,) the least
    that is more than noise, where `in_logs` (cell,) as a share of the turn's upper end. Series are numbered through the
    cells. Returns the turns, those of a wave beside each other, and the number of turns of each wave (wave,), crests of
    a cell before its troughs.
    """
    paths = np.ascontiguousarray(values)
    side_by_side = np.ascontiguousarray(paths.transpose(0, 2, 1))
    waves, rows = lanes.scan_cells(side_by_side, share, noise, in_logs)
    counts = waves[3]
    cell, sign = (row.repeat(counts) for row in waves[:2])
    lane, year, _, prominence = rows
    series = cell * values.shape[1] + lane.astype(np.int64)
    turns = _spread(paths.reshape(-1, values.shape[2]), series, year.astype(np.int64), sign * prominence)
    return turns, counts.copy()


def _spread(paths: Values, series: Whole, peak: Whole, prominence: Values) -> Turns:
    """The turns (turn,) at these peaks of paths (series, year); prominence is negative for troughs."""
    spread = np.empty((len(peak), 4))
    kernel.spread_turns(paths, series, peak, prominence, spread)
    low, high = spread[:, 0].astype(np.int64), spread[:, 1].astype(np.int64)
    return Turns(
        series=series,
        sign=np.where(prominence > 0, 1, -1),
        peak=peak,
        low=low,
        high=high,
        onset=spread[:, 2],
        end=spread[:, 3],
        height=paths[series, peak],
        prominence=np.abs(prominence),
        at_edge=(low == 0) | (high == paths.shape[1] - 1),
    )
