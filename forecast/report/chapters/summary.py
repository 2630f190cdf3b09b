"""The first screen: the headline, four key figures, the map of the counties and the curve beside it."""

from __future__ import annotations

from forecast.basics.text import Text, count, percent, same
from forecast.report.chances import chance
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
    """Key figures, the surest first: the near fall, the last crest, the first shortage, the surplus, then the aged."""
    candidates = [_fall(view), _crest(view), _shortage(view), _surplus(view), _aged(view), _residents(view)]
    return [figure for figure in candidates if figure]


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
    ahead = [
        (crest.year, service)
        for service in view.meaning.school_stages
        if (crest := view.meaning.crest(view.area, service)) and crest.year >= view.jump_off
    ]
    if not ahead:
        return None
    year, service = max(ahead)
    caption = both("figure.crest", people=view.names.people(service))
    return Figure(both("figure.year", year=year), caption, view.bases.demand(service))


def _shortage(view: View) -> Figure | None:
    short = soon_short(view)
    if not short:
        return None
    service, spell = short[0]
    gap = view.curves.at("gap", view.area, service, spell.worst)
    caption = both(
        "figure.shortage", thing=view.names.thing(service), year=spell.worst, odds=_odds(view, service, spell.worst)
    )
    return Figure(_sized("figure.short", view, service, gap), caption, view.bases.gap(service))


def _surplus(view: View) -> Figure | None:
    spare = in_surplus(view)
    if not spare:
        return None
    service = spare[0]
    gap = view.curves.at("gap", view.area, service, view.outlook_year)
    share = gap / view.curves.at("supply", view.area, service, view.outlook_year)
    caption = both(
        "figure.surplus",
        thing=view.names.thing(service),
        year=view.outlook_year,
        share=percent(share),
        odds=_odds(view, service, view.outlook_year),
    )
    return Figure(_sized("figure.spare", view, service, gap), caption, view.bases.gap(service))


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


def _odds(view: View, service: str, year: int) -> Text:
    """Chance of a shortage, for a caption; nothing in a run of one path."""
    if not view.many:
        return Text("", "")
    probability = view.odds.chance("p_short", view.area, service, year)
    return both("figure.odds", chance=chance(probability, view.trajectories, brief=True))


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
