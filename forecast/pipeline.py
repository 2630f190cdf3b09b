"""The whole method from top to bottom: people, need, supply, gap, waves, report.

`run_forecast` is the one place where it can be read in order; each line calls the stage that does it.
`compare_scenarios` goes the same way as far as the gap, once for each scenario, and makes no report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, SERVICE, SEX, YEAR, in_order, label
from forecast.basics.folders import dotted
from forecast.basics.issues import Issue, UsageError
from forecast.blocks import Causes, Task, run_blocks
from forecast.demand import (
    DemandModel,
    ages_of_services,
    areas,
    demand_weights,
    estimate_demand,
    participation_ratios,
    read_models,
    system_of,
    windows_of,
    with_overrides,
)
from forecast.demand.flows import region_flows, serve
from forecast.findings.flags import BIRTHS, find_flags, flag_table, paths_of
from forecast.findings.schools import find_schools, school_csv
from forecast.findings.sharing import cross_service, floor_areas, within_reach
from forecast.population import check_balance, estimate_past, net_migrants, project_population, vital_rates
from forecast.population.chance.read import read_uncertainty
from forecast.region import Region
from forecast.report import headline, render_html
from forecast.run.run import Run
from forecast.run.store import as_csv, as_json, as_netcdf, as_text, make_manifest, write_run
from forecast.scenario import Migration, Scenario
from forecast.supply.gap import VIEWS, compare_supply
from forecast.supply.standing import estimate_supply
from forecast.waves import find_waves, synchrony

__all__ = ["Run", "compare_scenarios", "run_forecast", "tables"]

RANGE = {"demand_low": 0.0, "demand_high": 2.0}  # multiples of the recent net migration between which the report shades
FERTILITY = {"demand_fewer_births": 1 + BIRTHS[0], "demand_more_births": 1 + BIRTHS[1]}  # multiples of fertility

PEOPLE_QUANTILES = ("population_quantile", "births_quantile")


def run_forecast(
    region: Region,
    scenario: Scenario,
    trajectories: int = 1,
    seed: int = 0,
    out: Path | str | None = None,
    name: str | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    now: int | None = None,
) -> Run:
    """Forecasts a region under a scenario; with `out`, writes a run folder there.

    trajectories: 1 for the scenario alone; more for joint random paths around it as well, the same for one seed
    whatever the machine does. progress: told how many counties have gone through all trajectories. now: the year in
    which it is decided, from which lead times count; by default this year, within the projected ones.
    Raises InputRefused where the region or the scenario cannot be computed with, ValueError for less than one
    trajectory, CannotReadWrite where the folder cannot be written.
    """
    if trajectories < 1:
        raise ValueError("trajectories must be 1 or more")
    with xr.set_options(arithmetic_join="exact", keep_attrs=True):
        models = _models(region, scenario)

        # people: from the censuses to the jump-off date, then on to the horizon
        past = estimate_past(region)
        rates = vital_rates(region, scenario, past)
        people = _people(past, rates)

        # what they need, what stands, and the difference
        ratios = participation_ratios(people, models, region)
        demand = estimate_demand(people, models, region, ratios)
        supply = estimate_supply(region, models, people)
        gap = compare_supply(demand, supply, scenario.demand.view)

        # the waves that run through the stages of life, by county and for the whole
        everywhere = _with_whole(demand.demand, region.area)
        history = everywhere.sel({YEAR: slice(None, region.jump_off_year)})
        waves = find_waves(everywhere.sel({YEAR: slice(region.jump_off_year + 1, None)}), history, windows_of(models))

        # how much of it hangs on migration and on births
        weights = demand_weights(models, region, ratios, people[COUNTY].values.tolist(), rates[YEAR].values.tolist())
        flows = region_flows(region, list(models), people[COUNTY].values.tolist(), rates[YEAR].values.tolist())
        moved = {key: _at_migration(level, past, rates) for key, level in RANGE.items()}
        moved |= {key: rates.assign(asfr=rates.asfr * level) for key, level in FERTILITY.items()}
        spread = {key: _demand_at(other, weights, flows, demand) for key, other in moved.items()}

        rolls = _observed_rolls(region, ratios, people, list(models))
        data = _gather(people, demand, supply, gap, spread, rolls).assign(migration_recent=past.migration_recent)

        # how sure all this is: joint random paths around the scenario
        task = causes = None
        if trajectories > 1:
            task = _task(region, scenario, past, rates, models, ratios, weights, flows, supply, seed)
            causes = Causes(task, trajectories, areas(region))
            odds = _named_areas(
                run_blocks(task, range(trajectories), areas(region), threads, progress=progress), region
            )
            odds = odds.reindex({YEAR: data[YEAR].values})
            data = data.merge(odds, compat="override", combine_attrs="drop_conflicts")

        # what lasts and what is a crest, what must be decided now, and why
        decision = _decision_year(region, scenario, now)
        paths = paths_of(data, region.jump_off_year, areas(region), models)
        flags = find_flags(paths, models, _names_by_language(region), decision)

        # what schools need, why rolls change, whom planned places are for
        schools = find_schools(data, models, region, areas(region), waves, flags.classes["lasting"])
        manifest = make_manifest(
            scenario=scenario.model_dump(mode="json"),
            inputs=region.hashes,
            seed=seed,
            trajectories=trajectories,
            region=region.id,
            jump_off_year=region.jump_off_year,
            now=decision,
        )
    run = Run(region, scenario, models, data, waves, ratios, manifest, flags, task=task, causes=causes, schools=schools)
    return _finish(run, out, name)


def compare_scenarios(
    region: Region,
    scenarios: Iterable[Scenario],
    years: Sequence[int] | None = None,
    services: Sequence[str] | None = None,
) -> pd.DataFrame:
    """What people need, what stands and the difference, by scenario; the past is estimated once.

    years: by default every fifth year (2025, 2030, ...) within fifteen of the jump-off date; services: all.
    One row for each scenario, county, service and year, the whole under its own code after its counties:

    scenario, view, county, service, unit, year     view: whether demand is what people will use or what is asked
    demand_basis, supply_basis                      published, derived or assumed; none where there is no supply, and ""
                                                    for demand by the standard, whose basis is not followed so far
    population        residents at the end of the year, persons
    supply, demand, gap = supply - demand           in the service's unit; NaN where supply is not known
    population_change, supply_change, demand_change, gap_change    less the same cell of the first scenario

    The numbers are those of `run_forecast`. Raises UsageError for a year before the jump-off date or after a horizon,
    an unknown service, or two scenarios of one name.
    """
    chosen = list(scenarios)
    years = _compared_years(region, chosen, years)
    parts = []
    with xr.set_options(arithmetic_join="exact", keep_attrs=True):
        past = estimate_past(region)
        for one in chosen:
            models = _chosen_models(_models(region, one), services)
            people = _people(past, vital_rates(region, one, past))
            demand = estimate_demand(people, models, region)
            supply = estimate_supply(region, models, people)
            gap = compare_supply(demand, supply, one.demand.view)
            found = {
                "population": people.population.sum([SEX, AGE]),
                "supply": gap.supply,
                "demand": demand[VIEWS[one.demand.view]],
                "gap": gap.gap,
            }
            wide = {name: _with_whole(in_order(value.sel({YEAR: years})), region.area) for name, value in found.items()}
            table = xr.Dataset(wide).to_dataframe(dim_order=[COUNTY, SERVICE, YEAR]).reset_index()
            bases = {"demand_basis": demand.demand_basis, "supply_basis": supply.basis}
            about = {key: table[SERVICE].map(basis.to_series()) for key, basis in bases.items()}
            if one.demand.view == "norm":
                about["demand_basis"] = ""
            parts.append(table.assign(scenario=one.id, view=one.demand.view, **about))
    return _with_changes(parts)


def _with_changes(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The scenarios' tables below each other, every number with its difference to the first's."""
    numbers = ["population", "supply", "demand", "gap"]
    changes = [part[numbers].sub(parts[0][numbers]).add_suffix("_change") for part in parts]
    table = pd.concat([pd.concat(pair, axis=1) for pair in zip(parts, changes, strict=True)], ignore_index=True)
    keys = ["scenario", "view", COUNTY, SERVICE, "unit", "demand_basis", "supply_basis", YEAR]
    return table[[*keys, *numbers, *changes[0].columns]]


