"""Waves and warnings on published rolls: what was seen before it came."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast.waves import find_trains, find_waves, implied_by_births
from studies import national, warned


def test_national_rolls_crest_as_the_births_say(reference: Path) -> None:
    implied = implied_by_births(national.births(reference, "revised after the census"), national.AGES, national.MONTHS)
    implied = implied.sel(year=slice(2005, 2034))
    crests = find_waves(implied)
    crests = crests[(crests["turn"] == "crest") & ~crests["at_edge"]].set_index("service")["peak_year"]
    assert crests["primary_school"] == 2023 == national.rolls(reference, "primary").loc[2015:].idxmax()
    assert abs(crests["junior_school"] - 2026) <= 1
    assert abs(crests["senior_school"] - 2029) <= 1
    assert crests["kindergarten"] == 2017
    (train,) = find_trains(implied, implied, national.AGES).itertuples()
    assert train.services == tuple(national.AGES)
    assert train.implied_lags == (6.0, 3.0, 3.0)
    assert (train.born_first, train.born_last) == (2011, 2014)


def test_the_fall_of_kindergartens_is_seen_from_2018(reference: Path) -> None:
    published = national.rolls(reference, "preschool")
    assert published.idxmax() == 2020
    seen = national.seen_from(2018, reference)
    (crest,) = find_waves(seen).query("turn == 'crest' and not at_edge").itertuples()
    assert crest.probability >= 0.9
    assert crest.peak_year_low <= 2020 <= crest.peak_year_high
    fall = (seen.sel(year=2024) < 0.95 * seen.sel(year=2020)).mean()
    assert fall >= 0.9
    assert published[2024] < 0.95 * published[2020]


def test_the_surplus_of_kindergartens_was_red_in_2020_and_nothing_before(reference: Path) -> None:
    """Published 2020 to 2023: from 4,818 to 4,093; before that no year leaves the roll of the origin by 5 %."""
    found = [case for case in warned.china(reference) if case.stage == "kindergarten" and case.kind == "spare"]
    assert {case.origin: case.share >= 0.5 for case in found} == {case.origin: case.origin == 2020 for case in found}
    assert {case.origin: case.came for case in found}[2020] == 3
    assert len(found) >= 4


@pytest.mark.slow
def test_warnings_are_better_than_chance_where_the_next_cohorts_are_counted(reference: Path) -> None:
    found = [case for case in warned.cases(warned.sweden(reference)) if case.origin % 4 == 0]
    for kind in ("short", "spare"):
        own = warned.judged([case for case in found if case.kind == kind], level=0.5)
        assert own["events"] >= 30
        assert own["hit_rate"] >= own["false_alarm_rate"] + 0.5
        assert own["mean_lead"] >= 1.5


@pytest.mark.slow
def test_warnings_of_shortage_are_better_than_chance_on_real_rolls(reference: Path) -> None:
    """Better than crying at random: hits among events well above alarms among the others."""
    found = [case for case in warned.cases(warned.new_zealand(reference)) if case.origin % 2 == 0]
    for kind in ("short", "spare"):
        own = warned.judged([case for case in found if case.kind == kind], level=0.5)
        assert own["events"] >= 15
        assert own["hit_rate"] >= own["false_alarm_rate"] + 0.3
        assert own["mean_lead"] >= 1.5


def test_the_projection_behind_the_warnings_moves_grades_up() -> None:
    past = pd.DataFrame([[10.0, 20, 30]] * 5, index=range(2000, 2005))
    past = past.mul(np.arange(1, 6), axis=0)
    paths = warned.project(past, np.random.default_rng(0))
    assert paths.shape == (warned.TRAJECTORIES, warned.AHEAD, 3)
    assert paths[:, 0, 1].max() == pytest.approx(50 * 20 / 10 * 2)  # twice the ratio of a year in which rolls doubled
