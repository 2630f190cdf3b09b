"""The chapters of a report, in order. Each is one function from the view of a run to sentences, charts and tables."""

from __future__ import annotations

from collections.abc import Callable

from forecast.report.chapter import Chapter
from forecast.report.chapters.accuracy import accuracy
from forecast.report.chapters.certainty import certainty
from forecast.report.chapters.first_wave import wave
from forecast.report.chapters.population import population
from forecast.report.chapters.schools.sentences import schools
from forecast.report.chapters.services import childcare, elder_care, gaps, health
from forecast.report.chapters.sources import sources
from forecast.report.chapters.summary import summary
from forecast.report.chapters.waves import waves
from forecast.report.view import View

CHAPTERS: tuple[Callable[[View], Chapter | None], ...] = (
    summary,
    gaps,
    certainty,
    waves,
    wave,
    schools,
    childcare,
    elder_care,
    health,
    population,
    accuracy,
    sources,
)


def write_chapters(view: View) -> list[Chapter]:
    """Every chapter that the run has something for."""
    return [chapter for write in CHAPTERS if (chapter := write(view)) is not None]
