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

from forecast.demand.costs import shipped_windows
from forecast.demand.model import chain_of
from forecast.waves import kernel
from forecast.waves.lasting import Windows, window_for
from forecast.waves.peaks import LEVELS, RANGE, peak_range, peak_times
from forecast.waves.smoothing import Course
from forecast.waves.stacks import Cells, smooth_cells
from forecast.waves.turns import Turns, Values, Whole, find_shared_turns, find_turns

COLUMNS = (
    "county",
    "service",
    "turn",
    "peak_year",
    "peak_year_low",
    "peak_year_high",
    "peak_time",
    "peak_time_low",
    "peak_time_high",
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

LAG_YEARS = 9
"""A cohort leaves the youngest age of one stage for the oldest of the next within so many years (3 to 11); later turns
are another wave's."""

LEAST = 0.05
"""Prominence from which a turn counts, as a share of the mean of its series."""

TIMES = ("peak_time_low", "peak_time", "peak_time_high")


def find_waves(
    demand: xr.DataArray,
    history: xr.DataArray | None = None,
    window: Windows | None = None,
    cells: Sequence[Cells] | None = None,
    chain: Sequence[str] | None = None,
) -> pd.DataFrame:
    """One row per county, service and turn, with the columns `COLUMNS`, crests before troughs, in order of years.

    `demand` (trajectory?, county, year, service?) and `history` (county, year, service?) in one unit; the years of the
    history that `demand` does not have stand before it. Years must follow each other without a gap; a series that
    is nowhere known is passed over, unknown years at its ends are left out. `cells`: `smooth_cells` of the two, where
    they are at hand. `chain`: services through which a birth cohort passes, one after another; by default the shipped.

    peak_year   the year of the extreme, the middle one of a plateau; low and high: its range (see below)
    peak_time   the same in fractions of a year (the curve through the years, `peaks`), 2023.4 being between the values of
                2023 and 2024; low and high: the 10 % and 90 % quantiles, and peak_time is the median
    onset_year, end_year   first and last year beyond half the prominence; width_years: the width there
    height      demand at the peak; prominence: how far it stands out from its surroundings
    lag_years   years behind the nearest crest before it of the stage before (troughs: trough); NaN without one within
                `LAG_YEARS`
    transient_share   of demand at a crest, the share that is not needed `window` years running; at a trough, the share
                of what demand comes back to within these years. `window`: break-even years, one for all or by service
                (`demand.costs.windows_of`); by default those of the shipped services by their models' costs, of which the
                rents are assumed, and NaN for other services
    probability share of trajectories that have this turn; 1 without trajectories

    Of a noisy series (`smoothing.find_courses`) the turns are those of its smooth course. The range of the peak year
    holds about 80 % of what may be: of the trajectories that have the turn (peak year, height, prominence, onset, end
    and width are then medians over them); of a single noisy path with noise drawn anew; without noise it is
    the plateau. Whole years seldom hold 80 % exactly: the range is that whose share comes nearest, and where a single year
    holds more it is true more often than it says. For a calibrated range take `peak_time`. It is found on courses
    smoothed less (`smoothing`), so that its median may fall in another year than the peak of the smooth course.
    Raises InputRefused for a gap or an unknown value between known years.
    """
    parts = [_rows(group, window) for group in (smooth_cells(demand, history) if cells is None else cells)]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    waves = pd.concat(parts, ignore_index=True).sort_values("order", kind="stable", ignore_index=True)
    return _with_lags(waves, chain_of() if chain is None else chain)[list(COLUMNS)]


def _rows(cells: Cells, window: Windows | None) -> pd.DataFrame:
    """The turns of a group: of its only path with probability 1, or those that trajectories share."""
    _, trajectories, years = cells.values.shape
    flat, noise = (
        cells.smooth.reshape(-1, years),
        np.array([course.multiple * course.noise for course in cells.courses]),
    )
    in_logs = np.array([course.in_logs for course in cells.courses])
    if trajectories == 1:
        turns = find_turns(flat, LEAST * np.abs(flat.mean(axis=1)))
        turns = turns.take(_beyond_noise(turns, noise[turns.series], in_logs[turns.series]))
        waves = _single(turns, cells.courses, cells.values[:, 0], flat, _transient_share(turns, cells, window))
    else:
        turns, counts = find_shared_turns(cells.smooth, LEAST, noise, in_logs)
        waves = _shared(turns, counts, trajectories, flat, _transient_share(turns, cells, window))
    first, cell = cells.first_year, waves["cell"].to_numpy()
    return waves.assign(
        order=[cells.rows[index] for index in cell],
        county=[cells.places[index][0] for index in cell],
        service=[cells.places[index][1] for index in cell],
        turn=np.where(waves["sign"] > 0, "crest", "trough"),
        peak_year=first + waves["peak"],
        peak_year_low=first + waves["low"],
        peak_year_high=first + waves["high"],
        **{name: first + waves[name] for name in TIMES},
        onset_year=first + np.ceil(waves["onset"] - 1e-9).astype(int),
        end_year=first + np.floor(waves["end"] + 1e-9).astype(int),
        width_years=waves["end"] - waves["onset"],
        lag_years=np.nan,
    )


def _beyond_noise(turns: Turns, noise: Values, in_logs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(turn,) true where it stands out more than noise alone does, whose size goes with the level of its upper end."""
    upper = np.where(turns.sign > 0, turns.height, turns.height + turns.prominence)
    return turns.prominence >= noise * np.where(in_logs, upper, 1.0)


def _transient_share(turns: Turns, cells: Cells, window: Windows | None) -> Values:
    """(turn,) share of the level that does not last: demand above its opening, or below its closing."""
    share, services = np.full(len(turns.peak), np.nan), [service for _, service in cells.places]
    shipped = shipped_windows() if window is None else {}
    windows = [shipped.get(service, 0) if window is None else window_for(window, service) for service in services]
    kernel.transient_shares(cells.smooth, np.array(windows), turns.series, turns.peak, turns.sign, share)
    return share


def _single(turns: Turns, courses: list[Course], paths: Values, flat: Values, transient: Values) -> pd.DataFrame:
    """One row per turn of series that have no trajectories; the range of its peak by drawing the noise anew."""
    low, high, time = turns.low.copy(), turns.high.copy(), _times(turns, flat)
    wide = low < high
    times = np.stack([np.where(wide, low, time), time, np.where(wide, high, time)])
    for cell, course in enumerate(courses):
        if course.spread is None:
            continue
        for turn in np.flatnonzero((turns.series == cell) & ~turns.at_edge):
            first, last = int(np.ceil(turns.onset[turn])), int(turns.end[turn])
            if not course.spread.noisy[first : last + 1].any():
                continue
            around = slice(max(first - 2, 0), last + 3)  # the years beside a peak tell when it is
            again = turns.sign[turn] * course.spread.courses(paths[cell], around.start, around.stop - 1)
            tops = first - around.start + np.argmax(again[:, first - around.start : last - around.start + 1], axis=1)
            drawn = around.start + peak_times(again, np.arange(len(again)), tops)
            times[:, turn] = np.quantile(drawn, LEVELS)
            low[turn], high[turn] = peak_range(np.round(drawn).astype(int), int(turns.peak[turn]))
    columns = {field.name: getattr(turns, field.name) for field in fields(turns)} | {"low": low, "high": high}
    columns |= dict(zip(TIMES, times, strict=True))
    return pd.DataFrame(columns).rename(columns={"series": "cell"}).assign(probability=1.0, transient_share=transient)


def _times(turns: Turns, flat: Values) -> Values:
    """Peak of each turn (turn,) in fractions of a year; the middle of a plateau, the year itself at an edge."""
    between = peak_times(flat, turns.series, turns.peak, turns.sign)
    single = (turns.low == turns.high) & ~turns.at_edge
    return np.where(single, between, np.where(turns.at_edge, turns.peak, (turns.low + turns.high) / 2))


def _shared(turns: Turns, counts: Whole, trajectories: int, flat: Values, transient: Values) -> pd.DataFrame:
    """One row per wave: how many trajectories have it, and medians over those."""
    first = np.cumsum(counts) - counts
    ranges = np.empty((len(counts), 3), dtype=int)
    kernel.peak_ranges(turns.peak, counts, RANGE, ranges)
    peak, low, high = ranges.T
    medians = {name: getattr(turns, name) for name in ("onset", "end", "height", "prominence")}
    medians |= {"transient_share": transient}
    waves = pd.DataFrame(
        {
            "cell": turns.series[first] // trajectories,
            "sign": turns.sign[first],
            "peak": peak,
            "low": low,
            "high": high,
            **dict(zip(TIMES, quantiles(_times(turns, flat), counts, LEVELS), strict=True)),
            **{name: quantiles(values, counts, (0.5,))[0] for name, values in medians.items()},
            "probability": counts / trajectories,
            "at_edge": turns.at_edge[first],
        }
    )
    return waves.sort_values(["cell", "sign", "peak"], ascending=[True, False, True], kind="stable")


def quantiles(values: Values | Whole, counts: Whole, levels: Sequence[float]) -> Values:
    """(level, wave) quantiles of the values (turn,) of each wave, of which it has so many: linear between two of them."""
    out = np.empty((len(levels), len(counts)))
    exact = values if values.dtype.kind == "f" else values.astype(np.float64)
    kernel.wave_quantiles(np.ascontiguousarray(exact), counts, np.array(levels), out)
    return out


def _with_lags(waves: pd.DataFrame, chain: Sequence[str]) -> pd.DataFrame:
    """Years by which a turn follows the nearest one before it of the stage before; edges are no turns to count from."""
    inner = waves[~waves["at_edge"]]
    years: dict[tuple[str, str, str], list[tuple[int, int]]] = {}  # (peak year, row)
    for row, county, turn, service, year in zip(
        inner.index, inner["county"], inner["turn"], inner["service"], inner["peak_year"], strict=True
    ):
        years.setdefault((county, turn, service), []).append((int(year), row))
    follower, lags = dict(pairwise(chain)), dict[int, float]()
    for (county, turn, service), before in years.items():
        if service not in follower:
            continue
        after = sorted(years.get((county, turn, follower[service]), []))
        for year, _ in sorted(before):
            near = [(later, row) for later, row in after if year <= later <= year + LAG_YEARS]
            if near:  # of two crests before the same one, the later is nearer and stays
                lags[near[0][1]] = float(near[0][0] - year)
    return waves.assign(lag_years=pd.Series(lags, dtype=float).reindex(waves.index))
