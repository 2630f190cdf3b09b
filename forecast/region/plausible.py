"""Are the numbers possible? Sizes, rates, levels, shares and grades against limits that people keep.

Limits are wide: they catch a permille read as a rate or a 10k figure read as persons, not an unusual county.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from forecast.basics.catalogue import say_both
from forecast.basics.dims import OPEN_AGE
from forecast.basics.text import year_text
from forecast.region.check import Places, figure, set_name, sums_of
from forecast.region.faults import Faults, listed
from forecast.region.parse import Parsed
from forecast.services import school_stages

CRUDE_RATE = (0.001, 0.060)
"""Births or deaths of a year per resident; the lowest and highest of any country since 1950 lie well inside."""
BY_CHANCE = 14.0
"""Minus the logarithm of the chance (Chernoff's bound for a Poisson count, here one in a million) below which events do
not come at a rate inside `CRUDE_RATE`: of 60 residents nobody need be born in a year, of 60,000 somebody is."""
FACTOR_APART = 100.0
"""Two counts of one area further apart than this do not have the same unit. A new town grows tenfold in a decade; a
figure in thousands or in 10k that is read as persons is off by a thousand or more."""
TFR, SRB, E0 = (0.3, 8.0), (0.95, 1.25), (30.0, 95.0)
MX_LIMITS = ((0, 0.5), (1, 0.1), (60, 0.5), (90, 2.0))
"""(first age, highest plausible death rate from that age on) per person-year."""
MX_OLD = 0.02
"""The highest death rate of a full table lies above this: at 85 and over it is 0.05 where people live longest."""
ASFR = 0.5
SHARES_APART = 0.005
"""Printed shares are rounded: so far may their sum be from 1."""
LEVEL_LIMITS = {"tfr": TFR, "srb": SRB, "e0_female": E0, "e0_male": E0}


def census_totals(population: Parsed, places: Places) -> pd.DataFrame:
    """area, year, persons: counties within their present boundary, parents with all their counties."""
    sums = sums_of(population, ["county", "year"])
    totals: list[tuple[str, int, float]] = []
    for year, rows in sums.groupby("year"):
        persons: dict[str, float] = {}
        joined: set[str] = set()
        printed = [
            (places.covers(str(code), int(year)), value)
            for code, value in zip(rows["county"], rows["sum"], strict=True)
        ]
        for counties, value in printed:
            if len(counties) > 1:
                joined |= counties
            for county in counties:
                persons[county] = persons.get(county, 0.0) + value
        totals += [(county, int(year), value) for county, value in persons.items() if county not in joined]
        for parent, members in places.members.items():
            inside = [(counties, value) for counties, value in printed if counties and counties <= members]
            if frozenset().union(*(counties for counties, _ in inside)) == members:
                totals.append((parent, int(year), sum(value for _, value in inside)))
    return pd.DataFrame(totals, columns=["area", "year", "persons"]).dropna()


def residents(census: pd.DataFrame, controls: Parsed | None) -> pd.DataFrame:
    """area, year, persons: year-end figures where given, and censuses."""
    if controls is None:
        return census
    ends = controls.frame[controls.frame["component"] == "population"]
    ends = ends[["area", "year", "value"]].rename(columns={"value": "persons"}).dropna()
    return pd.concat([ends, census], ignore_index=True)


def check_sizes(
    population: Parsed, census: pd.DataFrame, controls: Parsed | None, places: Places, findings: Faults
) -> None:
    """A 10k figure read as persons: counts of one area that are more than `FACTOR_APART` times apart."""
    rows = population.frame.groupby(["county", "year"])["row"].min()
    ordered = census.sort_values(["area", "year"])
    for before, after in zip(ordered.iloc[:-1].itertuples(), ordered.iloc[1:].itertuples(), strict=True):
        same = before.area == after.area and (after.area, after.year) in rows.index
        if same and _apart(after.persons, before.persons):
            row = int(rows[after.area, after.year])
            _tell_apart(population, row, str(after.area), after, before, places, findings)
    if controls is None:
        return
    counted = controls.frame[controls.frame["component"] == "population"]
    for control in counted.itertuples():
        known = census[census["area"] == control.area]
        if known.empty or pd.isna(control.value):
            continue
        near = known.iloc[(known["year"] - control.year).abs().argmin()]
        if _apart(control.value, near["persons"]):
            findings.add(
                "E156",
                controls.file,
                int(control.row),
                controls.header("value"),
                whose=places.name(str(control.area)),
                year=int(control.year),
                found=figure(control.value),
                other=figure(near["persons"]),
                other_year=int(near["year"]),
            )


def _apart(one: float, other: float) -> bool:
    """True where two counts cannot be in one unit; of nobody no unit can be wrong."""
    return bool(one and other) and not 1 / FACTOR_APART <= one / other <= FACTOR_APART


def _tell_apart(
    population: Parsed, row: int, area: str, after: Any, before: Any, places: Places, findings: Faults
) -> None:
    findings.add(
        "E156",
        population.file,
        row,
        population.header("persons"),
        whose=places.name(area),
        year=int(after.year),
        found=figure(after.persons),
        other=figure(before.persons),
        other_year=int(before.year),
    )


def check_crude_rates(parsed: Parsed, event: str, people: pd.DataFrame, places: Places, findings: Faults) -> None:
    """Births and deaths of a year, per resident, lie inside `CRUDE_RATE` but for chance; so do printed rates.

    `event` is "births" or "deaths"; `parsed` is the table of that name, or controls. `people`: see `residents`; the
    nearest year is taken.
    """
    area = parsed.table.areas[0]
    frame = parsed.frame
    if "component" in frame:
        _check_printed_rates(parsed, event, people, places, findings)
        frame = frame[frame["component"] == event]
    events = sums_of(parsed.with_frame(frame), [area, "year"]).dropna()
    rows = frame.groupby([area, "year"], sort=False)["row"].min()
    for code, year, value in events[[area, "year", "sum"]].itertuples(index=False):
        alive = _alive(people, str(code), int(year))
        if alive is not None and not _by_chance(value, alive):
            rate = value / alive if alive else np.inf
            _tell_rate(parsed, event, int(rows[code, year]), code, int(year), rate, figure(value), places, findings)


def _alive(people: pd.DataFrame, code: str, year: int) -> float | None:
    """Residents of an area in the year nearest to `year`; None where none are known."""
    known = people[people["area"] == code]
    return None if known.empty else float(known.iloc[(known["year"] - year).abs().argmin()]["persons"])


def _by_chance(events: float, alive: float) -> bool:
    """True where so many events may be, at a rate inside `CRUDE_RATE`."""
    expected = min(max(events, CRUDE_RATE[0] * alive), CRUDE_RATE[1] * alive)
    if expected == 0:
        return events == 0
    logarithm = events * np.log(events / expected) if events > 0 else 0.0
    return bool(expected - events + logarithm <= BY_CHANCE)


def _check_printed_rates(parsed: Parsed, event: str, people: pd.DataFrame, places: Places, findings: Faults) -> None:
    frame = parsed.frame[parsed.frame["component"] == f"{event.removesuffix('s')}_rate"]
    for row in frame[~frame["value"].between(*CRUDE_RATE) & frame["value"].notna()].itertuples():
        alive = _alive(people, str(row.area), int(row.year))
        if alive is not None and _by_chance(float(row.value) * alive, alive):
            continue
        rate = figure(float(row.value))
        _tell_rate(parsed, event, int(row.row), str(row.area), int(row.year), float(row.value), rate, places, findings)


def _tell_rate(
    parsed: Parsed,
    event: str,
    row: int,
    code: str,
    year: int,
    rate: float,
    found: str,
    places: Places,
    findings: Faults,
) -> None:
    findings.add(
        "E155",
        parsed.file,
        row,
        parsed.header(parsed.table.quantity),
        whose=places.name(code),
        year=year,
        event=say_both(f"region.{event}"),
        found=found,
        rate=figure(rate * 1000),
        low=figure(CRUDE_RATE[0] * 1000),
        high=figure(CRUDE_RATE[1] * 1000),
    )


def check_mortality(parsed: Parsed, places: Places, findings: Faults) -> None:
    """Death rates are per person-year: no permille, no chance of dying above 1, no table 1,000 times too low."""
    frame = parsed.frame.dropna(subset=["age_from", "mx"])
    limit = np.full(len(frame), MX_LIMITS[0][1])
    for age, highest in MX_LIMITS[1:]:
        limit = np.where(frame["age_from"] >= age, highest, limit)
    high = frame[frame["mx"].to_numpy() > limit]
    labels, rates = high["age_group"].tolist(), high["mx"].tolist()
    findings.rows(
        "E150",
        parsed.file,
        high["row"].tolist(),
        parsed.header("mx"),
        lambda i: {"found": figure(rates[i]), "age": labels[i]},
    )
    width = frame["age_to"] - frame["age_from"] + 1
    closed = ~frame["age_group"].str.endswith("+") & (frame["age_from"] < 90)
    chance = width * frame["mx"] / (1 + width / 2 * frame["mx"])
    dead = frame[closed & (chance > 1)]
    chances, ages, impossible = chance[dead.index].tolist(), dead["age_group"].tolist(), dead["mx"].tolist()
    findings.rows(
        "E151",
        parsed.file,
        dead["row"].tolist(),
        parsed.header("mx"),
        lambda i: {"found": figure(impossible[i]), "age": ages[i], "chance": figure(chances[i])},
    )
    _check_low(parsed, frame, places, findings)


def _check_low(parsed: Parsed, frame: pd.DataFrame, places: Places, findings: Faults) -> None:
    by = [*parsed.table.full_ages, "sex"]
    sets = (
        frame.groupby(by, sort=False).agg(mx=("mx", "max"), row=("row", "min"), oldest=("age_to", "max")).reset_index()
    )
    low = sets[(sets["mx"] < MX_OLD) & (sets["oldest"] >= OPEN_AGE)].reset_index(drop=True)
    findings.rows(
        "E157",
        parsed.file,
        low["row"].tolist(),
        parsed.header("mx"),
        lambda i: {"found": figure(low.iloc[i]["mx"]), "whose": set_name(low.iloc[i][by], places), "low": MX_OLD},
    )


def check_fertility(parsed: Parsed, places: Places, findings: Faults) -> None:
    """Rates of births per woman-year give a plausible total; shares sum to one."""
    by = ["area", "year_start", "year_end"]
    frame = parsed.frame.assign(width=parsed.frame["age_to"] - parsed.frame["age_from"] + 1)
    if "asfr" in frame:
        high = frame[frame["asfr"] > ASFR]
        rates, ages = high["asfr"].tolist(), high["age_group"].tolist()
        findings.rows(
            "E152",
            parsed.file,
            high["row"].tolist(),
            parsed.header("asfr"),
            lambda i: {"found": figure(rates[i]), "age": ages[i], "high": ASFR},
        )
        told = _sets(frame.assign(sum=frame["asfr"] * frame["width"]), by)
        _tell_sums(
            "E153", parsed, told[~told["sum"].between(*TFR)], "asfr", by, places, findings, low=TFR[0], high=TFR[1]
        )
    if "share" in frame:
        told = _sets(frame.assign(sum=frame["share"]), by)
        _tell_sums("E154", parsed, told[(told["sum"] - 1).abs() > 1e-3], "share", by, places, findings)


def check_flows(parsed: Parsed, places: Places, findings: Faults) -> None:
    """The shares of a county's demand by the county that serves it add up to one, and only counties serve."""
    by = ["service", "from", "year"]
    told = _sets(parsed.frame.assign(sum=parsed.frame["share"]), by)
    told = told[(told["sum"] - 1).abs() > SHARES_APART]
    findings.rows(
        "E148",
        parsed.file,
        told["row"].tolist(),
        parsed.header("share"),
        lambda i: {"found": figure(told["sum"].iloc[i]), "whose": places.name(told["from"].iloc[i])},
    )
    for column in ("from", "to"):
        _tell_no_county(parsed, column, places, findings)


def _tell_no_county(parsed: Parsed, column: str, places: Places, findings: Faults) -> None:
    """Areas, and units of a former boundary: pupils go from county to county."""
    off = parsed.frame[~parsed.frame[column].isin(list(places.counties)) & parsed.frame[column].notna()]
    codes = off[column].tolist()
    findings.rows(
        "E149", parsed.file, off["row"].tolist(), parsed.header(column), lambda i: {"found": places.name(codes[i])}
    )


def _sets(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """row and sum of each set whose every part could be read."""
    groups = frame.groupby(by, sort=False)
    sets = groups.agg(row=("row", "min"), sum=("sum", "sum"))
    return sets[groups["sum"].count() == groups.size()].reset_index()


def _tell_sums(
    code: str,
    parsed: Parsed,
    told: pd.DataFrame,
    column: str,
    by: list[str],
    places: Places,
    findings: Faults,
    **more: Any,
) -> None:
    findings.rows(
        code,
        parsed.file,
        told["row"].tolist(),
        parsed.header(column),
        lambda i: {"found": figure(told.iloc[i]["sum"]), "whose": set_name(told.iloc[i][by], places), **more},
    )


def check_levels(parsed: Parsed, findings: Faults) -> None:
    """Total fertility, sex ratio at birth and life expectancy lie where those of people lie."""
    for column, (low, high) in LEVEL_LIMITS.items():
        if column not in parsed.frame:
            continue
        off = parsed.frame[~parsed.frame[column].between(low, high) & parsed.frame[column].notna()]
        _tell_level(parsed, column, off, low, high, findings)


def check_rolls(parsed: Parsed, findings: Faults) -> None:
    """Every grade is one of its stage; entrants and leavers are of whole stages."""
    if "grade" in parsed.frame:
        _check_grades(parsed, findings)
        _check_whole_stages(parsed, findings)
        _check_gaps(parsed, findings)


FAR_FROM_USUAL = 3.0
"""A count that is so many times the usual of its place, or less than the same part of it, is told."""


def _check_gaps(parsed: Parsed, findings: Faults) -> None:
    """Warns of a count far from those of the other years of the same place, stage and grade: a zero above all."""
    keys = [name for name in ("county", "stage", "grade", "item", "hukou") if name in parsed.frame]
    frame = parsed.frame.dropna(subset=["value", "year"])
    usual = frame.groupby(keys, dropna=False)["value"].transform("median")
    off = frame[(frame["value"] * FAR_FROM_USUAL < usual) | (frame["value"] > usual * FAR_FROM_USUAL)]
    values, counted, years = off["value"].tolist(), usual.reindex(off.index).tolist(), off["year"].tolist()
    findings.rows(
        "W147",
        parsed.file,
        off["row"].tolist(),
        parsed.header("value"),
        lambda i: {"found": figure(values[i]), "usual": figure(counted[i]), "year": int(years[i])},
    )


def _check_whole_stages(parsed: Parsed, findings: Faults) -> None:
    """A stage is entered and left as a whole: a row of entrants or leavers names no grade."""
    frame = parsed.frame
    off = frame[frame["item"].isin(["entrants", "leavers"]) & frame["grade"].ne("all")].dropna(subset=["grade"])
    items, grades = off["item"].tolist(), off["grade"].tolist()
    findings.rows(
        "E143",
        parsed.file,
        off["row"].tolist(),
        parsed.header("grade"),
        lambda i: {"found": grades[i], "item": items[i]},
    )


def _check_grades(parsed: Parsed, findings: Faults) -> None:
    """Every grade is one of its stage, counted through (7 to 9) or within the stage (1 to 3)."""
    grades_of = school_stages().grades_of_stage
    told = parsed.frame[parsed.frame["grade"].ne("all")].dropna(subset=["stage", "grade"])
    fits = [int(grade) in grades_of[stage] for stage, grade in zip(told["stage"], told["grade"], strict=True)]
    off = told[~np.array(fits, dtype=bool)]
    stages, grades = off["stage"].tolist(), off["grade"].tolist()
    findings.rows(
        "E147",
        parsed.file,
        off["row"].tolist(),
        parsed.header("grade"),
        lambda i: {"found": grades[i], "stage": stages[i], "known": listed(grades_of[stages[i]])},
    )


def _tell_level(parsed: Parsed, column: str, off: pd.DataFrame, low: float, high: float, findings: Faults) -> None:
    values, years = off[column].tolist(), off["year"].tolist()
    findings.rows(
        "E153" if column == "tfr" else "E158",
        parsed.file,
        off["row"].tolist(),
        parsed.header(column),
        lambda i: {
            "found": figure(values[i]),
            "whose": year_text(int(years[i])),
            "low": low,
            "high": high,
        },
    )
