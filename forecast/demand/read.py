"""Reading models, checking them, and putting a bureau's own numbers in the place of shipped ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from forecast.basics.ages import age_bounds
from forecast.basics.catalogue import catalogue
from forecast.basics.folders import folder
from forecast.basics.issues import CannotReadWrite, Finding, InputRefused, Issue, as_json, from_pydantic, nearest
from forecast.basics.toml_files import NotToml, read_toml
from forecast.basics.units import UNITS
from forecast.demand.methods.linear import METHODS, Method, Need
from forecast.demand.model import (
    LEVELS,
    QUANTITY_UNITS,
    SPREADS,
    STANDARDS,
    DemandModel,
    Quantity,
    Standard,
    Supply,
)
from forecast.services import NEEDED, Service, school_stages, services

Raw = dict[str, Any]
WORDS = ("name", "thing", "short", "people")
"""Entries of `[service]` that stand in both languages."""

_LEAD_TIME = Need("years", ("number",), 0, 30)
_COSTS = {
    "building": Need("yuan per m2", ("number",), 1, 1e6),
    "rent": Need("yuan per m2 and year", ("number",), 0, 1e6),
    "upkeep": Need("yuan per m2 and year", ("number",), 0, 1e6),
    "salvage": Need("yuan per m2", ("number",), 0, 1e6),
    "life": Need("years", ("number",), 1, 200),
    "discount": Need("per year", ("number",), 0, 0.2),
}


def read_models(path: str | Path | None = None, own: Path | None = None) -> dict[str, DemandModel]:
    """id -> model, in the order of the files' `order`; from the shipped folder, another folder, or one file.

    own: a folder with more of them, of which one of a known name takes the other's place.

    Raises CannotReadWrite where there is nothing to read, InputRefused with all the faults of all the files.
    """
    raws, issues = _read_files(folder("models") if path is None else Path(path))
    if own is not None:
        own_raws, faults = _read_files(own)
        raws, issues = raws | own_raws, issues + faults
    models: dict[str, DemandModel] = {}
    for file, raw in raws.items():
        model, model_issues = check_model(raw, file)
        issues += model_issues
        if model:
            models[model.id] = model
    issues += _check_together(raws)
    if issues:
        raise InputRefused(issues)
    return dict(sorted(models.items(), key=lambda item: item[1].order))


def with_overrides(
    models: Mapping[str, DemandModel], overrides: Mapping[str, Mapping[str, Any]]
) -> dict[str, DemandModel]:
    """The models with other numbers: {service: {"parameters.take_up": 0.2}}. The given models stay as they are.

    A number may come alone (it keeps its unit, and counts as assumed) or as a table with its own value, source and
    basis. The number it replaces stays beside it as `replaces`. Raises InputRefused with all the faults.
    """
    issues: list[Issue] = []
    changed = dict(models)
    for name, values in overrides.items():
        if name not in models:
            issues.append(_issue("E411", None, name, expected=_listed(models), nearest=_nearest(name, models)))
            continue
        raw = models[name].model_dump(exclude_none=True)
        where = f"models.{name}"
        for key, value in values.items():
            issues += _replace(raw, key, value, where)
        model, model_issues = check_model(raw, where)
        issues += model_issues
        if model:
            changed[name] = model
    if issues:
        raise InputRefused(issues)
    return changed


def _read_files(place: Path) -> tuple[dict[str, Raw], list[Issue]]:
    """File name -> its content; TOML faults as issues."""
    files = sorted(place.glob("*.toml")) if place.is_dir() else [place]
    if not files or not all(file.is_file() for file in files):
        raise CannotReadWrite(_issue("E401", str(place), ""))
    raws: dict[str, Raw] = {}
    issues = []
    for file in files:
        try:
            raws[file.name] = read_toml(file)
        except NotToml as fault:
            issues.append(Issue("E402", file=file.name, row=fault.row, values={"found": str(fault)}))
        except OSError as fault:
            raise CannotReadWrite(_issue("E401", str(file), "")) from fault
    return raws, issues


def _check_together(raws: Mapping[str, Raw]) -> list[Issue]:
    """A file is named after its model, and no two models stand at the same place in the order."""
    issues = []
    for file, raw in raws.items():
        if isinstance(raw.get("id"), str) and raw["id"] != Path(file).stem:
            issues.append(_issue("E410", file, "id", found=raw["id"], expected=Path(file).stem))
    sections = {file: _section(raw) for file, raw in raws.items()}
    issues += _check_moves(sections, {*services(), *(Path(file).stem for file in raws)})
    places = {file: section["order"] for file, section in sections.items() if isinstance(section.get("order"), int)}
    for file, place in places.items():
        others = [name for name, other in places.items() if name != file and other == place]
        if others:
            issues.append(_issue("E415", file, "service.order", found=place, other=", ".join(others)))
    return issues


def _check_moves(sections: Mapping[str, Raw], known: set[str]) -> Iterable[Issue]:
    """A service moves into the buildings of services that there are."""
    for file, section in sections.items():
        moves = section.get("moves_into")
        for name in map(str, moves if isinstance(moves, list) else ()):
            if name not in known:
                item, expected = f"service.moves_into: {name}", _listed(sorted(known))
                yield _issue("E403", file, item, expected=expected, nearest=_nearest(name, known))


def check_model(raw: Raw, file: str) -> tuple[DemandModel | None, list[Issue]]:
    """The model, or None and everything that is wrong with it; `file` is the place that the issues name."""
    issues = list(_check_names(raw, file))
    model = None
    try:
        model = DemandModel.model_validate(raw)
    except ValidationError as faults:
        issues += from_pydantic(faults, lambda found: _told(found, file))
    if model and not issues:
        method = METHODS[model.method]
        issues += [*_check_parameters(model, method, file), *_check_spreads(model, method, file)]
        issues += _check_standards(model, file)
    return (None if issues else model), issues


def _check_names(raw: Raw, file: str) -> Iterable[Issue]:
    """Names that must come from a closed list: method, units, parameters and standards."""
    method = raw.get("method")
    if isinstance(method, str) and method not in METHODS:
        yield _issue("E406", file, "method", found=method, expected=_listed(METHODS), nearest=_nearest(method, METHODS))
    yield from _check_service(_section(raw), file)
    for key, quantity in _raw_quantities(raw):
        unit = quantity.get("unit")
        if isinstance(unit, str) and unit not in QUANTITY_UNITS:
            yield _issue("E407", file, f"{key}.unit", found=unit, expected=_listed(QUANTITY_UNITS))
    if not isinstance(method, str) or method not in METHODS:
        return
    needs = METHODS[method]
    lists = {
        "parameters": needs.known,
        "uncertainty": needs.powers,
        "uncertainty_by_county": needs.powers,
        "standards": needs.standards,
    }
    for section, known in lists.items():
        have = raw.get(section, {})
        for name in have if isinstance(have, dict) else ():
            if name not in known:
                nearest = _nearest(name, known)
                yield _issue("E403", file, f"{section}.{name}", expected=_listed(known), nearest=nearest)
    have = raw.get("parameters")
    if isinstance(have, dict):
        for name, need in needs.parameters.items():
            if name not in have:
                example = f'{{ value = …, unit = "{need.unit}", source = "…", basis = "…" }}'
                yield _issue("E404", file, f"parameters.{name}", expected=example)


def _section(raw: Raw) -> Raw:
    """The section `[service]`; empty where it is none."""
    section = raw.get("service")
    return section if isinstance(section, dict) else {}


def _check_service(section: Raw, file: str) -> Iterable[Issue]:
    """Words in both languages, and names that must come from a closed list: unit, stages, use and building."""
    for key in WORDS:
        words = section.get(key)
        if words is not None and not (isinstance(words, dict) and set(words) == {"zh", "en"} and all(words.values())):
            yield _issue("E405", file, f"service.{key}", found=as_json(words), expected=_NAMES)
    unit = section.get("unit")
    if isinstance(unit, str) and unit not in UNITS:
        yield _issue("E407", file, "service.unit", found=unit, expected=_listed(UNITS))
    closed = {
        "stage": school_stages().stages,
        "parts": school_stages().stages,
        "entered_from": school_stages().stages,
        "use": _uses(),
        "building": _buildings(),
    }
    for key, known in closed.items():
        given = section.get(key)
        for word in given if isinstance(given, list | tuple) else [given]:
            if isinstance(word, str) and word and word not in known:
                near = _nearest(word, known)
                yield _issue("E403", file, f"service.{key}: {word}", expected=_listed(known), nearest=near)


def _uses() -> list[str]:
    """Names of what changes the share of people who use a service, which a flag's sentence can say."""
    return [key.split(".")[2] for key in catalogue() if key.startswith("waves.driver.") and key.endswith(".more")]


