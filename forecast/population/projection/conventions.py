"""The choices under which rates are read: when migrants count, and which age a fertility rate names."""

from __future__ import annotations

from typing import NamedTuple

import xarray as xr

from forecast.basics.dims import YEAR
from forecast.basics.issues import Issue, UsageError


class Timing(NamedTuple):
    """Shares of a year's migrants: added before survival (one age younger), bearing survival, added after it; the
    same for those aged 0; and the part of the late arrivals that stands in the birth exposure."""

    start: float
    survived: float
    end: float
    infant_survived: float
    infant_end: float
    in_exposure: float


TIMINGS = {
    "end": Timing(0.0, 0.0, 1.0, 0.0, 1.0, 0.0),
    "even": Timing(0.5, 0.0, 0.5, 0.0, 0.5, 1.0),
    "even_nobirth": Timing(0.5, 0.0, 0.5, 0.0, 0.5, 0.0),
    "mid": Timing(0.0, 0.5, 0.5, 2 / 3, 1 / 3, 1.0),
}
ASFR_AGES = {"completed": 0, "year_end": 1}
"""How much younger the women exposed at the year's start are than the age that asfr names."""

NET_RATE_LIMIT = 0.8
"""Largest share of an age that a net rate may take away in a year; what lies beyond is clipped and counted."""

OUTSIDE = "outside"


def conventions(rates: xr.Dataset, migration_timing: str | None) -> dict[str, object]:
    """The choices under which the rates are read, as they are stored with the result."""
    timing = migration_timing or rates.attrs.get("migration_timing", "end")
    if timing not in TIMINGS:
        raise UsageError(Issue("E605", values={"timing": timing, "expected": ", ".join(TIMINGS)}))
    asfr_age = rates.attrs.get("asfr_age", "completed")
    if asfr_age not in ASFR_AGES:
        raise UsageError(Issue("E609", values={"found": asfr_age, "expected": ", ".join(ASFR_AGES)}))
    jump_off = rates.attrs.get("jump_off_year", int(rates[YEAR][0]) - 1 if YEAR in rates.coords else 0)
    return {"migration_timing": timing, "asfr_age": asfr_age, "jump_off_year": int(jump_off)}
