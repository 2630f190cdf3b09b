"""Migration schedules: the printed formula, planted parameters, totals that are kept."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.population.past.migration import standard_schedule
from forecast.population.rates import schedules
from forecast.population.rates.schedules import (
    STANDARD,
    RogersCastro,
    fit_rogers_castro,
    rogers_castro,
    split_by_schedule,
    split_net_by_schedules,
)

AGES = np.arange(90)
BOTH = {"sex": ["female", "male"], "age": np.arange(101)}


def by_age(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims="age", coords={"age": np.arange(len(values))})


def test_the_formula_at_ages_where_it_is_known() -> None:
    """At mu2 the labour term is a2/e; far from everything only the constant is left; childhood starts at a1."""
    only_labour = STANDARD._replace(a1=0.0, c=0.0)
    assert rogers_castro(np.array([20.0]), only_labour)[0] == pytest.approx(0.06 / np.e)
    assert rogers_castro(np.array([0.0]), STANDARD._replace(a2=0.0, c=0.0))[0] == pytest.approx(0.02)
    assert rogers_castro(np.array([300.0]))[0] == pytest.approx(0.003)
    # the labour term peaks at mu2 + ln(lambda2 / alpha2) / lambda2
    peak = 20 + np.log(0.4 / 0.1) / 0.4
    fine = np.linspace(15, 40, 25001)
    assert fine[rogers_castro(fine, only_labour).argmax()] == pytest.approx(peak, abs=0.001)
    retired = STANDARD._replace(a3=0.02)
    assert rogers_castro(np.array([65.0]), retired)[0] - rogers_castro(np.array([65.0]))[0] == pytest.approx(
        0.02 / np.e
    )


def test_the_census_method_uses_the_same_standard() -> None:
    np.testing.assert_array_equal(standard_schedule(AGES + 0.5), rogers_castro(AGES + 0.5, STANDARD))


@settings(max_examples=25)
@given(
    a1=st.floats(0.01, 0.05),
    alpha1=st.floats(0.05, 0.2),
    a2=st.floats(0.03, 0.15),
    alpha2=st.floats(0.06, 0.2),
    mu2=st.floats(17, 27),
    lambda2=st.floats(0.2, 0.8),
    c=st.floats(0.001, 0.01),
)
def test_planted_parameters_are_recovered(**planted: float) -> None:
    truth = RogersCastro(**planted)
    found = fit_rogers_castro(by_age(rogers_castro(AGES + 0.5, truth)))
    assert found.error < 1e-6
    np.testing.assert_allclose(found.parameters[:7], truth[:7], rtol=1e-3)
    np.testing.assert_allclose(found.fitted.values, rogers_castro(AGES + 0.5, truth), rtol=1e-5)


def test_retirement_is_recovered_and_needs_its_four_parameters() -> None:
    truth = STANDARD._replace(a3=0.03, alpha3=0.5, mu3=63.0, lambda3=0.25)
    given_rates = by_age(rogers_castro(AGES + 0.5, truth))
    found = fit_rogers_castro(given_rates, retirement=True)
    np.testing.assert_allclose(found.fitted.values, given_rates.values, rtol=1e-4)
    assert found.parameters.mu3 == pytest.approx(63.0, abs=0.01)
    assert fit_rogers_castro(given_rates, tolerance=1.0).error > 10 * found.error


def test_noise_is_fitted_through_and_a_wrong_shape_is_told() -> None:
    truth = rogers_castro(AGES + 0.5)
    noisy = truth * np.random.default_rng(3).lognormal(0, 0.1, AGES.size)
    found = fit_rogers_castro(by_age(noisy))
    assert 0.02 < found.error < 0.15
    assert found.parameters.mu2 == pytest.approx(20.0, abs=1.0)
    with pytest.raises(ValueError, match=r"misses the rates by \d\.\d+ of their mean"):
        fit_rogers_castro(by_age(np.where(AGES % 20 < 3, 0.1, 0.0)))
    with pytest.raises(ValueError, match="nobody migrates"):
        fit_rogers_castro(by_age(np.zeros(90)))
    with pytest.raises(ValueError, match="not negative"):
        fit_rogers_castro(by_age(-truth))


@given(total=st.floats(-1e6, 1e6), seed=st.integers(0, 2**32 - 1))
def test_totals_are_kept(total: float, seed: int) -> None:
    draw = np.random.default_rng(seed)
    counties = {"county": ["a", "b"], **BOTH}
    leaving = xr.DataArray(draw.uniform(0, 100, (2, 2, 101)), dims=("county", "sex", "age"), coords=counties)
    arriving = xr.DataArray(draw.uniform(0, 1, (2, 101)), dims=("sex", "age"), coords=BOTH)
    totals = xr.DataArray([total, abs(total) + 1], dims="county", coords={"county": ["a", "b"]})
    alone = split_by_schedule(abs(totals), arriving)
    np.testing.assert_allclose(alone.sum(["sex", "age"]).values, abs(totals).values, rtol=1e-12, atol=1e-200)
    if total + float(leaving.sel(county="a").sum()) < 0:
        with pytest.raises(ValueError, match="times those who leave"):
            split_net_by_schedules(totals, arriving, leaving)
        return
    net = split_net_by_schedules(totals, arriving, leaving)
    np.testing.assert_allclose(net.sum(["sex", "age"]).values, totals.values, rtol=1e-9, atol=1e-8)
    assert bool((net >= -leaving).all())  # nobody leaves twice


def test_a_split_needs_a_profile() -> None:
    empty = xr.DataArray(np.zeros((2, 101)), dims=("sex", "age"), coords=BOTH)
    with pytest.raises(ValueError, match="above 0"):
        split_by_schedule(xr.DataArray(1.0), empty)
    with pytest.raises(ValueError, match="departures"):
        split_net_by_schedules(xr.DataArray(1.0), empty + 1, empty - 1)


def test_the_examples_run() -> None:
    assert doctest.testmod(schedules).failed == 0
