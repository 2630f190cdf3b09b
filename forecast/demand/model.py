"""Demand model: a service, whom it is for, the name of a method, and numbers with unit, source and basis.

A file holds no formulas; `methods.py` holds them. A number is one of four kinds:

number    value = 0.85
path      value = [[2021, 0.06], [2035, 0.3]]       dated, read between the dates
span      value = [6, 11]                           first and last age
table     value = { "60-64" = 0.007, "65+" = 0.05 } by age group, labelled as in population tables
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from forecast.basics.ages import Ages, age_bounds
from forecast.basics.basis import Basis
from forecast.basics.dims import OPEN_AGE, at_years
from forecast.basics.school_date import YEAR_END
from forecast.basics.text import Text
from forecast.services import Domain, Service, services

View = Literal["behaviour", "norm"]
LEVELS = ("national", "province", "city", "county")
"""From wide to local; a local standard may be stricter, never looser."""

SEPTEMBER, DECEMBER = "completed years at the cut-off date", "completed years on 31 December"

QUANTITY_UNITS: dict[str, str] = {
    SEPTEMBER: "截止日周岁",
    DECEMBER: "12月31日周岁",
    "month": "月",
    "years": "年",
    "1": "",
    "pupils per resident child": "在校生/常住儿童",
    "children in care per resident child": "在托/常住婴幼儿",
    "persons per resident": "人/常住人口",
    "admissions per person-year": "人次/人·年",
    "days per admission": "天/人次",
    "places per 1,000 residents": "个/千名常住人口",
    "beds per 1,000 residents": "张/千名常住人口",
    "beds per 1,000 aged 60 and over": "张/千名60岁及以上老年人",
    "pupils per class": "人/班",
    "pupils per post": "学生/教职工",
    "m2 per place": "平方米/学位",
    "m2 per bed": "平方米/床",
    "yuan per m2": "元/平方米",
    "yuan per m2 and year": "元/平方米·年",
    "per year": "/年",
    "standard deviation of the log after 10 years": "对数标准差（10年后）",
    "standard deviation of the logit after 10 years": "logit标准差（10年后）",
}
"""The closed list of units of the numbers in a model: English (as written in the file) -> Chinese."""

SPREADS = {
    "log": "standard deviation of the log after 10 years",
    "logit": "standard deviation of the logit after 10 years",
}
"""Scale on which a parameter is uncertain -> the unit that says so."""

STANDARDS: dict[str, tuple[tuple[str, ...], Literal["lower", "higher"]]] = {
    "ratio": (("pupils per resident child",), "higher"),
    "places_per_1000": (("places per 1,000 residents",), "higher"),
    "beds_per_1000": (("beds per 1,000 residents",), "higher"),
    "beds_per_1000_aged_60": (("beds per 1,000 aged 60 and over",), "higher"),
    "class_size": (("pupils per class",), "lower"),
    "pupils_per_post": (("pupils per post",), "lower"),
    "floor_area": (("m2 per place", "m2 per bed"), "higher"),
}
"""Standards a model may name -> the units it may have, and whether a lower or a higher value is the stricter one."""

NORMS = frozenset({"ratio", "places_per_1000", "beds_per_1000", "beds_per_1000_aged_60"})
"""Standards that say how much there should be; the others say how it is to be run."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")


def _tidy(value: object) -> object:
    """A number, a path, a span or a table in its normal form; anything else is refused in one sentence."""
    refusal = PydanticCustomError("quantity", "a number, [[year, value], ...], [first, last] or {{age group = value}}")
    if _is_number(value):
        return float(value)  # type: ignore[arg-type]
    if isinstance(value, Mapping) and value:
        try:
            groups = sorted((age_bounds(str(label)), str(label)) for label in value)
        except ValueError:
            raise refusal from None
        overlap = any(this[0][1] >= after[0][0] for this, after in pairwise(groups))
        if overlap or not all(_is_number(number) for number in value.values()):
            raise refusal
        return {label: float(value[label]) for _, label in groups}
    if not isinstance(value, list | tuple) or not value:
        raise refusal
    if len(value) == 2 and all(isinstance(age, int) and not isinstance(age, bool) for age in value):
        if not 0 <= value[0] <= value[1] <= OPEN_AGE:
            raise refusal
        return (int(value[0]), int(value[1]))
    pairs = [tuple(pair) if isinstance(pair, list | tuple) else () for pair in value]
    if not all(len(pair) == 2 and isinstance(pair[0], int) and _is_number(pair[1]) for pair in pairs):
        raise refusal
    years = [pair[0] for pair in pairs]
    if len(set(years)) != len(years) or not all(1900 <= year <= 2200 for year in years):
        raise refusal
    return tuple((int(year), float(number)) for year, number in sorted(pairs))


Path = tuple[tuple[int, float], ...]
Value = Annotated[Any, BeforeValidator(_tidy)]
Kind = Literal["number", "path", "span", "table"]


def _in_both_languages(names: object) -> object:
    if isinstance(names, Text):
        return names
    given = names if isinstance(names, Mapping) else {}
    if set(given) != {"zh", "en"} or not all(isinstance(name, str) and name.strip() for name in given.values()):
        raise PydanticCustomError("names", "zh and en")
    return Text(given["zh"].strip(), given["en"].strip())


