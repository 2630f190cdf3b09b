"""Schools for an education bureau: at which stage, in which year how many places and posts are short or to spare, how
sure that is, why rolls fall, what that sets free, and whom planned places are for."""

from __future__ import annotations

import math
from collections.abc import Iterable

import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.demand.schools.changes import ROLL_STEPS
from forecast.demand.schools.class_sizes import school_standards
from forecast.demand.schools.needs import RUNNING_COST, school_counts
from forecast.findings.levels import BALANCED_IN_WORDS
from forecast.findings.schools import CREST
from forecast.region import basis_of
from forecast.report.chances import chance, gap_range, least_per_cent, likelihood
from forecast.report.chapter import Cell, Chapter, Chart, Column, Panel, Table
from forecast.report.chapters.schools.tables import school_tables
from forecast.report.chapters.schools.view import (
    View,
    audit_of,
    audited,
    basis_of_column,
    gap_basis,
    gap_of,
    odds_of,
    signed,
    span_of,
    stages_in,
)
from forecast.report.chapters.services import domain_chapter, service_sentences, service_table
from forecast.report.headline import counties_short
from forecast.report.view.facts import RANK, Facts
from forecast.report.words import Text, amount, both, count, joined, percent

SURE = 0.9
"""Probability from which planned places are called idle almost surely."""

BASES = ("pupils", "classes", "posts", "places", "supply")
"""Columns of the school table whose basis is told."""


def schools(facts: Facts) -> Chapter | None:
    """The whole at one sight, then each stage in sentences, the counties, and the tables behind."""
    held = facts.run.schools
    if held is None:
        return domain_chapter(facts, "education")
    view = View(facts, held)
    others = [
        name for name in facts.services if facts.run.models[name].domain == "education" and name not in view.stages
    ]
    told = {stage: (*_stage(view, stage), *service_sentences(facts, stage, gap=False)) for stage in view.stages}
    told |= {name: tuple(service_sentences(facts, name)) for name in others}
    behind = [service_table(facts, name) for name in [*view.stages, *others]]
    return Chapter(
        id="education",
        menu=both("menu.education"),
        title=_title(view),
        opening=(_opening(view),),
        sentences=tuple(_lead(view)),
        by_service=told,
        charts=tuple(_charts(view)),
        tables=(*school_tables(view), *behind),
    )


# ---- the title and the first table -------------------------------------------------------------------------------


def _title(view: View) -> Text:
    """What is short at worst, what is to spare and how many posts fewer are needed in the far year."""
    facts, parts = view.facts, []
    for stage in view.stages:
        year = view.tightest(facts.area, stage)
        if year is not None and facts.relative_gap(stage).at[facts.area, year] < -BALANCED_IN_WORDS:
            gap = facts.at("gap", facts.area, stage, year)
            said = {"thing": facts.thing(stage), "number": count(abs(gap)), "amount": facts.amount(gap, stage)}
            parts.append(both("school.title_short", year=year, **said))
    spare = [stage for stage in view.stages if _spare(view, stage) > 0]
    if spare:
        stages = joined([facts.short_name(stage) for stage in spare])
        total = sum(_spare(view, stage) for stage in spare)
        parts.append(both("school.title_spare", year=view.far, stages=stages, amount=amount(total, "places")))
    freed = sum(view.freed(stage, view.far) for stage in view.stages)
    needed = sum(view.whole("posts", stage, view.now) for stage in view.stages)
    if math.isfinite(freed) and abs(freed) >= 1 and view.far > view.now:
        key = "school.title_posts_fewer" if freed > 0 else "school.title_posts_more"
        said = {"number": count(abs(freed)), "amount": amount(abs(freed), "posts")}
        parts.append(both(key, now=view.now, year=view.far, share=percent(freed / needed), **said))
    return both("school.title", parts=joined(parts, zh="；", en="; ")) if parts else both("school.title_plain")


