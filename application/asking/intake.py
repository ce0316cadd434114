"""The door to the ledger: a prepared request is put to it in one append, and either holds everything or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from application.asking.approvals import Approvals
from application.asking.buying import Till, listed_price
from application.asking.choosing import Choice, Chosen
from application.asking.preparing import Prepared, Preparer, fingerprint_before_fetching, fingerprint_of_asked
from application.asking.refusals import note_of, refused
from application.asking.requests import Begun, Candidate, Estimate, GrantShare, Request
from application.asking.results import Results
from application.ledger.group import Proposal, Receipt
from application.ledger.ledgers import Ledgers
from application.ledger.looking import For, LedgerReader, left_to
from application.ledger.transaction import KeyRow
from application.performing.ownership import Ownership
from application.performing.recording import Alternative
from application.ports import Task
from application.providing.tasks import task_of
from domain.admission import Ask, Leeway, accept, answer_now, needs_approval
from domain.approvals import ApprovalNeeded
from domain.catalogue import Model
from domain.charging import CostSource, expected
from domain.counting import left_of
from domain.errors import ImageStudioError
from domain.evidence import Spent
from domain.ledger import Fact, Ledger, check_fingerprint
from domain.money import Money
from domain.operation import Operation, OperationFact, Rejected, Validated
from domain.plans import SPEND
from domain.pricing import Quote, Unpriced
from domain.value import maker, value
from domain.wallet import Draws


@value
class Admitted:
    """One operation that may be sent now, with the facts so far, the task for its provider, and whom to ask next."""

    operation: Operation
    facts: tuple[Fact, ...]
    task: Task
    others: tuple[Alternative, ...]
    held: Quote


@value
class Accepted:
    """The ledger's answer: operations to perform."""

    batch: str
    admitted: tuple[Admitted, ...]
    tags: Mapping[str, str]


