"""The residents behind it all: totals and the ages that services are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forecast.basics.text import Text, count, joined, percent, year_text
from forecast.report.chapter import Cell, Chapter, Chart, Column, Panel, Table
from forecast.report.charts.people import GROUPS
from forecast.report.view import View
from forecast.report.view.odds import BIRTHS_ITEM
from forecast.report.words import both

if TYPE_CHECKING:
    import pandas as pd

AGES = ((0, 100), (0, 2), (3, 5), (6, 11), (12, 14), (15, 17), (60, 100), (65, 100), (75, 100), (80, 100))
"""Age groups shown, completed years at 31 December; the first is everybody."""

STEP = 5


def population(view: View) -> Chapter:
    return Chapter(
        id="population",
        menu=both("menu.population"),
        title=both("population.title", area=view.names.whole),
        sentences=tuple(_sentences(view)),
        charts=(_fans(view),) if view.many else (),
        tables=(_by_age(view), _by_county(view)),
    )


def _fans(view: View) -> Chart:
    """Residents by age and births of the chosen place, with bands."""
    panels = [Panel(_group(*ages), {"group": group}) for group, ages in GROUPS.items()]
    panels.insert(1, Panel(both("ages.births"), {"group": BIRTHS_ITEM}))
    title, note = both("chart.people.title"), both("chart.people.note")
    return Chart(
        "people", "people", title, note, ("place",), tuple(panels), by_place=True, basis="derived", folded=True
    )


def _sentences(view: View) -> list[Text]:
    start, look, end = view.jump_off, view.outlook_year, view.horizon
    total, old = view.curves.persons(0, 100).loc[view.area], view.curves.persons(60, 100).loc[view.area]
    oldest = view.curves.persons(80, 100).loc[view.area]
    all_years = {"y0": start, "y1": look, "y2": end}
    return [
        both("population.total", **all_years, **_steps(view, total, "all")),
        both(
            "population.old",
            **all_years,
            **_steps(view, old, "60+"),
            s0=percent(float(old[start] / total[start])),
            s2=percent(float(old[end] / total[end])),
        ),
        both("population.oldest", **all_years, **_steps(view, oldest, "80+")),
        *_institutions(view),
    ]


def _institutions(view: View) -> list[Text]:
    """Who lives in institutions and where, a sentence for each way in which that is known; none where nobody does."""
    run = view.run
    if "institutions" not in run.data:
        return []
    given = set(run.region.table("special_population").county) if run.region.has("special_population") else set()
    inside = run.data["institutions"].to_series().sort_values(ascending=False)
    sentences = []
    for how, wanted in (("institutions_given", True), ("institutions_seen", False)):
        parts = [
            both("population.institutions_place", place=view.names.places[str(code)], n=count(float(persons)))
            for code, persons in inside.items()
            if persons >= 1 and (code in given) == wanted
        ]
        if parts:
            sentences.append(both("population.institutions", parts=joined(parts), how=both(f"population.{how}")))
    return sentences


def _steps(view: View, series: pd.Series[float], group: str) -> dict[str, Text]:
    """The numbers of a sentence, with their bands of 80 % where they are known."""
    values = {}
    for k, year in enumerate((view.jump_off, view.outlook_year, view.horizon)):
        number, within = count(float(series[year])), view.odds.within("population_quantile", view.area, group, year)
        values[f"v{k}"], values[f"w{k}"] = number, within
    return values


def _years(view: View) -> list[int]:
    fives = [year for year in view.years if year % STEP == 0]
    return sorted({*fives, view.jump_off, view.horizon})


def _by_age(view: View) -> Table:
    years = _years(view)
    rows: list[tuple[Cell, ...]] = []
    for first, last in AGES:
        persons = view.curves.persons(first, last).loc[view.area]
        rows.append((_group(first, last), *(float(persons[year]) for year in years)))
    columns = [Column(both("table.age")), *(Column(year_text(year), "count") for year in years)]
    title, note = both("table.by_age", area=view.names.whole), both("table.by_age_note", jump_off=view.jump_off)
    return Table("table_ages", title, tuple(columns), tuple(rows), note, "derived")


def _group(first: int, last: int) -> Text:
    if last < 100:
        return both("ages.span", first=first, last=last)
    return both("ages.open", first=first) if first else both("ages.all")


def _by_county(view: View) -> Table:
    """Residents in total, the shares of children and of the old, by county."""
    years = [view.jump_off, view.outlook_year, view.horizon]
    total, young, old = view.curves.persons(0, 100), view.curves.persons(0, 17), view.curves.persons(65, 100)
    columns = [Column(both("table.place"))]
    columns += [Column(year_text(year), "count", both("table.residents")) for year in years]
    columns += [Column(year_text(year), "percent", both("table.share_young")) for year in years]
    columns += [Column(year_text(year), "percent", both("table.share_old")) for year in years]
    rows: list[tuple[Cell, ...]] = []
    for place in [*view.counties, view.area]:
        cells = [float(total.at[place, year]) for year in years]
        cells += [float(part.at[place, year] / total.at[place, year]) for part in (young, old) for year in years]
        rows.append((view.names.places[place], *cells))
    return Table("table_people", both("table.by_county"), tuple(columns), tuple(rows), None, "derived", folded=True)
