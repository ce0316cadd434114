"""A leap year of one account in each of twelve zones: statements tile it, and no charge is in two or in none."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from random import Random

import pytest

from domain.admission import accept
from domain.billing import PeriodClosed
from domain.booking import UsageBooked
from domain.closing import Closing, close_period
from domain.ledger import Fact, Ledger, PeriodOpened, evolve, period_stream, stream_of
from domain.openings import Terms, open_account
from domain.operation import Adjusted, Charged, Held, Running, Sent, Settled
from domain.periods import Cycle, Period, local_day
from domain.plans import Limits
from domain.settlement import add_credit, adjust, complete, dispatch, release
from domain.statement import Statement, StatementFold
from domain.usage import NOTHING_USED
from tests.domain.examples import DOLLAR, HOUR, IMAGES, QUOTE, ask
from tests.domain.wall_clocks import DAY, utc

ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca", "America/St_Johns", "Asia/Tokyo"),
)
BEGIN, END = utc("2028-01-01"), utc("2029-01-15")


class Year:
    """One account's facts by stream, as decisions make them, and its statements as its periods are closed."""

    def __init__(self, zone: str, day: int, seed: int) -> None:
        self.random, self.zone, self.ledger = Random(seed), zone, Ledger()
        self.streams: dict[str, list[Fact]] = defaultdict(list)
        self.closed: list[Statement] = []
        self.operations: list[str] = []
        terms = Terms("open", Limits(), zone=zone, cycle=Cycle(day), prepaid=True)
        self.put(open_account(None, "acme", terms, BEGIN))

    def put(self, facts: object) -> None:
        for fact in facts:  # type: ignore[attr-defined]
            self.streams[stream_of(fact)].append(fact)
            evolve(self.ledger, fact)

    @property
    def periods(self) -> list[Period]:
        opened = (fact for facts in self.streams.values() for fact in facts if isinstance(fact, PeriodOpened))
        return sorted(fact.period for fact in opened)

    def read(self, period: Period, opening: int | None) -> Statement:
        fold, facts = StatementFold(period), self.streams[period_stream("acme", period)]
        for fact in facts:
            fold.add(fact)
        return fold.finish("acme", self.zone, len(facts), "", opening)

    def close_what_is_over(self, now: int) -> None:
        account = self.ledger.account
        assert account is not None
        for period in self.periods:
            if period.end > now or account.billing.is_closed(period):
                continue
            read = self.read(period, self.closed[-1].closing if self.closed else 0)
            self.ledger.evidence.end = (read.version, "")
            facts = close_period(self.ledger, Closing(read, account.billing.until, carry=True), now)
            assert [type(fact) for fact in facts][-1:] == [PeriodClosed]
            self.put(facts)
            self.closed.append(read)
            account = self.ledger.account
            assert account is not None

    def step(self, now: int, number: int) -> None:
        """Ask for something, or end, release or refund what was asked before, however long ago."""
        random, id = self.random, f"op-{number}"
        choice = random.random()
        if choice < 0.5 or not self.operations:
            self.put(add_credit(self.ledger, DOLLAR, f"credit:{number}", now))
            self.put(accept(self.ledger, ask(id, quote=QUOTE), now))
            self.operations.append(id)
            return
        chosen = random.choice(self.operations[-20:])
        state = self.ledger.look_up(chosen)
        if isinstance(state, Held):
            self.put(dispatch(self.ledger, chosen, state.attempts + 1, "desk-1", now))
        elif isinstance(state, Sent | Running) and choice < 0.9:
            made = IMAGES[: random.randint(1, 4)]
            self.put(complete(self.ledger, chosen, made, None, now))
        elif isinstance(state, Sent | Running):
            self.put(release(self.ledger, chosen, "policy", now))
        elif isinstance(state, Settled) and state.charged + state.adjusted > 0:
            back = min(random.randint(1, 5) * 10_000, state.charged + state.adjusted)
            self.put(adjust(self.ledger, chosen, -back, 0, "sorry", f"r-{number}", now))

    @property
    def facts(self) -> list[Fact]:
        return [fact for facts in self.streams.values() for fact in facts]


@pytest.mark.parametrize(("place", "zone"), [*enumerate(ZONES)])
def test_a_leap_year_is_billed_once_and_whole_in_every_zone(place: int, zone: str) -> None:
    year, now = Year(zone, (1, 15, 29, 31)[place % 4], place), BEGIN
    for number in range(950):
        now += year.random.choice((2 * HOUR, 5 * HOUR, DAY))
        year.close_what_is_over(now)
        year.step(now, number)
    assert now > END
    open_period = year.periods[-1]
    last = year.read(open_period, year.closed[-1].closing)
    statements = [*year.closed, last]

    assert all(one.end == other.start for one, other in pairwise(year.periods)), "periods tile the year"
    assert [one.period for one in statements] == year.periods
    days = [int(local_day(one.start, zone)[8:]) for one in year.periods[1:]]
    assert set(days) <= {(1, 15, 29, 31)[place % 4], 28, 29, 30}

    counted = Counter[str]()
    for one in statements:
        facts = year.streams[period_stream("acme", one.period)][: one.version]
        own = (fact for fact in facts if isinstance(fact, Charged))
        late = (fact for fact in facts if isinstance(fact, UsageBooked) and fact.price)
        counted.update(fact.operation.id for group in (own, late) for fact in group)
        assert sum(line.operations for line in one.usage) <= len(facts)
    charges = [fact for fact in year.facts if isinstance(fact, Charged)]
    assert counted == Counter(fact.operation.id for fact in charges)
    assert any(line.charged is not None for one in statements for line in one.usage), "some were late"

    refunds = sum(fact.price for fact in year.facts if isinstance(fact, Adjusted))
    assert sum(one.total for one in statements) == sum(fact.price for fact in charges) + refunds
    assert all(one.closing == other.opening for one, other in pairwise(statements))
    current = year.ledger.current
    assert current is not None
    held = sum(quote for quote in holds(year))
    assert last.closing == (current.balance or 0) + held
    assert current.usage.get("account", NOTHING_USED).held.get("spend", 0) <= held


def holds(year: Year) -> list[int]:
    """What is held by whatever is open, of any period."""
    states = (year.ledger.look_up(id) for id in year.operations)
    return [state.quote.price for state in states if isinstance(state, Held | Sent | Running)]
