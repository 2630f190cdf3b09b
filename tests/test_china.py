"""The nation by provinces: what was published adds up and is met, and nothing is said of supply that is not given."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import xarray as xr

from forecast.errors import InputRefused
from forecast.pipeline import run_forecast
from forecast.population import estimate_past
from forecast.region import Region, read_region
from forecast.region.read import find_region
from forecast.run.run import Run
from forecast.scenario import read_scenario
from studies.foreseen import STAGES, first_grade

SERVICEMEN = 2_000_000  # census of 2020; they live in no province
CENSUS = {2010: 1_332_810_869, 2020: 1_409_778_724}  # residents of the 31 provinces
YEAR_ENDS = {2020: 141_212, 2021: 141_260, 2022: 141_175, 2023: 140_967, 2024: 140_828, 2025: 140_489}  # 10k persons


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region("china")


@pytest.fixture(scope="module")
def past(region: Region) -> xr.Dataset:
    return estimate_past(region)


@pytest.fixture(scope="module")
def run(region: Region) -> Run:
    return run_forecast(region, read_scenario("baseline"))


def controls(region: Region, component: str) -> dict[int, float]:
    table = region.table("controls")
    rows = table[(table.area == region.area) & (table.component == component)]
    return {int(year): float(value) for year, value in zip(rows.year, rows.value, strict=True)}


def test_it_is_without_fault_and_starts_where_its_figures_end(region: Region) -> None:
    assert region.warnings == ()
    assert len(region.counties) == 31
    assert region.jump_off_year == 2025


@pytest.mark.parametrize("year", [2010, 2020])
def test_the_provinces_add_up_to_the_census(region: Region, year: int) -> None:
    table = region.table("population")
    counted = table[table.year == year]
    assert counted.persons.sum() == CENSUS[year]
    assert (counted.groupby("county").size() == 2 * 19).all()


def test_year_ends_follow_from_births_and_deaths(region: Region) -> None:
    ends, births, deaths = (controls(region, name) for name in ("population", "births", "deaths"))
    assert {year: value + SERVICEMEN for year, value in ends.items()} == {
        year: value * 10_000 for year, value in YEAR_ENDS.items()
    }
    for year in range(2021, 2026):
        assert ends[year] == pytest.approx(ends[year - 1] + births[year] - deaths[year])


def test_the_provinces_of_2023_add_up_to_the_nation_within_rounding(region: Region) -> None:
    table = region.table("controls")
    rows = table[(table.component == "population") & (table.year == 2023)]
    provinces = rows[rows.area != region.area].value.sum()
    assert provinces == pytest.approx(controls(region, "population")[2023], abs=31 * 5_000)


def test_what_was_not_seen_says_so(region: Region) -> None:
    sources = region.table("sources")
    recalled = sources[sources.verification == "recalled"]
    assert set(recalled.table) == {"levels", "controls", "enrolment"}
    assert sum("recalled" in note["en"] and "凭记忆" in note["zh"] for note in region.settings["notes"]) == 2


def test_published_totals_are_met_and_the_nation_has_no_migration(region: Region, past: xr.Dataset) -> None:
    people = past.population.sum(["county", "sex", "age"])
    for year, residents in controls(region, "population").items():
        assert float(people.sel(year=year)) == pytest.approx(residents, rel=1e-6)
    for name in ("births", "deaths"):
        events = past[name].sum([dim for dim in past[name].dims if dim != "year"])
        for year, value in controls(region, name).items():
            if year > 2020:
                assert float(events.sel(year=year)) == pytest.approx(value, rel=1e-6)
    assert float(abs(past.migration_recent.sum())) < 100


def test_nobody_enters_or_leaves_the_nation_at_any_age(run: Run) -> None:
    """Children of 2010 were found better in 2020 than ten years before: 1.3 % of a cohort each year, which is no migration."""
    moved = run.data.net_migration.sum(["county", "sex"]).sel(year=slice(2021, 2035))
    people = run.data.population.sum(["county", "sex"]).sel(year=slice(2021, 2035))
    assert float(abs(moved.sel(age=slice(0, 17)) / people.sel(age=slice(0, 17))).max()) < 0.002
    assert float(abs(moved.sum("age") / people.sum("age")).max()) < 1e-4
    everywhere = run.data.net_migration.sum(["sex", "age"]).sel(year=2024)
    assert float(everywhere.sel(county="440000")) > 0 > float(everywhere.sel(county="230000"))


def test_counted_rolls_are_met(region: Region, run: Run) -> None:
    table = region.table("enrolment")
    rolls = table[(table.county == region.area) & (table["item"] == "pupils")]
    primary = rolls[rolls.stage == "primary"].set_index("year").value
    demand = run.data.demand.sel(service="primary_school", county=region.counties.index.tolist()).sum("county")
    assert float(demand.sel(year=2024)) == pytest.approx(primary[2024], rel=1e-6)


@pytest.fixture(scope="module")
def from_2023(region: Region) -> dict[str, float]:
    """The nation of 2024 as said at the end of 2023, nothing later used, in persons."""
    run = run_forecast(region.until(2023), read_scenario("baseline", {"horizon": 2025}))
    whole = run.data.sel(year=2024).sum("county")
    said = {stage: float(whole.demand.sel(service=stage)) for stage in STAGES}
    entrants = first_grade(run)
    assert entrants is not None
    return {
        **said,
        "senior_general": float(whole.part_pupils.sel(part="senior_general")),
        "primary_entrants": float(entrants.sel(year=2024)),
    }


@pytest.mark.parametrize(
    ("series", "came", "within"),
    [
        ("kindergarten", 35_839_900, 0.010),
        ("primary_school", 105_843_700, 0.010),
        ("junior_school", 53_861_600, 0.005),
        ("senior_general", 29_222_800, 0.010),
        ("primary_entrants", 16_166_300, 0.020),
    ],
)
def test_2024_was_foreseen_at_the_end_of_2023(
    from_2023: dict[str, float], series: str, came: float, within: float
) -> None:
    """The communique of 2024 of the Ministry of Education, against what nothing later than 2023 says of it."""
    assert from_2023[series] == pytest.approx(came, rel=within)


def test_no_gap_is_claimed_where_no_supply_is_given(run: Run) -> None:
    assert bool(run.data.supply.isnull().all())
    assert bool(run.data.gap.isnull().all())
    assert not re.search("短缺|富余|缺口", "".join(run.headline["zh"]))


def test_the_fall_of_primary_school_is_that_of_births(region: Region, run: Run) -> None:
    """Births fell from 18.83 to 7.92 million between 2016 and 2025: whoever was born in the peak leaves primary school in
    2028 to 2029, and the nine years of births behind it are known."""
    pupils = run.data.demand.sel(service="primary_school", county=region.counties.index.tolist()).sum("county")
    assert 0.52 < float(pupils.sel(year=2031) / pupils.sel(year=2024)) < 0.66


@pytest.mark.parametrize("horizon", [1990, 2025])
def test_a_horizon_that_is_no_future_is_refused(region: Region, horizon: int) -> None:
    with pytest.raises(InputRefused) as told:
        run_forecast(region, read_scenario("baseline", {"horizon": horizon}))
    assert [issue.code for issue in told.value.issues] == ["E648"]
    assert "2026" in told.value.issues[0].text("zh")


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64])
def test_a_seed_that_no_file_can_hold_is_refused(region: Region, seed: int) -> None:
    with pytest.raises(ValueError, match="9223372036854775807"):
        run_forecast(region, read_scenario("baseline"), seed=seed)


def test_no_sentence_of_the_first_screen_speaks_of_a_year_beyond_the_horizon(region: Region) -> None:
    for year in (2026, 2029):
        run = run_forecast(region, read_scenario("baseline", {"horizon": year}))
        said = " ".join(run.headline["zh"] + run.headline["en"])
        assert all(int(found) <= year for found in re.findall(r"20\d\d", said))


def test_deaths_beyond_reach_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "china"
    shutil.copytree(find_region("china"), folder)
    controls = (folder / "controls.csv").read_text("utf-8")
    (folder / "controls.csv").write_text(controls.replace("CN,2023,deaths,1110,", "CN,2023,deaths,8000,"), "utf-8")
    with pytest.raises(InputRefused) as told:
        estimate_past(read_region(folder))
    assert [issue.code for issue in told.value.issues] == ["E607"]
