"""Supply against need in words: the one place that asks what the kind of a supply allows, and says no more.

Recorded supply is short or has places to spare, gross before net. Where supply is the most pupils ever held, there are
more or fewer than that, and the capacity at which nothing would be short. Of all other kinds nothing is said of supply:
need and its change alone (`rules/claims.toml`).
"""

from __future__ import annotations

import math

from forecast.basics.text import Text, chance, count, joined, percent, printed_chance, strung
from forecast.basics.tolerance import TOLERANCE
from forecast.report.chances import gap_range
from forecast.report.view import View
from forecast.report.view.meaning import SPAN
from forecast.report.words import both

NAMED = 3
"""How many counties stand in a sentence."""


def state(view: View, place: str, service: str, year: int) -> Text | None:
    """What is missing, idle or balanced in the year, or how need stands to the most ever held; None where the kind
    allows neither or a county is not known."""
    words = view.kinds.words(place, service)
    if words == "need" or not math.isfinite(view.curves.at("gap", place, service, year)):
        return None
    return _gap(view, place, service, year) if words == "gap" else _held(view, place, service, year)


def _gap(view: View, place: str, service: str, year: int) -> Text:
    """Gross before net: what is missing and where, what stands idle and where, and the net of both."""
    if view.meaning.balanced(place, service, year):
        return both("gap.balanced", share=percent(TOLERANCE))
    missing, idle, net = (view.curves.at(name, place, service, year) for name in ("missing", "idle", "gap"))
    inside = place == view.area and view.meaning.parts_known(service) and len(view.counties) > 1
    short = view.meaning.short_counties(service, year) if inside else []
    spare = view.meaning.spare_counties(service, year) if inside else []
    parts = []
    if short or view.meaning.lacks(place, service, year):
        parts.append(
            both("gap.missing", **_sized(view, service, missing), where=_where(view, service, year, short, "missing"))
        )
    if spare or view.meaning.spares(place, service, year):
        key = "gap.idle" if inside else "gap.spare"
        parts.append(both(key, **_sized(view, service, idle), where=_where(view, service, year, spare, "idle")))
    if len(parts) == 2:
        parts.append(both("gap.net_short" if net < 0 else "gap.net_spare", **_sized(view, service, net)))
    return strung(parts)


def _where(view: View, service: str, year: int, codes: list[str], what: str) -> Text:
    """The counties with most of it and their number, in brackets; nothing where there are none to name."""
    if not codes:
        return Text("", "")
    named = [
        both("gap.county", county=view.names.places[code], number=count(view.curves.at(what, code, service, year)))
        for code in codes[:NAMED]
    ]
    key = "gap.where_more" if len(codes) > NAMED else "gap.where"
    return both(key, named=joined(named), n=len(codes), of=len(view.counties))


def _held(view: View, place: str, service: str, year: int) -> Text:
    """More or fewer pupils than were ever held at once, never short or to spare."""
    gap = view.curves.at("gap", place, service, year)
    side = "more" if gap < 0 else "fewer"
    if view.meaning.balanced(place, service, year):
        side += "_close"
    most, size = held(view, place, service, year), view.names.heads(gap, service)
    return both(f"held.{side}", amount=size, held=most, share=percent(TOLERANCE))


def held(view: View, place: str, service: str, year: int) -> Text:
    """The most that were ever held, and with them the places that are planned until the year."""
    planned = _planned(view, place, service, year)
    most = view.curves.at("supply", place, service, year) - planned
    if planned < 1:
        return both("held.most", amount=view.names.heads(most, service))
    return both("held.most_planned", amount=view.names.heads(most, service), planned=count(planned))


def _planned(view: View, place: str, service: str, year: int) -> float:
    if "planned_of_area" not in view.run.data:
        return 0.0
    planned = view.curves.at("planned", place, service, year)
    return planned if math.isfinite(planned) else 0.0


def odds(view: View, place: str, service: str, year: int) -> Text:
    """How likely the state is, after a comma: a shortage and places to spare where either is possible, or more than were
    ever held; nothing in a run of one path or where the kind allows nothing."""
    words = view.kinds.words(place, service)
    if not view.many or words == "need":
        return Text("", "")
    short, spare = (view.odds.chance(name, place, service, year) for name in ("p_short", "p_spare"))
    if not math.isfinite(short):
        return Text("", "")
    if words == "held":
        return both("odds.held", chance=chance(short, view.trajectories), share=percent(TOLERANCE))
    sides = {"odds.short": short, "odds.spare": spare}
    possible = [key for key, share in sides.items() if printed_chance(share, view.trajectories)[0] > 0] or list(sides)
    told = [both(key, chance=chance(sides[key], view.trajectories)) for key in possible]
    return both("odds.gap", told=strung(told), range=gap_range(view, place, service, year))


def break_even(view: View, place: str, service: str) -> Text | None:
    """The capacity below which places would be short in the years ahead; None where the real capacity is known or supply
    says nothing."""
    if view.kinds.words(place, service) != "held":
        return None
    year, need = view.meaning.most_needed(place, service)
    return both(
        "held.break_even",
        **_sized(view, service, need),
        year=year,
        first=view.now,
        last=min(view.now + SPAN, view.horizon),
    )


def not_told(view: View) -> list[Text]:
    """Services of the whole of which supply says nothing, a sentence for each reason; and that counties are not judged
    where only the whole has a figure."""
    sentences = []
    for kind in ("ratio", "planned", "split", "none"):
        named = [view.names.thing(service) for service in view.services if view.kinds.kind(view.area, service) == kind]
        if named:
            sentences.append(both(f"not_told.{kind}", things=joined(named)))
    partly = [text for service in view.services if (text := unknown_counties(view, service))]
    split = [
        view.names.thing(service)
        for service in view.services
        if len(view.counties) > 1
        and view.kinds.words(view.area, service) != "need"
        and all(view.kinds.kind(code, service) == "split" for code in view.counties)
    ]
    if split:
        sentences.append(both("not_told.counties_split", things=joined(split), area=view.names.whole))
    return sentences + partly


def unknown_counties(view: View, service: str) -> Text | None:
    """That the whole cannot be judged, and for want of which counties; None where that is not so."""
    unknown = [code for code in view.counties if view.kinds.words(code, service) == "need"]
    if view.kinds.words(view.area, service) != "need" or len(unknown) in (0, len(view.counties)):
        return None
    names = joined([view.names.places[code] for code in unknown])
    known = [code for code in view.counties if code not in unknown]
    year = view.outlook_year
    told = [
        both("not_told.county_state", county=view.names.places[code], state=text)
        for code in known
        if (text := state(view, code, service, year))
    ]
    values = {"thing": view.names.thing(service), "counties": names, "area": view.names.whole}
    if not told:
        return both("not_told.partly", **values)
    return both("not_told.partly_told", **values, year=year, told=strung(told[:NAMED], "；", "; "))


def _sized(view: View, service: str, value: float) -> dict[str, Text]:
    """The values of a sentence about an amount: `number` alone where the thing names the unit, `amount` with it."""
    return {
        "thing": view.names.thing(service),
        "number": count(abs(value)),
        "amount": view.names.amount(value, service),
    }
