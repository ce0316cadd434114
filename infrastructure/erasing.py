"""Rows about people beside the log: found by the views, deleted by their keys, and looked for again.

contents, words, operation_tags ── by batch and operation
keys ── the fingerprint alone       webhook_messages ── the answer alone
asset_words, asset_tags, collections, key_names ── of a whole account
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, func, insert, or_, select, text, update

from application.keeping.erasing import AskedBatch, AssetUse, BatchRows
from application.ledger.reader import LogFilter
from domain.account import user_scope
from domain.actor import Actor, ActorKind
from domain.operation import CLOSED_PHASES
from domain.tags import BLANK
from infrastructure.store.archive import SegmentQuery
from infrastructure.store.database import Database
from infrastructure.store.milestones import delete_milestones
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import (
    ASSET_COLLECTIONS,
    ASSET_TAGS,
    ASSET_WORDS,
    COLLECTED_ASSETS,
    CONTENTS,
    KEY_NAMES,
    KEYS,
    LOG,
    OPERATION_TAGS,
    SNAPSHOTS,
    WEBHOOK_MESSAGES,
    WEBHOOKS,
    WORDS,
)
from infrastructure.store.scrubbing import scrub
from infrastructure.store.tables import CHUNK, of_batch, small_write
from projections.engine.database import patiently
from projections.engine.milestones import EVERYBODY
from projections.engine.renaming import hide_in_views, rows_of_users
from projections.engine.tables import live
from projections.views import ALL
from projections.views.assets import ASSETS, ERASED
from projections.views.links import LINKS, OUTPUT
from projections.views.operations import OPERATIONS

PAGE: Final = 100
REFUSED: Final = "rejected"
OF_ACCOUNTS: Final = (KEY_NAMES, ASSET_WORDS, ASSET_TAGS, ASSET_COLLECTIONS, COLLECTED_ASSETS)
UNINDEX: Final = "DELETE FROM asset_search WHERE {row} IN (SELECT row FROM asset_words WHERE account = :account)"


class PersonalRows:
    """Implements Personal."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def users(self, account: str) -> list[str]:
        found = {
            row[0]
            for table in (live(OPERATIONS), live(ASSETS))
            for row in self._database.rows(select(table.c.user).where(table.c.account == account).distinct())
        }
        return sorted(found - {None, account})

    def knows(self, account: str, user: str) -> bool:
        with self._database.connect() as connection:
            if rows_of_users(connection, ALL, account, [user]):
                return True
        return self._told_of(account, user)

    def _told_of(self, account: str, user: str) -> bool:
        """Whether the log says anything by a user, or of what was once set for them; it is read for an unknown id."""
        reader, actor = SqlReader(self._database), str(Actor(ActorKind.USER, user))
        streams = reader.streams_of(account)
        here = select(LOG.c.position).where(LOG.c.stream.in_(streams), LOG.c.actor == actor).limit(1)
        if self._database.rows(here):
            return True
        if any(row.actor == actor for row in self._database.archive.rows(SegmentQuery(streams=tuple(streams)))):
            return True
        scope, last = json.dumps(user_scope(user), ensure_ascii=False).encode(), 0
        while page := reader.read(last, PAGE, LogFilter(account=account, terms=True)):
            if any(scope in entry.link.state for entry in page):
                return True
            last = page[-1].position
        return False

    def hide(self, account: str, users: Mapping[str, str]) -> Counter[str]:
        streams = SqlReader(self._database).streams_of(account)
        with patiently(self._database) as connection:
            rows = hide_in_views(connection, ALL, account, users)
            connection.execute(delete(SNAPSHOTS).where(SNAPSHOTS.c.stream.in_(streams)))
            delete_milestones(connection, (account, EVERYBODY))
        self._database.erased.forget()
        scrub(self._database)
        return Counter(rows=rows)

    def batches(self, account: str, names: Sequence[str]) -> list[AskedBatch]:
        log = live(OPERATIONS).c
        query = select(log.batch, func.count().filter(log.state.not_in(sorted(CLOSED_PHASES))))
        query = query.where(log.account == account, log.state != REFUSED)
        query = query if not names else query.where(log.user.in_(names))
        rows = self._database.rows(query.group_by(log.batch).order_by(log.batch))
        return [AskedBatch(batch, bool(open)) for batch, open in rows]

    def uses(self, account: str, asset: str) -> Iterator[AssetUse]:
        links, done = live(LINKS).c, 0
        query = select(links.batch, links.operation, links.role).where(links.account == account, links.asset == asset)
        query = query.order_by(links.role, links.batch.desc(), links.operation)
        while rows := self._database.rows(query.offset(done).limit(PAGE)):
            yield from (AssetUse(batch, operation, role == OUTPUT) for batch, operation, role in rows)
            done += len(rows)

    def brought(self, account: str, names: Sequence[str]) -> list[str]:
        assets = live(ASSETS).c
        query = select(assets.id).where(assets.account == account, assets.standing != ERASED)
        query = query if not names else query.where(assets.user.in_(names))
        return [row[0] for row in self._database.rows(query.order_by(assets.id))]

    def erase(self, gone: BatchRows) -> Counter[str]:
        with small_write(self._database) as connection:
            return Counter(
                tags=_erase_tags(connection, gone.account, gone.operations),
                contents=_count(connection, delete(CONTENTS).where(CONTENTS.c.batch.in_(gone.batches))),
                words=_count(connection, delete(WORDS).where(WORDS.c.operation.in_(gone.operations))),
                fingerprints=self._blank_keys(connection, gone),
                answers=self._blank_answers(connection, gone),
            )

    def erase_names(self, account: str, keys: Sequence[str]) -> Counter[str]:
        if not keys:
            return Counter()
        theirs = delete(KEY_NAMES).where(KEY_NAMES.c.account == account, KEY_NAMES.c.key.in_(keys))
        with small_write(self._database) as connection:
            erased = Counter(key_names=_count(connection, theirs))
        scrub(self._database)
        return erased

    def erase_account(self, account: str) -> Counter[str]:
        erased: Counter[str] = Counter()
        with small_write(self._database) as connection:
            row = "rowid" if self._database.is_sqlite else "row"
            connection.execute(text(UNINDEX.format(row=row)), {"account": account})
            for table in OF_ACCOUNTS:
                erased[table.name] = _count(connection, delete(table).where(table.c.account == account))
            mine = (OPERATION_TAGS.c.account == account) & _tagged()
            tagged = connection.execute(select(OPERATION_TAGS.c.operation).where(mine).distinct()).scalars().all()
            erased["tags"] = _erase_tags(connection, account, tagged)
            answers = update(WEBHOOK_MESSAGES).where(_answered(), WEBHOOK_MESSAGES.c.account == account)
            erased["answers"] = _count(connection, answers.values(said=""))
        scrub(self._database, index=True)
        return erased

    def left(self, account: str, batches: Collection[str], users: Collection[str], *, whole: bool) -> Counter[str]:
        left: Counter[str] = Counter()
        with self._database.connect() as connection:
            left["rows"] += rows_of_users(connection, ALL, account, users)
        wanted = sorted(batches)
        for start in range(0, len(wanted), PAGE):
            some = wanted[start : start + PAGE]
            left["contents"] += self._found(CONTENTS, CONTENTS.c.batch.in_(some))
            mine = or_(*(of_batch(OPERATION_TAGS.c.operation, batch) for batch in some))
            left["tags"] += self._found(OPERATION_TAGS, mine & _tagged())
            left["words"] += self._found(WORDS, or_(*(of_batch(WORDS.c.operation, batch) for batch in some)))
        if whole:
            for table in (*OF_ACCOUNTS, CONTENTS):
                left[table.name] += self._found(table, table.c.account == account)
            left["tags"] += self._found(OPERATION_TAGS, (OPERATION_TAGS.c.account == account) & _tagged())
        return +left

    def _blank_keys(self, connection: Connection, gone: BatchRows) -> int:
        here = (KEYS.c.account == gone.account) & KEYS.c.key.in_(gone.keys) & (KEYS.c.fingerprint != "")
        return _count(connection, update(KEYS).where(here).values(fingerprint="")) if gone.keys else 0

    def _blank_answers(self, connection: Connection, gone: BatchRows) -> int:
        """A receiver may have answered with what it was told; it is found by webhook and position."""
        hooks = connection.execute(select(WEBHOOKS.c.webhook).where(WEBHOOKS.c.account == gone.account)).scalars().all()
        if not hooks:
            return 0
        blanked = 0
        for start in range(0, len(gone.operations), CHUNK):
            some = gone.operations[start : start + CHUNK]
            found = connection.execute(select(LOG.c.position).where(LOG.c.operation.in_(some))).scalars().all()
            archived = self._database.archive.rows(SegmentQuery(operations=tuple(some)))
            places = {*found, *(row.position for row in archived)}
            here = WEBHOOK_MESSAGES.c.webhook.in_(hooks) & WEBHOOK_MESSAGES.c.position.in_(places) & _answered()
            blanked += _count(connection, update(WEBHOOK_MESSAGES).where(here).values(said=""))
        return blanked

    def _found(self, table: Table, where: Any) -> int:
        [(found,)] = self._database.rows(select(func.count()).select_from(table).where(where))
        return int(found)


def _erase_tags(connection: Connection, account: str, operations: Sequence[str]) -> int:
    """Of each operation that had tags one row is left, which says that, and none of them."""
    erased = 0
    for start in range(0, len(operations), CHUNK):
        here = OPERATION_TAGS.c.operation.in_(operations[start : start + CHUNK]) & _tagged()
        tagged = connection.execute(select(OPERATION_TAGS.c.operation).where(here).distinct()).scalars().all()
        erased += _count(connection, delete(OPERATION_TAGS).where(here))
        blank = [{"operation": id, "account": account, "name": BLANK, "value": ""} for id in tagged]
        if blank:
            connection.execute(insert(OPERATION_TAGS), blank)
    return erased


def _tagged() -> Any:
    return OPERATION_TAGS.c.name != BLANK


def _answered() -> Any:
    return WEBHOOK_MESSAGES.c.said != ""


def _count(connection: Connection, statement: Any) -> int:
    return int(connection.execute(statement).rowcount)