def _spare(view: View, stage: str) -> float:
    """Places to spare in the far year, 0 where supply and demand are close or not known."""
    gap = view.facts.at("gap", view.facts.area, stage, view.far)
    close = view.facts.balanced(view.facts.area, stage, view.far)
    return gap if math.isfinite(gap) and gap > 0 and not close else 0.0


def _opening(view: View) -> Table:
    facts, years = view.facts, view.marks[1:3]
    worst, posts = both("school.worst_group", first=view.now, last=view.last), _posts_group(view)
    columns = [
        Column(both("school.stage")),
        Column(both("school.crest")),
        Column(both("school.worst_year"), "year", worst),
        Column(both("school.gap"), "signed", worst),
        Column(both("school.p_short"), "chance", worst),
    ]
    for year in years:
        group = both("school.places_in", year=year)
        columns += [Column(both("school.gap"), "signed", group), Column(both("school.range"), "text", group)]
    columns += [
        Column(both("school.posts_now", year=view.now), "count", posts),
        Column(both("school.change"), "moved", posts),
        Column(both("school.range"), "text", posts),
    ]
    rows: list[tuple[Cell, ...]] = []
    for stage in view.stages:
        tightest = view.tightest(facts.area, stage)
        cells: list[Cell] = [facts.short_name(stage), _crest(view, stage), tightest]
        cells += [None, None] if tightest is None else [gap_of(view, stage, tightest), odds_of(view, stage, tightest)]
        for one in years:
            cells += [gap_of(view, stage, one), _gap_range(view, stage, one)]
        cells += [view.whole("posts", stage, view.now), -view.freed(stage, view.far), _posts_range(view, stage)]
        rows.append(tuple(cells))
    title, note = both("school.opening"), both("school.opening_note")
    return Table("school_now", title, tuple(columns), tuple(rows), note, gap_basis(view))


def _posts_group(view: View) -> Text:
    return both("school.posts_group", now=view.now, year=view.far)


def _crest(view: View, stage: str) -> Text:
    """Year and height of the last crest of children born by now."""
    crest = view.facts.crest(view.facts.area, stage)
    return Text("–", "–") if crest is None else both("school.crest_cell", year=crest.year, height=count(crest.height))


def _gap_range(view: View, stage: str, year: int) -> Text | None:
    if not view.facts.many or not math.isfinite(gap_of(view, stage, year)):
        return None
    return span_of(*view.facts.band("gap_quantile", view.facts.area, stage, year))


def _posts_range(view: View, stage: str) -> Text | None:
    """The 80 % range of the change of posts until the far year, from what is needed now by the scenario."""
    ends, now = view.ends("posts", stage, view.far), view.whole("posts", stage, view.now)
    return None if ends is None else span_of(ends[0] - now, ends[1] - now)


# ---- sentences of the whole --------------------------------------------------------------------------------------


def _lead(view: View) -> list[Text]:
    facts = view.facts
    found = [*_audit_sentences(view), *_teacher_sentences(view)]
    origin = facts.says("ratio_origin")
    national = [facts.short_name(stage) for stage in view.stages if origin.get(stage) == "model"]
    if national:
        found.append(both("school.national", stages=joined(national)))
    bare = [facts.short_name(stage) for stage in view.stages if not facts.has_supply(stage)]
    if bare:
        found.append(both("school.no_supply", stages=joined(bare)))
    found.append(both("school.bases", parts=joined(_bases(view, len(bare) < len(view.stages)), zh="；", en="; ")))
    return found


def _bases(view: View, supplied: bool) -> list[Text]:
    """Which columns are published, which derived, which assumed."""
    bases = {name: basis_of_column(view, name) for name in BASES if name != "supply" or supplied}
    return [
        both("school.base", basis=both(f"badge.{basis}"), what=joined([both(f"school.{name}_name") for name in own]))
        for basis in RANK
        if (own := [name for name in bases if bases[name] == basis])
    ]


