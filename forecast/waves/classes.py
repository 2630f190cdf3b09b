"""What kind of shortage or surplus a county faces, with its probability (SPECS 8.6).

D is demand, K what stands and is planned, E = D - K what is short. O is the opening of E with the break-even years W:
short W years running, whatever opens and closes meanwhile (with K constant it is the lasting need less K). tol is
max(5 % of K, one module). The first that holds in this order is the class:

    crest_then_surplus   a transient crest, and from a later year on a structural surplus
    structural_shortage  O > tol in some year
    transient_crest      E - max(0, highest O) > tol in some year: short beyond what lasts
    structural_surplus   K_t - (highest D from t on) > tol for W years or more
    transient_trough     min(K, closing of D) - D > tol in some year
    balanced             none of these

What comes after the last year is not known. Every class is found twice, once as if the last year went on and once as
if nothing followed; where the two differ the horizon is too short to tell and the class is `undetermined`, the first
of all. Years of demand beyond those of supply take the place of this doubt; W of them end it for crests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.dims import COUNTY, SERVICE, YEAR, in_order
from forecast.errors import InputRefused, Issue
from forecast.waves.lasting import Windows, opening, window_for
from forecast.waves.series import joined, stacked
from forecast.waves.smoothing import find_courses
from forecast.waves.turns import Values, Whole

CATEGORY, SHIFT = "category", "shift"
CATEGORIES = (
    "undetermined",
    "crest_then_surplus",
    "structural_shortage",
    "transient_crest",
    "structural_surplus",
    "transient_trough",
    "balanced",
)
"""In the order in which they are asked for."""
UNDETERMINED, CREST_THEN_SURPLUS, SHORTAGE, CREST, SURPLUS, TROUGH, BALANCED = range(len(CATEGORIES))

SHIFTS = (-2, 0, 2)
"""Break-even years rest on assumed prices, so every class is also shown two years below and above."""

TOLERANCE = 0.05
"""Share of what stands that is no shortage and no surplus."""

NEVER = 9999
"""Year of something that does not begin."""


@dataclass(frozen=True)
class Found:
    """Class number and first year (position) of each series, and of every class its own first year or NEVER."""

    category: Whole  # (series,)
    begins: Whole  # (series,)


def classify_waves(
    demand: xr.DataArray,
    supply: xr.DataArray,
    window: Windows,
    history: xr.DataArray | None = None,
    module: float | Mapping[str, float] = 0.0,
) -> xr.Dataset:
    """Probability of each class by county and service, the likeliest at W - 2, W and W + 2, and when it begins.

    demand   (trajectory?, county, year, service?); it may run beyond the years of supply, which are those judged
    supply   (county, year, service?), what stands and is planned, in the unit of demand
    window   break-even years W, one for all or by service (`lasting.windows_of`)
    history  observed demand of the years before (county, year, service?)
    module   the smallest number of places that is built or closed, one for all or by service

    Returns a Dataset with
    class_probability  (county, service?, category) share of trajectories, 1 for the only path
    likeliest          (county, service?, shift) name of the likeliest class with W + shift years, "" if not known
    begun              (county, service?, category, year) share of trajectories of this class in which what names it
                       (shortage, crest, surplus, trough) has begun by the year; 0 for undetermined and balanced
    lasting, crest     (county, year, service?) median of what is needed W years running, and of what stands above it
    window             (service?) W

    A single noisy path is judged by its smooth course (`smoothing`). Where demand or supply is not known in a year
    that is judged everything is NaN: nothing is taken for balanced. Raises InputRefused where a year of supply is not
    in demand, or a service has no break-even years.
    """
    years, need, places = stacked(demand)
    judged, have, of_supply = stacked(supply)
    earlier, observed, _ = stacked(history) if history is not None else (years[:0], need[:, 0, None, :0], places)
    absent = [int(year) for year in judged if year not in years] + sorted(set(places) ^ set(of_supply))
    if absent:
        raise InputRefused(Issue("E435", values={"found": ", ".join(map(str, absent))}))
    rows = {place: row for row, place in enumerate(of_supply)}
    shares = np.full((len(places), len(CATEGORIES)), np.nan)
    begun = np.full((len(places), len(CATEGORIES), len(judged)), np.nan)
    likeliest = np.full((len(places), len(SHIFTS)), "", dtype="<U20")
    lasting, crest = np.full((2, len(places), len(judged)), np.nan)
    windows = [window_for(window, service) for _, service in places]
    for cell, place in enumerate(places):
        own, paths, past = joined(years, need[cell], (earlier, observed[cell, 0]), " ".join(place).strip())
        capacity = have[rows[place], 0]
        if not np.isin(judged, own).all() or not np.isfinite(capacity).all():
            continue
        paths = find_courses(paths[None], past)[0].apply(paths)
        now = slice(int(np.searchsorted(own, judged[0])), int(np.searchsorted(own, judged[-1])) + 1)
        least = module if isinstance(module, float | int) else module.get(place[1], 0.0)
        tolerance = np.maximum(TOLERANCE * capacity, least)
        for number, shift in enumerate(SHIFTS):
            found = _class_of(paths, capacity, tolerance, now, max(windows[cell] + shift, 1))
            counts = np.bincount(found.category, minlength=len(CATEGORIES)) / len(paths)
            likeliest[cell, number] = CATEGORIES[int(np.argmax(counts))]
            if shift == 0:
                shares[cell] = counts
                since = found.begins[:, None] <= np.arange(len(judged))
                begun[cell] = [
                    (since & (found.category == one)[:, None]).mean(axis=0) for one in range(len(CATEGORIES))
                ]
        lasts = opening(paths, windows[cell], windows[cell])[:, now]
        lasting[cell], crest[cell] = np.median(lasts, axis=0), np.median(paths[:, now] - lasts, axis=0)
    about = {"units": "1", "kind": "rate", "source": "SPECS 8.6"}
    amount = {"units": demand.attrs.get("units", "1"), "kind": "stock", "source": "SPECS 8.4"}
    by_service = SERVICE in demand.dims
    counties, services = demand[COUNTY].values, list(dict.fromkeys(service for _, service in places))

    def labelled(values: np.ndarray[Any, Any], dims: dict[str, Any], attrs: dict[str, str]) -> xr.DataArray:
        shape = (len(counties), len(services), *values.shape[1:])
        found = xr.DataArray(
            values.reshape(shape),
            dims=(COUNTY, SERVICE, *dims),
            coords={COUNTY: counties, SERVICE: services, **dims},
            attrs=attrs,
        )
        return in_order(found) if by_service else in_order(found.isel({SERVICE: 0}, drop=True))

    categories, shifts = {CATEGORY: list(CATEGORIES)}, {SHIFT: list(SHIFTS)}
    classes = xr.Dataset(
        {
            "class_probability": labelled(shares, categories, about | {"long_name": "probability of the class"}),
            "likeliest": labelled(likeliest, shifts, {"long_name": "likeliest class at break-even years W + shift"}),
            "begun": labelled(
                begun, categories | {YEAR: judged}, about | {"long_name": "probability that it has begun"}
            ),
            "lasting": labelled(lasting, {YEAR: judged}, amount | {"long_name": "median lasting need"}),
            "crest": labelled(crest, {YEAR: judged}, amount | {"long_name": "median demand above lasting need"}),
        }
    )
    of_service = xr.DataArray(windows[: len(services)], dims=SERVICE, coords={SERVICE: services})
    of_service.attrs |= {"units": "years", "long_name": "break-even years", "source": "SPECS 8.3"}
    return classes.assign(window=of_service if by_service else of_service.isel({SERVICE: 0}, drop=True))


def _class_of(paths: Values, capacity: Values, tolerance: Values, now: slice, window: int) -> Found:
    """Class of each path (trajectory, year), of which the years `now` have a capacity (year,) and are judged."""
    stays = _judge(paths, capacity, tolerance, now, window, goes_on=True)
    ends = _judge(paths, capacity, tolerance, now, window, goes_on=False)
    same = stays.category == ends.category
    return Found(np.where(same, stays.category, UNDETERMINED), np.where(same, stays.begins, NEVER))


def _judge(paths: Values, capacity: Values, tolerance: Values, now: slice, window: int, goes_on: bool) -> Found:
    beyond = window if goes_on else 0
    behind = paths.shape[1] - now.stop
    stands, bar = (np.concatenate([values, np.repeat(values[-1], behind)]) for values in (capacity, tolerance))
    lacking = paths - np.concatenate([np.repeat(capacity[0], now.start), stands])
    lastingly = opening(lacking, window, beyond)[:, now]
    short = lastingly > tolerance
    above = lacking[:, now] - np.maximum(lastingly.max(axis=1, keepdims=True), 0)
    crest = above > tolerance
    later = np.maximum.accumulate(paths[:, now.start :][:, ::-1], axis=1)[:, ::-1]
    empty = stands - later > bar
    spare = empty[:, : now.stop - now.start]
    surplus = empty.sum(axis=1) + beyond * empty[:, -1] >= window
    comes_back = -opening(-paths, window, beyond)[:, now]
    trough = np.minimum(capacity, comes_back) - paths[:, now] > tolerance
    first = {CREST: _first(crest), SHORTAGE: _first(short), SURPLUS: _first(spare), TROUGH: _first(trough)}
    holds = {
        CREST_THEN_SURPLUS: crest.any(axis=1) & surplus & (first[SURPLUS] > first[CREST]) & (first[SURPLUS] < NEVER),
        SHORTAGE: short.any(axis=1),
        CREST: crest.any(axis=1),
        SURPLUS: surplus & (first[SURPLUS] < NEVER),
        TROUGH: trough.any(axis=1),
    }
    category = np.select(list(holds.values()), list(holds), BALANCED)
    begins = np.select([category == one for one in first], list(first.values()), NEVER)
    return Found(category, np.where(category == CREST_THEN_SURPLUS, first[CREST], begins))


def _first(flags: NDArray[np.bool_]) -> Whole:
    """Position of the first year in which each series (series, year) is flagged, NEVER where none is."""
    return np.where(flags.any(axis=1), flags.argmax(axis=1), NEVER)


def synchrony(classes: xr.Dataset) -> xr.DataArray:
    """Share of counties whose likeliest class is each category, by service (SPECS 8.7); unknown counties do not count."""
    likeliest = classes["likeliest"].sel({SHIFT: 0}, drop=True)
    known = (likeliest != "").sum(COUNTY)
    shares = [(likeliest == one).sum(COUNTY) / known.where(known > 0) for one in CATEGORIES]
    joined_shares = xr.concat(shares, xr.DataArray(list(CATEGORIES), dims=CATEGORY, name=CATEGORY))
    return joined_shares.assign_attrs(
        long_name="share of counties in the class", units="1", kind="rate", source="SPECS 8.7"
    )