def _compared_years(region: Region, scenarios: Sequence[Scenario], years: Sequence[int] | None) -> list[int]:
    """The years asked for, in order, each once; all faults of the call at once."""
    repeated = sorted({one.id for one in scenarios if [other.id for other in scenarios].count(one.id) > 1})
    faults = [Issue("E910", values={"name": name}) for name in repeated] or [Issue("E911")] * (not scenarios)
    first, last = region.jump_off_year, min((one.horizon for one in scenarios), default=region.jump_off_year)
    if years is None:
        years = [year for year in range(first + 1, min(first + 15, last) + 1) if year % 5 == 0] or [last]
    outside = [year for year in years if not first <= year <= last]
    if outside or not years:
        values = {"found": ", ".join(map(str, outside)) or "-", "first": first, "last": last}
        faults.append(Issue("E908", values=values))
    if faults:
        raise UsageError(faults)
    return sorted(set(years))


def _chosen_models(models: Mapping[str, DemandModel], services: Sequence[str] | None) -> Mapping[str, DemandModel]:
    """The models of these services, in the order of the chain."""
    unknown = [name for name in services or () if name not in models]
    if unknown or (services is not None and not services):
        known = ", ".join(models)
        raise UsageError(Issue("E909", values={"found": name, "known": known}) for name in unknown or ["-"])
    return {name: model for name, model in models.items() if services is None or name in services}


