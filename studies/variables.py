"""Writes docs/variables.md and docs/variables.zh-CN.md: every declared variable with its dimensions, unit and meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator

from forecast.basics.units import UNITS
from forecast.basics.variables import BY_SERVICE, Table, Variable, tables
from studies import ROOT
from studies.pages import table, write

PAGES = {"en": ROOT / "docs" / "variables.md", "zh": ROOT / "docs" / "variables.zh-CN.md"}
HEAD = {
    "en": ("variable", "is", "dimensions", "unit", "kind", "what it says"),
    "zh": ("变量", "名称", "维度", "单位", "类型", "含义"),
}
KINDS = {
    "en": {"stock": "stock", "flow": "flow", "rate": "rate"},
    "zh": {"stock": "存量", "flow": "流量", "rate": "比率"},
}
INTRODUCTION = {
    "en": "# Variables\n\n"
    "What functions return and a run saves in `forecast.nc`. A stock stands at 31 December of its year, a flow is\n"
    "during the year; words about a number (a source, a basis) count as rates. Dimensions stand slow to fast; a\n"
    "variable may lack some of them. *by service*: each service has its own unit, which the coordinate `unit` says.\n"
    "Declared in `forecast/basics/variables.toml`; this page is written from it by `python -m studies.variables`.\n"
    "[中文](variables.zh-CN.md)\n",
    "zh": "# 变量\n\n"
    "各函数返回的变量，以及一次运行保存在 `forecast.nc` 中的变量。存量指当年 12 月 31 日的数，流量指全年的数；\n"
    "说明数值的文字（来源、依据）归入比率。维度由慢到快排列，变量可以缺少其中几个。“按服务”表示各服务有自己的单位，\n"
    "见坐标 `unit`。变量在 `forecast/basics/variables.toml` 中声明，本页由 `python -m studies.variables` 据此写成。\n"
    "[English](variables.md)\n",
}


def page(lang: str) -> str:
    """The whole page in one language."""
    return "\n".join([INTRODUCTION[lang], *(part for table in tables().values() for part in section(table, lang))])


def section(one: Table, lang: str) -> Iterator[str]:
    """Heading and rows of one table."""
    yield f"## {one.name[lang]}\n"
    yield table(HEAD[lang], (row(variable, lang) for variable in one.variables.values()))


def row(variable: Variable, lang: str) -> tuple[str, ...]:
    """A variable as the page shows it; where a level or an age is filled in, the page shows …"""
    saved = "" if variable.saved == variable.name else (" (in a run: " if lang == "en" else "（运行中：")
    name = f"`{variable.name}`" + (f"{saved}`{variable.saved}`{')' if lang == 'en' else '）'}" if saved else "")
    unit = UNITS[variable.units][lang] if variable.units != "1" else "–"
    return (
        name,
        re.sub(r"\{[^}]*\}", "…", variable.long_name[lang]),
        ", ".join(variable.dims),
        f"*{unit}*" if variable.units == BY_SERVICE else unit,
        KINDS[lang][variable.kind],
        variable.about[lang],
    )


def main() -> None:
    for lang, path in PAGES.items():
        write(path, [page(lang)])


if __name__ == "__main__":
    main()
