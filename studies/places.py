"""Counted pasts of real places from the published reference data, as `complete_history` takes them.

Each function takes the folder of the reference data and reads whatever counties, municipalities or states it holds; no
name and no number of places is relied on. FileNotFoundError says which part is absent. A population of 1 January y is
labelled y - 1; one of 1 July or 30 June y is labelled y, and so are the flows of the twelve months before.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, AGES, COUNTY, MOTHER_AGE, OPEN_AGE, SEX, SEXES, YEAR
from forecast.population.past.history import Standard, shipped_standard
from forecast.population.rates.fertility import single_year_shares
from forecast.population.rates.lifetable import single_year_rates
from studies import published

RECODE = 0.06  # change of a municipality against the others in the year of a recoding above which it is left out
MERGER = 0.25  # the same in any year: no place grows so


def sweden(folder: Path) -> xr.Dataset:
    """Counties, single ages, every component counted; deaths by the age reached in the year."""
    seen = published.swedish_counties(folder)
    share = seen.births_by_mother / seen.births_by_mother.sum(MOTHER_AGE)
    history = seen[["population", "deaths", "net_migration"]].assign(births=seen.births * share)
    return history.assign_attrs(deaths_age="year_end")


def norway(folder: Path) -> xr.Dataset:
    """Municipalities by single age, nothing else. Those that lack a year, merged, or jump in the recoding of 1 January 2020,
    are left out (`attrs["left_out"]`)."""
    frame = published.table(folder / "norway_municipalities", "population_age")
    people = frame.set_index(["municipality", "year", "age"])["pop"].to_xarray().rename(municipality=COUNTY)
    people = people.assign_coords({YEAR: people[YEAR] - 1}).transpose(COUNTY, YEAR, AGE)
    total = people.sum(AGE, skipna=False)
    complete = total.notnull().all(YEAR) & (total > 0).all(YEAR)
    growth = (total / total.shift({YEAR: 1})).isel({YEAR: slice(1, None)})
    jump = abs(growth / growth.where(complete).median(COUNTY) - 1)
    jumped = (jump > MERGER).any(YEAR) | (jump.sel({YEAR: 2019}) > RECODE)
    kept = people.sel({COUNTY: (complete & ~jumped).values}).astype(float)
    return xr.Dataset({"population": kept}, attrs={"left_out": int(people.sizes[COUNTY] - kept.sizes[COUNTY])})


def new_zealand(folder: Path) -> xr.Dataset:
    """Regions by five-year groups, births by mothers' ages, deaths by age; years to 30 June."""
    part = folder / "newzealand_regions"
    rename = {"region": COUNTY}

    def of(name: str, value: str, by: list[str]) -> xr.DataArray:
        frame = published.table(part, name).rename(columns=rename)
        frame = frame[frame[COUNTY] != "Area Outside"]
        for column in {"age", "mother_age_group"} & set(frame.columns):
            frame[column] = frame[column].str.extract(r"(\d+)")[0].astype(int)
        return frame.groupby([COUNTY, YEAR, *by])[value].sum().to_xarray().astype(float)

    people = of("population", "pop", [SEX, AGE])
    births = of("births", "births", ["child_sex", "mother_age_group"])
    births = births.rename(child_sex=SEX, mother_age_group=MOTHER_AGE).reindex({YEAR: people[YEAR]})
    deaths = of("deaths", "deaths", [SEX, AGE]).reindex({YEAR: people[YEAR]})
    return xr.Dataset({"population": people, "births": births, "deaths": deaths})


def iceland(folder: Path) -> xr.Dataset:
    """The nation by single age, births by mothers' single ages."""
    part = folder / "iceland"
    people = published.table(part, "population").groupby([YEAR, SEX, AGE])["pop"].sum().to_xarray()
    people = people.assign_coords({YEAR: people[YEAR] - 1})
    births = published.table(part, "births")
    births[MOTHER_AGE] = births.mother_age.astype(str).str.replace("<15", "14").str.extract(r"(\d+)")[0].astype(int)
    by_mother = births.groupby([YEAR, MOTHER_AGE]).births.sum().to_xarray()
    years = np.arange(int(by_mother[YEAR][0]) - 1, int(min(people[YEAR][-1], by_mother[YEAR][-1])) + 1)
    history = xr.Dataset({"population": people.reindex({YEAR: years}), "births": by_mother.reindex({YEAR: years})})
    return history.astype(float).expand_dims({COUNTY: ["nation"]})


