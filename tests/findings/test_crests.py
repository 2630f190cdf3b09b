"""Rules by which a crest is chosen: each alone on made-up waves, and where they differ on a run."""

from __future__ import annotations

import pandas as pd
import pytest
import xarray as xr

from forecast import read_region, read_scenario
from forecast.findings import crests
from forecast.pipeline import run_forecast

SCHOOL = ("a", "school")


def waves(*rows: tuple[object, ...]) -> pd.DataFrame:
    """Rows of (service, crest year, prominence, probability, lag); demand at a crest is its year."""
    table = pd.DataFrame(rows, columns=["service", "peak_year", "prominence", "probability", "lag_years"])
    low, high = table["peak_year"] - 1, table["peak_year"] + 2
    return table.assign(
        county="a", turn="crest", at_edge=False, peak_year_low=low, peak_year_high=high, height=table["peak_year"] * 1.0
    )


THREE = waves(("school", 2020, 9.0, 1.0, 3), ("school", 2026, 5.0, 0.6, 4), ("school", 2032, 7.0, 0.4, float("nan")))


def years(table: pd.DataFrame) -> dict[tuple[str, str], list[int]]:
    assert set(crests.COLUMNS) <= set(table.columns)
    return {place: [crest.year for crest in own] for place, own in crests.by_place(table).items()}


def test_the_last_of_the_born_is_the_last_up_to_a_year_and_no_edge() -> None:
    assert years(crests.all_crests(THREE)) == {SCHOOL: [2020, 2026, 2032]}
    assert years(crests.last_of_the_born(THREE, {"school": 2030})) == {SCHOOL: [2026]}
    assert years(crests.last_of_the_born(THREE.assign(at_edge=THREE["peak_year"] == 2026), {"school": 2030})) == {
        SCHOOL: [2020]
    }
    assert years(crests.last_of_the_born(THREE, {"school": -1})) == years(crests.last_of_the_born(THREE, {})) == {}


@pytest.mark.parametrize(("later", "chosen"), [(100.0, {SCHOOL: [2020]}), (101.9, {SCHOOL: [2020]}), (103.0, {})])
def test_the_most_prominent_is_often_there_and_never_surpassed(later: float, chosen: object) -> None:
    path = xr.DataArray([100.0, 90.0, later], {"year": [2020, 2021, 2022]}).expand_dims(
        county=["a"], service=["school"]
    )
    assert years(crests.most_prominent(THREE, path)) == chosen
    assert years(crests.most_prominent(THREE.assign(probability=0.4), path)) == {}


def test_a_crest_of_the_paths_is_kept_where_the_scenario_has_one_in_its_range() -> None:
    scenario = waves(("school", 2028, 1.0, 1.0, float("nan")), ("school", 2034, 1.0, 1.0, float("nan")))
    assert crests.like_the_scenarios(THREE, scenario)["peak_year"].tolist() == [2026, 2032]
    assert crests.like_the_scenarios(THREE, scenario.assign(at_edge=True)).empty
    assert crests.like_the_scenarios(THREE.assign(turn="trough"), scenario).empty


def test_the_last_crest_with_a_lag() -> None:
    assert crests.with_lag(THREE)[["year", "lag_years"]].to_numpy().tolist() == [[2026, 4]]


def test_a_line_through_the_stages_goes_back_from_the_last() -> None:
    """The last crest of the first stage is later than that of the second, and so is passed over."""
    both = pd.concat([THREE, waves(("later", 2024, 1.0, 1.0, 4.0), ("later", 2040, 1.0, 1.0, 4.0))], ignore_index=True)
    line = crests.through_the_stages(both, ["school", "later"], {"school": 2030, "later": 2035})
    assert list(zip(line["service"], line["year"], strict=True)) == [("school", 2020), ("later", 2024)]
    assert crests.through_the_stages(THREE.iloc[:0], ["school"], {"school": 2030}).empty


DIFFER: dict[str, tuple[int | None, int | None]] = {}
"""Service -> crest year of the headline, crest year of the flag, of Wenzhou as a whole."""


def test_where_the_rules_differ_today() -> None:
    """One run names two years for the same pupils: the headline speaks of the scenario's last crest of those born by
    now, a flag of the most prominent one of all paths. Once the two agree, the list is empty."""
    run = run_forecast(read_region("wenzhou"), read_scenario("baseline"), trajectories=200, seed=7, now=2026)
    area = run.region.area
    born_until = dict(zip(run.data["service"].values.tolist(), run.data["born_until"].values.tolist(), strict=True))
    of_the_born = years(crests.last_of_the_born(run.waves, born_until))
    chosen = {
        service: (of_the_born.get((area, service), [None])[0], run.flags.facts[area, service].peak_year)
        for service in run.models
    }
    assert {service: pair for service, pair in chosen.items() if pair[0] != pair[1]} == DIFFER
