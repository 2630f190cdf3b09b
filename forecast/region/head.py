"""region.toml and pattern.toml: what a region is called, which year it starts from, and which pattern it uses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecast.basics.catalogue import say_both
from forecast.basics.folders import is_safe_name
from forecast.basics.issues import nearest
from forecast.basics.text import Text
from forecast.basics.toml_files import NotToml, parse_toml
from forecast.region.faults import Faults, hint, shown
from forecast.region.files import Opened, open_text

REGION_FILE, PATTERN_FILE = "region.toml", "pattern.toml"
SETTINGS = ("derivation", "supply_split", "notes", "models", "school_system")
"""Keys that the engine reads later; kept as they are in `Region.settings`."""
JUMP_OFF = (1950, 2100)


@dataclass(frozen=True)
class Head:
    """The region itself, as region.toml describes it."""

    id: str
    name: Text
    area: str
    parent: str | None
    areas: Mapping[str, Text]
    jump_off_year: int | None  # None: the tables decide
    pattern: str | None
    settings: Mapping[str, Any]
    opened: Opened


@dataclass(frozen=True)
class PatternHead:
    """The area that the tables of a pattern are for, and who made them, as pattern.toml says."""

    id: str
    name: Text
    area: str
    licence: str
    citation: str
    opened: Opened


def read_head(folder: Path, findings: Faults) -> Head | None:
    """region.toml, with every fault of it told; None where the tables cannot be judged without it."""
    loaded = load_toml(folder / REGION_FILE, REGION_FILE, findings)
    if loaded is None:
        return None
    opened, given = loaded
    need = _Keys(REGION_FILE, opened.text, given, findings)
    head = Head(
        id=need.name("id"),
        name=need.names("name"),
        area=need.text("area"),
        parent=need.text("parent", optional=True) or None,
        areas=need.areas("areas"),
        jump_off_year=need.year("jump_off_year", optional=True),
        pattern=need.name("pattern", optional=True) or None,
        settings={key: given[key] for key in SETTINGS if key in given},
        opened=opened,
    )
    need.refuse_others(("id", "name", "area", "parent", "areas", "jump_off_year", "pattern", *SETTINGS))
    return head if need.complete else None


def read_pattern_head(folder: Path, prefix: str, findings: Faults) -> PatternHead | None:
    """pattern.toml of a pattern folder; `prefix` is how its files are called in messages."""
    file = prefix + PATTERN_FILE
    loaded = load_toml(folder / PATTERN_FILE, file, findings)
    if loaded is None:
        return None
    opened, given = loaded
    need = _Keys(file, opened.text, given, findings)
    head = PatternHead(
        id=need.name("id"),
        name=need.names("name"),
        area=need.text("area"),
        licence=need.text("licence"),
        citation=need.text("citation"),
        opened=opened,
    )
    need.refuse_others(("id", "name", "area", "licence", "citation"))
    return head if need.complete else None


def load_toml(path: Path, file: str, findings: Faults) -> tuple[Opened, dict[str, Any]] | None:
    """A TOML file with its text; None and a fault where it is not there or none."""
    if not path.is_file():
        findings.add("E170", file)
        return None
    opened = open_text(path, file, findings)
    if opened is None:
        return None
    try:
        return opened, parse_toml(opened.text)
    except NotToml as error:
        lines = opened.text.splitlines()
        row = error.row or max(1, len(lines))
        text = lines[row - 1] if row <= len(lines) else ""
        column = None if error.column is None else str(error.column)
        findings.add("E171", file, row, column, found=shown(text.strip()), reason=error.reason)
        return None


class _Keys:
    """Reads the keys of a file one by one and tells what is missing, unknown or of another type."""

    def __init__(self, file: str, text: str, given: Mapping[str, Any], findings: Faults):
        self.file, self.text_of_file, self.given, self.findings = file, text, given, findings
        self.complete = True

    def row(self, key: str) -> int | None:
        """The line in which a key is set, for the message."""
        pattern = re.compile(rf"^\s*(?:\[\s*)?\"?{re.escape(key)}\"?\s*(?:[=.\]])")
        return next((i for i, line in enumerate(self.text_of_file.splitlines(), 1) if pattern.match(line)), None)

    def text(self, key: str, optional: bool = False) -> str:
        if key not in self.given:
            return self._missing(key, optional)
        value = self.given[key]
        if isinstance(value, str) and value.strip():
            return value.strip()
        return self._wrong(key, value, "region.expects.text")

    def name(self, key: str, optional: bool = False) -> str:
        value = self.text(key, optional)
        return value if not value or is_safe_name(value) else self._wrong(key, value, "region.expects.name")

    def names(self, key: str) -> Text:
        if key not in self.given:
            self._missing(key, False)
        elif not _is_names(self.given[key]):
            self._wrong(key, self.given[key], "region.expects.names")
        else:
            return Text(self.given[key]["zh"], self.given[key]["en"])
        return Text("", "")

    def areas(self, key: str) -> Mapping[str, Text]:
        given = self.given.get(key, {})
        if not isinstance(given, dict):
            self._wrong(key, given, "region.expects.areas")
            return {}
        for code, names in given.items():
            if not _is_names(names):
                self._wrong(code, names, "region.expects.names")
        return {code: Text(names["zh"], names["en"]) for code, names in given.items() if _is_names(names)}

    def year(self, key: str, optional: bool = False) -> int | None:
        if key not in self.given:
            self._missing(key, optional)
            return None
        value = self.given[key]
        if not isinstance(value, int) or isinstance(value, bool) or not JUMP_OFF[0] <= value <= JUMP_OFF[1]:
            self._wrong(key, value, "region.expects.year", low=JUMP_OFF[0], high=JUMP_OFF[1])
            return None
        return value

    def refuse_others(self, known: tuple[str, ...]) -> None:
        for key in self.given:
            if key not in known:
                self.findings.add(
                    "E173", self.file, self.row(key), key, found=shown(key), hint=hint(nearest(key, known))
                )

    def _missing(self, key: str, optional: bool) -> str:
        if not optional:
            self.findings.add("E172", self.file, None, key, name=key, meaning=say_both(f"region.key.{key}"))
            self.complete = False
        return ""

    def _wrong(self, key: str, value: object, expects: str, **values: Any) -> str:
        expected: Text = say_both(expects, **values)
        self.findings.add("E174", self.file, self.row(key), key, found=shown(value), expected=expected)
        self.complete = False
        return ""


def _is_names(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(value.get(k), str) and value[k].strip() for k in ("zh", "en"))
