"""Households: identities, and rates that give back the heads they came from."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.population.measures import households
from forecast.population.measures.households import estimate_households, headship_rates

AGES = np.arange(101)
COORDS = {"county": ["a", "b"], "year": [2020, 2030], "sex": ["female", "male"], "age": AGES}
GROUPS = [0, 15, 25, 35, 45, 55, 65, 75]


def draw(seed: int, low: float, high: float) -> xr.DataArray:
    values = np.random.default_rng(seed).uniform(low, high, (2, 2, 2, 101))
    return xr.DataArray(values, dims=("county", "year", "sex", "age"), coords=COORDS)


@given(seed=st.integers(0, 2**32 - 1))
def test_households_times_their_size_are_the_persons(seed: int) -> None:
    people, rates = draw(seed, 0, 1e4), draw(seed + 1, 0, 1)
    special = people * draw(seed + 2, 0, 0.1)
    found = estimate_households(people, rates, special)
    xr.testing.assert_allclose(found.households * found.average_size, found.persons_in_households)
    xr.testing.assert_allclose(found.persons_in_households + special.sum(["sex", "age"]), people.sum(["sex", "age"]))
    assert found.households.dims == ("county", "year")
    assert bool((found.households <= found.persons_in_households).all())


def test_heads_of_a_census_come_back() -> None:
    people = draw(4, 100, 200)
    grouped = np.add.reduceat(people.values, GROUPS, axis=-1)
    heads = xr.DataArray(grouped * np.linspace(0, 0.6, 8), dims=people.dims, coords={**COORDS, "age": GROUPS})
    rates = headship_rates(heads, people)
    np.testing.assert_allclose(rates.values, np.broadcast_to(np.linspace(0, 0.6, 8), rates.shape))
    found = estimate_households(people, rates)
    np.testing.assert_allclose(found.households.values, heads.sum(["sex", "age"]).values)


def test_by_hand() -> None:
    """100 women and 100 men at every age; every second adult heads: one household to 2 adults and the children."""
    people = xr.full_like(draw(0, 0, 1), 100.0)
    rates = xr.DataArray([[0.0, 0.5], [0.0, 0.5]], dims=("sex", "age"), coords={"sex": COORDS["sex"], "age": [0, 20]})
    found = estimate_households(people, rates)
    np.testing.assert_allclose(found.households.values, 81 * 100)
    np.testing.assert_allclose(found.average_size.values, 20200 / 8100)


def test_what_cannot_be_is_refused() -> None:
    people = xr.full_like(draw(0, 0, 1), 100.0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        estimate_households(people, people)
    with pytest.raises(ValueError, match="special places"):
        estimate_households(people, people / 200, 2 * people)
    with pytest.raises(ValueError, match="nobody heads"):
        estimate_households(people, 0 * people)
    with pytest.raises(ValueError, match="do not cover"):
        estimate_households(people, (people / 200).sel(age=slice(5, None)))
    with pytest.raises(ValueError, match="more heads"):
        headship_rates(2 * people, people)
    with pytest.raises(ValueError, match="no ages"):
        headship_rates(people.assign_coords(age=AGES + 1), people)


def test_the_examples_run() -> None:
    assert doctest.testmod(households).failed == 0
