"""Schools for an education bureau: at which stage, in which year how many places and posts are short or to spare, how
sure that is, why rolls fall, what that sets free, and whom planned places are for."""

from __future__ import annotations

import math
from collections.abc import Iterable

import xarray as xr

from forecast.basics.basis import BASES
from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.basics.text import Text, count, joined, percent
from forecast.basics.units import amount
from forecast.demand import FORMS
from forecast.demand.schools.needs import school_counts
from forecast.findings.causes import CAUSES, CREST
from forecast.region import basis_of
from forecast.report.against import odds, state
from forecast.report.chances import chance, gap_range
from forecast.report.chapter import Cell, Chapter, Chart, Column, Panel, Said, Table
from forecast.report.chapters.schools.phrases import signed, span_of, stages_in, year_of
from forecast.report.chapters.schools.tables import school_tables
from forecast.report.chapters.services import domain_chapter, service_sentences, service_table
from forecast.report.view import View
from forecast.report.view.school_view import SchoolView
from forecast.report.words import both

SURE = 0.9
"""Probability from which planned places are called idle almost surely."""

SAID_OF = ("pupils", "classes", "posts", "places", "supply")
"""Columns of the school table whose basis is told."""


def schools(view: View) -> Chapter | None:
    """The whole at one sight, then each stage in sentences, the counties, and the tables behind."""
    schools = view.schools
    if schools is None:
        return domain_chapter(view, "education")
    others = [
        name for name in view.services if view.run.models[name].domain == "education" and name not in schools.stages
    ]
    told = {
        stage: (*_stage(schools, stage), *service_sentences(view, stage, gap=stage not in schools.compared))
        for stage in schools.stages
    }
    told |= {name: tuple(service_sentences(view, name)) for name in others}
    behind = [service_table(view, name) for name in [*schools.stages, *others]]
    return Chapter(
        id="education",
        menu=both("menu.education"),
        title=_title(schools),
        opening=(_opening(schools),),
        sentences=tuple(_lead(schools)),
        by_service=told,
        charts=tuple(_charts(schools)),
        tables=(*school_tables(schools), *behind),
    )


# ---- the title and the first table -------------------------------------------------------------------------------


def _title(schools: SchoolView) -> Text:
    """Title: where gaps may be told the largest shortages and places to spare, else the change of all pupils; then posts
    fewer than now in the far year."""
    view, parts = schools.view, []
    for stage in schools.compared:
        year = schools.tightest(view.area, stage)
        if year is not None and view.meaning.lacks(view.area, stage, year):
            missing = view.curves.at("missing", view.area, stage, year)
            values = {
                "thing": view.names.thing(stage),
                "number": count(missing),
                "amount": view.names.amount(missing, stage),
            }
            parts.append(both("school.title_short", year=year, **values))
    spare = [stage for stage in schools.compared if view.meaning.spares(view.area, stage, schools.far)]
    if spare:
        stages = joined([view.names.short(stage) for stage in spare])
        total = sum(view.curves.at("idle", view.area, stage, schools.far) for stage in spare)
        parts.append(both("school.title_spare", year=schools.far, stages=stages, amount=amount(total, "places")))
    if not schools.compared and schools.far > schools.now:
        now, far = (
            sum(schools.whole("pupils", stage, year) for stage in schools.stages) for year in (schools.now, schools.far)
        )
        if now > 0 and math.isfinite(far):
            key = "school.title_pupils_fewer" if far < now else "school.title_pupils_more"
            shares = {"before": count(now), "after": count(far), "share": percent(abs(far / now - 1))}
            parts.append(both(key, now=schools.now, year=schools.far, **shares))
    freed = sum(schools.freed(stage, schools.far) for stage in schools.stages)
    needed = sum(schools.whole("posts", stage, schools.now) for stage in schools.stages)
    if math.isfinite(freed) and abs(freed) >= 1 and schools.far > schools.now:
        key = "school.title_posts_fewer" if freed > 0 else "school.title_posts_more"
        values = {"number": count(abs(freed)), "amount": amount(abs(freed), "posts")}
        parts.append(both(key, now=schools.now, year=schools.far, share=percent(freed / needed), **values))
    return both("school.title", parts=joined(parts, zh="；", en="; ")) if parts else both("school.title_plain")


