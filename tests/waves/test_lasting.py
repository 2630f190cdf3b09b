"""Lasting need, crest and break-even years against definitions written out and small programmes solved elsewhere."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linprog

from forecast.demand import read_models, with_overrides
from forecast.errors import InputRefused
from forecast.waves import lasting
from forecast.waves.lasting import Costs, break_even_years, build_or_rent, lasting_need, opening, screening_level

MODELS = read_models()
PATHS = hnp.arrays(float, st.integers(2, 14), elements=st.integers(0, 50).map(float))


def test_break_even_years_of_the_specification() -> None:
    assert doctest.testmod(lasting).failed == 0


@given(st.floats(0.06, 0.5), st.floats(0, 0.05), st.floats(0, 0.1), st.floats(0, 0.8))
def test_break_even_years_are_the_first_at_which_rent_is_as_dear(r: float, u: float, d: float, s: float) -> None:
    costs = Costs(r, u, 50, s, d)
    rents = np.cumsum(r / (1 + d) ** np.arange(50))
    built = 1 + np.sum(u / (1 + d) ** np.arange(50)) - s
    if rents[-1] < built - 1e-9:
        with pytest.raises(InputRefused, match="break-even"):
            break_even_years(costs)
    elif rents[-1] > built + 1e-9:
        years = break_even_years(costs)
        assert rents[years - 1] >= built - 1e-9
        assert years == 1 or rents[years - 2] < built + 1e-9


def test_break_even_years_follow_from_the_costs_of_each_model() -> None:
    """By hand for primary schools, yuan per m2: 5,926 and 120 a year for 50 years at 6 %, against 780 a year."""
    windows = lasting.windows_of(MODELS)
    assert set(windows) == set(MODELS)
    assert len(set(windows.values())) > 1
    factor = 1.06 ** -np.arange(50)
    built = 5926 + 120 * factor.sum()
    rents = 780 * np.cumsum(factor)
    assert rents[windows["primary_school"] - 2] < built <= rents[windows["primary_school"] - 1]


def test_a_bureaus_own_costs_give_its_own_break_even_years() -> None:
    dearer = with_overrides(MODELS, {"primary_school": {"costs.rent": 1500, "costs.salvage": 1000}})
    assert lasting.windows_of(dearer)["primary_school"] < lasting.windows_of(MODELS)["primary_school"]
    assert dearer["primary_school"].quantities()["costs.rent"].replaces is not None
    with pytest.raises(InputRefused, match=r"costs\.rent"):
        with_overrides(MODELS, {"primary_school": {"costs.rent": -1}})
    with pytest.raises(InputRefused, match="never"):
        lasting.windows_of(with_overrides(MODELS, {"primary_school": {"costs.rent": 100}}))


def test_a_model_without_costs_is_not_given_any() -> None:
    bare = MODELS["primary_school"].model_copy(update={"costs": None})
    with pytest.raises(InputRefused, match="primary_school"):
        lasting.windows_of({"primary_school": bare})


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


@given(PATHS, st.floats(0.05, 0.6), st.floats(0, 0.05), st.floats(0, 0.12), st.floats(0, 0.5))
def test_building_and_renting_by_slices_is_the_optimum_of_the_programme(
    path: np.ndarray, rent: float, upkeep: float, discount: float, salvage: float
) -> None:
    costs = Costs(rent, upkeep, 20, salvage, discount)
    found = build_or_rent(path, costs)
    years = len(path)
    stands = np.tril(np.ones((years, years)))
    np.testing.assert_allclose(stands @ found.built + found.rented >= path - 1e-9, True)
    factor = (1 + discount) ** -np.arange(years)
    prices = np.concatenate([costs.built * factor, rent * factor])
    assert found.cost == pytest.approx(prices @ np.concatenate([found.built, found.rented]))
    best = linprog(prices, A_ub=np.hstack([-stands, -np.eye(years)]), b_ub=-path)
    assert found.cost == pytest.approx(best.fun, abs=1e-6, rel=1e-6)


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
