"""Numbers that each flag's sentence prints: crest, gap, cause, rivals and tipping level, from paths and classes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, TRAJECTORY, YEAR
from forecast.basics.quantiles import BANDS
from forecast.basics.text import Text
from forecast.basics.tolerance import TOLERANCE
from forecast.demand import DemandModel
from forecast.findings.causes import CAUSES, SPAN_COLUMNS, Why
from forecast.findings.crests import Crest, Place
from forecast.findings.flags.paths import MIGRATION, Paths, flat, places_of
from forecast.supply.claims import claims
from forecast.waves import Facts
from forecast.waves.sentence import SHORTAGES, SURPLUSES, Need, Steady, Tipping
from forecast.waves.tipping import TippingLevel

SPAN = 15
"""Years from the decision on within which the gap that a sentence names is looked for."""

RIVAL = 0.15
"""Probability from which a class is named beside one that is not decided."""


@dataclass(frozen=True)
class Numbers:
    """Numbers that each flag's sentence prints, by (county, service); a place of which one is not known is not there."""

    category: Mapping[Place, str]
    probability: Mapping[Place, float]  # of that class; empty where the run has one path
    rivals: Mapping[Place, list[tuple[str, float]]]  # the next likely classes
    window: Mapping[str, int]
    others: Mapping[Place, list[tuple[int, str]]]  # break-even years two less and two more -> likeliest class
    crests: Mapping[Place, Crest]  # the one that matters
    worst: Mapping[Place, tuple[int, float]]  # year and gap of a crest that is still to come
    gap: Mapping[Place, tuple[int, float]]  # year and gap that the class names
    drivers: Mapping[Place, Mapping[str, float]]
    need: Mapping[Place, Need]
    kinds: Mapping[Place, str]  # of the supply
    born_until: Mapping[str, int]  # by service, at most the horizon
    trajectories: int


def outlook_year(now: int, horizon: int) -> int:
    """The next round year (2030, 2035, ...) at least four years after the decision, at most the horizon."""
    return min(5 * math.ceil((now + 4) / 5), horizon)


def numbers_of(
    paths: Paths,
    crests: Mapping[Place, Crest],
    classes: xr.Dataset,
    models: Mapping[str, DemandModel],
    now: int,
    why: Why | None,
) -> Numbers:
    """Numbers of all places. crests: those that matter; classes: of `classify_waves`; now: year of decision; why: of what
    need is reckoned from, None where that is not known."""
    services, places = [str(name) for name in classes[SERVICE].values], places_of(classes)
    window = {name: int(years) for name, years in zip(services, classes["window"].values.tolist(), strict=True)}
    likeliest = {
        shift: dict(zip(places, flat(classes["likeliest"].sel(shift=shift)).tolist(), strict=True))
        for shift in (-2, 0, 2)
    }
    category = likeliest[0]
    categories = [str(name) for name in classes["category"].values]
    shares = classes["class_probability"].transpose(COUNTY, SERVICE, "category").to_numpy().reshape(len(places), -1)
    certain = TRAJECTORY not in paths.demand.dims
    known = {place: dict(zip(categories, row, strict=True)) for place, row in zip(places, shares.tolist(), strict=True)}
    gap, worst = _gaps(paths.supply, paths.scenario, category, now)
    needs = _needs(paths, now)
    drivers = _drivers(why, _spans(category, crests, gap, needs, now), models)
    return Numbers(
        category,
        {} if certain else {place: known[place][name] for place, name in category.items() if name},
        {} if certain else {place: _rivals(chances, category[place]) for place, chances in known.items()},
        window,
        {place: [(window[place[1]] + shift, likeliest[shift][place]) for shift in (-2, 2)] for place in places},
        crests,
        worst,
        gap,
        drivers,
        needs,
        dict(zip(places, flat(paths.kinds).tolist(), strict=True)),
        {name: min(year, int(paths.demand[YEAR][-1])) for name, year in paths.born_until.items()},
        paths.demand.sizes.get(TRAJECTORY, 1),
    )


