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

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import xarray as xr

from forecast.dims import AGE, COUNTY, GROUP, ORDER, SEX, SEXES, TRAJECTORY, YEAR
from forecast.errors import InputRefused, Issue, UsageError
from forecast.population import kernel


class Timing(NamedTuple):
    """Shares of a year's migrants: added before survival (one age younger), bearing survival, added after it; the
    same for those aged 0; and the part of the late arrivals that stands in the birth exposure."""

    start: float
    survived: float
    end: float
    infant_survived: float
    infant_end: float
    in_exposure: float


TIMINGS = {
    "end": Timing(0.0, 0.0, 1.0, 0.0, 1.0, 0.0),
    "even": Timing(0.5, 0.0, 0.5, 0.0, 0.5, 1.0),
    "even_nobirth": Timing(0.5, 0.0, 0.5, 0.0, 0.5, 0.0),
    "mid": Timing(0.0, 0.5, 0.5, 2 / 3, 1 / 3, 1.0),
}
ASFR_AGES = {"completed": 0, "year_end": 1}
"""How much younger the women exposed at the year's start are than the age that asfr names."""

NET_RATE_LIMIT = 0.8
"""Largest share of an age that a net rate may take away in a year; what lies beyond is clipped and counted."""

ORIGIN, DESTINATION, OUTSIDE = "origin", "destination", "outside"
FROM_GROUP, TO_GROUP = "from_group", "to_group"
FLOWS = ("births", "deaths", "net_migration", "clipped")
"""Flows returned by default; `in_migration` and `out_migration` on request."""

_SMALL = 200_000  # cells below which a pool of threads costs more than it saves


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
    rates = rates.assign_attrs(_conventions(rates, migration_timing))
    flows = tuple(flows)
    _check_flows(flows, rates)
    _check_rates(rates)
    shares = tuple(TIMINGS[rates.attrs["migration_timing"]])
    plain = "net_migration" in rates and GROUP not in rates.dims
    found = _Counties(rates).run(shares, threads) if plain else _Systems(rates).run(shares, threads)
    return _labelled(rates, found, flows)


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
        where, value = _largest(residual.where(bad, 0.0).fillna(np.inf))
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


def entering_ages(before: np.ndarray, births: np.ndarray) -> np.ndarray:
    """Persons who would be of an age at the year's end if nobody died or moved: (..., sex, age).

    before: (..., sex, age) at the start; births: (..., sex). The open group takes the last two.
    """
    entering = np.empty_like(before)
    entering[..., 0] = births
    entering[..., 1:] = before[..., :-1]
    entering[..., -1] += before[..., -1]
    return entering


class _Found(NamedTuple):
    """What a driver gives back, all (lead..., year, sex, age) or without age."""

    lead: tuple[str, ...]  # dimensions in front: trajectory, county, group
    population: np.ndarray
    births: np.ndarray
    sx: np.ndarray  # as used, broadcastable
    migrants: np.ndarray  # net persons asked for in the year, broadcastable
    arriving: np.ndarray | None  # gross: persons
    leaving: np.ndarray | None
    capped: np.ndarray | None  # persons that a net rate beyond its limit would have taken


