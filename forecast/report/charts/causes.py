"""Sources of the uncertainty of one service, 5, 10 and 20 years on."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import altair as alt
import pandas as pd

from forecast.report.charts.drawing import (
    Drawing,
    Swatch,
    lay,
    white_where,
)
from forecast.report.theme import (
    CAUSES,
    INK,
    named,
)
from forecast.report.view import View
from forecast.report.words import both


def rows(view: View) -> pd.DataFrame:
    """By service, year and cause: its share of the uncertainty of the whole's demand, drawn from `from` to `to`."""
    bars: list[tuple[Any, ...]] = []
    for service in view.services:
        for year in cause_years(view):
            shares = {cause: round(share, 4) for cause, share in view.odds.shares(service, year).items()}
            causes = [cause for cause in CAUSES if cause in shares]
            ends = [0.0, *accumulate(shares[cause] for cause in causes)]
            bars += [(service, year, *part) for part in zip(causes, ends, ends[1:], strict=False)]
    return pd.DataFrame(bars, columns=["service", "year", "cause", "from", "to"])


def cause_years(view: View) -> list[int]:
    """5, 10 and 20 years after the jump-off year, as far as the horizon goes."""
    return [year for year in (view.jump_off + step for step in (5, 10, 20)) if year <= view.horizon]


def legend(view: View) -> tuple[Swatch, ...]:
    return tuple(Swatch(f"k-cause c-{cause}", both(f"cause.{cause}")) for cause in CAUSES)


def draw(view: View) -> Drawing:
    """Years by shares of the variance, laid side by side from 0 to 1."""
    base = alt.Chart(alt.NamedData("rows"))
    y = alt.Y("year:O", title=None, axis=alt.Axis(labelColor=INK, minExtent=40, domain=False, ticks=False))
    x = alt.X("from:Q", title=None, axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    colour = alt.Color("cause:N", legend=None, scale=alt.Scale(domain=list(CAUSES), range=list(CAUSES.values())))
    tooltip = f"datum.year+'\\n'+{named('datum.cause')}+'  '+format(datum.to-datum.from,'.0%')"
    bars = base.mark_bar(height=alt.RelativeBandSize(0.8), tooltip=alt.ExprRef(tooltip), aria=False)
    words = base.transform_filter("datum.to-datum.from>=.16").transform_calculate(at="(datum.from+datum.to)/2")
    text = words.mark_text(fontSize=11, text=alt.ExprRef("format(datum.to-datum.from,'.0%')"), aria=False)
    dark = "datum.cause=='births'||datum.cause=='participation'"
    layers = (
        bars.encode(x=x, x2=alt.X2("to:Q"), y=y, color=colour),
        text.encode(x=alt.X("at:Q", title=None), y=y, color=white_where(dark)),
    )
    return lay(layers, 84, names={})
