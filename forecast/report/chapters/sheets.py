"""A sheet of two printed pages for each county and for the whole: what is known of it, what it must decide, what is not
known. The words are those of the chapters; here they are set out by place.
"""

from __future__ import annotations

import math

from forecast.basics.text import Text, count, joined, strung, year_text
from forecast.report.ahead import crested, fall, moved
from forecast.report.chances import given
from forecast.report.chapter import Cell, Chapter, Chart, Column, Listing, Panel, Table
from forecast.report.chapters.sources import rests_on
from forecast.report.view import View
from forecast.report.words import both

AHEAD = 5
"""Years after the outlook year that a sheet tells as well."""

PERIOD = "10"
"""Years after the decision until which a sheet says why rolls change, one of `findings.causes.STEPS`."""

Sheet = tuple[Chapter, Chapter]
"""Front: need, in words, curves and numbers. Back: what stands, what is set free, why, what is not known, sources."""


def sheets(view: View) -> dict[str, Sheet]:
    """Place -> its sheet; the whole first, then the counties."""
    return {place: (_front(view, place), _back(view, place)) for place in view.places}


def _front(view: View, place: str) -> Chapter:
    panels = tuple(Panel(view.names.short(one), {"place": place, "service": one}) for one in view.services)
    title, note = both("sheet.curves"), both("sheet.curves_note")
    curves = Chart(
        f"sheet_curves_{place}", "panel", title, note, panels=panels, basis=None, told="gap", paper=(158, 70)
    )
    return Chapter(
        id=f"sheet_{place}",
        menu=view.names.places[place],
        title=both("sheet.title", place=view.names.places[place]),
        sentences=(both("sheet.kick", area=view.names.whole, now=view.run.flags.now, jump_off=view.jump_off),),
        by_service={service: _told(view, place, service) for service in view.services},
        charts=(curves,),
        tables=(_need(view, place),),
    )


def _back(view: View, place: str) -> Chapter:
    listings = (_unknown(view, place), Listing(both("sheet.sources"), tuple(rests_on(view, place))))
    tables = (_supply(view, place), _schools(view, place), _causes(view, place))
    return Chapter(
        id=f"sheet_back_{place}",
        menu=view.names.places[place],
        title=both("sheet.back", place=view.names.places[place]),
        listings=tuple(listing for listing in listings if listing.items),
        tables=tuple(table for table in tables if table),
    )


def _told(view: View, place: str, service: str) -> tuple[Text, ...]:
    """The flag of a service where a class may be told, else its crest and how its need moves."""
    if view.kinds.claim(place, service).flag:
        return (view.run.flags.sentences[place, service],)
    way = moved(view, place, service, view.run.flags.now, view.outlook_year)
    wave = [crested(view, place, service), fall(view, place, service)] if view.meaning.is_stage(service) else []
    parts = [part for part in wave if part]
    if not parts:
        return (both("sheet.moved_alone", way=way),)
    return (both("sheet.wave_moved", people=view.names.people(service), wave=strung(parts), way=way),)


def _years(view: View) -> list[int]:
    """The year of the decision, the outlook year, and five years on."""
    years = {view.run.flags.now, view.outlook_year, min(view.outlook_year + AHEAD, view.horizon)}
    return sorted(year for year in years if year >= view.run.flags.now)


# ---- need ------------------------------------------------------------------------------------------------------------


def _need(view: View, place: str) -> Table:
    """Need of each service with its range, its change since the year of the decision, and its crest."""
    first, *later = _years(view)
    columns = [Column(both("table.what")), Column(both("table.unit")), Column(year_text(first), "count")]
    for year in later:
        columns += [
            Column(year_text(year), "count"),
            Column(both("sheet.range")),
            Column(both("sheet.moved"), "change"),
        ]
    columns.append(Column(both("sheet.crest")))
    rows: list[tuple[Cell, ...]] = []
    for service in view.services:
        need = view.curves.table("demand", service).loc[place]
        cells: list[Cell] = [view.names.thing(service), view.names.unit_name(service), float(need[first])]
        for year in later:
            moved = float(need[year] / need[first] - 1) if need[first] > 0 else None
            cells += [float(need[year]), _range(view, place, service, year), moved]
        rows.append((*cells, _crest(view, place, service)))
    title, note = both("sheet.need"), both("sheet.need_note")
    basis = view.bases.weakest_demand
    return Table(f"sheet_need_{place}", title, tuple(columns), tuple(rows), note, basis)


def _range(view: View, place: str, service: str, year: int) -> Text | None:
    if not view.many:
        return None
    low, high = view.odds.band("demand_quantile", place, service, year)
    return both("sheet.span", low=count(low), high=count(high)) if math.isfinite(low) else None


def _crest(view: View, place: str, service: str) -> Text | None:
    """Of a stage that a cohort passes: when it crests or lies on a plateau, and how high."""
    return crested(view, place, service) if view.meaning.is_stage(service) else None