def _teacher_sentences(view: View) -> list[Text]:
    """Teachers of the whole as last counted against the posts that the far year asks for."""
    table, found = view.held.teachers, []
    for (place, kinds), rows in table[table[COUNTY] == view.facts.area].groupby([COUNTY, SERVICE], sort=False):
        own = rows.set_index(YEAR)
        gap = float(own.at[view.far, "post_gap"])
        low, high = float(own.at[view.far, "posts_p10"]), float(own.at[view.far, "posts_p90"])
        within = both("sure.within", low=count(low), high=count(high)) if math.isfinite(low) else Text("", "")
        found.append(
            both(
                "school.teachers",
                place=view.facts.place_names[str(place)],
                stages=stages_in(view, str(kinds)),
                counted=int(own["counted_in"].iloc[0]),
                number=count(float(own["teachers"].iloc[0])),
                now=view.now,
                a=count(float(own.at[view.now, "posts"])),
                year=view.far,
                b=count(float(own.at[view.far, "posts"])),
                within=within,
                gap=both("school.teachers_more" if gap >= 0 else "school.teachers_fewer", number=count(abs(gap))),
            )
        )
    return found


def _audit_sentences(view: View) -> list[Text]:
    return [_audit_sentence(view, stage) for stage in audited(view)]


def _audit_sentence(view: View, stage: str) -> Text:
    """What the planned places are used for at most, from when on they stand empty, and how sure that is."""
    facts, own = view.facts, audit_of(view, stage)
    ahead = own.sel({YEAR: slice(view.now, view.last)})
    used = (ahead["added"] - ahead["idle"]).to_series()
    added = own["added"].to_series()
    grows = added.diff().fillna(added.iloc[0]) > 0
    said = {
        "thing": facts.thing(stage),
        "added": facts.amount(float(added.max()), stage),
        "number": count(float(added.max())),
        "first": int(grows[grows].index[0]),
        "last": int(grows[grows].index[-1]),
        "assumed": _assumed(view, stage),
        "empty": _empty(view, stage, ahead),
    }
    if used.max() < 1:
        at = int(ahead["p_idle"].to_series().fillna(1.0).idxmin())
        said |= {
            "existing": facts.amount(float(ahead["existing"].sel({YEAR: at})), stage),
            "from_": view.now,
            "to": view.last,
        }
        return both("school.audit_none", odds=_idle_odds(view, ahead, [at]), **said)
    peak = int(used.idxmax())
    lasts = float(ahead["for_lasting"].sel({YEAR: peak}))
    lasting = both(
        "school.audit_lasting" if lasts >= 0.5 else "school.audit_no_lasting",
        window=int(facts.run.flags.classes["window"].sel({SERVICE: stage})),
        amount=facts.amount(lasts, stage),
    )
    used_most = facts.amount(float(used.max()), stage)
    return both("school.audit_some", peak=peak, used=used_most, lasting=lasting, idle=_idle(view, ahead), **said)


def _assumed(view: View, stage: str) -> Text:
    """How many of the planned places rest on an assumption, by the sources of their lines."""
    region = view.facts.run.region
    if not region.has("projects"):
        return Text("", "")
    rows = region.table("projects")
    rows = rows[rows[SERVICE] == stage]
    held = [
        float(row.capacity)
        for row in rows.itertuples()
        if basis_of(region, "projects", service=stage, name=str(row.name), year=int(row.year)) == "assumed"
    ]
    if not held:
        return Text("", "")
    all_of_it = len(held) == len(rows)
    return both("school.audit_all_assumed" if all_of_it else "school.audit_assumed", number=count(sum(held)))


def _empty(view: View, stage: str, ahead: xr.Dataset) -> Text:
    """All places that stand empty in the far year, with their range."""
    gap = gap_of(view, stage, view.far)
    if not view.facts.many:
        return both("school.audit_empty", year=view.far, amount=view.facts.amount(max(gap, 0.0), stage), range="")
    ranged = both("school.audit_range", range=gap_range(view.facts, view.facts.area, stage, view.far))
    return both("school.audit_empty", year=view.far, amount=view.facts.amount(max(gap, 0.0), stage), range=ranged)


