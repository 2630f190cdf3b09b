"""What would have been said at the end of 2020, 2021, 2022 and 2023, against what came: the nation and Wenzhou.

python -m studies.foreseen     writes docs/accuracy/nation.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import AGE, SERVICE, SEX, YEAR
from forecast.basics.quantiles import HIGH, LOW
from forecast.basics.school_date import children
from forecast.pipeline import run_forecast
from forecast.region import Region, read_region
from forecast.run.run import Run
from forecast.scenario import read_scenario
from studies import ROOT
from studies.pages import table, write

PAGE = ROOT / "docs" / "accuracy" / "nation.md"
ORIGINS = (2020, 2021, 2022, 2023)
AHEAD, TRAJECTORIES = 4, 400
RESIDENTS, BIRTHS = "residents", "births"
STAGES = ("kindergarten", "primary_school", "junior_school", "senior_school")
ENTRANTS, GENERAL = "primary_entrants", "senior_general"
SERIES = (RESIDENTS, BIRTHS, *STAGES, GENERAL, ENTRANTS)
WITHOUT_BAND = (GENERAL, ENTRANTS)
"""Series that a run gives for the scenario alone."""


@dataclass(frozen=True)
class Said:
    """One series (year) as said at the end of `origin`, in persons, with the ends of the 80 % band (NaN where it has none)."""

    series: str
    origin: int
    value: pd.Series[float]
    low: pd.Series[float]
    high: pd.Series[float]


def main() -> None:
    parts = ["# What would have been said of the nation\n\nWritten by `python -m studies.foreseen`; do not edit.\n"]
    write(PAGE, [*parts, *foreseen("china"), *ahead("china", 2023, 2025)])


def foreseen(name: str) -> Iterator[str]:
    """A section: every series as said at each origin with the years that are known by now, and how often the band held."""
    region = read_region(name)
    came = counted(region)
    said = [one for origin in ORIGINS for one in said_at(region, origin)]
    rows = list(compared(said, came))
    yield f"## {region.name['en']}: said at the end of {ORIGINS[0]} to {ORIGINS[-1]}, and what came\n"
    yield (
        f"Every row of the region's tables that is about a later year is taken away, and the same program is run from the year "
        f"that is left ({TRAJECTORIES} paths, scenario baseline). Years are those that the figures are about, not of their "
        "publication: the census of 2020 and the births that were revised after it came out in 2021. Thousands of persons; "
        "in brackets the 80 % range; errors are said / came - 1, bold where what came lies outside the range.\n"
    )
    for series in SERIES:
        of_series = [row for row in rows if row.series == series]
        if of_series:
            yield f"**{series.replace('_', ' ').capitalize()}**\n"
            yield _table_of(of_series)
    yield from _summary(rows)


@dataclass(frozen=True)
class Row:
    """One year of a series: what came and what had been said at one origin, in persons."""

    series: str
    year: int
    origin: int
    came: float
    value: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether what came lies in the band; true where there is none."""
        return bool(np.isnan(self.low)) or self.low <= self.came <= self.high

    @property
    def error(self) -> float:
        return self.value / self.came - 1


def compared(said: Iterable[Said], came: pd.DataFrame) -> Iterator[Row]:
    """Every year after its origin that was counted by now. came: (year, series) persons."""
    for one in said:
        known = came[one.series].dropna()
        for year in (year for year in known.index if one.origin < year <= one.origin + AHEAD):
            found = (float(values[year]) for values in (one.value, one.low, one.high))
            yield Row(one.series, int(year), one.origin, float(known[year]), *found)


def counted(region: Region) -> pd.DataFrame:
    """(year, series) persons of the whole as published: residents and births as in `controls`, pupils as in `enrolment`."""
    controls = region.table("controls")
    whole = controls[controls.area == region.area].pivot(index="year", columns="component", values="value")
    scenario = read_scenario("baseline", {"horizon": region.jump_off_year + 1})
    rolls = run_forecast(region, scenario).data["enrolment"]
    pupils = {stage: rolls.sel({SERVICE: stage}).to_series().dropna() for stage in STAGES}
    people = {RESIDENTS: whole["population"], BIRTHS: whole["births"]}
    parts = {GENERAL: _enrolled(region, GENERAL, "pupils"), ENTRANTS: _enrolled(region, "primary", "entrants")}
    return pd.DataFrame({**people, **pupils, **parts}, columns=list(SERIES))


def _enrolled(region: Region, stage: str, item: str) -> pd.Series[float]:
    """(year,) persons as published for the whole."""
    table = region.table("enrolment")
    rows = table[(table["county"] == region.area) & (table["stage"] == stage) & (table["item"] == item)]
    return rows.set_index("year")["value"]