def _models(region: Region, scenario: Scenario) -> Mapping[str, DemandModel]:
    """The shipped models with the ages of the region's school system and its own numbers, then the scenario's; a
    replaced number stays beside its own."""
    shipped = read_models()
    ages = {name: ages for name, ages in ages_of_services(system_of(region)).items() if ages != shipped[name].ages}
    by_system = {name: {"parameters.ages": list(each)} for name, each in ages.items()}
    own = {name: dict(dotted(values)) for name, values in region.settings.get("models", {}).items()}
    return with_overrides(with_overrides(with_overrides(shipped, by_system), own), scenario.models)


def _people(past: xr.Dataset, rates: xr.Dataset) -> xr.Dataset:
    """Past and projection on one year axis, balanced; flows are NaN where no year was calibrated."""
    projection = project_population(rates)
    check_balance(projection)
    known = past[list(projection.data_vars)]
    joined = xr.concat([known, projection.isel({YEAR: slice(1, None)})], YEAR, join="exact")
    joined = joined.assign({key: in_order(joined[key]).assign_attrs(projection[key].attrs) for key in joined.data_vars})
    return joined.assign_attrs(projection.attrs)


def _at_migration(level: float, past: xr.Dataset, rates: xr.Dataset) -> xr.Dataset:
    """The rates with every county's yearly net migration at this multiple of the recent one."""
    migrants = net_migrants(past, Migration(level=((int(rates[YEAR][0]), level),)), rates[YEAR].values)
    return rates.assign(net_migration=migrants)


def _demand_at(rates: xr.Dataset, weights: xr.Dataset, flows: xr.DataArray | None, demand: xr.Dataset) -> xr.DataArray:
    """Demand where the rates are these; the past is as it was."""
    moved = project_population(rates, flows=()).population
    both = moved.isel({YEAR: slice(1, None)}).sum(SEX)
    ahead = serve(in_order(xr.dot(weights.demand, both, dim=AGE)), flows)
    known = demand.demand.sel({YEAR: slice(None, int(rates[YEAR][0]) - 1)})
    return in_order(xr.concat([known, ahead], YEAR, join="exact", coords="minimal", compat="override"))


def _task(
    region: Region,
    scenario: Scenario,
    past: xr.Dataset,
    rates: xr.Dataset,
    models: Mapping[str, DemandModel],
    ratios: pd.DataFrame,
    weights: xr.Dataset,
    flows: xr.DataArray | None,
    supply: xr.Dataset,
    seed: int,
) -> Task:
    """What the blocks need to know."""
    moving = rates.assign(mobility=past.migration_mobility)
    view = scenario.demand.view
    return Task(region, moving, read_uncertainty(region), models, ratios, weights, flows, supply.supply, view, seed)


def _decision_year(region: Region, scenario: Scenario, now: int | None) -> int:
    """The year asked for, else this one, within the projected years."""
    year = date.today().year if now is None else now
    return min(max(year, region.jump_off_year + 1), scenario.horizon)


def _names_by_language(region: Region) -> dict[str, dict[str, str]]:
    return {code: {"zh": zh, "en": en} for code, (zh, en) in _names(region).items()}


def _named_areas(odds: xr.Dataset, region: Region) -> xr.Dataset:
    """The names of the areas beside their codes, and which of them is the whole."""
    names = _names(region)
    listed = {lang: [names[code][at] for code in odds["area"].values.tolist()] for at, lang in enumerate(("zh", "en"))}
    named = odds.assign_coords({f"area_name_{lang}": ("area", found) for lang, found in listed.items()})
    return named.assign_attrs(area=region.area)


