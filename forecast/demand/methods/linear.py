"""The methods: from residents by age to the places and beds they need. One function each, all listed in `METHODS`.

A method gets `population` (trajectory?, county, year, age), persons at 31 December; its model; and `given`, the
parameters that the region knows better than the model, by name, as (county, year?). It returns variables by
(trajectory?, county, year): `demand` (behaviour: what people will use), `demand_norm` (what the standard asks; absent
without a standard), and what it met on the way. Norms are today's yardstick for every year: they are not switched off
before their own date.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from forecast.basics.ages import in_ages
from forecast.basics.dims import AGE, YEAR, at_years
from forecast.basics.school_date import children, september_population
from forecast.demand.model import DECEMBER, SEPTEMBER, DemandModel, Kind, Quantity
from forecast.demand.people import weighted

Variables = dict[str, xr.DataArray]
Given = Mapping[str, xr.DataArray]

DAYS_PER_YEAR = 365.0


def participation(population: xr.DataArray, model: DemandModel, given: Given) -> Variables:
    """Places in kindergartens and schools: pupils = ratio x children of the ages at the cut-off date.

    The ratio is pupils over resident children (a gross rate: it passes 1 where children come from elsewhere or stand
    outside the ages). A given ratio may be by age at the cut-off date (county, year, age). One place for one pupil; no
    spare places are added. The norm takes the standard's ratio.
    classes = pupils / class size, posts = pupils / pupils per post; no rounding, which needs schools.
    The enrolment-rate method (NCES, Projections of Education Statistics, appendix A).
    """
    aged = children(population, model.ages, model.cutoff_month)
    ratio = given["ratio"] if "ratio" in given else _path(model.parameters["ratio"], population)
    with xr.set_options(arithmetic_join="exact"):
        pupils = _pupils_by_age(population, ratio, model.cutoff_month) if AGE in ratio.dims else aged * ratio
        needs = {"demand": pupils, "pupils": pupils}
        if norm := model.standard("ratio"):
            needs["demand_norm"] = aged * _path(norm, population)
        if size := model.standard("class_size"):
            needs["classes"] = pupils / _path(size, population)
        if load := model.standard("pupils_per_post"):
            needs["posts"] = pupils / _path(load, population)
    return needs


def _pupils_by_age(population: xr.DataArray, ratio: xr.DataArray, cutoff: int) -> xr.DataArray:
    """(..., year) where each age has its own ratio (county, year, age)."""
    near = population.sel({AGE: slice(int(ratio[AGE][0]), int(ratio[AGE][-1]) + 2)})
    return (september_population(near, cutoff) * ratio).sum(AGE, skipna=False)


def take_up(population: xr.DataArray, model: DemandModel, given: Given) -> Variables:
    """Nursery places: users = children of the ages at 31 December x take-up; places = users / occupancy.

    Take-up moves from one dated value to the next on a logistic path. The norm is places per 1,000 residents.
    """
    infants = in_ages(population, model.ages)
    with xr.set_options(arithmetic_join="exact"):
        users = infants * _logit_path(model.parameters["take_up"], population)
        needs = {"demand": users / _path(model.parameters["occupancy"], population), "users": users}
        if norm := model.standard("places_per_1000"):
            needs["demand_norm"] = in_ages(population, _all(population)) * _path(norm, population) / 1000
    return needs


def prevalence(population: xr.DataArray, model: DemandModel, given: Given) -> Variables:
    """Care beds: users = sum over ages of residents x prevalence x share in institutions; beds = users / occupancy.

    The norm is beds per 1,000 people of the model's ages. The published norm counts *registered*
    elders; residents of the same ages stand in for them here, because the projection is of residents.
    """
    unable = weighted(population, model.parameters["prevalence"].by_age())
    with xr.set_options(arithmetic_join="exact"):
        users = unable * _path(model.parameters["institution_share"], population)
        needs = {"demand": users / _path(model.parameters["occupancy"], population), "users": users}
        if norm := model.standard("beds_per_1000_aged_60"):
            needs["demand_norm"] = in_ages(population, model.ages) * _path(norm, population) / 1000
    return needs


def bed_days(population: xr.DataArray, model: DemandModel, given: Given) -> Variables:
    """Hospital beds = sum over ages of residents x admissions x length of stay / 365 / occupancy.

    As in Japan's medical plans (医療計画, 基準病床数). Residents are served where they live: no flows between counties. The norm, where a model has one, is beds per
    1,000 residents.
    """
    admissions = weighted(population, model.parameters["admission_rate"].by_age())
    with xr.set_options(arithmetic_join="exact"):
        days = admissions * _path(model.parameters["length_of_stay"], population)
        needs = {"demand": days / DAYS_PER_YEAR / _path(model.parameters["occupancy"], population), "bed_days": days}
        if norm := model.standard("beds_per_1000"):
            needs["demand_norm"] = in_ages(population, _all(population)) * _path(norm, population) / 1000
    return needs


@dataclass(frozen=True)
class Need:
    """Unit and kinds that a method asks of a parameter, and the range in which its numbers must lie."""

    unit: str
    kinds: tuple[Kind, ...]
    low: float
    high: float


_DATED: tuple[Kind, ...] = ("number", "path")
_OCCUPANCY = Need("1", _DATED, 0.05, 1)


@dataclass(frozen=True)
class Method:
    """A method with the parameters it needs and those that it can use, the standards it can use, and the parameters in
    which demand is a product: name -> power, 1 or -1. These may be uncertain."""

    compute: Callable[[xr.DataArray, DemandModel, Given], Variables]
    parameters: Mapping[str, Need]
    powers: Mapping[str, int]
    standards: frozenset[str]
    optional: Mapping[str, Need] = field(default_factory=dict)

    @property
    def known(self) -> Mapping[str, Need]:
        """All parameters that a model may have."""
        return {**self.parameters, **self.optional}


METHODS: dict[str, Method] = {
    "participation": Method(
        participation,
        {
            "ages": Need(SEPTEMBER, ("span",), 0, 30),
            "cutoff_month": Need("month", ("number",), 1, 12),
            "ratio": Need("pupils per resident child", _DATED, 0, 3),
        },
        {"ratio": 1},
        frozenset({"ratio", "class_size", "pupils_per_post", "floor_area"}),
        {"first_part_share": Need("1", _DATED, 0, 1)},
    ),
    "take_up": Method(
        take_up,
        {
            "ages": Need(DECEMBER, ("span",), 0, 100),
            "take_up": Need("children in care per resident child", _DATED, 0.0001, 0.9999),
            "occupancy": _OCCUPANCY,
        },
        {"take_up": 1, "occupancy": -1},
        frozenset({"places_per_1000", "floor_area"}),
    ),
    "prevalence": Method(
        prevalence,
        {
            "ages": Need(DECEMBER, ("span",), 0, 100),
            "prevalence": Need("persons per resident", ("table",), 0, 1),
            "institution_share": Need("1", _DATED, 0, 1),
            "occupancy": _OCCUPANCY,
        },
        {"prevalence": 1, "institution_share": 1, "occupancy": -1},
        frozenset({"beds_per_1000_aged_60", "floor_area"}),
    ),
    "bed_days": Method(
        bed_days,
        {
            "ages": Need(DECEMBER, ("span",), 0, 100),
            "admission_rate": Need("admissions per person-year", ("table",), 0, 5),
            "length_of_stay": Need("days per admission", _DATED, 0.5, 60),
            "occupancy": _OCCUPANCY,
        },
        {"admission_rate": 1, "length_of_stay": 1, "occupancy": -1},
        frozenset({"beds_per_1000", "floor_area"}),
    ),
}
"""Name in a model file -> method."""


def _years(population: xr.DataArray) -> list[int]:
    return [int(year) for year in population[YEAR].values]


def _all(population: xr.DataArray) -> tuple[int, int]:
    return int(population["age"][0]), int(population["age"][-1])


def _path(quantity: Quantity, population: xr.DataArray) -> xr.DataArray:
    """The value in each year of the population (year)."""
    years = population[YEAR]
    return xr.DataArray(quantity.at(_years(population)), dims=YEAR, coords={YEAR: years})


def _logit_path(quantity: Quantity, population: xr.DataArray) -> xr.DataArray:
    """The same, but straight on the logit scale between two dates, so that a share rises as habits spread."""
    logits = [(year, float(np.log(share / (1 - share)))) for year, share in quantity.dated]
    values = np.asarray(at_years(logits, _years(population)))
    return xr.DataArray(1 / (1 + np.exp(-values)), dims=YEAR, coords={YEAR: population[YEAR]})
