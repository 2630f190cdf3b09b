"""One forecaster: a run and a backtest call the same face, whose form follows from what the region has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast import cli, read_region, read_scenario, run_forecast
from forecast.backtest.population import backtest
from forecast.population import baseline, estimate_past, unchanged
from forecast.population.future.baseline import fitted_on
from forecast.population.past.counted import counted_history
from forecast.population.past.history import complete_history
from forecast.population.past.known import standard_of
from forecast.region import Region
from tests.cli.text.test_backtests import folder  # noqa: F401

ORIGIN, HORIZON = 2008, 2012


@pytest.fixture
def register(folder: Path) -> Region:  # noqa: F811
    """Three counties counted at the end of every year from 2000 to 2012."""
    return read_region(folder)


def ahead_of(region: Region, **levers: object) -> xr.Dataset:
    scenario = read_scenario("baseline", {"horizon": HORIZON, **levers})
    return baseline(region, scenario, estimate_past(region)).rates


def test_the_rates_of_a_run_are_those_of_the_backtest_to_the_bit(register: Region) -> None:
    cut = register.until(ORIGIN)
    run = run_forecast(cut, read_scenario("baseline", {"horizon": HORIZON}), trajectories=2)
    history = counted_history(register)
    assert history is not None
    assert run.task is not None
    standard = standard_of(register, ORIGIN)
    known = complete_history(history.sel(year=slice(None, ORIGIN)), standard)
    tested = fitted_on(known, ORIGIN, HORIZON - ORIGIN)
    for name in ("baseline", "sx", "asfr", "srb", "net_migration", "mobility"):
        np.testing.assert_array_equal(run.task.rates[name].values, tested.rates[name].values, err_msg=name)
    assert run.task.uncertainty == tested.spread()
    assert run.manifest["form"] == tested.form == "fitted"
    people = run.data.population.sel(year=slice(ORIGIN + 1, HORIZON)).sum(["sex", "age"])
    by_region = backtest(register, [ORIGIN], 4, trajectories=8)
    by_history = backtest(history, [ORIGIN], 4, standard=standard, trajectories=8)
    ours = by_region.forecast.sel(approach="forecast", age_group="total", origin=ORIGIN)
    np.testing.assert_allclose(ours.transpose("county", "lead").values, people.values, rtol=1e-13)
    xr.testing.assert_identical(by_region, by_history)
    assert by_region.attrs["forms"] == ["fitted"]


def test_a_cut_region_knows_nothing_of_later_years(register: Region) -> None:
    cut = register.until(ORIGIN)
    assert cut.jump_off_year == ORIGIN
    assert {name: int(cut.table(name)["year"].max()) for name in ("population", "births")} == {
        "population": ORIGIN,
        "births": ORIGIN,
    }
    assert register.jump_off_year == 2012


def test_levers_act_on_what_the_fit_expects(register: Region) -> None:
    plain = ahead_of(register.until(ORIGIN))
    dims = ["sex", "age"]
    more = ahead_of(register.until(ORIGIN), **{"migration.level": 2.0, "fertility.level": 0.8, "mortality.level": 0.5})
    np.testing.assert_allclose(more.net_migration.sum(dims), 2 * plain.net_migration.sum(dims), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(more.asfr, 0.8 * plain.asfr, rtol=1e-12)
    np.testing.assert_allclose(np.log(more.sx), 0.5 * np.log(plain.sx), rtol=1e-9, atol=1e-15)
    added = ahead_of(register.until(ORIGIN), **{"migration.add": 120.0})
    np.testing.assert_allclose((added.net_migration - plain.net_migration).sum(["county", *dims]), 120.0)
    closed = ahead_of(register.until(ORIGIN), **{"migration.closed": True})
    assert float(abs(closed.net_migration).sum()) == 0.0


def test_censuses_are_calibrated_and_their_rates_are_those_of_the_backtest() -> None:
    wenzhou = read_region("wenzhou")
    past = estimate_past(wenzhou.until(2022))
    assert past.attrs["form"] == "calibrated"
    ahead = baseline(wenzhou.until(2022), unchanged(2023), past)
    found = backtest(wenzhou, [2022], 1, trajectories=8)
    assert found.attrs["forms"] == [ahead.form] == ["calibrated"]


def test_a_few_year_ends_beside_censuses_are_no_register(register: Region, tmp_path: Path) -> None:
    """Three year-end counts alone are fitted; where a census stands beside them, six are needed to leave it out."""

    def with_rows(rows: pd.DataFrame) -> str:
        tables = {**register.tables, "population": rows.reset_index(drop=True)}
        return str(estimate_past(Region(**{**_fields(register), "tables": tables})).attrs["form"])

    table = register.table("population")
    census = table[table["year"] == 2002].assign(date="11-01")
    late = [table[table["year"].between(2013 - years, 2012)] for years in (3, 6)]
    assert with_rows(late[0]) == "fitted"
    assert with_rows(pd.concat([census, late[0]])) == "calibrated"
    assert with_rows(pd.concat([census, late[1]])) == "fitted"


def _fields(region: Region) -> dict[str, object]:
    return {name: getattr(region, name) for name in region.__dataclass_fields__ if name != "known"}


def with_tables(folder: Path, **tables: pd.DataFrame) -> Region:  # noqa: F811
    """The register with further tables, of a made-up source."""
    sources = pd.read_csv(folder / "sources.csv", keep_default_na=False)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
        sources = pd.concat([sources[sources["table"] != name], sources.iloc[:1].assign(table=name)])
    sources.to_csv(folder / "sources.csv", index=False)
    return read_region(folder)


def test_a_total_after_the_last_count_is_met_and_does_not_change_the_form(folder: Path) -> None:  # noqa: F811
    head = (folder / "region.toml").read_text("utf-8")
    (folder / "region.toml").write_text(head.replace("jump_off_year = 2012\n", ""), "utf-8")
    plain = estimate_past(read_region(folder))
    total = float(plain.population.sel(year=2012).sum()) * 1.01
    controls = {
        "area": ["L"],
        "year": [2013],
        "component": ["population"],
        "value": [round(total)],
        "unit": ["persons"],
    }
    later = with_tables(folder, controls=pd.DataFrame(controls))
    past = estimate_past(later)
    assert (later.jump_off_year, past.attrs["form"]) == (2013, "fitted")
    np.testing.assert_array_equal(past.population.sel(year=slice(None, 2012)), plain.population)
    assert float(past.population.sel(year=2013).sum()) == pytest.approx(round(total), abs=0.5)
    ahead = baseline(later, unchanged(2020), past)
    assert ahead.rates.year.values[0] == 2014
    more = estimate_past(with_tables(folder, controls=pd.DataFrame(controls | {"value": [round(total * 1.01)]})))
    first = baseline(later, unchanged(2020), more).rates.net_migration - ahead.rates.net_migration
    assert float(first.sel(year=2014).sum()) > 0


def test_flows_are_taken_in_the_finest_form_that_is_complete(folder: Path) -> None:  # noqa: F811
    births = pd.read_csv(folder / "births.csv", dtype={"county": str})
    rows = births.groupby(["county", "year"])["persons"].sum().reset_index()
    by_mother = pd.concat([rows.assign(age_group=group, persons=rows.persons * share) for group, share in AGES.items()])
    both = pd.concat([births.assign(age_group=""), by_mother.assign(sex="")])
    deaths = rows.assign(persons=rows.persons * 0.8)
    found = counted_history(with_tables(folder, births=both, deaths=deaths))
    assert found is not None
    assert set(found.births.dims) == {"county", "year", "mother_age"}
    assert float(found.births.sel(county="01", year=2005).sum()) == pytest.approx(
        float(rows.query("county == '01' and year == 2005").persons.iloc[0]), abs=3
    )
    assert set(found.deaths.dims) == {"county", "year"}
    assert float(complete_history(found).deaths.sel(year=2005).sum()) == pytest.approx(
        float(deaths.query("year == 2005").persons.sum()), rel=1e-3
    )


AGES = {"15-24": 0.25, "25-34": 0.5, "35-49": 0.25}


def test_a_register_runs_from_check_to_report(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    assert cli.main(["check", str(folder)]) == 0
    words = ["run", str(folder), "--trajectories", "20", "--out", str(tmp_path / "runs"), "--lang", "en"]
    assert cli.main(words) == 0
    made = next((tmp_path / "runs").iterdir())
    assert json.loads((made / "manifest.json").read_text("utf-8"))["form"] == "fitted"
    page = (made / "report.html").read_text("utf-8")
    assert "fitted on counts of every year" in page
    assert "由本地每年的人口数拟合" in page
    assert "met by construction and prove nothing" not in page
    capsys.readouterr()


def test_a_run_that_fits_nothing_starts_without_optimisers() -> None:
    script = "import sys, forecast.pipeline; print([m for m in ('scipy.optimize', 'statsmodels') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