def _opening(schools: SchoolView) -> Table:
    """A row for each stage: its crest, how need stands to places where that may be told, else pupils, and posts."""
    posts = _posts_group(schools)
    columns = [Column(both("school.stage")), Column(both("school.crest"))]
    columns += _gap_columns(schools) if schools.compared else _pupil_columns(schools)
    columns += [
        Column(both("school.posts_now", year=schools.now), "count", posts),
        Column(both("school.change"), "moved", posts),
        Column(both("school.range"), "text", posts),
    ]
    rows: list[tuple[Cell, ...]] = []
    for stage in schools.stages:
        cells: list[Cell] = [schools.view.names.short(stage), _crest(schools, stage)]
        cells += _gap_cells(schools, stage) if schools.compared else _pupil_cells(schools, stage)
        cells += [
            schools.whole("posts", stage, schools.now),
            -schools.freed(stage, schools.far),
            _posts_range(schools, stage),
        ]
        rows.append(tuple(cells))
    key = "school.opening" if schools.compared else "school.opening_pupils"
    basis = schools.gap_basis if schools.compared else schools.basis_of("pupils")
    return Table("school_now", both(key), tuple(columns), tuple(rows), both(f"{key}_note"), basis)


def _gap_columns(schools: SchoolView) -> list[Column]:
    worst = both("school.worst_group", first=schools.now, last=schools.last)
    columns = [
        Column(both("school.worst_year"), "year", worst),
        Column(both("school.gap"), "signed", worst),
        Column(both("school.p_short"), "chance", worst),
    ]
    for year in schools.marks[1:3]:
        group = both("school.places_in", year=year)
        columns += [Column(both("school.gap"), "signed", group), Column(both("school.range"), "text", group)]
    return columns


def _gap_cells(schools: SchoolView, stage: str) -> list[Cell]:
    """Empty where the stage's kind of supply allows no gap."""
    if stage not in schools.compared:
        return [None] * len(_gap_columns(schools))
    tightest = schools.tightest(schools.view.area, stage)
    cells: list[Cell] = [tightest]
    cells += [None, None] if tightest is None else [schools.gap(stage, tightest), schools.chance_short(stage, tightest)]
    for year in schools.marks[1:3]:
        cells += [schools.gap(stage, year), _gap_range(schools, stage, year)]
    return cells


def _pupil_columns(schools: SchoolView) -> list[Column]:
    group = both("school.pupils_group")
    columns = [Column(year_of(schools.now), "count", group)]
    for year in schools.marks[1:3]:
        columns += [Column(year_of(year), "count", group), Column(both("school.range"), "text", group)]
        columns.append(Column(both("school.against", year=schools.now), "change", group))
    return columns


def _pupil_cells(schools: SchoolView, stage: str) -> list[Cell]:
    now = schools.whole("pupils", stage, schools.now)
    cells: list[Cell] = [now]
    for year in schools.marks[1:3]:
        then, ends = schools.whole("pupils", stage, year), schools.ends("pupils", stage, year)
        within = None if ends is None else both("school.span", low=count(ends[0]), high=count(ends[1]))
        cells += [then, within, then / now - 1 if now > 0 else None]
    return cells


def _posts_group(schools: SchoolView) -> Text:
    return both("school.posts_group", now=schools.now, year=schools.far)


def _crest(schools: SchoolView, stage: str) -> Text:
    """Year and height of the last crest of children born by now."""
    crest = schools.view.meaning.crest(schools.view.area, stage)
    return Text("–", "–") if crest is None else both("school.crest_cell", year=crest.year, height=count(crest.height))


