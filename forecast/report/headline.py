"""The first screen in words, written from the run: what, where, when, how sure, what to do, and what it rests on.

The title tells what is short or to spare where that is known, else the wave. Then the wave stage by stage and how much of
it is born already, what is missing and idle and how sure that is, how need stands to the most ever held, which counties
change most, what follows for posts and buildings, what cannot be judged and why, and what all this rests on. Everything
begins at the year of the decision. A sentence that the data do not carry is left out.
"""

from __future__ import annotations

import math

from forecast.basics.basis import weakest
from forecast.basics.text import Text, chance, count, joined, percent, strung
from forecast.basics.tolerance import TOLERANCE
from forecast.report.against import NAMED, break_even, held, not_told, odds, state
from forecast.report.ahead import crested, fall, moved
from forecast.report.chances import given
from forecast.report.view import View
from forecast.report.view.meaning import SPAN, Spell
from forecast.report.words import both, without_marks
from forecast.run.run import Run

SOON = 8
"""Years after the decision within which a shortage must begin to stand in the title."""

FALL = 0.15
"""A fall of children already born that is worth a sentence: share of the year it starts from."""

SPARE = 0.10
"""Surplus worth a title: share of the places that nobody needs."""

IN_TITLE = 2
"""How many services of a kind stand in the title."""

EVEN = (34, 65)
"""Per cent between which a service may as well be short as not: the same as in `chances.SCALE`."""


def headline(run: Run) -> dict[str, list[str]]:
    """The sentences of the first screen, the title first, in both languages ("zh", "en")."""
    sentences = [without_marks(sentence) for sentence in tell(View(run))]
    return {"zh": [sentence.zh for sentence in sentences], "en": [sentence.en for sentence in sentences]}


def tell(view: View) -> list[Text]:
    """As `headline`, with the marks of colour in the title."""
    recorded = view.kinds.told_gap(view.area)
    stages = [service for service in recorded if view.meaning.is_stage(service)]
    others = [service for service in recorded if service not in stages]
    parts = [title(view), wave(view), falls(view), *gaps(view, stages), *most_held(view), changes(view), posts(view)]
    parts += [buildings(view), *gaps(view, others), unsure(view), needs(view), norm_differs(view), standard_view(view)]
    parts += [*not_told(view), counted(view), given(view) if view.many else both("sure.one_path")]
    return [Text(part.zh, part.en[:1].upper() + part.en[1:]) for part in parts if part]


# ---- the title ---------------------------------------------------------------------------------------------------


def title(view: View) -> Text:
    """Title: services that are short soon, places to spare in the year looked at, and the wave through the schools."""
    short = [
        both("title.short", thing=view.names.thing(service), years=_years(view, spell))
        for service, spell in soon_short(view)[:IN_TITLE]
    ]
    spare = [_spare_title(view, service) for service in in_surplus(view)[:IN_TITLE]]
    parts = [joined(short)] if short else []
    if not any(view.meaning.is_stage(service) for service in in_title(view)):
        parts += _wave_title(view)
    if spare and len(parts) < IN_TITLE:
        parts.append(both("title.spare_in", year=view.outlook_year, spare=joined(spare)))
    return both("title.place", area=view.names.whole, rest=strung(parts or [_quiet(view)], "；", "; "))


def _spare_title(view: View, service: str) -> Text:
    idle = view.curves.at("idle", view.area, service, view.outlook_year)
    return both(
        "title.spare", thing=view.names.thing(service), number=count(idle), amount=view.names.amount(idle, service)
    )


def _wave_title(view: View) -> list[Text]:
    """Stages that still crest, then the largest falls until the year looked at."""
    ahead = [
        both("title.crest", people=view.names.people(service), when=text)
        for service in view.meaning.school_stages
        if (crest := view.meaning.crest(view.area, service))
        and max(crest.year, crest.plateau_last or 0) >= view.now
        and (text := crested(view, view.area, service, height=False))
    ]
    change = {s: view.meaning.change(view.area, s, view.now, view.outlook_year) for s in view.meaning.school_stages}
    falling = sorted((s for s in change if change[s] <= -TOLERANCE), key=change.__getitem__)[:IN_TITLE]
    down = [both("title.fall", people=view.names.people(s), share=percent(change[s])) for s in falling]
    parts = [joined(ahead, "、")] if ahead else []
    if down:
        parts.append(both("title.falls", now=view.now, year=view.outlook_year, parts=joined(down)))
    return parts


