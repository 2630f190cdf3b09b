"""School rolls: entrants from births, progression in both forms, smoothing that is chosen, backtests on real rolls."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast import cli
from forecast.backtest.school_rolls import (
    FORECAST,
    backtest_region_rolls,
    backtest_rolls,
    births_turn,
    coverage,
    entered_from_outside,
    region_births,
    roll_intervals,
    score_rolls,
)
from forecast.basics.school_date import SEPTEMBER, entry_cohorts, stage_cohort
from forecast.demand.schools.entrants import (
    bought_places,
    eligible_share,
    entrants,
    participation_with_access,
    where_children_are,
)
from forecast.demand.schools.progression import (
    cohort_ratios,
    progress,
    progress_with_repeaters,
    progression_ratios,
    ratios_of,
    retention,
    school_effects,
)
from forecast.demand.schools.ratio_smoothing import (
    ALPHAS,
    SMOOTHERS,
    carry,
    choose_smoothing,
    damped_trend,
    exponential,
    faded,
    fit_alpha,
    own_weight,
    shrinkage_constant,
)
from forecast.demand.schools.rolls import forecast_rolls
from forecast.demand.schools.stages import (
    by_stage,
    damped_rate_path,
    gross_rate,
    net_rate,
    rate_path,
    senior_intake,
    stage_systems,
    standing_pupils,
)
from forecast.errors import InputRefused
from forecast.region import read_region


def series(values: list[float], start: int = 2010) -> xr.DataArray:
    return xr.DataArray(values, {"year": np.arange(start, start + len(values))}, ("year",))


def made_up(counties: int = 3, years: int = 10, grades: int = 6, seed: int = 1) -> xr.DataArray:
    """Rolls that look like rolls: cohorts of some hundreds that shrink and grow a little from grade to grade."""
    rng = np.random.default_rng(seed)
    cohorts = rng.uniform(100, 900, (counties, 1)) * rng.uniform(0.8, 1.2, (counties, years + grades))
    rolls = np.empty((counties, years, grades))
    for year in range(years):
        for grade in range(grades):
            moved = rng.normal(1, 0.02, counties)
            below = cohorts[:, year] if grade == 0 or year == 0 else rolls[:, year - 1, grade - 1]
            rolls[:, year, grade] = np.maximum(below * moved, 5)
    coords = {
        "county": [f"c{i}" for i in range(counties)],
        "year": 2010 + np.arange(years),
        "grade": range(1, grades + 1),
    }
    return xr.DataArray(rolls, coords, ("county", "year", "grade"))


# Entrants.


@given(st.floats(1, 1e6), st.integers(1, 12), st.integers(0, 8))
def test_constant_births_give_constant_entrants(births: float, cutoff: int, age: int) -> None:
    cohort = entry_cohorts(series([births] * 12), age, cutoff)
    assert cohort.values == pytest.approx(births)
    assert cohort.year.values[0] == 2011 + age


def test_entry_ages_split_a_cohort_without_losing_a_child() -> None:
    """Whoever does not enter at 6 enters at 7: over the years every child of a cohort enters once."""
    children = xr.DataArray(
        [[300.0, 0.0], [500.0, 300.0], [0.0, 500.0]], {"year": [2020, 2021, 2022], "age": [6, 7]}, ("year", "age")
    )
    new = entrants(children, {6: 0.9, 7: 0.1})
    assert new.values.tolist() == pytest.approx([270, 480, 50])
    assert float(new.sum()) == pytest.approx(800)
    with pytest.raises(InputRefused, match="E442"):
        entrants(children, {6: 0.9, 7: 0.2})
    with pytest.raises(InputRefused, match="E414"):
        entrants(children, {5: 1.0})


def test_cohorts_of_twelve_months_to_the_cutoff_are_not_split() -> None:
    assert entry_cohorts(series([5.0, 7.0]), 5, 13).to_series().to_dict() == {2015: 5.0, 2016: 7.0}


@given(st.lists(st.floats(0, 1e4), min_size=2, max_size=8).filter(lambda x: sum(x) > 1))
def test_asking_for_more_years_never_raises_demand(lived: list[float]) -> None:
    residence = xr.DataArray(lived, {"residence": range(len(lived))}, ("residence",))
    shares = [float(eligible_share(residence, years)) for years in range(len(lived) + 2)]
    assert shares[0] == pytest.approx(1)
    assert shares[-1] == 0
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(shares))
    kappa = [float(participation_with_access(series([100.0]), series([50.0]), 1.0, one)[0]) for one in shares]
    assert kappa == sorted(kappa, reverse=True)


def test_a_cohort_is_counted_once() -> None:
    whole = where_children_are(series([1000.0]), series([930.0]), series([40.0]))
    assert float(whole.to_array().sum()) == 1000
    assert float(whole.out_of_school[0]) == 30
    with pytest.raises(InputRefused, match="E443"):
        where_children_are(series([1000.0]), series([990.0]), series([40.0]))


def test_bought_places_fill_what_is_short_and_no_more() -> None:
    bought = bought_places(series([100.0, 80.0, 130.0]), series([90.0, 90.0, 90.0]), series([20.0, 20.0, 20.0]))
    assert bought.values.tolist() == [10, 0, 20]


# Progression.


def test_both_forms_agree_where_the_cohort_ratios_stay() -> None:
    """s x C with the cohort ratios of the fitting years is the plain ratio, to 1e-12."""
    rolls = made_up()
    rng = np.random.default_rng(2)
    step = xr.DataArray(
        rng.uniform(0.9, 1.1, (3, 6)), {"county": rolls.county, "grade": rolls.grade}, ("county", "grade")
    )
    children = [xr.DataArray(rng.uniform(200, 900, (3, 6)), step.coords, step.dims)]
    for _ in range(15):
        below = children[-1].shift(grade=1)
        children.append((below * step).where(step.grade > 1, children[0]))
    known = xr.concat(children, xr.IndexVariable("year", 2010 + np.arange(16))).transpose("county", "year", "grade")
    fitting = known.sel(year=slice(None, 2019))
    effect = school_effects(rolls, fitting).isel(year=-1, drop=True)
    plain = progression_ratios(rolls).isel(year=-1, drop=True)
    ahead = known.sel(year=slice(2019, None))
    ratios = ratios_of(effect, ahead).sel(year=slice(2020, None))
    new = rolls.isel(grade=[0], year=-1, drop=True).expand_dims(year=ratios.year).transpose("county", "year", "grade")
    last = rolls.isel(year=-1, drop=True)
    by_effect = progress(last, ratios, new)
    by_ratio = progress(last, plain.expand_dims(year=ratios.year), new)
    xr.testing.assert_allclose(by_effect, by_ratio, rtol=1e-12)
    assert cohort_ratios(ahead).sel(year=2020, grade=2).values == pytest.approx(step.sel(grade=2).values)


def test_a_migration_scenario_moves_the_rolls_once() -> None:
    """One tenth more children of each cohort from one year to the next: one tenth more pupils, not two."""
    rolls = made_up(1)
    rolls[:] = 100.0
    children = xr.full_like(rolls, 200.0)
    effect = school_effects(rolls, children).isel(year=-1, drop=True)
    more = children.isel(year=slice(-1, None))
    more = xr.concat([more, (more * 1.1).assign_coords(year=more.year + 1)], "year")
    ratios = ratios_of(effect, more).isel(year=[1])
    entering = xr.full_like(ratios.isel(grade=[0]), 110.0)
    assert progress(rolls.isel(year=-1, drop=True), ratios, entering).values == pytest.approx(110.0)


def test_trajectories_go_through_side_by_side() -> None:
    rolls = made_up(2)
    ratios = progression_ratios(rolls).isel(year=[-1, -2])
    ratios = xr.concat([ratios, ratios * 1.01], xr.IndexVariable("trajectory", [0, 1]))
    new = rolls.isel(grade=[0], year=[-1, -2]).assign_coords(year=ratios.year)
    both = progress(rolls.isel(year=-1, drop=True), ratios, new)
    assert both.dims == ("trajectory", "county", "year", "grade")
    alone = progress(rolls.isel(year=-1, drop=True), ratios.sel(trajectory=1, drop=True), new)
    xr.testing.assert_allclose(both.sel(trajectory=1, drop=True), alone)


def test_repeaters_stay_and_pupils_are_conserved() -> None:
    last = xr.DataArray([100.0, 80.0], {"grade": [1, 2]}, ("grade",))
    up, stay = (xr.DataArray(x, last.coords, ("grade",)) for x in ([0.9, 0.97], [0.1, 0.03]))
    found = progress_with_repeaters(last, up, stay, series([50.0, 50.0]))
    assert found.isel(year=0).values.tolist() == pytest.approx([60.0, 92.4])  # 50 + 10; 90 + 2.4
    left = 0.97 * 80  # nobody else leaves: all of grade 1 go up or stay
    assert float(found.isel(year=0).sum()) == pytest.approx(180 + 50 - left)
    with pytest.raises(ValueError, match="more than 1"):
        progress_with_repeaters(last, up, stay + 0.1, series([50.0]))


def test_a_missing_school_year_is_an_error_that_names_it() -> None:
    with pytest.raises(InputRefused, match="2013"):
        progression_ratios(made_up().drop_sel(year=2013))
    with pytest.raises(InputRefused, match=r"E457.*: 2, 4"):
        forecast_rolls(made_up().drop_sel(grade=[2, 4]), 1)


def test_retention_of_nine_years_is_an_output() -> None:
    rolls = made_up(1, years=12, grades=9)
    rolls[:] = 100.0
    rolls.loc[{"grade": 9}] = 95.9
    kept = retention(rolls)
    assert kept.year.values.tolist() == [2018, 2019, 2020, 2021]
    assert kept.values == pytest.approx(0.959)


def test_the_open_last_group_keeps_those_who_stay() -> None:
    rolls = xr.DataArray([[50.0, 10.0], [50.0, 12.0]], {"year": [2020, 2021], "grade": [18, 19]}, ("year", "grade"))
    ratios = progression_ratios(rolls, open_last=True)
    assert float(ratios.sel(year=2021, grade=19)) == pytest.approx(12 / 60)
    ahead = progress(
        rolls.isel(year=-1, drop=True), ratios.isel(year=[1]), rolls.isel(grade=[0], year=[1]), open_last=True
    )
    assert float(ahead.sel(year=2021, grade=19)) == pytest.approx(62 * 12 / 60)


# Smoothing.


@pytest.mark.parametrize("name", SMOOTHERS)
def test_a_constant_series_stays(name: str) -> None:
    flat = np.full((4, 2, 7), 0.3)
    assert SMOOTHERS[name].carry(flat, 5) == pytest.approx(0.3)
    assert carry(flat, np.full(flat.shape, 50.0), name, 5) == pytest.approx(0.3)


def test_alpha_finds_memory_and_its_lack() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(50, 1, 20))
    assert fit_alpha(noise) == min(ALPHAS)
    assert fit_alpha(np.cumsum(noise, -1)) >= 0.8
    assert exponential(noise, 3).shape == (50, 1, 3)


def test_the_choice_follows_the_years() -> None:
    """Noise around a level wants a long memory, a walk the last value, a steady trend the trend."""
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.02, (30, 2, 12))
    size = np.full(noise.shape, 100.0)
    assert set(choose_smoothing(noise, size, 3).names) <= {"exponential", "median_5"}
    assert choose_smoothing(np.cumsum(noise, -1), size, 1).names[0] in ("last", "exponential")
    trend = 0.05 * np.arange(12) + noise / 50
    assert choose_smoothing(trend, size, 3).names == ("damped_trend",) * 3
    assert choose_smoothing(trend, size, 3, trends=False).tried.count("damped_trend") == 0
    assert choose_smoothing(noise[..., :1], size[..., :1], 2).names == ("exponential", "exponential")
    two_origins = choose_smoothing(np.cumsum(noise, -1)[..., :3], size[..., :3], 2)
    assert set(two_origins.names) == {"exponential"}  # too few to tell
    assert "damped_trend" not in choose_smoothing(trend[..., :7], size[..., :7], 2).tried


def test_what_moves_all_grades_fades_and_their_pattern_stays() -> None:
    """Four years in which every cohort lost 3 % more than its grade's own ratio: half of what is beyond the mean is
    left each year, and no grade moves against another."""
    pattern = np.array([0.05, 0.0, 0.0, -0.4, 0.0])
    movement = np.array([-0.03] * 4)
    series = np.tile(pattern[:, None] + movement, (3, 1, 1))
    size = np.full(series.shape, 500.0)
    path = carry(series, size, "exponential", 6, fades=True)
    mean = -0.03 * 4 / 9
    expected = mean + (-0.03 - mean) * 0.5 ** np.arange(1, 7)
    assert path == pytest.approx(np.tile(pattern[:, None] + expected, (3, 1, 1)))
    assert faded(np.tile(movement, 25), 1) == pytest.approx(-0.03 * (100 / 105 + 5 / 105 / 2))
    assert carry(series, size, "exponential", 6) == pytest.approx(series[..., :1].repeat(6, -1))
    few = carry(series[:, :2], size[:, :2], "exponential", 6, fades=True)
    assert few == pytest.approx(series[:, :2, :1].repeat(6, -1))  # two grades cannot tell movement from pattern
    rivals = carry(series, size, "last", 6, shrink=False, fades=True)
    assert rivals == pytest.approx(series[..., -1:].repeat(6, -1))


def test_a_place_keeps_what_is_its_own() -> None:
    """The whole's movement fades, a large place's steady distance from it does not."""
    series = np.zeros((2, 5, 8)) + np.array([0.01, -0.03])[:, None, None]
    size = np.full(series.shape, 1e6)
    path = carry(series, size, "exponential", 20, fades=True)
    assert (path[0] - path[1]) == pytest.approx(0.04)
    assert abs(path[1, 0, -1]) < 0.03


def test_with_the_children_of_a_projection_nothing_fades() -> None:
    """They bring the migration that is to come; what is left is the schools' own and stays."""
    rolls = made_up(2)
    rolls[:] = 100.0 * 0.97 ** np.arange(6)
    steady = xr.full_like(rolls, 200.0)
    later = steady.isel(year=slice(0, 5)).assign_coords(year=np.arange(2020, 2025))
    found = forecast_rolls(rolls, 5, children=xr.concat([steady, later], "year"))
    assert found.ratio.isel(grade=slice(1, None)).values == pytest.approx(0.97)
    alone = forecast_rolls(rolls, 5).ratio.isel(grade=slice(1, None))
    assert bool((alone.diff("year") > 0).all())
    assert float(alone.max()) < 1