def _gap_range(schools: SchoolView, stage: str, year: int) -> Text | None:
    if not schools.view.many or not math.isfinite(schools.gap(stage, year)):
        return None
    return span_of(*schools.view.odds.band("gap_quantile", schools.view.area, stage, year))


def _posts_range(schools: SchoolView, stage: str) -> Text | None:
    """The 80 % range of the change of posts until the far year, from what is needed now by the scenario."""
    ends, now = schools.ends("posts", stage, schools.far), schools.whole("posts", stage, schools.now)
    return None if ends is None else span_of(ends[0] - now, ends[1] - now)


# ---- sentences of the whole --------------------------------------------------------------------------------------


def _lead(schools: SchoolView) -> list[Text]:
    view = schools.view
    sentences = [*_audit_sentences(schools), *_teacher_sentences(schools)]
    origin = view.curves.by_service("ratio_origin")
    national = [view.names.short(stage) for stage in schools.stages if origin.get(stage) == "model"]
    if national:
        sentences.append(both("school.national", stages=joined(national)))
    sentences += _how_pupils_were_found(schools)
    bare = [view.names.short(stage) for stage in schools.stages if not view.curves.has_supply(stage)]
    if bare:
        sentences.append(both("school.no_supply", stages=joined(bare)))
    sentences.append(
        both("school.bases", parts=joined(_bases(schools, len(bare) < len(schools.stages)), zh="；", en="; "))
    )
    return sentences


def _how_pupils_were_found(schools: SchoolView) -> list[Text]:
    """One sentence for each form, and in which years rolls were counted."""
    view = schools.view
    origin, form = (view.curves.by_service(name) for name in ("ratio_origin", "form"))
    counted = [stage for stage in schools.stages if origin.get(stage) == "region"]
    sentences = []
    for name in FORMS:
        of_form = [view.names.short(stage) for stage in counted if form.get(stage) == name]
        if of_form:
            sentences.append(both(f"school.form_{name}", stages=joined(of_form)))
    spans = [
        both("school.counted_span", stage=view.names.short(stage), first=years[0], last=years[-1])
        for stage in counted
        if (years := view.curves.observed(stage).index.tolist())
    ]
    return [*sentences, both("school.counted", spans=joined(spans))] if spans else sentences


def _bases(schools: SchoolView, supplied: bool) -> list[Text]:
    """A part for each basis (published, derived, assumed) with the columns that rest on it."""
    bases = {name: schools.basis_of(name) for name in SAID_OF if name != "supply" or supplied}
    return [
        both("school.base", basis=both(f"badge.{basis}"), what=joined([both(f"school.{name}_name") for name in names]))
        for basis in BASES
        if (names := [name for name in bases if bases[name] == basis])
    ]


def _teacher_sentences(schools: SchoolView) -> list[Text]:
    """Teachers of the whole as last counted beside the posts of all staff that the standards ask for: not the same thing, so
    one is never taken from the other."""
    table, sentences = schools.held.teachers, []
    for (place, kinds), rows in table[table[COUNTY] == schools.view.area].groupby([COUNTY, SERVICE], sort=False):
        by_year = rows.set_index(YEAR)
        low, high = float(by_year.at[schools.far, "posts_p10"]), float(by_year.at[schools.far, "posts_p90"])
        within = both("sure.within", low=count(low), high=count(high)) if math.isfinite(low) else Text("", "")
        sentences.append(
            both(
                "school.teachers",
                place=schools.view.names.places[str(place)],
                stages=stages_in(schools, str(kinds)),
                counted=int(by_year["counted_in"].iloc[0]),
                number=count(float(by_year["teachers"].iloc[0])),
                now=schools.now,
                a=count(float(by_year.at[schools.now, "posts"])),
                year=schools.far,
                b=count(float(by_year.at[schools.far, "posts"])),
                within=within,
            )
        )
    return sentences


