"""The published reference data as labelled arrays, in the names and conventions of the engine.

Each function takes the folder of the reference data and reads one part of it, whatever countries or counties that part
holds; FileNotFoundError says which part is absent. Stocks of the engine stand at 31 December: a population published
for 1 January y is labelled y - 1, and the flows of the year y keep their label. Populations of 1 July y are labelled y
and the flows from 1 July y - 1 to 1 July y too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import PERIOD
from forecast.population import life_table

SEXES = ["female", "male"]
AGES = np.arange(101)
MOTHER_UNKNOWN = -1


def table(folder: Path, name: str) -> pd.DataFrame:
    """One table; `sex` in words, whatever its code in the file."""
    path = folder / f"{name}.parquet"
    if not path.is_file():
        raise FileNotFoundError(f"{folder.name}/{path.name} is not among the reference data")
    frame = pd.read_parquet(path)
    words = {1: "male", 2: "female", "m": "male", "f": "female", "male": "male", "female": "female"}
    for column in {"sex", "child_sex"} & set(frame.columns):
        frame[column] = frame[column].map(words)
    return frame


def cube(frame: pd.DataFrame, value: str, dims: Iterable[str]) -> xr.DataArray:
    """A complete table as an array (dims...); raises ValueError where a combination is missing or stands twice."""
    dims = list(dims)
    labels = {dim: np.sort(frame[dim].unique()) for dim in dims}
    shape = tuple(len(labels[dim]) for dim in dims)
    if len(frame) != np.prod(shape):
        raise ValueError(f"{value}: {len(frame)} rows for {np.prod(shape)} combinations of {', '.join(dims)}")
    order = np.ravel_multi_index([np.searchsorted(labels[dim], frame[dim]) for dim in dims], shape)
    values = np.full(np.prod(shape), np.nan)
    values[order] = frame[value].to_numpy(float)
    coords = {dim: labels[dim].astype(int) if labels[dim].dtype.kind in "iu" else labels[dim] for dim in dims}
    return xr.DataArray(values.reshape(shape), dims=dims, coords=coords)


# UN engine, single year and age


def un_countries(folder: Path) -> list[str]:
    return sorted(table(folder / "ccmppwpp_1x1", "base_population").country.unique())


def un_rates(folder: Path, country: str) -> xr.Dataset:
    """Rates of one of the UN engine's 1x1 examples as `project_population` takes them; sx from the death rates."""
    part = folder / "ccmppwpp_1x1"

    def of(name: str) -> pd.DataFrame:
        frame = table(part, name)
        return frame[frame.country == country]

    mx = cube(of("life_table"), "lt_nMx", ["year", "sex", "age"])
    years = mx.year.values
    asfr = of("asfr").set_index(["year", "age"]).asfr.to_xarray().sel(year=years)
    variables = {
        "baseline": cube(of("base_population"), "pop", ["sex", "age"]),
        "sx": life_table(mx).sx,
        "asfr": asfr.fillna(0.0).reindex(age=AGES, fill_value=0.0),  # no row: no births at that age
        "srb": of("srb").set_index("year").srb.to_xarray().sel(year=years),
        "net_migration": cube(of("net_migration"), "net_migrants", ["year", "sex", "age"]).sel(year=years),
    }
    return xr.Dataset(variables, attrs={"jump_off_year": int(years[0]) - 1})


def un_population(folder: Path, country: str) -> xr.DataArray | None:
    """The engine's published population (year, sex, age); None where only the inputs of the example are published."""
    frame = table(folder / "ccmppwpp_1x1", "published_population")
    frame = frame[frame.country == country]
    if frame.empty:
        return None
    people = cube(frame, "pop", ["year", "sex", "age"])
    return people.assign_coords(year=people.year - 1)  # 1 January


# World Population Prospects 2024


def wpp_population(folder: Path, first: int) -> xr.DataArray:
    """(county, year, sex, age) persons at 1 July from `first` on; a county is a country."""
    return _countries(folder, "population_1x1", "pop", ["year", "sex", "age"], first)


def wpp_net_migration(folder: Path, first: int) -> xr.DataArray:
    """(county, year, sex, age) persons of calendar years."""
    return _countries(folder, "net_migration_1x1", "net_migrants", ["year", "sex", "age"], first)


def wpp_deaths(folder: Path, first: int) -> xr.DataArray:
    """(county, year, sex, age) deaths of calendar years by single age, of the few countries that have them."""
    return _countries(folder, "deaths_1x1_gbr_ind", "deaths", ["year", "sex", "age"], first)


def wpp_five_year_tables(folder: Path) -> tuple[xr.DataArray, xr.DataArray]:
    """mx5 (county, period, sex, age) and asfr5 (county, period, age); periods run from 1 July to 30 June."""
    mx5 = _countries(folder, "mortality_5x5", "mx", ["period_start", "sex", "age"])
    asfr5 = _countries(folder, "fertility_5x5", "asfr", ["period_start", "age"])
    middle = {"period_start": mx5.period_start + 0.5 + 2.5}
    mx5, asfr5 = (x.assign_coords(middle).rename(period_start=PERIOD) for x in (mx5, asfr5))
    return mx5, asfr5


def wpp_annual(folder: Path, first: int) -> xr.Dataset:
    """e0 (county, year, sex), tfr and srb (county, year) of calendar years."""
    levels = {name: _countries(folder, "annual", name, ["year"], first) for name in ("e0F", "e0M", "tfr", "srb")}
    e0 = xr.concat([levels["e0F"], levels["e0M"]], xr.DataArray(SEXES, dims="sex", name="sex"))
    return xr.Dataset({"e0": e0, "tfr": levels["tfr"], "srb": levels["srb"]})


