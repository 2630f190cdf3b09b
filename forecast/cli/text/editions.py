"""Two editions of a forecast as plain text: what moved, and what moved by more than the older one allowed for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forecast.basics.catalogue import say
from forecast.basics.dims import SERVICE, YEAR
from forecast.basics.units import UNITS
from forecast.cli.text.comparison import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from forecast.demand import DemandModel


def edition_lines(
    shown: pd.DataFrame,
    everything: pd.DataFrame,
    places: Mapping[str, str],
    whole: str,
    models: Mapping[str, DemandModel],
    lang: str,
    counties: bool = False,
) -> list[str]:
    """A block for each place: a line for each series, its change in each year. Last, how many values are alerts.

    shown: the rows of `compare_editions` to print, everything: all of them; places: code -> name.
    """
    order = [whole, *(place for place in places if place != whole)] if counties else [whole]
    lines: list[str] = []
    for place in order:
        here = shown[shown["area"] == place]
        years = sorted(set(here[YEAR]))
        rows: list[str | list[str]] = [[places[place], "", *map(str, years)]]
        for service in dict.fromkeys(here[SERVICE]):
            series = here[here[SERVICE] == service].sort_values(YEAR)
            rows.append(_title(service, models, lang))
            for key in ("old", "new"):
                rows.append(["  " + say(f"cli.compare.{key}", lang), "", *(f"{value:,.0f}" for value in series[key])])
            cells = [f"{row.widths_moved:.2f}{' !' if row.alert else ''}" for row in series.itertuples()]
            rows.append(["  " + say("cli.compare.widths", lang), "", *cells])
        lines += [*aligned(rows), ""]
    alerts = int(everything["alert"].sum())
    return [
        *lines,
        say("cli.compare.alerts" if alerts else "cli.compare.no_alerts", lang, count=alerts, all=len(everything)),
    ]


def _title(service: str, models: Mapping[str, DemandModel], lang: str) -> str:
    if service not in models:
        return say(f"cli.compare.{service}", lang)
    model = models[service]
    return say("cli.compare.service", lang, name=model.name, unit=UNITS[model.unit])
