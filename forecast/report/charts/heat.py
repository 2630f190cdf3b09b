"""Counties by years: the gap of a service, or how likely a shortage is."""

from __future__ import annotations

import altair as alt
import pandas as pd

from forecast.report.charts.drawing import (
    ROW_HEIGHT,
    Drawing,
    gap_words,
    lay,
    per_cent,
    white_where,
    years_by_places,
)
from forecast.report.theme import (
    FAINT,
    INK,
    UNKNOWN,
    gap_scale,
    odds_scale,
)
from forecast.report.view import View


def rows(view: View) -> pd.DataFrame:
    """By place, service and year: gap, relative_gap, and with many trajectories the chance of a shortage in per cent."""
    return view.courses[["place", "service", "year", "gap", "relative_gap", *(["chance"] if view.many else [])]]


def draw(view: View) -> Drawing:
    """Counties by years: gap as a share of demand. A line stands after the last year whose children were all born."""
    years = heat_years(view)
    base = alt.Chart(alt.NamedData("rows")).transform_filter(f"datum.year>={years[0]}")
    base = base.transform_calculate(tone="datum.relative_gap/limit")
    x, y = years_by_places(view, years)
    known = base.transform_filter("isValid(datum.gap)")
    cells = known.mark_rect(cornerRadius=1.5, tooltip=alt.ExprRef(gap_words(view)), aria=False)
    cells = cells.encode(x=x, y=y, color=alt.Color("tone:Q", scale=gap_scale(), legend=None))
    layers = (*_unknown(view, base, "datum.gap", x, y), cells, _all_born(base, x))
    return lay(layers, ROW_HEIGHT * len(view.places), names={}, limit=0.4, measure=["", ""], born=-1)


def draw_odds(view: View) -> Drawing:
    """Counties by years: how likely a shortage is, by colour and in per cent; hatched where no supply is known."""
    base = alt.Chart(alt.NamedData("rows"))
    x, y = years_by_places(view, [year for year in view.years if year > view.jump_off])
    base = base.transform_filter(f"datum.year>{view.jump_off}")
    known = base.transform_filter("isValid(datum.chance)")
    cells = known.mark_rect(cornerRadius=1.5, tooltip=alt.ExprRef(gap_words(view)), aria=False)
    words = known.mark_text(
        fontSize=alt.ExprRef("bandwidth('x')<15?0:bandwidth('x')<22?9:11"),
        text=alt.ExprRef(per_cent(view)),
        aria=False,
    )
    layers = (
        *_unknown(view, base, "datum.chance", x, y),
        cells.encode(x=x, y=y, color=alt.Color("chance:Q", scale=odds_scale(), legend=None)),
        words.encode(x=x, y=y, color=white_where("datum.chance>60")),
        _all_born(base, x),
    )
    return lay(layers, ROW_HEIGHT * len(view.places), names={}, measure=["", ""], born=-1)


def _unknown(view: View, base: alt.Chart, field: str, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Grey and hatched where nothing is known, so that it cannot be read as a value."""
    blank = base.transform_filter(f"!isValid({field})")
    hatch = blank.mark_text(text="⟋", fontSize=alt.ExprRef("min(16,1.2*bandwidth('x'))"), color=FAINT, aria=False)
    tooltip = alt.ExprRef(gap_words(view))
    return [blank.mark_rect(color=UNKNOWN, tooltip=tooltip, aria=False).encode(x=x, y=y), hatch.encode(x=x, y=y)]


def _all_born(base: alt.Chart, x: alt.X) -> alt.Chart:
    """A line after the last year whose children were all born at the start."""
    first = base.transform_filter("datum.year==born+1").transform_aggregate(n="count()", groupby=["year"])
    left = alt.ExprRef("-bandwidth('x')/2-1")
    return first.mark_rule(strokeWidth=1.6, color=INK, strokeDash=[4, 3], xOffset=left, aria=False).encode(x=x)


def heat_years(view: View) -> list[int]:
    """From the first year in which most services have a supply, at the latest the jump-off year."""
    firsts = []
    for service in view.services:
        known = view.curves.table("gap", service).loc[view.counties].notna().any(axis=0)
        firsts += [int(year) for year in known[known].index[:1]]
    first = min([view.jump_off, *sorted(firsts)[len(firsts) // 2 :][:1]])
    return [year for year in view.years if year >= first]
