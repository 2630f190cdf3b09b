"""The one forecaster: what rates will be under a scenario, and how unsure they are, in the form that a past allows.

A run and a backtest call the same `baseline`, the second on a region cut off at an origin (`Region.until`). Which
form it takes follows from the past alone:

    calibrated    levels of a pattern met to published totals (`vital_rates`), processes of `uncertainty.toml`
    fitted        rates fitted on yearly counts (`fit_rates`), processes from the errors of the same fit at earlier
                  origins (`fit_uncertainty`)
    cold, cold_ages, closed    one census: the levels of the pattern, migration by what ages and registration say, by
                  ages alone, or nobody moving where the pattern knows nothing (`rates_of_one_census`); processes as
                  wide as such forecasts missed by (`with_spread`)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import xarray as xr

from forecast.basics.dims import AGE, SEX, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.population.chance.processes import Uncertainty
from forecast.population.chance.read import read_uncertainty
from forecast.population.chance.spreads import SPREADS, with_spread
from forecast.population.fit.fitted import Settings, fit_rates, fit_uncertainty
from forecast.population.fit.prior import SWEDEN_1990
from forecast.population.fit.uncertainty import Prior
from forecast.population.future.cold import rates_of_one_census
from forecast.population.future.levers import dated_path, net_migrants
from forecast.population.future.vital_rates import vital_rates
from forecast.population.past.migration import expected_net
from forecast.population.past.one_census import kept_with_pattern, missed_by_age
from forecast.region import Region
from forecast.scenario import LAST_YEAR, Migration, Scenario


@dataclass(frozen=True)
class Baseline:
    """Rates of the years to come and the processes around them.

    form: a key of `FORMS`. rates: as `project_population` takes them, with the scenario's levers, and `mobility`
    (county, sex, age), persons who move in a year. expected: (county, [year,] sex, age) net persons a year before the
    levers, what a level of migration is a multiple of. spread: makes the processes; a run of one path needs none.
    """

    form: str
    rates: xr.Dataset
    expected: xr.DataArray
    spread: Callable[[], Uncertainty]

    @property
    def migration_level(self) -> xr.DataArray:
        """(county,) persons a year that the level 1 of a scenario means, mean over the projected years."""
        total = self.expected.sum([SEX, AGE])
        return total.mean(YEAR) if YEAR in total.dims else total

    def at_migration(self, level: float, past: xr.Dataset) -> xr.Dataset:
        """The rates with every county's yearly net migration at this multiple of the expected one; institutions fill and
        empty as they do."""
        years = self.rates[YEAR].values
        moved = net_migrants(past, Migration(level=((int(years[0]), level),)), years, self.expected)
        turnover = self.rates.turnover if "turnover" in self.rates else 0.0
        return self.rates.assign(net_migration=in_order(moved + turnover))


def baseline(region: Region, scenario: Scenario, past: xr.Dataset) -> Baseline:
    """Rates from the year after the jump-off year to the scenario's horizon, and the processes around them.

    past: of `estimate_past(region)`, whose form decides. Raises InputRefused where a table or a year is missing, the
    horizon is not after the jump-off year, or a lever does not fit the region's form of migration.
    """
    if scenario.horizon <= region.jump_off_year:
        values = {"found": scenario.horizon, "least": region.jump_off_year + 1, "most": LAST_YEAR}
        raise InputRefused([Issue("E648", column="horizon", values=values)])
    return FORMS[past.attrs["form"]](region, scenario, past)


def calibrated(region: Region, scenario: Scenario, past: xr.Dataset) -> Baseline:
    """Levels of the past along the pattern's path."""
    rates = vital_rates(region, scenario, past).assign(mobility=past.migration_mobility)
    return Baseline("calibrated", rates, expected_net(past, rates[YEAR].values), lambda: read_uncertainty(region))


def cold(region: Region, scenario: Scenario, past: xr.Dataset) -> Baseline:
    """Levels of the pattern, and the growth of cohorts that one census shows."""
    rates, expected = rates_of_one_census(region, scenario, past)
    form, missed = past.attrs["form"], missed_by_age(region, kept_with_pattern(region), past.attrs["counted_year"])
    return Baseline(form, rates, expected, lambda: with_spread(read_uncertainty(region), SPREADS[form], missed.values))


def fitted(region: Region, scenario: Scenario, past: xr.Dataset) -> Baseline:
    """The fit on the counts of the past, then the scenario's levers on what it expects. Raises InputRefused for a path of
    fertility, which the fit has of its own."""
    chosen = scenario.fertility
    without = [key for key, usual in (("path", "constant"), ("zodiac", False)) if getattr(chosen, key) != usual]
    if without:
        raise InputRefused([Issue("E647", values={"field": f"fertility.{key}"}) for key in without])
    ahead = fitted_on(past, region.jump_off_year, scenario.horizon - region.jump_off_year)
    rates, years = ahead.rates, ahead.rates[YEAR].values
    moved = net_migrants(past, scenario.migration, years, ahead.expected)
    changed = {
        "asfr": in_order(rates.asfr * dated_path(scenario.fertility.level, years)),
        "sx": in_order(rates.sx ** dated_path(scenario.mortality.level, years)),
        "net_migration": moved,
    }
    changed = {name: values.assign_attrs(rates[name].attrs) for name, values in changed.items()}
    rates = rates.assign(changed).assign_attrs(migration_timing=scenario.migration.timing)
    return Baseline("fitted", rates, ahead.expected, ahead.spread)


def fitted_on(
    history: xr.Dataset,
    origin: int,
    horizon: int,
    settings: Settings | None = None,
    prior: Prior | None = SWEDEN_1990,
) -> Baseline:
    """The fitted form without levers, on a complete history (`complete_history`) up to an origin, so many years ahead."""
    rates = fit_rates(history, origin, horizon, settings)
    return Baseline(
        "fitted", rates, rates.net_migration, lambda: fit_uncertainty(history, origin, horizon, settings, prior)
    )


Form = Callable[[Region, Scenario, xr.Dataset], Baseline]
FORMS: Mapping[str, Form] = {"calibrated": calibrated, "fitted": fitted, **dict.fromkeys(SPREADS, cold)}
"""Form -> how its rates are made; what a past says in `attrs["form"]`, and the manifest of a run in `form`."""


def unchanged(horizon: int) -> Scenario:
    """The scenario in which nothing departs from what is expected, to this year."""
    words = {"zh": "不作假定", "en": "Nothing assumed"}
    return Scenario.model_validate({"id": "unchanged", "name": words, "description": words, "horizon": horizon})
