"""The crest that matters of each county and service: chosen once, and told by every reader of a run.

Of a service through which a birth cohort passes it is the last crest whose pupils are all born at the jump-off date; of
any other the most prominent one that demand never surpasses by more than 2 %. Year and height are the scenario's. With
trajectories at least half of them must have the crest, and the year has their 80 % range. Where pupils were counted,
a crest before the first count is a reckoning back and is not told: the highest roll that was counted stands in its
place, where demand is lower ever after, and no year before the counts is part of its plateau.

Several years in a row within 2 % of the crest are a plateau and told as one: within it no single year stands out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import pandas as pd
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, YEAR

OFTEN = 0.5
"""Share of the trajectories in which a crest must be to be told."""

LEVEL = 0.02
"""Share by which demand may lie below its crest in the years of a plateau, and above it in another year for the crest to
be the peak still: half a pupil to a pupil more in a class of 45."""

FEWEST = 3
"""Years in a row from which a plateau is one."""

Place = tuple[str, str]
"""County (or area) and service."""

Path: TypeAlias = "pd.Series[float]"
"""Known values by year."""


class Crest(NamedTuple):
    """A crest of a service in a place, demand in the service's unit."""

    year: int
    low: int  # the 80 % range of the year
    high: int
    height: float  # demand at the crest
    probability: float  # share of the trajectories that have it
    counted: bool = False  # the highest roll that was counted
    surpassed: int | None = None  # the year from which demand is higher again by more than `LEVEL`, where it is
    plateau_first: int | None = (
        None  # years in a row within `LEVEL` of the crest, and the least and most demand in them
    )
    plateau_last: int | None = None
    plateau_low: float | None = None
    plateau_high: float | None = None


COLUMNS = (COUNTY, SERVICE, *Crest._fields)

RANGES = ("peak_year_low", "peak_year_high", "peak_time_low", "peak_time_high")
"""Columns of `find_waves` that trajectories know better than the scenario."""


