"""Paths that flags are found on, people by the ages that need, and levels of migration and births that are tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from forecast.basics.areas import Areas, by_area, with_areas
from forecast.basics.dims import COUNTY, SERVICE, SEX, YEAR, in_order
from forecast.demand import DemandModel
from forecast.demand.schools.changes import birth_cohorts
from forecast.demand.sensitivity import BIRTHS, effect_of_births, effect_of_migration
from forecast.findings.crests import Place
from forecast.supply.gap import comparable
from forecast.waves import implied_by_births, implied_by_people
from forecast.waves.tipping import Lever

ELDERS = {"aged_60": (60, 100), "aged_75": (75, 100), "aged_80": (80, 100)}
"""Ages through which the wave of the old moves."""


@dataclass(frozen=True)
class Paths:
    """Demand, supply, births and people of a run, with the areas (counties, then sums) along `county`."""

    demand: xr.DataArray  # (trajectory?, county, year, service), projected years; every trajectory there is
    scenario: xr.DataArray  # (county, year, service), projected years: the middle of the paths
    history: xr.DataArray  # (county, year, service), up to the jump-off year
    rolls: xr.DataArray  # (county, year, service) pupils counted, NaN where none were
    supply: xr.DataArray  # (county, year, service), projected years; NaN where its kind allows no gap
    kinds: xr.DataArray  # (county, service) kind of supply
    born_until: Mapping[str, int]  # service -> last year in which all whom it counts were born at the jump-off date
    births: xr.DataArray  # (county, year, service) what the cohorts ask by their size when first counted
    people: xr.DataArray  # (county, year, service) the scenario's people of the ages
    elders: xr.DataArray  # (county, year, service) the scenario's people of `ELDERS`, past and projected
    levers: tuple[Lever, ...] = ()  # what may be otherwise, in the order in which it is asked


def paths_of(
    data: xr.Dataset,
    rolls: xr.DataArray,
    trajectories: xr.DataArray | None,
    areas: Areas,
    models: Mapping[str, DemandModel],
) -> Paths:
    """The paths of a run. data: the run's cube, areas for what it knows by county alone; rolls: (area, year, service)
    as `observed_rolls` gives them; trajectories: demand (trajectory, area, year, service) of all of them, None where
    the scenario is the only path."""

    def everywhere(variable: xr.DataArray) -> xr.DataArray:
        return with_areas(variable, areas)

    jump_off_year = int(data.attrs["jump_off_year"])
    ahead, past = slice(jump_off_year + 1, None), slice(None, jump_off_year)
    demand = everywhere(data.demand)
    paths = demand.sel({YEAR: ahead})
    if trajectories is not None:
        paths = in_order(by_area(trajectories, demand[COUNTY].values).sel({YEAR: ahead})).assign_attrs(demand.attrs)
    people = everywhere(data.population.sum(SEX))
    places = demand[COUNTY].values
    supply = by_area(comparable(data), places).sel({YEAR: ahead})
    born_until = dict(zip(data[SERVICE].values.tolist(), data["born_until"].values.tolist(), strict=True))
    known = by_area(rolls, places), supply, by_area(data.supply_kind, places), born_until
    ages = {name: model.service.ages_of_need or model.ages for name, model in models.items()}
    stages = {name: span for name, span in ages.items() if models[name].service.cohort}
    births = implied_by_births(birth_cohorts(people), stages, {name: models[name].cutoff_month for name in stages})
    of_ages = implied_by_people(people, ages)
    history, ahead_of_us = demand.sel({YEAR: past}), demand.sel({YEAR: ahead})
    levers = _levers(data, everywhere, ahead) if "migration_expected" in data else ()
    elders = implied_by_people(people, ELDERS)
    return Paths(paths, ahead_of_us, history, *known, births, of_ages, elders, levers)


MIGRATION = (-1.0, 2.0)
"""Levels of net migration that are tried, in times the expected one off the baseline: from none to three times as much."""


def _levers(data: xr.Dataset, everywhere: Callable[[xr.DataArray], xr.DataArray], ahead: slice) -> tuple[Lever, ...]:
    """Migration and births: what they do to demand by county and service, from the runs with other levels."""

    def change(name: str) -> xr.DataArray:
        return everywhere(data[name] - data.demand).sel({YEAR: ahead})

    of_migration = effect_of_migration(change)
    linear, bend = effect_of_births(change)
    births = everywhere(data.births.sum(SEX)).sel({YEAR: ahead}).mean(YEAR)
    tried_births = min(BIRTHS.values()), max(BIRTHS.values())
    return (
        _lever("migration", of_migration, 0.0 * of_migration, everywhere(data.migration_expected), MIGRATION),
        _lever("births", linear, bend, births, tried_births),
    )


def _lever(
    driver: str, linear: xr.DataArray, bend: xr.DataArray, persons: xr.DataArray, levels: tuple[float, float]
) -> Lever:
    each = np.repeat(persons.to_numpy(), linear.sizes[SERVICE])
    return Lever(driver, flat(linear), flat(bend), int(linear[YEAR][0]), each, *levels)


def ageing_wave(
    paths: Paths, models: Mapping[str, DemandModel]
) -> tuple[xr.DataArray, xr.DataArray, dict[str, tuple[int, int]]]:
    """Demand, what its cohorts imply, and ages: people of `ELDERS`, then the services in which the wave of the old ends."""
    last = {
        name: model.service.ages_of_need or model.ages for name, model in models.items() if model.service.wave_of_old
    }
    if not last:
        return paths.elders, paths.elders, ELDERS
    chosen = {SERVICE: list(last)}
    beds = xr.concat([paths.history, paths.scenario], YEAR, join="exact").sel(chosen).reset_coords(drop=True)
    demand = xr.concat([paths.elders, beds], SERVICE, join="exact")
    implied = xr.concat([paths.elders, paths.people.sel(chosen)], SERVICE, join="exact")
    return in_order(demand), in_order(implied), ELDERS | last


def places_of(values: xr.DataArray | xr.Dataset) -> list[Place]:
    """(county, service) of every series, services varying fastest."""
    return [(str(county), str(service)) for county in values[COUNTY].values for service in values[SERVICE].values]


def flat(values: xr.DataArray) -> np.ndarray:
    """Values (place,) of (county, service), or (place, year) of (county, year, service), in the order of `places_of`."""
    if YEAR not in values.dims:
        return values.transpose(COUNTY, SERVICE).to_numpy().ravel()
    return values.transpose(COUNTY, SERVICE, YEAR).to_numpy().reshape(-1, values.sizes[YEAR])