def _needs(paths: Paths, now: int) -> dict[Place, Need]:
    """Need of every place in the year of the decision and in the outlook year, with its 80 % range."""
    year = outlook_year(now, int(paths.demand[YEAR][-1]))
    before, after = (flat(paths.scenario.sel({YEAR: when})) for when in (now, year))
    ends = [np.full(len(after), np.nan)] * 2
    if TRAJECTORY in paths.demand.dims:
        then = paths.demand.sel({YEAR: year}).transpose(COUNTY, SERVICE, TRAJECTORY).to_numpy()
        ends = list(np.quantile(then.reshape(len(after), -1), BANDS[80], axis=1))
    rows = zip(before.tolist(), after.tolist(), ends[0].tolist(), ends[1].tolist(), strict=True)
    return {
        place: Need(was, year, is_, *ends_)
        for place, (was, is_, *ends_) in zip(places_of(paths.demand), rows, strict=True)
    }


def _rivals(shares: Mapping[str, float], category: str) -> list[tuple[str, float]]:
    """The two likeliest of the other classes, where they are likely enough to be named."""
    others = sorted(((share, name) for name, share in shares.items() if name != category), reverse=True)
    return [(name, share) for share, name in others[:2] if share >= RIVAL]


def decisions(warnings: pd.DataFrame) -> dict[Place, list[tuple[str, int]]]:
    """Place -> class and the year by which its answer must be decided."""
    deadlines: dict[Place, list[tuple[str, int]]] = {}
    for row in warnings.dropna(subset=["decide_by"]).itertuples():
        deadlines.setdefault((row.county, row.service), []).append((row.category, int(row.decide_by)))
    return deadlines


def _gaps(
    supply: xr.DataArray, demand: xr.DataArray, category: Mapping[Place, str], now: int
) -> tuple[dict[Place, tuple[int, float]], dict[Place, tuple[int, float]]]:
    """Year and gap of the scenario that the class names, and those of a crest that is still to come.

    Within `SPAN` years of the decision: the largest on the side of the class; where none is decided, that of the last
    year. Places where that gap is on the other side, within the tolerance of the classes, or not known are left out.
    """
    near = slice(now, now + SPAN)
    stands, gaps = (flat(quantity.sel({YEAR: near})) for quantity in (supply, supply - demand))
    first = max(now, int(supply[YEAR][0]))
    named, worst = {}, {}
    for (place, kind), supplied, gap in zip(category.items(), stands, gaps, strict=True):
        if not gap.size or not np.isfinite(gap).all():
            continue
        short = kind in SHORTAGES
        step = len(gap) - 1 if kind == "undetermined" else int(gap.argmin() if short else gap.argmax())
        on_its_side = kind == "undetermined" or (gap[step] < 0) == short
        if on_its_side and abs(gap[step]) > TOLERANCE * supplied[step]:
            named[place] = first + step, float(gap[step])
        if kind == "crest_then_surplus":
            low = int(gap[: step + 1].argmin())
            if -gap[low] > TOLERANCE * supplied[low]:
                worst[place] = first + low, float(gap[low])
    return named, worst


def _spans(
    category: Mapping[Place, str],
    crests: Mapping[Place, Crest],
    gap: Mapping[Place, tuple[int, float]],
    needs: Mapping[Place, Need],
    now: int,
) -> dict[Place, tuple[int, int]]:
    """Years over which a change is explained: from the crest that surplus follows, else from the decision, to the gap;
    where no class is known from the decision to the year whose need is told."""
    since = {
        place: crests[place].year if kind in SURPLUSES and place in crests else now for place, kind in category.items()
    }
    until = {place: need.year for place, need in needs.items() if not category[place]}
    until |= {place: year for place, (year, _) in gap.items()}
    return {place: (since[place], year) for place, year in until.items() if since[place] < year}


def _drivers(
    why: Why | None, spans: Mapping[Place, tuple[int, int]], models: Mapping[str, DemandModel]
) -> dict[Place, dict[str, float]]:
    """Parts of the change of need over each place's span of years, which sum to it, by the words for them; what the
    model holds constant is not there, nor a place of which a part is not known."""
    if why is None or not spans:
        return {}
    rows = [(*place, *years) for place, years in spans.items()]
    parts = why.causes(pd.DataFrame(rows, columns=list(SPAN_COLUMNS)))[list(CAUSES)].to_dict("records")
    return {
        place: {_word(models[place[1]], name): part for name, part in own.items() if part != 0}
        for place, own in zip(spans, parts, strict=True)
        if np.isfinite(list(own.values())).all()
    }


