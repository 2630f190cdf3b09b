"""Machine code is compiled once, also where several processes start at the same time on a fresh machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.basics.folders import compiled

PROJECT = """
import numpy as np, xarray as xr
from forecast.population import project_population
from forecast.population.projection import kernel
before = kernel.compiled_before()
rng = np.random.default_rng(0)
dims, shape = ("county", "year", "sex", "age"), (3, 4, 2, 101)
asfr = np.zeros((3, 4, 101)); asfr[..., 15:50] = 0.04
rates = xr.Dataset(
    {"baseline": (("county", "sex", "age"), rng.uniform(0, 100, (3, 2, 101))), "sx": (dims, rng.uniform(0.9, 1, shape)),
     "asfr": (("county", "year", "age"), asfr), "srb": (("county", "year"), np.full((3, 4), 1.06)),
     "net_migration": (dims, rng.normal(0, 5, shape))},
    coords={"county": list("abc"), "year": range(2021, 2025), "sex": ["female", "male"], "age": range(101)})
print(before, project_population(rates).population.values.sum().hex())
"""


def start(cache: Path, root: Path) -> subprocess.Popen[str]:
    env = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(root)}
    return subprocess.Popen([sys.executable, "-c", PROJECT], env=env, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_six_processes_share_one_fresh_cache(tmp_path: Path, root: Path) -> None:
    running = [start(tmp_path, root) for _ in range(6)]
    said = {process.communicate(timeout=300)[0].split()[1] for process in running}
    assert [process.returncode for process in running] == [0] * 6
    assert len(said) == 1
    later = start(tmp_path, root).communicate(timeout=300)[0].split()
    assert later == ["True", *said]


def test_without_a_folder_for_it_a_loop_is_compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the installation and the home folder can only be read: numba says so when it is asked to cache."""

    def refuse(*_: object) -> None:
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr("numba.core.caching.CacheImpl.__init__", refuse)

    @compiled()
    def twice(number):  # type: ignore[no-untyped-def]
        return 2 * number

    assert twice(21) == 42
    assert type(twice._cache).__name__ == "NullCache"
