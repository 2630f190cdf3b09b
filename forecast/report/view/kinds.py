"""What may be said of supply against need, by place and service, as the kind of the supply allows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from forecast.basics.dims import AREA, SERVICE, YEAR
from forecast.report.view.axes import Axes
from forecast.supply.claims import Claim, Words, claims

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Kinds:
    axes: Axes

    @cached_property
    def table(self) -> pd.DataFrame:
        """Kind of the supply (recorded, planned, rolls, ratio, split, none) by place and service."""
        held = self.axes.run.data["supply_kind"].sel({AREA: self.axes.places}).to_pandas()
        return held.loc[self.axes.places, self.axes.services]

    def kind(self, place: str, service: str) -> str:
        return str(self.table.at[place, service])

    def claim(self, place: str, service: str) -> Claim:
        return claims()[self.kind(place, service)]

    def words(self, place: str, service: str) -> Words:
        return self.claim(place, service).words

    def told_gap(self, place: str) -> list[str]:
        """Services of which the place may be called short or to have places to spare."""
        return [service for service in self.axes.services if self.words(place, service) == "gap"]

    def of_area(self, name: str, place: str, service: str, year: int) -> float:
        """supply, planned, missing or idle of a place."""
        return float(self.axes.run.data[f"{name}_of_area"].sel({AREA: place, SERVICE: service, YEAR: year}))

    def by_county(self, service: str) -> bool:
        """True if a gap may be told of at least one county."""
        return any(self.words(county, service) == "gap" for county in self.axes.counties)

    def drawn(self, *kinds: str) -> bool:
        """True if some place and service has a supply of one of these kinds."""
        return bool(self.table.isin(kinds).any(axis=None))
