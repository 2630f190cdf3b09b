"""A region in many trajectories: what is kept equals brute force on all trajectories, however the work is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast import read_region, read_scenario
from forecast.basics.areas import Areas
from forecast.basics.quantiles import KEPT
from forecast.blocks import Task, attribute_variance, recompute, run_blocks
from forecast.blocks.summary import odds, quantiles
from forecast.blocks.task import needs_by_county
from forecast.errors import InputRefused
from forecast.pipeline import run_forecast
from forecast.population.chance.read import read_uncertainty, uncertainty_from_file
from forecast.run.run import Run

N = 16


@pytest.fixture(scope="module")
def run() -> Run:
    return run_forecast(read_region("wenzhou"), read_scenario("baseline", {"horizon": 2040}), trajectories=2, seed=4)


@pytest.fixture(scope="module")
def task(run: Run) -> Task:
    assert run.task is not None
    return run.task


@pytest.fixture(scope="module")
def areas(task: Task) -> Areas:
    return Areas("330300", {"330300": task.counties, "half": task.counties[:5]})


@pytest.fixture(scope="module")
def found(task: Task, areas: Areas) -> xr.Dataset:
    return run_blocks(task, range(N), areas)


def test_quantiles_are_numpys() -> None:
    values = np.random.default_rng(1).normal(size=(3, 4, 37))
    np.testing.assert_allclose(quantiles(values), np.quantile(values, KEPT, axis=-1), rtol=1e-12)


def test_odds_are_counted() -> None:
    """By hand: three years, four trajectories, 10 places in year 0, unknown in year 1, 20 in year 2."""
    demand = np.array([[[8.0, 9, 11, 14], [1, 1, 1, 1], [30, 10, 21, 19]]])
    found = odds(demand, np.array([[10.0, np.nan, 20.0]]))
    np.testing.assert_allclose(found.p_short, [[0.5, np.nan, 0.5]])
    np.testing.assert_allclose(found.short_expected, [[1.25, np.nan, 2.75]])
    np.testing.assert_allclose(found.idle_expected, [[0.75, np.nan, 2.75]])
    np.testing.assert_allclose(found.p_short_by, [[0.5, np.nan, 0.75]])


def test_blocks_equal_brute_force(task: Task, found: xr.Dataset) -> None:
    """Every trajectory recomputed in full by labelled arrays, then summarised by xarray."""
    full = xr.concat([recompute(task, number) for number in range(N)], "trajectory")
    demand = full.demand.sel(year=task.years)
    several = {"county": task.counties, "whole": ["330300"], "half": ["half"]}
    sums = {"county": demand, "whole": demand.sum("county"), "half": demand.sel(county=task.counties[:5]).sum("county")}
    supply = task.supply.sel(year=task.years)
    stands = {
        "county": supply,
        "whole": supply.sum("county", skipna=False),
        "half": supply.sel(county=task.counties[:5]).sum("county", skipna=False),
    }
    for name, chosen in several.items():
        expected = sums[name].quantile(list(KEPT), "trajectory").squeeze()
        seen = found.demand_quantile.sel(area=chosen).rename(area="county").squeeze()
        np.testing.assert_allclose(seen.transpose(*expected.dims), expected, rtol=3e-5)
        missing = (sums[name] - stands[name]).clip(min=0).mean("trajectory")
        kept = found.short_expected.sel(area=chosen).rename(area="county").squeeze()
        np.testing.assert_allclose(kept.transpose(*missing.dims), missing, atol=0.5, rtol=1e-3)
        short = (sums[name] > stands[name]).mean("trajectory").where(stands[name].notnull())
        kept = found.p_short.sel(area=chosen).rename(area="county").squeeze()
        assert float(abs(kept - short).max()) <= 1 / N  # one trajectory may tie in float32
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
    supply = task.supply.sel(year=task.years).rename(county="area")
    expected = supply - found.demand_quantile.sel(quantile=0.9, area=task.counties)
    seen = found.gap_quantile.sel(quantile=0.1, area=task.counties)
    np.testing.assert_allclose(seen, expected.transpose(*seen.dims), rtol=1e-9)


def test_some_trajectories_stand_for_all(task: Task, areas: Areas) -> None:
    """Half of a larger run's places lie in the middle half, and the mean is met, at the peak of uncertainty."""
    large = run_blocks(task, range(500), areas)
    assert len(set(large.trajectory.values.tolist())) == 49
    chosen = large.demand_chosen.sel(area="330300", year=2040)
    mean = large.demand_mean.sel(area="330300", year=2040)
    spread = large.demand_quantile.sel(area="330300", year=2040)
    width = spread.sel(quantile=0.9) - spread.sel(quantile=0.1)
    assert float((abs(chosen.mean("trajectory") - mean) / width).max()) < 0.2
    whole = [needs[0] for _, needs in needs_by_county(task, range(500))]
    demand = sum(value.astype(float) for value in whole)[0, -1]
    np.testing.assert_allclose(chosen.isel(service=0), demand[large.trajectory.values], rtol=1e-6)


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


def test_a_service_without_a_standard_is_not_judged_by_one(areas: Areas, run: Run) -> None:
    """Hospital beds have no norm: nothing is said of them in the view of the norm, rather than that none are short."""
    assert run.task is not None
    asked = run_blocks(replace(run.task, view="norm"), range(N), areas)
    for name in ("p_short", "p_short_by", "short_expected", "idle_expected", "gap_quantile", "p_norm_met"):
        assert bool(asked[name].sel(service="hospital_beds").isnull().all()), name
        assert bool(asked[name].sel(service="care_beds").notnull().all()), name
