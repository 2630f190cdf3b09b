"""Migration as a scenario changes it: one short function for each lever, in the order in which they act.

Net migration is moved to a total by adding persons along an age profile of one sign, never by a factor: a net profile
has ages that gain and ages that lose, and a factor that changes the total's sign would turn it upside down. Gross
flows are counts of people who do leave and do arrive: a factor on them keeps its sign and its sense.

    net      expected total -> level by county and year -> persons added -> closed
    gross    factor -> persons added to the arrivals -> other destinations -> closed
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, AGES, COUNTY, FROM_PLACE, GROUP, SEX, SEXES, TO_PLACE, YEAR, at_years, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.population.past.migration import move_to_total
from forecast.population.projection.conventions import OUTSIDE
from forecast.population.rates.schedules import STANDARD, rogers_castro
from forecast.scenario import DestinationShift, Migration

Dated = tuple[tuple[int, float], ...]

SCHEDULES = {
    # The labour-force part alone, with the rounded mean parameters of Rogers and Castro (1981): most at 23.
    "workers": STANDARD._replace(a1=0.0, c=0.0),
    # Assumed: those who begin to study, most at 18, five in six at 17 to 22.
    "students": STANDARD._replace(a1=0.0, alpha2=0.4, mu2=18.0, lambda2=1.0, c=0.0),
    # Assumed: parents most at 28 and their children, a third of the movers under 15.
    "families": STANDARD._replace(a1=0.04, mu2=25.0, c=0.0),
}
"""Model profiles along which a change may fall, read as relative numbers of persons: their level has no meaning, and
they have no constant part, which would spread the movers evenly to the highest ages."""


def net_migrants(past: xr.Dataset, migration: Migration, years: np.ndarray, expected: xr.DataArray) -> xr.DataArray:
    """(county, year, sex, age) persons: every county's expected net migration moved to the scenario's total.

    past: as `estimate_past` returns it. expected: (county, [year,] sex, age) net persons a year that the level 1
    stands for. Raises InputRefused naming every lever that needs gross flows
    and every county that the region lacks.
    """
    counties = past[COUNTY].values.tolist()
    faults = _unknown_counties(migration, counties)
    faults += [_lever("E642", "gross_factor")] * _differs(migration.gross_factor)
    faults += [_lever("E642", "destination_shift")] * bool(migration.destination_shift)
    _refuse(faults)
    total = expected.sum([SEX, AGE]) * levels(migration, counties, years) + additions(past, migration, years)
    moved = in_order(move_to_total(expected, change_profile(past, migration), total))
    return xr.zeros_like(moved) if migration.closed else moved


def gross_flows(past: xr.Dataset, flows: xr.Dataset, migration: Migration, years: np.ndarray) -> xr.Dataset:
    """`out_rate`, `in_migration` and, where given, `destination_share`, as the scenario changes them.

    flows: rates of leaving (county?, year?, sex, age) of those who enter the age and persons arriving from outside,
    with shares (origin, destination, sex, age) or without; what has no `year` holds for all years. Raises InputRefused
    naming every lever that acts on a net alone, every place that the region lacks and every year that is missing.
    """
    counties = past[COUNTY].values.tolist()
    faults = _lacking(flows, years) + _unknown_counties(migration, counties) + _unknown_places(migration, counties)
    faults += [_lever("E643", key) for key in migration.changes if not key.startswith("add")]
    if migration.destination_shift and "destination_share" not in flows:
        faults.append(_lever("E644", "destination_shift"))
    _refuse(faults)
    factor = dated_path(migration.gross_factor, years)
    changed = {name: in_order(_all_years(flows[name], years) * factor) for name in ("out_rate", "in_migration")}
    changed["in_migration"] = add_arrivals(changed["in_migration"], past, migration, years)
    if "destination_share" in flows:
        changed["destination_share"] = shift_destinations(flows.destination_share, migration.destination_shift)
    if migration.closed:
        changed |= {name: xr.zeros_like(changed[name]) for name in ("out_rate", "in_migration")}
    return xr.Dataset(changed)


def levels(migration: Migration, counties: list[str], years: np.ndarray) -> xr.DataArray:
    """(county, year) multiples of the expected net total: a county's own, else the one for all."""
    paths = [migration.counties.get(county, migration.level) for county in counties]
    return _by_county(paths, counties, years)


def additions(past: xr.Dataset, migration: Migration, years: np.ndarray) -> xr.DataArray:
    """(county, year) persons a year on top: the whole's, in proportion to residents at the jump-off date, and the
    county's own."""
    counties = past[COUNTY].values.tolist()
    residents = past.population.isel({YEAR: -1}, drop=True).sum([SEX, AGE])
    nobody: Dated = ((int(years[0]), 0.0),)
    of_county = _by_county([migration.add_counties.get(county, nobody) for county in counties], counties, years)
    return dated_path(migration.add, years) * residents / residents.sum() + of_county


