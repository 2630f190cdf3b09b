"""The one catalogue of messages and sentences, Chinese and English side by side (`sentences/*.toml`)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

from forecast.basics.text import Text
from forecast.basics.toml_files import parse_toml

LANGUAGES = ("zh", "en")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """key -> {"zh": sentence, "en": sentence}; a dotted key is a table in a file. A key given twice is a bug."""
    sentences: dict[str, dict[str, str]] = {}

    def walk(prefix: str, node: dict[str, Any]) -> None:
        if set(node) == set(LANGUAGES):
            if prefix in sentences:
                raise ValueError(f"catalogue: {prefix} stands twice")
            sentences[prefix] = node
            return
        for key, child in node.items():
            if not isinstance(child, dict):
                raise ValueError(f"catalogue: {prefix}.{key} needs zh and en")
            walk(f"{prefix}.{key}" if prefix else key, child)

    for file in sorted(files("forecast.basics").joinpath("sentences").iterdir(), key=lambda path: path.name):
        walk("", parse_toml(file.read_text("utf-8")))
    return sentences


def say(key: str, lang: str, **values: Any) -> str:
    """The sentence of the catalogue with its values filled in, a Text in the sentence's language; an unknown key is a bug
    and raises KeyError."""
    sentence = catalogue()[key][lang]
    if any(isinstance(value, Text) for value in values.values()):
        return _In(lang).vformat(sentence, (), values)
    return sentence.format(**values)


def say_both(key: str, /, **values: Any) -> Text:
    """The sentence in both languages."""
    return Text(say(key, "zh", **values), say(key, "en", **values))


class _In(Formatter):
    """Fills a Text in in one language where the sentence names none."""

    def __init__(self, lang: str):
        self.lang = lang

    def format_field(self, value: Any, spec: str) -> str:
        return value[spec or self.lang] if isinstance(value, Text) else str(super().format_field(value, spec))
