"""Age groups to single years, and census dates to year ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.dims import OPEN_AGE
from forecast.population.graduation import census_weights, graduate, group_bounds, to_year_end

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
    with pytest.raises(ValueError, match="form"):
        group_bounds("5 to 9")


def test_one_sixth_has_a_birthday_between_the_census_and_the_year_end() -> None:
    """Hand-worked: 600 at every age on 1 November; 100 of each turn a year older by 31 December."""
    counts = np.full(OPEN_AGE + 1, 600.0)
    at_year_end = to_year_end(counts, month=11)
    assert at_year_end[0] == pytest.approx(500.0)
    np.testing.assert_allclose(at_year_end[1:OPEN_AGE], 600.0)
    assert at_year_end[OPEN_AGE] == pytest.approx(700.0)
    assert at_year_end.sum() == pytest.approx(counts.sum())


def test_birth_years_are_told_apart() -> None:
    """Aged 4 on 1 November 2020: 5/6 of the births of 2016 and 1/6 of those of 2015; at year end the latter are 5."""
    births = dict.fromkeys(range(1900, 2021), 1000.0)
    births[2015] = 2000.0
    born = np.array([births[2020 - k] for k in range(OPEN_AGE + 2)])
    weights = census_weights(born, np.ones(OPEN_AGE + 1), month=11)
    assert weights[4] == pytest.approx(1000 * 5 / 6 + 2000 / 6)
    assert weights[5] == pytest.approx(2000 * 5 / 6 + 1000 / 6)
    at_year_end = to_year_end(weights, 11, born)
    assert at_year_end[5] == pytest.approx(2000.0)
    assert at_year_end[4] == pytest.approx(1000.0)
    assert at_year_end[6] == pytest.approx(1000.0)
