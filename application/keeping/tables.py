"""The tables beside the log: which are derived from it, which columns it tells, and how they are read and mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from application.ledger.log import Codec, Link
from application.ledger.reader import LogReader

PAGE = 500

Value = str | int | bytes | None
Row = Mapping[str, Value]
Place = tuple[Value, ...]
"""A row's values of its table's key."""


class TableStanding(StrEnum):
    """How a table stands to the log."""

    CHAINED = "is the log: verified link by link"
    MADE = "is compared with the log, and made anew from it"
    COMPARED = "is compared with the log; what is lost of it cannot be made anew"
    APART = "holds nothing that the log tells; of each column is said what it is compared with"


@dataclass(frozen=True, slots=True)
class Table:
    """A table's key, the columns that the log tells, and the reason why nothing hangs on each of the others."""

    standing: TableStanding
    key: tuple[str, ...]
    told: tuple[str, ...]
    free: Mapping[str, str] = field(default_factory=dict)


ENDS = ("revision", "stream", "version", "hash", "terms_version", "terms_hash", "last")

SENT = "what a webhook is told; it is in the log, and is sent again by replaying it from there"
SENDING = "who sends, and when; with another value it is sent sooner, later or once more, under the same id"
PEOPLES = "people's own words: shown to them, and nothing is decided by it"

TABLES: Mapping[str, Table] = {
    "log": Table(
        TableStanding.CHAINED, ("position",), ("stream", "version", "topic", "operation", "actor", "state", "hash")
    ),
    "accounts": Table(TableStanding.MADE, ("id",), ENDS),
    "operations": Table(TableStanding.MADE, ("id",), ("account", "stream", "phase", "charged", "adjusted")),
    "keys": Table(TableStanding.MADE, ("account", "key"), ("reference", "fingerprint")),
    "jobs": Table(TableStanding.MADE, ("provider", "job"), ("operation",)),
    "leases": Table(
        TableStanding.MADE,
        ("operation",),
        ("account", "expires"),
        {
            "owner": "whoever it is, another claims when the lease ends",
            "epoch": "any number; it is compared and raised",
        },
    ),
    "queue": Table(TableStanding.MADE, ("operation",), ("account", "provider", "place")),
    "turns": Table(
        TableStanding.APART, ("account",), (), {"served": "whose turn it is; each is served whatever it says"}
    ),
    "slots": Table(
        TableStanding.APART,
        ("provider", "number"),
        (),
        {
            "owner": "who is at a provider just now; what is sent is decided by the log",
            "until": "how long others wait for a slot or a turn; no longer than a lease, a pace or a provider's word",
        },
    ),
    "contents": Table(TableStanding.COMPARED, ("batch",), ("account", "secret", "body")),
    "snapshots": Table(TableStanding.MADE, ("stream", "version"), ("topic", "state")),
    "asset_keys": Table(
        TableStanding.APART,
        ("account",),
        (),
        {"key": "no fact holds it; the ids of the account's assets are worked out by it, and compared"},
    ),
    "milestones": Table(
        TableStanding.APART,
        ("scope", "position"),
        (),
        {
            "hash": "that of the log's entry there; with another, what is asked of the past is folded anew",
            "shape": "that of the views; with another, what is asked of the past is folded anew",
            "body": "where what is asked of the past begins; nothing is decided by it, and a rebuild drops it",
        },
    ),
    "ledger": Table(
        TableStanding.APART,
        ("one",),
        (),
        {
            "id": "no fact says which ledger this is; the marker beside its files does, at every opening",
            "asset_key": "no fact holds it; with another, files would be other assets from now on, and none be lost",
            "commit_order": "how commits are ordered from now on, and read as they are; no fact hangs on it",
        },
    ),
    "asset_words": Table(
        TableStanding.APART,
        ("row",),
        (),
        {
            "account": PEOPLES,
            "asset": PEOPLES,
            "title": PEOPLES,
            "description": PEOPLES,
            "favourite": PEOPLES,
            "prompt": "words by which an asset is found; the content that they are of is compared",
        },
    ),
    "asset_tags": Table(TableStanding.APART, ("account", "asset", "tag"), ()),
    "asset_collections": Table(
        TableStanding.APART, ("account", "name"), (), {"description": PEOPLES, "made_at": PEOPLES}
    ),
    "collected_assets": Table(TableStanding.APART, ("account", "collection", "asset"), ()),
    "key_names": Table(TableStanding.APART, ("account", "key"), (), {"name": PEOPLES}),
    "webhooks": Table(
        TableStanding.APART,
        ("webhook",),
        (),
        {
            "account": "whose it is; its address and its events are looked up in the log before anything is sent",
            **dict.fromkeys(("owner", "until", "served", "failures", "failing_since", "rest"), SENDING),
        },
    ),
    "webhook_messages": Table(
        TableStanding.APART,
        ("webhook", "id"),
        (),
        {
            **dict.fromkeys(("account", "event", "operation", "position", "at"), SENT),
            **dict.fromkeys(("due", "state", "tries", "last", "status", "said"), SENDING),
        },
    ),
    "webhook_mark": Table(
        TableStanding.APART, ("one",), (), {"position": "how far events were taken from the log; others are replayed"}
    ),
    "alert_mark": Table(
        TableStanding.APART,
        ("one",),
        (),
        {"position": "how far the log was watched for alerts; set back, it is watched again and nothing is told twice"},
    ),
    "alert_accounts": Table(TableStanding.APART, ("account",), ()),
    "relays": Table(
        TableStanding.APART,
        ("target",),
        (),
        {
            **dict.fromkeys(("position", "sequence"), "how far a broker was told; it is asked what it has, too"),
            **dict.fromkeys(("at", "owner", "until", "error"), SENDING),
        },
    ),
    "log_watch": Table(
        TableStanding.APART,
        ("one",),
        (),
        {
            **dict.fromkeys(("owner", "until"), "who verifies, and until when; another goes on after that"),
            **dict.fromkeys(
                ("position", "verified", "problems", "at", "walk"),
                "how far the log was verified, and what was found; an audit verifies all of it again",
            ),
        },
    ),
    "erased_users": Table(TableStanding.MADE, ("account", "digest"), ("pseudonym",)),
    "archive_segments": Table(
        TableStanding.APART,
        ("number",),
        (),
        {
            **dict.fromkeys(
                ("name", "first", "last", "facts", "taken", "size", "digest"),
                "where facts are that left the log; with another value an audit does not find them",
            ),
            "at": "when it was archived; nothing is decided by it",
        },
    ),
    "archived_streams": Table(
        TableStanding.APART,
        ("stream", "segment"),
        (),
        dict.fromkeys(
            ("first_version", "last_version", "low", "high", "hash"),
            "which facts a segment has; it is held against the segment, which holds together by its hashes",
        ),
    ),
    "departed": Table(TableStanding.APART, ("stream",), ()),
    "operation_tags": Table(TableStanding.APART, ("operation", "name"), (), {"account": PEOPLES, "value": PEOPLES}),
    "search_mark": Table(
        TableStanding.APART, ("one",), (), {"position": "how far prompts are indexed; nothing is decided by it"}
    ),
    "words": Table(
        TableStanding.APART, ("operation",), (), {"said": "shown to people; the failure is a fact without it"}
    ),
}
"""The log and all that is written beside it. The views' tables are compared by `projections.engine.replay`."""

