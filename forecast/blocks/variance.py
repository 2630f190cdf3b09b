"""Shares of births, mortality, migration and participation in the uncertainty of demand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr

from forecast.basics.areas import Areas, add_to_areas
from forecast.basics.dims import AREA, COMPONENT, SERVICE, YEAR
from forecast.basics.variables import label
from forecast.blocks.task import COMPONENTS, Task, needs_by_county

TOGETHER = "together"

MOST = 200
"""Trajectories from which the shares of births, migration, mortality and participation are reckoned."""


@dataclass(frozen=True)
class Causes:
    """Causes of the spread of a run's trajectories, by area."""

    task: Task
    trajectories: int
    areas: Areas

    @cached_property
    def variance_share(self) -> xr.DataArray:
        """As `attribute_variance` gives it, from at most `MOST` trajectories; worked out once."""
        return attribute_variance(self.task, range(min(self.trajectories, MOST)), self.areas)


def attribute_variance(task: Task, trajectories: range, areas: Areas, threads: int | None = None) -> xr.DataArray:
    """(component, area, year, service): share of the variance of demand that a component makes by itself, with the
    others frozen at the scenario; `together` is what remains, because components act on each other (within sampling
    error, so it may be below 0). For components that add up these are the first-order indices of Sobol (2001)."""
    alone = [frozenset(COMPONENTS) - {component} for component in COMPONENTS]
    services = len(task.models)
    by_area: dict[str, np.ndarray] = {}
    sums: dict[str, np.ndarray] = {}
    for county, needs in needs_by_county(task, trajectories, threads, frozen=[frozenset(), *alone]):
        demand = np.stack(needs)[:, :services].astype(float)
        by_area[county] = demand.var(axis=-1)
        add_to_areas(sums, county, demand, areas)
    by_area |= {area: demand.var(axis=-1) for area, demand in sums.items()}
    variance = np.stack(list(by_area.values()), axis=1)  # (all or component alone, area, service, year)
    shares = variance[1:] / np.where(variance[0] > 0, variance[0], np.nan)
    values = np.concatenate([shares, 1 - shares.sum(axis=0, keepdims=True)])
    coords = {COMPONENT: [*COMPONENTS, TOGETHER], AREA: list(by_area), SERVICE: list(task.models), YEAR: task.years}
    causes = xr.DataArray(values, dims=tuple(coords), coords=coords).transpose(COMPONENT, AREA, YEAR, SERVICE)
    return label(causes, "odds.variance_share", trajectories=len(trajectories))
