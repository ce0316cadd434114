"""The directory: which shards there are, which of them each account is in, and whose each provider's job is.

    account ── its row ─┬─ its shard
                        └─ none: the shard that its hash chooses, which becomes its row when it is opened

It is small, and PostgreSQL's. Its word on an account is where to look: that no second shard takes decisions for it is
kept by the facts of its own ledger. Its word on jobs is a rule: one job has one owner, in whichever shard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from domain.advice import Advice
from domain.errors import InvalidInput, NoLedger
from infrastructure.clock import new_id
from infrastructure.store.database import Database
from infrastructure.store.schema import ID, SLOTS
from infrastructure.store.urls import shown_url

METADATA: Final = MetaData()
SHARDS: Final = Table("shards", METADATA, Column("name", ID, primary_key=True), Column("url", Text, nullable=False))
HOMES: Final = Table(
    "shard_accounts",
    METADATA,
    Column("account", ID, primary_key=True),
    Column("shard", ID, nullable=False),
    Column("moving_to", ID),
    Column("moved_from", ID),
    Column("changed", BigInteger, nullable=False),
)
"""The shard of each account, and the other one of a move that goes on. `changed` counts the changes of all rows."""
HOME: Final = (HOMES.c.shard, HOMES.c.moving_to, HOMES.c.moved_from)
JOBS: Final = Table(
    "shard_jobs",
    METADATA,
    Column("provider", ID, primary_key=True),
    Column("job", ID, primary_key=True),
    Column("operation", ID, nullable=False),
)
IDENTITY: Final = Table(
    "shard_directory", METADATA, Column("one", Integer, primary_key=True), Column("id", ID, nullable=False)
)
ADDRESSES: Final = Table(
    "shard_addresses",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("shard", ID, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
)
"""Every change of a shard's address: nothing of it is changed or deleted, and no password is in it."""
PLACES: Final = SLOTS.to_metadata(METADATA)
"""How much each provider is given at a time by all shards together."""

MAKING: Final = 443439059
"""The number of the advisory lock under which the tables are made."""

