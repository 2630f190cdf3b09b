"""Schools of a run: its tables hold together, its chapter says what they say, and regions that know less say less."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast import read_region, run_forecast
from forecast.basics.text import Text, chance
from forecast.demand import read_models
from forecast.demand.schools.needs import needs_of_pupils
from forecast.demand.schools.planned_places import seats_by_year, standing_places
from forecast.findings.causes import CAUSES
from forecast.findings.schools import Schools, find_schools
from forecast.region import Region
from forecast.report.chapter import Chapter, Table
from forecast.report.chapters.schools.sentences import schools
from forecast.report.charts import CHARTS, charts_of
from forecast.report.csv_tables import tables
from forecast.report.view import View
from forecast.run.run import Run
from forecast.scenario import read_scenario
from tests.findings.recorded import recorded
from tests.report.made import made_run, many_run, with_schools, with_supply

NOW = 2026
STAGES = ["kindergarten", "primary_school", "junior_school", "senior_school"]


@pytest.fixture(scope="module")
def run() -> Run:
    return run_forecast(read_region("wenzhou"), read_scenario("baseline"), trajectories=60, now=NOW)


@pytest.fixture(scope="module")
def held(run: Run) -> Schools:
    assert run.schools is not None
    return run.schools


@pytest.fixture(scope="module")
def csv(run: Run) -> dict[str, pd.DataFrame]:
    return tables(run)


@pytest.fixture(scope="module")
def chapter(run: Run) -> Chapter:
    found = schools(View(run))
    assert found is not None
    return found


def table_of(chapter: Chapter, name: str) -> Table:
    return next(table for table in (*chapter.opening, *chapter.tables) if table.id == name)


# ---- tables ------------------------------------------------------------------------------------------------------


def test_every_column_follows_from_the_pupils(run: Run, csv: dict[str, pd.DataFrame]) -> None:
    """The table read back from what is written: each number is worked out again from the pupils and the standards."""
    rows = csv["schools"]
    assert set(rows.service) == set(STAGES)
    assert set(rows[rows.service == "senior_school"].form) == {"passage"}
    assert set(rows[rows.service != "senior_school"].form) == {"stage"}
    assert rows.places.to_numpy() == pytest.approx(rows.pupils.to_numpy() * 1.05)
    for service, own in rows.groupby("service"):
        model = run.models[str(service)]
        year = [int(one) for one in own.year]
        for column, standard in (("posts", "pupils_per_post"), ("classes", "class_size")):
            found = model.standard(standard)
            assert found is not None
            lost = 0.0
            if column == "classes":
                lost = 0.5 * run.schools.table.school_grades.sel(service=service).to_series()[own.county].to_numpy()
            assert own[column].to_numpy() == pytest.approx(own.pupils.to_numpy() / found.at(year) + lost)
        area, name = model.standard("floor_area"), model.service.running_cost
        per_place = np.asarray(area.at(year) if area else np.nan)
        per_pupil = np.asarray(run.rules.standards[name].at(year) if name else np.nan)
        assert own.floor_area.to_numpy() == pytest.approx(own.places.to_numpy() * per_place, nan_ok=True)
        assert own.yuan.to_numpy() == pytest.approx(own.pupils.to_numpy() * per_pupil, nan_ok=True)
    assert rows.gap.to_numpy() == pytest.approx((rows.supply - rows.pupils).to_numpy(), nan_ok=True)
    assert rows.gap_with_spare.to_numpy() == pytest.approx((rows.supply - rows.places).to_numpy(), nan_ok=True)
    assert rows.gap.notna().equals(rows.county == run.region.area)  # supply is the city's alone
    assert rows.assumed.str.contains("places").all()  # the spare share is assumed


def test_the_whole_is_the_sum_of_its_counties(run: Run, csv: dict[str, pd.DataFrame]) -> None:
    rows = csv["schools"].drop(columns=["name_zh", "name_en", "form", "assumed", "born"])
    rows = rows.drop(columns=["supply", "gap", "gap_with_spare"])  # known of the city alone
    added = rows[[column for column in rows if "_p" not in column or column == "posts"]]
    whole = added[added.county == run.region.area].set_index(["service", "year"]).drop(columns="county")
    parts = (
        added[added.county.isin(run.region.counties.index)]
        .groupby(["service", "year"])
        .sum(numeric_only=True, min_count=1)
    )
    pd.testing.assert_frame_equal(whole.sort_index(), parts[whole.columns].sort_index())


def test_ranges_are_those_of_the_pupils(run: Run, csv: dict[str, pd.DataFrame]) -> None:
    rows = csv["schools"].set_index(["county", "service", "year"]).loc[lambda one: one.index.get_level_values(2) > 2023]
    for end, level in (("p10", 0.1), ("p90", 0.9)):
        kept = run.data.demand_quantile.sel(quantile=level, method="nearest").rename(area="county")
        pupils = kept.to_series().reorder_levels(["county", "service", "year"]).reindex(rows.index)
        assert rows[f"pupils_{end}"].to_numpy() == pytest.approx(pupils.to_numpy())
        slope = (rows[f"classes_{end}"] - rows.classes) / (rows[f"pupils_{end}"] - rows.pupils)
        assert slope.groupby("service").agg(["min", "max"]).map(lambda one: round(1 / one, 6)).to_numpy().tolist() == [
            [50, 50], [30, 30], [45, 45], [50, 50]
        ]  # fmt: skip
    assert (rows.posts_p10 <= rows.posts_p90).all()


def test_a_quantile_of_pupils_gives_the_quantile_of_classes() -> None:
    """All paths are gone through here, which the run does not do."""
    made, demand = many_run()
    assert made.schools is not None
    assert made.schools.bands is not None
    ahead = made.data.year.values > 2023
    names = [made.region.area, *made.data.county.values]
    coords = {
        "area": names,
        "year": made.data.year.values,
        "service": list(made.models),
        "path": range(demand.shape[-1]),
    }
    paths = xr.DataArray(demand, coords, ("area", "year", "service", "path")).rename(area="county")
    places = made.schools.table.county.values
    needs = needs_of_pupils(
        paths.sel(county=places, service=STAGES), made.models, made.rules.standards, made.schools.table.school_grades
    )
    for name in ("classes", "places", "posts"):
        every = needs[name].transpose("path", "county", "year", "service").values[:, :, ahead]
        kept = made.schools.bands[name].transpose("quantile", "county", "year", "service").values[:, :, ahead]
        assert kept == pytest.approx(np.quantile(every, [0.1, 0.9], axis=0), rel=1e-6)


def test_why_rolls_change_adds_up(run: Run, csv: dict[str, pd.DataFrame]) -> None:
    rows = csv["causes"]
    rows = rows[rows.service.isin(STAGES)]
    assert rows[list(CAUSES)].sum(axis=1).to_numpy() == pytest.approx((rows.after - rows.before).to_numpy(), abs=1e-6)
    pupils = csv["demand_supply_gap"].set_index(["county", "service", "year"]).demand
    for end in ("before", "after"):
        year = rows["first" if end == "before" else "last"]
        found = pupils[pd.MultiIndex.from_arrays([rows.county, rows.service, year])]
        assert rows[end].to_numpy() == pytest.approx(found.to_numpy())
    for row in rows.itertuples():
        if row.last <= row.first + run.models[row.service].ages[0]:
            assert row.births == 0  # all were born by the first year
    assert (rows[["stay", "standards", "flows"]] == 0).all(axis=None)
    ahead = rows[rows["first"] >= run.region.jump_off_year]
    assert (ahead.participation.abs() < 0.01 * ahead.before).all()  # counties change weight beside those with own rolls
    crest = rows[(rows.county == run.region.area) & (rows.period == "crest")].set_index("service")
    assert list(crest.index) == STAGES
    assert (crest.after < crest.before).all()
    assert (crest.ageing + crest.births < 0).all()


def _of_the_whole(values: pd.Series, run: Run) -> pd.Series:
    wide = values.reset_index().assign(county=run.region.area)
    return wide.set_index(["county", "service", "year"])["demand"]


def test_children_not_yet_born_are_those_on_whom_births_tell(run: Run, csv: dict[str, pd.DataFrame]) -> None:
    rows = csv["school_elasticities"].set_index(["county", "service", "year"])
    whole = rows.loc[run.region.area].pupils_to_births
    assert whole["kindergarten", 2030] == 1  # aged three to five in 2030: born in 2024 or later
    assert whole["senior_school", 2035] == 0
    assert 0 < whole["primary_school", 2030] < 0.2
    assert rows.classes_to_pupils.between(0.5, 1).all()
    assert (rows.classes_to_births - rows.pupils_to_births * rows.classes_to_pupils).abs().max() < 1e-12


def test_planned_places_are_counted_once(run: Run, held: Schools) -> None:
    """The seats of the plan grow into places over three years; the run's supply holds them, and the audit takes them
    from it."""
    targets = run.region.table("targets")
    seats = targets[(targets.indicator_no.astype(int) == 7) & (targets.area == run.region.area)]
    published = {int(year): float(value) for year, value in zip(seats.year, seats.value, strict=True)}
    assert published == {2024: 2816, 2025: 2800, 2027: 2500}
    assert held.audit is not None
    own = held.audit.sel(county=run.region.area, service="senior_school")
    added = standing_places(seats_by_year(published), own.year.values.tolist())
    assert own.added.values == pytest.approx(added.values)
    assert float(own.added[-1]) == pytest.approx(3 * (2816 + 2800 + 2650 + 2500))
    supply = run.data.supply_of_area.sel(area=run.region.area, service="senior_school", year=own.year.values)
    assert (own.existing + own.added).values == pytest.approx(supply.values)
    every = held.audit
    assert (every.for_lasting + every.for_crest + every.idle).values == pytest.approx(
        every.added.transpose(*every.idle.dims).values
    )
    assert 0 <= float(every.p_idle.min()) <= float(every.p_idle.max()) <= 1
    levels = run.data.demand_quantile.sel(area=run.region.area, service="senior_school", year=2035)
    middle = float(levels.sel(quantile=0.5))
    assert (float(own.p_idle.sel(year=2035)) >= 0.5) == (float(own.existing.sel(year=2035)) >= middle)


def test_teachers_are_held_against_the_posts_of_their_stages(csv: dict[str, pd.DataFrame]) -> None:
    own = csv["school_posts"]
    whole = own[(own.county == "330300") & (own.service == "primary_school+junior_school")].set_index("year")
    assert set(whole.teachers) == {58_400}
    assert set(whole.counted_in) == {2018}
    posts = csv["schools"][csv["schools"].county == "330300"].pivot(index="year", columns="service", values="posts")
    needed = posts.primary_school + posts.junior_school
    assert whole.posts.to_numpy() == pytest.approx(needed[whole.index].to_numpy())
    assert "post_gap" not in whole  # teachers are a part of the staff that posts count
    later = whole.loc[2030:]
    assert ((later.posts_p10 < later.posts) & (later.posts < later.posts_p90)).all()


def test_smaller_classes_and_special_education(csv: dict[str, pd.DataFrame]) -> None:
    small = csv["smaller_classes"].set_index(["county", "service", "year", "limit"]).sort_index()
    small = small.loc[("330300", "primary_school", 2035)]
    rows = csv["schools"].set_index(["county", "service", "year"]).loc[("330300", "primary_school", 2035)]
    assert small.class_size.tolist() == [40, 35]
    for size, more in zip((40, 35), small.more_posts, strict=True):
        assert more == pytest.approx((rows.pupils / size - rows.pupils / 45) * 45 / 19)
    assert small.yuan_a_year.to_numpy() == pytest.approx(small.more_posts.to_numpy() * 124_110)
    special = csv["special_education"].set_index(["county", "service", "year"]).loc[("330300", "primary_school", 2035)]
    assert special[["special_school", "mainstream", "home"]].sum() == pytest.approx(rows.pupils * 0.00563)
    assert special.home == pytest.approx(rows.pupils * 0.00563 * 0.23)


# ---- sentences ---------------------------------------------------------------------------------------------------


def size(words: str) -> float:
    """A number as a sentence says it, in either language."""
    plain = words.replace(",", "").replace("−", "-").replace("+", "")
    scale = next((by for mark, by in {"亿": 1e8, "万": 1e4, " million": 1e6}.items() if mark in words), 1.0)
    return float(re.sub(r"亿|万| million", "", plain)) * scale


NUMBER = r"([−+]?[\d.,]*\d(?:万|亿| million)?)"


STEP = {"亿": 0.01e8, "万": 0.1e4, " million": 0.01e6}
"""What the last digit told is worth."""


def agree(found: re.Match[str] | None, *true: float) -> None:
    """The numbers caught are these, as far as their digits go; signs are left to the words."""
    assert found is not None
    for said, number in zip(found.groups(), true, strict=True):
        step = next(
            (worth for mark, worth in STEP.items() if mark in said), 100 if "," in said and abs(number) >= 1e4 else 1
        )
        assert abs(abs(size(said)) - abs(number)) <= 0.501 * step, (said, number)


def sentence(chapter: Chapter, stage: str, start: str) -> Text:
    return next(one for one in chapter.by_service[stage] if start in one.zh)


@pytest.fixture(scope="module")
def counted() -> tuple[Run, Chapter]:
    """With recorded places in every county."""
    run = run_forecast(recorded(), read_scenario("baseline"), trajectories=60, now=NOW)
    found = schools(View(run))
    assert found is not None
    return run, found


def test_what_is_short_and_to_spare_is_said_as_it_is(counted: tuple[Run, Chapter]) -> None:
    """Gross before net, in the tightest year and in 2035."""
    run, chapter = counted
    for stage in STAGES:
        of_whole = run.data.sel(area=run.region.area, service=stage)
        gap = of_whole.gap_of_area.to_series().loc[NOW : NOW + 15]
        said = sentence(chapter, stage, "学位最紧的是")
        tightest, far = said.zh.split("；2035年")
        assert tightest.startswith(f"学位最紧的是{gap.idxmin()}年：")
        for year, text in ((int(gap.idxmin()), tightest), (2035, far)):
            for word, name in (("缺", "missing_of_area"), ("闲置", "idle_of_area")):
                size, tolerated = (
                    float(of_whole[name].sel(year=year)),
                    0.05 * float(of_whole.supply_of_area.sel(year=year)),
                )
                told = re.search(rf"(?:^|：|，){word}{NUMBER}个", text)
                if size > tolerated:
                    agree(told, size)


def test_where_no_gap_may_be_told_pupils_and_their_change_are(run: Run, held: Schools, chapter: Chapter) -> None:
    """Places are the most pupils ever held: never short, to spare or enough."""
    said = [chapter.title, *(one for own in chapter.by_service.values() for one in own if "台账" not in one.zh)]
    assert not [one.zh for one in said if re.search("富余|缺[0-9]|够用|短缺", one.zh)]
    for stage, row in zip(STAGES, chapter.opening[0].rows, strict=True):
        pupils = held.table.pupils.sel(county=run.region.area, service=stage).to_series()
        assert row[2] == pytest.approx(pupils[NOW])
        assert (row[3], row[6]) == (pytest.approx(pupils[2030]), pytest.approx(pupils[2035]))
        assert row[8] == pytest.approx(pupils[2035] / pupils[NOW] - 1)
    counties = table_of(chapter, "school_counties")
    assert len(counties.rows) == 13
    total = held.table.pupils.sel(county=run.region.area).sum("service").to_series()
    agree(re.search(rf"{NOW}年的{NUMBER}人降到2035年的{NUMBER}人", chapter.title.zh), total[NOW], total[2035])


def test_posts_classes_money_and_reasons_are_said_as_they_are(run: Run, held: Schools, chapter: Chapter) -> None:
    whole = held.table.sel(county=run.region.area)
    for stage in STAGES:
        own = {name: whole[name].sel(service=stage).to_series() for name in ("posts", "classes", "yuan")}
        pairs = {name: (values[NOW], values[2035]) for name, values in own.items()}
        said = sentence(chapter, stage, "教职工岗位（1:")
        agree(re.search(rf"{NOW}年需{NUMBER}个，2035年需{NUMBER}个", said.zh), *pairs["posts"])
        agree(re.search(rf": {NUMBER} in {NOW}, {NUMBER} in 2035", said.en), *pairs["posts"])
        assert held.bands is not None
        kept = held.bands.posts.sel(county=run.region.area, service=stage, year=2035).values
        agree(re.search(rf"80%区间{NUMBER}—{NUMBER}", said.zh), *kept)
        said = sentence(chapter, stage, "班级（每班")
        agree(re.search(rf"{NOW}年{NUMBER}个，2035年{NUMBER}个", said.zh), *pairs["classes"])
        why = sentence(chapter, stage, "为何退峰")
        row = held.changes.set_index(["county", "service", "period"]).loc[(run.region.area, stage, "crest")]
        agree(re.search(rf"净减{NUMBER}人", why.zh), row.before - row.after)
        named = {"队列更替": "ageing", "其后出生": "births", "迁移": "migration", "入学比例": "participation"}
        parts = [*re.finditer(rf"(?:{'|'.join(named)}){NUMBER}", why.zh)]
        steps = [step for part in parts for word, step in named.items() if part[0].startswith(word)]
        assert set(steps) == {step for step in CAUSES if abs(row[step]) >= 0.5}
        for part, step in zip(parts, steps, strict=True):
            agree(part, row[step])
            assert ("−" in part[0]) == (row[step] < 0)
        if run.models[stage].service.running_cost:
            said = sentence(chapter, stage, "公用经费")
            agree(re.search(rf"{NOW}年{NUMBER}元，2035年{NUMBER}元", said.zh), *pairs["yuan"])


def test_the_title_and_the_first_table_answer_the_question(counted: tuple[Run, Chapter]) -> None:
    run, chapter = counted
    assert run.schools is not None
    table = table_of(chapter, "school_now")
    assert chapter.opening == (table,)
    whole = run.data.sel(area=run.region.area)
    gap = whole.gap_of_area.to_pandas()[STAGES]
    for stage, row in zip(STAGES, table.rows, strict=True):
        near_years = gap[stage].loc[NOW : NOW + 15]
        assert row[2] == near_years.idxmin()
        assert row[3] == pytest.approx(near_years.min())
        assert row[4] == pytest.approx(float(whole.p_short.sel(service=stage, year=row[2])))
        assert (row[5], row[7]) == (pytest.approx(gap[stage][2030]), pytest.approx(gap[stage][2035]))
        posts = run.schools.table.posts.sel(county=run.region.area, service=stage)
        assert row[10] == pytest.approx(float(posts.sel(year=2035) - posts.sel(year=NOW)))
    idle = whole.idle_of_area.sel(year=2035, service=STAGES)
    idle = idle.where(idle > 0.05 * whole.supply_of_area.sel(year=2035, service=STAGES), 0.0)
    agree(re.search(rf"合计富余{NUMBER}个", chapter.title.zh), float(idle.sum()))
    posts = run.schools.table.posts.sel(county=run.region.area).sum("service").to_series()
    agree(re.search(rf"少需{NUMBER}个", chapter.title.zh), posts[NOW] - posts[2035])
    agree(re.search(r"少需.*（(\d+)%）", chapter.title.zh), 100 * (1 - posts[2035] / posts[NOW]))


def test_the_audit_says_when_planned_places_stand_empty(run: Run, held: Schools, chapter: Chapter) -> None:
    assert held.audit is not None
    said = next(one for one in chapter.sentences if one.zh.startswith("高中阶段学位计划新增"))
    own = held.audit.sel(county=run.region.area, service="senior_school").sel(year=slice(NOW, NOW + 15))
    idle = (own.idle >= own.added - 0.5).to_series()
    since = int(idle.index[~idle][-1]) + 1
    assert idle.loc[since:].all()
    assert f"；{since}年起新增部分全部空着" in said.zh
    assert f"from {since} on all of the new ones stand empty" in said.en
    assert "其中7950个为假定" in said.zh  # 2,650 a year, three times: the seats of 2026 are not published
    assert f"概率{since}年{chance(float(own.p_idle.sel(year=since)), 60).zh}" in said.zh
    assert "共空" not in said.zh  # nobody has counted the places
    assert "实有学位可能更多" in said.zh
    agree(
        re.search(rf"最多的{int((own.added - own.idle).to_series().idxmax())}年用上{NUMBER}个", said.zh),
        float((own.added - own.idle).max()),
    )


def test_both_languages_say_the_same_numbers(chapter: Chapter) -> None:
    said = [chapter.title, *chapter.sentences, *(one for own in chapter.by_service.values() for one in own)]
    said += [text for chart in chapter.charts for text in (chart.title, chart.note)]
    for table in (*chapter.opening, *chapter.tables):
        said += [table.title, *(column.title for column in table.columns), *([table.note] if table.note else [])]
        said += [cell for row in table.rows for cell in row if isinstance(cell, Text)]
    for text in said:
        assert not re.search(r"[{}]|\bnan\b|None", text.zh + text.en), text
        assert not re.search(r"[\u4e00-\u9fff]", text.en), text.en
        if text.zh != text.en:
            years = set(re.findall(r"(?<!\d)(20\d\d)(?=年|—20|→)", text.zh))
            assert set(re.findall(r"(?<![\d,])20\d\d\b", text.en)) == years, text


# ---- regions that know less, or more -----------------------------------------------------------------------------


def again(run: Run, change: Callable[[xr.Dataset], xr.Dataset], region: Region | None = None) -> Schools:
    region, data = region or run.region, change(run.data)
    found = find_schools(data, run.models, region, run.flags, run.rules.standards)
    assert found is not None
    return found


def test_without_a_plan_the_audit_is_left_out(run: Run) -> None:
    bare = replace(
        run, schools=again(run, lambda data: data.assign(planned_of_area=xr.zeros_like(data.planned_of_area)))
    )
    assert bare.schools is not None
    assert bare.schools.audit is None
    found = schools(View(bare))
    assert found is not None
    assert not any(chart.spec == "planned" for chart in found.charts)
    assert not any(table.id.startswith("audit") for table in found.tables)
    assert not any("计划新增" in one.zh for one in found.sentences)
    assert "planned" not in charts_of(View(bare))


def test_one_county_alone() -> None:
    run = with_schools(made_run(names=[("甲县", "Alpha")]))
    found = schools(View(run))
    assert found is not None
    for stage in STAGES:
        rows = run.schools.table.sel(service=stage)  # type: ignore[union-attr]
        assert rows.pupils.sel(county="000000").values == pytest.approx(rows.pupils.sel(county="000001").values)
    assert len(table_of(found, "school_counties").rows) == 2


def test_a_region_without_enrolment_says_that_national_ratios_stand_in() -> None:
    region = read_region("wenzhou")
    kept = {name: table for name, table in region.tables.items() if name not in ("enrolment", "staff", "schools")}
    run = run_forecast(replace(region, tables=kept), read_scenario("baseline"), now=NOW)
    found = schools(View(run))
    assert found is not None
    said = next(one for one in found.sentences if "没有本地在校生数" in one.zh)
    assert said.zh.startswith("幼儿园、小学、初中、高中")
    assert "national ratios" in said.en
    assert "school_teachers" not in {table.id for table in found.tables}
    assert not any("若仍为" in one.zh for own in found.by_service.values() for one in own)
    assert not any("80%区间" in one.zh for own in found.by_service.values() for one in own)  # one path


def test_a_region_without_supply_says_nothing_of_gaps() -> None:
    run = made_run()
    found = schools(View(with_schools(with_supply(run, run.data.supply * np.nan))))
    assert found is not None
    assert any("没有学位供给数据" in one.zh for one in found.sentences)
    assert "在校生" in table_of(found, "school_counties").title.zh
    assert "富余" not in found.title.zh
    assert "缺" not in found.title.zh
    assert not {"余缺", "短缺概率"} & {column.title.zh for column in found.opening[0].columns}


def test_without_schools_there_is_the_plain_chapter_or_none() -> None:
    run = made_run()
    found = schools(View(run))
    assert found is not None
    assert found.opening == ()
    others = {name: model for name, model in read_models().items() if model.domain != "education"}
    data = run.data.sel(service=list(others))
    assert find_schools(data, others, run.region, run.flags, run.rules.standards) is None


def test_the_last_year_can_be_the_year_of_the_decision() -> None:
    run = with_schools(made_run())
    late = replace(run, flags=replace(run.flags, now=2050))
    found = schools(View(late))
    assert found is not None
    assert "school_smaller" not in {table.id for table in found.tables}


def test_flows_between_counties_have_an_effect_of_their_own(run: Run) -> None:
    """From 2030 on half of Dongtou's seniors go to school in Lucheng: Lucheng's roll grows by just these."""
    lines = [("330305", "330305", 2023, 1.0), ("330305", "330305", 2030, 0.5), ("330305", "330302", 2030, 0.5)]
    lines += [("330305", "330302", 2023, 0.0)]
    table = pd.DataFrame(lines, columns=["from", "to", "year", "share"]).assign(service="senior_school", row=range(4))
    region = replace(run.region, tables=run.region.tables | {"flows": table})

    again = run_forecast(region, read_scenario("baseline"), now=NOW)
    assert again.schools is not None
    plain, found = (one.changes.set_index(["county", "service", "period"]) for one in (run.schools, again.schools))
    for county, sign in (("330305", -1), ("330302", 1)):
        row, before = (one.loc[(county, "senior_school", "10")] for one in (found, plain))
        assert row[list(CAUSES)].sum() == pytest.approx(row.after - row.before)
        assert row.flows * sign > 0
        assert before.flows == 0
    assert found.xs(("senior_school", "10"), level=("service", "period")).flows.drop(run.region.area).sum() == (
        pytest.approx(0, abs=1e-6)  # what one sends the other gains
    )


def test_what_the_page_draws_is_what_the_tables_hold(run: Run, held: Schools) -> None:
    view = View(run)
    drawn = CHARTS["changes"].rows(view).set_index(["place", "service"]).sort_index()
    rows = held.changes.set_index(["county", "service", "period"])
    for stage in STAGES:
        row = rows.loc[(run.region.area, stage, "crest")]
        change = drawn.loc[(run.region.area, stage)].set_index("step")["change"]
        assert change["net"] == round(row.after - row.before)
        assert abs(change.drop("net").sum() - change["net"]) <= 2
    uses = CHARTS["planned"].rows(view)
    assert set(uses["service"]) == {"kindergarten", "senior_school"}
    last = uses[(uses["service"] == "senior_school") & (uses["year"] == uses["year"].max())]
    assert last["places"].sum() == 32_298
