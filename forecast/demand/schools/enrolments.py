"""What the table `enrolment` counts: pupils, entrants and leavers of a stage by place and year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from forecast.basics.dims import YEAR
from forecast.demand.schools.stages import StageSystem, system_of, whole_stage
from forecast.region import Region

PUPILS, ENTRANTS, LEAVERS = "pupils", "entrants", "leavers"

Series = Mapping[int, float]
"""Year -> persons."""


@dataclass(frozen=True)
class Enrolments:
    """Persons counted by (place, stage) and year.

    pupils    at the start of the school year; a stage all of whose grades are counted is counted as well
    entrants  of them, those who entered the stage in that year
    leavers   those who completed the stage in the summer of the calendar year
    """

    pupils: Mapping[tuple[str, str], Series]
    entrants: Mapping[tuple[str, str], Series]
    leavers: Mapping[tuple[str, str], Series]

    def parts(self, place: str, parts: Sequence[str], whole: str) -> dict[str, dict[int, float]]:
        """Pupils of each part of a stage (general, vocational) in a place, or of the whole stage where it has no parts
        or none was ever counted there.

        Where only the whole and all parts but one were counted, the difference is the last part. Where only the whole
        was, it is split as in the nearest years in which all parts were counted.
        """
        counted = {part: dict(self.pupils.get((place, part), {})) for part in parts}
        together = self.pupils.get((place, whole), {})
        if not any(counted.values()):
            return {whole: dict(together)} if together else {}
        for year, pupils in together.items():
            lacking = [part for part in parts if year not in counted[part]]
            if len(lacking) == 1:
                rest = pupils - sum(counted[part][year] for part in parts if part not in lacking)
                counted[lacking[0]][year] = max(rest, 0.0)
        complete = sorted(set.intersection(*(set(series) for series in counted.values())))
        for year, pupils in together.items():
            if complete and not any(year in series for series in counted.values()):
                near = min(complete, key=lambda known: abs(known - year))
                total = sum(series[near] for series in counted.values())
                for series in counted.values():
                    series[year] = pupils * series[near] / total if total else 0.0
        return {part: dict(sorted(series.items())) for part, series in counted.items() if series}


def items_of(region: Region, item: str) -> pd.DataFrame:
    """The rows of `enrolment` that count this item; none where the region has no such table."""
    if not region.has("enrolment"):
        return pd.DataFrame(columns=["county", YEAR, "stage", "grade", "value"])
    table = region.table("enrolment")
    if "item" not in table:
        return table if item == PUPILS else table.iloc[:0]
    return table[table["item"].fillna(PUPILS) == item]


def enrolments_of(region: Region) -> Enrolments:
    """All that the region counts. Several rows of one place, stage and year (by registration) are added."""
    system = system_of(region)
    return Enrolments(
        _pupils(items_of(region, PUPILS), system), *(_sums(items_of(region, i)) for i in (ENTRANTS, LEAVERS))
    )


def _pupils(table: pd.DataFrame, system: StageSystem) -> dict[tuple[str, str], Series]:
    """The sum of the grades where all of them are there, which is counted one by one; else the row of the whole stage."""
    keys = ["county", "stage", YEAR]
    by_grade = table[table["grade"] != "all"].groupby(keys).agg(pupils=("value", "sum"), grades=("grade", "nunique"))
    needed = [_grades_in(str(stage), system) for stage in by_grade.index.get_level_values("stage")]
    complete = by_grade.loc[by_grade["grades"] == needed, "pupils"]
    return _merged(_sums(table[table["grade"] == "all"]), _series(complete))


def _merged(
    first: Mapping[tuple[str, str], Series], over: Mapping[tuple[str, str], Series]
) -> dict[tuple[str, str], Series]:
    return {key: {**first.get(key, {}), **over.get(key, {})} for key in [*first, *over]}


def _sums(table: pd.DataFrame) -> dict[tuple[str, str], Series]:
    return _series(table.groupby(["county", "stage", YEAR])["value"].sum())


def _series(sums: pd.Series) -> dict[tuple[str, str], Series]:
    series: dict[tuple[str, str], dict[int, float]] = {}
    for (place, stage, year), persons in sums.items():
        series.setdefault((str(place), str(stage)), {})[int(year)] = float(persons)
    return series  # type: ignore[return-value]


def _grades_in(stage: str, system: StageSystem) -> int:
    first, last = system.stages[whole_stage(system, stage)]
    return last - first + 1
