"""A run as one page that needs no network: chapters, charts and tables in both languages.

Scripts and style run under a content policy of their hashes, so nothing that came in with a name can run. Names and
numbers travel as JSON without `<`, and Jinja escapes every word of the text.
"""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from tempfile import NamedTemporaryFile

import jinja2
from markupsafe import Markup

from forecast.basics.folders import cache_folder
from forecast.basics.text import Text
from forecast.report.chapter import Chapter
from forecast.report.chapters import write_chapters
from forecast.report.chapters.sheets import sheets
from forecast.report.charts import CHARTS, charts_of
from forecast.report.html.markup import cell, heads, marked, raw, span
from forecast.report.html.pack import pack
from forecast.report.view import View
from forecast.report.words import both
from forecast.run.run import Run


def render_html(run: Run, lang: str = "zh") -> str:
    """The report as one HTML file; `lang` ("zh" or "en") is the language it opens in."""
    view = View(run)
    bundle, app, style = _bundle(), _asset("app.js"), _asset("page.css")
    policy = (
        f"default-src 'none'; script-src {_hash(bundle)} {_hash(app)}; style-src {_hash(style)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    page = _environment().get_template("page.html.j2")
    return page.render(
        lang=lang,
        policy=policy,
        title=both("page.title", area=view.names.whole),
        kick=_kick(view),
        chapters=[_with_charts_of(view, chapter) for chapter in write_chapters(view)],
        sheets=sheets(view),
        code_of={name: code for code, name in view.names.places.items()},
        view=view,
        charts=CHARTS,
        style=Markup(style),  # noqa: S704 - our own file
        bundle=Markup(bundle),  # noqa: S704 - Vega's, checked in _bundle
        app=Markup(app),  # noqa: S704 - our own file
        pack=Markup(pack(view, lang)),  # noqa: S704 - without <
    )


def _with_charts_of(view: View, chapter: Chapter) -> Chapter:
    """The chapter without the charts for which the run has nothing."""
    kinds = charts_of(view)
    return replace(chapter, charts=tuple(chart for chart in chapter.charts if chart.spec in kinds))


def _kick(view: View) -> Text:
    scenario = view.run.scenario
    day = str(view.run.manifest.get("time", ""))[:10]
    name = scenario.name.text
    return both("page.kick", scenario=name, jump_off=view.jump_off, horizon=view.horizon, day=day)


# ---- how the page is put together --------------------------------------------------------------------------------


@cache
def _bundle() -> str:
    """Vega, Vega-Lite and vega-embed as vl-convert ships them, as one script; kept between runs, as bundling starts a
    JavaScript engine and takes as long as a forecast of a city."""
    import vl_convert

    kept = cache_folder() / f"vega-{version('vl-convert-python')}.js"
    if kept.is_file():
        return kept.read_text("utf-8")
    bundle = str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    if "</script" in bundle.lower() or "<!--" in bundle:
        raise ValueError("the chart library cannot stand inside a script element")
    _keep(kept, bundle)
    return bundle


def _keep(place: Path, text: str) -> None:
    """Written to a sibling and moved, so that nobody reads half of it; where nothing can be kept, nothing is."""
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=place.parent, encoding="utf-8", newline="\n", delete=False) as file:
            file.write(text)
        Path(file.name).replace(place)


@cache
def _asset(name: str) -> str:
    return files("forecast.report.html").joinpath(name).read_text("utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("forecast.report.html", ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(words=both, span=span, marked=marked, cell=cell, heads=heads, raw=raw)
    return environment
