"""The first screen in words, written from the run: what will be short or in surplus, where, when, and how sure.

The first sentence is the title: shortages that begin soon, and what is to spare in the year looked at. Then how likely
that is and what is open, the falls among children already born, the crests, where it is short, what comes later, and what all this rests on. A sentence that
the data do not carry is left out, and where nothing is short, that is said.
"""

from __future__ import annotations

from forecast.basics.basis import weakest
from forecast.basics.text import Text, count, joined, percent, strung
from forecast.basics.tolerance import TOLERANCE
from forecast.findings.crests import Crest
from forecast.report.chances import chance, gap_range, given, likelihood
from forecast.report.view import View
from forecast.report.view.meaning import Spell
from forecast.report.words import both, without_marks
from forecast.run.run import Run

SOON = 8
"""Years after the jump-off year in which a shortage must begin to stand in the title."""

FALL = 0.15
"""A fall of children already born that is worth a sentence: share of the year it starts from."""

SPARE = 0.10
"""Surplus worth a title: share of the places that nobody needs."""

IN_TITLE, NAMED = 2, 3
"""How many services stand in the title, and how many counties in a sentence."""


EVEN = (34, 65)
"""Whole per cent between which a service may as well be short as not: the same as in `chances.SCALE`."""


def headline(run: Run) -> dict[str, list[str]]:
    """The sentences of the first screen, the title first, in both languages ("zh", "en")."""
    sentences = [without_marks(sentence) for sentence in tell(View(run))]
    return {"zh": [sentence.zh for sentence in sentences], "en": [sentence.en for sentence in sentences]}


def tell(view: View) -> list[Text]:
    """As `headline`, with the marks of colour in the title."""
    parts = [title(view), *sure(view), unsure(view), falls(view), crests(view), where_short(view)]
    parts += [later(view), norm_differs(view), standard_view(view), unknown(view)]
    parts += [given(view)] if view.many else [basis(view), both("sure.one_path")]
    return [part for part in parts if part]


def title(view: View) -> Text:
    """Title: services that are short soon, and places to spare in the year looked at."""
    supplied = [service for service in view.services if view.curves.has_gap(service)]
    if not supplied:
        return both("title.no_supply", area=view.names.whole)
    short = [
        both("title.short", thing=view.names.thing(service), years=_years(view, spell))
        for service, spell in soon_short(view)[:IN_TITLE]
    ]
    spare = [
        both("title.spare", **_missing(view, service, _gap(view, service))) for service in in_surplus(view)[:IN_TITLE]
    ]
    spare_part = both("title.spare_in", year=view.outlook_year, spare=joined(spare)) if spare else None
    if short and spare_part:
        return joined([both("title.place", area=view.names.whole, rest=joined(short)), spare_part], zh="；", en="; ")
    if short:
        return both("title.place", area=view.names.whole, rest=joined(short))
    if spare_part:
        nothing = both("title.nothing_short", area=view.names.whole, year=min(view.jump_off + SOON, view.horizon))
        return joined([nothing, spare_part], zh="；", en="; ")
    return both("title.balanced", area=view.names.whole, share=percent(TOLERANCE), year=view.outlook_year)


def title_basis(view: View) -> str | None:
    """Weakest basis of the services in the title; None where it names none."""
    named = [service for service, _ in soon_short(view)[:IN_TITLE]] + in_surplus(view)[:IN_TITLE]
    return weakest(*(view.bases.gap(service) for service in named)) if named else None


def soon_short(view: View) -> list[tuple[str, Spell]]:
    """Services whose first shortage begins soon, stages of childhood first, then the larger sum of missing places."""
    ranked = []
    for service in view.services:
        spells = view.meaning.spells(view.area, service)
        if spells and spells[0].first <= view.jump_off + SOON:
            gap = view.curves.table("gap", service).loc[view.area]
            need = view.curves.table("demand", service).loc[view.area]
            share = float((gap / need).loc[spells[0].first : spells[0].last].sum())
            ranked.append((not view.meaning.is_stage(service), share, service, spells[0]))
    return [(service, spell) for _, _, service, spell in sorted(ranked, key=lambda row: row[:2])]


def in_surplus(view: View) -> list[str]:
    """Services with a surplus in the year looked at, stages of childhood first, then the larger share of places."""
    ranked = []
    for service in view.services:
        supply = view.curves.at("supply", view.area, service, view.outlook_year)
        gap = _gap(view, service)
        if supply > 0 and gap / supply >= SPARE:
            ranked.append((not view.meaning.is_stage(service), -gap / supply, service))
    return [service for *_, service in sorted(ranked)]


