"""Histories balance, fits look at nothing after the origin, and processes are found again where they are known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.basics.ages import FITTED_BANDS
from forecast.basics.dims import MOTHER_AGE
from forecast.errors import InputRefused
from forecast.population import project_population
from forecast.population.chance.processes import autoregressive
from forecast.population.fit.abroad import level_abroad
from forecast.population.fit.account import by_band
from forecast.population.fit.fertility import level_path
from forecast.population.fit.fitted import Settings, fit_rates, fit_uncertainty
from forecast.population.fit.migration import STANDARD_AGES, STANDARD_MOVERS
from forecast.population.fit.prior import SWEDEN_1990
from forecast.population.fit.uncertainty import Shape, _own, fit_shape
from forecast.population.past.history import complete_history, entering_of, mortality_levels, shipped_standard

AGES, COUNTIES, YEARS = np.arange(101), ["big", "middle", "small"], np.arange(2000, 2016)
SIZES = np.array([400_000.0, 60_000.0, 4_000.0])


def world(noise: float = 0.0, level: float = 1.0) -> xr.Dataset:
    """Three counties through fifteen years of constant rates and net migrants, with all components; `noise`: standard
    deviation of a factor on every year's births and migrants; `level`: of mortality against the shipped standard."""
    standard = shipped_standard()
    draw = np.random.default_rng(5)
    alive = np.cumprod(standard.with_mortality(level).sx, axis=1)
    share = alive / alive.sum()
    coords = {"county": COUNTIES, "sex": ["female", "male"], "age": AGES}
    years = YEARS[1:]
    young = np.exp(-(((AGES - 24) / 6.0) ** 2))
    net = SIZES[:, None, None] * 0.001 * np.ones((3, 2, 1)) * young
    net = net[:, None] * (1 + noise * draw.standard_normal((3, years.size, 1, 1)))
    factor = 1 + noise * draw.standard_normal((3, years.size))
    sx = np.exp(np.log(standard.sx) * level)
    rates = xr.Dataset(
        {
            "baseline": (("county", "sex", "age"), SIZES[:, None, None] * share),
            "sx": (("sex", "age"), sx),
            "asfr": (("county", "year", "age"), 1.8 * standard.fertility.values * factor[..., None]),
            "srb": ((), standard.srb),
            "net_migration": (("county", "year", "sex", "age"), net),
        },
        coords={**coords, "year": years},
    )
    rates["sx"] = rates.sx.expand_dims(year=years)
    rates["srb"] = rates.srb.expand_dims(year=years)
    found = project_population(rates)
    women = found.population.sel(sex="female", drop=True)
    by_mother = women * standard.fertility
    by_mother = by_mother / by_mother.sum("age") * found.births
    births = by_mother.rename(age=MOTHER_AGE)
    return xr.Dataset(
        {
            "population": found.population,
            "births": births,
            "deaths": found.deaths,
            "net_migration": found.net_migration,
        },
        attrs={"deaths_age": "year_end"},
    )


