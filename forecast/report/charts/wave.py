"""The stages of one place above each other, with their crests."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.report.charts.drawing import (
    Drawing,
    Swatch,
    key_of,
    lay,
    years_axis,
)
from forecast.report.theme import (
    INK,
    ORANGE,
    named,
    number,
)
from forecast.report.view import View
from forecast.report.view.courses import long_form, whole

RIDGES = ("#1d4f78", "#2f6c98", "#4787b1", "#669fc3", "#86b6d2", "#a6cbe0")

BIRTHS = "age_0"
"""Row of the wave above the stages: children aged 0 at 31 December (births are not known for every past year)."""


def rows(view: View) -> pd.DataFrame:
    """By place, stage and year where it is known: size of the stage, born (last year in which all of it were born at
    the start), and whether this is its crest."""
    stages = view.meaning.stages
    sizes = [view.curves.persons(0, 0).to_numpy(), *(view.curves.values("demand", stage) for stage in stages)]
    born = {BIRTHS: view.jump_off, **{stage: view.meaning.born_until(stage) for stage in stages}}
    keys: dict[str, list[Any]] = {"place": view.places, "stage": [BIRTHS, *stages], "year": view.years}
    frame = long_form(keys, {"size": whole(np.stack(sizes, axis=1))})
    there = pd.MultiIndex.from_frame(view.run.flags.crests[[COUNTY, SERVICE, YEAR]])
    marked = pd.MultiIndex.from_frame(frame[["place", "stage", "year"]]).isin(there)
    frame = frame.assign(born=frame["stage"].map(born), crest=marked)
    return frame.dropna(subset=["size"], ignore_index=True)


def legend(view: View) -> tuple[Swatch, ...]:
    return key_of({"k-deep": "deep", "k-pale": "pale", "k-crest": "crest"})


def draw(view: View) -> Drawing:
    """Stages above each other, each scaled to its own highest year; deep colour for children already born, pale after."""
    stages, years = [BIRTHS, *view.meaning.stages], view.years
    base = alt.Chart(alt.NamedData("rows")).transform_joinaggregate(top="max(size)", groupby=["stage"])
    base = base.transform_calculate(low="level[datum.stage]", high="level[datum.stage]+.74*datum.size/datum.top")
    return lay(
        (*_ridges(base, years_axis(view), stages), *_crests(base, years_axis(view))),
        70 * len(stages),
        names={},
        units={},
        level={stage: len(stages) - 1 - k for k, stage in enumerate(stages)},
        stages=stages[::-1],
        turn=years[0] + 0.8 * (years[-1] - years[0]),
    )


def _ridges(base: alt.Chart, x: alt.X, stages: list[str]) -> list[alt.Chart]:
    """The areas of the stages, and what is said on a touch."""
    y = alt.Y(
        "low:Q",
        title=None,
        scale=alt.Scale(domain=[0, len(stages)], nice=False),
        axis=alt.Axis(
            values=list(range(len(stages))),
            grid=True,
            labelColor=INK,
            labelFontSize=13,
            labelBaseline="bottom",
            labelOffset=-4,
            labelOverlap=False,
            minExtent=64,
            labelExpr=named("stages[datum.value]"),
        ),
    )
    colours = [RIDGES[min(k, len(RIDGES) - 1)] for k in range(len(stages))]
    colour = alt.Color("stage:N", legend=None, scale=alt.Scale(domain=stages, range=colours))
    top = alt.Y2("high:Q")

    def area(which: str, opacity: float) -> alt.Chart:
        part = base.transform_filter(which).mark_area(fillOpacity=opacity, line={"strokeWidth": 1.4}, aria=False)
        return part.encode(x=x, y=y, y2=top, color=colour, detail=alt.Detail("stage:N"))

    tooltip = f"{named('datum.stage')}+'  '+datum.year+'\\n'+{number('datum.size')}+units[datum.stage][lang=='zh'?0:1]"
    hover = base.mark_rule(opacity=0, strokeWidth=9, tooltip=alt.ExprRef(tooltip), aria=False)
    return [area("datum.year<=datum.born", 0.85), area("datum.year>=datum.born", 0.4), hover.encode(x=x, y=y, y2=top)]


def _crests(base: alt.Chart, x: alt.X) -> list[alt.Chart]:
    """Points on the crests with their year and size, and the line through the stages."""
    crests = base.transform_filter("datum.crest")
    high = alt.Y("high:Q", title=None)
    path = crests.mark_line(color=ORANGE, strokeWidth=1.4, strokeDash=[2, 4], aria=False)
    dots = crests.mark_point(filled=True, size=60, color=ORANGE, opacity=1, stroke="#fff", strokeWidth=1.5)
    words = crests.mark_text(
        dy=-8,
        dx=alt.ExprRef("datum.year>turn?-8:8"),
        align=alt.ExprRef("datum.year>turn?'right':'left'"),
        fontWeight=600,
        color=ORANGE,
        aria=False,
        text=alt.ExprRef(f"datum.year+'   '+{number('datum.size')}"),
    )
    along = path.encode(x=x, y=high, order=alt.Order("low:Q", sort="descending"))
    return [along, dots.encode(x=x, y=high), words.encode(x=x, y=high)]
