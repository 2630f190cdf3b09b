"""Rules that look at more than one cell: codes, duplicates, complete sets of ages and sexes, totals, sources.

Each rule takes parsed tables and adds what it finds; none changes a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecast.basics.catalogue import say_both
from forecast.basics.dims import OPEN_AGE, SEXES
from forecast.basics.issues import nearest
from forecast.basics.text import Text, joined, same, year_text
from forecast.region.cells import PART, TOTAL
from forecast.region.faults import Faults, hint, listed, shown
from forecast.region.parse import Parsed
from forecast.region.sources import Conditions, FilterFault, read_filter, winning_lines
from forecast.region.tables import TABLES, Table


@dataclass(frozen=True)
class Places:
    """The area codes that a region knows.

    `counties` and `parents`: code -> names (zh, en); `members`: parent -> its counties;
    `boundaries`: (year, printed code) -> the present counties whose union contains it.
    """

    counties: Mapping[str, Text]
    parents: Mapping[str, Text]
    members: Mapping[str, frozenset[str]]
    boundaries: Mapping[tuple[int, str], frozenset[str]] = field(default_factory=dict)

    def knows(self, code: str) -> bool:
        return code in self.counties or code in self.parents

    def name(self, code: str) -> Text:
        """Code and name, as a message shows an area."""
        names = self.counties.get(code) or self.parents.get(code)
        return joined([same(code), names], " ", " ") if names else same(code)

    def covers(self, code: str, year: int) -> frozenset[str]:
        """The present counties that a code printed for a year stands for."""
        printed = self.boundaries.get((year, code))
        return printed if printed is not None else frozenset({code} if code in self.counties else ())


def check_counties(parsed: Parsed, places: Places, findings: Faults) -> None:
    """No county has the code of the region or of an area around it, whose figures are those of all its counties."""
    frame = parsed.frame[parsed.frame["county"].isin(list(places.parents))]
    codes = frame["county"].tolist()
    findings.rows(
        "E136",
        parsed.file,
        frame["row"].tolist(),
        parsed.header("county"),
        lambda i: {"found": codes[i], "area": places.parents[codes[i]]},
    )


def check_boundaries(parsed: Parsed, places: Places, findings: Faults) -> dict[tuple[int, str], frozenset[str]]:
    """(year, code) -> present counties; tells rows that name a county the region does not have."""
    mapped: dict[tuple[int, str], frozenset[str]] = {}
    for line, year, code, union in parsed.frame[["row", "year", "code", "counties"]].itertuples(index=False):
        parts = [part.strip() for part in str(union).replace("＋", "+").split("+") if part.strip()]
        for part in parts:
            if part not in places.counties:
                near = nearest(part, places.counties)
                findings.add(
                    "E132", parsed.file, line, parsed.header("counties"), found=shown(part), code=code, hint=hint(near)
                )
        if not pd.isna(year):
            mapped[int(year), str(code)] = frozenset(parts)
    return mapped


def check_codes(parsed: Parsed, places: Places, findings: Faults) -> Parsed:
    """Area codes the region does not know, with the nearest; returns the table with those codes missing."""
    frame = parsed.frame
    for column in parsed.table.areas:
        if column not in frame:
            continue
        blank = "" if not parsed.table.column(column).needed else None
        unknown = [code for code in frame[column].dropna().unique() if code != blank and not places.knows(str(code))]
        wrong = frame[column].isin(unknown)
        if "year" in frame and places.boundaries and wrong.any():
            pairs = zip(frame.loc[wrong, "year"], frame.loc[wrong, column], strict=True)
            wrong[wrong] = [(year, code) not in places.boundaries for year, code in pairs]
        if wrong.any():
            _tell_codes(parsed, column, wrong, places, findings)
            frame = frame.assign(**{column: frame[column].mask(wrong)})
    return parsed.with_frame(frame)


def _tell_codes(parsed: Parsed, column: str, wrong: pd.Series[bool], places: Places, findings: Faults) -> None:
    known = [*places.counties, *places.parents]
    lengths = sorted({len(code) for code in places.counties})
    listed_lengths = listed(lengths)
    rows = parsed.frame.loc[wrong, "row"].tolist()
    codes = parsed.frame.loc[wrong, column].tolist()

    def off_length(code: str) -> bool:
        return code.isdigit() and len(code) not in lengths

    for number, select in (("E131", off_length), ("E130", lambda code: not off_length(code))):
        at = [i for i, code in enumerate(codes) if select(code)]
        findings.rows(
            number,
            parsed.file,
            [rows[i] for i in at],
            parsed.header(column),
            _code_values([codes[i] for i in at], known, listed_lengths),
        )


def _code_values(codes: Sequence[str], known: Sequence[str], lengths: Text) -> Callable[[int], Mapping[str, Any]]:
    def values(i: int) -> Mapping[str, Any]:
        code = codes[i]
        padded = next((k for k in known if k.lstrip("0") == code), "")
        return {
            "found": shown(code),
            "digits": len(code),
            "lengths": lengths,
            "hint": hint(padded or nearest(code, known)),
        }

    return values


def check_duplicates(parsed: Parsed, findings: Faults) -> None:
    """Rows with the same key, naming both."""
    key = [column for column in parsed.table.key if column in parsed.frame]
    frame = parsed.frame[parsed.frame[key].notna().all(axis=1)]
    again = frame.duplicated(key)
    if not again.any():
        return
    first = frame.groupby(key, sort=False)["row"].transform("min")
    rows, firsts = frame.loc[again, "row"].tolist(), first[again].tolist()
    texts = frame.loc[again, key]
    findings.rows(
        "E140",
        parsed.file,
        rows,
        None,
        lambda i: {
            "first": firsts[i],
            "cells": ", ".join(f"{name}={_cell(value)}" for name, value in texts.iloc[i].items()),
        },
    )


def _cell(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def without_repeats(parsed: Parsed) -> Parsed:
    """For the rules on sets: rows with a readable key, each key once."""
    key = [column for column in parsed.table.key if column in parsed.frame]
    frame = parsed.frame
    return parsed.with_frame(frame[frame[key].notna().all(axis=1) & ~frame.duplicated(key)])


def check_ages(parsed: Parsed, unread: pd.DataFrame, places: Places, findings: Faults) -> None:
    """In each set (an area, a year, a sex) the ages run from 0 to the open group without gap or overlap.

    Fertility covers only the ages of mothers: there the first and the last age are free. Sets with a label that
    could not be read (`unread`) are passed over, since the label is told already.
    """
    sexed = ["sex"] if "sex" in parsed.frame else []
    by = [*(parsed.table.full_ages or ("area", "year_start", "year_end")), *sexed]
    frame = parsed.frame.dropna(subset=["age_from"]).sort_values([*by, "age_from"], kind="stable")
    frame = _not_touched(frame, unread, by)
    if frame.empty:
        return
    group = frame.groupby(by, sort=False).ngroup().to_numpy()
    first = np.r_[True, group[1:] != group[:-1]]
    last = np.r_[first[1:], True]
    start, end = frame["age_from"].to_numpy(), frame["age_to"].to_numpy()
    reached = frame.groupby(by, sort=False)["age_to"].cummax().to_numpy()
    expected = np.where(first, 0, np.r_[0, reached[:-1]] + 1)
    if not parsed.table.full_ages:
        expected = np.where(first, start, expected)
    names = frame[by].astype("str")
    rows = frame["row"].to_numpy()
    labels = frame["age_group"].to_numpy()

    def tell(code: str, at: Any, values: Callable[[int], Mapping[str, Any]]) -> None:
        whose = [set_name(names.iloc[i], places) for i in at[:20]]
        findings.rows(
            code, parsed.file, rows[at], parsed.header("age_group"), lambda i: {"whose": whose[i], **values(int(at[i]))}
        )

    tell("E141", np.flatnonzero(start > expected), lambda i: {"missing": _ages(expected[i], start[i] - 1)})
    tell("E142", np.flatnonzero(start < expected), lambda i: {"found": labels[i], "before": labels[i - 1]})
    if parsed.table.full_ages:
        open_ended = np.flatnonzero(last & (reached < OPEN_AGE))
        tell("E141", open_ended, lambda i: {"missing": f"{int(end[i]) + 1}+"})


def _ages(low: float, high: float) -> str:
    return f"{int(low)}" if low == high else f"{int(low)}-{int(high)}"


def set_name(row: pd.Series[Any], places: Places) -> Text:
    """Place, year and sex of a set of rows, as far as it has them."""
    years = [str(value).removesuffix(".0") for name, value in row.items() if str(name).startswith("year")]
    parts = []
    for name, value in row.items():
        if name in ("county", "area"):
            parts.append(places.name(str(value)))
        elif name == "sex":
            parts.append(say_both(f"region.{value}"))
    return joined([parts[0], year_text("-".join(years)), *parts[1:]], " ", " ")


def _not_touched(frame: pd.DataFrame, unread: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Without the sets in which a row could not be read; a row without a sex touches both sexes."""
    if unread.empty:
        return frame
    touched = unread.dropna(subset=[name for name in by if name != "sex"])
    outer = [name for name in by if name != "sex"]
    sets = set(touched[by].dropna().itertuples(index=False, name=None)) if "sex" in by else set()
    whole = touched[touched["sex"].isna()] if "sex" in by else touched
    wholes = set(whole[outer].itertuples(index=False, name=None))
    keep = [
        key not in sets and outer_key not in wholes
        for key, outer_key in zip(
            frame[list(by)].itertuples(index=False, name=None),
            frame[outer].itertuples(index=False, name=None),
            strict=True,
        )
    ]
    return frame[np.array(keep, dtype=bool)]


