"""Entering the period of an instant: all that became due before it is recorded first, in the append that needs it.

    a period is over ─ PeriodOpened ─ (LifeCounted …) ─ (GrantsCarried) ─ (SubscriptionCharged, GrantGiven) …
    a plan is due ──── PlanChanged ── the rest of the old one's price back, and the new one's for as long
    a grant is over ── GrantEnded

So each of it is recorded once, under the account's lock, by whoever comes first: a request, a change of terms, a
closing, or the chore that looks after quiet accounts. Amounts never depend on when that is (decision 63).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from domain.account import Account, PlanChanged, Standing
from domain.beginning import begin_narrow, needed_since
from domain.ledger import Fact, Ledger, PeriodOpened, evolve, known_account
from domain.periods import Period, period_after, period_at
from domain.plans import FREE, Later, Paying
from domain.subscription import allowance_cut, prorated
from domain.totals import PeriodState
from domain.wallet import (
    NEVER,
    PLAN_CHANGED,
    GrantEnded,
    GrantGiven,
    GrantsCarried,
    Source,
    SubscriptionCharged,
    Wallet,
)
from domain.windowed import carried_for_life, counted_for_life
from domain.zones import zones_version

"""Reasons for which a grant ends."""


def current_period(ledger: Ledger, account: Account, now: int) -> tuple[list[Fact], PeriodState]:
    """The period this instant's facts go to, and the facts that are due before them."""
    facts, current, _ = into_period(ledger, account, now)
    return facts, current


def into_period(ledger: Ledger, account: Account, now: int) -> tuple[list[Fact], PeriodState, Account]:
    """The facts that are due, and the period and the terms that hold after them."""
    current = ledger.current
    if current is not None and now < current.period.end and not _is_due(account, current, now):
        return [], current, account
    passage = enter(ledger, account, now)
    return passage.facts, passage.current, passage.account


def enter(ledger: Ledger, account: Account, now: int) -> Doorway:
    """The ledger as it is once all is recorded that is due."""
    passage = Doorway.of(ledger, account, now)
    if ledger.current is None:
        passage.begin()
    else:
        passage.change_plan_when_due()
        if now >= ledger.current.period.end:
            passage.go_on()
            passage.change_plan_when_due()
    passage.end_grants()
    return passage


def after_due(ledger: Ledger, account: str, change: Callable[[Account, int], Sequence[Fact]], now: int) -> list[Fact]:
    """A change of the terms by which things fall due, and before it whatever was due by those until then.

    Nothing if nothing is changed. Raises UnknownAccount.
    """
    due, known = list[Fact](), known_account(ledger, account)
    if ledger.current is not None and not is_quiet(ledger, known):
        due, _, known = into_period(ledger, known, now)
    changes = change(known, now)
    return [*due, *changes] if changes else []


def is_quiet(ledger: Ledger, account: Account) -> bool:
    """Whether nothing ever falls due: then no period has to begin before something is asked for."""
    has_grants = ledger.current is not None and ledger.current.wallet is not None and ledger.current.wallet.grants
    return not has_grants and account.next is None and not is_paid_for(account.paying)


def due_at(ledger: Ledger, account: Account) -> int | None:
    """The next instant at which something falls due by itself; None: never."""
    current = ledger.current
    if current is None or is_quiet(ledger, account):
        return None
    if account.standing is Standing.CLOSED:  # it pays for no plan any more, and no period has to begin for it
        over = NEVER if current.wallet is None else current.wallet.due
        return None if over == NEVER else over
    ends = [current.period.end]
    if current.wallet is not None:
        ends.append(current.wallet.due)
    if account.next is not None and account.next.at is not None:
        ends.append(account.next.at)
    return min(ends)


def due_needs_since(ledger: Ledger, now: int) -> int | None:
    """The instant from which the period's facts are needed to record what is due in it; None if none are."""
    account, current = ledger.account, ledger.current
    later = None if account is None else account.next
    if account is None or later is None or later.at is None or current is None or not later.at <= now:
        return None
    return needed_since(ledger, [changed_to(account, later, now)], now)


