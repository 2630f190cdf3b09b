"""Blocks: counties in many trajectories, reduced to what is kept."""

from forecast.blocks.attribution import attribute_variance
from forecast.blocks.chosen import recompute
from forecast.blocks.project import project_rows
from forecast.blocks.run import run_blocks
from forecast.blocks.task import Task

__all__ = ["Task", "attribute_variance", "project_rows", "recompute", "run_blocks"]
