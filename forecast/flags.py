"""The waves of a run read for a planner: crests, classes, warnings, trains, and a sentence for every flag.

Everything is found on the same paths: the trajectories that stand for all, or the scenario alone where a run is
deterministic. Counties and their sums by area are treated alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

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
    smooth_cells,
    windows_of,
)
from forecast.waves.cells import Cells
from forecast.waves.classes import TOLERANCE, hold_against
from forecast.waves.sentence import SHORTAGES, SURPLUSES, Steady, Tipping
from forecast.waves.tipping import Lever, TippingLevel, find_tipping

SPAN = 15
"""Years from the decision on within which the gap that a sentence names is looked for."""

OFTEN = 0.5
"""Share of the trajectories in which a crest must be to be spoken of."""

AGREED = 0.02
"""Share by which demand may stand above its crest in another year, for the crest to be called the peak."""

RIVAL = 0.15
"""Probability from which a class is named beside one that is not decided."""

AGEING = {"care_beds": (75, 100), "hospital_beds": (60, 100)}
"""Services whose people are not a few birth cohorts, and the ages that most of their need comes from."""

USE = {
    "nursery": "take_up",
    "kindergarten": "attendance",
    "primary_school": "enrolment",
    "junior_school": "enrolment",
    "senior_school": "enrolment",
}
"""What the share of the people who use the service is called; `use` for the others."""

BUILDINGS = {
    "kindergarten": "kindergarten",
    "primary_school": "school",
    "junior_school": "school",
    "senior_school": "school",
}
"""Services whose buildings may become nurseries or homes for the old."""


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
    levers: tuple[Lever, ...] = ()  # what may be otherwise, in the order in which it is asked


@dataclass(frozen=True)
class Flags:
    """waves, warnings and trains are tables; classes a Dataset; `facts` and `sentences` by (county, service), a sentence
    being {"zh", "en"}; `tipping` by (county, service), where known; gap is supply - demand (trajectory?, county, year, service) of projected years; now: the year of
    the decision."""

    waves: pd.DataFrame
    classes: xr.Dataset
    warnings: pd.DataFrame
    trains: pd.DataFrame
    facts: Mapping[tuple[str, str], Facts]
    sentences: Mapping[tuple[str, str], Mapping[str, str]]
    tipping: Mapping[tuple[str, str], TippingLevel | None]
    gap: xr.DataArray
    now: int


def find_flags(
    paths: Paths, models: Mapping[str, DemandModel], names: Mapping[str, Mapping[str, str]], now: int
) -> Flags:
    """All flags of a run. names: area code -> {"zh", "en"}; now: the year of the decision."""
    windows = windows_of(models)
    cells = smooth_cells(paths.demand, paths.history)
    waves = find_waves(paths.demand, paths.history, windows, cells)
    spoken_of = _also_of_the_scenario(waves, paths)
    classes = classify_waves(paths.demand, paths.supply, windows, paths.history, cells=cells)
    build = {name: int(model.supply.lead_time.value) for name, model in models.items()}
    warnings = warn(classes, now, build)
    read = _read(paths, spoken_of, classes, now)
    tipping: Mapping[Place, TippingLevel | None] = {}
    if paths.levers:
        tipping = find_tipping(cells, hold_against(paths.supply, _places(paths.demand), windows), paths.levers)
    tips = _tips(paths, tipping, read.category)
    facts = _facts(read, _decisions(warnings), tips, names, models, now)
    sentences = {place: explain(own) for place, own in facts.items()}
    gap = in_order(paths.supply - paths.demand)
    return Flags(waves, classes, warnings, _trains(paths, models, cells), facts, sentences, tipping, gap, now)


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
    history, ahead_of_us = demand.sel({YEAR: past}), demand.sel({YEAR: ahead})
    levers = _levers(data, everywhere, ahead) if "migration_recent" in data else ()
    return Paths(paths, ahead_of_us, history, supply, births, of_ages, people.sum(AGE), levers)


MIGRATION = (-1.0, 2.0)
"""Levels of net migration that are tried, in times the recent one off the baseline: from none to three times as much."""

BIRTHS = (-0.3, 0.3)
"""Levels of births that are tried, as shares of the baseline's."""


def _levers(data: xr.Dataset, everywhere: Callable[[xr.DataArray], xr.DataArray], ahead: slice) -> tuple[Lever, ...]:
    """Migration and births: what they do to demand by county and service, from the runs with other levels.

    Demand is linear in net migration, as people are. In fertility it is a parabola, as long as the daughters of those
    who are born have no children yet: births are linear in it, the births of the first daughters quadratic.
    """

    def effect(name: str) -> xr.DataArray:
        return everywhere(data[name] - data.demand).sel({YEAR: ahead})

    less, more = effect("demand_low"), effect("demand_high")
    fewer, plenty, share = effect("demand_fewer_births"), effect("demand_more_births"), BIRTHS[1]
    births = everywhere(data.births.sum(SEX)).sel({YEAR: ahead}).mean(YEAR)
    return (
        _lever("migration", (more - less) / 2, 0.0 * more, everywhere(data.migration_recent), MIGRATION),
        _lever("births", (plenty - fewer) / (2 * share), (plenty + fewer) / (2 * share**2), births, BIRTHS),
    )


