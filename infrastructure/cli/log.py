"""The log itself: one operation's facts as a timeline, and all facts as they are stored."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Option

from domain.errors import InvalidInput
from infrastructure.cli.asof import Then
from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import MOST, After, OneAccount, OperationId, Owner, position_named
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import UTC_NAME, iso

if TYPE_CHECKING:
    from application.keeping.stories import Event
    from application.ledger.log import Positioned
    from application.ledger.reader import LogFilter
    from infrastructure.reading import ReadingLedger

app = typer.Typer()

WIDE = 118
"""Columns from which an operation's id has room."""

LONGEST = 38
"""The characters of an id in a batch of up to nine."""


@command(app)
async def operation(id: OperationId, then: Then, session: CommandSession, account: Owner = None) -> Report:
    """Tell an operation's story, each fact with its money.

    Of a batch, the stories of all its operations.
    """
    from application.keeping.stories import stories_of, until
    from infrastructure.cli.asof import dated_document, dated_page
    from infrastructure.cli.timeline import rows_at, rows_of, show_stories
    from infrastructure.showing.stories import story_document

    async with session.reading() as reading:
        await session.catch_up(reading)
        stories = await stories_of(reading, reading.accounts, id, account)
        moment = await then.moment(reading, account, stories[0].zone)
        if moment is None:
            rows = await rows_of(reading.views, stories, reading.contents.tags)
        else:
            stories = until(stories, moment, id)
            rows = await rows_at(reading.past, stories, moment, account)
    found = [story_document(story, row) for story, row in zip(stories, rows, strict=True)]
    document = dated_document(found[0] if len(found) == 1 else {"operations": found}, moment)
    show = dated_page(lambda page: show_stories(page, stories, rows), moment, stories[0].zone)
    return Report(document, show)


@command(app)
async def events(
    session: CommandSession,
    account: OneAccount = None,
    operation: Annotated[str | None, Option("--operation", metavar="ID", help="Only about this one.")] = None,
    type: Annotated[
        str | None, Option("--type", "-t", metavar="NAME", help="Only facts of this name, such as operation.charged.")
    ] = None,
    after: After = "0",
    limit: Annotated[
        int | None, Option("--limit", "-l", min=1, max=MOST, metavar="COUNT", help="At most so many.")
    ] = None,
    ndjson: Annotated[bool, Option("--ndjson", help="One JSON object a line, as they are read.")] = False,
) -> int:
    """Print the log, or a part of it, in its one order."""
    from application.ledger.reader import LogFilter

    async with session.reading() as reading:
        zone = (await reading.accounts.show(account)).zone if account is not None else UTC_NAME
        one = () if operation is None else (operation,)
        wanted = LogFilter(account=account, operations=one, topics=_topics(type))
        begin = position_named("--after", after)
        read = await entries_of(reading, wanted, begin, limit)
        if ndjson:
            await _print_lines(reading, read)
        elif session.json:
            await _print_document(reading, read)
        else:
            await _print_table(reading, read, zone)
    return 0


async def entries_of(
    reading: ReadingLedger, wanted: LogFilter, after: int, limit: int | None
) -> AsyncIterator[Positioned]:
    """Entries of the ledger that an account or an operation is in; else of all, shard after shard."""
    from application.keeping.stories import entries

    if len(reading.by_shard) == 1:
        return entries(reading.reader, wanted, after, limit)
    if wanted.account is None and wanted.operations:
        known = await asyncio.to_thread(reading.index.operations, wanted.operations[0])
        wanted = replace(wanted, account=known[0].account) if known else wanted
    if wanted.account is not None:
        one = await asyncio.to_thread(reading.ledger_of, wanted.account)
        return entries(one.reader, wanted, after, limit)
    from infrastructure.shards.entries import entries_of_each

    return entries_of_each(reading.by_shard, wanted, after, limit)


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


async def _print_lines(reading: ReadingLedger, read: AsyncIterator[Positioned]) -> None:
    async for entry in read:
        sys.stdout.write(f"{_json(reading, entry)}\n")


async def _print_document(reading: ReadingLedger, read: AsyncIterator[Positioned]) -> None:
    """One document, written as it is read, however long the log is."""
    separator = '{"events": [\n'
    async for entry in read:
        sys.stdout.write(f"{separator}{_json(reading, entry)}")
        separator = ",\n"
    sys.stdout.write("\n]}\n" if separator == ",\n" else '{"events": []}\n')


def _json(reading: ReadingLedger, entry: Positioned) -> str:
    from application.keeping.stories import event_of
    from infrastructure.showing.stories import stored_document

    return json.dumps(stored_document(entry, event_of(reading.codec, entry)), ensure_ascii=False)


async def _print_table(reading: ReadingLedger, read: AsyncIterator[Positioned], zone: str) -> None:
    """A line a fact, of widths that do not depend on the facts, so that the first is shown before the last is read."""
    from application.keeping.stories import event_of
    from infrastructure.cli.rendering import Page

    page = Page.on_stdout()
    async for entry in read:
        page.line(_line(entry, event_of(reading.codec, entry), zone, wide=page.width >= WIDE))


def _line(entry: Positioned, event: Event, zone: str, *, wide: bool) -> str:
    from application.ledger.log import fact_name
    from domain.streams import account_of
    from infrastructure.showing.stories import in_words

    telling = in_words(event.fact)
    amount = str(telling.amount) if telling.amount is not None else ""
    parts = [
        f"{entry.position:>6}",
        iso(event.fact.at, zone),
        f"{fact_name(entry.link.topic):<28}",
        f"{amount:>14}",
    ]
    parts += [f"{entry.link.operation or '':<{LONGEST}}"] if wide else []
    return "  ".join([*parts, account_of(str(entry.link.originator_id)) or ""]).rstrip()
