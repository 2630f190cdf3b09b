"""The map, the heat maps, the wave of pupils, and the courses of need, people and causes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import altair as alt

from forecast.report.chances import least_per_cent
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
from forecast.report.theme import (
    BLUE,
    CAUSES,
    FAINT,
    INK,
    ORANGE,
    SOFT,
    UNKNOWN,
    gap_scale,
    named,
    number,
    odds_scale,
    unit,
)
from forecast.report.view import View

RIDGES = ("#1d4f78", "#2f6c98", "#4787b1", "#669fc3", "#86b6d2", "#a6cbe0")

BIRTHS = "age_0"
"""Row of the wave above the stages: children aged 0 at 31 December (births are not known for every past year)."""


def tiles(view: View) -> Drawing:
    """A tile for each county: gap of the service and year by colour and number. Clicking one chooses the place."""
    base = alt.Chart(alt.NamedData("rows")).transform_calculate(tone="datum.gap==null?null:datum.rel/limit")
    columns = sorted({column for column, _ in grid(view).values()})
    rows = sorted({row for _, row in grid(view).values()})
    x = alt.X("col:O", axis=None, scale=bands(range(columns[0], columns[-1] + 1)))
    y = alt.Y("row:O", axis=None, scale=bands(range(rows[0], rows[-1] + 1)))
    pick = alt.selection_point(name="pick", fields=["c"], on="click", toggle=False)
    known = "isValid(datum.gap)"
    box = base.mark_rect(cornerRadius=7, cursor="pointer", tooltip=alt.ExprRef(_gap_words(view))).encode(
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
        return mark.encode(x=x, y=y, color=white_where(dark))

    gap = f"{known}?{number('datum.gap', '+')}:'–'"
    layers = (box.add_params(pick), words(named("datum.c"), 15, -9, 600), words(gap, 13, 12, 400))
    height = 62 * (rows[-1] - rows[0] + 1)
    return lay(layers, "year", height, names={}, limit=0.4, measure=["", ""], place="")


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


def heat(view: View) -> Drawing:
    """Counties by years: gap as a share of demand. A line stands after the last year whose children were all born."""
    years = heat_years(view)
    base = alt.Chart(alt.NamedData("rows")).transform_filter(f"datum.year>={years[0]}")
    base = base.transform_calculate(tone="datum.rel/limit")
    x, y = years_by_places(view, years)
    known = base.transform_filter("isValid(datum.gap)")
    cells = known.mark_rect(cornerRadius=1.5, tooltip=alt.ExprRef(_gap_words(view)), aria=False)
    cells = cells.encode(x=x, y=y, color=alt.Color("tone:Q", scale=gap_scale(), legend=None))
    layers = (*_unknown(view, base, "datum.gap", x, y), cells, _all_born(base, x))
    return lay(layers, "service", ROW_HEIGHT * len(view.places), names={}, limit=0.4, measure=["", ""], born=-1)


def odds(view: View) -> Drawing:
    """Counties by years: how likely a shortage is, by colour and in per cent; hatched where no supply is known."""
    base = alt.Chart(alt.NamedData("rows"))
    x, y = years_by_places(view, [year for year in view.years if year > view.jump_off])
    base = base.transform_filter(f"datum.year>{view.jump_off}")
    known = base.transform_filter("isValid(datum.p)")
    cells = known.mark_rect(cornerRadius=1.5, tooltip=alt.ExprRef(_gap_words(view)), aria=False)
    words = known.mark_text(
        fontSize=alt.ExprRef("bandwidth('x')<15?0:bandwidth('x')<22?9:11"),
        text=alt.ExprRef(_per_cent(view)),
        aria=False,
    )
    layers = (
        *_unknown(view, base, "datum.p", x, y),
        cells.encode(x=x, y=y, color=alt.Color("p:Q", scale=odds_scale(), legend=None)),
        words.encode(x=x, y=y, color=white_where("datum.p>60")),
        _all_born(base, x),
    )
    return lay(layers, "service", ROW_HEIGHT * len(view.places), names={}, measure=["", ""], born=-1)


def _unknown(view: View, base: alt.Chart, field: str, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Grey and hatched where nothing is known, so that it cannot be read as a value."""
    blank = base.transform_filter(f"!isValid({field})")
    hatch = blank.mark_text(text="⟋", fontSize=alt.ExprRef("min(16,1.2*bandwidth('x'))"), color=FAINT, aria=False)
    said = alt.ExprRef(_gap_words(view))
    return [blank.mark_rect(color=UNKNOWN, tooltip=said, aria=False).encode(x=x, y=y), hatch.encode(x=x, y=y)]


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


def wave(view: View) -> Drawing:
    """Stages above each other, each scaled to its own highest year; deep colour for children already born, pale after."""
    rows = [BIRTHS, *view.meaning.stages]
    top = len(rows) - 1
    level = {row: top - k for k, row in enumerate(rows)}
    base = alt.Chart(alt.NamedData("rows")).transform_joinaggregate(top="max(v)", groupby=["s"])
    base = base.transform_calculate(low="level[datum.s]", high="level[datum.s]+.74*datum.v/datum.top")
    x = years_axis(view)
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
    years = view.years
    return lay(
        layers,
        "wave",
        70 * len(rows),
        names={},
        units={},
        level=level,
        stages=rows[::-1],
        turn=years[0] + 0.8 * (years[-1] - years[0]),
    )


