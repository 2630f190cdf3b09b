"""The CSV tables of a run: long form, one row a cell, places by code and by name in both languages."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import xarray as xr

from forecast.basics.areas import by_area, with_areas
from forecast.basics.dims import AGE, COUNTY, LIMIT, QUANTILE, RULE, SERVICE, SETTING, SEX, YEAR
from forecast.basics.quantiles import BANDS, ENDS
from forecast.demand import ratio_table
from forecast.demand.schools.changes import elasticity
from forecast.findings.flags import flag_table
from forecast.findings.schools import Schools
from forecast.run.run import Run
from forecast.supply.gap import VIEWS

PEOPLE_QUANTILES = ("population_quantile", "births_quantile")


def tables(run: Run) -> dict[str, pd.DataFrame]:
    """The run's tables as they are written beside the report: long form, one row a county or area, year and service."""
    people, need = _people(run), _need(run)
    more = {}
    if "demand_quantile" in run.data:
        people = people.merge(_odds(run, PEOPLE_QUANTILES, []), compat="override")
        odds = _odds(run, ("demand_quantile", "gap_quantile"), ["p_short", "p_spare", "p_norm_met"])
        need = need.merge(odds, compat="override")
        more["uncertainty"] = _named(run, _uncertainty(run.cube), "area")
    return {
        "population": _named(run, people.to_dataframe(dim_order=[COUNTY, YEAR]).reset_index()),
        "demand_supply_gap": _named(run, need.to_dataframe(dim_order=[COUNTY, SERVICE, YEAR]).reset_index()),
        **more,
        **_if_split(run),
        "waves": _named(run, run.flags.waves),
        "crests": _named(run, run.flags.crests),
        "flags": _named(run, flag_table(run.flags)),
        "warnings": _named(run, run.flags.warnings),
        "causes": _named(run, run.flags.causes),
        "trains": _named(run, run.flags.trains),
        **_help(run),
        "participation_ratios": ratio_table(run.ratios),
        **{name: _named(run, table) for name, table in school_tables(run.schools).items()},
    }


def _people(run: Run) -> xr.Dataset:
    """Residents and their changes (county, year) of both sexes and all ages, of the counties and then the areas."""
    flows = run.data[["population", "births", "deaths", "net_migration"]]
    return xr.Dataset(
        {
            str(name): with_areas(
                value.sum([dim for dim in (SEX, AGE) if dim in value.dims], skipna=False), run.region.areas
            )
            for name, value in flows.items()
        }
    )


def _need(run: Run) -> xr.Dataset:
    """Need, supply with its kind and basis, gap net and gross (county, year, service), of the counties and the areas."""
    demand = run.data[["demand", "demand_low", "demand_high", "demand_norm"]]
    need = xr.Dataset({str(name): with_areas(value, run.region.areas) for name, value in demand.items()})
    names = ("supply", "gap", "missing", "idle")
    stands = by_area(run.data[[f"{name}_of_area" for name in names]], run.region.areas.places)
    stands = stands.rename({f"{name}_of_area": name for name in names})
    kinds = {name: run.data[name].broadcast_like(run.data["supply_kind"]) for name in ("supply_kind", "supply_basis")}
    table = need.merge(stands, join="exact", compat="override").assign(
        {name: by_area(kind, run.region.areas.places) for name, kind in kinds.items()}
    )
    asked = table[VIEWS[run.scenario.demand.view]]
    load = (asked / table["supply"]).where(table["gap"].notnull() & ((asked != 0) | (table["supply"] != 0)))
    return _bare(table.assign(load=load))