def _idle(view: View, ahead: xr.Dataset) -> Text:
    """From when on not one of the new places is needed; nothing where that does not come."""
    idle = (ahead["idle"] >= ahead["added"] - 0.5).to_series()
    since = [year for year in idle.index if idle.loc[year:].all()]
    if not since:
        return Text("", "")
    sure = [int(year) for year, odds in ahead["p_idle"].to_series().items() if odds >= SURE and year > since[0]]
    return both("school.audit_idle", year=int(since[0]), odds=_idle_odds(view, ahead, [int(since[0]), *sure[:1]]))


def _idle_odds(view: View, ahead: xr.Dataset, years: list[int]) -> Text:
    if not view.facts.many:
        return Text("", "")
    told = [chance(float(ahead["p_idle"].sel({YEAR: year})), view.facts.trajectories) for year in years]
    if len(years) == 1:
        return both("school.audit_odds", year=years[0], chance=told[0])
    return both("school.audit_odds_two", year=years[0], chance=told[0], year2=years[1], chance2=told[1])


# ---- sentences of a stage ----------------------------------------------------------------------------------------


def _stage(view: View, stage: str) -> list[Text]:
    parts = (
        _places(view, stage),
        _posts(view, stage),
        _classes(view, stage),
        _smaller_sentence(view, stage),
        _why(view, stage),
        _money(view, stage),
        _average(view, stage),
    )
    return [part for part in parts if part]


def _places(view: View, stage: str) -> Text | None:
    """The tightest year and the far year."""
    facts, year = view.facts, view.tightest(view.facts.area, stage)
    if year is None:
        return None
    gap, far = gap_of(view, stage, year), gap_of(view, stage, view.far)
    said = {"year": year, "amount": facts.amount(gap, stage), "odds": _odds_words(view, stage, year)}
    if facts.balanced(facts.area, stage, year):
        state = both("school.gap_short" if gap < 0 else "school.gap_spare", amount=facts.amount(gap, stage))
        first = both("school.even", first=view.now, last=view.last, gap=state, **said)
    elif gap < 0:
        first = both("school.worst", counties=counties_short(facts, stage, year), **said)
    else:
        first = both("school.never", first=view.now, last=view.last, **said)
    key = "far_even" if facts.balanced(facts.area, stage, view.far) else "far_short" if far < 0 else "far_spare"
    second = both(
        f"school.{key}", year=view.far, amount=facts.amount(far, stage), odds=_odds_words(view, stage, view.far)
    )
    parts = [first] if view.far == year else [first, second]
    text = joined(parts, zh="；", en="; ")
    return Text(text.zh + "。", text.en + ".")


def _odds_words(view: View, stage: str, year: int) -> Text:
    probability = odds_of(view, stage, year)
    if probability is None:
        return Text("", "")
    told = chance(probability, view.facts.trajectories)
    spread = gap_range(view.facts, view.facts.area, stage, year)
    if 100 * probability < least_per_cent(view.facts.trajectories):
        return both("school.odds_none", chance=told, range=spread)
    return both("school.odds", likely=likelihood(probability), chance=told, range=spread)


def _posts(view: View, stage: str) -> Text | None:
    now, far = (view.whole("posts", stage, year) for year in (view.now, view.far))
    if not (now > 0 and far > 0) or view.far == view.now:
        return None
    rate = abs((far / now) ** (1 / (view.far - view.now)) - 1)
    load = view.whole("pupils", stage, view.now) / now
    return both(
        "school.posts_fewer" if far < now else "school.posts_more",
        load=f"{load:g}",
        now=view.now,
        year=view.far,
        a=count(now),
        b=count(far),
        c=count(abs(now - far)),
        within=view.within("posts", stage, view.far),
        rate=f"{rate:.1%}",
    )


def _classes(view: View, stage: str) -> Text | None:
    now, far = (view.whole("classes", stage, year) for year in (view.now, view.far))
    if not (math.isfinite(now) and math.isfinite(far)):
        return None
    half = 0.5 * float(view.held.table["school_grades"].sel({COUNTY: view.facts.area, SERVICE: stage}))
    loss = both("school.loss", n=count(half)) if half >= 1 else Text("", "")
    size = f"{view.class_size(stage, 0):g}"
    within = view.within("classes", stage, view.far)
    return both(
        "school.classes", size=size, loss=loss, now=view.now, year=view.far, a=count(now), b=count(far), within=within
    )


