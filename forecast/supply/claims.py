"""What may be said of supply against need, by the kind of supply (`rules/claims.toml`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from forecast.basics.folders import folder
from forecast.basics.toml_files import read_toml

Words = Literal["gap", "held", "need"]
"""gap: short, to spare, balanced; held: more or fewer than ever held, never short; need: need and its change alone."""


@dataclass(frozen=True)
class Claim:
    """What one kind of supply allows: which words; classes, warnings and tipping levels; sharing with neighbours."""

    words: Words
    flag: bool
    share: bool


@cache
def claims() -> Mapping[str, Claim]:
    """Kind of supply -> what it allows: recorded, planned, rolls, ratio, split, none."""
    return {kind: Claim(**entry) for kind, entry in read_toml(folder("rules") / "claims.toml").items()}
