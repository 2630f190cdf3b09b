"""How likely need is to exceed a capacity, as a curve over the capacity: what to know before the places are counted."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.basics.quantiles import KEPT
from forecast.report.charts.drawing import Drawing, Swatch, lay, words_of
from forecast.report.theme import BLUE, FAINT, INK, ORANGE, number, unit
from forecast.report.view import View
from forecast.report.words import both

SPAN = 15
"""Years from the decision on in which the year of the highest need is looked for."""


def services(view: View) -> list[str]:
    """Services of which the whole knows only the most ever held."""
    return [service for service in view.services if view.kinds.words(view.area, service) == "held"]


def highest(view: View, service: str) -> int:
    """The year from the decision on in which the scenario needs most."""
    first = view.run.flags.now
    return int(view.curves.table("demand", service).loc[view.area, first : first + SPAN].idxmax())


def rows(view: View) -> pd.DataFrame:
    """By service and level: capacity, chance (per cent of the trajectories whose highest need of the years ahead is
    larger), and held, the most ever held, with what is planned."""
    ahead = {YEAR: slice(view.run.flags.now, view.run.flags.now + SPAN)}
    most = view.run.flags.demand.sel({COUNTY: view.area}).sel(ahead).max(YEAR)
    found: list[tuple[Any, ...]] = []
    for service in services(view):
        levels = np.quantile(most.sel({SERVICE: service}).to_numpy(), KEPT).tolist()
        held = round(view.curves.at("supply", view.area, service, highest(view, service)))
        found += [
            (service, at, round(size), round(100 * (1 - level), 2), held)
            for at, (level, size) in enumerate(zip(KEPT, levels, strict=True))
        ]
    return pd.DataFrame(found, columns=["service", "at", "capacity", "chance", "held"])


def legend(view: View) -> tuple[Swatch, ...]:
    return Swatch("k-line", both("key.exceeded")), Swatch("k-held", both("key.held"))


def draw(view: View) -> Drawing:
    """Chance by capacity of one service; a line at the most ever held."""
    base = alt.Chart(alt.NamedData("rows"))
    x_axis = alt.Axis(tickCount=4, grid=True, labelExpr=number("datum.value"))
    x = alt.X("capacity:Q", title=None, axis=x_axis, scale=alt.Scale(zero=False, nice=False, padding=8))
    y_axis = alt.Axis(values=[0, 50, 100], labelExpr="datum.value+'%'", minExtent=36)
    y = alt.Y("chance:Q", title=None, axis=y_axis, scale=alt.Scale(domain=[0, 100]))
    tooltip = f"{number('datum.capacity')}+{unit()}+'\\n'+{words_of('tip.exceeded')}+format(datum.chance,'.0f')+'%'"
    line = base.mark_line(color=BLUE, interpolate="monotone", aria=False)
    points = base.mark_point(opacity=0, size=120, tooltip=alt.ExprRef(tooltip), aria=False)
    held = base.transform_filter("datum.at==0").mark_rule(color=ORANGE, strokeDash=[7, 4], strokeWidth=1.6, aria=False)
    half = base.transform_filter("datum.at==0").mark_rule(color=FAINT, strokeDash=[2, 3], aria=False)
    even = base.transform_filter("datum.chance==50")
    dot = even.mark_point(filled=True, size=46, color=INK, opacity=1, aria=False)
    words = even.mark_text(dx=7, dy=-8, align="left", text=alt.ExprRef(number("datum.capacity")), aria=False)
    layers = (
        half.encode(y=alt.YDatum(50)),
        held.encode(x=alt.X("held:Q", title=None)),
        line.encode(x=x, y=y, order=alt.Order("at:Q")),
        dot.encode(x=x, y=y),
        words.encode(x=x, y=y),
        points.encode(x=x, y=y),
    )
    return lay(layers, 120, measure=["", ""])
