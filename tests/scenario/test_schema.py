"""Scenarios: the shipped ones load, every fault is named in both languages, and what is read is frozen."""

from __future__ import annotations

import tomllib
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.basics.dims import at_years
from forecast.basics.folders import folder, is_safe_name
from forecast.errors import CannotReadWrite, ForecastError, InputRefused, UsageError
from forecast.scenario import json_schema, list_scenarios, read_scenario

GOOD = """
extends = "baseline"
name = { zh = "试", en = "Trial" }
description = { zh = "试验", en = "A trial" }
"""


def write(folder: Path, text: str, name: str = "trial.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path | str, overrides: dict[str, object] | None = None) -> ForecastError:
    with pytest.raises(ForecastError) as caught:
        read_scenario(path, overrides)
    return caught.value


SHIPPED = sorted(path.stem for path in folder("scenarios").glob("*.toml"))
SHIPPED_FIRST = ["baseline", *(name for name in SHIPPED if name != "baseline")]


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_scenario_loads_and_fits_its_schema(name: str) -> None:
    scenario = read_scenario(name)
    assert scenario.id == name
    assert scenario.horizon == 2050
    table = tomllib.loads((folder("scenarios") / f"{name}.toml").read_text("utf-8"))
    jsonschema.Draft202012Validator(json_schema()).validate(table)


def test_the_shipped_scenarios_say_what_they_promise() -> None:
    years = [2024, 2027, 2030, 2050]
    levels = {one.id: (one.fertility.level, one.migration.level) for one in list_scenarios()}
    assert list(levels) == [
        "baseline",
        "closed",
        "families_stay",
        "high_fertility",
        "high_migration",
        "long_life",
        "low_fertility",
        "low_migration",
        "slow_decline",
    ]
    assert at_years(levels["baseline"][1], years) == [1, 1, 1, 1]
    assert at_years(levels["high_migration"][1], years) == [2, 2, 2, 2]
    assert at_years(levels["low_migration"][1], years) == [0, 0, 0, 0]
    assert at_years(levels["low_fertility"][0], years) == pytest.approx([1, 0.9, 0.8, 0.8])
    assert at_years(levels["high_fertility"][0], years) == pytest.approx([1, 1.1, 1.2, 1.2])
    assert at_years(levels["families_stay"][1], years) == pytest.approx([1, 1.25, 1.5, 1.5])
    assert at_years(read_scenario("long_life").mortality.level, [2024, 2035, 2050]) == [1, 0.85, 0.7]
    assert read_scenario("closed").migration.closed


FILES = sorted([*folder("scenarios").glob("*.toml"), *folder("data").glob("*/scenarios/*.toml")])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_lever_in_a_shipped_file_has_unit_and_basis_beside_it(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines()
    for above, line in pairwise(lines):
        lever = line.partition(" ")[0] in ("level", "add", "profile", "gross_factor", "closed")
        assert not lever or above.startswith("# Unit: "), f"{file.name}: {line}"
    said = "\n".join(lines)
    assert "assumed" in said
    zh, en = (getattr(read_scenario(file).description, lang) for lang in ("zh", "en"))
    assert any("一" <= sign <= "鿿" for sign in zh)
    assert not any("一" <= sign <= "鿿" for sign in en)


def test_a_scenario_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_scenario("baseline").horizon = 2060


def test_a_file_departs_from_the_one_that_it_extends(tmp_path: Path) -> None:
    write(tmp_path, GOOD + "migration.level = 3\nmigration.timing = 'mid'\n", "parent.toml")
    child = GOOD.replace("baseline", "parent") + "migration.level = [[2030, 0.5], [2040, 1]]\n"
    scenario = read_scenario(write(tmp_path, child))
    assert scenario.id == "trial"
    assert scenario.migration.level == ((2030, 0.5), (2040, 1.0))
    assert scenario.migration.timing == "mid"
    assert scenario.horizon == 2050


def test_a_child_needs_a_name_of_its_own(tmp_path: Path) -> None:
    issues = refused(write(tmp_path, 'extends = "baseline"\n')).issues
    assert [(issue.code, issue.values["field"]) for issue in issues] == [
        ("E309", "name"),
        ("E309", "description"),
    ]


def test_overrides_are_read_as_toml_and_remembered() -> None:
    given = {"migration.level": "2", "demand.view": "norm", "horizon": 2040, "fertility.level": "[[2030, 0.9]]"}
    scenario = read_scenario("baseline", given)
    assert scenario.migration.level[0][1] == 2
    assert scenario.demand.view == "norm"
    assert scenario.horizon == 2040
    assert scenario.fertility.level == ((2030, 0.9),)
    assert scenario.overrides == {
        "migration.level": 2,
        "demand.view": "norm",
        "horizon": 2040,
        "fertility.level": [[2030, 0.9]],
    }
    assert read_scenario("baseline").overrides == {}


def test_numbers_of_models_are_replaced_by_dotted_name(tmp_path: Path) -> None:
    text = GOOD + (
        "[models.nursery]\nparameters.take_up = [[2024, 0.06], [2030, 0.3]]\n"
        '[models.care_beds.parameters]\noccupancy = { value = 0.9, source = "s", basis = "assumed" }\n'
    )
    models = read_scenario(write(tmp_path, text), {"models.nursery.parameters.take_up": "0.2"}).models
    assert models["nursery"] == {"parameters.take_up": 0.2}
    assert models["care_beds"]["parameters.occupancy"]["basis"] == "assumed"


# One fault each: what is written, the code, the key, and what the sentence must show in both languages.
FAULTS = [
    ("horzon = 2040", "E307", "horzon", "horizon"),
    ("zzzzzz = 1", "E308", "zzzzzz", "horizon"),
    ("overrides = {}", "E308", "overrides", "horizon"),
    ("migration.levl = 1", "E307", "migration.levl", "level"),
    ("horizon = 1900", "E310", "horizon", "1900"),
    ("horizon = 2040.5", "E312", "horizon", "2040.5"),
    ('horizon = "2040"', "E312", "horizon", '"2040"'),
    ("fertility.level = -1", "E310", "fertility.level", "-1"),
    ("fertility.level = nan", "E311", "fertility.level", "NaN"),
    ("mortality.level = inf", "E311", "mortality.level", "Infinity"),
    ('fertility.level = "high"', "E315", "fertility.level", '"high"'),
    ("fertility.level = true", "E315", "fertility.level", "true"),
    ("fertility.level = []", "E315", "fertility.level", "[]"),
    ("fertility.level = [[2024, 1, 2]]", "E315", "fertility.level", "[[2024, 1, 2]]"),
    ('fertility.level = [[2024, "1"]]', "E311", "fertility.level", '"1"'),
    ("fertility.level = [[2024, 1], [2024, 2]]", "E316", "fertility.level", "2024"),
    ("fertility.level = [[2030, 1], [2024, 2]]", "E316", "fertility.level", "2030"),
    ('migration.counties = { "010101" = -11 }', "E310", "migration.counties.010101", "-11"),
    ('migration.timing = "start"', "E314", "migration.timing", "even_nobirth"),
    ('demand.view = "norms"', "E314", "demand.view", '"norms"'),
    ("mortality = 1", "E317", "mortality", "1"),
    ("models = 1", "E317", "models", "1"),
    ("migration.add = [[2030, 1e9]]", "E310", "migration.add", "1000000000"),
    ('migration.add_counties = { "01" = "many" }', "E315", "migration.add_counties.01", '"many"'),
    ("migration.gross_factor = -0.5", "E310", "migration.gross_factor", "-0.5"),
    ('migration = { add = 9, profile = "pupils" }', "E324", "migration.profile", "families"),
    ("migration = { add = 9, profile = [[20, 1], [10, 1]] }", "E324", "migration.profile", "[[20, 1], [10, 1]]"),
    ("migration = { add = 9, profile = [[20, 0]] }", "E324", "migration.profile", "0 "),
    ("migration = { add = 9, profile = [[20, -1], [30, 1]] }", "E324", "migration.profile", "-1"),
    ("migration = { add = 9, profile = [[20, 1], [101, 1]] }", "E324", "migration.profile", "101"),
    ("migration = { add = 9, profile = 3 }", "E324", "migration.profile", "3"),
    ("migration.closed = 1", "E325", "migration.closed", "true"),
    ('migration.destination_shift = "x"', "E326", "migration.destination_shift", '"x"'),
    ("migration.destination_shift = [{ orign = 1 }]", "E307", "migration.destination_shift.orign", "origin"),
    ("migration = { closed = true, level = 0.5 }", "E321", "migration.closed", "migration.level"),
    ('migration = { closed = true, add_counties = { "01" = 5 } }', "E321", "migration.closed", "add_counties.01"),
    ("migration = { closed = true, gross_factor = 2 }", "E321", "migration.closed", "migration.gross_factor"),
    ('migration.profile = "students"', "E322", "migration.profile", "migration.add"),
]
SHIFT = 'migration.destination_shift = [{{ origin = "01", away_from = "{}", towards = "{}", share = {} }}]'


@pytest.mark.parametrize(("line", "code", "key", "shown"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_each_fault_has_its_own_sentence(tmp_path: Path, line: str, code: str, key: str, shown: str) -> None:
    error = refused(write(tmp_path, GOOD + line))
    assert isinstance(error, InputRefused)
    issues = [issue for issue in error.issues if issue.code != "E309"]  # a table with a wrong key lacks the right ones
    assert [issue.code for issue in issues] == [code]
    (issue,) = issues
    assert issue.file == "trial.toml"
    for lang in ("zh", "en"):
        assert key in issue.text(lang)
        assert shown in issue.text(lang)


@pytest.mark.parametrize(
    ("line", "code", "shown"),
    [
        (SHIFT.format("02", "02", 0.5), "E323", "01, 02, 02"),
        (SHIFT.format("01", "02", 0.5), "E323", "01, 01, 02"),
        (SHIFT.format("outside", "02", 1.5), "E310", "1.5"),
    ],
)
def test_a_shift_needs_three_places_and_a_share(tmp_path: Path, line: str, code: str, shown: str) -> None:
    (issue,) = refused(write(tmp_path, GOOD + line)).issues
    assert issue.code == code
    assert all(shown in issue.text(lang) for lang in ("zh", "en"))


def test_levers_are_read_and_can_be_set_by_the_caller(tmp_path: Path) -> None:
    text = GOOD + SHIFT.format("outside", "02", 0.5) + "\nmigration.profile = [[18, 1], [22, 3]]\n"
    given = {"migration.add": "[[2025, 100], [2030, 500]]", "migration.add_counties.330302": "-20"}
    migration = read_scenario(write(tmp_path, text), given).migration
    assert migration.add == ((2025, 100.0), (2030, 500.0))
    assert migration.add_counties == {"330302": ((1950, -20.0),)}
    assert migration.profile == ((18, 1.0), (22, 3.0))
    assert migration.changes == ("add", "add_counties.330302")
    (shift,) = migration.destination_shift
    assert (shift.origin, shift.away_from, shift.towards, shift.share) == ("01", "outside", "02", 0.5)
    assert read_scenario("baseline").migration.changes == ()
    assert read_scenario("baseline", {"migration.closed": "true"}).migration.closed


def test_a_resolved_scenario_reads_as_it_was_written_out(tmp_path: Path) -> None:
    """A manifest keeps what a scenario came to; from there the same one can be had again."""
    first = read_scenario(write(tmp_path, GOOD + SHIFT.format("outside", "02", 0.5)), {"migration.add": 5})
    again = type(first).model_validate(first.model_dump(mode="json"))
    assert again == first


def test_the_schema_says_the_unit_of_every_number() -> None:
    parts = json_schema()["$defs"]
    for part in ("Fertility", "Mortality", "Migration", "DestinationShift"):
        for key, said in parts[part]["properties"].items():
            assert said["description"], key
            numeric = "number" in str(said)
            assert not numeric or "unit: " in said["description"], key


def test_a_region_brings_scenarios_of_its_own(tmp_path: Path) -> None:
    region = SimpleNamespace(folder=tmp_path)
    assert [one.id for one in list_scenarios(region)] == SHIPPED_FIRST  # no folder: the shipped ones
    (tmp_path / "scenarios").mkdir()
    write(tmp_path / "scenarios", GOOD + "horizon = 2040\n", "harbour.toml")
    write(tmp_path / "scenarios", GOOD + "horizon = 2045\n", "baseline.toml")
    write(tmp_path / "scenarios", GOOD.replace("baseline", "harbour"), "port.toml")
    assert read_scenario("harbour", region=region).horizon == 2040
    assert read_scenario("port", region=region).horizon == 2040
    assert read_scenario("baseline", region=region).horizon == 2045  # a bureau's own goes first, and departs from ours
    assert read_scenario("baseline").horizon == 2050
    assert [one.id for one in list_scenarios(region)] == [*SHIPPED_FIRST, "harbour", "port"]
    assert read_scenario("harbour", {"horizon": 2030}, region).horizon == 2030
    with pytest.raises(UsageError, match="harbour"):
        read_scenario("harbor", region=region)
    with pytest.raises(UsageError, match="E30"):
        read_scenario("harbour")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    lines = [
        line for line, *_ in FAULTS if line.partition(" ")[0] in ("horzon", "migration.timing", "demand.view", "models")
    ]
    codes = sorted(issue.code for issue in refused(write(tmp_path, GOOD + "\n".join(lines))).issues)
    assert codes == ["E307", "E314", "E314", "E317"]


def test_files_that_are_no_toml(tmp_path: Path) -> None:
    issue = refused(write(tmp_path, "a = 1\n横轴 = 2\n")).issues[0]
    assert (issue.code, issue.row) == ("E306", 2)
    gbk = tmp_path / "gbk.toml"
    gbk.write_bytes("# 情景\n".encode("gbk"))
    assert refused(gbk).issues[0].code == "E305"
    bom = tmp_path / "bom.toml"
    bom.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert read_scenario(bom).id == "bom"


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert isinstance(refused(tmp_path / "none.toml"), CannotReadWrite)
    assert isinstance(refused(str(tmp_path / "none.toml")), CannotReadWrite)
    assert isinstance(refused(tmp_path), CannotReadWrite)  # a folder
    assert refused(write(tmp_path, GOOD.replace("baseline", "elsewhere.toml"))).issues[0].code == "E303"


def test_a_circle_of_scenarios_is_named(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("baseline", "b"), "a.toml")
    write(tmp_path, GOOD.replace("baseline", "a"), "b.toml")
    issue = refused(tmp_path / "a.toml").issues[0]
    assert issue.code == "E319"
    assert "a → b → a" in issue.text("zh")


@pytest.mark.parametrize(("parent", "code"), [("baselin", "E301"), ("qqq", "E302"), ("../baseline", "E318")])
def test_an_unknown_parent_is_a_fault_of_the_file(tmp_path: Path, parent: str, code: str) -> None:
    error = refused(write(tmp_path, GOOD.replace("baseline", parent)))
    assert isinstance(error, InputRefused)
    assert (error.issues[0].code, error.issues[0].file) == (code, "trial.toml")


def test_an_unknown_name_offers_the_nearest() -> None:
    error = refused("basline")
    assert isinstance(error, UsageError)
    assert "“baseline”" in error.issues[0].text("en")
    assert "“baseline”" in error.issues[0].text("zh")


@given(st.text(max_size=80))
def test_no_name_leads_out_of_the_folder_of_scenarios(name: str) -> None:
    if is_safe_name(name):
        assert (folder("scenarios") / f"{name}.toml").parent == folder("scenarios")
        assert not set(name) & set("/\\:. \n\0")
    if name not in SHIPPED and not name.endswith(".toml"):
        assert isinstance(refused(name), UsageError)


@pytest.mark.parametrize("name", ["con", "NUL", "com1", "..", "", "a b", "a/b", "x" * 65])
def test_names_that_no_file_may_have(name: str) -> None:
    assert not is_safe_name(name)


GUIDES = ["scenarios.md", "scenarios.zh-CN.md"]


@pytest.mark.parametrize("guide", GUIDES)
def test_the_guide_names_every_lever_and_every_scenario(guide: str, root: Path) -> None:
    text = (root / "docs" / guide).read_text("utf-8")
    parts = {"fertility": "Fertility", "mortality": "Mortality", "migration": "Migration", "demand": "Demand"}
    keys = [f"{key}.{name}" for key, part in parts.items() for name in json_schema()["$defs"][part]["properties"]]
    assert [key for key in keys if f"`{key}`" not in text] == []
    assert [file.stem for file in FILES if f"`{file.stem}`" not in text] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_the_guides_example_loads(guide: str, root: Path, tmp_path: Path) -> None:
    text = (root / "docs" / guide).read_text("utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    scenario = read_scenario(write(tmp_path, example))
    assert scenario.migration.add_counties["330304"] == ((2025, 0.0), (2026, 3000.0), (2030, 6000.0))
    assert scenario.migration.profile == "students"
