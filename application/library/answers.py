"""Answers of the library besides records, and what it is given, for whoever asks it here or over a wire."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from application.library.records import AssetLink, AssetRecord
from domain.actor import Actor
from domain.value import value


@value
class AssetWords:
    """The words of people about one asset."""

    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    favourite: bool = False
    collections: tuple[str, ...] = ()


NO_WORDS: Final = AssetWords()


@value
class ShownAsset:
    """An asset with its places: which operations made it, and which used it.

    `digest` is its file's SHA-256, None if nothing tells any more which file it was; `path` the file, None if it is
    not there, or not on this machine; `where` the path or address under which it is kept, None if it is erased. `words`
    are what people wrote about it.
    """

    asset: AssetRecord
    made_by: tuple[AssetLink, ...]
    used_by: tuple[AssetLink, ...]
    digest: str | None
    path: str | None
    words: AssetWords = NO_WORDS
    where: str | None = None


@value
class Bringing:
    """Who brings a file, and how: the account as user if none is named, the file's own name as title."""

    user: str | None = None
    project: str | None = None
    title: str = ""
    by: Actor | None = None


BRINGING: Final = Bringing()


@dataclass(frozen=True, slots=True)
class AddedAsset:
    """The asset that a file is, and whether people had not brought it before."""

    asset: AssetRecord
    is_new: bool


@dataclass(frozen=True, slots=True)
class ErasedAssets:
    """The assets that were erased, and how many of their files were still there."""

    assets: tuple[str, ...]
    files: int
