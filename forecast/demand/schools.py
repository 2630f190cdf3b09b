"""All schools of a region in one table: pupils, classes, places, floor area, posts, money, of one trajectory.

Pupils are those of `estimate_demand`, whose `form` says whether grades or whole stages were carried on.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from forecast.demand.ages import children as children_of_ages
from forecast.demand.ages import counted
from forecast.demand.classes import expected_classes, places_with_spare, school_standards
from forecast.demand.model import DemandModel
from forecast.demand.stages import STAGE_OF_SERVICE
from forecast.dims import COUNTY, SERVICE, TRAJECTORY, YEAR, in_order, label
from forecast.region import Region

RUNNING_COST = {"primary_school": "running_cost_primary", "junior_school": "running_cost_junior"}


def school_table(
    people: xr.Dataset,
    demand: xr.Dataset,
    models: Mapping[str, DemandModel],
    region: Region | None = None,
) -> xr.Dataset:
    """The three-way link (人口-学位-设施) by (trajectory?, county, year, service), every column of the same trajectory.

    people, demand: as `estimate_demand` takes and gives them. Returned, for the services of `STAGE_OF_SERVICE`:
    children of the official ages at the cut-off date; pupils; classes at the standard size with the rounding loss of
    the schools the region counts (without a count of schools none is added, `school_grades` is 0); places, pupils
    and the spare share; floor_area, posts, yuan (running cost a year at the published allowance; NaN where there is
    none); school_grades (county, service); form (service), "grade" or "stage".
    """
    chosen = [name for name in STAGE_OF_SERVICE if name in models and name in demand[SERVICE].values]
    pupils = demand["pupils"].sel({SERVICE: chosen})
    years = [int(year) for year in pupils[YEAR].values]
    with xr.set_options(arithmetic_join="exact"):
        aged = xr.concat(
            [children_of_ages(counted(people, models[name].population), models[name].ages) for name in chosen],
            xr.IndexVariable(SERVICE, chosen),
        )
        grades = _school_grades(pupils, region, models)
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
        form=demand["form"].sel({SERVICE: chosen}),
    )


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


def _school_grades(pupils: xr.DataArray, region: Region | None, models: Mapping[str, DemandModel]) -> xr.DataArray:
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
            first, last = models[service].ages
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
