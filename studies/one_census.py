"""Writes data/patterns/china_wpp2024/one_census.toml: what one census says of migration, learnt from China's counties.

python -m studies.one_census [--reference FOLDER]

The counties with an even code, counted in 2010 and 2020, are what is learnt from; those with an odd one are left for the
test (`studies.backtest_china`). By ridge regression, weighted by residents: log of the persons of each cohort in 2020
over those that `closed` leaves of it, on the signs of the county in 2010 (`forecast.population.past.one_census`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SEX, YEAR
from forecast.population import estimate_past, project_population, vital_rates
from forecast.population.future.baseline import unchanged
from forecast.population.future.cold import rates_of_one_census
from forecast.population.past.one_census import signs_of
from forecast.population.past.read import FILE, Learnt, Nation, OneCensus
from forecast.region import Region
from forecast.region.tables import ORIGINS
from studies import REFERENCE, ROOT
from studies.china_counties import PATTERN, by_cohort, census, pairs, write_region

FIRST, LAST = 2010, 2020
COHORTS = tuple(range(0, 80, 5))
BANDS = (0, 5, 10, 15, 20, 25, 30, 40, 50, 60)
RIDGE = 10.0
"""Penalty, in counties of mean size; 1 to 50 give the same error of even counties from others to 0.1 %."""
SEEN = (0.01, 0.99)
"""Quantiles of a sign on the even counties within which it is taken elsewhere."""


@dataclass(frozen=True)
class Study:
    """Counties of 2010 and what was counted of them in 2020; arrays go by `codes`."""

    folder: Path
    region: Region

    @cached_property
    def past(self) -> xr.Dataset:
        return estimate_past(self.region)

    @cached_property
    def codes(self) -> list[str]:
        return [str(code) for code in self.past[COUNTY].values]

    @cached_property
    def kept(self) -> np.ndarray:
        """(county,) whether the county lies within the same boundary in both censuses."""
        table = pairs(self.folder)
        later = census(self.folder, LAST).persons.index.unique("code")
        return np.array([code in later and code in table.index and bool(table.kept[code]) for code in self.codes])

    @cached_property
    def even(self) -> np.ndarray:
        """(county,) whether it is learnt from."""
        return self.kept & np.array([int(code) % 2 == 0 for code in self.codes])

    @cached_property
    def people(self) -> np.ndarray:
        """(county, age) residents of 2010 by single age."""
        return np.asarray(self.past.census.sum(SEX).transpose(COUNTY, AGE).values)

    @cached_property
    def elsewhere(self) -> np.ndarray:
        """(county, origin) residents of 2010 registered elsewhere."""
        return census(self.folder, FIRST).elsewhere.loc[self.codes].to_numpy(float)

    @cached_property
    def seen(self) -> np.ndarray:
        """(county, group) persons of 2020 at 0-4, 5-9 ... 80-84, 85+; NaN where the county is no more."""
        groups = tuple(range(0, 90, 5))
        return by_cohort(census(self.folder, LAST).persons, groups).reindex(self.codes).to_numpy(float)

    @cached_property
    def cohorts(self) -> np.ndarray:
        """(county, cohort) persons of 2020 of the cohorts of 2010."""
        return self.seen[:, 2:]

    @cached_property
    def left(self) -> np.ndarray:
        """(county, cohort) persons that survival leaves of them."""
        return self.at_last(self.closed)[:, 2:]

    @cached_property
    def closed(self) -> xr.Dataset:
        """Rates to 2020 at which nobody moves."""
        rates = vital_rates(self.region, unchanged(LAST), self.past)
        return rates.assign(net_migration=xr.zeros_like(rates.net_migration))

    def at_last(self, rates: xr.Dataset) -> np.ndarray:
        """(county, group) persons of 2020 as `seen`, from rates."""
        people = (
            project_population(rates.drop_vars(["mobility", "turnover"], errors="ignore"), flows=())
            .population.sel({YEAR: LAST})
            .sum(SEX)
            .transpose(COUNTY, AGE)
            .values
        )
        return np.add.reduceat(people, range(0, 90, 5), axis=-1)


def nations(folder: Path) -> dict[int, Nation]:
    """The whole country in both censuses."""
    counts = {year: census(folder, year) for year in (FIRST, LAST)}
    return {
        year: Nation(
            persons=tuple(by_cohort(pd.concat({"CN": counted.nation}, names=["code"]), BANDS).loc["CN"]),
            elsewhere=tuple(counted.nation_elsewhere[list(ORIGINS)]),
        )
        for year, counted in counts.items()
    }


def learn(study: Study) -> OneCensus:
    """What the even counties say."""
    empty = Learnt(low=(), high=(), weights=(), level={}, missed=())
    blank = OneCensus(
        **SAID, cohorts=COHORTS, bands=BANDS, origins=tuple(ORIGINS), fertility_kept=1.0,
        nation=nations(study.folder), ages=empty, registered=empty,
    )  # fmt: skip
    both = {"ages": _learnt(study, blank, False), "registered": _learnt(study, blank, True)}
    known = blank.model_copy(update=both)
    return known.model_copy(update={"fertility_kept": round(_fertility_kept(study, known), 3)})


def _learnt(study: Study, blank: OneCensus, registered: bool) -> Learnt:
    """Weights by ridge, and levels at which the nation is closed; that of the census of 2010 with what its cohorts were
    found to be in 2020 beside that."""
    weights, low, high = weights_from(study, blank, registered, study.even)
    learnt = Learnt(low=_row(low), high=_row(high), weights=tuple(map(_row, weights)), level={}, missed=())
    signs = signs_of(blank, study.people, study.elsewhere if registered else None, FIRST).values
    closing = {year: closing_level(study.folder, blank, learnt, registered, year) for year in (FIRST, LAST)}
    grown = np.exp(np.clip(signs, low, high) @ weights + closing[FIRST])
    found = np.log(study.cohorts[study.even].sum(0) / (grown * study.left)[study.even].sum(0))
    off = np.log(np.maximum(study.cohorts, 1.0) / (grown * study.left))[study.even] - found
    missed = np.sqrt(np.average(off**2, axis=0, weights=study.people.sum(-1)[study.even]))
    level = {FIRST: _row(closing[FIRST] + found), LAST: _row(closing[LAST])}
    return learnt.model_copy(update={"level": level, "missed": _row(missed)})


def weights_from(
    study: Study, blank: OneCensus, registered: bool, which: np.ndarray, penalty: float = RIDGE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(sign, cohort) weights learnt from some counties, and (sign,) the lowest and highest sign that they were learnt within."""
    signs = signs_of(blank, study.people, study.elsewhere if registered else None, FIRST).values
    low, high = np.quantile(signs[which], SEEN, axis=0)
    growth = np.log(np.maximum(study.cohorts, 1.0) / study.left)[which]
    weights = ridge(np.clip(signs, low, high)[which], growth, study.people.sum(-1)[which], penalty)
    return weights, low, high


