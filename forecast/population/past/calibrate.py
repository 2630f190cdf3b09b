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
from forecast.population.past.institutions import turnover
from forecast.population.past.migration import faded, lasting_level, long_mean, mobility, move_to_total
from forecast.population.projection.project import project_population
from forecast.population.rates.lifetable import MOST_DYING, columns_of, life_table
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
    """How people moved between two counts."""

    rate: xr.DataArray  # (county, sex, age) net migration per resident and year
    years: int  # between the counts


class Step(NamedTuple):
    year: int
    projection: xr.Dataset  # year - 1 and year
    level: Level
    published: frozenset[str]  # what the year's levels were met to: "population", "births", "deaths"
    movers: xr.DataArray  # (county,) net migration of the year without the turnover of institutions


class Shared(NamedTuple):
    """What all calibrated years rest on."""

    region: Region
    stock: xr.DataArray  # (county, year, sex, age) people in institutions, from the year before the first on
    pattern: Pattern
    moves: Moves


class MigrationLevels(NamedTuple):
    """Net migration of each county as the calibrated years show it, (county,) persons a year."""

    observed: (
        xr.DataArray
    )  # mean of the years whose residents were published, of the time between two counts without any
    recent: xr.DataArray  # the same made fit to go on
    lasting: xr.DataArray  # mean of the time between the last two counts and after, made fit to go on
    year: int | None  # the last whose residents were published; None where there is none


def calibrate_years(shared: Shared, people: xr.DataArray, level: Level, years: range) -> list[Step]:
    """Years one after another from `people` (county, sex, age) at 31 December before the first. In a year without
    published residents as many move as the projection would expect, as `migration.expected_net` goes on."""
    steps: list[Step] = []
    for year in years:
        seen = migration_levels(steps, people - shared.stock.sel({YEAR: year - 1}, drop=True), shared.moves)
        usual = None if seen.year is None else faded(seen.recent, seen.lasting, year - seen.year)
        step = calibrate_year(shared, people, level, usual, year)
        people, level = step.projection.population.sel({YEAR: year}, drop=True), step.level
        steps.append(step)
    return steps


def migration_levels(steps: list[Step], movers: xr.DataArray, moves: Moves) -> MigrationLevels:
    """What the steps tell of net migration. movers: (county, sex, age) people outside institutions after them."""
    known = [step for step in steps if "population" in step.published]
    seen, residents = [step.movers for step in known], movers.sum([SEX, AGE])
    between_counts = (moves.rate * movers).sum([SEX, AGE])
    observed = sum(seen[1:], seen[0]) / len(seen) if seen else between_counts
    lasting = long_mean(between_counts, moves.years, seen)
    year = known[-1].year if known else None
    return MigrationLevels(observed, lasting_level(observed, residents), lasting_level(lasting, residents), year)


