"""Slots and pace of providers in one small table: entering is one statement on PostgreSQL, whoever else enters.

number  -1    until: before this instant nothing is submitted, as the provider asked
         0    until: the instant of the next submission, by the pace
         1 …  until: the end of the slot's lease, held by its owner
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, text

from application.ports.slots import Entrance, Throughput
from infrastructure.store.database import Database
from infrastructure.store.tables import small_write

FREE = """SELECT provider, number FROM slots
    WHERE provider = :provider AND number BETWEEN 1 AND :at_once AND until < :now
    ORDER BY number LIMIT 1"""

HELD_OFF = "coalesce((SELECT until FROM slots WHERE provider = :provider AND number = -1), 0)"

ENTER: Final = f"""WITH free AS (
    {FREE.replace("ORDER BY", f"AND {HELD_OFF} <= :now ORDER BY")} FOR UPDATE SKIP LOCKED),
slot AS (
    UPDATE slots SET owner = :owner, until = :expires FROM free
    WHERE slots.provider = free.provider AND slots.number = free.number RETURNING slots.number),
pace AS (
    UPDATE slots SET until = greatest(until, :now) + :interval
    WHERE provider = :provider AND number = 0 AND :interval > 0 AND {HELD_OFF} <= :now
    AND (:at_once = 0 OR EXISTS (SELECT 1 FROM slot))
    RETURNING until - :interval AS instant)
SELECT (SELECT number FROM slot), (SELECT instant FROM pace), {HELD_OFF}"""

MAKE = """INSERT INTO slots (provider, number, owner, until) VALUES (:provider, :number, '', 0)
    ON CONFLICT (provider, number) DO NOTHING"""
LEAVE = "UPDATE slots SET owner = '', until = 0 WHERE provider = :provider AND number = :slot AND owner = :owner"
RENEW = "UPDATE slots SET until = :expires WHERE owner = :owner AND number > 0"
HOLD_OFF = """INSERT INTO slots (provider, number, owner, until) VALUES (:provider, -1, '', :until)
    ON CONFLICT (provider, number) DO UPDATE SET until = {later}(slots.until, excluded.until)"""


class SqlSlots:
    """Implements Slots on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def prepare(self, provider: str, at_once: int) -> None:
        with small_write(self._database) as connection:
            connection.execute(text(MAKE), [{"provider": provider, "number": number} for number in range(at_once + 1)])

    def enter(self, provider: str, limit: Throughput, owner: str, now: int, expires: int) -> Entrance:
        asked = {"provider": provider, "owner": owner, "now": now, "expires": expires}
        asked |= {"at_once": limit.at_once, "interval": limit.interval}
        with small_write(self._database) as connection:
            entering = _entered if self._database.is_sqlite else _entering
            slot, instant, held_off = entering(connection, asked)
        if held_off > now or (limit.at_once and slot is None):
            return Entrance(None, max(held_off, now))
        return Entrance(slot or 0, max(instant or now, now))

    def leave(self, provider: str, slot: int, owner: str) -> None:
        self._write(LEAVE, provider=provider, slot=slot, owner=owner)

    def renew(self, owner: str, expires: int) -> None:
        self._write(RENEW, owner=owner, expires=expires)

    def hold_off(self, provider: str, until: int) -> None:
        later = "max" if self._database.is_sqlite else "greatest"
        self._write(HOLD_OFF.format(later=later), provider=provider, until=until)

    def _write(self, sql: str, **values: Any) -> None:
        with small_write(self._database) as connection:
            connection.execute(text(sql), values)


def _entering(connection: Connection, asked: dict[str, Any]) -> tuple[int | None, int | None, int]:
    slot, instant, held_off = connection.execute(text(ENTER), asked).one()
    return slot, instant, held_off


def _entered(connection: Connection, asked: dict[str, Any]) -> tuple[int | None, int | None, int]:
    """Under the writer's lock, a statement after the other."""
    held_off = connection.execute(text(f"SELECT {HELD_OFF}"), asked).scalar_one()
    if held_off > asked["now"]:
        return None, None, held_off
    free = connection.execute(text(FREE), asked).one_or_none()
    if free is not None:
        taking = "UPDATE slots SET owner = :owner, until = :expires WHERE provider = :provider AND number = :number"
        connection.execute(text(taking), {**asked, "number": free.number})
    elif asked["at_once"]:
        return None, None, held_off
    instant = None
    if asked["interval"]:
        pacing = """UPDATE slots SET until = max(until, :now) + :interval WHERE provider = :provider AND number = 0
            RETURNING until - :interval"""
        instant = connection.execute(text(pacing), asked).scalar_one()
    return None if free is None else free.number, instant, held_off
