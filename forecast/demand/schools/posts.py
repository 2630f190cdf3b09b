"""Posts that pupils and classes need, teachers there are, and the gap between."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, STAGE, YEAR, in_order
from forecast.basics.issues import InputRefused, Issue


def posts_by_ratio(pupils: xr.DataArray, pupils_per_post: xr.DataArray | float) -> xr.DataArray:
    """Posts at so many pupils for one: 1:19, 1:13.5, 1:12.5."""
    return (pupils / pupils_per_post).rename("posts")


def posts_by_class(classes: xr.DataArray, posts_per_class: xr.DataArray | float) -> xr.DataArray:
    """Posts at so many for one class (班师比). Asked alone."""
    return (classes * posts_per_class).rename("posts")


def posts_needed(
    pupils: xr.DataArray, by_ratio: xr.DataArray, by_class: xr.DataArray, small_below: float
) -> xr.DataArray:
    """The larger of both in schools with fewer than `small_below` pupils, which cannot be run at the ratio; else the
    ratio's. Asked alone."""
    with xr.set_options(arithmetic_join="exact"):
        larger = by_ratio.where(by_ratio >= by_class, by_class)
        return by_ratio.where(pupils >= small_below, larger).rename("posts")


def project_teachers(
    staff: xr.DataArray,
    years: int,
    retirement_age: xr.DataArray,
    quit_rate: xr.DataArray | float,
    recruits: xr.DataArray,
    recruit_age: int = 23,
) -> xr.Dataset:
    """Teachers (..., year, age) in the years after `staff`: a year older, less those who retire or quit, and recruits.
    Asked alone.

    staff: (..., age) at 31 December; retirement_age: (year) of the years to come, may be a fraction (63 at 60.25: a
    quarter of those aged 60 stay); quit_rate: a year, of those who do not retire; recruits: (..., year) of the same
    years. Returns teachers and the flows retired, quit (..., year): each year's teachers = last year's - retired -
    quit + recruits. Raises InputRefused where an age is missing.
    """
    ages = staff[AGE].values
    if recruit_age not in ages or (np.diff(ages) != 1).any():
        raise InputRefused(Issue("E414", values={"dim": AGE, "labels": str(recruit_age)}))
    by_year, before = [], staff
    for year in recruits[YEAR].values[:years]:
        older = before.shift({AGE: 1}, fill_value=0.0)
        past_last = before.isel({AGE: -1}, drop=True)  # beyond the last age all retire
        limit = float(retirement_age.sel({YEAR: year}))
        stays = xr.DataArray(np.clip(limit - ages, 0, 1), {AGE: ages}, (AGE,))
        kept = older * stays
        retired = older.sum(AGE) - kept.sum(AGE) + past_last
        left = kept * quit_rate
        new = recruits.sel({YEAR: year}, drop=True)
        entering = xr.DataArray((ages == recruit_age).astype(float), {AGE: ages}, (AGE,)) * new
        before = kept - left + entering
        by_year.append(xr.Dataset({"teachers": before, "retired": retired, "quit": left.sum(AGE)}))
    joined = xr.concat(by_year, xr.IndexVariable(YEAR, recruits[YEAR].values[:years]), join="exact")
    return joined.map(in_order)


def post_gap(teachers: xr.DataArray, needed: xr.DataArray) -> xr.DataArray:
    """Teachers less posts needed: positive is a surplus, as in the gap of places. Asked alone."""
    with xr.set_options(arithmetic_join="exact"):
        return (teachers - needed).rename("post_gap")


def retrain(gap: xr.DataArray, allowed: xr.DataArray, yuan: xr.DataArray | float = 0.0) -> xr.Dataset:
    """Teachers moved from stages with too many to stages with too few, by retraining (转岗培训). Asked alone.

    gap: (..., stage) teachers less posts; allowed: (from_stage, to_stage) share of a surplus that can be retrained,
    0 where it cannot, rows at most 1. Each surplus gives at most what it may, each shortage takes at most what it
    lacks: what the stages may send in all is cut in proportion where it is more than is needed. Returns moved (...,
    from_stage, to_stage), gap after, and yuan for all moved.
    """
    if float(allowed.sum("to_stage").max()) > 1 + 1e-9:
        raise InputRefused(
            Issue("E447", values={"county": "from_stage", "found": f"{float(allowed.sum('to_stage').max()):g}"})
        )
    offered = gap.clip(min=0).rename({STAGE: "from_stage"}) * allowed
    lacking = (-gap).clip(min=0).rename({STAGE: "to_stage"})
    sent = offered.sum("from_stage")
    part = (lacking / sent.where(sent > 0)).clip(max=1).fillna(0.0)
    moved = offered * part
    after = (
        gap + moved.sum("from_stage").rename({"to_stage": STAGE}) - moved.sum("to_stage").rename({"from_stage": STAGE})
    )
    return xr.Dataset({"moved": moved, "gap": after, "yuan": (moved * yuan).sum(["from_stage", "to_stage"])})
