"""A tiny good region of two counties, and one small change for every fault a bureau's tables may have."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import pickle
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.basics.catalogue import catalogue
from forecast.basics.text import Text
from forecast.errors import CannotReadWrite, InputRefused, Issue
from forecast.region import TABLES, Region, basis_of, files, read_region, source_of, sources_of
from forecast.region.cells import plain, read_age, read_number
from forecast.region.faults import EXAMPLES

GROUPS = ("0", "1-4", "5-14", "15-59", "60-84", "85+")
PERSONS = (50, 200, 500, 3000, 700, 40)

REGION = """\
id = "twins"
name = { zh = "双县市", en = "Twin Counties" }
area = "010100"
parent = "010000"
jump_off_year = 2023
notes = [{ zh = "说明", en = "a note" }]

[areas]
"010000" = { zh = "某省", en = "Some Province" }

[derivation]
census_years = [2020]
"""


def population(years: tuple[int, ...] = (2010, 2020)) -> str:
    rows = ["county,year,date,sex,age_group,persons"]
    for year in years:
        for county in ("010101", "010102"):
            for sex in ("female", "male"):
                rows += [f"{county},{year},11-01,{sex},{g},{p}" for g, p in zip(GROUPS, PERSONS, strict=True)]
    return "\n".join(rows) + "\n"


def mortality() -> str:
    rates = (0.005, 0.0005, 0.0003, 0.002, 0.03, 0.12)
    rows = ["area,year_start,year_end,sex,age_group,mx"]
    for sex in ("female", "male"):
        rows += [f"010100,2020,2025,{sex},{g},{m}" for g, m in zip(GROUPS, rates, strict=True)]
    return "\n".join(rows) + "\n"


GOOD = {
    "region.toml": REGION,
    "counties.csv": "county,name_zh,name_en,parent\n010101,甲县,First,010100\n010102,乙县,Second,010100\n",
    "boundaries.csv": "year,code,name_zh,counties,note\n2015,010109,甲乙县,010101+010102,joined until 2016\n",
    "population.csv": population(),
    "controls.csv": (
        "area,year,component,value,unit\n"
        "010100,2022,population,1.80,10k persons\n"
        "010101,2022,population,0.90,10k persons\n"
        "010102,2022,population,0.90,10k persons\n"
        "010100,2022,births,120,persons\n"
        "010100,2022,death_rate,6.1,permille\n"
        "010109,2015,population,9000,persons\n"
    ),
    "enrolment.csv": "county,year,stage,grade,value,unit\n010100,2022,primary,all,0.09,10k persons\n",
    "supply.csv": (
        "county,year,service,capacity,unit,kind\n"
        "010101,2022,care_beds,60,beds,recorded\n010102,2022,nursery,30,places,recorded\n"
    ),
    "projects.csv": "county,year,service,capacity,unit,name\n010101,2025,nursery,-10,places,停办一所\n",
    "schools.csv": "county,year,service,item,value,unit\n010101,2022,primary_school,floor_area,7.75,m2 per pupil\n",
    "neighbours.csv": "county_a,county_b,land_adjacent,seat_km\n010101,010102,1,12.5\n",
    "mortality.csv": mortality(),
    "fertility.csv": "area,year_start,year_end,age_group,asfr\n010100,2020,2025,15-29,0.03\n"
    "010100,2020,2025,30-49,0.04\n",
    "levels.csv": "area,year,tfr,srb,e0_female,e0_male\n010100,2020,1.25,1.09,81.5,76.2\n",
    "sources.csv": (
        "table,filter,source,locator,basis,verification,note\n"
        "counties,,代码表,p. 1,published,seen,\n"
        "boundaries,,代码表,p. 2,derived,seen,\n"
        "population,,census,table 1,published,seen,\n"
        "population,year=2010;county=010102,older census,table 9,derived,seen,redrawn\n"
        "controls,,bulletin,p. 3,published,seen,\n"
        "enrolment,,bulletin,p. 4,published,seen,\n"
        "supply,service=care_beds,register,sheet 1,published,seen,\n"
        "supply,service=nursery,guess,none,assumed,none,rule\n"
        "projects,,plan,p. 5,published,seen,\n"
        "schools,,bulletin,p. 6,published,seen,\n"
        "neighbours,,map,sheet,derived,seen,\n"
        "mortality,,life table,p. 7,published,seen,\n"
        "fertility,,survey,p. 8,published,seen,\n"
        "levels,,survey,p. 9,published,seen,\n"
    ),
}
"""File -> text of a region without a fault."""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    return write(tmp_path / "twins")


def write(folder: Path, changes: Mapping[str, str | bytes | None] | None = None) -> Path:
    """The good region with some files changed, or left out where the change is None."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in {**GOOD, **(changes or {})}.items():
        if text is not None:
            (folder / file).write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return folder


def edit(file: str, old: str, new: str) -> dict[str, str | bytes | None]:
    """A change of the first place where `old` stands."""
    assert old in GOOD[file], f"{file} has no {old!r}"
    return {file: GOOD[file].replace(old, new, 1)}


def append(file: str, line: str) -> dict[str, str | bytes | None]:
    return {file: GOOD[file] + line + "\n"}


def last(file: str) -> int:
    """The line that `append` adds."""
    return GOOD[file].count("\n") + 1


