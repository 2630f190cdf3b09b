"""Residents of an age group, or births, of one place."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from forecast.basics.ages import age_groups
from forecast.basics.quantiles import BANDS
from forecast.report.charts.drawing import (
    Drawing,
    Swatch,
    between,
    key_of,
    lay,
    shades,
    years_axis,
)
from forecast.report.theme import (
    BLUE,
    FAINT,
    number,
    unit,
)
from forecast.report.view import View
from forecast.report.view.courses import bands as opening_bands
from forecast.report.view.courses import long_form, whole
from forecast.report.view.odds import BIRTHS_ITEM

GROUPS = age_groups("all", "0-2", "3-5", "6-11", "12-14", "15-17", "18-59", "60+", "80+")
"""Age groups drawn with their bands, by the name under which the trajectories keep them."""


def rows(view: View) -> pd.DataFrame:
    """By place, group and year: persons (or births) with the ends of their bands, and born (the last year in which all
    of the group were born at the start)."""
    series = {group: ("population_quantile", view.curves.persons(*ages).to_numpy()) for group, ages in GROUPS.items()}
    series[BIRTHS_ITEM] = "births_quantile", view.curves.births().to_numpy()
    persons = np.stack([values for _, values in series.values()], axis=1)
    start = view.column_of[view.jump_off]
    levels = {
        level: np.stack([view.odds.level(variable, group, level) for group, (variable, _) in series.items()], axis=1)
        for ends in BANDS.values()
        for level in ends
    }
    columns = {"persons": whole(persons), **opening_bands(levels, start, persons[..., start])}
    frame = long_form({"place": view.places, "group": list(series), "year": view.years}, columns)
    born = {group: view.jump_off + first for group, (first, _) in GROUPS.items()} | {BIRTHS_ITEM: view.jump_off}
    return frame.assign(born=frame["group"].map(born))


def legend(view: View) -> tuple[Swatch, ...]:
    return key_of({"k-line": "people_born", "k-dash": "people_unborn", "k-band80": "band80", "k-band95": "band95"})


def draw(view: View) -> Drawing:
    """Residents of an age group, or births, of one place: solid for people already born, dashed after, with bands."""
    base = alt.Chart(alt.NamedData("rows"))
    x = years_axis(view, wide=False)
    y_axis = alt.Axis(tickCount=3, minExtent=44, maxExtent=44, labelExpr=number("datum.value"))
    y = alt.Y("persons:Q", title=None, axis=y_axis, scale=alt.Scale(zero=False))

    def line(which: str, **style: Any) -> alt.Chart:
        return base.transform_filter(which).mark_line(aria=False, color=BLUE, **style).encode(x=x, y=y)

    start = base.transform_filter("datum.year==jump").mark_rule(color=FAINT, strokeWidth=1, aria=False)
    hover = base.mark_rule(opacity=0, strokeWidth=5, tooltip=alt.ExprRef(_people_words()), aria=False)
    layers = (
        start.encode(x=x),
        *shades(base, x, [95, 80]),
        line("isValid(datum.persons)&&datum.year<=datum.born"),
        line("isValid(datum.persons)&&datum.year>=datum.born", strokeDash=[5, 4]),
        hover.encode(x=x),
    )
    return lay(layers, 128, measure=["", ""], jump=view.jump_off)


def _people_words() -> str:
    value = f"(isValid(datum.persons)?'\\n'+{number('datum.persons')}+{unit()}:'')"
    bands = [between(f"low{share}", f"high{share}", f"tip.band{share}") for share in (80, 95)]
    return "''+datum.year+" + "+".join([value, *bands])