# ---- what stands, what is set free, why -------------------------------------------------------------------------------


def _supply(view: View, place: str) -> Table:
    """What is known of supply, by kind; missing and idle places where that may be told; by when to decide."""
    first, outlook = view.run.flags.now, view.outlook_year
    names = ("supply", "planned")
    columns = [Column(both("table.what")), Column(both("sheet.kind"))]
    columns += [Column(both(f"sheet.{name}", year=first), "count") for name in names]
    columns += [Column(both(f"sheet.{name}", year=outlook), "count") for name in ("missing", "idle")]
    columns += [Column(both("sheet.against")), Column(both("sheet.decide"))]
    rows: list[tuple[Cell, ...]] = []
    for service in view.services:
        words = view.kinds.words(place, service)
        stands = [view.kinds.of_area(name, place, service, first) if words != "need" else None for name in names]
        gross = [view.kinds.of_area(name, place, service, outlook) for name in ("missing", "idle")]
        told = gross if words == "gap" else [None, None]
        kind = both(f"kind.{view.kinds.kind(place, service)}")
        rows.append(
            (
                view.names.thing(service),
                kind,
                *stands,
                *told,
                _against(view, place, service),
                _decide(view, place, service),
            )
        )
    title, note = both("sheet.stands"), both("sheet.stands_note", year=outlook)
    return Table(f"sheet_supply_{place}", title, tuple(columns), tuple(rows), note, view.bases.weakest_gap)


def _against(view: View, place: str, service: str) -> Text | None:
    """Where supply is only the most pupils ever held: how many more or fewer there are in the outlook year."""
    if view.kinds.words(place, service) != "held":
        return None
    gap = view.curves.at("gap", place, service, view.outlook_year)
    if not math.isfinite(gap):
        return None
    return both("sheet.more_held" if gap < 0 else "sheet.fewer_held", amount=view.names.amount(gap, service))


def _decide(view: View, place: str, service: str) -> Text | None:
    facts = view.run.flags.facts[place, service]
    if facts.act_from is None or not view.kinds.claim(place, service).flag:
        return None
    return both("sheet.decide_now") if facts.act_from <= facts.now else year_text(facts.act_from)


def _schools(view: View, place: str) -> Table | None:
    """Classes and posts of each stage in the years told, and the change."""
    if view.schools is None:
        return None
    years = _years(view)
    columns = [Column(both("table.stage"))]
    for name in ("classes", "posts"):
        group = both(f"sheet.{name}")
        columns += [Column(year_text(year), "count", group) for year in years]
        columns.append(Column(both("sheet.change", first=years[0], last=years[-1]), "moved", group))
    rows: list[tuple[Cell, ...]] = []
    for stage in view.schools.stages:
        cells: list[Cell] = []
        for name in ("classes", "posts"):
            values = [view.schools.at(name, place, stage, year) for year in years]
            cells += [*values, values[-1] - values[0]]
        rows.append((view.names.short(stage), *cells))
    title, note = both("sheet.schools"), both("sheet.schools_note")
    return Table(f"sheet_schools_{place}", title, tuple(columns), tuple(rows), note, view.schools.basis_of("posts"))


def _causes(view: View, place: str) -> Table | None:
    """Why the rolls of each stage change from the decision year on, by step, in pupils."""
    if view.schools is None:
        return None
    changes = view.schools.held.changes
    here = changes[(changes["county"] == place) & (changes["period"] == PERIOD)]
    if here.empty:
        return None
    steps = view.schools.acting
    columns = [Column(both("table.stage")), Column(both("sheet.before"), "count"), Column(both("sheet.after"), "count")]
    columns += [Column(both(f"step.{step}"), "moved") for step in steps]
    rows: list[tuple[Cell, ...]] = [
        (
            view.names.short(str(row["service"])),
            float(row["before"]),
            float(row["after"]),
            *(float(row[step]) for step in steps),
        )
        for row in here.to_dict("records")
    ]
    title = both("sheet.causes", first=int(here["first"].iloc[0]), last=int(here["last"].iloc[0]))
    return Table(f"sheet_causes_{place}", title, tuple(columns), tuple(rows), None, view.schools.basis_of("pupils"))


# ---- what is not known -------------------------------------------------------------------------------------------------


def _unknown(view: View, place: str) -> Listing:
    """By kind of supply, what cannot be said of the place; and on what all ranges are conditional."""
    items = []
    for kind in ("rolls", "split", "ratio", "planned", "none"):
        things = [view.names.thing(service) for service in view.services if view.kinds.kind(place, service) == kind]
        if things:
            items.append(both(f"sheet.unknown_{kind}", things=joined(things)))
    if view.many:
        items.append(given(view))
    return Listing(both("sheet.unknown"), tuple(items))
