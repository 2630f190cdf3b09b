"""A run is the same whether it is saved or not."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from forecast import read_region, read_scenario, run_forecast
from forecast.blocks import attribute_variance
from forecast.report.csv_tables import tables
from forecast.run.run import Run
from forecast.run.store import read_run

ASKED = {"trajectories": 5, "seed": 3, "now": 2026}


@pytest.fixture(scope="module")
def run() -> Run:
    return run_forecast(read_region("wenzhou"), read_scenario("baseline", {"horizon": 2030}), **ASKED)


def test_a_run_is_the_same_saved_or_not(run: Run, tmp_path: Path) -> None:
    saved = run_forecast(run.region, run.scenario, **ASKED, out=tmp_path)
    assert saved.folder is not None
    assert run.folder is None
    xr.testing.assert_identical(saved.cube, run.cube)
    assert saved.headline == run.headline
    for name, table in tables(run).items():
        pd.testing.assert_frame_equal(tables(saved)[name], table)
    assert set(read_run(saved.folder).data_vars) == set(run.cube.data_vars)


def test_shares_of_the_variance_are_worked_out_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.task is not None
    assert run.causes is not None
    expected = attribute_variance(run.task, range(5), run.causes.areas)
    fresh = replace(run, causes=replace(run.causes))
    assert fresh.variance_share is not None
    xr.testing.assert_identical(fresh.variance_share, expected)
    monkeypatch.setattr("forecast.blocks.variance.attribute_variance", None)
    assert replace(fresh, headline={}).variance_share is fresh.variance_share


def test_one_path_has_no_variance(run: Run) -> None:
    alone = replace(run, task=None, causes=None)
    assert alone.variance_share is None
    assert alone.cube is alone.data
    with pytest.raises(ValueError, match="deterministic"):
        alone.trajectory(0)


@pytest.mark.slow
def test_two_runs_of_one_seed_are_the_same_whatever_order_sets_have(root: Path) -> None:
    """Every table of two processes whose hashes of text differ."""
    program = """
import hashlib
from forecast import read_region, read_scenario, run_forecast
from forecast.report.csv_tables import tables
run = run_forecast(read_region("wenzhou"), read_scenario("baseline", {"horizon": 2040}), 60, seed=3, now=2026)
text = "".join(name + table.to_csv() for name, table in tables(run).items())
print(hashlib.sha256(text.encode()).hexdigest())
"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
