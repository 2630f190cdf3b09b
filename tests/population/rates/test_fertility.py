"""Fertility: levels, mean ages and rates of single ages, planted and published."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.population.rates import fertility
from forecast.population.rates.fertility import (
    asfr_from_births,
    asfr_from_tfr,
    mean_age_at_birth,
    shift_mean_age,
    single_year_shares,
    total_fertility,
)

AGES = np.arange(101)
GROUPS = np.arange(15, 50, 5)


def curve(peak: float = 28.0, spread: float = 5.0) -> xr.DataArray:
    shape = np.exp(-(((AGES + 0.5 - peak) / spread) ** 2) / 2) * ((AGES >= 15) & (AGES < 50))
    return xr.DataArray(shape / shape.sum(), dims="age", coords={"age": AGES})


def test_level_and_pattern_give_back_the_level() -> None:
    tfr = xr.DataArray([1.1, 2.1], dims="year", coords={"year": [2021, 2022]})
    asfr = asfr_from_tfr(tfr, curve())
    np.testing.assert_allclose(total_fertility(asfr).values, tfr.values, rtol=1e-12)
    with pytest.raises(ValueError, match="sum to 1"):
        asfr_from_tfr(tfr, 2 * curve())


def test_mean_age_of_a_symmetric_curve_is_its_middle() -> None:
    symmetric = xr.DataArray([0.1, 0.2, 0.1], dims="age", coords={"age": [27, 28, 29]})
    assert float(mean_age_at_birth(symmetric)) == pytest.approx(28.5)
    with pytest.raises(ValueError, match="no fertility"):
        mean_age_at_birth(0 * symmetric)
    with pytest.raises(ValueError, match="single years"):
        mean_age_at_birth(symmetric.assign_coords(age=[20, 25, 30]))


@given(years=st.floats(-5, 5), peak=st.floats(24, 34))
def test_the_mean_age_moves_by_exactly_what_is_asked(years: float, peak: float) -> None:
    shares = curve(peak)
    moved = shift_mean_age(shares, years)
    assert float(mean_age_at_birth(moved) - mean_age_at_birth(shares)) == pytest.approx(years, abs=1e-10)
    assert float(moved.sum()) == pytest.approx(1.0, rel=1e-12)
    assert float(moved.min()) >= 0


def test_a_path_of_shifts() -> None:
    years = xr.DataArray([0.0, 1.0, 1.5], dims="year", coords={"year": [2020, 2021, 2022]})
    moved = shift_mean_age(curve(), years)
    assert moved.dims == ("year", "age")
    np.testing.assert_allclose(moved.sel(year=2020).values, curve().values, atol=1e-16)
    np.testing.assert_allclose(moved.sel(year=2021).values[1:], curve().values[:-1], atol=1e-15)
    with pytest.raises(ValueError, match="out of the ages"):
        shift_mean_age(curve(), 60.0)


@given(seed=st.integers(0, 2**32 - 1))
def test_births_of_every_group_are_those_counted(seed: int) -> None:
    draw = np.random.default_rng(seed)
    coords = {"county": ["a", "b"], "age": AGES}
    women = xr.DataArray(draw.uniform(0, 1000, (2, 101)), dims=("county", "age"), coords=coords)
    women[0, 30] = 0.0  # an age without women in a small place
    births = xr.DataArray(draw.uniform(0, 300, (2, 7)), dims=("county", "age"), coords={**coords, "age": GROUPS})
    asfr = asfr_from_births(births, women)
    assert float(asfr.min()) >= 0
    assert np.isfinite(asfr.values).all()
    found = np.add.reduceat((asfr * women).values[:, 15:50], GROUPS - 15, axis=1)
    np.testing.assert_allclose(found, births.values, rtol=1e-12)


def test_planted_rates_come_back_through_their_groups() -> None:
    """Cohorts of very different size: the curve is of rates and not of births."""
    truth = 1.5 * curve()
    women = xr.where(truth.age % 7 < 3, 400.0, 1000.0)
    births = truth * women
    groups = xr.DataArray(np.add.reduceat(births.values[15:50], GROUPS - 15), dims="age", coords={"age": GROUPS})
    found = asfr_from_births(groups, women)
    assert float(abs(found - truth).max()) < 0.05 * float(truth.max())
    assert float(total_fertility(found)) == pytest.approx(1.5, rel=0.01)
    assert float(mean_age_at_birth(found)) == pytest.approx(float(mean_age_at_birth(truth)), abs=0.05)


def test_births_without_women_are_refused() -> None:
    births = xr.DataArray([0.0, 10.0], dims="age", coords={"age": [20, 25]})
    women = xr.where(curve().age < 25, 100.0, 0.0)
    with pytest.raises(ValueError, match="no women"):
        asfr_from_births(births, women, end=30)
    with pytest.raises(ValueError, match="not negative"):
        asfr_from_births(-births, 1 + women, end=30)
    with pytest.raises(ValueError, match="must rise"):
        asfr_from_births(births, women, end=25)
    assert float(asfr_from_births(0 * births, women, end=30).sum()) == 0.0


def test_shares_of_groups_are_kept() -> None:
    shares = np.array([0.05, 0.2, 0.35, 0.25, 0.1, 0.04, 0.01])
    single = single_year_shares(shares, GROUPS, 50)
    np.testing.assert_allclose(np.add.reduceat(single[15:50], GROUPS - 15), shares, rtol=1e-12)


@pytest.mark.reference
def test_swedish_rates_of_single_ages_from_groups(reference: Path) -> None:
    """Statistics Sweden prints births by single age of mother: grouped by five years they give nearly the same."""
    folder = reference / "sweden_counties"
    births = pd.read_parquet(folder / "births.parquet")
    births = births[births.mother_age > 0].groupby(["region", "year", "mother_age"]).births.sum().to_xarray()
    births = births.rename(region="county", mother_age="age").sel(year=[1980, 1990, 2000, 2010, 2015]).astype(float)
    rows = pd.read_parquet(folder / "population_deaths_migration.parquet")
    people = rows[rows.sex == 2].set_index(["region", "year", "age"])["pop"].to_xarray().rename(region="county")
    women = ((people + people.shift(year=1)) / 2).sel(year=births.year)
    inside = births.sel(age=slice(15, 49)).fillna(0.0)
    groups = inside.groupby((inside.age // 5) * 5).sum().rename({"group": "age"} if "group" in inside.dims else {})
    found = asfr_from_births(groups.transpose(..., "age"), women.transpose(..., "age"))
    printed = inside / women.sel(age=inside.age)
    whole = (found.sel(age=inside.age) * women).sum("county") / women.sum("county")
    truth = inside.sum("county") / women.sum("county")
    assert float(abs(total_fertility(found) - total_fertility(printed)).mean()) < 0.01
    assert float(abs(mean_age_at_birth(found) - mean_age_at_birth(printed)).max()) < 0.15
    assert float((abs(whole - truth).sum("age") / truth.sum("age")).mean()) < 0.05


def test_the_examples_run() -> None:
    assert doctest.testmod(fertility).failed == 0
