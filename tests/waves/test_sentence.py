"""Sentences are true to the numbers, and attribution leaves no rest."""

from __future__ import annotations

import doctest
import re
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from forecast.basics.text import Text
from forecast.basics.units import rough_amount
from forecast.waves import CATEGORIES
from forecast.waves.sentence import Facts, Need, Tipping, explain

AREA, SERVICE = Text("甲区", "County A"), Text("小学学位", "primary school places")


def facts(**more: object) -> Facts:
    given_facts = {
        "category": "structural_surplus", "peak_year": 2026, "peak_low": 2025, "peak_high": 2028, "gap_year": 2031, "gap": 12345.0,
        "probability": 0.94, "drivers": {"births": -9000.0, "migration": -900.0, "enrolment": -100.0}, "act_from": 2027,
        "tipping": Tipping("migration", 6000.0, "balanced"), "window": 12, "building": "school", "trajectories": 1000,
    } | more  # fmt: skip
    return Facts(area=AREA, service=SERVICE, unit="places", now=2024, **given_facts)  # type: ignore[arg-type]


def test_the_whole_sentence() -> None:
    said = explain(facts())
    assert said["zh"] == (
        "甲区小学学位：需求约在2026年见顶（80%区间2025—2028年），到2031年富余约1.2万个，主要因出生减少（占90%）；"
        "属长期富余（概率95%），建议不再新建永久校舍，富余校舍分批改作托育、养老用房；最迟应在2027年作出决定。"
        "若年净流入比基准多6000人，则转为基本平衡。"
    )
    assert said["en"] == (
        "County A, primary school places: Demand peaks about 2026 (80% range 2025–2028), about 12,000 places to spare in "
        "2031, mainly because of fewer births (90% of the change); a lasting surplus (probability 95%): build no "
        "permanent schools, and turn buildings in stages to nurseries and elder care; decide by 2027. With net "
        "migration 6,000 persons a year above the baseline it would be close to balance."
    )


def numbers(text: str) -> list[float]:
    """Numbers of a sentence, 万 multiplied out and per cent as shares, but for the 80 % of the range."""
    text = text.replace("80%区间", "").replace("80% range", "").replace(",", "")
    scale = {"万": 1e4, "%": 0.01, "": 1.0}
    return [float(value) * scale[unit] for value, unit in re.findall(r"(\d+(?:\.\d+)?)(万|%)?", text)]


@given(
    st.sampled_from(CATEGORIES), st.integers(2015, 2040), st.integers(0, 3), st.floats(1, 1e6), st.booleans(),
    st.floats(0.01, 0.99), st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.integers(2020, 2045), st.floats(50, 1e5),
)  # fmt: skip
@example("structural_shortage", 2015, 0, 2.0, False, 0.5, 11.0, -1.0, 2020, 50.0)  # 110 % of the change: said as 99 %
def test_every_number_of_the_sentence_is_a_fact(
    category: str,
    peak: int,
    spread: int,
    gap: float,
    short: bool,
    share: float,
    one: float,
    two: float,
    act: int,
    tip: float,
) -> None:
    told = facts(
        category=category, peak_year=peak, peak_low=peak - spread, peak_high=peak + spread, gap=-gap if short else gap,
        probability=share, drivers={"births": one, "migration": two}, act_from=act, tipping=Tipping("births", -tip, "balanced"),
        others=((10, "balanced"), (14, category)),
    )  # fmt: skip
    total = one + two
    parts = [min(part / total, 0.99) for part in (one, two) if total]  # a share is said as 99 % at most
    known = [peak, peak - spread, peak + spread, 2031, gap, share, act, 2024, tip, 10, 12, *parts]
    for text in explain(told).pair():
        found = numbers(text)
        assert found
        for number in found:
            near = 0.026 if number < 1 else 0.51  # per cent, or places, of which there are whole ones only
            assert any(abs(number - fact) <= max(0.051 * abs(fact), near) for fact in known), (number, text)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_class_has_its_words(category: str) -> None:
    said = explain(Facts(AREA, SERVICE, "places", 2024, category))
    assert said["zh"].endswith("。")
    assert said["en"].endswith(".")
    assert "None" not in said["zh"] + said["en"]


def test_what_is_not_known_is_said_and_a_flip_too() -> None:
    assert "不作供需对照" in explain(facts(category=""))["zh"]
    flipped = explain(facts(others=((10, "transient_trough"), (14, "structural_surplus"))))
    assert "按10年算则属阶段性低谷" in flipped["zh"]
    assert "14" not in flipped["zh"]
    assert "用满12年时建比租合算" in flipped["zh"]
    assert "概率超过99%" in explain(facts(probability=1.0))["zh"]
    assert "概率" not in explain(facts(probability=None))["zh"]
    assert "已在2020年前后见顶" in explain(facts(peak_year=2020, peak_low=2020, peak_high=2020))["zh"]
    assert "作出决定" not in explain(facts(act_from=2019))["zh"]  # a date that has passed is said once for all
    assert "短缺约1.2万个" in explain(facts(gap=-12345.0, category="structural_shortage"))["zh"]
    assert "由多种因素" in explain(facts(drivers={"a": -1.0, "b": -1.0, "c": -1.0}))["zh"]
    assert "主要因出生减少（人口流入抵消了一部分）" in explain(facts(drivers={"births": -5.0, "migration": 2.0}))["zh"]
    assert "主要因出生减少（占99%）" in explain(facts(drivers={"births": -5.0, "migration": 0.1}))["zh"]


