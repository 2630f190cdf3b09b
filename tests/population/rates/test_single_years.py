"""Single years and ages from five-year tables: groups are given back, planted curves are recovered, faults are named."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.population import life_table
from forecast.population.rates.single_years import (
    between_periods,
    mid_year,
    rates_from_five_year_tables,
    scale_to_e0,
    single_age_mortality,
    single_age_shares,
)

STARTS = np.array([0, 1, *range(5, 101, 5)])
MOTHERS = np.arange(15, 50, 5)
SEXES = ["female", "male"]


def makeham(level: float = 1.0, open_age: int = 100) -> xr.DataArray:
    """Death rates by single age that grow by a tenth a year from 30 on, with infants and children before; the open
    age has the mean rate of those who live on under the same law."""
    age = np.arange(131)
    rate = level * (0.0004 + 0.00003 * np.exp(0.1 * np.minimum(age, 105)) + 0.02 * np.exp(-1.5 * age))
    every = xr.DataArray(np.stack([rate, 1.4 * rate]), dims=("sex", "age"), coords={"sex": SEXES, "age": age})
    open_rate = in_groups(every, np.array([0, open_age])).isel(age=-1)
    closed = every.sel(age=slice(0, open_age))
    return xr.where(closed.age == open_age, open_rate, closed).transpose("sex", "age")


def in_groups(mx: xr.DataArray, starts: np.ndarray = STARTS) -> xr.DataArray:
    """Rates of age groups as abridged life tables publish them: deaths over person-years of the stationary people."""
    table = life_table(mx)
    deaths, lived = (np.add.reduceat(table[name].values, starts, axis=-1) for name in ("dx", "Lx"))
    return xr.DataArray(deaths / lived, dims=mx.dims, coords={"sex": mx.sex, "age": starts})


def test_planted_death_rates_are_recovered_from_their_groups() -> None:
    truth = makeham()
    found = single_age_mortality(in_groups(truth))
    ratio = found / truth
    assert abs(ratio.sel(age=slice(11, 97)) - 1).max() < 0.01
    assert abs(ratio.sel(age=slice(98, 99)) - 1).max() < 0.06  # beside the open group, whose rate is a mean
    assert abs(ratio.sel(age=0) - 1).max() < 1e-9
    assert abs(life_table(found).ex.sel(age=0) - life_table(truth).ex.sel(age=0)).max() < 3e-3


@settings(max_examples=20)
@given(st.lists(st.floats(1e-5, 0.6), min_size=STARTS.size, max_size=STARTS.size))
def test_groups_are_given_back_whatever_their_rates(rates: list[float]) -> None:
    groups = xr.DataArray(np.sort(rates), dims="age", coords={"age": STARTS, "sex": "male"})
    single = single_age_mortality(groups)
    assert (single > 0).all()
    back = in_groups(single.expand_dims(sex=["male"]))
    np.testing.assert_allclose(back.values[0], groups.values, rtol=1e-9)


def test_a_group_in_which_nobody_dies_and_small_integers_as_ages() -> None:
    groups = in_groups(makeham()).isel(sex=0)
    groups.loc[{"age": 10}] = 0.0
    groups = groups.assign_coords(age=groups.age.astype("int8"))  # as compact files hold them
    single = single_age_mortality(groups)
    assert single.sel(age=slice(10, 14)).max() < 1e-6
    assert single.sizes["age"] == 101


def test_another_open_age() -> None:
    starts = STARTS[STARTS <= 85]
    single = single_age_mortality(in_groups(makeham(open_age=85), starts))
    assert single.age.values.tolist() == list(range(86))


def test_planted_gompertz_fertility_is_recovered() -> None:
    bounds = np.arange(10, 51)
    cumulated = np.exp(-np.exp(-(bounds - 27.0) / 4.0))
    by_age = np.diff(cumulated)
    groups = np.array([by_age[:10].sum(), *by_age[10:].reshape(-1, 5).sum(axis=1)])
    found = single_age_shares(xr.DataArray(groups, dims="age", coords={"age": MOTHERS}), 100)
    np.testing.assert_allclose(found.sel(age=slice(10, 49)), by_age / by_age.sum(), atol=3e-4)
    np.testing.assert_allclose(found.sel(age=slice(18, 34)), by_age[8:25] / by_age.sum(), rtol=5e-3)


@given(st.lists(st.floats(0, 1), min_size=MOTHERS.size, max_size=MOTHERS.size).filter(lambda x: sum(x) > 1e-3))
def test_shares_of_age_groups_of_mothers_are_kept(groups: list[float]) -> None:
    shares = single_age_shares(xr.DataArray(groups, dims="age", coords={"age": MOTHERS}), 100)
    assert (shares >= 0).all()
    assert shares.sel(age=slice(50, None)).sum() == shares.sel(age=slice(0, 9)).sum() == 0
    kept = [float(shares.sel(age=slice(first if first > 15 else 10, first + 4)).sum()) for first in MOTHERS]
    np.testing.assert_allclose(kept, np.array(groups) / sum(groups), atol=1e-9)


def test_years_lie_between_the_middles_of_their_periods() -> None:
    rates = xr.DataArray([1.0, 3.0], dims="period", coords={"period": [2023.0, 2028.0]})
    years = xr.DataArray([2020, 2023, 2025, 2030], dims="year", coords={"year": [2020, 2023, 2025, 2030]})
    found = between_periods(rates, years)
    np.testing.assert_allclose(found, [1.0, 1.2, 2.0, 3.0])  # 2023 is at 2023.5
    assert between_periods(rates.isel(period=[0]), years).values.tolist() == [1.0] * 4


def test_the_factor_gives_the_life_expectancy() -> None:
    e0 = xr.DataArray([[80.0, 75.0], [88.0, 60.0]], dims=("year", "sex"), coords={"year": [2024, 2025], "sex": SEXES})
    scaled = scale_to_e0(makeham() * xr.ones_like(e0.year, dtype=float), e0)
    np.testing.assert_allclose(life_table(scaled).ex.sel(age=0), e0, atol=1e-8)
    factor = scaled / makeham()
    np.testing.assert_allclose(factor.max("age"), factor.min("age"), rtol=1e-12)
    with pytest.raises(ValueError, match=r"e0 of 1 schedules|mx is so high"):
        scale_to_e0(makeham().isel(sex=[0]), xr.DataArray([-3.0], dims="sex", coords={"sex": ["female"]}))


def test_rates_of_calendar_years_meet_what_is_published_by_year() -> None:
    mx5 = xr.concat(
        [in_groups(makeham(x)) for x in (1.0, 0.8)], xr.DataArray([2023.0, 2028.0], dims="period", name="period")
    )
    asfr5 = xr.DataArray(
        [[5, 20, 30, 25, 15, 4, 1], [4, 18, 30, 27, 16, 4, 1]],
        dims=("period", "age"),
        coords={"period": [2023.0, 2028.0], "age": MOTHERS},
    )
    years = np.arange(2023, 2028)
    annual = xr.Dataset(
        {
            "e0": (("year", "sex"), np.linspace([80, 76], [81, 77], 5)),
            "tfr": ("year", np.linspace(1.5, 1.6, 5)),
            "srb": ("year", np.full(5, 1.06)),
        },
        coords={"year": years, "sex": SEXES},
    )
    found = rates_from_five_year_tables(mx5, asfr5, annual)
    np.testing.assert_allclose(life_table(found.mx).ex.sel(age=0), annual.e0, atol=1e-8)
    np.testing.assert_allclose(found.asfr.sum("age"), annual.tfr, rtol=1e-12)
    assert found.mx.dims == ("year", "sex", "age")
    assert {variable.attrs["kind"] for variable in found.values()} == {"rate"}
    steps = mid_year(found.asfr)
    assert steps.year.values.tolist() == years[1:].tolist()
    np.testing.assert_allclose(steps.sum("age"), (annual.tfr.values[1:] + annual.tfr.values[:-1]) / 2)


@pytest.mark.parametrize(("value", "count"), [(np.nan, 1), (-0.1, 1)])
def test_bad_rates_are_refused(value: float, count: int) -> None:
    groups = in_groups(makeham())
    groups[0, 3] = value
    with pytest.raises(ValueError, match=f"{count} cells"):
        single_age_mortality(groups)
    with pytest.raises(ValueError, match="without any births"):
        single_age_shares(xr.DataArray(np.zeros(7), dims="age", coords={"age": MOTHERS}), 100)
