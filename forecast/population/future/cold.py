"""Rates of the years to come from one census: the pattern's levels, and migration by the growth of its cohorts."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SEX, YEAR, in_order
from forecast.population.future.levers import net_migrants
from forecast.population.future.vital_rates import vital_rates
from forecast.population.past.migration import expected_net, lasting_level
from forecast.population.past.one_census import YEARS, growth_of, kept_with_pattern, missed_by_age
from forecast.population.past.read import OneCensus
from forecast.population.projection.project import project_population
from forecast.region import Region
from forecast.scenario import Scenario


def rates_of_one_census(
    region: Region, scenario: Scenario, past: xr.Dataset, known: OneCensus | None = None
) -> tuple[xr.Dataset, xr.DataArray]:
    """Rates as `project_population` takes them, with `mobility`, and the net persons (county, year, sex, age) that are
    expected before the scenario's levers. Mobility is by how many persons a year's migration may be off.

    past: of a region with one census. A county's fertility relative to the whole lasts as far as it was found to. Where
    year-end totals after the census show another level of net migration than its cross-section, it is moved by what the
    two levels differ. The cross-section sees the students of institutions come and go with all others, so their turnover
    is inside what it says. known: in place of what is kept with the pattern.
    """
    known, year = known or kept_with_pattern(region), past.attrs["counted_year"]
    growth, missed = growth_of(region, known, past.census, year), missed_by_age(region, known, year)
    rates = vital_rates(region, scenario, past if known is None else _lasting(past, known.fertility_kept))
    inside = xr.zeros_like(rates.turnover) if known is None else rates.turnover
    expected = in_order(net_of_cohorts(rates, growth) - inside + _shown_by_totals(past, rates[YEAR].values))
    net = net_migrants(past, scenario.migration, rates[YEAR].values, expected) + rates.turnover
    net = in_order(net).assign_attrs(rates.net_migration.attrs)
    return rates.assign(net_migration=net, mobility=in_order(missed * rates.baseline)), expected


def _shown_by_totals(past: xr.Dataset, years: np.ndarray) -> xr.DataArray:
    """(county, year, sex, age) net persons by which the level of totals after the census differs from that of its
    cross-section, both made fit to go on; nobody where there are no totals."""
    others = (past.population - past.institutions).isel({YEAR: -1}, drop=True).sum([SEX, AGE])
    level = lasting_level(past.migration_profile.sum([SEX, AGE]), others)
    more = expected_net(past, years).sum([SEX, AGE]) - level
    return more * past.migration_mobility / past.migration_mobility.sum([SEX, AGE])


def _lasting(past: xr.Dataset, kept: float) -> xr.Dataset:
    """The past with the fertility of counties drawn to the whole's, whose births stay."""
    women = past.population.isel({YEAR: -1}, drop=True).sel({SEX: "female", AGE: slice(15, 49)}).sum(AGE)
    relative = past.fertility_relative**kept
    scale = (past.fertility_relative * women).sum(COUNTY) / (relative * women).sum(COUNTY)
    return past.assign(fertility_relative=relative * scale)


def net_of_cohorts(rates: xr.Dataset, growth: xr.DataArray) -> xr.DataArray:
    """(county, year, sex, age) net persons of each year of the rates, who arrive at its end.

    rates: as `project_population` takes them; their migration is not looked at. growth: (county, age) log growth beyond
    survival, within `YEARS` from the jump-off date, of the cohort that has the age then. A cohort gains or loses the same
    share of those it would have had in each of these years, so that what counties gain others lose in every year; who is
    born in them has the growth of the youngest. After these years every age keeps the persons that it has on average in
    them, for as long as the rates reach.
    """
    years = rates[YEAR].values
    near = rates.drop_vars(["net_migration", "turnover"], errors="ignore").sel({YEAR: years[:YEARS]})
    yearly = growth.copy(data=np.expm1(growth.values) / YEARS)
    steps = [_older(yearly / (1 + before * yearly), before + 1) for before in range(near.sizes[YEAR])]
    near["net_migration_rate"] = in_order(near.sx * xr.concat(steps, YEAR).assign_coords({YEAR: near[YEAR]}))
    net = project_population(near, "end", ["net_migration"]).net_migration.isel({YEAR: slice(1, None)})
    held = net.mean(YEAR).expand_dims({YEAR: years[YEARS:]})
    return in_order(xr.concat([net, held], YEAR) if len(years) > YEARS else net)


def _older(rate: xr.DataArray, years: int) -> xr.DataArray:
    """Rates of cohorts by the ages that they have so many years later; those born since have that of the youngest."""
    then = np.maximum(rate[AGE].values - years, 0)
    return rate.copy(data=rate.transpose(..., AGE).values[..., then])
