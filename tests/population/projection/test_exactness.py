"""The engine against what others published: every bar of exactness.py, one small case that needs no reference data,
and the figures that tell one convention from another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.population import check_balance, life_table, project_population
from studies import ROOT, exactness, published

CASE = ROOT / "tests" / "cases" / "canada_women_1950.csv"
BOYS_PER_GIRL = 1.058  # as the case's header says


@pytest.mark.parametrize("case", exactness.CASES)
def test_published_figures_are_reproduced(case: str, reference: Path) -> None:
    try:
        results = list(exactness.CASES[case](reference))
    except FileNotFoundError as absent:
        pytest.skip(str(absent))
    assert results
    missed = [result for result in results if result.missed]
    assert not missed, "\n".join(str(result) for result in missed)


def canada_women() -> tuple[xr.Dataset, pd.Series]:
    """Rates of the typed case (there are no men in it) and the published women a year later."""
    case = pd.read_csv(CASE, comment="#", index_col="age")
    empty = np.zeros(len(case))

    def women(column: str, men: np.ndarray) -> xr.DataArray:
        coords = {"sex": published.SEXES, "age": case.index.to_numpy()}
        return xr.DataArray([case[column].to_numpy(float), men], dims=("sex", "age"), coords=coords)

    year = xr.DataArray([1950], dims="year", coords={"year": [1950]})
    every = xr.ones_like(year, dtype=float)
    rates = {
        "baseline": women("population_1950", empty),
        "sx": life_table(women("death_rate", np.ones(len(case)))).sx * every,
        "asfr": case.fertility_rate.to_xarray() * every,
        "srb": BOYS_PER_GIRL * every,
        "net_migration": women("net_migrants", empty) * every,
    }
    return xr.Dataset(rates), case.population_1951


def test_one_published_step_of_canada_is_reproduced_without_reference_data() -> None:
    rates, truth = canada_women()
    found = project_population(rates, "end")
    check_balance(found)
    women = found.population.sel(year=1950, sex="female").to_series()
    assert abs(women.sum() / truth.sum() - 1) <= 1e-7
    assert (women - truth).abs().sum() / truth.sum() <= 1e-5
    assert (women - truth).abs().max() < 10  # the largest group is of 174,000


@pytest.mark.parametrize("timing", ["even", "even_nobirth", "mid"])
def test_the_published_step_tells_the_timing_of_migrants(timing: str) -> None:
    rates, truth = canada_women()
    women = project_population(rates, timing).population.sel(year=1950, sex="female").to_series()
    assert (women - truth).abs().sum() / truth.sum() > 5e-5


def test_every_example_of_the_un_engine_runs_and_balances(reference: Path) -> None:
    for country in _or_skip(published.un_countries, reference):
        rates = published.un_rates(reference, country)
        found = project_population(rates, "end")
        check_balance(found)
        assert not found.clipped.sum() > 0.01 * found.net_migration.pipe(abs).sum(), country


@pytest.mark.parametrize(
    ("country", "years", "difference"), [("kuwait", 10, 0.005), ("kuwait", 50, 0.027), ("mexico", 50, -0.005)]
)
def test_timing_moves_the_total_as_the_un_engine_showed(
    reference: Path, country: str, years: int, difference: float
) -> None:
    """The differences between `even` and `end` were measured with the UN's own engine; given to one digit."""
    if country not in _or_skip(published.un_countries, reference):
        pytest.skip(f"the reference data have no {country}")
    rates = published.un_rates(reference, country)
    end, even = (project_population(rates, timing).population.isel(year=years).sum() for timing in ("end", "even"))
    assert float(even / end) - 1 == pytest.approx(difference, abs=0.0006)


def test_tiny_countries_run_and_balance(reference: Path) -> None:
    """Islands of some thousand people, whose rates are rebuilt from tables that do not fit them."""
    people = _or_skip(published.wpp_population, reference, exactness.WPP_START)
    totals = people.isel(year=0).sum(["sex", "age"])
    tiny = totals.county[(totals < 20_000).values].values.tolist()
    if not tiny:
        pytest.skip("the reference data have no tiny country")
    found = exactness.project_countries(reference, tiny)
    assert np.isfinite(found.population).all()
    assert (found.population >= 0).all()


def _or_skip(read, *arguments):  # type: ignore[no-untyped-def]
    try:
        return read(*arguments)
    except FileNotFoundError as absent:
        pytest.skip(str(absent))