def _word(model: DemandModel, cause: str) -> str:
    """The key of `waves.driver` for a cause: cohorts grow into a stage, and people into the ages of care; every service
    has its own word for how many use it."""
    if cause == "ageing" and model.service.cohort:
        return "cohorts"
    return model.service.use if cause == "participation" else cause


def facts_of(
    numbers: Numbers,
    decisions: Mapping[Place, list[tuple[str, int]]],
    tips: Mapping[Place, Tipping | Steady],
    names: Mapping[str, Text],
    models: Mapping[str, DemandModel],
    now: int,
) -> dict[Place, Facts]:
    """Facts of the sentence of each place."""
    facts = {}
    for place, category in numbers.category.items():
        county, service = place
        model = models[service]
        crest = numbers.crests.get(place)
        if crest and category in SHORTAGES and crest.year < now:
            crest = None  # what peaked long ago is no part of a shortage to come
        decide = [year for kind, year in decisions.get(place, ()) if kind == category]
        crest_year, crest_gap = numbers.worst.get(place, (None, None))
        gap_year, gap = numbers.gap.get(place, (None, None))
        facts[place] = Facts(
            area=names[county],
            service=model.name,
            unit=model.unit,
            now=now,
            category=category,
            peak_year=crest and crest.year,
            peak_low=crest and crest.low,
            peak_high=crest and crest.high,
            peak_again=crest and crest.surpassed,
            plateau=_plateau(crest),
            crest_year=crest_year,
            crest_gap=crest_gap,
            gap_year=gap_year,
            gap=gap,
            probability=numbers.probability.get(place),
            drivers=numbers.drivers.get(place),
            act_from=min(decide, default=None),
            window=numbers.window[service],
            others=numbers.others[place],
            rivals=numbers.rivals.get(place, ()),
            tipping=tips.get(place),
            building=model.service.building,
            need=numbers.need.get(place),
            born_until=numbers.born_until.get(service, -1),
            kind=numbers.kinds[place],
            words=claims()[numbers.kinds[place]].words,
            trajectories=numbers.trajectories,
        )
    return facts


def _plateau(crest: Crest | None) -> tuple[int, int, float, float] | None:
    if crest is None or crest.plateau_first is None or crest.plateau_last is None:
        return None
    return crest.plateau_first, crest.plateau_last, crest.plateau_low or 0.0, crest.plateau_high or 0.0


def tips_of(
    paths: Paths, tipping: Mapping[Place, TippingLevel | None], category: Mapping[Place, str]
) -> dict[Place, Tipping | Steady]:
    """Level at which the class of each place turns, in two digits as it is said, or the levels within which it stays.
    Places are left out whose class is undetermined at every level."""
    tips: dict[Place, Tipping | Steady] = {}
    for row, place in enumerate(places_of(paths.demand)):
        tip = tipping.get(place)
        if tip is not None:
            tips[place] = Tipping(tip.driver, _two_digits(tip.persons, math.ceil), tip.category)
        elif place in tipping and category[place] != "undetermined":
            migration, births = paths.levers
            lowest, highest = sorted(float(migration.persons[row]) * level for level in MIGRATION)
            tips[place] = Steady(_two_digits(-lowest, math.floor), _two_digits(highest, math.floor), births.highest)
    return tips


def _two_digits(persons: float, rounded: Callable[[float], int]) -> float:
    """Rounded away from the baseline where the class is another from there on, towards it where it is not up to there:
    what is said is true at the very number that is said."""
    size = abs(persons)
    digit = 10.0 ** (math.floor(math.log10(size)) - 1) if size >= 10 else 1.0
    nudge = -1e-9 if rounded is math.ceil else 1e-9
    return math.copysign(rounded(size / digit + nudge) * digit, persons)
