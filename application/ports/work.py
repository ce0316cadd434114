"""The work that is put to a provider, and the answers there are to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from application.ports.files import Media
from domain.promises import NOTHING, Promised
from domain.value import value

Progress = Callable[[float, str], None]
"""Called with (fraction done in [0, 1], message); it must be quick and must not raise."""


@runtime_checkable
class Glimpsing(Protocol):
    """A progress callback that takes pictures, too, as they are on the way to the one that was asked for."""

    def glimpse(self, picture: Media, number: int) -> None:
        """The picture so far; numbers are from 0. It must be quick and must not raise."""


def glimpsed(progress: object, picture: Media, number: int) -> None:
    """Show a picture on its way to whoever takes it."""
    if isinstance(progress, Glimpsing):
        progress.glimpse(picture, number)


Scalar = str | int | bool
"""Inputs besides media, as they are kept: texts, whole numbers and flags; decimals as text."""


Value = Scalar | Decimal
"""Inputs as a provider gets them: decimals are numbers there."""


def silent(fraction: float, message: str) -> None:
    """The progress callback of those who do not ask."""


@value
class Task:
    """The work that a provider is asked to do, once: one submission of one operation, in the provider's own names.

    `many` names those of the media that are sent as lists, however many there are. `media_types` are those the model
    delivers, the usual one first. `deadline` is how many seconds its job may take. `first` is the number of its first
    output within the whole batch, from 0, for providers that tell variations apart. `since` is the instant (epoch
    microseconds) before which it was not sent. `promised` is what each output was said to be exactly. `trace` is the
    context of the request that it came with (W3C `traceparent`), if that is traced and another process accepted it.
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
    trace: str = ""


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

    `final`: no other model may be asked instead, because the request itself is not allowed. `retry_after` is how many
    seconds later the same may be sent again, if the provider says so.
    """

    def __init__(self, code: str, message: str, *, final: bool = False, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.final = final
        self.retry_after = retry_after


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
