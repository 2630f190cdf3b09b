"""Crests and troughs of demand: when they come, how high and how wide they are, how they follow each other.

A crest is a local maximum whose prominence reaches max(5 % of the mean, 3 sd of the noise), the noise being
sd(second differences of the observed history) / sqrt(6) (SPECS 8.1). Troughs are the crests of the series upside down.
A maximum at the first or last year is a crest only as far as one can see: it is reported with `at_edge`, its prominence
is the fall on the side that is known, and it takes no part in lags.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr
from scipy.signal import find_peaks, peak_widths

from forecast.dims import COUNTY, SERVICE, TRAJECTORY, YEAR
from forecast.errors import InputRefused, Issue

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

MATCH_YEARS = 5
"""A trajectory's crest is the same crest as the median path's if it lies at most so many years away."""

LAG_YEARS = 9
"""A cohort leaves the youngest age of one stage for the oldest of the next within so many years (3 to 11); later turns
are another wave's."""

Series = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Turn:
    """One crest or trough of one series; years are positions until `_rows` turns them into years."""

    sign: int
    peak: int
    low: int
    high: int
    onset: float
    end: float
    height: float
    prominence: float
    at_edge: bool


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
    probability share of trajectories that have this turn within `MATCH_YEARS`; 1 without trajectories

    With trajectories the turns are those of the median path. Raises InputRefused for a gap or an unknown value between
    known years.
    """
    rows: list[dict[str, object]] = []
    for (county, service), paths, before in _each_series(demand, history):
        years, values, noise = _joined(paths, before, f"{county} {service}".strip())
        if not len(years):
            continue
        turns = _turns_of(values, noise)
        rows += [{"county": county, "service": service, **_row(turn, years, share)} for turn, share in turns]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    return _with_lags(found).astype({"peak_year": int, "at_edge": bool} if len(found) else {})


def _each_series(
    demand: xr.DataArray, history: xr.DataArray | None
) -> Iterable[tuple[tuple[str, str], xr.DataArray, xr.DataArray | None]]:
    """(county, service) with its (trajectory?, year) paths and its (year) history; service "" where there is none."""
    for county in demand[COUNTY].values:
        for service in demand[SERVICE].values if SERVICE in demand.dims else [None]:
            place = {COUNTY: county} | ({SERVICE: service} if service is not None else {})
            before = None if history is None else history.sel(place)
            yield (str(county), "" if service is None else str(service)), demand.sel(place), before


def _joined(
    paths: xr.DataArray, before: xr.DataArray | None, where: str
) -> tuple[list[int], np.ndarray[tuple[int, int], np.dtype[np.float64]], float]:
    """Years, values (trajectory, year) with the history in front, and the sd of the history's noise."""
    own = paths.transpose(TRAJECTORY, YEAR) if TRAJECTORY in paths.dims else paths.expand_dims(TRAJECTORY)
    years = [int(year) for year in own[YEAR].values]
    values = own.to_numpy().astype(float)
    noise = 0.0
    if before is not None:
        observed = before.dropna(YEAR)
        noise = _noise(observed.to_numpy().astype(float))
        earlier = observed.sel({YEAR: [int(year) for year in observed[YEAR].values if year < years[0]]})
        years = [int(year) for year in earlier[YEAR].values] + years
        values = np.hstack([np.tile(earlier.to_numpy().astype(float), (len(values), 1)), values])
    known = np.isfinite(values).all(axis=0)
    if not known.any():
        return [], values, noise
    first, last = int(np.argmax(known)), len(known) - int(np.argmax(known[::-1]))
    years, values, known = years[first:last], values[:, first:last], known[first:last]
    gaps = [year for year, fine in zip(years, known, strict=True) if not fine]
    gaps += [year for year, after in pairwise(years) if after != year + 1]
    if gaps:
        raise InputRefused(Issue("E432", values={"where": where, "found": ", ".join(map(str, gaps))}))
    return years, values, noise


def _noise(history: Series) -> float:
    """sd of iid noise on a smooth series: the second difference of such noise has 6 times its variance."""
    if len(history) < 4:
        return 0.0
    return float(np.std(np.diff(history, 2), ddof=1) / np.sqrt(6))


