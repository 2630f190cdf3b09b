"""The tables of the chapter on schools."""

from __future__ import annotations

import math

from forecast.basics.basis import weakest
from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.basics.text import Text, count, percent, same
from forecast.basics.tolerance import TOLERANCE
from forecast.demand.schools.special_education import SETTINGS
from forecast.report.chances import chance
from forecast.report.chapter import Cell, Column, Table
from forecast.report.chapters.schools.phrases import stages_in, year_of
from forecast.report.view.school_view import SchoolView
from forecast.report.words import both


def school_tables(schools: SchoolView) -> list[Table]:
    """Behind the sentences: counties, teachers, planned places, why rolls change, smaller classes, needs, posts,
    special education, and how much hangs on births to come; those with nothing to show are left out."""
    tables = [
        _by_county(schools),
        _teachers(schools),
        *(_audit_table(schools, stage) for stage in schools.audits),
        _changes(schools),
        _smaller(schools),
        _needs(schools),
        _posts_by_county(schools),
        _special(schools),
        _births(schools),
    ]
    return [table for table in tables if table is not None]


def _by_county(schools: SchoolView) -> Table:
    """Each county's tightest year by stage, with the probability of a shortage, and the gap of the far year; where no
    county's gap may be told the pupils of each and their change until the far year."""
    view = schools.view
    supplied = [stage for stage in schools.stages if view.kinds.by_county(stage) and view.curves.has_gap(stage)]
    if not supplied:
        return _pupils_by_county(schools)
    columns = [Column(both("table.place"))]
    for stage in supplied:
        group = view.names.short(stage)
        columns += [Column(both("school.worst_column"), "text", group), Column(year_of(schools.far), "signed", group)]
    rows: list[tuple[Cell, ...]] = []
    for place in [*view.counties, view.area]:
        cells: list[Cell] = [view.names.places[place]]
        for stage in supplied:
            told = view.kinds.words(place, stage) == "gap"
            far = view.curves.at("gap", place, stage, schools.far) if told else None
            cells += [_tightest_cell(schools, place, stage) if told else None, far]
        rows.append(tuple(cells))
    note = both("school.by_county_note", first=schools.now, last=schools.last, tolerance=percent(TOLERANCE))
    title = both("school.by_county", year=schools.far)
    return Table("school_counties", title, tuple(columns), tuple(rows), note, schools.gap_basis)


def _pupils_by_county(schools: SchoolView) -> Table:
    view = schools.view
    columns = [Column(both("table.place"))]
    for stage in schools.stages:
        group = view.names.short(stage)
        columns += [
            Column(year_of(schools.now), "count", group),
            Column(both("school.until", year=schools.far), "change", group),
        ]
    rows: list[tuple[Cell, ...]] = []
    for place in [*view.counties, view.area]:
        cells: list[Cell] = [view.names.places[place]]
        for stage in schools.stages:
            now, far = (schools.at("pupils", place, stage, year) for year in (schools.now, schools.far))
            cells += [now, far / now - 1 if now > 0 else None]
        rows.append(tuple(cells))
    title = both("school.pupils_by_county", now=schools.now, year=schools.far)
    note = both("school.pupils_by_county_note")
    return Table("school_counties", title, tuple(columns), tuple(rows), note, schools.basis_of("pupils"))


def _tightest_cell(schools: SchoolView, place: str, stage: str) -> Text | None:
    view, year = schools.view, schools.tightest(place, stage)
    if year is None:
        return None
    gap, odds = view.curves.at("gap", place, stage, year), Text("", "")
    if view.many:
        told = chance(view.odds.chance("p_short", place, stage, year), view.trajectories, brief=True)
        odds = both("school.cell_odds", chance=told)
    if view.meaning.balanced(place, stage, year):
        return both("school.cell_even", year=year, odds=odds)
    if gap > 0:
        return both("school.cell_spare")
    return both("school.cell_short", year=year, amount=count(abs(gap)), odds=odds)


