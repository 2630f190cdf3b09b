"""Children who enter school: those of the entry ages, those of them with access, and what they were born as.
Asked alone: no run calls it.

E[g1,t] = sum over a of P[a,t] h[a] kappa[t] + X[t]: h the share of a cohort that enters at age a, which
adds up to 1 over the cohort, kappa the participation, X the net inflow from other counties.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from forecast.basics.dims import AGE, in_order
from forecast.basics.issues import InputRefused, Issue


def entrants(
    children: xr.DataArray,
    entry_shares: Mapping[int, float],
    participation: xr.DataArray | float = 1.0,
    inflow: xr.DataArray | float = 0.0,
) -> xr.DataArray:
    """New pupils (..., year) of a first grade.

    children: (..., year, age) residents by completed age at the cut-off date; entry_shares: age -> share of a cohort
    that enters at this age, adding up to 1, so that constant births give constant entrants; participation kappa and
    inflow X by any of the dimensions. Raises InputRefused where the shares do not add up to 1 or an age is missing.
    """
    if not np.isclose(sum(entry_shares.values()), 1.0, atol=1e-9):
        raise InputRefused(Issue("E442", values={"found": f"{sum(entry_shares.values()):g}"}))
    missing = sorted(set(entry_shares) - set(children[AGE].values.tolist()))
    if missing:
        raise InputRefused(Issue("E414", values={"dim": AGE, "labels": ", ".join(map(str, missing))}))
    shares = xr.DataArray(list(entry_shares.values()), coords={AGE: list(entry_shares)}, dims=AGE)
    with xr.set_options(arithmetic_join="exact"):
        cohort = (children.sel({AGE: list(entry_shares)}) * shares).sum(AGE, skipna=False)
        return in_order((cohort * participation + inflow).rename("entrants"))


def participation_with_access(
    registered: xr.DataArray, migrant: xr.DataArray, use: xr.DataArray | float, access: xr.DataArray | float
) -> xr.DataArray:
    """kappa of all resident children: registered ones (本地户籍) use school at `use`, migrant ones (随迁子女) at use x access.

    registered, migrant: resident children by any dimensions; use: pupils per child; access: 0 to 1, the share of
    migrant children whom the schools here take.
    """
    with xr.set_options(arithmetic_join="exact"):
        return (registered * use + migrant * use * access) / (registered + migrant)


def eligible_share(years_of_residence: xr.DataArray, required: int) -> xr.DataArray:
    """Share of migrant children who may enter when `required` full years of residence are asked for (梯度供给).

    years_of_residence: (..., residence) children by completed years of residence of the family, 0, 1, 2, ..., the
    last and more. The share falls with every further year asked for, or stays: asking for more never raises demand.

    >>> lived = xr.DataArray([20.0, 30.0, 50.0], coords={"residence": [0, 1, 2]})
    >>> [eligible_share(lived, years).item() for years in (0, 1, 2, 3)]
    [1.0, 0.8, 0.5, 0.0]
    """
    return (years_of_residence.where(years_of_residence["residence"] >= required, 0.0).sum("residence")) / (
        years_of_residence.sum("residence")
    )


def where_children_are(cohort: xr.DataArray, in_school: xr.DataArray, elsewhere: xr.DataArray) -> xr.Dataset:
    """A cohort counted once: in school here, elsewhere, and out of school; the three add up to the cohort.

    Raises InputRefused where more are in school and elsewhere than there are children: then rolls hold children who
    live in other counties, which belong into the flows.
    """
    with xr.set_options(arithmetic_join="exact"):
        out = cohort - in_school - elsewhere
    if bool((out < -1e-9 * abs(cohort)).any()):
        raise InputRefused(Issue("E443", values={"found": f"{-float(out.min()):,.0f}"}))
    return xr.Dataset({"in_school": in_school, "elsewhere": elsewhere, "out_of_school": out.clip(min=0)})


def bought_places(demand: xr.DataArray, public: xr.DataArray, private: xr.DataArray) -> xr.DataArray:
    """Places bought from private schools (购买学位): what public places leave short, as far as private ones go.

    They are supply, not demand: pupils stay what they are.
    """
    with xr.set_options(arithmetic_join="exact"):
        short = (demand - public).clip(min=0)
        return short.where(short <= private, private).rename("bought_places")
