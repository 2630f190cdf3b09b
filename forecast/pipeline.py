"""The whole method from top to bottom: people, need, supply, gap, waves, report.

`run_forecast` is the one place where it can be read in order; each line calls the stage that does it.
`compare_scenarios` goes the same way as far as the gap, once for each scenario, and makes no report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import xarray as xr

from forecast.basics.dims import COUNTY, YEAR
from forecast.blocks import Causes, Task, run_blocks
from forecast.demand import (
    demand_at_levels,
    demand_weights,
    estimate_demand,
    observed_rolls,
    participation_ratios,
    region_models,
)
from forecast.demand.flows import region_flows
from forecast.findings.causes import Why
from forecast.findings.flags import find_flags, paths_of
from forecast.findings.read import read_rules
from forecast.findings.schools import find_schools
from forecast.findings.sharing import find_sharing
from forecast.population import baseline, estimate_past, people_over_time
from forecast.region import Region
from forecast.report import headline, render_html, tables
from forecast.run.comparing import compared_models, compared_years, numbers_of, with_changes
from forecast.run.cube import gather, with_odds
from forecast.run.run import Run
from forecast.run.store import as_csv, as_json, as_netcdf, as_text, make_manifest, write_run
from forecast.scenario import Scenario
from forecast.supply.gap import compare_areas, compare_supply
from forecast.supply.splits import gaps_if_split
from forecast.supply.standing import estimate_supply

__all__ = ["check_own_files", "compare_scenarios", "run_forecast"]


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
    if not 0 <= seed < 2**63:  # a whole number of 64 bits with a sign, as files and generators hold it
        raise ValueError("seed must be between 0 and 9223372036854775807")
    with xr.set_options(arithmetic_join="exact", keep_attrs=True):
        models, rules = region_models(region, scenario.models), read_rules(region)

        # people: from the censuses to the jump-off date, then on to the horizon
        past = estimate_past(region)
        future = baseline(region, scenario, past)
        people = people_over_time(past, future.rates)

        # what they need, what stands, and the difference
        ratios = participation_ratios(people, models, region)
        demand = estimate_demand(people, models, region, ratios)
        rolls = observed_rolls(region, models, people[YEAR].values.tolist())
        supply = estimate_supply(region, models, people[YEAR].values.tolist(), rolls)
        gap = compare_supply(demand, supply, scenario.demand.view)
        gap_of_areas = compare_areas(demand, supply, region.areas, scenario.demand.view)

        # why it changes, and how much of it hangs on migration and on births
        counties, years = people[COUNTY].values.tolist(), people[YEAR].values.tolist()
        all_weights = demand_weights(models, ratios, counties, years)
        all_flows = region_flows(region, list(models), counties, years)
        passing = frozenset(name for name, ratio in ratios.items() if ratio.form == "passage")
        why = Why(people, all_weights, all_flows, models, region.areas, passing)
        ahead = {YEAR: future.rates[YEAR].values}
        weights, flows = all_weights.sel(ahead), None if all_flows is None else all_flows.sel(ahead)
        levels = demand_at_levels(past, future, weights, flows, demand)

        found = people, demand, supply, gap, gap_of_areas
        data = gather(*found, levels, rolls, future.migration_level, region.areas)
        data = data.assign(gaps_if_split(region, supply, demand, people, models, scenario.demand.view))
        decision = _decision_year(region, scenario, now)

        # how sure all this is: joint random paths around the scenario
        task = causes = trajectories_of_demand = None
        if trajectories > 1:
            view = scenario.demand.view
            spread = future.spread()
            task = Task(region, future.rates, spread, models, ratios, weights, flows, supply, view, seed, decision)
            causes = Causes(task, trajectories, region.areas)
            odds = run_blocks(task, range(trajectories), region.areas, threads, progress=progress)
            trajectories_of_demand = odds["demand_of_trajectories"]
            data = with_odds(data, odds)

        # the waves that run through the stages of life, what lasts of them, what must be decided now, and why
        paths = paths_of(data, rolls, trajectories_of_demand, region.areas, models)
        flags = find_flags(paths, models, region.areas.names, decision, rules.warning, why)

        # which counties could help each other, and which services inside a county
        sharing = find_sharing(flags, models, region, rules.sharing)

        # what schools need, why rolls change, whom planned places are for
        schools = find_schools(data, models, region, flags, rules.standards)
        manifest = make_manifest(
            scenario=scenario.model_dump(mode="json"),
            inputs=region.hashes,
            seed=seed,
            trajectories=trajectories,
            form=future.form,
            pupils={service: ratio.form for service, ratio in ratios.items() if ratio.form},
            region=region.id,
            jump_off_year=region.jump_off_year,
            now=decision,
        )
    run = Run(region, scenario, models, rules, data, ratios, manifest, flags, sharing, schools, task, causes)
    run = replace(run, headline=headline(run))
    return run if out is None else _save(run, out, name)


def check_own_files(region: Region) -> None:
    """Reads the rules and the models that a region brings, as a run does. Raises InputRefused with their faults."""
    read_rules(region)
    region_models(region, {})


def compare_scenarios(
    region: Region,
    scenarios: Iterable[Scenario],
    years: Sequence[int] | None = None,
    services: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Population, supply, demand and gap by scenario, county, service and year; the past is estimated once.

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
    years = compared_years(region, chosen, years)
    parts = []
    with xr.set_options(arithmetic_join="exact", keep_attrs=True):
        past = estimate_past(region)
        for scenario in chosen:
            of_all = region_models(region, scenario.models)
            models = compared_models(of_all, services)
            people = people_over_time(past, baseline(region, scenario, past).rates)
            demand = estimate_demand(people, models, region, participation_ratios(people, of_all, region))
            rolls = observed_rolls(region, models, people[YEAR].values.tolist())
            supply = estimate_supply(region, models, people[YEAR].values.tolist(), rolls)
            gap = compare_areas(demand, supply, region.areas, scenario.demand.view)
            parts.append(numbers_of(scenario, people, demand, supply, gap, years, region.areas))
    return with_changes(parts)


def _decision_year(region: Region, scenario: Scenario, now: int | None) -> int:
    """The year asked for, else this one, within the projected years."""
    year = date.today().year if now is None else now
    return min(max(year, region.jump_off_year + 1), scenario.horizon)


def _save(run: Run, out: Path | str, name: str | None) -> Run:
    """The run in its folder: manifest, cube, tables, report, log."""
    files = {
        "manifest.json": as_json(run.manifest),
        "forecast.nc": as_netcdf(run.cube),
        **{f"tables/{key}.csv": as_csv(table) for key, table in tables(run).items()},
        "report.html": as_text(render_html(run)),
        "log.txt": as_text("\n".join(issue.text("en") for issue in run.region.warnings) + "\n"),
    }
    return replace(run, folder=write_run(out, name or f"{run.region.id}-{run.scenario.id}"[:64], files))
