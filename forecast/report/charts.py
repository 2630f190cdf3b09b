"""One function for each chart. Data come by name: the page, or vl-convert, supplies the rows.

`usermeta.rows` says which rows a chart reads (`series` of one place and service, `year` of all places, ...), `params` what
the page sets. Each definition stands once in the page, however often it is drawn.

Not used, because they failed: facets (a cell cannot follow its container's width), own format functions (unknown to
vl-convert), Vega's legends (they overlap after a change of language; the page draws its own).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import altair as alt
from altair.utils.schemapi import debug_mode

from forecast.report.chances import least_per_cent
from forecast.report.facts import Facts
from forecast.report.theme import (
    BLUE,
    CAUSES,
    CLASSES,
    FAINT,
    INK,
    ORANGE,
    SOFT,
    STAGES,
    STEPS,
    UNKNOWN,
    USES,
    either,
    gap_scale,
    named,
    number,
    odds_scale,
    unit,
)
from forecast.report.words import Text, both

ROW_HEIGHT = 27
RIDGES = ("#1d4f78", "#2f6c98", "#4787b1", "#669fc3", "#86b6d2", "#a6cbe0")
Drawing = dict[str, Any]
"""A chart's definition, without configuration and rows."""

BIRTHS = "age_0"
"""Row of the wave above the stages: children aged 0 at 31 December (births are not known for every past year)."""


def tiles(facts: Facts) -> Drawing:
    """A tile for each county: gap of the service and year by colour and number. Clicking one chooses the place."""
    base = alt.Chart(alt.NamedData("rows")).transform_calculate(tone="datum.gap==null?null:datum.rel/limit")
    columns = sorted({column for column, _ in facts.grid.values()})
    rows = sorted({row for _, row in facts.grid.values()})
    x = alt.X("col:O", axis=None, scale=_bands(range(columns[0], columns[-1] + 1)))
    y = alt.Y("row:O", axis=None, scale=_bands(range(rows[0], rows[-1] + 1)))
    pick = alt.selection_point(name="pick", fields=["c"], on="click", toggle=False)
    known = "isValid(datum.gap)"
    box = base.mark_rect(cornerRadius=7, cursor="pointer", tooltip=alt.ExprRef(_gap_words(facts))).encode(
        x=x,
        y=y,
        color=alt.ColorValue(
            UNKNOWN,
            condition={"test": known, "field": "tone", "type": "quantitative", "scale": gap_scale(), "legend": None},
        ),
        stroke=alt.StrokeValue("#0000", condition={"test": "datum.c==place", "value": INK}),
        strokeWidth=alt.StrokeWidthValue(2.5),
    )
    dark = f"{known}&&abs(datum.tone)>.6"

    def words(expression: str, size: int, down: float, weight: Literal[400, 600]) -> alt.Chart:
        mark = base.mark_text(
            fontSize=alt.ExprRef(f"bandwidth('x')<70?12:{size}"),
            dy=down,
            fontWeight=weight,
            limit=alt.ExprRef("bandwidth('x')-4"),
            text=alt.ExprRef(expression),
            aria=False,
        )
        return mark.encode(x=x, y=y, color=_white_where(dark))

    gap = f"{known}?{number('datum.gap', '+')}:'–'"
    layers = (box.add_params(pick), words(named("datum.c"), 15, -9, 600), words(gap, 13, 12, 400))
    height = 62 * (rows[-1] - rows[0] + 1)
    return _page(layers, "year", height, names={}, limit=0.4, measure=["", ""], place="")


def heat(facts: Facts) -> Drawing:
    """Counties by years: gap as a share of demand. A line stands after the last year whose children were all born."""
    years = heat_years(facts)
    base = alt.Chart(alt.NamedData("rows")).transform_filter(f"datum.year>={years[0]}")
    base = base.transform_calculate(tone="datum.rel/limit")
    x, y = _years_by_places(facts, years)
    known = base.transform_filter("isValid(datum.gap)")
    cells = known.mark_rect(cornerRadius=1.5, tooltip=alt.ExprRef(_gap_words(facts)), aria=False)
    cells = cells.encode(x=x, y=y, color=alt.Color("tone:Q", scale=gap_scale(), legend=None))
    layers = (*_unknown(facts, base, "datum.gap", x, y), cells, _all_born(base, x))
    return _page(layers, "service", ROW_HEIGHT * len(facts.places), names={}, limit=0.4, measure=["", ""], born=-1)