def _smaller_sentence(view: View, stage: str) -> Text | None:
    """What smaller classes would take up of the posts set free, and what they cost."""
    freed = view.freed(stage, view.far)
    more = [view.smaller("more_posts", stage, limit, view.far) for limit in (1, 2)]
    if not (freed >= 1 and all(map(math.isfinite, more))):
        return None
    yuan = [view.smaller("yuan_a_year", stage, limit, view.far) for limit in (1, 2)]
    lacking = view.smaller("more_rooms", stage, 2, view.far)
    sizes = {f"s{limit}": f"{view.class_size(stage, limit):g}" for limit in (0, 1, 2)}
    key = "rooms_unknown" if not math.isfinite(lacking) else "rooms_lack" if lacking >= 1 else "rooms_enough"
    rooms = both(f"school.{key}", s2=sizes["s2"], n=count(lacking) if key == "rooms_lack" else "")
    said = {f"m{k}": count(one) for k, one in enumerate(more, 1)} | {
        f"y{k}": count(one) for k, one in enumerate(yuan, 1)
    }
    shares = {f"p{k}": percent(one / freed) for k, one in enumerate(more, 1)}
    return both("school.smaller", year=view.far, rooms=rooms, **sizes, **said, **shares)


def _why(view: View, stage: str) -> Text | None:
    """From the crest to the lowest roll after it: the steps that act, the largest first."""
    changes = view.held.changes
    own = changes[(changes[COUNTY] == view.facts.area) & (changes[SERVICE] == stage) & (changes["period"] == CREST)]
    if own.empty:
        return None
    row = own.iloc[0]
    sizes = {step: float(row[step]) for step in ROLL_STEPS}
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


def _money(view: View, stage: str) -> Text | None:
    if stage not in RUNNING_COST:
        return None
    a, b = (view.whole("yuan", stage, year) for year in (view.now, view.far))
    rate = school_standards()[RUNNING_COST[stage]].at([view.now])[0]
    return both("school.money", rate=f"{rate:g}", now=view.now, a=count(a), year=view.far, b=count(b))


def _average(view: View, stage: str) -> Text | None:
    """Pupils of a school on average, where the whole's schools are counted."""
    found = school_counts(view.facts.run.region).get((view.facts.area, stage))
    if found is None or found[0] < 1:
        return None
    number, counted = found
    a, b = (view.whole("pupils", stage, year) / number for year in (view.now, view.far))
    return both("school.average", counted=counted, n=count(number), now=view.now, a=count(a), year=view.far, b=count(b))


# ---- charts ------------------------------------------------------------------------------------------------------


def _with_still(view: View, note: Text) -> Text:
    """The note, and which steps do not change in this scenario."""
    still = [both(f"step.{step}") for step in ROLL_STEPS if step not in view.acting]
    said = both("school.still", steps=joined(still))
    return Text(note.zh + said.zh, f"{note.en} {said.en}") if still else note


def _charts(view: View) -> Iterable[Chart]:
    facts = view.facts
    panels = tuple(Panel(facts.short_name(stage), {"s": stage}) for stage in view.stages)
    note = both("chart.school_waves.note", year=facts.look)
    yield Chart("school_waves", "panel", both("chart.school_waves.title"), note, ("place",), panels, by_place=True)
    if (view.held.changes["period"] == CREST).any():
        title, note = both("chart.changes.title"), _with_still(view, both("chart.changes.note"))
        yield Chart("changes", "changes", title, note, ("place",), by_place=True)
    title, note = both("chart.posts.title"), both("chart.posts.note")
    yield Chart("posts", "posts", title, note, ("place",), by_place=True)
    plans = tuple(Panel(facts.short_name(stage), {"s": stage}) for stage in audited(view))
    if plans:
        yield Chart("planned", "planned", both("chart.planned.title"), both("chart.planned.note"), panels=plans)
