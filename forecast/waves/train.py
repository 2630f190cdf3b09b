"""The wave as it runs through the stages: ordered crests as far behind each other as their cohorts imply.

The lag between two stages is no constant. It is the peak year of the later stage's ages less that of the earlier
one's, both counted on the very cohorts and with participation held constant: on the national births kindergarten 2017,
primary 2023, junior 2026, senior 2029, so 6, 3 and 3 years, which neither the difference of the ages nor a
correlation of the windows gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SERVICE, TRAJECTORY, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.school_date import stage_cohort
from forecast.waves.find import LEAST
from forecast.waves.peaks import peak_range
from forecast.waves.stacks import Cells, smooth_cells
from forecast.waves.turns import find_turns

FEWEST_STAGES = 3
OFF_BY = 1  # years by which a lag may miss the implied one
SAME_WAVE = 5  # years by which the crest of demand may lie off the implied crest: participation moves it
APART = 4  # years between the cohorts of two trains

TRAIN_COLUMNS = (
    "county",
    "services",
    "probability",
    "peak_years",
    "peak_ranges",
    "lags",
    "implied_lags",
    "born_first",
    "born_last",
)

Ages = Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class _Link:
    """A crest of one stage: the year of demand and the year its cohorts imply."""

    service: str
    peak: int
    implied: int


def implied_by_births(births: xr.DataArray, ages: Ages, months: Mapping[str, int]) -> xr.DataArray:
    """Children (..., year, service) of each service's ages at the cut-off date, were nobody to die, move or stay away:
    births alone. NaN in the years for which not all cohorts are known.

    births (..., year); ages: service -> first and last completed age; months: service -> month of its cut-off date.
    """
    years = births[YEAR].to_numpy()
    if not (np.diff(years) == 1).all():
        raise InputRefused(Issue("E432", values={"where": "births", "found": ", ".join(map(str, years))}))
    until = np.arange(years[0], years[-1] + max(last for _, last in ages.values()) + 1)
    parts = [stage_cohort(births, ages[name], months[name]).reindex({YEAR: until}) for name in ages]
    return in_order(xr.concat(parts, xr.IndexVariable(SERVICE, list(ages))))


def implied_by_people(population: xr.DataArray, ages: Ages) -> xr.DataArray:
    """People of each service's ages, summed over what is not trajectory, county or year: for the ageing wave."""
    kept = {TRAJECTORY, COUNTY, YEAR, AGE}
    whole = population.sum([dim for dim in population.dims if dim not in kept])
    parts = [whole.sel({AGE: slice(first, last)}).sum(AGE, skipna=False) for first, last in ages.values()]
    return in_order(xr.concat(parts, xr.IndexVariable(SERVICE, list(ages))))


def find_trains(
    demand: xr.DataArray,
    implied: xr.DataArray,
    ages: Ages,
    history: xr.DataArray | None = None,
    cells: Sequence[Cells] | None = None,
) -> pd.DataFrame:
    """Trains of three or more crests in the order of `ages`, each as far behind the one before as `implied` says, +-1.

    demand   (trajectory?, county, year, service); history (county, year, service) stands before it
    implied  (trajectory?, county?, year, service) what the cohorts alone would ask: `implied_by_births` or
             `implied_by_people` of the same trajectories
    ages     service -> first and last age, in the order of life
    cells    `smooth_cells` of demand and history, where they are at hand

    One row per county and train: `services` and `peak_years` (median over the trajectories that have the train),
    `peak_ranges` (80 %), `lags` and `implied_lags` (medians), each a tuple by stage; `probability`, the share of
    trajectories with the train (of any three or more stages; the stages named are those of the commonest chain);
    born_first to born_last, the birth years that are in all these stages' ages when they crest; where none is in all,
    the years between those of the first stages and those of the last.
    """
    stages, cohorts_of = demand.sel({SERVICE: list(ages)}), implied.sel({SERVICE: list(ages)})
    if COUNTY not in cohorts_of.dims:
        cohorts_of = cohorts_of.expand_dims({COUNTY: [""]})
    need = _crests(smooth_cells(stages, history) if cells is None else cells, ages)
    cohorts = _crests(smooth_cells(cohorts_of), ages)
    counties = [str(county) for county in demand[COUNTY].values]
    trajectories = demand.sizes.get(TRAJECTORY, 1)
    rows = []
    for county in counties:
        chains = []
        for number in range(trajectories):
            peaks = {service: need.get((county, service, number), []) for service in ages}
            implied_peaks = {service: _of(cohorts, county, service, number) for service in ages}
            chains += [(number, chain) for chain in _chains(peaks, implied_peaks, ages)]
        rows += [_train(county, group, trajectories, ages) for group in _same_cohorts(chains, ages)]
    return pd.DataFrame(rows, columns=list(TRAIN_COLUMNS))


