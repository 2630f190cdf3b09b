"""China's counties from the census of 2010 to that of 2020: one count and no yearly flows.

Settings are chosen on the counties with an even code; the page reports those with an odd one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
import xarray as xr

from forecast.backtest import population as bt
from forecast.basics.ages import FITTED_BANDS
from forecast.basics.dims import AGE, AGE_GROUP, APPROACH, COUNTY, LEAD, START_YEAR, YEAR
from forecast.blocks import project_rows
from forecast.population import project_population
from forecast.population.chance.processes import Process, Uncertainty, uncertain_frame
from forecast.population.fit.cold import net_from_stocks, rates_from_one_count
from forecast.population.fit.migration import STANDARD_AGES, STANDARD_MOVERS
from forecast.population.fit.prior import SWEDEN_1990
from forecast.population.past.history import Standard, complete_history
from studies import places
from studies.backtest_page import (
    EXPLAINED,
    best_text,
    percent,
    percent_0,
    rival_table,
    score_table,
    size_table,
    verdicts,
)
from studies.pages import table

CHINA = 156  # country code in World Population Prospects
FIRST, LAST = 2010, 2020
GROWTHS = (0.03, 0.0453, 0.06)
"""Share of the stock of arrivals added in a year. 0.0453: the floating population grew by 82.89 % from 2000 to 2010
(National Bureau of Statistics, communique no. 1 of the 2010 census, recalled), so (1 - 1 / 1.8289) / 10 of the stock of
2010; the others beside it."""
AT_RISK = (0.0, 0.5, 1.0)
MISSED = {"none": (), "0-4": (0,), "0-9": (0, 5)}
LEVELS, BAND_LEVELS, DEATH_LEVELS = (0.006, 0.009, 0.012, 0.015), (0.5, 1.0), (0.0, 0.2, 0.4, 0.6)
BARRED = ("total", "0-14", "15-64", "65+")
GROUPS = dict(bt.COARSE_GROUPS)
JUDGED = [list(GROUPS).index(group) for group in BARRED]

Rates = tuple[float, float, str]  # growth, at risk, ages that were missed
Spread = tuple[float, float, float]  # migration, its bands of age, death rates


@dataclass(frozen=True)
class OneCount:
    """A census, a standard of mortality and fertility, and forecasts from them by settings."""

    census: places.Census
    standard: Standard

    @cached_property
    def complete(self) -> xr.Dataset:
        return complete_history(self.census.counted, self.standard)

    @cached_property
    def even(self) -> np.ndarray:
        """Of each county, whether its code is even."""
        return np.array([int(code) % 2 == 0 for code in self.census.later[COUNTY].values])

    @cached_property
    def before(self) -> np.ndarray:
        """Persons (county, 1, age_group) of 2010."""
        return bt.grouped(self.census.counted.population, GROUPS).values

    @cached_property
    def seen(self) -> np.ndarray:
        """Persons (county, 1, age_group) of 2020."""
        return bt.grouped(self.census.later.expand_dims({YEAR: [LAST]}), GROUPS).values

    def rates(self, growth: float, at_risk: float, missed: str, closed: bool = False) -> xr.Dataset:
        """Rates of ten years; `closed`: nobody moves."""
        census, weight = self.census, np.ones(self.complete.sizes[AGE])
        for first in MISSED[missed]:
            weight[first : first + 5] = census.children_missed[first]
        counted = self.complete.assign(population=self.complete.population * xr.DataArray(weight, dims=AGE))
        net = None if closed else net_from_stocks(census.arrived, census.absent, census.young, growth, at_risk)
        births = census.births * census.births_missed
        return rates_from_one_count(counted, births, census.deaths, LAST - FIRST, self.standard, net)

    def misses(self, chosen: Rates) -> list[float]:
        """Weighted errors of the groups of `BARRED` on the even counties."""
        error = abs(at_last(some(self.rates(*chosen), self.even)) - self.seen[self.even])[:, 0, JUDGED]
        return list(error.sum(0) / self.seen[self.even][:, 0, JUDGED].sum(0))

    def coverage(self, rates: xr.Dataset, spread: Spread) -> list[tuple[float, float]]:
        """Shares of every third even county's groups of `BARRED` inside the 80 and 95 % bands."""
        third = np.zeros_like(self.even)
        third[np.flatnonzero(self.even)[::3]] = True  # enough to tell a coverage to 2 %
        rank = (paths(some(rates, third), spread, 336) < self.seen[third][..., None]).mean(-1)[:, 0, JUDGED]
        from_middle = abs(rank - 0.5)
        return [(float((distance < 0.4).mean()), float((distance < 0.475).mean())) for distance in from_middle.T]

    def scored(self, chosen: Rates, spread: Spread, trajectories: int) -> xr.Dataset:
        """Forecast and rivals of the odd counties, as `backtest` gives them."""
        rates, odd, before = self.rates(*chosen), ~self.even, self.before
        central = at_last(rates)
        forecasts = {
            bt.FORECAST: central,
            "constant": before,
            "constant_structure": before / before[..., :1] * central[..., :1],
            "no_migration": at_last(self.rates(*chosen, closed=True)),
        }
        labels = {COUNTY: self.census.later[COUNTY].values[odd], LEAD: [LAST - FIRST], AGE_GROUP: list(GROUPS)}
        made = {name: values[odd] for name, values in forecasts.items()}
        drawn = paths(some(rates, odd), spread, trajectories)
        tested = bt.assemble(labels, self.seen[odd], made, drawn, before[odd, 0, 0])
        return tested.expand_dims({START_YEAR: [FIRST]}).assign_attrs(trajectories=trajectories)


