"""Counties by years: the gap of a service, or where none may be told its need against today's; and how likely a shortage is."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from forecast.report.charts.drawing import (
    ROW_HEIGHT,
    Drawing,
    change_of_need,
    gap_words,
    lay,
    per_cent,
    signed_per_cent,
    told_courses,
    white_where,
    years_by_places,
)
from forecast.report.theme import (
    FAINT,
    INK,
    TONE_IS_DARK,
    UNKNOWN,
    gap_or_change,
    odds_scale,
    tone,
)
from forecast.report.view import View


def rows(view: View) -> pd.DataFrame:
    """By place, service and year: need (demand), its change since the year of the decision, and where they may be told
    gap, relative_gap, and with many trajectories the chance of a shortage in per cent."""
    told = told_courses(view)
    change = np.stack([change_of_need(view, service).to_numpy() for service in view.services], axis=1)
    columns = ["place", "service", "year", "demand", "gap", "relative_gap", *(["chance"] if view.many else [])]
    return told[columns].assign(change=np.round(change.ravel(), 3) + 0.0)


def draw(view: View) -> Drawing:
    """Counties by years: gap as a share of demand, or the change of need since the year of the decision, in colours and
    per cent. A line stands after the last year whose children were all born."""
    years = heat_years(view)
    base = alt.Chart(alt.NamedData("rows")).transform_filter(f"datum.year>={years[0]}")
    x, y = years_by_places(view, years)
    tooltip = alt.ExprRef(gap_words(view))
    known = base.transform_calculate(share="gapped?datum.relative_gap:datum.change").transform_filter(
        "isValid(datum.share)"
    )
    known = known.transform_calculate(tone=tone("datum.share"))
    cells = known.mark_rect(cornerRadius=1.5, tooltip=tooltip, aria=False)
    words = known.mark_text(
        fontSize=alt.ExprRef("bandwidth('x')<19?0:bandwidth('x')<24?9:11"),
        text=alt.ExprRef(f"replace({signed_per_cent('datum.share')},'%','')"),
        aria=False,
    )
    layers = (
        *_unknown(base.transform_filter("gapped"), "datum.gap", x, y, tooltip),
        cells.encode(x=x, y=y, color=alt.Color("tone:Q", scale=gap_or_change(), legend=None)),
        words.encode(x=x, y=y, color=white_where(TONE_IS_DARK)),
        _all_born(base, x),
    )
    return lay(layers, ROW_HEIGHT * len(view.places), names={}, limit=0.4, gapped=True, measure=["", ""], born=-1)


def draw_odds(view: View) -> Drawing:
    """Counties by years: how likely a shortage is, by colour and in per cent; hatched where no supply is known."""
    base = alt.Chart(alt.NamedData("rows"))
    years = heat_years(view)
    x, y = years_by_places(view, years)
    base = base.transform_filter(f"datum.year>={years[0]}")
    known = base.transform_filter("isValid(datum.chance)")
    cells = known.mark_rect(cornerRadius=1.5, tooltip=alt.ExprRef(gap_words(view)), aria=False)
    words = known.mark_text(
        fontSize=alt.ExprRef("bandwidth('x')<15?0:bandwidth('x')<22?9:11"),
        text=alt.ExprRef(per_cent(view)),
        aria=False,
    )
    layers = (
        *_unknown(base, "datum.chance", x, y, alt.ExprRef(gap_words(view))),
        cells.encode(x=x, y=y, color=alt.Color("chance:Q", scale=odds_scale(), legend=None)),
        words.encode(x=x, y=y, color=white_where("datum.chance>60")),
        _all_born(base, x),
    )
    return lay(layers, ROW_HEIGHT * len(view.places), names={}, measure=["", ""], born=-1)


def _unknown(base: alt.Chart, field: str, x: alt.X, y: alt.Y, tooltip: alt.ExprRef) -> list[alt.Chart]:
    """Grey and hatched where nothing is known, so that it cannot be read as a value."""
    blank = base.transform_filter(f"!isValid({field})")
    hatch = blank.mark_text(text="⟋", fontSize=alt.ExprRef("min(16,1.2*bandwidth('x'))"), color=FAINT, aria=False)
    return [blank.mark_rect(color=UNKNOWN, tooltip=tooltip, aria=False).encode(x=x, y=y), hatch.encode(x=x, y=y)]


def _all_born(base: alt.Chart, x: alt.X) -> alt.Chart:
    """A line after the last year whose children were all born at the start."""
    first = base.transform_filter("datum.year==born+1").transform_aggregate(n="count()", groupby=["year"])
    left = alt.ExprRef("-bandwidth('x')/2-1")
    return first.mark_rule(strokeWidth=1.6, color=INK, strokeDash=[4, 3], xOffset=left, aria=False).encode(x=x)


def heat_years(view: View) -> list[int]:
    """From the year of the decision on."""
    return [year for year in view.years if year >= view.run.flags.now]
