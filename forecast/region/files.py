"""From the bytes of a file to its rows: size, encoding, delimiter, quotes and ragged rows.

Encodings by ladder: a byte-order mark, strict UTF-8, GB18030. No detector: one called a short GBK file Korean.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from forecast.basics.issues import CannotReadWrite, Issue
from forecast.region.cells import plain
from forecast.region.faults import Faults, shown

MAX_BYTES = 256 * 1024**2
"""A table of the whole country (2,850 counties, single ages, two censuses) is about 40 MB."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PACKED = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"7z\xbc\xaf", b"Rar!")
_OTHER_DELIMITERS = {";": ";", "\t": "Tab", "|": "|", "，": "，", "；": "；"}


@dataclass(frozen=True)
class Opened:
    """A text file as it was read."""

    file: str
    text: str
    encoding: str
    sha256: str


@dataclass(frozen=True)
class Rows:
    """The rows of a CSV file: `lines[i]` is the line of the file in which row i begins (the first line is 1).

    `header_line`: where the header stands. `whole`: no row had to be left out, so what is missing here is missing
    in the file.
    """

    header: list[str]
    header_line: int
    cells: list[list[str]]
    lines: list[int]
    whole: bool


def open_text(path: Path, file: str, findings: Faults) -> Opened | None:
    """The text of a file with the encoding used; a fault and None where it cannot be text.

    Raises CannotReadWrite where the system does not let us read it.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            findings.add("E105", file, found=f"{size / 1024**2:,.0f}", limit=MAX_BYTES // 1024**2)
            return None
        raw = path.read_bytes()
    except OSError as error:
        raise CannotReadWrite(Issue("E183", str(path), values={"reason": error.strerror or str(error)})) from error
    if raw.startswith(_PACKED):
        findings.add("E106", file)
        return None
    decoded = _decode(raw, file, findings)
    if decoded is None:
        return None
    text, encoding = decoded
    return Opened(file, text, encoding, hashlib.sha256(raw).hexdigest())


def _decode(raw: bytes, file: str, findings: Faults) -> tuple[str, str] | None:
    marked = [encoding for mark, encoding in _MARKS if raw.startswith(mark)]
    for encoding in marked[:1] or ("utf-8", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError as error:
            bad = error
            continue
        if "\0" in text:
            line = text.count("\n", 0, text.index("\0")) + 1
            findings.add("E104", file, line, found="00")
            return None
        return text, encoding
    findings.add("E104", file, raw.count(b"\n", 0, bad.start) + 1, found=raw[bad.start : bad.start + 2].hex(" "))
    return None


def read_rows(opened: Opened, known: Sequence[str], findings: Faults) -> Rows | None:
    """The rows below the header. `known`: names of headers, to tell the header from a title above it.

    Blank rows are passed over; rows with too many or too few cells are told and left out.
    """
    rows, lines, closed = _split(opened, findings)
    at = _header_at(rows, known)
    if at is None:
        if closed:
            findings.add("E110", opened.file)
        return None
    header = [cell.strip() for cell in rows[at]]
    if len(header) == 1 and (other := next((mark for mark in _OTHER_DELIMITERS if mark in header[0]), "")):
        findings.add("E107", opened.file, lines[at], found=_OTHER_DELIMITERS[other])
        return None
    while header and not header[-1]:
        header.pop()
    width = len(header)
    cells, kept, whole = [], [], closed
    for line, row in zip(lines[at + 1 :], rows[at + 1 :], strict=True):
        if len(row) != width:
            while len(row) > width and not row[-1].strip():
                row.pop()
        if len(row) == width:
            cells.append(row)
            kept.append(line)
        elif any(cell.strip() for cell in row):
            findings.add("E108", opened.file, line, found=len(row), expected=width, text=shown(",".join(row)))
            whole = False
    if not cells and whole:
        findings.add("E110", opened.file)
        return None
    return Rows(header, lines[at], cells, kept, whole)


def _split(opened: Opened, findings: Faults) -> tuple[list[list[str]], list[int], bool]:
    """Rows that are not blank, the line where each begins, and whether the file could be read to its end."""
    reader = csv.reader(io.StringIO(opened.text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    begins = 1
    try:
        for row in reader:
            if "".join(row).strip():
                rows.append(row)
                lines.append(begins)
            begins = reader.line_num + 1
    except csv.Error:
        findings.add("E109", opened.file, begins)
        return rows, lines, False
    return rows, lines, True


def _header_at(rows: list[list[str]], known: Sequence[str], look: int = 10) -> int | None:
    """Index of the header: the first of the top rows with two known names, else the first row."""
    if not rows:
        return None
    names = set(known)
    for i, row in enumerate(rows[:look]):
        if sum(plain(cell) in names for cell in row) >= 2:
            return i
    return 0
