"""Special education: children with special needs in three settings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from forecast.basics.dims import SETTING
from forecast.basics.issues import InputRefused, Issue

SPECIAL_SCHOOL, MAINSTREAM, HOME = "special_school", "mainstream", "home"
SETTINGS = (SPECIAL_SCHOOL, MAINSTREAM, HOME)
"""特殊教育学校, 随班就读 and attached classes, 送教上门."""


def special_pupils(
    children: xr.DataArray, prevalence: xr.DataArray | float, shares: Mapping[str, float]
) -> xr.DataArray:
    """Pupils (..., setting) with special needs: children of the ages x prevalence, split over the settings.

    Those in mainstream classes are pupils of ordinary schools already: they need support there and no second place.
    Raises InputRefused where the shares do not add up to 1 or a setting is unknown.
    """
    if set(shares) != set(SETTINGS) or not np.isclose(sum(shares.values()), 1, atol=1e-9):
        listed = ", ".join(f"{name} {share:g}" for name, share in shares.items())
        raise InputRefused(Issue("E450", values={"found": listed, "expected": ", ".join(SETTINGS)}))
    split = xr.DataArray([shares[name] for name in SETTINGS], {SETTING: list(SETTINGS)}, (SETTING,))
    return (children * prevalence * split).rename("special_pupils")
