"""The queue as it stands: what waits for whom, since when, and who works on what. Instants are epoch microseconds."""

from __future__ import annotations

from domain.value import value


@value
class ProviderQueue:
    """The line before a provider: so many operations, the first since an instant.

    Of its `places` some are `taken`; 0 places are as many as there are. Until `rests` it asked to be left alone.
    """

    provider: str
    waiting: int
    since: int | None
    places: int
    taken: int
    rests: int | None


@value
class QueueLine:
    """One account's operations at a provider: so many wait, the first of them `since`, and so many are `running`, the
    first of those since `oldest`. The provider is None of those that run and no view knows yet.
    """

    account: str
    provider: str | None
    waiting: int
    since: int | None
    running: int = 0
    oldest: int | None = None


@value
class WorkingProcess:
    """A process that works on operations under leases; of `over` the lease has ended, so recovery takes them."""

    owner: str
    operations: int
    over: int
    until: int


@value
class QueueStanding:
    """All of it at one moment; of one account its lines alone."""

    providers: tuple[ProviderQueue, ...]
    lines: tuple[QueueLine, ...]
    processes: tuple[WorkingProcess, ...]

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.providers or self.lines)

    @property
    def running(self) -> int:
        return sum(one.operations for one in self.processes) or sum(one.running for one in self.lines)

    @property
    def since(self) -> int | None:
        """The instant since which the first of all waits."""
        return min((one.since for one in self.providers or self.lines if one.since is not None), default=None)
