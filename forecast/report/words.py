"""Words and numbers in both languages, as a planner writes them; every sentence stands in the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from forecast.basics.catalogue import LANGUAGES, catalogue, say
from forecast.basics.units import UNITS

SHORT, END_SHORT, SURPLUS, END_SURPLUS = "⟦⟧⟪⟫"
"""Marks in a sentence around what is short and what is in surplus: a page colours them, plain text drops them."""


@dataclass(frozen=True)
class Text:
    """The same words in Chinese and English."""

    zh: str
    en: str

    def in_(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en

    def pair(self) -> list[str]:
        return [self.zh, self.en]

    def plain(self) -> Text:
        """Without the marks of colour."""
        drop = str.maketrans("", "", SHORT + END_SHORT + SURPLUS + END_SURPLUS)
        return Text(self.zh.translate(drop), self.en.translate(drop))


def same(words: object) -> Text:
    """What reads the same in both languages: a source, a code, a year."""
    return Text(str(words), str(words))


def names(of: Any) -> Text:
    """Names given as {"zh": …, "en": …} or as an object with `zh` and `en`."""
    return Text(of["zh"], of["en"]) if isinstance(of, dict) else Text(of.zh, of.en)


def both(key: str, /, **values: Any) -> Text:
    """The catalogue's sentence `report.<key>`; a value that is a Text is taken in the sentence's language."""
    spoken = {
        lang: say(f"report.{key}", lang, **{k: v.in_(lang) if isinstance(v, Text) else v for k, v in values.items()})
        for lang in LANGUAGES
    }
    return Text(spoken["zh"], spoken["en"])


def known(key: str) -> bool:
    """Whether the catalogue has `report.<key>`."""
    return f"report.{key}" in catalogue()


def joined(parts: Sequence[Text], zh: str = "、", en: str = ", ") -> Text:
    """A list in words; in English the last two are joined by "and" where the separator is a comma.

    >>> joined([same("A"), same("B"), same("C")])
    Text(zh='A、B、C', en='A, B and C')
    """
    english = [part.en for part in parts]
    if en == ", " and len(english) > 1:
        english = [*english[:-2], f"{english[-2]} and {english[-1]}"]
    return Text(zh.join(part.zh for part in parts), en.join(english))


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


def amount(value: float, unit: str) -> Text:
    """A number with its unit of `units.UNITS`: 18.2万个, 182,000 places."""
    zh, en = UNITS[unit]
    number = count(value)
    return Text(number.zh + zh, f"{number.en} {en}")


def percent(share: float) -> str:
    """A share in whole per cent, without a sign.

    >>> percent(-0.334)
    '33%'
    """
    return f"{abs(share):.0%}"
