"""What one person of an age adds to each need: the linear methods, asked one age at a time.

A method is written once, for people by age. Handed one person of age a and nobody else, it says what that person
needs (the methods add up the sexes first), so the weights of all ages follow from the same code, and a block of many trajectories only multiplies and adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from forecast.demand.estimate import estimate_demand
from forecast.demand.model import DemandModel
from forecast.dims import AGE, AGES, COUNTY, TRAJECTORY, YEAR
from forecast.region import Region

BLOCK = 25


def demand_weights(
    models: Mapping[str, DemandModel],
    region: Region | None,
    ratios: pd.DataFrame | None,
    counties: Sequence[str],
    years: Sequence[int],
) -> xr.Dataset:
    """`demand` and `demand_norm` (county, year, service, age) units per person of the age at 31 December.

    region, ratios: as `estimate_demand` takes them. A norm that a service lacks is NaN. Every method so
    far is linear in people, and tests hold each to it.
    """
    parts = [_block(models, region, ratios, counties[at : at + BLOCK], years) for at in range(0, len(counties), BLOCK)]
    return parts[0] if len(parts) == 1 else xr.concat(parts, COUNTY, join="exact")


def _block(
    models: Mapping[str, DemandModel],
    region: Region | None,
    ratios: pd.DataFrame | None,
    counties: Sequence[str],
    years: Sequence[int],
) -> xr.Dataset:
    """The same for a few counties: one person of every age in every county and year takes room."""
    ages = list(AGES)
    one = np.eye(len(ages))[:, None, None, :]
    shape = (len(ages), len(counties), len(years), len(ages))
    coords = {TRAJECTORY: ages, COUNTY: list(counties), YEAR: list(years), AGE: ages}
    people = xr.Dataset({"population": (tuple(coords), np.broadcast_to(one, shape))}, coords=coords)
    found = estimate_demand(people, models, region, ratios)[["demand", "demand_norm"]]
    return found.rename({TRAJECTORY: AGE}).transpose(COUNTY, YEAR, ..., AGE)
