"""The classes as they were first written, one window and one reading of the end after the other: slow, and easy to check."""

from __future__ import annotations

import numpy as np

from forecast.waves import kernel
from forecast.waves.kernel import NEVER
from forecast.waves.lanes import BALANCED, CREST, CREST_THEN_SURPLUS, SHORTAGE, SURPLUS, TROUGH, UNDETERMINED


def judge_slowly(
    paths: np.ndarray, stands: np.ndarray, bar: np.ndarray, begin: int, window: int
) -> tuple[np.ndarray, np.ndarray]:
    """Class of each path (path, year), and the judged year in which it began, len(stands) where none is dated."""
    (stays, since), (ends, _) = (_reading(paths, stands, bar, begin, window, on) for on in (True, False))
    same = stays == ends
    return np.where(same, stays, UNDETERMINED), np.minimum(np.where(same, since, NEVER), len(stands))


def _reading(
    paths: np.ndarray, stands: np.ndarray, bar: np.ndarray, begin: int, window: int, goes_on: bool
) -> tuple[np.ndarray, np.ndarray]:
    beyond, years, judged = window if goes_on else 0, paths.shape[1], len(stands)
    at = np.clip(np.arange(years) - begin, 0, judged - 1)
    lacking, negative = paths - stands[at], -paths
    lasts, falls = np.empty_like(paths), np.empty_like(paths)
    kernel.open_paths(lacking, window, beyond, lasts)
    kernel.open_paths(negative, window, beyond, falls)
    now = slice(begin, begin + judged)
    most = np.maximum(lasts[:, now].max(axis=1, keepdims=True), 0.0)
    later = np.maximum.accumulate(paths[:, ::-1], axis=1)[:, ::-1]
    empty = (stands[at] - later > bar[at])[:, begin:]
    many = empty.sum(axis=1) + beyond * empty[:, -1] >= window
    crest = _first(lacking[:, now] - most > bar)
    short = _first(lasts[:, now] > bar)
    spare = np.where(many, _first(empty[:, :judged]), NEVER)
    trough = _first(np.minimum(stands, -falls[:, now]) - paths[:, now] > bar)
    holds = {
        CREST_THEN_SURPLUS: (crest < spare) & (spare < NEVER),
        SHORTAGE: short < NEVER,
        CREST: crest < NEVER,
        SURPLUS: spare < NEVER,
        TROUGH: trough < NEVER,
    }
    names = np.select(list(holds.values()), list(holds), BALANCED)
    return names, np.choose(names, [NEVER, crest, short, crest, spare, trough, NEVER])


def _first(which: np.ndarray) -> np.ndarray:
    return np.where(which.any(axis=1), which.argmax(axis=1), NEVER)
