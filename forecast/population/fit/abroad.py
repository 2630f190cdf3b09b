"""Fertility of other countries, as evidence of where a level of fertility goes: `data/fertility_abroad.csv`.

Where fertility is low it swings around no mean of its own: a place's last decades have said too high a level nearly
everywhere since 1970. What other such countries have says more (low-fertility countries learn from each other in the
projections of the United Nations too: Raftery, Alkema and Gerland 2014, Statistical Science 29).
"""

from __future__ import annotations

import csv
from functools import cache

import numpy as np

from forecast.basics.folders import folder

FILE = "fertility_abroad.csv"


def level_abroad(year: int) -> float:
    """Log of the median births per woman of countries below 2.5, as known at the end of a year; before the first year of
    the table, the first."""
    table = _table()
    known = max([one for one in table if one <= year], default=min(table))
    return float(np.log(table[known]))


@cache
def _table() -> dict[int, float]:
    with (folder("data") / FILE).open(encoding="utf-8", newline="") as lines:
        return {int(row["year"]): float(row["tfr"]) for row in csv.DictReader(lines)}