class _Counties:
    """Given net migrants: counties of all trajectories, each through all its years by itself."""

    def __init__(self, rates: xr.Dataset):
        self.rates = rates
        self.lead = tuple(dim for dim in (TRAJECTORY, COUNTY) if dim in rates.dims)
        self.sizes = tuple(rates.sizes[dim] for dim in self.lead)
        self.count = int(np.prod(self.sizes, dtype=int))

    def run(self, shares: tuple[float, ...], threads: int | None) -> _Found:
        stacked = {name: self.rows(name) for name in ("baseline", "sx", "asfr", "srb", "net_migration")}
        first, last = fertile_ages(self.rates.asfr)
        rows = np.stack([row for _, row in stacked.values()])
        asfr = np.ascontiguousarray(stacked["asfr"][0][..., first : last + 1])
        years, ages = self.rates.sizes[YEAR], self.rates.sizes[AGE]
        population = np.empty((self.count, years + 1, 2, ages))
        births = np.empty((self.count, years, 2))
        inputs = (
            rows, stacked["baseline"][0], stacked["sx"][0], asfr, first, ASFR_AGES[self.rates.attrs["asfr_age"]],
            stacked["srb"][0], stacked["net_migration"][0], shares, population, births,
        )  # fmt: skip
        spread(lambda begin, stop: kernel.county_years(begin, stop, *inputs), self.count, years * ages, threads)
        return _Found(
            self.lead,
            population.reshape(*self.sizes, years + 1, 2, ages),
            births.reshape(*self.sizes, years, 2),
            self.wide("sx"),
            self.wide("net_migration"),
            None,
            None,
            None,
        )

    def rows(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The variable as (row, ...), C-contiguous and not repeated, and the row that each county reads."""
        variable = self.rates[name]
        own = tuple(dim for dim in self.lead if dim in variable.dims)
        inner = tuple(dim for dim in ORDER if dim in variable.dims and dim not in own)
        values = np.ascontiguousarray(variable.transpose(*own, *inner).values, dtype=float)
        count = int(np.prod([variable.sizes[dim] for dim in own], dtype=int))
        index = np.arange(count).reshape([variable.sizes[dim] if dim in own else 1 for dim in self.lead])
        row = np.broadcast_to(index, self.sizes).reshape(-1)
        return values.reshape(count, *values.shape[len(own) :]), np.ascontiguousarray(row)

    def wide(self, name: str) -> np.ndarray:
        """The variable with a length-1 axis for each leading dimension that it lacks."""
        return _wide(self.rates[name], self.lead)


class _Systems:
    """Gross migration, net rates and groups: the units (county and group) that exchange people, year by year together.

    Without destination shares every county is a system of its own, of its groups; with them all counties are one.
    """

    def __init__(self, rates: xr.Dataset):
        self.rates = rates
        self.lead = tuple(dim for dim in (TRAJECTORY, COUNTY, GROUP) if dim in rates.dims)
        self.groups = rates.sizes.get(GROUP, 1)
        self.counties = rates.sizes.get(COUNTY, 1)
        self.trajectories = rates.sizes.get(TRAJECTORY, 1)
        self.joined = "destination_share" in rates
        self.years, self.ages = rates.sizes[YEAR], rates.sizes[AGE]

    def run(self, shares: tuple[float, ...], threads: int | None) -> _Found:
        arrivals, out_rate, capped_rate = self.migration()
        moves = self.transitions()
        share = self.destinations(out_rate, moves)
        total_rate = out_rate + moves.sum(axis=3)  # (trajectory, county, group, year, sex, age)
        _check_total(total_rate)
        first, last = fertile_ages(self.rates.asfr)
        if first < 2 and bool((self.rates.asfr > 0).any()):
            raise InputRefused(Issue("E614"))
        state = {name: self.full(name) for name in ("baseline", "sx", "asfr", "srb")}
        asfr = np.ascontiguousarray(state["asfr"][..., first : last + 1])
        newborn = self.newborn()
        size = self.counties * self.groups if self.joined else self.groups
        systems = 1 if self.joined else self.counties
        population = np.empty((self.trajectories, systems, size, self.years + 1, 2, self.ages))
        births = np.empty((self.trajectories, systems, size, self.years, 2))

        def of_system(values: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(values).reshape(self.trajectories, systems, size, *values.shape[3:])

        inputs = [of_system(x) for x in (state["baseline"], state["sx"], asfr, state["srb"], arrivals, total_rate)]
        younger = ASFR_AGES[self.rates.attrs["asfr_age"]]

        def take(begin: int, stop: int) -> None:
            for index in range(begin, stop):
                at = divmod(index, systems)
                base, sx, fertility, boys, coming, rate = (values[at] for values in inputs)
                kernel.system_years(
                    base, sx, fertility, first, younger, boys, coming, rate, share[at[0], at[1] % share.shape[1]],
                    newborn, shares, population[at], births[at],
                )  # fmt: skip

        spread(take, self.trajectories * systems, size * self.years * self.ages, threads)
        people = population.reshape(self.trajectories, self.counties, self.groups, self.years + 1, 2, self.ages)
        born = births.reshape(self.trajectories, self.counties, self.groups, self.years, 2)
        entering = entering_ages(people[..., :-1, :, :], born)
        leaving = total_rate * entering
        arriving = arrivals + self.inside(leaving, share, systems, size)
        capped = None if capped_rate is None else capped_rate * entering

        def shown(values: np.ndarray) -> np.ndarray:
            kept = tuple(
                n
                for dim, n in ((TRAJECTORY, self.trajectories), (COUNTY, self.counties), (GROUP, self.groups))
                if dim in self.lead
            )
            return values.reshape(*kept, *values.shape[3:])

        return _Found(
            self.lead, shown(people), shown(born), _wide(self.rates.sx, self.lead), shown(arriving - leaving),
            shown(arriving), shown(leaving), None if capped is None else shown(capped),
        )  # fmt: skip

    def migration(self) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Arrivals from outside (persons), rate of leaving, and the part of a net rate beyond its limit."""
        if "net_migration" in self.rates:
            arrivals = self.full("net_migration")
            return arrivals, np.zeros_like(arrivals), None
        if "net_migration_rate" in self.rates:
            out_rate = -self.full("net_migration_rate")
            limited = np.minimum(out_rate, NET_RATE_LIMIT)
            return np.zeros_like(out_rate), limited, out_rate - limited
        return self.full("in_migration"), self.full("out_rate"), None

    def transitions(self) -> np.ndarray:
        """(trajectory, county, from, to, year, sex, age) rates between the groups of a county."""
        shape = (self.trajectories, self.counties, self.groups, self.groups, self.years, 2, self.ages)
        if "transition_rate" not in self.rates:
            return np.zeros(shape)
        order = (TRAJECTORY, COUNTY, FROM_GROUP, TO_GROUP, YEAR, SEX, AGE)
        return np.broadcast_to(_wide_in(self.rates.transition_rate, order), shape)

    def destinations(self, out_rate: np.ndarray, moves: np.ndarray) -> np.ndarray:
        """(trajectory, system, year, from, to, sex, age) share of a unit's leavers who go to another unit."""
        total = out_rate + moves.sum(axis=3)
        safe = np.where(total > 0, total, 1.0)
        between = np.moveaxis(moves / safe[:, :, :, None], 4, 2)  # trajectory, county, year, from, to, sex, age
        if not self.joined:
            return np.ascontiguousarray(between)
        units = (self.counties, self.groups)
        share = np.zeros((self.trajectories, 1, self.years, *units, *units, 2, self.ages))
        order = (ORIGIN, DESTINATION, SEX, AGE)
        to = self.rates.destination_share
        inside = to.sel({DESTINATION: [place for place in to[DESTINATION].values if place != OUTSIDE]})
        counties = self.rates[COUNTY].values
        inside = inside.sel({ORIGIN: counties, DESTINATION: counties}).transpose(*order).values
        leaving = np.moveaxis(out_rate / safe, 3, 1)  # trajectory, year, county, group, sex, age
        for group in range(self.groups):
            share[:, 0, :, :, group, :, group] = leaving[:, :, :, group, None] * inside
        for county in range(self.counties):
            share[:, 0, :, county, :, county] += between[:, county]
        size = self.counties * self.groups
        return share.reshape(self.trajectories, 1, self.years, size, size, 2, self.ages)

    def inside(self, leaving: np.ndarray, share: np.ndarray, systems: int, size: int) -> np.ndarray:
        """Persons who arrive from other units, shaped like `leaving`."""
        by_system = leaving.reshape(self.trajectories, systems, size, self.years, 2, self.ages)
        arriving = np.einsum("tuiysa,tuyijsa->tujysa", by_system, share)
        return arriving.reshape(leaving.shape)

    def newborn(self) -> np.ndarray:
        """(year or 1, unit of mother, unit of child): a child belongs to its mother's unit where nothing else is said."""
        if "newborn_share" not in self.rates:
            between = np.eye(self.groups)[None]
        else:
            order = tuple(dim for dim in (YEAR, FROM_GROUP, TO_GROUP) if dim in self.rates.newborn_share.dims)
            between = self.rates.newborn_share.transpose(*order).values.astype(float)
            between = between if YEAR in order else between[None]
        if not self.joined:
            return np.ascontiguousarray(between)
        return np.stack([np.kron(np.eye(self.counties), one) for one in between])

    def full(self, name: str) -> np.ndarray:
        """(trajectory, county, group, ...) float64 with every leading dimension at its full length."""
        wide = _wide_in(self.rates[name], (TRAJECTORY, COUNTY, GROUP, *self.inner(name)))
        lead = (self.trajectories, self.counties, self.groups)
        return np.broadcast_to(wide, (*lead, *wide.shape[3:]))

    def inner(self, name: str) -> tuple[str, ...]:
        return tuple(dim for dim in (YEAR, SEX, AGE) if dim in self.rates[name].dims)


def fertile_ages(asfr: xr.DataArray) -> tuple[int, int]:
    """First and last position of an age with births anywhere (1, 1 where there are none)."""
    fertile = np.flatnonzero((asfr > 0).any([dim for dim in asfr.dims if dim != AGE]).values)
    return (int(fertile[0]), int(fertile[-1])) if fertile.size else (1, 1)


def spread(work: object, count: int, cells: int, threads: int | None) -> None:
    """Calls work(begin, stop) over `count` parts, on several threads where it pays."""
    workers = min(threads or os.cpu_count() or 1, count)
    if workers < 2 or count * cells < _SMALL:
        work(0, count)  # type: ignore[operator]
        return
    bounds = np.linspace(0, count, 4 * workers + 1).astype(int)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))  # type: ignore[arg-type]


