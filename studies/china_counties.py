"""China's counties of one census as a region, as a planner would hand them in who has that census and nothing else.

The years run from November to October, so that the census at 0 h of 1 November stands at a year's end. Nothing after
the census is in the region: mortality is that of World Population Prospects for the five years before it, carried on
with the improvement that `IMPROVEMENT` assumes, total fertility stays, and births are the published ones to its year.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from forecast.basics.ages import age_bounds
from forecast.region import Region, read_region
from forecast.region.tables import ORIGINS
from studies import ROOT, published

CHINA = 156  # country code in World Population Prospects
AREA, PATTERN, UNCERTAINTY = "CN", "china_wpp2024", "uncertainty.toml"
IMPROVEMENT = -0.015
"""Yearly change of the log of death rates (assumed; the same as for places whose history is too short to tell)."""
UNCHANGED = (0.5, 2.0)
"""People in 2020 over 2010 outside which a county's boundary is taken to have changed."""

_ELSEWHERE = {
    2010: ("inmigrants_same_county", "inmigrants_same_province", "inmigrants_other_province"),
    2020: ("hukou_elsewhere_same_county", "hukou_elsewhere_same_province", "hukou_other_province"),
}


class Counted(NamedTuple):
    """One census: persons by (code, sex, age_group), and residents registered elsewhere, (code, origin); those of the
    whole country as the provinces have them."""

    persons: pd.Series
    elsewhere: pd.DataFrame
    nation: pd.Series  # (sex, age_group)
    nation_elsewhere: pd.Series  # (origin,)


def census(folder: Path, year: int) -> Counted:
    """Every county of the census of 2010 or 2020; codes that end in 00 are cities and no counties."""
    part = folder / "china"
    table = published.table(part, f"census{year}_county_age_sex")
    about = published.table(part, f"census{year}_county_attributes")
    columns = dict(zip(_ELSEWHERE[year], ORIGINS, strict=True))
    provinces, county = table.level == "province", (table.level == "county") & ~table.code.fillna("").str.endswith("00")
    persons = _persons(table[county], ["code"])
    about_county = about[about.level == "county"].drop_duplicates("code").set_index("code")
    elsewhere = about_county.rename(columns=columns)[list(ORIGINS)].astype(float).fillna(0.0)
    codes = persons.index.unique("code").intersection(elsewhere.index)
    nation = about[about.level == "province"].rename(columns=columns)[list(ORIGINS)].astype(float).sum()
    return Counted(persons.loc[codes], elsewhere.loc[codes], _persons(table[provinces], []), nation)


def _persons(table: pd.DataFrame, by: list[str]) -> pd.Series:
    text = table.assign(sex=table.sex.astype(str), age_group=table.age_group.astype(str))
    return text.groupby([*by, "sex", "age_group"]).population_persons.sum().astype(float)


def by_cohort(persons: pd.Series, first_ages: tuple[int, ...]) -> pd.DataFrame:
    """(code, first age) persons of both sexes, groups added up to wider ones."""
    starts = persons.index.get_level_values("age_group").map(lambda group: age_bounds(str(group))[0])
    band = np.array(first_ages)[np.searchsorted(first_ages, starts, side="right") - 1]
    return persons.groupby([persons.index.get_level_values("code"), band]).sum().unstack()


def pairs(folder: Path) -> pd.DataFrame:
    """Counties with the same code and name in 2010 and 2020, by code; `kept`: their people did not halve or double."""
    table = pd.read_csv(folder / "china" / "backtest_china_county_pairs_2010_2020.csv", dtype={"code": str})
    kept = (table.name_same == 1) & table.ratio_2020_2010.between(*UNCHANGED)
    return table.assign(kept=kept).set_index("code")


