"""What is short or empty, by county and by area, and where nothing may be said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.basics.areas import Areas, with_areas
from forecast.demand import estimate_demand, read_models
from forecast.errors import UsageError
from forecast.supply.claims import claims
from forecast.supply.gap import compare_areas, compare_supply
from forecast.supply.standing import estimate_supply
from tests.demand.test_model import StandIn, people
from tests.supply.test_standing import PUBLISHED, table

MODELS = read_models()


# --- gaps -----------------------------------------------------------------------------------------------------------


def pair(demand: list[float], supply: list[float]) -> tuple[xr.Dataset, xr.Dataset]:
    coords = {"county": ["01"], "year": range(2025, 2025 + len(demand)), "service": ["s"]}
    dims = ("county", "year", "service")
    need = xr.DataArray(np.reshape(demand, (1, -1, 1)).astype(float), dims=dims, coords=coords)
    have = xr.DataArray(np.reshape(supply, (1, -1, 1)).astype(float), dims=dims, coords=coords)
    return xr.Dataset({"demand": need, "demand_norm": 2 * need}), xr.Dataset({"supply": have})


def test_gap_is_surplus_when_positive_and_load_is_demand_over_supply() -> None:
    found = compare_supply(*pair([80, 120], [100, 100]))
    assert found["gap"].values.ravel().tolist() == [20, -20]
    assert found["load"].values.ravel().tolist() == [0.8, 1.2]
    assert compare_supply(*pair([80, 120], [100, 100]), view="norm")["gap"].values.ravel().tolist() == [-60, -140]


def test_nothing_standing_and_nothing_known_are_different_things() -> None:
    found = compare_supply(*pair([80, 0, 80], [0, 0, np.nan]))
    gap, load = found["gap"].values.ravel(), found["load"].values.ravel()
    assert gap[:2].tolist() == [-80, 0]
    assert np.isnan(gap[2])
    assert np.isinf(load[0])
    assert np.isnan(load[1:]).all()


def test_over_trajectories_the_share_that_is_short() -> None:
    demand, supply = pair([80, 120], [100, 100])
    four = xr.concat([demand * factor for factor in (0.5, 1.0, 1.1, 2.0)], dim="trajectory")
    found = compare_supply(four, supply)
    assert found["gap"].dims == ("trajectory", "county", "year", "service")
    assert found["p_short"].values.ravel().tolist() == [0.25, 0.75]
    close = xr.concat([demand * factor for factor in (1.25, 1.31, 1.35, 2.0)], dim="trajectory").sel(year=[2025])
    assert compare_supply(close, supply.sel(year=[2025]))["p_short"].item() == 0.5  # 100, 104.8, 108, 160 of 100 places
    assert found["gap_quantile"].sel(quantile=0.5).values.ravel() == pytest.approx([16, -26])
    unknown = compare_supply(four, supply.where(supply["year"] > 2025))
    assert np.isnan(unknown["p_short"].values.ravel()[0])


def test_labels_that_differ_and_unknown_views_are_refused() -> None:
    demand, supply = pair([80, 120], [100, 100])
    with pytest.raises(ValueError, match="year"):
        compare_supply(demand, supply.isel(year=[0]))
    with pytest.raises(UsageError, match="E431"):
        compare_supply(demand, supply, view="wish")


def test_demand_and_supply_of_all_services_meet() -> None:
    rows = pd.concat([table(("01", 2020, 40.0), ("02", 2020, 40.0))]).assign(service="nursery")
    everyone, region = people(), StandIn({"supply": rows, "sources": PUBLISHED})
    supply = estimate_supply(region, MODELS, everyone.year.values)
    need = estimate_demand(everyone, MODELS)
    found = compare_supply(need, supply)
    assert found["gap"].sel(service="nursery", year=2025).notnull().all()
    assert found["gap"].sel(service="care_beds").isnull().all()
    assert compare_areas(need, supply, region.areas)["gap_of_area"].sel(service="nursery", year=2025).notnull().all()


# --- by area: net and gross -----------------------------------------------------------------------------------------

AREAS = Areas("9900", {"9900": ["01", "02"]})


def compared(
    need: tuple[float, float], stands: tuple[float, float, float] | None, kinds: tuple[str, str, str]
) -> xr.Dataset:
    """Two counties and their whole in one year; stands: of the counties and the whole."""
    dims, places = ("area", "year", "service"), AREAS.places
    demand = xr.DataArray(
        np.reshape(need, (2, 1, 1)).astype(float),
        {"county": places[:2], "year": [2026], "service": ["s"]},
        ("county", *dims[1:]),
    )
    have = xr.DataArray(
        np.reshape(stands, (3, 1, 1)).astype(float), {"area": places, "year": [2026], "service": ["s"]}, dims
    )
    supply = xr.Dataset({"supply_of_area": have, "supply_kind": (("area", "service"), np.reshape(kinds, (3, 1)))})
    return compare_areas(xr.Dataset({"demand": demand, "demand_norm": 2 * demand}), supply, AREAS).squeeze(drop=True)


def test_what_one_county_lacks_is_not_made_good_by_another() -> None:
    """Short 10,000 beside 12,000 to spare: 10,000 missing and 12,000 idle; 2,000 is only the net."""
    found = compared((30_000, 20_000), (20_000, 32_000, 52_000), ("recorded",) * 3)
    assert found.gap_of_area.values.tolist() == [-10_000, 12_000, 2_000]
    assert found.missing_of_area.values.tolist() == [10_000, 0, 10_000]
    assert found.idle_of_area.values.tolist() == [0, 12_000, 12_000]
    assert found.parts_known.values.tolist() == [False, False, True]


def test_one_county_unknown_makes_the_whole_unknown_never_balanced() -> None:
    found = compared((30_000, 20_000), (20_000, np.nan, np.nan), ("recorded", "none", "none"))
    for name in ("gap_of_area", "missing_of_area", "idle_of_area"):
        assert np.isnan(found[name].values).tolist() == [False, True, True], name
    assert not found.parts_known.any()


def test_of_a_split_city_only_the_net_is_known() -> None:
    found = compared((30_000, 20_000), (np.nan, np.nan, 52_000), ("split", "split", "recorded"))
    assert np.isnan(found.gap_of_area.values).tolist() == [True, True, False]
    assert (float(found.missing_of_area[2]), float(found.idle_of_area[2])) == (0, 2_000)
    assert not found.parts_known.any()


@pytest.mark.parametrize("kind", claims())
def test_there_is_a_gap_only_where_the_kind_allows_one(kind: str) -> None:
    found = compared((30.0, 20.0), (20.0, 32.0, 52.0), (kind,) * 3)
    allowed = claims()[kind].words != "need"
    for name in ("gap_of_area", "missing_of_area", "idle_of_area"):
        assert found[name].notnull().values.tolist() == [allowed] * 3, name
    assert bool(found.parts_known.any()) == allowed
    demand, supply = pair([80], [100])
    held = supply.assign(supply_kind=(("area", "service"), [[kind]])).assign_coords(area=["01"])
    assert bool(compare_supply(demand, held)["gap"].notnull().all()) == allowed
    assert bool(compare_supply(demand, held)["load"].notnull().all()) == allowed
    assert compare_supply(demand, held)["supply"].item() == 100


def test_gaps_add_up_and_are_what_is_idle_less_what_is_missing() -> None:
    rng = np.random.default_rng(3)
    counties = [f"{n:02d}" for n in range(1, 7)]
    areas = Areas("9900", {"P": counties[:2], "Q": counties[2:], "9900": counties})
    coords = {"county": counties, "year": [2026, 2027], "service": ["s", "t"]}
    need, have = (xr.DataArray(rng.uniform(0, 100, (6, 2, 2)), coords, tuple(coords)) for _ in range(2))
    kinds = np.full((9, 2), "recorded", dtype=object)
    supply = xr.Dataset({"supply_of_area": with_areas(have, areas).rename(county="area")})
    supply = supply.assign(supply_kind=(("area", "service"), kinds))
    demand = xr.Dataset({"demand": need, "demand_norm": need})
    found = compare_areas(demand, supply, areas)
    xr.testing.assert_allclose(found.gap_of_area, found.idle_of_area - found.missing_of_area)
    for name in ("gap_of_area", "missing_of_area", "idle_of_area"):
        for area, inside in areas.members.items():
            xr.testing.assert_allclose(found[name].sel(area=area, drop=True), found[name].sel(area=inside).sum("area"))
    assert bool(found.parts_known.sel(area=["P", "Q", "9900"]).all())
    turned = compare_areas(
        demand.sel(county=counties[::-1]),
        supply.sel(area=[*counties[::-1], "P", "Q", "9900"]),
        Areas("9900", areas.members | {"9900": counties[::-1]}),
    )
    xr.testing.assert_allclose(turned.sel(area=found.area), found)
