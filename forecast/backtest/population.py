"""Population forecasts made anew at past origins, on what was known there, and set against the count.

Beside the forecast stand simple rivals, computed from the same years. Errors are of persons in age groups; a band is
tested by how often the count lay inside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from forecast.backtest import rivals
from forecast.basics.ages import Ages, age_groups
from forecast.basics.dims import (
    AGE,
    AGE_GROUP,
    AGES,
    APPROACH,
    COUNTY,
    LEAD,
    OPEN_AGE,
    PROBABILITY,
    SEX,
    START_YEAR,
    YEAR,
)
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.quantiles import BANDS, MIDDLE_AND_ENDS
from forecast.basics.variables import label
from forecast.blocks import project_rows
from forecast.population.chance.processes import uncertain_frame
from forecast.population.fit.fitted import Settings
from forecast.population.fit.prior import SWEDEN_1990
from forecast.population.fit.uncertainty import Prior
from forecast.population.future.baseline import Baseline, baseline, fitted_on, unchanged
from forecast.population.past.history import Standard, complete_history, known_flows
from forecast.population.past.known import estimate_past, yearly_counts
from forecast.population.projection.project import project_population
from forecast.region import Region

FORECAST = "forecast"
APPROACHES = (
    FORECAST,
    "no_migration",
    "constant",
    "constant_share",
    "csp_vsg",
    "linear",
    "straight_line",
    "exponential",
    "hamilton_perry",
    "five_year_means",
)

WHOLE = dict.fromkeys(("nation", "province", "region"), "whole")
"""Tier -> area: the counties of a backtest share the path of every tier above them."""

AGE_GROUPS = age_groups("total", "0-5", "0-14", "6-14", "6-15", "15-64", "20-29", "65+", "80+")
"""Groups that are scored."""

COARSE_GROUPS = age_groups("total", "0-4", "0-14", "5-14", "15-64", "20-29", "65+", "80+")
"""The same where only five-year groups were counted."""


def backtest(
    region_or_history: Region | xr.Dataset,
    origins: Iterable[int],
    horizon: int,
    settings: Settings | None = None,
    standard: Standard | None = None,
    prior: Prior | None = SWEDEN_1990,
    trajectories: int = 672,
    seed: int = 0,
    age_groups: Mapping[str, Ages] | None = None,
) -> xr.Dataset:
    """Forecasts and rivals at past origins, beside what was counted.

    region_or_history: a region, which is cut off at each origin and forecast as a run would (`baseline`); or a history
    as `complete_history` takes it, completed at each origin from the years up to it and forecast by the fitted form.
    origins: years with a population and at least one after; horizon: years ahead at most. settings, prior: of the fit,
    standard: see `complete_history`, all three for a history alone. age_groups: name -> (first age, last age), by
    default those the counts can tell.
    Returns observed (origin, lead, county, age_group), forecast (approach, ...), quantiles (probability, ...) and crps of
    the forecast, residents (origin, county) at the origin; NaN where a lead has not been counted; and the forms that
    were used (`attrs["forms"]`).
    Raises InputRefused where an origin has no history or no count after it.
    """
    if isinstance(region_or_history, Region):
        history = _counted_of(region_or_history)
        stand_at = partial(_cut_region, region_or_history, horizon=horizon)
    else:
        history = region_or_history
        stand_at = partial(_cut_history, history, horizon=horizon, settings=settings, standard=standard, prior=prior)
    years = history[YEAR].values.tolist()
    chosen = sorted({int(year) for year in origins})
    wrong = [year for year in chosen if year not in years[1:-1]]
    if wrong or not chosen:
        values = {"found": ", ".join(map(str, wrong)) or "-", "first": years[0] + 1, "last": years[-1] - 1}
        raise InputRefused(Issue("E684", values=values))
    groups = dict(age_groups or groups_of(history))
    counted = grouped(history.population, groups)
    stands = [stand_at(origin) for origin in chosen]
    parts = [
        _one_origin(stand, counted, origin, horizon, groups, trajectories, seed)
        for origin, stand in zip(chosen, stands, strict=True)
    ]
    joined: xr.Dataset = xr.concat(parts, dim=xr.IndexVariable(START_YEAR, chosen), join="exact")
    forms = list(dict.fromkeys(ahead.form for _, ahead in stands))
    return joined.assign_attrs(trajectories=trajectories, seed=seed, horizon=horizon, forms=forms)


Stand = tuple[xr.Dataset, Baseline]
"""What is known at an origin: the complete history up to it, and the forecast made on it."""


def _cut_history(
    history: xr.Dataset,
    origin: int,
    *,
    horizon: int,
    settings: Settings | None,
    standard: Standard | None,
    prior: Prior | None,
) -> Stand:
    known = complete_history(history.sel({YEAR: slice(None, origin)}), standard)
    return known, fitted_on(known, origin, horizon, settings, prior)


def _cut_region(region: Region, origin: int, *, horizon: int) -> Stand:
    cut = region.until(origin)
    past = estimate_past(cut)
    return known_flows(past), baseline(cut, unchanged(origin + horizon), past)


def _counted_of(region: Region) -> xr.Dataset:
    """The people against whom a region is tested: its yearly counts, else those of the years that were calibrated."""
    counted = yearly_counts(region)
    return known_flows(estimate_past(region)) if counted is None else counted


def groups_of(history: xr.Dataset) -> Mapping[str, Ages]:
    """The scored age groups that the counts can tell."""
    starts = set(history.population[AGE].values.tolist())

    def told(groups: Mapping[str, Ages]) -> dict[str, Ages]:
        return {
            name: (first, last)
            for name, (first, last) in groups.items()
            if first in starts and (last + 1 in starts or last == OPEN_AGE)
        }

    return told(AGE_GROUPS) if len(told(AGE_GROUPS)) == len(AGE_GROUPS) else told(COARSE_GROUPS)


def grouped(population: xr.DataArray, groups: Mapping[str, Ages]) -> xr.DataArray:
    """Persons (county, year, age_group) of counts by age, single or in groups that the scored ones consist of."""
    people = population.sum(SEX) if SEX in population.dims else population
    parts = [
        people.sel({AGE: (people[AGE] >= first) & (people[AGE] <= last)}).sum(AGE) for first, last in groups.values()
    ]
    return xr.concat(parts, xr.IndexVariable(AGE_GROUP, list(groups))).transpose(COUNTY, YEAR, AGE_GROUP)


def _one_origin(
    stand: Stand,
    counted: xr.DataArray,
    origin: int,
    horizon: int,
    groups: Mapping[str, Ages],
    trajectories: int,
    seed: int,
) -> xr.Dataset:
    known, ahead = stand
    rates = ahead.rates
    observed = counted.sel({YEAR: slice(origin + 1, origin + horizon)}).values
    frame = uncertain_frame(rates, ahead.spread(), WHOLE, seed)
    spread = project_rows(rates, frame, weights_of(groups), range(trajectories)).values[:, :-1].transpose(0, 2, 1, 3)
    forecasts = _forecasts(known, rates, counted.sel({YEAR: slice(None, origin)}).values, groups, horizon)
    seen = np.full((counted.sizes[COUNTY], horizon, len(groups)), np.nan)
    seen[:, : observed.shape[1]] = observed
    residents = known.population.isel({YEAR: -1}).sum([SEX, AGE]).values
    labels = {COUNTY: counted[COUNTY].values, LEAD: np.arange(1, horizon + 1), AGE_GROUP: list(groups)}
    return assemble(labels, seen, forecasts, spread, residents)


def assemble(
    labels: Mapping[str, Any],
    observed: np.ndarray,
    forecasts: Mapping[str, np.ndarray],
    spread: np.ndarray,
    residents: np.ndarray,
) -> xr.Dataset:
    """One origin of a backtest, as `score` takes it.

    labels: of county, lead and age_group; observed and forecasts (county, lead, age_group) persons; spread (county,
    lead, age_group, trajectory); residents (county,) at the origin.
    """
    cell = (COUNTY, LEAD, AGE_GROUP)
    rows = {
        "observed": (cell, observed),
        "forecast": ((APPROACH, *cell), np.stack(list(forecasts.values()))),
        "quantiles": ((PROBABILITY, *cell), np.quantile(spread, MIDDLE_AND_ENDS, axis=-1)),
        "crps": (cell, crps(spread, observed)),
        "residents": ((COUNTY,), residents),
    }
    coords = {**labels, APPROACH: list(forecasts), PROBABILITY: list(MIDDLE_AND_ENDS)}
    return label(xr.Dataset(rows, coords), "backtest")


def weights_of(groups: Mapping[str, Ages]) -> xr.DataArray:
    """(row, age) 1 where the age is in the group."""
    ages = np.asarray(AGES)
    inside = np.stack([(ages >= first) & (ages <= last) for first, last in groups.values()]).astype(float)
    return xr.DataArray(inside, dims=("row", AGE), coords={"row": list(groups), AGE: ages})


def _forecasts(
    known: xr.Dataset, rates: xr.Dataset, counts: np.ndarray, groups: Mapping[str, Ages], horizon: int
) -> dict[str, np.ndarray]:
    """Forecast and rivals, each (county, horizon, age_group)."""

    def of(people: xr.DataArray) -> np.ndarray:
        values: np.ndarray = grouped(people, groups).values
        return values

    central = project_population(rates.drop_vars("mobility"), flows=()).population.isel({YEAR: slice(1, None)})
    ours = of(central)
    forecasts = {
        FORECAST: ours,
        "no_migration": of(rivals.without_migration(rates)),
        "constant": rivals.constant(counts, horizon),
        "constant_share": rivals.constant_share(counts, ours.sum(0)),
        "csp_vsg": rivals.csp_vsg(counts, ours.sum(0)),
        "linear": rivals.linear(counts, horizon),
        "straight_line": rivals.straight_line(counts, horizon),
        "exponential": rivals.exponential(counts, horizon),
        "hamilton_perry": of(rivals.hamilton_perry(known, horizon)),
        "five_year_means": of(rivals.five_year_means(known, horizon)),
    }
    return {name: forecasts[name] for name in APPROACHES}


def crps(spread: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score, persons: mean |x - y| - half the mean |x - x'| over trajectories (last axis).

    >>> crps(np.array([1.0, 3.0]), np.array(2.0)).item()
    0.5
    """
    ordered = np.sort(spread.astype(float), axis=-1)
    count = ordered.shape[-1]
    apart = (ordered * (2 * np.arange(1, count + 1) - count - 1)).sum(-1) / count**2
    distance: np.ndarray = abs(ordered - observed[..., None]).mean(-1) - apart
    return distance


