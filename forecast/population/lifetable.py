"""Life tables: death rates to survivorship ratios.

Choices. The death rate of an age is taken as constant inside its interval except in the first year of life, where
a0 follows Coale and Demeny (West, as in Preston, Heuveline and Guillot 2001, table 3.3) or Andreev and Kingkade
(Demographic Research 33, 2015). In closed intervals above age 0 people who die live half of the interval, except
ages 1-4 of an abridged table (Coale-Demeny). The open interval has T = l / m.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator

from forecast.dims import AGE, SEX, label

A0_RULES = ("coale-demeny", "andreev-kingkade")
_AFTER_LAST_GROUP = 20.0  # years over which the open group's constant hazard is laid out before it is cut off


def life_table(mx: xr.DataArray, a0: str = "coale-demeny") -> xr.Dataset:
    """Life table of death rates by age and sex.

    mx: (..., sex, age) deaths per person-year, greater than 0; `age` holds the lower bounds of the intervals
    (0, 1, 2, ... or 0, 1, 5, 10, ...), the last is open; `sex` may be a scalar coordinate.
    Returns a Dataset of the same dimensions with qx, ax (years), lx (radix 1), Lx, Tx and ex (years), and
    sx, the survivorship ratio *to* the interval: sx[0] = L0/(n l0) of the newborn, sx[a] = L[a]/L[a-1],
    sx[open] = T[open]/T[open-1] applied to the sum of the last two groups (DESIGN 3; UN ccmppWPP).
    Raises ValueError on an unknown a0 rule, on rates that are missing, not positive or survived by nobody, without sex.

    >>> import xarray as xr
    >>> mx = xr.DataArray([[0.01, 0.01, 0.5]], dims=("sex", "age"), coords={"sex": ["female"], "age": [0, 1, 2]})
    >>> bool(abs(life_table(mx).lx.sel(age=1).item() - (1 - life_table(mx).qx.sel(age=0).item())) < 1e-15)
    True
    """
    if a0 not in A0_RULES:
        raise ValueError(f"unknown a0 rule {a0!r}; there are: {', '.join(A0_RULES)}")
    if SEX not in mx.coords:
        raise ValueError("mx needs a coordinate sex (female, male): a0 differs between them")
    bad = ~(np.isfinite(mx) & (mx > 0))
    if bool(bad.any()):
        raise ValueError(f"mx must be finite and above 0; {int(bad.sum())} cells are not")
    mx = mx.transpose(..., AGE)
    widths = np.diff(mx[AGE].values).astype(float)
    years_lived = _years_lived_by_the_dying(mx, widths, a0)
    closed = np.append(widths, np.inf)
    rate = mx.values
    with np.errstate(invalid="ignore"):
        qx = closed * rate / (1 + (closed - years_lived) * rate)
    qx[..., -1] = 1.0
    if (qx[..., :-1] >= 1).any():
        raise ValueError("mx is so high that nobody would leave a closed interval alive; give a lower open age")
    survivors = np.concatenate([np.ones_like(qx[..., :1]), np.cumprod(1 - qx[..., :-1], axis=-1)], axis=-1)
    deaths = survivors * qx
    lived = np.empty_like(qx)
    lived[..., :-1] = widths * (survivors[..., :-1] - deaths[..., :-1]) + years_lived[..., :-1] * deaths[..., :-1]
    lived[..., -1] = survivors[..., -1] / rate[..., -1]
    total = np.cumsum(lived[..., ::-1], axis=-1)[..., ::-1]
    ratio = np.empty_like(qx)
    ratio[..., 0] = lived[..., 0] / (widths[0] * survivors[..., 0])
    ratio[..., 1:-1] = lived[..., 1:-1] / lived[..., :-2]
    ratio[..., -1] = total[..., -1] / total[..., -2]
    source = f"life table, a0 {a0}"

    def variable(values: np.ndarray, name: str, units: str) -> xr.DataArray:
        return label(mx.copy(data=values), name, units, "rate", source)

    return xr.Dataset(
        {
            "qx": variable(qx, "probability of dying in the interval", "1"),
            "ax": variable(years_lived, "years lived in the interval by those who die in it", "years"),
            "lx": variable(survivors, "survivors to the exact age, radix 1", "1"),
            "Lx": variable(lived, "person-years lived in the interval", "years"),
            "Tx": variable(total, "person-years lived above the exact age", "years"),
            "ex": variable(total / survivors, "life expectancy at the exact age", "years"),
            "sx": variable(ratio, "survivorship ratio to the interval", "1"),
        },
        attrs={"a0": a0, "open_age": int(mx[AGE].values[-1])},
    )


def _years_lived_by_the_dying(mx: xr.DataArray, widths: np.ndarray, a0: str) -> np.ndarray:
    """ax: (..., age) years; half the interval but for infants, ages 1-4 of an abridged table and the open group."""
    rate = mx.values
    lived = np.empty_like(rate)
    lived[..., :-1] = widths / 2
    lived[..., -1] = 1 / rate[..., -1]
    infant = mx.isel({AGE: 0})
    female = (infant[SEX] == "female").broadcast_like(infant).transpose(*infant.dims).values
    lived[..., 0] = infant_years_lived(infant.values, female, a0)
    if len(widths) > 1 and widths[1] == 4:
        lived[..., 1] = _coale_demeny_1_4(infant.values, female)
    return lived


def infant_years_lived(m0: np.ndarray, female: np.ndarray, a0: str) -> np.ndarray:
    """a0 in years from the infant death rate `m0` by one of the two rules."""
    if a0 == "coale-demeny":
        low = np.where(female, 0.053 + 2.800 * m0, 0.045 + 2.684 * m0)
        return np.where(m0 >= 0.107, np.where(female, 0.350, 0.330), low)
    woman = np.select([m0 < 0.01724, m0 < 0.06891], [0.14903 - 2.05527 * m0, 0.04667 + 3.88089 * m0], 0.31411)
    man = np.select([m0 < 0.02300, m0 < 0.08307], [0.14929 - 1.99545 * m0, 0.02832 + 3.26021 * m0], 0.29915)
    return np.where(female, woman, man)


def _coale_demeny_1_4(m0: np.ndarray, female: np.ndarray) -> np.ndarray:
    low = np.where(female, 1.522 - 1.518 * m0, 1.651 - 2.816 * m0)
    return np.where(m0 >= 0.107, np.where(female, 1.361, 1.352), low)


def single_year_rates(mx: xr.DataArray, open_age: int) -> xr.DataArray:
    """Death rates of single years of age from an abridged schedule.

    mx: (..., age) with `age` the lower bounds 0, 1, 5, 10, ... and an open last group. The cumulated hazard, which
    the groups fix at their bounds (width x rate), is interpolated by a monotone cubic (Fritsch-Carlson), so the
    rates are positive and every group keeps its hazard. Above the last bound the open group's rate is constant.
    Returns (..., age 0..open_age).
    """
    bounds = mx[AGE].values.astype(float)
    if open_age < bounds[-1] - 1e-9 and open_age not in bounds:
        raise ValueError(f"open age {open_age} is neither above nor one of the bounds {bounds.tolist()}")
    rate = mx.transpose(..., AGE).values
    nodes = np.append(bounds, bounds[-1] + _AFTER_LAST_GROUP)
    hazard = np.concatenate([np.zeros_like(rate[..., :1]), np.cumsum(rate * np.diff(nodes), axis=-1)], axis=-1)
    at = np.arange(open_age + 2, dtype=float)
    cumulated = PchipInterpolator(nodes, hazard, axis=-1)(np.minimum(at, nodes[-1]))
    single = np.diff(cumulated, axis=-1)
    if open_age >= bounds[-1]:
        single[..., int(bounds[-1]) :] = rate[..., -1:]
    dims = (*[dim for dim in mx.dims if dim != AGE], AGE)
    coords = {name: value for name, value in mx.coords.items() if AGE not in value.dims}
    return xr.DataArray(single, dims=dims, coords={**coords, AGE: np.arange(open_age + 1)}, attrs=mx.attrs)
