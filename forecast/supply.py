"""What stands and what is planned, by county, year and service.

A figure for a whole area is split to its counties by each one's share of the residents in the ages that the service is
for, at 31 December of the census year; counties with a figure of their own keep it, and the others share the rest. A
figure holds from its year until the next one; before the first there is none (NaN). A project adds from its year on,
until a later figure counts what stands and so includes it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Protocol

import numpy as np
import pandas as pd
import xarray as xr

from forecast.dims import AGE, COUNTY, SERVICE, SEX, TRAJECTORY, YEAR, in_order
from forecast.errors import InputRefused, Issue
from forecast.region import Region, basis_of

NO_SUPPLY = "none"
"""`basis` of a service whose supply is not known at all."""

_RANK = ("published", "derived", "assumed")


class Meets(Protocol):
    """Which service's supply a model meets."""

    @property
    def service(self) -> str: ...


class Service(Protocol):
    """What supply must know of a demand model: whose supply it meets, for which ages, in which unit."""

    @property
    def supply(self) -> Meets: ...

    @property
    def ages(self) -> tuple[int, int]: ...

    @property
    def unit(self) -> str: ...


def estimate_supply(region: Region, models: Mapping[str, Service], people: xr.Dataset) -> xr.Dataset:
    """Capacity usable in school year or year y, by (county, year, service), in the service's unit (coordinate `unit`).

    supply    standing and planned places or beds; NaN before the first figure, and where the region has none
    planned   the part of it that projects have added since that figure
    basis     by service: assumed where a figure was split to counties or its source says so; `none` without supply

    `people` holds `population` (trajectory?, county, year, sex, age) with the census year, whose shares split area
    figures (the region's `supply_split.year`, else its last census year, else the first year of `people`).
    Raises InputRefused where that year or a county is missing, or county figures exceed their area's.
    """
    population = _census_population(people, region)
    years = [int(year) for year in people[YEAR].values]
    parts = []
    bases = []
    for model in models.values():
        first, last = model.ages
        residents = population.sel({AGE: slice(first, last)}).sum(AGE).to_series()
        standing, since, split = _standing(region, model.supply.service, residents, years)
        planned, split_too = _planned(region, model.supply.service, residents, since)
        parts.append(xr.Dataset({"supply": _array(standing + planned), "planned": _array(planned)}))
        bases.append(_basis(region, model.supply.service, split or split_too))
    found = xr.concat(parts, dim=pd.Index(list(models), name=SERVICE), join="exact")
    units = {model.unit for model in models.values()}
    attrs = {
        "units": units.pop() if len(units) == 1 else "by service",
        "kind": "stock",
        "source": "supply and projects tables of the region",
    }
    text = {"long_name": "basis of supply", "units": "1", "kind": "rate", "source": attrs["source"]}
    return xr.Dataset(
        {
            "supply": in_order(found["supply"]).assign_attrs(attrs, long_name="places or beds standing and planned"),
            "planned": in_order(found["planned"]).assign_attrs(attrs, long_name="of these added by projects"),
            "basis": (SERVICE, np.asarray(bases, dtype=object), text),
        },
        coords={"unit": (SERVICE, [model.unit for model in models.values()])},
    )


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


def _standing(
    region: Region, service: str, residents: pd.Series[float], years: list[int]
) -> tuple[pd.DataFrame, pd.DataFrame, bool]:
    """Capacity by county and year, the year of the figure in force (-inf before the first), whether it was split."""
    standing = pd.DataFrame(np.nan, index=residents.index, columns=years)
    since = pd.DataFrame(-np.inf, index=residents.index, columns=years)
    split = False
    for year, rows in _rows(region, "supply", service).groupby(YEAR):
        figures, was_split = _by_county(region, service, rows, residents)
        later = [one for one in years if one >= int(str(year))]
        standing.loc[list(figures), later] = np.reshape(list(figures.values()), (-1, 1))
        since.loc[list(figures), later] = float(str(year))
        split |= was_split
    return standing, since, split


def _by_county(
    region: Region, service: str, rows: pd.DataFrame, residents: pd.Series[float]
) -> tuple[dict[Hashable, float], bool]:
    """Figures of one year by county: own rows as they are, then each area's rest over its other counties."""
    given = {str(code): float(capacity) for code, capacity in zip(rows[COUNTY], rows["capacity"], strict=True)}
    figures: dict[Hashable, float] = {code: number for code, number in given.items() if code in residents.index}
    areas = {code: _members(region, code) for code in given if code not in residents.index}
    split = False
    for code, members in sorted(areas.items(), key=lambda item: len(item[1])):
        open_ = [county for county in members if county not in figures]
        rest = given[code] - sum(figures.get(county, 0.0) for county in members)
        if not open_:
            continue
        if rest < 0:
            year = int(rows[YEAR].iloc[0])
            values = {"year": year, "service": service, "known": given[code] - rest, "total": given[code]}
            raise InputRefused(Issue("E421", file="supply.csv", row=int(rows["row"].iloc[0]), values=values))
        figures |= _shared(rest, residents.loc[open_])
        split = True
    return figures, split


def _planned(
    region: Region, service: str, residents: pd.Series[float], since: pd.DataFrame
) -> tuple[pd.DataFrame, bool]:
    """Sum of the projects that opened after the figure in force, by county and year, and whether one was split."""
    planned = pd.DataFrame(0.0, index=since.index, columns=since.columns)
    years = np.asarray(since.columns)
    split = False
    for project in _rows(region, "projects", service).itertuples():
        code, year, capacity = str(project.county), int(str(project.year)), float(str(project.capacity))
        if code in residents.index:
            added: dict[Hashable, float] = {code: capacity}
        else:
            added, split = _shared(capacity, residents.loc[_members(region, code)]), True
        parts = pd.Series(added).reindex(since.index, fill_value=0.0).to_numpy()
        planned += parts[:, None] * ((since.to_numpy() < year) & (years >= year))
    return planned, split


def _rows(region: Region, table: str, service: str) -> pd.DataFrame:
    if not region.has(table):
        return pd.DataFrame(columns=[COUNTY, YEAR, SERVICE, "capacity", "row"])
    rows = region.table(table)
    return rows[rows[SERVICE] == service]


def _members(region: Region, area: str) -> list[str]:
    """The counties of a parent area; all of them for the region as a whole."""
    if area == region.area:
        return list(region.counties.index)
    return list(region.counties.index[region.counties["parent"] == area])


def _shared(total: float, residents: pd.Series[float]) -> dict[Hashable, float]:
    shares = residents / residents.sum()
    return {county: total * float(share) for county, share in shares.items()}


def _basis(region: Region, service: str, split: bool) -> str:
    tables = [table for table in ("supply", "projects") if len(_rows(region, table, service))]
    if "supply" not in tables:
        return NO_SUPPLY
    bases = [basis_of(region, table, service=service) for table in tables]
    return "assumed" if split else max(bases, key=_RANK.index)


def _array(table: pd.DataFrame) -> xr.DataArray:
    coords = {COUNTY: list(table.index), YEAR: list(table.columns)}
    return xr.DataArray(table.to_numpy(dtype=float), dims=(COUNTY, YEAR), coords=coords)
