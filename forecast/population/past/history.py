"""The observed past of several places as one complete account: people, births, deaths and what must have moved.

What was counted is kept. What was not is completed, and `completed` says what and how: open groups and age groups to
single years, people without sex by a standard's sex ratio, deaths from a standard whose level the history itself gives
(deaths in total, or how fast its old cohorts shrink), births from the infants, net migration as the cohort residual.
Every year balances by construction. Completion looks only at the years it is given, so a history cut off at an origin
knows nothing of what came after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics import folders
from forecast.basics.ages import entering_ages
from forecast.basics.dims import AGE, AGES, COUNTY, MOTHER_AGE, OPEN_AGE, SEX, SEXES, YEAR
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.variables import label
from forecast.population.rates.graduation import graduate
from forecast.population.rates.lifetable import life_table
from forecast.population.rates.pattern import HasTables, fertility_pattern, mortality_pattern

OLD = (60, 90)
"""Ages whose cohorts shrink by death and hardly by migration, so that they tell the level of mortality."""

_OLD_WIDTH = 10  # years of age whose level is one
_SPAN = 12.0  # years in time beyond which a neighbour says nothing about a level
_TURNS_IN_YEAR = 0.5  # deaths of a completed age whose cohort reaches the next birthday in the year
_INFANT_NEXT = 0.15  # the same of infants, who die in their first weeks

Notes = tuple[str, ...]
"""What was not observed, and how it was completed."""


@dataclass(frozen=True)
class Standard:
    """Rates by age that stand in for what a place does not publish: mx (sex, age), shares of fertility (age,) that
    sum to 1, boys per girl, and whose they are."""

    mx: xr.DataArray
    fertility: xr.DataArray
    srb: float
    source: str

    @property
    def sx(self) -> np.ndarray:
        """(sex, age) survivorship ratios to the age."""
        return np.clip(life_table(self.mx).sx.transpose(SEX, AGE).values, 1e-6, 1.0)

    def with_mortality(self, factor: np.ndarray | float) -> Standard:
        """The same with all death rates times a factor."""
        return replace(self, mx=(self.mx * factor).clip(max=3.0))


def standard_from(tables: HasTables, year: int, source: str) -> Standard:
    """The rates of the tables `mortality`, `fertility` and `levels` in a year, or in the nearest that they have."""
    known = tables.table("levels").dropna(subset=["tfr", "srb"]).year.to_numpy(int)
    known = known[known >= int(tables.table("mortality").year_start.min()) + 2]
    years = known[[int(abs(known - year).argmin())]]
    fertility = fertility_pattern(tables, years).isel({YEAR: 0}, drop=True)
    mx = mortality_pattern(tables, years).isel({YEAR: 0}, drop=True)
    return Standard(mx, fertility["share"], float(fertility.srb), f"{source}, {years[0]}")


def shipped_standard(pattern: str = "china_wpp2024", year: int = 0) -> Standard:
    """The rates of a shipped pattern in a year (its first by default), for places of which nothing better is known."""
    return standard_from(_PatternTables(pattern), year, f"shipped pattern {pattern}")


@dataclass(frozen=True)
class _PatternTables:
    pattern: str

    def table(self, name: str) -> pd.DataFrame:
        folder = folders.folder("data") / "patterns" / self.pattern
        return pd.read_csv(folder / f"{name}.csv", encoding="utf-8")


def known_flows(past: xr.Dataset) -> xr.Dataset:
    """A complete history of the years of an estimated past whose flows are known, people before them dropped.

    Raises InputRefused where there are fewer than two years of people with flows between them.
    """
    if "births_by_mother" in past:
        return past
    flows = past.births.notnull().all([COUNTY, SEX])
    known = [int(year) for year in past[YEAR].values[flows.values]]
    years = [year for year in past[YEAR].values.tolist() if known and known[0] - 1 <= year <= known[-1]]
    if len(years) < 2:
        raise InputRefused(Issue("E681", values={"found": len(years), "expected": 2}))
    names = ["population", "births", "deaths", "net_migration"]
    found = past[names].sel({YEAR: years})
    return complete_history(found).assign_attrs(completed=("all from censuses and year-end controls",))


def complete_history(history: xr.Dataset, standard: Standard | None = None) -> xr.Dataset:
    """People by single year of age with births, deaths and net migration that balance.

    history: population (county, year, [sex,] age), age single or first ages of groups, the last open; and, where they
    are known, births (county, year, [sex,] [mother_age: single, or first ages of groups]), deaths (county, year,
    [sex,] [age]) and net_migration (county, year, sex, age at the year's end). `attrs["deaths_age"]`: "year_end"
    where deaths are by the age reached in the year, "completed" (default) at death. Years follow one another.
    Returns population (county, year, sex, age 0..100), births (county, year, sex), births_by_mother (county, year,
    age), deaths and net_migration (county, year, sex, age at the year's end), flows of the first year NaN, and
    `attrs["completed"]`: what was not observed, in words.
    Raises InputRefused where years are missing, or nobody lives somewhere.
    """
    standard = standard or shipped_standard()
    _check_years(history)
    people, on_people = _people(history, standard)
    births, on_births = _births(history, people, standard)
    mothers, on_mothers = _births_by_mother(history, people, births, standard)
    entering = entering_of(people, births)
    deaths, on_deaths = _deaths(history, people, entering, standard)
    deaths = np.minimum(deaths, np.maximum(entering, 0.0))
    net = people - entering + deaths
    net[:, 0] = np.nan
    on_migration: Notes = () if "net_migration" in history else ("net migration: residual of cohorts",)
    notes = (*on_people, *on_births, *on_mothers, *on_deaths, *on_migration)
    return _labelled(history, people, births, mothers, deaths, net, notes)


def entering_of(people: np.ndarray, births: np.ndarray) -> np.ndarray:
    """(county, year, sex, age) people who enter an age in the year, as `entering_ages`; NaN in the first year. people
    (county, year, sex, age), births (county, year, sex)."""
    entering = np.full_like(people, np.nan)
    entering[:, 1:] = entering_ages(people[:, :-1], births[:, 1:])
    return entering


def _check_years(history: xr.Dataset) -> None:
    years = history[YEAR].values
    if years.size < 1 or (np.diff(years) != 1).any():
        raise InputRefused(Issue("E682", values={"years": ", ".join(map(str, years.tolist()))}))
    empty = history.population.sum([dim for dim in history.population.dims if dim not in (COUNTY, YEAR)]) <= 0
    if bool(empty.any()) or bool(history.population.isnull().any()):
        bad = (
            empty | history.population.isnull().any([d for d in history.population.dims if d not in (COUNTY, YEAR)])
        ).any(YEAR)
        names = bad[COUNTY].values[bad.values][:5]
        raise InputRefused(Issue("E683", values={"counties": ", ".join(map(str, names))}))


def _people(history: xr.Dataset, standard: Standard) -> tuple[np.ndarray, Notes]:
    """(county, year, sex, age 0..100) persons."""
    notes: list[str] = []
    given = history.population
    ages: np.ndarray = given[AGE].values
    stationary: np.ndarray = np.cumprod(standard.sx, axis=-1)  # (sex, age)
    stationary[:, -1] = stationary[:, -2] * standard.sx[:, -1] / (1 - standard.sx[:, -1])
    if SEX in given.dims:
        counts = given.transpose(COUNTY, YEAR, SEX, AGE).sel({SEX: list(SEXES)}).values.astype(float)
        living: np.ndarray = stationary
    else:
        counts = given.transpose(COUNTY, YEAR, AGE).values.astype(float)[:, :, None]
        living = (stationary[:1] + standard.srb * stationary[1:]) / (1 + standard.srb)
    single = bool((np.diff(ages) == 1).all())
    if single and ages[-1] >= OPEN_AGE:
        counts = np.concatenate([counts[..., :OPEN_AGE], counts[..., OPEN_AGE:].sum(-1, keepdims=True)], axis=-1)
    elif single:
        tail = living[:, ages[-1] :] / living[:, ages[-1] :].sum(-1, keepdims=True)
        counts = np.concatenate([counts[..., :-1], counts[..., -1:] * tail], axis=-1)
        notes.append(f"ages {ages[-1]} to {OPEN_AGE}: open group by the standard")
    else:
        weights = np.broadcast_to(living, (*counts.shape[:-1], OPEN_AGE + 1)) * _cohorts(history)[:, :, None, :]
        counts = graduate(counts, ages, weights)
        notes.append("single years of age: graduated from age groups")
    if SEX not in given.dims:
        share = stationary[0] / (stationary[0] + standard.srb * stationary[1])
        counts = counts * np.stack([share, 1 - share])[None, None]
        notes.append("sex: by the standard's sex ratio at each age")
    return counts, tuple(notes)


def _cohorts(history: xr.Dataset) -> np.ndarray:
    """(county, year, age) size of the cohort at birth relative to the first known, 1 where births are not known."""
    years = history[YEAR].values
    found = np.ones((history.sizes[COUNTY], years.size, OPEN_AGE + 1))
    if "births" not in history:
        return found
    births = history.births.sum([dim for dim in history.births.dims if dim not in (COUNTY, YEAR)]).transpose(
        COUNTY, YEAR
    )
    values = births.values.astype(float)
    known = np.isfinite(values).all(axis=0) & (values > 0).all(axis=0)
    if not known.any():
        return found
    first = int(np.argmax(known))
    for t in range(first, years.size):
        for age in range(t - first + 1):
            found[:, t, age] = values[:, t - age] / values[:, first]
    return found


def _births(history: xr.Dataset, people: np.ndarray, standard: Standard) -> tuple[np.ndarray, Notes]:
    """(county, year, sex) births."""
    share = np.array([1.0, standard.srb]) / (1 + standard.srb)
    if "births" not in history:
        note = "births: infants at the year's end over the standard's survival"
        return people[..., 0] / standard.sx[:, 0], (note,)
    births = history.births
    if MOTHER_AGE in births.dims:
        births = births.sum(MOTHER_AGE)
    if SEX in births.dims:
        return births.transpose(COUNTY, YEAR, SEX).sel({SEX: list(SEXES)}).values.astype(float), ()
    both = births.transpose(COUNTY, YEAR).values.astype(float)[..., None]
    return both * share, ("sex of the newborn: by the standard",)


def _births_by_mother(
    history: xr.Dataset, people: np.ndarray, births: np.ndarray, standard: Standard
) -> tuple[np.ndarray, Notes]:
    """(county, year, age of mother) births that sum to all births; negative mothers' ages are unknown and shared out."""
    shape = np.clip(standard.fertility.values, 0.0, None)
    women = people[:, :, 0]
    expected = women * shape  # (county, year, age)
    total = births.sum(-1)
    if "births" not in history or MOTHER_AGE not in history.births.dims:
        return _share_out(expected, total), ("ages of mothers: by the standard's fertility",)
    known = history.births.sum(SEX) if SEX in history.births.dims else history.births
    known = known.transpose(COUNTY, YEAR, MOTHER_AGE)
    ages = known[MOTHER_AGE].values
    values = known.values.astype(float)[..., ages >= 0]
    ages = ages[ages >= 0]
    found = np.zeros_like(expected)
    bounds = [*ages.tolist(), max(50, int(ages[-1]) + 1)]
    for number, (start, stop) in enumerate(pairwise(bounds)):
        inside = slice(start, stop)
        spread = expected[..., inside] if stop - start > 1 else np.ones_like(expected[..., inside])
        found[..., inside] = _share_out(spread, values[..., number])
    grouped = any(stop - start > 1 for start, stop in pairwise(bounds))
    notes: Notes = ("single ages of mothers: inside groups by the standard's fertility",) if grouped else ()
    return _share_out(found, total), notes


def _share_out(parts: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Parts scaled along the last axis to sum to the total; equal parts where all are zero."""
    parts = np.where(parts.sum(-1, keepdims=True) > 0, parts, 1.0)
    return parts * (total / parts.sum(-1))[..., None]


def _deaths(
    history: xr.Dataset, people: np.ndarray, entering: np.ndarray, standard: Standard
) -> tuple[np.ndarray, Notes]:
    """(county, year, sex, age at the year's end) deaths."""
    if "deaths" in history and history.attrs.get("deaths_age") == "year_end":
        found = history.deaths.transpose(COUNTY, YEAR, SEX, AGE).sel({SEX: list(SEXES)}).values.astype(float)
        return np.concatenate([np.full_like(found[:, :1], np.nan), found[:, 1:]], axis=1), ()
    if "deaths" not in history:
        if "net_migration" in history:
            moved = history.net_migration.transpose(COUNTY, YEAR, SEX, AGE).sel({SEX: list(SEXES)}).values
            return entering + moved - people, ()
        levels = mortality_levels(people, standard, _oldest(history))
        hazard = -np.log(standard.sx) * levels[:, None, :]  # (year, sex, age)
        note = f"deaths: {standard.source}, levels found from cohorts of ages {OLD[0]} to {OLD[1] - 1}"
        return entering * (1 - np.exp(-hazard)), (note,)
    return _deaths_by_year_end(history, people, standard)


def _deaths_by_year_end(history: xr.Dataset, people: np.ndarray, standard: Standard) -> tuple[np.ndarray, Notes]:
    """(county, year, sex, age at the year's end) deaths: by completed age, by group or in total, laid on single ages by the standard and moved to the age that
    the dead would have reached at the year's end."""
    deaths = history.deaths
    mean = people.copy()
    mean[:, 1:] = (people[:, 1:] + people[:, :-1]) / 2
    expected = mean * standard.mx.transpose(SEX, AGE).values
    notes: Notes = ()
    if AGE not in deaths.dims:
        expected = expected * mortality_levels(people, standard, _oldest(history))[:, None, :]
        deaths = deaths.expand_dims({AGE: [0]})
        notes = ("ages of the dead: by the standard, levels found from old cohorts",)
    elif not (np.diff(deaths[AGE].values) == 1).all():
        notes = ("single ages of the dead: inside groups by the standard's mortality",)
    starts = deaths[AGE].values.tolist()
    found = np.zeros_like(expected)
    for number, (start, stop) in enumerate(zip(starts, [*starts[1:], OPEN_AGE + 1], strict=True)):
        if start > OPEN_AGE:
            continue
        group = deaths.isel({AGE: number}, drop=True)
        part = expected[..., start:stop]
        if SEX in group.dims:
            total = group.transpose(COUNTY, YEAR, SEX).sel({SEX: list(SEXES)}).values.astype(float)
            found[..., start:stop] += _share_out(part, total)
        else:
            total = group.transpose(COUNTY, YEAR).values.astype(float)
            flat = part.reshape(*part.shape[:2], -1)
            found[..., start:stop] += _share_out(flat, total).reshape(part.shape)
    onward = found * _TURNS_IN_YEAR
    onward[..., 0] = found[..., 0] * _INFANT_NEXT
    onward[..., -1] = 0.0
    found -= onward
    found[..., 1:] += onward[..., :-1]
    found[:, 0] = np.nan
    return found, notes


def _oldest(history: xr.Dataset) -> int:
    """The last age below the open group."""
    return min(int(history.population[AGE].values[-1]), OPEN_AGE) - 1


def mortality_levels(people: np.ndarray, standard: Standard, last_age: int) -> np.ndarray:
    """(year, age) hazards relative to the standard's, from how fast the old cohorts of the whole shrink.

    people (county, year, sex, age); last_age: the oldest that was counted by itself. Ten years of age at a time, a line
    through the neighbouring years (weights falling to zero at `_SPAN` years), between the middles of the ages linear in
    the logarithm; younger ages as the youngest.
    """
    whole = people.sum(axis=0)
    years, ages = whole.shape[0], whole.shape[-1]
    if years < 2:
        return np.ones((years, ages))
    logs: list[np.ndarray] = []
    middles: list[float] = []
    for first in range(OLD[0], min(OLD[1], last_age), _OLD_WIDTH):
        stop = min(first + _OLD_WIDTH, last_age + 1)
        if stop - first < _OLD_WIDTH // 2 and logs:
            break
        due = 1 - standard.sx[:, first:stop]
        before = whole[:-1, :, first - 1 : stop - 1]
        level = (before - whole[1:, :, first:stop]).sum((1, 2)) / (before * due).sum((1, 2))
        logs.append(_local_line(np.log(np.clip(level, 0.2, 3.0))))
        middles.append((first + stop - 1) / 2)
    by_age = np.stack([np.interp(np.arange(ages), middles, row) for row in np.stack(logs, axis=1)])
    return np.exp(np.concatenate([by_age[:1], by_age]))


def _local_line(values: np.ndarray) -> np.ndarray:
    """A straight line through the neighbours of every point, read there; the mean of fewer than four."""
    at = np.arange(values.size, dtype=float)
    if values.size < 4:
        return np.full(values.size, values.mean())
    found = np.empty(values.size)
    for point in range(values.size):
        weight = np.sqrt(np.clip(1 - (abs(at - point) / _SPAN) ** 3, 0.0, None) ** 3)
        slope, start = np.polyfit(at, values, 1, w=weight)
        found[point] = start + slope * point
    return found


def _labelled(
    history: xr.Dataset,
    people: np.ndarray,
    births: np.ndarray,
    mothers: np.ndarray,
    deaths: np.ndarray,
    net: np.ndarray,
    notes: Notes,
) -> xr.Dataset:
    births, mothers = births.copy(), mothers.copy()
    births[:, 0], mothers[:, 0] = np.nan, np.nan
    coords = {COUNTY: history[COUNTY].values, YEAR: history[YEAR].values, SEX: list(SEXES), AGE: list(AGES)}
    cell = (COUNTY, YEAR, SEX, AGE)
    rows = {
        "population": (cell, people),
        "births": (cell[:3], births),
        "births_by_mother": ((COUNTY, YEAR, AGE), mothers),
        "deaths": (cell, deaths),
        "net_migration": (cell, net),
    }
    found = xr.Dataset(rows, coords, attrs={"completed": notes})
    return label(found, "history", source="; ".join(notes) or "observed")