def planted_ratios(seed: int, mean: float, years: int) -> np.ndarray:
    """(place, grade, year) logarithms: a movement of all grades around a mean, of which six tenths are left a year
    later, a pattern of grades and noise."""
    rng = np.random.default_rng(seed)
    movement = np.zeros(years)
    for year in range(1, years):
        movement[year] = 0.6 * movement[year - 1] + rng.normal(0, 0.015)
    pattern = np.array([0.1, 0.0, -0.01, 0.01, 0.0, -0.3, 0.02])
    return mean + movement + pattern[:, None] + rng.normal(0, 0.01, (6, 7, years))


@pytest.mark.parametrize("mean", [0.0, 0.02, -0.02])
def test_a_movement_that_comes_and_goes_is_foreseen_better_than_by_rivals(mean: float) -> None:
    """Six ratios behind, the sum of the next four log ratios of a cohort: the whole's error over 200 made-up regions."""
    missed = {"fades": 0.0, "last": 0.0, "mean_3": 0.0, "exponential": 0.0}
    for seed in range(200):
        series = planted_ratios(seed, mean, 10)
        known, size = series[..., :6], np.full((6, 7, 6), 300.0)
        for name in missed:
            fades = name == "fades"
            path = carry(known, size, "exponential" if fades else name, 4, fades=fades)
            missed[name] += abs((path - series[..., 6:]).sum(-1).mean()) / 200
    assert missed["fades"] < min(missed["last"], missed["mean_3"], missed["exponential"])


