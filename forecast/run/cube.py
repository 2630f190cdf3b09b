"""The cube of a run: everything in one labelled Dataset, as it is saved and reported."""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from forecast.basics.areas import Areas
from forecast.basics.dims import AREA, TRAJECTORY, YEAR
from forecast.basics.variables import label


def gather(
    people: xr.Dataset,
    demand: xr.Dataset,
    supply: xr.Dataset,
    gap: xr.Dataset,
    gap_of_areas: xr.Dataset,
    levels: Mapping[str, xr.DataArray],
    rolls: xr.DataArray,
    migration_expected: xr.DataArray,
    areas: Areas,
) -> xr.Dataset:
    """One Dataset of the scenario's path: of people, demand, gap and supply what the stages return, then demand at
    other levels of migration and births, pupils counted (`enrolment`), and `migration_expected` (county,), net persons a year in
    the mean of the projected years. The names of the areas stand beside their codes; `area` among the attributes is the
    code of the whole."""
    need = demand.rename(ratio="participation_ratio") if "ratio" in demand else demand
    parts = [people, need, gap, gap_of_areas, supply.drop_vars("supply").rename(basis="supply_basis")]
    data = xr.merge(parts, join="exact", compat="override", combine_attrs="override")
    names = [areas.names[code] for code in data[AREA].values.tolist()]
    listed = {f"area_name_{lang}": (AREA, [name[lang] for name in names]) for lang in ("zh", "en")}
    data = data.assign_coords(listed).assign(levels).assign(enrolment=rolls.sel({AREA: areas.whole}, drop=True))
    data = data.assign_attrs({**people.attrs, "area": areas.whole})
    return data.assign(migration_expected=label(migration_expected, "sensitivity.migration_expected"))


def with_odds(data: xr.Dataset, odds: xr.Dataset) -> xr.Dataset:
    """`data` and what is kept of the trajectories, but for these themselves."""
    kept = [name for name, values in odds.items() if TRAJECTORY not in values.dims]
    odds = odds[kept].reindex({YEAR: data[YEAR].values})
    return data.merge(odds, compat="override", combine_attrs="drop_conflicts")
