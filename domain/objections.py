"""The one objection that is told if no model takes a request: the most telling of them all."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from domain.advice import Hint
from domain.errors import InvalidInput, OtherMode


class OutOfReach(InvalidInput):
    """A model does not go so far as is wanted; `most` is how far it goes."""

    def __init__(self, field: str, message: str, *, most: Decimal, hint: Hint = "") -> None:
        super().__init__(field, message, hint=hint)
        self.most = most


def most_telling(objections: Sequence[InvalidInput]) -> InvalidInput:
    """The objection of the best model, which is first; if that does not go far enough, of the one that goes farthest.

    A model that works in another way is the last to be told.
    """
    first = next((one for one in objections if not isinstance(one, OtherMode)), objections[0])
    if not isinstance(first, OutOfReach):
        return first
    alike = [one for one in objections if isinstance(one, OutOfReach) and one.field == first.field]
    return max(alike, key=lambda one: one.most)
