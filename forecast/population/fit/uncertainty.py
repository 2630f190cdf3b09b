"""Processes around the central forecast, from the errors of the same forecast at earlier origins.

The errors of a component at two leads have a covariance over origins (and counties). Its model is a first-order process
that starts from an uncertain level, C[h, k] = start^2 phi^(h + k) + sigma^2 sum_j phi^(h + k - 2 j), with the variance
of counting on the diagonal, which is taken off first because the projection adds it by itself. phi is searched, the two
variances are the non-negative least squares. A long level error and a yearly one are told apart by the covariance
between leads, not by the growth of the variance: what accumulates in people is the covariance.

A history that is short says little: its covariance is averaged with that of a prior, in proportion to how many spells
of three years it has tested, against `WORTH` for the prior.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.basics.ages import FITTED_BANDS
from forecast.population.chance.processes import Process, Uncertainty
from forecast.population.fit.yearly_errors import Errors

WORTH = 3.0
"""Spells of three years that a prior counts for (assumed; docs/accuracy shows other values)."""

_SPELL = 3.0  # years after which errors are taken to be news
_MANY = 10  # counties from which the median one is told from the mean
_MEDIAN = (
    0.85  # median over mean of a mean of squares, of the four or five spells that a history tells apart (chi-square)
)
_LEAST = 0.02  # share of the variance of counting below which no county's processes are taken to be
_PHI = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Shape:
    """One process: persistence, yearly shock and uncertainty of the level it starts from (standard deviations)."""

    phi: float
    sigma: float
    start: float

    def covariance(self, leads: int) -> np.ndarray:
        """(lead, lead) covariance of the errors that the process implies."""
        level, yearly = _parts(self.phi, leads)
        return self.start**2 * level + self.sigma**2 * yearly


@dataclass(frozen=True)
class OwnShape:
    """Processes of single counties: one shape, its variance from the size of the county: tau2 + kappa times the
    variance of counting. kappa: small places move in families, and by one employer or one reception centre."""

    shape: Shape  # for a county of variance 1, averaged over the leads
    tau2: float
    kappa: float


@dataclass(frozen=True)
class Prior:
    """Processes of places like these, and whose they are."""

    fertility: Shape
    fertility_own: OwnShape
    mortality: Shape
    migration: Shape
    migration_own: OwnShape
    bands: tuple[OwnShape, ...]
    source: str


def fit_processes(
    errors: Errors, years: float, counties: tuple[str, ...], prior: Prior | None, inflation: float = 1.0
) -> Uncertainty:
    """Processes of the tiers `region` and `county`, from errors at inner origins spread over so many years.

    inflation: factor of all standard deviations (1: as fitted).
    """
    spells = years / _SPELL
    fertility, mortality, migration = (
        fit_shape(component[..., None], 0.0, spells, expected)
        for component, expected in (
            (errors.fertility, prior.fertility if prior else None),
            (errors.mortality, prior.mortality if prior else None),
            (errors.migration, prior.migration if prior else None),
        )
    )
    own_births = _own(
        errors.fertility_own,
        1.0 / np.maximum(errors.births, 1.0),
        spells,
        counties,
        prior.fertility_own if prior else None,
    )
    own_moves = _own(
        errors.migration_own, errors.migration_noise, spells, counties, prior.migration_own if prior else None
    )
    bands = tuple(
        _own(errors.bands[..., b], errors.bands_noise[..., b], spells, counties, prior.bands[b] if prior else None)
        for b in range(len(FITTED_BANDS))
    )
    single = len(counties) == 1  # the whole is the county: its errors are not counted twice

    def wide(shape: Shape) -> Process:
        return Process("region", shape.phi, inflation * shape.sigma, inflation * shape.start)

    def narrow(fitted: tuple[OwnShape, np.ndarray]) -> Process:
        own_shape, variance = fitted
        scale = inflation * np.sqrt(variance)
        sigma, start = (
            dict(zip(counties, (value * scale).tolist(), strict=True))
            for value in (own_shape.shape.sigma, own_shape.shape.start)
        )
        return Process("county", own_shape.shape.phi, sigma, start)

    return Uncertainty(
        fertility=(wide(fertility), *(() if single else (narrow(own_births),))),
        mortality=(wide(mortality),),
        migration=(wide(migration), *(() if single else (narrow(own_moves),))),
        bands=tuple(narrow(band) for band in bands),
        first_ages=FITTED_BANDS,
        parts=_parts_of(years, prior),
    )


def _parts_of(years: float, prior: Prior | None) -> tuple[tuple[str, str, str, str], ...]:
    """Component, tier, source and basis of every process."""
    source = f"errors of forecasts at inner origins over {years:.0f} years"
    if prior:
        source += f", averaged with {prior.source}"
    pairs = [(name, tier) for name in ("fertility", "migration") for tier in ("region", "county")]
    pairs += [("mortality", "region"), ("bands", "county")]
    return tuple((name, tier, source, "derived") for name, tier in pairs)


def _own(
    errors: np.ndarray, noise: np.ndarray, spells: float, counties: tuple[str, ...], prior: OwnShape | None
) -> tuple[OwnShape, np.ndarray]:
    """The processes of single counties, and (county,) the variance of each.

    errors, noise: (origin, lead, county). A county's own errors count as much as they are spells, against `WORTH` for
    what its size says.
    """
    if not errors.size or not np.isfinite(errors).any():
        none = OwnShape(Shape(0.0, 0.0, 0.0), 0.0, 0.0)
        return prior or none, np.full(len(counties), (prior or none).tau2)
    excess = np.nanmean(errors**2 - noise, axis=(0, 1))
    counted = np.nanmean(noise, axis=(0, 1))
    worth = spells * min(len(counties), 10)
    tau2, kappa = _by_size(excess, counted)
    if prior is not None:
        share = worth / (worth + WORTH)
        tau2, kappa = share * tau2 + (1 - share) * prior.tau2, share * kappa + (1 - share) * prior.kappa
    common = np.maximum(tau2 + kappa * counted, _LEAST * counted + 1e-12)
    telling = common / (common + counted)  # of how much the errors of a county say about anything but counting
    seen = np.maximum(excess, 0.0) / common
    ratio = (seen * spells * telling + WORTH) / (spells * telling + WORTH)
    own = common * np.clip(ratio, 0.25, 9.0)
    shape = fit_shape(errors / np.sqrt(own), noise / own, worth, prior.shape if prior else None, telling**2)
    return OwnShape(shape, tau2, kappa), own


def _by_size(excess: np.ndarray, counted: np.ndarray) -> tuple[float, float]:
    """Variance beyond counting, of a county of any size and in proportion to the variance of counting; the mean where
    there are too few counties to tell.

    Volatility is skewed: a few places (oil, a garrison, a flood) have many times the variance of others of their size.
    Of many counties it is therefore the median's that is expected; what a county's own errors say is added in `_own`.
    """
    if excess.size < 5:
        return max(float(np.mean(excess)), 0.0), 0.0
    weight = 1 / (counted + max(float(np.median(excess)), float(np.median(counted)) * 0.1))
    columns = np.stack([weight, weight * counted], axis=1)
    (tau2, kappa), _ = _least_squares(columns, weight * np.minimum(excess, 25 * (np.median(abs(excess)) + counted)))
    usual = _usual(excess, counted, tau2 + kappa * counted) if excess.size >= _MANY else 1.0
    return float(usual * tau2), float(usual * kappa)


def _usual(excess: np.ndarray, counted: np.ndarray, fitted: np.ndarray) -> float:
    """The median county's variance beyond counting as a share of the fitted, (county,) each."""
    total = fitted + counted
    median = float(np.median((excess + counted) / total)) / _MEDIAN
    return float(np.clip(np.median((median * total - counted) / np.maximum(fitted, 1e-15)), 0.2, 1.0))


