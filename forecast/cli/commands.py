"""Commands: each reads, calls and prints. Each imports what it calls, so that `--help` need not wait for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.basics.catalogue import say
from forecast.basics.issues import OK, WARNED, Issue, UsageError
from forecast.cli.printing import print_json, progress_bar, show_run, tell_first_run, warn

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from forecast.region import Region

    Tested = tuple[xr.Dataset, pd.DataFrame, Callable[[pd.DataFrame, str], list[str]]]

DEMO_REGION, BASELINE = "wenzhou", "baseline"
TRAJECTORIES = 1000
COMPARED = "baseline,high_migration,low_migration"


def demo(out: str, strict: bool, lang: str, as_json: bool) -> int:
    return run(DEMO_REGION, BASELINE, (), TRAJECTORIES, 0, None, out, strict, lang, as_json)


def run(
    region: str,
    scenario: str,
    set: Sequence[str],
    trajectories: int,
    seed: int,
    name: str | None,
    out: str,
    strict: bool,
    lang: str,
    as_json: bool,
) -> int:
    overrides = _pairs(set)

    from forecast.region import read_region
    from forecast.run.store import check_name
    from forecast.scenario import read_scenario

    tables = read_region(region)
    chosen = read_scenario(scenario, overrides, tables)

    from forecast.pipeline import run_forecast

    name = name or f"{tables.id}-{chosen.id}"[:64]
    check_name(name)
    tell_first_run(lang)
    with progress_bar(len(tables.counties), lang) as advance:
        done = run_forecast(
            tables, chosen, trajectories=trajectories, seed=seed, out=Path(out), name=name, progress=advance
        )
    show_run(done, tables.warnings, lang, as_json)
    return WARNED if strict and tables.warnings else OK


def compare(
    region: str | None,
    scenarios: str,
    set: Sequence[str],
    years: str | None,
    services: str | None,
    counties: bool,
    editions: tuple[str, str] | None,
    strict: bool,
    out: str | None,
    lang: str,
    as_json: bool,
) -> int:
    overrides, when = _pairs(set), _years(years)
    if editions:
        return _compare_editions(region, editions, when, counties, strict, out, lang, as_json)
    if region is None:
        raise UsageError(Issue("E912"))

    from forecast.region import read_region
    from forecast.scenario import read_scenario

    tables = read_region(region)
    chosen = [read_scenario(name, overrides, tables) for name in _listed(scenarios)]

    from forecast.cli.text.comparison import as_rows, comparison_lines, with_names
    from forecast.demand import region_models
    from forecast.pipeline import compare_scenarios
    from forecast.run.store import as_csv, make_manifest, write_run
    from forecast.run.store import as_json as json_file

    tell_first_run(lang)
    table = compare_scenarios(tables, chosen, when, _listed(services) if services is not None else None)
    file = None
    if out is not None:
        resolved = [scenario.model_dump(mode="json") for scenario in chosen]
        manifest = make_manifest(
            scenario=resolved[0], inputs=tables.hashes, seed=0, region=tables.id, compared=resolved
        )
        named = with_names(table, tables, chosen, region_models(tables, {}))
        files = {"compare.csv": as_csv(named), "manifest.json": json_file(manifest)}
        file = write_run(out, f"{tables.id}-compare"[:64], files) / "compare.csv"
    if as_json:
        names = {scenario.id: asdict(scenario.name.text) for scenario in chosen}
        warnings = [issue.as_dict() for issue in tables.warnings]
        rows = as_rows(table)
        print_json(
            {"region": tables.id, "scenarios": names, "rows": rows, "file": file and str(file), "warnings": warnings}
        )
        return WARNED if strict and tables.warnings else OK
    for line in comparison_lines(table, tables, chosen, region_models(tables, {}), lang, counties):
        click.echo(line)
    if not counties:
        click.echo(say("cli.compare.counties", lang))
    if file:
        click.echo(say("cli.compare.file", lang, path=file))
    warn(tables.warnings, lang)
    return WARNED if strict and tables.warnings else OK


def _compare_editions(
    region: str | None,
    editions: tuple[str, str],
    years: Sequence[int] | None,
    counties: bool,
    strict: bool,
    out: str | None,
    lang: str,
    as_json: bool,
) -> int:
    if region is not None:
        raise UsageError(Issue("E913", values={"region": region}))

    from forecast.backtest.editions import compare_editions
    from forecast.cli.text.editions import edition_lines
    from forecast.demand import read_models
    from forecast.run.store import as_csv, make_manifest, read_run, write_run
    from forecast.run.store import as_json as json_file

    old, new = (read_run(folder) for folder in editions)
    changes = compare_editions(old, new)
    shown = changes[changes["year"].isin(years or _every_fifth(changes["year"]))]
    file = None
    if out is not None:
        manifest = make_manifest(scenario={}, inputs={}, seed=0, editions=list(editions))
        file = write_run(out, "editions", {"editions.csv": as_csv(changes), "manifest.json": json_file(manifest)})
        file /= "editions.csv"
    alerts = int(changes["alert"].sum())
    if as_json:
        rows = shown.to_dict("records")
        print_json({"editions": list(editions), "alerts": alerts, "rows": rows, "file": file and str(file)})
    else:
        places = dict(zip(new["area"].values.tolist(), new[f"area_name_{lang}"].values.tolist(), strict=True))
        for line in edition_lines(shown, changes, places, str(new.attrs["area"]), read_models(), lang, counties):
            click.echo(line)
        if file:
            click.echo(say("cli.compare.file", lang, path=file))
    return WARNED if strict and alerts else OK


def _every_fifth(years: Iterable[int]) -> list[int]:
    """The years that end in 0 or 5, or the last where there are none."""
    have = sorted({int(year) for year in years})
    return [year for year in have if year % 5 == 0] or have[-1:]


def backtest(
    region: str,
    rolls: bool,
    breaks: str | None,
    origins: str | None,
    horizon: int,
    out: str | None,
    lang: str,
    as_json: bool,
) -> int:
    years, broken = (
        _years(given, name, "forecast backtest --help")
        for given, name in ((origins, "--origins"), (breaks, "--breaks"))
    )
    if years is None and not rolls:
        raise UsageError(Issue("E914"))
    if broken and not rolls:
        raise UsageError(Issue("E915"))

    from forecast.region import read_region

    tables = read_region(region, people=not rolls)

    from forecast.cli.text.comparison import as_rows
    from forecast.run.store import as_csv, as_netcdf, make_manifest, write_run
    from forecast.run.store import as_json as json_file

    tell_first_run(lang)
    test = _test_rolls(tables, years, horizon, broken or ()) if rolls else _test_people(tables, years or [], horizon)
    results, table, lines = test
    folder = None
    if out is not None:
        manifest = make_manifest(
            scenario={}, inputs=tables.hashes, seed=0, region=tables.id, origins=years, horizon=horizon, rolls=rolls
        )
        files = {"scores.csv": as_csv(table), "backtest.nc": as_netcdf(results), "manifest.json": json_file(manifest)}
        folder = write_run(out, f"{tables.id}-backtest"[:64], files)
    if as_json:
        print_json({"region": tables.id, "origins": years, "scores": as_rows(table), "folder": folder and str(folder)})
        return OK
    for line in lines(table, lang):
        click.echo(line)
    if rolls:
        click.echo(say("cli.backtest.births" if results.attrs["births"] else "cli.backtest.no_births", lang))
    if folder:
        click.echo(say("cli.run.folder", lang, path=folder))
    return OK


def _test_people(region: Region, years: Sequence[int], horizon: int) -> Tested:
    from forecast.backtest.population import backtest as test_origins
    from forecast.backtest.population import score
    from forecast.cli.text.backtests import score_lines, score_table

    results = test_origins(region, years, horizon)
    return results, score_table(score(results)), score_lines


def _test_rolls(region: Region, years: Sequence[int] | None, horizon: int, breaks: Sequence[int]) -> Tested:
    from forecast.backtest.school_rolls import backtest_region_rolls, score_table
    from forecast.cli.text.backtests import roll_lines

    results = backtest_region_rolls(region, years, horizon, breaks)
    return results, score_table(results), roll_lines


def waves(run: str, counties: bool, lang: str, as_json: bool) -> int:
    from forecast.cli.text.comparison import as_rows
    from forecast.run.store import read_run, read_table

    flags, warnings, trains = (read_table(run, name) for name in ("flags", "warnings", "trains"))
    whole = str(read_run(run).attrs.get("area", flags["county"].iloc[-1]))  # the whole stands last
    if not counties:
        flags = flags[flags["county"] == whole]
    if as_json:
        tables = {"flags": flags, "warnings": warnings, "trains": trains}
        print_json({name: as_rows(table) for name, table in tables.items()})
        return OK
    for _, own in flags.groupby("county", sort=False):
        for row in own.itertuples():
            mark = say(f"cli.waves.{row.level or 'quiet'}", lang)
            click.echo(f"{mark} {getattr(row, f'sentence_{lang}')}")
        if counties:
            click.echo("")
    red, amber = (int((warnings["level"] == level).sum()) for level in ("red", "amber"))
    click.echo(say("cli.waves.count", lang, red=red, amber=amber))
    return OK


def check(region: str, strict: bool, lang: str, as_json: bool) -> int:
    from forecast.region import read_region

    loaded = read_region(region)
    if loaded.rules or loaded.services:  # such files are judged by who uses them, who need not be loaded otherwise
        from forecast.pipeline import check_own_files

        check_own_files(loaded)
    rows = {name: len(table) for name, table in loaded.tables.items()}
    if as_json:
        warnings = [issue.as_dict() for issue in loaded.warnings]
        encodings = dict(loaded.encodings)
        print_json({"region": loaded.id, "tables": rows, "encodings": encodings, "warnings": warnings})
    else:
        click.echo(say("cli.check.good", lang, name=loaded.name[lang]))
        for name, count in rows.items():
            encoding = loaded.encodings.get(f"{name}.csv", "")
            click.echo(f"  {name:<20} {say('cli.check.table', lang, rows=count)}  {encoding}".rstrip())
        warn(loaded.warnings, lang)
    return WARNED if strict and loaded.warnings else OK


def models(lang: str, as_json: bool) -> int:
    from forecast.demand import read_models

    rows: list[dict[str, Any]] = [
        {
            "id": model.id,
            "name": asdict(model.name),
            "method": model.method,
            "unit": model.unit,
            "population": model.population,
            "sources": len(_sources(model.model_dump())),
        }
        for model in read_models().values()
    ]
    if as_json:
        print_json({"models": rows})
        return OK
    for row in rows:
        words = row | {"name": row["name"][lang], "population": say(f"cli.models.{row['population']}", lang)}
        click.echo(say("cli.models.line", lang, **words))
    return OK


def scenarios(region: str | None, schema: bool, lang: str, as_json: bool) -> int:
    from forecast.scenario import json_schema, list_scenarios

    if schema:
        print_json(json_schema())
        return OK
    listed = list_scenarios(None if region is None else _folder_of(region))
    if as_json:
        print_json({"scenarios": [scenario.model_dump(mode="json", exclude={"overrides"}) for scenario in listed]})
        return OK
    for scenario in listed:
        click.echo(f"{scenario.id}  {getattr(scenario.name, lang)}\n    {getattr(scenario.description, lang)}")
    return OK


def version(lang: str, as_json: bool) -> int:
    from forecast import __version__
    from forecast.run.store import versions

    if as_json:
        print_json({"forecast": __version__, **versions()})
    else:
        click.echo(f"forecast {__version__}")
        for package, number in versions().items():
            click.echo(f"  {package} {number or '-'}")
    return OK


def _pairs(given: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key.strip() and equals):
            raise UsageError(Issue("E906", values={"found": text}))
        pairs[key.strip()] = value.strip()
    return pairs


def _folder_of(region: str) -> Path:
    """Folder of a region, without reading its tables."""
    from forecast.region.read import find_region

    return find_region(region)


def _listed(text: str) -> list[str]:
    """a,b,c; a Chinese comma parts as well."""
    return [part.strip() for part in text.replace("，", ",").split(",") if part.strip()]


def _years(text: str | None, name: str = "--years", page: str = "forecast compare --help") -> list[int] | None:
    if text is None:
        return None
    wrong = [part for part in _listed(text) if not part.isdecimal()]
    if wrong or not _listed(text):
        values = {"name": name, "reason": ", ".join(wrong) or text, "help": page}
        raise UsageError(Issue("E904", values=values))
    return [int(part) for part in _listed(text)]


def _sources(node: Any) -> set[str]:
    """Every text that stands under a key `source`, at any depth."""
    if isinstance(node, Mapping):
        sources = {node["source"]} if isinstance(node.get("source"), str) and node["source"] else set()
        return sources.union(*(_sources(value) for value in node.values()))
    if isinstance(node, list | tuple):
        return set().union(*(_sources(value) for value in node))
    return set()