def refused(folder: Path) -> tuple[Issue, ...]:
    with pytest.raises(InputRefused) as told:
        read_region(folder)
    return told.value.issues


P, C, S = "population.csv", "controls.csv", "sources.csv"
FLOWS = "service,from,to,year,share\nsenior_school,010101,010101,2022,0.8\nsenior_school,010101,010102,2022,0.2\n"
FLOW_SOURCES = GOOD[S] + "flows,,survey,p. 10,published,seen,\n"
SHARE = "area,year_start,year_end,age_group,share\n010100,2020,2025,15-29,60\n010100,2020,2025,30-49,40\n"
HUKOU = "county,year,stage,hukou,value,unit\n"
LOW = GOOD["mortality.csv"].replace(",0.", ",0.000")

FAULTS: dict[str, tuple[dict[str, str | bytes | None], str, str, int | None, str | None, tuple[str, ...]]] = {
    # name: change, code, file, row, column, what both sentences say
    "table missing": ({P: None}, "E103", P, None, None, ()),
    "table misnamed": ({P: None, "populaton.csv": population()}, "E103", P, None, None, ("populaton.csv",)),
    "latin-1": ({P: b"county,year\n010101,2020\n\xff\xfe\xe9x,2\n"}, "E104", P, 3, None, ("ff",)),
    "binary": ({P: b"county,year\n0\x000,2020\n"}, "E104", P, 2, None, ("00",)),
    "workbook renamed": ({P: b"PK\x03\x04rest"}, "E106", P, None, None, ()),
    "semicolons": ({P: population().replace(",", ";")}, "E107", P, 1, None, (";",)),
    "tabs": ({P: population().replace(",", "\t")}, "E107", P, 1, None, ("Tab",)),
    "cell too many": (edit(P, "female,1-4,200", "female,1-4,1,200"), "E108", P, 3, None, ("7", "6", "1,200")),
    "cell too few": (edit(P, "female,1-4,200", "female,1-4"), "E108", P, 3, None, ("5", "6")),
    "quote not closed": (edit(P, "female,1-4,200", '"female,1-4,200'), "E109", P, 3, None, ()),
    "header only": ({P: "county,year,sex,age_group,persons\n"}, "E110", P, None, None, ()),
    "nothing": ({P: ""}, "E110", P, None, None, ()),
    "missing column": (
        edit(P, "age_group,persons", "age_group,headcount"),
        "E111",
        P,
        None,
        "persons",
        ("persons", "人数"),
    ),
    "unknown column": (edit(P, "county,year,date", "county,year,datum"), "E112", P, 1, "datum", ("datum", "date")),
    "two columns alike": (edit(P, "county,year,date", "county,year,年份"), "E113", P, 1, "年份", ("year",)),
    "no rate at all": (edit("fertility.csv", ",asfr", ",note"), "E114", "fertility.csv", None, None, ("share", "asfr")),
    "blank": (edit(P, "female,1-4,200", "female,1-4,"), "E120", P, 3, "persons", ()),
    "not a number": (edit(P, "female,1-4,200", "female,1-4,约二百"), "E121", P, 3, "persons", ("约二百",)),
    "decimal comma": (edit(P, "female,1-4,200", 'female,1-4,"2,5"'), "E121", P, 3, "persons", ("2,5",)),
    "negative": (edit(P, "female,1-4,200", "female,1-4,-5"), "E122", P, 3, "persons", ("-5",)),
    "not finite": (edit(P, "female,1-4,200", "female,1-4,inf"), "E123", P, 3, "persons", ("inf",)),
    "too large to hold": (edit(P, "female,1-4,200", "female,1-4,1e999"), "E123", P, 3, "persons", ("1e999",)),
    "NaN": (edit(P, "female,1-4,200", "female,1-4,NaN"), "E123", P, 3, "persons", ("NaN",)),
    "year out of range": (
        edit(P, "010101,2010,11-01,female,1-4", "010101,20100,11-01,female,1-4"),
        "E124",
        P,
        3,
        "year",
        ("20100",),
    ),
    "year in words": (edit(C, "010100,2022,births", "010100,上年,births"), "E124", C, 5, "year", ("上年",)),
    "unknown sex": (edit(P, "female,1-4", "femal,1-4"), "E125", P, 3, "sex", ("femal",)),
    "unknown age": (edit(P, "female,1-4", "female,4-Jan"), "E126", P, 3, "age_group", ("4-Jan",)),
    "age above the open one": (edit(P, "female,1-4", "female,101"), "E126", P, 3, "age_group", ("101",)),
    "unknown stage": (
        edit("enrolment.csv", "primary", "primery"),
        "E127",
        "enrolment.csv",
        2,
        "stage",
        ("primery", "primary"),
    ),
    "grade of another stage": (
        edit("enrolment.csv", "primary,all", "primary,初二"),
        "E147",
        "enrolment.csv",
        2,
        "grade",
        ("8", "1", "6"),
    ),
    "entrants of a grade": (
        edit(
            "enrolment.csv",
            "grade,value,unit\n010100,2022,primary,all",
            "grade,item,value,unit\n010100,2022,primary,2,招生",
        ),
        "E143",
        "enrolment.csv",
        2,
        "grade",
        ("entrants", "2"),
    ),
    "unknown grade": (
        edit("enrolment.csv", "primary,all", "primary,十三年级"),
        "E127",
        "enrolment.csv",
        2,
        "grade",
        ("十三年级",),
    ),
    "flows that lose pupils": (
        {"flows.csv": FLOWS.replace("0.8", "0.7"), "sources.csv": FLOW_SOURCES},
        "E148",
        "flows.csv",
        2,
        "share",
        ("0.9", "010101"),
    ),
    "flow to a city": (
        {"flows.csv": FLOWS.replace("010102", "010100"), "sources.csv": FLOW_SOURCES},
        "E149",
        "flows.csv",
        3,
        "to",
        ("010100",),
    ),
    "unknown service": (
        edit("supply.csv", "nursery", "nursry"),
        "E127",
        "supply.csv",
        3,
        "service",
        ("nursry", "nursery"),
    ),
    "unknown component": (edit(C, "births", "newborn"), "E127", C, 5, "component", ("newborn",)),
    "unknown basis": (
        edit(S, "table 1,published", "table 1,publshed"),
        "E127",
        S,
        4,
        "basis",
        ("publshed", "published"),
    ),
    "unknown table": (
        append(S, "populatoin,,x,x,published,,"),
        "E127",
        S,
        last(S),
        "table",
        ("populatoin", "population"),
    ),
    "unknown flag": (
        edit("neighbours.csv", ",1,12.5", ",maybe,12.5"),
        "E127",
        "neighbours.csv",
        2,
        "land_adjacent",
        ("maybe",),
    ),
    "unknown unit": (
        edit(C, "1.80,10k persons", "1.80,10k person"),
        "E128",
        C,
        2,
        "unit",
        ("10k person", "10k persons"),
    ),
    "misspelt free unit": (
        edit("schools.csv", "m2 per pupil", "person"),
        "E128",
        "schools.csv",
        2,
        "unit",
        ("person", "persons"),
    ),
    "unit of something else": (
        edit("supply.csv", "30,places", "30,beds"),
        "E129",
        "supply.csv",
        3,
        "unit",
        ("beds", "places"),
    ),
    "rate counted in persons": (edit(C, "6.1,permille", "6.1,persons"), "E129", C, 6, "unit", ("persons", "permille")),
    "unknown county": (
        edit(P, "010101,2010,11-01,female,1-4", "010107,2010,11-01,female,1-4"),
        "E130",
        P,
        3,
        "county",
        ("010107", "010102"),
    ),
    "unknown parent": (
        edit("counties.csv", "First,010100", "First,010200"),
        "E130",
        "counties.csv",
        2,
        "parent",
        ("010200", "010100"),
    ),
    "boundary of another year": (edit(C, "010109,2015", "010109,2016"), "E130", C, 7, "area", ("010109",)),
    "zero lost": (
        edit(P, "010101,2010,11-01,female,1-4", "10101,2010,11-01,female,1-4"),
        "E131",
        P,
        3,
        "county",
        ("10101", "010101", "5", "6"),
    ),
    "boundary unknown": (
        edit("boundaries.csv", "010101+010102", "010101+010103"),
        "E132",
        "boundaries.csv",
        2,
        "counties",
        ("010103", "010109"),
    ),
    "area around": (
        append("supply.csv", "010000,2022,nursery,30,places,recorded"),
        "E134",
        "supply.csv",
        4,
        "county",
        ("010000",),
    ),
    "part of a union": (
        append("boundaries.csv", "2015,010108,乙丙县,010101+010102,")
        | append("enrolment.csv", "010109,2015,primary,all,500,persons"),
        "E135",
        "enrolment.csv",
        3,
        "county",
        ("010109", "010108", "2015"),
    ),
    "county is the area": (
        append("counties.csv", "010100,双县市,Twin Counties,010100"),
        "E136",
        "counties.csv",
        4,
        "county",
        ("010100",),
    ),
    "date": (edit(P, "11-01,female,1-4", "13-01,female,1-4"), "E133", P, 3, "date", ("13-01",)),
    "duplicate": (append(P, "010101,2010,11-01,female,1-4,200"), "E140", P, last(P), None, ("3", "010101", "1-4")),
    "age gap": (
        edit(P, "010101,2010,11-01,female,1-4,200\n", ""),
        "E141",
        P,
        3,
        "age_group",
        ("010101", "2010", "1-4"),
    ),
    "first age missing": (edit(P, "010101,2010,11-01,female,0,50\n", ""), "E141", P, 2, "age_group", ("010101", "0")),
    "open age missing": (edit(P, "010101,2010,11-01,female,85+,40\n", ""), "E141", P, 6, "age_group", ("85+",)),
    "open group closed": (edit(P, "female,85+,40", "female,85-89,40"), "E141", P, 7, "age_group", ("90+",)),
    "age overlap": (edit(P, "female,1-4", "female,0-4"), "E142", P, 3, "age_group", ("0-4",)),
    "mortality gap": (
        edit("mortality.csv", "010100,2020,2025,male,5-14,0.0003\n", ""),
        "E141",
        "mortality.csv",
        10,
        "age_group",
        ("5-14", "2020-2025"),
    ),
    "fertility gap": (edit("fertility.csv", "30-49", "31-49"), "E141", "fertility.csv", 3, "age_group", ("30",)),
    "sex missing": (
        {
            P: population()
            + "".join(
                f"010101,2000,11-01,female,{g},{p}\n010102,2000,11-01,{s},{g},{p}\n"
                for g, p in zip(GROUPS, PERSONS, strict=True)
                for s in ("female",)
            )
            + "".join(f"010102,2000,11-01,male,{g},{p}\n" for g, p in zip(GROUPS, PERSONS, strict=True))
        },
        "E144",
        P,
        last(P),
        "sex",
        ("010101", "2000"),
    ),
    "county missing": (
        {
            P: population()
            + "".join(
                f"010101,2015,11-01,{s},{g},{p}\n"
                for g, p in zip(GROUPS, PERSONS, strict=True)
                for s in ("female", "male")
            )
        },
        "E145",
        P,
        None,
        "county",
        ("010102", "2015"),
    ),
    "total of residents by register": (
        {
            "enrolment.csv": f"{HUKOU}010100,2022,primary,合 计,900,persons\n010100,2022,primary,本地,600,persons\n"
            "010100,2022,primary,随迁子女,200,persons\n"
        },
        "E146",
        "enrolment.csv",
        2,
        "value",
        ("900", "800", "+100"),
    ),
    "total of ages": (
        append(P, "010101,2010,11-01,female,合计,4499"),
        "E146",
        P,
        last(P),
        "persons",
        ("4,499", "4,490", "+9"),
    ),
    "total of sexes": (
        append(P, "010101,2010,11-01,total,1-4,401"),
        "E146",
        P,
        last(P),
        "persons",
        ("401", "400", "+1"),
    ),
    "grand total": (append(P, "010101,2010,11-01,合计,合计,8000"), "E146", P, last(P), "persons", ("8,000", "8,980")),
    "permille as rate": (
        edit("mortality.csv", "female,15-59,0.002", "female,15-59,2"),
        "E150",
        "mortality.csv",
        5,
        "mx",
        ("2", "15-59"),
    ),
    "chance above one": (
        edit("mortality.csv", "female,60-84,0.03", "female,60-84,0.3"),
        "E151",
        "mortality.csv",
        6,
        "mx",
        ("0.3", "60-84"),
    ),
    "permille births": (
        edit("fertility.csv", "15-29,0.03", "15-29,30"),
        "E152",
        "fertility.csv",
        2,
        "asfr",
        ("30", "15-29"),
    ),
    "too many children": (
        edit("fertility.csv", "15-29,0.03", "15-29,0.49"),
        "E153",
        "fertility.csv",
        2,
        "asfr",
        ("8.15",),
    ),
    "total fertility": (edit("levels.csv", "1.25", "1250"), "E153", "levels.csv", 2, "tfr", ("1,250",)),
    "shares in percent": ({"fertility.csv": SHARE}, "E154", "fertility.csv", 2, "share", ("100",)),
    "births in 10k": (
        edit(C, "births,120,persons", "births,120,10k persons"),
        "E155",
        C,
        5,
        "value",
        ("1,200,000", "010100"),
    ),
    "births too few": (
        edit(C, "births,120,persons", "births,0.0120,persons"),
        "E155",
        C,
        5,
        "value",
        ("0.012", "010100"),
    ),
    "rate without permille": (edit(C, "6.1,permille", "6.1,1"), "E155", C, 6, "value", ("6.1", "6,100")),
    "control in 10k": (edit(C, "0.90,10k persons", "0.90,persons"), "E156", C, 3, "value", ("0.9", "8,980", "010101")),
    "censuses apart": (
        {
            P: population((2010,)) + population((2020,)).split("\n", 1)[1].replace("\n", "000\n"),
            C: None,
        },
        "E156",
        P,
        26,
        "persons",
        ("8,980", "2020"),
    ),
    "rates too low": ({"mortality.csv": LOW}, "E157", "mortality.csv", 2, "mx", ("0.00012",)),
    "sex ratio per 100": (edit("levels.csv", "1.09", "109"), "E158", "levels.csv", 2, "srb", ("109",)),
    "life expectancy": (edit("levels.csv", "81.5", "815"), "E158", "levels.csv", 2, "e0_female", ("815",)),
    "no source": (
        append("supply.csv", "010101,2022,primary_school,900,places,recorded"),
        "E160",
        "supply.csv",
        4,
        None,
        ("supply",),
    ),
    "filter unreadable": (edit(S, "service=care_beds", "care_beds"), "E161", S, 8, "filter", ("care_beds",)),
    "filter value": (edit(S, "service=care_beds", "service=care"), "E161", S, 8, "filter", ("service=care",)),
    "filter column": (edit(S, "service=care_beds", "servce=care_beds"), "E162", S, 8, "filter", ("servce", "service")),
    "no region.toml": ({"region.toml": None}, "E170", "region.toml", None, None, ()),
    "bad TOML": (
        edit("region.toml", 'area = "010100"', "area = 双县"),
        "E171",
        "region.toml",
        3,
        "8",
        ("area = 双县",),
    ),
    "code without quotes": (
        edit("region.toml", 'area = "010100"', "area = 110100"),
        "E174",
        "region.toml",
        3,
        "area",
        ("110100",),
    ),
    "key missing": (
        edit("region.toml", 'id = "twins"\n', ""),
        "E172",
        "region.toml",
        None,
        "id",
        ("id",),
    ),
    "key unknown": (
        edit("region.toml", "jump_off_year", "patern = 1\njump_off_year"),
        "E173",
        "region.toml",
        5,
        "patern",
        ("patern", "pattern"),
    ),
    "year as text": (edit("region.toml", "2023", '"2023"'), "E174", "region.toml", 5, "jump_off_year", ("2023",)),
    "one language": (edit("region.toml", ', en = "Twin Counties"', ""), "E174", "region.toml", 2, "name", ("双县市",)),
    "unknown pattern": (
        edit("region.toml", "jump_off_year", 'pattern = "china_wpp"\njump_off_year') | {"levels.csv": None},
        "E175",
        "region.toml",
        None,
        "pattern",
        ("china_wpp",),
    ),
    "no census before the start": (
        {P: population((2024,)), C: None, S: GOOD[S].replace("year=2010", "year=2024")},
        "E176",
        P,
        None,
        "year",
        ("2024", "2023"),
    ),
}


