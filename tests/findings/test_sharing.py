"""One short while another has room: by hand on small cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast import read_region, read_scenario, run_forecast
from forecast.demand import read_models
from forecast.errors import InputRefused
from forecast.findings.read import read_rules
from forecast.findings.sharing import (
    counter_phase,
    cross_service,
    find_sharing,
    floor_areas,
    follow_on,
    within_reach,
)

YEARS = [2024, 2025, 2026, 2027]
RULES = read_rules().sharing


def gap(values: dict[tuple[str, str], list[float]]) -> xr.DataArray:
    index = pd.MultiIndex.from_tuples(values, names=["county", "service"])
    table = pd.DataFrame(list(values.values()), index=index, columns=pd.Index(YEARS, name="year")).stack()
    return table.to_xarray().transpose("county", "year", "service")


WAYS = pd.DataFrame({"county_a": ["A", "B", "A"], "county_b": ["B", "C", "C"], "minutes": [30.0, 50.0, 20.0]})
SCHOOLS = {
    ("A", "school"): [-10.0, -20, 0, 30],
    ("B", "school"): [5.0, 50, 50, -40],
    ("C", "school"): [100.0, 100, 100, 100],
}


def test_pairs_share_what_one_lacks_and_the_other_has() -> None:
    found = counter_phase(gap(SCHOOLS), WAYS, limit=45, often=0.5).set_index(["short_county", "spare_county"])
    assert set(found.index) == {("A", "B"), ("B", "A"), ("A", "C")}  # B and C are 50 minutes apart
    assert found.loc[("A", "B"), "place_years"] == 5 + 20
    assert found.loc[("A", "C"), ["place_years", "first_year", "last_year"]].tolist() == [30, 2024, 2025]
    assert found.loc[("B", "A"), ["place_years", "first_year", "minutes"]].tolist() == [30, 2027, 30]
    assert (found["probability"] == 1).all()
    assert counter_phase(gap(SCHOOLS), WAYS, limit=45, often=0.5)["place_years"].is_monotonic_decreasing


def test_trajectories_give_the_mean_and_the_share() -> None:
    one = gap(SCHOOLS)
    both = xr.concat([one, one, one.where(one.county != "A", 0.0)], "trajectory")
    found = counter_phase(both, WAYS, limit=25, often=0.5).set_index(["short_county", "spare_county"])
    assert found.loc[("A", "C"), "place_years"] == pytest.approx(20)
    assert found.loc[("A", "C"), "probability"] == pytest.approx(2 / 3)


def test_unknown_years_and_counties() -> None:
    one = gap(SCHOOLS)
    assert counter_phase(one.where(one.year != 2025), WAYS, 25, 0.5)["place_years"].tolist() == [10]
    with pytest.raises(InputRefused, match="C"):
        counter_phase(one.sel(county=["A", "B"]), WAYS, 25, 0.5)
    assert counter_phase(one, WAYS, 5, 0.5).empty


def test_the_table_of_neighbours_says_how_far_is_measured() -> None:
    roads = WAYS.rename(columns={"minutes": "seat_km"})  # 30, 50 and 20 km, of which 30 are within reach
    found, by = within_reach(gap(SCHOOLS), roads, RULES) or (pd.DataFrame(), "")
    assert by == "seat_km"
    assert set(zip(found["short_county"], found["spare_county"], strict=True)) == {("A", "B"), ("B", "A"), ("A", "C")}
    assert found.set_index(["short_county", "spare_county"]).loc[("A", "C"), "seat_km"] == 20
    both, by = within_reach(gap(SCHOOLS), roads.assign(minutes=[10.0, np.nan, 90.0]), RULES) or (pd.DataFrame(), "")
    assert by == "minutes"
    assert set(both["short_county"] + both["spare_county"]) == {"AB", "BA"}  # not known is not near
    elsewhere = roads.assign(county_a="X")
    assert (within_reach(gap(SCHOOLS), elsewhere, RULES) or (pd.DataFrame([1]), ""))[0].empty
    assert within_reach(gap(SCHOOLS), None, RULES) is None
    assert within_reach(gap(SCHOOLS), WAYS[["county_a", "county_b"]], RULES) is None


def test_floor_areas_are_those_of_the_standards() -> None:
    models = read_models()
    floors = floor_areas(models)
    assert floors["primary_school"] == 7.9
    assert set(floors) == {name for name, model in models.items() if model.standard("floor_area")}


def test_what_may_move_in_is_said_by_what_moves_in() -> None:
    assert follow_on(read_models()) == [
        ("kindergarten", "nursery"),
        ("primary_school", "nursery"),
        ("primary_school", "care_beds"),
        ("junior_school", "senior_school"),
        ("junior_school", "care_beds"),
        ("senior_school", "care_beds"),
    ]


def test_one_service_empties_while_another_is_short() -> None:
    values = {("A", "kindergarten"): [-5.0, 10, 20, 40], ("A", "nursery"): [-10.0, -10, -30, 5]}
    floors, pairs = {"kindergarten": 8.0, "nursery": 10.0}, follow_on(read_models())
    found = cross_service(gap(values), floors, pairs)
    assert found.pair.values.tolist() == ["kindergarten > nursery"]
    np.testing.assert_array_equal(found.area.sel(county="A").squeeze(), [0, 80, 160, 0])
    np.testing.assert_array_equal(found.probability.sel(county="A").squeeze(), [0, 1, 1, 0])
    unknown = cross_service(gap(values).where(gap(values).year != 2025), floors, pairs)
    assert unknown.area.sel(year=2025).isnull().all()
    assert cross_service(gap(values), {"kindergarten": 8.0}, pairs).sizes["pair"] == 0


def test_a_run_holds_what_its_table_of_neighbours_shares_from_the_decision_on() -> None:
    """The same as asked anew; without a table of neighbours there are no pairs."""
    region = read_region("wenzhou")
    run = run_forecast(region, read_scenario("baseline", {"horizon": 2034}), now=2027)
    gap = run.flags.gap.sel(county=region.counties.index.tolist(), year=slice(2027, None))
    assert run.sharing.floor_area == floor_areas(run.models)
    asked_anew = cross_service(gap, run.sharing.floor_area, follow_on(run.models))
    xr.testing.assert_identical(run.sharing.follow_on_area, asked_anew)
    asked = within_reach(gap, region.tables.get("neighbours"), RULES)
    assert (asked is None) == (run.sharing.pairs is None)
    if asked is not None:
        pd.testing.assert_frame_equal(run.sharing.pairs, asked[0])
        assert run.sharing.by == asked[1]
    alone = replace(region, tables={name: one for name, one in region.tables.items() if name != "neighbours"})
    assert find_sharing(run.flags, run.models, alone, RULES).pairs is None
