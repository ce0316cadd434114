"""The use cases' needs of the world, as small protocols.

A provider knows one API and nothing about money or customers; a store of assets keeps bytes under their digest.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from domain.evidence import Spent
from domain.operation import Stored
from domain.promises import NOTHING, Promised
from domain.value import value

Progress = Callable[[float, str], None]
"""Called with (fraction done in [0, 1], message); it must be quick and must not raise."""

Scalar = str | int | bool
"""Inputs besides media, as they are kept: texts, whole numbers and flags; decimals as text."""

Value = Scalar | Decimal
"""Inputs as a provider gets them: decimals are numbers there."""


def silent(fraction: float, message: str) -> None:
    """The progress callback of those who do not ask."""


@value
class Media:
    """Bytes whose type was read from their content. Sizes in pixels, duration in milliseconds."""

    content: bytes = field(repr=False)
    media_type: str
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None


Asset = Stored
"""One file as the log knows it."""


@value
class Task:
    """The work that a provider is asked to do, once: one submission of one operation, in the provider's own names.

    `many` names those of the media that are sent as lists, however many there are. `media_types` are those the model
    delivers, the usual one first. `deadline` is how many seconds its job may take. `first` is the number of its first
    output within the whole batch, from 0, for providers that tell variations apart. `since` is the instant (epoch
    microseconds) before which it was not sent. `promised` is what each output was said to be exactly.
    """

    operation: str
    attempt: int
    kind: str
    model: str
    route: str
    outputs: int
    inputs: Mapping[str, Value] = field(repr=False)
    media: Mapping[str, tuple[Media, ...]] = field(repr=False)
    first: int = 0
    many: frozenset[str] = frozenset()
    media_types: tuple[str, ...] = ()
    deadline: int = 600
    since: int = 0
    promised: Promised = NOTHING


@dataclass(frozen=True, slots=True)
class Job:
    """A submission that the provider has accepted and will finish later, under its own id."""

    id: str


@value
class Remote:
    """An output that is still at the provider: where, and the instant after which it is gone (None: unknown)."""

    url: str = field(repr=False)
    expires: int | None = None


@value
class Delivery:
    """A provider's answer: the outputs, and what the provider bills us in micro-units if it says so.

    `usage` counts what the provider metered, such as tokens, by the names of the price rule's meters. It is `rough`
    if some of it was not told apart, and is then taken for the dearest that it can be.
    """

    outputs: tuple[Media | Remote, ...]
    cost: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)
    rough: bool = False


class Recovery(StrEnum):
    """The way to deal with a submission whose outcome is unknown."""

    REPEATABLE = "repeatable"
    """Free or local: run it again."""
    FINDABLE = "findable"
    """The provider lists its jobs or bills by operation: look it up."""
    BLIND = "blind"
    """Nothing can be learned: release after the declared grace."""


class ProviderError(Exception):
    """A provider's answer that is not a delivery; `code` is stable, the message holds no input and no secret."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ProviderRefused(ProviderError):
    """Definitely not accepted: nothing was started and nothing will be billed.

    `final`: no other model may be asked instead, because the request itself is not allowed.
    """

    def __init__(self, code: str, message: str, *, final: bool = False) -> None:
        super().__init__(code, message)
        self.final = final


class TaskFailed(ProviderError):
    """Accepted, then definitely failed; `cost` in micro-units if the provider bills it all the same.

    None: it is billed as if it had been delivered, at what `usage` counts or else at what was quoted.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        cost: int | None = 0,
        usage: Mapping[str, int] = MappingProxyType({}),
        rough: bool = False,
    ) -> None:
        super().__init__(code, message)
        self.cost = cost
        self.usage = usage
        self.rough = rough


class ProviderUnknown(ProviderError):
    """It may or may not have been accepted (a time-out, a broken connection, a 5xx): never sent again blindly."""


class OutputWithheld(ProviderUnknown):
    """It was delivered, and a setting of ours keeps it out: once that is changed, it can be fetched."""

    def __init__(self, code: str, message: str, setting: str) -> None:
        super().__init__(code, message)
        self.setting = setting


@runtime_checkable
class Provider(Protocol):
    """One API. Methods never block the event loop and never submit twice."""

    @property
    def name(self) -> str: ...

    @property
    def recovery(self) -> Recovery: ...

    def lacks(self, route: str) -> str:
        """The lack here for a route, such as a key or a package, and how to mend it; empty if nothing is."""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        """Send the task once. Raises ProviderRefused, TaskFailed or ProviderUnknown."""

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        """Wait for a job, within the task's deadline. Raises TaskFailed; ProviderUnknown when that passes."""

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        """Look up what became of a submission: its outcome, or the jobs that may be its, most likely first.

        Empty if the provider never saw it. Whose job each is, the ledger knows. Raises TaskFailed if it was
        accepted and failed, ProviderUnknown if it cannot be learned now.
        """

    async def cancel(self, task: Task, job: Job | None) -> bool:
        """Stop it; True if it is definitely stopped and will neither deliver nor be billed, False otherwise."""

    async def check(self) -> str:
        """Whether key and address work, in a few words such as a balance; costs nothing. Raises ProviderError."""

    async def close(self) -> None: ...


@runtime_checkable
class Quoting(Protocol):
    """A provider that says beforehand what a task will cost."""

    async def quote(self, task: Task) -> int | None:
        """Its bill for the task, in micro-units of USD; None if it does not say. Raises ProviderError."""


