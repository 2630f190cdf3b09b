"""Pages that studies write: parts that each end with a line end, joined by line ends, so that blank lines part them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path


def table(head: Sequence[object], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table, one line a row."""
    lines = (head, ["---"] * len(head), *rows)
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def write(page: Path, parts: Iterable[str]) -> None:
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(parts), "utf-8")