def _needs(schools: SchoolView) -> Table:
    """Stages by what they need, in the years told, with the range of the far year."""
    years = [schools.view.jump_off, *schools.marks] if schools.now > schools.view.jump_off else schools.marks
    columns = [Column(both("school.what")), *(Column(year_of(year), "count") for year in years)]
    columns.append(Column(both("school.low_high", year=schools.far)))
    rows: list[tuple[Cell, ...]] = []
    for stage in schools.stages:
        for name in ("pupils", "classes", "places", "floor_area", "posts", "yuan"):
            values = [schools.whole(name, stage, year) / (1e4 if name == "yuan" else 1) for year in years]
            if not all(map(math.isfinite, values)):
                continue
            ends = (
                schools.ends(name, stage, schools.far)
                if schools.held.bands is not None and name in schools.held.bands
                else None
            )
            spread = None if ends is None else both("school.span", low=count(ends[0]), high=count(ends[1]))
            what = both("school.row", stage=schools.view.names.short(stage), what=both(f"school.{name}_row"))
            rows.append((what, *values, spread))
    spare = percent(float(schools.standards["spare_places"].value))
    title, note = both("school.needs", area=schools.view.names.whole), both("school.needs_note", spare=spare)
    basis = weakest(*(schools.basis_of(name) for name in ("pupils", "classes", "places", "posts")))
    return Table("school_needs", title, tuple(columns), tuple(rows), note, basis, folded=True)


def _posts_by_county(schools: SchoolView) -> Table:
    """Posts needed in the year of the decision and the change until the far year, by county and stage."""
    view, groups = schools.view, [*map(schools.view.names.short, schools.stages), both("school.total")]
    columns = [Column(both("table.place"))]
    for group in groups:
        columns += [Column(year_of(schools.now), "count", group), Column(both("school.change"), "moved", group)]
    rows: list[tuple[Cell, ...]] = []
    for place in [*view.counties, view.area]:
        now, far = (
            [schools.at("posts", place, stage, year) for stage in schools.stages] for year in (schools.now, schools.far)
        )
        pairs = [*zip(now, far, strict=True), (sum(now), sum(far))]
        rows.append((view.names.places[place], *(cell for a, b in pairs for cell in (a, b - a))))
    title = both("school.posts_table", now=schools.now, year=schools.far)
    note, basis = both("school.posts_note"), schools.basis_of("posts")
    return Table("school_posts", title, tuple(columns), tuple(rows), note, basis, folded=True)


def _teachers(schools: SchoolView) -> Table | None:
    """Teachers counted, and posts of all staff needed in the years told; a row for each place and kind of schools."""
    view, table = schools.view, schools.held.teachers
    table = table[table[COUNTY].isin(view.places)]
    if table.empty:
        return None
    columns = [Column(both("table.place")), Column(both("school.counted_in"), "year")]
    columns.append(Column(both("school.teachers_column"), "count"))
    years = sorted({schools.now, schools.far})
    columns += [Column(both("school.posts_in", year=year), "count") for year in years]
    columns.append(Column(both("school.low_high", year=schools.far)))
    rows: list[tuple[Cell, ...]] = []
    for (place, kinds), of_kind in table.groupby([COUNTY, SERVICE], sort=False):
        by_year, number = of_kind.set_index(YEAR), float(of_kind["teachers"].iloc[0])
        low, high = (float(by_year.at[schools.far, end]) for end in ("posts_p10", "posts_p90"))
        name = both("school.place_stage", place=view.names.places[str(place)], stages=stages_in(schools, str(kinds)))
        cells: list[Cell] = [name, int(of_kind["counted_in"].iloc[0]), number]
        cells += [float(by_year.at[year, "posts"]) for year in years]
        within = both("school.span", low=count(low), high=count(high)) if math.isfinite(low) else None
        rows.append((*cells, within))
    title, note = both("school.teachers_table"), both("school.teachers_note")
    return Table("school_teachers", title, tuple(columns), tuple(rows), note, "assumed")


def _audit_table(schools: SchoolView, stage: str) -> Table:
    view, audit = schools.view, schools.audits[stage]
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
        *([Column(both("school.audit_all"), "signed")] if stage in schools.compared else []),
    )
    years = [year for year in range(schools.now, schools.last + 1) if year in audit[YEAR].values]
    names = ("existing", "added", "for_lasting", "for_crest", "idle")
    cells = {name: dict(zip(audit[YEAR].values.tolist(), audit[name].values.tolist(), strict=True)) for name in audit}
    rows: list[tuple[Cell, ...]] = []
    for year in years:
        ends = schools.ends("pupils", stage, year)
        spread = None if ends is None else both("school.span", low=count(ends[0]), high=count(ends[1]))
        gap = cells["existing"][year] + cells["added"][year] - cells["need"][year]
        odds = cells["p_idle"][year] if view.many else None
        last = [gap] if stage in schools.compared else []
        rows.append((same(year), cells["need"][year], spread, *(cells[name][year] for name in names), odds, *last))
    window = int(view.run.flags.classes["window"].sel({SERVICE: stage}))
    title, note = both("school.audit_table", thing=view.names.thing(stage)), both("school.audit_note", window=window)
    return Table(
        f"audit_{stage}", title, columns, tuple(rows), note, view.bases.gap(stage), folded=True, on_paper=False
    )