Names = Annotated[Text, BeforeValidator(_in_both_languages)]
"""What a thing is called."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Quantity(_Frozen):
    """One number of a model: value, unit, source, basis; `replaces` is what the shipped file says, if overridden."""

    value: Value
    unit: str
    source: str = Field(min_length=1)
    basis: Basis
    locator: str = ""
    note: str = ""
    replaces: Quantity | None = None

    @property
    def kind(self) -> Kind:
        if isinstance(self.value, float):
            return "number"
        if isinstance(self.value, dict):
            return "table"
        return "span" if isinstance(self.value[0], int) else "path"

    @property
    def span(self) -> Ages:
        """First and last age, both counted."""
        first, last = self.value
        return int(first), int(last)

    @property
    def dated(self) -> Path:
        """The dated values; a plain number holds always (dated 0)."""
        return ((0, self.value),) if self.kind == "number" else self.value

    def at(self, years: Iterable[int]) -> list[float]:
        """The value in each year: straight between two dates, constant before the first and after the last."""
        return at_years(self.dated, years)

    def by_age(self) -> list[float]:
        """The value at each age 0..100 of a table; ages outside the table count with 0."""
        values = [0.0] * (OPEN_AGE + 1)
        for label, number in self.value.items():
            first, last = age_bounds(label)
            values[first : last + 1] = [number] * (last + 1 - first)
        return values

    def numbers(self) -> list[float]:
        """Every number in the value, for range checks."""
        if self.kind == "table":
            return list(self.value.values())
        return [float(age) for age in self.span] if self.kind == "span" else [number for _, number in self.dated]


class Standard(_Frozen):
    """A standard by level. What holds is the most local one given."""

    national: Quantity | None = None
    province: Quantity | None = None
    city: Quantity | None = None
    county: Quantity | None = None

    def given(self) -> dict[str, Quantity]:
        """The levels that are given, from wide to local."""
        return {level: quantity for level in LEVELS if (quantity := getattr(self, level)) is not None}

    @property
    def in_force(self) -> Quantity:
        return list(self.given().values())[-1]


class Supply(_Frozen):
    """Years that it takes to add to the supply that meets the demand."""

    lead_time: Quantity


class Costs(_Frozen):
    """Costs of floor area of the service; only their proportions decide how long it pays to rent (`costs`).

    `salvage`: present value of what the building is worth to another service; `life` in years; `discount` a year.
    """

    building: Quantity
    rent: Quantity
    upkeep: Quantity
    salvage: Quantity
    life: Quantity
    discount: Quantity

    def given(self) -> dict[str, Quantity]:
        return {name: getattr(self, name) for name in type(self).model_fields}


class DemandModel(_Frozen):
    """A demand model, as its file says it. Made by `read_models`, which checks what types cannot say."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")
    service: Service
    population: Literal["resident", "registered"]
    method: str
    view: View = "behaviour"
    note: Names | None = None
    parameters: dict[str, Quantity]
    uncertainty: dict[str, Quantity] = {}
    """Parameter -> how far it may have moved ten years after it was last known, in all counties alike; what is not named
    is taken as sure."""
    uncertainty_by_county: dict[str, Quantity] = {}
    """Parameter -> how far it may have moved in one county apart from the others, on the same terms."""
    standards: dict[str, Standard] = {}
    supply: Supply
    costs: Costs | None = None
    """Without them it is not known how many years of need make building worth while, and no class can be told."""

    @property
    def order(self) -> int:
        """Place in every list of services."""
        return self.service.order

    @property
    def name(self) -> Text:
        return self.service.name

    @property
    def domain(self) -> Domain:
        return self.service.domain

    @property
    def unit(self) -> str:
        """Unit of a place: places or beds."""
        return self.service.unit

    @property
    def ages(self) -> Ages:
        """First and last age of the people whom the service is for."""
        return self.parameters["ages"].span

    @property
    def cutoff_month(self) -> int:
        """Month of the school's cut-off date; `YEAR_END` where the model counts ages at 31 December."""
        month = self.parameters.get("cutoff_month")
        return YEAR_END if month is None else int(month.value)

    def standard(self, name: str) -> Quantity | None:
        """The standard in force, or None where the model names none."""
        levels = self.standards.get(name)
        return levels.in_force if levels else None

    def spreads(self) -> dict[str, Quantity]:
        """What says how uncertain a parameter is, under its dotted name."""
        alike = {f"uncertainty.{name}": spread for name, spread in self.uncertainty.items()}
        return alike | {f"uncertainty_by_county.{name}": spread for name, spread in self.uncertainty_by_county.items()}

    def quantities(self) -> dict[str, Quantity]:
        """Every number of the model under its dotted name, in the order of the file."""
        numbers = {f"parameters.{name}": number for name, number in self.parameters.items()}
        for name, standard in self.standards.items():
            numbers |= {f"standards.{name}.{level}": number for level, number in standard.given().items()}
        numbers |= self.spreads()
        numbers["supply.lead_time"] = self.supply.lead_time
        return numbers | {
            f"costs.{name}": number for name, number in (self.costs.given() if self.costs else {}).items()
        }


def chain_of(models: Mapping[str, DemandModel] | None = None) -> list[str]:
    """Services through which a birth cohort passes, one after another: of these models, by default of the shipped."""
    of = services() if models is None else {name: model.service for name, model in models.items()}
    return [name for name, service in of.items() if service.cohort]
