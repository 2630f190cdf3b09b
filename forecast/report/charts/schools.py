"""Posts, why crests fall, and what planned places are used for."""

from __future__ import annotations

import math

import altair as alt
import numpy as np

from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.findings.schools import CREST
from forecast.report.charts.drawing import Drawing, bands, lay, words_of, years_axis
from forecast.report.theme import FAINT, INK, STAGES, STEPS, USES, named, number
from forecast.report.view import View
from forecast.report.view.school_view import SchoolView


def posts(view: View) -> Drawing:
    """Posts that the stages of one place need, laid on each other, the youngest below."""
    order = _schools_of(view)
    base = alt.Chart(alt.NamedData("rows"))
    x = years_axis(view, first=view.jump_off)
    y_axis = alt.Axis(tickCount=4, minExtent=44, labelExpr=number("datum.value"))
    colour = alt.Color("s:N", legend=None, scale=alt.Scale(domain=order, range=list(STAGES[: len(order)])))
    areas = base.mark_area(aria=False, stroke="#fff", strokeWidth=1).encode(
        x=x, y=alt.Y("v:Q", stack="zero", title=None, axis=y_axis), color=colour, order=alt.Order("at:Q")
    )
    total = base.transform_aggregate(total="sum(v)", groupby=["year"])
    said = f"''+datum.year+'\\n'+{number('datum.total')}+{words_of('tip.posts')}"
    hover = total.mark_rule(opacity=0, strokeWidth=9, tooltip=alt.ExprRef(said), aria=False).encode(x=x)
    return lay((areas, hover), "posts", 230, names={})


def _schools_of(view: View) -> list[str]:
    held = view.run.schools
    return [] if held is None else [str(name) for name in held.table["service"].values]


def changes(view: View) -> Drawing:
    """From the crest to the lowest roll: what each step takes away (left) and adds (right), and the net at a point."""
    order = _schools_of(view)
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


def planned(view: View) -> Drawing:
    """New places of one service by what they are used for, year by year."""
    base = alt.Chart(alt.NamedData("rows"))
    years = [year for year in view.years if year > view.jump_off]
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


# ---- what the page draws from ---


def posts_by_year(schools: SchoolView) -> dict[str, dict[str, list[int | None]]]:
    """Posts by place and stage, from the jump-off year on."""
    start = schools.view.years.index(schools.view.jump_off)
    return {
        place: {stage: _rounded(schools.series("posts", place, stage), start) for stage in schools.stages}
        for place in schools.view.places
    }


def _rounded(values: np.ndarray, start: int) -> list[int | None]:
    """Whole numbers from a position on, None before it and where nothing is known."""
    return [round(one) if at >= start and math.isfinite(one) else None for at, one in enumerate(values.tolist())]


def crest_changes(schools: SchoolView) -> dict[str, list[dict[str, object]]]:
    """Place -> for each stage with a crest its years, the net change and the steps that act."""
    table = schools.held.changes
    found: dict[str, list[dict[str, object]]] = {place: [] for place in schools.view.places}
    for row in table[table["period"] == CREST].to_dict("records"):
        sizes = {step: round(row[step]) for step in schools.acting if abs(row[step]) >= 0.5}
        if str(row[COUNTY]) in found:
            one = {
                "s": row[SERVICE],
                "first": row["first"],
                "last": row["last"],
                "net": round(row["after"] - row["before"]),
            }
            found[str(row[COUNTY])].append({**one, "steps": sizes})
    return found


def planned_uses(schools: SchoolView) -> dict[str, dict[str, list[int]]]:
    """Stage -> years, and how many of the new places of the whole each use takes."""
    found = {}
    for stage in schools.audited:
        own = schools.audit(stage)
        years = {"years": own[YEAR].values.tolist()}
        found[stage] = years | {name: own[name].round().astype(int).values.tolist() for name in USES}
    return found
