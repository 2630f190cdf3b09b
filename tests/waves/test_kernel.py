"""The own search for crests against scipy's, on random series with plateaus."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.signal import find_peaks, peak_widths

from forecast.waves import kernel, lanes
from forecast.waves.find import quantiles
from forecast.waves.lasting import opening
from forecast.waves.turns import Turns, find_shared_turns, find_turns

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


def marked(values: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Marks (series, year) of the lanes, which lie the other way round; their edges are those of the plateaus."""
    side_by_side, (count, years) = np.ascontiguousarray(values.T), values.shape
    turns, when, edges = (np.empty(shape, dtype=np.int64) for shape in (count, (years + 1, count), (years + 1, count)))
    stands, marks = np.empty((years + 1, count), dtype=values.dtype), np.zeros_like(values)
    lanes.list_turns(side_by_side, least, turns, when, stands, edges)
    for lane, path in enumerate(values):
        for turn in range(turns[lane]):
            year = when[turn, lane]
            marks[lane, year] = stands[turn, lane] or marks[lane, year]
            assert stands[turn, lane] == 0 or edges[turn, lane] == lanes.edge_at(path, year)
    return marks


@given(st.one_of(STEPS, REALS), st.sampled_from([1e-9, 1.0, 3.0]))
def test_side_by_side_the_turns_are_the_same(values: np.ndarray, least: float) -> None:
    bars = np.full(len(values), least)
    one_by_one = np.empty_like(values)
    kernel.mark_turns(values, bars, one_by_one)
    np.testing.assert_array_equal(marked(values, bars), one_by_one)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_side_by_side_the_crests_are_those_of_scipy(kind: type) -> None:
    """Random walks with several crests each; single precision only rounds what stands out."""
    walks = 100 + np.cumsum(np.random.default_rng(2).normal(size=(400, 39)), axis=1)
    least = 0.01 * walks.mean(axis=1)
    marks = marked(walks.astype(kind), least.astype(kind))
    crests = 0
    for path, bar, own in zip(walks, least, marks, strict=True):
        peaks, facts = find_peaks(path, prominence=bar)
        inner = np.flatnonzero(own[1:-1] > 0) + 1
        np.testing.assert_array_equal(inner, peaks)
        np.testing.assert_allclose(own[inner], facts["prominences"], rtol=1e-5 if kind is np.float32 else 1e-12)
        crests += len(peaks)
    assert crests > 2 * len(walks)


def cells_of(count: int = 6, trajectories: int = 40, years: int = 39) -> np.ndarray:
    """(cell, year, lane) random walks around two crests."""
    rng, year = np.random.default_rng(3), np.arange(years)[:, None]
    middles = rng.normal([[12.0], [30.0]], 2.0, (count, 2, trajectories))
    waves = np.exp(-((year - middles[:, :, None]) ** 2) / 12).sum(axis=1)
    return 100 + 40 * waves + np.cumsum(rng.normal(size=(count, years, trajectories)), axis=1)


def heaps_slowly(peaks: np.ndarray, years: int, trajectories: int) -> np.ndarray:
    """Number of the heap of each peak year, as the module says in words."""
    smooth = np.convolve(np.bincount(peaks, minlength=years), lanes.NEIGHBOURS, "same")
    smooth += lanes.EARLIER * np.arange(years)
    marks = np.empty((1, years))
    kernel.mark_turns(smooth[None], np.zeros(1), marks)
    weights = lanes.NEIGHBOURS / lanes.NEIGHBOURS.sum()
    share = smooth / lanes.NEIGHBOURS.sum() / trajectories
    chance = lanes.CHANCE * np.sqrt(2 * (weights**2).sum() * share / trajectories)
    high = marks[0] / lanes.NEIGHBOURS.sum() / trajectories
    tops = np.flatnonzero((high > 0) & (high >= lanes.DIP * share) & (high >= chance))
    begins = [a + int(np.argmin(smooth[a : b + 1])) for a, b in pairwise(tops)]
    return np.searchsorted(begins, peaks, side="right")


