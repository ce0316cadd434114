"""Messages to webhooks, and who sends them, in three small tables beside the log.

webhook_mark      how far the log was taken in
webhooks          owner, until: the lease of the process that sends;  rest: before it nothing is sent
webhook_messages  waiting ─┬─ delivered
                           └─ dead ─ waiting, once it is replayed
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Final

from sqlalchemy import Connection, delete, func, select, text, tuple_, update

from application.ports.hooks import ClaimedHook, HookCounts, HookLag, HookMessage, HookPlan
from domain.retrying import DEAD, DELIVERED, WAITING, HookAnswer, HookVerdict
from infrastructure.store.database import Database
from infrastructure.store.schema import WEBHOOK_MARK, WEBHOOK_MESSAGES, WEBHOOKS
from infrastructure.store.tables import CHUNK, small_write

COLUMNS: Final = tuple(one.name for one in fields(HookMessage))
MESSAGE: Final = tuple(WEBHOOK_MESSAGES.c[name] for name in COLUMNS)
PUT: Final = f"""INSERT INTO webhook_messages ({", ".join(COLUMNS)}) VALUES ({", ".join(f":{one}" for one in COLUMNS)})
    ON CONFLICT (webhook, id) DO """
AGAIN: Final = "UPDATE SET state = excluded.state, due = excluded.due, tries = 0"

READY: Final = """SELECT one.webhook FROM webhooks AS one
    WHERE one.until < :now AND one.rest <= :now AND (one.failures > 0) = :failing
    AND EXISTS (SELECT 1 FROM webhook_messages AS message
        WHERE message.state = 'waiting' AND message.webhook = one.webhook AND message.due <= :now)
    ORDER BY one.served LIMIT :most"""
CLAIM: Final = """UPDATE webhooks SET owner = :owner, until = :until, served = :now WHERE webhook IN ({ready})
    RETURNING webhook, account, failures, failing_since"""
RENEW: Final = """UPDATE webhooks SET until = :until, rest = :rest,
    failures = CASE WHEN :delivered THEN 0 ELSE failures + 1 END,
    failing_since = CASE WHEN :delivered THEN NULL ELSE coalesce(failing_since, :now) END
    WHERE webhook = :webhook AND owner = :owner"""


class SqlHookTables:
    """Implements HookTables on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._claim = CLAIM.format(ready=READY if database.is_sqlite else f"{READY} FOR UPDATE OF one SKIP LOCKED")

    def mark(self) -> tuple[int, bool]:
        sql = "SELECT (SELECT position FROM webhook_mark), EXISTS (SELECT 1 FROM webhooks)"
        [(position, some)] = self._database.read(sql)
        return int(position or 0), bool(some)

    def take_in(self, plan: HookPlan) -> bool:
        with small_write(self._database) as connection:
            connection.execute(text("INSERT INTO webhook_mark VALUES (1, 0) ON CONFLICT DO NOTHING"))
            here = update(WEBHOOK_MARK).where(WEBHOOK_MARK.c.position == plan.after)
            if not connection.execute(here.values(position=plan.upto)).rowcount:
                return False
            _register(connection, plan.registered)
            for table in (WEBHOOKS, WEBHOOK_MESSAGES) if plan.removed else ():
                connection.execute(delete(table).where(table.c.webhook.in_(sorted(plan.removed))))
            _put(connection, "NOTHING", plan.messages)
        return True

    def webhooks_of(self, accounts: Collection[str]) -> list[str]:
        query = select(WEBHOOKS.c.webhook).where(WEBHOOKS.c.account.in_(sorted(accounts)))
        return [row[0] for row in self._database.rows(query)]

    def claim(self, most: int, owner: str, now: int, until: int, *, failing: bool) -> list[ClaimedHook]:
        asked = {"most": most, "owner": owner, "now": now, "until": until, "failing": failing}
        if not self._database.rows(text(READY), {name: asked[name] for name in ("most", "now", "failing")}):
            return []  # nobody writes to find that there is nothing to do
        with small_write(self._database) as connection:
            return [ClaimedHook(*row) for row in connection.execute(text(self._claim), asked)]

    def due(self, webhook: str, now: int, limit: int) -> list[HookMessage]:
        table = WEBHOOK_MESSAGES.c
        query = select(*MESSAGE).where(table.state == WAITING, table.webhook == webhook, table.due <= now)
        return self._messages(query.order_by(table.due, table.position, table.id).limit(limit))

    def note(
        self, message: HookMessage, answer: HookAnswer, verdict: HookVerdict, owner: str, now: int, until: int
    ) -> bool:
        delivered = verdict.state == DELIVERED
        lease = {"webhook": message.webhook, "owner": owner, "until": until, "now": now}
        came = {"state": verdict.state, "due": verdict.due, "last": now, "status": answer.status, "said": answer.said}
        table = WEBHOOK_MESSAGES.c
        this = update(WEBHOOK_MESSAGES).where(table.webhook == message.webhook, table.id == message.id)
        with small_write(self._database) as connection:
            renewed = {**lease, "rest": verdict.rest, "delivered": delivered}
            mine = connection.execute(text(RENEW), renewed).rowcount == 1
            if mine or delivered:
                connection.execute(this.values(**came, tries=table.tries + 1))
        return mine

    def bury(self, webhook: str, now: int, said: str) -> int:
        table = WEBHOOK_MESSAGES.c
        waiting = update(WEBHOOK_MESSAGES).where(table.state == WAITING, table.webhook == webhook)
        return self._write(waiting.values(state=DEAD, last=func.coalesce(table.last, now), said=said))

    def release(self, webhook: str, owner: str, rest: int) -> None:
        mine = update(WEBHOOKS).where(WEBHOOKS.c.webhook == webhook, WEBHOOKS.c.owner == owner)
        later = func.max(WEBHOOKS.c.rest, rest) if self._database.is_sqlite else func.greatest(WEBHOOKS.c.rest, rest)
        self._write(mine.values(owner="", until=0, rest=later))

    def wake(self, webhook: str) -> None:
        rested = update(WEBHOOKS).where(WEBHOOKS.c.webhook == webhook)
        self._write(rested.values(rest=0, failures=0, failing_since=None))

    def put(self, messages: Sequence[HookMessage]) -> int:
        with small_write(self._database) as connection:
            _put(connection, AGAIN, messages)
        return len(messages)

    def revive(self, webhook: str, ids: Collection[str], now: int) -> int:
        table = WEBHOOK_MESSAGES.c
        chosen = update(WEBHOOK_MESSAGES).where(table.webhook == webhook)
        chosen = chosen.where(table.id.in_(sorted(ids))) if ids else chosen.where(table.state == DEAD)
        return self._write(chosen.values(state=WAITING, due=now, tries=0))

    def find(self, webhook: str, state: str | None, before: tuple[int, str] | None, limit: int) -> list[HookMessage]:
        table = WEBHOOK_MESSAGES.c
        query = select(*MESSAGE).where(table.webhook == webhook)
        if state is not None:
            query = query.where(table.state == state)
        if before is not None:
            query = query.where(tuple_(table.position, table.id) < tuple_(*before))
        return self._messages(query.order_by(table.position.desc(), table.id.desc()).limit(limit))

    def told_of(self, webhooks: Collection[str], positions: Collection[int]) -> list[HookMessage]:
        table = WEBHOOK_MESSAGES.c
        query = select(*MESSAGE).where(table.webhook.in_(sorted(webhooks)), table.position.in_(sorted(positions)))
        return self._messages(query.order_by(table.position, table.webhook, table.id))

    def counts(self, webhooks: Collection[str]) -> Mapping[str, HookCounts]:
        table, chosen = WEBHOOK_MESSAGES.c, WEBHOOKS.c.webhook.in_(sorted(webhooks))
        query = select(table.webhook, table.state, func.count()).where(table.state.in_((WAITING, DEAD)))
        query = query.where(table.webhook.in_(sorted(webhooks))).group_by(table.webhook, table.state)
        counted = {(row[0], row[1]): int(row[2]) for row in self._database.rows(query)}
        rows = self._database.rows(
            select(WEBHOOKS.c.webhook, WEBHOOKS.c.failures, WEBHOOKS.c.failing_since).where(chosen)
        )
        return {
            id: HookCounts(counted.get((id, WAITING), 0), counted.get((id, DEAD), 0), failures, since)
            for id, failures, since in rows
        }

    def lag(self, now: int) -> HookLag:
        table = WEBHOOK_MESSAGES.c
        due = func.min(table.due).filter(table.due <= now)
        [(waiting, oldest)] = self._database.rows(select(func.count(), due).where(table.state == WAITING))
        return HookLag(int(waiting), oldest)

    def forget(self, before: int) -> int:
        table = WEBHOOK_MESSAGES.c
        return self._write(delete(WEBHOOK_MESSAGES).where(table.state != WAITING, table.last < before))

    def _messages(self, query: Any) -> list[HookMessage]:
        return [HookMessage(*row) for row in self._database.rows(query)]

    def _write(self, statement: Any) -> int:
        with small_write(self._database) as connection:
            return int(connection.execute(statement).rowcount)


def _register(connection: Connection, registered: Mapping[str, str]) -> None:
    rows = [
        {"webhook": id, "account": account, "owner": "", "until": 0, "served": 0, "failures": 0, "rest": 0}
        for id, account in registered.items()
    ]
    if rows:
        names = ", ".join(rows[0])
        values = ", ".join(f":{name}" for name in rows[0])
        connection.execute(text(f"INSERT INTO webhooks ({names}) VALUES ({values}) ON CONFLICT DO NOTHING"), rows)


def _put(connection: Connection, conflict: str, messages: Sequence[HookMessage]) -> None:
    for start in range(0, len(messages), CHUNK):
        connection.execute(text(PUT + conflict), [asdict(one) for one in messages[start : start + CHUNK]])
