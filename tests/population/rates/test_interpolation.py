"""The monotone cubic against scipy's, on tables of every shape that the project reads."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator

from forecast.population.rates.interpolation import monotone_cubic

chords = st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=22)


@given(chords, st.integers(0, 2**32 - 1))
def test_it_is_the_curve_of_scipy(steps: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes = np.cumsum(np.append(0.0, rng.uniform(0.2, 10, len(steps))))
    values = np.cumsum([0.0, *steps])
    at = np.sort(np.append(rng.uniform(0, nodes[-1], 40), nodes))
    with np.errstate(over="ignore", under="ignore", divide="ignore"):
        theirs = PchipInterpolator(nodes, values)(at)
    assert monotone_cubic(nodes, values, at) == pytest.approx(theirs, rel=1e-12, abs=1e-12 * max(1, abs(values).max()))


def test_many_tables_at_once_each_with_its_own_nodes() -> None:
    rng = np.random.default_rng(7)
    nodes = np.cumsum(rng.uniform(0.5, 2, (3, 2, 6)), axis=-1)
    values = np.cumsum(rng.uniform(0, 2, (3, 2, 6)), axis=-1)
    at = np.sort(rng.uniform(nodes[..., :1], nodes[..., -1:], (3, 2, 30)), axis=-1)
    found = monotone_cubic(nodes, values, at)
    for index in np.ndindex(3, 2):
        assert found[index] == pytest.approx(PchipInterpolator(nodes[index], values[index])(at[index]), rel=1e-13)
    shared = monotone_cubic(nodes[0, 0], values, at[0, 0])
    assert shared == pytest.approx(PchipInterpolator(nodes[0, 0], values, axis=-1)(at[0, 0]), rel=1e-13, abs=1e-13)


def test_it_never_falls_where_the_nodes_rise() -> None:
    rng = np.random.default_rng(3)
    values = np.cumsum(rng.exponential(1, (200, 21)) ** 4, axis=-1)
    found = monotone_cubic(np.arange(0.0, 105.0, 5), values, np.linspace(0, 100, 401))
    assert (np.diff(found) >= -1e-9 * values[:, -1:]).all()


def test_a_forecast_starts_without_scipy() -> None:
    """scipy's curves and solvers take half a second to load; those who need them load them late."""
    program = (
        "import sys, forecast.pipeline; "
        "assert not {'scipy.interpolate', 'scipy.optimize', 'scipy.signal', 'scipy.special'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
