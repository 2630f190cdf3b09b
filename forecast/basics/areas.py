"""Counties and the areas that are sums of counties: who belongs where, sums, and the two dimensions for them.

In most variables `county` runs over the counties, or over the counties and then the areas. What is kept of many
trajectories stands along `area`, as the same codes are called in the saved cube.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import xarray as xr

from forecast.basics.dims import AREA, COUNTY, in_order
from forecast.basics.text import Text

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)


@dataclass(frozen=True)
class Areas:
    """Areas of a region. whole: code of the region as a whole; members: the codes of each area's counties, by code of
    the area, the whole last; names: by code of a county or area."""

    whole: str
    members: Mapping[str, list[str]]
    names: Mapping[str, Text] = field(default_factory=dict)

    @property
    def counties(self) -> list[str]:
        return self.inside(self.whole)

    @property
    def places(self) -> list[str]:
        """Codes of the counties, then of the areas."""
        return [*self.counties, *self.members]

    def inside(self, area: str) -> list[str]:
        """Codes of the counties of an area; none where the area is not of this region."""
        return list(self.members.get(area, ()))

    def around(self, county: str) -> list[str]:
        """Codes of the areas in which a county lies."""
        return [area for area, counties in self.members.items() if county in counties]


def with_whole(variable: xr.DataArray, areas: Areas) -> xr.DataArray:
    """The counties, all of the region, and as one more their sum under the code of the whole; NaN where one of them is."""
    return _with_sums(variable, {areas.whole: variable})


def with_areas(variable: xr.DataArray, areas: Areas) -> xr.DataArray:
    """The counties, then each area as the sum of its counties; NaN where one of them is."""
    return _with_sums(variable, {area: variable.sel({COUNTY: inside}) for area, inside in areas.members.items()})


def _with_sums(variable: xr.DataArray, parts: Mapping[str, xr.DataArray]) -> xr.DataArray:
    sums = [part.sum(COUNTY, skipna=False).expand_dims({COUNTY: [area]}) for area, part in parts.items()]
    return in_order(xr.concat([variable, *sums], COUNTY, join="exact"))


def add_to_areas(sums: dict[str, np.ndarray], county: str, values: np.ndarray, areas: Areas) -> None:
    """Adds a county's values to the running sums of the areas in which it lies, in float64; in the order in which the
    counties come."""
    for area in areas.around(county):
        sums[area] = sums[area] + values if area in sums else values.astype(float)


def by_area(variable: Labelled, places: Iterable[str]) -> Labelled:
    """Variable along `county`, of these counties and areas, from one that is kept along `area`."""
    return variable.sel({AREA: list(places)}).rename({AREA: COUNTY})
