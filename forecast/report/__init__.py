"""The report of a run: sentences, charts and tables in both languages, as one page that needs no network."""

from forecast.report.headline import headline
from forecast.report.html import prepare, render_html

__all__ = ["headline", "prepare", "render_html"]