def _of(crests: Mapping[tuple[str, str, int], list[int]], county: str, service: str, number: int) -> list[int]:
    """Crests of a trajectory; where the cohorts have no trajectories, or no county, those of all."""
    for key in ((county, service, number), (county, service, 0), ("", service, number), ("", service, 0)):
        if key in crests:
            return crests[key]
    return []


def _crests(groups: Sequence[Cells], ages: Ages) -> dict[tuple[str, str, int], list[int]]:
    """Years of the crests (not at the edge) by county, service and trajectory."""
    crests: dict[tuple[str, str, int], list[int]] = {}
    for cells in groups:
        count, years = cells.smooth.shape[1:]
        paths = cells.smooth.reshape(-1, years)
        turns = find_turns(paths, LEAST * np.abs(paths.mean(axis=1)))
        turns = turns.take((turns.sign > 0) & ~turns.at_edge)
        crests |= {(*place, number): [] for place in cells.places if place[1] in ages for number in range(count)}
        for series, peak in zip(turns.series.tolist(), turns.peak.tolist(), strict=True):
            place = cells.places[series // count]
            if place[1] in ages:
                crests[*place, series % count].append(cells.first_year + peak)
    return crests


def _chains(peaks: Mapping[str, list[int]], implied: Mapping[str, list[int]], ages: Ages) -> list[list[_Link]]:
    """Longest runs of crests through consecutive stages whose lags are the implied ones."""
    stages, used, chains = list(peaks), set(), []
    for start in range(len(stages) - FEWEST_STAGES + 1):
        for peak in peaks[stages[start]]:
            if (stages[start], peak) in used:
                continue
            chain = _follow(stages[start:], peak, peaks, implied, ages)
            if len(chain) >= FEWEST_STAGES:
                used |= {(link.service, link.peak) for link in chain}
                chains.append(chain)
    return chains


def _follow(
    stages: Sequence[str], peak: int, peaks: Mapping[str, list[int]], implied: Mapping[str, list[int]], ages: Ages
) -> list[_Link]:
    near = [year for year in implied[stages[0]] if abs(year - peak) <= SAME_WAVE]
    if not near:
        return []
    chain = [_Link(stages[0], peak, min(near, key=lambda year: abs(year - peak)))]
    for service in stages[1:]:
        last = chain[-1]
        longest = ages[service][1] - ages[last.service][0]  # the youngest here are the oldest there by then
        after = [year for year in implied[service] if 0 < year - last.implied <= longest]
        if not after:
            break
        lag = min(after) - last.implied
        fits = [year for year in peaks[service] if abs(year - last.peak - lag) <= OFF_BY]
        if not fits:
            break
        chain.append(_Link(service, min(fits, key=lambda year: abs(year - last.peak - lag)), min(after)))
    return chain


def _born(link: _Link, ages: Ages) -> tuple[int, int]:
    """First and last year of birth of those in the ages of the stage when its cohorts crest."""
    first, last = ages[link.service]
    return link.implied - last - 1, link.implied - first


def _same_cohorts(chains: list[tuple[int, list[_Link]]], ages: Ages) -> list[list[tuple[int, list[_Link]]]]:
    """Chains sorted into trains by the middle of the birth years they carry."""
    middles = [sum(sum(_born(link, ages)) for link in chain) / (2 * len(chain)) for _, chain in chains]
    groups: list[list[tuple[int, list[_Link]]]] = []
    before = -np.inf
    for position in np.argsort(middles, kind="stable"):
        if middles[position] - before > APART:
            groups.append([])
        groups[-1].append(chains[position])
        before = middles[position]
    return groups


def _train(county: str, group: list[tuple[int, list[_Link]]], trajectories: int, ages: Ages) -> dict[str, object]:
    names = [tuple(link.service for link in chain) for _, chain in group]
    # the commonest chain, of equals the longest, then the one found first: a set alone would hand over any of them
    services = max(dict.fromkeys(names), key=lambda stages: (names.count(stages), len(stages)))
    commonest = [chain for (_, chain), name in zip(group, names, strict=True) if name == services]
    peaks = np.array([[link.peak for link in chain] for chain in commonest])
    implied = np.array([[link.implied for link in chain] for chain in commonest])
    middle = np.round(np.median(peaks, axis=0)).astype(int)
    born = np.array([[_born(link, ages) for link in chain] for chain in commonest])  # (chain, stage, first or last)
    carried = sorted((np.median(born[:, :, 0].max(axis=1)), np.median(born[:, :, 1].min(axis=1))))
    return {
        "county": county,
        "services": services,
        "probability": len({number for number, _ in group}) / trajectories,
        "peak_years": tuple(middle.tolist()),
        "peak_ranges": tuple(peak_range(peaks[:, stage], int(year)) for stage, year in enumerate(middle)),
        "lags": tuple(np.median(np.diff(peaks, axis=1), axis=0).tolist()),
        "implied_lags": tuple(np.median(np.diff(implied, axis=1), axis=0).tolist()),
        "born_first": round(float(carried[0])),
        "born_last": round(float(carried[1])),
    }