_make_admitted = maker(Admitted)
_make_accepted = maker(Accepted)
_make_proposal = maker(Proposal)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A request whose key was spent on the same before: that batch of the account is the answer."""

    account: str
    batch: str


@dataclass(frozen=True, slots=True)
class Intake:
    """Puts requests to the ledger."""

    preparer: Preparer
    writer: Ledgers
    ledgers: LedgerReader
    ownership: Ownership
    results: Results
    approvals: Approvals

    async def prepare(self, request: Request, *, queued: bool = False) -> Prepared | Repeat:
        """Check, quote and keep files; nothing is recorded, so a caller that stops here leaves nothing behind.

        Unless it is to be `queued`, this process may send it as soon as it is held.

        A repeat that names files by their addresses is answered before they are fetched, because they may be gone. The
        model, its provider or the consent may be gone too: a spent key answers all the same.
        """
        if request.quote is not None:
            request = await self.approvals.as_quoted(request)
        return await self._prepared(request, queued=queued)

    async def _prepared(self, request: Request, *, queued: bool) -> Prepared | Repeat:
        if request.key is not None and request.media:
            known = await self._spent(request, request.key, await fingerprint_before_fetching(request))
            if known is not None and not known.refused:
                return Repeat(request.account, known.reference)
        sender = None if queued else self.ownership.owner
        try:
            return await self.preparer.prepare(request, self.ownership.clock(), sender=sender)
        except ImageStudioError:
            if request.key is None:
                raise
            known = await self._spent(request, request.key, await fingerprint_of_asked(request))
            if known is None or known.refused:
                raise
            return Repeat(request.account, known.reference)

    async def accept(self, prepared: Prepared) -> Accepted | Repeat:
        """Hold, or raise OperationRefused with the recorded refusal; nothing is sent yet.

        Raises ApprovalNeeded with a quote, and holds nothing, if a person has to agree first.
        """
        try:
            return await self._accept(prepared)
        except ApprovalNeeded as error:
            again = await self._approved(prepared, error)
        return again if isinstance(again, Repeat) else await self._accept(again)

    async def enqueue(self, prepared: Prepared) -> Begun | Repeat:
        """Hold, for whichever process performs it, or raise as `accept`."""
        try:
            return await self._enqueue(prepared)
        except ApprovalNeeded as error:
            again = await self._approved(prepared, error)
        return again if isinstance(again, Repeat) else await self._enqueue(again)

    async def _approved(self, prepared: Prepared, error: ApprovalNeeded) -> Prepared | Repeat:
        """The same as a person approved it under its key meanwhile. Raises ApprovalNeeded with a quote."""
        if prepared.request.quote is not None:
            raise error
        request = await self.approvals.wait(prepared, error.waiting)
        return await self._prepared(request, queued=prepared.ask.sender is None)

    async def _accept(self, prepared: Prepared) -> Accepted | Repeat:
        self.ownership.take(prepared.ask.operations)
        try:
            return await self._answered(prepared, await self.writer.put(_accepting(prepared)))
        except ImageStudioError:
            self.ownership.drop(*prepared.ask.operations)
            raise

    async def _enqueue(self, prepared: Prepared) -> Begun | Repeat:
        receipt, ask = await self.writer.put(_accepting(prepared)), prepared.ask
        if ask.operations[0] not in receipt.states:
            assert receipt.known is not None, "nothing was appended because the key is known"
            return Repeat(ask.account, receipt.known.reference)
        facts: Sequence[Fact] = receipt.facts or (await self._recorded(ask))[ask.operations[0]]
        for fact in facts:
            if isinstance(fact, Rejected):
                raise refused(fact)
        return Begun(ask.batch, ask.operations, repeated=False)

    async def _spent(self, request: Request, key: str, fingerprint: str | None) -> Spent | None:
        """The earlier use of the key, as far as a fingerprint tells. Raises KeyReused.

        A shortcut, without a lock: what it does not find is looked for under the account's lock, as every key is.
        """
        if fingerprint is None:
            return None
        known = await asyncio.to_thread(self.results.index.key, request.account, key)
        if known is not None:
            check_fingerprint(key, known, fingerprint)
        return known

    async def left(self, account: str, one: For) -> dict[str, int | None]:
        """The rest that the limits leave now to those whom an operation of the account is for."""
        return await self.ledgers.look(account, left_to(one))

    async def estimate(self, request: Request) -> Estimate:
        """The price, the hold, and whether a request would be admitted now; records nothing, saves nothing."""
        prepared = await self.preparer.prepare(request, self.ownership.clock(), sender=None, keep=False)
        ask = prepared.ask

        def look(ledger: Ledger, now: int) -> Estimate:
            answer = answer_now(ledger, ask, now)
            left = left_of(ledger, ask.user, ask.project, now, ask.api_key)
            refused = answer.refusal.rule if answer.refusal else None
            notes = note_of(answer) if answer.why is not None else ()
            found = _paid(_estimate(ask.family, answer.quotes, refused, left), answer.drawn)
            return replace(found, notes=notes, needs_approval=needs_approval(ledger, ask, answer.quotes))

        estimate = await self.ledgers.look(ask.account, look)
        chain = await self._chain(request, prepared)
        return replace(estimate, warnings=self.warnings([estimate.model]), chain=chain)

    async def _chain(self, request: Request, prepared: Prepared) -> tuple[Candidate, ...]:
        """Whom the request would be put to, and whom not; of variations with inputs of their own it is not told."""
        if request.each:
            return ()
        chosen, chooser = prepared.chosen[0], self.preparer.chooser
        passed = await chooser.passed_over(request, chosen, prepared.media, self.ownership.clock())
        till = chosen.till or await chooser.till(request, self.ownership.clock())
        currency = chooser.currency_at(till)
        asked = [(one.model, [one.quotes.get(outputs) for outputs in chosen.calls], "") for one in chosen.in_turn]
        left = [(one.model, one.quotes, one.why) for one in passed]
        return tuple(_candidate(model, quotes, why, till, currency) for model, quotes, why in (*asked, *left))

    def warnings(self, models: Iterable[str]) -> tuple[str, ...]:
        """Warnings about these models, as of now."""
        return self.preparer.catalogue.warnings(models, self.ownership.clock())

    async def _answered(self, prepared: Prepared, receipt: Receipt) -> Accepted | Repeat:
        ask = prepared.ask
        if ask.operations[0] not in receipt.states:
            assert receipt.known is not None, "nothing was appended because the key is known"
            self.ownership.drop(*ask.operations)
            return Repeat(ask.account, receipt.known.reference)
        facts = _by_operation(receipt.facts) if receipt.facts else await self._recorded(ask)
        admitted = []
        for place, id in enumerate(ask.operations):
            chosen, before = prepared.chosen_at(place)
            for fact in facts[id]:
                if isinstance(fact, Rejected):
                    raise refused(fact)
                if isinstance(fact, Validated):
                    is_other = chosen.instead is not None and fact.quote.model == chosen.instead.model.id
                    choice = chosen.instead if is_other and chosen.instead is not None else chosen.first
                    task = _task(prepared, choice, fact, before)
                    offers = () if is_other else _offers(prepared, chosen, fact, before)
                    admitted.append(_make_admitted(fact.operation, tuple(facts[id]), task, offers, fact.quote))
        return _make_accepted(ask.batch, tuple(admitted), prepared.request.tags)

    async def _recorded(self, ask: Ask) -> Mapping[str, Sequence[Fact]]:
        """The operations' facts as the log has them, if a lost answer made the writer decide again."""
        return {id: await asyncio.to_thread(self.results.facts.of, id) for id in ask.operations}


