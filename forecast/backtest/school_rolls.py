"""Forecasts of school rolls made anew at past origins, beside simple rivals, and set against the count.

At an origin nothing later is seen: rolls, births and children after it are hidden, births of later years are held at
the last known. Errors are of pupils by county and grade, and of the sums of a county and of all counties.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import APPROACH, COUNTY, GRADE, LEAD, SEXES, START_YEAR, YEAR, require_dims
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.school_date import SEPTEMBER, entry_cohorts
from forecast.demand.schools.grades import region_rolls
from forecast.demand.schools.rolls import forecast_rolls
from forecast.demand.schools.stages import grade_in, system_of
from forecast.region import Region

FORECAST, LAST, NAIVE, MEAN, PARTICIPATION = "forecast", "last_value", "naive_ratio", "mean_ratio", "participation"
APPROACHES = (FORECAST, LAST, NAIVE, MEAN, PARTICIPATION)
"""The forecast; pupils stay; ratios of the last year; mean ratios of three years; pupils per child of the cohort
stay."""

ENTERED = 1.5
"""A grade is entered from outside where a third of its pupils and more were not in the grade below (assumed)."""

SHOWN = 3
"""So many missing rolls are named, as county, school year and grade."""

LEAST_ERRORS = 20
"""An interval is given from so many errors of earlier origins on."""


def backtest_rolls(
    rolls: xr.DataArray,
    births: xr.DataArray | None = None,
    children: xr.DataArray | None = None,
    origins: Iterable[int] | None = None,
    horizon: int = 10,
    entry_age: int = 6,
    cutoff_month: int = SEPTEMBER,
    entry_grades: Sequence[int] | None = None,
    breaks: Collection[int] = (),
    open_last: bool = False,
) -> xr.Dataset:
    """Forecasts and rivals of school rolls at past origins, beside what was counted.

    rolls: (county, year, grade) pupils of unbroken years; births: (county, year), of calendar years, or of the
    twelve months up to the cut-off date with cutoff_month `YEAR_END`; children: (county, year, grade) residents of the age
    of each grade, only for the rival `participation`, which else takes the births of each grade's cohort; origins:
    by default every year with one before and one after; entry_age: age at the cut-off date in the first grade;
    entry_grades: by default as `entered_from_outside` finds them at each origin; breaks: years that follow another
    rule: their rolls are neither origin, nor fitted, nor scored. Returns observed (origin, lead, county, grade),
    forecast (approach, ...), and start (origin, county, grade), the rolls at the origin; NaN where a lead was not
    counted, or an approach lacks what it needs. Raises InputRefused for less than three years, and where an origin has
    no year before and after it.
    """
    require_dims(rolls, (COUNTY, YEAR, GRADE))
    rolls = rolls.transpose(COUNTY, YEAR, GRADE)
    years = [int(year) for year in rolls[YEAR].values]
    if len(years) < 3:
        raise InputRefused(Issue("E686", values={"found": len(years), "years": ", ".join(map(str, years))}))
    possible = [year for year in years[1:-1] if year not in breaks and (year - 1 not in breaks or year - 2 in years)]
    chosen = possible if origins is None else sorted({int(year) for year in origins})
    if not chosen or set(chosen) - set(possible):
        impossible = ", ".join(str(year) for year in chosen if year not in possible) or "-"
        raise InputRefused(Issue("E684", values={"found": impossible, "first": years[1], "last": years[-2]}))
    parts = []
    for origin in chosen:
        known = rolls.sel({YEAR: slice(None, origin)})
        born = None if births is None else held(births.sel({YEAR: slice(None, origin)}), origin + horizon)
        cohorts = None if born is None else entry_cohorts(born, entry_age, cutoff_month)
        entry = entered_from_outside(known) if entry_grades is None else list(entry_grades)
        oldest = origin - len(entry) + 1  # the cohort of the last entry grade was in the first so many years before
        if cohorts is not None and (int(cohorts[YEAR][0]) > oldest or bool(cohorts.sel({YEAR: oldest}).isnull().any())):
            cohorts = None  # nobody who is in school was born in the years of the series
        had = None if children is None else children.sel({YEAR: slice(None, origin)})
        parts.append(_one_origin(known, cohorts, had, horizon, entry, breaks, open_last))
    leads = np.arange(1, horizon + 1)
    made = np.stack(parts, axis=1)
    seen = np.full(made.shape[1:], np.nan)
    for row, origin in enumerate(chosen):
        for lead in leads:
            if origin + lead in years and origin + lead not in breaks:
                seen[row, lead - 1] = rolls.sel({YEAR: origin + lead}).values
    cell = (START_YEAR, LEAD, COUNTY, GRADE)
    return xr.Dataset(
        {
            "observed": (cell, seen),
            "forecast": ((APPROACH, *cell), made),
            "start": ((START_YEAR, COUNTY, GRADE), rolls.sel({YEAR: chosen}).transpose(YEAR, COUNTY, GRADE).values),
        },
        coords={
            APPROACH: list(APPROACHES),
            START_YEAR: chosen,
            LEAD: leads,
            COUNTY: rolls[COUNTY].values,
            GRADE: rolls[GRADE].values,
        },
        attrs={"births": int(births is not None)},
    )


def backtest_region_rolls(
    region: Region, origins: Iterable[int] | None = None, horizon: int = 10, breaks: Collection[int] = ()
) -> xr.Dataset:
    """`backtest_rolls` of a region whose enrolment has grades by county, with its births by county where it has them.

    Raises InputRefused where there are no grades by county, and names school years, counties and grades that are
    missing: a test on fewer years than the user believes would not be hers.
    """
    _require_every_grade(region)
    rolls = region_rolls(region)
    if rolls is None:
        raise InputRefused(Issue("E452", "enrolment.csv"))
    entry_age = int(rolls[GRADE][0]) + system_of(region).entry_age - 1
    births = region_births(region)
    return backtest_rolls(rolls, births, origins=origins, horizon=horizon, entry_age=entry_age, breaks=breaks)


def region_births(region: Region) -> xr.DataArray | None:
    """(county, year) births of calendar years, the last run of years in a row in which every county has them; else
    None.

    They may begin long before people are counted: who enters a first grade was born six years earlier.
    """
    if not region.has("births"):
        return None
    table = region.table("births")
    by_sex = table[table["sex"].isin(SEXES)]
    sums = (by_sex if len(by_sex) else table).groupby([COUNTY, YEAR])["persons"].sum().to_xarray().astype(float)
    years = range(int(sums[YEAR].min()), int(sums[YEAR].max()) + 1)
    births = sums.reindex({COUNTY: list(region.counties.index), YEAR: years}).transpose(COUNTY, YEAR)
    gaps = np.flatnonzero(births.isnull().any(COUNTY).values)
    run = births.isel({YEAR: slice(int(gaps[-1]) + 1 if gaps.size else 0, None)})
    return run if run.sizes[YEAR] else None


def _require_every_grade(region: Region) -> None:
    """Every county has every grade in every school year from the first to the last."""
    if not region.has("enrolment"):
        return
    table = region.table("enrolment")
    table = table[(table["grade"] != "all") & table["county"].isin(list(region.counties.index))]
    if table.empty:
        return
    system = system_of(region)
    pairs = zip(table["stage"], table["grade"], strict=True)
    grades = [grade_in(system, stage, int(grade)) for stage, grade in pairs]
    years = range(int(table["year"].min()), int(table["year"].max()) + 1)
    lacking = sorted(set(years) - set(table["year"]))
    if lacking:
        raise InputRefused(Issue("E441", "enrolment.csv", values={"years": ", ".join(map(str, lacking))}))
    there = set(zip(table["county"], table["year"], grades, strict=True))
    every = itertools.product(region.counties.index, years, sorted(set(grades)))
    holes = [cell for cell in every if cell not in there]
    if holes:
        cells = "; ".join(" ".join(map(str, cell)) for cell in holes[:SHOWN])
        raise InputRefused(Issue("E685", "enrolment.csv", values={"count": len(holes), "cells": cells}))


def score_table(found: xr.Dataset) -> pd.DataFrame:
    """The scores as rows of approach and lead, and `coverage` of the forecast's 80 % interval; leads that were
    counted."""
    table: pd.DataFrame = score_rolls(found).to_dataframe().reset_index()
    inside = coverage(found).to_series()
    of_forecast = table[APPROACH] == FORECAST
    table["coverage"] = table[LEAD].map(inside).where(of_forecast)
    return table[table["cases"] > 0].reset_index(drop=True)


def held(births: xr.DataArray, until: int) -> xr.DataArray:
    """Births (..., year) up to `until`, those of later years as the last known."""
    last = int(births[YEAR][-1])
    later = births.isel({YEAR: [-1] * max(until - last, 0)}).assign_coords(
        {YEAR: np.arange(last + 1, max(until, last) + 1)}
    )
    return xr.concat([births, later], YEAR)


def _one_origin(
    known: xr.DataArray,
    cohorts: xr.DataArray | None,
    children: xr.DataArray | None,
    horizon: int,
    entry: Sequence[int],
    breaks: Collection[int],
    open_last: bool,
) -> np.ndarray:
    """(approach, lead, county, grade) pupils."""
    entering = None if cohorts is None else _of_entry_grades(cohorts, entry)

    def by_ratios(smoothing: str | None) -> np.ndarray:
        shrink = smoothing is None  # rivals use each place's own ratios
        pupils = forecast_rolls(known, horizon, entering, entry, breaks, open_last, smoothing, shrink).pupils
        values: np.ndarray = pupils.transpose(YEAR, COUNTY, GRADE).values
        return values

    last = np.repeat(known.isel({YEAR: [-1]}).transpose(YEAR, COUNTY, GRADE).values, horizon, axis=0)
    rivals = [last, by_ratios("last"), by_ratios("mean_3"), by_participation(known, cohorts, children, horizon)]
    return np.stack([by_ratios(None), *rivals])


def entered_from_outside(rolls: xr.DataArray) -> list[int]:
    """The first grade, and those right after it that take in more than `ENTERED` pupils for each one of the grade below a
    year before: there a ratio would carry on what the few below do (kindergarten after a small pre-kindergarten)."""
    sums = rolls.sum(COUNTY).transpose(YEAR, GRADE)
    below, here = sums.values[:-1, :-1].sum(0), sums.values[1:, 1:].sum(0)
    grades = rolls[GRADE].values.tolist()
    entered = itertools.takewhile(lambda position: here[position] > ENTERED * below[position], range(len(grades) - 1))
    return [grades[0], *(grades[position + 1] for position in entered)]


def _of_entry_grades(cohorts: xr.DataArray, entry: Sequence[int]) -> xr.DataArray:
    """(county, year, entry grade) children of the age of each entry grade: those of the first grade a year ago, two."""
    later = [cohorts.assign_coords({YEAR: cohorts[YEAR] + step}) for step in range(len(entry))]
    return xr.concat(later, pd.Index(entry, name=GRADE), join="outer")


def by_participation(
    known: xr.DataArray, cohorts: xr.DataArray | None, children: xr.DataArray | None, horizon: int
) -> np.ndarray:
    """(lead, county, grade) pupils where pupils per child of the cohort stay as in the last year; NaN where not known.

    Children grow older with neither moves nor deaths; without `children` they are the births of the cohort.
    """
    last = int(known[YEAR][-1])
    shape = (horizon, known.sizes[COUNTY], known.sizes[GRADE])
    if cohorts is None or (children is not None and last not in children[YEAR].values):
        return np.full(shape, np.nan)
    born = cohorts.reindex({YEAR: range(last - known.sizes[GRADE], last + horizon + 1)}).transpose(YEAR, COUNTY)
    count = np.empty((horizon + 1, *shape[1:]))
    for grade in range(known.sizes[GRADE]):
        for lead in range(horizon + 1):
            count[lead, :, grade] = born.sel({YEAR: last + lead - grade}).values
    if children is not None:
        count[0] = children.sel({YEAR: last}).transpose(COUNTY, GRADE).values
        per_born = count[0, :, 0] / born.sel({YEAR: last}).values
        for lead in range(1, horizon + 1):
            count[lead, :, 0] = born.sel({YEAR: last + lead}).values * per_born
            count[lead, :, 1:] = count[lead - 1, :, :-1]
    now = known.sel({YEAR: last}).transpose(COUNTY, GRADE).values
    share = np.divide(now, count[0], out=np.full(now.shape, np.nan), where=count[0] > 0)
    pupils: np.ndarray = share * count[1:]
    return pupils


def score_rolls(found: xr.Dataset) -> xr.Dataset:
    """Scores by approach and lead, shares (not per cent), over the cells that the approach and the count both have.

    cell_error       sum of |error| over sum of counted, county and grade
    county_error     median of |error| / counted of the counties' sums over grades; county_mean, their mean; county_bias, mean signed
    total_error      mean over origins of |error| / counted of the sum over counties; total_bias, mean signed
    crest_bias       mean signed error of county sums within two years of the county's crest, where it has one inside the years
    cases            county sums that were scored
    """
    apart = found.forecast - found.observed
    there = apart.notnull()
    counted = found.observed.where(there)
    sums = [part.sum(GRADE, skipna=False) for part in (apart, counted)]
    county = sums[0] / sums[1].where(sums[1] > 0)
    whole = [part.sum(COUNTY, skipna=False) for part in sums]
    total = whole[0] / whole[1].where(whole[1] > 0)
    over, cells = [START_YEAR, COUNTY], [START_YEAR, COUNTY, GRADE]
    return xr.Dataset(
        {
            "cell_error": abs(apart).sum(cells) / counted.sum(cells).where(counted.sum(cells) > 0),
            "county_error": abs(county).median(over),
            "county_mean": abs(county).mean(over),
            "county_bias": county.mean(over),
            "total_error": abs(total).mean(START_YEAR),
            "total_bias": total.mean(START_YEAR),
            "crest_bias": county.where(near_crest(found)).mean(over),
            "cases": county.notnull().sum(over),
        }
    )


def near_crest(found: xr.Dataset, within: int = 2) -> xr.DataArray:
    """(origin, lead, county) true where the year is at most `within` years from the county's highest roll, if that lies
    inside."""
    totals = found.observed.sum(GRADE, skipna=False)
    year = found[START_YEAR] + found[LEAD]
    by_county = totals.stack(at=[START_YEAR, LEAD]).transpose(COUNTY, "at")
    years = np.asarray(year.stack(at=[START_YEAR, LEAD]).values)
    near = np.zeros(by_county.shape, dtype=bool)
    for row, values in enumerate(by_county.values):
        seen = np.isfinite(values)
        if seen.any():
            peak = years[seen][np.argmax(values[seen])]
            if years[seen].min() < peak < years[seen].max():
                near[row] = abs(years - peak) <= within
    return xr.DataArray(near, by_county.coords, by_county.dims).unstack("at").transpose(START_YEAR, LEAD, COUNTY)


def births_turn(cohorts: xr.DataArray, origins: Iterable[int], over: int = 3, least: float = 0.03) -> xr.DataArray:
    """(origin, county) whether the children who enter fell before the origin and rise after it, or the other way
    round. Asked alone.

    cohorts: (county, year) as `entry_cohorts` gives them. Both changes, over `over` years, are at least `least` of the
    cohort. False where a cohort is not known.
    """
    rows = []
    for origin in origins:
        around = cohorts.reindex({YEAR: [origin - over, origin, origin + over]}).transpose(COUNTY, YEAR).values
        before, after = around[:, 1] / around[:, 0] - 1, around[:, 2] / around[:, 1] - 1
        rows.append((before * after < 0) & (np.minimum(abs(before), abs(after)) >= least))
    return xr.DataArray(
        np.stack(rows), {START_YEAR: list(origins), COUNTY: cohorts[COUNTY].values}, (START_YEAR, COUNTY)
    )


def roll_intervals(found: xr.Dataset, low: float = 0.1, high: float = 0.9) -> xr.Dataset:
    """low, high (origin, lead, county): interval of each county's sum from the errors of earlier origins at the same
    lead.

    The log errors of all counties that had come true by the origin, each times the square root of its pupils over
    the median county's; NaN below `LEAST_ERRORS` of them. A small county's interval is wider by the square root of
    its size.
    """
    made = found.forecast.sel({APPROACH: FORECAST}).sum(GRADE, skipna=False)
    seen = found.observed.sum(GRADE, skipna=False)
    scale = np.sqrt(found.start.sum(GRADE).clip(min=1) / found.start.sum(GRADE).median())
    error = np.log((seen / made).where((seen > 0) & (made > 0))) * scale
    bounds = xr.full_like(made, np.nan).expand_dims(bound=[low, high]).copy()
    for origin in found[START_YEAR].values:
        for lead in found[LEAD].values:
            past = error.sel({LEAD: lead}).where(error[START_YEAR] + lead <= origin, drop=False).values
            past = past[np.isfinite(past)]
            if past.size >= LEAST_ERRORS:
                for bound in (low, high):
                    around = np.exp(np.quantile(past, bound) / scale.sel({START_YEAR: origin}))
                    bounds.loc[{"bound": bound, START_YEAR: origin, LEAD: lead}] = (
                        made.sel({START_YEAR: origin, LEAD: lead}) * around
                    )
    return xr.Dataset({"low": bounds.sel(bound=low, drop=True), "high": bounds.sel(bound=high, drop=True)})


def coverage(found: xr.Dataset) -> xr.DataArray:
    """(lead,) share of counted county sums inside the 80 % interval of `roll_intervals`; NaN where none was given."""
    seen, band = found.observed.sum(GRADE, skipna=False), roll_intervals(found)
    given = seen.notnull() & band.low.notnull()
    inside = (band.low <= seen) & (seen <= band.high)
    share: xr.DataArray = inside.where(given).mean([START_YEAR, COUNTY]).rename("coverage")
    return share