def calibrate_year(shared: Shared, people: xr.DataArray, level: Level, usual: xr.DataArray | None, year: int) -> Step:
    """One year that meets its published births, deaths and residents. people: (county, sex, age) at 31 December before;
    level: of the year before; usual: (county,) net migration where residents were not published.

    Migrants arrive at the year's end, so deaths depend on the mortality level alone and births are in proportion to
    the fertility level; what is then missing to a county's residents is its net migration. A total that was not
    published binds nothing: the level is that of the year before, migration the usual one, at first that of the profile.
    Raises InputRefused E607 where no level meets a total.
    """
    region, stock, pattern, moves = shared
    whole = control(region, year, "population")
    births, deaths = births_and_deaths(region, year, (float(people.sum()) + (whole or float(people.sum()))) / 2)
    mx = pattern.mx.sel({YEAR: [year]})
    srb = float(pattern.srb.sel({YEAR: year}))
    asfr = in_order(level.relative * pattern.asfr.sel({YEAR: [year]}))
    movers = people - stock.sel({YEAR: year - 1}, drop=True)
    rates = {"baseline": people, "asfr": asfr, "srb": pattern.srb.sel({YEAR: [year]})}
    if deaths is not None:
        born = births if births is not None else level.fertility * _births_of(people, asfr)
        level = level._replace(mortality=_mortality_level(people, mx, born, srb, deaths, level.mortality, year))
    sx = life_table(mx * level.mortality).sx
    passing, moving = turnover(stock, sx), in_order(mobility(movers))
    net = moves.rate * movers
    if whole is None and usual is not None:
        net = move_to_total(net, moving, usual)
    net = net + passing
    standing = xr.Dataset(rates, attrs={"jump_off_year": year - 1}).assign(sx=sx, net_migration=in_order(net))
    if births is not None:
        at_pattern = project_population(standing, "end").births.sel({YEAR: year}, drop=True).sum(SEX)
        own = published_by_county(region, year, "births", people[COUNTY])
        if own is not None:  # each county's births, scaled to those of the whole
            change = drawn_to_whole(own, at_pattern)
            level = level._replace(relative=level.relative * change)
            standing["asfr"] = standing.asfr * change
            at_pattern = at_pattern * change
        level = level._replace(fertility=births / float(at_pattern.sum()))
    standing["asfr"] = standing.asfr * level.fertility
    projection = project_population(standing, "end")
    free = projection.population.sel({YEAR: year}).sum([SEX, AGE])
    target = county_targets(region, people.sum([SEX, AGE]), free, moving.sum([SEX, AGE]), year)
    for _ in range(_MOST_ROUNDS):  # once, and again only where a cell would go below zero
        missing = target - projection.population.sel({YEAR: year}).sum([SEX, AGE])
        if float(abs(missing / target).max()) < _CLOSE:
            total = projection.net_migration.sel({YEAR: year}, drop=True).sum([SEX, AGE])
            figures = {"population": whole, "births": births, "deaths": deaths}
            published = frozenset(name for name, figure in figures.items() if figure is not None)
            return Step(
                year, projection, level, published, total - passing.sel({YEAR: year}, drop=True).sum([SEX, AGE])
            )
        total = standing.net_migration.sum([SEX, AGE]) + missing
        standing["net_migration"] = in_order(move_to_total(standing.net_migration, moving, total))
        projection = project_population(standing, "end")
    raise InputRefused(not_met("population", year, float(target.sum()), float((target - missing).sum())))


CHILDREN = 25.0
"""Expected births or children at which a county's own fertility counts one half and the whole's the other: counties then
differ by a fifth (one standard deviation) around the whole (assumed); Poisson counts under a gamma prior."""


def drawn_to_whole(counted: xr.DataArray, expected: xr.DataArray) -> xr.DataArray:
    """Ratio of each county's counted to its expected persons, relative to the whole's, drawn to 1 by (counted + k) /
    (expected + k) with k = `CHILDREN`, so that a hamlet without a child is not without births for ever. counted,
    expected: (county,) persons; the mean of the ratios, weighted by `expected`, is 1."""
    level = float(counted.sum() / expected.sum())
    ratio = (counted + CHILDREN) / (level * expected + CHILDREN)
    relative: xr.DataArray = ratio * (expected.sum() / (ratio * expected).sum())
    return relative


def _births_of(people: xr.DataArray, asfr: xr.DataArray) -> float:
    """Births in a year to these women (county, sex, age), nobody dying or moving."""
    return float((asfr.isel({YEAR: 0}, drop=True) * people.sel({SEX: "female"}, drop=True)).sum())


