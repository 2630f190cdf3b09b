"""Pupils per resident child of every school service, by county and year: counted where rolls are given, carried on else.

It is a *ratio*, not a rate of children in school: it counts pupils of any age who live anywhere over the residents of
the official ages, and passes 1 where schools draw from outside or pupils are younger or older than the official ages.
Pupils are held against what is known best, which is the form of a service:

grade      rolls by grade in every county: from grade to grade (`grades`)
entrants   entrants for as many years as the stage has grades: by cohorts of entrants (`intakes`)
passage    the model names a stage that its own is entered from (`entered_from`): the pupils of that stage as many years
           before as this one has grades; who moved in or away is counted once, among them
stage      the children of the ages, by one ratio for the whole stage

Whichever it is, it comes down to pupils per resident child, by county and year and where need be by age, from the
people of the scenario: one table serves every trajectory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from forecast.basics.basis import Basis, weakest
from forecast.basics.dims import (
    AGE,
    AREA,
    COUNTY,
    FROM_PLACE,
    GRADE,
    PART,
    SERVICE,
    TO_PLACE,
    TRAJECTORY,
    YEAR,
    in_order,
)
from forecast.basics.issues import InputRefused, Issue
from forecast.basics.school_date import september_population
from forecast.basics.variables import label
from forecast.demand.flows import by_residence, region_flows, systems
from forecast.demand.model import DemandModel, Quantity
from forecast.demand.people import counted
from forecast.demand.schools.enrolments import Enrolments, Series, enrolments_of
from forecast.demand.schools.grades import grade_ratios
from forecast.demand.schools.intakes import Intake, Stage, intake_of
from forecast.demand.schools.ratio_paths import ratio_path
from forecast.demand.schools.sharing_out import Shared, share_out
from forecast.demand.schools.stages import StageSystem, continues, system_of
from forecast.region import Region, source_of

Form = Literal["grade", "entrants", "passage", "stage", ""]
FORMS: tuple[Form, ...] = ("grade", "entrants", "passage", "stage")
"""From the one that rests on most counts to the one that rests on least."""

SHARE = "first_part_share"
"""Parameter of a model whose stage has two parts: share of the pupils in the first."""


@dataclass(frozen=True)
class Ratio:
    """The ratio that a school service uses, whence, of which years, how well founded; all empty for what is no school.

    values     (county, year[, age]) pupils per resident child; None where the model's own path is used everywhere
    year       (county, year) school year whose count a value rests on; None as above
    part_share (county, year, part) share of each part of the stage in the pupils; None where it has no parts
    last       the last school year that was counted; None where none was
    """

    origin: Literal["region", "model", "override", ""] = ""
    source: str = ""
    basis: Basis | None = None
    form: Form = ""
    values: xr.DataArray | None = None
    year: xr.DataArray | None = None
    part_share: xr.DataArray | None = None
    last: int | None = None

    def at(self, counties: Sequence[str], years: Sequence[int]) -> Ratio:
        """The same for these counties and years."""
        chosen = {COUNTY: list(counties), YEAR: list(years)}
        parts = {name: getattr(self, name) for name in ("values", "year", "part_share")}
        return replace(self, **{name: part.sel(chosen) for name, part in parts.items() if part is not None})


def participation_ratios(
    people: xr.Dataset, model: DemandModel | Mapping[str, DemandModel], region: Region | None
) -> dict[str, Ratio]:
    """The ratio of every service, by its id, for the counties and years of `people`.

    A value overridden by a bureau or a scenario goes before all; then whatever the region counts, in any year that
    `people` know, past or projected; else the model's own path. The children are of the people whom the model counts;
    of many trajectories the first stands for the scenario. Raises InputRefused where a county of the region is missing
    from `people` or counts cannot be.
    """
    models = {model.id: model} if isinstance(model, DemandModel) else dict(model)
    of_region = _OfRegion(people, models, region) if region is not None and region.has("enrolment") else None
    found: dict[str, Ratio] = {}
    for name in sorted(models, key=lambda name: models[name].ages[0] if "ratio" in models[name].parameters else 0):
        found[name] = _ratio(models[name], people, of_region, found)
    return {name: found[name] for name in models}


def _ratio(model: DemandModel, people: xr.Dataset, of_region: _OfRegion | None, known: Mapping[str, Ratio]) -> Ratio:
    own = model.parameters.get("ratio")
    if own is None:
        return Ratio()
    if own.replaces is None and of_region is not None and model.service.rolls:
        counted_here = of_region.ratio(model, known)
        if counted_here is not None:
            return counted_here
    origin: Literal["override", "model"] = "model" if own.replaces is None else "override"
    share = _model_share(model, people[COUNTY].values.tolist(), people[YEAR].values.tolist())
    return Ratio(origin, own.source, own.basis, "stage", part_share=share)


@dataclass(frozen=True)
class _Stream:
    """Pupils of one part of a stage, or of the whole stage: per resident child (county, year[, age]), the year each rests
    on, and how it was found."""

    values: xr.DataArray
    rests_on: np.ndarray
    form: Form
    last: int


@dataclass(frozen=True)
class _OfRegion:
    """What a region counts, held against its people."""

    people: xr.Dataset
    models: Mapping[str, DemandModel]
    region: Region

    @cached_property
    def counts(self) -> Enrolments:
        return enrolments_of(self.region)

    @cached_property
    def system(self) -> StageSystem:
        return system_of(self.region)

    @cached_property
    def counties(self) -> list[str]:
        """The region's counties, all of which the people must have."""
        have = set(self.people[COUNTY].values.tolist())
        missing = [county for county in self.region.areas.counties if county not in have]
        if missing:
            raise InputRefused(Issue("E414", values={"dim": COUNTY, "labels": ", ".join(missing)}))
        return self.region.areas.counties

    @cached_property
    def years(self) -> list[int]:
        return [int(year) for year in self.people[YEAR].values]

    @cached_property
    def graded(self) -> Mapping[str, xr.DataArray]:
        return grade_ratios(self.people, self.models, self.region)

    def ratio(self, model: DemandModel, known: Mapping[str, Ratio]) -> Ratio | None:
        """None where the region counts no pupils of the service."""
        pupils = self.pupils(model)
        if not all(any(places.values()) for places in pupils.values()):
            return None
        if model.id in self.graded:
            streams = {model.service.stage: self.by_grade(model, self.at_home(model, _together(pupils)))}
        else:
            streams = {
                stage: self.stream(stage, model, self.at_home(model, places), known) for stage, places in pupils.items()
            }
        values = _sum([stream.values for stream in streams.values()])
        last = max(stream.last for stream in streams.values())
        rests_on = np.fmin.reduce([stream.rests_on for stream in streams.values()])
        form = max((stream.form for stream in streams.values()), key=FORMS.index)
        source, basis = self.said(model, {stage: stream.last for stage, stream in streams.items()}, pupils)
        if form == "passage":
            before = self.before(model, known)
            basis = weakest(basis, before[1].basis) if before and before[1].basis else basis
        year = xr.DataArray(rests_on, {COUNTY: self.counties, YEAR: self.years}, (COUNTY, YEAR))
        shares = self.shares(model, streams, pupils)
        return Ratio("region", source, basis, form, values.assign_coords({COUNTY: self.counties}), year, shares, last)

    def pupils(self, model: DemandModel) -> dict[str, dict[str, Series]]:
        """Pupils by part of the stage, or the whole stage where nobody counts its parts, and place.

        Where one place counts parts and another only the whole, the whole is what all of them know.
        """
        service = model.service
        by_place = {
            place: {stage: self.within(series) for stage, series in parts.items()}
            for place in self.region.areas.places
            if (parts := self.counts.parts(place, service.parts, service.stage))
        }
        if service.parts and all(service.stage not in parts for parts in by_place.values()):
            of_parts: dict[str, dict[str, Series]] = {
                part: {place: parts[part] for place, parts in by_place.items() if part in parts}
                for part in service.parts
            }
            return _with_other_part(of_parts, model)
        return {service.stage: {place: _sum_of_parts(parts) for place, parts in by_place.items()}}

    def at_home(self, model: DemandModel, places: Mapping[str, Series]) -> Mapping[str, Series]:
        """Rolls by where pupils live: schools count them where they learn. Counts of counties between which pupils go
        say where they live only in years in which all of these counties were counted."""
        flows = region_flows(self.region, [model.id], self.counties, self.years)
        if flows is None:
            return places
        shares = flows.sel({SERVICE: model.id}, drop=True)
        mixed = sorted({county for system in systems(flows, self.counties) if len(system) > 1 for county in system})
        every = sorted(set.intersection(*(set(places.get(county, {})) for county in mixed))) if mixed else []
        kept = {place: series for place, series in places.items() if place not in mixed}
        if not every:
            return kept
        values = [[[places[county][year]] for year in every] for county in mixed]
        rolls = xr.DataArray(values, {COUNTY: mixed, YEAR: every, GRADE: [0]}, (COUNTY, YEAR, GRADE))
        living = by_residence(rolls, shares.sel({FROM_PLACE: mixed, TO_PLACE: mixed})).isel({GRADE: 0})
        by_county = {county: living.sel({COUNTY: county}).values.tolist() for county in mixed}
        return kept | {county: dict(zip(every, pupils, strict=True)) for county, pupils in by_county.items()}

    def children(self, model: DemandModel, last: int = 0) -> np.ndarray:
        """(county, year, age) residents of the ages of the model, and `last` ages more, at the cut-off date."""
        population = counted(self.people, model.population)
        if TRAJECTORY in population.dims:
            population = population.isel({TRAJECTORY: 0}, drop=True)
        first, end = model.ages[0], model.ages[1] + last
        near = population.sel({AGE: slice(first, end + 2)})
        ages = september_population(near, model.cutoff_month).sel({AGE: slice(first, end), COUNTY: self.counties})
        found: np.ndarray = ages.transpose(COUNTY, YEAR, AGE).values
        return found

    def by_grade(self, model: DemandModel, places: Mapping[str, Series]) -> _Stream:
        """Progression from grade to grade, which rolls of whole stages in other years move as a whole."""
        by_age = self.graded[model.id].transpose(COUNTY, YEAR, AGE).values
        base = (by_age * self.children(model)).sum(-1)
        shared = share_out(base, self.years, places, self.region.areas, np.ones(len(self.years)))
        return self.labelled(model, shared, shared.ratio[..., None] * by_age, "grade")

    def stream(
        self, stage: str, model: DemandModel, places: Mapping[str, Series], known: Mapping[str, Ratio]
    ) -> _Stream:
        areas, children = self.region.areas, self.children(model)
        total = children.sum(-1)
        own = np.array(model.parameters["ratio"].at(self.years))
        if intake := self.intakes.get(stage):
            by_age = np.broadcast_to(intake.by_age()[None], children.shape)
            shared = share_out((by_age * children).sum(-1), self.years, places, areas, np.ones(len(self.years)))
            return self.labelled(model, shared, shared.ratio[..., None] * by_age, "entrants")
        before = self.before(model, known)
        if before is not None and places.get(areas.whole):
            base = self.passed_on(model, *before, total)
            shared = share_out(base, self.years, places, areas, own)
            per_child = np.divide(shared.ratio * base, total, out=np.zeros_like(total), where=total > 0)
            return self.labelled(model, shared, per_child, "passage")
        shared = share_out(total, self.years, places, areas, own)
        return self.labelled(model, shared, shared.ratio, "stage")

    def labelled(self, model: DemandModel, shared: Shared, values: np.ndarray, form: Form) -> _Stream:
        coords: dict[str, list[str] | list[int]] = {COUNTY: self.counties, YEAR: self.years}
        if values.ndim == 3:
            coords[AGE] = list(range(model.ages[0], model.ages[1] + 1))
        return _Stream(xr.DataArray(values, coords, tuple(coords)), shared.rests_on, form, shared.last)

    @cached_property
    def intakes(self) -> Mapping[str, Intake]:
        """By stage, of the whole region, where it counts entrants for every cohort of the last roll; from the first
        stage of school life to the last."""
        found: dict[str, Intake] = {}
        for model in sorted(self.models.values(), key=lambda model: model.order):
            for name, places in (self.pupils(model) if model.service.rolls else {}).items():
                entrants, leavers = (self.of_whole(each, name) for each in (self.counts.entrants, self.counts.leavers))
                stage = Stage(
                    model.ages, self.of_whole({(p, name): of for p, of in places.items()}, name), entrants, leavers
                )
                if stage.by_cohorts:
                    before = next((found[other] for other in found if continues(self.system, other, name)), None)
                    found[name] = intake_of(stage, self.years, self.residents(model), before)
        return found

    def of_whole(self, counts: Mapping[tuple[str, str], Series], stage: str) -> dict[int, float]:
        """Persons counted in the whole region: the sum of the counties where all of them counted, else what is printed."""
        by_county = [self.within(counts.get((county, stage), {})) for county in self.counties]
        every = set.intersection(*map(set, by_county))
        sums = {year: sum(series[year] for series in by_county) for year in sorted(every)}
        return {**self.within(counts.get((self.region.areas.whole, stage), {})), **sums}

    def residents(self, model: DemandModel) -> Callable[[int, int], float]:
        """Children of the whole region by age at the cut-off date, to one year after the last age, and year."""
        of_age, first = self.children(model, last=1).sum(0), self.years[0]
        latest = len(self.years) - 1

        def children(age: int, year: int) -> float:
            return float(of_age[min(max(year - first, 0), latest), age - model.ages[0]])

        return children

    def within(self, series: Series) -> dict[int, float]:
        """The years that the people know."""
        return {year: persons for year, persons in series.items() if year in self.years}

    def before(self, model: DemandModel, known: Mapping[str, Ratio]) -> tuple[DemandModel, Ratio] | None:
        """The service of the stage that this one is entered from, with its ratio."""
        for name, other in self.models.items():
            if other.service.stage and other.service.stage == model.service.entered_from and name in known:
                return other, known[name]
        return None

    def passed_on(self, model: DemandModel, before: DemandModel, ratio: Ratio, total: np.ndarray) -> np.ndarray:
        """(county, year) pupils of the stage before, as many years before as this stage has grades, and of those only
        the ages that are this stage's ages by then; in the first years per resident child as soon as they are known."""
        lag = model.ages[1] - model.ages[0] + 1
        values = ratio.values
        if values is None:
            values = xr.DataArray(before.parameters["ratio"].at(self.years), {YEAR: self.years}, (YEAR,))
            values = values.expand_dims({COUNTY: self.counties})
        per_child = values.transpose(COUNTY, YEAR, ...).values
        younger = self.children(before) * (per_child if per_child.ndim == 3 else per_child[..., None])
        ages = slice(max(0, model.ages[0] - lag - before.ages[0]), model.ages[1] - lag - before.ages[0] + 1)
        pupils = younger[..., ages].sum(-1)
        later = pupils[:, :-lag] if len(self.years) > lag else pupils[:, :1]
        first = np.divide(
            later[:, :1], total[:, lag : lag + 1], out=np.zeros((len(total), 1)), where=total[:, lag : lag + 1] > 0
        )
        base: np.ndarray = np.concatenate([first * total[:, :lag], later], axis=1)[:, : len(self.years)]
        return base

    def said(
        self, model: DemandModel, last: Mapping[str, int], pupils: Mapping[str, Mapping[str, Series]]
    ) -> tuple[str, Basis]:
        """Sources and basis of the last rolls."""
        stages = [*model.service.rolls, model.service.stage]
        cited = []
        for stage, year in last.items():
            places = [place for place, series in pupils.get(stage, {}).items() if year in series]
            table = self.region.table("enrolment")
            rows = table[(table[YEAR] == year) & table["stage"].isin(stages)]
            places = sorted(set(rows["county"]) & set(places)) or sorted(set(rows["county"]))
            cited.append(source_of(self.region, "enrolment", county=places, year=year, stage=stages))
        basis: Basis = "assumed" if any(source.basis == "assumed" for source in cited) else "derived"
        return "; ".join(dict.fromkeys(source.source for source in cited)), basis

    def shares(
        self, model: DemandModel, streams: Mapping[str, _Stream], pupils: Mapping[str, Mapping[str, Series]]
    ) -> xr.DataArray | None:
        """(county, year, part) as the parts were counted and carried on; a scenario's own share from its first date on."""
        parts = model.service.parts
        if len(parts) != 2:
            return None
        if set(streams) != set(parts):
            return _model_share(model, self.counties, self.years)
        children = self.children(model)
        by_part = [_pupils(streams[part].values.values, children) for part in parts]
        total = by_part[0] + by_part[1]
        first = np.divide(by_part[0], total, out=np.full(total.shape, np.nan), where=total > 0)
        own = model.parameters.get(SHARE)
        if own is not None and own.replaces is not None:
            known = max(stream.last for stream in streams.values())
            first = _moved(first, own, self.years, known)
        return _parts(first, parts, self.counties, self.years)


