"""Steps by which the rolls of the stages of one place fall from their crest."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from forecast.basics.dims import COUNTY, SERVICE
from forecast.findings.causes import CREST
from forecast.report.charts.drawing import (
    Drawing,
    Swatch,
    bands,
    lay,
    stages_of,
)
from forecast.report.theme import (
    FAINT,
    INK,
    STEPS,
    named,
    number,
)
from forecast.report.view import View
from forecast.report.words import both


def rows(view: View) -> pd.DataFrame:
    """By place, service and step: change of the roll from the year `first` to `last`, drawn from `from` to `to`: what is
    taken away to the left of zero, what is added to the right; step net is all of them."""
    bars: list[tuple[Any, ...]] = []
    schools = view.schools
    if schools is not None:
        falls = schools.held.changes
        falls = falls[(falls["period"] == CREST) & falls[COUNTY].isin(view.places)]
        for row in falls.to_dict("records"):
            sizes = {step: round(row[step]) for step in STEPS if step in schools.acting and abs(row[step]) >= 0.5}
            net = round(row["after"] - row["before"])
            keys = row[COUNTY], row[SERVICE], row["first"], row["last"]
            bars += [(*keys, *part) for part in [*_laid(sizes), ("net", net, net, net)]]
    return pd.DataFrame(bars, columns=["place", "service", "first", "last", "step", "change", "from", "to"])


def _laid(sizes: dict[str, int]) -> list[tuple[str, int, int, int]]:
    """(step, change, from, to), each side of zero laid end to end; a change that rounds to nothing is left out."""
    ends = {True: 0, False: 0}
    bars = []
    for step, size in sizes.items():
        if size:
            start = ends[size > 0]
            ends[size > 0] = start + size
            bars.append((step, size, start, start + size))
    return bars


def legend(view: View) -> tuple[Swatch, ...]:
    steps = [] if view.schools is None else view.schools.acting
    return (*(Swatch(f"k-cause c-{step}", both(f"step.{step}")) for step in steps), Swatch("k-dot", both("key.net")))


def draw(view: View) -> Drawing:
    """From the crest to the lowest roll: what each step takes away (left) and adds (right), and the net at a point."""
    order = stages_of(view)
    base = alt.Chart(alt.NamedData("rows"))
    y = alt.Y(
        "service:N",
        title=None,
        scale=bands(order, 0.3),
        axis=alt.Axis(labelExpr=named("datum.value"), labelColor=INK, labelFontSize=13, minExtent=64),
    )
    x = alt.X("from:Q", title=None, axis=alt.Axis(tickCount=6, grid=True, labelExpr=number("datum.value", "+")))
    colour = alt.Color("step:N", legend=None, scale=alt.Scale(domain=list(STEPS), range=list(STEPS.values())))
    tooltip = f"{named('datum.service')}+'  '+datum.first+'–'+datum.last+'\\n'+{named('datum.step')}+'  '+{number('datum.change', '+')}"
    parts = base.transform_filter("datum.step!='net'")
    bars = parts.mark_bar(height=alt.RelativeBandSize(0.8), tooltip=alt.ExprRef(tooltip), aria=False)
    net = base.transform_filter("datum.step=='net'")
    dots = net.mark_point(filled=True, size=70, color=INK, opacity=1, stroke="#fff", strokeWidth=1.5, aria=False)
    words = net.mark_text(
        dy=-26,
        fontWeight=600,
        align=alt.ExprRef("datum.from>0?'left':'center'"),
        text=alt.ExprRef(f"datum.first+'–'+datum.last+'  '+{number('datum.change', '+')}"),
        aria=False,
    )
    zero = base.transform_filter("datum.step=='net'").mark_rule(color=FAINT, aria=False).encode(x=alt.XDatum(0))
    layers = (
        zero,
        bars.encode(x=x, x2=alt.X2("to:Q"), y=y, color=colour),
        dots.encode(x=x, y=y),
        words.encode(x=x, y=y),
    )
    return lay(layers, 62 * max(len(order), 1), names={})