def test_the_damped_trend_flattens() -> None:
    path = damped_trend(np.arange(10.0) * 0.1, 40)
    steps = np.diff(path)
    assert (np.diff(steps) < 0).all()
    assert steps[-1] < 0.01 * steps[0]


def test_small_places_lean_on_the_whole_and_large_ones_on_themselves() -> None:
    rng = np.random.default_rng(4)
    pupils = np.geomspace(10, 100_000, 40)[:, None, None] * np.ones((40, 1, 8))
    true = rng.normal(0, 0.03, (40, 1, 1))
    seen = true + rng.normal(size=(40, 1, 8)) / np.sqrt(pupils)
    weight = own_weight(seen, pupils, 1.0)[:, 0]
    assert (np.diff(weight) > 0).all()  # n -> infinity returns the own ratio
    assert weight[0] < 0.1
    assert weight[-1] > 0.98
    assert 1 / 0.03**2 / 3 < shrinkage_constant(seen, pupils)[0] < 3 / 0.03**2
    nobody = pupils.copy()
    nobody[0] = 0
    assert own_weight(seen, nobody, 1.0)[0, 0] == 0  # n = 0: the whole's
    noise = rng.normal(size=(40, 1, 8)) / np.sqrt(pupils)
    assert own_weight(noise, pupils, 1.0).mean() < weight.mean()


