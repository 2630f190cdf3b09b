"""Waves of demand: where they crest, what of them lasts, how one stage hands them to the next."""

from forecast.waves.crests import COLUMNS, STAGES, find_waves

__all__ = ["COLUMNS", "STAGES", "find_waves"]
