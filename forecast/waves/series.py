"""Labelled demand as bare series: counties and services on one axis, the history in front of the years to come."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, TRAJECTORY, YEAR
from forecast.basics.issues import InputRefused, Issue
from forecast.waves.turns import Values, Whole


def stacked(variable: xr.DataArray) -> tuple[Whole, Values, list[tuple[str, str]]]:
    """Years, values (county and service, trajectory, year), and the names of the first axis."""
    full = variable
    for dim in (TRAJECTORY, SERVICE):
        if dim not in full.dims:
            full = full.expand_dims(dim)
    full = full.transpose(COUNTY, SERVICE, TRAJECTORY, YEAR)
    services = full[SERVICE].values if SERVICE in variable.coords and SERVICE in variable.dims else [""]
    places = [(str(county), str(service)) for county in full[COUNTY].values for service in services]
    values = full.to_numpy().astype(float)
    return full[YEAR].to_numpy().astype(np.int64), values.reshape(len(places), *values.shape[2:]), places


def joined(years: Whole, values: Values, before: tuple[Whole, Values] | None, where: str) -> tuple[Whole, Values, int]:
    """Known years, values (trajectory, year) with the history in front, and how many of the years are history."""
    observed = 0
    if before is not None:
        front = np.isfinite(before[1]) & (before[0] < years[0])
        observed = int(front.sum())
        years = np.concatenate([before[0][front], years])
        values = np.hstack([np.tile(before[1][front], (len(values), 1)), values])
    known = np.asarray(np.isfinite(values).all(axis=0))
    if not known.any():
        return years[:0], values, 0
    first, last = int(np.argmax(known)), len(known) - int(np.argmax(known[::-1]))
    years, values, known = years[first:last], values[:, first:last], known[first:last]
    gaps = [int(year) for year in years[~known]]
    gaps += [int(year) for year, after in pairwise(years) if after != year + 1]
    if gaps:
        raise InputRefused(Issue("E432", values={"where": where, "found": ", ".join(map(str, gaps))}))
    return years, values, max(observed - first, 0)
