"""Planted waves are found: the bars of the specification, by noise, shape, trend and length of history."""

from __future__ import annotations

import numpy as np
import planted
import pytest

from forecast.waves.smoothing import find_courses

BARS = {0.0: 0.97, 0.01: 0.97, 0.02: 0.95, 0.05: 0.88}


@pytest.mark.parametrize("noise", planted.NOISES)
def test_planted_crests_are_found_within_a_year(noise: float) -> None:
    scores = planted.hits(noise, 15)
    everything = planted.pooled(list(scores.values()))
    assert everything.crests == 15 * 9 * 4
    assert everything.within_one >= BARS[noise]
    if noise == 0:
        assert everything.exact >= 0.97
    worst = min(scores.values(), key=lambda one: one.within_one)
    assert worst.within_one >= BARS[noise] - 0.1  # no shape, trend or history is bad behind a good mean


@pytest.mark.parametrize("noise", planted.NOISES)
def test_crests_of_three_tenths_of_the_base_are_found(noise: float) -> None:
    lowest = planted.hits(noise, 10, seed=1, height=(0.3, 0.3))
    assert planted.pooled(list(lowest.values())).within_one >= BARS[noise]


@pytest.mark.parametrize("kind", ["flat", "monotone"])
@pytest.mark.parametrize("noise", planted.NOISES)
def test_flat_and_monotone_series_have_few_false_crests(kind: str, noise: float) -> None:
    assert planted.false_crests(kind, noise, history=0, count=200) <= 0.05
    assert planted.false_crests(kind, noise, history=14, count=200) <= 0.05


def test_noise_far_above_the_bars_hides_crests_rather_than_making_them() -> None:
    assert planted.false_crests("flat", 0.2, history=0, count=200) <= 0.05
    assert planted.hits(0.2, 20)["bell", "flat", 12].within_one < 0.9


@pytest.mark.parametrize("noise", [0.01, 0.02, 0.05])
def test_the_noise_is_read_from_the_series(noise: float) -> None:
    rng = np.random.default_rng(0)
    clean = planted.plant(rng, 200, "bell", "rising", 45).clean
    courses = find_courses(planted.noisy(clean, noise, rng)[:, None, :], 0)
    assert np.mean([course.noise for course in courses]) == pytest.approx(noise, rel=0.1)


def test_resampled_peaks_cover_the_true_time_of_the_peak() -> None:
    """In fractions of a year: whole years are so few that their range seldom holds 80 % exactly."""
    coverage = [planted.fractional_coverage(noise, 300) for noise in (0.01, 0.02, 0.05)]
    assert 0.75 <= np.mean(coverage) <= 0.85


def test_over_trajectories_the_range_holds_about_eighty_per_cent() -> None:
    """A truth drawn as the trajectories are lies in the range of 80 % as often as that says."""
    coverage = [planted.trajectory_coverage(spread, 300) for spread in (1.5, 2.0, 3.0)]
    assert 0.75 <= np.mean(coverage) <= 0.85
