"""An operator's chores: recover what was left open, give back, erase what was asked, sweep what nobody needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from application.keeping.corrections import Correction
from application.keeping.references import References
from application.ledger.facts import OperationFacts
from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.writer import Clock
from application.library.naming import AssetNames
from application.library.words import WordStore
from application.performing.recovery import Recovered, Recoverer
from application.ports import Contents, Index, Swept, Unneeded
from application.scope import operations_of, owned
from domain.actor import Actor
from domain.advice import Advice
from domain.errors import FilesAtRisk, UnknownOperation
from domain.ledger import ContentErased, Fact, Ledger, find
from domain.money import Money, check_money
from domain.operation import Requested
from domain.periods import Period
from domain.settlement import erase_content

RIGHT = "is this the right database, and not an older copy of it? Files are swept once something newer is recorded"


class Files(Protocol):
    """An asset store that can forget."""

    async def erase(self, account: str, digest: str) -> bool: ...

    async def find_unneeded(
        self, referenced: Callable[[str], Collection[str]], *, grace_seconds: int, now: int
    ) -> Unneeded: ...

    async def sweep(self, found: Unneeded, *, grace_seconds: int, now: int) -> Swept: ...


@dataclass(frozen=True, slots=True)
class Erased:
    """The report of erasing one batch: whether its content was still there, and how many files."""

    batch: str
    content: bool
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """The studio's housekeeping. `grace_seconds` protects files whose first reference may not be written yet."""

    recoverer: Recoverer
    references: References
    facts: OperationFacts
    index: Index
    writer: Ledgers
    contents: Contents
    shelf: Files
    names: AssetNames
    words: WordStore
    clock: Clock
    operator: Actor
    grace_seconds: int

    async def recover(self) -> list[Recovered]:
        """Settle what dead processes left open; one fact each."""
        return await self.recoverer.run()

    async def working(self) -> tuple[int, int | None]:
        """How many operations are worked on under a lease that still runs, and when the last of these ends."""
        return await asyncio.to_thread(self.recoverer.performer.ownership.leases.running, self.clock())

    async def adjust(
        self,
        operation: str,
        *,
        account: str,
        price: Money,
        cost: Money | None = None,
        reason: str,
        reference: str,
        by: Actor | None = None,
    ) -> tuple[Fact, ...]:
        """Correct a settled operation: a negative price is a refund; the same reference counts once."""
        check_money(price, *(() if cost is None else (cost,)))
        return await self._correct(account, Correction(operation, reason, reference, price, cost), by)

    async def refund(
        self,
        operation: str,
        *,
        account: str,
        amount: Money | None = None,
        reason: str,
        reference: str,
        by: Actor | None = None,
    ) -> tuple[Fact, ...]:
        """Give back an amount, or all that is left of the charge."""
        check_money(*(() if amount is None else (amount,)))
        change = Correction(operation, reason, reference, None if amount is None else -amount)
        return await self._correct(account, change, by)

    async def correct_cost(
        self,
        operation: str,
        *,
        account: str,
        cost: Money,
        reason: str,
        reference: str,
        by: Actor | None = None,
    ) -> tuple[Fact, ...]:
        """Book what the provider really took; the price stays. The same reference counts once."""
        check_money(cost)
        return await self._correct(account, Correction(operation, reason, reference, None, actual=cost), by)

    async def _correct(self, account: str, correction: Correction, by: Actor | None) -> tuple[Fact, ...]:
        known = await operations_of(self.index, account, correction.operation)
        if [one.operation for one in known] != [correction.operation]:
            what = f"no single operation {correction.operation!r}"
            raise UnknownOperation(what, hint=Advice("operation.choose"))
        id, actor = correction.operation, str(by or self.operator)

        def period(ledger: Ledger) -> Period:
            return find(ledger, id).operation.period

        proposal = Proposal(account, correction.decide, operations=(id,), corrects=period, actor=actor)
        return (await self.writer.put(proposal)).facts

    async def erase(self, operation: str, *, account: str, by: Actor | None = None, reason: str = "") -> Erased:
        """Delete what a request was asked with and what it delivered, for ever; its facts stay, and still verify.

        The erasure, by whom and why, is a fact of each of its operations before anything is deleted; erased
        again, only what is still there is deleted. Files that other operations of the account share stay too. Raises
        UnknownOperation, and IllegalTransition while one of its batch is open.
        """
        batch = await asyncio.to_thread(self._batch_of, account, operation)
        own, others = await asyncio.to_thread(self._digests, account, batch)
        going = sorted(own - others)
        await self._note_erased(account, batch, going, by or self.operator, reason)
        erased = await asyncio.to_thread(self.contents.erase, batch)
        await asyncio.to_thread(self._forget_words, account, own, going)
        files = [await self.shelf.erase(account, digest) for digest in going]
        return Erased(batch, erased, sum(files))

    def _forget_words(self, account: str, own: Collection[str], going: Collection[str]) -> None:
        """The prompt is no longer found by, and of what goes nothing is."""
        self.words.forget_prompts(account, [self.names.id(account, digest) for digest in own])
        self.words.forget(account, [self.names.id(account, digest) for digest in going])

    async def _note_erased(self, account: str, batch: str, digests: Sequence[str], by: Actor, reason: str) -> None:
        ids = [one.operation for one in await operations_of(self.index, account, batch)]
        if await asyncio.to_thread(self._is_erased, ids[0]):
            return

        assets = tuple(self.names.id(account, digest) for digest in digests)

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return erase_content(ledger, ids, reason, now, assets)

        await self.writer.put(Proposal(account, decide, operations=tuple(ids), actor=str(by)))

    async def find_unneeded(self) -> Unneeded:
        """The files that a sweep would delete: nothing references them, and they are older than the grace period.

        Raises FilesAtRisk if facts may be missing that need them: nothing was ever recorded, or the newest fact is
        older than one of these files.
        """
        newest = await asyncio.to_thread(self.references.newest)
        if newest is None:
            raise FilesAtRisk(
                "nothing was ever recorded in this ledger, so that no file can be said to be unneeded", hint=RIGHT
            )
        needed = await asyncio.to_thread(self.references.by_folder)
        found = await self.shelf.find_unneeded(
            lambda folder: needed.get(folder, frozenset()), grace_seconds=self.grace_seconds, now=self.clock()
        )
        if found.newest > newest:
            raise FilesAtRisk(
                "a file that no fact names is newer than the newest fact: facts may be missing", hint=RIGHT
            )
        return found

    async def sweep(self, found: Unneeded | None = None) -> Swept:
        """Delete files that nothing references: those found before, else all there are. Raises FilesAtRisk."""
        found = found or await self.find_unneeded()
        return await self.shelf.sweep(found, grace_seconds=self.grace_seconds, now=self.clock())

    def _batch_of(self, account: str, operation: str) -> str:
        known = owned(self.index.operations(operation), operation, account)
        requested = next(fact for fact in self.facts.of(known[0].operation) if isinstance(fact, Requested))
        return requested.operation.batch

    def _is_erased(self, operation: str) -> bool:
        return any(isinstance(fact, ContentErased) for fact in self.facts.of(operation))

    def _digests(self, account: str, batch: str) -> tuple[set[str], set[str]]:
        """The digests of a batch, and those of all other batches of its account."""
        own, others = set[str](), set[str]()
        for owner, digests in self.references.of_account(account):
            (own if owner == batch else others).update(digests)
        return own, others
