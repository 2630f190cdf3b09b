"""School rolls carried on from the rolls themselves and from births: entrants, then grade by grade.

The method reads: break years are left out of the ratios; what moves all grades at once, families who come or go, fades; the
pattern of the grades stays, by the smoothing that rolling origins inside the known years choose for each lead; small
places lean on the whole; entrants follow the cohorts that were born, or where no births are given keep
their level, smoothed by a choice of their own; grades follow by progression (`progression`). Migration stays in the
ratios; with the children of a population projection it is the projection's own that acts, and nothing fades.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr

from forecast.basics.dims import COUNTY, GRADE, TRAJECTORY, YEAR, in_order, require_dims
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.variables import label
from forecast.demand.schools.progression import cohort_ratios, progress, progression_ratios, require_unbroken
from forecast.demand.schools.ratio_smoothing import carry, choose_smoothing


def forecast_rolls(
    rolls: xr.DataArray,
    horizon: int,
    cohorts: xr.DataArray | None = None,
    entry_grades: Sequence[int] | None = None,
    breaks: Collection[int] = (),
    open_last: bool = False,
    smoothing: str | None = None,
    shrink: bool = True,
    children: xr.DataArray | None = None,
) -> xr.Dataset:
    """Pupils of the next `horizon` years by county and grade.

    rolls: (county, year, grade) pupils, years unbroken, grades in the order of school life. cohorts: (county, year)
    children born in time for the first entry grade (`entry_cohorts`), known or projected for every year to be
    forecast; without them entrants keep their level. entry_grades: those that are entered from outside school, by
    default the first. breaks: years whose rolls follow another rule (2020): ratios that touch them are not used.
    smoothing: one name of SMOOTHERS for every lead instead of the choice; shrink: whether places lean on the whole and
    its movement fades, else each keeps its own ratios as they are. children: (trajectory?, county, year, grade)
    residents of the age of each grade, past and projected: then what is smoothed are school effects, free of
    migration, and the projection's own cohort ratios carry them on (`progression`); they also are the cohorts of the
    entrants.

    Returns pupils (trajectory?, county, year, grade), ratio of the same shape, which with children is the ratio that
    follows from the school effect, smoothing (year), its name, and the attr form ("grade"). Raises InputRefused where
    a year, a cohort or two successive years are missing.
    """
    require_dims(rolls, (COUNTY, YEAR, GRADE))
    require_unbroken(rolls)
    rolls = rolls.transpose(COUNTY, YEAR, GRADE)
    entry = list(rolls[GRADE].values[:1]) if entry_grades is None else list(entry_grades)
    years = rolls[YEAR].values[-1] + np.arange(1, horizon + 1)
    series, size = _log_ratios(rolls, len(entry), breaks, open_last, _past(children, rolls))
    fades = children is None  # the children of a projection bring its own migration
    names = (smoothing,) * horizon if smoothing else choose_smoothing(series, size, horizon, fades=fades).names
    coords = {COUNTY: rolls[COUNTY], YEAR: years, GRADE: rolls[GRADE]}
    ratio = np.full((rolls.sizes[COUNTY], horizon, rolls.sizes[GRADE]), np.nan)
    ratio[:, :, len(entry) :] = np.exp(_by_lead(series, size, names, shrink, fades)).transpose(0, 2, 1)
    ratios = xr.DataArray(ratio, coords, (COUNTY, YEAR, GRADE))
    if children is not None:
        ratios = in_order(ratios * _ahead(children, rolls, years))
        cohorts = children.sel({GRADE: entry})
    entering = _entrants(rolls.sel({GRADE: entry}), cohorts, years, breaks, smoothing, shrink)
    pupils = progress(rolls.isel({YEAR: -1}, drop=True), ratios, entering, open_last)
    found = label(xr.Dataset({"pupils": pupils, "ratio": ratios}, attrs={"form": "grade"}), "grades")
    return found.assign(smoothing=(YEAR, np.asarray(names, dtype=object)))


def _past(children: xr.DataArray | None, rolls: xr.DataArray) -> xr.DataArray | None:
    """Children of the years and grades of the rolls; all trajectories have one past."""
    if children is None:
        return None
    past = children.isel({TRAJECTORY: 0}, drop=True) if TRAJECTORY in children.dims else children
    lacking = sorted(set(rolls[YEAR].values.tolist()) - set(past[YEAR].values.tolist()))
    if lacking:
        raise InputRefused(Issue("E445", values={"years": ", ".join(map(str, lacking))}))
    return past.sel({COUNTY: rolls[COUNTY], YEAR: rolls[YEAR], GRADE: rolls[GRADE]})


def _ahead(children: xr.DataArray, rolls: xr.DataArray, years: np.ndarray) -> xr.DataArray:
    """Cohort ratios (trajectory?, county, year, grade) of the years to be forecast."""
    last = int(rolls[YEAR][-1])
    lacking = sorted(set(years.tolist()) - set(children[YEAR].values.tolist()))
    if lacking:
        raise InputRefused(Issue("E445", values={"years": ", ".join(map(str, lacking))}))
    kept = children.sel({COUNTY: rolls[COUNTY], GRADE: rolls[GRADE], YEAR: [last, *years.tolist()]})
    return cohort_ratios(kept).isel({YEAR: slice(1, None)})


def _log_ratios(
    rolls: xr.DataArray, entry: int, breaks: Collection[int], open_last: bool, children: xr.DataArray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the ratios, or of the school effects, and the pupils they start from: (county, grade, year)."""
    ratios = progression_ratios(rolls, open_last)
    if children is not None:
        with xr.set_options(arithmetic_join="exact"):
            ratios = ratios / cohort_ratios(children)
    ratios = ratios.isel({YEAR: slice(1, None), GRADE: slice(entry, None)})
    kept = [year for year in ratios[YEAR].values if year not in breaks and year - 1 not in breaks]
    if not kept:
        raise InputRefused(Issue("E444", values={"years": ", ".join(map(str, rolls[YEAR].values))}))
    before = rolls.shift({YEAR: 1, GRADE: 1})
    if open_last:
        before[{GRADE: -1}] += rolls.shift({YEAR: 1}).isel({GRADE: -1})
    size = before.sel({YEAR: kept}).isel({GRADE: slice(entry, None)}).transpose(COUNTY, GRADE, YEAR).values
    return _filled(ratios.sel({YEAR: kept}).transpose(COUNTY, GRADE, YEAR).values, size)


