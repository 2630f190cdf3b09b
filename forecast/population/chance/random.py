"""Random numbers that depend on what they are for, never on who draws them, when, or beside what.

A stream belongs to a seed, an area and a component: their hash is the key of a counter-based generator (Philox 4x32
with 10 rounds, Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). The counter is the year and the
trajectory, with a fixed number of uniforms each. So 200 trajectories are the first of 1,000, trajectory 437 can be had
alone, a longer horizon leaves earlier years as they were, and a county can draw again what its city and nation drew.

Compiled here rather than numpy's Philox, which costs 28 us for each stream of a county and year before its first
number; and the normals of a whole run were the largest part of its time with scipy's inverse.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from forecast.basics.folders import compiled

_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_WEYL = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_STEP = 2.0**-32


def normals(seed: int, area: str, component: str, years: np.ndarray, trajectories: range, count: int = 1) -> np.ndarray:
    """Standard normals (year, count, trajectory), by the inverse of the distribution function.

    trajectories: consecutive numbers from 0 on. The first numbers of a stream do not depend on `count`.
    """
    digest = blake2b(f"{seed}|{area}|{component}".encode(), digest_size=8).digest()
    key = np.frombuffer(digest, dtype=np.uint32).astype(np.uint64)
    out = np.empty((len(years), count, len(trajectories)))
    fill_normals(key, np.asarray(years, dtype=np.uint64), np.uint64(trajectories.start), out)
    return out


@compiled()
def philox(first, second, third, fourth, key0, key1):  # type: ignore[no-untyped-def]
    """Four random 32-bit numbers for a counter of four and a key of two, all held in 64-bit unsigned integers."""
    for _ in range(10):
        left, right = _MULTIPLIERS[0] * first, _MULTIPLIERS[1] * third
        first, second, third, fourth = (
            (right >> _SHIFT) ^ second ^ key0,
            right & _LOW,
            (left >> _SHIFT) ^ fourth ^ key1,
            left & _LOW,
        )
        key0, key1 = (key0 + _WEYL[0]) & _LOW, (key1 + _WEYL[1]) & _LOW
    return first, second, third, fourth


@compiled()
def normal_quantile(centred):  # type: ignore[no-untyped-def]
    """Inverse of the standard normal distribution function at 0.5 + centred, where |centred| <= 0.425, to 1e-7
    (Wichura 1988, AS 241, PPND7)."""
    r = 0.180625 - centred * centred
    top = ((59.109374720 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179
    return centred * top / (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1.0)


@compiled()
def tail_quantile(centred):  # type: ignore[no-untyped-def]
    """The same where |centred| > 0.425."""
    r = np.sqrt(-np.log(0.5 - abs(centred)))
    if r <= 5.0:
        r -= 1.6
        top = ((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777
        value = top / ((0.12021132975 * r + 0.73700164250) * r + 1.0)
    else:
        r -= 5.0
        top = ((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150
        value = top / ((0.012258202635 * r + 0.24197894225) * r + 1.0)
    return -value if centred < 0 else value


@compiled()
def fill_normals(key, years, first, out):  # type: ignore[no-untyped-def]
    """Fills out (year, count, trajectory); counter: four numbers at a time, year, trajectory, 0.

    The words of all trajectories come first, then the middle of the distribution for all, then the tails where they
    are: three plain loops, of which the first two go through vectors.
    """
    zero, count, lanes = np.uint64(0), out.shape[1], out.shape[2]
    words = np.empty((4, lanes), np.uint64)
    for row in range(out.shape[0]):
        for block in range((count + 3) // 4):
            for lane in range(lanes):
                words[0, lane], words[1, lane], words[2, lane], words[3, lane] = philox(
                    np.uint64(block), years[row], first + np.uint64(lane), zero, key[0], key[1]
                )
            for word in range(min(4, count - 4 * block)):
                into, drawn = out[row, 4 * block + word], words[word]
                for lane in range(lanes):
                    into[lane] = (drawn[lane] + 0.5) * _STEP - 0.5
                for lane in range(lanes):
                    into[lane] = normal_quantile(into[lane])
                for lane in range(lanes):
                    centred = (drawn[lane] + 0.5) * _STEP - 0.5
                    if abs(centred) > 0.425:
                        into[lane] = tail_quantile(centred)
