"""What can be wrong, where it stands, and how it is said in the user's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from forecast.basics.catalogue import say

OK, BUG, USAGE, REFUSED, WARNED, NO_PLAN, CANNOT_READ_WRITE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 74, 130
"""Exit codes of the command (DESIGN 9)."""


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
            "values": dict(self.values),
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