def _names(region: Region) -> dict[str, tuple[str, str]]:
    """Code -> name in Chinese and English: counties, parents and the whole."""
    names = {str(code): (row.name_zh, row.name_en) for code, row in region.counties.iterrows()}
    names |= {code: (name["zh"], name["en"]) for code, name in region.areas.items()}
    return names | {region.area: (region.name["zh"], region.name["en"])}


def _with_whole(demand: xr.DataArray, area: str) -> xr.DataArray:
    """The counties and, as one more, their sum under the code of the whole."""
    whole = demand.sum(COUNTY, skipna=False).expand_dims({COUNTY: [area]})
    return in_order(xr.concat([demand, whole], COUNTY, join="exact"))


def _gather(
    people: xr.Dataset,
    demand: xr.Dataset,
    supply: xr.Dataset,
    gap: xr.Dataset,
    spread: Mapping[str, xr.DataArray],
    rolls: xr.DataArray,
) -> xr.Dataset:
    """One labelled Dataset of everything, as it is saved and reported."""
    need = demand.rename(ratio="participation_ratio") if "ratio" in demand else demand
    parts = [people, need, gap, supply[["planned", "basis"]].rename(basis="supply_basis")]
    data = xr.merge(parts, join="exact", compat="override", combine_attrs="override")
    about = {"kind": "stock", "units": demand.demand.attrs.get("units", "1"), "source": "net migration varied"}
    for key, level in RANGE.items():
        long_name = f"demand at {level:g} times the recent net migration"
        data[key] = spread[key].assign_attrs(about, long_name=long_name)
    for key, level in FERTILITY.items():
        long_name = f"demand at {level:g} times the fertility"
        data[key] = spread[key].assign_attrs(about, long_name=long_name, source="fertility varied")
    data["enrolment"] = rolls
    return data.assign_attrs(people.attrs)


def _observed_rolls(region: Region, ratios: pd.DataFrame, people: xr.Dataset, services: list[str]) -> xr.DataArray:
    """Pupils counted in the whole area, (service, year); NaN where none were published."""
    own = ratios[(ratios["area"] == region.area) & ratios[AGE].isna()].pivot(
        index=SERVICE, columns=YEAR, values="pupils"
    )
    own = own.reindex(index=services, columns=people[YEAR].values).astype(float)
    rolls = xr.DataArray(own.to_numpy(), dims=(SERVICE, YEAR), coords={SERVICE: services, YEAR: people[YEAR].values})
    return label(in_order(rolls), "pupils counted in the whole area", "pupils", "stock", "region: enrolment")


def _finish(run: Run, out: Path | str | None, name: str | None) -> Run:
    """The headline, and with `out` the run folder: manifest, cube, tables, report."""
    run = replace(run, headline=headline(run))
    if out is None:
        return run
    files = {
        "manifest.json": as_json(run.manifest),
        "forecast.nc": as_netcdf(run.cube),
        **{f"tables/{key}.csv": as_csv(table) for key, table in tables(run).items()},
        "report.html": as_text(render_html(run)),
        "log.txt": as_text("\n".join(issue.text("en") for issue in run.region.warnings) + "\n"),
    }
    return replace(run, folder=write_run(out, name or f"{run.region.id}-{run.scenario.id}"[:64], files))


def tables(run: Run) -> dict[str, pd.DataFrame]:
    """The run's tables as they are written beside the report: long form, one row a county, year and service."""
    people = run.data[["population", "births", "deaths", "net_migration"]]
    by_county = xr.Dataset(
        {key: value.sum([d for d in (SEX, AGE) if d in value.dims], skipna=False) for key, value in people.items()}
    )
    need = run.data[["demand", "demand_low", "demand_high", "demand_norm", "supply", "gap", "load"]]
    more = {}
    if "demand_quantile" in run.data:
        by_county = by_county.merge(_of_counties(run.data, PEOPLE_QUANTILES, []))
        need = need.merge(_of_counties(run.data, ("demand_quantile", "gap_quantile"), ["p_short", "p_norm_met"]))
        more["uncertainty"] = _named(run, _uncertainty(run.cube), "area")
    return {
        "population": _named(run, by_county.to_dataframe(dim_order=[COUNTY, YEAR]).reset_index()),
        "demand_supply_gap": _named(run, need.to_dataframe(dim_order=[COUNTY, SERVICE, YEAR]).reset_index()),
        **more,
        "waves": _named(run, run.waves),
        "waves_by_trajectory": _named(run, run.flags.waves),
        "flags": _named(run, flag_table(run.flags)),
        "warnings": _named(run, run.flags.warnings),
        "trains": _named(run, run.flags.trains),
        **_help(run),
        "participation_ratios": run.ratios,
        **{name: _named(run, table) for name, table in school_csv(run.schools).items()},
    }


