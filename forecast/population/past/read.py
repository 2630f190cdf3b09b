"""What is kept with a shipped pattern for regions that have one census, read and checked."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from forecast.basics import folders
from forecast.basics.basis import Basis
from forecast.basics.toml_files import read_toml

FILE = "one_census.toml"
Row = tuple[float, ...]


class Learnt(BaseModel):
    """Log growth of cohorts in ten years, beyond survival, from signs of a county: level + signs x weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: Row  # (sign,) each is taken within what was seen where it was learnt
    high: Row
    weights: tuple[Row, ...]  # (sign, cohort)
    level: dict[int, Row]  # census -> (cohort,)
    missed: Row  # (cohort,) root of the mean square of what it was off by, where it was learnt


class Nation(BaseModel):
    """The whole country in one census."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    persons: Row  # (band,) residents
    elsewhere: Row  # (origin,) residents registered elsewhere


class OneCensus(BaseModel):
    """The file: signs are, by band of age, the log of the county's share of residents over the nation's, and, where they
    are known, the same of those registered elsewhere by origin."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    locator: str
    basis: Basis
    note: str
    cohorts: tuple[int, ...]  # first ages at the census, the last open
    bands: tuple[int, ...]
    origins: tuple[str, ...]
    fertility_kept: float  # power to which a county's fertility relative to the whole's lasts
    nation: dict[int, Nation]
    ages: Learnt
    registered: Learnt  # the signs of `ages` and those of registration


@cache
def read_one_census(pattern: str) -> OneCensus:
    """What is kept with a shipped pattern."""
    return OneCensus.model_validate(read_toml(file_of(pattern)))


def file_of(pattern: str) -> Path:
    return folders.folder("data") / "patterns" / pattern / FILE
