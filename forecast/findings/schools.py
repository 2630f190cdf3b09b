"""Findings for an education bureau, for every county and every area: the table of places and posts with ranges, reasons
for the change of rolls, cost of smaller classes, pupils with special needs, and use of planned places.

Everything follows from the scenario's pupils. Ranges need no second look at the trajectories: classes, places and posts
are straight lines in the pupils of a place, so that a quantile of pupils gives the quantile of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.areas import Areas, by_area, with_areas
from forecast.basics.basis import Basis, basis_or, weakest
from forecast.basics.dims import AGE, COUNTY, GRADE, LIMIT, SERVICE, TRAJECTORY, YEAR, in_order
from forecast.basics.quantiles import BANDS
from forecast.basics.school_date import children
from forecast.basics.variables import label
from forecast.demand import DemandModel
from forecast.demand.flows import by_residence, region_flows
from forecast.demand.people import counted
from forecast.demand.schools.class_sizes import expected_classes, small_class_dividend
from forecast.demand.schools.needs import (
    needs_of_pupils,
    school_services,
    school_table,
    standard_by_service,
)
from forecast.demand.schools.planned_places import audit_places, probability_below
from forecast.demand.schools.special_education import HOME, MAINSTREAM, SPECIAL_SCHOOL, special_pupils
from forecast.demand.schools.standards import SchoolStandards
from forecast.findings.flags import Flags
from forecast.region import Region

TEACHERS = "teachers"
"""Item of the table `staff` that counts all teachers of its services."""


@dataclass(frozen=True)
class Schools:
    """By county, the areas (sums of counties) after the counties; years as in the run.

    table     (county, year, service) as `school_table`, with supply, gap (supply - demand, as the run has it),
              gap_with_spare (supply - places), living_here: the pupils who live here, wherever they go to school, and
              born: the share of the children who were born by the jump-off date
    bands     (quantile, county, year, service) pupils, classes, places and posts at the ends of `BANDS[80]`; None where the
              run is one path
    basis     column of the table -> service -> published, derived or assumed: the weakest number it rests on
    changes   rows of `Flags.causes` for the stages: why rolls change
    smaller   (limit, county, year, service) as `small_class_dividend`, with class_size (limit, year, service)
    special   (setting, county, year, service) pupils with special needs
    teachers  a row a place, kind of schools and year: teachers counted last, and the posts needed
    audit     (county, year, service) of services with planned places, as `audit_places`, and p_idle, the probability
              that not one of the new places is needed; None without planned places
    """

    table: xr.Dataset
    bands: xr.Dataset | None
    basis: Mapping[str, Mapping[str, Basis]]
    changes: pd.DataFrame
    smaller: xr.Dataset
    special: xr.DataArray
    teachers: pd.DataFrame
    audit: xr.Dataset | None


def find_schools(
    data: xr.Dataset,
    models: Mapping[str, DemandModel],
    region: Region,
    flags: Flags,
    standards: SchoolStandards,
) -> Schools | None:
    """All of it from a run's data; None where no school is modelled. flags: causes, demand of the trajectories, and what
    is needed for good."""
    services = school_services(models, data)
    if not services or "pupils" not in data:
        return None
    by_county = school_table(data, data, models, standards, region).drop_vars(["unit", "born_until"], errors="ignore")
    known = {
        name: by_area(data[f"{name}_of_area"], region.areas.places).sel({SERVICE: services}).reset_coords(drop=True)
        for name in ("supply", "gap")
    }
    living = {"living_here": _living_here(by_county["pupils"], region)}
    born = {"born_by_now": _born_by_now(data, models, services)}
    table = _everywhere(by_county.assign(living | born), region.areas).assign(known)
    share = label(table["born_by_now"] / table["children"], "schools.born")
    room = label(table["supply"] - table["places"], "schools.gap_with_spare")
    table = table.drop_vars("born_by_now").assign(born=share, gap_with_spare=room)
    table = table.assign_attrs(jump_off_year=int(data.attrs["jump_off_year"]))
    return Schools(
        table=table,
        bands=_bands(data, models, table, standards),
        basis=_bases(data, models, services, standards),
        changes=flags.causes[flags.causes[SERVICE].isin(services)].reset_index(drop=True),
        smaller=_smaller(models, table, standards),
        special=_special(models, table, standards),
        teachers=_teachers(flags.demand, models, region, table),
        audit=_audit(data, table, region.areas, flags.classes["lasting"]),
    )


def _everywhere(table: xr.Dataset, areas: Areas) -> xr.Dataset:
    """The areas after the counties in every variable by county; coordinates of the dimensions alone."""
    variables = {
        name: with_areas(values, areas) if COUNTY in values.dims else values
        for name, values in table.reset_coords(drop=True).items()
    }
    return xr.Dataset(variables)


def _born_by_now(data: xr.Dataset, models: Mapping[str, DemandModel], services: list[str]) -> xr.DataArray:
    """(county, year, service) children of the ages who were born by the end of the jump-off year."""
    parts = []
    for model in (models[name] for name in services):
        people = counted(data, model.population)
        born = people.where(people[YEAR] - people[AGE] <= int(data.attrs["jump_off_year"]), 0.0)
        parts.append(children(born, model.ages, model.cutoff_month))
    return in_order(xr.concat(parts, xr.IndexVariable(SERVICE, services)))


def _living_here(pupils: xr.DataArray, region: Region) -> xr.DataArray:
    """Pupils (county, year, service) by where they live; the same where the region knows of no flows."""
    services, counties, years = (pupils[dim].values.tolist() for dim in (SERVICE, COUNTY, YEAR))
    flows = region_flows(region, services, counties, years)
    if flows is None:
        return pupils
    parts = []
    for name in services:
        of_service = pupils.sel({SERVICE: [name]}).rename({SERVICE: GRADE})
        if name in flows[SERVICE].values:
            of_service = by_residence(of_service, flows.sel({SERVICE: name}, drop=True))
        parts.append(of_service.isel({GRADE: 0}, drop=True))
    return label(in_order(xr.concat(parts, xr.IndexVariable(SERVICE, services))), "schools.living_here")


def _bands(
    data: xr.Dataset, models: Mapping[str, DemandModel], table: xr.Dataset, standards: SchoolStandards
) -> xr.Dataset | None:
    if "demand_quantile" not in data:
        return None
    places, services = table[COUNTY].values, table[SERVICE].values
    pupils = (
        by_area(data["demand_quantile"], places).sel(service=services).sel(quantile=list(BANDS[80]), method="nearest")
    )
    pupils = in_order(pupils.reset_coords(drop=True))
    needs = needs_of_pupils(pupils, models, standards, table["school_grades"])
    return needs[["classes", "places", "posts"]].assign(pupils=pupils)


def _bases(
    data: xr.Dataset, models: Mapping[str, DemandModel], services: list[str], standards: SchoolStandards
) -> dict[str, dict[str, Basis]]:
    """Column -> service -> weakest basis of its numbers. Children are projected, so none is better than derived."""
    row_of = {str(name): row for row, name in enumerate(data[SERVICE].values)}
    listed = [data[name].values.tolist() if name in data else [] for name in ("demand_basis", "supply_basis")]
    demand, supply = (
        {name: basis_or(column[row_of[name]] if column else "", "assumed") for name in services} for column in listed
    )
    bases: dict[str, dict[str, Basis]] = {}
    for name in services:
        pupils, stands = weakest("derived", demand[name]), supply[name]
        allowance = models[name].service.running_cost
        by_standard = {
            key: weakest(pupils, standard.basis)
            for key in ("class_size", "pupils_per_post", "floor_area")
            if (standard := models[name].standard(key))
        }
        places = weakest(pupils, standards["spare_places"].basis)
        columns = {
            "children": "derived",
            "pupils": pupils,
            "classes": by_standard.get("class_size", pupils),
            "places": places,
            "floor_area": weakest(places, by_standard.get("floor_area", places)),
            "posts": by_standard.get("pupils_per_post", pupils),
            "yuan": weakest(pupils, standards[allowance].basis) if allowance else pupils,
            "supply": stands,
            "gap": weakest(pupils, stands),
            "gap_with_spare": weakest(places, stands),
        }
        for column, basis in columns.items():
            bases.setdefault(column, {})[name] = basis
    return bases


# ---- what rolls free, and for whom new places are ----------------------------------------------------------------


def _smaller(models: Mapping[str, DemandModel], table: xr.Dataset, standards: SchoolStandards) -> xr.Dataset:
    """Classes smaller by one and by two steps, with as many posts for a class as the standards give it today; rooms are
    those of the places that stand."""
    step = float(standards["smaller_class_step"].value)
    years, services = table[YEAR].values.tolist(), table[SERVICE].values.tolist()
    full, load = (standard_by_service(models, services, key, years) for key in ("class_size", "pupils_per_post"))
    limits = full - step * xr.DataArray([0, 1, 2], {LIMIT: [0, 1, 2]})
    wage = float(standards["yuan_per_post"].at([years[-1]])[0])
    rooms = expected_classes(table["supply"], full, table["school_grades"])
    dividend = small_class_dividend(table["pupils"], limits, table["school_grades"], full / load, wage, rooms)
    return dividend.drop_vars("yuan_once").assign(class_size=limits)


def _special(models: Mapping[str, DemandModel], table: xr.Dataset, standards: SchoolStandards) -> xr.DataArray:
    """Prevalence x pupils of the stages for which it is published, in three settings."""
    years = table[YEAR].values.tolist()
    named = {name: models[name].service.special_prevalence for name in table[SERVICE].values.tolist()}
    services = [name for name, prevalence in named.items() if prevalence]
    rate = xr.DataArray(
        [standards[named[name]].at(years) for name in services], {SERVICE: services, YEAR: years}, (SERVICE, YEAR)
    )
    home, mainstream = (float(standards[f"special_share_{name}"].at([years[-1]])[0]) for name in (HOME, MAINSTREAM))
    shares = {SPECIAL_SCHOOL: 1 - home - mainstream, MAINSTREAM: mainstream, HOME: home}
    return in_order(special_pupils(table["pupils"].sel({SERVICE: services}), rate, shares))


def _teachers(
    demand: xr.DataArray, models: Mapping[str, DemandModel], region: Region, table: xr.Dataset
) -> pd.DataFrame:
    """Teachers of the last count beside the posts needed, for the places and kinds of schools that the region counts.

    The range of posts for several stages together is that of all trajectories, as stages go up and down together. Nothing is said of who retires: the region has no ages of teachers.
    """
    columns = [COUNTY, SERVICE, "counted_in", TEACHERS, YEAR, "posts", "posts_p10", "posts_p90"]
    counts = _counted_teachers(region, table[COUNTY].values.tolist(), table[SERVICE].values.tolist())
    parts = []
    for (place, services), (counted_in, number) in counts.items():
        needed = table.sel({COUNTY: place, SERVICE: services.split("+")})
        frame = pd.DataFrame(
            {YEAR: needed[YEAR].values, "posts": needed["posts"].sum(SERVICE, skipna=False).to_numpy()}
        )
        keys = {COUNTY: place, SERVICE: services, "counted_in": counted_in, TEACHERS: number}
        ends = _ends_together(demand, needed["posts"] / needed["pupils"], place)
        parts.append(frame.assign(**keys, **ends))
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return rows.reindex(columns=columns)


def _counted_teachers(
    region: Region, places: list[str], services: list[str]
) -> dict[tuple[str, str], tuple[int, float]]:
    """(place, services joined by +) -> the year of the last count, and the teachers of all these services."""
    counts: dict[tuple[str, str], tuple[int, float]] = {}
    if region.has("staff"):
        table = region.table("staff")
        table = table[(table["item"] == TEACHERS) & table[COUNTY].isin(places)]
        for place, kinds, year, number in zip(
            *(table[name].tolist() for name in (COUNTY, SERVICE, YEAR, "value")), strict=True
        ):
            if set(str(kinds).split("+")) <= set(services):
                key = str(place), str(kinds)
                counts[key] = max(counts.get(key, (0, 0.0)), (int(year), float(number)))
    return counts


def _ends_together(demand: xr.DataArray, posts_per_pupil: xr.DataArray, place: str) -> dict[str, np.ndarray]:
    """The ends of the band of the posts of several stages together; nothing in a run of one path."""
    if TRAJECTORY not in demand.dims:
        return {}
    paths = demand.sel({COUNTY: place, SERVICE: posts_per_pupil[SERVICE].values}).reindex({YEAR: posts_per_pupil[YEAR]})
    posts = paths.transpose(TRAJECTORY, YEAR, SERVICE).to_numpy() * posts_per_pupil.transpose(YEAR, SERVICE).to_numpy()
    low, high = np.quantile(posts.sum(axis=-1), BANDS[80], axis=0)
    return {"posts_p10": low, "posts_p90": high}


def _audit(data: xr.Dataset, table: xr.Dataset, areas: Areas, lasting: xr.DataArray) -> xr.Dataset | None:
    """Planned places of the services that have some. The run's supply holds them already: what stands without them is
    supply less planned, so that nothing is counted twice."""
    if "planned_of_area" not in data:
        return None
    planned = by_area(data["planned_of_area"], areas.places).sel(
        {SERVICE: table[SERVICE].values, YEAR: lasting[YEAR].values}
    )
    planned = planned.reset_coords(drop=True)
    known = table["supply"].sel({COUNTY: areas.whole}).notnull().any(YEAR)
    services = [
        str(name)
        for name in planned[SERVICE].values
        if float(planned.sel({SERVICE: name}).max()) > 0 and bool(known.sel({SERVICE: name}))
    ]
    if not services:
        return None
    here = {SERVICE: services, YEAR: lasting[YEAR].values, COUNTY: table[COUNTY].values}
    need, standing, new = (values.sel(here) for values in (table["pupils"], table["supply"], planned))
    existing = standing - new
    uses = audit_places(need, in_order(lasting.sel(here).reset_coords(drop=True)), existing, new)
    idle = xr.full_like(existing, np.nan)
    if "demand_quantile" in data:
        kept = by_area(data["demand_quantile"], existing[COUNTY].values)
        idle = probability_below(existing, kept.sel({SERVICE: services, YEAR: existing[YEAR].values}))
    return uses.assign(need=need, existing=existing, added=new, p_idle=idle).map(in_order)
