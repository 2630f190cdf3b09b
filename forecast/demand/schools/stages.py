"""Stages: which grades make them, whole stages where only totals are known, and the path of pupils per child.

A stage system is data (models/schools/stage_systems.toml): stage -> grades, counted from the first year of primary
school; kindergarten has the grades -2, -1 and 0. Whoever moves the line between primary and junior school (6-3 to
5-4) moves pupils from one stage to the other and makes none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import xarray as xr

from forecast.basics import folders
from forecast.basics.dims import GRADE, STAGE, YEAR, at_years, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.toml_files import read_toml
from forecast.demand.model import DemandModel
from forecast.region import Region

USUAL = "6-3-3"
"""The system of a region that names none in region.toml (`school_system`)."""

FIRST_OF_SCHOOL = 1
"""Grade that is entered from outside, whoever was in kindergarten before."""


@dataclass(frozen=True)
class StageSystem:
    """Stages in the order of school life: name -> first and last grade; grade g is for those aged g + entry_age -
    1."""

    id: str
    name: Mapping[str, str]
    entry_age: int
    stages: Mapping[str, tuple[int, int]]

    def ages(self, stage: str) -> tuple[int, int]:
        """First and last completed age of a stage at the cut-off date."""
        first, last = self.stages[stage]
        return first + self.entry_age - 1, last + self.entry_age - 1


@cache
def stage_systems() -> Mapping[str, StageSystem]:
    """The shipped systems by id.

    >>> stage_systems()["6-3-3"].ages("junior"), stage_systems()["5-4"].ages("junior")
    ((12, 14), (11, 14))
    """
    raw = read_toml(folders.folder("models") / "schools" / "stage_systems.toml")
    entry = int(raw["entry_age"]["value"])
    return {
        name: StageSystem(
            name, system["name"], entry, {stage: (span[0], span[1]) for stage, span in system["grades"].items()}
        )
        for name, system in raw["system"].items()
    }


def system_of(region: Region | None) -> StageSystem:
    """The stage system that the region names, else the usual one. Raises InputRefused for one that is not known."""
    name = USUAL if region is None else region.settings.get("school_system", USUAL)
    if name not in stage_systems():
        known = ", ".join(stage_systems())
        raise InputRefused(Issue("E454", "region.toml", column="school_system", values={"found": name, "known": known}))
    return stage_systems()[name]


def ages_of_services(models: Mapping[str, DemandModel], system: StageSystem) -> dict[str, tuple[int, int]]:
    """Service -> first and last age of its stage, for the stages that the system has as one."""
    stage_of = {name: model.service.stage for name, model in models.items()}
    return {name: system.ages(stage) for name, stage in stage_of.items() if stage in system.stages}


def grade_in(system: StageSystem, stage: str, number: int) -> int:
    """A grade counted from the first year of primary school, from one counted so or within its stage.

    senior_general and senior_vocational are one stage. Raises InputRefused for a grade that the stage does not have
    in this system.

    >>> system = stage_systems()["6-3-3"]
    >>> grade_in(system, "junior", 7), grade_in(system, "junior", 1), grade_in(system, "kindergarten", 3)
    (7, 7, 0)
    """
    first, last = system.stages[whole_stage(system, stage)]
    grade = number if first <= number <= last else first - 1 + number
    if not first <= grade <= last:
        values = {"stage": stage, "grade": number, "system": system.id}
        raise InputRefused(Issue("E455", "enrolment.csv", column="grade", values=values))
    return grade


def whole_stage(system: StageSystem, stage: str) -> str:
    """The stage of the system that an enrolment's stage belongs to."""
    if stage in system.stages:
        return stage
    kind = stage.partition("_")[0]
    return kind if kind in system.stages else "nine_year"


def continues(system: StageSystem, before: str, after: str) -> bool:
    """True where pupils of one stage come from the other: its first grade follows the last of the other.

    >>> system = stage_systems()["6-3-3"]
    >>> continues(system, "junior", "senior_general"), continues(system, "kindergarten", "primary")
    (True, False)
    """
    first = system.stages[whole_stage(system, after)][0]
    return first == system.stages[whole_stage(system, before)][1] + 1 and first != FIRST_OF_SCHOOL


