"""A reader with a calculator: every number of a Chinese sentence is looked for among the numbers that the run's cube has for
the services, places and years the clause speaks of. It shares nothing with the report but the words for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
import xarray as xr

from forecast.basics.areas import with_areas
from forecast.run.run import Run

NAMES = {
    "nursery": ("托位", "托育"),
    "kindergarten": ("幼儿园", "在园幼儿"),
    "primary_school": ("小学",),
    "junior_school": ("初中",),
    "senior_school": ("高中",),
    "care_beds": ("养老机构床位", "养老"),
    "hospital_beds": ("医疗机构床位", "医疗", "医院"),
}
NUMBER = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)(万|亿)?(?=(人|个县|个|张|%|—|到|（|）|，|；|、|。|$))")
YEAR = re.compile(r"(?<!\d)(20\d\d)(?=年|—20\d\d年)")
SPAN = re.compile(r"(?<!\d)(20\d\d)—(20\d\d)年")
FIXED = re.compile(r"80%区间|5%以上|不到5%|比\d+%|\d+%(?=容差)|短于\d+|用满\d+年|按\d+年")
CHANCE = re.compile(r"概率(?:均)?(超过|不到|为)?(\d+)%|（(\d+)%）|>(\d+)%")
STEP = 10.5
"""Points: with so few trajectories a chance is printed in steps of up to 20."""


class Checker:
    def __init__(self, run: Run) -> None:
        self.run, self.data = run, run.data
        self.places = {name["zh"]: code for code, name in run.region.areas.names.items()}
        self.whole = run.region.area
        self.demand = with_areas(run.data.demand, run.region.areas).rename(county="area")

    def unknown(self, sentence: str) -> list[str]:
        """Numbers of the sentence that the cube does not have."""
        wrong: list[str] = []
        services: list[str] = []
        years: list[int] = []  # a clause that names none speaks of those of the one before
        for clause in re.split("；|。", sentence):
            if "基准" in clause:
                continue  # levels of migration and births: tests/findings/flags holds them
            services, years = self._services(clause) or services, self._years(clause) or years
            wrong += self._of_clause(clause, services or list(NAMES), years)
        return wrong

    def _services(self, clause: str) -> list[str]:
        return [service for service, words in NAMES.items() if any(word in clause for word in words)]

    def _of_clause(self, clause: str, services: list[str], years: list[int]) -> Iterator[str]:
        areas = [code for name, code in self.places.items() if name in clause] + [self.whole]
        sizes, shares, chances = self._numbers(clause, services, areas, years)
        for match in CHANCE.finditer(clause):
            told = float(match[2] or match[3] or match[4])
            if match[1] in ("超过", "不到") or match[4]:
                near = [
                    share for share in chances if (share >= told - STEP if match[1] != "不到" else share <= told + STEP)
                ]
            else:
                near = [share for share in chances if abs(share - told) <= STEP]
            if not near and match[2]:
                yield f"{match[0]} in {clause}"
        bare = CHANCE.sub(" ", FIXED.sub(" ", SPAN.sub(" ", YEAR.sub(" ", clause))))
        for match in NUMBER.finditer(bare):
            size, scale, unit = float(match[1]), {"万": 1e4, "亿": 1e8, None: 1.0}[match[2]], match[3]
            if unit == "个县" or (unit != "%" and scale == 1 and size < 20):
                continue  # counts of counties and small numbers may be anything
            digits = len(match[1].partition(".")[2])
            slack = 0.5000001 * 10**-digits * scale
            if unit == "%":
                found = any(abs(share - size) <= 0.5000001 or share > size == 99 for share in shares)
            else:
                told = size * scale
                two = told >= 10 and len(match[1].replace(".", "").strip("0")) <= 2  # as warnings say it
                rough = 0.5000001 * 10 ** (np.floor(np.log10(told)) - 1) if two else 0.0
                found = any(abs(value - told) <= max(slack, rough) for value in sizes)
            if not found:
                yield f"{match[0]}{unit} in {clause}"

    def _years(self, clause: str) -> list[int]:
        told = {int(year) for year in YEAR.findall(clause)}
        told |= {int(year) for span in SPAN.findall(clause) for year in span}
        known = {int(year) for year in self.data.year.values}
        return sorted(told & known)

    def _numbers(
        self, clause: str, services: list[str], areas: list[str], years: list[int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sizes, shares in per cent and chances in per cent of these services, places and years, and of the year of
        the decision; where no year is named, those of the crests."""
        crests = self.run.flags.crests
        crests = crests[crests["county"].isin(areas) & crests["service"].isin(services)]
        now = self.run.flags.now
        ends = [self.run.region.jump_off_year, now, *crests["year"], *crests["plateau_last"].dropna()]
        asked = sorted({*years, now} if years and "当年" not in clause else {*years, *map(int, ends)})
        at = {"area": areas, "service": services, "year": asked}
        need = self.demand.sel(at)
        sizes = [need]
        sizes += [self.data[f"{name}_of_area"].sel(at) for name in ("supply", "gap", "missing", "idle", "planned")]
        sizes.append(self.data["supply_of_area"].sel(at) - self.data["planned_of_area"].sel(at))
        if years:
            for name in ("demand_quantile", "gap_quantile"):
                sizes += [self.data[name].sel({**at, "year": years}).sel(quantile=[0.1, 0.9], method="nearest")]
        if "标准" in clause:
            norm = with_areas(self.data.demand_norm, self.run.region.areas).rename(county="area").sel(at)
            sizes += [norm, self.data["supply_of_area"].sel(at) - norm]
        if "最多" in clause or "才会" in clause:
            sizes.append(self.demand.sel({**at, "year": slice(now, now + 15)}).max("year"))
        values = np.concatenate([np.abs(np.ravel(size.values)) for size in sizes])
        extra = [crests["height"].to_numpy(), crests[["plateau_low", "plateau_high"]].to_numpy(dtype=float).ravel()]
        changes = _pairs(need, lambda a, b: b - a)
        told = [values, *extra] + [np.abs(changes)] * bool(re.search("增|减|计划", clause))
        told += [self._posts(services, areas, asked)] * bool(re.search("班|岗位", clause))
        everything = np.concatenate(told)
        shares = np.abs(100 * _pairs(need, lambda a, b: b / np.where(a > 0, a, np.nan) - 1))
        drivers = [self.run.flags.facts[area, service].drivers or {} for area in areas for service in services]
        parts = [100 * part / sum(own.values()) for own in drivers for part in own.values()]
        chances = np.full(1, np.nan)
        if "p_short" in self.data:
            span = {**at, "year": slice(now, None)}
            kept = [self.data[name].sel(span).values.ravel() for name in ("p_short", "p_spare", "p_short_by")]
            kept.append(self.run.flags.classes["class_probability"].sel(county=areas, service=services).values.ravel())
            chances = 100 * np.concatenate(kept)
        gap = np.abs(self.data["gap_of_area"].sel(at) / self.data["supply_of_area"].sel(at)).values.ravel() * 100
        return _known(everything), _known(np.concatenate([shares, gap, np.array(parts, dtype=float)])), _known(chances)

    def _posts(self, services: list[str], areas: list[str], years: list[int]) -> np.ndarray:
        schools = self.run.schools
        kept = [] if schools is None else [name for name in services if name in schools.table.service.values]
        if schools is None or not kept:
            return np.empty(0)
        table = schools.table[["posts", "classes", "pupils"]].sel(county=areas, service=kept, year=years)
        return np.abs(np.concatenate([_pairs(table[name], lambda a, b: b - a) for name in table]))