MADE = tuple(name for name, table in TABLES.items() if table.standing is TableStanding.MADE)


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A row that is not as the log says; None if one side has none. `why` is given if no value may be shown."""

    table: str
    account: str
    key: Row
    stored: Row | None
    told: Row | None
    why: str = ""

    def __str__(self) -> str:
        place = " ".join(f"{name}={_shown(value)}" for name, value in self.key.items())
        return f"{self.table} {place}: {self.why or self._said()}"

    def _said(self) -> str:
        if self.stored is None:
            return "is missing, the log has it"
        if self.told is None:
            return "is not in the log"
        stored, told = self.stored, self.told
        changed = [name for name in told if told[name] is not None and stored[name] != told[name]]
        return ", ".join(f"{name} is {_shown(stored[name])}, the log says {_shown(told[name])}" for name in changed)


class Desk(Protocol):
    """The tables in one transaction, whose reads all see the same moment, or hold an account's lock."""

    def entries_of(self, operations: Sequence[str]) -> Sequence[Link]:
        """All entries about these operations, in order."""

    def rows(self, table: str, columns: Sequence[str], wanted: Sequence[Place]) -> Sequence[Row]:
        """The rows whose columns hold any of the wanted values."""

    def places(self, table: str, after: Place, limit: int, account: str | None = None) -> Sequence[Place]:
        """The places of rows, by ascending key, above one; of one account if it is named."""

    def put(self, table: str, key: Row, row: Row) -> None:
        """Make the row, or give it these values."""

    def drop(self, table: str, key: Row) -> None:
        """Delete the row."""


class Desks(Protocol):
    """The opener of desks."""

    def moment(self) -> AbstractContextManager[Desk]:
        """One moment of the database, to read."""

    def locked(self, account: str, *, new: bool = False) -> AbstractContextManager[Desk]:
        """The account's lock; what was put or dropped is committed at the end. A `new` row is made, blank."""

    def stream(self, stream: str, after: int, limit: int) -> Sequence[Link]:
        """The entries of a stream above a version."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The means of looking for differences: `now` and `lease` in microseconds, which leases are measured by."""

    desks: Desks
    reader: LogReader
    codec: Codec
    now: int
    lease: int


def columns_of(table: str) -> tuple[str, ...]:
    """All columns of a table, declared as told or free."""
    declared = TABLES[table]
    return (*declared.key, *declared.told, *declared.free)


def places_of(desks: Desks, table: str, account: str | None = None) -> Iterator[Sequence[Place]]:
    """The places of a table's rows, a page at a time."""
    last: Place = ()
    while True:
        with desks.moment() as desk:
            places = desk.places(table, last, PAGE, account)
        if not places:
            return
        yield places
        last = places[-1]


def place_in_table(table: str, row: Row) -> Place:
    return tuple(row[name] for name in TABLES[table].key)


def _shown(value: Value) -> str:
    return repr(value) if isinstance(value, str) else value.hex() if isinstance(value, bytes) else str(value)
