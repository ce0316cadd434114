"""Webhooks: add, list, show, change, rotate, remove; their messages, tried and sent again. A secret is printed once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import MOST, Account, Limit, Why
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import instant_of, iso
from infrastructure.showing.webhooks import (
    ALL,
    answer_document,
    left_of_messages,
    messages_document,
    new_secret_document,
    outcome_text,
    standing_text,
    webhook_document,
)

if TYPE_CHECKING:
    from application.notifying.records import MessagePage, NewSecret, WebhookView
    from infrastructure.cli.rendering import Page

app = typer.Typer()

WebhookId = Annotated[str, Argument(metavar="WEBHOOK", help="Its id, as 'imagestudio webhooks list' shows them.")]
Events = Annotated[
    list[str] | None,
    Option("--event", "-e", metavar="EVENT", help="Such as operation.completed; may be given again. None: all."),
]
AMISS = 1


@command(app)
async def add(
    url: Annotated[str, Argument(metavar="URL", help="An https address on the public internet.")],
    session: CommandSession,
    event: Events = None,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Add a webhook, and print its secret: nobody can show it again."""
    named = session.account(account)
    async with session.studio() as studio:
        zone = (await studio.accounts.show(named)).zone
        new = await studio.webhooks.add(named, url, events=event or (), reason=reason)
    return Report(new_secret_document(new), lambda page: _show_new(page, new, zone))


@command(app, "list")
async def list_webhooks(
    session: CommandSession,
    id: Annotated[str | None, Argument(metavar="[ACCOUNT]", help="Whose; otherwise as --account says.")] = None,
    account: Account = None,
) -> Report:
    """List an account's webhooks, and how each stands."""
    named = session.account(id or account)
    async with session.reading() as reading:
        found = await reading.webhooks.list(named)
        zone = (await reading.accounts.show(named)).zone
    document = {"webhooks": [webhook_document(one) for one in found]}
    return Report(document, lambda page: _show_all(page, found, zone))


@command(app)
async def show(webhook: WebhookId, session: CommandSession, account: Account = None) -> Report:
    """Show where a webhook is, what it is told, and how that goes."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.webhooks.show(named, webhook)
        zone = (await reading.accounts.show(named)).zone
    return _answer(found, zone)


@command(app)
async def change(
    webhook: WebhookId,
    session: CommandSession,
    url: Annotated[str | None, Option("--url", metavar="URL", help="Another address.")] = None,
    event: Events = None,
    all: Annotated[bool, Option("--all", help="Tell it all events.")] = False,
    paused: Annotated[
        bool | None, Option("--pause/--resume", help="Send it nothing, or again what happens from now on.")
    ] = None,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Change a webhook's address or events, pause it, or resume it; its secrets stay."""
    named = session.account(account)
    if all and event:
        raise InvalidInput("event", "is named beside all", hint="leave one of them out")
    events = [] if all else event
    async with session.studio() as studio:
        found = await studio.webhooks.change(named, webhook, url=url, events=events, reason=reason)
        if paused is not None:
            decide = studio.webhooks.pause if paused else studio.webhooks.resume
            found = await decide(named, webhook, reason=reason)
        zone = (await studio.accounts.show(named)).zone
    return _answer(found, zone)


