"""What a bureau put in, as every stage takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.errors import InputRefused, Issue
from forecast.region.findings import Words, words
from forecast.region.tables import TABLES


@dataclass(frozen=True)
class Region:
    """What a bureau put in, normalised.

    `tables`: codes are text, numbers float in base units; `row` is the line of the file, `unit_printed` the unit as
    printed, `age_from` and `age_to` the completed years an age group covers. `counties`: index `county`. `areas`:
    names of parents. `settings`: the rest of region.toml. `encodings`, `hashes` (sha256): by file. Tables are not to
    be changed in place.
    """

    id: str
    name: Mapping[str, str]
    area: str
    parent: str | None
    areas: Mapping[str, Mapping[str, str]]
    jump_off_year: int
    pattern: str | None
    counties: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]
    settings: Mapping[str, Any]
    folder: Path
    encodings: Mapping[str, str]
    hashes: Mapping[str, str]
    warnings: tuple[Issue, ...]

    def has(self, name: str) -> bool:
        """Whether the region, or its pattern, has the table."""
        return name in self.tables

    def table(self, name: str) -> pd.DataFrame:
        """The table; raises InputRefused that names it and says what it is for."""
        if name not in self.tables:
            opens = words(f"region.opens.{name}") if name in TABLES else Words("", "")
            raise InputRefused(Issue("E180", f"{name}.csv", values={"table": name, "opens": opens}))
        return self.tables[name]
