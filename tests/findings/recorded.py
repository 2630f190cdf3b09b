"""A region with made-up recorded places in every county, so that flags of counties have something to be told of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from forecast import read_region
from forecast.region import Region

AGES = {
    "nursery": (0, 2),
    "kindergarten": (3, 5),
    "primary_school": (6, 11),
    "junior_school": (12, 14),
    "senior_school": (15, 17),
    "care_beds": (60, 100),
    "hospital_beds": (0, 100),
}


def recorded(region: Region | None = None) -> Region:
    """Wenzhou, or another region, with the figures of its whole laid on the counties by the residents of the ages in the
    last census, and called recorded; projects of the whole left out."""
    region = read_region("wenzhou") if region is None else region
    people = region.table("population")
    people = people[people["year"] == people["year"].max()]
    supply, parts = region.table("supply"), []
    for service, (first, last) in AGES.items():
        low, high = people["age_from"], people["age_to"]
        width = high - low + 1
        share = np.clip(np.minimum(high, last) - np.maximum(low, first) + 1, 0, None) / width
        by_county = (people["persons"] * share).groupby(people["county"]).sum().reindex(region.areas.counties)
        for row in supply[supply["service"] == service].itertuples():
            figures = row.capacity * by_county / by_county.sum()
            own = pd.DataFrame({"county": figures.index, "capacity": figures.to_numpy()})
            parts.append(own.assign(year=row.year, service=service, unit=row.unit, kind="recorded", row=row.row))
    table = pd.concat(parts, ignore_index=True).assign(unit_printed=lambda rows: rows["unit"])
    tables = {name: held for name, held in region.tables.items() if name != "projects"}
    return replace(region, tables={**tables, "supply": table[supply.columns]})
