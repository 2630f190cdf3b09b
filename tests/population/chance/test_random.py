"""The generator against its authors' known answers, the normals against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from forecast.population.chance.random import normal_quantile, normals, philox, tail_quantile

YEARS = np.arange(2024, 2030)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ([0, 0, 0, 0], [0, 0], [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
        ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
        (
            [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
            [0xA4093822, 0x299F31D0],
            [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
        ),
    ],
)
def test_known_answers(counter: list[int], key: list[int], expected: list[int]) -> None:
    """Philox 4x32-10: the vectors published with Random123 (kat_vectors)."""
    assert [int(word) for word in philox(*map(np.uint64, counter + key))] == expected


def test_the_inverse_is_scipys() -> None:
    middle = np.linspace(-0.425, 0.425, 2001)
    np.testing.assert_allclose([normal_quantile(at) for at in middle], ndtri(0.5 + middle), rtol=2e-7, atol=1e-12)
    low = np.concatenate([np.linspace(1e-4, 0.075, 500), 10.0 ** -np.arange(4.0, 10.0)]) - 0.5
    for centred in (low, -low):
        np.testing.assert_allclose([tail_quantile(at) for at in centred], ndtri(0.5 + centred), rtol=2e-7)


def test_normals_are_normal_and_independent() -> None:
    found = normals(1, "330302", "births", YEARS, range(4000), 6)
    assert stats.kstest(found.ravel(), "norm").pvalue > 1e-3
    correlation = np.corrcoef(found.reshape(-1, 4000))[np.triu_indices(36, 1)]
    assert abs(correlation).max() < 0.08  # five standard errors of 630 pairs
    along = np.corrcoef(found[..., :-1].ravel(), found[..., 1:].ravel())[0, 1]
    assert abs(along) < 0.02


def test_a_stream_is_its_seed_area_and_component() -> None:
    first = normals(1, "330302", "births", YEARS, range(1000), 6)
    assert np.array_equal(first[..., :200], normals(1, "330302", "births", YEARS, range(200), 6))
    assert np.array_equal(first[..., 437:440], normals(1, "330302", "births", YEARS, range(437, 440), 6))
    assert np.array_equal(first[:3], normals(1, "330302", "births", YEARS[:3], range(1000), 6))
    assert np.array_equal(first[:, :1], normals(1, "330302", "births", YEARS, range(1000)))
    for other in ((2, "330302", "births"), (1, "330303", "births"), (1, "330302", "migration")):
        assert abs(np.corrcoef(first.ravel(), normals(*other, YEARS, range(1000), 6).ravel())[0, 1]) < 0.03