def _audit_sentences(schools: SchoolView) -> list[Text]:
    return [_audit_sentence(schools, stage) for stage in schools.audits]


def _audit_sentence(schools: SchoolView, stage: str) -> Text:
    """Largest use of the planned places, the year from which they stand empty, and its chance."""
    view, audit = schools.view, schools.audits[stage]
    ahead = audit.sel({YEAR: slice(schools.now, schools.last)})
    used = (ahead["added"] - ahead["idle"]).to_series()
    added = audit["added"].to_series()
    grows = added.diff().fillna(added.iloc[0]) > 0
    values = {
        "thing": view.names.thing(stage),
        "added": view.names.amount(float(added.max()), stage),
        "number": count(float(added.max())),
        "first": int(grows[grows].index[0]),
        "last": int(grows[grows].index[-1]),
        "assumed": _assumed(schools, stage),
        "empty": _empty(schools, stage, ahead) if stage in schools.compared else both("school.audit_held"),
    }
    if used.max() < 1:
        year = int(ahead["p_idle"].to_series().fillna(1.0).idxmin())
        values |= {
            "existing": view.names.amount(float(ahead["existing"].sel({YEAR: year})), stage),
            "from_": schools.now,
            "to": schools.last,
        }
        return both("school.audit_none", odds=_idle_odds(schools, ahead, [year]), **values)
    peak = int(used.idxmax())
    lasts = float(ahead["for_lasting"].sel({YEAR: peak}))
    lasting = both(
        "school.audit_lasting" if lasts >= 0.5 else "school.audit_no_lasting",
        window=int(view.run.flags.classes["window"].sel({SERVICE: stage})),
        amount=view.names.amount(lasts, stage),
    )
    used_most = view.names.amount(float(used.max()), stage)
    return both("school.audit_some", peak=peak, used=used_most, lasting=lasting, idle=_idle(schools, ahead), **values)


def _assumed(schools: SchoolView, stage: str) -> Text:
    """Number of planned places that rest on an assumption, by the sources of their lines."""
    region = schools.view.run.region
    if not region.has("projects"):
        return Text("", "")
    rows = region.table("projects")
    rows = rows[rows[SERVICE] == stage]
    capacities = [
        float(row.capacity)
        for row in rows.itertuples()
        if basis_of(region, "projects", service=stage, name=str(row.name), year=int(row.year)) == "assumed"
    ]
    if not capacities:
        return Text("", "")
    all_of_it = len(capacities) == len(rows)
    return both("school.audit_all_assumed" if all_of_it else "school.audit_assumed", number=count(sum(capacities)))


def _empty(schools: SchoolView, stage: str, ahead: xr.Dataset) -> Text:
    """All places that stand empty in the far year, with their range."""
    gap = schools.gap(stage, schools.far)
    if not schools.view.many:
        return both(
            "school.audit_empty", year=schools.far, amount=schools.view.names.amount(max(gap, 0.0), stage), range=""
        )
    ranged = both("school.audit_range", range=gap_range(schools.view, schools.view.area, stage, schools.far))
    return both(
        "school.audit_empty", year=schools.far, amount=schools.view.names.amount(max(gap, 0.0), stage), range=ranged
    )


def _idle(schools: SchoolView, ahead: xr.Dataset) -> Text:
    """From when on not one of the new places is needed; nothing where that does not come."""
    idle = (ahead["idle"] >= ahead["added"] - 0.5).to_series()
    since = [year for year in idle.index if idle.loc[year:].all()]
    if not since:
        return Text("", "")
    sure = [int(year) for year, odds in ahead["p_idle"].to_series().items() if odds >= SURE and year > since[0]]
    return both("school.audit_idle", year=int(since[0]), odds=_idle_odds(schools, ahead, [int(since[0]), *sure[:1]]))


