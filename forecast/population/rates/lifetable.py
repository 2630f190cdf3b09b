"""Life tables: death rates or probabilities to survivorship ratios, and the schedules they rest on.

Choices. The death rate of an age is taken as constant inside its interval except in the first year of life, where
a0 follows Coale and Demeny (West, as fitted to m0 by Preston, Heuveline and Guillot 2001, table 3.3) or Andreev and
Kingkade (Demographic Research 33, 2015, as the Human Mortality Database's protocol 6 writes it in m0). Ages 1-4 of
an abridged table are Coale and Demeny's. In other closed intervals people who die live half of the interval, or as
Greville (1943; MORTPAK-LITE, United Nations 1988) has it. The open interval has T = l / m. Both sets of a0
coefficients were compared with those in public code of others (DemoTools; socsim's Human Mortality Database rules).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, SEX
from forecast.basics.variables import attributes, label
from forecast.population.rates.interpolation import monotone_cubic

A0_RULES = ("coale-demeny", "andreev-kingkade")
AX_RULES = ("half", "greville")
_AFTER_LAST_GROUP = 20.0  # years over which the open group's constant hazard is laid out before it is cut off
_GREVILLE_FROM = 15  # below it the formula does not hold: deaths fall with age there (United Nations 1982, p. 31)
_ALPHAS = (-6.0, 6.0)  # of the logit: the odds of dying from e-12 to e12 times the standard's
_SAME, _MOST_ROUNDS = 1e-15, 100  # relative change at which repeated substitution has settled; or gives up
_KANNISTO_TAIL = 60  # years beyond the open age after which nobody is left

COLUMNS = ("mx", "qx", "ax", "lx", "dx", "Lx", "Tx", "ex", "sx")


def life_table(mx: xr.DataArray, a0: str = "coale-demeny", ax: str = "half") -> xr.Dataset:
    """Life table of death rates by age and sex.

    mx: (..., sex, age) deaths per person-year, not negative, above 0 in the open group; `age` holds the lower bounds
    of the intervals (0, 1, 2, ... or 0, 1, 5, 10, ...), the last is open; `sex` may be a scalar coordinate.
    a0: one of `A0_RULES`. ax: "half" of the interval, or "greville" (from age 15 on; rates must be above 0).
    Returns a Dataset of the same dimensions with mx, qx = n m / (1 + (n - a) m), ax (years), lx (radix 1), dx,
    Lx = n l' + a d, Tx and ex (years), and sx, the survivorship ratio *to* the interval: sx[0] = L0/(n l0) of the
    newborn, sx[a] = L[a]/L[a-1], sx[open] = T[open]/T[open-1] applied to the sum of the last two groups (as the
    UN's ccmppWPP).
    Raises ValueError on an unknown rule, on rates that are missing, negative or survived by nobody, without sex.

    >>> import xarray as xr
    >>> mx = xr.DataArray([[0.01, 0.01, 0.5]], dims=("sex", "age"), coords={"sex": ["female"], "age": [0, 1, 2]})
    >>> table = life_table(mx)
    >>> bool(abs(table.lx.sel(age=1).item() - (1 - table.qx.sel(age=0).item())) < 1e-15)
    True
    >>> round(table.ex.sel(age=2).item(), 9)
    2.0
    """
    _check_rules(a0, ax)
    _check_rates(mx)
    mx = mx.transpose(..., AGE)
    return _labelled(mx, columns_of(mx.values.astype(float), _female(mx), _widths(mx), a0, ax), a0, ax)


MOST_DYING = 1.9
"""Death rate per person-year above which (from 2 on) nobody of a single year of age would live to the next."""


def columns_of(
    rate: np.ndarray, female: np.ndarray, widths: np.ndarray, a0: str = "coale-demeny", ax: str = "half"
) -> dict[str, np.ndarray]:
    """The columns of `life_table` bare, for those who need many tables: rate (..., age), female (...) whether they
    are women's, widths (age - 1,) years of the closed intervals; each column (..., age)."""
    lived = _years_lived_by_the_dying(rate, female, widths, a0, ax)
    closed = np.append(widths, np.inf)
    with np.errstate(invalid="ignore"):
        qx = closed * rate / (1 + (closed - lived) * rate)
    qx[..., -1] = 1.0
    if (qx[..., :-1] >= 1).any():
        raise ValueError(
            "mx is so high that nobody would leave a closed interval alive; give a lower open age, or for groups of "
            "years ax='greville', under which the dying of high ages live less than half of the interval"
        )
    return _columns(rate, qx, lived, widths)


def life_table_from_qx(
    qx: xr.DataArray, open_mx: xr.DataArray, a0: str = "coale-demeny", ax: str = "half"
) -> xr.Dataset:
    """Life table of probabilities of dying; as `life_table`, whose rates it inverts.

    qx: (..., sex, age) from 0 to below 1; the last, the open interval's, is not read (everybody dies).
    open_mx: (..., sex) deaths per person-year in the open interval, above 0: probabilities do not tell it, and the
    rate of the last closed age is far too low for it.
    The rate of an interval is m = q / (n - (n - a) q), where a depends on the rates themselves by the rules; the two
    are brought to agree, so `life_table(life_table_from_qx(qx, open_mx).mx).qx` is qx again.
    Raises ValueError as `life_table` does.

    >>> import xarray as xr
    >>> qx = xr.DataArray([0.01, 0.001, 1.0], dims="age", coords={"sex": "male", "age": [0, 1, 2]})
    >>> round(life_table_from_qx(qx, xr.DataArray(0.1)).ex.sel(age=2).item(), 9)
    10.0
    """
    _check_rules(a0, ax)
    _check_sex(qx)
    qx = qx.transpose(..., AGE)
    probability, widths = qx.values.astype(float).copy(), _widths(qx)
    probability[..., -1] = 1.0
    closed = probability[..., :-1]
    bad = ~(np.isfinite(closed) & (closed >= 0) & (closed < 1))
    if bad.any():
        raise ValueError(f"qx must be from 0 to below 1; {int(bad.sum())} cells are not")
    open_rate = np.asarray(open_mx.broadcast_like(qx.isel({AGE: -1}, drop=True)).transpose(*qx.dims[:-1]).values, float)
    if not (np.isfinite(open_rate) & (open_rate > 0)).all():
        raise ValueError("open_mx must be finite and above 0")
    rate, lived = _rates_of(probability, open_rate, _female(qx), widths, a0, ax)
    return _labelled(qx, _columns(rate, probability, lived, widths), a0, ax)


def _rates_of(
    qx: np.ndarray, open_rate: np.ndarray, female: np.ndarray, widths: np.ndarray, a0: str, ax: str
) -> tuple[np.ndarray, np.ndarray]:
    """Rates and years lived that belong to probabilities: (..., age) both. By repeated substitution, first of the
    infants alone, on whom the rules of the first years rest, then (Greville only) of all ages."""
    infant = qx[..., 0] / widths[0]
    for _ in range(_MOST_ROUNDS):
        before = infant
        infant = qx[..., 0] / (widths[0] - (widths[0] - infant_years_lived(infant, female, a0)) * qx[..., 0])
        if (np.abs(infant - before) <= _SAME * infant).all():
            break
    rate = np.concatenate([qx[..., :-1] / (widths * (1 - qx[..., :-1] / 2)), open_rate[..., None]], axis=-1)
    rate[..., 0] = infant
    for _ in range(_MOST_ROUNDS):
        lived = _years_lived_by_the_dying(rate, female, widths, a0, ax)
        better = qx[..., :-1] / (widths - (widths - lived[..., :-1]) * qx[..., :-1])
        done = ax == "half" or bool((np.abs(better - rate[..., :-1]) <= _SAME * better).all())
        rate[..., :-1] = better
        if done:
            break
    return rate, lived


def _person_years(
    rate: np.ndarray, qx: np.ndarray, lived: np.ndarray, widths: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """lx, dx and Lx."""
    survivors = np.concatenate([np.ones_like(qx[..., :1]), np.cumprod(1 - qx[..., :-1], axis=-1)], axis=-1)
    deaths = survivors * qx
    years = np.empty_like(qx)
    years[..., :-1] = widths * (survivors[..., :-1] - deaths[..., :-1]) + lived[..., :-1] * deaths[..., :-1]
    years[..., -1] = survivors[..., -1] / rate[..., -1]
    return survivors, deaths, years


def _columns(rate: np.ndarray, qx: np.ndarray, lived: np.ndarray, widths: np.ndarray) -> dict[str, np.ndarray]:
    survivors, deaths, years = _person_years(rate, qx, lived, widths)
    total = np.cumsum(years[..., ::-1], axis=-1)[..., ::-1]
    ratio = np.empty_like(qx)
    ratio[..., 0] = years[..., 0] / (widths[0] * survivors[..., 0])
    ratio[..., 1:-1] = years[..., 1:-1] / years[..., :-2]
    ratio[..., -1] = total[..., -1] / total[..., -2]
    columns = (rate, qx, lived, survivors, deaths, years, total, total / survivors, ratio)
    return dict(zip(COLUMNS, columns, strict=True))


def _labelled(like: xr.DataArray, columns: dict[str, np.ndarray], a0: str, ax: str) -> xr.Dataset:
    source = f"life table, a0 {a0}" + ("" if ax == "half" else f", ax {ax}")
    table = {  # all at once: nine labelled arrays put together cost ten times the arithmetic
        name: (like.dims, values, attributes(f"life_table.{name}", source)) for name, values in columns.items()
    }
    return xr.Dataset(table, like.coords, {"a0": a0, "ax": ax, "open_age": int(like[AGE].values[-1])})


def _check_rules(a0: str, ax: str) -> None:
    if a0 not in A0_RULES:
        raise ValueError(f"unknown a0 rule {a0!r}; there are: {', '.join(A0_RULES)}")
    if ax not in AX_RULES:
        raise ValueError(f"unknown ax rule {ax!r}; there are: {', '.join(AX_RULES)}")


def _check_sex(rates: xr.DataArray) -> None:
    if SEX not in rates.coords:
        raise ValueError("mx needs a coordinate sex (female, male): a0 differs between them")


def _check_rates(mx: xr.DataArray) -> None:
    _check_sex(mx)
    values = mx.transpose(..., AGE).values
    bad = int((~(np.isfinite(values) & (values >= 0))).sum())
    if bad:
        raise ValueError(f"mx must be finite and not below 0; {bad} cells are not")
    if (values[..., -1] <= 0).any():
        raise ValueError("mx must be above 0 in the open age group: people would live there for ever")


def _widths(rates: xr.DataArray) -> np.ndarray:
    widths: np.ndarray = np.diff(rates[AGE].values).astype(float)
    return widths


def _female(rates: xr.DataArray) -> np.ndarray:
    """(...) true where a cell is of women. rates: (..., age)."""
    sex, lead = rates[SEX], rates.dims[:-1]
    women = np.asarray(sex.values == "female").reshape([rates.sizes[dim] if dim in sex.dims else 1 for dim in lead])
    return np.broadcast_to(women, rates.shape[:-1])


def _years_lived_by_the_dying(rate: np.ndarray, female: np.ndarray, widths: np.ndarray, a0: str, ax: str) -> np.ndarray:
    """ax: (..., age) years; half the interval but for infants, ages 1-4 of an abridged table and the open group."""
    lived = np.empty_like(rate)
    lived[..., :-1] = widths / 2
    lived[..., -1] = 1 / rate[..., -1]
    if ax == "greville":
        _greville(rate, widths, lived)
    lived[..., 0] = infant_years_lived(rate[..., 0], female, a0)
    if len(widths) > 1 and widths[1] == 4:
        lived[..., 1] = _coale_demeny_1_4(rate[..., 0], female)
    return lived


def _greville(rate: np.ndarray, widths: np.ndarray, out: np.ndarray) -> None:
    """a = n/2 - n^2/12 (m - k), k = ln(m of the next / m of the last interval) / 2n, from age 15 on.

    The last closed interval takes the k of the one before, its neighbour being open (MORTPAK-LITE). From age 35 on a
    is not below what a constant rate of 1 would give (MORTPAK-LITE has 1 year for n = 5; here 0.97, as bayesPop).
    """
    if (rate <= 0).any():
        raise ValueError("the Greville formula takes logarithms: every mx must be above 0; use ax='half'")
    starts = np.concatenate([[0.0], np.cumsum(widths)])
    last_closed = len(widths) - 1
    slope = np.zeros_like(rate[..., 0])
    for index in range(1, last_closed + 1):
        width = widths[index]
        if starts[index] < _GREVILLE_FROM or widths[index - 1] != width:
            continue
        if index < last_closed:
            slope = np.log(rate[..., index + 1] / rate[..., index - 1]) / (2 * width)
        out[..., index] = width / 2 - width**2 / 12 * (rate[..., index] - slope)
        if starts[index] > 35:
            least = 1 - width * np.exp(-width) / (1 - np.exp(-width))
            out[..., index] = np.maximum(out[..., index], least)


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


def collapse_open_age(mx: xr.DataArray, open_age: int, a0: str = "coale-demeny", ax: str = "half") -> xr.DataArray:
    """Death rates with a lower open age: the open rate is the life table's own, l / T = 1 / e at that age.

    mx: (..., sex, age) as in `life_table`; open_age: one of its ages. Returns (..., sex, age to open_age), with the
    same survivors and the same life expectancy at every age.
    Raises ValueError where the age is not a bound of the table.

    >>> import xarray as xr
    >>> mx = xr.DataArray([0.01, 0.01, 0.5, 0.5], dims="age", coords={"sex": "male", "age": [0, 1, 2, 3]})
    >>> collapse_open_age(mx, 2).sel(age=2).item()
    0.5
    """
    ages = mx[AGE].values.tolist()
    if open_age not in ages or open_age == ages[0]:
        raise ValueError(f"open age {open_age} is none of the ages after the first: {ages[1:]}")
    open_rate = 1 / life_table(mx, a0, ax).ex.sel({AGE: [open_age]})
    lower = mx.transpose(..., AGE).sel({AGE: [age for age in ages if age < open_age]})
    joined: xr.DataArray = xr.concat([lower, open_rate], AGE).transpose(*mx.dims)
    return joined.rename(mx.name).assign_attrs(mx.attrs)


def grouped_survivorship(table: xr.Dataset, width: int = 5) -> xr.DataArray:
    """Survivorship ratios to age groups of equal width over a step of as many years.

    table: a life table whose ages contain every bound 0, width, 2 width, ... (single years, or 0, 1, 5, 10, ...).
    Returns (..., sex, age) at the bounds: L[0]/(width l0) of the births of the step, L[g]/L[g-1], and
    T[open]/T[open-1] of the last two groups together. Raises ValueError where a bound is no age of the table.

    >>> import xarray as xr
    >>> mx = xr.DataArray([0.02] * 11, dims="age", coords={"sex": "male", "age": range(11)})
    >>> grouped_survivorship(life_table(mx)).age.values.tolist()
    [0, 5, 10]
    """
    ages = table[AGE].values
    bounds = np.arange(0, ages[-1] + 1, width)
    if not set(bounds.tolist()) <= set(ages.tolist()) or bounds[-1] != ages[-1]:
        raise ValueError(f"ages {ages.tolist()} do not contain every bound of groups of {width} years up to the open")
    total = table.Tx.transpose(..., AGE).sel({AGE: bounds})
    lived = total.values.copy()
    lived[..., :-1] -= total.values[..., 1:]
    ratio = np.empty_like(lived)
    ratio[..., 0] = lived[..., 0] / width
    ratio[..., 1:-1] = lived[..., 1:-1] / lived[..., :-2]
    ratio[..., -1] = total.values[..., -1] / total.values[..., -2]
    return label(total.copy(data=ratio), "life_table.sx", f"life table, groups of {width} years").rename("sx")


def extend_kannisto(
    mx: xr.DataArray,
    fit_ages: Iterable[int] = range(80, 100),
    open_age: int = 130,
    from_age: int | None = None,
    exposure: xr.DataArray | None = None,
    tolerance: float = 0.1,
) -> xr.DataArray:
    """Death rates continued to a higher open age on the Kannisto curve, logit m(x) = a + b x.

    mx: (..., age) deaths per person-year by single age, the last open. fit_ages: closed ages the curve is fitted to.
    open_age: the new open age; its rate is the curve's own l / T. from_age: first age that takes the curve, by
    default the present open age. exposure: (..., age) person-years; with them the fit is by Poisson likelihood of the
    deaths (Human Mortality Database, protocol 6), else by least squares of the logits (as MortCast).
    tolerance: largest root mean square of ln(fitted / given) over the fit ages.
    Source: Thatcher, Kannisto and Vaupel 1998, The Force of Mortality at Ages 80 to 120.
    Raises ValueError, with the figure, where fewer than 5 ages are given, a rate is not between 0 and 1, mortality
    does not rise with age, or the curve misses the rates by more than the tolerance.

    >>> import numpy as np, xarray as xr
    >>> ages = np.arange(101)
    >>> mx = xr.DataArray(1 / (1 + np.exp(-0.1 * (ages - 105))), dims="age", coords={"sex": "male", "age": ages})
    >>> longer = extend_kannisto(mx, open_age=120)
    >>> float(round(longer.sel(age=110).item() - 1 / (1 + np.exp(-0.5)), 9))
    0.0
    """
    ages = mx[AGE].values.astype(int)
    fitted = np.array(sorted(fit_ages))
    start = int(ages[-1]) if from_age is None else from_age
    missing = sorted(set(fitted.tolist()) - set(ages[:-1].tolist()))
    if (np.diff(ages) != 1).any() or missing or len(fitted) < 5 or not (ages[0] < start <= ages[-1] <= open_age):
        raise ValueError(
            f"needs single ages to the open {ages[-1]}, at least 5 closed fit ages (not there: {missing}) "
            f"and from_age {start} <= {ages[-1]} <= open_age {open_age}"
        )
    lead = mx.transpose(..., AGE)
    rates = lead.sel({AGE: fitted}).values.astype(float)
    weights = None
    if exposure is not None:
        weights = exposure.sel({AGE: fitted}).broadcast_like(lead.sel({AGE: fitted})).transpose(*lead.dims).values
    higher = np.arange(start, open_age + _KANNISTO_TAIL + 1)
    curve = np.empty((*rates.shape[:-1], higher.size))
    for index in np.ndindex(*rates.shape[:-1]):
        level, slope = _fit_kannisto(rates[index], fitted - 80.0, None if weights is None else weights[index])
        curve[index] = 1 / (1 + np.exp(-(level + slope * (higher - 80.0))))
        on_curve = 1 / (1 + np.exp(-(level + slope * (fitted - 80.0))))
        seen = rates[index] > 0
        miss = float(np.sqrt(np.mean(np.log(on_curve[seen] / rates[index][seen]) ** 2)))
        if not slope > 0 or not miss <= tolerance:
            raise ValueError(
                f"the Kannisto curve does not fit ages {fitted[0]}-{fitted[-1]}: slope {slope:.4f} a year, "
                f"root mean square of ln(fitted/given) {miss:.3f}, allowed {tolerance}"
            )
    tail = _closed_by_its_own_rate(curve, open_age - start)
    kept = lead.values[..., : start - int(ages[0])]
    coords = {name: value for name, value in mx.coords.items() if AGE not in value.dims}
    return xr.DataArray(
        np.concatenate([kept, tail], axis=-1),
        dims=lead.dims,
        coords={**coords, AGE: np.arange(ages[0], open_age + 1)},
        name=mx.name,
        attrs=mx.attrs,
    ).transpose(*mx.dims)


def _fit_kannisto(rate: np.ndarray, x: np.ndarray, exposure: np.ndarray | None) -> tuple[float, float]:
    """Level and slope of logit m = level + slope x: least squares, or Poisson by iterated weighted least squares."""
    design = np.stack([np.ones_like(x), x], axis=1)
    if not ((rate >= 0) & (rate < 1)).all() or (exposure is None and (rate <= 0).any()):
        raise ValueError("the Kannisto curve needs rates between 0 and 1 at the ages it is fitted to")
    if exposure is None:
        level, slope = np.linalg.lstsq(design, np.log(rate / (1 - rate)), rcond=None)[0]
        return float(level), float(slope)
    mean = float((rate * exposure).sum() / exposure.sum())
    beta = np.array([np.log(mean / (1 - mean)), 0.0])
    for _ in range(100):
        eta = design @ beta
        fitted = 1 / (1 + np.exp(-eta))
        root = np.sqrt(exposure * fitted) * (1 - fitted)
        target = eta + (rate - fitted) / (fitted * (1 - fitted))
        better = np.linalg.lstsq(design * root[:, None], target * root, rcond=None)[0]
        done = float(np.abs(better - beta).max()) < 1e-12
        beta = better
        if done:
            return float(beta[0]), float(beta[1])
    raise ValueError(f"the Poisson fit of the Kannisto curve did not settle: {beta[0]:.4f}, {beta[1]:.4f}")


def _closed_by_its_own_rate(curve: np.ndarray, closed: int) -> np.ndarray:
    """Rates of `closed` single ages and then of all the rest as one open group, l / T under the curve."""
    rest = curve[..., closed:]
    dying = rest / (1 + rest / 2)
    alive = np.concatenate([np.ones_like(dying[..., :1]), np.cumprod(1 - dying[..., :-1], axis=-1)], axis=-1)
    lived = alive * (1 - dying / 2)
    lived[..., -1] = alive[..., -1] / rest[..., -1]
    return np.concatenate([curve[..., :closed], 1 / lived.sum(-1, keepdims=True)], axis=-1)


def life_table_for_e0(
    standard_mx: xr.DataArray,
    e0: xr.DataArray,
    beta: float = 1.0,
    a0: str = "coale-demeny",
    ax: str = "half",
) -> xr.Dataset:
    """Life table with a given life expectancy at birth, in Brass's relation to a standard.

    standard_mx: (..., sex, age) as in `life_table`; e0: (..., sex) years, any of the standard's dimensions or more.
    Survivors obey Y(x) = alpha + beta Y_standard(x) with Y = ln((1 - l) / l) / 2 (Brass 1971); alpha is solved so
    that ex at age 0 is e0 (to 1e-9 years), beta (the balance of old and young) is given. In the open group the logit
    has no survivors to relate, so its rate follows the hazard that the relation implies at its lower bound,
    m = m_standard beta (1 - l) / (1 - l_standard).
    Returns what `life_table` does and `alpha` (..., sex).
    Raises ValueError, with what can be reached, where no alpha gives the e0.

    >>> import numpy as np, xarray as xr
    >>> mx = xr.DataArray(0.0002 * np.exp(0.09 * np.arange(101)), dims="age", coords={"age": np.arange(101)})
    >>> standard = mx.assign_coords(sex="female")
    >>> round(life_table_for_e0(standard, xr.DataArray(75.0)).ex.sel(age=0).item(), 9)
    75.0
    """
    if beta <= 0:
        raise ValueError(f"beta must be above 0, not {beta}")
    standard = life_table(standard_mx, a0, ax)
    with xr.set_options(arithmetic_join="exact"):
        target = (e0 + 0.0 * standard.ex.isel({AGE: 0}, drop=True)).astype(float)
    lead = target.dims
    wide = (standard[["lx", "mx"]] + 0.0 * target).transpose(*lead, AGE)
    alive, rate = (wide[name].values.reshape(-1, wide.sizes[AGE]) for name in ("lx", "mx"))
    female = (wide.lx[SEX] == "female").broadcast_like(target).transpose(*lead).values.reshape(-1)
    goal, widths = target.values.reshape(-1), _widths(standard_mx)
    with np.errstate(divide="ignore"):
        logit = np.log((1 - alive[:, 1:]) / alive[:, 1:]) / 2

    def relate(alpha: np.ndarray, lane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """qx (lane, age) and the open rate (lane,)."""
        later = 1 / (1 + np.exp(2 * (alpha[:, None] + beta * logit[lane])))
        survivors = np.concatenate([np.ones_like(later[:, :1]), later], axis=1)
        qx = np.concatenate([1 - survivors[:, 1:] / survivors[:, :-1], np.ones_like(later[:, :1])], axis=1)
        return qx, rate[lane, -1] * beta * (1 - later[:, -1]) / (1 - alive[lane, -1])

    def missing(alpha: np.ndarray, lane: np.ndarray) -> np.ndarray:
        lane = np.asarray(lane, int)
        qx, open_rate = relate(np.asarray(alpha, float), lane)
        rates, lived = _rates_of(qx, open_rate, female[lane], widths, a0, ax)
        expectancy: np.ndarray = _person_years(rates, qx, lived, widths)[2].sum(axis=1)
        return expectancy - goal[lane]

    alpha = _solve_alpha(missing, goal)
    qx, open_rate = relate(alpha, np.arange(goal.size))
    like = wide.lx.drop_attrs()
    table = life_table_from_qx(
        like.copy(data=qx.reshape(like.shape)), target.copy(data=open_rate.reshape(target.shape)), a0, ax
    )
    solved = target.copy(data=alpha.reshape(target.shape)).drop_attrs()
    return table.assign(alpha=label(solved, "life_table.alpha"))


def _solve_alpha(missing: Callable[[np.ndarray, np.ndarray], np.ndarray], goal: np.ndarray) -> np.ndarray:
    """The zeros of `missing(alpha, lane)`, all lanes at once (Chandrupatla's method brackets like Brent's)."""
    from scipy.optimize.elementwise import find_root

    lane = np.arange(goal.size)
    least, most = (missing(np.full(goal.size, alpha), lane) + goal for alpha in reversed(_ALPHAS))
    bad = np.flatnonzero(~((goal > least) & (goal < most)))
    if bad.size:
        first = int(bad[0])
        raise ValueError(
            f"{bad.size} life expectancies cannot be reached from the standard; the first is {goal[first]:.2f} years, "
            f"where {least[first]:.2f} to {most[first]:.2f} can"
        )
    root = find_root(missing, _ALPHAS, args=(lane,), tolerances={"xatol": 1e-13, "fatol": 1e-11})
    solved: np.ndarray = np.asarray(root.x, float)
    if not np.abs(missing(solved, lane)).max(initial=0.0) < 1e-9:
        raise ValueError("the level of the logit relation did not settle on the life expectancy asked for")
    return solved


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
    cumulated = monotone_cubic(nodes, hazard, np.minimum(at, nodes[-1]))
    single = np.diff(cumulated, axis=-1)
    if open_age >= bounds[-1]:
        single[..., int(bounds[-1]) :] = rate[..., -1:]
    dims = (*[dim for dim in mx.dims if dim != AGE], AGE)
    coords = {name: value for name, value in mx.coords.items() if AGE not in value.dims}
    return xr.DataArray(single, dims=dims, coords={**coords, AGE: np.arange(open_age + 1)}, attrs=mx.attrs)
