"""A run folder is whole or absent, two runs never share one, and what is written can be read again."""

from __future__ import annotations

import csv
import errno
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import CannotReadWrite, UsageError
from forecast.run import store

FILES: dict[str, store.Writer] = {
    "manifest.json": store.as_json({"name": "温州"}),
    "tables/waves.csv": store.as_csv(pd.DataFrame({"county": ["330302"], "height": [1.5]})),
    "log.txt": store.as_text("一行\n"),
}


def fails_with(error: BaseException) -> store.Writer:
    def write(path: Path) -> None:
        path.write_text("half")
        raise error

    return write


def test_a_run_has_its_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    folder = store.write_run(tmp_path / "runs", "wenzhou-高迁移", FILES)
    assert folder.name.endswith("-wenzhou-高迁移")
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found == set(FILES)
    assert list(folder.parent.iterdir()) == [folder]
    assert json.loads((folder / "manifest.json").read_text("utf-8")) == {"name": "温州"}


def test_runs_at_the_same_moment_get_folders_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(12) as pool:
        folders = list(pool.map(lambda _: store.write_run(tmp_path, "same", FILES), range(12)))
    assert len(set(folders)) == 12
    assert sorted(tmp_path.iterdir()) == sorted(folders)
    assert all((folder / "log.txt").read_text("utf-8") == "一行\n" for folder in folders)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "E502"),
        (PermissionError(errno.EACCES, "Permission denied"), "E503"),
        (OSError(errno.EIO, "Input/output error"), "E504"),
    ],
)
def test_a_disk_that_fails_is_told_plainly_and_leaves_no_debris(tmp_path: Path, error: OSError, code: str) -> None:
    old = store.write_run(tmp_path, "old", FILES)
    with pytest.raises(CannotReadWrite) as caught:
        store.write_run(tmp_path, "new", FILES | {"forecast.nc": fails_with(error)})
    assert [issue.code for issue in caught.value.issues] == [code]
    assert caught.value.exit_code == 74
    assert list(tmp_path.iterdir()) == [old]


def test_an_interrupt_leaves_no_debris(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        store.write_run(tmp_path, "new", FILES | {"report.html": fails_with(KeyboardInterrupt())})
    assert list(tmp_path.iterdir()) == []


def test_the_place_may_be_a_file_that_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(CannotReadWrite):
        store.write_run(tmp_path / "runs", "new", FILES)


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file size are a POSIX matter")
def test_a_netcdf_file_that_cannot_grow_is_refused_and_removed(tmp_path: Path) -> None:
    """A real failing write inside HDF5: the system refuses to let files grow beyond 64 KiB."""
    program = f"""
import resource, numpy as np, xarray as xr
from forecast.run import store
from forecast.errors import CannotReadWrite
data = xr.Dataset({{"noise": ("x", np.random.default_rng(0).random(200_000))}})
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    store.write_run({str(tmp_path)!r}, "big", {{"forecast.nc": store.as_netcdf(data)}})
except CannotReadWrite as error:
    print(error.issues[0].code)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "E504", done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "a\\b", "x" * 65, "con", "run 1", "a\n"])
def test_a_run_cannot_be_called_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        store.write_run(tmp_path / "runs", name, FILES)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("path", ["../out.txt", "/out.txt", "tables/../../out.txt"])
def test_no_file_leads_out_of_the_run_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        store.write_run(tmp_path, "run", {path: store.as_text("")})


def read_csv(write: Callable[[Path], None], path: Path) -> list[list[str]]:
    write(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_a_table_opens_in_excel_and_runs_nothing(tmp_path: Path) -> None:
    risky = ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1", "＋1", "－1", "＠x", "'=1"]
    table = pd.DataFrame({"=head": [*risky, "a-b", None], "change": [-1.5] * 13})
    rows = read_csv(store.as_csv(table), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert rows[0] == ["'=head", "change"]
    assert [row[0] for row in rows[1:]] == [f"'{text}" for text in risky] + ["a-b", ""]
    assert {row[1] for row in rows[1:]} == {"-1.5"}  # numbers stay numbers


def test_a_named_index_becomes_columns(tmp_path: Path) -> None:
    index = pd.MultiIndex.from_product([["010101"], [2024, 2025]], names=["county", "year"])
    rows = read_csv(store.as_csv(pd.DataFrame({"persons": [1, 2]}, index=index)), tmp_path / "t.csv")
    assert rows == [["county", "year", "persons"], ["010101", "2024", "1"], ["010101", "2025", "2"]]


@given(st.text(alphabet="'=+-@＝ \t甲a1"))
def test_escaping_can_be_undone(text: str) -> None:
    safe = store._inert(text)
    assert safe in (text, f"'{text}")
    undone = safe[1:] if safe.startswith("'") and store._FORMULA.match(safe) else safe
    assert undone == text


def test_a_cube_is_read_back_with_labels_and_attributes(tmp_path: Path) -> None:
    cube = xr.Dataset(
        {
            "population": (("county", "year"), np.array([[1.5, np.nan], [2.0, 3.0]]), {"units": "persons"}),
            "basis": ("county", pd.array(["assumed", None], dtype="str")),
            "born": ("county", [True, False]),
        },
        coords={"county": pd.Index(["010101", "温州"], dtype="str"), "year": [2024, 2025]},
        attrs={
            "nothing": None,
            "names": {"zh": "温州"},
            "flag": True,
            "mixed": [1, "a"],
            "words": ["a", "b"],
            "n": np.int64(3),
        },
    )
    cube["year"].attrs["note"] = {"zh": "年"}
    attrs_before = dict(cube.attrs)
    store.as_netcdf(cube)(tmp_path / "forecast.nc")
    with xr.open_dataset(tmp_path / "forecast.nc", engine="h5netcdf") as read:
        assert list(read["county"].values) == ["010101", "温州"]
        np.testing.assert_array_equal(read["population"].values, cube["population"].values)
        assert list(read["basis"].values) == ["assumed", ""]
        assert read["population"].attrs["units"] == "persons"
        assert read.attrs["nothing"] == ""
        assert read.attrs["names"] == '{"zh": "温州"}'
        assert (read.attrs["flag"], read.attrs["n"], read.attrs["mixed"]) == (1, 3, '[1, "a"]')
        assert list(read.attrs["words"]) == ["a", "b"]
        assert read["year"].attrs["note"] == '{"zh": "年"}'
    assert cube.attrs == attrs_before
    assert cube["year"].attrs["note"] == {"zh": "年"}


def test_a_manifest_says_what_is_needed_to_do_it_again() -> None:
    manifest = store.make_manifest(
        scenario={"id": "baseline"}, inputs={"population.csv": "ab"}, seed=7, region="wenzhou"
    )
    assert manifest["seed"] == 7
    assert manifest["region"] == "wenzhou"
    assert manifest["inputs"] == {"population.csv": "ab"}
    assert {"python", "platform", "numpy", "numba", "xarray"} <= set(manifest["versions"])
    assert manifest["time"][19] in "+-"  # local time with its offset
    json.dumps(manifest, allow_nan=False)
