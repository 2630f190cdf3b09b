"""The flags of a run: sentences true to the numbers, classes by area, the command that reads them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from forecast import cli, read_region, read_scenario
from forecast.flags import SPAN, flag_table
from forecast.pipeline import Run, run_forecast


@pytest.fixture(scope="module", params=[1, 100])
def run(request: pytest.FixtureRequest) -> Run:
    region = read_region("wenzhou")
    return run_forecast(region, read_scenario("baseline"), trajectories=request.param, seed=2, now=2026)


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


def test_numbers_in_sentences_are_those_of_the_data(run: Run) -> None:
    """Reads year, amount and probability out of the English sentence and holds them against the run's own data."""
    table = flag_table(run.flags).set_index(["county", "service"])
    read = 0
    for (area, service), words in run.flags.sentences.items():
        found = re.search(r"about ([\d,]+) (?:places|beds) (short|to spare) in (\d{4})", words["en"])
        if not found:
            continue
        read += 1
        amount, side, year = float(found[1].replace(",", "")), found[2], int(found[3])
        assert 2026 <= year <= 2026 + SPAN
        if "demand_chosen" in run.data:
            paths = run.data.demand_chosen.sel(area=area, service=service, year=year)
            demand = float(np.median(paths))
        else:
            counties = list(run.region.counties.index) if area == run.region.area else [area]
            demand = float(run.data.demand.sel(county=counties, service=service, year=year).sum())
        counties = list(run.region.counties.index) if area == run.region.area else [area]
        gap = float(run.data.supply.sel(county=counties, service=service, year=year).sum()) - demand
        assert (gap > 0) == (side == "to spare")
        assert amount == pytest.approx(abs(gap), rel=0.06)  # two digits
        if share := re.search(r"probability (\d+)%", words["en"]):
            assert float(share[1]) / 100 == pytest.approx(table.loc[(area, service), "probability"], abs=0.006)
        if crest := re.search(r"peak\w* about (\d{4}) \(80% range (\d{4})–(\d{4})\)", words["en"]):
            assert int(crest[2]) <= int(crest[1]) <= int(crest[3])
            assert crest[1] in words["zh"]
        assert str(year) in words["zh"]
    assert read > 30


def test_class_probabilities_sum_to_one(run: Run) -> None:
    shares = run.flags.classes["class_probability"].sum("category", skipna=False)
    np.testing.assert_allclose(shares, 1.0)


def test_what_the_wave_is_known_to_do(run: Run) -> None:
    """Kindergartens empty everywhere, junior and senior school crest first; the stages follow each other."""
    table = flag_table(run.flags).set_index(["county", "service"])
    whole = table.loc[run.region.area]
    assert whole.loc["kindergarten", "category"] == "structural_surplus"
    assert whole.loc["junior_school", "category"] == "crest_then_surplus"
    train = run.flags.trains[run.flags.trains["county"] == run.region.area].iloc[0]
    assert train["lags"][0] == pytest.approx(6, abs=1)


def test_the_command_reads_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "wenzhou", "--set", "horizon=2045", "--trajectories", "60", "--out", str(tmp_path), "--json"]
    assert cli.main(words) == 0
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
