"""Two editions of the embedded region, the newer with rolls of two more years: made up, inside what the older allowed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.backtest.editions import compare_editions
from forecast.basics.quantiles import HIGH, LOW
from forecast.pipeline import run_forecast
from forecast.region import Region, read_region
from forecast.run.run import Run
from forecast.scenario import read_scenario

STAGES = {
    "kindergarten": "kindergarten",
    "primary": "primary_school",
    "junior": "junior_school",
    "senior_general": "senior_school",
    "senior_vocational": "senior_school",
}
LAST = 2025


@pytest.fixture(scope="module")
def region() -> Region:
    return read_region("wenzhou")


@pytest.fixture(scope="module")
def older(region: Region) -> Run:
    return edition(region)


def edition(region: Region) -> Run:
    return run_forecast(region, read_scenario("baseline", {"horizon": 2036}), 200, seed=1)


def with_rolls(older: Run, at: float) -> Region:
    """The region with the city's rolls until 2025: at this part of the way through the older edition's 80 % range."""
    region = older.region
    ends = older.data.demand_quantile.sel(area=region.area)
    low, high = (ends.sel(quantile=level).reset_coords(drop=True) for level in (LOW, HIGH))
    parts = older.data.part_pupils.sum("county")
    share = parts / parts.sum("part")
    rows = []
    for year in (LAST - 1, LAST):
        for stage, service in STAGES.items():
            cell = {"service": service, "year": year}
            roll = float(low.sel(cell) + at * (high.sel(cell) - low.sel(cell)))
            part = float(share.sel(part=stage, year=year)) if stage in share.part.values else 1.0
            rows.append((region.area, year, stage, "all", "pupils", roll * part))
    new = pd.DataFrame(rows, columns=["county", "year", "stage", "grade", "item", "value"]).assign(row=1, unit="pupils")
    table = pd.concat([region.table("enrolment"), new], ignore_index=True)
    return replace(region, tables={**region.tables, "enrolment": table})


@pytest.mark.parametrize("at", [0.2, 0.8])
def test_rolls_inside_the_older_range_give_an_edition_inside_it(older: Run, at: float) -> None:
    newer = edition(with_rolls(older, at))
    schools = list(dict.fromkeys(STAGES.values()))
    table = compare_editions(older.data, newer.data)
    table = table[table["service"].isin(schools)]
    assert not table["alert"].any()
    city = table[table["area"] == older.region.area]
    assert city["new"].between(city["old_p10"], city["old_p90"]).all()
    moved = demand(newer) / demand(older)
    for service in schools:  # each later stage its way, all along
        later = moved.sel(service=service, year=slice(LAST, None)).values
        assert (later > 1).all() if at > 0.5 else (later < 1).all(), service
    counted = newer.data.enrolment.sel(year=LAST)
    np.testing.assert_allclose(demand(newer).sel(year=LAST, service=schools), counted.sel(service=schools))


def demand(run: Run) -> xr.DataArray:
    """(year, service) of the scenario, the whole city."""
    found: xr.DataArray = run.data.demand.sum("county").reset_coords(drop=True)
    return found


def test_counties_do_not_move_as_one(older: Run) -> None:
    """The need of a county goes with the city's, and has something of its own."""
    school = older.data.correlation.sel(service=list(dict.fromkeys(STAGES.values())))
    counties = school.sel(area=list(older.region.counties.index))
    assert float(counties.max()) < 0.99
    assert float(counties.median()) > 0.5
