"""A real run's report, and what every report keeps to: no sentence has a hole, and sources are told."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from forecast import read_region, run_forecast
from forecast.basics.catalogue import catalogue
from forecast.basics.issues import Issue
from forecast.report import headline, render_html
from forecast.report.chapters import write_chapters
from forecast.report.chapters.certainty import certainty
from forecast.report.chapters.sources import sources
from forecast.report.csv_tables import tables
from forecast.report.view import View
from forecast.run.run import Run
from forecast.scenario import read_scenario
from tests.report.made import (
    made_run,
    with_supply,
    with_trajectories,
)


@pytest.mark.parametrize("capacity", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("view", ["behaviour", "norm"])
def test_no_sentence_has_a_hole(capacity: float, view: str) -> None:
    run = made_run(capacity=capacity, view=view)
    sentences = headline(run)
    assert len(sentences["zh"]) == len(sentences["en"])
    for chapter in write_chapters(View(run)):
        texts = [chapter.title, *chapter.sentences, *(text for part in chapter.by_service.values() for text in part)]
        sentences["zh"] += [text.zh for text in texts]
        sentences["en"] += [text.en for text in texts]
    for sentence in [*sentences["zh"], *sentences["en"]]:
        assert not re.search(r"\bnan\b|\bNone\b|\binf\b|[{}]", sentence), sentence


def test_calibration_and_assumed_supply_are_told() -> None:
    run = made_run()
    controls = pd.DataFrame({"area": ["000000"], "year": [2023], "component": ["population"], "value": [3 * 10_100.0]})
    region = replace(run.region, tables={**run.region.tables, "controls": controls})
    page = render_html(replace(run, region=region))
    assert "本次推算按构造与之相符，不能作为准确性的证据" in page
    assert "2023年公布的人口总数以及出生、死亡数用于校准" in page
    assert 'class="badge b-assumed"' in page


def test_a_ratio_is_never_called_a_rate_of_enrolment() -> None:
    said = "".join(entry["zh"] for key, entry in catalogue().items() if key.startswith("report."))
    assert "入学率" not in said.replace("不是入学率", "")
    assert "不是入学率" in said


def test_no_sentence_of_many_trajectories_has_a_hole() -> None:
    for capacity, unknown in ((0.5, "care_beds"), (1.0, "nursery"), (3.0, "kindergarten")):
        made = made_run(capacity=capacity)
        known = made.data.service != unknown
        run, _ = with_trajectories(with_supply(made, made.data.supply.where(known)))
        chapters = write_chapters(View(run))
        texts = [text for chapter in chapters for text in (chapter.title, *chapter.sentences)]
        texts += [text for chapter in chapters for part in chapter.by_service.values() for text in part]
        for sentence in [part for text in texts for part in text.pair()]:
            assert not re.search(r"\bnan\b|\bNone\b|\binf\b|[{}]", sentence), sentence
        assert not re.search("短缺|富余", certainty(View(run)).by_service[unknown][0].zh)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    return run_forecast(read_region("wenzhou"), read_scenario("baseline", {"horizon": 2034}), 24, out=folder)


def test_tables_carry_the_odds(real: Run) -> None:
    assert real.folder is not None
    table = pd.read_csv(real.folder / "tables" / "demand_supply_gap.csv", dtype={"county": str}, encoding="utf-8-sig")
    row = table[(table.county == "330300") & (table.service == "senior_school") & (table.year == 2030)].iloc[0]
    here = real.data.sel(area="330300", service="senior_school", year=2030)
    assert (row.supply_kind, row.supply_basis) == ("rolls", "assumed")
    assert row.gap == pytest.approx(float(here.gap_of_area)) == pytest.approx(row.supply - row.demand)
    assert row.gap == pytest.approx(row.idle - row.missing)
    assert row.load == pytest.approx(row.demand / row.supply)
    forbidden = table[table.supply_kind.isin(["split", "ratio", "none"])]
    assert set(forbidden.county) > {"330302", "330300"}
    assert bool(forbidden[["gap", "missing", "idle", "load", "p_short", "p_spare", "gap_p025"]].isna().all(axis=None))
    assert row.p_short == pytest.approx(float(here.p_short))
    assert [row.demand_p10, row.demand_p975] == pytest.approx(here.demand_quantile.sel(quantile=[0.1, 0.975]).values)
    assert row.gap_p025 == pytest.approx(float(here.gap_quantile.sel(quantile=0.025)))
    every = tables(real)["uncertainty"]
    whole = every[(every.area == "330300") & (every.service == "primary_school") & (every.year == 2033)].iloc[0]
    assert whole.name_en == "Wenzhou"
    assert whole.p_short_by == pytest.approx(
        float(real.data.p_short_by.sel(area="330300", service="primary_school", year=2033))
    )
    shares = whole[[f"variance_{one}" for one in ("births", "mortality", "migration", "participation", "together")]]
    assert float(shares.sum()) == pytest.approx(1.0)
    assert every.year.min() == 2024
    people = tables(real)["population"].set_index(["county", "year"])
    assert people.at[("330302", 2030), "population_p10"] < people.at[("330302", 2030), "population_p90"]
    assert np.isnan(people.at[("330302", 2020), "births_p10"])


def test_report_names_what_the_spread_rests_on(real: Run) -> None:
    assert real.folder is not None
    assert real.task is not None
    page = (real.folder / "report.html").read_text("utf-8")
    assert "不确定性从哪里来" in page
    for _, _, source, _ in real.task.uncertainty.parts:
        assert source.replace("&", "&amp;").replace("'", "&#39;") in page
    assert sum(View(real).odds.shares("nursery", 2033).values()) == pytest.approx(1.0)


def test_a_reader_is_told_that_figures_without_a_kind_were_taken_as_recorded() -> None:
    run = made_run()
    told = Issue("W116", "supply.csv", values={"count": 3}, severity="warning")
    said = [text.en for listing in sources(View(with_warning(run, told))).listings for text in listing.items]
    assert any(text.startswith("3 figures of supply have no kind") for text in said)
    said = [text.en for listing in sources(View(run)).listings for text in listing.items]
    assert not any("have no kind" in text for text in said)


def with_warning(run: Run, issue: Issue) -> Run:
    return replace(run, region=replace(run.region, warnings=(issue,)))
