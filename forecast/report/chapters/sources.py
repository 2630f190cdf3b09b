"""Chapter on sources: scenario, assumptions, notes of the region, sources and the numbers of the models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from forecast.basics.basis import weakest
from forecast.basics.catalogue import say_both
from forecast.basics.text import Text, joined, same, strung
from forecast.demand.model import QUANTITY_UNITS, Quantity
from forecast.region import TABLES
from forecast.report.chapter import Cell, Chapter, Column, Listing, Table
from forecast.report.chapters.accuracy import published_totals
from forecast.report.view import View
from forecast.report.words import both, known

UNLISTED = ("births", "deaths", "schools", "staff", "neighbours", "flows", "sources")
"""Tables that some room reads and whose sources are not listed so far: events that the backtest counts, and tables
that came in after the list."""

USED = [name for name, table in TABLES.items() if table.read_by and name not in UNLISTED]
"""Tables that this chain reads, in the order of their sources; published totals stand beside the people they check."""

USED.insert(USED.index("population") + 1, USED.pop(USED.index("controls")))


def sources(view: View) -> Chapter:
    listings = (_scenario(view), _assumed(view), _own_rules(view), _uncertain(view), _notes(view), _about(view))
    return Chapter(
        id="sources",
        menu=both("menu.sources"),
        title=both("sources.title"),
        listings=tuple(listing for listing in listings if listing),
        tables=tuple(table for table in (_sources(view), _numbers(view)) if table),
    )


def _scenario(view: View) -> Listing:
    scenario = view.run.scenario
    items = [both("sources.scenario", name=scenario.name.text, description=scenario.description.text)]
    for part in ("fertility", "mortality"):
        level = _dated(getattr(scenario, part).level)
        items.append(both(f"sources.{part}", level=level))
    items += _migration(view)
    if any(view.kinds.told_gap(place) for place in view.places):
        items.append(both(f"sources.view_{scenario.demand.view}"))
    return Listing(both("sources.scenario_title"), tuple(items))


def _migration(view: View) -> list[Text]:
    """Migration in the scenario: levels, persons added, and the ages on which a change falls."""
    migration = view.run.scenario.migration
    if migration.closed:
        return [both("sources.migration_closed")]
    items = [both("sources.migration", level=_dated(migration.level))]
    for code, levels in migration.counties.items():
        place = view.names.places.get(code, same(code))
        items.append(both("sources.migration_county", county=place, level=_dated(levels)))
    if "add" in migration.changes:
        items.append(both("sources.migration_add", persons=_dated(migration.add)))
    for code, persons in migration.add_counties.items():
        place = view.names.places.get(code, same(code))
        items.append(both("sources.migration_add_county", county=place, persons=_dated(persons)))
    if migration.profile != "mobility":
        named = migration.profile if isinstance(migration.profile, str) else "own"
        items.append(both("sources.migration_profile", profile=both(f"sources.profile_{named}")))
    return [*items, both("sources.migration_timing", timing=both(f"timing.{migration.timing}"))]


def _dated(level: Any) -> str:
    """[[2024, 1.0], [2030, 0.8]] as 2024: 1, 2030: 0.8; one value that always holds stands alone."""
    values = {float(value) for _, value in level}
    if len(values) == 1:
        return f"{values.pop():g}"
    return ", ".join(f"{year}: {float(value):g}" for year, value in level)


def _assumed(view: View) -> Listing:
    """Assumptions: the split of supply, the supply and projects tables, the numbers of the models."""
    items = [*_split(view), *_supply_doubts(view), *_assumed_tables(view)]
    items += _assumed_numbers(view)
    if published_totals(view) and view.run.manifest["form"] != "fitted":  # whose levels come from the counts
        items.insert(0, both("sources.calibrated", year=view.jump_off))
    return Listing(both("sources.assumed_title"), tuple(items))


def _split(view: View) -> list[Text]:
    rule = view.run.region.settings.get("supply_split") if view.kinds.drawn("split") else None
    return [Text(rule["zh"], rule["en"])] if isinstance(rule, Mapping) and {"zh", "en"} <= set(rule) else []


SUPPLY_DOUBTS = ("W116", "W148")
"""Warnings of the check that a reader of a gap must know: figures taken as recorded, and pupils beyond the places."""


def _supply_doubts(view: View) -> list[Text]:
    told = (issue for issue in view.run.region.warnings if issue.code in SUPPLY_DOUBTS)
    return [say_both(issue.code, **issue.values) for issue in told]


def _assumed_tables(view: View) -> list[Text]:
    """The lines of sources.csv that call a supply or a project assumed."""
    lines = view.run.region.table("sources")
    lines = lines[lines["table"].isin(["supply", "projects"]) & (lines["basis"] == "assumed")]
    return [
        both(
            "sources.assumed_line",
            table=both(f"tables.{row.table}"),
            rows=_filter(view, row.filter),
            source=row.source,
            note=row.note,
        )
        for row in lines.itertuples()
    ]


def _assumed_numbers(view: View) -> list[Text]:
    """Assumed numbers of the models that results rest on; what several services share stands once."""
    shared: dict[tuple[str, str, str], list[Text]] = {}
    for service in view.services:
        for key, quantity in view.run.models[service].quantities().items():
            if quantity.basis == "assumed" and not key.startswith("supply."):
                number = (key, _value(quantity), quantity.note or quantity.source)
                shared.setdefault(number, []).append(view.names.thing(service))
    return [
        both("sources.assumed_number", things=joined(things), parameter=_parameter(key), value=value, note=note)
        for (key, value, note), things in shared.items()
    ]


def _own_rules(view: View) -> Listing | None:
    """Standards and rules that the region gives itself, each with its source and what holds elsewhere."""
    items = []
    for rule in view.run.rules.own:
        value, shipped = (_rule(entry) for entry in (rule.value, rule.shipped))
        values = {"file": rule.file, "entry": rule.key, "value": value, "shipped": shipped}
        if isinstance(rule.value, Quantity):
            items.append(both("sources.own_rule", source=rule.value.source, **values))
        else:
            items.append(both("sources.own_answer", **values))
    return Listing(both("sources.own_rules_title"), tuple(items)) if items else None


def _rule(value: Quantity | tuple[str, ...]) -> str:
    return _value(value) if isinstance(value, Quantity) else ", ".join(value)


def _uncertain(view: View) -> Listing | None:
    """Processes that spread the trajectories, each with its source; tiers of one source stand together."""
    if view.run.task is None:
        return None
    tiers: dict[tuple[str, str, str], list[Text]] = {}
    for component, tier, source, basis in view.run.task.uncertainty.parts:
        tiers.setdefault((component, source, basis), []).append(_tier(tier))
    items = [
        both(
            "sources.process",
            component=_component(component),
            tier=joined(list(dict.fromkeys(names))),
            source=source,
            basis=both(f"badge.{basis}"),
        )
        for (component, source, basis), names in tiers.items()
    ]
    return Listing(both("sources.uncertain_title"), (*items, both("sources.uncertain_use")))


def _component(component: str) -> Text:
    key = f"process.{component.replace(' ', '_')}"
    return both(key) if known(key) else same(component)


def _tier(tier: str) -> Text:
    """The nation, a county; or from which age on."""
    return both(f"tier.{tier}") if known(f"tier.{tier}") else both("ages.open", first=tier.removesuffix("+"))


def _notes(view: View) -> Listing | None:
    notes = [Text(note["zh"], note["en"]) for note in view.run.region.settings.get("notes", [])]
    return Listing(both("sources.notes_title", area=view.names.whole), tuple(notes)) if notes else None


def _about(view: View) -> Listing:
    """Items by which the run can be repeated."""
    manifest = view.run.manifest
    told = {key: str(manifest[key]) for key in ("time", "forecast", "seed") if key in manifest}
    if "time" in told:  # of the clock on the wall where it ran
        told["time"] = f"{datetime.fromisoformat(told['time']):%Y-%m-%d %H:%M}"
    parts = [both(f"sources.about_{key}", value=value) for key, value in told.items()]
    inputs = manifest.get("inputs", {})
    if inputs:
        parts.append(both("sources.about_inputs", n=len(inputs)))
    return Listing(both("sources.about_title"), (*parts, both("sources.dates")))


RESTS_ON = ("population", "controls", "enrolment", "supply", "projects")
"""Tables that a sheet names as what its numbers rest on."""


def rests_on(view: View, place: str) -> list[Text]:
    """What the numbers of a place rest on, a line for each table: its sources that hold for the place, each once with
    its weakest basis."""
    lines = view.run.region.table("sources")
    others = set(view.places) - {place, view.area}
    here = lines["filter"].map(lambda words: place in _codes(words) or not _codes(words) & others)
    items = []
    for table in RESTS_ON:
        held = lines[here & (lines["table"] == table)].groupby("source", sort=False)["basis"]
        named = [both("sheet.source", source=source, basis=both(f"badge.{weakest(*bases)}")) for source, bases in held]
        if named:
            items.append(both("sheet.rests", table=both(f"tables.{table}"), sources=strung(named, "；", "; ")))
    return items


def _codes(words: object) -> set[str]:
    """All values that a filter of sources.csv names."""
    return {value.strip() for part in str(words).split(";") for value in part.partition("=")[2].split("|")}


def _sources(view: View) -> Table:
    lines = view.run.region.table("sources")
    lines = lines[lines["table"].isin(USED)]
    lines = lines.assign(order=lines["table"].map(USED.index)).sort_values("order", kind="stable")
    rows: list[tuple[Cell, ...]] = [
        (
            both(f"tables.{row.table}"),
            _filter(view, row.filter),
            same(row.source),
            same(row.locator),
            str(row.basis),
            _verification(str(row.verification)),
            same(row.note),
        )
        for row in lines.itertuples()
    ]
    titles = ("table_name", "rows", "source", "locator", "basis", "verification", "note")
    columns = tuple(Column(both(f"table.{name}"), "basis" if name == "basis" else "text") for name in titles)
    return Table("table_sources", both("table.sources"), columns, tuple(rows), folded=True)


def _filter(view: View, words: object) -> Text:
    """A filter as it stands in sources.csv, with counties and services by name."""
    text = str(words).strip()
    if not text:
        return both("sources.all_rows")
    conditions = []
    for condition in text.split(";"):
        column, _, values = condition.partition("=")
        named = strung([_name(view, value) for value in values.split("|")], "、")
        conditions.append(Text(named.zh, f"{column.strip()} {named.en}"))
    return strung(conditions, "；", "; ")


def _name(view: View, value: str) -> Text:
    value = value.strip()
    if value in view.names.places:
        return view.names.places[value]
    if value in view.services:
        return view.names.thing(value)
    if known(f"component.{value}"):
        return both(f"component.{value}")
    return both(f"stage.{value}") if known(f"stage.{value}") else same(value)


def _verification(word: str) -> Text:
    return both(f"verification.{word}") if known(f"verification.{word}") else same(word)


def _numbers(view: View) -> Table:
    """Every number of every model; one that was overridden stands above the model's own."""
    rows: list[tuple[Cell, ...]] = []
    for service in view.services:
        for key, quantity in view.run.models[service].quantities().items():
            rows.append(_number(view.names.thing(service), _parameter(key), quantity))
            if quantity.replaces is not None:
                replaced = both("sources.replaced", parameter=_parameter(key))
                rows.append(_number(view.names.thing(service), replaced, quantity.replaces))
    titles = ("what", "number", "value", "unit", "basis", "source", "locator", "note")
    columns = tuple(Column(both(f"table.{name}"), "basis" if name == "basis" else "text") for name in titles)
    note = both("table.numbers_note")
    title = both("table.numbers")
    return Table("table_numbers", title, columns, tuple(rows), note, folded=True, on_paper=False)


def _number(thing: Text, key: Text, quantity: Quantity) -> tuple[Cell, ...]:
    unit = Text(QUANTITY_UNITS.get(quantity.unit, quantity.unit), "" if quantity.unit == "1" else quantity.unit)
    return (
        thing,
        key,
        same(_value(quantity)),
        unit,
        quantity.basis,
        same(quantity.source),
        same(quantity.locator),
        same(quantity.note),
    )


def _parameter(key: str) -> Text:
    """parameters.take_up by its name, standards.class_size.national with its level, uncertainty.take_up as such."""
    kind, name, *level = key.split(".")
    words = both(f"number.{name}") if known(f"number.{name}") else same(name)
    if kind == "uncertainty":
        return both("sources.uncertain_number", name=words)
    if kind != "standards" or not level:
        return words
    return both("sources.standard", name=words, level=both(f"level.{level[0]}"))


def _value(quantity: Quantity) -> str:
    if quantity.kind == "span":
        first, last = quantity.span
        return f"{first}–{last}" if last < 100 else f"{first}+"
    if quantity.kind == "table":
        return ", ".join(f"{label}: {number:g}" for label, number in quantity.value.items())
    return ", ".join(f"{year}: {number:g}" if year else f"{number:g}" for year, number in quantity.dated)
