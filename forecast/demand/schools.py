"""All schools of a region in one table: pupils, classes, places, floor area, posts, money, of one trajectory.

Where the region's enrolment has grades by county, pupils are carried from grade to grade with school effects (form
"grade"); where it has only totals of stages, pupils are children times the stage's ratio (form "stage"). The
result says which.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from forecast.demand.ages import children as children_of_ages
from forecast.demand.ages import counted, september_population
from forecast.demand.classes import expected_classes, places_with_spare, school_standards
from forecast.demand.model import DemandModel
from forecast.demand.rolls import forecast_rolls
from forecast.demand.stages import StageSystem, by_stage, stage_systems
from forecast.dims import AGE, COUNTY, GRADE, SERVICE, STAGE, TRAJECTORY, YEAR, in_order, label
from forecast.region import Region

STAGE_OF_SERVICE = {
    "kindergarten": "kindergarten",
    "primary_school": "primary",
    "junior_school": "junior",
    "senior_school": "senior",
}
"""Service of a demand model -> stage of a stage system."""

RUNNING_COST = {"primary_school": "running_cost_primary", "junior_school": "running_cost_junior"}


def region_rolls(region: Region, system: StageSystem) -> xr.DataArray | None:
    """(county, year, grade) pupils where every county has grades in school years that follow one another; else None.

    Grades may be numbered through (7 to 9) or within the stage (1 to 3). The last unbroken run of years with every
    county and every grade that occurs.
    """
    if not region.has("enrolment"):
        return None
    table = region.table("enrolment")
    table = table[(table["grade"] != "all") & table["county"].isin(list(region.counties.index))]
    if table.empty:
        return None
    grades = [_grade(str(row.stage), str(row.grade), system) for row in table.itertuples()]
    sums = table.assign(grade=grades).groupby([COUNTY, YEAR, GRADE])["value"].sum()
    rolls = sums.to_xarray().astype(float).reindex({COUNTY: list(region.counties.index)})
    whole = [int(year) for year in rolls[YEAR].values if bool(rolls.sel({YEAR: year}).notnull().all())]
    run = [year for year in whole if all(later in whole for later in range(year, whole[-1] + 1))] if whole else []
    return rolls.sel({YEAR: run}) if len(run) > 1 else None


def _grade(stage: str, grade: str, system: StageSystem) -> int:
    """Grade counted from the first year of primary school; senior_general and senior_vocational are one stage."""
    first, last = system.stages[stage if stage in system.stages else stage.partition("_")[0]]
    number = int(grade)
    return number if first <= number <= last else first - 1 + number


def grade_children(people: xr.Dataset, grades: list[int], system: StageSystem, cutoff_month: int = 9) -> xr.DataArray:
    """(trajectory?, county, year, grade) residents of the age of each grade at the cut-off date."""
    september = september_population(counted(people, "resident"), cutoff_month)
    by_grade = september.sel({AGE: [grade + system.entry_age - 1 for grade in grades]})
    return in_order(by_grade.rename({AGE: GRADE}).assign_coords({GRADE: grades}))


def grade_pupils(people: xr.Dataset, rolls: xr.DataArray, system: StageSystem) -> xr.Dataset:
    """Pupils (trajectory?, county, year, stage) after the last roll, by school effects and the projection's own
    children."""
    children = grade_children(people, rolls[GRADE].values.tolist(), system)
    ahead = int(children[YEAR][-1]) - int(rolls[YEAR][-1])
    found = forecast_rolls(rolls, ahead, children=children)
    return xr.Dataset({"pupils": by_stage(found.pupils, system), "smoothing": found.smoothing}, attrs={"form": "grade"})


def school_table(
    people: xr.Dataset,
    demand: xr.Dataset,
    models: Mapping[str, DemandModel],
    region: Region | None = None,
    system: StageSystem | None = None,
) -> xr.Dataset:
    """The three-way link (人口-学位-设施) by (trajectory?, county, year, service), every column of the same trajectory.

    people, demand: as `estimate_demand` takes and gives them. Returned, for the services of `STAGE_OF_SERVICE`:
    children of the official ages at the cut-off date; pupils; classes at the standard size with the rounding loss of
    the schools the region counts (without a count of schools none is added, `school_grades` is 0); places, pupils
    and the spare share; floor_area, posts, yuan (running cost a year at the published allowance; NaN where there is
    none); school_grades (county, service); form (service), "grade" or "stage". With grades, pupils after the last
    roll are those of the grades.
    """
    chosen = [name for name in STAGE_OF_SERVICE if name in models and name in demand[SERVICE].values]
    system = system or stage_systems()["6-3-3"]
    pupils = demand["pupils"].sel({SERVICE: chosen})
    years = [int(year) for year in pupils[YEAR].values]
    form = dict.fromkeys(chosen, "stage")
    rolls = region_rolls(region, system) if region is not None else None
    if rolls is not None:
        pupils, form = _with_grades(people, rolls, system, pupils, form)
    with xr.set_options(arithmetic_join="exact"):
        aged = xr.concat(
            [children_of_ages(counted(people, models[name].population), models[name].ages) for name in chosen],
            xr.IndexVariable(SERVICE, chosen),
        )
        grades = _school_grades(pupils, region, system)
        classes = expected_classes(pupils, _standard(models, chosen, "class_size", years), grades)
        places = places_with_spare(pupils, float(school_standards()["spare_places"].value))
        posts = pupils / _standard(models, chosen, "pupils_per_post", years)
        parts = {
            "children": (aged, "children of the official ages at the cut-off date", "persons"),
            "pupils": (pupils, "pupils", "pupils"),
            "classes": (classes, "classes at the standard size, with the expected rounding loss", "classes"),
            "places": (places, "places for the pupils and a spare share", "places"),
            "floor_area": (places * _standard(models, chosen, "floor_area", years), "floor area of the places", "m2"),
            "posts": (posts, "posts at the standard pupils per post", "posts"),
            "yuan": (pupils * _running_cost(chosen, years), "running cost a year at the published allowance", "yuan"),
        }
    described = {
        name: label(in_order(value), long_name, unit, "flow" if name == "yuan" else "stock", "school table")
        for name, (value, long_name, unit) in parts.items()
    }
    return xr.Dataset(described).assign(
        school_grades=label(
            grades, "grades of all schools, each with a class that is not full", "1", "stock", "schools"
        ),
        form=(SERVICE, np.asarray([form[name] for name in chosen], dtype=object)),
    )


def _with_grades(
    people: xr.Dataset, rolls: xr.DataArray, system: StageSystem, pupils: xr.DataArray, form: dict[str, str]
) -> tuple[xr.DataArray, dict[str, str]]:
    """Pupils of the years after the last roll by grades, for the services all of whose grades are known."""
    found = grade_pupils(people, rolls, system).pupils
    services = [name for name, stage in STAGE_OF_SERVICE.items() if name in form and stage in found[STAGE].values]
    parts = []
    for name in form:
        own = pupils.sel({SERVICE: name})
        if name in services:
            later = found.sel({STAGE: STAGE_OF_SERVICE[name]}, drop=True).reindex({YEAR: own[YEAR]})
            own = later.fillna(own.reset_coords(drop=True)).transpose(*own.dims)
        parts.append(own.reset_coords(drop=True))
    joined = xr.concat(parts, xr.IndexVariable(SERVICE, list(form)))
    return in_order(joined), form | dict.fromkeys(services, "grade")


def _standard(models: Mapping[str, DemandModel], chosen: list[str], name: str, years: list[int]) -> xr.DataArray:
    """(year, service) standard in force; NaN where a model has none."""
    rows = []
    for service in chosen:
        standard = models[service].standard(name)
        rows.append(standard.at(years) if standard else [np.nan] * len(years))
    return xr.DataArray(rows, {SERVICE: chosen, YEAR: years}, (SERVICE, YEAR)).transpose(YEAR, SERVICE)


def _running_cost(chosen: list[str], years: list[int]) -> xr.DataArray:
    standards = school_standards()
    rows = [
        standards[RUNNING_COST[name]].at(years) if name in RUNNING_COST else [np.nan] * len(years) for name in chosen
    ]
    return xr.DataArray(rows, {SERVICE: chosen, YEAR: years}, (SERVICE, YEAR)).transpose(YEAR, SERVICE)


def _school_grades(pupils: xr.DataArray, region: Region | None, system: StageSystem) -> xr.DataArray:
    """(county, service) grades of all schools: the region's latest count of schools, by county where it has one.

    A count of the whole is split by the pupils of the first year; services without a count have 0.
    """
    services, counties = [str(name) for name in pupils[SERVICE].values], [str(one) for one in pupils[COUNTY].values]
    found = np.zeros((len(counties), len(services)))
    if region is not None and region.has("schools"):
        one = pupils.isel({TRAJECTORY: 0}, drop=True) if TRAJECTORY in pupils.dims else pupils
        share = one.isel({YEAR: 0}, drop=True).transpose(COUNTY, SERVICE).values
        share = share / share.sum(0)
        for column, service in enumerate(services):
            first, last = system.stages[STAGE_OF_SERVICE[service]]
            found[:, column] = (last - first + 1) * _schools(region, service, counties, share[:, column])
    return xr.DataArray(found, {COUNTY: counties, SERVICE: services}, (COUNTY, SERVICE))


def _schools(region: Region, service: str, counties: list[str], share: np.ndarray) -> np.ndarray:
    table = region.table("schools")
    kinds = ("schools", "general_schools", "vocational_schools")
    table = table[(table["service"] == service) & table["item"].isin(kinds)]
    latest = table.sort_values(YEAR).groupby(["county", "item"], as_index=False).last()
    own: pd.Series = latest[latest["county"].isin(counties)].groupby("county")["value"].sum()
    if set(own.index) == set(counties):
        by_county: np.ndarray = own.loc[counties].to_numpy(float)
        return by_county
    return share * float(latest.loc[latest["county"] == region.area, "value"].sum())
