"""From a region's folder to the cube: every kind of supply with its numbers, and without those that it forbids."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from forecast import read_region, read_scenario, run_forecast
from forecast.basics.folders import folder
from forecast.run.run import Run
from forecast.supply.claims import claims

CITY, SHORT, SPARE = "330300", "330302", "330303"
BY_YEAR = (
    "gap_of_area",
    "missing_of_area",
    "idle_of_area",
    "p_short",
    "p_spare",
    "p_short_by",
    "short_expected",
    "idle_expected",
)
"""Variables that the kinds which allow only the need must not have."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Wenzhou with each kind: primary places recorded in every county, one short 10,000 in 2028 and one with 12,000 to
    spare; junior places of the city from rolls; senior places of the city on record; kindergartens on record in all
    counties but one; nursery places by a ratio in every county; a project alone for care beds; nothing of hospitals."""
    home = tmp_path_factory.mktemp("region") / "wenzhou"
    shutil.copytree(folder("data") / "wenzhou", home)
    scenario = read_scenario("baseline", {"horizon": 2032})
    need = run_forecast(read_region("wenzhou"), scenario).data.demand.sel(year=2028)
    counties = need.county.values.tolist()
    more = {SHORT: -10_000, SPARE: 12_000}
    lines = [f"{CITY},2022,junior_school,291600,places,rolls", f"{CITY},2022,senior_school,232500,places,recorded"]
    for county in counties:
        pupils, toddlers = (float(need.sel(county=county, service=name)) for name in ("primary_school", "nursery"))
        lines.append(f"{county},2024,primary_school,{pupils + more.get(county, 0)},places,recorded")
        lines.append(f"{county},2024,nursery,{toddlers},places,ratio")
        lines += [f"{county},2024,kindergarten,{pupils},places,recorded"] if county != SPARE else []
    (home / "supply.csv").write_text("county,year,service,capacity,unit,kind\n" + "\n".join(lines) + "\n", "utf-8")
    projects = f"county,year,service,capacity,unit,name\n{SHORT},2026,care_beds,300,beds,one\n"
    (home / "projects.csv").write_text(projects, "utf-8")
    sources = home / "sources.csv"
    kept = [line for line in sources.read_text("utf-8").splitlines() if not line.startswith(("supply,", "projects,"))]
    made = ["supply,,made up,,assumed,none,", "projects,,made up,,assumed,none,"]
    sources.write_text("\n".join([*kept, *made]) + "\n", "utf-8")
    return run_forecast(read_region(home), scenario, trajectories=40, seed=1, now=2026)


def kind_of(run: Run, place: str) -> dict[str, str]:
    kinds = run.data.supply_kind.sel(area=place)
    return dict(zip(kinds.service.values.tolist(), kinds.values.tolist(), strict=True))


def test_every_kind_arrives(run: Run) -> None:
    assert kind_of(run, CITY) == {
        "nursery": "ratio", "kindergarten": "none", "primary_school": "recorded", "junior_school": "rolls",
        "senior_school": "recorded", "care_beds": "planned", "hospital_beds": "none",
    }  # fmt: skip
    assert kind_of(run, SPARE) == {
        "nursery": "ratio", "kindergarten": "none", "primary_school": "recorded", "junior_school": "split",
        "senior_school": "split", "care_beds": "none", "hospital_beds": "none",
    }  # fmt: skip
    assert set(np.unique(run.data.supply_kind.values.astype(str))) == set(claims())


def test_no_number_stands_where_the_kind_forbids_it_and_one_where_it_does_not(run: Run) -> None:
    data = run.data.sel(year=slice(2026, None))
    words = data.supply_kind.to_series().map(lambda kind: claims()[kind].words).to_xarray().sel(area=data.area)
    for name in BY_YEAR:
        known, unknown = data[name].notnull().all("year"), data[name].isnull().all("year")
        assert bool((known == (words != "need")).all()), name
        assert bool((unknown == (words == "need")).all()), name
    with_norm = data.demand_norm_quantile.notnull().any(["year", "quantile"])
    met = data.p_norm_met.notnull().all("year")
    assert bool((met == ((words == "gap") & with_norm)).all())
    for name in ("gap", "load"):
        here = data[name].notnull().any("year").rename(county="area")
        assert bool((here == (words.sel(area=here.area) != "need")).all()), name


def test_ten_thousand_missing_beside_twelve_thousand_idle(run: Run) -> None:
    at = {"area": CITY, "service": "primary_school", "year": 2028}
    here = run.data.sel(at)
    assert float(here.missing_of_area) == pytest.approx(10_000, abs=2)
    assert float(here.idle_of_area) == pytest.approx(12_000, abs=2)
    assert float(here.gap_of_area) == pytest.approx(2_000, abs=4)
    assert bool(run.data.parts_known.sel(area=CITY, service="primary_school"))
    assert float(here.short_expected) > 10_000
    assert float(here.idle_expected) > 12_000
    assert float(here.idle_expected - here.short_expected) == pytest.approx(
        float(here.supply_of_area - here.demand_mean), rel=1e-4, abs=5
    )
    short = run.data.p_short.sel(area=SHORT, service="primary_school", year=2028)
    assert float(short) > 0.9
    assert np.isnan(float(run.data.p_short_by.sel(area=CITY, service="primary_school", year=2025)))


def test_one_county_unknown_is_never_a_balance(run: Run) -> None:
    here = run.data.sel(area=CITY, service="kindergarten")
    assert all(bool(here[name].isnull().all()) for name in (*BY_YEAR, "supply_of_area", "gap_quantile", "p_norm_met"))
    own = run.data.sel(area=SHORT, service="kindergarten", year=slice(2024, None))
    assert bool(own.gap_of_area.notnull().all())


def test_of_the_split_services_only_rules_are_told(run: Run) -> None:
    split = run.data.gap_if_split.notnull().any(["rule", "county", "year"]).to_series()
    assert split[split].index.tolist() == ["junior_school", "senior_school"]
    junior = run.data.gap_if_split.sel(service="junior_school", year=2028)
    assert bool((junior.max("rule") > junior.min("rule")).all())
    whole = float(run.data.gap_of_area.sel(area=CITY, service="junior_school", year=2028))
    np.testing.assert_allclose(junior.sum("county"), whole, rtol=1e-9)
    assert bool(run.data.gap.sel(service="junior_school").isnull().all())
