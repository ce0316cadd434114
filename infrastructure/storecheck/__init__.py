"""Whether a database keeps what the ledger rests on, tried in a place of its own: any engine passes, or says where not.

    place ── a schema of its own, or a file beside ── each line: tried, kept or not, and why not ── dropped again

Nothing of a ledger that is there is read or written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from domain.errors import ImageStudioError, StoreError
from infrastructure.storecheck import locks, log, orders
from infrastructure.storecheck.trial import NotKept, TrialPlace, trial_on


@dataclass(frozen=True, slots=True)
class StoreRule:
    """A thing that the ledger rests on: what it says, how it is tried, and whether only a server can break it.

    Some are rested on only where commits are ordered by marks.
    """

    name: str
    says: str
    try_: Callable[[TrialPlace], None]
    of_servers: bool = False
    of_marks: bool = False


@dataclass(frozen=True, slots=True)
class StoreLine:
    """One rule, and why it is not kept; None if it is."""

    name: str
    says: str
    broken: str | None

    @property
    def kept(self) -> bool:
        return self.broken is None


RULES = (
    StoreRule("guard", "the log refuses every change of what is in it", log.refuses_changes),
    StoreRule("unique", "a stream's version, a key, an operation and a job are there once", log.keeps_what_is_unique),
    StoreRule("abandoned", "a transaction that was not committed leaves nothing", log.leaves_nothing_abandoned),
    StoreRule("moment", "whoever only reads sees one moment", log.shows_one_moment),
    StoreRule("lock", "an account is locked for one, and the wait of others ends in time", locks.lock_one),
    StoreRule("deadlock", "of two that wait for each other one is told", locks.end_a_deadlock, of_servers=True),
    StoreRule("claim", "two that claim from the queue get different operations", locks.claim_apart, of_servers=True),
    StoreRule("limit", "a statement that takes too long is stopped", locks.stop_in_time, of_servers=True),
    StoreRule("order", "a reader that follows the log misses nothing", orders.miss_nothing),
    StoreRule(
        "kill", "a group is there as a whole or not at all, whenever its session is killed", orders.be_whole, True
    ),
    StoreRule("mark", "with marks, too, nobody passes what is still to come", orders.stay_below_marks, True, True),
)
"""In the order in which they are tried."""

MARKS = tuple(rule for rule in RULES if rule.of_marks)


def check_store(url: str, rules: Sequence[StoreRule] = RULES) -> tuple[StoreLine, ...]:
    """Try every rule on a database; it takes some seconds. Raises StoreUnavailable, StoreError if nothing can be tried.

    On PostgreSQL the user may have to be allowed to make a schema.
    """
    with trial_on(url) as at:
        tried = [rule for rule in rules if at.is_server or not rule.of_servers]
        return tuple(StoreLine(rule.name, rule.says, _broken(rule, at)) for rule in tried)


def _broken(rule: StoreRule, at: TrialPlace) -> str | None:
    try:
        with _told():
            rule.try_(at)
    except NotKept as error:
        return str(error)
    return None


@contextmanager
def _told() -> Iterator[None]:
    """A rule that cannot be tried, because the engine refuses one of its statements, is not kept."""
    try:
        yield
    except ImageStudioError as error:
        raise NotKept(error.message) from error


def refuse_unfit(url: str, rules: Sequence[StoreRule] = RULES) -> None:
    """Raise StoreError with the first rule that a database does not keep."""
    for line in check_store(url, rules):
        if not line.kept:
            told = f"the database does not keep a rule of the ledger ({line.name}: {line.says}): {line.broken}"
            raise StoreError(told, hint="use PostgreSQL itself, or a file of SQLite's on a local disk")
