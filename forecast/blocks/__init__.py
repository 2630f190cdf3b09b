"""Blocks: counties in many trajectories, reduced to what is kept."""

from forecast.blocks.project import project_rows

__all__ = ["project_rows"]
