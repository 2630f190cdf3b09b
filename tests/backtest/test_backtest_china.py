"""China's counties from one census: better than rivals where nothing was learnt, and a county alone as among all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from forecast.population.past.census import count_of
from forecast.population.past.one_census import growth_of, kept_with_pattern
from forecast.region import Region
from studies import backtest_china


@pytest.mark.slow
def test_chinese_counties_are_forecast_from_one_census_better_than_by_rivals(reference: Path, tmp_path: Path) -> None:
    """Odd codes only: what one census says of migration was learnt on the even ones (docs/accuracy/china.md)."""
    forms = backtest_china.forms_of(reference, tmp_path)
    study = forms["cold"].study
    odd = study.kept & ~study.even
    groups = list(backtest_china.GROUPS)

    def errors(form: backtest_china.Form) -> dict[str, float]:
        made, seen = form.forecast[odd], backtest_china.grouped(study.seen)[odd]
        return dict(zip(groups, abs(made - seen).sum(0) / seen.sum(0), strict=True))

    ours, alone, closed = (errors(forms[name]) for name in ("cold", "cold_ages", "closed"))
    assert ours["total"] < 0.11
    assert ours["20-29"] < 0.22
    assert ours["0-14"] < 0.181
    assert ours["65+"] < 0.081
    assert all(ours[group] < alone[group] < closed[group] for group in groups)
    bias = forms["cold"].forecast[odd] / backtest_china.grouped(study.seen)[odd] - 1
    assert abs(bias[:, groups.index("20-29")].mean()) < 0.10
    tonglu = study.codes.index("330122")  # a county of Zhejiang as a region of its own
    alone, known = only(study.region, "330122"), kept_with_pattern(study.region)
    own = growth_of(alone, known, count_of(alone, 2010).on_the_day.rename(unit="county"), 2010)
    among_all = growth_of(study.region, known, study.past.census, 2010)
    np.testing.assert_allclose(own.values[0], among_all.values[tonglu], rtol=1e-12)


def only(region: Region, county: str) -> Region:
    table = region.tables["population"]
    tables = {**region.tables, "population": table[table.county == county]}
    return replace(region, tables=tables, counties=region.counties.loc[[county]])
