"""Pupils of a stage by county, from what whole areas and single counties counted.

Pupils are held against a base by county and year: children of the ages, or the pupils of the stage before. The whole has
a path of pupils per base; what a county counted is its own, and what it has of its own beside the whole goes on, drawn
to the whole where few pupils say so (`ratio_paths.own_level`). Counties that counted nothing share what the others leave of the whole,
so that the counties add up to it in every year.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from forecast.basics.areas import Areas
from forecast.basics.issues import InputRefused, Issue
from forecast.demand.schools.ratio_paths import Known, believable, own_level, ratio_path

ROUNDING = 0.02
"""Share of an area's pupils by which its counties may count more than it: totals are printed rounded."""


@dataclass(frozen=True)
class Shared:
    """Pupils per unit of the base (county, year) and the year of the count on which each rests (`rests_on`), NaN where
    there is none; `last`: the last year counted anywhere."""

    ratio: np.ndarray
    rests_on: np.ndarray
    last: int


def share_out(
    base: np.ndarray, years: Sequence[int], counted: Mapping[str, Known], areas: Areas, otherwise: np.ndarray
) -> Shared:
    """Pupils per base by county and year.

    base: (county, year) of all counties of the areas, in their order; counted: pupils by place and year; otherwise:
    (year,) pupils per base where no count says better. Raises InputRefused where counties counted more than their
    area, ValueError where nothing was counted.
    """
    return _Split(base, list(years), counted, areas, otherwise).shared


