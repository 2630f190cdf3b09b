"""Two editions of a forecast held against each other: what moved, and whether by more than the older one allowed for.

A forecast that keeps changing by more than it said it might is not as sure as it says. The measure is the width of the
older edition's 80 % interval; a value that moves by more than one such width is an alert.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import SERVICE, YEAR
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.quantiles import HIGH, LOW, MEDIAN

POPULATION, BIRTHS = "population", "births"

COLUMNS = ("area", SERVICE, "unit", YEAR, "old", "new", "change", "old_p10", "old_p90", "widths_moved", "alert")


def compare_editions(old: xr.Dataset, new: xr.Dataset) -> pd.DataFrame:
    """One row for each area, series and year that both editions know, with the columns `COLUMNS`.

    old, new: the data of two runs in many trajectories (`run.data`, or forecast.nc). Compared are medians of residents,
    births and the demand of every service. widths_moved = |new - old| / (p90 - p10 of the old); alert where it is above 1.
    Raises InputRefused where an edition has no intervals or the two have nothing in common.
    """
    both = [_series(edition, label) for edition, label in ((old, "old"), (new, "new"))]
    joined = both[0].merge(
        both[1][["area", SERVICE, YEAR, "p50"]], on=["area", SERVICE, YEAR], suffixes=("_old", "_new")
    )
    if joined.empty:
        raise InputRefused(Issue("E676"))
    width = joined["p90"] - joined["p10"]
    change = joined["p50_new"] - joined["p50_old"]
    moved = np.where(width > 0, change.abs() / width.where(width > 0, 1.0), np.where(change == 0, 0.0, np.inf))
    compared = joined.rename(columns={"p50_old": "old", "p50_new": "new", "p10": "old_p10", "p90": "old_p90"})
    return compared.assign(change=change, widths_moved=moved, alert=moved > 1)[list(COLUMNS)]


def _series(edition: xr.Dataset, label: str) -> pd.DataFrame:
    """area, service, unit, year, p10, p50, p90 of everything that an edition gives an interval for."""
    if "demand_quantile" not in edition:
        raise InputRefused(Issue("E675", values={"edition": label}))
    parts = {
        POPULATION: (edition.population_quantile.sel(age_group="all", drop=True), "persons"),
        BIRTHS: (edition.births_quantile, "births"),
    }
    services = [str(name) for name in edition[SERVICE].values]
    for name, unit in zip(services, edition["unit"].values.tolist(), strict=True):
        parts[name] = (edition.demand_quantile.sel({SERVICE: name}, drop=True), str(unit))
    tables = [_table(values, name, unit) for name, (values, unit) in parts.items()]
    return pd.concat(tables, ignore_index=True).dropna(subset=["p50"])


def _table(values: xr.DataArray, name: str, unit: str) -> pd.DataFrame:
    """One series in long form."""
    chosen = values.sel(quantile=[LOW, MEDIAN, HIGH]).transpose("area", YEAR, "quantile")
    areas, years = (chosen[dim].values for dim in ("area", YEAR))
    numbers = chosen.values.reshape(-1, 3)
    table = {
        "area": np.repeat(areas, years.size).astype(str),
        SERVICE: name,
        "unit": unit,
        YEAR: np.tile(years, areas.size),
    }
    return pd.DataFrame(table | {"p10": numbers[:, 0], "p50": numbers[:, 1], "p90": numbers[:, 2]})
