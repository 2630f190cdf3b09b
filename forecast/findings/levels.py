"""Flags: which class of shortage or surplus is so likely, and so near, that its answer must be decided now.

A class is red where at least half of the trajectories have it and it has begun by the end of the lead time of its
answer and one year more, amber where at least a quarter have. Levels, answers and lead times are data
(`rules/warning.toml`). What cannot be judged is a flag of its own: silence would read as balance. Where places are
implied by rolls, more pupils than were ever held are no shortage, as nobody has counted the places: only fewer pupils
raise a flag, and the other side is told as unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.basics.issues import InputRefused, Issue
from forecast.supply.gap import has_words
from forecast.waves.sentence import SHORTAGES

COLUMNS = (
    "county",
    "service",
    "level",
    "category",
    "probability",
    "standard_error",
    "first_year",
    "answer",
    "lead_time",
    "decide_by",
    "late",
    "class_probability",
    "sure_of_window",
)
LEVELS = ("red", "amber", "undetermined", "unknown")
"""Gravest first; `undetermined`: the horizon is too short to tell, `unknown`: demand or supply is not known."""


@dataclass(frozen=True)
class WarningRules:
    """Share from which a flag is amber and red; answers of each class; years that each answer takes."""

    amber: float
    red: float
    answers: Mapping[str, tuple[str, ...]]
    lead_time: Mapping[str, int]

    @classmethod
    def of(cls, entries: Mapping[str, Any]) -> WarningRules:
        """The rules of `rules/warning.toml`, given as dotted key -> Quantity or names.

        Raises InputRefused where the levels are not 0 < amber <= red <= 1 or an answer has no lead time.
        """
        parts: dict[str, dict[str, Any]] = {}
        for key, entry in entries.items():
            section, _, name = key.partition(".")
            parts.setdefault(section, {})[name] = entry
        answers = parts["answers"]
        lead_time = {name: int(entry.value) for name, entry in parts["lead_time"].items()}
        amber, red = (float(parts["levels"][name].value) for name in ("amber", "red"))
        faults = sorted({name for names in answers.values() for name in names} - set(lead_time))
        if not 0 < amber <= red <= 1:
            faults.append(f"amber = {amber:g}, red = {red:g}")
        if faults:
            raise InputRefused(Issue("E437", "rules/warning.toml", values={"found": ", ".join(faults)}))
        return cls(amber, red, answers, lead_time)


MORE_THAN_HELD = (*SHORTAGES, "crest_then_surplus")
"""Classes that begin with more need than places."""


def held_places(kinds: xr.DataArray) -> frozenset[tuple[str, str]]:
    """(county, service) where need is held against the most pupils ever held. kinds: (county, service)."""
    held = has_words(kinds, "held").transpose(COUNTY, SERVICE)
    return frozenset(
        (str(held[COUNTY].values[i]), str(held[SERVICE].values[j])) for i, j in np.argwhere(held.to_numpy())
    )


def warn(
    classes: xr.Dataset,
    now: int,
    rules: WarningRules,
    build_years: Mapping[str, int] | None = None,
    held: frozenset[tuple[str, str]] = frozenset(),
    trajectories: int = 1,
) -> pd.DataFrame:
    """One row per county, service and flagged class, gravest first, then soonest.

    classes      as `classify_waves` gives it (county, service?, category, year)
    now          the year of the decision; an answer decided now stands `lead_time` years later
    build_years  lead time of building by service, from the demand models; the rules' own for the others
    held         of `held_places`
    trajectories from how many the shares are

    level, category    red or amber with the class; `undetermined` where that class reaches the amber share; `unknown`
                       where nothing can be said (category "")
    probability        share of trajectories in which the class has begun by now + lead time + 1, and its standard_error
                       (binomial); 0 where there is one path
    first_year         first year by which it has begun in the share that makes the level
    answer, lead_time  the first choice of the rules and the years it takes; decide_by: first_year - lead_time, at which
                       the answer would just be in time; late: by how many years that is before `now`, 0 where it is not
    class_probability  probability of the class at any time; sure_of_window: the likeliest class is the same with
                       break-even years two less and two more
    A county and service without a row is balanced, or its class begins later than its answer takes.
    """
    build_years = {} if build_years is None else build_years
    by_service = classes if SERVICE in classes.dims else classes.expand_dims({SERVICE: [""]})
    shares = by_service["class_probability"].transpose(COUNTY, SERVICE, "category").to_numpy()
    begun = by_service["begun"].transpose(COUNTY, SERVICE, "category", YEAR).to_numpy()
    likeliest = by_service["likeliest"].transpose(COUNTY, SERVICE, "shift").to_numpy()
    categories = {str(name): row for row, name in enumerate(classes["category"].values)}
    years = classes[YEAR].to_numpy()
    rows = []
    for i, county in enumerate(by_service[COUNTY].values):
        for j, service in enumerate(by_service[SERVICE].values):
            sure = len(set(likeliest[i, j].tolist())) == 1
            by_class = {name: (float(shares[i, j, row]), begun[i, j, row]) for name, row in categories.items()}
            place = str(county), str(service)
            flagged = _flags(by_class, years, sure, now, build_years.get(place[1]), rules)
            if place in held:
                flagged = _without_shortage(flagged)
            rows += [{COUNTY: place[0], SERVICE: place[1]} | row for row in flagged]
    flags = pd.DataFrame(rows, columns=list(COLUMNS))
    share = flags["probability"].astype(float)
    flags["standard_error"] = (share * (1 - share) / trajectories).map(sqrt, na_action="ignore")
    order = flags["level"].map({level: rank for rank, level in enumerate(LEVELS)})
    return flags.assign(rank=order).sort_values(["rank", "first_year"], kind="stable", ignore_index=True)[list(COLUMNS)]


def _without_shortage(flags: list[dict[str, object]]) -> list[dict[str, object]]:
    """Flags of a place without those of a shortage, in whose stead it is said once that nothing is known."""
    kept = [flag for flag in flags if flag["category"] not in MORE_THAN_HELD]
    return kept if len(kept) == len(flags) else [*kept, UNKNOWN]


NOTHING = {"answer": "", "lead_time": np.nan, "decide_by": np.nan, "late": np.nan, "first_year": np.nan}
UNKNOWN: dict[str, object] = {
    **NOTHING,
    "level": "unknown",
    "category": "",
    "probability": np.nan,
    "class_probability": np.nan,
    "sure_of_window": False,
}


def _flags(
    by_class: Mapping[str, tuple[float, np.ndarray]],
    years: np.ndarray,
    sure: bool,
    now: int,
    build_years: int | None,
    rules: WarningRules,
) -> list[dict[str, object]]:
    """Flags of one county and service; by_class: class -> its probability, and the share in which it has begun by year."""
    if any(np.isnan(share) for share, _ in by_class.values()):
        return [UNKNOWN]
    rows: list[dict[str, object]] = []
    for category, names in rules.answers.items():
        answer = names[0]
        lead = rules.lead_time[answer] if answer != "build" or build_years is None else build_years
        likely, begun = by_class[category]
        in_time = begun[years <= now + lead + 1]
        share = float(in_time.max()) if in_time.size else 0.0
        level = "red" if share >= rules.red else "amber" if share >= rules.amber else None
        if level is None:
            continue
        first = int(years[begun >= getattr(rules, level)][0])
        rows.append(
            {
                "level": level,
                "category": category,
                "probability": share,
                "first_year": first,
                "answer": answer,
                "lead_time": lead,
                "decide_by": first - lead,
                "late": max(now - first + lead, 0),
                "class_probability": likely,
                "sure_of_window": sure,
            }
        )
    doubt = by_class["undetermined"][0]
    if doubt >= rules.amber:
        row = {"level": "undetermined", "category": "undetermined", "probability": doubt, "class_probability": doubt}
        rows.append(NOTHING | row | {"sure_of_window": sure})
    return rows
