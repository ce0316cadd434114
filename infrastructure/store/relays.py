"""How far the books are told to others, and which process tells them: a row a target, beside the log.

A turn only spares work: it is a lease on the row, taken when there is something to tell, and the broker sees to it that
nothing is told twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from infrastructure.store.database import Database
from infrastructure.store.tables import small_write

READ = "SELECT position, sequence, at, error FROM relays WHERE target = :target"
MAKE = text(
    "INSERT INTO relays (target, position, sequence, at, owner, until, error)"
    " VALUES (:target, 0, 0, 0, '', 0, '') ON CONFLICT DO NOTHING"
)
TAKE = text(
    "UPDATE relays SET owner = :owner, until = :until"
    " WHERE target = :target AND (owner IN ('', :owner) OR until <= :now)"
    " RETURNING position, sequence, at, error"
)
MOVE = text(
    "UPDATE relays SET position = :position, sequence = :sequence, at = :now, until = :until, error = ''"
    " WHERE target = :target AND owner = :owner"
)
STAND = text("UPDATE relays SET error = :error WHERE target = :target AND owner = :owner")
LEAVE = text("UPDATE relays SET owner = '', until = 0 WHERE target = :target AND owner = :owner")
FORGET = text("DELETE FROM relays WHERE target = :target")


@dataclass(frozen=True, slots=True)
class RelayMark:
    """Up to which position a target was told, and its number of messages then, if it counts; `at` which instant.

    `error` says why it does not go on, if it does not.
    """

    position: int = 0
    sequence: int = 0
    at: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class RelayTable:
    """One target's row; blocking. All raise StoreUnavailable."""

    database: Database
    target: str

    def mark(self) -> RelayMark:
        found = self.database.rows(text(READ), {"target": self.target})
        return RelayMark(*found[0]) if found else RelayMark()

    def take(self, owner: str, now: int, until: int) -> RelayMark | None:
        """The turn up to an instant; None if it is another's."""
        with small_write(self.database) as connection:
            connection.execute(MAKE, {"target": self.target})
            asked = {"target": self.target, "owner": owner, "now": now, "until": until}
            found = connection.execute(TAKE, asked).first()
        return None if found is None else RelayMark(*found)

    def move(self, owner: str, mark: RelayMark, until: int) -> bool:
        """All up to there is told; False if the turn is another's by now."""
        moved = {"position": mark.position, "sequence": mark.sequence, "now": mark.at, "until": until}
        with small_write(self.database) as connection:
            return bool(connection.execute(MOVE, {**moved, "target": self.target, "owner": owner}).rowcount)

    def stand(self, owner: str, error: str) -> None:
        """It does not go on for now."""
        with small_write(self.database) as connection:
            connection.execute(STAND, {"target": self.target, "owner": owner, "error": error})

    def leave(self, owner: str) -> None:
        """Let others have the turn."""
        with small_write(self.database) as connection:
            connection.execute(LEAVE, {"target": self.target, "owner": owner})

    def forget(self) -> None:
        """Tell the target everything anew."""
        with small_write(self.database) as connection:
            connection.execute(FORGET, {"target": self.target})
