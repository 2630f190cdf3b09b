"""Cohort change ratios: what they are by hand, what they keep, and how they do against real counts."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.population.measures import hamilton_perry
from forecast.population.measures.hamilton_perry import child_woman_ratios, cohort_change_ratios, project_hamilton_perry

AGES = np.arange(101)


def people(seed: int = 0, ages: np.ndarray = AGES) -> xr.DataArray:
    values = np.random.default_rng(seed).uniform(50, 500, (2, 2, ages.size))
    coords = {"county": ["a", "b"], "sex": ["female", "male"], "age": ages}
    return xr.DataArray(values, dims=("county", "sex", "age"), coords=coords)


@given(seed=st.integers(0, 2**32 - 1), years=st.sampled_from([1, 5, 10]))
def test_one_step_from_the_first_count_is_the_second(seed: int, years: int) -> None:
    first, second = people(seed), people(seed + 1)
    ratios = cohort_change_ratios(first, second, years)
    stepped = project_hamilton_perry(first, ratios, child_woman_ratios(second, years), 2010, 2010 + years)
    assert stepped.population.year.values.tolist() == [2010, 2010 + years]
    found = stepped.population.sel(year=2010 + years, drop=True)
    older = found.sel(age=slice(years, None))
    np.testing.assert_allclose(older.values, second.sel(age=slice(years, None)).values, rtol=1e-12)
    np.testing.assert_allclose(found.values, second.values, rtol=1e-12)  # its own mothers have its own children


def test_five_year_groups_by_hand() -> None:
    ages = np.arange(0, 90, 5)
    first = xr.ones_like(people(ages=ages)) * 100
    second = first * 1.1
    ratios = cohort_change_ratios(first, second, 5)
    assert ratios.age.values.tolist() == ages[1:].tolist()
    np.testing.assert_allclose(ratios.sel(age=slice(5, 80)).values, 1.1)
    np.testing.assert_allclose(ratios.sel(age=85).values, 0.55)  # two groups come into the open one
    children = child_woman_ratios(second, 5)
    np.testing.assert_allclose(children.values, 110 / 770)
    later = project_hamilton_perry(second, ratios, children, 2020, 2030).population
    assert later.year.values.tolist() == [2020, 2025, 2030]
    np.testing.assert_allclose(later.sel(year=2025, age=10).values, 121.0)
    np.testing.assert_allclose(later.sel(year=2025, age=0).values, 121.0)
    np.testing.assert_allclose(later.sel(year=2030, age=40).values, 133.1)


def test_small_cohorts_take_the_standard_and_limits_hold() -> None:
    first, second = people(1), people(2)
    first[0, 1, 40] = 0.0
    with pytest.raises(ValueError, match="1 cohorts have 0 persons"):
        cohort_change_ratios(first, second, 5)
    whole = cohort_change_ratios(first.sum("county"), second.sum("county"), 5)
    ratios = cohort_change_ratios(first, second, 5, standard=whole)
    assert float(ratios.sel(county="a", sex="male", age=45)) == float(whole.sel(sex="male", age=45))
    everywhere = cohort_change_ratios(first, second, 5, minimum=1e6, standard=whole)
    xr.testing.assert_allclose(everywhere.sel(county="b", drop=True), whole)
    held = cohort_change_ratios(first, second, 5, standard=whole, limits=(0.8, 1.2))
    assert float(held.min()) == 0.8
    assert float(held.max()) == 1.2


def test_what_does_not_fit_is_refused() -> None:
    first = people(1)
    ratios, children = cohort_change_ratios(first, first, 5), child_woman_ratios(first, 5)
    with pytest.raises(ValueError, match="whole number of steps"):
        project_hamilton_perry(first, ratios, children, 2020, 2033)
    with pytest.raises(ValueError, match="the people have"):
        project_hamilton_perry(first, ratios, child_woman_ratios(first, 4), 2020, 2030)
    with pytest.raises(ValueError, match="no women"):
        child_woman_ratios(first.where(first.age > 60, 0.0), 5)


@pytest.mark.reference
def test_swedish_counties_ten_years_on(reference: Path) -> None:
    """From 1995 and 2000 to 2010: no worse than a plain cohort-component run, far better than standing still."""
    rows = pd.read_parquet(reference / "sweden_counties" / "population_deaths_migration.parquet")
    cube = rows[rows.year.isin([1995, 2000, 2010])].set_index(["region", "year", "sex", "age"])["pop"].to_xarray()
    cube = cube.astype(float).rename(region="county").assign_coords(sex=["male", "female"]).sel(sex=["female", "male"])
    first, launch, truth = (cube.sel(year=year, drop=True) for year in (1995, 2000, 2010))
    whole = cohort_change_ratios(first.sum("county"), launch.sum("county"), 5)
    ratios = cohort_change_ratios(first, launch, 5, minimum=20, standard=whole)
    found = project_hamilton_perry(launch, ratios, child_woman_ratios(launch, 5), 2000, 2010)
    final = found.population.sel(year=2010, drop=True)
    total = abs(final.sum(["sex", "age"]) / truth.sum(["sex", "age"]) - 1)
    assert float(total.mean()) < 0.071  # what five-year mean net counts miss over the same ten years

    def misplaced(people: xr.DataArray) -> float:
        return float((abs(people - truth).sum(["sex", "age"]) / truth.sum(["sex", "age"])).mean())

    assert misplaced(final) < 0.6 * misplaced(launch)


def test_the_examples_run() -> None:
    assert doctest.testmod(hamilton_perry).failed == 0