def _buildings() -> list[str]:
    """Kinds of buildings of which the advice says what they become."""
    start = "waves.advice.structural_surplus_"
    return [key.removeprefix(start) for key in catalogue() if key.startswith(start)]


def _raw_quantities(raw: Raw) -> Iterable[tuple[str, Raw]]:
    """Dotted name and table of whatever looks like a number with a unit."""

    def walk(prefix: str, node: object) -> Iterable[tuple[str, Raw]]:
        if isinstance(node, dict):
            if "unit" in node and prefix:
                yield prefix, node
            else:
                for key, child in node.items():
                    yield from walk(f"{prefix}.{key}" if prefix else key, child)

    for section in ("parameters", "uncertainty", "uncertainty_by_county", "standards", "supply", "costs"):
        yield from walk(section, raw.get(section))


def _check_parameters(model: DemandModel, method: Method, file: str) -> Iterable[Issue]:
    """Each parameter has the unit, kind and range that the method needs; tables cover the model's ages."""
    given = {name: need for name, need in method.known.items() if name in model.parameters}
    asked = {f"parameters.{name}": (model.parameters[name], need) for name, need in given.items()}
    asked["supply.lead_time"] = (model.supply.lead_time, _LEAD_TIME)
    if model.costs:
        asked |= {f"costs.{name}": (quantity, _COSTS[name]) for name, quantity in model.costs.given().items()}
    for key, (quantity, need) in asked.items():
        if quantity.unit != need.unit:
            yield _issue("E407", file, f"{key}.unit", found=quantity.unit, expected=need.unit)
        if quantity.kind not in need.kinds:
            expected = " / ".join(_KINDS[kind] for kind in need.kinds)
            yield _issue("E405", file, f"{key}.value", found=as_json(quantity.value), expected=expected)
        elif wrong := [number for number in quantity.numbers() if not need.low <= number <= need.high]:
            yield _issue("E409", file, f"{key}.value", found=as_json(wrong[0]), low=need.low, high=need.high)
        elif quantity.kind == "table" and (gaps := _uncovered(quantity, model)):
            expected = f"{model.ages[0]}-{model.ages[1]}"
            yield _issue("E413", file, f"{key}.value", found=_listed(gaps), expected=expected)


