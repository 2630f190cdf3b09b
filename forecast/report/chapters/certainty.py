"""How sure it is: how likely a shortage is in each county and year, what that rests on, and what would make it safe."""

from __future__ import annotations

import math

from forecast.report.chances import SCALE, chance, gap_range, given, likelihood
from forecast.report.chapter import Cell, Chapter, Chart, Column, Panel, Table
from forecast.report.view.facts import Facts, weakest
from forecast.report.words import Text, both, joined, percent

RISKS = (0.5, 0.25, 0.1, 0.05)
"""Odds of a shortage for which the places needed are told."""

WORTH_NAMING = 0.1
"""Share of the uncertainty from which a component stands in a sentence."""


def certainty(facts: Facts) -> Chapter:
    if not facts.many:
        return Chapter("certainty", both("menu.certainty"), both("certainty.title"), sentences=(both("sure.one_path"),))
    return Chapter(
        id="certainty",
        menu=both("menu.certainty"),
        title=both("certainty.title"),
        sentences=(both("certainty.lead", n=f"{facts.trajectories:,}"), given(facts), _scale()),
        by_service={service: tuple(_sentences(facts, service)) for service in facts.services},
        charts=tuple(chart for chart in (_odds_chart(facts), _causes_chart(facts)) if chart),
        tables=(_odds_table(facts), _risk_of_whole(facts), *_risk_tables(facts)),
    )


def _scale() -> Text:
    """What the words mean, from the surest down."""
    parts = [both("certainty.word", word=both(f"likely.{word}"), least=least) for least, word in SCALE[:-1]]
    return both("certainty.scale", parts=joined(parts, en="; "))


# ---- each service ------------------------------------------------------------------------------------------------


def _sentences(facts: Facts, service: str) -> list[Text]:
    found = (_now(facts, service), _ever(facts, service), _norm_met(facts, service), _causes(facts, service))
    return [part for part in found if part]


def _now(facts: Facts, service: str) -> Text | None:
    """How likely a shortage is in the year looked at, and between what the gap lies."""
    probability = facts.chance("p_short", facts.area, service, facts.look)
    if not math.isfinite(probability):
        return both("sure.no_supply")
    return both(
        "sure.now",
        year=facts.look,
        likely=likelihood(probability),
        chance=chance(probability, facts.trajectories),
        range=gap_range(facts, facts.area, service, facts.look),
    )


def _ever(facts: Facts, service: str) -> Text | None:
    """How likely at least one year is short by the year looked at, and ten years later."""
    years = sorted({facts.look, min(facts.look + 10, facts.horizon)})
    by_then = [facts.chance("p_short_by", facts.area, service, year) for year in years]
    if not all(map(math.isfinite, by_then)):
        return None
    parts = [_by_year(facts, year, value) for year, value in zip(years, by_then, strict=True)]
    return both("sure.ever", first=facts.jump_off + 1, parts=joined(parts))


def _norm_met(facts: Facts, service: str) -> Text | None:
    years = sorted({facts.look, min(facts.look + 10, facts.horizon)})
    met = [facts.chance("p_norm_met", facts.area, service, year) for year in years]
    if not all(map(math.isfinite, met)):
        return None
    parts = [_in_year(facts, year, value) for year, value in zip(years, met, strict=True)]
    return both("sure.norm_met", parts=joined(parts))


def _by_year(facts: Facts, year: int, probability: float) -> Text:
    return both("sure.by_year", year=year, chance=chance(probability, facts.trajectories))


def _in_year(facts: Facts, year: int, probability: float) -> Text:
    return both("sure.in_year", year=year, chance=chance(probability, facts.trajectories))


def _causes(facts: Facts, service: str) -> Text | None:
    """What makes most of the uncertainty ten years on."""
    year = min(facts.jump_off + 10, facts.horizon)
    shares = facts.shares(service, year)
    large = sorted((name for name in shares if shares[name] >= WORTH_NAMING), key=shares.__getitem__, reverse=True)
    parts = [both("sure.cause", cause=both(f"cause.{name}"), share=percent(shares[name])) for name in large]
    return both("sure.causes", year=year, parts=joined(parts)) if parts else None


