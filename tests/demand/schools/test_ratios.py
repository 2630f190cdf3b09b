"""Pupils by every roll that is given: invariances of all forms first, then what bureaus' tables look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.basics.areas import Areas
from forecast.demand import (
    demand_factors,
    estimate_demand,
    observed_rolls,
    participation_ratios,
    ratio_table,
    read_models,
    with_overrides,
)
from forecast.demand.schools.ratio_paths import carry_ratio, own_level, ratio_path, trend_goes_on
from tests.demand.test_model import StandIn, sources

MODELS = read_models()
PUPILS = ["kindergarten", "primary_school", "junior_school", "senior_school"]
YEARS = range(2012, 2041)
JUMP_OFF = 2023
CITY, SMALL, LARGE = "9900", "01", "02"
GRADES = {"primary": range(1, 7), "junior": range(7, 10), "senior_general": range(10, 13)}

Row = tuple[str, int, str, str, str, float]


def people(sizes: tuple[float, float] = (1000.0, 3000.0)) -> xr.Dataset:
    """As many persons at every age, half of either sex, in every year: nothing changes."""
    coords = {"county": [SMALL, LARGE], "year": list(YEARS), "sex": ["female", "male"], "age": list(range(101))}
    size = np.broadcast_to(np.array(sizes)[:, None, None, None] / 2, [len(labels) for labels in coords.values()])
    return xr.Dataset({"population": (tuple(coords), size.copy())}, coords, {"jump_off_year": JUMP_OFF})


def region(rows: Iterable[Row], jump_off_year: int = JUMP_OFF) -> StandIn:
    """A city of two counties with these rows of enrolment: county, year, stage, grade, item, value."""
    table = pd.DataFrame(list(rows), columns=["county", "year", "stage", "grade", "item", "value"])
    tables = {
        "enrolment": table.assign(unit="pupils", row=2),
        "sources": sources(("enrolment", "", "bureau", "published")),
    }
    return StandIn(tables, jump_off_year=jump_off_year)


def whole_stages(years: Iterable[int]) -> list[Row]:
    """Rolls of the city: 95 % of kindergarten, all of primary and junior, 60 and 20 % of senior age."""
    rolls = {
        "kindergarten": 11400,
        "primary": 24000,
        "junior": 12000,
        "senior_general": 7200,
        "senior_vocational": 2400,
    }
    return [(CITY, year, stage, "all", "pupils", float(roll)) for year in years for stage, roll in rolls.items()]


def by_entrants(years: Iterable[int]) -> list[Row]:
    """The same with entrants and leavers of every stage, whose pupils stay."""
    rows = whole_stages(years)
    lasts = {"kindergarten": 3, "primary": 6, "junior": 3, "senior_general": 3, "senior_vocational": 3}
    moved = [(place, year, stage, "all", item, roll / lasts[stage])
             for place, year, stage, _, _, roll in rows for item in ("entrants", "leavers")]  # fmt: skip
    return [*rows, *moved]


def by_grade(years: Iterable[int]) -> list[Row]:
    size = {SMALL: 1000.0, LARGE: 3000.0}
    kept = {"primary": 1.0, "junior": 1.0, "senior_general": 0.8}
    return [
        (county, year, stage, str(grade), "pupils", size[county] * kept[stage])
        for county in size for year in years for stage, grades in GRADES.items() for grade in grades
    ]  # fmt: skip


FORMS: dict[str, tuple[Callable[[Iterable[int]], list[Row]], dict[str, str]]] = {
    "stage": (whole_stages, dict.fromkeys(PUPILS, "stage") | {"senior_school": "passage"}),
    "entrants": (by_entrants, dict.fromkeys(PUPILS, "entrants")),
    "grade": (by_grade, {"kindergarten": "stage", "primary_school": "grade", "junior_school": "grade"}),
}


def pupils(own: StandIn, of: xr.Dataset | None = None) -> xr.DataArray:
    """(county, year, service) of the schools."""
    found = estimate_demand(people() if of is None else of, MODELS, own)
    return found.pupils.sel(service=PUPILS).reset_coords(drop=True)


# --- invariances ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("years", [range(2017, 2023), range(2015, 2024), range(2016, 2026)])
def test_where_nothing_changes_pupils_stay_for_ever(form: str, years: range) -> None:
    rows, forms = FORMS[form]
    own = region(rows(years))
    found = estimate_demand(people(), MODELS, own)
    said = found.form.to_series()
    assert {name: said[name] for name in forms} == forms
    of_all = pupils(own).sel(service=list(forms) if form != "grade" else ["primary_school", "junior_school"])
    np.testing.assert_allclose(of_all / of_all.isel(year=0, drop=True), 1, rtol=1e-9)
    rolls = observed_rolls(own, MODELS, list(YEARS)).sel(service=of_all.service)
    counted = rolls.sel(area=own.areas.whole, drop=True)
    np.testing.assert_allclose(of_all.sum("county").where(counted.notnull()), counted, rtol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_parts_add_up_to_the_stage_and_counties_to_the_city(form: str) -> None:
    own = region(FORMS[form][0](range(2018, 2024)))
    found = estimate_demand(people(), MODELS, own)
    senior = found.pupils.sel(service="senior_school", drop=True)
    np.testing.assert_allclose(found.part_pupils.sum("part"), senior)
    if form != "grade":
        np.testing.assert_allclose(found.part_pupils.sel(part="senior_general"), senior * 0.75)


@pytest.mark.parametrize("form", ["stage", "grade"])
def test_a_roll_that_is_what_the_forecast_said_changes_nothing(form: str) -> None:
    """Rolls that scatter, then a further year just as foreseen: every later year stays."""
    rng = np.random.default_rng(3)
    rows = [(*row[:5], row[5] * rng.uniform(0.95, 1.05)) for row in FORMS[form][0](range(2018, 2024))]
    before = estimate_demand(people(), MODELS, region(rows))
    city = before.pupils.sum("county").sel(year=2024)
    parts = before.part_pupils.sum("county").sel(year=2024)
    said = {"kindergarten": "kindergarten", "primary": "primary_school", "junior": "junior_school"}
    new = [(CITY, 2024, stage, "all", "pupils", float(city.sel(service=service))) for stage, service in said.items()]
    new += [(CITY, 2024, part, "all", "pupils", float(parts.sel(part=part))) for part in parts.part.values]
    after = pupils(region([*rows, *new]))
    kept = [name for name in PUPILS if form != "grade" or name != "senior_school"]
    np.testing.assert_allclose(
        after.sel(service=kept, year=slice(2024, None)),
        before.pupils.sel(service=kept, year=slice(2024, None)),
        rtol=1e-6,
    )


@settings(max_examples=10, deadline=None)
@given(st.floats(0.7, 1.4), st.sampled_from([2024, 2025]), st.sampled_from(["stage", "grade"]))
def test_a_roll_after_the_jump_off_is_met_and_moves_later_years_its_way(change: float, year: int, form: str) -> None:
    rows = FORMS[form][0](range(2018, 2024))
    own, usual = region(rows), 24000.0
    new = region([*rows, (CITY, year, "primary", "all", "pupils", usual * change)])
    before, after = (pupils(each).sel(service="primary_school").sum("county") for each in (own, new))
    assert float(after.sel(year=year)) == pytest.approx(usual * change)
    later = (after / before).sel(year=slice(year, None))
    np.testing.assert_allclose(later, change, rtol=1e-9)
    np.testing.assert_allclose(after.sel(year=slice(None, 2023)), before.sel(year=slice(None, 2023)))


def test_rolls_that_end_before_the_jump_off_are_carried_through_it() -> None:
    own = region(whole_stages(range(2016, 2020)))
    found = estimate_demand(people(), MODELS, own).sel(service="primary_school")
    assert found["ratio_year"].sel(year=[2012, 2016, 2018, 2023, 2030], county=SMALL).values.tolist() == [
        2016, 2016, 2018, 2019, 2019,
    ]  # fmt: skip
    assert found.pupils.sum("county").values == pytest.approx(24000)


# --- passage ---------------------------------------------------------------------------------------------------------


def test_young_workers_are_no_pupils_and_migration_is_counted_once() -> None:
    """Twice the people of 15 to 17 in one county change no pupil; more children of 12 to 14 do, three years later."""
    own, usual = region(whole_stages(range(2018, 2024))), people()
    workers, children = usual.copy(deep=True), usual.copy(deep=True)
    workers.population.loc[{"county": SMALL, "age": slice(16, 19), "year": slice(2024, None)}] *= 2
    np.testing.assert_allclose(pupils(own, workers), pupils(own, usual))
    children.population.loc[{"county": SMALL, "age": slice(12, 15), "year": slice(2026, None)}] *= 1.5
    more = (pupils(own, children) / pupils(own, usual)).sel(county=SMALL, service="senior_school")
    np.testing.assert_allclose(more.sel(year=slice(None, 2028)), 1)
    np.testing.assert_allclose(more.sel(year=slice(2029, None)), 1.5)


def test_seniors_of_a_county_follow_its_own_juniors() -> None:
    juniors = [(SMALL, year, "junior", "all", "pupils", 1500.0) for year in range(2015, 2024)]
    found = pupils(region([*whole_stages(range(2018, 2024)), *juniors])).sel(year=2030)
    assert float(found.sel(county=SMALL, service="junior_school")) == pytest.approx(1500, rel=0.01)
    assert float(found.sel(county=SMALL, service="senior_school")) == pytest.approx(1500 * 0.8, rel=0.01)
    assert float(found.sel(service="senior_school").sum("county")) == pytest.approx(9600)


def test_a_scenario_may_set_the_share_of_general_schools() -> None:
    own = region(whole_stages(range(2018, 2024)))
    models = with_overrides(MODELS, {"senior_school": {"parameters.first_part_share": [[2026, 0.8], [2030, 0.9]]}})
    found = estimate_demand(people(), models, own)
    city = found.part_pupils.sum("county")
    share = (city / city.sum("part")).sel(part="senior_general")
    assert share.sel(year=[2020, 2023, 2026, 2030, 2035]).values == pytest.approx([0.75, 0.75, 0.8, 0.9, 0.9])
    np.testing.assert_allclose(city.sum("part"), 9600)


# --- entrants --------------------------------------------------------------------------------------------------------


def test_a_small_cohort_of_entrants_goes_through_its_stage_and_on_into_the_next() -> None:
    """Half as many enter primary school in 2018 alone: they leave it in 2024, enter junior and then senior school."""
    usual = by_entrants(range(2012, 2024))
    fewer = [(*row[:5], row[5] - (2000 if row[2] == "primary" and is_cohort(row) else 0)) for row in usual]
    lost = (pupils(region(usual)) - pupils(region(fewer))).sum("county")
    primary, junior, senior = (lost.sel(service=name) for name in PUPILS[1:])
    assert primary.sel(year=[2017, 2018, 2023]).values == pytest.approx([0, 2000, 2000])
    assert 0 < float(primary.sel(year=2024)) < 100  # the smoothed level of entrants remembers
    assert junior.sel(year=[2023, 2024, 2026, 2027]).values == pytest.approx([0, 2000, 2000, 0], abs=1e-6)
    assert senior.sel(year=[2026, 2027, 2029, 2030]).values == pytest.approx([0, 1600, 1600, 0], abs=1e-6)


def is_cohort(row: Row) -> bool:
    """Entrants of 2018 and every roll that they are part of."""
    return row[1] == 2018 if row[4] == "entrants" else row[4] == "pupils" and row[1] >= 2018


# --- gaps and small numbers ------------------------------------------------------------------------------------------


def changed(rows: list[Row], where: Callable[[Row], bool], value: float) -> list[Row]:
    return [(*row[:5], value) if where(row) else row for row in rows]


@pytest.mark.parametrize("value", [0.0, 1.0, 40.0])
@pytest.mark.parametrize("grade", ["1", "3", "6"])
@pytest.mark.parametrize("year", [2021, 2023])
def test_a_grade_that_is_nothing_in_one_year_is_no_reason_for_ever(value: float, grade: str, year: int) -> None:
    rows = by_grade(range(2018, 2024))
    gap = changed(rows, lambda row: row[:2] == (SMALL, year) and row[2:4] == ("primary", grade), value)
    found = pupils(region(gap)).sel(county=SMALL, service="primary_school")
    assert float(found.sel(year=year)) == pytest.approx(5000 + value)  # the year itself is what was counted
    assert found.sel(year=[2024, 2030, 2040]).values == pytest.approx(6000, rel=0.02)


@pytest.mark.parametrize("value", [0.0, 5.0, 300.0])
@pytest.mark.parametrize("years", [range(2018, 2024), range(2022, 2024), range(2023, 2024)])
def test_a_stage_that_is_nothing_in_its_last_year_is_no_reason_for_ever(value: float, years: range) -> None:
    """Whether the city prints its total or its counties are all that is known."""
    counties = [
        (county, year, "primary", "all", "pupils", size) for year in years for county, size in ((SMALL, 6000.0), (LARGE, 18000.0))
    ]  # fmt: skip
    gap = changed(counties, lambda row: row[:2] == (SMALL, 2023), value)
    for rows in (gap, [*gap, *((CITY, year, "primary", "all", "pupils", 24000.0) for year in years)]):
        found = pupils(region(rows)).sel(service="primary_school")
        assert float(found.sel(county=SMALL, year=2023)) == pytest.approx(value)
        assert float(found.sel(county=SMALL, year=2030)) == pytest.approx(6000, rel=0.05)


def test_a_ratio_from_few_pupils_is_drawn_to_the_whole_and_one_from_many_is_not() -> None:
    city = [(CITY, year, "primary", "all", "pupils", 24000.0) for year in range(2020, 2024)]
    tiny = people((10.0, 3990.0))
    own = region([*city, (SMALL, 2023, "primary", "all", "pupils", 90.0)])  # of 60 children
    found = pupils(own, tiny).sel(county=SMALL, service="primary_school")
    assert float(found.sel(year=2023)) == pytest.approx(90)
    assert 60 < float(found.sel(year=2030)) < 80
    large = region([*city, (SMALL, 2023, "primary", "all", "pupils", 9000.0)])
    assert float(pupils(large).sel(county=SMALL, service="primary_school", year=2030)) == pytest.approx(9000, rel=0.01)


@given(st.lists(st.floats(0, 500), min_size=1, max_size=6), st.floats(1, 1000))
def test_a_count_as_expected_leaves_the_level_of_a_county(counts: list[float], expected: float) -> None:
    years = range(2018, 2018 + len(counts))
    counted, usual = dict(zip(years, counts, strict=True)), dict.fromkeys(years, 200.0)
    level = own_level(counted, usual, years)
    further = {**counted, 2030: level * expected}
    assert own_level(further, {**usual, 2030: expected}, further) == pytest.approx(level)


def test_entrants_that_are_nothing_in_one_year_are_no_reason_for_ever() -> None:
    rows = by_entrants(range(2012, 2024))
    gap = changed(rows, lambda row: row[1:5] == (2023, "primary", "all", "entrants"), 0.0)
    np.testing.assert_allclose(pupils(region(gap)), pupils(region(rows)), rtol=1e-9)


def test_entrants_of_all_counties_are_those_of_the_city() -> None:
    city = by_entrants(range(2012, 2024))
    counties = [(county, *row[1:5], row[5] * share) for row in city for county, share in ((SMALL, 0.25), (LARGE, 0.75))]
    own = region(counties)
    assert set(estimate_demand(people(), MODELS, own).form.sel(service=PUPILS).values) == {"entrants"}
    np.testing.assert_allclose(pupils(own), pupils(region(city)))


# --- paths of ratios -------------------------------------------------------------------------------------------------


def test_a_trend_goes_on_only_where_the_years_bear_it_out() -> None:
    rising = 0.8 * np.exp(np.cumsum(0.04 * 0.9 ** np.arange(8)))
    assert trend_goes_on(rising)
    ahead = carry_ratio(rising, 30)
    assert (np.diff(ahead) > 0).all()
    assert np.log(ahead[-1] / rising[-1]) == pytest.approx(np.log(rising[-1] / rising[-2]) * 0.7 / 0.3, rel=1e-3)
    scattered = np.array([1.0, 1.03, 0.98, 1.02, 0.99, 1.01, 0.97, 1.0])
    assert not trend_goes_on(scattered)
    assert carry_ratio(scattered, 3).tolist() == [1.0, 1.0, 1.0]
    assert not trend_goes_on(rising[:4])
    with pytest.raises(ValueError, match="no year"):
        ratio_path({}, [2020])


def test_the_table_of_ratios_says_year_and_form() -> None:
    table = ratio_table(participation_ratios(people(), MODELS, region(by_grade(range(2018, 2024)))))
    assert set(table.service) == {"primary_school", "junior_school", "senior_school"}
    primary = table[(table.service == "primary_school") & (table.area == SMALL) & (table.year == 2030)]
    assert primary.age.tolist() == [6, 7, 8, 9, 10, 11]
    assert set(primary.form) == {"grade"}
    assert set(primary.ratio_year) == {2023}


# --- how sure --------------------------------------------------------------------------------------------------------


def test_participation_is_sure_until_the_last_roll_and_counties_differ_after_it() -> None:
    years, one = np.arange(2024, 2044), {"primary_school": MODELS["primary_school"]}
    of = range(4000)
    common = demand_factors(one, years, CITY, 5, of, {"primary_school": 2025}).values[0]
    assert (common[:2] == 1).all()
    assert np.log(common[2]).std() == pytest.approx(0.035 / np.sqrt(10), rel=0.05)
    early = demand_factors(one, years, CITY, 5, of, {"primary_school": 2022}).values[0]
    assert np.log(early[0]).std() == pytest.approx(0.035 * np.sqrt(2 / 10), rel=0.05)
    counties = [np.log(demand_factors(one, years, code, 5, of, by_county=True).values[0]) for code in (SMALL, LARGE)]
    assert counties[0][9].std() == pytest.approx(0.02, rel=0.05)
    assert abs(np.corrcoef(counties[0][9], counties[1][9])[0, 1]) < 0.05


def test_rolls_of_two_cities_share_what_their_whole_counts() -> None:
    """Two parents, one with rolls of its own: both add up to the province."""

    class TwoCities(StandIn):
        @property
        def areas(self) -> Areas:
            return Areas("99", {"A": ["01"], "B": ["02"], "99": ["01", "02"]})

    base = region([("99", 2022, "primary", "all", "pupils", 24000.0), ("A", 2022, "primary", "all", "pupils", 7000.0)])
    own = TwoCities(base.tables, area="99", counties=base.counties)
    found = pupils(own).sel(service="primary_school")
    assert found.sel(year=2022).values.tolist() == pytest.approx([7000, 17000])
    assert float(found.sel(year=2030).sum()) == pytest.approx(24000)
    assert float(found.sel(year=2030, county="01")) == pytest.approx(7000, rel=0.01)
    alone = TwoCities(
        {**base.tables, "enrolment": base.tables["enrolment"].iloc[1:]}, area="99", counties=base.counties
    )
    other = pupils(alone).sel(service="primary_school", year=2022)  # the other city by the model's own ratio
    assert other.values.tolist() == pytest.approx([7000, 18000 * 1.009], rel=0.02)
