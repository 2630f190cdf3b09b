"""Who is of an age at the cut-off date, for every month a model may name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast import read_region, read_scenario, run_forecast
from forecast.basics.school_date import SEPTEMBER, YEAR_END, born_until, children, share_born_before, stage_cohort
from forecast.demand import read_models


def people(values: np.ndarray) -> xr.DataArray:
    """(year, age) from 2020 on."""
    years, ages = (np.arange(size) for size in values.shape)
    return xr.DataArray(values, {"year": 2020 + years, "age": ages}, ("year", "age"))


def test_in_september_a_third_was_born_the_year_before() -> None:
    assert share_born_before(SEPTEMBER) == 1 / 3


@given(st.integers(1, YEAR_END), st.integers(0, 2**32 - 1))
def test_children_are_those_of_the_formula(month: int, seed: int) -> None:
    values = np.random.default_rng(seed).uniform(1, 100, (1, 12))
    share = (13 - month) / 12
    by_hand = sum(share * values[0, age + 1] + (1 - share) * values[0, age] for age in (3, 4, 5))
    assert children(people(values), (3, 5), month).item() == pytest.approx(by_hand)


@given(st.integers(1, YEAR_END))
def test_children_are_the_births_of_their_cohorts_where_nobody_dies_or_moves(month: int) -> None:
    years = np.arange(2000, 2031)
    births = xr.DataArray(years - 1900.0, {"year": years}, ("year",))
    stayed = people(np.array([[year - age - 1900.0 for age in range(12)] for year in (2020, 2021)]))
    cohort = stage_cohort(births, (3, 5), month).sel(year=[2020, 2021])
    assert children(stayed, (3, 5), month).values == pytest.approx(cohort.values)


@given(st.integers(1, YEAR_END), st.integers(0, 11))
def test_until_then_all_were_born_and_a_year_later_not(month: int, age: int) -> None:
    """One child was born in each year until 2024, none since."""
    years = np.arange(2000, 2050)
    born = xr.DataArray(np.where(years <= 2024, 1.0, 0.0), {"year": years}, ("year",))
    of_age = stage_cohort(born, (age, age), month).to_series()
    last = born_until(age, 2024, month)
    assert of_age.loc[:last].min() == 1.0
    assert of_age.loc[last + 1] < 1.0


def test_the_model_says_the_month() -> None:
    models = read_models()
    assert models["primary_school"].cutoff_month == SEPTEMBER
    assert models["nursery"].cutoff_month == YEAR_END


@pytest.mark.slow
def test_a_run_with_another_month_counts_no_child_twice() -> None:
    region = read_region("wenzhou")
    models = {name: {"parameters": {"cutoff_month": 1}} for name in ("kindergarten", "primary_school")}
    run = run_forecast(replace(region, settings={**region.settings, "models": models}), read_scenario("baseline"))
    assert run.schools is not None
    table, jump_off = run.schools.table, run.region.jump_off_year
    born = table["born"].sel(service=list(models))
    assert float(born.max()) <= 1 + 1e-12
    people = run.data["population"].sum("sex")
    for service, (first, last) in (("kindergarten", (3, 5)), ("primary_school", (6, 11))):
        by_hand = people.sel(age=slice(first + 1, last + 1)).sum("age")  # on 1 January all are a year older by its end
        counted = table["children"].sel(service=service, county=people["county"].values)
        np.testing.assert_allclose(counted.transpose(*by_hand.dims).values, by_hand.values)
        assert int(run.data["born_until"].sel(service=service)) == jump_off + first + 1
        assert float(born.sel(service=service, year=jump_off + first + 1).min()) == pytest.approx(1)
        assert float(born.sel(service=service, year=jump_off + first + 2).max()) < 1
