"""A region in many trajectories, reduced to what is kept: quantiles, probabilities, sums by parent area.

Sums are added county by county in the order of the region, trajectory by trajectory, so that the bands of a city are
right, which are narrower than the sum of its counties' bands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr

from forecast.basics.areas import Areas, add_to_areas
from forecast.basics.dims import AGE_GROUP, AREA, QUANTILE, SERVICE, TRAJECTORY, YEAR
from forecast.basics.quantiles import KEPT
from forecast.basics.variables import label, tables
from forecast.blocks.summary import odds, quantiles
from forecast.blocks.task import AGE_GROUPS, BLOCK, Task, needs_by_county
from forecast.demand.model import NORMS
from forecast.supply.gap import VIEWS, comparable, gross, has_words, of_parts


def run_blocks(
    task: Task,
    trajectories: range,
    areas: Areas,
    threads: int | None = None,
    block: int = BLOCK,
    progress: Callable[[int], None] | None = None,
) -> xr.Dataset:
    """Quantiles and probabilities by `area`: the counties, then the areas, summed trajectory by trajectory. Variables:

    population_quantile (quantile, area, year, age_group), births_quantile (quantile, area, year)
    demand_quantile, demand_norm_quantile (quantile, area, year, service), demand_mean
    gap_quantile = supply - demand, in the view of the task
    p_short, p_spare, p_short_by, short_expected, idle_expected (area, year, service): see `summary.Odds`; of an area
    all of whose counties have a gap by the sums over them of what is missing and idle, else by its own gap
    p_norm_met (area, year, service): share of trajectories in which the supply reaches the standard; where it is one
    that may be called short
    correlation (area, service): of an area's demand with the whole's over trajectories, ten years on
    demand_of_trajectories (trajectory, area, year, service), float32: what is found in a run is found on all of them;
    held in memory (1,000 trajectories of 7 services over 27 years: 0.8 MB a place) and not saved

    progress: told how many counties are done. The bits depend on seed, areas and trajectories alone.
    """
    by_area: dict[str, dict[str, np.ndarray]] = {}
    sums: dict[str, np.ndarray] = {}
    missing_idle: dict[str, np.ndarray] = {}
    stands = _supply_rows(task)
    late: dict[str, np.ndarray] = {}
    for county, (needs,) in needs_by_county(task, trajectories, threads, block):
        own = _missing_idle(task, needs, stands[county])
        by_area[county] = _reduce(task, needs, stands[county], own)
        late[county] = _ten_years_on(task, needs)
        add_to_areas(sums, county, needs, areas)
        add_to_areas(missing_idle, county, own, areas)
        if progress:
            progress(len(by_area))
    for area in areas.members:
        own, _ = of_parts(_missing_idle(task, sums[area], stands[area]), missing_idle[area])
        by_area[area] = _reduce(task, sums[area], stands[area], own)
        late[area] = _ten_years_on(task, sums[area])
    by_area = {area: by_area[area] for area in (*task.counties, *areas.members)}
    for area, value in late.items():
        by_area[area]["correlation"] = _correlations(value, late[areas.whole])
    return _labelled(task, by_area, trajectories)


class _Supply(NamedTuple):
    """What stands in one place, (service, year); NaN where need may not be held against it."""

    held: np.ndarray
    recorded: np.ndarray  # what may be called short


def _supply_rows(task: Task) -> dict[str, _Supply]:
    """By place: the counties and the areas."""
    at = {YEAR: task.years, SERVICE: list(task.models)}
    held = comparable(task.supply).sel(at).transpose(AREA, SERVICE, YEAR)
    recorded = held.where(has_words(task.supply["supply_kind"], "gap")).transpose(AREA, SERVICE, YEAR)
    rows = zip(held[AREA].values.tolist(), held.values, recorded.values, strict=True)
    return {str(place): _Supply(*both) for place, *both in rows}


def _missing_idle(task: Task, values: np.ndarray, supply: _Supply) -> np.ndarray:
    """(2, service, year, trajectory): what is missing and what stands idle of one place, by its own gap."""
    if np.isnan(supply.held).all():
        return np.full((2, *supply.held.shape, 1), np.nan)
    demand, norm = _demand_and_norm(task, values)
    return gross(supply.held[..., None] - (norm if VIEWS[task.view] == "demand_norm" else demand))


def _demand_and_norm(task: Task, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows of demand and of what the standard asks, NaN where there is none."""
    services = len(task.models)
    norm = values[services : 2 * services].copy()
    norm[[not NORMS & set(model.standards) for model in task.models.values()]] = np.nan
    return values[:services], norm


def _reduce(task: Task, values: np.ndarray, supply: _Supply, missing_idle: np.ndarray) -> dict[str, np.ndarray]:
    """One area: values (row, year, trajectory), what stands, what is missing and idle -> variables without labels."""
    services = len(task.models)
    demand, norm = _demand_and_norm(task, values)
    quantile = quantiles(values)
    norm_quantile = quantiles(norm)
    asked_quantile = norm_quantile if VIEWS[task.view] == "demand_norm" else quantile[:, :services]
    met = supply.recorded[..., None] - norm
    decision = max(0, task.now - int(task.years[0]))
    return {
        "demand_quantile": quantile[:, :services],
        "demand_norm_quantile": norm_quantile,
        "demand_mean": demand.mean(axis=-1),
        "gap_quantile": supply.held - asked_quantile[::-1],
        "population_quantile": quantile[:, 2 * services : -1],
        "births_quantile": quantile[:, -1],
        "p_norm_met": np.where(np.isnan(met).any(axis=-1), np.nan, (met >= 0).mean(axis=-1)),
        "demand_of_trajectories": np.moveaxis(demand, -1, 0).astype(np.float32),
        **odds(missing_idle[0], missing_idle[1], supply.held, decision)._asdict(),
    }


def _ten_years_on(task: Task, values: np.ndarray) -> np.ndarray:
    """(service, trajectory) demand ten years after the jump-off year, or at the horizon if that is nearer."""
    year = min(9, task.years.size - 1)
    return values[: len(task.models), year].astype(np.float32)


def _correlations(values: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """(service,) over trajectories; NaN where nothing varies."""
    a, b = (each - each.mean(axis=-1, keepdims=True) for each in (values, whole))
    size = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.where(size > 0, (a * b).sum(axis=-1) / np.where(size > 0, size, 1.0), np.nan)


def _labelled(task: Task, by_area: Mapping[str, Mapping[str, np.ndarray]], trajectories: range) -> xr.Dataset:
    """All areas beside each other."""
    coords = {
        QUANTILE: list(KEPT),
        TRAJECTORY: list(trajectories),
        AREA: list(by_area),
        SERVICE: list(task.models),
        AGE_GROUP: list(AGE_GROUPS),
        YEAR: task.years,
    }
    variables = {}
    for name, declared in tables()["odds"].variables.items():
        if name == "variance_share":  # by component, see `causes`
            continue
        dims = [dim for dim in (TRAJECTORY, QUANTILE, AREA, SERVICE, AGE_GROUP, YEAR) if dim in declared.dims]
        values = np.stack([reduced[name] for reduced in by_area.values()], axis=dims.index(AREA))
        variable = xr.DataArray(values, dims=dims).transpose(*declared.dims)
        variables[name] = label(variable, f"odds.{name}", trajectories=len(trajectories), seed=task.seed)
    units = [model.unit for model in task.models.values()]
    labelled = xr.Dataset(variables, coords=coords).assign_coords(unit=(SERVICE, units))
    return labelled.assign_attrs(trajectories=len(trajectories), seed=task.seed, view=task.view)
