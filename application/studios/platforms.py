"""Platforms: their formats, and the services that bring one file to many of them at once.

[[format]] · [[video-format]] ──> PlatformFormat ── an id, a platform, several ──> chosen_among
one file ── drafts one request for all formats ──> ForPlatforms: all of them, or none
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Generic, TypeVar

from application.asking.requests import File
from application.ports import Progress, Scalar, silent
from application.studios.desk import ServiceDesk
from application.studios.finishing import AdvisedSet, FinishedSet, Piece, advise_all, finish
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.meant import meant
from domain.shapes import pair

SAFE_SIDES: Final = ("safe_top", "safe_right", "safe_bottom", "safe_left")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFormat:
    """A place on a platform: its pixels and its most bytes.

    `safe` are the pixels that the platform may lay something over: at the top, right, bottom and left. `source` is
    the page where that was read, on the day `checked`.
    """

    WORD: ClassVar[str]
    id: str
    name: str
    platform: str
    size: str
    max_bytes: int
    source: str
    checked: str
    safe: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        try:
            width, height = self.pixels()
        except InvalidInput as error:
            raise ValueError(error.message) from error
        top, right, bottom, left = self.safe
        if min(self.safe) < 0 or top + bottom >= height or left + right >= width:
            raise ValueError(f"safe: {self.safe} leaves nothing of {self.size}")

    def pixels(self) -> tuple[int, int]:
        """Its width and height."""
        return pair("size", self.size)

    def safe_lines(self) -> dict[str, Scalar]:
        """Its safe part as inputs."""
        return dict(zip(SAFE_SIDES, self.safe, strict=True))


F = TypeVar("F", bound=PlatformFormat)


@dataclass(frozen=True, slots=True)
class ForPlatforms(ABC, Generic[F]):
    """A service that brings one file to platforms: each of its kind drafts one request for all of them."""

    desk: ServiceDesk

    @property
    @abstractmethod
    def known(self) -> Mapping[str, F]:
        """Every format by id."""

    @abstractmethod
    def draft(self, file: File, account: str, options: Mapping[str, Any]) -> Piece:
        """The request. Raises InvalidInput."""

    async def __call__(self, file: File, *, account: str, progress: Progress = silent, **options: Any) -> FinishedSet:
        """Do it. Options: those of its brief and of `Caller`, and inputs of the model. Raises as `run` does."""
        return await finish(self.desk, [self.draft(file, account, options)], progress)

    async def estimate(self, file: File, *, account: str, **options: Any) -> AdvisedSet:
        """The estimate of all of it; nothing is recorded. Options as when it is done."""
        return await advise_all(self.desk, [self.draft(file, account, options)])

    def formats(self, platform: str = "") -> tuple[F, ...]:
        """Every format, or those of a platform. Raises InvalidInput that names the nearest."""
        return among_formats(self.known, platform)


def chosen_among(every: Mapping[str, F], platforms: Sequence[str] | str) -> list[F]:
    """The formats of ids and platforms, which a text names with commas between them. Raises InvalidInput."""
    names = platforms.replace(",", " ").split() if isinstance(platforms, str) else platforms
    wanted = list(dict.fromkeys(one for name in names for one in among_formats(every, name)))
    if not wanted:
        raise InvalidInput("platforms", "is empty", hint="name platforms, or formats such as instagram-story")
    return wanted


def among_formats(every: Mapping[str, F], name: object = "") -> tuple[F, ...]:
    """All formats, or the one of an id, or those of a platform. Raises InvalidInput that names the nearest."""
    if isinstance(name, str) and name in every:
        return (every[name],)
    found = tuple(one for _, one in sorted(every.items()) if name in ("", one.platform))
    if not found:
        platforms = sorted({one.platform for one in every.values()})
        hint = meant(str(name), [*every, *platforms], f"there are the platforms: {', '.join(platforms)}")
        raise InvalidInput("platforms", f"there is no platform or format {shortened(name)}", hint=hint)
    return found
