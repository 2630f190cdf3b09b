"""Levers on migration: totals are reached exactly, signs never turn, and what a region cannot take is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.basics.dims import AGES, SEXES
from forecast.basics.folders import folder
from forecast.errors import InputRefused
from forecast.population import check_balance, estimate_past, project_population, vital_rates
from forecast.population.future.levers import SCHEDULES, change_profile, gross_flows, net_migrants, shift_destinations
from forecast.population.past.migration import FADING, expected_net
from forecast.region import Region, read_region
from forecast.scenario import Migration, list_scenarios, read_scenario

YEARS = np.arange(2024, 2031)
COUNTIES = ["01", "02", "03"]
CELLS = ("sex", "age")


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region("wenzhou")


@pytest.fixture(scope="module")
def past(region: Region) -> xr.Dataset:
    return estimate_past(region)


def small_past(seed: int = 1) -> xr.Dataset:
    """What levers read of the past: three counties that gain, lose and do neither, with ages of both signs."""
    rng = np.random.default_rng(seed)
    shape, dims = (3, 2, len(AGES)), ("county", *CELLS)
    coords = {"county": COUNTIES, "sex": list(SEXES), "age": list(AGES)}
    population = xr.DataArray(
        rng.uniform(100, 900, (3, 1, 2, len(AGES))), dims=("county", "year", *CELLS), coords=coords
    )
    return xr.Dataset(
        {
            "population": population.assign_coords(year=[2023]),
            "migration_profile": (dims, rng.normal(0, 5, shape)),
            "migration_mobility": (dims, rng.uniform(0, 2, shape)),
            "migration_recent": ("county", [800.0, -300.0, 0.0]),
            "migration_lasting": ("county", [500.0, 100.0, 0.0]),
        },
        coords=coords,
    )


def small_flows(seed: int = 2, destinations: bool = True) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    dims = ("county", *CELLS)
    coords = {"county": COUNTIES, "sex": list(SEXES), "age": list(AGES)}
    flows = xr.Dataset(
        {
            "out_rate": (dims, rng.uniform(0, 0.1, (3, 2, len(AGES)))),
            "in_migration": (dims, rng.uniform(1, 20, (3, 2, len(AGES)))),
        },
        coords=coords,
    )
    if not destinations:
        return flows
    share = rng.uniform(0.1, 1, (3, 4, 2, len(AGES)))
    share[range(3), range(3)] = 0.0
    share /= share.sum(axis=1, keepdims=True)
    places = {"origin": COUNTIES, "destination": [*COUNTIES, "outside"], "sex": list(SEXES), "age": list(AGES)}
    return flows.assign(destination_share=xr.DataArray(share, dims=tuple(places), coords=places))


def lever(**given: Any) -> Migration:
    return Migration.model_validate(given)


def moved(past: xr.Dataset, **given: Any) -> xr.DataArray:
    return net_migrants(past, lever(**given), YEARS, expected_net(past, YEARS))


def codes(error: pytest.ExceptionInfo[InputRefused]) -> list[str]:
    for issue in error.value.issues:
        assert issue.text("zh") != issue.text("en")
    return [issue.code for issue in error.value.issues]


# --- net migration ----------------------------------------------------------------------------------------------------


@given(
    level=st.floats(-3, 3),
    own=st.floats(-3, 3),
    add=st.floats(-1e4, 1e4),
    more=st.floats(-1e3, 1e3),
    profile=st.sampled_from([*SCHEDULES, [[0, 1], [20, 3], [70, 0]]]),
)
def test_level_and_add_reach_their_totals(level: float, own: float, add: float, more: float, profile: Any) -> None:
    """Whatever the ages along which the change falls: they say where, not how many."""
    past = small_past()
    given = {"level": level, "counties": {"02": own}, "add": add, "add_counties": {"03": more}}
    if lever(**given).changes:
        given["profile"] = profile
    total = moved(past, **given).sum(CELLS)
    residents = past.population.isel(year=0).sum(CELLS)
    expected = expected_net(past, YEARS).sum(CELLS)
    wanted = expected * xr.DataArray([level, own, level], dims="county") + add * residents / residents.sum()
    wanted = wanted + xr.DataArray([0, 0, more], dims="county")
    np.testing.assert_allclose(total, wanted.broadcast_like(total), atol=1e-6)


def test_dates_are_read_straight_between_and_held_outside() -> None:
    total = moved(small_past(), add=[[2025, 0], [2029, 400]]).sum(["county", *CELLS])
    expected = expected_net(small_past(), YEARS).sum(CELLS)
    np.testing.assert_allclose(total - expected.sum("county"), [0, 0, 100, 200, 300, 400, 400], atol=1e-8)
    levels = moved(small_past(), level=[[2024, 1], [2028, 3]]).sum(CELLS).sel(county="01")
    np.testing.assert_allclose(levels / expected.sel(county="01"), [1, 1.5, 2, 2.5, 3, 3, 3])


@given(level=st.floats(-2, 4), add=st.floats(-1e4, 1e4), seed=st.integers(0, 99))
def test_signs_never_turn(level: float, add: float, seed: int) -> None:
    """In a county and year everybody who comes on top comes, or everybody who goes goes: no age against the others."""
    past = small_past(seed)
    change = moved(past, level=level, add=add) - moved(past)
    ups = change.sum(CELLS) > 0
    wrong = xr.where(ups, change < -1e-9, change > 1e-9)
    assert not bool(wrong.any())


@pytest.mark.parametrize("profile", ["mobility", *SCHEDULES, [[18, 1], [22, 1]]])
def test_the_profile_changes_ages_and_not_totals(profile: Any) -> None:
    past = small_past()
    change = moved(past, add=6000, profile=profile) - moved(past)
    along = change_profile(past, lever(add=6000, profile=profile))
    share = (along / along.sum(CELLS)).broadcast_like(change.isel(year=0)).transpose("county", *CELLS)
    np.testing.assert_allclose(change.isel(year=3) / change.isel(year=3).sum(CELLS), share, atol=1e-12)
    np.testing.assert_allclose(change.sum(["county", *CELLS]), 6000)
    if profile != "mobility":
        np.testing.assert_allclose(share.sel(sex="female"), share.sel(sex="male"))
    if isinstance(profile, list):
        assert float(share.sel(age=slice(18, 22)).sum("age").sum("sex").isel(county=0)) == pytest.approx(1)


def test_the_model_schedules_have_the_ages_that_are_promised() -> None:
    share = {
        name: change_profile(small_past(), lever(add=1, profile=name)).sum("sex")
        for name in ("workers", "students", "families")
    }
    assert {name: int(one.sel(age=slice(10, None)).idxmax("age")) for name, one in share.items()} == {
        "workers": 23,
        "students": 18,
        "families": 28,
    }
    assert float(share["students"].sel(age=slice(17, 22)).sum()) == pytest.approx(5 / 6, abs=0.01)
    assert float(share["families"].sel(age=slice(0, 14)).sum()) == pytest.approx(1 / 3, abs=0.01)
    assert float(share["workers"].sel(age=slice(0, 14)).sum()) < 0.001


@pytest.mark.parametrize("guide", ["scenarios.md", "scenarios.zh-CN.md"])
def test_the_guide_prints_the_schedules_as_they_are(guide: str, root: Path) -> None:
    lines = (root / "docs" / guide).read_text("utf-8").splitlines()
    for name, schedule in SCHEDULES.items():
        (line,) = [line for line in lines if line.startswith(f"| `{name}`") and line.count("|") == 10]
        printed = [float(cell) if cell.strip() else None for cell in line.split("|")[2:8]]
        used = [schedule.a1, schedule.alpha1 if schedule.a1 else None, *schedule[2:6]]
        assert printed == used, name


def test_without_levers_the_total_goes_from_the_recent_to_the_long_mean_in_proportion_to_mobility() -> None:
    past = small_past()
    found = moved(past) - past.migration_profile
    expected = past.migration_mobility / past.migration_mobility.sum(CELLS) * found.sum(CELLS)
    np.testing.assert_allclose(found, expected.transpose(*found.dims), atol=1e-9)
    gone = moved(past).sum(CELLS) - past.migration_lasting
    first = past.migration_recent - past.migration_lasting
    np.testing.assert_allclose(gone.isel(year=0), FADING * first, atol=1e-9)
    np.testing.assert_allclose(gone.isel(year=4), FADING**5 * first, atol=1e-9)


def test_closed_leaves_births_and_deaths_alone(region: Region, past: xr.Dataset) -> None:
    rates = vital_rates(region, read_scenario("closed", {"horizon": 2028}), past)
    np.testing.assert_array_equal(rates.net_migration, rates.turnover)  # institutions fill and empty as before
    found = project_population(rates)
    check_balance(found)
    after = found.isel(year=slice(1, None))
    change = found.population.sum(CELLS).diff("year")
    natural = after.births.sum("sex") - after.deaths.sum(CELLS) + rates.turnover.sum(CELLS)
    np.testing.assert_allclose(change, natural.transpose("county", "year"), atol=1e-6)


def test_no_total_is_not_nobody_moving(region: Region, past: xr.Dataset) -> None:
    rates = vital_rates(region, read_scenario("low_migration", {"horizon": 2026}), past)
    none = rates.net_migration - rates.turnover
    np.testing.assert_allclose(none.sum(CELLS), 0, atol=1e-6)
    assert float(abs(none).sum()) > 1000


def test_what_the_region_lacks_is_refused_by_name() -> None:
    with pytest.raises(InputRefused) as error:
        moved(small_past(), counties={"99": 2.0}, add_counties={"98": 5.0, "01": 5.0}, gross_factor=1.2)
    assert codes(error) == ["E641", "E641", "E642"]
    assert "99" in error.value.issues[0].text("zh")
    with pytest.raises(InputRefused) as error:
        moved(small_past(), destination_shift=[{"origin": "01", "away_from": "outside", "towards": "02", "share": 0.5}])
    assert codes(error) == ["E642"]


# --- gross flows ------------------------------------------------------------------------------------------------------


def test_a_factor_acts_on_leavers_and_arrivals_by_year() -> None:
    flows, past = small_flows(), small_past()
    found = gross_flows(past, flows, lever(gross_factor=[[2024, 1.0], [2026, 2.0]]), YEARS)
    assert found.out_rate.dims == ("county", "year", *CELLS)
    for name in ("out_rate", "in_migration"):
        np.testing.assert_allclose(found[name].sel(year=2024), flows[name])
        np.testing.assert_allclose(found[name].sel(year=2030), 2 * flows[name])
    xr.testing.assert_identical(found.destination_share, flows.destination_share)


def test_persons_are_added_to_the_arrivals() -> None:
    flows, past = small_flows(), small_past()
    found = gross_flows(past, flows, lever(add=900, add_counties={"03": 60}, profile="families"), YEARS)
    change = found.in_migration.sum(["county", *CELLS]) - flows.in_migration.sum()
    np.testing.assert_allclose(change, 960)
    np.testing.assert_allclose(found.out_rate.isel(year=0), flows.out_rate)
    with pytest.raises(InputRefused) as error:
        gross_flows(past, flows, lever(add_counties={"02": -1e6}), YEARS)
    assert codes(error) == ["E645"]
    assert "county 02" in error.value.issues[0].text("zh")


SHIFT = {"origin": "01", "away_from": "outside", "towards": "02", "share": 0.25}


@given(share=st.floats(0, 1), again=st.floats(0, 1), seed=st.integers(0, 99))
def test_shifted_destinations_keep_their_sum(share: float, again: float, seed: int) -> None:
    before = small_flows(seed).destination_share
    back = {"origin": "01", "away_from": "02", "towards": "03", "share": again}
    after = shift_destinations(before, lever(destination_shift=[SHIFT | {"share": share}, back]).destination_shift)
    np.testing.assert_allclose(after.sum("destination"), 1.0, rtol=1e-12)
    assert float(after.min()) >= 0
    xr.testing.assert_identical(after.sel(origin=["02", "03"]), before.sel(origin=["02", "03"]))


def test_a_shift_moves_its_share_of_those_who_would_go_there() -> None:
    before = small_flows().destination_share
    after = shift_destinations(before, lever(destination_shift=[SHIFT]).destination_shift).sel(origin="01")
    first = before.sel(origin="01")
    np.testing.assert_allclose(after.sel(destination="outside"), 0.75 * first.sel(destination="outside"))
    gain = after.sel(destination="02") - first.sel(destination="02")
    np.testing.assert_allclose(gain, 0.25 * first.sel(destination="outside"))
    np.testing.assert_array_equal(after.sel(destination="03"), first.sel(destination="03"))


def test_closed_stops_gross_flows_too() -> None:
    found = gross_flows(small_past(), small_flows(), lever(closed=True), YEARS)
    assert not found.out_rate.values.any()
    assert not found.in_migration.values.any()


def test_what_gross_flows_cannot_take_is_refused() -> None:
    past, flows = small_past(), small_flows()
    with pytest.raises(InputRefused) as error:
        gross_flows(past, flows, lever(level=2, counties={"02": 0.5}), YEARS)
    assert codes(error) == ["E643", "E643"]
    with pytest.raises(InputRefused) as error:
        gross_flows(past, small_flows(destinations=False), lever(destination_shift=[SHIFT]), YEARS)
    assert codes(error) == ["E644"]
    with pytest.raises(InputRefused) as error:
        gross_flows(past, flows, lever(destination_shift=[SHIFT | {"origin": "77", "towards": "78"}]), YEARS)
    assert codes(error) == ["E641", "E641"]
    with pytest.raises(InputRefused, match="in_migration"):
        gross_flows(past, flows.drop_vars("in_migration"), lever(), YEARS)
    dated = flows.assign(out_rate=flows.out_rate.expand_dims(year=YEARS[:-1]))
    with pytest.raises(InputRefused, match="2030"):
        gross_flows(past, dated, lever(), YEARS)
    grouped = flows.assign(in_migration=flows.in_migration.expand_dims(group=["local", "migrant"]))
    with pytest.raises(InputRefused) as error:
        gross_flows(past, grouped, lever(add=5), YEARS)
    assert codes(error) == ["E646"]


def test_gross_flows_go_through_the_whole_core(region: Region, past: xr.Dataset) -> None:
    """A researcher's flows between all counties: the levers act, the balance holds, and the sum of shares survives."""
    counties = past.county.values.tolist()
    last = past.population.isel(year=-1, drop=True)
    away = xr.DataArray(np.full((len(counties), len(counties) + 1), 1.0), dims=("origin", "destination"))
    away = away.assign_coords(origin=counties, destination=[*counties, "outside"])
    away = away.where(away.origin != away.destination, 0.0)
    flows = xr.Dataset(
        {
            "out_rate": xr.full_like(last, 0.02),
            "in_migration": 0.02 * last,
            "destination_share": (away / away.sum("destination")) * xr.ones_like(last.isel(county=0, drop=True)),
        }
    )
    shift = {"origin": counties[0], "away_from": "outside", "towards": counties[1], "share": 0.5}
    levers = {"migration.gross_factor": 0.5, "migration.destination_shift": [shift], "migration.add": 1000}
    results = {}
    for key, overrides in {"as it is": {}, "changed": levers}.items():
        rates = vital_rates(region, read_scenario("baseline", {"horizon": 2026, **overrides}), past, flows)
        assert "net_migration" not in rates
        results[key] = project_population(
            rates, flows=("births", "deaths", "net_migration", "in_migration", "out_migration")
        )
        check_balance(results[key])
    leavers = {key: float(one.out_migration.sel(year=2024).sum()) for key, one in results.items()}
    assert leavers["changed"] == pytest.approx(leavers["as it is"] / 2)
    outside = {key: float((one.in_migration - one.out_migration).sel(year=2024).sum()) for key, one in results.items()}
    assert outside["changed"] > outside["as it is"] / 2 + 1000  # the shift keeps leavers of the first county inside


