"""Opening accounts, changing their terms and paying in: small decisions, each one append."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from application.keeping.accountviews import AccountReader, AccountView, WalletView, view_of
from application.keeping.corrections import check_currency_of
from application.keeping.credit import granting, revoking
from application.ledger.group import Proposal, Receipt
from application.ledger.ledgers import Ledgers
from application.ledger.transaction import KeyRow
from application.ledger.writer import Clock
from application.ports import Index
from domain import account as accounts
from domain import limiting, settlement, terms
from domain.account import Account
from domain.actor import Actor
from domain.agreeing import agree_discount, agree_tariff
from domain.beginning import change_limits, needed_since
from domain.entering import after_due
from domain.errors import InvalidInput
from domain.exchange import NO_EXCHANGE
from domain.granting import CHARGEBACK, GRANT, Granted, charge_back, charge_back_grant
from domain.ids import check_id
from domain.inputs import shortened
from domain.keys import STUDIO
from domain.ledger import CREDIT, Decide, Fact, Ledger, known_account
from domain.meant import meant
from domain.money import Money, check_currency, check_money
from domain.offering import Offering
from domain.openings import Terms, changed_since, open_account
from domain.periods import CALENDAR_MONTH, Cycle, anniversary_of, check_zone
from domain.planning import begin_account, beginning_of, move_to_plan, schedule_plan
from domain.plans import PLANS, Plan
from domain.returning import end_period
from domain.tariffs import Selling
from domain.wallet import Source
from domain.windows import Window

MOST_LISTED = 100
NO_TARIFF = "name one of the file that the setting of plans names"
CYCLES = ("calendar", "anniversary")
NOW, PERIOD_END = "now", "period-end"
"""When a change of plan holds."""

ChangeTerms = Callable[[Account, int], Sequence[accounts.AccountFact]]
Recent = Callable[[Ledger, int], int | None]


@dataclass(frozen=True, slots=True)
class Accounts(AccountReader):
    """The use cases of those who run accounts.

    Each fact names who did it: `by`, or else the `operator` for whom this process works. A `reason` is kept with it.
    """

    writer: Ledgers
    index: Index
    clock: Clock
    currency: str
    """Of all prices and costs."""
    operator: Actor
    known_model: Callable[[str], object]
    """Raises UnknownModel if there is none of an id."""
    plans: Mapping[str, Plan] = field(default_factory=lambda: PLANS)
    selling: Selling | None = None
    """How prices to customers are made; None: they are the price book's, and every account is in its currency."""

    @property
    def _offering(self) -> Offering:
        return Offering(self.plans, self.currency, NO_EXCHANGE if self.selling is None else self.selling.exchange)

    async def list_after(self, after: str = "", limit: int = MOST_LISTED) -> Sequence[AccountView]:
        """Accounts as their ledgers stand, by ascending id above one, at most so many; without the studio's own."""
        found = await asyncio.to_thread(self.index.accounts, after, limit + 1)
        return [await self.show(id) for id in found if id != STUDIO][:limit]

    async def open(
        self,
        account: str,
        *,
        plan: str = "free",
        currency: str = "USD",
        zone: str = "UTC",
        cycle: str = "calendar",
        prepaid: bool = False,
        by: Actor | None = None,
        reason: str = "",
    ) -> AccountView:
        """Open it, once; again as it was opened, or as it is by now, changes nothing. Raises AccountExists on others.

        The view's `changed` says what of these terms is another thing by now.
        """
        if cycle not in CYCLES:
            raise InvalidInput("cycle", f"{cycle!r} is not one of {', '.join(CYCLES)}")
        check_id("account", account)
        chosen, follows = self._chosen(plan, check_currency(currency))
        check_zone(zone)

        def wanted(ledger: Ledger, now: int) -> Terms:
            month = CALENDAR_MONTH if cycle == "calendar" else _first_day(ledger, now, zone)
            begins = beginning_of(chosen, follows, now)
            return begins.agreed(Terms(plan, begins.terms.limits, currency, zone, month, prepaid))

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            opened = open_account(ledger.account, account, wanted(ledger, now), now, reason)
            return begin_account(opened, beginning_of(chosen, follows, now).given, now)

        def look(ledger: Ledger, now: int) -> AccountView:
            changed = changed_since(known_account(ledger, account), wanted(ledger, now))
            return replace(view_of(ledger, account, now), changed=changed)

        receipt = await self.writer.put(self._proposed(account, decide, look, by))
        view: AccountView = receipt.seen
        return view

    def _chosen(self, id: str, currency: str) -> tuple[Plan, Plan]:
        """A plan in a currency, and the one that follows its trial."""
        chosen = self._offering.plan(id, currency, self.clock())
        then = chosen.trial.then if chosen.trial is not None else ""
        return chosen, self._offering.plan(then, currency, self.clock()) if then else chosen

    def _proposed(
        self, account: str, decide: Decide, look: Callable[[Ledger, int], AccountView], by: Actor | None
    ) -> Proposal:
        return Proposal(account, decide, opening=True, look=look, actor=str(by or self.operator))

    async def change_plan(
        self, account: str, plan: str, *, at: str = NOW, by: Actor | None = None, reason: str = ""
    ) -> AccountView:
        """Another plan: "now", the rest of the old price given back and the new one charged for it, or at "period-end".

        The plan that it is on undoes what was agreed for the period's end.
        """
        if at not in (NOW, PERIOD_END):
            raise InvalidInput("at", f"{at!r} is not one of {NOW}, {PERIOD_END}")

        def wanted(ledger: Ledger, now: int) -> Plan:
            return self._offering.plan(plan, known_account(ledger, account).currency, now)

        if at == PERIOD_END:

            def later(ledger: Ledger, now: int) -> list[Fact]:
                return schedule_plan(ledger, account, wanted(ledger, now), now, reason)

            return await self._decide(account, later, by=by)

        def recent(ledger: Ledger, now: int) -> int | None:
            known, new = known_account(ledger, account), wanted(ledger, now)
            return needed_since(ledger, terms.change_plan(known, plan, new.limits, now, reason, new.windows), now)

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return move_to_plan(ledger, account, wanted(ledger, now), now, reason)

        return await self._decide(account, decide, recent=recent, by=by)

    async def change_limit(
        self,
        account: str,
        measure: str,
        limit: int | None,
        *,
        scope: str = "account",
        window: str = Window.PERIOD,
        by: Actor | None = None,
        reason: str = "",
    ) -> AccountView:
        """One limit of the account, "user:ID", "project:ID" or "key:ID": outputs, or micro-units of "spend".

        It holds at once over its window, "hour", "day", "period" or "life", also for what was admitted before in it; of
        a life the period in which it is set is the first that counts.
        """
        return await self._on_limits(
            account, lambda known, now: limiting.change_limit(known, scope, measure, limit, now, reason, window), by
        )

    async def inherit_limit(
        self,
        account: str,
        measure: str,
        *,
        scope: str = "account",
        window: str = Window.PERIOD,
        by: Actor | None = None,
        reason: str = "",
    ) -> AccountView:
        """Undo a change of limit."""
        return await self._on_limits(
            account, lambda known, now: limiting.inherit_limit(known, scope, measure, now, reason, window), by
        )

    async def change_time_zone(
        self, account: str, zone: str, *, by: Actor | None = None, reason: str = ""
    ) -> AccountView:
        """Other midnights, from the next period on."""
        return await self._once_due(account, lambda known, now: terms.change_time_zone(known, zone, now, reason), by)

    async def end_period(self, account: str, reason: str, *, by: Actor | None = None) -> AccountView:
        """Bring back an account that a wrong clock moved into a period that has not begun; otherwise change nothing."""
        now = self.clock()
        earlier = await asyncio.to_thread(self.index.period_before, account, now)

        def decide(ledger: Ledger, _later: int) -> list[Fact]:
            return end_period(ledger, account, reason, now)

        return await self._decide(account, decide, earlier=earlier, by=by)

    async def agree_tariff(
        self, account: str, tariff: str = "", *, by: Actor | None = None, reason: str = ""
    ) -> AccountView:
        """Sell by a tariff of its own from now on; none: by its plan's. Raises InvalidInput if there is none of it."""
        known = {} if self.selling is None else self.selling.tariffs
        if tariff and tariff not in known:
            raise InvalidInput(
                "tariff", f"there is no tariff {shortened(tariff)}", hint=meant(tariff, known, NO_TARIFF)
            )

        def decide(one: Account, now: int) -> list[Fact]:
            return [*agree_tariff(account, one.agreed, tariff, now, reason)]

        return await self._on_terms(account, decide, by)

    async def agree_discount(
        self,
        account: str,
        percent: Decimal,
        *,
        start: int | None = None,
        end: int | None = None,
        by: Actor | None = None,
        reason: str = "",
    ) -> AccountView:
        """So many percent off for the account, from an instant until another; 0 ends it. Raises InvalidInput."""

        def decide(one: Account, now: int) -> list[Fact]:
            return [*agree_discount(account, one.agreed, percent, now, reason, start, end)]

        return await self._on_terms(account, decide, by)

    async def suspend(self, account: str, reason: str, *, by: Actor | None = None) -> AccountView:
        """Admit nothing new until it is resumed; what is open goes on and is settled."""
        return await self._on_terms(account, lambda known, now: [*terms.suspend(known, reason, now)], by)

    async def resume(self, account: str, reason: str, *, by: Actor | None = None) -> AccountView:
        """Admit requests again."""
        return await self._on_terms(account, lambda known, now: [*terms.resume(known, reason, now)], by)

    async def close(self, account: str, reason: str, *, by: Actor | None = None) -> AccountView:
        """Admit nothing new for ever; what is open is settled, and corrections are still booked."""
        return await self._once_due(account, lambda known, now: terms.close(known, reason, now), by)

    async def allow(self, account: str, model_class: str, *, by: Actor | None = None, reason: str = "") -> AccountView:
        """Let models of a class, such as "stand-in", be chosen for the account without being named."""
        return await self._consent(account, model_class, by, reason, given=True)

    async def forbid(self, account: str, model_class: str, *, by: Actor | None = None, reason: str = "") -> AccountView:
        """Undo `allow`."""
        return await self._consent(account, model_class, by, reason, given=False)

    async def on_limit(
        self, account: str, model: str = "", *, by: Actor | None = None, reason: str = ""
    ) -> AccountView:
        """Let a cheaper model do what would pass a limit of money, as if its account had asked for it; none: refuse it.

        It does only what it takes the inputs of, if its class is allowed and it fits. Raises UnknownModel.
        """
        if model:
            self.known_model(model)
        return await self._on_terms(account, lambda known, now: [*terms.change_on_limit(known, model, now, reason)], by)

    async def add_credit(
        self, account: str, amount: Money, key: str, *, by: Actor | None = None, reason: str = ""
    ) -> AccountView:
        """Pay into a prepaid account, once a key. Raises InvalidMoney if it is not an amount."""
        check_id("key", key)
        check_money(amount)

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            check_currency_of(known_account(ledger, account), amount)
            return settlement.add_credit(ledger, amount.micros, CREDIT + key, now, reason)

        row = KeyRow(account, CREDIT + key, CREDIT + key, str(amount.micros))
        return await self._decide(account, decide, key=row, by=by)

    async def grant(
        self,
        account: str,
        amount: Money,
        reference: str,
        *,
        source: str = Source.PROMOTIONAL,
        priority: int = 0,
        expires: int | None = None,
        kinds: tuple[str, ...] = (),
        by: Actor | None = None,
        reason: str = "",
    ) -> WalletView:
        """Grant credit once a reference, which is spent before its own money: until an instant, and for some kinds of
        operation or families if they are named. Raises InvalidInput, KeyReused.
        """
        wanted = Granted(amount.micros, source, priority, expires, kinds)
        proposal = granting(account, amount, reference, wanted, reason, str(by or self.operator))
        view: WalletView = (await self.writer.put(proposal)).seen
        return view

    async def revoke_grant(self, account: str, reference: str, reason: str, *, by: Actor | None = None) -> WalletView:
        """Take back what is left of a promotional grant; what is held of it can still be spent. Raises InvalidInput."""
        proposal = revoking(account, reference, reason, str(by or self.operator))
        view: WalletView = (await self.writer.put(proposal)).seen
        return view

    async def charge_back(
        self,
        account: str,
        payment: str,
        amount: Money,
        reason: str,
        *,
        of_grant: bool = False,
        suspend: bool = False,
        by: Actor | None = None,
    ) -> AccountView:
        """Take a payment back, or a part of it, once, by its key, or that `of_grant` by its reference.

        The rest of the grant goes first; for more the balance may become less than nothing. `suspend` admits nothing
        more until the account is resumed. Raises InvalidInput, KeyReused.
        """
        check_id("payment", payment)
        check_money(amount)
        take, paid = (charge_back_grant, GRANT + payment) if of_grant else (charge_back, CREDIT + payment)

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            check_currency_of(known_account(ledger, account), amount)
            return take(ledger, account, payment, amount.micros, now, reason, suspend=suspend)

        back = CHARGEBACK + (paid if of_grant else payment)
        row = KeyRow(account, back, back, str(amount.micros))
        return await self._decide(account, decide, key=row, other_key=paid, by=by)

    async def _decide(
        self,
        account: str,
        decide: Callable[[Ledger, int], list[Fact]],
        *,
        key: KeyRow | None = None,
        other_key: str | None = None,
        earlier: str | None = None,
        recent: Recent | None = None,
        by: Actor | None = None,
    ) -> AccountView:
        def look(ledger: Ledger, now: int) -> AccountView:
            return view_of(ledger, account, now)

        actor = str(by or self.operator)
        proposal = Proposal(account, decide, key=key, look=look, earlier=earlier, recent=recent, actor=actor)
        proposal = proposal if other_key is None else replace(proposal, other_key=other_key)
        receipt: Receipt = await self.writer.put(proposal)
        view: AccountView = receipt.seen
        return view

    async def _consent(
        self, account: str, model_class: str, by: Actor | None, reason: str, *, given: bool
    ) -> AccountView:
        def decide(known: Account, now: int) -> list[Fact]:
            return [*terms.change_consent(known, model_class, now, given=given, reason=reason)]

        return await self._on_terms(account, decide, by)

    async def _on_limits(self, account: str, change: ChangeTerms, by: Actor | None) -> AccountView:
        """Change limits, and begin to count over their windows at once."""

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return change_limits(ledger, change(known_account(ledger, account), now), now)

        def recent(ledger: Ledger, now: int) -> int | None:
            return needed_since(ledger, change(known_account(ledger, account), now), now)

        return await self._decide(account, decide, recent=recent, by=by)

    async def _once_due(self, account: str, change: ChangeTerms, by: Actor | None) -> AccountView:
        """Change what periods or plans follow from, after all that was due before."""
        return await self._decide(account, lambda ledger, now: after_due(ledger, account, change, now), by=by)

    async def _on_terms(
        self, account: str, decide: Callable[[Account, int], list[Fact]], by: Actor | None
    ) -> AccountView:
        return await self._decide(account, lambda ledger, now: decide(known_account(ledger, account), now), by=by)


def _first_day(ledger: Ledger, now: int, zone: str) -> Cycle:
    """An anniversary counts from the day the account was opened, also when it is opened again."""
    opened = ledger.account.opened.at if ledger.account is not None else now
    return anniversary_of(opened, zone)
