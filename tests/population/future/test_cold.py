"""Migration by the growth of cohorts: what counties gain others lose, levers act on it, and it is said in a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast import cli, read_region, read_scenario
from forecast.population import baseline, estimate_past, project_population, unchanged, vital_rates
from forecast.population.chance.spreads import SPREADS
from forecast.population.future.cold import net_of_cohorts
from forecast.region import Region
from tests.population.past.test_one_census import one_census  # noqa: F401


def growth_that_closes(people: xr.DataArray) -> xr.DataArray:
    """(county, age) half of the persons of every age gain a tenth; the others lose as many persons."""
    by_age = people.sum("sex").transpose("county", "age")
    gains = np.arange(by_age.sizes["county"]) % 2 == 0
    moved = 0.1 * by_age.values[gains].sum(0)
    factor = np.where(gains[:, None], 1.1, 1 - moved / by_age.values[~gains].sum(0))
    return by_age.copy(data=np.log(factor))


def test_what_counties_gain_others_lose_in_every_year() -> None:
    region = read_region("wenzhou")
    rates = vital_rates(region, unchanged(2040), estimate_past(region))
    net = net_of_cohorts(rates, growth_that_closes(rates.baseline))
    whole, people = net.sum("county"), rates.baseline.sum("county")
    for year in (2024, 2028, 2033):
        born = year - 2023
        ages = slice(born + 1, 100)
        off = float(abs(whole.sel(year=year, age=ages)).sum() / people.sum())
        assert off < 2e-4  # counties differ in their share of women, who live longer
    grown = project_population(rates.assign(net_migration=net)).population
    still = project_population(rates.assign(net_migration=xr.zeros_like(net))).population
    ratio = (grown / still).sel(year=2033, age=slice(11, 99)).sum("sex") / 2
    expected = np.exp(growth_that_closes(rates.baseline).sel(age=slice(1, 89)).values)
    np.testing.assert_allclose(ratio.transpose("county", "age").values, expected, rtol=1e-9)


def test_after_the_decade_every_age_keeps_its_persons() -> None:
    region = read_region("wenzhou")
    rates = vital_rates(region, unchanged(2040), estimate_past(region))
    net = net_of_cohorts(rates, growth_that_closes(rates.baseline))
    xr.testing.assert_allclose(net.sel(year=2034, drop=True), net.sel(year=slice(2024, 2033)).mean("year"))
    xr.testing.assert_identical(net.sel(year=2034, drop=True), net.sel(year=2040, drop=True))


def test_levers_act_on_what_one_census_shows(one_census: Callable[..., Region]) -> None:  # noqa: F811
    region = one_census(totals=False)
    past = estimate_past(region)

    def net(**levers: object) -> xr.DataArray:
        scenario = read_scenario("baseline", {"horizon": 2035, **levers})
        rates = baseline(region, scenario, past).rates
        return (rates.net_migration - rates.turnover).sum(["sex", "age"])

    np.testing.assert_allclose(
        net(**{"migration.level": 2.0}), 2 * net(**{"migration.level": 1.0}), rtol=1e-9, atol=1e-6
    )
    assert float(abs(net(**{"migration.closed": True})).max()) < 1e-6


def test_less_known_means_wider_bands() -> None:
    levels = [SPREADS[name].migration for name in ("cold", "cold_ages", "closed")]
    assert levels == sorted(levels)


@pytest.mark.parametrize("pattern", [True, False])
def test_one_census_runs_from_check_to_report(
    pattern: bool,
    one_census: Callable[..., Region],  # noqa: F811
    tmp_path: Path,
    root: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    region = one_census(pattern=pattern)
    if not pattern:
        own = (root / "data" / "patterns" / "china_wpp2024" / "uncertainty.toml").read_bytes()
        (region.folder / "uncertainty.toml").write_bytes(own)
    assert cli.main(["check", str(region.folder)]) == 0
    words = ["run", str(region.folder), "--trajectories", "20", "--out", str(tmp_path / "runs"), "--lang", "en"]
    assert cli.main(words) == 0
    made = next((tmp_path / "runs").iterdir())
    form = json.loads((made / "manifest.json").read_text("utf-8"))["form"]
    assert form == ("cold_ages" if pattern else "closed")
    page = (made / "report.html").read_text("utf-8")
    said = ("migration read off its ages", "迁移只由各年龄") if pattern else ("nobody is taken to move", "假定无人迁移")
    assert all(words in page for words in said)
    capsys.readouterr()
