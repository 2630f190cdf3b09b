"""Net migration of a whole that nobody enters or leaves is moves inside it."""

from __future__ import annotations

import numpy as np
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.population.past.migration import moves_inside


def by_county(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims=("county", "sex", "age"))


@given(st.integers(0, 2**32 - 1))
def test_moves_inside_a_whole_add_up_to_nobody_at_each_age(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rate = by_county(rng.normal(0.01, 0.02, (5, 2, 101)))
    people = by_county(rng.uniform(0.0, 1e5, (5, 2, 101)))
    moved = (moves_inside(rate, people) * people).sum("county")
    assert float(abs(moved).max()) < 1e-6


def test_counties_that_gained_alike_did_not_move() -> None:
    rate = by_county(np.full((3, 2, 101), 0.013))
    assert float(abs(moves_inside(rate, by_county(np.ones((3, 2, 101))))).max()) < 1e-15
