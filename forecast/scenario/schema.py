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
from typing import Annotated, Any, Literal, Protocol, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from forecast.basics import folders
from forecast.basics.issues import CannotReadWrite, InputRefused, Issue, UsageError

FIRST_YEAR, LAST_YEAR = 1950, 2100  # what a year in a scenario may be: the span of the shipped national pattern
OLDEST = 100  # the open age group

ProfileName = Literal["mobility", "students", "workers", "families"]


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


def _profile(value: Any) -> Any:
    """The name of a schedule, or weights by age as tuples: ages in order, no weight negative, not all zero."""
    if isinstance(value, str) and value in get_args(ProfileName):
        return value
    pairs = value if isinstance(value, list | tuple) and all(_is_pair(pair) for pair in value) else []
    ages, weights = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    good = all(_is_age(age) for age in ages) and all(before < age for before, age in pairwise(ages))
    good = good and all(_is_weight(weight) for weight in weights) and any(weight > 0 for weight in weights)
    if not good:
        raise PydanticCustomError(
            "profile", "a schedule or weights by age", {"names": ", ".join(get_args(ProfileName))}
        )
    return tuple((age, float(weight)) for age, weight in pairs)


def _is_age(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= OLDEST


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _parameters(value: Any) -> Any:
    """Nested tables of a model as dotted names, as TOML writes them: parameters.take_up = 0.1."""
    return dict(folders.dotted(value)) if isinstance(value, Mapping) else value


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
Persons = Annotated[float, Field(strict=True, ge=-1e8, le=1e8)]  # a year; below 0: fewer
DatedPersons = Annotated[
    tuple[tuple[Year, Persons], ...],
    BeforeValidator(_dated, json_schema_input_type=Persons | tuple[tuple[Year, Persons], ...]),
]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Age = Annotated[int, Field(strict=True, ge=0, le=OLDEST)]
Weights = tuple[tuple[Age, Annotated[float, Field(ge=0)]], ...]
Profile = Annotated[ProfileName | Weights, BeforeValidator(_profile, json_schema_input_type=ProfileName | Weights)]
Line = Annotated[str, Field(strict=True, min_length=1, max_length=1000)]

BASELINE: Any = ((FIRST_YEAR, 1.0),)
NOBODY: Any = ((FIRST_YEAR, 0.0),)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Text(_Part):
    """The same words in Chinese and English."""

    zh: Line
    en: Line


class Fertility(_Part):
    level: Factors = Field(
        default=BASELINE,
        description="Multiple of the baseline path of births per woman, by year (unit: 1; 1 = that path)",
    )


class Mortality(_Part):
    level: Factors = Field(
        default=BASELINE, description="Multiple of the baseline path of death rates, by year (unit: 1; 1 = that path)"
    )


class DestinationShift(_Part):
    """Some of the leavers of one county go to another place than before."""

    origin: Line = Field(description="Code of the county whose leavers choose otherwise")
    away_from: Line = Field(description='Where they no longer go: code of a county, or "outside" the region')
    towards: Line = Field(description='Where they go instead: code of a county, or "outside" the region')
    share: Share = Field(
        description="How many of those who would go to `away_from` (unit: share, 0 to 1), at every age, in every year"
    )

    @model_validator(mode="after")
    def _three_places(self) -> Self:
        if len({self.origin, self.away_from, self.towards}) < 3:
            places = f"{self.origin}, {self.away_from}, {self.towards}"
            raise PydanticCustomError("shift_places", "three different places", {"places": places})
        return self


class Migration(_Part):
    """What happens to migration. Levers on net persons are additive; a factor acts on gross flows alone, because a
    factor on a net turns its ages upside down where the total changes sign."""

    level: Balances = Field(
        default=BASELINE,
        description="Each county's net migration a year, by year (unit: multiple of its recent mean yearly net total; "
        "1 = as recently, 0 = nobody on balance); reached additively; where migration is given as net",
    )
    timing: Literal["end", "even", "even_nobirth", "mid"] = Field(
        default="end",
        description="When within the year migrants count (end: as in World Population Prospects 2024)",
    )
    counties: dict[str, Balances] = Field(
        default={},
        description="County code -> its own level instead of the one for all (unit: as level)",
    )
    add: DatedPersons = Field(
        default=NOBODY,
        description="Persons on top for the whole region, by year (unit: persons a year; below 0: fewer), spread over "
        "the counties in proportion to residents at the jump-off date",
    )
    add_counties: dict[str, DatedPersons] = Field(
        default={},
        description="County code -> persons on top for that county, besides its part of `add` (unit: persons a year)",
    )
    profile: Profile = Field(
        default="mobility",
        description="Ages at which what level, counties and add change falls: mobility (as the whole's migrants move), "
        "students, workers or families (model schedules), or [[age, weight], ...] (unit: relative number of "
        "persons of that completed age, both sexes alike; straight between ages, none outside)",
    )
    gross_factor: Factors = Field(
        default=BASELINE,
        description="Factor on rates of leaving and on arrivals from outside, by year (unit: 1); only where migration "
        "is given gross",
    )
    destination_shift: tuple[DestinationShift, ...] = Field(
        default=(),
        description="Leavers who go elsewhere than before, one shift after the other; only where migration is given "
        "by origin and destination",
    )
    closed: bool = Field(
        default=False, strict=True, description="true: nobody moves at all, in no county and at no age, in all years"
    )

    @property
    def changes(self) -> tuple[str, ...]:
        """The levers that move somebody's number; `profile` and `timing` say how, not how many."""
        levels = {"level": self.level, **{f"counties.{code}": path for code, path in self.counties.items()}}
        added = {"add": self.add, **{f"add_counties.{code}": path for code, path in self.add_counties.items()}}
        found = [key for key, path in levels.items() if _differs(path, 1.0)]
        return (*found, *(key for key, path in added.items() if _differs(path, 0.0)))

    @model_validator(mode="after")
    def _no_conflict(self) -> Self:
        others = list(self.changes)
        others += ["profile"] * (self.profile != "mobility")
        others += ["gross_factor"] * _differs(self.gross_factor, 1.0)
        others += ["destination_shift"] * bool(self.destination_shift)
        if self.closed and others:
            named = ", ".join(f"migration.{key}" for key in others)
            raise PydanticCustomError("closed_conflict", "nobody moves, yet some do", {"others": named})
        if self.profile != "mobility" and not self.changes:
            raise PydanticCustomError("profile_alone", "ages of a change, but no change")
        return self


def _differs(path: tuple[tuple[int, float], ...], usual: float) -> bool:
    return any(value != usual for _, value in path)


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


class HasFolder(Protocol):
    """What a scenario must know of a region: the folder in which `scenarios/` may lie."""

    @property
    def folder(self) -> Path: ...


def read_scenario(
    name_or_path: str | Path, overrides: Mapping[str, Any] | None = None, region: HasFolder | None = None
) -> Scenario:
    """The scenario of that name, or of that file (a Path, or text ending in .toml).

    A name is looked for in the folder `scenarios` of the region, if one is given, then among the shipped ones: a
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
        raise InputRefused([*faults, *(_issue(fault, path.name) for fault in error.errors())]) from None
    if not folders.is_safe_name(scenario.id):
        faults.append(Issue("E318", file=path.name, values={"name": scenario.id}))
    if faults:
        raise InputRefused(faults)
    return scenario


def list_scenarios(region: HasFolder | None = None) -> list[Scenario]:
    """The scenarios that `read_scenario` finds by name: the baseline first, then the shipped ones, then the region's."""
    return [read_scenario(name, region=region) for name in _known(region)]


def _known(region: HasFolder | None) -> dict[str, Path]:
    """Name -> file of the shipped scenarios, the baseline first, and of the region's own, which replace them."""
    return _in_folder(folders.folder("scenarios")) | (_in_folder(region.folder / "scenarios") if region else {})


def _in_folder(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.glob("*.toml"), key=lambda path: _baseline_first(path.stem))}


def schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors that complete and check TOML."""
    found = Scenario.model_json_schema()
    del found["properties"]["overrides"]
    found["properties"]["extends"] = {"type": "string", "description": "Scenario that this one departs from"}
    found["required"] = ["name", "description"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


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
        raise InputRefused(Issue("E313", file=path.name, values={"field": "extends", "found": _show(parent)}))
    base = _read_with_parents(_locate_parent(parent, path, known), (*children, path.resolve()), known)
    own = {key: value for key, value in base.items() if key not in ("id", "name", "description")}
    return _merge(own, table)


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
    if kind in _OWN:
        return Issue(_OWN[kind], file=file, values=values | bounds)
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
    offers = get_close_matches(word, known, n=1)
    return Issue(near, values=values | {"nearest": offers[0]}) if offers else Issue(far, values=values)


def _show(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"
