"""Control totals: a scenario's rates adjusted once, so that its projection has the totals of a larger authority.
Asked alone: no run calls it.

A province or a city publishes births, deaths, net migration or population to which the counties have to add up (the
United Kingdom's subnational projections and the US Census Bureau's RUP do the same). Births are met by a factor on
asfr, deaths by a factor on the force of mortality (sx to a power), migration last, by persons added in proportion to
mobility, never by a factor on a net. The stock is not touched, so every cell still balances. What comes out are
rates; trajectories are drawn around them and not adjusted again. Before and after are printed for every control.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import COUNTY, TRAJECTORY, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.population.projection.project import project_population

COMPONENTS = ("births", "deaths", "net_migration", "population")
_CLOSE = 1e-9  # relative error at which a total is met
_MOST_ROUNDS = 100
_FACTORS = (0.1, 10.0)  # of births and deaths that are looked for


class Raked(NamedTuple):
    """Rates that meet their controls, and how far they were from them."""

    rates: xr.Dataset
    residuals: pd.DataFrame  # area, year, component, target, before, after


class _Control(NamedTuple):
    area: str
    year: int
    component: str
    target: float
    counties: tuple[str, ...]  # all of the area
    own: tuple[str, ...]  # those that no smaller area with a control of the same kind holds


def rake_rates(
    rates: xr.Dataset,
    controls: pd.DataFrame,
    areas: Mapping[str, list[str]],
    migration_timing: str | None = None,
    mobility: xr.DataArray | None = None,
) -> Raked:
    """Rates whose projection has the totals asked for.

    rates: as `project_population` takes them, with county, without trajectory, migration as net_migration or as
    out_rate and in_migration. controls: columns area, year, component (one of `COMPONENTS`; population at 31 December),
    persons. areas: counties of every area that is not itself a county. mobility: (county, sex, age) not negative, the
    ages on which a change of net migration falls; by default the absolute net migrants of the year.
    A county follows the smallest area that has a control of the component in the year; a larger area's total then
    falls on its other counties, and where it has none, it is only reported. Where a year has both net migration and
    population, population is met. Years without controls keep their rates.
    Returns the rates (with county in what was adjusted) and the residuals, one row per control.
    Raises InputRefused: E662 for every control with no such area, year or component, E664 for one given twice, E663 where a
    total cannot be met; ValueError on rates of another form.
    """
    _check_form(rates)
    wanted = _controls(rates, controls, areas)
    standing = _by_county(rates)
    before = project_population(rates, migration_timing)
    people = before.population.isel({YEAR: 0}, drop=True)
    adjusted = []
    for year in rates[YEAR].values.tolist():
        step = (
            standing.sel({YEAR: [year]})
            .assign(baseline=people)
            .assign_attrs({**rates.attrs, "jump_off_year": year - 1})
        )
        step = _rake_year(step, [control for control in wanted if control.year == year], migration_timing, mobility)
        people = project_population(step, migration_timing).population.sel({YEAR: year}, drop=True)
        adjusted.append(step.drop_vars("baseline"))
    joined = xr.concat(adjusted, YEAR, data_vars="minimal")
    result = joined.assign(baseline=rates.baseline).assign_attrs({**rates.attrs, "raked": "control totals"})
    result = result.map(in_order, keep_attrs=True)
    after = project_population(result, migration_timing)
    rows = [
        (control.area, control.year, control.component, control.target, _total(before, control), _total(after, control))
        for control in wanted
    ]
    return Raked(result, pd.DataFrame(rows, columns=["area", "year", "component", "target", "before", "after"]))


def _rake_year(
    step: xr.Dataset, controls: list[_Control], timing: str | None, mobility: xr.DataArray | None
) -> xr.Dataset:
    """One year's rates: births, deaths, migration last, and again as long as one of them moves another's total."""
    mobility = _mobility(step) if mobility is None else mobility
    ruled = {county for control in controls if control.component == "population" for county in control.own}
    active = [
        control
        for control in controls
        if control.own and not (control.component == "net_migration" and ruled & set(control.own))
    ]
    if not active:
        return step
    for _ in range(_MOST_ROUNDS):
        if not _unmet(project_population(step, timing), active, _CLOSE):
            return step
        for component in COMPONENTS:
            chosen = [control for control in active if control.component == component]
            if chosen:
                step = _adjust(step, chosen, project_population(step, timing), mobility)
    projection = project_population(step, timing)
    raise InputRefused(
        [_issue(control, _total(projection, control)) for control in _unmet(projection, active, 1e3 * _CLOSE)]
    )


def _unmet(projection: xr.Dataset, controls: list[_Control], close: float) -> list[_Control]:
    return [
        control
        for control in controls
        if abs(_total(projection, control) - control.target) > close * max(abs(control.target), 1.0)
    ]


def _adjust(step: xr.Dataset, controls: list[_Control], projection: xr.Dataset, mobility: xr.DataArray) -> xr.Dataset:
    """The step with what is missing from totals of one component laid on the rates of the controls' own counties."""
    component = controls[0].component
    if component in ("births", "deaths"):
        factor = xr.ones_like(step[COUNTY], float)
        for control in controls:
            reached, missing = _total(projection, control, control.own), control.target - _total(projection, control)
            change = 1.0 if missing == 0 else (reached + missing) / reached if reached > 0 else np.nan
            if not _FACTORS[0] <= change <= _FACTORS[1]:
                raise InputRefused(_issue(control, control.target - missing))
            if component == "deaths":
                change **= 1 / _elasticity(step.sx, projection, control)
            factor.loc[{COUNTY: list(control.own)}] = change
        if component == "births":
            return step.assign(asfr=in_order(step.asfr * factor).assign_attrs(step.asfr.attrs))
        return step.assign(sx=in_order(step.sx**factor).assign_attrs(step.sx.attrs))
    moving = mobility.sum([dim for dim in mobility.dims if dim != COUNTY])
    added = xr.zeros_like(step[COUNTY], float)
    for control in controls:
        missing, movers = (
            control.target - _total(projection, control),
            float(moving.sel({COUNTY: list(control.own)}).sum()),
        )
        if missing and not movers > 0:
            raise ValueError(
                f"nobody moves in {control.area} in {control.year}: give the mobility on which a change shall fall"
            )
        added.loc[{COUNTY: list(control.own)}] = missing / movers if missing else 0.0
    name = "net_migration" if "net_migration" in step else "in_migration"
    moved = in_order(step[name] + added * mobility).assign_attrs(step[name].attrs)
    if name == "in_migration" and float(moved.min()) < 0:
        raise InputRefused([_issue(control, _total(projection, control)) for control in controls])
    return step.assign({name: moved})


