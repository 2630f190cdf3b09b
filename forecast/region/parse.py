"""From the rows of a file to a table with normalised columns: headers and aliases, cells, base units."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.basics.ages import age_bounds
from forecast.basics.issues import nearest
from forecast.region.cells import TOTAL, Bad, plain, tidy, unit_of
from forecast.region.faults import Faults, listed, shown
from forecast.region.files import Rows
from forecast.region.tables import Column, Table

_PRINTS = {"1": "permille"}
"""How the base unit of a rate is printed by bureaus."""


@dataclass(frozen=True)
class Parsed:
    """A table read cell by cell.

    `frame`: normalised columns, `row` (line of the file), and where they apply `unit`, `unit_printed`, `age_from`,
    `age_to`; a cell that could not be read is missing. `headers`: column -> header as printed. `rounding`: half of
    the last printed digit of the quantity, in base units (0 for counts printed one by one). `whole`: see Rows.
    """

    table: Table
    file: str
    frame: pd.DataFrame
    headers: Mapping[str, str]
    rounding: pd.Series[float]
    whole: bool

    def header(self, column: str) -> str:
        """The header as the user wrote it, so that she finds it."""
        return self.headers.get(column, column)

    def with_frame(self, frame: pd.DataFrame) -> Parsed:
        return Parsed(self.table, self.file, frame, self.headers, self.rounding.reindex(frame.index), self.whole)


def parse_table(table: Table, rows: Rows, file: str, findings: Faults) -> Parsed | None:
    """The table, with every fault of its headers and cells told; None where a needed column is missing."""
    places, header_unit = _places(table, rows, file, findings)
    if places is None:
        return None
    columns: dict[str, Any] = {}
    texts = {name: np.array([row[at] for row in rows.cells], dtype=object) for name, at in places.items()}
    headers = {name: rows.header[at] for name, at in places.items()}
    lines = np.array(rows.lines, dtype=np.int64)
    for column in table.columns:
        if column.name in texts:
            columns[column.name] = _read_column(column, texts[column.name], lines, file, headers[column.name], findings)
        elif column.default:
            columns[column.name] = pd.Series(np.full(len(lines), column.default, object), dtype="str")
    frame = pd.DataFrame(columns)
    frame["row"] = lines
    if "age_group" in frame:
        frame = _with_bounds(frame)
    rounding = pd.Series(0.0, index=frame.index)
    if table.quantity:
        frame, rounding = _in_base_units(table, frame, texts, headers, header_unit, file, findings)
    return Parsed(table, file, frame, headers, rounding, rows.whole)


def _places(table: Table, rows: Rows, file: str, findings: Faults) -> tuple[dict[str, int] | None, str]:
    """column -> its position, and the unit that stands in brackets in the header of the quantity ("人口数(万人)")."""
    places: dict[str, int] = {}
    header_unit = ""
    line = rows.header_line
    unknown: list[str] = []
    for at, header in enumerate(rows.header):
        name, unit = table.find(header), ""
        if not name and (bracketed := re.fullmatch(r"(.+)\((.+)\)", tidy(header))) and unit_of(bracketed[2]):
            name, unit = table.find(bracketed[1]), bracketed[2]
        if name and name in places:
            findings.add("E113", file, line, header, first=rows.header[places[name]], name=name)
        elif name:
            places[name] = at
            header_unit = unit if name == table.quantity else header_unit
        elif header or any(row[at].strip() for row in rows.cells):
            unknown.append(header or f"#{at + 1}")
    return _complete(table, places, unknown, header_unit, file, line, findings)


def _complete(
    table: Table, places: dict[str, int], unknown: list[str], header_unit: str, file: str, line: int, findings: Faults
) -> tuple[dict[str, int] | None, str]:
    """Tells unknown and missing columns; a header like a known one is a fault, any other is only not read."""
    for header in unknown:
        free = [
            name for column in table.columns if column.name not in places for name in (column.name, *column.aliases)
        ]
        near = nearest(tidy(header).casefold(), free)
        if near:
            findings.add("E112", file, line, header, found=header, near=near)
        else:
            findings.add("W110", file, line, header, found=header)
    missing = [c for c in table.columns if c.needed and c.name not in places]
    if header_unit:
        missing = [c for c in missing if c.name != "unit"]
    for column in missing:
        findings.add("E111", file, None, column.name, name=column.name, aliases=listed((column.name, *column.aliases)))
    lacks_either = bool(table.either) and not any(name in places for name in table.either)
    if lacks_either:
        findings.add("E114", file, None, None, names=listed(table.either))
    return (None if missing or lacks_either else places), header_unit


def _read_column(
    column: Column, texts: np.ndarray[Any, Any], lines: np.ndarray[Any, Any], file: str, header: str, findings: Faults
) -> Any:
    """Each different text is read once; the faults are told by row."""
    codes, uniques = pd.factorize(texts)
    values: list[Any] = []
    bad: dict[int, Bad] = {}
    for i, text in enumerate(uniques):
        values.append(None)
        try:
            if text.strip():
                values[i] = column.kind.read(text)
            elif column.needed and not column.blank:
                raise Bad("E120")
            elif column.kind.dtype == "str":
                values[i] = column.default
        except Bad as fault:
            bad[i] = fault
    _tell(bad, codes, uniques, lines, file, header, findings)
    return _typed(values, codes, column.kind.dtype)


def _tell(
    bad: Mapping[int, Bad],
    codes: np.ndarray[Any, Any],
    uniques: Any,
    lines: Any,
    file: str,
    header: str,
    findings: Faults,
) -> None:
    by_code: dict[str, list[int]] = {}
    for i, fault in bad.items():
        by_code.setdefault(fault.code, []).append(i)
    for code, members in by_code.items():
        at = np.flatnonzero(np.isin(codes, members))
        findings.rows(code, file, list(lines[at]), header, _found(bad, codes[at], uniques))


def _found(bad: Mapping[int, Bad], codes: Any, uniques: Any) -> Callable[[int], Mapping[str, Any]]:
    return lambda i: {"found": shown(uniques[codes[i]]), **bad[int(codes[i])].values}


def _typed(values: list[Any], codes: Any, dtype: str) -> Any:
    if dtype == "str":
        return pd.Series(np.array(values, dtype=object)[codes], dtype="str")
    if any(value is None for value in values):
        dtype = "float64"
    return np.array([np.nan if value is None else value for value in values], dtype=dtype)[codes]


def _with_bounds(frame: pd.DataFrame) -> pd.DataFrame:
    """Adds first and last age of each group; a total or an unread label has none."""
    codes, labels = pd.factorize(frame["age_group"])
    bounds = [(np.nan, np.nan) if label in (TOTAL, "") else age_bounds(label) for label in labels] + [(np.nan, np.nan)]
    return frame.assign(
        age_from=np.array([low for low, _ in bounds])[codes], age_to=np.array([high for _, high in bounds])[codes]
    )


def _in_base_units(
    table: Table,
    frame: pd.DataFrame,
    texts: Mapping[str, Any],
    headers: Mapping[str, str],
    header_unit: str,
    file: str,
    findings: Faults,
) -> tuple[pd.DataFrame, pd.Series[float]]:
    """Converts the quantity; the printed unit stays in `unit_printed`, and `unit` becomes the base unit."""
    default = header_unit or (table.units[0] if table.units else "")
    printed = frame["unit"].where(frame["unit"] != "", default) if "unit" in frame else _same(default, frame.index)
    codes, names = pd.factorize(printed)
    known = [unit_of(name) or (name, 1.0) for name in names] + [("", np.nan)]
    base = pd.Series(np.array([unit for unit, _ in known], dtype=object)[codes], dtype="str")
    factor = np.array([ratio for _, ratio in known])[codes]
    wrong = _tell_misfits(table, frame, base, printed, headers, file, findings)
    # 0.07 x 10,000 is 700.0000000000001 in binary: what was printed in 10k persons comes out as whole persons.
    value = np.where(factor == 1.0, frame[table.quantity], np.round(frame[table.quantity] * factor, 9))
    frame = frame.assign(**{table.quantity: np.where(wrong, np.nan, value), "unit": base, "unit_printed": printed})
    return frame, pd.Series(_half_digit(texts[table.quantity], factor), index=frame.index)


def _same(text: str, index: pd.Index[Any]) -> pd.Series[str]:
    return pd.Series(np.full(len(index), text, dtype=object), index=index, dtype="str")


def _tell_misfits(
    table: Table,
    frame: pd.DataFrame,
    base: pd.Series[str],
    printed: Any,
    headers: Mapping[str, str],
    file: str,
    findings: Faults,
) -> np.ndarray[Any, Any]:
    """Rows whose unit measures something else, told: persons where beds are counted."""
    if not table.units:
        return np.zeros(len(frame), dtype=bool)
    by, wanted = table.unit_by
    if by:
        fitting = frame[by].map(wanted)
        wrong = fitting.notna() & (base != "") & (base != fitting)
        expected = fitting
    else:
        wrong = (base != "") & ~base.isin(table.units)
        expected = _same(table.units[0], frame.index)
    at = np.flatnonzero(wrong.to_numpy())
    header = headers.get("unit", headers.get(table.quantity, "unit"))
    findings.rows(
        "E129",
        file,
        list(frame["row"].to_numpy()[at]),
        header,
        lambda i: {"found": printed.iloc[at[i]], "expected": _PRINTS.get(expected.iloc[at[i]], expected.iloc[at[i]])},
    )
    return np.asarray(wrong, dtype=bool)


def _half_digit(texts: Any, factor: Any) -> np.ndarray[Any, Any]:
    """Half a unit of the last printed digit; none for numbers printed as they are counted."""
    if np.all(factor == 1.0):
        return np.zeros(len(texts))
    decimals = np.array([len(tidy(text).partition(".")[2]) for text in texts])
    return np.where(factor == 1.0, 0.0, 0.5 * 10.0**-decimals * factor)


def known_headers(table: Table) -> list[str]:
    """Headers as `files.read_rows` compares them."""
    return [plain(name) for name in table.headers()]
