"""Classes by county, what lasts and what is a crest, trains, and when a class begins."""

from __future__ import annotations

from typing import Any

import altair as alt

from forecast.report.charts.drawing import (
    ROW_HEIGHT,
    Drawing,
    bands,
    between,
    lay,
    white_where,
    words_of,
    years_axis,
    years_by_places,
)
from forecast.report.theme import BLUE, CLASSES, FAINT, INK, ORANGE, SOFT, UNKNOWN, either, named, number, unit
from forecast.report.view import View
from forecast.report.words import both


def classes(view: View) -> Drawing:
    """Places by services: the likeliest class by colour and letter, its sentence on a touch. A click chooses the place."""
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "s:N",
        title=None,
        scale=bands(view.services, 0.04),
        axis=alt.Axis(orient="top", labelExpr=named("datum.value"), labelColor=INK, labelAngle=0, labelLimit=90),
    )
    _, y = years_by_places(view, view.years)
    pick = alt.selection_point(name="pick", fields=["c"], on="click", toggle=False)
    cells = base.mark_rect(
        cornerRadius=2, cursor="pointer", aria=False, tooltip=alt.ExprRef("lang=='zh'?datum.zh:datum.en")
    )
    words = base.mark_text(fontSize=13, fontWeight=600, text=alt.ExprRef(_class_letter()), aria=False)
    layers = (
        cells.encode(x=x, y=y, color=_class_colour()).add_params(pick),
        words.encode(x=x, y=y, color=white_where(_class_dark())),
    )
    return lay(layers, "classes", ROW_HEIGHT * len(view.places), names={})


def begun(view: View) -> Drawing:
    """Places by years: the class that has begun by the year in most trajectories, deeper the more of them have it."""
    base = alt.Chart(alt.NamedData("rows"))
    x, y = years_by_places(view, [year for year in view.years if year > view.jump_off])
    share = f"{_class_word()}+'  '+datum.p+'%'"
    said = alt.ExprRef(f"{named('datum.c')}+'  '+datum.year+'\\n'+{share}")
    cells = base.mark_rect(cornerRadius=1.5, tooltip=said, aria=False)
    letters = base.transform_filter("datum.p>=50").mark_text(
        fontSize=alt.ExprRef("bandwidth('x')<14?0:11"), text=alt.ExprRef(_class_letter()), aria=False
    )
    opacity = alt.Opacity("p:Q", legend=None, scale=alt.Scale(domain=[0, 100], range=[0.08, 1]))
    layers = (
        cells.encode(x=x, y=y, color=_class_colour(), opacity=opacity),
        letters.encode(x=x, y=y, color=white_where(_class_dark())),
    )
    return lay(layers, "begun", ROW_HEIGHT * len(view.places), names={})


def _class_colour() -> alt.Color:
    scale = alt.Scale(domain=[*CLASSES, "unknown"], range=[*CLASSES.values(), UNKNOWN])
    return alt.Color("k:N", legend=None, scale=scale)


def _class_dark() -> str:
    return "datum.k=='structural_shortage'||datum.k=='structural_surplus'"


def _class_letter() -> str:
    return _by_class("letter")


def _class_word() -> str:
    return _by_class("class")


def _by_class(group: str) -> str:
    """The words of a class in the page's language, by `datum.k`."""
    pairs = {name: both(f"{group}.{name}") for name in [*CLASSES, "unknown"]}
    tables = ["{" + ",".join(f"'{name}':'{text[lang]}'" for name, text in pairs.items()) + "}" for lang in ("zh", "en")]
    return f"(lang=='zh'?{tables[0]}:{tables[1]})[datum.k]"


