"""What could happen: a scenario file, checked once and frozen.

A scenario says how births, deaths and migration depart from the calibrated baseline path, and which numbers
of the demand models it replaces. It `extends` another one, so that a file holds only what differs. TOML
because YAML reads the county code 010101 as 4161.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from forecast import content
from forecast.errors import CannotReadWrite, InputRefused, Issue, UsageError

FIRST_YEAR, LAST_YEAR = (
    1950,
    2100,
)  # what a year in a scenario may be: the span of the shipped national pattern


def _dated(value: Any) -> Any:
    """Lists become tuples; one number alone holds for all years."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ((FIRST_YEAR, value),)
    if not isinstance(value, list | tuple) or not value or not all(_is_pair(pair) for pair in value):
        raise PydanticCustomError("dated_path", "one number, or numbers with their years")
    years = [pair[0] for pair in value]
    for before, year in pairwise(years):
        if isinstance(year, int) and isinstance(before, int) and year <= before:
            raise PydanticCustomError("years_order", "years in order", {"year": year, "before": before})
    return tuple(tuple(pair) for pair in value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


def _parameters(value: Any) -> Any:
    """Nested tables of a model as dotted names, as TOML writes them: parameters.take_up = 0.1."""
    return dict(content.dotted(value)) if isinstance(value, Mapping) else value


Year = Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR)]
Factor = Annotated[float, Field(strict=True, ge=0, le=10)]
Balance = Annotated[float, Field(strict=True, ge=-10, le=10)]  # below 0: gains become losses
Factors = Annotated[
    tuple[tuple[Year, Factor], ...],
    BeforeValidator(_dated, json_schema_input_type=Factor | tuple[tuple[Year, Factor], ...]),
]
Balances = Annotated[
    tuple[tuple[Year, Balance], ...],
    BeforeValidator(_dated, json_schema_input_type=Balance | tuple[tuple[Year, Balance], ...]),
]
Line = Annotated[str, Field(strict=True, min_length=1, max_length=1000)]

BASELINE: Any = ((FIRST_YEAR, 1.0),)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Text(_Part):
    """The same words in Chinese and English."""

    zh: Line
    en: Line


class Fertility(_Part):
    level: Factors = Field(default=BASELINE, description="Multiple of the baseline path of births per woman, by year")


class Mortality(_Part):
    level: Factors = Field(default=BASELINE, description="Multiple of the baseline path of death rates, by year")


class Migration(_Part):
    level: Balances = Field(
        default=BASELINE,
        description="Multiple of each county's recent mean yearly net migration total, by year (0: none)",
    )
    timing: Literal["end", "even", "even_nobirth", "mid"] = Field(
        default="end",
        description="When within the year migrants count (end: as in World Population Prospects 2024)",
    )
    counties: dict[str, Balances] = Field(
        default={}, description="County code -> its own level instead of the one for all"
    )


class Demand(_Part):
    view: Literal["behaviour", "norm"] = Field(
        default="behaviour", description="What gaps rest on: what people will use, or what the standard asks"
    )


class Scenario(_Part):
    """A frozen scenario. Levels are dated multiples of the baseline path (`dims.at_years` reads them)."""

    id: Line = Field(description="Short name: letters, digits, _ and -; by default the name of the file")
    name: Text
    description: Text
    horizon: Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR)] = Field(
        default=2050, description="Last projected year"
    )
    fertility: Fertility = Fertility()
    mortality: Mortality = Mortality()
    migration: Migration = Migration()
    demand: Demand = Demand()
    models: dict[str, Annotated[dict[str, Any], BeforeValidator(_parameters)]] = Field(
        default={}, description="Model -> dotted parameter -> number used instead of the model's own"
    )
    overrides: dict[str, Any] = Field(default={}, description="What the caller set on top of the file; never in a file")


