"""Logs of valid facts, made by the real decisions and stored as the store stores them; and what views should say.

steps ── History: decide, evolve ──> facts ── Log.record ──> rows of the log
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import func, select

from application.ledger.log import operation_of
from domain.account import Account, AccountFact
from domain.admission import accept, reroute
from domain.approvals import Approval, ApprovalAsked
from domain.approving import ask_approval, give_approval
from domain.errors import InvalidRequest
from domain.evidence import Spent
from domain.exchange import ExchangeRate, ExchangeRates
from domain.granting import Granted, charge_back, charge_back_grant, give_grant, spent_key
from domain.ledger import CreditAdded, Fact, Ledger, evolve, stream_of
from domain.openings import Terms, open_account
from domain.operation import POLICY, Adjusted, Charged, Sent
from domain.planning import move_to_plan, schedule_plan
from domain.plans import AT_ONE, Limits, Plan
from domain.refusals import Unapproved
from domain.settlement import add_credit, adjust, complete, dispatch, erase_content, fail, record_job, release
from domain.tariffs import Rule, Selling, Tier, tariff_of
from domain.terms import change_plan
from domain.wallet import ChargedBack, GrantGiven
from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import LOG
from projections.engine.database import FactSource
from projections.engine.folding import Folded, Folder, LogRow
from projections.engine.tables import live
from projections.engine.view import AnyView
from projections.views import ALL
from tests.domain.examples import BROUGHT, CENT, IMAGE, IMAGES, NOON, ask, priced
from tests.domain.wall_clocks import DAY, MINUTE

CODEC = FactMapper()
KINDS = ("text-to-image", "edit")
USERS = ("ann", "bob", 'quo"te\\')
MODELS = (("painter", "atelier"), ("sketcher", "studio"))
TERMS = {
    "acme": Terms("pro", Limits(images=20, spend=300 * CENT)),
    "bloom": Terms("open", Limits(), currency="EUR", zone="Asia/Tokyo"),
    "coin": Terms("open", Limits(), prepaid=True),
    "yen": Terms("yearly", Limits(), currency="JPY"),
}
RATES = (("EUR", "0.921578"), ("JPY", "155.123456"))
SELLING = Selling(
    "USD",
    {
        "retail": [
            tariff_of("retail", 0, [Rule(tiers=(Tier(0, Decimal("1.3"), 7), Tier(9, Decimal("1.1"))), of="cost")])
        ]
    },
    {"open": "retail"},
    ExchangeRates(tuple(ExchangeRate("USD", code, Decimal(rate), "ECB", 0) for code, rate in RATES)),
)
"""Prices are in USD; one account pays in EUR and one beforehand, both by a tariff, and one in JPY."""

BLOOM = list(TERMS).index("bloom")

Step = tuple[str, int, int]
HAPPENINGS = (
    "ask ask ask batch wish send submit deliver deliver deliver partly fail give_up late"
    " reroute refund erase pay wait leap leap"
    " grant grant plan later take"
)
STEPS = st.lists(
    st.tuples(st.sampled_from(HAPPENINGS.split()), st.integers(0, 59), st.integers(0, 5)),
    max_size=60,
)
"""What happens, to which account or operation, and how much of it; what is not allowed then does not happen."""


class History:
    """Accounts that live through steps; every fact was decided by the domain."""

    def __init__(self, prefix: str = "") -> None:
        self.ledgers = {f"{prefix}{name}": Ledger(selling=SELLING) for name in TERMS}
        self.facts: list[Fact] = []
        self.asked: list[tuple[str, str]] = []
        self.now = NOON
        for account, terms in zip(self.ledgers, TERMS.values(), strict=True):
            self._open(account, terms)

    def live(self, steps: Iterable[Step]) -> History:
        for step, which, amount in steps:
            self.now += MINUTE
            with suppress(InvalidRequest):
                getattr(self, f"_{step}")(which, amount)
        return self

    def _open(self, account: str, terms: Terms) -> None:
        self._do(account, lambda ledger, now: [*open_account(ledger.account, account, terms, now)])

    def _do(self, account: str, decide: Callable[[Ledger, int], list[Fact]]) -> None:
        ledger = self.ledgers[account]
        for fact in decide(ledger, max(self.now, ledger.last)):
            evolve(ledger, fact)
            self.facts.append(fact)

    def _to(self, which: int, decide: Callable[[Ledger, str, int], list[Fact]]) -> None:
        if self.asked:
            account, id = self.asked[which % len(self.asked)]
            self._do(account, lambda ledger, now: decide(ledger, id, now))

    def _request(self, which: int, amount: int, operations: int, sender: str | None) -> None:
        account = list(self.ledgers)[which % len(self.ledgers)]
        ids = [f"{account}-{len(self.asked) + number:05}" for number in range(operations)]
        self.asked += [(account, id) for id in ids]
        model, provider = MODELS[amount % len(MODELS)]
        quote = priced(7 * CENT * amount + 1, 1 + amount, model=model, provider=provider)
        who = {"account": account, "user": USERS[amount % len(USERS)], "project": None if amount % 2 else "site"}
        inputs = (BROUGHT, replace(BROUGHT, field="mask", id=IMAGE.id))[: amount % 3]
        wish = ask(*ids, quote=quote, kind=KINDS[which % len(KINDS)], sender=sender, inputs=inputs, **who)
        self._do(account, lambda ledger, now: accept(ledger, wish, now))

    def _ask(self, which: int, amount: int) -> None:
        self._request(which, amount, 1, "desk-1")

    def _batch(self, which: int, amount: int) -> None:
        self._request(which, amount, 3, "desk-1")

    def _wish(self, which: int, amount: int) -> None:
        self._request(which, amount, 1, None)

    def _send(self, which: int, _amount: int) -> None:
        self._to(which, lambda ledger, one, now: dispatch(ledger, one, 1, "desk-2", now))

    def _submit(self, which: int, amount: int) -> None:
        self._to(which, lambda ledger, one, now: record_job(ledger, one, f"job-{amount}", now))

    def _deliver(self, which: int, amount: int) -> None:
        cost = amount * CENT if amount % 2 else None
        made = (*IMAGES, replace(IMAGE, digest="cd" * 32, id=f"{which % 3:02}" * 12))
        self._to(which, lambda ledger, one, now: complete(ledger, one, made, cost, now))

    def _partly(self, which: int, amount: int) -> None:
        self._to(which, lambda ledger, one, now: complete(ledger, one, IMAGES[:1], amount, now))

    def _late(self, which: int, amount: int) -> None:
        self._give_up(which, amount)
        self._deliver(which, amount)

    def _fail(self, which: int, amount: int) -> None:
        self._to(which, lambda ledger, one, now: fail(ledger, one, "blocked", amount, now))

    def _give_up(self, which: int, _amount: int) -> None:
        self._to(which, lambda ledger, one, now: release(ledger, one, POLICY, now))

    def _reroute(self, which: int, amount: int) -> None:
        def again(ledger: Ledger, id: str, now: int) -> list[Fact]:
            state = ledger.look_up(id)
            attempt = state.attempts + 1 if isinstance(state, Sent) else 1
            quote = priced(amount * CENT, 1, model="rescuer", provider="atelier")
            return reroute(ledger, id, quote, "refused", attempt, "desk-3", now)

        self._to(which, again)

    def _refund(self, which: int, amount: int) -> None:
        reference = f"refund-{amount}"
        self._to(which, lambda ledger, one, now: adjust(ledger, one, -amount, amount, "sorry", reference, now))

    def _erase(self, which: int, amount: int) -> None:
        gone = (IMAGE.id, BROUGHT.id)[: amount % 3]
        self._to(which, lambda ledger, one, now: erase_content(ledger, [one], "asked", now, gone))

    def _pay(self, which: int, amount: int) -> None:
        payer = next(account for account in self.ledgers if account.endswith("coin"))
        self._do(payer, lambda ledger, now: add_credit(ledger, (amount + 1) * 100 * CENT, f"credit:key-{which}", now))

    def _wait(self, which: int, amount: int) -> None:
        """A key asks a person for what it may not spend by itself; one of them is approved at once."""
        account = list(self.ledgers)[which % len(self.ledgers)]
        wanted, quote = _unapproved(amount), f"quote_{account}_{which}"
        self._do(account, lambda ledger, now: ask_approval(ledger, account, wanted, quote, "ef" * 32, now))
        if amount == 1:
            asked = Approval(next(fact for fact in reversed(self.facts) if isinstance(fact, ApprovalAsked)))
            self.ledgers[account].evidence.approvals[quote] = asked
            self._do(account, lambda ledger, now: give_approval(ledger, account, quote, None, now))

    def _grant(self, which: int, amount: int) -> None:
        """Some for all, some for edits; some for ever, some for a few days."""
        account = list(self.ledgers)[which % len(self.ledgers)]
        source, kinds = ("promotional", "paid")[amount % 2], ("images",) if which % 5 == 0 else ()
        expires = None if amount > 3 else self.now + amount * 5 * DAY + MINUTE
        given = Granted((amount + 1) * 20 * CENT, source, which % 3, expires, kinds)
        self._know_grants(account)
        self._do(account, lambda ledger, now: give_grant(ledger, account, f"gift-{which}", given, now))

    def _plan(self, which: int, amount: int) -> None:
        account = list(self.ledgers)[which % len(self.ledgers)]
        plan = self._a_plan(account, which, amount)
        self._do(account, lambda ledger, now: move_to_plan(ledger, account, plan, now))

    def _later(self, which: int, amount: int) -> None:
        account = list(self.ledgers)[which % len(self.ledgers)]
        plan = self._a_plan(account, which, amount)
        self._do(account, lambda ledger, now: schedule_plan(ledger, account, plan, now))

    def _a_plan(self, account: str, which: int, amount: int) -> Plan:
        allowance = which % 3 * 30 * CENT
        overage = (AT_ONE, Decimal("1.5"), None)[which % 7 % 3] if allowance else AT_ONE
        currency = "EUR" if account.endswith("bloom") else "USD"
        return Plan(f"plan-{amount}", amount * 31 * CENT, Limits(), {}, allowance, overage, currency=currency)

    def _take(self, which: int, amount: int) -> None:
        """A payment is taken back, in part, if it was made; every other time one for a grant."""
        if which % 2:
            self._take_grant(which // 2, amount)
            return
        payer = next(account for account in self.ledgers if account.endswith("coin"))
        evidence, key = self.ledgers[payer].evidence, f"key-{which}"
        paid = [one for one in self.facts if isinstance(one, CreditAdded) and one.key == f"credit:{key}"]
        taken = [one for one in self.facts if isinstance(one, ChargedBack) and one.key == key]
        evidence.keys.pop(f"chargeback:{key}", None)
        evidence.keys |= {f"credit:{key}": Spent("", str(one.amount)) for one in paid}
        evidence.keys |= {f"chargeback:{key}": Spent("", str(one.amount)) for one in taken}
        self._do(payer, lambda ledger, now: charge_back(ledger, payer, key, (amount + 1) * 50 * CENT, now, "disputed"))

    def _take_grant(self, which: int, amount: int) -> None:
        """The payment for a grant is taken back, in part, if one was paid for."""
        paid = [one for one in self.facts if isinstance(one, GrantGiven) and one.source == "paid"]
        if not paid:
            return
        given = paid[which % len(paid)]
        payer, evidence = given.account, self.ledgers[given.account].evidence
        key, back = spent_key(given), f"chargeback:grant:{given.grant}"
        assert key is not None, "it was paid for"
        evidence.keys[key[0]] = Spent("", key[1])
        taken = [one for one in self.facts if isinstance(one, ChargedBack) and one.grant == given.grant]
        evidence.keys.pop(back, None)
        if taken:
            evidence.keys[back] = Spent("", str(taken[0].amount))
        some = min(given.amount, (amount + 1) * 40 * CENT)
        self._do(payer, lambda ledger, now: charge_back_grant(ledger, payer, given.grant, some, now, "disputed"))

    def _know_grants(self, account: str) -> None:
        """Load what was granted under which reference before."""
        spent = [one for one in self.facts if isinstance(one, GrantGiven) and one.account == account]
        known = {f"grant:{one.grant}": spent_key(one) for one in spent}
        self.ledgers[account].evidence.keys |= {name: Spent("", one[1]) for name, one in known.items() if one}

    def _leap(self, which: int, amount: int) -> None:
        """On to another day, often in another period, and to another plan."""
        self.now += amount * 9 * DAY
        account = list(self.ledgers)[which % len(self.ledgers)]
        self._do(account, lambda ledger, now: [*_other_plan(ledger.account, amount, now)])


def _unapproved(price: int) -> Unapproved:
    return Unapproved(api_key="key_1", kind=KINDS[0], outputs=1, model="painter", price=price, currency="USD")


def _other_plan(account: Account | None, amount: int, now: int) -> list[AccountFact]:
    assert account is not None
    return [*change_plan(account, f"plan-{amount}", account.limits, now)]


def busy(operations: int, prefix: str = "") -> list[Fact]:
    """Facts of so many delivered operations of one account that has no limits, some of them refunded in part."""
    steps: list[Step] = []
    for number in range(operations):
        steps += [("ask", BLOOM + number * len(TERMS), number % 6), ("deliver", number, number % 4)]
        steps += [("refund", number // 2, 1), ("wait", BLOOM, number % 2)] if number % 5 == 0 else []
    return History(prefix).live(steps).facts


class Log:
    """The log of one real database: appended to in the order of time."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reader = SqlReader(database)
        self.source = FactSource(self.reader, CODEC)
        self._versions: Counter[str] = Counter()

    def record(self, facts: Iterable[Fact]) -> int:
        """Append; returns the last position."""
        return self.append((stream_of(fact), *CODEC.encode(fact), operation_of(fact)) for fact in facts)

    def append(self, entries: Iterable[tuple[str, str, bytes, str | None]]) -> int:
        """Append stored facts, well-formed or not."""
        rows = [self._row(*entry) for entry in entries]
        with self.database.transaction() as connection:
            if rows:
                connection.execute(LOG.insert(), rows)
            end: int = connection.execute(select(func.max(LOG.c.position))).scalar_one()
            return end

    def _row(self, stream: str, topic: str, state: bytes, operation: str | None) -> dict[str, Any]:
        self._versions[stream] += 1
        version, content = self._versions[stream], state.decode()
        named = {"stream": stream, "version": version, "topic": topic, "operation": operation}
        return {**named, "actor": "studio:tests", "state": content, "hash": bytes(32)}


def stored(facts: Sequence[Fact]) -> list[LogRow]:
    """The rows of the log that hold these facts."""
    encoded = (CODEC.encode(fact) for fact in facts)
    return [(position, topic, position, state.decode()) for position, (topic, state) in enumerate(encoded, 1)]


def folded(views: Sequence[AnyView], facts: Sequence[Fact]) -> Folded:
    """What the facts come to in memory."""
    folder = Folder(views, CODEC)
    result = folder.empty()
    folder.fold(stored(facts), result)
    return result


def rows_of(database: Database, views: Sequence[AnyView] = ALL) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every view, in order."""
    with database.connect() as connection:
        tables = {view.name: live(view) for view in views}
        return {name: sorted(map(tuple, connection.execute(select(table))), key=repr) for name, table in tables.items()}


def trial_balance(facts: Iterable[Fact]) -> int:
    """What the log charged and corrected."""
    return sum(fact.price for fact in facts if isinstance(fact, Charged | Adjusted))
