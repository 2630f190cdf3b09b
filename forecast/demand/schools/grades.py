"""Rolls by grade: as the region counts them, and pupils per child of each grade's age, known and to come.

Grade progression in the form that keeps migration once (`progression`), E[g,t] = E[g-1,t-1] s[g] P[a,t] / P[a-1,t-1],
multiplies itself out along a cohort: E[g,t] = k[g,t] P[a,t] with k[g,t] = k[g-1,t-1] s[g] from k = E / P of the last
roll on. So pupils stay linear in the children of a year, whatever migration the projection has, and one table of k by
county, year and age serves every scenario and trajectory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, GRADE, SERVICE, TRAJECTORY, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.school_date import september_population
from forecast.demand.flows import by_residence, region_flows
from forecast.demand.model import DemandModel
from forecast.demand.people import counted
from forecast.demand.schools.enrolments import PUPILS, items_of
from forecast.demand.schools.ratio_paths import believable
from forecast.demand.schools.rolls import forecast_rolls
from forecast.demand.schools.stages import FIRST_OF_SCHOOL, StageSystem, grade_in, system_of
from forecast.region import Region


def region_rolls(region: Region) -> xr.DataArray | None:
    """(county, year, grade) pupils where every county has grades in school years that follow one another; else None.

    The last unbroken run of years with every county and every grade that occurs. Raises InputRefused for a grade that
    its stage does not have in the region's school system.
    """
    system = system_of(region)
    table = items_of(region, PUPILS)
    table = table[(table["grade"] != "all") & table["county"].isin(list(region.counties.index))]
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


def grade_ratios(people: xr.Dataset, models: Mapping[str, DemandModel], region: Region) -> dict[str, xr.DataArray]:
    """Pupils per child of each age at the cut-off date, (county, year, age) by service.

    For the services all of whose grades the region counts by county. Counted years have their own ratio, earlier
    years that of the first counted one; later years follow from the school effects of `forecast_rolls`, which sees no
    count that looks like a gap (`believable`). An age without children and pupils takes the ratio of all counties.
    Pupils are those who live in the county: where the region has flows, rolls are carried back along them. Raises
    InputRefused for pupils of an age of which the county has no children, and for rolls that contradict the flows.
    """
    system = system_of(region)
    years = [int(year) for year in people["population"][YEAR].values]
    rolls = region_rolls(region)
    if rolls is None:
        return {}
    rolls = rolls.sel({YEAR: [year for year in rolls[YEAR].values if year in years]})
    grades_of = _grades_of_services(models, rolls[GRADE].values.tolist(), system)
    found: dict[str, xr.DataArray] = {}
    for chain in _chains(grades_of, models):
        model = models[chain[0]]
        population = counted(people, model.population)
        if TRAJECTORY in population.dims:  # the first stands for the scenario
            population = population.isel({TRAJECTORY: 0}, drop=True)
        at_home = xr.concat(
            [_at_home(rolls.sel({GRADE: grades_of[service]}), service, region) for service in chain], GRADE
        )
        children = _children(population, at_home[GRADE].values.tolist(), system, model.cutoff_month).sel(
            {YEAR: at_home[YEAR], COUNTY: at_home[COUNTY]}
        )
        ratios = _carried_on(at_home, children, years)
        found |= {service: _by_age(ratios.sel({GRADE: grades_of[service]}), system) for service in chain}
    return found


def _by_age(ratios: xr.DataArray, system: StageSystem) -> xr.DataArray:
    """(county, year, age) from (county, year, grade)."""
    by_age = ratios.rename({GRADE: AGE}).assign_coords({AGE: ratios[GRADE].values + system.entry_age - 1})
    return in_order(by_age)


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
        pupils = forecast_rolls(_mended(rolls, children), len(ahead), children=held).pupils
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


def _mended(rolls: xr.DataArray, children: xr.DataArray) -> xr.DataArray:
    """The rolls with what cannot be believed of a county and grade (a zero among usual years) put at its usual pupils
    per child: a gap is not carried on."""
    per_child = _observed(rolls, children)
    whole = (rolls.sum(COUNTY) / children.sum(COUNTY)).median(YEAR).fillna(0.0)
    years = rolls[YEAR].values.tolist()
    mended = rolls.transpose(COUNTY, GRADE, YEAR).copy(deep=True)
    for county in rolls[COUNTY].values:
        for grade in rolls[GRADE].values:
            at = {COUNTY: county, GRADE: grade}
            series = dict(zip(years, per_child.sel(at).values.tolist(), strict=True))
            of_all = float(whole.sel({GRADE: grade}))
            kept = believable(series, of_all)
            usual = median(kept.values()) if kept else of_all
            for year in (year for year in years if year not in kept):
                mended.loc[{**at, YEAR: year}] = usual * children.sel({**at, YEAR: year})
    return mended.transpose(*rolls.dims)


def _held(children: xr.DataArray, ahead: int) -> xr.DataArray:
    """The cohorts of the last year grown older by a grade a year, nobody moving, the youngest grade as it was."""
    last = children.isel({YEAR: -1}).transpose(COUNTY, GRADE).values
    later, year = [], int(children[YEAR][-1])
    for _ in range(ahead):
        last = np.concatenate([last[:, :1], last[:, :-1]], axis=1)
        later.append(last)
    coords = {YEAR: [year + step for step in range(1, ahead + 1)], COUNTY: children[COUNTY], GRADE: children[GRADE]}
    return in_order(xr.concat([children, xr.DataArray(np.stack(later), coords, tuple(coords))], YEAR))
