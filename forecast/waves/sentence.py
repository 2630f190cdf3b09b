"""A flag in one sentence: what, where, when, how sure, why, what to do, and what would change it.

Every number in a sentence is one of the `Facts`; a fact that is None is left out rather than guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forecast.errors import LANGUAGES, say
from forecast.units import UNITS

LIKELY = 0.995  # from here on a share is not shown as 100 %, which nothing is


@dataclass(frozen=True)
class Tipping:
    """The class changes to `category` where the driver is `amount` persons a year above (below, if negative) the base."""

    driver: str  # "migration" or "births"
    amount: float
    category: str


@dataclass(frozen=True)
class Facts:
    """What a sentence is made from; names are {"zh": ..., "en": ...}, years calendar years, `unit` of units.UNITS.

    peak_year, peak_low, peak_high: of the crest that matters (its 80 % range), None where there is none
    gap_year, gap: supply - demand in the year that names the class, negative where short; None where not known
    probability: of the class; None where there are no trajectories
    drivers: parts of the change of demand by driver, which sum to it (`attribution`)
    act_from: the year by which the answer must be decided
    others: likeliest class at break-even years two less and two more, with these years
    """

    area: Mapping[str, str]
    service: Mapping[str, str]
    unit: str
    now: int
    category: str
    peak_year: int | None = None
    peak_low: int | None = None
    peak_high: int | None = None
    gap_year: int | None = None
    gap: float | None = None
    probability: float | None = None
    drivers: Mapping[str, float] | None = None
    act_from: int | None = None
    others: Sequence[tuple[int, str]] = ()
    tipping: Tipping | None = None


def explain(facts: Facts) -> dict[str, str]:
    """The sentence in Chinese and in English. `category` "" says that nothing can be judged."""
    return {lang: _sentence(facts, lang) for lang in LANGUAGES}


def _sentence(facts: Facts, lang: str) -> str:
    place = {"area": facts.area[lang], "service": facts.service[lang]}
    if not facts.category:
        return say("waves.unknown", lang, **place) + say("waves.next", lang).strip()
    seen = [part for part in (_peak(facts, lang), _gap(facts, lang), _why(facts, lang)) if part]
    advice = say(f"waves.advice.{facts.category}", lang)
    if facts.act_from is not None:
        key = "late" if facts.act_from <= facts.now else "by"
        advice = say(f"waves.decide.{key}", lang, advice=advice, year=max(facts.act_from, facts.now))
    kind = say(f"waves.class.{facts.category}", lang)
    text = say("waves.verdict", lang, kind=kind, advice=advice)
    body = (say("waves.and", lang).join(seen) + say("waves.then", lang) + text) if seen else text
    parts = [say("waves.whole", lang, **place, body=_capital(body, lang))]
    parts += [part for part in (_flips(facts, lang), _tips(facts, lang)) if part]
    return say("waves.next", lang).join(parts) + say("waves.next", lang).strip()


def _capital(text: str, lang: str) -> str:
    return text[:1].upper() + text[1:] if lang == "en" else text


def _peak(facts: Facts, lang: str) -> str:
    if facts.peak_year is None:
        return ""
    low, high = facts.peak_low, facts.peak_high
    when = "past" if facts.peak_year <= facts.now else "ahead"
    if low is None or high is None or low == high:
        return say(f"waves.peak.{when}", lang, year=facts.peak_year)
    return say(f"waves.peak.{when}_range", lang, year=facts.peak_year, low=low, high=high)


def _gap(facts: Facts, lang: str) -> str:
    if facts.gap is None or facts.gap_year is None or facts.category in ("balanced", "undetermined"):
        return ""
    side = "spare" if facts.gap > 0 else "short"
    text = say(f"waves.gap.{side}", lang, year=facts.gap_year, amount=amount(abs(facts.gap), facts.unit, lang))
    if facts.probability is None:
        return text
    key = "nearly" if facts.probability >= LIKELY else "share"
    return say(f"waves.sure.{key}", lang, text=text, share=f"{min(facts.probability, 0.99):.0%}")


def _why(facts: Facts, lang: str) -> str:
    """The driver that does most of the change, where one does at least half of what moves it that way."""
    if not facts.drivers:
        return ""
    total = sum(facts.drivers.values())
    name, part = max(facts.drivers.items(), key=lambda one: one[1] if total > 0 else -one[1])
    if total == 0 or part / total < 0.5:
        return say("waves.why.several", lang)
    way = "more" if total > 0 else "fewer"
    driver = say(f"waves.driver.{name}.{way}", lang)
    share = part / total
    if share > 1:  # others work against it
        return say("waves.why.despite", lang, driver=driver)
    return say("waves.why.mostly", lang, driver=driver, share=f"{share:.0%}")


def _flips(facts: Facts, lang: str) -> str:
    other = [(years, category) for years, category in facts.others if category != facts.category and category]
    if not other:
        return ""
    cases = [say("waves.flip.case", lang, years=y, kind=say(f"waves.class.{c}", lang)) for y, c in other]
    return say("waves.flip.whole", lang, cases=say("waves.and", lang).join(cases))


def _tips(facts: Facts, lang: str) -> str:
    tip = facts.tipping
    if tip is None:
        return ""
    way = "more" if tip.amount > 0 else "fewer"
    many = amount(abs(tip.amount), "persons", lang)
    return say(f"waves.tip.{tip.driver}_{way}", lang, amount=many, kind=say(f"waves.class.{tip.category}", lang))


def amount(value: float, unit: str, lang: str) -> str:
    """Two significant digits with the unit, as it is said: 1.2万个, 860张; 12,000 places.

    >>> amount(12345, "places", "zh"), amount(12345, "places", "en"), amount(96, "beds", "zh")
    ('1.2万个', '12,000 places', '96张')
    """
    rounded = float(f"{value:.2g}")
    name = UNITS[unit][0 if lang == "zh" else 1]
    if lang == "zh":
        return f"{rounded / 10_000:g}万{name}" if rounded >= 10_000 else f"{rounded:g}{name}"
    return f"{rounded:,.0f} {name}"


def tipping_point(levels: Sequence[float], categories: Sequence[str]) -> tuple[float, str] | None:
    """The level nearest to 0 at which the class is another than at 0, and that class; None where it never is.

    levels: what is added to the base (persons a year, in any order, with 0 among them); categories: the class that the
    run of each level has.
    """
    base = categories[list(levels).index(0)]
    other = [(level, category) for level, category in zip(levels, categories, strict=True) if category != base]
    return min(other, key=lambda one: abs(one[0]), default=None)
