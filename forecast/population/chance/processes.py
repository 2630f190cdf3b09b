"""Joint random paths of births, deaths and migration around a scenario.

Every path is an autoregressive process around zero, so that the scenario stays the
median: fertility and mortality are multiplied by the exponential of a path, migration is moved by persons (never by a
factor, see `levers`). A process belongs to a tier: the nation, the province, the region as a whole or each county by
itself; what a tier shares moves all its counties together. On top comes the noise of small numbers: births and movers
are counted persons, so a county of 3,000 is less certain than one of 300,000.

`uncertain_rates` gives chosen trajectories as rates for `project_population`; `county_shocks` gives the same numbers
for the blocks, which never hold them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from forecast.basics.ages import MIGRATION_BANDS
from forecast.basics.dims import AGE, AGES, COUNTY, SEX, TRAJECTORY, YEAR, in_order
from forecast.basics.issues import Issue, UsageError
from forecast.population.chance.random import normals
from forecast.population.projection.project import project_population

TIERS = ("nation", "province", "region", "county")
COMPONENTS = ("births", "mortality", "migration")
"""Groups of processes that can be frozen, to ask how much of the uncertainty is theirs."""


@dataclass(frozen=True)
class Process:
    """x[t] = phi x[t-1] + sigma e[t], x = start e[0] at the jump-off year, e standard normal: one path for each area of
    the tier. `start` says how well the level that the scenario begins with is known. `sigma` and `start` may differ by
    area (code -> value, every area of the tier)."""

    tier: str
    phi: float
    sigma: float | Mapping[str, float]
    start: float | Mapping[str, float] = 0.0

    def of(self, area: str) -> tuple[float, float]:
        """Sigma and start of an area."""
        both = (self.sigma, self.start)
        sigma, start = (float(value[area] if isinstance(value, Mapping) else value) for value in both)
        return sigma, start


@dataclass(frozen=True)
class Uncertainty:
    """Processes by component, added up over tiers.

    fertility     log of a multiplier of asfr
    mortality     log of a multiplier of the hazards, before the loading by age
    migration     net persons a year on top of the scenario's, as a share of residents at the jump-off date, spread
                  over ages in proportion to mobility
    bands         the same for each band of age by itself, as a share of its residents: (band,) one process each
    mortality_loading      (age,) how strongly an age follows the mortality path
    births_dispersion      variance of births over their mean, beyond what the fertility path explains (1: Poisson)
    movers_dispersion      variance in persons of a band's yearly net change over its movers and deaths (1: Poisson)
    births_sampled         share of births that a sample survey counted in the years after the last count (0: all were
                           counted, nobody errs); who was born in these years is off by 1 / sqrt(births in the sample)
    degrees_of_freedom     of Student's t: counties differ in how volatile they are by more than their size; all
                           processes of a county and trajectory bear one scale of variance 1 (inf: none). Above 2
    """

    fertility: tuple[Process, ...] = ()
    mortality: tuple[Process, ...] = ()
    migration: tuple[Process, ...] = ()
    bands: tuple[Process, ...] = ()
    first_ages: tuple[int, ...] = MIGRATION_BANDS
    mortality_loading: tuple[float, ...] = (1.0,) * len(AGES)
    births_dispersion: float = 1.0
    movers_dispersion: float = 1.0
    births_sampled: float = 0.0
    degrees_of_freedom: float = np.inf
    parts: tuple[tuple[str, str, str, str], ...] = ()  # component, tier, source, basis: what it rests on


@dataclass(frozen=True)
class Shocks:
    """Multipliers and persons by which the trajectories of one county depart from the scenario."""

    fertility: np.ndarray  # (year, trajectory) multiplier of asfr
    hazard: np.ndarray  # (year, trajectory) log multiplier of the hazards before the loading by age
    movers: np.ndarray  # (year, band, trajectory) net persons on top of the scenario's
    newborn: np.ndarray  # (age, trajectory) multiplier of those at the jump-off date who were born after the last count


@dataclass(frozen=True)
class Frame:
    """Inputs of every county's shocks, computed once; `county` in the arrays goes in the order of `counties`."""

    uncertainty: Uncertainty
    counties: tuple[str, ...]
    years: np.ndarray
    areas: Mapping[str, str]  # tier -> code, without the counties
    seed: int
    frozen: frozenset[str]  # components that do not vary
    band: np.ndarray  # (age,) number of the band
    slope: np.ndarray  # (county, sex, age) where one net person of the age's band moves
    residents: np.ndarray  # (county, band) at the jump-off date
    moving: np.ndarray  # (county, band) share of the county's movers, sums to 1
    noise: np.ndarray  # (county, band) standard deviation in persons a year
    births: np.ndarray  # (county, year) the scenario's
    sampling: np.ndarray  # (age,) log error of those born after the last count, from age 0 on
    shared: dict[tuple[object, ...], np.ndarray] = field(default_factory=dict, repr=False)  # paths drawn once for all


