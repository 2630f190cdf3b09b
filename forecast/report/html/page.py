"""A run as one page that needs no network: chapters, charts and tables in both languages.

Scripts and style run under a content policy of their hashes, so nothing that came in with a name can run. Names and
numbers travel as JSON without `<`, and Jinja escapes every word of the text.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import jinja2
from markupsafe import Markup, escape

from forecast.basics.basis import BASES
from forecast.basics.folders import cache_folder
from forecast.basics.text import Text
from forecast.findings.levels import BALANCED_IN_WORDS
from forecast.report import theme
from forecast.report.chances import chance, least_per_cent
from forecast.report.chapter import Cell, Column, Table
from forecast.report.chapters import write_chapters
from forecast.report.chapters.certainty import cause_years
from forecast.report.chapters.population import GROUPS
from forecast.report.chapters.waves import begun_first, by_place, raised
from forecast.report.charts import BIRTHS, definitions
from forecast.report.charts.drawing import colour_limit
from forecast.report.charts.overview import grid
from forecast.report.charts.schools import crest_changes, planned_uses, posts_by_year
from forecast.report.headline import steepest
from forecast.report.view import View
from forecast.report.view.odds import BANDS, BIRTHS_ITEM
from forecast.report.view.school_view import SchoolView
from forecast.report.words import END_SHORT, END_SURPLUS, SHORT, SURPLUS, both
from forecast.run.run import Run

SERIES = {"demand": "demand", "norm": "demand_norm", "supply": "supply", "gap": "gap"}
"""Name in the page -> variable of the run."""

SELDOM = 0.25
"""Probability below which no train of crests is drawn."""

_TAGS = {SHORT: "<em>", END_SHORT: "</em>", SURPLUS: "<i>", END_SURPLUS: "</i>"}


def render_html(run: Run, lang: str = "zh") -> str:
    """The report as one HTML file; `lang` ("zh" or "en") is the language it opens in."""
    view = View(run)
    schools = view.schools
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
        chapters=write_chapters(view),
        view=view,
        stages=schools.stages if schools else [],
        steps=schools.acting if schools else [],
        style=Markup(style),  # noqa: S704 - our own file
        bundle=Markup(bundle),  # noqa: S704 - Vega's, checked in _bundle
        app=Markup(app),  # noqa: S704 - our own file
        pack=Markup(_json(_pack(view, lang) | (_schools(schools) if schools else {}))),  # noqa: S704 - without <, see _json
    )


def _kick(view: View) -> Text:
    scenario = view.run.scenario
    day = str(view.run.manifest.get("time", ""))[:10]
    name = scenario.name.text
    return both("page.kick", scenario=name, jump_off=view.jump_off, horizon=view.horizon, day=day)


# ---- what the page draws from -----------------------------------------------------------------------------------


def _pack(view: View, lang: str) -> dict[str, Any]:
    """Names, numbers, definitions of charts and the words that the script needs."""
    return {
        "lang": lang,
        "start": steepest(view) or (view.meaning.stages or view.services)[0],
        "area": view.area,
        "places": view.places,
        "counties": view.counties,
        "grid": grid(view),
        "years": view.years,
        "jump": view.jump_off,
        "look": view.outlook_year,
        "tolerance": BALANCED_IN_WORDS,
        "least": least_per_cent(view.trajectories),
        "names": _names(view),
        "services": {service: _service(view, service) for service in view.services},
        "stages": view.meaning.stages,
        "series": {place: {one: _series(view, place, one) for one in view.services} for place in view.places},
        "births": _births(view),
        "causes": _causes(view),
        "cause_order": list(theme.CAUSES),
        "groups": _groups(view),
        "people": _people(view) if view.many else {},
        "classes": list(theme.CLASSES),
        "flags": _flags(view),
        "trains": _trains(view),
        "crests": {place: _crests(view, place) for place in view.places},
        "specs": definitions(view),
        "config": theme.config(),
        "words": {key: both(f"script.{key}").pair() for key in SCRIPT_WORDS},
        "badges": {basis: both(f"badge.{basis}").pair() for basis in BASES},
    }


SCRIPT_WORDS = ("copied", "short", "spare", "upto", "even", "columns", "persons", "odds")


def _names(view: View) -> dict[str, list[str]]:
    short = {service: view.names.short(service).pair() for service in view.services}
    places = {place: name.pair() for place, name in view.names.places.items()}
    causes = {name: both(f"cause.{name}").pair() for name in theme.CAUSES}
    steps = {name: both(f"step.{name}").pair() for name in theme.STEPS}
    uses = {name: both(f"school.{name}").pair() for name in theme.USES}
    return {BIRTHS: both("age_0").pair(), **steps, **uses, **causes, **short, **places}


def _service(view: View, service: str) -> dict[str, Any]:
    return {
        "thing": view.names.thing(service).pair(),
        "unit": view.names.unit_name(service).pair(),
        "born": view.meaning.born_until(service) if view.meaning.is_stage(service) else view.jump_off,
        "stage": view.meaning.is_stage(service),
        "limit": colour_limit(view, service),
        "supplied": view.curves.has_gap(service),
        "gap": view.bases.gap(service),
        "demand": view.bases.demand(service),
    }


def _series(view: View, place: str, service: str) -> dict[str, Sequence[float | None]]:
    """Whole numbers by year, None where nothing is known; `low` and `high` from the jump-off year on, `p` in per cent."""
    found: dict[str, Sequence[float | None]] = {
        name: _whole(view.curves.table(variable, service).loc[place]) for name, variable in SERIES.items()
    }
    ends = [view.curves.table(name, service).loc[place] for name in ("demand_low", "demand_high")]
    ahead = [year >= view.jump_off for year in view.years]
    for name, choose in (("low", min), ("high", max)):
        pairs = zip(*ends, ahead, strict=True)
        found[name] = _whole(choose(a, b) if later else math.nan for a, b, later in pairs)
    if view.many:
        row = view.places.index(place)
        now = view.curves.at("demand", place, service, view.jump_off)
        found |= _bands(view, "demand_quantile", place, service, now)
        found["p"] = [
            None if math.isnan(one) else round(100 * one, 1) for one in view.odds.by_year("p_short", service)[row]
        ]
    if place == view.area:
        seen = view.curves.observed(service)
        if len(seen):
            found["seen"] = _whole(seen.get(year, math.nan) for year in view.years)
    return found


def _flags(view: View) -> dict[str, dict[str, Any]]:
    """Class, sentences, what lasts and what stands above it by year, and which class has begun, by place and service."""
    flags = view.run.flags
    lasting, crest, begun = (by_place(view, variable) for variable in ("lasting", "crest", "begun"))
    level = raised(view)
    before = [None] * view.years.index(int(flags.classes["year"][0]))
    found: dict[str, dict[str, Any]] = {place: {} for place in view.places}
    for place in view.places:
        for service in view.services:
            key = place, service
            found[place][service] = {
                "k": flags.facts[key].category or "unknown",
                "level": level.get(key, ""),
                "said": flags.sentences[key].pair(),
                "lasting": [*before, *_whole(lasting[key])],
                "crest": [*before, *_whole(crest[key])],
                "begun": [*before, *begun_first(begun[key])],
            }
    return found


def _trains(view: View) -> dict[str, dict[str, Any]]:
    """The train of crests that most trajectories have, by place; where hardly any has one, that there is none."""
    table = view.run.flags.trains.query("kind == 'stages'")
    found: dict[str, dict[str, Any]] = {}
    for place in view.places:
        own = table[table["county"] == place].sort_values("probability")
        if own.empty or own["probability"].iloc[-1] < SELDOM:
            found[place] = {"said": both("train.none").pair(), "rows": []}
            continue
        one = own.iloc[-1]
        lags = [None, *(round(lag) for lag in one["lags"])]
        rows = [
            {"at": view.meaning.stages.index(service), "year": year, "low": low, "high": high, "lag": lag}
            for service, year, (low, high), lag in zip(
                one["services"], one["peak_years"], one["peak_ranges"], lags, strict=True
            )
        ]
        share = chance(float(one["probability"]), view.trajectories, brief=True)
        said = both("train.said", first=one["born_first"], last=one["born_last"], share=share)
        if not view.many:
            said = both("train.single", first=one["born_first"], last=one["born_last"])
        found[place] = {"said": said.pair(), "rows": rows}
    return found


def _schools(schools: SchoolView) -> dict[str, Any]:
    """Posts, why crests fall, and what planned places are used for."""
    own = {"posts": posts_by_year(schools), "changes": crest_changes(schools), "planned": planned_uses(schools)}
    return own | {"steps": list(theme.STEPS), "uses": list(theme.USES)}


def _bands(view: View, variable: str, place: str, item: str, now: float) -> dict[str, list[int | None]]:
    """low80, high80, low95, high95 by year, opening from `now` in the jump-off year."""
    row, start = view.places.index(place), view.years.index(view.jump_off)
    found = {}
    for share, levels in BANDS.items():
        for end, level in zip(("low", "high"), levels, strict=True):
            values = view.odds.level(variable, item, level)[row].copy()
            values[start] = now
            found[f"{end}{share}"] = _whole(values)
    return found


def _groups(view: View) -> dict[str, dict[str, int]]:
    """Age group -> the last year in which all of it were born at the jump-off date."""
    first_ages = {group: first for group, (first, _) in GROUPS.items()} | {BIRTHS_ITEM: 0}
    return {group: {"born": view.jump_off + first} for group, first in first_ages.items()}


def _people(view: View) -> dict[str, dict[str, dict[str, list[int | None]]]]:
    """Residents by age group, and births, with their bands, by place."""
    found: dict[str, dict[str, dict[str, list[int | None]]]] = {place: {} for place in view.places}
    series = {group: ("population_quantile", view.curves.persons(*ages)) for group, ages in GROUPS.items()}
    series[BIRTHS_ITEM] = ("births_quantile", view.curves.births())
    for group, (variable, table) in series.items():
        for place, values in zip(view.places, table.to_numpy(), strict=True):
            now = float(values[view.years.index(view.jump_off)])
            found[place][group] = {"v": _whole(values), **_bands(view, variable, place, group, now)}
    return found


def _causes(view: View) -> dict[str, dict[int, dict[str, float]]]:
    """Shares of the uncertainty of the whole's demand, by service and year."""
    return {
        service: {
            year: {name: round(share, 4) for name, share in view.odds.shares(service, year).items()}
            for year in cause_years(view)
        }
        for service in view.services
    }


