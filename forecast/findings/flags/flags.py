"""Flags of a run: crests, classes, warnings, trains, and a sentence for every county and service.

Everything is found on the same paths: all trajectories, or the scenario alone where a run is deterministic. Counties
and their sums by area are treated alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, TRAJECTORY, YEAR, in_order
from forecast.basics.text import Text
from forecast.demand import DemandModel, chain_of, windows_of
from forecast.findings.causes import CAUSES, Why, periods
from forecast.findings.crests import Crest, Place, by_place, chosen_crests, with_ranges
from forecast.findings.flags.facts import SPAN, decisions, facts_of, numbers_of, tips_of
from forecast.findings.flags.paths import ELDERS, MIGRATION, Paths, ageing_wave, paths_of, places_of
from forecast.findings.levels import WarningRules, held_places, warn
from forecast.waves import Facts, classify_waves, explain, find_trains, find_waves, smooth_cells
from forecast.waves.classes import hold_against
from forecast.waves.stacks import Cells
from forecast.waves.tipping import TippingLevel, find_tipping

__all__ = ["ELDERS", "MIGRATION", "SPAN", "Flags", "Paths", "find_flags", "flag_table", "paths_of"]


@dataclass(frozen=True)
class Flags:
    """waves, crests, warnings and trains are tables.

    waves     turns of the scenario as `find_waves` gives them, with probability and range from the trajectories
    crests    the crest that matters of each county and service: `crests.COLUMNS`
    classes   of `classify_waves`
    causes    of `Why.causes` for the `periods` of every county and service; empty where these are not known
    trains    `kind` is "stages" or "ageing", of which only the scenario's own is looked for (its probability is NaN)
    facts, sentences, tipping   by (county, service), where known
    demand    (trajectory?, county, year, service) need of projected years
    supply    (county, year, service) from the decision year on; NaN where its kind allows no gap
    now       the year of the decision
    """

    waves: pd.DataFrame
    crests: pd.DataFrame
    classes: xr.Dataset
    warnings: pd.DataFrame
    trains: pd.DataFrame
    causes: pd.DataFrame
    facts: Mapping[tuple[str, str], Facts]
    sentences: Mapping[tuple[str, str], Text]
    tipping: Mapping[tuple[str, str], TippingLevel | None]
    demand: xr.DataArray
    supply: xr.DataArray
    now: int

    @property
    def gap(self) -> xr.DataArray:
        """supply - demand (trajectory?, county, year, service) from the decision year on, NaN where it may not be told."""
        return in_order(self.supply - self.demand.sel({YEAR: self.supply[YEAR]}))


def find_flags(
    paths: Paths,
    models: Mapping[str, DemandModel],
    names: Mapping[str, Text],
    now: int,
    rules: WarningRules,
    why: Why | None = None,
) -> Flags:
    """All flags of a run. names: by code of a county or area; now: the year of the decision, from which classes are
    judged: what was short before it and is no more is nothing to decide; why: what the causes are reckoned from."""
    windows = windows_of(models)
    cells = smooth_cells(paths.demand, paths.history)
    waves = _waves(paths, windows, cells, chain_of(models))
    middle = in_order(xr.concat([paths.history, paths.scenario], YEAR, join="exact"))
    crests = chosen_crests(waves, middle, paths.born_until, paths.rolls)
    stands = paths.supply.sel({YEAR: slice(now, None)})
    classes = classify_waves(paths.demand, stands, windows, paths.history, cells=cells)
    build = {name: int(model.supply.lead_time.value) for name, model in models.items()}
    warnings = warn(classes, now, rules, build, held_places(paths.kinds), paths.demand.sizes.get(TRAJECTORY, 1))
    spans = periods(middle, by_place(crests), now)
    causes = pd.DataFrame(columns=[*spans, "before", "after", *CAUSES]) if why is None else why.causes(spans)
    numbers = numbers_of(paths, by_place(crests), classes, models, now, why)
    tipping: Mapping[Place, TippingLevel | None] = {}
    if paths.levers:
        tipping = find_tipping(cells, hold_against(stands, places_of(paths.demand), windows), paths.levers)
    tips = tips_of(paths, tipping, numbers.category)
    facts = facts_of(numbers, decisions(warnings), tips, names, models, now)
    sentences = {place: explain(place_facts) for place, place_facts in facts.items()}
    trains = _at_the_crests(_trains(paths, models, cells), by_place(crests))
    return Flags(waves, crests, classes, warnings, trains, causes, facts, sentences, tipping, paths.demand, stands, now)


def flag_table(flags: Flags) -> pd.DataFrame:
    """One row a county and service: class, probability, the year by which to decide, the gravest level, the sentence.

    level: "" where nothing need be decided yet. tips_by, tips_at, tips_level, tips_to: "migration" or "births", how many
    persons a year above (below, if negative) the baseline, the same as a share of the recent net migration or of
    births, and the class from there on; "" and NaN where no level that was tried makes another class.
    """
    classes = flags.classes
    shares = classes["class_probability"].transpose(COUNTY, SERVICE, "category")
    likeliest = classes["likeliest"].sel(shift=0).transpose(COUNTY, SERVICE)
    gravest = flags.warnings.drop_duplicates([COUNTY, SERVICE]).set_index([COUNTY, SERVICE])
    rows = []
    for i, county in enumerate(map(str, classes[COUNTY].values)):
        for j, service in enumerate(map(str, classes[SERVICE].values)):
            warned = gravest.loc[(county, service)] if (county, service) in gravest.index else None
            rows.append(
                {
                    COUNTY: county,
                    SERVICE: service,
                    "category": str(likeliest.values[i, j]),
                    "probability": float(shares.values[i, j].max()),
                    "level": "" if warned is None else str(warned["level"]),
                    "decide_by": np.nan if warned is None else warned["decide_by"],
                    **_tipping_row(flags.tipping.get((county, service))),
                    "sentence_zh": flags.sentences[county, service]["zh"],
                    "sentence_en": flags.sentences[county, service]["en"],
                }
            )
    return pd.DataFrame(rows)


def _tipping_row(tip: TippingLevel | None) -> dict[str, object]:
    if tip is None:
        return {"tips_by": "", "tips_at": np.nan, "tips_level": np.nan, "tips_to": ""}
    return {"tips_by": tip.driver, "tips_at": tip.persons, "tips_level": tip.level, "tips_to": tip.category}


def _trains(paths: Paths, models: Mapping[str, DemandModel], cells: Sequence[Cells]) -> pd.DataFrame:
    """The wave of births through the stages of all paths, and that of the old through their ages and care beds."""
    ages = {name: models[name].ages for name in chain_of(models)}
    young = find_trains(paths.demand, paths.births, ages, paths.history, cells).assign(kind="stages")
    old = find_trains(*ageing_wave(paths, models)).assign(kind="ageing", probability=np.nan)
    return pd.concat([young, old], ignore_index=True) if len(old) else young


def _at_the_crests(trains: pd.DataFrame, crests: Mapping[Place, Crest]) -> pd.DataFrame:
    """Trains with the years, ranges and lags of the crests that matter where a train runs through them, so that one
    crest has one year; the years of other waves stay."""

    def stops(row: pd.Series[Any]) -> pd.Series[Any]:
        years, ranges = list(row["peak_years"]), list(row["peak_ranges"])
        for stage, service in enumerate(row["services"]):
            crest = crests.get((row[COUNTY], service))
            if crest and ranges[stage][0] <= crest.year <= ranges[stage][1]:
                years[stage], ranges[stage] = crest.year, (crest.low, crest.high)
        lags = tuple(float(later - year) for year, later in pairwise(years))
        return pd.Series({"peak_years": tuple(years), "peak_ranges": tuple(ranges), "lags": lags})

    return trains if trains.empty else trains.assign(**trains.apply(stops, axis=1))


def _waves(paths: Paths, windows: Mapping[str, int], cells: Sequence[Cells], chain: Sequence[str]) -> pd.DataFrame:
    """Turns of the scenario, each with the range and the share of the trajectories that have it."""
    if TRAJECTORY not in paths.demand.dims:
        return find_waves(paths.demand, paths.history, windows, cells, chain)
    alone = [  # how sure the scenario's own peaks are is asked of the trajectories
        replace(group, courses=[replace(course, spread=None) for course in group.courses])
        for group in smooth_cells(paths.scenario, paths.history)
    ]
    of_scenario = find_waves(paths.scenario, paths.history, windows, alone, chain)
    return with_ranges(of_scenario, find_waves(paths.demand, paths.history, windows, cells, chain))
