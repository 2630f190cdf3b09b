"""Demand against supply: all services side by side, then one chapter for each domain."""

from __future__ import annotations

import math

from forecast.basics.text import Text, count, percent, strung, year_text
from forecast.report.against import break_even, odds, state, unknown_counties
from forecast.report.ahead import crested, moved
from forecast.report.chapter import Cell, Chapter, Chart, Column, Panel, Said, Table
from forecast.report.chapters.if_split import if_split
from forecast.report.view import View
from forecast.report.words import both


def gaps(view: View) -> Chapter:
    """Every service of the whole, the heat map of counties and years, and the curves of every county."""
    whole = tuple(
        Panel(view.names.short(service), {"place": view.area, "service": service}) for service in view.services
    )
    each = tuple(Panel(view.names.places[code], {"place": code}) for code in view.counties)
    return Chapter(
        id="gaps",
        menu=both("menu.gaps"),
        title=both("gaps.title"),
        sentences=(both("gaps.lines"), _shade(view), *_sign(view)),
        charts=(
            Chart(
                "whole",
                "panel",
                both("chart.whole.title", area=view.names.whole),
                both("chart.whole.note"),
                panels=whole,
                basis=None,
                told="gap",
                paper=(158, 96),
            ),
            Chart(
                "heat",
                "heat",
                both("chart.heat.title"),
                both("chart.heat.note"),
                ("service",),
                by_service=True,
                of_need=Said(both("chart.need.heat", now=view.run.flags.now), both("chart.need.heat_note")),
            ),
            Chart(
                "counties",
                "panel",
                both("chart.counties.title"),
                both("chart.counties.note", year=view.outlook_year),
                ("service",),
                panels=each,
                by_service=True,
                told="gap",
                folded=True,
            ),
        ),
        tables=tuple(if_split(view)),
    )


def _sign(view: View) -> list[Text]:
    """What a gap is, where one is told of any place."""
    told = any(view.kinds.told_gap(place) for place in view.places)
    return [both("gaps.years", area=view.names.whole)] if told else []


def _shade(view: View) -> Text:
    """Note on the shade behind the curves."""
    return both("gaps.bands", n=f"{view.trajectories:,}") if view.many else both("gaps.range")


def childcare(view: View) -> Chapter | None:
    return domain_chapter(view, "childcare")


def elder_care(view: View) -> Chapter | None:
    return domain_chapter(view, "elder_care")


def health(view: View) -> Chapter | None:
    return domain_chapter(view, "health")


def domain_chapter(view: View, domain: str) -> Chapter | None:
    """The services of a domain in sentences and tables; None where there is none."""
    services = [service for service in view.services if view.run.models[service].domain == domain]
    if not services:
        return None
    return Chapter(
        id=domain,
        menu=both(f"menu.{domain}"),
        title=both(f"domain.{domain}"),
        sentences=(both("service_ratios"),) if any(view.curves.ratio(service) for service in services) else (),
        by_service={service: tuple(service_sentences(view, service)) for service in services},
        tables=tuple(service_table(view, service) for service in services),
    )


def service_sentences(view: View, service: str, gap: bool = True) -> list[Text]:
    """Need, its standing to supply, migration, the standard and the ratio of a service; without the standing where it is
    told elsewhere."""
    return [
        part
        for part in (
            _path(view, service),
            _standing(view, service) if gap else None,
            _migration(view, service),
            _norm(view, service),
            _ratio(view, service),
            _note(view, service),
        )
        if part
    ]


def _path(view: View, service: str) -> Text:
    """Need from the decision to the year looked at and at the end, and the crest where there is one."""
    horizon = view.names.amount(view.curves.at("demand", view.area, service, view.horizon), service)
    within = view.odds.within("demand_quantile", view.area, service, view.horizon)
    way = moved(view, view.area, service, view.now, view.outlook_year)
    thing = view.names.thing(service)
    path = both("service_path", thing=thing, moved=way, end=view.horizon, last=horizon, within=within)
    crest = crested(view, view.area, service) if view.meaning.is_stage(service) else None
    if crest is None:
        return path
    return strung([path, both("service_crest", people=view.names.people(service), when=crest)], "", " ")


def _standing(view: View, service: str) -> Text:
    """Need against supply in the year looked at as the kind of the supply allows, or why nothing is said of it."""
    year = view.outlook_year
    told = state(view, view.area, service, year)
    if told is None:
        kind = view.kinds.kind(view.area, service)
        if view.kinds.words(view.area, service) != "need":
            return both(
                "service_no_standard" if view.run.scenario.demand.view == "norm" else "service_unknown", year=year
            )
        return unknown_counties(view, service) or both(f"service_kind.{kind}")
    first = both("service_state", year=year, state=told, odds=odds(view, view.area, service, year))
    even = break_even(view, view.area, service)
    if even is None:
        return first
    alone = Text(even.zh, even.en[:1].upper() + even.en[1:])
    return strung([first, both("sentence", text=alone)], "", " ")


def _migration(view: View, service: str) -> Text:
    low, high = view.curves.range_at(view.area, service, view.outlook_year)
    return both(
        "service_migration",
        year=view.outlook_year,
        low=count(low),
        high=count(high),
        unit=view.names.unit_name(service),
    )


def _norm(view: View, service: str) -> Text | None:
    norm = view.curves.at("demand_norm", view.area, service, view.outlook_year)
    if not math.isfinite(norm):
        return None
    demand = view.curves.at("demand", view.area, service, view.outlook_year)
    key = "service_norm_more" if norm > demand else "service_norm_less"
    share = percent(norm / demand - 1) if demand > 0 else ""
    return both(key, year=view.outlook_year, amount=view.names.amount(norm, service), share=share)


def _ratio(view: View, service: str) -> Text | None:
    """The ratio of pupils to residents used, and of which year."""
    used = view.curves.ratio(service)
    return both("service_ratio", ratio=f"{used[0]:.3f}", year=used[1]) if used else None


def _note(view: View, service: str) -> Text | None:
    return view.run.models[service].note


def service_table(view: View, service: str) -> Table:
    """Counties by milestone years: need, and supply and gap of the places of which they may be told."""
    years = view.milestones()
    compared = any(view.kinds.words(place, service) != "need" for place in view.places)
    supplied = [view.now, view.outlook_year] if compared else []
    gap_years = years if compared else []
    held = view.kinds.words(view.area, service) == "held"
    columns = [Column(both("table.place"))]
    columns += [Column(_year(year), "count", both("table.demand")) for year in years]
    columns += [Column(_year(year), "count", both("table.held" if held else "table.supply")) for year in supplied]
    against = both("table.above_held" if held else "table.gap")
    columns += [Column(_year(year), "moved" if held else "signed", against) for year in gap_years]
    rows: list[tuple[Cell, ...]] = []
    for place in [*view.counties, view.area]:
        told = view.kinds.words(place, service) != "need"
        cells: list[Cell] = [view.curves.at("demand", place, service, year) for year in years]
        cells += [view.curves.at("supply", place, service, year) if told else None for year in supplied]
        sign = -1 if held else 1
        cells += [sign * view.curves.at("gap", place, service, year) if told else None for year in gap_years]
        rows.append((view.names.places[place], *cells))
    return Table(
        id=f"table_{service}",
        title=both("table.service", thing=view.names.thing(service), unit=view.names.unit_name(service)),
        columns=tuple(columns),
        rows=tuple(rows),
        basis=view.bases.gap(service) if supplied else view.bases.demand(service),
        folded=True,
    )


def _year(year: int) -> Text:
    return year_text(year)
