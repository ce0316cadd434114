"""The bodies of messages: an event's type, its instant, and its operation as it stood with that fact.

Made of the log, so the same message has the same body however often it is sent, but for the operation's tags: those of
now, and none once they are erased. No message has a prompt, nor a provider's words about a failure.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from application.asking.requests import Result
from application.asking.results import Results
from application.ledger.facts import MOST
from application.ledger.log import Codec
from application.ledger.looking import LedgerReader
from application.ledger.reader import LogFilter, LogReader
from application.ports.hooks import HookMessage
from domain.alerts import AlertRaised, ProbeDiffered
from domain.errors import UnknownOperation
from domain.invoices import CostDrifted
from domain.ledger import Fact, known_account
from domain.operation import Charged, ProviderCompleted
from infrastructure.showing.alerts import differed_document, raised_document
from infrastructure.showing.documents import result_document
from infrastructure.showing.formats import iso
from infrastructure.showing.invoices import drift_document
from infrastructure.showing.telling import without_ours


@dataclass(frozen=True, slots=True)
class OperationLetters:
    """Implements Letters."""

    reader: LogReader
    codec: Codec
    results: Results
    ledgers: LedgerReader

    async def __call__(self, message: HookMessage) -> bytes:
        facts = await asyncio.to_thread(self._facts, message)
        if isinstance(facts[-1], AlertRaised):
            told = {"type": message.event, "timestamp": told_at(message.at), "data": raised_document(facts[-1])}
            return msgspec.json.encode(told)
        if isinstance(facts[-1], ProbeDiffered):
            told = {"type": message.event, "timestamp": told_at(message.at), "data": differed_document(facts[-1])}
            return msgspec.json.encode(told)
        if isinstance(facts[-1], CostDrifted):
            told = {"type": message.event, "timestamp": told_at(message.at), "data": await self._drift(facts[-1])}
            return msgspec.json.encode(told)
        tags = await asyncio.to_thread(self.results.contents.tags, message.operation)
        result = Result(message.operation, (await self.results.build(facts, held=False),), {}, tags=tags)
        data = without_ours(result_document(result))
        told = {"type": message.event, "timestamp": told_at(message.at), "data": data}
        return msgspec.json.encode(told)

    async def _drift(self, fact: CostDrifted) -> dict[str, Any]:
        account = await self.ledgers.look(fact.account, lambda ledger, _: known_account(ledger, fact.account))
        return drift_document(fact, account.zone)

    def _facts(self, message: HookMessage) -> Sequence[Fact]:
        """All up to the message's own; what is delivered is charged in the same append, and told so."""
        entries = self.reader.read(0, MOST, LogFilter(operations=(message.operation,)))
        facts = [(one.position, self.codec.decode(one.link.topic, one.link.state)) for one in entries]
        known = [fact for position, fact in facts if position <= message.position]
        if not known:
            raise UnknownOperation.of(message.operation)
        later = [fact for position, fact in facts if position > message.position]
        charged = isinstance(known[-1], ProviderCompleted) and later and isinstance(later[0], Charged)
        return [*known, later[0]] if charged else known


def told_at(instant: int) -> str:
    """An instant as messages tell it."""
    return iso(instant, precision="milliseconds")
