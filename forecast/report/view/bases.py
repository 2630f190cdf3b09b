"""What a result may claim: published, derived or assumed, the weakest of all that it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from forecast.report.view.axes import Axes
from forecast.report.view.curves import Curves

RANK = ("published", "derived", "assumed")


@dataclass(frozen=True)
class Bases:
    axes: Axes
    curves: Curves

    def supply(self, service: str) -> str:
        return self._said("supply_basis", service, "assumed")

    def demand(self, service: str) -> str:
        return self._said("demand_basis", service, "derived")

    def gap(self, service: str) -> str:
        return weakest(self.supply(service), self.demand(service))

    @property
    def weakest_gap(self) -> str:
        """What the gaps of all services rest on at the least."""
        return weakest(*map(self.gap, self.axes.services))

    def _said(self, variable: str, service: str, otherwise: str) -> str:
        said = self.curves.by_service(variable).get(service)
        return str(said) if said in RANK else otherwise


def weakest(*bases: str) -> str:
    """What may be claimed of a result that rests on all of these.

    >>> weakest("derived", "assumed")
    'assumed'
    """
    return max(bases, key=RANK.index)
