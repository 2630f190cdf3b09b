"""Accuracy of the engine as measured on real places: figures of backtests, shipped with the program.

`data/accuracy.csv` is written by studies/accuracy_csv.py from the pages of the backtests, one row a figure: place, n,
form (of the forecast that was tested), horizon, age_group, measure, value, source, and where there is one place_zh. Without the file nothing is claimed.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

from forecast.basics.folders import folder
from forecast.basics.text import Text

FILE = "accuracy.csv"

MEASURES = ("mdape", "bias", "coverage80", "coverage95", "wape", "wape_rival")
"""Median absolute percentage error, mean error with its sign, how many of the counted numbers lay inside the bands of 80
and 95 %, the sum of errors over the sum of what was counted, and the least of that which a rival reached."""


@dataclass(frozen=True)
class Score:
    """Errors of the engine in one place, so many years ahead, for one age group; what was not measured is missing."""

    place: Text
    areas: int
    form: str  # of the forecast: "fitted", "calibrated" ...
    horizon: int
    age_group: str  # "all", "0-5", "65+" ...
    values: dict[str, float]  # measure -> share
    source: str


def read_scores() -> list[Score]:
    """Every score shipped, in the order of the file; none where there is no file."""
    file = folder("data") / FILE
    if not file.is_file():
        return []
    scores: dict[tuple[str, str, str], Score] = {}
    with file.open(encoding="utf-8-sig", newline="") as lines:
        for row in csv.DictReader(lines):
            key = row["place"], row["horizon"], row["age_group"]
            if key not in scores:
                place = Text(row.get("place_zh") or row["place"], row["place"])
                areas, horizon = int(float(row["n"])), int(float(row["horizon"]))
                scores[key] = Score(place, areas, row["form"], horizon, row["age_group"], {}, row.get("source") or "")
            scores[key].values[row["measure"]] = float(row["value"])
    return list(scores.values())
