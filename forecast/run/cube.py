"""The cube of a run: everything in one labelled Dataset, as it is saved and reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from forecast.basics.dims import AREA, YEAR
from forecast.basics.variables import label

if TYPE_CHECKING:
    from forecast.region import Region


def gather(
    people: xr.Dataset,
    demand: xr.Dataset,
    supply: xr.Dataset,
    gap: xr.Dataset,
    levels: Mapping[str, xr.DataArray],
    rolls: xr.DataArray,
    migration_expected: xr.DataArray,
) -> xr.Dataset:
    """One Dataset of the scenario's path: of people, demand, gap and supply what the stages return, then demand at
    other levels of migration and births, pupils counted (`enrolment`), and `migration_expected` (county,), net persons a year in
    the mean of the projected years."""
    need = demand.rename(ratio="participation_ratio") if "ratio" in demand else demand
    parts = [people, need, gap, supply[["planned", "basis"]].rename(basis="supply_basis")]
    data = xr.merge(parts, join="exact", compat="override", combine_attrs="override")
    data = data.assign(levels).assign(enrolment=rolls).assign_attrs(people.attrs)
    return data.assign(migration_expected=label(migration_expected, "sensitivity.migration_expected"))


def with_odds(data: xr.Dataset, odds: xr.Dataset, region: Region) -> xr.Dataset:
    """`data` and what is kept of the trajectories, with the names of the areas beside their codes; `area` among the
    attributes is the code of the whole."""
    names = [region.areas.names[code] for code in odds[AREA].values.tolist()]
    listed = {f"area_name_{lang}": (AREA, [name[lang] for name in names]) for lang in ("zh", "en")}
    odds = odds.assign_coords(listed).assign_attrs(area=region.area).reindex({YEAR: data[YEAR].values})
    return data.merge(odds, compat="override", combine_attrs="drop_conflicts")
