"""One page of a backtest: what it says of errors, bands and rivals, and its picture."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import xarray as xr

from forecast.backtest import population as bt
from forecast.basics.dims import APPROACH
from studies.pages import table

SIZE_LEADS = (1, 5, 10)
SIZES = (0, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 10**9)
NAMED = ("total", "6-14", "5-14", "20-29", "65+")  # groups whose coverage has a bar
BARS_80, BARS_95 = (0.75, 0.85), (0.92, 0.97)


def page(
    title: str, note: str, found: xr.Dataset, scores: xr.Dataset, completed: tuple[str, ...], name: str, sign: str
) -> Iterable[str]:
    yield f"# {title}\n\nWritten by `python -m studies.backtests`; do not edit.\n"
    yield f"{note}\n"
    origins = found.origin.values
    yield (
        f"{found.sizes['county']} places, origins {origins[0]} to {origins[-1]} ({origins.size}), up to "
        f"{found.sizes['lead']} years ahead, {found.attrs['trajectories']} trajectories. "
        f"Completed: {'; '.join(completed) or 'nothing, all was counted'}. {sign}\n"
    )
    yield f"![error and coverage]({name}.svg)\n"
    yield "## Errors and bands\n"
    yield EXPLAINED
    for lead in leads_of(scores):
        yield f"{lead} years ahead, {int(scores.cases.sel(lead=lead).max())} cases:\n"
        yield score_table(scores.sel(lead=lead))
    yield "All leads together:\n"
    yield coverage_table(scores)
    yield "All age groups together, by years ahead:\n"
    yield lead_table(scores)
    yield "## Rivals: weighted error, %\n"
    for lead in leads_of(scores):
        yield f"{lead} years ahead:\n"
        yield rival_table(scores.sel(lead=lead))
    yield lost_text(scores, "five_year_means", "the run of five-year means")
    yield best_text(scores)
    sizes = size_table(found)
    if sizes:
        yield "## By residents at the origin\n\nMedian error of the total, %, and coverage of the 80 and 95 % bands, %, all age groups.\n"
        yield sizes


EXPLAINED = (
    "*median*, *mean*: of |forecast / counted - 1|, %. *weighted*: sum of |error| over sum of counted, %. *bias*: mean of "
    "forecast / counted - 1, %. *cover*: share of counts inside the 80 and 95 % bands, %. *CRPS*: over the counted mean, %. "
    "*best rival*: the least weighted error of any rival, %.\n"
)


def leads_of(scores: xr.Dataset) -> list[int]:
    """The leads that are tabulated: 1, 5 and the last with cases."""
    known = [int(lead) for lead in scores.lead.values if int(scores.cases.sel(lead=lead).max()) > 0]
    return sorted({lead for lead in (1, 5, 10, known[-1]) if lead in known})


def score_table(at: xr.Dataset) -> str:
    best = bt.best_rival(at)
    rows = []
    for group in at.age_group.values:
        of_group = at.sel(age_group=group)
        ours = of_group.sel({APPROACH: bt.FORECAST})
        rows.append((
            group, *(percent(ours[name]) for name in ("median_ape", "mean_ape", "weighted_error")),
            percent(best.sel(age_group=group)), percent(ours.bias, sign=True),
            percent(of_group.cover_80, 0), percent(of_group.cover_95, 0), percent(of_group.crps),
        ))  # fmt: skip
    head = ("ages", "median", "mean", "weighted", "best rival", "bias", "cover 80", "cover 95", "CRPS")
    return table(head, rows)


def pooled(scores: xr.Dataset, groups: Iterable[str] | None = None) -> tuple[float, float]:
    """Coverage of all cases of these groups, at 80 and 95 %."""
    chosen = scores if groups is None else scores.sel(age_group=list(groups))
    low, high = (float((chosen[name] * chosen.cases).sum() / chosen.cases.sum()) for name in ("cover_80", "cover_95"))
    return low, high


def coverage_table(scores: xr.Dataset) -> str:
    rows = [(group, *map(percent_0, pooled(scores, [group]))) for group in scores.age_group.values]
    return table(("ages", "cover 80", "cover 95"), [*rows, ("all", *map(percent_0, pooled(scores)))])


def rival_table(at: xr.Dataset) -> str:
    rows = [
        (name.replace("_", " "), *(percent(v) for v in at.weighted_error.sel({APPROACH: name}).values))
        for name in at[APPROACH].values
    ]
    return table(("", *at.age_group.values), rows)


def lost(scores: xr.Dataset, rival: str, measure: str) -> list[tuple[str, int, float]]:
    """Age group, lead and ratio wherever the rival's error is smaller."""
    pair = scores[measure].sel({APPROACH: [bt.FORECAST, rival]})
    ratio = pair.isel({APPROACH: 0}) / pair.isel({APPROACH: 1})
    return [
        (str(group), int(lead), float(value))
        for group in ratio.age_group.values
        for lead in ratio.lead.values
        if (value := ratio.sel(age_group=group, lead=lead)) > 1
    ]


