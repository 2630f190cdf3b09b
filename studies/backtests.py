"""Writes docs/accuracy/: how good forecasts of real places would have been, computed anew at every call.

python -m studies.backtests [--reference FOLDER] [--only sweden,china]

The folder is laid out as the reference data (FORECAST_REFERENCE or ../shared/reference); it may hold other counties,
municipalities and states. A place that is not in the folder is left out, and its old page stays.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from forecast.backtest import population as bt
from forecast.basics.dims import YEAR
from forecast.population.past.history import complete_history
from studies import REFERENCE, ROOT, backtest_china, places
from studies.backtest_page import page, picture, verdicts
from studies.backtest_settings import settings_page
from studies.pages import table, write

PAGES = ROOT / "docs" / "accuracy"

TRAJECTORIES = 672
NORWAY = 578  # country code in World Population Prospects, for the standard of mortality and fertility


@dataclass(frozen=True)
class Place:
    """Place that is tested: the reader of its past, the origins that are reported, and what a reader must know."""

    title: str
    read: Callable[[Path], xr.Dataset]
    origins: tuple[int, ...]
    horizon: int
    note: str
    country: int = 0


REPORTED: Mapping[str, Place] = {
    "sweden": Place(
        "Sweden: counties",
        places.sweden,
        tuple(range(1991, 2011)),
        10,
        "Population, births by mother's age, deaths and net migration by single age and sex, 1968 to 2015. Origins from "
        "1991 on are reported; those from 1977 to 1989 were used to choose settings, and the prior knows errors to 1990.",
    ),
    "norway": Place(
        "Norway: municipalities",
        places.norway,
        tuple(range(2009, 2020)),
        10,
        "Population by single age only (both sexes together, 1 January 2005 to 2021): births, deaths, sexes and "
        "migration are completed. The first origin has five years of history. Municipalities that merged, or jump in "
        "the recoding of 2020, are left out.",
        NORWAY,
    ),
    "us_states": Place(
        "United States: states",
        places.us_states,
        tuple(range(2010, 2019)),
        9,
        "Population by single age to 85+ and sex, 1 July 2000 to 2019; births, deaths and migration are completed. "
        "Before 2010 residents are linked to civilians. Origins 2004 and 2005 (residents to 2010) were used to choose settings.",
    ),
    "new_zealand": Place(
        "New Zealand: regions",
        places.new_zealand,
        tuple(range(2001, 2011)),
        10,
        "Five-year age groups, births and deaths by age, years to 30 June 1996 to 2011; age groups are those that were counted.",
    ),
    "us_counties": Place(
        "United States: counties",
        places.us_counties,
        tuple(range(2012, 2019)),
        7,
        "Counties with five-year age groups in every year 2010 to 2019, births and deaths in total. The first origin has "
        "two years of flows: what is not seen there comes from the prior.",
    ),
    "iceland": Place(
        "Iceland",
        places.iceland,
        tuple(range(1991, 2015)),
        10,
        "One place, 1970 to 2015: the errors of neighbouring origins are nearly the same errors, so shares of coverage "
        "are of few independent cases. Origins 1977 to 1989 were used to choose settings.",
    ),
}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--reference", type=Path, default=REFERENCE)
    asked.add_argument("--only", default=",".join([*REPORTED, "china", "settings"]))
    asked.add_argument("--out", type=Path, default=PAGES)
    asked.add_argument("--trajectories", type=int, default=TRAJECTORIES)
    given = asked.parse_args()
    names = given.only.split(",")
    summary: dict[str, list[str]] = {}
    for name in names:
        started = time.perf_counter()
        try:
            lines, summary[name] = make(name, given.reference, given.out, given.trajectories)
        except FileNotFoundError as absent:
            print(f"{name}: left out, {absent}", file=sys.stderr)
            continue
        write(given.out / f"{name}.md", lines)
        print(f"{name}: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    if set(names) >= set(REPORTED):
        write(given.out / "README.md", overview(summary))


def make(name: str, folder: Path, out: Path, trajectories: int) -> tuple[list[str], list[str]]:
    """The parts of a page, and the cells of its line in the overview."""
    if name == "settings":
        return list(settings_page(folder)), []
    if name == "china":
        return backtest_china.page(folder, trajectories)
    place = REPORTED[name]
    tested, completed = run(place, folder, trajectories)
    scores = bt.score(tested)
    out.mkdir(parents=True, exist_ok=True)
    picture(tested, scores, out / f"{name}.svg", place.title)
    sign = fingerprint(place.read(folder))
    return list(page(place.title, place.note, tested, scores, completed, name, sign)), verdicts(
        place.title, name, tested, scores
    )


def run(place: Place, folder: Path, trajectories: int) -> tuple[xr.Dataset, tuple[str, ...]]:
    """The backtest of a place, and what of its past was completed."""
    history = place.read(folder)
    years = history[YEAR].values.tolist()
    origins = [year for year in place.origins if years[0] < year < years[-1]] or years[2:-1]
    standard = places.standard_of(folder, place.country, origins[0]) if place.country else None
    tested = bt.backtest(history, origins, place.horizon, standard=standard, trajectories=trajectories)
    completed = complete_history(history.sel({YEAR: slice(None, origins[0])}), standard).completed
    return tested, tuple(completed)


def fingerprint(history: xr.Dataset) -> str:
    """A sentence that only the same counts give."""
    return f"The counted people of all years sum to {float(history.population.sum()):,.0f}."


MISSES = (
    "Fertility: what is foreseen is the last level, going slowly to that of other countries (3 % of the way a year). In Norway it "
    "fell from 2009 on without a pause, which nothing in the figures of 2009 told, so that ages 0 to 5 are 17 % too many after ten "
    "years (20 % before). Sweden's and Iceland's level swings around a mean of its own and New Zealand's stayed above that of others: "
    "there a return to the own mean, as before, was the better guess (totals at 10 years 2.9, 2.7 and 8.3 % instead of 3.2, 3.9 and "
    "8.5); on other countries it is far worse, and so it was in Norway and the United States.",
    "United States, 65+: mortality fell by some 1.5 % a year from 2000 to 2010 and hardly after 2010. The forecast "
    "carries the fall on, the run of five-year means holds rates where they were and was right for once (with an assumed fall of 1 % or none the states' 65+ would have been better than that run). 6-14 and 20-29: the estimates to 2010 end in a census, those after "
    "it carry one on, and each counts the young otherwise (what looks like net migration is 10 to 14 per mille a year at 10-14 to "
    "2010 and 4 after, -3 and +6 at 20-29): a break of counting that errors before 2010 could not tell.",
    "United States and Norway, first years: bands are learnt from the years before, and those of 2005 to 2010 were more "
    "restless than what came after.",
    "New Zealand has five to fourteen years of history and one swing of migration (2002-2003) that a forecast of 2001 could "
    "not know; the error at 10 years, and that so few counts lie in its bands, is that of one origin.",
    "United States, counties: two states, and two to seven years of flows; single years of age come from five-year groups, so the large "
    "cohorts of 1946 and after move through 65 in steps that look like migration. At seven years all is one origin with two "
    "years of flows.",
    "Iceland is one place: its boom and crash of 2005 to 2010 is one event that most origins share.",
    "China: one census and no yearly flows. What its cross-section says of migration was learnt on other counties of the same "
    "decade, and another decade may go otherwise. Births rose after the change of policy in 2013 and 2015, which a constant level "
    "misses. Most of what is left is one and the same error of a county at all its ages, as moved boundaries would make it.",
)
"""Where bars are missed, as far as it is understood."""


def overview(summary: Mapping[str, list[str]]) -> Iterable[str]:
    yield "# How good forecasts would have been\n\nWritten by `python -m studies.backtests`; do not edit.\n"
    yield (
        "A forecast is made at each past origin from what was known there: rates are fitted on the years up to it, the "
        "bands on how far the same forecast was off at still earlier origins (averaged with a prior where the history is "
        "short). Settings were chosen on early years of three places, that of fertility on other countries too ([settings](settings.md)), and used everywhere.\n"
    )
    yield (
        "Bars: median error of totals at most 3 % at 5 and 6 % at 10 years, of pupils (born at the origin) 2.5 % at 5 years; 80 % bands "
        "cover 75 to 85 %, 95 % bands 92 to 97 %, over all and for 6-14, 20-29 and 65+ (*!*: outside). *worse*: cells of "
        "lead and age group where the best of nine rivals, picked afterwards, has the smaller weighted error; each page lists them.\n"
    )
    head = ("place", "places", "total, 5 years, %", "10 years, %", "pupils, 5 years, %", "cover 80/95, %", "worse")
    yield table(head, [tuple(row) for row in summary.values() if row])
    yield "Pupils by grade, carried on from the rolls themselves, are tested apart: [school rolls](rolls.md).\n"
    yield "## What is behind the misses, on the places first tested\n"
    yield "".join(f"- {line}\n" for line in MISSES)


if __name__ == "__main__":
    main()