def ridge(signs: np.ndarray, growth: np.ndarray, residents: np.ndarray, penalty: float) -> np.ndarray:
    """(sign, cohort) weights; the level is free and not returned. signs (county, sign), growth (county, cohort)."""
    weight = residents / residents.mean()
    design = np.column_stack([np.ones(len(signs)), signs])
    drawn = np.diag(np.r_[0.0, penalty * np.average(signs**2, axis=0, weights=weight)])
    weighted = design * weight[:, None]
    return np.linalg.solve(weighted.T @ design + drawn, weighted.T @ growth)[1:]


def closing_level(folder: Path, blank: OneCensus, learnt: Learnt, registered: bool, year: int) -> np.ndarray:
    """(cohort,) level at which the counties of the census gain as many as they lose."""
    counted = census(folder, year)
    persons = by_cohort(counted.persons, tuple(range(0, 90, 5)))
    by_age = np.zeros((len(persons), 101))
    by_age[:, persons.columns] = persons.to_numpy(float)
    elsewhere = counted.elsewhere.loc[persons.index].to_numpy(float) if registered else None
    signs = np.clip(signs_of(blank, by_age, elsewhere, year).values, learnt.low, learnt.high)
    cohorts = np.add.reduceat(by_age, COHORTS, axis=-1)
    return np.asarray(-np.log((np.exp(signs @ np.array(learnt.weights)) * cohorts).sum(0) / cohorts.sum(0)))


def _fertility_kept(study: Study, known: OneCensus) -> float:
    """Power of the relative fertility of 2010 that fits the children under ten of 2020 best, by least squares of logs."""
    alike = study.past.assign(fertility_relative=xr.ones_like(study.past.fertility_relative))
    rates, _ = rates_of_one_census(study.region, unchanged(LAST), alike, known)
    expected, seen = (values[study.even, :2].sum(-1) for values in (study.at_last(rates), study.seen))
    relative, weight = np.log(study.past.fertility_relative.values[study.even]), study.people.sum(-1)[study.even]
    centred = relative - np.average(relative, weights=weight)
    return float((weight * centred * np.log(seen / expected)).sum() / (weight * centred**2).sum())


def _row(values: np.ndarray) -> tuple[float, ...]:
    return tuple(np.round(values, 4).tolist())


SAID: Mapping[str, Any] = {
    "source": "中国2010年人口普查分县资料; 中国2020年人口普查分县资料",
    "locator": "studies/one_census.py; docs/accuracy/china.md",
    "basis": "derived",
    "note": "Learnt from the counties with an even code, 2010 to 2020. The level of 2010 holds, beside the closed nation, "
    "what the census of 2020 found of each cohort more or less than survival leaves (children missed in 2010, students "
    "counted twice); that of 2020 is the closed nation alone.",
}


def as_toml(known: OneCensus) -> str:
    """The file."""
    return "\n".join([HEAD, *_lines(known)]) + "\n"


HEAD = """\
# What the cross-section of one census says of migration (forecast/population/past/one_census.py).
# Written by `python -m studies.one_census`; do not edit. Unit of persons: persons; of growth: natural logarithm in ten years.
"""


def _lines(known: OneCensus) -> Iterable[str]:
    values = known.model_dump()
    tables = {key: values.pop(key) for key in ("nation", "ages", "registered")}
    yield from (f"{key} = {_toml(value)}" for key, value in values.items())
    for year, nation in tables.pop("nation").items():
        yield f"\n[nation.{year}]"
        yield from (f"{key} = {_toml([round(one) for one in row])}" for key, row in nation.items())
    for name, learnt in tables.items():
        yield f"\n[{name}]"
        yield from (f"{key} = {_toml(learnt[key])}" for key in ("low", "high", "weights"))
        yield from (f"level.{year} = {_toml(row)}" for year, row in learnt["level"].items())
        yield f"missed = {_toml(learnt['missed'])}"


def _toml(value: object) -> str:
    if isinstance(value, tuple | list):
        nested = any(isinstance(one, tuple | list) for one in value)
        return (
            "[\n" + "".join(f"  {_toml(one)},\n" for one in value) + "]"
            if nested
            else "[" + ", ".join(map(_toml, value)) + "]"
        )
    return json.dumps(value, ensure_ascii=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    folder = parser.parse_args().reference
    with tempfile.TemporaryDirectory() as out:
        known = learn(Study(folder, write_region(folder, Path(out), "closed")))
    (ROOT / "data" / "patterns" / PATTERN / FILE).write_text(as_toml(known), "utf-8")


if __name__ == "__main__":
    main()
