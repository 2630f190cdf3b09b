"""Parts of a chapter. A page, a workbook or a document renders the same chapter in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from forecast.basics.text import Text

Kind = Literal["text", "count", "signed", "moved", "percent", "change", "ratio", "year", "basis", "chance"]
"""How a column's cells are read: words, a number, a number with its sign (below 0: short), what a number moves by
(neither good nor bad), a share, a change, a ratio, a year, a basis (published, derived, assumed), or a probability."""

Cell = Text | str | float | int | None
"""Words, a basis, or a number in base units; None where nothing is known."""


@dataclass(frozen=True)
class Column:
    title: Text
    kind: Kind = "text"
    group: Text | None = None  # neighbours of one group share a heading


@dataclass(frozen=True)
class Table:
    """The first column names the row; `folded` tables wait until they are asked for."""

    id: str
    title: Text
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: Text | None = None
    basis: str | None = None
    folded: bool = False
    on_paper: bool = True  # long reference tables stay on the screen


@dataclass(frozen=True)
class Panel:
    """One of several charts beside each other, with what it shows: by the keys place, service and group (of ages)."""

    title: Text
    shows: Mapping[str, str]


@dataclass(frozen=True)
class Said:
    """A title and the note below it."""

    title: Text
    note: Text


@dataclass(frozen=True)
class Chart:
    """A chart of `charts.CHARTS` by its name (`spec`), with the controls of its reader.

    Without `panels` it shows the chosen service, place and year.
    """

    id: str
    spec: str
    title: Text
    note: Text
    controls: tuple[Literal["service", "year", "place"], ...] = ()
    panels: tuple[Panel, ...] = ()
    by_service: bool = False  # the title begins with the service chosen
    by_place: bool = False  # the title begins with the place chosen
    basis: str | None = "gap"
    """What the badge shows: a basis, or that of the gap or the demand of the service chosen; None for no badge."""
    told: Literal["gap", "flag", "train"] | None = None
    """What is told in words with each panel: the gap of the outlook year, the flag and its level; or the train above."""
    pages: bool = False  # panels are large, a few to a row
    folded: bool = False  # waits until it is asked for
    of_need: Said | None = None  # what is said instead where no county has a gap that may be told
    paper: tuple[int, int] | None = None  # size on paper (px) where it is not that of the kind


@dataclass(frozen=True)
class Figure:
    """A key figure: the number in words, what it is, and what it rests on."""

    value: Text
    caption: Text
    basis: str


@dataclass(frozen=True)
class Listing:
    title: Text
    items: tuple[Text, ...]


@dataclass(frozen=True)
class BoardLine:
    """Flag of one service of the whole, in words: level, class, chance, year, size, and the year to decide by."""

    service: Text
    level: str  # red, amber, undetermined, unknown or ""
    kind: Text
    chance: Text
    peak: Text
    gap: Text
    decide: Text
    sentence: Text


@dataclass(frozen=True)
class Chapter:
    id: str
    menu: Text
    title: Text
    basis: str | None = None  # what the title rests on
    opening: tuple[Table, ...] = ()  # what must be seen before anything is read
    sentences: tuple[Text, ...] = ()
    by_service: Mapping[str, tuple[Text, ...]] = field(default_factory=dict)
    """Sentences that belong to one service, by service."""
    figures: tuple[Figure, ...] = ()
    board: tuple[BoardLine, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    listings: tuple[Listing, ...] = ()
