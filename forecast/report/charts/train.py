"""The train of crests of one place: the stages one after another."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from forecast.basics.text import Text
from forecast.report.chances import chance
from forecast.report.charts.drawing import (
    Drawing,
    lay,
    years_axis,
)
from forecast.report.theme import (
    FAINT,
    INK,
    ORANGE,
    SOFT,
    either,
    named,
)
from forecast.report.view import View
from forecast.report.words import both

SELDOM = 0.25
"""Probability below which no train of crests is drawn."""


def rows(view: View) -> pd.DataFrame:
    """By place and stage (at: its position): year of the crest with its range, low to high, and lag, the years after
    the stage before; the train that most trajectories have, none where hardly any has one."""
    crests: list[tuple[Any, ...]] = []
    for place in view.places:
        train = _likeliest(view, place)
        if train is not None:
            lags = [None, *(round(lag) for lag in train["lags"])]
            stops = zip(train["services"], train["peak_years"], train["peak_ranges"], lags, strict=True)
            crests += [(place, view.meaning.stages.index(s), year, *ends, lag) for s, year, ends, lag in stops]
    return pd.DataFrame(crests, columns=["place", "at", "year", "low", "high", "lag"])


def said(view: View, place: str) -> Text:
    """The sentence beside the train of a place."""
    train = _likeliest(view, place)
    if train is None:
        return both("train.none")
    born = {"first": train["born_first"], "last": train["born_last"]}
    if not view.many:
        return both("train.single", **born)
    return both("train.said", **born, share=chance(float(train["probability"]), view.trajectories, brief=True))


def _likeliest(view: View, place: str) -> Any:
    """The likeliest train of stages as a row of the table of trains; None where hardly any trajectory has one."""
    trains = view.run.flags.trains.query("kind == 'stages'")
    of_place = trains[trains["county"] == place].sort_values("probability")
    return None if of_place.empty or of_place["probability"].iloc[-1] < SELDOM else of_place.iloc[-1]


def draw(view: View) -> Drawing:
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
    return lay(layers, 36 * max(len(rows), 1), names={}, stages=rows)


def _train_words() -> str:
    span = "(datum.low<datum.high?'  '+datum.low+'–'+datum.high:'')"
    return f"''+datum.year+{span}"


def _lag_words() -> str:
    return either("晚", "+") + "+datum.lag+" + either("年", " yr")
