"""How births per woman go on where they are low: simple rules tried on many countries, for docs/accuracy/fertility.md.

python -m studies.fertility_paths        # reads the reference data in FORECAST_REFERENCE or ../shared/reference
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from studies import REFERENCE, ROOT
from studies.pages import table, write

PAGE = ROOT / "docs" / "accuracy" / "fertility.md"
LOW, LAST, CHOSEN_UNTIL = 2.1, 2023, 2007
LEADS = (2, 5, 10)
LEAST_BIRTHS = 20_000  # in the year 2000: smaller countries are left out

Rule = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(known log births per woman up to the origin, leads 1, 2, ...) -> logs of the years ahead."""


def held(log: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    return np.full(ahead.size, log[-1])


def mean_of(years: int) -> Rule:
    return lambda log, ahead: np.full(ahead.size, log[-years:].mean())


def trend(years: int, left: float) -> Rule:
    return lambda log, ahead: log[-1] + (log[-1] - log[-1 - years]) / years * np.cumsum(left**ahead)


def towards(level: float, share: float) -> Rule:
    return lambda log, ahead: np.log(level) + (log[-1] - np.log(level)) * (1 - share) ** ahead


def to_own_mean(years: int, share: float) -> Rule:
    return lambda log, ahead: log[-years:].mean() + (log[-1] - log[-years:].mean()) * (1 - share) ** ahead


RULES: dict[str, Rule] = {
    "last value held (path `constant`)": held,
    "mean of 5 years held": mean_of(5),
    **{
        f"trend of {years} years, {left:g} of it left each year": trend(years, left)
        for years in (3, 5, 10)
        for left in (0.7, 0.85)
    },
    **{
        f"towards {level:g} births per woman, {share:.0%} of the way a year": towards(level, share)
        for level in (1.6, 1.75, 2.0)
        for share in (0.03, 0.06)
    },
    "towards the own mean of 25 years, 20% of the way a year": to_own_mean(25, 0.2),
}


def errors(tfr: pd.DataFrame) -> pd.DataFrame:
    """Columns rule, early (origin before 2008), lead, error (log): every country and origin from 1990 with few births
    per woman. tfr: country x year."""
    rows = []
    for _, own in tfr.iterrows():
        for origin in range(1990, LAST - 1):
            if own.loc[origin] > LOW:
                continue
            log, ahead = np.log(own.loc[:origin].to_numpy(float)), np.arange(1, min(10, LAST - origin) + 1)
            came = np.log(own.loc[origin + 1 : LAST].to_numpy(float))[: ahead.size]
            for name, rule in RULES.items():
                off = rule(log, ahead) - came
                rows += [(name, origin <= CHOSEN_UNTIL, lead, off[lead - 1]) for lead in LEADS if lead <= ahead.size]
    return pd.DataFrame(rows, columns=["rule", "early", "lead", "error"])


def births_per_woman(reference: Path = REFERENCE) -> pd.DataFrame:
    """Country x year, estimates of World Population Prospects 2024."""
    annual = pd.read_parquet(reference / "wpp2024" / "annual.parquet")
    countries = annual[annual.country_code < 900]  # above are groups of countries
    births = countries[countries.year == 2000].set_index("country_code").births
    tfr = countries.pivot(index="country_code", columns="year", values="tfr").loc[:, 1950:LAST]
    return tfr.loc[births.index[births > LEAST_BIRTHS]]


def main() -> None:
    found = errors(births_per_woman())
    scores = found.groupby(["rule", "early", "lead"]).error.agg(
        [("rms", lambda e: np.sqrt((e**2).mean())), ("bias", "mean")]
    )
    spells = {True: "origins 1990-2007", False: "origins 2008-2021"}
    head = ["rule", *(f"{spell}: {lead} years" for spell in spells.values() for lead in LEADS)]
    by_five = sorted(RULES, key=lambda rule: scores.loc[(rule, True, 5), "rms"])
    rows = [
        [
            rule,
            *(f"{100 * r:.1f} ({100 * b:+.1f})" for e in spells for r, b in (scores.loc[(rule, e, n)] for n in LEADS)),
        ]
        for rule in by_five
    ]
    parts = [
        "# Births per woman: which path\n",
        "Written by `python -m studies.fertility_paths`; do not edit.\n",
        "Estimates of births per woman of World Population Prospects 2024, all countries with 20,000 births or more in 2000, "
        "origins at which they had 2.1 births per woman or fewer. Error of the log at so many years ahead: root mean square, "
        "%, and mean (bias) in brackets. The estimates are smooth and were made after the fact, so the trends look better "
        "than they would have on the figures of the day. The first columns may choose, the second say how the choice did.\n",
        table(head, rows),
        "What follows for the engine: to hold the last level is as good as anything at ten years and nearly so at two; a "
        "short trend that soon fades is a little better near by, if the years are not noisy; a return to a higher level, "
        "as the national path of World Population Prospects has it, or to a long mean, errs upwards. So `constant` is the "
        "default, from a level smoothed over several years where births come from a sample, and `falling` takes 3 years and 0.7.\n",
    ]
    write(PAGE, parts)


if __name__ == "__main__":
    main()
