"""One year stepped on so that its births, deaths and residents are the published ones.

The levels of mortality and fertility are solved so that the whole has its published births and deaths, and net
migration so that every county has its published year-end residents. What was published is met by construction.
"""

from __future__ import annotations

from typing import NamedTuple

import xarray as xr

from forecast.dims import AGE, COUNTY, SEX, YEAR, in_order
from forecast.errors import InputRefused, Issue
from forecast.population.lifetable import life_table
from forecast.population.migration import move_to_total
from forecast.population.project import project_population
from forecast.region import Region

_CLOSE = 1e-9  # relative error at which a calibration has arrived
_MOST_ROUNDS = 60


class Pattern(NamedTuple):
    """Published rates by age whose level is calibrated."""

    mx: xr.DataArray  # (year, sex, age) deaths per person-year
    asfr: xr.DataArray  # (year, age) births per woman-year
    srb: xr.DataArray  # (year,) boys per girl


class Level(NamedTuple):
    """Factors on the pattern."""

    mortality: float  # on mx
    fertility: float  # on asfr
    relative: xr.DataArray  # (county,) of each county's asfr


class Moves(NamedTuple):
    """Who moves."""

    rate: xr.DataArray  # (county, sex, age) net migration per resident and year
    mobility: xr.DataArray  # (sex, age) not negative: the ages on which a change of the total falls


class Step(NamedTuple):
    year: int
    projection: xr.Dataset  # year - 1 and year
    level: Level


def calibrate_years(
    region: Region, people: xr.DataArray, level: Level, pattern: Pattern, moves: Moves, years: range
) -> list[Step]:
    """Years one after another from `people` (county, sex, age) at 31 December before the first."""
    steps: list[Step] = []
    for year in years:
        step = calibrate_year(region, people, level, pattern, moves, year)
        people, level = step.projection.population.sel({YEAR: year}, drop=True), step.level
        steps.append(step)
    return steps


def calibrate_year(
    region: Region, people: xr.DataArray, level: Level, pattern: Pattern, moves: Moves, year: int
) -> Step:
    """Repeated substitution: project, compare, scale the levels and move the migrants, until all totals are met.

    Raises InputRefused (E607) where that does not arrive, E608 where a total is not published.
    """
    target = county_targets(region, people.sum([SEX, AGE]), year)
    births, deaths = births_and_deaths(region, year, float(people.sum() + target.sum()) / 2)
    migrants = in_order(moves.rate * people)
    mobility = in_order(moves.mobility * people)
    found = {"births": 0.0, "deaths": 0.0}
    for _ in range(_MOST_ROUNDS):
        projection = project_population(_one_year(people, level, pattern, migrants, year), "end")
        flows = projection.sel({YEAR: year})
        found = {"births": float(flows.births.sum()), "deaths": float(flows.deaths.sum())}
        missing = target - flows.population.sum([SEX, AGE])
        errors = (
            found["births"] / births - 1,
            found["deaths"] / deaths - 1,
            float(abs(missing / target).max()),
        )
        if max(abs(error) for error in errors) < _CLOSE:
            return Step(year, projection, level)
        level = level._replace(
            mortality=level.mortality * deaths / found["deaths"],
            fertility=level.fertility * births / found["births"],
        )
        migrants = move_to_total(migrants, mobility, migrants.sum([SEX, AGE]) + missing)
    values = {"year": year, "component": "births, deaths", "target": (births, deaths), "reached": found}
    raise InputRefused(Issue("E607", values=values))


def _one_year(people: xr.DataArray, level: Level, pattern: Pattern, migrants: xr.DataArray, year: int) -> xr.Dataset:
    at = {YEAR: [year]}
    rates = {
        "baseline": people,
        "sx": life_table(pattern.mx.sel(at) * level.mortality).sx,
        "asfr": in_order(level.fertility * level.relative * pattern.asfr.sel(at)),
        "srb": pattern.srb.sel(at),
        "net_migration": in_order(migrants.expand_dims(at)),
    }
    return xr.Dataset(rates, attrs={"jump_off_year": year - 1})


def county_targets(region: Region, before: xr.DataArray, year: int) -> xr.DataArray:
    """Year-end residents of each county, (county,): published, or on the way to the next published year at the pace
    of the whole; scaled to the whole's own total, from which printed county figures differ by rounding."""
    whole = control(region, year, "population")
    known = _published_by_county(region, year, before[COUNTY])
    if known is None:
        known = _on_the_way(region, before, year, whole)
    return known if whole is None else known * (whole / float(known.sum()))


def _on_the_way(region: Region, before: xr.DataArray, year: int, whole: float | None) -> xr.DataArray:
    for later in range(year + 1, region.jump_off_year + 1):
        goal = _published_by_county(region, later, before[COUNTY])
        if goal is not None and whole is not None:
            pace = (whole - float(before.sum())) / (float(goal.sum()) - float(before.sum()))
            return before + pace * (goal - before)
    values = {
        "what": "controls: population",
        "year": year,
        "expected": f"residents by county and of {region.area}",
    }
    raise InputRefused(Issue("E608", values=values))


def _published_by_county(region: Region, year: int, counties: xr.DataArray) -> xr.DataArray | None:
    table = region.table("controls")
    rows = table[(table.year == year) & (table.component == "population")].set_index("area").value
    if not set(counties.values) <= set(rows.index):
        return None
    return xr.DataArray(rows.loc[counties.values.tolist()].to_numpy(float), dims=COUNTY, coords={COUNTY: counties})


def births_and_deaths(region: Region, year: int, mean_population: float) -> tuple[float, float]:
    """Persons of the whole: as published, or the published rate times the mean population of the year."""
    births = _counted(region, year, "births", "birth_rate", mean_population)
    return births, _counted(region, year, "deaths", "death_rate", mean_population)


def _counted(region: Region, year: int, count: str, rate: str, mean_population: float) -> float:
    persons, per_person = control(region, year, count), control(region, year, rate)
    if persons is not None:
        return persons
    if per_person is not None:
        return per_person * mean_population
    values = {"what": f"controls: {count}", "year": year, "expected": f"{count} or {rate} of {region.area}"}
    raise InputRefused(Issue("E608", values=values))


def control(region: Region, year: int, component: str) -> float | None:
    """A published figure of the whole in base units, or None."""
    table = region.table("controls")
    rows = table[(table.year == year) & (table.component == component) & (table.area == region.area)]
    return float(rows.value.iloc[0]) if len(rows) else None
