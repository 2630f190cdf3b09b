"""Scenarios: what could happen, read from TOML files, checked once and frozen."""

from forecast.scenario.read import list_scenarios, read_scenario
from forecast.scenario.schema import LAST_YEAR, DestinationShift, Fertility, Migration, Scenario, json_schema

__all__ = [
    "LAST_YEAR",
    "DestinationShift",
    "Fertility",
    "Migration",
    "Scenario",
    "json_schema",
    "list_scenarios",
    "read_scenario",
]
