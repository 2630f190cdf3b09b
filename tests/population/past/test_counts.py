"""Every count and total that is given is used: middle counts, days, groups of its own, totals without counties, births."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from forecast import read_region, read_scenario
from forecast.basics.folders import folder
from forecast.basics.issues import InputRefused
from forecast.population import estimate_past, vital_rates
from forecast.population.past.census import count_of, rest_of_year
from forecast.population.past.migration import expected_net
from forecast.region import Region
from tests.population.past.test_invariance import AREA, BIRTHS, COUNTIES, World, stationary, write

USUAL = World((2010, 2020), ("11-01", "11-01", "11-01"), 5, 100, 2022, True)
Lines = list[str]


def changed(folder: Path, world: World, **changes: Callable[[Lines], Lines]) -> Region:
    """The unchanging region with the lines of some tables changed (a table that is not there has none)."""
    write(folder, world)
    for table, change in changes.items():
        path = folder / f"{table}.csv"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        path.write_text("\n".join(change(lines)) + "\n", "utf-8")
        if not lines:
            with (folder / "sources.csv").open("a", encoding="utf-8") as sources:
                sources.write(f"{table},,made up,,assumed,,\n")
    return read_region(folder)


def times(factor: float, *words: str) -> Callable[[Lines], Lines]:
    """The last-but-unit number of every line that holds all the words, multiplied."""

    def change(lines: Lines) -> Lines:
        found = []
        for line in lines:
            cells = line.split(",")
            number = max((i for i, cell in enumerate(cells) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)), default=None)
            if number is not None and all(word in line for word in words):
                cells[number] = repr(float(cells[number]) * factor)
            found.append(",".join(cells))
        return found

    return change


def total(region: Region, year: int) -> float:
    return float(estimate_past(region).population.sel(year=year).sum())


def test_a_count_in_the_middle_is_met(tmp_path: Path) -> None:
    three = World((2000, 2010, 2020), ("12-31",) * 3, 5, 100, 2022, True)
    region = changed(tmp_path, three, population=times(1.3, ",2010,"))
    people = sum(one.sum() for one in stationary().values())
    assert total(region, 2010) == pytest.approx(1.3 * people, rel=1e-9)
    assert total(region, 2000) == pytest.approx(people, rel=1e-9)
    moves = estimate_past(region).migration_profile.sum()
    assert float(moves) < -0.02 * people  # the last ten years lost a quarter


def test_counties_printed_in_other_groups_keep_their_own(tmp_path: Path) -> None:
    """One county prints 5-14 where the others print 5-9 and 10-14."""

    def merged(lines: Lines) -> Lines:
        sums: dict[str, float] = {}
        kept = []
        for line in lines:
            county, year, day, sex, group, *persons = line.split(",")
            if county == COUNTIES[0] and group in ("5-9", "10-14"):
                key = f"{county},{year},{day},{sex},5-14"
                sums[key] = sums.get(key, 0.0) + float(persons[0])
            else:
                kept.append(line)
        return kept + [f"{key},{value!r}" for key, value in sums.items()]

    region = changed(tmp_path, USUAL, population=merged)
    single = count_of(region, 2020).on_the_day
    for county in COUNTIES[:2]:
        np.testing.assert_allclose(single.sel(unit=county).values[:, 5:15], stationary()[county][:, 5:15], rtol=1e-6)


@pytest.mark.parametrize(
    ("day", "rest"), [("12-31", 0.0), ("06-30", 0.5), ("07-01", 0.5), ("01-01", 1.0), ("11-01", 1 / 6)]
)
def test_the_day_of_a_count_says_what_of_the_year_is_left(day: str, rest: float) -> None:
    assert rest_of_year(day) == pytest.approx(rest)


def test_a_day_that_no_month_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        changed(tmp_path, World((2010, 2020), ("02-30",) * 3, 5, 100, 2022, True))
    assert {issue.code for issue in caught.value.issues} <= {"E133", "E100"}


def test_the_whole_alone_may_have_a_later_total_and_the_year_follows(tmp_path: Path) -> None:
    """City totals to 2022, no county's, and no jump-off year in the head: counties keep their own course and share the rest."""
    write(tmp_path, USUAL)
    head = tmp_path / "region.toml"
    head.write_text(re.sub(r"jump_off_year.*\n", "", head.read_text("utf-8")), "utf-8")
    controls = tmp_path / "controls.csv"
    grown = times(1.02, ",2022,population")(controls.read_text("utf-8").splitlines())
    controls.write_text("\n".join(grown) + "\n", "utf-8")
    region = read_region(tmp_path)
    assert region.jump_off_year == 2022
    past = estimate_past(region)
    whole = sum(one.sum() for one in stationary().values())
    by_county = past.population.sel(year=2022).sum(["sex", "age"])
    assert float(by_county.sum()) == pytest.approx(1.02 * whole, rel=1e-7)
    for county in COUNTIES[:2]:
        assert float(by_county.sel(county=county)) > 1.005 * stationary()[county].sum()


