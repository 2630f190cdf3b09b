"""Who was born after the last count is known from a sample of births, and is off by as much, alike in all counties."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.population.chance.processes import Uncertainty, county_shocks, uncertain_frame, uncertain_rates

AGES = np.arange(101)


def small_rates(born: float) -> xr.Dataset:
    """Two counties with 1,000 persons of each age and sex; `born` persons a year since a count three years before."""
    years, sexes, counties = np.arange(2024, 2030), ["female", "male"], ["a", "b"]
    shape = {"county": counties, "sex": sexes, "age": AGES}
    people = xr.DataArray(np.full((2, 2, 101), 1000.0), shape, tuple(shape))
    by_year = {"county": counties, "year": years, "sex": sexes, "age": AGES}
    none = xr.DataArray(np.zeros((2, 6, 2, 101)), by_year, tuple(by_year))
    asfr = none.isel(sex=0, drop=True) + xr.where((none.age > 19) & (none.age < 35), 0.1, 0.0)
    return xr.Dataset(
        {
            "baseline": people,
            "sx": none.isel(county=0, drop=True) + 0.99,
            "asfr": asfr.transpose("county", "year", "age"),
            "srb": ("year", np.full(6, 1.06)),
            "net_migration": none,
            "mobility": people * 0.01,
            "uncounted": ("age", np.where(AGES < 3, born, 0.0)),
        },
        attrs={"jump_off_year": 2023},
    )


def test_only_the_uncounted_are_off_and_by_their_sample() -> None:
    rates = small_rates(50_000)
    frame = uncertain_frame(rates, Uncertainty(births_sampled=0.005), {"region": "r"}, seed=3)
    found = uncertain_rates(rates, frame, range(4000)).baseline
    off = np.log(found / rates.baseline)
    np.testing.assert_array_equal(off.sel(age=slice(3, None)), 0)
    np.testing.assert_allclose(off.sel(age=slice(0, 2)).std("trajectory"), 1 / np.sqrt(250), rtol=0.05)
    np.testing.assert_array_equal(off.sel(county="a"), off.sel(county="b"))
    assert (
        float(
            abs(np.corrcoef(off.sel(county="a", sex="male", age=slice(0, 2)).transpose("age", ...)) - np.eye(3)).max()
        )
        < 0.06
    )


@pytest.mark.parametrize("given", [Uncertainty(), Uncertainty(births_sampled=0.005)])
def test_nobody_is_off_where_births_are_counted_or_frozen(given: Uncertainty) -> None:
    rates = small_rates(0.0 if given.births_sampled else 50_000)
    frame = uncertain_frame(rates, given, {"region": "r"}, seed=3)
    assert county_shocks(frame, 0, range(5)).newborn.shape == (0, 5)
    frozen = uncertain_frame(
        small_rates(50_000), Uncertainty(births_sampled=0.005), {"region": "r"}, 3, frozenset({"births"})
    )
    np.testing.assert_array_equal(county_shocks(frozen, 0, range(5)).newborn, 1)
