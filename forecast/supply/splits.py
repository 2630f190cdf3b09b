"""County gaps if a larger area's supply lay as one rule or another has it: nobody knows where it lies, so none of this is
a finding; where all rules agree on what is short or to spare, that much is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, AREA, COUNTY, RULE, SERVICE, TRAJECTORY, YEAR
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.tolerance import TOLERANCE
from forecast.basics.variables import label
from forecast.region import Region
from forecast.supply.gap import VIEWS, comparable

if TYPE_CHECKING:
    from forecast.demand import DemandModel

RULES = ("ages", "children", "residents", "load")
"""Shares by the residents of the ages served; by all children (of services for children alone); by all residents; by the
need of the jump-off year, so that every county is as full as the others."""

CHILDREN = (0, 17)


def gaps_if_split(
    region: Region,
    supply: xr.Dataset,
    demand: xr.Dataset,
    people: xr.Dataset,
    models: Mapping[str, DemandModel],
    view: str = "behaviour",
) -> xr.Dataset:
    """Gaps of the counties of which only a larger area's supply is known, by each of `RULES`; empty where all is known.

    gap_if_split   (rule, county, year, service) in the service's unit; NaN where the county's own supply is known, where
                   nothing is known at all, and of a rule that does not fit the service
    sign_if_split  (county, year, service) 1 where every rule that fits leaves more than `TOLERANCE` of the supply to
                   spare, -1 where each leaves more than that missing, 0 where they disagree or are too close to call

    An area's supply less what is known inside it goes to its other counties, small areas first. Residents are those at
    the end of the census year (`supply_split.year` in region.toml, else the last census).
    Raises InputRefused where `people` lack that year or a county.
    """
    given = supply["supply"].transpose(COUNTY, YEAR, SERVICE)
    areas = comparable(supply).transpose(AREA, YEAR, SERVICE)
    unknown = given.isnull().values
    if not any((areas.sel({AREA: area}).notnull().values & unknown[rows]).any() for area, rows in _rows_of(region)):
        return xr.Dataset()
    weights = _weights(region, demand[VIEWS[view]], people, models)
    laid = np.broadcast_to(given.values, (len(RULES), *given.shape)).copy()
    for area, rows in sorted(_rows_of(region), key=lambda item: len(item[1])):
        laid[:, rows] = _laid(laid[:, rows], areas.sel({AREA: area}).values, weights[:, rows])
    need = demand[VIEWS[view]].transpose(COUNTY, YEAR, SERVICE).values
    gap = np.where(unknown, laid - need, np.nan)
    coords = {RULE: list(RULES), **{dim: given[dim].values for dim in given.dims}}
    by_rule = xr.DataArray(gap, coords, tuple(coords))
    sign = by_rule.isel({RULE: 0}, drop=True).copy(data=_common_sign(gap, laid))
    units = supply["supply_of_area"].attrs.get("units", "1")
    return xr.Dataset(
        {
            "gap_if_split": label(by_rule, "split.gap_if_split", units=units, demand=VIEWS[view]),
            "sign_if_split": label(sign, "split.sign_if_split", demand=VIEWS[view]),
        }
    )


def _rows_of(region: Region) -> list[tuple[str, list[int]]]:
    """Area and the positions of its counties."""
    position = {county: row for row, county in enumerate(region.areas.counties)}
    return [(area, [position[county] for county in inside]) for area, inside in region.areas.members.items()]


def _laid(given: np.ndarray, total: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What is given (rule, county, year, service), and over the counties without it the rest of the area's total (year,
    service) by weights (rule, county, service); nothing where the others have more than the total."""
    open_ = np.isnan(given)
    rest = total - np.nansum(given, axis=1)
    share = weights[:, :, None, :] * open_
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(rest < 0, np.nan, rest)[:, None] * share / share.sum(axis=1, keepdims=True)
    return np.where(open_, parts, given)


def _common_sign(gap: np.ndarray, laid: np.ndarray) -> np.ndarray:
    """(county, ...) the sign that the gaps (rule, county, ...) have beyond the tolerance under every rule that fits."""
    fits = ~np.isnan(gap)
    spare, short = (np.all((side > TOLERANCE * laid) | ~fits, axis=0) for side in (gap, -gap))
    return np.where(fits.any(axis=0), spare.astype(float) - short, np.nan)


def _weights(region: Region, need: xr.DataArray, people: xr.Dataset, models: Mapping[str, DemandModel]) -> np.ndarray:
    """(rule, county, service); NaN of a rule that does not fit a service."""
    residents = _at_census(people, region)

    def aged(first: int, last: int) -> np.ndarray:
        sums: np.ndarray = residents.sel({AGE: slice(first, last)}).sum(AGE).values
        return sums

    of_children = [model.ages[1] <= CHILDREN[1] for model in models.values()]
    size = (len(residents), len(models))
    weights = {
        "ages": np.stack([aged(*model.ages) for model in models.values()], axis=-1),
        "children": np.where(of_children, aged(*CHILDREN)[:, None], np.nan),
        "residents": np.broadcast_to(residents.sum(AGE).values[:, None], size),
        "load": need.sel({YEAR: region.jump_off_year}).transpose(COUNTY, SERVICE).values,
    }
    return np.stack([weights[rule] for rule in RULES])


def _at_census(people: xr.Dataset, region: Region) -> xr.DataArray:
    """Residents (county, age) at the end of the census year, counties in the order of the region."""
    population = people["population"]
    if TRAJECTORY in population.dims:  # the census lies in the past, which all trajectories share
        population = population.isel({TRAJECTORY: 0}, drop=True)
    settings = region.settings
    censuses = settings.get("derivation", {}).get("census_years") or [int(population[YEAR][0])]
    year = settings.get("supply_split", {}).get("year", max(censuses))
    if year not in population[YEAR].values:
        have = f"{int(population[YEAR][0])}-{int(population[YEAR][-1])}"
        raise InputRefused(Issue("E422", values={"year": year, "expected": have}))
    apart = {str(county) for county in population[COUNTY].values} ^ set(region.areas.counties)
    if apart:
        raise InputRefused(Issue("E423", values={"found": ", ".join(sorted(apart))}))
    then = population.sel({YEAR: year, COUNTY: region.areas.counties}, drop=True)
    return then.sum([dim for dim in then.dims if dim not in (COUNTY, AGE)], skipna=False).transpose(COUNTY, AGE)