def test_a_sentence_does_not_speak_against_its_class() -> None:
    short = facts(category="structural_shortage", gap=500.0, drivers={"births": -5.0}, tipping=None)
    assert explain(short)["zh"] == (
        "甲区小学学位：需求约在2026年见顶（80%区间2025—2028年）；属长期短缺（概率95%），"
        "建议先调剂邻近富余资源，再新建或改造扩容；最迟应在2027年作出决定。"
    )
    assert "见顶" not in explain(facts(peak_low=2010, peak_high=2030))["zh"]  # nobody knows when
    assert "需求在2024年前后见顶" in explain(facts(peak_year=2024, peak_low=2023, peak_high=2025))["zh"]


def test_below_even_odds_it_is_possible_and_not_built() -> None:
    said = explain(facts(category="structural_shortage", gap=-500.0, drivers=None, probability=0.43))
    assert "可能为长期短缺（概率45%），宜先选址、做好方案储备，不急于开工；最迟应在2027年决定是否启动" in said["zh"]
    assert "possibly a lasting shortage (probability 45%)" in said["en"]


def test_what_is_not_decided_names_what_it_may_be() -> None:
    rivals = (("structural_shortage", 0.31), ("structural_surplus", 0.2))
    said = explain(facts(category="undetermined", gap=-120.0, drivers=None, rivals=rivals, tipping=None))
    assert "到2031年短缺约120个；尚难判定（长期短缺的概率30%，长期富余的概率20%）" in said["zh"]
    crest = facts(category="crest_then_surplus", crest_year=2026, crest_gap=-900.0)
    assert "见顶（80%区间2025—2028年），当年短缺约900个，到2031年富余约1.2万个" in explain(crest)["zh"]


def test_amounts() -> None:
    assert doctest.testmod(sys.modules[Facts.__module__]).failed == 0
    assert rough_amount(0, "places")["zh"] == "0个"


GAP = re.compile(r"短缺|富余|平衡|shortage|surplus|\bshort\b|\bspare\b|balance")


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_most_ever_held_is_never_a_shortage_or_a_surplus(category: str) -> None:
    rivals = (("structural_shortage", 0.31), ("structural_surplus", 0.2))
    told = facts(
        category=category, words="held", kind="rolls", crest_year=2026, crest_gap=-900.0, rivals=rivals,
        gap=-12345.0 if category in ("structural_shortage", "transient_crest") else 12345.0, building="",
        others=((10, "balanced"), (14, "structural_surplus")),
    )  # fmt: skip
    for text in explain(told).pair():
        assert not GAP.search(text), text
    assert "历史最高" in explain(told)["zh"]
    assert "ever held" in explain(told)["en"]


@pytest.mark.parametrize("kind", ["recorded", "planned", "rolls", "ratio", "split", "none"])
def test_without_a_class_need_is_told_and_what_is_missing_in_the_records(kind: str) -> None:
    need = Need(20_000, 2030, 15_000, 13_000, 17_500)
    told = facts(
        category="",
        kind=kind,
        words="need",
        need=need,
        drivers={"births": -6000.0, "migration": 1000.0},
        born_until=2026,
    )
    zh, en = explain(told).pair()
    assert zh.startswith(
        "甲区小学学位：需求约在2026年见顶（80%区间2025—2028年），由2024年的2万个降到2030年的1.5万个（80%区间1.3万—1.8万），减少25%"
    )
    assert "主要因出生减少（人口流入抵消了一部分）" in zh
    assert "from 20,000 places in 2024 to 15,000 places in 2030 (80% range 13,000 to 18,000), a fall of 25%" in en
    assert not GAP.search(zh + en)
    past = explain(
        facts(category="", kind=kind, words="need", need=need, peak_year=2012, peak_low=2012, peak_high=2012)
    )
    assert "2012" not in past["zh"] + past["en"]  # reckoned back, and over


def test_a_plateau_is_told_as_one() -> None:
    told = explain(facts(plateau=(2025, 2029, 302_000.0, 307_000.0)))
    assert "需求在2025—2029年处于高位平台期（30.2万—30.7万个）" in told["zh"]
    assert "见顶" not in told["zh"]
    assert "until 2025 (302,000 to 307,000 places)" in explain(facts(plateau=(2022, 2025, 302_000.0, 307_000.0)))["en"]
