"""The closed list of units, and how printed units become base units."""

from __future__ import annotations

UNITS: dict[str, tuple[str, str]] = {
    "persons": ("人", "persons"),
    "births": ("人", "births"),
    "deaths": ("人", "deaths"),
    "households": ("户", "households"),
    "1": ("", ""),
    "by service": ("按服务", "by service"),  # the coordinate `unit` says which
    "births per woman": ("个/妇女", "births per woman"),
    "births per woman-year": ("个/妇女·年", "births per woman-year"),
    "boys per girl": ("男/女", "boys per girl"),
    "per person-year": ("每人年", "per person-year"),
    "years": ("年", "years"),
    "days": ("天", "days"),
    "places": ("个", "places"),
    "pupils": ("人", "pupils"),
    "classes": ("班", "classes"),
    "beds": ("张", "beds"),
    "posts": ("个", "posts"),
    "sites": ("处", "sites"),
    "m2": ("平方米", "m²"),
    "yuan": ("元", "yuan"),
    "minutes": ("分钟", "minutes"),
    "km": ("公里", "km"),
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
