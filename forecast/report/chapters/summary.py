"""The first screen: the headline, four key figures, the map of the counties and the curve beside it."""

from __future__ import annotations

from forecast.basics.text import Text, chance, count, percent, same
from forecast.basics.tolerance import TOLERANCE
from forecast.report.ahead import year_range
from forecast.report.chapter import Chapter, Chart, Figure, Said
from forecast.report.charts.tiles import has_grid
from forecast.report.headline import in_surplus, last_known, soon_short, steepest, tell, title_basis
from forecast.report.view import View
from forecast.report.words import both

FIGURES = 4


def summary(view: View) -> Chapter:
    title, *sentences = tell(view)
    return Chapter(
        id="summary",
        menu=both("menu.summary"),
        title=title,
        basis=title_basis(view),
        sentences=tuple(sentences),
        figures=tuple(figures(view)[:FIGURES]),
        charts=(_map(view), _curve(view)),
    )


def figures(view: View) -> list[Figure]:
    """Key figures, the surest first: the near fall, the last crest, the first shortage, what is above the most ever held,
    the surplus, then the aged."""
    candidates = [_fall(view), _crest(view), _shortage(view), _above_held(view), _surplus(view), _aged(view)]
    return [figure for figure in [*candidates, _residents(view)] if figure]


def _fall(view: View) -> Figure | None:
    service = steepest(view)
    if service is None:
        return None
    start, before, _ = last_known(view, service)
    end = view.meaning.born_until(service)
    change = view.curves.at("demand", view.area, service, end) / before - 1
    caption = both("figure.fall", people=view.names.people(service), start=start, end=end)
    return Figure(same(f"−{percent(change)}"), caption, view.bases.demand(service))


def _crest(view: View) -> Figure | None:
    """The last crest or plateau that is still to come."""
    ahead = [
        (crest.year, service, crest)
        for service in view.meaning.school_stages
        if (crest := view.meaning.crest(view.area, service)) and max(crest.year, crest.plateau_last or 0) >= view.now
    ]
    if not ahead:
        return None
    _, service, crest = max(ahead)
    people, basis = view.names.people(service), view.bases.demand(service)
    if crest.plateau_first is not None:
        low, high = (count(value or crest.height) for value in (crest.plateau_low, crest.plateau_high))
        value = both("figure.plateau", first=crest.plateau_first, last=crest.plateau_last)
        return Figure(value, both("figure.plateau_caption", people=people, low=low, high=high), basis)
    return Figure(
        both("figure.year", year=crest.year), both("figure.crest", people=people, within=year_range(crest)), basis
    )


def _shortage(view: View) -> Figure | None:
    short = soon_short(view)
    if not short:
        return None
    service, spell = short[0]
    missing = view.curves.at("missing", view.area, service, spell.worst)
    chance_of_it = _odds(view, "short", "p_short", service, spell.worst)
    caption = both("figure.shortage", thing=view.names.thing(service), year=spell.worst, odds=chance_of_it)
    return Figure(_sized("figure.short", view, service, missing), caption, view.bases.gap(service))


def _above_held(view: View) -> Figure | None:
    """The largest number of pupils above the most ever held, where nobody has recorded the places."""
    above = []
    for service in view.services:
        if view.kinds.words(view.area, service) == "held":
            year, need = view.meaning.most_needed(view.area, service)
            above.append((need - view.curves.at("supply", view.area, service, year), year, service))
    if not above or max(above)[0] < 1:
        return None
    more, year, service = max(above)
    chance_of_it = _odds(view, "held", "p_short", service, year)
    caption = both("figure.held_caption", people=view.names.people(service), year=year, odds=chance_of_it)
    return Figure(both("figure.held", number=count(more)), caption, view.bases.gap(service))


def _surplus(view: View) -> Figure | None:
    spare = in_surplus(view)
    if not spare:
        return None
    service, year = spare[0], view.outlook_year
    idle = view.curves.at("idle", view.area, service, year)
    caption = both(
        "figure.surplus",
        thing=view.names.thing(service),
        year=year,
        share=percent(idle / view.curves.at("supply", view.area, service, year)),
        odds=_odds(view, "spare", "p_spare", service, year),
    )
    return Figure(_sized("figure.spare", view, service, idle), caption, view.bases.gap(service))


def _aged(view: View) -> Figure:
    old = view.curves.persons(80, 100).loc[view.area]
    within = view.odds.within("population_quantile", view.area, "80+", view.outlook_year)
    before = count(float(old[view.jump_off]))
    caption = both("figure.aged", start=view.jump_off, end=view.outlook_year, before=before, within=within)
    return Figure(both("figure.persons", number=count(float(old[view.outlook_year]))), caption, "derived")


def _residents(view: View) -> Figure:
    people = view.curves.persons(0, 100).loc[view.area]
    within = view.odds.within("population_quantile", view.area, "all", view.outlook_year)
    caption = both("figure.residents", year=view.outlook_year, within=within)
    return Figure(both("figure.persons", number=count(float(people[view.outlook_year]))), caption, "derived")


def _odds(view: View, side: str, variable: str, service: str, year: int) -> Text:
    """Chance of what a figure says, for its caption; nothing in a run of one path."""
    if not view.many:
        return Text("", "")
    probability = view.odds.chance(variable, view.area, service, year)
    return both(
        f"figure.odds_{side}", chance=chance(probability, view.trajectories, brief=True), share=percent(TOLERANCE)
    )


def _sized(key: str, view: View, service: str, gap: float) -> Text:
    return both(key, number=count(abs(gap)), unit=view.names.unit_name(service))


def _map(view: View) -> Chart:
    note = both("chart.map.note" if has_grid(view) else "chart.map.note_no_grid")
    need = Said(both("chart.need.map", now=view.run.flags.now), both("chart.need.map_note"))
    return Chart(
        "map", "tiles", both("chart.map.title"), note, controls=("service", "year"), by_service=True, of_need=need
    )


def _curve(view: View) -> Chart:
    title, note = both("chart.curve.title"), both("chart.curve.note", area=view.names.whole)
    return Chart("curve", "panel_large", title, note, ("place",), by_service=True, by_place=True)
