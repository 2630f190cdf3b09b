"""Who will live where, what they will need, and where it will be short or in surplus.

The names below are the whole public interface (DESIGN: what flows). They are loaded when first used, so that
`import forecast` and `forecast --help` do not wait for numpy, numba and xarray.

>>> import forecast
>>> "run_forecast" in dir(forecast)
True
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from forecast.backtest.population import backtest
    from forecast.demand import estimate_demand, read_models
    from forecast.findings.levels import warn
    from forecast.pipeline import compare_scenarios, run_forecast
    from forecast.population import check_balance, life_table, project_population, registered, resident, vital_rates
    from forecast.region import read_region
    from forecast.scenario import read_scenario
    from forecast.supply.gap import compare_supply
    from forecast.waves import classify_waves, find_waves

__all__ = [
    "backtest",
    "check_balance",
    "classify_waves",
    "compare_scenarios",
    "compare_supply",
    "estimate_demand",
    "find_waves",
    "life_table",
    "project_population",
    "read_models",
    "read_region",
    "read_scenario",
    "registered",
    "resident",
    "run_forecast",
    "vital_rates",
    "warn",
]

_HOME = {
    "backtest": "forecast.backtest.population",
    "check_balance": "forecast.population",
    "classify_waves": "forecast.waves",
    "compare_scenarios": "forecast.pipeline",
    "compare_supply": "forecast.supply.gap",
    "estimate_demand": "forecast.demand",
    "find_waves": "forecast.waves",
    "life_table": "forecast.population",
    "project_population": "forecast.population",
    "read_models": "forecast.demand",
    "read_region": "forecast.region",
    "read_scenario": "forecast.scenario",
    "registered": "forecast.population",
    "resident": "forecast.population",
    "run_forecast": "forecast.pipeline",
    "vital_rates": "forecast.population",
    "warn": "forecast.findings.levels",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'forecast' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
