"""Basis of a number: published by someone, derived from what is published, or assumed."""

from __future__ import annotations

from typing import Literal, get_args

Basis = Literal["published", "derived", "assumed"]
BASES: tuple[Basis, ...] = get_args(Basis)
"""From the surest to the least sure."""


def weakest(*bases: str) -> Basis:
    """The basis that a result may claim which rests on all of these: the least sure of them.

    >>> weakest("published", "assumed", "derived")
    'assumed'
    """
    return BASES[max(map(BASES.index, bases))]


def basis_or(said: object, otherwise: Basis) -> Basis:
    """The basis that is said; `otherwise` where nothing is said, or something that is no basis."""
    return next((basis for basis in BASES if basis == said), otherwise)
