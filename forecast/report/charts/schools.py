"""Posts, why crests fall, and what planned places are used for."""

from __future__ import annotations

import altair as alt

from forecast.report.charts.drawing import Drawing, bands, lay, words_of, years_axis
from forecast.report.theme import FAINT, INK, STAGES, STEPS, USES, named, number
from forecast.report.view.facts import Facts


def posts(facts: Facts) -> Drawing:
    """Posts that the stages of one place need, laid on each other, the youngest below."""
    order = _schools_of(facts)
    base = alt.Chart(alt.NamedData("rows"))
    x = years_axis(facts, first=facts.jump_off)
    y_axis = alt.Axis(tickCount=4, minExtent=44, labelExpr=number("datum.value"))
    colour = alt.Color("s:N", legend=None, scale=alt.Scale(domain=order, range=list(STAGES[: len(order)])))
    areas = base.mark_area(aria=False, stroke="#fff", strokeWidth=1).encode(
        x=x, y=alt.Y("v:Q", stack="zero", title=None, axis=y_axis), color=colour, order=alt.Order("at:Q")
    )
    total = base.transform_aggregate(total="sum(v)", groupby=["year"])
    said = f"''+datum.year+'\\n'+{number('datum.total')}+{words_of('tip.posts')}"
    hover = total.mark_rule(opacity=0, strokeWidth=9, tooltip=alt.ExprRef(said), aria=False).encode(x=x)
    return lay((areas, hover), "posts", 230, names={})


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
        scale=bands(order, 0.3),
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
    return lay(layers, "changes", 62 * max(len(order), 1), names={})


def planned(facts: Facts) -> Drawing:
    """New places of one service by what they are used for, year by year."""
    base = alt.Chart(alt.NamedData("rows"))
    years = [year for year in facts.years if year > facts.jump_off]
    x = alt.X(
        "year:O",
        title=None,
        scale=bands(years, 0.15),
        axis=alt.Axis(values=[year for year in years if year % 5 == 0], labelAngle=0, ticks=False),
    )
    y = alt.Y("v:Q", stack="zero", title=None, axis=alt.Axis(tickCount=3, labelExpr=number("datum.value")))
    colour = alt.Color("use:N", legend=None, scale=alt.Scale(domain=list(USES), range=list(USES.values())))
    said = f"''+datum.year+'\\n'+{named('datum.use')}+'  '+{number('datum.v')}"
    bars = base.mark_bar(tooltip=alt.ExprRef(said), aria=False)
    return lay((bars.encode(x=x, y=y, color=colour, order=alt.Order("at:Q")),), "planned", 150, names={})
