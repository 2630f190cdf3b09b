"""Writes data/accuracy.csv, the figures of docs/accuracy that the report quotes: one row a place, horizon, age group and
measure. To be run after studies/backtests.py has written its pages; nothing is typed by hand.

python -m studies.accuracy_csv
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from studies import ROOT

PAGES = ROOT / "docs" / "accuracy"

CHINESE = {
    "sweden": "瑞典各郡",
    "norway": "挪威各市镇",
    "us_states": "美国各州",
    "us_counties": "美国各县",
    "new_zealand": "新西兰各大区",
    "iceland": "冰岛",
    "china": "中国各县（2010年普查推2020年）",
}
MEASURES = {
    "median": "mdape",
    "weighted": "wape",
    "best rival": "wape_rival",
    "bias": "bias",
    "cover 80": "coverage80",
    "cover 95": "coverage95",
    "CRPS": "crps",
}
"""Column of a page, in per cent -> measure of the file, as a share."""

COLUMNS = ("place", "place_zh", "n", "form", "horizon", "age_group", "measure", "value", "source")


def main() -> None:
    rows = [row for page in sorted(PAGES.glob("*.md")) for row in figures(page)]
    with (ROOT / "data" / "accuracy.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def figures(page: Path) -> Iterator[tuple[object, ...]]:
    """The rows of one page; none where it has no table of errors by years ahead."""
    text = page.read_text("utf-8")
    title = text.splitlines()[0].removeprefix("# ")
    result = r"^## Result on the (\d+) [^\n]*, (\d+) years ahead\n.*?^((?:\|[^\n]*\n)+)"
    pairs = re.search(result, text, re.MULTILINE | re.DOTALL)
    about = re.search(r"^(\d+) places, (origins [^,]*),", text, re.MULTILINE)
    tables = re.findall(r"^(\d+) years ahead, \d+ cases:\n\n((?:\|.*\n)+)", text, re.MULTILINE)
    if pairs is not None:  # two censuses: one origin, one horizon
        count, origin, form, tables = pairs[1], "census 2010", "cold", [(pairs[2], pairs[3])]
    elif about is not None and tables:
        count, origin, form = about[1], about[2], "fitted"
    else:
        return
    source = f"docs/accuracy/{page.name}: {origin}"
    for horizon, table in tables:
        head, _, *lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
        for line in lines:
            named = dict(zip(head, line, strict=True))
            group = "all" if named["ages"] == "total" else named["ages"]
            for column, measure in MEASURES.items():
                value = round(float(named[column]) / 100, 6)
                yield title, CHINESE.get(page.stem, title), count, form, horizon, group, measure, value, source


if __name__ == "__main__":
    main()
