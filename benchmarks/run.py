"""Times the projection kernel and writes benchmarks/README.md.

    python3 run.py bench            # all sizes of the tables
    python3 run.py bench --quick    # small sizes: does everything run?

Rules: things that are compared are timed in turn, in the same run; the best of several rounds is shown, as everything
that disturbs a run makes it longer; sizes, bytes and what is returned are stated. No absolute time is a test.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from benchmarks import kernels, rivals
from benchmarks.timing import own_seconds
from benchmarks.waves import waves
from forecast.basics.dims import SEXES
from forecast.blocks import rows as blocks
from forecast.population import project_population
from forecast.population.projection import kernel
from studies import ROOT
from studies.pages import table

PAGE = Path(__file__).with_name("README.md")
AGES, FERTILE = 101, 35
END = (0.0, 0.0, 1.0, 0.0, 1.0, 0.0)
LANES = (48, 64, 128)  # 48 for the small sizes; vectors of 8 in fours leave no lane over with 64 and 128
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    # Processes are measured first: a child's peak memory counts what its parent held when it was started.
    began = starting()
    parts = [
        "# Benchmarks\n\nWritten by `python3 run.py bench`; do not edit. What was tried for speed, with figures: [tried.md](tried.md).\n",
        machine(),
        chain(*((4, 96, 5) if quick else (96, 1024, 27))),
        trajectories(*((4, 96, 5) if quick else (96, 1024, 27))),
        deterministic(*((40, 10) if quick else (1000, 50))),
        scaling(quick),
        waves(*((2, 96) if quick else (285, 1000))),
        began,
    ]
    page = "\n".join(parts)
    print(page)
    if not quick:
        PAGE.write_text(page, "utf-8")


def machine() -> str:
    model = next((line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "")
    load = os.getloadavg()[0]
    return (
        f"{model or platform.processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"numpy {np.__version__}; load {load:.1f} when this began.\n"
    )


def deterministic(counties: int, years: int) -> str:
    """Own rates of every county, float64, all people returned: against memory, numpy and plain loops."""
    rng = np.random.default_rng(0)
    base = rng.uniform(50, 5000, (counties, 2, AGES))
    sx, moves = rng.uniform(0.95, 1, (counties, years, 2, AGES)), rng.normal(0, 5, (counties, years, 2, AGES))
    asfr, srb = np.full((counties, years, FERTILE), 1.6 / FERTILE), np.full((counties, years), 1.06)
    people, births, sink = np.zeros((counties, years + 1, 2, AGES)), np.zeros((counties, years, 2)), np.zeros_like(sx)
    rows = np.tile(np.arange(counties), (5, 1))
    moved = (sx.nbytes + moves.nbytes + asfr.nbytes + people.nbytes) / 1e9

    def project(begin: int, stop: int) -> None:
        kernel.county_years(begin, stop, rows, base, sx, asfr, 15, 0, srb, moves, END, people, births)

    flat = [x.reshape(-1) for x in (sx, moves, sink)]
    with ThreadPoolExecutor(2) as pool:
        jobs: dict[str, Callable[[], object]] = {
            "add": lambda: _both(
                pool, lambda i, j: kernels.add(flat[0][i:j], flat[1][i:j], flat[2][i:j]), flat[0].size
            ),
            "copy": lambda: _both(pool, lambda i, j: kernels.copy(flat[0][i:j], flat[2][i:j]), flat[0].size),
            "two": lambda: _both(pool, project, counties),
            "one": lambda: project(0, counties),
            "numpy": lambda: rivals.numpy_over_counties(base, sx, asfr, 15, srb, moves),
        }
        best = _in_turn(jobs, rounds=20)
    few = max(1, counties // 200)
    start = time.perf_counter()
    loops = [rivals.plain_loops(base[c], sx[c], asfr[c], 15, srb[c], moves[c]) for c in range(few)]
    best["loops"] = (time.perf_counter() - start) * counties / few
    np.testing.assert_allclose(np.array(loops), people[:few], rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(
        rivals.numpy_over_counties(base, sx, asfr, 15, srb, moves), people, rtol=1e-12, atol=1e-9
    )
    labelled = _labelled_rates(base, sx, asfr, srb, moves)
    calls = {
        "labelled, people and births": lambda: project_population(labelled, "end", flows=("births",), threads=2),
        "labelled, all flows": lambda: project_population(labelled, "end", threads=2),
    }
    best |= _in_turn(calls, rounds=4)
    add = 3 * sx.nbytes / 1e9 / best["add"]
    copied = 2 * sx.nbytes / 1e9 / best["copy"]

    def row(name: str, key: str) -> tuple[str, ...]:
        speed = moved / best[key]
        cells = counties * years * 2 * AGES / best[key] / 1e9
        return (
            name,
            f"{best[key] * 1e3:,.1f}",
            f"{cells:.2f}",
            f"{speed:.1f}",
            f"{speed / add:.0%}",
            f"{speed / copied:.0%}",
        )

    rows_ = [
        row("kernel, 2 threads", "two"),
        row("kernel, 1 thread", "one"),
        row("numpy over all counties", "numpy"),
        row(f"plain Python loops ({few} counties timed)", "loops"),
        row("labelled call, people and births returned", "labelled, people and births"),
        row("labelled call, all five flows returned", "labelled, all flows"),
    ]
    ratio = best["numpy"] / best["two"]
    return (
        f"## Deterministic: {counties:,} counties x 2 sexes x {AGES} ages x {years} years, own rates, float64\n\n"
        f"The kernel reads rates and writes people once: {moved:.2f} GB. In the same run an add (two reads, one write) "
        f"reached {add:.1f} GB/s and a copy {copied:.1f} GB/s on 2 threads ({best['copy'] / best['add']:.2f} of the time "
        f"of the add). The kernel is {ratio:.1f} times as fast as numpy and {best['loops'] / best['two']:,.0f} times as "
        f"plain loops; 2 threads give {best['one'] / best['two']:.2f} of 1.\n\n"
        + table(("program", "ms", "10^9 cells/s", "GB/s", "of add", "of copy"), rows_)
    )


def scaling(quick: bool) -> str:
    """Cost against counties, years and trajectories: the exponent fitted over a factor of eight, one thread's time.

    All sizes of the deterministic runs lie outside the cache; the sizes are timed in turn.
    """
    sizes = (1, 2, 4) if quick else (1, 2, 4, 8)
    few, many, lanes = (20, 40, 48) if quick else (500, 1000, 128)
    measures: dict[str, Callable[[int], Callable[[], object]]] = {
        "counties": lambda size: _county_job(few * size, 40),
        "years": lambda size: _county_job(many, 20 * size),
        "trajectories": lambda size: _lane_job(32, lanes * size, 27, lanes, np.float32),
    }
    rows = []
    for name, measure in measures.items():
        best = _in_turn({str(size): measure(size) for size in sizes}, 12, time.thread_time)
        seconds = list(best.values())
        slope = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
        rows.append((name, f"{slope:.2f}", ", ".join(f"{1e3 * s:.1f}" for s in seconds)))
    return "## Cost grows linearly\n\n" + table(("in", "fitted exponent", f"ms at {sizes} times the smallest"), rows)


def trajectories(counties: int, count: int, years: int) -> str:
    """Projection of many trajectories: nothing kept but the state."""
    rows: list[tuple[Any, ...]] = []
    cells = counties * count * years * 2 * AGES / 1e9
    with ThreadPoolExecutor(2) as pool:
        jobs: dict[str, Callable[[], object]] = {}
        sizes = [(kind, lanes) for kind in (np.float32, np.float64) for lanes in LANES if count % lanes == 0]
        for kind, lanes in sizes:
            work = _lane_work(counties, count, years, lanes, kind)
            jobs[f"{kind.__name__} {lanes} 1"] = partial(work, range(counties))
            jobs[f"{kind.__name__} {lanes} 2"] = partial(_on_both, pool, work, counties)
        best = _in_turn(jobs, rounds=8)
        processor = _in_turn({name: job for name, job in jobs.items() if name.endswith(" 2")}, 8, time.process_time)
    for kind, lanes in sizes:
        one, two = (best[f"{kind.__name__} {lanes} {threads}"] for threads in (1, 2))
        alone = processor[f"{kind.__name__} {lanes} 2"] / 2
        speed = [f"{cells / one:.2f}", f"{cells / two:.2f}", f"{one / two:.2f}", f"{cells / alone:.2f}"]
        rows.append((kind.__name__, lanes, *speed, cells / two))
    limit = _triad_limit()
    shown = [(*row[:-1], f"{row[-1] / limit:.0%}" if row[0] == "float32" else "") for row in rows]
    return (
        f"## Trajectories: {counties} counties x {count:,} trajectories x {years} years, projection alone\n\n"
        f"10^9 cells (county x sex x age x year x trajectory) a second, clipped persons counted; load {os.getloadavg()[0]:.1f}. "
        "Own time is the processor time of the two threads, halved: what they would take if nothing else ran, but with the "
        "caches and the memory as others left them. In the same run the two "
        f"cores made {limit:.1f} x 10^9 float32 multiply-adds a second on rows in the first-level cache (read two, write "
        "one), which no ageing step can beat; births, clipping and counting come on top, and the state of a block, read "
        "and written every year, lies in the second-level cache, whose bandwidth is the next limit (tried.md).\n\n"
        + table(("state", "lanes", "1 thread", "2 threads", "2 / 1", "2 threads, own time", "of the limit"), shown)
    )


def chain(counties: int, count: int, years: int) -> str:
    """Projection, 12 linear services, 15 grades, five quantiles, mean and probability of shortage."""
    code = f"from benchmarks.run import print_chain; print_chain({counties}, {count}, {years})"
    process = subprocess.run(
        [sys.executable, "-c", code], check=True, env=_environment(), capture_output=True, text=True
    )
    one, two, same, memory = json.loads(process.stdout)
    seconds, nation = {1: one, 2: two}, 2850 / counties
    rows = [
        ("1 thread", f"{seconds[1]:.2f}", f"{seconds[1] * nation:.1f}"),
        ("2 threads", f"{seconds[2]:.2f}", f"{seconds[2] * nation:.1f}"),
    ]
    return (
        f"## Chain: {counties} counties x {count:,} trajectories x {years} years\n\n"
        "Projection, 12 linear services, 15 grades, quantiles (numpy's sort), mean and share above a supply; float32. "
        f"Random levels are given, not drawn. The bits on 1 and 2 threads are {'the same' if same else 'NOT the same'}. "
        f"Peak memory of the process {memory:.2f} GB.\n\n"
        + table(("", "seconds", "2,850 counties, seconds (scaled)"), rows)
    )


def print_chain(counties: int, count: int, years: int) -> None:
    """The chain in a process of its own, so that its memory is its own: seconds on 1 and 2 threads, same bits, GB."""
    seconds, same = _chain_seconds(counties, count, years)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(json.dumps([seconds[1], seconds[2], same, memory]))


def starting() -> str:
    """Import, help, first compilation and later starts, each in a process of its own."""
    with tempfile.TemporaryDirectory() as cache:
        first, again = (_first_call(cache) for _ in range(2))
    rows = [
        ("python -c pass", f"{min(_process('-c', 'pass')[0] for _ in range(3)):.2f}", ""),
        ("forecast --help", f"{min(_process('-m', 'forecast', '--help')[0] for _ in range(3)):.2f}", ""),
        ("import forecast.pipeline", *_shown(_process("-c", "import forecast.pipeline"))),
    ]
    return (
        "## Starting\n\n"
        + table(("process", "seconds, whole", "peak MB"), rows)
        + f"\nThe first projection of a process takes {first:.1f} s where it must compile, {again:.2f} s from the cache "
        "(imports not counted). Six processes that share one empty cache get the same bits (tests/population/projection/test_compile.py).\n"
    )


FIRST_CALL = """
import time
from benchmarks.run import _labelled_rates, deterministic_inputs
from forecast.population import project_population
rates = _labelled_rates(*deterministic_inputs(2, 2))
start = time.perf_counter()
project_population(rates)
print(time.perf_counter() - start)
"""


def _first_call(cache: str) -> float:
    """Seconds of the first projection in a process with this cache of machine code."""
    env = _environment() | {"NUMBA_CACHE_DIR": cache}
    process = subprocess.run([sys.executable, "-c", FIRST_CALL], check=True, env=env, capture_output=True, text=True)
    return float(process.stdout)


def deterministic_inputs(counties: int, years: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    shape = (counties, years, 2, AGES)
    asfr, srb = np.full((counties, years, FERTILE), 0.04), np.full((counties, years), 1.06)
    return rng.uniform(50, 500, (counties, 2, AGES)), rng.uniform(0.95, 1, shape), asfr, srb, rng.normal(0, 5, shape)


def _labelled_rates(
    base: np.ndarray, sx: np.ndarray, asfr: np.ndarray, srb: np.ndarray, moves: np.ndarray
) -> xr.Dataset:
    counties, years = sx.shape[:2]
    fertility = np.zeros((counties, years, AGES))
    fertility[:, :, 15 : 15 + FERTILE] = asfr
    dims = ("county", "year", "sex", "age")
    coords = {
        "county": np.arange(counties),
        "year": np.arange(2024, 2024 + years),
        "sex": list(SEXES),
        "age": np.arange(AGES),
    }
    variables = {
        "baseline": (("county", "sex", "age"), base), "sx": (dims, sx), "asfr": (("county", "year", "age"), fertility),
        "srb": (("county", "year"), srb), "net_migration": (dims, moves),
    }  # fmt: skip
    return xr.Dataset(variables, coords=coords)


def _county_job(counties: int, years: int) -> Callable[[], object]:
    base, sx, asfr, srb, moves = deterministic_inputs(counties, years)
    people, births = np.zeros((counties, years + 1, 2, AGES)), np.zeros((counties, years, 2))
    rows = np.tile(np.arange(counties), (5, 1))
    args = (0, counties, rows, base, sx, asfr, 15, 0, srb, moves, END, people, births)
    return lambda: kernel.county_years(*args)


def _lane_job(counties: int, count: int, years: int, lanes: int, kind: type) -> Callable[[], object]:
    work = _lane_work(counties, count, years, lanes, kind)
    return lambda: work(range(counties))


def _lane_work(counties: int, count: int, years: int, lanes: int, kind: type) -> Callable[[range], None]:
    given = kernels.lane_inputs(np.random.default_rng(0), counties, count, years, lanes, kind)
    clipped: np.ndarray = np.zeros((counties, count // lanes, years), kind)

    def work(part: range) -> None:
        start, end = (kernel.lane_array((2, AGES, lanes), kind) for _ in range(2))
        births: np.ndarray = np.empty(lanes, kind)
        for block in range(count // lanes):  # the survival of a block of lanes stays in the cache for all counties
            for county in part:
                kernels.project_lanes(
                    given["baseline"][county], given["sx"][block], given["asfr"], 15, given["fertility"][county, block],
                    given["girls"], given["level"][county, block], given["band"], given["moves"][county], start, end,
                    births, clipped[county, block],
                )  # fmt: skip

    return work


def _chain_seconds(counties: int, count: int, years: int) -> tuple[dict[int, float], bool]:
    lanes = blocks.LANES if count % blocks.LANES == 0 else LANES[0]  # as the product runs it
    rng, kind, services, grades = np.random.default_rng(0), np.float32, 12, 15
    given = kernels.lane_inputs(rng, counties, count, years, lanes, kind)
    weights = rng.uniform(0, 1, (services, 2, AGES)).astype(kind)
    first = np.array([0, 3, 6, 12, 15, 60, 60, 60, 0, 15, 0, 60])
    stop = np.array([3, 6, 12, 15, 18, 101, 101, 101, 101, 50, 15, 101])
    promoted, repeating = np.full(grades, 0.98, kind), np.full(grades, 0.01, kind)
    shown = min(count, 1000)
    at = (np.array(QUANTILES) * (shown - 1)).astype(int)
    quantiles = np.empty((counties, services, years, len(QUANTILES)), kind)
    moments = np.empty((counties, services, years, 2), kind)

    def work(part: range) -> None:
        start, end = (kernel.lane_array((2, AGES, lanes), kind) for _ in range(2))
        births, clipped = np.empty(lanes, kind), np.empty(years, kind)
        pupils, need = np.empty((grades, lanes), kind), np.empty((services, lanes), kind)
        risen, block_out = np.empty_like(pupils), np.empty((services, years, lanes), kind)
        out = np.empty((services, years, count), kind)
        for county in part:
            for block in range(count // lanes):
                kernels.chain_lanes(
                    given["baseline"][county], given["sx"][block], given["asfr"], 15, given["fertility"][county, block],
                    given["girls"], given["level"][county, block], given["band"], given["moves"][county], weights, first,
                    stop, promoted, repeating, start, end, births, pupils, risen, need, clipped, block_out,
                )  # fmt: skip
                out[..., block * lanes : (block + 1) * lanes] = block_out
            moments[county, ..., 0] = out[..., :shown].mean(-1)
            moments[county, ..., 1] = (out[..., :shown] > 3000).mean(-1)
            quantiles[county] = np.sort(out[..., :shown], axis=-1)[..., at]

    seconds, kept = {}, []
    for threads in (1, 2):
        seconds[threads] = _pooled_seconds(work, counties, threads)
        kept.append(quantiles.copy())
    return seconds, bool((kept[0] == kept[1]).all())


def _pooled_seconds(work: Callable[[range], None], counties: int, threads: int) -> float:
    if threads == 1:
        return own_seconds(lambda: work(range(counties)))
    work(range(1))
    parts = [range(i, counties, 4 * threads) for i in range(4 * threads)]
    best = np.inf
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(3):
            start = time.perf_counter()
            list(pool.map(work, parts))
            best = min(best, time.perf_counter() - start)
    return float(best)


def _triad_limit() -> float:
    """10^9 elements a second of both cores for out = a x b + c with all three in the first-level cache.

    No ageing step can be quicker: it too reads a person and a ratio, multiplies and adds, and writes a person.
    """
    rounds = 100_000
    best = np.inf
    state = [[np.full(512, value, np.float32) for value in (1.0, 0.999, 0.0)] for _ in range(2)]
    kernels.triad(state[0][0], state[0][1], state[0][2], 1)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            start = time.perf_counter()
            list(pool.map(lambda rows: kernels.triad(rows[0], rows[1], rows[2], rounds), state))
            best = min(best, time.perf_counter() - start)
    return 2 * rounds * 512 / best / 1e9


def _on_both(pool: ThreadPoolExecutor, work: Callable[[range], None], counties: int) -> None:
    list(pool.map(work, [range(i, counties, 4) for i in range(4)]))


def _both(pool: ThreadPoolExecutor, work: Callable[[int, int], object], count: int) -> None:
    bounds = np.linspace(0, count, 9).astype(int)
    list(pool.map(work, bounds[:-1], bounds[1:]))


def _in_turn(
    jobs: Mapping[str, Callable[[], object]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Best seconds of each job, timed in turn so that a drift of the machine meets all alike; once before, untimed."""
    best = dict.fromkeys(jobs, float("inf"))
    for job in jobs.values():
        job()
    for _ in range(rounds):
        for name, job in jobs.items():
            start = clock()
            job()
            best[name] = min(best[name], clock() - start)
    return best


def _process(*arguments: str, **environment: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a Python process."""
    code = [sys.executable, *arguments]
    start = time.perf_counter()
    process = subprocess.Popen(
        code, env=_environment() | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{code} ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1e3


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(ROOT)}


def _shown(measured: tuple[float, float]) -> tuple[str, str]:
    return f"{measured[0]:.2f}", f"{measured[1]:.0f}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


if __name__ == "__main__":
    main()
