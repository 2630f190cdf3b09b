"""Life tables against closed forms and a published life expectancy."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.population import life_table
from forecast.population.rates import lifetable
from forecast.population.rates.lifetable import (
    collapse_open_age,
    extend_kannisto,
    grouped_survivorship,
    infant_years_lived,
    life_table_for_e0,
    life_table_from_qx,
    single_year_rates,
)


def rates(values: list[float], ages: list[int], sex: str = "male") -> xr.DataArray:
    return xr.DataArray(values, dims="age", coords={"age": ages, "sex": sex})


def test_constant_hazard_gives_the_reciprocal() -> None:
    table = life_table(rates([0.02] * 101, list(range(101))).assign_coords(sex="female"))
    assert float(table.ex.sel(age=60)) == pytest.approx(50.0, rel=1e-4)
    assert float(table.lx.sel(age=50)) == pytest.approx(np.exp(-1.0), rel=1e-3)


def test_life_expectancy_of_china_as_published() -> None:
    """The pattern's abridged rates of 2020-2025 at single years give the e0 that WPP 2024 prints for 2022 and 2023."""
    from forecast.population.rates.pattern import mortality_pattern
    from forecast.region import read_region

    region = read_region("wenzhou")
    levels = region.table("levels").set_index("year")
    found = life_table(mortality_pattern(region, np.array([2022]))).ex.sel(year=2022, age=0)
    for sex in ("female", "male"):  # a five-year rate against single years: within half a year
        printed = levels.loc[[2022, 2023], f"e0_{sex}"].astype(float).mean()
        assert float(found.sel(sex=sex)) == pytest.approx(printed, abs=0.5)


def test_survivorship_ratios_as_the_design_says() -> None:
    values = (0.0005 * np.exp(0.075 * np.arange(101))).tolist()
    table = life_table(rates(values, list(range(101))))
    lived, total = table.Lx.values, table.Tx.values
    np.testing.assert_allclose(table.sx.values[0], lived[0])
    np.testing.assert_allclose(table.sx.values[1:-1], lived[1:-1] / lived[:-2])
    assert table.sx.values[-1] == pytest.approx(total[-1] / total[-2])
    assert float(table.lx.min()) > 0
    assert (np.diff(table.lx.values) < 0).all()


def test_infants_by_both_rules() -> None:
    """Hand-worked from the two papers' formulas."""
    male, female = np.array(False), np.array(True)
    assert infant_years_lived(np.array(0.01), male, "coale-demeny") == pytest.approx(0.045 + 0.02684)
    assert infant_years_lived(np.array(0.2), female, "coale-demeny") == pytest.approx(0.35)
    assert infant_years_lived(np.array(0.01), male, "andreev-kingkade") == pytest.approx(0.14929 - 0.0199545)
    assert infant_years_lived(np.array(0.05), female, "andreev-kingkade") == pytest.approx(0.04667 + 0.1940445)


def test_single_years_keep_the_hazard_of_every_group() -> None:
    bounds = [0, 1, *range(5, 105, 5)]
    group = 0.0005 * np.exp(0.075 * np.array(bounds, float))
    single = single_year_rates(rates(group.tolist(), bounds), 100)
    assert (single > 0).all()
    hazard = np.add.reduceat(single.values[:100], bounds[:-1])
    np.testing.assert_allclose(hazard, group[:-1] * np.diff(bounds), rtol=1e-12)
    assert float(single[100]) == pytest.approx(group[-1])


def test_bad_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="a0 rule"):
        life_table(rates([0.1, 0.2], [0, 1]), a0="guess")
    with pytest.raises(ValueError, match="above 0"):
        life_table(rates([0.1, 0.0], [0, 1]))
    with pytest.raises(ValueError, match="nobody"):
        life_table(rates([0.1, 3.0, 0.5], [0, 1, 2]))
    with pytest.raises(ValueError, match="sex"):
        life_table(xr.DataArray([0.1, 0.2], dims="age", coords={"age": [0, 1]}))


def test_the_columns_belong_together() -> None:
    values = (0.0005 * np.exp(0.075 * np.arange(101))).tolist()
    table = life_table(rates(values, list(range(101))))
    np.testing.assert_allclose(table.dx.values[:-1], -np.diff(table.lx.values), rtol=1e-9)
    assert float(table.dx.sum()) == pytest.approx(1.0, rel=1e-14)
    np.testing.assert_allclose(table.dx.values, (table.mx * table.Lx).values, rtol=1e-9)
    assert all(table[name].attrs["units"] for name in table)


def test_no_deaths_at_an_age_of_a_small_place_is_no_fault() -> None:
    table = life_table(rates([0.01, 0.0, 0.5], [0, 1, 2]))
    assert float(table.qx.sel(age=1)) == 0.0
    with pytest.raises(ValueError, match="Greville"):
        life_table(rates([0.01, 0.0, 0.5], [0, 1, 2]), ax="greville")


