"""No text claims what the kind of a supply forbids, in either language, with one path and with many."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from forecast import read_region, read_scenario
from forecast.pipeline import run_forecast
from forecast.region import Region
from forecast.report.csv_tables import tables
from forecast.run.run import Run
from forecast.supply.claims import claims
from tests.report.texts import texts_of

GAP = {
    "zh": re.compile(r"短缺|缺口|富余|够用|平衡|不足|闲置|缺[0-9]|余缺|紧缺|空置|空着|共空"),
    "en": re.compile(
        r"\bshort\b|shortages?|missing|\black|to spare|surplus|suffic|\bbalance|\bidle|\benough\b|\bgaps?\b", re.I
    ),
}
"""Words that hold need against places."""

SAID_ALL_THE_SAME = {
    "school_smaller": "rooms for smaller classes; the cells are empty where no places are known",
    "school_now": "the note says that no gap is judged",
    "没有学位供给数据，不说余缺": "says that nothing is said",
    "nothing is said of gaps": "says that nothing is said",
    "更不是缺口": "the note of the splitting rules says that they are no findings",
    "if_split": "the note of the splitting rules says that they are no findings",
    "nothing is concluded of a county": "says that nothing is said",
    "不对县（市、区）下余缺结论": "says that nothing is said",
    "不判断各县缺口": "says that nothing is said",
    "no county's gap is told": "says that nothing is said",
    "余缺无从判断": "says that nothing is said",
    "Nothing can be said of a gap": "says that nothing is said",
    "不等于短缺": "says that more than ever held is no shortage",
    "is no shortage": "says that more than ever held is no shortage",
    "sheet_supply": "heads and note of a table whose cells are dashes where nothing is known",
}
"""Part of the place or of the text -> why a word of `GAP` may stand there."""

BREAK_EVEN = {"zh": "只有实有学位少于", "en": "only if there are fewer than"}
"""Of the most ever held one thing may be said: the capacity below which places would be short."""


def with_kind(kind: str) -> Region:
    """Wenzhou with all its supply of one kind; split: its own figures recorded, of which no county has any."""
    region = read_region("wenzhou")
    supply = region.table("supply").assign(kind={"split": "recorded"}.get(kind, kind))
    dropped = {"none": ("supply", "projects"), "planned": ("supply",)}.get(kind, ("projects",))
    kept = {name: table for name, table in (region.tables | {"supply": supply}).items() if name not in dropped}
    return replace(region, tables=kept)


@pytest.fixture(
    scope="module", params=[(kind, n) for kind in ("rolls", "ratio", "split", "planned", "none") for n in (1, 30)]
)
def told(request: pytest.FixtureRequest) -> tuple[str, Run]:
    kind, trajectories = request.param
    return kind, run_forecast(with_kind(kind), read_scenario("baseline"), trajectories=trajectories, now=2026)


def test_no_text_claims_what_the_kind_forbids(told: tuple[str, Run]) -> None:
    kind, run = told
    counties = set(run.region.areas.counties)
    wrong = []
    for where, text in texts_of(run):
        if kind == "split" and not counties & set(re.split("[ _]", where)):
            continue  # the whole may be called short, its counties may not
        for lang, words in GAP.items():
            said = text[lang]
            if not words.search(said) or any(part in where or part in said for part in SAID_ALL_THE_SAME):
                continue
            if kind == "rolls" and BREAK_EVEN[lang] in said:
                continue
            wrong.append((where, lang, said))
    assert wrong == []


def test_no_number_stands_where_the_kind_forbids_one(told: tuple[str, Run]) -> None:
    _, run = told
    kinds = run.data.supply_kind.to_series()
    silent = {place for place, kind in kinds.items() if claims()[kind].words == "need"}
    assert silent
    for name in ("gap_of_area", "missing_of_area", "idle_of_area", "p_short", "p_spare", "short_expected"):
        if name in run.data:
            for place, service in silent:
                assert run.data[name].sel(area=place, service=service).isnull().all(), (name, place, service)
    written = tables(run)
    for row in written["flags"].itertuples():
        if (row.county, row.service) in silent:
            assert row.category == ""
            assert row.level in ("", "unknown")
    gaps = written["demand_supply_gap"]
    forbidden = gaps[[key in silent for key in zip(gaps["county"], gaps["service"], strict=True)]]
    assert forbidden[["gap", "missing", "idle"]].isnull().all(axis=None)
    warned = written["warnings"]
    raised = warned[warned["level"].isin(["red", "amber"])]
    assert not set(zip(raised["county"], raised["service"], strict=True)) & silent
    if run.sharing.pairs is not None:
        assert run.sharing.pairs.empty  # no county's places are recorded


def test_a_planted_claim_is_found(told: tuple[str, Run]) -> None:
    """The words are found where they stand: of recorded places the same texts are full of them."""
    kind, run = told
    if kind != "split":
        pytest.skip("only where the whole has a gap")
    said = [text for where, text in texts_of(run) if where == "headline"]
    assert any(GAP["zh"].search(text.zh) for text in said)
    assert any(GAP["en"].search(text.en) for text in said)
