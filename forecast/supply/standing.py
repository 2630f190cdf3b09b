"""Places and beds that stand and that are planned, by county, year and service.

A figure for a whole area is split to its counties by each one's share of the residents in the ages that the service is
for, at 31 December of the census year; counties with a figure of their own keep it, and the others share the rest. A
figure holds from its year until the next one; before the first there is none (NaN). A project adds from its year on,
until a later figure counts what stands and so includes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from forecast.basics.basis import weakest
from forecast.basics.dims import AGE, COUNTY, SERVICE, SEX, TRAJECTORY, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.variables import BY_SERVICE, label
from forecast.region import Region, basis_of

if TYPE_CHECKING:
    from forecast.demand import DemandModel

NO_SUPPLY = "none"
"""`basis` of a service whose supply is not known at all."""

CLOSE = 0.5
"""Places or beds: shares of an area's figure add up to it only so far."""

Residents = Mapping[str, float]
"""County -> residents in the ages of a service, all counties of the region."""


def estimate_supply(region: Region, models: Mapping[str, DemandModel], people: xr.Dataset) -> xr.Dataset:
    """Capacity usable in school year or year y, by (county, year, service), in the service's unit (coordinate `unit`).

    supply    standing and planned places or beds; NaN before the first figure, and where the region has none
    planned   the part of it that projects have added since that figure
    basis     by service: assumed where a figure was split to counties or its source says so; `none` without supply

    `people` holds `population` (trajectory?, county, year, sex, age) with the census year, whose shares split area
    figures (the region's `supply_split.year`, else its last census year, else the first year of `people`).
    Raises InputRefused where that year or a county is missing, county figures exceed their area's, or more closes in
    a county than stands there.
    """
    population = _census_population(people, region)
    counties = [str(county) for county in population[COUNTY].values]
    years = people[YEAR].values.astype(int)
    figures, projects = _rows(region, "supply"), _rows(region, "projects")
    standing, planned, bases = [], [], []
    for service, model in models.items():
        first, last = model.ages
        in_ages = population.sel({AGE: slice(first, last)}).sum(AGE)
        residents = dict(zip(counties, in_ages.values.tolist(), strict=True))
        stands, since, split = _standing(region, service, figures.get(service, []), residents, years)
        comes, split_too = _planned(region, projects.get(service, []), residents, years, since)
        _refuse_less_than_nothing(stands + comes, projects.get(service, []), service, counties, years)
        standing.append(stands)
        planned.append(comes)
        tables = [table for table, rows in (("supply", figures), ("projects", projects)) if service in rows]
        bases.append(_basis(region, service, tables, split or split_too))
    coords = {SERVICE: list(models), COUNTY: counties, YEAR: years}
    additions = xr.DataArray(np.stack(planned), coords, (SERVICE, COUNTY, YEAR))
    capacity = {"supply": additions + np.stack(standing), "planned": additions}
    units = {model.unit for model in models.values()}
    labelled = xr.Dataset(
        {
            "supply": in_order(capacity["supply"]),
            "planned": in_order(capacity["planned"]),
            "basis": (SERVICE, np.asarray(bases, dtype=object)),
        },
        coords={"unit": (SERVICE, [model.unit for model in models.values()])},
    )
    return label(labelled, "supply", units=units.pop() if len(units) == 1 else BY_SERVICE)


def _census_population(people: xr.Dataset, region: Region) -> xr.DataArray:
    """Residents (county, age) in the year whose shares split area figures."""
    population = people["population"]
    if TRAJECTORY in population.dims:  # the census lies in the past, which all trajectories share
        population = population.isel({TRAJECTORY: 0}, drop=True)
    settings = region.settings
    censuses = settings.get("derivation", {}).get("census_years") or [int(population[YEAR][0])]
    year = settings.get("supply_split", {}).get("year", max(censuses))
    if year not in population[YEAR].values:
        have = f"{int(population[YEAR][0])}-{int(population[YEAR][-1])}"
        raise InputRefused(Issue("E422", values={"year": year, "expected": have}))
    apart = {str(county) for county in population[COUNTY].values} ^ set(region.counties.index)
    if apart:
        raise InputRefused(Issue("E423", values={"found": ", ".join(sorted(apart))}))
    at_census = population.sel({YEAR: year}, drop=True)
    return at_census.sum(SEX, skipna=False) if SEX in at_census.dims else at_census