def _if_split(run: Run) -> dict[str, pd.DataFrame]:
    """Gaps of counties if a larger area's supply lay as each rule has it, from the jump-off year on, the sign that all
    rules agree on (0 where they do not), and in how many of the counties that are split they agree."""
    if "gap_if_split" not in run.data:
        return {}
    ahead = run.data[["gap_if_split", "sign_if_split"]].sel({YEAR: slice(run.region.jump_off_year, None)})
    gaps, sign = ahead["gap_if_split"], ahead["sign_if_split"]
    table = _bare(xr.Dataset({f"gap_{rule}": gaps.sel({RULE: rule}, drop=True) for rule in gaps[RULE].values}))
    counts = {"sign": sign, "sign_known_in": abs(sign).sum(COUNTY), "of_counties": sign.notnull().sum(COUNTY)}
    rows = _bare(table.assign(counts)).to_dataframe(dim_order=[COUNTY, SERVICE, YEAR]).reset_index()
    whole = dict.fromkeys(counts, int)
    return {"supply_if_split": _named(run, rows[rows["sign"].notna()].astype(whole))}


def _help(run: Run) -> dict[str, pd.DataFrame]:
    """Tables of sharing from the decision on: pairs of counties, services inside a county, and how alike counties are."""
    areas = run.sharing.follow_on_area.to_dataframe(dim_order=[COUNTY, "pair", YEAR]).reset_index()
    pairs = areas.pop("pair").str.split(" > ", expand=True).reindex(columns=[0, 1])
    areas = areas.assign(empties=pairs[0], lacks=pairs[1])[[COUNTY, "empties", "lacks", YEAR, "area", "probability"]]
    alike = run.sharing.alike.to_dataframe("share_of_counties").reset_index()
    tables = {"follow_on_area": _named(run, areas[areas["area"] > 0]), "class_shares": alike}
    if run.sharing.pairs is not None:
        pairs, names = run.sharing.pairs, run.region.areas.names
        for side in ("short", "spare"):
            side_names = [names[code] for code in pairs[f"{side}_county"]]
            pairs = pairs.assign(
                **{f"{side}_name_{lang}": [name[lang] for name in side_names] for lang in ("zh", "en")}
            )
        tables["sharing_pairs"] = pairs
    return tables


def _odds(run: Run, quantiles: Iterable[str], others: list[str]) -> xr.Dataset:
    """The ends of the bands of 80 % (p10, p90) and 95 % (p025, p975), and other odds, by county and area."""
    kept = run.data[others].assign(_columns(run.data, quantiles, ENDS))
    return _bare(by_area(kept, run.region.areas.places))


def _bare(table: xr.Dataset) -> xr.Dataset:
    """Without coordinates that are no dimension, but for the unit."""
    return table.drop_vars([name for name in table.coords if name not in table.dims and name != "unit"])


def _columns(data: xr.Dataset, quantiles: Iterable[str], levels: Iterable[float]) -> dict[str, xr.DataArray]:
    """demand_quantile as demand_p10, demand_p90, ... (population_quantile of all ages only)."""
    columns = {}
    for name in quantiles:
        values = data[name].sel(age_group="all", drop=True) if "age_group" in data[name].dims else data[name]
        for level in levels:
            digits = f"{level:.3f}".removeprefix("0.").rstrip("0").ljust(2, "0")
            columns[f"{name.removesuffix('_quantile')}_p{digits}"] = values.sel(
                quantile=level, method="nearest", drop=True
            )
    return columns


def _uncertainty(data: xr.Dataset) -> pd.DataFrame:
    """All that is known of how sure a result is, one row an area, service and year after the jump-off year."""
    single = ["demand_mean", "p_short", "p_spare", "p_short_by", "short_expected", "idle_expected", "p_norm_met"]
    kept = data[single].assign(_columns(data, ("demand_quantile", "gap_quantile"), data["quantile"].values))
    if "variance_share" in data:
        shares = data["variance_share"]
        kept = kept.assign(
            {f"variance_{name}": shares.sel(component=name, drop=True) for name in shares["component"].values}
        )
    ahead = kept.sel({YEAR: slice(data.attrs["jump_off_year"] + 1, None)})
    return _bare(ahead).to_dataframe(dim_order=["area", SERVICE, YEAR]).reset_index()