def _with_other_part(of_parts: dict[str, dict[str, Series]], model: DemandModel) -> dict[str, dict[str, Series]]:
    """Pupils by part and place; a part that nobody counts follows from the other by the model's own share."""
    lacking = [part for part, places in of_parts.items() if not any(places.values())]
    if len(lacking) != 1 or SHARE not in model.parameters or len(of_parts) != 2:
        return of_parts
    other = next(part for part in of_parts if part not in lacking)
    share_of_first = model.parameters[SHARE]

    def rest(year: int, pupils: float) -> float:
        share = share_of_first.at([year])[0]
        return pupils * ((1 - share) / share if other == model.service.parts[0] else share / (1 - share))

    places: dict[str, Series] = {
        place: {year: rest(year, pupils) for year, pupils in series.items()}
        for place, series in of_parts[other].items()
    }
    return {**of_parts, lacking[0]: places}


def _pupils(values: np.ndarray, children: np.ndarray) -> np.ndarray:
    """(county, year) pupils of a ratio by county and year, or by age as well."""
    pupils: np.ndarray = (values * children).sum(-1) if values.ndim == 3 else values * children.sum(-1)
    return pupils


def _moved(first: np.ndarray, own: Quantity, years: Sequence[int], known: int) -> np.ndarray:
    """Shares of the first part as counted, and from then on to what a scenario dates, the same step in every county."""
    row = years.index(known)
    dated = [(year, value) for year, value in own.dated if year > known] or [(known + 1, own.at([known + 1])[0])]
    moved = first.copy()
    for county, counted_share in enumerate(first[:, row]):
        path = dict([(known, float(counted_share)), *dated])
        moved[county, row + 1 :] = ratio_path(path, years)[row + 1 :]
    return moved


