"""Periods closed, and statements previewed, issued, voided and shown, each worked out from the log alone.

close ── read the period to its end ── close it if it still ends there, else read again
issue ── the closed period's statement ── its number and digest, in one fact
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from application.keeping.billed import BilledAccount, BilledReader
from application.keeping.corrections import Goodwill
from application.keeping.forms import Content, content_digest, content_of
from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from domain.actor import Actor
from domain.advice import Advice
from domain.billing import PeriodClosed, UnknownPeriod, UnknownStatement, counted_in, statement_number
from domain.booking import GoodwillGiven
from domain.closing import Closing, check_closed, close_period, issue_statement, void_statement
from domain.errors import IllegalTransition, StoreUnavailable
from domain.goodwill import given_under
from domain.ledger import Fact, Ledger, known_account, period_stream
from domain.money import Money, check_money
from domain.periods import Period
from domain.pseudonyms import hide_in_lines
from domain.statement import FORM, Statement
from domain.value import value

TRIES = 8
"""How often a period is read again that was written to meanwhile."""


@value
class BilledPeriod:
    """A period by its name; `closing` is how it was closed, `statement` the number of the one that holds, `opened` the
    instant of its first fact."""

    name: str
    period: Period
    zone: str
    closing: PeriodClosed | None
    statement: str
    opened: int = 0


@value
class StatementView:
    """A statement: `number` is empty and `issued` None of a draft; `replaced` is the one that followed it.

    Instants are microseconds; `digest` is of the `content`. Of a voided one `reason` and `voided_by` say why, and who.
    """

    statement: Statement
    content: Content
    digest: str
    status: str
    number: str = ""
    issued: int | None = None
    replaces: str = ""
    voided: int | None = None
    reason: str = ""
    replaced: str = ""
    voided_by: str = ""

    @property
    def voiding(self) -> str:
        """Who voided it, and why; empty if it was not."""
        return f"{self.voided_by}: {self.reason}" if self.voided is not None else ""


@dataclass(frozen=True, slots=True)
class StatementReader:
    """Shows periods and statements. Each raises UnknownAccount, UnknownPeriod or UnknownStatement."""

    billed: BilledReader

    async def periods(self, account: str) -> Sequence[BilledPeriod]:
        """The account's periods that have facts, in order."""
        return await asyncio.to_thread(self._periods, account)

    async def preview(self, account: str, period: str | None = None) -> StatementView:
        """A draft of a period's statement as it stands now: of the named one, or of the first that is not closed."""
        return await asyncio.to_thread(self._preview, account, period)

    async def show(self, account: str, which: str) -> StatementView:
        """A statement by its number, or by its period's name the one that holds, or else a draft."""
        return await asyncio.to_thread(self._show, account, which)

    async def unread(self, account: str, which: str) -> tuple[int, int]:
        """How many facts `show` would read now, in this process, and how many of them it has read by now."""
        return await asyncio.to_thread(self._unread, account, which)

    async def list(self, account: str) -> Sequence[StatementView]:
        """Every statement that was issued, by number."""
        return await asyncio.to_thread(self._list, account)

    async def exported(self, account: str) -> Sequence[StatementView]:
        """The same as other programs are told them: with the pseudonyms of all who are erased by now."""
        return await asyncio.to_thread(self._exported, account)

    def _exported(self, account: str) -> Sequence[StatementView]:
        issued, erased = self._list(account), self.billed.account(account).terms.erased
        return [replace(one, statement=hide_in_lines(one.statement, erased)) for one in issued]

    def _periods(self, account: str) -> Sequence[BilledPeriod]:
        billed = self.billed.account(account)
        openings = self.billed.openings(account)
        return [replace(_billed_period(billed, period), opened=at) for period, at in openings.items()]

    def _preview(self, account: str, period: str | None) -> StatementView:
        billed = self.billed.account(account)
        read = self.billed.statement(billed, self.billed.find(billed, period))
        return StatementView(*self.billed.told(billed, read, FORM), "draft")

    def _show(self, account: str, which: str) -> StatementView:
        billed = self.billed.account(account)
        count = counted_in(account, which)
        if count is not None:
            return self._issued(billed, count)
        period = self.billed.find(billed, which)
        number = billed.terms.billing.valid(period)
        return self._preview(account, which) if number is None else self._issued(billed, number)

    def _unread(self, account: str, which: str) -> tuple[int, int]:
        billed = self.billed.account(account)
        count = counted_in(account, which)
        if count is None:
            return self.billed.unread(billed, self.billed.find(billed, which))
        issued = billed.issued.get(count)
        return (0, 0) if issued is None else self.billed.unread(billed, issued.period)

    def _list(self, account: str) -> Sequence[StatementView]:
        billed = self.billed.account(account)
        return [self._issued(billed, number) for number in billed.issued]

    def _issued(self, billed: BilledAccount, number: int) -> StatementView:
        """The statement as it was issued, worked out anew in its form."""
        issued, account = billed.issued.get(number), billed.terms.id
        if issued is None:
            told = f"account {account!r} has no statement {statement_number(account, number)}"
            raise UnknownStatement(told, hint=Advice("statement.list", account=account))
        read, content, digest = self.billed.told(
            billed, self.billed.statement(billed, issued.period), issued.form, number
        )
        voided = billed.voided.get(number)
        after = [one.number for one in billed.issued.values() if one.replaces == number]
        return StatementView(
            read,
            content,
            digest,
            "issued" if voided is None else "voided",
            statement_number(account, number),
            issued.at,
            statement_number(account, issued.replaces) if issued.replaces else "",
            None if voided is None else voided.at,
            issued.reason if voided is None else voided.reason,
            statement_number(account, after[0]) if after else "",
            billed.voiders.get(number, ""),
        )


