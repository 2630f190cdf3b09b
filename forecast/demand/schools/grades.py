"""Rolls by grade: as the region counts them, and pupils per child of each grade's age, known and to come.

Grade progression in the form that keeps migration once (`progression`), E[g,t] = E[g-1,t-1] s[g] P[a,t] / P[a-1,t-1],
multiplies itself out along a cohort: E[g,t] = k[g,t] P[a,t] with k[g,t] = k[g-1,t-1] s[g] from k = E / P of the last
roll on. So pupils stay linear in the children of a year, whatever migration the projection has, and one table of k by
county, year and age serves every scenario and trajectory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, GRADE, SERVICE, TRAJECTORY, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.school_date import september_population
from forecast.demand.flows import by_residence, region_flows
from forecast.demand.model import DemandModel
from forecast.demand.people import counted
from forecast.demand.schools.rolls import forecast_rolls
from forecast.demand.schools.stages import StageSystem, grade_in, system_of
from forecast.region import Region

FIRST_OF_SCHOOL = 1
"""Grade that is entered from outside, whoever was in kindergarten before."""


def region_rolls(region: Region, until: int | None = None) -> xr.DataArray | None:
    """(county, year, grade) pupils where every county has grades in school years that follow one another; else None.

    The last unbroken run of years, none after `until`, with every county and every grade that occurs. Raises
    InputRefused for a grade that its stage does not have in the region's school system.
    """
    system = system_of(region)
    if not region.has("enrolment"):
        return None
    table = region.table("enrolment")
    table = table[(table["grade"] != "all") & table["county"].isin(list(region.counties.index))]
    if until is not None:
        table = table[table["year"] <= until]
    if table.empty:
        return None
    pairs = zip(table["stage"], table["grade"], strict=True)
    grades = [grade_in(system, stage, int(grade)) for stage, grade in pairs]
    sums = table.assign(grade=grades).groupby([COUNTY, YEAR, GRADE])["value"].sum()
    rolls = sums.to_xarray().astype(float).reindex({COUNTY: list(region.counties.index)})
    whole = [int(year) for year in rolls[YEAR].values if bool(rolls.sel({YEAR: year}).notnull().all())]
    run = [year for year in whole if all(later in whole for later in range(year, whole[-1] + 1))] if whole else []
    return rolls.sel({YEAR: run}) if len(run) > 1 else None


def grade_children(people: xr.Dataset, grades: list[int], system: StageSystem, cutoff_month: int) -> xr.DataArray:
    """(trajectory?, county, year, grade) residents of the age of each grade at the cut-off date. Asked alone."""
    return _children(counted(people, "resident"), grades, system, cutoff_month)


def _children(population: xr.DataArray, grades: list[int], system: StageSystem, cutoff_month: int) -> xr.DataArray:
    september = september_population(population, cutoff_month)
    by_grade = september.sel({AGE: [grade + system.entry_age - 1 for grade in grades]})
    return in_order(by_grade.rename({AGE: GRADE}).assign_coords({GRADE: grades}))


def grade_ratios(people: xr.Dataset, models: Mapping[str, DemandModel], region: Region) -> pd.DataFrame:
    """Pupils per child of each age at the cut-off date, by service, county and year: service, area, year, age, ratio;
    pupils and september_population where they were counted.

    For the services all of whose grades the region counts by county. Counted years have their own ratio, earlier
    years that of the first counted one; later years follow from the school effects of `forecast_rolls`. An age
    without children and pupils takes the ratio of all counties. Pupils are those who live in the county: where the
    region has flows, rolls are carried back along them. Raises InputRefused for pupils of an age of which the county
    has no children, and for rolls that contradict the flows.
    """
    system = system_of(region)
    years = [int(year) for year in people["population"][YEAR].values]
    rolls = region_rolls(region, region.jump_off_year)
    if rolls is None:
        return pd.DataFrame()
    rolls = rolls.sel({YEAR: [year for year in rolls[YEAR].values if year in years]})
    grades_of = _grades_of_services(models, rolls[GRADE].values.tolist(), system)
    parts = []
    for chain in _chains(grades_of, models):
        model = models[chain[0]]
        population = counted(people, model.population)
        if TRAJECTORY in population.dims:  # up to the jump-off year all trajectories are the same past
            population = population.isel({TRAJECTORY: 0}, drop=True)
        at_home = xr.concat(
            [_at_home(rolls.sel({GRADE: grades_of[service]}), service, region) for service in chain], GRADE
        )
        children = _children(population, at_home[GRADE].values.tolist(), system, model.cutoff_month).sel(
            {YEAR: at_home[YEAR]}
        )
        ratios = _carried_on(at_home, children, years)
        parts += [_rows(service, ratios, at_home, children, grades_of[service], system) for service in chain]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _at_home(rolls: xr.DataArray, service: str, region: Region) -> xr.DataArray:
    """Rolls by where pupils live: schools count them where they learn."""
    counties, years = (rolls[dim].values.tolist() for dim in (COUNTY, YEAR))
    flows = region_flows(region, [service], counties, years)
    return rolls if flows is None else by_residence(rolls, flows.sel({SERVICE: service}, drop=True))


def _grades_of_services(
    models: Mapping[str, DemandModel], counted_grades: list[int], system: StageSystem
) -> dict[str, list[int]]:
    """Service -> its grades, by the ages of its model; services with a grade that is not counted are left out."""
    grades_of = {}
    for name, model in models.items():
        if model.service.rolls:
            grades = [age - system.entry_age + 1 for age in range(model.ages[0], model.ages[1] + 1)]
            if set(grades) <= set(counted_grades):
                grades_of[name] = grades
    return grades_of


def _chains(grades_of: Mapping[str, list[int]], models: Mapping[str, DemandModel]) -> Iterable[list[str]]:
    """Services whose pupils come from one another: kindergarten alone, then primary, junior and senior school."""
    chain: list[str] = []
    for name in sorted(grades_of, key=lambda service: grades_of[service][0]):
        if chain and not _goes_on(chain[-1], name, grades_of, models):
            yield chain
            chain = []
        chain.append(name)
    if chain:
        yield chain


def _goes_on(before: str, after: str, grades_of: Mapping[str, list[int]], models: Mapping[str, DemandModel]) -> bool:
    first = grades_of[after][0]
    count = [(model.population, model.cutoff_month) for model in (models[before], models[after])]
    return first == grades_of[before][-1] + 1 and first != FIRST_OF_SCHOOL and count[0] == count[1]


def _carried_on(rolls: xr.DataArray, children: xr.DataArray, years: list[int]) -> xr.DataArray:
    """(county, year, grade) pupils per child in all `years`, from those of the counted ones (both of the same shape)."""
    observed = _observed(rolls, children)
    first, last = int(rolls[YEAR][0]), int(rolls[YEAR][-1])
    before = [observed.sel({YEAR: [first]}).assign_coords({YEAR: [year]}) for year in years if year < first]
    ahead = [year for year in years if year > last]
    parts = [*before, observed]
    if ahead:
        held = _held(children, len(ahead))
        pupils = forecast_rolls(rolls, len(ahead), children=held).pupils
        later = pupils / held.sel({YEAR: ahead}).where(lambda child: child > 0)
        whole = pupils.sum(COUNTY) / held.sel({YEAR: ahead}).sum(COUNTY).where(lambda child: child > 0)
        parts.append(later.fillna(whole).fillna(0.0))
    return in_order(xr.concat(parts, YEAR, join="exact", coords="minimal", compat="override"))


def _observed(rolls: xr.DataArray, children: xr.DataArray) -> xr.DataArray:
    with xr.set_options(arithmetic_join="exact"):
        lost = (rolls > 0) & (children <= 0)
        for county, year, grade in lost.to_series().loc[lambda gone: gone].index[:1]:
            pupils = f"{rolls.sel({COUNTY: county, YEAR: year, GRADE: grade}).item():,.0f}"
            raise InputRefused(Issue("E453", values={"county": county, "year": year, "grade": grade, "found": pupils}))
        ratio = rolls / children.where(children > 0)
        whole = rolls.sum(COUNTY) / children.sum(COUNTY).where(lambda child: child > 0)
    return ratio.fillna(whole).fillna(0.0).drop_attrs()


def _held(children: xr.DataArray, ahead: int) -> xr.DataArray:
    """The cohorts of the last year grown older by a grade a year, nobody moving, the youngest grade as it was."""
    last = children.isel({YEAR: -1}).transpose(COUNTY, GRADE).values
    later, year = [], int(children[YEAR][-1])
    for _ in range(ahead):
        last = np.concatenate([last[:, :1], last[:, :-1]], axis=1)
        later.append(last)
    coords = {YEAR: [year + step for step in range(1, ahead + 1)], COUNTY: children[COUNTY], GRADE: children[GRADE]}
    return in_order(xr.concat([children, xr.DataArray(np.stack(later), coords, tuple(coords))], YEAR))


def _rows(
    service: str,
    ratios: xr.DataArray,
    rolls: xr.DataArray,
    children: xr.DataArray,
    grades: list[int],
    system: StageSystem,
) -> pd.DataFrame:
    """The rows of one service, with what was counted where it was."""
    counted_years = {"pupils": rolls, "september_population": children}
    known = {name: value.drop_attrs().reindex({YEAR: ratios[YEAR]}) for name, value in counted_years.items()}
    held = xr.Dataset({"ratio": ratios, **known})
    table = held.sel({GRADE: grades}).to_dataframe(dim_order=[COUNTY, YEAR, GRADE]).reset_index()
    table[AGE] = table[GRADE] + system.entry_age - 1
    return table.rename(columns={COUNTY: "area"}).assign(**{SERVICE: service}).drop(columns=GRADE)
