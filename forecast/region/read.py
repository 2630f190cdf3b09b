"""Reads a region: a folder with region.toml and CSV tables, and the pattern tables it does not bring itself.

All faults of all files are told at once. What has passed is not checked again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from forecast.basics import folders
from forecast.basics.catalogue import say_both
from forecast.basics.issues import CannotReadWrite, InputRefused, Issue, nearest
from forecast.basics.text import Text, same
from forecast.region import capacities, check, plausible
from forecast.region.faults import Faults, hint, listed, shown
from forecast.region.files import open_text, read_rows
from forecast.region.former_codes import at_present
from forecast.region.head import REGION_FILE, Head, read_head, read_pattern_head
from forecast.region.own_rules import read_own_rules
from forecast.region.parse import Parsed, known_headers, parse_table
from forecast.region.region import Region
from forecast.region.tables import PATTERN_TABLES, TABLES, Table, tables_with
from forecast.services import read_services
from forecast.services import services as shipped_services

MODELS = "models"
"""Folder inside a region's where models of its own lie, each of a service that is not shipped, or in the place of one."""

ADDED_UP = ("enrolment", "births", "deaths")
"""Tables in which an area's figure stands beside its counties'."""


@dataclass(frozen=True)
class _Files:
    """Tables and texts that were read from one folder."""

    parsed: dict[str, Parsed]
    encodings: dict[str, str]
    hashes: dict[str, str]


def read_region(path: str | Path, people: bool = True) -> Region:
    """The region in a folder, or a shipped one by its name ("wenzhou").

    people: False for what needs no population, such as a test of school rolls; then the table may be absent.
    Raises InputRefused with every fault (and CannotReadWrite where the system denies a file).
    """
    folder = find_region(path)
    findings = Faults()
    head = read_head(folder, findings)
    services = read_services(folder / MODELS)
    schemas = tables_with(services)
    files = _read_tables(folder, "", schemas, findings)
    own_rules = read_own_rules(folder, findings)
    for opened, _ in own_rules.values():
        files.encodings[opened.file], files.hashes[opened.file] = opened.encoding, opened.sha256
    _tell_missing(folder, files, findings, () if people else ("population",))
    if head is None:
        findings.refuse()
        raise AssertionError("a head that cannot be read is told")
    pattern, area = _read_pattern(folder, head, files, findings)
    places = _places(head, area, files.parsed.get("counties"))
    checked = _check_region(head, files.parsed, places, findings)
    if "supply" in checked:
        capacities.check_sums(checked["supply"], places, findings)
    capacities.check_rolls_fit(checked, {**shipped_services(), **services}, places, findings)
    own_sources = checked.get("sources")
    if own_sources is not None:
        check.check_sources(checked.values(), own_sources, findings, schemas)
    patterned = _check_pattern(pattern, places, findings)
    findings.refuse()
    region = _region(head, folder, files, pattern, checked, patterned, places, findings)
    rules = {file: table for file, (_, table) in own_rules.items()}
    hashes = {**region.hashes, **_hashes_of_models(folder, services)}
    return replace(region, rules=rules, services=services, hashes=hashes)


def _hashes_of_models(folder: Path, services: Iterable[str]) -> dict[str, str]:
    files = [f"{MODELS}/{name}.toml" for name in services]
    return {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in files}


def find_region(path: str | Path) -> Path:
    """The folder: the path itself, or the shipped region of that name."""
    folder = Path(path)
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise InputRefused(Issue("E102", str(path)))
    name = str(path)
    shipped = _shipped()
    if folders.is_safe_name(name) and name in shipped:
        return shipped[name]
    raise InputRefused(
        Issue("E101", values={"found": shown(name), "shipped": listed(shipped), "hint": hint(nearest(name, shipped))})
    )


def _shipped() -> dict[str, Path]:
    try:
        data = folders.folder("data")
    except CannotReadWrite:
        return {}
    return {folder.name: folder for folder in sorted(data.iterdir()) if (folder / REGION_FILE).is_file()}


def _read_tables(folder: Path, prefix: str, schemas: Mapping[str, Table], findings: Faults) -> _Files:
    """Every known table that lies in the folder; CSV files with other names are warned of."""
    files = _Files({}, {}, {})
    there = {path.name.casefold(): path for path in sorted(folder.iterdir()) if path.suffix.casefold() == ".csv"}
    for table in schemas.values():
        path = there.pop(table.file, None)
        if path is not None:
            _read_table(path, table, prefix + path.name, files, findings)
    for name, parsed in files.parsed.items():
        if not parsed.table.read_by:
            findings.add("W114", parsed.file, opens=say_both(f"region.opens.{name}"))
    for path in there.values():
        findings.add("W111", prefix + path.name, hint=hint(_near_file(path.name, schemas)))
    return files


def _near_file(name: str, tables: Iterable[str]) -> str:
    return nearest(name.casefold(), [f"{table}.csv" for table in tables])


def _read_table(path: Path, table: Table, file: str, files: _Files, findings: Faults) -> None:
    opened = open_text(path, file, findings)
    if opened is None:
        return
    files.encodings[file], files.hashes[file] = opened.encoding, opened.sha256
    rows = read_rows(opened, known_headers(table), findings)
    parsed = parse_table(table, rows, file, findings) if rows is not None else None
    if parsed is not None:
        files.parsed[table.name] = parsed


