"""Services that there are, and the stages of school life: read from the models' files, never written in Python.

A service is one file `models/<id>.toml`. Its section `[service]` says all that the engine must know of it besides the
numbers of its demand: words, unit, place in the chain, what its buildings become. `demand.read_models` checks each
entry and tells every fault; here the sections are read for those who need words and units before any model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from forecast.basics.folders import folder
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.text import Text
from forecast.basics.toml_files import read_toml

Domain = Literal["education", "childcare", "elder_care", "health"]
"""Each has its chapter in the report."""


@dataclass(frozen=True)
class Service:
    """A service, as the section `[service]` of a model's file describes it.

    order         place in every list of services; a birth cohort passes through `cohort` services in this order
    name, thing   what is provided, as a title and inside a sentence; short: for a button; people: who uses it, where
                  there is a word for them
    aliases       other words for it in a bureau's tables
    unit          of a place: "places" or "beds"
    cohort        it is for a few birth cohorts, which pass through it as one stage of life among others, so that one
                  can say until when all of them are born
    ages_of_need  ages that most of the need comes from, where people use it for decades
    wave_of_old   the wave of the old ends in it
    use           name of what changes the share of people who use it (catalogue `waves.driver.<use>`)
    building      what its building is called where it may become something else (`waves.advice.<class>_<building>`)
    moves_into    services whose emptied buildings this one may take over: assumed, as no norm names them
    stage         stage of a school system whose pupils it serves; parts: stages by which the pupils are counted apart
    entered_from  stage whose pupils become those of this one by passage, where it is not compulsory
    running_cost, special_prevalence    their names in models/schools/standards.toml
    """

    order: int
    name: Text
    domain: Domain
    unit: str
    short: Text | None = None
    thing: Text | None = None
    people: Text | None = None
    aliases: tuple[str, ...] = ()
    cohort: bool = False
    ages_of_need: tuple[int, int] | None = None
    wave_of_old: bool = False
    use: str = "use"
    building: str = ""
    moves_into: tuple[str, ...] = ()
    stage: str = ""
    parts: tuple[str, ...] = ()
    entered_from: str = ""
    running_cost: str = ""
    special_prevalence: str = ""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid", "str_strip_whitespace": True}

    @property
    def rolls(self) -> tuple[str, ...]:
        """Stages of the table `enrolment` whose pupils are the service's: its parts, else the whole stage."""
        return self.parts or ((self.stage,) if self.stage else ())


NEEDED = ("order", "name", "domain", "unit")
"""Entries that every section `[service]` must have."""


@cache
def services() -> Mapping[str, Service]:
    """The shipped services by id, in their order."""
    return read_services(folder("models"))


def read_services(place: Path) -> dict[str, Service]:
    """id -> service of every model's file in a folder, in their order.

    Raises InputRefused that names each file without a section that can be read.
    """
    by_id: dict[str, Service] = {}
    issues = []
    for file in sorted(place.glob("*.toml")):
        try:
            by_id[file.stem] = _service(dict(read_toml(file)["service"]))
        except (KeyError, TypeError, ValueError):
            values = {"item": "service", "expected": f"[service] {', '.join(NEEDED)}, …"}
            issues.append(Issue("E404", file.name, values=values))
    if issues:
        raise InputRefused(issues)
    return dict(sorted(by_id.items(), key=lambda item: item[1].order))


def _frozen(entry: Any) -> Any:
    """A list as a tuple, words in two languages as a Text, anything else as it is."""
    return tuple(entry) if isinstance(entry, list) else Text(**entry) if isinstance(entry, dict) else entry


def _service(section: Mapping[str, Any]) -> Service:
    """The section with its lists as tuples. Raises TypeError for keys that lack or are not known."""
    made = Service(**{key: _frozen(entry) for key, entry in section.items()})
    if not isinstance(made.order, int) or not isinstance(made.unit, str):
        raise TypeError("order is a whole number and unit a word")
    return made


@dataclass(frozen=True)
class Stages:
    """Stages of school life and grades as a table of pupils names them: name -> other words for it, and stage -> grades
    that it can have in any school system, counted from the first year of primary school or within the stage."""

    stages: Mapping[str, tuple[str, ...]]
    grades: Mapping[str, tuple[str, ...]]
    grades_of_stage: Mapping[str, tuple[int, ...]]


@cache
def school_stages() -> Stages:
    """The stages that a table of pupils may name; the id of the service of a stage is one more word for it."""
    raw = read_toml(folder("models") / "schools" / "stages.toml")
    ids = {service.stage: (name,) for name, service in services().items()}
    return Stages(
        {name: (*stage["words"], *ids.get(name, ())) for name, stage in raw["stage"].items()},
        {name: tuple(words) for name, words in raw["grade"].items()},
        {name: tuple(stage["grades"]) for name, stage in raw["stage"].items()},
    )
