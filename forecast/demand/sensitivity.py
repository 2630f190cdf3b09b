"""Demand at other levels of migration and of births, and what one level more of either does to it.

Demand is linear in net migration, as people are. In fertility it is a parabola, as long as the daughters of those who
are born have no children yet: births are linear in it, the births of the first daughters quadratic.
"""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr

from forecast.basics.dims import AGE, SEX, YEAR, in_order
from forecast.basics.variables import label
from forecast.demand.flows import serve
from forecast.population import Baseline, project_population

MIGRATION = {"demand_low": 0.0, "demand_high": 2.0}
"""Variable -> multiple of the recent net migration at which it holds demand; the report shades between the two."""

BIRTHS = {"demand_fewer_births": -0.3, "demand_more_births": 0.3}
"""Variable -> share of the scenario's births by which those are fewer or more at which it holds demand."""


def demand_at_levels(
    past: xr.Dataset, ahead: Baseline, weights: xr.Dataset, flows: xr.DataArray | None, demand: xr.Dataset
) -> dict[str, xr.DataArray]:
    """Demand (county, year, service) by variable of `MIGRATION` and `BIRTHS`; up to the jump-off year it is the same.

    weights: of `demand_weights`; flows: of `region_flows`.
    """
    units = demand.demand.attrs["units"]
    levels = {}
    for name, level in MIGRATION.items():
        other = _demand_at(ahead.at_migration(level, past), weights, flows, demand)
        levels[name] = label(other, f"sensitivity.{name}", units=units, level=level)
    for name, share in BIRTHS.items():
        other = _demand_at(ahead.rates.assign(asfr=ahead.rates.asfr * (1 + share)), weights, flows, demand)
        levels[name] = label(other, f"sensitivity.{name}", units=units, level=1 + share)
    return levels


def effect_of_migration(change: Callable[[str], xr.DataArray]) -> xr.DataArray:
    """Change of demand with once the recent net migration more; change: variable of `MIGRATION` -> its demand less the
    scenario's."""
    (low, first), (high, last) = MIGRATION.items()
    less, more = change(low), change(high)
    return (more - less) / (last - first)


def effect_of_births(change: Callable[[str], xr.DataArray]) -> tuple[xr.DataArray, xr.DataArray]:
    """(linear, bend): change of demand with the share s of births more is linear * s + bend * s**2; change: as for
    `effect_of_migration`, of `BIRTHS`."""
    fewer, more = (change(name) for name in BIRTHS)
    share = max(BIRTHS.values())
    return (more - fewer) / (2 * share), (more + fewer) / (2 * share**2)


def _demand_at(rates: xr.Dataset, weights: xr.Dataset, flows: xr.DataArray | None, demand: xr.Dataset) -> xr.DataArray:
    """Demand where the rates are these; the past is as it was."""
    people = project_population(rates, flows=()).population
    residents = people.isel({YEAR: slice(1, None)}).sum(SEX)
    ahead = serve(in_order(xr.dot(weights.demand, residents, dim=AGE)), flows)
    known = demand.demand.sel({YEAR: slice(None, int(rates[YEAR][0]) - 1)})
    return in_order(xr.concat([known, ahead], YEAR, join="exact", coords="minimal", compat="override"))
