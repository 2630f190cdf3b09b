"""Chapter on certainty: the chance of a shortage by county and year, its causes, and the places that would be safe."""

from __future__ import annotations

import math

from forecast.basics.basis import weakest
from forecast.basics.text import Text, chance, joined, percent, year_text
from forecast.basics.tolerance import TOLERANCE
from forecast.report.ahead import moved
from forecast.report.chances import SCALE, gap_range, given, likelihood
from forecast.report.chapter import Cell, Chapter, Chart, Column, Panel, Table
from forecast.report.charts import capacity
from forecast.report.view import View
from forecast.report.words import both

RISKS = (0.5, 0.25, 0.1, 0.05)
"""Odds of a shortage for which the places needed are told."""

WORTH_NAMING = 0.1
"""Share of the uncertainty from which a component stands in a sentence."""


def certainty(view: View) -> Chapter:
    if not view.many:
        return Chapter("certainty", both("menu.certainty"), both("certainty.title"), sentences=(both("sure.one_path"),))
    return Chapter(
        id="certainty",
        menu=both("menu.certainty"),
        title=both("certainty.title"),
        sentences=(both("certainty.lead", n=f"{view.trajectories:,}"), given(view), _scale()),
        by_service={service: tuple(_sentences(view, service)) for service in view.services},
        charts=tuple(chart for chart in (_capacity_chart(view), _odds_chart(view), _causes_chart(view)) if chart),
        tables=tuple(table for table in (_odds_table(view), _risk_of_whole(view), *_risk_tables(view)) if table),
    )


def _scale() -> Text:
    """Words for a chance, each with the least chance it stands for, the surest first."""
    parts = [both("certainty.word", word=both(f"likely.{word}"), least=least) for least, word in SCALE[:-1]]
    return both("certainty.scale", parts=joined(parts, en="; "))


# ---- each service ------------------------------------------------------------------------------------------------


def _sentences(view: View, service: str) -> list[Text]:
    sentences = (_now(view, service), _ever(view, service), _norm_met(view, service), _causes(view, service))
    return [part for part in sentences if part]


def _now(view: View, service: str) -> Text:
    """Chances in the year looked at and the range, as the kind of the supply allows; else the need with its range."""
    year, words = view.outlook_year, view.kinds.words(view.area, service)
    short, spare = (view.odds.chance(name, view.area, service, year) for name in ("p_short", "p_spare"))
    if words == "need" or not math.isfinite(short):
        return both("sure.now_need", moved=moved(view, view.area, service, view.now, year))
    return both(
        f"sure.now_{words}",
        year=year,
        likely=likelihood(short, view.trajectories),
        chance=chance(short, view.trajectories),
        likely_spare=likelihood(spare, view.trajectories),
        chance_spare=chance(spare, view.trajectories),
        range=gap_range(view, view.area, service, year),
        share=percent(TOLERANCE),
    )


def _ever(view: View, service: str) -> Text | None:
    """Chance that at least one year is short, or above the most ever held, by the year looked at, and by ten years later."""
    words = view.kinds.words(view.area, service)
    years = sorted({view.outlook_year, min(view.outlook_year + 10, view.horizon)})
    by_then = [view.odds.chance("p_short_by", view.area, service, year) for year in years]
    if words == "need" or not all(map(math.isfinite, by_then)):
        return None
    parts = [_by_year(view, year, value) for year, value in zip(years, by_then, strict=True)]
    return both(f"sure.ever_{words}", first=view.now, parts=joined(parts), share=percent(TOLERANCE))


def _norm_met(view: View, service: str) -> Text | None:
    years = sorted({view.outlook_year, min(view.outlook_year + 10, view.horizon)})
    if view.kinds.words(view.area, service) != "gap":
        return None
    met = [view.odds.chance("p_norm_met", view.area, service, year) for year in years]
    if not all(map(math.isfinite, met)):
        return None
    parts = [_in_year(view, year, value) for year, value in zip(years, met, strict=True)]
    return both("sure.norm_met", parts=joined(parts))


def _by_year(view: View, year: int, probability: float) -> Text:
    return both("sure.by_year", year=year, chance=chance(probability, view.trajectories))


def _in_year(view: View, year: int, probability: float) -> Text:
    return both("sure.in_year", year=year, chance=chance(probability, view.trajectories))


def _causes(view: View, service: str) -> Text | None:
    """Components with the largest shares of the uncertainty ten years on."""
    year = min(view.jump_off + 10, view.horizon)
    shares = view.odds.shares(service, year)
    large = sorted((name for name in shares if shares[name] >= WORTH_NAMING), key=shares.__getitem__, reverse=True)
    parts = [both("sure.cause", cause=both(f"cause.{name}"), share=percent(shares[name])) for name in large]
    return both("sure.causes", year=year, parts=joined(parts)) if parts else None


