"""The kernels for many trajectories against the labelled face and against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.demand.kernel import progress_grades, weigh_ages
from forecast.population import project_population
from forecast.population.projection.conventions import TIMINGS
from forecast.population.projection.kernel import moves_of, one_year_lanes
from tests.population.projection.test_project import AGES, random_rates

LANES = 16


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_lanes_equal_the_labelled_face(timing: str, kind: type, bands: int) -> None:
    """Migration fixed + level of the age's band x slope, fertility and survival by trajectory: every timing."""
    rng = np.random.default_rng(1)
    rates = random_rates(1, counties=1, years=5).isel(county=0, drop=True)
    fixed, slope = rng.normal(0, 20, (2, AGES)), rng.uniform(0, 30, (2, AGES))
    level, fertility = rng.normal(0, 1, (5, bands, LANES)), rng.uniform(0.5, 1.5, (5, LANES))
    band = rng.integers(0, bands, AGES)
    sx = np.clip(rates.sx.values[..., None] * rng.uniform(0.9, 1.1, (5, 2, AGES, LANES)), 0, 1)
    dims, srb = ("year", "trajectory"), 1.06
    moved = xr.DataArray(level[:, band], dims=("year", "age", "trajectory"))
    labelled = rates.assign(
        asfr=rates.asfr * xr.DataArray(fertility, dims=dims),
        srb=rates.srb * 0 + srb,
        sx=(("year", "sex", "age", "trajectory"), sx),
        net_migration=xr.DataArray(fixed, dims=("sex", "age")) + moved * xr.DataArray(slope, dims=("sex", "age")),
    )
    expected = project_population(labelled, timing)
    people = expected.population.transpose("year", "sex", "age", "trajectory").values[1:]
    births = expected.births.sum("sex").transpose("year", "trajectory").values
    pattern = rates.asfr.transpose("year", "age").values
    found, born, clipped = run(
        rates.baseline.values, sx, pattern, srb, fertility, level, band, fixed, slope, timing, kind
    )
    tolerance = 1e-10 if kind is np.float64 else 2e-5
    np.testing.assert_allclose(found, people, rtol=tolerance, atol=1e-3)
    np.testing.assert_allclose(born, births[-len(born) :], rtol=tolerance, atol=1e-5)
    assert clipped == pytest.approx(float(expected.clipped.sum()), rel=1e-3)


def run(baseline, sx, pattern, srb, fertility, level, band, fixed, slope, timing, kind):  # type: ignore[no-untyped-def]
    """Year by year through the kernel, as a block does it: people, births (year, ...) and the persons clipped."""
    shares = TIMINGS[timing]
    moves = moves_of(fixed, slope, shares).astype(kind)
    start = np.repeat(baseline[..., None], LANES, axis=-1).astype(kind)
    end, people, born, clipped = np.zeros_like(start), [], [], 0.0
    for year in range(sx.shape[0]):
        births = np.full(LANES, np.nan, kind)
        clipped += one_year_lanes(
            start, sx[year].astype(kind), pattern[year, 2:].astype(kind), 2, 0, fertility[year].astype(kind),
            kind(1 / (1 + srb)), level[year].astype(kind), band, moves, kind(shares.in_exposure), births, end,
        )  # fmt: skip
        people.append(end.copy())
        born.append(births)
        start, end = end, start
    return np.array(people), np.array(born), clipped


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
