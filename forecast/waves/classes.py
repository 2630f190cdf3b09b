"""Kinds of shortage or surplus that a county may face, with their probabilities.

D is demand, K what stands and is planned, E = D - K what is short. O is the opening of E with the break-even years W:
short W years running, whatever opens and closes meanwhile (with K constant it is the lasting need less K). tol is
max(`TOLERANCE` x K, one module). The first that holds in this order is the class:

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
from numpy.typing import NDArray

from forecast.basics.dims import CATEGORY, COUNTY, SERVICE, SHIFT, TRAJECTORY, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.tolerance import TOLERANCE
from forecast.basics.variables import label
from forecast.waves import lanes
from forecast.waves.lanes import BALANCED, CREST_THEN_SURPLUS, UNDETERMINED
from forecast.waves.lasting import Windows, window_for
from forecast.waves.series import stacked
from forecast.waves.stacks import Cells, smooth_cells
from forecast.waves.turns import Values, Whole

__all__ = ["CATEGORIES", "CREST_THEN_SURPLUS", "SHIFTS", "UNDETERMINED", "classify_waves", "synchrony"]

CATEGORIES = (
    "undetermined",
    "crest_then_surplus",
    "structural_shortage",
    "transient_crest",
    "structural_surplus",
    "transient_trough",
    "balanced",
)
"""In the order in which they are asked for, and of their numbers (`lanes`)."""

SHIFTS = (-2, 0, 2)
"""Break-even years rest on assumed prices, so every class is also shown two years below and above."""

MIDDLE = SHIFTS.index(0)

Reals = NDArray[np.float32]
KIND = np.float32
"""In which paths are judged: half the memory and the time of float64 (benchmarks/tried.md says how often the two differ)."""

TOGETHER = 4
"""Counties and services that are judged at a time, so that what is kept of their paths stays small."""


@dataclass(frozen=True)
class Supply:
    """Places by (county and service, year) that demand is compared with, cells in the order of `stacked`."""

    years: Whole  # (judged year,)
    capacity: Values  # (cell, judged year), NaN where not known
    tolerance: Values  # (cell, judged year)
    windows: Whole  # (cell,) break-even years


@dataclass(frozen=True)
class PathClasses:
    """How many paths have each class, and what lasts of each path."""

    counts: Whole  # (cell, shift, category, judged year + 1) by the year in which it began, the last: by none
    lasts: Reals  # (cell, judged year, trajectory) needed W years running, at the middle shift
    above: Reals  # (cell, judged year, trajectory) demand above that


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
        for part in _portions(group, standing):
            found = class_of_paths(part, standing, SHIFTS)
            by_shift = found.counts.sum(axis=3)
            likeliest[part.rows] = np.array(CATEGORIES)[by_shift.argmax(axis=2)]
            dated, paths = found.counts[:, MIDDLE], part.values.shape[1]
            shares[part.rows] = dated.sum(axis=2) / paths
            begun[part.rows] = dated[..., :-1].cumsum(axis=2) / paths
            lasting[part.rows], crest[part.rows] = _median(found.lasts), _median(found.above)
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
    tolerance = np.maximum(TOLERANCE * capacity, np.array(least)[:, None])
    return Supply(judged, capacity, tolerance, np.array([window_for(window, service) for _, service in places]))


def judged_cells(cells: Cells, supply: Supply) -> Cells:
    """Those of the cells whose demand and supply are known in all years that are judged."""
    return cells.take(_judged(cells, supply))


def _judged(cells: Cells, supply: Supply) -> Whole:
    after = supply.years[-1] < cells.first_year + cells.smooth.shape[2]
    whole = bool(after) and int(supply.years[0]) >= cells.first_year
    return np.flatnonzero(np.isfinite(supply.capacity[cells.rows]).all(axis=1) & whole)


def _portions(cells: Cells, supply: Supply) -> Iterator[Cells]:
    """`judged_cells`, not more than `TOGETHER` at a time, those that stand side by side."""
    which = _judged(cells, supply)
    for run in np.split(which, np.flatnonzero(np.diff(which) > 1) + 1):
        for some in range(0, len(run), TOGETHER):
            part = run[some : some + TOGETHER]
            yield cells.take(slice(int(part[0]), int(part[-1]) + 1))


def class_shares(path_classes: PathClasses) -> Values:
    """(cell, category) share of the trajectories of each class, at the middle shift."""
    counts = path_classes.counts
    return counts[:, counts.shape[1] // 2].sum(axis=2) / path_classes.lasts.shape[2]


def class_of_paths(cells: Cells, supply: Supply, shifts: Sequence[int] = (0,)) -> PathClasses:
    """Classes of the smooth paths of the cells, all of them `judged_cells`, with W + shift break-even years, ascending.

    Of single noisy paths what stands out clearly is asked first of the course that is near to them; where nothing does,
    what lasts may still be seen in the smooth one.
    """
    tolerance = supply.tolerance[cells.rows]
    smooth = _class_of(cells.smooth, cells, supply, tolerance, shifts)
    if all(course.near is None for course in cells.courses):
        return smooth
    clear = _class_of(cells.judged, cells, supply, np.maximum(tolerance, cells.doubt[:, None]), shifts)
    calm = (clear.counts[:, :, BALANCED].sum(axis=2) == clear.lasts.shape[2])[..., None, None]
    return PathClasses(np.where(calm, smooth.counts, clear.counts), clear.lasts, clear.above)


def _class_of(paths: Values, cells: Cells, supply: Supply, tolerance: Values, shifts: Sequence[int]) -> PathClasses:
    """Classes of paths (cell, trajectory, year) by tolerance (cell, judged year)."""
    windows = np.maximum(supply.windows[cells.rows, None] + np.array(shifts), 1)
    count, trajectories, judged = len(paths), paths.shape[1], len(supply.years)
    counts = np.empty((count, len(shifts), len(CATEGORIES), judged + 1), dtype=np.int64)
    lasts, above = np.empty((2, count, judged, trajectories), dtype=KIND)
    capacity, begin = supply.capacity[cells.rows].astype(KIND), int(supply.years[0]) - cells.first_year
    lanes.judge_cells(paths, capacity, tolerance.astype(KIND), begin, windows, counts, lasts, above)
    return PathClasses(counts, lasts, above)


def _median(values: Reals) -> Values:
    """Median over the last axis, which is left in another order (numpy's own median sorts out two places, six times as slow)."""
    half = values.shape[-1] // 2
    values.partition(half, axis=-1)
    upper = values[..., half].astype(np.float64)
    return upper if values.shape[-1] % 2 else (upper + values[..., :half].max(axis=-1)) / 2


def synchrony(classes: xr.Dataset) -> xr.DataArray:
    """Share of counties whose likeliest class is each category, by service; unknown counties do not count."""
    likeliest = classes["likeliest"].sel({SHIFT: 0}, drop=True)
    known = (likeliest != "").sum(COUNTY)
    shares = [(likeliest == category).sum(COUNTY) / known.where(known > 0) for category in CATEGORIES]
    joined_shares = xr.concat(shares, xr.DataArray(list(CATEGORIES), dims=CATEGORY, name=CATEGORY))
    return label(joined_shares, "classes.synchrony")