def uncertain_frame(
    rates: xr.Dataset,
    uncertainty: Uncertainty,
    areas: Mapping[str, str],
    seed: int,
    frozen: frozenset[str] = frozenset(),
) -> Frame:
    """`Frame` for the shocks of all counties of `rates`, which needs `mobility` (county, sex, age), persons who move in a
    year, beside what `project_population` takes; migration must be net persons.

    areas: code of every tier that a process of `uncertainty` names, without the counties. Raises UsageError for
    another form of migration.
    """
    if "net_migration" not in rates or "mobility" not in rates:
        raise UsageError(Issue("E671", values={"found": ", ".join(map(str, rates.data_vars))}))
    counties = tuple(str(code) for code in rates[COUNTY].values)
    band = np.searchsorted(uncertainty.first_ages, rates[AGE].values, side="right") - 1
    members = (band == np.arange(len(uncertainty.first_ages))[:, None]).astype(float)  # (band, age)
    base = rates.baseline.transpose(COUNTY, SEX, AGE).values
    mobility = in_order(rates.mobility.broadcast_like(rates.baseline)).transpose(COUNTY, SEX, AGE).values
    movers = np.einsum("csa,ba->cb", mobility, members)
    safe = np.where(movers > 0, movers, 1.0)
    first = rates.sx.isel({YEAR: 0}, drop=True)
    deaths = (rates.baseline * (1 - first.clip(max=1.0))).transpose(COUNTY, SEX, AGE).values
    variance = uncertainty.movers_dispersion * np.einsum("csa,ba->cb", mobility + deaths, members)
    births = project_population(rates, flows=("births",)).births.sum(SEX).transpose(COUNTY, YEAR).values[:, 1:]
    return Frame(
        uncertainty, counties, rates[YEAR].values, areas, seed, frozen, band,
        mobility / safe[:, band][:, None, :],
        np.einsum("csa,ba->cb", base, members),
        movers / np.maximum(movers.sum(axis=1, keepdims=True), 1e-9),
        np.sqrt(variance) * (movers > 0),
        births,
        _sampling(rates, uncertainty.births_sampled),
    )  # fmt: skip


def _sampling(rates: xr.Dataset, sampled: float) -> np.ndarray:
    """(age,) standard deviation of the log of those born after the last count, by age (`rates.uncounted`)."""
    if not sampled or "uncounted" not in rates:
        return np.empty(0)
    persons = rates.uncounted.values
    error: np.ndarray = 1 / np.sqrt(np.maximum(sampled * persons[persons > 0], 1.0))
    return error


def county_shocks(frame: Frame, county: int, trajectories: range) -> Shocks:
    """Shocks of the county at this position, in these trajectories."""
    uncertainty = frame.uncertainty
    code = frame.counties[county]
    fertility = np.exp(_paths(frame, uncertainty.fertility, "births", "fertility", code, trajectories))
    fertility = fertility * _counted(frame, county, trajectories)
    hazard = _paths(frame, uncertainty.mortality, "mortality", "mortality", code, trajectories)
    return Shocks(fertility, hazard, _movers(frame, county, trajectories), _newborn(frame, trajectories))


def uncertain_rates(rates: xr.Dataset, frame: Frame, trajectories: range) -> xr.Dataset:
    """The rates of chosen trajectories, with `trajectory` (their numbers), as `project_population` takes them."""
    shocks = [county_shocks(frame, county, trajectories) for county in range(len(frame.counties))]
    coords = {COUNTY: list(frame.counties), YEAR: frame.years, TRAJECTORY: list(trajectories)}

    def wide(values: list[np.ndarray]) -> xr.DataArray:
        return xr.DataArray(np.stack(values), dims=(COUNTY, YEAR, TRAJECTORY), coords=coords)

    loading = xr.DataArray(np.asarray(frame.uncertainty.mortality_loading), dims=AGE, coords={AGE: rates[AGE]})
    hazard = np.exp(loading * wide([shock.hazard for shock in shocks]))
    by_age = np.stack([shock.movers for shock in shocks])[:, :, frame.band]  # (county, year, age, trajectory)
    moved = xr.DataArray(by_age, dims=(COUNTY, YEAR, AGE, TRAJECTORY), coords={**coords, AGE: rates[AGE].values})
    slope = xr.DataArray(frame.slope, dims=(COUNTY, SEX, AGE))
    changed = {
        "baseline": rates.baseline * _at_all_ages(shocks[0].newborn, rates.baseline, trajectories),
        "asfr": rates.asfr * wide([shock.fertility for shock in shocks]),
        "sx": rates.sx**hazard,
        "net_migration": rates.net_migration + moved * slope,
    }
    return rates.assign({name: in_order(value) for name, value in changed.items()}).drop_vars("mobility")


def _at_all_ages(newborn: np.ndarray, baseline: xr.DataArray, trajectories: range) -> xr.DataArray:
    """(age, trajectory) the multiplier, 1 at the ages that were counted."""
    factor = np.ones((baseline.sizes[AGE], len(trajectories)))
    factor[: len(newborn)] = newborn
    return xr.DataArray(factor, {AGE: baseline[AGE], TRAJECTORY: list(trajectories)}, (AGE, TRAJECTORY))


