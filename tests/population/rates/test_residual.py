"""Net migration from two counts: planted migrants come back, and a country's own figures."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.population import life_table, project_population
from forecast.population.rates import residual
from forecast.population.rates.lifetable import grouped_survivorship
from forecast.population.rates.residual import cohort_survival, expected_survivors, residual_migration

AGES = np.arange(101)
BOTH = {"sex": ["female", "male"], "age": AGES}


def projected(seed: int, years: int, moving: list[int]) -> tuple[xr.Dataset, xr.Dataset]:
    """Rates and projection of two counties; migrants (of both signs) only in the years named."""
    draw = np.random.default_rng(seed)
    labels = np.arange(2021, 2021 + years)
    mx = xr.DataArray(0.0002 * np.exp(0.08 * AGES), dims="age", coords={"age": AGES})
    sx = life_table(xr.concat([mx, 1.3 * mx], "sex").assign_coords(sex=["female", "male"])).sx
    level = xr.DataArray(draw.uniform(0.97, 1.0, years), dims="year", coords={"year": labels})
    asfr = xr.where((mx.age >= 20) & (mx.age < 40), 0.06, 0.0).expand_dims(year=labels)
    migrants = draw.uniform(-400, 400, (2, years, 2, 101))
    migrants[:, ~np.isin(labels, moving)] = 0.0
    rates = xr.Dataset(
        {
            "baseline": (("county", "sex", "age"), draw.uniform(5e3, 9e3, (2, 2, 101))),
            "sx": (sx * level).transpose("year", "sex", "age"),
            "asfr": asfr,
            "srb": ("year", np.full(years, 1.1)),
            "net_migration": (("county", "year", "sex", "age"), migrants),
        },
        coords={"county": ["a", "b"], "year": labels, **BOTH},
        attrs={"jump_off_year": 2020},
    )
    return rates, project_population(rates)


def born(rates: xr.Dataset, projection: xr.Dataset, years: int) -> tuple[xr.DataArray, xr.DataArray]:
    """Births of the interval and their survival, by the age at its end."""
    last = 2020 + years
    births = xr.concat([projection.births.sel(year=last - age, drop=True) for age in range(years)], "age")
    alive = []
    for age in range(years):
        ratio = rates.sx.sel(year=last - age, age=0, drop=True)
        for later in range(1, age + 1):
            ratio = ratio * rates.sx.sel(year=last - age + later, age=later, drop=True)
        alive.append(ratio)
    ages = {"age": np.arange(years)}
    return births.assign_coords(ages), xr.concat(alive, "age").assign_coords(ages)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), years=st.sampled_from([1, 5, 10]))
def test_forward_gives_back_who_came_on_the_last_day(seed: int, years: int) -> None:
    rates, projection = projected(seed, years, moving=[2020 + years])
    first, last = projection.population.isel(year=0, drop=True), projection.population.isel(year=-1, drop=True)
    births, alive = born(rates, projection, years)
    survival = cohort_survival(rates.sx, years)
    found = residual_migration(first, last, survival, years, births, alive, method="forward")
    planted = projection.net_migration.sel(year=2020 + years, drop=True)  # no more leave than there are
    np.testing.assert_allclose(found.net_migration.values, planted.transpose("county", "sex", "age").values, atol=1e-7)
    without = residual_migration(first, last, survival, years, method="forward")
    assert without.age.values.tolist() == list(range(years, 101))
    xr.testing.assert_allclose(without.net_migration, found.net_migration.sel(age=slice(years, None)), rtol=1e-12)


def test_reverse_gives_back_who_came_on_the_first_day() -> None:
    """Those who come at once bear all the risk: the survivors of (people + migrants) are found at the second count."""
    rates, projection = projected(5, 10, moving=[])
    first = projection.population.isel(year=0, drop=True)
    migrants = xr.DataArray(np.random.default_rng(6).uniform(-300, 300, (2, 2, 101)), coords=first.coords)
    moved = rates.assign(baseline=first + migrants)
    last = project_population(moved).population.isel(year=-1, drop=True)
    survival = cohort_survival(rates.sx, 10)
    found = residual_migration(first, last, survival, 10, method="reverse").net_migration
    inside = found.sel(age=slice(10, 99))
    np.testing.assert_allclose(inside.values, migrants.values[..., :90], atol=1e-6)
    both = [residual_migration(first, last, survival, 10, method=name).net_migration for name in ("forward", "average")]
    xr.testing.assert_allclose(both[1], (both[0] + found) / 2)
    assert bool((abs(both[0]) <= abs(found) + 1e-9).all())


def test_rates_are_a_year_and_over_the_mean_of_the_cohort() -> None:
    rates, projection = projected(8, 5, moving=[2023])
    first, last = projection.population.isel(year=0, drop=True), projection.population.isel(year=-1, drop=True)
    found = residual_migration(first, last, cohort_survival(rates.sx, 5), 5)
    cohort = (first.sel(age=30, drop=True) + last.sel(age=35, drop=True)) / 2
    expected = found.net_migration.sel(age=35, drop=True) / 5 / cohort
    xr.testing.assert_allclose(found.rate.sel(age=35, drop=True), expected)
    assert found.rate.attrs["units"] == "per person-year"


def test_groups_of_five_years() -> None:
    """A closed stationary population by five-year groups has no residual; planted persons are found."""
    mx = xr.DataArray(0.0001 * np.exp(0.09 * AGES), dims="age", coords={"age": AGES})
    table = life_table(xr.concat([mx, 1.3 * mx], "sex").assign_coords(sex=["female", "male"]))
    steps = grouped_survivorship(table)
    lived = table.Tx.sel(age=steps.age)
    people = 1000 * (lived - lived.shift(age=-1, fill_value=0.0))
    births = xr.full_like(people.sel(age=[0, 5]), 5000.0)
    newborn = steps.sel(age=0, drop=True)
    alive = xr.concat([newborn, newborn * steps.sel(age=5, drop=True)], "age").assign_coords(age=[0, 5])
    after = people + xr.where(people.age == 25, 77.0, 0.0)
    alive = alive.transpose("sex", "age")
    survival = cohort_survival(steps, 10)
    net = residual_migration(people, after, survival, 10, births, alive, "forward").net_migration
    np.testing.assert_allclose(net.sel(age=25).values, 77.0, rtol=1e-9)
    np.testing.assert_allclose(net.drop_sel(age=25).values, 0.0, atol=1e-7)


def test_survivors_of_the_oldest_are_collected() -> None:
    people = xr.DataArray([[1.0, 2.0, 4.0, 8.0]], dims=("sex", "age"), coords={"sex": ["male"], "age": range(4)})
    older = expected_survivors(people, xr.full_like(people, 0.5), 2)
    assert older.age.values.tolist() == [2, 3]
    assert older.values.tolist() == [[0.5, 7.0]]


def test_what_does_not_fit_is_refused() -> None:
    people = xr.DataArray(np.ones((2, 101)), dims=("sex", "age"), coords=BOTH)
    with pytest.raises(ValueError, match="average, forward, reverse"):
        residual_migration(people, people, people, 5, method="backward")
    with pytest.raises(ValueError, match="belong together"):
        residual_migration(people, people, people, 5, births=people)
    with pytest.raises(ValueError, match="must be given for the ages"):
        residual_migration(people, people, people, 5, births=people, birth_survival=people)
    with pytest.raises(ValueError, match="whole number of steps"):
        residual_migration(people.sel(age=range(0, 101, 5)), people, people.sel(age=range(0, 101, 5)), 7)
    with pytest.raises(ValueError, match="cannot be brought back"):
        residual_migration(people, people, 0 * people, 5)
    with pytest.raises(ValueError, match="are needed, there are 1"):
        cohort_survival(people.expand_dims(year=[2020]), 5)


@pytest.mark.reference
def test_the_printed_net_migrants_of_a_swedish_year(reference: Path) -> None:
    """Statistics Sweden's deaths are by cohort, so survival by them gives its own net migrants, to the person."""
    rows = pd.read_parquet(reference / "sweden_counties" / "population_deaths_migration.parquet")
    rows = rows[rows.year.isin([1999, 2000])]
    cube = rows.set_index(["region", "year", "sex", "age"]).to_xarray().rename(region="county")
    cube = cube.assign_coords(sex=["male", "female"])
    people, deaths = cube["pop"].astype(float), cube.deaths.sel(year=2000, drop=True)
    first, last = people.sel(year=1999, drop=True), people.sel(year=2000, drop=True)
    entering = expected_survivors(first, xr.ones_like(first), 1)
    ratio = (1 - deaths.sel(age=slice(1, None)) / entering.where(entering > 0)).fillna(1.0)
    by_start = np.concatenate([ratio.values, ratio.values[..., -1:]], axis=-1)  # the oldest two share a ratio
    found = residual_migration(first, last, first.copy(data=by_start), 1, method="forward").net_migration
    printed = cube.net_migrants.sel(year=2000, drop=True).sel(age=found.age)
    np.testing.assert_allclose(found.values, printed.transpose("county", "sex", "age").values, atol=1e-8)


def test_the_examples_run() -> None:
    assert doctest.testmod(residual).failed == 0
