"""Source and basis of each figure: the lines of sources.csv matched to the rows of the tables.

A line holds for the rows that meet all conditions of its filter (`year=2020;county=330302|330303`); where several hold,
the one with the most conditions wins, and of equals the one that stands first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from forecast.basics.basis import BASES
from forecast.basics.issues import InputRefused, Issue
from forecast.region.cells import Bad, plain, tidy
from forecast.region.faults import listed
from forecast.region.region import Region
from forecast.region.tables import TABLES, Table, tables_with

FIELDS = ("source", "locator", "basis", "verification", "note")


@dataclass(frozen=True)
class Source:
    """One line of sources.csv: what was read, where in it, published, derived or assumed, and how it was checked."""

    source: str
    locator: str
    basis: str
    verification: str
    note: str


Conditions = tuple[tuple[str, tuple[str, ...]], ...]
"""(column, alternatives) of a filter."""


class FilterFault(Exception):
    """A filter that cannot be used: `code` E161 (not column=value) or E162 (unknown column)."""

    def __init__(self, code: str, found: str):
        super().__init__(code)
        self.code, self.found = code, found


def read_filter(text: str, table: Table) -> Conditions:
    """The conditions of a filter, columns and values normalised as in the table; raises FilterFault.

    >>> read_filter("年份=2020; county=330302|330303", TABLES["population"])
    (('year', ('2020',)), ('county', ('330302', '330303')))
    """
    conditions = []
    for part in tidy(text).split(";"):
        if not part.strip():
            continue
        name, equals, alternatives = part.partition("=")
        if not equals or not alternatives.strip():
            raise FilterFault("E161", part.strip())
        column = table.find(name)
        if not column:
            raise FilterFault("E162", name.strip())
        conditions.append((column, tuple(_normal(table, column, value) for value in alternatives.split("|"))))
    return tuple(conditions)


def _normal(table: Table, column: str, value: str) -> str:
    try:
        return str(table.column(column).kind.read(value))
    except Bad as bad:
        raise FilterFault("E161", f"{column}={value.strip()}") from bad


def winning_lines(frame: pd.DataFrame, lines: Sequence[Conditions]) -> np.ndarray[Any, Any]:
    """For each row of a table the position of the line that speaks for it, -1 where none does."""
    winner = np.full(len(frame), -1)
    asked = {name for line in lines for name, _ in line if name in frame}
    columns = {name: _distinct(frame[name]) for name in asked}
    for position in sorted(range(len(lines)), key=lambda i: -len(lines[i])):
        free = winner == -1
        if not free.any():
            break
        for column, values in lines[position]:
            free &= _holds(columns[column], values) if column in columns else False
        winner[free] = position
    return winner


class _Distinct(NamedTuple):
    """A column as the different cells in it: what is the same need not be compared again for every row and line."""

    codes: np.ndarray[Any, Any]  # (row,) position in `cells`, -1 where there is none
    cells: list[Any]
    read: Callable[[Any], Any]  # how a filter's value is written to be compared


def _distinct(column: pd.Series[Any]) -> _Distinct:
    codes, values = pd.factorize(column)
    read: Callable[[Any], Any] = plain
    if pd.api.types.is_bool_dtype(column.dtype):
        read = str
    elif pd.api.types.is_numeric_dtype(column.dtype):
        read = float
    return _Distinct(codes, [read(cell) for cell in values.tolist()], read)


def _holds(column: _Distinct, values: Sequence[str]) -> np.ndarray[Any, Any]:
    wanted = {column.read(value) for value in values}
    return np.array([*(cell in wanted for cell in column.cells), False])[column.codes]


def sources_of(region: Region, table: str, **conditions: Any) -> pd.DataFrame:
    """Sources of a table, or of its rows that meet the conditions: one row per line of sources.csv in use.

    Columns: filter, source, locator, basis, verification, note, rows (how many rows of the table rest on the line);
    the least sure basis first, then the line with most rows. A condition is a value or a list of values.

    Raises InputRefused where the region has no such table, column or row.
    """
    frame = region.table(table)
    asked_for = np.ones(len(frame), dtype=bool)
    for column, wanted in conditions.items():
        if column not in frame:
            raise InputRefused(Issue("E181", TABLES[table].file, column=column, values={"found": column}))
        values = wanted if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
        asked_for &= _holds(_distinct(frame[column]), [str(value) for value in values])
    lines, winner = _lines(region, table)
    used, counts = np.unique(winner[asked_for & (winner >= 0)], return_counts=True)
    if not len(used):
        asked = listed(f"{column}={value}" for column, value in conditions.items())
        raise InputRefused(Issue("E181", TABLES[table].file, values={"found": asked}))
    in_use = lines.iloc[used].assign(rows=counts)
    order = in_use["basis"].map(BASES.index)
    in_use = in_use.assign(order=-order).sort_values(["order", "rows"], ascending=[True, False], kind="stable")
    return in_use[["filter", *FIELDS, "rows"]].reset_index(drop=True)


def _lines(region: Region, table: str) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """The lines of sources.csv for a table, and for each of its rows the position of the one that speaks for it."""
    if table not in region.known:
        lines = region.table("sources")
        lines = lines[lines["table"] == table].reset_index(drop=True)
        schema = tables_with(region.services)[table]
        filters = [read_filter(text, schema) for text in lines["filter"]]
        region.known[table] = lines, winning_lines(_as_printed(region.table(table), schema), filters)
    matched: tuple[pd.DataFrame, np.ndarray[Any, Any]] = region.known[table]
    return matched


def _as_printed(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The table with the area codes of its file, of which its filters speak."""
    return frame.assign(**{table.areas[0]: frame["code_printed"]}) if "code_printed" in frame else frame


def source_of(region: Region, table: str, **conditions: Any) -> Source:
    """The most specific line of sources.csv for the rows asked for.

    Where the rows rest on several lines, the one with the least sure basis, so that nothing looks surer than it is;
    `sources_of` gives them all. Example: `source_of(region, "controls", area="330300", year=2023)`.
    """
    first = sources_of(region, table, **conditions).iloc[0]
    return Source(**{field: str(first[field]) for field in FIELDS})


def basis_of(region: Region, table: str, **conditions: Any) -> str:
    """The least sure basis among the rows asked for."""
    return source_of(region, table, **conditions).basis
