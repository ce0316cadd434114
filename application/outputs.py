"""Outputs made safe: sniffed and durable before their delivery is a fact, fetched first where they are elsewhere.

    Delivery ─┬─ Media ─────────── receive ─────────────────────┐
              └─ Remote ── open ── receive ── (tried again) ────┴─> Kept
                              └── gone for good ──> lost

An output that cannot be fetched now and is not gone yet leaves the operation pending, for recovery to fetch. An address
that answers with nothing, or with a page, is one whose file cannot be fetched now.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from application.ports import (
    Asset,
    AssetStore,
    Delivery,
    DownloadFailed,
    DownloadGone,
    DownloadRefused,
    Downloads,
    Media,
    ProviderFailed,
    ProviderUnknown,
    Remote,
    Task,
)
from application.writer import Clock
from domain.errors import InvalidInput, NoMedia

UNDELIVERED = "nothing_delivered"
UNREADABLE = "unreadable_output"
UNSOLD = "wrong_output"
UNREACHABLE = "output_unreachable"
PAUSES = (0.5, 2.0, 5.0)
"""Seconds before each further try to fetch an output, while its caller waits."""

Sleep = Callable[[float], Awaitable[object]]


@dataclass(slots=True)
class Kept:
    """What is safe now: the files, the bytes of those that came with the answer, and how many outputs are gone."""

    stored: list[Asset] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict, repr=False)
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Outputs:
    """Keeps what providers deliver. `largest` is in bytes, an output."""

    assets: AssetStore
    downloads: Downloads
    clock: Clock
    sleep: Sleep
    largest: int

    async def keep(self, account: str, task: Task, delivery: Delivery) -> Kept:
        """Raises ProviderFailed where nothing came, or what came is damaged, of no kind that is known, or not of the
        kind that the model is sold for; ProviderUnknown where it must be fetched later."""
        cost = delivery.cost
        if not delivery.outputs:
            raise ProviderFailed(UNDELIVERED, "the provider delivered nothing", cost=cost)
        kept = Kept()
        try:
            for output in delivery.outputs:
                await self._keep_one(account, task, output, kept)
        except InvalidInput as error:
            raise ProviderFailed(UNREADABLE, f"the provider delivered no media: {error}", cost=cost) from error
        if wrong := sorted({asset.media_type for asset in kept.stored if not _is_sold(asset.media_type, task)}):
            sold = " or ".join(task.media_types)
            raise ProviderFailed(UNSOLD, f"the provider delivered {', '.join(wrong)} instead of {sold}", cost=cost)
        return kept

    async def _keep_one(self, account: str, task: Task, output: Media | Remote, kept: Kept) -> None:
        if isinstance(output, Remote):
            asset = await self._fetch(account, task, output)
            kept.lost += asset is None
            kept.stored += [] if asset is None else [asset]
            return
        asset = await self.assets.receive(account, _as_it_is(output.content), task.media_types)
        kept.stored.append(asset)
        kept.contents[asset.digest] = output.content

    async def _fetch(self, account: str, task: Task, output: Remote) -> Asset | None:
        """The file, or None where it is gone for good."""
        failure: DownloadFailed | InvalidInput
        for pause in (*PAUSES, None):
            try:
                async with self.downloads.open(output.url, self.largest) as content:
                    return await self.assets.receive(account, content, task.media_types)
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
        """Until it expires it may come back; where nobody says when that is, the answer "gone" is believed, and at the
        last try also an answer without a file."""
        if isinstance(error, DownloadRefused):
            return True
        if output.expires is None:
            return isinstance(error, DownloadGone) or (last and isinstance(error, NoMedia))
        return self.clock() >= output.expires


def _is_sold(media_type: str, task: Task) -> bool:
    """A picture is one in any encoding, and so are a film, a sound and a model; one is none of the others."""
    return any(media_type.partition("/")[0] == sold.partition("/")[0] for sold in task.media_types)


async def _as_it_is(content: bytes) -> AsyncIterator[bytes]:
    yield content
