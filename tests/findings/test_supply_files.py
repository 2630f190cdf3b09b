"""Supply files of Wenzhou: made-up recorded places of every county and service, of which it is known beforehand which
way they turn class, warning and words. From file to file each county and service moves on to the next case."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from forecast import read_region, read_scenario, run_forecast
from forecast.basics.folders import folder
from forecast.run.run import Run
from forecast.waves.classes import CATEGORIES

NOW, LAST = 2026, 2050

Places = Callable[[int, float, float], float]

STANDS: dict[str, Places] = {
    "structural_shortage": lambda year, need, ahead: 0.6 * need,
    "structural_surplus": lambda year, need, ahead: 1.6 * ahead,
    "transient_crest": lambda year, need, ahead: need * (0.6 if year in (2027, 2028) else 1),
    "crest_then_surplus": lambda year, need, ahead: (
        1.6 * ahead if year >= 2029 else STANDS["transient_crest"](year, need, ahead)
    ),
    "balanced": lambda year, need, ahead: need,
    "undetermined": lambda year, need, ahead: need * (0.6 if year >= LAST - 1 else 1),
}
"""Class -> places by year, the need of that year, and the most that is needed from it on. Two years are shorter than any
service's break-even years; what begins two years before the horizon may last or not. A trough is a fall of need that
comes back: Wenzhou's need has none of itself, so it has a test of its own."""

LEVEL = dict.fromkeys(STANDS, "red") | {"balanced": "", "undetermined": "undetermined"}
"""On one path a class is certain: red where it begins before its answer could take effect."""

SHORT = {"zh": re.compile("短缺约"), "en": re.compile(r"bout [\d,]+ (?:places|beds) short\b")}
SPARE = {"zh": re.compile("富余约"), "en": re.compile(r"bout [\d,]+ (?:places|beds) to spare")}
VERBS = {
    "structural_shortage": (True, False),
    "structural_surplus": (False, True),
    "transient_crest": (True, False),
    "crest_then_surplus": (True, True),
    "balanced": (False, False),
}
"""Class -> whether its sentence names a shortage, a surplus."""

ANSWER = {
    "structural_shortage": {"build", "convert_in", "share"},
    "structural_surplus": {"convert_out", "close"},
    "transient_crest": {"rent", "share"},
    "crest_then_surplus": {"rent", "share", "convert_out"},
    "undetermined": {""},
}


@pytest.fixture(scope="session")
def need() -> xr.DataArray:
    """(county, year, service)"""
    return run_forecast(read_region("wenzhou"), read_scenario("baseline"), now=NOW).data.demand


def wanted(need: xr.DataArray, file: int) -> dict[tuple[str, str], str]:
    """Class of every county and service in one of the six files."""
    cases, services = list(STANDS), need.service.values.tolist()
    return {
        (county, service): cases[(row + column + file) % len(cases)]
        for row, county in enumerate(need.county.values.tolist())
        for column, service in enumerate(services)
    }


def run_of(need: xr.DataArray, file: int, home: Path) -> Run:
    """Wenzhou's folder with these places: what stands in 2024, and what opens or closes in every later year."""
    shutil.copytree(folder("data") / "wenzhou", home)
    supply, projects = [], []
    for (county, service), case in wanted(need, file).items():
        unit = "beds" if service.endswith("beds") else "places"
        own = need.sel(county=county, service=service)
        needed = {year: float(own.sel(year=year)) for year in range(2024, LAST + 1)}
        ahead = {year: max(needed[later] for later in range(year, LAST + 1)) for year in needed}
        held = [round(STANDS[case](year, needed[year], ahead[year])) for year in needed]
        supply.append(f"{county},2024,{service},{held[0]},{unit},recorded")
        for year, before, after in zip(range(2025, LAST + 1), held, held[1:], strict=False):
            if after != before:
                projects.append(f"{county},{year},{service},{after - before},{unit},made up")
    write_tables(home, supply, projects)
    return run_forecast(read_region(home), read_scenario("baseline"), now=NOW)


