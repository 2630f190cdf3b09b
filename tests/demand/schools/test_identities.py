"""What must hold for any schools: pupils are conserved, classes follow limits, teachers balance, reasons add up."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.demand.flows import calibrate_flows, flow_path, served
from forecast.demand.schools.changes import (
    birth_cohorts,
    elasticity,
    step_effects,
)
from forecast.demand.schools.class_sizes import (
    class_size,
    classes_of_schools,
    expected_classes,
    large_class_share,
    places,
    places_with_spare,
    rooms_and_area,
)
from forecast.demand.schools.dwellings import dwelling_pupils, net_gain, yield_curve
from forecast.demand.schools.planned_places import audit_places, probability_below, seats_by_year, standing_places
from forecast.demand.schools.posts import post_gap, project_teachers, retrain
from forecast.demand.schools.resources import variation
from forecast.demand.schools.small_schools import (
    cost_of_keeping,
    must_stay,
    private_places,
    share_met,
    sites_by_threshold,
    villages_with_kindergarten,
)
from forecast.demand.schools.special_education import SETTINGS, special_pupils
from forecast.errors import InputRefused
from forecast.findings.read import read_rules

SEEDS = st.integers(0, 2**31)
COUNTIES = ["a", "b", "c", "d"]


def random_shares(rng: np.random.Generator) -> xr.DataArray:
    values = rng.uniform(0, 1, (4, 5)) ** 3
    values /= values.sum(1, keepdims=True)
    return xr.DataArray(values, {"origin": COUNTIES, "destination": [*COUNTIES, "city"]}, ("origin", "destination"))


def random_pupils(rng: np.random.Generator) -> xr.DataArray:
    coords = {"trajectory": [0, 1], "county": COUNTIES, "year": [2025, 2026, 2027]}
    return xr.DataArray(rng.uniform(0, 5e4, (2, 4, 3)), coords, tuple(coords))


# Flows.


@settings(max_examples=20)
@given(SEEDS)
def test_flows_conserve_pupils(seed: int) -> None:
    """Rolls by school add up to pupils by residence: the counties and the city's own schools make the city."""
    rng = np.random.default_rng(seed)
    pupils = random_pupils(rng)
    moved = served(pupils, random_shares(rng))
    assert moved.dims == ("trajectory", "county", "year")
    xr.testing.assert_allclose(moved.sum("county"), pupils.sum("county"), rtol=1e-12)


