"""Uncertainty of behaviour: participation, take-up, admission, stay, disability, as paths by trajectory.

A parameter drifts as a random walk on its scale (log, or logit for a share) from the jump-off year, when it was last
known; its standard deviation after ten years stands in the model. Demand is a product in these parameters, so what
they do to it is one factor a service, year and trajectory, the same for all counties of the region.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from forecast.basics.dims import SERVICE, TRAJECTORY, YEAR
from forecast.demand.methods.linear import METHODS
from forecast.demand.model import SPREADS, DemandModel, Quantity
from forecast.population.chance.random import normals

YEARS_OF_SPREAD = 10


def demand_factors(
    models: Mapping[str, DemandModel], years: np.ndarray, area: str, seed: int, trajectories: range
) -> xr.DataArray:
    """(service, year, trajectory): what demand by behaviour is multiplied with; its median is 1.

    years: those after the jump-off year; area: the code whose behaviour it is.
    """
    factors = np.ones((len(models), len(years), len(trajectories)))
    for row, model in enumerate(models.values()):
        powers = METHODS[model.method].powers
        for name, spread in model.uncertainty.items():
            normal = normals(seed, area, f"{model.id}.{name}", years, trajectories)[:, 0]
            walk = spread.value / np.sqrt(YEARS_OF_SPREAD) * np.cumsum(normal, axis=0)
            factors[row] *= _factor(model.parameters[name], spread.unit, walk, years) ** powers[name]
    coords = {SERVICE: list(models), YEAR: years, TRAJECTORY: list(trajectories)}
    return xr.DataArray(factors, dims=tuple(coords), coords=coords)


def _factor(quantity: Quantity, unit: str, walk: np.ndarray, years: np.ndarray) -> np.ndarray:
    """The parameter over its own path, (year, trajectory)."""
    if unit == SPREADS["log"]:
        return np.exp(walk)
    share = np.asarray(quantity.at(years.tolist()))[:, None]
    return 1 / (share + (1 - share) * np.exp(-walk))