def some(rates: xr.Dataset, which: np.ndarray) -> xr.Dataset:
    return rates.isel({COUNTY: np.flatnonzero(which)})


def at_last(rates: xr.Dataset) -> np.ndarray:
    """Persons (county, 1, age_group) of 2020."""
    people = project_population(rates.drop_vars("mobility"), flows=()).population
    return bt.grouped(people.sel({YEAR: [LAST]}), GROUPS).values


def paths(rates: xr.Dataset, spread: Spread, trajectories: int) -> np.ndarray:
    """Persons (county, 1, age_group, trajectory) of 2020."""
    frame = uncertain_frame(rates, one_count_uncertainty(*spread), {"region": "whole"}, 0)
    rows = project_rows(rates, frame, bt.weights_of(GROUPS), range(trajectories))
    return rows.sel({YEAR: [LAST]}).values[:, :-1].transpose(0, 2, 1, 3)


def try_spreads(study: OneCount, rates: xr.Dataset) -> tuple[dict[Spread, list[tuple[float, float]]], Spread]:
    """Coverages by spread, and the spread whose 80 % bands are nearest to 80 %: first without death rates, then with."""
    tried: dict[Spread, list[tuple[float, float]]] = {}

    def off(spread: Spread) -> float:
        return sum(abs(low - 0.8) for low, _ in tried[spread])

    for level, bands in product(LEVELS, BAND_LEVELS):
        tried[level, bands, DEATH_LEVELS[0]] = study.coverage(rates, (level, bands, DEATH_LEVELS[0]))
    level, bands, _ = min(tried, key=off)
    for deaths in DEATH_LEVELS[1:]:
        tried[level, bands, deaths] = study.coverage(rates, (level, bands, deaths))
    return tried, min(tried, key=off)


def page(folder: Path, trajectories: int) -> tuple[list[str], list[str]]:
    """The parts of the page, and the cells of its line in the overview."""
    study = OneCount(places.china(folder), places.standard_of(folder, CHINA, FIRST))
    errors = {key: study.misses(key) for key in product(GROWTHS, AT_RISK, MISSED)}
    best = min(errors, key=lambda key: sum(errors[key]))
    coverages, wide = try_spreads(study, study.rates(*best))
    tested = study.scored(best, wide, trajectories)
    scores = bt.score(tested)
    lines = [
        *opening(study),
        *choices(errors, best, coverages, wide),
        *result(int((~study.even).sum()), tested, scores),
    ]
    return lines, verdicts("China: counties 2010 to 2020", "china", tested, scores)


