"""Planted waves are found: the bars of the specification, by noise, shape, trend and length of history."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.waves.smoothing import find_courses
from studies import planted

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


@pytest.mark.parametrize("noise", [0.01, 0.02, 0.05])
def test_ranges_of_single_paths_hold_eighty_per_cent(noise: float) -> None:
    """In fractions of a year."""
    assert 0.75 <= planted.coverage("bell", noise, 400).held <= 0.85


@pytest.mark.parametrize("kind", planted.BUMPS[1:])
def test_ranges_of_lopsided_crests_hold_eighty_per_cent(kind: str) -> None:
    """They are smoothed less than the course, which leans to the slower side; two of the shapes set nothing."""
    found = [planted.coverage(kind, noise, 200) for noise in (0.01, 0.02, 0.05)]
    assert 0.75 <= np.mean([one.held for one in found]) <= 0.85
    assert min(one.within_one for one in found) >= 0.95


def test_ranges_with_a_history_hold_eighty_per_cent() -> None:
    held = [planted.coverage("bell", noise, 200, history=14).held for noise in (0.01, 0.02, 0.05)]
    assert 0.75 <= np.mean(held) <= 0.85


@pytest.mark.parametrize("spread", [1.0, 3.0, 5.0])
def test_over_trajectories_the_range_holds_about_eighty_per_cent(spread: float) -> None:
    """A truth drawn as the trajectories are lies in the range of 80 % as often as that says."""
    held = planted.trajectory_coverage(spread, 600)
    assert 0.75 <= held["time"] <= 0.85
    assert 0.75 <= held["year"] <= 0.87  # of years so few that none of their ranges holds 80 %


def test_the_peak_of_a_clean_path_is_told_to_a_hundredth_of_a_year() -> None:
    clean, truth = planted.bumps(np.random.default_rng(0), 100, "three ages")
    found = planted.waves_of(clean, 0)
    away = found["peak_time"] - planted.FIRST - truth[found["county"].astype(int)]
    assert away.abs().max() <= 0.05
    assert away.abs().mean() <= 0.01


def test_classes_are_told_at_five_per_cent_noise() -> None:
    """Short crests are not smoothed away, level series are not given one, and slight lasting shortages are seen."""
    found = planted.class_hits(0.05, 25)
    assert np.mean(list(found.values())) >= 0.93
    assert min(found.values()) >= 0.8
    assert planted.slight_shortages(0.05, 40, 0.15) >= 0.8
    assert planted.slight_shortages(0.02, 40, 0.07) >= 0.9
