"""Probabilities in words and numbers, so that "very likely" means the same on every page."""

from __future__ import annotations

from forecast.basics.text import Text, chance, count, joined, printed_chance
from forecast.report.view import View
from forecast.report.words import both

__all__ = ["SCALE", "chance", "gap_range", "given", "least_per_cent", "likelihood"]

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


def likelihood(probability: float, trajectories: int) -> Text:
    """The word for a probability as it is printed, so that a few trajectories never make anything certain.

    >>> likelihood(0.5, 1000).en, likelihood(0.897, 1000).en, likelihood(0.004, 1000).en, likelihood(1.0, 2).en
    ('about as likely as not', 'very likely', 'exceptionally unlikely', 'about as likely as not')
    """
    whole, step = printed_chance(probability, trajectories)
    least = min(max(whole, step), 100 - step)
    word = next(word for bound, word in SCALE if least >= bound)
    return both(f"likely.{word}")


def least_per_cent(trajectories: int) -> int:
    """The smallest probability told, in whole per cent.

    >>> least_per_cent(1000), least_per_cent(50)
    (1, 5)
    """
    return printed_chance(0.0, trajectories)[1]


def gap_range(view: View, place: str, service: str, year: int) -> Text:
    """The band of 80 % of supply minus demand: what is short, to spare, or may be either; where supply is the most that
    was ever held, what is more, fewer, or may be either."""
    low, high = view.odds.band("gap_quantile", place, service, year)
    side = "spare" if low >= 0 else "short" if high <= 0 else "either"
    ends = sorted((abs(low), abs(high))) if side != "either" else (-low, high)
    words = view.kinds.words(place, service)
    return both(f"range.{words}_{side}", low=count(ends[0]), high=count(ends[1]), unit=view.names.unit_name(service))


def given(view: View) -> Text:
    """On what all probabilities are conditional, and which supplies that are told of are assumptions."""
    assumed = [
        view.names.thing(service)
        for service in view.services
        if view.kinds.words(view.area, service) != "need" and view.bases.supply(service) == "assumed"
    ]
    return both("sure.given_assumed", things=joined(assumed)) if assumed else both("sure.given")
