"""The school table of a region: stage form where only totals are known, grade form where grades are, and it says which."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.backtest.school_rolls import APPROACHES, backtest_region_rolls, score_table
from forecast.basics.school_date import SEPTEMBER
from forecast.demand import (
    ages_of_services,
    demand_weights,
    estimate_demand,
    observed_rolls,
    participation_ratios,
    read_models,
    system_of,
    with_overrides,
)
from forecast.demand.schools.grades import grade_children, region_rolls
from forecast.demand.schools.needs import school_table
from forecast.demand.schools.rolls import forecast_rolls
from forecast.demand.schools.stages import stage_systems
from forecast.errors import InputRefused
from forecast.findings.read import read_rules
from forecast.region import Region, read_region

SIX = stage_systems()["6-3-3"]
STANDARDS = read_rules().standards
YEARS = list(range(2018, 2031))


@pytest.fixture(scope="module")
def region() -> Region:
    return replace(read_region("wenzhou"), jump_off_year=2022)


@pytest.fixture(scope="module")
def people(region: Region) -> xr.Dataset:
    """Made-up residents of the region's counties, two trajectories that share their past up to 2022."""
    rng = np.random.default_rng(6)
    counties = list(region.counties.index)
    births = rng.uniform(2000, 9000, (2, len(counties), len(YEARS) + 101))
    births[1, :, : 101 + 5] = births[0, :, : 101 + 5]
    size = np.empty((2, len(counties), len(YEARS), 101))
    for year in range(len(YEARS)):
        for age in range(101):
            size[:, :, year, age] = births[:, :, 100 + year - age] * (1 - 0.003 * age)
    coords = {"trajectory": [0, 1], "county": counties, "year": YEARS, "age": range(101)}
    return xr.Dataset({"population": (tuple(coords), size)}, coords, {"jump_off_year": 2022})


def graded(region: Region, people: xr.Dataset) -> Region:
    """The region with grades by county in 2019-2022: 95 % of the children, and numbered within the stages."""
    children = (
        grade_children(people, list(range(1, 10)), SIX, SEPTEMBER).isel(trajectory=0).sel(year=slice(2019, 2022)) * 0.95
    )
    rows = children.to_series().rename("value").reset_index()
    rows["stage"] = np.where(rows.grade <= 6, "primary", "junior")
    rows["grade"] = np.where(rows.grade <= 6, rows.grade, rows.grade - 6).astype(str)
    table = pd.concat([region.table("enrolment"), rows.drop(columns="trajectory", errors="ignore")], ignore_index=True)
    sources = region.table("sources")
    said = {"table": "enrolment", "filter": f"county={'|'.join(region.counties.index)}", "source": "schools"}
    line = dict.fromkeys(sources.columns, "") | said | {"basis": "published", "row": len(sources) + 2}
    sources = pd.concat([sources, pd.DataFrame([line])], ignore_index=True)
    return replace(region, tables={**region.tables, "enrolment": table, "sources": sources})


def test_the_shipped_region_has_stages_only(region: Region, people: xr.Dataset) -> None:
    assert region_rolls(region) is None
    models = read_models()
    demand = estimate_demand(people, models, region)
    table = school_table(people, demand, models, STANDARDS, region)
    assert set(table.form.values) == {"stage", "passage"}
    assert table.pupils.dims == ("trajectory", "county", "year", "service")
    for name in ("children", "pupils", "classes", "places", "posts"):
        assert table[name].dims == table.pupils.dims
        assert bool(table[name].notnull().all()), name
    xr.testing.assert_allclose(table.pupils, demand.pupils.sel(service=table.service).transpose(*table.pupils.dims))
    xr.testing.assert_allclose(table.posts, demand.posts.sel(service=table.service).transpose(*table.pupils.dims))
    xr.testing.assert_allclose(table.places, table.pupils * 1.05)
    assert bool((table.classes > demand.classes.sel(service=table.service)).all())  # the rounding loss
    schools = table.school_grades.sum("county").to_series()
    assert schools["primary_school"] == pytest.approx(562 * 6)
    assert schools["kindergarten"] == pytest.approx(1321 * 3)
    assert schools["senior_school"] == pytest.approx(3 * (104 + 37))


