"""Positions of several logs together: a position of each, by the name of its shard.

    a:16,b:12     as text: of a cursor, a header, or a line of a page
    28            as a number: their sum, which grows with every fact of any of them
    a:9,b:12/a:0,b:0/a:16,b:12   the place of a page between others that were begun together

An answer that was put together from several logs is of such a position. Two of one studio are compared by their
numbers only where one came after the other, as answers of one process do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from domain.errors import InvalidInput

MOST_DIGITS = 18
"""Of a position; each database takes it."""


class Positions(int):
    """A number, so that whoever shows or keeps one position does the same with those of several logs."""

    logs: Mapping[str, int]

    def __new__(cls, logs: Mapping[str, int]) -> Self:
        made = super().__new__(cls, sum(logs.values()))
        made.logs = dict(sorted(logs.items()))
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return (self.logs,)

    def __str__(self) -> str:
        return ",".join(f"{name}:{position}" for name, position in self.logs.items())

    def __format__(self, form: str) -> str:
        """As text, however a number would be shown; a width is kept."""
        return format(str(self), form.replace(",", ""))

    @classmethod
    def parse(cls, text: str, field: str = "position") -> Self:
        """The positions that a text says. Raises InvalidInput."""
        found: dict[str, int] = {}
        for part in text.split(","):
            name, colon, number = part.strip().partition(":")
            told = number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS
            if not (name and colon and told) or name in found:
                raise InvalidInput(field, f"{text[:60]!r} says no position of each shard", hint="such as a:16,b:12")
            found[name] = int(number)
        return cls(found)


class PagePlace(Positions):
    """A place in a reading that goes page by page: `begun` after positions, to end at others, whatever moves meanwhile.

    Accounts may move between two pages, and have their facts in two logs then: what the first page read decides.
    """

    begun: Positions
    upto: Positions

    @classmethod
    def of(cls, logs: Mapping[str, int], begun: Mapping[str, int], upto: Mapping[str, int]) -> Self:
        """The place after `logs`."""
        made = cls(logs)
        made.begun, made.upto = Positions(begun), Positions(upto)
        return made

    def __str__(self) -> str:
        return f"{super().__str__()}/{self.begun}/{self.upto}"

    @classmethod
    def parse(cls, text: str, field: str = "position") -> Self:
        """The place that a text says. Raises InvalidInput."""
        parts = text.split("/")
        if len(parts) != 3:
            raise InvalidInput(field, f"{text[:60]!r} is not where a page ended", hint="give what the page said")
        return cls.of(*(Positions.parse(one, field).logs for one in parts))


def told_position(position: int) -> int | str:
    """A position as text if it says of which log it is, else as a number: for whoever hands it on."""
    return str(position) if isinstance(position, Positions) else position


def is_several(text: str) -> bool:
    """Whether a text says positions of several logs, and not one, nor an instant."""
    return ":" in text and text[:1].isalpha()


def position_of(text: str, field: str = "position") -> int:
    """The position, or positions, that a text says. Raises InvalidInput."""
    if is_several(text):
        return (PagePlace if "/" in text else Positions).parse(text, field)
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise InvalidInput(field, f"{text[:60]!r} is not a position", hint="such as 1200, or a:16,b:12 of shards")
    return int(text)


def reached(position: int, after: int) -> bool:
    """Whether whoever read up to `after` has seen a position; of several logs both say of which."""
    if isinstance(position, Positions):
        known = after.logs if isinstance(after, Positions) else {}
        return all(one <= known.get(name, 0) for name, one in position.logs.items())
    return position <= after


def earlier(one: int, other: int) -> int:
    """The earlier of two positions; of several logs the earlier of each."""
    if isinstance(one, Positions) and isinstance(other, Positions):
        return Positions({name: min(at, other.logs.get(name, at)) for name, at in one.logs.items()})
    return min(one, other)