FOLLOWS = {
    "county is the area": {"E145"},
    "unknown county": {"E141"},
    "zero lost": {"E141"},
    "year out of range": {"E141"},
    "age overlap": {"E141"},
    "permille as rate": {"E151"},
    "permille births": {"E153"},
}
"""What is also true of the table once the fault is in: a row under a wrong code is missing under the right one."""


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_told_with_its_place_and_what_was_found(name: str, tmp_path: Path) -> None:
    changes, code, file, row, column, said = FAULTS[name]
    issues = refused(write(tmp_path / "twins", changes))
    found = [issue for issue in issues if issue.code == code]
    assert found, [issue.text("en") for issue in issues]
    first = found[0]
    assert (first.file, first.row, first.column) == (file, row, column)
    for lang in ("zh", "en"):
        for words in said:
            assert words in first.text(lang)
    assert json.loads(json.dumps([issue.as_dict() for issue in issues]))[0]["severity"] == "error"
    others = {issue.code for issue in issues} - {code}
    assert others <= FOLLOWS.get(name, set()), [issue.text("en") for issue in issues]


def test_all_faults_of_all_files_at_once(tmp_path: Path) -> None:
    changes = {
        P: GOOD[P].replace("female,1-4,200", "female,1-4,-5").replace("male,0,50", "mal,0,50"),
        C: GOOD[C].replace("births", "newborn"),
        "region.toml": REGION.replace("id = ", "idd = "),
    }
    issues = refused(write(tmp_path / "twins", changes))
    assert {"E122", "E125", "E127", "E172", "E173"} <= {issue.code for issue in issues}
    assert {P, C, "region.toml"} <= {issue.file for issue in issues}
    places = [(issue.file or "", issue.row or 0) for issue in issues]
    assert places == sorted(places)


