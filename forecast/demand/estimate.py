"""From people to what they need: every service's method applied, labelled, with the sources of what was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from forecast.basics.basis import Basis, weakest
from forecast.basics.dims import AGE, COUNTY, PART, SERVICE, YEAR, in_order
from forecast.basics.school_date import born_until
from forecast.basics.variables import BY_SERVICE, label
from forecast.demand.flows import region_flows, serve
from forecast.demand.methods.linear import METHODS, Variables
from forecast.demand.model import DemandModel
from forecast.demand.people import counted, denominator
from forecast.demand.schools.ratios import Ratio, participation_ratios
from forecast.region import Region

NEEDS = ("demand", "demand_norm", "pupils", "classes", "posts", "users", "bed_days")
"""What methods return by county, year and service; each is linear in people."""

NOT_A_COHORT = -1
"""`born_until` of a service that is not for a few birth cohorts, or where it is not asked."""


def estimate_demand(
    people: xr.Dataset,
    model: DemandModel | Mapping[str, DemandModel],
    region: Region | None = None,
    ratios: Mapping[str, Ratio] | None = None,
) -> xr.Dataset:
    """Need by (trajectory?, county, year, service), in the service's unit, where it is served.

    `people` holds `population` (trajectory?, county, [group,] year, sex, age), persons at 31 December, past and future
    in one time line. The last known year is the region's, without a region that of the attr `jump_off_year`, as a
    projection sets it. Returned:

    demand           what people will use (behaviour), in the service's unit (coordinate `unit`)
    demand_norm      what the standard asks; NaN for a service without one
    pupils, classes, posts, users, bed_days   what the methods met on the way; NaN where a method has none
    ratio            pupils per resident child used (county, year, service), the mean over the ages where each has its
                     own, with `ratio_year` (county, year, service), the school year whose count it rests on,
                     `ratio_origin` (region, model or override) and `ratio_source`; `ratio_model` (year, service) is the
                     model's own
    part_pupils      pupils by part of a stage (..., county, year, part): general and vocational senior pupils; absent
                     where no service has parts
    form             how pupils were found (service): one of `ratios.FORMS`, "" for what is no school
    demand_basis     published, derived or assumed: the weakest number that `demand` rests on (service)
    denominator      whom the service counts (service): resident; registered, where the model says so and `people` have
                     groups; or "resident for registered", where they have none and residents stand in
    born_until       coordinate: the last year in which all whom the service counts were born by the jump-off date;
                     else -1

    Pupils are those of `participation_ratios`, which may be given as `ratios` when `people` hold only some counties of
    the region, or another trajectory. With a `region` that has flows, need stands where it is served
    (`flows.region_flows`); all its counties must be there then.
    Raises InputRefused where ages, years or counties are missing, ValueError where the last known year is.
    """
    models = {model.id: model} if isinstance(model, DemandModel) else dict(model)
    used = participation_ratios(people, models, region) if ratios is None else ratios
    needs = demand_by_residence(people, models, used, jump_off_year(people, region))
    services, counties, years = (needs[dim].values.tolist() for dim in (SERVICE, COUNTY, YEAR))
    flows = region_flows(region, services, counties, years)
    needs = needs.assign({name: serve(needs[name], flows) for name in NEEDS if name in needs})
    return needs.assign(_by_part(needs, used))


def demand_by_residence(
    people: xr.Dataset,
    models: Mapping[str, DemandModel],
    ratios: Mapping[str, Ratio],
    born_by: int | None = None,
) -> xr.Dataset:
    """The same where people live, before any flow between counties. born_by: the jump-off year; without it `born_until`
    is not told."""
    by_concept = {concept: counted(people, concept) for concept in dict.fromkeys(m.population for m in models.values())}
    population = next(iter(by_concept.values()))
    counties, years = (population[dim].values.tolist() for dim in (COUNTY, YEAR))
    used = {name: ratios.get(name, Ratio()).at(counties, years) for name in models}
    parts = []
    for name, demand_model in models.items():
        given = {} if (values := used[name].values) is None else {"ratio": values}
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
    year = value.copy()
    model_value = xr.DataArray(np.nan, dims=(YEAR, SERVICE), coords={YEAR: years, SERVICE: services})
    for name in (name for name in models if used[name].origin):
        quantity, ratio = models[name].parameters["ratio"], used[name]
        at_years = [int(calendar_year) for calendar_year in years.values]
        model_value.loc[{SERVICE: name}] = (quantity.replaces or quantity).at(at_years)
        if ratio.values is None or ratio.year is None:
            value.loc[{SERVICE: name}] = np.broadcast_to(quantity.at(at_years), (counties.size, years.size))
        else:
            mean = ratio.values.mean(AGE) if AGE in ratio.values.dims else ratio.values
            value.loc[{SERVICE: name}] = mean.values
            year.loc[{SERVICE: name}] = ratio.year.values
    return {
        "ratio": label(value, "demand.ratio"),
        "ratio_year": label(year, "demand.ratio_year"),
        "ratio_model": label(model_value, "demand.ratio_model"),
        "ratio_origin": _text("ratio_origin", [used[name].origin for name in services], services),
        "ratio_source": _text("ratio_source", [used[name].source for name in services], services),
    }


def _by_part(needs: xr.Dataset, ratios: Mapping[str, Ratio]) -> dict[str, xr.DataArray]:
    """Pupils by part of a stage; nothing where no service has parts."""
    if "pupils" not in needs:
        return {}
    pupils = needs["pupils"].reset_coords(drop=True)
    counties, years = (needs[dim].values.tolist() for dim in (COUNTY, YEAR))
    parts = [
        pupils.sel({SERVICE: name}, drop=True) * share
        for name in needs[SERVICE].values.tolist()
        if name in ratios and (share := ratios[name].at(counties, years).part_share) is not None
    ]
    return {"part_pupils": label(in_order(xr.concat(parts, PART)), "demand.part_pupils")} if parts else {}


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
