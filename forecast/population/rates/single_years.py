"""Rates by single year and single age from tables by five-year period and age group, with annual e0, TFR and SRB.

Most countries publish death and fertility rates by age in this form (UN World Population Prospects among them), while
a projection by single years needs one rate for each year and age. Three steps, each kept exact to what is published:

age      mortality: a monotone cubic through the logarithm of the group rates against the logarithm of age, corrected
         until the single ages, as a life table, give every group its rate again (deaths / person-years of the
         stationary population, which is how abridged rates are published).
         fertility: a monotone cubic through the gompits -ln(-ln F) of the cumulated shares of total fertility F, with
         straight tails (Brass; Booth, Population Studies 38, 1984): against them most schedules are almost straight.
         Every group keeps its share; births below its first age belong to the first group.
year     the schedule of a year lies on the line between the middles of the neighbouring periods (death rates in
         logarithms), and is the nearest period's before the first and after the last middle.
level    all death rates of a year and sex times the one factor that gives the published e0; the shares of fertility
         times the published TFR.

What else was tried on the UN's figures by single year and age, with the errors, stands in docs/exactness.md.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, PERIOD, YEAR, in_order
from forecast.basics.variables import label
from forecast.population.rates.interpolation import monotone_cubic
from forecast.population.rates.lifetable import life_table

"""Dimension of the five-year tables: the decimal date of the period's middle, so 2028.0 for 1 July 2025 to 2030."""

MIDDLE_OF_YEAR = 0.5
YOUNGER_MOTHERS = 5
"""Years below the first age group of mothers in which there may be births."""

_NOBODY = 1e-9  # per person-year: stands for a death rate of 0, whose logarithm does not exist
_INTO_OPEN_GROUP = 2.0  # years above its bound at which the open group's rate stands
_SHARE = 1e-12  # nearest to 0 and 1 that a cumulated share of fertility comes: beyond, its gompit does not exist
_ROUNDS, _LOG_RATE, _YEARS = 100, 1e-10, 1e-9  # rounds of correction at most; closeness of group rates and of e0


def rates_from_five_year_tables(
    mx5: xr.DataArray, asfr5: xr.DataArray, annual: xr.Dataset, a0: str = "coale-demeny"
) -> xr.Dataset:
    """Death and fertility rates of calendar years by single age.

    mx5: (..., period, sex, age) deaths per person-year by age group (lower bounds 0, 1, 5, 10, ..., the last one open).
    asfr5: (..., period, age) fertility by age group of mother, in any unit: only its shape is read.
    annual: e0 (..., year, sex) years, tfr (..., year) births per woman, srb (..., year) boys per girl.
    Returns a Dataset of mx (..., year, sex, age 0..open), asfr (..., year, age 0..open) and srb (..., year), for
    the years of `annual`; `life_table(mx).sx` and the rest are what `project_population` takes.
    Raises ValueError on missing or negative rates and on an e0 that no factor reaches.
    """
    years = annual[YEAR]
    single = single_age_mortality(mx5, a0)
    log_mx = between_periods(single.copy(data=np.log(single.values)), years)
    mx = scale_to_e0(log_mx.copy(data=np.exp(log_mx.values)), annual.e0, a0)
    shares = between_periods(single_age_shares(asfr5, open_age=int(mx5[AGE][-1])), years)
    rates = xr.Dataset({"mx": mx, "asfr": in_order(shares * annual.tfr), "srb": annual.srb})
    return label(rates, "rates", source="five-year tables, annual e0, tfr and srb")