def test_without_schools_nothing_is_lost_to_rounding(region: Region, people: xr.Dataset) -> None:
    models = read_models()
    demand = estimate_demand(people, models)
    table = school_table(people, demand, models, STANDARDS)
    xr.testing.assert_allclose(table.classes, demand.classes.sel(service=table.service).transpose(*table.classes.dims))


def test_grades_carry_the_rolls_where_they_are_known(region: Region, people: xr.Dataset) -> None:
    own = graded(region, people)
    rolls = region_rolls(own)
    assert rolls is not None
    assert rolls.grade.values.tolist() == list(range(1, 10))
    assert rolls.year.values.tolist() == [2019, 2020, 2021, 2022]
    models = read_models()
    table = school_table(people, estimate_demand(people, models, own), models, STANDARDS, own)
    forms = dict(zip(table.service.values, table.form.values, strict=True))
    assert forms == {
        "kindergarten": "stage",
        "primary_school": "grade",
        "junior_school": "grade",
        "senior_school": "passage",
    }
    later = table.sel(year=slice(2023, None))
    for service in ("primary_school", "junior_school"):  # 95 % of the children were in school, and are
        one = later.sel(service=service)
        xr.testing.assert_allclose(one.pupils, one.children * 0.95, rtol=1e-9)


def test_an_unfinished_year_or_county_is_not_a_roll(region: Region, people: xr.Dataset) -> None:
    own = graded(region, people)
    table = own.table("enrolment")
    first = region.counties.index[0]
    gap = table[~((table.grade != "all") & (table.year == 2020) & (table.county == first))]
    rolls = region_rolls(replace(own, tables={**own.tables, "enrolment": gap}))
    assert rolls is not None
    assert rolls.year.values.tolist() == [2021, 2022]
    none = table[~((table.grade != "all") & (table.county == first))]
    assert region_rolls(replace(own, tables={**own.tables, "enrolment": none})) is None


def test_school_effects_with_the_fitting_years_cohorts_are_the_plain_ratios() -> None:
    """forecast_rolls with and without children, where each cohort changes by the same share every year: to 1e-12."""
    rng = np.random.default_rng(8)
    counties, grades, years = list("abc"), range(1, 7), range(2010, 2030)
    step = rng.uniform(0.97, 1.03, (3, 6))
    children = np.empty((3, 20, 6))
    rolls = np.empty((3, 12, 6))
    for year in range(20):
        for grade in range(6):
            below = 500.0 if grade == 0 or year == 0 else children[:, year - 1, grade - 1] * step[:, grade]
            children[:, year, grade] = below
    for year in range(12):
        for grade in range(6):
            below = rolls[:, year - 1, grade - 1] * step[:, grade] if grade and year else 450.0
            rolls[:, year, grade] = below * rng.uniform(0.98, 1.02, 3)
    coords = {"county": counties, "year": list(years), "grade": list(grades)}
    residents = xr.DataArray(children, coords, tuple(coords))
    seen = xr.DataArray(rolls, {**coords, "year": list(years)[:12]}, tuple(coords))
    born = residents.sel(grade=1, drop=True)
    for smoothing in ("last", "3:2:1", "exponential", "median_5"):
        by_effect = forecast_rolls(seen, 8, children=residents, smoothing=smoothing, shrink=False).pupils
        plain = forecast_rolls(seen, 8, born, smoothing=smoothing, shrink=False).pupils
        xr.testing.assert_allclose(by_effect, plain, rtol=1e-12)


def test_demand_by_grades_is_progression_with_the_projections_own_children(region: Region, people: xr.Dataset) -> None:
    """Whatever the rolls were and whoever moves: each trajectory by `forecast_rolls` with its own children."""
    plain = graded(region, people)
    table = plain.table("enrolment")
    noise = np.random.default_rng(3).uniform(0.9, 1.1, len(table))
    noisy = table.assign(value=np.where(table.grade != "all", table.value * noise, table.value))
    own = replace(plain, tables={**plain.tables, "enrolment": noisy})
    demand = estimate_demand(people, read_models(), own)
    rolls = region_rolls(own)
    assert rolls is not None
    pupils = forecast_rolls(rolls, 8, children=grade_children(people, list(range(1, 10)), SIX, SEPTEMBER)).pupils
    for service, stage in (("primary_school", slice(1, 6)), ("junior_school", slice(7, 9))):
        one = demand.pupils.sel(service=service, drop=True).drop_vars(["unit", "born_until"], errors="ignore")
        seen = rolls.sel(grade=stage).sum("grade")
        xr.testing.assert_allclose(one.sel(year=seen.year, trajectory=0, drop=True), seen, rtol=1e-12)
        expected = pupils.sel(grade=stage).sum("grade")
        xr.testing.assert_allclose(one.sel(year=expected.year), expected, rtol=1e-9)
    assert float(abs(demand.pupils.diff("trajectory").sel(service="primary_school")).max()) > 0


