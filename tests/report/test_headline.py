"""The first screen in words: what is known, what falls, how sure that is, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.basics.text import chance, count
from forecast.report import headline
from forecast.report.chapters.certainty import certainty
from forecast.report.chapters.summary import figures
from forecast.report.charts import CHARTS, charts_of
from forecast.report.view import View
from forecast.run.run import Run
from forecast.supply.claims import claims
from forecast.supply.gap import compare_areas
from tests.report.made import (
    MANY,
    NOW,
    by_area,
    made_run,
    many_run,
    plain_page,
    told,
    with_supply,
)

GAP = re.compile(
    r"短缺|缺\d|富余|闲置|平衡|够用|不足|\bshort\b|shortage|missing|\bspare\b|idle|balance|surplus|enough|suffic"
)
"""Words of a gap, in both languages."""


def of_kind(run: Run, kind: str, services: list[str] | None = None) -> Run:
    """The same run with the supply of the whole of another kind, that of the counties split."""
    held = run.data.drop_vars(["gap_of_area", "missing_of_area", "idle_of_area", "parts_known"])
    kinds = held.supply_kind.copy()
    for service in services or list(run.models):
        kinds.loc[{"service": service}] = "split"
        kinds.loc[{"service": service, "area": run.region.area}] = kind
    held = held.assign(supply_kind=kinds)
    found = compare_areas(held, held, run.region.areas)
    return replace(run, data=held.assign(found.data_vars))


def test_headline_tells_shortage_fall_and_crest() -> None:
    found, first = told(made_run()), headline(made_run())["zh"][0]
    assert first.startswith("示例市：")
    assert re.search(r"高中阶段学位2026—20\d\d年短缺", first)  # from the decision on, whatever was short before
    assert "幼儿园学位富余" in first
    assert re.search(r"在园幼儿2022年实际有.*预计2026年为.*在2023年末都已出生", found["zh"])
    assert "小学在校生高位平台期持续到2026年" in found["zh"]
    assert "junior pupils stay on a plateau in 2027–2029" in found["en"]
    assert "高中阶段学位：2030年缺7.8万个（丙县3.9万、乙县2.6万、甲县1.3万）" in found["zh"]


def test_nothing_leads_that_lies_before_the_decision() -> None:
    for sentence in headline(made_run())["zh"][:1] + headline(many_run()[0])["en"][:1]:
        assert all(int(year) >= NOW for year in re.findall(r"(?<!\d)20\d\d(?!\d)", sentence)), sentence
    view = View(made_run())
    assert all(spell.first >= NOW for s in view.services for spell in view.meaning.spells(view.area, s))
    assert "此后至2025年的数为推算，尚无统计" in told(made_run())["zh"]


def test_headline_names_the_size_of_a_gap_as_the_data_have_it() -> None:
    run = made_run()
    spell = View(run).meaning.spells("000000", "senior_school")[0]
    missing = -float(run.data.gap.sel(service="senior_school", year=spell.worst).sum())
    assert f"{spell.worst}年缺{count(missing).zh}个" in told(run)["zh"]


def test_gross_stands_before_net() -> None:
    """One county lacks 10,000 while another has 12,000 to spare: neither is set off, and nothing is balanced."""
    names = [("甲县", "Alpha"), ("乙县", "Beta")]
    run = made_run(names=names)
    off = xr.DataArray([-10_000.0, 12_000.0], {"county": run.data.county}, "county")
    made = with_supply(run, run.data.demand + off)
    found, view = told(made), View(made)
    assert "2030年缺1万个（甲县1万），闲置1.2万个（乙县1.2万），余缺相抵后净余2000个" in found["zh"]
    assert (
        "10,000 places missing (Alpha 10,000), 12,000 places idle (Beta 12,000), net of both 2,000 places to spare"
        in (found["en"])
    )
    assert "平衡" not in found["zh"]
    assert not any(view.meaning.balanced(view.area, service, 2030) for service in view.services)


def test_a_county_that_is_not_known_leaves_the_whole_unknown() -> None:
    run = made_run(names=[("甲县", "Alpha"), ("乙县", "Beta")])
    held = run.data.drop_vars(["gap_of_area", "missing_of_area", "idle_of_area", "parts_known"])
    kinds, supply = held.supply_kind.copy(), held.supply_of_area.copy()
    beta, area = run.data.county.values[1], run.region.area
    kinds.loc[{"area": [beta, area]}] = "none"
    supply.loc[{"area": [beta, area]}] = np.nan
    held = held.assign(supply_kind=kinds, supply_of_area=supply)
    found = told(replace(run, data=held.assign(compare_areas(held, held, run.region.areas).data_vars)))
    assert "乙县没有高中阶段学位的供给数据，因此示例市合计不作供需对照；有数的县（市、区）2030年：甲县缺" in found["zh"]
    assert "Beta gave no figure of senior school places" in found["en"]
    assert "平衡" not in found["zh"].split("因此")[0]


@pytest.mark.parametrize("kind", sorted(claims()))
@pytest.mark.parametrize("many", [False, True])
def test_the_words_follow_the_kind(kind: str, many: bool) -> None:
    """Of a kind that allows need alone nothing is called short, to spare or balanced, in either language; of the most
    ever held only the capacity is named at which anything would be short."""
    run = of_kind(many_run()[0] if many else made_run(), kind)
    view, found = View(run), told(run)
    texts = [sentence for lang in ("zh", "en") for sentence in found[lang].splitlines()]
    texts += [part for figure in figures(view) for text in (figure.value, figure.caption) for part in text.pair()]
    if many:
        texts += [part for texts in certainty(view).by_service.values() for text in texts for part in text.pair()]
    words = claims()[kind].words
    named = [text for text in texts if GAP.search(text)]
    if words == "gap":
        assert named
    elif words == "need":
        assert not named
    else:
        assert named
        assert all("才会短缺" in text or "would be short only" in text for text in named)
        assert "历史最高在校生数" in found["zh"]
        assert "were ever held" in found["en"]


def test_counties_of_a_split_figure_are_told_by_need_alone() -> None:
    found = told(of_kind(made_run(), "rolls"))
    assert "在各县（市、区）如何分布未知" in found["zh"]
    assert "nobody knows where they lie" in found["en"]


def test_headline_of_a_region_without_shortage() -> None:
    found = headline(made_run(capacity=3.0))
    assert found["zh"][0].startswith("示例市：到2030年，")
    assert "短缺" not in found["zh"][0]


def test_headline_without_any_supply() -> None:
    run = made_run()
    nothing = of_kind(run, "none")
    found = headline(nothing)
    assert re.search(r"见顶|平台期", found["zh"][0])
    assert "没有供给数据" in "".join(found["zh"])
    assert "No supply is given" in "".join(found["en"])


def test_headline_names_services_whose_supply_is_not_given() -> None:
    found = told(of_kind(made_run(), "none", ["care_beds"]))
    assert "养老机构床位没有供给数据，因此只列需求及其变化" in found["zh"]


def test_headline_says_where_the_standard_judges_otherwise() -> None:
    run = made_run(capacity=1.0)
    harder = run.data.assign(demand_norm=run.data.demand * 5)
    assert "改按配置标准算" in told(replace(run, data=harder))["zh"]


def test_view_of_the_standard_is_told() -> None:
    run = made_run(view="norm")
    known = run.data.service != "hospital_beds"
    data = run.data.assign(demand_norm=run.data.demand_norm.where(known), gap=run.data.gap.where(known))
    assert "缺口按标准配置的需求计算。" in told(replace(run, data=by_area(data, run.region, "norm")))["zh"]


def test_one_county_is_not_compared_with_others() -> None:
    found = told(made_run(names=[("甲县", "Alpha")]))["zh"]
    assert "变化最大的县" not in found
    assert "甲县" not in found


def test_what_to_do_begins_with_the_places_that_nobody_has_counted() -> None:
    found = told(of_kind(made_run(), "rolls"))
    assert "初中、高中还要先涨后落，确需扩容的先租用、调剂" in found["zh"]
    assert "先清点各县（市、区）实有学位" in found["zh"]
    assert "先清点" not in told(made_run())["zh"]
    assert "幼儿园少665个班、2850个教职工岗位" in told(many_run()[0])["zh"]


def test_headline_says_how_sure_in_both_languages() -> None:
    run, _ = many_run()
    view, found = View(run), told(run)
    spell = view.meaning.spells("000000", "primary_school")[0]
    ever = view.odds.chance("p_short_by", "000000", "primary_school", spell.last)
    assert f"2026—{spell.last}年至少有一年短缺的概率{chance(ever, MANY).zh}" in found["zh"]
    low, high = view.odds.band("gap_quantile", "000000", "kindergarten", view.outlook_year)
    assert f"80%区间为富余{count(low).zh}—{count(high).zh}个" in found["zh"]
    assert f"80% range of the net: {count(low).en} to {count(high).en} places to spare" in found["en"]
    assert "供给为假定值" in found["zh"].splitlines()[-1]
    assert "supplies are assumptions" in found["en"].splitlines()[-1]


def test_one_path_says_that_it_is_one() -> None:
    run = made_run()
    found = told(run)
    assert "只推算了情景本身这一条路径" in found["zh"]
    assert "one path only" in found["en"]
    assert "概率" not in found["zh"].replace("没有概率和区间", "")
    assert [sentence.en for sentence in certainty(View(run)).sentences] == [found["en"].splitlines()[-1]]
    assert set(CHARTS) - set(charts_of(View(run))) >= {"odds", "people", "causes", "posts", "changes", "planned"}
    assert 'data-chart="odds"' not in plain_page()
