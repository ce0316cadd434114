"""The order of commits on PostgreSQL, which is the order of positions for whoever reads; one of two ways a ledger.

lock   a group takes the ledger's one lock, draws its positions, commits, and only then the next group may
mark   groups share that lock; each publishes a mark before it draws positions, which goes when its commit is seen:

    last drawn ── marked ── positions drawn ── COMMIT, seen ── mark gone        a writer
    newest seen ── marks ── the rest is read, up to the lowest mark              a reader

A mark is a shared lock of the writer's transaction, whose number is the last position drawn so far; it cannot outlive
its writer. Who writes by the lock waits for all who mark, and they for it, so that a process may be mistaken about the
ledger's way. Decision 89 has the proof.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Final, Literal

Way = Literal["lock", "mark"]
WAYS: Final[tuple[Way, ...]] = ("lock", "mark")
MARK: Final[Way] = "mark"
CHOSEN: Final = "(SELECT commit_order FROM ledger)"
"""The ledger's way, in any statement: none is `lock`."""

COMMIT_ORDER: Final = "SELECT pg_advisory_xact_lock(443439058, 'log'::regclass::oid::int)"
"""Takes the advisory lock of this ledger's log: ledgers in schemas of their own do not wait for each other."""

SHARED: Final = COMMIT_ORDER.replace("xact_lock(", "xact_lock_shared(")

NUMBERS: Final = "pg_get_serial_sequence('log', 'position')::regclass"
NEWEST: Final = f"(SELECT coalesce(max(position), 0) AS position, {NUMBERS} AS numbers FROM log) AS newest"
"""The log's last position and its sequence, in PostgreSQL's words."""

MOVED: Final = (
    f"SELECT setval(numbers, position) FROM {NEWEST}"
    " WHERE position > 0 AND position > coalesce(pg_sequence_last_value(numbers), 0)"
)
"""Moves the sequence to the log's end if it stands behind, as after logical replication. Under the lock alone."""

PUBLISHED: Final = f"""WITH drawn AS MATERIALIZED (SELECT coalesce(pg_sequence_last_value({NUMBERS}), 0) AS last)
SELECT pg_advisory_xact_lock_shared('log'::regclass::oid::int, last::bit(32)::int),
    set_config('imagestudio.mark', CASE WHEN last >= newest.position AND {CHOSEN} = '{MARK}' THEN last::text
        ELSE '' END, true) FROM drawn, {NEWEST}"""
"""Publishes a mark: its number has the low 32 bits of the last position drawn, for the rest is told by the log's end.

It counts only if the sequence is not behind the log, and the ledger is still to be marked, which cannot change by now.
"""

DRAWN: Final = f"nextval((SELECT {NUMBERS}))"
PLACE: Final = """CASE WHEN drawn > nullif((SELECT current_setting('imagestudio.mark')), '')::bigint THEN drawn
    ELSE (SELECT max(position) FROM log) END"""
"""A position above the writer's mark; without one a position that is taken, so that the group is decided again."""

SAFE: Final = f"""SELECT set_config('imagestudio.newest', coalesce(max(position), 0)::text, true) FROM log;
WITH newest AS MATERIALIZED (SELECT current_setting('imagestudio.newest')::bigint AS position),
    marks AS MATERIALIZED (SELECT (newest.position - objid::bigint) & 4294967295 AS below FROM newest, pg_locks
        WHERE locktype = 'advisory' AND classid = 'log'::regclass::oid AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
    folded AS (SELECT coalesce(max(position), 0) AS position FROM view_checkpoints)
SELECT set_config('imagestudio.safe', CASE WHEN pg_is_in_recovery() THEN folded.position ELSE
    greatest(folded.position, newest.position - (SELECT coalesce(max(below), 0) FROM marks WHERE below < 2147483648))
    END::text, true) FROM newest, folded;
SELECT coalesce(max(position), 0), current_setting('imagestudio.newest')::bigint, {CHOSEN} FROM log
    WHERE position <= least(current_setting('imagestudio.safe')::bigint,
        current_setting('imagestudio.newest')::bigint)"""
"""The last position up to which nothing is still to come, the newest one, and the ledger's way.

Three statements in this order, each of a moment of its own. An end that a view is folded to was safe before; a standby
knows of no marks, and of nothing else.
"""

WRITTEN: Final = f"SELECT coalesce(max(position), 0), {CHOSEN} FROM log"


@dataclass(frozen=True, slots=True)
class LogWay:
    """How a group writes to the log: what it does right before, and which number its rows get."""

    order: str
    marked: bool = False


BY_LOCK: Final = LogWay(COMMIT_ORDER)
IN_DOUBT: Final = LogWay(f"{COMMIT_ORDER};\n{MOVED}")
BY_MARK: Final = LogWay(f"{SHARED};\n{PUBLISHED}", marked=True)


class CommitOrder:
    """The memory of one process of the order of its database's commits; for all of its threads."""

    def __init__(self) -> None:
        self.marked = False
        """Whether the ledger was to be marked when somebody last looked."""
        self._doubtful = False
        self._safe = 0
        self._lock = threading.Lock()

    def way(self, *, marked: bool) -> LogWay:
        """How the next group writes, in a ledger that is to be marked or not."""
        if not marked:
            return BY_LOCK
        return IN_DOUBT if self._doubtful else BY_MARK

    def ended(self, way: LogWay, *, well: bool) -> None:
        """A group was written so, or was not: what is wrong with the marks is put right under the lock."""
        if way is not BY_LOCK:
            self._doubtful = not well

    def safe_end(self, safe: int, newest: int) -> int:
        """The end that was found, or a later one that was found before: what was safe once is safe for ever.

        Marks are published a moment after the position that they name was read, so that an end may be found to be
        earlier than one before it. If the log itself ends before that, facts were lost.
        """
        with self._lock:
            self._safe = safe if newest < self._safe else max(self._safe, safe)
            return self._safe
