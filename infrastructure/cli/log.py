"""The log itself: one operation's facts as a timeline, and all facts as they are stored."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.errors import InvalidInput, UnknownAccount, UnknownOperation
from infrastructure.cli.commands import Answer, command
from infrastructure.cli.formats import UTC_NAME, iso
from infrastructure.cli.options import OneAccount, OperationId, Owner
from infrastructure.cli.session import Session
from infrastructure.showing.rows import row_document

if TYPE_CHECKING:
    from application.ledger.log import Positioned
    from application.ledger.reader import LogFilter
    from infrastructure.cli.rendering import Page
    from infrastructure.cli.stories import Event, Story
    from infrastructure.reading import Reading
    from infrastructure.service import Studio

app = typer.Typer()

PAGE = 500
WIDE = 118
"""Columns from which an operation's id has room."""

LONGEST = 38
"""The characters of an id in a batch of up to nine."""


@command(app)
async def operation(id: OperationId, session: Session, account: Owner = None) -> Answer:
    """Tell an operation's story, each fact with its money.

    Of a batch, the stories of all its operations.
    """
    async with session.reading() as reading:
        await session.catch_up(reading)
        stories = await stories_of(reading, id, account)
    found = [story.document() for story in stories]
    return Answer(found[0] if len(found) == 1 else {"operations": found}, lambda page: _show(page, stories))


@command(app)
async def events(
    session: Session,
    account: OneAccount = None,
    operation: Annotated[str | None, Option("--operation", metavar="ID", help="Only about this one.")] = None,
    type: Annotated[
        str | None, Option("--type", "-t", metavar="NAME", help="Only facts of this name, such as operation.charged.")
    ] = None,
    after: Annotated[int, Option("--after", min=0, metavar="POSITION", help="Only later ones.")] = 0,
    limit: Annotated[int | None, Option("--limit", "-l", min=1, metavar="COUNT", help="At most so many.")] = None,
    ndjson: Annotated[bool, Option("--ndjson", help="One JSON object a line, as they are read.")] = False,
) -> int:
    """Print the log, or a part of it, in its one order."""
    from application.ledger.reader import LogFilter

    async with session.reading() as reading:
        zone = (await reading.accounts.show(account)).zone if account is not None else UTC_NAME
        one = () if operation is None else (operation,)
        wanted = LogFilter(account=account, operations=one, topics=_topics(type))
        read = _read(reading, wanted, after, limit)
        if ndjson:
            await _print_lines(reading, read)
        elif session.json:
            await _print_document(reading, read)
        else:
            await _print_table(reading, read, zone)
    return 0


async def stories_of(studio: Studio | Reading, id: str, account: str | None = None) -> list[Story]:
    """The story of one operation, or those of a batch. Raises UnknownOperation."""
    members = await asyncio.to_thread(studio.index.operations, id)
    members = [one for one in members if account in (None, one.account)]
    if not members:
        raise UnknownOperation(f"no operation {id!r}", hint="list them with: imagestudio operations")
    return [await story_of(studio, one.operation, one.account) for one in members]


async def story_of(studio: Studio | Reading, id: str, account: str) -> Story:
    """What the log and the operation log say of one operation."""
    from application.ledger.reader import LogFilter
    from infrastructure.cli.stories import Story
    from projections.views.operations import OPERATIONS

    try:
        zone = (await studio.accounts.show(account)).zone
    except UnknownAccount:
        zone = UTC_NAME
    row = await asyncio.to_thread(studio.views.one, OPERATIONS, id)
    told = [_event(studio, entry) async for entry in _read(studio, LogFilter(operations=(id,)), 0, None)]
    shown = {} if row is None else row_document(OPERATIONS, row, OPERATIONS.stored)
    return Story(id, shown, told, zone)


def _show(page: Page, stories: list[Story]) -> None:
    for number, story in enumerate(stories):
        if number:
            page.line()
        story.show(page)


