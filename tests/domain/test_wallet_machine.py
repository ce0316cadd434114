"""Anything that may happen to a wallet, in any order, held against books, a naive order of spending and a replay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.account import AccountFact
from domain.billing import PeriodClosed
from domain.closing import Closing, close_period
from domain.entering import into_period
from domain.errors import InvalidRequest
from domain.granting import charge_back, charge_back_grant, revoke_grant
from domain.ledger import Ledger, evolve, period_stream, stream_of
from domain.operation import Validated
from domain.planning import move_to_plan, schedule_plan
from domain.plans import AT_ONE, Limits, Plan, Trial
from domain.settlement import add_credit, adjust, complete, release
from domain.statement import StatementFold
from domain.streams import NEVER
from domain.terms import change_time_zone
from domain.wallet import GrantRevoked, SubscriptionCharged
from tests.domain.examples import APRIL, CENT, IMAGES
from tests.domain.test_wallets import Book
from tests.domain.wall_clocks import DAY, MINUTE

RANK = ("allowance", "promotional", "paid")
ZONES = ("UTC", "Asia/Tokyo", "America/New_York", "Pacific/Apia")


def plan_of(number: int) -> Plan:
    """Plans that all cost something, with and without an allowance; what is beyond that is never sold at a factor."""
    allowance = number % 3 * 40 * CENT
    overage = None if number % 5 == 4 and allowance else AT_ONE
    return Plan(f"plan-{number}", (number + 1) * 37 * CENT + number, Limits(), allowance=allowance, overage=overage)


class Wallets(RuleBasedStateMachine):
    @initialize(number=st.integers(0, 9), prepaid=st.booleans(), tried=st.booleans(), day=st.integers(0, 29))
    def begin(self, number: int, prepaid: bool, tried: bool, day: int) -> None:
        plan = plan_of(number)
        trial = Trial(3 + number * 5, allowance=number * CENT) if tried else None
        self.now = APRIL.start + day * DAY
        first = Plan(plan.id, plan.price, plan.limits, {}, plan.allowance, plan.overage, trial)
        self.book = Book(first, self.now, prepaid=prepaid, then=plan)
        self.paid_from = self.now if trial is None else self.now + trial.days * DAY
        self.count, self.closed = 0, NEVER
        self.revoked: set[str] = set()
        self.versions: dict[str, int] = {}
        self.read: tuple[tuple[int, int], list[Any]] = ((-1, -1), [])

    def step(self, decide: Any, *args: Any, **named: Any) -> list[Any]:
        """What is not allowed records nothing."""
        self.now += MINUTE
        with suppress(InvalidRequest):
            return self.book.do(decide, *args, **named)
        return []

    def an_operation(self, which: int) -> str:
        return f"op-{which % max(self.count, 1)}"

    @rule(amount=st.integers(1, 300), terms=st.integers(0, 999))
    def grant(self, amount: int, terms: int) -> None:
        self.now += MINUTE
        expires = None if terms % 4 == 0 else self.now + terms % 40 * DAY + 1
        kinds = ((), ("images",), ("videos",))[terms % 3]
        source = RANK[1 + terms % 2]
        with suppress(InvalidRequest):
            given = {"source": source, "priority": terms % 3, "expires": expires, "kinds": kinds}
            self.book.grant(f"g{terms % 20}", amount * CENT, self.now, **given)

    @rule(amount=st.integers(1, 500), which=st.integers(0, 5))
    def top_up(self, amount: int, which: int) -> None:
        self.step(add_credit, amount * CENT, f"credit:p{which}", self.now)

    @rule(which=st.integers(0, 5), amount=st.integers(1, 500))
    def take_back(self, which: int, amount: int) -> None:
        self.step(charge_back, "acme", f"p{which}", amount * CENT, self.now, "disputed")

    @rule(price=st.integers(0, 200))
    def ask(self, price: int) -> None:
        """Held is what a naive reading of the grants says, and never more than there is."""
        self.now += MINUTE
        _, current, _ = into_period(self.book.ledger, self.book.ledger.account, self.now)
        expected = [*naive_draws(current.wallet, price * CENT, self.now)]
        self.count += 1
        facts = self.book.buy(f"op-{self.count - 1}", price * CENT, self.now)
        held = [fact for fact in facts if type(fact) is Validated]
        if held:
            assert [(one.grant, one.amount) for one in held[0].drawn or ()] == expected
            assert not self.revoked & {grant for grant, _ in expected}
            assert self.book.ledger.current.balance is None or self.book.ledger.current.balance >= 0
        elif current.balance is None:
            assert self.book.ledger.account.paying.overage is None
            assert sum(amount for _, amount in expected) < price * CENT

    @rule(which=st.integers(0, 50))
    def deliver(self, which: int) -> None:
        self.step(complete, self.an_operation(which), IMAGES[:1], None, self.now)

    @rule(which=st.integers(0, 50))
    def give_up(self, which: int) -> None:
        self.step(release, self.an_operation(which), "policy", self.now)

    @rule(which=st.integers(0, 50), amount=st.integers(1, 100))
    def refund(self, which: int, amount: int) -> None:
        self.step(adjust, self.an_operation(which), -amount * CENT, 0, "sorry", f"r{amount}", self.now)

    @rule(number=st.integers(0, 9), later=st.booleans())
    def change_plan(self, number: int, later: bool) -> None:
        account = self.book.ledger.account
        if account.next is not None and account.next.at is not None and not later:
            self.paid_from = min(self.paid_from, self.now + MINUTE)
        self.now += MINUTE
        with suppress(InvalidRequest):
            self.book.do(schedule_plan if later else move_to_plan, "acme", plan_of(number), self.now)

    @rule(zone=st.sampled_from(ZONES))
    def change_zone(self, zone: str) -> None:
        self.now += MINUTE
        self.book.record(change_time_zone(self.book.ledger.account, zone, self.now))

    @rule(which=st.integers(0, 3))
    def revoke(self, which: int) -> None:
        self.now += MINUTE
        known = self.book.wallet.grants.values()
        grants = [one.id for one in sorted(known, key=lambda one: (one.source != "promotional", not one.held))]
        facts = self.step(revoke_grant, "acme", grants[which % len(grants)] if grants else "none", self.now, "abuse")
        self.revoked |= {fact.grant for fact in facts if type(fact) is GrantRevoked}

    @rule(price=st.integers(1, 50), settles=st.sampled_from(("delivered", "given up", "refunded", "later")))
    def revoke_what_is_held(self, price: int, settles: str) -> None:
        self.grant(price * 2, 0 if self.count % 2 else 3 * DAY)
        self.ask(price)
        self.revoke(0)
        newest = self.count - 1
        if settles == "given up":
            self.give_up(newest)
        elif settles != "later":
            self.deliver(newest)
        if settles == "refunded":
            self.refund(newest, 1)

    @rule(price=st.integers(1, 300), settles=st.booleans())
    def take_back_the_payment_for_a_grant(self, price: int, settles: bool) -> None:
        """Of which some is spent, or held."""
        pack, self.now = f"pack-{self.count}", self.now + MINUTE
        with suppress(InvalidRequest):
            self.book.grant(pack, 2 * price * CENT, self.now, source="paid")
        self.ask(price)
        if settles:
            self.deliver(self.count - 1)
        self.step(charge_back_grant, "acme", pack, 2 * price * CENT, self.now, "disputed")

    @rule(days=st.integers(1, 45))
    def wait(self, days: int) -> None:
        self.now += days * DAY

    @rule()
    def close(self) -> None:
        """The oldest period that is open is closed with what a reading of its stream comes to, if it is over."""
        read = self.statements()
        first = next((one for one in read if one.period.start >= self.closed), None)
        if first is None or first.period.end > self.now:
            return
        self.book.ledger.evidence.end = (first.version, "")
        facts = self.step(close_period, Closing(first, self.book.ledger.account.billing.until, carry=True), self.now)
        if any(type(fact) is PeriodClosed for fact in facts):
            self.closed = first.period.end
            self.versions[period_stream("acme", first.period)] = first.version

    def statements(self) -> list[Any]:
        """Every period's statement so far, each opened with what the one before left; closed ones as they were."""
        upto = (len(self.book.facts), len(self.versions))
        if self.read[0] != upto:
            self.read = (upto, self.read_statements())
        return self.read[1]

    def read_statements(self) -> list[Any]:
        prepaid = self.book.ledger.account.prepaid
        found: list[Any] = []
        streams: dict[Any, list[Any]] = {}
        for fact in self.book.facts:
            if not isinstance(fact, AccountFact):
                streams.setdefault(stream_of(fact), []).append(fact)
        for stream, all_facts in streams.items():
            facts = all_facts[: self.versions.get(stream)]
            period = next(fact.period for fact in facts if hasattr(fact, "period"))
            fold = StatementFold(period)
            for fact in facts:
                fold.add(fact)
            opening = (found[-1].closing if found else 0) if prepaid else None
            granted = found[-1].left_of_grants if found else 0
            found.append(fold.finish("acme", "UTC", len(facts), "", opening, granted))
        return found

    @invariant()
    def books_agree_with_the_ledger(self) -> None:
        book, wallet = self.book, self.book.wallet
        assert sum(book.balances.values()) == 0
        for source, name in zip(RANK, ("allowance", "credits:promotional", "credits:paid"), strict=True):
            assert -book.balances.get(name, 0) == wallet.total(source)
        for grant in wallet.grants.values():
            assert min(grant.left, grant.held) >= 0
        if book.ledger.account.prepaid:
            assert -book.balances.get("wallet:available", 0) == book.ledger.current.balance

    @invariant()
    def every_instant_is_paid_for_once(self) -> None:
        """Each charge goes on where the one before ended, or takes its place from an instant on, to the same end."""
        last: SubscriptionCharged | None = None
        for fact in self.book.facts:
            if type(fact) is not SubscriptionCharged or fact.price < 0:
                continue
            if last is None:
                assert fact.covers.start == self.paid_from
            else:
                changed = last.covers.start <= fact.covers.start and last.covers.end == fact.covers.end
                assert changed or fact.covers.start == last.covers.end
            last = fact
        assert last is None or last.covers.end == self.book.ledger.current.period.end

    @invariant()
    def a_process_that_reads_the_open_period_alone_knows_as_much(self) -> None:
        """The account's stream first, then that of its current period, as the writer catches up."""
        ledger, current = self.book.ledger, self.book.ledger.current
        here = period_stream("acme", current.period)
        again = Ledger()
        for fact in sorted(self.book.facts, key=lambda fact: not isinstance(fact, AccountFact)):
            if isinstance(fact, AccountFact) or stream_of(fact) == here:
                evolve(again, fact)
        assert again.account == ledger.account
        assert again.current is not None
        assert (again.current.balance, again.current.wallet) == (current.balance, current.wallet)

    @invariant()
    def statements_add_up_to_what_is_owed_and_left(self) -> None:
        last = self.statements()[-1]
        assert last.left_of_grants == sum(self.book.wallet.total(source) for source in RANK)
        if self.book.ledger.account.prepaid:
            held = -self.book.balances.get("wallet:held", 0)
            assert last.closing == self.book.ledger.current.balance + held
        else:
            assert sum(one.total for one in self.statements()) == self.book.balances.get("receivable", 0)

    @invariant()
    def statements_tell_what_was_revoked_from_what_expired(self) -> None:
        """Whatever comes back of a revoked grant is revoked too, but for refunds: they lapse, as they came too late."""
        lines = [line for one in self.statements() for line in one.grants]
        late: Counter[str] = Counter()
        for fact in self.book.facts:
            late.update({one.grant: one.amount for one in getattr(fact, "back", None) or () if one.to == "lapsed"})
        for grant in {line.grant for line in lines}:
            told = [line for line in lines if line.grant == grant]
            if grant in self.revoked:
                assert sum(line.lapsed for line in told) == late[grant]
                assert [line.reason for line in told if line.revoked_at] == ["abuse"]
                assert all(line.ended == "revoked" for line in told if line.revoked or line.revoked_at)
            else:
                assert {(line.revoked, line.revoked_at, line.ended == "revoked") for line in told} == {(0, None, False)}


def naive_draws(wallet: Any, price: int, now: int) -> Iterator[tuple[str, int]]:
    """The smallest grant by the written rule, again and again, until the price is paid."""
    left = {} if wallet is None else {one.id: one.left for one in wallet.grants.values()}
    while price > 0:
        may = [
            one
            for one in ([] if wallet is None else wallet.grants.values())
            if left[one.id] > 0
            and (one.expires is None or one.expires > now)
            and (not one.kinds or "images" in one.kinds)
        ]
        if not may:
            return
        far = 10**18
        first = min(may, key=lambda one: (RANK.index(one.source), one.priority, one.expires or far, one.given, one.id))
        part = min(left[first.id], price)
        yield first.id, part
        left[first.id] -= part
        price -= part


TestWallets = Wallets.TestCase
TestWallets.settings = settings(max_examples=45, stateful_step_count=40)