# The forecast of rolls.


def test_a_break_year_is_left_out() -> None:
    rolls = made_up(2, years=12)
    broken = rolls.copy()
    broken.loc[{"year": 2016}] *= 0.7
    clean = forecast_rolls(broken, 3, breaks=[2016], smoothing="mean_3").ratio
    raw = forecast_rolls(broken.sel(year=slice(None, 2017)), 1, smoothing="last", shrink=False).ratio
    assert float(abs(clean.sel(grade=3) - 1).max()) < 0.1
    assert float(raw.sel(grade=3).min()) > 1.3
    with pytest.raises(InputRefused, match="E444"):
        forecast_rolls(rolls.sel(year=slice(2015, 2016)), 1, breaks=[2016])


def test_entrants_follow_births_that_turn() -> None:
    """Half the births, half the entrants when these children come to school; without births nobody knows."""
    rolls = xr.full_like(made_up(2), 100.0)
    cohorts = xr.DataArray(1.0, {"county": rolls.county, "year": np.arange(2010, 2026)}, ("county", "year")) * 200
    cohorts.loc[{"year": slice(2022, None)}] = 100
    found = forecast_rolls(rolls, 5, cohorts).pupils.isel(county=0)
    assert found.sel(grade=1).values.tolist() == pytest.approx([100, 100, 50, 50, 50])
    assert found.sel(grade=2).values.tolist() == pytest.approx([100, 100, 100, 50, 50])
    assert float(forecast_rolls(rolls, 5).pupils.sel(grade=1).min()) == pytest.approx(100)
    with pytest.raises(InputRefused, match="E445"):
        forecast_rolls(rolls, 6, cohorts.sel(year=slice(None, 2024)))


