"""Checks of rates before anything is projected: all faults at once, nothing filled in."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr

from forecast.basics.dims import (
    AGE,
    COUNTY,
    FROM_GROUP,
    FROM_PLACE,
    GROUP,
    SEX,
    SEXES,
    TO_GROUP,
    TO_PLACE,
    TRAJECTORY,
    YEAR,
)
from forecast.basics.issues import InputRefused, Issue

_DIMS = {
    "baseline": (SEX, AGE),
    "sx": (YEAR, SEX, AGE),
    "asfr": (YEAR, AGE),
    "srb": (YEAR,),
    "net_migration": (YEAR, SEX, AGE),
    "net_migration_rate": (YEAR, SEX, AGE),
    "out_rate": (YEAR, SEX, AGE),
    "in_migration": (YEAR, SEX, AGE),
    "destination_share": (FROM_PLACE, TO_PLACE, SEX, AGE),
    "transition_rate": (FROM_GROUP, TO_GROUP, SEX, AGE),
    "newborn_share": (FROM_GROUP, TO_GROUP),
}
_LIMITS = {
    "baseline": (0.0, np.inf),
    "sx": (0.0, 1.0),
    "asfr": (0.0, 1.0),
    "srb": (0.5, 2.0),
    "net_migration_rate": (-np.inf, np.inf),
    "out_rate": (0.0, 1.0),
    "in_migration": (0.0, np.inf),
    "destination_share": (0.0, 1.0),
    "transition_rate": (0.0, 1.0),
    "newborn_share": (0.0, 1.0),
}
_FORMS = (("net_migration",), ("net_migration_rate",), ("out_rate", "in_migration"))


def check_rates(rates: xr.Dataset) -> None:
    """All faults of the rates at once: variables, dimensions, labels, values."""
    issues = [_lacking(name) for name in ("baseline", "sx", "asfr", "srb") if name not in rates]
    forms = [form for form in _FORMS if any(name in rates for name in form)]
    if len(forms) != 1:
        issues.append(
            _lacking("net_migration") if not forms else Issue("E611", values={"found": ", ".join(sum(forms, ()))})
        )
    issues += [_lacking(name) for form in forms for name in form if name not in rates]
    for name, dims in _DIMS.items():
        if name in rates:
            lacking = [dim for dim in dims if dim not in rates[name].dims]
            issues += [Issue("E602", values={"variable": name, "dim": dim, "labels": ""}) for dim in lacking]
    if issues:
        raise InputRefused(issues)
    issues += _check_labels(rates)
    for name in _DIMS:
        if name in rates:
            issues += _check_values(rates[name], *_LIMITS.get(name, (-np.inf, np.inf)))
    if not issues:
        issues += _check_shares(rates)
    if issues:
        raise InputRefused(issues)


def _lacking(name: str) -> Issue:
    return Issue("E601", values={"variable": name, "expected": ", ".join(_DIMS)})


def _check_labels(rates: xr.Dataset) -> list[Issue]:
    issues = []
    years = rates[YEAR].values.tolist()
    missing = sorted(set(range(int(rates.attrs["jump_off_year"]) + 1, int(years[-1]) + 1)) - set(years))
    if missing or years != sorted(set(years)):
        issues.append(Issue("E602", values={"variable": "rates", "dim": YEAR, "labels": _list(missing)}))
    if rates[SEX].values.tolist() != list(SEXES):
        issues.append(Issue("E602", values={"variable": "rates", "dim": SEX, "labels": _list(SEXES)}))
    ages = rates[AGE].values.tolist()
    missing = sorted(set(range(int(ages[-1]) + 1)) - set(ages))
    if missing or ages != sorted(set(ages)):
        issues.append(Issue("E602", values={"variable": "rates", "dim": AGE, "labels": _list(missing)}))
    if "destination_share" in rates and COUNTY in rates.coords:
        to, counties = rates.destination_share, rates[COUNTY].values.tolist()
        for dim in (FROM_PLACE, TO_PLACE):
            absent = [place for place in counties if place not in to[dim].values]
            if absent:
                issues.append(Issue("E602", values={"variable": to.name, "dim": dim, "labels": _list(absent)}))
    return issues


def _check_shares(rates: xr.Dataset) -> list[Issue]:
    """Shares that must sum to one, and nobody who moves to where she is."""
    issues = []
    for name, dim in (("destination_share", TO_PLACE), ("newborn_share", TO_GROUP)):
        if name in rates:
            total = rates[name].sum(dim)
            off = abs(total - 1) > 1e-9
            if bool(off.any()):
                where, value = largest((total - 1).rename(name))
                values = {"variable": name, "dim": dim, "where": where, "value": f"{value + 1:.9g}"}
                issues.append(Issue("E612", values=values))
    for name, pair in (("destination_share", (FROM_PLACE, TO_PLACE)), ("transition_rate", (FROM_GROUP, TO_GROUP))):
        if name in rates:
            variable = rates[name]
            same = variable.where(variable[pair[0]] == variable[pair[1]], 0.0)
            if bool((same != 0).any()):
                issues.append(Issue("E613", values={"variable": name, "where": largest(same)[0]}))
    return issues


def check_total_rate(rate: np.ndarray) -> None:
    """Refuses total out-rates above 1: nobody can leave twice."""
    if (rate > 1 + 1e-12).any():
        first = np.argwhere(rate > 1 + 1e-12)[0]
        names = (TRAJECTORY, COUNTY, GROUP, YEAR, SEX, AGE)
        where = ", ".join(f"{name} {index}" for name, index in zip(names, first, strict=True))
        values = {"variable": "out_rate + transition_rate", "range": "[0, 1]", "count": int((rate > 1).sum())}
        raise InputRefused(Issue("E604", values=values | {"where": where, "value": f"{rate[tuple(first)]:.6g}"}))


def _check_values(variable: xr.DataArray, low: float, high: float) -> list[Issue]:
    values = variable.values
    finite = np.isfinite(values)
    if not finite.all():
        where = _where(variable, np.argwhere(~finite)[0])
        return [Issue("E603", values={"variable": variable.name, "count": int((~finite).sum()), "where": where})]
    if values.min() >= low and values.max() <= high:
        return []
    outside = (values < low) | (values > high)
    first = np.argwhere(outside)[0]
    details = {"count": int(outside.sum()), "where": _where(variable, first), "value": f"{values[tuple(first)]:.6g}"}
    return [Issue("E604", values={"variable": variable.name, "range": f"[{low:g}, {high:g}]", **details})]


def largest(variable: xr.DataArray) -> tuple[str, float]:
    index = np.unravel_index(int(np.argmax(abs(variable.values))), variable.shape)
    return _where(variable, np.array(index)), float(variable.values[index])


def _where(variable: xr.DataArray, index: np.ndarray) -> str:
    pairs = zip(variable.dims, index, strict=True)
    return ", ".join(f"{dim} {variable[dim].values[i] if dim in variable.coords else i}" for dim, i in pairs)


def _list(labels: Iterable[object]) -> str:
    return ", ".join(str(x) for x in labels)
