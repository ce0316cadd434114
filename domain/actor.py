"""Who did it: every fact of the log has an actor, whom the log names beside the fact.

    user:ann        a person for whom an account pays
    key:key_7hq…    a program that shows an API key of an account
    operator:root   a person who runs the studio
    studio:NAME     a process of the studio, by itself: it sends, settles, recovers and reconciles

An id is opaque: a name, an address or any other personal data does not belong into the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import InvalidInput
from domain.ids import check_id
from domain.inputs import shortened


class ActorKind(StrEnum):
    """The capacity in which an actor acts."""

    USER = "user"
    KEY = "key"
    OPERATOR = "operator"
    STUDIO = "studio"


@dataclass(frozen=True, slots=True)
class Actor:
    """One of a kind, by an opaque id of 1 to 200 printable characters without spaces."""

    kind: ActorKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.id}"


def actor(text: str) -> Actor:
    """The actor that a text such as "operator:ann" names. Raises InvalidInput."""
    kind, _, id = str(text).partition(":")
    if kind not in [one.value for one in ActorKind]:
        hint = f"name a kind and an id, such as operator:ann; the kinds are {', '.join(ActorKind)}"
        raise InvalidInput("actor", f"{shortened(text)} does not say who acts", hint=hint)
    return Actor(ActorKind(kind), check_id("actor", id))
