"""Seconds of a job, as benchmarks take them."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np


def own_seconds(job: Callable[[], object], rounds: int = 12) -> float:
    """Best of so many rounds of this thread's own time, which others on the machine do not lengthen by waiting."""
    job()
    best = np.inf
    for _ in range(rounds):
        start = time.thread_time()
        job()
        best = min(best, time.thread_time() - start)
    return float(best)
