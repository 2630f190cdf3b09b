"""Readers of a cell: text as a bureau prints it becomes a code, a number, a year, a sex or an age group.

Each function takes the text of one cell that is not blank and gives the normalised value, or raises `Bad` with the
code of the fault. Full-width digits, spaces, thousands separators and codes that Excel turned into 110102.0 are read;
anything that could mean two things is refused.
"""

from __future__ import annotations

import math
import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from forecast.basics.dims import OPEN_AGE
from forecast.basics.issues import nearest
from forecast.basics.units import PRINTED, UNITS
from forecast.region.faults import hint, listed

YEARS = (1900, 2150)
TOTAL = "total"
"""Label of a printed total in a sex or age column: checked against its parts, then left out of the table."""

_PLAIN = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}([, ]\d{3})+(\.\d*)?", re.ASCII)
_NOT_FINITE = {"inf", "infinity", "nan", "∞"}
_TOTALS = {"total", "totals", "t", "all", "allages", "both", "bothsexes", "persons", "subtotal", "sum"}
_TOTALS |= {"合计", "总计", "总数", "全部", "男女合计", "小计", "共计", "总和", "计"}
_FEMALE = {"female", "females", "f", "woman", "women", "girls", "女", "女性", "女子", "2", "2.0"}
_MALE = {"male", "males", "m", "man", "men", "boys", "男", "男性", "男子", "1", "1.0"}
"""The digits are those of ISO/IEC 5218 and GB/T 2261.1: 1 male, 2 female."""
_YES, _NO = {"1", "1.0", "true", "yes", "y", "是", "有"}, {"0", "0.0", "false", "no", "n", "否", "无"}

_AGE = re.compile(r"(\d{1,3})")
_AGE_RANGE = re.compile(r"(\d{1,3})\s*(?:-|–|—|‐|~|−|至|到|to)\s*(\d{1,3})")
_AGE_OPEN = re.compile(r"(\d{1,3})\s*(?:\+|(?:及|或)?以上|and over|and older|or over)|(?:≥|>=)\s*(\d{1,3})")
_AGE_BELOW_ONE = {"<1", "不满1", "未满1", "under 1"}


class Bad(Exception):
    """The cell cannot be read; `code` is the issue, `values` what its sentence needs besides what was found."""

    def __init__(self, code: str, **values: Any):
        super().__init__(code)
        self.code, self.values = code, values


@dataclass(frozen=True)
class Kind:
    """Reader of the cells of a column, its name in messages, and the dtype of the normalised column."""

    name: str
    read: Callable[[str], Any]
    dtype: Literal["str", "float64", "int64", "bool"]