def _countries(folder: Path, name: str, value: str, dims: list[str], first: int | None = None) -> xr.DataArray:
    frame = table(folder / "wpp2024", name)
    if first is not None:
        frame = frame[frame.year >= first]
    by_country = cube(frame, value, ["country_code", *dims]).rename(country_code="county")
    return by_country.assign_coords(county=[str(code) for code in by_country.county.values])


# Sweden, counties


def swedish_counties(folder: Path) -> xr.Dataset:
    """population (31 December), deaths and net_migration (county, year, sex, age reached in the year); births
    (county, year, sex of the child) and births_by_mother (county, year, age of mother, `MOTHER_UNKNOWN` among them)."""
    part = folder / "sweden_counties"
    frame = table(part, "population_deaths_migration").rename(columns={"region": "county"})
    dims = ["county", "year", "sex", "age"]
    names = {"population": "pop", "deaths": "deaths", "net_migration": "net_migrants"}
    counted = {name: cube(frame, column, dims) for name, column in names.items()}
    births = table(part, "births").rename(columns={"region": "county", "child_sex": "sex"})
    by_mother = cube(births, "births", ["county", "year", "sex", "mother_age"])
    return xr.Dataset({**counted, "births": by_mother.sum("mother_age"), "births_by_mother": by_mother.sum("sex")})


def observed_rates(seen: xr.Dataset) -> xr.Dataset:
    """Rates that the observed components of change imply, migrants at the year's end, as `project_population` takes.

    sx = 1 - deaths / people who enter the age (newborn at age 0); 1 where nobody enters. Where more die than enter,
    the others came and died within the year: they leave the net migrants, and sx is 0. asfr = births over the mean of
    the women at the year's start and those of them who stayed to its end; births of unknown age as the others.
    """
    people, flows = seen.population, seen.isel(year=slice(1, None))
    before = people.isel(year=slice(None, -1)).assign_coords(year=flows.year)
    entering = before.shift(age=1)
    entering.loc[{"age": 0}] = flows.births
    entering.loc[{"age": 100}] += before.sel(age=100)
    dying = np.minimum(flows.deaths, entering)
    sx = 1 - dying / entering.where(entering > 0, 1.0)
    women_after = (flows.population - flows.net_migration).sel(sex="female", drop=True)
    exposed = (before.sel(sex="female", drop=True) + women_after) / 2
    known = flows.births_by_mother.where(flows.mother_age != MOTHER_UNKNOWN, drop=True).rename(mother_age="age")
    known = known * flows.births.sum("sex") / known.sum("age")
    asfr = known.reindex(age=AGES, fill_value=0.0) / exposed.where(exposed > 0)
    variables = {
        "baseline": people.isel(year=0, drop=True),
        "sx": sx,
        "asfr": asfr.fillna(0.0),
        "srb": flows.births.sel(sex="male", drop=True) / flows.births.sel(sex="female", drop=True),
        "net_migration": flows.net_migration - (flows.deaths - dying),
    }
    return xr.Dataset(variables, attrs={"jump_off_year": int(people.year[0])})


# Switzerland, canton of Aargau: two nationalities, gross flows

NATIONALITIES = ["ch", "int"]
GIRLS_AND_BOYS = 105 / 100  # the Swiss Federal Statistical Office's sex ratio at birth


def swiss_projection(folder: Path) -> xr.DataArray:
    """The published projection (trajectory: its scenarios, group, year, sex, age), persons at 31 December."""
    frame = table(folder / "switzerland_aargau", "fso_parameters_and_projection")
    return _swiss(frame, "fso_projection_n")


def swiss_rates(folder: Path) -> xr.Dataset:
    """The published parameters; the first projected year is the start, because it is the first that is published.

    Leavers are those to abroad and to other cantons, naturalisation is a transition from `int` to `ch`. Everything is
    by the age reached at the year's end.
    """
    frame = table(folder / "switzerland_aargau", "fso_parameters_and_projection")
    first = int(frame.year.min())
    names = ("mor", "birthrate", "int_mothers", "emi_int", "emi_nat", "acq", "imm_int_n", "imm_nat_n")
    given = xr.Dataset({name: _swiss(frame, name) for name in names})
    given = given.sel(year=slice(first + 1, None))
    pairs = {"from_group": NATIONALITIES, "to_group": NATIONALITIES}
    foreign = xr.DataArray([[0.0, 0.0], [1.0, 0.0]], dims=tuple(pairs), coords=pairs)
    swiss_children = given.int_mothers.sel(group="int", sex="female", age=0, drop=True)
    same_group = xr.DataArray(np.eye(2), dims=tuple(pairs), coords=pairs)
    to_swiss = foreign - xr.DataArray([[0.0, 0.0], [0.0, 1.0]], dims=tuple(pairs), coords=pairs)
    variables = {
        "baseline": _swiss(frame, "fso_projection_n").sel(year=first, drop=True),
        "sx": 1 - given.mor,
        "asfr": given.birthrate.sel(sex="female", drop=True),
        "srb": xr.full_like(given.year, GIRLS_AND_BOYS, dtype=float),
        "out_rate": given.emi_int + given.emi_nat,
        "in_migration": given.imm_int_n + given.imm_nat_n,
        "transition_rate": foreign * given.acq.sel(group="int", drop=True),
        "newborn_share": same_group + to_swiss * swiss_children,
    }
    attrs = {"jump_off_year": first, "migration_timing": "mid", "asfr_age": "year_end"}
    return xr.Dataset(variables, attrs=attrs)


def _swiss(frame: pd.DataFrame, column: str) -> xr.DataArray:
    dims = ["trajectory", "group", "year", "sex", "age"]
    return cube(frame.rename(columns={"scen": "trajectory", "nat": "group"}), column, dims)
