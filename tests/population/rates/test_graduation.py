"""Age groups to single years, and census dates to year ends."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.basics.dims import OPEN_AGE
from forecast.population.rates import graduation
from forecast.population.rates.graduation import by_birthday, census_weights, graduate, graduate_pclm

CENSUS = np.array([0, 1, *range(5, 90, 5)])


@given(
    counts=st.lists(st.floats(0, 1e7), min_size=CENSUS.size, max_size=CENSUS.size),
    seed=st.integers(0, 2**32 - 1),
    breaks=st.sampled_from([(), (15,), (5, 60)]),
)
def test_groups_are_reproduced_and_no_age_is_negative(counts: list[float], seed: int, breaks: tuple[int, ...]) -> None:
    weights = np.random.default_rng(seed).uniform(0.1, 3.0, OPEN_AGE + 1)
    single = graduate(np.array(counts), CENSUS, weights, breaks)
    assert (single >= 0).all()
    np.testing.assert_allclose(np.add.reduceat(single, CENSUS), counts, rtol=1e-12, atol=1e-9 * max([*counts, 1.0]))


def test_weights_proportional_to_the_truth_give_the_truth() -> None:
    """Births that fell by a half inside a group come out as they were: this is why births are the weights."""
    truth = np.full(OPEN_AGE + 1, 1000.0)
    truth[7:] = 500.0
    groups = np.add.reduceat(truth, CENSUS)
    np.testing.assert_allclose(graduate(groups, CENSUS, truth), truth, rtol=1e-9)


def test_spline_on_age_without_weights_is_smooth_where_births_fell() -> None:
    truth = np.full(OPEN_AGE + 1, 1000.0)
    truth[7:] = 500.0
    groups = np.add.reduceat(truth, CENSUS)
    assert abs(graduate(groups, CENSUS)[6] - 1000.0) > 50


def test_a_break_keeps_what_lies_beyond_it_out() -> None:
    groups = np.full(CENSUS.size, 500.0)
    groups[0], groups[1] = 100.0, 400.0
    groups[4:] *= 0.5  # ages 15 and over are half as many
    np.testing.assert_allclose(graduate(groups, CENSUS, breaks=(15,))[:15], 100.0)
    assert graduate(groups, CENSUS)[14] < 95.0
    with pytest.raises(ValueError, match="17"):
        graduate(groups, CENSUS, breaks=(17,))


def test_bad_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="rise from 0"):
        graduate(np.ones(2), np.array([1, 5]))
    with pytest.raises(ValueError, match="not negative"):
        graduate(np.array([1.0, -1.0]), np.array([0, 5]))


def test_one_sixth_has_a_birthday_between_the_census_and_the_year_end() -> None:
    """Hand-worked: 600 at every age on 1 November; 100 of each turn a year older by 31 December."""
    counts = np.full(OPEN_AGE + 1, 600.0)
    at_year_end = sum(by_birthday(counts, late=2 / 12))
    assert at_year_end[0] == pytest.approx(500.0)
    np.testing.assert_allclose(at_year_end[1:OPEN_AGE], 600.0)
    assert at_year_end[OPEN_AGE] == pytest.approx(700.0)
    assert at_year_end.sum() == pytest.approx(counts.sum())


def test_birth_years_are_told_apart() -> None:
    """Aged 4 on 1 November 2020: 5/6 of the births of 2016 and 1/6 of those of 2015; at year end the latter are 5."""
    births = dict.fromkeys(range(1900, 2021), 1000.0)
    births[2015] = 2000.0
    born = np.array([births[2020 - k] for k in range(OPEN_AGE + 2)])
    weights = census_weights(born, np.ones(OPEN_AGE + 1), late=2 / 12)
    assert weights[4] == pytest.approx(1000 * 5 / 6 + 2000 / 6)
    assert weights[5] == pytest.approx(2000 * 5 / 6 + 1000 / 6)
    at_year_end = sum(by_birthday(weights, 2 / 12, born))
    assert at_year_end[5] == pytest.approx(2000.0)
    assert at_year_end[4] == pytest.approx(1000.0)
    assert at_year_end[6] == pytest.approx(1000.0)


@settings(max_examples=6)
@given(
    counts=st.lists(st.integers(0, 10**6), min_size=CENSUS.size, max_size=CENSUS.size),
    criterion=st.sampled_from(["aic", "bic"]),
)
def test_pclm_reproduces_groups_and_is_never_negative(counts: list[int], criterion: str) -> None:
    single = graduate_pclm(np.array(counts), CENSUS, criterion=criterion)
    assert (single >= 0).all()
    np.testing.assert_allclose(np.add.reduceat(single, CENSUS), counts, rtol=1e-12)


def test_pclm_passes_over_a_smoothing_at_which_it_does_not_converge() -> None:
    """From the curve of lambda 10^3.5 that of 10^3 is not reached with these counts."""
    counts = np.array([0, 0, 0, 0, 0, 0, 13618, 17749, 9075, 198930, 1273, 492693, 1465, 0, 195, 0, 0, 0, 0])
    single = graduate_pclm(counts, CENSUS)
    np.testing.assert_allclose(np.add.reduceat(single, CENSUS), counts, rtol=1e-12)


def test_pclm_finds_a_planted_smooth_curve_nearer_than_the_spline() -> None:
    ages = np.arange(OPEN_AGE + 1)
    truth = 2000 * np.exp(-(((ages - 78) / 11.0) ** 2) / 2) + 5
    groups = np.add.reduceat(truth, CENSUS)

    def missed(single: np.ndarray) -> float:
        return float(np.abs(single - truth)[:85].sum() / truth[:85].sum())

    found = graduate_pclm(groups, CENSUS)
    assert missed(found) < 0.01
    assert missed(found) < missed(graduate(groups, CENSUS)) / 2
    stiff = graduate_pclm(groups, CENSUS, smoothing=1e12)  # a line in the logarithm, then the groups' factors
    assert missed(stiff) > missed(found)


def test_pclm_takes_weights_and_lanes() -> None:
    """With weights in proportion to the truth the curve is flat and the truth comes back."""
    truth = np.stack([np.where(np.arange(OPEN_AGE + 1) < 7, 1000.0, 500.0), np.full(OPEN_AGE + 1, 300.0)])
    found = graduate_pclm(np.add.reduceat(truth, CENSUS, axis=-1), CENSUS, weights=truth)
    np.testing.assert_allclose(found, truth, rtol=1e-5)
    assert (graduate_pclm(np.zeros(CENSUS.size), CENSUS) == 0).all()


def test_pclm_refuses_as_the_spline_does() -> None:
    with pytest.raises(ValueError, match="not negative"):
        graduate_pclm(np.array([1.0, -1.0]), np.array([0, 5]))
    with pytest.raises(ValueError, match="aic, bic"):
        graduate_pclm(np.array([1.0, 1.0]), np.array([0, 5]), criterion="dic")
    with pytest.raises(ValueError, match="positive"):
        graduate_pclm(np.array([1.0, 1.0]), np.array([0, 5]), weights=np.zeros(OPEN_AGE + 1))
    with pytest.raises(ValueError, match="3 age groups"):
        graduate_pclm(np.array([1.0, 1.0]), np.array([0, 5]))


@pytest.mark.reference
def test_pclm_on_the_deaths_of_the_united_kingdom(reference: Path) -> None:
    """WPP 2024 deaths by single age, grouped by five years and split again: within 3 % (cohorts differ), nearer than the spline."""
    rows = pd.read_parquet(reference / "wpp2024" / "deaths_1x1_gbr_ind.parquet")
    rows = rows[(rows.country_code == 826) & rows.year.isin([1970, 2019])]
    truth = rows.set_index(["year", "sex", "age"]).deaths.to_xarray().values
    groups = np.add.reduceat(truth, CENSUS, axis=-1)
    inside = slice(5, 85)
    near = np.abs(graduate_pclm(groups, CENSUS) - truth)[..., inside].sum() / truth[..., inside].sum()
    spline = np.abs(graduate(groups, CENSUS) - truth)[..., inside].sum() / truth[..., inside].sum()
    assert near < 0.03
    assert near < spline


def test_next_to_nobody_is_no_fault() -> None:
    counts = np.zeros(CENSUS.size)
    counts[[3, 4, 5]] = 5e-324, 1e7, 1e-310
    assert np.isfinite(graduate(counts, CENSUS)).all()


def test_the_examples_run() -> None:
    assert doctest.testmod(graduation).failed == 0
