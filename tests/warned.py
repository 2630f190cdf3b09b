"""Warnings put to the test on rolls that came true: each origin sees only what was counted by then.

Rolls by grade (or age) move up by ratios drawn from the past years, a whole year's ratios at a time so that a bad year
is bad for every grade; the lowest grade follows its own past changes. What stands is taken to be the roll of the
origin, so an event is a stage whose roll leaves that by more than 5 %.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from forecast.warning import warn
from forecast.waves import classify_waves

TRAJECTORIES, AHEAD, WINDOW, SHORTEST_PAST = 200, 10, 5, 4
SHORT = ("structural_shortage", "transient_crest", "crest_then_surplus")
SPARE = ("structural_surplus", "transient_trough")
WITHIN = {"short": 4, "spare": 3}  # lead time of the first answer and one year: building 3, converting 2
STAGES = {"lower": (0, 5), "middle": (6, 7), "upper": (8, 12)}  # positions of the grades


@dataclass(frozen=True)
class Case:
    place: str
    stage: str
    origin: int
    kind: str  # short or spare
    share: float  # of trajectories that have it in time, the highest of the classes of that kind
    came: int | None  # years after the origin in which it came, None where it did not


def new_zealand(reference: Path) -> dict[str, pd.DataFrame]:
    """Rolls by region: a table of years by ages 5 to 17, 1996 to 2011."""
    rolls = pd.read_parquet(reference / "newzealand_regions" / "school_roll_by_age.parquet")
    rolls = rolls[rolls["age"].isin([str(age) for age in range(5, 18)])].astype({"age": int})
    return {
        str(region): own.pivot_table(index="year", columns="age", values="pupils", aggfunc="sum").astype(float)
        for region, own in rolls.groupby("region")
    }


def eau_claire(reference: Path) -> dict[str, pd.DataFrame]:
    """Rolls of one American school district by grade from kindergarten up."""
    rolls = pd.read_csv(reference / "china" / "backtest_us_ecasd_school_grade.csv")
    table = rolls.pivot_table(index="year", columns="grade", values="pupils", aggfunc="sum").astype(float)
    return {"Eau Claire": table}


def cases(places: Mapping[str, pd.DataFrame], seed: int = 0) -> Iterator[Case]:
    """Every place, stage and origin with enough past and enough that came after."""
    for place, rolls in places.items():
        years = rolls.index.to_numpy()
        for origin in range(int(years[0]) + SHORTEST_PAST, int(years[-1]) - max(WITHIN.values()) + 1):
            paths = project(rolls.loc[:origin], np.random.default_rng(seed))
            for stage, (first, last) in STAGES.items():
                if first >= rolls.shape[1]:
                    continue
                columns = slice(first, min(last, rolls.shape[1] - 1) + 1)
                stands = float(rolls.loc[origin].iloc[columns].sum())
                demand = labelled(paths[:, :, columns].sum(axis=2), origin + 1)
                flags = warn(classify_waves(demand, xr.full_like(demand.isel(trajectory=0), stands), WINDOW), origin)
                truth = rolls.loc[origin + 1 :].iloc[:, columns].sum(axis=1).to_numpy() / stands - 1
                for kind, names in (("short", SHORT), ("spare", SPARE)):
                    beyond = truth > 0.05 if kind == "short" else truth < -0.05
                    came = np.flatnonzero(beyond[: WITHIN[kind]])
                    share = flags.loc[flags["category"].isin(names), "probability"].max()
                    yield Case(
                        place,
                        stage,
                        origin,
                        kind,
                        0.0 if np.isnan(share) else float(share),
                        int(came[0]) + 1 if len(came) else None,
                    )


def project(past: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Rolls (trajectory, year, grade) of the ten years after the last of `past` (year by grade)."""
    counts = past.to_numpy()
    steps = np.log(np.hstack([counts[1:, :1] / counts[:-1, :1], counts[1:, 1:] / counts[:-1, :-1]]))
    now = np.tile(counts[-1], (TRAJECTORIES, 1))
    out = []
    for _ in range(AHEAD):
        ratio = np.exp(steps[rng.integers(len(steps), size=TRAJECTORIES)])
        now = np.hstack([now[:, :1], now[:, :-1]]) * ratio
        out.append(now)
    return np.stack(out, axis=1)


def labelled(paths: np.ndarray, first: int) -> xr.DataArray:
    years = range(first, first + paths.shape[1])
    return xr.DataArray(paths[:, None], dims=("trajectory", "county", "year"), coords={"county": ["x"], "year": years})


def judged(found: list[Case], level: float) -> dict[str, float]:
    """Hits, misses, false alarms and quiet years at a level of probability, and the mean years a hit was ahead."""
    hits = [case for case in found if case.share >= level and case.came]
    alarms = [case for case in found if case.share >= level]
    events = [case for case in found if case.came]
    return {
        "cases": len(found),
        "events": len(events),
        "hit_rate": len(hits) / len(events) if events else np.nan,
        "false_alarm_share": 1 - len(hits) / len(alarms) if alarms else np.nan,
        "false_alarm_rate": (len(alarms) - len(hits)) / max(len(found) - len(events), 1),
        "mean_lead": float(np.mean([case.came for case in hits if case.came])) if hits else np.nan,
    }
