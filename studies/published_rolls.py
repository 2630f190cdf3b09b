"""Published school rolls and the births behind them, as tables; each function takes the folder of the reference data.

FileNotFoundError says which part is absent.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import xarray as xr

from studies import published

FIRST_RELEASE, REVISED = "births_first_release_10k", "births_revised_after_2020_census_10k"


def new_york(reference: Path) -> pd.DataFrame:
    """Pupils by district, school_year_start and grade: -1 is pre-kindergarten, 0 kindergarten, then 1 to 12."""
    rolls = published.table(reference / "us_nyc_schools", "enrolment_by_grade")
    return rolls[rolls["grade"].between(-1, 12)]


def new_zealand(reference: Path) -> pd.DataFrame:
    """Pupils by region, year and age in whole years; the last age is open."""
    rolls = published.table(reference / "newzealand_regions", "school_roll_by_age")
    return rolls.assign(age=rolls["age"].astype(str).str.extract(r"(\d+)")[0].astype(int))


def eau_claire(reference: Path) -> pd.DataFrame:
    """Pupils by school, year and grade (kindergarten is 0) of one American district."""
    return pd.read_csv(reference / "china" / "backtest_us_ecasd_school_grade.csv")


def eau_claire_births(reference: Path) -> xr.DataArray:
    """Births (year) of the district by calendar year."""
    births = pd.read_csv(reference / "china" / "backtest_us_ecasd_births.csv").set_index("year")["births"]
    return births.to_xarray().astype(float)


def china_enrolment(reference: Path) -> pd.Series:
    """Pupils of the nation in 10,000, by (stage, year) as published."""
    series = pd.read_csv(reference / "china" / "education_stage_series_china.csv")
    nation = series[(series["area_zh"] == "全国") & (series["indicator"] == "enrolment")]
    return nation.set_index(["stage", "year"])["value"]


def china_births(reference: Path) -> pd.DataFrame:
    """Births of the nation in 10,000 by year, in columns `FIRST_RELEASE` and `REVISED`, and where they were seen."""
    return pd.read_csv(reference / "china" / "china_births_deaths.csv").set_index("year")
