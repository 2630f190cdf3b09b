"""Waves of demand: where they crest, what of them lasts, what class of shortage or surplus they make."""

from forecast.waves.classes import CATEGORIES, classify_waves, synchrony
from forecast.waves.find import COLUMNS, find_waves
from forecast.waves.lasting import lasting_need, lasting_room, screening_level
from forecast.waves.sentence import Facts, Tipping, explain
from forecast.waves.stacks import smooth_cells
from forecast.waves.train import find_trains, implied_by_births, implied_by_people

__all__ = [
    "CATEGORIES",
    "COLUMNS",
    "Facts",
    "Tipping",
    "classify_waves",
    "explain",
    "find_trains",
    "find_waves",
    "implied_by_births",
    "implied_by_people",
    "lasting_need",
    "lasting_room",
    "screening_level",
    "smooth_cells",
    "synchrony",
]
