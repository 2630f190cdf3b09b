"""Lasting part of a demand and the crest above it: opening and closing with the break-even years as window.

A place that is needed in W years running is worth building, one that is needed for less is worth renting, W being the
break-even years of the service (`demand.costs`). What is needed W years running is the grey-scale opening of demand
with a flat window of W years.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from forecast.basics.dims import SERVICE, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.variables import label
from forecast.waves import kernel
from forecast.waves.turns import Values

Windows = int | Mapping[str, int]


def window_for(window: Windows, service: str) -> int:
    """The break-even years of one service. Raises InputRefused where there are none or they are less than a year."""
    years = window if isinstance(window, int) else window.get(service)
    if years is None or years < 1:
        raise InputRefused(Issue("E434", values={"service": service, "found": years}))
    return years


def lasting_need(demand: xr.DataArray, window: Windows, goes_on: bool = True) -> xr.DataArray:
    """The grey-scale opening of demand: the most that is needed in `window` years running that hold the year.

    `demand` (..., year, service?); history before the years that count belongs in front, and years beyond them behind.
    `goes_on`: the last year stands for those after it; else no run of years may reach beyond the last one.
    Demand minus it is the crest. NaN where any year of the series is unknown.
    """
    return _described(_by_service(demand, window, goes_on, sign=1), "need", demand)


def lasting_room(demand: xr.DataArray, window: Windows, goes_on: bool = True) -> xr.DataArray:
    """The grey-scale closing of demand: what it comes back to within `window` years. It minus demand is the trough."""
    return _described(_by_service(demand, window, goes_on, sign=-1), "room", demand)


def _described(variable: xr.DataArray, name: str, demand: xr.DataArray) -> xr.DataArray:
    """The declared attributes, in the unit and from the source of the demand."""
    units, source = demand.attrs.get("units", "1"), demand.attrs.get("source", "")
    return label(variable, f"lasting.{name}", source=source, units=units)


def _by_service(demand: xr.DataArray, window: Windows, goes_on: bool, sign: int) -> xr.DataArray:
    ordered = in_order(demand)
    services = [str(name) for name in ordered[SERVICE].values] if SERVICE in ordered.dims else [""]
    parts = []
    for service in services:
        part = (ordered.sel({SERVICE: service}) if service else ordered).transpose(..., YEAR)
        years = window_for(window, service)
        opened = sign * opening(sign * part.to_numpy().astype(float), years, years if goes_on else 0)
        parts.append(part.copy(data=opened))
    joined = xr.concat(parts, ordered[SERVICE]) if SERVICE in ordered.dims else parts[0]
    return in_order(joined.transpose(*ordered.dims))


def opening(values: Values, window: int, beyond: int = 0) -> Values:
    """Opening along the last axis of values (..., year), `beyond` years after the last being like it."""
    flat = np.ascontiguousarray(values.reshape(-1, values.shape[-1]), dtype=np.float64)
    out = np.empty_like(flat)
    kernel.open_paths(flat, window, beyond, out)
    out[~np.isfinite(flat).all(axis=1)] = np.nan
    return out.reshape(values.shape)


def screening_level(demand: xr.DataArray, window: Windows) -> xr.DataArray:
    """Places worth building for good: the W-th largest yearly demand, no more than the years there are.

    The screening curve of power-system planning: the optimum of building K once and renting what is above it, undiscounted and without salvage, W = price of a
    place over a year's rent. Years above it need not follow each other, so it is never below the highest opening.
    """
    services = [str(name) for name in demand[SERVICE].values] if SERVICE in demand.dims else [""]
    parts = []
    for service in services:
        part = (demand.sel({SERVICE: service}) if service else demand).transpose(..., YEAR)
        ordered = np.sort(part.to_numpy().astype(float), axis=-1)  # NaN last, so an unknown year makes it unknown
        level = ordered[..., -min(window_for(window, service), ordered.shape[-1])]
        unknown = np.isnan(ordered[..., -1])
        parts.append(part.isel({YEAR: 0}, drop=True).copy(data=np.where(unknown, np.nan, level)))
    levels = xr.concat(parts, demand[SERVICE]) if SERVICE in demand.dims else parts[0]
    return _described(in_order(levels), "level", demand)
