"""Approvals: what a key may not spend by itself waits for a person, and is held once they agreed, as it was quoted.

    the ledger says ApprovalNeeded ── wait: ApprovalAsked, a quote ──> whoever asked
    give: ApprovalGiven             ── the same request, naming the quote or its own key ──> held, once

A quote is the idempotency key of what is done by it, so that an approval is used once. One that was asked for under a
key of the caller's is known by that, too: the same request under the key goes through without naming it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Protocol

from application.asking.preparing import Prepared, fingerprint_of_asked, key_of
from application.asking.requests import Request
from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.log import Codec
from application.ledger.memory import fold_approval
from application.ledger.reader import LogFilter, LogReader
from application.ports import Index
from domain.actor import Actor, ActorKind
from domain.approvals import Approval, ApprovalFact, UnknownQuote
from domain.approving import ask_approval, give_approval, needed
from domain.counting import left_of
from domain.errors import InvalidInput
from domain.ids import check_id
from domain.ledger import Fact, Ledger
from domain.money import Money
from domain.plans import SPEND
from domain.refusals import Unapproved

SIGNS: Final = 20
"""Hexadecimal signs of a quote's id, after its beginning."""
BEGIN: Final = "quote_"
MOST: Final = 1_000
"""Facts of one quote."""


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """Something that a key asked a person to approve. Instants are epoch microseconds; `price` is the most it costs.

    `standing` is "waiting", "approved", "used" (by `operation`) or "over".
    """

    quote: str
    account: str
    api_key: str
    kind: str
    outputs: int
    model: str
    price: Money
    asked_at: int
    expires: int
    standing: str
    operation: str | None


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    """Some of what people were asked to approve, the newest first; more follow after the cursor `next`, if any do."""

    approvals: tuple[ApprovalView, ...]
    next: str | None