class Row(NamedTuple):
    """One line of the table `supply` or `projects`."""

    county: str
    year: int
    capacity: float
    line: int  # in the file


def _rows(region: Region, table: str) -> dict[str, list[Row]]:
    """The lines of a table by service, in the order of the file."""
    by_service: dict[str, list[Row]] = {}
    if region.has(table):
        rows = region.table(table)
        columns = (rows[name].tolist() for name in (SERVICE, COUNTY, YEAR, "capacity", "row"))
        for service, county, year, capacity, line in zip(*columns, strict=True):
            by_service.setdefault(str(service), []).append(Row(str(county), int(year), float(capacity), int(line)))
    return by_service


def _standing(
    region: Region, service: str, rows: list[Row], residents: Residents, years: np.ndarray
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Capacity (county, year), the year of the figure in force (county, year; -inf before the first), and whether one
    was split to counties."""
    standing = np.full((len(residents), years.size), np.nan)
    since = np.full_like(standing, -np.inf)
    split = False
    for year in sorted({row.year for row in rows}):
        figures, was_split = _by_county(region, service, [row for row in rows if row.year == year], residents)
        for position, county in enumerate(residents):
            if county in figures:
                standing[position, years >= year] = figures[county]
                since[position, years >= year] = year
        split |= was_split
    return standing, since, split


def _by_county(region: Region, service: str, rows: list[Row], residents: Residents) -> tuple[dict[str, float], bool]:
    """Figures of one year by county: own rows as they are, then each area's rest over its other counties."""
    given = {row.county: row.capacity for row in rows}
    figures = {code: number for code, number in given.items() if code in residents}
    areas = {code: region.areas.inside(code) for code in given if code not in residents}
    split = False
    for code, members in sorted(areas.items(), key=lambda item: len(item[1])):
        open_ = [county for county in members if county not in figures]
        rest = given[code] - sum(figures.get(county, 0.0) for county in members)
        if not open_:
            continue
        if rest < 0:
            values = {"year": rows[0].year, "service": service, "known": given[code] - rest, "total": given[code]}
            raise InputRefused(Issue("E421", file="supply.csv", row=rows[0].line, values=values))
        figures |= _shared(rest, open_, residents)
        split = True
    return figures, split


def _planned(
    region: Region, projects: list[Row], residents: Residents, years: np.ndarray, since: np.ndarray
) -> tuple[np.ndarray, bool]:
    """Sum of the projects that opened after the figure in force, (county, year), and whether one was split."""
    planned = np.zeros_like(since)
    split = False
    for project in projects:
        if project.county in residents:
            added = {project.county: project.capacity}
        else:
            added, split = _shared(project.capacity, region.areas.inside(project.county), residents), True
        parts = np.array([added.get(county, 0.0) for county in residents])
        planned += parts[:, None] * ((since < project.year) & (years >= project.year))
    return planned, split


def _refuse_less_than_nothing(
    capacity: np.ndarray, projects: list[Row], service: str, counties: list[str], years: np.ndarray
) -> None:
    """Raises InputRefused where more closes in a county than stands there. capacity: (county, year)."""
    below = np.argwhere(capacity < -CLOSE)
    if not len(below):
        return
    county, year = counties[below[0][0]], int(years[below[0][1]])
    closing = [row for row in projects if row.capacity < 0 and row.year <= year]
    row = next((row for row in reversed(closing) if row.county == county), closing[-1])
    values = {"service": service, "county": county, "year": year, "left": f"{capacity[tuple(below[0])]:,.0f}"}
    raise InputRefused(Issue("E424", file="projects.csv", row=row.line, values=values))


def _shared(total: float, counties: list[str], residents: Residents) -> dict[str, float]:
    everyone = sum(residents[county] for county in counties)
    return {county: total * (residents[county] / everyone) for county in counties}


def _basis(region: Region, service: str, tables: list[str], split: bool) -> str:
    if "supply" not in tables:
        return NO_SUPPLY
    bases = [basis_of(region, table, service=service) for table in tables]
    return "assumed" if split else weakest(*bases)
