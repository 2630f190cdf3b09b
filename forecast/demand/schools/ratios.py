"""Ratios of pupils to resident children in observed rolls, and seniors carried forward from junior school.

It is a *ratio*, not a rate of children in school: it counts pupils of any age who live anywhere over the residents of
the official ages, and passes 1 where schools draw from outside or pupils are younger or older than the official ages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SERVICE, TRAJECTORY, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.school_date import children
from forecast.basics.variables import label
from forecast.demand.model import DemandModel
from forecast.demand.people import counted, residents
from forecast.demand.schools.grades import grade_ratios
from forecast.demand.schools.stages import StageSystem, system_of, whole_stage
from forecast.region import Region

RATIO_COLUMNS = [SERVICE, "area", YEAR, AGE, "ratio", "pupils", "september_population"]

Rolls = dict[tuple[str, str], dict[int, float]]
"""(place, stage) -> school year -> pupils."""


def participation_ratios(
    people: xr.Dataset, model: DemandModel | Mapping[str, DemandModel], region: Region
) -> pd.DataFrame:
    """Pupils over children of the ages, by service, area and school year (columns `RATIO_COLUMNS`).

    The children are of the people whom the model counts, residents or registered. A ratio of sums over an area with
    several counties: its own row of the region's `enrolment`, or the sum of its counties where each has one. Years run
    as far as rolls were observed, at most to the jump-off year of the region. These rows have no
    `age`. Where the region counts grades by county, rows by county, year and age at the cut-off date follow, for all
    years of `people` (`grade_ratios`). No rows where the region has no enrolment. Raises InputRefused where a county
    of the area is missing from `people`.
    """
    models = {model.id: model} if isinstance(model, DemandModel) else model
    rolls = _rolls(region) if region.has("enrolment") else {}
    rows = [
        row
        for demand_model in models.values()
        if demand_model.service.rolls and rolls
        for row in _ratios_of_one(people, demand_model, region, rolls)
    ]
    of_stages = pd.DataFrame(rows, columns=RATIO_COLUMNS)
    by_age = grade_ratios(people, models, region)
    return pd.concat([of_stages, by_age], ignore_index=True)[RATIO_COLUMNS] if len(by_age) else of_stages


def _ratios_of_one(
    people: xr.Dataset, model: DemandModel, region: Region, rolls: Rolls
) -> Iterable[tuple[object, ...]]:
    population = counted(people, model.population)
    if TRAJECTORY in population.dims:  # up to the jump-off year all trajectories are the same past
        population = population.isel({TRAJECTORY: 0}, drop=True)
    aged = children(population, model.ages, model.cutoff_month).transpose(COUNTY, YEAR)
    rows = {str(county): row for row, county in enumerate(aged[COUNTY].values)}
    columns = {int(year): column for column, year in enumerate(aged[YEAR].values)}
    for area, counties in region.areas.members.items():
        pupils = _pupils(rolls, model, area, counties)
        for year in (year for year in pupils if year in columns and year <= region.jump_off_year):
            missing = [county for county in counties if county not in rows]
            if missing:
                raise InputRefused(Issue("E414", values={"dim": COUNTY, "labels": ", ".join(missing)}))
            below = float(aged.values[[rows[county] for county in counties], columns[year]].sum())
            yield model.id, area, year, None, pupils[year] / below, pupils[year], below


def observed_rolls(ratios: pd.DataFrame, area: str, services: list[str], years: list[int]) -> xr.DataArray:
    """Pupils counted in a whole area, (service, year); NaN where none were published. ratios: of
    `participation_ratios`."""
    pupils = ratios[(ratios["area"] == area) & ratios[AGE].isna()].pivot(index=SERVICE, columns=YEAR, values="pupils")
    pupils = pupils.reindex(index=services, columns=years).astype(float)
    rolls = xr.DataArray(pupils.to_numpy(), {SERVICE: services, YEAR: years}, (SERVICE, YEAR))
    return label(in_order(rolls), "demand.enrolment")


def _rolls(region: Region) -> Rolls:
    """Pupils of whole stages; several rows of one place, stage and year are added.

    Where a place has no row of the whole stage in a year, but all its grades, these are added.
    """
    table, keys = region.table("enrolment"), ["county", "stage", YEAR]
    of_all = table["grade"] == "all"
    wholes = table[of_all].groupby(keys)["value"].sum()
    grades = table[~of_all].groupby(keys).agg(pupils=("value", "sum"), grades=("grade", "nunique"))
    system = system_of(region)
    needed = [_grades_in(str(stage), system) for stage in grades.index.get_level_values("stage")]
    complete = grades.loc[grades["grades"] == needed, "pupils"]
    rolls: Rolls = {}
    for (place, stage, year), pupils in pd.concat([complete, wholes]).items():  # a row of the whole goes before a sum
        rolls.setdefault((str(place), str(stage)), {})[int(year)] = float(pupils)
    return rolls


def _grades_in(stage: str, system: StageSystem) -> int:
    first, last = system.stages[whole_stage(system, stage)]
    return last - first + 1


def _pupils(rolls: Rolls, model: DemandModel, area: str, counties: list[str]) -> dict[int, float]:
    """School year -> pupils of the model's stages in the area, for years in which every stage is known.

    What the area prints goes before the sum of its counties, parts of a stage (general, vocational) before the whole.
    """
    for places in ([area], counties):
        for stages in (model.service.rolls, [model.service.stage]):
            wanted = [rolls.get((place, stage), {}) for place in places for stage in stages]
            if all(wanted):
                years = set.intersection(*(set(counts) for counts in wanted))
                return {year: sum(counts[year] for counts in wanted) for year in sorted(years)}
    return {}


def progress_senior(
    people: xr.Dataset,
    junior: xr.DataArray,
    senior: xr.DataArray,
    observed_year: int | None = None,
    junior_ages: tuple[int, int] = (12, 14),
    senior_ages: tuple[int, int] = (15, 17),
    *,
    cutoff_month: int,
) -> xr.DataArray:
    """Senior pupils (…, year) from the junior pupils of three years before: progression for whole stages.

    senior[y] = s x junior[y-3] x P[senior ages, y] / P[junior ages, y-3], P at the cut-off date; migration acts through
    the ratio of the cohort to itself three years younger, so that s is the schools' own effect. s comes from one
    observed year (by default the last year in which `senior` is known and `junior` three years before). `junior` and
    `senior`: pupils by (trajectory?, county?, year); without `county` the people of all counties are counted together.
    Returned for every year whose juniors and people are known. Raises InputRefused where no year gives s.
    """
    step = senior_ages[0] - junior_ages[0]
    population = residents(people)
    if COUNTY not in junior.dims:
        population = population.sum(COUNTY, skipna=False)
    before, after = (children(population, ages, cutoff_month) for ages in (junior_ages, senior_ages))
    known = _known(junior) & _known(before)
    years = [int(year) for year in after[YEAR].values if year - step in known]
    juniors = junior.sel({YEAR: [year - step for year in years]}).assign_coords({YEAR: years})
    youngers = before.sel({YEAR: [year - step for year in years]}).assign_coords({YEAR: years})
    with xr.set_options(arithmetic_join="exact"):
        expected = juniors * after.sel({YEAR: years}) / youngers
    base = observed_year if observed_year is not None else _last_common(senior, years)
    if base is None or base not in years or base not in senior[YEAR].values:
        what = f"senior[{base if base is not None else 'y'}], junior[y-{step}]"
        raise InputRefused(Issue("E416", values={"what": what}))
    with xr.set_options(arithmetic_join="exact"):
        effect = senior.sel({YEAR: base}, drop=True) / expected.sel({YEAR: base}, drop=True)
        carried = expected * effect
    return carried.rename("senior_pupils")


def _last_common(senior: xr.DataArray, years: list[int]) -> int | None:
    return max(_known(senior) & set(years), default=None)


def _known(values: xr.DataArray) -> set[int]:
    return {int(year) for year in values.dropna(YEAR, how="all")[YEAR].values}
