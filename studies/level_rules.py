"""Simple rules of the fit beside models of statsmodels, on years and places that no page reports.

Part of the page of settings (`backtest_settings`): the level of fertility on the total fertility of other countries to
1990, and counties' ratios of births and deaths on Swedish counties to 1990, as they are and made small by drawing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from forecast.basics.dims import YEAR
from forecast.population.fit.account import Account, account_of
from forecast.population.fit.fertility import level_path
from forecast.population.fit.fitted import Settings
from forecast.population.past.history import complete_history
from studies import places, published
from studies.fertility_abroad import BIRTHS, LOW, LOW_YEARS
from studies.pages import table

ORIGINS, LAST, HORIZON = range(1970, 1990, 4), 1990, 10
LEADS = (1, 5, 10)
REPORTED = (352, 554, 578, 752, 840)  # Iceland, New Zealand, Norway, Sweden, United States
YEARS_SEEN = 30  # of a country's series that a model is given
OWN_MEAN = 25

Rule = Callable[[np.ndarray, float, int], np.ndarray]
"""Log levels of the past (year,), log level of other countries, horizon -> log levels to come (horizon,)."""


def _ours(levels: np.ndarray, abroad: float, horizon: int) -> np.ndarray:
    kept = Settings()
    return level_path(levels, horizon, kept.slope_years, kept.fertility_damping, kept.fertility_reversion, abroad)


def _own_mean(levels: np.ndarray, abroad: float, horizon: int) -> np.ndarray:
    return level_path(levels, horizon, 3, 0.85, 0.2, float(levels[-OWN_MEAN:].mean()))


def _between(levels: np.ndarray, abroad: float, horizon: int) -> np.ndarray:
    return level_path(levels, horizon, 3, 0.7, 0.1, (float(levels[-OWN_MEAN:].mean()) + abroad) / 2)


def _last_value(levels: np.ndarray, abroad: float, horizon: int) -> np.ndarray:
    return np.repeat(levels[-1], horizon)


def _state_space(kind: str) -> Rule:
    def rule(levels: np.ndarray, abroad: float, horizon: int) -> np.ndarray:
        from statsmodels.tsa.statespace.structural import UnobservedComponents

        found: np.ndarray = UnobservedComponents(levels[-YEARS_SEEN:], kind).fit(disp=False).forecast(horizon)
        return found

    return rule


def _damped_smoothing(levels: np.ndarray, abroad: float, horizon: int) -> np.ndarray:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    model = ETSModel(levels[-YEARS_SEEN:], error="add", trend="add", damped_trend=True)
    found: np.ndarray = model.fit(disp=False).forecast(horizon)
    return found


RULES: Mapping[str, Rule] = {
    "damped trend, 3 % a year of the way to other countries (kept)": _ours,
    "damped trend, a fifth a year of the way to the own mean of 25 years (before)": _own_mean,
    "damped trend, 10 % a year of the way to half other countries, half the own mean": _between,
    "last value": _last_value,
    "statsmodels: local level (UnobservedComponents)": _state_space("local level"),
    "statsmodels: local linear trend (UnobservedComponents)": _state_space("local linear trend"),
    "statsmodels: damped exponential smoothing (ETSModel)": _damped_smoothing,
}


def fertility_part(folder: Path) -> Iterable[str]:
    """Errors of the rules on the total fertility of other countries."""
    known = countries(folder)
    rows = [(name, *cells(known, rule)) for name, rule in RULES.items()]
    number = sum(len(levels) for _, levels, _, _ in known)
    yield "## The level of fertility: rules and models\n"
    yield (
        f"Total fertility of the countries below {LOW} births per woman ({number} series at the origins {ORIGINS[0]}, "
        f"{ORIGINS[1]} ... {ORIGINS[-1]}; World Population Prospects 2024, without the countries of the places that are reported), "
        f"nothing after {LAST}. Mean of |log error|, and in brackets the mean of counted less forecast, %.\n"
    )
    yield table(("rule", *(f"{lead} years" if lead > 1 else "1 year" for lead in LEADS)), rows)


Known = tuple[int, np.ndarray, np.ndarray, float]
"""Origin, log levels (country, year) up to it, those to come (country, horizon; NaN after `LAST`), log of the median."""


def countries(folder: Path) -> list[Known]:
    """Series of the countries where fertility is low at each origin."""
    annual = published.table(folder / "wpp2024", "annual")
    tfr, births = (annual.pivot(index="year", columns="country_code", values=name) for name in ("tfr", "births"))
    found = []
    for origin in ORIGINS:
        low = (tfr.loc[origin - LOW_YEARS + 1 : origin] < LOW).all() & (births.loc[origin] >= BIRTHS)
        low &= ~low.index.isin(REPORTED)
        logs = pd.DataFrame(np.log(tfr.loc[:, low]))
        after = logs.reindex(range(origin + 1, origin + HORIZON + 1)).T.to_numpy(copy=True)
        after[:, max(LAST - origin, 0) :] = np.nan
        found.append((origin, logs.loc[:origin].T.to_numpy(), after, float(logs.loc[origin].median())))
    return found


def cells(known: Iterable[Known], rule: Rule) -> list[str]:
    """Mean error and bias of a rule at each of `LEADS`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # models of short series tell that they did not converge; their error shows it
        errors = np.concatenate([
            after - np.stack([rule(levels, abroad, HORIZON) for levels in before]) for _, before, after, abroad in known
        ])  # fmt: skip
    at = errors[:, [lead - 1 for lead in LEADS]]
    return [
        f"{100 * size:.1f} ({100 * bias:+.1f})"
        for size, bias in zip(np.nanmean(abs(at), axis=0), np.nanmean(at, axis=0), strict=True)
    ]


