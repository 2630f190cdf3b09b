"""Loops that only the benchmarks need: memory bandwidth, and the whole chain of a block composed of product kernels."""

from __future__ import annotations

import numpy as np
from numba import njit

from forecast.demand.kernel import progress_grades, weigh_ages
from forecast.population.projection.kernel import lane_array, one_year_lanes

FAST = {"nsz", "arcp", "contract", "reassoc", "nnan", "ninf"}


@njit(nogil=True, fastmath=FAST)
def add(a, b, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):  # from zero: an index that might be negative keeps the loop from being vectorised
        out[i] = a[i] + b[i]


@njit(nogil=True, fastmath=FAST)
def copy(a, out):  # type: ignore[no-untyped-def]
    for i in range(out.size):
        out[i] = a[i]


@njit(nogil=True, fastmath=FAST)
def multiply_add(a, b, out):  # type: ignore[no-untyped-def]
    c = np.float32(0.001)
    for i in range(a.size):
        out[i] = a[i] * b[i] + c


@njit(nogil=True)
def triad(a, b, out, rounds):  # type: ignore[no-untyped-def]
    """out = a x b + c, each round on what the round before wrote, so that none can be left out."""
    for _ in range(rounds):
        multiply_add(a, b, out)
        a, out = out, a


@njit(nogil=True)
def project_lanes(baseline, sx, asfr, first_age, fertility, girls, level, band, moves, start, end, births, clipped):  # type: ignore[no-untyped-def]
    """One county, one block of lanes: projection alone. baseline: (sex, age); sx: (year, sex, age, lane);
    level: (year, band, lane); the others as in `one_year_lanes`."""
    for sex in range(2):
        for age in range(baseline.shape[1]):
            for lane in range(start.shape[2]):
                start[sex, age, lane] = baseline[sex, age]
    none = baseline.dtype.type(0)
    for year in range(sx.shape[0]):
        clipped[year] = one_year_lanes(
            start, sx[year], asfr, first_age, 0, fertility[year], girls, level[year], band, moves, none, births, end
        )
        start, end = end, start


@njit(nogil=True)
def chain_lanes(  # type: ignore[no-untyped-def]
    baseline, sx, asfr, first_age, fertility, girls, level, band, moves, weights, first, stop, promoted, repeating, start,
    end, births, pupils, risen, need, clipped, out,
):  # fmt: skip
    """The same with linear services and grades; out: (service, year, lane)."""
    for sex in range(2):
        for age in range(baseline.shape[1]):
            for lane in range(start.shape[2]):
                start[sex, age, lane] = baseline[sex, age]
    none = baseline.dtype.type(0)
    pupils[:] = none
    for year in range(sx.shape[0]):
        clipped[year] = one_year_lanes(
            start, sx[year], asfr, first_age, 0, fertility[year], girls, level[year], band, moves, none, births, end
        )
        weigh_ages(end, weights, first, stop, need)
        progress_grades(pupils, end[0, 6], promoted, repeating, risen)
        for service in range(need.shape[0]):
            for lane in range(need.shape[1]):
                out[service, year, lane] = need[service, lane]
        start, end = end, start
        pupils, risen = risen, pupils


def lane_inputs(rng: np.random.Generator, counties: int, trajectories: int, years: int, lanes: int, kind: type) -> dict:  # type: ignore[type-arg]
    """Random but plausible inputs in the layout of the lane kernels."""
    blocks, ages = trajectories // lanes, 101
    moves = np.zeros((counties, 6, 2, ages))
    moves[:, 2] = rng.normal(0, 5, (counties, 2, ages))
    moves[:, 3] = abs(rng.normal(0, 5, (counties, 2, ages)))
    sx = lane_array((blocks, years, 2, ages, lanes), kind)
    sx[:] = rng.uniform(0.97, 1, sx.shape)
    return {
        "baseline": rng.uniform(50, 5000, (counties, 2, ages)).astype(kind),
        "sx": sx,
        "asfr": np.full(35, 1 / 35, kind),
        "fertility": rng.uniform(0.8, 1.8, (counties, blocks, years, lanes)).astype(kind),
        "level": rng.normal(1, 0.3, (counties, blocks, years, 1, lanes)).astype(kind),
        "band": np.zeros(ages, np.int64),
        "moves": moves.astype(kind),
        "girls": kind(0.485),
    }