def _model_share(model: DemandModel, counties: Sequence[str], years: Sequence[int]) -> xr.DataArray | None:
    """The model's own share of the first part, the same in every county."""
    own = model.parameters.get(SHARE)
    if own is None or len(model.service.parts) != 2:
        return None
    return _parts(np.tile(own.at(years), (len(counties), 1)), model.service.parts, counties, years)


def _parts(first: np.ndarray, parts: Sequence[str], counties: Sequence[str], years: Sequence[int]) -> xr.DataArray:
    coords = {COUNTY: list(counties), YEAR: [int(year) for year in years], PART: list(parts)}
    return xr.DataArray(np.stack([first, 1 - first], axis=-1), coords, tuple(coords))


def _sum(values: Sequence[xr.DataArray]) -> xr.DataArray:
    total = values[0]
    for more in values[1:]:
        total = total + more
    return in_order(total)


def _sum_of_parts(parts: Mapping[str, Series]) -> Series:
    """Pupils of all parts in the years in which all are known."""
    years = set.intersection(*(set(series) for series in parts.values()))
    return {year: sum(series[year] for series in parts.values()) for year in sorted(years)}


def _together(pupils: Mapping[str, Mapping[str, Series]]) -> dict[str, Series]:
    """Pupils of the whole stage by place."""
    places = dict.fromkeys(place for by_place in pupils.values() for place in by_place)
    by_place = {place: {stage: of[place] for stage, of in pupils.items() if place in of} for place in places}
    return {place: _sum_of_parts(parts) for place, parts in by_place.items() if len(parts) == len(pupils)}