@command(app)
async def rotate(
    webhook: WebhookId,
    session: CommandSession,
    overlap: Annotated[
        int, Option("--overlap", metavar="HOURS", help="For how long the secret before signs, too; up to 168.")
    ] = 24,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Make another secret, and print it: nobody can show it again."""
    named = session.account(account)
    async with session.studio() as studio:
        new = await studio.webhooks.rotate(named, webhook, overlap=overlap, reason=reason)
        zone = (await studio.accounts.show(named)).zone
    return Report(new_secret_document(new), lambda page: _show_new(page, new, zone))


@command(app)
async def remove(webhook: WebhookId, session: CommandSession, account: Account = None, reason: Why = "") -> Report:
    """Send it nothing any more, and erase its address."""
    named = session.account(account)
    async with session.studio() as studio:
        await studio.webhooks.remove(named, webhook, reason=reason)
    return Report({"removed": webhook}, lambda page: page.line(f"Webhook {webhook} is removed."))


@command(app)
async def deliveries(
    webhook: WebhookId,
    session: CommandSession,
    state: Annotated[
        str | None, Option("--state", metavar="WORD", help="Only those that are waiting, delivered or dead.")
    ] = None,
    after: Annotated[str | None, Option("--after", metavar="CURSOR", help="Those after a page before.")] = None,
    limit: Limit = None,
    account: Account = None,
) -> Report:
    """List messages to a webhook, the newest first, and what became of each."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.webhooks.deliveries(named, webhook, state=state, after=after, limit=limit or 50)
        zone = (await reading.accounts.show(named)).zone
    return Report(messages_document(found), lambda page: _show_messages(page, found, zone))


@command(app)
async def replay(
    webhook: WebhookId,
    session: CommandSession,
    message: Annotated[list[str] | None, Argument(metavar="[MESSAGE]…", help="The ids of those to send again.")] = None,
    dead: Annotated[bool, Option("--dead", help="All that were given up.")] = False,
    since: Annotated[
        str | None, Option("--since", metavar="INSTANT", help="Every event since a day or instant, taken or not.")
    ] = None,
    position: Annotated[
        int | None,
        Option("--position", min=1, max=MOST, metavar="NUMBER", help="Every event from a position in the log on."),
    ] = None,
    account: Account = None,
) -> Report:
    """Send messages to a webhook again, each under the id that it had."""
    named = session.account(account)
    async with session.studio() as studio:
        zone = (await studio.accounts.show(named)).zone
        at = None if since is None else instant_of(since, zone, "since")
        count = await studio.webhooks.replay(named, webhook, *message or (), dead=dead, since=at, position=position)
    told = f"{counted(count, 'message')} will be sent again by a service or a worker."
    return Report({"replayed": count}, lambda page: page.line(told))


@command(app, "test")
async def try_out(webhook: WebhookId, session: CommandSession, account: Account = None) -> Report:
    """Send a message of its own to a webhook at once, and say what it answered."""
    named = session.account(account)
    async with session.studio() as studio:
        found = await studio.webhooks.test(named, webhook)
    told = f"Taken: it answers {found.status}." if found.accepted else f"Not taken: {found.said}."
    return Report(answer_document(found), lambda page: page.line(told), 0 if found.accepted else AMISS)


def _answer(webhook: WebhookView, zone: str) -> Report:
    return Report(webhook_document(webhook), lambda page: _show_one(page, webhook, zone))


def _show_new(page: Page, new: NewSecret, zone: str) -> None:
    _show_one(page, new.webhook, zone)
    page.line()
    page.line(new.secret)
    page.line("This is its secret. Keep it now: it cannot be shown again.")


def _show_one(page: Page, one: WebhookView, zone: str) -> None:
    page.title(f"Webhook {one.id}")
    older = [f"number {secret.number} until {iso(secret.until, zone)}" for secret in one.secrets if secret.until]
    rows = [
        ("account", one.account),
        ("url", one.url or "lost"),
        ("events", ", ".join(one.events) or ALL),
        ("standing", standing_text(one, zone)),
        ("messages", left_of_messages(one)),
        ("registered", iso(one.registered, zone)),
        ("older secret", "; ".join(older)),
    ]
    page.pairs([(name, value) for name, value in rows if value])


def _show_all(page: Page, webhooks: Sequence[WebhookView], zone: str) -> None:
    from infrastructure.cli.rendering import PageColumn

    if not webhooks:
        page.line("There is no webhook.")
        return
    page.table(
        PageColumn("WEBHOOK", [one.id for one in webhooks]),
        PageColumn("STANDING", [one.standing for one in webhooks]),
        PageColumn("WAITING", [str(one.waiting) for one in webhooks], right=True),
        PageColumn("DEAD", [str(one.dead) for one in webhooks], right=True),
        PageColumn("REGISTERED", [iso(one.registered, zone)[:10] for one in webhooks], drop=2),
        PageColumn("URL", [one.url or "lost" for one in webhooks], wrap=20),
        PageColumn("EVENTS", [", ".join(one.events) or "all" for one in webhooks], wrap=16, drop=1),
    )


def _show_messages(page: Page, found: MessagePage, zone: str) -> None:
    from infrastructure.cli.rendering import PageColumn

    if not found.messages:
        page.line("There is no message.")
        return
    page.table(
        PageColumn("MESSAGE", [one.id for one in found.messages]),
        PageColumn("EVENT", [one.event for one in found.messages]),
        PageColumn("AT", [iso(one.at, zone) for one in found.messages], drop=1),
        PageColumn("", [outcome_text(one, zone) for one in found.messages], wrap=24),
    )
    if found.next is not None:
        page.line(f"more after: --after {found.next}", "dim")
