"""One census alone: it makes a past, its cross-section says who moves, and nobody moves where nothing is known."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast import read_region
from forecast.basics.issues import InputRefused
from forecast.population import baseline, estimate_past, project_population, unchanged
from forecast.population.past.one_census import (
    growth_of,
    learnt_growth,
    signs_of,
)
from forecast.population.past.read import Learnt, OneCensus, read_one_census
from forecast.region import Region
from tests.population.past.test_invariance import COUNTIES, World, check, off

SHIPPED = read_one_census("china_wpp2024")


@pytest.mark.parametrize(
    "world",
    [
        World((2020,), ("11-01", "11-01", "11-01"), 5, 85, 2020, False),
        World((2020,), ("11-01", "06-30", "12-31"), 1, 100, 2023, True),
        World((2015,), ("01-01", "01-01", "01-01"), 5, 90, 2019, False),
    ],
)
def test_one_count_of_people_who_never_change_leaves_them_unchanged(world: World, tmp_path: Path) -> None:
    check(tmp_path, world)
    region = read_region(tmp_path)
    past = estimate_past(region)
    assert past.attrs["form"] == "closed"
    ahead = baseline(region, unchanged(world.jump_off + 25), past)
    people = project_population(ahead.rates.drop_vars("mobility")).population
    for county in COUNTIES:
        assert off(people, county) < 0.02


def like_the_nation(factor: float = 1e-3) -> np.ndarray:
    """(county, age) one county with the ages of the nation in 2020, evenly inside the bands."""
    nation = SHIPPED.nation[2020].persons
    widths = np.diff([*SHIPPED.bands, 101])
    return factor * np.repeat(np.array(nation) / widths, widths)[None]


def neutral() -> OneCensus:
    """The shipped weights, the level of every cohort nought."""
    none = {2020: (0.0,) * len(SHIPPED.cohorts)}
    update = {name: getattr(SHIPPED, name).model_copy(update={"level": none}) for name in ("ages", "registered")}
    return SHIPPED.model_copy(update=update)


def test_a_county_like_the_nation_grows_as_the_level_says() -> None:
    for elsewhere in (None, 1e-3 * np.array([SHIPPED.nation[2020].elsewhere])):
        signs = signs_of(SHIPPED, like_the_nation(), elsewhere, 2020)
        assert signs.registered == (elsewhere is not None)
        np.testing.assert_allclose(signs.values, 0.0, atol=1e-3)
        np.testing.assert_allclose(learnt_growth(neutral(), signs, 2020), 0.0, atol=5e-3)


def test_a_county_that_the_young_leave_goes_on_losing_them() -> None:
    """Fewer of 20 to 39 beside the children than in the nation, and few from elsewhere: those of 10 to 14 will leave."""
    people = like_the_nation()
    people[:, 20:40] *= 0.6
    few = 0.2e-3 * np.array([SHIPPED.nation[2020].elsewhere])
    for elsewhere in (None, few):
        leaving = learnt_growth(SHIPPED, signs_of(SHIPPED, people, elsewhere, 2020), 2020)[0]
        staying = learnt_growth(SHIPPED, signs_of(SHIPPED, like_the_nation(), elsewhere, 2020), 2020)[0]
        assert leaving[2] < staying[2] - 0.1


def test_what_lies_outside_of_what_was_seen_is_taken_at_its_edge() -> None:
    nobody = like_the_nation()
    nobody[:, 20:25] = 0.0
    growth = learnt_growth(SHIPPED, signs_of(SHIPPED, nobody, None, 2020), 2020)
    assert abs(growth).max() < 2.0


def test_the_shipped_file_fits_together() -> None:
    for learnt, signs in (
        (SHIPPED.ages, len(SHIPPED.bands)),
        (SHIPPED.registered, len(SHIPPED.bands + SHIPPED.origins)),
    ):
        assert isinstance(learnt, Learnt)
        assert np.array(learnt.weights).shape == (signs, len(SHIPPED.cohorts))
        assert len(learnt.low) == len(learnt.high) == signs
        assert set(learnt.level) == set(SHIPPED.nation) == {2010, 2020}
    assert 0.5 < SHIPPED.fertility_kept < 1


@pytest.fixture
def one_census(root: Path, tmp_path: Path) -> Callable[..., Region]:
    """The shipped region with its last census alone, and with those registered elsewhere if they are given."""

    def make(elsewhere: pd.DataFrame | None = None, pattern: bool = True, totals: bool = True) -> Region:
        folder = tmp_path / f"one{len(list(tmp_path.iterdir()))}"
        shutil.copytree(root / "data" / "wenzhou", folder)
        table = pd.read_csv(folder / "population.csv", dtype=str)
        table[table.year == "2020"].to_csv(folder / "population.csv", index=False)
        if not totals:
            (folder / "controls.csv").unlink()
            head = (folder / "region.toml").read_text("utf-8").replace("jump_off_year = 2023", "jump_off_year = 2020")
            (folder / "region.toml").write_text(head, "utf-8")
        if not pattern:
            for name in ("mortality", "fertility", "levels"):
                shutil.copy(root / "data" / "patterns" / "china_wpp2024" / f"{name}.csv", folder / f"{name}.csv")
                add_source(folder, name)
            head = (folder / "region.toml").read_text("utf-8").replace('pattern = "china_wpp2024"\n', "")
            (folder / "region.toml").write_text(head, "utf-8")
        if elsewhere is not None:
            elsewhere.to_csv(folder / "registered_elsewhere.csv", index=False)
            add_source(folder, "registered_elsewhere")
        return read_region(folder)

    return make


def add_source(folder: Path, table: str) -> None:
    with (folder / "sources.csv").open("a", encoding="utf-8") as sources:
        sources.write(f"{table},,made up,,assumed,,\n")


def elsewhere_of(region: Region, share: float) -> pd.DataFrame:
    """In the headers of a bureau: so large a share of every county's residents is registered elsewhere, in equal parts."""
    table = region.table("population")
    residents = table[table.year == 2020].groupby("county").persons.sum()
    parts = ["县内", "省内", "省外"]
    rows = [(code, 2020, part, round(persons * share / 3)) for code, persons in residents.items() for part in parts]
    return pd.DataFrame(rows, columns=["县区代码", "年份", "户口登记地", "人数"])


