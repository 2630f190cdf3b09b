"""Crests and troughs of demand by county and service, alone or over trajectories.

A crest is a local maximum whose prominence reaches max(5 % of the mean, 3 sd of the noise), the noise being
sd(second differences of the observed history) / sqrt(6) (SPECS 8.1). Troughs are the crests of the series upside down.
A maximum at the first or last year is a crest only as far as one can see: it is reported with `at_edge`, its prominence
is the fall on the side that is known, and it takes no part in lags.

Over trajectories a wave is a heap of crest years: the years in which the single trajectories crest are counted, and
where the count (smoothed over neighbouring years) has a dip, one wave ends and the next begins. The crests of a
median path would be lower and later merged than any that may come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from forecast.dims import COUNTY, SERVICE, TRAJECTORY, YEAR
from forecast.errors import InputRefused, Issue
from forecast.waves import kernel
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

RANGE = {"low": 0.1, "peak": 0.5, "high": 0.9}
"""The 80 % range of the peak year and its median."""

NEIGHBOURS = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9
"""Weights by which counts of crest years are smoothed before heaps are told apart."""

DIP = 0.25
"""Two heaps are two waves if the count between them falls by so much of the smaller one."""

RAREST = 0.05
"""A wave that fewer trajectories have is not reported."""


@dataclass(frozen=True)
class Cells:
    """Counties and services whose known years are the same: `values` (cell, trajectory, year), the history in front."""

    places: list[tuple[str, str]]
    first_year: int
    values: Values
    noise: Values  # (cell,) sd of the noise of the history


def find_waves(demand: xr.DataArray, history: xr.DataArray | None = None) -> pd.DataFrame:
    """One row per county, service and turn, with the columns `COLUMNS`, crests before troughs, in order of years.

    `demand` (trajectory?, county, year, service?) and `history` (county, year, service?) in one unit; the years of the
    history that `demand` does not have stand before it. Years must follow each other without a gap; a series that
    is nowhere known is passed over, unknown years at its ends are left out.

    peak_year   the year of the extreme, the middle one of a plateau; low and high: the plateau's years or, over
                trajectories, the 80 % range (peak_year then is the median)
    onset_year, end_year   first and last year beyond half the prominence; width_years: the width there
    height      demand at the peak; prominence: how far it stands out from its surroundings
    lag_years   years behind the nearest crest before it of the stage before (troughs: trough); NaN without one within
                `LAG_YEARS`
    transient_share   NaN: it needs the break-even years of the service, which no function here knows yet
    probability share of trajectories that have this turn; 1 without trajectories

    With trajectories height, prominence, onset, end and width are medians over those that have the turn.
    Raises InputRefused for a gap or an unknown value between known years.
    """
    parts = [_rows(cells) for cells in _cells(demand, history)]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    found = pd.concat(parts, ignore_index=True).sort_values("order", kind="stable", ignore_index=True)
    return _with_lags(found)[list(COLUMNS)]


def _cells(demand: xr.DataArray, history: xr.DataArray | None) -> Iterator[Cells]:
    """Series sorted into groups that know the same years, as different services often do not."""
    years, paths, places = _stacked(demand)
    before: dict[tuple[str, str], tuple[Whole, Values]] = {}
    if history is not None:
        earlier, observed, known = _stacked(history)
        before = {place: (earlier, row[0]) for place, row in zip(known, observed, strict=True)}
    groups: dict[tuple[int, ...], list[tuple[int, Values, float]]] = {}
    for cell, place in enumerate(places):
        own, values, noise = _joined(years, paths[cell], before.get(place), " ".join(place).strip())
        if len(own):
            groups.setdefault((int(own[0]), len(own)), []).append((cell, values, noise))
    for (first, _), members in groups.items():
        yield Cells(
            places=[places[cell] for cell, _, _ in members],
            first_year=first,
            values=np.stack([values for _, values, _ in members]),
            noise=np.array([noise for _, _, noise in members]),
        )


def _stacked(variable: xr.DataArray) -> tuple[Whole, Values, list[tuple[str, str]]]:
    """Years, values (county and service, trajectory, year), and the names of the first axis."""
    full = variable
    for dim in (TRAJECTORY, SERVICE):
        if dim not in full.dims:
            full = full.expand_dims(dim)
    full = full.transpose(COUNTY, SERVICE, TRAJECTORY, YEAR)
    services = full[SERVICE].values if SERVICE in variable.coords and SERVICE in variable.dims else [""]
    places = [(str(county), str(service)) for county in full[COUNTY].values for service in services]
    values = full.to_numpy().astype(float)
    return full[YEAR].to_numpy().astype(np.int64), values.reshape(len(places), *values.shape[2:]), places


def _joined(
    years: Whole, values: Values, before: tuple[Whole, Values] | None, where: str
) -> tuple[Whole, Values, float]:
    """Known years, values (trajectory, year) with the history in front, and the sd of the history's noise."""
    noise = 0.0
    if before is not None:
        there = np.isfinite(before[1])
        earlier, observed = before[0][there], before[1][there]
        noise = _noise(observed)
        front = earlier < years[0]
        years = np.concatenate([earlier[front], years])
        values = np.hstack([np.tile(observed[front], (len(values), 1)), values])
    known = np.asarray(np.isfinite(values).all(axis=0))
    if not known.any():
        return years[:0], values, noise
    inside = slice(int(np.argmax(known)), len(known) - int(np.argmax(known[::-1])))
    years, values, known = years[inside], values[:, inside], known[inside]
    gaps = [int(year) for year in years[~known]]
    gaps += [int(year) for year, after in pairwise(years) if after != year + 1]
    if gaps:
        raise InputRefused(Issue("E432", values={"where": where, "found": ", ".join(map(str, gaps))}))
    return years, values, noise


