"""Residents and registered people from one projection by group: nobody is counted twice, and demand says whom it counts."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.demand import DemandModel, estimate_demand, read_models
from forecast.errors import InputRefused
from forecast.population import check_balance, project_population, registered, resident
from tests.population.projection.test_gross_migration import with_groups

NAMES = ["local", "migrant", "absent"]
PERSONS = {"local": 100.0, "migrant": 30.0, "absent": 7.0}


def projection() -> xr.Dataset:
    """Three groups projected together; the third is the second of another draw, under its own name."""
    two = with_groups(3)
    third = with_groups(4).sel(group=["migrant"]).assign_coords(group=["absent"])
    rates = xr.concat(
        [two.drop_dims(["from_group", "to_group"]), third.drop_dims(["from_group", "to_group"])], "group", join="outer"
    )
    moves = two.transition_rate.reindex(from_group=NAMES, to_group=NAMES, fill_value=0.0)
    share = xr.DataArray(np.eye(3), dims=("from_group", "to_group"), coords={"from_group": NAMES, "to_group": NAMES})
    rates = rates.assign(transition_rate=moves, newborn_share=share).assign_attrs(two.attrs)
    return project_population(
        rates, flows=("births", "deaths", "net_migration", "in_migration", "out_migration", "clipped")
    )


def people(groups: list[str]) -> xr.Dataset:
    """So many persons of each group at every age, sex and year in two counties."""
    shape = {
        "county": ["01", "02"],
        "group": groups,
        "year": range(2020, 2031),
        "sex": ["female", "male"],
        "age": range(101),
    }
    each = xr.DataArray([PERSONS[group] for group in groups], dims="group", coords={"group": groups})
    ones = xr.DataArray(np.ones([len(x) for x in shape.values()]), dims=tuple(shape), coords=shape)
    return xr.Dataset({"population": ones * each}, attrs={"jump_off_year": 2023})


def model(population: str, name: str = "kindergarten") -> DemandModel:
    return read_models()[name].model_copy(update={"population": population})


def test_sums_are_of_the_right_groups_and_balance() -> None:
    found = projection()
    people_of = {name: found.population.sel(group=name, drop=True) for name in NAMES}
    here, listed = resident(found), registered(found)
    xr.testing.assert_allclose(here.population, people_of["local"] + people_of["migrant"])
    xr.testing.assert_allclose(listed.population, people_of["local"] + people_of["absent"])
    together = here.population + listed.population - people_of["local"]
    xr.testing.assert_allclose(together, found.population.sum("group"))  # everyone once
    for one in (here, listed):
        check_balance(one)
        assert "group" not in one.dims
    assert here.attrs["population_concept"] == "resident"
    assert here.population.attrs == found.population.attrs
    assert here.attrs["jump_off_year"] == found.attrs["jump_off_year"]


def test_flows_that_hold_changes_of_group_are_not_summed() -> None:
    found = projection()
    assert "out_migration" in found
    assert not {"in_migration", "out_migration"} & set(resident(found))


def test_a_lacking_group_is_named_in_both_languages() -> None:
    with pytest.raises(InputRefused) as error:
        registered(people(["local", "migrant"]))
    (issue,) = error.value.issues
    assert issue.code == "E652"
    assert all("absent" in issue.text(lang) for lang in ("zh", "en"))
    with pytest.raises(InputRefused) as error:
        resident(people(["absent"]))
    assert error.value.issues[0].values["missing"] == "local, migrant"
    without = people(["local"]).sel(group="local", drop=True)
    with pytest.raises(InputRefused, match="E652"):
        registered(without)
    assert resident(without) is without


@pytest.mark.parametrize(("concept", "persons"), [("resident", 130.0), ("registered", 107.0)])
@pytest.mark.parametrize("name", ["kindergarten", "nursery", "care_beds", "hospital_beds"])
def test_demand_counts_the_people_of_its_model(concept: str, persons: float, name: str) -> None:
    found = estimate_demand(people(NAMES), model(concept, name))
    one = estimate_demand(people(["local"]).sum("group", keep_attrs=True), model("resident", name))
    np.testing.assert_allclose(found.demand, one.demand * persons / 100.0)
    assert found.denominator.item() == concept


def test_one_call_may_count_both_and_each_person_once() -> None:
    models = {
        "kindergarten": model("resident"),
        "care_beds": model("registered", "care_beds"),
    }
    found = estimate_demand(people(NAMES), models)
    assert found.denominator.values.tolist() == ["resident", "registered"]
    for name, one in models.items():
        alone = estimate_demand(people(NAMES), one).demand.sel(service=name, drop=True)
        np.testing.assert_array_equal(found.demand.sel(service=name), alone)


def test_without_groups_residents_stand_in_and_the_result_says_so() -> None:
    without = people(["local"]).sel(group="local", drop=True)
    found = estimate_demand(without, model("registered"))
    np.testing.assert_allclose(found.demand, estimate_demand(without, model("resident")).demand)
    assert found.denominator.item() == "resident for registered"


def test_groups_of_another_kind_are_refused() -> None:
    nations = people(["local"]).assign_coords(group=["national"])
    with pytest.raises(InputRefused, match="E651"):
        estimate_demand(nations, model("resident"))