def test_a_school_that_takes_in_nobody_is_given_nobody() -> None:
    rolls = made_up(3)
    rolls[0, -1, 0] = 0
    found = forecast_rolls(rolls, 2).pupils
    assert float(found[0, :, 0].sum()) == 0
    assert np.isfinite(found.values).all()


# Backtests.


def test_at_an_origin_nothing_later_is_seen() -> None:
    rolls = made_up(4, years=12)
    births = xr.DataArray(
        np.random.default_rng(5).uniform(300, 500, (4, 20)),
        {"county": rolls.county, "year": np.arange(2003, 2023)},
        ("county", "year"),
    )
    first = backtest_rolls(rolls, births, origins=[2016], horizon=5)
    changed, other = rolls.copy(), births.copy()
    changed.loc[{"year": slice(2017, None)}] *= 3
    other.loc[{"year": slice(2017, None)}] *= 3
    second = backtest_rolls(changed, other, origins=[2016], horizon=5)
    xr.testing.assert_identical(first.forecast, second.forecast)
    assert bool((first.observed != second.observed).all())


def test_a_grade_that_most_enter_from_outside_follows_its_own_cohort() -> None:
    """A pre-kindergarten of 30, a kindergarten of all the cohort: it follows births a year older, not the 30."""
    years, born = np.arange(2010, 2020), np.arange(2000, 2030)
    births = xr.DataArray(100.0 + 5 * (born - 2000), {"year": born}, ("year",)).expand_dims(county=["a"])
    child = entry_cohorts(births, 4, 13)
    grades = {-1: 0.3, 0: 1.0, 1: 1.02}
    rolls = xr.concat(
        [share * child.sel(year=years - grade - 1).assign_coords(year=years) for grade, share in grades.items()],
        pd.Index(list(grades), name="grade"),
    )
    assert entered_from_outside(rolls) == [-1, 0]
    assert entered_from_outside(made_up()) == [1]
    rolls[0, 0, -4] = 99.0  # a year in which the pre-kindergarten took in three times as many
    found = backtest_rolls(rolls, births, origins=[2016], horizon=3, entry_age=4, cutoff_month=13)
    made = found.forecast.sel(approach=FORECAST, origin=2016, county="a")
    assert made.sel(grade=0).values == pytest.approx(found.observed.sel(origin=2016, county="a", grade=0).values)


def test_scores_of_a_perfect_and_of_a_wrong_forecast() -> None:
    rolls = made_up(4, years=12)
    found = backtest_rolls(rolls, horizon=4)
    perfect = found.assign(forecast=xr.broadcast(found.observed, found.forecast)[0].transpose(*found.forecast.dims))
    assert float(score_rolls(perfect)[["cell_error", "county_mean", "total_error"]].to_array().max()) == 0
    high = score_rolls(perfect.assign(forecast=perfect.forecast * 1.1))
    assert high.county_bias.values == pytest.approx(0.1)
    assert high.total_error.values == pytest.approx(0.1)


def test_intervals_cover_about_what_they_say() -> None:
    rolls = made_up(40, years=16, seed=7)
    found = backtest_rolls(rolls, horizon=3)
    band = roll_intervals(found)
    assert bool((band.low <= band.high).where(band.low.notnull(), True).all())
    assert not bool(band.low.sel(origin=found.origin[0]).notnull().any())  # no error had come true
    assert 0.6 < float(coverage(found).sel(lead=1)) < 0.95


