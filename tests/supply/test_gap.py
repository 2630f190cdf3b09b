"""Supply by county from figures for the city, projects, and what is short or empty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.demand import estimate_demand, read_models
from forecast.errors import InputRefused, UsageError
from forecast.supply.gap import compare_supply
from forecast.supply.standing import NO_SUPPLY, estimate_supply
from tests.demand.test_model import StandIn, people, sources

MODELS = read_models()
PRIMARY = {"primary_school": MODELS["primary_school"]}
PUBLISHED = sources(("supply", "", "local ledger", "published"), ("projects", "", "plan", "published"))


def table(*rows: tuple[str, int, str, float]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["county", "year", "service", "capacity"])
    return found.assign(unit="places", row=range(2, len(rows) + 2))


def region(supply: pd.DataFrame, projects: pd.DataFrame | None = None) -> StandIn:
    tables = {"supply": supply, "sources": PUBLISHED}
    settings = {"derivation": {"census_years": [2010, 2020]}}
    return StandIn(tables if projects is None else tables | {"projects": projects}, settings)


def by_year(found: xr.Dataset, county: str, variable: str = "supply") -> dict[int, float]:
    values = found[variable].sel(county=county, service="primary_school")
    return dict(zip(values["year"].values.tolist(), values.values.tolist(), strict=True))


def test_a_city_figure_is_split_by_the_residents_of_the_ages_at_the_census() -> None:
    """County 02 has three quarters of the children of 2020; that it doubles later does not matter."""
    grown = people()
    later = (grown["year"] > 2020) & (grown["county"] == "02")
    grown["population"] = grown["population"].where(~later, grown["population"] * 2)
    found = estimate_supply(region(table(("9900", 2022, "primary_school", 4000.0))), PRIMARY, grown)
    assert np.isnan(by_year(found, "01")[2021])
    assert by_year(found, "01")[2022] == pytest.approx(1000)
    assert by_year(found, "02")[2030] == pytest.approx(3000)
    assert found["basis"].item() == "assumed"
    assert found["supply"].dims == ("county", "year", "service")


def test_a_figure_holds_until_the_next_and_a_countys_own_is_taken_as_it_is() -> None:
    rows = table(("01", 2020, "primary_school", 500.0), ("01", 2024, "primary_school", 700.0))
    found = estimate_supply(region(rows), PRIMARY, people())
    assert [by_year(found, "01")[year] for year in (2020, 2023, 2024, 2030)] == [500, 500, 700, 700]
    assert found["supply"].sel(county="02").isnull().all()
    assert found["basis"].item() == "published"


def test_the_rest_of_a_city_figure_goes_to_the_counties_without_one() -> None:
    rows = table(("9900", 2022, "primary_school", 4000.0), ("01", 2022, "primary_school", 1600.0))
    found = estimate_supply(region(rows), PRIMARY, people())
    assert (by_year(found, "01")[2022], by_year(found, "02")[2022]) == (1600, 2400)
    too_much = table(("9900", 2022, "primary_school", 1000.0), ("01", 2022, "primary_school", 1600.0))
    with pytest.raises(InputRefused, match=r"E421.*1600"):
        estimate_supply(region(too_much), PRIMARY, people())


def test_projects_add_from_their_year_until_a_figure_includes_them() -> None:
    rows = table(("01", 2020, "primary_school", 500.0), ("01", 2026, "primary_school", 900.0))
    projects = table(
        ("01", 2022, "primary_school", 100.0),
        ("01", 2024, "primary_school", -40.0),
        ("01", 2026, "primary_school", 300.0),
        ("01", 2028, "primary_school", 50.0),
    ).assign(name="p")
    found = estimate_supply(region(rows, projects), PRIMARY, people())
    supply = by_year(found, "01")
    assert [supply[year] for year in (2021, 2022, 2024, 2025, 2026, 2028)] == [500, 600, 560, 560, 900, 950]
    assert by_year(found, "01", "planned")[2028] == 50
    shared = table(("9900", 2022, "primary_school", 400.0)).assign(name="p")
    found = estimate_supply(region(table(("01", 2020, "primary_school", 500.0)), shared), PRIMARY, people())
    assert by_year(found, "01")[2022] == pytest.approx(600)
    assert found["basis"].item() == "assumed"


def test_without_figures_nothing_is_invented() -> None:
    found = estimate_supply(region(table(("01", 2020, "nursery", 5.0))), PRIMARY, people())
    assert found["supply"].isnull().all()
    assert found["basis"].item() == NO_SUPPLY
    with pytest.raises(InputRefused, match="2020"):
        estimate_supply(region(table(("01", 2020, "nursery", 5.0))), PRIMARY, people(range(2021, 2025)))


def test_the_sum_over_counties_is_the_citys_figure_for_every_service() -> None:
    rows = table(*[("9900", 2021, service, 1234.0 + n) for n, service in enumerate(MODELS)])
    found = estimate_supply(region(rows), MODELS, people())
    assert found["supply"].sel(year=2025).sum("county").values == pytest.approx([1234.0 + n for n in range(7)])


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
    rows = table(("9900", 2020, "nursery", 40.0))
    everyone = people()
    found = compare_supply(estimate_demand(everyone, MODELS), estimate_supply(region(rows), MODELS, everyone))
    assert found["gap"].sel(service="nursery", year=2025).notnull().all()
    assert found["gap"].sel(service="care_beds").isnull().all()
