"""How unsure a forecast from one census is: what a county's level of migration, births and deaths is not known by.

Nothing tells in a single count how far the pattern that it shows will last. That was measured: on China's counties with
an even code, forecast from 2010 to 2020 in each form and set against the count of 2020 (docs/accuracy/china.md). What
the nation and the region have in common stays as their `uncertainty.toml` has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from forecast.basics.ages import FITTED_BANDS
from forecast.population.chance.processes import Process, Uncertainty


@dataclass(frozen=True)
class Spread:
    """Standard deviations between counties that last as long as the forecast.

    migration: net persons a year per resident, laid on ages by how far each may be off. bands: those of a band of age
    beside it, as a multiple of its part in the former. fertility, mortality: of the logarithm of the level. tails: degrees
    of freedom of Student's t, because some counties are off by far more than most.
    """

    migration: float
    bands: float
    fertility: float
    mortality: float
    tails: float = 5.0


SPREADS: Mapping[str, Spread] = {
    "cold": Spread(0.013, 0.3, 0.05, 0.2),
    "cold_ages": Spread(0.0165, 0.6, 0.05, 0.2),
    "closed": Spread(0.02, 0.3, 0.1, 0.3),
}
"""By form, that is by what is known of migration: ages and registration, ages alone, nothing (derived;
`studies.backtest_china`)."""

_SOURCE = "errors of forecasts of China's counties from the census of 2010 to that of 2020, even codes"


def with_spread(known: Uncertainty, spread: Spread, by_age: np.ndarray) -> Uncertainty:
    """The processes with those of single counties as one census leaves them. by_age: (age,) how far each age may be off,
    relative to others (`missed_by_age`)."""

    def lasting(size: float) -> Process:
        return Process("county", 1.0, 0.0, size)

    ends = [*FITTED_BANDS[1:], by_age.size]
    part = np.array([by_age[first:end].mean() for first, end in zip(FITTED_BANDS, ends, strict=True)]) / by_age.mean()
    bands = spread.migration * spread.bands * part
    parts = [(name, tier, source, basis) for name, tier, source, basis in known.parts if tier != "county"]
    own = [(name, "county", _SOURCE, "derived") for name in ("fertility", "mortality", "migration", "migration by age")]
    return replace(
        known,
        fertility=(*_shared(known.fertility), lasting(spread.fertility)),
        mortality=(*_shared(known.mortality), lasting(spread.mortality)),
        migration=(*_shared(known.migration), lasting(spread.migration)),
        bands=tuple(lasting(float(band)) for band in bands),
        first_ages=FITTED_BANDS,
        degrees_of_freedom=spread.tails,
        parts=(*parts, *own),
    )


def _shared(processes: tuple[Process, ...]) -> tuple[Process, ...]:
    return tuple(process for process in processes if process.tier != "county")