def test_one_trajectory_or_county_alone_has_the_same_pupils_by_grade(region: Region, people: xr.Dataset) -> None:
    own, models = graded(region, people), read_models()
    ratios = participation_ratios(people, models, own)
    whole = estimate_demand(people, models, own, ratios).pupils
    part = people.isel(trajectory=[1], county=[2, 5])
    alone = estimate_demand(part, models, own, ratios).pupils
    xr.testing.assert_allclose(alone, whole.isel(trajectory=[1], county=[2, 5]))


def test_the_weights_of_many_trajectories_know_the_grades(region: Region, people: xr.Dataset) -> None:
    own, models = graded(region, people), read_models()
    ratios = participation_ratios(people, models, own)
    counties, years = people.county.values.tolist(), [2026, 2027, 2028, 2029, 2030]
    weights = demand_weights(models, ratios, counties, years).demand.drop_vars(["unit", "born_until"])
    by_weights = xr.dot(people.population.sel(year=years), weights, dim="age")
    direct = estimate_demand(people, models, own, ratios).demand.sel(year=years)
    xr.testing.assert_allclose(by_weights.transpose(*direct.dims), direct.drop_vars(["unit", "born_until"]), rtol=1e-9)


def test_grades_alone_make_the_roll_of_a_stage(region: Region, people: xr.Dataset) -> None:
    """A region that counts nothing but grades has observed rolls of whole stages, where all grades are there."""
    table = graded(region, people).table("enrolment")
    own = replace(region, tables={**region.tables, "enrolment": table[table.grade != "all"].reset_index(drop=True)})
    every = observed_rolls(own, read_models(), YEARS)
    counties, rolls = every.sel(area=own.areas.counties), every.sel(area=own.areas.whole, drop=True)
    xr.testing.assert_allclose(counties.sum("area", skipna=False), rolls)
    assert set(rolls.dropna("service", how="all").service.values) == {"primary_school", "junior_school"}
    found = estimate_demand(people, read_models(), own).pupils.isel(trajectory=0).sum("county").reset_coords(drop=True)
    known = rolls.sel(year=slice(2019, 2022), service=["primary_school", "junior_school"])
    xr.testing.assert_allclose(found.sel(year=known.year, service=known.service), known, check_dim_order=False)


def test_pupils_of_an_age_without_children_are_an_error(region: Region, people: xr.Dataset) -> None:
    own = graded(region, people)
    nobody = people.copy(deep=True)
    nobody.population[:, 3, :, 6:9] = 0
    with pytest.raises(InputRefused, match="E453"):
        estimate_demand(nobody, read_models(), own)


def test_a_bureaus_own_ratio_goes_before_the_grades(region: Region, people: xr.Dataset) -> None:
    models = with_overrides(read_models(), {"primary_school": {"parameters.ratio": 1.2}})
    demand = estimate_demand(people, models, graded(region, people))
    forms = demand.form.to_series()
    assert (forms["primary_school"], forms["junior_school"], forms["care_beds"]) == ("stage", "grade", "")


def test_a_region_with_grades_can_be_tested_and_one_without_is_told(region: Region, people: xr.Dataset) -> None:
    own = graded(region, people)
    table = score_table(backtest_region_rolls(own, horizon=2))
    assert set(table.lead) == {1, 2}
    assert set(table.approach) == set(APPROACHES[:-1])  # no births by county: nobody knows participation
    assert (table.cases > 0).all()
    with pytest.raises(InputRefused, match="E452"):
        backtest_region_rolls(region)


