"""All schools of a region in one table: pupils, classes, places, floor area, posts, money, of one trajectory.

Pupils are those of `estimate_demand`, whose `form` says whether grades or whole stages were carried on.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, TRAJECTORY, YEAR, in_order
from forecast.basics.school_date import children as children_of_ages
from forecast.basics.variables import label
from forecast.demand.model import DemandModel
from forecast.demand.people import counted
from forecast.demand.schools.class_sizes import expected_classes, places_with_spare
from forecast.demand.schools.posts import posts_by_ratio
from forecast.demand.schools.standards import SchoolStandards
from forecast.region import Region

SCHOOLS = ("schools", "general_schools", "vocational_schools")
"""Items of the table `schools` that count schools; of several kinds they are added."""


def school_table(
    people: xr.Dataset,
    demand: xr.Dataset,
    models: Mapping[str, DemandModel],
    standards: SchoolStandards,
    region: Region | None = None,
) -> xr.Dataset:
    """The three-way link (人口-学位-设施) by (trajectory?, county, year, service), every column of the same trajectory.

    people, demand: as `estimate_demand` takes and gives them. Returned, for the services that serve a stage:
    children of the official ages at the cut-off date; pupils; what `needs_of_pupils` says they need; school_grades
    (county, service), 0 without a count of schools; form (service), "grade" or "stage".
    """
    chosen = school_services(models, demand)
    pupils = demand["pupils"].sel({SERVICE: chosen})
    with xr.set_options(arithmetic_join="exact"):
        by_concept = {concept: counted(people, concept) for concept in {models[name].population for name in chosen}}
        aged = xr.concat(
            [
                children_of_ages(by_concept[model.population], model.ages, model.cutoff_month)
                for model in (models[name] for name in chosen)
            ],
            xr.IndexVariable(SERVICE, chosen),
        )
        grades = _school_grades(pupils, region, models)
        needs = needs_of_pupils(pupils, models, standards, grades)
    return xr.Dataset(
        {
            "children": _described("children", aged),
            "pupils": _described("pupils", pupils),
            **needs,
            "school_grades": _described("school_grades", grades),
            "form": demand["form"].sel({SERVICE: chosen}),
        }
    )


def school_services(models: Mapping[str, DemandModel], demand: xr.Dataset) -> list[str]:
    """The modelled services that serve a stage of school life, from the youngest children on."""
    return [name for name, model in models.items() if model.service.stage and name in demand[SERVICE].values]


def needs_of_pupils(
    pupils: xr.DataArray,
    models: Mapping[str, DemandModel],
    standards: SchoolStandards,
    school_grades: xr.DataArray | float = 0.0,
) -> xr.Dataset:
    """Needs of so many pupils (..., county, year, service), all straight lines in the pupils, so that a quantile of
    pupils gives the quantile of each:

    classes at the standard size, with the rounding loss of `school_grades` (county, service); places, pupils and the
    spare share; floor_area of the places; posts at the standard pupils per post; yuan, the running cost a year at the
    published allowance. NaN where there is no standard.
    """
    chosen, years = [str(name) for name in pupils[SERVICE].values], [int(year) for year in pupils[YEAR].values]
    size, load, area = (
        standard_by_service(models, chosen, name, years) for name in ("class_size", "pupils_per_post", "floor_area")
    )
    places = places_with_spare(pupils, float(standards["spare_places"].value))
    classes, posts = expected_classes(pupils, size, school_grades), posts_by_ratio(pupils, load)
    needs = {
        "classes": classes,
        "places": places,
        "floor_area": places * area,
        "posts": posts,
        "yuan": pupils * _running_cost(models, chosen, years, standards),
    }
    return xr.Dataset({name: _described(name, need) for name, need in needs.items()})


def _described(name: str, value: xr.DataArray) -> xr.DataArray:
    return label(in_order(value), f"schools.{name}")


def standard_by_service(
    models: Mapping[str, DemandModel], chosen: list[str], name: str, years: list[int]
) -> xr.DataArray:
    """(year, service) standard in force; NaN where a model has none."""
    rows = []
    for service in chosen:
        standard = models[service].standard(name)
        rows.append(standard.at(years) if standard else [np.nan] * len(years))
    return xr.DataArray(rows, {SERVICE: chosen, YEAR: years}, (SERVICE, YEAR)).transpose(YEAR, SERVICE)


def _running_cost(
    models: Mapping[str, DemandModel], chosen: list[str], years: list[int], standards: SchoolStandards
) -> xr.DataArray:
    """(year, service) yuan per pupil and year; NaN where no allowance is published."""
    named = [models[name].service.running_cost for name in chosen]
    rows = [standards[name].at(years) if name else [np.nan] * len(years) for name in named]
    return xr.DataArray(rows, {SERVICE: chosen, YEAR: years}, (SERVICE, YEAR)).transpose(YEAR, SERVICE)


def _school_grades(pupils: xr.DataArray, region: Region | None, models: Mapping[str, DemandModel]) -> xr.DataArray:
    """(county, service) grades of all schools: the region's latest count of schools, by county where it has one.

    A count of the whole is split by the pupils of the first year; services without a count have 0.
    """
    services, counties = [str(name) for name in pupils[SERVICE].values], [str(code) for code in pupils[COUNTY].values]
    school_grades = np.zeros((len(counties), len(services)))
    if region is not None:
        counts = school_counts(region)
        path = pupils.isel({TRAJECTORY: 0}, drop=True) if TRAJECTORY in pupils.dims else pupils
        share = path.isel({YEAR: 0}, drop=True).transpose(COUNTY, SERVICE).values
        share = share / share.sum(0)
        for column, service in enumerate(services):
            first, last = models[service].ages
            counted = [counts[county, service][0] for county in counties if (county, service) in counts]
            whole = counts.get((region.area, service), (0.0, 0))[0]
            schools = np.asarray(counted) if len(counted) == len(counties) else share[:, column] * whole
            school_grades[:, column] = (last - first + 1) * schools
    return xr.DataArray(school_grades, {COUNTY: counties, SERVICE: services}, (COUNTY, SERVICE))


def school_counts(region: Region) -> dict[tuple[str, str], tuple[float, int]]:
    """(place, service) -> the latest number of schools, all kinds together, and the year of the count."""
    latest: dict[tuple[str, str, str], tuple[int, float]] = {}
    if region.has("schools"):
        table = region.table("schools")
        columns = (table[name].tolist() for name in ("county", "service", "item", YEAR, "value"))
        for place, service, item, year, value in zip(*columns, strict=True):
            if item in SCHOOLS:
                key = str(place), str(service), str(item)
                latest[key] = max(latest.get(key, (0, 0.0)), (int(year), float(value)))
    totals: dict[tuple[str, str], tuple[float, int]] = {}
    for (place, service, _), (year, value) in latest.items():
        number, since = totals.get((place, service), (0.0, year))
        totals[place, service] = number + value, min(since, year)
    return totals