# ---- charts and tables -------------------------------------------------------------------------------------------


def _odds_chart(facts: Facts) -> Chart:
    title, note = both("chart.odds.title"), both("chart.odds.note")
    return Chart("odds", "odds", title, note, ("service",), by_service=True)


def _causes_chart(facts: Facts) -> Chart | None:
    """A bar for each service 5, 10 and 20 years on."""
    if facts.run.causes is None:
        return None
    panels = tuple(Panel(facts.short_name(service), {"s": service}) for service in facts.services)
    title, note = both("chart.causes.title", area=facts.name), both("chart.causes.note")
    return Chart("causes", "causes", title, note, panels=panels)


def cause_years(facts: Facts) -> list[int]:
    """5, 10 and 20 years after the jump-off year, as far as the horizon goes."""
    return [year for year in (facts.jump_off + step for step in (5, 10, 20)) if year <= facts.horizon]


def _odds_table(facts: Facts) -> Table:
    """The whole: how likely each service is short, short by then, and up to its standard."""
    years = sorted({min(facts.look + step, facts.horizon) for step in (0, 5, 10, 20)})
    kinds = ("p_short", "p_short_by", "p_norm_met")
    columns = [Column(both("table.what"))]
    columns += [Column(_year(year), "chance", both(f"table.{kind}")) for kind in kinds for year in years]
    rows: list[tuple[Cell, ...]] = [
        (facts.thing(service), *(facts.chance(kind, facts.area, service, year) for kind in kinds for year in years))
        for service in facts.services
    ]
    title = both("table.odds", area=facts.name)
    return Table("table_odds", title, tuple(columns), tuple(rows), both("table.odds_note"), _basis(facts))


def _risk_of_whole(facts: Facts) -> Table:
    """For each service of the whole, in the year looked at: what stands, and what each risk asks for."""
    rows: list[tuple[Cell, ...]] = []
    for service in facts.services:
        needed = [facts.needed(facts.area, service, facts.look, risk) for risk in RISKS]
        standing = facts.at("supply", facts.area, service, facts.look)
        rows.append((facts.thing(service), facts.unit_name(service), standing, *needed))
    columns = (Column(both("table.what")), Column(both("table.unit")), Column(both("table.supply"), "count"), *_risks())
    title, note = both("table.risk", area=facts.name, year=facts.look), both("table.risk_note")
    return Table("table_risk", title, columns, tuple(rows), note, _basis(facts))


def _basis(facts: Facts) -> str:
    """The weakest of what the services rest on."""
    return weakest(*(facts.gap_basis(service) for service in facts.services))


def _risks(group: Text | None = None) -> list[Column]:
    return [Column(both("table.at_most", risk=percent(risk)), "count", group) for risk in RISKS]


def _risk_tables(facts: Facts) -> list[Table]:
    """The same by county, in the year looked at and ten years later, a table for each service."""
    years = sorted({facts.look, min(facts.look + 10, facts.horizon)})
    return [_risk_table(facts, service, years) for service in facts.services]


def _risk_table(facts: Facts, service: str, years: list[int]) -> Table:
    columns = [Column(both("table.place"))]
    for year in years:
        columns += [Column(both("table.supply"), "count", _year(year)), *_risks(_year(year))]
    rows: list[tuple[Cell, ...]] = []
    for place in [*facts.counties, facts.area]:
        cells: list[Cell] = []
        for year in years:
            cells.append(facts.at("supply", place, service, year))
            cells += [facts.needed(place, service, year, risk) for risk in RISKS]
        rows.append((facts.place_names[place], *cells))
    title = both("table.risk_service", thing=facts.thing(service), unit=facts.unit_name(service))
    note = both("table.risk_counties_note")
    return Table(
        f"risk_{service}",
        title,
        tuple(columns),
        tuple(rows),
        note,
        facts.gap_basis(service),
        folded=True,
        on_paper=False,
    )


def _year(year: int) -> Text:
    return Text(f"{year}年", str(year))
