"""The first screen in words, written from the run: what will be short or in surplus, where, when, and how sure.

The first sentence is the title: shortages that begin soon, and what is to spare in the year looked at. Then how likely
that is and what is open, the falls among children already born, the crests, where it is short, what comes later, and what all this rests on. A sentence that
the data do not carry is left out, and where nothing is short, that is said.
"""

from __future__ import annotations

from forecast.findings.crests import Crest
from forecast.findings.levels import BALANCED_IN_WORDS
from forecast.report.chances import chance, gap_range, given, likelihood
from forecast.report.view.facts import SOON, Facts, Spell, weakest
from forecast.report.words import Text, both, count, joined, percent
from forecast.run.run import Run

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
    sentences = [sentence.plain() for sentence in tell(Facts(run))]
    return {"zh": [sentence.zh for sentence in sentences], "en": [sentence.en for sentence in sentences]}


def tell(facts: Facts) -> list[Text]:
    """As `headline`, with the marks of colour in the title."""
    parts = [title(facts), *sure(facts), unsure(facts), falls(facts), crests(facts), where_short(facts)]
    parts += [later(facts), norm_differs(facts), view(facts), unknown(facts)]
    parts += [given(facts)] if facts.many else [basis(facts), both("sure.one_path")]
    return [part for part in parts if part]


def title(facts: Facts) -> Text:
    """What is short soon, and what is to spare in the year looked at."""
    supplied = [service for service in facts.services if facts.has_gap(service)]
    if not supplied:
        return both("title.no_supply", area=facts.name)
    short = [
        both("title.short", thing=facts.thing(service), years=_years(facts, spell))
        for service, spell in soon_short(facts)[:IN_TITLE]
    ]
    spare = [
        both("title.spare", **_missing(facts, service, _gap(facts, service)))
        for service in in_surplus(facts)[:IN_TITLE]
    ]
    spare_part = both("title.spare_in", year=facts.look, spare=joined(spare)) if spare else None
    if short and spare_part:
        return joined([both("title.place", area=facts.name, rest=joined(short)), spare_part], zh="；", en="; ")
    if short:
        return both("title.place", area=facts.name, rest=joined(short))
    if spare_part:
        nothing = both("title.nothing_short", area=facts.name, year=facts.jump_off + SOON)
        return joined([nothing, spare_part], zh="；", en="; ")
    return both("title.balanced", area=facts.name, share=percent(BALANCED_IN_WORDS), year=facts.look)


def title_basis(facts: Facts) -> str | None:
    """What the services in the title rest on, the least sure first; None where the title names none."""
    named = [service for service, _ in soon_short(facts)[:IN_TITLE]] + in_surplus(facts)[:IN_TITLE]
    return weakest(*(facts.gap_basis(service) for service in named)) if named else None


def soon_short(facts: Facts) -> list[tuple[str, Spell]]:
    """Services whose first shortage begins soon, stages of childhood first, then the larger sum of missing places."""
    found = []
    for service in facts.services:
        spells = facts.spells(facts.area, service)
        if spells and spells[0].first <= facts.jump_off + SOON:
            gap = facts.table("gap", service).loc[facts.area]
            need = facts.table("demand", service).loc[facts.area]
            share = float((gap / need).loc[spells[0].first : spells[0].last].sum())
            found.append((not facts.is_stage(service), share, service, spells[0]))
    return [(service, spell) for _, _, service, spell in sorted(found, key=lambda one: one[:2])]


def in_surplus(facts: Facts) -> list[str]:
    """Services with a surplus in the year looked at, stages of childhood first, then the larger share of places."""
    found = []
    for service in facts.services:
        supply = facts.at("supply", facts.area, service, facts.look)
        gap = _gap(facts, service)
        if supply > 0 and gap / supply >= SPARE:
            found.append((not facts.is_stage(service), -gap / supply, service))
    return [service for *_, service in sorted(found)]


def falls(facts: Facts) -> Text | None:
    """The steepest near fall of pupils: from the last count to the last year whose children are all born."""
    service = steepest(facts)
    if service is None:
        return None
    start, before, counted = last_known(facts, service)
    end = facts.born_until(service)
    after = facts.at("demand", facts.area, service, end)
    parts = [
        both(
            "fall.counted" if counted else "fall.estimated",
            people=facts.people(service),
            start=start,
            before=count(before),
            end=end,
            after=count(after),
            within=facts.within("demand_quantile", facts.area, service, end),
            share=percent(after / before - 1),
            jump_off=facts.jump_off,
        )
    ]
    crest = facts.crest(facts.area, service)
    if crest and crest.year < start and after / crest.height < after / before - 0.02:
        parts.append(both("fall.crest", year=crest.year, share=percent(after / crest.height - 1)))
    added = facts.at("supply", facts.area, service, end) - facts.at("supply", facts.area, service, start)
    if added > 0.01 * before:
        parts.append(both("fall.added", **_missing(facts, service, added)))
    return Text("，".join(part.zh for part in parts) + "。", "; ".join(part.en for part in parts) + ".")