def _wide(variable: xr.DataArray, lead: tuple[str, ...]) -> np.ndarray:
    return _wide_in(variable, (*lead, *(dim for dim in ORDER if dim in variable.dims and dim not in lead)))


def _wide_in(variable: xr.DataArray, order: tuple[str, ...]) -> np.ndarray:
    """Values with the dimensions in this order, of length 1 where the variable lacks one."""
    have = [dim for dim in order if dim in variable.dims]
    values = variable.transpose(*have).values.astype(float, copy=False)
    return values.reshape([variable.sizes[dim] if dim in have else 1 for dim in order])


def _labelled(rates: xr.Dataset, found: _Found, flows: tuple[str, ...]) -> xr.Dataset:
    """Population and the flows asked for, computed from the rates and the people they act on."""
    timing = TIMINGS[rates.attrs["migration_timing"]]
    values = {"population": found.population, "births": found.births}
    if set(flows) - {"births"}:
        values |= _flows(found, timing)
    source = f"projection, migration timing {rates.attrs['migration_timing']}"
    variables = {}
    for name in ("population", *flows):
        dims, long_name, units, kind = _VARIABLES[name]
        data = values[name] if name == "population" else _from_jump_off(values[name], len(found.lead))
        attrs = {"long_name": long_name, "units": units, "kind": kind, "source": source}
        variables[name] = ((*found.lead, *dims), data, attrs)
    years = np.concatenate([[rates.attrs["jump_off_year"]], rates[YEAR].values])
    coords = {YEAR: years, **{dim: rates[dim].values for dim in (*found.lead, SEX, AGE)}}
    return xr.Dataset(variables, coords=coords, attrs=rates.attrs)


