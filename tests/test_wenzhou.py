"""The embedded region: what was published is met, and the wave is where the published record puts it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.basics.ages import age_bounds
from forecast.demand import estimate_demand, read_models
from forecast.population import check_balance, estimate_past, people_over_time, project_population, vital_rates
from forecast.population.past.census import count_of
from forecast.region import Region, read_region
from forecast.scenario import read_scenario
from forecast.waves import find_waves
from studies.accuracy import seniors, whole_ratios

STAGES = ["kindergarten", "primary_school", "junior_school", "senior_school"]


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region("wenzhou")


@pytest.fixture(scope="module")
def pasts(region: Region) -> dict[str, xr.Dataset]:
    return {split: estimate_past(region, split) for split in ("births", "spline")}


@pytest.fixture(scope="module")
def past(pasts: dict[str, xr.Dataset]) -> xr.Dataset:
    return pasts["births"]


def time_line(region: Region, past: xr.Dataset, **overrides: object) -> xr.Dataset:
    scenario = read_scenario("baseline", overrides)
    projection = project_population(vital_rates(region, scenario, past))
    check_balance(projection)
    population = xr.concat([past.population, projection.population.isel(year=slice(1, None))], "year")
    return xr.Dataset({"population": population}, attrs={"jump_off_year": region.jump_off_year})


@pytest.mark.parametrize("split", ["births", "spline"])
@pytest.mark.parametrize(("year", "total"), [(2010, 9_122_102), (2020, 9_572_903)])
def test_census_is_reproduced(region: Region, split: str, year: int, total: int) -> None:
    single = count_of(region, year, split).on_the_day
    assert float(single.sum()) == pytest.approx(total, abs=1e-3)
    table = region.table("population")
    for row in table[(table.year == year) & (table.county == "330302")].itertuples():
        found = float(single.sel(unit="330302", sex=row.sex, age=slice(*age_bounds(row.age_group))).sum())
        assert found == pytest.approx(row.persons, abs=1e-6), row


def test_published_totals_are_met(region: Region, past: xr.Dataset) -> None:
    """Typed from the communiques: residents of 2021 and 2023 by county, births and deaths of the city."""
    city = past[["population", "births", "deaths"]].sum(["county"])
    people = city.population.sum(["sex", "age"])
    for year, residents in {2020: 9_587_000, 2021: 9_645_000, 2022: 9_679_000, 2023: 9_761_000}.items():
        assert float(people.sel(year=year)) == pytest.approx(residents, rel=1e-6)
    assert float(city.births.sum("sex").sel(year=2021)) == pytest.approx(65_000, rel=1e-6)
    assert float(city.births.sum("sex").sel(year=2023)) == pytest.approx(52_500, rel=1e-6)
    assert float(city.deaths.sum(["sex", "age"]).sel(year=2023)) == pytest.approx(62_200, rel=1e-6)
    assert float(city.births.sum("sex").sel(year=2022)) == pytest.approx(0.006 * (9_645_000 + 9_679_000) / 2, rel=1e-6)
    by_county = past.population.sum(["sex", "age"])
    assert float(by_county.sel(county="330302", year=2023)) == pytest.approx(1_209_400, rel=1e-3)
    assert float(by_county.sel(county="330305", year=2021)) == pytest.approx(150_300, rel=1e-3)


def test_the_past_balances(past: xr.Dataset) -> None:
    known = past[["population", "births", "deaths", "net_migration"]].sel(year=slice(2020, None))
    check_balance(known)


def test_rolls_of_other_years_follow_from_the_ratios_of_2020(region: Region, past: xr.Dataset) -> None:
    ratios = whole_ratios(region, past)
    error = ratios[[2020]].to_numpy() / ratios - 1  # predicted over observed, less 1
    assert abs(error.loc[["primary_school", "junior_school"], [2021, 2022]]).to_numpy().max() < 0.03


def test_seniors_follow_from_juniors_three_years_before(region: Region, past: xr.Dataset) -> None:
    """With the senior rolls of 2022 hidden, the passage of 2021 (from the juniors of 2018) gives them."""
    (year, guess, truth, _) = list(seniors(region, past))[-1]
    assert year == "2022"
    assert float(guess.replace(",", "")) == pytest.approx(float(truth.replace(",", "")), rel=0.01)


@pytest.mark.parametrize("migration", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("fertility", [0.8, 1.0])
@pytest.mark.parametrize("split", ["births", "spline"])
def test_city_crests_come_one_after_the_other(
    region: Region, pasts: dict[str, xr.Dataset], split: str, migration: float, fertility: float
) -> None:
    people = time_line(region, pasts[split], **{"migration.level": migration, "fertility.level": fertility})
    demand = estimate_demand(people, {stage: read_models()[stage] for stage in STAGES}, region).demand
    city = demand.sum("county").expand_dims(county=["330300"])
    waves = find_waves(city.sel(year=slice(2024, None)), city.sel(year=slice(None, 2023)))
    crests = waves[(waves.turn == "crest") & ~waves.at_edge.astype(bool)].set_index("service").peak_year
    assert [int(crests[stage]) for stage in STAGES[1:]] == [2023, 2026, 2029]
    assert int(crests["kindergarten"]) in (2016, 2017)  # before the first roll that was counted


def test_most_kindergarten_children_of_the_fall_are_born(region: Region, past: xr.Dataset) -> None:
    """What the first screen says: about two fifths fewer within a few years of the last observed roll."""
    people = time_line(region, past)
    demand = estimate_demand(people, read_models(), region)
    city = demand.demand.sum("county").sel(service="kindergarten")
    fall = 1 - float(city.sel(year=2026) / city.sel(year=2020))
    assert 0.33 < fall < 0.47
    assert int(demand.born_until.sel(service="kindergarten")) == 2026


def test_scenario_levels_move_the_total_additively(region: Region, past: xr.Dataset) -> None:
    """Twice the expected total is reached by adding, so in no county one age gains by it and another loses."""
    zero, one, twice = (
        rates.net_migration - rates.turnover
        for level in (0, 1, 2)
        for rates in [vital_rates(region, read_scenario("baseline", {"migration.level": level}), past)]
    )
    total = (twice - zero).sum(["sex", "age"])
    np.testing.assert_allclose(total, 2 * one.sum(["sex", "age"]), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(zero.sum(["sex", "age"]), 0.0, atol=1e-6)
    assert bool(((twice - zero) * np.sign(total) >= -1e-9).all())


def test_students_are_found_where_they_study_and_nowhere_else(past: xr.Dataset) -> None:
    """Ouhai has the university town of Chashan, Dongtou a campus on Lingkun."""
    inside = past.institutions.sel(year=2020).sum(["sex", "age"])
    assert sorted(inside.county.values[inside > 0]) == ["330304", "330305"]
    assert 30_000 < float(inside.sel(county="330304")) < 80_000
    assert 5_000 < float(inside.sel(county="330305")) < 10_000


def test_those_of_15_to_17_are_the_children_of_three_years_before_and_their_migration(
    region: Region, past: xr.Dataset
) -> None:
    people = people_over_time(past, vital_rates(region, read_scenario("baseline"), past))
    moved = people.net_migration.sum("sex")
    for year in (2024, 2030, 2040):
        younger = people.population.sel(year=year - 3, age=slice(12, 14)).sum(["sex", "age"])
        came = sum(moved.sel(year=year - 2 + k, age=slice(13 + k, 15 + k)).sum("age") for k in range(3))
        now = people.population.sel(year=year, age=slice(15, 17)).sum(["sex", "age"])
        np.testing.assert_allclose(now / (younger + came), 1, atol=0.01)


def test_births_rise_with_the_women_and_no_more(region: Region, past: xr.Dataset) -> None:
    people = people_over_time(past, vital_rates(region, read_scenario("baseline"), past))
    births = people.births.sum("sex")
    women = people.population.sel(sex="female", age=slice(20, 34)).sum("age")
    rise, of_women = (one.sel(year=2035) / one.sel(year=2023) for one in (births, women))
    assert bool((rise <= np.maximum(of_women, 1)).all()), (rise.values, of_women.values)


def test_dongtou_has_no_more_seniors_than_its_schools_hold(region: Region, past: xr.Dataset) -> None:
    """All pupils of its complete secondary school, juniors among them, and of its vocational schools in 2022."""
    table = region.table("schools")
    own = table[(table.county == "330305") & (table.year == 2022)].set_index("item").value
    most = float(own["complete_secondary_enrolment"] + own["vocational_enrolment"])
    demand = estimate_demand(time_line(region, past), read_models(), region).demand
    assert float(demand.sel(county="330305", service="senior_school", year=2022)) <= most
