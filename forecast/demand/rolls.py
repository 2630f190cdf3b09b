"""School rolls carried on from the rolls themselves and from births: entrants, then grade by grade.

The method reads: break years are left out of the ratios; the smoothing of each lead is chosen inside the known years
by rolling origins; small places lean on the whole (SPECS 0.2); entrants follow the cohorts that were born, or where
no births are given keep their last number; grades follow by progression (SPECS 1.1-1.3). Migration stays in the
ratios; with a population projection take `school_effects` and `ratios_of` instead, which let the projection's own
migration act.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr

from forecast.demand.progression import progress, progression_ratios, require_unbroken
from forecast.demand.smoothing import carry, choose_smoothing
from forecast.dims import COUNTY, GRADE, YEAR, label, require_dims
from forecast.errors import InputRefused, Issue


def forecast_rolls(
    rolls: xr.DataArray,
    horizon: int,
    cohorts: xr.DataArray | None = None,
    entry_grades: Sequence[int] | None = None,
    breaks: Collection[int] = (),
    open_last: bool = False,
    smoothing: str | None = None,
    shrink: bool = True,
) -> xr.Dataset:
    """Pupils of the next `horizon` years by county and grade.

    rolls: (county, year, grade) pupils, years unbroken, grades in the order of school life. cohorts: (county, year)
    children born in time for the first entry grade (`entry_cohorts`), known or projected for every year to be
    forecast; without them entrants keep their level. entry_grades: those that are entered from outside school, by
    default the first. breaks: years whose rolls follow another rule (2020): ratios that touch them are not used.
    smoothing: one name of SMOOTHERS for every lead instead of the choice; shrink: whether small places lean on the
    whole.

    Returns pupils (county, year, grade), ratio (county, year, grade), smoothing (year), its name, and the attr form
    ("grade"). Raises InputRefused where a year, a cohort or two successive years are missing.
    """
    require_dims(rolls, (COUNTY, YEAR, GRADE))
    require_unbroken(rolls)
    rolls = rolls.transpose(COUNTY, YEAR, GRADE)
    entry = list(rolls[GRADE].values[:1]) if entry_grades is None else list(entry_grades)
    years = rolls[YEAR].values[-1] + np.arange(1, horizon + 1)
    series, size = _log_ratios(rolls, len(entry), breaks, open_last)
    names = (smoothing,) * horizon if smoothing else choose_smoothing(series, size, horizon).names
    coords = {COUNTY: rolls[COUNTY], YEAR: years, GRADE: rolls[GRADE]}
    ratio = np.full((rolls.sizes[COUNTY], horizon, rolls.sizes[GRADE]), np.nan)
    ratio[:, :, len(entry) :] = np.exp(_by_lead(series, size, names, shrink)).transpose(0, 2, 1)
    ratios = xr.DataArray(ratio, coords, (COUNTY, YEAR, GRADE))
    entering = _entrants(rolls.sel({GRADE: entry}), cohorts, years, breaks, names, shrink)
    pupils = progress(rolls.isel({YEAR: -1}, drop=True), ratios, entering, open_last)
    described = (
        label(pupils, "pupils", "pupils", "stock", "grade progression"),
        label(
            ratios, "pupils per pupil of the grade below a year before", "1", "rate", "smoothed ratios of past rolls"
        ),
    )
    chosen = (YEAR, np.asarray(names, dtype=object))
    return xr.Dataset({"pupils": described[0], "ratio": described[1], "smoothing": chosen}, attrs={"form": "grade"})


def _log_ratios(
    rolls: xr.DataArray, entry: int, breaks: Collection[int], open_last: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the ratios and the pupils they start from, both (county, grade above entry, year)."""
    ratios = progression_ratios(rolls, open_last).isel({YEAR: slice(1, None), GRADE: slice(entry, None)})
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


def _by_lead(series: np.ndarray, size: np.ndarray, names: tuple[str, ...], shrink: bool) -> np.ndarray:
    """Logarithms (county, grade, lead), each lead by the smoothing named for it."""
    paths = {name: carry(series, size, name, len(names), shrink) for name in dict.fromkeys(names)}
    return np.stack([paths[name][..., lead] for lead, name in enumerate(names)], axis=-1)


def _entrants(
    known: xr.DataArray,
    cohorts: xr.DataArray | None,
    years: np.ndarray,
    breaks: Collection[int],
    names: tuple[str, ...],
    shrink: bool,
) -> xr.DataArray:
    """Pupils (county, year, entry grade): per child born smoothed as the grades are, times the children born.

    Without cohorts every year has the same: the level is smoothed, and no trend is drawn on, because births turn.
    """
    if cohorts is None:
        names = tuple("last" if name == "damped_trend" else name for name in names)
        every = np.concatenate([known[YEAR].values, years])
        cohorts = xr.DataArray(1.0, {COUNTY: known[COUNTY], YEAR: every}, (COUNTY, YEAR))
        shrink = False  # entrants are numbers here, no ratios: places differ by their size
    cohorts = cohorts.transpose(COUNTY, YEAR)
    lacking = sorted(set(years.tolist()) - set(cohorts[YEAR].values.tolist()))
    if lacking or bool(cohorts.sel({YEAR: years}).isnull().any()):
        raise InputRefused(Issue("E445", values={"years": ", ".join(map(str, lacking or years.tolist()))}))
    both = [year for year in known[YEAR].values if year in cohorts[YEAR].values and year not in breaks]
    both = [year for year in both if bool((cohorts.sel({YEAR: year}) > 0).all())]
    if not both:
        raise InputRefused(Issue("E445", values={"years": ", ".join(map(str, known[YEAR].values))}))
    born = cohorts.sel({YEAR: both}).values[:, None, :]
    pupils = known.sel({YEAR: both}).transpose(COUNTY, GRADE, YEAR).values
    share = np.exp(_by_lead(*_filled(pupils / born, np.broadcast_to(born, pupils.shape)), names, shrink))
    there = (pupils[..., -1:] > 0).transpose(0, 2, 1)  # a school that takes in nobody now is not given new pupils
    new = share.transpose(0, 2, 1) * cohorts.sel({YEAR: years}).values[:, :, None] * there
    return xr.DataArray(new, {COUNTY: known[COUNTY], YEAR: years, GRADE: known[GRADE]}, (COUNTY, YEAR, GRADE))
