"""Finds a scenario's file, lays it over the one it `extends`, sets what the caller overrides, and tells every fault.

A file holds only what differs from the scenario it extends. TOML because YAML reads the county code 010101 as 4161.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from forecast.basics import folders
from forecast.basics.issues import (
    CannotReadWrite,
    Finding,
    InputRefused,
    Issue,
    UsageError,
    as_json,
    from_pydantic,
    nearest,
)
from forecast.basics.toml_files import NotToml, NotUtf8, parse_toml, read_toml
from forecast.scenario.schema import Scenario

if TYPE_CHECKING:
    from forecast.region import Region


def read_scenario(
    name_or_path: str | Path, overrides: Mapping[str, Any] | None = None, region: Region | Path | None = None
) -> Scenario:
    """The scenario of that name, or of that file (a Path, or text ending in .toml).

    A name is looked for in the folder `scenarios` of the region, if it or its folder is given, then among the shipped ones: a
    scenario that names counties belongs to its region, and a bureau's own goes before ours.
    `overrides`: dotted key -> value, e.g. {"migration.level": 2, "horizon": 2040}; text is read as a TOML
    value where it is one. Raises UsageError (no such scenario, bad name), CannotReadWrite (no such file) and
    InputRefused with every fault found.

    >>> read_scenario("baseline", {"horizon": "2040"}).horizon
    2040
    """
    known = _known(region)
    path = _locate(name_or_path, known)
    table = _read_with_parents(path, (), known)
    table.setdefault("id", path.stem)
    given = {key: _value(text) for key, text in (overrides or {}).items()}
    faults = [_unknown(("overrides",), path.name)] if "overrides" in table else []
    for key, value in given.items():
        _set(table, key.split("."), value)
    table["overrides"] = given
    try:
        scenario = Scenario.model_validate(table)
    except ValidationError as error:
        raise InputRefused([*faults, *from_pydantic(error, lambda found: _issue(found, path.name))]) from None
    if not folders.is_safe_name(scenario.id):
        faults.append(Issue("E318", file=path.name, values={"name": scenario.id}))
    if faults:
        raise InputRefused(faults)
    return scenario


def list_scenarios(region: Region | Path | None = None) -> list[Scenario]:
    """The scenarios that `read_scenario` finds by name: the baseline first, then the shipped ones, then the region's."""
    return [read_scenario(name, region=region) for name in _known(region)]


def _known(region: Region | Path | None) -> dict[str, Path]:
    """Name -> file of the shipped scenarios, the baseline first, and of the region's own, which replace them."""
    shipped = _in_folder(folders.folder("scenarios"))
    if region is None:
        return shipped
    folder = region if isinstance(region, Path) else region.folder
    return shipped | _in_folder(folder / "scenarios")


def _in_folder(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.glob("*.toml"), key=lambda path: _baseline_first(path.stem))}


def _baseline_first(name: str) -> tuple[bool, str]:
    return name != "baseline", name


def _locate(name_or_path: str | Path, known: Mapping[str, Path]) -> Path:
    if isinstance(name_or_path, Path) or name_or_path.endswith(".toml"):
        return Path(name_or_path)
    if not folders.is_safe_name(name_or_path):
        raise UsageError(Issue("E318", values={"name": name_or_path}))
    if name_or_path not in known:
        values = {"name": name_or_path, "known": ", ".join(known)}
        raise UsageError(_with_nearest("E301", "E302", name_or_path, list(known), values))
    return known[name_or_path]


def _read_with_parents(path: Path, children: tuple[Path, ...], known: Mapping[str, Path]) -> dict[str, Any]:
    """The file's table laid over the one it extends: tables merge, anything else is replaced."""
    if path.resolve() in children:
        chain = " → ".join(child.stem for child in (*children, path))
        raise InputRefused(Issue("E319", file=path.name, values={"chain": chain}))
    table = _read(path)
    if "extends" not in table:
        return table
    parent = table.pop("extends")
    if not isinstance(parent, str):
        raise InputRefused(Issue("E313", file=path.name, values={"field": "extends", "found": as_json(parent)}))
    base = _read_with_parents(_locate_parent(parent, path, known), (*children, path.resolve()), known)
    inherited = {key: value for key, value in base.items() if key not in ("id", "name", "description")}
    return _merge(inherited, table)


