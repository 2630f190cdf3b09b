"""Crests and troughs of demand by county and service, alone or over trajectories.

A crest is a local maximum whose prominence reaches 5 % of the mean and, where the series is noisy, what noise alone
reaches in 3 % of flat series (`smoothing`). Troughs are the crests of the series upside down.
A maximum at the first or last year is a crest only as far as one can see: it is reported with `at_edge`, its prominence
is the fall on the side that is known, and it takes no part in lags.

Over trajectories a wave is a heap of crest years: the years in which the single trajectories crest are counted, and
where the count (smoothed over neighbouring years) has a dip, one wave ends and the next begins. The crests of a
median path would be lower and later merged than any that may come.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from forecast.dims import SERVICE
from forecast.waves import kernel
from forecast.waves.cells import Cells, smooth_cells
from forecast.waves.lasting import Windows, opening, window_for, windows_of
from forecast.waves.smoothing import Course
from forecast.waves.turns import Turns, Values, Whole, find_turns

COLUMNS = (
    "county",
    "service",
    "turn",
    "peak_year",
    "peak_year_low",
    "peak_year_high",
    "onset_year",
    "end_year",
    "height",
    "prominence",
    "width_years",
    "lag_years",
    "transient_share",
    "probability",
    "at_edge",
)
STAGES = ("nursery", "kindergarten", "primary_school", "junior_school", "senior_school")
"""The stages through which a cohort passes, in order."""

LAG_YEARS = 9
"""A cohort leaves the youngest age of one stage for the oldest of the next within so many years (3 to 11); later turns
are another wave's."""

LEAST = 0.05
"""Prominence from which a turn counts, as a share of the mean of its series."""

RANGE = 0.8
"""Share that the range of the peak year holds."""

RESAMPLED = 300
"""Courses by which the range of the peak year of a single noisy path is found."""

NEIGHBOURS = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
"""Weights by which counts of crest years are smoothed before heaps are told apart."""

DIP = 0.25
"""Two heaps are two waves if the count between them falls by so much of the smaller one."""

CHANCE = 3.0
"""Times the sd of a difference of two counts that the dip must have as well, or few trajectories would make it."""

RAREST = 0.05
"""A wave that fewer trajectories have is not reported."""


def find_waves(
    demand: xr.DataArray,
    history: xr.DataArray | None = None,
    window: Windows | None = None,
    cells: Sequence[Cells] | None = None,
) -> pd.DataFrame:
    """One row per county, service and turn, with the columns `COLUMNS`, crests before troughs, in order of years.

    `demand` (trajectory?, county, year, service?) and `history` (county, year, service?) in one unit; the years of the
    history that `demand` does not have stand before it. Years must follow each other without a gap; a series that
    is nowhere known is passed over, unknown years at its ends are left out. `cells`: `smooth_cells` of the two, where
    they are at hand.

    peak_year   the year of the extreme, the middle one of a plateau; low and high: its range (see below)
    onset_year, end_year   first and last year beyond half the prominence; width_years: the width there
    height      demand at the peak; prominence: how far it stands out from its surroundings
    lag_years   years behind the nearest crest before it of the stage before (troughs: trough); NaN without one within
                `LAG_YEARS`
    transient_share   of demand at a crest, the share that is not needed `window` years running; at a trough, the share
                of what demand comes back to within these years. `window`: break-even years, one for all or by service;
                by default those of the shipped costs, which are assumed (`lasting.read_costs`)
    probability share of trajectories that have this turn; 1 without trajectories

    Of a noisy series (`smoothing.find_courses`) the turns are those of its smooth course. The range of the peak year
    holds about 80 % of what may be: of the trajectories that have the turn (peak year, height, prominence, onset, end
    and width are then medians over them); of a single noisy path resampled with its own residuals; without noise it is
    the plateau. Whole years seldom hold 80 % exactly: the range is that whose share comes nearest.
    Raises InputRefused for a gap or an unknown value between known years.
    """
    services = [str(name) for name in demand[SERVICE].values] if SERVICE in demand.dims else [""]
    window = windows_of(services) if window is None else window
    parts = [_rows(one, window) for one in (smooth_cells(demand, history) if cells is None else cells)]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    found = pd.concat(parts, ignore_index=True).sort_values("order", kind="stable", ignore_index=True)
    return _with_lags(found)[list(COLUMNS)]