_VARIABLES = {
    "population": ((YEAR, SEX, AGE), "population at 31 December", "persons", "stock"),
    "births": ((YEAR, SEX), "births in the year", "births", "flow"),
    "deaths": ((YEAR, SEX, AGE), "deaths in the year by age at its end", "deaths", "flow"),
    "net_migration": ((YEAR, SEX, AGE), "net migration realised in the year by age at its end", "persons", "flow"),
    "in_migration": ((YEAR, SEX, AGE), "arrivals in the year by age at its end", "persons", "flow"),
    "out_migration": ((YEAR, SEX, AGE), "leavers in the year by age at its end", "persons", "flow"),
    "clipped": ((YEAR, SEX, AGE), "out-migration not realised, so that no cell is negative", "persons", "flow"),
}


def _flows(found: _Found, timing: Timing) -> dict[str, np.ndarray]:
    """Deaths, migration realised and persons clipped, (lead..., year, sex, age)."""
    entering = entering_ages(found.population[..., :-1, :, :], found.births)
    migrants = np.broadcast_to(found.migrants, entering.shape)
    early = np.zeros_like(entering)
    early[..., 0] = timing.infant_survived * migrants[..., 0]
    early[..., 1:] = timing.start * migrants[..., :-1] + timing.survived * migrants[..., 1:]
    early[..., -1] += timing.start * migrants[..., -1]
    late = timing.end * migrants
    late[..., 0] = timing.infant_end * migrants[..., 0]
    deaths = (1 - found.sx) * (entering + early)
    clipped = np.maximum(deaths - entering - early - late, 0.0)
    flows = {"deaths": deaths, "net_migration": early + late + clipped, "clipped": clipped}
    if found.capped is not None:
        flows["clipped"] = clipped + found.capped
    if found.arriving is not None and found.leaving is not None:
        flows |= {"in_migration": found.arriving, "out_migration": found.leaving}
    return flows


