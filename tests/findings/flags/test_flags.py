"""The flags of a run: sentences true to the numbers, classes by area, the command that reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast import cli, read_region, read_scenario
from forecast.basics.areas import with_areas
from forecast.basics.text import chance
from forecast.errors import say
from forecast.findings.flags import ELDERS, MIGRATION, SPAN, flag_table
from forecast.pipeline import run_forecast
from forecast.run.run import Run
from forecast.waves import classify_waves
from forecast.waves.tipping import HALVINGS, STEPS
from tests.findings.recorded import recorded


@pytest.fixture(scope="module", params=[1, 100])
def run(request: pytest.FixtureRequest) -> Run:
    return run_forecast(recorded(), read_scenario("baseline"), trajectories=request.param, seed=2, now=2026)


def test_every_area_and_service_has_a_sentence(run: Run) -> None:
    areas = [*run.region.counties.index, run.region.area]
    assert set(run.flags.sentences) == {(area, service) for area in areas for service in run.models}
    for (area, service), words in run.flags.sentences.items():
        place = run.region.name if area == run.region.area else run.region.counties.loc[area]
        assert (place["zh"] if area == run.region.area else place["name_zh"]) in words["zh"]
        assert run.models[service].name["zh"] in words["zh"]
        assert run.models[service].name["en"] in words["en"]
        assert "None" not in words["en"] + words["zh"]
        assert not re.search(r"\bnan\b", words["en"] + words["zh"])


SAID = {
    "zh": {
        "gap": r"(?:到)?(\d{4})年(短缺|富余)约([\d.]+)(万?)[个张]",
        "class": r"(?:属|可能为)(\w+)（概率(?:超过|不到)?(\d+)%）",
        "crest": r"在(\d{4})年(?:前后)?见顶（80%区间(\d{4})—(\d{4})年）",
        "decide": r"(\d{4})年(?:内?作出决定|内?决定是否启动)",
        "driver": r"主要因(\w+)（占(\d+)%）",
    },
    "en": {
        "gap": r"[Aa]bout ([\d,]+) (?:places|beds) (short|to spare) in (\d{4})",
        "class": r"(?:; |: |possibly )([\w ,]+) \(probability (?:over |under )?(\d+)%\)",
        "crest": r"[Pp]eak\w* about (\d{4}) \(80% range (\d{4})–(\d{4})\)",
        "decide": r"decide (?:whether to act )?(?:by|within) (\d{4})",
        "driver": r"mainly because of ([\w ]+) \((\d+)% of the change\)",
    },
}
"""How a planner reads the numbers of a sentence in each language."""


def gaps_said(text: str, lang: str) -> list[tuple[int, float, float]]:
    """(year, gap with its sign, half a unit of its last digit)."""
    found = []
    for match in re.finditer(SAID[lang]["gap"], text):
        if lang == "zh":
            year, side, digits, ten_thousands = match.groups()
            size = float(digits) * (1e4 if ten_thousands else 1)
        else:
            digits, side, year = match.groups()
            size = float(digits.replace(",", ""))
        sign = -1 if side in ("短缺", "short") else 1
        found.append((int(year), sign * size, 0.05 * size + 0.5))
    return found


def gap_of(run: Run, area: str, service: str, year: int) -> float:
    """Supply less demand of the scenario, from the run's data and not from its flags."""
    counties = list(run.region.counties.index) if area == run.region.area else [area]
    own = run.data.sel(service=service, year=year)
    return float((own.supply - own.demand).sel(county=counties).sum())


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_numbers_in_sentences_are_those_of_the_data(run: Run, lang: str) -> None:
    """Reads years, amounts, probabilities and shares out of every sentence and holds them against the run's own data."""
    table, read = flag_table(run.flags).set_index(["county", "service"]), dict.fromkeys(SAID[lang], 0)
    crests = run.flags.crests
    for (area, service), words in run.flags.sentences.items():
        text, facts = words[lang], run.flags.facts[area, service]
        for year, gap, slack in gaps_said(text, lang):
            read["gap"] += 1
            assert 2026 <= year <= 2026 + SPAN
            assert gap == pytest.approx(gap_of(run, area, service, year), abs=slack), text
        for match in re.finditer(SAID[lang]["class"], text):
            read["class"] += 1
            assert match[1].lower().removeprefix("possibly ") == say(
                f"waves.class_gap.{table.loc[(area, service), 'category']}", lang
            )
            held = table.loc[(area, service), "probability"]
            assert f"{match[2]}%" in chance(held, 100)["en"], text
            assert ("可能为" in text or "ossibly" in text) == (held < 0.5)
        for match in re.finditer(SAID[lang]["crest"], text):
            read["crest"] += 1
            peak, low, high = map(int, match.groups())
            assert low <= peak <= high <= low + 10
            (own,) = crests[(crests["county"] == area) & (crests["service"] == service)].itertuples()
            assert (own.year, own.low, own.high) == (peak, low, high), text
        for match in re.finditer(SAID[lang]["decide"], text):
            read["decide"] += 1
            due = run.flags.warnings.query("county == @area and service == @service")["decide_by"]
            assert int(match[1]) > 2026  # a date that has passed is said once for all
            assert int(match[1]) in set(due.dropna().astype(int)), text
        for match in re.finditer(SAID[lang]["driver"], text):
            read["driver"] += 1
            share = max(facts.drivers.values(), key=abs) / sum(facts.drivers.values())
            assert float(match[2]) / 100 == pytest.approx(min(share, 0.99), abs=0.0051)
    many = run.manifest["trajectories"] > 1
    least = {"gap": 60, "class": 60 if many else 0, "crest": 10 if many else 0, "decide": 0, "driver": 30}
    assert all(read[kind] >= count for kind, count in least.items()), read


