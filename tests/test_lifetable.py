"""Life tables against closed forms and a published life expectancy."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.population import life_table
from forecast.population.lifetable import infant_years_lived, single_year_rates


def rates(values: list[float], ages: list[int], sex: str = "male") -> xr.DataArray:
    return xr.DataArray(values, dims="age", coords={"age": ages, "sex": sex})


def test_constant_hazard_gives_the_reciprocal() -> None:
    table = life_table(rates([0.02] * 101, list(range(101))).assign_coords(sex="female"))
    assert float(table.ex.sel(age=60)) == pytest.approx(50.0, rel=1e-4)
    assert float(table.lx.sel(age=50)) == pytest.approx(np.exp(-1.0), rel=1e-3)


def test_life_expectancy_of_china_as_published() -> None:
    """The pattern's abridged rates of 2020-2025 at single years give the e0 that WPP 2024 prints for 2022 and 2023."""
    from forecast.population.pattern import mortality_pattern
    from forecast.region import read_region

    region = read_region("wenzhou")
    levels = region.table("levels").set_index("year")
    found = life_table(mortality_pattern(region, np.array([2022]))).ex.sel(year=2022, age=0)
    for sex in ("female", "male"):  # a five-year rate against single years: within half a year
        printed = levels.loc[[2022, 2023], f"e0_{sex}"].astype(float).mean()
        assert float(found.sel(sex=sex)) == pytest.approx(printed, abs=0.5)


def test_survivorship_ratios_as_the_design_says() -> None:
    values = (0.0005 * np.exp(0.075 * np.arange(101))).tolist()
    table = life_table(rates(values, list(range(101))))
    lived, total = table.Lx.values, table.Tx.values
    np.testing.assert_allclose(table.sx.values[0], lived[0])
    np.testing.assert_allclose(table.sx.values[1:-1], lived[1:-1] / lived[:-2])
    assert table.sx.values[-1] == pytest.approx(total[-1] / total[-2])
    assert float(table.lx.min()) > 0
    assert (np.diff(table.lx.values) < 0).all()


def test_infants_by_both_rules() -> None:
    """Hand-worked from the two papers' formulas."""
    male, female = np.array(False), np.array(True)
    assert infant_years_lived(np.array(0.01), male, "coale-demeny") == pytest.approx(0.045 + 0.02684)
    assert infant_years_lived(np.array(0.2), female, "coale-demeny") == pytest.approx(0.35)
    assert infant_years_lived(np.array(0.01), male, "andreev-kingkade") == pytest.approx(0.14929 - 0.0199545)
    assert infant_years_lived(np.array(0.05), female, "andreev-kingkade") == pytest.approx(0.04667 + 0.1940445)


def test_single_years_keep_the_hazard_of_every_group() -> None:
    bounds = [0, 1, *range(5, 105, 5)]
    group = 0.0005 * np.exp(0.075 * np.array(bounds, float))
    single = single_year_rates(rates(group.tolist(), bounds), 100)
    assert (single > 0).all()
    hazard = np.add.reduceat(single.values[:100], bounds[:-1])
    np.testing.assert_allclose(hazard, group[:-1] * np.diff(bounds), rtol=1e-12)
    assert float(single[100]) == pytest.approx(group[-1])


def test_bad_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="a0 rule"):
        life_table(rates([0.1, 0.2], [0, 1]), a0="guess")
    with pytest.raises(ValueError, match="above 0"):
        life_table(rates([0.1, 0.0], [0, 1]))
    with pytest.raises(ValueError, match="nobody"):
        life_table(rates([0.1, 3.0, 0.5], [0, 1, 2]))
    with pytest.raises(ValueError, match="sex"):
        life_table(xr.DataArray([0.1, 0.2], dims="age", coords={"age": [0, 1]}))