def test_origins_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputRefused, match="2010"):
        backtest_rolls(made_up(), origins=[2010])


@pytest.fixture(scope="module")
def district(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A region as somebody else would write it: two counties, six grades, eight school years, one census."""
    folder = tmp_path_factory.mktemp("district")
    names = {"county": ["01", "02"], "name_zh": ["甲", "乙"], "name_en": ["A", "B"], "parent": "L"}
    pd.DataFrame(names).to_csv(folder / "counties.csv", index=False)
    ages = [f"{age}-{age + 4}" for age in range(0, 100, 5)] + ["100+"]
    people = itertools.product(names["county"], [2020], ["female", "male"], ages)
    census = pd.DataFrame(people, columns=["county", "year", "sex", "age_group"]).assign(persons=500)
    census.to_csv(folder / "population.csv", index=False)
    source = {"filter": "", "source": "made for a test", "locator": "", "basis": "assumed", "note": ""}
    tables = [{"table": name} | source for name in ("counties", "population", "enrolment")]
    pd.DataFrame(tables).to_csv(folder / "sources.csv", index=False)
    head = 'id = "district"\nname = { zh = "某地", en = "Land" }\narea = "L"\njump_off_year = 2023\n'
    head += 'pattern = "china_wpp2024"\n[areas]\nL = { zh = "某地", en = "Land" }\n'
    (folder / "region.toml").write_text(head, "utf-8")
    return folder


def grade_rows() -> pd.DataFrame:
    cells = itertools.product(["01", "02"], range(2016, 2024), ["primary"], range(1, 7))
    table = pd.DataFrame(cells, columns=["county", "year", "stage", "grade"])
    rng = np.random.default_rng(8)
    return table.assign(value=np.round(rng.normal(100, 3, len(table))).astype(int).astype(str), unit="persons")


def without(table: pd.DataFrame, words: str) -> pd.DataFrame:
    return table.drop(table.query(words).index)


def test_somebody_elses_district_is_tested_by_the_command(district: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grade_rows().to_csv(district / "enrolment.csv", index=False)
    assert cli.main(["backtest", str(district), "--rolls", "--horizon", "3", "--json"]) == 0
    scores = pd.DataFrame(json.loads(capsys.readouterr().out)["scores"])
    assert set(scores.approach) == {"forecast", "last_value", "naive_ratio", "mean_ratio"}
    assert set(scores.lead) == {1, 2, 3}
    assert scores.cell_error.between(0.001, 0.2).all()


def test_births_of_a_district_are_used_from_the_first_year_on(district: Path) -> None:
    """Births before the first roll and the only census; a gap ends the run, a county without births ends them all."""
    grade_rows().to_csv(district / "enrolment.csv", index=False)
    born = pd.DataFrame(itertools.product(["01", "02"], range(2004, 2024)), columns=["county", "year"])
    own = read_region(district)
    births = born.assign(sex="all", persons=90.0)

    def among(table: pd.DataFrame) -> xr.DataArray | None:
        return region_births(replace(own, tables={**own.tables, "births": table}))

    whole = among(births)
    assert whole is not None
    assert whole.year.values.tolist() == list(range(2004, 2024))
    both = pd.concat([births.assign(sex="female", persons=44.0), births.assign(sex="male", persons=46.0)])
    xr.testing.assert_equal(whole, among(both))
    gap = among(without(births, "county == '02' and year == 2010"))
    assert gap is not None
    assert gap.year.values.tolist() == list(range(2011, 2024))
    assert among(without(births, "county == '02'")) is None
    found = backtest_region_rolls(replace(own, tables={**own.tables, "births": births}), horizon=3)
    assert found.attrs["births"] == 1
    assert bool(found.forecast.sel(approach="participation").notnull().any())


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        (without(grade_rows(), "year == 2019"), "E441", "2019"),
        (without(grade_rows(), "county == '02' and year == 2019 and grade == 3"), "E685", "02 2019 3"),
        (without(grade_rows(), "county == '01' and grade == 6"), "E685", "01 2016 6; 01 2017 6; 01 2018 6"),
        (without(grade_rows(), "grade == 3"), "E457", "3"),
        (without(grade_rows(), "year < 2022"), "E686", "2022, 2023"),
        (grade_rows().assign(grade="all").drop_duplicates(["county", "year"]), "E452", ""),
        (grade_rows().assign(value=lambda table: table.value.where(table.index != 5, "-4")), "E122", "-4"),
        (grade_rows().assign(value=lambda table: table.value.where(table.index != 5, "abc")), "E121", "abc"),
        (pd.concat([grade_rows(), grade_rows().iloc[[7]]]), "E140", "county=01, year=2017, stage=primary, grade=2"),
        (grade_rows().assign(grade=lambda table: table.grade.where(table.index != 5, 13)), "E127", "13"),
    ],
)
def test_faults_of_a_districts_rolls_are_named_in_both_languages(
    rows: pd.DataFrame, code: str, says: str, district: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows.to_csv(district / "enrolment.csv", index=False)
    said = []
    for lang in ("zh", "en"):
        assert cli.main(["backtest", str(district), "--rolls", "--lang", lang]) == 3
        said.append(capsys.readouterr().err)
        assert f"[{code}] enrolment.csv" in said[-1] or code in ("E457", "E686")
        assert code in said[-1]
        assert says in said[-1]
    assert said[0] != said[1]


def test_a_year_without_any_pupil_is_carried_without_a_warning() -> None:
    rolls = made_up(2)
    rolls[:, 4] = 0
    assert np.isfinite(forecast_rolls(rolls, 3).pupils.values).all()


def test_turning_births_are_found() -> None:
    cohorts = xr.DataArray(
        [[100.0, 105, 110, 115, 110, 105, 100]], {"county": ["a"], "year": range(2010, 2017)}, ("county", "year")
    )
    assert births_turn(cohorts, [2012, 2013]).values.tolist() == [[False], [True]]


def test_real_rolls_of_city_districts(reference: Path) -> None:
    """By county and grade no worse than last value, naive and mean ratio at any year ahead; the median district within
    its targets."""
    table = pd.read_parquet(reference / "us_nyc_schools" / "enrolment_by_grade.parquet")
    sums = table.groupby(["district", "school_year_start", "grade"]).pupils.sum()
    sums.index = sums.index.set_names(["county", "year", "grade"])
    rolls = sums.to_xarray().fillna(0.0).astype(float)
    scores = score_rolls(backtest_rolls(rolls, horizon=5))
    ours = scores.cell_error.sel(approach=FORECAST)
    best = scores.cell_error.sel(approach=["last_value", "naive_ratio", "mean_ratio"]).min("approach")
    assert (ours <= best).all()
    median = scores.county_error.sel(approach=FORECAST)
    assert float(median.sel(lead=1)) < 0.015
    assert float(median.sel(lead=3)) < 0.03


@pytest.mark.slow
def test_the_page_is_written_for_other_places_and_years(reference: Path, tmp_path: Path, root: Path) -> None:
    """The script relies on no name, no number of places, no year: two districts of four years, regions of five."""
    (tmp_path / "us_nyc_schools").mkdir()
    (tmp_path / "newzealand_regions").mkdir()
    districts = pd.read_parquet(reference / "us_nyc_schools" / "enrolment_by_grade.parquet")
    some = districts.district.isin(sorted(districts.district.unique())[-2:])
    early = districts.school_year_start < districts.school_year_start.min() + 4
    districts[some & early].to_parquet(tmp_path / "us_nyc_schools" / "enrolment_by_grade.parquet")
    for name in ("population", "births", "school_roll_by_age"):
        table = pd.read_parquet(reference / "newzealand_regions" / f"{name}.parquet")
        late = table.year > table.year.max() - 5
        table[late].to_parquet(tmp_path / "newzealand_regions" / f"{name}.parquet")
    page = tmp_path / "page.md"
    subprocess.run(
        [sys.executable, "-W", "error", "-m", "studies.rolls", "--reference", str(tmp_path), "--out", str(page)],
        check=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    text = page.read_text("utf-8")
    assert text.count("\n## ") == 3  # in short, districts, regions
    assert " nan" not in text
    assert page.with_suffix(".svg").exists()


# Stages.


def test_stage_systems_share_the_same_grades() -> None:
    rolls = made_up(2, grades=12)
    six, five, nine = (by_stage(rolls, stage_systems()[name]) for name in ("6-3-3", "5-4", "nine-year"))
    compulsory = rolls.sel(grade=slice(1, 9)).sum("grade")
    for found, stages in ((six, ["primary", "junior"]), (five, ["primary", "junior"]), (nine, ["nine_year"])):
        xr.testing.assert_allclose(found.sel(stage=stages).sum("stage"), compulsory)
    moved = six.sel(stage="primary", drop=True) - five.sel(stage="primary", drop=True)
    xr.testing.assert_allclose(moved, rolls.sel(grade=6, drop=True))


def test_rates_go_to_their_target_on_the_logit_scale() -> None:
    path = rate_path({2024: 0.92, 2030: 0.96}, list(range(2022, 2034)))
    assert path.sel(year=[2022, 2024, 2030, 2033]).values.tolist() == pytest.approx([0.92, 0.92, 0.96, 0.96])
    logit = np.log(path / (1 - path)).sel(year=slice(2024, 2030))
    assert np.diff(logit.values) == pytest.approx((np.log(0.96 / 0.04) - np.log(0.92 / 0.08)) / 6)
    with pytest.raises(InputRefused, match="E446"):
        rate_path({2024: 1.02}, [2025])
    assert float(rate_path({2024: 1.02}, [2025], cap=1.2)[0]) == pytest.approx(1.02)
    rising = damped_rate_path({2016: 0.774, 2018: 0.817}, list(range(2018, 2060)))
    assert (np.diff(rising.values) >= 0).all()
    assert float(rising[-1]) < 1


def test_gross_and_net_rates() -> None:
    assert float(gross_rate(series([110.0]), series([100.0]))[0]) == pytest.approx(1.1)
    assert float(net_rate(series([95.0]), series([100.0]))[0]) == pytest.approx(0.95)
    with pytest.raises(InputRefused, match="E446"):
        net_rate(series([101.0]), series([100.0]))


def test_leavers_of_grade_nine_go_somewhere() -> None:
    split = senior_intake(series([1000.0, 1000.0]), 0.96, series([0.6, 0.65]))
    assert split.to_array().sum("variable").values.tolist() == pytest.approx([1000, 1000])
    assert split.general.values.tolist() == pytest.approx([576, 624])
    assert standing_pupils(series([10.0, 20.0, 30.0, 40.0]), 3).values.tolist() == [60, 90]


def rows_of(page: str, heading: str) -> list[list[str]]:
    """Cells of the tables below a heading of the page."""
    part = page.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line[:1] == "|"]


def test_the_page_says_what_became_of_the_nations_waves(root: Path) -> None:
    """Crests forecast from 2018 within a year of what happened, at least one row better than a roll that stays; junior
    and senior schools as ranges."""
    page = (root / "docs" / "accuracy" / "rolls.md").read_text("utf-8")
    rows = rows_of(page, "## China, whole stages")
    for stage, happened in (("kindergarten", 2020), ("primary", 2023)):
        made = [row for row in rows if row[0] == stage and row[3].isdigit()]
        assert len(made) == 4  # two releases of births, two paths of the ratio
        assert {int(row[4]) for row in made} == {happened}
        assert all(abs(int(row[3]) - happened) <= 1 for row in made)
        (stays,) = (row for row in rows if row[0] == stage and "stays" in row[2])
        last = [abs(float(row[5].rsplit(" ", 1)[1].strip("%"))) for row in (*made, stays)]
        assert min(last[:-1]) < last[-1]
    for stage, low, high in (("junior", 2025, 2029), ("senior", 2028, 2032)):
        (row,) = (row for row in rows if row[0] == stage)
        assert row[1].isdigit()  # the last roll that was known
        years = [int(year) for year in row[3].split("-")]
        assert low <= years[0] < years[1] <= high
        for cell in row[4:]:
            least, most = (int(number.replace(",", "")) for number in cell.split("-"))
            assert 0 < least < most


def test_the_nations_waves_peak_in_their_years(reference: Path) -> None:
    """From births to 2018: kindergarten 2020, primary school 2023, within a year; junior school 2026 with revised births."""
    births = pd.read_csv(reference / "china" / "china_births_deaths.csv").set_index("year")
    first = births["births_first_release_10k"].loc[:2018].astype(float).to_xarray()
    system = stage_systems()["6-3-3"]
    kindergarten = stage_cohort(first, system.ages("kindergarten"), SEPTEMBER).to_series()
    primary = stage_cohort(first, system.ages("primary"), SEPTEMBER).to_series()
    assert abs(int(kindergarten.loc[2014:].idxmax()) - 2020) <= 1
    assert abs(int(primary.loc[2014:].idxmax()) - 2023) <= 1
    revised = births["births_revised_after_2020_census_10k"].astype(float).to_xarray()
    assert int(stage_cohort(revised, system.ages("junior"), SEPTEMBER).to_series().loc[2016:].idxmax()) == 2026
    assert int(stage_cohort(revised, system.ages("senior"), SEPTEMBER).to_series().loc[2019:].idxmax()) == 2029