def _lever(
    driver: str, linear: xr.DataArray, bend: xr.DataArray, persons: xr.DataArray, levels: tuple[float, float]
) -> Lever:
    each = np.repeat(persons.to_numpy(), linear.sizes[SERVICE])
    return Lever(driver, _flat(linear), _flat(bend), int(linear[YEAR][0]), each, *levels)


def _cohorts(people: xr.DataArray) -> xr.DataArray:
    """(county, year of birth): those alive at the end of their first year; cohorts born before the first year as they
    were counted then."""
    first = int(people[YEAR][0])
    infants = people.sel({AGE: 0}, drop=True)
    older = people.sel({YEAR: first, AGE: slice(1, 20)}, drop=True).sortby(AGE, ascending=False)
    born = older.rename({AGE: YEAR}).assign_coords({YEAR: first - older[AGE].values})
    return in_order(xr.concat([born, infants], YEAR, join="exact"))


def _trains(paths: Paths, models: Mapping[str, DemandModel], cells: Sequence[Cells]) -> pd.DataFrame:
    ages = {name: models[name].ages for name in STAGES if name in models}
    return find_trains(paths.demand, paths.births, ages, paths.history, cells)


def _also_of_the_scenario(waves: pd.DataFrame, paths: Paths) -> pd.DataFrame:
    """Without the crests that the scenario has not within their range: single paths go up and down by chance, so each
    has a highest year even where demand only grows."""
    if TRAJECTORY not in paths.demand.dims:
        return waves
    cells = [  # how sure the scenario's own peaks are is not asked
        replace(own, courses=[replace(course, spread=None) for course in own.courses])
        for own in smooth_cells(paths.scenario, paths.history)
    ]
    middle = find_waves(paths.scenario, paths.history, cells=cells)
    years: dict[tuple[str, str], list[int]] = {}
    for row in middle[(middle["turn"] == "crest") & ~middle["at_edge"].astype(bool)].itertuples():
        years.setdefault((row.county, row.service), []).append(int(row.peak_year))
    kept = [
        row.turn == "crest"
        and any(row.peak_year_low <= year <= row.peak_year_high for year in years.get((row.county, row.service), []))
        for row in waves.itertuples()
    ]
    return waves[kept]


Place = tuple[str, str]
"""County (or area) and service."""


@dataclass(frozen=True)
class Read:
    """What the sentences are made from, by place; what is not known of a place is not there."""

    category: Mapping[Place, str]
    probability: Mapping[Place, float]  # of that class; empty where the run has one path
    rivals: Mapping[Place, list[tuple[str, float]]]  # the next likely classes
    window: Mapping[str, int]
    others: Mapping[Place, list[tuple[int, str]]]  # break-even years two less and two more -> likeliest class
    crests: Mapping[Place, Mapping[str, int]]  # peak_year, peak_year_low, peak_year_high of the crest that matters
    worst: Mapping[Place, tuple[int, float]]  # year and gap of a crest that is still to come
    gap: Mapping[Place, tuple[int, float]]  # year and gap that the class names
    drivers: Mapping[Place, Mapping[str, float]]


def _read(paths: Paths, waves: pd.DataFrame, classes: xr.Dataset, now: int) -> Read:
    services, places = [str(one) for one in classes[SERVICE].values], _places(classes)
    window = {name: int(years) for name, years in zip(services, classes["window"].values.tolist(), strict=True)}
    likeliest = {
        shift: dict(zip(places, _flat(classes["likeliest"].sel(shift=shift)).tolist(), strict=True))
        for shift in (-2, 0, 2)
    }
    category = likeliest[0]
    numbers = [str(name) for name in classes["category"].values]
    shares = classes["class_probability"].transpose(COUNTY, SERVICE, "category").to_numpy().reshape(len(places), -1)
    certain = TRAJECTORY not in paths.demand.dims
    known = {place: dict(zip(numbers, own, strict=True)) for place, own in zip(places, shares.tolist(), strict=True)}
    middle = paths.demand if certain else _median(paths.demand)
    whole = in_order(xr.concat([paths.history, middle], YEAR, join="exact"))
    crests = _crests(waves, whole)
    gap, worst = _gaps(paths.supply, middle, category, now)
    drivers = _drivers(paths, whole, _spans(category, crests, gap, now))
    return Read(
        category,
        {} if certain else {place: known[place][name] for place, name in category.items() if name},
        {} if certain else {place: _rivals(own, category[place]) for place, own in known.items()},
        window,
        {place: [(window[place[1]] + shift, likeliest[shift][place]) for shift in (-2, 2)] for place in places},
        crests,
        worst,
        gap,
        drivers,
    )