def single_age_mortality(mx5: xr.DataArray, a0: str = "coale-demeny") -> xr.DataArray:
    """Death rates by single age that give back the rates of the age groups.

    mx5: (..., sex, age) per person-year; `age` holds the lower bounds, the last group is open and stays as it is.
    A rate of 0 is read as 1e-9. Returns (..., sex, age 0..open).
    Raises ValueError on missing or negative rates, or where the groups' rates are not met.

    >>> import xarray as xr
    >>> groups = xr.DataArray([0.01, 0.001, 0.0005, 0.4], dims="age", coords={"age": [0, 1, 5, 10], "sex": "female"})
    >>> single_age_mortality(groups).age.values.tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    """
    mx5 = mx5.transpose(..., AGE)
    _refuse_bad("mx5", mx5)
    starts = mx5[AGE].values.astype(int)
    ages = np.arange(starts[-1] + 1)
    middles = np.append((starts[:-1] + starts[1:] - 1) / 2, starts[-1] + _INTO_OPEN_GROUP)  # completed years
    groups = np.log(np.maximum(mx5.values, _NOBODY))
    wanted, through = groups[..., :-1], groups.copy()
    coords = {name: value for name, value in mx5.coords.items() if AGE not in value.dims}
    single = xr.DataArray(np.empty((*mx5.shape[:-1], ages.size)), coords={**coords, AGE: ages}, dims=mx5.dims)
    single.values[..., -1] = np.exp(groups[..., -1])
    for _ in range(_ROUNDS):
        single.values[..., :-1] = np.exp(monotone_cubic(_stretched(middles), through, _stretched(ages[:-1])))
        table = life_table(single, a0)
        deaths, lived = (np.add.reduceat(table[name].values, starts, axis=-1)[..., :-1] for name in ("dx", "Lx"))
        miss = wanted - np.log(deaths / lived)
        if np.abs(miss).max() <= _LOG_RATE:
            return single
        through[..., :-1] += miss
    raise ValueError(f"single ages do not give back the rates of the age groups: they differ by {np.abs(miss).max():g}")


def single_age_shares(asfr5: xr.DataArray, open_age: int) -> xr.DataArray:
    """Shares of total fertility by single age of mother that sum to the shares of the age groups.

    asfr5: (..., age) fertility by group of mother's age, in any unit; `age` holds the lower bounds; the last group is
    as wide as the one before it. Groups without births are allowed. Returns (..., age 0..open_age), sums of 1.

    >>> import xarray as xr
    >>> groups = xr.DataArray([10.0, 60.0, 30.0], dims="age", coords={"age": [15, 20, 25]})
    >>> shares = single_age_shares(groups, 100)
    >>> round(float(shares.sel(age=slice(20, 24)).sum()), 12)
    0.6
    """
    asfr5 = asfr5.transpose(..., AGE)
    _refuse_bad("asfr5", asfr5)
    starts = asfr5[AGE].values.astype(int)
    total = asfr5.values.sum(axis=-1, keepdims=True)
    if (total <= 0).any():
        raise ValueError("asfr5 has schedules without any births; there is no shape to follow")
    shares = asfr5.values / total
    bounds = starts[1:]
    first, end = int(starts[0]) - YOUNGER_MOTHERS, int(2 * starts[-1] - starts[-2])
    cumulated = np.clip(np.cumsum(shares, axis=-1)[..., :-1], _SHARE, 1 - _SHARE)
    ages = np.arange(first, end + 1)
    by_age = np.diff(np.exp(-np.exp(-_with_straight_tails(bounds, -np.log(-np.log(cumulated)), ages))), axis=-1)
    group = np.searchsorted(bounds, ages[:-1], side="right")
    sums = np.add.reduceat(by_age, np.searchsorted(group, np.arange(starts.size)), axis=-1)[..., group]
    evenly = sums <= _SHARE  # a group that a clipped curve passes by, as when all births are in the first or the last
    widths = np.bincount(group)[group]
    single = np.zeros((*shares.shape[:-1], open_age + 1))
    single[..., first:end] = shares[..., group] * np.where(evenly, 1 / widths, by_age / np.where(evenly, 1.0, sums))
    coords = {name: value for name, value in asfr5.coords.items() if AGE not in value.dims}
    return xr.DataArray(single, dims=asfr5.dims, coords={**coords, AGE: np.arange(open_age + 1)})


