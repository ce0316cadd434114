"""Files, by what they hold: read, kept under their digest, and forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.operation import Stored
from domain.value import value


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


class AssetStore(Protocol):
    """Content-addressed files, a folder an account; a saved one survives a power cut."""

    async def save(self, account: str, media: Media) -> Asset: ...

    async def receive(
        self, account: str, content: AsyncIterator[bytes], media_types: Sequence[str], *, field: str = "output"
    ) -> Asset:
        """Store a stream as it comes, without holding it in memory; what it is is read from its content.

        Text is recognised if `media_types` expect it. Raises NoMedia if it is empty or text that nobody expected,
        InvalidInput if it is damaged, of no known kind or too large, and what the stream raises; then nothing is kept.
        """

    async def load(self, account: str, asset: Asset) -> Media:
        """Raises AssetMissing if the content was erased or lost."""

    def pieces(self, account: str, asset: Asset) -> Iterator[bytes]:
        """The content as it is read, for a thread that may wait; the last piece comes once the digest is the same.

        Raises AssetMissing, AssetDamaged, StoreUnavailable.
        """

    async def exists(self, account: str, asset: Asset) -> bool:
        """Whether the content is there. Raises StoreUnavailable."""

    def path(self, account: str, asset: Asset) -> str | None:
        """The file's path, to open it; None if it is not there, or kept elsewhere than on this machine."""

    def where(self, account: str, asset: Asset) -> str:
        """The path or address under which the content is kept, whether it is there or not."""


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