def steepest(facts: Facts) -> str | None:
    """The school stage that falls by the largest share among children already born, soonest first; None without one."""
    shares = {}
    for service in facts.schools:
        end = facts.born_until(service)
        start, before, _ = last_known(facts, service)
        if start < end <= facts.horizon and before > 0:
            change = facts.at("demand", facts.area, service, end) / before - 1
            if change <= -FALL and end - start <= SOON:
                shares[service] = change
    return min(shares, key=lambda service: shares[service]) if shares else None


def last_known(facts: Facts, service: str) -> tuple[int, float, bool]:
    """Year and number of the last count of pupils (True), or the estimate of the jump-off year (False)."""
    seen = facts.observed(service)
    if len(seen):
        return int(seen.index[-1]), float(seen.iloc[-1]), True
    return facts.jump_off, facts.at("demand", facts.area, service, facts.jump_off), False


def crests(facts: Facts) -> Text | None:
    """The wave: when each stage crests, and how far it falls by the last year whose pupils are all born."""
    parts = []
    for service in facts.schools:
        crest, end = facts.crest(facts.area, service), facts.born_until(service)
        if crest and facts.jump_off - 1 <= crest.year < end <= facts.horizon:
            parts.append(_crest(facts, service, crest, end))
    if not parts:
        return None
    return both("crests.all", parts=joined(parts, zh="；", en="; "), jump_off=facts.jump_off)


def _crest(facts: Facts, service: str, crest: Crest, end: int) -> Text:
    change = facts.at("demand", facts.area, service, end) / crest.height - 1
    return both(
        "crests.fall" if change < 0 else "crests.rise",
        people=facts.people(service),
        year=crest.year,
        height=count(crest.height),
        end=end,
        share=percent(change),
    )


def where_short(facts: Facts) -> Text | None:
    """For the shortages of the title: how many counties, and which ones are shortest in the worst year."""
    parts = [
        both(
            "where.service",
            year=spell.worst,
            **_missing(facts, service, facts.at("gap", facts.area, service, spell.worst)),
            counties=counties_short(facts, service, spell.worst),
        )
        for service, spell in soon_short(facts)[:IN_TITLE]
    ]
    return both("where.all", parts=joined(parts, zh="；", en="; ")) if parts else None


def counties_short(facts: Facts, service: str, year: int) -> Text:
    """How many counties are short in the year, and the shortest by name."""
    codes = facts.short_counties(service, year)
    if not codes:
        return both("where.none")
    if len(facts.counties) == 1:
        return both("where.only")
    named = [
        both(
            "where.county",
            county=facts.place_names[code],
            amount=count(abs(facts.at("gap", code, service, year))),
        )
        for code in codes[:NAMED]
    ]
    return both("where.counties", n=len(codes), of=len(facts.counties), named=joined(named))


def later(facts: Facts) -> Text | None:
    """What becomes short later, with the year it begins."""
    said = {service for service, _ in soon_short(facts)[:IN_TITLE]}
    parts = []
    for service in facts.services:
        spells = facts.spells(facts.area, service)
        if service not in said and spells:
            parts.append(_later(facts, service, spells[0]))
    return both("later.all", parts=joined(parts)) if parts else None


def _later(facts: Facts, service: str, spell: Spell) -> Text:
    said = {"thing": facts.thing(service), "years": _years(facts, spell)}
    if not facts.many:
        return both("later.service", **said)
    odds = facts.chance("p_short", facts.area, service, spell.worst)
    return both("later.odds", **said, worst=spell.worst, chance=chance(odds, facts.trajectories))


def sure(facts: Facts) -> list[Text]:
    """How likely it is that what the title says comes true: a sentence on what is short, and one on what is to spare."""
    if not facts.many:
        return []
    short = [_sure_short(facts, service, spell) for service, spell in soon_short(facts)[:IN_TITLE]]
    spare = [_sure_spare(facts, service) for service in in_surplus(facts)[:IN_TITLE]]
    told = (("sure.title", short), ("sure.title_enough", spare))
    return [both(key, parts=joined(parts, zh="；", en="; ")) for key, parts in told if parts]


