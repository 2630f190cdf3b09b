"""Writes docs/accuracy/rolls.md: forecasts of school rolls made anew at past origins, beside simple rivals.

python -m studies.rolls [--reference FOLDER] [--out FILE]

The folder may hold other districts and years: no place, number of places or year is named here, but the years in which schools
were closed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import xarray as xr

from forecast.backtest.school_rolls import (
    APPROACHES,
    FORECAST,
    PARTICIPATION,
    backtest_rolls,
    births_turn,
    coverage,
    score_rolls,
)
from forecast.basics.ages import age_bounds
from forecast.basics.school_date import SEPTEMBER, YEAR_END, entry_cohorts
from forecast.demand.schools.ratio_smoothing import FADE, MEAN_YEARS
from forecast.population.rates.graduation import graduate
from studies import REFERENCE, ROOT, national_rolls, published, published_rolls
from studies.pages import table, write

PAGE = ROOT / "docs" / "accuracy" / "rolls.md"
HORIZON = 10
SETTLED = 5
"""Origins so many years after the first have enough ratios behind them to choose a smoothing by their errors."""

CLOSED = (2020,)  # years of closed schools; no other break is declared
SIZES = ((0, 1_000), (1_000, 5_000), (5_000, 20_000), (20_000, None))
TURN_LEADS = (3, 4, 5)
LARGE, SIZEABLE = 100_000, 5_000
TOTAL_GOALS = {1: 0.005, 2: 0.01, 3: 0.01, 5: 0.015}
MEDIAN_GOALS = {1: 0.015, 3: 0.03}
COLUMNS = {
    "cell_error": "by county and grade",
    "county_error": "median district",
    "county_bias": "bias of districts",
    "total_error": "all districts together",
    "total_bias": "bias of the total",
    "crest_bias": "bias within 2 years of a crest",
}
NAMES = {
    "forecast": "**forecast**",
    "last_value": "last value",
    "naive_ratio": "naive ratio",
    "mean_ratio": "three-year mean ratio",
    "participation": "participation only",
}


@dataclass(frozen=True)
class Case:
    """Rolls of one source with what the backtest needs beside them."""

    title: str
    about: str
    rolls: xr.DataArray
    given: Mapping[str, Any] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--out", type=Path, default=PAGE)
    chosen = parser.parse_args()
    tested = [(case, run(case)) for case in cases(chosen.reference)]
    pages = [line for case, outcome in tested for line in report(case, outcome)]
    shown = [f"![errors by years ahead]({chosen.out.stem}.svg)\n"] if tested else []
    parts = [*opening(), *shown, *in_short(tested), *pages]
    with suppress(FileNotFoundError):
        parts += national_rolls.stages(chosen.reference)
    write(chosen.out, parts)
    if tested:
        picture(tested, chosen.out.with_suffix(".svg"))


def run(case: Case) -> xr.Dataset:
    return backtest_rolls(case.rolls, horizon=min(HORIZON, case.rolls.sizes["year"] - 2), **case.given)


def opening() -> Iterable[str]:
    yield "# School rolls: how good the forecasts would have been\n"
    yield "Written by `python -m studies.rolls`; do not edit.\n"
    yield (
        "At each origin nothing later is seen: rolls and births after it are hidden, and births of later years are held at the "
        "last known. The forecast follows cohorts (entrants from births where births are given, else their level of late) and grade "
        "progression. The logarithms of the ratios are taken apart: what moves all grades in a year (families who come and go) fades to "
        f"its long mean, {FADE:.0%} of the distance being left a year later, and the long mean is believed as far as its years outweigh "
        f"{MEAN_YEARS} years without any movement; the pattern of the grades, and what a district has of its own, stay, smoothed "
        "exponentially, unless rolling origins inside the years before the origin show another smoothing to be better by more than one "
        "standard error; entrants choose for themselves; small districts lean on the whole (empirical Bayes). "
        "Rivals: the roll stays; ratios of the last year; mean ratios of three "
        "years (both with the same births for entrants); pupils per child of the cohort stay. Errors in per cent; all origins with at "
        "least one year before and one after. By county and grade: sum of absolute errors over pupils. Lower is better; the best "
        "of a column is marked *.\n"
    )


def picture(tested: Iterable[tuple[Case, xr.Dataset]], file: Path) -> None:
    """Errors by years ahead of forecast and rivals, a panel for each source."""
    parts = []
    for case, outcome in tested:
        scores = score_rolls(outcome).cell_error.sel(approach=list(APPROACHES[:-1]))
        parts.append(scores.to_dataframe().reset_index().assign(rolls=case.title))
    frame = pd.concat(parts).dropna(subset="cell_error")
    frame["error"] = 100 * frame.pop("cell_error")
    frame["approach"] = frame.approach.map({name: NAMES[name].strip("*") for name in NAMES})
    order = [NAMES[name].strip("*") for name in APPROACHES[:-1]]
    colours = alt.Scale(domain=order, range=["#b4540f", "#1f5f8b", "#6faed1", "#9fb8a6"])
    chart = (
        alt.Chart(frame)
        .mark_line(point=True)
        .encode(
            alt.X("lead:Q", title="years ahead", axis=alt.Axis(tickMinStep=1)),
            alt.Y("error:Q", title="error by place and grade, % of pupils"),
            alt.Color("approach:N", scale=colours, sort=order, title=None),
        )
        .properties(width=330, height=190)
        .facet(alt.Facet("rolls:N", title=None, sort=[case.title for case, _ in tested]), columns=2)
        .resolve_scale(x="independent", y="independent")
    )
    chart.properties(background="white").save(str(file))


def in_short(tested: Iterable[tuple[Case, xr.Dataset]]) -> Iterable[str]:
    """Errors that were reached, beside the targets; all origins, and those with enough years behind them."""
    yield "## In short\n"
    yield (
        "Targets: all places together within 0.5 / 1.0 / 1.0 / 1.5 % at 1 / 2 / 3 / 5 years, for large sums (above "
        f"{LARGE:,} pupils) where births are given; the median place above {SIZEABLE:,} pupils within 1.5 / 3 % at 1 / 3 years. "
        "“Settled” origins have at least six ratios behind them. Reached figures are bold.\n"
    )
    rows = []
    for case, outcome in tested:
        settled = outcome.sel(origin=outcome.origin >= outcome.origin[0] + SETTLED)
        for name, part in (("all", outcome), ("settled", settled)):
            if part.sizes["origin"] < 2:
                continue
            large = float(part.start.sum(["county", "grade"]).median()) >= LARGE and "births" in case.given
            sizeable = part.assign(observed=part.observed.where(part.start.sum("grade") >= SIZEABLE))
            total = score_rolls(part).total_error.sel(approach=FORECAST)
            median = score_rolls(sizeable).county_error.sel(approach=FORECAST)
            rows.append(
                (
                    case.title,
                    f"{name}, {part.sizes['origin']}",
                    *(_reached(total, lead, goal if large else None) for lead, goal in TOTAL_GOALS.items()),
                    *(_reached(median, lead, goal) for lead, goal in MEDIAN_GOALS.items()),
                )
            )
    head = [f"total, {lead} y" for lead in TOTAL_GOALS] + [f"median place, {lead} y" for lead in MEDIAN_GOALS]
    yield table(("rolls", "origins", *head), rows)
    yield from in_short_where_births_turn(tested)
    yield from (FAILS, CHOSEN, LEFT_OUT)


FAILS = (
    "Where it fails: without births the entrants of a district keep their level, and no method saw that New York's kindergartens would "
    "take in 7 % more in 2009; a total that is flat because its parts cancel is hard to beat by anything that moves it, so that the "
    "unchanged last value is the better forecast of the sums of New York from the second year on, and of New Zealand's after 2001; a wave "
    "of foreign pupils that comes and goes (New Zealand from 2001 to 2005) is not foreseen, only believed less; single schools "
    "open, close and redraw their areas, which no ratio foresees: by school and grade the forecast is the best, for the sum of a single "
    "school three or more years ahead the last value or the three-year mean often is; one district of 4,500 pupils (Eau Claire) has one "
    "sum an origin, on which the order of methods after the third year may be chance. Where "
    "births turn, what one stage gains another loses, so that the sum of all grades may hardly move and the last value is then "
    "its best forecast, while by grade it is not.\n"
)
CHOSEN = (
    "How the numbers of the method were chosen. The fading (0.5) and the weight of no movement (5 years) are assumed, and not the best "
    "on these rolls: in New York, Eau Claire and New Zealand alike every fading from 0 to 0.9 gave smaller errors one to five years ahead than "
    "none (1), and by the mean of all measures each would rather have it at once (0); a weight of 10 or 20 years would be better for New Zealand by grade, and for the "
    "sums, 5 is better for New York by grade. Mean logarithm of the error one to five years ahead against the method before it (one "
    "choice of smoothing for ratios and entrants, nothing fades), by grade and by total: fading 0.9 New York -0.03 and -0.15, New Zealand "
    "-0.03 and 0.00; 0.7: -0.08 and -0.63, -0.07 and -0.15; 0.5: -0.09 and -1.16, -0.08 and -0.25; 0.3: -0.08 and -1.50, -0.08 and -0.31; Eau Claire "
    "by school and grade -0.03 with any. Among the odd and among the even places of each source "
    "the method is better by grade than the one before it.\n"
)
LEFT_OUT = (
    "Tried and left out: a smoothing for each grade or stage apart (follows noise), a choice for each lead by its own errors alone, the least "
    "error whatever its doubt (Eau Claire by grade 0.05, New Zealand 0.03 worse), mixing all smoothings by their errors or equally (New York "
    "0.03, Eau Claire 0.01 worse), fading what a place has of its own as well (by 0.85 or 0.7, New Zealand's regions 0.07 and 0.2 worse), a damped trend in the "
    "pattern of grades (Eau Claire 0.06, New Zealand 0.03 worse), an exponential weight fitted on five years ahead at once "
    "(New Zealand by grade 0.02 worse, its total 0.08 better), a level of three or five years for entrants (schools 0.01 better, New York "
    "0.02 worse), and half of the way from the total to its last value (the totals of New York and New Zealand 0.6 and 0.13 better, Eau Claire's "
    "0.13 worse, where births do tell what comes).\n"
)
"""What follows the table in short: where it fails, how the numbers of the method were chosen, what was left out."""


def in_short_where_births_turn(tested: Iterable[tuple[Case, xr.Dataset]]) -> Iterable[str]:
    rows = []
    for case, outcome in tested:
        turned = only_where_births_turn(outcome, case)
        if turned is None:
            continue
        cases, part, leads = turned
        scores = score_rolls(part)
        rows += [
            (case.title, cases, words, *(_beside(scores[name], lead) if lead in leads else "-" for lead in TURN_LEADS))
            for name, words in (("cell_error", "by county and grade"), ("county_mean", "sum of a place"))
        ]
    if rows:
        yield "Where births turn (see below), forecast (best of the first three rivals), years ahead:\n"
        yield table(("rolls", "cases", "error", *TURN_LEADS), rows)


def _reached(scores: xr.DataArray, lead: int, goal: float | None) -> str:
    if lead not in scores.lead or not np.isfinite(scores.sel(lead=lead)):
        return "-"
    said = f"{100 * float(scores.sel(lead=lead)):.2f}"
    return f"**{said}**" if goal is not None and float(scores.sel(lead=lead)) <= goal else said


def cases(reference: Path) -> Iterable[Case]:
    """Every source that is among the reference data."""
    for make in (city_districts, one_district, its_schools, regions_by_age):
        with suppress(FileNotFoundError):
            yield make(reference)


def labelled(table: pd.Series) -> xr.DataArray:
    """(county, year, grade) pupils of a series with these three levels; nothing counted is nothing there."""
    table.index = table.index.set_names(["county", "year", "grade"])
    return table.to_xarray().fillna(0.0).astype(float).transpose("county", "year", "grade")


def city_districts(reference: Path) -> Case:
    table = published_rolls.new_york(reference)
    rolls = labelled(table.groupby(["district", "school_year_start", "grade"]).pupils.sum())
    return Case(
        "New York City districts by grade",
        "Public schools by district, pre-kindergarten to grade 12. No births by district are given, so that entrants of "
        "pre-kindergarten and kindergarten keep their level; charter schools, transfers and falling repetition move the "
        "ratios of grades 9 to 12 from year to year.",
        rolls,
    )


def one_district(reference: Path) -> Case:
    table = published_rolls.eau_claire(reference).assign(county="district")
    rolls = labelled(table.groupby(["county", "year", "grade"]).pupils.sum())
    return Case(
        "Eau Claire (Wisconsin), the district by grade",
        "Kindergarten to grade 5 of about 4,500 pupils; births of the district by calendar year. In the autumn of 2020 a quarter of the "
        "pupils were counted elsewhere or not at all: 2020 is neither origin, nor used for ratios, nor scored.",
        rolls,
        born_in_district(reference, rolls),
    )


def its_schools(reference: Path) -> Case:
    rolls = labelled(published_rolls.eau_claire(reference).groupby(["school", "year", "grade"]).pupils.sum())
    return Case(
        "Eau Claire, single schools by grade",
        "The same pupils by school (schools open, close and change their area; a school that is not there counts 0). Entrants are "
        "a share of the district's births. 2020 is left out.",
        rolls,
        born_in_district(reference, rolls),
    )


def born_in_district(reference: Path, rolls: xr.DataArray) -> dict[str, Any]:
    """The same births for every school, and the year of closed schools, known to everybody at the time."""
    births = published_rolls.eau_claire_births(reference).expand_dims(county=rolls.county.values.tolist())
    return {"births": births, "entry_age": 5, "breaks": [year for year in CLOSED if year in rolls.year.values]}


def regions_by_age(reference: Path) -> Case:
    table, folder = published_rolls.new_zealand(reference), reference / "newzealand_regions"
    rolls = labelled(table.groupby(["region", "year", "age"]).pupils.sum())
    births = published.table(folder, "births").groupby(["region", "year"]).births.sum()
    people = published.table(folder, "population").groupby(["region", "year", "age"])["pop"].sum()
    places = rolls.county.values.tolist()
    single = single_ages(people.loc[places])
    children = single.sel(age=rolls.grade.values).rename(age="grade")
    return Case(
        "New Zealand regions by age",
        "Pupils at 1 July by age, 5 to 19 and over (an open group), by region; births of years to June; before the first year of births "
        "the children under five of the first population count stand for them. Children for the participation rival: age groups of five "
        "years at 30 June, cut into single ages by a monotone spline.",
        rolls,
        {
            "births": with_earlier(births, single, places),
            "children": children,
            "entry_age": int(rolls.grade[0]),
            "cutoff_month": YEAR_END,
            "open_last": True,
        },
    )


def single_ages(people: pd.Series) -> xr.DataArray:
    """(county, year, age 0..100) residents from groups of five years, the last open."""
    table = people.unstack("age")
    order = sorted(table.columns, key=lambda text: age_bounds(str(text))[0])
    starts = np.array([age_bounds(str(text))[0] for text in order])
    weights = np.ones(101)
    weights[starts[-1] :] = 0.75 ** np.arange(101 - starts[-1])
    ages = graduate(table[order].values.astype(float), starts, weights)
    frame = pd.DataFrame(ages, index=table.index, columns=pd.RangeIndex(101, name="age")).stack()
    return frame.to_xarray().rename(region="county")


def with_earlier(births: pd.Series, single: xr.DataArray, places: list[str]) -> xr.DataArray:
    """(county, year) births, and before the first year the young children of the first count by year of birth."""
    known = births.to_xarray().rename(region="county").sel(county=places).astype(float)
    first, count = int(known.year[0]), int(single.year[0])
    young = [
        single.sel(year=count, age=count - year, drop=True).expand_dims(year=[year]) for year in range(first - 5, first)
    ]
    return xr.concat([*young, known], "year").transpose("county", "year")


def report(case: Case, found: xr.Dataset) -> Iterable[str]:
    yield f"## {case.title}\n"
    years = case.rolls.year.values
    origins = found.origin.values
    yield (
        f"{case.about} {case.rolls.sizes['county']} places, rolls {years[0]}-{years[-1]}, origins "
        f"{origins[0]}-{origins[-1]} ({origins.size}).\n"
    )
    scores = score_rolls(found)
    several = case.rolls.sizes["county"] > 1
    for name, words in COLUMNS.items():
        if name.startswith("total") and not several:
            continue
        if bool(scores[name].notnull().any()):
            yield f"{words[0].upper()}{words[1:]}:\n"
            yield table_of(scores[name])
    yield from paired(found)
    yield from after_some_years(found, several)
    yield from where_births_turn(found, case)
    yield from by_size(found)
    inside = coverage(found)
    if bool(inside.notnull().any()):
        said = ", ".join(
            f"{int(lead)}: {float(share):.0%}"
            for lead, share in zip(found.lead, inside, strict=True)
            if np.isfinite(share)
        )
        yield f"80 % interval from the errors of earlier origins, share of district sums inside, by years ahead: {said}.\n"
    yield from verdict(scores, several)


def table_of(scores: xr.DataArray) -> str:
    """A row for each approach and a column for each lead, per cent; the smallest of a column is marked."""
    leads = scores.lead.values[np.isfinite(scores.sel(approach=FORECAST).values)]
    rows = []
    for approach in APPROACHES[:-1]:
        cells = []
        for lead in leads:
            value = float(scores.sel(approach=approach, lead=lead))
            others = abs(scores.sel(lead=lead, approach=list(APPROACHES[:-1])))
            said = f"{100 * value:.2f}" + ("*" if abs(value) <= float(others.min()) else "")
            cells.append(said if np.isfinite(value) else "-")
        rows.append((NAMES[approach], *cells))
    return table(("years ahead", *(str(int(lead)) for lead in leads)), rows)


def paired(found: xr.Dataset) -> Iterable[str]:
    """Participation only knows fewer cells: both on these."""
    there = found.forecast.sel(approach=PARTICIPATION).notnull().all(["county", "grade"])
    if not bool((there & found.observed.notnull().all(["county", "grade"])).any()):
        return
    scores = score_rolls(found.assign(observed=found.observed.where(there)))
    yield "Against participation only, where the children of every grade are known (by county and grade; median district):\n"
    rows = []
    leads = [lead for lead in found.lead.values if np.isfinite(scores.county_error.sel(approach=FORECAST, lead=lead))]
    for approach in (FORECAST, PARTICIPATION):
        rows.append(
            (
                NAMES[approach],
                *(
                    f"{100 * float(scores.cell_error.sel(approach=approach, lead=lead)):.2f}; "
                    f"{100 * float(scores.county_error.sel(approach=approach, lead=lead)):.2f}"
                    for lead in leads
                ),
            )
        )
    yield table(("years ahead", *map(str, leads)), rows)


def after_some_years(found: xr.Dataset, several: bool) -> Iterable[str]:
    """The same without the first origins, whose few years cannot tell one smoothing from another."""
    late = found.sel(origin=found.origin >= found.origin[0] + SETTLED)
    if late.sizes["origin"] < 2:
        return
    scores = score_rolls(late)
    yield f"Origins from {int(late.origin[0])} on, with at least {SETTLED + 1} ratios behind them, forecast (best rival of the first three):\n"
    names = ("cell_error", "county_error", *(("total_error",) if several else ()))
    leads = [lead for lead in late.lead.values if np.isfinite(scores.cell_error.sel(approach=FORECAST, lead=lead))]
    rows = [(COLUMNS[name], *(_beside(scores[name], lead) for lead in leads)) for name in names]
    yield table(("years ahead", *map(str, leads)), rows)


def _beside(scores: xr.DataArray, lead: int) -> str:
    ours = float(scores.sel(approach=FORECAST, lead=lead))
    rival = float(scores.sel(approach=list(APPROACHES[1:-1]), lead=lead).min())
    return f"{100 * ours:.2f} ({100 * rival:.2f})" if np.isfinite(ours) else "-"


def only_where_births_turn(found: xr.Dataset, case: Case) -> tuple[int, xr.Dataset, list[int]] | None:
    """Number of places and origins at which the number of children entering turns, the results there, and the years
    ahead that were counted; None where there are none."""
    births = case.given.get("births")
    if births is None:
        return None
    cohorts = entry_cohorts(births, case.given["entry_age"], case.given.get("cutoff_month", SEPTEMBER))
    turns = births_turn(cohorts, found.origin.values.tolist())
    part = found.assign(observed=found.observed.where(turns))
    cases = score_rolls(part).cases
    leads = [lead for lead in TURN_LEADS if lead in found.lead and bool(cases.sel(lead=lead).min() > 0)]
    return (int(turns.sum()), part, leads) if leads else None


def where_births_turn(found: xr.Dataset, case: Case) -> Iterable[str]:
    """Three to five years ahead, only places and origins at which the number of children entering turns."""
    turned = only_where_births_turn(found, case)
    if turned is None:
        return
    cases, part, leads = turned
    entering, scores = score_rolls(part.isel(grade=slice(0, 4))), score_rolls(part)
    yield (
        f"Where births turn (cohorts entering change by 3 % or more in the three years before and the other way in the three after; "
        f"{cases} cases), error by county and grade; mean error of the district's sum of all grades; of its first four grades:\n"
    )
    rows = [
        (
            NAMES[approach],
            *(
                f"{100 * float(scores.cell_error.sel(approach=approach, lead=lead)):.2f}; "
                f"{100 * float(scores.county_mean.sel(approach=approach, lead=lead)):.2f}; "
                f"{100 * float(entering.county_mean.sel(approach=approach, lead=lead)):.2f}"
                for lead in leads
            ),
        )
        for approach in APPROACHES[:-1]
    ]
    yield table(("years ahead", *map(str, leads)), rows)


def by_size(found: xr.Dataset) -> Iterable[str]:
    """Median error of the districts of a size at the origin."""
    size = found.start.sum("grade")
    if found.sizes["county"] < 2:
        return
    rows = []
    for low, high in SIZES:
        inside = (size >= low) & (size < (high or np.inf)) & (size > 0)
        if not bool(inside.any()):
            continue
        scores = score_rolls(found.assign(observed=found.observed.where(inside)))
        cells = [_beside(scores.county_error, lead) for lead in (1, 3, 5) if lead in found.lead]
        rows.append((f"{low:,} to {high:,}" if high else f"{low:,} and more", int(inside.any("origin").sum()), *cells))
    yield "Median district by its pupils at the origin, forecast (best rival):\n"
    yield table(
        ("pupils", "districts", *(f"{lead} year{'s' * (lead > 1)}" for lead in (1, 3, 5) if lead in found.lead)), rows
    )


def verdict(scores: xr.Dataset, several: bool) -> Iterable[str]:
    """At which years ahead the forecast was no worse than the best rival, and where it was."""
    lines = []
    for name in ("cell_error", "county_error", *(("total_error",) if several else ())):
        leads = [lead for lead in scores.lead.values if np.isfinite(scores[name].sel(approach=FORECAST, lead=lead))]
        worse = []
        for lead in leads:
            ours = float(scores[name].sel(approach=FORECAST, lead=lead))
            best = float(scores[name].sel(lead=lead, approach=list(APPROACHES[1:-1])).min())
            if ours > best * 1.0005:
                worse.append(f"{lead} ({100 * (ours - best):+.2f})")
        said = "no worse than the best rival at every one" if not worse else "worse at " + ", ".join(worse)
        lines.append(f"- {COLUMNS[name]}: {said} ({len(leads)} horizons).")
    yield "Against the best of the rivals at each horizon (years ahead, difference in percentage points):\n"
    yield "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
