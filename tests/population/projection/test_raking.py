"""Control totals: met to the last digit, nothing else moved, contradictions told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.errors import InputRefused
from forecast.population import check_balance, life_table, project_population
from forecast.population.projection.raking import rake_rates

AGES, YEARS, COUNTIES = np.arange(101), [2021, 2022, 2023], ["a", "b", "c"]
AREAS = {"city": ["a", "b", "c"], "north": ["a", "b"]}


def rates(gross: bool = False) -> xr.Dataset:
    draw = np.random.default_rng(2)
    coords = {"county": COUNTIES, "year": YEARS, "sex": ["female", "male"], "age": AGES}
    mx = xr.DataArray(0.0002 * np.exp(0.08 * AGES), dims="age", coords={"age": AGES})
    sx = life_table(xr.concat([mx, 1.3 * mx], "sex").assign_coords(sex=["female", "male"])).sx
    shape = (3, 3, 2, 101)
    young = np.exp(-(((AGES - 25) / 8.0) ** 2))
    migration: dict[str, object] = {
        "net_migration": (("county", "year", "sex", "age"), draw.uniform(-60, 60, shape) * young)
    }
    if gross:
        migration = {
            "out_rate": (("year", "sex", "age"), np.stack([[0.02 * young, 0.03 * young]] * 3)),
            "in_migration": (("county", "year", "sex", "age"), draw.uniform(20, 60, shape) * young),
        }
    return xr.Dataset(
        {
            "baseline": (("county", "sex", "age"), draw.uniform(500, 2000, (3, 2, 101)) * np.exp(-AGES / 60)),
            "sx": sx,
            "asfr": xr.where((mx.age >= 20) & (mx.age < 40), 0.06, 0.0),
            "srb": xr.DataArray(1.08),
            **migration,
        },
        coords=coords,
        attrs={"jump_off_year": 2020},
    ).assign(
        sx=lambda data: data.sx.expand_dims(year=YEARS),
        asfr=lambda data: data.asfr.expand_dims(year=YEARS),
        srb=lambda data: data.srb.expand_dims(year=YEARS),
    )


def table(*rows: tuple[str, int, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["area", "year", "component", "persons"])


def total(projection: xr.Dataset, component: str, year: int, counties: list[str]) -> float:
    return float(projection[component].sel(year=year, county=counties).sum())


@pytest.mark.parametrize("timing", ["end", "even", "even_nobirth", "mid"])
@pytest.mark.parametrize("gross", [False, True])
def test_every_component_is_met(timing: str, gross: bool) -> None:
    given = rates(gross)
    plain = project_population(given, timing)
    asked = table(
        ("city", 2021, "births", 1.1 * total(plain, "births", 2021, COUNTIES)),
        ("city", 2021, "deaths", 0.9 * total(plain, "deaths", 2021, COUNTIES)),
        ("city", 2021, "net_migration", total(plain, "net_migration", 2021, COUNTIES) - 500),
        ("city", 2022, "population", 1.01 * total(plain, "population", 2022, COUNTIES)),
        ("a", 2023, "births", 1.3 * total(plain, "births", 2023, ["a"])),
    )
    raked = rake_rates(given, asked, AREAS, timing)
    projection = project_population(raked.rates, timing)
    check_balance(projection)
    members = {**AREAS, "a": ["a"]}
    for row in asked.itertuples():
        found = total(projection, row.component, row.year, members[row.area])
        assert found == pytest.approx(row.persons, rel=1e-8)
    np.testing.assert_allclose(raked.residuals.after, asked.persons, rtol=1e-8)
    np.testing.assert_allclose(raked.residuals.before[0], asked.persons[0] / 1.1, rtol=1e-12)
    assert list(raked.residuals) == ["area", "year", "component", "target", "before", "after"]


def test_rates_that_meet_their_totals_are_left_alone() -> None:
    given = rates()
    plain = project_population(given)
    asked = table(*(("city", y, "deaths", total(plain, "deaths", y, COUNTIES)) for y in YEARS))
    raked = rake_rates(given, asked, AREAS).rates
    for name in ("asfr", "sx", "net_migration"):
        np.testing.assert_array_equal(
            raked[name].values, given[name].broadcast_like(raked[name]).transpose(*raked[name].dims)
        )
    assert raked.attrs["raked"]


def test_what_is_not_controlled_does_not_move() -> None:
    given = rates()
    plain = project_population(given)
    raked = rake_rates(given, table(("a", 2022, "births", 2 * total(plain, "births", 2022, ["a"]))), AREAS)
    projection = project_population(raked.rates)
    xr.testing.assert_allclose(projection.population.sel(county=["b", "c"]), plain.population.sel(county=["b", "c"]))
    np.testing.assert_allclose(raked.rates.asfr.sel(county="a", year=2022), 2 * given.asfr.sel(year=2022), rtol=1e-9)
    xr.testing.assert_allclose(raked.rates.net_migration, given.net_migration)


def test_planted_levels_are_found() -> None:
    """Totals of a projection with other levels bring those levels back: births x 0.8, force of mortality x 1.25."""
    given = rates()
    truth = given.assign(asfr=0.8 * given.asfr, sx=given.sx**1.25)
    goal = project_population(truth)
    asked = [("city", y, c, total(goal, c, y, COUNTIES)) for y in YEARS for c in ("births", "deaths")]
    raked = rake_rates(given, table(*asked), AREAS).rates
    np.testing.assert_allclose(raked.asfr.sel(county="b").values, truth.asfr.values, rtol=1e-7)
    np.testing.assert_allclose(raked.sx.sel(county="b").values, truth.sx.values, rtol=1e-7)


def test_a_smaller_area_rules_its_counties_and_the_larger_one_the_rest() -> None:
    given = rates()
    plain = project_population(given)
    whole = 1.05 * total(plain, "population", 2021, COUNTIES)
    own = {
        "a": 0.97 * total(plain, "population", 2021, ["a"]),
        "north": 1.2 * total(plain, "population", 2021, ["a", "b"]),
    }
    asked = table(("city", 2021, "population", whole), *((k, 2021, "population", v) for k, v in own.items()))
    projection = project_population(rake_rates(given, asked, AREAS).rates)
    assert total(projection, "population", 2021, COUNTIES) == pytest.approx(whole, rel=1e-8)
    assert total(projection, "population", 2021, ["a"]) == pytest.approx(own["a"], rel=1e-8)
    assert total(projection, "population", 2021, ["a", "b"]) == pytest.approx(own["north"], rel=1e-8)


def test_population_goes_before_net_migration_and_a_full_set_before_its_sum() -> None:
    """What cannot both be met is reported, not mixed."""
    given = rates()
    plain = project_population(given)
    people = {county: 1.02 * total(plain, "population", 2021, [county]) for county in COUNTIES}
    asked = table(
        *((county, 2021, "population", value) for county, value in people.items()),
        ("city", 2021, "population", 9.0 * sum(people.values())),
        ("a", 2021, "net_migration", 5.0),
    )
    residuals = rake_rates(given, asked, AREAS).residuals.set_index(["area", "component"])
    np.testing.assert_allclose(residuals.after[:3], residuals.target[:3], rtol=1e-8)
    assert residuals.after["city", "population"] == pytest.approx(sum(people.values()), rel=1e-8)
    assert abs(residuals.after["a", "net_migration"] - 5.0) > 1


def test_migration_falls_on_the_mobile_ages() -> None:
    given = rates()
    plain = project_population(given)
    asked = table(("a", 2021, "net_migration", total(plain, "net_migration", 2021, ["a"]) + 300))
    change = rake_rates(given, asked, AREAS).rates.net_migration - given.net_migration
    expected = abs(given.net_migration.sel(county="a", year=2021))
    np.testing.assert_allclose(change.sel(county="a", year=2021), 300 * expected / expected.sum(), atol=1e-6)
    still = given.assign(net_migration=0 * given.net_migration)
    with pytest.raises(ValueError, match="give the mobility"):
        rake_rates(still, asked, AREAS)
    moved = rake_rates(still, asked, AREAS, mobility=given.baseline).rates.net_migration.sel(county="a", year=2021)
    assert float(moved.sum()) == pytest.approx(float(asked.persons[0]))


def test_faults_are_told_all_at_once() -> None:
    given = rates()
    wrong = table(("x", 2021, "births", 1.0), ("a", 1999, "births", -1.0), ("a", 2021, "weddings", 1.0))
    wrong = pd.concat([wrong, table(("b", 2021, "births", 9.0), ("b", 2021, "births", 9.0))])
    with pytest.raises(InputRefused) as caught:
        rake_rates(given, wrong, AREAS)
    assert [one.code for one in caught.value.issues] == ["E662", "E662", "E662", "E664"]
    assert caught.value.issues[1].values["wrong"] == "year, persons"
    with pytest.raises(InputRefused) as caught:
        rake_rates(given, table(("a", 2021, "deaths", 1e9)), AREAS)
    assert caught.value.issues[0].code == "E663"
    with pytest.raises(InputRefused) as caught:
        rake_rates(rates(gross=True), table(("a", 2021, "net_migration", -1e5)), AREAS)
    assert caught.value.issues[0].code == "E663"


def test_other_forms_of_rates_are_refused() -> None:
    given = rates()
    asked = table(("a", 2021, "births", 1.0))
    with pytest.raises(ValueError, match="no trajectories"):
        rake_rates(given.expand_dims(trajectory=2), asked, AREAS)
    with pytest.raises(ValueError, match="dimension county"):
        rake_rates(given.isel(county=0, drop=True), asked, AREAS)
    with pytest.raises(ValueError, match="net_migration"):
        rake_rates(given.rename(net_migration="net_migration_rate"), asked, AREAS)
