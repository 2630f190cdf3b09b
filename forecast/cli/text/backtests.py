"""The scores of a backtest as plain text: how far off, against the best rival, and how often the bands held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from forecast.basics.catalogue import say
from forecast.cli.text.comparison import aligned

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

FORECAST = "forecast"


def score_table(scores: xr.Dataset) -> pd.DataFrame:
    """One row a lead and age group: errors of the forecast, the rival with the smallest weighted error, coverage.

    scores: as `forecast.backtest.population.score` returns them. Shares, not percent.
    """
    ours = scores.sel(approach=FORECAST, drop=True)
    others = scores.weighted_error.drop_sel(approach=FORECAST)
    best = others.fillna(float("inf")).argmin("approach")
    names = others["approach"].values[best.transpose("lead", "age_group").values]
    columns = ["cases", "median_ape", "mean_ape", "bias", "weighted_error", "cover_80", "cover_95", "crps"]
    table = ours[columns].to_dataframe(dim_order=["lead", "age_group"])
    rival = others.min("approach").transpose("lead", "age_group").values.reshape(-1)
    table = table.assign(best_rival=names.reshape(-1), best_rival_error=rival).reset_index()
    return table[table["cases"] > 0]


def score_lines(table: pd.DataFrame, lang: str) -> list[str]:
    """The table of `score_table` for a terminal, a block for each of the leads 1, 3, 5, 10, 20 ... and the last."""
    last = table["lead"].max()
    words = {key: say(f"cli.backtest.{key}", lang) for key in _COLUMNS}
    rows: list[str | list[str]] = []
    for lead, here in table[table["lead"].isin([1, 3, 5, *range(10, last, 10), last])].groupby("lead"):
        rows.append([say("cli.backtest.lead", lang, years=lead), "", *words.values()])
        for row in here.itertuples():
            shares = [f"{getattr(row, key):.1%}" for key in _COLUMNS if key != "rival"]
            group = say("cli.backtest.total", lang) if row.age_group == "total" else str(row.age_group)
            rival = f"{row.best_rival_error:.1%} {say(f'cli.backtest.approach.{row.best_rival}', lang)}"
            rows.append([f"  {group}", "", *shares, rival])
    return [*aligned(rows), "", say("cli.backtest.legend", lang)]


def roll_lines(table: pd.DataFrame, lang: str) -> list[str]:
    """The scores of school rolls for a terminal: a block for each lead, a line for each approach, ours first."""
    words = [say(f"cli.backtest.{key}", lang) for key in (*_ROLL_COLUMNS, "coverage")]
    rows: list[str | list[str]] = []
    for lead, here in table.groupby("lead"):
        rows.append([say("cli.backtest.lead", lang, years=lead), "", *words])
        ours = here["approach"] == FORECAST
        for _, row in [*here[ours].iterrows(), *here[~ours].iterrows()]:
            cells = [row[key] for key in (*_ROLL_COLUMNS, "coverage")]
            is_ours = row["approach"] == FORECAST
            name = say("cli.backtest.ours" if is_ours else f"cli.backtest.approach.{row['approach']}", lang)
            rows.append([f"  {name}", "", *("–" if cell != cell else f"{cell:.1%}" for cell in cells)])
    return [*aligned(rows), "", say("cli.backtest.roll_legend", lang)]


_ROLL_COLUMNS = ("cell_error", "county_error", "county_bias", "total_error")
_COLUMNS = ("median_ape", "bias", "cover_80", "cover_95", "weighted_error", "rival")
