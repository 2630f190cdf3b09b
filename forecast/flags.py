"""The waves of a run read for a planner: crests, classes, warnings, trains, and a sentence for every flag.

Everything is found on the same paths: the trajectories that stand for all, or the scenario alone where a run is
deterministic. Counties and their sums by area are treated alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from forecast.demand import DemandModel
from forecast.dims import AGE, COUNTY, SERVICE, SEX, TRAJECTORY, YEAR, in_order
from forecast.warning import warn
from forecast.waves import (
    STAGES,
    Facts,
    attribute_chain,
    classify_waves,
    explain,
    find_trains,
    find_waves,
    implied_by_births,
    implied_by_people,
    windows_of,
)

SPAN = 15
"""Years from the decision on within which the gap that a sentence names is looked for."""

OFTEN = 0.5
"""Share of the trajectories in which a crest must be to be spoken of."""

AGEING = {"care_beds": (75, 100), "hospital_beds": (60, 100)}
"""Services whose people are not a few birth cohorts, and the ages that most of their need comes from."""


@dataclass(frozen=True)
class Paths:
    """What all of it is found on, with the areas (counties, then sums) along `county`."""

    demand: xr.DataArray  # (trajectory?, county, year, service), projected years
    scenario: xr.DataArray  # (county, year, service), projected years: the middle of the paths
    history: xr.DataArray  # (county, year, service), up to the jump-off year
    supply: xr.DataArray  # (county, year, service), projected years
    births: xr.DataArray  # (county, year, service) what the cohorts ask by their size when first counted
    people: xr.DataArray  # (county, year, service) the scenario's people of the ages
    everyone: xr.DataArray  # (county, year) the scenario's people


@dataclass(frozen=True)
class Flags:
    """waves, warnings and trains are tables; classes a Dataset; `sentences` (county, service) -> {"zh", "en"}."""

    waves: pd.DataFrame
    classes: xr.Dataset
    warnings: pd.DataFrame
    trains: pd.DataFrame
    sentences: Mapping[tuple[str, str], Mapping[str, str]]


def find_flags(
    paths: Paths, models: Mapping[str, DemandModel], names: Mapping[str, Mapping[str, str]], now: int
) -> Flags:
    """All flags of a run. names: area code -> {"zh", "en"}; now: the year of the decision."""
    services = list(models)
    windows = windows_of(services)
    waves = find_waves(paths.demand, paths.history)
    spoken_of = _also_of_the_scenario(waves, paths)
    classes = classify_waves(paths.demand, paths.supply, windows, paths.history)
    build = {name: int(model.supply.lead_time.value) for name, model in models.items()}
    warnings = warn(classes, now, build)
    decisions = _decisions(warnings)
    sentences = {}
    for service, model in models.items():
        read = _read_service(paths, spoken_of, classes, service, now)
        for county in map(str, paths.demand[COUNTY].values):
            facts = _facts(read, decisions, names[county], county, service, model, now)
            sentences[county, service] = explain(facts)
    return Flags(waves, classes, warnings, _trains(paths, models), sentences)


def flag_table(flags: Flags) -> pd.DataFrame:
    """One row a county and service: class, probability, the year by which to decide, the gravest level, the sentence.

    level: "" where nothing need be decided yet.
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
                    "sentence_zh": flags.sentences[county, service]["zh"],
                    "sentence_en": flags.sentences[county, service]["en"],
                }
            )
    return pd.DataFrame(rows)


def paths_of(
    data: xr.Dataset, jump_off_year: int, members: Mapping[str, list[str]], models: Mapping[str, DemandModel]
) -> Paths:
    """The paths of a run's data; members: area -> its counties, for what is known by county alone."""

    def everywhere(variable: xr.DataArray) -> xr.DataArray:
        sums = [
            variable.sel({COUNTY: counties}).sum(COUNTY, skipna=False).expand_dims({COUNTY: [area]})
            for area, counties in members.items()
        ]
        return in_order(xr.concat([variable, *sums], COUNTY, join="exact"))

    ahead, past = slice(jump_off_year + 1, None), slice(None, jump_off_year)
    demand = everywhere(data.demand)
    paths = demand.sel({YEAR: ahead})
    if "demand_chosen" in data:
        chosen = data.demand_chosen.rename(area=COUNTY).sel({YEAR: ahead})
        paths = in_order(chosen.sel({COUNTY: demand[COUNTY].values})).assign_attrs(demand.attrs)
    people = everywhere(data.population.sum(SEX))
    supply = everywhere(data.supply).sel({YEAR: ahead})
    ages = {name: AGEING.get(name, model.ages) for name, model in models.items()}
    stages = {name: own for name, own in ages.items() if name not in AGEING}
    births = implied_by_births(_cohorts(people), stages)
    of_ages = implied_by_people(people, ages)
    return Paths(paths, demand.sel({YEAR: ahead}), demand.sel({YEAR: past}), supply, births, of_ages, people.sum(AGE))