def _locate_parent(parent: str, path: Path, known: Mapping[str, Path]) -> Path:
    """A file or a name beside the child, else the known scenario of that name; a scenario that extends its own name
    departs from the shipped one."""
    beside = path.parent / (parent if parent.endswith(".toml") else f"{parent}.toml")
    itself = parent == path.stem
    if parent.endswith(".toml") or (not itself and folders.is_safe_name(parent) and beside.is_file()):
        return beside
    try:
        return _locate(parent, _known(None) if itself else known)
    except UsageError as error:  # here it is the file that is wrong, not the caller
        raise InputRefused(replace(issue, file=path.name) for issue in error.issues) from None


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except FileNotFoundError:
        raise CannotReadWrite(Issue("E303", file=str(path))) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotReadWrite(Issue("E304", file=str(path), values={"reason": reason})) from error
    except NotUtf8:
        raise InputRefused(Issue("E305", file=path.name)) from None
    except NotToml as error:
        raise InputRefused(Issue("E306", file=path.name, row=error.row, values={"reason": str(error)})) from None


def _value(text: Any) -> Any:
    """Value of an override: TOML where it is TOML (2, [[2024, 1.0]], true), else the text itself."""
    if not isinstance(text, str):
        return text
    try:
        return parse_toml(f"value = {text}")["value"] if "\n" not in text else text
    except NotToml:
        return text


def _set(table: dict[str, Any], keys: list[str], value: Any) -> None:
    """Puts the value at its dotted place, making the tables on the way."""
    *path, last = keys
    for key in path:
        below = table.get(key)
        table[key] = dict(below) if isinstance(below, Mapping) else {}
        table = table[key]
    table[last] = value


def _issue(finding: Finding, file: str) -> Issue:
    """One thing that pydantic found, as an issue of the catalogue."""
    kind, bounds = finding.kind, finding.context
    where = tuple(key for key in finding.keys if isinstance(key, str))  # numbers count along a path
    values: dict[str, Any] = {"field": ".".join(where), "found": finding.found}
    if kind == "extra_forbidden":
        return _unknown(where, file)
    if kind in _OWN:
        return Issue(_OWN[kind], file=file, values={**values, **bounds})
    if kind in ("greater_than_equal", "less_than_equal"):
        limit = f"≥ {bounds['ge']}" if "ge" in bounds else f"≤ {bounds['le']}"
        return Issue("E310", file=file, values=values | {"limit": limit})
    if kind == "literal_error":
        choices = ", ".join(re.findall(r"'([^']+)'", str(bounds["expected"])))
        return Issue("E314", file=file, values=values | {"choices": choices})
    return Issue(_CODES.get(kind, "E320"), file=file, values=values)


_OWN = {
    "years_order": "E316",
    "closed_conflict": "E321",
    "profile_alone": "E322",
    "shift_places": "E323",
    "profile": "E324",
}
"""Faults that this module finds itself -> code; their context fills the sentence."""

_CODES = {
    "missing": "E309",
    "float_type": "E311",
    "finite_number": "E311",
    "int_type": "E312",
    "string_type": "E313",
    "string_too_short": "E313",
    "dated_path": "E315",
    "dict_type": "E317",
    "bool_type": "E325",
    "tuple_type": "E326",
    "model_type": "E317",
    "model_attributes_type": "E317",
}


def _unknown(where: tuple[str, ...], file: str) -> Issue:
    part: Any = Scenario
    for key in where[:-1]:
        part = part.model_fields[key].annotation
        part = next((inner for inner in get_args(part) if isinstance(inner, type)), part)  # in tuple[Part, ...]
    known = ["extends"] * (part is Scenario) + [key for key in part.model_fields if key != "overrides"]
    values = {"field": ".".join(where), "known": ", ".join(known)}
    return replace(_with_nearest("E307", "E308", where[-1], known, values), file=file)


def _with_nearest(near: str, far: str, word: str, known: list[str], values: dict[str, Any]) -> Issue:
    """The sentence with an offer where a known word is near, else the one without."""
    offer = nearest(word, known)
    return Issue(near, values=values | {"nearest": offer}) if offer else Issue(far, values=values)
