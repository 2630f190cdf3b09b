"""Asked alone: no run calls it. Seven resources per pupil under changing rolls (优质均衡), and how unequal schools are."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr


def resource_ratios(stock: xr.Dataset, pupils: xr.DataArray, per: Mapping[str, float]) -> xr.Dataset:
    """Each resource per pupil or per hundred pupils (..., year): the seven indicators of balanced counties (优质均衡).

    stock: variables of resources, held or as planned; per: resource -> pupils in the denominator (100 for teachers
    and rooms, 1 for area and equipment). Under falling rolls a held stock rises per pupil without a yuan spent.
    """
    with xr.set_options(arithmetic_join="exact"):
        return xr.Dataset({name: stock[name] * per[name] / pupils for name in per})


def met(ratios: xr.Dataset, standards: Mapping[str, float]) -> xr.Dataset:
    """True for each indicator (...) that is met; the number of those met, and whether all are."""
    reached = xr.Dataset({name: ratios[name] >= standards[name] - 1e-9 for name in standards})
    count = sum(
        (reached[name].astype(int) for name in standards), start=xr.zeros_like(next(iter(reached.values())), dtype=int)
    )
    return reached.assign(met=count, all_met=count == len(standards))


def variation(values: xr.DataArray, pupils: xr.DataArray, over: str = "school") -> xr.DataArray:
    """Coefficient of variation between schools, weighted by pupils (差异系数), which may be at most 0.50 in primary and
    0.45 in junior schools."""
    mean = (values * pupils).sum(over) / pupils.sum(over)
    spread = ((values - mean) ** 2 * pupils).sum(over) / pupils.sum(over)
    return ((spread**0.5) / mean).rename("variation")
