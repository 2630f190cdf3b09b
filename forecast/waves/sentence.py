"""A flag in one sentence: what, where, when, how sure, why, what to do, and what would change it.

Every number in a sentence is one of the `Facts`; a fact that is None is left out rather than guessed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from forecast.basics.catalogue import say
from forecast.basics.text import Text, chance, count, rough_count
from forecast.basics.units import amount, rough_amount

HALF = 0.5  # below it a class is a possibility, and its advice is to prepare rather than to build or give up
SMALL = 0.02  # share below which a change of need is not worth a word
OFFSET = 0.1  # share of the change that works against it and is worth a word
SPREAD = 10  # years: a crest known no better than that is not dated
SHORTAGES = ("structural_shortage", "transient_crest")
SURPLUSES = ("structural_surplus", "crest_then_surplus", "transient_trough")


@dataclass(frozen=True)
class Tipping:
    """The class changes to `category` where the driver is `amount` persons a year above (below, if negative) the base."""

    driver: str  # "migration" or "births"
    amount: float
    category: str


@dataclass(frozen=True)
class Steady:
    """No net migration from `fewer` persons a year below the base to `more` above it makes another class, and no births
    that are off it by up to the share `births`."""

    fewer: float
    more: float
    births: float


@dataclass(frozen=True)
class Need:
    """Need in the year of the decision and in a later one, with the 80 % range of the later; NaN where there is none."""

    before: float
    year: int
    after: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Facts:
    """Numbers and names that a sentence prints; years are calendar years, `unit` is one of units.UNITS.

    peak_year, peak_low, peak_high: of the crest that matters (its 80 % range), None where there is none
    peak_again: the year from which demand is higher than at that crest, None where it is not up to the horizon
    plateau: first and last year of the plateau around the crest, the least and the most demand in them
    crest_year, crest_gap: the worst year of a crest and what is short then (negative), where it is still to come
    gap_year, gap: supply - demand in the year that names the class, negative where short; None where not known
    probability: of the class; None where there are no trajectories
    drivers: parts of the change of demand by driver, which sum to it (`attribution`)
    act_from: the year by which the answer must be decided
    window: break-even years; others: likeliest class at other ones, with these
    rivals: the next likely classes and their probabilities
    need: in the year of the decision and in a later one, told where nothing may be said of supply
    born_until: last year in which all whom the service counts were born when the projection starts; -1 without a cohort
    kind: of the supply (`rules/claims.toml`), and `words`, what it allows: gap, held (more or fewer than the most that
    were ever held) or need; trajectories: of how many the probabilities are shares
    building: kind of building (`waves.advice.<class>_<building>`) where that may become something else, else ""
    """

    area: Text
    service: Text
    unit: str
    now: int
    category: str
    peak_year: int | None = None
    peak_low: int | None = None
    peak_high: int | None = None
    peak_again: int | None = None
    plateau: tuple[int, int, float, float] | None = None
    crest_year: int | None = None
    crest_gap: float | None = None
    gap_year: int | None = None
    gap: float | None = None
    probability: float | None = None
    drivers: Mapping[str, float] | None = None
    act_from: int | None = None
    window: int | None = None
    others: Sequence[tuple[int, str]] = ()
    rivals: Sequence[tuple[str, float]] = ()
    tipping: Tipping | Steady | None = None
    building: str = ""
    need: Need | None = None
    born_until: int = -1
    kind: str = "recorded"
    words: str = "gap"
    trajectories: int = 1


def explain(facts: Facts) -> Text:
    """The sentence. `category` "" says that nothing can be judged."""
    return Text(_sentence(facts, "zh"), _sentence(facts, "en"))


def _sentence(facts: Facts, lang: str) -> str:
    place = {"area": facts.area, "service": facts.service}
    if not facts.category:
        return say("waves.whole", lang, **place, body=_need_alone(facts, lang))
    parts = (_peak(facts, lang), _crest_gap(facts, lang), _gap(facts, lang), _why(facts, lang))
    seen = [part for part in parts if part]
    text = say("waves.verdict", lang, kind=_kind(facts, lang), advice=_advice(facts, lang))
    body = (say("waves.and", lang).join(seen) + say("waves.then", lang) + text) if seen else text
    whole = [say("waves.whole", lang, **place, body=_capital(body, lang))]
    whole += [part for part in (_flips(facts, lang), _tips(facts, lang)) if part]
    return _stop(whole, lang)


def _need_alone(facts: Facts, lang: str) -> str:
    """Need, its change and its causes, how far ahead all are born, and which record is missing."""
    peak, move = _peak(facts, lang) if _still_to_come(facts) else "", _move(facts, lang)
    if move and not peak:
        move = say("waves.need.alone", lang, moved=move)
    told = say("waves.and", lang).join(clause for clause in (peak, move, _born(facts, lang)) if clause)
    reason = say(f"waves.unknown.{facts.kind}", lang)
    return _stop([_capital(told, lang), reason] if told else [reason], lang)


def _still_to_come(facts: Facts) -> bool:
    """True if the crest, its range or its plateau reaches the year of the decision: what was before it is reckoned back."""
    ends = (facts.peak_year, facts.peak_high, facts.plateau and facts.plateau[1])
    return max((year for year in ends if year is not None), default=facts.now - 1) >= facts.now


def _stop(sentences: Sequence[str], lang: str) -> str:
    """Sentences one after another, each with its stop."""
    return say("waves.next", lang).join(sentences) + say("waves.next", lang).strip()


def _move(facts: Facts, lang: str) -> str:
    """Clause on the change of need and why; "" where it is not known."""
    need = facts.need
    if need is None or not math.isfinite(need.before + need.after):
        return ""
    values = {"now": facts.now, "year": need.year}
    before, after = (rough_amount(size, facts.unit) for size in (need.before, need.after))
    within = (
        ""
        if math.isnan(need.low)
        else say("waves.need.within", lang, low=rough_count(need.low), high=rough_count(need.high))
    )
    change = need.after / need.before - 1 if need.before > 0 else 0.0
    way = "now" if need.year == facts.now else "same" if abs(change) < SMALL else "fewer" if change < 0 else "more"
    share = f"{abs(change):.0%}"
    moved = say(f"waves.need.{way}", lang, **values, before=before, after=after, within=within, share=share)
    why = _causes(facts, change > 0, lang) if way in ("fewer", "more") else ""
    return say("waves.and", lang).join(part for part in (moved, why) if part)


def _born(facts: Facts, lang: str) -> str:
    """Clause on how far ahead all are born."""
    if facts.need is None or facts.born_until <= facts.now:
        return ""
    return say("waves.need.born", lang, year=facts.born_until)


def _capital(text: str, lang: str) -> str:
    return text[:1].upper() + text[1:] if lang == "en" else text


def _peak(facts: Facts, lang: str) -> str:
    """Clause on the year in which demand peaks; "" where the trajectories do not agree on the decade."""
    low, high = facts.peak_low, facts.peak_high
    if facts.peak_year is None or (low is not None and high is not None and high - low > SPREAD):
        return ""
    if facts.plateau is not None and facts.plateau[1] >= facts.now:
        return _level(facts, lang) + _again(facts, lang)
    last = facts.peak_year if high is None else high
    when = "past" if last < facts.now else "ahead" if facts.peak_year > facts.now else "about"
    span = {} if low is None or high is None or low == high else {"low": low, "high": high}
    peak = say(f"waves.peak.{when}_range" if span else f"waves.peak.{when}", lang, year=facts.peak_year, **span)
    return peak + _again(facts, lang)


def _level(facts: Facts, lang: str) -> str:
    """Clause on the years in a row in which need hardly differs: no single year of them stands out."""
    first, last, least, most = facts.plateau or (0, 0, 0.0, 0.0)
    low, high = count(least), amount(most, facts.unit)
    key = "level" if first >= facts.now else "level_until"
    return say(f"waves.peak.{key}", lang, first=first, last=last, least=low, most=high)


def _again(facts: Facts, lang: str) -> str:
    return "" if facts.peak_again is None else say("waves.peak.again", lang, year=facts.peak_again)


def _crest_gap(facts: Facts, lang: str) -> str:
    if facts.crest_gap is None or facts.crest_year is None:
        return ""
    dated = bool(_peak(facts, lang)) and facts.crest_year == facts.peak_year
    key = "short_then" if dated else "short_now" if facts.crest_year == facts.now else "short"
    return say(
        f"waves.{facts.words}.{key}", lang, year=facts.crest_year, amount=rough_amount(-facts.crest_gap, facts.unit)
    )


def _gap(facts: Facts, lang: str) -> str:
    """Clause on how much is short or to spare; "" where it speaks against the class or is not known."""
    if facts.gap is None or facts.gap_year is None or facts.category == "balanced":
        return ""
    against = SURPLUSES if facts.gap < 0 else SHORTAGES
    if facts.category in against:
        return ""
    side = "short" if facts.gap < 0 else "spare"
    if facts.category == "undetermined":
        side += "_middle"
    return say(
        f"waves.{facts.words}.{side}", lang, year=facts.gap_year, amount=rough_amount(abs(facts.gap), facts.unit)
    )


def _why(facts: Facts, lang: str) -> str:
    """The driver that does most of the change, where it goes the way of the class."""
    if facts.category in ("undetermined", "balanced"):
        return ""
    return _causes(facts, facts.category in SHORTAGES, lang)


def _causes(facts: Facts, more: bool, lang: str) -> str:
    """The driver that does most of a change for more or for less, where one does at least half of it; "" where the parts
    are not known or sum to a change the other way."""
    total = sum(facts.drivers.values()) if facts.drivers else 0.0
    if not facts.drivers or total == 0 or (total > 0) != more:
        return ""
    name, part = max(facts.drivers.items(), key=lambda one: one[1] / total)
    share = part / total
    if share < HALF:
        return say("waves.why.several", lang)
    driver = _driver(name, part, lang)
    against, size = min(facts.drivers.items(), key=lambda one: one[1] / total)
    if -size / total > OFFSET:
        return say("waves.why.despite", lang, driver=driver, other=_driver(against, size, lang))
    return say("waves.why.mostly", lang, driver=driver, share=f"{min(share, 0.99):.0%}")


def _driver(name: str, part: float, lang: str) -> str:
    return say(f"waves.driver.{name}.{'more' if part > 0 else 'fewer'}", lang)


def _class(facts: Facts, category: str, lang: str) -> str:
    """A class in the words that the kind of the supply allows."""
    return say(f"waves.class_{facts.words}.{category}", lang)


def _kind(facts: Facts, lang: str) -> str:
    """Clause on the class and how sure it is; where that is not decided, on the other classes it may be."""
    kind = _class(facts, facts.category, lang)
    if facts.category == "undetermined":
        if not facts.rivals:
            return say("waves.sure.single_doubt", lang, kind=kind)
        rivals = [
            say("waves.sure.rival", lang, kind=_class(facts, category, lang), share=chance(share, facts.trajectories))
            for category, share in facts.rivals
        ]
        return say("waves.sure.doubt", lang, kind=kind, rivals=say("waves.and", lang).join(rivals))
    if facts.probability is None:
        return say("waves.sure.single", lang, kind=kind)
    key = "share" if facts.probability >= HALF else "perhaps"
    return say(f"waves.sure.{key}", lang, kind=kind, share=chance(facts.probability, facts.trajectories))


def _advice(facts: Facts, lang: str) -> str:
    """Clause on the answer to the class and by when to decide it; less than even odds call for preparing only."""
    kind = key = facts.category
    unsure = facts.probability is not None and facts.probability < HALF and kind in SHORTAGES + SURPLUSES
    if unsure:
        key = "unsure_short" if kind in SHORTAGES else "unsure_spare"
    elif kind == "crest_then_surplus" and facts.crest_gap is None:
        key = "crest_over"
    if facts.building and key in ("structural_surplus", "crest_over"):
        key += f"_{facts.building}"
    advice = say(f"waves.advice_held.{kind}" if facts.words == "held" else f"waves.advice.{key}", lang)
    if facts.act_from is None or kind == "undetermined" or facts.act_from <= facts.now:
        return advice  # a date that has passed is said once for all, not here
    late = "by_unsure" if unsure else "by"
    return say(f"waves.decide.{late}", lang, advice=advice, year=facts.act_from)


def _flips(facts: Facts, lang: str) -> str:
    other = [(years, category) for years, category in facts.others if category != facts.category and category]
    if not other or facts.window is None:
        return ""
    cases = [
        say(
            "waves.flip.case_undetermined" if category == "undetermined" else "waves.flip.case",
            lang,
            years=years,
            kind=_class(facts, category, lang),
        )
        for years, category in other
    ]
    return say("waves.flip.whole", lang, window=facts.window, cases=say("waves.and", lang).join(cases))


def _tips(facts: Facts, lang: str) -> str:
    tip = facts.tipping
    if tip is None:
        return ""
    if isinstance(tip, Steady):
        fewer, more = (rough_amount(size, "persons") for size in (tip.fewer, tip.more))
        return say("waves.tip.none", lang, fewer=fewer, more=more, share=f"{tip.births:.0%}")
    way = "more" if tip.amount > 0 else "fewer"
    many = rough_amount(abs(tip.amount), "persons")
    return say(f"waves.tip.{tip.driver}_{way}", lang, amount=many, kind=_class(facts, tip.category, lang))
