"""The region: tables of a bureau, as every stage takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.basics.areas import Areas
from forecast.basics.catalogue import say_both
from forecast.basics.dims import SEXES
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.text import Text, strung
from forecast.region.tables import TABLES
from forecast.services import Service

COUNTS = ("population", "births", "deaths", "migration", "controls", "registered", "enrolment", "monthly_births")
"""Tables of what was counted year by year: what a later edition adds to."""
JOIN = "+"
"""Between the codes of counties whose union has a figure of its own (`former_codes`)."""
SHARED = ("supply", "projects", "enrolment")
"""Tables of which a figure of several counties together is used, also of a union that is no area of today."""


@dataclass(frozen=True)
class Region:
    """A region's tables, normalised, with its areas, services and settings.

    `tables`: codes are text, numbers float in base units; `row` is the line of the file, `unit_printed` the unit as
    printed, `age_from` and `age_to` the completed years an age group covers. `counties`: index `county`. `parents`:
    their names. `settings`: the rest of region.toml. `encodings`, `hashes` (sha256): by file. `rules`: file ->
    standards and rules of the region's own, as they stand. Tables are not to
    be changed in place.
    """

    id: str
    name: Text
    area: str
    parent: str | None
    parents: Mapping[str, Text]
    jump_off_year: int
    pattern: str | None
    counties: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    settings: Mapping[str, Any]
    folder: Path
    encodings: Mapping[str, str]
    hashes: Mapping[str, str]
    warnings: tuple[Issue, ...]
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What was worked out from the tables and is asked for again and again (the lines of `sources`)."""

    def has(self, name: str) -> bool:
        """True where the region, or its pattern, has the table."""
        return name in self.tables

    def table(self, name: str) -> pd.DataFrame:
        """The table; raises InputRefused that names it and says what it is for."""
        if name not in self.tables:
            opens = say_both(f"region.opens.{name}") if name in TABLES else Text("", "")
            raise InputRefused(Issue("E180", f"{name}.csv", values={"table": name, "opens": opens}))
        return self.tables[name]

    def until(self, year: int) -> Region:
        """The region as it was known at the end of a year: counts of later years dropped, that year the jump-off.

        What was already planned (projects, targets) and what is no count stays; so does a shipped pattern, which may
        know more than the year did.
        """
        kept = {name: table[table["year"] <= year] for name, table in self.tables.items() if name in COUNTS}
        known = {name: table.reset_index(drop=True) for name, table in kept.items() if len(table)}
        others = {name: table for name, table in self.tables.items() if name not in COUNTS}
        return replace(self, jump_off_year=year, tables={**others, **known})

    @cached_property
    def areas(self) -> Areas:
        """The unions under which figures stand, the parents of the counties and the whole as sums of counties, and the
        names of them all."""
        members: dict[str, list[str]] = {}
        for county, parent in self._parents():
            members.setdefault(parent, []).append(county)
        members.pop(self.area, None)  # counties may name the whole as their parent; it comes last
        unions = self._unions()
        members |= unions
        members[self.area] = [str(county) for county in self.counties.index]
        zh, en = (self.counties[name] for name in ("name_zh", "name_en"))
        names = {county: Text(str(zh[county]), str(en[county])) for county in members[self.area]}
        joined = {union: strung([names[county] for county in inside], "、") for union, inside in unions.items()}
        return Areas(self.area, members, {**names, **joined, **self.parents, self.area: self.name})

    def _parents(self) -> Iterator[tuple[str, str]]:
        """County and its parent, of the counties that name one."""
        if "parent" in self.counties:
            yield from ((str(county), str(parent)) for county, parent in self.counties["parent"].items() if parent)

    def _unions(self) -> dict[str, list[str]]:
        """Union -> its counties, of the unions under which figures stand that are shared out to counties."""
        tables = [self.tables[name] for name in SHARED if name in self.tables]
        codes = dict.fromkeys(str(code) for table in tables for code in table["county"])
        return {code: code.split(JOIN) for code in codes if JOIN in code}

    @cached_property
    def published(self) -> Mapping[tuple[int, str], Mapping[str, float]]:
        """(year, component) -> area -> figure, in base units, of the tables `controls`, `births` and `deaths` (those by
        sex and age summed); where two tables have it, the first."""
        figures: dict[tuple[int, str], dict[str, float]] = {}
        for year, component, area, value in self._figures():
            figures.setdefault((int(year), str(component)), {}).setdefault(str(area), float(value))
        return figures

    def _figures(self) -> Iterator[tuple[int, str, str, float]]:
        """Year, component, area and figure, line by line."""
        if self.has("controls"):
            table = self.table("controls")
            yield from zip(table.year, table.component, table.area, table.value, strict=True)
        for component in ("births", "deaths"):
            if self.has(component):
                yield from ((year, component, area, value) for (year, area), value in _totals(self.table(component)))


def _totals(table: pd.DataFrame) -> Iterator[tuple[tuple[int, str], float]]:
    """(year, area) and persons, those given as one figure before sums of sexes, of ages, of both."""
    nowhere = pd.Series(False, table.index)
    by_sex = table["sex"].isin(SEXES) if "sex" in table else nowhere
    by_age = table["age_from"].notna() if "age_from" in table else nowhere
    for rows in (~by_sex & ~by_age, by_sex & ~by_age, ~by_sex & by_age, by_sex & by_age):
        yield from table[rows].groupby(["year", "county"]).persons.sum().items()
