"""A region in many trajectories: what is kept equals brute force on all trajectories, however the work is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast import read_region, read_scenario
from forecast.basics.areas import Areas, with_areas
from forecast.basics.quantiles import KEPT
from forecast.basics.tolerance import TOLERANCE
from forecast.blocks import Task, attribute_variance, recompute, run_blocks
from forecast.blocks.summary import odds, quantiles
from forecast.blocks.task import needs_by_county
from forecast.errors import InputRefused
from forecast.pipeline import run_forecast
from forecast.population.chance.read import read_uncertainty, uncertainty_from_file
from forecast.run.run import Run
from forecast.supply.gap import gross

N = 16


@pytest.fixture(scope="module")
def run() -> Run:
    return run_forecast(read_region("wenzhou"), read_scenario("baseline", {"horizon": 2040}), trajectories=2, seed=4)


@pytest.fixture(scope="module")
def areas(run: Run) -> Areas:
    counties = run.region.areas.counties
    return Areas("330300", {"half": counties[:5], "330300": counties})


@pytest.fixture(scope="module")
def task(run: Run, areas: Areas) -> Task:
    """Every county with recorded places: as many as it needs in 2026, unevenly more or less."""
    assert run.task is not None
    need = run.data.demand.sel(year=2026, drop=True)
    share = xr.DataArray(np.linspace(0.8, 1.2, need.sizes["county"]), {"county": need.county})
    supply = with_areas((need * share).expand_dims(year=run.data.year), areas).rename(county="area")
    kinds = np.full((supply.sizes["area"], supply.sizes["service"]), "recorded", dtype=object)
    stands = xr.Dataset({"supply_of_area": supply, "supply_kind": (("area", "service"), kinds)})
    return replace(run.task, supply=stands)


@pytest.fixture(scope="module")
def found(task: Task, areas: Areas) -> xr.Dataset:
    return run_blocks(task, range(N), areas)


def test_quantiles_are_numpys() -> None:
    values = np.random.default_rng(1).normal(size=(3, 4, 37))
    np.testing.assert_allclose(quantiles(values), np.quantile(values, KEPT, axis=-1), rtol=1e-12)


def test_odds_are_counted() -> None:
    """By hand: three years, four trajectories, 10 places in year 0, unknown in year 1, 20 in year 2."""
    demand = np.array([[[8.0, 9, 11, 14], [1, 1, 1, 1], [30, 10, 22, 19]]])
    supply = np.array([[10.0, np.nan, 20.0]])
    found = odds(*gross(supply[..., None] - demand), supply)
    np.testing.assert_allclose(found.p_short, [[0.5, np.nan, 0.5]])
    np.testing.assert_allclose(found.p_spare, [[0.5, np.nan, 0.25]])  # one place of 20 is within the tolerance
    np.testing.assert_allclose(found.short_expected, [[1.25, np.nan, 3.0]])
    np.testing.assert_allclose(found.idle_expected, [[0.75, np.nan, 2.75]])
    np.testing.assert_allclose(found.p_short_by, [[0.5, np.nan, 0.75]])
    later = odds(*gross(supply[..., None] - demand), supply, decision=2)
    np.testing.assert_allclose(later.p_short_by, [[np.nan, np.nan, 0.5]])


def test_blocks_equal_brute_force(task: Task, found: xr.Dataset) -> None:
    """Every trajectory recomputed in full by labelled arrays, then summarised by xarray."""
    full = xr.concat([recompute(task, number) for number in range(N)], "trajectory")
    demand = full.demand.sel(year=task.years)
    several = {"county": task.counties, "whole": ["330300"], "half": ["half"]}
    sums = {"county": demand, "whole": demand.sum("county"), "half": demand.sel(county=task.counties[:5]).sum("county")}
    stands = {
        name: task.supply.supply_of_area.sel(year=task.years, area=area).rename(area="county")
        for name, area in several.items()
    }
    for name, chosen in several.items():
        expected = sums[name].quantile(list(KEPT), "trajectory").squeeze()
        seen = found.demand_quantile.sel(area=chosen).rename(area="county").squeeze()
        np.testing.assert_allclose(seen.transpose(*expected.dims), expected, rtol=3e-5)
        stood = stands[name].squeeze()
        gaps = stands["county"] - demand
        if name != "county":  # all counties are recorded: what is missing of an area is what they lack
            gaps = gaps.sel(county=task.counties[: 5 if name == "half" else None])
        lack = (-gaps).clip(min=0)
        lack = lack if name == "county" else lack.sum("county", skipna=False)
        missing = lack.mean("trajectory")
        kept = found.short_expected.sel(area=chosen).rename(area="county").squeeze()
        np.testing.assert_allclose(kept.transpose(*missing.dims), missing, atol=0.5, rtol=1e-3)
        short = (lack > TOLERANCE * stood).mean("trajectory").where(stood.notnull())
        kept = found.p_short.sel(area=chosen).rename(area="county").squeeze()
        assert float(abs(kept - short).max()) <= 1 / N  # one trajectory may tie in float32
        assert float(missing.max()) > 100
    people = full.population.sel(year=task.years).sum("sex")
    elders = people.sel(age=slice(80, 100)).sum("age").quantile(0.9, "trajectory")
    np.testing.assert_allclose(
        found.population_quantile.sel(age_group="80+", quantile=0.9, area=task.counties), elders, rtol=3e-5
    )
    births = full.births.sum("sex").sel(year=task.years).quantile(0.5, "trajectory")
    np.testing.assert_allclose(found.births_quantile.sel(quantile=0.5, area=task.counties), births, rtol=3e-5)


@pytest.mark.parametrize(("threads", "block"), [(1, 50), (2, 5), (2, 1)])
def test_no_bit_depends_on_threads_or_blocks(
    task: Task, areas: Areas, found: xr.Dataset, threads: int, block: int
) -> None:
    told: list[int] = []
    again = run_blocks(task, range(N), areas, threads, block, told.append)
    for name in found.data_vars:
        assert found[name].equals(again[name]), name
    assert told == list(range(1, 13))


def test_a_city_is_surer_than_the_sum_of_its_counties(task: Task, found: xr.Dataset) -> None:
    width = found.population_quantile.sel(quantile=0.9) - found.population_quantile.sel(quantile=0.1)
    last = width.isel(year=-1).sel(age_group="all")
    assert float(last.sel(area="330300")) < float(last.sel(area=task.counties).sum())


def test_gaps_are_supply_less_demand(found: xr.Dataset, task: Task) -> None:
    """The 10 % quantile of the gap goes with the 90 % quantile of demand."""
    supply = task.supply.supply_of_area.sel(year=task.years, area=task.counties)
    expected = supply - found.demand_quantile.sel(quantile=0.9, area=task.counties)
    seen = found.gap_quantile.sel(quantile=0.1, area=task.counties)
    np.testing.assert_allclose(seen, expected.transpose(*seen.dims), rtol=1e-9)


def test_the_quantiles_are_those_of_the_trajectories_handed_back(found: xr.Dataset, areas: Areas) -> None:
    paths = found.demand_of_trajectories
    assert paths.dtype == np.float32
    assert paths.trajectory.values.tolist() == list(range(N))
    middle = paths.astype(float).median("trajectory").transpose("area", "year", "service")
    kept = found.demand_quantile.sel(quantile=0.5).transpose("area", "year", "service")
    np.testing.assert_allclose(middle, kept, rtol=1e-5)
    counties = paths.sel(area=areas.counties).sum("area")
    np.testing.assert_allclose(paths.sel(area="330300"), counties, rtol=1e-4)


def test_variance_of_a_sum_falls_to_its_parts(task: Task, areas: Areas) -> None:
    """Hospital beds hang on people and behaviour, senior places of 2030 not on births; shares sum to one."""
    shares = attribute_variance(task, range(200), areas)
    total = shares.sum("component")
    np.testing.assert_allclose(total.where(total.notnull(), 1.0), 1.0, rtol=1e-9)
    senior = shares.sel(area="330300", service="senior_school", year=2030)
    assert float(senior.sel(component="births")) == 0.0
    assert float(senior.sel(component="participation")) > 0.5
    kindergarten = shares.sel(area="330300", service="kindergarten", year=2040)
    assert float(kindergarten.sel(component="births")) > 0.5
    assert float(abs(shares.sel(component="together", area="330300")).max()) < 0.25


def test_uncertainty_is_read_or_refused(tmp_path: object) -> None:
    from pathlib import Path

    region = read_region("wenzhou")
    own = read_uncertainty(region)
    assert {component for component, *_ in own.parts} >= {"fertility", "mortality", "migration"}
    text = (Path(str(region.folder)).parent / "patterns" / "china_wpp2024" / "uncertainty.toml").read_text("utf-8")
    file = Path(str(tmp_path)) / "uncertainty.toml"
    for old, new, field in (
        ("phi = 0.9856", "phi = 1.2", "phi"),
        ('tier = "region"', 'tier = "town"', "tier"),
        ("[births]\ndispersion = 1.0", "[births]\ndispersion = -1.0", "dispersion"),
    ):
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")
        with pytest.raises(InputRefused) as refused:
            uncertainty_from_file(file)
        assert [issue.code for issue in refused.value.issues] == ["E674"]
        assert all(field in refused.value.issues[0].text(lang) for lang in ("zh", "en"))


def test_a_service_without_a_standard_is_not_judged_by_one(areas: Areas, task: Task) -> None:
    """Hospital beds have no norm: nothing is said of them in the view of the norm, rather than that none are short."""
    asked = run_blocks(replace(task, view="norm"), range(N), areas)
    for name in ("p_short", "p_short_by", "short_expected", "idle_expected", "gap_quantile", "p_norm_met"):
        assert bool(asked[name].sel(service="hospital_beds").isnull().all()), name
        ahead = slice(task.now if name == "p_short_by" else None, None)
        assert bool(asked[name].sel(service="care_beds", year=ahead).notnull().all()), name


def test_what_is_missing_and_idle_is_gross_and_said_only_where_it_is_known(task: Task, areas: Areas) -> None:
    """A county that lacks 10,000 beside one with 12,000 to spare; then nothing known of the one; then another kind."""
    need = task.supply.supply_of_area
    counties, short, spare = areas.counties, areas.counties[0], areas.counties[1]
    found = run_blocks(task, range(N), areas)
    mean = found.demand_mean.sel(area=counties, service="primary_school", year=2030)
    stands = mean + mean.area.to_series().map({short: -10_000.0, spare: 12_000.0}).fillna(0.0).to_xarray()
    supply = xr.zeros_like(need) + with_areas(stands.rename(area="county"), areas).rename(county="area")
    held = task.supply.assign(supply_of_area=supply.transpose(*need.dims))
    at = {"area": areas.whole, "service": "primary_school", "year": 2030}
    planted = run_blocks(replace(task, supply=held), range(N), areas).sel(at)
    assert float(planted.short_expected) >= 10_000
    assert float(planted.idle_expected) >= 12_000
    assert float(planted.idle_expected - planted.short_expected) == pytest.approx(2_000, abs=1)
    unknown = held.assign(supply_of_area=held.supply_of_area.where(~need.area.isin([short, "half", areas.whole])))
    blank = run_blocks(replace(task, supply=unknown), range(N), areas).sel(at)
    for name in ("p_short", "p_spare", "p_short_by", "short_expected", "idle_expected", "p_norm_met"):
        assert np.isnan(float(blank[name])), name
    for kind, short_known, norm_known in (("rolls", True, False), ("ratio", False, False), ("split", False, False)):
        kinds = xr.full_like(held.supply_kind, kind)
        told = run_blocks(replace(task, supply=held.assign(supply_kind=kinds)), range(N), areas).sel(at)
        assert np.isfinite(float(told.p_short)) == short_known, kind
        assert np.isfinite(float(told.p_norm_met)) == norm_known, kind
    assert np.isfinite(float(planted.p_norm_met))


def test_of_a_split_area_the_odds_are_its_own(task: Task, areas: Areas) -> None:
    """Only the whole has a figure: no county has odds, and the whole's are those of its net gap."""
    kinds = task.supply.supply_kind.where(task.supply.area == areas.whole, "split")
    only = task.supply.supply_of_area.where(task.supply.area == areas.whole)
    found = run_blocks(
        replace(task, supply=xr.Dataset({"supply_of_area": only, "supply_kind": kinds})), range(N), areas
    )
    assert bool(found.p_short.sel(area=areas.counties).isnull().all())
    demand = sum(needs[0].astype(float) for _, needs in needs_by_county(task, range(N)))[: len(task.models)]
    supply = only.sel(area=areas.whole, year=task.years).transpose("service", "year").values[..., None]
    expected = (demand - supply > TOLERANCE * supply).mean(axis=-1)
    seen = found.p_short.sel(area=areas.whole).transpose("service", "year")
    np.testing.assert_allclose(seen, expected)
