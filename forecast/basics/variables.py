"""Variables that leave a public function or are saved in a run, as `variables.toml` declares them once.

>>> attributes("projection.births", timing="end")["long_name"]
'births in the year'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from forecast.basics.toml_files import read_toml
from forecast.basics.units import UNITS

if TYPE_CHECKING:
    import xarray as xr

Labelled = TypeVar("Labelled", "xr.DataArray", "xr.Dataset")

BY_SERVICE = "by service"
"""Unit of variables whose services have units of their own; the coordinate `unit` says which."""
KINDS = ("stock", "flow", "rate")
_ATTRIBUTES = ("long_name", "units", "kind", "source")


@dataclass(frozen=True)
class Variable:
    """One variable: dimensions that it may have, slow to fast; unit; kind; long name and a sentence about it in both
    languages; source where it is always the same; its name in a run; and the order of its attributes."""

    name: str
    dims: tuple[str, ...]
    units: str
    kind: str
    long_name: Mapping[str, str]
    about: Mapping[str, str]
    source: str
    saved: str
    order: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Variables that come together, by name, and what they are together in both languages."""

    name: Mapping[str, str]
    variables: Mapping[str, Variable]


@cache
def tables() -> Mapping[str, Table]:
    """All declared variables by table."""
    raw = read_toml(Path(__file__).with_suffix(".toml"))
    return {
        key: Table(
            {"zh": table["zh"], "en": table["en"]},
            {name: _variable(name, row) for name, row in table["variables"].items()},
        )
        for key, table in raw.items()
    }


def _variable(name: str, row: Mapping[str, Any]) -> Variable:
    order = tuple(key for key in row if key in _ATTRIBUTES)
    return Variable(
        name,
        tuple(row["dims"]),
        row["units"],
        row["kind"],
        row["long_name"],
        row["about"],
        row.get("source", ""),
        row.get("saved", name),
        order if "source" in order else (*order, "source"),
    )


def attributes(key: str, source: str = "", units: str = "", **values: object) -> dict[str, str]:
    """The attributes long_name (English), units, kind and source of a declared variable, `table.name`.

    source: instead of the declared one; units: of the services, for a variable that goes by service; values: for the
    {...} of the long name and the source. Raises KeyError for an undeclared variable, ValueError for a unit that is
    not in the closed list and where there is no source.
    """
    table, _, name = key.partition(".")
    variable = tables()[table].variables[name]
    if units and (variable.units != BY_SERVICE or units not in UNITS):
        raise ValueError(f"{key} is in {variable.units!r}, not {units!r}; units are: {', '.join(sorted(UNITS))}")
    if not (source or variable.source):
        raise ValueError(f"{key} has no source")
    declared = {
        "long_name": variable.long_name["en"].format(**values),
        "units": units or variable.units,
        "kind": variable.kind,
        "source": source or variable.source.format(**values),
    }
    return {name: declared[name] for name in variable.order}


def label(data: Labelled, key: str, source: str = "", units: str = "", **values: object) -> Labelled:
    """A copy with the declared attributes on: of one variable, `table.name`, or of every variable of a Dataset,
    `table`; source, units and values as in `attributes`."""
    import xarray as xr

    if isinstance(data, xr.DataArray):
        return data.assign_attrs(attributes(key, source, units, **values))
    known = tables()[key].variables
    units_of = {str(name): units if known[str(name)].units == BY_SERVICE else "" for name in data.data_vars}
    return data.assign(
        {name: label(data[name], f"{key}.{name}", source, units_of[name], **values) for name in units_of}
    )