def _quiet(view: View) -> Text:
    """A title where nothing is short soon, nothing is to spare and no stage of school moves."""
    if not view.kinds.told_gap(view.area):
        return both("title.need_alone", now=view.now, year=view.outlook_year)
    if all(view.meaning.balanced(view.area, service, view.outlook_year) for service in view.kinds.told_gap(view.area)):
        return both("title.balanced", share=percent(TOLERANCE), year=view.outlook_year)
    return both("title.nothing_short", year=min(view.now + SOON, view.horizon))


def title_basis(view: View) -> str | None:
    """Weakest basis of the services in the title."""
    named = in_title(view)
    return weakest(*(view.bases.gap(service) for service in named)) if named else "derived"


def in_title(view: View) -> list[str]:
    """Services of which the title says that they are short or to spare."""
    return [service for service, _ in soon_short(view)[:IN_TITLE]] + in_surplus(view)[:IN_TITLE]


def soon_short(view: View) -> list[tuple[str, Spell]]:
    """Services whose first shortage begins soon, stages of childhood first, then the larger share of what is missing."""
    ranked = []
    for service in view.kinds.told_gap(view.area):
        spells = view.meaning.spells(view.area, service)
        if spells and spells[0].first <= view.now + SOON:
            missing, need = (view.curves.table(name, service).loc[view.area] for name in ("missing", "demand"))
            share = float((missing / need).loc[spells[0].first : spells[0].last].sum())
            ranked.append((not view.meaning.is_stage(service), -share, service, spells[0]))
    return [(service, spell) for _, _, service, spell in sorted(ranked, key=lambda row: row[:2])]


def in_surplus(view: View) -> list[str]:
    """Services with places to spare in the year looked at and no county short, stages of childhood first."""
    ranked = []
    for service in view.kinds.told_gap(view.area):
        supply, idle = (view.curves.at(name, view.area, service, view.outlook_year) for name in ("supply", "idle"))
        if supply > 0 and idle / supply >= SPARE and not view.meaning.lacks(view.area, service, view.outlook_year):
            ranked.append((not view.meaning.is_stage(service), -idle / supply, service))
    return [service for *_, service in sorted(ranked)]


# ---- the wave ----------------------------------------------------------------------------------------------------


def wave(view: View) -> Text | None:
    """Stage by stage: when it crests, how high, and how far it falls until the last year whose pupils are all born."""
    parts = []
    for service in view.meaning.school_stages:
        told = [part for part in (crested(view, view.area, service), fall(view, view.area, service)) if part]
        if told:
            parts.append(both("wave.stage", people=view.names.people(service), told=strung(told, "，", " and ")))
    return both("wave.all", parts=strung(parts, "；", "; "), jump_off=view.jump_off) if parts else None


