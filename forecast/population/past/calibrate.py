"""One year stepped on so that its births, deaths and residents are the published ones.

The levels of mortality and fertility are solved so that the whole has its published births and deaths, and net
migration so that every county has its published year-end residents. What was published is met by construction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from forecast.basics.ages import entering_ages
from forecast.basics.dims import AGE, COUNTY, SEX, SEXES, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.population.past.migration import move_to_total
from forecast.population.projection.project import project_population
from forecast.population.rates.lifetable import columns_of, life_table
from forecast.region import Region

_CLOSE = 1e-8  # relative error at which a county has its residents
_SOLVED = 1e-12  # relative error at which the whole has its deaths
_MOST_ROUNDS = 30


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
    """One year that meets its published births, deaths and residents.

    Migrants arrive at the year's end, so deaths depend on the mortality level alone and births are in proportion to
    the fertility level; what is then missing to a county's residents is its net migration.
    Raises InputRefused: E608 where a total is not published, E607 where no level meets one.
    """
    target = county_targets(region, people.sum([SEX, AGE]), year)
    births, deaths = births_and_deaths(region, year, float(people.sum() + target.sum()) / 2)
    mx = pattern.mx.sel({YEAR: [year]})
    srb = float(pattern.srb.sel({YEAR: year}))
    level = level._replace(mortality=_mortality_level(people, mx, births, srb, deaths, level.mortality, year))
    rates = {
        "baseline": people,
        "sx": life_table(mx * level.mortality).sx,
        "asfr": in_order(level.relative * pattern.asfr.sel({YEAR: [year]})),
        "srb": pattern.srb.sel({YEAR: [year]}),
        "net_migration": in_order((moves.rate * people).expand_dims({YEAR: [year]})),
    }
    standing = xr.Dataset(rates, attrs={"jump_off_year": year - 1})
    at_pattern = float(project_population(standing, "end").births.sel({YEAR: year}).sum())
    level = level._replace(fertility=births / at_pattern)
    standing["asfr"] = standing.asfr * level.fertility
    mobility = in_order(moves.mobility * people)
    for _ in range(_MOST_ROUNDS):  # once, and again only where a cell would go below zero
        projection = project_population(standing, "end")
        missing = target - projection.population.sel({YEAR: year}).sum([SEX, AGE])
        if float(abs(missing / target).max()) < _CLOSE:
            return Step(year, projection, level)
        total = standing.net_migration.sum([SEX, AGE]) + missing
        standing["net_migration"] = in_order(move_to_total(standing.net_migration, mobility, total))
    raise InputRefused(_not_met("population", year, float(target.sum()), float((target - missing).sum())))


def _mortality_level(
    people: xr.DataArray, mx: xr.DataArray, births: float, srb: float, deaths: float, guess: float, year: int
) -> float:
    """The factor on mx, near `guess`, at which people and the year's newborn have that many deaths in the year.

    By the secant method. scipy's `root_scalar(method="secant")` stops where its step is small, not where the deaths
    are met, and so ends a last digit away after one more life table; a county's year may not depend on that.
    """
    girls = births / (1 + srb)
    before = people.sum(COUNTY).transpose(SEX, AGE).values
    exposed = entering_ages(before, np.array([girls, births - girls]))
    rate = mx.isel({YEAR: 0}).transpose(SEX, AGE).values
    women, widths = np.array(SEXES) == "female", np.diff(mx[AGE].values)

    def too_many(logarithm: float) -> float:
        sx = columns_of(rate * np.exp(logarithm), women, widths)["sx"]
        return float(((1 - sx) * exposed).sum()) / deaths - 1

    last, now = np.log(guess), np.log(guess) + 0.01
    at_guess = missed_last = too_many(last)
    for _ in range(_MOST_ROUNDS):
        missed = too_many(now)
        if abs(missed) < _SOLVED:
            return float(np.exp(now))
        if missed == missed_last:
            break
        last, now, missed_last = now, now - missed * (now - last) / (missed - missed_last), missed
    raise InputRefused(_not_met("deaths", year, deaths, deaths * (1 + at_guess)))


def _not_met(component: str, year: int, target: float, reached: float) -> Issue:
    values = {"year": year, "component": component, "target": f"{target:,.0f}", "reached": f"{reached:,.0f}"}
    return Issue("E607", values=values)


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
    figures, codes = region.published.get((year, "population"), {}), counties.values.tolist()
    if not figures.keys() >= set(codes):
        return None
    return xr.DataArray([figures[code] for code in codes], dims=COUNTY, coords={COUNTY: counties})


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
    return region.published.get((year, component), {}).get(region.area)
