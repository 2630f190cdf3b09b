"""The residents behind it all: totals and the ages that services are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forecast.report.chapter import Cell, Chapter, Chart, Column, Panel, Table
from forecast.report.view.facts import BIRTHS_ITEM, Facts
from forecast.report.words import Text, both, count, percent

if TYPE_CHECKING:
    import pandas as pd

AGES = ((0, 100), (0, 2), (3, 5), (6, 11), (12, 14), (15, 17), (60, 100), (65, 100), (75, 100), (80, 100))
"""Age groups shown, completed years at 31 December; the first is everybody."""

STEP = 5

GROUPS = {"all": (0, 100), "0-2": (0, 2), "3-5": (3, 5), "6-11": (6, 11), "12-14": (12, 14), "15-17": (15, 17)}
GROUPS |= {"18-59": (18, 59), "60+": (60, 100), "80+": (80, 100)}
"""Age groups drawn with their bands, by the name under which the trajectories keep them."""


def population(facts: Facts) -> Chapter:
    return Chapter(
        id="population",
        menu=both("menu.population"),
        title=both("population.title", area=facts.name),
        sentences=tuple(_sentences(facts)),
        charts=(_fans(facts),) if facts.many else (),
        tables=(_by_age(facts), _by_county(facts)),
    )


def _fans(facts: Facts) -> Chart:
    """Residents by age and births of the chosen place, with bands."""
    panels = [Panel(_group(*ages), {"g": group}) for group, ages in GROUPS.items()]
    panels.insert(1, Panel(both("ages.births"), {"g": BIRTHS_ITEM}))
    title, note = both("chart.people.title"), both("chart.people.note")
    return Chart("people", "people", title, note, ("place",), tuple(panels), by_place=True)


def _sentences(facts: Facts) -> list[Text]:
    start, look, end = facts.jump_off, facts.look, facts.horizon
    total, old = facts.persons(0, 100).loc[facts.area], facts.persons(60, 100).loc[facts.area]
    oldest = facts.persons(80, 100).loc[facts.area]
    all_years = {"y0": start, "y1": look, "y2": end}
    return [
        both("population.total", **all_years, **_steps(facts, total, "all")),
        both(
            "population.old",
            **all_years,
            **_steps(facts, old, "60+"),
            s0=percent(float(old[start] / total[start])),
            s2=percent(float(old[end] / total[end])),
        ),
        both("population.oldest", **all_years, **_steps(facts, oldest, "80+")),
    ]


def _steps(facts: Facts, series: pd.Series[float], group: str) -> dict[str, Text]:
    """The numbers of a sentence, with their bands of 80 % where they are known."""
    found = {}
    for k, year in enumerate((facts.jump_off, facts.look, facts.horizon)):
        number, within = count(float(series[year])), facts.within("population_quantile", facts.area, group, year)
        found[f"v{k}"], found[f"w{k}"] = number, within
    return found


def _years(facts: Facts) -> list[int]:
    fives = [year for year in facts.years if year % STEP == 0]
    return sorted({*fives, facts.jump_off, facts.horizon})


def _by_age(facts: Facts) -> Table:
    years = _years(facts)
    rows: list[tuple[Cell, ...]] = []
    for first, last in AGES:
        persons = facts.persons(first, last).loc[facts.area]
        rows.append((_group(first, last), *(float(persons[year]) for year in years)))
    columns = [Column(both("table.age")), *(Column(Text(f"{year}年", str(year)), "count") for year in years)]
    title, note = both("table.by_age", area=facts.name), both("table.by_age_note", jump_off=facts.jump_off)
    return Table("table_ages", title, tuple(columns), tuple(rows), note, "derived")


def _group(first: int, last: int) -> Text:
    if last < 100:
        return both("ages.span", first=first, last=last)
    return both("ages.open", first=first) if first else both("ages.all")


def _by_county(facts: Facts) -> Table:
    """Residents in total, the shares of children and of the old, by county."""
    years = [facts.jump_off, facts.look, facts.horizon]
    total, young, old = facts.persons(0, 100), facts.persons(0, 17), facts.persons(65, 100)
    columns = [Column(both("table.place"))]
    columns += [Column(Text(f"{year}年", str(year)), "count", both("table.residents")) for year in years]
    columns += [Column(Text(f"{year}年", str(year)), "percent", both("table.share_young")) for year in years]
    columns += [Column(Text(f"{year}年", str(year)), "percent", both("table.share_old")) for year in years]
    rows: list[tuple[Cell, ...]] = []
    for place in [*facts.counties, facts.area]:
        cells = [float(total.at[place, year]) for year in years]
        cells += [float(part.at[place, year] / total.at[place, year]) for part in (young, old) for year in years]
        rows.append((facts.place_names[place], *cells))
    return Table("table_people", both("table.by_county"), tuple(columns), tuple(rows), None, "derived", folded=True)
