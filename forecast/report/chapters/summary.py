"""The first screen: the headline, four key figures, the map of the counties and the curve beside it."""

from __future__ import annotations

from forecast.report.chances import chance
from forecast.report.chapter import Chapter, Chart, Figure
from forecast.report.headline import in_surplus, last_known, soon_short, steepest, tell, title_basis
from forecast.report.view.facts import Facts
from forecast.report.words import Text, both, count, percent, same

FIGURES = 4


def summary(facts: Facts) -> Chapter:
    title, *sentences = tell(facts)
    return Chapter(
        id="summary",
        menu=both("menu.summary"),
        title=title,
        basis=title_basis(facts),
        sentences=tuple(sentences),
        figures=tuple(figures(facts)[:FIGURES]),
        charts=(_map(facts), _curve(facts)),
    )


def figures(facts: Facts) -> list[Figure]:
    """Key figures, the surest first: the near fall, the last crest, the first shortage, the surplus, then the aged."""
    found = [_fall(facts), _crest(facts), _shortage(facts), _surplus(facts), _aged(facts), _residents(facts)]
    return [figure for figure in found if figure]


def _fall(facts: Facts) -> Figure | None:
    service = steepest(facts)
    if service is None:
        return None
    start, before, _ = last_known(facts, service)
    end = facts.born_until(service)
    change = facts.at("demand", facts.area, service, end) / before - 1
    caption = both("figure.fall", people=facts.people(service), start=start, end=end)
    return Figure(same(f"−{percent(change)}"), caption, facts.demand_basis(service))


def _crest(facts: Facts) -> Figure | None:
    ahead = [
        (crest.year, service)
        for service in facts.schools
        if (crest := facts.crest(facts.area, service)) and crest.year >= facts.jump_off
    ]
    if not ahead:
        return None
    year, service = max(ahead)
    caption = both("figure.crest", people=facts.people(service))
    return Figure(both("figure.year", year=year), caption, facts.demand_basis(service))


def _shortage(facts: Facts) -> Figure | None:
    short = soon_short(facts)
    if not short:
        return None
    service, spell = short[0]
    gap = facts.at("gap", facts.area, service, spell.worst)
    caption = both(
        "figure.shortage", thing=facts.thing(service), year=spell.worst, odds=_odds(facts, service, spell.worst)
    )
    return Figure(_sized("figure.short", facts, service, gap), caption, facts.gap_basis(service))


def _surplus(facts: Facts) -> Figure | None:
    spare = in_surplus(facts)
    if not spare:
        return None
    service = spare[0]
    gap = facts.at("gap", facts.area, service, facts.look)
    share = gap / facts.at("supply", facts.area, service, facts.look)
    caption = both(
        "figure.surplus",
        thing=facts.thing(service),
        year=facts.look,
        share=percent(share),
        odds=_odds(facts, service, facts.look),
    )
    return Figure(_sized("figure.spare", facts, service, gap), caption, facts.gap_basis(service))


def _aged(facts: Facts) -> Figure:
    old = facts.persons(80, 100).loc[facts.area]
    within = facts.within("population_quantile", facts.area, "80+", facts.look)
    before = count(float(old[facts.jump_off]))
    caption = both("figure.aged", start=facts.jump_off, end=facts.look, before=before, within=within)
    return Figure(both("figure.persons", number=count(float(old[facts.look]))), caption, "derived")


def _residents(facts: Facts) -> Figure:
    people = facts.persons(0, 100).loc[facts.area]
    within = facts.within("population_quantile", facts.area, "all", facts.look)
    caption = both("figure.residents", year=facts.look, within=within)
    return Figure(both("figure.persons", number=count(float(people[facts.look]))), caption, "derived")


def _odds(facts: Facts, service: str, year: int) -> Text:
    """How likely a shortage is, for a caption; nothing in a run of one path."""
    if not facts.many:
        return Text("", "")
    probability = facts.chance("p_short", facts.area, service, year)
    return both("figure.odds", chance=chance(probability, facts.trajectories, brief=True))


def _sized(key: str, facts: Facts, service: str, gap: float) -> Text:
    return both(key, number=count(abs(gap)), unit=facts.unit_name(service))


def _map(facts: Facts) -> Chart:
    note = both("chart.map.note" if facts.has_grid else "chart.map.note_no_grid")
    return Chart("map", "tiles", both("chart.map.title"), note, controls=("service", "year"), by_service=True)


def _curve(facts: Facts) -> Chart:
    title, note = both("chart.curve.title"), both("chart.curve.note", area=facts.name)
    return Chart("curve", "panel_large", title, note, controls=("place",), by_place=True)
