"""What is installed, not what lies in the checkout: the wheel, in an environment and a folder of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(out)]
    subprocess.run([*command, str(root)], check=True, timeout=300)
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def python(root: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel and the pinned packages, and nothing else."""
    folder = tmp_path_factory.mktemp("elsewhere") / "venv"
    venv.create(folder, with_pip=True)
    found = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    install = [str(found), "-m", "pip", "install", "--quiet", "-c", str(root / "pins.txt"), str(wheel)]
    subprocess.run(install, check=True, timeout=900)
    return found


def test_the_wheel_carries_what_a_planner_may_change(root: Path, wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("models", "scenarios", "data", "rules"):
        for path in (root / folder).rglob("*"):
            if path.is_file():
                assert f"forecast/shipped/{path.relative_to(root).as_posix()}" in names
    package = root / "forecast"
    for path in package.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert f"forecast/{path.relative_to(package).as_posix()}" in names
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"forecast"}


def forecast(python: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-I", "-m", "forecast", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=600, encoding="utf-8")


def test_the_installed_command_runs_the_demo(python: Path, tmp_path: Path) -> None:
    done = forecast(python, tmp_path, "demo", "--json", "--debug", "--lang", "zh")
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / json.loads(done.stdout)["folder"]
    assert {"manifest.json", "forecast.nc", "report.html", "log.txt"} <= {path.name for path in folder.iterdir()}
    assert any((folder / "tables").glob("*.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]  # nothing is written outside --out


def test_the_installed_command_lists_what_is_shipped(python: Path, tmp_path: Path) -> None:
    assert "low_fertility" in forecast(python, tmp_path, "scenarios").stdout
    assert "primary_school" in forecast(python, tmp_path, "models").stdout
    assert forecast(python, tmp_path, "check", "wenzhou").returncode == 0
