"""Uses of the planned places of one service."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from forecast.basics.dims import YEAR
from forecast.report.charts.drawing import (
    Drawing,
    Swatch,
    bands,
    lay,
)
from forecast.report.theme import (
    USES,
    named,
    number,
)
from forecast.report.view import View
from forecast.report.view.courses import long_form, whole
from forecast.report.words import both


def rows(view: View) -> pd.DataFrame:
    """By service, year and use (at: its position): how many of the new places of the whole it takes."""
    schools = view.schools
    frames = [pd.DataFrame(columns=["service", "year", "use", "places"])]
    for stage, audit in schools.audits.items() if schools else ():
        keys: dict[str, list[Any]] = {"service": [stage], "year": audit[YEAR].values.tolist(), "use": list(USES)}
        frames.append(long_form(keys, {"places": whole(np.stack([audit[use].to_numpy() for use in USES], axis=1))}))
    frame = pd.concat(frames[1:] or frames, ignore_index=True)
    return frame.assign(at=frame["use"].map({use: position for position, use in enumerate(USES)}))


def legend(view: View) -> tuple[Swatch, ...]:
    return tuple(Swatch(f"k-cause c-{use}", both(f"school.{use}")) for use in USES)


def draw(view: View) -> Drawing:
    """New places of one service by what they are used for, year by year."""
    base = alt.Chart(alt.NamedData("rows"))
    years = [year for year in view.years if year > view.jump_off]
    x = alt.X(
        "year:O",
        title=None,
        scale=bands(years, 0.15),
        axis=alt.Axis(values=[year for year in years if year % 5 == 0], labelAngle=0, ticks=False),
    )
    y = alt.Y("places:Q", stack="zero", title=None, axis=alt.Axis(tickCount=3, labelExpr=number("datum.value")))
    colour = alt.Color("use:N", legend=None, scale=alt.Scale(domain=list(USES), range=list(USES.values())))
    tooltip = f"''+datum.year+'\\n'+{named('datum.use')}+'  '+{number('datum.places')}"
    bars = base.mark_bar(tooltip=alt.ExprRef(tooltip), aria=False)
    return lay((bars.encode(x=x, y=y, color=colour, order=alt.Order("at:Q")),), 150, names={})