def _topics(name: str | None) -> tuple[str, ...]:
    """All stored names of a fact, given with or without its room. Raises InvalidInput for one that there is not."""
    from application.ledger.log import fact_name
    from infrastructure.store.facts import NAMES, UPCASTERS

    if name is None:
        return ()
    stored = [*NAMES, *UPCASTERS]
    known = dict.fromkeys(map(fact_name, stored))
    wanted = [fact for fact in known if name in (fact, fact.rpartition(".")[2])]
    if len(wanted) != 1:
        raise InvalidInput("--type", f"no fact is named {name!r}", hint=f"there are: {', '.join(known)}")
    return tuple(topic for topic in stored if fact_name(topic) == wanted[0])


async def _read(
    studio: Studio | Reading, wanted: LogFilter, after: int, limit: int | None
) -> AsyncIterator[Positioned]:
    left = limit
    while left is None or left > 0:
        page = await asyncio.to_thread(studio.reader.read, after, PAGE if left is None else min(left, PAGE), wanted)
        for entry in page:
            yield entry
        if not page:
            return
        after = page[-1].position
        left = None if left is None else left - len(page)


def _event(studio: Studio | Reading, entry: Positioned) -> Event:
    from infrastructure.cli.stories import Event

    link = entry.link
    return Event(
        entry.position, link.topic, link.actor, studio.codec.decode(link.topic, link.state), json.loads(link.state)
    )


def _stored(entry: Positioned) -> dict[str, object]:
    """A row of the log as it is stored: amounts in micro-units, instants in microseconds since 1970 UTC.

    `topic` is the stored name, with the version of the fact's shape, which the hash covers; `type` is without it.
    """
    from application.ledger.log import fact_name

    link = entry.link
    return {
        "position": entry.position,
        "stream": str(link.originator_id),
        "version": link.originator_version,
        "type": fact_name(link.topic),
        "topic": link.topic,
        "operation": link.operation,
        "actor": link.actor,
        "hash": link.hash.hex(),
        "data": json.loads(link.state),
    }


async def _print_lines(studio: Studio | Reading, read: AsyncIterator[Positioned]) -> None:
    async for entry in read:
        sys.stdout.write(f"{json.dumps(_complete(studio, entry), ensure_ascii=False)}\n")


async def _print_document(studio: Studio | Reading, read: AsyncIterator[Positioned]) -> None:
    """One document, written as it is read, however long the log is."""
    separator = '{"events": [\n'
    async for entry in read:
        sys.stdout.write(f"{separator}{json.dumps(_complete(studio, entry), ensure_ascii=False)}")
        separator = ",\n"
    sys.stdout.write("\n]}\n" if separator == ",\n" else '{"events": []}\n')


def _complete(studio: Studio | Reading, entry: Positioned) -> dict[str, object]:
    event = _event(studio, entry).document()
    return {**_stored(entry), "at": event["at"], "amount": event["amount"]}


async def _print_table(studio: Studio | Reading, read: AsyncIterator[Positioned], zone: str) -> None:
    """A line a fact, of widths that do not depend on the facts, so that the first is shown before the last is read."""
    from infrastructure.cli.rendering import Page

    page = Page.on_stdout()
    async for entry in read:
        page.line(_line(entry, _event(studio, entry), zone, wide=page.width >= WIDE))


def _line(entry: Positioned, event: Event, zone: str, *, wide: bool) -> str:
    from application.ledger.log import fact_name
    from domain.streams import account_of
    from infrastructure.cli.stories import told

    telling = told(event.fact)
    amount = str(telling.amount) if telling.amount is not None else ""
    parts = [f"{entry.position:>6}", iso(event.fact.at, zone), f"{fact_name(entry.link.topic):<28}", f"{amount:>14}"]
    parts += [f"{entry.link.operation or '':<{LONGEST}}"] if wide else []
    return "  ".join([*parts, account_of(str(entry.link.originator_id)) or ""]).rstrip()
