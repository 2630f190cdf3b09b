"""Demand models of one region under one scenario."""

from __future__ import annotations

from collections.abc import Mapping

from forecast.basics.folders import dotted
from forecast.demand.model import DemandModel
from forecast.demand.read import read_models, with_overrides
from forecast.demand.schools.stages import ages_of_services, system_of
from forecast.region import Region


def region_models(region: Region, overrides: Mapping[str, Mapping[str, object]]) -> Mapping[str, DemandModel]:
    """Shipped models by service, with the ages of the region's school system, then the region's own numbers, then
    `overrides`, those of a scenario; a replaced number stays beside its own."""
    shipped = read_models()
    ages = {name: ages for name, ages in ages_of_services(system_of(region)).items() if ages != shipped[name].ages}
    by_system = {name: {"parameters.ages": list(each)} for name, each in ages.items()}
    own = {name: dict(dotted(values)) for name, values in region.settings.get("models", {}).items()}
    return with_overrides(with_overrides(with_overrides(shipped, by_system), own), overrides)
