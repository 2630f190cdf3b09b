"""A run: region, scenario, models, the cube, and what was found in it; the same whether it is saved or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import xarray as xr

from forecast.basics.dims import YEAR
from forecast.blocks import Causes, Task, recompute

if TYPE_CHECKING:
    from pathlib import Path

    from forecast.demand import DemandModel, Ratio
    from forecast.findings.flags import Flags
    from forecast.findings.read import Rules
    from forecast.findings.schools import Schools
    from forecast.findings.sharing import Sharing
    from forecast.region import Region
    from forecast.scenario import Scenario


@dataclass(frozen=True)
class Run:
    """All that a forecast found; `flags` holds its waves and what they mean.

    rules     standards of schools, rules of warning and sharing: the shipped ones or the region's own
    data      one year axis from the first known year to the horizon; with many trajectories it also holds what
              `run_blocks` keeps of them, by `area`
    headline  sentences of the first screen, by language
    folder    where it was written, if it was
    task      inputs of the trajectories, and `causes` what their spread comes from; None where the run is one path
    """

    region: Region
    scenario: Scenario
    models: Mapping[str, DemandModel]
    rules: Rules
    data: xr.Dataset
    ratios: Mapping[str, Ratio]
    manifest: Mapping[str, Any]
    flags: Flags
    sharing: Sharing
    schools: Schools | None = None
    task: Task | None = None
    causes: Causes | None = None
    headline: Mapping[str, list[str]] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def variance_share(self) -> xr.DataArray | None:
        """Share of each component in the variance of demand, (component, area, projected year, service); None for one
        path. Worked out when first asked for, as it projects everything several times more."""
        return None if self.causes is None else self.causes.variance_share

    @property
    def cube(self) -> xr.Dataset:
        """`data` and, of many trajectories, `variance_share`: what is saved."""
        shares = self.variance_share
        return self.data if shares is None else self.data.assign(variance_share=shares.reindex({YEAR: self.data[YEAR]}))

    def trajectory(self, number: int) -> xr.Dataset:
        """One trajectory in full, drawn again: people and flows by age, and demand. Raises ValueError where the run
        had no trajectory of that number."""
        have = int(self.manifest["trajectories"])
        if self.task is None or not 0 <= number < have:
            raise ValueError(f"there are trajectories 0 to {have - 1}" if self.task else "the run was deterministic")
        return recompute(self.task, number)