def _places(values: xr.DataArray | xr.Dataset) -> list[Place]:
    return [(str(county), str(service)) for county in values[COUNTY].values for service in values[SERVICE].values]


def _flat(values: xr.DataArray) -> np.ndarray:
    """(county, service) as one row of places, or (county, year, service) as (place, year)."""
    if YEAR not in values.dims:
        return values.transpose(COUNTY, SERVICE).to_numpy().ravel()
    return values.transpose(COUNTY, SERVICE, YEAR).to_numpy().reshape(-1, values.sizes[YEAR])


def _median(paths: xr.DataArray) -> xr.DataArray:
    first = paths.transpose(TRAJECTORY, ...)
    return first.isel({TRAJECTORY: 0}, drop=True).copy(data=np.median(first.to_numpy(), axis=0))


def _rivals(shares: Mapping[str, float], category: str) -> list[tuple[str, float]]:
    """The two likeliest of the other classes, where they are likely enough to be named."""
    others = sorted(((share, name) for name, share in shares.items() if name != category), reverse=True)
    return [(name, share) for share, name in others[:2] if share >= RIVAL]


def _crests(waves: pd.DataFrame, whole: xr.DataArray) -> dict[Place, dict[str, int]]:
    """The most prominent crest of each place, not at the edge, in at least half of the trajectories and never surpassed:
    where demand stands higher in another year, it has not peaked there."""
    own = waves[(waves["turn"] == "crest") & ~waves["at_edge"].astype(bool)]
    own = own[own["probability"].fillna(1.0) >= OFTEN].sort_values("prominence")
    years = ["peak_year", "peak_year_low", "peak_year_high"]
    last = own.groupby([COUNTY, SERVICE])[years].last().astype(int).to_dict("index")
    order = [(str(c), str(s)) for c in whole[COUNTY].values for s in whole[SERVICE].values]
    demand, first = dict(zip(order, _flat(whole), strict=True)), int(whole[YEAR][0])
    return {
        place: row
        for place, row in last.items()
        if demand[place][row["peak_year"] - first] * (1 + AGREED) >= np.nanmax(demand[place])
    }


def _decisions(warnings: pd.DataFrame) -> dict[Place, list[tuple[str, int]]]:
    """Place -> class and the year by which its answer must be decided."""
    found: dict[Place, list[tuple[str, int]]] = {}
    for row in warnings.dropna(subset=["decide_by"]).itertuples():
        found.setdefault((row.county, row.service), []).append((row.category, int(row.decide_by)))
    return found


def _gaps(
    supply: xr.DataArray, middle: xr.DataArray, category: Mapping[Place, str], now: int
) -> tuple[dict[Place, tuple[int, float]], dict[Place, tuple[int, float]]]:
    """Year and median gap that the class names, and those of a crest that is still to come.

    Within `SPAN` years of the decision: the largest on the side of the class; where none is decided, that of the last
    year. Places where that gap is on the other side, within the tolerance of the classes, or not known are left out.
    """
    near = slice(now, now + SPAN)
    stands, gaps = (_flat(one.sel({YEAR: near})) for one in (supply, supply - middle))
    first = max(now, int(supply[YEAR][0]))
    named, worst = {}, {}
    for (place, kind), have, own in zip(category.items(), stands, gaps, strict=True):
        if not own.size or not np.isfinite(own).all():
            continue
        short = kind in SHORTAGES
        at = len(own) - 1 if kind == "undetermined" else int(own.argmin() if short else own.argmax())
        if abs(own[at]) > TOLERANCE * have[at] and (kind == "undetermined" or (own[at] < 0) == short):
            named[place] = first + at, float(own[at])
        if kind == "crest_then_surplus":
            low = int(own[: at + 1].argmin())
            if -own[low] > TOLERANCE * have[low]:
                worst[place] = first + low, float(own[low])
    return named, worst


def _spans(
    category: Mapping[Place, str],
    crests: Mapping[Place, Mapping[str, int]],
    gap: Mapping[Place, tuple[int, float]],
    now: int,
) -> dict[Place, tuple[int, int]]:
    """Years over which a change is explained: from the crest that surplus follows, else from the decision, to the gap."""
    since = {
        place: crests[place]["peak_year"] if kind in SURPLUSES and place in crests else now
        for place, kind in category.items()
    }
    return {place: (since[place], year) for place, (year, _) in gap.items() if since[place] < year}


