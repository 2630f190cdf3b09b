"""Demand models, files that name a method and give it numbers, and the methods that turn people into need."""

from forecast.basics.school_date import september_population
from forecast.demand.costs import CostShares, break_even_years, build_or_rent, costs_of, windows_of
from forecast.demand.estimate import NOT_A_COHORT, estimate_demand
from forecast.demand.methods.linear import METHODS
from forecast.demand.model import DemandModel, Quantity, Standard, chain_of
from forecast.demand.read import read_models, with_overrides
from forecast.demand.region_models import region_models
from forecast.demand.schools.ratios import FORMS, Ratio, observed_rolls, participation_ratios, ratio_table
from forecast.demand.schools.stages import ages_of_services, system_of
from forecast.demand.sensitivity import demand_at_levels
from forecast.demand.spread import demand_factors
from forecast.demand.weights import demand_weights

__all__ = [
    "FORMS",
    "METHODS",
    "NOT_A_COHORT",
    "CostShares",
    "DemandModel",
    "Quantity",
    "Ratio",
    "Standard",
    "ages_of_services",
    "break_even_years",
    "build_or_rent",
    "chain_of",
    "costs_of",
    "demand_at_levels",
    "demand_factors",
    "demand_weights",
    "estimate_demand",
    "observed_rolls",
    "participation_ratios",
    "ratio_table",
    "read_models",
    "region_models",
    "september_population",
    "system_of",
    "windows_of",
    "with_overrides",
]
