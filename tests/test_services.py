"""A service is one file: its section is read for all who need it, and a made-up one goes the whole way to the page."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from forecast import cli, read_models, read_region, read_scenario, run_forecast
from forecast.demand import chain_of
from forecast.errors import InputRefused
from forecast.findings.read import read_rules
from forecast.region import TABLES
from forecast.report.charts import chart
from forecast.services import read_services, school_stages, services

CHAIN = ["nursery", "kindergarten", "primary_school", "junior_school", "senior_school"]


def test_the_sections_are_those_of_the_models() -> None:
    assert {name: model.service for name, model in read_models().items()} == dict(services())
    assert chain_of() == CHAIN


def test_what_a_section_names_is_there() -> None:
    for service in services().values():
        assert set(service.moves_into) <= set(services())
        assert {service.running_cost, service.special_prevalence} - {""} <= set(read_rules().standards)
        assert set(service.rolls) | {service.stage} - {""} <= set(school_stages().stages) | {""}


def test_tables_read_a_service_by_any_of_its_words() -> None:
    column = TABLES["supply"].column("service")
    for name, service in services().items():
        assert {column.kind.read(word) for word in (name, *service.aliases)} == {name}
    stage = TABLES["enrolment"].column("stage")
    words = {"小学": "primary", "primary_school": "primary", "普高": "senior_general"}
    assert {word: stage.kind.read(word) for word in words} == words


@pytest.mark.parametrize("text", ["id = 'x'", "[service]\norder = 1", "[service]\norder = [", "service = 3"])
def test_a_file_without_a_section_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "club.toml").write_text(text, "utf-8")
    with pytest.raises(InputRefused) as caught:
        read_services(tmp_path)
    assert [(issue.code, issue.file) for issue in caught.value.issues] == [("E404", "club.toml")]


@pytest.fixture(scope="module")
def with_day_care(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wenzhou with a model of its own and one row of its supply."""
    folder = tmp_path_factory.mktemp("regions") / "wenzhou"
    shutil.copytree(root / "data" / "wenzhou", folder)
    (folder / "models").mkdir()
    shutil.copy(root / "tests" / "cases" / "day_care.toml", folder / "models")
    with (folder / "supply.csv").open("a", encoding="utf-8") as table:
        table.write("330300,2023,日间照料,3000,places,recorded\n")
    with (folder / "sources.csv").open("a", encoding="utf-8") as table:
        table.write("supply,service=day_care,a test,,assumed,,\n")
    return folder


def test_a_service_is_added_by_one_file_and_a_row_of_supply(with_day_care: Path, tmp_path: Path) -> None:
    """From the check to tables, chart and sentence in both languages."""
    assert cli.main(["check", str(with_day_care)]) == 0
    region = read_region(with_day_care)
    run = run_forecast(region, read_scenario("baseline", {"horizon": 2035}), out=tmp_path, now=2026)
    assert run.folder is not None
    assert "models/day_care.toml" in run.manifest["inputs"]
    assert list(run.models) == [*services(), "day_care"]
    for file in ("demand_supply_gap", "flags", "waves"):
        table = pd.read_csv(run.folder / "tables" / f"{file}.csv", dtype=str)
        assert "day_care" in set(table["service"]), file
    page = (run.folder / "report.html").read_text("utf-8")
    drawn = chart(run, "panel", service="day_care")
    rows = pd.DataFrame(drawn["datasets"]["rows"]).set_index("year")
    assert rows.demand.loc[2035] > rows.demand.loc[2024] > 0
    assert rows.supply.loc[2035] == 3000
    for lang, name in {"zh": "日间照料床位", "en": "Day care places"}.items():
        sentence = run.flags.sentences[region.area, "day_care"][lang]
        assert name in sentence
        assert sentence in page
    assert "日间照料位" in page
    assert "day care places" in page


def test_check_tells_a_fault_of_a_model_of_the_regions_own(
    with_day_care: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "wenzhou"
    shutil.copytree(with_day_care, folder)
    file = folder / "models" / "day_care.toml"
    text = file.read_text("utf-8").replace('"elder_care"', '"elderly"').replace('"kindergarten"', '"kindergarden"')
    file.write_text(text, "utf-8")
    assert cli.main(["check", str(folder), "--lang", "en"]) == 3
    told = capsys.readouterr().err
    assert "service.domain" in told
    assert "service.moves_into: kindergarden" in told
