"""Vital rates of the projection years: the calibrated levels of the past, and what the scenario does to them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SEX, YEAR, in_order
from forecast.basics.variables import label
from forecast.population.future.births_per_woman import births_per_woman
from forecast.population.future.levers import dated_path, gross_flows, net_migrants
from forecast.population.past.institutions import institutions_ahead, turnover
from forecast.population.past.known import estimate_past
from forecast.population.past.migration import expected_net
from forecast.population.rates.lifetable import MOST_DYING, life_table
from forecast.population.rates.pattern import fertility_pattern, mortality_pattern
from forecast.region import Region
from forecast.scenario import Scenario


def vital_rates(
    region: Region, scenario: Scenario, past: xr.Dataset | None = None, migration: xr.Dataset | None = None
) -> xr.Dataset:
    """Rates from the year after the jump-off year to the scenario's horizon, as `project_population` takes them.

    past: what `estimate_past(region)` gave, to save doing it twice. migration: gross flows instead of the region's net
    migration, as `levers.gross_flows` takes them: out_rate and in_migration, with destination_share or without.
    Mortality: the pattern's mx times the mean calibrated level times the scenario's factor. Fertility: births
    per woman from the level of the calibrated years along the scenario's path (`births_per_woman`) at the pattern's ages
    of mothers, times the county's relative fertility and the scenario's factor.
    Migration: each county's census profile, moved in proportion to mobility to the recent yearly total, and from there
    by the scenario's levers (`levers`), which refuse what the region's form of migration cannot take; and `turnover`, the
    part of it by which institutions keep their people and their ages, whatever the scenario.
    """
    past = estimate_past(region) if past is None else past
    years = np.arange(region.jump_off_year + 1, scenario.horizon + 1)
    source = f"scenario {scenario.id}"
    fertility = fertility_pattern(region, years)
    asfr = (
        births_per_woman(region, past, scenario.fertility, years)
        * past.fertility_relative
        * dated_path(scenario.fertility.level, years)
        * fertility.share
    )
    mx = (
        mortality_pattern(region, years)
        * float(past.mortality_level.mean())
        * dated_path(scenario.mortality.level, years)
    )
    mx = mx.clip(max=MOST_DYING)
    rates = {
        "baseline": past.population.isel({YEAR: -1}, drop=True),
        "sx": label(life_table(mx).sx, "rates.sx", source),
        "asfr": label(in_order(asfr), "rates.asfr", source),
        "srb": label(fertility.srb, "rates.srb", source),
        **_migration(past, scenario, years, migration),
    }
    if migration is None:
        stock = institutions_ahead(region, past.institutions, years)
        rates["turnover"] = label(turnover(stock, rates["sx"]), "rates.turnover", source)
        rates["net_migration"] = label(rates["net_migration"] + rates["turnover"], "rates.net_migration", source)
    rates["uncounted"] = label(
        _born_after(rates["baseline"], past.attrs["counted_year"], years), "rates.uncounted", source
    )
    attrs = {
        "jump_off_year": region.jump_off_year,
        "migration_timing": scenario.migration.timing,
    }
    return xr.Dataset(rates, attrs=attrs)


def _born_after(people: xr.DataArray, counted_year: int, years: np.ndarray) -> xr.DataArray:
    """(age,) persons of all counties at the jump-off date who were born after the last count."""
    young = people[AGE] < int(years[0]) - 1 - counted_year
    return people.sum([COUNTY, SEX]).where(young, 0.0)


def _migration(
    past: xr.Dataset, scenario: Scenario, years: np.ndarray, flows: xr.Dataset | None
) -> dict[str, xr.DataArray]:
    """Migration in the form it is given in, as the scenario changes it, labelled."""
    source = f"scenario {scenario.id}"
    if flows is None:
        persons = net_migrants(past, scenario.migration, years, expected_net(past, years))
        return {"net_migration": label(persons, "rates.net_migration", source)}
    changed = gross_flows(past, flows, scenario.migration, years)
    return {str(name): label(variable, f"rates.{name}", source) for name, variable in changed.items()}
