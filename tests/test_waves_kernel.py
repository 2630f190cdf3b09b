"""The own search for crests against scipy's, on random series with plateaus."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.signal import find_peaks, peak_widths

from forecast.waves.turns import Turns, find_turns

STEPS = hnp.arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.integers(-4, 4).map(float))
REALS = hnp.arrays(  # steps of 1/64: far above the smallest prominence that is asked for
    float, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.integers(-(10**6), 10**6).map(lambda x: x / 64)
)


def turns_of(path: np.ndarray, least: float) -> Turns:
    return find_turns(path[None, :], np.array([least]))


@given(st.one_of(STEPS, REALS), st.sampled_from([1e-9, 1.0, 3.0]))
def test_inner_crests_equal_scipy(values: np.ndarray, least: float) -> None:
    found = find_turns(values, np.full(len(values), least))
    for row, path in enumerate(values):
        own = found.take((found.series == row) & (found.sign == 1) & ~found.at_edge)
        peaks, facts = find_peaks(path, prominence=least, plateau_size=1)
        bases = (facts["prominences"], facts["left_bases"], facts["right_bases"])
        _, _, onsets, ends = peak_widths(path, peaks, rel_height=0.5, prominence_data=bases)
        np.testing.assert_array_equal(own.peak, peaks)
        np.testing.assert_array_equal(own.low, facts["left_edges"])
        np.testing.assert_array_equal(own.high, facts["right_edges"])
        np.testing.assert_allclose(own.prominence, facts["prominences"])
        np.testing.assert_allclose(own.onset, onsets, atol=1e-9)
        np.testing.assert_allclose(own.end, ends, atol=1e-9)
        np.testing.assert_array_equal(own.height, path[peaks])


@given(st.one_of(STEPS, REALS))
def test_crests_at_the_edge_equal_those_between_abysses(values: np.ndarray) -> None:
    """Where nothing is known outside, only the known side counts: as if the series fell without end there."""
    found = find_turns(values, np.full(len(values), 1e-9))
    abyss = values.min() - 1e9
    for row, path in enumerate(values):
        if np.ptp(path) == 0:
            assert not (found.series == row).any()
            continue
        own = found.take((found.series == row) & (found.sign == 1))
        padded = np.concatenate([[abyss], path, [abyss]])
        peaks, facts = find_peaks(padded, prominence=1e-9, plateau_size=1)
        np.testing.assert_array_equal(own.peak, peaks - 1)
        edge = own.at_edge
        np.testing.assert_array_equal(edge, (facts["left_edges"] == 1) | (facts["right_edges"] == len(path)))
        for turn in np.flatnonzero(edge):
            low, high = own.low[turn], own.high[turn]
            side = path[high:] if low == 0 else path[: low + 1][::-1]
            higher = np.flatnonzero(side > side[0])
            reach = side[: higher[0]] if len(higher) else side
            assert own.prominence[turn] == pytest.approx(side[0] - reach.min())


@given(st.one_of(STEPS, REALS))
def test_troughs_are_the_crests_upside_down(values: np.ndarray) -> None:
    least = np.full(len(values), 0.5)
    found, mirrored = find_turns(values, least), find_turns(-values, least)
    np.testing.assert_array_equal(found.peak[found.sign == -1], mirrored.peak[mirrored.sign == 1])
    np.testing.assert_array_equal(found.height[found.sign == -1], -mirrored.height[mirrored.sign == 1])


def test_a_series_that_never_changes_has_no_turn() -> None:
    assert len(turns_of(np.full(9, 3.0), 1e-9).peak) == 0
    assert len(turns_of(np.array([3.0]), 1e-9).peak) == 0


def test_many_series_at_once_are_what_each_is_alone() -> None:
    values = np.cumsum(np.random.default_rng(1).normal(size=(50, 40)), axis=1)
    least = np.linspace(0.1, 2.0, 50)
    found = find_turns(values, least)
    for row in range(50):
        alone, own = turns_of(values[row], least[row]), found.take(found.series == row)
        np.testing.assert_array_equal(alone.peak, own.peak)
        np.testing.assert_array_equal(alone.prominence, own.prominence)