def _newborn(frame: Frame, trajectories: range) -> np.ndarray:
    """(age, trajectory) multiplier of those born after the last count: one survey a year errs for the whole region."""
    ages = frame.sampling.size
    if "births" in frame.frozen or not ages:
        return np.ones((ages, len(trajectories)))
    area = frame.areas["region"]
    known = ("sampling", "region", area, trajectories)
    if known not in frame.shared:
        born = frame.years[0] - 1 - np.arange(ages)
        normal = normals(frame.seed, area, "sampling", born, trajectories)[:, 0]
        frame.shared[known] = np.exp(frame.sampling[:, None] * normal)
    return frame.shared[known]


def _paths(
    frame: Frame, processes: tuple[Process, ...], group: str, component: str, county: str, trajectories: range
) -> np.ndarray:
    """Sum of the processes that act on a county: (year, trajectory)."""
    total = np.zeros((frame.years.size, len(trajectories)))
    if group in frame.frozen:
        return total
    for process in processes:
        if process.tier == "county":
            total += _path(frame, process, component, county, trajectories) * _scale(frame, county, trajectories)
            continue
        area = frame.areas[process.tier]
        known = (component, process.tier, area, trajectories)
        if known not in frame.shared:  # two threads may both draw it: it is the same
            frame.shared[known] = _path(frame, process, component, area, trajectories)
        total += frame.shared[known]
    return total


def _path(frame: Frame, process: Process, component: str, area: str, trajectories: range) -> np.ndarray:
    """One process of one area: (year, trajectory)."""
    sigma, start = process.of(area)
    if not sigma and not start:
        return np.zeros((frame.years.size, len(trajectories)))
    normal = normals(frame.seed, area, component, _with_start(frame), trajectories)[:, 0]
    return autoregressive(normal, process.phi, sigma, start)


def _with_start(frame: Frame) -> np.ndarray:
    """The years of the paths: the jump-off year, at which they start, and the projected ones."""
    return np.concatenate([frame.years[:1] - 1, frame.years])


def _scale(frame: Frame, county: str, trajectories: range) -> np.ndarray:
    """(trajectory,) volatility of the county relative to others of its size: sqrt((n - 2) / chi-square of n)."""
    freedom = frame.uncertainty.degrees_of_freedom
    if np.isinf(freedom):
        return np.ones(len(trajectories))
    from scipy.special import gammaincinv, ndtr  # a third of a second, needed by few runs

    drawn = ndtr(normals(frame.seed, county, "volatility", frame.years[:1] - 1, trajectories)[0, 0])
    scale: np.ndarray = np.sqrt((freedom - 2) / (2 * gammaincinv(freedom / 2, drawn)))
    return scale


def autoregressive(
    normal: np.ndarray, phi: float | np.ndarray, sigma: float | np.ndarray, start: float | np.ndarray
) -> np.ndarray:
    """x[t] = phi x[t-1] + sigma normal[t] along the first axis, x[0] = start normal[0], returned without x[0]."""
    path = np.empty_like(normal[1:])
    before = start * normal[0]
    for step, shock in enumerate(normal[1:]):
        before = phi * before + sigma * shock
        path[step] = before
    return path


def _counted(frame: Frame, county: int, trajectories: range) -> np.ndarray:
    """Multiplier of births from their being counted: (1 + z sqrt(d / B) / 2)^2, which has median 1, variance d / B
    for large B and is never negative (the square root of a Poisson count is nearly normal, Anscombe 1948)."""
    dispersion = frame.uncertainty.births_dispersion
    if "births" in frame.frozen or dispersion == 0:
        return np.ones((frame.years.size, len(trajectories)))
    normal = normals(frame.seed, frame.counties[county], "births", frame.years, trajectories)[:, 0]
    spread = np.sqrt(dispersion / np.maximum(frame.births[county], 1.0))[:, None]
    counted: np.ndarray = np.maximum(1 + normal * spread / 2, 0.0) ** 2
    return counted


def _movers(frame: Frame, county: int, trajectories: range) -> np.ndarray:
    """Net persons on top of the scenario's: (year, band, trajectory)."""
    uncertainty, code = frame.uncertainty, frame.counties[county]
    share = _paths(frame, uncertainty.migration, "migration", "migration", code, trajectories)
    movers = frame.residents[county].sum() * share[:, None] * frame.moving[county][:, None]
    if "migration" in frame.frozen:
        return movers
    bands = len(uncertainty.first_ages)
    sigma, start = np.array([process.of(code) for process in uncertainty.bands]).reshape(-1, 2).T[..., None]
    if sigma.any() or start.any():
        phi = np.array([[process.phi] for process in uncertainty.bands])
        normal = normals(frame.seed, code, "migration bands", _with_start(frame), trajectories, bands)
        paths = autoregressive(normal, phi, sigma, start) * _scale(frame, code, trajectories)
        movers += frame.residents[county][:, None] * paths
    if uncertainty.movers_dispersion:
        normal = normals(frame.seed, code, "movers", frame.years, trajectories, bands)
        movers += frame.noise[county][:, None] * normal
    return movers