def lasting(view: View) -> Drawing:
    """One service of one place: what lasts, filled; the crest above it; demand with its range; what stands and is planned."""
    base = alt.Chart(alt.NamedData("rows"))
    x = years_axis(view, wide=False)
    y_axis = alt.Axis(tickCount=3, minExtent=44, maxExtent=44, labelExpr=number("datum.value"))

    def line(field: str, which: str, **style: Any) -> alt.Chart:
        mark = base.transform_filter(f"isValid(datum.{field})&&({which})").mark_line(aria=False, **style)
        return mark.encode(x=x, y=alt.Y(f"{field}:Q", title=None, axis=y_axis, scale=alt.Scale(zero=True)))

    known = base.transform_filter("isValid(datum.lasting)")
    low = known.mark_area(color=BLUE, opacity=0.3, aria=False).encode(x=x, y=alt.Y("lasting:Q", title=None))
    high = known.transform_calculate(top="datum.lasting+datum.crest").mark_area(
        color="#e8b15c", opacity=0.8, aria=False
    )
    ends = {"color": BLUE, "strokeWidth": 1, "strokeDash": [1, 2.5]}
    hover = base.mark_rule(opacity=0, strokeWidth=5, tooltip=alt.ExprRef(_lasting_words()), aria=False)
    layers = (
        low,
        high.encode(x=x, y=alt.Y("lasting:Q", title=None), y2=alt.Y2("top:Q")),
        line("low80", "true", **ends),
        line("high80", "true", **ends),
        line("supply", "true", color=ORANGE, strokeWidth=1.8, interpolate="step-after"),
        line("demand", "datum.year<=born", color=BLUE),
        line("demand", "datum.year>=born", color=BLUE, strokeDash=[5, 4]),
        hover.encode(x=x),
    )
    return lay(layers, "lasting", 128, measure=["", ""], born=-1)


def _lasting_words() -> str:
    def line(field: str, key: str) -> str:
        return f"(isValid(datum.{field})?'\\n'+{words_of(key)}+{number(f'datum.{field}')}+{unit()}:'')"

    parts = [line("demand", "tip.demand"), between("low80", "high80", "tip.band80"), line("lasting", "tip.lasting")]
    return "''+datum.year+" + "+".join([*parts, line("crest", "tip.above"), line("supply", "tip.supply")])


def train(view: View) -> Drawing:
    """Crests of the stages below each other with their ranges, and the years between them."""
    rows = view.meaning.stages
    base = alt.Chart(alt.NamedData("rows"))
    x = years_axis(view)
    y = alt.Y(
        "at:Q",
        title=None,
        scale=alt.Scale(domain=[-0.5, len(rows) - 0.5], nice=False, reverse=True),
        axis=alt.Axis(
            values=list(range(len(rows))),
            grid=True,
            labelColor=INK,
            labelFontSize=13,
            labelOverlap=False,
            minExtent=64,
            labelExpr=named("stages[datum.value]"),
        ),
    )
    stops, lags = base.transform_filter("isValid(datum.year)"), base.transform_filter("isValid(datum.lag)")
    path = stops.mark_line(color=FAINT, strokeWidth=1.4, strokeDash=[2, 4], aria=False)
    whisker = stops.mark_rule(color=ORANGE, strokeWidth=3, opacity=0.45, aria=False)
    dots = stops.mark_point(filled=True, size=80, color=ORANGE, opacity=1, aria=False)
    words = stops.mark_text(
        dx=12, align="left", fontWeight=600, color=ORANGE, text=alt.ExprRef(_train_words()), aria=False
    )
    between = lags.mark_text(dx=-10, align="right", color=SOFT, text=alt.ExprRef(_lag_words()), aria=False)
    layers = (
        path.encode(x=x, y=y, order=alt.Order("at:Q")),
        whisker.encode(x=alt.X("low:Q", title=None), x2=alt.X2("high:Q"), y=y),
        dots.encode(x=x, y=y),
        words.encode(x=alt.X("high:Q", title=None), y=y),
        between.encode(x=x, y=y),
    )
    return lay(layers, "train", 36 * max(len(rows), 1), names={}, stages=rows)


def _train_words() -> str:
    span = "(datum.low<datum.high?'  '+datum.low+'–'+datum.high:'')"
    return f"''+datum.year+{span}"


def _lag_words() -> str:
    return either("晚", "+") + "+datum.lag+" + either("年", " yr")