def test_sentences_do_not_contradict_themselves(run: Run) -> None:
    """No peak where demand later stands higher; a class and the gap that names it have one side."""
    for (area, service), words in run.flags.sentences.items():
        facts, text = run.flags.facts[area, service], words["zh"]
        named = gaps_said(text, "zh")
        said = text.partition("以上判断")[0]  # what follows says what else it could be
        if "长期短缺（概率" in said or "属长期短缺，" in said:
            assert all(gap < 0 for _, gap, _ in named), text
        if "属长期富余" in said or "属先峰后余" in said:
            assert all(gap > 0 for year, gap, _ in named[-1:]), text
        if "见顶" in text:
            counties = list(run.region.counties.index) if area == run.region.area else [area]
            demand = run.data.demand.sel(service=service, county=counties).sum("county").sel(year=slice(None, 2050))
            later = demand.sel(year=slice(facts.peak_year + 1, None))
            higher = later.year[later > 1.02 * demand.sel(year=facts.peak_year)].values.tolist()
            assert facts.peak_again == (min(higher) if higher else None), text
            assert (f"{facts.peak_again}年起再度超过" in text) == bool(higher)
        assert not re.search(r"见顶.*属长期短缺", said) or facts.peak_year >= 2026


SAID_OF_LEVELS = {
    "zh": (r"若年(净流入|出生)比基准(多|少)([\d.]+)(万?)人，则转为(\w+)。", r"上述判断都不变。$"),
    "en": (r"With (net migration|births) ([\d,]+) persons? a year (above|below) the baseline it would be ([\w ,]+)\.", r"change this\.$"),
}  # fmt: skip


def levels_said(text: str, lang: str) -> tuple[str, float, str] | None:
    """Driver, persons a year off the baseline, class."""
    match = re.search(SAID_OF_LEVELS[lang][0], text)
    if match is None:
        return None
    if lang == "zh":
        driver, way, digits, ten_thousands, kind = match.groups()
        size = float(digits) * (1e4 if ten_thousands else 1)
    else:
        driver, digits, way, kind = match.groups()
        size = float(digits.replace(",", ""))
    name = "migration" if driver in ("净流入", "net migration") else "births"
    return name, size if way in ("多", "above") else -size, kind


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_sentence_says_at_which_level_the_class_turns_or_that_none_does(run: Run, lang: str) -> None:
    table = flag_table(run.flags).set_index(["county", "service"])
    said = 0
    for place, words in run.flags.sentences.items():
        row, told = table.loc[place], levels_said(words[lang], lang)
        assert (row["tips_to"] == "") == (told is None)
        if told is None:
            assert row["category"] in ("undetermined", "") or re.search(SAID_OF_LEVELS[lang][1], words[lang])
            continue
        driver, persons, kind = told
        said += 1
        assert (driver, kind.lower()) == (row["tips_by"], say(f"waves.class_gap.{row['tips_to']}", lang).lower())
        assert 0 <= (abs(persons) - abs(row["tips_at"])) / abs(row["tips_at"]) <= max(0.1, 1 / abs(row["tips_at"]))
        assert np.sign(persons) == np.sign(row["tips_at"])
    assert said > 15


