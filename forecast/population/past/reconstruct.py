"""From census tables to single-year people at the jump-off date, meeting every published total on the way.

Census age groups are graduated to single years, re-counted to 31 December, joined by cohort from the first census to
the last, and stepped on year by year with the published births, deaths and residents (`calibrate`).
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, AGES, COUNTY, SEX, SEXES, YEAR, in_order
from forecast.basics.issues import InputRefused
from forecast.basics.variables import label
from forecast.population.past import migration
from forecast.population.past.calibrate import (
    Level,
    Moves,
    Pattern,
    Shared,
    Step,
    births_and_deaths,
    calibrate_years,
    control,
    drawn_to_whole,
    migration_levels,
    not_met,
)
from forecast.population.past.census import (
    Count,
    count_of,
    count_years,
    counties_of_units,
    split_units,
    unit_of_county,
    whole_units,
)
from forecast.population.past.institutions import stock_over_years
from forecast.population.past.one_census import YEARS, growth_of, kept_with_pattern
from forecast.population.rates.lifetable import MOST_DYING, life_table
from forecast.population.rates.pattern import fertility_pattern, mortality_pattern
from forecast.population.rates.residual import cohort_survival
from forecast.region import Region


def reconstruct(region: Region, split: str = "births") -> xr.Dataset:
    """People of every county from the first count to the jump-off year.

    split: how age groups are split to single years, "births" or "spline" (see `count_of`).
    Returns `population` (county, year, sex, age) at 31 December; births, deaths and net_migration of the years after
    the last count (others NaN); `census` (county, sex, age), the last count at single years; `institutions`
    (county, year, sex, age), the students, soldiers and others in them, who keep their ages; the levels
    `mortality_level` and `fertility_level` (year) and `fertility_relative` (county); and what net migration starts
    from: `migration_profile`, `migration_mobility` (county, sex, age), `migration_observed` (mean of the years after
    the last count, of the time between the last two counts where there are none), `migration_recent` (the same made
    fit to go on) and `migration_lasting` (mean of the time between the last two counts and after) (county), persons a
    year.
    Raises InputRefused where a table is missing or a calibration does not arrive.
    """
    *before, latest = count_years(region)
    last_count = count_of(region, latest, split)
    inside = last_count.institutions.sum([SEX, AGE])
    places = inside["unit"].values[inside.values > 0].tolist()  # who has none today had none that lasts
    counts = [*(count_of(region, year, split, places) for year in before), last_count]
    first, last = counts[0].year, counts[-1].year
    pattern = _pattern(region, np.arange(first, region.jump_off_year + 1))
    year_ends, at_counts, level = _year_ends(region, counts, pattern)
    stock = stock_over_years(region, at_counts, list(range(first, region.jump_off_year + 1)))
    mx = (level.mortality * pattern.mx).clip(max=MOST_DYING)
    known = _between_counts(region, year_ends, mx)
    known = known + stock.sel({YEAR: known[YEAR]})
    moves = _moves(region, year_ends, mx) if len(counts) > 1 else _moves_of_one(region, counts[-1])
    ahead = range(last + 1, region.jump_off_year + 1)
    shared = Shared(region, stock, pattern, moves)
    steps = calibrate_years(shared, known.sel({YEAR: last}, drop=True), level, ahead)
    return _assemble(region, known, stock, steps, moves, level, counts[-1])


def _pattern(region: Region, years: np.ndarray) -> Pattern:
    fertility = fertility_pattern(region, years)
    return Pattern(mortality_pattern(region, years), fertility.tfr * fertility.share, fertility.srb)


def _year_ends(
    region: Region, counts: list[Count], pattern: Pattern
) -> tuple[dict[int, xr.DataArray], dict[int, xr.DataArray], Level]:
    """People (county, sex, age) at 31 December of every year of a count, those in institutions apart, by year in order,
    and the last one's level. Units of an earlier count are split to counties by the same cohorts in the next, those in
    institutions by the same ages."""
    last, inside, level = _to_year_end(region, counts[-1], pattern)
    year_ends = {counts[-1].year: last.rename(unit=COUNTY)}
    at_counts = {counts[-1].year: inside.rename(unit=COUNTY)}
    level = level._replace(relative=level.relative.rename(unit=COUNTY))
    for count, following in reversed(list(pairwise(counts))):
        units, inside, _ = _to_year_end(region, count, pattern, level.mortality)
        later = year_ends[following.year]
        year_ends[count.year] = split_units(units, later, following.year - count.year)
        at_counts[count.year] = split_units(inside, at_counts[following.year] + 1e-6 * later, 0)
    return dict(sorted(year_ends.items())), dict(sorted(at_counts.items())), level


def _to_year_end(
    region: Region, count: Count, pattern: Pattern, mortality: float = 1.0
) -> tuple[xr.DataArray, xr.DataArray, Level]:
    """A count carried to 31 December of its year, (unit, sex, age): the people outside institutions with birthdays, the
    births and deaths of the rest of the year; those inside; both scaled to the whole's published residents if there are
    any; and the levels that the year implies.

    Births and deaths are the published ones; without them the newborn follow from the children under one who were
    counted, fertility from the children under five, and mortality is `mortality` times the pattern's.
    """
    people, year = count.on_the_day, count.year
    mx, asfr = pattern.mx.sel({YEAR: year}, drop=True), pattern.asfr.sel({YEAR: year}, drop=True)
    published = control(region, year, "population")
    births, deaths = births_and_deaths(region, year, published or float(people.sum()))
    mothers = asfr * people.sel({SEX: "female"}, drop=True)
    relative, of_children = relative_fertility(people, count.institutions, asfr, mx)
    highest = MOST_DYING / float(mx.isel({AGE: slice(0, -1)}).max())
    if deaths is not None and deaths > highest * float((mx * people).sum()):
        raise InputRefused(not_met("deaths", year, deaths, highest * float((mx * people).sum())))
    level = Level(
        deaths / float((mx * people).sum()) if deaths is not None else mortality,
        births / float((relative * mothers).sum()) if births is not None else of_children,
        relative,
    )
    sx, newborn = life_table((level.mortality * mx).clip(max=MOST_DYING)).sx, count.newborn
    if births is not None:
        girls = 1 / (1 + float(pattern.srb.sel({YEAR: year})))
        by_sex = xr.DataArray([girls, 1 - girls], dims=SEX, coords={SEX: list(SEXES)})
        newborn = count.rest * level.fertility * relative * mothers.sum(AGE) * by_sex * sx.sel({AGE: 0}, drop=True)
    survivors = count.kept + sx * count.reached  # who turns an age has lived the year
    people = (survivors + xr.where(people[AGE] == 0, newborn, 0.0)).transpose("unit", SEX, AGE)
    scale = published / float(people.sum() + count.institutions.sum()) if published else 1.0
    return people * scale, count.institutions * scale, level


def relative_fertility(
    census: xr.DataArray, institutions: xr.DataArray, asfr: xr.DataArray, mx: xr.DataArray
) -> tuple[xr.DataArray, float]:
    """Fertility of each county relative to the whole's, (unit,), and the whole's relative to `asfr`.

    Children under five over those that asfr (age,) at the women's ages two and a half years before, and survival by
    mx (sex, age), would have left; counties drawn to the whole (`drawn_to_whole`). Women in institutions (`institutions`
    of `census`, (unit, sex, age)) were of the ages then that they are now.
    """
    children = census.sel({AGE: slice(0, 4)}).sum([SEX, AGE])
    younger = (asfr + asfr.shift({AGE: 5}, fill_value=0.0)) / 2
    alive = float(life_table(mx).Lx.sel({AGE: slice(0, 4)}).mean(SEX).sum())
    women, inside = (people.sel({SEX: "female"}, drop=True) for people in (census, institutions))
    expected = alive * ((women - inside) * younger + inside * asfr).sum(AGE)
    return drawn_to_whole(children, expected), float(children.sum() / expected.sum())


def _moves(region: Region, year_ends: dict[int, xr.DataArray], mx: xr.DataArray) -> Moves:
    """Rates and ages of moving, from the cohorts of the last two counts that are `LEAST_APART` years apart or more."""
    last = max(year_ends)
    before = max([year for year in year_ends if last - year >= LEAST_APART] or [min(year_ends)])
    rate = _migration_between(region, year_ends, before, last, mx)
    return Moves(migration.shrink_to_whole(rate, year_ends[last]), last - before)


def _moves_of_one(region: Region, count: Count) -> Moves:
    """The same where there is one count: what its cross-section says (`one_census`)."""
    people = count.on_the_day.rename(unit=COUNTY)
    growth = growth_of(region, kept_with_pattern(region), people, count.year)
    rate = growth.copy(data=np.expm1(growth.values) / YEARS)
    return Moves(in_order(rate * xr.ones_like(people)), YEARS)


LEAST_APART = 5
"""Years between two counts below which what is left of cohorts is more noise than migration."""


def _migration_between(
    region: Region, year_ends: dict[int, xr.DataArray], first: int, last: int, mx: xr.DataArray
) -> xr.DataArray:
    """(county, sex, age) yearly net migration rate from the cohort residual, on units that both counts know."""
    units, span = unit_of_county(region, first), last - first
    survival = cohort_survival(life_table(mx.sel({YEAR: slice(first + 1, last)})).sx, span)
    before, after = (whole_units(year_ends[year], units) for year in (first, last))
    rate = migration.census_rates(before, after, survival, span)
    if region.settings.get("derivation", {}).get("closed"):
        rate = migration.moves_inside(rate, after)
    return counties_of_units(rate, units)


def _between_counts(region: Region, year_ends: dict[int, xr.DataArray], mx: xr.DataArray) -> xr.DataArray:
    """(county, year, sex, age) year-end people from the first count to the last."""
    parts = []
    for first, last in pairwise(year_ends):
        rate = _migration_between(region, year_ends, first, last, mx)
        path = between(year_ends[first], year_ends[last], rate, mx.sel({YEAR: slice(first, last)}))
        parts.append(path.isel({YEAR: slice(0, -1)}))
    last = max(year_ends)
    at_last = year_ends[last].expand_dims({YEAR: [last]}).transpose(COUNTY, YEAR, SEX, AGE)
    return xr.concat([*parts, at_last], YEAR)


def between(at_first: xr.DataArray, at_last: xr.DataArray, rate: xr.DataArray, mx: xr.DataArray) -> xr.DataArray:
    """(county, year, sex, age) year-end people from one count to the next, both included.

    A cohort counted twice is survived forward from the first count and brought back from the last, and the two are
    weighed by time, so that only what survival does not explain is shared out over the years. Cohorts born in between
    are brought back from the last count by survival and their county's migration rate at the age.
    """
    span = mx.sizes[YEAR] - 1
    sx = life_table(mx).sx.values
    forward, back = [at_first.values], [at_last.values]
    for step in range(1, span + 1):
        forward.append(_survived(forward[-1], sx[step]))
    for step in range(span - 1, -1, -1):
        back.insert(0, _brought_back(back[0], sx[step + 1], forward[step]))
    people = [at_first.values]
    people += [(1 - step / span) * forward[step] + step / span * back[step] for step in range(1, span)]
    people.append(at_last.values)
    kept = np.exp(rate.values)
    for step in range(span - 1, 0, -1):  # those born after the first count
        older = people[step + 1][..., 1 : step + 1]
        people[step][..., :step] = older / (sx[step + 1, :, 1 : step + 1] * kept[..., 1 : step + 1])
    coords = {COUNTY: at_last[COUNTY].values, YEAR: mx[YEAR].values, SEX: list(SEXES), AGE: list(AGES)}
    return xr.DataArray(np.stack(people, axis=1), dims=(COUNTY, YEAR, SEX, AGE), coords=coords)


def _survived(people: np.ndarray, sx: np.ndarray) -> np.ndarray:
    """(county, sex, age) a year later, nobody born (age 0 is empty) and nobody moving."""
    older = np.zeros_like(people)
    older[..., 1:] = people[..., :-1] * sx[:, 1:]
    older[..., -1] = (people[..., -2] + people[..., -1]) * sx[:, -1]
    return older


def _brought_back(people: np.ndarray, sx: np.ndarray, like: np.ndarray) -> np.ndarray:
    """(county, sex, age) a year before, so that survival makes `people` of it; those of the open age group come from
    it and from the age below as they stand to each other in `like`."""
    younger = np.empty_like(people)
    younger[..., :-2] = people[..., 1:-1] / sx[:, 1:-1]
    entered = people[..., -1] / sx[:, -1]
    both = like[..., -2] + like[..., -1]
    share = np.divide(like[..., -2], both, out=np.zeros_like(both), where=both > 0)
    younger[..., -2], younger[..., -1] = entered * share, entered * (1 - share)
    return younger


def _assemble(
    region: Region,
    known: xr.DataArray,
    stock: xr.DataArray,
    steps: list[Step],
    moves: Moves,
    level: Level,
    count: Count,
) -> xr.Dataset:
    """One Dataset of the whole past, and what the projection starts from."""
    years = stock[YEAR].values
    flows = _flows(known, steps).reindex({YEAR: years})
    people = xr.concat([known, *(step.projection.population.isel({YEAR: [1]}) for step in steps)], YEAR)
    last = (people - stock).isel({YEAR: -1}, drop=True)  # those who move as others do
    seen = migration_levels(steps, last, moves)
    levels = {step.year: step.level for step in steps if "births" in step.published} or {count.year: level}
    by_year = people[YEAR]
    of_deaths = {step.year: step.level for step in steps if "deaths" in step.published} or {count.year: level}
    mortality = [of_deaths[y].mortality if y in of_deaths else np.nan for y in by_year.values.tolist()]
    fertility = [levels[y].fertility if y in levels else np.nan for y in by_year.values.tolist()]
    past = {
        "population": people,
        "births": flows.births,
        "deaths": flows.deaths,
        "net_migration": flows.net_migration,
        "clipped": flows.clipped,
        "institutions": stock,
        "census": count.on_the_day.rename(unit=COUNTY),
        "mortality_level": by_year.copy(data=mortality),
        "fertility_level": by_year.copy(data=fertility),
        "fertility_relative": (steps[-1].level if steps else level).relative,
        "migration_profile": moves.rate * last,
        "migration_mobility": migration.mobility(last),
        "migration_observed": seen.observed,
        "migration_recent": seen.recent,
        "migration_lasting": seen.lasting,
    }
    labelled = {name: label(in_order(variable), f"past.{name}") for name, variable in past.items()}
    return xr.Dataset(
        labelled,
        attrs={
            "jump_off_year": region.jump_off_year,
            "counted_year": count.year,
            "migration_year": seen.year or region.jump_off_year,
        },
    )


def _flows(known: xr.DataArray, steps: list[Step]) -> xr.Dataset:
    """Births, deaths, net migration and what was clipped, of the years after the last count."""
    if steps:
        return xr.concat([step.projection.isel({YEAR: [1]}).drop_vars("population") for step in steps], YEAR)
    nothing = xr.full_like(known.isel({YEAR: [-1]}), np.nan)
    return xr.Dataset(
        {"births": nothing.sum(AGE, skipna=False), **dict.fromkeys(("deaths", "net_migration", "clipped"), nothing)}
    )
