"""Folders of the shipped models, scenarios and data, and what is kept between runs; names that may become a file's name;
dotted keys."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from forecast.basics.issues import CannotReadWrite, Issue

_PACKAGE = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"[\w-]{1,64}")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)")  # devices on Windows, with any ending


def folder(name: str) -> Path:
    """The folder `models`, `scenarios`, `rules` or `data`: inside the package in a wheel, beside it in a checkout.

    Raises CannotReadWrite where there is neither.
    """
    for place in (_PACKAGE / "shipped" / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise CannotReadWrite(Issue("E501", values={"folder": name}))


def cache_folder() -> Path:
    """Folder of things that are kept between runs and can be made again: FORECAST_CACHE, or the user's cache."""
    if os.environ.get("FORECAST_CACHE"):
        return Path(os.environ["FORECAST_CACHE"])
    user = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user) / "forecast"


def compiled(**options: Any) -> Any:
    """Compiles a loop by numba, free of the interpreter lock. Its machine code is kept beside the module or in the user's
    cache; where neither can be written nor NUMBA_CACHE_DIR is set, it is compiled anew at every start."""
    from numba import njit  # whoever asks for a folder alone need not wait for it

    def compile_it(function: Callable[..., Any]) -> Any:
        try:
            return njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # numba finds no folder that can be written
            return njit(nogil=True, **options)(function)

    return compile_it


def is_safe_name(name: str) -> bool:
    """True for a name that a scenario, run or region may have: letters (any script), digits, _ and -, at most 64.

    >>> is_safe_name("高迁移-2030"), is_safe_name("../etc"), is_safe_name("con")
    (True, False, False)
    """
    return bool(_NAME.fullmatch(name)) and not _RESERVED.fullmatch(name)


def dotted(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested tables as dotted keys; {value = ..., source = ...} stays one number with what stands beside it.

    >>> dict(dotted({"parameters": {"take_up": 0.1, "ratio": {"value": 1.0}}}))
    {'parameters.take_up': 0.1, 'parameters.ratio': {'value': 1.0}}
    """
    for key, value in table.items():
        if isinstance(value, Mapping) and "value" not in value:
            yield from dotted(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
