"""From census tables to single-year people at the jump-off date, meeting every published total on the way.

Census age groups are graduated to single years, re-counted to 31 December, joined by cohort from the first census to
the last, and stepped on year by year with the published births, deaths and residents (`calibrate`).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, AGES, COUNTY, OPEN_AGE, SEX, SEXES, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.variables import label
from forecast.population.past import migration
from forecast.population.past.calibrate import Level, Moves, Pattern, Step, births_and_deaths, calibrate_years, control
from forecast.population.past.census import (
    census_by_age,
    census_month,
    census_years,
    counties_of_units,
    split_units,
    to_31_december,
    unit_of_county,
    whole_units,
)
from forecast.population.rates.lifetable import life_table
from forecast.population.rates.pattern import fertility_pattern, mortality_pattern
from forecast.population.rates.residual import cohort_survival
from forecast.region import Region


def estimate_past(region: Region, split: str = "births") -> xr.Dataset:
    """People of every county from the first census to the jump-off year.

    split: how age groups are split to single years, "births" or "spline" (see `census_by_age`).
    Returns `population` (county, year, sex, age) at 31 December; births, deaths and net_migration of the calibrated
    years (others NaN); `census` (county, sex, age), the last census at single years; the levels `mortality_level`
    and `fertility_level` (year) and `fertility_relative` (county); and what net migration starts from:
    `migration_profile`, `migration_mobility` (county, sex, age), `migration_observed` (mean of the calibrated years)
    and `migration_recent` (the same made fit to last) (county), persons a year.
    Raises InputRefused where a table is missing or a calibration does not arrive.
    """
    first, last = census_years(region)
    years = range(last + 1, region.jump_off_year + 1)
    if not years:
        values = {"what": f"jump_off_year > {last}", "year": region.jump_off_year, "expected": f"> {last}"}
        raise InputRefused(Issue("E608", values=values))
    pattern = _pattern(region, np.arange(first, years.stop))
    census = census_by_age(region, last, split).rename(unit=COUNTY)
    at_last, level = _to_year_end(region, census, pattern, last)
    at_first = to_31_december(region, census_by_age(region, first, split), first)
    at_first = split_units(at_first, at_last, last - first)
    mx = level.mortality * pattern.mx.sel({YEAR: slice(first, last)})
    rate = _migration_between(at_first, at_last, mx, unit_of_county(region, first))
    known = _between(at_first, at_last, rate, mx)
    moves = Moves(migration.shrink_to_whole(rate, at_last), migration.mobility_of_whole(rate, at_last))
    steps = calibrate_years(region, at_last, level, pattern, moves, years)
    return _assemble(region, known, steps, moves, census)


def _pattern(region: Region, years: np.ndarray) -> Pattern:
    fertility = fertility_pattern(region, years)
    return Pattern(mortality_pattern(region, years), fertility.tfr * fertility.share, fertility.srb)


def _to_year_end(region: Region, census: xr.DataArray, pattern: Pattern, year: int) -> tuple[xr.DataArray, Level]:
    """The last census carried to 31 December of its year, and the levels that the year's births and deaths imply:
    birthdays, the births and deaths of the rest of the year, and the whole's published residents if there are any."""
    people = to_31_december(region, census, year)
    rest_of_year = (13 - census_month(region, year)) / 12
    published = control(region, year, "population")
    births, deaths = births_and_deaths(region, year, published or float(people.sum()))
    mx, asfr = pattern.mx.sel({YEAR: year}, drop=True), pattern.asfr.sel({YEAR: year}, drop=True)
    mothers = asfr * people.sel({SEX: "female"}, drop=True)
    relative = relative_fertility(census, asfr)
    level = Level(deaths / float((mx * people).sum()), births / float((relative * mothers).sum()), relative)
    girls = 1 / (1 + float(pattern.srb.sel({YEAR: year})))
    by_sex = xr.DataArray([girls, 1 - girls], dims=SEX, coords={SEX: list(SEXES)})
    newborn = rest_of_year * level.fertility * relative * mothers.sum(AGE) * by_sex
    people = people * (1 - rest_of_year * (level.mortality * mx).clip(max=1.0))
    people = in_order(people + xr.where(people[AGE] == 0, newborn, 0.0))
    return (people * (published / float(people.sum())) if published else people), level


