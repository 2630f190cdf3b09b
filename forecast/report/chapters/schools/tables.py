"""The tables of the chapter on schools."""

from __future__ import annotations

import math

from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.demand.schools.class_sizes import school_standards
from forecast.demand.schools.special_education import SETTINGS
from forecast.findings.levels import BALANCED_IN_WORDS
from forecast.findings.schools import SPECIAL
from forecast.report.chances import chance
from forecast.report.chapter import Cell, Column, Table
from forecast.report.chapters.schools.view import (
    View,
    audit_of,
    audited,
    basis_of_column,
    gap_basis,
    span_of,
    stages_in,
    year_of,
)
from forecast.report.view.facts import weakest
from forecast.report.words import Text, both, count, percent, same


def school_tables(view: View) -> list[Table]:
    """Behind the sentences: counties, teachers, planned places, why rolls change, smaller classes, needs, posts,
    special education, and how much hangs on births to come; those with nothing to show are left out."""
    found = [
        _by_county(view),
        _teachers(view),
        *(_audit_table(view, stage) for stage in audited(view)),
        _changes(view),
        _smaller(view),
        _needs(view),
        _posts_by_county(view),
        _special(view),
        _births(view),
    ]
    return [table for table in found if table is not None]


def _by_county(view: View) -> Table | None:
    """Each county's tightest year by stage, with the probability of a shortage, and the gap of the far year."""
    facts = view.facts
    supplied = [stage for stage in view.stages if facts.has_gap(stage)]
    if not supplied:
        return None
    columns = [Column(both("table.place"))]
    for stage in supplied:
        group = facts.short_name(stage)
        columns += [Column(both("school.worst_column"), "text", group), Column(year_of(view.far), "signed", group)]
    rows: list[tuple[Cell, ...]] = []
    for place in [*facts.counties, facts.area]:
        cells: list[Cell] = [facts.place_names[place]]
        for stage in supplied:
            cells += [_tightest_cell(view, place, stage), facts.at("gap", place, stage, view.far)]
        rows.append(tuple(cells))
    note = both("school.by_county_note", first=view.now, last=view.last, tolerance=percent(BALANCED_IN_WORDS))
    title = both("school.by_county", year=view.far)
    return Table("school_counties", title, tuple(columns), tuple(rows), note, gap_basis(view))


def _tightest_cell(view: View, place: str, stage: str) -> Text | None:
    facts, year = view.facts, view.tightest(place, stage)
    if year is None:
        return None
    gap, odds = facts.at("gap", place, stage, year), Text("", "")
    if facts.many:
        told = chance(facts.chance("p_short", place, stage, year), facts.trajectories, brief=True)
        odds = both("school.cell_odds", chance=told)
    if facts.balanced(place, stage, year):
        return both("school.cell_even", year=year, odds=odds)
    if gap > 0:
        return both("school.cell_spare")
    return both("school.cell_short", year=year, amount=count(abs(gap)), odds=odds)


def _needs(view: View) -> Table:
    """Stages by what they need, in the years told, with the range of the far year."""
    years = [view.facts.jump_off, *view.marks] if view.now > view.facts.jump_off else view.marks
    columns = [Column(both("school.what")), *(Column(year_of(year), "count") for year in years)]
    columns.append(Column(both("school.low_high", year=view.far)))
    rows: list[tuple[Cell, ...]] = []
    for stage in view.stages:
        for name in ("pupils", "classes", "places", "floor_area", "posts", "yuan"):
            values = [view.whole(name, stage, year) / (1e4 if name == "yuan" else 1) for year in years]
            if not all(map(math.isfinite, values)):
                continue
            ends = view.ends(name, stage, view.far) if view.held.bands is not None and name in view.held.bands else None
            spread = None if ends is None else both("school.span", low=count(ends[0]), high=count(ends[1]))
            what = both("school.row", stage=view.facts.short_name(stage), what=both(f"school.{name}_row"))
            rows.append((what, *values, spread))
    spare = percent(float(school_standards()["spare_places"].value))
    title, note = both("school.needs", area=view.facts.name), both("school.needs_note", spare=spare)
    basis = weakest(*(basis_of_column(view, name) for name in ("pupils", "classes", "places", "posts")))
    return Table("school_needs", title, tuple(columns), tuple(rows), note, basis, folded=True)


