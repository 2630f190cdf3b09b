"""Why need changes between two years: parts by the model's own factors, which add up to the change exactly.

Need is people by age times units of need per person of the age. Between a first and a last year

    ageing         those who were there in the first year grow older or die, and as many children as then were aged 0
                   follow every year: cohorts already born move into the ages of the service and out of them
    births         the children aged 0 of each later year, as far as they are more or fewer than in the first
    migration      who came and left after the first year: all that neither of the two explains
    participation  need per person: pupils per child, take-up, prevalence, share in institutions, admissions
    stay           days per admission
    standards      occupancy to plan with
    flows          who is served in another county than he lives in

Each part is a Shapley value: the mean over all orders in which the factors may be taken, so that no order is favoured
and nothing is left over. What the model holds constant has the part 0 and is never a cause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import factorial

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.areas import Areas
from forecast.basics.dims import AGE, COUNTY, FROM_PLACE, PERIOD, SERVICE, SEX, TO_PLACE, YEAR
from forecast.demand import DemandModel
from forecast.demand.people import counted
from forecast.findings.crests import Crest, Place

CAUSES = ("ageing", "births", "migration", "participation", "stay", "standards", "flows")

SPAN_COLUMNS = (COUNTY, SERVICE, "first", "last")

STEPS = (5, 10, 15)
"""Years after the decision until which a change of need is explained, besides that from the crest to the lowest year."""

CREST = "crest"

SAME = 1e-9
"""Relative difference up to which a factor is the same in both years: rounding."""

Values = np.ndarray


@dataclass(frozen=True)
class Why:
    """What the need of a run is reckoned from.

    people   `population` and `deaths` (county, year, sex?, age), of all years
    weights  `demand` (county, year, service, age) units per person, of `demand_weights` for all these years
    flows    of `region_flows` for all these years; None where everybody is served at home
    passing  services whose pupils come by passage from the stage before: what their pupils per resident move by is how
             few of those who move in are pupils, and so a part of migration
    """

    people: xr.Dataset
    weights: xr.Dataset
    flows: xr.DataArray | None
    models: Mapping[str, DemandModel]
    areas: Areas
    passing: frozenset[str] = frozenset()

    def causes(self, spans: pd.DataFrame) -> pd.DataFrame:
        """Spans of years with the need before and after and the part of each of `CAUSES`, in the order given.

        spans: `SPAN_COLUMNS` (county or area, service, first year and a later last one) and any others.
        Returns these columns, before, after and `CAUSES`, in the service's unit; NaN where an age was not known.
        """
        found = {}
        for service, first, last in dict.fromkeys(zip(spans[SERVICE], spans["first"], spans["last"], strict=True)):
            by_county = self._parts(service, int(first), int(last))
            found[service, first, last] = {place: self._of(place, by_county) for place in self.areas.places}
        keys = zip(spans[COUNTY], spans[SERVICE], spans["first"], spans["last"], strict=True)
        rows = [found[service, first, last][place] for place, service, first, last in keys]
        parts = pd.DataFrame(rows, columns=["before", "after", *CAUSES], index=spans.index, dtype=float)
        return pd.concat([spans, parts], axis=1)

    def _of(self, place: str, by_county: Values) -> Values:
        """(before, after, *causes) of a county, or of an area as the sum of its counties."""
        counties = self._counties
        if place in counties:
            return by_county[:, counties.index(place)]
        summed: Values = by_county[:, [counties.index(county) for county in self.areas.inside(place)]].sum(axis=1)
        return summed

    def _parts(self, service: str, first: int, last: int) -> Values:
        """(before, after, *causes; county)."""
        years, model = self._years, self.models[service]
        before, after = years.index(first), years.index(last)
        people = [self._people[before], *self._moves(before, after)]
        stay, standards = self._scalars(model, first, last)
        weights = self._weights[self._services.index(service)][[before, after]]
        own = weights / np.array([stay[0] * standards[0], stay[1] * standards[1]])[:, None, None]
        own[1] = np.where(np.isclose(own[0], own[1], rtol=SAME, atol=0), own[0], own[1])
        need = np.einsum("kca,wca->kwc", np.stack(people), own)  # (start and what people change by, weights, county)
        carried = self._carried(service, before, after)

        def value(taken: frozenset[str]) -> Values:
            level = need[0] + sum(need[k] for k, name in enumerate(CAUSES[:3], 1) if name in taken)
            used, stayed, held, there = (int(name in taken) for name in CAUSES[3:])
            living = level[used] * stay[stayed] * standards[held]
            return living if carried is None else living @ carried[there]

        moving = [*CAUSES[:3]]
        if not np.array_equal(own[0], own[1]):
            moving.append("participation")
        moving += [name for name, pair in (("stay", stay), ("standards", standards)) if pair[0] != pair[1]]
        if carried is not None and not np.allclose(*carried, rtol=0, atol=SAME):
            moving.append("flows")
        effects = shapley(value, moving)
        if service in self.passing and "participation" in effects:
            effects["migration"] = effects["migration"] + effects.pop("participation")
        parts = [effects.get(name, np.zeros(need.shape[-1])) for name in CAUSES]
        return np.stack([value(frozenset()), value(frozenset(moving)), *parts])

    def _moves(self, before: int, after: int) -> tuple[Values, Values, Values]:
        """(county, age) by which people change through ageing, through births since, and through migration since."""
        start = self._people[before]
        infants = start[:, 0]
        aged, born = start, np.zeros_like(start)
        for year in range(before + 1, after + 1):
            aged = _a_year_on(aged, self._alive[year], infants)
            born = _a_year_on(born, self._alive[year], self._people[year][:, 0] - infants)
        return aged - start, born, self._people[after] - aged - born

    def _carried(self, service: str, before: int, after: int) -> tuple[Values, Values] | None:
        """Shares (from, to) of the service in both years; None where it has no flows."""
        if self.flows is None or service not in self.flows[SERVICE].values:
            return None
        shares = self.flows.sel({SERVICE: service, FROM_PLACE: self._counties, TO_PLACE: self._counties})
        bare = shares.sel({YEAR: self._years}).transpose(YEAR, FROM_PLACE, TO_PLACE).to_numpy()
        return bare[before], bare[after]

    @staticmethod
    def _scalars(model: DemandModel, first: int, last: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """Days of stay and the inverse of occupancy in both years; 1 where the model has none."""

        def pair(name: str) -> tuple[float, float]:
            if name not in model.parameters:
                return 1.0, 1.0
            a, b = model.parameters[name].at([first, last])
            return float(a), float(b)

        occupancy = pair("occupancy")
        return pair("length_of_stay"), (1 / occupancy[0], 1 / occupancy[1])

    # ---- bare arrays, each made once ---------------------------------------------------------------------------------

    @cached_property
    def _counties(self) -> list[str]:
        return [str(code) for code in self.people[COUNTY].values]

    @cached_property
    def _years(self) -> list[int]:
        return [int(year) for year in self.people[YEAR].values]

    @cached_property
    def _services(self) -> list[str]:
        return [str(name) for name in self.weights[SERVICE].values]

    @cached_property
    def _people(self) -> Values:
        """(year, county, age)."""
        values: Values = counted(self.people, "resident").transpose(YEAR, COUNTY, AGE).to_numpy()
        return values

    @cached_property
    def _alive(self) -> Values:
        """(year, county, age) share of those who enter the age in the year who are alive at its end; 1 where nobody does.
        Years before a census are reckoned without deaths: they take the shares of the first year with some."""
        deaths = self.people["deaths"]
        both = deaths.sum(SEX, skipna=False) if SEX in deaths.dims else deaths
        died = both.transpose(YEAR, COUNTY, AGE).to_numpy()
        entering = np.zeros_like(self._people)
        entering[1:, :, 1:] = self._people[:-1, :, :-1]
        entering[1:, :, -1] += self._people[:-1, :, -1]
        share = 1 - np.divide(died, entering, out=np.zeros_like(entering), where=entering > 0)
        share[0] = np.nan  # nobody is known to enter the first year
        known = ~np.isnan(share).any(axis=(1, 2))
        nearest = np.maximum(np.arange(len(share)), int(known.argmax()))
        return np.clip(share[nearest], 0.0, 1.0)

    @cached_property
    def _weights(self) -> Values:
        """(service, year, county, age)."""
        values: Values = self.weights["demand"].transpose(SERVICE, YEAR, COUNTY, AGE).to_numpy()
        return values


def periods(demand: xr.DataArray, crests: Mapping[Place, Crest], now: int) -> pd.DataFrame:
    """`SPAN_COLUMNS` and `period`: from the crest that matters to the lowest year after it (`CREST`), and from the
    decision year on by each of `STEPS` ("5"); what ends beyond the last year is not there.

    demand: (county, year, service) of the scenario, past and projected.
    """
    years = demand[YEAR].values.tolist()
    need = demand.transpose(COUNTY, SERVICE, YEAR).to_numpy()
    spans = []
    for i, place in enumerate(map(str, demand[COUNTY].values)):
        for j, service in enumerate(map(str, demand[SERVICE].values)):
            crest = crests.get((place, service))
            if crest is not None:
                low = int(np.nanargmin(need[i, j, years.index(crest.year) :]))
                spans.append((place, service, crest.year, crest.year + low, CREST))
            spans += [(place, service, now, now + step, str(step)) for step in STEPS]
    table = pd.DataFrame(spans, columns=[*SPAN_COLUMNS, PERIOD])
    return table[(table["first"] < table["last"]) & (table["last"] <= years[-1])].reset_index(drop=True)


def _a_year_on(people: Values, alive: Values, infants: Values) -> Values:
    """People (county, age) a year later: one year older, those who died left out, and the infants of the year."""
    later = np.zeros_like(people)
    later[:, 1:] = people[:, :-1]
    later[:, -1] += people[:, -1]
    later *= alive
    later[:, 0] = infants
    return later


def shapley(value: Callable[[frozenset[str]], Values], factors: Sequence[str]) -> dict[str, Values]:
    """Factor -> its part of value(all) - value(none): the mean over all orders in which the factors can be taken
    (Shapley 1953). The parts add up to that change.

    value: what comes out where these factors are taken and the others are not.

    >>> parts = shapley(lambda taken: np.array((2.0 if "a" in taken else 1.0) * (5.0 if "b" in taken else 3.0)), "ab")
    >>> {name: float(part) for name, part in parts.items()}
    {'a': 4.0, 'b': 3.0}
    """
    count = len(factors)
    subsets = [frozenset(name for bit, name in enumerate(factors) if taken >> bit & 1) for taken in range(2**count)]
    values = [value(subset) for subset in subsets]
    parts = {}
    for bit, name in enumerate(factors):
        without = [taken for taken in range(2**count) if not taken >> bit & 1]
        shares = (
            factorial(taken.bit_count()) * factorial(count - taken.bit_count() - 1) / factorial(count)
            for taken in without
        )
        terms = [w * (values[taken | 1 << bit] - values[taken]) for w, taken in zip(shares, without, strict=True)]
        parts[name] = np.sum(terms, axis=0)
    return parts