def test_after_twenty_of_one_code_the_rest_are_counted(tmp_path: Path) -> None:
    issues = refused(write(tmp_path / "twins", {P: population().replace("female", "fmale")}))
    assert sum(issue.code == "E125" for issue in issues) == EXAMPLES
    rest = [issue for issue in issues if issue.code == "E100"]
    assert [issue.values for issue in rest] == [{"code": "E125", "count": 4}]
    assert all("4" in rest[0].text(lang) and "E125" in rest[0].text(lang) for lang in ("zh", "en"))


def columns() -> list[tuple[str, str]]:
    tables = {file: text.partition("\n")[0].split(",") for file, text in GOOD.items() if file.endswith(".csv")}
    return [(file, name) for file, names in tables.items() for name in names]


@pytest.mark.parametrize(("file", "column"), columns())
def test_a_fault_in_every_row_of_a_column_breaks_nothing(file: str, column: str, tmp_path: Path) -> None:
    rows = list(csv.DictReader(GOOD[file].splitlines()))
    for junk in ("zzz", ""):
        text = io.StringIO()
        writer = csv.DictWriter(text, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, column: junk} for row in rows)
        with contextlib.suppress(InputRefused):
            read_region(write(tmp_path / "twins", {file: text.getvalue()}))


@pytest.mark.parametrize("words", [("Females", "Males"), ("2", "1"), ("女 性", "男 性"), ("WOMEN", "MEN"), ("f", "m")])
def test_the_usual_words_for_the_sexes_are_read(words: tuple[str, str], tmp_path: Path) -> None:
    text = population().replace(",female,", f",{words[0]},").replace(",male,", f",{words[1]},")
    assert set(read_region(write(tmp_path / "twins", {P: text})).table("population")["sex"]) == {"female", "male"}


