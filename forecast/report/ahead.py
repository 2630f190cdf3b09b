"""The wave in words: when a stage crests, or lies on a plateau, how far it falls and how much of that is born already."""

from __future__ import annotations

import math

from forecast.basics.text import Text, count, percent, strung
from forecast.findings.crests import Crest
from forecast.report.view import View
from forecast.report.words import both

FLAT = 0.02
"""Share below which a change is not worth a word."""


def crested(view: View, place: str, service: str, height: bool = True) -> Text | None:
    """When need crests, with its 80 % range or its plateau, and how high; None where there is no crest."""
    crest = view.meaning.crest(place, service)
    return None if crest is None else when(view, crest, service, height)


def when(view: View, crest: Crest, service: str, height: bool = True) -> Text:
    """A crest in words: a plateau as one, a year with its range; whether it is counted, past or to come."""
    if crest.plateau_first is not None and crest.plateau_last is not None and crest.plateau_last >= view.now:
        key = "crest.plateau" if crest.plateau_first >= view.now else "crest.plateau_until"
        text = both(key, first=crest.plateau_first, last=crest.plateau_last)
        low, high = (value or crest.height for value in (crest.plateau_low, crest.plateau_high))
        size = both("crest.between", low=count(low), high=view.names.heads(high, service))
        return strung([text, *([size] if height else []), *_again(crest)], "", "")
    past = "counted" if crest.counted else "past" if crest.high < view.now else "ahead"
    text = both(f"crest.{past}", year=crest.year, within=year_range(crest))
    size = both("crest.height", amount=view.names.heads(crest.height, service))
    return strung([text, *([size] if height else []), *_again(crest)], "", "")


def _again(crest: Crest) -> list[Text]:
    """The year from which need is higher than at the crest, where there is one."""
    return [] if crest.surpassed is None else [both("crest.again", year=crest.surpassed)]


def year_range(crest: Crest) -> Text:
    """The 80 % range of a crest's year, in brackets; nothing where the year is counted or the run is one path."""
    if crest.counted or crest.low == crest.high:
        return Text("", "")
    return both("crest.range", low=crest.low, high=crest.high)


def fall(view: View, place: str, service: str) -> Text | None:
    """How far need falls from the crest, or from the decision where the crest is past, until the last year whose pupils
    are all born; None where there is no such year or hardly a change."""
    crest, end = view.meaning.crest(place, service), min(view.meaning.born_until(service), view.horizon)
    start = view.now if crest is None else max(crest.plateau_last or crest.year, crest.year, view.now)
    if end <= start:
        return None
    change = view.meaning.change(place, service, start, end)
    if not math.isfinite(change) or abs(change) < FLAT:
        return None
    key = "crest.fall" if change < 0 else "crest.rise"
    after = view.names.heads(view.curves.at("demand", place, service, end), service)
    within = view.odds.within("demand_quantile", place, service, end)
    return both(key, start=start, end=end, share=percent(change), after=after, within=within)


def moved(view: View, place: str, service: str, first: int, last: int) -> Text:
    """Need in two years, the later with its range, and the change."""
    change = view.meaning.change(place, service, first, last)
    key = (
        "move.once"
        if first == last
        else "move.same"
        if not abs(change) >= FLAT
        else "move.fewer"
        if change < 0
        else "move.more"
    )
    before, after = (
        view.names.heads(view.curves.at("demand", place, service, year), service) for year in (first, last)
    )
    within = view.odds.within("demand_quantile", place, service, last)
    return both(key, first=first, last=last, before=before, after=after, within=within, share=percent(change))
