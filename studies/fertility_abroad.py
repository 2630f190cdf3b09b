"""Writes data/fertility_abroad.csv: fertility of the countries where it is low, by year, from published estimates.

python -m studies.fertility_abroad

Reads World Population Prospects 2024 (`wpp2024` of the reference data, as many countries as it holds), estimates to 2023 only.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from studies import REFERENCE, ROOT, published

FIRST, LAST = 1970, 2023
LOW, LOW_YEARS = 2.5, 5
"""Births per woman below which fertility is low, in so many years in a row."""
BIRTHS = 10_000
"""Births in the year from which a country is counted: fertility of fewer is noise."""
SOURCE = (
    "United Nations, World Population Prospects 2024 (CC BY 3.0 IGO); median of the countries below 2.5 for five years"
)
COLUMNS = ("year", "countries", "tfr", "unit", "source", "basis")


def main() -> None:
    with (ROOT / "data" / "fertility_abroad.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows(REFERENCE))


def rows(folder: Path) -> Iterator[tuple[object, ...]]:
    """Year, how many countries, their median births per woman."""
    annual = published.table(folder / "wpp2024", "annual")
    tfr, births = (annual.pivot(index="year", columns="country_code", values=name) for name in ("tfr", "births"))
    for year in range(FIRST, LAST + 1):
        low = (tfr.loc[year - LOW_YEARS + 1 : year] < LOW).all() & (births.loc[year] >= BIRTHS)
        yield year, int(low.sum()), round(float(tfr.loc[year, low].median()), 3), "births per woman", SOURCE, "derived"


if __name__ == "__main__":
    main()
