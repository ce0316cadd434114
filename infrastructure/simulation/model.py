"""A naive model of the ledger: what the log, read in the order of its commits, must come to.

It knows the stored names of facts and nothing of the code that writes them: plain dictionaries, whole numbers, no rule
borrowed. Whatever it cannot agree with is a broken promise.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from infrastructure.simulation.purses import Deed, Draw, Json, Pocket, agree, draws_in

Row = tuple[int, str, int, str, str | None, str, str, bytes]
"""Position, stream, version, name, operation, actor, state, hash."""

REFUSED = "rejected"
HELD, SENT, RUNNING, DELIVERED, FAILED = "validated", "dispatched", "submitted", "provider_completed", "provider_failed"
CHARGED, RELEASED = "charged", "released"
OPEN = frozenset({HELD, SENT, RUNNING})
NEXT = {
    "requested": {"", REFUSED},
    "rejected": {"requested"},
    "validated": {"requested"},
    "dispatched": {HELD, SENT, RUNNING},
    "rerouted": {SENT},
    "postponed": {SENT},
    "submitted": {SENT, RUNNING},
    "provider_completed": {SENT, RUNNING, RELEASED},
    "provider_failed": {HELD, SENT, RUNNING},
    "charged": {DELIVERED},
    "released": {FAILED, HELD, SENT, RUNNING},
    "adjusted": {CHARGED, RELEASED},
}
"""Each step of an operation, and what it may have been before."""


ACCOUNT_FACTS = {
    "account.plan_changed": "_plan",
    "account.limit_changed": "_limit",
    "account.suspended": "_stop",
    "account.closed": "_stop",
    "account.resumed": "_go_on",
    "ledger.period_opened": "_period",
    "ledger.credit_added": "_paid",
    "ledger.content_erased": "_erased",
    "wallet.draws_settled": "_settled",
}
"""Facts about an account, and what follows them here."""


@dataclass(frozen=True, slots=True)
class NewFact:
    """One fact about an operation, and what it is about."""

    id: str
    deed: Deed
    purse: Pocket
    fact: Json


class NaiveLedger:
    """Follows the log row by row; `deeds` are operations by id, `purses` accounts."""

    def __init__(self) -> None:
        self.position = 0
        self.deeds: dict[str, Deed] = {}
        self.purses: dict[str, Pocket] = {}
        self.ends: dict[str, tuple[int, bytes]] = {}
        self.jobs: dict[tuple[str, str], str] = {}
        self.batches: dict[str, list[str]] = defaultdict(list)
        self.charges = 0
        """Of all accounts, corrections included."""
        self._due: list[str] = []
        """Operations that were delivered or failed, and whose money has to follow in the same commit."""

    def follow(self, rows: Iterable[Row]) -> None:
        """Rows of one or more commits. Raises BrokenPromise."""
        for row in rows:
            self._chain(row)
            topic, fact = row[3], json.loads(row[6])
            group, _, step = topic.partition(".")
            if group == "operation":
                self._operation(step, fact, row)
            else:
                self._account(topic, fact)
            self.position = row[0]
        for id in self._due:
            phase = self.deeds[id].phase
            agree(that=phase in (CHARGED, RELEASED), invariant="I4", told=f"operation {id} is left {phase}")
        self._due.clear()

    # The log itself

    def _chain(self, row: Row) -> None:
        """I8: positions rise, versions follow one another, each hash covers the one before."""
        position, stream, version, hash = *row[:3], row[7]
        before, link = self.ends.get(stream, (0, bytes(32)))
        agree(that=position > self.position, invariant="I8", told=f"position {position} after {self.position}")
        agree(that=version == before + 1, invariant="I8", told=f"{stream} goes from {before} to {version}")
        agree(that=hash not in (b"", link), invariant="I8", told=f"{stream} {version} has no hash of its own")
        self.ends[stream] = (version, hash)

    # Accounts

    def _account(self, topic: str, fact: Json) -> None:
        account = fact.get("account", "")
        if topic == "account.opened":
            agree(that=account not in self.purses, invariant="F3", told=f"account {account} was opened twice")
            self.purses[account] = Pocket(dict(fact["limits"]), bool(fact["prepaid"]))
        purse = self.purses.get(account)
        if purse is None:
            return
        self._in_order(account, purse, fact["at"])
        handled = ACCOUNT_FACTS.get(topic)
        if handled is not None:
            getattr(self, handled)(account, purse, fact)
        purse.follow(account, topic, fact)

    def _in_order(self, account: str, purse: Pocket, at: int) -> None:
        agree(that=at >= purse.last, invariant="F13", told=f"an instant of {account} lies before an earlier one")
        purse.last = at

    def _plan(self, _account: str, purse: Pocket, fact: Json) -> None:
        purse.limits = dict(fact["limits"])
        purse.paid_until = 0

    def _erased(self, _account: str, _purse: Pocket, fact: Json) -> None:
        self.deeds[fact["operation_id"]].erased = True

    def _settled(self, account: str, _purse: Pocket, fact: Json) -> None:
        """W2: the open period is told what became of the grants that an ended one's operation held."""
        found = draws_in(fact["held"]), draws_in(fact["spent"])
        known = self.deeds[fact["operation_id"]].settled
        agree(
            that=found == known,
            invariant="W2",
            told=f"{fact['operation_id']} of {account} settled {found}, not {known}",
        )

    def _stop(self, _account: str, purse: Pocket, _fact: Json) -> None:
        purse.stopped = True

    def _go_on(self, _account: str, purse: Pocket, _fact: Json) -> None:
        purse.stopped = False

    def _limit(self, _account: str, purse: Pocket, fact: Json) -> None:
        key = (fact["scope"], fact["measure"])
        if fact["inherited"]:
            purse.changed.pop(key, None)
        else:
            purse.changed[key] = fact["limit"]

    def _period(self, account: str, purse: Pocket, fact: Json) -> None:
        """F13: periods tile time; I2: what is carried is what is neither charged nor held."""
        start, end = fact["period"]["start"], fact["period"]["end"]
        agree(that=start < end, invariant="F13", told=f"a period of {account} ends before it begins")
        agree(that=start >= purse.period[1], invariant="F13", told=f"two periods of {account} overlap")
        purse.period = (start, end)
        if purse.prepaid:
            told = f"{account} carries {fact['balance']}, {purse.available} is left"
            agree(that=fact["balance"] == purse.available, invariant="I2", told=told)

    def _paid(self, account: str, purse: Pocket, fact: Json) -> None:
        told = f"payment {fact['key']} of {account} was taken twice"
        agree(that=fact["key"] not in purse.payments, invariant="I7", told=told)
        purse.payments[fact["key"]] = fact["amount"]
        purse.paid_in += fact["amount"]

    # Operations

    def _operation(self, step: str, fact: Json, row: Row) -> None:
        told = fact["operation"]
        id, purse = told["id"], self.purses[told["account"]]
        agree(that=row[4] == id, invariant="I8", told=f"a fact of {id} is stored under {row[4]}")
        self._in_order(told["account"], purse, fact["at"])
        deed = self.deeds.get(id)
        if deed is None:
            period = told["period"]["start"]
            deed = Deed(told["account"], told["user"], told["family"], period, told["batch"], told["kind"])
            self.deeds[id] = deed
            self.batches[deed.batch].append(id)
        agree(
            that=deed.phase in NEXT.get(step, ()),
            invariant="I4",
            told=f"operation {id} goes from {deed.phase} to {step}",
        )
        same = (deed.account, deed.period) == (told["account"], told["period"]["start"])
        agree(that=same, invariant="F13", told=f"operation {id} moves to another account or period")
        getattr(self, f"_on_{step}")(NewFact(id, deed, purse, fact))

    def _on_requested(self, one: NewFact) -> None:
        """I7: a key answers with one batch for ever, unless that was refused."""
        key = one.fact["key"]
        if key is not None:
            known = one.purse.keys.get(key)
            fresh = known is None or known == one.deed.batch or self.deeds[self.batches[known][0]].phase == REFUSED
            agree(that=fresh, invariant="I7", told=f"key {key} of {one.deed.account} made {known} and {one.deed.batch}")
            one.purse.keys[key] = one.deed.batch
        one.deed.phase, one.deed.outputs = "requested", one.fact["outputs"]
        one.deed.model, one.deed.provider = one.fact["operation"]["model"], one.fact["operation"]["provider"]

    def _on_rejected(self, one: NewFact) -> None:
        """F2: nobody is refused while there is room, and figures of a refusal are those of the ledger."""
        one.deed.phase = REFUSED
        if one.fact["reason"] == "limit" and one.fact["measure"] in (one.deed.family, "spend"):
            scope, measure = one.fact["scope"], one.fact["measure"]
            own = (one.purse.limit(scope, measure), *self._counted(one.purse, one.deed.period, scope, measure))
            said = (one.fact["limit"], one.fact["used"], one.fact["held"])
            agree(that=own == said, invariant="F2", told=f"{one.id} was refused by {said}, which is {own}")
            limit, used, held = said
            room = limit is None or used + held + one.fact["asked"] <= limit
            agree(that=not room, invariant="F2", told=f"{one.id} was refused although there is room: {said}")
        elif one.fact["reason"] == "balance":
            short = one.fact["asked"] > one.purse.available
            agree(that=short, invariant="F2", told=f"{one.id} was refused, {one.purse.available} is left")

    def _on_validated(self, one: NewFact) -> None:
        """I2, F2: a hold never passes a limit or the balance; I10: nothing without a price is held."""
        agree(that=not one.purse.stopped, invariant="F2", told=f"{one.id} was admitted for a stopped account")
        here = one.deed.period == one.purse.period[0]
        agree(that=here, invariant="F13", told=f"{one.id} is held in a period that is over")
        one.deed.phase = HELD
        self._hold(one)

    def _hold(self, one: NewFact) -> None:
        id, deed, purse, quote = one.id, one.deed, one.purse, one.fact["quote"]
        price, drawn = quote["price"], draws_in(one.fact.get("drawn"))
        agree(that=quote["rate"] is not None and price > 0, invariant="I10", told=f"{id} is held at no price")
        self._agree_on_grants(one, price)
        owned = deed.own
        purse.hold(deed, price, drawn)
        deed.outputs = quote["outputs"]
        deed.model, deed.provider = quote["model"], quote["provider"]
        self._count(purse.held, deed, deed.outputs, price)
        for scope in ("account", f"user:{deed.user}"):
            for measure in (deed.family, "spend"):
                limit = purse.limit(scope, measure)
                used, held = self._counted(purse, deed.period, scope, measure)
                passed = limit is not None and deed.period == purse.period[0] and used + held > limit
                told = f"{id} passes the {measure} limit {limit} of {deed.account}: {used} used, {held} held"
                agree(that=not passed, invariant="I2", told=told)
        if purse.prepaid and deed.own > owned:
            agree(that=purse.available >= 0, invariant="I2", told=f"{deed.account} is at {purse.available} by {id}")

    def _agree_on_grants(self, one: NewFact, price: int) -> None:
        """W1: grants pay in the written order, as much as they can; of an ended period's hold a part of it."""
        drawn, deed = draws_in(one.fact.get("drawn")), one.deed
        if deed.period == one.purse.period[0]:
            expected = one.purse.wanted(price, deed, one.fact["at"])
        else:
            expected = paid_by(deed.settled[0], price)
        agree(that=drawn == expected, invariant="W1", told=f"{one.id} takes {drawn} of grants, and not {expected}")

    def _on_dispatched(self, one: NewFact) -> None:
        """F1: each attempt is allowed once."""
        attempt = one.fact["attempt"]
        agree(
            that=attempt not in one.deed.sent, invariant="F1", told=f"attempt {attempt} at {one.id} was allowed twice"
        )
        one.deed.sent.add(attempt)
        one.deed.phase, one.deed.attempts = SENT, attempt

    def _on_submitted(self, one: NewFact) -> None:
        """F8: a job has one owner."""
        job = (one.deed.provider, one.fact["job"])
        owner = self.jobs.setdefault(job, one.id)
        agree(that=owner == one.id, invariant="F8", told=f"job {job} is that of {owner} and {one.id}")
        one.deed.phase = RUNNING

    def _on_postponed(self, one: NewFact) -> None:
        one.deed.phase = HELD

    def _on_rerouted(self, one: NewFact) -> None:
        self._free(one.deed, one.purse, [])
        self._hold(one)
        one.deed.phase = SENT

    def _on_provider_completed(self, one: NewFact) -> None:
        one.deed.made = len(one.fact["assets"])
        if one.deed.phase == RELEASED:
            one.deed.late = True
            return
        one.deed.phase = DELIVERED
        self._due.append(one.id)

    def _on_provider_failed(self, one: NewFact) -> None:
        one.deed.phase = FAILED
        self._due.append(one.id)

    def _on_charged(self, one: NewFact) -> None:
        """I4: one terminal fact of money, of at most what was held."""
        price = one.fact["price"]
        agree(that=one.deed.charged is None, invariant="I4", told=f"{one.id} is charged twice")
        agree(
            that=0 <= price <= one.deed.hold,
            invariant="I4",
            told=f"{one.id} is charged {price}, {one.deed.hold} was held",
        )
        agree(
            that=one.fact["outputs"] <= one.deed.outputs,
            invariant="I4",
            told=f"{one.id} is charged for more than was asked",
        )
        spent, found = paid_by(one.deed.drawn, price), draws_in(one.fact.get("drawn"))
        agree(that=found == spent, invariant="W1", told=f"{one.id} spends {found} of grants, and not {spent}")
        self._free(one.deed, one.purse, spent)
        self._count(one.purse.used, one.deed, one.fact["outputs"], price)
        one.deed.phase, one.deed.charged, one.deed.drawn = CHARGED, price, spent
        one.deed.own = price - sum(amount for *_, amount in spent)
        one.purse.charged += one.deed.own
        self.charges += price

    def _on_released(self, one: NewFact) -> None:
        self._free(one.deed, one.purse, [])
        one.deed.phase, one.deed.drawn, one.deed.own = RELEASED, [], 0

    def _on_adjusted(self, one: NewFact) -> None:
        """I4, F11: corrections together never give back more than was charged, and a reference counts once."""
        price, reference = one.fact["price"], one.fact["reference"]
        twice = reference in one.deed.references and not one.deed.late
        agree(that=not twice, invariant="F11", told=f"{one.id} was corrected twice as {reference}")
        one.deed.references[reference] = (price, one.fact["cost"])
        one.deed.adjusted += price
        left = (one.deed.charged or 0) + one.deed.adjusted
        agree(
            that=left >= 0,
            invariant="F11",
            told=f"{-one.deed.adjusted} is given back of {one.id}, {one.deed.charged} was charged",
        )
        back = [
            (*draw, told["to"])
            for draw, told in zip(draws_in(one.fact.get("back")), one.fact.get("back") or (), strict=True)
        ]
        one.purse.refund(one.id, one.deed, price, back, one.fact["at"])
        self.charges += price
        if one.fact["period"]["start"] == one.deed.period:
            self._count(one.purse.used, one.deed, 0, price)

    # Amounts

    def _free(self, deed: Deed, purse: Pocket, spent: list[Draw]) -> None:
        self._count(purse.held, deed, -deed.outputs, -deed.hold)
        purse.free(deed, spent)

    def _count(self, where: Counter[tuple[int, str, str]], deed: Deed, outputs: int, price: int) -> None:
        for scope in ("account", f"user:{deed.user}"):
            where[deed.period, scope, deed.family] += outputs
            where[deed.period, scope, "spend"] += price

    def _counted(self, purse: Pocket, period: int, scope: str, measure: str) -> tuple[int, int]:
        return purse.used[period, scope, measure], purse.held[period, scope, measure]

    @property
    def open(self) -> list[str]:
        """Operations whose hold stands."""
        return [id for id, deed in self.deeds.items() if deed.phase in OPEN]

    def digest(self) -> str:
        """A short name for all that the log holds up to here."""
        ends = sorted((stream, version, hash.hex()) for stream, (version, hash) in self.ends.items())
        return hashlib.sha256(repr((self.position, ends)).encode()).hexdigest()[:16]


def paid_by(drawn: list[Draw], price: int) -> list[Draw]:
    """The parts of a price that are of what is drawn, in its order."""
    found, rest = list[Draw](), price
    for grant, source, amount in drawn:
        part = min(amount, rest)
        if part:
            found.append((grant, source, part))
        rest -= part
    return found