def _by_operation(facts: Iterable[Fact]) -> Mapping[str, Sequence[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        if isinstance(fact, OperationFact):
            found.setdefault(fact.operation.id, []).append(fact)
    return found


def _accepting(prepared: Prepared) -> Proposal:
    ask = prepared.ask
    key = KeyRow(ask.account, ask.key, ask.batch, ask.fingerprint) if ask.key is not None else None
    return _make_proposal(
        ask.account,
        lambda ledger, now: accept(ledger, ask, now),
        own=ask.operations,
        key=key,
        content=prepared.content,
        actor=prepared.by,
        place=prepared.place,
        quote=ask.quote,
    )


def _task(prepared: Prepared, choice: Choice, validated: Validated, before: int) -> Task:
    outputs = validated.quote.outputs
    return task_of(
        validated.operation, 1, choice.model, outputs, choice.inputs, prepared.media, validated.at, before=before
    )


def _offers(prepared: Prepared, chosen: Chosen, validated: Validated, before: int) -> tuple[Alternative, ...]:
    """The other models at what they cost for as many outputs; one that cannot deliver so many at once is none."""
    outputs, ask = validated.quote.outputs, prepared.ask
    return tuple(
        Alternative(quote, _task(prepared, other, validated, before), _leeway(ask, validated.quote, quote))
        for other in chosen.others
        if isinstance(quote := other.quotes.get(outputs), Quote)
    )


def _leeway(ask: Ask, held: Quote, quote: Quote) -> Leeway:
    """As far as the request allows; what is sold for another price than the price book's stays within what is held."""
    return Leeway(ask.allowed, ask.most and quote.price if held.sale is None else None)


def _estimate(family: str, quotes: Sequence[Quote], refused: str | None, left: Mapping[str, int | None]) -> Estimate:
    first = quotes[0]
    held = sum(quote.price for quote in quotes)
    source = expected(first)
    is_known = source is not CostSource.UNKNOWN
    return Estimate(
        model=first.model,
        provider=first.provider,
        unit=first.unit,
        units=str(sum(quote.units for quote in quotes)),
        rate=_one_rate(quotes),
        price=Money(held, first.currency) if is_known else None,
        price_source=source,
        cost=Money(sum(quote.cost for quote in quotes), first.cost_currency) if is_known else None,
        cost_source=source,
        held=Money(held, first.currency) if is_known or held else None,
        currency=first.currency,
        price_book=first.price_book,
        operations=len(quotes),
        refused=refused,
        listed=_listed(quotes),
        left=left,
        asks={family: sum(quote.outputs for quote in quotes), SPEND: held},
        model_class=first.model_class,
        sale=first.sale,
    )


def _paid(found: Estimate, drawn: Sequence[Draws | None]) -> Estimate:
    """The same with who pays it: each grant once, whatever operations it pays for."""
    if found.held is None:
        return found
    parts: dict[tuple[str, str], int] = {}
    for one in (one for draws in drawn for one in draws or ()):
        parts[one.grant, one.source] = parts.get((one.grant, one.source), 0) + one.amount
    grants = tuple(GrantShare(*whose, Money(amount, found.currency)) for whose, amount in parts.items())
    return replace(found, grants=grants, own=Money(found.held.micros - sum(parts.values()), found.currency))


def _one_rate(quotes: Sequence[Quote]) -> str | None:
    """The rate of all calls; None if they differ, as metered calls for unlike numbers of outputs do."""
    rates = {quote.rate for quote in quotes}
    return str(quotes[0].rate) if len(rates) == 1 and quotes[0].rate is not None else None


def _candidate(
    model: Model, quotes: Sequence[Quote | Unpriced | None], skipped: str, till: Till | None, currency: str
) -> Candidate:
    """A model at what the request comes to there, for whoever buys it."""
    price = listed_price(quotes) if till is None else till.price(quotes)
    known = None if price is None or not quotes else Money(price, currency)
    return Candidate(model.id, model.provider, str(model.class_), known, skipped)


def _listed(quotes: Sequence[Quote]) -> Money | None:
    """The price book's price, if the provider quoted another or it is sold for another."""
    if all(quote.listed is None and quote.sale is None for quote in quotes):
        return None
    amounts = [_in_the_book(quote) for quote in quotes]
    return Money(sum(amounts), quotes[0].cost_currency)


def _in_the_book(quote: Quote) -> int:
    if quote.listed is not None:
        return quote.listed
    return quote.price if quote.sale is None or quote.sale.listed is None else quote.sale.listed
