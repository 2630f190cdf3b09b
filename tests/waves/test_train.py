"""The train of crests through the stages, planted and found again."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.basics.school_date import SEPTEMBER
from forecast.waves import find_trains, find_waves, implied_by_births, implied_by_people
from forecast.waves.train import TRAIN_COLUMNS

AGES = {"kindergarten": (3, 5), "primary_school": (6, 11), "junior_school": (12, 14), "senior_school": (15, 17)}
MONTHS = dict.fromkeys(AGES, SEPTEMBER)


def births(peak: float, sd: float = 3.0, first: int = 1985, last: int = 2045) -> xr.DataArray:
    years = np.arange(first, last + 1)
    path = 1000 * (1 + 0.6 * np.exp(-((years - peak) ** 2) / 2 / sd**2))
    return xr.DataArray(path[None], dims=("county", "year"), coords={"county": ["1"], "year": years})


def test_constant_births_are_as_many_at_every_age() -> None:
    found = implied_by_births(xr.full_like(births(2010), 900.0), AGES, MONTHS)
    for service, (first, last) in AGES.items():
        known = found.sel(service=service).dropna("year")
        np.testing.assert_allclose(known, 900.0 * (last - first + 1))
        assert known.year[0] == 1985 + last + 1  # the oldest were born in the last months of the year before
        assert known.year[-1] == 2045 + first


def test_the_births_of_one_year_pass_from_stage_to_stage() -> None:
    one = births(2010) * 0.0 + (births(2010).year == 2000)
    found = implied_by_births(one, AGES, MONTHS).fillna(0).sel(county="1")
    assert found.sum() == pytest.approx(15)  # fifteen years of school
    assert found.sel(service="primary_school", year=2006) == pytest.approx(2 / 3)
    assert found.sel(service="primary_school", year=2012) == pytest.approx(1 / 3)
    assert found.sel(service="kindergarten", year=2006) == pytest.approx(1 / 3)


@pytest.mark.parametrize("peak", [2000, 2008, 2014])
def test_a_planted_train_is_found_with_its_lags_and_birth_years(peak: int) -> None:
    implied = implied_by_births(births(peak), AGES, MONTHS).sel(year=slice(2003, 2048))
    (train,) = find_trains(implied * 0.93, implied, AGES).itertuples()
    inner = find_waves(implied)
    crests = inner[(inner["turn"] == "crest") & ~inner["at_edge"].astype(bool)]
    by_stage = [crests.loc[crests["service"] == service, "peak_year"].tolist() for service in train.services]
    assert len(train.services) >= 3
    assert list(train.peak_years) == [years[0] for years in by_stage]
    assert train.lags == train.implied_lags == tuple(np.diff(train.peak_years))
    assert train.probability == 1
    assert train.born_first <= peak <= train.born_last
    assert train.born_last - train.born_first <= 4


def test_crests_that_do_not_follow_the_cohorts_are_no_train() -> None:
    implied = implied_by_births(births(2005), AGES, MONTHS).sel(year=slice(2003, 2045))
    shifts = {"kindergarten": 0, "primary_school": 3, "junior_school": -3, "senior_school": 2}
    demand = xr.concat(
        [_shifted(implied, name, by) for name, by in shifts.items()],
        "service",
    )
    assert find_trains(demand, implied, AGES).empty


def _shifted(implied: xr.DataArray, service: str, by: int) -> xr.DataArray:
    own = implied.sel(service=[service])
    return own.copy(data=np.roll(own.to_numpy(), by, axis=own.get_axis_num("year")))


def test_birth_years_stand_in_order_where_no_cohort_is_in_every_stage() -> None:
    ages = {"a": (3, 5), "b": (6, 8), "c": (9, 11)}
    years = range(2000, 2031)
    peaks = {"a": 2012, "b": 2013, "c": 2014}  # one year apart, as no cohort of these ages could be in all three
    paths = [1000 * (1 + np.exp(-((np.array(years) - peak) ** 2) / 8)) for peak in peaks.values()]
    coords = {"service": list(ages), "county": ["1"], "year": years}
    demand = xr.DataArray(np.array(paths)[:, None], dims=("service", "county", "year"), coords=coords)
    (train,) = find_trains(demand, demand, ages).itertuples()
    assert train.born_first <= train.born_last


def test_the_share_of_trajectories_that_have_the_train() -> None:
    rng = np.random.default_rng(0)
    cohorts = xr.concat([births(2008 + float(x)) for x in rng.normal(0, 1, 20)], "trajectory")
    implied = implied_by_births(cohorts, AGES, MONTHS).sel(year=slice(2005, 2045))
    flat = implied.isel(trajectory=slice(0, 5)) * 0 + 3000.0
    demand = xr.concat([implied.isel(trajectory=slice(0, 15)), flat], "trajectory")
    (train,) = find_trains(demand, implied, AGES).itertuples()
    assert train.probability == 0.75
    assert train.peak_ranges[0][0] <= train.peak_years[0] <= train.peak_ranges[0][1]
    assert find_trains(flat, implied, AGES).columns.tolist() == list(TRAIN_COLUMNS)
    assert find_trains(flat, implied, AGES).empty


def test_the_ageing_wave_is_a_train_as_well() -> None:
    """A baby boom of sd 4 years is seen in those of 60-74, then 75-84 and 85 and over, less those who died."""
    ages, years = np.arange(101), np.arange(2010, 2061)
    born = years[:, None] - ages - 0.5
    alive = np.clip(1.2 - ages / 90, 0, 1) * (ages < 100)
    people = 1000 * (1 + 1.5 * np.exp(-((born - 1963) ** 2) / 2 / 4.0**2)) * alive
    population = xr.DataArray(
        people[None], dims=("county", "year", "age"), coords={"county": ["1"], "year": years, "age": ages}
    )
    groups = {"60-69": (60, 69), "70-79": (70, 79), "80+": (80, 100)}
    implied = implied_by_people(population, groups)
    (train,) = find_trains(implied * 0.05, implied, groups).itertuples()
    assert train.services == tuple(groups)
    assert all(8 <= lag <= 11 for lag in train.lags) or train.lags == train.implied_lags
    assert train.born_first <= 1963 <= train.born_last