def _check_spreads(model: DemandModel, method: Method, file: str) -> Iterable[Issue]:
    """A spread is one number on a scale that the parameter has: a logit only where it is a dated share."""
    for key, spread in model.spreads().items():
        name = key.partition(".")[2]
        share = method.parameters[name].high <= 1 and model.parameters[name].kind in ("number", "path")
        units = [SPREADS[scale] for scale in SPREADS if scale == "log" or share]
        if spread.unit not in units:
            yield _issue("E407", file, f"{key}.unit", found=spread.unit, expected=" / ".join(units))
        if spread.kind != "number":
            yield _issue("E405", file, f"{key}.value", found=as_json(spread.value), expected=_KINDS["number"])
        elif not 0 <= spread.value <= 3:
            yield _issue("E409", file, f"{key}.value", found=as_json(spread.value), low=0, high=3)


def _uncovered(quantity: Quantity, model: DemandModel) -> list[int]:
    first, last = model.ages
    covered = {age for label in quantity.value for age in range(age_bounds(label)[0], age_bounds(label)[1] + 1)}
    return sorted(set(range(first, last + 1)) ^ covered)


def _check_standards(model: DemandModel, file: str) -> Iterable[Issue]:
    """Units and kinds; and a local standard may be stricter than the wider one, never looser."""
    for name, standard in model.standards.items():
        units, stricter = STANDARDS[name]
        levels = standard.given()
        if not levels:
            yield _issue("E404", file, f"standards.{name}.national", expected=" / ".join(units))
        sound = True
        for level, quantity in levels.items():
            key = f"standards.{name}.{level}"
            if quantity.unit not in units:
                yield _issue("E407", file, f"{key}.unit", found=quantity.unit, expected=" / ".join(units))
                sound = False
            if quantity.kind not in ("number", "path") or min(quantity.numbers()) <= 0:
                expected = f"{_KINDS['number']} / {_KINDS['path']}, > 0"
                yield _issue("E405", file, f"{key}.value", found=as_json(quantity.value), expected=expected)
                sound = False
        if sound:
            yield from _check_stricter(name, levels, stricter, file)


