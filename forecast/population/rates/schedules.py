"""Model migration schedules by age, and the splitting of a total by them.

Rogers and Castro (1981, Model Migration Schedules, IIASA RR-81-30): children move with their parents, people in their
twenties for work and study, some at retirement, and everybody a little. Schedules describe flows of one direction,
out of a place or into it; a net flow has none of its own, it is arrivals less departures.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, SEX, in_order


class RogersCastro(NamedTuple):
    """Parameters of the schedule; levels a and c per person-year, the others per year of age or exact ages."""

    a1: float
    """Level of childhood at age 0."""
    alpha1: float
    """Fall of childhood with age."""
    a2: float
    """Level of the labour force."""
    alpha2: float
    """Fall of the labour force after its peak."""
    mu2: float
    """Age about which the labour force stands."""
    lambda2: float
    """Rise of the labour force before its peak."""
    c: float
    """Level of everybody."""
    a3: float = 0.0
    """Level of retirement; 0 leaves it out (7 parameters), else 11 are meant."""
    alpha3: float = 0.4
    """Fall of retirement."""
    mu3: float = 65.0
    """Age about which retirement stands."""
    lambda3: float = 0.3
    """Rise of retirement."""


STANDARD = RogersCastro(a1=0.02, alpha1=0.10, a2=0.06, alpha2=0.10, mu2=20.0, lambda2=0.40, c=0.003)
"""The rounded mean ("fundamental") parameters of Rogers and Castro 1981, of the schedules of many countries."""


class Fit(NamedTuple):
    """A schedule found for rates, and how well it fits."""

    parameters: RogersCastro
    fitted: xr.DataArray  # (age,) per person-year
    error: float  # root mean square of fitted - given, relative to the mean of the given


def rogers_castro(ages: np.ndarray, parameters: RogersCastro = STANDARD) -> np.ndarray:
    """Migration rate at exact ages, in the shape of `ages` (years), per person-year.

    m(x) = a1 e^(-alpha1 x) + a2 e^(-alpha2 (x - mu2) - e^(-lambda2 (x - mu2)))
         + a3 e^(-alpha3 (x - mu3) - e^(-lambda3 (x - mu3))) + c.

    >>> import numpy as np
    >>> int(rogers_castro(np.arange(15, 60)).argmax()) + 15
    23
    """
    p = parameters
    childhood = p.a1 * np.exp(-p.alpha1 * ages)
    labour = p.a2 * np.exp(-p.alpha2 * (ages - p.mu2) - np.exp(-p.lambda2 * (ages - p.mu2)))
    rate = childhood + labour + p.c
    if p.a3:
        rate = rate + p.a3 * np.exp(-p.alpha3 * (ages - p.mu3) - np.exp(-p.lambda3 * (ages - p.mu3)))
    return np.asarray(rate)


_LEAST = RogersCastro(0.0, 1e-4, 0.0, 1e-3, 10.0, 0.02, 0.0, 0.0, 1e-3, 50.0, 0.02)
_MOST = RogersCastro(np.inf, 2.0, np.inf, 2.0, 45.0, 5.0, np.inf, np.inf, 2.0, 80.0, 5.0)


def fit_rogers_castro(
    rates: xr.DataArray, exact: float = 0.5, retirement: bool = False, tolerance: float = 0.15
) -> Fit:
    """The schedule nearest to rates by age, by least squares from many starts.

    rates: (age,) migration per person-year, not negative, at single ages or groups; exact: years from the label of an
    age to its middle (0.5 for completed single years, 2.5 for the first ages of five-year groups, 0 where rates are
    by age at the year's end); retirement: with the retirement peak, 11 parameters instead of 7.
    tolerance: largest `error`, the root mean square of the residual relative to the mean rate.
    Starts: every one of some ages of the labour peak with slow and fast slopes; levels enter linearly and start at
    their own best. Raises ValueError, with the figure, where no start converges or the best misses the tolerance.

    >>> import numpy as np, xarray as xr
    >>> ages = np.arange(0, 90)
    >>> given = xr.DataArray(rogers_castro(ages + 0.5), dims="age", coords={"age": ages})
    >>> round(fit_rogers_castro(given).parameters.mu2, 4)
    20.0
    """
    from scipy.optimize import least_squares

    values, ages = rates.values.astype(float), rates[AGE].values + exact
    count = 11 if retirement else 7
    if rates.dims != (AGE,) or values.size < count or not (np.isfinite(values) & (values >= 0)).all():
        raise ValueError(f"rates must be by age only, not negative, at {count} ages or more")
    scale = float(values.mean())
    if scale <= 0:
        raise ValueError("nobody migrates at any age: there is no schedule to fit")
    low, high = np.array(_LEAST[:count]), np.array(_MOST[:count])

    def residual(vector: np.ndarray) -> np.ndarray:
        return rogers_castro(ages, RogersCastro(*vector)) - values / scale

    tries = [
        least_squares(
            residual,
            np.clip(np.array(start[:count]), low + 1e-9, high - 1e-9),
            bounds=(low, high),
            x_scale="jac",
            xtol=1e-14,
            ftol=1e-14,
            gtol=1e-14,
        )
        for start in _starts(values / scale, ages, retirement)
    ]
    converged = [attempt for attempt in tries if attempt.success]
    if not converged:
        raise ValueError(f"the migration schedule converged from none of {len(tries)} starts")
    best = min(converged, key=lambda attempt: float(attempt.cost))
    error = float(np.sqrt(np.mean(best.fun**2)))
    if not error <= tolerance:
        raise ValueError(f"the migration schedule misses the rates by {error:.3f} of their mean, allowed {tolerance}")
    schedule = RogersCastro(*(float(x) for x in best.x))
    schedule = schedule._replace(
        a1=schedule.a1 * scale, a2=schedule.a2 * scale, c=schedule.c * scale, a3=schedule.a3 * scale
    )
    return Fit(schedule, rates.copy(data=rogers_castro(ages, schedule)), error)


def _starts(values: np.ndarray, ages: np.ndarray, retirement: bool) -> Iterator[RogersCastro]:
    """Ages of the labour peak with slow and fast slopes, each with the levels that fit it best (they are linear)."""
    from scipy.optimize import nnls

    working = (ages > 12) & (ages < 45)
    peak = float(ages[working][np.argmax(values[working])]) if working.any() else 20.0
    levels = ("a1", "a2", "c", "a3") if retirement else ("a1", "a2", "c")
    none = STANDARD._replace(**dict.fromkeys(("a1", "a2", "c", "a3"), 0.0))
    for mu2, alpha2, lambda2 in product((peak - 3, 20.0, 27.0), (0.05, 0.15), (0.2, 0.6)):
        shape = none._replace(mu2=min(max(mu2, 11.0), 44.0), alpha2=alpha2, lambda2=lambda2)
        parts = [rogers_castro(ages, shape._replace(**{level: 1.0})) for level in levels]
        best, _ = nnls(np.stack(parts, axis=1), values)
        yield shape._replace(**dict(zip(levels, (float(x) for x in best), strict=True)))


def split_by_schedule(total: xr.DataArray, profile: xr.DataArray) -> xr.DataArray:
    """A total laid on sexes and ages in proportion to a profile; the total is kept.

    total: (...) persons; profile: (..., sex, age) not negative, of any level: the schedule alone for arrivals, whose
    origin is everywhere, the schedule times the population for departures. Right for flows of one direction; for net
    totals use `split_net_by_schedules`. Returns (..., sex, age) persons.
    Raises ValueError where the profile is negative or empty.

    >>> import xarray as xr
    >>> profile = xr.DataArray([[1.0, 3.0]], dims=("sex", "age"), coords={"sex": ["female"], "age": [0, 1]})
    >>> split_by_schedule(xr.DataArray(8.0), profile).values.tolist()
    [[2.0, 6.0]]
    """
    whole = profile.sum([SEX, AGE])
    if bool((profile < 0).any()) or not bool((whole > 0).all()):
        raise ValueError("a profile must be not negative, and above 0 at some age")
    with xr.set_options(arithmetic_join="exact"):
        return in_order(total * (profile / whole))


def split_net_by_schedules(total: xr.DataArray, arriving: xr.DataArray, leaving: xr.DataArray) -> xr.DataArray:
    """A net total by sex and age as arrivals less departures, which differ in age; the total is kept.

    total: (...) net persons of any sign; arriving: (..., sex, age) profile of those who arrive, any level; leaving:
    (..., sex, age) persons who leave, out-rates times the population. Departures are taken as they are and arrivals
    are what is then missing, total + sum of leaving, laid on their own profile; so a place may gain students and lose
    the retired under a total near zero, where a factor on one profile would turn the ages upside down.
    Returns (..., sex, age) net persons. Raises ValueError where more are lost than leave: the out-rates are too low.

    >>> import xarray as xr
    >>> coords = {"sex": ["female"], "age": [0, 1]}
    >>> arriving = xr.DataArray([[0.0, 1.0]], dims=("sex", "age"), coords=coords)
    >>> leaving = xr.DataArray([[4.0, 1.0]], dims=("sex", "age"), coords=coords)
    >>> split_net_by_schedules(xr.DataArray(0.0), arriving, leaving).values.tolist()
    [[-4.0, 4.0]]
    """
    if bool((leaving < 0).any()):
        raise ValueError("departures must not be negative")
    with xr.set_options(arithmetic_join="exact"):
        arrivals = total + leaving.sum([SEX, AGE])
        if bool((arrivals < 0).any()):
            short = float((-total / leaving.sum([SEX, AGE])).max())
            raise ValueError(f"the net loss is up to {short:.2f} times those who leave; raise the out-rates")
        return in_order(split_by_schedule(arrivals, arriving) - leaving)
