"""Made-up runs with numbers that a test knows, and their pages."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.areas import with_areas
from forecast.basics.dims import AGES, SEXES
from forecast.basics.quantiles import KEPT
from forecast.basics.text import Text
from forecast.blocks.summary import Odds, odds, quantiles
from forecast.demand import DemandModel, read_models
from forecast.findings.causes import Why
from forecast.findings.flags import Flags, find_flags, paths_of
from forecast.findings.read import read_rules
from forecast.findings.schools import find_schools
from forecast.findings.sharing import find_sharing
from forecast.region import Region
from forecast.report import headline, render_html
from forecast.report.charts.people import GROUPS
from forecast.run.run import Run
from forecast.scenario import read_scenario
from forecast.supply.claims import claims
from forecast.supply.gap import compare_areas, gross

YEARS = np.arange(2010, 2051)
EVIL = "</script><img src=x onerror=window.bad=1>\"'&\u2028⟦甲⟧"
LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"

NOW = 2026
"""Year of the decision of all made-up runs."""

RULES = read_rules()


def made_flags(
    data: xr.Dataset, region: Region, models: dict[str, DemandModel], trajectories: xr.DataArray | None = None
) -> Flags:
    """Flags of made-up data; trajectories: demand (area, trajectory, year, service), where there are some."""
    rolls = xr.full_like(data.supply_of_area, np.nan)
    paths = paths_of(data, rolls, trajectories, region.areas, models)
    return find_flags(paths, models, region.areas.names, NOW, RULES.warning, made_why(data, region, models))


def made_why(data: xr.Dataset, region: Region, models: dict[str, DemandModel]) -> Why:
    """Weights by which the made-up people have the made-up demand, the same at all ages."""
    persons = data.population.sum(["sex", "age"])
    weights = (data.demand / persons).expand_dims(age=data.age.values)
    return Why(data, xr.Dataset({"demand": weights}), None, models, region.areas)


def made_region(names: list[tuple[str, str]], grid: bool = True) -> Region:
    codes = [f"{k + 1:06d}" for k in range(len(names))]
    counties = pd.DataFrame({"name_zh": [n[0] for n in names], "name_en": [n[1] for n in names]}, index=codes)
    counties = counties.assign(parent="000000")
    if grid:
        counties = counties.assign(grid_row=1, grid_col=range(1, len(names) + 1))
    line = ["supply", "", EVIL, "p. 3", "assumed", "none", EVIL, 2, "sources.csv"]
    fields = ["table", "filter", "source", "locator", "basis", "verification", "note", "row", "file"]
    return Region(
        id="made",
        name=Text("示例市", "Sample"),
        area="000000",
        parent=None,
        parents={},
        jump_off_year=2023,
        pattern=None,
        counties=counties,
        tables={"sources": pd.DataFrame([line], columns=fields)},
        settings={"notes": [{"zh": EVIL, "en": EVIL}]},
        folder=Path(),
        encodings={},
        hashes={},
        warnings=(),
    )


def made_run(
    capacity: float = 1.0, names: list[tuple[str, str]] | None = None, grid: bool = True, view: str = "behaviour"
) -> Run:
    """A wave with its crest in 2024 (kindergarten) to 2035 (senior); supply is `capacity` times demand of 2022."""
    region = made_region(names or [("甲县", "Alpha"), ("乙县", "Beta"), ("丙县", "Gamma")], grid)
    models = read_models()
    services, counties = list(models), list(region.counties.index)
    crest = {
        "nursery": 2018,
        "kindergarten": 2019,
        "primary_school": 2025,
        "junior_school": 2028,
        "senior_school": 2031,
    }
    size = np.arange(1, len(counties) + 1) * 10_000.0
    shape = {s: 1 + 1.5 * np.exp(-(((YEARS - crest.get(s, 2070)) / 6) ** 2)) for s in services}
    demand = np.stack([size[:, None] * shape[s] for s in services], axis=-1)
    supply = np.where(YEARS[None, :, None] >= 2022, capacity * demand[:, YEARS == 2022], np.nan)
    dims = ("county", "year", "service")
    cubes = {"demand": demand, "demand_norm": demand * 1.05, "supply": supply, "gap": supply - demand}
    cubes |= {"demand_low": demand * 0.9, "demand_high": demand * 1.1}
    if view == "norm":
        cubes["gap"] = supply - 1.05 * demand
    enrolment = np.full((len(services), len(YEARS)), np.nan)
    enrolment[1, 8:13] = demand.sum(0)[8:13, 1] * [1.04, 1.03, 1.02, 1.01, 1.0]
    people = np.full((len(counties), len(YEARS), len(SEXES), len(AGES)), 50.0)
    born = [model.ages[0] + 2023 if model.domain in ("education", "childcare") else -1 for model in models.values()]
    data = xr.Dataset(
        {name: (dims, values) for name, values in cubes.items()},
        coords={
            "county": counties,
            "year": YEARS,
            "service": services,
            "age": list(AGES),
            "born_until": ("service", born),
        },
        attrs={"jump_off_year": 2023},
    ).assign(
        population=(("county", "year", "sex", "age"), people),
        births=(("county", "year", "sex"), people[..., 0]),
        deaths=(("county", "year", "sex", "age"), people),
        enrolment=(("service", "year"), enrolment),
        supply_basis=("service", np.asarray(["assumed"] * len(services), dtype=object)),
    )
    data = by_area(data, region, view)
    scenario = read_scenario("baseline", {"demand.view": view})
    manifest = {"time": "2026-01-02T03:04:05", "forecast": "0", "seed": 0, "form": "calibrated"}
    flags = made_flags(data, region, models)
    sharing = find_sharing(flags, models, region, RULES.sharing)
    return Run(region, scenario, models, RULES, data, {}, manifest, flags, sharing)


def by_area(data: xr.Dataset, region: Region, view: str = "behaviour") -> xr.Dataset:
    """The same data with supply and gap of the counties and the whole, all recorded by county."""
    places = region.areas.places
    kinds = np.full((len(places), data.sizes["service"]), "recorded", dtype=object)
    supply = with_areas(data.supply, region.areas).rename(county="area")
    held = data.assign(
        supply_of_area=supply, planned_of_area=xr.zeros_like(supply), supply_kind=(("area", "service"), kinds)
    )
    compared = compare_areas(data, held, region.areas, view)
    return held.assign(compared.data_vars)


def with_kind(run: Run, kind: str) -> Run:
    """The same run with all supply known in this way, and no gap of a county where that may not be told."""
    words = claims()[kind].words
    data = run.data.assign(supply_kind=xr.full_like(run.data.supply_kind, kind))
    if words == "need":
        gone = ("supply", "gap", "gap_of_area", "missing_of_area", "idle_of_area", "p_short", "p_spare", "p_short_by")
        data = data.assign({name: xr.full_like(data[name], np.nan) for name in gone if name in data})
    return replace(run, data=data)


def with_supply(run: Run, supply: xr.DataArray) -> Run:
    """The same run with another supply by county, its kind recorded."""
    need = run.data.demand_norm if run.scenario.demand.view == "norm" else run.data.demand
    data = run.data.assign(supply=supply, gap=supply - need)
    return replace(run, data=by_area(data, run.region, run.scenario.demand.view))


def with_schools(run: Run) -> Run:
    """The same run with what it says of schools; the last quarter of the senior places is planned for 2026."""
    form = ["stage" if model.domain == "education" else "" for model in run.models.values()]
    planned = xr.zeros_like(run.data.supply)
    planned.loc[{"service": "senior_school", "year": slice(2026, None)}] = 1.0
    data = run.data.assign(
        pupils=run.data.demand.where(xr.DataArray([bool(one) for one in form], dims="service")),
        form=("service", form),
        planned=0.25 * run.data.supply * planned,
    )
    data = data.assign(planned_of_area=with_areas(data.planned, run.region.areas).rename(county="area"))
    held = find_schools(data, run.models, run.region, run.flags, RULES.standards)
    return replace(run, data=data, schools=held)


MANY = 150


def with_trajectories(run: Run, seed: int = 1) -> tuple[Run, np.ndarray]:
    """The same run with made-up trajectories around it, reduced as `run_blocks` reduces them, and beside it the demand
    of every trajectory: (the whole and the counties, year, service, trajectory), NaN up to the jump-off year."""
    rng = np.random.default_rng(seed)
    ahead = YEARS > 2023
    drift = np.cumsum(rng.normal(scale=0.03, size=(len(run.models), len(YEARS), MANY)) * ahead[:, None], axis=1)
    own = rng.normal(scale=0.02, size=(run.data.sizes["county"], 1, 1, MANY))
    factor = np.where(ahead[:, None, None], np.exp(drift.transpose(1, 0, 2) + own), np.nan)
    demand = run.data.demand.values[..., None] * factor
    demand = np.concatenate([demand.sum(axis=0, keepdims=True), demand])
    supply = np.concatenate([run.data.supply.values.sum(axis=0, keepdims=True), run.data.supply.values])
    areas = [run.region.area, *run.data.county.values.tolist()]
    by_service = ("area", "year", "service")
    missing_idle = gross(supply[:, ahead, :, None] - demand[:, ahead])
    missing_idle[:, 0] = missing_idle[:, 1:].sum(axis=1)  # the whole by its counties
    found: dict[str, tuple[tuple[str, ...], np.ndarray]] = {
        name: (by_service, np.full(supply.shape, np.nan)) for name in Odds._fields
    }
    decision = int(np.flatnonzero(YEARS[ahead] == NOW)[0])
    for row in range(len(areas)):
        missing, idle = missing_idle[:, row].swapaxes(1, 2)
        told = odds(missing, idle, supply[row, ahead].T, decision)
        for name, values in told._asdict().items():
            found[name][1][row, ahead] = values.T
    ends = quantiles(demand)
    found["demand_quantile"] = ("quantile", *by_service), ends
    found["gap_quantile"] = ("quantile", *by_service), supply - ends[::-1]
    found["p_norm_met"] = by_service, np.where(ahead[:, None], (1.05 * demand < supply[..., None]).mean(-1), np.nan)
    spread = np.linspace(0.8, 1.2, len(KEPT))
    people = run.data.population.sum("sex").values
    sizes = np.stack([people[..., first : last + 1].sum(-1) for first, last in GROUPS.values()], axis=-1)
    sizes = np.concatenate([sizes.sum(axis=0, keepdims=True), sizes])
    blank = np.where(ahead, 1.0, np.nan)[:, None]
    found["population_quantile"] = (
        ("quantile", "area", "year", "age_group"),
        spread[:, None, None, None] * sizes * blank,
    )
    found["births_quantile"] = ("quantile", "area", "year"), spread[:, None, None] * sizes[..., 0] * blank[:, 0]
    shares = np.array([0.5, 0.0, 0.2, 0.3, 0.0])[:, None, None, None] * np.ones(
        (len(areas), len(YEARS), len(run.models))
    )
    parts = ["births", "mortality", "migration", "participation", "together"]
    coords = {"area": areas, "quantile": list(KEPT), "age_group": list(GROUPS)}
    here = {"year": YEARS, "service": list(run.models)}
    kept = xr.Dataset(found, coords | here).sel(area=run.region.areas.places)
    data = run.data.merge(kept, join="exact").assign_attrs(trajectories=MANY)
    order = ("area", "trajectory", "year", "service")
    trajectories = xr.DataArray(demand.transpose(0, 3, 1, 2), {"area": areas, **here}, order)
    held = {"component": parts, **{name: data[name].values for name in by_service}}
    causes: Any = SimpleNamespace(variance_share=xr.DataArray(shares, held, ("component", *by_service)))
    return replace(run, data=data, causes=causes, flags=made_flags(data, run.region, run.models, trajectories)), demand


@cache
def many_run() -> tuple[Run, np.ndarray]:
    run, demand = with_trajectories(made_run())
    return with_schools(run), demand


@cache
def many_page() -> str:
    return render_html(many_run()[0])


@cache
def plain_page() -> str:
    """The report of the made-up run, rendered once for all tests that only look at it."""
    return render_html(with_schools(made_run()))


def told(run: Run) -> dict[str, str]:
    return {lang: "\n".join(sentences) for lang, sentences in headline(run).items()}
