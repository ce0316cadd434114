"""Rules of waiting: one at a time has an account, nobody waits for ever, and two that claim get different work."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import text

from application.ledger.transaction import Conflict, TooSlow
from domain.errors import StoreUnavailable
from infrastructure.store.database import Database
from infrastructure.storecheck.trial import PATIENCE, NotKept, TrialPlace, add_entries, locked

SHORT = 0.5
"""Seconds for which somebody waits in vain."""

CLAIM = "SELECT operation FROM queue ORDER BY operation LIMIT 1 FOR UPDATE SKIP LOCKED"


def lock_one(at: TrialPlace) -> None:
    """The second who asks for it waits until their limit, and is told that they lost."""
    with at.open() as holding, at.open(lock_seconds=SHORT, statement_seconds=PATIENCE) as waiting:
        add_entries(at.store(holding), "locked")
        with at.store(holding).begin() as transaction:
            locked(transaction, "locked")
            try:
                with at.store(waiting).begin() as other:
                    locked(other, "locked")
            except (Conflict, StoreUnavailable) as error:
                if at.is_server and not isinstance(error, Conflict):
                    raise NotKept(f"the wait for a lock has no limit of its own: {error}") from error
            else:
                raise NotKept("two transactions had the lock of one account")


def end_a_deadlock(at: TrialPlace) -> None:
    """Two that hold one account each, and want the other's: one goes on."""
    with at.open() as one, at.open() as other, ThreadPoolExecutor(2) as pool:
        add_entries(at.store(one), "left", "right")
        both = Barrier(2, timeout=PATIENCE)

        def cross(database: Database, first: str, second: str) -> None:
            with at.store(database).begin() as transaction:
                transaction.lock([first], [])
                both.wait()
                transaction.lock([second], [])

        crossing: list[Future[None]] = [
            pool.submit(cross, one, "left", "right"),
            pool.submit(cross, other, "right", "left"),
        ]
        ends = [future.exception() for future in crossing]
    lost = [end for end in ends if isinstance(end, Conflict)]
    if len(lost) != 1 or ends.count(None) != 1:
        raise NotKept(f"of two that wait for each other: {', '.join(repr(end) for end in ends)}")


def claim_apart(at: TrialPlace) -> None:
    with at.open() as database, at.open() as other:
        with database.transaction() as connection:
            for operation in ("op-1", "op-2"):
                insert = "INSERT INTO queue (operation, account, provider, place) VALUES (:id, 'a', 'p', 0)"
                connection.execute(text(insert), {"id": operation})
        with database.transaction() as mine, other.transaction() as theirs:
            claimed = [one.execute(text(CLAIM)).scalar() for one in (mine, theirs)]
    if claimed != ["op-1", "op-2"]:
        raise NotKept(f"two claimed {claimed[0]} and {claimed[1]}")


def stop_in_time(at: TrialPlace) -> None:
    with at.open(statement_seconds=SHORT) as database:
        try:
            with database.session("BEGIN") as session:
                session.rows(f"SELECT pg_sleep({PATIENCE})")
        except TooSlow:
            return
        except StoreUnavailable as error:
            raise NotKept(f"the server did not stop it: {error}") from error
    raise NotKept("nobody stopped it")