@dataclass(frozen=True)
class _Split:
    base: np.ndarray
    years: list[int]
    counted: Mapping[str, Known]
    areas: Areas
    otherwise: np.ndarray

    @cached_property
    def shared(self) -> Shared:
        whole = self.areas.whole
        ratio = np.ones(self.base.shape)
        path = self.path(self.known[whole], self.size(whole))
        self.spread(whole, self.units(whole), path, ratio)
        for parent in self.areas.members:
            if parent != whole:
                inside = self.rows(parent)
                held = self.size(parent)
                pupils = (ratio[inside] * self.base[inside]).sum(0)
                own = np.where(held > 0, pupils / np.where(held > 0, held, 1.0), path)
                self.spread(parent, self.areas.inside(parent), own, ratio)
        return Shared(ratio, self.rests_on, max(max(of) for of in self.printed.values() if of))

    def units(self, area: str) -> list[str]:
        """The parents inside an area, and its counties that are in none of them."""
        parents = [parent for parent in self.areas.members if parent != self.areas.whole]
        inside = {county for parent in parents for county in self.areas.inside(parent)}
        return [*parents, *(county for county in self.areas.inside(area) if county not in inside)]

    @cached_property
    def row(self) -> dict[str, int]:
        return {county: number for number, county in enumerate(self.areas.counties)}

    def rows(self, place: str) -> list[int]:
        return [self.row[county] for county in (self.areas.inside(place) or [place])]

    def size(self, place: str) -> np.ndarray:
        size: np.ndarray = self.base[self.rows(place)].sum(0)
        return size

    @cached_property
    def printed(self) -> dict[str, dict[int, float]]:
        """What each place counted in the years asked for, where its base has anybody to be counted."""
        found = {}
        for place in self.areas.places:
            there = dict(zip(self.years, self.size(place) > 0, strict=True))
            found[place] = {y: n for y, n in self.counted.get(place, {}).items() if there.get(y, False)}
        return found

    @cached_property
    def known(self) -> dict[str, dict[int, float]]:
        """Pupils by place: of an area the sum of its units where all of them were counted, else what it prints itself;
        for the sum a count that cannot be believed is a gap."""
        found = {county: self.printed[county] for county in self.areas.counties}
        for area in self.areas.members:  # the whole is the last
            units = self.units(area) if area == self.areas.whole else self.areas.inside(area)
            parts = [self.believed(unit, found[unit]) for unit in units]
            years = set.intersection(*map(set, parts)) if parts else set()
            found[area] = {**self.printed[area], **{year: sum(part[year] for part in parts) for year in sorted(years)}}
        return found

    def believed(self, place: str, known: Known) -> dict[int, float]:
        """Of what a place counted, the years that can be believed."""
        kept = believable(self.per_base(known, self.size(place)), self.usual) if known else {}
        return {year: known[year] for year in kept}

    @cached_property
    def usual(self) -> float:
        """Pupils per base over all that was counted; where nothing was, the ratio that holds otherwise."""
        pupils = base = 0.0
        for place, known in self.printed.items():
            size = dict(zip(self.years, self.size(place), strict=True))
            pupils, base = pupils + sum(known.values()), base + sum(size[year] for year in known)
        return pupils / base if base and pupils else float(np.median(self.otherwise))

    def per_base(self, known: Known, size: np.ndarray) -> dict[int, float]:
        at = dict(zip(self.years, size, strict=True))
        return {year: pupils / at[year] for year, pupils in known.items()}

    def path(self, known: Known, size: np.ndarray) -> np.ndarray:
        """(year,) pupils per base of the whole: as counted, and carried on from what can be believed."""
        ratios = self.per_base(known, size)
        trusted = believable(ratios, float(np.median(self.otherwise)))
        path = ratio_path(trusted, self.years) if trusted else self.otherwise
        return np.array([ratios.get(year, value) for year, value in zip(self.years, path, strict=True)])

    def spread(self, area: str, units: Sequence[str], whole: np.ndarray, ratio: np.ndarray) -> None:
        """Fills `ratio` of the counties of an area whose pupils per base are `whole` (year,)."""
        own = np.stack([self.own(unit, whole) for unit in units])
        size = np.stack([self.size(unit) for unit in units])
        free = self.free(units, whole * own * size)
        expected = whole * own * size
        scale = np.ones(len(self.years))
        if self.known[area] or self.known[self.areas.whole]:  # else nobody counted what there is to share
            left = whole * size.sum(0) - np.where(free, 0.0, expected).sum(0)
            open_ = np.where(free, expected, 0.0).sum(0)
            self.refuse_more_than_all(area, left, whole * size.sum(0), open_ > 0)
            scale = np.where(open_ > 0, np.clip(left, 0, None) / np.where(open_ > 0, open_, 1.0), 1.0)
        for unit, level, is_free in zip(units, own, free, strict=True):
            ratio[self.rows(unit)] = whole * level * np.where(is_free, scale, 1.0)

    def free(self, units: Sequence[str], expected: np.ndarray) -> np.ndarray:
        """(unit, year) True where a unit takes what the others leave: units that never counted, or where there are none
        of these those that did not count in the year."""
        uncounted = np.array([~np.isin(self.years, list(self.known[unit])) for unit in units])
        never = np.array([not self.known[unit] for unit in units])[:, None] & (expected > 0)
        return np.where(never.any(0), never, uncounted)

    def own(self, unit: str, whole: np.ndarray) -> np.ndarray:
        """(year,) what a unit has beside the whole: its counts over what the whole's ratio expects, 1 without any."""
        known = self.known[unit]
        expected = dict(zip(self.years, whole * self.size(unit), strict=True))
        known = {year: pupils for year, pupils in known.items() if expected[year] > 0}
        if not known:
            return np.ones(len(self.years))
        relative = {year: pupils / expected[year] for year, pupils in known.items()}
        trusted = {year: relative[year] for year in self.believed(unit, known)}
        level = own_level(known, expected, trusted)
        dates = sorted(trusted)
        path = np.interp(self.years, dates, [trusted[year] for year in dates]) if dates else np.ones(len(self.years))
        path = np.where(np.asarray(self.years) > dates[-1], level, path) if dates else path
        return np.array([relative.get(year, value) for year, value in zip(self.years, path, strict=True)])

    def refuse_more_than_all(self, area: str, left: np.ndarray, all_: np.ndarray, some: np.ndarray) -> None:
        for year, rest, pupils, asked in zip(self.years, left, all_, some, strict=True):
            if year in self.known[area] and asked and rest < -ROUNDING * pupils:
                values = {"area": area, "year": year, "found": f"{pupils - rest:,.0f}", "whole": f"{pupils:,.0f}"}
                raise InputRefused(Issue("E458", "enrolment.csv", values=values))

    @cached_property
    def rests_on(self) -> np.ndarray:
        """(county, year) the count that a ratio rests on: its own year, else the last before it, else the first."""
        found = np.full(self.base.shape, np.nan)
        for county, number in self.row.items():
            places = [county, *self.areas.around(county)]
            dates = np.array(sorted({year for place in places for year in self.known[place]}))
            if dates.size:
                found[number] = dates[np.clip(np.searchsorted(dates, self.years, side="right") - 1, 0, None)]
        return found