Job = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Home:
    """The shard of an account; the one that it goes to, and then the one that it came from, until all of it is done."""

    shard: str
    moving_to: str | None = None
    moved_from: str | None = None

    @property
    def moves(self) -> bool:
        return self.moving_to is not None or self.moved_from is not None


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A shard was looked for elsewhere from a moment on (epoch microseconds): who said so, and why."""

    shard: str
    at: int
    actor: str
    reason: str
    before: str
    after: str


class Directory:
    """On one database of PostgreSQL; every method blocks, and raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        if database.is_sqlite:
            told = "is a SQLite file, and a ledger in one has no shards"
            raise InvalidInput("shards", told, hint="name a database of PostgreSQL")
        self.database = database

    def make(self) -> None:
        """Make the tables, unless they are there."""
        with self.database.transaction() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MAKING})")
            METADATA.create_all(connection)
            connection.execute(insert(IDENTITY).values(one=1, id=new_id()).on_conflict_do_nothing())

    @property
    def id(self) -> str:
        """The same for ever, and no other directory's. Raises NoLedger if it is none."""
        self.shards()
        return str(self.database.rows(select(IDENTITY.c.id))[0][0])

    def shards(self) -> dict[str, str]:
        """The URL of each shard by its name. Raises NoLedger if it is no directory."""
        if not self.database.rows(select(func.to_regclass(SHARDS.name)))[0][0]:
            where = shown_url(self.database.url)
            raise NoLedger(f"there is no directory of shards in {where}", hint=Advice("shards.add"))
        rows = self.database.rows(select(SHARDS.c.name, SHARDS.c.url).order_by(SHARDS.c.name))
        return {row.name: row.url for row in rows}

    def add(self, name: str, url: str) -> None:
        """One more shard, or the same again; the caller has made its schema. Raises InvalidInput for another one."""
        with self.database.transaction() as connection:
            connection.execute(insert(SHARDS).values(name=name, url=url).on_conflict_do_nothing())
            known = connection.execute(select(SHARDS.c.url).where(SHARDS.c.name == name)).scalar_one()
        if known != url:
            raise InvalidInput("name", f"there is another shard {name!r}", hint="take another name")

    def move_shard(self, change: AddressChange, before: str, after: str) -> None:
        """Have a shard at another address from now on. Raises InvalidInput if it was changed meanwhile."""
        self.make()
        with self.database.transaction() as connection:
            wanted = (SHARDS.c.name == change.shard) & (SHARDS.c.url == before)
            if connection.execute(update(SHARDS).where(wanted).values(url=after)).rowcount != 1:
                told = f"shard {change.shard!r} was given another address meanwhile"
                raise InvalidInput("name", told, hint=Advice("shards.list"))
            connection.execute(insert(ADDRESSES).values(asdict(change)))

    def address_changes(self) -> list[AddressChange]:
        """Every change of a shard's address, in order."""
        if not self.database.rows(select(func.to_regclass(ADDRESSES.name)))[0][0]:
            return []
        rows = self.database.rows(select(ADDRESSES).order_by(ADDRESSES.c.number))
        return [AddressChange(*row[1:]) for row in rows]

    # Accounts

    def home(self, account: str) -> Home | None:
        """The home of an account; None if it was never opened."""
        rows = self.database.rows(select(*HOME).where(HOMES.c.account == account))
        return Home(*rows[0]) if rows else None

    def homes(self, accounts: Sequence[str]) -> dict[str, Home]:
        """The homes of those accounts that were ever opened."""
        rows = self.database.rows(select(HOMES.c.account, *HOME).where(HOMES.c.account.in_(accounts)))
        return {row[0]: Home(*row[1:]) for row in rows}

    def place(self, account: str, among: Sequence[str]) -> Home:
        """The home of an account, or of one to be opened: always the same, whoever asks at once."""
        with self.database.transaction() as connection:
            row = {"account": account, "shard": by_hash(account, among), "changed": _next(connection)}
            connection.execute(insert(HOMES).values(row).on_conflict_do_nothing())
            found = select(*HOME).where(HOMES.c.account == account)
            return Home(*connection.execute(found).one())

    def settle(self, accounts: Sequence[str], shard: str) -> dict[str, Home]:
        """Have accounts that nobody knows in a shard; the homes of all of them by then."""
        if not accounts:
            return {}
        with self.database.transaction() as connection:
            changed = _next(connection)
            rows = [{"account": account, "shard": shard, "changed": changed} for account in accounts]
            connection.execute(insert(HOMES).on_conflict_do_nothing(), rows)
        return self.homes(accounts)

    def accounts(self) -> dict[str, int]:
        """How many accounts are in each shard."""
        rows = self.database.rows(select(HOMES.c.shard, func.count()).group_by(HOMES.c.shard))
        return {shard: int(count) for shard, count in rows}

    def moves(self) -> dict[str, Home]:
        """The accounts that are being moved."""
        moving = HOMES.c.moving_to.is_not(None) | HOMES.c.moved_from.is_not(None)
        query = select(HOMES.c.account, *HOME).where(moving)
        return {row[0]: Home(*row[1:]) for row in self.database.rows(query.order_by(HOMES.c.account))}

    def changed_since(self, changes: int) -> dict[str, Home]:
        """The accounts that were opened or moved after so many changes."""
        rows = self.database.rows(select(HOMES.c.account, *HOME).where(HOMES.c.changed > changes))
        return {row[0]: Home(*row[1:]) for row in rows}

    def write(self, account: str, home: Home) -> None:
        """Say where an account is from now on."""
        row = asdict(home)
        with self.database.transaction() as connection:
            connection.execute(update(HOMES).where(HOMES.c.account == account).values(**row, changed=_next(connection)))

    def changes(self) -> int:
        """A number that is another one once any account is somewhere else."""
        return int(self.database.rows(select(func.coalesce(func.max(HOMES.c.changed), 0)))[0][0])

    # Jobs

    def owners(self, jobs: Sequence[Job]) -> dict[Job, str]:
        """Whose the jobs are, of those that are anybody's."""
        key = tuple_(JOBS.c.provider, JOBS.c.job)
        rows = self.database.rows(select(JOBS).where(key.in_(jobs)))
        return {(row.provider, row.job): row.operation for row in rows}

    def claim(self, wanted: Mapping[Job, str]) -> bool:
        """Make jobs those of operations, all of them or none; false if one is another's. It is theirs for ever."""
        rows = [{"provider": job[0], "job": job[1], "operation": one} for job, one in sorted(wanted.items())]
        with self.database.transaction() as connection:
            connection.execute(insert(JOBS).on_conflict_do_nothing(), rows)
            found = connection.execute(select(JOBS).where(tuple_(JOBS.c.provider, JOBS.c.job).in_(list(wanted))))
            owned = {(row.provider, row.job): row.operation for row in found} == dict(wanted)
            if not owned:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("BEGIN")
        return owned


def by_hash(account: str, among: Sequence[str]) -> str:
    """The shard that an account's hash chooses: of one shard more or less, few accounts have another."""
    return max(among, key=lambda shard: sha256(f"{shard}\0{account}".encode()).digest())


def _next(connection: Connection) -> int:
    """One more than the changes so far: whoever changes a row waits for whoever does, as one number is one change's."""
    connection.exec_driver_sql("LOCK TABLE shard_accounts IN SHARE ROW EXCLUSIVE MODE")
    return int(connection.execute(select(func.coalesce(func.max(HOMES.c.changed), 0))).scalar_one()) + 1
