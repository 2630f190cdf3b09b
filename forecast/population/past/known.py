"""The past of a region in the form that its tables allow, always with the same variables.

    fitted        people counted at every year's end (a register): the counts as they are, completed by
                  `complete_history`
    calibrated    censuses: people joined by cohort between them and stepped on with published totals (`reconstruct`)
    cold, cold_ages, closed    the same from one census: migration by its ages and registration, by its ages alone, or
                  nobody moving where the pattern knows nothing of that (`one_census`)

The form is written on the past (`attrs["form"]`), and the rates of the future follow it (`baseline`).
"""

from __future__ import annotations

import xarray as xr

from forecast.basics.dims import AGE, SEX, YEAR
from forecast.basics.variables import label
from forecast.population.fit.account import account_of
from forecast.population.fit.migration import movers_per_person
from forecast.population.past.census import count_years
from forecast.population.past.counted import LEAST_YEARS, YEAR_END, counted_history
from forecast.population.past.history import Standard, complete_history, standard_from
from forecast.population.past.one_census import form_of_one_census
from forecast.population.past.reconstruct import reconstruct
from forecast.region import Region

LEAST_BESIDE_CENSUSES = 6
"""Year-end counts in a row from which a region that has other counts as well is fitted on them alone: five years of
flows, from which a fit finds its own improvement of mortality (assumed)."""

RECENT_YEARS = 5
"""Last years whose mean net migration a fitted past calls recent."""


def estimate_past(region: Region, split: str = "births") -> xr.Dataset:
    """People and flows of every county from the first count to the jump-off year, in the form that the region allows.

    split: how the age groups of a census are split to single years, "births" or "spline" (see `count_of`).
    Returns the variables of `reconstruct`; a fitted past has no levels relative to a pattern and no `census`, and
    `births_by_mother` (county, year, age) besides.
    Raises InputRefused where a table is missing or a calibration does not arrive.
    """
    counted = yearly_counts(region)
    if counted is None:
        return reconstruct(region, split).assign_attrs(form=_form_of_censuses(region))
    history = complete_history(counted, standard_of(region, int(counted[YEAR][-1])))
    return past_of_counts(carried_on(history, region)).assign_attrs(form="fitted")


def carried_on(history: xr.Dataset, region: Region) -> xr.Dataset:
    """The history with the years after its last count whose totals are published, as `reconstruct` meets them."""
    last = int(history[YEAR][-1])
    if last == region.jump_off_year:
        return history
    names = ["population", "births", "deaths", "net_migration"]
    after = reconstruct(region)[names].sel({YEAR: slice(last, None)}).assign_attrs(deaths_age="year_end")
    later = complete_history(after, standard_of(region, last)).isel({YEAR: slice(1, None)})
    return xr.concat([history, later], YEAR, join="exact", combine_attrs="override")


def standard_of(region: Region, year: int) -> Standard | None:
    """What completes the counts of a region: its own rates by age, or its pattern's, of a year; None where it has none."""
    has_rates = all(region.has(name) for name in ("mortality", "fertility", "levels"))
    return standard_from(region, year, f"rates of {region.pattern or region.id}") if has_rates else None


def _form_of_censuses(region: Region) -> str:
    years = count_years(region)
    return "calibrated" if len(years) > 1 else form_of_one_census(region, years[0])


def yearly_counts(region: Region) -> xr.Dataset | None:
    """What `counted_history` finds, where it is enough to fit on: all counts that there are, or
    `LEAST_BESIDE_CENSUSES` of them up to the jump-off year."""
    counted = counted_history(region)
    if counted is None:
        return None
    table = region.table("population")
    table = table[table["year"] <= region.jump_off_year]
    others = table[(table["date"] != YEAR_END) | ~table["year"].isin(counted[YEAR].values)]
    enough = LEAST_YEARS if others.empty else LEAST_BESIDE_CENSUSES
    return counted if counted.sizes[YEAR] >= enough else None


def past_of_counts(history: xr.Dataset) -> xr.Dataset:
    """A complete history with what every past has besides: nothing clipped, recent net migration, and who moves."""
    recent = history.net_migration.isel({YEAR: slice(1, None)}).isel({YEAR: slice(-RECENT_YEARS, None)}).mean(YEAR)
    total = recent.sum([SEX, AGE])
    account = account_of(history)
    mobility = recent.copy(data=movers_per_person(account) * account.people[:, -1])
    more = {
        "clipped": xr.zeros_like(history.net_migration).where(history.net_migration.notnull()),
        "migration_profile": recent,
        "migration_mobility": mobility,
        "migration_observed": total,
        "migration_recent": total,
    }
    source = history.population.attrs["source"]
    return history.assign({name: label(values, f"past.{name}", source) for name, values in more.items()})
