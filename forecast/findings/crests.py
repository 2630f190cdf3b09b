"""The crest that matters of each county and service, by the rules in use, side by side.

Different readers of one run choose differently, and may name two years for the same pupils:

last_of_the_born      headline, summary, tables of crests, why rolls change: the last crest of children already born
most_prominent        sentences of the flags: the crest that most trajectories have and nothing surpasses
like_the_scenarios    what the flags speak of at all: crests of the paths that the scenario has too
with_lag              lags of the first wave: crests that follow one of the stage before
through_the_stages    line through the stages on the page: one crest of each stage, each before the next stage's

All take the table of `find_waves` and leave out crests at an edge, beyond which nobody sees. A chosen crest is a row
with the columns `COLUMNS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, YEAR

COLUMNS = ("county", "service", "year", "low", "high", "height", "why")
"""Year of the crest with its 80 % range, demand there, and the rule that chose it."""

OFTEN = 0.5
"""Share of the trajectories in which a crest must be to be spoken of."""

AGREED = 0.02
"""Share by which demand may stand above its crest in another year, for the crest to be called the peak."""

Place = tuple[str, str]
"""County (or area) and service."""


class Crest(NamedTuple):
    """A crest of a service in a place: its year, the 80 % range of the year, demand at it."""

    year: int
    low: int
    high: int
    height: float


def all_crests(waves: pd.DataFrame) -> pd.DataFrame:
    """Every crest that is not at an edge, in order of years, with the columns `COLUMNS`."""
    return _chosen(_inner(waves).sort_values("peak_year", kind="stable"), "all")


def last_of_the_born(waves: pd.DataFrame, born_until: Mapping[str, int]) -> pd.DataFrame:
    """Last crest of each place whose pupils are all born at the jump-off date, with the columns `COLUMNS`.

    born_until: service -> last year in which all whom it counts are born by then; services without it have no such
    crest.
    """
    crests = all_crests(waves).assign(why="last of the born")
    born = crests[crests["year"] <= crests["service"].map(born_until).astype(float)]
    return born.drop_duplicates([COUNTY, SERVICE], keep="last", ignore_index=True)


def most_prominent(waves: pd.DataFrame, demand: xr.DataArray) -> pd.DataFrame:
    """The most prominent crest of each place, in at least half of the trajectories and never surpassed, with the
    columns `COLUMNS`: where demand stands higher in another year, it has not peaked there.

    demand: (county, year, service), past and middle of the paths.
    """
    often = _inner(waves)
    often = often[often["probability"].fillna(1.0) >= OFTEN].sort_values("prominence")
    crests = _chosen(often.drop_duplicates([COUNTY, SERVICE], keep="last"), "most prominent")
    levels = demand.transpose(COUNTY, SERVICE, YEAR)
    names = [levels[dim].values.astype(str).tolist() for dim in (COUNTY, SERVICE)]
    paths = {
        (county, service): levels.to_numpy()[i, j]
        for i, county in enumerate(names[0])
        for j, service in enumerate(names[1])
    }
    first = int(demand[YEAR][0])
    kept = [
        paths[row.county, row.service][row.year - first] * (1 + AGREED) >= np.nanmax(paths[row.county, row.service])
        for row in crests.itertuples()
    ]
    return crests[np.array(kept, dtype=bool)].reset_index(drop=True)


def like_the_scenarios(waves: pd.DataFrame, of_the_scenario: pd.DataFrame) -> pd.DataFrame:
    """Rows of `waves`, those of many paths, that are crests of which the scenario has one within their range: single
    paths go up and down by chance, so each has a highest year even where demand only grows."""
    years: dict[Place, list[int]] = {}
    for row in _inner(of_the_scenario).itertuples():
        years.setdefault((row.county, row.service), []).append(int(row.peak_year))
    kept = [
        row.turn == "crest"
        and any(row.peak_year_low <= year <= row.peak_year_high for year in years.get((row.county, row.service), []))
        for row in waves.itertuples()
    ]
    return waves[kept]


def with_lag(waves: pd.DataFrame) -> pd.DataFrame:
    """Last crest of each place that follows one of the stage before, with the columns `COLUMNS` and `lag_years`."""
    later = waves[waves["turn"] == "crest"].dropna(subset=["lag_years"])
    later = later.drop_duplicates([COUNTY, SERVICE], keep="last")
    return _chosen(later, "with lag").assign(lag_years=later["lag_years"].astype(int).to_numpy())


def through_the_stages(waves: pd.DataFrame, stages: Sequence[str], born_until: Mapping[str, int]) -> pd.DataFrame:
    """One crest of each stage, from the last stage back: the last crest of children already born that comes before the
    next stage's; with the columns `COLUMNS`, in the order of the stages. stages: services in the order of life.
    Asked alone."""
    crests = all_crests(waves).assign(why="through the stages")
    years, rows = crests["year"].tolist(), crests.groupby([COUNTY, SERVICE], sort=False).indices
    chosen: list[int] = []
    for county in crests[COUNTY].unique():
        train: list[int] = []
        for stage in reversed(stages):
            before = min([born_until[stage] + 1, *(years[row] for row in train[-1:])])
            train += [row for row in rows.get((county, stage), ()) if years[row] < before][-1:]
        chosen += reversed(train)
    return crests.loc[chosen].reset_index(drop=True)


def by_place(crests: pd.DataFrame) -> dict[Place, list[Crest]]:
    """(county, service) -> its rows of a table of crests, in their order."""
    crests_of: dict[Place, list[Crest]] = {}
    for row in crests.itertuples():
        crest = Crest(int(row.year), int(row.low), int(row.high), float(row.height))
        crests_of.setdefault((str(row.county), str(row.service)), []).append(crest)
    return crests_of


def _inner(waves: pd.DataFrame) -> pd.DataFrame:
    """Crests with years on both sides, in the order of the table."""
    return waves[(waves["turn"] == "crest") & ~waves["at_edge"].astype(bool)]


def _chosen(crests: pd.DataFrame, why: str) -> pd.DataFrame:
    """Rows of `find_waves` with the columns `COLUMNS`."""
    named = {"peak_year": "year", "peak_year_low": "low", "peak_year_high": "high"}
    return crests.rename(columns=named).assign(why=why)[list(COLUMNS)].reset_index(drop=True)
