"""Tables of a bureau: read, checked in full, normalised; every figure with its source and basis."""

from forecast.region.faults import Faults
from forecast.region.own_rules import RULE_FILES
from forecast.region.read import MODELS, read_region
from forecast.region.region import Region
from forecast.region.sources import Source, basis_of, source_of, sources_of
from forecast.region.tables import TABLES

__all__ = [
    "MODELS",
    "RULE_FILES",
    "TABLES",
    "Faults",
    "Region",
    "Source",
    "basis_of",
    "read_region",
    "source_of",
    "sources_of",
]
