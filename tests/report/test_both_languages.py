"""Both languages of every text say the same years, amounts and shares."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

from forecast import read_region, read_scenario
from forecast.basics.text import Text
from forecast.pipeline import run_forecast
from tests.findings.recorded import recorded
from tests.report.texts import texts_of

SCALES = {"万": 1e4, "亿": 1e8, "million": 1e6, "billion": 1e9}
UNITS = re.compile(r"每?千人|per 1,000|万元|10,000 yuan|每多1%|one per cent|12月31日|31 December")
"""Numbers that belong to a unit, which each language has in its own way."""

NUMBER = re.compile(r"(?<![A-Za-z\d.,])(\d[\d,]*(?:\.\d+)?)(?: ?(万|亿|million|billion))?(%)?")

UNLIKE = {
    "sources": "what a source says of itself is in the language of the source",
    "sheet_need": "the note tells Chinese readers what a range of 80% leaves out, and English ones what it holds",
    "school_counties": "the note says in Chinese that the ranges are of 80%",
}
"""Part of the place -> why the languages may differ there."""


@pytest.fixture(scope="module", params=["recorded", "rolls"])
def texts(request: pytest.FixtureRequest) -> list[tuple[str, Text]]:
    region = recorded() if request.param == "recorded" else read_region("wenzhou")
    run = run_forecast(region, read_scenario("baseline"), trajectories=30, seed=3, now=2026)
    return [(where, text) for where, text in texts_of(run) if not any(part in where for part in UNLIKE)]


def numbers(said: str) -> tuple[list[tuple[float, float]], list[float]]:
    """Amounts and years from 20 on, each with half a unit of its last digit where it is rounded to a scale, and per cents; each in order of size."""
    amounts, shares = [], []
    for match in NUMBER.finditer(UNITS.sub(" ", said)):
        digits, scale = match[1].replace(",", ""), SCALES.get(match[2], 1.0)
        value = float(digits) * scale
        if match[3]:
            shares.append(value)
        elif value >= 20:
            step = 10.0 ** -len(digits.partition(".")[2]) * scale
            amounts.append((value, 0.0 if step == 1 else 0.5 * step))
    return sorted(amounts), sorted(shares)


def agree(text: Text) -> bool:
    """Whether the numbers of both languages are the same within what each rounds to."""
    (here, own), (there, others) = numbers(text.zh), numbers(text.en)
    if own != others or len(here) != len(there):
        return False
    pairs = zip(here, there, strict=True)
    return all(
        abs(a - b) <= (slack_a + max(slack_b, 0.005 * b) if slack_a or slack_b else 0)
        for (a, slack_a), (b, slack_b) in pairs
    )


def test_both_languages_say_the_same_numbers(texts: list[tuple[str, Text]]) -> None:
    assert sum(bool(numbers(text.zh)[0]) for _, text in texts) > 500
    assert [(where, text.zh, text.en) for where, text in texts if not agree(text)] == []


def planted(texts: list[tuple[str, Text]], rng: np.random.Generator, count: int) -> Iterator[Text]:
    """Texts of which one number of one language is another one: a year one or two later, an amount or a share larger or
    smaller by a fifth or more."""
    told = [text for _, text in texts if numbers(text.zh)[0]]
    for _ in range(count):
        text = told[int(rng.integers(len(told)))]
        lang = ("zh", "en")[int(rng.integers(2))]
        matches = [match for match in NUMBER.finditer(text[lang]) if float(match[1].replace(",", "")) >= 20 or match[2]]
        match = matches[int(rng.integers(len(matches)))]
        value = float(match[1].replace(",", ""))
        if re.fullmatch(r"20[0-5]\d", match[1]):
            other = f"{value + rng.integers(1, 3):.0f}"
        else:
            digits = len(match[1].partition(".")[2])
            other = f"{value * rng.choice([0.5, 0.8, 1.2, 1.5]) + 1:.{digits}f}"
        said = text[lang][: match.start(1)] + other + text[lang][match.end(1) :]
        yield Text(said, text.en) if lang == "zh" else Text(text.zh, said)


def test_planted_differences_are_found(texts: list[tuple[str, Text]]) -> None:
    missed = [text for text in planted(texts, np.random.default_rng(4), 200) if agree(text)]
    assert len(missed) <= 10, missed
