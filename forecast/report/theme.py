"""Fonts, colours and the expressions that speak both languages, for every chart.

Expressions are plain Vega: they work in the page under a policy without eval, and in vl-convert.
"""

from __future__ import annotations

from typing import Any

import altair as alt

FONTS = (
    '"Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei","PingFang SC","Hiragino Sans GB",'
    '"WenQuanYi Micro Hei",sans-serif'
)
INK, SOFT, RULE, FAINT = "#17212b", "#55626f", "#e6eaee", "#b9c2ca"
BLUE, ORANGE = "#1f5f8b", "#b4540f"
DIVERGING = (
    "#8c1526", "#b93a3a", "#dc7a62", "#f4bda3", "#f6f4f1", "#b4d3e6", "#6faed1", "#3580b5", "#17517f",
)  # fmt: skip
"""Red: short, blue: surplus; mirror pairs of like lightness that also red-green blind readers tell apart."""

CHANGE = ("#0b5d57", "#4d9a90", "#9ccdc4", "#dcece8", "#f6f4f1", "#f1e3c0", "#dcbf7a", "#b88a32", "#7a5206")
"""Teal: fewer than in the year of the decision, ochre: more. Neither is good or bad, and neither is red."""

UNKNOWN = "#e9edf0"
"""Where no supply is known."""

ODDS = ("#fbfaf8", "#fbe6c8", "#f6c78f", "#ea9d5a", "#d06a37", "#a83a2a", "#701226")
"""0 to 100 % likely to be short: darker with every step, so that it also reads in grey."""

CAUSES = {
    "births": "#1f5f8b",
    "migration": "#e8b15c",
    "participation": "#6b4c86",
    "mortality": "#9fb8a6",
    "together": "#d5dae0",
}
"""What uncertainty comes from, in colours of different lightness."""


STEPS = {
    "ageing": "#7fa8c4",
    "births": "#1f5f8b",
    "migration": "#e8b15c",
    "participation": "#6b4c86",
    "stay": "#9fb8a6",
    "standards": "#c9ced4",
    "flows": "#b98b6a",
}
"""Why a roll changes, the same colours as in `CAUSES` where both name a thing."""

STAGES = ("#1d4f78", "#4787b1", "#86b6d2", "#c3dae8")
"""Stages of school laid on each other, the youngest darkest."""

USES = {"for_lasting": "#1f5f8b", "for_crest": "#e8b15c", "idle": "#d5dae0"}
"""What planned places are used for."""

CLASSES = {
    "undetermined": "#dfe3e8",
    "crest_then_surplus": "#e8b15c",
    "structural_shortage": "#a3262f",
    "transient_crest": "#e58a6c",
    "structural_surplus": "#2f6c98",
    "transient_trough": "#a6cbe0",
    "balanced": "#f4f1ea",
}
"""Class of a wave -> colour; each cell also has a letter, and what is dark or light here is so in grey too."""


def odds_scale() -> alt.Scale:
    """0 to 100 per cent, one stop for each colour."""
    last = len(ODDS) - 1
    return alt.Scale(domain=[round(100 * k / last, 3) for k in range(last + 1)], range=list(ODDS), clamp=True)


def gap_or_change() -> alt.Scale:
    """-1..1 of the colour limit for a gap, 2..4 for a change (3 where there is none), as the layers of a chart share one
    scale. One stop for each colour: with fewer stops Vega silently uses only as many colours."""
    last = len(DIVERGING) - 1
    stops = [round(2 * k / last - 1, 4) for k in range(last + 1)]
    domain = [*stops, *(stop + 3 for stop in stops)]
    return alt.Scale(domain=domain, range=[*DIVERGING, *CHANGE], clamp=True, interpolate="lab")


def tone(share: str) -> str:
    """Vega expression of the tone of a share on that scale; `gapped` and `limit` are set by the page."""
    return f"clamp({share}/limit,-1,1)+(gapped?0:3)"


TONE_IS_DARK = "abs(datum.tone-(gapped?0:3))>.6"


def config() -> dict[str, Any]:
    """The one configuration all charts share, so that the page holds it once."""
    words = {"labelColor": SOFT, "labelFontSize": 12, "titleColor": SOFT, "titleFontSize": 12}
    return {
        "font": FONTS,
        "background": None,
        "padding": {"left": 2, "right": 8, "top": 4, "bottom": 2},
        "view": {"stroke": None},
        "axis": {**words, "domain": False, "ticks": False, "labelPadding": 6, "gridColor": RULE, "aria": False},
        "axisX": {
            "grid": False,
            "domain": True,
            "domainColor": FAINT,
            "ticks": True,
            "tickColor": FAINT,
            "tickSize": 4,
        },
        "line": {"strokeWidth": 1.8, "strokeCap": "round", "strokeJoin": "round"},
        "text": {"color": INK, "fontSize": 12},
    }


def either(zh: str, en: str) -> str:
    """The words of the page's language (`lang`)."""
    return f"(lang=='zh'?{_quoted(zh)}:{_quoted(en)})"


def _quoted(words: str) -> str:
    return "'" + words.replace("\\", "\\\\").replace("'", "\\'") + "'"


def number(value: str, sign: str = "") -> str:
    """12345 as 1.2万 in Chinese and 12k in English, millions as M; below 10,000 in full."""
    zh = f"(abs({value})>=1e4?format({value}/1e4,'{sign},.1~f')+'万':format({value},'{sign},.0f'))"
    small = f"(abs({value})>=1e4?format({value}/1e3,'{sign},.1~f')+'k':format({value},'{sign},.0f'))"
    en = f"(abs({value})>=1e6?format({value}/1e6,'{sign},.2~f')+'M':{small})"
    return f"(lang=='zh'?{zh}:{en})"


def named(code: str) -> str:
    """A name by its code, in the page's language; `names` is a parameter that the page sets."""
    return f"(names[{code}]?names[{code}][lang=='zh'?0:1]:{code})"


def unit() -> str:
    """The unit of the service shown; `measure` is a parameter that the page sets (Vega keeps the name `unit` for itself)."""
    return "measure[lang=='zh'?0:1]"
