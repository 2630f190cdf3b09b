"""The processes of a region or its pattern, read from `uncertainty.toml` and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from forecast.basics import folders
from forecast.basics.ages import MIGRATION_BANDS
from forecast.basics.basis import Basis
from forecast.basics.dims import AGES
from forecast.basics.issues import CannotReadWrite, Finding, InputRefused, Issue, from_pydantic
from forecast.basics.toml_files import NotToml, read_toml
from forecast.population.chance.processes import Process, Uncertainty
from forecast.region import Region

FILE = "uncertainty.toml"

Sd = Annotated[float, Field(ge=0, le=1)]


class _Sourced(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    unit: str = Field(min_length=1)
    source: str = Field(min_length=1)
    basis: Basis
    locator: str = ""
    note: str = ""


class _Process(_Sourced):
    tier: Literal["nation", "province", "region", "county"]
    phi: float = Field(ge=0, le=1)
    sigma: Sd
    start: Sd = 0.0


class _Band(_Sourced):
    first_age: int = Field(ge=0, le=AGES[-1])
    phi: float = Field(ge=0, le=1)
    sigma: Sd
    start: Sd = 0.0


class _Loading(_Sourced):
    """Share of the mortality path that each age follows, linear between the given ages."""

    ages: tuple[int, ...]
    values: tuple[Annotated[float, Field(ge=0, le=5)], ...]

    @model_validator(mode="after")
    def _pairs(self) -> _Loading:
        if len(self.ages) != len(self.values) or list(self.ages) != sorted(set(self.ages)) or not self.ages:
            raise ValueError("ages in order, one value each")
        return self


class _Dispersion(_Sourced):
    dispersion: float = Field(ge=0, le=1000)


class _Sample(_Sourced):
    births_sampled: float = Field(ge=0, le=1)


class _Freedom(_Sourced):
    degrees_of_freedom: float = Field(gt=2, le=1000)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    fertility: tuple[_Process, ...]
    mortality: tuple[_Process, ...]
    migration: tuple[_Process, ...]
    bands: tuple[_Band, ...] = ()
    mortality_loading: _Loading | None = None
    births: _Dispersion
    movers: _Dispersion
    tails: _Freedom | None = None
    jump_off: _Sample | None = None


def read_uncertainty(region: Region) -> Uncertainty:
    """The region's own `uncertainty.toml`, else that of its pattern.

    Raises InputRefused with every fault of the file, and where there is none: how unsure a forecast is cannot be
    assumed in silence.
    """
    return uncertainty_from_file(_find(region))


def uncertainty_from_file(path: Path) -> Uncertainty:
    """The same from a file. Raises CannotReadWrite, InputRefused."""
    try:
        raw = read_toml(path)
    except OSError as error:
        raise CannotReadWrite(Issue("E673", file=path.name, values={"found": str(error)})) from error
    except NotToml as error:
        raise InputRefused(Issue("E673", file=path.name, values={"found": str(error)})) from error
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        raise InputRefused(from_pydantic(error, lambda found: _issue(found, path.name))) from None
    bands = sorted(file.bands, key=lambda band: band.first_age)
    if bands and (bands[0].first_age != 0 or len({band.first_age for band in bands}) != len(bands)):
        values = {"field": "bands", "found": ", ".join(str(band.first_age) for band in bands), "expected": "0, 5, ..."}
        raise InputRefused(Issue("E674", file=path.name, values=values))
    return Uncertainty(
        fertility=_processes(file.fertility),
        mortality=_processes(file.mortality),
        migration=_processes(file.migration),
        bands=tuple(Process("county", band.phi, band.sigma, band.start) for band in bands),
        first_ages=tuple(band.first_age for band in bands) or MIGRATION_BANDS,
        mortality_loading=_loading(file.mortality_loading),
        births_dispersion=file.births.dispersion,
        movers_dispersion=file.movers.dispersion,
        births_sampled=file.jump_off.births_sampled if file.jump_off else 0.0,
        degrees_of_freedom=file.tails.degrees_of_freedom if file.tails else float("inf"),
        parts=_parts(file),
    )


def _find(region: Region) -> Path:
    places = [region.folder / FILE]
    if region.pattern:
        places.append(folders.folder("data") / "patterns" / region.pattern / FILE)
    for place in places:
        if place.is_file():
            return place
    raise InputRefused(Issue("E672", values={"file": FILE, "region": region.id}))


def _processes(given: tuple[_Process, ...]) -> tuple[Process, ...]:
    return tuple(Process(process.tier, process.phi, process.sigma, process.start) for process in given)


def _loading(given: _Loading | None) -> tuple[float, ...]:
    import numpy as np

    return (1.0,) * len(AGES) if given is None else tuple(np.interp(AGES, given.ages, given.values).tolist())


def _parts(file: _File) -> tuple[tuple[str, str, str, str], ...]:
    """Component, tier, source and basis of everything in the file, for those who ask what the bands rest on."""
    listed = [
        *(("fertility", entry.tier, entry) for entry in file.fertility),
        *(("mortality", entry.tier, entry) for entry in file.mortality),
        *(("migration", entry.tier, entry) for entry in file.migration),
        *(("migration by age", f"{entry.first_age}+", entry) for entry in file.bands),
        ("counted births", "county", file.births),
        ("counted movers", "county", file.movers),
        *([("mortality by age", "nation", file.mortality_loading)] if file.mortality_loading else []),
        *([("sampled births", "region", file.jump_off)] if file.jump_off else []),
        *([("volatility of counties", "county", file.tails)] if file.tails else []),
    ]
    return tuple((name, tier, entry.source, entry.basis) for name, tier, entry in listed)


def _issue(finding: Finding, file: str) -> Issue:
    """Issue of the catalogue for one fault that pydantic reports."""
    bounds = ", ".join(f"{key} {value}" for key, value in finding.context.items() if key != "error")
    values = {
        "field": ".".join(str(key) for key in finding.keys),
        "found": finding.found,
        "expected": bounds or finding.kind,
    }
    return Issue("E674", file=file, values=values)