def _turns_of(values: np.ndarray[tuple[int, int], np.dtype[np.float64]], noise: float) -> list[tuple[Turn, float]]:
    """Turns of the only path, with probability 1; or of the median path, matched with those of each trajectory."""
    if len(values) == 1:
        return [(turn, 1.0) for turn in _find_turns(values[0], noise)]
    each = [_find_turns(path, noise) for path in values]
    matched = []
    for turn in _find_turns(np.median(values, axis=0), noise):
        peaks = [peak for turns in each if (peak := _same_turn(turn, turns)) is not None]
        if peaks:
            low, middle, high = (round(float(x)) for x in np.quantile(peaks, [0.1, 0.5, 0.9]))
            turn = replace(turn, peak=middle, low=low, high=high)
        matched.append((turn, len(peaks) / len(values)))
    return matched


def _same_turn(turn: Turn, turns: list[Turn]) -> int | None:
    """Position of the nearest turn of the same kind, None if none lies within `MATCH_YEARS`."""
    near = [one.peak for one in turns if one.sign == turn.sign and one.at_edge == turn.at_edge]
    near = [peak for peak in near if abs(peak - turn.peak) <= MATCH_YEARS]
    return min(near, key=lambda peak: abs(peak - turn.peak), default=None)


def _find_turns(path: Series, noise: float) -> list[Turn]:
    """Crests, then troughs, of one series, each in order of years."""
    least = max(0.05 * abs(float(np.mean(path))), 3 * noise)
    turns = []
    for sign in (1, -1):
        found = [*_inner_turns(sign * path, sign, least), *_edge_turns(sign * path, sign, least)]
        turns += sorted(found, key=lambda turn: turn.peak)
    return turns


def _inner_turns(path: Series, sign: int, least: float) -> Iterable[Turn]:
    if len(path) < 3 or least <= 0:
        return
    peaks, facts = find_peaks(path, prominence=least, plateau_size=1)
    bases = (facts["prominences"], facts["left_bases"], facts["right_bases"])
    _, _, onsets, ends = peak_widths(path, peaks, rel_height=0.5, prominence_data=bases)
    for k, peak in enumerate(peaks):
        yield Turn(
            sign=sign,
            peak=int(peak),
            low=int(facts["left_edges"][k]),
            high=int(facts["right_edges"][k]),
            onset=float(onsets[k]),
            end=float(ends[k]),
            height=sign * float(path[peak]),
            prominence=float(facts["prominences"][k]),
            at_edge=False,
        )


def _edge_turns(path: Series, sign: int, least: float) -> Iterable[Turn]:
    """A maximum at the first or last year, from which the series falls by `least` before it rises above it again."""
    last = len(path) - 1
    for mirrored in (False, True):
        side = path[::-1] if mirrored else path
        top = float(side[0])
        higher = np.flatnonzero(side > top)
        reach = side[: int(higher[0])] if len(higher) else side
        drop = top - float(reach.min())
        if least <= 0 or drop < least:
            continue
        level = int(np.argmax(reach < top)) - 1  # last year of the plateau at the edge
        below = int(np.argmax(reach < top - drop / 2))  # first year under half the prominence
        slope = reach[below - 1] - reach[below]
        end = below - 1 + float((reach[below - 1] - (top - drop / 2)) / slope)
        peak, low, high, onset = level // 2, 0, level, 0.0
        if mirrored:
            peak, low, high, onset, end = last - peak, last - high, last, last - end, float(last)
        yield Turn(sign, peak, low, high, onset, end, sign * top, drop, at_edge=True)


def _row(turn: Turn, years: list[int], share: float) -> dict[str, object]:
    first = years[0]
    return {
        "turn": "crest" if turn.sign > 0 else "trough",
        "peak_year": first + turn.peak,
        "peak_year_low": first + turn.low,
        "peak_year_high": first + turn.high,
        "onset_year": first + int(np.ceil(turn.onset - 1e-9)),
        "end_year": first + int(np.floor(turn.end + 1e-9)),
        "height": turn.height,
        "prominence": turn.prominence,
        "width_years": turn.end - turn.onset,
        "lag_years": np.nan,
        "transient_share": np.nan,
        "probability": share,
        "at_edge": turn.at_edge,
    }


def _with_lags(waves: pd.DataFrame) -> pd.DataFrame:
    """Years by which a turn follows the nearest one before it of the stage before; edges are no turns to count from."""
    inner = waves[~waves["at_edge"].astype(bool)]
    years: dict[tuple[str, str, str], list[tuple[int, int]]] = defaultdict(list)  # (peak year, row) in order of years
    for row, county, turn, service, year in zip(
        inner.index, inner["county"], inner["turn"], inner["service"], inner["peak_year"], strict=True
    ):
        years[county, turn, service].append((int(year), row))
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
