"""What several tests share: where things lie, and how hypothesis searches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from studies import REFERENCE, ROOT

# The first call of a compiled kernel takes seconds, so single examples have no deadline; in CI the search is the
# same in every run, so that a red build can be repeated.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout: pyproject.toml, models/, scenarios/ and data/ lie here."""
    return ROOT


@pytest.fixture(scope="session")
def reference() -> Path:
    """Published reference data: the folder FORECAST_REFERENCE, or shared/reference beside the checkout."""
    if not REFERENCE.is_dir():
        pytest.skip("the published reference data are not here (FORECAST_REFERENCE)")
    return REFERENCE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for the reference data is a reference test; the mark need not be written as well."""
    for item in items:
        if "reference" in getattr(item, "fixturenames", ()):
            item.add_marker("reference")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many tests against published data ran, so that a build without these data cannot look like one with."""
    found: dict[str, set[str]] = {"ran": set(), "skipped": set()}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport) and "reference" in report.keywords:  # not what was deselected
                kind = "skipped" if report.skipped else "ran"
                if report.skipped or report.when == "call":
                    found[kind].add(report.nodeid)
    terminalreporter.write_line(f"reference tests: {len(found['ran'])} ran, {len(found['skipped'])} skipped")
