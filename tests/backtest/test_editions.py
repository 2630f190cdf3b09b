"""Two editions of a forecast: what moved, in widths of the older interval."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast import cli, read_region, read_scenario
from forecast.backtest.editions import COLUMNS, compare_editions
from forecast.errors import InputRefused
from forecast.pipeline import run_forecast


def edition(shift: float = 0.0, years: tuple[int, ...] = (2025, 2030)) -> xr.Dataset:
    """One service, two areas: median 100 + shift, an 80 % interval 20 wide."""
    coords = {"quantile": [0.1, 0.5, 0.9], "area": ["a", "b"], "year": list(years), "service": ["nursery"]}
    values = np.broadcast_to(np.array([90.0, 100.0, 110.0])[:, None, None, None] + shift, (3, 2, len(years), 1))
    demand = xr.DataArray(values, dims=tuple(coords), coords=coords)
    people = demand.isel(service=0, drop=True).expand_dims(age_group=["all"], axis=3)
    found = xr.Dataset({"demand_quantile": demand, "population_quantile": people, "births_quantile": people[..., 0]})
    return found.drop_vars("age_group").assign_coords(age_group=["all"], unit=("service", ["places"]))


def test_moves_are_measured_in_widths() -> None:
    found = compare_editions(edition(), edition(15))
    assert list(found.columns) == list(COLUMNS)
    assert len(found) == 3 * 2 * 2
    np.testing.assert_allclose(found["change"], 15)
    np.testing.assert_allclose(found["widths_moved"], 0.75)
    assert not found["alert"].any()
    assert compare_editions(edition(), edition(20.5))["alert"].all()


def test_only_what_both_know_is_compared() -> None:
    found = compare_editions(edition(years=(2025, 2030)), edition(years=(2030, 2035)))
    assert set(found["year"]) == {2030}


@pytest.mark.parametrize("other", [xr.Dataset(), edition(years=(2040,))])
def test_what_cannot_be_compared_is_refused(other: xr.Dataset) -> None:
    with pytest.raises(InputRefused):
        compare_editions(edition(), other)


def test_the_command_compares_two_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    region = read_region("wenzhou")
    folders = []
    for name, level in (("baseline", 1.0), ("high_migration", 3.0)):
        scenario = read_scenario("baseline", {"horizon": 2031, "migration.level": level})
        folders.append(str(run_forecast(region, scenario, trajectories=100, out=tmp_path, name=name).folder))
    assert cli.main(["compare", "--editions", *folders, "--lang", "zh", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "温州市" in printed
    assert "小学学位" in printed
    table = pd.read_csv(next((tmp_path / "out").glob("*/editions.csv")), dtype={"area": str}, encoding="utf-8-sig")
    city = table[(table["area"] == "330300") & (table["service"] == "population") & (table["year"] == 2031)].iloc[0]
    assert city["new"] > city["old"]
    assert bool(city["alert"]) == (city["change"] > city["old_p90"] - city["old_p10"])
    assert cli.main(["compare", "--editions", *folders, "--json", "--strict"]) == (4 if table["alert"].any() else 0)
    assert json.loads(capsys.readouterr().out)["alerts"] == int(table["alert"].sum())
    assert cli.main(["compare", "--editions", folders[0], str(tmp_path)]) == 74
    assert cli.main(["compare", "wenzhou", "--editions", *folders]) == 2
    assert cli.main(["compare"]) == 2
