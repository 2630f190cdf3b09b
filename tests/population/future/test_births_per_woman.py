"""Births per woman to come: nothing changes where nothing changed, one odd year moves little, dragons are what they were."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.population.future.births_per_woman import DRAGON, births_per_woman, dragon_excess
from forecast.scenario import Fertility

YEARS = np.arange(2025, 2051)


class Nation:
    """A pattern whose births per woman and births are given by year."""

    def __init__(self, tfr: dict[int, float], births: dict[int, float]) -> None:
        self.tables = {
            "levels": pd.DataFrame(
                {"year": list(tfr), "tfr": list(tfr.values()), "srb": 1.06, "births": births.values()}
            ),
            "fertility": pd.DataFrame(
                {
                    "year_start": 1995,
                    "year_end": 2055,
                    "age_group": ["20-24", "25-29", "30-34"],
                    "share": [0.3, 0.4, 0.3],
                }
            ),
        }

    def table(self, name: str) -> pd.DataFrame:
        return self.tables[name]


def nation(bump: float = 0.0, fall: float = 0.0) -> Nation:
    span = range(1998, 2052)
    tfr = {year: 1.2 * (1 - fall) ** (year - 1998) for year in span}
    births = {year: 1e7 * (1 + bump * (year % 12 == DRAGON and year < 2020)) for year in span}
    return Nation(tfr, births)


def levels(*values: float) -> xr.Dataset:
    """Calibrated levels of the years to 2024."""
    years = np.arange(2025 - len(values), 2025)
    return xr.Dataset({"fertility_level": ("year", list(values))}, {"year": years})


@pytest.mark.parametrize("path", ["constant", "pattern", "falling"])
def test_what_never_changed_goes_on(path: str) -> None:
    found = births_per_woman(nation(), levels(0.8, 0.8, 0.8, 0.8), Fertility(path=path), YEARS)
    np.testing.assert_allclose(found, 0.96)


def test_one_odd_year_moves_the_future_by_less_than_half_of_it() -> None:
    usual, odd = (
        births_per_woman(nation(), levels(1.0, 1.0, 1.0, last), Fertility(), YEARS).values for last in (1.0, 1.1)
    )
    assert 1.02 < float((odd / usual).max()) < 1.05


def test_a_level_is_relative_to_the_nation_of_its_year() -> None:
    """Births per woman that fall with the nation's are one level; the path stays where the nation stood."""
    falling = nation(fall=0.03)
    found = births_per_woman(falling, levels(0.9, 0.9, 0.9), Fertility(), YEARS)
    tfr = falling.table("levels").set_index("year").tfr
    np.testing.assert_allclose(found, 0.9 * tfr[2024])
    with_nation = births_per_woman(falling, levels(0.9, 0.9, 0.9), Fertility(path="pattern"), YEARS)
    np.testing.assert_allclose(with_nation, 0.9 * tfr[YEARS])
    gone_on = births_per_woman(falling, levels(0.9, 0.9, 0.9), Fertility(path="falling"), YEARS)
    assert np.all(np.diff(gone_on) < 0)
    assert float(gone_on[-1] / found[-1]) == pytest.approx(0.97 ** (0.7 / 0.3), rel=1e-3)


def test_dragons_have_more_births_and_count_as_that_much_less() -> None:
    region = nation(bump=0.06)
    assert dragon_excess(region, 2023) == pytest.approx(0.06)
    assert dragon_excess(region, 2012) == pytest.approx(0.06)  # 2000 alone: of 2012 one neighbour is not known yet
    assert dragon_excess(region, 1999) == 0
    found = births_per_woman(region, levels(1.0, 1.0, 1.0, 1.06), Fertility(zodiac=True), YEARS)
    np.testing.assert_allclose(found.drop_sel(year=[2036, 2048]), 1.2)
    np.testing.assert_allclose(found.sel(year=[2036, 2048]), 1.2 * 1.06)
