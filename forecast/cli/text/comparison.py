"""Scenarios side by side as plain text, aligned for readers of Chinese as well, and as rows for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wcwidth import width

from forecast.basics.catalogue import say
from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.basics.units import UNITS

if TYPE_CHECKING:
    import pandas as pd

    from forecast.demand import DemandModel
    from forecast.region import Region
    from forecast.scenario import Scenario

UNKNOWN = "–"
LESS_THAN_ONE = 0.5
"""Places or beds that do not show in a whole number."""
Row = str | list[str]
"""A line by itself, or its cells."""


def comparison_lines(
    table: pd.DataFrame,
    region: Region,
    scenarios: Sequence[Scenario],
    models: Mapping[str, DemandModel],
    lang: str,
    counties: bool = False,
) -> list[str]:
    """The table of `compare_scenarios` for a terminal: a block for each place and service, a column for each year.

    The whole, with `counties` every county and area after it. Supply stands once where it is the same in all scenarios; a
    gap where the kind of the supply allows one, and what is missing and idle where that is more than the gap tells.
    """
    order = dict.fromkeys(table[COUNTY])
    lines: list[str] = []
    for place in [region.area, *(place for place in order if counties and place != region.area)]:
        here = table[table[COUNTY] == place]
        rows: list[Row] = [[_place(region, place, lang), "", *map(str, sorted(set(here[YEAR])))]]
        rows += _block(say("cli.compare.population", lang), _once(here), ["population"], scenarios, lang)
        for service in dict.fromkeys(here[SERVICE]):
            title = _service(models[service], lang)
            rows += _of_service(title, here[here[SERVICE] == service], scenarios, lang)
        lines += [*aligned(rows), ""]
    return [*lines, say("cli.compare.legend", lang, first=getattr(scenarios[0].name, lang))]


def _of_service(title: str, rows: pd.DataFrame, scenarios: Sequence[Scenario], lang: str) -> list[Row]:
    """The block of one service at one place."""
    measures = ["supply", "demand"]
    if rows["gap"].notna().any():
        gross = (rows["missing"] + rows["idle"] - rows["gap"].abs()).max() > LESS_THAN_ONE
        measures += ["gap", *(["missing", "idle"] if gross else [])]
    return _block(title, rows, measures, scenarios, lang)


def _block(
    title: str, rows: pd.DataFrame, measures: Sequence[str], scenarios: Sequence[Scenario], lang: str
) -> list[Row]:
    """A title, and for each measure a line for each scenario with a cell for each year."""
    lines: list[Row] = [title]
    for measure in measures:
        word = _word(measure, rows, lang)
        for number, scenario in enumerate(scenarios):
            cells = rows[rows["scenario"] == scenario.id].sort_values(YEAR)
            change = cells[f"{measure}_change"]
            if measure == "supply" and number and not (change.fillna(0) != 0).any():
                continue  # as in the first
            name = "" if measure == "supply" and not number else getattr(scenario.name, lang)
            if measure == "demand" and scenario.demand.view == "norm":
                name = say("cli.compare.norm", lang, name=name)
            pairs = zip(cells[measure], change, strict=True)
            lines.append([f"  {word}", name, *(_cell(measure, value, less, number) for value, less in pairs)])
            word = ""
    return lines


def _word(measure: str, rows: pd.DataFrame, lang: str) -> str:
    """Name of the measure, for demand and supply with their basis, for supply and what follows from it by its kind."""
    if measure == "population":
        return ""
    kind = str(rows["supply_kind"].iloc[0])
    if measure == "gap":
        return say(f"cli.compare.gap.{kind}", lang)
    word = say(f"cli.compare.{measure}", lang)
    bases = set(rows[f"{measure}_basis"]) - {"", "none"} if measure in ("supply", "demand") else set()
    told = [say(f"cli.compare.kind.{kind}", lang)] if measure == "supply" else []
    told += [say(f"cli.compare.{basis}", lang) for basis in bases if len(bases) == 1]
    return say("cli.compare.based", lang, word=word, basis=say("cli.compare.and", lang).join(told)) if told else word


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a scenario and year: the population stands beside every service."""
    return rows.drop_duplicates(["scenario", YEAR])


def _cell(measure: str, value: float, change: float, number: int) -> str:
    """-1,234 (+56): a gap has its sign, and all but the first scenario their difference."""
    if math.isnan(value):
        return UNKNOWN
    shown = _signed(value) if measure == "gap" else f"{value:,.0f}"
    return f"{shown} ({_signed(change)})" if number else shown


def _signed(value: float) -> str:
    return f"{value:+,.0f}" if round(value) else "0"


def aligned(rows: Sequence[Row], gap: int = 2) -> list[str]:
    """Lines whose columns stand below each other: the first two to the left, numbers to the right; a text by itself is
    a line of its own. A Chinese sign takes two columns.

    >>> aligned(["学位", ["  需求", "基准", "5"], ["  供给", "", "1,205"]])
    ['学位', '  需求  基准      5', '  供给        1,205']
    """
    cells = [row for row in rows if not isinstance(row, str)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [row if isinstance(row, str) else _line(row, widths, " " * gap) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int], gap: str) -> str:
    pads = [" " * (wide - width(cell)) for wide, cell in zip(widths, row, strict=True)]
    both = enumerate(zip(row, pads, strict=True))
    return gap.join(cell + pad if column < 2 else pad + cell for column, (cell, pad) in both).rstrip()


def with_names(
    table: pd.DataFrame, region: Region, scenarios: Sequence[Scenario], models: Mapping[str, DemandModel]
) -> pd.DataFrame:
    """The same table with the names of scenario, place and service in both languages beside their codes."""
    of_scenario = {scenario.id: scenario.name.text for scenario in scenarios}
    named = table.copy()
    for lang in ("en", "zh"):
        columns = {
            "scenario": [of_scenario[name][lang] for name in table["scenario"]],
            COUNTY: [_place(region, place, lang) for place in table[COUNTY]],
            SERVICE: [models[service].name[lang] for service in table[SERVICE]],
        }
        for key, values in columns.items():
            named.insert(named.columns.get_loc(key) + 1, f"{key}_{lang}", values)
    return named


def as_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One mapping a row, with None for what is not known: JSON has no NaN."""
    return [dict(_plain(row)) for row in table.to_dict("records")]


def _plain(row: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in row.items():
        yield str(key), None if isinstance(value, float) and math.isnan(value) else value


def _place(region: Region, place: str, lang: str) -> str:
    return region.areas.names[place][lang]


def _service(model: DemandModel, lang: str) -> str:
    return say("cli.compare.service", lang, name=model.name, unit=UNITS[model.unit])
