"""The queue and its claims: on PostgreSQL one statement that waits for nobody, on SQLite under the writer's lock.

lines, one an account and provider ── those served longest ago ── the first few of each ──> waiting
wanted ── skip what others claim just now ── out of the queue, under a lease, and the account's turn noted ──> claimed
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Text, TextClause, bindparam, text

from domain.turns import Queued
from infrastructure.store.database import Database
from infrastructure.store.tables import small_write

LINES: Final = 64
"""Lines that are looked into at once: those of the accounts that were served longest ago."""

NEXT_LINE = {
    "sqlite": """SELECT queue.account, queue.provider FROM lines JOIN queue ON queue.rowid = (
        SELECT rowid FROM queue WHERE (account, provider) > (lines.account, lines.provider)
        ORDER BY account, provider LIMIT 1)""",
    "postgresql": """SELECT following.account, following.provider FROM lines CROSS JOIN LATERAL (
        SELECT account, provider FROM queue WHERE (account, provider) > (lines.account, lines.provider)
        ORDER BY account, provider LIMIT 1) AS following""",
}
"""From one line to the next by the index, however long either is."""

FIRST_FEW = {
    "sqlite": """JOIN queue ON queue.rowid IN (
        SELECT rowid FROM queue WHERE (account, provider) = (chosen.account, chosen.provider)
        ORDER BY place, operation LIMIT :most)""",
    "postgresql": """CROSS JOIN LATERAL (
        SELECT operation, account, provider, place FROM queue
        WHERE (account, provider) = (chosen.account, chosen.provider)
        ORDER BY place, operation LIMIT :most) AS queue""",
}

WAITING = """WITH RECURSIVE lines(account, provider) AS (
    SELECT * FROM (SELECT account, provider FROM queue ORDER BY account, provider LIMIT 1) AS first
    UNION ALL {next_line}),
chosen AS (
    SELECT lines.account, provider, coalesce(served, 0) AS served
    FROM lines LEFT JOIN turns ON turns.account = lines.account
    WHERE provider NOT IN :but
    AND NOT EXISTS (SELECT 1 FROM slots WHERE slots.provider = lines.provider AND number = -1 AND until > :now)
    ORDER BY 3, 1, 2 LIMIT :lines)
SELECT queue.operation, queue.account, queue.provider, queue.place, chosen.served FROM chosen {first_few}"""

CLAIMED = "operation, account, provider, place"

CLAIM = """WITH free AS (
    SELECT queue.operation FROM unnest(CAST(:wanted AS text[])) WITH ORDINALITY AS wanted (operation, number)
    JOIN queue ON queue.operation = wanted.operation
    ORDER BY number LIMIT :most FOR UPDATE OF queue SKIP LOCKED),
claimed AS (
    DELETE FROM queue USING free WHERE queue.operation = free.operation
    RETURNING queue.operation, queue.account, queue.provider, queue.place),
leased AS (
    INSERT INTO leases (operation, account, owner, epoch, expires)
    SELECT operation, account, :owner, 1, :expires FROM claimed
    ON CONFLICT (operation) DO UPDATE
    SET owner = excluded.owner, epoch = leases.epoch + 1, expires = excluded.expires),
served AS (
    INSERT INTO turns (account, served) SELECT DISTINCT account, CAST(:now AS bigint) FROM claimed ORDER BY account
    ON CONFLICT (account) DO UPDATE SET served = greatest(turns.served, excluded.served))
SELECT operation, account, provider, place FROM claimed"""

CLAIM_ONE = (
    "DELETE FROM queue WHERE operation = :operation",
    """INSERT INTO leases (operation, account, owner, epoch, expires) VALUES (:operation, :account, :owner, 1, :expires)
    ON CONFLICT (operation) DO UPDATE SET owner = excluded.owner, epoch = epoch + 1, expires = excluded.expires""",
    """INSERT INTO turns (account, served) VALUES (:account, :now)
    ON CONFLICT (account) DO UPDATE SET served = max(served, excluded.served)""",
)

GIVE_BACK = (
    "SELECT 1 FROM accounts WHERE id = :account",  # a decision about the operation waits, or has been made
    """DELETE FROM leases WHERE operation = :operation AND owner = :owner
    AND EXISTS (SELECT 1 FROM operations WHERE id = :operation AND phase = 'validated')""",
    f"""INSERT INTO queue ({CLAIMED}) SELECT id, account, :provider, :place FROM operations
    WHERE id = :operation ON CONFLICT (operation) DO NOTHING""",
)


class SqlQueue:
    """Implements Queue on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        texts = {"next_line": NEXT_LINE[database.dialect], "first_few": FIRST_FEW[database.dialect]}
        self._waiting = text(WAITING.format(**texts)).bindparams(bindparam("but", expanding=True, type_=Text()))

    def waiting(self, most: int, but: Collection[str], now: int) -> list[Queued]:
        asked = {"most": most, "lines": LINES, "but": [*but], "now": now}
        return [Queued(*row) for row in self._database.rows(self._waiting, asked)]

    def claim(self, wanted: Sequence[Queued], most: int, owner: str, now: int, expires: int) -> list[Queued]:
        terms: dict[str, Any] = {"owner": owner, "now": now, "expires": expires}
        served = {one.operation: one.served for one in wanted}
        with small_write(self._database) as connection:
            if self._database.is_sqlite:
                return [one for one in wanted[:most] if _claimed(connection, one, terms)]
            asked = {"wanted": [*served], "most": most, **terms}
            rows = connection.execute(text(CLAIM), asked).all()
            claimed = [Queued(row[0], row[1], row[2], row[3], served[row[0]]) for row in rows]
        return sorted(claimed, key=lambda one: [*served].index(one.operation))

    def give_back(self, claimed: Queued, owner: str) -> None:
        asked = {**claimed._asdict(), "owner": owner}
        lock, unlease, queue = (text(statement) for statement in GIVE_BACK)
        with small_write(self._database) as connection:
            connection.execute(self._locking(lock), asked)
            if connection.execute(unlease, asked).rowcount:
                connection.execute(queue, asked)

    def _locking(self, lock: TextClause) -> TextClause:
        return lock if self._database.is_sqlite else text(f"{lock.text} FOR UPDATE")


def _claimed(connection: Connection, one: Queued, terms: dict[str, Any]) -> bool:
    """Whether it was there to be claimed."""
    asked = {**one._asdict(), **terms}
    gone, lease, turn = (text(statement) for statement in CLAIM_ONE)
    if not connection.execute(gone, asked).rowcount:
        return False
    connection.execute(lease, asked)
    connection.execute(turn, asked)
    return True