@settings(max_examples=20)
@given(SEEDS)
def test_calibrated_flows_meet_pupils_and_rolls(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pupils, true = random_pupils(rng).isel(trajectory=0, year=0, drop=True) + 1, random_shares(rng)
    rolls = served(pupils, true)
    found = calibrate_flows(random_shares(rng) + 1e-3, pupils, rolls)
    assert found.sum("destination").values == pytest.approx(1, abs=1e-12)
    xr.testing.assert_allclose(served(pupils, found), rolls, rtol=1e-6, atol=1e-6 * float(rolls.sum()))
    own = calibrate_flows(true, pupils, rolls)  # what fits already is left alone
    xr.testing.assert_allclose(own, true.rename("share"), atol=1e-6)


def test_flows_that_cannot_be_are_refused() -> None:
    rng = np.random.default_rng(0)
    pupils, shares = random_pupils(rng).isel(trajectory=0, year=0, drop=True), random_shares(rng)
    with pytest.raises(InputRefused, match="E447"):
        served(pupils, shares * 1.01)
    with pytest.raises(InputRefused, match="E448"):
        calibrate_flows(shares, pupils, served(pupils, shares) * 1.1)
    stay = xr.zeros_like(shares)
    for county in COUNTIES:
        stay.loc[{"origin": county, "destination": county}] = 1.0
    rolls = pupils.reindex(county=[*COUNTIES, "city"], fill_value=0.0).copy()
    rolls.loc[{"county": "a"}] -= 10
    rolls.loc[{"county": "city"}] += 10
    with pytest.raises(InputRefused, match="E449"):
        calibrate_flows(stay, pupils, rolls)


def test_flows_on_a_path_stay_shares() -> None:
    rng = np.random.default_rng(1)
    start, target = random_shares(rng), random_shares(rng)
    path = flow_path(start, target, range(2024, 2032), 2030)
    assert path.sum("destination").values == pytest.approx(1)
    assert path.sel(year=2024).values == pytest.approx(start.values)
    assert path.sel(year=2031).values == pytest.approx(target.values)
    pupils = random_pupils(rng)
    yearly = served(pupils, path.sel(year=[2025, 2026, 2027]))
    xr.testing.assert_allclose(yearly.sum("county"), pupils.sum("county"))


# Dwellings.


@settings(max_examples=20)
@given(SEEDS, st.floats(0, 1))
def test_the_city_gains_at_most_the_children_of_the_new_dwellings(seed: int, displacement: float) -> None:
    rng = np.random.default_rng(seed)
    coords = {"county": COUNTIES, "year": range(2025, 2040), "dwelling_type": ["flat", "rent"]}
    units = xr.DataArray(rng.uniform(0, 500, (4, 15, 2)), coords, tuple(coords))
    curve = xr.concat([yield_curve(12, 0.05, 0.3, 4, 0.2, 10), yield_curve(12, 0.1, 0.2, 2, 0.1, 8)], "dwelling_type")
    curve = curve.assign_coords(dwelling_type=["flat", "rent"])
    gain = net_gain(dwelling_pupils(units, curve), displacement)
    most = (units.cumsum("year") * curve.max("dwelling_age")).sum("dwelling_type") * (1 - displacement)
    assert bool((gain <= most + 1e-9).all())
    twice = net_gain(dwelling_pupils(2 * units, curve), displacement)
    xr.testing.assert_allclose(twice, 2 * gain)


# Classes and places.


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(20, 60), st.integers(0, 30))
def test_a_higher_limit_never_makes_more_classes_and_pupils_stay(pupils: list[int], limit: int, more: int) -> None:
    schools = xr.DataArray(np.asarray(pupils, float), dims="school")
    low, high = (classes_of_schools(schools, at) for at in (limit, limit + more))
    assert bool((high <= low).all())
    for number, at in ((low, limit), (high, limit + more)):
        size = class_size(schools, number)
        assert bool((size.fillna(0) <= at).all())
        assert float((size * number).sum()) == pytest.approx(sum(pupils))
        assert bool((places(number, at) >= schools).all())
    rough = [float(expected_classes(schools.sum(), at, len(pupils))) for at in (limit, limit + more)]
    assert rough[1] <= rough[0]
    assert float(low.sum()) <= float(schools.sum()) / limit + len(pupils)  # at most one class lost in each


def test_expected_rounding_is_right_on_average() -> None:
    pupils = xr.DataArray(np.random.default_rng(2).uniform(0, 400, 20_000), dims="school")
    assert float(expected_classes(pupils.sum(), 45, 20_000)) == pytest.approx(
        float(classes_of_schools(pupils, 45).sum()), rel=0.005
    )


def test_places_are_as_likely_enough_as_the_quantile_of_the_need_that_they_hold() -> None:
    """Halfway between two quantiles, beyond the last one, and where nobody needs so few."""
    coords = {"quantile": [0.1, 0.5, 0.9], "county": ["a"], "year": [2030, 2031, 2032], "service": ["school"]}
    need = np.array([10.0, 20.0, 40.0])[:, None, None, None] * np.ones((3, 1, 3, 1))
    level = xr.DataArray([[[15.0], [50.0], [5.0]]], {key: coords[key] for key in ("county", "year", "service")})
    odds = probability_below(level, xr.DataArray(need, coords))
    assert odds.values.ravel() == pytest.approx([0.3, 1.0, 0.0])


def test_large_classes_rooms_and_spare_places() -> None:
    sizes = xr.DataArray([30.0, 56.0, 70.0, 45.0], dims="school")
    standards = read_rules().standards
    assert float(large_class_share(sizes, standards["large_class"].dated[0][1])) == 0.5
    assert float(large_class_share(sizes, standards["over_large_class"].dated[0][1])) == 0.25
    need = rooms_and_area(xr.DataArray(20.0), xr.DataArray(900.0), 1.2, 7.9)
    assert (float(need.rooms), float(need.floor_area)) == pytest.approx((24, 7110))
    assert float(places_with_spare(xr.DataArray(1000.0), standards["spare_places"].value)) == 1050


def test_every_standard_says_whence_and_of_when() -> None:
    for name, standard in read_rules().standards.items():
        assert standard.source, name
        assert standard.kind == "path" or standard.basis == "assumed", name  # what was published has a date


# Teachers.


