"""Loads what is preset for services: our own files beside this one, then those of the setting `presets`.

    [[template]] id = "…" ──> checked by its shape ──> Presets

An entry of a later file stands in place of one of the same id. Every mistake is a CatalogueError naming file, entry and
field, and nothing is loaded. Whoever adds a kind of entry writes its dataclass in `application/studios`, names it in
`SHAPES`, and puts its entries into a file here.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from application.studios.background import Backdrop
from application.studios.compress import Compression
from application.studios.convert import Conversion
from application.studios.presets import Enhancement, PresetEntry, Presets, Quality, Style
from application.studios.recipes import Recipe
from application.studios.social import SocialFormat
from application.studios.templates import Template
from application.studios.upscale import Enlargement
from application.studios.video.compress import VideoCompression
from application.studios.video.presets import VideoEnhancement, VideoQuality, VideoTemplate
from application.studios.video.social import VideoFormat
from application.studios.watermark import BrandKit
from domain.errors import CatalogueError
from domain.inputs import shortened
from domain.meant import meant
from infrastructure.gateway.aliases import Alias
from infrastructure.texts import text_in, toml_of

SHAPES: tuple[type[PresetEntry], ...] = (
    *(Template, Style, Quality, Enhancement, Enlargement, Backdrop, Recipe),
    *(SocialFormat, Compression, Conversion, BrandKit),
    *(VideoTemplate, VideoQuality, VideoEnhancement),
    *(VideoCompression, VideoFormat, Alias),
)
HERE = Path(__file__).parent
ALIASES = HERE.parent / "catalogue" / "clients" / "aliases.toml"
"""They name models, and so stand among the catalogue's own files."""
CORRECT = "correct the file"


def load_presets(own: Sequence[Path] = ()) -> Presets:
    """All entries: ours, then those of `own` files in their order. Raises CatalogueError."""
    ours = [*sorted(HERE.glob("*.toml")), ALIASES]
    files = [*((path.name, path) for path in ours), *((str(path), path) for path in own)]
    return _loaded(tuple((name, _text(name, path)) for name, path in files))


@lru_cache(8)
def _loaded(files: tuple[tuple[str, str], ...]) -> Presets:
    tables: dict[type[Any], dict[str, Any]] = {shape: {} for shape in SHAPES}
    for name, text in files:
        met: set[tuple[type[Any], str]] = set()
        for shape, entry in _entries(name, text):
            if (shape, entry.id) in met:
                raise CatalogueError(f"{name}: {shape.WORD} {entry.id!r}: there is one already", hint=CORRECT)
            met.add((shape, entry.id))
            tables[shape][entry.id] = entry
    return Presets(tables)


def _text(name: str, path: Path) -> str:
    try:
        return text_in(path)
    except OSError as error:
        raise CatalogueError(f"{name}: cannot be read: {error.strerror}", hint="check the path") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"{name}: is not TOML: {error}", hint=CORRECT) from error


def _entries(name: str, text: str) -> Iterator[tuple[type[PresetEntry], PresetEntry]]:
    try:
        data = toml_of(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name}: is not TOML: {error}", hint=CORRECT) from error
    words = {shape.WORD: shape for shape in SHAPES}
    for word, tables in data.items():
        if word not in words:
            raise CatalogueError(f"{name}: there is no kind of entry {word!r}", hint=meant(word, words, CORRECT))
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise CatalogueError(f"{name}: {word}: must be tables, as in [[{word}]]", hint=CORRECT)
        for number, table in enumerate(tables):
            yield words[word], _entry(words[word], table, f"{name}: {word} {shortened(table.get('id', number + 1))}")


def _entry(shape: type[PresetEntry], table: Mapping[str, Any], where: str) -> PresetEntry:
    """One entry as its shape has it. Raises CatalogueError."""
    known = {one.name: one for one in fields(shape)}  # type: ignore[arg-type]
    for name in table:
        if name not in known:
            raise CatalogueError(f"{where}: {name}: is no field of it", hint=meant(name, known, CORRECT))
    for name, one in known.items():
        if name not in table and one.default is MISSING and one.default_factory is MISSING:
            raise CatalogueError(f"{where}: {name}: is missing", hint=CORRECT)
    try:
        return msgspec.convert(table, shape)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$")
        field = place.rstrip("`").lstrip(".")
        told = f"{where}: {field}: {what[0].lower()}{what[1:]}" if field else f"{where}: {what}"
        raise CatalogueError(told, hint=CORRECT) from error
