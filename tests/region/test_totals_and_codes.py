"""What is a part of what: printed totals, codes of a former boundary, areas around, and counts too small to judge."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import InputRefused
from forecast.region import Region, read_region, source_of
from forecast.region.plausible import _apart, _by_chance
from tests.region.test_region import GOOD, population, write

UNION = "010101+010102"
ENROLMENT = "county,year,stage,hukou,value,unit\n"
SUPPLY = "county,year,service,capacity,unit,kind\n"
PROJECTS = "county,year,service,capacity,unit,name\n"
THIRD = "010103,丙县,Third,010100\n"


def read(folder: Path, **texts: str) -> Region:
    """The good region with some of its tables changed, and a source for each."""
    lines = [
        f"{name},,made up,,published,seen,\n"
        for name in texts
        if name != "head" and f"\n{name},," not in GOOD["sources.csv"]
    ]
    texts.setdefault("sources", GOOD["sources.csv"] + "".join(lines))
    files = {"region.toml" if name == "head" else f"{name}.csv": text for name, text in texts.items()}
    return read_region(write(folder / "twins", files))


def with_third() -> dict[str, str]:
    """Three counties, so that two of them are not yet the whole; the third is as large as the first."""
    people = population()
    third = [line.replace("010101", "010103") for line in people.splitlines() if line.startswith("010101")]
    return {
        "counties": GOOD["counties.csv"] + THIRD,
        "population": people + "\n".join(third) + "\n",
        "controls": "area,year,component,value,unit\n010100,2022,population,27000,persons\n",
    }


def pupils(region: Region) -> dict[str, float]:
    table = region.table("enrolment")
    sums: pd.Series[float] = table.groupby("county")["value"].sum()
    return {str(code): float(value) for code, value in sums.items()}


def codes(region: Region) -> list[str]:
    return [warning.code for warning in region.warnings]


# Totals beside their parts.


@pytest.mark.parametrize("word", ["合计", "合 计", "总计", "小计", "Total", "all", ""])
def test_a_total_in_a_breakdown_column_is_counted_once(tmp_path: Path, word: str) -> None:
    rows = f"010100,2022,primary,{word},900,persons\n010100,2022,primary,本地,600,persons\n010100,2022,primary,随迁子女,300,persons\n"
    assert pupils(read(tmp_path, enrolment=ENROLMENT + rows)) == {"010100": 900}


def test_a_single_part_of_a_total_is_one_of_which(tmp_path: Path) -> None:
    rows = "010100,2022,primary,合计,900,persons\n010100,2022,primary,随迁子女,300,persons\n"
    assert pupils(read(tmp_path, enrolment=ENROLMENT + rows)) == {"010100": 900}


def test_parts_without_a_total_are_added_and_a_total_alone_stands(tmp_path: Path) -> None:
    rows = "010101,2022,primary,本地,600,persons\n010101,2022,primary,随迁子女,300,persons\n"
    rows += "010102,2022,primary,合计,500,persons\n"
    assert pupils(read(tmp_path, enrolment=ENROLMENT + rows)) == {"010101": 900, "010102": 500}


def test_a_part_that_exceeds_its_total_is_refused(tmp_path: Path) -> None:
    rows = "010100,2022,primary,合计,900,persons\n010100,2022,primary,随迁子女,1300,persons\n"
    with pytest.raises(InputRefused) as told:
        read(tmp_path, enrolment=ENROLMENT + rows)
    assert [issue.code for issue in told.value.issues] == ["E146"]


def test_a_total_of_projects_is_no_project(tmp_path: Path) -> None:
    rows = (
        "010101,2025,nursery,30,places,甲园\n010101,2025,nursery,20,places,乙园\n010101,2025,nursery,50,places,合计\n"
    )
    region = read(tmp_path, projects=PROJECTS + rows)
    assert region.table("projects")["name"].tolist() == ["甲园", "乙园"]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (
            "supply",
            "010100,2022,nursery,90,places,recorded\n010101,2022,nursery,30,places,recorded\n010102,2022,nursery,30,places,recorded\n",
        ),
        ("births", "010100,2022,180\n010101,2022,80\n010102,2022,80\n"),
    ],
)
def test_a_total_that_its_counties_contradict_is_told(tmp_path: Path, name: str, rows: str) -> None:
    header = SUPPLY if name == "supply" else "county,year,persons\n"
    if name == "supply":
        with pytest.raises(InputRefused) as told:
            read(tmp_path / "one", **{name: header + rows})
        (issue,) = told.value.issues
        assert issue.code == "E425"
        assert all("90" in issue.text(lang) and "60" in issue.text(lang) for lang in ("zh", "en"))
    else:
        assert codes(read(tmp_path / "one", **{name: header + rows})) == ["W146"]
    agreed = rows.replace(",90,", ",60,").replace(",180", ",160")
    assert codes(read(tmp_path / "other", **{name: header + agreed})) == []


def test_counties_that_leave_nothing_for_the_others_are_told_by_the_check(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as told:
        read(
            tmp_path,
            supply=SUPPLY + "010100,2022,nursery,90,places,recorded\n010101,2022,nursery,130,places,recorded\n",
        )
    assert [issue.code for issue in told.value.issues] == ["E421"]


def test_a_figure_is_held_against_areas_between_the_counties_and_the_whole(tmp_path: Path) -> None:
    """Two counties in a prefecture and one outside it: the whole is prefecture and third county."""
    extra = with_third()
    extra["counties"] = (
        extra["counties"]
        .replace("甲县,First,010100", "甲县,First,010110")
        .replace("乙县,Second,010100", "乙县,Second,010110")
    )
    assert extra["counties"].count("010110") == 2
    areas = '[areas]\n"010110" = { zh = "辖区", en = "Prefecture" }\n'
    head = GOOD["region.toml"].replace("[areas]\n", areas)
    rows = "010110,2022,nursery,60,places,recorded\n010103,2022,nursery,40,places,recorded\n010100,2022,nursery,{},places,recorded\n"

    def told(name: str, whole: int) -> list[str]:
        try:
            region = read(tmp_path / name, **extra, supply=SUPPLY + rows.format(whole), head=head)
        except InputRefused as refused:
            return [issue.code for issue in refused.issues]
        return codes(region)

    assert told("same", 100) == []
    assert told("other", 120) == ["E425"]
    by_county = rows.replace("010103,2022,nursery,40,places,recorded\n", "")
    rows = by_county
    assert told("partial", 50) == ["E421"]
    assert told("rest", 120) == []


@pytest.mark.parametrize(
    ("word", "kind"),
    [("实有", "recorded"), ("按最多在校生数推得", "rolls"), ("按千人指标推得", "ratio"), ("Rolls", "rolls")],
)
def test_how_a_figure_is_known_is_read_in_both_languages(tmp_path: Path, word: str, kind: str) -> None:
    supply = f"县区代码,年份,服务,容量,单位,口径\n010101,2022,nursery,30,places,{word}\n"
    region = read(tmp_path, supply=supply)
    assert region.table("supply")["kind"].tolist() == [kind]
    assert codes(region) == []


@pytest.mark.parametrize("word", ["split", "none", "planned", "估计"])
def test_a_kind_that_cannot_be_given_is_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(InputRefused) as told:
        read(tmp_path, supply=SUPPLY + f"010101,2022,nursery,30,places,{word}\n")
    assert [(issue.code, issue.row, issue.column) for issue in told.value.issues] == [("E127", 2, "kind")]


def test_figures_without_a_kind_are_said_once_to_be_taken_as_recorded(tmp_path: Path) -> None:
    bare = "county,year,service,capacity,unit\n010101,2022,nursery,30,places\n010102,2022,nursery,30,places\n"
    (one,) = read(tmp_path / "bare", supply=bare).warnings
    assert (one.code, one.values["count"]) == ("W116", 2)
    half = SUPPLY + "010101,2022,nursery,30,places,\n010102,2022,nursery,30,places,ratio\n"
    (one,) = read(tmp_path / "half", supply=half).warnings
    assert (one.code, one.values["count"]) == ("W116", 1)


def test_more_pupils_than_places_on_record_are_told(tmp_path: Path) -> None:
    """A roll of 313,000 in 291,600 places cannot be; taken from rolls it can, and so can 4 % more than there are."""
    rolls = "county,year,stage,value,unit\n010100,2022,junior,291600,pupils\n010100,2025,junior,{},pupils\n"

    def told(pupils: int, kind: str, **more: str) -> list[str]:
        supply = SUPPLY + f"010100,2022,junior_school,291600,places,{kind}\n"
        return codes(
            read(tmp_path / f"{pupils}{kind}{len(more)}", supply=supply, enrolment=rolls.format(pupils), **more)
        )

    assert told(313_000, "recorded") == ["W148"]
    assert told(303_000, "recorded") == []
    assert told(313_000, "rolls") == []
    assert told(313_000, "recorded", projects=PROJECTS + "010101,2024,junior_school,20000,places,甲校\n") == []
    by_grade = "county,year,stage,grade,value,unit\n" + "".join(
        f"010100,2025,junior,{n},110000,pupils\n" for n in (7, 8, 9)
    )
    supply = SUPPLY + "010100,2022,junior_school,291600,places,recorded\n"
    found = read(tmp_path / "grades", supply=supply, enrolment=by_grade)
    (warning,) = [issue for issue in found.warnings if issue.code == "W148"]
    assert (warning.row, warning.column) == (2, "capacity")
    assert all("330,000" in warning.text(lang) and "291,600" in warning.text(lang) for lang in ("zh", "en"))


def test_units_of_one_union_are_known_as_their_weakest_is(tmp_path: Path) -> None:
    text = boundaries(f"2022,010108,甲县,{UNION}", f"2022,010109,乙县,{UNION}")
    rows = "010108,2022,kindergarten,300,places,recorded\n010109,2022,kindergarten,200,places,ratio\n"
    table = read(tmp_path, **with_third(), boundaries=text, supply=SUPPLY + rows).table("supply")
    assert table[["county", "capacity", "kind"]].to_numpy().tolist() == [[UNION, 500.0, "ratio"]]


# Codes that are no present county.


def boundaries(*rows: str) -> str:
    return GOOD["boundaries.csv"] + "".join(f"{row},\n" for row in rows)


def test_a_figure_of_a_union_is_one_of_its_counties_together(tmp_path: Path) -> None:
    region = read(
        tmp_path,
        **with_third(),
        boundaries=boundaries(f"2022,010109,甲乙县,{UNION}"),
        enrolment="county,year,stage,value,unit\n010109,2022,primary,900,persons\n",
        supply=SUPPLY + "010109,2022,kindergarten,300,places,recorded\n",
    )
    assert pupils(region) == {UNION: 900}
    assert region.areas.inside(UNION) == ["010101", "010102"]
    assert region.areas.names[UNION] == region.areas.names[UNION].__class__("甲县、乙县", "First, Second")
    assert list(region.areas.members)[-1] == region.area
    assert source_of(region, "supply", county=UNION).basis == "published"


def test_a_union_of_all_counties_is_the_whole(tmp_path: Path) -> None:
    text = boundaries(f"2022,010109,甲乙县,{UNION}")
    region = read(tmp_path, boundaries=text, supply=SUPPLY + "010109,2022,kindergarten,300,places,recorded\n")
    assert region.table("supply")["county"].tolist() == [region.area]
    assert codes(region) == []


def test_units_printed_apart_are_added(tmp_path: Path) -> None:
    """A zone counted beside its county, and two units of a former boundary that together are two present counties."""
    apart = boundaries(f"2021,010101,甲县,{UNION}", f"2021,010109,乙县,{UNION}", "2022,010171,开发区,010102")
    rows = "010101,2021,primary,300,persons\n010109,2021,primary,400,persons\n"
    rows += "010102,2022,primary,500,persons\n010171,2022,primary,70,persons\n"
    region = read(tmp_path, **with_third(), boundaries=apart, enrolment="county,year,stage,value,unit\n" + rows)
    assert pupils(region) == {UNION: 700, "010102": 570}


def test_a_source_of_a_former_code_still_speaks_for_it(tmp_path: Path) -> None:
    region = read(
        tmp_path,
        boundaries=boundaries("2022,010171,开发区,010102"),
        supply=SUPPLY + "010101,2022,nursery,60,places,recorded\n010171,2022,nursery,30,places,recorded\n",
        sources=GOOD["sources.csv"] + "supply,county=010171;year=2022,report of the zone,,assumed,seen,\n",
    )
    assert source_of(region, "supply", county="010102").source == "report of the zone"


def test_a_figure_that_no_county_can_take_is_told(tmp_path: Path) -> None:
    text = GOOD["controls.csv"] + "010109,2021,births,70,persons\n010000,2022,births,9000,persons\n"
    region = read(tmp_path, controls=text, boundaries=boundaries(f"2021,010109,甲乙,{UNION}"))
    told = [(warning.code, warning.row) for warning in region.warnings]
    assert told == [("W113", 8), ("W113", 9)]


def test_pupils_go_to_no_former_unit(tmp_path: Path) -> None:
    flows = "service,from,to,year,share\nsenior_school,010101,010109,2015,1\n"
    with pytest.raises(InputRefused) as told:
        read(tmp_path, flows=flows)
    assert [(issue.code, issue.column) for issue in told.value.issues] == [("E149", "to")]


# Counts too small to judge by a rate, and closings.


@pytest.mark.parametrize(("events", "alive"), [(0, 60), (0, 0), (3, 20), (0, 5000), (1, 3), (70, 1000)])
def test_so_few_may_be_born_or_die_by_chance(events: float, alive: float) -> None:
    assert _by_chance(events, alive)


@pytest.mark.parametrize(("events", "alive"), [(0, 60_000), (6.5, 9_645_000), (65_000, 964.5), (1, 0), (40, 60)])
def test_so_many_are_a_matter_of_the_unit(events: float, alive: float) -> None:
    assert not _by_chance(events, alive)


@pytest.mark.parametrize(
    ("one", "other", "apart"), [(60_000, 2_000, False), (0, 500, False), (300, 3, False), (95.87, 958_700, True)]
)
def test_a_new_town_may_grow_and_a_unit_is_off_by_more(one: float, other: float, apart: bool) -> None:
    assert _apart(one, other) == _apart(other, one) == apart


@pytest.mark.parametrize("closing", ["010101,2025,care_beds,-61,beds,甲院\n", "010100,2025,care_beds,-61,beds,甲院\n"])
def test_no_more_closes_than_stands(tmp_path: Path, closing: str) -> None:
    county = closing[:6]
    stands = SUPPLY + f"{county},2022,care_beds,60,beds,recorded\n"
    with pytest.raises(InputRefused) as told:
        read(tmp_path / "more", supply=stands, projects=PROJECTS + closing)
    assert [(issue.code, issue.file, issue.row) for issue in told.value.issues] == [("E424", "projects.csv", 2)]
    read(tmp_path / "all", supply=stands, projects=PROJECTS + closing.replace("-61", "-60"))
    opens = f"{county},2024,care_beds,5,beds,乙院\n"
    read(tmp_path / "opens", supply=stands, projects=PROJECTS + closing + opens)


def test_a_table_that_nothing_reads_says_so(tmp_path: Path) -> None:
    tables = {
        "facilities": "id,county,service,capacity,opened\nA,010101,nursery,60,2000\n",
        "migration": "county,year,net_migration\n010101,2022,-30\n",
        "monthly_births": "county,year,month,births\n010101,2020,1,10\n",
    }
    region = read(tmp_path, **tables)
    assert {(warning.code, warning.file) for warning in region.warnings} == {("W114", f"{name}.csv") for name in tables}