# United Nations 1982, Model Life Tables for Developing Countries, p. 34: Latin American pattern, men.
UN_1982_AGES = [0, 1, *range(5, 90, 5)]
UN_1982_MX = [0.23669, 0.04672, 0.00982, 0.00511, 0.00697, 0.01036, 0.01169, 0.01332, 0.01528, 0.01757]
UN_1982_MX += [0.02092, 0.02517, 0.03225, 0.04241, 0.06056, 0.08574, 0.11840, 0.16226, 0.23745]
UN_1982_AX = [0.330, 1.352, 2.500, 2.500, 2.633, 2.586, 2.528, 2.528, 2.526, 2.529]
UN_1982_AX += [2.531, 2.538, 2.542, 2.543, 2.520, 2.461, 2.386, 2.295, 4.211]


def test_greville_gives_the_printed_model_life_table() -> None:
    table = life_table(rates(UN_1982_MX, UN_1982_AGES), ax="greville")
    np.testing.assert_allclose(table.ax.values, UN_1982_AX, atol=0.0006)
    assert float(table.ex[0]) == pytest.approx(35.0, abs=0.05)  # the tables are printed for whole years of e0


@pytest.mark.parametrize("a0", ["coale-demeny", "andreev-kingkade"])
@pytest.mark.parametrize("ax", ["half", "greville"])
def test_rates_and_probabilities_say_the_same(a0: str, ax: str) -> None:
    for sex in ("female", "male"):
        mx = rates(UN_1982_MX, UN_1982_AGES, sex)
        table = life_table(mx, a0, ax)
        back = life_table_from_qx(table.qx, mx.isel(age=-1, drop=True), a0, ax)
        for name in ("mx", "ax", "lx", "ex", "sx"):
            np.testing.assert_allclose(back[name].values, table[name].values, rtol=1e-12)


def test_bad_probabilities_are_refused() -> None:
    with pytest.raises(ValueError, match="below 1"):
        life_table_from_qx(rates([0.1, 1.0, 1.0], [0, 1, 2]), xr.DataArray(0.5))
    with pytest.raises(ValueError, match="open_mx"):
        life_table_from_qx(rates([0.1, 0.2, 1.0], [0, 1, 2]), xr.DataArray(0.0))
    with pytest.raises(ValueError, match="ax rule"):
        life_table(rates([0.1, 0.2], [0, 1]), ax="guess")


def gompertz(level: float = 0.00003, rise: float = 0.1, ages: int = 111) -> xr.DataArray:
    return rates((level * np.exp(rise * np.arange(ages))).tolist(), list(range(ages)), "female")


@pytest.mark.parametrize("open_age", [60, 85, 100])
def test_a_lower_open_age_changes_no_expectancy(open_age: int) -> None:
    mx = gompertz()
    lower = collapse_open_age(mx, open_age)
    assert lower.age.values.tolist() == list(range(open_age + 1))
    short, long = life_table(lower), life_table(mx)
    np.testing.assert_allclose(short.ex.values, long.ex.values[: open_age + 1], rtol=1e-12)
    np.testing.assert_allclose(short.Tx.values, long.Tx.values[: open_age + 1], rtol=1e-12)
    with pytest.raises(ValueError, match="none of the ages"):
        collapse_open_age(mx, 111)


def test_groups_of_five_survive_as_their_single_years_do() -> None:
    """Stationary people (Lx) step five years on into themselves."""
    table = life_table(gompertz(ages=101))
    steps = grouped_survivorship(table)
    people = table.Lx.values
    groups = np.append(np.add.reduceat(people[:100], range(0, 100, 5)), people[100])
    born = 5.0
    entering = np.array([born, *groups[:-2], groups[-2] + groups[-1]])
    np.testing.assert_allclose(steps.values * entering, groups, rtol=1e-12)
    with pytest.raises(ValueError, match="bound"):
        grouped_survivorship(table, 7)


def kannisto(level: float, slope: float, ages: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-(level + slope * (ages - 80))))


@pytest.mark.parametrize("poisson", [False, True])
def test_kannisto_is_recovered_and_continued(poisson: bool) -> None:
    ages = np.arange(131)
    truth = xr.DataArray(
        np.stack([kannisto(-2.3, 0.11, ages), kannisto(-2.0, 0.09, ages)]),
        dims=("sex", "age"),
        coords={"sex": ["female", "male"], "age": ages},
    )
    given = collapse_open_age(truth, 95)
    exposure = xr.ones_like(given) * 5000.0 * np.exp(-0.2 * (given.age - 80)) if poisson else None
    longer = extend_kannisto(given, range(80, 95), open_age=120, exposure=exposure)
    np.testing.assert_allclose(longer.values[:, :120], truth.values[:, :120], rtol=1e-9)
    np.testing.assert_allclose(
        life_table(longer).ex.sel(age=95), life_table(truth).ex.sel(age=95), rtol=1e-6
    )  # the open rate stands for what the curve has beyond


def test_a_curve_that_does_not_fit_is_told_with_its_figure() -> None:
    falling = rates(np.linspace(0.5, 0.1, 101).tolist(), list(range(101)))
    with pytest.raises(ValueError, match="slope -"):
        extend_kannisto(falling)
    jagged = gompertz(ages=101) * xr.where(gompertz(ages=101).age % 2 == 0, 1.5, 0.7)
    with pytest.raises(ValueError, match="allowed 0"):
        extend_kannisto(jagged.clip(max=0.9))
    with pytest.raises(ValueError, match="at least 5"):
        extend_kannisto(gompertz(ages=101), range(97, 100))


