"""Outputs made safe: sniffed and durable before their delivery is a fact, fetched first if they are elsewhere.

    Delivery ─┬─ Media ─────────── receive ─────────────────────┐
              └─ Remote ── open ── receive ── (tried again) ────┴─> Kept
                              └── gone, or not to be kept ──> lost

An output that cannot be fetched now and is not gone yet leaves the operation pending, for recovery to fetch. An address
that answers with nothing, or with a page, is one whose file cannot be fetched now. An output that a setting of ours
keeps out leaves the operation pending too, if its provider can be asked again and nothing else came.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NoReturn, Self

from application.ledger.writer import Clock
from application.library.naming import AssetNames
from application.ports import (
    Asset,
    AssetStore,
    Delivery,
    DownloadFailed,
    DownloadGone,
    DownloadKeptOut,
    DownloadRefused,
    Downloads,
    Media,
    OutputWithheld,
    ProviderUnknown,
    Remote,
    Task,
    TaskFailed,
)
from domain.errors import BeyondLimit, InvalidInput, NoMedia

UNDELIVERED = "nothing_delivered"
UNREADABLE = "unreadable_output"
UNSOLD = "wrong_output"
WITHHELD = "output_withheld"
GONE = "gone"
"""Why an output was lost, where nothing else is said."""
UNREACHABLE = "output_unreachable"
PAUSES = (0.5, 2.0, 5.0)
"""As usual, while the caller waits."""

Sleep = Callable[[float], Awaitable[object]]


@dataclass(slots=True)
class Kept:
    """The outputs that are safe now: files, the bytes of those that came with the answer, and how many are gone."""

    stored: list[Asset] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict, repr=False)
    losses: dict[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        return sum(self.losses.values())

    def lose(self, reason: str) -> None:
        self.losses[reason] = self.losses.get(reason, 0) + 1


@dataclass(frozen=True, slots=True)
class Outputs:
    """Keeps what providers deliver. `largest` is in bytes; `pauses` are seconds before each further try."""

    assets: AssetStore
    downloads: Downloads
    clock: Clock
    sleep: Sleep
    largest: int
    names: AssetNames
    pauses: Sequence[float] = PAUSES

    async def keep(self, account: str, task: Task, delivery: Delivery, *, again: bool) -> Kept:
        """The outputs that could be kept; `again`: the provider can be asked again for the same.

        Raises TaskFailed if nothing came, or all that came is damaged, of no kind that is known, not of the kind
        that the model is sold for, or kept out by a setting; ProviderUnknown if it must be fetched later, and
        OutputWithheld if it can be once the setting is changed.
        """
        if not delivery.outputs:
            raise _failed(UNDELIVERED, "the provider delivered nothing", delivery)
        kept, troubles = Kept(), []
        for output in delivery.outputs:
            try:
                await self._keep_one(account, task, output, kept)
            except (InvalidInput, DownloadKeptOut) as error:
                kept.lose(_reason(error))
                troubles.append(error)
        if not kept.stored and troubles:
            _raise_trouble(troubles[0], delivery, again=again)
        sold = {_sort(media_type) for media_type in task.media_types}
        wrong = [asset.media_type for asset in kept.stored if _sort(asset.media_type) not in sold]
        if wrong:
            self._leave_out(kept, wrong, task, delivery)
        return kept

    def _leave_out(self, kept: Kept, wrong: Collection[str], task: Task, delivery: Delivery) -> None:
        """An output of no sort that was sold is lost; if all are, the delivery failed."""
        if len(wrong) == len(kept.stored):
            what = f"the provider delivered {', '.join(sorted({*wrong}))} instead of {' or '.join(task.media_types)}"
            raise _failed(UNSOLD, what, delivery)
        for _ in wrong:
            kept.lose(UNSOLD)
        kept.stored = [asset for asset in kept.stored if asset.media_type not in wrong]

    async def _keep_one(self, account: str, task: Task, output: Media | Remote, kept: Kept) -> None:
        if isinstance(output, Remote):
            asset = await self._fetch(account, task, output)
            if asset is None:
                kept.lose(GONE)
            else:
                kept.stored.append(self.names.named(account, asset))
            return
        asset = await self.assets.receive(account, AtHand(output.content), task.media_types)
        kept.stored.append(self.names.named(account, asset))
        kept.contents[asset.digest] = output.content

    async def _fetch(self, account: str, task: Task, output: Remote) -> Asset | None:
        """The file, or None if it is gone for good."""
        failure: DownloadFailed | InvalidInput
        for pause in (*self.pauses, None):
            try:
                async with self.downloads.open(output.url, self.largest) as content:
                    return await self.assets.receive(account, content, task.media_types)
            except (DownloadKeptOut, BeyondLimit):
                raise
            except (DownloadFailed, NoMedia) as error:
                if self._is_gone(output, error, last=pause is None):
                    return None
                failure = error
            except InvalidInput as error:  # where no length was told, it may have been cut short on the way
                failure = error
            if pause is not None:
                await self.sleep(pause)
        if isinstance(failure, InvalidInput) and not isinstance(failure, NoMedia):
            raise failure
        raise ProviderUnknown(UNREACHABLE, f"an output cannot be fetched now: {failure}") from failure

    def _is_gone(self, output: Remote, error: DownloadFailed | NoMedia, *, last: bool) -> bool:
        """Whether it will never come.

        refused for good             gone
        a known end                  gone once that is past
        no known end                 gone if the answer says so, or the last answer has no file
        """
        if isinstance(error, DownloadRefused):
            return True
        if output.expires is None:
            return isinstance(error, DownloadGone) or (last and isinstance(error, NoMedia))
        return self.clock() >= output.expires


@lru_cache(maxsize=256)
def _sort(media_type: str) -> str:
    """A picture is one in any encoding, and so are a film, a sound and a model; one is none of the others."""
    return media_type.partition("/")[0]


def _reason(error: InvalidInput | DownloadKeptOut) -> str:
    if isinstance(error, DownloadKeptOut):
        return error.reason
    return "too_large" if isinstance(error, BeyondLimit) else "unreadable"


def _raise_trouble(error: InvalidInput | DownloadKeptOut, delivery: Delivery, *, again: bool) -> NoReturn:
    if not isinstance(error, DownloadKeptOut | BeyondLimit):
        raise _failed(UNREADABLE, f"the provider delivered no media: {error}", delivery) from error
    what = f"what the provider delivered is kept out here: {error} (setting {error.setting})"
    if again:
        raise OutputWithheld(WITHHELD, what, error.setting) from error
    raise _failed(WITHHELD, what, delivery) from error


def _failed(code: str, message: str, delivery: Delivery) -> TaskFailed:
    """It is billed all the same: as it says, as it was counted, or as it was quoted."""
    return TaskFailed(code, message, cost=delivery.cost, usage=delivery.usage, rough=delivery.rough)


class AtHand:
    """Bytes that are here, as a stream of one piece; a loop keeps a record of every generator, and of this none."""

    __slots__ = ("_pieces",)

    def __init__(self, content: bytes) -> None:
        self._pieces = iter((content,))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration
