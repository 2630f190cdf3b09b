"""Counties in many trajectories: people, and any linear row of need, without ever holding all people by age.

A row is a weight for each sex and age: places per child, beds per elder, or simply the persons of an age group. A
county goes through its whole chain in one thread, 256 trajectories at a time, in float32; what comes back is (row,
year, trajectory). The bits depend neither on threads, nor on how many counties or trajectories are asked for at once.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, COUNTY, ROW, SEX, TRAJECTORY, YEAR
from forecast.blocks.kernel import county_rows
from forecast.population.chance.processes import Frame, Shocks, county_shocks
from forecast.population.projection.conventions import ASFR_AGES, TIMINGS, conventions
from forecast.population.projection.drivers import fertile_ages
from forecast.population.projection.kernel import lane_array, moves_of

BIRTHS = "births"
"""Name of the last row: births of both sexes in the year."""

LANES = 256
"""Trajectories that go through the kernel side by side: short enough for the cache, a multiple of 32."""


def project_rows(
    rates: xr.Dataset, frame: Frame, rows: xr.DataArray, trajectories: range, threads: int | None = None
) -> xr.DataArray:
    """Rows of need of the counties of `rates` in these trajectories: (county, row, year, trajectory), float32.

    frame: from `uncertain_frame` of the same rates. rows: (row, [county,] [year,] [sex,] age) units per person of the
    age at the year's end. The last row returned is `births`. threads: at most so many counties at a time.
    """
    chain = _Chain(rates, frame, rows)
    numbers = range(len(frame.counties))
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        values = np.stack(list(pool.map(lambda county: chain.run(county, trajectories), numbers)))
    coords = {
        COUNTY: list(frame.counties),
        ROW: [*rows[ROW].values.tolist(), BIRTHS],
        YEAR: frame.years,
        TRAJECTORY: list(trajectories),
    }
    return xr.DataArray(values, dims=tuple(coords), coords=coords)


class _Chain:
    """The rates as the kernel wants them: float32 arrays, one index for the county where a variable has it."""

    def __init__(self, rates: xr.Dataset, frame: Frame, rows: xr.DataArray):
        self.rates = rates.assign_attrs(conventions(rates, None))
        self.frame = frame
        self.timing = TIMINGS[str(self.rates.attrs["migration_timing"])]
        self.younger = ASFR_AGES[str(self.rates.attrs["asfr_age"])]
        self.first_age, last = fertile_ages(rates.asfr)
        self.asfr = _by_county(rates.asfr, YEAR, AGE)[..., self.first_age : last + 1]
        self.baseline = _by_county(rates.baseline, SEX, AGE)
        self.log_sx = np.log(np.maximum(_by_county(rates.sx, YEAR, SEX, AGE), np.float32(1e-30)))
        self.alike = len(self.log_sx) == 1 and all(process.tier != "county" for process in frame.uncertainty.mortality)
        self.known: dict[int, np.ndarray] = {}  # first trajectory -> the survival that all counties share
        self.girls = 1 / (1 + _by_county(rates.srb, YEAR))
        self.net = _by_county(rates.net_migration, YEAR, SEX, AGE, kind=float)
        full = rows.expand_dims({d: rates[d].values for d in (YEAR, SEX) if d not in rows.dims})
        self.weights = _by_county(full, YEAR, ROW, SEX, AGE)
        used = (self.weights != 0).any(axis=(0, 1, 3))  # (row, age)
        self.first = np.where(used.any(axis=1), used.argmax(axis=1), 0)
        self.stop = np.where(used.any(axis=1), used.shape[1] - used[:, ::-1].argmax(axis=1), 0)

    def run(self, county: int, trajectories: range) -> np.ndarray:
        """(row, year, trajectory) of one county."""
        slope, shares = self.frame.slope[county], tuple(self.timing)
        by_year = [moves_of(net, slope, shares) for net in _of(self.net, county)]  # type: ignore[no-untyped-call]
        moves = np.asarray(by_year, np.float32)
        starts = range(trajectories.start, trajectories.stop, LANES)
        blocks = [self.block(county, moves, range(start, start + LANES)) for start in starts]
        return np.concatenate(blocks, axis=-1)[..., : len(trajectories)]

    def block(self, county: int, moves: np.ndarray, trajectories: range) -> np.ndarray:
        """The same for as many trajectories as go side by side."""
        shocks = county_shocks(self.frame, county, trajectories)
        ages, years = self.baseline.shape[-1], self.frame.years.size
        rows = self.weights.shape[2]
        start, end = (lane_array((2, ages, LANES), np.float32) for _ in range(2))
        births, need = np.empty(LANES, np.float32), np.empty((rows, LANES), np.float32)
        out = np.empty((rows + 1, years, LANES), np.float32)
        county_rows(
            _of(self.baseline, county), shocks.newborn.astype(np.float32), self.survival(county, shocks, trajectories), _of(self.asfr, county), self.first_age,
            self.younger, shocks.fertility.astype(np.float32), _of(self.girls, county),
            shocks.movers.astype(np.float32), self.frame.band.astype(np.int64), moves,
            np.float32(self.timing.in_exposure), _of(self.weights, county), self.first, self.stop, start, end, births,
            need, out,
        )  # fmt: skip
        return out

    def survival(self, county: int, shocks: Shocks, trajectories: range) -> np.ndarray:
        """sx ** exp(loading x hazard): (year, sex, age, lane); worked out once where all counties share it."""
        if trajectories.start in self.known:
            return self.known[trajectories.start]
        power = np.exp(self.loading[:, None] * shocks.hazard.astype(np.float32)[:, None, :])
        log_sx = _of(self.log_sx, county)
        survival = lane_array((*log_sx.shape, LANES), np.float32)
        np.exp(log_sx[..., None] * power[:, None], out=survival)
        if self.alike:
            self.known[trajectories.start] = survival
        return survival

    @cached_property
    def loading(self) -> np.ndarray:
        return np.asarray(self.frame.uncertainty.mortality_loading, np.float32)


def _by_county(variable: xr.DataArray, *dims: str, kind: type = np.float32) -> np.ndarray:
    """(county or 1, ...) C-contiguous."""
    wide = variable if COUNTY in variable.dims else variable.expand_dims(COUNTY)
    return np.ascontiguousarray(wide.transpose(COUNTY, *dims).values, dtype=kind)


def _of(values: np.ndarray, county: int) -> np.ndarray:
    """A county's part; the only one where all share it."""
    part: np.ndarray = values[county if len(values) > 1 else 0]
    return part