def between_periods(rates: xr.DataArray, years: xr.DataArray) -> xr.DataArray:
    """Schedules of calendar years from those of periods: on the line between the middles, constant beyond them.

    rates: (..., period, ...), `period` rising. years: (year,) integers. Returns (..., year, ...).
    """
    middles = rates[PERIOD].values.astype(float)
    dates = np.clip(years.values + MIDDLE_OF_YEAR, middles[0], middles[-1])
    before = np.clip(np.searchsorted(middles, dates, side="right") - 1, 0, max(middles.size - 2, 0))
    after = np.minimum(before + 1, middles.size - 1)
    width = np.where(after > before, middles[after] - middles[before], 1.0)
    weight = xr.DataArray((dates - middles[before]) / width, dims=YEAR, coords={YEAR: years.values})
    pick = {name: xr.DataArray(index, dims=YEAR, coords={YEAR: years.values}) for name, index in
            (("before", before), ("after", after))}  # fmt: skip
    low, high = (rates.isel({PERIOD: pick[name]}).drop_vars(PERIOD) for name in ("before", "after"))
    return in_order(low * (1 - weight) + high * weight)


def scale_to_e0(mx: xr.DataArray, e0: xr.DataArray, a0: str = "coale-demeny") -> xr.DataArray:
    """Death rates times the one factor of each schedule that gives it the life expectancy `e0`.

    mx: (..., sex, age) single ages; e0: (..., sex) years. Solved by the secant method on the factor's logarithm.
    Raises ValueError with the number of schedules whose e0 is not met.
    """
    mx = in_order(mx)
    e0 = e0.broadcast_like(mx.isel({AGE: 0}, drop=True)).transpose(*[dim for dim in mx.dims if dim != AGE])

    def miss(log_factor: np.ndarray) -> np.ndarray:
        table = life_table(mx * np.exp(e0.copy(data=log_factor)), a0)
        return np.asarray(table.ex.isel({AGE: 0}).values - e0.values)

    before, factor = np.zeros(e0.shape), np.full(e0.shape, 0.01)
    miss_before, missed = miss(before), miss(factor)
    for _ in range(_ROUNDS):
        if np.abs(missed).max() <= _YEARS:
            return in_order(mx * np.exp(e0.copy(data=factor)))
        slope = (missed - miss_before) / np.where(factor == before, 1.0, factor - before)
        step = np.where(slope < 0, -missed / np.where(slope < 0, slope, 1.0), 0.0)
        before, miss_before = factor, missed
        factor = factor + np.clip(step, -0.5, 0.5)
        missed = miss(factor)
    raise ValueError(
        f"e0 of {int((np.abs(missed) > _YEARS).sum())} schedules is not met; largest miss {missed.max():g}"
    )


def mid_year(calendar: xr.DataArray) -> xr.DataArray:
    """Rates, or net migrants, of the years from one 1 July to the next: the mean of the two calendar years.

    calendar: (..., year, ...) consecutive calendar years. Returns the same without the first year; the label y is the
    step from 1 July of y - 1 to 1 July of y, for populations that are published at the middle of the year.

    >>> import xarray as xr
    >>> mid_year(xr.DataArray([1.0, 3.0], dims="year", coords={"year": [2024, 2025]})).values.tolist()
    [2.0]
    """
    before = calendar.isel({YEAR: slice(None, -1)})
    after = calendar.isel({YEAR: slice(1, None)})
    return after.copy(data=(before.values + after.values) / 2)


def _stretched(age: np.ndarray) -> np.ndarray:
    """Ages on the scale on which death rates bend least: childhood drawn apart."""
    return np.log(age + 0.5)


def _with_straight_tails(bounds: np.ndarray, gompits: np.ndarray, ages: np.ndarray) -> np.ndarray:
    """Monotone cubic inside the bounds, the first and the last interval's slope outside."""
    inside = monotone_cubic(bounds, gompits, np.clip(ages, bounds[0], bounds[-1]))
    rise = np.diff(gompits, axis=-1) / np.diff(bounds)
    below, above = np.minimum(ages - bounds[0], 0), np.maximum(ages - bounds[-1], 0)
    return np.asarray(inside + below * rise[..., :1] + above * rise[..., -1:])


def _refuse_bad(name: str, rates: xr.DataArray) -> None:
    bad = ~(np.isfinite(rates.values) & (rates.values >= 0))
    if bad.any():
        raise ValueError(f"{name} must be finite and not negative; {int(bad.sum())} cells are not")