def tidy(text: str) -> str:
    """Full-width characters made plain, spaces and Excel's leading apostrophe taken off.

    >>> tidy(" １１０ ")
    '110'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("\u2212", "-").replace("\ufeff", "").replace("\u200b", "")
    return text.strip().removeprefix("'").strip()


def plain(text: str) -> str:
    """A name without case, spaces and underscores, for comparing headers and labels."""
    return re.sub(r"[\s_]+", "", tidy(text)).casefold()


def read_text(text: str) -> str:
    return text.strip()


def read_code(text: str) -> str:
    """An area code as text.

    >>> read_code("110102.0"), read_code("010101"), read_code("NA")
    ('110102', '010101', 'NA')
    """
    code = re.sub(r"\s+", "", tidy(text))
    if code.startswith('="') and code.endswith('"'):
        code = code[2:-1]
    return re.sub(r"^(\d+)\.0+$", r"\1", code)


def read_signed(text: str) -> float:
    """A number as printed.

    >>> read_signed("1,234.5"), read_signed("－３")
    (1234.5, -3.0)
    """
    printed = tidy(text)
    if not _PLAIN.fullmatch(printed):
        if printed.casefold().lstrip("+-") in _NOT_FINITE:
            raise Bad("E123")
        if not _GROUPED.fullmatch(printed):
            raise Bad("E121")
        printed = printed.replace(",", "").replace(" ", "")
    value = float(printed)
    if not math.isfinite(value):
        raise Bad("E123")
    return value


def read_number(text: str) -> float:
    """A number that is not negative."""
    value = read_signed(text)
    if value < 0:
        raise Bad("E122")
    return value


def read_whole(text: str) -> int:
    value = read_number(text)
    if not value.is_integer():
        raise Bad("E121")
    return int(value)


def read_year(text: str) -> int:
    """A calendar year.

    >>> read_year("2020年"), read_year("2020.0")
    (2020, 2020)
    """
    try:
        value = read_signed(tidy(text).removesuffix("年"))
    except Bad as bad:
        raise Bad("E124", low=YEARS[0], high=YEARS[1]) from bad
    if not value.is_integer() or not YEARS[0] <= value <= YEARS[1]:
        raise Bad("E124", low=YEARS[0], high=YEARS[1])
    return int(value)


def read_date(text: str) -> str:
    """Day of the year as MM-DD.

    >>> read_date("11月1日"), read_date("11-01")
    ('11-01', '11-01')
    """
    parts = re.fullmatch(r"(\d{1,2})\s*(?:-|/|\.|月)\s*(\d{1,2})日?", tidy(text))
    if not parts or not (1 <= int(parts[1]) <= 12 and 1 <= int(parts[2]) <= monthrange(2024, int(parts[1]))[1]):
        raise Bad("E133")
    return f"{int(parts[1]):02d}-{int(parts[2]):02d}"


def read_sex(text: str) -> str:
    """ "female" or "male".

    >>> [read_sex(x) for x in ("女", "Females", "1")]
    ['female', 'female', 'male']
    """
    label = plain(text)
    if label in _FEMALE:
        return "female"
    if label in _MALE:
        return "male"
    raise Bad("E125")


def read_age(text: str) -> str:
    """An age or age group: "0", "1-4", "85+"; the age 100 is the open group "100+".

    >>> [read_age(x) for x in ("0岁", "1－4岁", "100岁及以上", "100")]
    ['0', '1-4', '100+', '100+']
    """
    label = tidy(text).casefold().replace("周岁", "").replace("岁", "").replace("years", "").replace("  ", " ").strip()
    if label in _AGE_BELOW_ONE:
        return "0"
    if match := _AGE_OPEN.fullmatch(label):
        start = int(match[1] or match[2])
        if start <= OPEN_AGE:
            return f"{start}+"
    elif match := _AGE_RANGE.fullmatch(label):
        start, end = int(match[1]), int(match[2])
        if start <= end < OPEN_AGE:
            return f"{start}-{end}" if start < end else f"{start}"
    elif _AGE.fullmatch(label) and int(label) <= OPEN_AGE:
        return f"{int(label)}" if int(label) < OPEN_AGE else f"{OPEN_AGE}+"
    raise Bad("E126", open_age=OPEN_AGE)


def or_total(read: Callable[[str], str]) -> Callable[[str], str]:
    """The same reader, which also knows the words for a total."""
    return lambda text: TOTAL if plain(text) in _TOTALS else read(text)


read_part = or_total(read_text)
"""The name of a part of what is counted, or the word for all parts together."""


def read_flag(text: str) -> bool:
    label = tidy(text).casefold()
    if label not in _YES | _NO:
        raise Bad("E127", known=listed(["1", "0"]), hint=hint(""))
    return label in _YES


def one_of(choices: Mapping[str, tuple[str, ...]]) -> Callable[[str], str]:
    """Reader of a word from a closed list; `choices` gives each word its other names."""
    names = {plain(name): word for word, others in choices.items() for name in (word, *others)}

    def read(text: str) -> str:
        word = names.get(plain(text))
        if word is None:
            near = names.get(nearest(plain(text), names), "")
            raise Bad("E127", known=listed(choices), hint=hint(near))
        return word

    return read


@cache
def _units() -> dict[str, tuple[str, float]]:
    """Every printed unit, base unit and Chinese name of a base unit -> (base unit, factor); `units.PRINTED` first."""
    known = {plain(name.zh): (base, 1.0) for base, name in UNITS.items() if name.zh}
    known |= {plain(base): (base, 1.0) for base in UNITS}
    return known | {plain(printed): value for printed, value in PRINTED.items()}


def unit_of(printed: str) -> tuple[str, float] | None:
    """(base unit, factor) of a printed unit, None where the unit is not in the list."""
    return _units().get(plain(printed))


def read_unit(text: str) -> str:
    """A unit of the closed list, as printed."""
    if unit_of(text) is None:
        raise Bad("E128", known=listed(PRINTED), hint=hint(nearest(tidy(text).casefold(), PRINTED)))
    return tidy(text)


def read_open_unit(text: str) -> str:
    """A unit of figures that are only kept and shown: any is kept, unless it misspells one of the list."""
    if unit_of(text) is None and nearest(plain(text), _units(), cutoff=0.85):
        raise Bad("E128", known=listed(PRINTED), hint=hint(nearest(tidy(text).casefold(), PRINTED)))
    return tidy(text)


TEXT = Kind("text", read_text, "str")
PART = Kind("text or total", read_part, "str")
CODE = Kind("area code", read_code, "str")
NUMBER = Kind("number, not negative", read_number, "float64")
SIGNED = Kind("number", read_signed, "float64")
WHOLE = Kind("whole number", read_whole, "int64")
YEAR = Kind("year", read_year, "int64")
DATE = Kind("month-day", read_date, "str")
SEX = Kind("sex", read_sex, "str")
SEX_OR_TOTAL = Kind("sex or total", or_total(read_sex), "str")
AGE = Kind("age or age group", read_age, "str")
AGE_OR_TOTAL = Kind("age, age group or total", or_total(read_age), "str")
FLAG = Kind("1 or 0", read_flag, "bool")
UNIT = Kind("unit of the list", read_unit, "str")
OPEN_UNIT = Kind("unit", read_open_unit, "str")
