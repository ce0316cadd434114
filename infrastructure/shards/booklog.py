"""The books of all shards as one reading: facts by their instants, each of them once.

    a  ── facts after a position, up to another ─┐
    b  ── facts after a position, up to another ─┴─ by instant ── those of an account that moved from where it is now

An account that has moved has its facts in both logs. They are told where it is now; and of those whoever came so far in
the log that it left was told already, they are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import merge
from itertools import islice
from typing import Any

from application.keeping.books import Booked, BookQuery
from application.ledger.positions import PagePlace, Positions, reached
from domain.errors import InvalidInput
from domain.ledger import account_stream
from domain.streams import account_of
from infrastructure.shards.routing import Routed, reader_of
from infrastructure.store.reader import SqlReader
from projections.books import BookPage


@dataclass(frozen=True, slots=True)
class MovedFacts:
    """The streams that are in two logs: by shard those that are told elsewhere, and up to which version of a stream
    all was told from the log that it left."""

    elsewhere: Mapping[str, frozenset[str]]
    told: Mapping[str, int]

    def has(self, shard: str, one: Booked) -> bool:
        """Whether a fact of a shard is told elsewhere, or was told."""
        return one.stream in self.elsewhere[shard] or one.version <= self.told.get(one.stream, 0)


class RoutedBooks(Routed):
    """Implements what `Books` reads of the log, over all shards; the balance is merged as any view is."""

    def read(self, wanted: BookQuery, after: int, upto: int) -> Iterator[Booked]:
        """As `Books.read`. Raises InvalidInput for a position that is not of each shard."""
        if wanted.account is not None:
            found: Iterator[Booked] = self._call("read")(wanted, after, upto)
            return found
        begins, ends = self._logs(after), self._logs(upto)
        return self._merged(wanted, begins, ends, self._moved(begins, ends))

    def told_by(self, after: int) -> Callable[[Booked], bool]:
        """As `Books.told_by`."""
        if not isinstance(after, Positions):
            return lambda one: reached(one.position, after)
        moved = self._moved(after.logs, {name: reader.end() for name, reader in self._readers.items()})
        return lambda one: reached(one.position, after) or one.version <= moved.told.get(one.stream, 0)

    def postings(
        self, wanted: BookQuery, after: int = 0, limit: int | None = None, upto: int | None = None
    ) -> BookPage:
        """As `Books.postings`; `next` says a position of each shard, and of which reading it is."""
        if wanted.account is not None:
            page: BookPage = self._call("postings")(wanted, after, limit, upto)
            return page
        begins = self._logs(after)
        begun, ends = begins, self._logs(self.log.end() if upto is None else upto)
        if isinstance(after, PagePlace):  # an account that moved since is read where the first page read it
            begun, ends = self._logs(after.begun), self._logs(after.upto)
        moved = self._moved(begun, ends)
        found = [*islice(self._merged(wanted, begins, ends, moved), None if limit is None else limit + 1)]
        entries = found if limit is None else found[:limit]
        more = len(entries) < len(found)
        following = PagePlace.of({**begins, **_last(entries)}, begun, ends) if more else None
        operations = sorted({one.operation for one in entries if one.operation is not None})
        assets = {id: one for _, shard in self._shards for id, one in self._part(shard).assets_of(operations).items()}
        return BookPage(tuple(entries), assets, following, Positions(ends))

    def _merged(
        self, wanted: BookQuery, begins: Mapping[str, int], ends: Mapping[str, int], moved: MovedFacts
    ) -> Iterator[Booked]:
        def of(name: str, books: Any) -> Iterator[Booked]:
            for one in books.read(wanted, begins[name], ends[name]):
                if not moved.has(name, one):
                    yield replace(one, position=Positions({name: one.position}))

        return merge(*(of(name, self._part(shard)) for name, shard in self._shards), key=_instant)

    def _logs(self, position: int) -> Mapping[str, int]:
        """A position of each shard. Raises InvalidInput for one that is not."""
        names = self._shards.names
        if isinstance(position, Positions) and set(position.logs) == {*names}:
            return position.logs
        if isinstance(position, Positions) or position:
            told = f"{position} is not a position of each shard"
            raise InvalidInput("position", told, hint=f"such as {','.join(f'{name}:0' for name in names)}")
        return dict.fromkeys(names, 0)

    @cached_property
    def _readers(self) -> Mapping[str, SqlReader]:
        return {name: reader_of(shard) for name, shard in self._shards}

    def _moved(self, begins: Mapping[str, int], ends: Mapping[str, int]) -> MovedFacts:
        gone = {name: frozenset(reader.departed()) for name, reader in self._readers.items()}
        streams = sorted(frozenset[str]().union(*gone.values()))
        if not streams:
            return MovedFacts(gone, {})
        whose = {stream: account_stream(account_of(stream) or "") for stream in streams}
        accounts = sorted(set(whose.values()))
        there = {name: reader.versions_of(accounts, ends[name]) for name, reader in self._readers.items()}
        told: Counter[str] = Counter()
        for name, reader in self._readers.items():
            told |= Counter(reader.versions_of(sorted(gone[name]), begins.get(name, 0)))
        here = {own for name, found in there.items() for own in found if own not in gone[name]}
        now = {stream for stream, own in whose.items() if own in here}
        return MovedFacts({name: some & now for name, some in gone.items()}, dict(told))


def _instant(one: Booked) -> tuple[int, str]:
    return one.fact.at, str(one.position)


def _last(entries: list[Booked]) -> dict[str, int]:
    """The last position of each shard that has a fact among them."""
    found: dict[str, int] = {}
    for one in entries:
        assert isinstance(one.position, Positions), "facts of shards say of which"
        found |= one.position.logs
    return found