@settings(max_examples=20)
@given(SEEDS)
def test_teachers_balance_every_year(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ages = np.arange(22, 66)
    staff = xr.DataArray(rng.uniform(0, 50, (2, ages.size)), {"county": ["a", "b"], "age": ages}, ("county", "age"))
    years = xr.DataArray(np.linspace(60, 63, 8), {"year": range(2025, 2033)}, ("year",))
    recruits = xr.DataArray(rng.uniform(0, 60, (2, 8)), {"county": ["a", "b"], "year": years.year}, ("county", "year"))
    found = project_teachers(staff, 8, years, 0.02, recruits)
    total = found.teachers.sum("age")
    before = xr.concat([staff.sum("age").expand_dims(year=[2024]), total], "year").transpose("county", "year").values
    flows = (recruits - found.retired - found.quit).transpose("county", "year").values
    assert before[:, 1:] == pytest.approx(before[:, :-1] + flows)
    assert float(found.retired.min()) >= 0
    later = project_teachers(staff, 8, years + 1, 0.02, recruits).teachers.sum("age")
    assert bool((later >= total - 1e-9).all())  # a later retirement age never leaves fewer
    assert post_gap(total, total + 5).values == pytest.approx(-5)
    with pytest.raises(InputRefused, match="E414"):
        project_teachers(staff, 8, years, 0.02, recruits, recruit_age=20)


@settings(max_examples=20)
@given(SEEDS)
def test_retraining_moves_teachers_and_makes_none(seed: int) -> None:
    rng = np.random.default_rng(seed)
    stages = ["kindergarten", "primary", "junior"]
    gap = xr.DataArray(rng.normal(0, 100, (4, 3)), {"county": COUNTIES, "stage": stages}, ("county", "stage"))
    allowed = rng.uniform(0, 0.33, (3, 3)) * (1 - np.eye(3))
    shares = xr.DataArray(allowed, {"from_stage": stages, "to_stage": stages}, ("from_stage", "to_stage"))
    found = retrain(gap, shares, 8000.0)
    assert found.gap.sum("stage").values == pytest.approx(gap.sum("stage").values)
    assert bool((found.gap.where(gap >= 0, 0) >= -1e-9).all())  # nobody is sent who is needed
    assert bool((found.gap.where(gap < 0, 0) <= 1e-9).all())  # and nobody is sent who is not
    assert float(found.moved.min()) >= 0
    with pytest.raises(InputRefused, match="E447"):
        retrain(gap, shares + 0.5)


# Special education, small schools, thresholds.


@given(st.floats(0, 1e6), st.floats(0, 0.05))
def test_children_with_special_needs_are_in_one_setting(children: float, prevalence: float) -> None:
    found = special_pupils(
        xr.DataArray(children), prevalence, {"special_school": 0.262, "mainstream": 0.508, "home": 0.23}
    )
    assert found.setting.values.tolist() == list(SETTINGS)
    assert float(found.sum()) == pytest.approx(children * prevalence)
    with pytest.raises(InputRefused, match="E450"):
        special_pupils(xr.DataArray(1.0), 0.01, {"special_school": 0.5, "mainstream": 0.5})


@settings(max_examples=20)
@given(SEEDS, st.floats(1, 20), st.integers(0, 300))
def test_every_school_with_pupils_stays_or_has_one_near(seed: int, radius: float, minimum: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"s{i}" for i in range(12)]
    at = rng.uniform(0, 40, (12, 2))
    km = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1))
    pupils = xr.DataArray(rng.integers(0, 300, 12).astype(float), {"school": names}, ("school",))
    found = must_stay(pupils, xr.DataArray(km, {"school": names, "other": names}, ("school", "other")), radius, minimum)
    stays = found.stays.values
    for row in range(12):
        if pupils.values[row] >= max(minimum, 1):
            assert stays[row]
        elif pupils.values[row] > 0 and not stays[row]:
            assert any(stays[other] and km[row, other] <= radius for other in range(12) if other != row)
        elif pupils.values[row] == 0:
            assert not stays[row]
    extra = cost_of_keeping(pupils, found.stays, found.small, 600_000)
    assert bool((extra.where(found.small & found.stays, 1) > 0).all())


def test_small_changes_do_not_open_and_close() -> None:
    rng = np.random.default_rng(3)
    years = range(2025, 2065)
    around = xr.DataArray(30_000 + rng.uniform(-900, 900, 40), {"year": years}, ("year",))
    start = xr.DataArray(3.0)
    assert set(sites_by_threshold(around, 10_000, 0.1, start).values) == {3.0}
    assert len(set(sites_by_threshold(around, 10_000, 0.0, start).values)) == 2
    rising = xr.DataArray(np.linspace(1e4, 5e4, 40), {"year": years}, ("year",))
    assert (np.diff(sites_by_threshold(rising, 10_000, 0.1).values) >= 0).all()
    villages = xr.DataArray(
        [[4100.0, 3900], [3900.0, 3500], [9000.0, 9000]],
        {"village": list("xyz"), "year": [2025, 2026]},
        ("village", "year"),
    )
    assert villages_with_kindergarten(villages, 4000, 0.1).transpose("village", "year").values.tolist() == [
        [1, 1],
        [0, 0],
        [1, 1],
    ]
    with pytest.raises(InputRefused, match="E451"):
        sites_by_threshold(rising, 10_000, 1.5)


