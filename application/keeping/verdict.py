"""The audit: hash chains, every table beside the log, assets' ids, bills, the books, and every view against a replay.

chains, replay ── index ── tables ── assets' ids ── bills ── books ─┬─ clean: all says what the facts say
                                                                      └─ what differs, never an error
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from application.keeping.billcheck import WrongBill
from application.keeping.chains import MOST, ChainReader, verify_chains, verify_index
from application.keeping.ends import Seal
from application.keeping.tables import Discrepancy
from application.keeping.walking import LogWalk, Problem
from application.ledger.log import Codec, Positioned
from domain.errors import LogCorrupted, StoreUnavailable, ViewsHeld, ViewStopped


class Compared(Protocol):
    """One view against the replay."""

    @property
    def view(self) -> str: ...

    @property
    def position(self) -> int: ...


class Comparison(Protocol):
    """All views against a replay of the log."""

    @property
    def facts(self) -> int: ...

    @property
    def views(self) -> Sequence[Compared]: ...

    @property
    def equal(self) -> bool: ...


class ViewProgress(Protocol):
    """How far a view is, and why it stands still."""

    @property
    def view(self) -> str: ...

    @property
    def position(self) -> int: ...

    @property
    def error(self) -> str | None: ...


class ProgressOfViews(Protocol):
    """Knows how far each view is, and brings them up to the log."""

    def status(self) -> Sequence[ViewProgress]: ...

    def catch_up(self) -> int: ...


C = TypeVar("C", bound=Comparison)
C_co = TypeVar("C_co", bound=Comparison, covariant=True)


class Comparing(Protocol[C_co]):
    """A comparison of views that goes on while the log is read."""

    def hear(self, page: Sequence[Positioned]) -> None:
        """The next entries of the log, from the first on."""

    def verdict(self) -> C_co:
        """Once all is read; raises ViewStopped."""


class Auditable(Protocol[C_co]):
    """The subject of an audit; all of it blocks."""

    @property
    def reader(self) -> ChainReader: ...

    @property
    def codec(self) -> Codec: ...

    @property
    def views(self) -> ProgressOfViews: ...

    @property
    def segments(self) -> Callable[[], Iterable[Problem]]: ...

    def differences(self, account: str | None = None) -> Iterator[Discrepancy]: ...

    def asset_ids(self, account: str | None = None) -> Iterator[Problem]: ...

    def bills(self, account: str | None = None) -> Iterator[WrongBill]: ...

    def books(self, account: str | None = None) -> Iterator[object]: ...

    def comparing(self, account: str | None = None) -> AbstractContextManager[Comparing[C_co]]: ...


@dataclass(frozen=True, slots=True)
class Verdict(Generic[C]):
    """An audit's findings. `comparison` is None if the log cannot be replayed; the reason is among the problems."""

    chains: tuple[str, ...]
    index: tuple[str, ...]
    tables: tuple[str, ...]
    assets: tuple[str, ...]
    bills: tuple[str, ...]
    books: tuple[str, ...]
    comparison: C | None
    replay: str
    seal: Seal | None
    seals: Mapping[str, Seal] = field(default_factory=dict)
    """Of several logs, by shard."""

    @property
    def clean(self) -> bool:
        told = (*self.chains, *self.index, *self.tables, *self.assets, *self.bills, *self.books, self.replay)
        return not any(told) and self.comparison is not None and self.comparison.equal

    @property
    def problems(self) -> tuple[str, ...]:
        """All that was found, each once, but for the rows of views that differ."""
        found = (*self.chains, *self.index, *self.tables, *self.assets, *self.bills, *self.books)
        return tuple(dict.fromkeys((*found, self.replay) if self.replay else found))