def relative_fertility(census: xr.DataArray, asfr: xr.DataArray) -> xr.DataArray:
    """Fertility of each county relative to the whole's, (county,): children under five per expected children, where
    asfr (age,) at the women's ages two and a half years before gives the expectation; its weighted mean is 1."""
    children = census.sel({AGE: slice(0, 4)}).sum([SEX, AGE])
    younger = (asfr + asfr.shift({AGE: 5}, fill_value=0.0)) / 2
    expected = (census.sel({SEX: "female"}, drop=True) * younger).sum(AGE)
    relative: xr.DataArray = (children / expected) * (expected.sum() / children.sum())
    return relative


def _migration_between(
    at_first: xr.DataArray, at_last: xr.DataArray, mx: xr.DataArray, units: dict[str, str]
) -> xr.DataArray:
    """(county, sex, age) yearly net migration rate from the cohort residual, on units that both censuses know."""
    span = mx.sizes[YEAR] - 1
    survival = cohort_survival(life_table(mx.isel({YEAR: slice(1, None)})).sx, span)
    by_unit = migration.census_rates(whole_units(at_first, units), whole_units(at_last, units), survival, span)
    return counties_of_units(by_unit, units)


def _between(at_first: xr.DataArray, at_last: xr.DataArray, rate: xr.DataArray, mx: xr.DataArray) -> xr.DataArray:
    """(county, year, sex, age) year-end people from the first census year to the last, both included.

    A cohort counted twice goes geometrically from the one count to the other (at the same age where it ends in the
    open group). Cohorts born in between are taken back from the last count by survival and by their county's
    migration rate at the age.
    """
    years, span = mx[YEAR].values, mx.sizes[YEAR] - 1
    sx = life_table(mx).sx.values
    kept = np.exp(rate.values)
    begin, end = np.maximum(at_first.values, 1e-9), np.maximum(at_last.values, 1e-9)
    people = np.empty((begin.shape[0], span + 1, *begin.shape[1:]))
    people[:, 0], people[:, -1] = at_first.values, at_last.values
    for step in range(span - 1, 0, -1):
        people[:, step, :, :-1] = people[:, step + 1, :, 1:] / (sx[step + 1, :, 1:] * kept[:, :, 1:])
        share = step / span
        ages = np.arange(step, OPEN_AGE + 1)  # those already alive at the first census
        reaches_open = ages - step + span >= OPEN_AGE
        start = np.where(reaches_open, ages, ages - step)
        stop = np.where(reaches_open, ages, np.minimum(ages - step + span, OPEN_AGE))
        people[:, step, :, step:] = begin[:, :, start] ** (1 - share) * end[:, :, stop] ** share
    coords = {COUNTY: at_last[COUNTY].values, YEAR: years, SEX: list(SEXES), AGE: list(AGES)}
    return xr.DataArray(people, dims=(COUNTY, YEAR, SEX, AGE), coords=coords)


def _assemble(region: Region, known: xr.DataArray, steps: list[Step], moves: Moves, census: xr.DataArray) -> xr.Dataset:
    """One Dataset of the whole past, and what the projection starts from."""
    flows = xr.concat([step.projection.isel({YEAR: [1]}) for step in steps], YEAR)
    people = xr.concat([known, flows.population], YEAR)
    flows = flows.reindex({YEAR: people[YEAR].values})
    last = people.isel({YEAR: -1}, drop=True)
    observed = flows.net_migration.sum([SEX, AGE], skipna=False).mean(YEAR)
    recent = migration.lasting_level(observed, last.sum([SEX, AGE]))
    levels = {step.year: step.level for step in steps}
    by_year = people[YEAR]
    mortality = [levels[y].mortality if y in levels else np.nan for y in by_year.values.tolist()]
    fertility = [levels[y].fertility if y in levels else np.nan for y in by_year.values.tolist()]
    past = {
        "population": people,
        "births": flows.births,
        "deaths": flows.deaths,
        "net_migration": flows.net_migration,
        "clipped": flows.clipped,
        "census": census,
        "mortality_level": by_year.copy(data=mortality),
        "fertility_level": by_year.copy(data=fertility),
        "fertility_relative": steps[-1].level.relative,
        "migration_profile": moves.rate * last,
        "migration_mobility": moves.mobility * last,
        "migration_observed": observed,
        "migration_recent": recent,
    }
    labelled = {name: label(in_order(variable), f"past.{name}") for name, variable in past.items()}
    return xr.Dataset(labelled, attrs={"jump_off_year": region.jump_off_year})
