"""Lasting need and crest against definitions written out and a small programme solved elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linprog

from forecast.errors import InputRefused
from forecast.waves import lasting
from forecast.waves.lasting import lasting_need, opening, screening_level

PATHS = hnp.arrays(float, st.integers(2, 14), elements=st.integers(0, 50).map(float))


def opened_slowly(path: np.ndarray, window: int, beyond: int) -> list[float]:
    long = list(path) + [path[-1]] * beyond
    window = min(window, len(long))
    runs = [range(start, start + window) for start in range(len(long) - window + 1)]
    return [max(min(long[t] for t in run) for run in runs if year in run) for year in range(len(path))]


@given(PATHS, st.integers(1, 16), st.booleans())
def test_opening_is_what_is_needed_so_many_years_running(path: np.ndarray, window: int, goes_on: bool) -> None:
    beyond = window if goes_on else 0
    found = opening(path, window, beyond)
    np.testing.assert_array_equal(found, opened_slowly(path, window, beyond))
    assert (found <= path).all()
    np.testing.assert_array_equal(opening(found, window, beyond), found)  # once is enough
    np.testing.assert_array_equal(opening(path + 7, window, beyond), found + 7)


@given(PATHS, st.integers(1, 14))
def test_the_screening_level_is_the_optimum_of_building_once_and_renting_the_rest(
    path: np.ndarray, window: int
) -> None:
    window = min(window, len(path))
    level = float(screening_level(xr.DataArray(path, dims="year"), window))
    years = len(path)  # K and the rented places: window x K + sum of the rented, all met
    meet = np.hstack([-np.ones((years, 1)), -np.eye(years)])
    best = linprog(np.append(window, np.ones(years)), A_ub=meet, b_ub=-path)
    cost = window * level + np.maximum(path - level, 0).sum()
    assert cost == pytest.approx(best.fun, abs=1e-6)
    opened = opening(path, window).max()
    assert opened <= level
    if is_single_crest(path):
        assert opened == level


def is_single_crest(path: np.ndarray) -> bool:
    top = int(np.argmax(path))
    return bool((np.diff(path[: top + 1]) >= 0).all() and (np.diff(path[top:]) <= 0).all())


@given(st.lists(st.integers(0, 50), min_size=3, max_size=14), st.data())
def test_on_one_crest_opening_and_screening_agree(values: list[int], data: st.DataObject) -> None:
    top = data.draw(st.integers(0, len(values)))
    path = np.array([*sorted(values[:top]), *sorted(values[top:], reverse=True)], dtype=float)
    window = data.draw(st.integers(1, len(path)))
    assert opening(path, window).max() == float(screening_level(xr.DataArray(path, dims="year"), window))


def test_windows_by_service_labels_and_unknown_years() -> None:
    years = range(2020, 2030)
    path = np.array([10, 10, 30, 30, 30, 10, 10, 10, 10, 10], dtype=float)
    demand = xr.DataArray(
        np.stack([path, path], axis=1)[None],
        dims=("county", "year", "service"),
        coords={"county": ["1"], "year": years, "service": ["a", "b"]},
    )
    need = lasting_need(demand, {"a": 3, "b": 4})
    assert need.dims == demand.dims
    np.testing.assert_array_equal(need.sel(service="a", county="1"), path)
    np.testing.assert_array_equal(need.sel(service="b", county="1"), np.full(10, 10.0))
    np.testing.assert_array_equal(screening_level(demand, {"a": 3, "b": 4}).sel(county="1"), [30, 10])
    np.testing.assert_array_equal(lasting.lasting_room(-demand, 4), -lasting_need(demand, 4))
    assert lasting_need(demand.where(demand.year != 2024), 3).isnull().all()
    with pytest.raises(InputRefused, match="service b"):
        lasting_need(demand, {"a": 3})
