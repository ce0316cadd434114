"""Whatever callers, clocks and crashes do: money balances, limits hold, every operation ends once, the log stands.

The numbers are those of the invariants: I1 postings balance, I2 nothing below zero, I3 holds are what is shown as
held, I4 one terminal money fact, I7 one request a key, I9 the past stands, I10 an unknown price is never zero.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import invariant

from domain.counting import left_of
from domain.operation import Adjusted, Charged, OperationFact
from domain.periods import Period
from domain.plans import MEASURES
from domain.windowed import Windows
from domain.windows import Window
from tests.domain.happenings import API_KEY, Studio
from tests.domain.naive import (
    EARNED,
    NaiveLedger,
    free,
    held,
    is_refused,
    lives,
    requests_of,
    scopes,
    trial_balance,
)


class Invariants(Studio):
    """What must hold of every account that was touched, after every step."""

    @invariant()
    def hold(self) -> None:
        for name in sorted(self.touched):
            desk = self.desks[name]
            self.postings_balance(desk)
            self.nothing_is_below_zero(desk)
            self.holds_are_what_is_shown_as_held(desk)
            self.every_operation_ends_once(desk)
            self.a_key_is_one_request(desk)
            self.an_unknown_price_is_never_zero(desk)
            self.instants_never_go_back(desk)
            self.what_is_rebuilt_is_what_lives(desk)
            self.what_is_left_is_what_is_not_taken(desk)
        self.touched.clear()

    def teardown(self) -> None:
        for name, instant, facts in self.past:
            assert [fact for fact in self.desks[name].log if fact.at <= instant] == facts  # I9

    def postings_balance(self, desk: NaiveLedger) -> None:
        """I1: what was paid in is free, held or earned, to the micro-unit; an ended period keeps nothing free."""
        pockets = trial_balance(desk.log)
        charged = sum(life.charged - life.refunded for life in lives(desk.log).values())
        assert sum(pockets.values()) == 0
        assert pockets[EARNED] == charged
        current = desk.ledger.current
        if current is not None and current.balance is not None:
            assert pockets[free(current.period)] == current.balance
            assert all(pockets[free(period)] == 0 for period in periods(desk) if period != current.period)

    def nothing_is_below_zero(self, desk: NaiveLedger) -> None:
        """I2."""
        current = desk.ledger.current
        if current is None:
            return
        if current.balance is not None:
            assert current.balance == self.balance(desk.account) >= 0
        windows = current.windows or Windows()
        narrow = [usage for window in windows.narrow.values() for usage in window.usage.values()]
        counters = [
            number
            for usage in (*current.usage.values(), *narrow, *(one.usage for one in windows.life.values()))
            for side in (usage.posted, usage.held)
            for number in side.values()
        ]
        assert all(number >= 0 for number in counters)

    def holds_are_what_is_shown_as_held(self, desk: NaiveLedger) -> None:
        """I3: of the current period by the book, of ended ones by the pockets."""
        pockets, current = trial_balance(desk.log), desk.ledger.current
        for period in periods(desk):
            inside = [life for life in lives(desk.log).values() if life.operation.period == period]
            assert pockets[held(period)] == sum(life.held for life in inside)
        if current is not None:
            shown = current.usage["account"].held.get("spend", 0) if "account" in current.usage else 0
            assert shown == pockets[held(current.period)]
            assert set(current.open) == {
                id for id, life in lives(desk.log).items() if life.is_open and life.operation.period == current.period
            }

    def every_operation_ends_once(self, desk: NaiveLedger) -> None:
        """I4: one terminal money fact, after which come corrections that give back at most the charge."""
        for life in lives(desk.log).values():
            assert len(life.endings) <= 1
            assert is_refused(life) + life.is_open + len(life.endings) == 1
            assert 0 <= life.refunded <= life.charged
            assert life.quote is None or life.charged <= life.quote.price
            assert not any(isinstance(fact, Adjusted) for fact in life.facts) or life.endings

    def a_key_is_one_request(self, desk: NaiveLedger) -> None:
        """I7."""
        assert all(len(requests_of(desk.log, key)) == (key in desk.keys) for key in ("key-1", "key-2", "key-3"))

    def an_unknown_price_is_never_zero(self, desk: NaiveLedger) -> None:
        """I10: unless the provider says that it bills nothing, or nothing came."""
        for life in lives(desk.log).values():
            for fact in life.facts:
                if isinstance(fact, Charged) and life.quote is not None and life.quote.rate is None:
                    assert fact.price > 0 or life.bill == 0 or fact.outputs == 0

    def instants_never_go_back(self, desk: NaiveLedger) -> None:
        instants = [fact.at for fact in desk.log]
        assert instants == sorted(instants)
        assert desk.ledger.last == instants[-1]

    def what_is_rebuilt_is_what_lives(self, desk: NaiveLedger) -> None:
        rebuilt = desk.rebuilt()
        assert (rebuilt.account, rebuilt.current, rebuilt.last) == (
            desk.ledger.account,
            desk.ledger.current,
            desk.ledger.last,
        )

    def what_is_left_is_what_is_not_taken(self, desk: NaiveLedger) -> None:
        """The fast answer, for the tightest of four scopes, is the slow one."""
        now = max(self.clock, desk.ledger.last)
        shown = left_of(desk.ledger, "ann", "site", now, API_KEY)
        for measure in MEASURES:
            each = [
                self.left(desk.account, scope, measure, window)
                for scope in scopes("ann", "site", API_KEY)
                for window in Window
            ]
            known = [left for left in each if left is not None]
            assert shown[measure] == (min(known) if known else None)


def periods(desk: NaiveLedger) -> set[Period]:
    return {fact.operation.period for fact in desk.log if isinstance(fact, OperationFact)}


TestInvariants = Invariants.TestCase
TestInvariants.settings = settings(max_examples=30, stateful_step_count=80)