def _posts_by_county(view: View) -> Table:
    """Posts needed in the year of the decision and the change until the far year, by county and stage."""
    facts, groups = view.facts, [*map(view.facts.short_name, view.stages), both("school.total")]
    columns = [Column(both("table.place"))]
    for group in groups:
        columns += [Column(year_of(view.now), "count", group), Column(both("school.change"), "moved", group)]
    rows: list[tuple[Cell, ...]] = []
    for place in [*facts.counties, facts.area]:
        now, far = ([view.at("posts", place, stage, year) for stage in view.stages] for year in (view.now, view.far))
        pairs = [*zip(now, far, strict=True), (sum(now), sum(far))]
        rows.append((facts.place_names[place], *(cell for a, b in pairs for cell in (a, b - a))))
    title = both("school.posts_table", now=view.now, year=view.far)
    note, basis = both("school.posts_note"), basis_of_column(view, "posts")
    return Table("school_posts", title, tuple(columns), tuple(rows), note, basis, folded=True)


def _teachers(view: View) -> Table | None:
    """Teachers counted, posts needed and the gap in the years told; a row for each place and kind of schools."""
    facts, table = view.facts, view.held.teachers
    table = table[table[COUNTY].isin(facts.places)]
    if table.empty:
        return None
    columns = [Column(both("table.place")), Column(both("school.counted_in"), "year")]
    columns.append(Column(both("school.teachers_column"), "count"))
    years = sorted({view.now, view.far})
    columns += [Column(both("school.posts_in", year=year), "count") for year in years]
    columns += [Column(both("school.teachers_gap", year=year), "signed") for year in years]
    columns.append(Column(both("school.low_high", year=view.far)))
    rows: list[tuple[Cell, ...]] = []
    for (place, kinds), own in table.groupby([COUNTY, SERVICE], sort=False):
        by_year, number = own.set_index(YEAR), float(own["teachers"].iloc[0])
        low, high = (number - float(by_year.at[view.far, end]) for end in ("posts_p90", "posts_p10"))
        name = both("school.place_stage", place=facts.place_names[str(place)], stages=stages_in(view, str(kinds)))
        cells: list[Cell] = [name, int(own["counted_in"].iloc[0]), number]
        cells += [float(by_year.at[year, column]) for column in ("posts", "post_gap") for year in years]
        rows.append((*cells, span_of(low, high) if math.isfinite(low) else None))
    title, note = both("school.teachers_table"), both("school.teachers_note")
    return Table("school_teachers", title, tuple(columns), tuple(rows), note, "assumed")


def _audit_table(view: View, stage: str) -> Table:
    facts, own = view.facts, audit_of(view, stage)
    group = both("school.audit_of")
    columns = (
        Column(both("table.year")),
        Column(both("school.audit_need"), "count"),
        Column(both("school.range"), "text"),
        Column(both("school.audit_existing"), "count"),
        Column(both("school.audit_added"), "count"),
        Column(both("school.for_lasting"), "count", group),
        Column(both("school.for_crest"), "count", group),
        Column(both("school.idle"), "count", group),
        Column(both("school.p_idle"), "chance"),
        Column(both("school.audit_all"), "signed"),
    )
    years = [year for year in range(view.now, view.last + 1) if year in own[YEAR].values]
    names = ("existing", "added", "for_lasting", "for_crest", "idle")
    cells = {name: dict(zip(own[YEAR].values.tolist(), own[name].values.tolist(), strict=True)) for name in own}
    rows: list[tuple[Cell, ...]] = []
    for year in years:
        ends = view.ends("pupils", stage, year)
        spread = None if ends is None else both("school.span", low=count(ends[0]), high=count(ends[1]))
        gap = cells["existing"][year] + cells["added"][year] - cells["need"][year]
        odds = cells["p_idle"][year] if facts.many else None
        rows.append((same(year), cells["need"][year], spread, *(cells[name][year] for name in names), odds, gap))
    window = int(facts.run.flags.classes["window"].sel({SERVICE: stage}))
    title, note = both("school.audit_table", thing=facts.thing(stage)), both("school.audit_note", window=window)
    return Table(
        f"audit_{stage}", title, columns, tuple(rows), note, facts.gap_basis(stage), folded=True, on_paper=False
    )


