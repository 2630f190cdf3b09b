"""Demand against supply: what is short, what stands empty, how heavily the supply is used; said only where it is known.

Which places have a gap follows from the kind of their supply (`forecast.supply.claims`).
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.areas import Areas, with_areas
from forecast.basics.dims import AREA, COUNTY, SERVICE, TRAJECTORY, YEAR, in_order, same_coords
from forecast.basics.issues import Issue, UsageError
from forecast.basics.quantiles import MIDDLE_AND_ENDS
from forecast.basics.tolerance import TOLERANCE
from forecast.basics.variables import label
from forecast.supply.claims import claims

VIEWS = {"behaviour": "demand", "norm": "demand_norm"}
"""View of demand -> the variable that holds it."""


def has_words(kinds: xr.DataArray, *words: str) -> xr.DataArray:
    """Whether the kinds of supply allow one of these `Words`, cell by cell."""
    allowed = [kind for kind, claim in claims().items() if claim.words in words]
    return kinds.isin(allowed)


def comparable(supply: xr.Dataset) -> xr.DataArray:
    """`supply_of_area` (area, year, service) where need may be held against it, NaN elsewhere."""
    return supply["supply_of_area"].where(has_words(supply["supply_kind"], "gap", "held"))


def compare_supply(demand: xr.Dataset, supply: xr.Dataset, view: str = "behaviour") -> xr.Dataset:
    """gap = supply - demand (positive: surplus) and load = demand / supply, by (trajectory?, county, year, service).

    supply: `supply` (county, year, service); with `supply_kind` (area, service) gap and load are NaN of the counties
    whose kind allows no gap, without it all of it is taken as recorded.
    `view` says which demand counts: `behaviour` (what people will use) or `norm` (what the standard asks). Where
    supply or demand is not known (NaN), gap, load and p_short are NaN: nothing is taken for zero. Where supply is 0
    the gap is minus demand, and load is inf; where both are 0 load is NaN, because nothing is used and nothing stands.

    With `trajectory` also p_short, the share of trajectories that lack more than `TOLERANCE` of the supply, and
    gap_quantile (quantile, county, year, service).
    Raises UsageError for an unknown view, ValueError where counties, years or services differ.
    """
    need, have = _asked(demand, view), supply["supply"]
    same_coords(need, have)
    units, asked = have.attrs.get("units", "1"), VIEWS[view]
    held = have
    if "supply_kind" in supply:
        kinds = supply["supply_kind"].sel({AREA: have[COUNTY].values}).rename({AREA: COUNTY})
        held = have.where(has_words(kinds, "gap", "held"))
    with xr.set_options(arithmetic_join="exact"):
        gap = in_order(held - need)
        load = in_order((need / held).where((held != 0) | (need != 0)))
    compared = xr.Dataset(
        {
            "supply": have,
            "gap": label(gap, "gap.gap", units=units, demand=asked),
            "load": label(load, "gap.load", demand=asked),
        }
    )
    if TRAJECTORY in gap.dims:
        short = (gap < -TOLERANCE * held).mean(TRAJECTORY).where(gap.notnull().all(TRAJECTORY))
        quantiles = gap.quantile(list(MIDDLE_AND_ENDS), TRAJECTORY, keep_attrs=False, skipna=False)
        compared["p_short"] = label(short, "gap.p_short", demand=asked)
        compared["gap_quantile"] = label(in_order(quantiles), "gap.gap_quantile", units=units, demand=asked)
    return compared.assign_attrs(view=view)


def compare_areas(demand: xr.Dataset, supply: xr.Dataset, areas: Areas, view: str = "behaviour") -> xr.Dataset:
    """The same for the counties and the areas, along `area`: net, and gross where the parts are known.

    gap_of_area      (area, year, service) supply less need; NaN where the kind of the supply allows no gap
    missing_of_area  what is missing: of an area all of whose counties have a gap the sum over those that lack, else
    idle_of_area     what the area itself lacks; likewise what stands empty
    parts_known      (area, service) whether these are such sums, from the first year in which every county has a gap

    supply: as `estimate_supply` gives it, with all counties of the region. Raises UsageError for an unknown view.
    """
    need = with_areas(_asked(demand, view), areas).rename({COUNTY: AREA})
    have = comparable(supply)
    same_coords(have, need)
    gap = (have - need).transpose(AREA, YEAR, SERVICE)
    missing_idle = gross(gap.values)
    row_of = {place: row for row, place in enumerate(areas.places)}
    known = np.zeros((len(row_of), gap.sizes[SERVICE]), dtype=bool)
    for area, counties in areas.members.items():
        parts = missing_idle[:, [row_of[county] for county in counties]].sum(axis=1)
        missing_idle[:, row_of[area]], complete = of_parts(missing_idle[:, row_of[area]], parts)
        known[row_of[area]] = complete.any(axis=0)
    units, asked = supply["supply_of_area"].attrs.get("units", "1"), VIEWS[view]
    missing, idle = (gap.copy(data=values) for values in missing_idle)
    by_year = {"gap_of_area": gap, "missing_of_area": missing, "idle_of_area": idle}
    found = xr.Dataset(
        {name: label(values, f"gap.{name}", units=units, demand=asked) for name, values in by_year.items()}
    )
    parts_known = label(xr.DataArray(known, dims=(AREA, SERVICE)), "gap.parts_known", demand=asked)
    return found.assign(parts_known=parts_known)


def gross(gap: np.ndarray) -> np.ndarray:
    """(2, ...): what is missing and what stands idle by a gap (...), neither below 0; NaN where there is none."""
    return np.stack([np.maximum(-gap, 0), np.maximum(gap, 0)])


def of_parts(own: np.ndarray, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Missing and idle (2, ...) of an area: the sum over its counties where each of them has a gap (`parts` is known),
    else its own; and where (...) they are such sums. Where the area itself may have no gap, neither has its sum."""
    complete = ~np.isnan(own[0]) & ~np.isnan(parts[0])
    return np.where(complete, parts, own), complete


