"""Probabilities in words."""

from __future__ import annotations

from forecast.report.chances import SCALE, chance, likelihood


def test_words_follow_the_number_that_is_printed() -> None:
    assert [likelihood(p).zh for p in (0.997, 0.93, 0.7, 0.5, 0.2, 0.05, 0.001)] == [
        "几乎肯定", "很可能", "较可能", "约有一半可能", "不大可能", "很不可能", "几乎不可能",
    ]  # fmt: skip
    assert likelihood(0.895).en == likelihood(0.9).en  # both are printed as 90 %
    assert [least for least, _ in SCALE] == sorted((least for least, _ in SCALE), reverse=True)
    assert chance(0.0, 1000).pair() == ["不到1%", "under 1%"]
    assert chance(1.0, 40).pair() == ["超过97%", "over 97%"]
    assert chance(0.99, 1000).en == "99%"
