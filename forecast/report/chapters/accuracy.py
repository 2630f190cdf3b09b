"""Chapter on accuracy: backtests on real places, pupils counted, and the totals that the run was made to meet."""

from __future__ import annotations

import math

from forecast.basics.text import Text, joined, percent, same, strung
from forecast.report.chapter import Cell, Chapter, Column, Table
from forecast.report.measured import MEASURES, Score, read_scores
from forecast.report.view import View
from forecast.report.words import both

AGES = ("0-5", "6-14", "20-29", "65+", "80+")
"""Age groups whose scores are shown beside those of the total."""

COMPONENTS = ("population", "births", "deaths")

BY_CONSTRUCTION = 1e-3
"""A relative difference below this is no test: the number was used to set the level."""


def accuracy(view: View) -> Chapter:
    form = str(view.run.manifest["form"])
    scores = sorted(read_scores(), key=lambda score: score.form != form)  # those of the run's own form first
    by_age = [score for score in scores if score.age_group in AGES and score.horizon > 1]
    total = [score for score in scores if score.age_group == "all"]
    measured = (_measured("table_measured", total), _measured("table_measured_ages", by_age))
    tables = [table for table in (*measured, _rolls(view), _controls(view)) if table]
    sentences = [*_how_good(form, scores), both("accuracy.lead")]
    if any(len(view.curves.observed(service)) for service in view.services):
        sentences.append(both("accuracy.rolls"))
    sentences += _met(view)
    return Chapter(
        id="accuracy",
        menu=both("menu.accuracy"),
        title=both("accuracy.title"),
        sentences=tuple(sentences),
        tables=tuple(tables),
    )


def _how_good(form: str, scores: list[Score]) -> list[Text]:
    """Which form the run has, and the errors in backtests, those of this form and those of others apart; or that there
    are none."""
    said = both("accuracy.form", form=both(f"form.{form}"))
    if not scores:
        return [said, both("accuracy.no_backtest")]
    total = [score for score in scores if score.age_group == "all" and {"mdape", "coverage80"} <= set(score.values)]
    forms = {one: _places([score for score in total if score.form == one]) for one in [score.form for score in total]}
    own = forms.pop(form, None)
    measured = [both("accuracy.measured", parts=own) if own else both("accuracy.not_measured")]
    measured += [both("accuracy.measured_other", form=both(f"form.{one}"), parts=parts) for one, parts in forms.items()]
    return [said, *measured, both("accuracy.elsewhere")]


def _places(scores: list[Score]) -> Text:
    """A part of a sentence for each place: the error 10 years ahead, or as far as was measured."""
    parts = []
    for place in dict.fromkeys(score.place for score in scores):
        of_place = [score for score in scores if score.place == place]
        last = next((score for score in of_place if score.horizon == 10), of_place[-1])
        parts.append(
            both(
                "accuracy.place",
                place=place,
                n=last.areas,
                horizon=last.horizon,
                error=f"{last.values['mdape']:.1%}",
                inside=percent(last.values["coverage80"]),
            )
        )
    return joined(parts, zh="；", en="; ")


def _measured(table: str, scores: list[Score]) -> Table | None:
    """A line for each score, in the order of the file."""
    if not scores:
        return None
    kept = [measure for measure in MEASURES if any(measure in score.values for score in scores)]
    columns = [Column(both("table.where")), Column(both("table.areas"), "count"), Column(both("table.form"))]
    columns += [Column(both("table.horizon"), "year")]
    columns += [Column(both("table.age"))]
    columns += [Column(both(f"table.{measure}"), "change" if measure == "bias" else "percent") for measure in kept]
    rows: list[tuple[Cell, ...]] = [
        (
            score.place,
            score.areas,
            both(f"form.{score.form}_short"),
            score.horizon,
            both("ages.all") if score.age_group == "all" else same(score.age_group.replace("-", "–")),
            *(score.values.get(measure) for measure in kept),
        )
        for score in scores
    ]
    sources = "; ".join(dict.fromkeys(score.source for score in scores if score.source))
    note = both("table.measured_note", sources=sources)
    title = both(f"table.{table.removeprefix('table_')}")
    return Table(table, title, tuple(columns), tuple(rows), note, "derived", folded=table != "table_measured")


def _rolls(view: View) -> Table | None:
    """Pupils counted beside demand of the same school year, reckoned with the latest ratio held constant."""
    rows: list[tuple[Cell, ...]] = []
    for service in view.services:
        counted = view.curves.observed(service)
        for year, pupils in counted.items():
            reckoned = view.curves.at("demand", view.area, service, int(str(year)))
            difference = reckoned / pupils - 1
            used = abs(difference) < BY_CONSTRUCTION and year == counted.index[-1]
            remark = both("accuracy.used") if used else same("")
            rows.append((view.names.people(service), int(str(year)), float(pupils), reckoned, difference, remark))
    if not rows:
        return None
    columns = (
        Column(both("table.stage")),
        Column(both("table.school_year"), "year"),
        Column(both("table.counted"), "count"),
        Column(both("table.reckoned"), "count"),
        Column(both("table.difference"), "change"),
        Column(both("table.remark")),
    )
    return Table("table_rolls", both("table.rolls"), columns, tuple(rows), both("table.rolls_note"), "published")


def _controls(view: View) -> Table | None:
    """Published residents, births and deaths of the whole beside those of the run."""
    rows: list[tuple[Cell, ...]] = []
    for year, component, published in published_totals(view):
        reckoned = _reckoned(view, component, year)
        difference = reckoned / published - 1 if math.isfinite(reckoned) else None
        rows.append((both(f"component.{component}"), year, published, reckoned, difference))
    if not rows:
        return None
    columns = (
        Column(both("table.component")),
        Column(both("table.year"), "year"),
        Column(both("table.published"), "count"),
        Column(both("table.reckoned"), "count"),
        Column(both("table.difference"), "change"),
    )
    title = both("table.controls", area=view.names.whole)
    return Table("table_controls", title, columns, tuple(rows), both("table.controls_note"), "published")


def published_totals(view: View) -> list[tuple[int, str, float]]:
    """(year, component, persons) of the whole's control totals up to the jump-off year."""
    region = view.run.region
    if not region.has("controls"):
        return []
    table = region.table("controls")
    wanted = table[
        (table["area"] == view.area)
        & table["component"].isin(COMPONENTS)
        & table["year"].isin([year for year in view.years if year <= view.jump_off])
    ]
    order = wanted["component"].map(COMPONENTS.index)
    wanted = wanted.assign(order=order).sort_values(["order", "year"])
    rows = zip(wanted["year"], wanted["component"], wanted["value"], strict=True)
    return [(int(year), str(component), float(value)) for year, component, value in rows]


def _reckoned(view: View, component: str, year: int) -> float:
    if component == "population":
        return float(view.curves.persons(0, 100).at[view.area, year])
    return view.curves.flow(component, year)


def _met(view: View) -> list[Text]:
    """A sentence naming published totals of the jump-off year that set the levels, so that they are met by construction;
    the fitted form takes its levels from the counts, and published totals check it."""
    if view.run.manifest["form"] == "fitted":
        return []
    used = [component for year, component, _ in published_totals(view) if year == view.jump_off]
    if not used:
        return []
    names = [both(f"component.{component}") for component in used]
    parts = strung([Text(name.zh, name.en.lower()) for name in names], "、")
    return [both("accuracy.met", year=view.jump_off, parts=parts)]
