"""Demand models and methods: files load, faults are told, and every method gives what one works out by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from forecast.basics.areas import Areas
from forecast.basics.catalogue import catalogue
from forecast.basics.folders import folder
from forecast.basics.school_date import SEPTEMBER
from forecast.basics.units import UNITS
from forecast.demand import (
    NOT_A_COHORT,
    estimate_demand,
    participation_ratios,
    read_models,
    september_population,
    with_overrides,
)
from forecast.demand.methods.linear import METHODS
from forecast.demand.read import check_model
from forecast.errors import CannotReadWrite, InputRefused

MODELS = read_models()
SERVICES = [
    "nursery",
    "kindergarten",
    "primary_school",
    "junior_school",
    "senior_school",
    "care_beds",
    "hospital_beds",
]


@dataclass
class StandIn:
    """A region of two counties of one city, as far as demand looks at it."""

    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    area: str = "9900"
    services: dict[str, Any] = field(default_factory=dict)
    jump_off_year: int = 2023
    known: dict[str, Any] = field(default_factory=dict)
    counties: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame({"parent": ["9900", "9900"]}, index=pd.Index(["01", "02"], name="county"))
    )

    @property
    def areas(self) -> Areas:
        return Areas(self.area, {self.area: list(self.counties.index)})

    def has(self, name: str) -> bool:
        return name in self.tables

    def table(self, name: str) -> pd.DataFrame:
        return self.tables[name]


def sources(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Lines of sources.csv: table, filter, source, basis."""
    table = pd.DataFrame(rows, columns=["table", "filter", "source", "basis"])
    return table.assign(locator="", verification="", note="")


