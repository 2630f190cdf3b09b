"""The kernels for many trajectories against the labelled face and against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from test_projection import AGES, random_rates

from forecast.demand.kernel import progress_grades, weigh_ages
from forecast.population import project_population
from forecast.population.conventions import TIMINGS
from forecast.population.kernel import one_year_lanes

LANES = 16


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_lanes_equal_the_labelled_face(timing: str, kind: type) -> None:
    """Migration fixed + level x slope, fertility and survival by trajectory: one county, every timing."""
    rng = np.random.default_rng(1)
    rates = random_rates(1, counties=1, years=5).isel(county=0, drop=True)
    fixed, slope = rng.normal(0, 20, (2, AGES)), rng.uniform(0, 30, (2, AGES))
    level, fertility = rng.normal(0, 1, (5, LANES)), rng.uniform(0.5, 1.5, (5, LANES))
    sx = np.clip(rates.sx.values[..., None] * rng.uniform(0.9, 1.1, (5, 2, AGES, LANES)), 0, 1)
    dims = ("year", "trajectory")
    pattern, srb = rates.asfr.isel(year=0, drop=True), 1.06
    labelled = rates.assign(
        asfr=pattern * xr.DataArray(fertility, dims=dims),
        srb=rates.srb * 0 + srb,
        sx=(("year", "sex", "age", "trajectory"), sx),
        net_migration=xr.DataArray(fixed, dims=("sex", "age"))
        + xr.DataArray(level, dims=dims) * xr.DataArray(slope, dims=("sex", "age")),
    )
    expected = project_population(labelled, timing).population.transpose("year", "sex", "age", "trajectory").values
    found, clipped = run(rates.baseline.values, sx, pattern.values, srb, fertility, level, fixed, slope, timing, kind)
    np.testing.assert_allclose(found, expected[1:], rtol=1e-10 if kind is np.float64 else 2e-5, atol=1e-3)
    total = float(project_population(labelled, timing).clipped.sum())
    assert clipped == pytest.approx(total, rel=1e-3)


def run(baseline, sx, pattern, srb, fertility, level, fixed, slope, timing, kind):  # type: ignore[no-untyped-def]
    """Year by year through the kernel, as a block does it."""
    t = TIMINGS[timing]
    moves = np.zeros((6, 2, AGES))
    for row, what in ((0, fixed), (1, slope)):
        moves[row, :, 1:] = t.start * what[:, :-1] + t.survived * what[:, 1:]
        moves[row, :, -1] += t.start * what[:, -1]
        moves[row, :, 0] = t.infant_survived * what[:, 0]
        moves[row + 2] = t.end * what
        moves[row + 2, :, 0] = t.infant_end * what[:, 0]
        moves[row + 4] = t.start * what
    start = np.repeat(baseline[..., None], LANES, axis=-1).astype(kind)
    births, end, people, clipped = np.zeros(LANES, kind), np.zeros_like(start), [], 0.0
    for year in range(sx.shape[0]):
        clipped += one_year_lanes(
            start, sx[year].astype(kind), pattern[2:].astype(kind), 2, 0, fertility[year].astype(kind),
            kind(1 / (1 + srb)), level[year].astype(kind), moves.astype(kind), kind(t.in_exposure), births, end,
        )  # fmt: skip
        people.append(end.copy())
        start, end = end, start
    return np.array(people), clipped


def test_need_is_the_weighted_sum_of_the_ages() -> None:
    rng = np.random.default_rng(2)
    people = rng.uniform(0, 100, (2, 101, LANES))
    weights = rng.uniform(0, 1, (5, 2, 101))
    first, stop = np.array([0, 3, 6, 60, 15]), np.array([3, 6, 12, 101, 50])
    out = np.full((5, LANES), np.nan)
    weigh_ages(people, weights, first, stop, out)
    for service in range(5):
        ages = slice(first[service], stop[service])
        expected = np.einsum("sa,sal->l", weights[service, :, ages], people[:, ages])
        np.testing.assert_allclose(out[service], expected, rtol=1e-12)


def test_grades_progress() -> None:
    """Hand-worked: 100, 80, 60 pupils; 90 enter, 95 % and 90 % go on, 2 % repeat."""
    pupils = np.repeat(np.array([[100.0], [80.0], [60.0]]), 2, axis=1)
    out = np.zeros_like(pupils)
    progress_grades(pupils, np.array([90.0, 45.0]), np.array([0.0, 0.95, 0.9]), np.array([0.02, 0.02, 0.02]), out)
    np.testing.assert_allclose(out, [[92.0, 47.0], [96.6, 96.6], [73.2, 73.2]])