def odds(facts: Facts) -> Drawing:
    """Counties by years: how likely a shortage is, by colour and in per cent; hatched where no supply is known."""
    base = alt.Chart(alt.NamedData("rows"))
    x, y = _years_by_places(facts, [year for year in facts.years if year > facts.jump_off])
    base = base.transform_filter(f"datum.year>{facts.jump_off}")
    known = base.transform_filter("isValid(datum.p)")
    cells = known.mark_rect(cornerRadius=1.5, tooltip=alt.ExprRef(_gap_words(facts)), aria=False)
    words = known.mark_text(
        fontSize=alt.ExprRef("bandwidth('x')<15?0:bandwidth('x')<22?9:11"),
        text=alt.ExprRef(_per_cent(facts)),
        aria=False,
    )
    layers = (
        *_unknown(facts, base, "datum.p", x, y),
        cells.encode(x=x, y=y, color=alt.Color("p:Q", scale=odds_scale(), legend=None)),
        words.encode(x=x, y=y, color=_white_where("datum.p>60")),
        _all_born(base, x),
    )
    return _page(layers, "service", ROW_HEIGHT * len(facts.places), names={}, measure=["", ""], born=-1)


def _years_by_places(facts: Facts, years: list[int]) -> tuple[alt.X, alt.Y]:
    x = alt.X(
        "year:O",
        title=None,
        scale=_bands(years, 0.05),
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
        scale=_bands(facts.places, 0.07),
        axis=alt.Axis(labelExpr=named("datum.value"), labelColor=INK, labelFontSize=13, labelLimit=130, minExtent=60),
    )
    return x, y