def score(found: xr.Dataset) -> xr.Dataset:
    """Scores of a backtest by lead and age group, over all origins and counties: median_ape, mean_ape, bias (mean of
    signed), weighted_error (sum of |error| over sum of counted) by approach; cover_80, cover_95, crps (over the counted
    mean) and `cases` of the forecast. Shares, not percent."""
    over = [START_YEAR, COUNTY]
    error = found.forecast - found.observed
    relative = error / found.observed.where(found.observed > 0)
    known = found.observed.notnull()

    def covered(low: float, high: float) -> xr.DataArray:
        lower, upper = (found.quantiles.sel({PROBABILITY: p}, drop=True) for p in (low, high))
        inside = (lower <= found.observed) & (found.observed <= upper)
        return inside.where(known).mean(over)

    return xr.Dataset(
        {
            "median_ape": abs(relative).median(over),
            "mean_ape": abs(relative).mean(over),
            "bias": relative.mean(over),
            "weighted_error": abs(error).sum(over) / found.observed.sum(over).where(found.observed.sum(over) > 0),
            "cover_80": covered(*BANDS[80]),
            "cover_95": covered(*BANDS[95]),
            "crps": found.crps.mean(over) / found.observed.mean(over),
            "cases": known.sum(over),
        }
    )


def of_size(found: xr.Dataset, least: float, below: float) -> xr.Dataset:
    """The part of a backtest on counties that had so many residents at the origin. Asked alone."""
    return found.where((found.residents >= least) & (found.residents < below))


def best_rival(scores: xr.Dataset, measure: str = "weighted_error") -> xr.DataArray:
    """(lead, age_group) the least error of any rival. Asked alone."""
    others = [name for name in scores[APPROACH].values if name != FORECAST]
    return scores[measure].sel({APPROACH: others}).min(APPROACH)
