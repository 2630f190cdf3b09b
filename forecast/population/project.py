"""The labelled face of the projection kernel: rates in, people and their flows out, every cell balanced.

One step is one calendar year. The stock labelled y stands at 31 December of y. Women give birth in proportion to the
mean of those exposed at the start and at the end of the year. When the net migrants of the year count is a choice:

`end`           at the end of the year: no deaths, no births in the year of arrival (UN WPP 2024)
`even`          half at the start, half at the end, the end half in the birth exposure (UN ccmppWPP)
`even_nobirth`  the same, the end half left out of the exposure (fits the UN's five-year tables best)
`mid`           in the middle: they bear half a year's risk, newborn two thirds (Swiss FSO)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr

from forecast.dims import AGE, COUNTY, ORDER, SEX, SEXES, TRAJECTORY, YEAR, in_order
from forecast.errors import InputRefused, Issue, UsageError
from forecast.population import kernel


class Timing(NamedTuple):
    """Shares of a year's net migrants: added before survival (one age younger), bearing survival, added after it;
    the same for those aged 0; and the part of the late arrivals that stands in the birth exposure."""

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
RATES = ("baseline", "sx", "asfr", "srb", "net_migration")


def project_population(rates: xr.Dataset, migration_timing: str | None = None) -> xr.Dataset:
    """People by year, sex and age from a baseline and vital rates.

    rates: as in DESIGN 3. baseline (county, sex, age) persons at the jump-off year; sx (year, sex, age);
    asfr (year, age) births per woman-year; srb (year) boys per girl; net_migration (year, sex, age) persons. Each may
    have `county` or `trajectory` or lack them (shared). `rates.attrs["jump_off_year"]` is the first year - 1 if absent.
    migration_timing: one of `TIMINGS`; by default `rates.attrs["migration_timing"]`, else "end".
    Returns population (stock; jump-off year first) and the flows deaths, net_migration and clipped by age at the end
    of the year, births by sex; flows at the jump-off year are NaN. clipped: persons by which realised net
    out-migration was lowered, so that no cell is negative; net_migration is what was realised.
    Raises InputRefused naming every missing variable, year, sex or age and every value out of range; UsageError on an
    unknown timing.
    """
    name = migration_timing or rates.attrs.get("migration_timing", "end")
    if name not in TIMINGS:
        raise UsageError(Issue("E605", values={"timing": name, "expected": ", ".join(TIMINGS)}))
    timing = TIMINGS[name]
    _check_rates(rates)
    jump_off = int(rates.attrs.get("jump_off_year", int(rates[YEAR][0]) - 1))
    lanes = _Lanes(rates)
    years = np.concatenate([[jump_off], rates[YEAR].values])
    fertile = np.flatnonzero((rates.asfr > 0).any([dim for dim in rates.asfr.dims if dim != AGE]).values)
    first, last = (int(fertile[0]), int(fertile[-1])) if fertile.size else (1, 1)
    migrants = lanes.of("net_migration")
    sx = lanes.of("sx")
    population = np.empty((years.size, 2, rates.sizes[AGE], lanes.count))
    births = np.empty((years.size - 1, 2, lanes.count))
    kernel.project_lanes(
        lanes.of("baseline"),
        sx,
        np.ascontiguousarray(lanes.of("asfr")[:, first : last + 1]),
        first,
        lanes.of("srb"),
        migrants,
        tuple(timing),
        population,
        births,
    )
    flows = _flows(population, births, sx, migrants, timing)
    values = {"population": population, "births": _with_nan(births), **{k: _with_nan(v) for k, v in flows.items()}}
    variables = {}
    for key, (dims, long_name, units, kind) in _VARIABLES.items():
        attrs = {"long_name": long_name, "units": units, "kind": kind, "source": f"projection, migration timing {name}"}
        variables[key] = (*lanes.back(values[key], dims), attrs)
    coords = {YEAR: years, **{dim: rates[dim].values for dim in (*lanes.dims, SEX, AGE)}}
    return xr.Dataset(
        variables, coords=coords, attrs={**rates.attrs, "migration_timing": name, "jump_off_year": jump_off}
    )


_VARIABLES = {
    "population": ((YEAR, SEX, AGE), "population at 31 December", "persons", "stock"),
    "births": ((YEAR, SEX), "births in the year", "births", "flow"),
    "deaths": ((YEAR, SEX, AGE), "deaths in the year by age at its end", "deaths", "flow"),
    "net_migration": ((YEAR, SEX, AGE), "net migration realised in the year by age at its end", "persons", "flow"),
    "clipped": ((YEAR, SEX, AGE), "net out-migration not realised, so that no cell is negative", "persons", "flow"),
}


def check_balance(projection: xr.Dataset, rtol: float = 1e-9) -> None:
    """Raises InputRefused naming the worst cells unless every cell balances to `rtol` of its county's population.

    population[y, a] = population[y-1, a-1] - deaths + net_migration (births instead at age 0; the open group takes
    the last two). The flows were computed from the rates, not as residuals.
    """
    people = projection.population
    residual = balance_residual(projection)
    total = people.isel({YEAR: slice(1, None)}).sum([SEX, AGE])
    bad = ~(abs(residual) <= rtol * total)  # so written that a missing number is a fault too
    if bool(bad.any()):
        where, value = _largest(residual.where(bad, 0.0).fillna(np.inf))
        raise InputRefused(Issue("E606", values={"count": int(bad.sum()), "where": where, "value": f"{value:.3g}"}))


def balance_residual(projection: xr.Dataset) -> xr.DataArray:
    """Persons by which each cell misses the accounting identity: (..., year without the first, sex, age)."""
    people = projection.population
    before = people.isel({YEAR: slice(None, -1)})
    cohort = before.shift({AGE: 1}, fill_value=0.0)
    last = before.isel({AGE: -1}, drop=True)
    is_open = cohort[AGE] == cohort[AGE][-1]
    cohort = cohort + xr.where(is_open, last, 0.0)
    cohort = cohort.assign_coords({YEAR: people[YEAR].values[1:]})
    flows = projection[["births", "deaths", "net_migration"]].isel({YEAR: slice(1, None)})
    is_infant = cohort[AGE] == cohort[AGE][0]
    expected = cohort + xr.where(is_infant, flows.births, 0.0) - flows.deaths + flows.net_migration
    return in_order(people.isel({YEAR: slice(1, None)}) - expected)


def _flows(
    population: np.ndarray, births: np.ndarray, sx: np.ndarray, migrants: np.ndarray, timing: Timing
) -> dict[str, np.ndarray]:
    """Deaths, realised net migration and clipped persons, all (year, sex, age, lane), from rates and start people."""
    before = population[:-1]
    entering = np.empty_like(migrants)  # everyone who bears the survival ratio of the cell
    entering[:, :, 0] = births
    entering[:, :, 1:] = before[:, :, :-1]
    entering[:, :, -1] += before[:, :, -1]
    early = np.zeros_like(migrants)
    early[:, :, 0] = timing.infant_survived * migrants[:, :, 0]
    early[:, :, 1:] = timing.start * migrants[:, :, :-1] + timing.survived * migrants[:, :, 1:]
    early[:, :, -1] += timing.start * migrants[:, :, -1]
    late = timing.end * migrants
    late[:, :, 0] = timing.infant_end * migrants[:, :, 0]
    deaths = (1 - sx) * (entering + early)
    unclipped = entering + early - deaths + late
    clipped = np.maximum(-unclipped, 0.0)
    return {"deaths": deaths, "net_migration": early + late + clipped, "clipped": clipped}


def _with_nan(flow: np.ndarray) -> np.ndarray:
    return np.concatenate([np.full_like(flow[:1], np.nan), flow])


class _Lanes:
    """Counties and trajectories of a rates Dataset laid side by side as the last, contiguous axis."""

    def __init__(self, rates: xr.Dataset):
        self.rates = rates
        self.dims = tuple(dim for dim in (TRAJECTORY, COUNTY) if dim in rates.dims)
        self.sizes = tuple(rates.sizes[dim] for dim in self.dims)
        self.count = int(np.prod(self.sizes, dtype=int))

    def of(self, name: str) -> np.ndarray:
        """(..., lane) float64, C-contiguous; a variable without county or trajectory is repeated."""
        variable = self.rates[name].astype(float)
        inner = [dim for dim in ORDER if dim in variable.dims and dim not in self.dims]
        wide = variable.expand_dims({dim: self.rates[dim] for dim in self.dims if dim not in variable.dims})
        values = wide.transpose(*inner, *self.dims).values
        return np.ascontiguousarray(values.reshape(*values.shape[: len(inner)], self.count))

    def back(self, values: np.ndarray, dims: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray]:
        """(dims..., lane) with trajectory and county as dimensions of their own, in front."""
        shaped = values.reshape(*values.shape[:-1], *self.sizes)
        last = range(len(dims), shaped.ndim)
        return (*self.dims, *dims), np.ascontiguousarray(np.moveaxis(shaped, last, range(len(self.dims))))


def _check_rates(rates: xr.Dataset) -> None:
    """All faults of the rates at once: variables, labels, values."""
    issues = [
        Issue("E601", values={"variable": name, "expected": ", ".join(RATES)}) for name in RATES if name not in rates
    ]
    if issues:
        raise InputRefused(issues)
    wanted = {
        "baseline": (SEX, AGE),
        "sx": (YEAR, SEX, AGE),
        "asfr": (YEAR, AGE),
        "srb": (YEAR,),
        "net_migration": (YEAR, SEX, AGE),
    }
    for name, dims in wanted.items():
        issues += [
            Issue("E602", values={"variable": name, "dim": dim, "labels": ""})
            for dim in dims
            if dim not in rates[name].dims
        ]
    if issues:
        raise InputRefused(issues)
    issues += _check_labels(rates)
    limits = {"baseline": (0.0, np.inf), "sx": (0.0, 1.0), "asfr": (0.0, 1.0), "srb": (0.5, 2.0)}
    for name in RATES:
        issues += _check_values(rates[name], *limits.get(name, (-np.inf, np.inf)))
    if issues:
        raise InputRefused(issues)


def _check_labels(rates: xr.Dataset) -> list[Issue]:
    issues = []
    jump_off = int(rates.attrs.get("jump_off_year", int(rates[YEAR][0]) - 1))
    have = set(rates[YEAR].values.tolist())
    missing = [year for year in range(jump_off + 1, int(rates[YEAR][-1]) + 1) if year not in have]
    if missing or rates[YEAR].values.tolist() != sorted(have):
        issues.append(Issue("E602", values={"variable": "rates", "dim": YEAR, "labels": _list(missing)}))
    if rates[SEX].values.tolist() != list(SEXES):
        issues.append(Issue("E602", values={"variable": "rates", "dim": SEX, "labels": _list(SEXES)}))
    ages = rates[AGE].values.tolist()
    missing = [age for age in range(int(ages[-1]) + 1) if age not in ages]
    if missing or ages != sorted(ages):
        issues.append(Issue("E602", values={"variable": "rates", "dim": AGE, "labels": _list(missing)}))
    return issues


def _check_values(variable: xr.DataArray, low: float, high: float) -> list[Issue]:
    values = variable.values
    finite = np.isfinite(values)
    if not finite.all():
        where = _where(variable, np.argwhere(~finite)[0])
        return [Issue("E603", values={"variable": variable.name, "count": int((~finite).sum()), "where": where})]
    outside = (values < low) | (values > high)
    if not outside.any():
        return []
    first = np.argwhere(outside)[0]
    found = {
        "count": int(outside.sum()),
        "where": _where(variable, first),
        "value": f"{values[tuple(first)]:.6g}",
    }
    return [Issue("E604", values={"variable": variable.name, "range": f"[{low:g}, {high:g}]", **found})]


def _largest(variable: xr.DataArray) -> tuple[str, float]:
    index = np.unravel_index(int(np.argmax(abs(variable.values))), variable.shape)
    return _where(variable, np.array(index)), float(variable.values[index])


def _where(variable: xr.DataArray, index: np.ndarray) -> str:
    pairs = zip(variable.dims, index, strict=True)
    return ", ".join(f"{dim} {variable[dim].values[i] if dim in variable.coords else i}" for dim, i in pairs)


def _list(labels: object) -> str:
    return ", ".join(str(x) for x in labels)  # type: ignore[attr-defined]
