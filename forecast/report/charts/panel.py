"""Demand against supply of one service in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

from forecast.report.charts.drawing import (
    Drawing,
    Swatch,
    between,
    key_of,
    lay,
    odds_words,
    shade,
    shades,
    told_courses,
    words_of,
    years_axis,
)
from forecast.report.theme import (
    BLUE,
    FAINT,
    INK,
    ORANGE,
    SOFT,
    number,
    unit,
)
from forecast.report.view import View


def rows(view: View) -> pd.DataFrame:
    """By place, service and year: all that is drawn of demand and supply, see `view.courses`, and the kind of supply."""
    return told_courses(view).drop(columns="relative_gap")


def legend(view: View) -> tuple[Swatch, ...]:
    """What this run has of need and supply, and nothing else."""
    ranges = {"k-band80": "band80", "k-band95": "band95", "k-ends": "range"} if view.many else {"k-band": "range"}
    there = {"k-line": "born", "k-dash": "unborn", **ranges, **supplies(view)}
    if view.courses["norm"].notna().any():
        there["k-norm"] = "norm"
    if view.courses["counted"].notna().any():
        there["k-dot"] = "counted"
    return key_of(there)


def supplies(view: View) -> dict[str, str]:
    """The lines of supply that are drawn: solid for places recorded, dashed for the most ever held."""
    lines = {"recorded": ("k-supply", "supply"), "rolls": ("k-held", "held")}
    return dict(line for kind, line in lines.items() if view.kinds.drawn(kind))


def supply_lines(line: Callable[..., alt.Chart], width: float) -> list[alt.Chart]:
    """Supply as it is known: nothing is drawn where a ratio stands in for it."""
    style: dict[str, Any] = {"color": ORANGE, "strokeWidth": width, "interpolate": "step-after"}
    dashes = {"recorded": [1, 0], "rolls": [7, 4]}
    return [
        line(f"isValid(datum.supply)&&datum.kind=='{kind}'", "supply", **style, strokeDash=dash)
        for kind, dash in dashes.items()
    ]


def draw(view: View, height: int = 128, wide: bool = False) -> Drawing:
    """Demand against supply of one service in one place.

    Solid for people already born at the jump-off date, dashed after; points are pupils counted; orange steps are supply,
    solid where it is recorded, dashed where it is the most pupils ever held;
    the dotted line is what the standard asks. Shaded: where 80 and 95 % of the trajectories lie, with thin lines at zero
    and double net migration; in a run of one path the shade lies between these two.
    """
    base = alt.Chart(alt.NamedData("rows"))
    x = years_axis(view, wide)
    y_axis = alt.Axis(tickCount=5 if wide else 3, minExtent=44, maxExtent=44, labelExpr=number("datum.value"))

    def line(which: str, field: str, **style: Any) -> alt.Chart:
        mark = base.transform_filter(which).mark_line(aria=False, **style)
        return mark.encode(x=x, y=alt.Y(f"{field}:Q", title=None, axis=y_axis, scale=alt.Scale(zero=True)))

    width = 2.2 if wide else 1.8
    start = base.transform_filter("datum.year==jump").mark_rule(color=FAINT, strokeWidth=1, aria=False)
    seen = base.transform_filter("isValid(datum.counted)")
    dots = seen.mark_point(filled=True, color=INK, opacity=1, size=34 if wide else 18, aria=False)
    hover = base.mark_rule(opacity=0, strokeWidth=9 if wide else 5, tooltip=alt.ExprRef(_panel_words(view)), aria=False)
    layers = (
        start.encode(x=x),
        *shades(base, x, [95, 80] if view.many else []),
        *(_migration_lines(line) if view.many else [shade(base, x, "low", "high", 0.2)]),
        line("isValid(datum.norm)", "norm", color=SOFT, strokeDash=[1, 4], strokeWidth=1.4),
        *supply_lines(line, 1.6),
        line("datum.year<=born", "demand", color=BLUE, strokeWidth=width),
        line("datum.year>=born", "demand", color=BLUE, strokeWidth=width, strokeDash=[5, 4]),
        dots.encode(x=x, y=alt.Y("counted:Q", title=None)),
        hover.encode(x=x),
    )
    return lay(layers, height, measure=["", ""], born=-1, jump=view.jump_off)


def draw_large(view: View) -> Drawing:
    return draw(view, height=262, wide=True)


def _migration_lines(line: Callable[..., alt.Chart]) -> list[alt.Chart]:
    style: dict[str, Any] = {"color": BLUE, "strokeDash": [1, 2.5], "strokeWidth": 1}
    return [line("isValid(datum.low)", end, **style) for end in ("low", "high")]


def supply_words() -> str:
    """Vega expression of a line with the supply, called what it is; nothing where it is not drawn."""
    name = f"(datum.kind=='recorded'?{words_of('tip.supply')}:{words_of('tip.held')})"
    drawn = "isValid(datum.supply)&&(datum.kind=='recorded'||datum.kind=='rolls')"
    return f"({drawn}?'\\n'+{name}+{number('datum.supply')}+{unit()}:'')"


def _panel_words(view: View) -> str:
    def line(field: str, key: str) -> str:
        return f"(isValid(datum.{field})?'\\n'+{words_of(key)}+{number(f'datum.{field}')}+{unit()}:'')"

    bands = [between(f"low{share}", f"high{share}", f"tip.band{share}") for share in (80, 95)]
    bands.append(between("low", "high", "tip.range"))
    gap = (
        f"(isValid(datum.gap)?'\\n'+(datum.gap<0?{words_of('tip.short')}:{words_of('tip.spare')})"
        f"+{number('abs(datum.gap)')}+{unit()}:'')"
    )
    parts = [line("demand", "tip.demand"), *bands, line("norm", "tip.norm"), supply_words(), gap]
    return "''+datum.year+" + "+".join([*parts, odds_words(view), line("counted", "tip.counted")])
