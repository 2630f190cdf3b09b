"""Scenarios side by side: the numbers are the runs' own, differences are to the first, and Chinese stands aligned."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from wcwidth import width

from forecast import cli
from forecast.cli.text.comparison import aligned, as_rows, comparison_lines, with_names
from forecast.demand import read_models
from forecast.errors import UsageError
from forecast.pipeline import compare_scenarios, run_forecast
from forecast.region import Region, read_region
from forecast.scenario import Scenario, read_scenario

NAMES = ["baseline", "high_migration", "low_migration"]
YEARS = [2025, 2030]
SERVICES = ["kindergarten", "care_beds"]
CELLS = ["scenario", "county", "service", "year"]


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region("wenzhou")


@pytest.fixture(scope="module")
def scenarios(region: Region) -> list[Scenario]:
    return [read_scenario(name, {"horizon": 2031}, region) for name in NAMES]


@pytest.fixture(scope="module")
def table(region: Region, scenarios: list[Scenario]) -> pd.DataFrame:
    return compare_scenarios(region, scenarios, YEARS, SERVICES)


def test_the_table_equals_the_runs(region: Region, scenarios: list[Scenario], table: pd.DataFrame) -> None:
    for scenario in scenarios[:2]:
        data = run_forecast(region, scenario).data.sel(year=YEARS, service=SERVICES)
        rows = table[table.scenario == scenario.id].set_index(["county", "service", "year"])
        found = rows.demand.to_xarray().sel(service=SERVICES)
        np.testing.assert_array_equal(found.sel(county=data.county.values).transpose(*data.demand.dims), data.demand)
        np.testing.assert_allclose(
            found.sel(county=region.area), data.demand.sum("county").transpose("service", "year")
        )
        for name in ("supply", "gap", "missing", "idle"):
            kept = data[f"{name}_of_area"].rename(area="county")
            found = rows[name].to_xarray().sel(service=SERVICES, county=kept.county.values)
            np.testing.assert_array_equal(found.transpose(*kept.dims), kept)
            assert bool(found.sel(county=region.area).notnull().all())
            assert bool(found.sel(county=data.county.values).isnull().all())  # nothing of a county that is split
        people = rows.population.to_xarray().sel(service="care_beds", county=data.county.values)
        np.testing.assert_allclose(people, data.population.sum(["sex", "age"]).transpose("county", "year"))


def test_every_cell_stands_once_and_the_gap_is_a_difference(region: Region, table: pd.DataFrame) -> None:
    assert len(table) == len(NAMES) * (len(region.counties) + 1) * len(SERVICES) * len(YEARS)
    assert not table.duplicated(CELLS).any()
    known = table[table.gap.notna()]
    np.testing.assert_allclose(known.gap, known.supply - known.demand)
    np.testing.assert_allclose(known.gap, known.idle - known.missing)
    assert set(table.unit) == {"places", "beds"}
    assert set(table.demand_basis) <= {"derived", "assumed"}
    assert set(table.supply_basis) == {"assumed"}
    kinds = table.groupby(["service", table.county == region.area]).supply_kind.unique().map(list).to_dict()
    assert kinds == {
        ("kindergarten", True): ["rolls"], ("care_beds", True): ["recorded"],
        ("kindergarten", False): ["split"], ("care_beds", False): ["split"],
    }  # fmt: skip


def test_differences_are_to_the_first(table: pd.DataFrame) -> None:
    cells = table.set_index(CELLS).sort_index()
    first = cells.loc["baseline"]
    for name in ("population", "supply", "demand", "gap", "missing", "idle"):
        assert (first[f"{name}_change"].dropna() == 0).all()
        assert first[f"{name}_change"].notna().equals(first[name].notna())
        for other in NAMES[1:]:
            change = cells.loc[other, name] - first[name]
            pd.testing.assert_series_equal(cells.loc[other, f"{name}_change"], change, check_names=False)


def test_more_migration_means_more_people_and_more_need(region: Region, table: pd.DataFrame) -> None:
    whole = table[(table.county == region.area) & (table.year == 2030)].set_index(["service", "scenario"])
    for service in SERVICES:
        for name in ("population", "demand"):
            high, middle, low = (
                whole.loc[(service, one), name] for one in ("high_migration", "baseline", "low_migration")
            )
            assert high > middle > low


def test_by_default_every_fifth_year_and_every_service(region: Region, scenarios: list[Scenario]) -> None:
    found = compare_scenarios(region, scenarios[:1])
    assert sorted(set(found.year)) == [2025, 2030]  # the horizon is 2031
    assert list(dict.fromkeys(found.service)) == list(read_models())


def test_the_standard_is_compared_where_the_scenario_asks_for_it(region: Region) -> None:
    scenario = read_scenario("baseline", {"horizon": 2025, "demand.view": "norm"})
    found = compare_scenarios(region, [scenario], [2025], ["care_beds"])
    run = run_forecast(region, scenario).data.sel(year=2025, service="care_beds")
    assert float(found[found.county == region.area].demand.iloc[0]) == pytest.approx(float(run.demand_norm.sum()))
    known = found[found.gap.notna()]
    np.testing.assert_allclose(known.gap, known.supply - known.demand)
    assert known.county.tolist() == [region.area]
    assert set(found.view) == {"norm"}
    text = "\n".join(comparison_lines(found, region, [scenario], read_models(), "zh"))
    assert "基准（按标准）" in text


@pytest.mark.parametrize(
    ("years", "services", "names", "code", "shown"),
    [
        ([2022], None, ["baseline"], "E908", "2023"),
        ([2040], None, ["baseline"], "E908", "2031"),
        ([], None, ["baseline"], "E908", "2031"),
        (None, ["kindergaten"], ["baseline"], "E909", "kindergarten"),
        (None, None, ["baseline", "baseline"], "E910", "baseline"),
        (None, None, [], "E911", "baseline"),
    ],
)
def test_what_cannot_be_compared_is_said(
    region: Region,
    scenarios: list[Scenario],
    years: list[int] | None,
    services: list[str] | None,
    names: list[str],
    code: str,
    shown: str,
) -> None:
    chosen = [next(one for one in scenarios if one.id == name) for name in names]
    with pytest.raises(UsageError) as error:
        compare_scenarios(region, chosen, years, services)
    assert [issue.code for issue in error.value.issues] == [code]
    assert all(shown in error.value.issues[0].text(lang) for lang in ("zh", "en"))


# --- as text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_columns_stand_below_each_other(
    region: Region, scenarios: list[Scenario], table: pd.DataFrame, lang: str
) -> None:
    lines = comparison_lines(table, region, scenarios, read_models(), lang, counties=True)
    head = next(i for i, line in enumerate(lines) if region.name[lang] in line)
    block = lines[head : lines.index("", head)]
    with_numbers = [line for line in block if line.startswith(" ") or line == block[0]]  # the others are titles
    assert len({width(line) for line in with_numbers}) == 1  # numbers end in the same column
    for name in (one.name for one in scenarios):
        assert any(getattr(name, lang) in line for line in block)
    said = "\n".join(lines)
    for county in region.counties[f"name_{lang}"]:
        assert county in said
    whole = table[(table.county == region.area) & (table.scenario == "high_migration")]
    row = whole[(whole.service == "kindergarten") & (whole.year == 2030)].iloc[0]
    assert f"{row.demand:,.0f} ({row.demand_change:+,.0f})" in said


def test_supply_that_is_not_known_is_shown_as_such(
    region: Region, scenarios: list[Scenario], table: pd.DataFrame
) -> None:
    unknown = [*("supply", "gap", "missing", "idle"), *("supply_change", "gap_change")]
    lacking = table.assign(**dict.fromkeys(unknown, np.nan), supply_basis="none", supply_kind="none")
    lines = comparison_lines(lacking, region, scenarios, read_models(), "en")
    assert sum("–" in line and "supply (not known)" in line for line in lines) == len(SERVICES)
    assert "nan" not in "\n".join(lines)
    assert not any(line.strip().startswith("gap  ") for line in lines)
    assert all(row["gap"] is None for row in as_rows(lacking))
    json.dumps(as_rows(lacking), allow_nan=False)


@pytest.mark.parametrize(
    ("lang", "words"),
    [("zh", ("历年最多在校生", "短缺各县合计", "富余各县合计")), ("en", ("ever held", "missing", "idle"))],
)
def test_net_and_gross_stand_side_by_side_where_they_differ(
    region: Region, scenarios: list[Scenario], table: pd.DataFrame, lang: str, words: tuple[str, ...]
) -> None:
    """The kind is said beside the supply; what counties lack and have is told where the net hides it."""
    net = "\n".join(comparison_lines(table, region, scenarios, read_models(), lang))
    assert words[0] in net
    assert words[1] not in net
    gross = table.assign(missing=table.missing + 10_000, idle=table.idle + 10_000, supply_kind="recorded")
    told = "\n".join(comparison_lines(gross, region, scenarios, read_models(), lang))
    assert all(word in told for word in words[1:])
    assert words[0] not in told


def test_the_width_of_a_sign_is_what_a_terminal_gives_it() -> None:
    for text, columns in {"abc": 3, "学位": 4, "（个）": 6, "–": 1, "é": 1, "e\u0301": 1, "Ａ": 2}.items():
        assert width(text) == columns, unicodedata.name(text[-1])
    lines = aligned([["学位", "", "2030"], ["  需求", "基准", "1,234"]])
    assert [width(line) for line in lines] == [width(lines[1])] * 2


def test_names_stand_beside_codes(region: Region, scenarios: list[Scenario], table: pd.DataFrame) -> None:
    named = with_names(table, region, scenarios, read_models())
    row = named[
        (named.county == "330302") & (named.service == "care_beds") & (named.scenario == "high_migration")
    ].iloc[0]
    assert (row.county_zh, row.county_en, row.scenario_zh) == ("鹿城区", "Lucheng", "高迁移")
    assert row.service_en == read_models()["care_beds"].name["en"]
    assert list(named)[:3] == ["scenario", "scenario_zh", "scenario_en"]


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, region: Region) -> None:
    """The region read once for all calls of the command."""
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    monkeypatch.setattr("forecast.region.read_region", lambda path: region)


@pytest.mark.usefixtures("quick")
def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "compare",
        "wenzhou",
        "--scenarios",
        "baseline，city_core",
        "--services",
        "kindergarten",
        "--years",
        "2025",
    ]
    assert cli.main([*words, "--set", "horizon=2026", "--lang", "zh", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "向主城集聚" in printed
    assert "供给（历年最多在校生，含规划新增；假定）" in printed
    (file,) = tmp_path.glob("*-wenzhou-compare/compare.csv")
    assert str(file) in printed
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    written = pd.read_csv(file, dtype={"county": str})
    assert set(written.county) == {"330300", *read_region("wenzhou").counties.index}
    assert set(written.scenario_zh) == {"基准", "向主城集聚"}
    manifest = json.loads((file.parent / "manifest.json").read_text("utf-8"))
    assert [one["id"] for one in manifest["compared"]] == ["baseline", "city_core"]
    assert manifest["compared"][1]["horizon"] == 2026


@pytest.mark.usefixtures("quick")
def test_json_holds_every_row_and_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "wenzhou", "--scenarios", "closed", "--set", "horizon=2025", "--years", "2025", "--json"]
    assert cli.main(words) == 0
    found = json.loads(capsys.readouterr().out, parse_constant=lambda text: pytest.fail(text))
    assert found["scenarios"] == {"closed": {"zh": "封闭人口", "en": "Closed population"}}
    assert len(found["rows"]) == 13 * len(read_models())
    assert found["file"] is None


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--years", "next"], "E904"),
        (["--years", ""], "E904"),
        (["--years", "1999"], "E908"),
        (["--services", "schools"], "E909"),
        (["--services", ","], "E909"),
        (["--scenarios", "baseline,baselin"], "E301"),
        (["--scenarios", ","], "E911"),
        (["--set", "migration.closed"], "E906"),
    ],
)
def test_a_call_written_wrongly_is_explained(words: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", "wenzhou", *words]) == 2
    assert f"[{code}]" in capsys.readouterr().err


def test_a_regions_own_scenarios_are_listed_and_run_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scenarios", "--region", "wenzhou", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenarios"][-1]["id"] == "city_core"
    assert cli.main(["scenarios", "--json"]) == 0
    assert "city_core" not in [one["id"] for one in json.loads(capsys.readouterr().out)["scenarios"]]
    assert cli.main(["scenarios", "--region", "nowhere"]) == 3


def test_a_lever_that_the_region_cannot_take_is_refused_in_both_languages(
    region: Region, scenarios: list[Scenario]
) -> None:
    wrong = scenarios[0].model_copy(
        update={"migration": read_scenario("baseline", {"migration.gross_factor": 2}).migration}
    )
    with pytest.raises(Exception, match="E642") as error:
        compare_scenarios(region, [wrong], [2025])
    assert "净迁移" in error.value.issues[0].text("zh")  # type: ignore[attr-defined]
    lonely = replace(region, folder=region.folder / "nothing")
    with pytest.raises(UsageError):
        read_scenario("city_core", region=lonely)