def check_sexes(parsed: Parsed, unread: pd.DataFrame, places: Places, findings: Faults) -> None:
    """Every area and year has both sexes."""
    by = list(parsed.table.full_ages)
    frame = _not_touched(parsed.frame, unread, by) if "sex" in unread and unread["sex"].isna().any() else parsed.frame
    sets = frame.groupby(by, sort=False).agg(row=("row", "min"), sexes=("sex", "nunique"), sex=("sex", "first"))
    alone = sets[sets["sexes"] < len(SEXES)].reset_index()
    findings.rows(
        "E144",
        parsed.file,
        alone["row"].tolist(),
        parsed.header("sex"),
        lambda i: {
            "whose": set_name(alone.iloc[i][by], places),
            "missing": say_both(f"region.{next(sex for sex in SEXES if sex != alone.iloc[i]['sex'])}"),
        },
    )


def check_coverage(parsed: Parsed, places: Places, jump_off_year: int | None, findings: Faults) -> None:
    """Every county of the region is counted in every census, under its own code or inside a printed union."""
    counted = parsed.frame[["county", "year"]].drop_duplicates()
    for year, rows in counted.groupby("year"):
        covered: set[str] = set()
        for code in rows["county"]:
            covered |= places.covers(str(code), int(year))
        for county in places.counties:
            if county not in covered:
                findings.add(
                    "E145", parsed.file, None, parsed.header("county"), county=places.name(county), year=int(year)
                )
    if jump_off_year is not None and len(counted) and counted["year"].min() > jump_off_year:
        findings.add(
            "E176", parsed.file, None, parsed.header("year"), found=int(counted["year"].min()), year=jump_off_year
        )


