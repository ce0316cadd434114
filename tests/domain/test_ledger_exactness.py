"""Exact to the last micro-unit: in sums beyond what a float could hold, in every currency, whatever the parts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from domain.admission import accept
from domain.ledger import Ledger
from domain.operation import Charged, Settled
from domain.plans import Limits
from domain.settlement import adjust, complete
from tests.domain.examples import (
    BILLED,
    CREDIT,
    IMAGES,
    LATER,
    OPERATION,
    PREPAID,
    REQUESTED,
    SENT,
    UNLIMITED,
    VALIDATED,
    after,
    ask,
    priced,
    recorded,
)


def charge_one_by_one(ledger: Ledger, prices: Iterable[int], currency: str = "USD") -> Ledger:
    for number, price in enumerate(prices):
        id = f"small-{number}"
        quote = priced(price, currency=currency)
        after(ledger, accept(ledger, ask(id, quote=quote), LATER))
        after(ledger, complete(ledger, id, IMAGES[:1], None, LATER))
        ledger.forget()
    return ledger


def test_single_micro_units_add_up_beside_sums_beyond_what_a_float_could_hold() -> None:
    beyond = 2**53 + 1
    ledger = charge_one_by_one(recorded(UNLIMITED), [beyond, *[1] * 5_000])

    assert ledger.current is not None
    assert {usage.posted["spend"] for usage in ledger.current.usage.values()} == {beyond + 5_000}
    assert {usage.held["spend"] for usage in ledger.current.usage.values()} == {0}


@given(st.integers(0, 10**15))
@example(9_999_999)
@example(2**53)
def test_a_charge_of_one_micro_unit_adds_exactly_one_whatever_was_charged_before(before: int) -> None:
    ledger = charge_one_by_one(recorded(UNLIMITED), [before, 1])

    assert ledger.current is not None
    assert {usage.posted["spend"] for usage in ledger.current.usage.values()} == {before + 1}


def test_ten_million_outputs_at_one_micro_unit_each_are_ten_million_micro_units() -> None:
    ten_million = priced(10_000_000, 10_000_000)
    ledger = recorded(UNLIMITED, REQUESTED, replace(VALIDATED, quote=ten_million), SENT[2])
    spent = []
    for delivered in (1, 3_333_333, 9_999_999, 10_000_000):
        facts = complete(ledger, "op-1", IMAGES[:1] * delivered, None, LATER)
        spent += [fact.price for fact in facts if isinstance(fact, Charged)]

    assert spent == [1, 3_333_333, 9_999_999, 10_000_000]


@given(st.lists(st.integers(0, 10**16), max_size=8), st.sampled_from(["JPY", "KRW", "USD", "KWD", "TND", "CLF"]))
def test_in_every_currency_what_is_charged_and_given_back_ends_where_it_began(prices: list[int], currency: str) -> None:
    rich = replace(CREDIT, amount=sum(prices), currency=currency)
    ledger = recorded(
        replace(PREPAID[0], currency=currency), replace(BILLED[1], balance=0, currency=currency, limits=Limits()), rich
    )
    charge_one_by_one(ledger, prices, currency)
    assert ledger.current is not None
    assert ledger.current.balance == 0

    for number, price in enumerate(prices):
        operation = replace(OPERATION, id=f"small-{number}")
        ledger.evidence.found[operation.id] = Settled(operation, price, currency)
        parts = (price // 3, price - price // 3)
        for part, amount in enumerate(amount for amount in parts if amount):
            after(ledger, adjust(ledger, operation.id, -amount, 0, "sorry", f"ticket-{part}", LATER))
    assert ledger.current.balance == sum(prices)