def _help(run: Run) -> dict[str, pd.DataFrame]:
    """Who could help whom from the decision on: pairs of counties, services inside a county, and how alike they all are."""
    counties = run.data[COUNTY].values
    gap = run.flags.gap.sel({COUNTY: counties, YEAR: slice(run.flags.now, None)})
    areas = cross_service(gap, floor_areas(run.models)).to_dataframe(dim_order=[COUNTY, "pair", YEAR]).reset_index()
    pairs = areas.pop("pair").str.split(" > ", expand=True).reindex(columns=[0, 1])
    areas = areas.assign(empties=pairs[0], lacks=pairs[1])[[COUNTY, "empties", "lacks", YEAR, "area", "probability"]]
    alike = synchrony(run.flags.classes.sel({COUNTY: counties})).to_dataframe("share_of_counties").reset_index()
    found = {"follow_on_area": _named(run, areas[areas["area"] > 0]), "class_shares": alike}
    reach = within_reach(gap, run.region.tables.get("neighbours"))
    if reach is not None:
        pairs, names = reach[0], _names(run.region)
        for side in ("short", "spare"):
            own = [names[code] for code in pairs[f"{side}_county"]]
            pairs = pairs.assign(**{f"{side}_name_zh": [zh for zh, _ in own], f"{side}_name_en": [en for _, en in own]})
        found["sharing_pairs"] = pairs
    return found


def _of_counties(data: xr.Dataset, quantiles: Iterable[str], others: list[str]) -> xr.Dataset:
    """The ends of the bands of 80 % (p10, p90) and 95 % (p025, p975), and other odds, by county."""
    kept = data[others].assign(_columns(data, quantiles, (0.025, 0.1, 0.9, 0.975)))
    counties = kept.sel({"area": data[COUNTY].values}).rename({"area": COUNTY})
    return counties.drop_vars([name for name in counties.coords if name not in counties.dims])


def _columns(data: xr.Dataset, quantiles: Iterable[str], levels: Iterable[float]) -> dict[str, xr.DataArray]:
    """demand_quantile as demand_p10, demand_p90, ... (population_quantile of all ages only)."""
    found = {}
    for name in quantiles:
        held = data[name].sel(age_group="all", drop=True) if "age_group" in data[name].dims else data[name]
        for level in levels:
            digits = f"{level:.3f}".removeprefix("0.").rstrip("0").ljust(2, "0")
            found[f"{name.removesuffix('_quantile')}_p{digits}"] = held.sel(quantile=level, method="nearest", drop=True)
    return found


def _uncertainty(data: xr.Dataset) -> pd.DataFrame:
    """All that is known of how sure a result is, one row an area, service and year after the jump-off year."""
    single = ["demand_mean", "p_short", "p_short_by", "short_expected", "idle_expected", "p_norm_met"]
    kept = data[single].assign(_columns(data, ("demand_quantile", "gap_quantile"), data["quantile"].values))
    if "variance_share" in data:
        shares = data["variance_share"]
        kept = kept.assign(
            {f"variance_{name}": shares.sel(component=name, drop=True) for name in shares["component"].values}
        )
    ahead = kept.sel({YEAR: slice(data.attrs["jump_off_year"] + 1, None)})
    ahead = ahead.drop_vars([name for name in ahead.coords if name not in ahead.dims and name != "unit"])
    return ahead.to_dataframe(dim_order=["area", SERVICE, YEAR]).reset_index()


def _named(run: Run, table: pd.DataFrame, place: str = COUNTY) -> pd.DataFrame:
    """The table with the names of the places beside their codes, for readers who know no codes."""
    names = _names(run.region)
    for column, index in (("name_en", 1), ("name_zh", 0)):
        table = table.assign(**{column: [names[str(code)][index] for code in table[place]]})
    first = [place, "name_zh", "name_en"]
    return table[first + [column for column in table.columns if column not in first]]