def _changes(schools: SchoolView) -> Table | None:
    """Steps that change the rolls of the whole, over every period."""
    view, table = schools.view, schools.held.changes
    of_whole = table[table[COUNTY] == view.area]
    if of_whole.empty:
        return None
    columns = [
        Column(both("school.stage")),
        Column(both("school.before"), "count"),
        Column(both("school.after"), "count"),
    ]
    columns += [
        Column(both("school.change"), "moved"),
        *(Column(both(f"step.{step}"), "moved") for step in schools.acting),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            both(
                "school.span_row",
                stage=view.names.short(str(row[SERVICE])),
                first=int(row["first"]),
                last=int(row["last"]),
            ),
            float(row["before"]),
            float(row["after"]),
            float(row["after"] - row["before"]),
            *(float(row[step]) for step in schools.acting),
        )
        for row in of_whole.to_dict("records")
    ]
    title, note = both("school.changes_table", area=view.names.whole), both("school.changes_note")
    return Table("school_changes", title, tuple(columns), tuple(rows), note, schools.basis_of("pupils"), folded=True)


def _smaller(schools: SchoolView) -> Table | None:
    """Posts, yuan and rooms for classes smaller by one and two steps, in the years told after the decision."""
    years = schools.marks[1:]
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
    for stage in schools.stages:
        for limit in (1, 2):
            size = f"{schools.class_size(stage, limit):g}"
            cells: list[Cell] = [both("school.smaller_row", stage=schools.view.names.short(stage), size=size)]
            for year in years:
                posts, freed = schools.smaller("more_posts", stage, limit, year), schools.freed(stage, year)
                cells += [posts, posts / freed if freed >= 1 else None]
                cells.append(schools.smaller("yuan_a_year", stage, limit, year) / 1e4)
                cells.append(schools.smaller("more_rooms", stage, limit, year))
            rows.append(tuple(cells))
    standards = schools.standards
    step, wage = float(standards["smaller_class_step"].value), standards["yuan_per_post"].at([schools.far])[0]
    note = both("school.smaller_note", step=f"{step:g}", step2=f"{2 * step:g}", now=schools.now, wage=f"{wage:,.0f}")
    return Table(
        "school_smaller", both("school.smaller_table"), tuple(columns), tuple(rows), note, "assumed", folded=True
    )


def _special(schools: SchoolView) -> Table | None:
    """Pupils with special needs of the whole by stage and setting."""
    stages = schools.held.special[SERVICE].values.tolist()
    if not stages:
        return None
    columns = [Column(both("school.stage")), *(Column(year_of(year), "count") for year in schools.marks)]
    of_whole = schools.held.special.sel({COUNTY: schools.view.area, YEAR: schools.marks})
    rows: list[tuple[Cell, ...]] = []
    for stage in stages:
        name = schools.view.names.short(stage)
        for setting in SETTINGS:
            values = of_whole.sel({SERVICE: stage, "setting": setting}).values.tolist()
            what = both("school.special_row", stage=name, setting=both(f"school.{setting}"))
            rows.append((what, *values))
    standards = schools.standards
    shares = {
        name: f"{_number(standards[f'special_prevalence_{name}'].at([schools.now])):.3%}"
        for name in ("primary", "junior")
    }
    shares |= {
        name: f"{_number(standards[f'special_share_{name}'].at([schools.now])):.1%}" for name in ("mainstream", "home")
    }
    title, note = both("school.special_table", area=schools.view.names.whole), both("school.special_note", **shares)
    return Table(
        "school_special",
        title,
        tuple(columns),
        tuple(rows),
        note,
        schools.basis_of("pupils"),
        True,
        on_paper=False,
    )


def _number(values: list[float]) -> float:
    return float(values[0])


def _births(schools: SchoolView) -> Table:
    """Per cent more pupils for one per cent more births to come, by stage, every fifth year."""
    years = [year for year in schools.view.years if year % 5 == 0 and year > schools.view.jump_off]
    columns = [Column(both("school.stage")), *(Column(year_of(year), "ratio") for year in years)]
    rows: list[tuple[Cell, ...]] = [
        (schools.view.names.short(stage), *(1 - schools.whole("born", stage, year) for year in years))
        for stage in schools.stages
    ]
    title = both("school.births_table", area=schools.view.names.whole)
    note = both("school.births_note", jump_off=schools.view.jump_off)
    return Table("school_births", title, tuple(columns), tuple(rows), note, "derived", True, on_paper=False)
