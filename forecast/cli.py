"""The `forecast` command: parse, call, print.

Only click is imported at the top: whoever asks for `--help` must not wait for numpy, numba and pandas, so
each command imports what it calls. Help and sentences come from the catalogue in the language asked for;
results go to stdout, everything else to stderr. Exit codes stand in `errors.issues`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.errors import LANGUAGES, ForecastError, Issue, UsageError, say
from forecast.errors.issues import BUG, CANNOT_READ_WRITE, INTERRUPTED, OK, USAGE, WARNED

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from forecast.pipeline import Run
    from forecast.region import Region
    from forecast.scenario import HasFolder

    Tested = tuple[xr.Dataset, pd.DataFrame, Callable[[pd.DataFrame, str], list[str]]]

EXAMPLES = 20  # how many issues of one code are printed before the rest are counted
DEMO_REGION, BASELINE = "wenzhou", "baseline"
TRAJECTORIES = 1000
COMPARED = "baseline,high_migration,low_migration"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code; never lets a stack reach the user without --debug."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    lang = language(arguments)
    for stream in (sys.stdout, sys.stderr):  # a console without Chinese shows escapes and goes on
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = command(lang).main(arguments or ["--help"], prog_name="forecast", standalone_mode=False)
        sys.stdout.flush()
        return int(code or OK)
    except BrokenPipeError:  # the reader of a pipe has gone, as in `forecast models | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CANNOT_READ_WRITE
    except (KeyboardInterrupt, click.Abort):
        click.echo(Issue("E998").text(lang), err=True)
        return INTERRUPTED
    except Exception as error:
        return _report(error, lang, as_json="--json" in arguments, debug="--debug" in arguments)


def language(arguments: Sequence[str]) -> str:
    """--lang where it is given, else the system's: Chinese for zh_*, English for all others."""
    for given, following in pairwise([*arguments, ""]):
        wanted = following if given == "--lang" else given.removeprefix("--lang=")
        if given.startswith("--lang") and wanted in LANGUAGES:
            return wanted
    named = next((os.environ[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(key)), None)
    if named is None:  # Windows sets none of them
        import locale

        named = locale.getlocale()[0] or ""
    return "zh" if named.lower().startswith(("zh", "chinese")) else "en"


def command(lang: str) -> click.Group:
    """The whole command with its help in one language."""
    group = _Group("forecast", help=_help("forecast", lang), lang=lang, params=[_language_option(lang)])
    region = click.Argument(["region"], metavar=say("cli.region_metavar", lang))
    strict = _flag("strict", lang)
    out = _option("out", lang, default="runs", metavar="DIR", type=click.Path(file_okay=False))
    chosen = [
        _option("scenario", lang, default=BASELINE, metavar="NAME"),
        _option("set", lang, multiple=True, metavar="KEY=VALUE"),
        _option("trajectories", lang, default=TRAJECTORIES, metavar="N", type=click.IntRange(1, 100_000)),
        _option("seed", lang, default=0, metavar="N", type=click.IntRange(min=0)),
        _option("name", lang, metavar="NAME"),
    ]
    compared = [
        click.Option(
            ["--scenarios"],
            default=COMPARED,
            metavar="A,B,C",
            help=say("cli.help.compared", lang, default=COMPARED),
        ),
        _option("set", lang, multiple=True, metavar="KEY=VALUE"),
        _option("years", lang, metavar="Y,Y"),
        _option("services", lang, metavar="S,S"),
        _flag("counties", lang),
        _option("editions", lang, nargs=2, metavar="OLD NEW", type=click.Path(exists=True, file_okay=False)),
        strict,
        click.Option(["--out"], metavar="DIR", type=click.Path(file_okay=False), help=_help("compare_out", lang)),
    ]
    tested = [
        _flag("rolls", lang),
        _option("origins", lang, metavar="Y,Y"),
        _option("horizon", lang, default=10, metavar="N", type=click.IntRange(1, 50)),
        click.Option(["--out"], metavar="DIR", type=click.Path(file_okay=False), help=_help("backtest_out", lang)),
    ]
    commands: list[tuple[Callable[..., int], list[click.Parameter]]] = [
        (demo, [out, strict]),
        (run, [region, *chosen, out, strict]),
        (
            compare,
            [click.Argument(["region"], required=False, metavar=f"[{say('cli.region_metavar', lang)}]"), *compared],
        ),
        (backtest, [region, *tested]),
        (
            waves,
            [
                click.Argument(["run"], metavar="RUN", type=click.Path(exists=True, file_okay=False)),
                _flag("counties", lang),
            ],
        ),
        (check, [region, strict]),
        (models, []),
        (scenarios, [_option("region", lang, metavar=say("cli.region_metavar", lang)), _flag("schema", lang)]),
        (version, []),
    ]
    for function, params in commands:
        group.add_command(_make(function, params, lang))
    return group


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
    from forecast.scenario import read_scenario
    from forecast.store import check_name

    tables = read_region(region)
    chosen = read_scenario(scenario, overrides, tables)

    from forecast.pipeline import run_forecast

    name = name or f"{tables.id}-{chosen.id}"[:64]
    check_name(name)
    _tell_first_run(lang)
    with _progress(len(tables.counties), lang) as advance:
        done = run_forecast(
            tables, chosen, trajectories=trajectories, seed=seed, out=Path(out), name=name, progress=advance
        )
    _show_run(done, tables.warnings, lang, as_json)
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

    from forecast.demand import read_models
    from forecast.pipeline import compare_scenarios
    from forecast.report.comparison import as_rows, comparison_lines, with_names
    from forecast.store import as_csv, make_manifest, write_run
    from forecast.store import as_json as json_file

    _tell_first_run(lang)
    found = compare_scenarios(tables, chosen, when, _listed(services) if services is not None else None)
    file = None
    if out is not None:
        resolved = [one.model_dump(mode="json") for one in chosen]
        manifest = make_manifest(
            scenario=resolved[0], inputs=tables.hashes, seed=0, region=tables.id, compared=resolved
        )
        named = with_names(found, tables, chosen, read_models())
        files = {"compare.csv": as_csv(named), "manifest.json": json_file(manifest)}
        file = write_run(out, f"{tables.id}-compare"[:64], files) / "compare.csv"
    if as_json:
        names = {one.id: {"zh": one.name.zh, "en": one.name.en} for one in chosen}
        warnings = [issue.as_dict() for issue in tables.warnings]
        rows = as_rows(found)
        _print_json(
            {"region": tables.id, "scenarios": names, "rows": rows, "file": file and str(file), "warnings": warnings}
        )
        return WARNED if strict and tables.warnings else OK
    for line in comparison_lines(found, tables, chosen, read_models(), lang, counties):
        click.echo(line)
    if not counties:
        click.echo(say("cli.compare.counties", lang))
    if file:
        click.echo(say("cli.compare.file", lang, path=file))
    _warn(tables.warnings, lang)
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

    from forecast.demand import read_models
    from forecast.report.editions import edition_lines
    from forecast.revision import compare_editions
    from forecast.store import as_csv, make_manifest, read_run, write_run
    from forecast.store import as_json as json_file

    old, new = (read_run(folder) for folder in editions)
    found = compare_editions(old, new)
    shown = found[found["year"].isin(years or _every_fifth(found["year"]))]
    file = None
    if out is not None:
        manifest = make_manifest(scenario={}, inputs={}, seed=0, editions=list(editions))
        file = write_run(out, "editions", {"editions.csv": as_csv(found), "manifest.json": json_file(manifest)})
        file /= "editions.csv"
    alerts = int(found["alert"].sum())
    if as_json:
        rows = shown.to_dict("records")
        _print_json({"editions": list(editions), "alerts": alerts, "rows": rows, "file": file and str(file)})
    else:
        places = dict(zip(new["area"].values.tolist(), new[f"area_name_{lang}"].values.tolist(), strict=True))
        for line in edition_lines(shown, found, places, str(new.attrs["area"]), read_models(), lang, counties):
            click.echo(line)
        if file:
            click.echo(say("cli.compare.file", lang, path=file))
    return WARNED if strict and alerts else OK


def _every_fifth(years: Iterable[int]) -> list[int]:
    """The years that end in 0 or 5, or the last where there are none."""
    have = sorted({int(year) for year in years})
    return [year for year in have if year % 5 == 0] or have[-1:]


def backtest(
    region: str, rolls: bool, origins: str | None, horizon: int, out: str | None, lang: str, as_json: bool
) -> int:
    years = _years(origins, "--origins", "forecast backtest --help")
    if years is None and not rolls:
        raise UsageError(Issue("E914"))

    from forecast.region import read_region

    tables = read_region(region)

    from forecast.report.comparison import as_rows
    from forecast.store import as_csv, as_netcdf, make_manifest, write_run
    from forecast.store import as_json as json_file

    _tell_first_run(lang)
    found, table, lines = _test_rolls(tables, years, horizon) if rolls else _test_people(tables, years or [], horizon)
    folder = None
    if out is not None:
        manifest = make_manifest(
            scenario={}, inputs=tables.hashes, seed=0, region=tables.id, origins=years, horizon=horizon, rolls=rolls
        )
        files = {"scores.csv": as_csv(table), "backtest.nc": as_netcdf(found), "manifest.json": json_file(manifest)}
        folder = write_run(out, f"{tables.id}-backtest"[:64], files)
    if as_json:
        _print_json({"region": tables.id, "origins": years, "scores": as_rows(table), "folder": folder and str(folder)})
        return OK
    for line in lines(table, lang):
        click.echo(line)
    if folder:
        click.echo(say("cli.run.folder", lang, path=folder))
    return OK


def _test_people(region: Region, years: Sequence[int], horizon: int) -> Tested:
    from forecast.backtests import backtest as test_origins
    from forecast.backtests import score
    from forecast.report.backtests import score_lines, score_table

    found = test_origins(region, years, horizon)
    return found, score_table(score(found)), score_lines


def _test_rolls(region: Region, years: Sequence[int] | None, horizon: int) -> Tested:
    from forecast.backtest_rolls import backtest_region_rolls, score_table
    from forecast.report.backtests import roll_lines

    found = backtest_region_rolls(region, years, horizon)
    return found, score_table(found), roll_lines


def waves(run: str, counties: bool, lang: str, as_json: bool) -> int:
    from forecast.report.comparison import as_rows
    from forecast.store import read_run, read_table

    flags, warnings, trains = (read_table(run, name) for name in ("flags", "warnings", "trains"))
    whole = str(read_run(run).attrs["area"])
    if not counties:
        flags = flags[flags["county"] == whole]
    if as_json:
        tables = {"flags": flags, "warnings": warnings, "trains": trains}
        _print_json({name: as_rows(table) for name, table in tables.items()})
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

    found = read_region(region)
    rows = {name: len(table) for name, table in found.tables.items()}
    if as_json:
        warnings = [issue.as_dict() for issue in found.warnings]
        encodings = dict(found.encodings)
        _print_json({"region": found.id, "tables": rows, "encodings": encodings, "warnings": warnings})
    else:
        click.echo(say("cli.check.good", lang, name=found.name[lang]))
        for name, count in rows.items():
            encoding = found.encodings.get(f"{name}.csv", "")
            click.echo(f"  {name:<20} {say('cli.check.table', lang, rows=count)}  {encoding}".rstrip())
        _warn(found.warnings, lang)
    return WARNED if strict and found.warnings else OK


def models(lang: str, as_json: bool) -> int:
    from forecast.demand import read_models

    rows: list[dict[str, Any]] = [
        {
            "id": model.id,
            "name": {"zh": model.name["zh"], "en": model.name["en"]},
            "method": model.method,
            "unit": model.unit,
            "population": model.population,
            "sources": len(_sources(model.model_dump())),
        }
        for model in read_models().values()
    ]
    if as_json:
        _print_json({"models": rows})
        return OK
    for row in rows:
        words = row | {"name": row["name"][lang], "population": say(f"cli.models.{row['population']}", lang)}
        click.echo(say("cli.models.line", lang, **words))
    return OK


def scenarios(region: str | None, schema: bool, lang: str, as_json: bool) -> int:
    from forecast import scenario

    if schema:
        _print_json(scenario.schema())
        return OK
    found = scenario.list_scenarios(_place(region) if region is not None else None)
    if as_json:
        _print_json({"scenarios": [one.model_dump(mode="json", exclude={"overrides"}) for one in found]})
        return OK
    for one in found:
        click.echo(f"{one.id}  {getattr(one.name, lang)}\n    {getattr(one.description, lang)}")
    return OK


def version(lang: str, as_json: bool) -> int:
    from forecast import __version__
    from forecast.store import versions

    if as_json:
        _print_json({"forecast": __version__, **versions()})
    else:
        click.echo(f"forecast {__version__}")
        for package, found in versions().items():
            click.echo(f"  {package} {found or '-'}")
    return OK


def _tell_first_run(lang: str) -> None:
    """Why the first projection after an installation takes longer; on stderr."""
    from forecast.pipeline import compiled_before

    if not compiled_before():
        click.echo(say("cli.run.compiling", lang), err=True)


@contextmanager
def _progress(counties: int, lang: str) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr that moves with the counties done; nothing where nobody looks on."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=counties, label=say("cli.run.progress", lang), file=sys.stderr) as bar:
        yield lambda done: bar.update(done - bar.pos)


def _pairs(given: Iterable[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key.strip() and equals):
            raise UsageError(Issue("E906", values={"found": text}))
        pairs[key.strip()] = value.strip()
    return pairs


def _place(region: str) -> HasFolder:
    """Where a region lies, without reading its tables."""
    from types import SimpleNamespace

    from forecast.region.read import find_region

    return SimpleNamespace(folder=find_region(region))


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
        own = {node["source"]} if isinstance(node.get("source"), str) and node["source"] else set()
        return own.union(*(_sources(value) for value in node.values()))
    if isinstance(node, list | tuple):
        return set().union(*(_sources(value) for value in node))
    return set()


def _show_run(done: Run, warnings: Sequence[Issue], lang: str, as_json: bool) -> None:
    folder = Path(done.folder or ".")
    report = folder / "report.html"
    if as_json:
        headline = {one: list(done.headline[one]) for one in LANGUAGES}
        found = [issue.as_dict() for issue in warnings]
        _print_json({"folder": str(folder), "report": str(report), "headline": headline, "warnings": found})
        return
    for sentence in done.headline[lang]:
        click.echo(sentence)
    click.echo(say("cli.run.report", lang, path=report))
    click.echo(say("cli.run.folder", lang, path=folder))
    _warn(warnings, lang)


def _print_json(content: Mapping[str, Any]) -> None:
    click.echo(json.dumps(content, ensure_ascii=False, indent=2, default=str))


def _warn(warnings: Sequence[Issue], lang: str) -> None:
    if warnings:
        click.echo(say("cli.warnings", lang, count=len(warnings)), err=True)
        _print_issues(warnings, lang)


def _print_issues(issues: Iterable[Issue], lang: str) -> None:
    """Every issue, in order; of each code at most `EXAMPLES`, then how many more there are."""
    seen: dict[str, int] = defaultdict(int)
    for issue in issues:
        seen[issue.code] += 1
        if seen[issue.code] <= EXAMPLES:
            click.echo(issue.text(lang), err=True)
    for code, count in seen.items():
        if count > EXAMPLES:
            click.echo(say("cli.more", lang, code=code, count=count - EXAMPLES), err=True)


def _report(error: Exception, lang: str, as_json: bool, debug: bool) -> int:
    """Prints what went wrong and returns the exit code."""
    code, issues = _explain(error)
    if debug:
        traceback.print_exception(error)
    if as_json:
        _print_json({"exit_code": code, "issues": [issue.as_dict() for issue in issues]})
    else:
        _print_issues(issues, lang)
    return code


def _explain(error: Exception) -> tuple[int, Sequence[Issue]]:
    if isinstance(error, ForecastError):
        return error.exit_code, error.issues
    if isinstance(error, click.UsageError):
        return USAGE, [_usage_issue(error)]
    if isinstance(error, OSError) and error.filename is not None:
        values = {"file": error.filename, "reason": error.strerror}
        return CANNOT_READ_WRITE, [Issue("E907", values=values)]
    values = {"kind": type(error).__name__, "reason": " ".join(str(error).split())[:300]}
    return BUG, [Issue("E999", values=values)]


def _usage_issue(error: click.UsageError) -> Issue:
    """click's own complaint in our two languages."""
    path = error.ctx.command_path if error.ctx else "forecast"
    values = {"help": f"{path} --help", "reason": error.format_message().rstrip(".")}
    if isinstance(error, click.NoSuchOption):
        return Issue("E901", values=values | {"name": error.option_name})
    if isinstance(error, click.NoSuchCommand):
        group = error.ctx.command if error.ctx else None
        known = ", ".join(group.commands) if isinstance(group, click.Group) else ""
        return Issue("E902", values=values | {"name": error.command_name, "known": known})
    if isinstance(error, click.BadParameter) and error.param is not None and error.ctx is not None:
        code = "E903" if isinstance(error, click.MissingParameter) else "E904"
        words = {"name": _shown(error.param, error.ctx), "reason": error.message.rstrip(".")}
        return Issue(code, values=values | words)
    return Issue("E905", values=values)


def _shown(param: click.Parameter, ctx: click.Context) -> str:
    """--seed for an option, its metavar for an argument."""
    return param.opts[0] if isinstance(param, click.Option) else param.make_metavar(ctx)


def _help(key: str, lang: str) -> str:
    return say(f"cli.help.{key}", lang)


def _option(name: str, lang: str, **settings: Any) -> click.Option:
    return click.Option([f"--{name}"], help=_help(name, lang), **settings)


def _flag(name: str, lang: str) -> click.Option:
    return click.Option([f"--{name}"], is_flag=True, help=_help(name, lang))


def _language_option(lang: str) -> click.Option:
    """Read by `language` before click parses; declared so that click knows it, here and in every command."""
    return click.Option(["--lang"], type=click.Choice(LANGUAGES), expose_value=False, help=_help("lang", lang))


def _make(function: Callable[..., int], params: Sequence[click.Parameter], lang: str) -> click.Command:
    common = [
        click.Option(["--json", "as_json"], is_flag=True, help=_help("json", lang)),
        _language_option(lang),
        click.Option(["--debug"], is_flag=True, expose_value=False, help=_help("debug", lang)),
    ]
    name = function.__name__

    @wraps(function)
    def call(**given: Any) -> int:
        return function(lang=lang, **given)

    return _Command(name, callback=call, params=[*params, *common], help=_help(name, lang), lang=lang)


class _InLanguage(click.Command):
    """A command whose headings are in the language asked for (click's own are English)."""

    def __init__(self, *args: Any, lang: str, **settings: Any) -> None:
        settings.setdefault("options_metavar", say("cli.options_metavar", lang))
        super().__init__(*args, **settings)
        self.lang = lang

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=say("cli.usage", self.lang))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        records = [record for option in options if (record := option.get_help_record(ctx))]
        with formatter.section(say("cli.options", self.lang)):
            formatter.write_dl(records)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _help("help", self.lang)
        return option


class _Command(_InLanguage):
    pass


class _Group(_InLanguage, click.Group):
    def __init__(self, *args: Any, lang: str, **settings: Any) -> None:
        super().__init__(*args, lang=lang, subcommand_metavar=say("cli.command_metavar", lang), **settings)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order in which one would use them

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section(say("cli.commands", self.lang)):
            formatter.write_dl([(name, one.help or "") for name, one in self.commands.items()])
