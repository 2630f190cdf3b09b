# The public names and where each lives; `__init__.py` loads them from here when they are first used.

from .backtest.population import backtest as backtest
from .demand import estimate_demand as estimate_demand
from .demand import read_models as read_models
from .findings.levels import warn as warn
from .pipeline import compare_scenarios as compare_scenarios
from .pipeline import run_forecast as run_forecast
from .population import check_balance as check_balance
from .population import life_table as life_table
from .population import project_population as project_population
from .population import registered as registered
from .population import resident as resident
from .population import vital_rates as vital_rates
from .region import read_region as read_region
from .scenario import read_scenario as read_scenario
from .supply.gap import compare_supply as compare_supply
from .waves import classify_waves as classify_waves
from .waves import find_waves as find_waves

__version__: str
