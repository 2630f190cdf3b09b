"""Classes against the definition written out slowly, planted classes, and what is never taken for balanced."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import InputRefused
from forecast.waves import CATEGORIES, classify_waves, synchrony
from forecast.waves.classes import CREST_THEN_SURPLUS, SHIFTS
from studies import planted

YEARS = range(2024, 2038)


def series(*paths: list[float] | np.ndarray, first: int = YEARS[0]) -> xr.DataArray:
    return planted.labelled(np.array(paths, dtype=float), first)


QUIET = series([100.0] * 10, first=YEARS[0] - 10)  # after a history without noise sharp steps are no noise either


def opened_slowly(path: list[float], window: int) -> list[float]:
    window = min(window, len(path))
    runs = [range(start, start + window) for start in range(len(path) - window + 1)]
    return [max(min(path[t] for t in run) for run in runs if year in run) for year in range(len(path))]


def class_slowly(path: list[float], supply: float, window: int) -> str:
    """The rules of the classes one by one, for a supply that stays; both readings of what comes after the last year."""
    readings = set()
    for beyond in (0, window):
        long = [*path, *[path[-1]] * beyond]
        tol = 0.05 * supply
        lasting = max(opened_slowly(long, window)[: len(path)])
        closing = [-x for x in opened_slowly([-x for x in long], window)]
        crests = [t for t, need in enumerate(path) if need - max(supply, lasting) > tol]
        empty = [t for t in range(len(long)) if supply - max(long[t:]) > tol]
        surplus = len(empty) >= window
        if crests and surplus and min(empty) > crests[0] and min(empty) < len(path):
            readings.add("crest_then_surplus")
        elif lasting - supply > tol:
            readings.add("structural_shortage")
        elif crests:
            readings.add("transient_crest")
        elif surplus and min(empty) < len(path):
            readings.add("structural_surplus")
        elif any(min(supply, closing[t]) - path[t] > tol for t in range(len(path))):
            readings.add("transient_trough")
        else:
            readings.add("balanced")
    return readings.pop() if len(readings) == 1 else "undetermined"


@given(st.lists(st.sampled_from([80, 90, 97, 100, 103, 110, 125]), min_size=7, max_size=7), st.integers(1, 12))
def test_the_class_is_that_of_the_definition(blocks: list[float], window: int) -> None:
    path = [value for value in blocks for _ in range(2)]
    # eight trajectories of one path: they are judged as they are, where a single one would be smoothed
    demand = series(path).expand_dims(trajectory=8)
    classes = classify_waves(demand, series([100.0] * 14), window)
    for shift in SHIFTS:
        assert classes.likeliest.sel(county="0", shift=shift) == class_slowly(path, 100.0, max(window + shift, 1))
    assert classes.class_probability.sel(county="0", category=class_slowly(path, 100.0, window)) == 1


@pytest.mark.parametrize(("noise", "bar"), [(0.0, 0.98), (0.01, 0.95), (0.02, 0.9)])
def test_planted_classes_are_found(noise: float, bar: float) -> None:
    found = planted.class_hits(noise, 25)
    assert set(found) == set(CATEGORIES)
    assert np.mean(list(found.values())) >= bar
    assert min(found.values()) >= bar - 0.1


def test_a_flip_within_two_years_of_the_break_even_years_is_seen() -> None:
    path = [100.0] * 4 + [130.0] * 5 + [100.0] * 5
    likeliest = classify_waves(series(path), series([100.0] * 14), 5, QUIET).likeliest.sel(county="0")
    assert likeliest.values.tolist() == ["structural_shortage", "structural_shortage", "transient_crest"]


def test_planned_places_turn_a_lasting_shortage_into_a_transient_one() -> None:
    need = series([130.0] * 14)
    stands, planned = series([100.0] * 14), series([100.0] * 3 + [130.0] * 11)
    assert classify_waves(need, stands, 5).likeliest.sel(county="0", shift=0) == "structural_shortage"
    assert classify_waves(need, planned, 5).likeliest.sel(county="0", shift=0) == "transient_crest"


def test_years_of_demand_beyond_supply_end_the_doubt() -> None:
    path = [100.0] * 11 + [130.0] * 3
    supply = series([100.0] * 14)
    assert classify_waves(series(path), supply, 5, QUIET).likeliest.sel(county="0", shift=0) == "undetermined"
    falls = classify_waves(series([*path, *[100.0] * 5]), supply, 5, QUIET)
    stays = classify_waves(series([*path, *[130.0] * 5]), supply, 5, QUIET)
    assert falls.likeliest.sel(county="0", shift=0) == "transient_crest"
    assert stays.likeliest.sel(county="0", shift=0) == "structural_shortage"
    assert falls.year.values.tolist() == list(YEARS)


def test_over_trajectories_the_shares_and_when_it_begins() -> None:
    flat, crest = [100.0] * 14, [100.0] * 5 + [130.0] * 2 + [100.0] * 7
    demand = xr.concat([series(flat)] * 3 + [series(crest)] * 7, dim="trajectory")
    classes = classify_waves(demand, series([100.0] * 14), 5).sel(county="0")
    assert classes.class_probability.sel(category="transient_crest") == pytest.approx(0.7)
    assert classes.class_probability.sel(category="balanced") == pytest.approx(0.3)
    assert classes.class_probability.sum() == pytest.approx(1)
    begun = classes.begun.sel(category="transient_crest")
    assert begun.sel(year=2028) == 0
    assert begun.sel(year=2029) == pytest.approx(0.7)
    assert (classes.begun.sel(category="balanced") == 0).all()
    np.testing.assert_array_equal(classes.crest, [0.0] * 5 + [30.0] * 2 + [0.0] * 7)
    np.testing.assert_array_equal(classes.lasting, [100.0] * 14)


def test_a_small_place_is_judged_by_the_module() -> None:
    demand, supply = series([60.0] * 14), series([50.0] * 14)
    assert classify_waves(demand, supply, 5).likeliest.sel(county="0", shift=0) == "structural_shortage"
    assert classify_waves(demand, supply, 5, module=45.0).likeliest.sel(county="0", shift=0) == "balanced"


def test_what_is_not_known_has_no_class() -> None:
    demand, supply = series([60.0] * 14, [60.0] * 14), series([50.0] * 14, [50.0] * 14)
    unknown = supply.where((supply.county != "0") | (supply.year != 2030))
    classes = classify_waves(demand, unknown, 5)
    assert classes.class_probability.sel(county="0").isnull().all()
    assert classes.likeliest.sel(county="0", shift=0) == ""
    assert classes.class_probability.sel(county="1").sum() == 1
    assert synchrony(classes).sel(category="structural_shortage") == 1
    with pytest.raises(InputRefused, match="2037"):
        classify_waves(demand.sel(year=slice(None, 2036)), supply, 5)


def test_synchrony_is_the_share_of_counties() -> None:
    demand = series([130.0] * 14, [130.0] * 14, [100.0] * 14, [60.0] * 14)
    shares = synchrony(classify_waves(demand, xr.full_like(demand, 100.0), 5))
    assert shares.sel(category="structural_shortage") == 0.5
    assert shares.sel(category="structural_surplus") == 0.25
    assert shares.sum() == 1
    assert CATEGORIES[CREST_THEN_SURPLUS] == "crest_then_surplus"
