"""Levels of quantiles: what is told is kept."""

from __future__ import annotations

import pytest

from forecast.basics.quantiles import BANDS, ENDS, HIGH, KEPT, LOW, MEDIAN, MIDDLE_AND_ENDS


def test_a_band_holds_as_many_per_cent_as_it_says() -> None:
    for per_cent, (low, high) in BANDS.items():
        assert 100 * (high - low) == pytest.approx(per_cent)
        assert low + high == pytest.approx(1)


def test_the_ends_of_all_bands_and_the_median_are_kept() -> None:
    assert list(ENDS) == sorted(end for ends in BANDS.values() for end in ends)
    assert sorted({*ENDS, MEDIAN}) == list(MIDDLE_AND_ENDS)
    assert set(MIDDLE_AND_ENDS) <= set(KEPT)
    assert sorted(KEPT) == list(KEPT)
    assert BANDS[80] == (LOW, HIGH)