def _rows(cells: Cells, window: Windows) -> pd.DataFrame:
    """The turns of a group: of its only path with probability 1, or those that trajectories share."""
    count, trajectories, years = cells.values.shape
    courses, flat = cells.courses, cells.smooth.reshape(-1, years)
    turns = find_turns(flat, LEAST * np.abs(flat.mean(axis=1)))
    turns = turns.take(_beyond_noise(turns, courses, trajectories))
    transient = _transient_share(
        turns, flat, trajectories, [window_for(window, service) for _, service in cells.places]
    )
    if trajectories == 1:
        found = _single(turns, courses, cells.values[:, 0], transient)
    else:
        found = _shared(turns, trajectories, count, years, transient)
    first, cell = cells.first_year, found["cell"].to_numpy()
    return found.assign(
        order=[cells.rows[index] for index in cell],
        county=[cells.places[index][0] for index in cell],
        service=[cells.places[index][1] for index in cell],
        turn=np.where(found["sign"] > 0, "crest", "trough"),
        peak_year=first + found["peak"],
        peak_year_low=first + found["low"],
        peak_year_high=first + found["high"],
        onset_year=first + np.ceil(found["onset"] - 1e-9).astype(int),
        end_year=first + np.floor(found["end"] + 1e-9).astype(int),
        width_years=found["end"] - found["onset"],
        lag_years=np.nan,
    )


