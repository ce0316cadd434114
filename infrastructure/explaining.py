"""Explanations of operations and refusals: the facts, the limits just before them, and the request's content."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.asking.refusals import ADVICE
from application.keeping.revocations import revocations_of
from application.keeping.stories import Event, entries, event_of
from application.ledger.contents import Body
from application.ledger.log import Codec
from application.ledger.moments import Moment
from application.ledger.reader import LogFilter
from application.scope import owned
from domain.advice import Hint
from domain.errors import InvalidInput
from domain.operation import OperationFact, Rejected
from infrastructure.showing.reasons import Reasons
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from infrastructure.store.tables import SqlContents, SqlIndex

if TYPE_CHECKING:
    from application.keeping.accountviews import LimitsView
    from application.ports import Indexed
    from infrastructure.past import Past

NEWEST = 10
"""Refusals that are explained if no key is named."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an operation came out as it did, in sentences; the limits are those of the moment before it was asked.

    `costs` are sentences about what the provider bills, which is the operator's to know; `advice` is what to do about a
    refusal, if anything.
    """

    operation: str
    account: str
    refused: bool
    moment: Moment
    sentences: tuple[str, ...]
    costs: tuple[str, ...]
    limits: LimitsView
    advice: Hint = ""


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains from the log. Raises UnknownOperation."""

    past: Past
    codec: Codec

    async def of(self, id: str, account: str | None) -> list[Explanation]:
        """Of an operation, or of each of a batch; of an account if one is named."""
        known = owned(await to_thread(self._index.operations, id), id, account)
        return [await self._one(one) for one in known]

    async def refusals(self, account: str, key: str | None, limit: int = NEWEST) -> list[Explanation]:
        """The refusals under an idempotency key, or else the account's newest, as far as the view of operations is.

        Raises InvalidInput.
        """
        if key is None:
            return [one for id in await to_thread(self._refused, account, limit) for one in await self.of(id, account)]
        spent = await to_thread(self._index.key, account, key)
        if spent is None:
            raise InvalidInput(
                "key", f"{key!r} was never used by account {account!r}", hint="leave it out for the newest"
            )
        found = [one for one in await self.of(spent.reference, account) if one.refused]
        if not found:
            raise InvalidInput("key", f"the request under {key!r} was not refused", hint=f"it became {spent.reference}")
        return found

    async def _one(self, one: Indexed) -> Explanation:
        reader = SqlReader(self._database)
        told = [event_of(self.codec, entry) async for entry in entries(reader, LogFilter(operations=(one.operation,)))]
        events = [event for event in told if isinstance(event.fact, OperationFact)]
        asked = events[0].fact
        assert isinstance(asked, OperationFact), "they were chosen"
        moment = Moment(events[0].position - 1, asked.at)
        view, limits = await self.past.standing(one.account, moment)
        content = await to_thread(self._content, asked.operation.batch)
        place = await to_thread(self._place, asked.operation.batch, one.operation)
        revoked = await to_thread(revocations_of, self.past.reader, self.codec, one.account)
        reasons = Reasons(events, limits, view.balance, content, place, revoked)
        why = _refusal(events)
        advice = ADVICE.get(why.reason, "") if why is not None else ""
        sentences, costs = tuple(reasons.sentences()), tuple(reasons.costs())
        return Explanation(one.operation, one.account, why is not None, moment, sentences, costs, limits, advice)

    def _refused(self, account: str, limit: int) -> list[str]:
        from projections.engine.asking import find_rows
        from projections.views.operations import OPERATIONS, OperationFilter

        wanted = OperationFilter(account=account, state="rejected")
        return [row.id for row in find_rows(self._database, OPERATIONS, wanted, limit=limit).rows]

    def _content(self, batch: str) -> Body | None:
        found = SqlContents(self._database).load(batch)
        return None if found is None else Body.from_json(found.body)

    def _place(self, batch: str, operation: str) -> int:
        known = [one.operation for one in self._index.operations(batch)]
        return known.index(operation) if operation in known else 0

    @property
    def _index(self) -> SqlIndex:
        return SqlIndex(self._database)

    @property
    def _database(self) -> Database:
        return self.past.reader.database


def _refusal(events: Sequence[Event]) -> Rejected | None:
    return next((event.fact for event in events if isinstance(event.fact, Rejected)), None)
