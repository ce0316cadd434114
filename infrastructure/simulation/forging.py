"""Forgeries: a row of a world's ledger is altered behind its back, and the audit has to find it.

    the end of a world ── a copy of its file ── one row altered, removed, inserted or swapped, by lot ── found

The lots are drawn from the world's seed, and apart from its own, so that a world is the same with and without them.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

Forgery = Callable[[sqlite3.Connection, random.Random], bool]
"""Alters a row; whether there was one."""
Forgeries = Mapping[str, Forgery]
BY_LOT: Final[Forgeries] = {}
VIEWS: Final = ("usage_summary", "usage_quarters", "period_totals", "daily_spend", "operation_log", "posting_totals")
DIGITS: Final = "123456789"


def forge(file: Path, copy: Path, forgery: Forgery, chance: random.Random) -> bool:
    """A copy of a ledger's file in which one row is forged; whether there was one."""
    copy.unlink(missing_ok=True)
    source, target = sqlite3.connect(file), sqlite3.connect(copy, isolation_level=None)
    try:
        source.backup(target)
        names = target.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' ORDER BY name").fetchall()
        made = target.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name").fetchall()
        for (name,) in names:
            target.execute(f"DROP TRIGGER {name}")
        done = forgery(target, chance)
        for (sql,) in made:
            target.execute(sql)
        return done
    finally:
        source.close()
        target.close()


def _drawn(base: sqlite3.Connection, chance: random.Random, sql: str) -> Any:
    """One of the rows, None if there is none."""
    rows = base.execute(sql).fetchall()
    return chance.choice(rows) if rows else None


def _altered(text: str, chance: random.Random) -> str:
    """The text with another digit somewhere; one letter more if it has none."""
    places = [place for place, sign in enumerate(text) if sign.isdigit()]
    if not places:
        return text + "x"
    place = chance.choice(places)
    return text[:place] + chance.choice(DIGITS.replace(text[place], "")) + text[place + 1 :]


def _fact_altered(base: sqlite3.Connection, chance: random.Random) -> bool:
    position, state = _drawn(base, chance, "SELECT position, state FROM log ORDER BY 1")
    base.execute("UPDATE log SET state = ? WHERE position = ?", (_altered(state, chance), position))
    return True


def _actor_altered(base: sqlite3.Connection, chance: random.Random) -> bool:
    (position,) = _drawn(base, chance, "SELECT position FROM log ORDER BY 1")
    base.execute("UPDATE log SET actor = 'operator:nobody' WHERE position = ?", (position,))
    return True


def _fact_removed(base: sqlite3.Connection, chance: random.Random) -> bool:
    (position,) = _drawn(base, chance, "SELECT position FROM log ORDER BY 1")
    base.execute("DELETE FROM log WHERE position = ?", (position,))
    return True


def _fact_inserted(base: sqlite3.Connection, chance: random.Random) -> bool:
    """One that was recorded before, once more at the end of its stream."""
    row = _drawn(base, chance, "SELECT stream, topic, operation, actor, state FROM log ORDER BY position")
    (version,) = base.execute("SELECT max(version) + 1 FROM log WHERE stream = ?", row[:1]).fetchone()
    base.execute(
        "INSERT INTO log (stream, version, topic, operation, actor, state, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row[0], version, *row[1:], chance.randbytes(32)),
    )
    return True


def _facts_swapped(base: sqlite3.Connection, chance: random.Random) -> bool:
    """The states of two facts of one kind."""
    topic, state = _drawn(base, chance, "SELECT topic, state FROM log ORDER BY position")
    others = base.execute("SELECT position, state FROM log WHERE topic = ? AND state <> ? ORDER BY 1", (topic, state))
    found = others.fetchall()
    if not found:
        return False
    position, other = chance.choice(found)
    (first,) = base.execute("SELECT min(position) FROM log WHERE topic = ? AND state = ?", (topic, state)).fetchone()
    base.execute("UPDATE log SET state = ? WHERE position = ?", (state, position))
    base.execute("UPDATE log SET state = ? WHERE position = ?", (other, first))
    return True


def _tail_cut(base: sqlite3.Connection, chance: random.Random) -> bool:
    (end,) = base.execute("SELECT max(position) FROM log").fetchone()
    base.execute("DELETE FROM log WHERE position > ?", (end - chance.randint(1, 5),))
    return True


def _in_view(base: sqlite3.Connection, chance: random.Random) -> bool:
    """An amount, or a whole row."""
    view = chance.choice(VIEWS)
    rows = base.execute(f"SELECT * FROM {view} ORDER BY 1, 2, 3, 4").description
    names = [one[0] for one in rows]
    found = _drawn(base, chance, f"SELECT * FROM {view} ORDER BY 1, 2, 3, 4")
    if found is None:
        return False
    here, told = " AND ".join(f'"{name}" IS ?' for name in names), (*found,)
    if chance.random() < 0.3:
        base.execute(f"DELETE FROM {view} WHERE {here}", told)
        return True
    sums = [
        name
        for name, value in zip(names, found, strict=True)
        if name in ("price", "cost", "amount", "held", "operations")
    ]
    column = chance.choice(sums) if sums else names[-1]
    base.execute(f'UPDATE {view} SET "{column}" = coalesce("{column}", 0) + 1 WHERE {here}', told)
    return True


def _beside(table: str, change: str) -> Forgery:
    """A row of a table beside the log, by a statement about its key."""

    def forged(base: sqlite3.Connection, chance: random.Random) -> bool:
        keys = [row[1] for row in base.execute(f"PRAGMA table_info({table})") if row[5]]
        named = ", ".join(f'"{one}"' for one in keys)
        found = _drawn(base, chance, f"SELECT {named} FROM {table} ORDER BY {named}")
        if found is None:
            return False
        here = " AND ".join(f'"{one}" = ?' for one in keys)
        base.execute(f"{change} WHERE {here}", found)
        return True

    return forged


FORGERIES: Final[Forgeries] = {
    "a fact altered": _fact_altered,
    "an actor altered": _actor_altered,
    "a fact removed": _fact_removed,
    "a fact inserted": _fact_inserted,
    "two facts swapped": _facts_swapped,
    "a tail cut": _tail_cut,
    "a view altered": _in_view,
    "a key given to another": _beside("keys", "UPDATE keys SET reference = 'another'"),
    "a key removed": _beside("keys", "DELETE FROM keys"),
    "a phase altered": _beside("operations", "UPDATE operations SET phase = 'validated'"),
    "a charge altered": _beside("operations", "UPDATE operations SET charged = charged + 1"),
    "an operation removed": _beside("operations", "DELETE FROM operations"),
    "a job given to another": _beside("jobs", "UPDATE jobs SET operation = 'another'"),
    "an account's end altered": _beside("accounts", "UPDATE accounts SET version = version + 1"),
    "a user's pseudonym altered": _beside("erased_users", "UPDATE erased_users SET pseudonym = 'another'"),
    "a period's snapshot altered": _beside("snapshots", "UPDATE snapshots SET state = replace(state, '0', '1')"),
}
