"""Probabilities in words and numbers, so that "very likely" means the same on every page."""

from __future__ import annotations

import math

from forecast.basics.text import Text, count, joined, same
from forecast.report.view import View
from forecast.report.words import both

SCALE = (
    (99, "certain"),
    (90, "very_likely"),
    (66, "likely"),
    (34, "even"),
    (11, "unlikely"),
    (2, "very_unlikely"),
    (0, "exceptional"),
)
"""Whole per cent from which a word holds: the calibrated words of the IPCC (Mastrandrea et al. 2010)."""


def likelihood(probability: float) -> Text:
    """The word for a probability.

    >>> likelihood(0.5).en, likelihood(0.897).en, likelihood(0.004).en
    ('about as likely as not', 'very likely', 'exceptionally unlikely')
    """
    whole = round(100 * probability)
    word = next(word for least, word in SCALE if whole >= least)
    return both(f"likely.{word}")


def least_per_cent(trajectories: int) -> int:
    """The smallest probability told, in whole per cent: one trajectory among all, at least 1 %.

    >>> least_per_cent(1000), least_per_cent(50)
    (1, 2)
    """
    return max(1, math.ceil(100 / trajectories))


def chance(probability: float, trajectories: int, brief: bool = False) -> Text:
    """The number; at the ends no surer than so many trajectories can tell, and never 0 or 100 %.

    >>> chance(0.897, 1000).en, chance(1.0, 1000).en, chance(0.0, 50).en
    ('90%', 'over 99%', 'under 2%')
    """
    least = least_per_cent(trajectories)
    if 100 * probability < least:
        return same(f"<{least}%") if brief else both("likely.under", least=f"{least}%")
    if 100 * (1 - probability) < least:
        return same(f">{100 - least}%") if brief else both("likely.over", most=f"{100 - least}%")
    return same(f"{probability:.0%}")


def gap_range(view: View, place: str, service: str, year: int) -> Text:
    """The band of 80 % of supply minus demand: what is short, to spare, or may be either."""
    low, high = view.odds.band("gap_quantile", place, service, year)
    key = "sure.spare" if low >= 0 else "sure.short" if high <= 0 else "sure.either"
    ends = sorted((abs(low), abs(high))) if key != "sure.either" else (-low, high)
    return both(key, low=count(ends[0]), high=count(ends[1]), unit=view.names.unit_name(service))


def given(view: View) -> Text:
    """On what all probabilities are conditional."""
    supplied = [service for service in view.services if view.curves.has_gap(service)]
    assumed = [service for service in supplied if view.bases.supply(service) == "assumed"]
    if not assumed:
        return both("sure.given")
    if assumed == supplied:
        return both("sure.given_all_assumed")
    return both("sure.given_assumed", things=joined([view.names.thing(service) for service in assumed]))
