"""Blocks: counties in many trajectories, reduced to what is kept."""

from forecast.blocks.all_blocks import run_blocks
from forecast.blocks.rows import project_rows
from forecast.blocks.single import recompute
from forecast.blocks.task import Task
from forecast.blocks.variance import Causes, attribute_variance

__all__ = ["Causes", "Task", "attribute_variance", "project_rows", "recompute", "run_blocks"]
