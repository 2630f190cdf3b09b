"""What all charts are put together from: layers, scales, axes, and words in the language of the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from forecast.report.theme import INK, either, named, number, unit
from forecast.report.view.facts import Facts
from forecast.report.words import Text, both

ROW_HEIGHT = 27

Drawing = dict[str, Any]
"""A chart's definition, without configuration and rows."""


def years_by_places(facts: Facts, years: list[int]) -> tuple[alt.X, alt.Y]:
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
        scale=bands(facts.places, 0.07),
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


def years_axis(facts: Facts, wide: bool = True, first: int | None = None) -> alt.X:
    first, last = facts.years[0] if first is None else first, facts.years[-1]
    step = 10 if wide else 20
    tens = [year for year in facts.years if year % step == 10 % step]
    axis = alt.Axis(format="d", values=tens, labelOverlap="greedy", labelSeparation=8, labelFlush=True)
    return alt.X("year:Q", title=None, scale=alt.Scale(domain=[first, last], nice=False), axis=axis)


def words_of(key: str) -> str:
    text: Text = both(key)
    return either(text.zh, text.en)


def between(low: str, high: str, key: str) -> str:
    ends = f"{number(f'datum.{low}')}+'–'+{number(f'datum.{high}')}+{unit()}"
    return f"(isValid(datum.{low})?'\\n'+{words_of(key)}+{ends}:'')"
