"""Options that several commands share, in groups, and what is read from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from typer import Argument, Option

from domain.errors import InvalidInput
from domain.inputs import shortened
from infrastructure.showing.formats import instant_of

if TYPE_CHECKING:
    from application.asking.requests import File, Request
    from application.ledger.moments import Moment
    from infrastructure.cli.session import CommandSession

WHO, WHAT = "Who asks, who pays", "What is asked"

Account = Annotated[
    str | None,
    Option("--account", "-a", metavar="ID", help="The account that pays; otherwise IMAGESTUDIO_ACCOUNT."),
]
MOST: Final = 10**15
"""Of facts and rows, and the last position; each database takes it."""
Limit = Annotated[int | None, Option("--limit", "-l", min=1, max=MOST, metavar="COUNT", help="At most so many.")]
After = Annotated[
    str, Option("--after", metavar="POSITION", help="Only what is later in the log; of shards one of each: a:16,b:12.")
]
OneAccount = Annotated[str | None, Option("--account", "-a", metavar="ID", help="Only this account.")]
Owner = Annotated[
    str | None, Option("--account", "-a", metavar="ID", help="Whose it is; of another account it is not found.")
]
Why = Annotated[str, Option("--reason", "-r", metavar="TEXT", help="Why; it is recorded for ever.")]
Yes = Annotated[bool, Option("--yes", "-y", help="Do not ask.")]
Tags = Annotated[
    list[str] | None,
    Option("--tag", metavar="NAME=VALUE", help="A word of your own about it, to sum up by.", rich_help_panel=WHO),
]
OperationId = Annotated[str, Argument(metavar="ID", help="An operation's id, as 'imagestudio operations' lists them.")]


def position_named(option: str, text: str) -> int:
    """The position that an option names, or the positions of shards. Raises InvalidInput."""
    from application.ledger.positions import position_of

    found = position_of(text, option)
    if found > MOST:
        raise InvalidInput(option, f"{text} is beyond every log")
    return found


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, for how much of what, and under which key."""

    account: Annotated[
        str | None,
        Option(
            "--account",
            "-a",
            metavar="ID",
            help="The account that pays; otherwise IMAGESTUDIO_ACCOUNT.",
            rich_help_panel=WHO,
        ),
    ] = None
    user: Annotated[
        str | None,
        Option("--user", "-u", metavar="ID", help="Who asks; otherwise the account.", rich_help_panel=WHO),
    ] = None
    project: Annotated[
        str | None, Option("--project", "-p", metavar="ID", help="What it is for.", rich_help_panel=WHO)
    ] = None
    model: Annotated[
        str,
        Option(
            "--model",
            "-m",
            metavar="ID",
            help="A model's id, or cheapest, best or balanced.",
            rich_help_panel=WHAT,
        ),
    ] = "auto"
    n: Annotated[int, Option("-n", metavar="COUNT", help="How many variations.", rich_help_panel=WHAT)] = 1
    key: Annotated[
        str | None,
        Option(
            "--key",
            "-k",
            metavar="KEY",
            help="Idempotency key: a repeat under it is neither done nor charged again.",
            rich_help_panel=WHAT,
        ),
    ] = None
    allow: Annotated[
        list[str] | None,
        Option(
            "--allow",
            metavar="CLASS",
            help="Let a strategy take models of this class too: stand-in, which only imitates what is asked for.",
            rich_help_panel=WHAT,
        ),
    ] = None
    max_price: Annotated[
        str | None,
        Option(
            "--max-price",
            metavar="AMOUNT",
            help="The most it may cost; otherwise no fallback costs more than what is held first.",
            rich_help_panel=WHAT,
        ),
    ] = None
    on_limit: Annotated[
        str,
        Option(
            "--on-limit",
            metavar="refuse",
            help="Rather be refused than done by the cheaper model that the account's terms name.",
            rich_help_panel=WHAT,
        ),
    ] = ""
    input: Annotated[
        list[str] | None,
        Option("--input", "-i", metavar="NAME=VALUE", help="One more input of the model.", rich_help_panel=WHAT),
    ] = None
    file: Annotated[
        list[str] | None,
        Option(
            "--file",
            "-f",
            metavar="NAME=FILE",
            help="One more file for the model: its path, or its http or https address.",
            rich_help_panel=WHAT,
        ),
    ] = None

    tag: Tags = None

    def request(
        self, kind: str, session: CommandSession, inputs: dict[str, str] | None = None, image: str | None = None
    ) -> Request:
        """The request these options describe. Raises InvalidInput, UnknownAccount."""
        from application.asking.requests import Request

        files: dict[str, list[File]] = {"image": [file_of(image)]} if image is not None else {}
        for name, text in pairs("--file", self.file or ()):
            files.setdefault(name, []).append(file_of(text))
        return Request(
            kind,
            session.account(self.account),
            {**dict(pairs("--input", self.input or ())), **(inputs or {})},
            files,
            self.user,
            self.project,
            self.model,
            self.n,
            self.key,
            tuple(self.allow or ()),
            self.max_price,
            on_limit=self.on_limit,
            tags=tags_of(self.tag),
        )

    def options(self) -> dict[str, Any]:
        """The words of these options to a service, but for the account. Raises InvalidInput."""
        files: dict[str, list[File]] = {}
        for name, text in pairs("--file", self.file or ()):
            files.setdefault(name, []).append(file_of(text))
        own = {name: getattr(self, name) for name in ("user", "project", "model", "n", "key", "max_price", "on_limit")}
        return {
            **dict(pairs("--input", self.input or ())),
            **files,
            **own,
            "allow": tuple(self.allow or ()),
            "tags": tags_of(self.tag),
        }


