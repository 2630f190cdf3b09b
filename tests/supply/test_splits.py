"""If a larger area's supply lay as one rule or another has it: shares add up, and only what all rules agree on is said."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.demand import read_models
from forecast.errors import InputRefused
from forecast.supply.splits import RULES, gaps_if_split
from forecast.supply.standing import estimate_supply
from tests.demand.test_model import people, sources
from tests.supply.test_standing import TIERS, TWO, Tiers, table

MODELS = {name: model for name, model in read_models().items() if name in ("primary_school", "hospital_beds")}
BOTH = sources(("supply", "", "ledger", "published"))
YEARS = range(2018, 2031)


def everyone(counties: tuple[str, ...] = ("01", "02")) -> xr.Dataset:
    """County 01 has a quarter of the pupils, a third of the children and half of all residents."""
    found = people(YEARS, ("01",)).population
    persons = xr.concat([found] * len(counties), xr.IndexVariable("county", list(counties)))
    pupils, children = (persons.age >= 6) & (persons.age <= 11), persons.age <= 17
    times = xr.where(pupils, 3.0, xr.where(children, 1.5, 0.8))
    first = (persons.county == counties[0]).broadcast_like(persons)
    return xr.Dataset({"population": persons.where(first, persons * times)})


def need(counties: tuple[str, ...] = ("01", "02"), by_county: tuple[float, ...] = (400.0, 600.0)) -> xr.Dataset:
    values = np.broadcast_to(np.array(by_county)[:, None, None], (len(counties), len(YEARS), len(MODELS)))
    demand = xr.DataArray(
        values, {"county": list(counties), "year": list(YEARS), "service": list(MODELS)}, ("county", "year", "service")
    )
    return xr.Dataset({"demand": demand, "demand_norm": demand * np.nan})


def split(*figures: tuple[str, int, float] | tuple[str, int, float, str], of: str = "primary_school") -> xr.Dataset:
    region = Tiers({"supply": table(*figures).assign(service=of), "sources": BOTH}, {"supply_split": {"year": 2020}})
    region.members = TWO
    supply = estimate_supply(region, MODELS, YEARS)
    return gaps_if_split(region, supply, need(), everyone(), MODELS)


def at(found: xr.Dataset, county: str, service: str = "primary_school", year: int = 2026) -> list[float]:
    values: list[float] = found.gap_if_split.sel(county=county, service=service, year=year).values.tolist()
    return values


def test_each_rule_lays_the_whole_as_it_says() -> None:
    found = split(("9900", 2022, 1000.0))
    ages, children, residents, load = at(found, "01")
    assert ages == pytest.approx(1000 * 1 / 4 - 400)
    assert load == pytest.approx(1000 * 0.4 - 400)
    assert ages < children < residents
    whole = found.gap_if_split.sum("county").sel(service="primary_school", year=2026)
    assert whole.values == pytest.approx([0.0] * len(RULES), abs=1e-9)


def test_rules_that_disagree_leave_no_sign_and_those_that_agree_leave_one() -> None:
    """1,000 places for 1,000 pupils: the rules disagree. 3,000 places: to spare everywhere. 200: short everywhere."""
    for stands, sign in ((1000.0, 0), (3000.0, 1), (200.0, -1)):
        found = split(("9900", 2022, stands)).sign_if_split.sel(service="primary_school")
        assert found.sel(year=2026).values.tolist() == [sign, sign]
        assert found.sel(year=2021).isnull().all()


def test_a_gap_inside_the_tolerance_has_no_sign() -> None:
    region = Tiers({"supply": table(("9900", 2022, 1040.0)), "sources": BOTH}, {"supply_split": {"year": 2020}})
    supply = estimate_supply(region, MODELS, YEARS)
    even = people(YEARS)  # 01 has a quarter of everyone, whatever the rule
    found = gaps_if_split(region, supply, need(by_county=(250.0, 750.0)), even, MODELS)
    assert set(found.sign_if_split.sel(service="primary_school", year=2026).values.tolist()) == {0}
    assert np.allclose(found.gap_if_split.sel(service="primary_school", year=2026, county="01"), 10.0)


def test_children_share_no_beds() -> None:
    found = split(("9900", 2022, 1000.0), of="hospital_beds")
    assert np.isnan(at(found, "01", "hospital_beds")[RULES.index("children")])
    assert np.isfinite(at(found, "01", "hospital_beds")).sum() == 3
    assert bool(found.gap_if_split.sel(service="primary_school").isnull().all())


def test_a_county_that_is_known_keeps_its_own_and_takes_from_the_rest() -> None:
    found = split(("9900", 2022, 1000.0), ("01", 2024, 700.0))
    assert np.isnan(at(found, "01")).all()
    assert at(found, "02") == pytest.approx([300 - 600] * len(RULES))
    assert np.isfinite(at(found, "01", year=2023)).all()
    more = split(("9900", 2022, 1000.0), ("01", 2024, 1700.0))
    assert np.isnan(at(more, "02")).all()  # nothing would be left


def test_nothing_is_laid_where_all_is_known_or_the_kind_allows_no_gap() -> None:
    assert not split(("01", 2022, 500.0), ("02", 2022, 700.0))
    assert not split(("9900", 2022, 1000.0, "ratio"))
    assert not split(("01", 2022, 500.0))
    assert split(("9900", 2022, 1000.0, "rolls"))


def test_of_several_tiers_the_smaller_areas_come_first() -> None:
    region = Tiers({"supply": table(("P", 2022, 900.0), ("9900", 2022, 2000.0)), "sources": BOTH})
    region.members, region.settings = TIERS, {"supply_split": {"year": 2020}}
    counties = tuple(TIERS["9900"])
    supply = estimate_supply(region, MODELS, YEARS)
    found = gaps_if_split(region, supply, need(counties, (100.0,) * 4), everyone(counties), MODELS)
    laid = found.gap_if_split.sel(service="primary_school", year=2026) + 100
    assert laid.sel(county=["01", "02"]).sum("county").values == pytest.approx([900] * 4)
    assert laid.sel(county=["03", "04"]).sum("county").values == pytest.approx([1100] * 4)


def test_the_order_of_counties_does_not_matter() -> None:
    figures = table(("9900", 2022, 1000.0))
    both = []
    for order in (["01", "02"], ["02", "01"]):
        region = Tiers({"supply": figures, "sources": BOTH}, {"supply_split": {"year": 2020}})
        region.members = {"9900": order}
        supply = estimate_supply(region, MODELS, YEARS)
        here = gaps_if_split(region, supply, need().sel(county=order), everyone().sel(county=order), MODELS)
        both.append(here.sel(county=["01", "02"]))
    xr.testing.assert_allclose(*both)


def test_a_year_or_a_county_without_people_is_told() -> None:
    region = Tiers({"supply": table(("9900", 2022, 1000.0)), "sources": BOTH}, {"supply_split": {"year": 2010}})
    supply = estimate_supply(region, MODELS, YEARS)
    with pytest.raises(InputRefused, match=r"E422.*2010"):
        gaps_if_split(region, supply, need(), everyone(), MODELS)
    region.settings = {"supply_split": {"year": 2020}}
    with pytest.raises(InputRefused, match=r"E423.*02"):
        gaps_if_split(region, supply, need(), everyone().sel(county=["01"]), MODELS)