def _filled(ratios: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms; where a place had no pupils in the year, the ratio of the whole in that year at no weight.

    A grade without pupils anywhere keeps the whole's ratio 1.
    """
    there = (size > 0) & (ratios > 0)
    weight = np.where(there, size, 0.0)
    total = weight.sum(0)
    whole = np.where(total > 0, np.where(there, ratios * size, 0.0).sum(0) / np.where(total > 0, total, 1.0), 1.0)
    return np.log(np.where(there, ratios, whole)), weight


def _by_lead(
    series: np.ndarray, size: np.ndarray, names: tuple[str, ...], shrink: bool, fades: bool = False
) -> np.ndarray:
    """Logarithms (county, grade, lead), each lead by the smoothing named for it."""
    paths = {name: carry(series, size, name, len(names), shrink, fades) for name in dict.fromkeys(names)}
    return np.stack([paths[name][..., lead] for lead, name in enumerate(names)], axis=-1)


def _entrants(
    known: xr.DataArray,
    cohorts: xr.DataArray | None,
    years: np.ndarray,
    breaks: Collection[int],
    smoothing: str | None,
    shrink: bool,
) -> xr.DataArray:
    """Pupils (trajectory?, county, year, entry grade): per child, smoothed, times the children.

    cohorts: (trajectory?, county, year, [entry grade]). Without them every year has the same: the level is smoothed.
    The smoothing is chosen for the entrants alone: births in a small place scatter more than a grade that goes up. No
    trend is drawn on, because births turn.
    """
    if cohorts is None:
        every = np.concatenate([known[YEAR].values, years])
        cohorts = xr.DataArray(1.0, {COUNTY: known[COUNTY], YEAR: every}, (COUNTY, YEAR))
        shrink = False  # entrants are numbers here, no ratios: places differ by their size
    cohorts = cohorts.broadcast_like(known[GRADE]).sel({COUNTY: known[COUNTY]})
    lacking = sorted(set(years.tolist()) - set(cohorts[YEAR].values.tolist()))
    if lacking or bool(cohorts.sel({YEAR: years}).isnull().any()):
        raise InputRefused(Issue("E445", values={"years": ", ".join(map(str, lacking or years.tolist()))}))
    past = cohorts.isel({TRAJECTORY: 0}, drop=True) if TRAJECTORY in cohorts.dims else cohorts
    both = [year for year in known[YEAR].values if year in past[YEAR].values and year not in breaks]
    both = [year for year in both if bool((past.sel({YEAR: year}) > 0).all())]
    if not both:
        raise InputRefused(Issue("E445", values={"years": ", ".join(map(str, known[YEAR].values))}))
    born = past.sel({YEAR: both}).transpose(COUNTY, GRADE, YEAR).values
    pupils = known.sel({YEAR: both}).transpose(COUNTY, GRADE, YEAR).values
    series, size = _filled(pupils / born, born)
    horizon = years.size
    names = (smoothing,) * horizon if smoothing else choose_smoothing(series, size, horizon, trends=False).names
    share = np.exp(_by_lead(series, size, names, shrink))
    share *= pupils[..., -1:] > 0  # a school that takes in nobody now is not given new pupils
    coords = {COUNTY: known[COUNTY], YEAR: years, GRADE: known[GRADE]}
    per_child = xr.DataArray(share.transpose(0, 2, 1), coords, (COUNTY, YEAR, GRADE))
    return in_order(per_child * cohorts.sel({YEAR: years}))
