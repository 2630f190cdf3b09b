"""Probabilities, bands and capacities are those of the trajectories."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from forecast.report.chapters.certainty import RISKS
from forecast.report.view import View
from forecast.supply.gap import capacity_for_risk
from tests.report.made import (
    MANY,
    many_run,
)


def test_probabilities_and_bands_are_those_of_the_trajectories() -> None:
    run, demand = many_run()
    view = View(run)
    supply = view.curves.table("supply", "senior_school")
    service, year = view.services.index("senior_school"), view.years.index(2033)
    for row, place in enumerate(view.places):
        one = demand[row, :, service]
        assert view.odds.chance("p_short", place, "senior_school", 2033) == pytest.approx(
            np.mean(one[year] > supply.at[place, 2033])
        )
        ever = (one[view.years.index(2024) : year + 1] > supply.loc[place, 2024:2033].to_numpy()[:, None]).any(axis=0)
        assert view.odds.chance("p_short_by", place, "senior_school", 2033) == pytest.approx(ever.mean())
        band = view.odds.band("demand_quantile", place, "senior_school", 2033)
        assert band == pytest.approx(np.quantile(one[year], [0.1, 0.9]))
        assert view.odds.band("gap_quantile", place, "senior_school", 2033) == pytest.approx(
            np.quantile(supply.at[place, 2033] - one[year], [0.1, 0.9])
        )


@pytest.mark.parametrize("risk", RISKS)
def test_capacity_for_a_risk_holds_among_the_trajectories(risk: float) -> None:
    run, demand = many_run()
    view = View(run)
    at = view.years.index(2033)
    for row, place in enumerate(view.places):
        for column, service in enumerate(view.services):
            needed = view.odds.needed(place, service, 2033, risk)
            ordered = np.sort(demand[row, at, column])
            assert np.mean(ordered > needed) <= risk + 1 / MANY
            assert np.mean(ordered >= needed) >= risk - 1 / MANY  # and no more than that asks for


def test_capacity_between_and_beyond_the_levels_kept() -> None:
    levels = xr.DataArray([[10.0, 20.0, 40.0]], dims=("area", "quantile"), coords={"quantile": [0.1, 0.5, 0.9]})
    assert capacity_for_risk(levels, 0.5).values.tolist() == [20.0]
    assert capacity_for_risk(levels, 0.3).values.tolist() == pytest.approx([30.0])
    assert capacity_for_risk(levels, 0.9).values.tolist() == [10.0]
    for risk in (0.05, 0.95, 1.5):
        with pytest.raises(ValueError, match="the levels that were kept"):
            capacity_for_risk(levels, risk)
