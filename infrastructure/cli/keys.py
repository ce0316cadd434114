"""API keys: issue, list, show, change, revoke. A secret is printed once, when its key is issued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from domain.keys import KeyScope, KeyTerms
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import Account, Why
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import instant_of, iso, limit_of
from infrastructure.showing.keys import key_bounds, key_document, new_key_document

if TYPE_CHECKING:
    from application.keeping.keys import KeyView, NewKey
    from infrastructure.cli.rendering import Page
    from infrastructure.service import Studio

app = typer.Typer()

NEVER, UNLIMITED = "never", "unlimited"
AMOUNT = "In the account's currency, such as 25 or '25 USD'"
Whose = Annotated[
    str | None,
    Argument(
        metavar="[ACCOUNT]", help="Whose it is; @studio for those who run the studio. Otherwise as --account says."
    ),
]
KeyId = Annotated[str, Argument(metavar="KEY", help="A key's id, as 'imagestudio keys list' shows them.")]


@dataclass(frozen=True, slots=True)
class KeyBounds:
    """The name of a key, and all that bounds it but for whom it asks; None is not said."""

    name: Annotated[str | None, Option("--name", metavar="TEXT", help="What people call it; not in the log.")] = None
    scope: Annotated[
        list[str] | None, Option("--scope", metavar="WORD", help="operate, read or admin; may be given again.")
    ] = None
    limit: Annotated[
        str | None, Option("--limit", metavar="AMOUNT", help=f"The most it may spend a period. {AMOUNT}, or unlimited.")
    ] = None
    expires: Annotated[str | None, Option("--expires", metavar="INSTANT", help="A day or instant, or never.")] = None
    approve_above: Annotated[
        str | None,
        Option("--approve-above", metavar="AMOUNT", help=f"Above it a person has to agree. {AMOUNT}, or never."),
    ] = None
    per_minute: Annotated[
        str | None, Option("--per-minute", metavar="COUNT", help="At most so many requests, or unlimited.")
    ] = None

    approve_in_client: Annotated[
        bool | None,
        Option(
            "--approve-in-client/--approve-elsewhere",
            help="whether the person before its client may agree.",
        ),
    ] = None

    def changes(self, currency: str, zone: str) -> dict[str, Any]:
        """The terms that are said, by their fields. Raises InvalidInput, InvalidMoney."""
        said: dict[str, Any] = {}
        if self.scope is not None:
            said["scopes"] = tuple(_scope(word) for word in self.scope)
        if self.expires is not None:
            said["expires"] = None if self.expires == NEVER else instant_of(self.expires, zone, "expires")
        if self.approve_above is not None:
            said["approve_above"] = None if self.approve_above == NEVER else _micros(self.approve_above, currency)
        if self.approve_in_client is not None:
            said["approve_in_client"] = self.approve_in_client
        if self.per_minute is not None:
            said["per_minute"] = None if self.per_minute == UNLIMITED else _count(self.per_minute)
        return said

    def limits(self, currency: str) -> dict[str, int | None]:
        """The limit that is said, by its measure."""
        if self.limit is None:
            return {}
        return {"spend": None if self.limit == UNLIMITED else _micros(self.limit, currency)}


@command(app)
async def issue(
    session: CommandSession,
    bounds: KeyBounds,
    id: Whose = None,
    account: Account = None,
    user: Annotated[
        str | None, Option("--user", "-u", metavar="ID", help="For whom it asks; otherwise for the account.")
    ] = None,
    project: Annotated[str | None, Option("--project", "-p", metavar="ID", help="For what it asks, always.")] = None,
    forwards: Annotated[bool, Option("--forwards", help="It may name the users for whom it asks.")] = False,
    reason: Why = "",
) -> Report:
    """Issue a key, and print its secret: nobody can show it again."""
    named = session.account(id or account)
    async with session.studio() as studio:
        currency, zone = await _terms_of(studio, named)
        said = {"scopes": (KeyScope.OPERATE,), **bounds.changes(currency, zone)}
        terms = KeyTerms(user=user, project=project, forwards=forwards, **said)
        limits = bounds.limits(currency)
        new = await studio.keys.issue(named, terms, name=bounds.name or "", limits=limits, reason=reason)
    return Report(new_key_document(new), lambda page: _show_new(page, new, zone))


@command(app, "list")
async def list_keys(session: CommandSession, id: Whose = None, account: Account = None) -> Report:
    """List an account's keys, with what each has spent in the current period."""
    named = session.account(id or account)
    async with session.reading() as reading:
        found = await reading.keys.list(named)
        zone = (await reading.accounts.show(named)).zone
    return Report({"keys": [key_document(one) for one in found]}, lambda page: _show_keys(page, found, zone))


