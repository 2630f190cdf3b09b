"""Words and numbers in Chinese and English, as a planner writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """The same words in Chinese and English.

    In a sentence of the catalogue `{name}` takes the sentence's language, `{name:zh}` and `{name:en}` the one named. As
    plain text (JSON, logs) it is the English form.

    >>> text = Text("女", "female")
    >>> text["zh"], f"{text:zh}", str(text)
    ('女', '女', 'female')
    """

    zh: str
    en: str

    def __getitem__(self, lang: str) -> str:
        return {"zh": self.zh, "en": self.en}[lang]

    def __format__(self, spec: str) -> str:
        return self[spec or "en"]

    def __str__(self) -> str:
        return self.en

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)

    def pair(self) -> list[str]:
        return [self.zh, self.en]


def same(words: object) -> Text:
    """Text that reads the same in both languages: a source, a code."""
    return Text(str(words), str(words))


def year_text(year: object) -> Text:
    """
    >>> year_text(2030)
    Text(zh='2030年', en='2030')
    """
    return Text(f"{year}年", str(year))


def joined(parts: Sequence[Text], zh: str = "、", en: str = ", ") -> Text:
    """A list in words; in English the last two are joined by "and" where the separator is a comma.

    >>> joined([same("A"), same("B"), same("C")])
    Text(zh='A、B、C', en='A, B and C')
    """
    if en == ", " and len(parts) > 1:
        before, last = parts[-2:]
        parts = [*parts[:-2], Text(strung([before, last], zh).zh, f"{before.en} and {last.en}")]
    return strung(parts, zh, en)


def strung(parts: Sequence[Text], zh: str = "，", en: str = ", ") -> Text:
    """The parts one after another, with a separator between two of them.

    >>> strung([same("A"), same("B")])
    Text(zh='A，B', en='A, B')
    """
    return Text(zh.join(part.zh for part in parts), en.join(part.en for part in parts))


def count(value: float) -> Text:
    """A number of persons or places as a sentence says it: 万 and 亿 in Chinese, three or four figures in English.

    >>> count(190_812), count(4_263), count(1_234_567)
    (Text(zh='19.1万', en='190,800'), Text(zh='4263', en='4,263'), Text(zh='123.5万', en='1.23 million'))
    """
    size = abs(value)
    if size >= 1e8:
        zh = f"{value / 1e8:.2f}亿"
    elif round(size) >= 10_000:
        zh = f"{value / 1e4:.1f}".removesuffix(".0") + "万"
    else:
        zh = f"{value:.0f}"
    if size >= 1e6:
        en = f"{value / 1e6:.2f} million"
    elif size >= 10_000:
        en = f"{round(value, -2):,.0f}"
    else:
        en = f"{value:,.0f}"
    return Text(zh, en)


def rough_count(value: float) -> Text:
    """A number of two significant digits, as a warning says it.

    >>> rough_count(12345), rough_count(96)
    (Text(zh='1.2万', en='12,000'), Text(zh='96', en='96'))
    """
    rounded = float(f"{value:.2g}") if value >= 10 else round(value)
    return Text(f"{rounded / 10_000:g}万" if rounded >= 10_000 else f"{rounded:g}", f"{rounded:,.0f}")


def percent(share: float) -> str:
    """A share in whole per cent, without a sign.

    >>> percent(-0.334)
    '33%'
    """
    return f"{abs(share):.0%}"
