"""Demand models of one region under one scenario."""

from __future__ import annotations

from collections.abc import Mapping

from forecast.basics.folders import dotted
from forecast.demand.model import DemandModel
from forecast.demand.read import read_models, with_overrides
from forecast.demand.schools.stages import ages_of_services, system_of
from forecast.region import MODELS, Region


def region_models(region: Region, overrides: Mapping[str, Mapping[str, object]]) -> Mapping[str, DemandModel]:
    """Shipped models by service and those of the region's folder, with the ages of the region's school system, then the region's own numbers, then
    `overrides`, those of a scenario; a replaced number stays beside its own."""
    models = read_models(own=region.folder / MODELS if region.services else None)
    by_stage = ages_of_services(models, system_of(region))
    ages = {name: ages for name, ages in by_stage.items() if ages != models[name].ages}
    by_system = {name: {"parameters.ages": list(each)} for name, each in ages.items()}
    by_region = {name: dict(dotted(values)) for name, values in region.settings.get("models", {}).items()}
    return with_overrides(with_overrides(with_overrides(models, by_system), by_region), overrides)