@dataclass(frozen=True, slots=True)
class Statements(StatementReader):
    """The use cases of those who bill. Each fact names who did it, `by` or else the `operator`, and why."""

    writer: Ledgers
    operator: Actor

    async def close(
        self,
        account: str,
        period: str | None = None,
        *,
        carry: bool = False,
        by: Actor | None = None,
        reason: str = "",
    ) -> BilledPeriod:
        """Close a period that is over, once: the named one, or the first that is not closed.

        With `carry` operations may be open in it: each is billed in the period that is open when it is settled. Raises
        IllegalTransition if it is not over, an earlier one is not closed, or operations are open.
        """
        for _ in range(TRIES):
            billed = await asyncio.to_thread(self.billed.account, account)
            wanted = await asyncio.to_thread(self.billed.find, billed, period)
            if billed.terms.billing.is_closed(wanted):
                return _billed_period(billed, wanted)
            await self._close(billed, wanted, carry, by, reason)
            period = period or billed.name_of(wanted)
        raise StoreUnavailable(f"period {period} of {account!r} was written to each time it was read", hint="try again")

    async def _close(self, billed: BilledAccount, period: Period, carry: bool, by: Actor | None, reason: str) -> None:
        account = billed.terms.id
        await asyncio.to_thread(self._check_order, billed, period)
        read = await asyncio.to_thread(self.billed.statement, billed, period)
        closing = Closing(read, billed.terms.billing.until, carry, reason)
        await self._put(
            account, lambda ledger, now: close_period(ledger, closing, now), by, period_stream(account, period)
        )

    def _check_order(self, billed: BilledAccount, period: Period) -> None:
        first = self.billed.find(billed, None)
        if first != period:
            told = f"period {billed.name_of(first)} comes before {billed.name_of(period)}, and is not closed"
            raise IllegalTransition(told, hint=Advice("period.close", period=billed.name_of(first)))

    async def issue(self, account: str, period: str, *, by: Actor | None = None, reason: str = "") -> StatementView:
        """Issue a closed period's statement under the account's next number, unless one holds: then that is answered.

        After one was voided the next refers to it. Raises IllegalTransition if the period is not closed.
        """
        for _ in range(TRIES):
            billed = await asyncio.to_thread(self.billed.account, account)
            found = await asyncio.to_thread(self.billed.find, billed, period)
            check_closed(billed.terms, found)
            if number := await self._issue(billed, found, by, reason):
                return await self.show(account, statement_number(account, number))
        raise StoreUnavailable(f"users of {account!r} were erased each time it was read", hint="try again")

    async def _issue(self, billed: BilledAccount, period: Period, by: Actor | None, reason: str) -> int:
        """The number of the statement that holds; 0 if a user was erased since the account was read."""
        account, erased = billed.terms.id, billed.terms.erased
        read = billed.shown(await asyncio.to_thread(self.billed.statement, billed, period))
        digest = content_digest(content_of(read, FORM))

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            if known_account(ledger, account).erased != erased:
                return []
            return issue_statement(ledger, read, digest, now, form=FORM, reason=reason)

        def number(ledger: Ledger, _now: int) -> int:
            return known_account(ledger, account).billing.valid(period) or 0

        return await self._put(account, decide, by, look=number)

    async def void(self, account: str, number: str, reason: str, *, by: Actor | None = None) -> StatementView:
        """Let a statement hold no more, once. Raises UnknownStatement, and InvalidInput without a reason."""
        shown = await self.show(account, number)
        if not shown.number:
            raise UnknownStatement(f"{number!r} is no number", hint=Advice("statement.list", account=account))
        count = int(shown.number.rpartition("-")[2])
        await self._put(account, lambda ledger, now: void_statement(ledger, account, count, reason, now), by)
        return await self.show(account, shown.number)

    async def goodwill(
        self,
        account: str,
        amount: Money,
        *,
        period: str | None = None,
        reason: str,
        reference: str,
        by: Actor | None = None,
    ) -> GoodwillGiven:
        """Give an amount back for the charges of a period, or else of the newest: once a reference, in the open period.

        All corrections of a period together never exceed its charges. Raises InvalidInput, KeyReused.
        """
        check_money(amount)
        billed = await asyncio.to_thread(self.billed.account, account)
        periods = await asyncio.to_thread(self.billed.periods, account)
        named = None if period is None else await asyncio.to_thread(self.billed.find, billed, period)
        if named is None and not periods:
            raise UnknownPeriod(f"account {account!r} has no billing period yet", hint="nothing was charged")
        given = Goodwill(account, named or periods[-1], amount, reason, reference, named is not None)

        def first(ledger: Ledger, _now: int) -> GoodwillGiven | None:
            return given_under(ledger, reference)

        actor = str(by or self.operator)
        proposal = Proposal(account, given.decide, corrects=lambda _ledger: given.period, look=first, actor=actor)
        receipt = await self.writer.put(proposal)
        found: GoodwillGiven = next((one for one in receipt.facts if isinstance(one, GoodwillGiven)), receipt.seen)
        return found

    async def _put(
        self,
        account: str,
        decide: Callable[[Ledger, int], list[Fact]],
        by: Actor | None,
        ends: str | None = None,
        look: Callable[[Ledger, int], int] | None = None,
    ) -> int:
        proposal = Proposal(account, decide, ends=ends, look=look, actor=str(by or self.operator))
        seen: int = (await self.writer.put(proposal)).seen
        return seen


def _billed_period(billed: BilledAccount, period: Period) -> BilledPeriod:
    number = billed.terms.billing.valid(period)
    named = "" if number is None else statement_number(billed.terms.id, number)
    return BilledPeriod(
        billed.name_of(period), period, billed.zone_of(period), billed.closings.get(period.start), named
    )
