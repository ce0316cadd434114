"""What may happen to a few accounts, in any order: callers, corrections, a clock that jumps, and crashes.

Each rule says what it expects, worked out by the naive ledger; what must hold after all of them is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from domain.account import Account, AccountFact
from domain.admission import Ask, accept, reroute
from domain.beginning import change_limits, needed_since
from domain.errors import IllegalTransition, InvalidInput, KeyReused
from domain.evidence import Spent
from domain.issuing import SealedKey, issue_key
from domain.keys import KeyScope, KeyTerms
from domain.ledger import Decide, Fact, Ledger, PeriodOpened, known_account, period_stream
from domain.limiting import change_limit, inherit_limit
from domain.money import LARGEST_AMOUNT
from domain.openings import Terms, open_account
from domain.operation import POLICY, Charged, Rejected, Released, Validated
from domain.periods import Period
from domain.plans import MEASURES, Limits
from domain.pricing import Quote, Unpriced
from domain.settlement import add_credit, adjust, complete, dispatch, fail, record_job, release
from domain.terms import change_plan
from tests.domain.examples import IMAGE, UNKNOWN_PRICE, ask, priced
from tests.domain.naive import (
    OUTSIDE,
    Life,
    NaiveLedger,
    clock_window,
    fair_share,
    lives,
    month_of,
    scopes,
    taken,
    taken_for_life,
    taken_in,
    trial_balance,
)
from tests.domain.wall_clocks import DAY, MINUTE, utc

SMALL = Limits(images=7, edits=3, spend=80)
LARGE = Limits(images=12, spend=150)
ACCOUNTS = {
    "billed": Terms("small", SMALL),
    "prepaid": Terms("open", Limits(), zone="America/New_York", prepaid=True),
    "both": Terms("large", LARGE, zone="Asia/Tokyo", prepaid=True),
}
CAPS = {"billed": None, "prepaid": 30, "both": 7}

NAMES = st.sampled_from(sorted(ACCOUNTS))
USERS, PROJECTS = st.sampled_from(["ann", "bob"]), st.sampled_from([None, "site"])
PRICED = st.builds(priced, st.integers(0, 40), st.integers(1, 4))
ODD = st.one_of(
    PRICED,
    st.builds(replace, st.just(UNKNOWN_PRICE), outputs=st.integers(1, 3)),
    st.just(priced(1, currency="EUR")),
)
BILLS = st.none() | st.integers(0, 60) | st.sampled_from([-1, LARGEST_AMOUNT + 1])
JUMPS = st.sampled_from([0, MINUTE, 60 * MINUTE, -60 * MINUTE, DAY, 31 * DAY, 95 * DAY, -40 * DAY])
NARROW_AND_LIFE = ("hour", "day", "life")
API_KEY = "key_7hq2m9x4ka"
"""Each account has issued one, which asks for whomever it likes."""
FORWARDING = KeyTerms((KeyScope.OPERATE,), forwards=True)
MY_KEYS = ("key-1", "key-2", "key-3")
BY = st.sampled_from([None, API_KEY])
SENDERS = st.sampled_from(["desk-1", None])
WHICH = st.integers(0, 10_000)
LIMITED_ONES = [
    ("account", "images"),
    ("account", "spend"),
    ("user:ann", "images"),
    ("project:site", "spend"),
    (f"key:{API_KEY}", "spend"),
]
LIMITED = st.sampled_from(LIMITED_ONES)


class Studio(RuleBasedStateMachine):
    """Accounts, callers, a clock that jumps, and processes that die."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = utc("2026-01-30T22:00")
        self.desks = {name: NaiveLedger(name) for name in ACCOUNTS}
        self.plans = {name: terms.limits for name, terms in ACCOUNTS.items()}
        self.changed: dict[tuple[str, str, str, str], int | None] = {}
        self.lives_since: dict[tuple[str, str], int] = {}
        self.past: list[tuple[str, int, list[Fact]]] = []
        self.requested: list[tuple[str, str]] = []
        self.touched = set(ACCOUNTS)

    # What happens

    @initialize()
    def open_accounts(self) -> None:
        for name in ACCOUNTS:
            self.open_account(name)

    def open_account(self, name: str) -> None:
        cap = CAPS[name]
        self.do(name, lambda ledger, now: [*open_account(ledger.account, name, ACCOUNTS[name], now)])
        issued = SealedKey(API_KEY, name, "")
        self.on_terms(name, lambda account, now: issue_key(account, issued, FORWARDING, now))
        if cap is not None:
            self.on_terms(name, lambda account, now: change_limit(account, "account", "unpriced", cap, now))
        if ACCOUNTS[name].prepaid:
            self.pay(name, 200, "first")

    @rule(jump=JUMPS)
    def move_the_clock(self, jump: int) -> None:
        self.clock = max(self.clock + jump, utc("2025-12-01"))

    @rule(name=NAMES, step=st.sampled_from([-1, 0, 1]))
    def move_the_clock_to_the_end_of_a_period(self, name: str, step: int) -> None:
        period = self.desks[name].ledger.current
        if period is not None:
            self.clock = period.period.end + step

    @rule(name=NAMES, quote=PRICED, late=st.integers(0, 2))
    def begin_the_next_period(self, name: str, quote: Quote, late: int) -> None:
        self.clock = self.period_of(name).end + late * 20 * DAY
        self.ask(self.wish(name, [quote]))

    @rule(name=NAMES)
    def crash(self, name: str) -> None:
        self.desks[name].ledger = self.desks[name].rebuilt()

    @rule(name=NAMES)
    def end_a_batch(self, name: str) -> None:
        self.desks[name].ledger.forget()

    @rule(name=NAMES)
    def look_back(self, name: str) -> None:
        desk = self.desks[name]
        before = desk.ledger.last - 1
        self.past.append((name, before, [fact for fact in desk.log if fact.at <= before]))

    @rule(name=NAMES, quotes=st.lists(PRICED, min_size=1, max_size=3), user=USERS, project=PROJECTS, by=BY)
    def request(
        self, name: str, quotes: list[Quote | Unpriced], user: str, project: str | None, by: str | None
    ) -> None:
        self.ask(self.wish(name, quotes, user=user, project=project, api_key=by))

    @rule(name=NAMES, quote=ODD, family=st.sampled_from(["images", "edits", "other"]), sender=SENDERS)
    def request_something_odd(self, name: str, quote: Quote | Unpriced, family: str, sender: str | None) -> None:
        self.ask(self.wish(name, [quote], family=family, sender=sender))

    @rule(name=NAMES, quote=PRICED, key=st.sampled_from(MY_KEYS), body=st.sampled_from(["same", "same", "other"]))
    def request_under_a_key(self, name: str, quote: Quote, key: str, body: str) -> None:
        known = self.desks[name].keys.get(key)
        wish = self.wish(name, [quote], key=key, fingerprint=body)
        if known is None:
            self.ask(wish, (key, Spent(wish.batch, body)))
        elif known.fingerprint == body:
            assert self.decided(wish, (key, Spent(wish.batch, body))) == []
        else:
            with pytest.raises(KeyReused):
                self.decided(wish, (key, Spent(wish.batch, body)))

    @rule(name=NAMES, quote=PRICED, delivered=st.integers(1, 4), bill=BILLS)
    def request_and_complete(self, name: str, quote: Quote, delivered: int, bill: int | None) -> None:
        self.ask(self.wish(name, [quote]))
        self.complete_one(self.lives(name)[self.requested[-1][1]], delivered, bill)

    @precondition(lambda self: self.requested)
    @rule(which=WHICH)
    def ask_again_after_a_lost_answer(self, which: int) -> None:
        name, id = self.requested[which % len(self.requested)]
        life = self.lives(name)[id]
        quote = life.quote or priced(1)
        again = Ask(name, "ann", None, id, (id,), "make", "images", None, "", "digest", (quote,), None)

        assert self.do(name, lambda ledger, now: accept(ledger, again, now), id) == []

    @precondition(lambda self: self.requested)
    @rule(which=WHICH, attempt=st.sampled_from([None, 1, 2]))
    def send(self, which: int, attempt: int | None) -> None:
        life = self.some_life(which)
        number = life.attempts + 1 if attempt is None else attempt
        facts = self.about(life, lambda ledger, now, op: dispatch(ledger, op, number, "desk-2", now))
        if facts:
            assert (life.is_open, life.has_job, number) == (True, False, life.attempts + 1)

    @precondition(lambda self: self.requested)
    @rule(which=WHICH, job=st.sampled_from(["job-1", "job-2"]))
    def record_job(self, which: int, job: str) -> None:
        life = self.some_life(which)
        facts = self.about(life, lambda ledger, now, op: record_job(ledger, op, job, now))
        assert bool(facts) == (life.is_sent and not life.has_job)

    @precondition(lambda self: self.requested)
    @rule(which=WHICH, delivered=st.integers(0, 5), bill=BILLS)
    def complete(self, which: int, delivered: int, bill: int | None) -> None:
        self.complete_one(self.some_life(which), delivered, bill)

    @precondition(lambda self: self.requested)
    @rule(which=WHICH, cost=st.sampled_from([0, 3, -1]))
    def fail(self, which: int, cost: int) -> None:
        life = self.some_life(which)
        facts = self.about(life, lambda ledger, now, op: fail(ledger, op, "blocked", cost, now))
        assert any(isinstance(fact, Released) for fact in facts) == life.is_open

    @precondition(lambda self: self.requested)
    @rule(which=WHICH, reason=st.sampled_from([POLICY, "content_erased"]))
    def release(self, which: int, reason: str) -> None:
        life = self.some_life(which)
        facts = self.about(life, lambda ledger, now, op: release(ledger, op, reason, now))
        assert any(isinstance(fact, Released) for fact in facts) == life.is_open

    @precondition(lambda self: self.requested)
    @rule(which=WHICH, wish=PRICED | ODD)
    def reroute(self, which: int, wish: Quote | Unpriced) -> None:
        life = self.some_life(which)
        attempt = life.attempts + 1
        other = replace(wish, model="spare")
        self.about(life, lambda ledger, now, op: reroute(ledger, op, other, "blocked", attempt, "desk-1", now))

    @precondition(lambda self: self.requested)
    @rule(which=WHICH, price=st.integers(-5, 0) | st.integers(-40, 1), reference=st.sampled_from(["t-1", "t-2", "t-3"]))
    def refund(self, which: int, price: int, reference: str) -> None:
        every = self.all_lives()
        several = [life for life in every if life.charged and which % 4] or every
        life = several[which % len(several)]
        facts = self.about(life, lambda ledger, now, op: adjust(ledger, op, price, 0, "sorry", reference, now))
        fits = life.charged - life.refunded + price >= 0 > price
        assert bool(facts) == bool(fits and life.endings and reference not in life.references)

    @rule(name=st.sampled_from(["prepaid", "both"]), amount=st.integers(-1, 150), key=st.sampled_from("abcdef"))
    def pay(self, name: str, amount: int, key: str) -> None:
        known = self.desks[name].keys.get(f"credit:{key}")
        row = (f"credit:{key}", Spent(key, str(amount)))
        try:
            facts = self.do(name, lambda ledger, now: add_credit(ledger, amount, row[0], now), key=row)
        except InvalidInput:
            assert amount <= 0
        except KeyReused:
            assert known is not None
            assert known.fingerprint != str(amount)
        else:
            assert bool(facts) == (known is None)

    @rule(name=NAMES, limits=st.sampled_from([SMALL, LARGE, Limits()]))
    def change_plan(self, name: str, limits: Limits) -> None:
        self.on_terms(name, lambda account, now: change_plan(account, "other", limits, now))
        self.plans[name] = limits

    @rule(
        name=NAMES,
        limited=LIMITED,
        limit=st.none() | st.integers(0, 20) | st.integers(0, 100),
        window=st.sampled_from(["period", *NARROW_AND_LIFE]),
    )
    def change_limit(self, name: str, limited: tuple[str, str], limit: int | None, window: str) -> None:
        self.on_limits(name, lambda account, now: change_limit(account, *limited, limit, now, window=window))
        self.changed[name, *limited, window] = limit
        self.count_lives(name, *(scope for scope, _ in LIMITED_ONES))

    @rule(name=NAMES, limited=LIMITED, window=st.sampled_from(["period", *NARROW_AND_LIFE]))
    def inherit_limit(self, name: str, limited: tuple[str, str], window: str) -> None:
        self.on_limits(name, lambda account, now: inherit_limit(account, *limited, now, window=window))
        self.changed.pop((name, *limited, window), None)
        self.count_lives(name, *(scope for scope, _ in LIMITED_ONES))

    # How it happens

    def wish(self, name: str, quotes: Sequence[Quote | Unpriced], **changes: Any) -> Ask:
        ids = tuple(f"{name}-{len(self.requested) + number}" for number in range(len(quotes)))
        return ask(*ids, account=name, quotes=tuple(quotes), **changes)

    def decided(self, wish: Ask, key: tuple[str, Spent] | None = None) -> list[Fact]:
        return self.do(wish.account, lambda ledger, now: accept(ledger, wish, now), key=key)

    def ask(self, wish: Ask, key: tuple[str, Spent] | None = None) -> None:
        """Put a new request to the ledger, which answers what the naive one expects."""
        expected, period = self.expected_refusal(wish), self.period_of(wish.account)
        check_answer(self.decided(wish, key), wish, period, expected)
        self.count_lives(wish.account, *scopes(wish.user, wish.project, wish.api_key))
        self.requested += [(wish.account, id) for id in wish.operations]

    def complete_one(self, life: Life, delivered: int, bill: int | None) -> None:
        facts = self.about(life, lambda ledger, now, op: complete(ledger, op, (IMAGE,) * delivered, bill, now))
        charged = [fact.price for fact in facts if isinstance(fact, Charged)]
        expected = [expected_price(life.quote, delivered, bill)] if life.is_sent and life.quote is not None else []
        assert charged == expected

    def do(self, name: str, decide: Decide, *operations: str, key: tuple[str, Spent] | None = None) -> list[Fact]:
        self.touched.add(name)
        return self.desks[name].decide(decide, self.clock, *operations, key=key)

    def on_terms(self, name: str, decide: Callable[[Account, int], Sequence[AccountFact]]) -> None:
        self.do(name, lambda ledger, now: [*decide(known_account(ledger, name), now)])

    def on_limits(self, name: str, change: Callable[[Account, int], Sequence[AccountFact]]) -> None:
        """As a use case does: what was admitted before in an hour or a day is counted from the facts since."""

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            changes = change(known_account(ledger, name), now)
            since = needed_since(ledger, changes, now)
            if since is not None and ledger.current is not None:
                stream = self.desks[name].stream(period_stream(name, ledger.current.period))
                ledger.evidence.recent = [fact for fact in stream if fact.at >= since]
            return change_limits(ledger, changes, now)

        self.do(name, decide)

    def count_lives(self, name: str, *asked: str) -> None:
        """A scope counts for life from the period in which its limit was set, or is met first."""
        desk = self.desks[name]
        period = self.period_of(name)
        if desk.ledger.current is None or period != desk.ledger.current.period:
            return
        limited = {scope for account, scope, _, window in self.changed if (account, window) == (name, "life")}
        for scope in limited & set(asked):
            if any(self.limit(name, scope, measure, "life") is not None for measure in MEASURES):
                self.lives_since.setdefault((name, scope), period.start)

    def about(self, life: Life, decide: Callable[[Ledger, int, str], list[Fact]]) -> list[Fact]:
        """What a decision about one operation recorded; one that is not allowed records nothing."""
        id = life.operation.id
        try:
            return self.do(life.operation.account, lambda ledger, now: decide(ledger, now, id), id)
        except (IllegalTransition, InvalidInput, KeyReused):
            return []

    def lives(self, name: str) -> dict[str, Life]:
        return lives(self.desks[name].log)

    def some_life(self, which: int) -> Life:
        """An operation; mostly one that is still open."""
        every = self.all_lives()
        several = [life for life in every if life.is_open and which % 4] or every
        return several[which % len(several)]

    def all_lives(self) -> list[Life]:
        return [life for name in ACCOUNTS for life in self.lives(name).values()]

    # What is expected, worked out the slow way

    def period_of(self, name: str) -> Period:
        """The period in which the next fact is booked: it never goes back, and follows the zone's months."""
        desk = self.desks[name]
        months = [fact.period for fact in desk.log if isinstance(fact, PeriodOpened)]
        months.append(month_of(max(self.clock, desk.ledger.last), ACCOUNTS[name].zone))
        return max(months)

    def limit(self, name: str, scope: str, measure: str, window: str = "period") -> int | None:
        plan = self.plans[name].of(measure) if (scope, window) == ("account", "period") else None
        return self.changed.get((name, scope, measure, window), plan)

    def left(self, name: str, scope: str, measure: str, window: str = "period") -> int | None:
        limit = self.limit(name, scope, measure, window)
        if limit is None:
            return None
        lives, period, zone = self.lives(name).values(), self.period_of(name), ACCOUNTS[name].zone
        now = max(self.clock, self.desks[name].ledger.last)
        match window:
            case "period":
                used = taken(lives, period, scope, measure)
            case "life":
                used = taken_for_life(lives, self.lives_since.get((name, scope), period.start), scope, measure)
            case _:
                used = taken_in(lives, clock_window(window, now, zone), window, scope, measure)
        return max(limit - used, 0)

    def balance(self, name: str) -> int:
        """What was paid in and is neither held nor charged, whichever period it came from."""
        pockets = trial_balance(self.desks[name].log)
        lives = self.lives(name).values()
        return -pockets[OUTSIDE] - sum(life.held + life.charged - life.refunded for life in lives)

    def expected_refusal(self, ask: Ask) -> tuple[str, str, str, int, int | None] | None:
        """Reason, scope, measure, what is asked and what is left, of the first that does not fit."""
        name, cap = ask.account, CAPS[ask.account]
        if any(isinstance(quote, Quote) and quote.currency != "USD" for quote in ask.quotes):
            return "currency", "account", "", 0, None
        if cap is None and any(isinstance(quote, Unpriced) for quote in ask.quotes):
            return "unpriced", "account", "", 0, None
        price = sum(quote.price if isinstance(quote, Quote) else cap or 0 for quote in ask.quotes)
        wanted = ((ask.family, sum(quote.outputs for quote in ask.quotes)), ("spend", price))
        for window in ("hour", "day", "period", "life"):
            for scope in scopes(ask.user, ask.project, ask.api_key):
                for measure, asked in wanted:
                    left = self.left(name, scope, measure, window)
                    if left is not None and asked > left:
                        return f"limit by {window}", scope, measure, asked, left
        if ACCOUNTS[name].prepaid and price > self.balance(name):
            return "balance", "account", "balance", price, self.balance(name)
        return None


def check_answer(facts: list[Fact], ask: Ask, period: Period, refusal: tuple[object, ...] | None) -> None:
    """All or nothing, in the right period, for the right reason."""
    answers = [fact for fact in facts if isinstance(fact, Validated | Rejected)]
    assert [fact.operation.id for fact in answers] == list(ask.operations)
    assert {fact.operation.period for fact in answers} == {period}
    told = {
        (rule_of(fact), fact.scope, fact.measure, fact.asked, fact.left)
        for fact in answers
        if isinstance(fact, Rejected)
    }
    assert told == (set() if refusal is None else {refusal})


def rule_of(fact: Rejected) -> str:
    return f"limit by {fact.window}" if fact.reason == "limit" else fact.reason


def expected_price(quote: Quote, delivered: int, bill: int | None) -> int:
    """The quote's share for what was delivered; of an unknown price the bill's for as much as was asked, capped."""
    known = bill is not None and 0 <= bill <= LARGEST_AMOUNT
    if quote.rate is None and known and delivered:
        return min(fair_share(bill or 0, delivered, min(delivered, quote.outputs)), quote.price)
    return fair_share(quote.price, quote.outputs, min(delivered, quote.outputs))
