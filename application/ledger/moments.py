"""Moments of the past: a position of the log, and the instant that the clock showed there.

TIME ──> the last fact until then ──┐
                                    ├──> moment ──> what the log up to there makes of an account, or of all
POSITION ───────────────────────────┘

An answer about a moment has what the log knew then: a fact that came later, such as a correction, is not in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from application.ledger.log import Head, Positioned
from application.ledger.positions import MOST_DIGITS, is_several
from domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Moment:
    """The log up to a position, inclusive, at an instant in epoch microseconds."""

    position: int
    at: int


@dataclass(frozen=True, slots=True)
class MomentOfShards(Moment):
    """The same of several logs: `position` is of all of them, and `parts` has the moment of each."""

    parts: Mapping[str, Moment]


class PastReader(Protocol):
    """Finds where streams stood, by the log's index: a few looks a stream, however long it is. All of it blocks."""

    def end(self) -> int:
        """The last committed position."""

    def ends_at(self, account: str, position: int) -> Mapping[str, int]:
        """The version of each of an account's streams at a position; a stream that had not begun is left out."""

    def position_at(self, account: str | None, instant: int) -> int:
        """The position of the last fact until an instant, of an account or of all; 0 if there was none."""

    def instant_at(self, account: str | None, position: int) -> int:
        """The instant of the last fact up to a position, of an account or of all; 0 if there was none."""

    def rows(self, stream: str, after: int, upto: int) -> Iterator[tuple[int, str, int, str]]:
        """The bare rows of a stream above one version, up to another: position, name, version, state."""

    def entries(self, stream: str, upto: int, topics: Sequence[str]) -> Sequence[Positioned]:
        """A stream's entries up to a version, of these topics if any are named, with their positions."""

    def rare(self, stream: str, upto: int, topics: Sequence[str]) -> Sequence[Positioned]:
        """The same of topics that a stream hardly ever has: what was looked through once is not read again."""

    def hash_at(self, position: int) -> bytes:
        """The hash of the entry at a position, empty if there is none."""

    def head(self, stream: str, version: int) -> Head:
        """A stream's entry of a version, and its hash."""


def moment_of(past: PastReader, account: str | None, when: int | str, instant: int | None, now: int) -> Moment:
    """The moment that a position names, a number or digits, or else an instant. Raises InvalidInput."""
    if instant is None:
        return _at_position(past, account, when)
    if instant > now:
        raise InvalidInput("as_of", f"{when} has not come yet", hint="leave it out for what is now")
    return Moment(past.position_at(account, instant), instant)


def is_position(when: int | str) -> bool:
    """Whether it names a position, or those of several logs, and not an instant."""
    return isinstance(when, int) or (when.isascii() and when.isdecimal()) or is_several(when)


def _at_position(past: PastReader, account: str | None, when: int | str) -> Moment:
    text, end = str(when), past.end()
    if is_several(text):
        raise InvalidInput("as_of", f"{text[:60]!r} is of several logs, and this is one", hint="such as 1200")
    position = int(text) if len(text) <= MOST_DIGITS else end + 1
    if not 0 <= position <= end:
        raise InvalidInput("as_of", f"{text[:MOST_DIGITS]} is no position: the log ends at {end}")
    return Moment(position, past.instant_at(account, position))
