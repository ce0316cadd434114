"""The table of erased users, held against the facts that say who they are.

rows ── UserErased, ErasureDone ── the same rows again ─┬─ lost, or of another pseudonym
                                                        └─ of nobody whom a fact erased

A row is written after its fact. So it is no difference that it is missing while that erasure may still go on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from application.keeping.tables import PAGE, TABLES, Desk, Discrepancy, Ground, Place, Row, place_in_table, places_of
from application.ledger.reader import LogFilter
from domain.erased import ErasureDone, UserErased
from domain.erasure import ACCOUNT, USER
from domain.pseudonyms import user_digest

TABLE = "erased_users"


@dataclass(frozen=True, slots=True)
class ErasedRows:
    """Pseudonyms by the place of their row; `awaited` are the places whose row may not be written yet, and `others`
    those of rows that no fact speaks of."""

    told: Mapping[Place, str]
    awaited: Collection[Place]
    others: Collection[Place]


def erased_rows(ground: Ground, account: str | None = None) -> ErasedRows:
    """The rows that there must be, of all accounts or one; raises LogCorrupted, StoreUnavailable."""
    found = [place for places in places_of(ground.desks, TABLE, account) for place in places]
    told: dict[Place, str] = {}
    begun: dict[Place, int] = {}
    for fact in _facts(ground, account):
        if isinstance(fact, UserErased):
            place = _place(fact.account, fact.user)
            told[place], begun[place] = fact.pseudonym, fact.at
        elif fact.scope == USER:
            begun.pop(_place(fact.account, fact.subject), None)
        elif fact.scope == ACCOUNT:
            begun = {place: at for place, at in begun.items() if place[0] != fact.account}
    awaited = {place for place, at in begun.items() if at > ground.now - ground.lease}
    return ErasedRows(told, awaited, [place for place in found if place not in told])


def erased_otherwise(desk: Desk, asked: ErasedRows) -> Iterator[Discrepancy]:
    """Rows that are missing, that have another pseudonym, or of which there is no fact."""
    key = TABLES[TABLE].key
    stored = {place_in_table(TABLE, row): row for row in desk.rows(TABLE, key, [*asked.told, *asked.others])}
    for place in (*asked.told, *asked.others):
        row, name = stored.get(place), asked.told.get(place)
        wanted: Row | None = None if name is None else {"pseudonym": name}
        if row is None and (wanted is None or place in asked.awaited):
            continue
        if row is None or wanted is None or row["pseudonym"] != name:
            yield Discrepancy(TABLE, str(place[0]), dict(zip(key, place, strict=True)), row, wanted)


def _facts(ground: Ground, account: str | None) -> Iterator[UserErased | ErasureDone]:
    topics = tuple(name for one in (UserErased, ErasureDone) for name in ground.codec.names_of(one))
    which, last = LogFilter(upto=ground.reader.end(), account=account, topics=topics), 0
    while page := ground.reader.read(last, PAGE, which):
        for entry in page:
            fact = ground.codec.decode(entry.link.topic, entry.link.state)
            if isinstance(fact, UserErased | ErasureDone):
                yield fact
        last = page[-1].position


def _place(account: str, user: str) -> Place:
    return account, user_digest(account, user)