PEOPLE = ("population", "controls", "births", "deaths")
"""Tables from which people are estimated, up to the jump-off year; pupils may be counted later."""


def check_later_rows(tables: Mapping[str, Parsed], jump_off_year: int, findings: Faults) -> None:
    """Tells of figures after a jump-off year that region.toml sets: no number rests on them."""
    for name in PEOPLE:
        if name in tables:
            years = tables[name].frame["year"].dropna()
            later = sorted({int(year) for year in years[years > jump_off_year]})
            if later:
                found = ", ".join(map(str, later))
                findings.add(
                    "W115", tables[name].file, None, tables[name].header("year"), found=found, year=jump_off_year
                )


def split_totals(parsed: Parsed) -> tuple[Parsed, Parsed]:
    """The table without printed totals, and the totals."""
    frame = parsed.frame
    total = (frame["sex"] == TOTAL) | (frame["age_group"] == TOTAL)
    return parsed.with_frame(frame[~total]), parsed.with_frame(frame[total])


def check_totals(parts: Parsed, totals: Parsed, places: Places, findings: Faults) -> None:
    """A printed total of sexes or ages equals the sum of its parts, but for rounding."""
    outer = list(parts.table.full_ages)
    quantity = parts.table.quantity
    for over in (["sex"], ["age_group"], ["sex", "age_group"]):
        kept = [name for name in ("sex", "age_group") if name not in over]
        chosen = totals.frame
        for name in ("sex", "age_group"):
            chosen = chosen[(chosen[name] == TOTAL) == (name in over)]
        if chosen.empty:
            continue
        sums = sums_of(parts, [*outer, *kept])
        both = chosen.assign(own=totals.rounding.reindex(chosen.index)).merge(sums, on=[*outer, *kept], how="inner")
        off = (both[quantity] - both["sum"]).abs() > both["slack"] + both["own"] + 1e-6
        told = both[off.fillna(False)].reset_index(drop=True)
        findings.rows(
            "E146",
            parts.file,
            told["row"].tolist(),
            parts.header(quantity),
            _total_values(told, quantity, outer, places),
        )


