"""Ages: labels to first and last age, who enters an age."""

from __future__ import annotations

import numpy as np
import pytest

from forecast.basics.ages import FITTED_BANDS, MIGRATION_BANDS, age_bounds, entering_ages
from forecast.basics.dims import OPEN_AGE
from forecast.population.past.history import entering_of


@pytest.mark.parametrize(
    ("label", "bounds"), [("0", (0, 0)), ("5-9", (5, 9)), ("85+", (85, OPEN_AGE)), ("100+", (100, OPEN_AGE))]
)
def test_both_ends_are_counted(label: str, bounds: tuple[int, int]) -> None:
    assert age_bounds(label) == bounds


@pytest.mark.parametrize("label", ["5 to 9", "", "9-5", "101", "95-105", "-1", "total"])
def test_what_is_no_age_group_is_told(label: str) -> None:
    with pytest.raises(ValueError, match="form"):
        age_bounds(label)


def test_the_fitted_bands_make_one_of_the_children_at_school() -> None:
    assert sorted(set(MIGRATION_BANDS) - set(FITTED_BANDS)) == [10]


def test_everybody_enters_one_age() -> None:
    before, births = np.arange(8.0).reshape(2, 4), np.array([10.0, 20.0])
    entering = entering_ages(before, births)
    assert entering.tolist() == [[10, 0, 1, 5], [20, 4, 5, 13]]
    people = np.stack([before, before])[None]
    by_year = entering_of(people, np.stack([births, births])[None])
    assert np.isnan(by_year[:, 0]).all()
    np.testing.assert_array_equal(by_year[0, 1], entering)
