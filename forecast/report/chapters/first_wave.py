"""The wave of births through the stages, one after another."""

from __future__ import annotations

from forecast.findings.crests import with_lag
from forecast.report.chapter import Cell, Chapter, Chart, Column, Table
from forecast.report.view.facts import Facts
from forecast.report.words import Text, both


def wave(facts: Facts) -> Chapter | None:
    """Stages above each other with their crests marked; a table of crests by county."""
    if not facts.stages:
        return None
    chart = Chart(
        "wave_stages",
        "wave",
        both("chart.wave.title"),
        both("chart.wave.note", jump_off=facts.jump_off),
        controls=("place",),
        by_place=True,
        basis="demand",
    )
    return Chapter(
        id="wave",
        menu=both("menu.wave"),
        title=both("wave.title"),
        sentences=tuple(_lag_sentence(facts)),
        charts=(chart,),
        tables=(_crests(facts),),
    )


def _lag_sentence(facts: Facts) -> list[Text]:
    """The years between the crests of two stages in the whole, where both have one."""
    crests = with_lag(facts.run.waves)
    own = crests[crests["county"] == facts.area]
    lags = dict(zip(own["service"], own["lag_years"].tolist(), strict=True))
    parts = [
        both("wave.lag", stage=facts.short_name(stage), before=facts.short_name(before), years=lags[stage])
        for before, stage in zip(facts.stages, facts.stages[1:], strict=False)
        if stage in lags
    ]
    if not parts:
        return []
    text = Text("，".join(part.zh for part in parts), ", ".join(part.en for part in parts))
    return [both("wave.lags", parts=text, area=facts.name)]


def _crests(facts: Facts) -> Table:
    columns = [Column(both("table.place"))]
    for service in facts.stages:
        group = facts.short_name(service)
        columns.append(Column(both("table.crest_year"), "year", group))
        columns.append(Column(both("table.crest_height"), "count", group))
        columns.append(Column(both("table.crest_fall", year=facts.born_until(service)), "change", group))
    rows = [(facts.place_names[place], *_cells(facts, place)) for place in [*facts.counties, facts.area]]
    return Table(
        "table_crests",
        both("table.crests"),
        tuple(columns),
        tuple(rows),
        both("table.crests_note"),
        "derived",
        folded=True,
    )


def _cells(facts: Facts, place: str) -> list[Cell]:
    cells: list[Cell] = []
    for service in facts.stages:
        crest, end = facts.crest(place, service), facts.born_until(service)
        if crest is None:
            cells += [None, None, None]
            continue
        fall = None
        if crest.year < end <= facts.horizon and crest.height > 0:
            fall = facts.at("demand", place, service, end) / crest.height - 1
        cells += [crest.year, crest.height, fall]
    return cells
