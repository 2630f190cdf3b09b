"""Data from which the page's script draws and speaks: charts with their rows, and the words that follow the reader's choice.

Rows travel as tables of columns. A column stands once, however many tables have it, in the shortest of three forms:
its values; its levels and their codes; or its levels, each told `each` times in turn, over and over.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd

from forecast.basics.basis import BASES
from forecast.basics.text import Text, count
from forecast.basics.tolerance import TOLERANCE
from forecast.report import theme
from forecast.report.chances import least_per_cent
from forecast.report.charts import born_until, charts_of, definition, drawing, names, train, units
from forecast.report.charts.drawing import colour_limit
from forecast.report.headline import in_title, steepest
from forecast.report.view import View
from forecast.report.words import both

COPIED = ("demand", "low", "high", "low80", "high80", "low95", "high95", "norm", "supply", "gap", "chance")
"""Columns of the courses that a copy of a whole service holds, in the order of the words `script.columns`."""


def pack(view: View, lang: str) -> str:
    """JSON that is safe inside <script>: no `<`, no line separators of JavaScript."""
    text = json.dumps(_packed(view, lang), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _packed(view: View, lang: str) -> dict[str, Any]:
    kinds = charts_of(view)
    formed = {rows: rows(view) for rows in dict.fromkeys(kind.rows for kind in kinds.values())}
    tables = {name: formed[kind.rows] for name, kind in kinds.items()}
    return {
        "lang": lang,
        "start": _start(view),
        "area": view.area,
        "places": view.places,
        "outlook": view.outlook_year,
        "names": names(view),
        "units": units(view),
        "services": {service: _service(view, service) for service in view.services},
        "specs": {name: definition(view, kind) for name, kind in kinds.items()},
        "by": {name: kind.by for name, kind in kinds.items()},
        "config": theme.config(),
        **_tables(tables | {"flags": _flags(view), "trains": _trains(view), "states": _states(view)}),
        "copied": COPIED,
        "words": {
            key: both(f"script.{key}").pair()
            for key in ("copied", "short", "spare", "fewer", "more", "upto", "columns", "persons")
        },
        "badges": {basis: both(f"badge.{basis}").pair() for basis in BASES},
    }


def _start(view: View) -> str:
    """The service that the page shows first, one of which the title speaks: a stage short or to spare, else that of the
    steepest fall, as the title then tells the wave."""
    told = in_title(view)
    stages = [service for service in told if view.meaning.is_stage(service)]
    falls = [service for service in [steepest(view)] if service]
    return [*stages, *falls, *told, *view.meaning.stages, *view.services][0]


def _service(view: View, service: str) -> dict[str, Any]:
    return {
        "thing": view.names.thing(service).pair(),
        "unit": view.names.unit_name(service).pair(),
        "born": born_until(view, service),
        "limit": colour_limit(view, service),
        "supplied": view.curves.has_gap(service),
        "gapped": view.kinds.by_county(service),
        "gap": view.bases.gap(service),
        "demand": view.bases.demand(service),
    }


# ---- words that follow the choice ----------------------------------------------------------------------------------


def _flags(view: View) -> pd.DataFrame:
    """By place and service: the sentence of its flag (zh, en) and the level of its warning."""
    flags, raised = view.run.flags, view.meaning.raised
    keys = [(place, service) for place in view.places for service in view.services]
    rows = [(*key, *flags.sentences[key].pair(), raised.get(key, "none")) for key in keys]
    return pd.DataFrame(rows, columns=["place", "service", "zh", "en", "level"])


def _trains(view: View) -> pd.DataFrame:
    """By place: the sentence of its train of crests (zh, en)."""
    rows = [(place, *train.said(view, place).pair()) for place in view.places]
    return pd.DataFrame(rows, columns=["place", "zh", "en"])


def _states(view: View) -> pd.DataFrame:
    """By place and service: what is short or to spare in the outlook year, or where no gap may be told the need then
    and its change (zh, en), and the tone of a gap, neg or pos."""
    then = drawing.told_courses(view)
    then = then[then["year"] == view.outlook_year].reindex(
        columns=["place", "service", "gap", "relative_gap", "chance", "demand"]
    )
    rows = [(place, service, *_state(view, place, service, *numbers)) for place, service, *numbers in then.to_numpy()]
    return pd.DataFrame(rows, columns=["place", "service", "zh", "en", "tone"])


def _state(
    view: View, place: str, service: str, gap: float, relative: float, chance: float, need: float
) -> tuple[str, str, str]:
    year = view.outlook_year
    if math.isnan(gap):
        change = float(drawing.change_of_need(view, service).at[place, year])
        said = both("script.need", year=year, need=count(need), change=_signed(change))
        return (said.zh, said.en, "") if math.isfinite(need) and math.isfinite(change) else ("", "", "")
    even = abs(relative) <= TOLERANCE
    size = Text("", "") if even else Text(count(abs(gap)).zh, f"{abs(gap):,.0f}")
    what = both("script.even" if even else "script.short" if gap < 0 else "script.spare")
    odds = _odds(view, chance)
    tone = "" if even else "neg" if gap < 0 else "pos"
    return f"{year}年{what.zh}{size.zh}{odds.zh}", f"{year} {what.en}{size.en}{odds.en}", tone


def _signed(share: float) -> str:
    """A change in whole per cent with its sign."""
    return f"{share:+.0%}".replace("-", "−") if abs(share) >= 0.005 else "0%"


def _odds(view: View, chance: float) -> Text:
    """Chance of a shortage, in whole per cent, no surer than the trajectories can tell."""
    if math.isnan(chance):
        return Text("", "")
    least, words = least_per_cent(view.trajectories), both("script.odds")
    told = (
        f"<{least}" if chance < least else f">{100 - least}" if chance > 100 - least else str(math.floor(chance + 0.5))
    )
    return Text(f" · {words.zh}{told}%", f" · {words.en}{told}%")


# ---- tables --------------------------------------------------------------------------------------------------------


def _tables(tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """`columns`, each once, and `tables`: name -> number of rows and the position of each of its columns."""
    position: dict[str, int] = {}
    known: dict[object, int] = {}  # by content, so that a column of several charts is put into form once
    placed: dict[str, Any] = {}
    for name, table in tables.items():
        placed[name] = {"n": len(table), "columns": {}}
        for title, values in table.items():
            bare = values.to_numpy()
            content = bare.dtype.str, tuple(bare) if bare.dtype == object else bare.tobytes()
            if content not in known:
                form = json.dumps(_column(_plain(bare)), ensure_ascii=False)
                known[content] = position.setdefault(form, len(position))
            placed[name]["columns"][title] = known[content]
    return {"columns": [json.loads(form) for form in position], "tables": placed}


def _plain(values: np.ndarray[Any, Any]) -> list[Any]:
    """As JSON has them: whole numbers without a point, None for what is not known."""
    if values.dtype.kind == "f":
        return [None if value != value else int(value) if value == int(value) else value for value in values.tolist()]
    return list(values.tolist())


def _column(values: list[Any]) -> dict[str, Any]:
    levels = list(dict.fromkeys(values))
    code = {level: position for position, level in enumerate(levels)}
    codes = [code[value] for value in values]
    each = next((position for position, number in enumerate(codes) if number), len(codes))
    if each and all(number == position // each % len(levels) for position, number in enumerate(codes)):
        return {"levels": levels, "each": each}
    coded, plain = {"levels": levels, "codes": codes}, {"values": values}
    return min(plain, coded, key=lambda form: len(json.dumps(form, ensure_ascii=False)))
