"""Our recorded costs, compared with the provider's bills, operation by operation.

    bills of the provider ── job ──┬── operations here      matched | differs | unreadable | open
                                   └── nobody's             missing here
    operations here ── no bill ───────────────────────────  missing there

A difference is corrected by facts: the cost changes, the price never does. A delivery after its operation's release by
policy is fetched first, and its cost booked by that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.performing.histories import Histories
from application.performing.performer import Performer
from application.performing.recording import Performed
from application.performing.recovery import HURRY
from application.ports import Bill, Billing, Index, Job, ProviderError, silent
from application.providing.answers import check_bill
from application.providing.mistakes import MistakesOf
from domain import settlement
from domain.advice import Advice
from domain.charging import CostSource
from domain.errors import ImageStudioError, InvalidInput, ProviderUnavailable
from domain.operation import CLOSED_PHASES, POLICY

MATCHED, DIFFERS, UNREADABLE, OPEN = "matched", "differs", "unreadable", "open"
MISSING_THERE, MISSING_HERE = "missing there", "missing here"
REASON = "reconciled"


@dataclass(frozen=True, slots=True)
class BookedCost:
    """An operation as we have it: its provider's job, if any, the cost we booked in micro-units (None: not known), and
    how it stands."""

    operation: str
    account: str
    model: str
    job: str | None
    cost: int | None
    phase: str
    reason: str | None
    late: bool

    @property
    def given_up(self) -> bool:
        """Released by policy, and nothing came of it yet."""
        return self.reason == POLICY and not self.late


class RecordedCosts(Protocol):
    """The costs that we recorded, as far as the views have read the log."""

    def recorded(self, provider: str, since: int, until: int) -> Sequence[BookedCost]:
        """The operations that were requested of a provider in [since, until), epoch microseconds."""

    def one(self, operation: str) -> BookedCost | None: ...


@dataclass(frozen=True, slots=True)
class ReconciledJob:
    """One job: an operation's, or nobody's. Amounts in micro-units; `booked` is the correction that was made."""

    status: str
    job: str
    operation: str = ""
    account: str = ""
    model: str = ""
    recorded: int | None = None
    billed: int | None = None
    late: bool = False
    booked: int = 0
    known: bool = True
    """Whether our own cost was known, or is by now; a cost of None that is known is nobody's operation."""

    @property
    def difference(self) -> int:
        """The bill minus the recorded cost; None if either is not known yet."""
        if self.status in (OPEN, UNREADABLE):
            return 0
        return (self.billed or 0) - (self.recorded or 0) - self.booked

    @property
    def is_explained(self) -> bool:
        """Whether nothing about it is left to look into."""
        return self.status in (MATCHED, OPEN) or (self.status == DIFFERS and self.known and not self.difference)


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Compares with, and corrects by, what providers billed; `refresh` brings the costs up to the log."""

    performer: Performer
    operations: Histories
    costs: RecordedCosts
    index: Index
    writer: Ledgers
    refresh: Callable[[], Awaitable[object]]

    async def run(self, provider: str, since: int, until: int, *, correct: bool) -> list[ReconciledJob]:
        """Every job that either side knows of in [since, until), epoch microseconds, by job.

        With `correct`, late deliveries are fetched and differing costs corrected. Raises InvalidInput if the
        provider has no bills to read, ProviderUnavailable if they cannot be read now.
        """
        bills = await self._bills(provider, since, until)
        recorded = await self._recorded(provider, since, until, bills)
        if correct and any([await self._fetch(one) for one in recorded if one.given_up]):
            recorded = await self._recorded(provider, since, until, bills)
        by_job = {one.job: one for one in recorded if one.job is not None}
        lines = [_line(job, by_job.get(job), bills.get(job)) for job in sorted(by_job.keys() | bills.keys())]
        return [await self._correct(line) if correct and line.status == DIFFERS else line for line in lines]

    async def _bills(self, provider: str, since: int, until: int) -> dict[str, Bill]:
        known = self.performer.providers
        billing: object = known.get(provider)
        if not isinstance(billing, Billing):
            able = ", ".join(sorted(name for name, one in known.items() if isinstance(one, Billing))) or "none"
            raise InvalidInput("provider", f"{provider!r} has no bills that can be read", hint=f"these have: {able}")
        bills: dict[str, Bill] = {}
        try:
            with MistakesOf(provider):
                async for bill in billing.bills(since, until):
                    check_bill(bill)
                    bills[bill.job] = bill
        except ProviderError as error:
            hint = Advice("provider.check")
            raise ProviderUnavailable(f"the bills of {provider} cannot be read: {error.message}", hint=hint) from error
        return bills

    async def _recorded(self, provider: str, since: int, until: int, bills: dict[str, Bill]) -> list[BookedCost]:
        """Operations of the span, and those of other spans that were billed in it.

        A job that was found after its operation's release is in no fact: whose it is, the index alone knows.
        """
        await self.refresh()
        recorded = await asyncio.to_thread(self.costs.recorded, provider, since, until)
        found = {one.operation: one for one in recorded}
        owners = await asyncio.to_thread(self.index.jobs, provider, list(bills))
        for job, operation in owners.items():
            one = found.get(operation) or await asyncio.to_thread(self.costs.one, operation)
            if one is not None:
                found[operation] = replace(one, job=job)
        return list(found.values())

    async def _fetch(self, given_up: BookedCost) -> bool:
        """Fetch what came of it after all; False if that cannot be learned."""
        settled: Performed | None
        try:
            opened = await self.operations.read(given_up.operation)
            task = await self.operations.task(opened)
            if task is None:
                return False
            operation, task = opened.state.operation, replace(task, deadline=min(task.deadline, HURRY))
            if given_up.job is not None:
                settled = await self.performer.resume(operation, task, Job(given_up.job), silent)
            else:
                settled = await self.performer.look_up(operation, task, silent)
        except ImageStudioError:
            return False
        return settled is not None and bool(settled.facts)

    async def _correct(self, line: ReconciledJob) -> ReconciledJob:
        """The same bill is booked once, however often and by however many it is found."""
        change, reference = line.difference, f"bill:{line.job}:{line.recorded}:{line.billed}"
        proposal = Proposal(
            line.account,
            lambda ledger, now: settlement.adjust(
                ledger, line.operation, 0, change, REASON, reference, now, CostSource.PROVIDER
            ),
            operations=(line.operation,),
        )
        receipt = await self.writer.put(proposal)
        return replace(line, booked=change, known=True) if receipt.facts else line


def _line(job: str, recorded: BookedCost | None, bill: Bill | None) -> ReconciledJob:
    billed = None if bill is None else bill.amount
    if recorded is None:
        return ReconciledJob(MISSING_HERE, job, model=bill.model if bill is not None else "", billed=billed)
    return ReconciledJob(
        _status(recorded, bill),
        job,
        recorded.operation,
        recorded.account,
        recorded.model,
        recorded.cost,
        billed,
        recorded.late,
        known=recorded.cost is not None,
    )


def _status(recorded: BookedCost, bill: Bill | None) -> str:
    if recorded.phase not in CLOSED_PHASES:
        return OPEN
    if bill is None:
        is_free = recorded.cost == 0 or (recorded.cost is None and recorded.given_up)
        return MATCHED if is_free else MISSING_THERE
    if bill.amount is None:
        return UNREADABLE
    return MATCHED if bill.amount == recorded.cost else DIFFERS