def us_states_resident(folder: Path) -> xr.Dataset:
    """States by sex and single age to 85+, residents 2000 to 2010 (intercensal)."""
    return xr.Dataset({"population": _states(folder, "resident_intercensal")})


def us_states(folder: Path) -> xr.Dataset:
    """States, civilians 2010 to 2019 (vintage 2019); before 2010 the residents times the civilians per resident of
    the same age in 2010, which was known at every origin from 2010 on."""
    resident, civilian = _states(folder, "resident_intercensal"), _states(folder, "civilian_v2019")
    link = int(civilian[YEAR][0])
    factor = civilian.sel({YEAR: link}, drop=True) / resident.sel({YEAR: link}, drop=True)
    early = resident.sel({YEAR: slice(None, link - 1)}) * factor
    return xr.Dataset({"population": xr.concat([early, civilian], YEAR)})


def _states(folder: Path, universe: str) -> xr.DataArray:
    frame = published.table(folder / "us_states", "population_1x1")
    frame = frame[frame.universe == universe].rename(columns={"state": COUNTY})
    people = frame.set_index([COUNTY, YEAR, SEX, AGE])["pop"].to_xarray().astype(float)
    return people.transpose(COUNTY, YEAR, SEX, AGE)


def us_counties(folder: Path) -> xr.Dataset:
    """Counties with five-year groups in every year, births and deaths in total; 1 July."""
    frame = published.table(folder / "us_counties_age", "population_5y")
    people = frame.set_index(["county_fips", YEAR, SEX, "age_start"])["pop"].to_xarray().rename(age_start=AGE)
    parts = published.table(folder / "us_counties_components", "components_2011_2019").set_index(["county_fips", YEAR])
    flows = parts[["births", "deaths"]].to_xarray()
    complete = people.notnull().all([YEAR, SEX, AGE])
    people = people.sel(county_fips=complete.values).astype(float)
    both = np.intersect1d(people.county_fips, flows.county_fips)
    history = xr.Dataset({"population": people.sel(county_fips=both)}).assign(
        flows.sel(county_fips=both).reindex({YEAR: people[YEAR]}).astype(float)
    )
    named = history.rename(county_fips=COUNTY)
    return named.assign_coords({COUNTY: [f"{code:05d}" for code in named[COUNTY].values]})


def standard_of(folder: Path, country: int, year: int) -> Standard:
    """A country's rates in World Population Prospects 2024 for the five years up to a year; the shipped standard where
    the country is not in the folder."""
    try:
        mortality = published.table(folder / "wpp2024", "mortality_5x5")
        fertility = published.table(folder / "wpp2024", "fertility_5x5")
    except FileNotFoundError:
        return shipped_standard()
    period = (year - 5) // 5 * 5
    mortality = mortality[(mortality.country_code == country) & (mortality.period_start == period)]
    fertility = fertility[(fertility.country_code == country) & (fertility.period_start == period)]
    if mortality.empty or fertility.empty:
        return shipped_standard()
    abridged = mortality.set_index([SEX, AGE]).mx.to_xarray().sel({SEX: list(SEXES)})
    mx = single_year_rates(abridged, OPEN_AGE)
    by_age = fertility.set_index(AGE).pasfr.sort_index() / 100
    shares = single_year_shares(by_age.to_numpy(), by_age.index.to_numpy(), int(by_age.index.max()) + 5)
    share = xr.DataArray(np.atleast_2d(shares)[0], dims=AGE, coords={AGE: list(AGES)})
    annual = pd.read_parquet(folder / "wpp2024" / "annual.parquet")
    srb = annual[(annual.country_code == country) & (annual.year == period + 2)].srb
    return Standard(mx, share / share.sum(), float(srb.iloc[0]), f"WPP 2024, country {country}, {period}-{period + 5}")
