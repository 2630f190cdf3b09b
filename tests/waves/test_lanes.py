"""Classes of many paths beside each other are those of one path after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.waves import lanes
from forecast.waves.lanes import CREST_THEN_SURPLUS
from forecast.waves.lasting import opening
from tests.waves.oracle import judge_slowly

PATHS = 150  # more than `LANES`, and no multiple of it


def judged_beside(
    paths: np.ndarray, stands: np.ndarray, bars: np.ndarray, begin: int, windows: list[int], kind: type = np.float64
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    counts = np.empty((len(paths), len(windows), 7, stands.shape[1] + 1), dtype=np.int64)
    lasts, above = np.empty((2, len(paths), stands.shape[1], paths.shape[1]), dtype=kind)
    every = np.tile(np.array(windows), (len(paths), 1))
    lanes.judge_cells(paths, stands.astype(kind), bars.astype(kind), begin, every, counts, lasts, above)
    return counts, lasts, above


def random_cells(seed: int, cells: int, years: int, judged: int) -> tuple[np.ndarray, np.ndarray]:
    """Paths (cell, path, year) that wander around what stands (cell, judged), which may change."""
    rng = np.random.default_rng(seed)
    wander = np.cumsum(rng.normal(0, rng.choice([1, 4, 12], (cells, 1, 1)), (cells, PATHS, years)), axis=2)
    steps = rng.choice([0, 0, 10, -10], (cells, judged)).cumsum(axis=1) * rng.integers(0, 2, (cells, 1))
    return np.round(100 + wander, rng.integers(0, 3)), np.maximum(100.0 + steps, 20)


def counted(paths: np.ndarray, stands: np.ndarray, bar: np.ndarray, begin: int, window: int) -> np.ndarray:
    counts = np.zeros((7, len(stands) + 1), dtype=np.int64)
    np.add.at(counts, judge_slowly(paths, stands, bar, begin, window), 1)
    return counts


@given(st.integers(0, 10**6), st.integers(4, 30), st.integers(0, 8), st.integers(0, 6), st.integers(1, 14))
def test_classes_beside_each_other_are_those_of_one_after_the_other(
    seed: int, judged: int, before: int, after: int, window: int
) -> None:
    years = before + judged + after
    paths, stands = random_cells(seed, 2, years, judged)
    bars = 0.05 * stands
    windows = [max(window + shift, 1) for shift in (-2, 0, 2)]
    counts, lasts, above = judged_beside(paths, stands, bars, before, windows)
    for cell in range(2):
        for number, each in enumerate(windows):
            expected = counted(paths[cell], stands[cell], bars[cell], before, each)
            np.testing.assert_array_equal(counts[cell, number], expected)
        opened = opening(paths[cell], windows[1], windows[1])[:, before : before + judged]
        np.testing.assert_array_equal(lasts[cell].T, opened)
        np.testing.assert_array_equal(above[cell].T, paths[cell][:, before : before + judged] - opened)


@pytest.mark.parametrize("seed", range(3))
def test_float32_gives_the_classes_of_float64(seed: int) -> None:
    paths, stands = random_cells(seed, 30, 39, 27)
    paths = paths * 1e3 * (1 + 1e-4 * np.random.default_rng(seed).random(paths.shape))
    both = [
        judged_beside(paths, 1e3 * stands, 50 * stands, 12, [10, 12, 14], kind)[0] for kind in (np.float32, np.float64)
    ]
    assert np.abs(both[0] - both[1]).sum() / 2 <= 1e-4 * both[0].sum()


def test_every_class_is_met() -> None:
    """Else the comparison above would show nothing of it."""
    met = np.zeros(7, dtype=np.int64)
    for seed in range(20):
        paths, stands = random_cells(seed, 4, 30, 20)
        met += judged_beside(paths, stands, 0.05 * stands, 5, [3, 5, 7])[0].sum(axis=(0, 1, 3))
    assert (met > 0).all()
    assert met[CREST_THEN_SURPLUS] > 100
