"""An account that leaves for another ledger: what is open is settled, nothing else is decided, and it arrives once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from domain.admission import accept
from domain.departures import AccountArrived, AccountLeft, AccountMoved
from domain.errors import IllegalTransition, InvalidInput
from domain.ledger import Fact
from domain.relocation import arrive, check_here, leave
from domain.settlement import adjust, complete
from domain.terms import suspend
from tests.domain.examples import (
    BILLED,
    CENT,
    IMAGES,
    IN_MAY,
    LATER,
    OPERATION,
    RUNNING,
    SETTLED,
    ask,
    in_may,
    recorded,
)

LEFT, ARRIVED = AccountLeft("acme", LATER, "b", "room"), AccountArrived("acme", LATER, "a")
GONE = (*BILLED, *RUNNING, LEFT)


def test_it_leaves_once_and_for_one_shard() -> None:
    ledger = recorded(BILLED)
    assert leave(ledger, "acme", "b", LATER, "room") == [LEFT]
    assert leave(recorded(BILLED, LEFT), "acme", "b", LATER) == []
    with pytest.raises(InvalidInput, match="on its way to 'b'"):
        leave(recorded(BILLED, LEFT), "acme", "c", LATER)


def test_it_arrives_where_it_left_for_once_and_nowhere_else() -> None:
    assert arrive(recorded(BILLED, LEFT), "acme", "b", "a", LATER) == [ARRIVED]
    assert arrive(recorded(BILLED, LEFT, ARRIVED), "acme", "b", "a", LATER) == []
    with pytest.raises(IllegalTransition, match="left for 'b', and this is 'a'"):
        arrive(recorded(BILLED, LEFT), "acme", "a", "a", LATER)


def test_what_is_open_is_settled_where_it_was_asked_for() -> None:
    ledger = recorded(GONE)
    check_here(ledger, complete(ledger, OPERATION.id, IMAGES, 30 * CENT, LATER))
    late = recorded(GONE, in_may())
    check_here(late, complete(late, OPERATION.id, IMAGES, 30 * CENT, IN_MAY))
    check_here(ledger, [])


@pytest.mark.parametrize("what", ["a request", "terms", "a correction"])
def test_nothing_else_is_decided_until_it_has_arrived(what: str) -> None:
    gone = recorded(BILLED, SETTLED, LEFT)
    assert gone.account is not None
    decided: dict[str, Sequence[Fact]] = {
        "a request": accept(gone, ask("op-2"), LATER),
        "terms": suspend(gone.account, "overdue", LATER),
        "a correction": adjust(gone, OPERATION.id, -CENT, 0, "damaged", "ticket-1", LATER),
    }
    facts = decided[what]
    assert facts
    with pytest.raises(AccountMoved) as told:
        check_here(gone, facts)
    assert told.value.account == "acme"
    check_here(recorded(BILLED, SETTLED), facts)
    check_here(recorded(BILLED, SETTLED, LEFT, ARRIVED), facts)