def _births(view: View) -> dict[str, list[int | None]]:
    babies = view.curves.persons(0, 0)
    return {place: _whole(babies.loc[place]) for place in view.places}


def _crests(view: View, place: str) -> dict[str, list[int]]:
    return {service: [crest.year for crest in view.meaning.crests(place, service)] for service in view.meaning.stages}


def _whole(values: Any) -> list[int | None]:
    return [round(float(value)) if math.isfinite(float(value)) else None for value in values]


def _json(value: object) -> str:
    """JSON that is safe inside <script>: no `<`, no line separators of JavaScript."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


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
    environment.globals.update(class_names=list(theme.CLASSES), uses=list(theme.USES))
    return environment


def span(text: Text) -> Markup:
    """Both languages beside each other, of which the page shows one; once where they are the same."""
    if text.zh == text.en:
        return escape(text.zh)
    return Markup('<span class="zh">{}</span><span class="en" lang="en">{}</span>').format(text.zh, text.en)


def marked(text: Text) -> Markup:
    """As `span`, what is short and what is to spare in colour. Tags come from constants; words are escaped."""
    html = str(span(text))
    for mark, tag in _TAGS.items():
        html = html.replace(mark, tag)
    return Markup(html)  # noqa: S704 - escaped by span


def cell(value: Cell, column: Column, trajectories: int = 1) -> Markup:
    """A cell as it is read; the raw number stands in `raw`. trajectories: on which a probability rests."""
    if value is None:
        return Markup("–")
    if column.kind == "basis":
        return badge(str(value))
    if isinstance(value, Text):
        return span(value)
    if isinstance(value, str):
        return escape(value)
    if not math.isfinite(value):
        return Markup("–")
    if column.kind == "chance":
        return span(chance(value, trajectories, brief=True))
    forms = {
        "count": ",.0f",
        "signed": "+,.0f",
        "moved": "+,.0f",
        "percent": ".1%",
        "change": "+.1%",
        "ratio": ".3f",
        "year": ".0f",
    }
    words = f"{value:{forms[column.kind]}}"
    if not any(digit in words for digit in "123456789"):
        words = words.lstrip("+-")  # a rounded nothing has no sign
    return escape(words.replace("-", "−"))


def raw(value: Cell) -> float | None:
    """The number that a copy for a spreadsheet carries; None for words and for what is not known."""
    if isinstance(value, (int, float)) and math.isfinite(value):
        return round(value, 6)
    return None


def badge(basis: str) -> Markup:
    return Markup('<span class="badge b-{}">{}</span>').format(basis, span(both(f"badge.{basis}")))


def heads(table: Table) -> list[tuple[Text | None, int]]:
    """Headings over neighbouring columns of one group, with how many they span; empty where there are no groups."""
    if not any(column.group for column in table.columns):
        return []
    found: list[tuple[Text | None, int]] = []
    for column in table.columns:
        if found and found[-1][0] == column.group:
            found[-1] = (column.group, found[-1][1] + 1)
        else:
            found.append((column.group, 1))
    return found
