"""The wave of births through the stages, one after another."""

from __future__ import annotations

from itertools import pairwise

from forecast.basics.text import Text, strung
from forecast.report.chapter import Cell, Chapter, Chart, Column, Table
from forecast.report.view import View
from forecast.report.words import both
from forecast.waves.find import LAG_YEARS


def wave(view: View) -> Chapter | None:
    """Stages above each other with their crests marked; a table of crests by county."""
    if not view.meaning.stages:
        return None
    chart = Chart(
        "wave_stages",
        "wave",
        both("chart.wave.title"),
        both("chart.wave.note", jump_off=view.jump_off),
        controls=("place",),
        by_place=True,
        basis="derived",
    )
    return Chapter(
        id="wave",
        menu=both("menu.wave"),
        title=both("wave.title"),
        sentences=tuple(_lag_sentence(view)),
        charts=(chart,),
        tables=(_crests(view),),
    )


def _lag_sentence(view: View) -> list[Text]:
    """The years between the crests of two stages in the whole, where both have one."""
    parts = [
        both("wave.lag", stage=view.names.short(stage), before=view.names.short(before), years=later.year - crest.year)
        for before, stage in pairwise(view.meaning.stages)
        if (crest := view.meaning.crest(view.area, before))
        and (later := view.meaning.crest(view.area, stage))
        and 0 < later.year - crest.year <= LAG_YEARS
    ]
    if not parts:
        return []
    text = strung(parts)
    return [both("wave.lags", parts=text, area=view.names.whole)]


def _crests(view: View) -> Table:
    columns = [Column(both("table.place"))]
    for service in view.meaning.stages:
        group = view.names.short(service)
        columns.append(Column(both("table.crest_year"), "year", group))
        columns.append(Column(both("table.crest_height"), "count", group))
        columns.append(
            Column(both("table.crest_fall", year=min(view.meaning.born_until(service), view.horizon)), "change", group)
        )
    rows = [(view.names.places[place], *_cells(view, place)) for place in [*view.counties, view.area]]
    return Table(
        "table_crests",
        both("table.crests"),
        tuple(columns),
        tuple(rows),
        both("table.crests_note"),
        "derived",
        folded=True,
    )


def _cells(view: View, place: str) -> list[Cell]:
    cells: list[Cell] = []
    for service in view.meaning.stages:
        crest, end = view.meaning.crest(place, service), min(view.meaning.born_until(service), view.horizon)
        if crest is None:
            cells += [None, None, None]
            continue
        fall = None
        if crest.year < end and crest.height > 0:
            fall = view.curves.at("demand", place, service, end) / crest.height - 1
        cells += [crest.year, crest.height, fall]
    return cells