def without_breakdown_totals(parsed: Parsed, places: Places, findings: Faults) -> Parsed:
    """The table without totals that are printed beside their parts in a column such as `hukou`, told where they differ.

    A row with a blank there is a total as well where parts stand beside it. A single part that is less than its total
    (of which: children of migrants) is left out instead, since the total is the whole.
    """
    for column in parsed.table.columns:
        if column.kind is PART and column.name in parsed.frame:
            parsed = _without_totals(parsed, column.name, places, findings)
    return parsed


def _without_totals(parsed: Parsed, column: str, places: Places, findings: Faults) -> Parsed:
    frame, quantity = parsed.frame, parsed.table.quantity
    others = [name for name in parsed.table.key if name in frame and name != column]
    total = frame[column].isin([TOTAL, ""])
    parts = frame.assign(slack=parsed.rounding)[~total].groupby(others, dropna=False)
    sums = parts.agg(sum=(quantity, lambda values: values.sum(skipna=False)), slack=("slack", "sum"), n=("row", "size"))
    both = frame[total].assign(own=parsed.rounding).merge(sums.reset_index(), on=others, how="inner")
    off = both[quantity] - both["sum"]
    differ = off.abs() > both["slack"] + both["own"] + 1e-6
    of_which = differ & (both["n"] == 1) & (off > 0)
    told = both[differ & ~of_which].reset_index(drop=True)
    outer = [parsed.table.areas[0], "year"]
    values = _total_values(told, quantity, outer, places)
    findings.rows("E146", parsed.file, told["row"].tolist(), parsed.header(quantity), values)
    whole = both.loc[of_which, others].drop_duplicates()
    covered = frame[others].merge(whole, on=others, how="left", indicator=True)["_merge"].eq("both").to_numpy()
    dropped = np.where(total, frame["row"].isin(both.loc[~of_which, "row"]), covered)
    return parsed.with_frame(frame[~dropped])


def _total_values(
    told: pd.DataFrame, quantity: str, outer: list[str], places: Places
) -> Callable[[int], Mapping[str, Any]]:
    return lambda i: {
        "whose": set_name(told.iloc[i][outer], places),
        "found": figure(told.iloc[i][quantity]),
        "sum": figure(told.iloc[i]["sum"]),
        "difference": figure(told.iloc[i][quantity] - told.iloc[i]["sum"], sign=True),
    }


def sums_of(parsed: Parsed, by: list[str]) -> pd.DataFrame:
    """Sum of the quantity by set; NaN where a part could not be read; `slack` is what rounding may add up to."""
    quantity = parsed.table.quantity
    frame = parsed.frame.assign(slack=parsed.rounding)
    groups = frame.groupby(by, sort=False)
    sums = groups[[quantity, "slack"]].sum().rename(columns={quantity: "sum"})
    return sums.mask(groups[quantity].count() != groups.size()).reset_index()


