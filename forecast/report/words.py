"""Sentences of the report in both languages, and the marks by which a page colours what is short and what is in surplus."""

from __future__ import annotations

from typing import Any

from forecast.basics.catalogue import catalogue, say_both
from forecast.basics.text import Text

SHORT, END_SHORT, SURPLUS, END_SURPLUS = "⟦⟧⟪⟫"
"""Marks in a sentence around what is short and what is in surplus: a page colours them, plain text drops them."""


def both(key: str, /, **values: Any) -> Text:
    """The catalogue's sentence `report.<key>`."""
    return say_both(f"report.{key}", **values)


def known(key: str) -> bool:
    """True if the catalogue has `report.<key>`."""
    return f"report.{key}" in catalogue()


def without_marks(text: Text) -> Text:
    """The same words without the marks of colour."""
    drop = str.maketrans("", "", SHORT + END_SHORT + SURPLUS + END_SURPLUS)
    return Text(text.zh.translate(drop), text.en.translate(drop))