def _from_jump_off(flow: np.ndarray, lead: int) -> np.ndarray:
    """The flow with a NaN year in front."""
    before = np.full((*flow.shape[:lead], 1, *flow.shape[lead + 1 :]), np.nan)
    return np.concatenate([before, flow], axis=lead)


def _conventions(rates: xr.Dataset, migration_timing: str | None) -> dict[str, object]:
    """The choices under which the rates are read, as they are stored with the result."""
    timing = migration_timing or rates.attrs.get("migration_timing", "end")
    if timing not in TIMINGS:
        raise UsageError(Issue("E605", values={"timing": timing, "expected": ", ".join(TIMINGS)}))
    asfr_age = rates.attrs.get("asfr_age", "completed")
    if asfr_age not in ASFR_AGES:
        raise UsageError(Issue("E609", values={"found": asfr_age, "expected": ", ".join(ASFR_AGES)}))
    jump_off = rates.attrs.get("jump_off_year", int(rates[YEAR][0]) - 1 if YEAR in rates.coords else 0)
    return {"migration_timing": timing, "asfr_age": asfr_age, "jump_off_year": int(jump_off)}


def _check_flows(flows: tuple[str, ...], rates: xr.Dataset) -> None:
    gross = GROUP in rates.dims or "net_migration" not in rates
    known = [
        name for name in _VARIABLES if name != "population" and (gross or name not in ("in_migration", "out_migration"))
    ]
    unknown = [name for name in flows if name not in known]
    if unknown:
        raise UsageError(Issue("E610", values={"found": ", ".join(unknown), "expected": ", ".join(known)}))


_DIMS = {
    "baseline": (SEX, AGE),
    "sx": (YEAR, SEX, AGE),
    "asfr": (YEAR, AGE),
    "srb": (YEAR,),
    "net_migration": (YEAR, SEX, AGE),
    "net_migration_rate": (YEAR, SEX, AGE),
    "out_rate": (YEAR, SEX, AGE),
    "in_migration": (YEAR, SEX, AGE),
    "destination_share": (ORIGIN, DESTINATION, SEX, AGE),
    "transition_rate": (FROM_GROUP, TO_GROUP, SEX, AGE),
    "newborn_share": (FROM_GROUP, TO_GROUP),
}
_LIMITS = {
    "baseline": (0.0, np.inf),
    "sx": (0.0, 1.0),
    "asfr": (0.0, 1.0),
    "srb": (0.5, 2.0),
    "net_migration_rate": (-np.inf, np.inf),
    "out_rate": (0.0, 1.0),
    "in_migration": (0.0, np.inf),
    "destination_share": (0.0, 1.0),
    "transition_rate": (0.0, 1.0),
    "newborn_share": (0.0, 1.0),
}
_FORMS = (("net_migration",), ("net_migration_rate",), ("out_rate", "in_migration"))


def _check_rates(rates: xr.Dataset) -> None:
    """All faults of the rates at once: variables, dimensions, labels, values."""
    issues = [_lacking(name) for name in ("baseline", "sx", "asfr", "srb") if name not in rates]
    forms = [form for form in _FORMS if any(name in rates for name in form)]
    if len(forms) != 1:
        issues.append(
            _lacking("net_migration") if not forms else Issue("E611", values={"found": ", ".join(sum(forms, ()))})
        )
    issues += [_lacking(name) for form in forms for name in form if name not in rates]
    for name, dims in _DIMS.items():
        if name in rates:
            lacking = [dim for dim in dims if dim not in rates[name].dims]
            issues += [Issue("E602", values={"variable": name, "dim": dim, "labels": ""}) for dim in lacking]
    if issues:
        raise InputRefused(issues)
    issues += _check_labels(rates)
    for name in _DIMS:
        if name in rates:
            issues += _check_values(rates[name], *_LIMITS.get(name, (-np.inf, np.inf)))
    if not issues:
        issues += _check_shares(rates)
    if issues:
        raise InputRefused(issues)


