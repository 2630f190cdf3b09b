"""Institutions keep their people and ages, whoever counts them; nobody grows old in one, and no child becomes a student early."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast import read_region, read_scenario
from forecast.errors import InputRefused
from forecast.population import check_balance, estimate_past, project_population, vital_rates
from tests.population.past.test_invariance import COUNTIES, SEXES, World, counted, stationary, write

CAMPUS, STUDENTS = COUNTIES[1], 6000.0  # per sex, beside some 220,000 residents
AGES_OF_STUDENTS = {18: 0.24, 19: 0.28, 20: 0.24, 21: 0.18, 22: 0.06}


def campus() -> np.ndarray:
    """(sex, age) students of the made-up campus."""
    found = np.zeros((2, 101))
    for age, share in AGES_OF_STUDENTS.items():
        found[:, age] = STUDENTS * share
    return found


def region_with_campus(folder: Path, given: bool, step: int = 5) -> Path:
    """The unchanging population with a campus in one county, in both censuses."""
    world = World((2010, 2020), ("11-01", "11-01", "11-01"), step, 85 if step == 5 else 100, 2022, False)
    write(folder, world)
    header, *rows = ["county,year,date,sex,age_group,persons", *counted(world)]
    out = [header]
    for row in rows:
        county, year, date, sex, group, persons = row.split(",")
        if county == CAMPUS:
            first = int(group.rstrip("+").split("-")[0])
            last = 100 if group.endswith("+") else int(group.split("-")[-1])
            more = campus()[SEXES.index(sex), first : last + 1].sum()
            row = f"{county},{year},{date},{sex},{group},{float(persons) + float(more)!r}"
        out.append(row)
    (folder / "population.csv").write_text("\n".join(out) + "\n", "utf-8")
    if given:
        lines = ["county,year,kind,sex,age_group,persons,unit"] + [
            f"{CAMPUS},2010,students,{sex},{age},{float(STUDENTS * share)!r},persons"
            for sex in SEXES
            for age, share in AGES_OF_STUDENTS.items()
        ]
        (folder / "special_population.csv").write_text("\n".join(lines) + "\n", "utf-8")
        with (folder / "sources.csv").open("a", encoding="utf-8") as sources:
            sources.write("special_population,,made up,,assumed,,\n")
    return folder


def ahead_of(folder: Path, horizon: int = 2045) -> tuple[xr.Dataset, xr.Dataset]:
    region = read_region(folder)
    past = estimate_past(region)
    rates = vital_rates(region, read_scenario("baseline", {"horizon": horizon}), past)
    ahead = project_population(rates)
    check_balance(ahead)
    return past, ahead


@pytest.mark.parametrize("step", [1, 5])
def test_a_campus_that_is_given_stays_as_it_is(tmp_path: Path, step: int) -> None:
    past, ahead = ahead_of(region_with_campus(tmp_path / "r", given=True, step=step))
    still = stationary()[CAMPUS] + campus()
    for people in (past.population, ahead.population):
        found = people.sel(county=CAMPUS).transpose("year", "sex", "age").values
        assert np.abs(found - still).max() / still.max() < 0.02
    np.testing.assert_allclose(past.institutions.sel(county=CAMPUS).sum(["sex", "age"]), 2 * STUDENTS, rtol=1e-6)


def test_a_campus_is_recognised_and_its_county_stays_as_it_is(tmp_path: Path) -> None:
    past, ahead = ahead_of(region_with_campus(tmp_path / "r", given=False))
    inside = past.institutions.sum(["sex", "age"])
    np.testing.assert_allclose(inside.sel(county=CAMPUS), 2 * STUDENTS, rtol=0.25)
    assert not inside.drop_sel(county=CAMPUS).values.any()
    children = ahead.population.sel(county=CAMPUS, age=slice(0, 16)).sum(["sex", "age"])
    np.testing.assert_allclose(children, stationary()[CAMPUS][:, :17].sum(), rtol=0.02)
    of_forty = ahead.population.sel(county=CAMPUS, age=slice(35, 45)).sum(["sex", "age"])
    np.testing.assert_allclose(of_forty, stationary()[CAMPUS][:, 35:46].sum(), rtol=0.03)


def test_no_more_can_be_inside_than_were_counted(tmp_path: Path) -> None:
    folder = region_with_campus(tmp_path / "r", given=True)
    table = (folder / "special_population.csv").read_text("utf-8")
    (folder / "special_population.csv").write_text(table.replace("18,", "18,9"), "utf-8")
    with pytest.raises(InputRefused) as error:
        estimate_past(read_region(folder))
    assert "E661" in [issue.code for issue in error.value.issues]
