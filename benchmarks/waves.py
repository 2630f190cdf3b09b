"""The scan for waves at the size of a nation: every county, service and trajectory, several crests each."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import xarray as xr
from scipy.signal import find_peaks

from benchmarks.timing import own_seconds
from forecast.basics.dims import COUNTY, SERVICE, TRAJECTORY, YEAR
from forecast.waves import classify_waves, find_waves, kernel, lanes, smooth_cells
from forecast.waves.find import LEAST, quantiles
from forecast.waves.peaks import RANGE
from forecast.waves.turns import find_turns
from studies.pages import table

WINDOW, AT_A_TIME, ROUNDS = 12, 10, 4
NATION, SERVICES, YEARS, OBSERVED = 2850, 12, 39, 12


def waves(counties: int, trajectories: int) -> str:
    """Seconds of the scan alone, of what it is compared with, and of the labelled call, with the counties measured."""
    paths = random_paths(counties, trajectories)
    times = counties_times(counties)
    seconds = {kind: {n: scan_seconds(paths.astype(kind), n, times) for n in (1, 2)} for kind in ("float32", "float64")}
    summaries = [summary(county.astype(np.float64)) for county in paths[: max(1, counties // 50)]]
    crests = sum(int(heaps["turns"][heaps["sign"] > 0].sum()) for heaps in summaries)
    each = crests / (len(summaries) * SERVICES * trajectories)
    series = NATION * SERVICES * trajectories
    few = np.ascontiguousarray(paths[0].transpose(0, 2, 1)).reshape(-1, YEARS)[: 10 * trajectories].astype(float)
    one_by_one = own_seconds(lambda: find_turns(few, LEAST * few.mean(axis=1)), 3) / len(few) * series
    by_scipy = own_seconds(lambda: _scipy_peaks(few[:1000]), 3) / len(few[:1000]) * series
    block = labelled(paths[: max(1, counties // 24)])
    demand, history = block
    find_waves(demand, history, window=12)
    calls = {n: _pooled(lambda both: find_waves(both[0], both[1], window=12), [block] * 2, n) for n in (1, 2)}
    scale = NATION / 2 / len(block[0][COUNTY])
    few_counties = paths[: max(1, counties // 14)]
    judged = {n: class_seconds(few_counties, n) for n in (1, 2)}
    called = [f"{clock * scale:.0f} ({processor * scale / n:.0f})" for n, (clock, processor) in calls.items()]
    rows = [
        ("scan, float32", *seconds["float32"].values(), _measured(counties, times)),
        ("scan, float64", *seconds["float64"].values(), _measured(counties, times)),
        ("turns alone, one path after the other", f"{one_by_one:.0f}", "", f"{len(few):,} paths, scaled"),
        ("scipy.signal.find_peaks, crests and troughs", f"{by_scipy:,.0f}", "", "1,000 paths, scaled"),
        (
            "`classify_waves`, smooth paths at hand, and in brackets the scan in turn with it; processor's seconds",
            *[f"{classes:.1f} ({scan:.1f}): {ratio} of the scan" for scan, classes, ratio in judged.values()],
            f"{len(few_counties)} counties, scaled",
        ),
        (
            "`find_waves`, all columns",
            *called,
            f"{len(block[0][COUNTY])} counties, scaled",
        ),
    ]
    return (
        f"## Waves: {NATION:,} counties x {SERVICES} services x {trajectories:,} trajectories x {YEARS} years\n\n"
        f"{series / 1e6:.1f} million paths with {each:.1f} crests each (as many troughs). The scan finds every turn with "
        "its prominence and keeps of each county and service the heaps of crest and trough years with their probability, "
        "the peak year with its 80 % range, height and prominence. One thread takes a county. "
        "`find_waves` takes labelled values, smooths the observed years, and adds onset, end, width, lag, "
        "the share that does not last and the time of the peak within the year. In brackets the processor's time over the "
        f"number of threads, what it would take by the clock if nothing else ran; load {os.getloadavg()[0]:.1f}.\n\n"
        + table(("seconds", "1 thread", "2 threads", "measured on"), rows)
    )


def counties_times(counties: int) -> int:
    """Times that the counties at hand are scanned to make up the nation; 1 where they are less than a tenth of it."""
    return NATION // counties if counties * 10 >= NATION else 1


def _measured(counties: int, times: int) -> str:
    whole = counties * times == NATION
    return f"all: {counties} counties {times} times over" if whole else f"{counties} counties, scaled"


def random_paths(counties: int, trajectories: int) -> np.ndarray:
    """(county, service, year, trajectory) float32: two crests on a trend, an observed past that all trajectories share,
    then levels that wander (an autoregression of the growth, sd 3 % a year)."""
    rng, year = np.random.default_rng(0), np.arange(YEARS)
    out = np.empty((counties, SERVICES, YEARS, trajectories), np.float32)
    for county in range(counties):
        for service in range(SERVICES):
            first, second = rng.uniform(8, 30), rng.uniform(20, 38)
            level = 1 + rng.uniform(0.3, 1) * np.exp(-((year - first) ** 2) / 2 / rng.uniform(2, 5) ** 2)
            level += rng.uniform(-0.02, 0.02) * year + rng.uniform(0, 0.4) * np.exp(-((year - second) ** 2) / 18)
            shock, growth = rng.normal(0, 0.03, (YEARS - OBSERVED, trajectories)), np.zeros((YEARS, trajectories))
            for step in range(YEARS - OBSERVED):
                growth[OBSERVED + step] = 0.9 * growth[OBSERVED + step - 1] + shock[step]
            out[county, service] = 2000 * level[:, None] * np.exp(0.3 * np.cumsum(growth, axis=0))
    return out


def summary(values: np.ndarray) -> dict[str, np.ndarray]:
    """Waves of one county (service, year, trajectory), by wave: service, sign, edge, turns, peak, range, height, prominence."""
    none = np.zeros(len(values))
    waves, turns = lanes.scan_cells(values, LEAST, none, none > 0)
    counts = waves[3]
    peaks = turns[1].astype(np.int64)
    ranges = np.empty((len(counts), 3), dtype=np.int64)
    kernel.peak_ranges(peaks, counts, RANGE, ranges)
    medians = [quantiles(column, counts, (0.5,))[0] for column in turns[2:]]
    names = ("service", "sign", "edge", "turns", "peak", "low", "high", "height", "prominence")
    return dict(zip(names, (*waves[:3], counts, *ranges.T, *medians), strict=True))


def scan_seconds(paths: np.ndarray, threads: int, times: int) -> str:
    """Seconds of the nation, and in brackets the processor's: all counties so many times, or scaled to it where that is not the whole of it."""
    summary(paths[0])
    clock, processor = _pooled(summary, list(paths) * times, threads)
    scale = NATION / (len(paths) * times)
    return f"{clock * scale:.1f} ({processor * scale / threads:.1f})"


