"""Names, order and coordinates of the dimensions that every labelled object shares.

A stock labelled `y` stands at 31 December of `y`; a flow labelled `y` happens during `y`.
`age` is completed years, 0..100, and the last is the open age group. School year `y` starts on 1 September `y`.
"""

from __future__ import annotations

from collections.abc import Iterable

import xarray as xr

TRAJECTORY, COUNTY, GROUP, YEAR, SEX, AGE = "trajectory", "county", "group", "year", "sex", "age"
SERVICE, STAGE, GRADE, PART = "service", "stage", "grade", "part"
AREA, QUANTILE, AGE_GROUP, COMPONENT = "area", "quantile", "age_group", "component"

FROM_PLACE, TO_PLACE = "origin", "destination"
FROM_GROUP, TO_GROUP = "from_group", "to_group"
FROM_SEX, FROM_AGE = "from_sex", "from_age"
MOTHER_AGE, PERIOD = "mother_age", "period"

STEP, LAG, LIMIT, SETTING, SCHOOL = "step", "lag", "limit", "setting", "school"
DWELLING_TYPE, DWELLING_AGE = "dwelling_type", "dwelling_age"
CATEGORY, SHIFT, DRIVER, ROW, RULE = "category", "shift", "driver", "row", "rule"

START_YEAR, LEAD, APPROACH, PROBABILITY = "origin", "lead", "approach", "probability"
"""Of tests on the past: the last year that a forecast knew, years from it on, and who forecasts."""

ORDER = (TRAJECTORY, COUNTY, GROUP, YEAR, SEX, AGE, SERVICE, STAGE, GRADE, PART)
"""Slow to fast; variables that leave a function have their dimensions in this order."""

SEXES = ("female", "male")
OPEN_AGE = 100
AGES = tuple(range(OPEN_AGE + 1))


def in_order(variable: xr.DataArray) -> xr.DataArray:
    """The same variable with its dimensions in the order of `ORDER` (others, if any, first).

    >>> import xarray as xr
    >>> in_order(xr.DataArray([[1.0, 2.0]], dims=("year", "county"))).dims
    ('county', 'year')
    """
    known = [dim for dim in ORDER if dim in variable.dims]
    others = [dim for dim in variable.dims if dim not in ORDER]
    return variable.transpose(*others, *known)


def require_dims(variable: xr.DataArray, wanted: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Raises ValueError that names the dimensions a variable lacks or should not have."""
    have, need, may = set(variable.dims), set(wanted), set(optional)
    lacking, surplus = sorted(need - have), sorted(str(dim) for dim in have - need - may)
    if lacking or surplus:
        parts = [f"lacks {', '.join(lacking)}"] if lacking else []
        parts += [f"should not have {', '.join(surplus)}"] if surplus else []
        raise ValueError(f"{variable.name or 'variable'}{tuple(variable.dims)} {' and '.join(parts)}")


def same_coords(*variables: xr.DataArray) -> None:
    """Raises ValueError naming the dimension and labels in which two variables differ (no silent inner join)."""
    seen: dict[str, tuple[object, ...]] = {}
    for variable in variables:
        for dim, index in variable.indexes.items():
            labels = tuple(index)
            first = seen.setdefault(str(dim), labels)
            if first != labels:
                gone = [x for x in first if x not in labels][:5]
                new = [x for x in labels if x not in first][:5]
                raise ValueError(f"{dim}: labels differ (missing {gone}, unexpected {new}) or stand in another order")


def at_years(path: Iterable[tuple[int, float]], years: Iterable[int]) -> list[float]:
    """Dated values read at each year: linear between two dates, constant before the first and after the last.

    >>> at_years([(2024, 1.0), (2028, 2.0)], [2020, 2026, 2040])
    [1.0, 1.5, 2.0]
    """
    import numpy as np

    dates, values = zip(*sorted(path), strict=True)
    return [float(x) for x in np.interp(list(years), dates, values)]
