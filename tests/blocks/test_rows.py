"""Counties in many trajectories: against the labelled face, and the same bits however the work is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.blocks import project_rows
from forecast.population import project_population
from forecast.population.chance.processes import Process, Uncertainty, county_shocks, uncertain_frame, uncertain_rates
from forecast.population.projection.conventions import TIMINGS
from tests.population.projection.test_project import random_rates

AREAS = {"nation": "N", "province": "P", "region": "R"}
UNSURE = Uncertainty(
    fertility=(Process("nation", 0.95, 0.03), Process("county", 0.6, 0.05)),
    mortality=(Process("nation", 1.0, 0.02),),
    migration=(Process("region", 0.7, 0.004), Process("county", 0.5, 0.006, start=0.003)),
    bands=tuple(Process("county", 0.4, 0.004) for _ in range(11)),
    mortality_loading=tuple(np.linspace(1.5, 0.5, 101)),
    degrees_of_freedom=6.0,
)


def example(counties: int = 3, timing: str = "end", share_mortality: bool = True) -> xr.Dataset:
    """Counties of some thousand people each, with mobility; mortality may be shared."""
    rates = random_rates(5, counties=counties, years=8, ages=101, migration=0.3)
    rng = np.random.default_rng(7)
    rates["baseline"] = rates.baseline * rng.uniform(1, 9, (counties, 1, 1))
    rates["sx"] = 0.9 + 0.1 * rates.sx
    if share_mortality:
        rates["sx"] = rates.sx.isel(county=0, drop=True)
    rates["asfr"] = rates.asfr.where(rates.age.isin(range(15, 50)), 0.0) * 0.5
    rates["mobility"] = rates.baseline * 0.02
    return rates.assign_attrs(rates.attrs, migration_timing=timing)


ROWS = xr.DataArray(
    np.array([[1.0] * 101, [0.0] * 6 + [1.0] * 6 + [0.0] * 89, [0.0] * 65 + [0.07] * 36]),
    dims=("row", "age"),
    coords={"row": ["all", "pupils", "beds"], "age": range(101)},
)


@pytest.mark.parametrize("share_mortality", [True, False])
@pytest.mark.parametrize("timing", TIMINGS)
def test_the_labelled_face_says_the_same(timing: str, share_mortality: bool) -> None:
    """Trajectories 40 to 44, people by age summed by plain xarray: float32 against float64."""
    rates = example(timing=timing, share_mortality=share_mortality)
    frame = uncertain_frame(rates, UNSURE, AREAS, seed=3)
    found = project_rows(rates, frame, ROWS, range(40, 45))
    full = project_population(uncertain_rates(rates, frame, range(40, 45)))
    people = full.population.sum("sex").isel(year=slice(1, None))
    expected = (people * ROWS).sum("age").transpose(*found.dims)
    np.testing.assert_allclose(found.sel(row=ROWS.row), expected, rtol=2e-5)
    births = full.births.sum("sex").isel(year=slice(1, None)).transpose("county", "year", "trajectory")
    np.testing.assert_allclose(found.sel(row="births"), births, rtol=2e-5)
    spread = found.std("trajectory") / found.mean("trajectory")
    assert float(spread.isel(year=-1).min()) > 0.005  # the paths do differ


def test_nothing_unsure_is_the_scenario() -> None:
    rates = example()
    sure = Uncertainty(bands=(), births_dispersion=0.0, movers_dispersion=0.0)
    frame = uncertain_frame(rates, sure, AREAS, seed=3)
    found = project_rows(rates, frame, ROWS, range(2)).sel(row="all")
    people = project_population(rates.drop_vars("mobility")).population.sum(["sex", "age"]).isel(year=slice(1, None))
    np.testing.assert_allclose(found.isel(trajectory=1), people, rtol=1e-6)


@pytest.mark.parametrize("frozen", ["births", "mortality", "migration"])
def test_a_frozen_component_moves_nothing(frozen: str) -> None:
    rates = example()
    others = {"births", "mortality", "migration"} - {frozen}
    only = uncertain_frame(rates, UNSURE, AREAS, 3, frozenset(others))
    none = uncertain_frame(rates, UNSURE, AREAS, 3, frozenset(others | {frozen}))
    rows = [project_rows(rates, frame, ROWS, range(8)) for frame in (only, none)]
    assert float(rows[0].std("trajectory").max()) > 0
    assert float(rows[1].std("trajectory").max()) == 0


def test_bits_depend_on_nothing_but_seed_area_and_trajectory() -> None:
    """Threads, how many counties and how many trajectories are asked for at once, and where these begin."""
    rates = example(counties=5)
    frame = uncertain_frame(rates, UNSURE, AREAS, seed=11)
    whole = project_rows(rates, frame, ROWS, range(1000), threads=1)
    assert np.array_equal(whole, project_rows(rates, frame, ROWS, range(1000), threads=2))
    assert np.array_equal(whole[..., :200], project_rows(rates, frame, ROWS, range(200)))
    assert np.array_equal(whole[..., 437:438], project_rows(rates, frame, ROWS, range(437, 438)))
    part = rates.isel(county=[3, 1])
    own = uncertain_frame(part, UNSURE, AREAS, seed=11)
    assert np.array_equal(whole[[3, 1]], project_rows(part, own, ROWS, range(1000)))
    other = uncertain_frame(rates, UNSURE, AREAS, seed=12)
    assert not np.array_equal(whole, project_rows(rates, other, ROWS, range(1000)))


def test_a_longer_horizon_keeps_the_earlier_years() -> None:
    rates = example()
    short = rates.isel(year=slice(0, 5))
    rows = [project_rows(r, uncertain_frame(r, UNSURE, AREAS, 1), ROWS, range(20)) for r in (rates, short)]
    assert np.array_equal(rows[0].isel(year=slice(0, 5)), rows[1])


def test_medians_stay_the_scenario() -> None:
    """Half of the trajectories lie above the scenario, within sampling error, at every horizon."""
    rates = example()
    unsure = replace(UNSURE, movers_dispersion=0.0)
    found = project_rows(rates, uncertain_frame(rates, unsure, AREAS, 2), ROWS, range(4000)).sel(row="all")
    people = project_population(rates.drop_vars("mobility")).population.sum(["sex", "age"]).isel(year=slice(1, None))
    above = (found > people).mean("trajectory")
    assert float(abs(above - 0.5).max()) < 0.03  # four standard errors


def test_counties_share_what_their_region_shares() -> None:
    """Migration of the region alone: all counties' totals move together; of each county alone: they do not."""
    rates = example(counties=4)
    quiet = {"births_dispersion": 0.0, "movers_dispersion": 0.0}

    def correlation(tier: str) -> float:
        unsure = Uncertainty(migration=(Process(tier, 0.7, 0.005),), **quiet)
        found = project_rows(rates, uncertain_frame(rates, unsure, AREAS, 2), ROWS, range(2000))
        last = found.sel(row="all").isel(year=-1).values
        return float(np.corrcoef(last)[np.triu_indices(4, 1)].mean())

    assert correlation("region") > 0.999
    assert abs(correlation("county")) < 0.05


