"""The class that has begun by each year."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from forecast.basics.dims import YEAR
from forecast.report.charts.drawing import (
    ROW_HEIGHT,
    Drawing,
    Swatch,
    class_colour,
    class_dark,
    class_letter,
    class_swatches,
    class_word,
    lay,
    white_where,
    years_by_places,
)
from forecast.report.theme import (
    CLASSES,
    named,
)
from forecast.report.view import View
from forecast.report.view.courses import long_form


def rows(view: View) -> pd.DataFrame:
    """By place, service and year where one has begun: category (the class that most trajectories have by then), and
    its chance in per cent."""
    shares = np.nan_to_num(view.meaning.flagged("begun"))
    best, most = shares.argmax(axis=-1), np.round(100 * shares.max(axis=-1))
    years = view.run.flags.classes[YEAR].values.tolist()
    columns = {"category": np.array(list(CLASSES))[best], "chance": most}
    frame = long_form({"place": view.places, "service": view.services, "year": years}, columns)
    return frame[frame["chance"] > 0].reset_index(drop=True)


def legend(view: View) -> tuple[Swatch, ...]:
    return class_swatches()


def draw(view: View) -> Drawing:
    """Places by years: the class that has begun by the year in most trajectories, deeper the more of them have it."""
    base = alt.Chart(alt.NamedData("rows"))
    x, y = years_by_places(view, [year for year in view.years if year > view.jump_off])
    share = f"{class_word()}+'  '+datum.chance+'%'"
    tooltip = alt.ExprRef(f"{named('datum.place')}+'  '+datum.year+'\\n'+{share}")
    cells = base.mark_rect(cornerRadius=1.5, tooltip=tooltip, aria=False)
    letters = base.transform_filter("datum.chance>=50").mark_text(
        fontSize=alt.ExprRef("bandwidth('x')<14?0:11"), text=alt.ExprRef(class_letter()), aria=False
    )
    opacity = alt.Opacity("chance:Q", legend=None, scale=alt.Scale(domain=[0, 100], range=[0.08, 1]))
    layers = (
        cells.encode(x=x, y=y, color=class_colour(), opacity=opacity),
        letters.encode(x=x, y=y, color=white_where(class_dark())),
    )
    return lay(layers, ROW_HEIGHT * len(view.places), names={})
