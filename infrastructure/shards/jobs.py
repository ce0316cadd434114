"""A provider's job has one owner in all shards: it is claimed in the directory before a shard records it.

    decide ── the job in the directory: free, or its own ── claimed there ── recorded here
                                        └ another's: decided again, with that known

A claim whose record was never written, as the process died, is the same operation's when that is tried again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from application.ledger.transaction import Beside, Conflict, Store, Transaction
from infrastructure.shards.directory import Directory
from infrastructure.store.database import Database


@dataclass(frozen=True, slots=True)
class ClaimedJobs:
    """Implements Store: another one whose transactions ask the directory about jobs."""

    store: Store
    directory: Directory

    def begin(self) -> AbstractContextManager[Transaction]:
        return self._begun()

    @contextmanager
    def _begun(self) -> Iterator[Transaction]:
        with self.store.begin() as transaction:
            yield _Claiming(transaction, self.directory)


class _Claiming:
    """A transaction, but for its jobs. Nothing is asked by those that name none."""

    def __init__(self, transaction: Transaction, directory: Directory) -> None:
        self._transaction, self._directory = transaction, directory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)

    def jobs(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        return self._transaction.jobs(wanted) | self._directory.owners(wanted)

    def commit(self, beside: Beside) -> int | None:
        """Raises Conflict, too, if a job became another's meanwhile."""
        wanted = {(job.provider, job.job): job.operation for job in beside.jobs}
        if wanted and not self._directory.claim(wanted):
            raise Conflict("a job was claimed by another shard")
        return self._transaction.commit(beside)


def claimed_jobs(store: Callable[[Database], Store], directory: Directory) -> Callable[[Database], Store]:
    """The store of a shard."""
    return lambda database: ClaimedJobs(store(database), directory)