def _elasticity(sx: xr.DataArray, projection: xr.Dataset, control: _Control) -> float:
    """Per cent more deaths for one per cent more force of mortality: those who die anyway cannot die twice.

    Of deaths (1 - s^k) E the derivative at k = 1 is -s ln s E; only the speed of the solution depends on it.
    """
    here = {YEAR: [control.year], COUNTY: list(control.own)}
    ratio = sx.sel(here).clip(1e-9, 1 - 1e-9)
    deaths = projection.deaths.sel(here)
    return float((deaths * -np.log(ratio) * ratio / (1 - ratio)).sum() / deaths.sum())


def _mobility(step: xr.Dataset) -> xr.DataArray:
    migrants = step.net_migration if "net_migration" in step else step.in_migration
    return abs(migrants.isel({YEAR: 0}, drop=True))


def _total(projection: xr.Dataset, control: _Control, counties: tuple[str, ...] | None = None) -> float:
    here = {YEAR: control.year, COUNTY: list(control.counties if counties is None else counties)}
    return float(projection[control.component].sel(here).sum())


def _issue(control: _Control, reached: float) -> Issue:
    values = {"area": control.area, "year": control.year, "component": control.component}
    return Issue("E663", values={**values, "target": f"{control.target:,.0f}", "reached": f"{reached:,.0f}"})


def _check_form(rates: xr.Dataset) -> None:
    if COUNTY not in rates.dims:
        raise ValueError("rates must have the dimension county: controls are totals of counties")
    if TRAJECTORY in rates.dims:
        raise ValueError("rates must have no trajectories: adjust the scenario's rates first, then draw around them")
    if "net_migration" not in rates and "in_migration" not in rates:
        raise ValueError("migration must be given as net_migration, or as out_rate and in_migration")


def _by_county(rates: xr.Dataset) -> xr.Dataset:
    """The rates that may be adjusted with a county each; the others as they are."""
    wide = {}
    for name in ("asfr", "sx", "net_migration", "in_migration"):
        if name in rates and COUNTY not in rates[name].dims:
            wide[name] = in_order(rates[name].expand_dims({COUNTY: rates[COUNTY]}))
    return rates.drop_vars("baseline").assign(wide)


def _controls(rates: xr.Dataset, table: pd.DataFrame, areas: Mapping[str, list[str]]) -> list[_Control]:
    """Every row with the counties it holds; all faults at once."""
    members = {**{str(county): [str(county)] for county in rates[COUNTY].values}, **areas}
    known, years = set(rates[COUNTY].values.tolist()), set(rates[YEAR].values.tolist())
    issues, seen = [], set()
    for row in table.itertuples():
        key = (str(row.area), int(row.year), str(row.component))
        wrong = []
        if key[0] not in members or not set(members[key[0]]) <= known:
            wrong.append("area")
        if key[1] not in years:
            wrong.append("year")
        if key[2] not in COMPONENTS:
            wrong.append("component")
        if not np.isfinite(row.persons) or (row.persons < 0 and key[2] != "net_migration"):
            wrong.append("persons")
        values = {"area": key[0], "year": key[1], "component": key[2]}
        if wrong:
            issues.append(Issue("E662", values={**values, "wrong": ", ".join(wrong)}))
        elif key in seen:
            issues.append(Issue("E664", values=values))
        seen.add(key)
    if issues:
        raise InputRefused(issues)
    rows = [
        _Control(
            str(row.area), int(row.year), str(row.component), float(row.persons), tuple(members[str(row.area)]), ()
        )
        for row in table.itertuples()
    ]
    return [
        control._replace(own=tuple(county for county in control.counties if _smallest(rows, control, county)))
        for control in rows
    ]


def _smallest(rows: list[_Control], control: _Control, county: str) -> bool:
    """True where no smaller area with a control of the same kind and year holds the county."""
    rivals = [
        row for row in rows if (row.year, row.component) == (control.year, control.component) and county in row.counties
    ]
    return all(row is control or len(row.counties) > len(control.counties) for row in rivals)
