"""The report of a run: sentences, charts and tables in both languages, as one page that needs no network."""

from forecast.report.csv_tables import tables
from forecast.report.headline import headline
from forecast.report.html.page import render_html

__all__ = ["headline", "render_html", "tables"]