# ---- charts and tables -------------------------------------------------------------------------------------------


def _odds_chart(view: View) -> Chart:
    title, note = both("chart.odds.title"), both("chart.odds.note")
    return Chart("odds", "odds", title, note, ("service",), by_service=True, folded=True)


def _capacity_chart(view: View) -> Chart | None:
    """For services of which only the most ever held is known: how likely need exceeds a capacity."""
    panels = tuple(
        Panel(
            both(
                "capacity.panel",
                thing=view.names.short(one),
                first=view.now,
                last=min(view.now + capacity.SPAN, view.horizon),
            ),
            {"service": one},
        )
        for one in capacity.services(view)
    )
    title, note = both("capacity.title", area=view.names.whole), both("capacity.note")
    return Chart("capacity", "capacity", title, note, panels=panels, basis="derived") if panels else None


def _causes_chart(view: View) -> Chart | None:
    """A bar for each service 5, 10 and 20 years on."""
    if view.run.causes is None:
        return None
    panels = tuple(Panel(view.names.short(service), {"service": service}) for service in view.services)
    title, note = both("chart.causes.title", area=view.names.whole), both("chart.causes.note")
    return Chart("causes", "causes", title, note, panels=panels, basis="derived", folded=True)


def _odds_table(view: View) -> Table | None:
    """The whole: how likely each service with recorded supply is short, short by then, to spare, and up to its standard."""
    services = view.kinds.told_gap(view.area)
    if not services:
        return None
    years = sorted({min(view.outlook_year + step, view.horizon) for step in (0, 5, 10, 20)})
    kinds = ("p_short", "p_short_by", "p_spare", "p_norm_met")
    columns = [Column(both("table.what"))]
    columns += [Column(_year(year), "chance", both(f"table.{kind}")) for kind in kinds for year in years]
    rows: list[tuple[Cell, ...]] = [
        (
            view.names.thing(service),
            *(view.odds.chance(kind, view.area, service, year) for kind in kinds for year in years),
        )
        for service in services
    ]
    title = both("table.odds", area=view.names.whole)
    return Table("table_odds", title, tuple(columns), tuple(rows), both("table.odds_note"), _basis(view))


def _risk_of_whole(view: View) -> Table:
    """For each service of the whole, in the year looked at: what stands where that is known, and what each risk asks for."""
    rows: list[tuple[Cell, ...]] = []
    for service in view.services:
        needed = [view.odds.needed(view.area, service, view.outlook_year, risk) for risk in RISKS]
        standing = _standing(view, view.area, service, view.outlook_year)
        rows.append((view.names.thing(service), view.names.unit_name(service), standing, *needed))
    stands = Column(both("table.recorded"), "count")
    columns = (Column(both("table.what")), Column(both("table.unit")), stands, *_risks())
    title, note = both("table.risk", area=view.names.whole, year=view.outlook_year), both("table.risk_note")
    return Table("table_risk", title, columns, tuple(rows), note, _basis(view))


def _standing(view: View, place: str, service: str, year: int) -> float | None:
    """Recorded supply; None where it is not."""
    return view.curves.at("supply", place, service, year) if view.kinds.words(place, service) == "gap" else None


def _basis(view: View) -> str:
    """The weakest of what the services rest on."""
    return weakest(*(view.bases.gap(service) for service in view.services))


def _risks(group: Text | None = None) -> list[Column]:
    return [Column(both("table.at_most", risk=percent(risk)), "count", group) for risk in RISKS]


def _risk_tables(view: View) -> list[Table]:
    """The same by county, in the year looked at and ten years later, a table for each service."""
    years = sorted({view.outlook_year, min(view.outlook_year + 10, view.horizon)})
    return [_risk_table(view, service, years) for service in view.services]


def _risk_table(view: View, service: str, years: list[int]) -> Table:
    columns = [Column(both("table.place"))]
    for year in years:
        columns += [Column(both("table.recorded"), "count", _year(year)), *_risks(_year(year))]
    rows: list[tuple[Cell, ...]] = []
    for place in [*view.counties, view.area]:
        cells: list[Cell] = []
        for year in years:
            cells.append(_standing(view, place, service, year))
            cells += [view.odds.needed(place, service, year, risk) for risk in RISKS]
        rows.append((view.names.places[place], *cells))
    title = both("table.risk_service", thing=view.names.thing(service), unit=view.names.unit_name(service))
    note = both("table.risk_counties_note")
    return Table(
        f"risk_{service}",
        title,
        tuple(columns),
        tuple(rows),
        note,
        view.bases.gap(service),
        folded=True,
        on_paper=False,
    )


def _year(year: int) -> Text:
    return year_text(year)