def enrolment(*rows: tuple[str, int, str, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["county", "year", "stage", "value"])
    return table.assign(grade="all", unit="pupils", row=range(2, len(rows) + 2))


def people(
    years: range = range(2018, 2031),
    counties: tuple[str, ...] = ("01", "02"),
    each: float = 100.0,
    jump_off_year: int = 2023,
) -> xr.Dataset:
    """The same number of persons at every age, sex and year; county 02 has three times as many."""
    shape = {"county": list(counties), "year": list(years), "sex": ["female", "male"], "age": list(range(101))}
    data = np.full([len(labels) for labels in shape.values()], each)
    population = xr.DataArray(data, dims=tuple(shape), coords=shape)
    population = population * xr.DataArray(
        [1.0, 3.0][: len(counties)], dims="county", coords={"county": list(counties)}
    )
    return xr.Dataset({"population": population}, attrs={"jump_off_year": jump_off_year})


def at(found: xr.Dataset, variable: str, county: str = "01", year: int = 2025) -> float:
    return float(found[variable].sel(county=county, year=year).squeeze())


# --- the files -------------------------------------------------------------------------------------------------------


def test_models_come_in_the_order_of_the_chain() -> None:
    assert list(MODELS) == SERVICES


@pytest.mark.parametrize("file", sorted(folder("models").glob("*.toml")), ids=lambda file: file.stem)
def test_every_file_loads_and_every_number_has_unit_source_and_basis(file: Path) -> None:
    (model,) = read_models(file).values()
    assert model.unit in UNITS
    assert model.method in METHODS
    for name, quantity in model.quantities().items():
        assert quantity.unit, name
        assert quantity.source.strip(), name
        assert quantity.basis in ("published", "derived", "assumed"), name
        if quantity.basis == "assumed":
            assert quantity.note or quantity.source != "", name


def test_a_loaded_model_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        MODELS["nursery"].order = 9


# --- the date shift ----------------------------------------------------------------------------------------------


@given(st.floats(0, 1e6), st.integers(1, 12))
def test_constant_births_give_the_same_number_at_every_age(births: float, month: int) -> None:
    shifted = september_population(people(range(2020, 2022), each=births)["population"], month)
    assert shifted.sel(county="01").values == pytest.approx(births, abs=1e-6)


def test_a_third_of_the_older_and_two_thirds_of_the_same_age_are_counted() -> None:
    one = people(range(2025, 2026))["population"]
    one = one.where(one["age"] != 7, 400.0)
    aged_6 = september_population(one, SEPTEMBER).sel(county="01", sex="male", age=6, year=2025)
    assert float(aged_6) == pytest.approx(400 / 3 + 100 * 2 / 3)
    born_from_january = september_population(one, 1).sel(county="01", sex="male", age=6, year=2025)
    assert float(born_from_january) == 400


# --- a case worked by hand for each method ----------------------------------------------------------------------


def test_participation_by_hand() -> None:
    """600 each sex aged 6-11 = 1,200 children; ratio 1.009; classes of 45; a post for 19 pupils."""
    found = estimate_demand(people(), MODELS["primary_school"])
    assert at(found, "pupils") == pytest.approx(1200 * 1.009)
    assert at(found, "demand") == at(found, "pupils")
    assert at(found, "demand_norm") == pytest.approx(1200)
    assert at(found, "classes") == pytest.approx(1200 * 1.009 / 45)
    assert at(found, "posts") == pytest.approx(1200 * 1.009 / 19)
    assert found["demand"].attrs["units"] == "places"


def test_take_up_by_hand() -> None:
    """600 children under 3; 6 % in 2021, half-way on the logit scale in 2028; 4.5 places per 1,000 of 20,200."""
    found = estimate_demand(people(), MODELS["nursery"])
    assert at(found, "users", year=2021) == pytest.approx(600 * 0.06)
    assert at(found, "demand", year=2021) == pytest.approx(600 * 0.06 / 0.85)
    odds = np.sqrt(0.06 / 0.94 * 0.30 / 0.70)
    assert at(found, "users", year=2028) == pytest.approx(600 * odds / (1 + odds))
    assert at(found, "demand_norm") == pytest.approx(20_200 * 4.5 / 1000)


def test_prevalence_by_hand() -> None:
    """Both sexes: 1,000 in each five-year group, 4,200 aged 80-100; 3 in 10 live in a home; 85 in 100 beds used."""
    found = estimate_demand(people(), MODELS["care_beds"])
    unable = 1000 * (0.0072 + 0.0104 + 0.0254 + 0.0601) + 4200 * 0.1333
    assert at(found, "users") == pytest.approx(unable * 0.3)
    assert at(found, "demand") == pytest.approx(unable * 0.3 / 0.85)
    assert at(found, "demand_norm") == pytest.approx(8200 * 40 / 1000)


def test_bed_days_by_hand() -> None:
    """Both sexes: 200 at each age; 8.8 days a stay, 365 days a year, 85 in 100 beds used; no confirmed norm."""
    found = estimate_demand(people(), MODELS["hospital_beds"])
    stays = 200 * (5 * 0.266 + 10 * 0.089 + 30 * 0.16 + 15 * 0.222 + 10 * 0.319 + 10 * 0.446 + 21 * 0.51)
    assert at(found, "bed_days") == pytest.approx(stays * 8.8)
    assert at(found, "demand") == pytest.approx(stays * 8.8 / 365 / 0.85)
    assert np.isnan(at(found, "demand_norm"))


def test_the_assumed_admission_rates_reproduce_the_national_total() -> None:
    """21.4 admissions per 100 residents on the national age structure of 2023 (millions, WPP 2024)."""
    rates = MODELS["hospital_beds"].parameters["admission_rate"].value
    million = {"0-4": 58.04, "5-14": 177.96, "15-44": 572.55, "45-59": 335.66}
    million |= {"60-69": 151.06, "70-79": 92.39, "80+": 34.91}
    admissions = sum(rates[group] * persons for group, persons in million.items())
    assert admissions / sum(million.values()) == pytest.approx(0.214, abs=0.0005)


# --- all services together ---------------------------------------------------------------------------------------


def test_services_stand_beside_each_other_with_their_units() -> None:
    found = estimate_demand(people(), MODELS)
    assert list(found["service"].values) == SERVICES
    assert found["demand"].dims == ("county", "year", "service")
    assert list(found["unit"].values) == ["places"] * 5 + ["beds"] * 2
    assert found["pupils"].sel(service="care_beds").isnull().all()
    for name, variable in found.data_vars.items():
        assert {"long_name", "units", "kind", "source"} <= set(variable.attrs), name


def test_until_when_all_are_born() -> None:
    """Born by the end of 2023: the youngest of a nursery until 2023, of kindergarten 2026, primary school 2029."""
    born = estimate_demand(people(), MODELS)["born_until"]
    assert list(born.values) == [2023, 2026, 2029, 2035, 2038, NOT_A_COHORT, NOT_A_COHORT]


def test_the_last_known_year_is_the_regions_or_told_by_the_people_or_asked_for() -> None:
    model, since = MODELS["primary_school"], 6
    told = people(jump_off_year=2021)
    assert int(estimate_demand(told, model)["born_until"].item()) == 2021 + since
    assert int(estimate_demand(told, model, StandIn(jump_off_year=2023))["born_until"].item()) == 2023 + since  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="jump_off_year"):
        estimate_demand(told.drop_attrs(), model)


