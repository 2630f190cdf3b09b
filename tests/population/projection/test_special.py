"""Special populations: taken out, put back, never more than there are."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
import xarray as xr

from forecast.errors import InputRefused
from forecast.population import check_balance, life_table, project_population
from forecast.population.projection import special
from forecast.population.projection.special import special_of, with_special, without_special

AGES, YEARS = np.arange(101), [2021, 2022, 2023, 2024, 2025]
COORDS = {"county": ["a", "b"], "sex": ["female", "male"], "age": AGES}


def people(value: float = 1000.0) -> xr.DataArray:
    return xr.DataArray(np.full((2, 2, 101), value), dims=("county", "sex", "age"), coords=COORDS)


def students() -> xr.DataArray:
    halls = people(0.0)
    halls.loc[{"county": "a", "age": slice(18, 22)}] = 400.0
    return halls


def rates(baseline: xr.DataArray) -> xr.Dataset:
    mx = xr.DataArray(0.0002 * np.exp(0.08 * AGES), dims="age", coords={"age": AGES})
    sx = life_table(xr.concat([mx, 1.3 * mx], "sex").assign_coords(sex=["female", "male"])).sx
    asfr = xr.where((mx.age >= 25) & (mx.age < 35), 0.1, 0.0)
    years = {"year": YEARS}
    return xr.Dataset(
        {
            "baseline": baseline,
            "sx": sx.expand_dims(years),
            "asfr": asfr.expand_dims(years),
            "srb": ("year", np.full(5, 1.06)),
            "net_migration": xr.zeros_like(baseline).expand_dims(years),
        },
        coords=years,
        attrs={"jump_off_year": 2020},
    )


def test_a_university_town_keeps_its_students_and_does_not_age_them() -> None:
    others = without_special(people(), students())
    assert float(others.sel(county="a", age=20, sex="male")) == 600.0
    projection = project_population(rates(others))
    whole = with_special(projection, students())
    alone = whole.population - whole.special
    xr.testing.assert_allclose(alone, projection.population)
    check_balance(whole.assign(population=alone))
    np.testing.assert_allclose(whole.special.sel(county="a", age=20).values, 400.0)
    first = whole.population.sel(year=2020, drop=True)
    np.testing.assert_allclose(first.transpose("county", "sex", "age").values, people().values)
    aged = project_population(rates(people())).population.sel(county="a", year=2025, age=25)
    kept = whole.population.sel(county="a", year=2025, age=25)
    assert bool((kept < aged - 300).all())  # the students of 2020 have gone, others live in the halls
    assert bool((whole.deaths.fillna(0) == projection.deaths.fillna(0)).all())


def test_by_year_and_by_share() -> None:
    projection = project_population(rates(people()))
    ramp = students() * xr.DataArray([0.0, 1, 1, 1, 1, 2], dims="year", coords={"year": [2020, *YEARS]})
    assert float(with_special(projection, ramp).special.sel(year=2025).sum()) == 2 * float(students().sum())
    share = xr.where(AGES >= 85, 0.1, 0.0) * xr.ones_like(people().isel(county=0, drop=True))
    homes = special_of(share, projection)
    np.testing.assert_allclose(homes.sel(age=90).values, 0.1 * projection.population.sel(age=90).values)
    assert "special" in with_special(projection, homes)


def test_more_special_than_there_are_is_refused_by_cell() -> None:
    halls = students()
    halls.loc[{"county": "a", "sex": "male", "age": 20}] = 1001.0
    with pytest.raises(InputRefused) as caught:
        without_special(people(), halls)
    assert caught.value.issues[0].code == "E661"
    assert caught.value.issues[0].values == {"count": 1, "where": "county a, sex male, age 20"}
    with pytest.raises(InputRefused):
        without_special(people(), -students())
    with pytest.raises(InputRefused):
        without_special(people(), students().where(students() == 0))
    with pytest.raises(ValueError, match="exact"):
        without_special(people(), students().isel(county=[0]))
    with pytest.raises(ValueError, match="not be negative"):
        special_of(-people(), project_population(rates(people())))


def test_the_examples_run() -> None:
    assert doctest.testmod(special).failed == 0
