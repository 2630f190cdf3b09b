"""From people to what they need: every service's method applied, labelled, with the sources of what was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.basis import Basis, weakest
from forecast.basics.dims import AGE, COUNTY, SERVICE, YEAR, in_order
from forecast.basics.school_date import born_until
from forecast.basics.variables import BY_SERVICE, label
from forecast.demand.flows import region_flows, serve
from forecast.demand.methods.linear import METHODS, Variables
from forecast.demand.model import DemandModel
from forecast.demand.people import counted, denominator
from forecast.demand.schools.ratios import participation_ratios
from forecast.region import Region, source_of

NEEDS = ("demand", "demand_norm", "pupils", "classes", "posts", "users", "bed_days")
"""What methods return by county, year and service; each is linear in people."""

NOT_A_COHORT = -1
"""`born_until` of a service that is not for a few birth cohorts, or where it is not asked."""


@dataclass(frozen=True)
class Ratio:
    """The ratio that a school service uses: by county (or the model's own), whence, of which year, how well founded.

    form: "grade" where `by_county` is by year and age too, from grade progression; "stage" where one ratio serves the
    whole stage; "" for a service without a ratio.
    """

    origin: str = ""
    source: str = ""
    basis: Basis | None = None
    by_county: xr.DataArray | None = None
    years: Mapping[str, int] = field(default_factory=dict)
    form: str = ""


def estimate_demand(
    people: xr.Dataset,
    model: DemandModel | Mapping[str, DemandModel],
    region: Region | None = None,
    ratios: pd.DataFrame | None = None,
) -> xr.Dataset:
    """Need by (trajectory?, county, year, service), in the service's unit, where it is served.

    `people` holds `population` (trajectory?, county, [group,] year, sex, age), persons at 31 December, past and future
    in one time line. The last known year is the region's, without a region that of the attr `jump_off_year`, as a
    projection sets it. Returned:

    demand           what people will use (behaviour), in the service's unit (coordinate `unit`)
    demand_norm      what the standard asks; NaN for a service without one
    pupils, classes, posts, users, bed_days   what the methods met on the way; NaN where a method has none
    ratio            pupils per resident child used (county, year, service), the mean over the ages where each has its
                     own, with `ratio_year` (county, service), the school year it was observed in, `ratio_origin`
                     (region, model or override) and `ratio_source`; `ratio_model` (year, service) is the model's own
    form             how pupils were found (service): "grade" by progression from grade to grade, "stage" by one ratio
                     for the whole stage, "" for what is no school
    demand_basis     published, derived or assumed: the weakest number that `demand` rests on (service)
    denominator      whom the service counts (service): resident; registered, where the model says so and `people` have
                     groups; or "resident for registered", where they have none and residents stand in
    born_until       coordinate: the last year in which all whom the service counts were born by the jump-off date;
                     else -1

    With a `region` that counts grades by county, schools use grade progression; with one that counts stages, pupils
    over children of its latest observed year, a ratio of sums for each parent area, held constant; else the model's
    own value. A value overridden by a bureau goes before all. `ratios`, from `participation_ratios`, may be given when
    `people` holds only some counties of the region. With a `region` that has flows, need stands where it is served
    (`flows.region_flows`); all its counties must be there then.
    Raises InputRefused where ages, years or counties are missing, ValueError where the last known year is.
    """
    needs = demand_by_residence(people, model, region, ratios, jump_off_year(people, region))
    services, counties, years = (needs[dim].values.tolist() for dim in (SERVICE, COUNTY, YEAR))
    flows = region_flows(region, services, counties, years)
    return needs.assign({name: serve(needs[name], flows) for name in NEEDS if name in needs})


def demand_by_residence(
    people: xr.Dataset,
    model: DemandModel | Mapping[str, DemandModel],
    region: Region | None = None,
    ratios: pd.DataFrame | None = None,
    born_by: int | None = None,
) -> xr.Dataset:
    """The same where people live, before any flow between counties. born_by: the jump-off year; without it `born_until`
    is not told."""
    models = {model.id: model} if isinstance(model, DemandModel) else dict(model)
    by_concept = {concept: counted(people, concept) for concept in dict.fromkeys(m.population for m in models.values())}
    population = next(iter(by_concept.values()))
    if ratios is None and region is not None:
        ratios = participation_ratios(people, models, region)
    used = {name: _choose_ratio(demand_model, population, region, ratios) for name, demand_model in models.items()}
    parts = []
    for name, demand_model in models.items():
        by_county = used[name].by_county
        given = {} if by_county is None else {"ratio": by_county}
        parts.append(METHODS[demand_model.method].compute(by_concept[demand_model.population], demand_model, given))
    needs = _stack(parts, list(models))
    needs = _describe(needs, models)
    needs = needs.assign(_about_ratios(population, models, used))
    needs["demand_basis"] = _text(
        "demand_basis", [_basis(demand_model, used[name]) for name, demand_model in models.items()]
    )
    needs["form"] = _text("form", [ratio.form for ratio in used.values()])
    needs["denominator"] = _text(
        "denominator", [denominator(people, demand_model.population) for demand_model in models.values()]
    )
    born = [_born_until(demand_model, born_by) for demand_model in models.values()]
    needs = needs.assign_coords(
        unit=(SERVICE, [demand_model.unit for demand_model in models.values()]),
        born_until=(SERVICE, np.asarray(born, dtype=np.int64), {"units": "years", "not_a_cohort": NOT_A_COHORT}),
    )
    return needs if born_by is None else needs.assign_attrs(jump_off_year=born_by)


def jump_off_year(people: xr.Dataset, region: Region | None) -> int:
    """Last year that is known: the region's; without a region the one that a projection notes on its people.

    Raises ValueError where there is neither.
    """
    if region is not None:
        return region.jump_off_year
    if "jump_off_year" not in people.attrs:
        raise ValueError(
            "people do not say their jump_off_year: give a region, or people.assign_attrs(jump_off_year=...)"
        )
    return int(people.attrs["jump_off_year"])


def _choose_ratio(
    model: DemandModel, population: xr.DataArray, region: Region | None, ratios: pd.DataFrame | None
) -> Ratio:
    """A bureau's own value, else the region's latest observed one, else the model's."""
    quantity = model.parameters.get("ratio")
    if quantity is None:
        return Ratio()
    if quantity.replaces is not None:
        return Ratio("override", quantity.source, quantity.basis, form="stage")
    if region is not None and ratios is not None and (by_age := _by_age(model, population, ratios)) is not None:
        return _from_grades(model, by_age, region, ratios)
    latest = _latest(model, population, region, ratios)
    if region is None or latest is None:
        return Ratio("model", quantity.source, quantity.basis, form="stage")
    counties = [str(county) for county in population[COUNTY].values]
    by_county = xr.DataArray(
        [latest[county][2] for county in counties], dims=COUNTY, coords={COUNTY: population[COUNTY]}
    )
    years = {county: latest[county][1] for county in counties}
    table, members = region.table("enrolment"), region.areas.members
    sources = [
        source_of(
            region,
            "enrolment",
            county=[area] if area in set(table["county"]) else members[area],
            year=year,
            stage=_stages(model),
        )
        for area, year in dict.fromkeys((area, year) for area, year, _ in latest.values())
    ]
    cited = "; ".join(dict.fromkeys(source.source for source in sources))
    basis: Basis = "assumed" if any(source.basis == "assumed" for source in sources) else "derived"
    return Ratio("region", cited, basis, by_county, years, "stage")


def _by_age(model: DemandModel, population: xr.DataArray, ratios: pd.DataFrame) -> xr.DataArray | None:
    """(county, year, age) ratio of grade progression for these counties and years; None where grades are not counted."""
    rows = ratios[(ratios[SERVICE] == model.id) & ratios[AGE].notna() & ratios["area"].isin(population[COUNTY].values)]
    if rows.empty:
        return None
    table = rows.astype({AGE: int}).set_index(["area", YEAR, AGE])["ratio"].to_xarray().rename(area=COUNTY)
    return table.astype(float).sel({COUNTY: population[COUNTY].values, YEAR: population[YEAR].values})


def _from_grades(model: DemandModel, by_age: xr.DataArray, region: Region, ratios: pd.DataFrame) -> Ratio:
    """The ratio by age with its source and basis, which are those of the rolls of the last year that was counted."""
    rows = ratios[(ratios[SERVICE] == model.id) & ratios[AGE].notna() & ratios["pupils"].notna()]
    last = int(rows[YEAR].max())
    counties = [str(county) for county in by_age[COUNTY].values]
    source = source_of(region, "enrolment", county=counties, year=last, stage=_stages(model))
    basis: Basis = "assumed" if source.basis == "assumed" else "derived"
    return Ratio("region", source.source, basis, by_age, dict.fromkeys(counties, last), "grade")


def _stages(model: DemandModel) -> list[str]:
    """Stages of `enrolment` whose pupils are the model's: its parts, or the whole."""
    return [*model.service.rolls, model.service.stage]


def _latest(
    model: DemandModel, population: xr.DataArray, region: Region | None, ratios: pd.DataFrame | None
) -> dict[str, tuple[str, int, float]] | None:
    """county -> (area, year, ratio) of the latest observed year; the parent area goes before the region as a whole.

    None where a county of `population` belongs to no area with a ratio.
    """
    if region is None or ratios is None:
        return None
    rows = ratios[(ratios[SERVICE] == model.id) & ratios[AGE].isna()].sort_values(YEAR)
    latest = {str(row.area): (str(row.area), int(row.year), float(row.ratio)) for row in rows.itertuples()}
    by_county: dict[str, tuple[str, int, float]] = {}
    for area, members in reversed(list(region.areas.members.items())):
        if area in latest:
            by_county |= dict.fromkeys(members, latest[area])
    counties = [str(county) for county in population[COUNTY].values]
    return {county: by_county[county] for county in counties} if all(c in by_county for c in counties) else None


def _stack(parts: list[Variables], services: list[str]) -> xr.Dataset:
    """Variables of all methods beside each other along `service`; NaN where a method has none."""
    like = parts[0]["demand"]
    unknown = xr.full_like(like, np.nan)
    names = [name for name in NEEDS if name in ("demand", "demand_norm") or any(name in part for part in parts)]
    coords = {SERVICE: services, **like.coords}
    stacked = {}
    for name in names:
        values = np.stack([part.get(name, unknown).transpose(*like.dims).values for part in parts])
        stacked[name] = in_order(xr.DataArray(values, coords, (SERVICE, *like.dims)))
    return xr.Dataset(stacked)


def _describe(found: xr.Dataset, models: Mapping[str, DemandModel]) -> xr.Dataset:
    """The attributes every variable carries; services of different units say theirs in the coordinate `unit`."""
    source = "; ".join(f"{name}: {model.method}" for name, model in models.items())
    units = {model.unit for model in models.values()}
    return label(found, "demand", source, units.pop() if len(units) == 1 else BY_SERVICE)


def _about_ratios(
    population: xr.DataArray, models: Mapping[str, DemandModel], used: Mapping[str, Ratio]
) -> dict[str, xr.DataArray]:
    """The ratio used, its year and origin, and the model's own value beside it; nothing where no model has one."""
    if not any(ratio.origin for ratio in used.values()):
        return {}
    counties, years, services = population[COUNTY], population[YEAR], list(models)
    shape = {COUNTY: counties, YEAR: years, SERVICE: services}
    value = xr.DataArray(np.nan, dims=tuple(shape), coords=shape)
    year = xr.DataArray(np.nan, dims=(COUNTY, SERVICE), coords={COUNTY: counties, SERVICE: services})
    model_value = xr.DataArray(np.nan, dims=(YEAR, SERVICE), coords={YEAR: years, SERVICE: services})
    for name, model in models.items():
        if name not in used or not used[name].origin:
            continue
        quantity = model.parameters["ratio"]
        shipped = quantity.replaces or quantity
        at_years = [int(calendar_year) for calendar_year in years.values]
        model_value.loc[{SERVICE: name}] = shipped.at(at_years)
        by_county = used[name].by_county
        if by_county is None:
            value.loc[{SERVICE: name}] = np.broadcast_to(quantity.at(at_years), (counties.size, years.size))
        else:
            mean = by_county.mean(AGE).values if AGE in by_county.dims else by_county.values[:, None]
            value.loc[{SERVICE: name}] = np.broadcast_to(mean, (counties.size, years.size))
            year.loc[{SERVICE: name}] = [used[name].years[str(county)] for county in counties.values]
    return {
        "ratio": label(value, "demand.ratio"),
        "ratio_year": label(year, "demand.ratio_year"),
        "ratio_model": label(model_value, "demand.ratio_model"),
        "ratio_origin": _text("ratio_origin", [used[name].origin for name in services], services),
        "ratio_source": _text("ratio_source", [used[name].source for name in services], services),
    }


def _text(name: str, values: Sequence[str], services: list[str] | None = None) -> xr.DataArray:
    """(service,) words."""
    coords = {} if services is None else {SERVICE: services}
    return label(xr.DataArray(np.asarray(values, dtype=object), dims=SERVICE, coords=coords), f"demand.{name}")


def _basis(model: DemandModel, ratio: Ratio) -> Basis:
    """The weakest basis among the numbers that `demand` rests on; where the region gives the ratio, that one's."""
    bases = [quantity.basis for name, quantity in model.parameters.items() if name != "ratio"]
    return weakest(*bases, *([ratio.basis] if ratio.basis else []))


def _born_until(model: DemandModel, born_by: int | None) -> int:
    """Last year whose youngest were born by the end of the year `born_by`."""
    if born_by is None or not model.service.cohort:
        return NOT_A_COHORT
    return born_until(model.ages[0], born_by, model.cutoff_month)
