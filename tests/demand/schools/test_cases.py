"""Worked cases of school planning: small TOML files with a name, an input and what comes out by hand."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.basics.school_date import SEPTEMBER, entry_cohorts
from forecast.demand.flows import calibrate_flows, served
from forecast.demand.schools.changes import elasticity, step_effects
from forecast.demand.schools.class_sizes import classes_of_schools, expected_classes, small_class_dividend
from forecast.demand.schools.dwellings import dwelling_pupils, net_gain
from forecast.demand.schools.entrants import eligible_share, entrants, participation_with_access
from forecast.demand.schools.planned_places import audit_places, seats_by_year, standing_places
from forecast.demand.schools.posts import posts_by_class, posts_by_ratio, posts_needed, project_teachers, retrain
from forecast.demand.schools.progression import progress, ratios_of
from forecast.demand.schools.resources import met, resource_ratios
from forecast.demand.schools.small_schools import must_stay, private_places, sites_by_threshold
from forecast.demand.schools.special_education import special_pupils
from forecast.demand.schools.stages import by_stage, senior_intake, stage_systems
from forecast.findings.causes import shapley
from studies import ROOT

CASES = sorted((ROOT / "tests" / "cases" / "schools").glob("*.toml"))
Table = Mapping[str, Any]


def named(values: Mapping[Any, float], dim: str) -> xr.DataArray:
    return xr.DataArray([float(x) for x in values.values()], {dim: list(values)}, (dim,))


def yearly(values: Mapping[str, float]) -> xr.DataArray:
    return named({int(year): value for year, value in values.items()}, "year")


def in_years(values: list[float], first: int = 2025) -> xr.DataArray:
    return named(dict(enumerate(values, first)), "year")


def matrix(rows: Mapping[str, Mapping[str, float]], dims: tuple[str, str]) -> xr.DataArray:
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    values = [[row.get(name, 0.0) for name in columns] for row in rows.values()]
    return xr.DataArray(values, {dims[0]: list(rows), dims[1]: columns}, dims)


def new_pupils(given: Table) -> Table:
    cohort = entry_cohorts(yearly(given["births"]), given["entry_age"], SEPTEMBER)
    children = cohort.expand_dims(age=[given["entry_age"]])
    found = entrants(children, {given["entry_age"]: 1.0}, given["participation"], given["inflow"])
    return {"entrants": {str(year): value for year, value in found.to_series().items()}}


def residence(given: Table) -> Table:
    lived = xr.DataArray([float(x) for x in given["residence"]], {"residence": range(3)}, ("residence",))
    shares = [float(eligible_share(lived, years)) for years in given["required"]]
    registered, migrant = (xr.DataArray(float(given[name])) for name in ("registered", "migrant"))
    kappa = [participation_with_access(registered, migrant, 1.0, share) for share in shares]
    return {"share": shares, "entrants": [float((registered + migrant) * one) for one in kappa]}


def progression(given: Table) -> Table:
    def carried(after: float) -> float:
        coords = {"year": [2025, 2026], "grade": [3, 4]}
        children = xr.DataArray([[given["children_before"], 1.0], [1.0, after]], coords, ("year", "grade"))
        effect = xr.DataArray([np.nan, given["effect"]], {"grade": [3, 4]}, ("grade",))
        ratios = ratios_of(effect, children).isel(year=[1])
        last = xr.DataArray([float(given["below"]), 0.0], {"grade": [3, 4]}, ("grade",))
        return float(progress(last, ratios, ratios.isel(grade=[0]).fillna(0.0)).sel(grade=4, year=2026))

    return {"pupils": [carried(float(after)) for after in given["children_after"]]}


def stages(given: Table) -> Table:
    rolls = named(dict(enumerate(given["pupils"], 1)), "grade").expand_dims(year=[2025])
    return {
        name: by_stage(rolls, system).isel(year=0).to_series().to_dict() for name, system in stage_systems().items()
    }


def senior(given: Table) -> Table:
    leavers = in_years([given["leavers"]] * 2)
    found = senior_intake(leavers, given["goes_on"], in_years(given["general_share"]))
    return {name: found[name].values.tolist() for name in ("general", "vocational", "leaves")}


def flows(given: Table) -> Table:
    found = served(named(given["pupils"], "county"), matrix(given["shares"], ("origin", "destination")))
    return {"served": found.to_series().to_dict()}


def calibrate(given: Table) -> Table:
    seed = matrix(given["seed"], ("origin", "destination"))
    found = calibrate_flows(seed, named(given["pupils"], "county"), named(given["rolls"], "county"))
    return {"shares": {str(row): found.sel(origin=row).to_series().to_dict() for row in found.origin.values}}


def dwellings(given: Table) -> Table:
    curve = named(dict(enumerate(given["per_dwelling"])), "dwelling_age")
    living = dwelling_pupils(yearly(given["units"]), curve)
    return {"living_there": living.values.tolist(), "gain": net_gain(living, given["displacement"]).values.tolist()}


def classes(given: Table) -> Table:
    pupils = xr.DataArray([float(x) for x in given["pupils"]], dims="school")
    return {
        "classes": [float(classes_of_schools(pupils, limit).sum()) for limit in given["limits"]],
        "expected_at_45": float(expected_classes(pupils.sum(), 45, len(given["pupils"]))),
    }


def small_classes(given: Table) -> Table:
    found = small_class_dividend(
        xr.DataArray(float(given["pupils"])),
        xr.DataArray([float(x) for x in given["limits"]], dims="limit"),
        given["school_grades"],
        given["posts_per_class"],
        given["yuan_per_post"],
        xr.DataArray(float(given["rooms"])),
        given["yuan_per_room"],
    )
    return {name: found[name].values.tolist() for name in ("classes", "more_posts", "yuan_a_year", "yuan_once")}


def posts(given: Table) -> Table:
    pupils, number = (xr.DataArray([float(x) for x in given[name]], dims="school") for name in ("pupils", "classes"))
    by_ratio = posts_by_ratio(pupils, given["pupils_per_post"])
    by_class = posts_by_class(number, given["posts_per_class"])
    return {"posts": posts_needed(pupils, by_ratio, by_class, given["small_below"]).values.tolist()}


def teachers(given: Table) -> Table:
    staff = named({int(age): value for age, value in given["staff"].items()}, "age")
    ages = yearly(given["retirement_age"])
    recruits = xr.full_like(ages, given["recruits"])
    found = project_teachers(staff, ages.size, ages, given["quit_rate"], recruits, given["recruit_age"])
    return {"teachers": found.teachers.sum("age").values.tolist(), "retired": found.retired.values.tolist()}


def retraining(given: Table) -> Table:
    gap = named(given["gap"], "stage")
    empty = {name: {} for name in given["gap"]}
    allowed = matrix({**empty, **given["allowed"]}, ("from_stage", "to_stage"))
    allowed = allowed.reindex(from_stage=gap.stage.values, to_stage=gap.stage.values, fill_value=0.0)
    found = retrain(gap, allowed, given["yuan"])
    return {"gap": found.gap.to_series().to_dict(), "yuan": float(found.yuan)}


def special(given: Table) -> Table:
    found = special_pupils(xr.DataArray(float(given["children"])), given["prevalence"], given["shares"])
    return dict(found.to_series().to_dict())


def small_schools(given: Table) -> Table:
    names = list(given["pupils"])
    km = xr.DataArray(
        [[float(x) for x in row] for row in given["km"]], {"school": names, "other": names}, ("school", "other")
    )
    found = must_stay(named(given["pupils"], "school"), km, given["radius"], given["minimum"])
    return {"stays": [name for name in names if bool(found.stays.sel(school=name))]}


def sites(given: Table) -> Table:
    found = sites_by_threshold(in_years(given["people"]), given["per_site"], given["hysteresis"])
    return {"sites": found.values.tolist()}


def private(given: Table) -> Table:
    pupils = in_years(given["pupils"])
    public = xr.full_like(pupils, given["public"])
    found = private_places(pupils, public, xr.DataArray(float(given["private"])), given["least_filled"])
    return {"places": found.values.tolist()}


def audit(given: Table) -> Table:
    need = yearly(given["need"])
    seats = seats_by_year({int(year): float(value) for year, value in given["seats"].items()})
    assert seats.assumed.values.tolist() == [False, False, True, False]
    added = standing_places(seats, need.year.values.tolist())
    found = audit_places(need, xr.full_like(need, given["lasting"]), given["existing"], added)
    return {str(name): {str(y): v for y, v in one.to_series().items()} for name, one in found.items()}


def resources(given: Table) -> Table:
    pupils = in_years(given["pupils"])
    stock = xr.Dataset({name: xr.full_like(pupils, given[name]) for name in given["standards"]})
    ratios = resource_ratios(stock, pupils, {"key_teachers": 100, "teaching_rooms": 1})
    reached = met(ratios, given["standards"])
    return {
        **{str(name): one.values.tolist() for name, one in ratios.items()},
        "all_met": reached.all_met.values.tolist(),
    }


def attribution(given: Table) -> Table:
    base, factors = xr.DataArray(float(given["base"])), given["factors"]

    def value(taken: frozenset[str]) -> np.ndarray:
        return np.asarray(float(base) * np.prod([factors[name] for name in taken]))

    return {
        "single": step_effects(base, factors).to_series().to_dict(),
        "shapley": {name: float(part) for name, part in shapley(value, tuple(factors)).items()},
    }


def elastic(given: Table) -> Table:
    of, to = (xr.DataArray([float(x) for x in given[name]], dims="pair") for name in ("of", "to"))
    return {"elasticity": float(elasticity(of[1], to[1], (of[0], to[0])))}


METHODS: dict[str, Callable[[Table], Table]] = {
    "entrants": new_pupils,
    "residence": residence,
    "progression": progression,
    "stages": stages,
    "senior": senior,
    "flows": flows,
    "calibrate": calibrate,
    "dwellings": dwellings,
    "classes": classes,
    "small_classes": small_classes,
    "posts": posts,
    "teachers": teachers,
    "retraining": retraining,
    "special": special,
    "small_schools": small_schools,
    "sites": sites,
    "private": private,
    "audit": audit,
    "resources": resources,
    "attribution": attribution,
    "elasticity": elastic,
}


def same(found: Any, expected: Any, where: str) -> None:
    """Compares only what the case expects; numbers to 1e-9."""
    if isinstance(expected, Mapping):
        for name, value in expected.items():
            same(found[name], value, f"{where}.{name}")
    elif isinstance(expected, list) and expected and isinstance(expected[0], int | float):
        assert found == pytest.approx(expected, rel=1e-9), where
    elif isinstance(expected, int | float):
        assert float(found) == pytest.approx(expected, rel=1e-9), where
    else:
        assert found == expected, where


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_a_case_comes_out_as_by_hand(file: Path) -> None:
    text = file.read_text("utf-8")
    case = tomllib.loads(text)
    assert text.startswith("# ")  # the computation by hand
    assert set(case["name"]) == {"zh", "en"}
    same(METHODS[case["method"]](case["input"]), case["expected"], file.stem)


def test_every_method_has_a_case() -> None:
    assert {tomllib.loads(file.read_text("utf-8"))["method"] for file in CASES} == set(METHODS)
