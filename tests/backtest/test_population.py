"""Backtests: rivals and scores by hand, nothing known too early, and the pages' figures found again."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.backtest import population as bt
from forecast.backtest import rivals
from forecast.basics.quantiles import MIDDLE_AND_ENDS
from forecast.errors import InputRefused
from forecast.population.past.history import complete_history
from forecast.region import read_region
from studies import backtests, places
from tests.population.fit.test_fitted import world


def scored(forecast: list[float], observed: list[float], bands: list[tuple[float, ...]]) -> xr.Dataset:
    """One lead and age group, a county for each value; bands: five quantiles of each county."""
    cells = (1, len(observed), 1, 1)
    coords = {"origin": [2000], "county": [str(n) for n in range(len(observed))], "lead": [1], "age_group": ["total"]}
    dims = ("origin", "county", "lead", "age_group")
    values = np.stack([np.reshape(forecast, cells), np.reshape(forecast, cells) * 0 + 100.0])
    return xr.Dataset(
        {
            "observed": (dims, np.reshape(observed, cells)),
            "forecast": (("approach", *dims), values),
            "quantiles": (("probability", *dims), np.array(bands).T.reshape(5, *cells)),
            "crps": (dims, np.ones(cells)),
            "residents": (dims[:2], np.array([[50.0, 5_000.0, 50_000.0][: len(observed)]])),
        },
        coords={**coords, "approach": ["forecast", "constant"], "probability": list(MIDDLE_AND_ENDS)},
    )


def test_scores_are_those_of_their_definitions() -> None:
    wide = (50.0, 90.0, 100.0, 110.0, 200.0)
    found = scored([110.0, 190.0, 300.0], [100.0, 200.0, np.nan], [wide, wide, wide])
    scores = bt.score(found)
    ours = scores.sel(approach="forecast").isel(lead=0, age_group=0)
    assert float(ours.mean_ape) == pytest.approx((0.1 + 0.05) / 2)
    assert float(ours.median_ape) == pytest.approx(0.075)
    assert float(ours.bias) == pytest.approx((0.1 - 0.05) / 2)
    assert float(ours.weighted_error) == pytest.approx(20 / 300)
    assert float(ours.cover_80) == pytest.approx(0.5)  # 100 is inside, 200 outside, the third is not counted yet
    assert float(ours.cover_95) == pytest.approx(1.0)
    assert int(ours.cases) == 2
    assert float(bt.best_rival(scores).squeeze()) == pytest.approx(100 / 300)


def test_sizes_part_the_counties() -> None:
    band = (0.0, 0.0, 0.0, 0.0, 0.0)
    found = scored([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [band, band, band])
    cases = [int(bt.score(bt.of_size(found, low, high)).cases.sum()) for low, high in ((0, 100), (100, 10**5))]
    assert cases == [1, 2]


def test_crps_is_the_integral_of_the_squared_difference() -> None:
    spread, seen = np.random.default_rng(1).normal(10.0, 3.0, (4, 60)), np.array([9.0, 20.0, 10.0, -5.0])
    grid = np.linspace(-40, 60, 200_001)
    for row in range(4):
        below = np.searchsorted(np.sort(spread[row]), grid, side="right") / 60
        integral = ((below - (grid >= seen[row])) ** 2).sum() * (grid[1] - grid[0])
        assert bt.crps(spread, seen)[row] == pytest.approx(integral, abs=2e-3)


def test_rivals_carry_on_what_they_should() -> None:
    years = np.arange(8.0)
    counts = np.stack([100 + 10 * years, 100 * 1.05**years], axis=0)[..., None]  # two counties, one age group
    np.testing.assert_allclose(rivals.linear(counts, 3)[0, :, 0], [180.0, 190.0, 200.0])
    np.testing.assert_allclose(rivals.exponential(counts, 3)[1, :, 0], 100 * 1.05 ** np.arange(8, 11))
    np.testing.assert_allclose(rivals.constant(counts, 3)[:, :, 0], np.repeat(counts[:, -1], 3, axis=1))
    whole = np.array([[1000.0], [2000.0]])
    shares = rivals.constant_share(counts, whole)
    np.testing.assert_allclose(shares.sum(0), whole)
    np.testing.assert_allclose(shares[:, 1], 2 * shares[:, 0])


def test_a_straight_line_and_shares_of_growth_by_hand() -> None:
    wave = np.array([[[0.0], [12.0], [10.0], [14.0], [12.0], [18.0]]])  # least squares: mean 11, slope 47 / 17.5
    np.testing.assert_allclose(rivals.straight_line(wave, 1)[0, 0, 0], 11 + 3.5 * 47 / 17.5)
    counts = np.stack([100 + 10 * np.arange(8.0), 100 - 5 * np.arange(8.0)])[..., None]  # 170 grows, 65 shrinks
    whole = np.array([[260.0]])
    shared = rivals.variable_share_of_growth(counts, whole)
    np.testing.assert_allclose(shared.sum(0), whole)
    by_factor = 65 * (65 / 90) ** 0.2 - 65
    along = (260 - 235 - 10 - by_factor) / (10 - by_factor)
    np.testing.assert_allclose(shared[:, 0, 0], [170 + 10 * (1 + along), 65 + by_factor * (1 - along)])
    both = (rivals.constant_share(counts, whole) + shared) / 2
    np.testing.assert_allclose(rivals.csp_vsg(counts, whole), both)


def test_falling_counts_end_at_nobody() -> None:
    counts = np.array([[[50.0], [40.0], [30.0], [20.0], [10.0], [5.0]], [[0.0], [0.0], [0.0], [0.0], [0.0], [0.0]]])
    assert rivals.linear(counts, 5)[0].min() == 0.0
    assert rivals.exponential(counts, 5)[1].max() == 0.0


def test_in_a_world_of_constant_rates_the_rivals_by_age_are_right_too() -> None:
    history = world()
    known = complete_history(history.sel(year=slice(None, 2010)))
    truth = history.population.sel(year=2015).sum(["sex", "age"]).values
    means, ratios = rivals.five_year_means(known, 5), rivals.hamilton_perry(known, 5)
    np.testing.assert_allclose(means.sel(year=2015).sum(["sex", "age"]), truth, rtol=0.002)
    np.testing.assert_allclose(
        ratios.sel(year=2015).sum(["sex", "age"]), truth, rtol=0.01
    )  # constant persons, not rates


@pytest.fixture(scope="module")
def tested() -> xr.Dataset:
    return bt.backtest(world(noise=0.1), [2008, 2012], 5, trajectories=64, seed=3)


def test_what_has_not_been_counted_is_missing(tested: xr.Dataset) -> None:
    assert tested.observed.sel(origin=2008).notnull().all()
    assert tested.observed.sel(origin=2012, lead=[1, 2, 3]).notnull().all()
    assert tested.observed.sel(origin=2012, lead=[4, 5]).isnull().all()
    assert tested.forecast.notnull().all()
    assert set(tested.approach.values) == set(bt.APPROACHES)


def test_counts_are_those_of_the_history(tested: xr.Dataset) -> None:
    people = world(noise=0.1).population.sel(year=2010, age=slice(6, 14)).sum(["sex", "age"])
    np.testing.assert_allclose(tested.observed.sel(origin=2008, lead=2, age_group="6-14"), people.values)


def test_quantiles_rise(tested: xr.Dataset) -> None:
    assert bool((tested.quantiles.diff("probability") >= 0).all())


def test_the_same_seed_gives_the_same_bits_and_another_does_not(tested: xr.Dataset) -> None:
    again, other = (bt.backtest(world(noise=0.1), [2008], 5, trajectories=64, seed=seed) for seed in (3, 4))
    first = tested.quantiles.sel(origin=[2008])
    np.testing.assert_array_equal(again.quantiles.values, first.transpose(*again.quantiles.dims).values)
    assert not np.array_equal(again.quantiles.values, other.quantiles.values)


def test_later_counts_change_no_forecast(tested: xr.Dataset) -> None:
    history = world(noise=0.1)
    later = history.where(history.year <= 2008, 2.0 * history)
    later.attrs = history.attrs
    found = bt.backtest(later, [2008], 5, trajectories=64, seed=3).sel(origin=2008)
    for name in ("forecast", "quantiles"):
        np.testing.assert_array_equal(
            found[name].values, tested[name].sel(origin=2008).transpose(*found[name].dims).values
        )


@pytest.mark.parametrize("origins", [[], [2000], [2015], [1990, 2008]])
def test_an_origin_without_history_or_future_is_refused(origins: list[int]) -> None:
    with pytest.raises(InputRefused, match="E684"):
        bt.backtest(world(), origins, 5)


def test_groups_are_those_that_the_counts_can_tell() -> None:
    history = world()
    assert list(bt.groups_of(history)) == list(bt.AGE_GROUPS)
    start = xr.DataArray(np.minimum(np.arange(101) // 5 * 5, 85), dims="age", name="first")
    coarse = history[["population"]].groupby(start).sum().rename(first="age")
    assert list(bt.groups_of(coarse)) == list(bt.COARSE_GROUPS)
    seen = bt.grouped(coarse.population, bt.COARSE_GROUPS)
    np.testing.assert_allclose(seen, bt.grouped(history.population, bt.COARSE_GROUPS), rtol=1e-12)


def test_a_region_is_tested_on_its_own_years() -> None:
    found = bt.backtest(read_region("wenzhou"), [2022], 1, trajectories=32)
    assert found.sizes["county"] == 12
    assert found.observed.notnull().all()


def test_bands_cover_in_a_world_that_is_as_uncertain_as_it_was(tested: xr.Dataset) -> None:
    """Not by luck of one case: 60 places with their own migration, tested on their own."""
    scores = bt.score(bt.backtest(many_places(), [2016, 2018, 2020], 4, trajectories=128))
    share = float((scores.cover_80 * scores.cases).sum() / scores.cases.sum())
    assert 0.72 < share < 0.95


def many_places(count: int = 60) -> xr.Dataset:
    """Places whose net migration wanders, by single age, 25 years."""
    base = world().isel(county=[1], year=slice(0, 1)).population.sum("sex").values[0, 0]
    draw = np.random.default_rng(8)
    people, young = [np.repeat(base[None], count, axis=0)], np.exp(-(((np.arange(101) - 24) / 6.0) ** 2))
    level = np.zeros(count)
    for _ in range(25):
        level = 0.8 * level + 0.004 * draw.standard_normal(count)
        before = people[-1]
        after = np.concatenate([before[:, 20:40].sum(1, keepdims=True) * 0.05, before[:, :-1]], axis=1)
        after[:, -1] += before[:, -1]
        alive = np.exp(-np.minimum(0.00005 * np.exp(0.095 * np.arange(101)), 0.6))
        move = (level * before.sum(1))[:, None] * young / young.sum()
        people.append(
            draw.poisson(np.maximum(after * alive + move, 0.0)).astype(float) * 0.1
            + 0.9 * np.maximum(after * alive + move, 0.0)
        )
    values = np.stack(people, axis=1)
    coords = {"county": [f"p{n}" for n in range(count)], "year": np.arange(2000, 2026), "age": np.arange(101)}
    return xr.Dataset({"population": (("county", "year", "age"), values)}, coords=coords)


# Real places


@pytest.mark.slow
def test_the_page_of_iceland_is_found_again(reference: Path, root: Path) -> None:
    """Figure by figure, from the same data; other data are another page."""
    page = (root / "docs" / "accuracy" / "iceland.md").read_text("utf-8")
    place = backtests.REPORTED["iceland"]
    if backtests.fingerprint(place.read(reference)) not in page:
        pytest.skip("the page was made from other data")
    found, completed = backtests.run(place, reference, backtests.TRAJECTORIES)
    again = "\n".join(
        backtests.page(
            place.title,
            place.note,
            found,
            bt.score(found),
            completed,
            "iceland",
            backtests.fingerprint(place.read(reference)),
        )
    )
    numbers = [re.findall(r"-?\d+\.?\d*", text) for text in (page, again)]
    assert len(numbers[0]) == len(numbers[1])
    np.testing.assert_allclose([float(x) for x in numbers[1]], [float(x) for x in numbers[0]], atol=1.01)


@pytest.mark.slow
def test_counties_are_forecast_better_than_by_rivals(reference: Path) -> None:
    """A short form of the Swedish page, whatever counties the folder holds."""
    scores = bt.score(bt.backtest(places.sweden(reference), [1995, 2000, 2005], 10, trajectories=128))
    ours = scores.mean_ape.sel(approach="forecast")
    naive = scores.mean_ape.sel(approach="five_year_means")
    assert float((ours / naive).mean()) < 0.85
    median = scores.median_ape.sel(approach="forecast")
    assert float(median.sel(lead=5, age_group="total")) < 0.03
    assert float(median.sel(lead=10, age_group="total")) < 0.06
    assert float(median.sel(lead=5, age_group="6-15")) < 0.025
    share = float((scores.cover_80 * scores.cases).sum() / scores.cases.sum())
    assert 0.65 < share < 0.92
