"""Posts that the stages of one place need."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from forecast.report.charts.drawing import (
    Drawing,
    Swatch,
    lay,
    stages_of,
    words_of,
    years_axis,
)
from forecast.report.theme import (
    STAGES,
    number,
)
from forecast.report.view import View
from forecast.report.view.courses import long_form, whole


def rows(view: View) -> pd.DataFrame:
    """By place, service (at: its position) and year from the jump-off year on, where it is known: posts."""
    schools = view.schools
    stages = stages_of(view)
    if schools is None:
        return pd.DataFrame(columns=["place", "service", "year", "posts", "at"])
    posts = np.array([[schools.series("posts", place, stage) for stage in stages] for place in view.places])
    frame = long_form({"place": view.places, "service": stages, "year": view.years}, {"posts": whole(posts)})
    known = frame[(frame["year"] >= view.jump_off) & frame["posts"].notna()].reset_index(drop=True)
    return known.assign(at=known["service"].map({stage: position for position, stage in enumerate(stages)}))


def legend(view: View) -> tuple[Swatch, ...]:
    return tuple(
        Swatch(f"k-cause c-stage{position}", view.names.short(stage)) for position, stage in enumerate(stages_of(view))
    )


def draw(view: View) -> Drawing:
    """Posts that the stages of one place need, laid on each other, the youngest below."""
    order = stages_of(view)
    base = alt.Chart(alt.NamedData("rows"))
    x = years_axis(view, first=view.jump_off)
    y_axis = alt.Axis(tickCount=4, minExtent=44, labelExpr=number("datum.value"))
    colour = alt.Color("service:N", legend=None, scale=alt.Scale(domain=order, range=list(STAGES[: len(order)])))
    areas = base.mark_area(aria=False, stroke="#fff", strokeWidth=1).encode(
        x=x, y=alt.Y("posts:Q", stack="zero", title=None, axis=y_axis), color=colour, order=alt.Order("at:Q")
    )
    total = base.transform_aggregate(total="sum(posts)", groupby=["year"])
    tooltip = f"''+datum.year+'\\n'+{number('datum.total')}+{words_of('tip.posts')}"
    hover = total.mark_rule(opacity=0, strokeWidth=9, tooltip=alt.ExprRef(tooltip), aria=False).encode(x=x)
    return lay((areas, hover), 230, names={})
