"""Every benchmark runs once, small, and what it times is right (it asserts that itself)."""

from __future__ import annotations

import pytest

from benchmarks import run


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    once = run._in_turn
    monkeypatch.setattr(run, "_in_turn", lambda jobs, rounds, *clock: once(jobs, 1, *clock))


def test_deterministic_against_rivals() -> None:
    page = run.deterministic(8, 4)
    assert "of add" in page
    assert "numpy over all counties" in page


def test_trajectories_and_chain_give_the_same_bits_on_two_threads() -> None:
    assert "float64" in run.trajectories(2, 96, 3)
    assert "2 threads are the same" in run.chain(3, 96, 4)


def test_cost_is_fitted_and_processes_are_timed() -> None:
    assert "fitted exponent" in run.scaling(quick=True)
    seconds, megabytes = run._process("-c", "pass")
    assert seconds > 0
    assert megabytes > 1
