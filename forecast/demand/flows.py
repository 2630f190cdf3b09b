"""Shares of each county's pupils by the county of their school; fitted to rolls, applied to pupils.

D_served = F' D, F with rows that add up to one: pupils are moved, none made or lost. Schools that belong
to no county (the city's own senior schools, boarding schools) are destinations of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from forecast.basics.dims import COUNTY, FROM_PLACE, GRADE, SERVICE, TO_PLACE, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.region import Region

CLOSE = 1e-10
MOST_ROUNDS = 10_000


def require_shares(shares: xr.DataArray) -> None:
    """Raises InputRefused where a row of (origin, destination, ...) does not add up to 1 or a share is negative."""
    off = abs(shares.sum(TO_PLACE) - 1)
    if float(shares.min()) < 0 or float(off.max()) > 1e-9:
        worst = str(off.max([dim for dim in off.dims if dim != FROM_PLACE]).idxmax(FROM_PLACE).item())
        raise InputRefused(Issue("E447", values={"county": worst, "found": f"{1 + float(off.max()):.6f}"}))


def region_flows(
    region: Region | None, services: Sequence[str], counties: Sequence[str], years: Sequence[int]
) -> xr.DataArray | None:
    """Shares (service, origin, destination, year) of each county's demand by the county that serves it; None where the
    region gives none for these services.

    Between two dated matrices the shares move evenly, before the first and after the last they stay. Counties and
    services without rows serve their own. Shares are made to add up to exactly 1. Raises InputRefused where a county of
    the table is not among `counties`, since then nobody knows what comes from it.
    """
    if region is None or not region.has("flows"):
        return None
    table = region.table("flows")
    table = table[table[SERVICE].isin(list(services)) & (table["share"] > 0)]
    if table.empty:
        return None
    missing = sorted((set(table["from"]) | set(table["to"])) - set(counties))
    if missing:
        raise InputRefused(Issue("E414", values={"dim": COUNTY, "labels": ", ".join(missing)}))
    names = [name for name in services if name in set(table[SERVICE])]
    stay = np.eye(len(counties))[:, :, None] * np.ones(len(years))
    matrices = np.stack([stay] * len(names))
    row_of = {str(county): row for row, county in enumerate(counties)}
    for (service, origin), rows in table.groupby([SERVICE, "from"]):
        dated = rows.pivot_table(index=YEAR, columns="to", values="share", aggfunc="sum", fill_value=0.0)
        shares = dated.to_numpy() / dated.to_numpy().sum(axis=1, keepdims=True)
        matrices[names.index(service), row_of[origin]] = 0.0
        for column, destination in enumerate(dated.columns):
            path = np.interp(years, dated.index.to_numpy(), shares[:, column])
            matrices[names.index(service), row_of[origin], row_of[destination]] = path
    coords = {SERVICE: names, FROM_PLACE: list(counties), TO_PLACE: list(counties), YEAR: list(years)}
    return xr.DataArray(matrices, coords, tuple(coords), "share")


def serve(demand: xr.DataArray, flows: xr.DataArray | None) -> xr.DataArray:
    """Demand (..., county, year, service) where it is served; services without flows stay as they are."""
    if flows is None:
        return demand
    parts = [
        served(demand.sel({SERVICE: name}), flows.sel({SERVICE: name}, drop=True))
        if name in flows[SERVICE].values
        else demand.sel({SERVICE: name})
        for name in demand[SERVICE].values
    ]
    parts = [part.reset_coords(drop=True) for part in parts]
    joined = in_order(xr.concat(parts, demand[SERVICE], join="exact")).transpose(*demand.dims)
    return joined.rename(demand.name).assign_attrs(demand.attrs)


def by_residence(rolls: xr.DataArray, shares: xr.DataArray) -> xr.DataArray:
    """Pupils (county, year, grade) by where they live, from rolls by school: `served` of it gives the rolls.

    shares: (origin, destination, year), square. Raises InputRefused where no numbers of pupils, or only negative ones,
    would give these rolls: the flows cannot be those of the rolls.
    """
    require_shares(shares)
    counties = rolls[COUNTY].values
    square = shares.sel({FROM_PLACE: counties, TO_PLACE: counties, YEAR: rolls[YEAR]})
    matrix = square.transpose(YEAR, TO_PLACE, FROM_PLACE).values
    there = rolls.transpose(YEAR, COUNTY, GRADE)
    try:
        pupils = there.copy(data=np.linalg.solve(matrix, there.values))
    except np.linalg.LinAlgError:
        raise InputRefused(Issue("E456", "flows.csv", values={"county": "-", "year": int(rolls[YEAR][-1])})) from None
    short = pupils.where(pupils < -1e-6 * there.max()).to_series().dropna()
    for year, county, _ in short.index[:1]:
        raise InputRefused(Issue("E456", "flows.csv", values={"county": county, "year": year}))
    return pupils.clip(min=0).transpose(*rolls.dims)


def systems(flows: xr.DataArray | None, counties: Sequence[str]) -> list[list[str]]:
    """Counties that serve each other, in the order of their first; each county alone where there are no flows."""
    linked = list(range(len(counties)))  # the first county of each one's system
    if flows is not None:
        used = (flows > 0).any([SERVICE, YEAR]).transpose(FROM_PLACE, TO_PLACE).values
        for pair in np.argwhere(used):
            first, other = sorted(linked[county] for county in pair)
            linked = [first if head == other else head for head in linked] if first != other else linked
    by_head: dict[int, list[str]] = {}
    for county, head in zip(counties, linked, strict=True):
        by_head.setdefault(head, []).append(county)
    return list(by_head.values())


def served(pupils: xr.DataArray, shares: xr.DataArray) -> xr.DataArray:
    """Pupils by the county of their school (..., county) from pupils by residence (..., county).

    shares: (origin, destination, [stage, year]) of each county's pupils; destinations may be more than the counties.
    """
    require_shares(shares)
    with xr.set_options(arithmetic_join="exact"):
        moved = (pupils.rename({COUNTY: FROM_PLACE}) * shares).sum(FROM_PLACE, skipna=False)
    return in_order(moved.rename({TO_PLACE: COUNTY}).rename("served"))


def calibrate_flows(seed: xr.DataArray, pupils: xr.DataArray, rolls: xr.DataArray, rtol: float = 1e-6) -> xr.DataArray:
    """Shares (origin, destination) nearest to the seed's pattern that carry pupils by residence to the observed rolls.
    Asked alone.

    seed: (origin, destination) not negative, a zero stays zero (who cannot go there does not); pupils: (county) by
    residence; rolls: (county) by school, the destinations. Iterative proportional fitting (RAS). Raises InputRefused
    where the two sums differ by more than rtol, or where the zeros of the seed leave no way.
    """
    rows = pupils.sel({COUNTY: seed[FROM_PLACE].values}).values.astype(float)
    columns = rolls.sel({COUNTY: seed[TO_PLACE].values}).values.astype(float)
    if abs(rows.sum() - columns.sum()) > rtol * rows.sum():
        values = {"pupils": f"{rows.sum():,.0f}", "rolls": f"{columns.sum():,.0f}"}
        raise InputRefused(Issue("E448", values=values))
    columns = columns * rows.sum() / columns.sum()
    persons = seed.transpose(FROM_PLACE, TO_PLACE).values * rows[:, None]
    for _ in range(MOST_ROUNDS):
        persons = persons * _factor(columns, persons.sum(0))[None, :]
        persons = persons * _factor(rows, persons.sum(1))[:, None]
        off = abs(persons.sum(0) - columns)
        if off.max() <= CLOSE * rows.sum():
            break
    else:
        worst = str(seed[TO_PLACE].values[int(off.argmax())])
        raise InputRefused(Issue("E449", values={"county": worst, "found": f"{off.max():,.1f}"}))
    # a county without pupils sends nobody: any row will do, this one is harmless
    stay = np.eye(rows.size, columns.size)
    shares = np.where(rows[:, None] > 0, persons / np.where(rows > 0, rows, 1.0)[:, None], stay)
    return xr.DataArray(shares, seed.transpose(FROM_PLACE, TO_PLACE).coords, (FROM_PLACE, TO_PLACE), "share")


def _factor(wanted: np.ndarray, have: np.ndarray) -> np.ndarray:
    factor: np.ndarray = np.where(have > 0, wanted / np.where(have > 0, have, 1.0), 1.0)
    return factor


def flow_path(start: xr.DataArray, target: xr.DataArray, years: Sequence[int], reached: int) -> xr.DataArray:
    """Shares (origin, destination, year) that move evenly from `start` in the first year to `target` in `reached`.
    Asked alone.

    Between two row-stochastic matrices every mixture is one. A fixed matrix is a target equal to the start.
    """
    require_shares(start)
    require_shares(target)
    first = years[0]
    part = np.clip((np.asarray(years) - first) / max(reached - first, 1), 0, 1)
    weight = xr.DataArray(part, {"year": list(years)}, ("year",))
    with xr.set_options(arithmetic_join="exact"):
        return start * (1 - weight) + target * weight