def _check_stricter(name: str, levels: Mapping[str, Quantity], stricter: str, file: str) -> Iterable[Issue]:
    wider: list[tuple[str, Quantity]] = []
    for level, quantity in levels.items():
        for above, limit in wider:
            years = sorted({year for year, _ in (*quantity.dated, *limit.dated)})
            for year, value, bound in zip(years, quantity.at(years), limit.at(years), strict=True):
                if (value > bound) if stricter == "lower" else (value < bound):
                    key = f"standards.{name}.{level}"
                    when = f" ({year})" if year else ""
                    limits = {"level": f"standards.{name}.{above}", "limit": f"{bound:g}"}
                    yield _issue("E408", file, key, found=f"{value:g}{when}", **limits)
                    break
        wider.append((level, quantity))


def _replace(raw: Raw, key: str, value: object, where: str) -> Iterable[Issue]:
    """Puts a value into the raw model in place; issues where the key leads nowhere."""
    parts = key.split(".")
    if len(parts) == 3 and parts[0] == "standards" and parts[2] in LEVELS and parts[1] in raw["standards"]:
        given = raw["standards"][parts[1]]
        if parts[2] not in given:  # a level of one's own starts from the most local one there is
            given[parts[2]] = given[[level for level in LEVELS if level in given][-1]]
    node: Any = raw
    for depth, part in enumerate(parts):
        if not isinstance(node, dict) or part not in node:
            known = node if isinstance(node, dict) else {}
            return [_issue("E412", where, key, expected=_listed(known), nearest=_nearest(part, known))]
        if depth == len(parts) - 1:
            node[part] = _replaced(node[part], value) if _is_quantity(node[part]) else value
            return []
        if _is_quantity(node[part]):
            new = _inside(node[part], parts[depth + 1 :], value)
            if new is None:
                groups = list(node[part]["value"]) if isinstance(node[part]["value"], dict) else []
                names = ["value", *groups]
                nearest = _nearest(parts[depth + 1], names)
                return [_issue("E412", where, key, expected=_listed(names), nearest=nearest)]
            node[part] = new
            return []
        node = node[part]
    return []


def _is_quantity(node: object) -> bool:
    return isinstance(node, dict) and "value" in node and "basis" in node


def _replaced(old: Raw, new: object) -> Raw:
    """A number in place of another, which it carries along."""
    first = old.get("replaces", old)
    if isinstance(new, Mapping) and "value" in new:
        entry = {"source": "override", "basis": "assumed", **new}
    else:
        entry = {"value": new, "source": "override", "basis": "assumed"}
    return {"unit": old["unit"], **entry, "replaces": first}


