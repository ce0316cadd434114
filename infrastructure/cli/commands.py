"""How a command is declared: groups of options as dataclasses, one answer, printed as text or as JSON.

    @command(app)
    async def usage(whose: Whose, session: Session) -> Answer: ...

Typer sees the groups' fields as options; the function gets the groups filled in.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Any, TypeAlias, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from infrastructure.cli.failures import UNREAD, silence
from infrastructure.cli.files import watching_stdout
from infrastructure.cli.session import CommandSession
from infrastructure.configfile import config_file

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from infrastructure.cli.rendering import Page


@dataclass(frozen=True, slots=True)
class Report:
    """A command's answer: a document for programs, and how a page shows it to people."""

    document: Any
    show: Callable[[Page], None]
    code: int = 0


Command = Callable[..., Awaitable[Report | int]]
Loop: TypeAlias = "Callable[[], AbstractEventLoop]"
NO_VALUE = " "


class _PlainHelp:
    """The option `--help` takes nothing, and its help does not say it does."""

    def get_help_option(self, context: Any) -> Any:
        option = super().get_help_option(context)  # type: ignore[misc]
        if option is not None:
            option.metavar = NO_VALUE
        return option


class OneCommand(_PlainHelp, TyperCommand):
    """A command of this program."""


class CommandGroup(_PlainHelp, TyperGroup):
    """Commands under one name, listed by their panels."""

    def format_commands(self, context: Any, formatter: Any) -> None:
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(context):
            one = self.listed(context, name)
            line = one.get_short_help_str(formatter.width)
            panels.setdefault(getattr(one, "rich_help_panel", None) or "Commands", []).append((name, line))
        for panel, lines in panels.items():
            with formatter.section(panel):
                formatter.write_dl(lines)

    def listed(self, context: Any, name: str) -> Any:
        """The command as the list shows it."""
        return self.get_command(context, name)


def command(
    app: typer.Typer, name: str | None = None, *, loop: Loop | None = None, checks: bool = True, **options: Any
) -> Callable[[Command], Command]:
    """Register a coroutine as a command; its answer is printed. One that prints by itself returns its exit code.

    It runs on the usual event loop, or on one that `loop` makes. Settings that there are not end
    it before it begins, unless `checks` is false.
    """

    def register(function: Command) -> Command:
        app.command(name, cls=OneCommand, **options)(_flattened(function, loop, checks=checks))
        return function

    return register


def _flattened(function: Command, loop: Loop | None, *, checks: bool) -> Callable[..., int]:
    hints = get_type_hints(function, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if is_dataclass(hint) and isinstance(hint, type)}
    groups.pop("return", None)

    def call(**given: Any) -> int:
        import asyncio

        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        session: CommandSession = given["session"]
        try:
            with config_file(session.config), watching_stdout() as data, asyncio.Runner(loop_factory=loop) as runner:
                if checks:
                    session.check_settings()
                answer = runner.run(_awaited(function, given))
                code = _unsaid(answer) if data.taken else _printed(answer, session)
            sys.stdout.flush()
        except BrokenPipeError as error:
            silence(sys.stdout)
            raise typer.Exit(UNREAD) from error
        return code

    parameters = [
        parameter
        for name, one in signature(function).parameters.items()
        for parameter in (_options(groups[name]) if name in groups else [_named(one, hints[name])])
    ]
    parameters = [_without_value(parameter) for parameter in parameters]
    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return call


async def _awaited(function: Command, given: dict[str, Any]) -> Report | int:
    from infrastructure.cli.interrupting import interruptible

    with interruptible():
        return await function(**given)


def _named(parameter: Parameter, hint: Any) -> Parameter:
    return parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hint)


def _without_value(parameter: Parameter) -> Parameter:
    """A flag takes nothing, so its help names nothing to give."""
    if parameter.annotation.__origin__ is not bool:
        return parameter
    (option,) = parameter.annotation.__metadata__
    option.metavar = NO_VALUE
    return parameter


def _options(group: type[Any]) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]


def _unsaid(answer: Report | int) -> int:
    """The exit code alone: on stdout are data, which nothing may be mixed into."""
    return answer if isinstance(answer, int) else answer.code


def _printed(answer: Report | int, session: CommandSession) -> int:
    if isinstance(answer, int):
        return answer
    if session.json:
        sys.stdout.write(f"{json.dumps(answer.document, indent=2, ensure_ascii=False)}\n")
    else:
        from infrastructure.cli.rendering import Page

        answer.show(Page.on_stdout())
    return answer.code
