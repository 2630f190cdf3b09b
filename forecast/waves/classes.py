"""Kinds of shortage or surplus that a county may face, with their probabilities.

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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from forecast.basics.dims import CATEGORY, COUNTY, SERVICE, SHIFT, TRAJECTORY, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.variables import label
from forecast.waves import lanes
from forecast.waves.lanes import (
    BALANCED,
    CREST,
    CREST_THEN_SURPLUS,
    SHORTAGE,
    SURPLUS,
    TROUGH,
    UNDETERMINED,
)
from forecast.waves.lasting import Windows, window_for
from forecast.waves.series import stacked
from forecast.waves.stacks import Cells, smooth_cells
from forecast.waves.turns import Values, Whole

CATEGORIES = tuple(
    {
        UNDETERMINED: "undetermined",
        CREST_THEN_SURPLUS: "crest_then_surplus",
        SHORTAGE: "structural_shortage",
        CREST: "transient_crest",
        SURPLUS: "structural_surplus",
        TROUGH: "transient_trough",
        BALANCED: "balanced",
    }.values()
)
"""By number, in the order in which they are asked for."""

SHIFTS = (-2, 0, 2)
"""Break-even years rest on assumed prices, so every class is also shown two years below and above."""


"""Share of what stands that is no shortage and no surplus."""


@dataclass(frozen=True)
class Supply:
    """Places by (county and service, year) that demand is compared with, cells in the order of `stacked`."""

    years: Whole  # (judged year,)
    capacity: Values  # (cell, judged year), NaN where not known
    tolerance: Values  # (cell, judged year)
    windows: Whole  # (cell,) break-even years


@dataclass(frozen=True)
class PathClasses:
    """Class number of each series and the first year (position) of what names it, or NEVER."""

    category: Whole  # (cell, trajectory)
    begins: Whole  # (cell, trajectory)


def classify_waves(
    demand: xr.DataArray,
    supply: xr.DataArray,
    window: Windows,
    history: xr.DataArray | None = None,
    module: float | Mapping[str, float] = 0.0,
    cells: Sequence[Cells] | None = None,
) -> xr.Dataset:
    """Probability of each class by county and service, the likeliest at W - 2, W and W + 2, and when it begins.

    demand   (trajectory?, county, year, service?); it may run beyond the years of supply, which are those judged
    supply   (county, year, service?), what stands and is planned, in the unit of demand
    window   break-even years W, one for all or by service (`demand.costs.windows_of`)
    history  observed demand of the years before (county, year, service?)
    module   the smallest number of places that is built or closed, one for all or by service
    cells    `smooth_cells` of demand and history, where they are at hand

    Returns a Dataset with
    class_probability  (county, service?, category) share of trajectories, 1 for the only path
    likeliest          (county, service?, shift) name of the likeliest class with W + shift years, "" if not known
    begun              (county, service?, category, year) share of trajectories of this class in which what names it
                       (shortage, crest, surplus, trough) has begun by the year; 0 for undetermined and balanced
    lasting, crest     (county, year, service?) median of what is needed W years running, and of what stands above it
    window             (service?) W

    A single noisy path is judged by its smooth courses (`class_of_paths`). Where demand or supply is not known in a year
    that is judged everything is NaN: nothing is taken for balanced. Raises InputRefused where a year of supply is not
    in demand, or a service has no break-even years.
    """
    years, _, places = stacked(demand.isel({TRAJECTORY: 0}) if TRAJECTORY in demand.dims else demand)
    standing = hold_against(supply, places, window, module)
    judged = standing.years
    absent = [int(year) for year in judged if year not in years]
    if absent:
        raise InputRefused(Issue("E435", values={"found": ", ".join(map(str, absent))}))
    shares = np.full((len(places), len(CATEGORIES)), np.nan)
    begun = np.full((len(places), len(CATEGORIES), len(judged)), np.nan)
    likeliest = np.full((len(places), len(SHIFTS)), "", dtype="<U20")
    lasting, crest = np.full((2, len(places), len(judged)), np.nan)
    for group in smooth_cells(demand, history) if cells is None else cells:
        judged_group = judged_cells(group, standing)
        begin = int(judged[0]) - judged_group.first_year
        now, windows = slice(begin, begin + len(judged)), standing.windows[judged_group.rows]
        for number, shift in enumerate(SHIFTS):
            path_classes = class_of_paths(judged_group, standing, shift)
            counts = class_shares(path_classes)
            likeliest[judged_group.rows, number] = np.array(CATEGORIES)[counts.argmax(axis=1)]
            if shift == 0:
                shares[judged_group.rows], begun[judged_group.rows] = counts, _begun(path_classes, len(judged))
        followed = judged_group.judged
        each = zip(followed, windows.tolist(), strict=True)
        lasts = np.stack([opening(path, years, years) for path, years in each]) if judged_group.rows else followed
        lasting[judged_group.rows] = np.median(lasts[..., now], axis=1)
        crest[judged_group.rows] = np.median((followed - lasts)[..., now], axis=1)
    windows = standing.windows
    by_service = SERVICE in demand.dims
    counties, services = demand[COUNTY].values, list(dict.fromkeys(service for _, service in places))

    def by_place(values: np.ndarray[Any, Any], dims: dict[str, Any]) -> xr.DataArray:
        shape = (len(counties), len(services), *values.shape[1:])
        placed = xr.DataArray(
            values.reshape(shape),
            dims=(COUNTY, SERVICE, *dims),
            coords={COUNTY: counties, SERVICE: services, **dims},
        )
        return in_order(placed) if by_service else in_order(placed.isel({SERVICE: 0}, drop=True))

    categories, shifts = {CATEGORY: list(CATEGORIES)}, {SHIFT: list(SHIFTS)}
    of_service = xr.DataArray(windows[: len(services)].tolist(), dims=SERVICE, coords={SERVICE: services})
    classes = xr.Dataset(
        {
            "class_probability": by_place(shares, categories),
            "likeliest": by_place(likeliest, shifts),
            "begun": by_place(begun, categories | {YEAR: judged}),
            "lasting": by_place(lasting, {YEAR: judged}),
            "crest": by_place(crest, {YEAR: judged}),
            "window": of_service if by_service else of_service.isel({SERVICE: 0}, drop=True),
        }
    )
    return label(classes, "classes", units=demand.attrs.get("units", "1"))


def hold_against(
    supply: xr.DataArray, places: Sequence[tuple[str, str]], window: Windows, module: float | Mapping[str, float] = 0.0
) -> Supply:
    """Places that demand is compared with, their tolerance and the break-even years, in the order of `places`.

    Raises InputRefused where a place has no supply or a service no break-even years.
    """
    judged, have, of_supply = stacked(supply)
    absent = sorted(set(places) ^ set(of_supply))
    if absent:
        raise InputRefused(Issue("E435", values={"found": ", ".join(map(str, absent))}))
    order = {place: row for row, place in enumerate(of_supply)}
    capacity = have[[order[place] for place in places], 0]
    least = [module if isinstance(module, float | int) else module.get(service, 0.0) for _, service in places]
    tolerance = np.maximum(BALANCED_IN_CLASSES * capacity, np.array(least)[:, None])
    return Supply(judged, capacity, tolerance, np.array([window_for(window, service) for _, service in places]))


def judged_cells(cells: Cells, supply: Supply) -> Cells:
    """Those of the cells whose demand and supply are known in all years that are judged."""
    after = supply.years[-1] < cells.first_year + cells.smooth.shape[2]
    whole = bool(after) and int(supply.years[0]) >= cells.first_year
    return cells.take(np.flatnonzero(np.isfinite(supply.capacity[cells.rows]).all(axis=1) & whole))


def class_shares(path_classes: PathClasses) -> Values:
    """(cell, category) share of the trajectories of each class."""
    return np.stack([(path_classes.category == category).mean(axis=1) for category in range(len(CATEGORIES))], axis=1)


def _begun(path_classes: PathClasses, years: int) -> Values:
    """(cell, category, year) share of the trajectories of each class in which what names it has begun by the year."""
    since = path_classes.begins[..., None] <= np.arange(years)
    each = [
        (since & (path_classes.category == category)[..., None]).mean(axis=1) for category in range(len(CATEGORIES))
    ]
    return np.stack(each, axis=1)


def class_of_paths(cells: Cells, supply: Supply, shift: int = 0) -> PathClasses:
    """Class of each smooth path of the cells, all of them `judged_cells`, with W + shift break-even years.

    Of single noisy paths what stands out clearly is asked first of the course that is near to them; where nothing does,
    what lasts may still be seen in the smooth one.
    """
    windows, begin = np.maximum(supply.windows[cells.rows] + shift, 1), int(supply.years[0]) - cells.first_year
    capacity, tolerance = supply.capacity[cells.rows], supply.tolerance[cells.rows]
    path_classes = _class_of(cells.smooth, capacity, tolerance, begin, windows)
    if any(course.near is not None for course in cells.courses):
        clear = _class_of(cells.judged, capacity, np.maximum(tolerance, cells.doubt[:, None]), begin, windows)
        calm = clear.category == BALANCED
        path_classes = PathClasses(
            np.where(calm, path_classes.category, clear.category), np.where(calm, path_classes.begins, clear.begins)
        )
    return path_classes


def _class_of(paths: Values, capacity: Values, tolerance: Values, begin: int, windows: Whole) -> PathClasses:
    stays = _judge(paths, capacity, tolerance, begin, windows, goes_on=True)
    ends = _judge(paths, capacity, tolerance, begin, windows, goes_on=False)
    same = stays.category == ends.category
    return PathClasses(np.where(same, stays.category, UNDETERMINED), np.where(same, stays.begins, NEVER))


def _judge(
    paths: Values, capacity: Values, tolerance: Values, begin: int, windows: Whole, goes_on: bool
) -> PathClasses:
    """Class of paths (cell, trajectory, year), judged from the year `begin` on, by capacity and tolerance (cell, judged
    year); with `goes_on` the last year is repeated, without it nothing follows.
    """
    begun = np.empty((*paths.shape[:2], 4), dtype=np.int64)
    for cell, window in enumerate(windows.tolist()):
        beyond = window if goes_on else 0
        kernel.judge_paths(paths[cell], capacity[cell], tolerance[cell], begin, beyond, window, begun[cell])
    crest, short, spare, trough = np.moveaxis(begun, -1, 0)
    holds = {
        CREST_THEN_SURPLUS: (crest < spare) & (spare < NEVER),
        SHORTAGE: short < NEVER,
        CREST: crest < NEVER,
        SURPLUS: spare < NEVER,
        TROUGH: trough < NEVER,
    }
    category = np.select(list(holds.values()), list(holds), BALANCED)
    return PathClasses(category, np.choose(category, [NEVER, crest, short, crest, spare, trough, NEVER]))


def synchrony(classes: xr.Dataset) -> xr.DataArray:
    """Share of counties whose likeliest class is each category, by service; unknown counties do not count."""
    likeliest = classes["likeliest"].sel({SHIFT: 0}, drop=True)
    known = (likeliest != "").sum(COUNTY)
    shares = [(likeliest == category).sum(COUNTY) / known.where(known > 0) for category in CATEGORIES]
    joined_shares = xr.concat(shares, xr.DataArray(list(CATEGORIES), dims=CATEGORY, name=CATEGORY))
    return label(joined_shares, "classes.synchrony")
