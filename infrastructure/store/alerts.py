"""How far the log was watched for alerts, and whose it was: two small tables beside the log.

alert_mark      the position up to which every threshold that was reached is told
alert_accounts  accounts that have, or had, alerts
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import text

from application.ports.alerts import WatchMark
from infrastructure.store.database import Database
from infrastructure.store.tables import small_write

MOVE = text("UPDATE alert_mark SET position = :upto WHERE position = :after")
ADD = text("INSERT INTO alert_accounts (account) VALUES (:account) ON CONFLICT DO NOTHING")


class SqlAlertTables:
    """Implements AlertTables on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self) -> WatchMark:
        found = self._database.read("SELECT position FROM alert_mark")
        accounts = self._database.read("SELECT account FROM alert_accounts")
        return WatchMark(int(found[0][0]) if found else 0, frozenset(row[0] for row in accounts))

    def move(self, after: int, upto: int, accounts: Collection[str]) -> bool:
        with small_write(self._database) as connection:
            connection.execute(text("INSERT INTO alert_mark VALUES (1, 0) ON CONFLICT DO NOTHING"))
            if not connection.execute(MOVE, {"after": after, "upto": upto}).rowcount:
                return False
            for account in sorted(accounts):
                connection.execute(ADD, {"account": account})
        return True