def _lacking(name: str) -> Issue:
    return Issue("E601", values={"variable": name, "expected": ", ".join(_DIMS)})


def _check_labels(rates: xr.Dataset) -> list[Issue]:
    issues = []
    years = rates[YEAR].values.tolist()
    missing = sorted(set(range(int(rates.attrs["jump_off_year"]) + 1, int(years[-1]) + 1)) - set(years))
    if missing or years != sorted(set(years)):
        issues.append(Issue("E602", values={"variable": "rates", "dim": YEAR, "labels": _list(missing)}))
    if rates[SEX].values.tolist() != list(SEXES):
        issues.append(Issue("E602", values={"variable": "rates", "dim": SEX, "labels": _list(SEXES)}))
    ages = rates[AGE].values.tolist()
    missing = sorted(set(range(int(ages[-1]) + 1)) - set(ages))
    if missing or ages != sorted(set(ages)):
        issues.append(Issue("E602", values={"variable": "rates", "dim": AGE, "labels": _list(missing)}))
    if "destination_share" in rates and COUNTY in rates.coords:
        to, counties = rates.destination_share, rates[COUNTY].values.tolist()
        for dim in (ORIGIN, DESTINATION):
            absent = [place for place in counties if place not in to[dim].values]
            if absent:
                issues.append(Issue("E602", values={"variable": to.name, "dim": dim, "labels": _list(absent)}))
    return issues


def _check_shares(rates: xr.Dataset) -> list[Issue]:
    """Shares that must sum to one, and nobody who moves to where she is."""
    issues = []
    for name, dim in (("destination_share", DESTINATION), ("newborn_share", TO_GROUP)):
        if name in rates:
            total = rates[name].sum(dim)
            off = abs(total - 1) > 1e-9
            if bool(off.any()):
                where, value = _largest((total - 1).rename(name))
                values = {"variable": name, "dim": dim, "where": where, "value": f"{value + 1:.9g}"}
                issues.append(Issue("E612", values=values))
    for name, pair in (("destination_share", (ORIGIN, DESTINATION)), ("transition_rate", (FROM_GROUP, TO_GROUP))):
        if name in rates:
            variable = rates[name]
            same = variable.where(variable[pair[0]] == variable[pair[1]], 0.0)
            if bool((same != 0).any()):
                issues.append(Issue("E613", values={"variable": name, "where": _largest(same)[0]}))
    return issues


def _check_total(rate: np.ndarray) -> None:
    """Nobody can leave twice."""
    if (rate > 1 + 1e-12).any():
        at = np.argwhere(rate > 1 + 1e-12)[0]
        names = (TRAJECTORY, COUNTY, GROUP, YEAR, SEX, AGE)
        where = ", ".join(f"{name} {index}" for name, index in zip(names, at, strict=True))
        values = {"variable": "out_rate + transition_rate", "range": "[0, 1]", "count": int((rate > 1).sum())}
        raise InputRefused(Issue("E604", values=values | {"where": where, "value": f"{rate[tuple(at)]:.6g}"}))


def _check_values(variable: xr.DataArray, low: float, high: float) -> list[Issue]:
    values = variable.values
    finite = np.isfinite(values)
    if not finite.all():
        where = _where(variable, np.argwhere(~finite)[0])
        return [Issue("E603", values={"variable": variable.name, "count": int((~finite).sum()), "where": where})]
    if values.min() >= low and values.max() <= high:
        return []
    outside = (values < low) | (values > high)
    first = np.argwhere(outside)[0]
    found = {"count": int(outside.sum()), "where": _where(variable, first), "value": f"{values[tuple(first)]:.6g}"}
    return [Issue("E604", values={"variable": variable.name, "range": f"[{low:g}, {high:g}]", **found})]


def _largest(variable: xr.DataArray) -> tuple[str, float]:
    index = np.unravel_index(int(np.argmax(abs(variable.values))), variable.shape)
    return _where(variable, np.array(index)), float(variable.values[index])


def _where(variable: xr.DataArray, index: np.ndarray) -> str:
    pairs = zip(variable.dims, index, strict=True)
    return ", ".join(f"{dim} {variable[dim].values[i] if dim in variable.coords else i}" for dim, i in pairs)


def _list(labels: Iterable[object]) -> str:
    return ", ".join(str(x) for x in labels)
