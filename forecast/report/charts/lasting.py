"""Demand of one service of one place, parted into what lasts and what stands above it."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from forecast.basics.dims import YEAR
from forecast.report.charts.drawing import (
    Drawing,
    Swatch,
    between,
    key_of,
    lay,
    told_courses,
    words_of,
    years_axis,
)
from forecast.report.charts.panel import supplies, supply_lines, supply_words
from forecast.report.theme import (
    BLUE,
    number,
    unit,
)
from forecast.report.view import View
from forecast.report.view.courses import whole


def rows(view: View) -> pd.DataFrame:
    """By place, service and year: demand with its band of 80 %, supply and its kind, lasting (what lasts) and crest
    (what stands above it)."""
    before = view.column_of[int(view.run.flags.classes[YEAR][0])]
    columns = {}
    for name in ("lasting", "crest"):
        values = whole(view.meaning.flagged(name))
        columns[name] = np.pad(values, ((0, 0), (0, 0), (before, 0)), constant_values=np.nan).ravel()
    courses = told_courses(view)
    kept = [name for name in ("demand", "low80", "high80", "supply", "kind") if name in courses]
    return courses[["place", "service", "year", *kept]].assign(**columns)


def legend(view: View) -> tuple[Swatch, ...]:
    ends = {"k-ends": "band80"} if view.many else {}
    return key_of(
        {"k-band80": "lasting", "k-above": "above", **supplies(view), "k-line": "born", "k-dash": "unborn", **ends}
    )


def draw(view: View) -> Drawing:
    """One service of one place: what lasts, filled; the crest above it; demand with its range; what stands and is planned."""
    base = alt.Chart(alt.NamedData("rows"))
    x = years_axis(view, wide=False)
    y_axis = alt.Axis(tickCount=3, minExtent=44, maxExtent=44, labelExpr=number("datum.value"))

    def line(field: str, which: str, **style: Any) -> alt.Chart:
        mark = base.transform_filter(f"isValid(datum.{field})&&({which})").mark_line(aria=False, **style)
        return mark.encode(x=x, y=alt.Y(f"{field}:Q", title=None, axis=y_axis, scale=alt.Scale(zero=True)))

    known = base.transform_filter("isValid(datum.lasting)")
    low = known.mark_area(color=BLUE, opacity=0.3, aria=False).encode(x=x, y=alt.Y("lasting:Q", title=None))
    high = known.transform_calculate(top="datum.lasting+datum.crest").mark_area(
        color="#e8b15c", opacity=0.8, aria=False
    )
    ends = {"color": BLUE, "strokeWidth": 1, "strokeDash": [1, 2.5]}
    hover = base.mark_rule(opacity=0, strokeWidth=5, tooltip=alt.ExprRef(_lasting_words()), aria=False)
    layers = (
        low,
        high.encode(x=x, y=alt.Y("lasting:Q", title=None), y2=alt.Y2("top:Q")),
        line("low80", "true", **ends),
        line("high80", "true", **ends),
        *supply_lines(lambda which, field, **style: line(field, which, **style), 1.8),
        line("demand", "datum.year<=born", color=BLUE),
        line("demand", "datum.year>=born", color=BLUE, strokeDash=[5, 4]),
        hover.encode(x=x),
    )
    return lay(layers, 128, measure=["", ""], born=-1)


def _lasting_words() -> str:
    def line(field: str, key: str) -> str:
        return f"(isValid(datum.{field})?'\\n'+{words_of(key)}+{number(f'datum.{field}')}+{unit()}:'')"

    parts = [line("demand", "tip.demand"), between("low80", "high80", "tip.band80"), line("lasting", "tip.lasting")]
    return "''+datum.year+" + "+".join([*parts, line("crest", "tip.above"), supply_words()])