def write_region(folder: Path, out: Path, form: str = "cold", horizon: int = 2020) -> Region:
    """The census of 2010 as a region in the folder `out`, and read from there.

    form: that a run then takes: "cold_ages" leaves out the table of those registered elsewhere, "closed" the pattern,
    whose processes then stand in the folder.
    """
    year, counted = 2010, census(folder, 2010)
    codes = counted.persons.index.unique("code")
    births = pd.read_csv(folder / "china" / "china_births_deaths.csv").set_index("year").births_first_release_10k * 1e4
    share = counted.persons.sum() / counted.nation.sum()
    people = counted.persons.rename("persons").reset_index().rename(columns={"code": "county"})
    elsewhere = counted.elsewhere.rename_axis(columns="origin").stack().rename("persons").reset_index()
    tables = {
        "counties": pd.DataFrame({"county": codes, "name_zh": codes, "name_en": codes, "parent": AREA}),
        "population": people.assign(year=year, date="12-31"),
        "controls": pd.DataFrame(
            [(AREA, year, "births", births[year] * share, "persons")],
            columns=["area", "year", "component", "value", "unit"],
        ),
        "mortality": _mortality(folder, year, horizon),
        "fertility": _fertility(folder, year, horizon),
        "levels": _levels(folder, births, year, horizon),
    }
    if form != "cold_ages":
        tables["registered_elsewhere"] = elsewhere.rename(columns={"code": "county"}).assign(year=year)
    tables["sources"] = pd.DataFrame({"table": list(tables), "filter": "", "source": "census of 2010", "locator": ""})
    tables["sources"] = tables["sources"].assign(basis="published", verification="", note="")
    out.mkdir(parents=True, exist_ok=True)
    name = '{ zh = "全国各县", en = "Counties of China" }'
    head = f'id = "china_2010"\nname = {name}\narea = "{AREA}"\njump_off_year = {year}\n'
    head += f'pattern = "{PATTERN}"\n' * (form != "closed")
    (out / "region.toml").write_text(head, "utf-8")
    (out / UNCERTAINTY).write_bytes((ROOT / "data" / "patterns" / PATTERN / UNCERTAINTY).read_bytes())
    for table, lines in tables.items():
        lines.to_csv(out / f"{table}.csv", index=False)
    return read_region(out)


def _mortality(folder: Path, year: int, horizon: int) -> pd.DataFrame:
    table = published.table(folder / "wpp2024", "mortality_5x5")
    start = (year - 5) // 5 * 5
    table = table[(table.country_code == CHINA) & (table.period_start == start)]
    ages = sorted(table.age.unique())
    groups = dict(zip(ages, map(_group, ages, [*ages[1:], 0]), strict=True))
    parts = [
        pd.DataFrame(
            {
                "area": AREA,
                "year_start": begin,
                "year_end": begin + 5,
                "sex": table.sex,
                "age_group": table.age.map(groups),
                "mx": table.mx * np.exp(IMPROVEMENT * (begin - start)),
            }
        )
        for begin in range(start, horizon + 1, 5)
    ]
    return pd.concat(parts)


def _fertility(folder: Path, year: int, horizon: int) -> pd.DataFrame:
    table = published.table(folder / "wpp2024", "fertility_5x5")
    start = (year - 5) // 5 * 5
    table = table[(table.country_code == CHINA) & (table.period_start == start) & (table.pasfr > 0)]
    share = table.pasfr / table.pasfr.sum()
    groups = [f"{age}-{age + 4}" for age in table.age]
    return pd.DataFrame(
        {"area": AREA, "year_start": start, "year_end": horizon, "age_group": groups, "share": share.round(12)}
    )


def _levels(folder: Path, births: pd.Series, year: int, horizon: int) -> pd.DataFrame:
    annual = pd.read_parquet(folder / "wpp2024" / "annual.parquet")
    annual = annual[annual.country_code == CHINA].set_index("year")
    years = list(range(int(births.index.min()), horizon + 1))
    known = births.reindex(years).where(np.array(years) <= year).ffill()
    level = annual.loc[year, ["tfr", "srb"]]
    return pd.DataFrame({"area": AREA, "year": years, "tfr": level.tfr, "srb": level.srb, "births": known.to_numpy()})


def _group(first: int, following: int) -> str:
    return f"{first}+" if not following else f"{first}-{following - 1}" if following > first + 1 else str(first)