# --- good variants: read alike, without a word


@pytest.fixture(scope="module")
def plain_region(tmp_path_factory: pytest.TempPathFactory) -> Region:
    return read_region(write(tmp_path_factory.mktemp("plain") / "twins"))


def same(region: Region, plain_one: Region) -> None:
    """Read without warnings, and holds the same people."""
    assert region.warnings == ()
    columns = ["county", "year", "date", "sex", "age_group", "persons", "age_from", "age_to", "unit"]
    order = ["county", "year", "sex", "age_from"]
    one, other = (r.table("population")[columns].sort_values(order, ignore_index=True) for r in (region, plain_one))
    assert one.equals(other)


CHINESE = (
    population()
    .replace("county,year,date,sex,age_group,persons", "行政区划代码,年份,时点,性别,年龄组,人口数（人）")
    .replace("female", "女")
    .replace("male", "男")
    .replace("11-01", "11月1日")
    .replace("85+", "85岁及以上")
    .replace("1-4", "１－４岁")
    .replace(",3000", ',"3,000"')
    .replace("010101", " 010101.0 ")
    .replace("2010", "2010年")
)
VARIANTS: dict[str, Callable[[str], bytes]] = {
    "BOM": lambda text: text.encode("utf-8-sig"),
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "Chinese headers": lambda text: CHINESE.encode(),
    "Chinese headers in GBK": lambda text: CHINESE.encode("gb18030"),
    "shuffled rows": lambda text: "\n".join(
        [text.split("\n")[0], *sorted(text.split("\n")[1:], reverse=True)]
    ).encode(),
    "shuffled columns": lambda text: "\n".join(",".join(line.split(",")[::-1]) for line in text.split("\n")).encode(),
    "blank rows and columns": lambda text: (
        text.replace("\n", ",,\n").replace("010102,2010", ",,,,,,,\n\n010102,2010", 1).encode()
    ),
    "a title above": lambda text: ("表1 分年龄、性别人口,,,,,\n" + text).encode(),
    "in 10k": lambda text: "\n".join(
        line.rsplit(",", 1)[0] + f",{float(line.rsplit(',', 1)[1]) / 10000:.4f}" if line[:1].isdigit() else line
        for line in text.replace("persons", "人口数(万人)").split("\n")
    ).encode(),
    "printed totals": lambda text: (
        text + "010101,2010,11-01,合计,合计,8980\n010101,2010,11-01,女,合计,4490\n010100,2010,11-01,合计,合计,17960\n"
    ).encode(),
    "a remark and a name": lambda text: "\n".join(
        line + (",备注,县区名称" if "county" in line else ",,甲县") for line in text.strip().split("\n")
    ).encode(),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_good_variants_raise_no_alarm(name: str, plain_region: Region, tmp_path: Path) -> None:
    same(read_region(write(tmp_path / "variant", {P: VARIANTS[name](GOOD[P])})), plain_region)


def test_the_encoding_used_is_kept(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "twins", {P: CHINESE.encode("gbk"), "counties.csv": GOOD["counties.csv"].encode("utf-8-sig")}
    )
    encodings = read_region(folder).encodings
    assert (encodings[P], encodings["counties.csv"], encodings[C]) == ("gb18030", "utf-8-sig", "utf-8")


def test_flows_that_add_up_are_read(tmp_path: Path) -> None:
    region = read_region(write(tmp_path / "flowing", {"flows.csv": FLOWS, S: FLOW_SOURCES}))
    assert region.table("flows")["share"].tolist() == [0.8, 0.2]


def test_grades_are_read_as_schools_call_them(tmp_path: Path) -> None:
    rows = (
        "kindergarten,小班",
        "kindergarten,大班",
        "primary,一年级",
        "primary,6",
        "junior,初一",
        "senior_general,高三",
    )
    text = "county,year,stage,grade,value,unit\n" + "".join(f"010100,2022,{row},90,persons\n" for row in rows)
    region = read_region(write(tmp_path / "graded", {"enrolment.csv": text}))
    assert region.table("enrolment")["grade"].tolist() == ["-2", "0", "1", "6", "7", "12"]


def test_single_ages_and_the_open_one(tmp_path: Path) -> None:
    rows = ["county,year,sex,age,persons"]
    for county in ("010101", "010102"):
        for sex in ("男", "女"):
            rows += [f"{county},2020,{sex},{age if age < 100 else '100岁及以上'},45" for age in range(101)]
    changes = {P: "\n".join(rows), S: GOOD[S].replace("year=2010;", "")}
    people = read_region(write(tmp_path / "twins", changes)).table("population")
    assert len(people) == 404
    assert set(people["age_to"] - people["age_from"]) == {0}
    assert people["age_group"].iloc[100] == "100+"
    assert set(people["date"]) == {"12-31"}


def test_row_numbers_hold_after_a_quoted_line_break(tmp_path: Path) -> None:
    text = GOOD["boundaries.csv"].replace("joined until 2016", '"joined\nuntil 2016"') + "2014,010109,甲乙县,010103,\n"
    (issue,) = refused(write(tmp_path / "twins", {"boundaries.csv": text}))
    assert (issue.code, issue.row) == ("E132", 4)


def test_codes_stay_text_and_a_county_may_be_called_na(tmp_path: Path) -> None:
    changes = {f: t.replace("010102", "NA").replace("乙县", "NA") for f, t in GOOD.items()}
    region = read_region(write(tmp_path / "twins", dict(changes)))
    assert list(region.counties.index) == ["010101", "NA"]
    assert region.counties.loc["NA", "name_zh"] == "NA"
    assert region.table("population")["county"].isin(["010101", "NA"]).all()


# --- what a region gives


def test_numbers_come_in_base_units_and_keep_the_printed_unit(good: Path) -> None:
    controls = read_region(good).table("controls").set_index(["area", "component"])
    city = controls.loc[("010100", "population")]
    assert (city["value"], city["unit"], city["unit_printed"], city["row"]) == (18000.0, "persons", "10k persons", 2)
    rate = controls.loc[("010100", "death_rate")]
    assert (rate["value"], rate["unit"], rate["unit_printed"]) == (pytest.approx(0.0061), "1", "permille")
    assert read_region(good).table("projects")["capacity"].tolist() == [-10.0]


def test_what_region_toml_says(good: Path) -> None:
    region = read_region(str(good))
    assert (region.id, region.area, region.parent, region.jump_off_year) == ("twins", "010100", "010000", 2023)
    assert region.parents["010100"] == Text("双县市", "Twin Counties")
    assert region.settings["derivation"] == {"census_years": [2020]}
    assert len(region.hashes[P]) == 64
    assert region.has("supply")
    assert not region.has("finance")


def test_a_table_that_is_not_there_is_named_with_its_purpose(good: Path) -> None:
    with pytest.raises(InputRefused, match=r"finance.*afford"):
        read_region(good).table("finance")


def test_sources_most_specific_line_and_least_sure_basis(good: Path) -> None:
    region = read_region(good)
    assert source_of(region, "population", year=2010, county="010101").source == "census"
    assert source_of(region, "population", year=2010, county="010102").source == "older census"
    assert basis_of(region, "population", year=2020) == "published"
    assert basis_of(region, "population") == "derived"
    assert basis_of(region, "supply", service="nursery") == "assumed"
    assert sources_of(region, "supply")["rows"].tolist() == [1, 1]
    with pytest.raises(InputRefused, match="2031"):
        source_of(region, "population", year=2031)
    with pytest.raises(InputRefused, match="colour"):
        source_of(region, "population", colour="red")


def test_parent_and_counties_beyond_rounding_is_a_warning_with_the_figure(tmp_path: Path) -> None:
    (warning,) = read_region(write(tmp_path / "twins", edit(C, "1.80", "1.85"))).warnings
    assert (warning.code, warning.severity, warning.file, warning.row) == ("W146", "warning", C, 2)
    assert all(word in warning.text(lang) for word in ("18,500", "18,000", "+500") for lang in ("zh", "en"))
    assert read_region(write(tmp_path / "other", edit(C, "1.80", "1.81"))).warnings == ()  # half digits of three


def test_columns_and_files_that_are_not_read_are_warned_of(tmp_path: Path) -> None:
    header, rest = GOOD["supply.csv"].split("\n", 1)
    text = header + ",经办\n" + rest.replace("\n", ",张三\n")
    folder = write(tmp_path / "twins", {"supply.csv": text, "suply.csv": "x\n"})
    assert [(w.code, w.file, w.column) for w in read_region(folder).warnings] == [
        ("W111", "suply.csv", None),
        ("W110", "supply.csv", "经办"),
    ]


def test_a_pattern_fills_in_what_the_region_lacks(tmp_path: Path) -> None:
    region_toml = REGION.replace("jump_off_year", 'pattern = "land"\njump_off_year')
    folder = write(tmp_path / "twins", {"region.toml": region_toml, "levels.csv": None, "mortality.csv": None})
    place = folder / "patterns" / "land"
    place.mkdir(parents=True)
    about = 'id = "land"\nname = { zh = "国", en = "Land" }\nlicence = "CC0"\ncitation = "x"\narea = "LD"\n'
    (place / "pattern.toml").write_text(about, "utf-8")
    for name in ("levels", "mortality", "fertility"):
        (place / f"{name}.csv").write_text(GOOD[f"{name}.csv"].replace("010100,", "LD,"), "utf-8")
    (place / "sources.csv").write_text(
        "table,filter,source,locator,basis,verification,note\n"
        "levels,,UN,p. 1,published,,\nmortality,,UN,p. 2,published,,\nfertility,,UN,p. 3,published,,\n"
    )
    region = read_region(folder)
    assert set(region.table("mortality")["area"]) == {"LD"}
    assert set(region.table("fertility")["area"]) == {"010100"}
    assert source_of(region, "mortality").source == "UN"
    assert source_of(region, "fertility").source == "survey"
    assert region.parents["LD"]["en"] == "Land"
    assert "patterns/land/levels.csv" in region.hashes
    (place / "levels.csv").write_text(GOOD["levels.csv"].replace("010100,", "LD,").replace("1.25", "-1"), "utf-8")
    assert [(i.code, i.file) for i in refused(folder)] == [("E122", "patterns/land/levels.csv")]


# --- the folder itself


def test_an_unknown_region_offers_the_shipped_ones() -> None:
    with pytest.raises(InputRefused) as told:
        read_region("wenzou")
    assert told.value.issues[0].code == "E101"
    assert all("wenzou" in told.value.issues[0].text(lang) for lang in ("zh", "en"))
    with pytest.raises(InputRefused):
        read_region("../data/nowhere")


def test_a_workbook_instead_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputRefused) as told:
        read_region(tmp_path / "book.xlsx")
    assert told.value.issues[0].code == "E102"


