"""Numbers with a sign, ranges, years and lists of stages, as the chapter on schools words them."""

from __future__ import annotations

from forecast.basics.text import Text, count, joined, year_text
from forecast.report.view.school_view import SchoolView
from forecast.report.words import both


def signed(value: float) -> Text:
    """A number in words with its sign."""
    size, sign = count(abs(value)), "−" if round(value) < 0 else "+" if round(value) > 0 else ""
    return Text(sign + size.zh, sign + size.en)


def span_of(low: float, high: float) -> Text:
    return both("school.span", low=signed(low), high=signed(high))


def stages_in(schools: SchoolView, kinds: str) -> Text:
    """Names of the stages that `kinds` lists, joined by + there: "小学、初中"."""
    return joined([schools.view.names.short(stage) for stage in kinds.split("+")])


def year_of(year: int) -> Text:
    return year_text(year)
