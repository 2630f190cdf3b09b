"""Words and numbers of the report, and that every sentence has its place in the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

from forecast.basics.catalogue import catalogue
from forecast.basics.text import count, joined, same
from forecast.basics.units import amount


def test_numbers_read_as_a_planner_writes_them() -> None:
    assert count(190_812).zh == "19.1万"
    assert count(260_000).zh == "26万"
    assert count(4_263).pair() == ["4263", "4,263"]
    assert count(1_234_567).pair() == ["123.5万", "1.23 million"]
    assert count(123_456_789).zh == "1.23亿"
    assert amount(182_000, "places").pair() == ["18.2万个", "182,000 places"]
    assert joined([same("A"), same("B"), same("C")]).pair() == ["A、B、C", "A, B and C"]


def test_every_sentence_named_in_the_code_is_in_the_catalogue(root: Path) -> None:
    source = "\n".join(path.read_text("utf-8") for path in sorted((root / "forecast" / "report").rglob("*.py")))
    template = (root / "forecast" / "report" / "html" / "page.html.j2").read_text("utf-8")
    named = set(re.findall(r'\bboth\(\s*"([a-z_0-9.]+)"', source)) | set(
        re.findall(r"words\(.([a-z_0-9.]+).\)", template)
    )
    assert len(named) > 100
    assert {key for key in named if f"report.{key}" not in catalogue()} == set()
