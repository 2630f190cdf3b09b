"""A tile for each county: gap of a service in a year by colour and number, or the change of need where none is told."""

from __future__ import annotations

import math
from typing import Literal

import altair as alt
import pandas as pd

from forecast.report.charts import heat
from forecast.report.charts.drawing import (
    Drawing,
    bands,
    gap_words,
    lay,
    signed_per_cent,
    white_where,
)
from forecast.report.theme import (
    INK,
    TONE_IS_DARK,
    UNKNOWN,
    gap_or_change,
    named,
    number,
    tone,
)
from forecast.report.view import View


def rows(view: View) -> pd.DataFrame:
    """By place, service and year: as `heat.rows`, and the column and row of the tile, which the whole has not."""
    tiles = grid(view)
    columns = {
        name: view.courses["place"].map({code: spot[k] for code, spot in tiles.items()})
        for k, name in enumerate(("column", "row"))
    }
    return heat.rows(view).assign(**columns)


def draw(view: View) -> Drawing:
    """A tile for each county: gap of the service and year by colour and number; where no gap is told the change of need
    since the year of the decision, in its own colours if that holds for all. Clicking one chooses the place."""
    base = alt.Chart(alt.NamedData("rows")).transform_filter("isValid(datum.column)")
    base = base.transform_calculate(share="gapped?datum.relative_gap:datum.change")
    base = base.transform_calculate(tone=f"isValid(datum.share)?{tone('datum.share')}:null")
    columns = sorted({column for column, _ in grid(view).values()})
    rows = sorted({row for _, row in grid(view).values()})
    x = alt.X("column:O", axis=None, scale=bands(range(columns[0], columns[-1] + 1)))
    y = alt.Y("row:O", axis=None, scale=bands(range(rows[0], rows[-1] + 1)))
    pick = alt.selection_point(name="pick", fields=["place"], on="click", toggle=False)
    known, scale = "isValid(datum.tone)", gap_or_change()
    box = base.mark_rect(cornerRadius=7, cursor="pointer", tooltip=alt.ExprRef(gap_words(view))).encode(
        x=x,
        y=y,
        color=alt.ColorValue(
            UNKNOWN,
            condition={"test": known, "field": "tone", "type": "quantitative", "scale": scale, "legend": None},
        ),
        stroke=alt.StrokeValue("#0000", condition={"test": "datum.place==place", "value": INK}),
        strokeWidth=alt.StrokeWidthValue(2.5),
    )
    dark = f"{known}&&{TONE_IS_DARK}"

    def words(expression: str, size: int, down: float, weight: Literal[400, 600]) -> alt.Chart:
        mark = base.mark_text(
            fontSize=alt.ExprRef(f"bandwidth('x')<70?12:lang=='en'?min(13,{size}):{size}"),
            dy=down,
            fontWeight=weight,
            limit=alt.ExprRef("bandwidth('x')-4"),
            text=alt.ExprRef(expression),
            aria=False,
        )
        return mark.encode(x=x, y=y, color=white_where(dark))

    change = f"(isValid(datum.change)?{signed_per_cent('datum.change')}:'–')"
    gap = f"isValid(datum.gap)?{number('datum.gap', '+')}:{change}"
    layers = (box.add_params(pick), words(named("datum.place"), 15, -9, 600), words(gap, 13, 12, 400))
    height = 54 * (rows[-1] - rows[0] + 1)
    return lay(layers, height, names={}, limit=0.4, gapped=True, measure=["", ""], place="")


def grid(view: View) -> dict[str, tuple[int, int]]:
    """(column, row) of each county on the tile map; without a drawing, in the order of the region."""
    table = view.run.region.counties
    if has_grid(view):
        return {code: (int(table.at[code, "grid_col"]), int(table.at[code, "grid_row"])) for code in view.counties}
    wide = math.ceil(math.sqrt(len(view.counties)))
    return {code: (k % wide, k // wide) for k, code in enumerate(view.counties)}


def has_grid(view: View) -> bool:
    """True if the region says where each county stands on the tile map."""
    table = view.run.region.counties
    if not {"grid_row", "grid_col"} <= set(table.columns):
        return False
    places = table.loc[view.counties, ["grid_row", "grid_col"]]
    return bool(places.notna().all(axis=None)) and not bool(places.duplicated().any())