def _tell_missing(folder: Path, files: _Files, findings: Faults, optional: Sequence[str]) -> None:
    there = {path.name.casefold() for path in folder.iterdir()}
    for name, table in TABLES.items():
        if table.needed and name not in optional and table.file not in there:
            others = [file for file in there if file.removesuffix(".csv") not in TABLES]
            near = nearest(table.file, others)
            findings.add("E103", table.file, opens=say_both(f"region.opens.{name}"), hint=hint(near))


def _read_pattern(folder: Path, head: Head, files: _Files, findings: Faults) -> tuple[_Files, dict[str, Text]]:
    """Tables of the pattern that the region lacks, and the names of the pattern's area."""
    empty = _Files({}, {}, {})
    lacking = [name for name in PATTERN_TABLES if name not in files.parsed]
    if head.pattern is None or not lacking:
        return empty, {}
    place = find_pattern(folder, head.pattern)
    if place is None:
        known = _patterns()
        near = hint(nearest(head.pattern, known))
        findings.add("E175", REGION_FILE, None, "pattern", found=head.pattern, known=listed(known), hint=near)
        return empty, {}
    prefix = f"patterns/{head.pattern}/"
    about = read_pattern_head(place, prefix, findings)
    schemas = {name: TABLES[name] for name in (*PATTERN_TABLES, "sources")}
    read = _read_tables(place, prefix, schemas, findings)
    if about is None:
        return empty, {}
    if "sources" not in read.parsed and not (place / "sources.csv").is_file():
        findings.add("E103", prefix + "sources.csv", opens=say_both("region.opens.sources"), hint=hint(""))
    read.encodings[about.opened.file], read.hashes[about.opened.file] = about.opened.encoding, about.opened.sha256
    kept = {name: parsed for name, parsed in read.parsed.items() if name in (*lacking, "sources")}
    return _Files(kept, read.encodings, read.hashes), {about.area: about.name}


def find_pattern(folder: Path, name: str) -> Path | None:
    """The folder of a pattern: patterns/<name> inside the region's folder, else the shipped one."""
    inside = folder / "patterns" / name
    return inside if inside.is_dir() else _patterns().get(name)


def _patterns() -> dict[str, Path]:
    try:
        data = folders.folder("data") / "patterns"
    except CannotReadWrite:
        return {}
    return {folder.name: folder for folder in sorted(data.iterdir())} if data.is_dir() else {}


def _places(head: Head, pattern_area: Mapping[str, Text], counties: Parsed | None) -> check.Places:
    """Counties, parents and which counties belong to which parent."""
    parents = {**pattern_area, head.area: head.name, **head.areas}
    if head.parent:
        parents.setdefault(head.parent, same(head.parent))
    if counties is None:
        return check.Places({}, parents, {})
    frame = counties.frame.dropna(subset=["county"])
    county_names = {
        str(code): Text(str(zh), str(en))
        for code, zh, en in frame[["county", "name_zh", "name_en"]].itertuples(index=False)
    }
    members = {head.area: frozenset(county_names)}
    if "parent" in frame:
        for parent, rows in frame[frame["parent"] != ""].groupby("parent"):
            members.setdefault(str(parent), frozenset(rows["county"]))
    return check.Places(county_names, parents, members)


def _check_region(head: Head, parsed: dict[str, Parsed], places: check.Places, findings: Faults) -> dict[str, Parsed]:
    """Every rule on the region's own tables; gives the tables without printed totals."""
    if "counties" not in parsed:
        return dict(parsed)
    if "boundaries" in parsed:
        mapped = check.check_boundaries(parsed["boundaries"], places, findings)
        places = check.Places(places.counties, places.parents, places.members, mapped)
    check.check_counties(parsed["counties"], places, findings)
    checked = {name: check.check_codes(table, places, findings) for name, table in parsed.items()}
    for table in checked.values():
        check.check_duplicates(table, findings)
    checked = {name: check.without_breakdown_totals(table, places, findings) for name, table in checked.items()}
    for name in ADDED_UP:
        if name in checked:
            check.check_parents(check.without_repeats(checked[name]), places, findings)
    for name in ("population", "registered"):
        if name in checked:
            checked[name] = _check_counts(checked[name], places, findings)
    if "supply" in checked:
        capacities.check_kinds(checked["supply"], findings)
    if "supply" in checked and "projects" in checked:
        capacities.check_closings(checked["supply"], checked["projects"], places, findings)
    if "flows" in checked:
        plausible.check_flows(checked["flows"], places, findings)
    if "enrolment" in checked:
        plausible.check_rolls(checked["enrolment"], findings)
    _check_patterned(checked, places, findings)
    _check_sizes(checked, places, head.jump_off_year, findings)
    if head.jump_off_year is not None:
        check.check_later_rows(checked, head.jump_off_year, findings)
    return at_present(checked, places, findings)


