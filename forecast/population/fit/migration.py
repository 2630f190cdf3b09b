"""Net migration to come by age: a long mean, the present deviation from it fading out, small places drawn to the whole.

Means are of persons, not of rates: over ten years both err alike, and persons cannot run away. A county's mean by age
is drawn (empirical Bayes, variances by moments) towards what the whole's profile and the county's own total say, first
in bands of age, then at single years: the more, the more of it is the noise of few movers. That noise, the white part
of the yearly counts, also tells how many people move at an age: arrivals and leavers are counted persons, so their
difference varies by their sum.
"""

from __future__ import annotations

import numpy as np

from forecast.basics.ages import FITTED_BANDS
from forecast.population.fit.account import Account, band_of, by_band, smoothed

STANDARD_AGES = (0, 5, 10, 15, 20, 25, 30, 40, 55, 65, 80)
STANDARD_MOVERS = (0.085, 0.075, 0.055, 0.07, 0.18, 0.18, 0.105, 0.045, 0.022, 0.014, 0.01)
"""Moves in and out a year per person, from each of `STANDARD_AGES` on (derived: Swedish counties 1969 to 1990; the shape is how strongly a band
takes part when a county gains or loses, the level the noise of its counts)."""

_LEVEL_AGES = slice(15, 55)  # whose counts tell how much a place moves: little else happens to them
_BORDER = (0.3, 3.0)  # times the standard's level that is let stand


def standard_movers(ages: int) -> np.ndarray:
    """(age,) the standard's moves per person, without steps between bands."""
    by_age = np.asarray(STANDARD_MOVERS)[np.searchsorted(STANDARD_AGES, np.arange(ages), side="right") - 1]
    return smoothed(by_age, np.ones(ages), 1.5)


def noise_per_person(past: Account) -> np.ndarray:
    """(age,) variance of yearly net migrants per person, from the white part of the counts of places below the median
    size (in large ones a level that changes is most of it)."""
    standard = standard_movers(past.people.shape[-1])
    if past.steps < 3:
        return standard
    net = past.net[:, 1:].sum(2)
    curvature = net[:, 1:-1] - (net[:, 2:] + net[:, :-2]) / 2
    variance = (curvature**2).mean(1) / 1.5
    people = past.entering[:, 1:].sum(2).mean(1)
    total = people.sum(1)
    small = total <= np.median(total)
    per_person = variance[small].sum(0) / np.maximum(people[small].sum(0), 1.0)
    return np.maximum(smoothed(per_person, people[small].sum(0), 1.5), _BORDER[0] * standard)


def movers_per_person(past: Account) -> np.ndarray:
    """(age,) moves in and out a year per person: the standard at the level that the noise of the counts says, for the
    difference of two counted numbers varies by their sum."""
    standard = standard_movers(past.people.shape[-1])
    people = past.people[:, -1].sum((0, 1))[_LEVEL_AGES]
    noise = noise_per_person(past)[_LEVEL_AGES]
    level = (noise * people).sum() / max((standard[_LEVEL_AGES] * people).sum(), 1e-9)
    return standard * float(np.clip(level, *_BORDER))


def forecast_net(
    past: Account, horizon: int, long_years: int, memory: float, damping: float, own_migration: float
) -> tuple[np.ndarray, np.ndarray]:
    """(county, horizon, sex, age) net persons of the years after the origin, and the mobility (county, sex, age).

    long_years: whose mean is gone back to; memory: weight of a year over that of the next in the recent mean; damping:
    of the distance of the recent to the long mean each year; own: factor of the variance between places (1: as
    moments say, 0: the whole's profile only).
    """
    movers, variance = movers_per_person(past), noise_per_person(past)
    span = min(long_years, past.steps)
    even = np.full(span, 1.0 / span)
    recent = memory ** np.arange(span)[::-1]
    long = _shrunk(past, even, movers, variance, own_migration)
    gone = _shrunk(past, recent / recent.sum() - even, movers, variance, own_migration, even)
    fading = damping ** np.arange(1, horizon + 1)
    net = long[:, None] + gone[:, None] * fading[None, :, None, None]
    return net, movers * past.people[:, -1]


def _shrunk(
    past: Account,
    weights: np.ndarray,
    movers: np.ndarray,
    variance: np.ndarray,
    own_migration: float,
    exposure: np.ndarray | None = None,
) -> np.ndarray:
    """(county, sex, age) persons: the weighted sum over the last years drawn towards the whole's profile and the
    county's own total."""
    span = weights.size
    people = np.maximum(
        np.einsum("cysa,y->csa", past.entering[:, -span:], weights if exposure is None else exposure), 0.5
    )
    net = np.einsum("cysa,y->csa", past.net[:, -span:], weights)
    if net.shape[0] == 1:
        return net
    noise = variance * (weights**2).sum() / people  # variance of a rate
    whole = net.sum(0) / people.sum(0)
    total = people.sum((1, 2))
    surplus = net.sum((1, 2)) / total - (whole * people).sum((1, 2)) / total
    total_noise = (noise * people**2).sum((1, 2)) / total**2
    surplus = surplus * _kept(surplus, total_noise, total, own_migration)
    mobile = movers * total[:, None, None] / (movers * people).sum((1, 2))[:, None, None]
    prior = whole + surplus[:, None, None] * mobile
    prior = prior + _own_bands(net, people, prior, noise, own_migration)
    return people * (prior + _own_ages(net, people, prior, noise, own_migration))


def _own_bands(
    net: np.ndarray, people: np.ndarray, prior: np.ndarray, noise: np.ndarray, own_migration: float
) -> np.ndarray:
    """(county, sex, age) rate on top of the prior that the county's bands show beyond noise."""
    size = by_band(people)
    extra = by_band(net - prior * people) / size
    variance = by_band(noise * people**2) / size**2
    kept = np.stack(
        [_kept(extra[:, band], variance[:, band], size[:, band], own_migration) for band in range(len(FITTED_BANDS))],
        axis=1,
    )
    return (extra * kept)[:, band_of(people.shape[-1])][:, None, :]


def _own_ages(
    net: np.ndarray, people: np.ndarray, prior: np.ndarray, noise: np.ndarray, own_migration: float
) -> np.ndarray:
    """(county, sex, age) rate on top of the prior that single ages show beyond noise, the variance by band."""
    extra = net / people - prior
    kept = np.empty_like(extra)
    band = band_of(people.shape[-1])
    for number in range(len(FITTED_BANDS)):
        inside = band == number
        kept[..., inside] = _kept(extra[..., inside], noise[..., inside], people[..., inside], own_migration)
    return extra * kept


def _kept(deviation: np.ndarray, noise: np.ndarray, weight: np.ndarray, own_migration: float) -> np.ndarray:
    """Share of a deviation that is kept: variance between places over it and noise (Efron and Morris 1975)."""
    between = max(float((weight * (deviation**2 - noise)).sum() / weight.sum()), 0.0) * own_migration
    return between / np.maximum(between + noise, 1e-15)