def test_a_huge_file_is_refused_before_it_is_read(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    assert {(i.code, i.file) for i in refused(good)} == {("E105", P)}


def test_a_file_the_system_denies(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(CannotReadWrite) as told:
        read_region(good)
    assert told.value.issues[0].code == "E183"
    assert "Permission denied" in told.value.issues[0].text("zh")


def test_the_shipped_region_is_without_fault() -> None:
    region = read_region("wenzhou")
    assert [(warning.code, warning.file) for warning in region.warnings] == [("W114", "targets.csv")]
    assert len(region.counties) == 12
    people = region.table("population").groupby("year")["persons"].sum()
    assert people.to_dict() == {2010: 9_122_102.0, 2020: 9_572_903.0}
    assert {"mortality", "fertility", "levels", "supply", "projects", "enrolment"} <= set(region.tables)


# --- cells


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_any_number_is_read_as_it_is_written(value: float) -> None:
    assert read_number(repr(value)) == value


@given(st.integers(0, 10**12), st.sampled_from(["{:,}", " {} ", "{}.0", "{:,}.00"]))
def test_thousands_separators_and_spaces(value: int, form: str) -> None:
    assert read_number(form.format(value)) == value
    assert read_number(form.format(value).translate(str.maketrans("0123456789,.", "０１２３４５６７８９，．"))) == value


@given(st.text(max_size=12))
@settings(max_examples=300)
def test_a_cell_is_read_or_refused_never_a_crash(text: str) -> None:
    from forecast.region.cells import Bad

    for column in {column.kind.name: column for table in TABLES.values() for column in table.columns}.values():
        try:
            value, code = column.kind.read(text), "E121"
        except Bad as bad:
            value, code = 0.0, bad.code
        assert code in catalogue()
        assert not isinstance(value, float) or np.isfinite(value)


@given(st.binary(max_size=200))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_refused_with_a_message(tmp_path: Path, content: bytes) -> None:
    folder = write(tmp_path / "twins", {P: content})
    assert any(issue.file == P for issue in refused(folder))
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("printed", "label"),
    [("0岁", "0"), ("不满1岁", "0"), ("1～4岁", "1-4"), ("10至14", "10-14"), ("85 and over", "85+"), ("≥85", "85+"),
     ("１００岁及以上", "100+"), ("100", "100+"), ("07", "7"), ("5–9", "5-9")],
)  # fmt: skip
def test_ages_as_they_are_printed(printed: str, label: str) -> None:
    assert read_age(printed) == label


# --- the schema and the sentences


def test_a_header_means_one_column() -> None:
    for table in TABLES.values():
        names = [plain(name) for column in table.columns[:-2] for name in (column.name, *column.aliases)]
        assert len(names) == len(set(names)), table.name
        assert set(table.key) <= {column.name for column in table.columns}
        assert not table.quantity or table.column(table.quantity)


def test_every_table_says_what_it_opens() -> None:
    assert {key.removeprefix("region.opens.") for key in catalogue() if key.startswith("region.opens.")} == set(TABLES)


def test_every_code_of_the_region_has_a_case() -> None:
    source = "".join(path.read_text("utf-8") for path in Path(files.__file__).parent.glob("*.py"))
    codes = {key for key in catalogue() if key[0] in "EW" and len(key) == 4 and key[1] == "1"}
    assert {code for code in codes if f'"{code}"' in source or code.endswith("100")} == codes
    tried = Path(__file__).read_text("utf-8")
    elsewhere = {"W100", "E180", "E181", "W112"}  # matched by their sentence; the last in tests/findings/test_read.py
    elsewhere |= {
        "W113",
        "W115",
        "W116",
        "W148",
    }  # in test_totals_and_codes.py and tests/population/past/test_counts.py
    assert {code for code in codes if f'"{code}"' not in tried} <= elsewhere


@pytest.mark.parametrize(("found", "rows"), [("0", [3]), ("20", [3]), ("900", [3]), ("80", []), ("150", [])])
def test_a_roll_far_from_its_other_years_is_told(tmp_path: Path, found: str, rows: list[int]) -> None:
    years = {2020: "100", 2021: found, 2022: "110"}
    lines = "".join(f"010100,{year},primary,all,{value},persons\n" for year, value in years.items())
    folder = write(tmp_path / "rolls", {"enrolment.csv": f"county,year,stage,grade,value,unit\n{lines}"})
    told = [warning for warning in read_region(folder).warnings if warning.code == "W147"]
    assert [warning.row for warning in told] == rows


def test_words_speak_both_languages() -> None:
    word = pickle.loads(pickle.dumps(Text("女", "female")))  # noqa: S301 - our own bytes; runs cross processes
    assert f"{word:zh} {word:en}" == "女 female"
    assert json.dumps(word, default=str) == '"female"'


@pytest.mark.slow
def test_a_whole_country_is_checked_within_seconds(tmp_path: Path) -> None:
    """2,850 counties by sex and single age, about 600,000 rows."""
    codes = [f"{n:06d}" for n in range(100001, 102851)]
    rows = ["county,year,sex,age,persons"]
    rows += [f"{c},2020,{s},{a},{a + 1}" for c in codes for s in ("female", "male") for a in range(101)]
    counties = ["county,name_zh,name_en", *(f"{c},县{c},County {c}" for c in codes)]
    keep = {"region.toml": REGION, "counties.csv": "\n".join(counties), P: "\n".join(rows)}
    sources = "table,filter,source,locator,basis\ncounties,,x,x,published\npopulation,,x,x,published\n"
    folder = write(tmp_path / "land", {**dict.fromkeys(GOOD), **keep, S: sources})
    start = perf_counter()
    region = read_region(folder)
    assert len(region.table("population")) == 575_700
    assert perf_counter() - start < 20