def _noise(history: Values) -> float:
    """sd of iid noise on a smooth series: the second difference of such noise has 6 times its variance."""
    if len(history) < 4:
        return 0.0
    return float(np.std(np.diff(history, 2), ddof=1) / np.sqrt(6))


def _rows(cells: Cells) -> pd.DataFrame:
    """The turns of a group: of its only path with probability 1, or those that trajectories share."""
    count, trajectories, years = cells.values.shape
    flat = cells.values.reshape(count * trajectories, years)
    least = np.maximum(0.05 * np.abs(flat.mean(axis=1)), 3 * np.repeat(cells.noise, trajectories))
    turns = find_turns(flat, least)
    found = _single(turns) if trajectories == 1 else _shared(turns, trajectories, count, years)
    first, cell = cells.first_year, found["cell"].to_numpy()
    return found.assign(
        order=cell,
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
        transient_share=np.nan,
    )


def _single(turns: Turns) -> pd.DataFrame:
    """One row per turn of series that have no trajectories."""
    columns = {field.name: getattr(turns, field.name) for field in fields(turns)}
    return pd.DataFrame(columns).rename(columns={"series": "cell"}).assign(probability=1.0)


def _shared(turns: Turns, trajectories: int, cells: int, years: int) -> pd.DataFrame:
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

    peak = {name: np.round(quantile(turns.peak, level)).astype(int) for name, level in RANGE.items()}
    medians = {name: quantile(getattr(turns, name), 0.5) for name in ("onset", "end", "height", "prominence")}
    first = chosen[starts]
    found = pd.DataFrame(
        {
            "cell": cell[first],
            "sign": turns.sign[first],
            **peak,
            **medians,
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
        kernel.mark_crests(smooth, marks)
        tops = (marks > 0) & (marks >= DIP * smooth)
        begins = np.zeros((cells, years), dtype=np.int64)  # at the lowest count between two tops
        for row in range(cells):
            for before, after in pairwise(np.flatnonzero(tops[row])):
                begins[row, before + int(np.argmin(smooth[row, before : after + 1]))] = 1
        heap[own] = np.cumsum(begins, axis=1)[cell[own], turns.peak[own]]
    return heap


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
