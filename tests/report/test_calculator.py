"""Every number in the sentences of the first screen, of the flags and of the services is one of the cube; numbers that are not
are found."""

from __future__ import annotations

import numpy as np
import pytest

from forecast import read_region, read_scenario
from forecast.pipeline import run_forecast
from forecast.report.chapters.services import service_sentences
from forecast.report.view import View
from forecast.run.run import Run
from tests.findings.recorded import recorded
from tests.report.sentence_checker import Checker, planted


@pytest.fixture(scope="module", params=["shipped", "recorded"])
def run(request: pytest.FixtureRequest) -> Run:
    region = read_region("wenzhou") if request.param == "shipped" else recorded()
    return run_forecast(region, read_scenario("baseline"), trajectories=200, now=2026)


def sentences_of(run: Run) -> list[str]:
    view = View(run)
    told = [*run.headline["zh"], *(text.zh for text in run.flags.sentences.values())]
    return told + [
        f"{view.names.thing(s).zh}：{text.zh}" for s in view.services for text in service_sentences(view, s)[:2]
    ]


def test_every_number_is_one_of_the_cube(run: Run) -> None:
    checker = Checker(run)
    wrong = {sentence: found for sentence in sentences_of(run) if (found := checker.unknown(sentence))}
    assert wrong == {}


def test_most_planted_numbers_are_found(run: Run) -> None:
    """A changed number may by chance be another one of the cube; two of three are not."""
    checker = Checker(run)
    trials = list(planted(sentences_of(run), np.random.default_rng(7), 60))
    found = [bool(checker.unknown(changed)) for _, changed in trials]
    assert np.mean(found) >= 0.6, np.mean(found)
