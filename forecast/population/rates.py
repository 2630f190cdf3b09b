"""Vital rates of the projection years: the calibrated levels of the past, and what the scenario does to them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.dims import COUNTY, YEAR, at_years, in_order, label
from forecast.population.lifetable import life_table
from forecast.population.migration import move_to_total
from forecast.population.past import estimate_past
from forecast.population.pattern import fertility_pattern, mortality_pattern
from forecast.region import Region
from forecast.scenario import Migration, Scenario


def vital_rates(region: Region, scenario: Scenario, past: xr.Dataset | None = None) -> xr.Dataset:
    """Rates from the year after the jump-off year to the scenario's horizon, as `project_population` takes them.

    past: what `estimate_past(region)` gave, to save doing it twice.
    Mortality: the pattern's mx times the mean calibrated level times the scenario's factor. Fertility: the pattern's
    path from the level of the last calibrated year, times the county's relative fertility and the scenario's factor.
    Migration: each county's census profile, moved in proportion to mobility to the scenario's multiple of the recent
    yearly total.
    """
    past = estimate_past(region) if past is None else past
    years = np.arange(region.jump_off_year + 1, scenario.horizon + 1)
    source = f"scenario {scenario.id}"
    fertility = fertility_pattern(region, years)
    asfr = (
        past.fertility_level.dropna(YEAR).isel({YEAR: -1}, drop=True)
        * past.fertility_relative
        * _path(scenario.fertility.level, years)
        * fertility.tfr
        * fertility.share
    )
    mx = mortality_pattern(region, years) * float(past.mortality_level.mean()) * _path(scenario.mortality.level, years)
    rates = {
        "baseline": past.population.isel({YEAR: -1}, drop=True),
        "sx": label(life_table(mx).sx, "survivorship ratio to the age", "1", "rate", source),
        "asfr": label(in_order(asfr), "age-specific fertility", "births per woman-year", "rate", source),
        "srb": label(fertility.srb, "sex ratio at birth", "boys per girl", "rate", source),
        "net_migration": label(
            net_migrants(past, scenario.migration, years),
            "net migration by age at year end",
            "persons",
            "flow",
            source,
        ),
    }
    attrs = {"jump_off_year": region.jump_off_year, "migration_timing": scenario.migration.timing}
    return xr.Dataset(rates, attrs=attrs)


def net_migrants(past: xr.Dataset, migration: Migration, years: np.ndarray) -> xr.DataArray:
    """(county, year, sex, age) persons: every county's profile moved to its multiple of the recent total."""
    counties = past[COUNTY].values.tolist()
    multiple = [at_years(migration.counties.get(county, migration.level), years.tolist()) for county in counties]
    total = past.migration_recent * xr.DataArray(multiple, dims=(COUNTY, YEAR), coords={COUNTY: counties, YEAR: years})
    return in_order(move_to_total(past.migration_profile, past.migration_mobility, total))


def _path(dated: object, years: np.ndarray) -> xr.DataArray:
    return xr.DataArray(at_years(dated, years.tolist()), dims=YEAR, coords={YEAR: years})  # type: ignore[arg-type]
