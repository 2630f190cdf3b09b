"""Warnings put to the test on rolls that came true: each origin sees only what was counted by then.

Rolls by grade (or age) move up by ratios drawn from the past years, a whole year's ratios at a time so that a bad year
is bad for every grade; the lowest grade follows its own past changes. What stands is taken to be the roll of the
origin, so an event is a stage whose roll leaves that by more than 5 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from forecast.findings.levels import warn
from forecast.findings.read import read_rules
from forecast.waves import classify_waves
from studies import national, published, published_rolls

TRAJECTORIES, AHEAD, WINDOW, SHORTEST_PAST = 200, 10, 5, 4
SHORT = ("structural_shortage", "transient_crest", "crest_then_surplus")
SPARE = ("structural_surplus", "transient_trough")
WITHIN = {"short": 4, "spare": 3}  # lead time of the first answer and one year: building 3, converting 2
LARGE = 1000  # residents aged 6 to 17: fewer leave their number by 5 % by chance alone


@dataclass(frozen=True)
class Rolls:
    """Counts by place, a table of years by grades (or ages) that follow each other; positions of the grades of a stage."""

    places: Mapping[str, pd.DataFrame]
    stages: Mapping[str, tuple[int, int]]
    shortest_past: int = SHORTEST_PAST


@dataclass(frozen=True)
class Case:
    place: str
    stage: str
    origin: int
    kind: str  # short or spare
    share: float  # of trajectories that have it in time, the highest of the classes of that kind
    came: int | None  # years after the origin in which it came, None where it did not


def new_zealand(reference: Path) -> Rolls:
    """Rolls by region: ages 5 to 17, 1996 to 2011."""
    rolls = published_rolls.new_zealand(reference).query("5 <= age <= 17")
    return Rolls(
        _by_place(rolls, "region", "year", "age", "pupils"), {"lower": (0, 5), "middle": (6, 7), "upper": (8, 12)}
    )


def eau_claire(reference: Path) -> Rolls:
    """Rolls of one American school district, kindergarten to grade 5."""
    rolls = published_rolls.eau_claire(reference).assign(place="Eau Claire")
    return Rolls(_by_place(rolls, "place", "year", "grade", "pupils"), {"lower": (0, 5)})


def new_york(reference: Path) -> Rolls:
    """Rolls of school districts, kindergarten to grade 12, in the seven years 2005 to 2011: three of them must do as past."""
    rolls = published_rolls.new_york(reference).query("grade >= 0")
    stages = {"lower": (0, 5), "middle": (6, 8), "upper": (9, 12)}
    return Rolls(_by_place(rolls, "district", "school_year_start", "grade", "pupils"), stages, 2)


def sweden(reference: Path) -> Rolls:
    """Residents of school ages by county, with the younger ones who come next, 1968 to 2015."""
    people = published.table(reference / "sweden_counties", "population_deaths_migration").query("age <= 17")
    return Rolls(
        _by_place(people, "region", "year", "age", "pop"), {"lower": (6, 11), "middle": (12, 14), "upper": (15, 17)}
    )


def norway(reference: Path) -> Rolls:
    """The same by municipality, 2005 to 2021; those with `LARGE` residents of school ages in the first year."""
    people = published.table(reference / "norway_municipalities", "population_age").query("age <= 17")
    places = _by_place(people, "municipality", "year", "age", "pop")
    large = {
        name: table for name, table in places.items() if table.iloc[0, 6:].sum() >= LARGE and (table > 0).all(None)
    }
    return Rolls(large, {"lower": (6, 11), "middle": (12, 14), "upper": (15, 17)})


def china(reference: Path) -> Iterator[Case]:
    """Stages of the nation, from published enrolment of two years or more and births by their first releases."""
    for stage, published_as in national.PUBLISHED.items():
        known = national.rolls(reference, published_as)
        for origin in known.index:
            came = known.reindex(range(origin + 1, origin + max(WITHIN.values()) + 1))
            if len(national.counted(reference, stage, origin)) < 2 or came.isna().any():
                continue
            seen = national.seen_from(origin, reference, stage, origin + AHEAD).sel(year=slice(origin + 1, None))
            truth = {("China", stage): came.to_numpy()}
            yield from judge(seen.to_numpy().transpose(1, 0, 2), np.array([known[origin]]), truth, int(origin))


def _by_place(table: pd.DataFrame, place: str, year: str, column: str, value: str) -> dict[str, pd.DataFrame]:
    return {
        str(name): rows.pivot_table(index=year, columns=column, values=value, aggfunc="sum").astype(float)
        for name, rows in table.groupby(place)
    }


def cases(rolls: Rolls, seed: int = 0) -> Iterator[Case]:
    """Every place, stage and origin with enough past and enough that came after; all places know the same years."""
    years = next(iter(rolls.places.values())).index.to_numpy()
    for origin in range(int(years[0]) + rolls.shortest_past, int(years[-1]) - max(WITHIN.values()) + 1):
        paths, stands, truth = [], [], {}
        for place, table in rolls.places.items():
            ahead = project(table.loc[:origin], np.random.default_rng(seed))
            for stage, (first, last) in rolls.stages.items():
                columns = slice(first, last + 1)
                stands.append(float(table.loc[origin].iloc[columns].sum()))
                paths.append(ahead[:, :, columns].sum(axis=2))
                truth[place, stage] = table.loc[origin + 1 :].iloc[:, columns].sum(axis=1).to_numpy()
        yield from judge(np.stack(paths), np.array(stands), truth, origin)


def judge(
    paths: np.ndarray, stands: np.ndarray, truth: Mapping[tuple[str, str], np.ndarray], origin: int
) -> Iterator[Case]:
    """Cases of paths (series, trajectory, year) after an origin, what stands (series,) and what came, in the same order."""
    years = range(origin + 1, origin + 1 + paths.shape[2])
    coords = {"county": [str(number) for number in range(len(paths))], "year": years}
    demand = xr.DataArray(paths.transpose(1, 0, 2), dims=("trajectory", "county", "year"), coords=coords)
    supply = xr.zeros_like(demand.isel(trajectory=0)) + xr.DataArray(stands, dims="county")
    flags = warn(classify_waves(demand, supply, WINDOW), origin, read_rules().warning)
    for number, ((place, stage), came) in enumerate(truth.items()):
        of_series = flags[flags["county"] == str(number)]
        for kind, names in (("short", SHORT), ("spare", SPARE)):
            beyond = came / stands[number] > 1.05 if kind == "short" else came / stands[number] < 0.95
            first = np.flatnonzero(beyond[: WITHIN[kind]])
            share = of_series.loc[of_series["category"].isin(names), "probability"].max()
            yield Case(
                place,
                stage,
                origin,
                kind,
                0.0 if np.isnan(share) else float(share),
                int(first[0]) + 1 if len(first) else None,
            )


def project(past: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Rolls (trajectory, year, grade) of the ten years after the last of `past` (year by grade)."""
    counts = past.to_numpy()
    steps = np.log(np.hstack([counts[1:, :1] / counts[:-1, :1], counts[1:, 1:] / counts[:-1, :-1]]))
    now = np.tile(counts[-1], (TRAJECTORIES, 1))
    out = []
    for _ in range(AHEAD):
        ratio = np.exp(steps[rng.integers(len(steps), size=TRAJECTORIES)])
        now = np.hstack([now[:, :1], now[:, :-1]]) * ratio
        out.append(now)
    return np.stack(out, axis=1)


def judged(found: list[Case], level: float) -> dict[str, float]:
    """Hits, misses, false alarms and quiet years at a level of probability, and the mean years a hit was ahead."""
    hits = [case for case in found if case.share >= level and case.came]
    alarms = [case for case in found if case.share >= level]
    events = [case for case in found if case.came]
    return {
        "cases": len(found),
        "events": len(events),
        "hit_rate": len(hits) / len(events) if events else np.nan,
        "false_alarm_share": 1 - len(hits) / len(alarms) if alarms else np.nan,
        "false_alarm_rate": (len(alarms) - len(hits)) / max(len(found) - len(events), 1),
        "mean_lead": float(np.mean([case.came for case in hits if case.came])) if hits else np.nan,
    }
