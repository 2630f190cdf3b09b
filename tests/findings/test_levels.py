"""Flags are raised in time, never silently left out, and their rules are data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from forecast.findings.levels import COLUMNS, warn
from forecast.findings.read import read_rules
from forecast.waves import CATEGORIES, classify_waves
from studies import planted

NOW, FIRST, YEARS = 2024, 2024, 16
RULES = read_rules().warning


def classes(*paths: list[float], supply: float = 100.0) -> xr.Dataset:
    """Classes of one county "0" and service "school" over as many trajectories as there are paths (W 5)."""
    demand = xr.concat([planted.labelled(np.array([path]), FIRST) for path in paths], "trajectory")
    demand = demand.expand_dims(service=["school"])
    return classify_waves(demand, xr.full_like(demand.isel(trajectory=0), supply), 5)


def short_from(year: int) -> list[float]:
    return [100.0 if FIRST + t < year else 130.0 for t in range(YEARS)]


CALM = [100.0] * YEARS


@pytest.mark.parametrize(
    ("short", "level"), [(0, None), (2, None), (3, "amber"), (5, "amber"), (6, "red"), (12, "red")]
)
def test_a_quarter_is_amber_and_half_is_red(short: int, level: str | None) -> None:
    found = warn(classes(*[short_from(2027)] * short, *[CALM] * (12 - short)), NOW, RULES)
    assert list(found.columns) == list(COLUMNS)
    assert found["level"].tolist() == ([] if level is None else [level])
    if level:
        (flag,) = found.itertuples()
        assert (flag.category, flag.answer, flag.lead_time) == ("structural_shortage", "build", 3)
        assert (flag.first_year, flag.decide_by, flag.late) == (2027, 2024, 0)
        assert flag.probability == pytest.approx(short / 12)


@pytest.mark.parametrize(("begins", "flagged"), [(2024, True), (2028, True), (2029, False), (2033, False)])
def test_only_what_begins_within_the_lead_time_and_a_year(begins: int, flagged: bool) -> None:
    assert len(warn(classes(short_from(begins)), NOW, RULES)) == flagged
    assert len(warn(classes(short_from(begins)), NOW, RULES, build_years={"school": 12})) == 1
    assert len(warn(classes(short_from(begins)), NOW, RULES, build_years={"other": 12})) == flagged


def test_every_class_has_its_answer_and_lead_time() -> None:
    rules = RULES
    assert set(rules.answers) == set(CATEGORIES) - {"balanced", "undetermined"}
    surplus = warn(classes([60.0] * YEARS), NOW, RULES).iloc[0]
    assert (surplus["category"], surplus["answer"], surplus["lead_time"]) == ("structural_surplus", "convert_out", 2)
    crest = [100.0, 130.0, 130.0] + [100.0] * (YEARS - 3)
    assert warn(classes(crest), NOW, RULES)["answer"].tolist() == ["rent"]


def test_an_answer_that_comes_too_late_says_by_how_many_years() -> None:
    found = warn(classes(short_from(2025)), NOW, RULES)
    assert found[["decide_by", "late"]].to_numpy().tolist() == [[2022, 2]]
    assert warn(classes(CALM, supply=np.nan), NOW, RULES)["late"].isna().all()


def test_it_is_never_silent_on_what_is_not_known() -> None:
    known = classes(CALM)
    assert warn(known, NOW, RULES).empty
    unknown = warn(classes(CALM, supply=np.nan), NOW, RULES)
    assert unknown["level"].tolist() == ["unknown"]
    assert unknown["category"].tolist() == [""]
    late = classes([100.0] * (YEARS - 2) + [130.0] * 2, [100.0] * (YEARS - 2) + [130.0] * 2)
    assert warn(late, NOW, RULES)["level"].tolist() == ["undetermined"]


def test_the_gravest_and_soonest_come_first() -> None:
    parts = [classes(short_from(2028)), classes(short_from(2025)), classes(CALM, supply=np.nan)]
    every = xr.concat(
        [part.assign_coords(county=[str(n)]) for n, part in enumerate(parts)],
        "county",
        data_vars="minimal",
        join="exact",
    )
    assert warn(every, NOW, RULES)["county"].tolist() == ["1", "0", "2"]


def test_a_class_that_hangs_on_the_break_even_years_says_so() -> None:
    five_years = [100.0, 130.0, 130.0, 130.0, 130.0, 130.0] + [100.0] * (YEARS - 6)
    assert warn(classes(five_years, five_years), NOW, RULES)["sure_of_window"].tolist() == [False]
    assert warn(classes(short_from(2026)), NOW, RULES)["sure_of_window"].tolist() == [True]


def test_another_share_makes_another_level() -> None:
    paths = [short_from(2026)] * 6 + [CALM] * 4
    assert warn(classes(*paths), NOW, replace(RULES, red=0.9))["level"].tolist() == ["amber"]
