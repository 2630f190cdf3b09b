"""Flows between counties through the whole chain: need stands where it is served, and is neither made nor lost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast import read_region, read_scenario
from forecast.blocks import recompute, run_blocks
from forecast.demand.flows import by_residence, region_flows, served, systems
from forecast.errors import InputRefused
from forecast.pipeline import run_forecast
from forecast.region import Region
from forecast.run.run import Run

ROWS = [
    ("senior_school", "330324", "330324", 2020, 0.9),
    ("senior_school", "330324", "330302", 2020, 0.1),
    ("senior_school", "330324", "330324", 2030, 0.7),
    ("senior_school", "330324", "330302", 2030, 0.3),
    ("primary_school", "330303", "330303", 2022, 0.95),
    ("primary_school", "330303", "330304", 2022, 0.05),
]
"""A tenth of the seniors of one county go to the next in 2020, three tenths in 2030; pupils of a third to a fourth."""


@pytest.fixture(scope="module")
def plain() -> Region:
    return read_region("wenzhou")


@pytest.fixture(scope="module")
def region(plain: Region) -> Region:
    flows = pd.DataFrame(ROWS, columns=["service", "from", "to", "year", "share"])
    return replace(plain, tables={**plain.tables, "flows": flows})


def run_of(region: Region) -> Run:
    return run_forecast(region, read_scenario("baseline", {"horizon": 2036}), trajectories=8, seed=4)


@pytest.fixture(scope="module")
def runs(plain: Region, region: Region) -> tuple[Run, Run]:
    return run_of(plain), run_of(region)


def test_need_moves_by_the_shares_of_the_year(runs: tuple[Run, Run]) -> None:
    home, there = (run.data.demand.sel(service="senior_school") for run in runs)
    left = {2015: 0.1, 2025: 0.2, 2036: 0.3}  # held before and after, even between
    for year, share in left.items():
        at, moved = home.sel(year=year), there.sel(year=year)
        gone = share * at.sel(county="330324").item()
        assert moved.sel(county="330324").item() == pytest.approx(at.sel(county="330324").item() - gone)
        assert moved.sel(county="330302").item() == pytest.approx(at.sel(county="330302").item() + gone)
        assert moved.sel(county="330303").item() == pytest.approx(at.sel(county="330303").item())


@pytest.mark.parametrize("name", ["demand", "demand_norm", "pupils", "classes", "posts", "demand_low", "demand_high"])
def test_nothing_is_made_or_lost(runs: tuple[Run, Run], name: str) -> None:
    home, there = (run.data[name] for run in runs)
    xr.testing.assert_allclose(there.sum("county"), home.sum("county"))
    unmoved = [service for service in home.service.values if service not in ("senior_school", "primary_school")]
    xr.testing.assert_allclose(there.sel(service=unmoved), home.sel(service=unmoved))
    assert float(abs(there - home).sel(service="primary_school").max()) > 1


def test_trajectories_move_as_the_scenario_does(runs: tuple[Run, Run]) -> None:
    """The city keeps its bands; blocks equal every trajectory done again in full, however the work is cut."""
    home, there = runs
    city = {"area": home.region.area}
    kept = ["demand_quantile", "demand_norm_quantile"]
    xr.testing.assert_allclose(there.data[kept].sel(city), home.data[kept].sel(city), rtol=1e-5)
    task = there.task
    assert task is not None
    areas = there.region.areas
    found = run_blocks(task, range(8), areas)
    assert found.area.values.tolist() == [*task.counties, there.region.area]
    xr.testing.assert_identical(found, run_blocks(task, range(8), areas, block=1, threads=1))
    full = xr.concat([recompute(task, number) for number in range(8)], "trajectory")
    for name in ("demand", "demand_norm"):
        mean = full[name].sel(year=task.years).quantile(0.5, "trajectory", skipna=False)
        seen = found[f"{name}_quantile"].sel(quantile=0.5).sel(area=task.counties).rename(area="county")
        np.testing.assert_allclose(seen.transpose(*mean.dims), mean, rtol=3e-5)


def test_counties_that_serve_each_other_stand_together(region: Region) -> None:
    counties = list(region.counties.index)
    flows = region_flows(region, ["senior_school", "primary_school"], counties, [2024])
    found = systems(flows, counties)
    assert sorted(len(one) for one in found) == [1] * 8 + [2, 2]
    assert {frozenset(one) for one in found if len(one) == 2} == {
        frozenset({"330302", "330324"}),
        frozenset({"330303", "330304"}),
    }
    assert [one[0] for one in found] == sorted((one[0] for one in found), key=counties.index)
    assert systems(None, counties) == [[county] for county in counties]


def test_pupils_by_residence_are_those_whose_rolls_these_are() -> None:
    rng = np.random.default_rng(5)
    shares = rng.uniform(0, 0.1, (3, 3, 2)) + 0.8 * np.eye(3)[:, :, None]
    names, years = list("abc"), [2020, 2021]
    flows = xr.DataArray(
        shares / shares.sum(1, keepdims=True),
        {"origin": names, "destination": names, "year": years},
        ("origin", "destination", "year"),
    )
    coords = {"county": names, "year": years, "grade": [1, 2, 3, 4]}
    pupils = xr.DataArray(rng.uniform(100, 900, (3, 2, 4)), coords, tuple(coords))
    rolls = served(pupils, flows).transpose(*pupils.dims)
    xr.testing.assert_allclose(by_residence(rolls, flows), pupils)
    empty = rolls.where(rolls.county != "a", 0.0)  # but some of the others' pupils must be there
    with pytest.raises(InputRefused, match="E456"):
        by_residence(empty, flows)


def test_a_county_of_the_flows_that_is_not_there_is_named(region: Region) -> None:
    with pytest.raises(InputRefused, match="330302"):
        region_flows(region, ["senior_school"], ["330324"], [2024])
    assert region_flows(region, ["nursery"], ["330324"], [2024]) is None
