"""A page and an action, as records: where they are, who may see or do them, and which document is shown.

A page is whatever its document holds: the same as at the API, for the same account and key.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from application.asking.requests import File
from domain.errors import InvalidInput, InvalidMoney
from domain.inputs import shortened
from domain.keys import KeyScope
from domain.money import Money
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import Gate
from infrastructure.service import Studio

USUAL: Final = 50
"""Rows of a page."""
MOST: Final = 200
"""Rows of a page at most, so that none is larger than 300 kB."""
LONGEST_COUNT: Final = 12
"""Digits."""
PAGING: Final = ("after", "limit")
ACCOUNT: Final = "account"
"""The parameter by which a key of the studio's own names the account that it looks at."""

Document = dict[str, Any]


class MeantFor(StrEnum):
    """Which keys a page or an action is for."""

    ACCOUNT = "account"
    """One account's: its own keys, and the studio's, which name it."""
    STUDIO = "studio"
    """The studio's own keys alone, over all accounts."""
    FOR_ACCOUNT = "for account"
    """The studio's own keys alone, which name the account."""
    ANY = "any"
    """Any key's: an account's own see theirs, the studio's see all, or the account that they name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Somebody at a page: who it is, what the address says, and how many rows are wanted.

    `path` has the parts of the address by name, `params` what stands behind it, without the paging.
    `link` makes addresses of pages and actions by their names.
    """

    gate: Gate
    caller: KeyCaller
    path: Mapping[str, str]
    params: Mapping[str, str]
    link: Callable[..., str]
    after: str | None = None
    limit: int = USUAL
    partial: bool = False
    """Whether a part of a page is wanted, by a script that puts it there."""

    @property
    def studio(self) -> Studio:
        return self.gate.studio

    @property
    def account(self) -> str:
        """The account that is looked at. Raises InvalidInput if a studio's key names none."""
        return self.caller.account

    @property
    def whose(self) -> str | None:
        """The account that is looked at; None is all, for a studio's key that names none."""
        return self.caller.account_or_all


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """A column of a table: the field of each row, and how it is shown.

    `kind` is one of cells.py: text, money, count, instant, state, yes … `to` is the page that a value
    leads to, with the value as that page's parameter `by`, and the fields `along` of the row; `wide` columns are left
    out on a phone.
    """

    name: str
    kind: str = "text"
    to: str = ""
    by: str = "id"
    along: tuple[str, ...] = ()
    wide: bool = False
    label: str = ""
    """The name of its words, if it is not its own."""
    unless: str = ""
    """The field beside which it is left out, if that says it already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFilter:
    """A filter in the address: its parameter, and the words that it takes if these are a few."""

    name: str
    among: tuple[str, ...] = ()
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Reading:
    """How many facts a page is worked out from now, and how many of them are read; None if nobody counts them."""

    missing: int
    read: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPage:
    """A page. `name` is that of its words, `group` the part of the menu that it stands in, none if in no menu.

    `rows` names the list of the document that is a table, with its `columns`; such a page needs no template of its own.
    """

    name: str
    path: str
    document: Callable[[Visit], Awaitable[Document]]
    template: str = "table.html"
    scope: KeyScope = KeyScope.READ
    meant: MeantFor = MeantFor.ACCOUNT
    group: str = ""
    rows: str = ""
    columns: Sequence[TableColumn] = ()
    filters: Sequence[PageFilter] = ()
    parts: Mapping[str, Sequence[TableColumn]] = field(default_factory=dict)
    """The columns of tables within the page, by name."""
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """The words that a form of the page offers, by field."""
    live: Callable[[Visit], Awaitable[AsyncIterator[object]]] | None = None
    """Something for each change, until none can come: at `/live` behind the address, told as server-sent events."""
    reads: Callable[[Visit], Awaitable[Reading]] | None = None
    """How much of the log its document is made from: of many facts a page is shown meanwhile."""
    under: str = ""
    """The page of the menu that it belongs to, if it is in no menu itself."""

    @property
    def base(self) -> str:
        """The address before `.json` and `.csv`."""
        return self.path if self.path != "/" else f"/{self.name}"


Files = Mapping[str, Sequence[File]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FormSent:
    """A form that somebody sent, and the page that they were at; its fields are text, empty if left out."""

    visit: Visit
    fields: Mapping[str, str]
    many: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Files = field(default_factory=dict)

    def text(self, name: str) -> str:
        return self.fields.get(name, "").strip()

    def count(self, name: str) -> int | None:
        """A whole number, None if it is left out. Raises InvalidInput."""
        text = self.text(name)
        if text and not (text.isascii() and text.isdecimal() and len(text) <= LONGEST_COUNT):
            raise InvalidInput(name, f"{shortened(text)} is not a count", hint="write a number such as 60")
        return int(text) if text else None

    def amount(self, name: str, currency: str) -> Money | None:
        """An amount of money, None if it is left out. Raises InvalidInput."""
        text = self.text(name)
        try:
            return Money.parse(text, currency) if text else None
        except InvalidMoney as error:
            raise InvalidInput(name, str(error), hint=error.advice) from error

    def needed_amount(self, name: str, currency: str) -> Money:
        """Raises InvalidInput if it is empty, or no amount."""
        self.needed(name)
        found = self.amount(name, currency)
        assert found is not None, "it says something"
        return found

    def needed(self, name: str) -> str:
        """Raises InvalidInput if it is empty."""
        if not self.text(name):
            raise InvalidInput(name, "is empty", hint="fill it in")
        return self.text(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFile:
    """A file of an account, as `make` answers with it; the address takes its filters alone."""

    name: str
    path: str
    make: Callable[[Visit, Request], Awaitable[Response]]
    scope: KeyScope = KeyScope.READ
    meant: MeantFor = MeantFor.ACCOUNT
    filters: Sequence[PageFilter] = ()


@dataclass(frozen=True, slots=True)
class Shows:
    """An answer that is a page of its own, as a secret is shown once; it cannot be asked for again.

    `title` is the name of its words, `under` the page that it belongs to.
    """

    template: str
    title: str
    document: Document
    under: str
    columns: Sequence[TableColumn] = ()
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAction:
    """A form's deed: `do` calls a use case, and tells the address to see next, or shows what can be shown only once."""

    name: str
    path: str
    do: Callable[[FormSent], Awaitable[str | Shows]]
    scope: KeyScope
    meant: MeantFor = MeantFor.ACCOUNT


def studios_action(name: str, path: str, do: Callable[[FormSent], Awaitable[str]]) -> WebAction:
    """A deed of whoever runs the studio, for the account that is looked at."""
    return WebAction(name=name, path=path, do=do, scope=KeyScope.ADMIN, meant=MeantFor.FOR_ACCOUNT)


Guarded = WebPage | WebAction | WebFile
Listed = WebPage | WebFile
