"""Layers, scales, axes, legends and words in the language of the page, of which all charts are put together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from forecast.basics.text import Text
from forecast.report.chances import least_per_cent
from forecast.report.theme import BLUE, CLASSES, INK, UNKNOWN, either, named, number, unit
from forecast.report.view import View
from forecast.report.words import both
from forecast.supply.claims import claims

ROW_HEIGHT = 27

Drawing = dict[str, Any]
"""A chart's definition, without configuration and rows."""


NEEDS = {"supply": "supply recorded", "held": "supply rolls", "norm": "norm", "counted": "counted"}
"""Entry of a legend -> the column, and for supply its kind, without which nothing of it is drawn."""


@dataclass(frozen=True)
class Swatch:
    """An entry of a legend: how it is drawn (classes of the page's style), what it means, a letter inside, and the column
    of the rows without which it is not drawn, with the kind of supply where it is that of one (`supply recorded`)."""

    form: str
    words: Text
    letter: Text | None = None
    needs: str = ""


def key_of(forms: Mapping[str, str]) -> tuple[Swatch, ...]:
    """A legend of forms whose words stand in the catalogue under `key`."""
    return tuple(Swatch(form, both(f"key.{words}"), needs=NEEDS.get(words, "")) for form, words in forms.items())


def class_swatches() -> tuple[Swatch, ...]:
    return tuple(Swatch(f"k-class c-{name}", both(f"class.{name}"), both(f"letter.{name}")) for name in CLASSES)


def colour_limit(view: View, service: str) -> float:
    """Relative gap, or where no county has one change of need, at which the colours end: the 80th percentile of its
    size, in steps of 10 %, between 10 % and 100 %.

    A few extreme cells then do not wash out all others, and most cells do not saturate."""
    told = view.curves.relative_gap(service) if view.kinds.by_county(service) else change_of_need(view, service)
    sizes = told.loc[view.counties, view.run.flags.now :].abs().to_numpy()
    sizes = sizes[np.isfinite(sizes)]
    if not len(sizes):
        return 0.4
    return min(max(math.ceil(10 * float(np.quantile(sizes, 0.8))) / 10, 0.1), 1.0)


def change_of_need(view: View, service: str) -> pd.DataFrame:
    """Need by (place, year) against that of the year of the decision, as a share; NaN where there was none."""
    need = view.curves.table("demand", service)
    return need.div(need[view.run.flags.now].where(lambda now: now > 0), axis=0) - 1


def told_courses(view: View) -> pd.DataFrame:
    """The courses with the kind of the supply: gap and chance of a shortage only where they may be told, supply where it
    is recorded or the most ever held."""
    courses = view.courses
    kinds = view.kinds.table.stack().rename("kind").rename_axis(["place", "service"])
    kind = courses[["place", "service"]].join(kinds, on=["place", "service"])["kind"]
    words = kind.map({name: claim.words for name, claim in claims().items()})
    held = {name: courses[name].where(words == "gap") for name in ("gap", "relative_gap", "chance") if name in courses}
    held["supply"] = courses["supply"].where(words != "need")
    return courses.assign(**held, kind=kind)


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
        "place:N",
        title=None,
        scale=bands(view.places, 0.07),
        axis=alt.Axis(labelExpr=named("datum.value"), labelColor=INK, labelFontSize=13, labelLimit=130, minExtent=60),
    )
    return x, y


def lay(layers: Sequence[alt.Chart], height: int, **params: Any) -> Drawing:
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
    return {"data": {"name": "rows"}, "layer": parts, "params": top, "width": "container", "height": height}


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


# ---- gaps, bands and classes, as several charts show them ------------------------------------------------------


def signed_per_cent(value: str) -> str:
    """Vega expression of a share in whole per cent with its sign; nothing has none."""
    return f"(abs({value})<.005?'0%':format({value},'+.0%'))"


def gap_words(view: View) -> str:
    """Place and year, what is short or to spare and its share of demand; where no gap is told, need and its change."""
    gap = f"(datum.gap<0?{words_of('tip.short')}:{words_of('tip.spare')})+{number('abs(datum.gap)')}+{unit()}"
    share = "'  ('+format(datum.relative_gap,'+.0%')+')'"
    need = f"{words_of('tip.demand')}+{number('datum.demand')}+{unit()}+'  ('+{signed_per_cent('datum.change')}+')'"
    known = f"datum.gap==null?{need}:{gap}+{share}+{odds_words(view)}"
    return f"{named('datum.place')}+'  '+datum.year+'\\n'+({known})"


def odds_words(view: View) -> str:
    """Vega expression of a line with the chance of a shortage; empty where that is not known."""
    return f"(isValid(datum.chance)?'\\n'+{words_of('tip.odds')}+({per_cent(view)})+'%':'')"


def per_cent(view: View) -> str:
    """A probability in whole per cent, at the ends no surer than the trajectories can tell."""
    least = least_per_cent(view.trajectories)
    return f"datum.chance<{least}?'<{least}':datum.chance>{100 - least}?'>{100 - least}':format(datum.chance,'.0f')"


def shades(base: alt.Chart, x: alt.X, shares: list[int]) -> list[alt.Chart]:
    """The bands of these shares of the trajectories, the widest and palest first."""
    return [shade(base, x, f"low{share}", f"high{share}", {95: 0.14, 80: 0.22}[share]) for share in shares]


def shade(base: alt.Chart, x: alt.X, low: str, high: str, opacity: float) -> alt.Chart:
    band = base.transform_filter(f"isValid(datum.{low})").mark_area(color=BLUE, opacity=opacity, aria=False)
    return band.encode(x=x, y=alt.Y(f"{low}:Q", title=None), y2=alt.Y2(f"{high}:Q"))


def class_colour() -> alt.Color:
    scale = alt.Scale(domain=[*CLASSES, "unknown"], range=[*CLASSES.values(), UNKNOWN])
    return alt.Color("category:N", legend=None, scale=scale)


def class_dark() -> str:
    return "datum.category=='structural_shortage'||datum.category=='structural_surplus'"


def class_letter() -> str:
    return _by_class("letter")


def class_word() -> str:
    return _by_class("class")


def _by_class(group: str) -> str:
    """The words of a class in the page's language, by `datum.category`."""
    pairs = {name: both(f"{group}.{name}") for name in [*CLASSES, "unknown"]}
    tables = ["{" + ",".join(f"'{name}':'{text[lang]}'" for name, text in pairs.items()) + "}" for lang in ("zh", "en")]
    return f"(lang=='zh'?{tables[0]}:{tables[1]})[datum.category]"


def stages_of(view: View) -> list[str]:
    """Stages of school of the run; empty where it has none."""
    return view.schools.stages if view.schools else []
