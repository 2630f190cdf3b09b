"""Places and beds that stand and that are planned, by county and by area, each with the kind of what is known of it.

A figure holds for the place it is given for, from its year until the next one; before the first there is none (NaN).
Nothing is split: a county has what is known of that very county. An area has its own figure or the sum of its parts,
whichever is newer: the sum where every part is known and no part's figure is older than the area's own. A project adds
to its place, and to every area around it, from its year until a later figure counts what stands and so includes it.

Where places are implied by rolls, each roll that was counted there tells that so many pupils were held at once: a roll
larger than the figure, with the projects opened since, takes its place from its year on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xarray as xr

from forecast.basics.basis import weakest
from forecast.basics.dims import AREA, COUNTY, SERVICE, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.variables import BY_SERVICE, label
from forecast.region import Region, basis_of
from forecast.region.tables import SUPPLY_KINDS

if TYPE_CHECKING:
    from forecast.basics.areas import Areas
    from forecast.demand import DemandModel

NO_SUPPLY = "none"
"""`basis` of a service whose supply is not known at all, and kind of a place of which nothing is known."""

PLANNED, SPLIT, ROLLS = "planned", "split", "rolls"

CLOSE = 0.5
"""Places or beds: what adds up to nothing may be below it by rounding only so far."""

KINDS = tuple(SUPPLY_KINDS)
"""Kinds that a figure may have, the surest first; a sum is of the weakest of its parts."""


def estimate_supply(
    region: Region, models: Mapping[str, DemandModel], years: Sequence[int], rolls: xr.DataArray | None = None
) -> xr.Dataset:
    """Capacity usable in school year or year y, in the service's unit (coordinate `unit`).

    supply            (county, year, service) standing and planned places or beds of that very county; NaN before its
                      first figure, and where only a larger area has one
    planned           (county, year, service) the part of it that projects have added since that figure
    supply_of_area    (area, year, service) the same of the counties and the areas, in the order of `region.areas.places`
    planned_of_area
    supply_kind       (area, service) the weakest kind in force from the jump-off year on: recorded, rolls, ratio; split
                      where only a larger area has a figure, planned where there are projects alone, none else
    basis             (service,) the least sure of the tables; `none` without supply

    rolls: (area, year, service) pupils counted, NaN where none were, as `observed_rolls` gives them.
    Raises InputRefused where more closes in a place than stands there.
    """
    figures, projects = _rows(region, "supply"), _rows(region, "projects")
    at, inside = np.asarray(years, dtype=int), _inside(region.areas)
    bases = []
    held: dict[str, Mapping[str, _Held]] = {}
    kinds: dict[str, list[str]] = {}
    for service in models:
        own, new = figures.get(service, []), projects.get(service, [])
        counted = {} if rolls is None else _by_place(rolls.sel({SERVICE: service, YEAR: at}))
        held[service] = _Ledger(inside, own, new, counted, at).held()
        kinds[service] = _kinds(held[service], inside, new, at >= region.jump_off_year)
        _refuse_less_than_nothing(held[service], new, service, at)
        tables = [table for table, rows in (("supply", own), ("projects", new)) if rows]
        bases.append(weakest(*(basis_of(region, table, service=service) for table in tables)) if own else NO_SUPPLY)
    units = [model.unit for model in models.values()]
    by_area = _labelled(held, kinds, region.areas.places, at).assign_coords(unit=(SERVICE, units))
    counties = by_area[["supply_of_area", "planned_of_area"]].sel({AREA: region.areas.counties}).rename({AREA: COUNTY})
    found = by_area.assign(
        supply=in_order(counties["supply_of_area"]),
        planned=in_order(counties["planned_of_area"]),
        basis=(SERVICE, np.asarray(bases, dtype=object)),
    )
    return label(found, "supply", units=units[0] if len(set(units)) == 1 else BY_SERVICE)


def _inside(areas: Areas) -> dict[str, frozenset[str]]:
    """Place -> its counties, in the order of `areas.places`; of a county itself."""
    return {place: frozenset(areas.inside(place) or [place]) for place in areas.places}


class Row(NamedTuple):
    """One line of the table `supply` or `projects`."""

    place: str
    year: int
    capacity: float
    kind: str
    line: int  # in the file


def _rows(region: Region, table: str) -> dict[str, list[Row]]:
    """The lines of a table by service, in the order of the file. The figure of an area of one county is that county's."""
    by_service: dict[str, list[Row]] = {}
    if region.has(table):
        rows = region.table(table)
        kinds = rows["kind"].tolist() if "kind" in rows else [""] * len(rows)
        columns = (rows[name].tolist() for name in (SERVICE, COUNTY, YEAR, "capacity", "row"))
        for service, code, year, capacity, line, kind in zip(*columns, kinds, strict=True):
            inside = region.areas.inside(str(code))
            place = inside[0] if len(inside) == 1 else str(code)
            row = Row(place, int(year), float(capacity), str(kind) or KINDS[0], int(line))  # recorded unless it says so
            by_service.setdefault(str(service), []).append(row)
    return by_service


