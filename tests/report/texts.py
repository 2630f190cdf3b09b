"""Every text that a reader of a run sees, with where it stands: headline, chapters, sheets, tables, flags, the page's words."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.basics.text import Text
from forecast.report.chapter import Chapter, Table
from forecast.report.chapters import write_chapters
from forecast.report.chapters.sheets import sheets
from forecast.report.charts import charts_of
from forecast.report.view import View
from forecast.run.run import Run


def texts_of(run: Run) -> Iterator[tuple[str, Text]]:
    """(where, text) of everything in words; numbers alone are left out."""
    view = View(run)
    for zh, en in zip(run.headline["zh"], run.headline["en"], strict=True):
        yield "headline", Text(zh, en)
    for chapter in write_chapters(view):
        yield from _of_chapter(chapter)
        yield from _of_charts(chapter, view)
    for place, sheet in sheets(view).items():
        for page in sheet:
            for where, text in _of_chapter(page):
                yield f"sheet {place} {where}", text
    for (place, service), sentence in run.flags.sentences.items():
        yield f"flag {place} {service}", sentence


def _of_charts(chapter: Chapter, view: View) -> Iterator[tuple[str, Text]]:
    """Titles and notes as the page shows them: of need where no county has a gap that may be told."""
    gapped = any(view.kinds.by_county(service) for service in view.services)
    for chart in chapter.charts:
        if chart.spec in charts_of(view):
            said = chart if gapped or chart.of_need is None else chart.of_need
            yield from ((f"{chapter.id} chart {chart.id}", text) for text in (said.title, said.note))


def _of_chapter(chapter: Chapter) -> Iterator[tuple[str, Text]]:
    where = chapter.id
    yield where, chapter.title
    yield from ((where, text) for text in chapter.sentences)
    for service, own in chapter.by_service.items():
        yield from ((f"{where} {service}", text) for text in own)
    for figure in chapter.figures:
        yield from ((f"{where} tile", text) for text in (figure.value, figure.caption))
    for line in chapter.board:
        yield from ((f"{where} board", text) for text in (line.kind, line.peak, line.gap, line.decide, line.sentence))
    for listing in chapter.listings:
        yield from ((f"{where} list", text) for text in (listing.title, *listing.items))
    for table in (*chapter.opening, *chapter.tables):
        yield from ((f"{where} table {table.id}", text) for text in _of_table(table))


def _of_table(table: Table) -> Iterator[Text]:
    yield table.title
    if table.note is not None:
        yield table.note
    for column in table.columns:
        yield column.title
        if column.group is not None:
            yield column.group
    for row in table.rows:
        yield from (cell for cell in row if isinstance(cell, Text))
