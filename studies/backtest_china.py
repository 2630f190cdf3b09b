"""China's counties from the census of 2010 to that of 2020: forecast as a run would that has the first census alone.

What one census says of migration was learnt on the counties with an even code (`studies.one_census`), and the bands are
chosen on them; the page reports those with an odd one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from forecast.backtest import population as bt
from forecast.basics.dims import AGE_GROUP, APPROACH, COUNTY, LEAD, START_YEAR
from forecast.blocks import project_rows
from forecast.population.chance.processes import uncertain_frame
from forecast.population.chance.read import read_uncertainty
from forecast.population.chance.spreads import SPREADS, Spread, with_spread
from forecast.population.future.baseline import baseline, unchanged
from forecast.population.future.cold import rates_of_one_census
from forecast.population.past.one_census import kept_with_pattern, missed_by_age, signs_of
from forecast.population.past.read import read_one_census
from studies.backtest_page import (
    EXPLAINED,
    best_text,
    percent,
    percent_0,
    rival_table,
    score_table,
    size_table,
    verdicts,
)
from studies.china_counties import PATTERN, write_region
from studies.one_census import FIRST, LAST, RIDGE, Study, closing_level, weights_from
from studies.pages import table

GROUPS = dict(bt.COARSE_GROUPS)
BARRED = [list(GROUPS).index(group) for group in ("total", "0-14", "15-64", "65+")]
"""Groups whose coverage chooses the bands."""
MIGRATION, BANDS = (0.01, 0.013, 0.0165, 0.02), (0.3, 0.6)
FERTILITY, MORTALITY = (0.05, 0.1, 0.15), (0.05, 0.1, 0.2, 0.3)
RIDGES = (1.0, 10.0, 100.0)
FOLDS = 5
TRIED = 256  # trajectories with which bands are tried


@dataclass(frozen=True)
class Form:
    """A forecast of 2020 from the census of 2010, by what is known of migration (a key of `SPREADS`)."""

    name: str
    study: Study
    rates: xr.Dataset

    @cached_property
    def forecast(self) -> np.ndarray:
        """(county, age_group) persons of 2020."""
        return grouped(self.study.at_last(self.rates))

    def paths(self, which: np.ndarray, spread: Spread, trajectories: int) -> np.ndarray:
        """(county, age_group, trajectory) persons of 2020 of some counties."""
        some = self.rates.isel({COUNTY: np.flatnonzero(which)})
        region = self.study.region
        by_age = missed_by_age(region, kept_with_pattern(region), FIRST).values
        frame = uncertain_frame(some, with_spread(read_uncertainty(region), spread, by_age), bt.WHOLE, 0)
        return project_rows(some, frame, bt.weights_of(GROUPS), range(trajectories)).values[:, :-1, -1]

    def coverage(self, spread: Spread) -> list[tuple[float, float]]:
        """Of each group, the shares of every third even county inside the 80 and 95 % bands: enough to tell one to 2 %."""
        third = np.zeros_like(self.study.even)
        third[np.flatnonzero(self.study.even)[::3]] = True
        seen = grouped(self.study.seen)[third]
        from_middle = abs((self.paths(third, spread, TRIED) < seen[..., None]).mean(-1) - 0.5)
        return [(float((one < 0.4).mean()), float((one < 0.475).mean())) for one in from_middle.T]


def grouped(people: np.ndarray) -> np.ndarray:
    """(county, age_group) of persons (county, five-year group)."""
    ends = {start: number for number, start in enumerate(range(0, 90, 5))}
    slices = [slice(ends[first], ends.get(last + 1, len(ends))) for first, last in GROUPS.values()]
    return np.stack([people[:, one].sum(-1) for one in slices], axis=-1)


def forms_of(folder: Path, out: Path) -> dict[str, Form]:
    """The forms of a run by what is known: registration and ages, ages, nothing."""
    studies = {name: Study(folder, write_region(folder, out / name, name)) for name in SPREADS}
    return {
        name: Form(name, study, baseline(study.region, unchanged(LAST), study.past).rates)
        for name, study in studies.items()
    }


def with_closed_nation(form: Form) -> Form:
    """The same where nothing of the census of 2020 sets the level of a cohort: the nation is closed in 2010 as counted."""
    kept = read_one_census(PATTERN)
    folder = form.study.folder
    levels = {
        name: {FIRST: tuple(closing_level(folder, kept, getattr(kept, name), name == "registered", FIRST))}
        for name in ("ages", "registered")
    }
    update = {name: getattr(kept, name).model_copy(update={"level": level}) for name, level in levels.items()}
    rates, _ = rates_of_one_census(form.study.region, unchanged(LAST), form.study.past, kept.model_copy(update=update))
    return Form(form.name, form.study, rates)


Tried = Mapping[Spread, list[tuple[float, float]]]


def try_spreads(form: Form) -> tuple[Tried, Spread]:
    """Coverages by spread, and the one whose 80 % bands are nearest to 80 %: first migration, then births, then deaths."""
    tried: dict[Spread, list[tuple[float, float]]] = {}

    def nearest(spreads: Iterable[Spread]) -> Spread:
        for spread in spreads:
            tried[spread] = tried.get(spread) or form.coverage(spread)
        return min(tried, key=lambda spread: sum(abs(tried[spread][group][0] - 0.8) for group in BARRED))

    best = nearest(Spread(level, bands, FERTILITY[1], MORTALITY[1]) for level, bands in product(MIGRATION, BANDS))
    best = nearest([Spread(best.migration, best.bands, births, best.mortality) for births in FERTILITY])
    return tried, nearest([Spread(best.migration, best.bands, best.fertility, deaths) for deaths in MORTALITY])


def scored(forms: Mapping[str, Form], trajectories: int) -> xr.Dataset:
    """Forecast of the first form and rivals of the odd counties, as `backtest` gives them."""
    form, nothing = forms["cold"], forms["closed"]
    study = form.study
    odd = study.kept & ~study.even
    before = grouped(np.add.reduceat(study.people, range(0, 90, 5), axis=-1))[odd]
    ours = form.forecast[odd]
    made = {
        bt.FORECAST: ours,
        "no_migration": nothing.forecast[odd],
        "constant": before,
        "constant_structure": before / before[:, :1] * ours[:, :1],
    }
    labels = {COUNTY: np.array(study.codes)[odd], LEAD: [LAST - FIRST], AGE_GROUP: list(GROUPS)}
    drawn = form.paths(odd, SPREADS["cold"], trajectories)[:, None]
    found = {name: values[:, None] for name, values in made.items()}
    tested = bt.assemble(labels, grouped(study.seen)[odd][:, None], found, drawn, before[:, 0])
    return tested.expand_dims({START_YEAR: [FIRST]}).assign_attrs(trajectories=trajectories)


def page(folder: Path, trajectories: int) -> tuple[list[str], list[str]]:
    """The parts of the page, and the cells of its line in the overview."""
    with tempfile.TemporaryDirectory() as out:
        forms = forms_of(folder, Path(out))
        tested = scored(forms, trajectories)
        scores = bt.score(tested)
        lines = [
            *opening(forms["cold"].study),
            *learning(forms["cold"].study),
            *bands(forms),
            *result(forms, tested, scores),
        ]
    return lines, verdicts("China: counties 2010 to 2020", "china", tested, scores)


def opening(study: Study) -> Iterable[str]:
    yield "# China: counties, census 2010 to census 2020\n\nWritten by `python -m studies.backtests`; do not edit.\n"
    yield (
        f"{study.kept.sum()} counties with the same code and name in both censuses whose people did not fall below half nor "
        "more than double, which is taken for a change of boundary. They are forecast by the form that a run takes for a "
        "region with one census (*cold*): the region holds what was known after the census of 2010 - people by age "
        "group, those registered elsewhere, the births that the statistics bureau published for 2010, mortality and "
        "fertility by age of World Population Prospects 2024 for 2005 to 2010, total fertility carried on unchanged - and "
        "its years run from November to October.\n"
    )
    yield (
        "How the ages and the registration of one census go with the growth of cohorts in the next ten years was learnt on "
        f"the {study.even.sum()} counties with an even code, **their count of 2020 included**; the {(study.kept & ~study.even).sum()} "
        "with an odd code are reported. So this tests whether the pattern carries over to other places. Whether it "
        "carries over to another decade, nobody can test yet.\n"
    )


def learning(study: Study) -> Iterable[str]:
    yield "## What was tried, on the even counties\n"
    yield (
        f"Error of persons of ten years and older, %, of each fifth of the even prefectures from the other four. Kept: penalty {RIDGE:g}, "
        "registration where it is known.\n"
    )
    rows = [
        (name, f"{penalty:g}", *map(percent, cross_validated(study, registered, penalty)))
        for name, registered in (("ages", False), ("ages and registration", True))
        for penalty in RIDGES
    ]
    yield table(("signs", "penalty", "10+", "20-29", "65+"), rows)


def cross_validated(study: Study, registered: bool, penalty: float) -> list[float]:
    """Weighted errors of 10+, 20-29 and 65+ in even counties, from the even counties of other prefectures."""
    kept = read_one_census(PATTERN)
    signs = signs_of(kept, study.people, study.elsewhere if registered else None, FIRST).values
    prefectures = np.array([code[:4] for code in study.codes])
    names = np.unique(prefectures[study.even])
    fold = dict(zip(names, np.random.default_rng(0).permutation(len(names)) % FOLDS, strict=True))
    own = np.array([fold.get(name, -1) for name in prefectures])
    made = np.zeros_like(study.left)
    for number in range(FOLDS):
        others, these = study.even & (own != number), study.even & (own == number)
        weights, low, high = weights_from(study, kept, registered, others, penalty)
        grown = np.exp(np.clip(signs, low, high) @ weights) * study.left
        made[these] = (grown * study.cohorts[others].sum(0) / grown[others].sum(0))[these]
    slices = (slice(None), slice(2, 4), slice(11, None))
    seen = study.cohorts[study.even]
    errors = made[study.even] - seen
    return [float(abs(errors[:, one].sum(1)).sum() / seen[:, one].sum()) for one in slices]


def bands(forms: Mapping[str, Form]) -> Iterable[str]:
    yield "## Bands, chosen on every third even county\n"
    yield (
        "Standard deviations that last through the decade: of a county's net migration a year, share of residents; of its bands of age beside "
        f"it, a multiple of their part in the former; of the level of its births and of its deaths (log). All are Student's t with {SPREADS['cold'].tails:g} degrees of freedom; what the nation and the "
        "region share is that of the shipped pattern. Coverage of 80 and 95 % bands, %:\n"
    )
    rows = []
    for name, form in forms.items():
        tried, best = try_spreads(form)
        rows += [
            (
                name, f"{one.migration:g}", f"{one.bands:g}", f"{one.fertility:g}",
                f"{one.mortality:g}" + " (nearest)" * (one == best) + " (kept)" * (one == SPREADS[name]),
                *("/".join(map(percent_0, found[group])) for group in BARRED),
            )
            for one, found in tried.items()
        ]  # fmt: skip
    yield table(("form", "migration", "bands", "births", "deaths", *(list(GROUPS)[group] for group in BARRED)), rows)


def result(forms: Mapping[str, Form], found: xr.Dataset, scores: xr.Dataset) -> Iterable[str]:
    study = forms["cold"].study
    odd = study.kept & ~study.even
    at = scores.sel(lead=LAST - FIRST)
    yield f"## Result on the {odd.sum()} counties with an odd code, 10 years ahead\n"
    yield EXPLAINED
    yield score_table(at)
    yield "Weighted error, %:\n"
    yield rival_table(at)
    yield "Median error, %:\n"
    names = [str(name) for name in scores[APPROACH].values]
    yield table(
        ("", *GROUPS),
        [(name.replace("_", " "), *map(percent, at.median_ape.sel({APPROACH: name}).values)) for name in names],
    )
    yield best_text(scores)
    yield "## By what is known of migration\n"
    yield (
        "Weighted error, % (bias), and the share of prefectures, as sums of their odd counties, whose total is within 10 %. "
        "*Nation closed*: nothing that the census of 2020 found of a cohort sets its level (children missed and students counted twice in "
        "2010 are then errors of the forecast); a run from a census later than 2010 stands so.\n"
    )
    kinds = {
        "ages and registration": forms["cold"],
        "the same, nation closed": with_closed_nation(forms["cold"]),
        "ages": forms["cold_ages"],
        "the same, nation closed ": with_closed_nation(forms["cold_ages"]),
        "nobody moves": forms["closed"],
    }
    yield table(
        ("", *GROUPS, "prefectures within 10 %"), [(name, *errors_of(form, odd)) for name, form in kinds.items()]
    )
    yield "## By residents at the origin\n"
    yield size_table(found)


def errors_of(form: Form, which: np.ndarray) -> list[str]:
    """Cells of one line: weighted error and bias of each group, and the share of prefectures within 10 %."""
    made, seen = form.forecast[which], grouped(form.study.seen)[which]
    weighted, bias = abs(made - seen).sum(0) / seen.sum(0), (made / seen - 1).mean(0)
    prefecture = [code[:4] for code, one in zip(form.study.codes, which, strict=True) if one]
    sums = pd.DataFrame({"made": made[:, 0], "seen": seen[:, 0]}).groupby(prefecture).sum()
    within = float((abs(sums.made / sums.seen - 1) < 0.1).mean())
    cells = [f"{percent(error)} ({percent(one, 1, sign=True)})" for error, one in zip(weighted, bias, strict=True)]
    return [*cells, percent(within, 1)]
