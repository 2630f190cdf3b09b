"""The projection against a slow twin, and identities that hold for any input."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import InputRefused, UsageError
from forecast.population import check_balance, project_population
from forecast.population.projection.conventions import TIMINGS
from forecast.population.projection.project import balance_residual
from tests import oracle

AGES = 8  # a short life is as good a test as a long one


def random_rates(seed: int, counties: int = 3, years: int = 6, ages: int = AGES, migration: float = 30.0) -> xr.Dataset:
    """Rates in the shapes that `project_population` takes; net migration is large enough that some cells must be clipped."""
    rng = np.random.default_rng(seed)
    codes = [f"c{i}" for i in range(counties)]
    time = list(range(2021, 2021 + years))
    asfr = rng.uniform(0, 0.2, (counties, years, ages))
    asfr[..., [0, 1, -2, -1]] = 0.0
    dims = ("county", "year", "sex", "age")
    return xr.Dataset(
        {
            "baseline": (("county", "sex", "age"), rng.uniform(0, 100, (counties, 2, ages))),
            "sx": (dims, rng.uniform(0.5, 1.0, (counties, years, 2, ages))),
            "asfr": (("county", "year", "age"), asfr),
            "srb": (("county", "year"), rng.uniform(1.0, 1.2, (counties, years))),
            "net_migration": (dims, rng.normal(0, migration, (counties, years, 2, ages))),
        },
        coords={"county": codes, "year": time, "sex": ["female", "male"], "age": list(range(ages))},
        attrs={"jump_off_year": 2020},
    )


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("migration", [0.0, 5.0, 60.0])
def test_equals_the_slow_twin(timing: str, migration: float) -> None:
    rates = random_rates(1, migration=migration)
    found = project_population(rates, timing)
    for county in rates.county.values:
        one = rates.sel(county=county)
        args = [one[name].values.tolist() for name in ("baseline", "sx", "asfr", "srb", "net_migration")]
        people, births = oracle.project(*args, timing)
        np.testing.assert_allclose(found.population.sel(county=county), people, rtol=1e-12, atol=1e-9)
        np.testing.assert_allclose(found.births.sel(county=county).isel(year=slice(1, None)), births, rtol=1e-12)


def test_python_and_compiled_kernel_agree() -> None:
    """`.py_func` of the leaf, which checks every bound, gives the compiled result: no hidden out-of-range read."""
    from forecast.population.projection import kernel

    rates = random_rates(2).isel(county=0, year=0)
    for sex in range(2):
        for shares in ((0.0, 0.0, 1.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5)):
            compiled, plain = np.zeros(AGES), np.zeros(AGES)
            args = (rates.baseline.values[sex], rates.sx.values[sex], rates.net_migration.values[sex], *shares)
            kernel.ages_on(*args, compiled)
            kernel.ages_on.py_func(*args, plain)
            np.testing.assert_allclose(compiled, plain, rtol=1e-14)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), migration=st.sampled_from([0.0, 1.0, 50.0]), timing=st.sampled_from(list(TIMINGS))
)
def test_every_cell_balances(seed: int, migration: float, timing: str) -> None:
    projection = project_population(random_rates(seed, migration=migration), timing)
    check_balance(projection, rtol=1e-12)
    assert float(projection.population.min()) >= 0
    assert float(projection.clipped.min()) >= 0


def test_clipping_is_counted_and_lowers_the_migration_realised() -> None:
    rates = random_rates(3, migration=0.0)
    rates["net_migration"] = xr.full_like(rates.net_migration, -1000.0)
    found = project_population(rates, "end").isel(year=slice(1, None))
    assert float(found.population.sum()) == 0
    realised = found.net_migration - (-1000.0)
    xr.testing.assert_allclose(realised, found.clipped.transpose(*realised.dims))
    assert float(found.clipped.sum()) > 0


def test_balance_check_names_the_worst_cell() -> None:
    projection = project_population(random_rates(4))
    broken = projection.copy(deep=True)
    broken.population.loc[{"county": "c1", "year": 2023, "sex": "male", "age": 4}] += 5.0
    with pytest.raises(InputRefused, match="county c1, year 2023, sex male, age 4"):
        check_balance(broken)
    broken.population.loc[{"county": "c1", "year": 2023, "sex": "male", "age": 4}] = np.nan
    with pytest.raises(InputRefused, match="E606"):
        check_balance(broken)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_closed_population_changes_by_births_less_deaths(seed: int) -> None:
    found = project_population(random_rates(seed, migration=0.0))
    total = found.population.sum(["sex", "age"])
    change = total.diff("year")
    flows = found.births.sum("sex") - found.deaths.sum(["sex", "age"])
    np.testing.assert_allclose(change, flows.isel(year=slice(1, None)), rtol=1e-10, atol=1e-8)
    assert float(found.net_migration.isel(year=slice(1, None)).max()) == 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), order=st.permutations(["c0", "c1", "c2"]))
def test_order_of_counties_does_not_matter(seed: int, order: list[str]) -> None:
    rates = random_rates(seed)
    xr.testing.assert_identical(
        project_population(rates).sel(county=order).drop_attrs(),
        project_population(rates.sel(county=order)).drop_attrs(),
    )


def test_twice_the_people_give_twice_the_people() -> None:
    rates = random_rates(5, migration=0.0)
    twice = rates.assign(baseline=2 * rates.baseline)
    xr.testing.assert_allclose(2 * project_population(rates).population, project_population(twice).population)


def test_shared_rates_and_trajectories() -> None:
    """A variable without county is shared by all; trajectories are independent copies of the whole."""
    rates = random_rates(6)
    shared = rates.assign(sx=rates.sx.isel(county=0, drop=True))
    repeated = rates.assign(sx=shared.sx.expand_dims(county=rates.county))
    xr.testing.assert_identical(project_population(shared), project_population(repeated))
    level = xr.DataArray([0.5, 1.0, 2.0], dims="trajectory", coords={"trajectory": [0, 1, 2]})
    many = project_population(rates.assign(net_migration=rates.net_migration * level))
    assert many.population.dims == ("trajectory", "county", "year", "sex", "age")
    for k, factor in enumerate(level.values):
        alone = project_population(rates.assign(net_migration=rates.net_migration * factor))
        np.testing.assert_allclose(many.population.isel(trajectory=k), alone.population, rtol=1e-13)
    assert float(abs(balance_residual(many)).max()) < 1e-9


def test_flows_at_the_jump_off_year_are_missing() -> None:
    found = project_population(random_rates(7))
    assert bool(found.births.sel(year=2020).isnull().all())
    assert bool(found.deaths.sel(year=2020).isnull().all())
    assert found.attrs["jump_off_year"] == 2020


def test_nothing_is_filled_in_silently() -> None:
    rates = random_rates(8)
    with pytest.raises(InputRefused, match="srb"):
        project_population(rates.drop_vars("srb"))
    with pytest.raises(InputRefused, match="2023"):
        project_population(rates.drop_sel(year=2023))
    with pytest.raises(InputRefused, match="age 3"):
        project_population(rates.drop_sel(age=3))
    with pytest.raises(InputRefused, match="male"):
        project_population(rates.drop_sel(sex="male"))
    with pytest.raises(InputRefused, match="sx has 1 cells"):
        broken = rates.copy(deep=True)
        broken.sx.loc[{"county": "c1", "year": 2022, "sex": "male", "age": 2}] = np.nan
        project_population(broken)
    with pytest.raises(InputRefused, match="asfr has"):
        project_population(rates.assign(asfr=rates.asfr * 1000))
    with pytest.raises(UsageError, match="middle"):
        project_population(rates, "middle")


@pytest.mark.parametrize("age", [0, 1])
def test_nobody_gives_birth_as_a_baby(age: int) -> None:
    """Ages that have slipped must not read the open age group as mothers."""
    rates = random_rates(1)
    slipped = rates.assign(asfr=rates.asfr.where(rates.age != age, 0.1))
    with pytest.raises(InputRefused) as refused:
        project_population(slipped)
    assert [issue.code for issue in refused.value.issues] == ["E614"]
