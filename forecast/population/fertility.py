"""Age-specific fertility rates from a level and a pattern."""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator

from forecast.dims import AGE, OPEN_AGE


def single_year_shares(shares: np.ndarray, starts: np.ndarray, end: int) -> np.ndarray:
    """Shares of total fertility by single age of mother from shares by age group.

    shares: (..., group), summing to 1; starts: (group,) first ages; end: first age after the last group.
    The cumulated share is interpolated by a monotone cubic, so groups are kept and no age is negative.
    Returns (..., age 0..100), zero outside the groups.
    """
    nodes = np.append(starts, end)
    zero = np.zeros_like(shares[..., :1])
    cumulated = np.concatenate([zero, np.cumsum(shares, axis=-1)], axis=-1)
    at = np.clip(np.arange(OPEN_AGE + 2), nodes[0], nodes[-1])
    single: np.ndarray = np.diff(PchipInterpolator(nodes, cumulated, axis=-1)(at), axis=-1)
    return np.maximum(single, 0.0)


def asfr_from_tfr(tfr: xr.DataArray, shares: xr.DataArray) -> xr.DataArray:
    """asfr (..., age) births per woman-year: total fertility times the share of each age (shares sum to 1)."""
    total = shares.sum(AGE)
    if not np.allclose(total, 1.0, atol=1e-6):
        raise ValueError(f"shares of fertility must sum to 1 over age; they sum to {total.values}")
    return (tfr * shares).rename("asfr")
