"""Collects every fault of an input, and says the parts of a sentence that differ between the languages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from forecast.basics.catalogue import say_both
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.text import Text, same, strung

EXAMPLES = 20
"""So many issues of one code in one file are told; the rest are counted in one more issue (E100, W100)."""


def listed(items: Iterable[object]) -> Text:
    """A list as each language writes it."""
    return strung([same(item) for item in items], "、")


def hint(near: str) -> Text:
    """Offers the nearest name, or says nothing."""
    return say_both("region.near", near=near) if near else Text("", "")


def shown(text: object, length: int = 40) -> str:
    """Text that was found in a file, on one line and not too long to print."""
    plain = "".join(char if char.isprintable() else "·" for char in str(text))
    return plain if len(plain) <= length else plain[:length] + "…"


class Faults:
    """The faults and warnings found so far; a code that starts with W is a warning."""

    def __init__(self) -> None:
        self._kept: list[Issue] = []
        self._count: Counter[tuple[str, str]] = Counter()

    def add(
        self, code: str, file: str = "", row: int | None = None, column: str | None = None, /, **values: Any
    ) -> None:
        """One issue; kept while it is among the first `EXAMPLES` of its code in its file."""
        self._count[code, file] += 1
        if self._count[code, file] <= EXAMPLES:
            severity: Literal["error", "warning"] = "warning" if code.startswith("W") else "error"
            self._kept.append(Issue(code, file or None, None, row, column, values, severity))

    def rows(
        self,
        code: str,
        file: str,
        rows: Sequence[int],
        column: str | None,
        values: Callable[[int], Mapping[str, Any]],
    ) -> None:
        """The same fault in many rows; `values(i)` is asked only for the i-th rows that are told."""
        room = max(0, EXAMPLES - self._count[code, file])
        for i, row in enumerate(rows[:room]):
            self.add(code, file, int(row), column, **values(i))
        self._count[code, file] += len(rows) - min(room, len(rows))

    def errors(self) -> tuple[Issue, ...]:
        return self._told("error")

    def warnings(self) -> tuple[Issue, ...]:
        return self._told("warning")

    def refuse(self) -> None:
        """Raises InputRefused with every error, sorted by file and row."""
        if errors := self.errors():
            raise InputRefused(errors)

    def _told(self, severity: Literal["error", "warning"]) -> tuple[Issue, ...]:
        kept = sorted(
            (issue for issue in self._kept if issue.severity == severity),
            key=lambda issue: (issue.file or "", issue.row or 0, issue.code),
        )
        letter = "W" if severity == "warning" else "E"
        more = [
            Issue(f"{letter}100", file or None, values={"code": code, "count": count - EXAMPLES}, severity=severity)
            for (code, file), count in sorted(self._count.items())
            if count > EXAMPLES and code.startswith(letter)
        ]
        return tuple(kept + more)
