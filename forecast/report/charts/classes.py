"""The likeliest class of every place and service."""

from __future__ import annotations

import altair as alt
import pandas as pd

from forecast.report.charts.drawing import (
    ROW_HEIGHT,
    Drawing,
    Swatch,
    bands,
    class_colour,
    class_dark,
    class_letter,
    class_swatches,
    lay,
    white_where,
    years_by_places,
)
from forecast.report.theme import (
    INK,
    named,
)
from forecast.report.view import View


def rows(view: View) -> pd.DataFrame:
    """By place and service: category (the likeliest class), and its sentence in Chinese (zh) and English (en)."""
    flags = view.run.flags
    keys = [(place, service) for place in view.places for service in view.services]
    cells = [(*key, flags.facts[key].category or "unknown", *flags.sentences[key].pair()) for key in keys]
    return pd.DataFrame(cells, columns=["place", "service", "category", "zh", "en"])


def legend(view: View) -> tuple[Swatch, ...]:
    return class_swatches()


def draw(view: View) -> Drawing:
    """Places by services: the likeliest class by colour and letter, its sentence on a touch. A click chooses the place."""
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "service:N",
        title=None,
        scale=bands(view.services, 0.04),
        axis=alt.Axis(orient="top", labelExpr=named("datum.value"), labelColor=INK, labelAngle=0, labelLimit=90),
    )
    _, y = years_by_places(view, view.years)
    pick = alt.selection_point(name="pick", fields=["place"], on="click", toggle=False)
    cells = base.mark_rect(
        cornerRadius=2, cursor="pointer", aria=False, tooltip=alt.ExprRef("lang=='zh'?datum.zh:datum.en")
    )
    words = base.mark_text(fontSize=13, fontWeight=600, text=alt.ExprRef(class_letter()), aria=False)
    layers = (
        cells.encode(x=x, y=y, color=class_colour()).add_params(pick),
        words.encode(x=x, y=y, color=white_where(class_dark())),
    )
    return lay(layers, ROW_HEIGHT * len(view.places), names={})
