"""Names of places and services, and amounts in a service's unit, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from forecast.basics.text import Text, count
from forecast.basics.units import UNITS, amount
from forecast.report.view.axes import Axes
from forecast.report.words import both

if TYPE_CHECKING:
    from forecast.services import Service


@dataclass(frozen=True)
class Names:
    axes: Axes

    @cached_property
    def places(self) -> dict[str, Text]:
        """Names by code, of the whole and its counties."""
        names = self.axes.run.region.areas.names
        return {place: names[place] for place in self.axes.places}

    @property
    def whole(self) -> Text:
        return self.places[self.axes.area]

    def thing(self, service: str) -> Text:
        """Things provided: kindergarten places, care beds."""
        described = self._service(service)
        return described.thing or described.name

    def short(self, service: str) -> Text:
        """For a button: kindergarten."""
        return self._service(service).short or self.thing(service)

    def people(self, service: str) -> Text:
        """Its users: children in kindergarten; where there is no such word, the demand for it."""
        return self._service(service).people or both("service.demand_for", thing=self.thing(service))

    def unit(self, service: str) -> str:
        return self.axes.run.models[service].unit

    def unit_name(self, service: str) -> Text:
        return UNITS[self.unit(service)]

    def amount(self, value: float, service: str) -> Text:
        """The size of a number in the service's unit."""
        return amount(abs(value), self.unit(service))

    def heads(self, value: float, service: str) -> Text:
        """The size of a number of its users, where there is a word for them, else in the service's unit."""
        if not self._service(service).people:
            return self.amount(value, service)
        number = count(abs(value))
        return Text(number.zh + UNITS["persons"].zh, number.en)

    def stage(self, service: str) -> Text:
        """As `short`, inside a sentence."""
        name = self.short(service)
        return Text(name.zh, name.en[:1].lower() + name.en[1:])

    def _service(self, service: str) -> Service:
        return self.axes.run.models[service].service
