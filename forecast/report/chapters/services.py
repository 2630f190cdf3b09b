"""Demand against supply: all services side by side, then one chapter for each domain."""

from __future__ import annotations

import math

from forecast.report.chapter import Cell, Chapter, Chart, Column, Panel, Table
from forecast.report.headline import counties_short
from forecast.report.view.facts import Facts
from forecast.report.words import Text, both, count, names, percent


def gaps(facts: Facts) -> Chapter:
    """Every service of the whole, the heat map of counties and years, and the curves of every county."""
    whole = tuple(Panel(facts.short_name(service), {"c": facts.area, "s": service}) for service in facts.services)
    each = tuple(Panel(facts.place_names[code], {"c": code}) for code in facts.counties)
    return Chapter(
        id="gaps",
        menu=both("menu.gaps"),
        title=both("gaps.title"),
        sentences=(both("gaps.lines"), _shade(facts), both("gaps.years", area=facts.name)),
        charts=(
            Chart("whole", "panel", both("chart.whole.title", area=facts.name), both("chart.whole.note"), panels=whole),
            Chart("heat", "heat", both("chart.heat.title"), both("chart.heat.note"), ("service",), by_service=True),
            Chart(
                "counties",
                "panel",
                both("chart.counties.title"),
                both("chart.counties.note", year=facts.look),
                ("service",),
                panels=each,
                by_service=True,
            ),
        ),
    )


def _shade(facts: Facts) -> Text:
    """What the shade behind the curves is."""
    return both("gaps.bands", n=f"{facts.trajectories:,}") if facts.many else both("gaps.range")


def nursery(facts: Facts) -> Chapter | None:
    return domain_chapter(facts, "childcare")


def care(facts: Facts) -> Chapter | None:
    return domain_chapter(facts, "elder_care")


def health(facts: Facts) -> Chapter | None:
    return domain_chapter(facts, "health")


def domain_chapter(facts: Facts, domain: str) -> Chapter | None:
    """The services of a domain in sentences and tables; None where there is none."""
    services = [service for service in facts.services if facts.run.models[service].domain == domain]
    if not services:
        return None
    return Chapter(
        id=domain,
        menu=both(f"menu.{domain}"),
        title=both(f"domain.{domain}"),
        sentences=(both("service_ratios"),) if any(facts.ratio(service) for service in services) else (),
        by_service={service: tuple(service_sentences(facts, service)) for service in services},
        tables=tuple(service_table(facts, service) for service in services),
    )


def service_sentences(facts: Facts, service: str, gap: bool = True) -> list[Text]:
    """Demand, gap, migration, the standard and the ratio of a service; without the gap where it is told elsewhere."""
    return [
        part
        for part in (
            _path(facts, service),
            _gap(facts, service) if gap else None,
            _migration(facts, service),
            _norm(facts, service),
            _ratio(facts, service),
            _note(facts, service),
        )
        if part
    ]


def _path(facts: Facts, service: str) -> Text:
    """Demand at the jump-off year, in the year looked at and at the end, and the crest where there is one."""
    demand = facts.table("demand", service).loc[facts.area]
    years = (facts.jump_off, facts.look, facts.horizon)
    steps = {f"v{k}": _about(facts, service, year, float(demand[year])) for k, year in enumerate(years)}
    path = both("service_path", thing=facts.thing(service), y0=years[0], y1=years[1], y2=years[2], **steps)
    crest = facts.crest(facts.area, service)
    if crest is None or not facts.is_stage(service):
        return path
    more = both("service_crest", year=crest.year, amount=facts.amount(crest.height, service))
    return Text(path.zh + more.zh, f"{path.en} {more.en}")


def _about(facts: Facts, service: str, year: int, demand: float) -> Text:
    """An amount of demand, with its band of 80 % where that is known."""
    amount, within = facts.amount(demand, service), facts.within("demand_quantile", facts.area, service, year)
    return Text(amount.zh + within.zh, amount.en + within.en)


def _gap(facts: Facts, service: str) -> Text:
    if not facts.has_gap(service):
        return both("service_no_standard" if facts.has_supply(service) else "service_no_supply")
    gap = facts.at("gap", facts.area, service, facts.look)
    if not math.isfinite(gap):
        return both("service_gap_unknown", year=facts.look)
    key = "service_short" if gap < 0 else "service_spare"
    if facts.balanced(facts.area, service, facts.look):
        key = "service_balanced"
    return both(
        key,
        year=facts.look,
        amount=facts.amount(gap, service),
        supply=facts.amount(facts.at("supply", facts.area, service, facts.look), service),
        counties=counties_short(facts, service, facts.look),
    )


def _migration(facts: Facts, service: str) -> Text:
    low, high = facts.range_at(facts.area, service, facts.look)
    return both("service_migration", year=facts.look, low=count(low), high=count(high), unit=facts.unit_name(service))


def _norm(facts: Facts, service: str) -> Text | None:
    norm = facts.at("demand_norm", facts.area, service, facts.look)
    if not math.isfinite(norm):
        return None
    demand = facts.at("demand", facts.area, service, facts.look)
    key = "service_norm_more" if norm > demand else "service_norm_less"
    share = percent(norm / demand - 1) if demand > 0 else ""
    return both(key, year=facts.look, amount=facts.amount(norm, service), share=share)


def _ratio(facts: Facts, service: str) -> Text | None:
    """The ratio of pupils to residents used, and of which year."""
    used = facts.ratio(service)
    return both("service_ratio", ratio=f"{used[0]:.3f}", year=used[1]) if used else None


def _note(facts: Facts, service: str) -> Text | None:
    note = dict(facts.run.models[service].note or {})
    return names(note) if {"zh", "en"} <= set(note) else None


def service_table(facts: Facts, service: str) -> Table:
    """Counties by milestone years: demand, supply and gap."""
    years = facts.milestones()
    supplied = [facts.jump_off, facts.look] if facts.has_gap(service) else []
    gap_years = years if facts.has_gap(service) else []
    demand, supply, gap = (facts.table(name, service) for name in ("demand", "supply", "gap"))
    columns = [Column(both("table.place"))]
    columns += [Column(_year(year), "count", both("table.demand")) for year in years]
    columns += [Column(_year(year), "count", both("table.supply")) for year in supplied]
    columns += [Column(_year(year), "signed", both("table.gap")) for year in gap_years]
    rows: list[tuple[Cell, ...]] = []
    for place in [*facts.counties, facts.area]:
        cells = [float(demand.at[place, year]) for year in years]
        cells += [float(supply.at[place, year]) for year in supplied]
        cells += [float(gap.at[place, year]) for year in gap_years]
        rows.append((facts.place_names[place], *cells))
    return Table(
        id=f"table_{service}",
        title=both("table.service", thing=facts.thing(service), unit=facts.unit_name(service)),
        columns=tuple(columns),
        rows=tuple(rows),
        basis=facts.gap_basis(service) if supplied else facts.demand_basis(service),
        folded=True,
    )


def _year(year: int) -> Text:
    return Text(f"{year}年", str(year))
