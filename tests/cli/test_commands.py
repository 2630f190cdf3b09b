"""The command: what it prints, in which language, where, and with which exit code.

The forecast itself is tested elsewhere; here a stand-in takes its place, so that each outcome can be had at will.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from forecast import cli
from forecast.errors import CannotReadWrite, InputRefused, Issue

WARNING = Issue("E308", values={"field": "x", "known": "y"}, severity="warning")


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests do not depend on the language of the machine that they run on."""
    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A region and a forecast at will: set `warnings` or `does`, read `calls`."""
    stand_in = SimpleNamespace(warnings=(), calls=[], does=lambda: None)

    def read_region(path: str) -> SimpleNamespace:
        names = {"zh": "温州市", "en": "Wenzhou"}
        tables: dict[str, list[int]] = {"population": [1, 2, 3]}
        encodings = {"population.csv": "gb18030"}
        warnings = stand_in.warnings
        return SimpleNamespace(
            id="wenzhou",
            name=names,
            tables=tables,
            encodings=encodings,
            warnings=warnings,
            folder=tmp_path,
            counties=[1],
            rules={},
            services={},
        )

    def run_forecast(region: Any, scenario: Any, **given: Any) -> SimpleNamespace:
        stand_in.calls.append((region.id, scenario, given))
        stand_in.does()
        return SimpleNamespace(folder=tmp_path / "run", headline={"zh": ["缺口。"], "en": ["A gap."]})

    monkeypatch.setattr("forecast.population.projection.kernel.compiled_before", lambda: True)
    monkeypatch.setitem(sys.modules, "forecast.region", SimpleNamespace(read_region=read_region))
    monkeypatch.setitem(sys.modules, "forecast.pipeline", SimpleNamespace(run_forecast=run_forecast))
    return stand_in


def raiser(error: BaseException) -> Callable[[], None]:
    def does() -> None:
        raise error

    return does


def test_demo_prints_the_headline_and_where_the_report_is(
    engine: SimpleNamespace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert cli.main(["demo", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "A gap."
    assert str(tmp_path / "run" / "report.html") in printed.out
    assert printed.err == ""
    (region, scenario, given) = engine.calls[0]
    assert (region, scenario.id, given["seed"], given["out"]) == ("wenzhou", "baseline", 0, tmp_path)
    assert given["trajectories"] == 1000


def test_run_passes_on_what_was_asked(engine: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "x", "--scenario", "low_fertility", "--set", "migration.level=2", "--set", "horizon = 2040"]
    assert cli.main([*words, "--seed", "7", "--trajectories", "50", "--name", "trial", "--lang", "zh"]) == 0
    (_, scenario, given) = engine.calls[0]
    assert (scenario.id, scenario.horizon, scenario.migration.level[0][1]) == ("low_fertility", 2040, 2.0)
    assert (given["seed"], given["trajectories"], given["name"], given["out"]) == (7, 50, "trial", Path("runs"))
    assert "缺口。" in capsys.readouterr().out


def test_a_bad_name_is_refused_before_the_work(engine: SimpleNamespace) -> None:
    assert cli.main(["run", "x", "--name", "../x"]) == 2
    assert engine.calls == []


def test_json_is_for_programs(engine: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    engine.warnings = (WARNING,)
    assert cli.main(["run", "x", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["headline"] == {"zh": ["缺口。"], "en": ["A gap."]}
    assert found["warnings"][0]["code"] == "E308"
    assert cli.main(["run", "x", "--json", "--scenario", "nope"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == 2
    assert found["issues"][0]["code"] == "E302"


def test_warnings_matter_under_strict(engine: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    engine.warnings = (WARNING,)
    assert cli.main(["run", "x"]) == 0
    assert cli.main(["run", "x", "--strict"]) == 4
    assert cli.main(["check", "x", "--strict"]) == 4
    assert "[E308]" in capsys.readouterr().err
    engine.warnings = ()
    assert cli.main(["check", "x", "--strict"]) == 0


def test_check_names_tables_and_encodings(engine: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "x", "--lang", "zh"]) == 0
    printed = capsys.readouterr().out
    assert "温州市" in printed
    assert "3 行  gb18030" in printed
    assert cli.main(["check", "x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"] == {"population": 3}


FIELDS = {"field": "x", "known": "y"}
MANY = [Issue("E308", file="a.csv", row=row, values=FIELDS) for row in range(1, 26)]


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (InputRefused(Issue("E308", values=FIELDS)), 3, "[E308]"),
        (CannotReadWrite(Issue("E502", file="runs")), 74, "[E502] runs: the disk is full"),
        (PermissionError(13, "Permission denied", "runs"), 74, "[E907]"),
        (KeyboardInterrupt(), 130, "[E998]"),
        (ZeroDivisionError("division by zero"), 1, "--debug"),
    ],
)
def test_every_way_to_end_has_its_exit_code_and_no_stack(
    engine: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    sentence: str,
) -> None:
    engine.does = raiser(error)
    assert cli.main(["demo"]) == code
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert "Traceback" not in printed.err + printed.out
    assert printed.out == ""


def test_debug_shows_the_stack_and_the_sentence(engine: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    engine.does = raiser(ZeroDivisionError("division by zero"))
    assert cli.main(["demo", "--debug"]) == 1
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert "[E999]" in printed


def test_a_flood_of_one_fault_is_counted(engine: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    engine.does = raiser(InputRefused([*MANY, Issue("E304", file="b", values={"reason": "r"})]))
    assert cli.main(["demo"]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert [line[:6] for line in lines].count("[E308]") == 21
    assert "5 more" in lines[-1]
    assert any("[E304]" in line for line in lines)
    assert cli.main(["demo", "--json"]) == 3
    assert len(json.loads(capsys.readouterr().out)["issues"]) == 26


@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [
        (["bogus"], "E902", "scenarios"),
        (["run"], "E903", "REGION"),
        (["run", "x", "--bogus"], "E901", "--bogus"),
        (["run", "x", "--seed", "a"], "E904", "--seed"),
        (["run", "x", "--seed", "-1"], "E904", "--seed"),
        (["run", "x", "--set", "horizon"], "E906", "horizon"),
        (["run", "x", "--scenario"], "E905", "--scenario"),
        (["scenarios", "extra"], "E905", "extra"),
        (["--lang", "fr"], "E904", "--lang"),
    ],
)
def test_a_call_written_wrongly_is_explained_in_both_languages(
    words: list[str], code: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    english = capsys.readouterr().err
    assert english.startswith(f"[{code}]")
    assert shown in english
    if words[0] != "--lang":
        assert cli.main(["--lang", "zh", *words]) == 2
        chinese = capsys.readouterr().err
        assert chinese.startswith(f"[{code}]")
        assert any("一" <= sign <= "鿿" for sign in chinese)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LC_ALL": "zh_CN.UTF-8", "LANG": "en_GB"}, "zh"),
        ({"LC_MESSAGES": "zh_CN.GB18030", "LANG": "en_GB"}, "zh"),
        ({"LANG": "zh_SG"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "de_DE"}, "en"),
    ],
)
def test_the_language_is_the_systems(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(key, raising=False)
    for key, value in environment.items():
        monkeypatch.setenv(key, value)
    assert cli.language([]) == expected
    assert cli.language(["run", "--lang", "zh"]) == "zh"
    assert cli.language(["--lang=en"]) == "en"


def test_windows_names_its_language_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setattr("locale.getlocale", lambda: ("Chinese (Simplified)_China", "936"))
    assert cli.language([]) == "zh"
    monkeypatch.setattr("locale.getlocale", lambda: (None, None))
    assert cli.language([]) == "en"


def test_help_is_in_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: forecast [OPTIONS] COMMAND")
    assert cli.main(["--lang", "zh", "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("用法：forecast")
    assert "Options" not in printed
    for one in ("demo", "run", "compare", "check", "models", "scenarios", "version"):
        assert one in printed
        assert cli.main([one, "--lang", "zh", "--help"]) == 0
        assert "显示本帮助" in capsys.readouterr().out


def test_scenarios_and_version_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scenarios", "--lang", "zh"]) == 0
    assert "高迁移" in capsys.readouterr().out
    assert cli.main(["scenarios", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenarios"][0]["id"] == "baseline"
    assert cli.main(["scenarios", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Scenario"
    assert cli.main(["version", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["forecast"] == "0.1.0"


def test_models_are_listed_with_method_unit_and_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["models"]
    assert [row["id"] for row in rows][:3] == ["nursery", "kindergarten", "primary_school"]
    assert all(row["method"] and row["unit"] and row["sources"] > 0 for row in rows)
    assert cli.main(["models", "--lang", "zh"]) == 0
    assert "人口口径 常住" in capsys.readouterr().out


HEAVY = {"altair", "h5netcdf", "jinja2", "numba", "numpy", "pandas", "pydantic", "scipy", "statsmodels", "xarray"}


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["compare", "--help"], ["version"], ["bogus"]])
def test_light_commands_load_nothing_heavy(words: list[str]) -> None:
    """What makes `--help` quick: a time would depend on the machine, the list of modules does not."""
    program = f"import sys; from forecast.cli import main; main({words!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "click" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk", "utf-8"])
def test_a_console_without_chinese_does_not_break_the_command(encoding: str) -> None:
    command = [sys.executable, "-m", "forecast", "scenarios", "--lang", "zh"]
    environment = {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(cli.__file__).parent.parent)}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    if encoding in ("gbk", "utf-8"):
        assert "高迁移" in done.stdout.decode(encoding)


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is told otherwise on Windows")
def test_a_closed_pipe_is_no_bug() -> None:
    command = [sys.executable, "-m", "forecast", "scenarios", "--schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        process.wait(timeout=60)
    assert said == b""
