"""A scenario: how births, deaths and migration depart from the calibrated baseline path, and which numbers of the
demand models it replaces. Every key with its bounds and unit, checked once and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from forecast.basics import folders, text

FIRST_YEAR, LAST_YEAR = 1950, 2100  # what a year in a scenario may be: the span of the shipped national pattern
OLDEST = 100  # the open age group

ProfileName = Literal["mobility", "students", "workers", "families"]


def _dated(value: Any) -> Any:
    """Lists become tuples; one number alone holds for all years."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return ((FIRST_YEAR, value),)
    if not isinstance(value, list | tuple) or not value or not all(_is_pair(pair) for pair in value):
        raise PydanticCustomError("dated_path", "one number, or numbers with their years")
    years = [pair[0] for pair in value]
    for before, year in pairwise(years):
        if isinstance(year, int) and isinstance(before, int) and year <= before:
            raise PydanticCustomError("years_order", "years in order", {"year": year, "before": before})
    return tuple(tuple(pair) for pair in value)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2


def _profile(value: Any) -> Any:
    """The name of a schedule, or weights by age as tuples: ages in order, no weight negative, not all zero."""
    if isinstance(value, str) and value in get_args(ProfileName):
        return value
    pairs = value if isinstance(value, list | tuple) and all(_is_pair(pair) for pair in value) else []
    ages, weights = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    good = all(_is_age(age) for age in ages) and all(before < age for before, age in pairwise(ages))
    good = good and all(_is_weight(weight) for weight in weights) and any(weight > 0 for weight in weights)
    if not good:
        raise PydanticCustomError(
            "profile", "a schedule or weights by age", {"names": ", ".join(get_args(ProfileName))}
        )
    return tuple((age, float(weight)) for age, weight in pairs)


def _is_age(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= OLDEST


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _parameters(value: Any) -> Any:
    """Nested tables of a model as dotted names, as TOML writes them: parameters.take_up = 0.1."""
    return dict(folders.dotted(value)) if isinstance(value, Mapping) else value


Year = Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR)]
Factor = Annotated[float, Field(strict=True, ge=0, le=10)]
DeathFactor = Annotated[float, Field(strict=True, ge=0.1, le=3)]  # at 0 nobody would die, at 4 nobody live at 99
Balance = Annotated[float, Field(strict=True, ge=-10, le=10)]  # below 0: gains become losses
Factors = Annotated[
    tuple[tuple[Year, Factor], ...],
    BeforeValidator(_dated, json_schema_input_type=Factor | tuple[tuple[Year, Factor], ...]),
]
DeathFactors = Annotated[
    tuple[tuple[Year, DeathFactor], ...],
    BeforeValidator(_dated, json_schema_input_type=DeathFactor | tuple[tuple[Year, DeathFactor], ...]),
]
Balances = Annotated[
    tuple[tuple[Year, Balance], ...],
    BeforeValidator(_dated, json_schema_input_type=Balance | tuple[tuple[Year, Balance], ...]),
]
Persons = Annotated[float, Field(strict=True, ge=-1e8, le=1e8)]  # a year; below 0: fewer
DatedPersons = Annotated[
    tuple[tuple[Year, Persons], ...],
    BeforeValidator(_dated, json_schema_input_type=Persons | tuple[tuple[Year, Persons], ...]),
]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Age = Annotated[int, Field(strict=True, ge=0, le=OLDEST)]
Weights = tuple[tuple[Age, Annotated[float, Field(ge=0)]], ...]
Profile = Annotated[ProfileName | Weights, BeforeValidator(_profile, json_schema_input_type=ProfileName | Weights)]
Line = Annotated[str, Field(strict=True, min_length=1, max_length=1000)]

BASELINE: Any = ((FIRST_YEAR, 1.0),)
NOBODY: Any = ((FIRST_YEAR, 0.0),)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Text(_Part):
    """The same words in Chinese and English."""

    zh: Line
    en: Line

    @property
    def text(self) -> text.Text:
        return text.Text(self.zh, self.en)


class Fertility(_Part):
    path: Literal["constant", "pattern", "falling"] = Field(
        default="constant",
        description="Baseline path of births per woman: constant (as in the last years), pattern (in step with the "
        "pattern's national path, World Population Prospects 2024 for China), falling (the trend of the last years, "
        "fading); where the region is fitted on yearly counts the fit has its own path",
    )
    zodiac: bool = Field(
        default=False,
        strict=True,
        description="true: years of the dragon (2024, 2036) have as many more births as those before had, and count as "
        "that much less where the level is found",
    )
    level: Factors = Field(
        default=BASELINE,
        description="Multiple of the baseline path of births per woman, by year (unit: 1; 1 = that path)",
    )


class Mortality(_Part):
    level: DeathFactors = Field(
        default=BASELINE, description="Multiple of the baseline path of death rates, by year (unit: 1; 1 = that path)"
    )


