"""Demand, supply and gap of every place, service and year as they are drawn: whole numbers in long form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.basics.quantiles import BANDS
from forecast.basics.text import printed_chance
from forecast.report.view.curves import share_of_larger

if TYPE_CHECKING:
    from forecast.report.view import View

Values = np.ndarray[Any, Any]


def long_form(keys: Mapping[str, Sequence[Any]], columns: Mapping[str, Values]) -> pd.DataFrame:
    """A row for each combination of the keys, the last running fastest; `columns` are arrays over the keys in order."""
    frame = pd.MultiIndex.from_product(list(keys.values()), names=list(keys)).to_frame(index=False)
    return frame.assign(**{name: np.asarray(values).reshape(len(frame)) for name, values in columns.items()})


def whole(values: Values) -> Values:
    """Rounded, without a negative zero; NaN stays."""
    rounded: Values = np.rint(values) + 0.0
    return rounded


def bands(levels: Mapping[float, Values], start: int, now: Values) -> dict[str, Values]:
    """low80, high80, low95, high95, opening from `now` at position `start` of the last axis; levels: quantile ->
    (..., year)."""
    columns: dict[str, Values] = {}
    for share, ends in BANDS.items():
        for end, level in zip(("low", "high"), ends, strict=True):
            values = levels[level].copy()
            values[..., start] = now
            columns[f"{end}{share}"] = whole(values)
    return columns


def courses(view: View) -> pd.DataFrame:
    """By place, service and year: demand, norm (demand by the standard), low and high (at zero and at double net
    migration), supply, gap, relative_gap (-1 to 1), counted (pupils, of the whole only); with many trajectories also
    the ends of the bands and chance (per cent: that it is short)."""
    cubes = {
        name: whole(_cube(view, variable))
        for name, variable in {"demand": "demand", "norm": "demand_norm", "supply": "supply", "gap": "gap"}.items()
    }
    ends = [_cube(view, name) for name in ("demand_low", "demand_high")]
    ahead = np.array(view.years) >= view.jump_off
    cubes |= {
        "low": whole(np.where(ahead, np.minimum(*ends), np.nan)),
        "high": whole(np.where(ahead, np.maximum(*ends), np.nan)),
        "relative_gap": np.round(share_of_larger(cubes["gap"], cubes["supply"]), 6) + 0.0,
        "counted": _counted(view),
    }
    if view.many:
        start = view.column_of[view.jump_off]
        levels = {
            level: np.stack([view.odds.level("demand_quantile", service, level) for service in view.services], axis=1)
            for ends_of in BANDS.values()
            for level in ends_of
        }
        cubes |= bands(levels, start, _cube(view, "demand")[..., start])
        chances = np.stack([view.odds.by_year("p_short", service) for service in view.services], axis=1)
        cubes["chance"] = np.array([_printed(chance, view.trajectories) for chance in chances.ravel().tolist()])
    return long_form({"place": view.places, "service": view.services, "year": view.years}, cubes)


def _printed(chance: float, trajectories: int) -> float:
    """A probability in per cent, as fine as so many trajectories can tell; NaN where it is not known."""
    return float(printed_chance(chance, trajectories)[0]) if math.isfinite(chance) else math.nan


def _cube(view: View, variable: str) -> Values:
    """(place, service, year)."""
    return np.stack([view.curves.values(variable, service) for service in view.services], axis=1)


def _counted(view: View) -> Values:
    """(place, service, year): pupils counted in the whole."""
    counted = np.full((len(view.places), len(view.services), len(view.years)), np.nan)
    for at, service in enumerate(view.services):
        counted[0, at] = view.curves.observed(service).reindex(view.years).to_numpy()
    return whole(counted)