def test_small_counties_are_less_sure() -> None:
    """Noise of counted births and movers: its share falls with the square root of the size."""
    rates = example(counties=1)
    alone = Uncertainty()
    spread = []
    for size in (1, 100):
        big = rates.assign({name: rates[name] * size for name in ("baseline", "mobility", "net_migration")})
        found = project_rows(big, uncertain_frame(big, alone, AREAS, 2), ROWS, range(2000)).sel(row="all")
        spread.append(float((found.std("trajectory") / found.mean("trajectory")).isel(county=0, year=-1)))
    assert spread[0] / spread[1] == pytest.approx(10, rel=0.1)


def test_a_path_is_what_it_is_said_to_be() -> None:
    """Variance of x[t] from a start: phi^2t start^2 + sigma^2 (1 - phi^2t) / (1 - phi^2); heavy tails keep it."""
    rates = example(counties=1)
    process = Process("county", 0.8, {"c0": 0.03}, start={"c0": 0.05})
    for freedom in (np.inf, 5.0):
        unsure = Uncertainty(fertility=(process,), births_dispersion=0.0, degrees_of_freedom=freedom)
        frame = uncertain_frame(rates, unsure, AREAS, 9)
        path = np.log(county_shocks(frame, 0, range(20_000)).fertility)
        steps = np.arange(1, 9)
        kept = 0.8 ** (2 * steps)
        np.testing.assert_allclose(path.var(axis=1), kept * 0.05**2 + 0.03**2 * (1 - kept) / (1 - 0.64), rtol=0.06)
        kurtosis = float((path[0] ** 4).mean() / path[0].var() ** 2)
        assert (kurtosis > 4) == (freedom == 5.0)
