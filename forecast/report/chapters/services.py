"""Demand against supply: all services side by side, then one chapter for each domain."""

from __future__ import annotations

import math

from forecast.basics.text import Text, count, percent, year_text
from forecast.report.chapter import Cell, Chapter, Chart, Column, Panel, Said, Table
from forecast.report.chapters.if_split import if_split
from forecast.report.headline import counties_short
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
        sentences=(both("gaps.lines"), _shade(view), both("gaps.years", area=view.names.whole)),
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
    """Demand, gap, migration, the standard and the ratio of a service; without the gap where it is told elsewhere."""
    return [
        part
        for part in (
            _path(view, service),
            _gap(view, service) if gap else None,
            _migration(view, service),
            _norm(view, service),
            _ratio(view, service),
            _note(view, service),
        )
        if part
    ]


def _path(view: View, service: str) -> Text:
    """Demand at the jump-off year, in the year looked at and at the end, and the crest where there is one."""
    demand = view.curves.table("demand", service).loc[view.area]
    years = (view.jump_off, view.outlook_year, view.horizon)
    steps = {f"v{k}": _about(view, service, year, float(demand[year])) for k, year in enumerate(years)}
    path = both("service_path", thing=view.names.thing(service), y0=years[0], y1=years[1], y2=years[2], **steps)
    crest = view.meaning.crest(view.area, service)
    if crest is None or not view.meaning.is_stage(service):
        return path
    more = both("service_crest", year=crest.year, amount=view.names.amount(crest.height, service))
    return Text(path.zh + more.zh, f"{path.en} {more.en}")


def _about(view: View, service: str, year: int, demand: float) -> Text:
    """An amount of demand, with its band of 80 % where that is known."""
    amount, within = view.names.amount(demand, service), view.odds.within("demand_quantile", view.area, service, year)
    return Text(amount.zh + within.zh, amount.en + within.en)


def _gap(view: View, service: str) -> Text:
    if not view.curves.has_gap(service):
        return both("service_no_standard" if view.curves.has_supply(service) else "service_no_supply")
    gap = view.curves.at("gap", view.area, service, view.outlook_year)
    if not math.isfinite(gap):
        return both("service_gap_unknown", year=view.outlook_year)
    key = "service_short" if gap < 0 else "service_spare"
    if view.meaning.balanced(view.area, service, view.outlook_year):
        key = "service_balanced"
    return both(
        key,
        year=view.outlook_year,
        amount=view.names.amount(gap, service),
        supply=view.names.amount(view.curves.at("supply", view.area, service, view.outlook_year), service),
        counties=counties_short(view, service, view.outlook_year),
    )


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
    """Counties by milestone years: demand, supply and gap."""
    years = view.milestones()
    supplied = [view.jump_off, view.outlook_year] if view.curves.has_gap(service) else []
    gap_years = years if view.curves.has_gap(service) else []
    demand, supply, gap = (view.curves.table(name, service) for name in ("demand", "supply", "gap"))
    columns = [Column(both("table.place"))]
    columns += [Column(_year(year), "count", both("table.demand")) for year in years]
    columns += [Column(_year(year), "count", both("table.supply")) for year in supplied]
    columns += [Column(_year(year), "signed", both("table.gap")) for year in gap_years]
    rows: list[tuple[Cell, ...]] = []
    for place in [*view.counties, view.area]:
        cells = [float(demand.at[place, year]) for year in years]
        cells += [float(supply.at[place, year]) for year in supplied]
        cells += [float(gap.at[place, year]) for year in gap_years]
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