# --- the shipped scenarios --------------------------------------------------------------------------------------------


def ids(region: Region | None = None) -> list[str]:
    return [one.id for one in list_scenarios(region)]


def test_at_least_six_are_shipped_and_wenzhou_has_its_own(region: Region) -> None:
    assert ids()[0] == "baseline"
    assert len(ids()) >= 6
    assert ids(region)[: len(ids())] == ids()
    assert "city_core" in ids(region)
    assert "city_core" not in ids()


OWN = sorted(path.stem for path in (folder("data") / "wenzhou" / "scenarios").glob("*.toml"))


@pytest.mark.parametrize("name", [*ids(), *OWN])
def test_every_shipped_scenario_runs_on_wenzhou(region: Region, past: xr.Dataset, name: str) -> None:
    scenario = read_scenario(name, {"horizon": 2030}, region)
    found = project_population(vital_rates(region, scenario, past))
    check_balance(found)
    assert float(found.population.min()) >= 0
    assert float(found.clipped.sum()) == 0


def totals(region: Region, past: xr.Dataset, *names: str) -> list[float]:
    """Residents of the whole at the end of 2035 under each scenario."""
    runs = (vital_rates(region, read_scenario(name, {"horizon": 2035}, region), past) for name in names)
    return [float(project_population(rates).population.sel(year=2035).sum()) for rates in runs]


