"""Messages to webhooks, as the use cases need them: the tables beside the log, and the way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.retrying import WAITING, HookAnswer, HookVerdict
from domain.value import value


@value
class HookMessage:
    """A message to a webhook: which event of which fact it tells, and what became of it. `operation` is that of the
    fact, or the alarm that was raised.

    `state` is "waiting", "delivered" or "dead". `at` is the instant of the fact, `due` that of the next try, `last` of
    the one before; `status` is what was answered then (None: nothing), and `said` why that was not enough.
    """

    webhook: str
    id: str
    account: str
    event: str
    operation: str
    position: int
    at: int
    due: int
    state: str = WAITING
    tries: int = 0
    last: int | None = None
    status: int | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class ClaimedHook:
    """A webhook that one process alone sends to for a while: failures in a row, and since when it took nothing."""

    webhook: str
    account: str
    failures: int
    failing_since: int | None


@dataclass(frozen=True, slots=True)
class HookPlan:
    """Part of the log as it is taken in: webhooks that came (with their accounts) and went, and messages to be sent."""

    after: int
    upto: int
    registered: Mapping[str, str]
    removed: Collection[str]
    messages: Sequence[HookMessage]


@dataclass(frozen=True, slots=True)
class HookCounts:
    """The messages of a webhook that wait, and those that were given up; its failures in a row, and since when."""

    waiting: int
    dead: int
    failures: int
    failing_since: int | None


@dataclass(frozen=True, slots=True)
class HookLag:
    """Messages that wait, and the instant since which the oldest is due; None if none is."""

    waiting: int
    oldest: int | None


class HookTables(Protocol):
    """Messages and who sends them, on the database that all processes share; blocking. Raises StoreUnavailable."""

    def mark(self) -> tuple[int, bool]:
        """The position up to which the log was taken in, and whether there is any webhook."""

    def take_in(self, plan: HookPlan) -> bool:
        """Move the mark and write what follows, in one transaction; False if the mark is another by now."""

    def webhooks_of(self, accounts: Collection[str]) -> Sequence[str]:
        """The ids of the accounts' webhooks, by what was taken in."""

    def claim(self, most: int, owner: str, now: int, until: int, *, failing: bool) -> Sequence[ClaimedHook]:
        """Lease to one process webhooks that have messages due and are nobody's: `failing` ones, or the others."""

    def due(self, webhook: str, now: int, limit: int) -> Sequence[HookMessage]:
        """Its first messages that are due, in the order in which they are to be sent."""

    def note(
        self, message: HookMessage, answer: HookAnswer, verdict: HookVerdict, owner: str, now: int, until: int
    ) -> bool:
        """Write what became of a message and renew the lease; False if the webhook is another's by now.

        A delivery is noted all the same, for it is true; a failure then is not.
        """

    def bury(self, webhook: str, now: int, said: str) -> int:
        """Give up all that waits for it."""

    def release(self, webhook: str, owner: str, rest: int) -> None:
        """Let others send to it, from the instant `rest` on."""

    def wake(self, webhook: str) -> None:
        """End its rest, and forget its failures."""

    def put(self, messages: Sequence[HookMessage]) -> int:
        """Have messages wait as they are given, those that are there already, too; how many."""

    def revive(self, webhook: str, ids: Collection[str], now: int) -> int:
        """Have those messages wait again, all that were given up if none is named; how many."""

    def find(
        self, webhook: str, state: str | None, before: tuple[int, str] | None, limit: int
    ) -> Sequence[HookMessage]:
        """The newest messages of a webhook, below a place in their order."""

    def told_of(self, webhooks: Collection[str], positions: Collection[int]) -> Sequence[HookMessage]:
        """The messages to those webhooks of the facts at positions, in the order of the log."""

    def counts(self, webhooks: Collection[str]) -> Mapping[str, HookCounts]:
        """By webhook."""

    def lag(self, now: int) -> HookLag:
        """How far the sending is behind."""

    def forget(self, before: int) -> int:
        """Delete what was delivered or given up before an instant; how many."""


Post = Callable[[str, Mapping[str, str], bytes], Awaitable[HookAnswer]]
"""Send a body to an address, with headers, and wait for the answer; never raises for what the other side does."""

Letters = Callable[[HookMessage], Awaitable[bytes]]
"""The body of a message. Raises LogCorrupted, StoreUnavailable."""
