"""Reads TOML and says at which line and column it is none."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any


class NotToml(ValueError):
    """A text that is not TOML. `str()` is the parser's own sentence, `reason` the same without its place; `row` and
    `column` count from 1 and are None at the end of the text."""

    def __init__(self, said: str):
        super().__init__(said)
        place = re.search(r"at line (\d+), column (\d+)", said)
        self.row = int(place[1]) if place else None
        self.column = int(place[2]) if place else None
        self.reason = re.sub(r"\s*\(at .*\)$", "", said)


class NotUtf8(NotToml):
    """A file whose bytes are no UTF-8 text, so that nothing else can be said of it."""


def parse_toml(text: str) -> dict[str, Any]:
    """The table that a text holds. Raises NotToml.

    >>> parse_toml("horizon = 2040")
    {'horizon': 2040}
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotToml(str(error)) from None


def read_toml(path: Path) -> dict[str, Any]:
    """The table that a file holds, with or without a byte order mark. Raises OSError, NotToml, NotUtf8."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotUtf8(str(error)) from None
    return parse_toml(text)