def test_a_cell_is_scanned_as_its_paths_one_by_one() -> None:
    """Every wave has the trajectories, years and prominences that the turns of the single paths give."""
    values = cells_of()
    noise, in_logs = np.array([0.0, 5.0, 0.04, 0.0, 8.0, 0.06]), np.array([False, False, True, True, False, True])
    waves, turns = lanes.scan_cells(values, 0.05, noise, in_logs)
    expected = {}
    for cell, paths in enumerate(values.transpose(0, 2, 1)):
        found = find_turns(paths, 0.05 * np.abs(paths.mean(axis=1)))
        upper = np.where(found.sign > 0, found.height, found.height + found.prominence)
        found = found.take(found.prominence >= noise[cell] * (upper if in_logs[cell] else 1))
        for sign in (1, -1):
            inner = found.take((found.sign == sign) & ~found.at_edge)
            groups = [inner.take(heaps_slowly(inner.peak, 39, 40) == heap) for heap in range(39)]
            groups += [found.take((found.sign == sign) & found.at_edge & (found.low == 0))]
            groups += [found.take((found.sign == sign) & found.at_edge & (found.low > 0))]
            for number, group in enumerate(groups):
                best: dict[int, tuple[float, float]] = {}
                for lane, peak, prominence in zip(group.series, group.peak, group.prominence, strict=True):
                    if prominence > best.get(int(lane), (0, 0.0))[1]:
                        best[int(lane)] = int(peak), float(prominence)
                if best and len(best) >= lanes.RAREST * 40:
                    expected[cell, sign, number >= 39, min(best.values())[0]] = best
    got = {}
    for (cell, sign, edge, count), first in zip(waves.T, np.cumsum(waves[3]) - waves[3], strict=True):
        inside = turns[:, first : first + count].T
        own = {int(lane): (int(peak), float(high)) for lane, peak, _, high in inside}
        assert all(values[cell, int(peak), int(lane)] == height for lane, peak, height, _ in inside)
        got[cell, sign, bool(edge), min(own.values())[0]] = own
    assert got == expected
    assert sum(not edge for _, _, edge, _ in got) > 2 * len(values)


def test_what_does_not_last_is_read_at_every_turn() -> None:
    values = cells_of(3).transpose(0, 2, 1).copy()
    windows = np.array([4, 9, 12])
    turns, _ = find_shared_turns(values, 0.05, np.zeros(3), np.zeros(3, dtype=bool))
    shares = np.empty(len(turns.peak))
    kernel.transient_shares(values, windows, turns.series, turns.peak, turns.sign, shares)
    for series, peak, sign, share in zip(turns.series, turns.peak, turns.sign, shares, strict=True):
        cell, trajectory = divmod(int(series), 40)
        path = values[cell, trajectory]
        lasts = sign * opening(sign * path, int(windows[cell]), int(windows[cell]))[peak]
        assert share == pytest.approx(abs(path[peak] - lasts) / max(path[peak], lasts))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=9), st.data())
def test_the_even_range_is_the_best_of_all(counts: list[int], data: st.DataObject) -> None:
    middle = data.draw(st.integers(0, len(counts) - 1))
    total = sum(counts)
    found = kernel.even_range(np.array(counts), middle, 0.8)
    best: tuple[float, tuple[int, int]] = (np.inf, (middle, middle))
    for width in range(1, len(counts) + 1):
        starts = [at for at in range(len(counts) - width + 1) if at <= middle < at + width]
        low = min(starts, key=lambda at: abs(sum(counts[:at]) - sum(counts[at + width :])))
        distance = abs(0.2 * total - sum(counts[:low]) - sum(counts[low + width :]))
        if distance < best[0] - 1e-9:
            best = distance, (low, low + width - 1)
    assert found == best[1]


def test_quantiles_of_many_waves_are_those_of_each() -> None:
    counts = np.array([3, 1, 40, 7])
    values = np.random.default_rng(4).normal(size=counts.sum())
    groups = np.split(values, np.cumsum(counts)[:-1])
    expected = [[np.quantile(group, level) for group in groups] for level in (0.1, 0.5, 0.9)]
    np.testing.assert_allclose(quantiles(values, counts, (0.1, 0.5, 0.9)), expected)