def _beyond_noise(turns: Turns, courses: list[Course], trajectories: int) -> NDArray[np.bool_]:
    """Which turns stand out more than noise alone does; its size goes with the level of the upper end of the turn."""
    noise = np.array([course.multiple * course.noise for course in courses])[turns.series // trajectories]
    in_logs = np.array([course.in_logs for course in courses])[turns.series // trajectories]
    upper = np.where(turns.sign > 0, turns.height, turns.height + turns.prominence)
    return turns.prominence >= noise * np.where(in_logs, upper, 1.0)


def _transient_share(turns: Turns, flat: Values, trajectories: int, windows: list[int]) -> Values:
    """Of the level at each turn, the share that does not last: demand above its opening, or below its closing."""
    share = np.full(len(turns.peak), np.nan)
    by_row = np.repeat(windows, trajectories)
    for years in sorted(set(windows)):
        rows = by_row == years
        for sign in (1, -1):
            lasts = np.full_like(flat, np.nan)
            lasts[rows] = sign * opening(sign * flat[rows], years, years)
            own = (turns.sign == sign) & rows[turns.series]
            there, need = turns.height[own], lasts[turns.series[own], turns.peak[own]]
            upper = np.maximum(there, need)
            share[own] = np.abs(there - need) / np.where(upper > 0, upper, np.nan)
    return share


def _single(turns: Turns, courses: list[Course], paths: Values, transient: Values) -> pd.DataFrame:
    """One row per turn of series that have no trajectories; the range of its peak by resampling the residuals."""
    low, high = turns.low.copy(), turns.high.copy()
    for cell, course in enumerate(courses):
        own = np.flatnonzero((turns.series == cell) & ~turns.at_edge)
        if course.smoother is not None and len(own):
            again = course.again(paths[cell], RESAMPLED, np.random.default_rng(0))
            for turn in own:
                first, last = int(np.ceil(turns.onset[turn])), int(turns.end[turn])
                peaks = first + np.argmax(turns.sign[turn] * again[:, first : last + 1], axis=1)
                low[turn], high[turn] = peak_range(peaks, int(turns.peak[turn]))
    columns = {field.name: getattr(turns, field.name) for field in fields(turns)} | {"low": low, "high": high}
    return pd.DataFrame(columns).rename(columns={"series": "cell"}).assign(probability=1.0, transient_share=transient)


def _shared(turns: Turns, trajectories: int, cells: int, years: int, transient: Values) -> pd.DataFrame:
    """One row per wave: how many trajectories have it, and medians over those."""
    cell, trajectory = np.divmod(turns.series, trajectories)
    heap = _heaps(turns, cell, trajectories, cells, years)
    wave = (((cell * 2 + (turns.sign < 0)) * 2 + turns.at_edge) * (years + 1) + heap) * trajectories + trajectory
    order = np.lexsort((-turns.prominence, wave))
    _, once = np.unique(wave[order], return_index=True)  # a trajectory has a wave once: where it stands out most
    chosen = order[once]
    _, starts, counts = np.unique(wave[chosen] // trajectories, return_index=True, return_counts=True)
    often = counts >= RAREST * trajectories
    starts, counts = starts[often], counts[often]
    groups = [chosen[start : start + count] for start, count in zip(starts, counts, strict=True)]

    def quantile(values: Values | Whole, level: float) -> Values:
        return np.array([_quantile(values[group], level) for group in groups], dtype=float)

    peak = np.round(quantile(turns.peak, 0.5)).astype(int)
    ranges = [peak_range(turns.peak[group], middle) for group, middle in zip(groups, peak, strict=True)]
    low, high = np.array(ranges, dtype=int).reshape(-1, 2).T
    medians = {name: quantile(getattr(turns, name), 0.5) for name in ("onset", "end", "height", "prominence")}
    first = chosen[starts]
    found = pd.DataFrame(
        {
            "cell": cell[first],
            "sign": turns.sign[first],
            "peak": peak,
            "low": low,
            "high": high,
            **medians,
            "transient_share": quantile(transient, 0.5),
            "probability": counts / trajectories,
            "at_edge": turns.at_edge[first],
        }
    )
    return found.sort_values(["cell", "sign", "peak"], ascending=[True, False, True], kind="stable")


def _heaps(turns: Turns, cell: Whole, trajectories: int, cells: int, years: int) -> Whole:
    """Number of the heap of crest years (of the cell and sign) in which each turn lies; edges are heaps of their own."""
    heap = (turns.at_edge & (turns.low > 0)).astype(np.int64)
    for sign in (1, -1):
        own = (turns.sign == sign) & ~turns.at_edge
        count = np.zeros((cells, years))
        np.add.at(count, (cell[own], turns.peak[own]), 1 / trajectories)
        smooth = np.apply_along_axis(np.convolve, 1, count, NEIGHBOURS, "same")
        marks = np.empty_like(smooth)
        kernel.mark_turns(smooth, np.zeros(cells), marks)
        chance = CHANCE * np.sqrt(2 * (NEIGHBOURS**2).sum() * smooth / trajectories)  # of two counts of trajectories
        tops = (marks > 0) & (marks >= DIP * smooth) & (marks >= chance)
        begins = np.zeros((cells, years), dtype=np.int64)  # at the lowest count between two tops
        for row in range(cells):
            for before, after in pairwise(np.flatnonzero(tops[row])):
                begins[row, before + int(np.argmin(smooth[row, before : after + 1]))] = 1
        heap[own] = np.cumsum(begins, axis=1)[cell[own], turns.peak[own]]
    return heap


def peak_range(peaks: Whole, middle: int) -> tuple[int, int]:
    """First and last of the years around `middle` that hold a share of `peaks` nearest to 80 %.

    Of ranges equally long the one that holds most is meant, and of two equally near the shorter.
    """
    first, last = min(int(peaks.min()), middle), max(int(peaks.max()), middle)
    upto = np.concatenate([[0], np.cumsum(np.bincount(peaks - first, minlength=last - first + 1))])
    centre, best, nearest = middle - first, (middle, middle), np.inf
    for width in range(1, len(upto)):
        lows = np.arange(max(0, centre - width + 1), min(centre, len(upto) - 1 - width) + 1)
        held = upto[lows + width] - upto[lows]
        distance = abs(held.max() - RANGE * len(peaks))
        if distance < nearest - 1e-9:
            low = first + int(lows[np.argmax(held)])
            best, nearest = (low, low + width - 1), distance
    return best


def _quantile(values: Values | Whole, level: float) -> float:
    """Linear between order statistics, as np.quantile, which takes ten times as long."""
    ordered = np.sort(values)
    position = level * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (position - below) * (ordered[above] - ordered[below]))


def _with_lags(waves: pd.DataFrame) -> pd.DataFrame:
    """Years by which a turn follows the nearest one before it of the stage before; edges are no turns to count from."""
    inner = waves[~waves["at_edge"]]
    years: dict[tuple[str, str, str], list[tuple[int, int]]] = {}  # (peak year, row)
    for row, county, turn, service, year in zip(
        inner.index, inner["county"], inner["turn"], inner["service"], inner["peak_year"], strict=True
    ):
        years.setdefault((county, turn, service), []).append((int(year), row))
    lags: dict[int, float] = {}
    for (county, turn, service), before in years.items():
        if service not in STAGES[:-1]:
            continue
        after = sorted(years.get((county, turn, STAGES[STAGES.index(service) + 1]), []))
        for year, _ in sorted(before):
            near = [(later, row) for later, row in after if year <= later <= year + LAG_YEARS]
            if near:  # of two crests before the same one, the later is nearer and stays
                lags[near[0][1]] = float(near[0][0] - year)
    return waves.assign(lag_years=pd.Series(lags, dtype=float).reindex(waves.index))