def grouped(history: xr.Dataset) -> xr.Dataset:
    """Five-year groups to 85+, births and deaths in total."""
    start = np.minimum(AGES // 5 * 5, 85)
    people = history.population.groupby(xr.DataArray(start, dims="age", name="first")).sum()
    flows = {
        name: history[name].sum([d for d in history[name].dims if d not in ("county", "year")], skipna=False)
        for name in ("births", "deaths")
    }
    return xr.Dataset({"population": people.rename(first="age"), **flows})


FORMS = {
    "everything": lambda h: h,
    "people and births": lambda h: h[["population", "births"]],
    "people": lambda h: h[["population"]],
    "people without sex": lambda h: h[["population"]].sum("sex"),
    "groups and totals": grouped,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_completed_history_balances_and_keeps_what_was_counted(form: str) -> None:
    given = FORMS[form](world(noise=0.05))
    given.attrs = world().attrs if form == "everything" else {}
    found = complete_history(given)
    people = found.population.values
    flows = found.deaths.values - found.net_migration.values
    expected = entering_of(people, found.births.values) - flows
    np.testing.assert_allclose(expected[:, 1:], people[:, 1:], rtol=1e-9, atol=1e-6)
    dims = [d for d in given.population.dims if d not in ("county", "year")]
    np.testing.assert_allclose(found.population.sum(["sex", "age"]), given.population.sum(dims), rtol=1e-12)
    if "births" in given:
        over = [d for d in given.births.dims if d not in ("county", "year")]
        np.testing.assert_allclose(found.births.sum("sex")[:, 1:], given.births.sum(over)[:, 1:], rtol=1e-12)
        np.testing.assert_allclose(found.births_by_mother.sum("age")[:, 1:], found.births.sum("sex")[:, 1:], rtol=1e-12)
    assert bool(found.completed) == (form != "everything")


def test_groups_are_kept_exactly() -> None:
    given = grouped(world(noise=0.05))
    single = complete_history(given).population
    start = xr.DataArray(np.minimum(AGES // 5 * 5, 85), dims="age", name="first")
    np.testing.assert_allclose(
        single.groupby(start).sum().values,
        given.population.transpose("county", "year", "sex", "age").values,
        rtol=1e-12,
    )


@pytest.mark.parametrize("level", [0.8, 1.0, 1.3])
def test_old_cohorts_tell_the_level_of_mortality(level: float) -> None:
    history = world(level=level)
    levels = mortality_levels(
        history.population.transpose("county", "year", "sex", "age").values, shipped_standard(), 99
    )
    assert levels[-1, 75] == pytest.approx(level, rel=0.03)


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        (lambda h: h.sel(year=[2000, 2002]), "E682"),
        (lambda h: h.where(h.county != "small", 0.0), "E683"),
        (lambda h: h.where(h.year != 2003), "E683"),
    ],
)
def test_a_history_with_holes_is_refused(spoilt, code: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputRefused, match=code):
        complete_history(spoilt(world()[["population"]]))


def test_the_fit_does_not_look_past_the_origin() -> None:
    known = world(noise=0.05)
    other = known.where(known.year <= 2010, 3.0 * known)
    fits = []
    for history in (known, other):
        complete = complete_history(history)
        fits.append((fit_rates(complete, 2010, 5), fit_uncertainty(complete, 2010, 5)))
    xr.testing.assert_identical(fits[0][0], fits[1][0])
    assert fits[0][1] == fits[1][1]


def test_constant_rates_are_forecast_to_stay() -> None:
    history = world()
    complete = complete_history(history)
    rates = fit_rates(complete, 2008, 7, Settings(fertility_reversion=0.0))  # else to the level of other countries
    people = project_population(rates.drop_vars("mobility"), flows=()).population.sum("sex")
    truth = history.population.sel(year=2015).sum("sex").transpose("county", "age").values
    found = people.sel(year=2015).transpose("county", "age").values
    assert abs(found.sum(1) / truth.sum(1) - 1).max() < 0.002
    assert (abs(found - truth).sum(1) / truth.sum(1)).max() < 0.006


def test_a_place_by_itself_is_fitted_too() -> None:
    one = complete_history(world(noise=0.05).isel(county=[1]))
    uncertainty = fit_uncertainty(one, 2012, 5)
    assert [process.tier for process in uncertainty.migration] == ["region"]  # its errors are not counted twice
    assert fit_rates(one, 2012, 5).net_migration.sizes["county"] == 1


def test_a_small_county_is_less_certain() -> None:
    complete = complete_history(world(noise=0.2))
    bands = fit_uncertainty(complete, 2014, 5).bands
    assert len(bands) == len(FITTED_BANDS)
    mobile = fit_rates(complete, 2014, 5)
    counted = np.sqrt(by_band(mobile.mobility.values)) / by_band(mobile.baseline.values)
    assert (counted[2] > 5 * counted[0]).all()  # 100 times fewer people: 10 times the relative noise


def test_inflation_scales_every_process() -> None:
    complete = complete_history(world(noise=0.1))
    plain, wide = (fit_uncertainty(complete, 2012, 5, Settings(inflation=factor)) for factor in (1.0, 1.5))
    for one, other in zip((*plain.fertility, *plain.migration), (*wide.fertility, *wide.migration), strict=True):
        for code in COUNTIES if one.tier == "county" else ["whole"]:
            np.testing.assert_allclose(other.of(code), 1.5 * np.array(one.of(code)), rtol=1e-12)


def test_one_volatile_county_does_not_make_all_unsure() -> None:
    """Twelve counties of one size; one has a hundred times the variance of the others, which keep their own width."""
    draw = np.random.default_rng(2)
    errors = 0.01 * draw.standard_normal((16, 6, 12)) * np.where(np.arange(12) == 0, 10.0, 1.0)
    counted = np.full(errors.shape, 1e-6)
    codes = tuple("abcdefghijkl")
    _, variance = _own(errors, counted, 5.0, codes, None)
    assert 0.7e-4 < np.median(variance) < 2e-4
    assert variance[0] > 5 * np.median(variance)


@pytest.mark.parametrize(
    "true", [Shape(0.6, 1.0, 0.0), Shape(1.0, 0.0, 1.0), Shape(0.9, 0.5, 1.0), Shape(1.0, 1.0, 0.0)]
)
def test_a_known_process_is_found_again(true: Shape) -> None:
    """The covariance of its paths, which is all that a band depends on."""
    normal = np.random.default_rng(3).standard_normal((9, 20_000))
    paths = autoregressive(normal, true.phi, true.sigma, true.start).T[..., None]  # (origin, lead, one county)
    counted = np.random.default_rng(4).standard_normal(paths.shape) * 0.7
    found = fit_shape(paths + counted, 0.49, 1e6, None)
    np.testing.assert_allclose(found.covariance(8), true.covariance(8), atol=0.05 * true.covariance(8).max())


def test_without_errors_the_prior_stands() -> None:
    nothing = np.full((0, 5, 3), np.nan)
    assert fit_shape(nothing, 0.0, 0.0, SWEDEN_1990.migration) == SWEDEN_1990.migration
    short = complete_history(world().isel(year=slice(0, 2)))
    uncertainty = fit_uncertainty(short, int(short.year[-1]), 5, Settings(inflation=1.0))
    assert uncertainty.migration[0].sigma == SWEDEN_1990.migration.sigma


def test_the_level_of_fertility_fades_to_that_of_other_countries() -> None:
    levels = np.array([0.0, 0.0, 0.0, 0.1, 0.2, 0.3])
    path = level_path(levels, 200, slope_years=3, damping=0.85, reversion=0.05, abroad=-0.1)
    assert path[0] > 0.3  # the trend goes on at first
    assert path[-1] == pytest.approx(-0.1, rel=1e-3)
    same = level_path(np.full(6, -0.1), 9, slope_years=3, damping=0.85, reversion=0.2, abroad=-0.1)
    np.testing.assert_allclose(same, -0.1)


def test_other_countries_are_known_to_the_origin_alone() -> None:
    by_year = [level_abroad(year) for year in range(1960, 2031)]
    assert by_year[0] == level_abroad(1970)  # before the first year of the table
    assert by_year[-1] == level_abroad(2023)  # after its last
    assert np.log(1.3) < min(by_year) < max(by_year) < np.log(2.5)


def test_the_standard_of_movers_has_a_value_for_each_age() -> None:
    assert len(STANDARD_AGES) == len(STANDARD_MOVERS)
