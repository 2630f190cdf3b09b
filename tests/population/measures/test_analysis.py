"""The projection as a matrix, what rates lead to in the long run, and measures of a population."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from forecast.population import life_table, project_population
from forecast.population.measures import analysis
from forecast.population.measures.analysis import (
    crude_rates,
    dependency_ratios,
    leslie_matrix,
    median_age,
    migration_matrix,
    stable_population,
    step_by_matrix,
)

AGES, YEARS = np.arange(101), [2021, 2022, 2023]
BOTH = {"sex": ["female", "male"], "age": AGES}


def random_rates(seed: int) -> xr.Dataset:
    """Two counties, three years, every rate drawn; so many people that no cell is clipped."""
    draw = np.random.default_rng(seed)
    shape = (2, 3, 2, 101)
    full = {"county": ["a", "b"], "year": YEARS, **BOTH}
    asfr = np.zeros((2, 3, 101))
    asfr[..., 12:55] = draw.uniform(0, 0.2, (2, 3, 43))
    return xr.Dataset(
        {
            "baseline": (("county", "sex", "age"), draw.uniform(5e3, 1e4, (2, 2, 101))),
            "sx": (("county", "year", "sex", "age"), draw.uniform(0.6, 1.0, shape)),
            "asfr": (("county", "year", "age"), asfr),
            "srb": (("county", "year"), draw.uniform(0.9, 1.2, (2, 3))),
            "net_migration": (("county", "year", "sex", "age"), draw.uniform(-500, 500, shape)),
        },
        coords=full,
        attrs={"jump_off_year": 2020},
    )


@given(seed=st.integers(0, 2**32 - 1), timing=st.sampled_from(["end", "even", "even_nobirth", "mid"]))
def test_the_matrix_is_the_loop(seed: int, timing: str) -> None:
    rates = random_rates(seed)
    projection = project_population(rates, timing)
    assert float(projection.clipped.sum()) == 0  # the matrix knows no floor
    people = rates.baseline
    for year in YEARS:
        now = rates.sel(year=year, drop=True)
        vital = (now.sx, now.asfr, now.srb)
        people = step_by_matrix(people, leslie_matrix(*vital), now.net_migration, migration_matrix(*vital, timing))
        expected = projection.population.sel(year=year)
        np.testing.assert_allclose(people.values, expected.transpose("county", "sex", "age").values, rtol=1e-12)


def test_migrants_who_arrive_at_the_end_add_themselves() -> None:
    now = random_rates(1).isel(year=0, county=0, drop=True)
    arrivals = migration_matrix(now.sx, now.asfr, now.srb, "end")
    np.testing.assert_array_equal(arrivals.values.reshape(202, 202), np.eye(202))
    with pytest.raises(ValueError, match="even_nobirth"):
        migration_matrix(now.sx, now.asfr, now.srb, "start")


def vital(level: float) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    mx = xr.DataArray(0.0001 * np.exp(0.085 * AGES), dims="age", coords={"age": AGES})
    sx = life_table(xr.concat([mx, 1.2 * mx], "sex").assign_coords(sex=["female", "male"])).sx
    asfr = xr.where((mx.age >= 15) & (mx.age < 50), np.exp(-(((mx.age - 28) / 6) ** 2) / 2), 0.0)
    return sx, level * asfr / asfr.sum(), xr.DataArray(1.06)


@pytest.mark.parametrize("level", [1.1, 2.1, 5.0])
def test_the_stable_population_grows_by_r_and_stays_itself(level: float) -> None:
    sx, asfr, srb = vital(level)
    stable = stable_population(sx, asfr, srb)
    assert float(stable.share.sum()) == pytest.approx(1.0, rel=1e-12)
    rates = xr.Dataset(
        {
            "baseline": 1e6 * stable.share,
            "sx": sx.expand_dims(year=YEARS),
            "asfr": asfr.expand_dims(year=YEARS),
            "srb": srb.expand_dims(year=YEARS),
            "net_migration": xr.zeros_like(sx).expand_dims(year=YEARS),
        },
        attrs={"jump_off_year": 2020},
    )
    people = project_population(rates).population
    for step in range(1, 4):
        grown = people.isel(year=step) / people.isel(year=0)
        np.testing.assert_allclose(grown.values, np.exp(step * float(stable.growth)), rtol=1e-9)


@pytest.mark.parametrize("level", [1.1, 2.1, 5.0])
def test_r_solves_lotkas_equation(level: float) -> None:
    """The sum over ages of daughters discounted by r is one; a year's births fall half in the year of an age's start."""
    sx, asfr, srb = vital(level)
    stable = stable_population(sx, asfr, srb)
    lived = np.cumprod(sx.sel(sex="female").values)
    daughters = asfr.values * lived / (1 + float(srb))

    def lotka(r: float) -> float:
        return float((daughters * (np.exp(-r * AGES) + np.exp(-r * (AGES + 1))) / 2).sum()) - 1

    assert float(stable.growth) == pytest.approx(brentq(lotka, -0.1, 0.1, xtol=1e-14), abs=1e-10)
    assert float(stable.net_reproduction) == pytest.approx(daughters.sum(), rel=1e-12)
    assert float(stable.generation_length) == pytest.approx(np.log(daughters.sum()) / float(stable.growth), rel=1e-9)
    assert abs(float(stable.generation_length) - float(stable.mean_age_at_birth)) < 1.5


def test_a_stationary_population_is_its_life_table() -> None:
    """Fertility scaled to R0 = 1: r is 0, shares are in proportion to L, and T is the mean age at birth."""
    sx, asfr, srb = vital(1.0)
    asfr = asfr / stable_population(sx, asfr, srb).net_reproduction
    stable = stable_population(sx, asfr, srb)
    assert float(stable.growth) == pytest.approx(0.0, abs=1e-12)
    women = stable.share.sel(sex="female").values
    np.testing.assert_allclose(women[1:100] / women[0], np.cumprod(sx.sel(sex="female").values[1:100]), rtol=1e-9)
    assert float(stable.generation_length) == pytest.approx(float(stable.mean_age_at_birth), rel=1e-9)
    assert float(stable.share.sel(age=0, sex="male") / stable.share.sel(age=0, sex="female")) == pytest.approx(
        1.06 * float(sx.sel(age=0, sex="male") / sx.sel(age=0, sex="female"))
    )


def test_without_births_there_is_none() -> None:
    sx, asfr, srb = vital(0.0)
    with pytest.raises(ValueError, match="nobody bears"):
        stable_population(sx, asfr, srb)


def test_dependency_by_hand() -> None:
    people = xr.DataArray(np.ones((2, 101)), dims=("sex", "age"), coords=BOTH)
    found = dependency_ratios(people)
    assert float(found.young) == pytest.approx(15 / 50)
    assert float(found.old) == pytest.approx(36 / 50)
    assert float(found.total) == pytest.approx(51 / 50)
    assert float(dependency_ratios(people, old=60).old) == pytest.approx(41 / 45)
    with pytest.raises(ValueError, match="limits"):
        dependency_ratios(people, old=120)
    with pytest.raises(ValueError, match="nobody"):
        dependency_ratios(people.where((people.age < 15) | (people.age > 64), 0.0))


def test_median_age_by_hand() -> None:
    people = xr.DataArray(np.ones((2, 100)), dims=("sex", "age"), coords={**BOTH, "age": np.arange(100)})
    assert float(median_age(people)) == pytest.approx(50.0)
    groups = xr.DataArray([10.0, 30.0, 10.0], dims="age", coords={"age": [0, 20, 60]})
    assert float(median_age(groups)) == pytest.approx(20 + 40 / 2)
    empty_middle = xr.DataArray([10.0, 0.0, 10.0, 0.0], dims="age", coords={"age": [0, 1, 2, 3]})
    assert 1.0 <= float(median_age(empty_middle)) <= 2.0
    with pytest.raises(ValueError, match="open group"):
        median_age(xr.DataArray([1.0, 5.0], dims="age", coords={"age": [0, 60]}))


def test_crude_rates_add_up_to_growth() -> None:
    projection = project_population(random_rates(7))
    found = crude_rates(projection)
    assert found.year.values.tolist() == YEARS
    natural = found.birth_rate - found.death_rate
    np.testing.assert_allclose((natural + found.net_migration_rate).values, found.growth_rate.values, atol=1e-12)
    first = projection.population.sel(year=[2020, 2021]).sum(["sex", "age"])
    expected = projection.births.sel(year=2021).sum("sex") / first.mean("year")
    np.testing.assert_allclose(found.birth_rate.sel(year=2021).values, expected.values, rtol=1e-12)


def test_the_examples_run() -> None:
    assert doctest.testmod(analysis).failed == 0