class ApprovalRecords(Protocol):
    """Which quotes there are."""

    def page(
        self, account: str | None, holding: int | None, after: str | None, limit: int
    ) -> tuple[Sequence[tuple[str, str]], str | None]:
        """Accounts and quotes, the newest first, and the cursor of the next page; of all accounts if it is None.

        `holding` leaves out what is over at an instant. Raises InvalidInput for a cursor that there is not.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Approvals:
    """The requests that wait for a person, and their leave. `operator` is for whom this process works."""

    writer: Ledgers
    reader: LogReader
    codec: Codec
    index: Index
    clock: Callable[[], int]
    new_id: Callable[[], str]
    operator: Actor
    records: ApprovalRecords

    async def list(
        self, account: str | None = None, *, over: bool = False, after: str | None = None, limit: int = 100
    ) -> ApprovalPage:
        """Requests that people were asked to approve, the newest first; of all accounts if none is named.

        Those that are over are left out, unless `over`. Raises InvalidInput for a cursor that there is not.
        """
        holding = None if over else self.clock()
        found, more = await asyncio.to_thread(self.records.page, account, holding, after, limit)
        shown = [await self.show(owner, quote) for owner, quote in found]
        return ApprovalPage(tuple(shown), more)

    async def show(self, account: str, quote: str) -> ApprovalView:
        """One that was asked for, and how it stands. Raises UnknownQuote."""
        found = await asyncio.to_thread(self._known, account, quote)
        return await self._view(account, found)

    async def account_of(self, quote: str) -> str:
        """Whose a quote is, for those who run the studio. Raises UnknownQuote."""
        for entry in await asyncio.to_thread(self.reader.read, 0, MOST, LogFilter(operations=(quote,))):
            fact = self.codec.decode(entry.link.topic, entry.link.state)
            if isinstance(fact, ApprovalFact):
                return fact.account
        raise UnknownQuote.of(quote)

    async def give(
        self, account: str, quote: str, *, by: Actor | None = None, in_client: bool = False, reason: str = ""
    ) -> ApprovalView:
        """Approve it: the request that was quoted goes through from now on, once. Again, nothing is recorded.

        The log names `by` for it, or else the operator for whom this process works. `in_client` says that the key's own
        client asked a person. Raises UnknownQuote, Forbidden if the key may not, InvalidInput if it is over.
        """
        check_id("quote", quote)
        actor = by or self.operator
        approver = actor.id if actor.kind is ActorKind.KEY else None

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return give_approval(ledger, account, quote, approver, now, in_client=in_client, reason=reason)

        proposal = Proposal(account, decide, quote=quote, look=_seen(quote), actor=str(actor))
        found: Approval = (await self.writer.put(proposal)).seen
        return await self._view(account, found)

    async def wait(self, prepared: Prepared, wanted: Unapproved) -> Request:
        """Have it wait for a person, and raise ApprovalNeeded with its quote; if it is approved, the request as quoted.

        Raises KeyReused if another request waits under its key.
        """
        request = prepared.request
        quote = _quote_of(request, self.new_id)
        asked = await _digest_of(request)

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return ask_approval(ledger, request.account, wanted, quote, asked, now)

        def look(ledger: Ledger, now: int) -> tuple[Approval | None, dict[str, int | None]]:
            ask, taken = prepared.ask, {prepared.ask.family: wanted.outputs, SPEND: wanted.price}
            left = left_of(ledger, ask.user, ask.project, now, ask.api_key)
            return ledger.evidence.approvals.get(quote), _without(left, taken)

        proposal = Proposal(request.account, decide, quote=quote, look=look, actor=prepared.by)
        approval, left = (await self.writer.put(proposal)).seen
        if approval.given is not None and not approval.is_over(self.clock()):
            return _as_quoted(request, approval)
        raise needed(replace(wanted, left=left), approval)

    async def as_quoted(self, request: Request) -> Request:
        """The request at the model and price of the quote that it names, which becomes its key.

        Raises UnknownQuote, InvalidInput if it is for another request, or asked for by another key.
        """
        assert request.quote is not None, "it names a quote"
        approval = await asyncio.to_thread(self._known, request.account, request.quote)
        if approval.asked.api_key != key_of(request) or approval.asked.asked != await _digest_of(request):
            told = "is for another request"
            raise InvalidInput("quote", told, hint="send what was quoted, unchanged, by the same API key")
        return _as_quoted(request, approval)

    def _known(self, account: str, quote: str) -> Approval:
        entries = self.reader.read(0, MOST, LogFilter(operations=(quote,)))
        found = fold_approval(self.codec, account, [entry.link for entry in entries])
        if found is None:
            raise UnknownQuote.of(quote)
        return found

    async def _view(self, account: str, approval: Approval) -> ApprovalView:
        asked = approval.asked
        used = await asyncio.to_thread(self.index.key, account, asked.quote)
        standing = "waiting" if approval.given is None else "approved"
        if used is not None and not used.refused:
            standing = "used"
        elif approval.is_over(self.clock()):
            standing = "over"
        return ApprovalView(
            quote=asked.quote,
            account=account,
            api_key=asked.api_key,
            kind=asked.kind,
            outputs=asked.outputs,
            model=asked.model,
            price=Money(asked.price, asked.currency),
            asked_at=asked.at,
            expires=asked.expires,
            standing=standing,
            operation=used.reference if used is not None and standing == "used" else None,
        )


def _seen(quote: str) -> Callable[[Ledger, int], Approval | None]:
    return lambda ledger, _now: ledger.evidence.approvals.get(quote)


def _quote_of(request: Request, new_id: Callable[[], str]) -> str:
    """The id under which a request waits: always the same for one that has a key, so that a repeat finds it."""
    told = new_id() if request.key is None else f"{request.account}\n{key_of(request)}\n{request.key}"
    return BEGIN + sha256(told.encode()).hexdigest()[:SIGNS]


def _as_quoted(request: Request, approval: Approval) -> Request:
    asked = approval.asked
    price = Money(asked.price, asked.currency)
    return replace(request, quote=asked.quote, key=asked.quote, model=asked.model, max_price=price, priced_at=asked.at)


async def _digest_of(request: Request) -> str:
    """A digest of all that was asked, but for the key and the quote under which it was, and what the quote says."""
    bare = replace(request, key=None, quote=None, model="auto", max_price=None)
    found = await fingerprint_of_asked(bare)
    assert found is not None, "what is not recordable is refused before"
    return found


def _without(left: dict[str, int | None], taken: dict[str, int]) -> dict[str, int | None]:
    """The rest of each limit once so much more was taken; None is no limit."""
    return {name: None if one is None else max(one - taken.get(name, 0), 0) for name, one in left.items()}
