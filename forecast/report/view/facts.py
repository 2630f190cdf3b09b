"""What the chapters read from a run: series of each county and of the whole, names, spells of shortage, crests.

The whole is the simple sum of its counties; where one county is not known, the whole is not (NaN).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SERVICE, SEX, YEAR
from forecast.basics.units import UNITS
from forecast.blocks.all_blocks import AGE_GROUP, AREA, QUANTILE
from forecast.findings.crests import Crest, all_crests, by_place, last_of_the_born
from forecast.findings.levels import BALANCED_IN_WORDS
from forecast.report.words import Text, amount, both, count, known, names
from forecast.run.run import Run
from forecast.supply.gap import capacity_for_risk

SOON = 8
"""Years after the jump-off year in which a shortage must begin to stand in the title."""

COHORTS = ("childcare", "education")
"""Domains whose services a birth cohort passes through one after another."""

RANK = ("published", "derived", "assumed")

BANDS = {80: (0.1, 0.9), 95: (0.025, 0.975)}
"""Bands shown, per cent of the trajectories -> the levels between which they lie."""

BIRTHS_ITEM = "births"
"""Name under which births stand beside the age groups."""


@dataclass(frozen=True)
class Spell:
    """Years in a row in which supply is short by more than `BALANCED_IN_WORDS`; `worst` is the year of the largest gap."""

    first: int
    last: int
    worst: int


class Facts:
    """A run seen from its report. `places` are the whole, then the counties in the order of the region."""

    def __init__(self, run: Run):
        self.run = run
        self.area = run.region.area
        self.counties = [str(code) for code in run.data[COUNTY].values]
        self.places = [self.area, *self.counties]
        self.years = [int(year) for year in run.data[YEAR].values]
        self.jump_off = int(run.data.attrs["jump_off_year"])
        self.horizon = self.years[-1]
        self.services = [str(service) for service in run.data[SERVICE].values]
        self.look = min(5 * math.ceil((self.jump_off + 5) / 5), self.horizon)
        self._place = {place: row for row, place in enumerate(self.places)}
        self._year = {year: column for column, year in enumerate(self.years)}
        self._items: dict[str, list[str]] = {}
        self._said_of: dict[str, dict[str, Any]] = {}
        self._cubes: dict[str, np.ndarray[Any, Any]] = {}
        self._values: dict[tuple[str, str], np.ndarray[Any, Any]] = {}
        self._tables: dict[tuple[str, str], pd.DataFrame] = {}

    # ---- names -------------------------------------------------------------------------------------------------

    @cached_property
    def place_names(self) -> dict[str, Text]:
        table = self.run.region.counties
        own = {code: Text(str(table.at[code, "name_zh"]), str(table.at[code, "name_en"])) for code in self.counties}
        return {self.area: names(dict(self.run.region.name)), **own}

    @property
    def name(self) -> Text:
        return self.place_names[self.area]

    def thing(self, service: str) -> Text:
        """What is provided: kindergarten places, care beds."""
        return self._said(service, "thing") or names(dict(self.run.models[service].name))

    def short_name(self, service: str) -> Text:
        """For a button: kindergarten."""
        return self._said(service, "short") or self.thing(service)

    def people(self, service: str) -> Text:
        """Who uses it: children in kindergarten; where there is no such word, the demand for it."""
        return self._said(service, "people") or both("service.demand_for", thing=self.thing(service))

    def unit(self, service: str) -> str:
        return self.run.models[service].unit

    def unit_name(self, service: str) -> Text:
        return Text(*UNITS[self.unit(service)])

    def _said(self, service: str, form: str) -> Text | None:
        key = f"service.{service}.{form}"
        return both(key) if known(key) else None

    def amount(self, value: float, service: str) -> Text:
        """The size of a number in the service's unit."""
        return amount(abs(value), self.unit(service))

    # ---- series ------------------------------------------------------------------------------------------------

    def table(self, variable: str, service: str) -> pd.DataFrame:
        """A variable of `run.data` by (place, year)."""
        key = variable, service
        if key not in self._tables:
            self._tables[key] = self._by_place(self.values(variable, service))
        return self._tables[key]

    def values(self, variable: str, service: str) -> np.ndarray[Any, Any]:
        """The same, bare: (place, year), the sum of the counties first, NaN where one of them is."""
        key = variable, service
        if key not in self._values:
            if variable not in self._cubes:
                cube = self.run.data[variable].transpose(SERVICE, COUNTY, YEAR)
                self._cubes[variable] = cube.to_numpy().astype(float)
            self._values[key] = _with_whole(self._cubes[variable][self.services.index(service)])
        return self._values[key]

    def _by_place(self, values: np.ndarray[Any, Any]) -> pd.DataFrame:
        return pd.DataFrame(values, index=self.places, columns=self.years)

    def at(self, variable: str, place: str, service: str, year: int) -> float:
        return float(self.values(variable, service)[self._place[place], self._year[year]])

    def relative_gap(self, service: str) -> pd.DataFrame:
        """Gap by (place, year) between -1 and 1: a shortage as a share of demand, a surplus as a share of supply."""
        key = "relative gap", service
        if key not in self._tables:
            gap, supply = self.values("gap", service), self.values("supply", service)
            larger = np.where(gap > 0, supply, supply - gap)
            self._values[key] = gap / np.where(larger > 0, larger, np.nan)
            self._tables[key] = self._by_place(self._values[key])
        return self._tables[key]

    def balanced(self, place: str, service: str, year: int) -> bool:
        """Whether supply and demand differ by no more than the tolerance."""
        return abs(float(self.relative_gap(service).at[place, year])) <= BALANCED_IN_WORDS

    def range_at(self, place: str, service: str, year: int) -> tuple[float, float]:
        """Demand at zero and at double net migration, the smaller first."""
        ends = [self.at(name, place, service, year) for name in ("demand_low", "demand_high")]
        return min(ends), max(ends)

    def observed(self, service: str) -> pd.Series[float]:
        """Pupils counted in the whole area, by year; empty where none are."""
        if "enrolment" not in self.run.data:
            return pd.Series(dtype=float)
        values = self.run.data["enrolment"].sel({SERVICE: service}).to_numpy().astype(float)
        return pd.Series(values, index=self.years).dropna()

    def has_supply(self, service: str) -> bool:
        return bool(np.isfinite(self.values("supply", service)).any())

    def has_gap(self, service: str) -> bool:
        """Whether there is a supply, and in the view chosen a demand, to reckon a gap from."""
        return bool(np.isfinite(self.values("gap", service)).any())

    def persons(self, first: int, last: int) -> pd.DataFrame:
        """Residents aged first..last at 31 December, by (place, year)."""
        people = self._by_age.sel({AGE: slice(first, last)}).sum(AGE, skipna=False)
        return self._by_place(_with_whole(people.transpose(COUNTY, YEAR).to_numpy()))

    def births(self) -> pd.DataFrame:
        """Births of both sexes by (place, year); NaN where a year was not reckoned."""
        return self._by_place(
            _with_whole(self.run.data["births"].sum(SEX, skipna=False).transpose(COUNTY, YEAR).to_numpy())
        )

    @cached_property
    def _by_age(self) -> xr.DataArray:
        return self.run.data["population"].sum(SEX, skipna=False)

    def flow(self, name: str, year: int) -> float:
        """Births or deaths of the whole in the year; NaN where the year was not reckoned."""
        one = self.run.data[name].sel({YEAR: year})
        return float(one.sum(list(one.dims), skipna=False))

    def ratio(self, service: str) -> tuple[float, int] | None:
        """Pupils per resident child that the region's own enrolment gives, and its school year; None where the counties
        differ or the model's own number is used."""
        data = self.run.data
        if "participation_ratio" not in data or "ratio_year" not in data:
            return None
        values = data["participation_ratio"].sel({SERVICE: service, YEAR: self.look}).to_numpy().astype(float)
        years = data["ratio_year"].sel({SERVICE: service}).to_numpy().astype(float)
        if not (np.isfinite(values).all() and np.isfinite(years).all()):
            return None
        if np.ptp(values) > 1e-9 or np.ptp(years) > 0:
            return None
        return float(values[0]), int(years[0])

    # ---- how sure ----------------------------------------------------------------------------------------------

    @property
    def many(self) -> bool:
        """Whether the run has many trajectories; without them there is one path and nothing below is known."""
        return "demand_quantile" in self.run.data

    @property
    def trajectories(self) -> int:
        return int(self.run.data.attrs.get("trajectories", 1))

    def odds(self, variable: str, service: str) -> np.ndarray[Any, Any]:
        """(place, year): a variable that the trajectories gave each area, as p_short; NaN where nothing is known, also
        where there is no gap: with no standard to ask for anything, nothing is short and nothing is safe."""
        if variable.startswith("p_short") and not self.has_gap(service):
            return np.full((len(self.places), len(self.years)), np.nan)
        if variable not in self._cubes:
            own = self.run.data[variable].sel({AREA: self.places}).transpose(SERVICE, AREA, YEAR)
            self._cubes[variable] = own.to_numpy().astype(float)
        return self._cubes[variable][self.services.index(service)]

    def chance(self, variable: str, place: str, service: str, year: int) -> float:
        return float(self.odds(variable, service)[self._place[place], self._year[year]])

    def levels(self, variable: str, item: str) -> np.ndarray[Any, Any]:
        """(quantile, place, year) of a service, or of an age group where `variable` is population_quantile."""
        if variable not in self._cubes:
            held = self.run.data[variable]
            items = next((dim for dim in (SERVICE, AGE_GROUP) if dim in held.dims), None)
            wide = held.expand_dims(item=[BIRTHS_ITEM]) if items is None else held.rename({items: "item"})
            own = wide.sel({AREA: self.places}).transpose("item", QUANTILE, AREA, YEAR)
            self._cubes[variable] = own.to_numpy().astype(float)
            self._items[variable] = [str(name) for name in wide["item"].values]
        return self._cubes[variable][self._items[variable].index(item)]

    def level(self, variable: str, item: str, quantile: float) -> np.ndarray[Any, Any]:
        """(place, year) at one of the levels kept."""
        return self.levels(variable, item)[self._kept.index(round(quantile, 6))]

    @cached_property
    def _kept(self) -> list[float]:
        return [round(float(level), 6) for level in self.run.data[QUANTILE].values]

    def band(self, variable: str, place: str, item: str, year: int, share: int = 80) -> tuple[float, float]:
        """The ends of a band in one place and year."""
        at = self._place[place], self._year[year]
        low, high = (float(self.level(variable, item, quantile)[at]) for quantile in BANDS[share])
        return low, high

    def within(self, variable: str, place: str, item: str, year: int) -> Text:
        """The band of 80 % in words, in brackets; nothing where the run is one path or the year is past."""
        if not self.many or year <= self.jump_off:
            return Text("", "")
        low, high = self.band(variable, place, item, year)
        return both("sure.within", low=count(low), high=count(high))

    def capacity(self, service: str, risk: float) -> np.ndarray[Any, Any]:
        """Places or beds, (place, year), with which a shortage is at most so likely."""
        key = f"at most {risk:g}"
        if key not in self._cubes:
            asked = "demand_norm_quantile" if self.run.scenario.demand.view == "norm" else "demand_quantile"
            held = self.run.data[asked].sel({AREA: self.places})
            self._cubes[key] = capacity_for_risk(held, risk).transpose(SERVICE, AREA, YEAR).to_numpy()
        return self._cubes[key][self.services.index(service)]

    def needed(self, place: str, service: str, year: int, risk: float) -> float:
        """The same for one place and year."""
        return float(self.capacity(service, risk)[self._place[place], self._year[year]])

    def shares(self, service: str, year: int) -> dict[str, float]:
        """Component -> its share of the variance of the whole's demand; empty where that was not worked out.

        Sampling leaves small negative shares, and what components do together; the shares are of their sum.
        """
        if self.run.variance_share is None:
            return {}
        held = self.run.variance_share.sel({AREA: self.area, SERVICE: service, YEAR: year}).to_series()
        sizes = {str(name): max(float(size), 0.0) for name, size in held.items()}
        total = sum(sizes.values())
        return {name: size / total for name, size in sizes.items()} if total > 0 else {}

    # ---- the map ------------------------------------------------------------------------------------------------

    @cached_property
    def grid(self) -> dict[str, tuple[int, int]]:
        """(column, row) of each county on the tile map; without a drawing, in the order of the region."""
        table = self.run.region.counties
        if self.has_grid:
            return {code: (int(table.at[code, "grid_col"]), int(table.at[code, "grid_row"])) for code in self.counties}
        wide = math.ceil(math.sqrt(len(self.counties)))
        return {code: (k % wide, k // wide) for k, code in enumerate(self.counties)}

    @property
    def has_grid(self) -> bool:
        table = self.run.region.counties
        if not {"grid_row", "grid_col"} <= set(table.columns):
            return False
        places = table.loc[self.counties, ["grid_row", "grid_col"]]
        return bool(places.notna().all(axis=None)) and not bool(places.duplicated().any())

    def colour_limit(self, service: str) -> float:
        """Relative gap at which the colours end: the 80th percentile of its size, in steps of 10 %, between 10 % and 100 %.

        A few extreme cells then do not wash out all others, and most cells do not saturate."""
        sizes = self.relative_gap(service).loc[self.counties].abs().to_numpy()
        sizes = sizes[np.isfinite(sizes)]
        if not len(sizes):
            return 0.4
        return min(max(math.ceil(10 * float(np.quantile(sizes, 0.8))) / 10, 0.1), 1.0)

    # ---- basis -------------------------------------------------------------------------------------------------

    def supply_basis(self, service: str) -> str:
        return self._text("supply_basis", service, "assumed")

    def demand_basis(self, service: str) -> str:
        return self._text("demand_basis", service, "derived")

    def gap_basis(self, service: str) -> str:
        return weakest(self.supply_basis(service), self.demand_basis(service))

    @property
    def weakest_gap(self) -> str:
        """What the gaps of all services rest on at the least."""
        return weakest(*map(self.gap_basis, self.services))

    def _text(self, variable: str, service: str, otherwise: str) -> str:
        said = self.says(variable).get(service)
        return str(said) if said in RANK else otherwise

    def says(self, variable: str) -> dict[str, Any]:
        """A variable that says one thing of each service; empty where the run has none."""
        if variable not in self._said_of:
            known = variable in self.run.data.variables
            values = self.run.data[variable].values.tolist() if known else []
            self._said_of[variable] = dict(zip(self.services, values, strict=known))
        return self._said_of[variable]

    # ---- what it means -----------------------------------------------------------------------------------------

    def born_until(self, service: str) -> int:
        """Last year in which all whom the service counts were born at the jump-off date; -1 where that has no meaning."""
        return int(self.says("born_until")[service])

    def is_stage(self, service: str) -> bool:
        """Whether a birth cohort passes through the service as one stage among others."""
        return self.run.models[service].domain in COHORTS and self.born_until(service) >= 0

    @cached_property
    def stages(self) -> list[str]:
        return [service for service in self.services if self.is_stage(service)]

    @cached_property
    def schools(self) -> list[str]:
        return [service for service in self.stages if self.run.models[service].domain == "education"]

    def spells(self, place: str, service: str) -> list[Spell]:
        """Spells of shortage after the jump-off year, in order."""
        row = self._place[place]
        short = dict(zip(self.years, self.relative_gap(service).to_numpy()[row] < -BALANCED_IN_WORDS, strict=True))
        gap = dict(zip(self.years, self.values("gap", service)[row].tolist(), strict=True))
        found: list[Spell] = []
        run: list[int] = []
        for year in [*(year for year in self.years if year > self.jump_off), None]:
            if year is not None and short[year]:
                run.append(year)
            elif run:
                found.append(Spell(run[0], run[-1], min(run, key=gap.__getitem__)))
                run = []
        return found

    def short_counties(self, service: str, year: int) -> list[str]:
        """Counties that are short in the year by more than the tolerance, the largest gap first."""
        relative, gap = self.relative_gap(service)[year], self.table("gap", service)[year]
        short = [code for code in self.counties if relative[code] < -BALANCED_IN_WORDS]
        return sorted(short, key=lambda code: float(gap[code]))

    def crest(self, place: str, service: str) -> Crest | None:
        """The last crest of children already born at the jump-off date; None where there is none."""
        return next(iter(self._crest_of_the_born.get((place, service), ())), None)

    def crests(self, place: str, service: str) -> list[Crest]:
        """Every crest in order of years; maxima at the first or the last year are none, as nobody sees what is beyond."""
        return self._crests.get((place, service), [])

    @cached_property
    def _crests(self) -> dict[tuple[str, str], list[Crest]]:
        return by_place(all_crests(self.run.waves))

    @cached_property
    def _crest_of_the_born(self) -> dict[tuple[str, str], list[Crest]]:
        born_until = {service: self.born_until(service) for service in self.services}
        return by_place(last_of_the_born(self.run.waves, born_until))

    def milestones(self) -> list[int]:
        """The jump-off year and every fifth year after it."""
        fives = [year for year in self.years if year % 5 == 0 and year > self.jump_off]
        return [self.jump_off, *fives]


def _with_whole(counties: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.vstack([counties.sum(axis=0), counties])


def weakest(*bases: str) -> str:
    """What may be claimed of a result that rests on all of these.

    >>> weakest("derived", "assumed")
    'assumed'
    """
    return max(bases, key=RANK.index)