def by_stage(rolls: xr.DataArray, system: StageSystem) -> xr.DataArray:
    """Pupils (..., year, stage) from rolls (..., year, grade); stages whose grades are not all there are left out.
    Asked alone."""
    have = set(rolls[GRADE].values.tolist())
    pupils = {
        stage: rolls.sel({GRADE: list(range(first, last + 1))}).sum(GRADE, skipna=False)
        for stage, (first, last) in system.stages.items()
        if set(range(first, last + 1)) <= have
    }
    return in_order(xr.concat(list(pupils.values()), xr.IndexVariable(STAGE, list(pupils))))


def gross_rate(pupils: xr.DataArray, children: xr.DataArray) -> xr.DataArray:
    """Gross enrolment ratio (毛入学率): pupils of any age over children of the official ages; passes 1 where pupils are
    older. Asked alone."""
    with xr.set_options(arithmetic_join="exact"):
        return (pupils / children).rename("gross_rate")


def net_rate(pupils_of_age: xr.DataArray, children: xr.DataArray) -> xr.DataArray:
    """Net enrolment ratio (净入学率): pupils of the official ages over children of these ages; at most 1. Asked alone.

    Raises InputRefused where there are more pupils than children.
    """
    with xr.set_options(arithmetic_join="exact"):
        rate = pupils_of_age / children
    if float(rate.max()) > 1:
        raise InputRefused(Issue("E446", values={"found": f"{float(rate.max()):.3f}", "cap": "1"}))
    return rate.rename("net_rate")


def rate_path(dated: Mapping[int, float], years: list[int], cap: float = 1.0) -> xr.DataArray:
    """A rate (year) that goes straight on the logit scale from one dated value to the next, and stays after the last.

    dated: year -> rate, observed values and policy targets; cap: what the rate cannot reach (1 for a net rate, more
    for a gross one). Raises InputRefused for rates outside 0 to cap.
    """
    wrong = [value for value in dated.values() if not 0 < value < cap]
    if wrong:
        raise InputRefused(Issue("E446", values={"found": f"{wrong[0]:g}", "cap": f"{cap:g}"}))
    logits = [(year, float(np.log(value / (cap - value)))) for year, value in dated.items()]
    values = np.asarray(at_years(logits, years))
    return xr.DataArray(cap / (1 + np.exp(-values)), {YEAR: years}, (YEAR,), "rate")


def damped_rate_path(dated: Mapping[int, float], years: list[int], cap: float = 1.0, phi: float = 0.85) -> xr.DataArray:
    """The slope between the last two dated rates goes on from the last, on the logit scale, each year phi times the
    year before's. Asked alone."""
    (before, low), (last, high) = sorted(dated.items())[-2:]
    start, slope = _logit(high, cap), (_logit(high, cap) - _logit(low, cap)) / (last - before)
    ends = {
        last + step: cap / (1 + np.exp(-start - slope * sum(phi**k for k in range(1, step + 1))))
        for step in range(1, max(years) - last + 1)
    }
    return rate_path({**dict(sorted(dated.items())), **ends}, years, cap)


def _logit(rate: float, cap: float) -> float:
    return float(np.log(rate / (cap - rate)))


def senior_intake(leavers: xr.DataArray, goes_on: xr.DataArray | float, general: xr.DataArray | float) -> xr.Dataset:
    """New pupils of general and vocational senior schools (普职分流), and those who leave, from junior leavers.
    Asked alone.

    leavers: (..., year) pupils who finish grade 9; goes_on: share that enters any senior school; general: share of
    these in general schools, often a dated path. The three add up to the leavers.
    """
    with xr.set_options(arithmetic_join="exact"):
        staying = leavers * goes_on
        return xr.Dataset(
            {"general": staying * general, "vocational": staying * (1 - general), "leaves": leavers - staying}
        )


def standing_pupils(intake: xr.DataArray, grades: int, kept: float = 1.0) -> xr.DataArray:
    """Pupils (..., year) of a stage of so many grades whose intakes are known; kept: share that stays to the next
    year. Asked alone."""
    total = intake
    for grade in range(1, grades):
        total = total + intake.shift({YEAR: grade}) * kept**grade
    return total.isel({YEAR: slice(grades - 1, None)})
