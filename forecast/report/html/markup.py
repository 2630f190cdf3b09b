"""Words, cells and badges as markup; what comes from a name or a table is escaped here."""

from __future__ import annotations

import math

from markupsafe import Markup, escape

from forecast.basics.text import Text
from forecast.report.chances import chance
from forecast.report.chapter import Cell, Column, Table
from forecast.report.words import END_SHORT, END_SURPLUS, SHORT, SURPLUS, both

_TAGS = {SHORT: "<em>", END_SHORT: "</em>", SURPLUS: "<i>", END_SURPLUS: "</i>"}


def span(text: Text) -> Markup:
    """Both languages beside each other, of which the page shows one; once where they are the same."""
    if text.zh == text.en:
        return escape(text.zh)
    return Markup('<span class="zh">{}</span><span class="en" lang="en">{}</span>').format(text.zh, text.en)


def marked(text: Text) -> Markup:
    """As `span`, what is short and what is to spare in colour. Tags come from constants; words are escaped."""
    html = str(span(text))
    for mark, tag in _TAGS.items():
        html = html.replace(mark, tag)
    return Markup(html)  # noqa: S704 - escaped by span


def cell(value: Cell, column: Column, trajectories: int = 1) -> Markup:
    """A cell as it is read; the raw number stands in `raw`. trajectories: on which a probability rests."""
    if value is None:
        return Markup("–")
    if column.kind == "basis":
        return badge(str(value))
    if isinstance(value, Text):
        return span(value)
    if isinstance(value, str):
        return escape(value)
    if not math.isfinite(value):
        return Markup("–")
    if column.kind == "chance":
        return span(chance(value, trajectories, brief=True))
    forms = {
        "count": ",.0f",
        "signed": "+,.0f",
        "moved": "+,.0f",
        "percent": ".1%",
        "change": "+.1%",
        "ratio": ".3f",
        "year": ".0f",
    }
    words = f"{value:{forms[column.kind]}}"
    if not any(digit in words for digit in "123456789"):
        words = words.lstrip("+-")  # a rounded nothing has no sign
    return escape(words.replace("-", "−"))


def raw(value: Cell) -> float | None:
    """The number that a copy for a spreadsheet carries; None for words and for what is not known."""
    if isinstance(value, (int, float)) and math.isfinite(value):
        return round(value, 6)
    return None


def badge(basis: str) -> Markup:
    return Markup('<span class="badge b-{}">{}</span>').format(basis, span(both(f"badge.{basis}")))


def heads(table: Table) -> list[tuple[Text | None, int]]:
    """Headings over neighbouring columns of one group, with how many they span; empty where there are no groups."""
    if not any(column.group for column in table.columns):
        return []
    spans: list[tuple[Text | None, int]] = []
    for column in table.columns:
        if spans and spans[-1][0] == column.group:
            spans[-1] = (column.group, spans[-1][1] + 1)
        else:
            spans.append((column.group, 1))
    return spans
