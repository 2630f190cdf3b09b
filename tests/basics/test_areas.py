"""Counties, the areas that are their sums, and the two dimensions for them."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast import read_region
from forecast.basics.areas import Areas, add_to_areas, by_area, with_areas, with_whole

AREAS = Areas("W", {"N": ["2", "1"], "W": ["1", "2", "3"]})


def variable(*values: float) -> xr.DataArray:
    return xr.DataArray([values], {"year": [2030], "county": ["1", "2", "3"]}, ("year", "county"))


def test_areas_stand_after_their_counties() -> None:
    found = with_areas(variable(1, 2, 4), AREAS)
    assert found.dims == ("county", "year")
    assert found["county"].values.tolist() == AREAS.places == ["1", "2", "3", "N", "W"]
    assert found.values.ravel().tolist() == [1, 2, 4, 3, 7]
    assert with_whole(variable(1, 2, 4), AREAS)["county"].values.tolist() == ["1", "2", "3", "W"]


def test_a_sum_is_not_known_where_a_county_is_not() -> None:
    found = with_areas(variable(1, 2, np.nan), AREAS).values.ravel()
    assert np.isfinite(found).tolist() == [True, True, False, True, False]


def test_running_sums_come_to_the_same() -> None:
    sums: dict[str, np.ndarray] = {}
    for county, value in zip(AREAS.counties, (1.0, 2.0, 4.0), strict=True):
        add_to_areas(sums, county, np.full(2, value, np.float32), AREAS)
    assert {area: values.tolist() for area, values in sums.items()} == {"N": [3, 3], "W": [7, 7]}
    assert sums["W"].dtype == np.float64


def test_what_is_kept_by_area_is_read_by_county() -> None:
    kept = xr.DataArray([1.0, 2.0, 3.0], {"area": ["1", "N", "W"]}, ("area",))
    found = by_area(kept, ["W", "1"])
    assert found.to_series().to_dict() == {"W": 3, "1": 1}
    assert found.dims == ("county",)


def test_a_region_knows_its_areas_and_their_names() -> None:
    region = read_region("wenzhou")
    assert region.areas.whole == region.area
    assert region.areas.counties == list(region.counties.index)
    assert set(region.areas.places) <= set(region.areas.names)
    assert region.areas.names[region.area] == region.name
    assert region.areas.inside("110000") == []
    assert region.areas.around(region.areas.counties[0]) == [region.area]
