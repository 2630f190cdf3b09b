"""A run on disk: everything is written to a hidden sibling and appears in one step, or not at all.

    runs/20260521-093012-wenzhou-baseline/
        manifest.json   forecast.nc   tables/*.csv   report.html   log.txt

What a file holds is said by a writer, a function that is given the path: `as_json`, `as_text`, `as_csv` and
`as_netcdf` make the usual ones.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import metadata
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from forecast import __version__
from forecast.basics.folders import is_safe_name
from forecast.basics.issues import CannotReadWrite, Issue, UsageError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Writer = Callable[[Path], None]

RESTS_ON = (
    "numpy",
    "scipy",
    "pandas",
    "xarray",
    "numba",
    "h5netcdf",
    "h5py",
    "pydantic",
    "altair",
    "vl-convert-python",
)
"""Packages on whose versions numbers and pictures of a run may depend."""

_FORMULA = re.compile(r"'*[\s\ufeff]*[=+\-@＝＋－＠]")


def write_run(out: Path | str, name: str, files: Mapping[str, Writer]) -> Path:
    """Writes the files of one run (path inside the folder -> writer) and returns the finished folder.

    The folder is `<out>/<time>-<name>`, with a number behind it where that exists: two runs never share one.
    Raises CannotReadWrite (disk full, no rights ...) or UsageError (name); either way nothing is left behind.
    """
    check_name(name)
    out = Path(out)
    stem = f"{datetime.now():%Y%m%d-%H%M%S}-{name}"
    part = out / f".{stem}.{uuid.uuid4().hex}.part"
    try:
        part.mkdir(parents=True)
        for path, write in files.items():
            _write(part, path, write)
        return _publish(part, out / stem)
    except OSError as error:
        raise CannotReadWrite(_reason(error, out)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def read_run(folder: Path | str) -> xr.Dataset:
    """The cube of a finished run. Raises CannotReadWrite where the folder is none."""
    import xarray as xr

    place = Path(folder) / "forecast.nc"
    try:
        return xr.load_dataset(place, engine="h5netcdf")
    except (OSError, ValueError) as error:
        raise CannotReadWrite(Issue("E677", values={"folder": str(folder)})) from error


def read_table(folder: Path | str, name: str) -> pd.DataFrame:
    """One of the tables of a finished run, codes as text. Raises CannotReadWrite where there is none."""
    import pandas as pd

    try:
        return pd.read_csv(
            Path(folder) / "tables" / f"{name}.csv",
            dtype={"county": str},
            encoding="utf-8-sig",
            keep_default_na=False,
            na_values=["nan", "NaN"],
        )
    except (OSError, ValueError) as error:
        raise CannotReadWrite(Issue("E677", values={"folder": str(folder)})) from error


def check_name(name: str) -> None:
    """Raises UsageError where a run may not be called so; cheap, so that it can be asked before the work."""
    if not is_safe_name(name):
        raise UsageError(Issue("E505", values={"name": name}))


def _write(folder: Path, path: str, write: Writer) -> None:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{path!r} leads out of the run folder")
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    write(target)
    with target.open("rb+") as file:  # on the disk before the folder gets its name
        os.fsync(file.fileno())


def _publish(part: Path, final: Path) -> Path:
    """Gives the folder the first free name; renaming onto a folder with files in it fails on every system."""
    for number in count(1):
        target = final if number == 1 else final.with_name(f"{final.name}-{number}")
        try:
            return part.rename(target)
        except OSError as error:
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY) and not isinstance(error, FileExistsError):
                raise
    raise AssertionError("unreachable")


def _reason(error: OSError, place: Path) -> Issue:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Issue("E502", file=str(place))
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Issue("E503", file=str(place))
    return Issue("E504", file=str(place), values={"reason": error.strerror or str(error)})


def as_text(text: str) -> Writer:
    """A UTF-8 text file with the same line ends on every system."""
    return lambda path: _plain(path, text)


def as_json(content: Mapping[str, Any]) -> Writer:
    """A JSON file that a reader can follow: indented, Chinese as Chinese. NaN raises ValueError."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    return as_text(text + "\n")


