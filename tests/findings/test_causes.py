"""Causes of a change of need: parts that add up, nothing from what stays the same, and cases worked out by hand."""

from __future__ import annotations

from itertools import permutations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.basics.areas import Areas
from forecast.basics.dims import FROM_PLACE, SERVICE, TO_PLACE, YEAR
from forecast.findings.causes import CAUSES, SPAN_COLUMNS, Why, periods, shapley
from forecast.findings.crests import Crest

COUNTIES, YEARS, AGES = ["a", "b"], list(range(2020, 2036)), list(range(101))
AREAS = Areas("whole", {"whole": COUNTIES})


def quantity(path: dict[int, float]) -> Any:
    return SimpleNamespace(at=lambda years: np.interp(years, list(path), list(path.values())))


def model(**parameters: dict[int, float]) -> Any:
    return SimpleNamespace(parameters={name: quantity(path) for name, path in parameters.items()})


def lived(seed: int, moved: float = 0.0, infants: float | None = None) -> xr.Dataset:
    """People who die and move at random; with `infants` as many are aged 0 every year."""
    rng = np.random.default_rng(seed)
    people = np.empty((2, len(YEARS), 101))
    died = np.zeros_like(people)
    people[:, 0] = rng.uniform(500, 1500, (2, 101))
    people[:, 0, 0] = people[:, 0, 0] if infants is None else infants
    for year in range(1, len(YEARS)):
        before = people[:, year - 1]
        entering = np.concatenate([np.zeros((2, 1)), before[:, :-1]], axis=1)
        entering[:, -1] += before[:, -1]
        died[:, year] = entering * rng.uniform(0, 0.02, (2, 101))
        people[:, year] = entering - died[:, year] + moved * rng.normal(0, 50, (2, 101))
        people[:, year, 0] = rng.uniform(300, 1200, 2) if infants is None else infants
    died[:, 0] = np.nan
    coords = {"county": COUNTIES, "year": YEARS, "age": AGES}
    dims = ("county", "year", "age")
    return xr.Dataset({"population": (dims, people), "deaths": (dims, died)}, coords)


def weights(per_person: np.ndarray) -> xr.Dataset:
    """per_person: broadcast to (county, year, age)."""
    values = np.broadcast_to(per_person, (2, len(YEARS), 101))[:, :, None]
    coords = {"county": COUNTIES, "year": YEARS, "service": ["care"], "age": AGES}
    return xr.Dataset({"demand": (("county", "year", "service", "age"), values)}, coords)


def spans(*years: tuple[int, int]) -> pd.DataFrame:
    rows = [(place, "care", *span) for place in [*COUNTIES, "whole"] for span in years]
    return pd.DataFrame(rows, columns=list(SPAN_COLUMNS))


def why(people: xr.Dataset, per_person: np.ndarray, flows: xr.DataArray | None = None, **parameters: Any) -> Why:
    return Why(people, weights(per_person), flows, {"care": model(**parameters)}, AREAS)


SCHOOL = np.where((np.arange(101) >= 6) & (np.arange(101) <= 11), 1.0, 0.0)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(2020, 2030), st.integers(1, 5))
def test_parts_add_up_and_areas_are_sums(seed: int, first: int, length: int) -> None:
    rng = np.random.default_rng(seed)
    people, own = lived(seed, moved=1.0), rng.uniform(0, 0.3, (2, len(YEARS), 101))
    share = rng.dirichlet([3.0, 1.0], (2, len(YEARS)))
    coords = {SERVICE: ["care"], FROM_PLACE: COUNTIES, YEAR: YEARS, TO_PLACE: COUNTIES}
    flows = xr.DataArray(share[None], coords, tuple(coords))
    stay, full = {2020: 9.0, 2035: 7.0}, {2020: 0.8, 2035: 0.9}
    reckoned = own * np.interp(YEARS, *zip(*stay.items(), strict=True))[:, None]
    reckoned = reckoned / np.interp(YEARS, *zip(*full.items(), strict=True))[:, None]
    found = why(people, reckoned, flows, length_of_stay=stay, occupancy=full).causes(spans((first, first + length)))
    parts = found[list(CAUSES)]
    size = float(found["before"].abs().max())
    assert parts.sum(axis=1).to_numpy() == pytest.approx((found["after"] - found["before"]).to_numpy(), abs=1e-9 * size)
    by_place = found.set_index("county")[["before", "after", *CAUSES]]
    assert by_place.loc["whole"].to_numpy() == pytest.approx(by_place.loc[COUNTIES].sum().to_numpy(), abs=1e-9 * size)
    living = np.einsum("cya,cya->yc", people.population.to_numpy(), reckoned)
    at = YEARS.index(first)
    assert by_place.loc[COUNTIES, "before"].to_numpy() == pytest.approx(living[at] @ share[:, at])