@dataclass(frozen=True, slots=True)
class Whose:
    """One account's rows, or everybody's."""

    account: Account = None
    everyone: Annotated[bool, Option("--everyone", help="Of all accounts.")] = False

    def id(self, session: CommandSession) -> str | None:
        """The account, None for all. Raises UnknownAccount where none is named."""
        return None if self.everyone else session.account(self.account)


@dataclass(frozen=True, slots=True)
class When:
    """Which billing periods."""

    at: Annotated[
        str | None,
        Option("--at", metavar="INSTANT", help="The period with this day or instant; otherwise the current one."),
    ] = None
    every: Annotated[bool, Option("--all", help="All periods.")] = False

    def instant(self, zone: str, moment: Moment | None = None) -> int | None:
        """An instant of the period, that of a moment if there is one; None for all of them. Raises InvalidInput."""
        from infrastructure.clock import now

        if self.every:
            return None
        if self.at is not None:
            return instant_of(self.at, zone)
        return now() if moment is None else moment.at


Cursor = Annotated[
    str | None, Option("--after", metavar="CURSOR", help="Go on after a page that ended with this cursor.")
]


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list."""

    limit: Limit = None
    after: Cursor = None
    file: Annotated[Path | None, Option("--csv", metavar="FILE", help="Write every row of it there, too.")] = None


@dataclass(frozen=True, slots=True)
class ShortPaging(Paging):
    """Which part of a list that has no end."""

    limit: Limit = 50


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose limit: the account's own, or that of a user, a project or an API key in it."""

    account: Account = None
    user: Annotated[str | None, Option("--user", "-u", metavar="ID", help="Of this user.")] = None
    project: Annotated[str | None, Option("--project", "-p", metavar="ID", help="Of this project.")] = None
    api_key: Annotated[str | None, Option("--api-key", metavar="KEY", help="Of this API key, by its id.")] = None

    def scope(self) -> str:
        """Its name in the ledger. Raises InvalidInput where several are named."""
        levels = {"user": self.user, "project": self.project, "key": self.api_key}
        named = [f"{level}:{id}" for level, id in levels.items() if id is not None]
        if len(named) > 1:
            told = "a limit belongs to a user, to a project or to an API key"
            raise InvalidInput("scope", told, hint="set one, then the other")
        return named[0] if named else "account"


def file_of(text: str) -> Path | str:
    """A file as it was named: an address and asset:ID stay text, anything else is a path."""
    from application.asking.requests import NAMED

    return text if text.lower().startswith(NAMED) else Path(text)


def tags_of(texts: Sequence[str] | None, option: str = "--tag") -> dict[str, str]:
    """Tags by name. Raises InvalidInput, also for a name that is given twice."""
    from domain.tags import check_tags, tag_of

    told = [tag_of(text, option) for text in texts or ()]
    found = dict(told)
    if len(found) < len(told):
        raise InvalidInput(option, "names the same twice", hint="give each name once")
    check_tags(found)
    return found


def pairs(option: str, texts: Sequence[str]) -> list[tuple[str, str]]:
    """NAME=VALUE texts, taken apart. Raises InvalidInput."""
    found = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InvalidInput(option, f"{shortened(text)} is not NAME=VALUE", hint="such as --input width=1024")
        found.append((name, value))
    return found
