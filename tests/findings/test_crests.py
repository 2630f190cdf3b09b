"""The crest that matters: its rule on made-up waves, and one crest for one series wherever a run tells it."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast import read_region, read_scenario
from forecast.findings.crests import COLUMNS, Crest, by_place, chosen_crests, with_ranges
from forecast.pipeline import run_forecast
from forecast.report.csv_tables import tables

PLACE = ("a", "school")


def waves(*rows: tuple[object, ...]) -> pd.DataFrame:
    """Turns from rows of (peak year, prominence, probability); demand at a crest is its year."""
    table = pd.DataFrame(rows, columns=["peak_year", "prominence", "probability"])
    low, high = table["peak_year"] - 1, table["peak_year"] + 2
    times = {"peak_time_low": low - 0.3, "peak_time_high": high + 0.3}
    return table.assign(
        county="a", service="school", turn="crest", at_edge=False, peak_year_low=low, peak_year_high=high, **times
    ).assign(height=table["peak_year"] * 1.0)


def series(values: dict[int, float]) -> xr.DataArray:
    path = xr.DataArray([*map(float, values.values())], {"year": list(values)}, ("year",))
    return path.expand_dims(county=["a"], service=["school"])


def steady(first: int = 2015, last: int = 2040, crest: int = 2026, height: float = 2026.0) -> xr.DataArray:
    """A peak that falls by a tenth a year on both sides."""
    return series({year: height * 0.9 ** abs(year - crest) for year in range(first, last + 1)})


THREE = waves((2020, 9.0, 1.0), (2026, 5.0, 0.6), (2032, 7.0, 0.4))


def chosen(table: pd.DataFrame, demand: xr.DataArray, born: int, rolls: xr.DataArray | None = None) -> Crest | None:
    crests = chosen_crests(table, demand, {"school": born}, rolls)
    assert tuple(crests.columns) == COLUMNS
    return by_place(crests).get(PLACE)


def test_of_a_cohort_the_last_crest_of_the_born_counts() -> None:
    crest = chosen(THREE, steady(), 2030)
    assert crest == Crest(2026, 2025, 2028, 2026.0, 0.6)
    assert chosen(THREE, steady(), 2025).year == 2020
    assert chosen(THREE, steady(), 2019) is None


def test_a_crest_that_few_trajectories_have_or_at_an_edge_is_not_told() -> None:
    assert chosen(THREE.assign(probability=[0.9, 0.49, 0.4]), steady(), 2035).year == 2020
    assert chosen(THREE.assign(probability=np.nan), steady(), 2035) is None
    assert chosen(THREE.assign(at_edge=[False, True, True]), steady(), 2035).year == 2020


@pytest.mark.parametrize(("later", "year"), [(2020.0, 2020), (2060.0, 2020), (2061.0, None)])
def test_of_others_the_most_prominent_that_is_never_surpassed_counts(later: float, year: int | None) -> None:
    demand = series({2019: 1900.0, 2020: 2020.0, 2021: 1900.0, 2022: later})
    crest = chosen(THREE, demand, -1)
    assert (crest and crest.year) == year


def test_before_the_first_count_the_highest_roll_stands_for_the_crest() -> None:
    demand = series({2016: 300.0, 2017: 312.0, 2018: 300.2, 2019: 289.0, 2020: 250.0, 2026: 188.0})
    rolls = series({2016: np.nan, 2017: np.nan, 2018: 300.2, 2019: 289.0, 2020: np.nan, 2026: np.nan})
    crest = chosen(waves((2017, 9.0, 1.0)), demand, 2026, rolls)
    assert crest == Crest(2018, 2018, 2018, 300.2, 1.0, counted=True)
    higher = demand.copy(data=np.where(demand.year == 2026, 310.0, demand))
    assert chosen(waves((2017, 9.0, 1.0)), higher, 2026, rolls) is None
    assert chosen(waves((2026, 9.0, 1.0)), demand, 2026, rolls).year == 2026


def test_years_before_the_first_count_are_no_part_of_a_counted_plateau() -> None:
    demand = series({2015: 301.0, 2016: 304.0, 2017: 303.0, 2018: 300.2, 2019: 299.0, 2020: 298.0, 2026: 188.0})
    rolls = series({2015: np.nan, 2016: np.nan, 2017: np.nan, 2018: 300.2, 2019: 299.0, 2020: 298.0, 2026: np.nan})
    crest = chosen(waves((2016, 9.0, 1.0)), demand, 2026, rolls)
    assert (crest.plateau_first, crest.plateau_last, crest.plateau_high) == (2018, 2020, 300.2)
    two = rolls.copy(data=np.where(rolls.year == 2020, np.nan, rolls))
    fall = demand.copy(data=np.where(demand.year == 2020, 250.0, demand))
    assert chosen(waves((2016, 9.0, 1.0)), fall, 2026, two).plateau_first is None


def test_a_plateau_is_told_as_one() -> None:
    levels = {2024: 290.0, 2025: 302.1, 2026: 306.6, 2027: 303.5, 2028: 303.0, 2029: 304.4, 2030: 290.0}
    table = waves((2026, 9.0, 1.0)).assign(height=306.6)
    crest = chosen(table, series(levels), 2030)
    assert (crest.plateau_first, crest.plateau_last) == (2025, 2029)
    assert (crest.plateau_low, crest.plateau_high) == (302.1, 306.6)
    alone = chosen(table, series({**levels, 2025: 290.0, 2027: 290.0}), 2030)
    assert alone.plateau_first is alone.plateau_last is alone.plateau_low is alone.plateau_high is None


def test_ranges_are_those_of_the_likeliest_shared_turn_that_holds_the_year() -> None:
    scenario = waves((2021, 1.0, 1.0), (2034, 1.0, 1.0), (2050, 1.0, 1.0))
    found = with_ranges(scenario, pd.concat([THREE, waves((2033, 1.0, 0.3))], ignore_index=True))
    assert found["peak_year"].tolist() == [2021, 2034, 2050]
    assert found["probability"].tolist()[:2] == [1.0, 0.4]
    assert found["peak_year_low"].tolist()[:2] == [2019, 2031]
    assert found.loc[2, ["probability", "peak_year_low", "peak_time_high"]].isna().all()
    assert with_ranges(scenario, THREE.assign(turn="trough"))["probability"].isna().all()


def test_headline_flags_tables_and_page_tell_one_crest() -> None:
    run = run_forecast(read_region("wenzhou"), read_scenario("baseline"), trajectories=100, seed=7, now=2026)
    crests = by_place(run.flags.crests)
    assert len(crests) > 40
    for place, facts in run.flags.facts.items():
        crest = crests.get(place)
        if facts.peak_year is not None:
            assert (facts.peak_year, facts.peak_low, facts.peak_high) == crest[:3], place
    table = tables(run)["crests"].set_index(["county", "service"])
    assert {place: (row["year"], row["height"]) for place, row in table.iterrows()} == {
        place: (crest.year, crest.height) for place, crest in crests.items()
    }
    assert json.loads(table.to_json(orient="records"))[0]["year"] == next(iter(crests.values())).year
    for service in ("junior_school", "senior_school"):
        assert str(crests[run.region.area, service].year) in " ".join(run.headline["en"])
    for train in run.flags.trains.query("kind == 'stages'").itertuples():
        for service, year, (low, high) in zip(train.services, train.peak_years, train.peak_ranges, strict=True):
            crest = crests.get((train.county, service))
            assert crest is None or not low <= crest.year <= high or (crest.year, crest.low, crest.high) == (
                year, low, high
            )  # fmt: skip
