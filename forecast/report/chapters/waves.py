"""The waves that a bureau reads: what lasts and what is a crest, by when to decide, who could help whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.catalogue import say_both
from forecast.basics.dims import COUNTY, SERVICE
from forecast.basics.text import Text, chance, joined, strung, year_text
from forecast.basics.units import rough_amount
from forecast.report.chapter import BoardLine, Cell, Chapter, Chart, Column, Panel, Table
from forecast.report.view import View
from forecast.report.words import both
from forecast.waves import CATEGORIES

if TYPE_CHECKING:
    from forecast.waves import Facts as Flag

DASH = Text("–", "–")

FIRST = 12
"""Pairs shown, the largest first."""


def waves(view: View) -> Chapter | None:
    """The whole on one screen, then the counties: classes, the page of one county, its train, when a class begins."""
    flags = view.run.flags
    panels = tuple(Panel(view.names.short(service), {"service": service}) for service in view.services)
    weakest = view.bases.weakest_gap
    charts = [
        Chart("classes", "classes", both("chart.classes.title"), both("chart.classes.note"), basis=weakest),
        Chart(
            "county",
            "lasting",
            both("chart.lasting.title"),
            both("chart.lasting.note", window=_windows(view)),
            controls=("place",),
            panels=panels,
            by_place=True,
            basis=weakest,
            told="flag",
            pages=True,
            folded=True,
        ),
        Chart(
            "train",
            "train",
            both("chart.train.title"),
            both("chart.train.note"),
            ("place",),
            by_place=True,
            basis="derived",
            told="train",
            folded=True,
        ),
        Chart(
            "begun",
            "begun",
            both("chart.begun.title"),
            both("chart.begun.note"),
            ("service",),
            by_service=True,
            folded=True,
        ),
    ]
    tables = (_synchrony(view), _pairs(view), _cross(view))
    return Chapter(
        id="waves",
        menu=both("menu.waves"),
        title=both("waves_chapter.title", area=view.names.whole, now=flags.now),
        sentences=tuple(_late(view)),
        board=tuple(_line(view, service) for service in view.services),
        charts=tuple(chart for chart in charts if chart.spec != "train" or view.meaning.stages),
        tables=tuple(table for table in tables if table is not None),
    )


def _windows(view: View) -> str:
    """Break-even years of the services: 12, or 8–12."""
    years = view.run.flags.classes["window"].values.tolist()
    return f"{min(years)}" if min(years) == max(years) else f"{min(years)}–{max(years)}"


# ---- the whole on one screen -------------------------------------------------------------------------------------


def _late(view: View) -> list[Text]:
    """Once for all: which services are so late that their answer must be decided this year."""
    flags = view.run.flags
    late = [
        view.names.thing(service)
        for service in view.services
        if (act := flags.facts[view.area, service].act_from) is not None and act <= flags.now
    ]
    return [both("waves_chapter.late", things=joined(late), now=flags.now)] if late else []


def _line(view: View, service: str) -> BoardLine:
    flag = view.run.flags.facts[view.area, service]
    named = flag.category and say_both(f"waves.class_{flag.words}.{flag.category}")
    return BoardLine(
        service=view.names.short(service),
        level=view.meaning.raised.get((view.area, service), ""),
        kind=named or both("class.unknown"),
        chance=DASH if flag.probability is None else chance(flag.probability, view.trajectories, brief=True),
        peak=_peak(flag),
        gap=_standing(flag, view.names.unit(service)),
        decide=DASH if flag.act_from is None else both("board.by", year=max(flag.act_from, flag.now)),
        sentence=view.run.flags.sentences[view.area, service],
    )


def _peak(flag: Flag) -> Text:
    if flag.plateau is not None:
        return both("board.plateau", first=flag.plateau[0], last=flag.plateau[1])
    if flag.peak_year is None or flag.peak_low is None or flag.peak_high is None:
        return DASH
    if flag.peak_low == flag.peak_high:
        return both("board.peak", year=flag.peak_year)
    return both("board.peak_range", year=flag.peak_year, low=flag.peak_low, high=flag.peak_high)


def _standing(flag: Flag, unit: str) -> Text:
    """Amounts short and to spare, or above and below the most ever held, in the order of the years; both for a crest that
    surplus follows. The change of need where nothing may be said of supply."""
    if not flag.category:
        return _change(flag)
    gaps = [(flag.crest_year, flag.crest_gap), (flag.gap_year, flag.gap)]
    sides = ("short", "spare") if flag.words == "gap" else ("more", "fewer")
    parts = [
        both(f"board.{sides[gap > 0]}", year=year, amount=rough_amount(abs(gap), unit))
        for year, gap in gaps
        if year is not None and gap is not None
    ]
    return strung(parts) if parts else DASH


def _change(flag: Flag) -> Text:
    need = flag.need
    if need is None or not need.before > 0 or need.year <= flag.now:
        return DASH
    return both(
        "board.need", now=flag.now, year=need.year, change=f"{need.after / need.before - 1:+.0%}".replace("-", "−")
    )


# ---- who could help whom -----------------------------------------------------------------------------------------


def _synchrony(view: View) -> Table | None:
    """Share of the counties in each class, by service."""
    shares = view.run.sharing.alike.transpose(SERVICE, "category").to_pandas()
    told = [service for service in view.services if view.kinds.by_county(service)]
    if not told:
        return None
    columns = [Column(both("table.what")), *(Column(both(f"class.{name}"), "percent") for name in CATEGORIES)]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (view.names.short(service), *(float(shares.at[service, name]) for name in CATEGORIES)) for service in told
    )
    return Table(
        "table_synchrony", both("table.synchrony"), tuple(columns), rows, both("table.synchrony_note"), "derived"
    )


def _pairs(view: View) -> Table | None:
    """Pairs of near counties of which one is short while the other has places to spare."""
    sharing = view.run.sharing
    if sharing.pairs is None:
        return None
    how = sharing.by
    names = view.names.places
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            view.names.short(row.service),
            names[row.short_county],
            names[row.spare_county],
            float(getattr(row, how)),
            _span(row.first_year, row.last_year),
            round(row.place_years),
            row.probability,
        )
        for row in sharing.pairs.head(FIRST).itertuples()
    )
    columns = (
        Column(both("table.what")),
        Column(both("table.short_county")),
        Column(both("table.spare_county")),
        Column(both(f"table.{how}"), "count"),
        Column(both("table.years")),
        Column(both("table.place_years"), "count"),
        Column(both("table.chance"), "chance"),
    )
    note = both(f"table.pairs_note_{how}", limit=f"{sharing.limit:g}")
    return Table("table_pairs", both("table.pairs"), columns, rows, note, "assumed") if rows else None


def _span(first: int, last: int) -> Text:
    return both("years.one", first=first) if first == last else both("years.span", first=first, last=last)


def _cross(view: View) -> Table | None:
    """Floor area inside a county that one service empties while another lacks it, in the year with most of it."""
    areas = view.run.sharing.follow_on_area
    lines = pd.concat([_cross_lines(areas, str(pair), view) for pair in areas["pair"].values], ignore_index=True)
    lines = lines[lines["area"] >= 1].sort_values("area", ascending=False, kind="stable").head(FIRST)
    if lines.empty:
        return None
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            view.names.places[r.county],
            r.empties,
            r.lacks,
            year_text(r.year),
            round(r.area),
            r.probability,
        )
        for r in lines.itertuples()
    )
    columns = (
        Column(both("table.place")),
        Column(both("table.empties")),
        Column(both("table.lacks")),
        Column(both("table.largest_in")),
        Column(both("table.square_metres"), "count"),
        Column(both("table.chance"), "chance"),
    )
    note = both("table.cross_note", list=_floor_list(view))
    return Table("table_cross", both("table.cross"), columns, rows, note, "assumed")


def _cross_lines(areas: xr.Dataset, pair: str, view: View) -> pd.DataFrame:
    empties, lacks = pair.split(" > ")
    area = areas["area"].sel(pair=pair).transpose(COUNTY, "year").to_numpy()
    share = areas["probability"].sel(pair=pair).transpose(COUNTY, "year").to_numpy()
    best = np.nan_to_num(area).argmax(axis=1)
    counties = np.arange(len(best))
    return pd.DataFrame(
        {
            "county": [str(code) for code in areas[COUNTY].values],
            "empties": [view.names.short(empties)] * len(best),
            "lacks": [view.names.short(lacks)] * len(best),
            "year": areas["year"].values[best],
            "area": np.nan_to_num(area[counties, best]),
            "probability": share[counties, best],
        }
    )


def _floor_list(view: View) -> Text:
    floors = view.run.sharing.floor_area
    parts = [both("table.floor", what=view.names.short(name), area=f"{size:g}") for name, size in floors.items()]
    return strung(parts, "、")