def falls(view: View) -> Text | None:
    """The steepest near fall of pupils: from the last count to the last year whose children are all born."""
    service = steepest(view)
    if service is None:
        return None
    start, before, counted = last_known(view, service)
    end = view.meaning.born_until(service)
    after = view.curves.at("demand", view.area, service, end)
    parts = [
        both(
            "fall.counted" if counted else "fall.estimated",
            people=view.names.people(service),
            start=start,
            before=count(before),
            end=end,
            after=count(after),
            within=view.odds.within("demand_quantile", view.area, service, end),
            share=percent(after / before - 1),
            jump_off=view.jump_off,
        )
    ]
    parts += _from_the_height(view, service, start, before, after)
    added = view.curves.at("supply", view.area, service, end) - view.curves.at("supply", view.area, service, start)
    if added > 0.01 * before:
        parts.append(both("fall.added", **_missing(view, service, added)))
    sentence = strung(parts, "，", "; ")
    return Text(sentence.zh + "。", sentence.en + ".")


def steepest(view: View) -> str | None:
    """The school stage that falls by the largest share among children already born, soonest first; None without one."""
    shares = {}
    for service in view.meaning.school_stages:
        end = view.meaning.born_until(service)
        start, before, _ = last_known(view, service)
        if start < end <= view.horizon and before > 0:
            change = view.curves.at("demand", view.area, service, end) / before - 1
            if change <= -FALL and end - start <= SOON:
                shares[service] = change
    return min(shares, key=lambda service: shares[service]) if shares else None


def last_known(view: View, service: str) -> tuple[int, float, bool]:
    """Year and number of the last count of pupils (True), or the estimate of the jump-off year (False)."""
    seen = view.curves.observed(service)
    if len(seen):
        return int(seen.index[-1]), float(seen.iloc[-1]), True
    return view.jump_off, view.curves.at("demand", view.area, service, view.jump_off), False


def _from_the_height(view: View, service: str, start: int, before: float, after: float) -> list[Text]:
    """How far below the crest before the fall, where that was counted, else below the highest roll that was."""
    crest, rolls = view.meaning.crest(view.area, service), view.curves.observed(service)
    if rolls.empty or (crest and crest.year in rolls.index):
        key, year, height = "fall.crest", crest.year if crest else start, crest.height if crest else 0.0
    else:
        key, year, height = "fall.highest", int(rolls.idxmax()), float(rolls.max())
    if year >= start or height <= 0 or after / height >= after / before - 0.02:
        return []
    return [both(key, year=year, share=percent(after / height - 1))]


def crests(view: View) -> Text | None:
    """The wave: when each stage crests, and how far it falls by the last year whose pupils are all born."""
    parts = []
    for service in view.meaning.school_stages:
        crest, end = view.meaning.crest(view.area, service), view.meaning.born_until(service)
        if crest and view.jump_off - 1 <= crest.year < end <= view.horizon:
            parts.append(_crest(view, service, crest, end))
    if not parts:
        return None
    return both("crests.all", parts=joined(parts, zh="；", en="; "), jump_off=view.jump_off)


def _crest(view: View, service: str, crest: Crest, end: int) -> Text:
    change = view.curves.at("demand", view.area, service, end) / crest.height - 1
    return both(
        "crests.fall" if change < 0 else "crests.rise",
        people=view.names.people(service),
        year=crest.year,
        height=count(crest.height),
        end=end,
        share=percent(change),
    )


def where_short(view: View) -> Text | None:
    """For the shortages of the title: how many counties, and which ones are shortest in the worst year."""
    parts = [
        both(
            "where.service",
            year=spell.worst,
            **_missing(view, service, view.curves.at("gap", view.area, service, spell.worst)),
            counties=counties_short(view, service, spell.worst),
        )
        for service, spell in soon_short(view)[:IN_TITLE]
    ]
    return both("where.all", parts=joined(parts, zh="；", en="; ")) if parts else None


def counties_short(view: View, service: str, year: int) -> Text:
    """Number of counties short in the year, and the shortest by name."""
    codes = view.meaning.short_counties(service, year)
    if not codes:
        return both("where.none")
    if len(view.counties) == 1:
        return both("where.only")
    named = [
        both(
            "where.county",
            county=view.names.places[code],
            amount=count(abs(view.curves.at("gap", code, service, year))),
        )
        for code in codes[:NAMED]
    ]
    return both("where.counties", n=len(codes), of=len(view.counties), named=joined(named))


def later(view: View) -> Text | None:
    """Services that become short later, with the years."""
    in_title = {service for service, _ in soon_short(view)[:IN_TITLE]}
    parts = []
    for service in view.services:
        spells = view.meaning.spells(view.area, service)
        if service not in in_title and spells:
            parts.append(_later(view, service, spells[0]))
    return both("later.all", parts=joined(parts)) if parts else None


def _later(view: View, service: str, spell: Spell) -> Text:
    values = {"thing": view.names.thing(service), "years": _years(view, spell)}
    if not view.many:
        return both("later.service", **values)
    odds = view.odds.chance("p_short", view.area, service, spell.worst)
    return both("later.odds", **values, worst=spell.worst, chance=chance(odds, view.trajectories))


