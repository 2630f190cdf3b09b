"""Scenarios side by side: what may be asked for, and the table of the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from forecast.basics.areas import Areas, with_areas
from forecast.basics.dims import AGE, AREA, COUNTY, SERVICE, SEX, YEAR, in_order
from forecast.basics.issues import Issue, UsageError
from forecast.supply.gap import VIEWS

if TYPE_CHECKING:
    from forecast.demand import DemandModel
    from forecast.region import Region
    from forecast.scenario import Scenario

NUMBERS = ["population", "supply", "demand", "gap", "missing", "idle"]


def compared_years(region: Region, scenarios: Sequence[Scenario], years: Sequence[int] | None) -> list[int]:
    """Years asked for, in order, each once; by default every fifth within fifteen of the jump-off date. Raises
    UsageError with all faults of the call: also where there is no scenario, or two of one name."""
    names = [scenario.id for scenario in scenarios]
    repeated = sorted({name for name in names if names.count(name) > 1})
    faults = [Issue("E910", values={"name": name}) for name in repeated] or [Issue("E911")] * (not scenarios)
    first, last = region.jump_off_year, min((scenario.horizon for scenario in scenarios), default=region.jump_off_year)
    if years is None:
        years = [year for year in range(first + 1, min(first + 15, last) + 1) if year % 5 == 0] or [last]
    outside = [year for year in years if not first <= year <= last]
    if outside or not years:
        values = {"found": ", ".join(map(str, outside)) or "-", "first": first, "last": last}
        faults.append(Issue("E908", values=values))
    if faults:
        raise UsageError(faults)
    return sorted(set(years))


def compared_models(models: Mapping[str, DemandModel], services: Sequence[str] | None) -> Mapping[str, DemandModel]:
    """Models of these services, in the order of the chain; all where none are named. Raises UsageError for a service
    that is not known."""
    unknown = [name for name in services or () if name not in models]
    if unknown or (services is not None and not services):
        known = ", ".join(models)
        raise UsageError(Issue("E909", values={"found": name, "known": known}) for name in unknown or ["-"])
    return {name: model for name, model in models.items() if services is None or name in services}


def numbers_of(
    scenario: Scenario,
    people: xr.Dataset,
    demand: xr.Dataset,
    supply: xr.Dataset,
    gap: xr.Dataset,
    years: Sequence[int],
    areas: Areas,
) -> pd.DataFrame:
    """One scenario's `NUMBERS` with what they rest on: a row a place, service and year, the areas after the counties.
    gap: as `compare_areas` gives it."""
    view = scenario.demand.view
    by_county = {"population": people.population.sum([SEX, AGE]), "demand": demand[VIEWS[view]]}
    by_area = {
        "supply": supply.supply_of_area,
        "gap": gap.gap_of_area,
        "missing": gap.missing_of_area,
        "idle": gap.idle_of_area,
    }
    wide = {name: with_areas(in_order(value.sel({YEAR: years})), areas) for name, value in by_county.items()}
    wide |= {name: value.sel({YEAR: years}).rename({AREA: COUNTY}) for name, value in by_area.items()}
    table = xr.Dataset(wide).to_dataframe(dim_order=[COUNTY, SERVICE, YEAR]).reset_index()
    bases = {"demand_basis": demand.demand_basis, "supply_basis": supply.basis}
    columns = {key: table[SERVICE].map(basis.to_series()) for key, basis in bases.items()}
    kinds = supply.supply_kind.to_series()
    columns["supply_kind"] = [
        kinds[place, service] for place, service in zip(table[COUNTY], table[SERVICE], strict=True)
    ]
    if view == "norm":
        columns["demand_basis"] = ""
    return table.assign(scenario=scenario.id, view=view, **columns)


def with_changes(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The scenarios' tables below each other, every number with its difference to the first's."""
    changes = [part[NUMBERS].sub(parts[0][NUMBERS]).add_suffix("_change") for part in parts]
    table = pd.concat([pd.concat(pair, axis=1) for pair in zip(parts, changes, strict=True)], ignore_index=True)
    keys = ["scenario", "view", COUNTY, SERVICE, "unit", "demand_basis", "supply_basis", "supply_kind", YEAR]
    return table[[*keys, *NUMBERS, *changes[0].columns]]
