"""A ledger that has accounts becomes a shard: they, and its providers' jobs, are written into the directory.

It may have been a ledger of its own, or was restored from a backup, or the directory was lost or is an older one.
The facts of moves say where an account decides, whatever the directory knew:

    left for elsewhere ──┬─ arrived there ── it is there, and what it left here is still to be erased
                         └─ not yet ──────── it is on its way: the same move goes on

An account in two shards without such facts, or a job of two operations, is refused, and nothing more is written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from sqlalchemy import select, tuple_

from application.ledger.reader import LogFilter
from domain.departures import AccountArrived, AccountLeft, DepartureFact
from domain.errors import InvalidInput
from domain.ledger import account_stream
from infrastructure.shards.directory import Directory, Home, Job
from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import JOBS

AT_ONCE: Final = 500
"""Accounts, and jobs, that are written at a time."""


def adopt(directory: Directory, name: str, url: str) -> None:
    """Have the directory know all that is in a shard; blocks. Raises InvalidInput, StoreUnavailable."""
    database = Database(url, reading=True)
    try:
        reader = SqlReader(database)
        moves = _moves(reader)
        _end(directory, name, reader.departed(), moves)
        for accounts in _accounts(reader):
            _settle(directory, name, {account: moves.get(account) for account in accounts})
        for jobs in _jobs(database):
            if not directory.claim(jobs):
                raise InvalidInput("url", "has a provider's job of an operation in another shard", hint="is it a copy?")
    finally:
        database.close()


def _moves(reader: SqlReader) -> dict[str, DepartureFact]:
    """The last fact of a move of each account that has any here."""
    codec, found, after = FactMapper(), dict[str, DepartureFact](), 0
    topics = tuple(name for shape in (AccountLeft, AccountArrived) for name in codec.names_of(shape))
    while page := reader.read(after, AT_ONCE, LogFilter(topics=topics)):
        for one in page:
            fact = codec.decode(one.link.topic, one.link.state)
            assert isinstance(fact, DepartureFact)
            found[fact.account] = fact
        after = page[-1].position
    return found


def _settle(directory: Directory, name: str, accounts: Mapping[str, DepartureFact | None]) -> None:
    """Have the directory know where accounts are that a shard has. Raises InvalidInput."""
    known = directory.homes([*accounts])
    wanted = {account: _home_in(name, fact, known.get(account)) for account, fact in accounts.items()}
    new = [account for account, home in wanted.items() if home is not None and account not in known]
    known |= directory.settle(new, name)
    for account, home in wanted.items():
        if home is None:
            continue
        if name not in (home.shard, home.moving_to, home.moved_from):
            told = f"has account {account!r}, which is in shard {home.shard!r}"
            raise InvalidInput("url", told, hint="one of the two is a copy: leave that out")
        if known[account] != home:
            directory.write(account, home)


def _home_in(name: str, fact: DepartureFact | None, known: Home | None) -> Home | None:
    """The home of an account that a shard has, by its last fact of a move there; None if another shard will say it."""
    match fact:
        case AccountLeft(to=to) if to == name:  # its copy is here, and has not arrived
            return known if known is None or known.shard == name else Home(known.shard, moving_to=name)
        case AccountLeft(to=to) if known is None or known.shard == name:
            return Home(name, moving_to=to)
        case AccountLeft(to=to) if known is not None and known.shard == to:
            return Home(to, moved_from=name)
        case AccountArrived(origin=origin) if known is not None and known.shard == origin:
            return Home(name, moved_from=origin)
    return known or Home(name)


def _end(directory: Directory, name: str, departed: Collection[str], moves: Mapping[str, DepartureFact]) -> None:
    """Moves from a shard that are done, although the directory does not know of their end."""
    gone = [account for account in moves if account_stream(account) in departed]
    for account, home in directory.homes(gone).items():
        if home.moved_from == name:
            directory.write(account, Home(home.shard))


def _accounts(reader: SqlReader) -> Iterator[list[str]]:
    """The accounts that have not gone to another shard."""
    after, gone = "", reader.departed()
    while rows := reader.accounts_after(after, AT_ONCE):
        after = rows[-1].id
        yield [row.id for row in rows if account_stream(row.id) not in gone]


def _jobs(database: Database) -> Iterator[Mapping[Job, str]]:
    after, key = ("", ""), (JOBS.c.provider, JOBS.c.job)
    while True:
        rows = database.rows(select(JOBS).where(tuple_(*key) > after).order_by(*key).limit(AT_ONCE))
        if not rows:
            return
        after = (rows[-1].provider, rows[-1].job)
        yield {(row.provider, row.job): row.operation for row in rows}