@dataclass(frozen=True, slots=True)
class Bill:
    """A provider's bill for one job: micro-units (None if it is unreadable), and when (epoch microseconds).

    `model` is the provider's own name for it.
    """

    job: str
    amount: int | None
    at: int
    model: str = ""


@runtime_checkable
class Billing(Protocol):
    """A provider whose bills can be read, one a job."""

    def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        """The bills of jobs created in [since, until), epoch microseconds. Raises ProviderError."""


@runtime_checkable
class Wakeable(Protocol):
    """A provider that can be told that a job has ended, so that a waiter looks at once."""

    def notify(self, job: str) -> bool:
        """Call it on the event loop that waits; whether anybody does."""


class Downloads(Protocol):
    """Fetches what is elsewhere. Never follows an address into a private network, unless it is a provider's own."""

    def open(self, url: str, limit: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The content in pieces, at most `limit` bytes. Raises DownloadGone if it is not there any more,
        DownloadRefused if it is too large or elsewhere than is allowed, DownloadFailed for everything else, also
        while it is read."""

    async def close(self) -> None: ...


class DownloadFailed(Exception):
    """It could not be fetched, this time; the message names no query and no secret."""


class DownloadGone(DownloadFailed):
    """It is not there, or not any more."""


class DownloadRefused(DownloadGone):
    """It can never be fetched: it is too large, or its address is forbidden."""


class DownloadKeptOut(DownloadRefused):
    """A setting of ours keeps it out; `reason` is "blocked" or "too_large"."""

    def __init__(self, message: str, *, setting: str, reason: str) -> None:
        super().__init__(message)
        self.setting = setting
        self.reason = reason


class AssetStore(Protocol):
    """Content-addressed files, a folder an account; what was saved survives a power cut."""

    async def save(self, account: str, media: Media) -> Asset: ...

    async def receive(self, account: str, content: AsyncIterator[bytes], media_types: Sequence[str]) -> Asset:
        """Store a stream as it comes, without holding it in memory; what it is is read from its content.

        Text is recognised if `media_types` expect it. Raises NoMedia if it is empty or text that nobody expected,
        InvalidInput if it is damaged, of no known kind or too large, and what the stream raises; then nothing is kept.
        """

    async def load(self, account: str, asset: Asset) -> Media:
        """Raises AssetMissing if the content was erased or lost."""

    def path(self, account: str, asset: Asset) -> str | None:
        """The file's path, to open it."""


@dataclass(frozen=True, slots=True)
class Unneeded:
    """Files that nothing references: paths relative to the store's root, their bytes together, and when the newest of
    them that was ever whole was last touched (epoch microseconds)."""

    files: tuple[str, ...]
    size: int
    newest: int


@dataclass(frozen=True, slots=True)
class Swept:
    """The files that a sweep deleted: paths relative to the store's root, and their bytes together."""

    files: tuple[str, ...]
    size: int


class MediaReader(Protocol):
    """Reads what bytes really are, without blocking the event loop."""

    async def __call__(self, content: bytes, *, field: str, media_types: Sequence[str] = ()) -> Media:
        """Raises InvalidInput, naming `field`, if they are not media, too large or a bomb.

        Text, and models written as text, are recognised only where `media_types` expects them.
        """


@dataclass(frozen=True, slots=True)
class Indexed:
    """An operation's row in the index."""

    operation: str
    account: str
    phase: str


class Index(Protocol):
    """The index of operations, by id; read without locks."""

    def operations(self, id: str) -> list[Indexed]:
        """The operation, or all operations of a batch, in order; empty if there is none."""

    def jobs(self, provider: str, jobs: Sequence[str]) -> dict[str, str]:
        """Those of a provider's jobs that belong to an operation here, with its id."""

    def period_before(self, account: str, instant: int) -> str | None:
        """The stream of the account's last period that began at an instant or before; None if none did."""

    def key(self, account: str, key: str) -> Spent | None:
        """The earlier use of an idempotency key; None may be untrue already, as the account's lock decides."""


@value
class Content:
    """The content that a batch was asked with; `secret` keys its digest in the log."""

    batch: str
    account: str
    secret: bytes = field(repr=False)
    body: str = field(repr=False)


class Contents(Protocol):
    """Erasable content, beside the log."""

    def load(self, batch: str) -> Content | None: ...

    def page(self, after: str, limit: int, account: str | None = None) -> Sequence[Content]:
        """Contents by ascending batch, above one; of one account if it is named."""

    def erase(self, batch: str) -> bool:
        """Delete content and secret for ever, and what providers said of it; whether there was any content."""

    def words(self, operation: str) -> str:
        """The provider's words about the operation's failure; empty if it said nothing, or that was erased."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on an open operation; `epoch` rises with every change of hands."""

    operation: str
    account: str
    owner: str
    epoch: int
    expires: int


class Leases(Protocol):
    """Leases of open operations, in the database's time order of claims."""

    def renew(self, operations: Sequence[str], owner: str, expires: int) -> set[str]:
        """Extend those still held by `owner`; the ids that are."""

    def expired(self, now: int) -> list[Lease]:
        """Leases past their end, oldest first."""

    def running(self, now: int) -> tuple[int, int | None]:
        """How many operations others work on, and when the last of their leases ends unless it is renewed."""

    def claim(self, lease: Lease, owner: str, expires: int) -> bool:
        """Take an expired lease by compare-and-set of epoch and expiry; whether this caller won."""