def chosen_crests(
    waves: pd.DataFrame, demand: xr.DataArray, born_until: Mapping[str, int], rolls: xr.DataArray | None = None
) -> pd.DataFrame:
    """The crest that matters of each place, one row where there is one, with the columns `COLUMNS`.

    waves       turns of the scenario with the ranges of the trajectories (`with_ranges`)
    demand      (county, year, service) of the scenario, past and projected, in the unit of each service
    born_until  service -> last year in which all whom it counts were born at the jump-off date; below 0 for services
                through which no cohort passes
    rolls       (county, year, service) pupils counted, NaN where none were
    """
    told = waves[(waves["turn"] == "crest") & ~waves["at_edge"].astype(bool)]
    told = told[told["probability"].fillna(0.0) >= OFTEN].sort_values("peak_year", kind="stable")
    crests_of = dict(iter(told.groupby([COUNTY, SERVICE], sort=False)))
    counts = {} if rolls is None else _by_place(rolls)
    first_count: dict[str, int] = {}
    for (_, service), known in counts.items():
        if len(known):
            first_count[service] = min(int(known.index[0]), first_count.get(service, int(known.index[0])))
    rows = []
    for place, path in _by_place(demand).items():
        own = crests_of.get(place, told.iloc[:0])
        until = born_until.get(place[1], -1)
        crest = _last_until(own, until) if until >= 0 else _never_surpassed(own, path)
        crest = _as_counted(crest and crest._replace(height=float(path[crest.year])), path, counts.get(place))
        if crest is not None and not crest.counted and crest.year < first_count.get(place[1], crest.year):
            crest = None  # reckoned back to years in which nobody counted pupils anywhere
        if crest is not None:
            known = path.loc[counts[place].index[0] :] if crest.counted else path
            rows.append((*place, *_with_plateau(_with_later(crest, path), known)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _last_until(crests: pd.DataFrame, year: int) -> Crest | None:
    """The last of the crests, in order of years, up to the year."""
    born = crests[crests["peak_year"] <= year]
    return None if born.empty else _crest(born.iloc[-1])


def _never_surpassed(crests: pd.DataFrame, path: Path) -> Crest | None:
    """The most prominent of the crests, unless demand stands higher in another year."""
    if crests.empty:
        return None
    crest = _crest(crests.loc[crests["prominence"].idxmax()])
    return crest if crest.height * (1 + LEVEL) >= path.max() else None


def _crest(wave: pd.Series[float]) -> Crest:
    """From a row of `find_waves`."""
    year, low, high = (int(wave[name]) for name in ("peak_year", "peak_year_low", "peak_year_high"))
    return Crest(year, low, high, float(wave["height"]), float(wave["probability"]))


def _as_counted(crest: Crest | None, path: Path, rolls: Path | None) -> Crest | None:
    """The crest, unless it lies before the first count: then the highest roll, where demand is lower ever after."""
    if rolls is None or rolls.empty or (crest is not None and crest.year >= rolls.index[0]):
        return crest
    year, height = int(rolls.idxmax()), float(rolls.max())
    later = path[path.index > year]
    if later.empty or later.max() > height:
        return None
    return Crest(year, year, year, height, 1.0, counted=True)


def _with_later(crest: Crest, path: Path) -> Crest:
    """With the first later year in which demand is higher."""
    higher = path[(path.index > crest.year) & (path > crest.height * (1 + LEVEL))]
    return crest if higher.empty else crest._replace(surpassed=int(higher.index[0]))


def _with_plateau(crest: Crest, path: Path) -> Crest:
    """With the years in a row around the crest in which demand is near to it, where there are `FEWEST` or more."""
    near = set(path.index[(path - crest.height).abs() <= LEVEL * crest.height]) | {crest.year}
    first = last = crest.year
    while first - 1 in near:
        first -= 1
    while last + 1 in near:
        last += 1
    if last - first + 1 < FEWEST:
        return crest
    level = path.loc[first:last]
    return crest._replace(
        plateau_first=first, plateau_last=last, plateau_low=float(level.min()), plateau_high=float(level.max())
    )


def with_ranges(waves: pd.DataFrame, of_paths: pd.DataFrame) -> pd.DataFrame:
    """Turns of the scenario with probability and range of their year from the trajectories: those of the shared turn
    whose range holds the scenario's year, the likeliest of several. NaN where the trajectories have no such turn within it.

    waves, of_paths: tables of `find_waves` of the scenario and of the trajectories.
    """
    keys, known = [COUNTY, SERVICE, "turn", "at_edge"], ["probability", *RANGES]
    pairs = waves.reset_index(names="row")[["row", *keys, "peak_year"]].merge(of_paths[[*keys, *known]], on=keys)
    inside = pairs[(pairs["peak_year_low"] <= pairs["peak_year"]) & (pairs["peak_year"] <= pairs["peak_year_high"])]
    likeliest = inside.sort_values("probability", kind="stable").drop_duplicates("row", keep="last").set_index("row")
    return waves.assign(**likeliest[known].reindex(waves.index))


def by_place(crests: pd.DataFrame) -> dict[Place, Crest]:
    """(county, service) -> its crest, from a table with the columns `COLUMNS`."""
    known = crests.astype(object).where(crests.notna(), None)
    years = {"year", "low", "high", "surpassed", "plateau_first", "plateau_last"}

    def crest(row: tuple[object, ...]) -> Crest:
        pairs = zip(Crest._fields, row, strict=True)
        return Crest(**{name: int(value) if name in years and value is not None else value for name, value in pairs})  # type: ignore[arg-type, call-overload]

    return {(county, service): crest(tuple(row)) for county, service, *row in known.itertuples(index=False)}


def _by_place(values: xr.DataArray) -> dict[Place, Path]:
    """Known values by year of every county and service."""
    bare, years = values.transpose(COUNTY, SERVICE, YEAR), values[YEAR].to_numpy()
    return {
        (str(county), str(service)): pd.Series(bare.to_numpy()[i, j].astype(float), index=years).dropna()
        for i, county in enumerate(values[COUNTY].values)
        for j, service in enumerate(values[SERVICE].values)
    }