def _by_place(rolls: xr.DataArray) -> dict[str, np.ndarray]:
    """Pupils counted by place, (year,), of the places in which any were."""
    counted = rolls.transpose(AREA, YEAR)
    return {str(place): row for place, row in zip(counted[AREA].values, counted.values, strict=True) if np.any(row > 0)}


@dataclass(frozen=True)
class _Held:
    """What is known of one place in each year: NaN, -inf and -1 where nothing is."""

    supply: np.ndarray
    planned: np.ndarray
    since: np.ndarray  # year of the figure; of a sum that of its oldest part
    kind: np.ndarray  # position in `KINDS`

    @property
    def known(self) -> np.ndarray:
        return self.kind >= 0


@dataclass(frozen=True)
class _Ledger:
    """All that is given of one service, and the places in which it may be known."""

    inside: Mapping[str, frozenset[str]]
    figures: Sequence[Row]
    projects: Sequence[Row]
    rolls: Mapping[str, np.ndarray]  # (year,) by place
    years: np.ndarray

    def held(self) -> dict[str, _Held]:
        """What is known of every place; of an area after all that lie inside it."""
        found: dict[str, _Held] = {}
        known: dict[str, _Held] = {}
        given: dict[str, list[Row]] = {}
        for row in sorted(self.figures, key=lambda row: row.year):
            given.setdefault(row.place, []).append(row)
        for place in sorted(self.inside, key=lambda place: len(self.inside[place])):
            projects = [row for row in self.projects if self.inside[row.place] <= self.inside[place]]
            own = self._own(place, given.get(place, []), projects)
            within = known if len(self.inside[place]) > 1 else known.keys() & self.inside[place]
            parts = {part: known[part] for part in within if self.inside[part] <= self.inside[place]}
            found[place] = self._newer(place, own, parts, projects) if parts else own
            if found[place].known.any():
                known[place] = found[place]
        return found

    def _own(self, place: str, figures: Sequence[Row], projects: Sequence[Row]) -> _Held:
        """By the figures given for the place itself, in their order of years."""
        held = self._nothing(projects)
        for figure in figures:
            ahead = self.years >= figure.year
            planned = self._opened(projects, figure.year)
            stands = np.full(self.years.size, figure.capacity)
            if figure.kind == ROLLS and place in self.rolls:
                stands = np.maximum(stands, self._most_held(self.rolls[place], planned, ahead))
            for values, new in (
                (held.supply, stands + planned),
                (held.planned, planned),
                (held.since, figure.year),
                (held.kind, KINDS.index(figure.kind)),
            ):
                values[ahead] = np.broadcast_to(new, ahead.shape)[ahead]
        return held

    @staticmethod
    def _most_held(rolls: np.ndarray, planned: np.ndarray, ahead: np.ndarray) -> np.ndarray:
        """(year,) the most pupils held at once up to the year, without what projects had added by then."""
        before = np.where(ahead, planned, 0.0)
        return np.fmax.accumulate(np.nan_to_num(rolls - before, nan=-np.inf))

    def _newer(self, place: str, own: _Held, parts: Mapping[str, _Held], projects: Sequence[Row]) -> _Held:
        """The own figure of an area, or the sum of its parts, by what is known in each stretch of years between figures.
        parts: the places inside it of which anything is known."""
        held = _Held(*(values.copy() for values in (own.supply, own.planned, own.since, own.kind)))
        stretch = np.searchsorted(sorted({row.year for row in self.figures}), self.years, side="right")
        for number in np.unique(stretch):
            at = stretch == number
            first = int(np.argmax(at))
            known = {part: self.inside[part] for part, one in parts.items() if one.known[first]}
            names = _cover(self.inside[place], known)
            cover = [parts[part] for part in names]
            oldest = min((part.since[first] for part in cover), default=-np.inf)
            if not cover or oldest < own.since[first]:
                continue
            beside = [row for row in projects if not any(self.inside[row.place] <= self.inside[part] for part in names)]
            more = self._opened(beside, oldest)
            held.supply[at] = sum(part.supply[at] for part in cover) + more[at]
            held.planned[at] = sum(part.planned[at] for part in cover) + more[at]
            held.since[at] = oldest
            held.kind[at] = max(part.kind[first] for part in cover)
        return held

    def _nothing(self, projects: Sequence[Row]) -> _Held:
        """Of a place without a figure; what projects add to it is known all the same."""
        size = self.years.size
        unknown = np.full(size, np.nan), self._opened(projects, -np.inf), np.full(size, -np.inf), np.full(size, -1)
        return _Held(*unknown)

    def _opened(self, projects: Iterable[Row], since: float) -> np.ndarray:
        """(year,) sum of the projects that opened after a year."""
        opened = [row.capacity * (self.years >= row.year) for row in projects if row.year > since]
        return np.sum(opened, axis=0) if opened else np.zeros(self.years.size)


