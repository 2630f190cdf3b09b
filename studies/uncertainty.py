"""Fits national processes to the intervals that World Population Prospects 2024 publishes, and prints them.

    python -m studies.uncertainty [country code, default 156]

The numbers in data/patterns/<id>/uncertainty.toml of tier "nation" are what this prints. Needs the reference data.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from scipy.optimize import least_squares
from scipy.stats import norm

from forecast.population import life_table
from forecast.population.rates.pattern import mortality_pattern
from forecast.region import read_region
from studies import REFERENCE, published

NAMES = ("phi", "sigma", "start")


def main() -> None:
    country = int(sys.argv[1]) if len(sys.argv) > 1 else 156
    annual = published.table(REFERENCE / "wpp2024", "annual")
    intervals = annual[(annual["country_code"] == country) & annual["year"].between(2024, 2055)]
    horizon = (intervals["year"] - 2023).to_numpy()
    tfr = spread(np.log(intervals["tfr_80l"]), np.log(intervals["tfr_80u"]))
    hazard = spread(intervals["e0B_80l"], intervals["e0B_80u"]) / years_per_log_hazard()
    for name, sd in (("fertility, log", tfr), ("mortality, log hazard", hazard)):
        fitted = fit(horizon, sd)
        error = np.abs(model(fitted, horizon) / sd - 1).max()
        shown = ", ".join(f"{label} {value:.4f}" for label, value in zip(NAMES, fitted, strict=True))
        print(f"{name}: {shown}; the published spread is met within {error:.1%}")


def spread(low: pd.Series, high: pd.Series) -> np.ndarray:
    """Standard deviation that an 80 % interval implies, if it is normal."""
    deviation: np.ndarray = ((high - low) / (2 * norm.ppf(0.9))).to_numpy()
    return deviation


def years_per_log_hazard() -> float:
    """Years of life expectancy (mean of the sexes, 2035) lost for each unit of log hazard, near zero."""
    mx = mortality_pattern(read_region("wenzhou"), np.array([2035]))
    step = 0.05
    low, high = (float(life_table(mx * np.exp(shift)).ex.isel(age=0).mean()) for shift in (step, -step))
    return (high - low) / (2 * step)


def model(values: np.ndarray, horizon: np.ndarray) -> np.ndarray:
    """Standard deviation at each horizon of x[t] = phi x[t-1] + sigma e[t], x[0] = start e[0]."""
    phi, sigma, start = values
    kept = phi ** (2 * horizon)
    deviation: np.ndarray = np.sqrt(start**2 * kept + sigma**2 * (1 - kept) / (1 - phi**2))
    return deviation


def fit(horizon: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """phi, sigma and start that meet the spreads best, in relative terms."""

    def misses(values: np.ndarray) -> np.ndarray:
        return model(values, horizon) / sd - 1

    solution = least_squares(
        misses,
        x0=(0.95, sd[0], sd[0]),
        bounds=((0.5, 1e-6, 0), (0.9999, 1, 1)),
    )
    if not solution.success:
        raise RuntimeError(solution.message)
    values: np.ndarray = solution.x
    return values


if __name__ == "__main__":
    main()
