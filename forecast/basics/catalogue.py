"""The one catalogue of messages and sentences, Chinese and English side by side (`sentences/*.toml`)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("zh", "en")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """key -> {"zh": sentence, "en": sentence}; a dotted key is a table in a file. A key given twice is a bug."""
    found: dict[str, dict[str, str]] = {}

    def walk(prefix: str, node: dict[str, Any]) -> None:
        if set(node) == set(LANGUAGES):
            if prefix in found:
                raise ValueError(f"catalogue: {prefix} stands twice")
            found[prefix] = node
            return
        for key, child in node.items():
            if not isinstance(child, dict):
                raise ValueError(f"catalogue: {prefix}.{key} needs zh and en")
            walk(f"{prefix}.{key}" if prefix else key, child)

    for file in sorted(files("forecast.basics").joinpath("sentences").iterdir(), key=lambda path: path.name):
        walk("", tomllib.loads(file.read_text("utf-8")))
    return found


def say(key: str, lang: str, **values: Any) -> str:
    """The sentence of the catalogue with its values filled in; an unknown key is a bug and raises KeyError."""
    return catalogue()[key][lang].format(**values)
