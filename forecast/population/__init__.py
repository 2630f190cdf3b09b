"""The population core: from tables to people, year by year."""

from forecast.population.groups import registered, resident
from forecast.population.levers import net_migrants
from forecast.population.lifetable import life_table
from forecast.population.past import estimate_past
from forecast.population.project import check_balance, project_population
from forecast.population.rates import vital_rates

__all__ = [
    "check_balance",
    "estimate_past",
    "life_table",
    "net_migrants",
    "project_population",
    "registered",
    "resident",
    "vital_rates",
]