def _plain(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def as_csv(table: pd.DataFrame) -> Writer:
    """A table that Excel opens rightly: UTF-8 with BOM, named index as columns, no text acting as formula."""
    return lambda path: _csv(path, table)


def _csv(path: Path, table: pd.DataFrame) -> None:
    if any(name is not None for name in table.index.names):
        table = table.reset_index()
    table = table.rename(columns=_inert).map(_inert)
    table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def _inert(cell: Any) -> Any:
    """Text that a spreadsheet would read as a formula, with `'` before it; one `'` taken off undoes it.

    >>> _inert("=1+1"), _inert(" ＝cmd"), _inert("'-x"), _inert(-5), _inert("a-b")
    ("'=1+1", "' ＝cmd", "''-x", -5, 'a-b')
    """
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def as_netcdf(dataset: xr.Dataset) -> Writer:
    """The cube as NetCDF-4, compressed; attributes that NetCDF does not know are written as text."""
    return lambda path: _netcdf(path, dataset)


def _netcdf(path: Path, dataset: xr.Dataset) -> None:
    import h5py

    stored = storable(dataset)
    numbers = [name for name, v in stored.data_vars.items() if v.dtype.kind in "fiu" and v.ndim]
    small = {name: {"zlib": True, "complevel": 4} for name in numbers}
    try:
        stored.to_netcdf(path, engine="h5netcdf", encoding=small)
        with h5py.File(path) as file:  # a full disk can leave a file that cannot be read
            file.visititems(lambda name, held: None)
    except (OSError, RuntimeError) as error:  # HDF5 hides the system's number in its text, on closing too
        number = re.search(r"errno = (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def storable(dataset: xr.Dataset) -> xr.Dataset:
    """The same data with text and attributes that NetCDF can hold: None as "", mappings as JSON text."""
    texts = {name: _as_objects(v) for name, v in dataset.variables.items() if _is_text(v.dtype)}
    coords = {name: v for name, v in texts.items() if name in dataset.coords}
    stored = dataset.assign_coords(coords).assign({k: v for k, v in texts.items() if k not in coords})
    stored = stored.assign_attrs({key: _attribute(value) for key, value in dataset.attrs.items()})
    for name in stored.variables:
        stored[name].attrs = {key: _attribute(value) for key, value in dataset[name].attrs.items()}
    return stored


def _is_text(dtype: Any) -> bool:
    return getattr(dtype, "kind", "O") in "OT"  # numpy objects, and the text of pandas 3


def _as_objects(variable: xr.Variable) -> xr.Variable:
    import numpy as np
    import pandas as pd

    values = np.asarray(variable.values, dtype=object)
    return variable.copy(data=np.where(pd.isna(values), "", values))


def _attribute(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return int(value)
    items = value if isinstance(value, list | tuple) else [value]
    if len({type(item) for item in items}) == 1 and isinstance(items[0], str | int | float):
        return value
    if hasattr(value, "dtype"):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def make_manifest(
    *,
    scenario: Mapping[str, Any],
    inputs: Mapping[str, str],
    seed: int,
    trajectories: int = 1,
    command: Sequence[str] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """All that is needed to make the same numbers again; written as manifest.json.

    `scenario` is the resolved one; `inputs`: file -> sha256; `more` stands beside them (region, models ...).
    """
    return {
        "forecast": __version__,
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": list(command or ["forecast", *sys.argv[1:]]),
        "seed": seed,
        "trajectories": trajectories,
        "scenario": dict(scenario),
        "inputs": dict(inputs),
        **more,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Python, the platform and the packages that numbers rest on, without loading them."""
    installed = {"python": platform.python_version(), "platform": platform.platform()}
    for package in RESTS_ON:
        try:
            installed[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            installed[package] = ""
    return installed