def _pairs(values: xr.DataArray, change: object) -> np.ndarray:
    """The change between every two of the years, of every place and service."""
    bare = values.transpose("year", ...).to_numpy().reshape(values.sizes["year"], -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = [change(a, b) for k, a in enumerate(bare) for b in bare[k + 1 :]]  # type: ignore[operator]
    return np.concatenate(found) if found else np.empty(0)


def _known(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def planted(sentences: Iterable[str], rng: np.random.Generator, count: int) -> Iterator[tuple[str, str]]:
    """(sentence, the same with one number of three or more figures, or in 万, changed by a seventh to a half)."""
    sentences = ["；".join(part for part in re.split("；|。", one) if "基准" not in part) for one in sentences]
    told = [one for one in sentences if any(_may_be_changed(match) for match in NUMBER.finditer(one))]
    for _ in range(count):
        one = told[int(rng.integers(len(told)))]
        spots = [match for match in NUMBER.finditer(one) if _may_be_changed(match)]
        spot = spots[int(rng.integers(len(spots)))]
        factor = float(rng.uniform(1.15, 1.5)) ** (1 if rng.random() < 0.5 else -1)
        digits = len(spot[1].partition(".")[2])
        yield one, one[: spot.start(1)] + f"{float(spot[1]) * factor:.{digits}f}" + one[spot.end(1) :]


def _may_be_changed(match: re.Match[str]) -> bool:
    return match[3] in ("人", "个", "张") and (match[2] is not None or float(match[1]) >= 100)
