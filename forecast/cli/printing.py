"""Output of the command: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from forecast.basics.catalogue import LANGUAGES, say
from forecast.basics.issues import BUG, CANNOT_READ_WRITE, USAGE, ForecastError, Issue
from forecast.cli.bilingual import usage_issue

if TYPE_CHECKING:
    from forecast.run.run import Run

EXAMPLES = 20
"""So many issues of one code are printed before the rest are counted."""


def tell_first_run(lang: str) -> None:
    """Prints to stderr the reason why the first projection after an installation takes longer."""
    from forecast.population.projection.kernel import compiled_before, keeps_code

    if not keeps_code():
        click.echo(say("cli.run.compiling_anew", lang), err=True)
    elif not compiled_before():
        click.echo(say("cli.run.compiling", lang), err=True)


@contextmanager
def progress_bar(counties: int, lang: str) -> Iterator[Callable[[int], None] | None]:
    """A bar on stderr that moves with the counties done; nothing where nobody looks on."""
    if not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=counties, label=say("cli.run.progress", lang), file=sys.stderr) as bar:
        yield lambda done: bar.update(done - bar.pos)


def show_run(done: Run, warnings: Sequence[Issue], lang: str, as_json: bool) -> None:
    folder = Path(done.folder or ".")
    report = folder / "report.html"
    if as_json:
        headline = {language: list(done.headline[language]) for language in LANGUAGES}
        issues = [issue.as_dict() for issue in warnings]
        print_json({"folder": str(folder), "report": str(report), "headline": headline, "warnings": issues})
        return
    for sentence in done.headline[lang]:
        click.echo(sentence)
    click.echo(say("cli.run.report", lang, path=report))
    click.echo(say("cli.run.folder", lang, path=folder))
    warn(warnings, lang)


def print_json(content: Mapping[str, Any]) -> None:
    click.echo(json.dumps(content, ensure_ascii=False, indent=2, default=str))


def warn(warnings: Sequence[Issue], lang: str) -> None:
    if warnings:
        click.echo(say("cli.warnings", lang, count=len(warnings)), err=True)
        print_issues(warnings, lang)


def print_issues(issues: Iterable[Issue], lang: str) -> None:
    """Every issue, in order; of each code at most `EXAMPLES`, then how many more there are."""
    seen: dict[str, int] = defaultdict(int)
    for issue in issues:
        seen[issue.code] += 1
        if seen[issue.code] <= EXAMPLES:
            click.echo(issue.text(lang), err=True)
    for code, count in seen.items():
        if count > EXAMPLES:
            click.echo(say("cli.more", lang, code=code, count=count - EXAMPLES), err=True)


def report_error(error: Exception, lang: str, as_json: bool, debug: bool) -> int:
    """Prints what went wrong and returns the exit code."""
    code, issues = _explain(error)
    if debug:
        traceback.print_exception(error)
    if as_json:
        print_json({"exit_code": code, "issues": [issue.as_dict() for issue in issues]})
    else:
        print_issues(issues, lang)
    return code


def _explain(error: Exception) -> tuple[int, Sequence[Issue]]:
    if isinstance(error, ForecastError):
        return error.exit_code, error.issues
    if isinstance(error, click.UsageError):
        return USAGE, [usage_issue(error)]
    if isinstance(error, OSError) and error.filename is not None:
        values = {"file": error.filename, "reason": error.strerror}
        return CANNOT_READ_WRITE, [Issue("E907", values=values)]
    values = {"kind": type(error).__name__, "reason": " ".join(str(error).split())[:300]}
    return BUG, [Issue("E999", values=values)]