@pytest.mark.parametrize(
    ("high", "middle", "low"),
    [
        ("high_migration", "baseline", "low_migration"),
        ("high_fertility", "baseline", "low_fertility"),
        ("families_stay", "baseline", "slow_decline"),
        ("long_life", "baseline", "closed"),
    ],
)
def test_scenarios_lie_in_the_order_of_their_names(
    region: Region, past: xr.Dataset, high: str, middle: str, low: str
) -> None:
    found = totals(region, past, high, middle, low)
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 3


def test_the_city_core_draws_and_the_city_keeps_its_total(region: Region, past: xr.Dataset) -> None:
    core = ["330302", "330303", "330304"]
    net = {
        name: vital_rates(region, read_scenario(name, {"horizon": 2030}, region), past).net_migration.sum(CELLS)
        for name in ("baseline", "city_core")
    }
    change = (net["city_core"] - net["baseline"]).sel(year=2030)
    assert float(change.sel(county=core).min()) > 0
    assert float(change.drop_sel(county=core).max()) < 0
    whole = net["city_core"].sel(year=2030).sum() / net["baseline"].sel(year=2030).sum()
    assert float(whole) == pytest.approx(1)  # as the description says


def test_a_scenario_of_one_region_is_refused_by_another() -> None:
    path: Path = folder("data") / "wenzhou" / "scenarios" / "city_core.toml"
    scenario = read_scenario(path)
    with pytest.raises(InputRefused) as error:
        net_migrants(small_past(), scenario.migration, YEARS, expected_net(small_past(), YEARS))
    assert set(codes(error)) == {"E641"}
