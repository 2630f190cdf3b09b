"""Gross flows, flows between counties and groups: against the slow twin, and nobody is lost on the way."""

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
from tests.population.projection.test_project import AGES, random_rates

ALL = ("births", "deaths", "net_migration", "in_migration", "out_migration", "clipped")
GROUPS = ["local", "migrant"]


def gross_rates(seed: int, counties: int = 3, years: int = 5) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    rates = random_rates(seed, counties, years)
    shape = rates.net_migration.shape
    dims = rates.net_migration.dims
    return rates.drop_vars("net_migration").assign(
        out_rate=(dims, rng.uniform(0, 0.3, shape)), in_migration=(dims, rng.uniform(0, 20, shape))
    )


def with_destinations(rates: xr.Dataset, seed: int) -> xr.Dataset:
    """Shares of the leavers by destination: the other counties and outside."""
    places = rates.county.values.tolist()
    share = np.random.default_rng(seed).uniform(0.1, 1, (len(places), len(places) + 1, 2, AGES))
    share[range(len(places)), range(len(places))] = 0.0
    share /= share.sum(axis=1, keepdims=True)
    coords = {"origin": places, "destination": [*places, "outside"], "sex": rates.sex, "age": rates.age}
    return rates.assign(
        destination_share=xr.DataArray(share, dims=("origin", "destination", "sex", "age"), coords=coords)
    )


def with_groups(seed: int, counties: int = 2, years: int = 4) -> xr.Dataset:
    """Two groups with rates of their own, moves between them, and children who change group at birth."""
    parts = [gross_rates(seed + k, counties, years) for k in range(2)]
    rates = xr.concat(parts, xr.DataArray(GROUPS, dims="group", name="group"))
    rng = np.random.default_rng(seed)
    transition = np.zeros((2, 2, years, 2, AGES))
    transition[1, 0] = rng.uniform(0, 0.2, (years, 2, AGES))
    dims = ("from_group", "to_group", "year", "sex", "age")
    pairs = {"from_group": GROUPS, "to_group": GROUPS}
    share = xr.DataArray([[1.0, 0.0], [0.25, 0.75]], dims=("from_group", "to_group"), coords=pairs)
    return rates.assign(
        transition_rate=xr.DataArray(transition, dims=dims, coords={**pairs, "year": rates.year}), newborn_share=share
    ).assign_attrs(parts[0].attrs)


def units_of(rates: xr.Dataset, name: str, groups: bool) -> list[object]:
    """Nested lists [unit][...], a unit being a county, or a group of one county."""
    variable = rates[name].transpose(*[d for d in ("county", "group", "year", "sex", "age") if d in rates[name].dims])
    values = variable.values
    if groups:
        values = np.broadcast_to(values, values.shape)
        return values.reshape(-1, *values.shape[2:]).tolist()
    return values.tolist()


