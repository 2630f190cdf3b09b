"""What a result may claim that rests on several numbers."""

from __future__ import annotations

import pytest

from forecast.basics.basis import BASES, basis_or, weakest
from forecast.region.tables import BASIS_WORDS


def test_a_result_claims_no_more_than_its_weakest_number() -> None:
    assert weakest("published") == "published"
    assert weakest("derived", "published") == "derived"
    assert weakest(*BASES) == "assumed"
    with pytest.raises(ValueError, match="not in tuple"):
        weakest("published", "guessed")


def test_what_is_no_basis_claims_nothing() -> None:
    assert basis_or("derived", "assumed") == "derived"
    assert basis_or(None, "assumed") == basis_or("no supply", "assumed") == "assumed"


def test_a_region_may_say_each_of_them() -> None:
    assert tuple(BASIS_WORDS) == BASES