def _changes(view: View) -> Table | None:
    """Why the rolls of the whole change, over every period."""
    facts, table = view.facts, view.held.changes
    own = table[table[COUNTY] == facts.area]
    if own.empty:
        return None
    columns = [
        Column(both("school.stage")),
        Column(both("school.before"), "count"),
        Column(both("school.after"), "count"),
    ]
    columns += [
        Column(both("school.change"), "moved"),
        *(Column(both(f"step.{step}"), "moved") for step in view.acting),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            both(
                "school.span_row",
                stage=facts.short_name(str(row[SERVICE])),
                first=int(row["first"]),
                last=int(row["last"]),
            ),
            float(row["before"]),
            float(row["after"]),
            float(row["after"] - row["before"]),
            *(float(row[step]) for step in view.acting),
        )
        for row in own.to_dict("records")
    ]
    title, note = both("school.changes_table", area=facts.name), both("school.changes_note")
    return Table(
        "school_changes", title, tuple(columns), tuple(rows), note, basis_of_column(view, "pupils"), folded=True
    )


def _smaller(view: View) -> Table | None:
    """What classes smaller by one and two steps take up, in the years told after the decision."""
    years = view.marks[1:]
    if not years:
        return None
    columns = [Column(both("school.stage"))]
    for year in years:
        group = year_of(year)
        columns += [
            Column(both("school.more_posts"), "count", group),
            Column(both("school.of_freed"), "percent", group),
        ]
        columns += [Column(both("school.yuan_more"), "count", group), Column(both("school.rooms_more"), "count", group)]
    rows: list[tuple[Cell, ...]] = []
    for stage in view.stages:
        for limit in (1, 2):
            size = f"{view.class_size(stage, limit):g}"
            cells: list[Cell] = [both("school.smaller_row", stage=view.facts.short_name(stage), size=size)]
            for year in years:
                more, freed = view.smaller("more_posts", stage, limit, year), view.freed(stage, year)
                cells += [more, more / freed if freed >= 1 else None]
                cells.append(view.smaller("yuan_a_year", stage, limit, year) / 1e4)
                cells.append(view.smaller("more_rooms", stage, limit, year))
            rows.append(tuple(cells))
    standards = school_standards()
    step, wage = float(standards["smaller_class_step"].value), standards["yuan_per_post"].at([view.far])[0]
    note = both("school.smaller_note", step=f"{step:g}", step2=f"{2 * step:g}", now=view.now, wage=f"{wage:,.0f}")
    return Table(
        "school_smaller", both("school.smaller_table"), tuple(columns), tuple(rows), note, "assumed", folded=True
    )


def _special(view: View) -> Table | None:
    """Pupils with special needs of the whole by stage and setting."""
    stages = [stage for stage in SPECIAL if stage in view.stages]
    if not stages:
        return None
    columns = [Column(both("school.stage")), *(Column(year_of(year), "count") for year in view.marks)]
    own = view.held.special.sel({COUNTY: view.facts.area, YEAR: view.marks})
    rows: list[tuple[Cell, ...]] = []
    for stage in stages:
        name = view.facts.short_name(stage)
        for setting in SETTINGS:
            values = own.sel({SERVICE: stage, "setting": setting}).values.tolist()
            what = both("school.special_row", stage=name, setting=both(f"school.{setting}"))
            rows.append((what, *values))
    standards = school_standards()
    shares = {
        name: f"{_number(standards[SPECIAL[f'{name}_school']].at([view.now])):.3%}" for name in ("primary", "junior")
    }
    shares |= {
        name: f"{_number(standards[f'special_share_{name}'].at([view.now])):.1%}" for name in ("mainstream", "home")
    }
    title, note = both("school.special_table", area=view.facts.name), both("school.special_note", **shares)
    return Table(
        "school_special",
        title,
        tuple(columns),
        tuple(rows),
        note,
        basis_of_column(view, "pupils"),
        True,
        on_paper=False,
    )


def _number(values: list[float]) -> float:
    return float(values[0])


def _births(view: View) -> Table:
    """How much of the rolls hangs on births to come: per cent more pupils for one per cent more births."""
    years = [year for year in view.facts.years if year % 5 == 0 and year > view.facts.jump_off]
    columns = [Column(both("school.stage")), *(Column(year_of(year), "ratio") for year in years)]
    rows: list[tuple[Cell, ...]] = [
        (view.facts.short_name(stage), *(1 - view.whole("born", stage, year) for year in years))
        for stage in view.stages
    ]
    title = both("school.births_table", area=view.facts.name)
    note = both("school.births_note", jump_off=view.facts.jump_off)
    return Table("school_births", title, tuple(columns), tuple(rows), note, "derived", True, on_paper=False)
