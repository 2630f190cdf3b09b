"""Waves planted into series, and how well `find_waves` finds them again.

The tests (tests/waves/test_planted.py) hold the bars; studies/waves.py writes the same figures down. Every series has a
base of 1,000, a linear trend, one or two crests (a bell, or a plateau with bell-shaped flanks), at least eight years
after the last crest, and noise that multiplies each year by 1 + sd x normal. The first years are given as history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from forecast.waves import CATEGORIES, classify_waves, find_waves

BASE, FIRST = 1000.0, 2000
SHAPES = ("bell", "plateau", "two bells")
TRENDS = {"falling": -1, "flat": 0, "rising": 1}
NOISES = (0.0, 0.01, 0.02, 0.05)
HISTORIES = (0, 12, 25)
AFTER = 8


class Planted(NamedTuple):
    """Clean courses (series, year), and the first and last true peak position of every crest of each series."""

    clean: np.ndarray
    truth: list[list[tuple[int, int]]]


@dataclass(frozen=True)
class Score:
    """Of planted crests: how many, the share found within a year, found in the very year, and covered by the range."""

    crests: int
    within_one: float
    exact: float
    covered: float


def plant(
    rng: np.random.Generator,
    count: int,
    shape: str,
    trend: str,
    years: int = 39,
    height: tuple[float, float] = (0.3, 1.0),
    sd: tuple[float, float] = (2.0, 5.0),
) -> Planted:
    """`count` series; height as a share of the base, sd in years, both drawn evenly from their ranges."""
    when = np.arange(years)
    clean, truth = [], []
    for _ in range(count):
        path = BASE * (1 + TRENDS[trend] * rng.uniform(0.002, 0.008) * (when - years / 2))
        width = 0
        if shape == "two bells":  # flanks so narrow that the valley between them is one
            middles, spread = [int(rng.integers(6, years - AFTER - 16))], rng.uniform(sd[0], min(sd[1], 3.5))
            middles.append(int(rng.integers(middles[0] + 14, years - AFTER)))
        else:
            width = int(rng.integers(2, 6)) if shape == "plateau" else 0
            middles, spread = [int(rng.integers(6, years - AFTER - width))], rng.uniform(*sd)
        for middle in middles:
            away = when - middle - np.clip(when - middle, 0, width)
            path = path + rng.uniform(*height) * BASE * np.exp(-(away**2) / 2 / spread**2)
        peaks = []
        for middle in middles:
            near = np.arange(max(middle - 5, 0), min(middle + 6, years))
            top = int(near[np.argmax(path[near])])
            peaks.append((middle, middle + width) if width else (top, top))
        clean.append(path)
        truth.append(peaks)
    return Planted(np.array(clean), truth)


def noisy(clean: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    return clean * (1 + noise * rng.standard_normal(clean.shape))


def labelled(values: np.ndarray, first: int = FIRST) -> xr.DataArray:
    """Series as counties 0, 1, ..."""
    names = [str(number) for number in range(len(values))]
    years = range(first, first + values.shape[1])
    return xr.DataArray(values, dims=("county", "year"), coords={"county": names, "year": years})


def waves_of(values: np.ndarray, history: int) -> pd.DataFrame:
    """Crests (not at the edge) by county, the first `history` years given apart."""
    series = labelled(values)
    past = series.isel(year=slice(None, history)) if history else None
    waves = find_waves(series.isel(year=slice(history, None)), past)
    return waves[(waves["turn"] == "crest") & ~waves["at_edge"].astype(bool)]


def score(planted: Planted, found: pd.DataFrame) -> Score:
    """Planted crests against those found; a crest counts once, and inside a plateau every year is right."""
    by_series = {int(county): of_series for county, of_series in found.groupby("county")}
    crests = hits = exact = covered = 0
    for series, peaks in enumerate(planted.truth):
        of_series = by_series.get(series)
        for low, high in peaks:
            crests += 1
            if of_series is None:
                continue
            years = of_series["peak_year"].to_numpy() - FIRST
            nearest = int(np.argmin(np.maximum(low - years, years - high)))
            away = max(low - years[nearest], years[nearest] - high, 0)
            hits += away <= 1
            exact += away == 0
            first, last = (int(of_series[name].iloc[nearest]) - FIRST for name in ("peak_year_low", "peak_year_high"))
            covered += first <= high and low <= last
    return Score(crests, hits / crests, exact / crests, covered / crests)


def smooth_series(rng: np.random.Generator, count: int, kind: str, years: int = 39) -> np.ndarray:
    """Series without a crest: flat, or monotone (straight, exponential or an S, up or down)."""
    when = np.arange(years)
    if kind == "flat":
        return np.full((count, years), BASE)
    paths = []
    for _ in range(count):
        share = when / (years - 1)
        middle, width = rng.uniform(0.3, 0.7), rng.uniform(0.03, 0.2)
        form = [share, np.expm1(2 * share) / np.expm1(2), 1 / (1 + np.exp(-(share - middle) / width))][rng.integers(3)]
        path = BASE * (1 + rng.uniform(0.1, 1.5) * form)
        paths.append(path if rng.random() < 0.5 else path[::-1])
    return np.array(paths)


def false_crests(kind: str, noise: float, history: int, count: int, seed: int = 0) -> float:
    """Share of series without a crest in which one is found."""
    rng = np.random.default_rng(seed)
    crests = waves_of(noisy(smooth_series(rng, count, kind), noise, rng), history)
    return crests["county"].nunique() / count


def hits(noise: float, count: int, seed: int = 0, **ranges: tuple[float, float]) -> dict[tuple[str, str, int], Score]:
    """Scores by shape, trend and length of history."""
    rng, scores = np.random.default_rng(seed), {}
    for shape in SHAPES:
        for trend in TRENDS:
            for history in HISTORIES:
                planted = plant(rng, count, shape, trend, 27 + max(history, 12), **ranges)
                scores[shape, trend, history] = score(planted, waves_of(noisy(planted.clean, noise, rng), history))
    return scores


def pooled(scores: list[Score]) -> Score:
    crests = sum(part.crests for part in scores)
    share = [
        sum(getattr(part, name) * part.crests for part in scores) / crests
        for name in ("within_one", "exact", "covered")
    ]
    return Score(crests, *share)


class Coverage(NamedTuple):
    """Of series with one crest: the share in which it is found within a year, and of those found (three years off at most)
    the share whose true time the range holds, and the middle length of the range in years."""

    within_one: float
    held: float
    length: float


Curve = Callable[[np.ndarray], np.ndarray]


def bell(rng: np.random.Generator, start: float, years: int) -> Curve:
    """A normal density in shape, centred anywhere between two years."""
    centre, sd = rng.uniform(8, years - 9), rng.uniform(2, 5)
    return lambda t: np.exp(-((t - centre) ** 2) / 2 / sd**2)


def lopsided(rng: np.random.Generator, start: float, years: int) -> Curve:
    """A log-normal density in shape, rising faster than it falls."""
    before, middle, sd = rng.uniform(8, 12), 8 + start * (years - 20), rng.uniform(0.25, 0.5)
    return lambda t: np.exp(-(np.log(np.maximum(1 + (t - middle) / before, 1e-9)) ** 2) / 2 / sd**2)


def summed(ages: int) -> Callable[[np.random.Generator, float, int], Curve]:
    """A wave of births in the shape of a gamma density, summed over the ages of a stage."""

    def form(rng: np.random.Generator, start: float, years: int) -> Curve:
        shape, scale = rng.uniform(3, 8), rng.uniform(1.0, 2.0)
        begin = 2 + start * (years - 21 - shape * scale)

        def curve(t: np.ndarray) -> np.ndarray:
            since = np.maximum(t[:, None] - begin - np.arange(ages), 0) / scale / (shape - 1)
            return (since * np.exp(1 - since)) ** (shape - 1) @ np.full(ages, 1 / ages)

        return curve

    return form


FORMS = {"bell": bell, "lopsided": lopsided, "three ages": summed(3), "six ages": summed(6)}
BUMPS = tuple(FORMS)
SETTING, SCORED = ("bell", "three ages"), 1000
"""Kinds on which the smoothing of ranges was set, with seeds below `SCORED`; tests and page use others."""


def bumps(rng: np.random.Generator, count: int, kind: str, years: int = 45) -> tuple[np.ndarray, np.ndarray]:
    """`count` clean series (series, year) with one crest of a kind of `FORMS`, and when each truly peaks, in years."""
    when, fine = np.arange(years), np.arange(0, years - 1, 0.01)
    clean, truth = [], []
    for _ in range(count):
        height, start = rng.uniform(0.3, 1.0), rng.uniform(0.0, 1.0)
        bump = FORMS[kind](rng, start, years)
        clean.append(BASE * (1 + height * bump(when)))
        truth.append(fine[np.argmax(bump(fine))])
    return np.array(clean), np.array(truth)


def coverage(
    kind: str, noise: float, count: int, seed: int = SCORED, history: int = 0, correlation: float = 0.0
) -> Coverage:
    """Share of single noisy paths whose 10-90 % range of the peak time holds the true time, and its length.

    correlation: of the noise of one year with that of the year before (its sd stays `noise`); 0 is the noise of the bars.
    """
    rng = np.random.default_rng(seed)
    clean, truth = bumps(rng, count, kind)
    drawn = rng.standard_normal(clean.shape)
    for year in range(1, drawn.shape[1]):
        drawn[:, year] = correlation * drawn[:, year - 1] + np.sqrt(1 - correlation**2) * drawn[:, year]
    crests = waves_of(clean * (1 + noise * drawn), history)
    truth_of = FIRST + truth[crests["county"].astype(int)]
    crests = crests.assign(truth=truth_of, away=(crests["peak_year"] - truth_of).abs()).query("away <= 3")
    inside = crests["truth"].between(crests["peak_time_low"], crests["peak_time_high"])
    near = (crests["peak_year"] - np.round(crests["truth"])).abs() <= 1
    length = crests["peak_time_high"] - crests["peak_time_low"]
    return Coverage(crests.loc[near, "county"].nunique() / count, float(inside.mean()), float(length.median()))


def trajectory_coverage(spread: float, count: int) -> dict[str, float]:
    """Share of truths, drawn as the 200 trajectories are, whose peak the 80 % range holds: in fractions of a year
    (`time`) and in whole years (`year`)."""
    rng = np.random.default_rng(SCORED + round(10 * spread))
    when = np.arange(45)
    peaks = 22 + spread * rng.standard_normal((count, 201))
    paths = BASE * (1 + 0.5 * np.exp(-((when - peaks[..., None]) ** 2) / 2 / 3.0**2))
    coords = {"county": [str(number) for number in range(count)], "year": FIRST + when}
    demand = xr.DataArray(paths[:, :200].transpose(1, 0, 2), dims=("trajectory", "county", "year"), coords=coords)
    crests = find_waves(demand)
    crests = crests[(crests["turn"] == "crest") & ~crests["at_edge"]].sort_values("probability")
    crests = crests.drop_duplicates("county", keep="last").set_index("county")
    by_county = crests.loc[coords["county"]]
    truth = {"time": FIRST + peaks[:, 200], "year": FIRST + np.round(peaks[:, 200])}
    return {
        name: float(((by_county[f"peak_{name}_low"] <= peak) & (peak <= by_county[f"peak_{name}_high"])).mean())
        for name, peak in truth.items()
    }


JUDGED, WINDOW = 27, 8  # years of supply, break-even years of the planted classes


def plant_class(
    rng: np.random.Generator, category: str, history: int, shortage: tuple[float, float] = (0.2, 0.5)
) -> tuple[np.ndarray, float]:
    """A clean course of `history` + `JUDGED` years that is of the class by how it is made, and the constant supply.

    What makes the class is at least twice the tolerance (5 %) and at least three years away from the break-even years.
    """
    years = history + JUDGED
    when = np.arange(years) - history  # 0 is the first year that is judged
    middle, sd = rng.integers(6, JUDGED - 14), rng.uniform(1.2, 1.6)  # above the tolerance for 5 years or less
    bell = np.exp(-((when - middle) ** 2) / 2 / sd**2)
    flat = np.full(years, BASE)
    step = 1 / (1 + np.exp(-(when - middle) / 1.5))
    if category == "balanced":
        return flat, BASE * rng.uniform(0.99, 1.01)
    if category == "structural_shortage":
        return BASE * (1 + rng.uniform(*shortage) * step), BASE
    if category == "structural_surplus":
        return flat * rng.uniform(0.6, 0.85), BASE
    if category == "transient_crest":
        return BASE * (1 + rng.uniform(0.3, 0.8) * bell), BASE * rng.uniform(1.0, 1.02)
    if category == "transient_trough":
        return BASE * (1 - rng.uniform(0.3, 0.6) * bell), BASE * rng.uniform(0.98, 1.02)
    if category == "crest_then_surplus":
        return BASE * (1 + rng.uniform(0.4, 0.8) * bell - rng.uniform(0.2, 0.4) * step), BASE
    rise = (
        np.clip(when - (JUDGED - 5), 0, None) / 4
    )  # the last four years climb above supply: nobody knows for how long
    return BASE * (1 + rng.uniform(0.25, 0.6) * rise), BASE


def class_hits(noise: float, count: int, seed: int = 0, history: int = 14) -> dict[str, float]:
    """Share of planted series whose likeliest class is the planted one, by class."""
    rng = np.random.default_rng(seed)
    return {
        category: _rightly_classed(
            [plant_class(rng, category, history) for _ in range(count)], category, noise, history, rng
        )
        for category in CATEGORIES
    }


def slight_shortages(noise: float, count: int, extent: float, seed: int = 0, history: int = 14) -> float:
    """Share of lasting shortages of `extent` of the base that are seen as such."""
    rng = np.random.default_rng(seed)
    made = [plant_class(rng, "structural_shortage", history, (extent, extent)) for _ in range(count)]
    return _rightly_classed(made, "structural_shortage", noise, history, rng)


def _rightly_classed(
    made: list[tuple[np.ndarray, float]], category: str, noise: float, history: int, rng: np.random.Generator
) -> float:
    series = labelled(noisy(np.array([path for path, _ in made]), noise, rng))
    ahead = series.isel(year=slice(history, None))
    supply = xr.zeros_like(ahead) + xr.DataArray([have for _, have in made], dims="county")
    classes = classify_waves(ahead, supply, WINDOW, series.isel(year=slice(None, history)))
    return float((classes.likeliest.sel(shift=0) == category).mean())
