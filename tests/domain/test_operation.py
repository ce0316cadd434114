"""What an operation has become after each of its facts, in whatever order they are read again."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.charging import CostSource
from domain.lifecycle import evolve
from domain.operation import (
    CLOSED_PHASES,
    PHASES,
    Adjusted,
    Asked,
    Delivered,
    Dispatched,
    Dropped,
    Held,
    OperationFact,
    ProviderCompleted,
    Refused,
    Rejected,
    Rerouted,
    Running,
    Sent,
    Settled,
    State,
)
from tests.domain.examples import (
    CENT,
    CHARGED,
    COMPLETED,
    DISPATCHED,
    DROPPED,
    FAILED,
    GIVEN_UP,
    HELD,
    IMAGES,
    LATER,
    MAY,
    NOON,
    OPERATION,
    QUOTE,
    RELEASED,
    REQUESTED,
    RUNNING,
    SENT,
    SETTLED,
    SUBMITTED,
    VALIDATED,
    priced,
)

REJECTED = Rejected(OPERATION, NOON, "limit", "account", "images", 10, 12, 0, 0, 10, "USD")
OTHER_QUOTE = priced(20 * CENT, 2, model="other", provider="guild")
OTHER = replace(OPERATION, model="other", provider="guild")
REROUTED = Rerouted(OTHER, LATER, OTHER_QUOTE, "blocked")
SENT_AGAIN = Dispatched(OTHER, LATER, 2, "desk-1")
AS_BILLED: Any = {"admitted": NOON, "cost": 30 * CENT, "cost_source": CostSource.PROVIDER}
REFUND = Adjusted(OPERATION, LATER, MAY, "2026-05-02", -10 * CENT, 0, "USD", "sorry", "ticket-1")
LATE_SUCCESS = ProviderCompleted(OPERATION, LATER, IMAGES, None, late=True)

STORIES: dict[str, tuple[tuple[OperationFact, ...], State]] = {
    "asked": ((REQUESTED,), Asked(OPERATION)),
    "refused": ((REQUESTED, REJECTED), Refused(OPERATION, "limit")),
    "held": (HELD, Held(OPERATION, QUOTE, admitted=NOON)),
    "sent": (SENT, Sent(OPERATION, QUOTE, 1, "desk-1", NOON)),
    "sent again": (
        (*SENT, replace(DISPATCHED, attempt=2, sender="desk-2")),
        Sent(OPERATION, QUOTE, 2, "desk-2", NOON),
    ),
    "running": (RUNNING, Running(OPERATION, QUOTE, 1, "job-1", NOON)),
    "rerouted": ((*SENT, REROUTED), Held(OTHER, OTHER_QUOTE, 1, NOON)),
    "rerouted and sent": ((*SENT, REROUTED, SENT_AGAIN), Sent(OTHER, OTHER_QUOTE, 2, "desk-1", NOON)),
    "delivered": ((*SENT, COMPLETED), Delivered(OPERATION, QUOTE, 4, 30 * CENT, NOON)),
    "charged": (SETTLED, Settled(OPERATION, 40 * CENT, "USD", **AS_BILLED)),
    "failed": ((*RUNNING, FAILED), Running(OPERATION, QUOTE, 1, "job-1", NOON)),
    "released": (DROPPED, Dropped(OPERATION, "blocked", QUOTE, admitted=NOON)),
    "released before it was sent": ((*HELD, RELEASED), Dropped(OPERATION, "blocked", QUOTE, admitted=NOON)),
    "released, then a late success": (
        (*GIVEN_UP, LATE_SUCCESS),
        Dropped(OPERATION, "policy", QUOTE, late=True, cost_known=False, admitted=NOON),
    ),
    "refunded": (
        (*SETTLED, REFUND),
        Settled(OPERATION, 40 * CENT, "USD", -10 * CENT, (("ticket-1", -10 * CENT, 0),), **AS_BILLED),
    ),
    "refunded twice": (
        (*SETTLED, REFUND, replace(REFUND, price=-5 * CENT, reference="ticket-2")),
        Settled(
            OPERATION,
            40 * CENT,
            "USD",
            -15 * CENT,
            (("ticket-1", -10 * CENT, 0), ("ticket-2", -5 * CENT, 0)),
            **AS_BILLED,
        ),
    ),
    "cost corrected after a release": (
        (*DROPPED, replace(REFUND, price=0)),
        Dropped(OPERATION, "blocked", QUOTE, corrections=(("ticket-1", 0, 0),), admitted=NOON),
    ),
}

FACTS = [REQUESTED, REJECTED, VALIDATED, DISPATCHED, SUBMITTED, REROUTED, SENT_AGAIN, COMPLETED, CHARGED, FAILED]
ANY_FACTS = st.lists(st.sampled_from([*FACTS, RELEASED, REFUND, LATE_SUCCESS]), max_size=12)


def fold(facts: tuple[OperationFact, ...]) -> State | None:
    return reduce(evolve_from, facts, None)


def evolve_from(state: State | None, fact: OperationFact) -> State | None:
    return evolve(state, fact)


@pytest.mark.parametrize("story", STORIES)
def test_an_operation_is_what_its_facts_made_of_it(story: str) -> None:
    facts, state = STORIES[story]

    assert fold(facts) == state


@given(ANY_FACTS)
def test_what_is_recorded_is_never_judged_again(facts: list[OperationFact]) -> None:
    state = fold((REQUESTED, *facts))

    assert type(state) in PHASES


@given(ANY_FACTS)
def test_reading_a_fact_changes_no_state_already_known(facts: list[OperationFact]) -> None:
    known = [fold((REQUESTED, *facts[:count])) for count in range(len(facts) + 1)]
    copies = [replace(state) for state in known if state is not None]

    fold((REQUESTED, *facts))

    assert known == copies


def test_facts_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CHARGED.price = 0  # type: ignore[misc]


def test_every_state_has_a_stored_name_of_its_own() -> None:
    assert len(set(PHASES.values())) == len(PHASES)
    assert {type(state) for _, state in STORIES.values()} == set(PHASES)


def test_closed_is_what_holds_nothing() -> None:
    holding = {PHASES[type(state)] for _, state in STORIES.values() if isinstance(state, Held | Sent | Running)}

    assert CLOSED_PHASES == {"charged", "released", "rejected"}
    assert not holding & CLOSED_PHASES
