"""China's stages: published rolls with gaps, forecast from one past year, and what lies ahead of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import xarray as xr

from forecast.basics.school_date import SEPTEMBER, stage_cohort
from forecast.demand.schools.stages import damped_rate_path, stage_systems
from studies.pages import table
from studies.published_rolls import FIRST_RELEASE, REVISED, china_births, china_enrolment

RELEASES = {"first release": FIRST_RELEASE, "revised after the 2020 census": REVISED}


def stages(reference: Path) -> Iterable[str]:
    """The chapter: too few years for rolling origins; one origin, 2018, and what lies ahead."""
    series, births = china_enrolment(reference), china_births(reference)
    releases = {words: births[column] for words, column in RELEASES.items()}
    yield "## China, whole stages\n"
    yield (
        "Published rolls have gaps (primary 2015, 2016, 2020-2024; kindergarten 2016-2024; junior 2019-2024; senior 2018-2022, of the parts), "
        "so that rolling origins are not possible. One origin instead, 2018, with births and rolls up to 2018 only: pupils over the "
        "children born for the stage's ages, at the last known ratio (primary: of 2016) or with the ratio's last slope damped by 0.85 a year. "
        "In 2018 only the first release of births was known; the revised series was published after the census of 2020, and its values of "
        "2011-2015 and 2017 were not seen at the source (see the reference's README).\n"
    )
    rows: list[tuple[object, ...]] = []
    late = []
    for stage, key in (("kindergarten", "preschool"), ("primary", "primary")):
        actual = series[key]
        known = actual[actual.index <= 2018]
        really = int(actual[actual.index > 2010].idxmax())
        for release, born in releases.items():
            for path in ("constant", "damped"):
                made = stage_forecast(born[born.index <= 2018], known, stage, path, 2030)
                crest = int(made.idxmax())
                late.append(abs(crest - really))
                rows.append((stage, release, path, crest, really, _missed(made, actual)))
        stays = pd.Series(known.iloc[-1], index=range(2019, 2031))
        rows.append((stage, "-", f"the roll of {known.index[-1]} stays", "-", really, _missed(stays, actual)))
    yield table(("stage", "births", "ratio", "crest forecast", "crest as it happened", "error of the roll"), rows)
    yield f"The crests are forecast {max(late)} year{'s' * (max(late) != 1)} away from what happened at most.\n"
    yield (
        "Births after 2018 are held at the last value, so that kindergarten from 2022 and primary school from 2025 on would not be judged.\n"
    )
    yield from ahead(series, releases)


def _missed(made: pd.Series, actual: pd.Series) -> str:
    years = [year for year in (2019, 2020, 2021, 2023) if year in actual.index]
    return ", ".join(f"{year}: {made[year] / actual[year] - 1:+.1%}" for year in years)


def ahead(series: pd.Series, releases: Mapping[str, pd.Series]) -> Iterable[str]:
    """Junior and senior schools, from rolls and births to the end of the series."""
    yield "Junior and senior schools lie ahead of the published series; forecasts from its end, with the range over both releases of births and three paths of the ratio:\n"
    senior = series["senior_secondary_general"].add(series["senior_secondary_vocational"]).dropna()
    rows = []
    for stage, known in (("junior", series["junior_secondary"].dropna()), ("senior", senior)):
        made = {
            (release, path): stage_forecast(born, known, stage, path, 2036)
            for release, born in releases.items()
            for path in ("constant", "three years", "damped")
        }
        revised = {key: pupils for key, pupils in made.items() if key[0].startswith("revised")}
        crests = [int(pupils.idxmax()) for pupils in made.values()]
        revised_crests = [int(pupils.idxmax()) for pupils in revised.values()]
        years = (2026, 2028, 2030, 2032)
        low_high = [
            f"{min(pupils[year] for pupils in made.values()):,.0f}-{max(pupils[year] for pupils in made.values()):,.0f}"
            for year in years
        ]
        rows.append((stage, int(known.index[-1]), _span(revised_crests), _span(crests), *low_high))
    yield table(
        (
            "stage",
            "last roll",
            "crest, revised births",
            "crest, both",
            *(f"{year}, 10,000 pupils" for year in (2026, 2028, 2030, 2032)),
        ),
        rows,
    )
    yield (
        "With the first release the waves of 2012 and 2014 are missing and the junior crest moves to 2029: the release of births, not "
        "the method, decides the year. The entrants of primary school agree with the revised births (0.94 to 1.04), not with the first.\n"
    )


def _span(years: list[int]) -> str:
    return str(min(years)) if min(years) == max(years) else f"{min(years)}-{max(years)}"


def stage_forecast(born: pd.Series, known: pd.Series, stage: str, path: str, until: int) -> pd.Series:
    """Pupils by school year after the last known roll."""
    ages = stage_systems()["6-3-3"].ages(stage)
    births = held_until(born.astype(float), until - ages[0])
    children = stage_cohort(births, ages, SEPTEMBER).to_series()
    ratios = (known / children).dropna()
    last = int(ratios.index[-1])
    years = list(range(last + 1, until + 1))
    if path == "damped":
        cap = 1.5  # ratios to births pass 1 where births were undercounted
        values = damped_rate_path(ratios.to_dict(), years, cap).to_series()
    else:
        values = pd.Series(ratios.iloc[-1] if path == "constant" else ratios.iloc[-3:].mean(), index=years)
    return (values * children).dropna()


def held_until(born: pd.Series, until: int) -> xr.DataArray:
    years = range(int(born.index[0]), max(until, int(born.index[-1])) + 1)
    held: xr.DataArray = born.reindex(years).ffill().rename_axis("year").to_xarray()
    return held
