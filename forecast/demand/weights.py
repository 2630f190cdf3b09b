"""Units of need per person of each age: demand = people @ weights.

Methods are linear in people. Weights come from calling each method once with 101 trajectories; trajectory a holds one
person of age a and nobody else (methods add up the sexes first), so that what it returns is the weight of that age. A
method is thus written once, for people by age, and a block of many trajectories only multiplies and adds.

The contract of a demand model has two parts:

rows      people by age (and one day by state) -> units of need. Linear: the need of two groups of people is the sum of
          the needs of each, and nobody needs nothing. Weights, sensitivity, blocks and causes rest on it, and tests
          hold every method to it.
response  need -> places, any function, as queues are not linear in people. Optional; no method has one so far. It would
          be applied to each trajectory after the rows have been added up, never to weights or to means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, AGES, COUNTY, TRAJECTORY, YEAR
from forecast.demand.estimate import demand_by_residence
from forecast.demand.model import DemandModel
from forecast.demand.schools.ratios import Ratio

BLOCK = 25
"""Counties asked at once: one person of every age in each county and year takes room, some 55 MB for 27 years."""


def demand_weights(
    models: Mapping[str, DemandModel],
    ratios: Mapping[str, Ratio],
    counties: Sequence[str],
    years: Sequence[int],
) -> xr.Dataset:
    """`demand` and `demand_norm` (county, year, service, age) units per person of the age who lives in the county.

    ratios: of `participation_ratios`. A norm that a service lacks is NaN. Every method so
    far is linear in people, and tests hold each to it.
    """
    parts = []
    for first in range(0, len(counties), BLOCK):
        people = _one_of_each_age(counties[first : first + BLOCK], years)
        needs = demand_by_residence(people, models, ratios)[["demand", "demand_norm"]]
        parts.append(needs.rename({TRAJECTORY: AGE}).transpose(COUNTY, YEAR, ..., AGE))
    return parts[0] if len(parts) == 1 else xr.concat(parts, COUNTY, join="exact")


def _one_of_each_age(counties: Sequence[str], years: Sequence[int]) -> xr.Dataset:
    """`population` (trajectory, county, year, age): in trajectory a one person of age a everywhere and nobody else."""
    ages = list(AGES)
    coords = {TRAJECTORY: ages, COUNTY: list(counties), YEAR: list(years), AGE: ages}
    shape = (len(ages), len(counties), len(years), len(ages))
    persons = np.broadcast_to(np.eye(len(ages))[:, None, None, :], shape)
    return xr.Dataset({"population": (tuple(coords), persons)}, coords=coords)