def test_private_places_only_go() -> None:
    rng = np.random.default_rng(4)
    pupils = xr.DataArray(rng.uniform(500, 1500, 20), {"year": range(20)}, ("year",))
    left = private_places(pupils, xr.full_like(pupils, 600), xr.DataArray(700.0), 0.5)
    assert (np.diff(left.values) <= 0).all()
    with pytest.raises(InputRefused, match="E451"):
        private_places(pupils, pupils, xr.DataArray(1.0), 0)
    kindergartens = share_met(xr.DataArray(500.0), xr.DataArray(250.0), xr.DataArray(1000.0), 0.8)
    assert (float(kindergartens.share), float(kindergartens.short)) == (0.75, 50)


# Reasons, links, audits.


def test_cohorts_born_before_the_first_year_are_known_by_their_survivors() -> None:
    people = xr.DataArray(
        np.arange(2 * 30, dtype=float).reshape(1, 2, 30), {"county": ["a"], "year": [2010, 2011], "age": range(30)},
        ("county", "year", "age"),
    )  # fmt: skip
    found = birth_cohorts(people)
    assert found.year.values.tolist() == list(range(1990, 2012))
    assert found.sel(county="a", year=[2003, 2010, 2011]).values.tolist() == [7, 0, 30]


@settings(max_examples=20)
@given(SEEDS)
def test_single_steps_and_interaction_add_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = xr.DataArray(rng.uniform(1, 1e5, 4), {"county": COUNTIES}, ("county",))
    factors = {name: rng.uniform(0.5, 1.5) for name in ("births", "participation", "flows")}
    found = step_effects(base, factors)
    assert found.sum("step").values == pytest.approx((base * np.prod(list(factors.values())) - base).values)


def test_a_tenth_more_pupils_need_a_tenth_more_posts_and_fewer_more_classes() -> None:
    pupils = random_pupils(np.random.default_rng(5))
    classes, posts = expected_classes(pupils, 45, 10), pupils / 19
    assert elasticity(posts * 1.1, pupils * 1.1, (posts, pupils)).values == pytest.approx(1)
    fewer = expected_classes(pupils * 0.9, 45, 10)
    assert float(elasticity(fewer, pupils * 0.9, (classes, pupils)).max()) < 1  # rounding keeps classes up


@settings(max_examples=20)
@given(SEEDS)
def test_places_that_stand_are_needed_short_or_empty(seed: int) -> None:
    rng = np.random.default_rng(seed)
    need = xr.DataArray(
        rng.uniform(1e5, 2e5, (2, 8)), {"trajectory": [0, 1], "year": range(2024, 2032)}, ("trajectory", "year")
    )
    seats = seats_by_year({2024: 2816.0, 2025: 2800.0, 2027: 2500.0})
    new = standing_places(seats, need.year.values.tolist())
    found = audit_places(need, need * 0.8, 140_000.0, new)
    assert (found.standing - need).values == pytest.approx((found.empty - found.short).values)
    assert float((found.empty * found.short).max()) == 0
    added = found.standing - 140_000
    parts = found.for_lasting + found.for_crest + found.idle
    assert parts.values == pytest.approx(xr.broadcast(new, parts)[0].transpose(*parts.dims).values)
    assert min(float(found[name].min()) for name in ("for_lasting", "for_crest", "idle")) >= 0
    assert float(added.max()) == pytest.approx(3 * (2816 + 2800 + 2650 + 2500))


def test_variation_between_schools() -> None:
    pupils = xr.DataArray([100.0, 300.0], dims="school")
    assert float(variation(xr.DataArray([4.0, 4.0], dims="school"), pupils)) == 0
    # mean (2 x 100 + 6 x 300) / 400 = 5; variance (9 x 100 + 1 x 300) / 400 = 3; sqrt(3) / 5
    assert float(variation(xr.DataArray([2.0, 6.0], dims="school"), pupils)) == pytest.approx(3**0.5 / 5)