def change_profile(past: xr.Dataset, migration: Migration) -> xr.DataArray:
    """(county?, sex, age) weights along which a change falls: mobility, a model schedule, or the scenario's own."""
    if migration.profile == "mobility":
        return past.migration_mobility
    ages = np.array(AGES)
    if isinstance(migration.profile, str):
        weights = rogers_castro(ages + 0.5, SCHEDULES[migration.profile])
    else:
        given, values = zip(*migration.profile, strict=True)
        weights = np.interp(ages, given, values, left=0.0, right=0.0)
    both = np.broadcast_to(weights / weights.sum() / len(SEXES), (len(SEXES), ages.size))
    return xr.DataArray(both, dims=(SEX, AGE), coords={SEX: list(SEXES), AGE: ages})


def add_arrivals(arrivals: xr.DataArray, past: xr.Dataset, migration: Migration, years: np.ndarray) -> xr.DataArray:
    """Arrivals from outside with the scenario's persons on top; refused where fewer than none would arrive."""
    added = [key for key in migration.changes if key.startswith("add")]
    if not added:
        return arrivals
    if GROUP in arrivals.dims:
        groups = ", ".join(map(str, arrivals[GROUP].values))
        raise InputRefused([_lever("E646", key, groups=groups) for key in added])
    along = change_profile(past, migration)
    raised = in_order(arrivals + additions(past, migration, years) * along / along.sum([SEX, AGE]))
    below = raised.values < 0
    if below.any():
        first = np.argwhere(below)[0]
        where = ", ".join(f"{dim} {raised[dim].values[i]}" for dim, i in zip(raised.dims, first, strict=True))
        raise InputRefused([_lever("E645", key, where=where) for key in added])
    return raised


def shift_destinations(share: xr.DataArray, shifts: Iterable[DestinationShift]) -> xr.DataArray:
    """Shares of the leavers by destination, some of them sent elsewhere; every origin's shares keep their sum."""
    shifted = share.copy()
    for shift in shifts:
        before, after = ({FROM_PLACE: shift.origin, TO_PLACE: place} for place in (shift.away_from, shift.towards))
        moved = shift.share * shifted.loc[before]
        shifted.loc[before] = shifted.loc[before] - moved
        shifted.loc[after] = shifted.loc[after] + moved
    return shifted


def dated_path(dated: Dated, years: np.ndarray) -> xr.DataArray:
    """(year,) dated values of a lever read at each year (`at_years`)."""
    return xr.DataArray(at_years(dated, years.tolist()), dims=YEAR, coords={YEAR: years})


def _by_county(paths: list[Dated], counties: list[str], years: np.ndarray) -> xr.DataArray:
    values = [at_years(path, years.tolist()) for path in paths]
    return xr.DataArray(values, dims=(COUNTY, YEAR), coords={COUNTY: counties, YEAR: years})


def _all_years(variable: xr.DataArray, years: np.ndarray) -> xr.DataArray:
    return variable.sel({YEAR: years}) if YEAR in variable.dims else variable


def _differs(path: Dated) -> bool:
    return any(value != 1.0 for _, value in path)


def _lever(fault: str, key: str, **values: str) -> Issue:
    return Issue(fault, values={"field": f"migration.{key}", **values})


def _refuse(faults: list[Issue]) -> None:
    if faults:
        raise InputRefused(faults)


def _unknown_counties(migration: Migration, counties: list[str]) -> list[Issue]:
    named = [("counties", code) for code in migration.counties] + [("add_counties", c) for c in migration.add_counties]
    return [_lever("E641", key, code=code, known=", ".join(counties)) for key, code in named if code not in counties]


def _unknown_places(migration: Migration, counties: list[str]) -> list[Issue]:
    faults = []
    for number, shift in enumerate(migration.destination_shift, 1):
        known = {"origin": counties, "away_from": [*counties, OUTSIDE], "towards": [*counties, OUTSIDE]}
        for end, places in known.items():
            code = getattr(shift, end)
            if code not in places:
                key = f"destination_shift.{number}.{end}"
                faults.append(_lever("E641", key, code=code, known=", ".join(places)))
    return faults


def _lacking(flows: xr.Dataset, years: np.ndarray) -> list[Issue]:
    """Missing variables, and the years that a given variable misses."""
    names = ("out_rate", "in_migration")
    faults = [Issue("E601", values={"variable": n, "expected": ", ".join(names)}) for n in names if n not in flows]
    for name in (name for name in names if name in flows and YEAR in flows[name].dims):
        missing = sorted(set(years.tolist()) - set(flows[YEAR].values.tolist()))
        if missing:
            labels = ", ".join(map(str, missing))
            faults.append(Issue("E602", values={"variable": name, "dim": YEAR, "labels": labels}))
    return faults