def observed_rolls(region: Region, models: Mapping[str, DemandModel], years: Sequence[int]) -> xr.DataArray:
    """Pupils counted in each county and area, (area, year, service), in any of the years; NaN where none were published.
    Of an area what was printed for it, else the sum of its counties where all were counted."""
    counts = enrolments_of(region) if region.has("enrolment") else Enrolments({}, {}, {})
    places, column_of = region.areas.places, {int(year): column for column, year in enumerate(years)}
    found = np.full((len(places), len(column_of), len(models)), np.nan)
    for position, model in enumerate(models.values()):
        service = model.service
        by_place = {place: counts.parts(place, service.parts, service.stage) for place in places if service.rolls}
        rolls = {
            place: _sum_of_parts(parts) for place, parts in by_place.items() if parts and _complete(parts, service)
        }
        for row, place in enumerate(places):
            inside = region.areas.inside(place)
            every = set.intersection(*(set(rolls.get(county, {})) for county in inside)) if inside else set()
            sums = {year: sum(rolls[county][year] for county in inside) for year in every}
            for year, pupils in (sums | dict(rolls.get(place, {}))).items():
                if year in column_of:
                    found[row, column_of[year], position] = pupils
    coords = {AREA: places, YEAR: list(column_of), SERVICE: list(models)}
    return label(xr.DataArray(found, coords, tuple(coords)), "demand.enrolment")


def _complete(parts: Mapping[str, Series], service: object) -> bool:
    """True where the whole stage was counted, or every part of it."""
    return service.stage in parts or set(service.parts) == set(parts)  # type: ignore[attr-defined]


def ratio_table(ratios: Mapping[str, Ratio]) -> pd.DataFrame:
    """The ratios as a table: service, area, year, age, ratio, ratio_year, form; a row a county and year, and where it is
    by age a row an age."""
    columns = [SERVICE, AREA, YEAR, AGE, "ratio", "ratio_year", "form"]
    tables = []
    for name, ratio in ratios.items():
        if ratio.values is None or ratio.year is None:
            continue
        held = xr.Dataset({"ratio": ratio.values, "ratio_year": ratio.year})
        table = held.to_dataframe(dim_order=list(ratio.values.dims)).reset_index().rename(columns={COUNTY: AREA})
        tables.append(table.assign(**{SERVICE: name, "form": ratio.form}).reindex(columns=columns))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)
