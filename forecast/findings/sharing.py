"""One short while another has room: neighbouring counties, and services inside a county (人口跨峰前后)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, TRAJECTORY, YEAR
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.variables import label
from forecast.demand import DemandModel
from forecast.findings.flags import Flags
from forecast.region import Region
from forecast.waves import synchrony

PAIR_COLUMNS = ("service", "short_county", "spare_county", "first_year", "last_year", "place_years", "probability")


@dataclass(frozen=True)
class SharingRules:
    """Limits within which two counties can share places.

    reach  how far apart they may be at most, by what a table of neighbours knows of them, the better known first:
           "minutes" on the way, or "seat_km" between the seats
    often  a year counts to the span of a pair if the pair has something to share in so many of the trajectories
    """

    reach: Mapping[str, float]
    often: float

    @classmethod
    def of(cls, entries: Mapping[str, Any]) -> SharingRules:
        """The rules of `rules/sharing.toml`, given as dotted key -> Quantity."""
        reach = {key.removeprefix("reach."): float(entry.value) for key, entry in entries.items() if "." in key}
        return cls(reach, float(entries["often"].value))


@dataclass(frozen=True)
class Sharing:
    """Pairs of counties and of services that could share places or floor area from the decision on, and how alike the
    counties are.

    pairs           as `counter_phase`, largest first; None where the region has no table of neighbours
    by, limit       what tells how far apart two counties are ("minutes" or "seat_km"), and how far at most; "" and NaN
                    where `pairs` is None
    follow_on_area  as `cross_service`; floor_area: m2 per place of the services whose standards name it
    alike           (service, category) share of the counties in each class
    """

    pairs: pd.DataFrame | None
    by: str
    limit: float
    follow_on_area: xr.Dataset
    floor_area: Mapping[str, float]
    alike: xr.DataArray


def find_sharing(flags: Flags, models: Mapping[str, DemandModel], region: Region, rules: SharingRules) -> Sharing:
    """Sharing between the counties of a region and inside them, from the gaps and classes of its flags."""
    counties = region.counties.index.tolist()
    gap = flags.gap.sel({COUNTY: counties})
    pairs, by = within_reach(gap, region.tables.get("neighbours"), rules) or (None, "")
    floors = floor_areas(models)
    alike = synchrony(flags.classes.sel({COUNTY: counties}))
    return Sharing(pairs, by, rules.reach.get(by, np.nan), cross_service(gap, floors, follow_on(models)), floors, alike)


def counter_phase(
    gap: xr.DataArray, neighbours: pd.DataFrame, limit: float, often: float, by: str = "minutes"
) -> pd.DataFrame:
    """Pairs of counties of which one lacks what the other has to spare in the same year, largest first.

    gap         supply - demand (trajectory?, county, year, service), as `compare_supply` gives it
    neighbours  county_a, county_b and how far apart; a pair that is not there is out of reach, either direction will do
    limit       how far at most; by: the column that tells it, which the table found has too
    often       as in `SharingRules`

    place_years  mean over trajectories of sum over years of min(what a lacks, what b has to spare): an upper bound for
                 each pair alone, since a county's spare places can be given once
    probability  share of trajectories with anything to share; first_year to last_year hold the years in which `often`
                 of the trajectories have
    A pair with an unknown year is left out of that year. Raises InputRefused where a county is not in `gap`.
    """
    counties = [str(county) for county in gap[COUNTY].values]
    unknown = sorted((set(neighbours["county_a"]) | set(neighbours["county_b"])) - set(counties))
    if unknown:
        raise InputRefused(Issue("E436", values={"found": ", ".join(map(str, unknown))}))
    near = neighbours[neighbours[by] <= limit]
    ways = {(str(a), str(b)): float(far) for a, b, far in zip(near.county_a, near.county_b, near[by], strict=True)}
    ways = {(b, a): far for (a, b), far in ways.items()} | ways
    full = gap if TRAJECTORY in gap.dims else gap.expand_dims(TRAJECTORY)
    rows = []
    for service in gap[SERVICE].values:
        gaps = full.sel({SERVICE: service}).transpose(TRAJECTORY, COUNTY, YEAR)
        years = gaps[YEAR].to_numpy()
        values = {county: gaps.sel({COUNTY: county}).to_numpy() for county in counties}
        for (short, spare), far in ways.items():
            shared = np.nan_to_num(np.minimum(np.maximum(-values[short], 0), np.maximum(values[spare], 0)))
            shared_years = np.flatnonzero((shared > 0).mean(axis=0) >= often)
            if len(shared_years):
                span = (int(years[shared_years[0]]), int(years[shared_years[-1]]))
                total, share = float(shared.sum(axis=1).mean()), float((shared > 0).any(axis=1).mean())
                rows.append((str(service), short, spare, *span, total, share, far))
    pairs = pd.DataFrame(rows, columns=[*PAIR_COLUMNS, by])
    return pairs.sort_values("place_years", ascending=False, kind="stable", ignore_index=True)


def within_reach(
    gap: xr.DataArray, neighbours: pd.DataFrame | None, rules: SharingRules
) -> tuple[pd.DataFrame, str] | None:
    """`counter_phase` by the first of `rules.reach` that the region's table of neighbours has, and which that is.

    Pairs with a county that is not in `gap`, or whose way is not known, are out of reach. None without such a table.
    """
    by = None if neighbours is None else next((name for name in rules.reach if name in neighbours), None)
    if neighbours is None or by is None:
        return None
    there = gap[COUNTY].values
    near = neighbours[neighbours["county_a"].isin(there) & neighbours["county_b"].isin(there)].dropna(subset=[by])
    return counter_phase(gap, near, rules.reach[by], rules.often, by), by


def floor_areas(models: Mapping[str, DemandModel]) -> dict[str, float]:
    """m2 per place of the services whose standards name it."""
    standards = {name: model.standard("floor_area") for name, model in models.items()}
    return {name: float(standard.dated[-1][1]) for name, standard in standards.items() if standard is not None}


def follow_on(models: Mapping[str, DemandModel]) -> list[tuple[str, str]]:
    """Pairs of services: what empties, and what may move in."""
    return [
        (empties, name) for empties in models for name, model in models.items() if empties in model.service.moves_into
    ]


def cross_service(gap: xr.DataArray, floor_area: Mapping[str, float], pairs: Sequence[tuple[str, str]]) -> xr.Dataset:
    """Floor area inside each county that one service empties while another lacks it, year by year.

    gap         supply - demand (trajectory?, county, year, service) in places or beds
    floor_area  m2 per place of each service (the standards of the demand models)

    Returns by (county, year, pair): `area`, the mean over trajectories of min(area to spare in the first service,
    area lacking in the second), in m2, and `probability`, the share of trajectories with any. NaN where either is
    not known. Pairs whose services are not in `gap`, or that have no floor area, are not there: `pairs` says which are.
    """
    there = set(gap[SERVICE].values) & set(floor_area)
    kept = [pair for pair in pairs if set(pair) <= there]
    full = gap if TRAJECTORY in gap.dims else gap.expand_dims(TRAJECTORY)
    areas, shares = [], []
    for empties, moves_in in kept:
        spare = full.sel({SERVICE: empties}, drop=True).clip(min=0) * floor_area[empties]
        lacking = (-full.sel({SERVICE: moves_in}, drop=True)).clip(min=0) * floor_area[moves_in]
        shared = xr.where(spare < lacking, spare, lacking).where(spare.notnull() & lacking.notnull())
        areas.append(shared.mean(TRAJECTORY, skipna=False))
        shares.append((shared > 0).mean(TRAJECTORY).where(shared.notnull().all(TRAJECTORY)))
    index = pd.Index([f"{empties} > {moves_in}" for empties, moves_in in kept], name="pair")
    empty = xr.zeros_like(gap.isel({SERVICE: 0}, drop=True)).expand_dims(pair=index)
    area = xr.concat(areas, index) if kept else empty
    share = xr.concat(shares, index) if kept else empty
    order = (COUNTY, YEAR, "pair")
    return label(xr.Dataset({"area": area.transpose(*order), "probability": share.transpose(*order)}), "sharing")
