"""Inputs of a stochastic run, and demand of one block of counties at a time.

A block is some counties times all trajectories. Memory is set by the block, not by the country, and no block size
changes a bit of the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from forecast.basics.ages import age_groups
from forecast.basics.dims import AGE, AGES, COUNTY, FROM_PLACE, ROW, SERVICE, TO_PLACE, YEAR
from forecast.blocks.rows import project_rows
from forecast.demand import DemandModel, Ratio, demand_factors
from forecast.demand.flows import systems
from forecast.population.chance.processes import Frame, Uncertainty, uncertain_frame
from forecast.region import Region

AGE_GROUPS = age_groups("all", "0-2", "3-5", "6-11", "12-14", "15-17", "18-59", "60+", "65+", "80+")
"""Groups of residents whose numbers are kept: those of the services, working ages and elders."""

BLOCK = 50
"""Counties in a block: with 1,000 trajectories some 130 MB."""

PARTICIPATION = "participation"
COMPONENTS = ("births", "mortality", "migration", PARTICIPATION)
"""What a trajectory differs in; each can be frozen at the scenario to see how much of the uncertainty is its."""


@dataclass(frozen=True)
class Task:
    """Inputs of a run in many trajectories; the same for every block."""

    region: Region
    rates: xr.Dataset  # with `mobility`
    uncertainty: Uncertainty
    models: Mapping[str, DemandModel]
    ratios: Mapping[str, Ratio]  # of `participation_ratios` for the scenario's people
    weights: xr.Dataset  # of `demand_weights` for the counties and years of the rates
    flows: xr.DataArray | None  # of `region_flows`
    supply: xr.Dataset  # of `estimate_supply`
    view: str
    seed: int
    now: int  # the year in which it is decided

    @property
    def areas(self) -> dict[str, str]:
        """Tier -> code: whose paths the counties of the region share."""
        region = self.region
        return {"nation": region.pattern or "nation", "province": region.parent or region.area, "region": region.area}

    @property
    def counties(self) -> list[str]:
        return [str(code) for code in self.rates[COUNTY].values]

    @property
    def years(self) -> np.ndarray:
        years: np.ndarray = self.rates[YEAR].values
        return years

    def frame(self, counties: Sequence[str], frozen: frozenset[str] = frozenset()) -> Frame:
        """Inputs of the shocks of these counties, with the components in `frozen` held at the scenario."""
        return uncertain_frame(self.rates_of(counties), self.uncertainty, self.areas, self.seed, frozen)

    def rates_of(self, counties: Sequence[str]) -> xr.Dataset:
        return self.rates.sel({COUNTY: list(counties)})

    def factors(self, trajectories: range, frozen: frozenset[str] = frozenset()) -> xr.DataArray:
        """(service, year, trajectory) by which behaviour departs from the models."""
        factors = demand_factors(self.models, self.years, self.region.area, self.seed, trajectories, self.last_known)
        return xr.ones_like(factors) if PARTICIPATION in frozen else factors

    def county_factors(self, county: str, trajectories: range, frozen: frozenset[str] = frozenset()) -> xr.DataArray:
        """The same for what a county has apart from the others."""
        factors = demand_factors(
            self.models, self.years, county, self.seed, trajectories, self.last_known, by_county=True
        )
        return xr.ones_like(factors) if PARTICIPATION in frozen else factors

    @property
    def last_known(self) -> dict[str, int | None]:
        """Service -> the last year in which its pupils were counted."""
        return {name: self.ratios[name].last if name in self.ratios else None for name in self.models}


def needs_by_county(
    task: Task,
    trajectories: range,
    threads: int | None = None,
    block: int = BLOCK,
    frozen: Sequence[frozenset[str]] = (frozenset(),),
) -> Iterator[tuple[str, list[np.ndarray]]]:
    """County after county: its code and (row, year, trajectory), float32, once for each set of components that is
    frozen at the scenario. In the order of the region, but counties that serve each other come together.

    Rows: demand of every service, then what the standard asks of it (0 where it has none), people by `AGE_GROUPS`,
    and last births.
    """
    factors = [task.factors(trajectories, each).values.astype(np.float32) for each in frozen]
    for counties in _blocks(task, block):
        rates, rows = task.rates_of(counties), _rows(task, counties)
        needs = []
        for each, factor in zip(frozen, factors, strict=True):
            values = project_rows(rates, task.frame(counties, each), rows, trajectories, threads).values
            values[:, : len(factor)] *= factor
            for row, county in enumerate(counties):
                values[row, : len(factor)] *= task.county_factors(county, trajectories, each).values
            needs.append(_served(task, counties, values))
        yield from ((county, [values[position] for values in needs]) for position, county in enumerate(counties))


def _blocks(task: Task, block: int) -> Iterator[list[str]]:
    """Counties by the block; those that serve each other stand in one, be it larger."""
    together: list[str] = []
    for system in systems(task.flows, task.counties):
        if together and len(together) + len(system) > block:
            yield together
            together = []
        together = together + system
    yield together


def _served(task: Task, counties: Sequence[str], needs: np.ndarray) -> np.ndarray:
    """Needs (county, row, year, trajectory) where they are served: rows of demand and of the norm follow the flows."""
    if task.flows is None:
        return needs
    services, inside = list(task.models), {FROM_PLACE: list(counties), TO_PLACE: list(counties)}
    served = needs.copy()
    for name in task.flows[SERVICE].values:
        shares = task.flows.sel({SERVICE: name, **inside}).transpose(TO_PLACE, FROM_PLACE, YEAR).values
        for row in (services.index(name), len(services) + services.index(name)):
            served[:, row] = np.einsum("jiy,iyt->jyt", shares.astype(needs.dtype), needs[:, row])
    return served


def _rows(task: Task, counties: Sequence[str]) -> xr.DataArray:
    """(county, year, row, age): the weights of the services in both views, then the age groups."""
    weights = task.weights.sel({COUNTY: list(counties)})
    groups = np.array([[first <= age <= last for age in AGES] for first, last in AGE_GROUPS.values()], float)
    shape = (len(counties), task.years.size, *groups.shape)
    order = (COUNTY, YEAR, SERVICE, AGE)
    parts = [weights.demand.transpose(*order).values, weights.demand_norm.fillna(0.0).transpose(*order).values]
    names = [*task.models, *(f"norm of {service}" for service in task.models), *AGE_GROUPS]
    coords = {COUNTY: list(counties), YEAR: task.years, ROW: names, AGE: list(AGES)}
    values = np.concatenate([*parts, np.broadcast_to(groups, shape)], axis=2)
    return xr.DataArray(values, dims=tuple(coords), coords=coords)
