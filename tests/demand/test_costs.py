"""Break-even years, and building or renting, against definitions written out and small programmes solved elsewhere."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.optimize import linprog

from forecast.demand import CostShares, break_even_years, build_or_rent, costs, read_models, with_overrides
from forecast.errors import InputRefused

MODELS = read_models()
PATHS = hnp.arrays(float, st.integers(2, 14), elements=st.integers(0, 50).map(float))


def test_break_even_years_of_the_specification() -> None:
    assert doctest.testmod(costs).failed == 0


@given(st.floats(0.06, 0.5), st.floats(0, 0.05), st.floats(0, 0.1), st.floats(0, 0.8))
def test_break_even_years_are_the_first_at_which_rent_is_as_dear(r: float, u: float, d: float, s: float) -> None:
    shares = CostShares(r, u, 50, s, d)
    rents = np.cumsum(r / (1 + d) ** np.arange(50))
    built = 1 + np.sum(u / (1 + d) ** np.arange(50)) - s
    if rents[-1] < built - 1e-9:
        with pytest.raises(InputRefused, match="break-even"):
            break_even_years(shares)
    elif rents[-1] > built + 1e-9:
        years = break_even_years(shares)
        assert rents[years - 1] >= built - 1e-9
        assert years == 1 or rents[years - 2] < built + 1e-9


def test_break_even_years_follow_from_the_costs_of_each_model() -> None:
    """By hand for primary schools, yuan per m2: 5,926 and 120 a year for 50 years at 6 %, against 780 a year."""
    windows = costs.windows_of(MODELS)
    assert set(windows) == set(MODELS)
    assert len(set(windows.values())) > 1
    factor = 1.06 ** -np.arange(50)
    built = 5926 + 120 * factor.sum()
    rents = 780 * np.cumsum(factor)
    assert rents[windows["primary_school"] - 2] < built <= rents[windows["primary_school"] - 1]


def test_a_bureaus_own_costs_give_its_own_break_even_years() -> None:
    dearer = with_overrides(MODELS, {"primary_school": {"costs.rent": 1500, "costs.salvage": 1000}})
    assert costs.windows_of(dearer)["primary_school"] < costs.windows_of(MODELS)["primary_school"]
    assert dearer["primary_school"].quantities()["costs.rent"].replaces is not None
    with pytest.raises(InputRefused, match=r"costs\.rent"):
        with_overrides(MODELS, {"primary_school": {"costs.rent": -1}})
    with pytest.raises(InputRefused, match="never"):
        costs.windows_of(with_overrides(MODELS, {"primary_school": {"costs.rent": 100}}))


def test_a_model_without_costs_is_not_given_any() -> None:
    bare = MODELS["primary_school"].model_copy(update={"costs": None})
    with pytest.raises(InputRefused, match="primary_school"):
        costs.windows_of({"primary_school": bare})


@given(PATHS, st.floats(0.05, 0.6), st.floats(0, 0.05), st.floats(0, 0.12), st.floats(0, 0.5))
def test_building_and_renting_by_slices_is_the_optimum_of_the_programme(
    path: np.ndarray, rent: float, upkeep: float, discount: float, salvage: float
) -> None:
    shares = CostShares(rent, upkeep, 20, salvage, discount)
    found = build_or_rent(path, shares)
    years = len(path)
    stands = np.tril(np.ones((years, years)))
    np.testing.assert_allclose(stands @ found.built + found.rented >= path - 1e-9, True)
    factor = (1 + discount) ** -np.arange(years)
    prices = np.concatenate([shares.built * factor, rent * factor])
    assert found.cost == pytest.approx(prices @ np.concatenate([found.built, found.rented]))
    best = linprog(prices, A_ub=np.hstack([-stands, -np.eye(years)]), b_ub=-path)
    assert found.cost == pytest.approx(best.fun, abs=1e-6, rel=1e-6)
