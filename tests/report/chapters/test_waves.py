"""The chapter on waves says what the flags and the gaps say."""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
import xarray as xr

from forecast.basics.catalogue import catalogue
from forecast.findings.sharing import find_sharing
from forecast.report.chapters.waves import waves
from forecast.report.view import View
from tests.report.made import (
    NOW,
    RULES,
    made_run,
    many_run,
)


def test_the_board_says_what_the_flags_say() -> None:
    run = many_run()[0]
    lines = waves(View(run)).board
    for service, line in zip(run.models, lines, strict=True):
        flag = run.flags.facts[run.region.area, service]
        assert line.kind.zh == catalogue()[f"report.class.{flag.category}"]["zh"]
        due = re.findall(r"\d{4}", line.decide.en)
        assert due == ([] if flag.act_from is None else [str(max(flag.act_from, NOW))])
        assert all(int(year) >= NOW for year in due)
        if flag.gap is not None:
            at = {"service": service, "year": flag.gap_year}
            gap = float((run.data.supply - run.data.demand).sel(at).sum())
            assert flag.gap == pytest.approx(gap)
            assert ("short" if gap < 0 else "to spare") in line.gap.en


def test_tables_of_who_could_help_are_those_of_the_gaps() -> None:
    """Two counties, near: in the kindergarten one is short of 300 and the other has 200 to spare, year after year."""
    run = made_run()
    roads = pd.DataFrame({"county_a": ["000001"], "county_b": ["000002"], "seat_km": [12.0]})
    far = pd.DataFrame({"county_a": ["000001"], "county_b": ["000003"], "seat_km": [120.0]})
    region = replace(run.region, tables=run.region.tables | {"neighbours": pd.concat([roads, far])})
    gap = xr.zeros_like(run.flags.gap)
    gap.loc[{"county": "000001", "service": "kindergarten", "year": [2030, 2031]}] = -300.0
    gap.loc[{"county": ["000002", "000003"], "service": "kindergarten", "year": [2030, 2031]}] = 200.0
    gap.loc[{"county": "000002", "service": "primary_school", "year": 2033}] = 1000.0
    gap.loc[{"county": "000002", "service": "care_beds", "year": 2033}] = -100.0
    flags = replace(run.flags, demand=-gap, supply=xr.zeros_like(gap))
    run = replace(run, region=region, flags=flags, sharing=find_sharing(flags, run.models, region, RULES.sharing))
    told = {table.id: table for table in waves(View(run)).tables}
    pairs, cross = told["table_pairs"], told["table_cross"]
    assert [(row[1].en, row[2].en, row[3], row[4].en, row[5]) for row in pairs.rows] == [
        ("Alpha", "Beta", 12.0, "in 2030–2031", 400)
    ]
    assert "没有车程数据" in pairs.note.zh
    floors = [run.models[name].standard("floor_area").value[-1][1] for name in ("primary_school", "care_beds")]
    assert [(row[0].en, row[3].en, row[4]) for row in cross.rows] == [
        ("Beta", "2033", round(min(1000 * floors[0], 100 * floors[1])))
    ]
    shares = [sum(row[1:]) for row in told["table_synchrony"].rows]
    assert shares == pytest.approx([1.0] * len(run.models))