THINNED = (1, 30, 300)
"""Counties as they are, and with one of so many persons drawn: some 270,000, 9,000 and 900 residents."""


def ratios_part(folder: Path) -> Iterable[str]:
    """Counties' births and deaths over expected: a Poisson model with a factor for each county, and the shrinkage."""
    known = account_of(complete_history(places.sweden(folder).sel({YEAR: slice(None, LAST)})))
    rows = [
        (name, f"1 in {one}" if one > 1 else "all", *(f"{score:.2f}" for score in ratio_scores(known, name, one)))
        for name in ("births", "deaths")
        for one in THINNED
    ]
    yield "## Counties' ratios of births and deaths: shrinkage and Poisson regression\n"
    yield (
        "Ratio of a Swedish county to the whole over five years, origins 1973 to 1985, as forecast of the five after, whole "
        "as it came; and the same of places made small by drawing one of so many births, deaths and residents. Mean Poisson "
        "deviance a county (lower: better). The regression (statsmodels, GLM, exposure: expected) has a factor for each "
        "county; the shrinkage adds expected events to both sides.\n"
    )
    yield table(("events", "persons", "regression", "shrinkage (kept)", "no ratio"), rows)


def ratio_scores(known: Account, name: str, one: int) -> np.ndarray:
    """(regression, shrinkage, none) mean deviance over origins and counties."""
    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    warnings.simplefilter(
        "ignore", PerfectSeparationWarning
    )  # a factor for each county meets its count: it is asked to
    settings = Settings()
    drawn = np.random.default_rng(one)
    found = []
    for origin in range(5, known.steps - 4, 2):
        (seen, due), (later, later_due) = (
            events(known, name, slice(first, first + 5)) for first in (origin - 4, origin + 1)
        )
        seen, later = ((drawn.poisson(part / one) if one > 1 else part) for part in (seen, later))
        due, later_due = due / one, later_due / one
        dummies = np.eye(seen.size)
        model = sm.GLM(np.maximum(seen, 0.01), dummies, family=sm.families.Poisson(), exposure=due).fit()
        own = settings.own_births if name == "births" else settings.own_deaths
        shrunk = (seen + own) / (due + own) if name == "births" else 1 + (seen / due - 1) * seen / (seen + own)
        ratios = (np.exp(model.params), shrunk, np.ones(seen.size))
        found.append([deviance(later, later_due * ratio) for ratio in ratios])
    return np.mean(found, axis=0)


def events(known: Account, name: str, years: slice) -> tuple[np.ndarray, np.ndarray]:
    """(county,) births or deaths of some years, and as many as at the whole's rates by age."""
    if name == "births":
        seen, people = known.mothers[:, years].sum(1), known.women[:, years].sum(1)
    else:
        seen, people = (part[:, years].sum((1, 2)) for part in (known.deaths, known.entering))
    whole = seen.sum(0) / np.maximum(people.sum(0), 1.0)
    return seen.sum(-1), (people * whole).sum(-1)


def deviance(seen: np.ndarray, expected: np.ndarray) -> float:
    """Mean Poisson deviance; expectations scaled to the same sum, because only ratios are judged."""
    scaled = np.maximum(expected * seen.sum() / expected.sum(), 1e-9)
    logs = np.where(seen > 0, seen * np.log(np.maximum(seen, 1e-9) / scaled), 0.0)
    return float(2 * (logs - seen + scaled).mean())