def test_a_leading_trajectory_is_kept_and_changes_nothing_else() -> None:
    one = people()
    two = one.assign(population=xr.concat([one["population"], 2 * one["population"]], dim="trajectory"))
    single, double = estimate_demand(one, MODELS), estimate_demand(two, MODELS)
    assert double["demand"].dims == ("trajectory", "county", "year", "service")
    xr.testing.assert_allclose(double["demand"].isel(trajectory=0), single["demand"])
    xr.testing.assert_allclose(double["demand"].isel(trajectory=1), 2 * single["demand"])


def test_missing_years_and_ages_are_named() -> None:
    gap = people().drop_sel(year=2022)
    with pytest.raises(InputRefused, match="2022"):
        estimate_demand(gap, MODELS["nursery"])
    young = people().sel(age=slice(0, 9))
    with pytest.raises(InputRefused, match="10-13"):
        estimate_demand(young, MODELS["primary_school"])
    with pytest.raises(InputRefused, match="10-100"):
        estimate_demand(young, MODELS["hospital_beds"])


# --- the ratio that the region knows ------------------------------------------------------------------------------


SOURCES = sources(("enrolment", "", "communique", "published"))


def region_with_rolls() -> StandIn:
    rolls = enrolment(
        ("9900", 2021, "primary", 4800.0),
        ("9900", 2022, "primary", 5280.0),
        ("9900", 2022, "senior_general", 1000.0),
        ("9900", 2022, "senior_vocational", 920.0),
    )
    return StandIn({"enrolment": rolls, "sources": SOURCES})


def test_every_counted_year_has_its_own_ratio_and_says_of_which_year_it_is() -> None:
    """Both counties have 1,200 + 3,600 children aged 6-11, so 4,800 pupils make 1.0 and 5,280 make 1.1; and 1,920 of
    2,400 seniors 0.8."""
    found = estimate_demand(people(), MODELS, region_with_rolls())
    primary = found.sel(service="primary_school", county="02")
    expected = {2018: 1.0, 2021: 1.0, 2022: 1.1, 2023: 1.1, 2030: 1.1}
    assert primary["ratio"].sel(year=list(expected)).values == pytest.approx(list(expected.values()))
    assert primary["ratio_year"].sel(year=list(expected)).values.tolist() == [2021, 2021, 2022, 2022, 2022]
    assert primary["demand"].sel(year=2030) == pytest.approx(3600 * 1.1)
    assert primary["ratio_origin"].item() == "region"
    assert primary["ratio_source"].item() == "communique"
    assert primary["ratio_model"].values == pytest.approx(1.009)
    senior = found["ratio"].sel(service="senior_school")
    assert senior.values == pytest.approx(0.8)
    junior = found.sel(service="junior_school")
    assert junior["ratio_origin"].item() == "model"
    assert junior["ratio_year"].isnull().all()
    assert found["demand_basis"].sel(service=["nursery", "primary_school"]).values.tolist() == ["assumed", "assumed"]


def test_senior_schools_may_be_counted_as_one() -> None:
    """1,920 pupils of 2,400 children; general and vocational by the model's share."""
    whole = StandIn({"enrolment": enrolment(("9900", 2022, "senior", 1920.0)), "sources": SOURCES})
    found = estimate_demand(people(), MODELS["senior_school"], whole)
    assert found["ratio"].values == pytest.approx(0.8)
    assert found["ratio_origin"].item() == "region"
    assert found["ratio_source"].item() == "communique"
    general = found["part_pupils"].sel(part="senior_general", year=2022).sum("county")
    assert float(general) == pytest.approx(1920 * 0.67)


def test_counties_that_count_more_than_their_area_are_told() -> None:
    rolls = enrolment(("9900", 2022, "primary", 5280.0), ("01", 2022, "primary", 9999.0))
    with pytest.raises(InputRefused, match="9,999") as refused:
        participation_ratios(people(), MODELS, StandIn({"enrolment": rolls, "sources": SOURCES}))
    assert {issue.code for issue in refused.value.issues} == {"E458"}


def test_the_basis_is_that_of_the_weakest_number() -> None:
    """Once the entry-age rule has a source, nothing assumed is left in a school with rolls of its own."""
    rule = {"value": 9, "unit": "month", "source": "provincial rule", "basis": "published"}
    models = with_overrides(MODELS, {"primary_school": {"parameters.cutoff_month": rule}})
    found = estimate_demand(people(), models, region_with_rolls())
    assert found["demand_basis"].sel(service="primary_school").item() == "derived"