def figure(value: float, sign: bool = False) -> str:
    """A number as a reader takes it in: 1,234,567 or 0.0123."""
    if abs(value) >= 1000 or float(value).is_integer():
        return f"{value:+,.0f}" if sign else f"{value:,.0f}"
    return f"{value:+.4g}" if sign else f"{value:.4g}"


def check_parents(parsed: Parsed, places: Places, findings: Faults) -> None:
    """Warns where a parent area's figure is not the sum of its counties' beyond rounding; ages and sexes are summed."""
    quantity = parsed.table.quantity
    area = parsed.table.areas[0]
    by = [name for name in parsed.table.key if name in parsed.frame and name not in (area, "sex", "age_group")]
    sums = sums_of(parsed, [area, *by])
    rows = parsed.frame.groupby([area, *by], sort=False)["row"].min()
    sums = sums.merge(rows.reset_index(), on=[area, *by])
    if "component" in sums:
        sums = sums[~sums["component"].str.endswith("_rate")]
    for parent, members in places.members.items():
        for _, total in sums[sums[area] == parent].iterrows():
            same = np.logical_and.reduce([(sums[name] == total[name]).to_numpy() for name in by])
            parts = sums[same & (sums[area] != parent)]
            inside = [places.covers(str(code), int(total["year"])) for code in parts[area]]
            parts = parts[np.array([bool(counties) and counties <= members for counties in inside], dtype=bool)]
            if frozenset().union(*(counties for counties in inside if counties <= members)) < members:
                continue
            off = total["sum"] - parts["sum"].sum(skipna=False)
            if abs(off) > total["slack"] + parts["slack"].sum() + 1e-6:
                findings.add(
                    "W146",
                    parsed.file,
                    int(total["row"]),
                    parsed.header(quantity),
                    whose=places.name(parent),
                    year=int(total["year"]),
                    found=figure(total["sum"]),
                    sum=figure(parts["sum"].sum()),
                    difference=figure(off, sign=True),
                )


def check_sources(
    tables: Iterable[Parsed],
    sources: Parsed,
    findings: Faults,
    schemas: Mapping[str, Table] = TABLES,
    only: Sequence[str] = (),
) -> None:
    """Every row of every table matches a line of sources.csv; every filter can be used.

    `schemas`: the tables that a filter may speak of. `only`: names of tables to look at (a pattern may bring lines for more).
    """
    names, filters, rows = (sources.frame[name].tolist() for name in ("table", "filter", "row"))
    lines: dict[str, list[Conditions]] = {}
    broken: set[str] = set()
    for name, text, row in zip(names, filters, rows, strict=True):
        if name not in TABLES:
            known = hint(nearest(str(name), TABLES))
            findings.add(
                "E127", sources.file, row, sources.header("table"), found=shown(name), known=listed(TABLES), hint=known
            )
            continue
        try:
            lines.setdefault(name, []).append(read_filter("" if pd.isna(text) else text, schemas[name]))
        except FilterFault as fault:
            broken.add(name)
            known = hint(nearest(fault.found, [column.name for column in TABLES[name].columns]))
            findings.add(
                fault.code,
                sources.file,
                row,
                sources.header("filter"),
                found=shown(fault.found),
                table=name,
                hint=known,
            )
    for parsed in tables:
        if parsed.table.name in broken or parsed.table.name == "sources" or (only and parsed.table.name not in only):
            continue
        read = parsed.frame[[name for name in parsed.table.key if name in parsed.frame]].notna().all(axis=1)
        winner = winning_lines(parsed.frame, lines.get(parsed.table.name, []))
        bare = parsed.frame.loc[read & (winner == -1), "row"].tolist()
        findings.rows("E160", parsed.file, bare, None, _table_value(parsed.table.name))


def _table_value(name: str) -> Callable[[int], Mapping[str, Any]]:
    return lambda i: {"table": name}