def _asked(demand: xr.Dataset, view: str) -> xr.DataArray:
    """Demand in a view. Raises UsageError for an unknown one."""
    if view not in VIEWS:
        raise UsageError(Issue("E431", values={"found": view, "expected": ", ".join(VIEWS)}))
    return demand[VIEWS[view]]


def capacity_for_risk(demand_quantile: xr.DataArray, risk: float) -> xr.DataArray:
    """Places or beds needed so that a shortage is at most so likely: the quantile of demand at 1 - risk.

    demand_quantile: (quantile, ...), demand at rising levels; between two levels the line is straight.
    risk: 0 to 1. A planner who knows costs has it from the critical ratio of the newsvendor (Arrow, Harris and
    Marschak 1951): risk = o / (u + o), with u the cost of a missing place for a year and o that of an empty one.

    Raises ValueError where 1 - risk lies beyond the levels that were kept.

    >>> level = xr.DataArray([80.0, 100.0, 120.0], dims="quantile", coords={"quantile": [0.1, 0.5, 0.9]})
    >>> float(capacity_for_risk(level, 0.1)), float(capacity_for_risk(level, 0.4))
    (120.0, 105.0)
    """
    levels = demand_quantile["quantile"].values
    wanted = 1 - risk
    if not levels[0] - 1e-9 <= wanted <= levels[-1] + 1e-9:
        raise ValueError(f"risk {risk:g} is outside {1 - levels[-1]:g} to {1 - levels[0]:g}, the levels that were kept")
    above = max(1, int(np.searchsorted(levels, wanted - 1e-9)))
    share = (wanted - levels[above - 1]) / (levels[above] - levels[above - 1])
    low, high = (demand_quantile.isel(quantile=at, drop=True) for at in (above - 1, above))
    return low + share * (high - low)