def _sure_short(facts: Facts, service: str, spell: Spell) -> Text:
    worst = facts.chance("p_short", facts.area, service, spell.worst)
    ever = facts.chance("p_short_by", facts.area, service, spell.last)
    return both(
        "sure.title_short",
        thing=facts.thing(service),
        worst=spell.worst,
        likely=likelihood(worst),
        chance=chance(worst, facts.trajectories),
        first=facts.jump_off + 1,
        last=spell.last,
        ever=chance(ever, facts.trajectories),
    )


def _sure_spare(facts: Facts, service: str) -> Text:
    enough = 1 - facts.chance("p_short", facts.area, service, facts.look)
    return both(
        "sure.title_spare",
        thing=facts.thing(service),
        year=facts.look,
        likely=likelihood(enough),
        chance=chance(enough, facts.trajectories),
        range=gap_range(facts, facts.area, service, facts.look),
    )


def unsure(facts: Facts) -> Text | None:
    """What may as well be short as not in the year looked at."""
    if not facts.many:
        return None
    odds = {service: facts.chance("p_short", facts.area, service, facts.look) for service in facts.services}
    open_ = sorted(
        (s for s in odds if odds[s] >= 0 and EVEN[0] <= round(100 * odds[s]) <= EVEN[1]),
        key=lambda s: abs(odds[s] - 0.5),
    )
    parts = [
        both("sure.unsure_service", thing=facts.thing(service), chance=chance(odds[service], facts.trajectories))
        for service in open_[:NAMED]
    ]
    return both("sure.unsure", year=facts.look, parts=joined(parts)) if parts else None


def norm_differs(facts: Facts) -> Text | None:
    """Services in surplus by what people will use but short by the standard (or the reverse) in the year looked at."""
    parts = [
        both(
            "norm.short" if norm < 0 else "norm.spare",
            **_missing(facts, service, norm),
        )
        for service in facts.services
        if (norm := norm_gap(facts, service)) is not None
    ]
    return both("norm.all", year=facts.look, parts=joined(parts)) if parts else None


def norm_gap(facts: Facts, service: str) -> float | None:
    """Supply minus the standard's demand in the year looked at where its sign is not that of the gap shown, else None."""
    supply = facts.at("supply", facts.area, service, facts.look)
    norm = supply - facts.at("demand_norm", facts.area, service, facts.look)
    gap = _gap(facts, service)
    return norm if norm * gap < 0 and abs(norm) > BALANCED_IN_WORDS * supply else None


def unknown(facts: Facts) -> Text | None:
    """Services without a gap, because the region does not say their supply or the view chosen has no standard."""
    missing = [facts.thing(service) for service in facts.services if not facts.has_gap(service)]
    if not missing:
        return None
    without = any(facts.has_supply(service) for service in facts.services if not facts.has_gap(service))
    return both("basis.no_gap" if without else "basis.no_supply", things=joined(missing))


def view(facts: Facts) -> Text | None:
    """That gaps are reckoned against the standard, where the scenario asks for that."""
    return both("sources.view_norm") if facts.run.scenario.demand.view == "norm" else None


def basis(facts: Facts) -> Text | None:
    """Which supply is assumed."""
    supplied = [service for service in facts.services if facts.has_gap(service)]
    assumed = [service for service in supplied if facts.supply_basis(service) == "assumed"]
    if not assumed:
        return None
    if assumed == supplied:
        return both("basis.all_assumed")
    return both("basis.assumed_supply", things=joined([facts.thing(service) for service in assumed]))


def _missing(facts: Facts, service: str, value: float) -> dict[str, Text]:
    """The values of a sentence about a gap: `number` alone where the thing names the unit, `amount` with its unit."""
    return {
        "thing": facts.thing(service),
        "number": count(abs(value)),
        "amount": facts.amount(value, service),
    }


def _gap(facts: Facts, service: str) -> float:
    return facts.at("gap", facts.area, service, facts.look)


def _years(facts: Facts, spell: Spell) -> Text:
    """The years of a spell: one, some, or from one on to the horizon."""
    if spell.last == facts.horizon:
        return both("years.from", first=spell.first)
    if spell.first == spell.last:
        return both("years.one", first=spell.first)
    return both("years.span", first=spell.first, last=spell.last)
