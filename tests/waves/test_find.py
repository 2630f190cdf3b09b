"""Planted crests and troughs are found where they were planted, and none where there are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.demand import read_models, windows_of
from forecast.errors import InputRefused
from forecast.waves import COLUMNS, find_waves

YEARS = range(2010, 2051)


def crest(peak: int, height: float = 500.0, sd: float = 4.0, base: float = 1000.0) -> np.ndarray:
    return base + height * np.exp(-((np.arange(YEARS.start, YEARS.stop) - peak) ** 2) / (2 * sd**2))


def series(values: np.ndarray, years: range = YEARS) -> xr.DataArray:
    return xr.DataArray(np.atleast_2d(values), dims=("county", "year"), coords={"county": ["01"], "year": years})


def inner(found: pd.DataFrame, turn: str = "crest") -> pd.DataFrame:
    return found[(found["turn"] == turn) & ~found["at_edge"]].reset_index(drop=True)


@pytest.mark.parametrize("peak", [2018, 2026, 2040])
def test_a_planted_crest_is_found_in_its_very_year(peak: int) -> None:
    found = find_waves(series(crest(peak)))
    assert list(found.columns) == list(COLUMNS)
    (wave,) = inner(found).itertuples()
    assert (wave.peak_year, wave.peak_year_low, wave.peak_year_high) == (peak, peak, peak)
    assert (wave.county, wave.service, wave.probability) == ("01", "", 1.0)
    assert wave.height == pytest.approx(1500)
    higher_base = max(crest(peak)[[0, -1]])
    assert wave.prominence == pytest.approx(1500 - higher_base)
    half_width = 4 * np.sqrt(-2 * np.log(1 - wave.prominence / 2 / 500))
    assert wave.width_years == pytest.approx(2 * half_width, rel=0.05)
    assert peak - 5 <= wave.onset_year < peak < wave.end_year <= peak + 5


@pytest.mark.parametrize("values", [np.full(41, 1000.0), np.linspace(500, 2000, 41), np.linspace(2000, 500, 41)])
def test_flat_and_monotone_series_have_no_crest_inside(values: np.ndarray) -> None:
    found = find_waves(series(values))
    assert found["at_edge"].all()
    assert len(found) == (0 if np.ptp(values) == 0 else 2)


def test_the_edge_maximum_of_a_rising_series_is_its_last_year() -> None:
    found = find_waves(series(np.linspace(500, 2000, 41)))
    top = found[found["turn"] == "crest"].iloc[0]
    assert (top["peak_year"], top["end_year"], top["onset_year"]) == (2050, 2050, 2030)
    assert top["prominence"] == pytest.approx(1500)
    low = found[found["turn"] == "trough"].iloc[0]
    assert (low["peak_year"], low["height"]) == (2010, 500)


def test_a_plateau_is_reported_by_its_middle_and_its_years() -> None:
    values = np.minimum(crest(2030, height=800.0, sd=6.0), 1600.0)
    (wave,) = inner(find_waves(series(values))).itertuples()
    plateau = [year for year, value in zip(YEARS, values, strict=True) if value == 1600.0]
    assert (wave.peak_year_low, wave.peak_year_high) == (plateau[0], plateau[-1])
    assert wave.peak_year == 2030


def test_two_crests_and_the_trough_between_them() -> None:
    found = find_waves(series(crest(2018, sd=3) + crest(2038, 300, sd=3) - 1000))
    assert inner(found)["peak_year"].tolist() == [2018, 2038]
    (trough,) = inner(found, "trough").itertuples()
    assert 2026 <= trough.peak_year <= 2031
    assert trough.height == pytest.approx(1000, rel=0.01)


def test_a_trough_alone() -> None:
    found = find_waves(series(2500 - crest(2030)))
    assert inner(found).empty
    (trough,) = inner(found, "trough").itertuples()
    assert (trough.peak_year, trough.height) == (2030, pytest.approx(1000))


def test_a_ripple_below_five_per_cent_or_within_the_noise_is_no_crest() -> None:
    assert inner(find_waves(series(crest(2030, height=45.0)))).empty
    assert len(inner(find_waves(series(crest(2030, height=60.0))))) == 1
    noisy = 1000 + np.tile([-40.0, 40.0], 8)[:15]
    history = series(noisy, range(1995, 2010))
    assert inner(find_waves(series(crest(2030, height=120.0)), history)).empty


@pytest.mark.parametrize("fall", [0.4, 0.55, 0.7])
def test_a_steep_forecast_does_not_bend_the_counted_years_away(fall: float) -> None:
    """Pupils that rose unevenly until they were counted last, and lose up to 70 % in ten years. What is said of the
    counted years lies near what was counted, wherever the forecast goes."""
    counted = np.array([280.0, 288, 293, 299, 303, 306, 308, 314, 325, 335, 346, 337, 346, 368, 367, 363])
    ahead = counted[-1] * (1 - fall / (1 + np.exp(-(np.arange(25) - 5) / 1.5)))
    history, demand = series(counted, range(2010, 2026)), series(ahead, range(2026, 2051))
    found = find_waves(demand, history)
    early = found[found["peak_year"] < 2026]
    assert early["height"].max() < 1.05 * counted.max()
    assert early["height"].min() > 0.95 * counted.min()
    (wave,) = inner(found).itertuples()
    assert 2022 <= wave.peak_year <= 2026


def test_history_before_the_series_turns_an_edge_into_a_crest() -> None:
    falling = np.linspace(2000, 800, 41)
    alone = find_waves(series(falling))
    assert alone.loc[alone["turn"] == "crest", "at_edge"].tolist() == [True]
    history = series(np.linspace(1200, 1970, 15), range(1995, 2010))
    (wave,) = inner(find_waves(series(falling), history)).itertuples()
    assert wave.peak_year == 2010


def test_stages_follow_each_other_by_their_lags() -> None:
    peaks = {"kindergarten": 2018, "primary_school": 2023, "junior_school": 2028, "senior_school": 2031}
    demand = xr.concat(
        [series(crest(peak)) for peak in peaks.values()], dim=pd.Index(list(peaks), name="service")
    ).transpose("county", "year", "service")
    found = inner(find_waves(demand, window=12)).set_index("service")
    assert np.isnan(found.loc["kindergarten", "lag_years"])
    assert found.loc[["primary_school", "junior_school", "senior_school"], "lag_years"].tolist() == [5, 5, 3]
    assert found["transient_share"].between(0.2, 0.4).all()  # of 1,500 at most 1,000 and the flanks last twelve years


def test_shipped_services_have_their_own_break_even_years() -> None:
    """Without a window a school is asked by the costs of its model; of an unknown service nothing is said."""
    path = crest(2030, sd=2)
    named = series(path).expand_dims({"service": ["primary_school", "ferry"]}).transpose("county", "year", "service")
    shares = inner(find_waves(named)).set_index("service")["transient_share"]
    (own,) = inner(find_waves(series(path), window=windows_of(read_models())["primary_school"])).itertuples()
    assert shares["primary_school"] == own.transient_share > 0
    assert np.isnan(shares["ferry"])


def test_the_transient_share_is_what_the_break_even_years_do_not_need() -> None:
    path = crest(2030, sd=2)
    for years, lasts in ((1, 1500.0), (5, path[2032 - 2010]), (41, 1000.0)):
        (wave,) = inner(find_waves(series(path), window=years)).itertuples()
        assert wave.transient_share == pytest.approx(1 - lasts / 1500, abs=1e-9)
    (trough,) = inner(find_waves(series(2500 - path), window=5), "trough").itertuples()
    assert trough.transient_share == pytest.approx(1 - 1000 / (2500 - path[2032 - 2010]))


def test_a_turn_long_after_the_stage_before_is_another_wave() -> None:
    peaks = {"kindergarten": 2018, "primary_school": 2030}
    paths = [series(crest(peak)) for peak in peaks.values()]
    demand = xr.concat(paths, dim=pd.Index(list(peaks), name="service"))
    assert inner(find_waves(demand))["lag_years"].isna().all()


def test_over_trajectories_the_median_the_range_and_the_share_that_have_it() -> None:
    peaks = [2028, 2029, 2029, 2030, 2030, 2030, 2031, 2031, 2032]
    paths = [series(crest(peak)) for peak in peaks] + [series(np.full(41, 1000.0))]
    (wave,) = inner(find_waves(xr.concat(paths, dim="trajectory"))).itertuples()
    assert wave.peak_year == 2030
    assert (wave.peak_year_low, wave.peak_year_high) == (2029, 2031)
    assert wave.probability == pytest.approx(0.9)


def test_unknown_years_at_the_ends_are_left_out_and_in_between_refused() -> None:
    values = crest(2030)
    values[:5] = np.nan
    assert inner(find_waves(series(values)))["peak_year"].tolist() == [2030]
    assert find_waves(series(np.full(41, np.nan))).empty
    values[20] = np.nan
    with pytest.raises(InputRefused, match="2030"):
        find_waves(series(values))
    with pytest.raises(InputRefused, match="2029"):
        find_waves(series(crest(2020)).drop_sel(year=2030))


@given(st.integers(2018, 2042), st.floats(2, 5), st.floats(0.3, 2.0), st.floats(1, 1e6))
def test_scale_does_not_matter(peak: int, sd: float, height: float, scale: float) -> None:
    found = inner(find_waves(series(scale * crest(peak, height * 1000, sd))))
    assert found["peak_year"].tolist() == [peak]
