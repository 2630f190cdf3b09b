"""Supply by county and by area: what is known of which place, of what kind; nothing is split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.basics.areas import Areas
from forecast.demand import read_models
from forecast.errors import InputRefused
from forecast.supply.claims import claims
from forecast.supply.standing import KINDS, NO_SUPPLY, estimate_supply
from tests.demand.test_model import StandIn, sources

MODELS = read_models()
PRIMARY = {"primary_school": MODELS["primary_school"]}
PUBLISHED = sources(("supply", "", "local ledger", "published"), ("projects", "", "plan", "published"))
YEARS = range(2018, 2041)
TWO = {"9900": ["01", "02"]}
TIERS = {"P": ["01", "02"], "Q": ["03", "04"], "9900": ["01", "02", "03", "04"]}
"""Two prefectures of two counties each, and the whole."""


class Tiers(StandIn):
    """A region with areas between the counties and the whole."""

    members: Mapping[str, list[str]] = TWO

    @property
    def areas(self) -> Areas:
        return Areas(self.area, dict(self.members))


Line = tuple[str, int, float] | tuple[str, int, float, str]


def table(*lines: Line) -> pd.DataFrame:
    """Place, year, capacity and, where it is no record, the kind."""
    rows = [(*line, "recorded")[:4] for line in lines]
    found = pd.DataFrame(rows, columns=["county", "year", "capacity", "kind"])
    return found.assign(service="primary_school", unit="places", row=range(2, len(rows) + 2))


def supply_of(
    *figures: Line, projects: tuple[Line, ...] = (), members: Mapping[str, list[str]] = TWO, rolls: object = None
) -> xr.Dataset:
    """Supply of primary schools, without the dimension `service`."""
    tables = {"sources": PUBLISHED} | ({"supply": table(*figures)} if figures else {})
    tables |= {"projects": table(*projects).drop(columns="kind").assign(name="p")} if projects else {}
    region = Tiers(tables)
    region.members = members
    return estimate_supply(region, PRIMARY, YEARS, rolls).squeeze("service", drop=True)


def at(found: xr.Dataset, place: str, *years: int, of: str = "supply") -> list[float]:
    return [float(found[f"{of}_of_area"].sel(area=place, year=year)) for year in years]


def kinds_of(found: xr.Dataset) -> dict[str, str]:
    return dict(zip(found.area.values.tolist(), found.supply_kind.values.tolist(), strict=True))


def counted(**rolls: dict[int, float]) -> xr.DataArray:
    """Pupils counted by place ("c01" is county 01) and year."""
    places = [*TWO["9900"], "9900"]
    values = [[rolls.get(f"c{place}", {}).get(year, np.nan) for year in YEARS] for place in places]
    return xr.DataArray(values, {"area": places, "year": list(YEARS)}, ("area", "year")).expand_dims(
        service=["primary_school"]
    )


# --- what is known of whom ----------------------------------------------------------------------------------------


def test_a_city_figure_is_the_citys_alone() -> None:
    found = supply_of(("9900", 2022, 4000.0))
    assert at(found, "9900", 2021, 2022, 2040)[1:] == [4000, 4000]
    assert np.isnan(at(found, "9900", 2021)[0])
    assert bool(found.supply.isnull().all())
    assert kinds_of(found) == {"01": "split", "02": "split", "9900": "recorded"}
    assert found.supply.dims == ("county", "year")
    assert found.supply_of_area.dims == ("area", "year")


def test_a_figure_holds_until_the_next_and_one_county_is_not_the_whole() -> None:
    found = supply_of(("01", 2020, 500.0), ("01", 2024, 700.0))
    assert at(found, "01", 2020, 2023, 2024, 2030) == [500, 500, 700, 700]
    assert np.isnan(at(found, "02", 2030) + at(found, "9900", 2030)).all()
    assert kinds_of(found) == {"01": "recorded", "02": "none", "9900": "none"}


def test_four_of_five_counties_do_not_make_the_fifth() -> None:
    members = {"9900": ["01", "02", "03", "04", "05"]}
    four = [(f"0{n}", 2022, 100.0 * n) for n in range(1, 5)]
    alone = supply_of(*four, members=members)
    assert np.isnan(at(alone, "9900", 2030)[0])
    with_city = supply_of(*four, ("9900", 2022, 2000.0), members=members)
    assert at(with_city, "9900", 2030) == [2000]
    assert np.isnan(at(with_city, "05", 2030)[0])
    assert kinds_of(with_city)["05"] == "split"
    assert kinds_of(alone)["05"] == "none"


def test_the_sum_of_the_counties_wins_unless_one_is_older_than_the_areas_own_figure() -> None:
    city = ("9900", 2022, 4000.0)
    newer = supply_of(city, ("01", 2022, 1500.0), ("02", 2024, 2700.0))
    assert at(newer, "9900", 2022, 2023, 2024) == [4000, 4000, 4200]
    older = supply_of(city, ("01", 2020, 1500.0), ("02", 2024, 2700.0))
    assert at(older, "9900", 2020, 2022, 2024) == pytest.approx([np.nan, 4000, 4000], nan_ok=True)
    assert at(older, "02", 2023, 2024) == pytest.approx([np.nan, 2700], nan_ok=True)
    later = supply_of(("01", 2020, 1500.0), ("02", 2020, 2700.0), ("9900", 2030, 5000.0))
    assert at(later, "9900", 2029, 2030) == [4200, 5000]


def test_a_county_newer_than_its_area_is_known_from_its_year_on() -> None:
    found = supply_of(("9900", 2022, 4000.0), ("01", 2026, 1500.0))
    assert at(found, "01", 2025, 2026) == pytest.approx([np.nan, 1500], nan_ok=True)
    assert at(found, "9900", 2040) == [4000]
    assert kinds_of(found) == {"01": "recorded", "02": "split", "9900": "recorded"}


def test_several_tiers_add_up_from_whatever_is_known_of_each() -> None:
    by_prefecture = supply_of(("P", 2022, 900.0), ("03", 2022, 300.0), ("04", 2022, 500.0), members=TIERS)
    assert at(by_prefecture, "9900", 2030) == [1700]
    assert at(by_prefecture, "Q", 2030) == [800]
    assert kinds_of(by_prefecture) == dict.fromkeys(("01", "02"), "split") | dict.fromkeys(
        ("03", "04", "P", "Q", "9900"), "recorded"
    )
    whole = supply_of(("9900", 2022, 2000.0), ("P", 2022, 900.0), members=TIERS)
    assert kinds_of(whole) == dict.fromkeys(("01", "02", "03", "04", "Q"), "split") | dict.fromkeys(
        ("P", "9900"), "recorded"
    )
    renewed = supply_of(("P", 2022, 900.0), ("Q", 2022, 800.0), ("01", 2025, 500.0), ("02", 2025, 550.0), members=TIERS)
    assert at(renewed, "9900", 2024, 2025) == [1700, 1850]


def test_the_area_of_a_single_county_is_that_county() -> None:
    found = supply_of(("9900", 2022, 4000.0), members={"9900": ["01"]})
    assert at(found, "01", 2030) == at(found, "9900", 2030) == [4000]
    assert kinds_of(found) == {"01": "recorded", "9900": "recorded"}


def test_nothing_standing_is_known_to_be_nothing() -> None:
    found = supply_of(("01", 2022, 0.0), ("02", 2022, 0.0))
    assert at(found, "9900", 2030) == [0]
    assert kinds_of(found)["9900"] == "recorded"


def test_a_region_without_figures_has_none() -> None:
    found = supply_of()
    assert bool(found.supply_of_area.isnull().all())
    assert set(kinds_of(found).values()) == {"none"}
    assert found.basis.item() == NO_SUPPLY


# --- kinds --------------------------------------------------------------------------------------------------------


def test_a_sum_is_of_the_weakest_kind_of_its_parts() -> None:
    for weaker in ("rolls", "ratio"):
        found = supply_of(("01", 2022, 100.0), ("02", 2022, 200.0, weaker))
        assert kinds_of(found) == {"01": "recorded", "02": weaker, "9900": weaker}
    assert claims().keys() >= set(KINDS)


def test_the_weakest_kind_in_force_from_the_jump_off_year_on_is_told() -> None:
    """The jump-off year of the stand-in is 2023."""
    recorded_since = supply_of(("01", 2018, 100.0, "ratio"), ("01", 2023, 200.0))
    assert kinds_of(recorded_since)["01"] == "recorded"
    recorded_later = supply_of(("01", 2018, 100.0, "ratio"), ("01", 2026, 200.0))
    assert kinds_of(recorded_later)["01"] == "ratio"


def test_projects_without_a_figure_are_planned_alone() -> None:
    found = supply_of(projects=(("01", 2025, 300.0),))
    assert kinds_of(found) == {"01": "planned", "02": "none", "9900": "planned"}
    assert at(found, "01", 2025, of="planned") == [300]
    assert bool(found.supply_of_area.isnull().all())


# --- projects -----------------------------------------------------------------------------------------------------


def test_projects_add_from_their_year_until_a_figure_includes_them() -> None:
    projects = (("01", 2022, 100.0), ("01", 2024, -40.0), ("01", 2026, 300.0), ("01", 2028, 50.0))
    found = supply_of(("01", 2020, 500.0), ("01", 2026, 900.0), projects=projects)
    assert at(found, "01", 2021, 2022, 2024, 2025, 2026, 2028) == [500, 600, 560, 560, 900, 950]
    assert at(found, "01", 2028, of="planned") == [50]


def test_a_countys_project_adds_to_its_area_and_an_areas_project_to_the_area_alone() -> None:
    projects = (("01", 2025, 100.0), ("9900", 2026, 30.0))
    own = supply_of(("9900", 2022, 4000.0), projects=projects)
    assert at(own, "9900", 2024, 2025, 2026) == [4000, 4100, 4130]
    by_county = supply_of(("01", 2022, 500.0), ("02", 2022, 700.0), projects=projects)
    assert at(by_county, "9900", 2024, 2025, 2026) == [1200, 1300, 1330]
    assert at(by_county, "01", 2026) == [600]
    assert at(by_county, "9900", 2026, of="planned") == [130]


def test_more_cannot_close_than_stands() -> None:
    with pytest.raises(InputRefused, match=r"E424.*-100"):
        supply_of(("01", 2020, 500.0), projects=(("01", 2024, -600.0),))
    with pytest.raises(InputRefused, match="E424"):
        supply_of(("01", 2020, 500.0), ("02", 2020, 100.0), projects=(("9900", 2024, -700.0),))


# --- the most pupils ever held ------------------------------------------------------------------------------------


def test_a_larger_counted_roll_raises_what_was_ever_held_from_its_year_on() -> None:
    rolls = counted(c9900={2019: 3900.0, 2022: 4000.0, 2024: 4300.0, 2025: 4100.0}, c01={2024: 9999.0})
    found = supply_of(("9900", 2022, 4000.0, "rolls"), rolls=rolls)
    assert at(found, "9900", 2022, 2023, 2024, 2025, 2040) == [4000, 4000, 4300, 4300, 4300]
    earlier = supply_of(("9900", 2022, 3800.0, "rolls"), rolls=rolls)
    assert at(earlier, "9900", 2022) == [4000]  # counted in the same year
    recorded = supply_of(("9900", 2022, 4000.0), rolls=rolls)
    assert at(recorded, "9900", 2040) == [4000]


def test_a_roll_counts_what_projects_had_opened_by_then() -> None:
    projects = (("9900", 2023, 200.0), ("9900", 2026, 50.0))
    within = supply_of(
        ("9900", 2022, 4000.0, "rolls"), projects=projects, rolls=counted(c9900={2022: 4000.0, 2024: 4150.0})
    )
    assert at(within, "9900", 2022, 2023, 2024, 2026) == [4000, 4200, 4200, 4250]
    beyond = supply_of(("9900", 2022, 4000.0, "rolls"), projects=projects, rolls=counted(c9900={2024: 4300.0}))
    assert at(beyond, "9900", 2023, 2024, 2026) == [4200, 4300, 4350]


# --- whatever is given --------------------------------------------------------------------------------------------

COUNTIES = TIERS["9900"]
LINES = st.lists(
    st.tuples(
        st.sampled_from([*COUNTIES, *TIERS]),
        st.integers(2018, 2034),
        st.integers(0, 5000).map(float),
        st.sampled_from(KINDS),
    ),
    max_size=10,
    unique_by=lambda line: line[:2],
)


@given(LINES, st.permutations(COUNTIES))
def test_the_order_of_counties_and_of_lines_does_not_matter(lines: list[Line], order: list[str]) -> None:
    found = supply_of(*lines, members=TIERS)
    other = supply_of(*lines[::-1], members=TIERS | {"9900": order}).sel(area=found.area)
    xr.testing.assert_identical(found.supply_of_area, other.supply_of_area)
    assert kinds_of(found) == kinds_of(other)


@given(LINES)
def test_what_is_said_of_a_place_rests_on_that_place(lines: list[Line]) -> None:
    """A county is known where it has a figure of its own and nowhere else; an area's sum is the sum of known places; no
    kind is surer than what it rests on."""
    found = supply_of(*lines, members=TIERS)
    kinds = kinds_of(found)
    own = {place: [line for line in lines if line[0] == place] for place in found.area.values.tolist()}
    for county in COUNTIES:
        first = min((line[1] for line in own[county]), default=9999)
        assert found.supply.sel(county=county).notnull().values.tolist() == [year >= first for year in YEARS]
        if not own[county]:
            assert kinds[county] in ("split", "none")
            assert claims()[kinds[county]].words == "need"
    by_county = found.supply.sel(county=COUNTIES)
    for area, inside in TIERS.items():
        given_ = {(line[1], line[2]) for line in own[area]}
        for year in YEARS:
            value = at(found, area, year)[0]
            figure = max((pair for pair in given_ if pair[0] <= year), default=(None, np.nan))[1]
            parts = float(by_county.sel(county=inside, year=year).sum("county", skipna=False))
            if area in ("P", "Q"):
                assert value in (figure, parts) or (np.isnan(value) and np.isnan(figure) and np.isnan(parts))
        used = [
            line
            for line in lines
            if line[0] == area or line[0] in inside or set(TIERS.get(line[0], "x")) <= set(inside)
        ]
        if kinds[area] in KINDS:
            assert KINDS.index(kinds[area]) <= max(KINDS.index(line[3]) for line in used)
            assert any(line[3] == kinds[area] for line in used)