def said_at(region: Region, origin: int) -> Iterator[Said]:
    """Every series as it would have been said at the end of `origin`, nothing later used."""
    scenario = read_scenario("baseline", {"horizon": origin + AHEAD})
    run = run_forecast(region.until(origin), scenario, TRAJECTORIES)
    data = run.data
    sums = data.sel(county=region.counties.index.tolist())
    everybody = {
        RESIDENTS: (
            sums["population"].sum(["county", "sex", "age"]),
            data["population_quantile"].sel(age_group="all"),
        ),
        BIRTHS: (sums["births"].sum(["county", "sex"]), data["births_quantile"]),
    }
    pupils = {
        stage: (
            sums["demand"].sel({SERVICE: stage}).sum("county"),
            data["demand_quantile"].sel({SERVICE: stage}),
        )
        for stage in STAGES
    }
    for series, (value, quantiles) in {**everybody, **pupils}.items():
        band = quantiles.sel(area=region.area)
        low, high = (_by_year(band.sel(quantile=level)) for level in (LOW, HIGH))
        yield Said(series, origin, _by_year(value), low, high)
    entrants = first_grade(run)
    alone = {GENERAL: sums["part_pupils"].sel(part=GENERAL).sum("county")}
    for series, value in (alone if entrants is None else {**alone, ENTRANTS: entrants}).items():
        said = _by_year(value)
        yield Said(series, origin, said, said * np.nan, said * np.nan)


def first_grade(run: Run) -> xr.DataArray | None:
    """Pupils of the first age of primary school (year), where the run tells its ages apart."""
    model, ratio = run.models["primary_school"], run.ratios["primary_school"].values
    if ratio is None or AGE not in ratio.dims:
        return None
    first = model.ages[0]
    aged = children(run.data["population"].sum(SEX), (first, first), model.cutoff_month)
    return (aged * ratio.sel({AGE: first}, drop=True)).sum("county")


def _by_year(values: xr.DataArray) -> pd.Series[float]:
    return values.transpose(YEAR).to_series()


def _table_of(rows: Sequence[Row]) -> str:
    """Years down, origins across."""
    years, origins = (sorted({getattr(row, name) for row in rows}) for name in ("year", "origin"))
    cells = {(row.year, row.origin): _cell(row) for row in rows}
    came = {row.year: f"{row.came / 1000:,.0f}" for row in rows}
    head = ("year", "came", *(f"said at the end of {origin}" for origin in origins))
    return table(head, [(year, came[year], *(cells.get((year, origin), "") for origin in origins)) for year in years])


def _cell(row: Row) -> str:
    error = f"{row.error:+.1%}" if row.inside else f"**{row.error:+.1%}**"
    if row.series in WITHOUT_BAND:
        return f"{row.value / 1000:,.0f} {error}"
    return f"{row.value / 1000:,.0f} ({row.low / 1000:,.0f}-{row.high / 1000:,.0f}) {error}"


def _summary(rows: Sequence[Row]) -> Iterator[str]:
    yield "Mean absolute error by years ahead, and how many of the values that came lie inside the 80 % range:\n"
    frame = pd.DataFrame(
        [(row.series, row.year - row.origin, abs(row.error), row.inside) for row in rows],
        columns=["series", "ahead", "error", "inside"],
    )
    lines = []
    for series in [name for name in SERIES if name in set(frame["series"])]:
        own = frame[frame["series"] == series]
        errors = own.groupby("ahead")["error"].mean().reindex(range(1, AHEAD + 1))
        shown = ["" if np.isnan(error) else f"{error:.1%}" for error in errors]
        lines.append((series.replace("_", " "), *shown, _held(own)))
    lines.append(("all", *[""] * AHEAD, _held(frame)))
    yield table(("series", *(f"{years} ahead" for years in range(1, AHEAD + 1)), "inside"), lines)


def _held(frame: pd.DataFrame) -> str:
    banded = frame[~frame["series"].isin(WITHOUT_BAND)]
    return f"{int(banded['inside'].sum())} of {len(banded)}" if len(banded) else "no band"


def ahead(name: str, origin: int, year: int) -> Iterator[str]:
    """A section to be compared later: what is said of a year at `origin` that is not known at the time of writing."""
    region = read_region(name)
    came = counted(region)
    yield f"## {region.name['en']}: {year} as said at the end of {origin}\n"
    yield "Kept to be held against the figures of that year once they are published; thousands of persons.\n"
    rows = [
        (one.series.replace("_", " "), *(_thousands(values[year]) for values in (one.value, one.low, one.high)))
        for one in said_at(region, origin)
        if year not in came[one.series].dropna().index
    ]
    yield table(("series", "said", "10 %", "90 %"), rows)


def _thousands(persons: float) -> str:
    return "" if np.isnan(persons) else f"{persons / 1000:,.0f}"


if __name__ == "__main__":
    main()
