"""The closed list of units, and how printed units become base units."""

from __future__ import annotations

from forecast.basics.text import Text, count, rough_count

UNITS: dict[str, Text] = {
    "persons": Text("人", "persons"),
    "births": Text("人", "births"),
    "deaths": Text("人", "deaths"),
    "households": Text("户", "households"),
    "1": Text("", ""),
    "by service": Text("按服务", "by service"),  # the coordinate `unit` says which
    "births per woman": Text("个/妇女", "births per woman"),
    "births per woman-year": Text("个/妇女·年", "births per woman-year"),
    "boys per girl": Text("男/女", "boys per girl"),
    "per person-year": Text("每人年", "per person-year"),
    "years": Text("年", "years"),
    "days": Text("天", "days"),
    "bed-days": Text("床日", "bed-days"),
    "places": Text("个", "places"),
    "pupils": Text("人", "pupils"),
    "classes": Text("班", "classes"),
    "beds": Text("张", "beds"),
    "posts": Text("个", "posts"),
    "sites": Text("处", "sites"),
    "m2": Text("平方米", "m²"),
    "yuan": Text("元", "yuan"),
    "minutes": Text("分钟", "minutes"),
    "km": Text("公里", "km"),
}
"""Base unit -> how a reader sees it in Chinese and in English."""

PRINTED: dict[str, tuple[str, float]] = {
    "persons": ("persons", 1.0),
    "人": ("persons", 1.0),
    "10k persons": ("persons", 10_000.0),
    "万人": ("persons", 10_000.0),
    "thousand persons": ("persons", 1_000.0),
    "千人": ("persons", 1_000.0),
    "permille": ("1", 0.001),
    "‰": ("1", 0.001),
    "per 1,000": ("1", 0.001),
    "%": ("1", 0.01),
    "1": ("1", 1.0),
    "places": ("places", 1.0),
    "个": ("places", 1.0),
    "10k places": ("places", 10_000.0),
    "万个": ("places", 10_000.0),
    "beds": ("beds", 1.0),
    "张": ("beds", 1.0),
    "10k beds": ("beds", 10_000.0),
    "万张": ("beds", 10_000.0),
    "pupils": ("pupils", 1.0),
    "10k pupils": ("pupils", 10_000.0),
    "posts": ("posts", 1.0),
    "sites": ("sites", 1.0),
    "km": ("km", 1.0),
    "公里": ("km", 1.0),
    "minutes": ("minutes", 1.0),
    "分钟": ("minutes", 1.0),
    "m2": ("m2", 1.0),
    "yuan": ("yuan", 1.0),
    "10k yuan": ("yuan", 10_000.0),
    "万元": ("yuan", 10_000.0),
}
"""Unit as an issuing body prints it -> (base unit, factor)."""


def amount(value: float, unit: str) -> Text:
    """A number with its base unit, as a sentence says it.

    >>> amount(182_400, "places")
    Text(zh='18.2万个', en='182,400 places')
    """
    return _with_unit(count(value), unit)


def rough_amount(value: float, unit: str) -> Text:
    """Two significant digits with the base unit, as a warning says it.

    >>> rough_amount(12345, "places")
    Text(zh='1.2万个', en='12,000 places')
    """
    return _with_unit(rough_count(value), unit)


def _with_unit(number: Text, unit: str) -> Text:
    name = UNITS[unit]
    return Text(number.zh + name.zh, f"{number.en} {name.en}")