def _check_sizes(
    tables: Mapping[str, Parsed], places: check.Places, jump_off_year: int | None, findings: Faults
) -> None:
    """Tells where population, controls, births or deaths cannot be in the units they say, or count other people."""
    ends = check.without_repeats(tables["controls"]) if "controls" in tables else None
    if ends is not None:
        check.check_parents(ends, places, findings)
    if "population" not in tables or not tables["population"].whole:
        return
    people = check.without_repeats(tables["population"])
    check.check_coverage(people, places, jump_off_year, findings)
    census = plausible.census_totals(people, places)
    plausible.check_sizes(people, census, ends, places, findings)
    alive = plausible.residents(census, ends)
    for event in ("births", "deaths"):
        for counted in (tables.get(event), ends):
            if counted is not None:
                plausible.check_crude_rates(counted, event, alive, places, findings)


def _check_counts(parsed: Parsed, places: check.Places, findings: Faults) -> Parsed:
    """Sets and totals of a table of people by sex and age; gives it without totals and without rows of parent areas."""
    frame = parsed.frame
    unread = frame[frame[["sex", "age_group"]].isna().any(axis=1)]
    parts, totals = check.split_totals(check.without_repeats(parsed))
    if parsed.whole:
        check.check_ages(parts, unread, places, findings)
        check.check_sexes(parts, unread, places, findings)
        check.check_totals(parts, totals, places, findings)
    check.check_parents(parts, places, findings)
    kept, _ = check.split_totals(parsed)
    return kept.with_frame(kept.frame[~kept.frame["county"].isin(list(places.parents))])


def _check_patterned(tables: Mapping[str, Parsed], places: check.Places, findings: Faults) -> None:
    """Death rates, fertility and levels, the region's own or a pattern's."""
    for name in ("mortality", "fertility"):
        if name not in tables:
            continue
        parsed = check.without_repeats(tables[name])
        unread = tables[name].frame
        if parsed.whole:
            check.check_ages(parsed, unread[unread["age_group"].isna()], places, findings)
            if name == "mortality":
                check.check_sexes(parsed, unread[unread["sex"].isna()], places, findings)
        (plausible.check_mortality if name == "mortality" else plausible.check_fertility)(parsed, places, findings)
    if "levels" in tables:
        plausible.check_levels(tables["levels"], findings)


def _check_pattern(pattern: _Files, places: check.Places, findings: Faults) -> dict[str, Parsed]:
    """The rules on a pattern's tables; its sources speak only for them."""
    checked = {name: check.check_codes(table, places, findings) for name, table in pattern.parsed.items()}
    for table in checked.values():
        check.check_duplicates(table, findings)
    _check_patterned(checked, places, findings)
    if "sources" in checked:
        check.check_sources(checked.values(), checked["sources"], findings)
    return checked


def _region(
    head: Head,
    folder: Path,
    files: _Files,
    pattern: _Files,
    checked: Mapping[str, Parsed],
    patterned: Mapping[str, Parsed],
    places: check.Places,
    findings: Faults,
) -> Region:
    tables = {name: _whole_ages(parsed.frame) for name, parsed in checked.items()}
    tables |= {name: _whole_ages(parsed.frame) for name, parsed in patterned.items() if name != "sources"}
    tables["sources"] = _all_sources(checked["sources"], patterned)
    return Region(
        id=head.id,
        name=head.name,
        area=head.area,
        parent=head.parent,
        parents=places.parents,
        jump_off_year=head.jump_off_year or _last_known(tables, head.area),
        pattern=head.pattern,
        counties=tables["counties"].set_index("county"),
        tables=tables,
        settings=head.settings,
        folder=folder,
        encodings={head.opened.file: head.opened.encoding, **files.encodings, **pattern.encodings},
        hashes={head.opened.file: head.opened.sha256, **files.hashes, **pattern.hashes},
        warnings=findings.warnings(),
    )


def _last_known(tables: Mapping[str, pd.DataFrame], area: str) -> int:
    """The last year of which anything about the people of the whole is known: a count, residents, births or deaths."""
    years = [int(tables["population"].year.max())]
    if "controls" in tables:
        totals = tables["controls"]
        years += totals[totals.area == area].year.astype(int).tolist()
    years += [int(tables[name].year.max()) for name in ("births", "deaths") if name in tables]
    return max(years)


def _whole_ages(frame: pd.DataFrame) -> pd.DataFrame:
    """Ages as whole numbers; while a label may be unread they are float."""
    whole = [name for name in ("age_from", "age_to") if name in frame and frame[name].notna().all()]
    return frame.astype(dict.fromkeys(whole, "int64")).reset_index(drop=True)


def _all_sources(own: Parsed, patterned: Mapping[str, Parsed]) -> pd.DataFrame:
    """The pattern's lines for the tables taken from it, the region's for all others; `file` says which file."""
    mine = own.frame[~own.frame["table"].isin(list(patterned))]
    frames = [mine.assign(file=own.file)]
    if "sources" in patterned:
        theirs = patterned["sources"]
        frames.append(theirs.frame[theirs.frame["table"].isin(list(patterned))].assign(file=theirs.file))
    return pd.concat(frames, ignore_index=True).fillna({"note": "", "verification": ""})
