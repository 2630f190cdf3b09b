"""The labelled face of the projection kernel: rates in, people and their flows out, every cell balanced.

One step is one calendar year. The stock labelled y stands at 31 December of y. Women give birth in proportion to the
mean of those exposed at the start and at the end of the year. When the migrants of the year count is a choice:

`end`           at the end of the year: no deaths, no births in the year of arrival (UN WPP 2024)
`even`          half at the start, half at the end, the end half in the birth exposure (UN ccmppWPP)
`even_nobirth`  the same, the end half left out of the exposure (fits the UN's five-year tables best)
`mid`           in the middle: they bear half a year's risk, newborn two thirds (Swiss FSO)

Who migrates is said in one of three forms: net persons, a net rate on the people who enter the age, or gross: a rate
of leaving and persons arriving from outside, and, where `destination_share` or `transition_rate` says so, arrivals
from the other counties and groups: who leaves one arrives in another in the same year.

asfr is by the mother's completed age (period rates, the default), or by the age she reaches at the year's end
(period-cohort rates, `asfr_age = "year_end"`, as registers such as the Swiss FSO's publish).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr

from forecast.basics.ages import entering_ages
from forecast.basics.dims import AGE, GROUP, SEX, YEAR
from forecast.basics.issues import InputRefused, Issue, UsageError
from forecast.basics.variables import attributes
from forecast.population.projection.check_rates import check_rates, largest
from forecast.population.projection.conventions import TIMINGS, Timing, conventions
from forecast.population.projection.drivers import Counties, Projected, Systems

FLOWS = ("births", "deaths", "net_migration", "clipped")
"""Flows returned by default."""
GROSS_FLOWS = ("in_migration", "out_migration")
"""Flows returned on request, where migration is given gross or by group."""


def project_population(
    rates: xr.Dataset,
    migration_timing: str | None = None,
    flows: Iterable[str] = FLOWS,
    threads: int | None = None,
) -> xr.Dataset:
    """People by year, sex and age from a baseline and vital rates.

    rates (any variable may lack `county`, then it is shared by all, or have `trajectory`; with `group` the counties'
    people are split into groups and a variable without it is shared by the groups):
        baseline (county, sex, age) persons at the jump-off year; sx (year, sex, age) survivorship ratio to the age;
        asfr (year, age) births per woman-year; srb (year) boys per girl; and migration as one of
        net_migration (year, sex, age) persons,
        net_migration_rate (year, sex, age) of those who enter the age, at most 0.8 leaving,
        out_rate (year, sex, age) of those who enter the age (at age 0 of births) and in_migration (year, sex, age)
        persons from outside; with destination_share (origin, destination, sex, age) of the leavers, zero on the
        diagonal, summing to one with the destination "outside"; with transition_rate (from_group, to_group, [year,]
        sex, age) between groups of a county and newborn_share (from_group, to_group[, year]), which group a mother's
        child belongs to.
    `rates.attrs`: jump_off_year (else the first year - 1), migration_timing, asfr_age.
    migration_timing: one of `TIMINGS`; else the attribute, else "end". flows: which to return. threads: at most so
    many counties or systems at a time; the result has the same bits for any number.
    Returns population (stock; jump-off year first) and the flows by age at the year's end, births by sex; flows at
    the jump-off year are NaN. clipped: persons by which out-migration was lowered, so that no cell is negative;
    net_migration is what was realised (transitions between groups included).
    Raises InputRefused naming every missing variable, year, sex or age and every value out of range; UsageError on an
    unknown timing or flow.
    """
    rates = rates.assign_attrs(conventions(rates, migration_timing))
    flows = tuple(flows)
    _check_flows(flows, rates)
    check_rates(rates)
    shares = tuple(TIMINGS[rates.attrs["migration_timing"]])
    plain = "net_migration" in rates and GROUP not in rates.dims
    projected = Counties(rates).run(shares, threads) if plain else Systems(rates).run(shares, threads)
    return _labelled(rates, projected, flows)


def check_balance(projection: xr.Dataset, rtol: float = 1e-9) -> None:
    """Raises InputRefused naming the worst cells unless every cell balances to `rtol` of its county's population.

    population[y, a] = population[y-1, a-1] - deaths + net_migration (births instead at age 0; the open group takes
    the last two). The flows were computed from the rates, not as residuals.
    """
    people = projection.population
    residual = balance_residual(projection)
    total = people.isel({YEAR: slice(1, None)}).sum([SEX, AGE])
    bad = ~(abs(residual) <= rtol * total)  # so written that a missing number is a fault too
    if bool(bad.any()):
        where, value = largest(residual.where(bad, 0.0).fillna(np.inf))
        raise InputRefused(Issue("E606", values={"count": int(bad.sum()), "where": where, "value": f"{value:.3g}"}))


def balance_residual(projection: xr.Dataset) -> xr.DataArray:
    """Persons by which each cell misses the accounting identity: (..., year without the first, sex, age)."""
    people = projection.population.transpose(..., YEAR, SEX, AGE)
    order = people.dims
    values = people.values
    expected = entering_ages(values[..., :-1, :, :], projection.births.transpose(*order[:-1]).values[..., 1:, :])
    for name, sign in (("deaths", -1.0), ("net_migration", 1.0)):
        expected += sign * projection[name].transpose(*order).values[..., 1:, :, :]
    return people.isel({YEAR: slice(1, None)}).copy(data=values[..., 1:, :, :] - expected)


def _labelled(rates: xr.Dataset, projected: Projected, flows: tuple[str, ...]) -> xr.Dataset:
    """Population and the flows asked for, computed from the rates and the people they act on."""
    timing = TIMINGS[rates.attrs["migration_timing"]]
    values = {"population": projected.population, "births": projected.births}
    if set(flows) - {"births"}:
        values |= _flows(projected, timing)
    variables = {}
    for name in ("population", *flows):
        dims = (YEAR, SEX) if name == "births" else (YEAR, SEX, AGE)
        data = values[name] if name == "population" else _from_jump_off(values[name], len(projected.lead))
        about = attributes(f"projection.{name}", timing=rates.attrs["migration_timing"])
        variables[name] = ((*projected.lead, *dims), data, about)
    years = np.concatenate([[rates.attrs["jump_off_year"]], rates[YEAR].values])
    coords = {YEAR: years, **{dim: rates[dim].values for dim in (*projected.lead, SEX, AGE)}}
    return xr.Dataset(variables, coords=coords, attrs=rates.attrs)


def _flows(projected: Projected, timing: Timing) -> dict[str, np.ndarray]:
    """Deaths, migration realised and persons clipped, (lead..., year, sex, age)."""
    entering = entering_ages(projected.population[..., :-1, :, :], projected.births)
    migrants = np.broadcast_to(projected.migrants, entering.shape)
    early = np.zeros_like(entering)
    early[..., 0] = timing.infant_survived * migrants[..., 0]
    early[..., 1:] = timing.start * migrants[..., :-1] + timing.survived * migrants[..., 1:]
    early[..., -1] += timing.start * migrants[..., -1]
    late = timing.end * migrants
    late[..., 0] = timing.infant_end * migrants[..., 0]
    deaths = (1 - projected.sx) * (entering + early)
    clipped = np.maximum(deaths - entering - early - late, 0.0)
    flows = {"deaths": deaths, "net_migration": early + late + clipped, "clipped": clipped}
    if projected.capped is not None:
        flows["clipped"] = clipped + projected.capped
    if projected.arriving is not None and projected.leaving is not None:
        flows |= {"in_migration": projected.arriving, "out_migration": projected.leaving}
    return flows


def _from_jump_off(flow: np.ndarray, lead: int) -> np.ndarray:
    """The flow with a NaN year in front."""
    before = np.full((*flow.shape[:lead], 1, *flow.shape[lead + 1 :]), np.nan)
    return np.concatenate([before, flow], axis=lead)


def _check_flows(flows: tuple[str, ...], rates: xr.Dataset) -> None:
    gross = GROUP in rates.dims or "net_migration" not in rates
    known = [*FLOWS[:-1], *(GROSS_FLOWS if gross else ()), *FLOWS[-1:]]
    unknown = [name for name in flows if name not in known]
    if unknown:
        raise UsageError(Issue("E610", values={"found": ", ".join(unknown), "expected": ", ".join(known)}))
