"""Levels of the quantiles that are kept and told, and the bands between two of them."""

from __future__ import annotations

BANDS = {80: (0.1, 0.9), 95: (0.025, 0.975)}
"""Per cent of the trajectories inside a band -> levels of its ends."""

LOW, HIGH = BANDS[80]
"""Ends of the range that a sentence tells."""

MEDIAN = 0.5

ENDS = (0.025, 0.1, 0.9, 0.975)
"""Ends of all bands, from low to high."""

MIDDLE_AND_ENDS = (0.025, 0.1, MEDIAN, 0.9, 0.975)

KEPT = (0.025, 0.05, 0.1, 0.25, MEDIAN, 0.75, 0.9, 0.95, 0.975)
"""Levels kept of many trajectories in a run's cube: the ends of the bands, and what planning for a chosen risk needs."""
