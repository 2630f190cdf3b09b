"""What one person of an age adds to each need: the linear methods, asked one age at a time.

A method is written once, for people by age. Handed one person of age a and nobody else, it says what that person
needs (the methods add up the sexes first), so the weights of all ages follow from the same code, and a block of many
trajectories only multiplies and adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, AGES, COUNTY, TRAJECTORY, YEAR
from forecast.demand.estimate import demand_by_residence
from forecast.demand.model import DemandModel
from forecast.region import Region

BLOCK = 25
"""Counties asked at once: one person of every age in each county and year takes room, some 55 MB for 27 years."""


def demand_weights(
    models: Mapping[str, DemandModel],
    region: Region | None,
    ratios: pd.DataFrame | None,
    counties: Sequence[str],
    years: Sequence[int],
) -> xr.Dataset:
    """`demand` and `demand_norm` (county, year, service, age) units per person of the age who lives in the county.

    region, ratios: as `estimate_demand` takes them. A norm that a service lacks is NaN. Every method so
    far is linear in people, and tests hold each to it.
    """
    parts = []
    for at in range(0, len(counties), BLOCK):
        people = _one_of_each_age(counties[at : at + BLOCK], years)
        found = demand_by_residence(people, models, region, ratios)[["demand", "demand_norm"]]
        parts.append(found.rename({TRAJECTORY: AGE}).transpose(COUNTY, YEAR, ..., AGE))
    return parts[0] if len(parts) == 1 else xr.concat(parts, COUNTY, join="exact")


def _one_of_each_age(counties: Sequence[str], years: Sequence[int]) -> xr.Dataset:
    """`population` (trajectory, county, year, age): in trajectory a one person of age a everywhere and nobody else."""
    ages = list(AGES)
    coords = {TRAJECTORY: ages, COUNTY: list(counties), YEAR: list(years), AGE: ages}
    shape = (len(ages), len(counties), len(years), len(ages))
    one = np.broadcast_to(np.eye(len(ages))[:, None, None, :], shape)
    return xr.Dataset({"population": (tuple(coords), one)}, coords=coords)
