"""Uncertainty of behaviour: participation, take-up, admission, stay, disability, as paths by trajectory.

A parameter drifts as a random walk on its scale (log, or logit for a share) from the year in which it was last known:
that of the service's last roll, else the jump-off year. Its standard deviation after ten years stands in the model,
for all counties alike and for a county apart from the others. Demand is a product in these parameters, so what they do
to it is one factor a service, year and trajectory for the whole, and one more for each county.
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
    models: Mapping[str, DemandModel],
    years: np.ndarray,
    area: str,
    seed: int,
    trajectories: range,
    known: Mapping[str, int | None] | None = None,
    by_county: bool = False,
) -> xr.DataArray:
    """(service, year, trajectory): what demand by behaviour is multiplied with; its median is 1.

    years: those after the jump-off year; area: the code whose behaviour it is; known: service -> the last year in which
    its behaviour was counted, by default the jump-off year: up to it the factor is 1. by_county: what a county has
    apart from the others, `area` being its code.
    """
    factors = np.ones((len(models), len(years), len(trajectories)))
    for row, model in enumerate(models.values()):
        powers = METHODS[model.method].powers
        last = (known or {}).get(model.id)
        start = int(years[0]) - 1 if last is None else last
        drift = np.arange(start + 1, int(years[-1]) + 1)
        for name, spread in (model.uncertainty_by_county if by_county else model.uncertainty).items():
            normal = normals(seed, area, f"{model.id}.{name}", drift, trajectories)[:, 0]
            walk = spread.value / np.sqrt(YEARS_OF_SPREAD) * np.cumsum(normal, axis=0)
            later = np.isin(years, drift)
            walk = walk[np.isin(drift, years)]
            factors[row, later] *= _factor(model.parameters[name], spread.unit, walk, years[later]) ** powers[name]
    coords = {SERVICE: list(models), YEAR: years, TRAJECTORY: list(trajectories)}
    return xr.DataArray(factors, dims=tuple(coords), coords=coords)


def _factor(quantity: Quantity, unit: str, walk: np.ndarray, years: np.ndarray) -> np.ndarray:
    """The parameter over its own path, (year, trajectory)."""
    if unit == SPREADS["log"]:
        return np.exp(walk)
    share = np.asarray(quantity.at(years.tolist()))[:, None]
    return 1 / (share + (1 - share) * np.exp(-walk))
