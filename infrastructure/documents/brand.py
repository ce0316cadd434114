"""Whose paper it is: name, logo, colour and lines of whoever hands it on, from a TOML file; nothing of ours is left.

name = "Fox & Lake"
logo = "logo.png"              PNG or JPEG, beside the file
accent = "#7a2e39"
lines = ["Fox & Lake GmbH", "Hamburg"]
note = "Questions: billing@fox.example"
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from domain.errors import InvalidInput
from domain.value import value
from infrastructure.texts import text_in, toml_of

COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
KNOWN: Final = ("name", "logo", "accent", "lines", "note")
LARGEST_LOGO: Final = 500_000
BEGINNINGS: Final = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
LONGEST: Final = 200


@value
class Logo:
    """A picture, as it is in its file."""

    content: bytes
    media_type: str


@value
class Brand:
    """All that stands on a paper about whoever hands it on; `accent` is a colour such as #0a5a68."""

    name: str = "Image Studio"
    accent: str = "#0a5a68"
    logo: Logo | None = None
    lines: tuple[str, ...] = ()
    note: str = ""

    @property
    def red_green_blue(self) -> tuple[int, int, int]:
        return int(self.accent[1:3], 16), int(self.accent[3:5], 16), int(self.accent[5:7], 16)


OURS: Final = Brand()


def load_brand(file: Path | None) -> Brand:
    """The brand of a file, ours without one. Raises InvalidInput for what it says wrongly."""
    if file is None:
        return OURS
    told = _read(file)
    for unknown in told.keys() - set(KNOWN):
        raise _wrong(file, f"{unknown!r} is nothing that a brand has", f"there are: {', '.join(KNOWN)}")
    texts: dict[str, Any] = {name: _text(file, name, told[name]) for name in ("name", "note") if name in told}
    if "accent" in told:
        texts["accent"] = _text(file, "accent", told["accent"]).lower()
        if not COLOUR.fullmatch(texts["accent"]):
            raise _wrong(file, f"accent: {texts['accent'][:40]!r} is not a colour", "write it as #0a5a68")
    lines = told.get("lines", [])
    if not isinstance(lines, list):
        raise _wrong(file, "lines: is not a list", 'write lines = ["Fox & Lake GmbH"]')
    logo = _logo(file, _text(file, "logo", told["logo"])) if "logo" in told else None
    return Brand(logo=logo, lines=tuple(_text(file, "lines", one) for one in lines), **texts)


def _read(file: Path) -> dict[str, Any]:
    try:
        return toml_of(text_in(file))
    except OSError as error:
        raise _wrong(file, f"it cannot be read: {error.strerror}", "name a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(file, f"it is not TOML: {error}", "name a TOML file") from error


def _text(file: Path, name: str, text: object) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST or not text.isprintable():
        raise _wrong(file, f"{name}: is not a text of 1 to {LONGEST} characters", "write it in quotes")
    return text


def _logo(file: Path, name: str) -> Logo:
    path = file.parent / name
    try:
        if path.stat().st_size > LARGEST_LOGO:
            raise _wrong(file, f"logo: {path} has more than {LARGEST_LOGO:,} bytes", "make it smaller")
        content = path.read_bytes()
    except OSError as error:
        raise _wrong(file, f"logo: {path} cannot be read: {error.strerror}", "name a file beside it") from error
    for beginning, media_type in BEGINNINGS.items():
        if content.startswith(beginning):
            return Logo(content, media_type)
    raise _wrong(file, f"logo: {path} is neither PNG nor JPEG", "convert it")


def _wrong(file: Path, told: str, hint: str) -> InvalidInput:
    return InvalidInput("brand", f"{file}: {told}", hint=hint)