async def audited(
    ledger: Auditable[C],
    account: str | None = None,
    seals: Sequence[Seal] = (),
    report: Callable[[float, str], None] = lambda _fraction, _message: None,
    *,
    lost: str = "",
) -> Verdict[C]:
    """Audit all accounts, or one; `lost` says which facts the log had once and has no more, if its files know it."""
    report(0.1, "verifying hash chains, and replaying the log")
    read = await _read(ledger, account, seals)
    chains, comparison, replay = read.chains, read.comparison, read.replay
    report(0.6, "reading the index")
    index = await _problems(lambda: verify_index(ledger.reader, ledger.codec, account))
    report(0.7, "comparing what stands beside the log")
    tables = await _problems(lambda: _but_the_index(ledger.differences(account)))
    report(0.8, "working out the ids of assets")
    assets = await _problems(lambda: ledger.asset_ids(account))
    report(0.85, "working out bills")
    bills = await _problems(lambda: ledger.bills(account))
    books = await _problems(lambda: ledger.books(account))
    chains = (lost, *chains) if lost else chains
    seal = None if chains or account is not None else read.seal
    return Verdict(chains, index, tables, assets, bills, books, comparison, replay, seal)


@dataclass(slots=True)
class _LogRead(Generic[C]):
    """Whatever one reading of the log tells: of its chains, and of the views that are folded from it."""

    chains: tuple[str, ...]
    comparison: C | None = None
    replay: str = ""
    seal: Seal | None = None


async def _read(ledger: Auditable[C], account: str | None, seals: Sequence[Seal]) -> _LogRead[C]:
    """The log is read once; the views are compared as they stand when that begins."""
    end, stopped = 0, ""
    try:
        end = await _brought_up(ledger)
    except (ViewStopped, LogCorrupted) as error:
        stopped = str(error)
    found: _LogRead[C] = _LogRead(await _problems(lambda: (one.what for one in ledger.segments())), replay=stopped)
    await asyncio.to_thread(_read_once, ledger, account, seals, found)
    if found.comparison is not None:
        status = await asyncio.to_thread(ledger.views.status)
        log_end = await asyncio.to_thread(ledger.reader.end)
        found.replay = _standing_still(found.comparison, end, status, log_end)
    return found


def _read_once(ledger: Auditable[C], account: str | None, seals: Sequence[Seal], found: _LogRead[C]) -> None:
    """Chains by which the log is read, unless its files are damaged, and the views by what is heard of that."""

    def verify(heard: Callable[[Sequence[Positioned]], None]) -> None:
        walk = LogWalk()
        if not found.chains:
            found.chains = _collected(lambda: verify_chains(ledger.reader, account, seals, walk=walk, heard=heard))
            found.seal = walk.seal()

    if found.replay:
        verify(lambda _page: None)
        return
    try:
        with ledger.comparing(account) as running:
            verify(running.hear)
            found.comparison = running.verdict()
    except (ViewStopped, LogCorrupted) as error:
        found.replay = str(error)


async def _brought_up(ledger: Auditable[C]) -> int:
    """The position at which the views must stand by now; any if nobody may bring them up to the log."""
    end = await asyncio.to_thread(ledger.reader.end)
    try:
        await asyncio.to_thread(ledger.views.catch_up)
    except ViewsHeld:
        return end
    except StoreUnavailable:
        return 0
    return end


def _but_the_index(found: Iterable[Discrepancy]) -> Iterator[Discrepancy]:
    """The index of operations was compared already."""
    return (one for one in found if one.table != "operations")


def _standing_still(comparison: Comparison, end: int, status: Sequence[ViewProgress], log_end: int) -> str:
    """Views that are not where the log ended before, or will not go on: what they say may be true, and gets old."""
    behind = [f"{one.view} stands still at position {one.position}" for one in comparison.views if one.position < end]
    stopped = [f"{one.view} stands still: {one.error}" for one in status if one.error is not None]
    beyond = [f"{one.view} has read further than the log reaches" for one in status if one.position > log_end]
    return "; ".join([*behind, *stopped, *beyond])


async def _problems(find: Callable[[], Iterable[object]]) -> tuple[str, ...]:
    return await asyncio.to_thread(_collected, find)


def _collected(find: Callable[[], Iterable[object]]) -> tuple[str, ...]:
    found: list[str] = []
    try:
        for problem in find():
            found.append(str(problem))
            if len(found) == MOST:
                return (*found, f"and maybe more: only {MOST} are shown")
    except LogCorrupted as error:
        found.append(str(error))
    return tuple(found)
