"""Reads what was sold in a span of time: each charged operation with what it was asked with, as far as that is kept.

Charged … of a page ── all facts of their operations ── contents of their batches ──> Sold …
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Protocol

from application.ledger.contents import Body
from application.ledger.log import Codec
from application.ledger.reader import LogFilter, LogReader, StreamReader
from application.ports import Contents
from application.providing.tasks import place_in_batch
from domain.account import AccountOpened, TimeZoneChanged
from domain.advice import Advice
from domain.errors import UnknownAccount
from domain.ledger import Fact, account_stream
from domain.operation import Charged, OperationFact
from domain.repricing import Sold, sold_of

PAGE = 200
MOST_FACTS = 100_000
EVERY = 2**63 - 1


class SoldReader(LogReader, StreamReader, Protocol):
    """The log, and streams of it."""

    def departed(self) -> Collection[str]:
        """The streams that have gone to another ledger, which has the same entries."""


@dataclass(frozen=True, slots=True)
class PastSales:
    """All of it blocks; memory does not depend on how much was sold."""

    reader: SoldReader
    codec: Codec
    contents: Contents

    def between(self, since: int, until: int, account: str | None = None) -> Iterator[Sold]:
        """The operations that were charged in [since, until), in the order of the log; of one account if it is named.

        Raises UnknownAccount, LogCorrupted, StoreUnavailable.
        """
        self._check(account)
        topics, end, after = self.codec.names_of(Charged), self.reader.end(), 0
        bodies = lru_cache(maxsize=PAGE)(self._body)
        wanted, gone = LogFilter(upto=end, account=account, topics=topics), self.reader.departed()
        while entries := self.reader.read(after, PAGE, wanted):
            after = entries[-1].position
            here = (one.link for one in entries if str(one.link.originator_id) not in gone)
            facts = (self.codec.decode(one.topic, one.state) for one in here)
            charged = [one for one in facts if isinstance(one, Charged) and since <= one.at < until]
            for sold in self._sold([one.operation.id for one in charged]):
                yield self._asked_with(sold, bodies(sold.operation.batch))

    def zones(self) -> Callable[[str, int], str]:
        """The time zone of an account at an instant; each account is read once."""

        @cache
        def changes(account: str) -> Sequence[tuple[int, str]]:
            topics = [name for shape in (AccountOpened, TimeZoneChanged) for name in self.codec.names_of(shape)]
            found = self.reader.entries(account_stream(account), 0, EVERY, EVERY, topics)
            facts = (self.codec.decode(one.topic, one.state) for one in found)
            return [(one.at, one.zone) for one in facts if isinstance(one, AccountOpened | TimeZoneChanged)]

        def zone(account: str, at: int) -> str:
            return [one for since, one in changes(account) if since <= at or since == changes(account)[0][0]][-1]

        return zone

    def _check(self, account: str | None) -> None:
        if account is not None and not self.reader.entries(account_stream(account), 0, EVERY, 1, ()):
            raise UnknownAccount(f"no account {account!r}", hint=Advice("account.open", account=account))

    def _sold(self, ids: list[str]) -> Iterator[Sold]:
        if not ids:
            return
        facts: dict[str, list[Fact]] = {id: [] for id in ids}
        for entry in self.reader.read(0, MOST_FACTS, LogFilter(operations=tuple(ids))):
            fact = self.codec.decode(entry.link.topic, entry.link.state)
            if isinstance(fact, OperationFact):
                facts[fact.operation.id].append(fact)
        yield from (sold for several in facts.values() if (sold := sold_of(several)) is not None)

    def _body(self, batch: str) -> Body | None:
        content = self.contents.load(batch)
        return None if content is None else Body.from_json(content.body)

    def _asked_with(self, sold: Sold, body: Body | None) -> Sold:
        operation = sold.operation
        if body is None:
            return sold
        place = place_in_batch(operation.id, operation.batch)
        inputs = (body.each[place] if body.each else body.inputs).get(operation.model)
        return replace(sold, inputs=inputs)