def fit_shape(
    errors: np.ndarray,
    noise: np.ndarray | float,
    spells: float,
    prior: Shape | None,
    weight: np.ndarray | None = None,
) -> Shape:
    """The process whose covariance is nearest to the errors' (origin, lead, county), counting taken off; weight:
    (county,) of each."""
    leads = errors.shape[1]
    if not errors.size or not np.isfinite(errors).any():
        return prior or Shape(0.0, 0.0, 0.0)
    seen, pairs = _covariance(errors, noise, np.ones(errors.shape[2]) if weight is None else weight)
    if prior is not None:
        share = spells / (spells + WORTH)
        expected = prior.covariance(leads)
        seen = np.where(pairs > 0, share * seen + (1 - share) * expected, expected)
        pairs = np.maximum(pairs, pairs.max() * 0.1)
    return _nearest(seen, np.sqrt(pairs))


def _covariance(errors: np.ndarray, noise: np.ndarray | float, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted second moments between leads (lead, lead), around zero, and from how many origins each is."""
    known = np.isfinite(errors)
    filled = np.where(known, errors, 0.0) * np.sqrt(weight)
    present = known * np.sqrt(weight)
    total = np.einsum("ohc,okc->hk", present, present)
    moments = np.einsum("ohc,okc->hk", filled, filled) / np.maximum(total, 1e-12)
    counted = (np.where(known, np.broadcast_to(noise, errors.shape), 0.0) * weight).sum((0, 2))
    diagonal = counted / np.maximum((known * weight).sum((0, 2)), 1e-12)
    pairs = np.einsum("ohc,okc->hk", known.astype(float), known.astype(float))
    return moments - np.diag(diagonal), pairs


def _nearest(covariance: np.ndarray, weight: np.ndarray) -> Shape:
    best, least = Shape(0.0, 0.0, 0.0), np.inf
    for phi in _PHI:
        level, yearly = _parts(phi, len(covariance))
        columns = np.stack([(weight * part).ravel() for part in (level, yearly)], axis=1)
        variances, miss = _least_squares(columns, (weight * covariance).ravel())
        if miss < least:
            best, least = Shape(phi, float(np.sqrt(variances[1])), float(np.sqrt(variances[0]))), miss
    return best


def _least_squares(columns: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, float]:
    """Non-negative weights of the columns that are nearest to the target, and how far off they are."""
    from scipy.optimize import nnls  # half a second, needed only where a history is fitted

    weights, miss = nnls(columns, target)
    return weights, float(miss)


def _parts(phi: float, leads: int) -> tuple[np.ndarray, np.ndarray]:
    """Covariance of unit start and of unit yearly shocks, (lead, lead)."""
    lead = np.arange(1, leads + 1)
    level = phi ** (lead[:, None] + lead).astype(float)
    yearly = sum(
        np.where((lead[:, None] >= j) & (lead >= j), float(phi) ** np.maximum(lead[:, None] + lead - 2 * j, 0), 0.0)
        for j in range(1, leads + 1)
    )
    return level, np.asarray(yearly)