@given(alpha=st.floats(-1.5, 1.5), beta=st.sampled_from([0.8, 1.0, 1.2]))
def test_a_planted_logit_level_is_found(alpha: float, beta: float) -> None:
    """Hand-made survivors of Brass's relation; the table asked for by their e0 is theirs."""
    standard = life_table(gompertz(ages=101))
    logit = 0.5 * np.log((1 - standard.lx.values[1:]) / standard.lx.values[1:])
    survivors = np.append(1.0, 1 / (1 + np.exp(2 * (alpha + beta * logit))))
    qx = rates([*(1 - survivors[1:] / survivors[:-1]), 1.0], list(range(101)), "female")
    open_rate = standard.mx.values[-1] * beta * (1 - survivors[-1]) / (1 - standard.lx.values[-1])
    e0 = life_table_from_qx(qx, xr.DataArray(open_rate)).ex.isel(age=0, drop=True)
    found = life_table_for_e0(gompertz(ages=101), e0, beta)
    assert float(found.alpha) == pytest.approx(alpha, abs=1e-9)
    np.testing.assert_allclose(found.lx.values, survivors, rtol=1e-8)
    assert float(found.ex[0]) == pytest.approx(float(e0), abs=1e-9)


def test_an_unreachable_e0_is_refused_with_what_can_be_reached() -> None:
    with pytest.raises(ValueError, match=r"cannot be reached.*where \d+\.\d+ to \d+\.\d+ can"):
        life_table_for_e0(gompertz(ages=101), xr.DataArray(0.1))
    with pytest.raises(ValueError, match="beta"):
        life_table_for_e0(gompertz(ages=101), xr.DataArray(70.0), beta=0.0)


@pytest.mark.reference
def test_e0_of_two_countries_as_published(reference: Path) -> None:
    """WPP 2024, United Kingdom and India 1950-2023: deaths over mid-year population give the printed e0."""
    keys = ["country_code", "year", "sex", "age"]
    deaths = pd.read_parquet(reference / "wpp2024" / "deaths_1x1_gbr_ind.parquet")
    people = pd.read_parquet(reference / "wpp2024" / "population_1x1.parquet")
    both = deaths.merge(people, on=keys).set_index(keys)
    mx = (both.deaths / both["pop"]).to_xarray().assign_coords(sex=["male", "female"]).sel(year=slice(1950, 2023))
    found = life_table(mx).ex.sel(age=0)
    annual = pd.read_parquet(reference / "wpp2024" / "annual.parquet").set_index(["country_code", "year"])
    for code in (356, 826):
        printed = annual.loc[code].loc[found.year.values]
        for sex, column in (("male", "e0M"), ("female", "e0F")):
            assert float(abs(found.sel(country_code=code, sex=sex) - printed[column].values).max()) < 0.1


@pytest.mark.reference
def test_the_un_engines_own_life_tables(reference: Path) -> None:
    """Canada, Mexico, Kuwait, France: survivorship ratios printed beside the rates, and an infants' column that
    follows Andreev and Kingkade where mortality is low."""
    printed = pd.read_parquet(reference / "ccmppwpp_1x1" / "life_table.parquet")
    for _, rows in printed.groupby("country"):
        cube = rows.set_index(["year", "sex", "age"]).to_xarray()
        table = life_table(cube.lt_nMx)
        inside = slice(2, 99)  # newborn and infants hang on a0, the open group on rates beyond 100
        np.testing.assert_allclose(table.sx.sel(age=inside), cube.lt_Sx.sel(age=inside), atol=1e-12)
        low = cube.lt_nMx.sel(age=0) < 0.017
        infants = life_table(cube.lt_nMx, a0="andreev-kingkade").ax.sel(age=0)
        assert float(abs(infants - cube.lt_nAx.sel(age=0)).where(low).max()) < 0.002


@pytest.mark.reference
def test_every_e0_of_a_country_from_one_standard(reference: Path) -> None:
    abridged = pd.read_parquet(reference / "wpp2024" / "mortality_5x5.parquet")
    annual = pd.read_parquet(reference / "wpp2024" / "annual.parquet")
    for code in (156, 356, 566):
        rows = abridged[(abridged.country_code == code) & (abridged.period_start == 2020)]
        standard = rows.set_index(["sex", "age"]).mx.to_xarray().assign_coords(sex=["male", "female"])
        printed = annual[annual.country_code == code].set_index("year")[["e0M", "e0F"]]
        e0 = xr.DataArray(
            printed.values, dims=("year", "sex"), coords={"year": printed.index, "sex": ["male", "female"]}
        )
        table = life_table_for_e0(standard, e0, ax="greville")
        assert float(abs(table.ex.sel(age=0) - e0).max()) < 1e-9
        steps = grouped_survivorship(table)
        assert float(steps.min()) > 0
        assert float(steps.max()) < 1


def test_the_examples_run() -> None:
    assert doctest.testmod(lifetable).failed == 0