@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("asfr_age", ["completed", "year_end"])
def test_flows_between_counties_equal_the_slow_twin(timing: str, asfr_age: str) -> None:
    rates = with_destinations(gross_rates(1), 1).assign_attrs(asfr_age=asfr_age)
    found = project_population(rates, timing, flows=ALL)
    names = ("baseline", "sx", "asfr", "srb", "in_migration", "out_rate")
    share = rates.destination_share.sel(destination=rates.county.values).values.tolist()
    people, births = oracle.project_units(
        *[units_of(rates, name, groups=False) for name in names],
        share,
        np.eye(3).tolist(),
        timing,
        asfr_age == "year_end",
    )
    np.testing.assert_allclose(found.population, people, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(found.births.isel(year=slice(1, None)), births, rtol=1e-12)
    check_balance(found, rtol=1e-12)


@pytest.mark.parametrize("timing", TIMINGS)
def test_groups_equal_the_slow_twin(timing: str) -> None:
    rates = with_groups(2)
    found = project_population(rates, timing, flows=ALL)
    assert found.population.dims == ("county", "group", "year", "sex", "age")
    for county in rates.county.values:
        one = rates.sel(county=county)
        lists = {n: one[n].transpose("group", *[d for d in ("year", "sex", "age") if d in one[n].dims]).values for n in
                 ("baseline", "sx", "asfr", "srb", "in_migration", "out_rate")}  # fmt: skip
        moving = one.transition_rate.sel(from_group="migrant", to_group="local").values
        leaving = lists["out_rate"].copy()
        leaving[1] += moving
        people, births = [], []
        before = lists["baseline"].tolist()
        for year in range(rates.sizes["year"]):  # the twin's shares do not vary by year: one year at a time
            share = np.zeros((2, 2, 2, AGES))
            share[1, 0] = moving[year] / leaving[1, year]
            slices = [lists[n][:, [year]].tolist() for n in ("sx", "asfr", "srb", "in_migration")]
            after, born = oracle.project_units(
                before,
                *slices,
                leaving[:, [year]].tolist(),
                share.tolist(),
                rates.newborn_share.values.tolist(),
                timing,
            )
            before = [unit[1] for unit in after]
            people.append(before)
            births.append([unit[0] for unit in born])
        now = found.sel(county=county).isel(year=slice(1, None))
        np.testing.assert_allclose(now.population.transpose("year", "group", "sex", "age"), people, rtol=1e-12)
        np.testing.assert_allclose(now.births.transpose("year", "group", "sex"), births, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), timing=st.sampled_from(list(TIMINGS)))
def test_who_leaves_one_county_arrives_in_another(seed: int, timing: str) -> None:
    rates = with_destinations(gross_rates(seed), seed)
    found = project_population(rates, timing, flows=ALL).isel(year=slice(1, None))
    arriving = found.in_migration - rates.in_migration
    inside = rates.destination_share.sel(destination=rates.county.values).rename(origin="county")
    sent = (found.out_migration * inside).sum("county").rename(destination="county")
    xr.testing.assert_allclose(arriving.transpose(*sent.dims), sent, rtol=1e-9)
    staying = inside.sum("destination")
    by_age = (found.out_migration * staying).sum("county") - arriving.sum("county")
    assert float(abs(by_age).max()) < 1e-9 * float(found.population.sum())


def test_all_inside_and_nobody_from_outside_is_closed_in_sum() -> None:
    """Flows inside the region cancel: with `end` timing its total changes by births less deaths alone."""
    rates = gross_rates(3)
    rates["in_migration"] = xr.zeros_like(rates.in_migration)
    rates = with_destinations(rates, 3)
    share = rates.destination_share.copy()
    share.loc[{"destination": "outside"}] = 0.0
    rates["destination_share"] = share / share.sum("destination")
    found = project_population(rates, "end", flows=ALL)
    total = found.population.sum(["county", "sex", "age"]).diff("year")
    natural = (found.births.sum("sex") - found.deaths.sum(["sex", "age"])).sum("county").isel(year=slice(1, None))
    np.testing.assert_allclose(total, natural, rtol=1e-9)


def test_groups_add_up_to_one_county_where_rates_are_shared() -> None:
    """Split people, common rates, free moves between the groups: the sum is the county without groups."""
    whole = gross_rates(4)
    parts = whole.assign(
        baseline=whole.baseline * xr.DataArray([0.3, 0.7], dims="group", coords={"group": GROUPS}),
        in_migration=whole.in_migration * xr.DataArray([0.5, 0.5], dims="group", coords={"group": GROUPS}),
    )
    pairs = {"from_group": GROUPS, "to_group": GROUPS}
    moves = xr.DataArray(np.zeros((2, 2, 2, AGES)), dims=("from_group", "to_group", "sex", "age"), coords=pairs)
    moves[1, 0] = 0.1
    together = project_population(parts.assign(transition_rate=moves), "mid", flows=ALL)
    alone = project_population(whole, "mid", flows=ALL)
    np.testing.assert_allclose(together.population.sum("group"), alone.population, rtol=1e-12)


