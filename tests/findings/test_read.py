"""Standards and rules come in once, and a region may give its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from forecast import read_region, read_scenario, run_forecast
from forecast.basics.catalogue import LANGUAGES
from forecast.errors import InputRefused
from forecast.findings.read import Rules, read_rules
from forecast.pipeline import Run
from forecast.report import render_html

STANDARDS, WARNING = "models/schools/standards.toml", "rules/warning.toml"


def with_rules(root: Path, folder: Path, files: dict[str, str]) -> Path:
    """A copy of Wenzhou with these files besides its own."""
    place = shutil.copytree(root / "data" / "wenzhou", folder / "wenzhou")
    for file, text in files.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(text, "utf-8")
    return place


def test_the_shipped_rules_stand_where_a_region_gives_none() -> None:
    rules = read_rules(read_region("wenzhou"))
    assert rules == read_rules() == read_rules(None)
    assert (rules.warning.amber, rules.warning.red, rules.warning.lead_time["build"]) == (0.25, 0.5, 3)
    assert (rules.sharing.reach, rules.sharing.often) == ({"minutes": 60.0, "seat_km": 30.0}, 0.5)
    assert rules.standards["spare_places"].value == 0.05


OWN = {
    STANDARDS: """
spare_places = 0.2
smaller_class_step = { value = 10, unit = "pupils per class", source = "plan of the bureau", basis = "published" }
""",
    WARNING: """
[levels]
red = 0.8
[answers]
structural_shortage = ["share", "build"]
""",
}


@pytest.fixture(scope="module")
def runs(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """A run by the shipped rules and one of a region with classes of 40, standards and rules of its own."""
    place = with_rules(root, tmp_path_factory.mktemp("own"), OWN)
    with (place / "region.toml").open("a", encoding="utf-8") as file:
        file.write("\n[models.primary_school.standards.class_size]\nnational = 40\n")
    scenario = read_scenario("baseline", {"horizon": 2036})
    plain, own = (run_forecast(read_region(one), scenario, now=2026) for one in ("wenzhou", place))
    return plain, own


def test_a_region_with_classes_and_standards_of_its_own_gets_other_classes_and_posts(runs: tuple[Run, Run]) -> None:
    plain, own = (run.schools for run in runs)
    assert plain is not None
    assert own is not None
    primary = {"service": "primary_school", "year": 2030}
    before, after = plain.table.sel(primary), own.table.sel(primary)
    lost = 0.5 * before["school_grades"]
    assert ((after["classes"] - lost) * 40).values == pytest.approx(((before["classes"] - lost) * 45).values)
    assert after["places"].values == pytest.approx(1.2 * after["pupils"].values)
    assert before["places"].values == pytest.approx(1.05 * before["pupils"].values)
    sizes = own.smaller["class_size"].sel(service="junior_school", year=2030)
    assert sizes.values.tolist() == [50, 40, 30]
    posts = [one.smaller["more_posts"].sel(service="junior_school", year=2030, limit=1).sum() for one in (plain, own)]
    assert float(posts[1]) > float(posts[0]) > 0


def test_the_manifest_and_the_sources_name_the_regions_own_rules(runs: tuple[Run, Run]) -> None:
    plain, own = runs
    assert {STANDARDS, WARNING} <= set(own.manifest["inputs"])
    assert not {STANDARDS, WARNING} & set(plain.manifest["inputs"])
    assert [(one.file, one.key) for one in own.rules.own] == [
        (STANDARDS, "spare_places"),
        (STANDARDS, "smaller_class_step"),
        (WARNING, "levels.red"),
        (WARNING, "answers.structural_shortage"),
    ]
    assert own.rules.standards["smaller_class_step"].replaces == plain.rules.standards["smaller_class_step"]
    assert own.rules.warning.answers["structural_shortage"] == ("share", "build")
    page, usual = render_html(own), render_html(plain)
    for told in (f"{STANDARDS}: spare_places = 0.2", f"{WARNING}: levels.red = 0.8", "plan of the bureau"):
        assert told in page
    assert WARNING not in usual


FAULTS = {
    "E403": (STANDARDS, "spare_place = 0.1", "spare_places"),
    "E405": (STANDARDS, "spare_places = 5", "0–1"),
    "E407": (STANDARDS, 'smaller_class_step = { value = 5, unit = "classes" }', "pupils per class"),
    "E437": (WARNING, "[levels]\namber = 0.9", "amber = 0.9"),
}


@pytest.mark.parametrize("code", FAULTS)
def test_what_is_wrong_with_them_is_told_with_file_and_key(code: str, root: Path, tmp_path: Path) -> None:
    file, text, told = FAULTS[code]
    with pytest.raises(InputRefused) as refused:
        read_rules(read_region(with_rules(root, tmp_path, {file: text})))
    (issue,) = refused.value.issues
    assert (issue.code, issue.file) == (code, file)
    assert all(told in issue.text(lang) for lang in LANGUAGES)


def test_answers_are_those_that_there_are(root: Path, tmp_path: Path) -> None:
    place = with_rules(root, tmp_path, {WARNING: '[answers]\ntransient_crest = ["pray"]\n'})
    with pytest.raises(InputRefused, match="pray"):
        read_rules(read_region(place))


def test_what_is_no_toml_is_refused_and_an_unknown_file_is_warned_of(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="E171"):
        read_region(with_rules(root, tmp_path / "broken", {WARNING: "[levels\n"}))
    region = read_region(with_rules(root, tmp_path / "odd", {"rules/warnings.toml": ""}))
    assert [issue.code for issue in region.warnings if issue.file == "rules/warnings.toml"] == ["W112"]
    assert isinstance(read_rules(region), Rules)
