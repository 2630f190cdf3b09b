"""Weights by age are the methods themselves, and uncertain parameters move demand as the methods say."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.basics.dims import AGES
from forecast.demand import demand_factors, demand_weights, estimate_demand, read_models, with_overrides
from forecast.errors import InputRefused

YEARS = np.arange(2024, 2044)


def people(seed: int) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    coords = {"county": ["a", "b"], "year": YEARS, "sex": ["female", "male"], "age": list(AGES)}
    shape = tuple(len(labels) for labels in coords.values())
    return xr.Dataset(
        {"population": (tuple(coords), rng.uniform(0, 1000, shape))}, coords, {"jump_off_year": int(YEARS[0])}
    )


def test_weights_say_what_the_methods_say() -> None:
    models, found = read_models(), people(1)
    weights = demand_weights(models, {}, ["a", "b"], YEARS)
    expected = estimate_demand(found, models)
    both = found.population.sum("sex")
    for name in ("demand", "demand_norm"):
        weighed = (weights[name] * both).sum("age", skipna=False).transpose(*expected[name].dims)
        np.testing.assert_allclose(weighed, expected[name], rtol=1e-12)


@pytest.mark.parametrize(
    ("service", "parameter", "shifted"),
    [
        ("primary_school", "ratio", lambda value, walk: value * np.exp(walk)),
        ("nursery", "take_up", lambda value, walk: 1 / (1 + (1 - value) / value * np.exp(-walk))),
        ("care_beds", "institution_share", lambda value, walk: 1 / (1 + (1 - value) / value * np.exp(-walk))),
        ("hospital_beds", "length_of_stay", lambda value, walk: value * np.exp(walk)),
    ],
)
def test_a_factor_is_the_method_run_with_another_parameter(service: str, parameter: str, shifted) -> None:  # type: ignore[no-untyped-def]
    """One trajectory's parameter put into the model by hand gives demand x factor."""
    model = read_models()[service]
    alone = {service: model.model_copy(update={"uncertainty": {parameter: model.uncertainty[parameter]}})}
    factor = demand_factors(alone, YEARS, "330300", 5, range(3, 4)).values[0, :, 0]
    last = factor[-1]
    before = model.parameters[parameter].at([int(YEARS[-1])])[0]
    share = model.uncertainty[parameter].unit.startswith("standard deviation of the logit")
    walk = np.log(last * (1 - before) / (1 - last * before)) if share else np.log(last)
    value = float(shifted(before, walk))
    changed = with_overrides({service: model}, {service: {f"parameters.{parameter}": value}})
    last_year = people(2).isel(year=[-1])
    ratio = estimate_demand(last_year, changed).demand / estimate_demand(last_year, {service: model}).demand
    np.testing.assert_allclose(ratio, last, rtol=1e-9)


def test_spread_grows_as_stated() -> None:
    models = {"primary_school": read_models()["primary_school"]}
    stated = models["primary_school"].uncertainty["ratio"].value
    factor = np.log(demand_factors(models, YEARS, "330300", 5, range(20_000)).values[0])
    np.testing.assert_allclose(factor.std(axis=1), stated * np.sqrt(np.arange(1, 21) / 10), rtol=0.03)
    np.testing.assert_allclose(np.median(factor, axis=1), 0, atol=0.002)


@pytest.mark.parametrize(
    ("override", "code"),
    [
        ({"uncertainty.ratio": -1.0}, "E409"),
        ({"uncertainty.ratio": [[2020, 0.1], [2030, 0.2]]}, "E405"),
    ],
)
def test_a_spread_that_makes_no_sense_is_refused(override: dict[str, object], code: str) -> None:
    with pytest.raises(InputRefused) as refused:
        with_overrides(read_models(), {"primary_school": override})
    assert code in {issue.code for issue in refused.value.issues}