def _unknown(facts: Facts, base: alt.Chart, field: str, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Grey and hatched where nothing is known, so that it cannot be read as a value."""
    blank = base.transform_filter(f"!isValid({field})")
    hatch = blank.mark_text(text="⟋", fontSize=alt.ExprRef("min(16,1.2*bandwidth('x'))"), color=FAINT, aria=False)
    said = alt.ExprRef(_gap_words(facts))
    return [blank.mark_rect(color=UNKNOWN, tooltip=said, aria=False).encode(x=x, y=y), hatch.encode(x=x, y=y)]


def _all_born(base: alt.Chart, x: alt.X) -> alt.Chart:
    """A line after the last year whose children were all born at the start."""
    first = base.transform_filter("datum.year==born+1").transform_aggregate(n="count()", groupby=["year"])
    left = alt.ExprRef("-bandwidth('x')/2-1")
    return first.mark_rule(strokeWidth=1.6, color=INK, strokeDash=[4, 3], xOffset=left, aria=False).encode(x=x)


def heat_years(facts: Facts) -> list[int]:
    """From the first year in which most services have a supply, at the latest the jump-off year."""
    firsts = []
    for service in facts.services:
        known = facts.table("gap", service).loc[facts.counties].notna().any(axis=0)
        firsts += [int(year) for year in known[known].index[:1]]
    first = min([facts.jump_off, *sorted(firsts)[len(firsts) // 2 :][:1]])
    return [year for year in facts.years if year >= first]


def wave(facts: Facts) -> Drawing:
    """Stages above each other, each scaled to its own highest year; deep colour for children already born, pale after."""
    rows = [BIRTHS, *facts.stages]
    top = len(rows) - 1
    level = {row: top - k for k, row in enumerate(rows)}
    base = alt.Chart(alt.NamedData("rows")).transform_joinaggregate(top="max(v)", groupby=["s"])
    base = base.transform_calculate(low="level[datum.s]", high="level[datum.s]+.74*datum.v/datum.top")
    x = _years_axis(facts)
    y = alt.Y(
        "low:Q",
        title=None,
        scale=alt.Scale(domain=[0, len(rows)], nice=False),
        axis=alt.Axis(
            values=list(range(len(rows))),
            grid=True,
            labelColor=INK,
            labelFontSize=13,
            labelBaseline="bottom",
            labelOffset=-4,
            labelOverlap=False,
            minExtent=64,
            labelExpr=named("stages[datum.value]"),
        ),
    )
    colour = alt.Color("s:N", legend=None, scale=alt.Scale(domain=rows, range=_ridge_colours(len(rows))))

    def area(which: str, opacity: float) -> alt.Chart:
        part = base.transform_filter(which).mark_area(fillOpacity=opacity, line={"strokeWidth": 1.4}, aria=False)
        return part.encode(x=x, y=y, y2=alt.Y2("high:Q"), color=colour, detail=alt.Detail("s:N"))

    crests = base.transform_filter("datum.crest")
    high = alt.Y("high:Q", title=None)
    path = crests.transform_filter("datum.train").mark_line(
        color=ORANGE, strokeWidth=1.4, strokeDash=[2, 4], aria=False
    )
    path = path.encode(x=x, y=high, order=alt.Order("low:Q", sort="descending"))
    said = f"{named('datum.s')}+'  '+datum.year+'\\n'+{number('datum.v')}+units[datum.s][lang=='zh'?0:1]"
    dots = crests.mark_point(filled=True, size=60, color=ORANGE, opacity=1, stroke="#fff", strokeWidth=1.5)
    words = crests.mark_text(
        dy=-8,
        dx=alt.ExprRef("datum.year>turn?-8:8"),
        align=alt.ExprRef("datum.year>turn?'right':'left'"),
        fontWeight=600,
        color=ORANGE,
        aria=False,
        text=alt.ExprRef(f"datum.year+'   '+{number('datum.v')}"),
    )
    hover = base.mark_rule(opacity=0, strokeWidth=9, tooltip=alt.ExprRef(said), aria=False)
    layers = (
        area("datum.year<=datum.born", 0.85),
        area("datum.year>=datum.born", 0.4),
        hover.encode(x=x, y=y, y2=alt.Y2("high:Q")),
        path,
        dots.encode(x=x, y=high),
        words.encode(x=x, y=high),
    )
    years = facts.years
    return _page(
        layers,
        "wave",
        70 * len(rows),
        names={},
        units={},
        level=level,
        stages=rows[::-1],
        turn=years[0] + 0.8 * (years[-1] - years[0]),
    )


def panel(facts: Facts, height: int = 128, wide: bool = False) -> Drawing:
    """Demand against supply of one service in one place.

    Solid for people already born at the jump-off date, dashed after; points are pupils counted; orange steps are supply;
    the dotted line is what the standard asks. Shaded: where 80 and 95 % of the trajectories lie, with thin lines at zero
    and double net migration; in a run of one path the shade lies between these two.
    """
    base = alt.Chart(alt.NamedData("rows"))
    x = _years_axis(facts, wide)
    y_axis = alt.Axis(tickCount=5 if wide else 3, minExtent=44, maxExtent=44, labelExpr=number("datum.value"))

    def line(which: str, field: str, **style: Any) -> alt.Chart:
        mark = base.transform_filter(which).mark_line(aria=False, **style)
        return mark.encode(x=x, y=alt.Y(f"{field}:Q", title=None, axis=y_axis, scale=alt.Scale(zero=True)))

    width = 2.2 if wide else 1.8
    start = base.transform_filter("datum.year==jump").mark_rule(color=FAINT, strokeWidth=1, aria=False)
    seen = base.transform_filter("isValid(datum.seen)")
    dots = seen.mark_point(filled=True, color=INK, opacity=1, size=34 if wide else 18, aria=False)
    hover = base.mark_rule(
        opacity=0, strokeWidth=9 if wide else 5, tooltip=alt.ExprRef(_panel_words(facts)), aria=False
    )
    layers = (
        start.encode(x=x),
        *_shades(base, x, [95, 80] if facts.many else []),
        *(_migration_lines(line) if facts.many else [_shade(base, x, "low", "high", 0.2)]),
        line("isValid(datum.norm)", "norm", color=SOFT, strokeDash=[1, 4], strokeWidth=1.4),
        line("isValid(datum.supply)", "supply", color=ORANGE, strokeWidth=1.6, interpolate="step-after"),
        line("datum.year<=born", "demand", color=BLUE, strokeWidth=width),
        line("datum.year>=born", "demand", color=BLUE, strokeWidth=width, strokeDash=[5, 4]),
        dots.encode(x=x, y=alt.Y("seen:Q", title=None)),
        hover.encode(x=x),
    )
    return _page(layers, "series", height, measure=["", ""], born=-1, jump=facts.jump_off)


def _shades(base: alt.Chart, x: alt.X, shares: list[int]) -> list[alt.Chart]:
    """The bands of these shares of the trajectories, the widest and palest first."""
    return [_shade(base, x, f"low{share}", f"high{share}", {95: 0.14, 80: 0.22}[share]) for share in shares]


def _shade(base: alt.Chart, x: alt.X, low: str, high: str, opacity: float) -> alt.Chart:
    band = base.transform_filter(f"isValid(datum.{low})").mark_area(color=BLUE, opacity=opacity, aria=False)
    return band.encode(x=x, y=alt.Y(f"{low}:Q", title=None), y2=alt.Y2(f"{high}:Q"))


def _migration_lines(line: Callable[..., alt.Chart]) -> list[alt.Chart]:
    style: dict[str, Any] = {"color": BLUE, "strokeDash": [1, 2.5], "strokeWidth": 1}
    return [line("isValid(datum.low)", end, **style) for end in ("low", "high")]


def people(facts: Facts) -> Drawing:
    """Residents of an age group, or births, of one place: solid for people already born, dashed after, with bands."""
    base = alt.Chart(alt.NamedData("rows"))
    x = _years_axis(facts, wide=False)
    y_axis = alt.Axis(tickCount=3, minExtent=44, maxExtent=44, labelExpr=number("datum.value"))
    y = alt.Y("v:Q", title=None, axis=y_axis, scale=alt.Scale(zero=False))

    def line(which: str, **style: Any) -> alt.Chart:
        return base.transform_filter(which).mark_line(aria=False, color=BLUE, **style).encode(x=x, y=y)

    start = base.transform_filter("datum.year==jump").mark_rule(color=FAINT, strokeWidth=1, aria=False)
    hover = base.mark_rule(opacity=0, strokeWidth=5, tooltip=alt.ExprRef(_people_words()), aria=False)
    layers = (
        start.encode(x=x),
        *_shades(base, x, [95, 80]),
        line("isValid(datum.v)&&datum.year<=datum.born"),
        line("isValid(datum.v)&&datum.year>=datum.born", strokeDash=[5, 4]),
        hover.encode(x=x),
    )
    return _page(layers, "people", 128, measure=["", ""], jump=facts.jump_off)


def causes(facts: Facts) -> Drawing:
    """What the uncertainty of one service comes from, some years on: shares of the variance side by side."""
    base = alt.Chart(alt.NamedData("rows"))
    y = alt.Y("year:O", title=None, axis=alt.Axis(labelColor=INK, minExtent=40, domain=False, ticks=False))
    x = alt.X("from:Q", title=None, axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    colour = alt.Color("cause:N", legend=None, scale=alt.Scale(domain=list(CAUSES), range=list(CAUSES.values())))
    said = f"datum.year+'\\n'+{named('datum.cause')}+'  '+format(datum.to-datum.from,'.0%')"
    bars = base.mark_bar(height=alt.RelativeBandSize(0.8), tooltip=alt.ExprRef(said), aria=False)
    words = base.transform_filter("datum.to-datum.from>=.16").transform_calculate(at="(datum.from+datum.to)/2")
    text = words.mark_text(fontSize=11, text=alt.ExprRef("format(datum.to-datum.from,'.0%')"), aria=False)
    dark = "datum.cause=='births'||datum.cause=='participation'"
    layers = (
        bars.encode(x=x, x2=alt.X2("to:Q"), y=y, color=colour),
        text.encode(x=alt.X("at:Q", title=None), y=y, color=_white_where(dark)),
    )
    return _page(layers, "causes", 84, names={})


def panel_large(facts: Facts) -> Drawing:
    return panel(facts, height=300, wide=True)


def classes(facts: Facts) -> Drawing:
    """Places by services: the likeliest class by colour and letter, its sentence on a touch. A click chooses the place."""
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "s:N",
        title=None,
        scale=_bands(facts.services, 0.04),
        axis=alt.Axis(orient="top", labelExpr=named("datum.value"), labelColor=INK, labelAngle=0, labelLimit=90),
    )
    _, y = _years_by_places(facts, facts.years)
    pick = alt.selection_point(name="pick", fields=["c"], on="click", toggle=False)
    cells = base.mark_rect(
        cornerRadius=2, cursor="pointer", aria=False, tooltip=alt.ExprRef("lang=='zh'?datum.zh:datum.en")
    )
    words = base.mark_text(fontSize=13, fontWeight=600, text=alt.ExprRef(_class_letter()), aria=False)
    layers = (
        cells.encode(x=x, y=y, color=_class_colour()).add_params(pick),
        words.encode(x=x, y=y, color=_white_where(_class_dark())),
    )
    return _page(layers, "classes", ROW_HEIGHT * len(facts.places), names={})


def begun(facts: Facts) -> Drawing:
    """Places by years: the class that has begun by the year in most trajectories, deeper the more of them have it."""
    base = alt.Chart(alt.NamedData("rows"))
    x, y = _years_by_places(facts, [year for year in facts.years if year > facts.jump_off])
    share = f"{_class_word()}+'  '+datum.p+'%'"
    said = alt.ExprRef(f"{named('datum.c')}+'  '+datum.year+'\\n'+{share}")
    cells = base.mark_rect(cornerRadius=1.5, tooltip=said, aria=False)
    letters = base.transform_filter("datum.p>=50").mark_text(
        fontSize=alt.ExprRef("bandwidth('x')<14?0:11"), text=alt.ExprRef(_class_letter()), aria=False
    )
    opacity = alt.Opacity("p:Q", legend=None, scale=alt.Scale(domain=[0, 100], range=[0.08, 1]))
    layers = (
        cells.encode(x=x, y=y, color=_class_colour(), opacity=opacity),
        letters.encode(x=x, y=y, color=_white_where(_class_dark())),
    )
    return _page(layers, "begun", ROW_HEIGHT * len(facts.places), names={})


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
    tables = [
        "{" + ",".join(f"'{name}':'{text.in_(lang)}'" for name, text in pairs.items()) + "}" for lang in ("zh", "en")
    ]
    return f"(lang=='zh'?{tables[0]}:{tables[1]})[datum.k]"


def lasting(facts: Facts) -> Drawing:
    """One service of one place: what lasts, filled; the crest above it; demand with its range; what stands and is planned."""
    base = alt.Chart(alt.NamedData("rows"))
    x = _years_axis(facts, wide=False)
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
    return _page(layers, "lasting", 128, measure=["", ""], born=-1)


def _lasting_words() -> str:
    def line(field: str, key: str) -> str:
        return f"(isValid(datum.{field})?'\\n'+{_words(key)}+{number(f'datum.{field}')}+{unit()}:'')"

    parts = [line("demand", "tip.demand"), _between("low80", "high80", "tip.band80"), line("lasting", "tip.lasting")]
    return "''+datum.year+" + "+".join([*parts, line("crest", "tip.above"), line("supply", "tip.supply")])


def train(facts: Facts) -> Drawing:
    """Crests of the stages below each other with their ranges, and the years between them."""
    rows = facts.stages
    base = alt.Chart(alt.NamedData("rows"))
    x = _years_axis(facts)
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
    return _page(layers, "train", 36 * max(len(rows), 1), names={}, stages=rows)


def _train_words() -> str:
    span = "(datum.low<datum.high?'  '+datum.low+'–'+datum.high:'')"
    return f"''+datum.year+{span}"


def _lag_words() -> str:
    return either("晚", "+") + "+datum.lag+" + either("年", " yr")


def posts(facts: Facts) -> Drawing:
    """Posts that the stages of one place need, laid on each other, the youngest below."""
    order = _schools_of(facts)
    base = alt.Chart(alt.NamedData("rows"))
    x = _years_axis(facts, first=facts.jump_off)
    y_axis = alt.Axis(tickCount=4, minExtent=44, labelExpr=number("datum.value"))
    colour = alt.Color("s:N", legend=None, scale=alt.Scale(domain=order, range=list(STAGES[: len(order)])))
    areas = base.mark_area(aria=False, stroke="#fff", strokeWidth=1).encode(
        x=x, y=alt.Y("v:Q", stack="zero", title=None, axis=y_axis), color=colour, order=alt.Order("at:Q")
    )
    total = base.transform_aggregate(total="sum(v)", groupby=["year"])
    said = f"''+datum.year+'\\n'+{number('datum.total')}+{_words('tip.posts')}"
    hover = total.mark_rule(opacity=0, strokeWidth=9, tooltip=alt.ExprRef(said), aria=False).encode(x=x)
    return _page((areas, hover), "posts", 230, names={})


def _schools_of(facts: Facts) -> list[str]:
    held = facts.run.schools
    return [] if held is None else [str(name) for name in held.table["service"].values]


def changes(facts: Facts) -> Drawing:
    """From the crest to the lowest roll: what each step takes away (left) and adds (right), and the net at a point."""
    order = _schools_of(facts)
    base = alt.Chart(alt.NamedData("rows"))
    y = alt.Y(
        "s:N",
        title=None,
        scale=_bands(order, 0.3),
        axis=alt.Axis(labelExpr=named("datum.value"), labelColor=INK, labelFontSize=13, minExtent=64),
    )
    x = alt.X("from:Q", title=None, axis=alt.Axis(tickCount=6, grid=True, labelExpr=number("datum.value", "+")))
    colour = alt.Color("step:N", legend=None, scale=alt.Scale(domain=list(STEPS), range=list(STEPS.values())))
    said = (
        f"{named('datum.s')}+'  '+datum.first+'–'+datum.last+'\\n'+{named('datum.step')}+'  '+{number('datum.v', '+')}"
    )
    parts = base.transform_filter("datum.step!='net'")
    bars = parts.mark_bar(height=alt.RelativeBandSize(0.8), tooltip=alt.ExprRef(said), aria=False)
    net = base.transform_filter("datum.step=='net'")
    dots = net.mark_point(filled=True, size=70, color=INK, opacity=1, stroke="#fff", strokeWidth=1.5, aria=False)
    words = net.mark_text(
        dy=-26,
        fontWeight=600,
        align=alt.ExprRef("datum.from>0?'left':'center'"),
        text=alt.ExprRef(f"datum.first+'–'+datum.last+'  '+{number('datum.v', '+')}"),
        aria=False,
    )
    zero = base.transform_filter("datum.step=='net'").mark_rule(color=FAINT, aria=False).encode(x=alt.XDatum(0))
    layers = (
        zero,
        bars.encode(x=x, x2=alt.X2("to:Q"), y=y, color=colour),
        dots.encode(x=x, y=y),
        words.encode(x=x, y=y),
    )
    return _page(layers, "changes", 62 * max(len(order), 1), names={})


def planned(facts: Facts) -> Drawing:
    """New places of one service by what they are used for, year by year."""
    base = alt.Chart(alt.NamedData("rows"))
    years = [year for year in facts.years if year > facts.jump_off]
    x = alt.X(
        "year:O",
        title=None,
        scale=_bands(years, 0.15),
        axis=alt.Axis(values=[year for year in years if year % 5 == 0], labelAngle=0, ticks=False),
    )
    y = alt.Y("v:Q", stack="zero", title=None, axis=alt.Axis(tickCount=3, labelExpr=number("datum.value")))
    colour = alt.Color("use:N", legend=None, scale=alt.Scale(domain=list(USES), range=list(USES.values())))
    said = f"''+datum.year+'\\n'+{named('datum.use')}+'  '+{number('datum.v')}"
    bars = base.mark_bar(tooltip=alt.ExprRef(said), aria=False)
    return _page((bars.encode(x=x, y=y, color=colour, order=alt.Order("at:Q")),), "planned", 150, names={})


CHARTS: dict[str, Callable[[Facts], Drawing]] = {
    "tiles": tiles,
    "heat": heat,
    "wave": wave,
    "panel": panel,
    "panel_large": panel_large,
    "classes": classes,
    "begun": begun,
    "lasting": lasting,
    "train": train,
}

OF_MANY: dict[str, Callable[[Facts], Drawing]] = {"odds": odds, "people": people, "causes": causes}
"""Charts that only a run of many trajectories has."""


OF_SCHOOLS: dict[str, Callable[[Facts], Drawing]] = {"posts": posts, "changes": changes}
"""Charts that only a run with schools has; `planned` besides needs planned places."""

OF_STAGES = ("wave", "train")
"""Charts that a region without stages has not."""


def definitions(facts: Facts) -> dict[str, dict[str, Any]]:
    """Every chart's definition by name, without configuration and rows."""
    found = {}
    held = facts.run.schools
    more = {**(OF_MANY if facts.many else {}), **(OF_SCHOOLS if held else {})}
    if held and held.audit:
        more["planned"] = planned
    for name, draw in {**CHARTS, **more}.items():
        if name in OF_STAGES and not facts.stages:
            continue
        with debug_mode(False):  # the tests validate every chart; here it would cost a second
            found[name] = draw(facts)
    return found


def _page(layers: Sequence[alt.Chart], rows: str, height: int, **params: Any) -> Drawing:
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


def _white_where(dark: str) -> alt.ColorValue:
    """White words on what is dark, else in ink."""
    return alt.ColorValue(INK, condition={"test": dark, "value": "#fff"})


def _bands(domain: Any, padding: float = 0.06) -> alt.Scale:
    return alt.Scale(domain=list(domain), paddingInner=padding, paddingOuter=0)


def _years_axis(facts: Facts, wide: bool = True, first: int | None = None) -> alt.X:
    first, last = facts.years[0] if first is None else first, facts.years[-1]
    step = 10 if wide else 20
    tens = [year for year in facts.years if year % step == 10 % step]
    axis = alt.Axis(format="d", values=tens, labelOverlap="greedy", labelSeparation=8, labelFlush=True)
    return alt.X("year:Q", title=None, scale=alt.Scale(domain=[first, last], nice=False), axis=axis)


def _ridge_colours(n: int) -> list[str]:
    return [RIDGES[min(k, len(RIDGES) - 1)] for k in range(n)]


def _words(key: str) -> str:
    text: Text = both(key)
    return either(text.zh, text.en)


def _gap_words(facts: Facts) -> str:
    """Place and year, what is short or to spare, and its share of demand."""
    gap = f"(datum.gap<0?{_words('tip.short')}:{_words('tip.spare')})+{number('abs(datum.gap)')}+{unit()}"
    share = "'  ('+format(datum.rel,'+.0%')+')'"
    known = f"datum.gap==null?{_words('tip.unknown')}:{gap}+{share}+{_odds_words(facts)}"
    return f"{named('datum.c')}+'  '+datum.year+'\\n'+({known})"


def _odds_words(facts: Facts) -> str:
    """How likely a shortage is, where that is known."""
    return f"(isValid(datum.p)?'\\n'+{_words('tip.odds')}+({_per_cent(facts)})+'%':'')"


def _per_cent(facts: Facts) -> str:
    """A probability in whole per cent, at the ends no surer than the trajectories can tell."""
    least = least_per_cent(facts.trajectories)
    return f"datum.p<{least}?'<{least}':datum.p>{100 - least}?'>{100 - least}':format(datum.p,'.0f')"


def _between(low: str, high: str, key: str) -> str:
    ends = f"{number(f'datum.{low}')}+'–'+{number(f'datum.{high}')}+{unit()}"
    return f"(isValid(datum.{low})?'\\n'+{_words(key)}+{ends}:'')"


def _people_words() -> str:
    value = f"(isValid(datum.v)?'\\n'+{number('datum.v')}+{unit()}:'')"
    bands = [_between(f"low{share}", f"high{share}", f"tip.band{share}") for share in (80, 95)]
    return "''+datum.year+" + "+".join([value, *bands])


def _panel_words(facts: Facts) -> str:
    def line(field: str, key: str) -> str:
        return f"(isValid(datum.{field})?'\\n'+{_words(key)}+{number(f'datum.{field}')}+{unit()}:'')"

    bands = [_between(f"low{share}", f"high{share}", f"tip.band{share}") for share in (80, 95)]
    bands.append(_between("low", "high", "tip.range"))
    gap = (
        f"(isValid(datum.gap)?'\\n'+(datum.gap<0?{_words('tip.short')}:{_words('tip.spare')})"
        f"+{number('abs(datum.gap)')}+{unit()}:'')"
    )
    parts = [line("demand", "tip.demand"), *bands, line("norm", "tip.norm"), line("supply", "tip.supply"), gap]
    return "''+datum.year+" + "+".join([*parts, _odds_words(facts), line("seen", "tip.counted")])
