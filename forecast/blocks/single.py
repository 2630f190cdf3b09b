"""A single trajectory, recomputed in full."""

from __future__ import annotations

import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, TRAJECTORY, YEAR, in_order
from forecast.blocks.task import Task
from forecast.demand.estimate import demand_by_residence
from forecast.demand.flows import region_flows, serve
from forecast.population import project_population
from forecast.population.chance.processes import uncertain_rates


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