def _cohorts(people: xr.DataArray) -> xr.DataArray:
    """(county, year of birth): those alive at the end of their first year; cohorts born before the first year as they
    were counted then."""
    first = int(people[YEAR][0])
    infants = people.sel({AGE: 0}, drop=True)
    older = people.sel({YEAR: first, AGE: slice(1, 20)}, drop=True).sortby(AGE, ascending=False)
    born = older.rename({AGE: YEAR}).assign_coords({YEAR: first - older[AGE].values})
    return in_order(xr.concat([born, infants], YEAR, join="exact"))


def _trains(paths: Paths, models: Mapping[str, DemandModel]) -> pd.DataFrame:
    ages = {name: models[name].ages for name in STAGES if name in models}
    return find_trains(paths.demand, paths.births, ages, paths.history)


def _also_of_the_scenario(waves: pd.DataFrame, paths: Paths) -> pd.DataFrame:
    """Without the crests that the scenario has not within their range: single paths go up and down by chance, so each
    has a highest year even where demand only grows."""
    if TRAJECTORY not in paths.demand.dims:
        return waves
    middle = find_waves(paths.scenario, paths.history)
    years: dict[tuple[str, str], list[int]] = {}
    for row in middle[(middle["turn"] == "crest") & ~middle["at_edge"].astype(bool)].itertuples():
        years.setdefault((row.county, row.service), []).append(int(row.peak_year))
    kept = [
        row.turn == "crest"
        and any(row.peak_year_low <= year <= row.peak_year_high for year in years.get((row.county, row.service), []))
        for row in waves.itertuples()
    ]
    return waves[kept]


@dataclass(frozen=True)
class Read:
    """One service in all areas, by area code."""

    category: Mapping[str, str]
    probability: Mapping[str, float]  # of that class
    others: Mapping[str, list[tuple[int, str]]]  # break-even years two less and two more -> likeliest class
    crests: Mapping[str, Mapping[str, int]]  # peak_year, peak_year_low, peak_year_high of the crest that matters
    gap_year: Mapping[str, int]
    gap: Mapping[str, float]
    drivers: Mapping[str, Mapping[str, float]]
    certain: bool


def _read_service(paths: Paths, waves: pd.DataFrame, classes: xr.Dataset, service: str, now: int) -> Read:
    """What the sentences of one service are made from, for all areas at once."""
    own = classes.sel({SERVICE: service}).transpose(COUNTY, ...)
    counties = [str(county) for county in own[COUNTY].values]
    likeliest = {
        shift: dict(zip(counties, map(str, own["likeliest"].sel(shift=shift).values), strict=True))
        for shift in (-2, 0, 2)
    }
    category, window = likeliest[0], int(own["window"].item())
    numbers = {str(name): at for at, name in enumerate(own["category"].values)}
    shares = dict(zip(counties, own["class_probability"].values, strict=True))
    crests = _crests(waves, service)
    need = paths.demand.sel({SERVICE: service}, drop=True)
    certain = TRAJECTORY not in need.dims
    middle = need if certain else need.median(TRAJECTORY)
    years, gaps = _gaps(paths.supply.sel({SERVICE: service}, drop=True) - middle, category, now)
    since = {county: crests[county]["peak_year"] if county in crests else now for county in counties}
    whole = xr.concat([paths.history.sel({SERVICE: service}, drop=True), middle], YEAR, join="exact")
    drivers = _drivers(paths, in_order(whole), service, {c: (since[c], year) for c, year in years.items()})
    return Read(
        category,
        {county: float(shares[county][numbers[name]]) for county, name in category.items() if name},
        {county: [(window + shift, likeliest[shift][county]) for shift in (-2, 2)] for county in counties},
        crests,
        years,
        gaps,
        drivers,
        certain,
    )


