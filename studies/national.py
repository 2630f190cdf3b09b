"""The national wave of births through the schools: births, published rolls, and what could be seen in 2018."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.school_date import SEPTEMBER
from forecast.waves import implied_by_births
from studies.published_rolls import FIRST_RELEASE, REVISED, china_births, china_enrolment

AGES = {"kindergarten": (3, 5), "primary_school": (6, 11), "junior_school": (12, 14), "senior_school": (15, 17)}
MONTHS = dict.fromkeys(AGES, SEPTEMBER)
PUBLISHED = {"kindergarten": "preschool", "primary_school": "primary", "junior_school": "junior_secondary"}
RELEASES = {"first releases": FIRST_RELEASE, "revised after the census": REVISED}
TRAJECTORIES, LAST = 1000, 2026


def births(reference: Path, release: str) -> xr.DataArray:
    """Births of the nation in 10,000 (county, year)."""
    table = china_births(reference)
    coords = {"county": ["CN"], "year": table.index.to_numpy()}
    return xr.DataArray(table[RELEASES[release]].to_numpy(float)[None], dims=("county", "year"), coords=coords)


def provenance(reference: Path, since: int = 2003) -> dict[str, list[int]]:
    """Word of the reference data for the way the revised births were found -> the years since."""
    table = china_births(reference).loc[since:]
    return {str(word): rows.index.tolist() for word, rows in table.groupby("revised_verification")}


def rolls(reference: Path, stage: str) -> pd.Series:
    """Published enrolment of a stage in 10,000 by year."""
    return china_enrolment(reference)[stage].sort_index()


def seen_from(
    origin: int, reference: Path, stage: str = "kindergarten", last: int = LAST, seed: int = 0
) -> xr.DataArray:
    """Pupils of a stage (trajectory, county, year) as they could be foreseen at the end of `origin`.

    Births known by then (first releases) pass through the ages of the stage. Later births follow a random walk in
    logarithms with the changes since 1990. Participation is enrolment over the children of the ages; it goes on rising by a
    share between none and all of its mean rise so far, drawn once for each trajectory (an assumption).
    """
    rng = np.random.default_rng(seed)
    known = births(reference, "first releases").sel(year=slice(1990, origin))
    changes = np.diff(np.log(known.to_numpy()[0]))
    ahead = np.arange(origin + 1, last + 1)
    walk = np.cumsum(rng.choice(changes, (TRAJECTORIES, len(ahead))), axis=1)
    to_come = known.to_numpy()[0, -1] * np.exp(walk)
    paths = np.hstack([np.tile(known.to_numpy()[0], (TRAJECTORIES, 1)), to_come])[:, None]
    coords = {"county": ["CN"], "year": np.append(known["year"].to_numpy(), ahead)}
    cohorts = xr.DataArray(paths, dims=("trajectory", "county", "year"), coords=coords)
    children = implied_by_births(cohorts, {stage: AGES[stage]}, MONTHS).sel(service=stage, drop=True)
    observed = counted(reference, stage, origin)
    ratio = observed / children.isel(trajectory=0, county=0).sel(year=observed.index.to_numpy()).to_numpy()
    rise = xr.DataArray(rng.uniform(0, 1, TRAJECTORIES) * float(ratio.diff().mean()), dims="trajectory")
    since = (children["year"] - origin).clip(min=0)
    expected = children * (float(ratio.iloc[-1]) + rise * since)
    past = xr.DataArray(observed.to_numpy(), dims="year", coords={"year": observed.index.to_numpy()})
    return (
        xr.where(expected["year"] <= origin, past.reindex(year=expected["year"]), expected)
        .sel(year=slice(int(observed.index[0]), last))
        .transpose("trajectory", "county", "year")
    )


def counted(reference: Path, stage: str, origin: int) -> pd.Series:
    """Published enrolment of the years up to `origin` that follow each other without a gap."""
    known = rolls(reference, PUBLISHED[stage]).loc[:origin]
    first = origin
    while first - 1 in known.index:
        first -= 1
    return known.loc[first:]