def test_at_the_level_the_class_is_the_other_one(run: Run) -> None:
    """All levels of migration at once: every place's demand as it is there, and as it is a little nearer the baseline."""
    tips = {place: tip for place, tip in run.flags.tipping.items() if tip is not None and tip.driver == "migration"}
    demand, supply = run.flags.demand, run.flags.supply
    history = with_areas(run.data.demand, run.region.areas).sel(year=slice(None, run.region.jump_off_year))
    counties = list(run.region.counties.index)
    slope = (run.data.demand_high - run.data.demand_low).sel(year=demand.year) / 2
    slope = xr.concat([slope, slope.sum("county").expand_dims(county=[run.region.area])], "county")
    base = run.flags.classes["likeliest"].sel(shift=0)
    step = (MIGRATION[1] - MIGRATION[0]) / STEPS / 2**HALVINGS
    for nearer in (0.0, step):
        level = xr.zeros_like(slope.isel(year=0, drop=True))
        for (county, service), tip in tips.items():
            level.loc[{"county": county, "service": service}] = tip.level - nearer * np.sign(tip.level)
        moved = (demand + level * slope).transpose(*demand.dims)
        windows = {str(s): int(w) for s, w in run.flags.classes["window"].to_series().items()}
        classes = classify_waves(moved, supply, windows, history)["likeliest"].sel(shift=0)
        for (county, service), tip in tips.items():
            place = {"county": county, "service": service}
            own, was = str(classes.sel(place).item()), str(base.sel(place).item())
            assert own in ((was, "undetermined") if nearer else (tip.category,)), (place, tip)
    assert len(tips) > 10
    assert {county for county, _ in tips} & set(counties)


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["migration", "births"])
def test_a_run_with_that_migration_or_fertility_has_the_other_class(driver: str) -> None:
    """The whole method again a little below and above the level, for a level of the whole city and one of a county."""
    region = recorded()
    run = run_forecast(region, read_scenario("baseline"), now=2026)
    tips = {place: tip for place, tip in run.flags.tipping.items() if tip is not None and tip.driver == driver}
    chosen = [min(tips, key=lambda place: abs(abs(tips[place].level) - share)) for share in (0.2, 1.0)]
    key = "migration.level" if driver == "migration" else "fertility.level"
    for place in set(chosen):
        seen = []
        for share in (0.97, 1.03):
            level = [[2024, 1 + share * tips[place].level]]
            again = run_forecast(region, read_scenario("baseline", {key: level}), now=2026)
            likeliest = again.flags.classes["likeliest"].sel(county=place[0], service=place[1], shift=0)
            seen.append(str(likeliest.item()))
        base = str(run.flags.classes["likeliest"].sel(county=place[0], service=place[1], shift=0).item())
        assert seen[1] == tips[place].category
        assert seen[0] in (base, "undetermined")


def test_class_probabilities_sum_to_one(run: Run) -> None:
    shares = run.flags.classes["class_probability"].sum("category", skipna=False)
    np.testing.assert_allclose(shares, 1.0)


def test_what_the_wave_is_known_to_do(run: Run) -> None:
    """Kindergartens empty, and junior schools after a crest that lies within the tolerance. The stages follow each
    other."""
    table = flag_table(run.flags).set_index(["county", "service"])
    whole = table.loc[run.region.area]
    assert whole.loc["kindergarten", "category"] == "structural_surplus"
    assert whole.loc["junior_school", "category"] == "structural_surplus"
    train = run.flags.trains[run.flags.trains["county"] == run.region.area].iloc[0]
    assert train["lags"][-1] == pytest.approx(3, abs=1)  # junior and senior school


def test_the_wave_of_the_old_is_a_train_too() -> None:
    """Far enough ahead those of 60, 75 and 80 and over crest one after the other, in the years of their own maxima."""
    run = run_forecast(read_region("wenzhou"), read_scenario("baseline", {"horizon": 2085}), now=2026)
    old = run.flags.trains[run.flags.trains["kind"] == "ageing"].set_index("county").loc[run.region.area]
    people = run.data.population.sum(["sex", "county"])
    peaks = [int(people.sel(age=slice(first, 100)).sum("age").idxmax("year")) for first, _ in ELDERS.values()]
    assert old["services"] == tuple(ELDERS)
    assert list(old["peak_years"]) == peaks
    assert np.isnan(old["probability"])  # the scenario alone was looked at


@pytest.mark.parametrize("trajectories", ["1", "60"])
def test_the_command_reads_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], trajectories: str) -> None:
    words = ["run", "wenzhou", "--set", "horizon=2045", "--trajectories", trajectories, "--out", str(tmp_path)]
    assert cli.main([*words, "--json"]) == 0
    folder = json.loads(capsys.readouterr().out)["folder"]
    assert cli.main(["waves", folder, "--lang", "zh"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("温州市") == 7
    assert cli.main(["waves", folder, "--counties", "--lang", "en"]) == 0
    assert "Cangnan" in capsys.readouterr().out
    assert cli.main(["waves", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {row["service"] for row in found["flags"]} >= {"kindergarten", "care_beds"}
    assert all(row["level"] in ("red", "amber", "undetermined", "unknown") for row in found["warnings"])
    assert cli.main(["waves", str(tmp_path)]) == 74