def _crests(waves: pd.DataFrame, service: str) -> dict[str, dict[str, int]]:
    """The most prominent crest of each area, not at the edge and in at least half of the trajectories."""
    own = waves[(waves[SERVICE] == service) & (waves["turn"] == "crest") & ~waves["at_edge"].astype(bool)]
    own = own[own["probability"].fillna(1.0) >= OFTEN].sort_values("prominence")
    years = ["peak_year", "peak_year_low", "peak_year_high"]
    last = own.groupby(COUNTY)[years].last().astype(int)
    return {str(county): row for county, row in last.to_dict("index").items()}


def _decisions(warnings: pd.DataFrame) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """(county, service) -> class and the year by which its answer must be decided."""
    found: dict[tuple[str, str], list[tuple[str, int]]] = {}
    for row in warnings.dropna(subset=["decide_by"]).itertuples():
        found.setdefault((row.county, row.service), []).append((row.category, int(row.decide_by)))
    return found


def _gaps(gap: xr.DataArray, category: Mapping[str, str], now: int) -> tuple[dict[str, int], dict[str, float]]:
    """The year, within `SPAN` of the decision, in which the median gap is largest on the side that the class names, and
    that gap; areas without such a year, or with an unknown one, are left out."""
    near = gap.transpose(COUNTY, YEAR).sel({YEAR: slice(now, now + SPAN)})
    years, found = {}, {}
    for county, values in zip(map(str, near[COUNTY].values), near.values, strict=True):
        short = category[county] in ("structural_shortage", "transient_crest")
        if not values.size or not np.isfinite(values).all():
            continue
        at = int(values.argmin() if short else values.argmax())
        if (values[at] < 0) == short:
            years[county], found[county] = int(near[YEAR].values[at]), float(values[at])
    return years, found


def _drivers(
    paths: Paths, whole: xr.DataArray, service: str, spans: Mapping[str, tuple[int, int]]
) -> dict[str, dict[str, float]]:
    """Parts of the change of demand over each area's span of years, which sum to it.

    Areas are left out where the span is none, or a cohort in it was born before anybody was counted.
    """
    people = paths.people.sel({SERVICE: service}, drop=True)
    if service in AGEING:
        levels = {"migration": paths.everyone, "ageing": people}
    else:
        levels = {"births": paths.births.sel({SERVICE: service}, drop=True), "migration": people}
    levels["participation"] = whole
    known = set.intersection(*(set(level[YEAR].values.tolist()) for level in levels.values()))
    spans = {county: (a, b) for county, (a, b) in spans.items() if a < b and {a, b} <= known}
    if not spans:
        return {}
    counties = list(spans)
    since, until = (
        xr.DataArray(list(ends), dims=COUNTY, coords={COUNTY: counties}) for ends in zip(*spans.values(), strict=True)
    )
    chosen = {name: level.sel({COUNTY: counties}) for name, level in levels.items()}
    parts = attribute_chain(chosen, since, until).transpose(..., COUNTY)
    names = [str(name) for name in parts["driver"].values]
    found = {
        county: dict(zip(names, map(float, parts.sel({COUNTY: county}).values), strict=True)) for county in counties
    }
    return {county: own for county, own in found.items() if np.isfinite(list(own.values())).all()}


def _facts(
    read: Read,
    decisions: Mapping[tuple[str, str], list[tuple[str, int]]],
    name: Mapping[str, str],
    county: str,
    service: str,
    model: DemandModel,
    now: int,
) -> Facts:
    """What the sentence of one area and service says."""
    category = read.category[county]
    crest = read.crests.get(county, {})
    decide = [year for kind, year in decisions.get((county, service), ()) if kind == category]
    return Facts(
        area=name,
        service=model.name,
        unit=model.unit,
        now=now,
        category=category,
        peak_year=crest.get("peak_year"),
        peak_low=crest.get("peak_year_low"),
        peak_high=crest.get("peak_year_high"),
        gap_year=read.gap_year.get(county),
        gap=read.gap.get(county),
        probability=None if read.certain else read.probability.get(county),
        drivers=read.drivers.get(county),
        act_from=min(decide, default=None),
        others=read.others[county],
    )