def test_totals_after_one_census_are_met(one_census: Callable[..., Region], root: Path) -> None:
    region = one_census()
    past = estimate_past(region)
    assert past.attrs["form"] == "cold_ages"
    assert past.year.values.tolist() == [2020, 2021, 2022, 2023]
    two = estimate_past(read_region("wenzhou"))
    for year in (2020, 2021, 2022, 2023):
        people = [one.population.sel(year=year).sum(["sex", "age"]) for one in (past, two)]
        xr.testing.assert_allclose(*people, rtol=1e-6)


def test_more_from_elsewhere_means_more_to_come(one_census: Callable[..., Region]) -> None:
    alone = one_census(totals=False)
    few, many = (one_census(elsewhere_of(alone, share), totals=False) for share in (0.05, 0.4))
    net = []
    for region in (few, many):
        past = estimate_past(region)
        assert past.attrs["form"] == "cold"
        net.append(float(baseline(region, unchanged(2030), past).rates.net_migration.sum()))
    assert estimate_past(alone).attrs["form"] == "cold_ages"
    assert net[0] < net[1]


def test_a_county_without_the_table_is_read_by_ages_with_all_others(one_census: Callable[..., Region]) -> None:
    alone = one_census()
    part = elsewhere_of(alone, 0.2).iloc[3:]
    region = one_census(part)
    past = estimate_past(region)
    assert past.attrs["form"] == "cold_ages"
    xr.testing.assert_identical(past.migration_profile, estimate_past(alone).migration_profile)


def test_without_a_pattern_that_knows_nobody_moves(one_census: Callable[..., Region]) -> None:
    region = one_census(pattern=False, totals=False)
    past = estimate_past(region)
    assert past.attrs["form"] == "closed"
    rates = baseline(region, unchanged(2030), past).rates
    xr.testing.assert_allclose(rates.net_migration, rates.turnover)  # the students of a university pass through it


def test_of_a_closed_whole_what_counties_gain_others_lose(root: Path) -> None:
    """The nation by provinces, its last census alone."""
    nation = read_region("china")
    table = nation.table("population")
    tables = {**nation.tables, "population": table[table.year == 2020].reset_index(drop=True)}
    region = replace(nation, tables=tables, jump_off_year=2020)
    past = estimate_past(region)
    growth = growth_of(region, SHIPPED, past.census, 2020)
    persons = past.census.sum("sex")
    whole = (np.expm1(growth) * persons).sum("county") / persons.sum("county")
    np.testing.assert_allclose(whole, 0.0, atol=1e-12)
    assert float(abs(growth).max()) > 0.1


def test_no_census_at_all_is_refused(one_census: Callable[..., Region]) -> None:
    region = one_census()
    with pytest.raises(InputRefused) as refused:
        estimate_past(replace(region, jump_off_year=2019))
    assert [issue.code for issue in refused.value.issues] == ["E608"]