class DestinationShift(_Part):
    """Some of the leavers of one county go to another place than before."""

    origin: Line = Field(description="Code of the county whose leavers choose otherwise")
    away_from: Line = Field(description='Where they no longer go: code of a county, or "outside" the region')
    towards: Line = Field(description='Where they go instead: code of a county, or "outside" the region')
    share: Share = Field(
        description="How many of those who would go to `away_from` (unit: share, 0 to 1), at every age, in every year"
    )

    @model_validator(mode="after")
    def _three_places(self) -> Self:
        if len({self.origin, self.away_from, self.towards}) < 3:
            places = f"{self.origin}, {self.away_from}, {self.towards}"
            raise PydanticCustomError("shift_places", "three different places", {"places": places})
        return self


class Migration(_Part):
    """Levers on migration. Those on net persons are additive; a factor acts on gross flows alone, because a
    factor on a net turns its ages upside down where the total changes sign."""

    level: Balances = Field(
        default=BASELINE,
        description="Each county's net migration a year, by year (unit: multiple of its expected yearly net total, which goes from the recent one to the long mean; "
        "1 = as expected, 0 = nobody on balance); reached additively; where migration is given as net",
    )
    timing: Literal["end", "even", "even_nobirth", "mid"] = Field(
        default="end",
        description="When within the year migrants count (end: as in World Population Prospects 2024)",
    )
    counties: dict[str, Balances] = Field(
        default={},
        description="County code -> its own level instead of the one for all (unit: as level)",
    )
    add: DatedPersons = Field(
        default=NOBODY,
        description="Persons on top for the whole region, by year (unit: persons a year; below 0: fewer), spread over "
        "the counties in proportion to residents at the jump-off date",
    )
    add_counties: dict[str, DatedPersons] = Field(
        default={},
        description="County code -> persons on top for that county, besides its part of `add` (unit: persons a year)",
    )
    profile: Profile = Field(
        default="mobility",
        description="Ages at which what level, counties and add change falls: mobility (as the whole's migrants move), "
        "students, workers or families (model schedules), or [[age, weight], ...] (unit: relative number of "
        "persons of that completed age, both sexes alike; straight between ages, none outside)",
    )
    gross_factor: Factors = Field(
        default=BASELINE,
        description="Factor on rates of leaving and on arrivals from outside, by year (unit: 1); only where migration "
        "is given gross",
    )
    destination_shift: tuple[DestinationShift, ...] = Field(
        default=(),
        description="Leavers who go elsewhere than before, one shift after the other; only where migration is given "
        "by origin and destination",
    )
    closed: bool = Field(
        default=False, strict=True, description="true: nobody moves at all, in no county and at no age, in all years"
    )

    @property
    def changes(self) -> tuple[str, ...]:
        """The levers that move somebody's number; `profile` and `timing` say how, not how many."""
        levels = {"level": self.level, **{f"counties.{code}": path for code, path in self.counties.items()}}
        added = {"add": self.add, **{f"add_counties.{code}": path for code, path in self.add_counties.items()}}
        moved = [key for key, path in levels.items() if _differs(path, 1.0)]
        return (*moved, *(key for key, path in added.items() if _differs(path, 0.0)))

    @model_validator(mode="after")
    def _no_conflict(self) -> Self:
        others = list(self.changes)
        others += ["profile"] * (self.profile != "mobility")
        others += ["gross_factor"] * _differs(self.gross_factor, 1.0)
        others += ["destination_shift"] * bool(self.destination_shift)
        if self.closed and others:
            named = ", ".join(f"migration.{key}" for key in others)
            raise PydanticCustomError("closed_conflict", "nobody moves, yet some do", {"others": named})
        if self.profile != "mobility" and not self.changes:
            raise PydanticCustomError("profile_alone", "ages of a change, but no change")
        return self


def _differs(path: tuple[tuple[int, float], ...], usual: float) -> bool:
    return any(value != usual for _, value in path)


class Demand(_Part):
    view: Literal["behaviour", "norm"] = Field(
        default="behaviour", description="What gaps rest on: what people will use, or what the standard asks"
    )


class Scenario(_Part):
    """A frozen scenario. Levels are dated multiples of the baseline path (`dims.at_years` reads them)."""

    id: Line = Field(description="Short name: letters, digits, _ and -; by default the name of the file")
    name: Text
    description: Text
    horizon: Annotated[int, Field(strict=True, ge=FIRST_YEAR, le=LAST_YEAR)] = Field(
        default=2050, description="Last projected year"
    )
    fertility: Fertility = Fertility()
    mortality: Mortality = Mortality()
    migration: Migration = Migration()
    demand: Demand = Demand()
    models: dict[str, Annotated[dict[str, Any], BeforeValidator(_parameters)]] = Field(
        default={}, description="Model -> dotted parameter -> number used instead of the model's own"
    )
    overrides: dict[str, Any] = Field(default={}, description="What the caller set on top of the file; never in a file")


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a scenario file, for editors that complete and check TOML."""
    schema = Scenario.model_json_schema()
    del schema["properties"]["overrides"]
    schema["properties"]["extends"] = {"type": "string", "description": "Scenario that this one departs from"}
    schema["required"] = ["name", "description"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