def lost_text(scores: xr.Dataset, rival: str, words: str) -> str:
    cells = int((scores.cases > 0).sum())
    parts = []
    for measure, name in (("mean_ape", "mean error"), ("weighted_error", "weighted error")):
        worse = lost(scores, rival, measure)
        where = ", ".join(f"{group} at {lead} years ({ratio:.2f})" for group, lead, ratio in worse)
        parts.append(
            f"by {name} it is worse in {len(worse)} of {cells} cells of age group and lead"
            + (f": {where}" if worse else "")
        )
    return f"Against {words}, {'; '.join(parts)}.\n"


def best_text(scores: xr.Dataset) -> str:
    ours = scores.weighted_error.sel({APPROACH: bt.FORECAST})
    ratio = (ours / bt.best_rival(scores)).where(scores.cases > 0)
    worse = [
        f"{group}: {', '.join(f'{int(lead)} ({float(ratio.sel(age_group=group, lead=lead)):.2f})' for lead in leads)}"
        for group in ratio.age_group.values
        if (leads := [lead for lead in ratio.lead.values if ratio.sel(age_group=group, lead=lead) > 1])
    ]
    if not worse:
        return "By weighted error no rival is better at any lead and age group.\n"
    return (
        "Where the best of the rivals, picked afterwards for each cell, has the smaller weighted error (lead, ratio): "
        + "; ".join(worse) + ".\n"
    )  # fmt: skip


def size_table(found: xr.Dataset) -> str:
    rows = []
    for least, below in pairwise(SIZES):
        count = int(((found.residents >= least) & (found.residents < below)).any("origin").sum())
        if count == 0:
            continue
        scores = bt.score(bt.of_size(found, least, below))
        ours = scores.median_ape.sel({APPROACH: bt.FORECAST, "age_group": "total"})
        rows.append((
            f"{least:,} to {below:,}" if below < 10**9 else f"{least:,} and more", str(count),
            *(percent(ours.sel(lead=lead)) if lead in ours.lead else "" for lead in SIZE_LEADS),
            *(cover(scores.sel(lead=lead)) if lead in ours.lead else "" for lead in SIZE_LEADS), cover(scores),
        ))  # fmt: skip
    by_lead = [f"{lead} years" if lead > 1 else "1 year" for lead in SIZE_LEADS]
    head = ("residents", "places", *by_lead, *(f"cover, {lead}" for lead in by_lead), "all leads")
    return table(head, rows) if len(rows) > 1 else ""


def lead_table(scores: xr.Dataset) -> str:
    """Coverage of all age groups together, by years ahead."""
    leads = [int(lead) for lead in scores.lead.values if int(scores.cases.sel(lead=lead).max()) > 0]
    row = ("80/95", *(cover(scores.sel(lead=lead)) for lead in leads))
    return table(("cover", *(f"{lead} years" if lead > 1 else "1 year" for lead in leads)), [row])


def cover(scores: xr.Dataset) -> str:
    """Coverage at 80 and 95 %, "81/94"; nothing where nothing has been counted."""
    return "/".join(map(percent_0, pooled(scores))) if int(scores.cases.sum()) else ""