def _cover(whole: frozenset[str], known: Mapping[str, frozenset[str]]) -> list[str]:
    """Known parts, the largest first, that make up the whole without one lying in another; none where they do not."""
    left, chosen = set(whole), []
    for part in sorted(known, key=lambda part: -len(known[part])):
        if known[part] <= left:
            left -= known[part]
            chosen.append(part)
    return [] if left else chosen


def _kinds(
    held: Mapping[str, _Held], inside: Mapping[str, frozenset[str]], projects: Sequence[Row], ahead: np.ndarray
) -> list[str]:
    """Kind of every place, in the order of `inside`. ahead: (year,) from the jump-off year on."""
    with_figure = {place for place, one in held.items() if one.known[ahead].any()}
    told = []
    for place, counties in inside.items():
        if place in with_figure:
            told.append(KINDS[held[place].kind[ahead].max()])
        elif any(counties <= inside[area] for area in with_figure):
            told.append(SPLIT)
        elif any(inside[row.place] <= counties for row in projects):
            told.append(PLANNED)
        else:
            told.append(NO_SUPPLY)
    return told


def _refuse_less_than_nothing(
    held: Mapping[str, _Held], projects: Sequence[Row], service: str, years: np.ndarray
) -> None:
    """Raises InputRefused where more closes in a place than stands there."""
    for place, one in held.items():
        below = np.flatnonzero(one.supply < -CLOSE)
        if len(below):
            year = int(years[below[0]])
            closing = [row for row in projects if row.capacity < 0 and row.year <= year]
            row = next((row for row in reversed(closing) if row.place == place), closing[-1])
            values = {"service": service, "county": place, "year": year, "left": f"{one.supply[below[0]]:,.0f}"}
            raise InputRefused(Issue("E424", file="projects.csv", row=row.line, values=values))


def _labelled(
    held: Mapping[str, Mapping[str, _Held]], kinds: Mapping[str, list[str]], places: list[str], years: np.ndarray
) -> xr.Dataset:
    """What is known of all services beside each other, by `area`."""
    coords = {SERVICE: list(held), AREA: places, YEAR: years}
    by_year = {
        f"{name}_of_area": [[getattr(of[place], name) for place in places] for of in held.values()]
        for name in ("supply", "planned")
    }
    variables = {
        name: xr.DataArray(np.asarray(values, dtype=float), coords, (SERVICE, AREA, YEAR)).transpose(
            AREA, YEAR, SERVICE
        )
        for name, values in by_year.items()
    }
    told = np.array([kinds[service] for service in held], dtype=object).reshape(len(held), len(places))
    return xr.Dataset(variables).assign(supply_kind=((AREA, SERVICE), told.T))
