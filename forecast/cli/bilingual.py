"""click in our two languages: options, commands and complaints with the words of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from forecast.basics.catalogue import LANGUAGES, say
from forecast.basics.issues import Issue


def usage_issue(error: click.UsageError) -> Issue:
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


def help_text(key: str, lang: str) -> str:
    return say(f"cli.help.{key}", lang)


def option(name: str, lang: str, **settings: Any) -> click.Option:
    return click.Option([f"--{name}"], help=help_text(name, lang), **settings)


def flag(name: str, lang: str) -> click.Option:
    return click.Option([f"--{name}"], is_flag=True, help=help_text(name, lang))


def language_option(lang: str) -> click.Option:
    """Read by `language` before click parses; declared so that click knows it, here and in every command."""
    return click.Option(["--lang"], type=click.Choice(LANGUAGES), expose_value=False, help=help_text("lang", lang))


def make_command(function: Callable[..., int], params: Sequence[click.Parameter], lang: str) -> click.Command:
    common = [
        click.Option(["--json", "as_json"], is_flag=True, help=help_text("json", lang)),
        language_option(lang),
        click.Option(["--debug"], is_flag=True, expose_value=False, help=help_text("debug", lang)),
    ]
    name = function.__name__

    @wraps(function)
    def call(**given: Any) -> int:
        return function(lang=lang, **given)

    return _Command(name, callback=call, params=[*params, *common], help=help_text(name, lang), lang=lang)


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
            option.help = help_text("help", self.lang)
        return option


class _Command(_InLanguage):
    pass


class Group(_InLanguage, click.Group):
    def __init__(self, *args: Any, lang: str, **settings: Any) -> None:
        super().__init__(*args, lang=lang, subcommand_metavar=say("cli.command_metavar", lang), **settings)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order in which one would use them

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        with formatter.section(say("cli.commands", self.lang)):
            formatter.write_dl([(name, command.help or "") for name, command in self.commands.items()])