@dataclass(slots=True)
class Doorway:
    """A copy of the ledger that goes on fact by fact, as the ledger itself will once they are recorded."""

    ledger: Ledger
    now: int
    facts: list[Fact] = field(default_factory=list)

    @classmethod
    def of(cls, ledger: Ledger, account: Account, now: int) -> Doorway:
        current = ledger.current
        if current is not None:
            wallet = None if current.wallet is None else current.wallet.copy()
            windows = None if current.windows is None else current.windows.copy()
            current = replace(current, wallet=wallet, windows=windows)
        copy = Ledger(account, current, ledger.last)
        copy.evidence.recent = ledger.evidence.recent
        return cls(copy, now)

    @property
    def account(self) -> Account:
        assert self.ledger.account is not None, "an account's period"
        return self.ledger.account

    @property
    def current(self) -> PeriodState:
        assert self.ledger.current is not None, "a period that was begun"
        return self.ledger.current

    def add(self, *facts: Fact) -> None:
        for fact in facts:
            self.facts.append(fact)
            evolve(self.ledger, fact)

    def begin(self) -> None:
        """The first period; a plan is paid for from now on."""
        account = self.account
        period = period_at(account.cycle, account.zone, self.now)
        self._open(period, 0 if account.prepaid else None)
        self.subscribe(account.plan, account.paying, Period(self.now, period.end), period)

    def go_on(self) -> None:
        """The period of now; periods of which nobody took notice are paid for in it."""
        before, account = self.current, self.account
        period = period_after(before.period, account.cycle, account.zone, self.now)
        charges = [*self._charges(before.period, period)]
        carried = carried_for_life(before.windows)
        self._open(period, before.balance)
        if carried is not None:
            self.facts += counted_for_life(account.id, period, carried.life, self.now)
            self.current.windows = carried
        if before.wallet is not None:
            self._carry(before.wallet)
        for plan, paying, covers, whole in charges:
            self.subscribe(plan, paying, covers, whole)

    def _open(self, period: Period, balance: int | None) -> None:
        account = self.account
        terms = (account.plan, account.limits, balance, account.currency)
        self.facts.append(PeriodOpened(account.id, self.now, period, *terms, zones_version()))
        self.ledger.current = PeriodState(period, balance)

    def _carry(self, wallet: Wallet) -> None:
        """Grants go on, but for those that are over and of which nothing is left."""
        grants = [one for one in wallet.grants.values() if one.left or one.held or not one.is_over(self.now)]
        if grants or wallet.charged_until > self.current.period.start:
            whose = (self.account.id, self.now, self.current.period)
            self.add(GrantsCarried(*whose, *wallet.carried(grants)))

    def _charges(self, last: Period, period: Period) -> Iterator[tuple[str, Paying, Period, Period]]:
        """Each plan and span after the last period that is charged, as it was then; changes of plan are recorded."""
        wallet = self.current.wallet
        charged = 0 if wallet is None else wallet.charged_until
        for span in self._spans(last, period):
            self._change_at(span.start, self.now)
            begin = max(span.start, charged)
            later = self.account.next
            if span != period and later is not None and later.at is not None and span.contains(later.at):
                if begin < later.at:
                    yield self.account.plan, self.account.paying, Period(begin, later.at), span
                begin = max(begin, later.at)
                self._change_at(later.at, self.now)
            if begin < span.end:
                yield self.account.plan, self.account.paying, Period(begin, span.end), span

    def _spans(self, last: Period, period: Period) -> Sequence[Period]:
        """The periods up to this one; if no plan costs anything, only this one."""
        account = self.account
        if not is_paid_for(account.paying) and account.next is None:
            return (period,)
        spans = [period_after(last, account.cycle, account.zone, last.end)]
        while spans[-1].end < period.end:
            spans.append(period_after(spans[-1], account.cycle, account.zone, spans[-1].end))
        return spans

    def _change_at(self, instant: int, now: int) -> None:
        """The plan that was agreed for the end of the period, or for an instant before this one."""
        later = self.account.next
        if later is not None and (later.at is None or later.at <= min(instant, now)):
            self.add(changed_to(self.account, later, now))

    def change_plan_when_due(self) -> None:
        """A plan that follows within the period, such as that after a trial, from the instant on that was agreed.

        Its limits hold at once, also for what was admitted before in their hour or day.
        """
        later, current = self.account.next, self.current
        if later is None or later.at is None or later.at > self.now or later.at >= current.period.end:
            return
        self.change_plan(changed_to(self.account, later, self.now), max(later.at, current.period.start))
        if self.ledger.evidence.recent:
            self.add(*begin_narrow(self.account, self.current, self.now, self.ledger.evidence.recent))

    def change_plan(self, change: PlanChanged, since: int) -> None:
        """Another plan from an instant of the period on: the rest of the old price back, the new one for as long."""
        self.add(change)
        self.give_back(since)
        period = self.current.period
        self.subscribe(change.plan, change.paying or FREE, Period(since, period.end), period)

    def give_back(self, since: int) -> None:
        """The price of the rest of the period, as far as the allowance for it can be taken back."""
        wallet, account = self.current.wallet, self.account
        paid = None if wallet is None else wallet.subscription
        if wallet is None or paid is None or not paid.covers.start <= since < paid.covers.end:
            return
        whose, covers = (account.id, self.now, self.current.period), Period(since, paid.covers.end)
        back, cut = allowance_cut(paid, wallet.grants.get(paid.allowance), covers)
        if back:
            self.add(SubscriptionCharged(*whose, paid.plan, -back, account.currency, covers))
        if cut:
            taken = (paid.allowance, str(Source.ALLOWANCE), cut)
            self.add(GrantEnded(*whose, *taken, account.currency, over=False, reason=PLAN_CHANGED))

    def subscribe(self, plan: str, paying: Paying, covers: Period, whole: Period) -> None:
        """Charge a plan for a span, by its part of a period, and give the allowance if the span is not over."""
        account = self.account
        if account.standing is Standing.CLOSED or not is_paid_for(paying):
            return
        price = prorated(paying.price, covers, whole)
        allowance = prorated(paying.allowance, covers, whole) if covers.contains(self.now) else 0
        grant = self._name_of_allowance(covers.start) if allowance else ""
        whose = (account.id, self.now, self.current.period)
        self.add(SubscriptionCharged(*whose, plan, price, account.currency, covers, grant))
        if allowance:
            terms, unpaid = (grant, str(Source.ALLOWANCE), allowance), max(allowance - price, 0)
            self.add(GrantGiven(*whose, *terms, account.currency, expires=covers.end, unpaid=unpaid))

    def _name_of_allowance(self, start: int) -> str:
        """By the instant from which it is; of plans that begin at one instant each has a name of its own."""
        wallet = self.current.wallet
        known = {} if wallet is None else wallet.grants
        name = first = f"{Source.ALLOWANCE}:{start}"
        count = 1
        while name in known:
            count += 1
            name = f"{first}.{count}"
        return name

    def end_grants(self) -> None:
        """Whatever is left of grants that are over lapses; what is held of them can still be spent."""
        self.add(*lapses(self.account, self.current, self.now))


def lapses(account: Account, current: PeriodState, now: int) -> list[Fact]:
    """The facts by which the rest of all grants lapses that are over."""
    if current.wallet is None:
        return []
    whose, wallet = (account.id, now, current.period), current.wallet
    return [
        GrantEnded(*whose, one.id, one.source, one.left, account.currency, over=True, reason=wallet.end_of(one.id))
        for one in wallet.over(now)
    ]


def changed_to(account: Account, later: Later, now: int, reason: str = "") -> PlanChanged:
    """The change to a plan that was agreed."""
    terms = later.terms
    paying = terms.paying if terms.paying != FREE else None
    return PlanChanged(account.id, now, terms.plan, terms.limits, reason, dict(terms.windows), paying)


def _is_due(account: Account, current: PeriodState, now: int) -> bool:
    if current.wallet is not None and current.wallet.due <= now:
        return True
    return account.next is not None and account.next.at is not None and account.next.at <= now


def is_paid_for(paying: Paying) -> bool:
    """Whether something is charged or given for a period of a plan."""
    return bool(paying.price or paying.allowance)
