"""The schools of a run as the chapter and the page read them: series by place and stage, the years told, ranges."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from forecast.basics.dims import COUNTY, SERVICE, YEAR
from forecast.demand.schools.changes import ROLL_STEPS
from forecast.findings.schools import CREST, LIMIT, Schools
from forecast.report.view.facts import RANK, Facts, weakest
from forecast.report.words import Text, both, count, joined

SPAN = 15
"""Years from the decision on in which the tightest year is looked for, as in the flags."""


class View:
    """`facts` and the run's `held` schools; `now` is the year of the decision, `far` the year that every sentence
    tells, `last` the last in which the tightest year is looked for."""

    def __init__(self, facts: Facts, held: Schools):
        self.facts, self.held = facts, held
        self.stages = [str(name) for name in held.table[SERVICE].values]
        self.now = facts.run.flags.now
        ahead = [year for year in (facts.look + step for step in (0, 5, 10)) if self.now < year <= facts.horizon]
        self.marks = [self.now, *ahead]  # the years told: after the decision the year looked at, five and ten years on
        self.far = self.marks[min(2, len(ahead))]
        self.last = min(self.now + SPAN, facts.horizon)
        whole = held.changes[held.changes[COUNTY].isin(facts.places)]
        self.acting = [step for step in ROLL_STEPS if (whole[step].abs() >= 0.5).any()]  # steps that change a roll
        self._cubes: dict[str, np.ndarray] = {}

    def _cube(self, source: str, name: str) -> np.ndarray:
        """(..., stage, place, year) bare, of `held.table`, `held.bands` or `held.smaller`."""
        key = f"{source}.{name}"
        if key not in self._cubes:
            own = getattr(self.held, source)[name].sel({COUNTY: self.facts.places})
            self._cubes[key] = own.transpose(..., SERVICE, COUNTY, YEAR).to_numpy()
        return self._cubes[key]

    def series(self, name: str, place: str, stage: str) -> np.ndarray:
        """A column of the school table by year."""
        own: np.ndarray = self._cube("table", name)[self.stages.index(stage), self.facts.places.index(place)]
        return own

    def at(self, name: str, place: str, stage: str, year: int) -> float:
        return float(self.series(name, place, stage)[self.facts.years.index(year)])

    def whole(self, name: str, stage: str, year: int) -> float:
        return self.at(name, self.facts.area, stage, year)

    def ends(self, name: str, stage: str, year: int) -> tuple[float, float] | None:
        """The 80 % range of the whole; None in a run of one path, for what is past, and for what has none."""
        if self.held.bands is None or name not in self.held.bands or year <= self.facts.jump_off:
            return None
        at = self.stages.index(stage), self.facts.places.index(self.facts.area), self.facts.years.index(year)
        low, high = (float(level[at]) for level in self._cube("bands", name))
        return low, high

    def within(self, name: str, stage: str, year: int) -> Text:
        ends = self.ends(name, stage, year)
        return Text("", "") if ends is None else both("sure.within", low=count(ends[0]), high=count(ends[1]))

    def freed(self, stage: str, year: int) -> float:
        """Posts fewer than in the year of the decision."""
        return self.whole("posts", stage, self.now) - self.whole("posts", stage, year)

    def smaller(self, name: str, stage: str, limit: int, year: int) -> float:
        """What classes of the whole that are `limit` steps smaller ask for."""
        at = limit, self.stages.index(stage), self.facts.places.index(self.facts.area), self.facts.years.index(year)
        return float(self._cube("smaller", name)[at])

    def class_size(self, stage: str, limit: int) -> float:
        """Pupils of a full class in the far year."""
        return float(self.held.smaller["class_size"].sel({SERVICE: stage, YEAR: self.far, LIMIT: limit}))

    def tightest(self, place: str, stage: str) -> int | None:
        """The year with the smallest gap from the decision on; None where a gap is not known."""
        first, last = (self.facts.years.index(year) for year in (self.now, self.last))
        gap = self.facts.values("gap", stage)[self.facts.places.index(place), first : last + 1]
        return None if np.isnan(gap).any() else self.now + int(gap.argmin())


def gap_of(view: View, stage: str, year: int) -> float:
    return view.facts.at("gap", view.facts.area, stage, year)


def odds_of(view: View, stage: str, year: int) -> float | None:
    return view.facts.chance("p_short", view.facts.area, stage, year) if view.facts.many else None


def span_of(low: float, high: float) -> Text:
    return both("school.span", low=signed(low), high=signed(high))


def signed(value: float) -> Text:
    """A number in words with its sign."""
    size, sign = count(abs(value)), "−" if round(value) < 0 else "+" if round(value) > 0 else ""
    return Text(sign + size.zh, sign + size.en)


def gap_basis(view: View) -> str:
    return weakest(*(view.facts.gap_basis(stage) for stage in view.stages))


def basis_of_column(view: View, column: str) -> str:
    """The weakest basis of a column over the stages."""
    return weakest(*(basis for basis in view.held.basis[column].values() if basis in RANK))


def stages_in(view: View, kinds: str) -> Text:
    return joined([view.facts.short_name(stage) for stage in kinds.split("+")])


def audited(view: View) -> list[str]:
    return [] if view.held.audit is None else [str(name) for name in view.held.audit[SERVICE].values]


def audit_of(view: View, stage: str) -> xr.Dataset:
    """The audit of the whole (year) for a stage."""
    held = view.held.audit
    assert held is not None  # noqa: S101 - asked only for stages that have one
    return held.sel({COUNTY: view.facts.area, SERVICE: stage}, drop=True)


def year_of(year: int) -> Text:
    return Text(f"{year}年", str(year))


# ---- what the page draws from ------------------------------------------------------------------------------------


def posts_by_year(view: View) -> dict[str, dict[str, list[int | None]]]:
    """Posts by place and stage, from the jump-off year on."""
    start = view.facts.years.index(view.facts.jump_off)
    return {
        place: {stage: _rounded(view.series("posts", place, stage), start) for stage in view.stages}
        for place in view.facts.places
    }


def _rounded(values: np.ndarray, start: int) -> list[int | None]:
    """Whole numbers from a position on, None before it and where nothing is known."""
    return [round(one) if at >= start and math.isfinite(one) else None for at, one in enumerate(values.tolist())]


def crest_changes(view: View) -> dict[str, list[dict[str, object]]]:
    """Place -> for each stage with a crest its years, the net change and the steps that act."""
    table = view.held.changes
    found: dict[str, list[dict[str, object]]] = {place: [] for place in view.facts.places}
    for row in table[table["period"] == CREST].to_dict("records"):
        sizes = {step: round(row[step]) for step in view.acting if abs(row[step]) >= 0.5}
        if str(row[COUNTY]) in found:
            one = {
                "s": row[SERVICE],
                "first": row["first"],
                "last": row["last"],
                "net": round(row["after"] - row["before"]),
            }
            found[str(row[COUNTY])].append({**one, "steps": sizes})
    return found


def planned_uses(view: View) -> dict[str, dict[str, list[int]]]:
    """Stage -> years, and how many of the new places of the whole each use takes."""
    found = {}
    for stage in audited(view):
        own = audit_of(view, stage)
        years = {"years": own[YEAR].values.tolist()}
        found[stage] = years | {name: own[name].round().astype(int).values.tolist() for name in USES}
    return found


USES = ("for_lasting", "for_crest", "idle")
"""What a planned place is for, as `audit_places` splits them."""
