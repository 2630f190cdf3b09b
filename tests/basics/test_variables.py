"""Every variable of a run is declared once, in both languages; nothing is declared that nobody makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import xarray as xr

import forecast
from forecast import read_region, read_scenario, run_forecast
from forecast.basics.catalogue import LANGUAGES
from forecast.basics.units import UNITS
from forecast.basics.variables import BY_SERVICE, KINDS, Variable, attributes, label, tables
from studies.frozen import with_grades
from studies.variables import PAGES, page

IN_A_RUN = ("projection", "past", "demand", "sensitivity", "supply", "gap", "split", "odds")
"""Tables whose variables a run saves; where two declare a name, the run's is of the first that has its long name."""


def every() -> Iterator[tuple[str, Variable]]:
    return ((key, variable) for key, table in tables().items() for variable in table.variables.values())


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> list[xr.Dataset]:
    """Cubes of a region that counts grades, with one trajectory and with several."""
    region = read_region(str(with_grades(tmp_path_factory.mktemp("region") / "graded")))
    scenario = read_scenario("baseline", {"horizon": 2035})
    return [run_forecast(region, scenario, trajectories, 1, now=2026).cube for trajectories in (1, 4)]


def test_every_variable_of_a_run_is_declared(cubes: list[xr.Dataset]) -> None:
    declared = [variable for key, variable in every() if key in IN_A_RUN]
    for name, variable in ((str(name), one) for cube in cubes for name, one in cube.data_vars.items()):
        own = [one for one in declared if one.saved == name and like(one, variable)]
        assert own, f"{name} {variable.dims} {variable.attrs}"
    assert "correlation" in cubes[1]


def like(declared: Variable, variable: xr.DataArray) -> bool:
    """The attributes of a variable are the declared ones, and its dimensions some of those, in their order."""
    words = re.escape(declared.long_name["en"]).replace(r"\{level:g\}", r"[\d.]+")
    unit = UNITS if declared.units == BY_SERVICE else {declared.units}
    return (
        re.fullmatch(words, variable.attrs["long_name"]) is not None
        and variable.attrs["units"] in unit
        and variable.attrs["kind"] == declared.kind
        and bool(variable.attrs["source"])
        and [dim for dim in declared.dims if dim in variable.dims] == list(variable.dims)
    )


def test_declarations_are_whole() -> None:
    for key, variable in every():
        assert variable.units in UNITS, (key, variable.name)
        assert variable.kind in KINDS, (key, variable.name)
        for texts in (variable.long_name, variable.about, tables()[key].name):
            assert set(texts) == set(LANGUAGES), (key, variable.name)
            assert all(text.strip() for text in texts.values()), (key, variable.name)
        assert placeholders(variable.long_name["zh"]) == placeholders(variable.long_name["en"]), variable.name


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{[^}]*\}", text))


def test_nothing_is_declared_that_nobody_makes() -> None:
    """Labelled by its own name, or with the other variables of its table where the name is made."""
    files = [path for path in Path(forecast.__file__).parent.rglob("*.py") if path.name != "variables.py"]
    code = {path: path.read_text("utf-8") for path in files}
    for key, variable in every():
        name = re.escape(variable.name)
        makes = re.compile(rf"[\"']{name}[\"']|\b{name}[:=] ?|\.{name}\b")
        together = re.compile(rf"\"{key}\"|f\"{key}\.\{{")
        alone = f'"{key}.{variable.name}"'
        assert any(alone in text for text in code.values()) or (
            any(together.search(text) for text in code.values()) and any(makes.search(text) for text in code.values())
        ), f"{key}.{variable.name}"


def test_a_label_is_the_declaration() -> None:
    people = xr.DataArray([1.0], dims="year")
    said = label(people, "projection.births", timing="end").attrs
    assert said == attributes("projection.births", timing="end")
    assert list(said) == ["long_name", "units", "kind", "source"]
    assert people.attrs == {}
    assert label(people, "gap.gap", units="beds", demand="demand").attrs["units"] == "beds"
    both = label(xr.Dataset({"supply": people, "planned": people}), "supply", units="beds")
    assert both.planned.attrs["units"] == "beds"


def test_what_is_not_declared_is_not_labelled() -> None:
    people = xr.DataArray([1.0], dims="year")
    with pytest.raises(KeyError):
        label(people, "projection.weather")
    with pytest.raises(ValueError, match="is in 'births', not 'beds'"):
        label(people, "projection.births", units="beds", timing="end")
    with pytest.raises(ValueError, match="no source"):
        label(people, "rates.asfr")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_reference_pages_are_up_to_date(lang: str) -> None:
    assert PAGES[lang].read_text("utf-8") == page(lang), "run python -m studies.variables"