def _named(run: Run, table: pd.DataFrame, place: str = COUNTY) -> pd.DataFrame:
    """The table with the names of the places beside their codes, for readers who know no codes."""
    names = [run.region.areas.names[str(code)] for code in table[place]]
    table = table.assign(name_en=[name["en"] for name in names], name_zh=[name["zh"] for name in names])
    first = [place, "name_zh", "name_en"]
    return table[first + [column for column in table.columns if column not in first]]


# ---- schools -----------------------------------------------------------------------------------------------------


def school_tables(schools: Schools | None) -> dict[str, pd.DataFrame]:
    """The tables as they are written beside a report, from the jump-off year on; those without a row are left out.
    Elasticities, smaller classes and special education every fifth year."""
    if schools is None:
        return {}
    ahead = {YEAR: slice(schools.table.attrs["jump_off_year"], None)}
    table = schools.table.sel(ahead)
    fives = {YEAR: [year for year in table[YEAR].values.tolist() if year % 5 == 0]}
    parts = {
        "schools": _school_rows(
            schools, table, None if schools.bands is None else schools.bands.sel({YEAR: table[YEAR]})
        ),
        "school_elasticities": _elasticities(table.sel(fives), schools.smaller["class_size"].sel(fives)),
        "school_posts": schools.teachers[schools.teachers[YEAR] >= schools.table.attrs["jump_off_year"]],
        "smaller_classes": _long(
            schools.smaller.sel(fives).isel({LIMIT: slice(1, None)}), [LIMIT, COUNTY, SERVICE, YEAR]
        ),
        "special_education": _long(schools.special.sel(fives).to_dataset(SETTING), [COUNTY, SERVICE, YEAR]),
        "planned_places": _long(schools.audit, [COUNTY, SERVICE, YEAR]) if schools.audit else pd.DataFrame(),
    }
    return {name: part for name, part in parts.items() if len(part)}


def _school_rows(schools: Schools, table: xr.Dataset, bands: xr.Dataset | None) -> pd.DataFrame:
    """人口-学位-设施: a row a county, service and year; `assumed` names the columns that rest on an assumption."""
    columns = table.drop_vars(["form", "school_grades"])
    if bands is not None:
        for level in BANDS[80]:
            ends = bands.sel({QUANTILE: level}, method="nearest", drop=True)
            columns = columns.assign({f"{name}_p{100 * level:.0f}": values for name, values in ends.items()})
    rows = _long(columns, [COUNTY, SERVICE, YEAR])
    form = dict(zip(table[SERVICE].values, table["form"].values, strict=True))
    assumed = {
        service: " ".join(column for column, basis in schools.basis.items() if basis[service] == "assumed")
        for service in form
    }
    return rows.assign(form=rows[SERVICE].map(form), assumed=rows[SERVICE].map(assumed))


def _elasticities(table: xr.Dataset, class_size: xr.DataArray) -> pd.DataFrame:
    """Per cent more of the first for one per cent more of the second: births of every year after the jump-off year, or
    pupils. Places, posts and money go with the pupils, one for one."""
    pupils, classes = table["pupils"], table["classes"]
    more_classes = classes + 0.01 * pupils / class_size.isel({LIMIT: 0}, drop=True)
    to_pupils, to_births = elasticity(more_classes, 1.01 * pupils, (classes, pupils)), 1 - table["born"]
    elasticities = {
        "pupils_to_births": to_births,
        "classes_to_pupils": to_pupils,
        "classes_to_births": to_births * to_pupils,
    }
    return _long(xr.Dataset(elasticities), [COUNTY, SERVICE, YEAR])


def _long(table: xr.Dataset, dims: list[str]) -> pd.DataFrame:
    """One row a cell, in the order of the dimensions named."""
    bare = table.drop_vars([name for name in table.coords if name not in table.dims])
    return bare.to_dataframe(dim_order=[dim for dim in dims if dim in table.dims]).reset_index()
