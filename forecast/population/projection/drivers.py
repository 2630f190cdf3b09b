"""Lays labelled rates out as the kernel wants them, runs it over counties or systems, and keeps what it used.

Two drivers: `Counties` where net migrants are given, so that every county goes its own way, and `Systems` where people
leave by rates, so that counties or groups exchange them. A pool of threads over counties or systems is the only
parallelism.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import xarray as xr

from forecast.basics.ages import entering_ages
from forecast.basics.dims import (
    AGE,
    COUNTY,
    FROM_GROUP,
    FROM_PLACE,
    GROUP,
    ORDER,
    SEX,
    TO_GROUP,
    TO_PLACE,
    TRAJECTORY,
    YEAR,
)
from forecast.basics.issues import InputRefused, Issue
from forecast.population.projection import kernel
from forecast.population.projection.check_rates import check_total_rate
from forecast.population.projection.conventions import ASFR_AGES, NET_RATE_LIMIT, OUTSIDE

_SMALL = 200_000  # cells below which a pool of threads costs more than it saves


class Projected(NamedTuple):
    """Results of a driver, all (lead..., year, sex, age) or without age."""

    lead: tuple[str, ...]  # dimensions in front: trajectory, county, group
    population: np.ndarray
    births: np.ndarray
    sx: np.ndarray  # as used, broadcastable
    migrants: np.ndarray  # net persons asked for in the year, broadcastable
    arriving: np.ndarray | None  # gross: persons
    leaving: np.ndarray | None
    capped: np.ndarray | None  # persons that a net rate beyond its limit would have taken


class Counties:
    """Given net migrants: counties of all trajectories, each through all its years by itself."""

    def __init__(self, rates: xr.Dataset):
        self.rates = rates
        self.lead = tuple(dim for dim in (TRAJECTORY, COUNTY) if dim in rates.dims)
        self.sizes = tuple(rates.sizes[dim] for dim in self.lead)
        self.count = int(np.prod(self.sizes, dtype=int))

    def run(self, shares: tuple[float, ...], threads: int | None) -> Projected:
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
        return Projected(
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
        leading = tuple(dim for dim in self.lead if dim in variable.dims)
        inner = tuple(dim for dim in ORDER if dim in variable.dims and dim not in leading)
        values = np.ascontiguousarray(variable.transpose(*leading, *inner).values, dtype=float)
        count = int(np.prod([variable.sizes[dim] for dim in leading], dtype=int))
        index = np.arange(count).reshape([variable.sizes[dim] if dim in leading else 1 for dim in self.lead])
        row = np.broadcast_to(index, self.sizes).reshape(-1)
        return values.reshape(count, *values.shape[len(leading) :]), np.ascontiguousarray(row)

    def wide(self, name: str) -> np.ndarray:
        """The variable with a length-1 axis for each leading dimension that it lacks."""
        return _wide(self.rates[name], self.lead)


class Systems:
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

    def run(self, shares: tuple[float, ...], threads: int | None) -> Projected:
        arrivals, out_rate, capped_rate = self.migration()
        moves = self.transitions()
        share = self.destinations(out_rate, moves)
        total_rate = out_rate + moves.sum(axis=3)  # (trajectory, county, group, year, sex, age)
        check_total_rate(total_rate)
        first, last = fertile_ages(self.rates.asfr)
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
                    newborn[at[0] % newborn.shape[0], at[1] % newborn.shape[1]], shares, population[at], births[at],
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

        return Projected(
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
        order = (FROM_PLACE, TO_PLACE, SEX, AGE)
        to = self.rates.destination_share
        inside = to.sel({TO_PLACE: [place for place in to[TO_PLACE].values if place != OUTSIDE]})
        counties = self.rates[COUNTY].values
        inside = inside.sel({FROM_PLACE: counties, TO_PLACE: counties}).transpose(*order).values
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
        """(trajectory or 1, system or 1, year or 1, unit of mother, unit of child): a child belongs to its mother's
        unit where nothing else is said."""
        if "newborn_share" not in self.rates:
            between = np.eye(self.groups)[None, None, None]
        else:
            order = (TRAJECTORY, COUNTY, YEAR, FROM_GROUP, TO_GROUP)
            between = _wide_in(self.rates.newborn_share, order)
        if not self.joined:
            return np.ascontiguousarray(between)
        trajectories, counties, years = between.shape[:3]
        size = self.counties * self.groups
        share = np.zeros((trajectories, years, self.counties, self.groups, self.counties, self.groups))
        for county in range(self.counties):
            share[:, :, county, :, county] = between[:, min(county, counties - 1)]
        return share.reshape(trajectories, 1, years, size, size)

    def full(self, name: str) -> np.ndarray:
        """(trajectory, county, group, ...) float64 with every leading dimension at its full length."""
        wide = _wide_in(self.rates[name], (TRAJECTORY, COUNTY, GROUP, *self.inner(name)))
        lead = (self.trajectories, self.counties, self.groups)
        return np.broadcast_to(wide, (*lead, *wide.shape[3:]))

    def inner(self, name: str) -> tuple[str, ...]:
        return tuple(dim for dim in (YEAR, SEX, AGE) if dim in self.rates[name].dims)


def fertile_ages(asfr: xr.DataArray) -> tuple[int, int]:
    """First and last position of an age with births anywhere (2, 2 where there are none).

    Raises InputRefused for births below age 2: a mother is one age younger at the year's start, and newborn are not
    yet counted when leavers are.
    """
    fertile = np.flatnonzero((asfr > 0).any([dim for dim in asfr.dims if dim != AGE]).values)
    if fertile.size and fertile[0] < 2:
        raise InputRefused(Issue("E614"))
    return (int(fertile[0]), int(fertile[-1])) if fertile.size else (2, 2)


def spread(work: Callable[[int, int], None], count: int, cells: int, threads: int | None) -> None:
    """Calls work(begin, stop) over `count` parts, on several threads where it pays."""
    workers = min(threads or os.cpu_count() or 1, count)
    if workers < 2 or count * cells < _SMALL:
        work(0, count)
        return
    bounds = np.linspace(0, count, 4 * workers + 1).astype(int)
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, bounds[:-1], bounds[1:]))


def _wide(variable: xr.DataArray, lead: tuple[str, ...]) -> np.ndarray:
    return _wide_in(variable, (*lead, *(dim for dim in ORDER if dim in variable.dims and dim not in lead)))


def _wide_in(variable: xr.DataArray, order: tuple[str, ...]) -> np.ndarray:
    """Values with the dimensions in this order, of length 1 where the variable lacks one."""
    have = [dim for dim in order if dim in variable.dims]
    values = variable.transpose(*have).values.astype(float, copy=False)
    return values.reshape([variable.sizes[dim] if dim in have else 1 for dim in order])