def falls(view: View) -> Text | None:
    """The steepest near fall of pupils: from the last count to the last year whose children are all born."""
    service = steepest(view)
    if service is None:
        return None
    start, before, counted_roll = last_known(view, service)
    end = view.meaning.born_until(service)
    after = view.curves.at("demand", view.area, service, end)
    planned = _planned_until(view, service, end)
    parts = [
        both(
            "fall.counted" if counted_roll else "fall.estimated",
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
    if planned > 0.01 * before:
        thing, amount = view.names.thing(service), view.names.amount(planned, service)
        parts.append(both("fall.added", thing=thing, number=count(planned), amount=amount))
    return both("sentence", text=strung(parts, "，", "; "))


def _planned_until(view: View, service: str, year: int) -> float:
    planned = view.curves.at("planned", view.area, service, year) if "planned_of_area" in view.run.data else 0.0
    return planned if math.isfinite(planned) else 0.0


def steepest(view: View) -> str | None:
    """The school stage that falls by the largest share among children already born, soonest first; None without one."""
    shares = {}
    for service in view.meaning.school_stages:
        end = view.meaning.born_until(service)
        start, before, _ = last_known(view, service)
        if max(start, view.now - 1) < end <= view.horizon and before > 0:
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


# ---- what is missing and idle, and how sure that is --------------------------------------------------------------


def gaps(view: View, services: list[str]) -> list[Text]:
    """For each service that may be called short or to spare: where and how much, in the worst year of its first shortage
    and in the year looked at, and how sure."""
    sentences = []
    for service in services:
        spells = view.meaning.spells(view.area, service)
        worst = spells[0].worst if spells else view.outlook_year
        parts = [part for year in sorted({worst, view.outlook_year}) if (part := _in_year(view, service, year))]
        if spells and view.many:
            parts.append(_sure(view, service, spells[0]))
        if parts:
            sentences.append(both("gap.service", thing=view.names.thing(service), told=strung(parts, "；", "; ")))
    return sentences


def _in_year(view: View, service: str, year: int) -> Text | None:
    told = state(view, view.area, service, year)
    if told is None:
        return None
    return both("gap.in_year", year=year, state=told, odds=odds(view, view.area, service, year))


def _sure(view: View, service: str, spell: Spell) -> Text:
    ever = view.odds.chance("p_short_by", view.area, service, spell.last)
    return both("sure.ever_short", first=view.now, last=spell.last, ever=chance(ever, view.trajectories))


def unsure(view: View) -> Text | None:
    """Services that may as well be short as not in the year looked at, where the scenario itself lacks nothing."""
    if not view.many:
        return None
    year = view.outlook_year
    risk = {s: view.odds.chance("p_short", view.area, s, year) for s in view.kinds.told_gap(view.area)}
    open_ = [s for s in risk if EVEN[0] <= 100 * risk[s] <= EVEN[1] and not view.meaning.lacks(view.area, s, year)]
    parts = [
        both("sure.unsure_service", thing=view.names.thing(service), chance=chance(risk[service], view.trajectories))
        for service in sorted(open_, key=lambda s: abs(risk[s] - 0.5))[:NAMED]
    ]
    return both("sure.unsure", year=year, parts=joined(parts)) if parts else None


def most_held(view: View) -> list[Text]:
    """How the highest need to come stands to the most ever held, for services whose places nobody has recorded: those
    that will be more in a sentence each, with the capacity at which nothing is short; the others together."""
    more, fewer = [], []
    for service in view.services:
        if view.kinds.words(view.area, service) != "held":
            continue
        year, need = view.meaning.most_needed(view.area, service)
        if need > view.curves.at("supply", view.area, service, year):
            parts = [_in_year(view, service, year), break_even(view, view.area, service)]
            told = strung([part for part in parts if part], "；", "; ")
            more.append(both("held.service", people=view.names.people(service), told=told))
        else:
            fewer.append(
                both(
                    "held.below",
                    people=view.names.people(service),
                    year=year,
                    amount=view.names.heads(need, service),
                    held=held(view, view.area, service, year),
                )
            )
    if fewer:
        more.append(both("held.all_below", first=view.now, last=_last(view), parts=strung(fewer, "；", "; ")))
    return more


def _last(view: View) -> int:
    return min(view.now + SPAN, view.horizon)


def needs(view: View) -> Text | None:
    """Need and its change where nothing may be said of supply and no stage of school is told of already."""
    parts = [
        both(
            "need.service",
            thing=view.names.thing(service),
            moved=moved(view, view.area, service, view.now, view.outlook_year),
        )
        for service in view.services
        if view.kinds.words(view.area, service) == "need" and service not in view.meaning.school_stages
    ]
    return both("need.all", parts=strung(parts, "；", "; ")) if parts and view.outlook_year > view.now else None


# ---- where, and what to do ---------------------------------------------------------------------------------------


def changes(view: View) -> Text | None:
    """The counties in which the stages of school that change most gain or lose most, by persons."""
    if len(view.counties) < 2 or view.outlook_year <= view.now:
        return None
    change = {s: view.meaning.change(view.area, s, view.now, view.outlook_year) for s in view.meaning.school_stages}
    largest = sorted((s for s in change if abs(change[s]) >= TOLERANCE), key=lambda s: -abs(change[s]))[:IN_TITLE]
    parts = [_counties_changing(view, service) for service in largest]
    if not parts:
        return None
    return both("change.all", now=view.now, year=view.outlook_year, parts=strung(parts, "；", "; "))


def _counties_changing(view: View, service: str) -> Text:
    need = view.curves.table("demand", service).loc[view.counties]
    moves = need[view.outlook_year] - need[view.now]
    whole = float(moves.sum())
    named = moves.sort_values(ascending=whole < 0, kind="stable").index[:NAMED]
    against = [
        code
        for code in view.counties
        if moves[code] * whole < 0 and abs(moves[code]) > TOLERANCE * need.at[code, view.now]
    ]
    parts = [
        both(
            "change.county",
            county=view.names.places[code],
            amount=view.names.heads(float(moves[code]), service),
            share=percent(view.meaning.change(code, service, view.now, view.outlook_year)),
        )
        for code in named
    ]
    way = "fewer" if whole < 0 else "more"
    text = both(
        f"change.{way}", people=view.names.people(service), amount=view.names.heads(whole, service), named=joined(parts)
    )
    if not against:
        return text
    other = both(f"change.against_{way}", named=joined([view.names.places[code] for code in against[:NAMED]]))
    return strung([text, other])


def posts(view: View) -> Text | None:
    """Posts and classes that the standards ask for, in the year looked at against the year of the decision."""
    schools = view.schools
    if schools is None or view.outlook_year <= view.now:
        return None
    parts = []
    for stage in schools.stages:
        classes, wanted = (
            schools.whole(name, stage, view.outlook_year) - schools.whole(name, stage, view.now)
            for name in ("classes", "posts")
        )
        if math.isfinite(classes) and math.isfinite(wanted) and min(abs(classes), abs(wanted)) >= 1:
            way = "fewer" if wanted < 0 else "more"
            values = {"classes": count(abs(classes)), "posts": count(abs(wanted))}
            parts.append(both(f"posts.{way}", stage=view.names.stage(stage), **values))
    return both("posts.all", now=view.now, year=view.outlook_year, parts=strung(parts, "；", "; ")) if parts else None


def buildings(view: View) -> Text | None:
    """Stages of school that will not need more than now: no permanent buildings for growth; those that will: count the
    places first where nobody has recorded them."""
    stages = [
        service
        for service in view.meaning.school_stages
        if view.kinds.words(view.area, service) != "gap" or not view.meaning.spells(view.area, service)
    ]
    flat = [service for service in stages if not _grows(view, view.area, service)]
    up = [
        view.names.stage(service)
        for service in stages
        if service not in flat and view.kinds.words(view.area, service) != "gap"
    ]
    parts = []
    if flat:
        named = joined([view.names.stage(service) for service in flat])
        parts.append(both("do.flat", stages=named, first=view.now, last=_last(view), share=percent(TOLERANCE)))
        parts += _but(view, flat)
    if up:
        parts.append(both("do.grows", stages=joined(up)))
    if any(view.kinds.words(view.area, service) != "gap" for service in view.meaning.school_stages):
        parts.append(both("do.count"))
    return both("sentence", text=strung(parts, "；", "; ")) if parts else None


def _grows(view: View, place: str, service: str) -> bool:
    """True if need will at some time be larger than in the year of the decision by more than the tolerance."""
    _, need = view.meaning.most_needed(place, service)
    return need > (1 + TOLERANCE) * view.curves.at("demand", place, service, view.now)


def _but(view: View, services: list[str]) -> list[Text]:
    """The counties in which need does grow, with the stages."""
    if len(view.counties) < 2:
        return []
    parts = []
    for code in view.counties:
        growing = [view.names.stage(service) for service in services if _grows(view, code, service)]
        if growing:
            parts.append(both("do.county", county=view.names.places[code], stages=joined(growing)))
    return [both("do.but", named=joined(parts))] if parts else []


# ---- what it rests on --------------------------------------------------------------------------------------------


def norm_differs(view: View) -> Text | None:
    """Services in surplus by what people will use but short by the standard (or the reverse) in the year looked at."""
    parts = [
        both(
            "norm.short" if norm < 0 else "norm.spare",
            thing=view.names.thing(service),
            number=count(abs(norm)),
            amount=view.names.amount(norm, service),
        )
        for service in view.kinds.told_gap(view.area)
        if (norm := norm_gap(view, service)) is not None
    ]
    return both("norm.all", year=view.outlook_year, parts=joined(parts)) if parts else None


def norm_gap(view: View, service: str) -> float | None:
    """Supply minus the standard's demand in the year looked at where its sign is not that of the gap shown, else None."""
    supply, gap, norm_need = (
        view.curves.at(name, view.area, service, view.outlook_year) for name in ("supply", "gap", "demand_norm")
    )
    norm = supply - norm_need
    return norm if norm * gap < 0 and abs(norm) > TOLERANCE * supply else None


def standard_view(view: View) -> Text | None:
    """That gaps are reckoned against the standard, where the scenario asks for that."""
    return both("sources.view_norm") if view.run.scenario.demand.view == "norm" else None


def counted(view: View) -> Text:
    """Up to when people and pupils are counted, and that the years between and the decision are reckoned."""
    seen = [int(rolls.index[-1]) for service in view.services if len(rolls := view.curves.observed(service))]
    parts = [both("counted.residents", year=view.jump_off)]
    if seen:
        parts.append(both("counted.pupils", year=max(seen)))
    last = min([view.jump_off, *([max(seen)] if seen else [])])
    if view.now - 1 > last:
        first, end = last + 1, view.now - 1
        parts.append(both("counted.between" if end > first else "counted.between_one", first=first, last=end))
    return both("sentence", text=strung(parts, "，", "; "))


def _years(view: View, spell: Spell) -> Text:
    """The years of a spell: one, some, or from one on to the horizon."""
    if spell.last == view.horizon:
        return both("years.from", first=spell.first)
    if spell.first == spell.last:
        return both("years.one", first=spell.first)
    return both("years.span", first=spell.first, last=spell.last)