def opening(study: OneCount) -> Iterable[str]:
    yield "# China: counties, census 2010 to census 2020\n\nWritten by `python -m studies.backtests`; do not edit.\n"
    yield (
        f"{study.even.size} counties with the same code and name in both censuses whose people did not fall below half nor "
        f"more than double, which is taken for a change of boundary ({study.census.dropped} pairs dropped). Everything the forecast uses "
        "was known after the census of 2010: people by age group, crude birth and death rates of the county, the "
        "registered, the arrivals; the births the statistics bureau published for 2000 to 2010; mortality and fertility "
        f"by age of {study.standard.source}. No migration between earlier censuses is known by county.\n"
    )


def choices(
    errors: Mapping[Rates, list[float]],
    best: Rates,
    coverages: Mapping[Spread, list[tuple[float, float]]],
    wide: Spread,
) -> Iterable[str]:
    yield "## Settings, chosen on the counties with an even code\n"
    yield (
        "Weighted error, %. *growth*: share of the stock of arrivals added in a year; *at risk*: who leaves, 0 in "
        "proportion to the registered who are absent, 1 to the local young; *missed*: ages raised to the published births. "
        "The even counties' 2020 count was used to pick among these, so only the odd ones are reported.\n"
    )
    rows = [
        (
            f"{growth:g}",
            f"{risk:g}",
            missed + (" (kept)" if (growth, risk, missed) == best else ""),
            *map(percent, values),
        )
        for (growth, risk, missed), values in errors.items()
    ]
    yield table(("growth", "at risk", "missed", *BARRED), rows)
    yield (
        "Bands: standard deviation of a county's net migration a year, share of residents, lasting through the decade, and of "
        "its bands of age beside it (factor of the same, times how mobile the band is), and of the level of a county's death "
        "rates (log). Fertility and the whole's mortality from the prior. Coverage of 80 and 95 % bands on every third even county, %:\n"
    )
    bands = [
        (
            *(f"{value:g}" for value in spread[:2]),
            f"{spread[2]:g}" + (" (kept)" if spread == wide else ""),
            *("/".join(map(percent_0, pair)) for pair in values),
        )
        for spread, values in coverages.items()
    ]
    yield table(("migration", "bands", "death rates", *BARRED), bands)


def result(counties: int, found: xr.Dataset, scores: xr.Dataset) -> Iterable[str]:
    at = scores.sel(lead=LAST - FIRST)
    yield f"## Result on the {counties} counties with an odd code, 10 years ahead\n"
    yield EXPLAINED
    yield score_table(at)
    yield "Weighted error, %:\n"
    yield rival_table(at)
    yield "Median error, %:\n"
    names = [str(name) for name in scores[APPROACH].values]
    medians = at.median_ape
    yield table(
        ("", *GROUPS),
        [(name.replace("_", " "), *map(percent, medians.sel({APPROACH: name}).values)) for name in names],
    )
    yield best_text(scores)
    yield "## By residents at the origin\n"
    yield size_table(found)


def one_count_uncertainty(level: float, bands: float, deaths: float) -> Uncertainty:
    """Processes where one count is all there is: the prior's for the whole, a county's from levels that do not change."""
    mobile = np.asarray(STANDARD_MOVERS)[np.searchsorted(STANDARD_AGES, FITTED_BANDS, side="right") - 1]
    prior = SWEDEN_1990
    return Uncertainty(
        fertility=(
            Process("region", prior.fertility.phi, prior.fertility.sigma),
            Process("county", 1.0, 0.03, 0.10),
        ),
        mortality=(
            Process("region", prior.mortality.phi, prior.mortality.sigma),
            *([Process("county", 1.0, 0.0, deaths)] if deaths else []),
        ),
        migration=(Process("county", 1.0, 0.0, level),),
        bands=tuple(Process("county", 1.0, 0.0, float(level * bands * share / mobile.mean())) for share in mobile),
        first_ages=FITTED_BANDS,
    )
