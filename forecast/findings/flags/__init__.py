"""Flags: what must be decided by when, how sure it is, and why, for each county and service."""

from forecast.findings.flags.flags import (
    ELDERS,
    MIGRATION,
    SPAN,
    Flags,
    Paths,
    find_flags,
    flag_table,
    paths_of,
)

__all__ = ["ELDERS", "MIGRATION", "SPAN", "Flags", "Paths", "find_flags", "flag_table", "paths_of"]