def _idle_odds(schools: SchoolView, ahead: xr.Dataset, years: list[int]) -> Text:
    if not schools.view.many:
        return Text("", "")
    told = [chance(float(ahead["p_idle"].sel({YEAR: year})), schools.view.trajectories) for year in years]
    if len(years) == 1:
        return both("school.audit_odds", year=years[0], chance=told[0])
    return both("school.audit_odds_two", year=years[0], chance=told[0], year2=years[1], chance2=told[1])


# ---- sentences of a stage ----------------------------------------------------------------------------------------


def _stage(schools: SchoolView, stage: str) -> list[Text]:
    parts = (
        _places(schools, stage),
        _posts(schools, stage),
        _classes(schools, stage),
        _smaller_sentence(schools, stage),
        _why(schools, stage),
        _money(schools, stage),
        _average(schools, stage),
    )
    return [part for part in parts if part]


def _places(schools: SchoolView, stage: str) -> Text | None:
    """The tightest year and the far year, gross before net, where gaps may be told."""
    view = schools.view
    year = schools.tightest(view.area, stage) if stage in schools.compared else None
    if year is None:
        return None
    told = [("school.tightest", year)] + [("school.in_far", schools.far)] * (schools.far != year)
    parts = [
        both(key, year=when, state=words, odds=odds(view, view.area, stage, when))
        for key, when in told
        if (words := state(view, view.area, stage, when))
    ]
    text = joined(parts, zh="；", en="; ")
    return Text(text.zh + "。", text.en + ".")


def _posts(schools: SchoolView, stage: str) -> Text | None:
    now, far = (schools.whole("posts", stage, year) for year in (schools.now, schools.far))
    if not (now > 0 and far > 0) or schools.far == schools.now:
        return None
    rate = abs((far / now) ** (1 / (schools.far - schools.now)) - 1)
    load = schools.whole("pupils", stage, schools.now) / now
    return both(
        "school.posts_fewer" if far < now else "school.posts_more",
        load=f"{load:g}",
        now=schools.now,
        year=schools.far,
        a=count(now),
        b=count(far),
        c=count(abs(now - far)),
        within=schools.within("posts", stage, schools.far),
        rate=f"{rate:.1%}",
    )


def _classes(schools: SchoolView, stage: str) -> Text | None:
    now, far = (schools.whole("classes", stage, year) for year in (schools.now, schools.far))
    if not (math.isfinite(now) and math.isfinite(far)):
        return None
    half = 0.5 * float(schools.held.table["school_grades"].sel({COUNTY: schools.view.area, SERVICE: stage}))
    loss = both("school.loss", n=count(half)) if half >= 1 else Text("", "")
    size = f"{schools.class_size(stage, 0):g}"
    within = schools.within("classes", stage, schools.far)
    return both(
        "school.classes",
        size=size,
        loss=loss,
        now=schools.now,
        year=schools.far,
        a=count(now),
        b=count(far),
        within=within,
    )


def _smaller_sentence(schools: SchoolView, stage: str) -> Text | None:
    """Posts set free that smaller classes would take up, and their cost."""
    freed = schools.freed(stage, schools.far)
    posts = [schools.smaller("more_posts", stage, limit, schools.far) for limit in (1, 2)]
    if not (freed >= 1 and all(map(math.isfinite, posts))):
        return None
    yuan = [schools.smaller("yuan_a_year", stage, limit, schools.far) for limit in (1, 2)]
    lacking = schools.smaller("more_rooms", stage, 2, schools.far)
    sizes = {f"s{limit}": f"{schools.class_size(stage, limit):g}" for limit in (0, 1, 2)}
    key = "rooms_unknown" if not math.isfinite(lacking) else "rooms_lack" if lacking >= 1 else "rooms_enough"
    rooms = both(f"school.{key}", s2=sizes["s2"], n=count(lacking) if key == "rooms_lack" else "")
    values = {f"m{k}": count(number) for k, number in enumerate(posts, 1)} | {
        f"y{k}": count(number) for k, number in enumerate(yuan, 1)
    }
    shares = {f"p{k}": percent(number / freed) for k, number in enumerate(posts, 1)}
    return both("school.smaller", year=schools.far, rooms=rooms, **sizes, **values, **shares)