def test_what_stays_is_no_cause() -> None:
    """Nobody moves, as many infants every year, the same use: only growing older is left."""
    found = why(lived(1, infants=800.0), SCHOOL, occupancy={2020: 0.85}).causes(spans((2021, 2026), (2020, 2035)))
    assert (found[["births", "participation", "stay", "standards", "flows"]] == 0).all(axis=None)
    assert found["migration"].to_numpy() == pytest.approx(0, abs=1e-9)
    assert (found["ageing"] != 0).all()


def test_births_since_do_not_reach_a_school_before_their_age() -> None:
    found = why(lived(2), SCHOOL).causes(spans((2022, 2027)))
    assert (found["births"] == 0).all()
    later = why(lived(2), SCHOOL).causes(spans((2022, 2030)))
    assert (later["births"] != 0).all()


def test_each_factor_gets_what_it_alone_does() -> None:
    """Nothing moves but one thing: stay from 10 to 8 days, occupancy from 0.8 to 0.9, or use by a tenth."""
    still = lived(3, infants=700.0)
    still = still.map(lambda values: values.isel(year=0).expand_dims(year=YEARS).transpose(*values.dims))
    still["population"] = still.population * 0 + 700.0  # as many of every age every year
    still["deaths"] = still.deaths.fillna(0.0) * 0
    days = np.interp(YEARS, [2020, 2035], [10.0, 8.0])[:, None]
    span = spans((2020, 2035))
    by_stay = why(still, 0.1 * days, length_of_stay={2020: 10.0, 2035: 8.0}).causes(span)
    assert by_stay.query("county == 'a'")["stay"].item() == pytest.approx(-0.1 * 2 * 700 * 101)
    assert (by_stay[["participation", "standards"]] == 0).all(axis=None)
    full = np.interp(YEARS, [2020, 2035], [0.8, 0.9])[:, None]
    by_standard = why(still, 0.1 / full, occupancy={2020: 0.8, 2035: 0.9}).causes(span)
    assert by_standard.query("county == 'b'")["standards"].item() == pytest.approx(70 * 101 * (1 / 0.9 - 1 / 0.8))
    use = np.interp(YEARS, [2020, 2035], [0.10, 0.11])[:, None]
    by_use = why(still, use).causes(span)
    assert by_use.query("county == 'whole'")["participation"].item() == pytest.approx(0.01 * 1400 * 101)
    assert (by_use["stay"] == 0).all()


def test_years_before_the_last_count_have_the_deaths_of_the_first_year_that_has_some() -> None:
    people = lived(4, moved=1.0)
    people["deaths"] = people.deaths.where(people.year > 2024)
    found = why(people, SCHOOL).causes(spans((2021, 2030)))
    assert np.isfinite(found[list(CAUSES)]).all(axis=None)
    assert found[list(CAUSES)].sum(axis=1).to_numpy() == pytest.approx((found["after"] - found["before"]).to_numpy())


@settings(max_examples=25)
@given(st.lists(st.floats(0.5, 2.0), min_size=1, max_size=4))
def test_shapley_is_the_mean_over_all_orders(factors: list[float]) -> None:
    names = [f"f{k}" for k in range(len(factors))]
    size = dict(zip(names, factors, strict=True))

    def value(taken: frozenset[str]) -> np.ndarray:
        return np.asarray(100.0 * np.prod([size[name] for name in taken]))

    found = shapley(value, names)
    orders = list(permutations(names))
    for name in names:
        steps = []
        for order in orders:
            before = frozenset(order[: order.index(name)])
            steps.append(float(value(before | {name}) - value(before)))
        assert float(found[name]) == pytest.approx(np.mean(steps), abs=1e-9)


def test_periods_begin_at_the_crest_and_at_the_decision_and_end_before_the_horizon() -> None:
    need = xr.DataArray(
        [[[5.0], [9.0], [8.0], [3.0], [4.0], [4.0], [4.0]]],
        {"county": ["a"], "year": range(2020, 2027), "service": ["care"]},
        ("county", "year", "service"),
    )
    found = periods(need, {("a", "care"): Crest(2021, 2021, 2021, 9.0, 1.0)}, 2021)
    assert found.to_dict("records") == [
        {"county": "a", "service": "care", "first": 2021, "last": 2023, "period": "crest"},
        {"county": "a", "service": "care", "first": 2021, "last": 2026, "period": "5"},
    ]
    assert periods(need, {}, 2023).empty
