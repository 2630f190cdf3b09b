"""Effects of migration and births, read back from demand at the levels that are reckoned."""

from __future__ import annotations

import pytest
import xarray as xr

from forecast.demand.sensitivity import BIRTHS, MIGRATION, effect_of_births, effect_of_migration


def test_the_effect_of_migration_is_the_slope_between_its_levels() -> None:
    """Demand of 100 with 7 more for once the recent net migration more; the scenario has 1.5 times of it."""
    change = {name: xr.DataArray(7.0 * (level - 1.5)) for name, level in MIGRATION.items()}
    assert float(effect_of_migration(change.__getitem__)) == pytest.approx(7.0)


def test_the_effect_of_births_is_the_parabola_through_its_levels() -> None:
    change = {name: xr.DataArray(5.0 * share - 2.0 * share**2) for name, share in BIRTHS.items()}
    linear, bend = effect_of_births(change.__getitem__)
    assert float(linear) == pytest.approx(5.0)
    assert float(bend) == pytest.approx(-2.0)
