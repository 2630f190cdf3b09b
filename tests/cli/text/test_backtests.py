"""`forecast backtest` on a region that counts its people every year: tables in, scores out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from forecast import cli, read_region
from forecast.cli.text.backtests import score_lines, score_table
from forecast.population.past.counted import counted_history

YEARS = range(2000, 2013)
COUNTIES = {"01": 40_000, "02": 9_000, "03": 3_000}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three counties counted every year by sex and age, with births; people age with a little noise and growth."""
    rng = np.random.default_rng(3)
    rows, births = [], []
    for county, size in COUNTIES.items():
        ages = np.arange(101)
        people = size / 80 * np.exp(-((ages / 82.0) ** 7))
        both = np.stack([people, people * 0.98])
        for year in YEARS:
            for sex, own in zip(("female", "male"), both, strict=True):
                rows += [(county, year, sex, f"{age}" if age < 100 else "100+", round(n)) for age, n in enumerate(own)]
            born = size / 80 * np.exp(rng.normal(0, 0.03)) * 1.01 ** (year - 2000)
            births += [(county, year, "female", round(born)), (county, year, "male", round(born * 1.05))]
            older = (
                both[:, :-1]
                * np.exp(-((ages[1:] / 82.0) ** 7) + (ages[:-1] / 82.0) ** 7)
                * rng.normal(1, 0.003, (2, 100))
            )
            both = np.concatenate([np.array([[born], [born * 1.05]]), older], axis=1)
    region = tmp_path / "land"
    region.mkdir()
    columns = ["county", "year", "sex", "age_group", "persons"]
    pd.DataFrame(rows, columns=columns).to_csv(region / "population.csv", index=False)
    pd.DataFrame(births, columns=["county", "year", "sex", "persons"]).to_csv(region / "births.csv", index=False)
    names = {"county": list(COUNTIES), "name_zh": ["甲", "乙", "丙"], "name_en": ["A", "B", "C"], "parent": "L"}
    pd.DataFrame(names).to_csv(region / "counties.csv", index=False)
    source = {"filter": "", "source": "made for a test", "locator": "", "basis": "assumed", "note": ""}
    tables = [{"table": name} | source for name in ("counties", "population", "births")]
    pd.DataFrame(tables).to_csv(region / "sources.csv", index=False)
    head = 'id = "land"\nname = { zh = "某地", en = "Land" }\narea = "L"\njump_off_year = 2012\n'
    head += 'pattern = "china_wpp2024"\n[areas]\nL = { zh = "某地", en = "Land" }\n'
    (region / "region.toml").write_text(head, "utf-8")
    return region


def test_counts_are_taken_as_they_are(folder: Path) -> None:
    found = counted_history(read_region(folder))
    assert found is not None
    assert found.year.values.tolist() == list(YEARS)
    table = pd.read_csv(folder / "population.csv", dtype={"county": str})
    own = table.query("county == '02' and year == 2005 and sex == 'male' and age_group == '30'")["persons"]
    assert float(found.population.sel(county="02", year=2005, sex="male", age=30)) == float(own.iloc[0])
    assert float(found.population.sum()) == table["persons"].sum()
    assert set(found.births.dims) == {"county", "year", "sex"}


def test_censuses_are_no_yearly_counts() -> None:
    assert counted_history(read_region("wenzhou")) is None


def test_the_command_scores_the_past(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["backtest", str(folder), "--origins", "2006,2008", "--horizon", "4"]
    assert cli.main([*words, "--lang", "zh", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "提前 4 年" in printed
    assert "总人口" in printed
    scores = pd.read_csv(next((tmp_path / "out").glob("*/scores.csv")), encoding="utf-8-sig")
    assert set(scores["lead"]) == {1, 2, 3, 4}
    assert (scores["cases"] == 6).all()  # two origins, three counties
    assert cli.main([*words, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["scores"]
    assert rows[0]["median_ape"] == pytest.approx(scores["median_ape"].iloc[0])
    assert cli.main(["backtest", str(folder), "--origins", "1990", "--horizon", "4"]) == 3
    assert "2001" in capsys.readouterr().err
    assert cli.main(["backtest", str(folder), "--origins", "x"]) == 2


def test_the_best_rival_is_the_one_with_the_smallest_error() -> None:
    import xarray as xr

    coords = {"approach": ["forecast", "linear", "constant"], "lead": [1], "age_group": ["total"]}
    error = xr.DataArray([[[0.02]], [[0.03]], [[0.01]]], dims=tuple(coords), coords=coords)
    alone = error.isel(approach=0, drop=True)
    scores = xr.Dataset(dict.fromkeys(("median_ape", "mean_ape", "bias", "weighted_error"), error))
    scores = scores.assign(cover_80=alone, cover_95=alone, crps=alone, cases=alone * 0 + 5)
    row = score_table(scores).iloc[0]
    assert (row["best_rival"], row["best_rival_error"], row["weighted_error"]) == ("constant", 0.01, 0.02)
    assert any("1.0% people stay" in line for line in score_lines(score_table(scores), "en"))


def test_rolls_are_tested_by_the_same_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pupils by grade of the folder's counties: cohorts with some who leave; refused where there are no grades."""
    assert cli.main(["backtest", str(folder), "--rolls"]) == 3
    assert "E452" in capsys.readouterr().err
    assert cli.main(["backtest", str(folder)]) == 2
    births = pd.read_csv(folder / "births.csv", dtype={"county": str}).groupby(["county", "year"])["persons"].sum()
    rows = []
    for county in COUNTIES:
        for year in range(2006, 2013):
            for grade in range(1, 7):
                cohort = births.get((county, max(year - 5 - grade, 2000)))
                rows.append((county, year, "primary", grade, round(cohort * 0.97 * 0.995**grade), "pupils"))
    columns = ["county", "year", "stage", "grade", "pupils", "unit"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "enrolment.csv", index=False)
    source = "enrolment,,made for a test,,assumed,\n"
    (folder / "sources.csv").write_text((folder / "sources.csv").read_text("utf-8") + source, "utf-8")
    assert cli.main(["backtest", str(folder), "--rolls", "--horizon", "3", "--lang", "zh"]) == 0
    printed = capsys.readouterr().out
    assert "提前 3 年" in printed
    assert "本系统" in printed
    assert cli.main(["backtest", str(folder), "--rolls", "--horizon", "3", "--json"]) == 0
    scores = pd.DataFrame(json.loads(capsys.readouterr().out)["scores"])
    ours = scores[(scores["approach"] == "forecast") & (scores["lead"] == 1)].iloc[0]
    assert ours["cell_error"] < 0.05
    assert "新生按本地区出生数推算" in printed
    assert "三年平均升级率" in printed
    (folder / "population.csv").unlink()  # rolls need no people
    (folder / "births.csv").unlink()
    sources = pd.read_csv(folder / "sources.csv").query("table in ('counties', 'enrolment')")
    sources.to_csv(folder / "sources.csv", index=False)
    words = ["backtest", str(folder), "--rolls", "--breaks", "2009", "--lang", "en"]
    assert cli.main(words) == 0
    assert "entrants keep their level" in capsys.readouterr().out
    assert cli.main([*words, "--json"]) == 0
    broken = pd.DataFrame(json.loads(capsys.readouterr().out)["scores"])
    assert broken["cases"].max() < scores["cases"].max()  # 2009 is no origin and is not scored
    assert cli.main(["backtest", str(folder), "--origins", "2009", "--breaks", "2009"]) == 2
    assert "E915" in capsys.readouterr().err
    assert cli.main(["run", str(folder)]) == 3
    assert "E103" in capsys.readouterr().err
