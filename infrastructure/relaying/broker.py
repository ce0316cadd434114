"""A message, and the port of a broker that takes it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from application.keeping.books import Booked
from domain.errors import InvalidInput, ProviderUnavailable
from infrastructure.exporting.metering import meter_event
from infrastructure.store.relays import RelayMark

FIELD: Final = "relay"
CONTENT_TYPE: Final = "application/cloudevents+json"
POSITION, LEDGER = "Image-Studio-Position", "Image-Studio-Ledger"
"""Headers of each message: by these the broker tells what it has, and of whom."""


@dataclass(frozen=True, slots=True)
class Message:
    """A fact as the CloudEvent that exports have of it; `id` is the fact's own, for ever."""

    position: int
    id: str
    account: str
    name: str
    body: bytes

    @classmethod
    def of(cls, booked: Booked) -> Message:
        event = meter_event(booked)
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(booked.position, event["id"], booked.account, booked.name, body)


class Broker(Protocol):
    """One target at one broker. Each call raises ProviderUnavailable if it is away, InvalidInput if it refuses."""

    async def open(self, mark: RelayMark, end: int) -> None:
        """Connect, and learn what is there; the log ends at `end`."""

    async def send(self, messages: Sequence[Message]) -> int | None:
        """Have it take those that are not there, in order; the number of its message, 0 if it has none.

        None as long as it has later ones: the mark waits until it is where the target is.
        """

    async def close(self) -> None:
        """Whatever state it is in."""


def away(address: object, why: object) -> ProviderUnavailable:
    """It cannot be reached, or does not answer: try again."""
    return ProviderUnavailable(f"the broker at {address} takes nothing: {in_one_line(why)}")


def message_refused(message: Message, why: object) -> InvalidInput:
    """It will not take a message as it is."""
    return InvalidInput(FIELD, f"the broker refuses {message.id} at position {message.position}: {in_one_line(why)}")


def position_there(headers: Mapping[str, str], address: object, ledger: str, end: int) -> int:
    """The position of the newest message, by its headers. Raises InvalidInput if it is not one of this ledger."""
    position, owner = headers.get(POSITION, ""), headers.get(LEDGER, "")
    if not position.isdecimal() or not owner:
        raise InvalidInput(FIELD, f"{address} has messages of somebody else", hint="name one that only this ledger has")
    if owner != ledger:
        raise InvalidInput(FIELD, f"{address} is told of ledger {owner}, not of this one", hint="name another")
    if int(position) > end:
        why = f"{address} was told up to position {position}, and the log ends at {end}"
        raise InvalidInput(FIELD, why, hint="is this an older copy of the ledger?")
    return int(position)


def in_one_line(why: object) -> str:
    """The reason in one line, with its type where it says nothing."""
    words = " ".join(str(why).split())[:300]
    return words or type(why).__name__
