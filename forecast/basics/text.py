"""Words and numbers in Chinese and English, as a planner writes them."""

from __future__ import annotations

import math
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


STEPS = (1, 5, 10, 20, 50)
"""Per cent to which a probability is rounded, the finest first."""


def printed_chance(probability: float, trajectories: int) -> tuple[int, int]:
    """A probability in whole per cent as it is printed, and the step it is rounded to: no finer than two standard errors
    of a share of so many trajectories. 0 and 100 mean less than a step and more than 100 less a step.

    The standard error is that of the share with one trajectory more on either side (Laplace), so that a share of none or
    all of a few is not taken for certain.

    >>> printed_chance(0.93, 1000), printed_chance(0.98, 1000), printed_chance(0.5, 1000), printed_chance(1.0, 2)
    ((95, 5), (98, 1), (50, 5), (100, 50))
    """
    cautious = (probability * trajectories + 1) / (trajectories + 2)
    error = 100 * math.sqrt(cautious * (1 - cautious) / trajectories)
    step = next((step for step in STEPS if 2 * error <= step), STEPS[-1])
    return step * math.floor(100 * probability / step + 0.5), step


def chance(probability: float, trajectories: int, brief: bool = False) -> Text:
    """A probability in words, as fine as so many trajectories can tell, and never 0 or 100 %.

    >>> chance(0.897, 1000).en, chance(1.0, 1000).zh, chance(0.0, 50).en, chance(0.0, 50, brief=True).en
    ('90%', '超过99%', 'under 5%', '<5%')
    """
    whole, step = printed_chance(probability, trajectories)
    if whole <= 0:
        return same(f"<{step}%") if brief else Text(f"不到{step}%", f"under {step}%")
    if whole >= 100:
        return same(f">{100 - step}%") if brief else Text(f"超过{100 - step}%", f"over {100 - step}%")
    return same(f"{whole}%")