@command(app)
async def show(key: KeyId, session: CommandSession, account: Account = None) -> Report:
    """Show a key's terms, and what it has used, holds and has left."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.keys.show(named, key)
        zone = (await reading.accounts.show(named)).zone
    return _answer(found, zone)


@command(app)
async def change(
    key: KeyId,
    session: CommandSession,
    bounds: KeyBounds,
    account: Account = None,
    forwards: Annotated[
        bool | None, Option("--forwards/--keeps", help="Whether it may name the users for whom it asks.")
    ] = None,
    reason: Why = "",
) -> Report:
    """Change what is said of a key's name, terms and limit; its secret stays."""
    named = session.account(account)
    async with session.studio() as studio:
        currency, zone = await _terms_of(studio, named)
        changes = bounds.changes(currency, zone)
        if forwards is not None:
            changes["forwards"] = forwards
        limits = bounds.limits(currency)
        found = await studio.keys.change(named, key, changes=changes, name=bounds.name, limits=limits, reason=reason)
    return _answer(found, zone)


@command(app)
async def revoke(key: KeyId, session: CommandSession, account: Account = None, reason: Why = "") -> Report:
    """Let a key open nothing any more, for ever."""
    named = session.account(account)
    async with session.studio() as studio:
        found = await studio.keys.revoke(named, key, reason=reason)
        zone = (await studio.accounts.show(named)).zone
    return _answer(found, zone)


async def _terms_of(studio: Studio, account: str) -> tuple[str, str]:
    """The account's currency and zone; the studio's own is opened with its first key."""
    from domain.errors import UnknownAccount
    from domain.keys import STUDIO

    try:
        known = await studio.accounts.show(account)
    except UnknownAccount:
        if account != STUDIO:
            raise
        return studio.accounts.currency, "UTC"
    return known.currency, known.zone


def _scope(word: str) -> KeyScope:
    try:
        return KeyScope(word)
    except ValueError as error:
        raise InvalidInput("scope", f"{word!r} is not one of {', '.join(KeyScope)}") from error


def _micros(text: str, currency: str) -> int:
    from domain.money import Money

    amount, _, named = text.partition(" ")
    if named not in ("", currency):
        raise InvalidInput("amount", f"{text!r} is not in {currency}", hint="nothing is converted")
    return Money.parse(amount, currency).micros


def _count(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise InvalidInput("per_minute", f"{text!r} is not a number", hint="give a whole number from 1 on") from error


def _answer(key: KeyView, zone: str) -> Report:
    return Report(key_document(key), lambda page: _show_key(page, key, zone))


def _show_new(page: Page, new: NewKey, zone: str) -> None:
    _show_key(page, new.key, zone)
    page.line()
    page.line(new.secret)
    page.line("This is its secret. Keep it now: it is kept nowhere, and cannot be shown again.")


def _show_key(page: Page, key: KeyView, zone: str) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(f"Key {key.id}")
    rows = [
        ("name", key.name),
        ("account", key.account),
        ("standing", f"revoked at {iso(key.revoked, zone)}" if key.revoked is not None else key.standing),
        ("scopes", " and ".join(key.terms.scopes)),
        ("bounds", key_bounds(key, zone)),
        ("issued", iso(key.issued, zone)),
    ]
    page.pairs([(name, value) for name, value in rows if value])
    measures = list(dict.fromkeys([*key.limits, *key.used, *key.held]))
    if measures:
        page.line()
        columns = (("LIMIT", key.limits), ("USED", key.used), ("HELD", key.held), ("LEFT", key.left))
        page.table(
            PageColumn("MEASURE", measures),
            *(
                PageColumn(
                    title, [_amount(title, name, amounts.get(name), key.currency) for name in measures], right=True
                )
                for title, amounts in columns
            ),
        )


def _amount(title: str, measure: str, amount: int | None, currency: str) -> str:
    """Nothing used or held is 0; no limit is unlimited."""
    return limit_of(measure, 0 if amount is None and title in ("USED", "HELD") else amount, currency)


def _show_keys(page: Page, keys: Sequence[KeyView], zone: str) -> None:
    from infrastructure.cli.rendering import PageColumn

    if not keys:
        page.line("No key was issued.")
        return
    spent = [limit_of("spend", key.used.get("spend", 0), key.currency) for key in keys]
    limits = [limit_of("spend", key.limits.get("spend"), key.currency) for key in keys]
    page.table(
        PageColumn("KEY", [key.id for key in keys]),
        PageColumn("STANDING", [key.standing for key in keys]),
        PageColumn("SCOPES", [" ".join(key.terms.scopes) for key in keys], drop=1),
        PageColumn("SPENT", spent, right=True),
        PageColumn("LIMIT", limits, right=True, drop=2),
        PageColumn("ISSUED", [iso(key.issued, zone)[:10] for key in keys], drop=3),
        PageColumn("NAME", [key.name for key in keys], wrap=10),
    )
