"""A closed population that never changes stays what it is, from the first count to the horizon, whatever was counted when."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from forecast import read_region, read_scenario
from forecast.population import estimate_past, life_table, project_population, vital_rates

AREA, COUNTIES = "900100", ("900101", "900102", "900103")
BIRTHS = {"900101": 8000.0, "900102": 3000.0, "900103": 40.0}
BOYS = 1.06
SEXES = ("female", "male")
MOTHERS = ("15-19", "20-24", "25-29", "30-34", "35-39", "40-44", "45-49")
SHARES = (0.03, 0.22, 0.35, 0.25, 0.11, 0.035, 0.005)


@dataclass(frozen=True)
class World:
    """How the unchanging population was counted: on which days, in which groups of ages, up to which open age."""

    years: tuple[int, ...]
    days: tuple[str, ...]  # of each county
    step: int  # years of an age group
    open_age: int
    jump_off: int
    totals: bool


def death_rates() -> np.ndarray:
    """(sex, age) of Gompertz and Makeham, with infants."""
    ages = np.arange(101)
    rates = np.stack([2e-4 + level * np.exp(0.095 * ages) for level in (1.6e-5, 2.6e-5)])
    rates[:, 0] = (0.004, 0.005)
    return rates


def lived() -> np.ndarray:
    """(sex, age) years lived at each age by one newborn; the last is the open age group."""
    coords = {"sex": list(SEXES), "age": np.arange(101)}
    return np.asarray(life_table(xr.DataArray(death_rates(), coords, tuple(coords))).Lx.values)


def stationary() -> dict[str, np.ndarray]:
    """(sex, age) residents of each county."""
    newborn = np.array([1 / (1 + BOYS), BOYS / (1 + BOYS)])
    return {county: births * newborn[:, None] * lived() for county, births in BIRTHS.items()}


def tfr() -> float:
    """At which the women have the births: a woman's shares by single age times the women, against the births."""
    women = lived()[0] / (1 + BOYS)
    by_age = np.repeat(np.array(SHARES) / 5, 5)
    return 1 / float((by_age * women[15:50]).sum())


def starts_of(world: World) -> list[int]:
    return [*range(0, world.open_age, world.step), world.open_age]


def write(folder: Path, world: World) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "region.toml").write_text(
        f'id = "still"\nname = {{ zh = "静止", en = "Still" }}\narea = "{AREA}"\njump_off_year = {world.jump_off}\n',
        "utf-8",
    )
    counties = [f"{code},县{n},County {n},{AREA}" for n, code in enumerate(COUNTIES)]
    lines = {"counties": ["county,name_zh,name_en,parent", *counties]}
    lines["population"] = ["county,year,date,sex,age_group,persons", *counted(world)]
    first, last = world.years[0], 2060
    rates = death_rates()
    lines["mortality"] = ["area,year_start,year_end,sex,age_group,mx"] + [
        f"{AREA},{first - 20},{last},{sex},{age}{'+' if age == 100 else ''},{float(rates[number, age])!r}"
        for number, sex in enumerate(SEXES)
        for age in range(101)
    ]
    lines["fertility"] = ["area,year_start,year_end,age_group,share"] + [
        f"{AREA},{first - 20},{last},{group},{share}" for group, share in zip(MOTHERS, SHARES, strict=True)
    ]
    births = sum(BIRTHS.values())
    lines["levels"] = ["area,year,tfr,srb,births"] + [
        f"{AREA},{year},{float(tfr())!r},{BOYS},{births}" for year in range(1900, last + 1)
    ]
    if world.totals:
        people = sum(one.sum() for one in stationary().values())
        lines["controls"] = ["area,year,component,value,unit"] + [
            f"{AREA},{year},{name},{float(value)!r},persons"
            for year in range(world.years[-1], world.jump_off + 1)
            for name, value in {"population": people, "births": births, "deaths": births}.items()
        ]
    lines["sources"] = ["table,filter,source,locator,basis,verification,note"] + [
        f"{table},,made up,,assumed,," for table in lines
    ]
    for table, rows in lines.items():
        (folder / f"{table}.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return folder


def counted(world: World) -> list[str]:
    starts = starts_of(world)
    rows = []
    for year in world.years:
        for county, day in zip(COUNTIES, world.days, strict=True):
            groups = np.add.reduceat(stationary()[county], starts, axis=1)
            for number, sex in enumerate(SEXES):
                for group, persons in zip(starts, groups[number], strict=True):
                    end = "+" if group == world.open_age else "" if world.step == 1 else f"-{group + world.step - 1}"
                    rows.append(f"{county},{year},{day},{sex},{group}{end},{float(persons)!r}")
    return rows


DAYS = st.sampled_from(["01-01", "02-14", "06-30", "07-01", "11-01", "12-01", "12-31"])


@st.composite
def worlds(draw: st.DrawFn) -> World:
    gaps = draw(st.lists(st.integers(3, 12), min_size=1, max_size=2))
    years = tuple(int(year) for year in np.cumsum([2000, *gaps]))
    days = tuple(draw(st.lists(DAYS, min_size=3, max_size=3)))
    step = draw(st.sampled_from([1, 5]))
    open_age = draw(st.sampled_from([85, 90, 100]))
    return World(years, days, step, open_age, years[-1] + draw(st.integers(0, 4)), draw(st.booleans()))


def off(people: xr.DataArray, county: str) -> float:
    """The largest difference of an age and sex from the unchanging population, per resident of the county."""
    still = stationary()[county]
    found = people.sel(county=county).transpose(..., "sex", "age").values
    return float(np.abs(found - still).max() / still.max())


def check(folder: Path, world: World) -> None:
    region = read_region(write(folder, world))
    past = estimate_past(region)
    for county in COUNTIES:
        assert off(past.population, county) < 0.01, f"past of {county}"
    profile = past.migration_profile.sum(["sex", "age"]) / past.population.isel(year=-1).sum(["sex", "age"])
    assert float(abs(profile).max()) < 2e-4  # nobody moves
    rates = vital_rates(
        region, read_scenario("baseline", {"horizon": world.jump_off + 25, "fertility.level": 1.0}), past
    )
    ahead = project_population(rates)
    for county in COUNTIES:
        assert off(ahead.population, county) < 0.02, f"projection of {county}"


@settings(max_examples=8, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(world=worlds())
def test_nothing_changes_where_nothing_happens(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(tmp_path_factory.mktemp("still"), world)


@pytest.mark.parametrize(
    "world",
    [
        World((2010, 2020), ("11-01", "11-01", "11-01"), 1, 100, 2022, True),
        World((2010, 2020), ("11-01", "11-01", "11-01"), 5, 85, 2023, True),
        World((2000, 2010, 2020), ("06-30", "12-31", "01-01"), 5, 100, 2020, False),
        World((2011, 2016), ("02-14", "02-14", "12-31"), 1, 90, 2019, False),
    ],
)
def test_nothing_changes_in_the_usual_forms(world: World, tmp_path: Path) -> None:
    check(tmp_path, world)