def _mortality_level(
    people: xr.DataArray, mx: xr.DataArray, births: float, srb: float, deaths: float, guess: float, year: int
) -> float:
    """The factor on mx, near `guess`, at which people and the year's newborn have that many deaths in the year.

    By the secant method, at most where nobody would live from one age to the next. scipy's `root_scalar(method="secant")` stops where its step is small, not where the deaths
    are met, and so ends a last digit away after one more life table; a county's year may not depend on that.
    """
    girls = births / (1 + srb)
    before = people.sum(COUNTY).transpose(SEX, AGE).values
    exposed = entering_ages(before, np.array([girls, births - girls]))
    rate = mx.isel({YEAR: 0}).transpose(SEX, AGE).values
    women, widths = np.array(SEXES) == "female", np.diff(mx[AGE].values)
    most = float(np.log(MOST_DYING / rate[:, :-1].max()))

    def too_many(logarithm: float) -> float:
        sx = columns_of(rate * np.exp(logarithm), women, widths)["sx"]
        return float(((1 - sx) * exposed).sum()) / deaths - 1

    last, now = np.log(guess), np.log(guess) + 0.01
    missed_last = too_many(last)
    for _ in range(_MOST_ROUNDS):
        missed = too_many(now)
        if abs(missed) < _SOLVED:
            return float(np.exp(now))
        if missed == missed_last:
            break
        last, now, missed_last = now, min(now - missed * (now - last) / (missed - missed_last), most), missed
    raise InputRefused(not_met("deaths", year, deaths, deaths * (1 + too_many(most))))


def not_met(component: str, year: int, target: float, reached: float) -> Issue:
    """Says that a published figure cannot be met, and what can be reached."""
    values = {"year": year, "component": component, "target": f"{target:,.0f}", "reached": f"{reached:,.0f}"}
    return Issue("E607", values=values)


def county_targets(
    region: Region, before: xr.DataArray, free: xr.DataArray, mobility: xr.DataArray, year: int
) -> xr.DataArray:
    """Year-end residents of each county, (county,).

    As published; or on the way to the next published year, at the pace of the whole; or, where neither is known, as
    the county's own births, deaths and migration profile have it (`free`), and what the whole's published residents
    are more or less than that is shared out by `mobility`. Printed county figures differ from the whole's by
    rounding and are scaled to it. before, free, mobility: (county,) persons.
    """
    whole = control(region, year, "population")
    known = published_by_county(region, year, "population", before[COUNTY])
    if known is None:
        known = _on_the_way(region, before, year, whole)
    if known is None:
        return free if whole is None else free + (whole - float(free.sum())) * mobility / mobility.sum()
    return known if whole is None else known * (whole / float(known.sum()))


def _on_the_way(region: Region, before: xr.DataArray, year: int, whole: float | None) -> xr.DataArray | None:
    for later in range(year + 1, region.jump_off_year + 1):
        goal = published_by_county(region, later, "population", before[COUNTY])
        if goal is not None and whole is not None:
            pace = (whole - float(before.sum())) / (float(goal.sum()) - float(before.sum()))
            return before + pace * (goal - before)
    return None


def published_by_county(region: Region, year: int, component: str, counties: xr.DataArray) -> xr.DataArray | None:
    """Published figures (county,) in base units, or None where a county lacks one."""
    figures, codes = region.published.get((year, component), {}), counties.values.tolist()
    if not figures.keys() >= set(codes):
        return None
    return xr.DataArray([figures[code] for code in codes], dims=COUNTY, coords={COUNTY: counties})


def births_and_deaths(region: Region, year: int, mean_population: float) -> tuple[float | None, float | None]:
    """Persons of the whole: as published, or the published rate times the mean population of the year; None where
    neither was."""
    births = _counted(region, year, "births", "birth_rate", mean_population)
    return births, _counted(region, year, "deaths", "death_rate", mean_population)


def _counted(region: Region, year: int, count: str, rate: str, mean_population: float) -> float | None:
    persons, per_person = control(region, year, count), control(region, year, rate)
    if persons is not None or per_person is None:
        return persons
    return per_person * mean_population


def control(region: Region, year: int, component: str) -> float | None:
    """A published figure of the whole in base units, or the sum of its counties' where each has one, or None."""
    figures = region.published.get((year, component), {})
    if region.area in figures or component.endswith("_rate"):
        return figures.get(region.area)
    counties = region.counties.index
    return sum(figures[county] for county in counties) if figures.keys() >= set(counties) else None