def read_scenario(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """The scenario of that name among the shipped ones, or of that file (a Path, or text ending in .toml).

    `overrides`: dotted key -> value, e.g. {"migration.level": 2, "horizon": 2040}; text is read as a TOML
    value where it is one. Raises UsageError (no such scenario, bad name), CannotReadWrite (no such file) and
    InputRefused with every fault found.

    >>> read_scenario("baseline", {"horizon": "2040"}).horizon
    2040
    """
    path = _locate(name_or_path, content.folder("scenarios"))
    table = _read_with_parents(path, ())
    table.setdefault("id", path.stem)
    given = {key: _value(text) for key, text in (overrides or {}).items()}
    faults = [_unknown(("overrides",), path.name)] if "overrides" in table else []
    for key, value in given.items():
        _set(table, key.split("."), value)
    table["overrides"] = given
    try:
        scenario = Scenario.model_validate(table)
    except ValidationError as error:
        raise InputRefused([*faults, *(_issue(fault, path.name) for fault in error.errors())]) from None
    if not content.is_safe_name(scenario.id):
        faults.append(Issue("E318", file=path.name, values={"name": scenario.id}))
    if faults:
        raise InputRefused(faults)
    return scenario


def list_scenarios() -> list[Scenario]:
    """The shipped scenarios, the baseline first, then by name."""
    names = sorted((path.stem for path in content.folder("scenarios").glob("*.toml")), key=_baseline_first)
    return [read_scenario(name) for name in names]


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors that complete and check TOML."""
    found = Scenario.model_json_schema()
    del found["properties"]["overrides"]
    found["properties"]["extends"] = {"type": "string", "description": "Scenario that this one departs from"}
    found["required"] = ["name", "description"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _baseline_first(name: str) -> tuple[bool, str]:
    return name != "baseline", name


def _locate(name_or_path: str | Path, folder: Path) -> Path:
    if isinstance(name_or_path, Path) or name_or_path.endswith(".toml"):
        return Path(name_or_path)
    if not content.is_safe_name(name_or_path):
        raise UsageError(Issue("E318", values={"name": name_or_path}))
    known = sorted((path.stem for path in folder.glob("*.toml")), key=_baseline_first)
    if name_or_path not in known:
        values = {"name": name_or_path, "known": ", ".join(known)}
        raise UsageError(_with_nearest("E301", "E302", name_or_path, known, values))
    return folder / f"{name_or_path}.toml"


def _read_with_parents(path: Path, children: tuple[Path, ...]) -> dict[str, Any]:
    """The file's table laid over the one it extends: tables merge, anything else is replaced."""
    if path.resolve() in children:
        chain = " → ".join(child.stem for child in (*children, path))
        raise InputRefused(Issue("E319", file=path.name, values={"chain": chain}))
    table = _read(path)
    if "extends" not in table:
        return table
    parent = table.pop("extends")
    if not isinstance(parent, str):
        raise InputRefused(Issue("E313", file=path.name, values={"field": "extends", "found": _show(parent)}))
    base = _read_with_parents(_locate_parent(parent, path), (*children, path.resolve()))
    own = {key: value for key, value in base.items() if key not in ("id", "name", "description")}
    return _merge(own, table)


def _locate_parent(parent: str, path: Path) -> Path:
    """A file or a name beside the child, else the shipped scenario of that name."""
    beside = path.parent / (parent if parent.endswith(".toml") else f"{parent}.toml")
    if parent.endswith(".toml") or (content.is_safe_name(parent) and beside.is_file()):
        return beside
    try:
        return _locate(parent, content.folder("scenarios"))
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
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise CannotReadWrite(Issue("E303", file=str(path))) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotReadWrite(Issue("E304", file=str(path), values={"reason": reason})) from error
    except UnicodeDecodeError:
        raise InputRefused(Issue("E305", file=path.name)) from None
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        row = int(line[1]) if line else None
        raise InputRefused(Issue("E306", file=path.name, row=row, values={"reason": str(error)})) from None


def _value(text: Any) -> Any:
    """What an override means: TOML where it is TOML (2, [[2024, 1.0]], true), else the text itself."""
    if not isinstance(text, str):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"] if "\n" not in text else text
    except tomllib.TOMLDecodeError:
        return text


def _set(table: dict[str, Any], keys: list[str], value: Any) -> None:
    """Puts the value at its dotted place, making the tables on the way."""
    *path, last = keys
    for key in path:
        below = table.get(key)
        table[key] = dict(below) if isinstance(below, Mapping) else {}
        table = table[key]
    table[last] = value


def _issue(fault: ErrorDetails, file: str) -> Issue:
    """One fault that pydantic found, as an issue of the catalogue."""
    kind, found, bounds = fault["type"], _show(fault["input"]), fault.get("ctx", {})
    where = tuple(part for part in fault["loc"] if isinstance(part, str))  # numbers count along a path
    values: dict[str, Any] = {"field": ".".join(where), "found": found}
    if kind == "extra_forbidden":
        return _unknown(where, file)
    if kind == "years_order":
        return Issue("E316", file=file, values=values | bounds)
    if kind in ("greater_than_equal", "less_than_equal"):
        limit = f"≥ {bounds['ge']}" if "ge" in bounds else f"≤ {bounds['le']}"
        return Issue("E310", file=file, values=values | {"limit": limit})
    if kind == "literal_error":
        choices = ", ".join(re.findall(r"'([^']+)'", str(bounds["expected"])))
        return Issue("E314", file=file, values=values | {"choices": choices})
    return Issue(_CODES.get(kind, "E320"), file=file, values=values)


_CODES = {
    "missing": "E309",
    "float_type": "E311",
    "finite_number": "E311",
    "int_type": "E312",
    "string_type": "E313",
    "string_too_short": "E313",
    "dated_path": "E315",
    "dict_type": "E317",
    "model_type": "E317",
    "model_attributes_type": "E317",
}


def _unknown(where: tuple[str, ...], file: str) -> Issue:
    part: Any = Scenario
    for key in where[:-1]:
        part = part.model_fields[key].annotation
    known = ["extends"] * (part is Scenario) + [key for key in part.model_fields if key != "overrides"]
    values = {"field": ".".join(where), "known": ", ".join(known)}
    return replace(_with_nearest("E307", "E308", where[-1], known, values), file=file)


def _with_nearest(near: str, far: str, word: str, known: list[str], values: dict[str, Any]) -> Issue:
    """The sentence with an offer where a known word is near, else the one without."""
    offers = get_close_matches(word, known, n=1)
    return Issue(near, values=values | {"nearest": offers[0]}) if offers else Issue(far, values=values)


def _show(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"
