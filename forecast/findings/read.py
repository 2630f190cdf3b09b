"""Standards and rules of a run, read once at its start: the shipped ones and, in their place, the region's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from forecast.basics.folders import folder
from forecast.basics.issues import InputRefused, Issue, as_json, nearest
from forecast.basics.toml_files import read_toml
from forecast.demand.model import Quantity
from forecast.demand.read import quantity_in_place
from forecast.demand.schools.standards import SchoolStandards
from forecast.findings.levels import WarningRules
from forecast.findings.sharing import SharingRules
from forecast.region import RULE_FILES, Region

Raw = Mapping[str, Any]


@dataclass(frozen=True)
class OwnRule:
    """An entry that a region gives itself: its file, its key, what stands there and what the shipped file says."""

    file: str
    key: str
    value: Quantity | tuple[str, ...]
    shipped: Quantity | tuple[str, ...]


@dataclass(frozen=True)
class Rules:
    """Standards of schools, rules of warning and of sharing; `own`: those of their entries that the region gives."""

    standards: SchoolStandards
    warning: WarningRules
    sharing: SharingRules
    own: tuple[OwnRule, ...] = ()


def read_rules(region: Region | None = None) -> Rules:
    """The shipped standards and rules, with the region's own entries in the place of theirs.

    Raises InputRefused with every fault of the region's files.
    """
    issues: list[Issue] = []
    own_rules: list[OwnRule] = []
    tables = []
    for file in RULE_FILES:
        name, _, rest = file.partition("/")
        entries = dict(_entries(read_toml(folder(name) / rest)))
        given = {} if region is None else region.rules.get(file, {})
        replaced, faults = _replaced(entries, given, file)
        issues += faults
        own_rules += [OwnRule(file, key, value, entries[key]) for key, value in replaced.items()]
        tables.append(entries | replaced)
    standards, warning, sharing = tables
    if issues:
        raise InputRefused(issues)
    return Rules(SchoolStandards(standards), WarningRules.of(warning), SharingRules.of(sharing), tuple(own_rules))


def _entries(table: Raw, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Dotted key -> Quantity, or names as a tuple."""
    for key, value in table.items():
        if isinstance(value, Mapping) and "value" not in value:
            yield from _entries(value, f"{prefix}{key}.")
        else:
            yield prefix + key, Quantity.model_validate(value) if isinstance(value, Mapping) else tuple(value)


def _replaced(entries: Raw, given: Raw, file: str) -> tuple[dict[str, Any], list[Issue]]:
    """Entries that a region's file gives, and what is wrong with them: unknown keys, other units, no such answer."""
    replaced: dict[str, Any] = {}
    issues: list[Issue] = []
    for key, value in _leaves(given, entries):
        shipped = entries.get(key)
        if shipped is None:
            like = nearest(key, entries, cutoff=0.0)
            issues.append(Issue("E403", file, values={"item": key, "expected": ", ".join(entries), "nearest": like}))
        elif isinstance(shipped, tuple):
            known = sorted({name for names in entries.values() if isinstance(names, tuple) for name in names})
            if isinstance(value, list) and value and set(map(str, value)) <= set(known):
                replaced[key] = tuple(value)
            else:
                expected = as_json(known, length=200)
                issues.append(Issue("E405", file, values={"item": key, "found": as_json(value), "expected": expected}))
        else:
            quantity, faults = quantity_in_place(shipped, value, file, key)
            issues += faults
            if quantity is not None:
                replaced[key] = quantity
    return replaced, issues


def _leaves(table: Raw, entries: Raw, prefix: str = "") -> Iterable[tuple[str, object]]:
    """Dotted keys with what stands there, down to the keys that the shipped file has, or to no table."""
    for key, value in table.items():
        path = prefix + key
        if path not in entries and isinstance(value, Mapping) and any(name.startswith(f"{path}.") for name in entries):
            yield from _leaves(value, entries, f"{path}.")
        else:
            yield path, value
