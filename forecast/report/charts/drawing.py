"""What all charts are put together from: layers, scales, axes, and words in the language of the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np

from forecast.basics.text import Text
from forecast.report.theme import INK, either, named, number, unit
from forecast.report.view import View
from forecast.report.words import both

ROW_HEIGHT = 27

Drawing = dict[str, Any]
"""A chart's definition, without configuration and rows."""


def colour_limit(view: View, service: str) -> float:
    """Relative gap at which the colours end: the 80th percentile of its size, in steps of 10 %, between 10 % and 100 %.

    A few extreme cells then do not wash out all others, and most cells do not saturate."""
    sizes = view.curves.relative_gap(service).loc[view.counties].abs().to_numpy()
    sizes = sizes[np.isfinite(sizes)]
    if not len(sizes):
        return 0.4
    return min(max(math.ceil(10 * float(np.quantile(sizes, 0.8))) / 10, 0.1), 1.0)


def years_by_places(view: View, years: list[int]) -> tuple[alt.X, alt.Y]:
    x = alt.X(
        "year:O",
        title=None,
        scale=bands(years, 0.05),
        axis=alt.Axis(
            values=[year for year in years if year % 5 == 0],
            labelAngle=0,
            labelOverlap="greedy",
            labelSeparation=8,
            domain=False,
            ticks=False,
        ),
    )
    y = alt.Y(
        "c:N",
        title=None,
        scale=bands(view.places, 0.07),
        axis=alt.Axis(labelExpr=named("datum.value"), labelColor=INK, labelFontSize=13, labelLimit=130, minExtent=60),
    )
    return x, y


def lay(layers: Sequence[alt.Chart], rows: str, height: int, **params: Any) -> Drawing:
    """Laid over each other, as wide as their container; `lang` and the other parameters are set by the page.

    Put together here, as `alt.layer` copies every part several times and takes longer than all else of a page.
    """
    top: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in {"lang": "zh", **params}.items()]
    parts = []
    for at, layer in enumerate(layers):
        part = layer.to_dict(validate=False)
        for key in ("config", "$schema", "data"):
            part.pop(key, None)
        for chosen in part.pop("params", []):
            part["name"] = f"view_{at}"
            top.append({**chosen, "views": [part["name"]]})
        parts.append(part)
    about = {"width": "container", "height": height, "usermeta": {"rows": rows}}
    return {"data": {"name": "rows"}, "layer": parts, "params": top, **about}


def white_where(dark: str) -> alt.ColorValue:
    """White words on what is dark, else in ink."""
    return alt.ColorValue(INK, condition={"test": dark, "value": "#fff"})


def bands(domain: Any, padding: float = 0.06) -> alt.Scale:
    return alt.Scale(domain=list(domain), paddingInner=padding, paddingOuter=0)


def years_axis(view: View, wide: bool = True, first: int | None = None) -> alt.X:
    first, last = view.years[0] if first is None else first, view.years[-1]
    step = 10 if wide else 20
    tens = [year for year in view.years if year % step == 10 % step]
    axis = alt.Axis(format="d", values=tens, labelOverlap="greedy", labelSeparation=8, labelFlush=True)
    return alt.X("year:Q", title=None, scale=alt.Scale(domain=[first, last], nice=False), axis=axis)


def words_of(key: str) -> str:
    text: Text = both(key)
    return either(text.zh, text.en)


def between(low: str, high: str, key: str) -> str:
    ends = f"{number(f'datum.{low}')}+'–'+{number(f'datum.{high}')}+{unit()}"
    return f"(isValid(datum.{low})?'\\n'+{words_of(key)}+{ends}:'')"