def test_births_by_county_move_each_countys_fertility(tmp_path: Path) -> None:
    """The whole's births as before, the second county with half of its own and the first with what that leaves."""
    half = BIRTHS[COUNTIES[1]] / 2
    own = {COUNTIES[0]: BIRTHS[COUNTIES[0]] + half, COUNTIES[1]: half, COUNTIES[2]: BIRTHS[COUNTIES[2]]}
    rows = [f"{county},{year},{births}" for county, births in own.items() for year in (2021, 2022)]
    region = changed(tmp_path, USUAL, births=lambda _: ["county,year,persons", *rows])
    births = estimate_past(region).births.sel(year=2022).sum("sex")
    assert float(births.sum()) == pytest.approx(sum(BIRTHS.values()), rel=1e-6)
    for county in COUNTIES[:2]:
        assert float(births.sel(county=county)) == pytest.approx(own[county], rel=0.01)


def test_a_county_without_a_child_is_not_without_births(tmp_path: Path) -> None:
    def childless(lines: Lines) -> Lines:
        return times(0.0, f"{COUNTIES[2]},2020", ",0-4,")(lines)

    tiny = changed(tmp_path, USUAL, population=lambda lines: childless(times(0.02, COUNTIES[2])(lines)))
    births = float(estimate_past(tiny).births.sel(county=COUNTIES[2], year=2022).sum())
    assert 0.2 < births / (0.02 * BIRTHS[COUNTIES[2]]) <= 1.0


def test_fertility_as_rates_is_fertility_as_shares(tmp_path: Path) -> None:
    def as_rates(lines: Lines) -> Lines:
        return [lines[0].replace("share", "asfr"), *times(0.3, AREA)(lines[1:])]

    shares = estimate_past(changed(tmp_path / "shares", USUAL))
    rates = estimate_past(changed(tmp_path / "rates", USUAL, fertility=as_rates))
    np.testing.assert_allclose(rates.population, shares.population, rtol=1e-9)


def test_nobody_dies_at_an_age_without_deaths(tmp_path: Path) -> None:
    region = changed(tmp_path, USUAL, mortality=times(0.0, f"{AREA},1990,2060,female,8,"))
    rates = vital_rates(region, read_scenario("baseline", {"horizon": 2030}))
    assert float(rates.sx.sel(sex="female", age=9).min()) > 0.9997


def test_levels_that_end_before_the_horizon_are_refused_by_year(tmp_path: Path) -> None:
    region = changed(tmp_path, USUAL, levels=lambda lines: [line for line in lines if ",2035," not in line])
    with pytest.raises(InputRefused) as caught:
        vital_rates(region, read_scenario("baseline", {"horizon": 2040}))
    assert [(issue.code, issue.values["labels"]) for issue in caught.value.issues] == [("E602", "2035")]


def test_births_that_are_known_before_residents_lead_on(tmp_path: Path) -> None:
    """Births of a year after the last published residents: the year is known, as many move as usual."""
    shutil.copytree(folder("data") / "wenzhou", tmp_path / "w")
    before = read_region(tmp_path / "w")
    with (tmp_path / "w" / "controls.csv").open("a", encoding="utf-8") as table:
        table.write("330300,2024,births,6.0,10k persons\n")
    with (tmp_path / "w" / "sources.csv").open("a", encoding="utf-8") as table:
        table.write("controls,year=2024,made up,,assumed,,\n")
    after = read_region(tmp_path / "w")
    assert (before.jump_off_year, after.jump_off_year) == (2023, 2024)
    old, new = estimate_past(before), estimate_past(after)
    np.testing.assert_allclose(new.births.sel(year=2024).sum(), 60_000)
    np.testing.assert_allclose(new.population.sel(year=2023), old.population.sel(year=2023), rtol=1e-9)
    moved = new.net_migration.sel(year=2024).sum(["sex", "age"])
    expected, later = (expected_net(past, np.array([2024, 2030])).sum(["sex", "age"]) for past in (old, new))
    np.testing.assert_allclose(moved, expected.sel(year=2024), atol=30)  # and the turnover of campuses
    np.testing.assert_allclose(later, expected, atol=200)  # births say nothing of who moves; residents are a year older
    np.testing.assert_allclose(new.migration_observed, old.migration_observed)
    assert np.isnan(float(new.mortality_level.sel(year=2024)))
    toml = tmp_path / "w" / "region.toml"
    toml.write_text(
        toml.read_text("utf-8").replace('parent = "330000"', 'parent = "330000"\njump_off_year = 2023'), "utf-8"
    )
    held = read_region(tmp_path / "w")
    assert [issue.code for issue in held.warnings if issue.code == "W115"] == ["W115"]
    np.testing.assert_array_equal(estimate_past(held).population, old.population)