def sure(view: View) -> list[Text]:
    """Chances that the title comes true: a sentence on the shortages, and one on the places to spare."""
    if not view.many:
        return []
    short = [_sure_short(view, service, spell) for service, spell in soon_short(view)[:IN_TITLE]]
    spare = [_sure_spare(view, service) for service in in_surplus(view)[:IN_TITLE]]
    told = (("sure.title", short), ("sure.title_enough", spare))
    return [both(key, parts=joined(parts, zh="；", en="; ")) for key, parts in told if parts]


def _sure_short(view: View, service: str, spell: Spell) -> Text:
    worst = view.odds.chance("p_short", view.area, service, spell.worst)
    ever = view.odds.chance("p_short_by", view.area, service, spell.last)
    said = {"thing": view.names.thing(service), "worst": spell.worst, "likely": likelihood(worst)}
    if spell.last == view.jump_off + 1:  # a first year that stands alone
        return both("sure.title_short_once", **said, chance=chance(worst, view.trajectories))
    return both(
        "sure.title_short",
        **said,
        chance=chance(worst, view.trajectories),
        first=view.jump_off + 1,
        last=spell.last,
        ever=chance(ever, view.trajectories),
    )


def _sure_spare(view: View, service: str) -> Text:
    enough = 1 - view.odds.chance("p_short", view.area, service, view.outlook_year)
    return both(
        "sure.title_spare",
        thing=view.names.thing(service),
        year=view.outlook_year,
        likely=likelihood(enough),
        chance=chance(enough, view.trajectories),
        range=gap_range(view, view.area, service, view.outlook_year),
    )


def unsure(view: View) -> Text | None:
    """Services that may as well be short as not in the year looked at."""
    if not view.many:
        return None
    odds = {service: view.odds.chance("p_short", view.area, service, view.outlook_year) for service in view.services}
    open_ = sorted(
        (s for s in odds if odds[s] >= 0 and EVEN[0] <= round(100 * odds[s]) <= EVEN[1]),
        key=lambda s: abs(odds[s] - 0.5),
    )
    parts = [
        both("sure.unsure_service", thing=view.names.thing(service), chance=chance(odds[service], view.trajectories))
        for service in open_[:NAMED]
    ]
    return both("sure.unsure", year=view.outlook_year, parts=joined(parts)) if parts else None


def norm_differs(view: View) -> Text | None:
    """Services in surplus by what people will use but short by the standard (or the reverse) in the year looked at."""
    parts = [
        both(
            "norm.short" if norm < 0 else "norm.spare",
            **_missing(view, service, norm),
        )
        for service in view.services
        if (norm := norm_gap(view, service)) is not None
    ]
    return both("norm.all", year=view.outlook_year, parts=joined(parts)) if parts else None


def norm_gap(view: View, service: str) -> float | None:
    """Supply minus the standard's demand in the year looked at where its sign is not that of the gap shown, else None."""
    supply = view.curves.at("supply", view.area, service, view.outlook_year)
    norm = supply - view.curves.at("demand_norm", view.area, service, view.outlook_year)
    gap = _gap(view, service)
    return norm if norm * gap < 0 and abs(norm) > TOLERANCE * supply else None


def unknown(view: View) -> Text | None:
    """Services without a gap, because the region does not say their supply or the view chosen has no standard."""
    missing = [view.names.thing(service) for service in view.services if not view.curves.has_gap(service)]
    if not missing:
        return None
    without = any(view.curves.has_supply(service) for service in view.services if not view.curves.has_gap(service))
    return both("basis.no_gap" if without else "basis.no_supply", things=joined(missing))


def standard_view(view: View) -> Text | None:
    """That gaps are reckoned against the standard, where the scenario asks for that."""
    return both("sources.view_norm") if view.run.scenario.demand.view == "norm" else None


def basis(view: View) -> Text | None:
    """Services whose supply is assumed."""
    supplied = [service for service in view.services if view.curves.has_gap(service)]
    assumed = [service for service in supplied if view.bases.supply(service) == "assumed"]
    if not assumed:
        return None
    if assumed == supplied:
        return both("basis.all_assumed")
    return both("basis.assumed_supply", things=joined([view.names.thing(service) for service in assumed]))


def _missing(view: View, service: str, value: float) -> dict[str, Text]:
    """The values of a sentence about a gap: `number` alone where the thing names the unit, `amount` with its unit."""
    return {
        "thing": view.names.thing(service),
        "number": count(abs(value)),
        "amount": view.names.amount(value, service),
    }


def _gap(view: View, service: str) -> float:
    return view.curves.at("gap", view.area, service, view.outlook_year)


def _years(view: View, spell: Spell) -> Text:
    """The years of a spell: one, some, or from one on to the horizon."""
    if spell.last == view.horizon:
        return both("years.from", first=spell.first)
    if spell.first == spell.last:
        return both("years.one", first=spell.first)
    return both("years.span", first=spell.first, last=spell.last)
