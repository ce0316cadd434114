"""Events: the happenings that customers are told of, each by one fact of the log.

Charged ──> operation.charged           Rejected ──> operation.refused, limit.reached

An event's id is a function of its fact, so that whoever is told twice can see it.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from domain.alerts import AlertRaised, ProbeDiffered
from domain.invoices import CostDrifted
from domain.keys import STUDIO
from domain.ledger import Fact
from domain.operation import (
    CANCELLED,
    Adjusted,
    Charged,
    OperationFact,
    ProviderCompleted,
    Rejected,
    Released,
    Substituted,
)

EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "operation.completed": "Its outputs were delivered.",
        "operation.charged": "It was charged, which follows its delivery at once.",
        "operation.failed": "It was released: nothing was delivered, and nothing is charged.",
        "operation.cancelled": "It was cancelled, and nothing is charged.",
        "operation.refused": "It was refused, and held nothing.",
        "operation.adjusted": "Its price was corrected, as by a refund.",
        "limit.reached": "A limit refused it, or had a cheaper model do it.",
        "alert.raised": "A threshold of an alert was reached.",
    }
)
"""Each event, and what it says."""

DRIFTED: Final = "invoice.drifted"
DIFFERED: Final = "probe.differed"
STUDIO_EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        DRIFTED: "A provider's invoice differs from our costs by more than is allowed.",
        DIFFERED: "The probe found a difference between what is and what should be.",
    }
)
"""The events of no customer, which webhooks of the studio's own account are told of, and no others."""

TELLING: Final[tuple[type[Fact], ...]] = (
    ProviderCompleted,
    Charged,
    Released,
    Rejected,
    Substituted,
    Adjusted,
    AlertRaised,
    CostDrifted,
    ProbeDiffered,
)
"""The facts that may be events."""


def events_of(fact: Fact) -> tuple[str, ...]:
    """The events that a fact is; our own costs are nobody else's."""
    match fact:
        case ProviderCompleted():
            return ("operation.completed",)
        case Charged():
            return ("operation.charged",)
        case Released():
            return ("operation.cancelled",) if fact.reason == CANCELLED else ("operation.failed",)
        case Rejected():
            return ("operation.refused", "limit.reached") if fact.limit is not None else ("operation.refused",)
        case Substituted():
            return ("limit.reached",)
        case Adjusted():
            return ("operation.adjusted",) if fact.price else ()
        case AlertRaised():
            return ("alert.raised",)
        case CostDrifted():
            return (DRIFTED,)
        case ProbeDiffered():
            return (DIFFERED,)
    return ()


def told_to(fact: Fact) -> str:
    """The account whose webhooks are told of an event."""
    if isinstance(fact, CostDrifted | ProbeDiffered):
        return STUDIO
    return fact.operation.account if isinstance(fact, OperationFact) else fact.account


def event_id(hash: bytes, event: str) -> str:
    """The id of an event, from its fact's hash in the log: the same for every webhook, and however often it is sent."""
    return f"evt_{sha256(hash + event.encode()).hexdigest()[:32]}"