def _why(schools: SchoolView, stage: str) -> Text | None:
    """From the crest to the lowest roll after it: the steps that act, the largest first."""
    changes = schools.held.changes
    falls = changes[(changes[COUNTY] == schools.view.area) & (changes[SERVICE] == stage) & (changes["period"] == CREST)]
    if falls.empty:
        return None
    row = falls.iloc[0]
    sizes = {step: float(row[step]) for step in CAUSES}
    acting = sorted((step for step in sizes if abs(sizes[step]) >= 0.5), key=lambda step: -abs(sizes[step]))
    parts = [both("school.part", step=both(f"step.{step}"), size=signed(sizes[step])) for step in acting]
    return both(
        "school.why",
        first=int(row["first"]),
        before=count(float(row["before"])),
        last=int(row["last"]),
        after=count(float(row["after"])),
        change=_people(float(row["before"] - row["after"])),
        parts=joined(parts),
    )


def _people(number: float) -> Text:
    return Text(f"{count(number).zh}人", count(number).en)


def _money(schools: SchoolView, stage: str) -> Text | None:
    allowance = schools.view.run.models[stage].service.running_cost
    if not allowance:
        return None
    a, b = (schools.whole("yuan", stage, year) for year in (schools.now, schools.far))
    rate = schools.standards[allowance].at([schools.now])[0]
    return both("school.money", rate=f"{rate:g}", now=schools.now, a=count(a), year=schools.far, b=count(b))


def _average(schools: SchoolView, stage: str) -> Text | None:
    """Pupils of a school on average, where the whole's schools are counted."""
    schools_counted = school_counts(schools.view.run.region).get((schools.view.area, stage))
    if schools_counted is None or schools_counted[0] < 1:
        return None
    number, counted = schools_counted
    a, b = (schools.whole("pupils", stage, year) / number for year in (schools.now, schools.far))
    return both(
        "school.average", counted=counted, n=count(number), now=schools.now, a=count(a), year=schools.far, b=count(b)
    )


# ---- charts ------------------------------------------------------------------------------------------------------


def _with_still(schools: SchoolView, note: Text) -> Text:
    """The note, and which steps do not change in this scenario."""
    still = [both(f"step.{step}") for step in CAUSES if step not in schools.acting]
    addition = both("school.still", steps=joined(still))
    return Text(note.zh + addition.zh, f"{note.en} {addition.en}") if still else note


def _charts(schools: SchoolView) -> Iterable[Chart]:
    view = schools.view
    weakest = view.bases.weakest_gap
    panels = tuple(Panel(view.names.short(stage), {"service": stage}) for stage in schools.stages)
    note = both("chart.school_waves.note", year=view.outlook_year)
    yield Chart(
        "school_waves",
        "panel",
        both("chart.school_waves.title"),
        note,
        ("place",),
        panels,
        by_place=True,
        basis=weakest,
        told="gap",
        folded=True,
        of_need=Said(both("chart.school_waves.title"), both("chart.school_waves.of_need")),
    )
    if (schools.held.changes["period"] == CREST).any():
        title, note = both("chart.changes.title"), _with_still(schools, both("chart.changes.note"))
        yield Chart("changes", "changes", title, note, ("place",), by_place=True, basis="derived")
    title, note = both("chart.posts.title"), both("chart.posts.note")
    yield Chart("posts", "posts", title, note, ("place",), by_place=True, basis="derived", folded=True)
    plans = tuple(Panel(view.names.short(stage), {"service": stage}) for stage in schools.audits)
    if plans:
        title, note = both("chart.planned.title"), both("chart.planned.note")
        yield Chart("planned", "planned", title, note, panels=plans, basis=weakest, pages=True, folded=True)
