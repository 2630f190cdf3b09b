"""Limits, ratios and thresholds of schools that hold for all services, as a run is given them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from forecast.demand.model import Quantity


@dataclass(frozen=True)
class SchoolStandards(Mapping[str, Quantity]):
    """Numbers of `models/schools/standards.toml` by name, with unit, date, source and basis; those that the region gives
    itself stand in their place."""

    by_name: Mapping[str, Quantity]

    def __getitem__(self, name: str) -> Quantity:
        return self.by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def __len__(self) -> int:
        return len(self.by_name)
