"""An operator's chores: recover what was left open, give back, erase what was asked, sweep what nobody needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from application.keeping.corrections import Correction
from application.keeping.erasing import Eraser
from application.keeping.references import References
from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.writer import Clock
from application.performing.recovery import Recovered, Recoverer
from application.ports import Index, Swept, Unneeded
from application.scope import operations_of
from domain.actor import Actor
from domain.advice import Advice
from domain.erasure import ErasureEvidence
from domain.errors import FilesAtRisk, UnknownOperation
from domain.ledger import Fact, Ledger, find
from domain.money import Money, check_money
from domain.periods import Period

RIGHT = "is this the right database, and not an older copy of it? Files are swept once something newer is recorded"


class Files(Protocol):
    """An asset store that can forget."""

    async def find_unneeded(
        self, referenced: Callable[[str], Collection[str]], *, grace_seconds: int, now: int
    ) -> Unneeded: ...

    async def sweep(self, found: Unneeded, *, grace_seconds: int, now: int) -> Swept: ...


@dataclass(frozen=True, slots=True)
class Erased:
    """The report of erasing one batch: whether its content was still there, how many files, and the evidence's digest.

    The digest is empty if nothing was there any more.
    """

    batch: str
    content: bool
    files: int
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """The studio's housekeeping. `grace_seconds` protects files whose first reference may not be written yet."""

    recoverer: Recoverer
    references: References
    index: Index
    writer: Ledgers
    shelf: Files
    eraser: Eraser
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
        found = await self.erase_operation(operation, account=account, by=by, reason=reason)
        return Erased(found.subject, "contents" in found.erased, found.erased.get("files", 0), found.digest)

    async def erase_operation(
        self, operation: str, *, account: str, by: Actor | None = None, reason: str = ""
    ) -> ErasureEvidence:
        """The same, with its evidence."""
        return await self.eraser.operation(account, operation, by or self.operator, reason)

    async def erase_user(
        self, user: str, *, account: str, by: Actor | None = None, reason: str = ""
    ) -> ErasureEvidence:
        """Delete all that a user of the account asked for, got and brought, for ever; what others need stays.

        Facts stay as they are. Raises UnknownAccount, and IllegalTransition while an operation of theirs is open.
        """
        return await self.eraser.user(account, user, by or self.operator, reason)

    async def erase_account(self, account: str, *, by: Actor | None = None, reason: str = "") -> ErasureEvidence:
        """Delete all that anybody of an account asked for, got, brought and named, and its webhooks, for ever.

        Facts and totals stay as they are, and so do its keys and terms. Raises as `erase_user`.
        """
        return await self.eraser.account(account, by or self.operator, reason)

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
