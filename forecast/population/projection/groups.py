"""Residents and registered people from one projection by group, so that nobody is counted twice.

local   resident with local registration      resident (常住)   = local + migrant
migrant resident without                      registered (户籍) = local + absent
absent  registered here, not resident
"""

from __future__ import annotations

import xarray as xr

from forecast.basics.dims import GROUP
from forecast.basics.issues import InputRefused, Issue

CONCEPTS = {"resident": ("local", "migrant"), "registered": ("local", "absent")}
"""Population concept -> the groups that it consists of."""

_FAULTS = {"resident": "E651", "registered": "E652"}
_CROSSING = ("in_migration", "out_migration")


def resident(projection: xr.Dataset) -> xr.Dataset:
    """The variables of a projection summed over those who live here (常住): local + migrant.

    A projection without groups is of residents and comes back as it is. Arrivals and leavers are left out: those of a
    group hold who merely changes group, which for the sum is no move; net migration is right, because there a change
    of group cancels. Raises InputRefused naming every group that is missing.
    """
    return _summed(projection, "resident") if GROUP in projection.dims else projection


def registered(projection: xr.Dataset) -> xr.Dataset:
    """The variables of a projection summed over those registered here (户籍), wherever they live: local + absent.

    As `resident`; a projection without groups does not know who is registered and is refused.
    """
    return _summed(projection, "registered")


def _summed(projection: xr.Dataset, concept: str) -> xr.Dataset:
    wanted = CONCEPTS[concept]
    given = [str(group) for group in projection[GROUP].values] if GROUP in projection.dims else []
    missing = [group for group in wanted if group not in given]
    if missing:
        values = {"missing": ", ".join(missing), "found": ", ".join(given) or "-"}
        raise InputRefused(Issue(_FAULTS[concept], values=values))
    kept = projection.drop_vars([name for name in _CROSSING if name in projection])
    counted = kept.sel({GROUP: list(wanted)})
    with xr.set_options(keep_attrs=True):
        summed = {
            name: variable.sum(GROUP, skipna=False) if GROUP in variable.dims else variable
            for name, variable in counted.items()
        }
    return xr.Dataset(summed, attrs=projection.attrs | {"population_concept": concept})
