"""The first screen in words: what is short, what falls, how sure that is, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from forecast.basics.text import count
from forecast.report import headline, render_html
from forecast.report.chances import chance, likelihood
from forecast.report.chapters.certainty import certainty
from forecast.report.charts import CHARTS, charts_of
from forecast.report.view import View
from tests.report.made import (
    MANY,
    made_run,
    many_run,
    plain_page,
    told,
    with_supply,
)


def test_headline_tells_shortage_fall_and_crest() -> None:
    found = told(made_run())
    first = headline(made_run())["zh"][0]
    assert first.startswith("示例市：")
    assert "小学学位2023—2028年短缺" not in first  # the jump-off year itself is past
    assert re.search(r"高中阶段学位20\d\d—20\d\d年短缺", first)
    assert "幼儿园学位富余" in first
    assert re.search(r"在园幼儿2022年实际有.*预计2026年降到.*在2023年末都已出生", found["zh"])
    assert "小学在校生2025年前后达峰" in found["zh"]
    assert "primary pupils crest about 2025" in found["en"]
    assert "3个县（市、区）中有3个短缺，缺得最多的是丙县" in found["zh"]
    assert "假定值" in found["zh"]


def test_headline_names_the_size_of_a_gap_as_the_data_have_it() -> None:
    run = made_run()
    spell = View(run).meaning.spells("000000", "senior_school")[0]
    gap = float(run.data.gap.sel(service="senior_school", year=spell.worst).sum())
    assert f"{spell.worst}年高中阶段学位共缺{count(-gap).zh}个" in told(run)["zh"]


def test_headline_of_a_region_without_shortage() -> None:
    found = headline(made_run(capacity=3.0))
    assert found["zh"][0].startswith("示例市：到2031年没有一项服务短缺；到2030年，")
    assert found["en"][0].startswith("Sample: nothing falls short by 2031; ")
    assert "短缺在哪里" not in "".join(found["zh"])


def test_headline_without_any_supply() -> None:
    run = made_run()
    blank = with_supply(run, run.data.supply * np.nan)
    found = headline(blank)
    assert "没有供给数据" in found["zh"][0]
    assert "no supply is given" in found["en"][0]
    page = render_html(blank)
    assert "没有供给数据，不算缺口" in page


def test_headline_names_services_whose_supply_is_not_given() -> None:
    run = made_run()
    known = run.data.service != "care_beds"
    found = told(with_supply(run, run.data.supply.where(known)))
    assert "没有供给数据、因而未算缺口的有：养老机构床位。" in found["zh"]


def test_headline_says_where_the_standard_judges_otherwise() -> None:
    run = made_run(capacity=1.0)
    harder = run.data.assign(demand_norm=run.data.demand * 5)
    assert "改按配置标准算" in told(replace(run, data=harder))["zh"]


def test_view_of_the_standard_is_told_and_a_missing_standard_too() -> None:
    run = made_run(view="norm")
    known = run.data.service != "hospital_beds"
    data = run.data.assign(demand_norm=run.data.demand_norm.where(known))
    found = told(with_supply(replace(run, data=data), run.data.supply))
    assert "缺口按标准配置的需求计算。" in found["zh"]
    assert "没有供给数据或没有配置标准、因而未算缺口的有：医疗机构床位。" in found["zh"]


def test_one_county_is_not_compared_with_others() -> None:
    assert "只有一个县（市、区）" in told(made_run(names=[("甲县", "Alpha")]))["zh"]


def test_headline_says_how_sure_in_both_languages() -> None:
    run, _ = many_run()
    view, found = View(run), headline(run)
    spell = view.meaning.spells("000000", "senior_school")[0]
    odds_then = view.odds.chance("p_short", "000000", "senior_school", spell.worst)
    ever = view.odds.chance("p_short_by", "000000", "senior_school", spell.last)
    wanted = f"高中阶段学位{spell.worst}年{likelihood(odds_then).zh}短缺（概率{chance(odds_then, MANY).zh}）"
    assert wanted in found["zh"][1]
    assert f"2024—{spell.last}年至少有一年短缺的概率{chance(ever, MANY).zh}" in found["zh"][1]
    assert f"senior school places are {likelihood(odds_then).en} to be short in {spell.worst}" in found["en"][1]
    low, high = view.odds.band("gap_quantile", "000000", "kindergarten", view.outlook_year)
    assert f"80%区间为富余{count(low).zh}—{count(high).zh}个" in found["zh"][2]
    assert f"80% range: {count(low).en} to {count(high).en} places to spare" in found["en"][2]
    assert "概率都以它为前提" in found["zh"][-1]
    assert "probabilities are conditional on it" in found["en"][-1]


def test_one_path_says_that_it_is_one() -> None:
    run = made_run()
    found = told(run)
    assert "只推算了情景本身这一条路径" in found["zh"]
    assert "one path only" in found["en"]
    assert "概率" not in found["zh"].replace("没有概率和区间", "")
    assert [sentence.en for sentence in certainty(View(run)).sentences] == [found["en"].splitlines()[-1]]
    assert set(CHARTS) - set(charts_of(View(run))) == {"odds", "people", "causes", "posts", "changes", "planned"}
    assert 'data-chart="odds"' not in plain_page()
