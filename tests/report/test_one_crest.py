"""One crest for one series: in every region, wherever a run tells a crest it is the one of `flags.crests`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from forecast import read_region, read_scenario
from forecast.errors import InputRefused
from forecast.findings.crests import Crest, by_place
from forecast.pipeline import run_forecast
from forecast.region import Region
from forecast.report.chapters import write_chapters
from forecast.report.charts import wave
from forecast.report.csv_tables import tables
from forecast.report.view import View
from forecast.run.run import Run
from tests.findings.recorded import recorded

STAGES = {"kindergarten": "幼儿园", "primary_school": "小学", "junior_school": "初中", "senior_school": "高中"}


def random_region(seed: int) -> tuple[Region, dict[str, object]]:
    """Wenzhou with other cohorts: as many more or fewer people as chance will have it in every county and five years of
    birth, other births and migration to come, rolls of fewer years, recorded places or not."""
    rng = np.random.default_rng(seed)
    region = recorded() if rng.random() < 0.5 else read_region("wenzhou")
    people = region.table("population").copy()
    born = (people["year"] - people["age_from"]) // 5
    factors = {key: float(np.exp(rng.normal(0, 0.25))) for key in sorted(set(zip(people["county"], born, strict=True)))}
    people["persons"] *= [factors[key] for key in zip(people["county"], born, strict=True)]
    rolls = region.table("enrolment")
    rolls = rolls[rolls["year"] >= int(rng.integers(2018, 2022))]
    region = replace(region, tables=region.tables | {"population": people, "enrolment": rolls})
    horizon = int(rng.integers(2035, 2051))
    levers = {"fertility.level": float(rng.uniform(0.6, 1.5)), "migration.level": float(rng.uniform(-0.5, 2.0))}
    return region, {**levers, "horizon": horizon}


def told_otherwise(run: Run) -> list[str]:
    """Where a reader of the run tells another crest than `flags.crests`."""
    crests, view = by_place(run.flags.crests), View(run)
    wrong = []

    def check(what: str, place: tuple[str, str], found: object, wanted: object) -> None:
        if found != wanted:
            wrong.append(f"{what} {place}: {found} is not {wanted}")

    for place, facts in run.flags.facts.items():
        if facts.peak_year is not None:
            crest = crests.get(place)
            check("flag", place, (facts.peak_year, facts.peak_low, facts.peak_high), crest and crest[:3])
    table = tables(run)["crests"]
    for row in table.itertuples():
        check("table", (row.county, row.service), (row.year, row.height), _of(crests[row.county, row.service]))
    check("table", ("", ""), len(table), len(crests))
    drawn = wave.rows(view)
    for row in drawn[drawn["crest"]].itertuples():
        check("chart", (row.place, row.stage), row.year, crests[row.place, row.stage].year)
    for train in run.flags.trains.query("kind == 'stages'").itertuples():
        for service, year, (low, high) in zip(train.services, train.peak_years, train.peak_ranges, strict=True):
            crest = crests.get((train.county, service))
            if crest is not None and low <= crest.year <= high:
                check("train", (train.county, service), (year, low, high), (crest.year, crest.low, crest.high))
    chapters = {chapter.id: chapter for chapter in write_chapters(view)}
    opening = chapters["education"].opening[0]
    for row in opening.rows:
        service = next(service for service, name in STAGES.items() if row[0].zh == name)
        crest = crests.get((run.region.area, service))
        check("schools", (run.region.area, service), row[1].zh[:4], "–" if crest is None else f"{crest.year}")
    (of_stages,) = (one for one in chapters["wave"].tables if one.id == "table_crests")
    places = [*view.counties, view.area]
    for place, row in zip(places, of_stages.rows, strict=True):
        for at, service in enumerate(view.meaning.stages):
            crest = crests.get((place, service))
            check("wave", (place, service), row[1 + 3 * at], None if crest is None else crest.year)
    changed = run.flags.causes.query("period == 'crest'")
    for row in changed.itertuples():
        check("causes", (row.county, row.service), row.first, crests[row.county, row.service].year)
    return wrong


def _of(crest: Crest) -> tuple[int, float]:
    return crest.year, crest.height


def runs_of(seeds: range) -> int:
    """How many of the regions could be run; fails with all that was told otherwise."""
    count = 0
    for seed in seeds:
        region, overrides = random_region(seed)
        try:
            run = run_forecast(
                region, read_scenario("baseline", overrides), trajectories=30 if seed % 4 == 1 else 1, now=2026
            )
        except InputRefused:
            continue  # a past that no migration explains
        count += 1
        assert told_otherwise(run) == [], seed
    return count


def test_a_crest_is_told_once() -> None:
    assert runs_of(range(4)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("first", range(4, 204, 20))
def test_a_crest_is_told_once_in_two_hundred_regions(first: int) -> None:
    assert runs_of(range(first, first + 20)) >= 18
