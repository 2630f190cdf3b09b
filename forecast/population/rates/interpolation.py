"""The monotone cubic (Fritsch and Carlson) through tables by age group, for many tables at once."""

from __future__ import annotations

import numpy as np


def monotone_cubic(nodes: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Values between nodes on a cubic that rises and falls only where the values at the nodes do.

    nodes: (..., node), rising, at least two; values: (..., node); at: (..., point) between the first and the last node.
    Returns (..., point). Slopes at inner nodes are the weighted harmonic means of the neighbouring chords (Fritsch and
    Butland 1984), 0 at a turn; at the ends of the three-point formula, held to the sign and to three times the chord.
    The same curve as scipy's PchipInterpolator, which takes one set of nodes at a time and longer to import than a
    city's past to estimate.

    >>> monotone_cubic(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.5, 1.0, 1.5])).tolist()
    [0.0, 0.6875, 1.0, 1.0]
    """
    widths = np.diff(nodes)
    chords = np.diff(values) / widths
    slopes = _slopes(widths, chords)
    piece = (at[..., :, None] >= nodes[..., None, 1:-1]).sum(axis=-1)

    def there(of_piece: np.ndarray) -> np.ndarray:
        lead = np.broadcast_shapes(of_piece.shape[:-1], piece.shape[:-1])
        wide = np.broadcast_to(of_piece, (*lead, of_piece.shape[-1]))
        return np.take_along_axis(wide, np.broadcast_to(piece, (*lead, piece.shape[-1])), axis=-1)

    bend = (slopes[..., :-1] + slopes[..., 1:] - 2 * chords) / widths
    beyond = at - there(nodes[..., :-1])
    second, third = there((chords - slopes[..., :-1]) / widths - bend), there(bend / widths)
    curve: np.ndarray = there(values[..., :-1]) + beyond * (
        there(slopes[..., :-1]) + beyond * (second + beyond * third)
    )
    return curve


def _slopes(widths: np.ndarray, chords: np.ndarray) -> np.ndarray:
    """(..., node) from widths and chords (..., piece)."""
    if chords.shape[-1] == 1:
        return np.repeat(chords, 2, axis=-1)
    before, after = chords[..., :-1], chords[..., 1:]
    turns = np.sign(before) * np.sign(after) <= 0
    near, far = 2 * widths[..., 1:] + widths[..., :-1], widths[..., 1:] + 2 * widths[..., :-1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # next to nothing, rightly with a slope of 0
        inner = np.where(turns, 0.0, (near + far) / (near / before + far / after))
    first = _end_slope(widths[..., :1], widths[..., 1:2], chords[..., :1], chords[..., 1:2])
    last = _end_slope(widths[..., -1:], widths[..., -2:-1], chords[..., -1:], chords[..., -2:-1])
    return np.concatenate([first, inner, last], axis=-1)


def _end_slope(width: np.ndarray, next_width: np.ndarray, chord: np.ndarray, next_chord: np.ndarray) -> np.ndarray:
    slope = ((2 * width + next_width) * chord - width * next_chord) / (width + next_width)
    slope = np.where(np.sign(slope) == np.sign(chord), slope, 0.0)
    too_steep = (np.sign(chord) != np.sign(next_chord)) & (abs(slope) > 3 * abs(chord))
    return np.where(too_steep, 3 * chord, slope)
