"""The `forecast` command: parse, call, print.

Only click is imported at the top: whoever asks for `--help` must not wait for numpy, numba and pandas. Help and
sentences come from the catalogue in the language asked for. Exit codes stand in `errors.issues`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise

import click

from forecast.basics.catalogue import LANGUAGES, say
from forecast.basics.issues import CANNOT_READ_WRITE, INTERRUPTED, OK, Issue
from forecast.cli.bilingual import Group, flag, help_text, language_option, make_command, option
from forecast.cli.commands import (
    BASELINE,
    COMPARED,
    TRAJECTORIES,
    backtest,
    check,
    compare,
    demo,
    models,
    run,
    scenarios,
    version,
    waves,
)
from forecast.cli.printing import report_error

__all__ = ["command", "language", "main"]


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
        return report_error(error, lang, as_json="--json" in arguments, debug="--debug" in arguments)


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
    group = Group("forecast", help=help_text("forecast", lang), lang=lang, params=[language_option(lang)])
    region = click.Argument(["region"], metavar=say("cli.region_metavar", lang))
    strict = flag("strict", lang)
    out = option("out", lang, default="runs", metavar="DIR", type=click.Path(file_okay=False))
    chosen = [
        option("scenario", lang, default=BASELINE, metavar="NAME"),
        option("set", lang, multiple=True, metavar="KEY=VALUE"),
        option("trajectories", lang, default=TRAJECTORIES, metavar="N", type=click.IntRange(1, 100_000)),
        option("seed", lang, default=0, metavar="N", type=click.IntRange(0, 2**63 - 1)),
        option("name", lang, metavar="NAME"),
    ]
    compared = [
        click.Option(
            ["--scenarios"],
            default=COMPARED,
            metavar="A,B,C",
            help=say("cli.help.compared", lang, default=COMPARED),
        ),
        option("set", lang, multiple=True, metavar="KEY=VALUE"),
        option("years", lang, metavar="Y,Y"),
        option("services", lang, metavar="S,S"),
        flag("counties", lang),
        option("editions", lang, nargs=2, metavar="OLD NEW", type=click.Path(exists=True, file_okay=False)),
        strict,
        click.Option(["--out"], metavar="DIR", type=click.Path(file_okay=False), help=help_text("compare_out", lang)),
    ]
    tested = [
        flag("rolls", lang),
        option("breaks", lang, metavar="Y,Y"),
        option("origins", lang, metavar="Y,Y"),
        option("horizon", lang, default=10, metavar="N", type=click.IntRange(1, 50)),
        click.Option(["--out"], metavar="DIR", type=click.Path(file_okay=False), help=help_text("backtest_out", lang)),
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
                flag("counties", lang),
            ],
        ),
        (check, [region, strict]),
        (models, []),
        (scenarios, [option("region", lang, metavar=say("cli.region_metavar", lang)), flag("schema", lang)]),
        (version, []),
    ]
    for function, params in commands:
        group.add_command(make_command(function, params, lang))
    return group
