"""Single trajectories: a few that stand for all, and any one recomputed in full."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, TRAJECTORY, YEAR, in_order
from forecast.blocks.task import Task
from forecast.demand.estimate import demand_by_residence
from forecast.demand.flows import region_flows, serve
from forecast.population import project_population
from forecast.population.chance.processes import shared_levels, uncertain_rates

SIDE = 7
"""Trajectories are chosen from so many equal parts by births, and each of these by migration."""


def representative(task: Task, trajectories: range) -> list[int]:
    """Up to 49 trajectories, equally likely, that spread over what all counties share: their births in the mean of
    the years, and within each seventh of these their migration. Each is the middle one of its part."""
    births, migration = shared_levels(task.frame(task.counties[:1]), trajectories)
    parts = [part for part in np.array_split(np.argsort(births, kind="stable"), SIDE) if part.size]
    cells = [np.array_split(part[np.argsort(migration[part], kind="stable")], SIDE) for part in parts]
    middle = [cell[cell.size // 2] for row in cells for cell in row if cell.size]
    return sorted(trajectories.start + int(number) for number in middle)


def recompute(task: Task, number: int) -> xr.Dataset:
    """Everything about one trajectory: people and flows by age as `project_population` gives them, and `demand`.

    In float64 and by labelled arrays, so it differs from the blocks by their float32 (some 1e-6).
    """
    trajectory = range(number, number + 1)
    rates = uncertain_rates(task.rates, task.frame(task.counties), trajectory)
    people = project_population(rates)
    need = demand_by_residence(people, task.models, task.ratios)[["demand", "demand_norm"]]
    by_county = [task.county_factors(county, trajectory) for county in task.counties]
    factors = task.factors(trajectory) * xr.concat(by_county, xr.IndexVariable(COUNTY, task.counties))
    factors = factors.reindex({YEAR: people[YEAR].values}, fill_value=1.0)
    need["demand"] = in_order(need.demand * factors.sel({SERVICE: need[SERVICE].values}))
    flows = region_flows(task.region, list(task.models), task.counties, people[YEAR].values.tolist())
    need = need.assign({name: serve(values, flows) for name, values in need.items()})
    return people.merge(need, join="exact").isel({TRAJECTORY: 0})