def test_births_that_a_region_counts_are_used(region: Region, people: xr.Dataset) -> None:
    own = graded(region, people)
    table = pd.DataFrame(
        itertools.product(region.counties.index, range(2005, 2023), ["female", "male"]),
        columns=["county", "year", "sex"],
    ).assign(persons=2500.0)
    found = backtest_region_rolls(replace(own, tables={**own.tables, "births": table}), horizon=2)
    assert found.attrs["births"] == 1
    assert bool(found.forecast.sel(approach="participation", grade=1, lead=1).notnull().all())


def test_children_that_end_too_early_are_an_error(region: Region, people: xr.Dataset) -> None:
    rolls = region_rolls(graded(region, people))
    assert rolls is not None
    children = grade_children(people, list(range(1, 10)), SIX, SEPTEMBER)
    with pytest.raises(InputRefused, match="2030"):
        forecast_rolls(rolls, 8, children=children.sel(year=slice(None, 2029)))
    with pytest.raises(InputRefused, match="2019"):
        forecast_rolls(rolls, 2, children=children.sel(year=slice(2020, None)))


def test_another_school_system_moves_pupils_from_one_stage_to_the_other(region: Region, people: xr.Dataset) -> None:
    """Five and four years: the same children and rolls, primary school with five grades."""
    own = graded(region, people)
    table = own.table("enrolment")
    grade = pd.to_numeric(table.grade, errors="coerce") + np.where(table.stage == "junior", 6, 0)  # within the stage
    moved = table.assign(
        stage=np.where(grade == 6, "junior", table.stage),
        grade=np.where(grade.notna(), grade.fillna(0).astype(int).astype(str), table.grade),
    )
    five = replace(own, tables={**own.tables, "enrolment": moved}, settings={**own.settings, "school_system": "5-4"})
    models = read_models()
    ages = ages_of_services(read_models(), system_of(five))
    assert (ages["primary_school"], ages["junior_school"]) == ((6, 10), (11, 14))
    changed = with_overrides(models, {name: {"parameters.ages": list(one)} for name, one in ages.items()})
    compulsory = ["primary_school", "junior_school"]
    counted = {"service": compulsory, "year": slice(2019, None)}  # the whole stages of 2018 are those of six and three
    before = estimate_demand(people, models, own).pupils.sel(counted)
    after = estimate_demand(people, changed, five).pupils.sel(counted)
    xr.testing.assert_allclose(after.sum("service"), before.sum("service"))
    assert bool((after.sel(service="primary_school") < before.sel(service="primary_school")).all())


def test_a_grade_or_system_that_is_not_there_is_told(region: Region, people: xr.Dataset) -> None:
    own = graded(region, people)
    table = own.table("enrolment")
    wrong = table.assign(grade=np.where(table.grade == "3", "6", table.grade), stage=table.stage)
    junior = wrong[~((wrong.stage == "primary") & (wrong.grade == "6"))]  # a junior grade 6, in six years of primary
    with pytest.raises(InputRefused, match="E455"):
        region_rolls(replace(own, tables={**own.tables, "enrolment": junior}))
    with pytest.raises(InputRefused, match="E454"):
        system_of(replace(own, settings={**own.settings, "school_system": "4-5"}))


def test_rolls_by_grade_stand_where_the_schools_are(region: Region, people: xr.Dataset) -> None:
    """With flows between counties: in the years that were counted need is the roll, though children live elsewhere."""
    own = graded(region, people)
    stays, goes = region.counties.index[:2]
    rows = [("primary_school", stays, stays, 2020, 0.9), ("primary_school", stays, goes, 2020, 0.1)]
    flows = pd.DataFrame(rows, columns=["service", "from", "to", "year", "share"])
    flowing = replace(own, tables={**own.tables, "flows": flows})
    rolls = region_rolls(flowing)
    assert rolls is not None
    pupils = estimate_demand(people, read_models(), flowing).pupils.sel(service="primary_school", trajectory=0)
    for county in (stays, goes):
        seen = rolls.sel(county=county, grade=slice(1, 6)).sum("grade")
        np.testing.assert_allclose(pupils.sel(county=county, year=seen.year), seen)
    ratios = participation_ratios(people, read_models(), flowing)
    values = ratios["primary_school"].values
    assert values is not None
    mean = values.sel(year=2022).mean("age").to_series()
    assert mean[stays] == pytest.approx(0.95 / 0.9)
    assert mean[goes] < 0.95