def _drivers(
    paths: Paths, whole: xr.DataArray, spans: Mapping[Place, tuple[int, int]]
) -> dict[Place, dict[str, float]]:
    """Parts of the change of demand over each place's span of years, which sum to it.

    Places are left out where a cohort in the span was born before anybody was counted.
    """
    everyone = paths.everyone.expand_dims({SERVICE: whole[SERVICE].values})
    of_cohorts = {"births": paths.births, "migration": paths.people}
    of_ageing = {"residents": everyone, "ageing": paths.people}
    found: dict[Place, dict[str, float]] = {}
    for levels, ageing in ((of_cohorts, False), (of_ageing, True)):
        own = {place: years for place, years in spans.items() if (place[1] in AGEING) == ageing}
        ends = {name: _ends(level, own) for name, level in (levels | {"use": whole}).items()}
        parts = attribute_chain(ends, 0, 1).transpose("place", ...)
        for place, values in zip(own, parts.to_numpy().tolist(), strict=True):
            if np.isfinite(values).all():
                use = USE.get(place[1], "use")
                found[place] = dict(zip([*levels, use], values, strict=True))
    return found


def _ends(level: xr.DataArray, spans: Mapping[Place, tuple[int, int]]) -> xr.DataArray:
    """(place, year 0 or 1) of a level in the first and the last year of each span; NaN where it is not known."""
    rows, columns = ({str(name): at for at, name in enumerate(level[dim].values)} for dim in (COUNTY, SERVICE))
    years = {int(year): at for at, year in enumerate(level[YEAR].values)}
    values = level.transpose(COUNTY, YEAR, SERVICE).to_numpy()
    ends = np.full((len(spans), 2), np.nan)
    for at, ((county, service), span) in enumerate(spans.items()):
        for end, year in enumerate(span):
            if service in columns and year in years:
                ends[at, end] = values[rows[county], years[year], columns[service]]
    return xr.DataArray(ends, dims=("place", YEAR), coords={YEAR: [0, 1]})


def _facts(
    read: Read,
    decisions: Mapping[Place, list[tuple[str, int]]],
    tips: Mapping[Place, Tipping | Steady],
    names: Mapping[str, Mapping[str, str]],
    models: Mapping[str, DemandModel],
    now: int,
) -> dict[Place, Facts]:
    """What the sentence of each place says."""
    found = {}
    for place, category in read.category.items():
        county, service = place
        model = models[service]
        crest = read.crests.get(place, {})
        if category in SHORTAGES and crest.get("peak_year", now) < now:
            crest = {}  # what peaked long ago is no part of a shortage to come
        decide = [year for kind, year in decisions.get(place, ()) if kind == category]
        crest_year, crest_gap = read.worst.get(place, (None, None))
        gap_year, gap = read.gap.get(place, (None, None))
        found[place] = Facts(
            area=names[county],
            service=model.name,
            unit=model.unit,
            now=now,
            category=category,
            peak_year=crest.get("peak_year"),
            peak_low=crest.get("peak_year_low"),
            peak_high=crest.get("peak_year_high"),
            crest_year=crest_year,
            crest_gap=crest_gap,
            gap_year=gap_year,
            gap=gap,
            probability=read.probability.get(place),
            drivers=read.drivers.get(place),
            act_from=min(decide, default=None),
            window=read.window[service],
            others=read.others[place],
            rivals=read.rivals.get(place, ()),
            tipping=tips.get(place),
            building=BUILDINGS.get(service, ""),
        )
    return found


def _tips(
    paths: Paths, tipping: Mapping[Place, TippingLevel | None], category: Mapping[Place, str]
) -> dict[Place, Tipping | Steady]:
    """Where the class turns, as it is said, or within which levels it does not; nothing of a class that is not decided
    and stays so."""
    found: dict[Place, Tipping | Steady] = {}
    for row, place in enumerate(_places(paths.demand)):
        tip = tipping.get(place)
        if tip is not None:
            found[place] = Tipping(tip.driver, _two_digits(tip.persons, math.ceil), tip.category)
        elif place in tipping and category[place] != "undetermined":
            migration, births = paths.levers
            lowest, highest = sorted(float(migration.persons[row]) * level for level in MIGRATION)
            found[place] = Steady(_two_digits(-lowest, math.floor), _two_digits(highest, math.floor), births.highest)
    return found


def _two_digits(persons: float, rounded: Callable[[float], int]) -> float:
    """Rounded away from the baseline where the class is another from there on, towards it where it is not up to there:
    what is said is true at the very number that is said."""
    size = abs(persons)
    digit = 10.0 ** (math.floor(math.log10(size)) - 1) if size >= 10 else 1.0
    nudge = -1e-9 if rounded is math.ceil else 1e-9
    return math.copysign(rounded(size / digit + nudge) * digit, persons)
