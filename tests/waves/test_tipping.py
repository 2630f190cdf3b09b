"""Levels at which the class turns, planted and found; the class at a little less and a little more is asked again."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.waves import classify_waves, smooth_cells
from forecast.waves.classes import hold_against
from forecast.waves.tipping import HALVINGS, STEPS, Lever, TippingLevel, find_tipping

YEARS = 14
FINE = 1 / STEPS / 2**HALVINGS
"""Share of the range to which a level is known."""


def demand_of(*paths: float | list[float] | np.ndarray, trajectories: int = 0) -> xr.DataArray:
    """(trajectory?, county, year): counties "0", "1", ... with these paths."""
    values = np.array([np.broadcast_to(path, YEARS) for path in paths], dtype=float)
    coords = {"county": [str(number) for number in range(len(paths))], "year": range(2024, 2024 + YEARS)}
    found = xr.DataArray(values, dims=("county", "year"), coords=coords)
    return found.expand_dims(trajectory=trajectories) if trajectories else found


def lever(
    *linear: float | np.ndarray, driver: str = "migration", bend: float = 0.0, ends: tuple[float, float] = (-1, 2)
) -> Lever:
    values = np.array([np.broadcast_to(one, YEARS) for one in linear], dtype=float)
    return Lever(driver, values, np.full_like(values, bend), 2024, np.full(len(values), 1000.0), *ends)


def tipping(demand: xr.DataArray, supply: xr.DataArray, *levers: Lever, window: int = 5) -> list[TippingLevel | None]:
    places = [(str(county), "") for county in supply.county.values]
    found = find_tipping(smooth_cells(demand), hold_against(supply, places, window), levers)
    return [found[place] for place in places]


def test_a_planted_level_is_found() -> None:
    """Tolerance is 5 %: 100 wanted and 100 standing turns to a shortage at 105, 93 wanted stays a surplus up to 95."""
    (short, spare) = tipping(demand_of(100, 93), demand_of(100, 100), lever(20, 20))
    assert short is not None
    assert abs(short.level) == pytest.approx(0.25, abs=3 * FINE)
    assert short.category == ("structural_shortage" if short.level > 0 else "structural_surplus")
    assert spare is not None
    assert (spare.driver, spare.category) == ("migration", "balanced")
    assert spare.level == pytest.approx(0.1, abs=3 * FINE)
    assert spare.persons == pytest.approx(1000 * spare.level)


def test_a_parabola_is_followed() -> None:
    (found,) = tipping(demand_of(100), demand_of(100), lever(10, bend=8, ends=(0, 2)))
    root = (-10 + np.sqrt(100 + 4 * 8 * 5)) / 16
    assert found is not None
    assert found.level == pytest.approx(root, abs=3 * FINE)


def test_the_first_lever_that_turns_it_counts_and_none_is_none() -> None:
    weak, strong = lever(1, 1, 1), lever(40, 40, 1, driver="births", ends=(-0.3, 0.3))
    first, second, third = tipping(demand_of(100, 160, 100), demand_of(100, 100, 100), weak, strong)
    assert first is not None
    assert first.driver == "births"
    assert second is None  # 60 too many, and at most 12 fewer
    assert third is None


def test_a_class_that_cannot_be_told_is_no_other_class() -> None:
    """A shortage in the last three years only is not decided; with less it is balanced, which counts."""
    late = np.where(np.arange(YEARS) < 11, 0.0, 20.0)
    (found,) = tipping(demand_of(100, trajectories=4), demand_of(100), lever(late, ends=(0, 2)))
    assert found is None
    (found,) = tipping(demand_of(100 + late, trajectories=4), demand_of(100), lever(late))
    assert found is not None
    assert found.category == "balanced"
    assert found.level == pytest.approx(-0.75, abs=3 * FINE)


@pytest.mark.parametrize("trajectories", [0, 25])
def test_the_class_is_another_there_and_not_just_before(trajectories: int) -> None:
    rng = np.random.default_rng(5)
    paths = 100 + np.cumsum(rng.normal(size=(40, YEARS)), axis=1) * 3
    slopes = rng.uniform(1, 12, (40, 1)) * np.linspace(0.3, 1.5, YEARS)
    demand, supply = demand_of(*paths), demand_of(*[100.0] * 40)
    if trajectories:
        shifts = xr.DataArray(rng.normal(size=trajectories) * 4, dims="trajectory")
        demand = (demand + shifts).transpose("trajectory", "county", "year")
    found = tipping(demand, supply, lever(*slopes))
    base = classify_waves(demand, supply, 5).likeliest.sel(shift=0)
    turned = 0
    for nearer in (0.0, 3 * FINE):  # the range is three levels wide
        levels = np.array([0.0 if one is None else one.level - nearer * np.sign(one.level) for one in found])
        moved = demand + xr.zeros_like(supply).copy(data=slopes * levels[:, None])
        classes = classify_waves(moved.transpose(*demand.dims), supply, 5).likeliest.sel(shift=0)
        for county, one in enumerate(found):
            if one is not None:
                own = str(classes.values[county])
                assert own in ((str(base.values[county]), "undetermined") if nearer else (one.category,))
                turned += 1
    assert turned > 40