def test_net_rates_are_limited_and_what_is_clipped_is_counted() -> None:
    rates = random_rates(5)
    rate = xr.full_like(rates.net_migration, -0.95)
    found = project_population(rates.drop_vars("net_migration").assign(net_migration_rate=rate), "end", flows=ALL)
    check_balance(found)
    after = found.isel(year=slice(1, None))
    assert float((after.clipped / (after.out_migration + after.clipped)).min()) == pytest.approx(0.15 / 0.95)
    gentle = project_population(rates.drop_vars("net_migration").assign(net_migration_rate=rate * 0 + 0.01), "end")
    assert float(gentle.clipped.sum()) == 0
    assert float(gentle.net_migration.sum()) > 0


def test_trajectories_are_independent_and_threads_change_no_bit() -> None:
    rates = with_destinations(gross_rates(6, counties=4, years=8), 6)
    level = xr.DataArray([0.5, 1.0, 1.5], dims="trajectory", coords={"trajectory": [0, 1, 2]})
    many = rates.assign(in_migration=rates.in_migration * level)
    one, two = (project_population(many, "mid", threads=n) for n in (1, 2))
    xr.testing.assert_identical(one, two)
    alone = project_population(rates.assign(in_migration=rates.in_migration * 1.5), "mid")
    np.testing.assert_array_equal(one.population.isel(trajectory=2), alone.population)
    assert float(abs(balance_residual(one)).max()) < 1e-9
    net = random_rates(7, counties=60, years=50)
    wide = net.assign(net_migration=net.net_migration * level)
    xr.testing.assert_identical(project_population(wide, threads=1), project_population(wide, threads=2))


def test_newborn_shares_may_differ_by_county_and_trajectory() -> None:
    rates = with_groups(10)
    base = rates.newborn_share
    flip = xr.DataArray([[1.0, 0.0], [1.0, 0.0]], dims=base.dims, coords=base.coords)
    county = xr.DataArray(rates.county.values, dims="county", name="county")
    by_county = project_population(rates.assign(newborn_share=xr.concat([base, flip], county)), "mid")
    for code, share in zip(rates.county.values, (base, flip), strict=True):
        alone = project_population(rates.assign(newborn_share=share), "mid")
        np.testing.assert_array_equal(by_county.population.sel(county=code), alone.population.sel(county=code))
    paths = xr.DataArray([0, 1], dims="trajectory", name="trajectory")
    many = project_population(rates.assign(newborn_share=xr.concat([base, flip], paths)), "mid")
    alone = project_population(rates.assign(newborn_share=flip), "mid")
    np.testing.assert_array_equal(many.population.isel(trajectory=1), alone.population)


def test_faults_are_named() -> None:
    rates = with_destinations(gross_rates(8), 8)
    with pytest.raises(InputRefused, match="one form only"):
        project_population(rates.assign(net_migration=rates.in_migration))
    with pytest.raises(InputRefused, match="in_migration"):
        project_population(rates.drop_vars("in_migration"))
    with pytest.raises(InputRefused, match="sum to 1"):
        project_population(rates.assign(destination_share=rates.destination_share * 0.9))
    with pytest.raises(InputRefused, match="diagonal"):
        share = rates.destination_share.copy()
        share.loc[{"destination": "outside"}] = 0.0
        share.loc[{"origin": "c0", "destination": "c0"}] = 1 - share.sel(origin="c0").sum("destination")
        share.loc[{"origin": ["c1", "c2"], "destination": "outside"}] = (
            1 - share.sel(origin=["c1", "c2"]).sum("destination")
        ).values
        project_population(rates.assign(destination_share=share))
    with pytest.raises(InputRefused, match="c1"):
        project_population(
            rates.assign(
                destination_share=rates.destination_share.rename(destination="d")
                .drop_sel(d="c1")
                .rename(d="destination")
            )
        )
    crowded = with_groups(9)
    with pytest.raises(InputRefused, match="out_rate \\+ transition_rate"):
        project_population(
            crowded.assign(
                transition_rate=crowded.transition_rate * 0 + xr.where(crowded.transition_rate > 0, 0.9, 0.0)
            )
        )
    with pytest.raises(UsageError, match="in_migration"):
        project_population(random_rates(1), flows=("in_migration",))
    with pytest.raises(UsageError, match="age of asfr"):
        project_population(random_rates(1).assign_attrs(asfr_age="birthday"))