def test_counties_that_all_have_rolls_make_the_area() -> None:
    rolls = enrolment(("01", 2022, "primary", 1200.0), ("02", 2022, "primary", 3120.0))
    region = StandIn({"enrolment": rolls, "sources": sources(("enrolment", "", "schools", "published"))})
    found = estimate_demand(people(), MODELS["primary_school"], region)
    in_2022 = found["demand"].sel(year=2022)
    assert in_2022.values.ravel().tolist() == pytest.approx([1200, 3120])
    assert found["demand"].sum("county").values == pytest.approx(4320)
    assert found["ratio_source"].item() == "schools"


def test_a_part_of_the_region_uses_the_ratios_of_the_whole() -> None:
    region, whole = region_with_rolls(), people()
    ratios = participation_ratios(whole, MODELS, region)
    part = whole.sel(county=["02"])
    found = estimate_demand(part, MODELS, region, ratios)
    expected = estimate_demand(whole, MODELS, region).sel(county=["02"])
    xr.testing.assert_allclose(found["demand"], expected["demand"])
    with pytest.raises(InputRefused, match="01"):
        estimate_demand(part, MODELS, region)


def test_a_value_of_ones_own_goes_before_the_observed_ratio() -> None:
    own = with_overrides(MODELS, {"primary_school": {"parameters.ratio": 1.2}})
    found = estimate_demand(people(), own, region_with_rolls()).sel(service="primary_school")
    assert found["ratio"].values == pytest.approx(1.2)
    assert found["ratio_origin"].item() == "override"
    assert found["ratio_model"].values == pytest.approx(1.009)


# --- faults of files and overrides --------------------------------------------------------------------------------

GOOD = (folder("models") / "primary_school.toml").read_text("utf-8")


def refused(folder_: Path, text: str, name: str = "primary_school.toml") -> list[Any]:
    (folder_ / name).write_text(text, "utf-8")
    with pytest.raises(InputRefused) as caught:
        read_models(folder_)
    for issue in caught.value.issues:
        assert issue.text("zh") != issue.text("en")
    return list(caught.value.issues)


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ('method = "participation"', 'method = "partecipation"', "E406", "participation"),
        ('unit = "places"', 'unit = "seats"', "E407", "seats"),
        ("[parameters.ratio]", "[parameters.ration]", "E403", "ratio"),
        ('unit = "pupils per class"', 'unit = "%"', "E407", "pupils per class"),
        ('basis = "published"', 'basis = "guessed"', "E405", "guessed"),
        ('domain = "education"', "", "E404", "domain"),
        ("value = [[2020, 1.009]]", "value = [[2020, 100.9]]", "E409", "100.9"),
        ("value = [[2020, 1.009]]", 'value = "many"', "E405", "many"),
        ("value = [6, 11]", "value = [11, 6]", "E405", "[11, 6]"),
        ("value = [[2011, 45]]", "value = [6, 11]", "E405", "6, 11"),
        ("lead_time", "lead_tme", "E403", "lead_time"),
        ('id = "primary_school"', 'id = "primary"', "E410", "primary_school"),
        ("order = 3", "order = 3\nordr = 4", "E403", "order"),
        ("order = 3", "order = = 3", "E402", "TOML"),
        ('source = "2021年', 'sauce = "2021年', "E404", "source"),
        ('zh = "小学学位", ', "", "E405", "zh"),
        ('stage = "primary"', 'stage = "primry"', "E403", "primary"),
        ('building = "school"', 'building = "schol"', "E403", "school"),
        ('use = "enrolment"', 'use = "enrollment"', "E403", "enrolment"),
        ('domain = "education"', 'domain = "eduction"', "E405", "education"),
        ("[service]", "[serviced]", "E404", "order, name, domain, unit"),
    ],
)
def test_faults_are_told_with_their_place(tmp_path: Path, old: str, new: str, code: str, said: str) -> None:
    assert old in GOOD
    issues = refused(tmp_path, GOOD.replace(old, new))
    assert code in [issue.code for issue in issues]
    assert said in " ".join(issue.text("en") for issue in issues)
    assert all(issue.file == "primary_school.toml" for issue in issues)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=5), inside, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from(sorted(MODELS)), st.data(), JUNK)