def panel(view: View, height: int = 128, wide: bool = False) -> Drawing:
    """Demand against supply of one service in one place.

    Solid for people already born at the jump-off date, dashed after; points are pupils counted; orange steps are supply;
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
    seen = base.transform_filter("isValid(datum.seen)")
    dots = seen.mark_point(filled=True, color=INK, opacity=1, size=34 if wide else 18, aria=False)
    hover = base.mark_rule(opacity=0, strokeWidth=9 if wide else 5, tooltip=alt.ExprRef(_panel_words(view)), aria=False)
    layers = (
        start.encode(x=x),
        *_shades(base, x, [95, 80] if view.many else []),
        *(_migration_lines(line) if view.many else [_shade(base, x, "low", "high", 0.2)]),
        line("isValid(datum.norm)", "norm", color=SOFT, strokeDash=[1, 4], strokeWidth=1.4),
        line("isValid(datum.supply)", "supply", color=ORANGE, strokeWidth=1.6, interpolate="step-after"),
        line("datum.year<=born", "demand", color=BLUE, strokeWidth=width),
        line("datum.year>=born", "demand", color=BLUE, strokeWidth=width, strokeDash=[5, 4]),
        dots.encode(x=x, y=alt.Y("seen:Q", title=None)),
        hover.encode(x=x),
    )
    return lay(layers, "series", height, measure=["", ""], born=-1, jump=view.jump_off)


def _shades(base: alt.Chart, x: alt.X, shares: list[int]) -> list[alt.Chart]:
    """The bands of these shares of the trajectories, the widest and palest first."""
    return [_shade(base, x, f"low{share}", f"high{share}", {95: 0.14, 80: 0.22}[share]) for share in shares]


def _shade(base: alt.Chart, x: alt.X, low: str, high: str, opacity: float) -> alt.Chart:
    band = base.transform_filter(f"isValid(datum.{low})").mark_area(color=BLUE, opacity=opacity, aria=False)
    return band.encode(x=x, y=alt.Y(f"{low}:Q", title=None), y2=alt.Y2(f"{high}:Q"))


def _migration_lines(line: Callable[..., alt.Chart]) -> list[alt.Chart]:
    style: dict[str, Any] = {"color": BLUE, "strokeDash": [1, 2.5], "strokeWidth": 1}
    return [line("isValid(datum.low)", end, **style) for end in ("low", "high")]


def people(view: View) -> Drawing:
    """Residents of an age group, or births, of one place: solid for people already born, dashed after, with bands."""
    base = alt.Chart(alt.NamedData("rows"))
    x = years_axis(view, wide=False)
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
    return lay(layers, "people", 128, measure=["", ""], jump=view.jump_off)


def causes(view: View) -> Drawing:
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
        text.encode(x=alt.X("at:Q", title=None), y=y, color=white_where(dark)),
    )
    return lay(layers, "causes", 84, names={})


def panel_large(view: View) -> Drawing:
    return panel(view, height=300, wide=True)


def _ridge_colours(n: int) -> list[str]:
    return [RIDGES[min(k, len(RIDGES) - 1)] for k in range(n)]


def _gap_words(view: View) -> str:
    """Place and year, what is short or to spare, and its share of demand."""
    gap = f"(datum.gap<0?{words_of('tip.short')}:{words_of('tip.spare')})+{number('abs(datum.gap)')}+{unit()}"
    share = "'  ('+format(datum.rel,'+.0%')+')'"
    known = f"datum.gap==null?{words_of('tip.unknown')}:{gap}+{share}+{_odds_words(view)}"
    return f"{named('datum.c')}+'  '+datum.year+'\\n'+({known})"


def _odds_words(view: View) -> str:
    """How likely a shortage is, where that is known."""
    return f"(isValid(datum.p)?'\\n'+{words_of('tip.odds')}+({_per_cent(view)})+'%':'')"


def _per_cent(view: View) -> str:
    """A probability in whole per cent, at the ends no surer than the trajectories can tell."""
    least = least_per_cent(view.trajectories)
    return f"datum.p<{least}?'<{least}':datum.p>{100 - least}?'>{100 - least}':format(datum.p,'.0f')"


def _people_words() -> str:
    value = f"(isValid(datum.v)?'\\n'+{number('datum.v')}+{unit()}:'')"
    bands = [between(f"low{share}", f"high{share}", f"tip.band{share}") for share in (80, 95)]
    return "''+datum.year+" + "+".join([value, *bands])


def _panel_words(view: View) -> str:
    def line(field: str, key: str) -> str:
        return f"(isValid(datum.{field})?'\\n'+{words_of(key)}+{number(f'datum.{field}')}+{unit()}:'')"

    bands = [between(f"low{share}", f"high{share}", f"tip.band{share}") for share in (80, 95)]
    bands.append(between("low", "high", "tip.range"))
    gap = (
        f"(isValid(datum.gap)?'\\n'+(datum.gap<0?{words_of('tip.short')}:{words_of('tip.spare')})"
        f"+{number('abs(datum.gap)')}+{unit()}:'')"
    )
    parts = [line("demand", "tip.demand"), *bands, line("norm", "tip.norm"), line("supply", "tip.supply"), gap]
    return "''+datum.year+" + "+".join([*parts, _odds_words(view), line("seen", "tip.counted")])