def labelled(paths: np.ndarray) -> tuple[xr.DataArray, xr.DataArray]:
    """Demand and history as the product has them."""
    coords = {COUNTY: [f"{number:06}" for number in range(len(paths))], SERVICE: [f"s{n}" for n in range(SERVICES)]}
    full = xr.DataArray(
        paths, dims=(COUNTY, SERVICE, YEAR, TRAJECTORY), coords=coords | {YEAR: range(2012, 2012 + YEARS)}
    )
    demand = full.transpose(TRAJECTORY, COUNTY, YEAR, SERVICE).astype(float)
    return demand.isel({YEAR: slice(OBSERVED, None)}), demand.isel({TRAJECTORY: 0, YEAR: slice(OBSERVED)}, drop=True)


def class_seconds(paths: np.ndarray, threads: int) -> tuple[float, float, str]:
    """Processor's seconds of the nation for the scan and for the classes of the same paths, timed in turn, and their ratio.

    The classes are those of the public call: shares, likeliest at three windows, when they begin, and medians of what
    lasts; the smooth paths are at hand, as in a run. Every call has `AT_A_TIME` counties, and no more is held.
    """
    blocks = []
    for first in range(0, len(paths), AT_A_TIME):
        demand, history = labelled(paths[first : first + AT_A_TIME])
        stands = 1.02 * history.isel({YEAR: -1}, drop=True) + xr.zeros_like(demand.isel({TRAJECTORY: 0}, drop=True))
        blocks.append((demand, stands, history, smooth_cells(demand, history)))

    def classes(block: tuple) -> object:  # type: ignore[type-arg]
        demand, stands, history, cells = block
        return classify_waves(demand, stands, WINDOW, history, cells=cells)

    classes(blocks[0])
    summary(paths[0])
    rounds = [(_pooled(summary, list(paths), threads)[1], _pooled(classes, blocks, threads)[1]) for _ in range(ROUNDS)]
    scan, judged = (min(times) * NATION / len(paths) / threads for times in zip(*rounds, strict=True))
    return scan, judged, f"{judged / scan:.2f}"


def _pooled(work: Callable[..., object], parts: list, threads: int) -> tuple[float, float]:  # type: ignore[type-arg]
    """Seconds by the clock, and of the processor."""
    with ThreadPoolExecutor(threads) as pool:
        start, processor = time.perf_counter(), time.process_time()
        list(pool.map(work, parts))
        return time.perf_counter() - start, time.process_time() - processor


def _scipy_peaks(paths: np.ndarray) -> None:
    for path in paths:
        least = LEAST * path.mean()
        for sign in (1, -1):
            find_peaks(sign * path, prominence=least, plateau_size=1)
