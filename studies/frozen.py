"""Writes everything a user gets from three fixed runs and a few commands, with dates taken out.

python -m studies.frozen OUT [single|thousand|graded ...]
diff -r OUT_BEFORE OUT      # after a change that should alter no number

A refactoring is finished when two such folders are equal to the byte. The runs: Wenzhou alone, Wenzhou with 1,000
trajectories, and a made-up copy of Wenzhou that counts grades and knows flows, with 200.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from forecast import read_region, read_scenario, run_forecast
from studies import ROOT

NOW, SEED = 2026, 7
DATES = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?([+-]\d\d:\d\d|Z)?|\d{8}-\d{6}")
COMMANDS = (
    ["check", "REGION", "--lang", "zh"],
    ["check", "REGION", "--lang", "en", "--json"],
    ["compare", "REGION", "--scenarios", "baseline,high_migration", "--json"],
    ["models", "--lang", "zh"],
    ["models", "--json"],
    ["scenarios", "--json"],
    ["waves", "RUN", "--lang", "zh"],
    ["waves", "RUN", "--json"],
)


def main(out: Path, only: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as work:
        graded = with_grades(Path(work) / "graded")
        for name, region, trajectories in (
            ("single", "wenzhou", 1),
            ("thousand", "wenzhou", 1000),
            ("graded", str(graded), 200),
        ):
            if only and name not in only:
                continue
            run = run_forecast(
                read_region(region), read_scenario("baseline"), trajectories, SEED, Path(work) / name, now=NOW
            )
            shutil.copytree(str(run.folder), out / name, dirs_exist_ok=True)
            commands(out / name / "commands", region, str(run.folder))
    for path in sorted(out.rglob("*")):
        if path.suffix in (".json", ".html", ".txt"):
            path.write_bytes(DATES.sub(b"DATE", path.read_bytes()).replace(str(out).encode(), b"OUT"))


def with_grades(folder: Path) -> Path:
    """Wenzhou with pupils of every grade and county in 2019-2022 and a few flows between counties, all made up."""
    shutil.copytree(ROOT / "data" / "wenzhou", folder)
    with (folder / "counties.csv").open(encoding="utf-8-sig") as file:
        counties = [row["county"] for row in csv.DictReader(file)]
    grades = [("primary", grade) for grade in range(1, 7)] + [("junior", grade) for grade in range(1, 4)]
    with (folder / "enrolment.csv").open("a", encoding="utf-8") as file:
        for place, county in enumerate(counties):
            for year in range(2019, 2023):
                for number, (stage, grade) in enumerate(grades):
                    pupils = 3000 + 431 * (place * 7 % 12) + 167 * ((year - number) % 9)
                    file.write(f"{county},{year},{stage},{grade},{pupils},persons\n")
    first, second, third = counties[:3]
    shares = [("primary_school", first, second, 0.03), ("senior_school", third, first, 0.08)]
    with (folder / "flows.csv").open("w", encoding="utf-8") as file:
        file.write("service,from,to,year,share\n")
        for service, home, other, share in shares:
            file.write(f"{service},{home},{home},2022,{1 - share}\n{service},{home},{other},2022,{share}\n")
    with (folder / "sources.csv").open("a", encoding="utf-8") as file:
        file.write(f"enrolment,county={'|'.join(counties)},made up,,assumed,,\nflows,,made up,,assumed,,\n")
    return folder


def commands(folder: Path, region: str, run: str) -> None:
    """Writes what the commands print, one file each; paths of this machine are taken out."""
    folder.mkdir(parents=True)
    for number, words in enumerate(COMMANDS):
        asked = [{"REGION": region, "RUN": run}.get(word, word) for word in words]
        done = subprocess.run([sys.executable, "-m", "forecast", *asked], capture_output=True, cwd=ROOT, check=False)  # noqa: S603
        printed = b"exit %d\n" % done.returncode + done.stdout + done.stderr
        for path in (run, region) if Path(region).is_dir() else (run,):
            printed = printed.replace(path.encode(), b"PATH")
        (folder / f"{number}-{words[0]}.txt").write_bytes(printed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