def quantity_in_place(shipped: Quantity, value: object, file: str, key: str) -> tuple[Quantity | None, list[Issue]]:
    """A number in the place of a shipped one, alone or as a table, or None and everything that is wrong with it: it
    keeps the unit, is a number or a path as the shipped one is, is not negative, and a share is 1 at most."""
    try:
        given = Quantity.model_validate(_replaced(shipped.model_dump(exclude_none=True), value))
    except ValidationError as faults:
        return None, from_pydantic(
            faults, lambda fault: _told(dataclasses.replace(fault, keys=(key, *fault.keys)), file)
        )
    if given.unit != shipped.unit:
        return None, [_issue("E407", file, f"{key}.unit", found=given.unit, expected=shipped.unit)]
    share = shipped.unit == "1"
    if given.kind not in ("number", "path") or min(given.numbers()) < 0 or (share and max(given.numbers()) > 1):
        expected = f"{_KINDS['number']} / {_KINDS['path']}, " + ("0–1" if share else ">= 0")
        return None, [_issue("E405", file, key, found=as_json(value), expected=expected)]
    return given, []


def _inside(old: Raw, rest: list[str], value: object) -> Raw | None:
    """`….value` and `….<age group>` of a number; None for anything else."""
    if rest == ["value"]:
        return _replaced(old, value)
    if isinstance(old["value"], dict) and len(rest) == 1 and rest[0] in old["value"]:
        return _replaced(old, {**old["value"], rest[0]: value})
    return None


_KINDS = {
    "number": "0.85",
    "path": "[[2021, 0.06], [2035, 0.3]]",
    "span": "[6, 11]",
    "table": '{ "60-64" = 0.01, "65+" = 0.02 }',
}
"""Kind of value -> an example of it, which reads the same in every language."""


def _told(finding: Finding, file: str) -> Issue:
    """One thing that pydantic found, as an issue of the catalogue."""
    steps = [str(key) for key in finding.keys]
    key = ".".join(steps)
    if finding.kind in ("extra_forbidden", "unexpected_keyword_argument"):
        known = _fields(steps[:-1])
        return _issue("E403", file, key, expected=_listed(known), nearest=_nearest(steps[-1], known))
    if finding.kind == "missing":
        return _issue("E404", file, key, expected=_EXPECTED.get(steps[-1], steps[-1]))
    if finding.kind == "quantity":
        return _issue("E405", file, key, found=finding.found, expected=" / ".join(_KINDS.values()))
    choices = str(finding.context.get("expected", "")).replace("'", "").replace(" or ", ", ")
    expected = choices or finding.context.get("pattern") or _EXPECTED.get(steps[-1]) or finding.kind
    return _issue("E405", file, key, found=finding.found, expected=str(expected))


_NAMES = '{ zh = "…", en = "…" }'

_EXPECTED = {
    "source": '"…"',
    "unit": '"…"',
    "basis": "published / derived / assumed",
    "value": "0.85 / [[2021, 0.06], [2035, 0.3]] / [6, 11]",
    "name": _NAMES,
    "note": _NAMES,
    "domain": "education / childcare / elder_care / health",
    "population": "resident / registered",
    "service": f"[service] {', '.join(NEEDED)}, …",
    "lead_time": '{ value = 3, unit = "years", source = "…", basis = "…" }',
    "standards": "[standards.class_size.national] value, unit, source, basis",
    "parameters": "[parameters]",
    "supply": "[supply.lead_time] value, unit, source, basis",
    "order": "1, 2, 3, …",
    "method": " / ".join(METHODS),
}
"""What belongs under a key, in the notation of the file."""


def _fields(steps: list[str]) -> list[str]:
    """The keys that may stand at this place of a model."""
    if not steps:
        return list(DemandModel.model_fields)
    if steps[0] == "standards" and len(steps) == 2:
        return list(Standard.model_fields)
    if steps in (["supply"], ["service"]):
        return [field.name for field in fields(Service)] if steps == ["service"] else list(Supply.model_fields)
    if steps[0] in ("name", "note"):
        return ["zh", "en"]
    return [name for name in Quantity.model_fields if name != "replaces"]


def _issue(code: str, file: str | None, key: str, **values: object) -> Issue:
    return Issue(code, file=file, values={"item": key, **values})


def _listed(names: Iterable[object]) -> str:
    return ", ".join(str(name) for name in names) or "-"


def _nearest(name: str, known: Iterable[str]) -> str:
    """The known name that looks most like this one, however little."""
    return nearest(name, known, cutoff=0.0) or "-"