def verdicts(title: str, name: str, found: xr.Dataset, scores: xr.Dataset) -> list[str]:
    """Cells of one line of the overview."""

    def median(group: str, lead: int) -> str:
        known = group in scores.age_group and lead in scores.lead and int(scores.cases.sel(lead=lead).max()) > 0
        value = scores.median_ape.sel({APPROACH: bt.FORECAST}).sel(age_group=group, lead=lead) if known else np.nan
        return percent(value) if known else ""

    pupils = "6-15" if "6-15" in scores.age_group else "5-14"
    bars = {"all": None, **{group: [group] for group in NAMED[1:] if group in scores.age_group}}
    cover = [
        f"{key} {percent_0(low)}/{percent_0(high)}" + ("" if inside(low, BARS_80) and inside(high, BARS_95) else " !")
        for key, groups in bars.items()
        for low, high in [pooled(scores, groups)]
    ]
    ours = scores.weighted_error.sel({APPROACH: bt.FORECAST})
    ratio = (ours / bt.best_rival(scores)).where(scores.cases > 0)
    cells = int(ratio.notnull().sum())
    return [
        f"[{title}]({name}.md)", str(found.sizes["county"]), median("total", 5), median("total", 10),
        f"{median(pupils, 5)} ({pupils})", "; ".join(cover), f"{int((ratio > 1).sum())} of {cells}",
    ]  # fmt: skip


def inside(value: float, bar: tuple[float, float]) -> bool:
    return bar[0] <= round(value, 2) <= bar[1]


def percent(value: object, digits: int = 2, sign: bool = False) -> str:
    number = 100 * float(value)  # type: ignore[arg-type]
    return "" if np.isnan(number) else f"{number:+.{digits}f}" if sign else f"{number:.{digits}f}"


def percent_0(value: object) -> str:
    return percent(value, 0)


def picture(found: xr.Dataset, scores: xr.Dataset, path: Path, title: str) -> None:
    """Mean error of the forecast and the rivals by lead, and the coverage of the bands."""
    shown = [g for g in ("total", "0-5", "0-4", "6-14", "5-14", "20-29", "65+") if g in scores.age_group.values]
    names = ["forecast", "five_year_means", "hamilton_perry", "exponential", "constant"]
    part = scores.weighted_error.sel({APPROACH: names, "age_group": shown}) * 100
    frame = part.where(scores.cases.sel(age_group=shown) > 0).rename("error").to_dataframe().reset_index().dropna()
    frame[APPROACH] = frame[APPROACH].str.replace("_", " ")
    order = [name.replace("_", " ") for name in names]
    colours = alt.Scale(domain=order, range=["#b4540f", "#1f5f8b", "#6faed1", "#9fb8a6", "#b9c2ca"])
    errors = alt.Chart(frame).mark_line(clip=True).encode(
        alt.X("lead:Q", title="years ahead", axis=alt.Axis(tickMinStep=1)),
        alt.Y("error:Q", title="weighted error, %"),
        alt.Color(f"{APPROACH}:N", scale=colours, sort=order, title=None, legend=alt.Legend()),
    ).properties(width=150, height=120).facet(alt.Facet("age_group:N", title=None, sort=shown), columns=5).resolve_scale(y="independent")  # fmt: skip
    cover = pd.concat(
        scores[name].sel(age_group=shown).rename("share").to_dataframe().reset_index().assign(band=band)
        for name, band in (("cover_80", "80 %"), ("cover_95", "95 %"))
    ).dropna()
    cover["share"] *= 100
    base = alt.Chart(cover)
    lines = base.mark_line(point=True).encode(
        alt.X("lead:Q", title="years ahead", axis=alt.Axis(tickMinStep=1)),
        alt.Y("share:Q", title="counts inside the band, %", scale=alt.Scale(domain=[40, 100], clamp=True)),
        alt.Color("band:N", title=None, scale=alt.Scale(domain=["80 %", "95 %"], range=["#1f5f8b", "#b4540f"])),
    )
    bars = (
        alt.Chart(cover)
        .mark_rule(strokeDash=[4, 3], color="#b9c2ca")
        .encode(alt.Y("bar:Q", scale=alt.Scale(domain=[40, 100], clamp=True)))
    )
    bars = bars.transform_calculate(bar="datum.band == '80 %' ? 80 : 95")
    covers = alt.layer(bars, lines, data=cover).properties(width=150, height=120).facet(
        alt.Facet("age_group:N", title=None, sort=shown), columns=5
    )  # fmt: skip
    chart = alt.vconcat(errors, covers).resolve_scale(color="independent").resolve_legend(color="independent")
    chart.properties(title=title, background="white").save(str(path))
