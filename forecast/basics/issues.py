"""Faults: code, place in a file, and the sentence in the user's language."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from forecast.basics.catalogue import say
from forecast.basics.text import Text

if TYPE_CHECKING:
    from pydantic import ValidationError

OK, BUG, USAGE, REFUSED, WARNED, NO_PLAN, CANNOT_READ_WRITE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 74, 130
"""Exit codes of the command."""


@dataclass(frozen=True)
class Issue:
    """One fault or warning: a code of the catalogue, the place, and the values its sentence needs.

    `row` is the line of the file as an editor or Excel shows it (the header is row 1).
    """

    code: str
    file: str | None = None
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    severity: Literal["error", "warning"] = "error"

    def text(self, lang: str) -> str:
        """`[E103] population.csv row 12, column persons: found -5, expected …` in Chinese or English."""
        return f"[{self.code}] {self.place(lang)}{say(self.code, lang, **self.values)}"

    def place(self, lang: str) -> str:
        parts = [self.file] if self.file else []
        if self.sheet:
            parts.append(say("place.sheet", lang, sheet=self.sheet))
        if self.row is not None:
            parts.append(say("place.row", lang, row=self.row))
        if self.column:
            parts.append(say("place.column", lang, column=self.column))
        if not parts:
            return ""
        return ("" if lang == "zh" else " ").join(parts) + ("：" if lang == "zh" else ": ")

    def as_dict(self) -> dict[str, Any]:
        """For `--json`: both sentences beside the machine-readable parts."""
        return {
            "code": self.code,
            "severity": self.severity,
            "file": self.file,
            "sheet": self.sheet,
            "row": self.row,
            "column": self.column,
            "values": {key: str(value) if isinstance(value, Text) else value for key, value in self.values.items()},
            "zh": self.text("zh"),
            "en": self.text("en"),
        }


class ForecastError(Exception):
    """Base of all errors that a user can mend; carries every issue found, not only the first."""

    exit_code = BUG

    def __init__(self, issues: Issue | Iterable[Issue]):
        self.issues: tuple[Issue, ...] = (issues,) if isinstance(issues, Issue) else tuple(issues)
        super().__init__("\n".join(issue.text("en") for issue in self.issues))


class UsageError(ForecastError):
    """The command or a call was written wrongly."""

    exit_code = USAGE


class InputRefused(ForecastError):
    """A table, scenario or model that the engine will not compute with."""

    exit_code = REFUSED


class CannotReadWrite(ForecastError):
    """A file or folder that cannot be read or written (missing, no rights, disk full)."""

    exit_code = CANNOT_READ_WRITE


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known word most like this one, "" where none is like it (`cutoff` 1: the same word, 0: any word will do).

    >>> nearest("horizn", ["horizon", "fertility"]), nearest("x", ["horizon"])
    ('horizon', '')
    """
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=cutoff)), "")


@dataclass(frozen=True)
class Finding:
    """One thing that pydantic found wrong: its kind, the keys that lead there (numbers count along a list), what
    stands there as JSON of at most 60 characters, and what it was held against."""

    kind: str
    keys: tuple[str | int, ...]
    found: str
    context: Mapping[str, Any]


def from_pydantic(error: ValidationError, told: Callable[[Finding], Issue]) -> list[Issue]:
    """Each thing that pydantic found wrong in a file, told in the catalogue's words by `told`."""
    return [
        told(
            Finding(
                fault["type"],
                tuple(key for key in fault["loc"] if key != "[key]"),
                as_json(fault["input"]),
                fault.get("ctx", {}),
            )
        )
        for fault in error.errors()
    ]


def as_json(value: object, length: int = 60) -> str:
    """A value as JSON writes it, cut to a length that a message can print."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= length else f"{text[: length - 1]}…"