def test_junk_in_the_place_of_any_entry_is_refused_or_read_but_never_breaks(name: str, data: Any, junk: Any) -> None:
    raw = MODELS[name].model_dump(exclude_none=True)
    node: Any = raw
    while True:
        key = data.draw(st.sampled_from(sorted(node)))
        if not isinstance(node[key], dict) or not node[key] or data.draw(st.booleans()):
            node[key] = junk
            break
        node = node[key]
    model, issues = check_model(raw, "junk.toml")
    assert (model is None) == bool(issues)
    for issue in issues:
        assert issue.text("zh")
        assert issue.text("en")


def test_all_faults_of_all_files_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(
        GOOD.replace('"participation"', '"x"').replace('"primary_school"', '"other"', 1)
    )
    issues = refused(tmp_path, GOOD.replace('unit = "places"', 'unit = "seats"').replace("order = 3", 'order = "a"'))
    assert {issue.code for issue in issues} >= {"E405", "E406", "E407"}
    assert {issue.file for issue in issues} == {"other.toml", "primary_school.toml"}


def test_no_two_models_stand_at_one_place(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(GOOD.replace('id = "primary_school"', 'id = "other"'), "utf-8")
    assert [issue.code for issue in refused(tmp_path, GOOD)] == ["E415", "E415"]


@pytest.mark.parametrize(("value", "fine"), [(40, True), (45, True), (50, False)])
def test_a_local_standard_may_be_stricter_never_looser(tmp_path: Path, value: float, fine: bool) -> None:
    rest = 'unit = "pupils per class"\nsource = "s"\nbasis = "published"\n'
    city = f"\n[standards.class_size.city]\nvalue = {value}\n{rest}"
    if fine:
        (tmp_path / "primary_school.toml").write_text(GOOD + city, "utf-8")
        standard = read_models(tmp_path)["primary_school"].standard("class_size")
        assert standard is not None
        assert standard.value == value
    else:
        (issue,) = refused(tmp_path, GOOD + city)
        assert (issue.code, issue.values["level"]) == ("E408", "standards.class_size.national")


def test_a_table_covers_the_ages_of_the_service(tmp_path: Path) -> None:
    text = (folder("models") / "care_beds.toml").read_text("utf-8").replace('"75-79" = 0.0601, ', "")
    (issue,) = refused(tmp_path, text, "care_beds.toml")
    assert issue.code == "E413"
    assert "75, 76, 77, 78, 79" in issue.text("en")


def test_a_folder_without_models_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CannotReadWrite):
        read_models(tmp_path)
    with pytest.raises(CannotReadWrite):
        read_models(tmp_path / "nowhere.toml")


def test_overrides_keep_what_they_replace_and_leave_the_given_models_alone() -> None:
    own = with_overrides(
        MODELS,
        {
            "nursery": {"parameters.take_up": [[2021, 0.06], [2030, 0.4]], "view": "norm"},
            "care_beds": {"parameters.prevalence.80+": 0.2},
            "primary_school": {"standards.class_size.city": {"value": 40, "source": "市标准", "basis": "published"}},
        },
    )
    take_up = own["nursery"].parameters["take_up"]
    assert (take_up.at([2030]), take_up.basis, own["nursery"].view) == ([0.4], "assumed", "norm")
    assert take_up.replaces == MODELS["nursery"].parameters["take_up"]
    assert own["care_beds"].parameters["prevalence"].by_age()[79:81] == [0.0601, 0.2]
    size = own["primary_school"].standard("class_size")
    assert size is not None
    assert (size.value, size.source, size.basis) == (40, "市标准", "published")
    assert MODELS["nursery"].view == "behaviour"
    assert list(own) == SERVICES
    again = with_overrides(own, {"nursery": {"parameters.take_up": 0.1}})
    assert again["nursery"].parameters["take_up"].replaces == take_up.replaces


def test_overrides_that_lead_nowhere_are_all_told() -> None:
    with pytest.raises(InputRefused) as caught:
        with_overrides(
            MODELS,
            {
                "nurseries": {"parameters.take_up": 0.2},
                "nursery": {"parameters.takeup": 0.2, "parameters.occupancy": 85},
                "care_beds": {"parameters.prevalence.90+": 0.2},
            },
        )
    issues = caught.value.issues
    assert [issue.code for issue in issues] == ["E411", "E412", "E409", "E412"]
    assert issues[0].values["nearest"] == "nursery"
    assert issues[1].values["nearest"] == "take_up"


def test_every_code_of_the_catalogue_is_used() -> None:
    code = "".join(path.read_text("utf-8") for path in Path(folder("models").parent, "forecast").rglob("*.py"))
    ours = [key for key in catalogue() if key.startswith("E4")]
    assert ours
    assert [key for key in ours if f'"{key}"' not in code] == []
