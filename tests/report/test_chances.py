"""Probabilities in words: no finer than the trajectories can tell."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.basics.text import chance, printed_chance
from forecast.report.chances import SCALE, likelihood


def test_words_follow_the_number_that_is_printed() -> None:
    assert [likelihood(p, 1000).zh for p in (0.997, 0.93, 0.7, 0.5, 0.2, 0.05, 0.001)] == [
        "几乎肯定", "很可能", "较可能", "约有一半可能", "不大可能", "很不可能", "几乎不可能",
    ]  # fmt: skip
    assert likelihood(0.88, 1000).en == likelihood(0.9, 1000).en  # both are printed as 90 %
    assert [least for least, _ in SCALE] == sorted((least for least, _ in SCALE), reverse=True)
    assert chance(0.0, 1000).pair() == ["不到1%", "under 1%"]
    assert chance(1.0, 40).pair() == ["超过95%", "over 95%"]
    assert chance(0.99, 1000).en == "99%"


def test_two_trajectories_make_nothing_certain() -> None:
    for share in (0.0, 0.5, 1.0):
        assert likelihood(share, 2).en == "about as likely as not"
    assert chance(1.0, 2).en == "over 50%"


@given(st.integers(2, 5000), st.data())
def test_a_step_is_never_finer_than_the_standard_error(trajectories: int, data: st.DataObject) -> None:
    share = data.draw(st.integers(0, trajectories)) / trajectories
    whole, step = printed_chance(share, trajectories)
    error = 100 * math.sqrt(share * (1 - share) / trajectories)
    assert step >= min(2 * error, 50) - 2.5  # Laplace's cautious share moves the error a little
    assert abs(whole - 100 * share) <= step / 2 + 1e-9
    assert whole % step == 0


@pytest.mark.parametrize("trajectories", [50, 200, 1000, 20_000])
def test_a_larger_share_is_never_told_as_a_chance_smaller_by_more_than_a_step(trajectories: int) -> None:
    told = [printed_chance(k / trajectories, trajectories) for k in range(trajectories + 1)]
    for (before, step), (after, wider) in pairwise(told):
        assert after >= before - max(step, wider) / 2