def write_tables(home: Path, supply: list[str], projects: list[str]) -> None:
    """These lines in place of the folder's own supply and projects; no file where there are none."""
    heads = {"supply": "county,year,service,capacity,unit,kind", "projects": "county,year,service,capacity,unit,name"}
    for table, lines in (("supply", supply), ("projects", projects)):
        (home / f"{table}.csv").unlink()
        if lines:
            (home / f"{table}.csv").write_text("\n".join([heads[table], *lines]) + "\n", "utf-8")
    sources = home / "sources.csv"
    kept = [line for line in sources.read_text("utf-8").splitlines() if not line.startswith(("supply,", "projects,"))]
    made = [f"{table},,made up,,assumed,none," for table in heads if (home / f"{table}.csv").exists()]
    sources.write_text("\n".join([*kept, *made]) + "\n", "utf-8")


def turned_wrongly(run: Run, cases: dict[tuple[str, str], str]) -> list[str]:
    """Every class, warning, answer or verb that is not the one the places call for."""
    wrong = []
    flags = run.flags
    likeliest = flags.classes.likeliest.sel(shift=0)
    for (county, service), case in cases.items():
        found = str(likeliest.sel(county=county, service=service).item())
        if found != case:
            wrong.append(f"{county} {service}: class {found}, not {case}")
            continue
        own = flags.warnings.query("county == @county and service == @service")
        level = "" if own.empty else own["level"].iloc[0]
        if level != LEVEL[case]:
            wrong.append(f"{county} {service}: {case} is {level or 'not raised'}")
        if not set(own["answer"]) <= ANSWER.get(case, set()):
            wrong.append(f"{county} {service}: {case} is answered by {sorted(own['answer'])}")
        for lang in ("zh", "en"):
            said = flags.sentences[county, service][lang]
            verbs = bool(SHORT[lang].search(said)), bool(SPARE[lang].search(said))
            if case in VERBS and verbs != VERBS[case]:
                wrong.append(f"{county} {service} {case}: {said}")
    return wrong


@pytest.mark.parametrize("file", [0, *(pytest.param(file, marks=pytest.mark.slow) for file in range(1, 6))])
def test_each_supply_turns_class_warning_and_words(file: int, need: xr.DataArray, tmp_path: Path) -> None:
    cases = wanted(need, file)
    assert set(cases.values()) == set(CATEGORIES) - {"transient_trough"}
    assert turned_wrongly(run_of(need, file, tmp_path / "wenzhou"), cases) == []


def test_a_fall_of_need_that_comes_back_is_a_trough(tmp_path: Path) -> None:
    """Of what Wenzhou needs only nursery places can fall for some years: where fewer families ask for them meanwhile."""
    asked = {"models": {"nursery": {"parameters.take_up": [[2026, 0.2], [2028, 0.1], [2030, 0.2], [2050, 0.2]]}}}
    scenario = read_scenario("baseline", asked)
    need = run_forecast(read_region("wenzhou"), scenario, now=NOW).data.demand
    home = tmp_path / "wenzhou"
    shutil.copytree(folder("data") / "wenzhou", home)
    rows = [
        f"{county},2024,nursery,{round(float(need.sel(county=county, service='nursery', year=NOW)))},places,recorded"
        for county in need.county.values.tolist()
    ]
    write_tables(home, rows, [])
    flags = run_forecast(read_region(home), scenario, now=NOW).flags
    classes = flags.classes.likeliest.sel(shift=0, service="nursery").to_series()
    troughs = classes[classes == "transient_trough"].index.tolist()
    assert len(troughs) >= 6, classes  # where need also grows or falls for good, that is what counts
    for county in troughs:
        (warned,) = flags.warnings.query("county == @county and service == 'nursery'").itertuples()
        assert (warned.level, warned.category, warned.answer) == ("red", "transient_trough", "mothball")
        said = flags.sentences[county, "nursery"]
        assert "阶段性低谷" in said.zh
        assert "a passing trough" in said.en
        for lang in ("zh", "en"):
            assert SPARE[lang].search(said[lang]), said
            assert not SHORT[lang].search(said[lang]), said
