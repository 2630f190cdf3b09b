"""Basis of each result (published, derived or assumed): the weakest of all that it rests on."""

from __future__ import annotations

from dataclasses import dataclass

from forecast.basics.basis import Basis, basis_or, weakest
from forecast.report.view.axes import Axes
from forecast.report.view.curves import Curves


@dataclass(frozen=True)
class Bases:
    axes: Axes
    curves: Curves

    def supply(self, service: str) -> Basis:
        return self._said("supply_basis", service, "assumed")

    def demand(self, service: str) -> Basis:
        return self._said("demand_basis", service, "derived")

    def gap(self, service: str) -> Basis:
        return weakest(self.supply(service), self.demand(service))

    @property
    def weakest_gap(self) -> Basis:
        """Weakest basis of the gaps of all services."""
        return weakest(*map(self.gap, self.axes.services))

    @property
    def weakest_demand(self) -> Basis:
        """Weakest basis of the needs of all services."""
        return weakest(*map(self.demand, self.axes.services))

    def _said(self, variable: str, service: str, otherwise: Basis) -> Basis:
        return basis_or(self.curves.by_service(variable).get(service), otherwise)
